"""Left and right, cuts, and how far landmarks are believed."""

import numpy as np
import pytest

from graphics_ml.motion.rotations import multiply, quaternion_from_axis_angle
from graphics_ml.pose.body import Pose
from graphics_ml.pose.detection import LANDMARKS, MIRRORED
from graphics_ml.pose.landmarks import BONE_NAMES, BONES, USED, bone_vector, gather
from tests.pose.acting import camera, seen, seen_hands, standing, unseen, walking


def exchanged(detections, frames):
    keypoints, world = detections.keypoints.copy(), detections.world.copy()
    for frame in frames:
        keypoints[frame], world[frame] = keypoints[frame][list(MIRRORED)], world[frame][list(MIRRORED)]
    return detections.replace(keypoints=keypoints, world=world)


@pytest.mark.parametrize("frames", [[20], range(30, 45), [*range(10, 14), 50]])
def test_frames_with_left_and_right_exchanged_are_mended(frames):
    plain = seen(standing(), camera(), noise=1.0)
    evidence = gather(exchanged(plain, frames))
    assert evidence.exchanged == tuple(frames)
    np.testing.assert_allclose(evidence.pixels, gather(plain).pixels)
    np.testing.assert_allclose(evidence.bones, gather(plain).bones)


def test_a_person_who_walks_or_turns_round_stays_as_they_are():
    assert gather(seen(walking(), camera(distance=6), noise=1.0)).exchanged == ()
    pose = standing(90)
    turn = quaternion_from_axis_angle(np.linspace(0, 2 * np.pi, 90)[:, None] * np.array([0, 1.0, 0]))
    balls = pose.balls.copy()
    balls[:, 0] = multiply(turn, balls[:, 0])
    assert gather(seen(Pose(pose.root, balls, pose.hinges), camera(), noise=1.0)).exchanged == ()


def test_a_cut_to_another_take_is_found_and_motion_is_none():
    first, second = seen(walking(40), camera(side=1.0), noise=1.0), seen(standing(40), camera(), noise=1.0)
    joined = first.replace(
        **{
            name: np.concatenate((getattr(first, name), getattr(second, name)))
            for name in ("keypoints", "depth", "world", "visibility", "presence", "found")
        }
    )
    assert np.flatnonzero(gather(joined).breaks).tolist() == [40]
    assert not gather(first).breaks.any()


def test_one_wrong_frame_is_no_cut():
    detections = seen(standing(), camera(), noise=1.0)
    keypoints = detections.keypoints.copy()
    keypoints[25] = keypoints[25][:, ::-1]
    assert not gather(detections.replace(keypoints=keypoints)).breaks.any()


def test_what_was_not_seen_has_no_weight():
    evidence = gather(unseen(seen(standing(), camera()), [3, 4]))
    assert (evidence.pixel_weight[[3, 4]] == 0).all() and (evidence.bone_weight[[3, 4]] == 0).all()
    assert np.isfinite(evidence.pixels).all() and np.isfinite(evidence.bones).all()
    assert (evidence.pixel_weight[5] > 0).all()


def test_bone_vectors_are_differences_of_landmarks():
    np.testing.assert_allclose(BONES.sum(axis=1), 0, atol=1e-12)
    row = BONES[BONE_NAMES.index("left forearm")]
    assert row[USED.index("left_wrist")] == 1 and row[USED.index("left_elbow")] == -1


def test_metric_legs_are_bent_a_little_and_keep_their_lengths():
    plain = seen(standing(), camera())
    raw, bones = BONES @ plain.world[:, [LANDMARKS.index(name) for name in USED]], gather(plain).bones
    np.testing.assert_allclose(np.linalg.norm(bones, axis=-1), np.linalg.norm(raw, axis=-1))
    thigh, shin = (BONE_NAMES.index(f"left {bone}") for bone in ("thigh", "shin"))
    # Someone who faces the camera: knees come towards it, ankles come together.
    assert (bones[:, thigh, 2] < raw[:, thigh, 2] - 0.01).all()
    assert (bones[:, shin, 2] > raw[:, shin, 2] + 0.01).all()
    assert (bones[:, shin, 0] < raw[:, shin, 0] - 0.01).all()


def test_a_hidden_bone_is_believed_in_depth():
    plain = seen(standing(), camera())
    evidence = gather(plain.replace(visibility=np.full_like(plain.visibility, 0.05)))
    seen_by_the_body_model = [name.split()[-1] not in ("knuckles", "metacarpal") for name in BONE_NAMES]
    assert (evidence.bone_weight[:, seen_by_the_body_model] == 1).all()
    assert (evidence.pixel_weight < 0.3 * gather(plain).pixel_weight).all()


def test_a_hand_that_is_surely_seen_takes_the_place_of_the_bodys_palm_and_another_has_no_weight():
    plain = seen(standing(), camera())
    hands = seen_hands(standing(), camera())
    score = hands.score.copy()
    score[:, 1] = 0.5
    evidence, without = gather(plain.replace(hands=hands._replace(score=score))), gather(plain)
    weight = {name: evidence.bone_weight[:, row] for row, name in enumerate(BONE_NAMES)}
    assert (weight["left knuckles"] == 1).all() and (weight["left palm"] == 0).all()
    assert (weight["right knuckles"] == 0).all() and (weight["right palm"] > 0).all()
    assert (without.bone_weight[:, BONE_NAMES.index("left knuckles")] == 0).all()
    palm, knuckles = (bone_vector(evidence.bones, f"left {name}") for name in ("palm", "knuckles"))
    cosine = np.sum(palm * knuckles, axis=1) / np.linalg.norm(palm, axis=1) / np.linalg.norm(knuckles, axis=1)
    assert np.degrees(np.arccos(cosine)).max() < 15


def test_hands_are_left_out_where_left_and_right_were_exchanged():
    detections = exchanged(seen(standing(), camera(), noise=1.0), [20])
    evidence = gather(detections.replace(hands=seen_hands(standing(), camera())))
    row = BONE_NAMES.index("left knuckles")
    assert np.flatnonzero(evidence.bone_weight[:, row] == 0).tolist() == [20]
