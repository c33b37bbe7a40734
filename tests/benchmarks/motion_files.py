"""BVH reading and writing and forward kinematics against pybvh, on two real clips.

They are 01_06 of the CMU database (5,133 frames, 31 joints) and the longest of the Bandai-Namco ones (22 joints, six
channels each, numbers of any length) where GRAPHICS_ML_TEST_DATA names the folder that holds them, and else one like
the first made here. Both sides go from file to what they work with: pybvh to Euler angles, we to quaternions, unit and
up axis detected; both write the same text from that. Both sides' kinematics begin from there too. pybvh refuses
position channels on other joints than the root, so both read a copy of the Bandai-Namco clip without them.
"""

import os
import tempfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from graphics_ml.formats import bvh, digits
from graphics_ml.motion.kinematics import forward_kinematics
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.rotations import quaternion_from_euler
from graphics_ml.motion.skeleton import Skeleton
from tests.archives import unpack
from tests.benchmarks.timing import compare

FRAMES, JOINTS = 5133, 31


def main():
    if find_spec("pybvh") is None:
        print("motion_files: the peer is not installed; install it with: pip install --group bench")
        return
    with tempfile.TemporaryDirectory() as folder:
        for clip in clips(Path(folder)):
            _compare_all(_with_still_joints(clip, Path(folder)), Path(folder))


def _compare_all(path, folder):
    import pybvh

    motion, theirs = bvh.load(path), pybvh.read_bvh_file(path)
    size = f"{len(motion):,} frames x {len(motion.skeleton)} joints"
    compare(f"BVH load, {size}, NumPy", lambda: _load_plainly(path), lambda: pybvh.read_bvh_file(path), "pybvh")
    if find_spec("numba") is not None:
        compare(f"BVH load, {size}, numba", lambda: bvh.load(path), lambda: pybvh.read_bvh_file(path), "pybvh")
    compare(
        f"BVH save, {size}",
        lambda: bvh.save(motion, folder / "ours.bvh"),
        lambda: pybvh.write_bvh_file(theirs, folder / "theirs.bvh"),
        "pybvh",
    )
    by_frame = np.ascontiguousarray(motion.rotations)
    for layout, rotations in (("", motion.rotations), (", by frame in memory", by_frame)):
        compare(
            f"forward kinematics, {size}{layout}",
            lambda rotations=rotations: forward_kinematics(
                rotations, motion.root_positions, motion.offsets, motion.skeleton.parents
            ),
            lambda: pybvh.frames_to_node_positions(theirs, theirs.root_pos, theirs.joint_angles),
            "pybvh",
        )


def _load_plainly(path):
    worth, digits.WORTH_COMPILING = digits.WORTH_COMPILING, float("inf")
    try:
        return bvh.load(path)
    finally:
        digits.WORTH_COMPILING = worth


def clips(folder):
    """The clips that are compared, unpacked or made in a folder."""
    data = os.environ.get("GRAPHICS_ML_TEST_DATA")
    if data and (Path(data) / "motion" / "cmu.tar.xz").is_file():
        cmu, bandai = (unpack(Path(data) / "motion" / f"{name}.tar.xz", folder / name) for name in ("cmu", "bandai1"))
        return [
            next(clip for clip in cmu if clip.name == "01_06.bvh"),
            max(bandai, key=lambda clip: clip.stat().st_size),
        ]
    return [made_clip(folder / "clip.bvh", FRAMES, JOINTS)]


def _with_still_joints(path, folder):
    """The file itself, or a copy in which no joint but the root has position channels, its numbers as they stood."""
    head, motion, frames = path.read_text().partition("MOTION")
    lines, kept, column = head.splitlines(), [], 0
    for number, line in enumerate(lines):
        if "CHANNELS" in line:
            words = line.split()[2:]
            stay = [word for word in words if not kept or "rotation" in word]
            kept += [column + words.index(word) for word in stay]
            column += len(words)
            lines[number] = f"CHANNELS {len(stay)} {' '.join(stay)}"
    if len(kept) == column:
        return path
    first, second, *rows = frames.strip().splitlines()
    rows = [" ".join(np.array(row.split())[kept]) for row in rows]
    copy = folder / "still.bvh"
    copy.write_text("\n".join([*lines, motion, first, second, *rows]))
    return copy


def made_clip(path: Path, frames: int, joints: int) -> Path:
    """Write a clip of a made skeleton that swings about; gives its path."""
    random = np.random.default_rng(0)
    parents = [-1] + [max(0, joint - int(random.integers(1, 4))) for joint in range(1, joints)]
    skeleton = Skeleton([f"joint{n}" for n in range(joints)], parents, random.normal(size=(joints, 3)) * 0.1)
    angles = np.cumsum(random.normal(size=(frames, joints, 3)) * 0.02, axis=0)
    root = np.cumsum(random.normal(size=(frames, 3)) * 0.01, axis=0)
    bvh.save(Motion(skeleton, quaternion_from_euler(angles, "ZXY"), root, 120), path)
    return path


if __name__ == "__main__":
    main()
