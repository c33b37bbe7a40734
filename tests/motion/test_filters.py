"""Smoothing against scipy's band solver, its own frequency response and mocap."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import solveh_banded
from scipy.signal import butter, filtfilt

from graphics_ml.formats import load
from graphics_ml.motion.filters import (
    hann_average,
    penalized_fit,
    smooth,
    smooth_adaptive,
    smooth_motion,
    smooth_rotations,
)
from graphics_ml.motion.metrics import acceleration, peak_speed_ratio
from graphics_ml.motion.resample import resample
from graphics_ml.motion.rotations import angle_between, multiply, quaternion_from_axis_angle
from tests.motion.swinging import FPS, swinging


@given(order=st.integers(1, 4), count=st.integers(6, 150), seed=st.integers(0, 99), stiffness=st.floats(0.01, 1e4))
def test_the_fit_solves_the_penalised_least_squares(order, count, seed, stiffness):
    rng = np.random.default_rng(seed)
    values, weights = rng.normal(size=(count, 3)), rng.uniform(0.1, 2, count)
    difference = np.diff(np.eye(count), order, axis=0)
    system = np.diag(weights) + stiffness * difference.T @ difference
    bands = np.array([np.pad(np.diag(system, k), (0, k)) for k in range(order + 1)])
    theirs = solveh_banded(bands, weights[:, None] * values, lower=True)
    np.testing.assert_allclose(penalized_fit(values, stiffness, weights, order), theirs, atol=1e-7)


def test_weights_of_each_joint_count_for_that_joint_alone():
    rng = np.random.default_rng(2)
    values, weights = rng.normal(size=(50, 4, 3)), rng.uniform(0, 1, (50, 4))
    together = smooth(values, FPS, 5.0, weights)
    for joint in range(4):
        np.testing.assert_allclose(together[:, joint], smooth(values[:, joint], FPS, 5.0, weights[:, joint]), atol=1e-9)


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize(("hertz", "gain"), [(6.0, 0.5), (1.0, None), (12.0, None)])
def test_a_wave_keeps_its_phase_and_gets_the_gain_of_its_frequency(order, hertz, gain):
    time = np.arange(900) / 60.0
    wave = np.sin(2 * np.pi * hertz * time)
    got = smooth(wave[:, None], 60.0, 6.0, order=order)[300:600, 0]
    if gain is None:
        gain = 1 / (1 + (np.sin(np.pi * hertz / 60) / np.sin(np.pi * 6 / 60)) ** (2 * order))
    np.testing.assert_allclose(got, gain * wave[300:600], atol=2e-3)


def test_smoothing_backwards_is_the_same_as_forwards():
    values = np.random.default_rng(0).normal(size=(80, 2, 3))
    np.testing.assert_allclose(smooth(values[::-1], FPS, 4.0)[::-1], smooth(values, FPS, 4.0), atol=1e-9)
    np.testing.assert_allclose(smooth_adaptive(values[::-1], FPS)[::-1], smooth_adaptive(values, FPS), atol=1e-9)


def test_parabolas_pass_to_the_ends_where_a_padded_butterworth_bends_them():
    time = np.arange(60) / FPS
    parabola = np.stack((time**2, 3 - time, 0 * time), axis=-1)
    np.testing.assert_allclose(smooth(parabola, FPS, 3.0), parabola, atol=1e-6)
    padded = filtfilt(*butter(3, 3 / (FPS / 2)), parabola, axis=0)
    assert np.abs(padded - parabola).max() > 1e-3


def test_a_sample_without_weight_is_filled_in_from_the_others():
    time = np.arange(60) / FPS
    values = np.sin(2 * np.pi * 0.5 * time)[:, None]
    spoilt, weights = values.copy(), np.ones(60)
    spoilt[20:26], weights[20:26] = 99.0, 0.0
    assert np.abs(smooth(spoilt, FPS, 6.0, weights) - values).max() < 0.01


@pytest.mark.parametrize("frames", [1, 2, 3, 4])
def test_clips_of_a_few_frames_are_smoothed_without_trouble(frames):
    values = np.random.default_rng(0).normal(size=(frames, 2, 3))
    assert np.isfinite(smooth(values, FPS, 3.0)).all()
    assert np.isfinite(smooth_adaptive(values, FPS)).all()
    still = np.ones((frames, 2, 3))
    np.testing.assert_allclose(smooth_adaptive(still, FPS), still)


def test_torch_gives_the_same_values_and_right_gradients():
    torch = pytest.importorskip("torch")
    values = np.random.default_rng(0).normal(size=(14, 1, 3))
    weights = np.random.default_rng(1).uniform(0.1, 1, (14, 1))
    for ours in (lambda v, w: smooth(v, FPS, 5.0, w), lambda v, w: smooth_adaptive(v, FPS, 3.0, 9.0, w)):
        tensor = torch.tensor(values, requires_grad=True)
        np.testing.assert_allclose(ours(tensor, torch.tensor(weights)).detach(), ours(values, weights), atol=1e-12)
        trusted = torch.tensor(weights, requires_grad=True)
        assert torch.autograd.gradcheck(ours, (tensor, trusted))


def test_single_precision_in_and_out_is_as_exact_as_it_can_be():
    values = np.cumsum(np.random.default_rng(0).normal(size=(400, 3)), axis=0)
    got = smooth(values.astype(np.float32), 120.0, 3.0)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, smooth(values, 120.0, 3.0), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("reach", [1, 4, 30])
def test_the_hann_average_is_a_convolution_that_keeps_what_is_constant(reach):
    values = np.random.default_rng(0).normal(size=(50, 2))
    window = np.hanning(2 * reach + 3)
    padded = np.pad(values, ((reach + 1, reach + 1), (0, 0)), mode="edge")
    expected = np.stack([np.convolve(column, window / window.sum(), mode="valid") for column in padded.T], axis=1)
    np.testing.assert_allclose(hann_average(values, reach), expected, atol=1e-12)
    np.testing.assert_allclose(hann_average(values[:, 0], reach), expected[:, 0], atol=1e-12)
    np.testing.assert_allclose(hann_average(np.ones(5), reach), 1)


@given(seed=st.integers(0, 50))
def test_smoothed_rotations_do_not_depend_on_signs_or_on_the_world_they_are_seen_from(seed):
    rng = np.random.default_rng(seed)
    rotations = quaternion_from_axis_angle(np.cumsum(rng.normal(0, 0.2, (30, 2, 3)), axis=0))
    view = quaternion_from_axis_angle(rng.normal(size=3))
    flipped = rotations * rng.choice([-1.0, 1.0], (30, 2, 1))
    plain = smooth_rotations(rotations, FPS, 4.0, 10.0)
    assert angle_between(smooth_rotations(flipped, FPS, 4.0, 10.0), plain).max() < 1e-6
    turned = smooth_rotations(multiply(view, rotations), FPS, 4.0, 10.0)
    assert angle_between(turned, multiply(view, plain)).max() < 1e-6


def test_a_spin_at_constant_speed_is_not_slowed():
    angle = np.arange(120) * np.radians(20)
    spin = quaternion_from_axis_angle(angle[:, None] * np.array([0.6, 0, 0.8]))
    got = smooth_rotations(spin, FPS, 3.0)
    assert angle_between(got, spin)[20:-20].max() < 1e-3


@pytest.mark.parametrize("name", ["01_08", "02_01", "02_05", "03_01"])
def test_noise_goes_and_fast_hands_and_feet_keep_their_speed(clips, name):
    motion = resample(load(next(p for p in clips("cmu") if p.stem == name)), 30)
    truth = motion.positions()
    noisy = truth + np.random.default_rng(0).normal(0, 0.008, truth.shape)
    ends = [motion.skeleton.index(n) for n in ("lwrist", "rwrist", "lfoot", "rfoot")]
    adaptive, plain = smooth_adaptive(noisy, 30), smooth(noisy, 30, 5.0)
    assert acceleration(adaptive, 30) < 0.5 * acceleration(noisy, 30)
    kept = peak_speed_ratio(adaptive[:, ends], truth[:, ends], 30)
    assert kept.min() > 0.85
    assert kept.min() >= peak_speed_ratio(plain[:, ends], truth[:, ends], 30).min() - 0.02
    assert np.abs(adaptive - truth).mean() < 0.75 * np.abs(noisy - truth).mean()


def test_a_motion_is_smoothed_by_its_confidence():
    motion = swinging(90)
    rotations = np.array(motion.rotations)
    rotations[40:43, 5] = quaternion_from_axis_angle(np.array([2.0, 0, 0]))
    confidence = np.ones(rotations.shape[:2])
    confidence[40:43, 5] = 0
    spoilt = motion.replace(rotations=rotations)
    doubting = smooth_motion(spoilt.replace(confidence=confidence))
    assert angle_between(doubting.rotations, motion.rotations).max() < 0.2
    assert angle_between(smooth_motion(spoilt).rotations, motion.rotations).max() > 0.5
    assert smooth_motion(motion, 3.0, None).fps == motion.fps


@pytest.mark.parametrize(
    "call",
    [
        lambda v: smooth(v, FPS, 0.0),
        lambda v: smooth(v, FPS, 3.0, order=7),
        lambda v: smooth(v, FPS, 3.0, np.ones(3)),
        lambda v: smooth(v, FPS, 3.0, -np.ones(len(v))),
        lambda v: smooth(v, FPS, 3.0, np.arange(len(v)) < 2),
        lambda v: smooth(v, FPS, 3.0, np.zeros(len(v))),
        lambda v: smooth(v, FPS, 0.001),
        lambda v: smooth_adaptive(v, FPS, 9.0, 3.0),
    ],
)
def test_senseless_settings_are_refused(call):
    with pytest.raises(ValueError, match=r"cutoff|weight"):
        call(np.zeros((20, 2, 3)))
