"""First poses of bodies that move by formula, and what smoothing leaves of them."""

from dataclasses import replace

import numpy as np
import pytest

from graphics_ml.motion.humanoid import standard_skeleton
from graphics_ml.motion.rotations import angle_between, quaternion_from_axis_angle
from graphics_ml.pose.body import Pose, place, t_pose
from graphics_ml.pose.detection import LANDMARKS
from graphics_ml.pose.first_guess import first_pose, smoothed, unwound
from graphics_ml.pose.landmarks import gather, points_on_body
from tests.pose.acting import ball, camera, seen, standing, unseen, walking

OFFSETS = standard_skeleton(1.75).offsets
EYE = camera()


def guess(detections):
    rotations = np.tile(EYE.rotation, (len(detections), 1, 1))
    return first_pose(gather(detections), points_on_body(1.75), OFFSETS, EYE.focal, EYE.centre, rotations)


def errors(guessed, pose):
    """(F, J) metres between joints, seen from the camera's place."""
    return np.linalg.norm(place(guessed, OFFSETS).positions + EYE.position - place(pose, OFFSETS).positions, axis=-1)


@pytest.mark.parametrize("pose", [standing(40), walking(40)], ids=["standing", "walking"])
def test_the_first_pose_of_exact_landmarks_is_near_the_truth(pose):
    assert np.median(errors(guess(seen(pose, EYE)), pose)) < 0.03


def test_frames_without_anybody_lie_between_those_beside_them():
    pose = standing(40)
    guessed = guess(unseen(seen(pose, EYE), range(15, 20)))
    assert errors(guessed, pose)[15:20].max() < 0.15


def test_a_landmark_that_is_missing_alone_is_filled_in_too():
    pose = walking(40)
    detections = seen(pose, EYE)
    keypoints = detections.keypoints.copy()
    keypoints[15:20, LANDMARKS.index("left_knee")] = np.nan
    whole, guessed = guess(detections), guess(detections.replace(keypoints=keypoints))
    assert np.linalg.norm(place(guessed, OFFSETS).positions - place(whole, OFFSETS).positions, axis=-1).max() < 0.15


def test_smoothing_does_not_reach_over_a_cut():
    evidence = gather(seen(standing(40), EYE))
    evidence = replace(evidence, breaks=np.arange(40) == 20)
    step = np.where(np.arange(40) < 20, 0.0, 1.0)
    pose = replace(t_pose(40), root=step[:, None] * np.ones(3))
    np.testing.assert_allclose(smoothed(pose, evidence).root, pose.root, atol=1e-12)


@pytest.mark.parametrize("frames, kept", [(12, False), (60, True)], ids=["quick", "slow"])
def test_a_quick_spin_right_round_is_taken_out_and_a_slow_one_is_not(frames, kept):
    pose, arm = t_pose(100), ball("left_upper_arm")
    angle = 2 * np.pi * np.clip((np.arange(100) - 20) / frames, 0, 1)
    balls = pose.balls.copy()
    balls[:, arm] = quaternion_from_axis_angle(angle[:, None] * np.array([1.0, 0, 0]))
    turned = unwound(Pose(pose.root, balls, pose.hinges), 30.0, np.zeros(100, dtype=bool)).balls[:, arm]
    assert angle_between(turned[1:], turned[:-1]).sum() == pytest.approx(2 * np.pi if kept else 0.0, abs=0.1)
