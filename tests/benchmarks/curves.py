"""Cost against frames, joints and files: seconds of reading, writing, forward kinematics and both levels of
retargeting, and of converting a folder.

Each is measured on a body that swings about, of 23 joints over more and more frames and of more and more joints over
2,000 frames; a folder on more and more files of such a body, by one process and by two, start-up included. The exponent
that fits the larger half says how cost grows (1: in proportion). The picture goes to `build/curves.png` (or the folder
GRAPHICS_ML_SHEETS).
"""

import os
import tempfile
import time
import warnings
from pathlib import Path
from statistics import median

import numpy as np

from graphics_ml.formats import bvh, npz
from graphics_ml.motion.humanoid import standard_skeleton
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.retarget import retarget
from graphics_ml.motion.rotations import multiply, quaternion_from_euler
from graphics_ml.motion.skeleton import Skeleton
from tests.benchmarks.batches import linked, timed

FRAMES = (100, 300, 1000, 3000, 10_000, 30_000, 100_000)
JOINTS = (30, 50, 75, 100, 150, 200)
FILES = (50, 150, 454, 1362)
FRAMES_OF_A_FILE = 170  # in the middle of Bandai-Namco's
ROUNDS = 3
FEWER = 10_000  # frames beyond which the slowest, level "contacts", is not followed


def main() -> None:
    """Print seconds and exponents, and draw them."""
    found = {}
    for axis, sizes in (("frames", FRAMES), ("joints", JOINTS)):
        for size in sizes:
            motion = swinging(size) if axis == "frames" else swinging(2000, size)
            for what, seconds in costs(motion).items():
                found.setdefault((axis, what), []).append((size, seconds))
    found |= costs_of_files()
    for (axis, what), points in found.items():
        shown = "  ".join(f"{size:,}: {seconds * 1e3:.1f} ms" for size, seconds in points)
        print(f"{what:33} against {axis}: exponent {exponent(points):.2f}   {shown}", flush=True)
    draw(found, Path(os.environ.get("GRAPHICS_ML_SHEETS", "build")) / "curves.png")


def costs(motion: Motion) -> dict[str, float]:
    """{what: seconds, the median of some rounds}."""
    target = standard_skeleton(1.6)
    with tempfile.TemporaryDirectory() as name, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        text, binary = Path(name, "a.bvh"), Path(name, "a.npz")
        actions = {
            "BVH save": lambda: bvh.save(motion, text),
            "BVH load": lambda: bvh.load(text),
            "npz save": lambda: npz.save(motion, binary),
            "npz load": lambda: npz.load(binary),
            "forward kinematics": motion.positions,
            "retarget, copy": lambda: retarget(motion, target, level="copy"),
        }
        if len(motion) <= FEWER:
            actions["retarget, contacts"] = lambda: retarget(motion, target)
        return {what: median(_seconds(action) for _ in range(ROUNDS)) for what, action in actions.items()}


def costs_of_files() -> dict[tuple[str, str], list[tuple[int, float]]]:
    """{("files", what): (files, seconds) of a whole command that converts a folder to .npz}."""
    found = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        motion = folder / "a.bvh"
        bvh.save(swinging(FRAMES_OF_A_FILE), motion)
        for count in FILES:
            source = linked(folder / str(count), [motion], count)
            for jobs in (1, 2):
                wall, processor = timed(source, folder / f"{count} by {jobs}", jobs)
                by = "one process" if jobs == 1 else "two processes"
                found.setdefault(("files", f"convert, {by}, wall"), []).append((count, wall))
                found.setdefault(("files", f"convert, {by}, processor"), []).append((count, processor))
    return found


def exponent(points) -> float:
    """The slope of log(seconds) over log(size) in the larger half of the sizes."""
    sizes, seconds = np.log(np.array(points[len(points) // 2 :])).T
    return float(np.polyfit(sizes, seconds, 1)[0])


def swinging(frames: int, joints: int | None = None) -> Motion:
    """A body that walks on with swinging limbs; joints beyond its own hang as tails at all of them."""
    body = standard_skeleton()
    extra = max(0, (joints or 0) - len(body))
    names = [*body.names, *(f"tail_{n}" for n in range(extra))]
    parents = [*body.parents, *(n % (len(body) + n) for n in range(extra))]
    offsets = np.concatenate([body.offsets, np.tile([0, 0, -0.05], (extra, 1))])
    skeleton = Skeleton(names, parents, offsets, end_sites=body.end_sites)
    time_, random = np.arange(frames) / 60, np.random.default_rng(0)
    phase, size = random.uniform(0, 6.28, (2, len(skeleton), 3))
    angles = 0.1 * np.sin(2 * np.pi * time_[:, None, None] + phase) * (size / 6.28)
    turns = multiply(quaternion_from_euler(angles, "ZXY"), skeleton.rest_orientations)
    root = np.stack([0 * time_, body.offsets[0, 1] + 0.01 * np.sin(12 * time_), 1.2 * time_], axis=-1)
    return Motion(skeleton, turns, root, 60)


def draw(found, path: Path) -> None:
    """The picture, where matplotlib is installed."""
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError:
        print("curves: no picture without matplotlib")
        return
    figure = Figure(figsize=(18, 5), layout="constrained")
    for panel, axis in zip(figure.subplots(1, 3), ("frames", "joints", "files"), strict=True):
        for (one, what), points in found.items():
            if one == axis:
                panel.loglog(*np.array(points).T, "o-", label=f"{what} (exponent {exponent(points):.2f})")
        panel.set(xlabel=axis, ylabel="seconds")
        panel.grid(alpha=0.3)
        panel.legend(fontsize=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    print(f"curves: {path}")


def _seconds(action):
    start = time.process_time()
    action()
    return time.process_time() - start


if __name__ == "__main__":
    main()
