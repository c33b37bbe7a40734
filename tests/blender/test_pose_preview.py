# SPDX-License-Identifier: GPL-3.0-or-later
"""A motion's frames are shown without keys, and nothing of it stays."""

import bpy
import numpy as np
import pytest

from graphics_ml.blender.actions import curves_of, write_action
from graphics_ml.blender.armature import evaluated_now
from graphics_ml.blender.pose_preview import FORMER_POSE, PosePreview, put_back_left_over
from graphics_ml.blender.rigify import drive_skeleton
from graphics_ml.blender.rigs import load_rig
from graphics_ml.blender.scene import empty_scene
from graphics_ml.motion.rotations import rotate
from tests.blender.simple_rig import build_rig, swing
from tests.blender.test_rigify import dance, rigify_file  # noqa: F401


@pytest.fixture
def rig():
    empty_scene()
    return build_rig(connect=False)


def poses(obj):
    return [np.array(bone.matrix_basis) for bone in obj.pose.bones]


@pytest.mark.parametrize("mode", ["QUATERNION", "XYZ", "ZXY", "AXIS_ANGLE"])
def test_a_frame_is_shown_as_its_keys_would_show_it(rig, mode):
    for bone in rig.pose.bones:
        bone.rotation_mode = mode
    motion = swing(rig, 100)
    preview = PosePreview(rig)
    preview.load(motion, motion.skeleton.names)
    names = list(motion.skeleton.names)
    for frame in (0, 63, 64, 99, 250):
        preview.show(frame)
        _, places = evaluated_now(rig, names)
        np.testing.assert_allclose(places[0], motion.positions()[min(frame, 99)], atol=1e-5)
    assert not bpy.data.actions


def test_at_its_end_the_former_pose_is_back_and_the_former_action_shows(rig):
    rig.pose.bones["hand.L"].location = (1, 2, 3)
    rig.pose.bones["hand.L"].scale = (1, 2, 1)
    before = poses(rig)
    preview = PosePreview(rig)
    preview.load(swing(rig), ["hips", "spine", "hand.L"])
    preview.show(5)
    assert any(not np.allclose(a, b) for a, b in zip(before, poses(rig), strict=True))
    preview.end()
    for a, b in zip(before, poses(rig), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
    assert FORMER_POSE not in rig

    action = write_action(rig, swing(rig, seed=4), "former")
    bpy.context.scene.frame_set(7)
    _, former = evaluated_now(rig, ["hand.L"])
    preview = PosePreview(rig)
    preview.load(swing(rig), ["hips", "spine", "hand.L"])
    preview.show(0)
    bpy.context.scene.frame_set(3)  # the action poses it, and would have been shown over
    bpy.context.scene.frame_set(7)
    preview.show(2)
    preview.end()
    np.testing.assert_allclose(evaluated_now(rig, ["hand.L"])[1], former, atol=1e-6)
    assert rig.animation_data.action == action and len(curves_of(action)[0].keyframe_points) == 12


def test_what_a_preview_left_in_a_file_is_found_and_put_back(rig, tmp_path):
    before = poses(rig)
    preview = PosePreview(rig)
    preview.load(swing(rig), ["hips"])
    preview.show(5)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "left.blend"))  # as an autosave does
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "left.blend"))
    assert put_back_left_over() == ["Rig"] and put_back_left_over() == []
    for a, b in zip(before, poses(bpy.data.objects["Rig"]), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_a_rig_with_controls_shows_its_motion_and_has_its_switches_back(rigify_file):  # noqa: F811
    rig = load_rig(rigify_file)
    skeleton, _ = drive_skeleton(rig)
    switch = rig.pose.bones["upper_arm_parent.L"]
    rig.pose.bones["torso"].location = (0, 0.1, 0)
    motion, former, before = dance(skeleton, frames=4), switch["IK_FK"], poses(rig)
    names = [name for name in skeleton.names if "breast" not in name and "palm" not in name]
    preview = PosePreview(rig)
    preview.load(motion, skeleton.names)
    for frame in (3, 1):
        preview.show(frame)
        turns, places = evaluated_now(rig, names)
        index = [skeleton.index(name) for name in names]
        along = np.array([0.0, 1, 0])
        cosine = (rotate(turns[0], along) * rotate(motion.orientations()[frame, index], along)).sum(-1)
        assert np.degrees(np.arccos(np.clip(cosine, -1, 1))).max() < 3
        assert np.abs(places[0, names.index("DEF-spine")] - motion.root_positions[frame]).max() < 5e-3
    preview.end()
    assert switch["IK_FK"] == former != 1 and not bpy.data.actions
    for a, b in zip(before, poses(rig), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
