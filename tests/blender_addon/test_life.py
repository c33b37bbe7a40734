"""The extension comes and goes without a trace."""

import json
import os
import subprocess
import sys
from pathlib import Path

import bpy
import pytest


def _told_by_life(*words):
    """What life.py tells, in a process of its own that must end cleanly."""
    variables = {name: value for name, value in os.environ.items() if name != "BLENDER_USER_RESOURCES"}
    command = [sys.executable, Path(__file__).with_name("life.py"), os.environ["GRAPHICS_ML_EXTENSION"], *words]
    # bpy 4.5 hangs at its end where bpy 4.2 crashes.
    done = subprocess.run(command, capture_output=True, text=True, env=variables, timeout=60)
    assert done.returncode == 0, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def life():
    return _told_by_life()


def _classes_of(addon):
    for name in addon().MODULES:
        yield from addon(name).CLASSES


def test_every_class_of_every_module_is_registered(addon, life):
    for one in _classes_of(addon):
        assert one.is_registered, one
        assert f"class {one.__name__}" in life["enabled"]


def test_every_operator_can_be_called_and_has_a_tooltip(addon):
    for one in _classes_of(addon):
        if issubclass(one, bpy.types.Operator):
            room, _, name = one.bl_idname.partition(".")
            assert room == "graphics_ml"
            assert getattr(bpy.ops.graphics_ml, name).get_rna_type().description, one


def test_every_panel_stands_in_the_sidebar(addon):
    for one in _classes_of(addon):
        if issubclass(one, bpy.types.Panel):
            assert one.__name__.startswith("GRAPHICS_ML_PT_")
            assert (one.bl_space_type, one.bl_region_type, one.bl_category) == ("VIEW_3D", "UI", "Graphics ML")


def test_nothing_registered_is_left_when_it_is_disabled(life):
    assert life["enabled"]
    assert life["disabled"] == []


def test_it_can_be_enabled_again(life):
    assert life["enabled again"] == life["enabled"]


def test_an_update_while_it_is_enabled_brings_the_new_core_too(life):
    assert life["updated"] == life["enabled"]
    assert life["core is new"]


def test_nothing_is_left_when_it_is_uninstalled(life):
    assert life["uninstalled"] == []
    assert life["files"] == []


def test_only_blender_says_where_python_looks(life):
    version = "{}.{}".format(*sys.version_info)
    assert life["path"] == [os.path.join("extensions", ".local", "lib", f"python{version}", "site-packages")]


def test_the_environments_pins_travel_with_it(installed):
    assert "numpy==" in (installed / "constraints.txt").read_text(encoding="utf-8")
    assert list((installed / "wheels").glob("graphics_ml-*.whl"))


def test_python_ends_cleanly_with_the_add_on_enabled_and_its_worker_at_work():
    worker = _told_by_life("leave")["worker"]
    with pytest.raises(ProcessLookupError):
        os.kill(worker, 0)
