# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender's properties for the settings of a job, generated from jobs.py, and the job back from them.

A panel's file makes its group once, registers it as one of its CLASSES and names it in SETTINGS, which puts it at
`scene.graphics_ml.<name>`:

    RetargetSettings = group_of(jobs.Retarget, leave_out=("source", "output"), more={"rig": PointerProperty(...)})
    SETTINGS = {"retarget": RetargetSettings}
    ...
    group = context.scene.graphics_ml.retarget
    draw_settings(layout, group)                             # all of them, or those named
    job = job_from(group, source=path, output=place)         # checked as every job is; raises JobError
    fill(group, job)                                         # as a job was that is run again

Type, default, bounds, help and choices come from the setting. How a kind of setting is shown:
    number        a field with its bounds, a slider where they are 0 and 1; its unit stands in the label. Blender's own
                  units are left alone: they multiply by the scene's scale, which has nothing to do with a person's
                  height, and keep angles in radians.
    one of words  a menu
    Path          a field with Blender's file browser; `//` stands for the folder of the .blend, the job has it whole
    several Paths a list with a button that opens the file browser
    several texts a list with a button that adds an empty one, or of several numbers a 0
    X | None      numbers, switches and menus have a switch `use_<name>` beside them, off is None; text and paths are
                  None while they are empty
Blender keeps numbers as float32; `job_from` gives the shortest decimal that is the same float32, so 0.3 stays 0.3.
"""

import os
from dataclasses import MISSING
from pathlib import Path
from types import UnionType
from typing import Literal, Union, get_args, get_origin

import bpy
import numpy as np

from graphics_ml.jobs import JobError, names_file, settings

from .sidebar import fields

# From 4.5 Blender asks who takes a path to say that it knows what // means.
_PATH = {"options": {"PATH_SUPPORTS_BLEND_RELATIVE"}} if bpy.app.version >= (4, 5, 0) else {}
_INT = 2**31 - 1  # Blender's whole numbers
_FINE = 1e-3  # a number that may be smaller than this is shown with six decimals


class PathItem(bpy.types.PropertyGroup):
    """One file of several."""

    path: bpy.props.StringProperty(name="File", subtype="FILE_PATH", **_PATH)


class TextItem(bpy.types.PropertyGroup):
    """One text of several."""

    text: bpy.props.StringProperty(name="Text")


class NumberItem(bpy.types.PropertyGroup):
    """One number of several."""

    number: bpy.props.FloatProperty(name="Number")


def group_of(job_class, leave_out=(), more=None, name=None):
    """A PropertyGroup, not registered yet, with a property for each setting of a job.

    Args:
        job_class: one of jobs.JOBS, or any dataclass of jobs.setting()s.
        leave_out: names of settings that Blender gives by itself; job_from is told them.
        more: further properties of the group, name to what a function of bpy.props gives.
        name: how the class is to be called, where a job has several groups.

    Raises:
        TypeError: a setting of a kind that no property shows; the developer's fault.
    """
    shown = {one.name: (one, kind) for one, kind in settings(job_class) if one.name not in leave_out}
    annotations = {}
    for key, (one, kind) in shown.items():
        kind, optional = without_none(kind)
        if optional and not _empty_is_none(kind):
            annotations[_switch(key)] = bpy.props.BoolProperty(
                name=f"Give {label_of(one).lower()}",
                description=_sentence(one.metadata["help"]),
                default=one.default is not None and one.default is not MISSING,
            )
        annotations[key] = _property(one, kind)
    names = {"job_class": job_class, "shown": tuple(shown), "__annotations__": annotations | (more or {})}
    names["__doc__"] = job_class.__doc__
    return type(name or f"GRAPHICS_ML_PG_{job_class.__name__}", (bpy.types.PropertyGroup,), names)


def job_from(group, **more):
    """The job that the settings of a group ask for.

    Args:
        group: of a class made by group_of.
        more: settings that the group leaves out, or that are to be others than it has.

    Raises:
        JobError: a setting that is needed is empty, or the settings do not go together.
    """
    kinds = {one.name: (one, kind) for one, kind in settings(group.job_class)}
    values = {key: _value(group, *kinds[key]) for key in group.shown if key not in more}
    return group.job_class(**values | more)


def fill(group, job):
    """Set a group to the settings of a job; those that the group leaves out are left aside."""
    for one, kind in settings(type(job)):
        if one.name not in group.shown:
            continue
        kind, optional = without_none(kind)
        value = getattr(job, one.name)
        if optional and not _empty_is_none(kind):
            setattr(group, _switch(one.name), value is not None)
        if get_origin(kind) is tuple:
            items = getattr(group, one.name)
            items.clear()
            for part in value or ():
                setattr(items.add(), _part(kind), part if isinstance(part, float) else str(part))
        elif value is not None:
            setattr(group, one.name, value if isinstance(value, bool | int | float) else str(value))
        elif _empty_is_none(kind):
            setattr(group, one.name, "")


def object_property(kind, **about):
    """A property that names an object of a type, such as "ARMATURE"; Blender lists those alone where it can.

    What is chosen must be looked at all the same: Python crashes at its end where a property of bpy 4.2, as a module,
    has had a callback, so that there all objects are listed.
    """
    if bpy.app.version >= (4, 3, 0) or bpy.app.binary_path:
        about["poll"] = lambda _, thing: thing.type == kind
    return bpy.props.PointerProperty(type=bpy.types.Object, **about)


def draw_settings(layout, group, names=None):
    """Draw the settings of a group, each with its switch.

    Args:
        layout: where.
        group: of a class made by group_of.
        names: which of them and in which order; all of them when None.
    """
    kinds = {one.name: (one, kind) for one, kind in settings(group.job_class)}
    column = fields(layout)
    for key in group.shown if names is None else names:
        one, kind = kinds[key]
        kind, optional = without_none(kind)
        if get_origin(kind) is tuple:
            _draw_list(column, group, one, kind)
        elif optional and not _empty_is_none(kind):
            row = column.row(heading=label_of(one))
            row.prop(group, _switch(key), text="")
            value = row.row()
            value.active = getattr(group, _switch(key))
            value.prop(group, key, text="")
        else:
            column.prop(group, key)


def label_of(one) -> str:
    """What a setting is called in a panel, with its unit."""
    words = one.metadata["label"] or one.name.replace("_", " ").title()
    return f"{words} ({one.metadata['unit']})" if one.metadata["unit"] else words


def without_none(kind):
    """The type of a setting without None, and whether None was in it."""
    if get_origin(kind) in (Union, UnionType):
        others = [one for one in get_args(kind) if one is not type(None)]
        if len(others) == 1:
            return others[0], True
        raise TypeError(f"no property shows a setting of type {kind}")
    return kind, False


class AddFiles(bpy.types.Operator):
    """Choose files with Blender's file browser"""

    bl_idname = "graphics_ml.add_files"
    bl_label = "Add Files"
    bl_options = {"INTERNAL", "UNDO"}

    group: bpy.props.StringProperty(options={"HIDDEN"})
    setting: bpy.props.StringProperty(options={"HIDDEN"})
    directory: bpy.props.StringProperty(subtype="DIR_PATH", options={"HIDDEN", "SKIP_SAVE"})
    files: bpy.props.CollectionProperty(type=bpy.types.OperatorFileListElement, options={"HIDDEN", "SKIP_SAVE"})
    # Blender's file browser shows all files where neither is set.
    filter_movie: bpy.props.BoolProperty(options={"HIDDEN", "SKIP_SAVE"})
    filter_folder: bpy.props.BoolProperty(options={"HIDDEN", "SKIP_SAVE"})

    def invoke(self, context, event):
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context):
        items = getattr(context.scene.path_resolve(self.group), self.setting)
        for one in self.files:
            if one.name:
                items.add().path = str(Path(self.directory) / one.name)
        return {"FINISHED"}


class AddText(bpy.types.Operator):
    """Add one more"""

    bl_idname = "graphics_ml.add_text"
    bl_label = "Add"
    bl_options = {"INTERNAL", "UNDO"}

    group: bpy.props.StringProperty(options={"HIDDEN"})
    setting: bpy.props.StringProperty(options={"HIDDEN"})

    def execute(self, context):
        getattr(context.scene.path_resolve(self.group), self.setting).add()
        return {"FINISHED"}


class RemoveFile(bpy.types.Operator):
    """Take this out of the list; a file itself stays"""

    bl_idname = "graphics_ml.remove_file"
    bl_label = "Remove"
    bl_options = {"INTERNAL", "UNDO"}

    group: bpy.props.StringProperty(options={"HIDDEN"})
    setting: bpy.props.StringProperty(options={"HIDDEN"})
    index: bpy.props.IntProperty(options={"HIDDEN"})

    def execute(self, context):
        getattr(context.scene.path_resolve(self.group), self.setting).remove(self.index)
        return {"FINISHED"}


CLASSES = (PathItem, TextItem, NumberItem, AddFiles, AddText, RemoveFile)
_ITEMS = {  # of a list of these
    Path: (PathItem, "path", AddFiles),
    str: (TextItem, "text", AddText),
    float: (NumberItem, "number", AddText),
}


def _property(one, kind):
    about = one.metadata
    common = {"name": label_of(one), "description": _sentence(about["help"])}
    default = one.default if one.default not in (MISSING, None) else about["usual"]
    if get_origin(kind) is tuple:
        if get_args(kind)[0] in _ITEMS:
            return bpy.props.CollectionProperty(type=_ITEMS[get_args(kind)[0]][0], **common)
    elif get_origin(kind) is Literal:
        words = get_args(kind)
        items = [(word, word.capitalize(), common["description"]) for word in words]
        return bpy.props.EnumProperty(items=items, default=words[0] if default is None else default, **common)
    elif kind is Path:
        default = "" if default is None else str(default)
        return bpy.props.StringProperty(subtype="FILE_PATH", default=default, **common, **_PATH)
    elif kind is str:
        return bpy.props.StringProperty(default="" if default is None else default, **common)
    elif kind is bool:
        return bpy.props.BoolProperty(default=bool(default), **common)
    elif kind in (int, float):
        low, high = about["min"], about["max"]
        bounds = {key: value for key, value in (("min", low), ("max", high)) if value is not None}
        if (low, high) == (0, 1) and kind is float:
            bounds["subtype"] = "FACTOR"
        default = default if default is not None else 0 if low is None or low <= 0 else low
        if kind is int:
            return bpy.props.IntProperty(default=default, **{"min": -_INT, "max": _INT} | bounds, **common)
        precision = 6 if low is not None and 0 < low < _FINE else 3
        return bpy.props.FloatProperty(default=default, precision=precision, **bounds, **common)
    raise TypeError(f"no property shows a setting of type {kind}")


def _value(group, one, kind):
    kind, optional = without_none(kind)
    is_file = names_file(one, kind)
    if optional and not _empty_is_none(kind) and not getattr(group, _switch(one.name)):
        return None
    value = getattr(group, one.name)
    if kind == tuple[float, ...]:
        value = tuple(_decimal(item.number) for item in value)
    elif get_origin(kind) is tuple:
        words = [word for item in value if (word := getattr(item, _part(kind)))]
        value = tuple(_absolute(word) if is_file(word) else word for word in words)
    elif kind is float:
        value = _decimal(value)
    elif kind in (str, Path) and value and is_file(value):
        value = _absolute(value)
    if value in ("", ()) and (optional or kind is not str):
        if optional:
            return None
        if one.default is MISSING:
            raise JobError(f"{label_of(one)} is empty: {one.metadata['help']}")
        return one.default
    return value


def _decimal(number):
    return float(str(np.float32(number)))


def _absolute(text):
    # The worker's current folder is another.
    return os.path.abspath(bpy.path.abspath(text))


def _draw_list(layout, group, one, kind):
    layout.label(text=label_of(one))
    box = layout.box().column(align=True)
    for index, item in enumerate(getattr(group, one.name)):
        row = box.row(align=True)
        row.prop(item, _part(kind), text="")
        button = row.operator(RemoveFile.bl_idname, text="", icon="REMOVE")
        button.group, button.setting, button.index = group.path_from_id(), one.name, index
    button = box.operator(_ITEMS[get_args(kind)[0]][2].bl_idname, icon="ADD")
    button.group, button.setting = group.path_from_id(), one.name


def _part(kind):
    """The property of an item of a list of this type that holds its value."""
    return _ITEMS[get_args(kind)[0]][1]


def _empty_is_none(kind):
    return kind in (str, Path) or get_origin(kind) is tuple


def _switch(key):
    return f"use_{key}"


def _sentence(text):
    return text[:1].upper() + text[1:]
