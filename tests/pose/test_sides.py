"""Left and right, and cuts."""

import numpy as np
import pytest

from graphics_ml.pose.detection import LANDMARKS, MIRRORED
from graphics_ml.pose.sides import cuts, mend_sides
from tests.pose.rectangles import SHAPE

HEIGHT = 200  # pixels


def mended(places, seen=None):
    """(order, frames that were mended) of places (F, 33, 3) in heights."""
    seen = np.ones(len(places), bool) if seen is None else seen
    breaks = np.zeros(len(places), bool)
    order = mend_sides(places[..., :2] * HEIGHT, places[..., 2] * 1.7, seen, breaks, 30, LANDMARKS)
    return order, np.flatnonzero((order != np.arange(33)).any(axis=1)).tolist()


def walk(frames, fps=30.0):
    """(F, 33, 3) someone walking on the spot, in heights; the legs and arms cross twice a second."""
    points = np.zeros((frames, 33, 3))
    points[..., :2] = SHAPE
    swing = 0.15 * np.sin(2 * np.pi * np.arange(frames) / fps)[:, None]
    for joints, amount in (((15, 17, 19, 21), -0.7), ((25,), 0.5), ((27, 29, 31), 1.0)):
        for joint in joints:
            points[:, joint, 0] += amount * swing[:, 0]
            points[:, joint + 1, 0] -= amount * swing[:, 0]
    return points


@pytest.mark.parametrize("part", [slice(0, 33), slice(13, 23), slice(25, 33)])
def test_sides_exchanged_for_a_few_frames_are_put_right(part):
    truth = walk(90)
    seen = truth + np.random.default_rng(0).normal(0, 0.002, truth.shape)
    landmarks = np.arange(33)[part]
    wrong = seen.copy()
    wrong[40:45, landmarks] = seen[40:45][:, np.array(MIRRORED)[landmarks]]
    order, frames = mended(wrong)
    right = np.take_along_axis(wrong, order[..., None], axis=1)
    assert np.abs(right - truth)[:, 11:].max() < 0.02
    assert frames == [40, 41, 42, 43, 44]


def test_where_legs_are_too_close_together_to_tell_arms_tell_for_the_whole_body():
    mirror, truth = np.array(MIRRORED), walk(90)
    truth[:, 23:, 0] = truth[:, 23:, 0].mean() + 0.05 * (truth[:, 23:, 0] - truth[:, 23:, 0].mean())
    truth[:, :13, 0] *= 0.2
    truth[:, 13:23, 0] *= 0.5
    wrong = truth.copy()
    wrong[35:40] = truth[35:40][:, mirror]
    order, _ = mended(wrong)
    np.testing.assert_array_equal(order[35:40], np.tile(mirror, (5, 1)))
    np.testing.assert_array_equal(order[[34, 40]], np.tile(np.arange(33), (2, 1)))


def test_legs_that_cross_and_someone_who_turns_round_are_left_alone():
    points = walk(120)
    angle = np.linspace(0, np.pi, 120)[:, None]
    x, z = points[..., 0].copy(), points[..., 2].copy()
    points[..., 0], points[..., 2] = np.cos(angle) * x + np.sin(angle) * z, np.cos(angle) * z - np.sin(angle) * x
    for film in (walk(120), points):
        assert mended(film)[1] == []


def test_sides_are_not_compared_across_a_gap():
    truth = walk(90)
    points = truth.copy()
    points[50:] = points[50:][:, list(MIRRORED)]  # they may have turned round meanwhile
    seen = np.ones(90, bool)
    seen[45:50] = False
    assert mended(points, seen)[1] == []


@pytest.mark.parametrize("fps, cut", [(10, False), (15, False), (30, True), (120, True)])
def test_a_cut_is_quicker_than_anybody_moves(fps, cut):
    points = np.random.default_rng(0).uniform(-1, 1, (len(LANDMARKS), 2))
    frames = np.where(np.arange(20) < 10, 1.0, 0.8)[:, None, None] * points
    found = cuts(frames, np.ones(frames.shape[:2]), fps, LANDMARKS)
    assert list(np.flatnonzero(found)) == ([10] if cut else [])
