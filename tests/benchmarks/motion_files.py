"""BVH reading and writing and forward kinematics against pybvh, on a clip of 5,133 frames and 31 joints.

The clip is 01_06 of the CMU database where GRAPHICS_ML_TEST_DATA names the folder that holds it, and else one of the
same size made here. Both sides go from file to what they work with: pybvh to Euler angles, we to quaternions, unit and
up axis detected; both write the same text from that. Both sides' kinematics begin from there too.
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
        _compare_all(_clip(Path(folder)), Path(folder))


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
    rows = np.ascontiguousarray(motion.rotations.transpose(1, 2, 0)).transpose(2, 0, 1)
    for layout, rotations in (("", motion.rotations), (", component-major", rows)):
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


def _clip(folder):
    data = os.environ.get("GRAPHICS_ML_TEST_DATA")
    archive = Path(data) / "motion" / "cmu.tar.xz" if data else None
    if archive is not None and archive.is_file():
        found = [clip for clip in unpack(archive, folder) if clip.name == "01_06.bvh"]
        if found:
            return found[0]
    random = np.random.default_rng(0)
    parents = [-1] + [max(0, joint - int(random.integers(1, 4))) for joint in range(1, JOINTS)]
    skeleton = Skeleton([f"joint{n}" for n in range(JOINTS)], parents, random.normal(size=(JOINTS, 3)) * 0.1)
    angles = np.cumsum(random.normal(size=(FRAMES, JOINTS, 3)) * 0.02, axis=0)
    root = np.cumsum(random.normal(size=(FRAMES, 3)) * 0.01, axis=0)
    bvh.save(Motion(skeleton, quaternion_from_euler(angles, "ZXY"), root, 120), folder / "clip.bvh")
    return folder / "clip.bvh"


if __name__ == "__main__":
    main()
