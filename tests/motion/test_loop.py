"""Loops by what happens at their seam, on movement of a known period and on real gaits."""

import numpy as np
import pytest

from graphics_ml.errors import GraphicsMLError
from graphics_ml.formats import load
from graphics_ml.motion.body_shape import carried_joints
from graphics_ml.motion.loop import find_cycle, loop
from graphics_ml.motion.rotations import angle_between, multiply, quaternion_from_axis_angle, rotate
from tests.motion.static_root import under_static_root
from tests.motion.swinging import swinging


def steps(positions, order):
    """Greatest size of the differences of an order, (F,)."""
    return np.linalg.norm(np.diff(positions, order, axis=0), axis=-1).max(axis=1)


def walking(frames=120, drift=0.1):
    """Swings at 1 Hz while arms sink and the way turns, so that no two moments are alike."""
    motion = swinging(frames)
    rotations = np.array(motion.rotations)
    sinking = quaternion_from_axis_angle(np.linspace(0, drift, frames)[:, None, None] * [0.0, 0.3, 1.0])
    rotations[:, 1:] = multiply(rotations[:, 1:], sinking)
    angle = np.linspace(0, 1.0, frames)
    rotations[:, 0] = multiply(quaternion_from_axis_angle(angle[:, None] * [0.0, 1, 0]), rotations[:, 0])
    root = np.cumsum(np.stack((np.sin(angle), 0.002 * drift + 0 * angle, np.cos(angle)), axis=-1), axis=0) * 0.04
    return motion.replace(rotations=rotations, root_positions=root + np.array([0, 0.9, 0]))


@pytest.mark.parametrize("hung", [False, True])
@pytest.mark.parametrize("blend", [None, 0.3])
def test_the_end_is_the_start_turned_and_shifted_and_the_seam_is_smooth(hung, blend):
    motion = under_static_root(walking()) if hung else walking()
    result = loop(motion, (30, 60), blend=blend)
    assert len(result.motion) == 30 and result.gap > 0.01
    carried = carried_joints(motion.skeleton, result.joint)
    again = result.repeated(3).positions()[:, carried]
    places = result.motion.positions()[:, carried]
    np.testing.assert_allclose(again[30:60], rotate(result.turn, places) + result.shift, atol=1e-9)
    for order in (1, 2):
        jumps = steps(again, order)
        seam = jumps[30 - order : 30]
        assert seam.max() < 1.3 * np.delete(jumps[:60], np.r_[30 - order : 30, 60 - order : 60]).max()


def test_what_repeats_already_is_left_as_it_is():
    motion = swinging(90)  # 1 Hz at 30 fps, straight on at 1.2 m/s
    result = loop(motion, (12, 42))
    np.testing.assert_allclose(result.motion.positions(), motion.positions()[12:42], atol=1e-9)
    np.testing.assert_allclose(result.shift, [0, 0, 1.2], atol=1e-12)
    np.testing.assert_allclose(np.abs(result.turn), [1, 0, 0, 0], atol=1e-12)
    assert result.gap < 1e-9


def test_a_seam_without_blending_would_be_ten_times_as_rough():
    motion = walking(drift=0.5)
    result = loop(motion, (30, 60))
    rough = np.concatenate((motion.positions()[30:60], rotate(result.turn, motion.positions()[30:60]) + result.shift))
    smooth = result.repeated(2).positions()
    assert steps(rough, 2)[28:30].max() > 10 * steps(smooth, 2)[28:30].max()


def test_travel_and_turning_of_a_cycle_are_those_of_the_original():
    motion = walking(drift=0.0)
    result = loop(motion, (30, 60))
    ahead = rotate(result.turn, np.array([0.0, 0, 1]))
    assert np.arctan2(ahead[0], ahead[2]) == pytest.approx(30 / 119, abs=1e-6)
    there = rotate(result.turn, motion.root_positions[30]) + result.shift
    np.testing.assert_allclose(there[[0, 2]], motion.root_positions[60, [0, 2]], atol=1e-12)


def test_outside_the_blend_frames_are_those_of_the_original():
    motion = walking()
    result = loop(motion, (20, 80), blend=0.3)
    inside = slice(9, 52)
    assert angle_between(result.motion.rotations[inside], motion.rotations[20:80][inside]).max() < 1e-7
    np.testing.assert_allclose(result.motion.root_positions[inside], motion.root_positions[20:80][inside], atol=1e-12)


def test_the_period_of_a_swing_is_found_and_standing_is_not_taken_for_a_cycle():
    start, end = find_cycle(swinging(100))
    assert end - start == 30
    motion = swinging(100)
    rotations, root = np.array(motion.rotations), np.array(motion.root_positions)
    rotations[:40], root[:40] = rotations[40], root[40]  # stands at first
    start, end = find_cycle(motion.replace(rotations=rotations, root_positions=root))
    assert end - start == 30 and start >= 39


@pytest.mark.parametrize(
    ("archive", "name", "shortest", "longest"),
    [("cmu", "02_01", 0.9, 1.3), ("cmu", "02_03", 0.6, 0.9), ("bandai2-subset", "dataset-2_walk_normal_001", 0.9, 1.3)],
)
def test_one_stride_of_real_gaits_is_found_and_closes(clips, archive, name, shortest, longest):
    motion = load(next(path for path in clips(archive) if path.stem == name))
    result = loop(motion)
    count = len(result.motion)
    assert shortest < count / float(motion.fps) < longest  # seconds of a stride: walking 0.9 to 1.3, running less
    jumps = steps(result.repeated(3).positions(), 2)
    assert jumps[[count - 2, count - 1, 2 * count - 2, 2 * count - 1]].max() < jumps[: count - 2].max()
    assert np.linalg.norm(result.shift) > 1.0


def test_what_is_no_cycle_is_refused():
    motion = swinging(20)
    for cycle in ((5, 6), (-1, 10), (5, 20)):
        with pytest.raises(GraphicsMLError, match="no cycle"):
            loop(motion, cycle)
    with pytest.raises(GraphicsMLError, match="too short"):
        loop(swinging(8))
    with pytest.raises(GraphicsMLError, match="too short"):
        loop(swinging(1))
