"""What a run has done is known to the next one, whatever ended it."""

import json
from pathlib import Path

import pytest

from graphics_ml.errors import OutputError
from graphics_ml.manifest import Manifest, job_hash, leftover_prefix
from graphics_ml.run import attempt
from tests.example_jobs import Shout, known


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.setattr("graphics_ml.jobs.JOBS", {})
    known()
    monkeypatch.chdir(tmp_path)
    Path("song.txt").write_text("la ")
    for name in "ab":
        Path(f"{name}.bvh").write_text(name)


def job(name="a", **settings):
    return Shout(source=f"{name}.bvh", output=f"out/{name}.npz", **settings)


def record(one):
    done, _ = attempt(one, Path("out"), ".")
    return {"source": str(one.source), "output": one.output.name, "job": job_hash(one), **done}


def finish(*jobs):
    with Manifest(Path("out"), jobs, False) as manifest:
        for one in jobs:
            manifest.add(record(one))


def why(one):
    with Manifest(Path("out"), [one], True) as manifest:
        return manifest.why_again(one, job_hash(one))


def test_what_is_done_is_known_and_nothing_else():
    finish(job())
    assert why(job()) is None and why(job("b")) == "new"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda: Path("a.bvh").write_text("other"), "source changed"),
        (lambda: Path("song.txt").write_text("hum "), "other settings or version"),
        (lambda: Path("out/a.npz").unlink(), "output missing or changed"),
        (lambda: Path("out/a.npz.job.toml").unlink(), "output missing or changed"),
        (lambda: Path("out/a.npz").write_text("LA A."), "output missing or changed"),
        (lambda: Path("a.bvh").touch(), None),
    ],
)
def test_whatever_an_output_hangs_on_is_noticed(change, said):
    finish(job(song="song.txt"))
    assert Path("out/a.npz").read_text() == "la A!"
    change()
    assert why(job(song="song.txt")) == said


def test_a_file_that_a_text_names_counts_too_and_one_that_cannot_be_read_has_changed():
    finish(job(mark="song.txt"))
    assert why(job(mark="song.txt")) is None
    Path("song.txt").write_text("hum ")
    assert why(job(mark="song.txt")) == "other settings or version"
    finish(job())
    Path("a.bvh").unlink()
    Path("a.bvh").mkdir()
    assert why(job()) == "source changed"


@pytest.mark.parametrize(("source", "part", "other"), [("a.amc", "body.ASF", "a.bin"), ("a.gltf", "a.bin", "b.bin")])
def test_what_lies_beside_a_source_and_is_a_part_of_it_counts(source, part, other):
    for name in (source, part, other):
        Path(name).write_text("one")
    one = Shout(source=source, output="out/a.npz")
    finish(one)
    Path(other).write_text("two")
    assert why(one) is None
    Path(part).write_text("two")
    assert why(one) == "source changed"


def test_other_settings_are_another_job_and_other_places_are_not(monkeypatch):
    finish(job())
    assert why(job(mark="?")) == "other settings or version"
    assert job_hash(job()) == job_hash(job("b"))
    monkeypatch.setattr("graphics_ml.manifest.__version__", "99")
    assert why(job()) == "other settings or version"


def test_what_failed_is_tried_again():
    Path("a.bvh").write_text("broken")
    finish(job())
    assert why(job()) == "failed before"


@pytest.mark.parametrize(
    "tail", [b'{"source": "b.bvh", "outp', b'{"output": "b.npz", "state": "done"}\n', b"[]\n\xff\n"]
)
def test_a_torn_line_counts_for_nothing_and_costs_no_other(tail):
    finish(job())
    with open("out/manifest.jsonl", "ab") as file:
        file.write(tail)
    assert why(job()) is None and why(job("b")) == "new"
    with Manifest(Path("out"), [job("b")], True) as manifest:
        manifest.add(record(job("b")))
    assert why(job()) is None and why(job("b")) is None
    assert all(json.loads(line) for line in Path("out/manifest.jsonl").read_text().splitlines())


def test_a_run_from_the_start_forgets_only_its_own_outputs():
    finish(job(), job("b"))
    with Manifest(Path("out"), [job()], False):
        pass
    assert why(job()) == "new" and why(job("b")) is None


def test_two_runs_into_one_folder_are_refused():
    with Manifest(Path("out"), [], False):
        with (
            pytest.raises(OutputError, match="out: another run writes into this folder"),
            Manifest(Path("out"), [], True),
        ):
            pass
        with Manifest(Path("other"), [], False):
            pass
    with Manifest(Path("out"), [], False):
        pass
    assert [path.name for path in Path("out").iterdir()] == ["manifest.jsonl"]


@pytest.mark.parametrize("content", ['{"name": "clip 1"}\n', "clip 1\nclip 2\n"])
def test_another_programs_manifest_stays(content):
    Path("out").mkdir()
    Path("out/manifest.jsonl").write_text(content)
    with pytest.raises(OutputError, match="no manifest of graphics-ml"), Manifest(Path("out"), [], False):
        pass
    assert Path("out/manifest.jsonl").read_text() == content and len(list(Path("out").iterdir())) == 1


def test_what_killed_runs_into_this_folder_left_goes_and_others_work_stays():
    ours, theirs = leftover_prefix(Path("out")), leftover_prefix(Path("out/deep"))
    # Left by this folder's runs: four; by those into out/deep and by single jobs: one each.
    for place in (f"out/{ours}1", f"out/deep/{ours}2", f"out/deep/{theirs}3", "out/.graphics-ml-4"):
        Path(place).mkdir(parents=True)
        Path(place, "half.npz").touch()
    for place in (f"out/{ours}5", f"out/deep/{ours}6"):
        Path(place).touch()
    with Manifest(Path("out"), [], True):
        pass
    assert [len(list(Path(place).iterdir())) for place in ("out", "out/deep")] == [3, 1]


def test_a_file_name_that_is_no_text_can_be_told():
    odd = Path("film\udce9.bvh")
    odd.write_text("x")
    one = Shout(source=odd, output=Path("out/film\udce9.npz"))
    with Manifest(Path("out"), [one], False) as manifest:
        manifest.add(record(one))
    assert why(one) is None
