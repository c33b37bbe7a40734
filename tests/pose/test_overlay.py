"""Lines over pictures, against geometry: covered area, place, colour, and that nothing else is touched."""

import numpy as np
import pytest

from graphics_ml.pose.overlay import (
    LEFT,
    MIDDLE,
    RIGHT,
    draw_detected,
    draw_legend,
    draw_line,
    draw_solved,
    side_colour,
)


def blank(height=80, width=120):
    return np.zeros((height, width, 3), np.uint8)


def covered(picture):
    return picture.max(axis=-1) / 255.0


@pytest.mark.parametrize("end", [(90.5, 40.0), (60.0, 70.25), (80.3, 60.7)])
def test_a_line_covers_its_length_times_its_thickness(end):
    start, thickness = np.array([20.0, 15.5]), 5.0
    picture = blank()
    draw_line(picture, start, end, (255, 255, 255), thickness)
    length = np.linalg.norm(np.array(end) - start)
    assert covered(picture).sum() == pytest.approx(length * thickness + np.pi * (thickness / 2) ** 2, rel=0.02)


def test_a_dot_lies_where_it_is_put():
    picture = blank()
    draw_line(picture, (33.25, 20.75), (33.25, 20.75), (255, 255, 255), 8)
    y, x = np.mgrid[:80, :120] + 0.5
    weight = covered(picture)
    assert (x * weight).sum() / weight.sum() == pytest.approx(33.25, abs=0.02)
    assert (y * weight).sum() / weight.sum() == pytest.approx(20.75, abs=0.02)


def test_pixels_away_from_the_line_are_untouched():
    picture = np.random.default_rng(0).integers(0, 256, (80, 120, 3), dtype=np.uint8)
    before = picture.copy()
    draw_line(picture, (10, 10), (110, 30), LEFT, 3)
    changed = (picture != before).any(axis=-1)
    y, x = np.mgrid[:80, :120] + 0.5
    along = np.array([100, 20]) / np.hypot(100, 20)
    distance = np.abs((x - 10) * along[1] - (y - 10) * along[0])
    assert changed.any() and distance[changed].max() <= 2.0 + 1e-6


def test_half_opacity_lies_half_way():
    picture = np.full((40, 40, 3), 100, np.uint8)
    draw_line(picture, (5, 20), (35, 20), (200, 0, 100), 9, opacity=0.5)
    assert tuple(picture[20, 20]) == (150, 50, 100)


@pytest.mark.parametrize("place", [(np.nan, 3), (1e12, 1e12), (-500, -500), (np.inf, 0)])
def test_what_is_not_in_the_picture_is_left_out(place):
    picture = blank()
    draw_line(picture, place, place, LEFT, 3)
    assert not picture.any()


def test_a_line_to_far_outside_is_cut_at_the_edge():
    picture = blank()
    draw_line(picture, (60, 40), (1e9, 40), (255, 255, 255), 2)
    assert covered(picture)[39:41, 61:].min() == 1
    assert not picture[:, :58].any()


def test_unsure_joints_are_fainter():
    names, parents = ("hips", "left_thigh", "left_shin"), (-1, 0, 1)
    places = np.array([[10, 10], [60, 10], [110, 10]], dtype=float)
    picture = blank()
    draw_solved(picture, places, names, parents, confidence=np.array([1.0, 1.0, 0.1]))
    assert picture[10, 35].max() > 2 * picture[10, 85].max() > 0


def test_sides_have_their_colours():
    assert side_colour("left_wrist") == LEFT and side_colour("mouth_right") == RIGHT and side_colour("nose") == MIDDLE
    landmarks = ("left_hip", "left_knee", "right_hip")
    keypoints = np.array([[20, 20], [20, 70], [100, 20]], dtype=float)
    picture = blank()
    draw_detected(picture, keypoints, np.ones(3), landmarks, [(0, 1), (0, 2)], thickness=3)
    assert tuple(picture[45, 20]) == LEFT
    assert tuple(picture[20, 60]) == MIDDLE


def test_the_legend_stays_in_its_corner():
    picture = blank(480, 640)
    draw_legend(picture, (("left", LEFT, 4), ("right", RIGHT, 4)))
    assert picture[400:, :200].any()
    picture[400:, :200] = 0
    assert not picture.any()
