# SPDX-License-Identifier: GPL-3.0-or-later
"""Graphics ML in Blender: film to rig, file to rig, clean up.

Each panel is a file with its operators, properties and drawing, named in MODULES. It has CLASSES to register, and may
have SETTINGS (name to PropertyGroup: they are kept with the file at `scene.graphics_ml.<name>`), register() and
unregister(). The core, graphics_ml, comes as a wheel that Blender itself puts where Python finds it.
"""

import atexit
import sys
from functools import partial
from importlib import import_module

import bpy

# Blender before 4.2 reads this, later ones blender_manifest.toml.
bl_info = {
    "name": "Graphics ML",
    "author": "the graphics_ml authors",
    "version": (0, 1, 0),
    "blender": (3, 4, 0),
    "location": "3D View > Sidebar > Graphics ML",
    "description": "Video and motion capture onto any rig",
    "category": "Animation",
}

# In the order in which they are registered: what others use first.
MODULES = (
    "properties",
    "running",
    "sidebar",
    "results",
    "preferences",
    "in_worker",
    "environment_panel",
    "bone_list",
    "live_preview",
    "retarget_panel",
    "clean_up_panel",
    "job_panels",
    "capture_panel",
)

CORE = "graphics_ml"

_undo = []  # what unregister() does, last first


def register():
    modules = [import_module(f".{name}", __package__) for name in MODULES]
    try:
        for module in modules:
            for one in module.CLASSES:
                _register(one)
            if hasattr(module, "register"):
                module.register()
                _undo.append(module.unregister)
        settings = _settings_class(modules)
        _register(settings)
        bpy.types.Scene.graphics_ml = bpy.props.PointerProperty(type=settings)
        _undo.append(partial(delattr, bpy.types.Scene, "graphics_ml"))
        atexit.register(_undo_all)
    except BaseException:
        unregister()  # Blender leaves what an add-on did before it failed
        raise


def unregister():
    _undo_all()
    _forget_modules()


def _undo_all():
    """Unregister all, also where Python ends.

    Where bpy is a module, what is registered then keeps it from being freed: bpy 4.2 crashes and bpy 4.5 hangs. So do
    modules that Python does not know of any more, and threads, if they hold bpy.
    """
    atexit.unregister(_undo_all)
    while _undo:
        _undo.pop()()


def _forget_modules():
    """Drop the add-on's modules and the core's: after an update, enabling must not find the old ones."""
    for name in list(sys.modules):
        if name.startswith((f"{__package__}.", f"{CORE}.")) or name == CORE:
            del sys.modules[name]


def _register(one):
    bpy.utils.register_class(one)
    _undo.append(partial(bpy.utils.unregister_class, one))


def _settings_class(modules):
    """The group at scene.graphics_ml, with the settings of all panels."""
    parts = {name: group for module in modules for name, group in getattr(module, "SETTINGS", {}).items()}
    pointers = {name: bpy.props.PointerProperty(type=group) for name, group in parts.items()}
    return type("GRAPHICS_ML_PG_settings", (bpy.types.PropertyGroup,), {"__annotations__": pointers})
