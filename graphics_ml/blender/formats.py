# SPDX-License-Identifier: GPL-3.0-or-later
"""The motion formats that Blender reads and writes: .fbx, .glb, .gltf (read only) and .blend.

They join `graphics_ml.formats` through its entry points. Reading gives what an action makes the file's armature do, by
Blender's own evaluation; writing gives an armature of the motion's joints that plays it. Both start over with an empty
scene.
"""

import warnings
from pathlib import Path

import bpy

from graphics_ml.blender.actions import assign, write_action
from graphics_ml.blender.armature import (
    armature_from_skeleton,
    motion_from_action,
    skeleton_from_armature,
    with_rest_frames,
)
from graphics_ml.blender.export import EXTENSIONS, save_scene
from graphics_ml.blender.rigs import load_rig
from graphics_ml.blender.scene import empty_scene
from graphics_ml.errors import MotionFileError, RigError
from graphics_ml.formats import FormatWarning
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.skeleton import Skeleton
from graphics_ml.outputs import ensure_extension, ensure_writable


def load(path: str | Path, action: str | None = None, armature: str | None = None) -> Motion:
    """The motion of an armature in a .fbx, .glb, .gltf or .blend.

    Args:
        path: the file.
        action: name of the action to read; the one that the armature plays, or else the file's first, when None.
        armature: name of the armature object; the largest with a mesh when None.

    A FormatWarning says which action was read where there are several, and how glTF's frame rate was recovered.

    Raises:
        MotionFileError: the file cannot be read, has no armature, or no such action.
    """
    path = Path(path)
    notes = []
    try:
        obj = load_rig(path, armature, actions=True, notes=notes)
        chosen = _choose(path, obj, action, notes)
        assign(obj, chosen)
        motion = motion_from_action(obj, chosen)
    except RigError as error:
        raise MotionFileError(path, None, str(error).removeprefix(f"{path}: ")) from error
    except ValueError as error:
        raise MotionFileError(path, None, f"its motion cannot be read: {error}") from error
    for note in notes:
        warnings.warn(note, FormatWarning, stacklevel=2)
    return motion.replace(provenance={"file": path.name, **motion.provenance})


def load_skeleton(path: str | Path, armature: str | None = None) -> Skeleton:
    """The rest pose of an armature in the file, which need hold no motion.

    Raises:
        MotionFileError: as for load.
    """
    try:
        return skeleton_from_armature(load_rig(path, armature))
    except RigError as error:
        raise MotionFileError(path, None, str(error).removeprefix(f"{path}: ")) from error
    except ValueError as error:
        raise MotionFileError(path, None, f"its armature cannot be read: {error}") from error


def save(motion: Motion, path: str | Path, name: str = "Motion") -> None:
    """Write a motion as an armature of its joints that plays it: .blend, .fbx or .glb.

    Args:
        motion: what to write. Joint frames become bone frames, which lie along the bones.
        path: its extension says the format.
        name: of the action.

    Raises:
        OutputError: the format is only read, or the place cannot be written.
    """
    path = Path(path)
    ensure_extension(path, EXTENSIONS)
    ensure_writable(path)
    empty_scene()
    obj = armature_from_skeleton(motion.skeleton)
    action = write_action(obj, with_rest_frames(motion, skeleton_from_armature(obj)), name)
    notes = []
    save_scene(path, obj, action, notes=notes)
    for note in notes:
        warnings.warn(note, FormatWarning, stacklevel=2)


def _choose(path, obj, name, notes):
    playing = obj.animation_data.action if obj.animation_data is not None else None
    names = [action.name for action in bpy.data.actions]
    if not names:
        raise MotionFileError(path, None, "it holds no motion; load its skeleton alone, or choose an animated file")
    if name is not None:
        # FBX readers put the armature's name before the action's, glTF's up to 4.3 after it.
        found = [n for n in (name, f"{obj.name}|{name}", f"{name}_{obj.name}") if n in names]
        if not found:
            raise MotionFileError(path, None, f"it has no action '{name}'; it has {_listed(names)}")
        return bpy.data.actions[found[0]]
    chosen = playing or bpy.data.actions[0]
    if len(names) > 1:
        notes.append(f"{path.name} holds {len(names)} actions; '{chosen.name}' is read.")
    return chosen


def _listed(names, most=8):
    shown = ", ".join(f"'{name}'" for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
