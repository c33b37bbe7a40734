"""Install the extension, enable, disable and uninstall it, and say as JSON on the last line what was there meanwhile.

    python life.py ZIP
    python life.py ZIP leave      enable it, run a job in a worker, and let Python end in the middle of another

A process of its own, for what stays behind in Blender, and for the exit code of Python itself.
"""

import json
import os
import sys
import tempfile
import time
from importlib import import_module

folder = tempfile.mkdtemp()
os.environ["BLENDER_USER_RESOURCES"] = folder
import bpy  # noqa: E402

BASES = [
    getattr(bpy.types, name)
    for name in ("AddonPreferences", "FileHandler", "Header", "Menu", "Operator", "Panel", "PropertyGroup", "UIList")
    if hasattr(bpy.types, name)
]
going_on = []  # until Python ends
ADDON = "bl_ext.user_default.graphics_ml"


def registered():
    """All that an add-on can leave in Blender, as a set of words."""
    found = set()
    for base in BASES:
        found |= {f"class {one.__name__}" for one in base.__subclasses__() if getattr(one, "is_registered", False)}
    found |= {f"type {one}" for one in dir(bpy.types)}
    for owner in (bpy.types.Scene, bpy.types.WindowManager, bpy.types.Object, bpy.types.Action, bpy.types.Armature):
        found |= {f"property {owner.__name__}.{one}" for one in owner.bl_rna.properties.keys()}  # noqa: SIM118
    for name in dir(bpy.app.handlers):
        if isinstance(getattr(bpy.app.handlers, name), list):
            found |= {f"handler {name} {one.__module__}.{one.__name__}" for one in getattr(bpy.app.handlers, name)}
    keys = bpy.context.window_manager.keyconfigs.addon
    found |= {f"key {item.idname}" for keymap in (keys.keymaps if keys else ()) for item in keymap.keymap_items}
    return found


def modules():
    return {one for one in sys.modules if one == "graphics_ml" or one.startswith(("graphics_ml.", ADDON + "."))}


def install():
    bpy.ops.extensions.package_install_files(filepath=sys.argv[1], repo="user_default", enable_on_install=True)


def leave():
    install()
    in_worker = import_module(f"{ADDON}.in_worker")
    for _ in in_worker.asked(False, "check", jobs=["convert"]):
        time.sleep(0.01)
    going_on.append(in_worker.asked(False, "check", jobs=["convert"]))
    next(going_on[0])
    (client,) = in_worker._clients.values()
    print(json.dumps({"worker": client._worker._process.pid}), flush=True)


def live_and_go():
    before, path = registered(), list(sys.path)
    install()
    told = {"enabled": sorted(registered() - before), "modules": sorted(modules())}
    told["path"] = [os.path.relpath(one, folder) for one in sys.path if one not in path]
    bpy.ops.preferences.addon_disable(module=ADDON)
    told["disabled"] = sorted(registered() - before) + sorted(modules())
    bpy.ops.preferences.addon_enable(module=ADDON)
    told["enabled again"] = sorted(registered() - before)
    old_core = sys.modules["graphics_ml"]
    install()  # an update
    told["updated"] = sorted(registered() - before)
    told["core is new"] = import_module("graphics_ml") is not old_core
    repositories = [one.module for one in bpy.context.preferences.extensions.repos]
    bpy.ops.extensions.package_uninstall(repo_index=repositories.index("user_default"), pkg_id="graphics_ml")
    told["uninstalled"] = sorted(registered() - before) + sorted(modules())
    files = [os.path.join(at, one) for at, _, names in os.walk(folder) for one in names]
    told["files"] = [one for one in files if "graphics_ml" in one]
    print(json.dumps(told))


if __name__ == "__main__":
    leave() if sys.argv[2:] == ["leave"] else live_and_go()
