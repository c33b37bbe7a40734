"""Blending by its ends and scipy's slerp; concatenation by a motion that was cut and is whole again."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation, Slerp

from graphics_ml.errors import GraphicsMLError
from graphics_ml.formats import load
from graphics_ml.motion.blend import blend, concatenate
from graphics_ml.motion.resample import resample
from graphics_ml.motion.rotations import angle_between, quaternion_from_axis_angle
from graphics_ml.motion.travel import moved
from tests.motion.static_root import under_static_root
from tests.motion.swinging import swinging


def elsewhere(motion, angle=2.0, shift=(3.0, 0, -1)):
    return moved(motion, quaternion_from_axis_angle(np.array([0.0, angle, 0])), np.array(shift))


def test_a_blend_begins_as_one_motion_and_ends_as_the_other():
    first, second = swinging(31), elsewhere(swinging(31, speed=2.0))
    result = blend(first, second, np.linspace(0, 1, 31))
    for frame, other in ((0, first), (-1, second)):
        assert angle_between(result.rotations[frame], other.rotations[frame]).max() < 1e-7
        np.testing.assert_allclose(result.positions()[frame], other.positions()[frame], atol=1e-12)


def test_rotations_between_are_those_of_scipys_slerp():
    first, second = swinging(5), swinging(5, speed=3.0)
    result = blend(first, second, 0.3)
    for frame in range(5):
        for joint in range(len(first.skeleton)):
            pair = np.stack((first.rotations[frame, joint], second.rotations[frame, joint]))[:, [1, 2, 3, 0]]
            theirs = Slerp([0, 1], Rotation.from_quat(pair))(0.3).as_quat()[[3, 0, 1, 2]]
            assert angle_between(result.rotations[frame, joint], theirs) < 1e-7
    np.testing.assert_allclose(result.root_positions, 0.7 * first.root_positions + 0.3 * second.root_positions)


@pytest.mark.parametrize("hung", [False, True])
@given(angle=st.floats(-3, 3), x=st.floats(-5, 5), overlap=st.integers(1, 20))
def test_a_motion_cut_in_two_and_moved_apart_is_whole_again(hung, angle, x, overlap):
    motion = under_static_root(swinging(60)) if hung else swinging(60)
    second = elsewhere(motion.frames(30 - overlap, 60), angle, (x, 0, 1.0))
    whole = concatenate(motion.frames(0, 30), second, overlap / 30)
    assert len(whole) == 60
    np.testing.assert_allclose(whole.positions(), motion.positions(), atol=1e-9)
    np.testing.assert_allclose(whole.root_positions, motion.root_positions, atol=1e-9)


def test_real_walks_go_on_where_the_first_ends_without_a_jump(clips):
    by_name = {path.stem: path for name in ("cmu", "bandai2-subset") for path in clips(name)}
    for name in ("02_01", "dataset-2_walk_normal_001"):
        motion = load(by_name[name])
        fps = float(motion.fps)
        whole = concatenate(motion, elsewhere(motion), 0.3)
        assert len(whole) == 2 * len(motion) - round(0.3 * fps)
        speed = np.linalg.norm(np.diff(whole.positions(), axis=0), axis=-1).max(axis=1) * fps
        own = np.linalg.norm(np.diff(motion.positions(), axis=0), axis=-1).max(axis=1) * fps
        assert speed.max() < 1.5 * own.max()
        np.testing.assert_allclose(whole.positions()[: len(motion) - round(0.3 * fps)],
                                   motion.positions()[: len(motion) - round(0.3 * fps)], atol=1e-9)  # fmt: skip


def test_the_second_is_resampled_to_the_rate_of_the_first():
    first, second = swinging(30), resample(swinging(30), 60)
    whole = concatenate(first, second, 0.2)
    assert whole.fps == 30 and len(whole) == 30 + (len(second) - 1) // 2 + 1 - 6


def test_without_alignment_the_second_stays_where_it_is():
    second = elsewhere(swinging(20))
    whole = concatenate(swinging(20), second, 0, align=False)
    assert len(whole) == 39
    np.testing.assert_allclose(whole.positions()[20:], second.positions()[1:], atol=1e-12)


def test_confidence_is_kept_and_what_was_not_detected_is_sure():
    first = swinging(10).replace(confidence=np.full((10, 22), 0.5))
    whole = concatenate(first, swinging(10), 0)
    np.testing.assert_allclose(whole.confidence[[0, -1]], [[0.5] * 22, [1.0] * 22])
    assert ((whole.confidence[9] > 0.5) & (whole.confidence[9] < 1)).all()


def test_other_skeletons_and_too_long_an_overlap_are_refused_in_a_sentence():
    motion = swinging(10)
    skeleton = motion.skeleton
    longer = np.array(skeleton.offsets)
    longer[5] *= 1.1
    renamed = skeleton.replace(names=("pelvis", *skeleton.names[1:]))
    turned = np.array(skeleton.rest_orientations)
    turned[3] = [0.8, 0.6, 0, 0]
    for other, words in (
        (renamed, "'hips' is in one only"),
        (skeleton.replace(offsets=longer), f"'{skeleton.names[5]}'"),
        (skeleton.replace(rest_orientations=turned), f"'{skeleton.names[3]}'"),
    ):
        with pytest.raises(GraphicsMLError, match=words):
            concatenate(motion, motion.replace(skeleton=other))
    with pytest.raises(GraphicsMLError, match="blend less"):
        concatenate(motion, motion, 1.0)
    with pytest.raises(GraphicsMLError, match="0 or more"):
        concatenate(motion, motion, -1.0)
    with pytest.raises(ValueError, match="match"):
        blend(motion, motion.replace(fps=Fraction(25)), 0.5)
    with pytest.raises(ValueError, match="between 0 and 1"):
        blend(motion, motion, 1.5)
