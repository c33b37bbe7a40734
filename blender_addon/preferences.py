# SPDX-License-Identifier: GPL-3.0-or-later
"""What is kept for all files: the environment in which jobs run that need more than Blender has."""

from pathlib import Path

import bpy

from .environment import python_of

NAME = __package__


class GRAPHICS_ML_preferences(bpy.types.AddonPreferences):
    bl_idname = NAME

    python: bpy.props.StringProperty(
        name="Environment",
        description="Folder of the environment that capture runs in, or its Python program; Set Up fills it in",
        subtype="FILE_PATH",
    )
    folder: bpy.props.StringProperty(
        name="Folder", description="Folder that Set Up makes the environment in", subtype="DIR_PATH"
    )

    def draw(self, context):
        self.layout.prop(self, "python")
        self.layout.prop(self, "folder")
        self.layout.label(text="Set it up in 3D View > Sidebar > Graphics ML > Environment")


def preferences():
    """The add-on's preferences."""
    return bpy.context.preferences.addons[NAME].preferences


def chosen_place() -> Path | None:
    """The environment's folder, or the program of its Python, as chosen; None: none is."""
    text = preferences().python
    return Path(bpy.path.abspath(text)) if text else None


def chosen_python() -> Path | None:
    """The program of the environment's Python; None: none is chosen.

    Raises:
        SetUpError: what is chosen is none.
    """
    place = chosen_place()
    return None if place is None else python_of(place)


def own_folder() -> Path:
    """A folder for what the add-on writes for itself, such as logs; never beside the add-on."""
    if hasattr(bpy.utils, "extension_path_user"):
        return Path(bpy.utils.extension_path_user(NAME))
    return Path(bpy.app.tempdir)  # Blender before 4.2


CLASSES = (GRAPHICS_ML_preferences,)
