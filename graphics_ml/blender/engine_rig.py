# SPDX-License-Identifier: GPL-3.0-or-later
"""Animated rig → the rig that a game engine takes: plain bones in the file's axes and unit, under one root bone that
carries the path over the ground. Meshes, weights and rest pose stay as they are.

What the rig does is taken as Blender evaluates it and keyed on the bones themselves, so that nothing depends on
controls, constraints or drivers any more, none of which a file for an engine holds.
"""

import json

import bpy
import numpy as np
from mathutils import Vector

from graphics_ml.blender.actions import PROVENANCE, release, write_action
from graphics_ml.blender.armature import (
    edit_mode,
    motion_from_action,
    motion_of_transforms,
    skeleton_from_armature,
    with_rest_frames,
)
from graphics_ml.blender.presets import Preset, stand_in_file_axes
from graphics_ml.blender.rigify import controls_apart, driven_parents
from graphics_ml.blender.rigs import reset_pose
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.rotations import angle_between, multiply, rotate

# Radians and metres: less than this is rounding of Blender's 32-bit matrices.
_STILL = 1e-3


def as_engine_rig(
    obj: bpy.types.Object,
    action: bpy.types.Action,
    preset: Preset,
    axes: bool,
    hips: str,
    travel: tuple[np.ndarray, np.ndarray] | None,
    notes: list[str],
) -> bpy.types.Action:
    """Change a rig and what it plays into what an engine takes; every bone that the action moves stays where it is in
    the world.

    The root bone is the bone at the top of those above the hips. Where there is none, one is added at the origin.
    Others without a parent hang on it from then on: engines take one tree.

    Args:
        obj: armature object.
        action: what it plays; replaced by one of the same name.
        preset: of the engine.
        axes: whether the bones shall stand in the axes and unit of the preset, as for a .fbx; the exporter of glTF
            turns them itself.
        hips: name of the hips' bone.
        travel: places (F, 3), metres, and turns (F, 4) by which the root bone moves from where it is, in our axes;
            bones that the action does not move go with it. None: it stays.
        notes: a list that gets a sentence for each thing the user should know.

    Returns:
        The action that the rig plays now.
    """
    above = obj.data.bones[hips].parent_recursive
    root = above[-1].name if above else None
    kept = _kept(obj, root)
    motion = motion_from_action(obj, action, bones=kept)
    motion = motion.replace(provenance=json.loads(action.get(PROVENANCE, "{}")))
    name = action.name
    release(obj)
    bpy.data.actions.remove(action)
    _strip(obj, kept)
    _stand(obj, preset, axes)
    root = _ensure_root(obj, root, hips, preset, axes, notes)
    _call(obj, preset.armature)
    motion = with_rest_frames(motion, skeleton_from_armature(obj))
    return write_action(obj, motion if travel is None else _along(motion, hips, *travel), name)


def _kept(obj, root):
    """Names of the bones that stay: where deform bones follow others they, the root, and what carries objects."""
    bones = obj.data.bones
    if not controls_apart(obj):
        return set(bones.keys())
    carrying = {one.parent_bone for one in bpy.data.objects if one.parent == obj and one.parent_type == "BONE"}
    return {bone.name for bone in bones if bone.use_deform or bone.name == root or bone.name in carrying}


def _strip(obj, kept):
    """Leave only the kept bones, at rest and led by nothing."""
    parents = driven_parents(obj, every=True) if kept < set(obj.data.bones.keys()) else {}
    for bone in obj.data.bones:
        if bone.name in kept and bone.name not in parents:
            parents[bone.name] = next((above.name for above in bone.parent_recursive if above.name in kept), None)
    for bone in obj.pose.bones:
        for constraint in list(bone.constraints):
            bone.constraints.remove(constraint)
    for owner in (obj, obj.data):
        if owner.animation_data is not None:
            for driver in list(owner.animation_data.drivers):
                owner.animation_data.drivers.remove(driver)
    with edit_mode(obj):
        bones = obj.data.edit_bones
        for name, parent in parents.items():
            before = bones[name].parent
            if before is not None and before.name != parent:
                bones[name].use_connect = False
                bones[name].parent = None if parent is None else bones[parent]
        for name in set(bones.keys()) - kept:
            bones.remove(bones[name])
    reset_pose(obj)


def _stand(obj, preset, axes):
    """Put the object's transform, and the file's axes and unit, into the bones; whatever hangs on them stays."""
    hanging = [(one, one.matrix_world.copy()) for one in bpy.data.objects if one.parent == obj]
    world = obj.matrix_world.copy()
    obj.parent = None
    for constraint in list(obj.constraints):
        obj.constraints.remove(constraint)
    obj.matrix_world = world
    stand_in_file_axes(obj, preset if axes else None)
    # What hangs on a bone is placed by its pose, which Blender would not know of yet.
    reset_pose(obj)
    for one, place in hanging:
        one.matrix_world = place
    bpy.context.view_layer.update()


def _ensure_root(obj, root, hips, preset, axes, notes):
    """The name of the root bone, under which all others hang."""
    tops = [bone.name for bone in obj.data.bones if bone.parent is None]
    taken = {bone.name.casefold() for bone in obj.data.bones}  # engines do not tell capitals from small letters
    with edit_mode(obj):
        bones = obj.data.edit_bones
        if root is None:
            wanted = (preset.root_bone, *(f"{preset.root_bone}_{n}" for n in range(2, len(taken) + 3)))
            bone = bones.new(next(one for one in wanted if one.casefold() not in taken))
            root = bone.name
            along = Vector((0, 1, 0) if axes else (0, 0, 1))  # Y in the file
            away = bones[hips].head
            if axes and (away - away.project(along)).length < 5e-4 / preset.unit:
                # Straight above, Blender's FBX importer would connect the hips, and then ignore that they move.
                bone.head = -1e-3 / preset.unit * _axis(preset.front)
            bone.tail, bone.roll = bone.head + max(0.25 * away.length, 1e-3) * along, 0.0
            notes.append(f"The bone '{root}' was added above '{hips}', because the rig has none that carries the path.")
        loose = [name for name in tops if name != root and name != hips]
        for name in tops:
            if name != root:
                bones[name].use_connect, bones[name].parent = False, bones[root]
    if loose:
        notes.append(f"Engines take one tree of bones: {', '.join(loose)} hang on '{root}' now.")
    return root


def _axis(name):
    return Vector([letter == name[-1] for letter in "XYZ"]) * (-1 if name.startswith("-") else 1)


def _call(obj, name):
    """Give the object a name, whatever bears it now."""
    if obj.name != name and name in bpy.data.objects:
        bpy.data.objects[name].name = f"{name} of another"
    obj.name = name


def _along(motion: Motion, hips, places, turns) -> Motion:
    """The motion with its first joint going along a path (F, 3) with a heading (F, 4): the hips, other joints that
    move, and what hangs on them stay where they are in the world, the rest goes with the first."""
    skeleton = motion.skeleton
    local = skeleton.offsets[None] if motion.local_positions is None else motion.local_positions
    moved = angle_between(motion.rotations, skeleton.rest_orientations).max(axis=0) > _STILL
    moved |= np.abs(local - skeleton.offsets).max(axis=(0, 2)) > _STILL
    moved[skeleton.index(hips)] = True
    world, spots = (np.array(each) for each in motion.transforms())
    world[:, 0], spots[:, 0] = multiply(turns, world[:, 0]), places + rotate(turns, spots[:, 0])
    moved[0] = False
    for joint, parent in list(enumerate(skeleton.parents))[1:]:
        moved[joint] |= moved[parent]
        if not moved[joint]:
            world[:, joint] = multiply(world[:, parent], motion.rotations[:, joint])
            spots[:, joint] = spots[:, parent] + rotate(world[:, parent], local[:, joint])
    return motion_of_transforms(skeleton, world, spots, motion.fps).replace(provenance=motion.provenance)
