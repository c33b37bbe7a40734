import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

from graphics_ml.batch import jobs_of
from graphics_ml.errors import FileError, GraphicsMLError
from graphics_ml.jobs import (
    JOBS,
    Animate,
    Batch,
    Capture,
    JobError,
    Preview,
    Retarget,
    as_plain,
    from_plain,
    job_name,
    read_job,
    settings,
)
from graphics_ml.provenance import record, write_record
from tests.example_jobs import EXAMPLES, Compare, Shout


@pytest.mark.parametrize("job_class", JOBS.values())
def test_every_setting_says_what_it_is(job_class):
    for one, kind in settings(job_class):
        assert one.metadata["help"] and not one.metadata["help"].endswith("."), one.name
        assert kind is not None


def test_a_job_survives_the_way_through_plain_values():
    job = Animate(video=Path("a.mp4"), output=Path("b.blend"), height=1.82, end=3.0, keep_actions=True)
    assert from_plain(job_name(job), as_plain(job)) == job


def test_paths_may_be_given_as_text():
    assert Capture(video="a.mp4", output="b.npz") == Capture(video=Path("a.mp4"), output=Path("b.npz"))


def test_the_person_may_be_given_as_a_number():
    asked_for = Capture(video="a.mp4", output="b.npz", person="2")
    assert from_plain("capture", {"video": "a.mp4", "output": "b.npz", "person": 2}) == asked_for
    assert Capture(video="a.mp4", output="b.npz", person=2) == asked_for


def test_a_job_file_beside_an_output_gives_the_same_job_again(tmp_path):
    video = tmp_path / 'odd "name" ü\x7f.mp4'
    video.write_bytes(b"not really a film")
    job = Capture(video=video, output=tmp_path / "out.bvh", camera="fov=50,tilt=-10")
    written = write_record(job.output, record(job, [video]))
    assert written.name == "out.bvh.job.toml"
    assert read_job(written) == job
    content = tomllib.loads(written.read_text())
    assert content["inputs"][video.name] and content["versions"]["numpy"]


def test_a_file_name_that_is_no_text_does_not_cost_the_record(tmp_path):
    job = Capture(video=Path("film\udce9.mp4"), output=tmp_path / "out.bvh")
    written = write_record(job.output, record(job, []))
    assert read_job(written).output == job.output


def test_a_job_file_may_begin_with_a_byte_order_mark(tmp_path):
    path = tmp_path / "job.toml"
    path.write_text('job = "capture"\n[settings]\nvideo = "a.mp4"\noutput = "b.npz"\n', encoding="utf-8-sig")
    assert read_job(path) == Capture(video=tmp_path / "a.mp4", output=tmp_path / "b.npz")


def test_relative_paths_of_a_job_file_start_at_its_folder(tmp_path, monkeypatch):
    folder = tmp_path / "odd [x]"
    (folder / "takes").mkdir(parents=True)
    (folder / "takes" / "a.bvh").touch()
    settings = 'source = "takes/*.bvh"\noutput = "../out"\ntarget = "smplh"\nformat = "bvh"\nmap = "/maps/body.toml"'
    (folder / "job.toml").write_text(f'job = "retarget"\n[settings]\n{settings}\n[batch]\n')
    batch = read_job(folder / "job.toml")
    assert [job.source for job in jobs_of(batch)[0]] == [folder / "takes" / "a.bvh"]
    assert batch.output.resolve() == tmp_path / "out" and batch.job.target == Path("smplh")
    assert batch.job.map == Path("/maps/body.toml")
    monkeypatch.chdir(folder)
    assert read_job("job.toml").source == (Path("takes/*.bvh"),)


@pytest.mark.parametrize(
    ("given", "read"), [("fov=50,tilt=-10", "fov=50,tilt=-10"), ("lens.toml", "{folder}/lens.toml")]
)
def test_text_that_names_a_file_starts_there_too(tmp_path, given, read):
    path = tmp_path / "job.toml"
    path.write_text(f'job = "capture"\n[settings]\nvideo = "a.mp4"\noutput = "b.npz"\ncamera = "{given}"\n')
    assert read_job(path).camera == read.format(folder=tmp_path)


def test_the_record_of_relative_paths_is_read_from_any_folder_and_after_all_was_moved(tmp_path, monkeypatch):
    (tmp_path / "here" / "in").mkdir(parents=True)
    (tmp_path / "here" / "in" / "a.bvh").touch()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "here" / "link").symlink_to(tmp_path / "elsewhere")
    monkeypatch.chdir(tmp_path / "here")
    for out in ("out/deep/a.npz", "link/a.npz"):
        job = Retarget(source="in/a.bvh", output=out, target="smplh", save_map="maps/a.toml")
        written = (tmp_path / "here" / write_record(job.output, record(job, [job.source]))).resolve()
        monkeypatch.chdir(tmp_path)
        again = read_job(written)
        assert again.source.resolve() == tmp_path / "here" / "in" / "a.bvh" and again.target == job.target
        assert again.output == written.with_name("a.npz")
        monkeypatch.chdir(tmp_path / "here")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").rename(tmp_path / "there")
    again = read_job("there/out/deep/a.npz.job.toml")
    assert again.source.resolve() == tmp_path / "there" / "in" / "a.bvh" and again.source.exists()
    assert again.save_map.resolve() == tmp_path / "there" / "maps" / "a.toml"


def test_absolute_paths_stay_so_in_a_record_but_for_those_in_its_folder(tmp_path):
    job = Retarget(source=tmp_path / "in" / "a.bvh", output=tmp_path / "out" / "a.npz", map=tmp_path / "out" / "m.toml")
    written = record(job, [])["settings"]
    assert (written["source"], written["output"], written["map"]) == (str(job.source), "a.npz", "m.toml")


SEVERAL = {"video": ["a.mp4", "c.mp4"], "calibration": "d.toml", "output": "b.npz"}


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"video": "a.mp4", "output": "b.npz", "smooothing": 1.0}, "did you mean 'smoothing'"),
        ({"video": "", "output": "b.npz"}, "video is '', but must be a path"),
        ({"video": "a.mp4"}, "needs the setting 'output'"),
        ({"video": "a.mp4", "output": "b.npz", "height": 17.0}, "height is 17.0, but must be from 0.3 to 3 m"),
        ({"video": "a.mp4", "output": "b.npz", "height": "tall"}, "must be a number"),
        ({"video": "a.mp4", "output": "b.npz", "foot_lock": True}, "must be a number"),
        ({"video": "a.mp4", "output": "b.npz", "start": -1}, "start is -1.0, but must be at least 0 s"),
        ({"video": "a.mp4", "output": "b.npz", "person": "foo"}, "person is 'foo', but must be a number from 1"),
        ({"video": "a.mp4", "output": "b.npz", "person": "0"}, "person is '0', but must be a number from 1"),
        ({"video": ["a.mp4", "c.mp4"], "output": "b.npz"}, "several films make one motion with a calibration"),
        (
            {"video": "a.mp4", "output": "b.npz", "calibration": "c.toml"},
            "calibration and offsets are for the films of",
        ),
        (SEVERAL | {"camera": "fov=50"}, "camera and calibration both tell of the camera"),
        (SEVERAL | {"offsets": [0.1, 0.2]}, "offsets are 2, but must be one for each of the 1 further films"),
        (SEVERAL | {"offsets": "soon"}, "offsets is 'soon', but must be a number"),
        (SEVERAL | {"again": "1-2:person=2"}, "another person can be followed in a span of one film only"),
    ],
)
def test_bad_settings_are_named_in_one_sentence(values, words):
    with pytest.raises(JobError, match=words.replace("(", r"\(")) as caught:
        from_plain("capture", values)
    assert "\n" not in str(caught.value)


def test_films_of_several_cameras_survive_the_way_through_toml_and_a_film_may_be_one_word(tmp_path):
    job = from_plain("capture", SEVERAL | {"offsets": [-0.1], "output": str(tmp_path / "b.npz")})
    assert job.offsets == (-0.1,) and len(job.video) == 2
    again = read_job(write_record(job.output, record(job, [])))
    assert [path.name for path in again.video] == ["a.mp4", "c.mp4"] and again.offsets == job.offsets
    assert from_plain("capture", SEVERAL | {"offsets": 0.25}).offsets == (0.25,)
    assert from_plain("capture", {"video": "a.mp4", "output": "b.npz"}).video == (Path("a.mp4"),)


def test_an_unknown_job_is_named_with_a_suggestion():
    with pytest.raises(JobError, match="did you mean 'animate'"):
        from_plain("animat", {})


@pytest.mark.parametrize("content", ["job = ", "[settings]\n", 'job = "capture"\nsettings = 3\n'])
def test_a_file_that_is_no_job_file_is_refused(tmp_path, content):
    path = tmp_path / "job.toml"
    path.write_text(content)
    with pytest.raises(FileError, match=r"job\.toml"):
        read_job(path)


def test_an_absent_job_file_is_named(tmp_path):
    with pytest.raises(FileError, match=r"none\.toml"):
        read_job(tmp_path / "none.toml")


@pytest.fixture
def examples(monkeypatch):
    monkeypatch.setattr("graphics_ml.jobs.JOBS", JOBS | EXAMPLES)


def test_several_files_survive_the_way_through_plain_values_and_toml(tmp_path, examples):
    job = Compare(files=("a.bvh", Path("b.bvh")), against="c.bvh")
    assert job.files == (Path("a.bvh"), Path("b.bvh")) and job.against == (Path("c.bvh"),)
    assert from_plain("compare", as_plain(job)) == job
    shown = Preview(motions=(tmp_path / "a.bvh", tmp_path / "b.bvh"), output=tmp_path / "x.mp4")
    assert read_job(write_record(shown.output, record(shown, []))) == shown
    assert from_plain("compare", {"files": "a.bvh"}).files == (Path("a.bvh"),)
    for wrong in (3, [], ["a.bvh", 3]):
        with pytest.raises(JobError, match=r"files is .* must be a path"):
            from_plain("compare", {"files": wrong})


def test_a_job_file_with_a_list_or_a_table_batch_is_a_batch(tmp_path, examples):
    path = tmp_path / "job.toml"
    path.write_text('job = "shout"\n[settings]\nsource = "takes"\noutput = "out"\nmark = "?"\n')
    takes, out, a, b = (tmp_path / name for name in ("takes", "out", "a", "b"))
    job = Shout(source=takes, output=out, mark="?")
    assert read_job(path) == job
    path.write_text(path.read_text() + "[batch]\njobs = 2\nresume = true\n")
    assert read_job(path) == Batch(job=job, source=takes, output=out, jobs=2, resume=True)
    path.write_text('job = "shout"\nsettings = {source = ["a", "b"], output = "out"}\n')
    assert read_job(path) == Batch(job=Shout(source=a, output=out), source=(a, b), output=out)


@pytest.mark.parametrize(
    ("job", "rest", "said"),
    [
        ("shout", "batch = 3", "batch must be a table"),
        ("shout", "settings = {source = 'a', output = 'b'}\n[batch]\njob = 3", "no setting 'job'; did you mean 'jobs'"),
        ("shout", "settings = {source = 'a', output = 'b'}\n[batch]\njobs = 0", "jobs is 0, but must be at least 1"),
        ("shout", "settings = {output = 'b'}\n[batch]\njobs = 1", "needs the setting 'source'"),
        ("capture", "settings = {video = 'a'}\n[batch]\njobs = 1", "'capture' is not done to many files"),
        ("shut", "[batch]\njobs = 1", "there is no job 'shut'; did you mean 'shout'"),
    ],
)
def test_a_batch_that_cannot_be_used_is_one_sentence(tmp_path, examples, job, rest, said):
    path = tmp_path / "job.toml"
    path.write_text(f'job = "{job}"\n{rest}\n')
    with pytest.raises(GraphicsMLError, match=said) as caught:
        read_job(path)
    assert "\n" not in str(caught.value)


def test_animate_has_every_setting_of_capture():
    assert {one.name for one in fields(Capture)} <= {one.name for one in fields(Animate)}


def test_a_choice_is_checked_also_where_no_command_line_or_file_was_read():
    with pytest.raises(JobError, match="level is 'best', but must be one of 'copy', 'contacts', 'touch'"):
        Retarget(source="a.bvh", output="b.bvh", level="best")


def test_a_preview_is_on_our_character_or_on_a_rig():
    with pytest.raises(JobError, match="character means our own and rig another; leave one of them out"):
        Preview(motions="walk.bvh", output="out.mp4", character=True, rig="hero.fbx")
