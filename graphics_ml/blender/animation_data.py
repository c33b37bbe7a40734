# SPDX-License-Identifier: GPL-3.0-or-later
"""What an object plays: its action, the slot of it, the NLA, its pose; looked at, changed for a while, put back.

Since 4.4 F-curves live in `action.layers[].strips[].channelbag(slot)`; since 5.0 there is no `Action.fcurves`.
"""

import contextlib

import bpy
import numpy as np

_CHANNELS = {"location": 3, "rotation_quaternion": 4, "rotation_euler": 3, "rotation_axis_angle": 4, "scale": 3}
TRANSFORMS = tuple(_CHANNELS)


def assign(obj: bpy.types.Object, action: bpy.types.Action | None) -> None:
    """Make an action the object's current one, its slot included; None takes the current one away."""
    animation = obj.animation_data_create()
    animation.action = action
    if action is not None and hasattr(action, "slots") and len(action.slots):
        animation.action_slot = slot_for_objects(action)


def slot_for_objects(action: bpy.types.Action):
    """The slot of an action that an object plays by it: the first that is made for objects."""
    fit = [slot for slot in action.slots if slot.target_id_type in ("OBJECT", "UNSPECIFIED")]
    return fit[0] if fit else action.slots[0]


def current_action(obj: bpy.types.Object) -> bpy.types.Action | None:
    """The action that the object plays, NLA strips aside."""
    return obj.animation_data.action if obj.animation_data is not None else None


def curves_of(action: bpy.types.Action, slot=None) -> list[bpy.types.FCurve]:
    """The F-curves of an action, of one of its slots or of all, wherever this version of Blender keeps them."""
    return [curve for bag in _bags(action, slot) for curve in bag.fcurves]


def remove_curves(action: bpy.types.Action, paths) -> None:
    """Remove the F-curves of these data paths."""
    for bag in _bags(action):
        for curve in [curve for curve in bag.fcurves if curve.data_path in paths]:
            bag.fcurves.remove(curve)


def paths_of(action: bpy.types.Action, slot=None) -> set[str]:
    """The data paths of the F-curves that curves_of gives."""
    return {curve.data_path for curve in curves_of(action, slot)}


def _bags(action, slot=None):
    if not hasattr(action, "slots"):
        return [action]
    bags = [bag for layer in action.layers for strip in layer.strips for bag in strip.channelbags]
    return [bag for bag in bags if slot is None or bag.slot_handle == slot.handle]


def bone_path(bone: str) -> str:
    """What the data paths of a pose bone's channels begin with."""
    return f'pose.bones["{bpy.utils.escape_identifier(bone)}"]'


def transform_paths(bones) -> set[str]:
    """The data paths of all that places these pose bones, in every rotation mode."""
    return {f"{bone_path(bone)}.{attribute}" for bone in bones for attribute in TRANSFORMS}


@contextlib.contextmanager
def put_back(obj: bpy.types.Object, always: bool = True):
    """After the block the armature plays what it played before and every bone has the values it had.

    Args:
        always: whether also where the block ends without an error.
    """
    animation = obj.animation_data
    pose = {name: _values(obj, name) for name in TRANSFORMS}
    if animation is not None:
        action, slot, mixed = animation.action, getattr(animation, "action_slot", None), animation.use_nla
    done = False
    try:
        yield
        done = True
    finally:
        if always or not done:
            if animation is None:
                obj.animation_data_clear()
            else:
                if animation.action != action:
                    animation.action = action
                if slot is not None and animation.action_slot != slot:
                    animation.action_slot = slot
                if animation.use_nla != mixed:
                    animation.use_nla = mixed
            # Blender evaluates what was assigned before the values return: some may be posed and not keyed.
            bpy.context.view_layer.update()
            for name, values in pose.items():
                if not np.array_equal(_values(obj, name), values):
                    obj.pose.bones.foreach_set(name, values)
            obj.update_tag()


@contextlib.contextmanager
def no_new_actions_on_error():
    """Where the block ends with an error, the actions that were made in it are removed."""
    before = set(bpy.data.actions)
    try:
        yield
    except BaseException:
        bpy.data.batch_remove(set(bpy.data.actions) - before)
        raise


@contextlib.contextmanager
def playing(obj: bpy.types.Object, action: bpy.types.Action):
    """Within the block the armature plays this action and nothing else: no NLA strips, and bones that only its current
    action moves are at rest. After it all is as it was."""
    with _tweak_mode_left(obj), put_back(obj):
        if current_action(obj) != action:
            rest_moved_bones(obj)
            assign(obj, action)
        obj.animation_data.use_nla = False
        yield


@contextlib.contextmanager
def _tweak_mode_left(obj):
    tweaked = obj.animation_data is not None and obj.animation_data.use_tweak_mode
    if tweaked:
        obj.animation_data.use_tweak_mode = False
    try:
        yield
    finally:
        if tweaked:
            obj.animation_data.use_tweak_mode = True


def rest_moved_bones(obj: bpy.types.Object) -> None:
    """Put the bones that the current action moves back to rest, where they would else stay as they were at some frame
    of it."""
    action = current_action(obj)
    if action is not None:
        rest_bones(obj, paths_of(action))


def rest_bones(obj: bpy.types.Object, paths: set[str]) -> None:
    """Put the bones that are placed by any of these data paths to rest."""
    for bone in obj.pose.bones:
        if not paths.isdisjoint(transform_paths([bone.name])):
            bone.matrix_basis.identity()


def refresh(obj: bpy.types.Object) -> None:
    """Let Blender evaluate the object's animation at the current frame anew, before it is next shown or looked at."""
    obj.update_tag(refresh={"OBJECT", "DATA", "TIME"})


def _values(obj, name):
    values = np.empty(_CHANNELS[name] * len(obj.pose.bones), dtype=np.float32)
    obj.pose.bones.foreach_get(name, values)
    return values
