"""A small armature with every trait that trips converters, and motions for it; made anew for each test."""

from fractions import Fraction

import bpy
import numpy as np

from graphics_ml.blender.armature import skeleton_from_armature
from graphics_ml.blender.armature_target import ArmatureTarget, Placement
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.rotations import multiply, quaternion_from_axis_angle

# name, parent, head, tail, roll: in the armature's own unit, centimetres.
BONES = (
    ("hips", None, (0, 2, 95), (0, 0, 110), 0.1),
    ("spine", "hips", (0, 0, 112), (0, -3, 140), 0.0),
    ("arm.L", "spine", (15, 0, 138), (40, 2, 130), 0.7),
    ("hand.L", "arm.L", (40, 2, 130), (55, 0, 122), -0.4),
    ("leg.L", "hips", (10, 0, 92), (11, -2, 50), 0.0),
    ("foot.L", "leg.L", (11, -2, 50), (11, 3, 8), 2.0),
)


def build_rig(
    scale=0.01, rotation=(np.pi / 2, 0, 0.3), location=(0.5, -1.0, 0.25), mesh=True, connect=True, name="Rig"
):
    """An armature object with a skinned strip of mesh, turned and scaled as FBX files are."""
    data = bpy.data.armatures.new(name)
    obj = bpy.data.objects.new(name, data)
    bpy.context.scene.collection.objects.link(obj)
    bpy.context.view_layer.objects.active = obj
    bpy.ops.object.mode_set(mode="EDIT")
    for bone_name, parent, head, tail, roll in BONES:
        bone = data.edit_bones.new(bone_name)
        bone.head, bone.tail, bone.roll = head, tail, roll
        if parent is not None:
            bone.parent = data.edit_bones[parent]
            bone.use_connect = connect and (bone.parent.tail - bone.head).length < 1e-6
    bpy.ops.object.mode_set(mode="OBJECT")
    obj.scale, obj.rotation_euler, obj.location = (scale,) * 3, rotation, location
    if mesh:
        add_mesh(obj)
    bpy.context.view_layer.update()
    return obj


def add_mesh(obj, name="Skin"):
    corners, groups = [], []
    for bone in obj.data.bones:
        groups.append((bone.name, range(len(corners), len(corners) + 3)))
        corners += [bone.head_local[:], bone.tail_local[:], (bone.head_local[0] + 4, *bone.tail_local[1:])]
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(corners, [], [(i, i + 1, i + 2) for i in range(0, len(corners), 3)])
    skin = bpy.data.objects.new(name, mesh)
    bpy.context.scene.collection.objects.link(skin)
    for group, vertices in groups:
        skin.vertex_groups.new(name=group).add(list(vertices), 1.0, "REPLACE")
    skin.parent = obj
    skin.modifiers.new("Armature", "ARMATURE").object = obj
    return skin


def swing(obj, frames=12, fps=Fraction(30), amplitude=0.5, travel=1.0, seed=0):
    """A smooth motion of all joints that also travels."""
    skeleton = skeleton_from_armature(obj)
    random = np.random.default_rng(seed)
    time = np.linspace(0, 4, frames)[:, None, None]
    turn = amplitude * np.sin(time + random.uniform(0, 6, (1, len(skeleton), 3)))
    path = skeleton.offsets[0] + travel * np.concatenate((np.sin(time), 0.1 * np.cos(time), time / 4), axis=-1)[:, 0]
    rotations = multiply(skeleton.rest_orientations, quaternion_from_axis_angle(turn))
    return Motion(skeleton, rotations, path, fps, provenance={"made by": "test"})


def play_alone(obj, motion, name, bones=(), notes=None):
    """A new action of an armature whose motion sets the scene's rate and range; notes get what is said of it."""
    target = ArmatureTarget(obj)
    known = len(target.notes)
    action = target.play(motion, name, bones, placement=Placement(rate="motion", set_range=True, keep_rest=False))
    if notes is not None:
        notes += target.notes[known:]
    return action
