# SPDX-License-Identifier: GPL-3.0-or-later
"""The motion formats that Blender reads and writes: .fbx, .glb, .gltf (read only), .usd, .usda, .usdc, .usdz (read
only) and .blend.

They join `graphics_ml.formats` through its entry points. Reading gives what an action makes the file's armature do, by
Blender's own evaluation; writing gives an armature of the motion's joints that plays it. Both start over with an empty
scene.
"""

import warnings
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import bpy

from graphics_ml.blender import usd
from graphics_ml.blender.actions import assign, curves_of, write_action
from graphics_ml.blender.armature import (
    armature_from_skeleton,
    motion_from_action,
    moving_joints,
    skeleton_from_armature,
    with_rest_frames,
)
from graphics_ml.blender.export import EXTENSIONS, save_scene
from graphics_ml.blender.frame_times import STATED_RATE, ensure_not_endless, stated_rate
from graphics_ml.blender.presets import lay_root_bone, preset_for, stand_in_file_axes, with_root_bone
from graphics_ml.blender.rigify import followers_motion, followers_skeleton
from graphics_ml.blender.rigs import load_rig, meshes_of
from graphics_ml.blender.scene import empty_scene, first_line, frame_rate
from graphics_ml.errors import ArmatureError, MotionFileError, RigError
from graphics_ml.formats import FormatWarning
from graphics_ml.motion.keys import ReducedKeys
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.skeleton import Skeleton
from graphics_ml.outputs import ensure_extension, ensure_writable


def load(path: str | Path, action: str | None = None, armature: str | None = None) -> Motion:
    """The motion of an armature in a .fbx, .glb, .gltf, .usd, .usda, .usdc, .usdz or .blend.

    Args:
        path: the file.
        action: name of the action to read; the one that the armature plays, or else the file's first, when None.
        armature: name of the armature object; the largest with a mesh when None.

    Of a rig whose deform bones follow controls the deform bones are read, not the controls.

    The motion's provenance tells the names of the file and the action, and how many `meshes` the armature moves.

    A FormatWarning says which action was read where there are several, which bones were left out, and how glTF's frame
    rate was recovered.

    Raises:
        MotionFileError: the file cannot be read, has no armature, or no such action.
    """
    path = Path(path)
    notes = []
    with as_motion_errors(path):
        if path.suffix.lower() in usd.READ:
            motion = usd.read_motion(path, action, armature, notes)
        else:
            motion = _read(path, action, armature, notes)
    for note in notes:
        warnings.warn(note, FormatWarning, stacklevel=2)
    return motion.replace(provenance={"file": path.name, **motion.provenance})


def load_skeleton(path: str | Path, armature: str | None = None) -> Skeleton:
    """The rest pose of an armature in the file, which need hold no motion.

    Raises:
        MotionFileError: as for load.
    """
    path = Path(path)
    with as_motion_errors(path):
        if path.suffix.lower() in usd.READ:
            return usd.read_skeleton(path, armature)
        obj = load_rig(path, armature)
        return followers_skeleton(obj) or skeleton_from_armature(obj)


def actions(path: str | Path) -> tuple[str, ...]:
    """Names of the actions in a file, as `load(action=)` takes them.

    Raises:
        MotionFileError: the file cannot be read or has no armature.
    """
    path = Path(path)
    with as_motion_errors(path):
        if path.suffix.lower() in usd.READ:
            return usd.animations(path)
        load_rig(path, actions=True)
    return tuple(action.name for action in bpy.data.actions)


def save(
    motion: Motion,
    path: str | Path,
    name: str = "Motion",
    preset: str | None = None,
    keys: ReducedKeys | None = None,
) -> None:
    """Write a motion as an armature of its joints that plays it: .blend, .fbx, .glb, .usd, .usdc or .usda.

    Args:
        motion: what to write. Joint frames become bone frames, which lie along the bones.
        path: its extension says the format.
        name: of the action.
        preset: the game engine that the file is for, one of presets.toml: its axes and unit, and a root bone that
            carries the path over the ground.
        keys: of a .blend, leave only these keys, of which the motion was made; other formats get every frame.

    A FormatWarning says which joints got another name, and where sticks were added to keep the bones.

    Raises:
        OutputError: the format is only read, the preset is unknown or for other formats, or the place cannot be
            written.
    """
    path = Path(path)
    ensure_extension(path, EXTENSIONS)
    engine = None if preset is None else preset_for(path, preset)
    ensure_writable(path)
    notes = []
    if engine is not None:
        motion = with_root_bone(motion, engine.root_bone, engine.root_motion, notes)
    motion = _named_as_bones(motion, notes)
    empty_scene()
    obj = armature_from_skeleton(motion.skeleton, engine.armature if engine else "Armature", free=moving_joints(motion))
    if engine is not None:
        if path.suffix.lower() == ".fbx":
            stand_in_file_axes(obj, engine)
            lay_root_bone(obj, (0, 1, 0))
        else:  # glTF, whose exporter turns the axes
            lay_root_bone(obj, (0, 0, 1))
    action = write_action(obj, with_rest_frames(motion, skeleton_from_armature(obj)), name, keys=keys)
    save_scene(path, obj, action, notes=notes, fps=motion.fps, preset=engine)
    for note in notes:
        warnings.warn(note, FormatWarning, stacklevel=2)


@contextmanager
def as_motion_errors(path: str | Path):
    """What a file's rig cannot be read or used for is within the block a MotionFileError that names the file."""
    try:
        yield
    except (RigError, ArmatureError) as error:
        raise MotionFileError(path, None, str(error).removeprefix(f"{path}: ")) from error
    except (ValueError, OSError) as error:
        raise MotionFileError(path, None, first_line(error)) from error


def open_playing(
    path: Path, action: str | None, armature: str | None, notes: list[str], all_actions: bool = False
) -> tuple[bpy.types.Object, bpy.types.Action]:
    """Open the armature of a file in an empty scene, where it plays an action; gives both.

    Args:
        path, action, armature: as for load.
        notes: a list that gets a sentence for each thing the user should know.
        all_actions: whether the others are read even where that takes long.

    Raises:
        MotionFileError: there is no such action, or too many frames to be meant.
        RigError, ValueError, OSError: the rig cannot be read; see as_motion_errors.
    """
    obj = load_rig(path, armature, actions=True if all_actions else action or True, notes=notes)
    chosen = _choose(path, obj, action, notes)
    assign(obj, chosen)
    first, last = chosen.frame_range
    ensure_not_endless(last - first + 1, max((len(curve.keyframe_points) for curve in curves_of(chosen)), default=0))
    return obj, chosen


def exact_rate(obj: bpy.types.Object) -> Fraction:
    """The frame rate of an armature's file: the one it states, where the scene has that as nearly as 32 bits allow."""
    stated, rate = stated_rate(obj.get(STATED_RATE)), frame_rate(bpy.context.scene)
    # Someone may have given the scene another one since.
    return stated if stated and abs(rate / stated - 1) < Fraction(1, 100_000) else rate


def _read(path, action, armature, notes):
    obj, chosen = open_playing(path, action, armature, notes)
    motion = followers_motion(obj, chosen)
    if motion is None:
        motion = motion_from_action(obj, chosen)
    else:
        apart = sum(bone.name not in motion.skeleton.names for bone in obj.data.bones)
        notes.append(f"{path.name}: its deform bones are read, and not the {apart} others, some of which lead them.")
    made_of = motion.provenance | {"meshes": len(meshes_of(obj))}
    return motion.replace(fps=exact_rate(obj), provenance=made_of)


def _named_as_bones(motion, notes):
    """The motion with names that Blender can give to bones: not empty, and of no more bytes than it keeps."""
    most = bpy.types.Bone.bl_rna.properties["name"].length_max - 1
    names = []
    for number, name in enumerate(motion.skeleton.names):
        short = (name or "joint").encode()[:most].decode(errors="ignore")
        while short in names or (short != name and short in motion.skeleton.names):
            number += 1
            short = f"{short.encode()[: most - 8].decode(errors='ignore')}_{number}"
        names.append(short)
    changed = [f"'{old}' is '{new}'" for old, new in zip(motion.skeleton.names, names, strict=True) if old != new]
    if not changed:
        return motion
    notes.append(f"Blender keeps {most} bytes of a bone's name: {listed(changed)}.")
    return motion.replace(skeleton=motion.skeleton.replace(names=tuple(names)))


def _choose(path, obj, name, notes):
    playing = obj.animation_data.action if obj.animation_data is not None else None
    names = [action.name for action in bpy.data.actions]
    if not names:
        raise MotionFileError(path, None, "it holds no motion; choose an animated file, or use this one as a target")
    if name is not None:
        # FBX readers put the armature's name before the action's, glTF's up to 4.3 after it.
        found = [n for n in (name, f"{obj.name}|{name}", f"{name}_{obj.name}") if n in names]
        if not found:
            held = listed([f"'{name}'" for name in names])
            raise MotionFileError(path, None, f"it has no action '{name}'; it has {held}")
        return bpy.data.actions[found[0]]
    chosen = playing or bpy.data.actions[0]
    if len(names) > 1:
        notes.append(f"{path.name} holds {len(names)} actions; '{chosen.name}' is read.")
    return chosen


def listed(names: list[str], most: int = 8) -> str:
    """Names as they stand in a sentence; of many the first."""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
