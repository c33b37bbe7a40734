import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest

from graphics_ml.errors import MissingExtraError, VideoError
from graphics_ml.pose.detection import LANDMARKS, MIRRORED, Pose, Region
from graphics_ml.pose.mediapipe_detector import MediaPipeDetector
from graphics_ml.pose.tracking import detect, mend_left_right
from graphics_ml.pose.video import open_video
from tests.pose.videos import make_film

WIDTH, HEIGHT = 320, 180
COLOURS = {"red": (230, 30, 30), "green": (30, 200, 60), "blue": (40, 60, 220)}

SHAPE = np.zeros((33, 2))  # a standing figure seen from the front, in heights, centre (0, 0)
SHAPE[:11] = np.linspace((-0.03, -0.45), (0.03, -0.42), 11)
for row, (side, down) in {
    11: (0.1, -0.3),
    13: (0.12, -0.15),
    15: (0.12, 0.0),
    23: (0.07, 0.05),
    25: (0.07, 0.25),
}.items():
    SHAPE[row], SHAPE[row + 1] = (side, down), (-side, down)
SHAPE[17:23] = SHAPE[[15, 16] * 3]
SHAPE[27:33] = [(side, down) for down in (0.45, 0.47, 0.5) for side in (0.07, -0.07)]


class RectangleDetector:
    """Sees people in upright rectangles of the known colours; as MediaPipe does, one in each region."""

    name, version, settings, landmarks = "rectangles", "1", {}, LANDMARKS

    def __init__(self):
        self.calls = 0

    def rectangles(self, picture):
        for colour in COLOURS.values():
            y, x = np.nonzero(np.abs(picture.astype(int) - colour).sum(axis=2) < 120)
            if len(x) > 60:
                yield len(x), (x.min() + x.max() + 1) / 2, (y.min() + y.max() + 1) / 2, y.max() + 1 - y.min()

    def find(self, picture):
        """Only the largest, so that the others have to be looked for."""
        seen = sorted(self.rectangles(picture), reverse=True)[:1]
        return [Region(x, y, 1.5 * height, 0.0) for _, x, y, height in seen]

    def pose(self, picture, region):
        self.calls += 1
        near = [r for r in self.rectangles(picture) if np.hypot(r[1] - region.x, r[2] - region.y) < 0.4 * region.size]
        if not near:
            return None
        _, x, y, height = min(near, key=lambda r: np.hypot(r[1] - region.x, r[2] - region.y))
        ones = np.ones(33)
        keypoints = SHAPE * height + (x, y)
        world = np.pad(SHAPE * 1.7, ((0, 0), (0, 1)))
        return Pose(keypoints, 0 * ones, world, ones, ones, Region(x, y, 1.5 * height, 0.0))


def scene(*people):
    """A grey picture with people: (colour, x, height), the later in front."""
    picture = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    for colour, x, height in people:
        top = HEIGHT - 20 - height
        half = height // 6
        picture[top : top + height, max(0, x - half) : max(0, x + half)] = COLOURS[colour]
    return picture


@pytest.fixture
def film(tmp_path):
    return lambda pictures, **more: make_film(tmp_path / "film.mp4", list(pictures), 25, **more)


def centres(detections):
    return detections.keypoints[:, [11, 12, 23, 24], 0].mean(axis=1)


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


def test_a_person_who_leaves_and_returns_is_the_same_with_a_gap(film):
    def picture(i):
        if 30 <= i < 60:
            return scene()
        return scene(("red", 100 if i < 30 else 180, 120))

    detections = detect(film(map(picture, range(90))), detector=RectangleDetector())
    assert detections.found.tolist() == [not 30 <= i < 60 for i in range(90)]
    assert np.isnan(detections.keypoints[30:60]).all() and (detections.visibility[30:60] == 0).all()
    assert any("out of sight in 30 of 90" in warning for warning in detections.warnings)
    assert any("1.2-2.4 s" in warning for warning in detections.warnings)
    assert detections.person.startswith("person 1 of 1")


def test_somebody_else_who_comes_after_is_somebody_else(film):
    pictures = [scene(("red", 100, 120))] * 40 + [scene()] * 20 + [scene(("green", 110, 120))] * 40
    detections = detect(film(pictures), detector=RectangleDetector())
    assert detections.person.startswith("person 1 of 2")
    assert detections.found.sum() == 40


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


@pytest.mark.parametrize("wanted", [3, 0, "tall"])
def test_a_person_who_is_not_there_is_refused(film, wanted):
    with pytest.raises(VideoError, match="2 people were found"):
        detect(film(map(two_people, range(40))), person=wanted, detector=RectangleDetector())


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
    order, mended = mend_left_right(wrong, np.ones(90, bool), 30.0, 1.0)
    right = np.take_along_axis(wrong, order[..., None], axis=1)
    assert np.abs(right - truth)[:, 11:].max() < 0.02
    assert mended[40:45].any(axis=1).all() and not mended[:40].any() and not mended[45:].any()


def test_legs_that_cross_and_someone_who_turns_round_are_left_alone():
    points = walk(120)
    angle = np.linspace(0, np.pi, 120)[:, None]
    x, z = points[..., 0].copy(), points[..., 2].copy()
    points[..., 0], points[..., 2] = np.cos(angle) * x + np.sin(angle) * z, np.cos(angle) * z - np.sin(angle) * x
    for film in (walk(120), points):
        assert not mend_left_right(film, np.ones(120, bool), 30.0, 1.0)[1].any()


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
    with pytest.raises(MissingExtraError, match=r"pip install -c constraints.txt -e '\.\[pose\]'"):
        MediaPipeDetector().find(np.zeros((90, 120, 3), np.uint8))
