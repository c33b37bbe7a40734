"""The environment is asked for, made, chosen and checked, and what is said of it is what it is."""

import subprocess
import sys
from pathlib import Path

import bpy
import pytest


@pytest.fixture
def preferences(addon):
    yield addon("preferences").preferences()
    addon("preferences").preferences().python = addon("preferences").preferences().folder = ""


@pytest.fixture(scope="module")
def small_environment(core, tmp_path_factory):
    """An environment in which graphics_ml is found and nothing that capture needs."""
    place = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", place], check=True)
    packages = next(place.rglob("site-packages"))
    (packages / "core.pth").write_text(str(Path(core("jobs").__file__).parents[1]))
    return place


def _texts(calls):
    return " ".join(named.get("text", "") for name, _, named in calls if name == "label")


def test_without_an_environment_the_panel_says_what_works_all_the_same(drawn, preferences):
    calls = drawn(bpy.types.GRAPHICS_ML_PT_environment)
    assert "Loading motion files, retargeting and cleaning up work as they are." in _texts(calls)
    assert "graphics_ml.set_up" in [given[0] for name, given, _ in calls if name == "operator"]


def test_a_check_names_what_is_missing_in_words(drawn, preferences, small_environment):
    preferences.python = str(small_environment)
    assert bpy.ops.graphics_ml.check_environment() == {"FINISHED"}
    said = _texts(drawn(bpy.types.GRAPHICS_ML_PT_environment))
    assert "Capture lacks" in said
    assert "mediapipe (not installed)" in said


def test_a_python_that_is_no_environment_is_one_sentence(drawn, preferences):
    preferences.python = sys.executable
    with pytest.raises(RuntimeError, match="has no graphics_ml"):
        bpy.ops.graphics_ml.check_environment()
    assert "has no graphics_ml" in _texts(drawn(bpy.types.GRAPHICS_ML_PT_environment)).replace("\n", " ")


def test_a_folder_that_is_no_environment_is_one_sentence(preferences, tmp_path):
    preferences.python = str(tmp_path)
    with pytest.raises(RuntimeError, match="holds no Python environment"):
        bpy.ops.graphics_ml.check_environment()


def test_nothing_is_fetched_where_blender_may_not_use_the_internet(preferences, tmp_path):
    assert not bpy.app.online_access  # as it is in a Blender that was just installed
    with pytest.raises(RuntimeError, match="Allow Online Access"):
        bpy.ops.graphics_ml.make_environment(folder=str(tmp_path / "new"))
    assert not (tmp_path / "new").exists()


def test_what_was_made_is_chosen_and_checked(addon, preferences, small_environment, monkeypatch):
    panel, given = addon("environment_panel"), []

    def create(folder, python, wheel, constraints, log_path):
        given.extend((folder, wheel, constraints))
        yield "fetching", 1, 2
        return small_environment / "bin" / "python"

    monkeypatch.setattr(panel.environment, "create", create)  # the real one fetches 360 MB; it has its own tests
    monkeypatch.setattr(panel, "_online", lambda: True)
    bpy.ops.graphics_ml.make_environment(folder=str(small_environment))
    assert Path(preferences.python) == small_environment
    assert given[0] == small_environment
    assert given[1].name.startswith("graphics_ml-") and given[1].exists()
    assert "mediapipe==" in given[2].read_text()
    assert any("Capture lacks" in note for note in addon("running").last().notes)


def test_a_python_is_found_before_anything_is_asked(addon, preferences, monkeypatch):
    panel = addon("environment_panel")

    def find_python(found):
        yield "looking for a Python", 0, 0
        yield None
        return found

    python = panel.environment.Python(Path("/usr/bin/python3.11"), (3, 11, 2))
    monkeypatch.setattr(panel.environment, "find_python", lambda: find_python([python]))
    assert bpy.ops.graphics_ml.set_up() == {"FINISHED"}
    assert preferences.folder == str(Path.home() / "graphics-ml")
    monkeypatch.setattr(panel.environment, "find_python", lambda: find_python([]))
    with pytest.raises(RuntimeError, match="install one from"):
        bpy.ops.graphics_ml.set_up()


def test_the_question_says_what_how_large_and_where(addon, preferences, tmp_path):
    class Dialog:
        layout = python = None

    calls = []

    class Layout:
        def __getattr__(self, name):
            return lambda *given, **named: calls.append((name, given, named)) or self

    environment = addon("environment")
    preferences.folder = str(tmp_path / "here")
    Dialog.layout, Dialog.python = Layout(), environment.Python(Path("/usr/bin/python3.11"), (3, 11, 2))
    addon("environment_panel").AskToSetUp.draw(Dialog, bpy.context)
    said = _texts(calls)
    for part in (str(tmp_path / "here"), "360 MB", "1.4 GB", "MediaPipe", "Allow Online Access"):
        assert part in said
