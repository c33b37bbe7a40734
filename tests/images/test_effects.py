"""Effects of lens, sensor and codec: each does what its number says, and the same each time."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from graphics_ml.images.effects import apply, blurred, linear, srgb

GREY = np.full((120, 160, 3), 120, np.uint8)
ALL = dict(
    exposure=0.3, warmth=0.1, green=-0.05, vignette=0.4, blur=1.0, motion_blur=5.0, direction=30.0, scale=0.6,
    noise=5.0, metering=0.6, shot=3.0, seed=7, sharpen=0.5, contrast=1.1, saturation=0.8, grey=False, jpeg=60,
)  # fmt: skip


def picture(seed=0):
    noise = np.random.default_rng(seed).uniform(0, 255, (15, 20, 3))
    return np.kron(noise, np.ones((8, 8, 1))).astype(np.uint8)


def test_without_effects_the_picture_stays_as_it_is():
    np.testing.assert_array_equal(apply(picture(), {}), picture())


def test_every_value_of_srgb_comes_back_from_light():
    values = np.arange(256, dtype=np.uint8)
    np.testing.assert_allclose(255 * srgb(linear(values)), values, atol=1e-3)


def test_all_effects_together_keep_shape_and_kind_and_are_the_same_each_time():
    first = apply(picture(), ALL)
    assert first.shape == picture().shape and first.dtype == np.uint8
    np.testing.assert_array_equal(first, apply(picture(), ALL))
    assert (first != apply(picture(), ALL | dict(seed=8))).mean() > 0.3
    np.testing.assert_array_equal(picture(), picture())


def test_exposure_doubles_the_light_with_each_step():
    light = linear(apply(GREY // 2, dict(exposure=1.0))).mean() / linear(GREY // 2).mean()
    assert light == pytest.approx(2, rel=0.02)


def test_white_balance_changes_the_ratio_of_the_colours_as_asked():
    red, green, blue = linear(apply(GREY, dict(warmth=0.3, green=0.1))).mean(axis=(0, 1))
    assert np.log(red / blue) == pytest.approx(0.3, abs=0.02)
    assert np.log(green / np.sqrt(red * blue)) == pytest.approx(0.1, abs=0.02)


@pytest.mark.parametrize("deviation", [2.0, 8.0])
def test_noise_has_the_standard_deviation_asked_for(deviation):
    noisy = apply(GREY, dict(noise=deviation, seed=3)).astype(float) - GREY
    assert noisy.std() == pytest.approx(np.hypot(deviation, 12**-0.5), rel=0.02)  # rounding adds its own
    assert abs(noisy.mean()) < 0.1
    neighbours = (noisy[:, 1:] * noisy[:, :-1]).mean() / noisy.var()
    assert abs(neighbours) < 0.02


def test_shot_noise_grows_with_the_root_of_the_light():
    dark, bright = (apply(np.full_like(GREY, level), dict(shot=10.0, seed=1)).std() for level in (40, 160))
    assert bright / dark == pytest.approx(2, rel=0.05)


def test_blur_is_scipys_gaussian():
    values = np.random.default_rng(0).normal(size=(40, 50, 3)).astype(np.float32)
    theirs = values
    for axis in (0, 1):
        theirs = gaussian_filter1d(theirs, 1.7, axis, mode="nearest", radius=6)
    np.testing.assert_allclose(blurred(values, 1.7), theirs, atol=1e-5)


def spread(values):
    """Standard deviations (y, x) of where the light of a picture with one bright dot went."""
    light = linear(apply(dot(), values)).sum(axis=-1).astype(float)
    y, x = np.mgrid[: light.shape[0], : light.shape[1]]
    y, x = y - (y * light).sum() / light.sum(), x - (x * light).sum() / light.sum()
    return np.sqrt([(y**2 * light).sum() / light.sum(), (x**2 * light).sum() / light.sum()])


def dot():
    black = np.zeros((61, 61, 3), np.uint8)
    black[29:32, 29:32] = 255
    return black


def test_motion_blur_spreads_light_along_its_direction_alone_and_keeps_its_middle():
    still, moved = spread({}), spread(dict(motion_blur=13.0, direction=0.0))
    assert moved[0] == pytest.approx(still[0], abs=0.05)
    assert moved[1] == pytest.approx(np.hypot(still[1], 14 / 12**0.5), rel=0.1)
    assert spread(dict(motion_blur=13.0, direction=90.0))[0] == pytest.approx(moved[1], rel=0.01)


@pytest.mark.parametrize(
    "effect", [dict(blur=2.0), dict(motion_blur=9.0, direction=40.0), dict(scale=0.5), dict(sharpen=1.0)]
)
def test_no_effect_moves_anything(effect):
    light = linear(apply(dot(), effect)).sum(axis=-1)
    y, x = np.mgrid[:61, :61]
    middle = [(y * light).sum() / light.sum(), (x * light).sum() / light.sum()]
    np.testing.assert_allclose(middle, [30, 30], atol=0.35)


def test_the_corners_lose_the_share_of_light_that_the_vignette_says():
    light = linear(apply(GREY, dict(vignette=0.5)))[..., 0] / linear(GREY)[0, 0, 0]
    assert light[0, 0] == pytest.approx(0.5, abs=0.01)
    assert light[60, 80] == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("darker", [2, 1])
def test_metering_all_the_way_gives_any_picture_the_same_middle_brightness(darker):
    metered = apply(picture() // darker, dict(metering=1.0)).astype(float)
    assert (metered @ [0.299, 0.587, 0.114]).mean() / 255 == pytest.approx(0.46, abs=0.02)


@pytest.mark.parametrize("exposure", [0.0, 1.0, 3.0])
def test_a_camera_that_meters_makes_no_more_than_an_eighth_white_or_black(exposure):
    bright = np.repeat(np.linspace(0, 255, 160, dtype=np.uint8)[None, :, None], 120, axis=0).repeat(3, axis=2)
    seen = apply(bright, dict(metering=0.5, exposure=exposure, contrast=3.0))
    assert max((seen == 255).mean(), (seen == 0).mean()) < 0.14
    assert (apply(bright, dict(exposure=exposure, contrast=3.0)) == 255).mean() > 0.3


def test_contrast_turns_about_the_mean_brightness():
    two = np.repeat(np.array([[[60]], [[100]]], np.uint8), 3, axis=2)
    assert apply(two, dict(contrast=1.5))[:, 0, 0].tolist() == [50, 110]


def test_a_grey_picture_has_three_equal_channels_and_saturation_is_a_factor():
    grey = apply(picture(), dict(grey=True)).astype(int)
    assert np.ptp(grey, axis=-1).max() == 0
    flat = apply(picture(), dict(saturation=0.5)).astype(float)
    assert np.ptp(flat, axis=-1).mean() == pytest.approx(np.ptp(picture().astype(float), axis=-1).mean() / 2, rel=0.05)


def test_lower_quality_of_compression_loses_more():
    losses = [np.abs(apply(picture(), dict(jpeg=quality)).astype(int) - picture()).mean() for quality in (95, 50, 15)]
    assert 0 < losses[0] < losses[1] < losses[2]
