# SPDX-License-Identifier: GPL-3.0-or-later
import tomllib
import warnings
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from graphics_ml.blender import formats
from graphics_ml.blender.actions import write_action
from graphics_ml.blender.export import save_scene
from graphics_ml.blender.scene import empty_scene
from graphics_ml.errors import MotionFileError, OutputError
from graphics_ml.motion.humanoid import standard_skeleton
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.rotations import quaternion_from_axis_angle
from graphics_ml.motion.skeleton import Skeleton
from tests.blender.simple_rig import build_rig, swing

EXTENSIONS = (".blend", ".fbx", ".glb", ".usd", ".usda")


@pytest.fixture(autouse=True)
def scene():
    return empty_scene()


def walk(fps="24000/1001", frames=9):
    skeleton = standard_skeleton(1.7)
    time = np.linspace(0, 3, frames)[:, None, None]
    phase = np.random.default_rng(1).uniform(0, 6, (1, len(skeleton), 3))
    path = skeleton.offsets[0] + np.concatenate((time, 0 * time, 2 * time), axis=-1)[:, 0]
    return Motion(skeleton, quaternion_from_axis_angle(0.4 * np.sin(time + phase)), path, fps)


def quietly(function, *arguments, **options):
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        result = function(*arguments, **options)
    return result, [str(warning.message) for warning in said]


def test_these_formats_are_named_where_the_package_looks_for_them():
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = {"." + name for name in project["entry-points"]["graphics_ml.formats"]}
    assert named == {".blend", ".fbx", ".glb", ".gltf", ".usd", ".usda", ".usdc", ".usdz"}


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_a_motion_written_and_read_is_where_it_was(tmp_path, extension):
    motion = walk()
    path = tmp_path / f"walk{extension}"
    quietly(formats.save, motion, path)
    again, _ = quietly(formats.load, path)
    row = [again.skeleton.index(name) for name in motion.skeleton.names]
    assert (len(again), again.fps) == (len(motion), motion.fps)
    assert np.abs(again.positions()[:, row] - motion.positions()).max() < 1e-5


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_a_joint_that_moves_in_its_parent_still_does(tmp_path, extension):
    motion = walk()
    local = np.tile(motion.skeleton.offsets, (len(motion), 1, 1))
    local[:, motion.skeleton.index("spine")] += np.linspace(0, 0.2, len(motion))[:, None]
    motion = motion.replace(local_positions=local)
    path = tmp_path / f"stretch{extension}"
    quietly(formats.save, motion, path)
    again, _ = quietly(formats.load, path)
    row = [again.skeleton.index(name) for name in motion.skeleton.names]
    assert np.abs(again.positions()[:, row] - motion.positions()).max() < 1e-5


@pytest.mark.parametrize("extension", EXTENSIONS[:3])
def test_one_of_several_actions_is_chosen_by_name_and_the_choice_is_said(tmp_path, extension):
    obj = build_rig()
    first = swing(obj, seed=1)
    write_action(obj, first, "first")
    path = tmp_path / f"two{extension}"
    save_scene(path, obj, write_action(obj, swing(obj, seed=2), "second"), keep_actions=True)
    motion, _ = quietly(formats.load, path, action="first")
    row = [motion.skeleton.index(name) for name in first.skeleton.names]
    assert np.abs(motion.positions()[:, row] - first.positions()).max() < 1e-4
    _, said = quietly(formats.load, path)
    assert any("holds 2 actions" in sentence for sentence in said)
    with pytest.raises(MotionFileError, match="no action 'third'; it has"):
        quietly(formats.load, path, action="third")


def test_how_a_gltf_frame_rate_was_found_is_said(tmp_path):
    quietly(formats.save, walk(fps=48), tmp_path / "walk.glb")
    motion, said = quietly(formats.load, tmp_path / "walk.glb")
    assert motion.fps == 48 and any("48, is stated" in sentence for sentence in said)
    obj = build_rig()
    save_scene(tmp_path / "rig.glb", obj, write_action(obj, swing(obj, fps=48), "swing"))
    motion, said = quietly(formats.load, tmp_path / "rig.glb")
    assert motion.fps == 48 and any("48, was recovered from the times" in sentence for sentence in said)


@pytest.mark.parametrize("extension", EXTENSIONS)
@pytest.mark.parametrize("fps", ["2997/125", "12.5", "1", "500", "7/3", "333.333"])
def test_any_frame_rate_is_exact(tmp_path, extension, fps):
    quietly(formats.save, walk(fps=Fraction(fps), frames=3), tmp_path / f"walk{extension}")
    motion, _ = quietly(formats.load, tmp_path / f"walk{extension}")
    assert motion.fps == Fraction(fps) and len(motion) == 3


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_one_frame_is_a_motion(tmp_path, extension):
    quietly(formats.save, walk(fps=60, frames=1), tmp_path / f"walk{extension}")
    motion, _ = quietly(formats.load, tmp_path / f"walk{extension}")
    assert motion.fps == 60 and len(motion) == 1


@pytest.mark.parametrize("extension", [".blend", ".fbx"])
def test_a_rate_given_in_blender_since_counts_more_than_the_stated_one(tmp_path, extension):
    obj = build_rig()
    save_scene(tmp_path / f"rig{extension}", obj, write_action(obj, swing(obj, fps=30), "swing"), fps=Fraction(24))
    assert quietly(formats.load, tmp_path / f"rig{extension}")[0].fps == 30


# Each means something to Blender or to a format.
NAMES = ("a:b", "a/b", "a.b", "a b", "a_b", "A_B", "1a", "b", "b.001", "Übung", "日本", 'x"y\\z', "Armature", "Sticks")


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_joints_keep_their_names_tree_and_places_whatever_they_are_called(tmp_path, extension):
    count = len(NAMES)
    random = np.random.default_rng(2)
    offsets = random.normal(size=(count, 3)) * 0.2
    offsets[4] = 0  # stands where its parent does
    skeleton = Skeleton(NAMES, [-1, *(max(0, n - 2) for n in range(1, count))], offsets)
    turns = quaternion_from_axis_angle(random.normal(size=(7, count, 3)))
    local = np.tile(offsets, (7, 1, 1)) + random.normal(size=(7, count, 3)) * 0.1
    motion = Motion(skeleton, turns, local[:, 0], 30, local_positions=local)
    quietly(formats.save, motion, tmp_path / f"odd{extension}")
    again, _ = quietly(formats.load, tmp_path / f"odd{extension}")
    row = [again.skeleton.index(name) for name in NAMES]
    assert np.abs(again.positions()[:, row] - motion.positions()).max() < 2e-5
    above = [again.skeleton.names[again.skeleton.parents[j]] for j in row[1:]]
    assert above == [NAMES[parent] for parent in skeleton.parents[1:]]


def test_names_that_blender_cannot_give_are_changed_which_is_said(tmp_path):
    motion = walk()
    names = ("", "x" * 70, "x" * 71, "日" * 30, *motion.skeleton.names[4:])
    motion = motion.replace(skeleton=motion.skeleton.replace(names=names))
    _, said = quietly(formats.save, motion, tmp_path / "long.fbx")
    again, _ = quietly(formats.load, tmp_path / "long.fbx")
    assert len(again.skeleton) == len(names) and sum("63 bytes" in sentence for sentence in said) == 1
    kept = [name for name in names if name in again.skeleton.names]
    row, own = [again.skeleton.index(name) for name in kept], [names.index(name) for name in kept]
    assert len(kept) == len(names) - 4
    assert np.abs(again.positions()[:, row] - motion.positions()[:, own]).max() < 1e-5


def test_actions_lists_what_can_be_loaded(tmp_path, test_data):
    knight = test_data / "rigs" / "Knight.glb"
    assert len(formats.actions(knight)) == 76
    motion, said = quietly(formats.load, knight, action="Walking_A")
    assert motion.provenance["action"] == "Walking_A" and not any("holds" in sentence for sentence in said)
    quietly(formats.save, walk(), tmp_path / "walk.usd", name="stroll")
    assert formats.actions(tmp_path / "walk.usd") == ("stroll",)


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_a_rig_without_motion_gives_its_skeleton_and_no_motion(tmp_path, extension):
    obj = build_rig()
    path = tmp_path / f"rig{extension}"
    save_scene(path, obj, None)
    assert set(formats.load_skeleton(path).names) >= {"hips", "hand.L"}
    with pytest.raises(MotionFileError, match="holds no motion"):
        formats.load(path)


def test_gltf_with_loose_files_is_not_written(tmp_path):
    with pytest.raises(OutputError, match=r"use one of \.blend"):
        formats.save(walk(), tmp_path / "walk.gltf")


def test_a_shared_fbx_is_read_at_its_own_rate(test_data):
    motion = formats.load(test_data / "motion" / "ortiz_situp.fbx")
    assert (len(motion), motion.fps, len(motion.skeleton)) == (265, 60, 65)
    assert 1.5 < np.ptp(motion.skeleton.rest_positions()[:, 1]) < 2.0
