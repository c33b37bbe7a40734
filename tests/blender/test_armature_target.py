# SPDX-License-Identifier: GPL-3.0-or-later
"""A motion goes on an armature of a scene that is an animator's: what it does there, and what it leaves alone."""

import json
from fractions import Fraction

import bpy
import numpy as np
import pytest

from graphics_ml.blender.actions import CONFIDENCE, PROVENANCE, write_action
from graphics_ml.blender.animation_data import curves_of
from graphics_ml.blender.armature import evaluated_transforms
from graphics_ml.blender.armature_target import ArmatureTarget, Placement
from graphics_ml.blender.scene import empty_scene, frame_rate, set_frame_rate
from graphics_ml.errors import ArmatureError
from graphics_ml.motion.resample import resample
from graphics_ml.motion.rotations import angle_between
from tests.blender.simple_rig import build_rig, swing


@pytest.fixture(autouse=True)
def scene():
    scene = empty_scene()
    set_frame_rate(scene, Fraction(30))
    scene.frame_start, scene.frame_end = 7, 99
    scene.frame_set(20)
    return scene


def keys(action):
    """Frames and values of all curves, by path and index."""
    return {
        (curve.data_path, curve.array_index): [tuple(key.co) for key in curve.keyframe_points]
        for curve in curves_of(action)
    }


def places_apart(obj, motion, start=1):
    _, places = evaluated_transforms(obj, range(start, start + len(motion)), motion.skeleton.names)
    return np.abs(places - motion.positions()).max()


def test_the_armature_plays_the_motion_and_the_scene_keeps_its_time(scene):
    obj = build_rig()
    motion = swing(obj)
    action = ArmatureTarget(obj).play(motion, "dance", placement=Placement(start_frame=15))
    assert places_apart(obj, motion, 15) < 5e-6
    assert obj.animation_data.action == action and action.name == "dance"
    assert (scene.frame_start, scene.frame_end, scene.frame_current, frame_rate(scene)) == (7, 99, 20, 30)
    assert json.loads(action[PROVENANCE]) == {"made by": "test"}
    shown = np.array(obj.evaluated_get(bpy.context.evaluated_depsgraph_get()).pose.bones["hand.L"].head)
    at_twenty = evaluated_transforms(obj, [20], ["hand.L"])[1][0, 0]
    world = obj.matrix_world @ __import__("mathutils").Vector(shown)
    np.testing.assert_allclose((world.x, world.z, -world.y), at_twenty, atol=1e-5)
