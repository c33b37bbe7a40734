"""The convert job: from the command line to a file, with what is lost said once and a record that runs again."""

from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from graphics_ml import formats
from graphics_ml.cli import main
from graphics_ml.errors import GraphicsMLError, OutputError
from graphics_ml.formats import bodies
from graphics_ml.jobs import Convert, Edit, Retarget, read_job
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.rotations import quaternion_from_axis_angle
from graphics_ml.run import run

pytestmark = pytest.mark.filterwarnings("ignore::graphics_ml.errors.FormatWarning")


def a_motion(body="smplh", frames=60, fps=120, t_pose=False):
    skeleton = bodies.skeleton(body)
    sway = np.sin(np.arange(frames) / 20)[:, None, None] * np.random.default_rng(0).normal(
        scale=0.1, size=(len(skeleton), 3)
    )
    for name, side in (("left_shoulder", -1), ("right_shoulder", 1)):
        if name in skeleton.names:
            sway[:, skeleton.index(name)] += [0, 0, 1.2 * side]
    if t_pose:
        sway[0] = 0
    root = np.tile([1.0, 1.0, 2.0], (frames, 1)) + np.linspace(0, 1, frames)[:, None] * [0, 0, 1]
    return Motion(skeleton, quaternion_from_axis_angle(sway), root, fps, provenance={"by": "a test"})


@pytest.fixture
def take(tmp_path):
    formats.save(a_motion(), tmp_path / "take.npz")
    return tmp_path / "take.npz"


@pytest.mark.parametrize(("name", "format"), [("out.bvh", None), ("out.npz", "amass"), ("again.npz", None)])
def test_a_file_becomes_another_and_its_record_runs_again_to_the_same_bytes(take, tmp_path, name, format):
    outcome = run(Convert(source=take, output=tmp_path / name, format=format))
    out, record = outcome.outputs
    first = formats.load(out).positions()
    before = formats.load(take)
    order = [before.skeleton.index(joint) for joint in formats.load(out).skeleton.names]
    np.testing.assert_allclose(first, before.positions()[:, order], atol=1e-5)
    content = out.read_bytes()
    out.unlink()
    run(read_job(record))
    assert out.read_bytes() == content


def test_what_is_lost_is_said_once_and_the_record_is_not(take, tmp_path):
    motion = a_motion().replace(confidence=np.ones((60, 52)))
    formats.save(motion, take)
    notes = run(Convert(source=take, output=tmp_path / "out.bvh")).notes
    assert [note for note in notes if "seen" in note] == [".bvh files do not hold how surely each joint was seen"]
    assert not any("made" in note for note in notes)
    notes = run(Convert(source=take, output=tmp_path / "out.npy")).notes
    assert sum("where the motion begins" in note for note in notes) == 1


def test_a_file_read_at_one_rate_gets_the_motion_at_that_rate(take, tmp_path):
    outcome = run(Convert(source=take, output=tmp_path / "out.npy"))
    assert any("resampled to 20" in note for note in outcome.notes)
    again = formats.load(tmp_path / "out.npy", fps=20)
    assert again.duration == pytest.approx(a_motion().duration, abs=0.05)


def test_the_rate_can_be_said_for_any_format(take, tmp_path):
    run(Convert(source=take, output=tmp_path / "slow.bvh", fps=30))
    assert formats.load(tmp_path / "slow.bvh").fps == 30
    run(Convert(source=tmp_path / "slow.bvh", output=tmp_path / "slower.npz", fps=23.976))
    assert formats.load(tmp_path / "slower.npz").fps == Fraction(24000, 1001)


def test_a_unit_can_be_said_for_bvh_and_is_refused_where_it_means_nothing(take, tmp_path):
    run(Convert(source=take, output=tmp_path / "take.bvh"))
    run(Convert(source=tmp_path / "take.bvh", output=tmp_path / "small.npz", unit="mm"))
    small, whole = formats.load(tmp_path / "small.npz"), formats.load(tmp_path / "take.bvh")
    np.testing.assert_allclose(small.positions() * 10, whole.positions(), atol=1e-9)
    for options, said in (({"unit": "ell"}, "a unit is one of m, cm"), ({"up": "W"}, "the up axis is 'X', 'Y' or 'Z'")):
        with pytest.raises(GraphicsMLError, match=said):
            run(Convert(source=tmp_path / "take.bvh", output=tmp_path / "out.npz", **options))
    with pytest.raises(GraphicsMLError, match="the format npz has no option 'unit'"):
        run(Convert(source=take, output=tmp_path / "out.bvh", unit="mm"))


def test_a_t_pose_put_before_a_motion_is_offered_to_be_dropped(tmp_path):
    formats.save(a_motion(t_pose=True), tmp_path / "take.npz")
    kept = run(Convert(source=tmp_path / "take.npz", output=tmp_path / "kept.bvh"))
    assert any("--drop-t-pose leaves it out" in note for note in kept.notes)
    dropped = run(Convert(source=tmp_path / "take.npz", output=tmp_path / "dropped.bvh", drop_t_pose=True))
    assert any("is left out" in note for note in dropped.notes)
    assert (len(formats.load(tmp_path / "kept.bvh")), len(formats.load(tmp_path / "dropped.bvh"))) == (60, 59)
    formats.save(a_motion(), tmp_path / "take.npz")
    none = run(Convert(source=tmp_path / "take.npz", output=tmp_path / "none.bvh", drop_t_pose=True))
    assert any("no T-pose" in note for note in none.notes) and len(formats.load(tmp_path / "none.bvh")) == 60


def test_every_job_that_takes_a_motion_offers_to_drop_a_t_pose(tmp_path):
    formats.save(a_motion(t_pose=True), tmp_path / "take.npz")
    for job in (partial(Edit, mirror=True), partial(Retarget, target=Path("smplh"))):
        kept = run(job(source=tmp_path / "take.npz", output=tmp_path / "kept.npz"))
        assert any("--drop-t-pose leaves it out" in note for note in kept.notes)
        run(job(source=tmp_path / "take.npz", output=tmp_path / "dropped.npz", drop_t_pose=True))
        assert len(formats.load(tmp_path / "kept.npz")) == len(formats.load(tmp_path / "dropped.npz")) + 1


def test_nothing_is_written_where_something_is_wrong(take, tmp_path):
    before = sorted(tmp_path.iterdir())
    for job, said in (
        (Convert(source=take, output=tmp_path / "out.xyz"), "cannot be written"),
        (Convert(source=take, output=take), "would be lost"),
        (Convert(source=take, output=tmp_path / "out.npz", format="soma"), "retarget FILE --target soma"),
        (Convert(source=take, output=tmp_path / "out.npz", format="bvh"), r"ends in \.bvh"),
        (Convert(source=take, output=tmp_path / "out.npz", format="fbxx"), "there is no format"),
        (Convert(source=take, output=tmp_path / "out.bvh", source_format="amass"), "no poses"),
    ):
        with pytest.raises(GraphicsMLError, match=said):
            run(job)
    assert sorted(tmp_path.iterdir()) == before


def test_the_shape_of_a_body_survives_the_way_through_the_job(tmp_path):
    np.savez(
        tmp_path / "take.npz",
        poses=np.zeros((3, 156)),
        trans=np.zeros((3, 3)),
        betas=np.arange(16.0),
        gender="male",
        mocap_framerate=60,
    )
    run(Convert(source=tmp_path / "take.npz", output=tmp_path / "again.npz", format="amass"))
    again = np.load(tmp_path / "again.npz")
    np.testing.assert_array_equal(again["betas"], np.arange(16.0))
    assert str(again["gender"]) == "male"


def test_the_command_line_converts_a_folder_to_a_format_by_its_name(take, tmp_path, capsys):
    assert main(["convert", str(tmp_path), "-o", str(tmp_path / "out"), "--format", "amass", "--jobs", "1"]) == 0
    assert formats.format_of(tmp_path / "out" / "take.npz") == "amass"
    assert main(["convert", str(take), "-o", str(tmp_path / "out.npz"), "--format", "soma"]) == 2
    assert "retarget FILE --target soma" in capsys.readouterr().err
    with pytest.raises(OutputError):
        formats.save(a_motion(), tmp_path / "x.npz", "soma")


@pytest.mark.parametrize(
    ("output", "preset", "said"),
    [("a.fbx", "unreel", "there is no preset 'unreel'; use one of"), ("a.npz", "unreal", "the preset 'unreal' is for")],
)
def test_a_preset_that_cannot_be_used_is_told_before_anything_is_read(output, preset, said, tmp_path):
    pytest.importorskip("bpy")
    (tmp_path / "walk.bvh").write_text("never read")
    with pytest.raises(OutputError, match=said):
        run(Convert(source=tmp_path / "walk.bvh", output=tmp_path / output, preset=preset))
