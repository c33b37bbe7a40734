"""Fixtures of the add-on's tests: the extension installed from its zip into a Blender that has nothing else of ours.

They are run by `make test-blender`, in each version of Blender. A test asks for

    addon("retarget_panel")   a module of the installed add-on; addon() the add-on itself
    core("formats")           a module of graphics_ml, out of the extension's wheel
    empty                     a file with nothing in it
    drawn(panel_class)        what a panel draws, as (function of its layout, arguments, named arguments)
    test_data                 the folder of real videos, mocap and rigs
"""

import os
import sys
import tempfile
from importlib import import_module
from pathlib import Path

import pytest

ADDON = "bl_ext.user_default.graphics_ml"
EXTENSION = os.environ.get("GRAPHICS_ML_EXTENSION")

if EXTENSION is None:  # an ordinary test run: these tests have one of their own
    collect_ignore_glob = ["test_*.py"]
else:
    _folder = tempfile.TemporaryDirectory()
    os.environ["BLENDER_USER_RESOURCES"] = _folder.name  # before bpy is imported


@pytest.fixture(scope="session", autouse=EXTENSION is not None)
def installed():
    """The extension's own folder."""
    import bpy

    assert "graphics_ml" not in sys.modules
    bpy.ops.extensions.package_install_files(filepath=EXTENSION, repo="user_default", enable_on_install=True)
    core = Path(import_module("graphics_ml").__file__)
    assert core.is_relative_to(_folder.name), f"graphics_ml comes from {core}, not from the extension"
    yield Path(_folder.name) / "extensions" / "user_default" / "graphics_ml"
    bpy.ops.preferences.addon_disable(module=ADDON)
    _folder.cleanup()


@pytest.fixture(scope="session")
def addon(installed):
    return lambda name=None: import_module(f".{name}" if name else ADDON, ADDON)


@pytest.fixture(scope="session")
def core(installed):
    return lambda name: import_module(f"graphics_ml.{name}")


@pytest.fixture
def empty(installed):
    import bpy

    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    return bpy.context.scene


@pytest.fixture(scope="session")
def drawn(installed):
    """Draws a panel without a window, which bpy has not."""
    import bpy

    def draw(panel_class):
        class Panel:
            layout = _Layout()

            def __getattr__(self, name):
                found = getattr(panel_class, name)
                return found.__get__(self) if hasattr(found, "__get__") and not isinstance(found, type) else found

        panel_class.draw(Panel(), bpy.context)
        return Panel.layout.calls

    return draw


class _Layout:
    """Stands in for Blender's UILayout, and all the rows and boxes in it."""

    def __init__(self):
        self.calls = []

    def __getattr__(self, name):
        def call(*given, **named):
            self.calls.append((name, given, named))
            return self

        return call


@pytest.fixture(scope="session")
def test_data() -> Path:
    folder = os.environ.get("GRAPHICS_ML_TEST_DATA")
    if not folder:
        pytest.skip("GRAPHICS_ML_TEST_DATA is not set")
    return Path(folder)


def pytest_sessionfinish(session, exitstatus):
    """Fail where more tests are skipped than GRAPHICS_ML_MAX_SKIPS allows, as the other tests do."""
    ceiling = os.environ.get("GRAPHICS_ML_MAX_SKIPS")
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if EXTENSION and ceiling and exitstatus == 0 and len(reporter.stats.get("skipped", [])) > int(ceiling):
        session.exitstatus = 1
