import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from graphics_ml.errors import GraphicsMLError, MissingExtraError, VideoError
from graphics_ml.pose.mediapipe_detector import MediaPipeDetector
from graphics_ml.pose.tracking import detect, detect_everyone
from graphics_ml.pose.video import open_video
from graphics_ml.tasks.film import load_truth, truth_path
from tests.pose.rectangles import HEIGHT, WIDTH, RectangleDetector, centres, scene
from tests.pose.videos import make_film


@pytest.fixture
def film(tmp_path):
    return lambda pictures: make_film(tmp_path / "film.mp4", list(pictures), 25)


def two_people(i):
    return scene(("green", 240 - i // 4, 100), ("red", 80, 120))


@pytest.mark.parametrize(
    ("wanted", "x", "number"),
    [(None, 80, 1), (1, 80, 1), ("left", 80, 1), (2, 230, 2), ("2", 230, 2), ("right", 230, 2)],
)
def test_of_two_people_the_one_asked_for_is_followed_and_named(film, wanted, x, number):
    detections = detect(film(map(two_people, range(80))), person=wanted, detector=RectangleDetector())
    assert detections.found.all()
    np.testing.assert_allclose(centres(detections).mean(), x, atol=3)
    assert detections.person.startswith(f"person {number} of 2: {'left' if x == 80 else 'right'}")


def test_everyone_is_seen_in_one_look_as_each_is_alone_and_then_known(film, tmp_path, monkeypatch):
    path, detector = film(map(two_people, range(40))), RectangleDetector()
    kept = dict(detector=detector, caches=lambda number: tmp_path / f"{number}.npz")
    everyone = detect_everyone(path, **kept)
    assert len(everyone) == 2
    monkeypatch.setattr("graphics_ml.pose.tracking.follow_people", None)  # nothing is looked at again
    assert [one.person for one in detect_everyone(path, **kept)] == [one.person for one in everyone]
    for number, one in enumerate(everyone, 1):
        alone = detect(path, person=number, detector=detector, cache=tmp_path / f"{number}.npz")
        np.testing.assert_allclose(alone.keypoints, one.keypoints, atol=1e-3)
        assert alone.person == one.person


@pytest.mark.parametrize("wanted", [3, 0])
def test_a_person_who_is_not_there_is_refused_and_those_who_are_there_are_listed(film, wanted, tmp_path):
    listed = r"2 people were found \(1 left, 6\d% of the picture's height; 2 right, 5\d% of the picture's height\)"
    path, overview = film(map(two_people, range(40))), tmp_path / "people.png"
    with pytest.raises(VideoError, match=rf"{listed}.*people\.png shows their numbers"):
        detect(path, person=wanted, detector=RectangleDetector(), overview=overview)
    assert overview.exists()


def test_a_word_that_means_nobody_is_refused_before_the_film_is_opened():
    with pytest.raises(GraphicsMLError, match="'tall'"):
        detect("no such film.mp4", person="tall", detector=RectangleDetector())


@pytest.mark.parametrize("wanted", ["right", 2])
def test_words_mean_those_in_the_foreground_and_numbers_everyone(film, wanted):
    def picture(i):
        return scene(("red", 120, 120), ("green", 240 - i // 4, 80))

    detections = detect(film(map(picture, range(60))), person=wanted, detector=RectangleDetector())
    number, x = (2, 233) if wanted == 2 else (1, 120)
    assert detections.person.startswith(f"person {number} of 2 (1 in the foreground): ")
    assert abs(centres(detections).mean() - x) < 3


def test_a_picture_shows_the_numbers_of_several_people(film, tmp_path):
    overview = tmp_path / "people.png"
    detect(film(map(two_people, range(40))), detector=RectangleDetector(), overview=overview)
    picture = cv2.imread(str(overview))[..., ::-1].astype(int)
    assert picture.shape == (HEIGHT, WIDTH, 3)
    drawn = np.abs(picture - two_people(20)).sum(axis=2) > 150
    for x in (80, 235):
        assert drawn[:, x - 30 : x + 30].sum() > 100
    assert not drawn[:, 130:190].any()


def test_no_picture_is_made_of_one_person(film, tmp_path):
    path = film(scene(("red", 100, 120)) for _ in range(30))
    detect(path, detector=RectangleDetector(), overview=tmp_path / "people.png")
    assert not (tmp_path / "people.png").exists()


def test_nobody_in_the_picture_is_an_error(film, tmp_path):
    with pytest.raises(VideoError, match="nobody was found"):
        detect(film(scene() for _ in range(30)), detector=RectangleDetector(), cache=tmp_path / "cache.npz")
    assert not (tmp_path / "cache.npz").exists()


def test_the_cache_spares_a_second_detection_and_only_the_same_one(film, tmp_path):
    path, cache = film(map(two_people, range(40))), tmp_path / "cache.npz"

    def calls(**settings):
        detector = RectangleDetector()
        result = detect(path, detector=detector, cache=cache, **settings)
        return detector.calls, result

    first, fresh = calls()
    second, kept = calls()
    assert first > 0 and second == 0
    for name in ("keypoints", "world", "visibility", "found"):
        np.testing.assert_array_equal(getattr(kept, name), getattr(fresh, name))
    assert (kept.person, kept.fps, kept.warnings) == (fresh.person, fresh.fps, fresh.warnings)
    for settings in ({"person": 2}, {"end": 1.0}, {"fps": 12.5}):
        assert calls(**settings)[0] > 0
    cache.write_bytes(cache.read_bytes()[:500])
    assert calls()[0] > 0
    assert calls()[0] == 0


# With MediaPipe


def test_with_one_person_the_landmarks_are_those_of_mediapipes_own_video_mode(test_data):
    solutions = pytest.importorskip("mediapipe.python.solutions.pose")
    path = test_data / "video" / "treadmill_a.mp4"
    ours = detect(path, end=1.5)
    assert ours.found.all() and ours.person.startswith("person 1 of 1")
    with solutions.Pose(smooth_landmarks=False) as pose:
        theirs = [pose.process(picture) for _, _, picture in open_video(path, end=1.5)]
    points = np.array([[(p.x * 720, p.y * 720) for p in t.pose_landmarks.landmark] for t in theirs])
    world = np.array([[(p.x, p.y, p.z) for p in t.pose_world_landmarks.landmark] for t in theirs])
    height = np.median(np.ptp(points[..., 1], axis=1))
    assert np.median(np.linalg.norm(ours.keypoints - points, axis=-1)) < 0.01 * height
    assert np.median(np.linalg.norm(ours.world - world, axis=-1)) < 0.04
    _, _, first = next(iter(open_video(path)))
    detector = MediaPipeDetector()
    pose = detector.pose(first, detector.find(first)[0])
    np.testing.assert_allclose(pose.keypoints, points[0], atol=0.1)
    np.testing.assert_allclose(pose.world, world[0], atol=1e-3)


@pytest.fixture(scope="module")
def filmed_hands():
    """Every fourth picture of a film of our character, the pose and the hands in it, and the true knuckles (2, 2, 3):
    left and right, of the little and the index finger, in camera axes."""
    pytest.importorskip("mediapipe")
    film = Path(__file__).parents[2] / "scenes" / "demo" / "clip.mp4"
    detector, truth, frames = MediaPipeDetector(), load_truth(truth_path(film)), []
    for index, _, picture in open_video(film):
        if index % 4 == 0:
            pose = detector.pose(picture, detector.find(picture)[0])
            knuckles = [
                [truth.camera.to_camera(truth.places(f"{side}_{finger}_1")[index]) for finger in ("pinky", "index")]
                for side in ("left", "right")
            ]
            frames.append((picture, pose, detector.hands(picture, pose), np.array(knuckles)))
    return detector, frames


def test_knuckles_are_less_often_far_off_a_filmed_characters_than_the_body_models(filmed_hands):
    off, bodys = [], []
    for _, pose, hands, knuckles in filmed_hands[1]:
        for side in np.flatnonzero(hands.score > 0.8):
            true = knuckles[side, 1] - knuckles[side, 0]
            off.append(angle(hands.points[side, 5] - hands.points[side, 17], true))
            bodys.append(angle(pose.world[19 + side] - pose.world[17 + side], true))
    assert len(off) > 10
    assert np.mean(off) < 35 and np.percentile(off, 90) < np.percentile(bodys, 90)


def test_a_hand_is_not_taken_for_the_other_one_nor_seen_where_there_is_none(filmed_hands):
    detector, frames = filmed_hands
    picture, pose, hands, _ = max(frames, key=lambda frame: frame[2].score.max())
    side = int(hands.score.argmax())
    assert hands.score[side] > 0.9
    seen_as_the_other = pose.keypoints.copy()
    seen_as_the_other[[16 - side, 18 - side, 20 - side]] = pose.keypoints[[15 + side, 17 + side, 19 + side]]
    assert detector.hands(picture, replace(pose, keypoints=seen_as_the_other)).score[1 - side] < 0.2
    nothing = detector.hands(np.full_like(picture, 128), pose)
    assert (nothing.score == 0).all() and np.isnan(nothing.points).all()


def angle(a, b):
    """Degrees between two vectors."""
    return np.degrees(np.arccos(a @ b / np.linalg.norm(a) / np.linalg.norm(b)))


def test_mediapipe_says_nothing_and_the_messages_of_others_come_through():
    pytest.importorskip("mediapipe")
    script = (
        "import sys, os, threading\n"
        "from graphics_ml.pose import mediapipe_detector as m\n"
        "with m._quiet(): os.write(2, b'from someone else\\n')\n"
        "d = m.MediaPipeDetector()\n"
        "import numpy as np; d.find(np.zeros((90, 120, 3), np.uint8))\n"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stderr == "from someone else\n"
    assert ran.stdout == ""


def test_without_mediapipe_the_line_that_installs_it_is_given(monkeypatch):
    monkeypatch.setitem(sys.modules, "mediapipe", None)
    # It loads nothing: a cache needs its version only. Nobody has loaded models of this certainty before.
    detector = MediaPipeDetector(certainty=0.51)
    with pytest.raises(MissingExtraError, match=r"pip install -c constraints.txt -e '\.\[pose\]'"):
        detector.find(np.zeros((90, 120, 3), np.uint8))
