# SPDX-License-Identifier: GPL-3.0-or-later
"""An armature's action is read as a motion, and nothing of the open scene changes by it."""

from fractions import Fraction

import bpy
import numpy as np
import pytest

from graphics_ml.blender.actions import write_action
from graphics_ml.blender.animation_data import assign
from graphics_ml.blender.armature import evaluated_transforms, motion_from_action
from graphics_ml.blender.scene import empty_scene, set_frame_rate
from graphics_ml.motion.rotations import angle_between
from tests.blender.simple_rig import build_rig, swing


@pytest.fixture
def rig():
    """A rig with two actions of which it plays the first, posed and not keyed besides."""
    scene = empty_scene()
    obj = build_rig(mesh=False)
    second = write_action(obj, swing(obj, seed=2), "second", bones={"hips", "spine"})
    first = write_action(obj, swing(obj, seed=1), "first")
    second.use_fake_user = first.use_fake_user = True
    set_frame_rate(scene, Fraction(30))
    scene.frame_start, scene.frame_end = 3, 77
    scene.frame_set(5, subframe=0.25)
    obj.pose.bones["hand.L"].rotation_quaternion = (0.5, 0.5, 0.5, 0.5)
    return obj


def state(obj):
    scene, animation = bpy.context.scene, obj.animation_data
    return (
        [tuple(value) for bone in obj.pose.bones for value in (bone.location, bone.rotation_quaternion, bone.scale)],
        (scene.frame_current, scene.frame_subframe, scene.frame_start, scene.frame_end, obj.mode),
        animation
        and (animation.action, getattr(animation, "action_slot", None), animation.use_nla, animation.use_tweak_mode),
        (len(bpy.data.scenes), len(bpy.data.objects), len(bpy.data.actions), bpy.context.view_layer.objects.active),
    )


@pytest.mark.parametrize("mode", ["OBJECT", "POSE", "EDIT"])
def test_reading_another_action_changes_nothing(rig, mode):
    bpy.ops.object.mode_set(mode=mode)
    before, told = state(rig), []
    bpy.app.handlers.frame_change_post.append(lambda *_: told.append(1))
    motion = motion_from_action(rig, bpy.data.actions["second"])
    assert state(rig) == before and not told and len(bpy.app.handlers.frame_change_post) == 1
    wanted = swing(rig, seed=2)
    both = [motion.skeleton.index(bone) for bone in ("hips", "spine")]
    np.testing.assert_allclose(motion.positions()[:, both], wanted.positions()[:, both], atol=5e-6)


def test_bones_that_only_the_current_action_moves_rest_in_another(rig):
    motion = motion_from_action(rig, bpy.data.actions["second"])
    leg = motion.skeleton.index("leg.L")
    assert angle_between(motion.rotations[:, leg], motion.skeleton.rest_orientations[leg]).max() < 1e-5


def test_an_action_is_read_without_the_strips_that_are_mixed_with_it(rig):
    obj, first = rig, bpy.data.actions["first"]
    obj.animation_data.nla_tracks.new().strips.new("second", 1, bpy.data.actions["second"])
    obj.animation_data.action_blend_type = "ADD"
    before = state(obj)
    alone = motion_from_action(obj, first)
    assert state(obj) == before
    np.testing.assert_allclose(alone.positions(), swing(obj, seed=1).positions(), atol=5e-6)
    _, seen = evaluated_transforms(obj, range(1, 13))
    np.testing.assert_allclose(motion_from_action(obj).positions(), seen, atol=5e-6)
    assert np.abs(seen - alone.positions()).max() > 0.01


def test_strips_are_read_where_there_is_no_action(rig):
    rig.animation_data.action = None
    rig.animation_data.nla_tracks.new().strips.new("second", 31, bpy.data.actions["second"])
    motion = motion_from_action(rig)
    assert len(motion) == 12
    _, seen = evaluated_transforms(rig, range(31, 43))
    np.testing.assert_allclose(motion.positions(), seen, atol=5e-6)


def test_an_armature_whose_strip_is_being_tweaked_is_read_too(rig):
    animation, first = rig.animation_data, bpy.data.actions["first"]
    track = animation.nla_tracks.new()
    strip = track.strips.new("second", 1, bpy.data.actions["second"])
    animation.nla_tracks.active, strip.select, track.select = track, True, True
    animation.use_tweak_mode = True
    assert animation.action == bpy.data.actions["second"] and animation.use_tweak_mode
    before = state(rig)
    motion = motion_from_action(rig, first)
    assert state(rig) == before
    np.testing.assert_allclose(motion.positions(), swing(rig, seed=1).positions(), atol=5e-6)
    animation.use_tweak_mode = False
    assert animation.action == first


def test_an_armature_without_animation_has_none_after_it_was_read(rig):
    action = bpy.data.actions["first"]
    rig.animation_data_clear()
    motion = motion_from_action(rig, action)
    assert rig.animation_data is None
    np.testing.assert_allclose(motion.positions(), swing(rig, seed=1).positions(), atol=5e-6)


def test_hidden_and_resting_armatures_are_read_as_they_move(rig):
    rig.hide_viewport, rig.data.pose_position = True, "REST"
    motion = motion_from_action(rig, bpy.data.actions["first"])
    assert rig.hide_viewport and rig.data.pose_position == "REST"
    np.testing.assert_allclose(motion.positions(), swing(rig, seed=1).positions(), atol=5e-6)


def test_an_armature_of_a_linked_file_is_read(rig, tmp_path):
    wanted, path = swing(rig, seed=1), tmp_path / "rig.blend"
    rig.pose.bones["hand.L"].rotation_quaternion = (1, 0, 0, 0)
    bpy.data.libraries.write(str(path), {rig})
    empty_scene()
    set_frame_rate(bpy.context.scene, Fraction(30))
    with bpy.data.libraries.load(str(path), link=True) as (_, found):
        found.objects = ["Rig"]
    linked = found.objects[0]
    bpy.context.scene.collection.objects.link(linked)
    np.testing.assert_allclose(motion_from_action(linked).positions(), wanted.positions(), atol=5e-6)
    action = linked.animation_data.action
    np.testing.assert_allclose(motion_from_action(linked, action).positions(), wanted.positions(), atol=5e-6)


def test_an_action_of_two_owners_moves_each_by_its_own_slot(rig):
    if bpy.app.version < (4, 4, 0):
        pytest.skip("this Blender's actions have no slots")
    other = build_rig(mesh=False, name="Other")
    action = bpy.data.actions["first"]
    slot = action.slots.new(id_type="OBJECT", name="Other")
    other.animation_data_create().action = action
    other.animation_data.action_slot = slot
    other.pose.bones["spine"].keyframe_insert("location", frame=1)
    assign(rig, action)
    before = state(other), state(rig)
    motion_from_action(rig, bpy.data.actions["second"])
    assert (state(other), state(rig)) == before and other.animation_data.action_slot == slot
