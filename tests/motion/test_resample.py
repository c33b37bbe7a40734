"""Resampling against scipy's interpolators, exact frame counts, and the ends of clips."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.interpolate import CubicHermiteSpline
from scipy.spatial.transform import Rotation, Slerp

from graphics_ml.formats import load
from graphics_ml.motion.humanoid import standard_skeleton
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.resample import resample, sample, trim
from graphics_ml.motion.rotations import angle_between, quaternion_from_axis_angle

RATES = st.fractions(min_value=Fraction(1), max_value=Fraction(240), max_denominator=1001)


def test_linear_resampling_agrees_with_scipys_slerp_and_interp():
    motion = wandering(frames=24, fps=Fraction(30000, 1001))
    result = resample(motion, 50, method="linear")
    times = np.arange(len(result)) / 50
    old = np.arange(24) / float(motion.fps)
    for joint in (0, 5):
        theirs = Slerp(old, Rotation.from_quat(motion.rotations[:, joint, [1, 2, 3, 0]]))(times).as_quat()
        assert angle_between(result.rotations[:, joint], theirs[:, [3, 0, 1, 2]]).max() < 1e-7
    for axis in range(3):
        np.testing.assert_allclose(
            result.root_positions[:, axis], np.interp(times, old, motion.root_positions[:, axis]), atol=1e-12
        )


def test_cubic_resampling_of_positions_agrees_with_scipys_hermite_spline():
    motion = wandering(frames=20, fps=30)
    result = resample(motion, 77)
    old = np.arange(20) / 30
    slopes = np.gradient(motion.root_positions, old, axis=0, edge_order=2)
    theirs = CubicHermiteSpline(old, motion.root_positions, slopes)(np.arange(len(result)) / 77)
    np.testing.assert_allclose(result.root_positions, theirs, atol=1e-12)


@given(old=RATES, new=RATES, frames=st.integers(1, 50))
def test_the_last_frame_is_the_last_that_fits_into_the_clip(old, new, frames):
    result = resample(wandering(frames=frames, fps=old), new)
    assert (len(result) - 1) / new <= (frames - 1) / old < len(result) / new
    assert result.fps == new


@pytest.mark.parametrize("method", ["linear", "cubic"])
def test_frames_that_fall_on_old_frames_are_those_frames(method):
    motion = wandering(frames=31, fps=30)
    result = resample(motion, 90, method=method)
    np.testing.assert_allclose(result.root_positions[::3], motion.root_positions, atol=1e-12)
    assert angle_between(result.rotations[::3], motion.rotations).max() < 1e-7
    assert len(result) == 91


def test_a_rate_given_as_a_float_stays_exact_over_minutes():
    frames = 18_000
    path = np.arange(frames)[:, None] / 30 * np.ones(3)
    still = standard_skeleton()
    motion = Motion(still, np.tile([1.0, 0, 0, 0], (frames, len(still), 1)), path, 30)
    result = resample(motion, 24.1, "linear")
    np.testing.assert_allclose(result.root_positions[:, 0], np.arange(len(result)) / 24.1, atol=1e-9)


def test_a_turn_at_constant_speed_keeps_its_speed_to_the_ends():
    angle = 0.15 * np.arange(40)
    motion = turning(angle, fps=30)
    for method, tolerance in (("linear", 1e-7), ("cubic", 1e-4)):
        result = resample(motion, Fraction(24000, 1001), method)
        wanted = turning(0.15 * 30 * np.arange(len(result)) * 1001 / 24000, fps=1)
        assert angle_between(result.rotations, wanted.rotations).max() < tolerance


def test_cubic_is_closer_to_mocap_than_linear(clips):
    motion = trim(load(next(p for p in clips("cmu") if p.stem == "02_01")), 0, 2)
    coarse = resample(motion, 15)
    errors = {}
    for method in ("linear", "cubic"):
        again = resample(coarse, 120, method)
        errors[method] = np.abs(again.positions() - motion.positions()[: len(again)]).mean()
    assert errors["cubic"] < 0.8 * errors["linear"]


def test_confidence_is_interpolated_and_stays_in_its_range():
    confidence = np.tile(np.array([0.0, 1, 0, 1])[:, None], (1, 22))
    result = resample(wandering(frames=4, fps=10).replace(confidence=confidence), 40)
    assert result.confidence.min() >= 0 and result.confidence.max() <= 1
    np.testing.assert_allclose(result.confidence[:5, 0], [0, 0.25, 0.5, 0.75, 1])


def test_samples_outside_the_clip_are_its_first_and_last_frames():
    motion = wandering(frames=5, fps=10)
    result = sample(motion, np.array([-1.0, 0.0, 0.4, 9.0]), 10)
    np.testing.assert_allclose(result.root_positions, motion.root_positions[[0, 0, 4, 4]], atol=1e-12)


def test_trim_takes_the_frames_from_start_to_before_end():
    motion = wandering(frames=100, fps=30)
    cut = trim(motion, 0.5, 1.7)
    np.testing.assert_array_equal(cut.root_positions, motion.root_positions[15:51])
    assert len(trim(motion, 3.3)) == 1
    with pytest.raises(ValueError, match="no frame lies"):
        trim(motion, 4.0)
    with pytest.raises(ValueError, match="no frame lies"):
        trim(motion, float("nan"))
    assert len(trim(motion, 0, float("inf"))) == 100


@pytest.mark.parametrize(
    ("fps", "method"), [(0, "cubic"), (-3, "linear"), ("1/0", "cubic"), (10, "spline"), (30, "spline")]
)
def test_a_senseless_rate_or_method_is_refused(fps, method):
    with pytest.raises(ValueError, match=r"positive|not a way"):
        resample(wandering(frames=5, fps=30), fps, method)


def wandering(frames, fps):
    rng = np.random.default_rng(5)
    skeleton = standard_skeleton()
    vectors = np.cumsum(rng.normal(0, 0.1, (frames, len(skeleton), 3)), axis=0)
    return Motion(skeleton, quaternion_from_axis_angle(vectors), np.cumsum(rng.normal(0, 0.02, (frames, 3)), 0), fps)


def turning(angle, fps):
    skeleton = standard_skeleton()
    axis = np.random.default_rng(1).normal(size=(len(skeleton), 3))
    axis /= np.linalg.norm(axis, axis=-1, keepdims=True)
    return Motion(
        skeleton, quaternion_from_axis_angle(angle[:, None, None] * axis), np.zeros((len(angle), 3)), Fraction(fps)
    )
