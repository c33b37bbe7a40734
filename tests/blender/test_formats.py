# SPDX-License-Identifier: GPL-3.0-or-later
import warnings

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
from tests.blender.simple_rig import build_rig, swing

EXTENSIONS = (".blend", ".fbx", ".glb")


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


def test_these_formats_are_known_to_the_package():
    from graphics_ml.formats import extensions

    assert {".blend", ".fbx", ".glb", ".gltf"} <= set(extensions())


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


@pytest.mark.parametrize("extension", EXTENSIONS)
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
    assert motion.fps == 48 and any("48" in sentence and "recovered" in sentence for sentence in said)


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_a_rig_without_motion_gives_its_skeleton_and_no_motion(tmp_path, extension):
    obj = build_rig()
    path = tmp_path / f"rig{extension}"
    save_scene(path, obj, None)
    assert set(formats.load_skeleton(path).names) >= {"hips", "hand.L"}
    with pytest.raises(MotionFileError, match="holds no motion"):
        formats.load(path)


def test_a_damaged_file_is_a_motion_file_error(tmp_path):
    path = tmp_path / "walk.fbx"
    path.write_bytes(b"Kaydara FBX Binary  \x00\x1a\x00" + b"\x00" * 50)
    with pytest.raises(MotionFileError) as error:
        formats.load(path)
    assert str(error.value).count(str(path)) == 1 and "\n" not in str(error.value)


def test_gltf_with_loose_files_is_not_written(tmp_path):
    with pytest.raises(OutputError, match=r"use one of \.blend"):
        formats.save(walk(), tmp_path / "walk.gltf")


def test_a_shared_fbx_is_read_at_its_own_rate(test_data):
    motion = formats.load(test_data / "motion" / "ortiz_situp.fbx")
    assert (len(motion), motion.fps, len(motion.skeleton)) == (265, 60, 65)
    assert 1.5 < np.ptp(motion.skeleton.rest_positions()[:, 1]) < 2.0
