"""Outputs are whole or not there."""

import errno
from types import SimpleNamespace

import pytest

from graphics_ml.errors import OutputError
from graphics_ml.outputs import disk_was_full, ensure_extension, ensure_writable, replacing, together, write_bytes


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_new_output_takes_the_place_of_the_old_one_under_its_final_name(tmp_path):
    path = tmp_path / "new folder" / "film.mp4"
    for content in (b"first", b"second"):
        with replacing(path) as place:
            assert place.name == path.name and place != path
            place.write_bytes(content)
        assert path.read_bytes() == content
    assert names_in(path.parent) == ["film.mp4"]


def refuse(place):
    raise OutputError(place, None, "it is broken")


@pytest.mark.parametrize("fault", ["the work", "the check", "nothing", "empty"])
def test_whatever_fails_the_old_output_stays_and_nothing_else_is_left(tmp_path, fault):
    path = tmp_path / "motion.npz"
    path.write_bytes(b"old")
    with (
        pytest.raises(KeyError if fault == "the work" else OutputError),
        replacing(path, refuse if fault == "the check" else None) as place,
    ):
        if fault != "nothing":
            place.write_bytes(b"" if fault == "empty" else b"new")
        if fault == "the work":
            raise KeyError
    assert path.read_bytes() == b"old" and names_in(tmp_path) == ["motion.npz"]


@pytest.mark.parametrize("how", ["said", "not said"])
def test_a_full_disk_is_told_as_such_whatever_a_writer_raises(tmp_path, monkeypatch, how):
    if how == "not said":
        monkeypatch.setattr("shutil.disk_usage", lambda folder: SimpleNamespace(free=4096))
    with pytest.raises(OutputError, match="the disk is full; make room") as caught, replacing(tmp_path / "a.fbx"):
        raise RuntimeError("Error: No space left on device" if how == "said" else "the file is cut off")
    assert disk_was_full(caught.value) and names_in(tmp_path) == []
    monkeypatch.undo()
    with pytest.raises(RuntimeError, match="another"), replacing(tmp_path / "a.fbx"):
        raise RuntimeError("another trouble")


def test_a_folder_made_for_an_output_that_fails_goes_again_and_one_that_was_there_stays(tmp_path):
    (tmp_path / "old").mkdir()
    ensure_writable(tmp_path / "old" / "new" / "newer" / "a.npz")
    with pytest.raises(OutputError, match="broken"), replacing(tmp_path / "old" / "new" / "newer" / "a.npz") as place:
        refuse(place)
    assert names_in(tmp_path) == ["old"] and not names_in(tmp_path / "old")


def test_bytes_are_read_back(tmp_path, monkeypatch):
    write_bytes(tmp_path / "a.bvh", b"content")
    assert (tmp_path / "a.bvh").read_bytes() == b"content"
    monkeypatch.setattr("pathlib.Path.read_bytes", lambda path: b"cont")
    with pytest.raises(OutputError, match="reads back differently"):
        write_bytes(tmp_path / "b.bvh", b"content")
    assert names_in(tmp_path) == ["a.bvh"]


def write_together(*paths):
    with together():
        for path in paths:
            write_bytes(path, b"new")


@pytest.mark.parametrize("full_at", [0, 1, 2])
def test_of_files_written_together_none_is_left_where_one_of_them_fills_the_disk(tmp_path, monkeypatch, full_at):
    (tmp_path / "a.json").write_bytes(b"old")
    calls = iter(range(3))

    def fsync(_):
        if next(calls) == full_at:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", fsync)
    paths = [tmp_path / name for name in ("a.json", "a.png", "new/a.toml")]
    with pytest.raises(OutputError, match="the disk is full") as caught:
        write_together(*paths)
    assert caught.value.path == paths[full_at]
    assert names_in(tmp_path) == ["a.json"] and (tmp_path / "a.json").read_bytes() == b"old"
    monkeypatch.undo()
    write_together(*paths)
    assert all(path.read_bytes() == b"new" for path in paths)
    assert names_in(tmp_path) == ["a.json", "a.png", "new"] and names_in(tmp_path / "new") == ["a.toml"]


def test_a_file_made_in_a_place_of_its_own_waits_for_what_belongs_to_it(tmp_path):
    film, job_file = tmp_path / "new" / "film.mp4", tmp_path / "new" / "film.mp4.job.toml"
    with pytest.raises(KeyError), together():
        with replacing(film) as place:
            place.write_bytes(b"film")
        assert not film.exists()
        raise KeyError
    assert names_in(tmp_path) == []
    with together():
        with replacing(film) as place:
            place.write_bytes(b"film")
        write_bytes(job_file, b"job")
        assert not film.exists() and not job_file.exists()
    assert film.read_bytes() == b"film" and names_in(film.parent) == [film.name, job_file.name]


def test_places_that_cannot_be_written_are_one_sentence(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    for place, said in (
        (tmp_path, "this is a folder"),
        (tmp_path / "file" / "x.npz", "file is a file, not a folder"),
        (tmp_path / "file" / "deeper" / "x.npz", "file is a file, not a folder"),
        (tmp_path / ("x" * 300) / "x.npz", "cannot be written"),
        (tmp_path / ("x" * 300 + ".npz"), "cannot be written"),
    ):
        with pytest.raises(OutputError, match=said) as caught:
            ensure_writable(place)
        assert "\n" not in str(caught.value)
    assert names_in(tmp_path) == ["file"]


def test_an_extension_that_cannot_be_written_is_said(tmp_path):
    ensure_extension(tmp_path / "A.NPZ", (".bvh", ".npz"))
    with pytest.raises(OutputError, match=r"'\.mp3' files cannot be written; use one of \.bvh, \.npz"):
        ensure_extension("a.mp3", (".bvh", ".npz"))
    with pytest.raises(OutputError, match=r"folder; name a file in it, such as .*motion\.bvh"):
        ensure_extension(tmp_path, (".bvh", ".npz"))
    with pytest.raises(OutputError, match="no extension"):
        ensure_extension("a", (".bvh",))
