"""What labels cost beside pictures, whether the rate stays, and what a second worker brings.

    python -m tests.benchmarks render_dataset

256 by 256 pixels at 16 samples, one or two people. What is compared was measured in one run, the cost of labels in
processor seconds: other work on the machine slows all of it. GRAPHICS_ML_FRAMES (default 1,100) is how many frames the
rate is measured over.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from graphics_ml.jobs import RenderDataset

SCENE = """
[picture]
width = 256
height = 256
samples = 16
[people]
count = {choice = [1, 2]}
"""
ROUNDS, FRAMES = 4, 10
PART = 100  # frames at each end of the long run
MANY = int(os.environ.get("GRAPHICS_ML_FRAMES", "1100"))


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        scene = folder / "scene.toml"
        scene.write_text(SCENE)
        _cost_of_labels(scene, folder / "cost")
        _two_against_one(scene, folder)
        _rate(scene, folder / "long")


def _cost_of_labels(scene, folder):
    """Picture alone, picture with all labels written, labels alone written: the same frames, turn about."""
    from graphics_ml.blender.scenes.build import Studio
    from graphics_ml.blender.scenes.description import read_scene
    from graphics_ml.tasks.labelled_frames import labelled_frame
    from graphics_ml.tasks.render_dataset import save_frame

    described = read_scene(scene)
    job = RenderDataset(scene=scene, output=folder, writers=("exr",))
    shares = {"picture and all labels": [], "labels alone": []}

    def seconds(indices, picture, label):
        began = time.process_time()
        for index in indices:
            drawn = studio.frame(index, picture)
            if label:
                save_frame(labelled_frame(drawn, described, "0" * 16), job)
        return time.process_time() - began

    # On one core, or Cycles' thread that waits for the other spins on the second one and counts as much.
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    with Studio(described, 0, threads=1) as studio:
        for turn in range(ROUNDS):
            indices = range(turn * FRAMES, (turn + 1) * FRAMES)
            seconds(indices, False, True)  # characters are built, kernels compiled
            alone = seconds(indices, True, False)
            shares["picture and all labels"].append(seconds(indices, True, True) / alone)
            shares["labels alone"].append(seconds(indices, False, True) / alone)
            print(f"{FRAMES} pictures alone {alone:.1f} s of a processor")
    os.sched_setaffinity(0, cores)
    for what, ratios in shares.items():
        print(f"{what}: {median(ratios):.2f} of the picture alone (median of {ROUNDS} times {FRAMES} frames)")


def _two_against_one(scene, folder):
    """What 40 further frames take, so that the start of processes and the making of characters do not count."""
    seconds = {}
    for jobs in (1, 2):
        for frames in (FRAMES, 5 * FRAMES):
            began = time.perf_counter()
            _run(scene, folder / f"{jobs}-{frames}", frames, jobs, chunk=frames // 2)
            seconds[jobs, frames] = time.perf_counter() - began
    further = {jobs: seconds[jobs, 5 * FRAMES] - seconds[jobs, FRAMES] for jobs in (1, 2)}
    whole = seconds[1, 5 * FRAMES] / seconds[2, 5 * FRAMES]
    print(f"two workers against one: {further[1] / further[2]:.2f} on further frames, {whole:.2f} with all start-up")


def _rate(scene, folder):
    """The rate of the last frames against that of the first, in chunks of 200 by one process after the other."""
    _run(scene, folder, MANY, 1, chunk=200)
    times = [path.stat().st_mtime for path in sorted((folder / "labels").glob("*.json"))]
    first, last = times[PART] - times[0], times[-1] - times[-1 - PART]
    print(f"frames {MANY - PART}-{MANY}: {first / last:.2f} times the rate of the first {PART} ({PART / first:.2f}/s)")


def _run(scene, folder, frames, jobs, chunk):
    words = ["render-dataset", scene, "-o", folder, "--frames", frames, "--jobs", jobs, "--chunk", chunk]
    command = [sys.executable, "-m", "graphics_ml.cli", *map(str, words), "--writers", "coco"]
    subprocess.run(command, check=True, capture_output=True)
