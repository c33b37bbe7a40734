# SPDX-License-Identifier: GPL-3.0-or-later
"""What an armature does is read back on the skeleton to which motion is given."""

import bpy
import numpy as np
import pytest

from graphics_ml.blender.actions import write_action
from graphics_ml.blender.armature import motion_from_action
from graphics_ml.blender.reading import read_action
from graphics_ml.blender.rigify import drive_skeleton, followers_motion
from graphics_ml.blender.rigs import load_rig
from graphics_ml.blender.scene import empty_scene
from graphics_ml.motion.rotations import angle_between, rotate
from tests.blender.simple_rig import build_rig, play_alone, swing
from tests.blender.test_rigify import dance, rigify_file  # noqa: F401


def read(*args, **options):
    """The motion, and how far the reading said it was."""
    reading, told = read_action(*args, **options), []
    while True:
        try:
            told.append(next(reading))
        except StopIteration as done:
            return done.value, told


def test_a_plain_rigs_action_is_read_a_part_at_a_time_as_at_once():
    empty_scene()
    obj = build_rig()
    action = write_action(obj, swing(obj, 120), "long")
    motion, told = read(obj)
    whole = motion_from_action(obj, action)
    np.testing.assert_allclose(motion.rotations, whole.rotations, atol=1e-7)
    np.testing.assert_allclose(motion.positions(), whole.positions(), atol=1e-6)
    assert [done for _, done, _ in told] == [0, 50, 100] and {total for *_, total in told} == {120}
    part, _ = read(obj, action, 31, 60)
    np.testing.assert_allclose(part.positions(), whole.positions()[30:60], atol=1e-6)


@pytest.mark.parametrize("to_drive", [False, True])
def test_an_armature_in_edit_mode_is_read_as_it_plays_and_stays_there(to_drive):
    empty_scene()
    obj = build_rig()
    write_action(obj, swing(obj, 20), "swing")
    whole, _ = read(obj, to_drive=to_drive)
    bpy.context.view_layer.objects.active = obj
    bpy.ops.object.mode_set(mode="EDIT")
    motion, _ = read(obj, to_drive=to_drive)
    assert obj.mode == "EDIT"
    np.testing.assert_allclose(motion.positions(), whole.positions(), atol=1e-6)


def test_another_action_is_read_and_the_one_that_plays_goes_on():
    empty_scene()
    obj = build_rig()
    first = write_action(obj, swing(obj, 20), "first")
    second = write_action(obj, swing(obj, 30), "second")
    reading = read_action(obj, first)
    next(reading)
    assert obj.animation_data.action == second
    assert len(read(obj, first)[0]) == 20 and obj.animation_data.action == second
    if hasattr(second, "slots"):
        assert obj.animation_data.action_slot == second.slots[0]


def test_what_rigify_controls_were_keyed_with_is_read_from_what_they_turn(rigify_file):  # noqa: F811
    rig = load_rig(rigify_file)
    motion = dance(drive_skeleton(rig)[0])
    play_alone(rig, motion, "dance")
    seen, _ = read(rig, to_drive=True)
    assert seen.skeleton.names == motion.skeleton.names
    assert np.abs(seen.root_positions - motion.root_positions).max() < 1e-3
    assert np.percentile(apart(seen, motion), 99) < 1
    limbs = [seen.skeleton.index(f"DEF-{part}.{side}") for part in ("forearm", "hand", "shin", "foot") for side in "LR"]
    assert np.degrees(angle_between(seen.orientations(), motion.orientations()))[:, limbs].max() < 2
    play_alone(rig, seen, "again")
    again, _ = read(rig, to_drive=True)
    assert np.percentile(apart(again, seen), 99) < 0.5
    assert np.abs(again.root_positions - seen.root_positions).max() < 1e-3


def test_of_a_rig_with_controls_its_deform_bones_are_read_as_from_a_file(rigify_file):  # noqa: F811
    rig = load_rig(rigify_file)
    play_alone(rig, dance(drive_skeleton(rig)[0], frames=6), "dance")
    seen, _ = read(rig)
    from_file = followers_motion(rig)
    assert seen.skeleton.names == from_file.skeleton.names
    np.testing.assert_allclose(seen.positions(), from_file.positions(), atol=1e-6)


def apart(motion, other):
    """Degrees (F, J) between where the bones of two motions point."""
    along = np.array([0.0, 1, 0])
    cosine = (rotate(motion.orientations(), along) * rotate(other.orientations(), along)).sum(-1)
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))


def test_no_action_and_no_frames_are_said():
    empty_scene()
    obj = build_rig()
    with pytest.raises(ValueError, match="has no action"):
        read(obj)
    action = write_action(obj, swing(obj, 20), "short")
    with pytest.raises(ValueError, match="no frames from 40 to 20"):
        read(obj, action, 40)
    assert bpy.data.scenes.keys() == [bpy.context.scene.name]
