# SPDX-License-Identifier: GPL-3.0-or-later
"""On an armature of the scene a motion of few keys stays one of few keys."""

import bpy
import numpy as np
import pytest

from graphics_ml.blender.actions import KEYED
from graphics_ml.blender.animation_data import curves_of
from graphics_ml.blender.armature import evaluated_transforms
from graphics_ml.blender.armature_target import ArmatureTarget
from graphics_ml.blender.rigs import load_rig
from graphics_ml.blender.scene import empty_scene, set_frame_rate
from graphics_ml.motion.keys import reduce_keys
from tests.blender.simple_rig import build_rig, swing
from tests.blender.test_rigify import dance, rigify_file  # noqa: F401


def keyed(action, attribute):
    """Number of keys in each curve of one kind."""
    return [len(c.keyframe_points) for c in curves_of(action) if c.data_path.endswith(attribute)]


def test_bones_keep_the_keys_and_go_between_them_as_the_motion_does():
    set_frame_rate(empty_scene(), 30)
    obj = build_rig(connect=False)
    target = ArmatureTarget(obj)
    motion = swing(obj, 60)
    found = reduce_keys(motion, 0.003)
    action = target.play(found.motion, "few", motion.skeleton.names, keys=found)
    _, places = evaluated_transforms(obj, range(1, 61), motion.skeleton.names)
    np.testing.assert_allclose(places, found.motion.positions(), atol=2e-5)
    assert sum(keyed(action, "rotation_quaternion")) == 4 * sum(
        len(channel.frames) for channel in found.channels if channel.kind == "rotation"
    )
    point = curves_of(action)[0].keyframe_points[1]
    assert point.interpolation == "BEZIER" and point.handle_left[0] < point.co[0] < point.handle_right[0]


def test_what_is_not_keyed_is_not_thinned_out():
    set_frame_rate(empty_scene(), 30)
    obj = build_rig(connect=False)
    target = ArmatureTarget(obj)
    motion = swing(obj, 60)
    by_hand = target.play(motion, "all", motion.skeleton.names)
    del by_hand[KEYED]  # as if an animator had keyed it
    hand, rotations = motion.skeleton.index("hand.L"), np.array(motion.rotations)
    rotations[:, hand] = motion.skeleton.rest_orientations[hand]
    found = reduce_keys(motion.replace(rotations=rotations), 0.01)
    action = target.play(found.motion, "most", ["hips"], keys=found)
    counts = {c.data_path.split('"')[1]: len(c.keyframe_points) for c in curves_of(action) if "rotation" in c.data_path}
    assert counts["hand.L"] == 60 and counts["hips"] < 60


@pytest.mark.parametrize("metres", [0.003, 0.01])
def test_controls_get_few_keys_too_and_the_rig_is_off_by_no_more_than_both_allow(rigify_file, metres):  # noqa: F811
    rig = load_rig(rigify_file)
    set_frame_rate(bpy.context.scene, 30)
    target = ArmatureTarget(rig)
    motion = dance(target.skeleton, frames=40)
    names = [name for name in target.skeleton.names if "breast" not in name and "palm" not in name]
    found = reduce_keys(motion, metres)
    full = target.play(found.motion, "full", names)
    _, before = evaluated_transforms(rig, range(1, 41), names)
    few = target.play(found.motion, "few", names, keys=found)
    _, after = evaluated_transforms(rig, range(1, 41), names)
    assert np.linalg.norm(after - before, axis=-1).max() < metres
    assert sum(keyed(few, "rotation_quaternion")) < 0.8 * sum(keyed(full, "rotation_quaternion"))
    assert len(curves_of(few)) == len(curves_of(full))
