"""Round trips of real motion files through every format; as a program, of all files of the data folder:

GRAPHICS_ML_TEST_DATA=... python -m tests.formats.every_file [FORMAT...]
"""

import os
import sys
import tempfile
import warnings
from functools import cache
from pathlib import Path

import numpy as np

from graphics_ml import formats
from graphics_ml.errors import OutputError
from graphics_ml.formats import bodies, holds
from graphics_ml.motion.rotations import conjugate, normalize, rotate, rotation_between

FORMATS = tuple(name for name in holds.table() if name in formats.names(writable=True))
KINDS = ("cmu", "bandai1", "bandai2-subset", "mixamo-pairs", "asf", "amass", "soma", "humanml3d", "fbx")
_ARCHIVES = KINDS[:4]
_FILES = {
    "asf": "asf/11_01.amc",
    "amass": "amass_sample.npz",
    "soma": "soma_text_prompt.npz",
    "humanml3d": "humanml3d_000612.npy",
    "fbx": "ortiz_situp.fbx",
}
SLOW = 100  # frames, for formats that Blender writes and reads frame by frame
_SAMPLE = 2  # of an archive's files: the shortest, and one a quarter of the way to the longest


def sampled(kind, data, clips):
    """Some files of a kind: of an archive a few, short ones first."""
    if kind not in _ARCHIVES:
        return [data / "motion" / _FILES[kind]]
    by_size = sorted(clips(kind), key=lambda path: path.stat().st_size)
    return [by_size[round(step * len(by_size) / 2 / _SAMPLE)] for step in range(_SAMPLE)]


def back_and_forth(path, name, folder, most=None):
    """(why the format cannot hold it, None) or (None, the largest distance in metres of a joint that came back).

    Args:
        path: a real file.
        name: of the format.
        folder: where to write.
        most: frames to try it with; all when None.
    """
    motion = _loaded(path).frames(0, most)
    row = holds.table()[name]
    out = Path(folder, f"{path.stem}{formats.extension_of(name)}")
    if row["any_skeleton"] is not True and not any(
        bodies.has_joints_of(motion.skeleton, body) for body in row["bodies"]
    ):
        try:
            formats.save(motion, out, name)
        except OutputError:
            return row["any_skeleton"], None
        raise AssertionError(f"{name} took a skeleton that it cannot hold")
    lost = formats.losses(motion, out, name)
    for what in ("proportions", "local_positions"):
        if row[what] in lost:
            return row[what], None
    formats.save(motion, out, name)
    again = formats.load(out, name)
    assert len(again) == len(motion)
    assert row["frame_rate"] in lost or again.fps == motion.fps
    # By name, as formats keep their own order of joints.
    kept = [joint for joint in motion.skeleton.names if joint in again.skeleton.names]
    assert len(kept) == len(motion.skeleton) or row["hands"] in lost
    before, after = (one.positions()[:, [one.skeleton.index(joint) for joint in kept]] for one in (motion, again))
    if row["place"] in lost:
        before, after = _from_its_start(before), _from_its_start(after)
    return None, float(np.linalg.norm(after - before, axis=-1).max())


@cache
def _loaded(path):
    return formats.load(path)


def _from_its_start(places):
    """Places (F, J, 3) of a motion that begins above the origin with its second joint in the plane ahead."""
    places = places - places[0, 0] * [1, 0, 1] - [0, places[..., 1].min(), 0]
    side = normalize((places[0, 1] - places[0, 0]) * [1, 0, 1])
    return rotate(conjugate(rotation_between(np.array([1.0, 0, 0]), side)), places)


def main():
    from tests.archives import unpack

    warnings.simplefilter("ignore")
    data, wanted = Path(os.environ["GRAPHICS_ML_TEST_DATA"]), sys.argv[1:] or FORMATS
    with tempfile.TemporaryDirectory() as folder:
        for kind in KINDS:
            if kind in _ARCHIVES:
                place = Path(folder, kind)
                place.mkdir()
                files = unpack(data / "motion" / f"{kind}.tar.xz", place)
            else:
                files = [data / "motion" / _FILES[kind]]
            for name in wanted:
                worst, reasons = 0.0, {}
                for path in files:
                    reason, error = back_and_forth(path, name, folder)
                    _loaded.cache_clear()
                    if reason:
                        reasons[reason] = reasons.get(reason, 0) + 1
                    else:
                        worst = max(worst, error)
                held = len(files) - sum(reasons.values())
                print(f"{kind:>15} {name:>10}  {held:3} held, worst {worst:.1e} m", *reasons, sep="; ", flush=True)


if __name__ == "__main__":
    main()
