"""Two worker processes against one on 454 real files, and the memory of a run over 2,270.

    GRAPHICS_ML_TEST_DATA=... python -m tests.benchmarks batches

Whole commands are timed, in which the start of Python and of each worker counts, and what further files add to them;
one and two take turns, because other work on the machine slows both. Beside the ratios stands what the work costs in
processor time.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from tests.archives import unpack

ROUNDS = 2
SETS = ("bandai1", "bandai2-subset")
COPIES = 5


def main():
    data = os.environ.get("GRAPHICS_ML_TEST_DATA")
    if not data:
        print("batches: GRAPHICS_ML_TEST_DATA must name the folder of real motion files")
        return
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        files = [file for name in SETS for file in unpack(Path(data) / "motion" / f"{name}.tar.xz", folder / name)]
        _two_against_one(folder, files)
        _memory(folder, files)


def _two_against_one(folder, files):
    few, many = (linked(folder / f"times{copies}", files, copies) for copies in (1, COPIES))
    whole, further, costs = [], [], []
    for turn in range(ROUNDS):
        seconds = {}
        for source in (few, many):
            for jobs in (1, 2):
                seconds[source, jobs], cost = timed(source, folder / f"{source.name}-{turn}-{jobs}", jobs)
                costs.append(cost)
        whole.append(seconds[few, 1] / seconds[few, 2])
        further.append((seconds[many, 1] - seconds[few, 1]) / (seconds[many, 2] - seconds[few, 2]))
    print(
        f"one worker against two, median of {ROUNDS} turns: {len(files)} files with all start-up {median(whole):.2f}, "
        f"files after those {median(further):.2f}"
    )
    print(f"processor time of {len(files)} files: one worker {costs[0]:.1f} s, two {costs[1]:.1f} s")


def timed(source, output, jobs):
    """Seconds that a run took, and processor seconds of all its processes."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(_command(source, output, jobs), check=True, capture_output=True)
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _memory(folder, files):
    if not Path("/proc/self/status").exists():
        print("memory: only Linux tells that of other processes")
        return
    source, output = linked(folder / "many", files, COPIES), folder / "out"
    count = COPIES * len(files)
    process = subprocess.Popen(_command(source, output, 2), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for part in (0.1, 0.4, 0.7, 0.95):
        while process.poll() is None and _done(output) < part * count:
            time.sleep(0.1)
        workers = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        sizes = " ".join(f"{_resident(pid):.0f}" for pid in workers)
        print(f"after {_done(output)} of {count} files: run {_resident(process.pid):.0f} MB, its processes {sizes} MB")
    process.wait()


def linked(folder, files, copies):
    for copy in range(copies):
        (folder / str(copy)).mkdir(parents=True)
        for file in files:
            (folder / str(copy) / file.name).symlink_to(file)
    return folder


def _command(source, output, jobs):
    words = ("convert", source, "-o", output, "--format", "npz", "--jobs", jobs)
    return [sys.executable, "-m", "graphics_ml.cli", *map(str, words)]


def _done(output):
    manifest = output / "manifest.jsonl"
    return len(manifest.read_bytes().splitlines()) if manifest.exists() else 0


def _resident(pid):
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmRSS"))) / 1024
