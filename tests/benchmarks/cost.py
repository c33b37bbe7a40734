"""What comes after detection against decoding and detection, in the same run: at most half is aimed for.

    GRAPHICS_ML_TEST_DATA=... python -m tests.benchmarks cost

Three real films onto Geno.fbx: as a job in a process that has everything imported, and as a fresh command, whose
imports and start count as what comes after. After is everything but `detect`: rig, camera's movement, solving,
retargeting, writing and checking the file.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

ROUNDS = 3
FILMS = ("video/treadmill_a.mp4", "video/treadmill_b.mp4", "video/multiview/cam01.mp4")
# The command with a clock around its detection; it says the seconds last.
COMMAND = "from tests.benchmarks.cost import clocked; print(clocked(), flush=True)"


def main():
    data = os.environ.get("GRAPHICS_ML_TEST_DATA")
    if not data:
        print("cost: GRAPHICS_ML_TEST_DATA must name the folder of real videos and rigs")
        return
    rig = Path(data) / "rigs" / "Geno.fbx"
    for film in FILMS:
        for title, one_run in (("in one process", _job), ("fresh command", _command)):
            if one_run is _job:
                one_run(Path(data) / film, rig)  # imports and caches out of the way
            detections, others = zip(*(one_run(Path(data) / film, rig) for _ in range(ROUNDS)), strict=True)
            detection, other = median(detections), median(others)
            ratio = median(b / a for a, b in zip(detections, others, strict=True))
            print(
                f"{Path(film).stem:12s} {title:15s} decode and detection {detection:6.2f} s   after {other:6.2f} s   "
                f"ratio {ratio:.2f}   (median of {ROUNDS})",
                flush=True,
            )


def clocked() -> float:
    """Do the command in sys.argv and give the seconds that its detection took."""
    from graphics_ml.cli import main as command

    with _detection_clock() as spent:
        command(sys.argv[1:])
    return sum(spent)


def _job(video, rig):
    from graphics_ml.jobs import Animate
    from graphics_ml.run import run

    with tempfile.TemporaryDirectory() as folder, _detection_clock() as spent:
        start = time.perf_counter()
        run(Animate(video=video, output=Path(folder) / "out.blend", rig=rig))
        total = time.perf_counter() - start
    return sum(spent), total - sum(spent)


def _command(video, rig):
    with tempfile.TemporaryDirectory() as folder:
        words = ["animate", str(video), "--rig", str(rig), "-o", str(Path(folder) / "out.blend")]
        start = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", COMMAND, *words], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        total = time.perf_counter() - start
    detection = float(done.stdout.split()[-1])
    return detection, total - detection


class _detection_clock:
    """Times every `detect` of the capture task while the block runs; a list of seconds."""

    def __enter__(self):
        from graphics_ml.tasks import capture

        self.capture, self.detect, spent = capture, capture.detect, []

        def timed(*arguments, **settings):
            start = time.perf_counter()
            try:
                return self.detect(*arguments, **settings)
            finally:
                spent.append(time.perf_counter() - start)

        capture.detect = timed
        return spent

    def __exit__(self, *_):
        self.capture.detect = self.detect
