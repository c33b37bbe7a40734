"""Triangulation against points that are known."""

import numpy as np
import pytest

from graphics_ml.motion.camera import Camera, look_at
from graphics_ml.pose.calibrated_camera import CalibratedCamera
from graphics_ml.pose.triangulate import triangulate


@pytest.fixture
def cameras():
    eyes = []
    for k, place in enumerate([(3, 2, 3), (-3, 1.5, 3), (3, 1.2, -3), (-3, 2.2, -2.5)]):
        camera = Camera(1080, 1920, 1600.0, (540, 960), look_at(np.array(place, float), np.array([0, 1.0, 0])), place)
        eyes.append(CalibratedCamera(f"cam{k}", camera, np.array([-0.05, 0.13, 6e-4, -3e-4])))
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
