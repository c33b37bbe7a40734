"""Which files a batch means and where what they become goes."""

from pathlib import Path

import pytest

from graphics_ml.batch import jobs_of, keeping_extension, with_matches
from graphics_ml.errors import GraphicsMLError
from graphics_ml.jobs import Batch, Capture, Evaluate, Retarget, Train
from tests.example_jobs import Shout


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def make(*names):
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text("x")


def planned(*words, output="out", format="npz"):
    """{source: output} as text, and the folder."""
    job = Shout(source=words[0], output=output, format=format)
    jobs, folder = jobs_of(Batch(job=job, source=words, output=output))
    return {one.source.as_posix(): one.output.as_posix() for one in jobs}, folder


def test_one_file_becomes_one_file_and_in_a_folder_keeps_its_name():
    make("a.bvh", "out/other.npz")
    assert planned("a.bvh", output="b.npz") == ({"a.bvh": "b.npz"}, None)
    assert planned("a.bvh", output="out") == ({"a.bvh": "out/a.npz"}, None)


def test_the_files_of_a_folder_keep_their_places_and_hidden_and_other_files_are_left_out():
    make("takes/a.bvh", "takes/deep/er/B.BVH", "takes/.hidden/c.bvh", "takes/.d.bvh", "takes/notes.txt")
    found, folder = planned("takes")
    assert found == {"takes/a.bvh": "out/a.npz", "takes/deep/er/B.BVH": "out/deep/er/B.npz"} and folder == Path("out")


def test_several_sources_keep_their_places_below_the_folder_they_share():
    make("x/walk/a.bvh", "x/run/a.bvh", "x/c.bvh")
    expected = {"x/run/a.bvh": "out/run/a.npz", "x/walk/a.bvh": "out/walk/a.npz"}
    assert planned("x/run", "x/walk")[0] == planned("x/run/a.bvh", "x/walk/a.bvh")[0] == expected
    assert planned("x/*/*.bvh")[0] == expected
    assert planned("x/**/*.bvh")[0] == planned("x")[0] == expected | {"x/c.bvh": "out/c.npz"}


def test_a_file_named_twice_is_done_once_and_a_name_with_brackets_is_a_name():
    make("takes/a [1].bvh", "takes/b.bvh")
    assert len(planned("takes/a [1].bvh", "takes", "takes/*.bvh")[0]) == 2
    assert planned("takes/a [1].bvh", output="b.npz") == ({"takes/a [1].bvh": "b.npz"}, None)


def test_sources_that_differ_in_the_extension_alone_keep_it_and_no_other_does():
    make("in/walk.bvh", "in/walk.fbx", "in/run.bvh", "in/deep/walk.bvh", "in/v1.2.bvh")
    job = Shout(source="in", output="out", format="npz")
    jobs, _ = jobs_of(Batch(job=job, source=("in",), output="out"))
    assert {one.source.as_posix(): one.output.as_posix() for one in jobs} == {
        "in/walk.bvh": "out/walk.bvh.npz",
        "in/walk.fbx": "out/walk.fbx.npz",
        "in/run.bvh": "out/run.npz",
        "in/deep/walk.bvh": "out/deep/walk.npz",
        "in/v1.2.bvh": "out/v1.2.npz",
    }
    assert [one.source.name for one in keeping_extension(jobs)] == ["walk.bvh", "walk.fbx"]


def test_what_an_earlier_run_wrote_is_no_source():
    make("a.bvh", "out/a.npz", "deep/out/b.bvh")
    assert planned(".")[0] == {"a.bvh": "out/a.npz", "deep/out/b.bvh": "out/deep/out/b.npz"}
    make("same/a.bvh", "same/a.npz")
    for words in (["same"], ["same/*"], ["sam?/*.bvh", "same"]):
        assert planned(*words, output="same")[0] == {"same/a.bvh": "same/a.npz"}
    assert planned("**/*.bvh")[0] == {
        "a.bvh": "out/a.npz",
        "deep/out/b.bvh": "out/deep/out/b.npz",
        "same/a.bvh": "out/same/a.npz",
    }


@pytest.mark.parametrize(
    ("words", "output", "said"),
    [
        (["none", "a.bvh"], "out", "none: there is no such file or folder"),
        (["none"], "out", "none: there is no such file or folder"),
        (["*.fbx"], "out", "no file is called so"),
        (["*.fbx"], "x.npz", "no file is called so"),
        (["empty"], "out", "holds no motion file"),
        (["two"], "out", "two/a.bvh and two/a.bvh.bvh would both become out/a.bvh.npz"),
        (["a.bvh", "b.bvh"], "a.bvh", "a.bvh: this is a file; name a folder"),
        (["a.bvh", "b.bvh"], "c.npz", "c.npz: several sources become several files; name a folder"),
        (["a.bvh", "a.npz"], ".", "would replace this source"),
        (["npz"], "npz", "every output would replace its source"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_is(words, output, said):
    make("a.bvh", "a.npz", "b.bvh", "two/a.bvh", "two/a.npz", "two/a.bvh.bvh", "empty/x.txt", "npz/a.npz")
    with pytest.raises(GraphicsMLError) as caught:
        planned(*words, output=output)
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_a_setting_that_names_a_file_to_write_is_for_one_source():
    make("a.bvh", "b.bvh")
    job = Retarget(source="a.bvh", output="out", format="bvh", save_map="map.toml")
    assert len(jobs_of(Batch(job=job, source="a.bvh", output="out.bvh"))[0]) == 1
    with pytest.raises(GraphicsMLError, match="save map names one file"):
        jobs_of(Batch(job=job, source=("a.bvh", "b.bvh"), output="out"))


def test_in_a_folder_the_format_is_named_unless_the_job_has_one(monkeypatch):
    make("takes/a.bvh")
    with pytest.raises(GraphicsMLError, match="say what to write in it, such as --format bvh"):
        planned("takes", format=None)
    with pytest.raises(GraphicsMLError, match="'bhv' is not a format that can be written; did you mean 'bvh'"):
        planned("takes", format="bhv")
    monkeypatch.setattr(Shout, "natural_extension", lambda job: job.source.suffix)
    assert planned("takes", format=None)[0] == {"takes/a.bvh": "out/a.bvh"}


def test_a_folder_stands_for_its_motions_only_where_motions_are_asked_for(tmp_path):
    for name in ("a.bvh", "b.bvh"):
        (tmp_path / name).touch()
    assert with_matches(Evaluate(files=tmp_path)).files == (tmp_path / "a.bvh", tmp_path / "b.bvh")
    assert with_matches(Capture(video=tmp_path, output="c.npz")).video == (tmp_path,)
    assert with_matches(Train(recipe="keypoints", data=tmp_path, output="k.safetensors")).data == (tmp_path,)
