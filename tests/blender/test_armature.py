# SPDX-License-Identifier: GPL-3.0-or-later
import bpy
import numpy as np
import pytest

from graphics_ml.blender.actions import write_action
from graphics_ml.blender.armature import (
    armature_from_skeleton,
    deform_flags,
    evaluated_transforms,
    motion_from_action,
    moved_joints,
    skeleton_from_armature,
    with_rest_frames,
)
from graphics_ml.blender.scene import (
    blender_from_ours,
    empty_scene,
    frame_rate,
    ours_from_blender,
    ours_from_blender_rotation,
    set_frame_rate,
)
from graphics_ml.motion.humanoid import standard_skeleton
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.rotations import angle_between, multiply, quaternion_from_axis_angle, rotate
from tests.blender.simple_rig import build_rig, swing


@pytest.fixture(autouse=True)
def scene():
    return empty_scene()


def heads_by_blender(obj):
    """World heads at the current frame, one bone at a time through mathutils, in our axes."""
    return np.array([(lambda p: (p.x, p.z, -p.y))(obj.matrix_world @ bone.head) for bone in obj.pose.bones])


def test_joints_stand_at_the_bones_heads_in_world_metres():
    obj = build_rig()
    skeleton = skeleton_from_armature(obj)
    assert skeleton.names == tuple(bone.name for bone in obj.data.bones)
    np.testing.assert_allclose(skeleton.rest_positions(), heads_by_blender(obj), atol=1e-6)


def test_a_joints_frame_is_the_bones_own():
    obj = build_rig()
    skeleton = skeleton_from_armature(obj)
    turns, places = skeleton.rest_transforms()
    for joint, bone in enumerate(obj.pose.bones):
        tail = obj.matrix_world @ bone.tail
        along = np.array([tail.x, tail.z, -tail.y]) - places[joint]
        np.testing.assert_allclose(
            rotate(turns[joint], np.array([0.0, 1, 0])), along / np.linalg.norm(along), atol=1e-5
        )
    for end in skeleton.end_sites:
        tail = obj.matrix_world @ obj.pose.bones[end.joint].tail
        np.testing.assert_allclose(
            places[end.joint] + rotate(turns[end.joint], end.offset), (tail.x, tail.z, -tail.y), atol=1e-6
        )


def test_a_kept_bone_hangs_on_its_nearest_kept_ancestor():
    skeleton = skeleton_from_armature(build_rig(), bones={"hips", "hand.L", "foot.L"})
    assert skeleton.names == ("hips", "hand.L", "foot.L")
    assert skeleton.parents == (-1, 0, 0)


def test_several_roots_get_one_joint_named_after_the_object():
    obj = build_rig()
    skeleton = skeleton_from_armature(obj, bones={"arm.L", "leg.L"})
    assert skeleton.names == ("Rig", "arm.L", "leg.L")
    np.testing.assert_allclose(skeleton.rest_positions()[0], (0.5, 0.25, 1.0), atol=1e-6)
    np.testing.assert_allclose(skeleton.rest_positions()[1], heads_by_blender(obj)[2], atol=1e-6)


@pytest.mark.parametrize("scale", [(1, 1, 2), (-1, 1, 1)])
def test_a_scale_that_is_not_uniform_is_refused_with_what_to_do(scale):
    obj = build_rig()
    obj.scale = scale
    bpy.context.view_layer.update()
    with pytest.raises(ValueError, match="apply its scale"):
        skeleton_from_armature(obj)


def test_deform_flags_follow_the_bones():
    obj = build_rig()
    obj.data.bones["hips"].use_deform = False
    assert deform_flags(obj, skeleton_from_armature(obj)) == [False] + [True] * 5


@pytest.mark.parametrize("trait", ["plain", "no inherited rotation", "no local location", "rolled object"])
def test_blender_puts_a_written_motion_where_forward_kinematics_does(trait):
    obj = build_rig(rotation=(0.4, -0.7, 2.0) if trait == "rolled object" else (np.pi / 2, 0, 0))
    obj.data.bones["arm.L"].use_inherit_rotation = trait != "no inherited rotation"
    obj.data.bones["hips"].use_local_location = trait != "no local location"
    motion = swing(obj)
    write_action(obj, motion, "swing")
    turns, places = evaluated_transforms(obj, range(1, len(motion) + 1))
    assert np.abs(places - motion.positions()).max() < 2e-6
    assert angle_between(turns, motion.orientations()).max() < 1e-5


def test_evaluated_transforms_are_blenders_own():
    obj = build_rig()
    write_action(obj, swing(obj), "swing")
    _, places = evaluated_transforms(obj, [3, 7.5])
    bpy.context.scene.frame_set(3)
    np.testing.assert_allclose(places[0], heads_by_blender(obj), atol=1e-6)
    bpy.context.scene.frame_set(7, subframe=0.5)
    np.testing.assert_allclose(places[1], heads_by_blender(obj), atol=1e-6)
    assert [scene.name for scene in bpy.data.scenes] == ["Scene"]


def test_evaluation_sees_constraints():
    obj = build_rig()
    write_action(obj, swing(obj), "swing")
    free, _ = evaluated_transforms(obj, [5], ["hand.L"])
    constraint = obj.pose.bones["hand.L"].constraints.new("COPY_ROTATION")
    constraint.target, constraint.subtarget = obj, "foot.L"
    held, _ = evaluated_transforms(obj, [5], ["hand.L"])
    foot, _ = evaluated_transforms(obj, [5], ["foot.L"])
    assert angle_between(held, foot).max() < 1e-5 < angle_between(free, held).max()


def test_reading_an_action_gives_back_the_motion_written():
    obj = build_rig()
    motion = swing(obj, fps="24000/1001")
    action = write_action(obj, motion, "swing", start_frame=10)
    again = motion_from_action(obj, action)
    assert (len(again), again.fps) == (len(motion), motion.fps)
    assert np.abs(again.positions() - motion.positions()).max() < 2e-6
    assert again.local_positions is None


def test_reading_a_part_of_an_action_leaves_the_current_one_alone():
    obj = build_rig()
    first = write_action(obj, swing(obj, seed=1), "first")
    second = write_action(obj, swing(obj, seed=2), "second")
    part = motion_from_action(obj, first, start=4, end=6)
    assert len(part) == 3
    assert np.abs(part.positions() - swing(obj, seed=1).positions()[3:6]).max() < 2e-6
    assert obj.animation_data.action == second


def test_an_armature_without_action_has_no_motion():
    with pytest.raises(ValueError, match="has no action"):
        motion_from_action(build_rig())


def test_bones_that_are_not_keyed_keep_their_pose_and_keyed_ones_face_as_the_motion_says():
    obj = build_rig()
    motion = swing(obj)
    obj.pose.bones["arm.L"].rotation_quaternion = (0.9, 0.3, 0.2, -0.1)
    before = np.array(obj.pose.bones["arm.L"].rotation_quaternion)
    write_action(obj, motion, "part", bones={"hips", "spine", "hand.L"})
    turns, places = evaluated_transforms(obj, range(1, len(motion) + 1))
    np.testing.assert_array_equal(obj.pose.bones["arm.L"].rotation_quaternion, before)
    for joint in (0, 1, 3):
        assert angle_between(turns[:, joint], motion.orientations()[:, joint]).max() < 1e-5
    assert np.abs(places[:, 0] - motion.positions()[:, 0]).max() < 2e-6


def test_a_motion_that_moves_a_connected_bone_disconnects_it():
    obj = build_rig()
    motion = swing(obj)
    local = np.tile(motion.skeleton.offsets, (len(motion), 1, 1))
    local[:, 3] += np.linspace(0, 0.1, len(motion))[:, None]
    motion = motion.replace(local_positions=local)
    assert obj.data.bones["hand.L"].use_connect
    write_action(obj, motion, "stretch")
    _, places = evaluated_transforms(obj, range(1, len(motion) + 1))
    assert np.abs(places - motion.positions()).max() < 2e-6


def test_moved_joints_are_those_away_from_rest():
    obj = build_rig()
    skeleton = skeleton_from_armature(obj)
    rotations = np.tile(skeleton.rest_orientations, (3, 1, 1))
    still = Motion(skeleton, rotations, np.tile(skeleton.offsets[0], (3, 1)), 30)
    assert moved_joints(still) == set()
    rotations[1, 2] = multiply(rotations[1, 2], quaternion_from_axis_angle(np.array([0.01, 0, 0])))
    assert moved_joints(still.replace(rotations=rotations, root_positions=still.root_positions + 1)) == {
        "hips",
        "arm.L",
    }


def test_an_armature_made_from_a_skeleton_has_its_joints_and_takes_its_motion():
    skeleton = standard_skeleton(1.8)
    obj = armature_from_skeleton(skeleton)
    made = skeleton_from_armature(obj)
    row = [made.index(name) for name in skeleton.names]
    assert [made.names[made.parents[j]] for j in row[1:]] == [skeleton.names[p] for p in skeleton.parents[1:]]
    np.testing.assert_allclose(made.rest_positions()[row], skeleton.rest_positions(), atol=1e-6)
    turn = quaternion_from_axis_angle(np.random.default_rng(0).normal(0, 0.4, (5, len(skeleton), 3)))
    motion = Motion(skeleton, turn, np.tile(skeleton.offsets[0], (5, 1)), 25)
    moved = with_rest_frames(motion, made)
    np.testing.assert_allclose(moved.positions()[:, row], motion.positions(), atol=1e-6)
    write_action(obj, moved, "moved")
    _, places = evaluated_transforms(obj, range(1, 6), skeleton.names)
    assert np.abs(places - motion.positions()).max() < 2e-6


def test_axes_are_turned_once_and_back():
    points = np.random.default_rng(0).normal(size=(4, 3))
    np.testing.assert_array_equal(ours_from_blender(np.array([1.0, 2, 3])), (1, 3, -2))
    np.testing.assert_array_equal(blender_from_ours(ours_from_blender(points)), points)
    quarter = ours_from_blender_rotation(np.array([1.0, 0, 0, 0]))
    np.testing.assert_allclose(rotate(quarter, points), ours_from_blender(points), atol=1e-12)


@pytest.mark.parametrize("fps", ["24", "24000/1001", "30000/1001", "60000/1001", "25/2", "120", "1000/3", "1/2"])
def test_frame_rates_are_exact_in_and_out_of_a_scene(fps):
    from fractions import Fraction

    scene = bpy.context.scene
    set_frame_rate(scene, Fraction(fps))
    assert frame_rate(scene) == Fraction(fps)
    assert scene.render.fps / scene.render.fps_base == pytest.approx(float(Fraction(fps)), rel=1e-7)


def test_real_rigs_are_read_where_blender_shows_them(test_data):
    from graphics_ml.blender.rigs import load_rig

    for name, height in (("rigs/Geno.fbx", (1.5, 1.9)), ("rigs/Knight.glb", (1.0, 1.6))):
        obj = load_rig(test_data / name)
        skeleton = skeleton_from_armature(obj)
        places = skeleton.rest_positions()
        np.testing.assert_allclose(places[: len(obj.pose.bones)], heads_by_blender(obj), atol=2e-6)
        assert height[0] < np.ptp(places[:, 1]) + 0.1 < height[1]
        motion = swing(obj)
        write_action(obj, motion, "swing")
        _, seen = evaluated_transforms(obj, range(1, len(motion) + 1))
        assert np.abs(seen - motion.positions()).max() < 1e-5
