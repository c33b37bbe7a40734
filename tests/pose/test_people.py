from fractions import Fraction

import numpy as np
import pytest

from graphics_ml.pose.detection import Hands
from graphics_ml.pose.tracking import detect
from graphics_ml.pose.video import open_video
from tests.pose.rectangles import HEIGHT, WIDTH, RectangleDetector, centres, scene
from tests.pose.videos import make_film


@pytest.fixture
def film(tmp_path):
    return lambda pictures: make_film(tmp_path / "film.mp4", list(pictures), 25)


def test_one_person_is_followed_through_the_film(film):
    path = film(scene(("red", 60 + 2 * i, 120)) for i in range(80))
    done = []
    detections = detect(path, detector=RectangleDetector(), progress=lambda *now: done.append(now))
    assert detections.found.all()
    np.testing.assert_allclose(centres(detections), 60 + 2 * np.arange(80), atol=1.5)
    assert detections.person.startswith("person 1 of 1: centre, 6")
    assert detections.fps == Fraction(25) and detections.image_size == (WIDTH, HEIGHT)
    assert done == [(i + 1, 80) for i in range(80)]


def test_a_person_alone_costs_hardly_more_than_following_them(film):
    detector = RectangleDetector()
    detect(film(scene(("red", 60 + i, 120)) for i in range(100)), detector=detector)
    assert detector.calls <= 115


def test_others_cost_little_and_are_followed_exactly_when_chosen(film):
    path = film(scene(("green", 240 - i, 100), ("red", 80, 120)) for i in range(100))
    calls, chosen = [], []
    for person in (1, 2):
        detector = RectangleDetector()
        chosen.append(detect(path, person=person, detector=detector))
        calls.append(detector.calls)
    assert calls[0] < 170 and calls[1] < 240
    np.testing.assert_allclose(centres(chosen[1]), 240 - np.arange(100), atol=1.5)


class RectanglesWithHands(RectangleDetector):
    def hands(self, picture, pose):
        points = np.full((2, 21, 3), 7.0)
        points[..., :2] = pose.keypoints[[15, 16]][:, None]
        return Hands(points, np.array([0.9, 0.8]))


def test_hands_are_looked_at_some_ten_times_a_second_where_the_person_is_seen(film):
    path = film(scene() if 40 <= i < 60 else scene(("red", 60 + i, 120)) for i in range(100))
    detections = detect(path, detector=RectanglesWithHands())
    points, score = detections.hands
    looked = score[:, 0] > 0
    assert 25 <= looked.sum() <= 45 and not looked[~detections.found].any()
    np.testing.assert_allclose(points[looked, :, 0, :2], detections.keypoints[looked, 15:17], rtol=1e-5)
    assert (score[~looked] == 0).all() and np.isnan(points[~looked]).all()
    assert detect(path, detector=RectangleDetector()).hands is None


def test_a_person_who_leaves_and_returns_is_the_same_with_a_gap(film):
    def picture(i):
        if 30 <= i < 60:
            return scene()
        return scene(("red", 100 if i < 30 else 180, 120))

    detections = detect(film(map(picture, range(90))), detector=RectangleDetector())
    assert detections.found.tolist() == [not 30 <= i < 60 for i in range(90)]
    assert np.isnan(detections.keypoints[30:60]).all() and (detections.visibility[30:60] == 0).all()
    assert not detections.warnings  # the solver says which frames it fills in
    assert detections.person.startswith("person 1 of 1")


def test_somebody_else_who_comes_after_is_somebody_else(film):
    pictures = [scene(("red", 100, 120))] * 40 + [scene()] * 20 + [scene(("green", 110, 120))] * 40
    detections = detect(film(pictures), detector=RectangleDetector())
    assert detections.person.startswith("person 1 of 2")
    assert detections.found.sum() == 40


def test_people_who_pass_each_other_keep_their_numbers(film):
    def picture(i):  # green walks behind red
        return scene(("green", 40 + 3 * i, 100), ("red", 160, 120))

    path = film(map(picture, range(80)))
    red, green = (detect(path, person=n, detector=RectangleDetector()) for n in (1, 2))
    np.testing.assert_allclose(centres(red), 160, atol=2)
    apart = np.abs(40 + 3 * np.arange(80) - 160) > 40
    assert green.found[apart].mean() > 0.9
    seen = apart & green.found
    np.testing.assert_allclose(centres(green)[seen], (40 + 3 * np.arange(80))[seen], atol=8)


def test_somebody_found_late_is_followed_back_to_where_they_came_in(film):
    def picture(i):
        return scene(("red", 80, 120), *([("green", 240, 110)] if i >= 37 else []))

    detections = detect(film(map(picture, range(100))), person=2, detector=RectangleDetector())
    assert detections.found.tolist() == [i >= 37 for i in range(100)]


def test_of_two_people_embracing_each_is_followed_when_they_part(test_data):
    path = test_data / "video" / "street.avi"
    torsos = []
    for person in (1, 2):
        detections = detect(path, person=person, start=2.6, end=3.2)
        assert detections.found.mean() > 0.8
        colours = [
            picture[tuple(detections.keypoints[i, [11, 12, 23, 24]].mean(axis=0).astype(int)[::-1])].astype(int)
            for i, _, picture in open_video(path, 2.6, 3.2)
            if detections.found[i]
        ]
        torsos.append(np.median(colours, axis=0))
    denim, turquoise = torsos
    assert turquoise[1] - turquoise[0] > 60 > denim[1] - denim[0]
