"""Formats are chosen by extension, imported on first use, and registered by others."""

from types import SimpleNamespace

import numpy as np
import pytest

from graphics_ml import formats
from graphics_ml.errors import MissingExtraError, MotionFileError, OutputError
from graphics_ml.motion.humanoid import standard_skeleton
from graphics_ml.motion.motion import Motion


def a_motion():
    skeleton = standard_skeleton()
    rotations = np.tile(skeleton.rest_orientations, (3, 1, 1))
    return Motion(skeleton, rotations, np.tile(skeleton.offsets[0], (3, 1)), 30)


@pytest.fixture
def no_registrations_left(monkeypatch):
    monkeypatch.setattr(formats, "_FORMATS", dict(formats._FORMATS))


@pytest.mark.parametrize("name", ["walk.bvh", "walk.npz", "WALK.BVH", "new folder/walk.npz"])
def test_a_motion_is_saved_and_loaded_by_its_extension(tmp_path, name):
    motion = a_motion()
    formats.save(motion, tmp_path / name)
    again = formats.load(str(tmp_path / name))
    skeleton = formats.load_skeleton(tmp_path / name)
    assert skeleton.names == again.skeleton.names
    order = [motion.skeleton.index(name) for name in again.skeleton.names]
    np.testing.assert_allclose(again.positions(), motion.positions()[:, order], atol=1e-6)


def test_files_that_cannot_be_loaded_are_named(tmp_path):
    (tmp_path / "walk.xyz").write_text("")
    (tmp_path / "folder.bvh").mkdir()
    too_long = "x" * 300 + ".bvh"
    for name, said in (
        ("missing.bvh", "no such file"),
        ("folder.bvh", "folder"),
        ("walk.xyz", "'.xyz'"),
        (too_long, "no such file"),
    ):
        with pytest.raises(MotionFileError, match=said) as caught:
            formats.load(tmp_path / name)
        assert str(caught.value).startswith(str(tmp_path / name))


def test_places_that_cannot_be_written_are_named(tmp_path):
    (tmp_path / "folder.bvh").mkdir()
    (tmp_path / "file").write_text("")
    for name, said in (
        ("walk.xyz", "'.xyz'"),
        ("folder.bvh", "folder"),
        ("file/walk.bvh", "not a folder"),
        ("x" * 300 + ".bvh", "cannot be written"),
    ):
        with pytest.raises(OutputError, match=said):
            formats.save(a_motion(), tmp_path / name)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder.bvh"]


def test_another_room_registers_its_own_format(tmp_path, no_registrations_left):
    formats.register(".abc", SimpleNamespace(load=lambda path, loud=False: (path.name, loud)))
    (tmp_path / "walk.ABC").write_text("")
    assert formats.load(tmp_path / "walk.ABC", loud=True) == ("walk.ABC", True)
    assert ".abc" in formats.extensions()
    with pytest.raises(OutputError, match="only read"):
        formats.save(a_motion(), tmp_path / "walk.abc")


def test_entry_points_bring_formats_on_first_use(tmp_path, no_registrations_left, monkeypatch):
    loaded = []
    point = SimpleNamespace(name="fake", load=lambda: loaded.append(1) or SimpleNamespace(load=lambda path: "read"))
    absent = SimpleNamespace(name="gone", load=lambda: (_ for _ in ()).throw(ModuleNotFoundError(name="bpy")))
    monkeypatch.setattr(formats, "entry_points", lambda group: [point, absent])
    for name in ("a.fake", "b.gone"):
        (tmp_path / name).write_text("")
    assert {".fake", ".gone"} <= set(formats.extensions()) and not loaded
    assert formats.load(tmp_path / "a.fake") == formats.load(tmp_path / "a.fake") == "read"
    assert loaded == [1]
    with pytest.raises(MissingExtraError, match="blender"):
        formats.load(tmp_path / "b.gone")


def test_the_formats_of_blender_are_known_without_loading_it():
    assert {".fbx", ".glb", ".blend"} <= set(formats.extensions())
