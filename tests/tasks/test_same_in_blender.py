"""A job of the command line and the same steps in an open scene of Blender write the same keys."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("bpy")

import bpy

from graphics_ml import formats
from graphics_ml.blender.animation_data import curves_of
from graphics_ml.blender.armature import evaluated_transforms
from graphics_ml.blender.armature_target import ArmatureTarget, Placement
from graphics_ml.blender.rigs import load_rig
from graphics_ml.blender.scene import frame_rate, set_frame_rate
from graphics_ml.jobs import Retarget
from graphics_ml.motion.retarget import Retargeter
from graphics_ml.run import run


def keys(action):
    found = {}
    for curve in curves_of(action):
        values = np.empty(2 * len(curve.keyframe_points), dtype=np.float32)
        curve.keyframe_points.foreach_get("co", values)
        found[curve.data_path, curve.array_index] = values.reshape(-1, 2)
    return found


@pytest.fixture
def walk(clips, tmp_path) -> Path:
    """Half a second of a real walk."""
    motion = formats.load(next(path for path in clips("cmu") if path.stem == "02_01"))
    formats.save(motion.frames(100, 160), tmp_path / "walk.bvh")
    return tmp_path / "walk.bvh"


def in_an_animators_scene(rig):
    """The rig in the midst of an animator's work: other rate and frame, other things in the scene."""
    scene = bpy.context.scene
    set_frame_rate(scene, Fraction(25))
    scene.frame_set(33)
    scene.collection.objects.link(bpy.data.objects.new("lamp", None))
    return rig


@pytest.mark.parametrize("name", ["Geno.fbx", "Knight.glb"])
def test_a_real_rig_gets_the_same_keys_and_stands_where_the_motion_says(test_data, walk, tmp_path, name):
    path = test_data / "rigs" / name
    run(Retarget(source=walk, target=path, output=tmp_path / "out.blend"))
    theirs = keys(load_rig(tmp_path / "out.blend", actions=True).animation_data.action)

    rig = in_an_animators_scene(load_rig(path))
    target = ArmatureTarget(rig)
    bones = target.recognised()
    source = formats.load(walk)
    pair = Retargeter(source, target.skeleton, target_map=bones)
    motion, _ = pair(source, soles=target.soles(bones))
    action = target.play(motion, "walk", pair.led, placement=Placement(rate="motion"))
    ours = keys(action)
    assert ours.keys() == theirs.keys()
    for channel, values in ours.items():
        np.testing.assert_allclose(values, theirs[channel], rtol=1e-6, atol=1e-6)
    assert frame_rate(bpy.context.scene) == source.fps and bpy.context.scene.frame_current == 33
    _, places = evaluated_transforms(rig, range(1, len(motion) + 1), motion.skeleton.names)
    assert np.linalg.norm(places - motion.positions(), axis=-1).max() < 1e-5
