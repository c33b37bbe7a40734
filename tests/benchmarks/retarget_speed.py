"""Retargeting against our own forward kinematics on the same motion: all levels, on a long clip and on a short one.

01_06 of the CMU database and a Bandai-Namco file, where GRAPHICS_ML_TEST_DATA names the folder that holds them, onto
our standard body. What a pair of skeletons needs is worked out beforehand, as it is for a folder of files.
"""

import os
import tempfile
from functools import partial
from pathlib import Path

from graphics_ml.formats import load
from graphics_ml.motion.humanoid import standard_skeleton
from graphics_ml.motion.retarget import Retargeter
from tests.archives import unpack
from tests.benchmarks.timing import compare

CLIPS = (("cmu", "01_06"), ("bandai1", "walk_normal_001"))


def main():
    data = os.environ.get("GRAPHICS_ML_TEST_DATA")
    if not data:
        print("retarget_speed: GRAPHICS_ML_TEST_DATA is not set")
        return
    for archive, name in CLIPS:
        with tempfile.TemporaryDirectory() as folder:
            clips = unpack(Path(data) / "motion" / f"{archive}.tar.xz", Path(folder))
            motion = load(next(clip for clip in clips if name in clip.name))
        _compare_levels(motion)


def _compare_levels(motion):
    pair = Retargeter(motion, standard_skeleton())
    size = f"{len(motion):,} frames x {len(motion.skeleton)} joints"
    for name, level in (("(a)", "copy"), ("(b)", "contacts"), ("touch", "touch")):
        run = partial(pair, motion, level=level)
        ratio = compare(f"retarget {name}, {size}", run, motion.positions, "kinematics")
        print(f"{'':58} 1/{1 / ratio:.1f} of the rate of kinematics")


if __name__ == "__main__":
    main()
