"""Gap filling against known movement."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from graphics_ml.motion.gaps import fill_gaps
from graphics_ml.motion.rotations import angle_between, quaternion_from_axis_angle
from tests.motion.swinging import swinging


def test_a_short_gap_in_steady_movement_is_filled_with_that_movement():
    motion = swinging(60, speed=1.0)
    filled, gaps = fill_gaps(blinded(motion, slice(20, 30), [0, 5]))
    assert gaps.sum() == 20
    assert angle_between(filled.rotations, motion.rotations).max() < 1e-6
    np.testing.assert_allclose(filled.root_positions, motion.root_positions, atol=1e-9)


def test_a_short_gap_is_bridged_without_a_jolt():
    motion = swinging(60, speed=None)
    filled, _ = fill_gaps(blinded(motion, slice(20, 32), [5]))
    angle = Rotation.from_quat(filled.rotations[:, 5, [1, 2, 3, 0]]).as_rotvec()
    jolts = np.linalg.norm(np.diff(angle, 2, axis=0), axis=-1)
    assert jolts[15:35].max() < 2 * np.linalg.norm(np.diff(rotvecs(motion), 2, axis=0), axis=-1).max()


def test_filled_frames_have_no_confidence_and_seen_ones_are_untouched():
    motion = blinded(swinging(120), slice(30, 100), [0, 3, 7])
    filled, gaps = fill_gaps(motion)
    assert (filled.confidence[gaps] == 0).all()
    np.testing.assert_array_equal(filled.confidence[~gaps], motion.confidence[~gaps])
    assert angle_between(filled.rotations[~gaps], motion.rotations[~gaps]).max() < 1e-7


def test_a_long_gap_rests_in_the_held_pose_and_joins_both_sides():
    motion = swinging(150)
    held = np.array(motion.skeleton.rest_orientations)
    held[5] = quaternion_from_axis_angle(np.array([0, 0, 1.0]))
    filled, _ = fill_gaps(blinded(motion, slice(30, 120), [5]), held=held)
    assert angle_between(filled.rotations[50:100, 5], held[5]).max() < 1e-6
    steps = angle_between(filled.rotations[1:, 5], filled.rotations[:-1, 5])
    assert steps.max() < 0.2


@pytest.mark.filterwarnings("error")
def test_without_time_to_settle_a_long_gap_is_the_held_pose_throughout():
    filled, _ = fill_gaps(blinded(swinging(90), slice(30, 60), [5]), settle=0)
    assert angle_between(filled.rotations[30:60, 5], filled.rotations[45, 5]).max() < 1e-7


def test_gaps_open_to_the_ends_keep_or_leave_the_nearest_seen_pose():
    motion = swinging(90)
    short, _ = fill_gaps(blinded(motion, slice(0, 6), [0, 5]))
    assert angle_between(short.rotations[:6, 5], motion.rotations[6, 5]).max() < 1e-7
    np.testing.assert_allclose(short.root_positions[:6], np.tile(motion.root_positions[6], (6, 1)))
    long, _ = fill_gaps(blinded(motion, slice(40, 90), [5]))
    assert angle_between(long.rotations[60:, 5], long.rotations[60, 5]).max() < 1e-7
    assert angle_between(long.rotations[40, 5], motion.rotations[39, 5]) < 0.1


def test_a_joint_that_is_never_seen_rests():
    filled, gaps = fill_gaps(blinded(swinging(40), slice(0, 40), [5]))
    assert gaps[:, 5].all()
    assert angle_between(filled.rotations[:, 5], filled.skeleton.rest_orientations[5]).max() < 1e-7


def test_without_confidence_or_without_gaps_nothing_changes():
    motion = swinging(30)
    assert fill_gaps(motion)[0] is motion
    seen = motion.replace(confidence=np.ones(motion.rotations.shape[:2]))
    same, gaps = fill_gaps(seen)
    assert same is seen and not gaps.any()


def rotvecs(motion):
    return Rotation.from_quat(motion.rotations[:, 5, [1, 2, 3, 0]]).as_rotvec()


def blinded(motion, frames, joints):
    """Nonsense with no confidence in some frames of some joints."""
    rotations, root = np.array(motion.rotations), np.array(motion.root_positions)
    confidence = np.ones(rotations.shape[:2])
    for joint in joints:
        rotations[frames, joint] = quaternion_from_axis_angle(np.array([0, 2.5, 0]))
        confidence[frames, joint] = 0.1
    if 0 in joints:
        root[frames] = 50.0
    return motion.replace(rotations=rotations, root_positions=root, confidence=confidence)
