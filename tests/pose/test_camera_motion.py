"""The camera's motion from a background that is known."""

import numpy as np
import pytest

from graphics_ml.motion.camera import Camera
from graphics_ml.pose.camera_motion import CameraMotion, estimate_camera_motion
from graphics_ml.pose.solver import solve
from tests.pose.acting import camera, seen, standing

pytest.importorskip("cv2")


class Film(list):
    """Pictures, given as a Video gives them; it counts how often it is played."""

    played = 0

    def every(self, step):
        self.played += 1
        return [(k, k / 30, picture) for k, picture in enumerate(self) if k % step == 0 or k == len(self) - 1]


def film(turns, eye, seed=0):
    """Far away dots, filmed by a camera that turns."""
    rng = np.random.default_rng(seed)
    places = rng.uniform((-400, -250), (eye.width + 400, eye.height + 250), size=(900, 2))
    rays = np.concatenate(((places - eye.centre) / eye.focal, np.ones((900, 1))), axis=1)
    shades, sizes = rng.integers(80, 255, size=900), rng.integers(3, 9, size=900)
    pictures = Film()
    for turn in turns:
        picture = np.full((eye.height, eye.width, 3), 40, np.uint8)
        at = rays @ turn.T
        at = np.round(at[:, :2] / at[:, 2:] * eye.focal + eye.centre).astype(int)
        for (x, y), shade, size in zip(at, shades, sizes, strict=True):
            picture[max(y, 0) : max(y + size, 0), max(x, 0) : max(x + size, 0)] = shade
        pictures.append(picture)
    return pictures


def panned(angles):
    c, s = np.cos(angles), np.sin(angles)
    zero, one = np.zeros_like(c), np.ones_like(c)
    return np.stack((np.stack((c, zero, s), -1), np.stack((zero, one, zero), -1), np.stack((-s, zero, c), -1)), axis=1)


EYE = camera(distance=5.0, width=640, height=360)


def test_a_camera_on_a_stand_does_not_move():
    detections = seen(standing(30), EYE)
    assert estimate_camera_motion(film(panned(np.zeros(30)), EYE), detections) is None


def test_a_pan_is_found_and_said():
    turns = panned(0.15 * np.sin(np.linspace(0, 3, 30)))
    motion = estimate_camera_motion(film(turns, EYE), seen(standing(30), EYE))
    assert "moves" in motion.warning
    found = motion.rotations(EYE.focal, EYE.centre)
    angle = np.degrees(np.arccos(np.clip((np.einsum("fij,fij->f", found, turns) - 1) / 2, -1, 1)))
    assert angle.max() < 0.7


def test_a_plain_wall_tells_nothing():
    wall = Film([np.full((EYE.height, EYE.width, 3), 128, np.uint8)] * 30)
    assert estimate_camera_motion(wall, seen(standing(30), EYE)) is None


def test_what_was_found_is_kept_until_something_else_is_detected(tmp_path):
    panning, detections = film(panned(np.linspace(0, 0.1, 30)), EYE), seen(standing(30), EYE).replace(key="a")
    cache = tmp_path / "kept.npz"
    first = estimate_camera_motion(panning, detections, cache=cache)
    again = estimate_camera_motion(panning, detections, cache=cache)
    assert panning.played == 1 and np.array_equal(first.shift, again.shift) and first.warning == again.warning
    estimate_camera_motion(panning, detections.replace(key="b"), cache=cache)
    assert panning.played == 2
    cache.write_bytes(b"PK\x03\x04 and nothing more")
    estimate_camera_motion(panning, detections, cache=cache)
    assert panning.played == 3


def test_turns_are_rotations_and_a_roll_is_one():
    motion = CameraMotion(np.zeros((3, 2)), np.array([0.0, 0.1, -0.2]), (640, 360))
    turns = motion.rotations(500.0, np.array([320.0, 180.0]))
    np.testing.assert_allclose(turns @ turns.transpose(0, 2, 1), np.tile(np.eye(3), (3, 1, 1)), atol=1e-12)
    np.testing.assert_allclose(np.arctan2(turns[:, 1, 0], turns[:, 0, 0]), [0.0, 0.1, -0.2], atol=1e-12)


def test_someone_who_stands_still_stays_where_they_are_while_the_camera_pans():
    angles = 0.2 * np.sin(np.linspace(0, 3, 60))
    turns = panned(angles)
    pose = standing(60)
    views = [Camera(EYE.width, EYE.height, EYE.focal, EYE.centre, turn @ EYE.rotation, EYE.position) for turn in turns]
    single = [seen(pose.frames(slice(f, f + 1)), view) for f, view in enumerate(views)]
    detections = seen(pose, EYE).replace(
        keypoints=np.concatenate([s.keypoints for s in single]), world=np.concatenate([s.world for s in single])
    )
    shift = np.stack((EYE.focal * np.tan(angles), np.zeros(60)), axis=1)
    motion = CameraMotion(shift, np.zeros(60), (EYE.width, EYE.height), "the camera moves")
    solution = solve(detections, height=1.75, camera_motion=motion)
    assert len(solution.cameras) == 60 and "the camera moves" in solution.warnings
    assert np.ptp(solution.motion.root_positions, axis=0).max() < 0.08
    uncorrected = solve(detections, height=1.75).motion.root_positions
    assert np.ptp(uncorrected, axis=0).max() > 0.5
    assert np.nanmedian(solution.errors) < 2
