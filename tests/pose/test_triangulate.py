"""Triangulation against points that are known, and the shared four-camera calibration."""

import numpy as np
import pytest

from graphics_ml.errors import FileError
from graphics_ml.motion.camera import Camera, look_at
from graphics_ml.pose.calibration import CalibratedCamera, load_qualisys
from graphics_ml.pose.triangulate import triangulate


@pytest.fixture
def cameras():
    eyes = []
    for k, place in enumerate([(3, 2, 3), (-3, 1.5, 3), (3, 1.2, -3), (-3, 2.2, -2.5)]):
        camera = Camera(1080, 1920, 1600.0, (540, 960), look_at(np.array(place, float), np.array([0, 1.0, 0])), place)
        eyes.append(CalibratedCamera(f"cam{k}", camera, np.array([-0.05, 0.13, 0.0]), np.array([6e-4, -3e-4])))
    return eyes


def points(seed=0):
    return np.random.default_rng(seed).uniform([-0.5, 0, -0.5], [0.5, 1.8, 0.5], size=(6, 8, 3))


def test_exact_rays_meet_in_the_point(cameras):
    truth = points()
    pixels = np.stack([c.project(truth) for c in cameras])
    found, residuals = triangulate(cameras, pixels, np.ones(pixels.shape[:-1]))
    np.testing.assert_allclose(found, truth, atol=1e-6)
    assert residuals.max() < 1e-2


def test_rays_undo_the_lens(cameras):
    truth = points()
    camera = cameras[0]
    local = camera.camera.to_camera(truth)
    np.testing.assert_allclose(camera.rays(camera.project(truth)), local[..., :2] / local[..., 2:], atol=1e-7)


def test_one_camera_that_is_wrong_does_not_spoil_the_point(cameras):
    truth = points(1)
    pixels = np.stack([c.project(truth) for c in cameras])
    pixels[2] += 150
    found, residuals = triangulate(cameras, pixels, np.ones(pixels.shape[:-1]))
    assert np.linalg.norm(found - truth, axis=-1).max() < 0.01
    assert (residuals[2] > 100).all()


def test_a_point_that_one_camera_sees_is_unknown(cameras):
    truth = points(2)
    pixels = np.stack([c.project(truth) for c in cameras])
    weights = np.ones(pixels.shape[:-1])
    weights[1:, 0, 0] = 0
    pixels[1:, 0, 0] = np.nan
    found, _ = triangulate(cameras, pixels, weights)
    assert np.isnan(found[0, 0]).all()
    np.testing.assert_allclose(found[1:], truth[1:], atol=1e-6)


def test_a_narrower_film_shows_the_middle(cameras):
    cut = cameras[0].cropped(1000)
    at = points()[0]
    np.testing.assert_allclose(cut.project(at), cameras[0].project(at) - [40, 0])


def test_the_shared_calibration_has_four_cameras_that_look_at_the_treadmill(test_data):
    cameras = load_qualisys(test_data / "video" / "multiview" / "calibration.qca.txt")
    assert [c.name for c in cameras] == ["cam01", "cam02", "cam03", "cam04"]
    for c in cameras:
        assert (c.camera.width, c.camera.height) == (1088, 1920)
        assert 1600 < c.camera.focal < 1700
        assert c.camera.position[1] > 1.5  # above the floor, Y up
        seen = c.project(np.array([[0.0, 1.0, 0.0]]))[0]
        assert 0 < seen[0] < 1088 and 0 < seen[1] < 1920
        # Known from the task: the true up lies 18 to 33 degrees off the picture's.
        lean = np.degrees(np.arccos(-c.camera.rotation[1] @ np.array([0.0, 1.0, 0.0])))
        assert 17 < lean < 34.5


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no xml at all",
        "<calibration/>",
        "<calibration><cameras><camera serial='a'/></cameras></calibration>",
        "<calibration><cameras><camera serial='a'><transform r11='x'/></camera></cameras></calibration>",
    ],
)
def test_a_broken_calibration_is_one_sentence(tmp_path, text):
    path = tmp_path / "calibration.qca.txt"
    path.write_text(text)
    with pytest.raises(FileError) as caught:
        load_qualisys(path)
    assert len(str(caught.value).splitlines()) == 1


def test_a_missing_calibration_is_named(tmp_path):
    with pytest.raises(FileError, match="nowhere"):
        load_qualisys(tmp_path / "nowhere")
    with pytest.raises(FileError, match="directory"):
        load_qualisys(tmp_path)
