"""Formats are chosen by extension, imported on first use, and registered by others."""

from types import SimpleNamespace

import numpy as np
import pytest

from graphics_ml import formats
from graphics_ml.errors import FormatWarning, GraphicsMLError, MissingExtraError, MotionFileError, OutputError
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


def test_two_formats_of_one_extension_are_told_apart_by_content_or_by_name(tmp_path, no_registrations_left):
    def second(name):
        return SimpleNamespace(
            load=lambda path: name,
            save=lambda motion, path: path.write_text(name),
            recognises=lambda path: path.read_text() == name,
        )

    formats.register(".abc", second("one"), name="one")
    formats.register(".abc", second("two"), name="two")
    formats.save(a_motion(), tmp_path / "first.abc")
    formats.save(a_motion(), tmp_path / "second.abc", format="two")
    assert [formats.load(tmp_path / f"{name}.abc") for name in ("first", "second")] == ["one", "two"]
    assert formats.load(tmp_path / "first.abc", format="two") == "two"
    assert {"one", "two"} <= set(formats.names())
    (tmp_path / "other.abc").write_text("neither")
    with pytest.raises(MotionFileError, match=r"none of those known here \(one, two\)"):
        formats.load(tmp_path / "other.abc")


@pytest.mark.parametrize("name", ["walk.txt", "walk", "walk.npz", "walk.fbx"])
def test_a_motion_file_with_a_wrong_extension_is_known_by_its_content(tmp_path, name):
    formats.save(a_motion(), tmp_path / "walk.bvh")
    (tmp_path / "walk.bvh").rename(tmp_path / name)
    with pytest.warns(FormatWarning, match="read as bvh"):
        assert len(formats.load(tmp_path / name)) == 3


def test_a_file_of_blender_with_a_wrong_extension_is_named(tmp_path):
    (tmp_path / "walk.bvh").write_bytes(b"Kaydara FBX Binary  \0" + bytes(100))
    with pytest.raises(MotionFileError, match=r"this is a \.fbx file"):
        formats.load(tmp_path / "walk.bvh")


def test_formats_and_options_that_do_not_exist_are_named(tmp_path):
    formats.save(a_motion(), tmp_path / "walk.npz")
    formats.save(a_motion(), tmp_path / "walk.bvh")
    for file, options, said in (
        ("walk.npz", {"format": "npzz"}, "there is no format 'npzz'; did you mean 'npz'"),
        ("walk.npz", {"unit": "cm"}, "format npz has no option 'unit'; it has none"),
        ("walk.bvh", {"loud": True}, "format bvh has no option 'loud'; its options are unit, up"),
    ):
        with pytest.raises(MotionFileError, match=said):
            formats.load(tmp_path / file, **options)
    with pytest.raises(OutputError, match=r"name of a npz file ends in \.npz"):
        formats.save(a_motion(), tmp_path / "walk.bvh", format="npz")
    with pytest.raises(OutputError, match="there is no format 'fbxx'; did you mean 'fbx'"):
        formats.save(a_motion(), tmp_path / "walk.fbx", format="fbxx")


def test_marker_files_are_no_motions(tmp_path, monkeypatch):
    read = SimpleNamespace(load=lambda path: "markers", recognises=lambda path: path.read_text() == "points")
    monkeypatch.setitem(formats._MARKERS, "trc", formats._Format((".trc",), read))
    (tmp_path / "walk.trc").write_text("points")
    assert formats.load_markers(tmp_path / "walk.trc") == "markers"
    with pytest.raises(MotionFileError, match="markers and no joints; load_markers reads it"):
        formats.load(tmp_path / "walk.trc")
    formats.save(a_motion(), tmp_path / "walk.npz")
    with pytest.raises(MotionFileError, match="no markers"):
        formats.load_markers(tmp_path / "walk.npz")
    assert ".trc" not in formats.extensions() and ".trc" in formats.marker_extensions()


def test_an_archive_of_another_kind_is_said_to_hold_what_it_holds(tmp_path):
    np.savez(tmp_path / "a.npz", images=np.zeros(3), labels=np.zeros(3))
    (tmp_path / "b.npz").write_bytes(b"PK nothing")
    for name, said in (("a.npz", "it holds images, labels"), ("b.npz", "it may be broken")):
        with pytest.raises(MotionFileError, match=said):
            formats.load(tmp_path / name)


def test_what_a_format_cannot_hold_is_said_beforehand(tmp_path):
    motion = a_motion().replace(provenance={"by": "hand"}, confidence=np.ones((3, len(a_motion().skeleton))))
    assert formats.losses(motion, tmp_path / "walk.npz") == ()
    said = " ".join(formats.losses(motion, tmp_path / "walk.bvh"))
    assert "seen" in said and "what made" in said and not list(tmp_path.iterdir())
    plain = motion.replace(confidence=None, provenance={})
    assert "seen" not in " ".join(formats.losses(plain, tmp_path / "walk.bvh"))


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


def test_what_holds_one_body_only_is_not_offered_for_any_skeleton():
    assert ".npy" in formats.extensions(writable=True)
    assert {".npz", ".bvh", ".fbx"} <= set(formats.extensions(writable=True, any_skeleton=True))
    assert ".npy" not in formats.extensions(writable=True, any_skeleton=True)


def test_the_extension_of_a_format_is_known_by_its_name():
    assert [formats.extension_of(name) for name in ("amass", "fbx", "c3d")] == [".npz", ".fbx", ".c3d"]
    for name, said in (("asf", "'asf' is not a format that can be written"), ("amas", "did you mean 'amass'")):
        with pytest.raises(GraphicsMLError, match=said):
            formats.extension_of(name)
