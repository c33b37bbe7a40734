"""Reduced keys: their error measured again from the keys alone, and what they cannot do without."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import CubicHermiteSpline
from scipy.spatial.transform import Rotation

from graphics_ml.formats import load
from graphics_ml.motion.keys import Channel, _Curves, reduce_keys
from graphics_ml.motion.metrics import jerk
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.rotations import normalize
from tests.motion.static_root import under_static_root
from tests.motion.swinging import swinging


def from_keys(result, motion):
    """The motion that the keys mean, by scipy's Hermite spline with NumPy's slopes of parabolas."""
    frames = np.arange(len(motion))
    rotations = np.zeros(motion.rotations.shape)
    root, local = np.array(motion.root_positions), motion.local_positions
    local = None if local is None else np.array(local)
    for channel in result.channels:
        curve = np.repeat(channel.values, len(frames), axis=0)
        if len(channel.frames) > 1:
            order = min(2, len(channel.frames) - 1)
            slopes = np.gradient(channel.values, channel.frames, axis=0, edge_order=order)
            curve = CubicHermiteSpline(channel.frames, channel.values, slopes)(frames)
        if channel.kind == "rotation":
            rotations[:, channel.joint] = curve / np.linalg.norm(curve, axis=-1, keepdims=True)
        elif channel.joint == 0:
            root = curve
        else:
            local[:, channel.joint] = curve
    return motion.replace(rotations=rotations, root_positions=root, local_positions=local)


def worst(motion, truth):
    """Greatest distance of joints in metres, and angle in degrees by scipy."""
    turns = [Rotation.from_quat(m.orientations()[..., [1, 2, 3, 0]].reshape(-1, 4)) for m in (motion, truth)]
    apart = np.linalg.norm(motion.positions() - truth.positions(), axis=-1).max()
    return apart, np.degrees((turns[0].inv() * turns[1]).magnitude().max())


@pytest.mark.parametrize("hung", [False, True])
@given(metres=st.floats(1e-4, 0.05), degrees=st.floats(0.05, 10))
@settings(max_examples=8)
def test_no_joint_is_further_off_than_allowed(hung, metres, degrees):
    motion = under_static_root(swinging(70)) if hung else swinging(70)
    result = reduce_keys(motion, metres, degrees)
    apart, turned = worst(from_keys(result, motion), motion)
    assert apart <= metres * (1 + 1e-6) and turned <= degrees * (1 + 1e-6)
    assert apart == pytest.approx(result.error, abs=1e-9) and turned == pytest.approx(np.degrees(result.turn), abs=1e-5)
    np.testing.assert_allclose(result.motion.positions(), from_keys(result, motion).positions(), atol=1e-12)
    assert result.keys == sum(len(channel.frames) for channel in result.channels) < result.full


@pytest.mark.parametrize("hung", [False, True])
@given(st.data())
@settings(max_examples=10, deadline=None)
def test_what_is_worked_out_anew_where_keys_change_is_what_all_of_it_gives(hung, data):
    motion = under_static_root(swinging(40)) if hung else swinging(40)
    random = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    step_by_step = _Curves(motion)
    keyed = np.zeros(step_by_step.keyed.shape, dtype=bool)
    keyed[:, [0, -1]] = True
    for channels, frames in data.draw(
        st.lists(st.tuples(st.integers(1, 6), st.integers(1, 9)), min_size=1, max_size=6)
    ):
        for channel in random.integers(0, len(keyed), channels):
            keyed[channel, 1 + random.integers(0, 38, frames)] ^= True
        step_by_step.follow(keyed)
    whole = _Curves(motion)
    whole.follow(keyed)
    for part in ("world", "spots", "off", "turned", "apart"):
        np.testing.assert_allclose(getattr(step_by_step, part), getattr(whole, part), atol=1e-12)
    channels = [
        Channel(joint, "rotation" if len(meant) == 4 else "position", np.flatnonzero(keys), meant[:, keys].T)
        for joint, meant, keys in zip(whole.joints.tolist(), whole.meant, keyed, strict=True)
    ]
    wanted = from_keys(replace(reduce_keys(swinging(3)), channels=channels), motion)
    np.testing.assert_allclose(whole.spots.transpose(2, 0, 1), wanted.positions(), atol=1e-9)
    apart = np.linalg.norm(wanted.positions() - motion.positions(), axis=-1)
    np.testing.assert_allclose(whole.off.T, apart, atol=1e-9)


def test_real_clips_need_a_fraction_of_their_keys(clips):
    by_name = {path.stem: path for name in ("cmu", "bandai2-subset") for path in clips(name)}
    for name, part in (("02_01", 0.3), ("dataset-2_walk_normal_001", 0.6)):
        motion = load(by_name[name]).frames(0, 120)
        fine, coarse = reduce_keys(motion, 0.002), reduce_keys(motion, 0.01)
        assert coarse.keys < 0.6 * fine.keys and fine.keys < part * fine.full
        assert worst(from_keys(coarse, motion), motion)[0] <= 0.01 * (1 + 1e-6)


def test_smooth_movement_stays_smooth():
    motion = swinging(90)
    result = reduce_keys(motion, 0.005)
    assert jerk(result.motion.positions(), 30) < 1.3 * jerk(motion.positions(), 30)


def test_hardly_a_key_can_be_spared():
    motion = swinging(45)
    result = reduce_keys(motion, 0.005, 2.0)
    spared = 0
    for place, channel in enumerate(result.channels):
        for key in range(1, len(channel.frames) - 1):
            fewer = list(result.channels)
            fewer[place] = replace(
                channel, frames=np.delete(channel.frames, key), values=np.delete(channel.values, key, axis=0)
            )
            apart, turned = worst(from_keys(replace(result, channels=tuple(fewer)), motion), motion)
            spared += apart <= 0.005 and turned <= 2.0
    assert spared < 0.02 * result.keys


def test_straight_movement_keeps_its_ends_and_stillness_one_key():
    motion = swinging(30)
    rotations = np.tile(motion.rotations[:1], (30, 1, 1))
    rotations[:, 4] = normalize(np.linspace([1.0, 0, 0, 0], [0.9, 0.1, 0.2, 0], 30))
    result = reduce_keys(Motion(motion.skeleton, rotations, motion.root_positions, 30), 1e-6, 1e-4)
    keys = {(channel.kind, channel.joint): channel.frames.tolist() for channel in result.channels}
    assert keys.pop(("position", 0)) == [0, 29]
    assert keys.pop(("rotation", 4))[:1] == [0] and all(frames == [0] for frames in keys.values())


def test_whole_turns_between_the_first_and_the_last_frame_are_kept():
    motion = swinging(31, speed=2 * np.pi)
    result = reduce_keys(motion, 0.005, 2.0)
    apart, turned = worst(from_keys(result, motion), motion)
    assert apart <= 0.005 * (1 + 1e-6) and turned <= 2 * (1 + 1e-6)


def test_one_frame_is_one_key_a_channel_and_no_error_cannot_be_asked_for():
    result = reduce_keys(swinging(1))
    assert result.keys == result.full == 23
    for wrong in (0.0, -1.0, float("nan")):
        with pytest.raises(ValueError, match="above zero"):
            reduce_keys(swinging(5), wrong)
