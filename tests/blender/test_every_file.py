# SPDX-License-Identifier: GPL-3.0-or-later
"""Real motions of every kind as Blender's formats hold them: what Blender by itself makes of the file, and what a
second run writes. Their round trips through our own reading are in tests/formats/test_every_file.py.
"""

import subprocess
import sys
import warnings

import numpy as np
import pytest

from graphics_ml import formats
from graphics_ml.blender import formats as blenders
from tests.blender.alone import evaluated_by_blender_alone

OTHERS = {"amass": "amass_sample.npz", "fbx": "ortiz_situp.fbx"}


@pytest.fixture(autouse=True)
def _without_notes():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def motion_of(kind, data, clips):
    """A second or two of the shortest file of a kind, with all its joints and the channels that it has."""
    path = data / "motion" / OTHERS[kind] if kind in OTHERS else min(clips(kind), key=lambda clip: clip.stat().st_size)
    motion = formats.load(path)
    return motion.frames(0, min(len(motion), 60))


@pytest.mark.parametrize("extension", [".fbx", ".glb", ".usd"])
@pytest.mark.parametrize("kind", ["cmu", "bandai1", "mixamo-pairs", "amass", "fbx"])
def test_blender_by_itself_puts_the_joints_where_the_motion_has_them(test_data, clips, tmp_path, kind, extension):
    motion = motion_of(kind, test_data, clips)
    if extension == ".usd":  # whose importer leaves out the joints' own names
        plain = tuple(f"joint{number}" for number in range(len(motion.skeleton)))
        motion = motion.replace(skeleton=motion.skeleton.replace(names=plain))
    path = tmp_path / f"motion{extension}"
    blenders.save(motion, path)
    assert np.abs(evaluated_by_blender_alone(path, motion) - motion.positions()).max() < 1e-3


@pytest.mark.parametrize("action", ["Walking_A", "Death_A", "Jump_Full_Long", "T-Pose"])
@pytest.mark.parametrize("extension", [".fbx", ".glb", ".usd", ".blend"])
def test_an_action_of_a_character_comes_back_from_every_format(test_data, tmp_path, action, extension):
    motion = blenders.load(test_data / "rigs" / "Knight.glb", action=action)
    blenders.save(motion, tmp_path / f"motion{extension}")
    again = blenders.load(tmp_path / f"motion{extension}")
    row = [again.skeleton.index(name) for name in motion.skeleton.names]
    assert (len(again), again.fps) == (len(motion), motion.fps)
    assert np.abs(again.positions()[:, row] - motion.positions()).max() < 1e-4


_SAVE = """
import sys, warnings
warnings.simplefilter("ignore")
from graphics_ml.blender import formats
from graphics_ml.formats import npz
for extension in (".usd", ".usda", ".glb", ".fbx", ".blend"):
    formats.save(npz.load(sys.argv[1]), sys.argv[2] + "/motion" + extension)
"""


def test_a_second_run_writes_the_same_bytes_or_the_same_joints(test_data, clips, tmp_path):
    motion = motion_of("mixamo-pairs", test_data, clips)
    formats.save(motion, tmp_path / "motion.npz")
    runs = []
    for place in ("first", "second/deeper"):
        runs.append(tmp_path / place)
        runs[-1].mkdir(parents=True)
        subprocess.run(
            [sys.executable, "-c", _SAVE, str(tmp_path / "motion.npz"), str(runs[-1])], check=True, capture_output=True
        )
    for extension in (".usd", ".usda", ".glb"):
        one, other = ((run / f"motion{extension}").read_bytes() for run in runs)
        assert one == other, extension
    for extension in (".fbx", ".blend"):
        one, other = (blenders.load(run / f"motion{extension}").positions() for run in runs)
        assert np.abs(one - other).max() < 1e-6, extension
