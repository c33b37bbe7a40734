"""What is said of whole motions, against faults of known size."""

import numpy as np
import pytest

from graphics_ml.errors import GraphicsMLError
from graphics_ml.formats import load
from graphics_ml.motion.bone_map import BoneMap, recognize, recognize_moving
from graphics_ml.motion.contacts import CONTACT_ROLES, detect_contacts
from graphics_ml.motion.humanoid import standard_skeleton
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.quality import compare, contacts_in_time, quality
from graphics_ml.motion.resample import resample
from graphics_ml.motion.retarget import retarget
from graphics_ml.motion.rotations import quaternion_from_axis_angle
from graphics_ml.motion.travel import moved
from tests.motion.static_root import under_static_root
from tests.motion.swinging import swinging

OURS = recognize(standard_skeleton())


def standing(frames=60, slip=0.0, depth=0.0):
    """A body that stands still, slides ahead at `slip` m/s and stands `depth` metres in the ground."""
    skeleton = standard_skeleton()
    places = skeleton.rest_positions()
    toes = places[skeleton.index("left_toes"), 1]
    root = np.tile(places[0] - [0, toes + depth, 0], (frames, 1))
    root[:, 2] += slip * np.arange(frames) / 30
    return Motion(skeleton, np.tile(skeleton.rest_orientations, (frames, 1, 1)), root, 30)


def test_slip_and_penetration_of_known_size_are_measured():
    found = quality(standing(slip=0.1, depth=0.03), OURS)
    assert found.contacts.all() and found.skate.count == 4
    assert found.skate.mean_slip == pytest.approx(0.1 * 59 / 30, rel=1e-3)
    assert found.penetration == pytest.approx(0.03)
    assert quality(standing(depth=0.03), OURS, floor=-0.05).penetration == 0
    assert found.jerk == pytest.approx(0, abs=1e-6) and found.bone_length_drift < 1e-12
    assert found.limits.violated() == 0


def test_a_root_that_stays_behind_is_no_part_of_the_body():
    motion = swinging(40)
    hung = under_static_root(motion)
    one, other = quality(motion, OURS), quality(hung, recognize(hung.skeleton))
    for name in ("acceleration", "jerk", "penetration", "bone_length_drift"):
        assert getattr(one, name) == pytest.approx(getattr(other, name), abs=1e-9)


def test_what_is_no_body_has_no_feet_to_measure():
    found = quality(swinging(10), BoneMap({}))
    assert found.contacts is found.skate is found.limits is None and found.jerk > 0


def test_a_motion_is_no_distance_from_itself_and_a_known_one_from_a_shifted_copy():
    motion = swinging(45)
    same = compare(motion, motion, OURS, OURS)
    for name in ("mpjpe", "pa_mpjpe", "acceleration_error", "l2p", "l2q", "npss"):
        assert getattr(same, name) == pytest.approx(0, abs=1e-9)
    aside = motion.replace(root_positions=motion.root_positions + np.array([0.03, 0, 0.04]))
    found = compare(aside, motion, OURS, OURS)
    assert found.mpjpe == pytest.approx(0.05) and found.pa_mpjpe < 1e-9 and found.l2q < 1e-9
    np.testing.assert_allclose(found.errors, 0.05)
    for align in ("start", "hips"):
        assert compare(aside, motion, OURS, OURS, align).mpjpe < 1e-9


def test_only_alignment_over_the_ground_forgives_another_heading():
    motion = swinging(45)
    turned = moved(motion, quaternion_from_axis_angle(np.array([0, 1.0, 0])), np.array([2.0, 0, 3.0]))
    assert compare(turned, motion, OURS, OURS, "start").mpjpe < 1e-9
    assert compare(turned, motion, OURS, OURS, "start").l2q < 1e-6
    assert compare(turned, motion, OURS, OURS, "hips").mpjpe > 0.1
    assert compare(turned, motion, OURS, OURS).l2q > 1


def test_quaternions_of_the_other_sign_are_the_same_rotations():
    motion = swinging(45, speed=3.0)
    flipped = np.array(motion.rotations)
    flipped[10:30, 3:9] *= -1
    found = compare(motion.replace(rotations=flipped), motion, OURS, OURS)
    assert found.l2q < 1e-9 and found.npss < 1e-9


def test_other_rates_and_lengths_are_compared_where_both_are_and_it_is_said():
    motion = swinging(61)
    found = compare(resample(motion, 60).frames(0, 81), motion, OURS, OURS)
    assert found.fps == 30 and len(found.errors) == 41 and found.mpjpe < 1e-9
    assert "30 frames per second" in found.notes[0] and "first 41 frames" in found.notes[1]


def test_the_same_movement_on_other_skeletons_is_found_alike_by_roles(clips):
    motion = load(next(path for path in clips("cmu") if path.stem == "02_01")).frames(0, 240)
    bones = recognize_moving(motion)
    other, _ = retarget(motion, standard_skeleton(), foot_lock=0.0)
    found = compare(other, motion, OURS, bones, "hips")
    assert found.joints == 14 and "14 points" in found.notes[-1]
    assert found.pa_mpjpe < 0.05 and found.l2q < 0.2
    unlike, _ = retarget(motion.frames(60, 240), standard_skeleton(), foot_lock=0.0)
    assert compare(unlike, motion, OURS, bones, "hips").l2q > 3 * found.l2q
    with pytest.raises(GraphicsMLError, match="the motion's lacks hips"):
        compare(other, motion, BoneMap({}), bones)


def test_contacts_of_a_reference_are_those_of_its_own_time():
    reference = standing(60)
    at_double_rate = contacts_in_time(reference, OURS, resample(reference, 60))
    assert at_double_rate.shape == (119, len(CONTACT_ROLES)) and at_double_rate.all()
    longer = contacts_in_time(reference.frames(0, 30), OURS, reference)
    assert longer[:30].all() and not longer[30:].any()
    assert detect_contacts(reference, OURS.roles).all()
