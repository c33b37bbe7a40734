"""A long motion's keys written into Blender, against Blender's own BVH importer and against bare foreach_set.

It is the first of motion_files' clips, of 5,133 frames and 31 joints. The importer goes from file to keys, as we do in
the second line; in the first our motion is read already. Bare foreach_set is what nobody can do without: as many new
F-curves and keys as ours, and their frames and values set, from arrays that are there already.
"""

import contextlib
import io
import tempfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from tests.benchmarks.motion_files import clips
from tests.benchmarks.timing import compare


def main():
    if find_spec("bpy") is None:
        print("key_writing: bpy is not installed")
        return
    with tempfile.TemporaryDirectory() as folder:
        _compare_all(clips(Path(folder))[0])


def _compare_all(path):
    import bpy

    from graphics_ml import formats
    from graphics_ml.blender.animation_data import curves_of
    from graphics_ml.blender.armature import armature_from_skeleton, skeleton_from_armature, with_rest_frames
    from graphics_ml.blender.armature_target import ArmatureTarget, Placement
    from graphics_ml.blender.scene import empty_scene

    empty_scene()
    obj = armature_from_skeleton(formats.load_skeleton(path))
    target, skeleton = ArmatureTarget(obj), skeleton_from_armature(obj)
    motion, placement = with_rest_frames(formats.load(path), skeleton), Placement(rate="motion", keep_rest=False)

    def play(motion):
        bpy.data.batch_remove(bpy.data.actions)
        return target.play(motion, "ours", skeleton.names, placement=placement)

    def load_and_play():
        play(with_rest_frames(formats.load(path), skeleton))

    def imported():
        bpy.data.batch_remove(bpy.data.actions)
        with contextlib.redirect_stdout(io.StringIO()):
            bpy.ops.import_anim.bvh(filepath=str(path))
        bpy.data.objects.remove(bpy.context.object)

    def bare():
        bpy.data.batch_remove(bpy.data.actions)
        curves = _new_curves(bpy.data.actions.new("bare"))
        for index in range(count):
            curve = curves.new("bare", index=index)
            points = curve.keyframe_points
            points.add(frames)
            points.foreach_set("co", keys[index])

    action = play(motion)
    count, frames = len(curves_of(action)), len(motion)
    keys = np.zeros((count, 2 * frames), dtype=np.float32)
    keys[:, ::2] = np.arange(frames)
    size = f"{path.stem}, {frames:,} frames, {count} curves"
    compare(f"keys: {size}", lambda: play(motion), imported, "Blender's importer", rounds=5)
    compare(f"file to keys: {size}", load_and_play, imported, "Blender's importer", rounds=5)
    compare(f"keys: {size}", lambda: play(motion), bare, "bare foreach_set")


def _new_curves(action):
    if not hasattr(action, "slots"):
        return action.fcurves
    strip = action.layers.new("Layer").strips.new(type="KEYFRAME")
    return strip.channelbag(action.slots.new(id_type="OBJECT", name="bare"), ensure=True).fcurves
