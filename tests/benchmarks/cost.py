"""What comes after detection against decoding and detection, in the same run: at most half is aimed for.

    GRAPHICS_ML_TEST_DATA=... python -m tests.benchmarks cost

Three real films onto Geno.fbx: as a job in a process that has everything imported, and as a fresh command. After
detection come the camera's movement, solving, retargeting, writing and checking the file. The rig is read before the
film is looked at; that and, for a command, Python's start and imports are told apart.
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
# The command with a clock around its detection; it says the times last.
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
            rounds = [one_run(Path(data) / film, rig) for _ in range(ROUNDS)]
            start, detection, after = (median(column) for column in zip(*rounds, strict=True))
            ratio = median(later / watching for _, watching, later in rounds)
            whole = median((first + later) / watching for first, watching, later in rounds)
            print(
                f"{Path(film).stem:12s} {title:15s} start and rig {start:5.2f} s   decode and detection "
                f"{detection:5.2f} s   after {after:5.2f} s   after/detection {ratio:.2f}, with start {whole:.2f}"
                f"   (median of {ROUNDS})",
                flush=True,
            )


def clocked() -> str:
    """Do the command in sys.argv; the times at which its detection began and ended."""
    from graphics_ml.cli import main as command

    with _DetectionClock() as clock:
        command(sys.argv[1:])
    return f"{clock.began} {clock.ended}"


def _job(video, rig):
    from graphics_ml.jobs import Animate
    from graphics_ml.run import run

    with tempfile.TemporaryDirectory() as folder, _DetectionClock() as clock:
        start = time.time()
        run(Animate(video=video, output=Path(folder) / "out.blend", rig=rig))
        return clock.began - start, clock.ended - clock.began, time.time() - clock.ended


def _command(video, rig):
    with tempfile.TemporaryDirectory() as folder:
        words = ["animate", str(video), "--rig", str(rig), "-o", str(Path(folder) / "out.blend")]
        start = time.time()
        done = subprocess.run(
            [sys.executable, "-c", COMMAND, *words], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        end = time.time()
    began, ended = map(float, done.stdout.split()[-2:])
    return began - start, ended - began, end - ended


class _DetectionClock:
    """When the capture task's `detect` began and ended, while the block runs; in seconds that processes share."""

    def __enter__(self):
        from graphics_ml.tasks import capture

        self.capture, self.detect = capture, capture.detect

        def timed(*arguments, **settings):
            self.began = time.time()
            try:
                return self.detect(*arguments, **settings)
            finally:
                self.ended = time.time()

        capture.detect = timed
        return self

    def __exit__(self, *_):
        self.capture.detect = self.detect
