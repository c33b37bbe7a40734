"""Motions refuse what cannot move and never change."""

from fractions import Fraction

import numpy as np
import pytest

from graphics_ml.motion.kinematics import global_rotations
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.rotations import normalize
from graphics_ml.motion.skeleton import Skeleton

SKELETON = Skeleton(("a", "b"), (-1, 0), [[0, 1, 0], [0, 1, 0]])


def a_motion(frames=4, **changes):
    random = np.random.default_rng(0)
    given = dict(
        skeleton=SKELETON,
        rotations=normalize(random.normal(size=(frames, 2, 4))),
        root_positions=random.normal(size=(frames, 3)),
        fps=Fraction(30),
    )
    return Motion(**given | changes)


def test_the_rest_pose_is_that_of_the_skeleton():
    motion = a_motion(
        rotations=np.tile(SKELETON.rest_orientations, (4, 1, 1)), root_positions=np.tile([0, 1, 0], (4, 1))
    )
    np.testing.assert_allclose(motion.positions(), np.tile(SKELETON.rest_positions(), (4, 1, 1)))


def test_world_places_and_turns_agree_with_one_another():
    motion = a_motion()
    turns, places = motion.transforms()
    np.testing.assert_allclose(motion.positions(), places)
    np.testing.assert_allclose(motion.orientations(), turns)
    np.testing.assert_allclose(global_rotations(motion.rotations, SKELETON.parents), turns)


def test_local_positions_replace_the_offsets_and_hold_the_root():
    local = np.random.default_rng(1).normal(size=(4, 2, 3))
    motion = a_motion(local_positions=local)
    np.testing.assert_array_equal(motion.local_positions[:, 0], motion.root_positions)
    lengths = np.linalg.norm(motion.positions()[:, 1] - motion.positions()[:, 0], axis=-1)
    np.testing.assert_allclose(lengths, np.linalg.norm(local[:, 1], axis=-1))


def test_rotations_become_unit_and_those_that_are_stay_as_they_were():
    rotations = normalize(np.random.default_rng(0).normal(size=(4, 2, 4)))
    np.testing.assert_array_equal(a_motion(rotations=rotations).rotations, rotations)
    np.testing.assert_allclose(a_motion(rotations=3 * rotations).rotations, rotations, atol=1e-15)


def test_time_is_exact():
    motion = a_motion(fps=Fraction(24000, 1001))
    assert len(motion) == 4 and motion.fps == Fraction(24000, 1001)
    assert motion.duration == pytest.approx(4 * 1001 / 24000)
    assert a_motion(fps=60).fps == 60


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (dict(rotations=np.zeros((0, 2, 4)), root_positions=np.zeros((0, 3))), "at least one frame"),
        (dict(rotations=np.ones((4, 3, 4))), "rotations have shape"),
        (dict(rotations=np.zeros((4, 2, 4))), "'a' at frame 0 is a zero quaternion"),
        (dict(rotations=np.full((4, 2, 4), np.nan)), "not finite at frame 0"),
        (dict(root_positions=np.zeros((3, 3))), "root positions have shape"),
        (dict(root_positions=np.full((4, 3), np.inf)), "not finite"),
        (dict(local_positions=np.zeros((4, 3))), "local positions have shape"),
        (dict(confidence=np.zeros(4)), "confidence have shape|confidence has shape"),
        (dict(fps=0), "positive"),
        (dict(fps=-30), "positive"),
        *((dict(fps=fps), "positive number") for fps in (float("inf"), float("nan"), "1/0", "fast", None)),
    ],
)
def test_what_is_no_motion_is_refused(changes, said):
    with pytest.raises(ValueError, match=said):
        a_motion(**changes)


def test_a_motion_never_changes():
    root = np.zeros((4, 3))
    notes = {"a": 1}
    motion = a_motion(root_positions=root, confidence=np.ones((4, 2)), provenance=notes)
    root += 1
    notes["a"] = 2
    assert not motion.root_positions.any() and motion.provenance == {"a": 1}
    for array in (motion.rotations, motion.root_positions, motion.confidence):
        with pytest.raises(ValueError):
            array[0] = 1
    with pytest.raises(AttributeError):
        motion.fps = 1


def test_a_read_only_view_of_an_array_that_changes_is_copied():
    turn = np.tile([1.0, 0, 0, 0], (2, 1))
    motion = a_motion(rotations=np.broadcast_to(turn, (4, 2, 4)))
    turn[0] = [0, 1, 0, 0]
    np.testing.assert_array_equal(motion.rotations[:, 0], np.tile([1.0, 0, 0, 0], (4, 1)))
    assert np.shares_memory(motion.frames(1, 3).rotations, motion.rotations)


def test_a_cut_keeps_all_that_belongs_to_its_frames():
    motion = a_motion(local_positions=np.ones((4, 2, 3)), confidence=np.arange(8.0).reshape(4, 2))
    cut = motion.frames(1, 3)
    assert len(cut) == 2
    np.testing.assert_array_equal(cut.confidence, motion.confidence[1:3])
    np.testing.assert_array_equal(cut.positions(), motion.positions()[1:3])
