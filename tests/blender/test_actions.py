# SPDX-License-Identifier: GPL-3.0-or-later
import json

import bpy
import numpy as np
import pytest

from graphics_ml.blender.actions import PROVENANCE, assign, curves_of, remove_actions, retime, write_action
from graphics_ml.blender.armature import evaluated_transforms
from graphics_ml.blender.scene import empty_scene
from graphics_ml.motion.keys import reduce_keys
from graphics_ml.motion.rotations import angle_between
from tests.blender.simple_rig import build_rig, swing

MODES = ("QUATERNION", "AXIS_ANGLE", "XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX")


@pytest.fixture(autouse=True)
def scene():
    return empty_scene()


@pytest.mark.parametrize("mode", MODES)
def test_every_rotation_mode_is_kept_and_means_the_same(mode):
    obj = build_rig()
    for bone in obj.pose.bones:
        bone.rotation_mode = mode
    motion = swing(obj, amplitude=1.3)
    write_action(obj, motion, "swing")
    turns, _ = evaluated_transforms(obj, range(1, len(motion) + 1))
    assert {bone.rotation_mode for bone in obj.pose.bones} == {mode}
    assert angle_between(turns, motion.orientations()).max() < 2e-5


def test_an_action_of_reduced_keys_goes_as_they_say_between_them():
    obj = build_rig()
    for bone in obj.pose.bones:
        bone.rotation_mode = "QUATERNION"
    motion = swing(obj, frames=40, amplitude=1.3)
    reduced = reduce_keys(motion, 0.01, 3.0)
    action = write_action(obj, reduced.motion, "sparse", start_frame=3, keys=reduced)
    turns, places = evaluated_transforms(obj, range(3, 43))
    assert angle_between(turns, reduced.motion.orientations()).max() < 5e-5
    np.testing.assert_allclose(places, reduced.motion.positions(), atol=2e-5)
    assert np.linalg.norm(places - motion.positions(), axis=-1).max() < 0.0101
    components = {"rotation": 4, "position": 3}
    wanted = sum(components[channel.kind] * len(channel.frames) for channel in reduced.channels)
    keys = [len(curve.keyframe_points) for curve in curves_of(action) if not curve.data_path.endswith("location")]
    keys += [len(c.keyframe_points) for c in curves_of(action) if c.data_path == 'pose.bones["hips"].location']
    assert sum(keys) == wanted < 0.6 * 40 * (4 * len(motion.skeleton) + 3)


def test_bones_that_turn_by_angles_keep_a_key_for_every_frame():
    obj = build_rig()
    obj.pose.bones["spine"].rotation_mode = "XYZ"
    motion = swing(obj, frames=20)
    reduced = reduce_keys(motion, 0.02, 5.0)
    action = write_action(obj, reduced.motion, "sparse", keys=reduced)
    count = {curve.data_path: len(curve.keyframe_points) for curve in curves_of(action)}
    assert count['pose.bones["spine"].rotation_euler'] == 20 > count['pose.bones["leg.L"].rotation_quaternion']
    turns, _ = evaluated_transforms(obj, range(1, 21))
    assert angle_between(turns, reduced.motion.orientations()).max() < 5e-5


def test_a_retimed_action_goes_through_the_same_poses_at_other_times():
    obj = build_rig()
    action = write_action(obj, swing(obj), "swing", start_frame=5)
    other = write_action(obj, swing(obj, seed=1), "other", start_frame=5)
    frames = np.arange(5, 17)
    before = [evaluated_transforms(obj, frames)]
    assign(obj, action)
    before.append(evaluated_transforms(obj, frames))
    retime([action], 1.5)
    after = [evaluated_transforms(obj, 5 + 1.5 * (frames - 5))]
    assign(obj, other)
    after.insert(0, evaluated_transforms(obj, frames))
    assert tuple(action.frame_range) == (5, 5 + 1.5 * 11)
    for (turns, places), (turns_before, places_before) in zip(after, before, strict=True):
        assert angle_between(turns, turns_before).max() < 1e-4
        np.testing.assert_allclose(places, places_before, atol=1e-5)


def test_a_strip_that_plays_a_retimed_action_lasts_as_long_as_it():
    obj = build_rig()
    action = write_action(obj, swing(obj), "swing", start_frame=5)
    assign(obj, None)
    strip = obj.animation_data.nla_tracks.new().strips.new("swing", 20, action)
    retime([action], 1.5)
    assert (strip.frame_start, strip.frame_end) == (20, 20 + 1.5 * 11)


def test_euler_keys_do_not_jump():
    obj = build_rig()
    for bone in obj.pose.bones:
        bone.rotation_mode = "XYZ"
    action = write_action(obj, swing(obj, frames=200, amplitude=2.5), "swing")
    for curve in curves_of(action):
        if curve.data_path.endswith("rotation_euler"):
            values = np.array([key.co[1] for key in curve.keyframe_points])
            assert np.abs(np.diff(values)).max() < np.pi


def test_there_is_one_linear_key_a_frame_on_the_bones_asked_for_and_no_other():
    obj = build_rig()
    motion = swing(obj, frames=7)
    action = write_action(obj, motion, "part", bones={"hips", "leg.L"}, start_frame=5)
    paths = {curve.data_path for curve in curves_of(action)}
    assert paths == {
        'pose.bones["hips"].location',
        'pose.bones["hips"].rotation_quaternion',
        'pose.bones["leg.L"].rotation_quaternion',
    }
    for curve in curves_of(action):
        assert [key.co[0] for key in curve.keyframe_points] == [5, 6, 7, 8, 9, 10, 11]
        assert {key.interpolation for key in curve.keyframe_points} == {"LINEAR"}


def test_the_scene_takes_the_motions_rate_and_range():
    obj = build_rig()
    write_action(obj, swing(obj, frames=9, fps="24000/1001"), "swing", start_frame=101)
    scene = bpy.context.scene
    assert (scene.frame_start, scene.frame_end) == (101, 109)
    assert scene.render.fps / scene.render.fps_base == pytest.approx(24000 / 1001, rel=1e-7)


def test_the_record_of_where_a_motion_came_from_is_on_the_action():
    obj = build_rig()
    action = write_action(obj, swing(obj), "swing")
    assert json.loads(action[PROVENANCE]) == {"made by": "test"}


def test_a_new_action_leaves_older_ones_as_they_were():
    obj = build_rig()
    first = write_action(obj, swing(obj, seed=1), "one")
    before = [[key.co[1] for key in curve.keyframe_points] for curve in curves_of(first)]
    second = write_action(obj, swing(obj, seed=2), "two")
    assert obj.animation_data.action == second
    assert getattr(obj.animation_data, "action_slot", second) is not None  # Blender 4.2 has no slots
    assert before == [[key.co[1] for key in curve.keyframe_points] for curve in curves_of(first)]
    assign(obj, first)
    _, places = evaluated_transforms(obj, [1])
    np.testing.assert_allclose(places, swing(obj, seed=1).positions()[:1], atol=2e-6)


def test_what_an_older_action_did_to_the_pose_does_not_reach_the_new_one():
    obj = build_rig()
    old = swing(obj, seed=1)
    local = np.tile(old.skeleton.offsets, (len(old), 1, 1))
    local[:, 1] += 0.2
    write_action(obj, old.replace(local_positions=local), "old")
    bpy.context.scene.frame_set(6)
    motion = swing(obj, seed=2)
    write_action(obj, motion, "new", bones={"hips", "spine", "arm.L", "hand.L"})
    _, places = evaluated_transforms(obj, range(1, len(motion) + 1), ["arm.L", "hand.L"])
    assert np.abs(places - motion.positions()[:, 2:4]).max() < 2e-6
    assert obj.pose.bones["leg.L"].rotation_quaternion[0] == pytest.approx(1)


def test_a_static_location_of_a_keyed_bone_does_not_shift_it():
    obj = build_rig()
    obj.pose.bones["spine"].location = (3, 2, 1)
    motion = swing(obj)
    write_action(obj, motion, "swing")
    _, places = evaluated_transforms(obj, range(1, len(motion) + 1))
    assert np.abs(places - motion.positions()).max() < 2e-6


def test_bone_names_with_quotes_are_keyed():
    obj = build_rig()
    obj.data.bones["arm.L"].name = 'the "left" arm\\'
    motion = swing(obj)
    write_action(obj, motion, "swing")
    turns, _ = evaluated_transforms(obj, [4])
    assert angle_between(turns[0], motion.orientations()[3]).max() < 1e-5


def test_a_motion_of_other_bones_is_refused():
    obj = build_rig()
    motion = swing(obj)
    stranger = motion.replace(skeleton=motion.skeleton.replace(names=tuple(f"x{j}" for j in range(6))))
    with pytest.raises(ValueError, match="no joint of the motion"):
        write_action(obj, stranger, "swing")


def test_removing_actions_removes_the_strips_that_play_them():
    obj = build_rig()
    old = write_action(obj, swing(obj), "old")
    obj.animation_data.nla_tracks.new().strips.new("old", 1, old)
    new = write_action(obj, swing(obj), "new")
    remove_actions(keep=new)
    assert [action.name for action in bpy.data.actions] == ["new"]
    assert len(obj.animation_data.nla_tracks) == 0
    assert obj.animation_data.action == new
