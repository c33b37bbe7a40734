"""Evaluations of files: the table, the JSON file and the picture, against faults of known size."""

import errno
import json
import os

import numpy as np
import pytest

from graphics_ml.cli import main
from graphics_ml.errors import OutputError
from graphics_ml.formats import save
from graphics_ml.jobs import Evaluate, as_plain, from_plain
from graphics_ml.motion.skeleton import Skeleton
from graphics_ml.run import run
from tests.motion.swinging import swinging

cv2 = pytest.importorskip("cv2")


@pytest.fixture
def files(tmp_path):
    """A clip, the same 5 cm aside, one that swings otherwise, one that is no body, and no motion at all."""
    motion = swinging(60)
    chain = Skeleton([f"part {n}" for n in range(22)], range(-1, 21), motion.skeleton.offsets)
    made = {
        "true": motion,
        "aside": motion.replace(root_positions=motion.root_positions + np.array([0.03, 0, 0.04])),
        "other": swinging(60, speed=2.0),
        "tail": motion.replace(skeleton=chain),
    }
    for name, one in made.items():
        save(one, tmp_path / f"{name}.npz")
    (tmp_path / "broken.npz").write_bytes(b"nothing")
    return {name: tmp_path / f"{name}.npz" for name in (*made, "broken")}


def test_the_json_file_holds_each_figure_and_their_means(files, tmp_path, capsys):
    output = tmp_path / "report.json"
    outcome = run(Evaluate(files=(files["true"], files["aside"]), reference=files["true"], output=output))
    assert outcome.outputs[:2] == (output, tmp_path / "report.png") and not outcome.failures
    report = json.loads(output.read_text())
    same, aside = report["motions"]
    assert same["mpjpe_m"] == 0 and aside["mpjpe_m"] == pytest.approx(0.05)
    assert report["mean"]["mpjpe_m"] == pytest.approx(0.025)
    assert aside["compared"]["points"] == 22 and aside["fps"] == 30 and aside["frames"] == 60
    assert set(report["mean"]) <= set(same) and report["reference"] == str(files["true"])
    table = capsys.readouterr().out
    assert "aside.npz" in table and "50.0" in table and "25.0" in table and "NPSS" in table


def test_where_the_disk_fills_up_nothing_is_left_and_an_older_report_stays(files, tmp_path, monkeypatch):
    output = tmp_path / "new" / "report.json"
    output.parent.mkdir()
    output.write_text("older")
    fsync, calls = os.fsync, iter(range(9))

    def full_after_the_first(file):
        if next(calls):
            raise OSError(errno.ENOSPC, "No space left on device")
        fsync(file)

    monkeypatch.setattr("os.fsync", full_after_the_first)
    with pytest.raises(OutputError, match="the disk is full"):
        run(Evaluate(files=(files["true"],), output=output))
    assert [path.name for path in output.parent.iterdir()] == ["report.json"] and output.read_text() == "older"


def test_alignment_is_the_users_choice(files, tmp_path):
    output = tmp_path / "report.json"
    for align in ("start", "hips"):
        run(Evaluate(files=(files["aside"],), reference=files["true"], output=output, align=align))
        assert json.loads(output.read_text())["motions"][0]["mpjpe_m"] < 1e-9


def test_a_broken_file_does_not_stop_the_others_and_the_exit_code_tells(files, tmp_path, capfd):
    output = tmp_path / "report.json"
    words = ["evaluate", str(files["true"]), str(files["broken"]), str(tmp_path / "none.bvh"), "-o", str(output)]
    assert main(words) == 1
    rows = json.loads(output.read_text())["motions"]
    assert [("error" in row) for row in rows] == [False, True, True] and "none.bvh" in rows[2]["error"]
    said = capfd.readouterr()
    assert said.err.count("failed: ") == 2 and "true.npz" in said.out
    assert main(["evaluate", str(files["broken"])]) == 2


def test_what_is_no_body_is_measured_without_feet(files, tmp_path):
    output = tmp_path / "report.json"
    outcome = run(Evaluate(files=(files["tail"], files["true"]), output=output))
    tail, true = json.loads(output.read_text())["motions"]
    assert tail["foot_slip_m"] is None and tail["jerk_m_per_s3"] > 0 and true["foot_slip_m"] is not None
    assert any("tail.npz: this is no body" in note for note in outcome.notes)
    failed = run(Evaluate(files=(files["tail"], files["true"]), reference=files["true"]))
    assert len(failed.failures) == 1 and "tail.npz: the skeletons differ" in failed.failures[0]


@pytest.mark.parametrize("names", [("true",), ("true", "other"), ("tail",), ("true", "other", "tail")])
def test_the_picture_shows_lines_in_the_colour_of_each_motion(files, tmp_path, names):
    run(Evaluate(files=tuple(files[name] for name in names), output=tmp_path / "a.json"))
    picture = cv2.imread(str(tmp_path / "a.png")).reshape(-1, 3)[:, ::-1].astype(int)
    blue, orange, ink = (np.abs(picture - colour).max(axis=1) < 12 for colour in
                         ((0x2B, 0x6C, 0xB0), (0xDD, 0x6B, 0x20), (0x2D, 0x37, 0x48)))  # fmt: skip
    assert (picture == 255).all(axis=1).mean() > 0.7 and ink.sum() > 500
    coloured = names != ("tail",)
    assert (blue.sum() > 500) == (orange.sum() > 500) == coloured


def test_no_name_of_a_file_is_taken_for_a_formula(files, tmp_path):
    odd = files["true"].rename(tmp_path / "a$b^$.npz")
    for taken in ((odd,), (odd, files["other"])):
        assert len(run(Evaluate(files=taken, output=tmp_path / "a.json")).outputs) == 3


def test_real_walks_are_measured_against_each_other(clips, tmp_path):
    walks = {path.stem: path for name in ("cmu", "bandai2-subset") for path in clips(name)}
    files = walks["02_01"], walks["dataset-2_walk_normal_001"]
    output = tmp_path / "report.json"
    outcome = run(Evaluate(files=files, reference=files[0], output=output, align="start"))
    same, other = json.loads(output.read_text())["motions"]
    assert same["mpjpe_m"] < 1e-9 and same["contacts"] > 8 and other["compared"]["points"] == 14
    assert 0.05 < other["pa_mpjpe_m"] < 0.25
    assert any("30 frames per second" in note for note in outcome.notes)


def test_files_come_back_from_plain_values(files):
    job = Evaluate(files=(files["true"], files["aside"]), align="hips")
    assert from_plain("evaluate", as_plain(job)) == job
