# SPDX-License-Identifier: GPL-3.0-or-later
"""Export presets for game engines: what presets.toml says, and the root bone that it asks for."""

import functools
import tomllib
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path

import bpy
import numpy as np
from bpy_extras.io_utils import axis_conversion
from mathutils import Matrix, Vector

from graphics_ml.blender.armature import PLACE_TOLERANCE, edit_mode, motion_of_transforms, skeleton_of_transforms
from graphics_ml.errors import OutputError
from graphics_ml.motion.bone_map import recognize
from graphics_ml.motion.motion import Motion


@dataclass(frozen=True)
class Preset:
    """One table of presets.toml, where each entry is explained."""

    extensions: tuple[str, ...]
    up: str
    front: str
    unit: float
    leaf_bones: bool
    root_bone: str
    root_motion: bool
    armature: str

    @property
    def forward(self) -> str:
        """Where Blender's +Y goes in the file: characters look the other way."""
        return self.front.removeprefix("-") if self.front.startswith("-") else f"-{self.front}"


@functools.cache
def presets() -> dict[str, Preset]:
    """All presets by name."""
    text = files("graphics_ml.blender").joinpath("presets.toml").read_text(encoding="utf-8")
    tables = tomllib.loads(text)
    return {name: Preset(**table | {"extensions": tuple(table["extensions"])}) for name, table in tables.items()}


def with_root_bone(motion: Motion, name: str, travels: bool, notes: list[str]) -> Motion:
    """The motion on a skeleton whose root is an upright bone at the origin; no other joint is moved.

    A joint above the hips becomes that bone; where there is none it is added. In the rest pose the hips stand over it,
    a millimetre ahead, and nothing is below the ground: straight above the bone Blender's FBX importer would connect
    the hips to it, and then ignore that they move up and down.

    Args:
        motion: in world metres, Y up.
        name: of the root bone. Another joint of that name gets another.
        travels: whether the root bone follows the hips over the ground, at height 0, without turning; it stays at the
            origin otherwise.
        notes: a list that gets a sentence for each joint that is written under another name.
    """
    skeleton, (turns, places) = motion.skeleton, motion.transforms()
    rest_turns, rest_places = skeleton.rest_transforms()
    names, parents, hips, added = list(skeleton.names), list(skeleton.parents), _hips(motion, places), 0
    if hips == 0:
        names, parents, hips, added = [name, *names], [-1, *(parent + 1 for parent in parents)], 1, 1
        turns, places, rest_turns, rest_places = (
            np.concatenate((array[..., :1, :], array), axis=-2) for array in (turns, places, rest_turns, rest_places)
        )
    elif names[0] != name:
        notes.append(f"The joint '{names[0]}' is written as the root bone '{name}'.")
        names[0] = name
    # Engines do not tell capitals from small letters.
    for joint in (j for j in range(1, len(names)) if names[j].casefold() == name.casefold()):
        other = next(one for one in ("hips", *(f"{names[joint]}_{n}" for n in range(joint + 1))) if one not in names)
        notes.append(f"The joint '{names[joint]}' is written as '{other}', because the root bone is called '{name}'.")
        names[joint] = other
    turns, places, rest_turns = np.array(turns), np.array(places), np.array(rest_turns)
    turns[:, 0], rest_turns[0] = (1.0, 0, 0, 0), (1.0, 0, 0, 0)
    places[:, 0] = places[:, hips] * (1, 0, 1) if travels else 0.0
    hips_x, _, hips_z = rest_places[hips]
    rest_places = rest_places - (hips_x, min(rest_places[1:, 1].min(), 0.0), hips_z - 1e-3)
    rest_places[0] = 0.0
    rooted = skeleton_of_transforms(names, parents, rest_turns, rest_places, {}).replace(
        end_sites=tuple(replace(end, joint=end.joint + added) for end in skeleton.end_sites if end.joint + added)
    )
    return motion_of_transforms(rooted, turns, places, motion.fps).replace(provenance=motion.provenance)


def preset_for(path: Path, name: str) -> Preset:
    """The preset of this name, for a file.

    Raises:
        OutputError: there is none, or it is for files of other formats.
    """
    if name not in presets():
        raise OutputError(path, None, f"there is no preset '{name}'; use one of {', '.join(presets())}")
    found = presets()[name]
    if path.suffix.lower() not in found.extensions:
        raise OutputError(path, None, f"the preset '{name}' is for {' and '.join(found.extensions)} files; write one")
    return found


def stand_in_file_axes(obj: bpy.types.Object, preset: Preset | None) -> None:
    """Turn and scale an armature's bones to the axes and unit of the preset's file, and its object back, so that in the
    file the node above the bones neither turns nor scales; nothing is moved in the world.

    Args:
        obj: armature object without a parent.
        preset: None for Blender's own axes and metres, which the exporter of glTF turns.
    """
    to_file = Matrix.Identity(4)
    if preset is not None:
        turn = axis_conversion(to_forward=preset.forward, to_up=preset.up).to_4x4()
        to_file = turn @ Matrix.Scale(1 / preset.unit, 4)
    obj.data.transform(to_file @ obj.matrix_world)
    obj.matrix_world = to_file.inverted()
    bpy.context.view_layer.update()


def lay_root_bone(obj: bpy.types.Object, up) -> None:
    """Turn the frame of an armature's root bone to the file's axes; its children stay where they are.

    Args:
        up: the file's Y in the armature's own space.
    """
    top = next(bone.name for bone in obj.data.bones if bone.parent is None)
    with edit_mode(obj):
        bone = obj.data.edit_bones[top]
        bone.tail, bone.roll = bone.head + bone.length * Vector(up), 0.0


def _hips(motion, places):
    """The hips' joint; in a body without hips the first joint that travels: not the top one if that stands still."""
    hips = recognize(motion.skeleton).roles.get("hips")
    if hips is not None:
        return motion.skeleton.index(hips)
    still = np.ptp(places[:, 0], axis=0).max() < PLACE_TOLERANCE
    return 1 if still and len(motion.skeleton) > 1 else 0
