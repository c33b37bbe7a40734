from fractions import Fraction

import numpy as np
import pytest

from graphics_ml.errors import FileError, OutputError
from graphics_ml.pose.detection import (
    CONNECTIONS,
    LANDMARKS,
    MIRRORED,
    Detections,
    Hands,
    cached_detections,
    detection_key,
    load_detections,
    save_detections,
)


@pytest.fixture
def detections():
    rng = np.random.default_rng(1)
    found = np.array([True, True, False, True])
    gaps = np.where(found, 1.0, np.nan)[:, None]

    def floats(*shape):
        return rng.normal(size=shape).astype(np.float32).astype(np.float64)

    return Detections(
        keypoints=100 * np.round(floats(4, 33, 2), 2) * gaps[..., None],
        depth=floats(4, 33) * gaps,
        world=floats(4, 33, 3) * gaps[..., None],
        visibility=np.abs(floats(4, 33)) * found[:, None],
        presence=np.abs(floats(4, 33)) * found[:, None],
        found=found,
        fps=Fraction(24000, 1001),
        image_size=(720, 480),
        person="person 1 of 1: centre, 65% of the picture's height",
        detector="mediapipe 0.10.21",
        start=1.5,
        warnings=("the frame rate varies",),
        key="abc",
    )


def assert_equal(a, b):
    for name in ("keypoints", "depth", "world", "visibility", "presence", "found"):
        np.testing.assert_allclose(getattr(a, name), getattr(b, name), rtol=1e-6)
    for name in ("fps", "image_size", "person", "detector", "start", "warnings", "landmarks", "key"):
        assert getattr(a, name) == getattr(b, name)


def test_detections_come_back_from_the_file(tmp_path, detections):
    path = tmp_path / "film.detections.npz"
    save_detections(path, detections)
    assert_equal(load_detections(path), detections)
    assert_equal(cached_detections(path, "abc"), detections)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_hands_come_back_from_the_file_and_may_be_missing(tmp_path, detections):
    path = tmp_path / "film.detections.npz"
    rng = np.random.default_rng(2)
    hands = Hands(rng.normal(size=(4, 2, 21, 3)).astype(np.float32), rng.random((4, 2)).astype(np.float32))
    save_detections(path, detections.replace(hands=hands))
    for saved, loaded in zip(hands, load_detections(path).hands, strict=True):
        np.testing.assert_array_equal(saved, loaded)
    save_detections(path, detections)
    assert load_detections(path).hands is None


def test_hands_of_other_frames_are_refused(detections):
    with pytest.raises(ValueError, match="hands"):
        detections.replace(hands=Hands(np.zeros((3, 2, 21, 3)), np.zeros((3, 2))))


def test_the_file_is_read_without_pickles(tmp_path, detections):
    save_detections(tmp_path / "d.npz", detections)
    with np.load(tmp_path / "d.npz", allow_pickle=False) as file:
        assert file["keypoints"].shape == (4, 33, 2)


def test_a_cache_of_something_else_is_ignored(tmp_path, detections):
    save_detections(tmp_path / "d.npz", detections)
    assert cached_detections(tmp_path / "d.npz", "another key") is None
    assert cached_detections(tmp_path / "missing.npz", "abc") is None


@pytest.mark.parametrize("damage", [lambda b: b[: len(b) // 2], lambda b: b"", lambda b: b"no archive" * 50])
def test_a_damaged_cache_is_ignored_and_named_when_asked_for(tmp_path, detections, damage):
    path = tmp_path / "d.npz"
    save_detections(path, detections)
    path.write_bytes(damage(path.read_bytes()))
    assert cached_detections(path, "abc") is None
    with pytest.raises(FileError, match="damaged"):
        load_detections(path)


def test_an_archive_of_other_arrays_is_no_cache(tmp_path):
    np.savez(tmp_path / "d.npz", keypoints=np.zeros((3, 33, 2)))
    with pytest.raises(FileError, match="no detections"):
        load_detections(tmp_path / "d.npz")


def test_a_place_that_cannot_be_written_is_named(tmp_path, detections):
    (tmp_path / "nowhere").write_text("in the way of a folder")
    with pytest.raises(OutputError, match="nowhere"):
        save_detections(tmp_path / "nowhere" / "d.npz", detections)


def test_a_missing_folder_is_made_and_the_file_has_the_usual_rights(tmp_path, detections):
    path, plain = tmp_path / "made" / "d.npz", tmp_path / "plain"
    plain.touch()
    save_detections(path, detections)
    assert [one.name for one in path.parent.iterdir()] == ["d.npz"]
    assert path.stat().st_mode == plain.stat().st_mode


def test_the_key_follows_the_bytes_of_the_film_and_the_settings(tmp_path):
    film, copy, other = (tmp_path / name for name in ("a.mp4", "b.mp4", "c.mp4"))
    film.write_bytes(b"film")
    copy.write_bytes(b"film")
    other.write_bytes(b"other")
    key = detection_key(film, start=0.0, detector="x")
    assert detection_key(copy, detector="x", start=0.0) == key
    assert len({key, detection_key(other, start=0.0, detector="x"), detection_key(film, start=0.5, detector="x")}) == 3


def test_arrays_that_do_not_belong_together_are_refused(detections):
    with pytest.raises(ValueError, match="depth"):
        detections.replace(depth=detections.depth[:3])


def test_names_sides_and_lines_are_mediapipes():
    pose = pytest.importorskip("mediapipe.python.solutions.pose")
    assert tuple(landmark.name.lower() for landmark in pose.PoseLandmark) == LANDMARKS
    assert {tuple(sorted(c)) for c in CONNECTIONS} == {tuple(sorted(c)) for c in pose.POSE_CONNECTIONS}
    assert len(CONNECTIONS) == len(pose.POSE_CONNECTIONS)


def test_mirroring_exchanges_left_and_right_and_nothing_else():
    assert [MIRRORED[i] for i in MIRRORED] == list(range(33))
    assert MIRRORED[0] == 0
    for i, other in enumerate(MIRRORED[1:], 1):
        assert ("left" in LANDMARKS[i]) == ("right" in LANDMARKS[other])
        assert LANDMARKS[i].replace("left", "right") == LANDMARKS[other].replace("left", "right")
