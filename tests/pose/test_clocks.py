"""Offsets of clocks, on films of known motion and on the four shared ones."""

import numpy as np
import pytest

from graphics_ml.pose.clocks import ClockError, find_offsets
from tests.pose.acting import standing, walking
from tests.pose.filming import around, filmed

OFFSETS = np.array([0.0, 6.0, -3.4, 10.0]) / 60


def films(pose_of, offsets, noise=0.0, rates=(60, 60, 60, 60), frames=100):
    """Sights of cameras whose films begin so that clocks are ahead by these seconds: what the first shows at time t,
    film k shows at t + offset."""
    sights = []
    for k, (camera, offset, fps) in enumerate(zip(around(), offsets, rates, strict=True)):
        # A film of 600 frames a second, of which every one is taken that a frame of the film falls on.
        pose = pose_of(10 * frames + 1200, 600)
        first, step = 600 - round(600 * offset), 600 // fps
        pose = pose.frames(slice(first, first + 10 * frames, step))
        sights.append(filmed(camera, pose, fps, noise, seed=k).sight())
    return sights


@pytest.mark.parametrize("pose_of", [standing, walking])
def test_clocks_are_found_to_a_fraction_of_a_frame(pose_of):
    found = find_offsets(films(pose_of, OFFSETS))
    np.testing.assert_allclose(found, OFFSETS, atol=0.1 / 60)


def test_noisy_films_of_other_rates_are_found_to_half_a_frame():
    found = find_offsets(films(walking, OFFSETS, noise=4.0, rates=(60, 30, 60, 50)))
    np.testing.assert_allclose(found, OFFSETS, atol=0.5 / 60)


def test_clocks_that_are_seconds_apart_are_found():
    offsets = np.array([0.0, 0.6, -0.3, 0.2])
    np.testing.assert_allclose(find_offsets(films(standing, offsets)), offsets, atol=0.1 / 60)


def test_a_film_of_another_movement_fits_at_no_time():
    sights = films(walking, OFFSETS)
    sights[2] = films(standing, OFFSETS)[2]
    with pytest.raises(ClockError, match=r"cam3\.mp4 fits the other films at no time"):
        find_offsets(sights)
