"""Edits of files: what is asked for is done, in the order of the job's settings, and said."""

import re
from fractions import Fraction

import numpy as np
import pytest

from graphics_ml.cli import main
from graphics_ml.errors import GraphicsMLError
from graphics_ml.formats import load, save
from graphics_ml.jobs import Edit, JobError, read_job
from graphics_ml.motion.mirror import mirror
from graphics_ml.motion.resample import resample
from graphics_ml.motion.skeleton import Skeleton
from graphics_ml.motion.travel import in_place
from graphics_ml.run import run
from tests.motion.swinging import swinging


@pytest.fixture
def clip(tmp_path):
    path = tmp_path / "clip.npz"
    save(swinging(90), path)
    return path


@pytest.fixture
def walk(clips):
    return next(path for path in clips("cmu") if path.stem == "02_01")


def edited(source, tmp_path, **settings):
    outcome = run(Edit(source=source, output=tmp_path / "out.npz", **settings))
    return load(outcome.outputs[0]), outcome.notes


def figures(notes, step, what):
    """The two numbers that a step's note says of something."""
    note = next(note for note in notes if note.startswith(f"{step}: "))
    return [float(number) for number in re.search(rf"{what} (\S+) -> (\S+)", note).groups()]


def test_each_operation_is_that_of_the_library_and_their_order_is_fixed(clip, tmp_path):
    motion, notes = edited(clip, tmp_path, in_place=True, mirror=True, fps=60, start=0.5, end=2.0)
    wanted = in_place(mirror(resample(load(clip).frames(15, 60), 60)))
    np.testing.assert_allclose(motion.positions(), wanted.positions(), atol=1e-12)
    steps = [note.partition(":")[0] for note in notes]
    assert steps == ["cut", "resample", "mirror", "in place"]


def test_feet_that_slide_stand_once_locked_and_the_ground_is_at_zero(walk, tmp_path):
    motion, notes = edited(walk, tmp_path, fps=60, smooth=4, foot_lock=1, ground=True)
    before, after = figures(notes, "foot lock", "feet slip")
    assert after < 0.3 * before
    before, after = figures(notes, "smooth", "jerk")
    assert after < 0.2 * before
    assert motion.fps == 60 and abs(np.percentile(motion.positions()[..., 1].min(axis=1), 20)) < 0.03


def test_a_locked_cycle_still_has_no_seam(walk, tmp_path):
    motion, notes = edited(walk, tmp_path, fps=60, smooth=4, loop="find", foot_lock=1)
    assert "each cycle goes 1.3" in next(note for note in notes if note.startswith("loop"))
    count = len(motion)
    ends = motion.skeleton.index("lfoot"), motion.skeleton.index("rfoot")
    places = motion.positions()
    local = places - places[:, :1]
    step = np.linalg.norm(np.diff(local, axis=0), axis=-1).max(axis=0)
    seam = np.linalg.norm(local[0] - local[-1], axis=-1)
    assert (seam[list(ends)] < 1.2 * step[list(ends)]).all() and 60 < count < 75


def test_one_file_behind_the_other_lasts_as_long_as_both_less_the_blend(clip, tmp_path):
    motion, _ = edited(clip, tmp_path, then=clip, blend=1.0)  # the period of its swing
    assert len(motion) == 90 + 90 - 30
    assert np.ptp(motion.root_positions[:, 2]) == pytest.approx(1.2 * 149 / 30, rel=1e-6)


def test_reduced_keys_stay_within_what_was_asked(clip, tmp_path):
    motion, notes = edited(clip, tmp_path, reduce_keys=0.004)
    assert np.linalg.norm(motion.positions() - load(clip).positions(), axis=-1).max() <= 0.004 + 1e-9
    kept, full = map(int, re.search(r"(\d+) of (\d+) keys stay", notes[-1]).groups())
    assert kept < 0.7 * full


def test_a_blender_file_has_only_the_keys_that_stay(clip, tmp_path):
    bpy = pytest.importorskip("bpy")
    from graphics_ml.blender.actions import curves_of

    outcome = run(Edit(source=clip, output=tmp_path / "out.blend", reduce_keys=0.004))
    motion, truth = load(outcome.outputs[0]), load(clip)
    order = [motion.skeleton.index(name) for name in truth.skeleton.names]
    assert np.linalg.norm(motion.positions()[:, order] - truth.positions(), axis=-1).max() < 0.0041
    curves = [curve for curve in curves_of(bpy.data.actions[0]) if curve.data_path.endswith("rotation_quaternion")]
    kept, full = map(int, re.search(r"(\d+) of (\d+) keys stay", outcome.notes[0]).groups())
    assert sum(len(curve.keyframe_points) for curve in curves) <= 4 * kept < 4 * 0.7 * full


@pytest.mark.parametrize(
    ("given", "meant"), [(29.97, Fraction(30000, 1001)), (25, Fraction(25)), (12.5, Fraction(25, 2)), (2, Fraction(2))]
)
def test_decimal_frame_rates_mean_exact_ones(clip, tmp_path, given, meant):
    assert edited(clip, tmp_path, fps=given)[0].fps == meant


def test_its_job_file_runs_again_to_the_same_bytes(clip, tmp_path):
    outcome = run(Edit(source=clip, output=tmp_path / "out.npz", smooth=3, loop="whole", blend=0.2))
    first = outcome.outputs[0].read_bytes()
    assert run(read_job(outcome.outputs[1])).outputs[0].read_bytes() == first


def test_what_is_no_body_can_be_edited_but_has_no_feet_to_lock(tmp_path):
    motion = swinging(40)
    skeleton = motion.skeleton
    names = [f"part {n}" for n in range(len(skeleton))]
    chain = Skeleton(names, range(-1, len(skeleton) - 1), skeleton.offsets)
    save(motion.replace(skeleton=chain), tmp_path / "tail.npz")
    _, notes = edited(tmp_path / "tail.npz", tmp_path, smooth=3)
    assert "jerk" in notes[0] and "feet" not in notes[0]
    with pytest.raises(GraphicsMLError, match="--map"):
        edited(tmp_path / "tail.npz", tmp_path, foot_lock=1)


def test_asking_for_nothing_or_for_half_of_something_is_a_mistake():
    with pytest.raises(JobError, match="nothing is asked for"):
        Edit(source="a.bvh", output="b.bvh")
    with pytest.raises(JobError, match="in place too"):
        Edit(source="a.bvh", output="b.bvh", facing=True, smooth=4)
    for wrong in (dict(foot_lock=2), dict(smooth=0), dict(blend=-1, then="c.bvh"), dict(fps=0)):
        with pytest.raises(JobError, match="must be"):
            Edit(source="a.bvh", output="b.bvh", **wrong)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--start 9", "cut: no frame lies between 9.0 s and the end"),
        ("--smooth 0.1 --fps 120", "smooth: a cutoff of 0.1 Hz is too low"),
        ("--loop find --end 0.3", "too short for a cycle"),
        ("--then OTHER", "cannot be put behind"),
        ("--then OUT --mirror", "read as an input and would be lost"),
        ("--loop round", "--loop is 'round', but must be one of 'no', 'find', 'whole'"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_leaves_nothing(clip, tmp_path, capfd, options, said):
    other, out = tmp_path / "other.npz", tmp_path / "out.npz"
    motion = swinging(20)
    names = ("pelvis", *motion.skeleton.names[1:])
    save(motion.replace(skeleton=motion.skeleton.replace(names=names)), other)
    options = options.replace("OTHER", str(other)).replace("OUT", str(out)).split()
    assert main(["edit", str(clip), "-o", str(out), *options]) == 2
    told = [line for line in capfd.readouterr().err.splitlines() if line.startswith("graphics-ml: ")]
    assert len(told) == 1 and said in told[0]
    assert not out.exists()
