# SPDX-License-Identifier: GPL-3.0-or-later
"""Which bone of the source leads which bone of the target: the list that an animator looks over and corrects.

A row is a part of the body, the bone that plays it in the source and the one that plays it in the target, and how sure
that is. The rows live in the settings of a panel, `bones` in HOLDS; the files are those of `graphics-ml map`. This file
knows lists and files; what the source and the target are is the panel's: its operators derive from `Pairing`.
"""

from pathlib import Path
from typing import NamedTuple

import bpy

from graphics_ml.errors import GraphicsMLError
from graphics_ml.motion.bone_families import known_families
from graphics_ml.motion.bone_map import BoneMap, recognize, recognize_moving
from graphics_ml.motion.bone_map_files import load_pair_map, save_pair_map
from graphics_ml.motion.humanoid import REQUIRED_ROLES, ROLES
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.skeleton import Skeleton

from .sidebar import paragraph

SURE, LIKELY = 0.75, 0.5
"""Confidence from which a bone is shown as sure and as likely: two readings that agree, and one alone."""

SIDES = ("source", "target")
_PLAIN = {"upper_arm": "upper arm", "shin": "lower leg", "thigh": "upper leg", "shoulder": "collarbone"}


class Pair(NamedTuple):
    """Two skeletons between which bones are paired.

    Args:
        motion: the source's.
        target: the skeleton to put it on.
        deform: for each of the target's joints whether its bone deforms meshes.
    """

    motion: Motion
    target: Skeleton
    deform: list[bool]


class BoneRow(bpy.types.PropertyGroup):
    """A part of the body. `name`, which every group has, is what it is called."""

    role: bpy.props.StringProperty()
    source: bpy.props.StringProperty(name="Source bone", description="Bone of the source that leads")
    target: bpy.props.StringProperty(name="Target bone", description="Bone of the target that follows")
    # What was found, and how sure that is; another bone was chosen by hand.
    found_source: bpy.props.StringProperty()
    found_target: bpy.props.StringProperty()
    sure_source: bpy.props.FloatProperty()
    sure_target: bpy.props.FloatProperty()


class BoneName(bpy.types.PropertyGroup):
    """A bone that can be chosen, by its `name`."""


HOLDS = {
    "bones": bpy.props.CollectionProperty(type=BoneRow),
    "bone": bpy.props.IntProperty(name="Part of the body"),
    "source_bones": bpy.props.CollectionProperty(type=BoneName),
    "target_bones": bpy.props.CollectionProperty(type=BoneName),
    "only_unsure": bpy.props.BoolProperty(
        name="Only Unsure", description="Show only the parts of the body whose bones should be looked at"
    ),
}
"""The properties of a panel's settings that hold a list."""


def plain_role(role: str) -> str:
    """What an animator calls a part of the body: "left_upper_arm" is "Left upper arm"."""
    side, _, part = role.partition("_") if role.startswith(("left_", "right_")) else ("", "", role)
    finger, _, number = part.rpartition("_")
    words = f"{finger} finger {number}" if number.isdigit() else _PLAIN.get(part, part.replace("_", " "))
    return f"{side} {words.replace('thumb finger', 'thumb')}".strip().capitalize()


def clear(settings) -> None:
    """Empty the list; the bones are then recognised."""
    for name in ("bones", "source_bones", "target_bones"):
        getattr(settings, name).clear()
    settings.bone = 0


def fill(settings, pair: Pair, source_map: BoneMap, target_map: BoneMap) -> None:
    """Show two maps: all parts that either skeleton has, in the body's order."""
    clear(settings)
    for names, skeleton in ((settings.source_bones, pair.motion.skeleton), (settings.target_bones, pair.target)):
        for name in skeleton.names:
            names.add().name = name
    for role in ROLES:
        if role in source_map.roles or role in target_map.roles:
            row = settings.bones.add()
            row.name, row.role = plain_role(role), role
            row.source = row.found_source = source_map.roles.get(role, "")
            row.target = row.found_target = target_map.roles.get(role, "")
            row.sure_source, row.sure_target = (one.confidence.get(role, 0.0) for one in (source_map, target_map))


def name_bones(settings, side: str, roles: dict[str, str]) -> None:
    """Set one side of the list to bones that are certain, role to name; `side` is one of SIDES."""
    # A row must not be held while others are added, which moves it.
    known = [row.role for row in settings.bones]
    for role in roles:
        if role not in known:
            row = settings.bones.add()
            row.name, row.role = plain_role(role), role
    for row in settings.bones:
        if row.role in roles:
            setattr(row, side, roles[row.role])


def listed_maps(settings) -> tuple[BoneMap, BoneMap]:
    """The maps of source and target that the list shows."""
    return tuple(
        BoneMap(
            {row.role: getattr(row, side) for row in settings.bones if getattr(row, side)},
            {row.role: sureness(row, side) for row in settings.bones if getattr(row, side)},
        )
        for side in SIDES
    )


def maps_for(settings, pair: Pair) -> tuple[BoneMap, BoneMap, list[str]]:
    """The maps to retarget a pair with, and what the user should know, a sentence each.

    They are what the list says, but for rows whose bone is not there. Where most are not, it is of another skeleton, as
    with the next file of a folder, and the bones are recognised.
    """
    if not settings.bones:
        return *recognised(pair), []
    found, notes = [], named_twice(settings)
    for which, listed in enumerate(listed_maps(settings)):
        skeleton, whose = ((pair.motion.skeleton, "source"), (pair.target, "target"))[which]
        lacking = {role: name for role, name in listed.roles.items() if name not in skeleton.names}
        if 2 * len(lacking) > len(listed.roles):
            name = next(iter(lacking.values()))
            notes.append(f"the bone list is of another {whose}, in which '{name}' is; its bones were recognised")
            listed = recognised(pair)[which]
        elif lacking:
            rows = ", ".join(f"{plain_role(role)} ('{name}')" for role, name in lacking.items())
            notes.append(f"the {whose} has no such bone as the bone list names for {rows}; the other rows were used")
            known = {role: name for role, name in listed.roles.items() if role not in lacking}
            listed = BoneMap(known, {role: listed.confidence[role] for role in known})
        found.append(listed)
    return *found, notes


def named_twice(settings) -> list[str]:
    """A sentence for each bone that the list names for several parts of the body."""
    said = []
    for side, whose in zip(SIDES, ("motion", "rig"), strict=True):
        parts = {}
        for row in settings.bones:
            parts.setdefault(getattr(row, side), []).append(row.name.lower())
        said += [
            f"the {whose}'s bone '{bone}' is chosen for several parts of the body: {', '.join(several)}"
            for bone, several in parts.items()
            if bone and len(several) > 1
        ]
    return said


def recognised(pair: Pair, families=(None, None)) -> tuple[BoneMap, BoneMap]:
    """The maps of a pair as its bones' names and shapes tell them.

    Args:
        families: names of known families to read source and target by; told by their bones where None.

    Raises:
        UnrecognisedBodyError: a skeleton has not the bones of such a family.
    """
    source, target = families
    read = recognize_moving(pair.motion) if source is None else recognize(pair.motion.skeleton, family=source)
    return read, recognize(pair.target, pair.deform, family=target)


def preset_folder() -> Path:
    """Where the user's own presets are; there may be no such folder yet."""
    return Path(bpy.utils.user_resource("SCRIPTS", path="presets/graphics_ml/bones"))


def presets() -> list[str]:
    """Names of the user's own presets."""
    return sorted(path.stem for path in preset_folder().glob("*.toml"))


class GRAPHICS_ML_UL_bones(bpy.types.UIList):
    def draw_item(self, context, layout, data, item, icon, active_data, active_property, index=0, flt_flag=0):
        # The sidebar is narrow: bones are chosen below the list, for the row that is selected.
        split = layout.split(factor=0.5)
        split.label(text=item.name, icon=_look(item)[1])
        split.label(text=f"{item.source or '–'} → {item.target or '–'}")

    def filter_items(self, context, data, property):
        rows = getattr(data, property)
        shown = self.bitflag_filter_item
        wanted = self.filter_name.casefold()
        flags = [
            shown
            if (not data.only_unsure or unsure(row))
            and any(wanted in text.casefold() for text in (row.name, row.source, row.target))
            else 0
            for row in rows
        ]
        return flags, []


def sureness(row, side: str) -> float:
    """How sure a row's bone of one side is, 0 to 1; one chosen by hand is certain."""
    return getattr(row, f"sure_{side}") if getattr(row, side) == getattr(row, f"found_{side}") else 1.0


def unsure(row) -> bool:
    """Whether a row should be looked at: a bone is not sure, or is lacking that a body cannot do without."""
    if not row.source or not row.target:
        return row.role in REQUIRED_ROLES
    return _look(row)[0] != "sure"


def draw_list(layout, settings, operators) -> None:
    """Draw the list with its buttons.

    Args:
        settings: that hold the list.
        operators: bl_idnames of "map", "load", "save", "clear", and the bl_idname of the "menu" of presets.
    """
    row = layout.row(align=True)
    row.operator(operators["map"], icon="VIEWZOOM")
    row.menu(operators["menu"], text="", icon="PRESET")
    row.operator(operators["load"], text="", icon="FILE_FOLDER")
    save = row.row(align=True)
    save.enabled = bool(settings.bones)
    save.operator(operators["save"], text="", icon="FILE_TICK")
    save.operator(operators["clear"], text="", icon="X")
    if not settings.bones:
        return
    layout.template_list("GRAPHICS_ML_UL_bones", "", settings, "bones", settings, "bone", rows=8)
    if 0 <= settings.bone < len(settings.bones):
        row = settings.bones[settings.bone]
        column = layout.column(align=True)
        column.label(text=f"{row.name}: {_look(row)[0]}")
        for side, label in zip(SIDES, ("Motion", "Rig"), strict=True):
            split = column.split(factor=0.25, align=True)
            split.label(text=label)
            split.prop_search(row, side, settings, f"{side}_bones", text="", icon="BONE_DATA")
    for sentence in named_twice(settings):
        paragraph(layout, bpy.context, sentence[0].upper() + sentence[1:], icon="ERROR")
    doubtful = sum(map(unsure, settings.bones))
    layout.prop(settings, "only_unsure", text=f"Only Unsure ({doubtful})")


def add_bones(settings, pair: Pair, path: Path) -> None:
    """Fill the list from a file.

    Raises:
        BoneMapError: the file cannot be used for this pair.
    """
    source_map, target_map = load_pair_map(path, pair.motion.skeleton, pair.target)
    fill(settings, pair, source_map or recognised(pair)[0], target_map)


def save_bones(settings, pair: Pair, path: Path) -> None:
    """Write the list as a file.

    Raises:
        OutputError: it cannot be written.
    """
    source_map, target_map = listed_maps(settings)
    save_pair_map(source_map, pair.motion.skeleton, target_map, pair.target, path)


def preset_path(name: str) -> Path:
    """The file of a user's own preset: the one that bears the name, else the one to make for it.

    Raises:
        GraphicsMLError: such a name cannot be a file's.
    """
    if name in presets():
        return preset_folder() / f"{name}.toml"
    kept = bpy.path.clean_name(name.strip())
    if not kept.strip("_"):
        raise GraphicsMLError("a preset needs a name with letters or digits in it")
    return preset_folder() / f"{kept}.toml"


def families() -> tuple[str, ...]:
    """Names of the kinds of rigs whose bones' names are known."""
    return known_families()


def _look(row):
    """How sure a row is, in words, and its icon."""
    if not row.source or not row.target:
        return ("no bone in the target" if row.source else "no bone in the source"), "REMOVE"
    sure = min(sureness(row, side) for side in SIDES)
    return ("sure", "CHECKMARK") if sure >= SURE else ("likely", "QUESTION") if sure >= LIKELY else ("unsure", "ERROR")


CLASSES = (BoneRow, BoneName, GRAPHICS_ML_UL_bones)
