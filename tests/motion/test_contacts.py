"""Contacts by their definition: on paths whose heights and speeds are known, and on mocap of people who walk."""

import numpy as np
import pytest

from graphics_ml.errors import GraphicsMLError
from graphics_ml.formats import load
from graphics_ml.motion.contacts import (
    CONTACT_ROLES,
    contacts_from_positions,
    detect_contacts,
    drop_short,
    leg_length,
    robust_contacts,
    role_joints,
    spans,
    speeds,
    standing_heights,
)
from graphics_ml.motion.filters import smooth
from graphics_ml.motion.humanoid import standard_skeleton
from graphics_ml.motion.metrics import contact_scores
from graphics_ml.motion.motion import Motion

ROLES = {role: role for role in standard_skeleton().names}
CMU = {
    f"{side}_{part}": f"{side[0]}{name}"
    for side in ("left", "right")
    for part, name in (("thigh", "femur"), ("shin", "tibia"), ("foot", "foot"), ("toes", "toes"))
}


@pytest.mark.parametrize("leg", [0.45, 0.9, 1.8])
@pytest.mark.parametrize("fps", [25, 120])
def test_the_limits_are_five_centimetres_and_twenty_centimetres_a_second_for_a_leg_of_ninety(leg, fps):
    scale = leg / 0.9
    time = np.arange(200) / fps
    still = 0 * time
    for lift, contact in ((0.049, True), (0.051, False)):
        path = np.stack((still, 0.3 + np.where(np.arange(200) < 100, 0, lift * scale), still), axis=-1)[:, None]
        got = contacts_from_positions(path, fps, leg)
        assert got[:98].all() and got[102:].all() == contact
    for speed, contact in ((0.199, True), (0.201, False)):
        path = np.stack((speed * scale * time, still, still), axis=-1)[:, None]
        assert contacts_from_positions(path, fps, leg).all() == contact
        assert contacts_from_positions(path, fps, leg).any() == contact


def test_a_walk_has_contacts_on_one_foot_or_the_other_nearly_always(clips):
    motion = load(next(p for p in clips("cmu") if p.stem == "02_01"))
    contacts = detect_contacts(motion, CMU)
    left, right = contacts[:, :2].any(axis=1), contacts[:, 2:].any(axis=1)
    for foot in (left, right):
        assert 0.3 < foot.mean() < 0.7  # stance is 0.6 of a cycle, and slow enough in most of it
    assert (left | right).mean() > 0.7 and (left & right).mean() < 0.3


def test_a_body_of_another_size_has_the_same_contacts(clips):
    motion = load(next(p for p in clips("cmu") if p.stem == "02_04"))
    giant = motion.replace(
        skeleton=motion.skeleton.replace(offsets=3 * motion.skeleton.offsets), root_positions=3 * motion.root_positions
    )
    np.testing.assert_array_equal(detect_contacts(giant, CMU), detect_contacts(motion, CMU))


def test_standing_height_ignores_a_few_wild_frames():
    heights = np.full((200, 1, 3), 0.1)
    heights[:5, 0, 1] = -3.0
    assert standing_heights(heights)[0] == pytest.approx(0.1)


def test_hysteresis_keeps_contacts_and_only_widens_them():
    rng = np.random.default_rng(0)
    path = smooth(rng.normal(0, 1, (400, 3, 3)), 30, 1.0) * [0.1, 0.05, 0.1]
    strict = contacts_from_positions(path, 30, 0.9)
    wide = contacts_from_positions(path, 30, 0.9, hysteresis=2.0)
    assert strict.any() and (wide | ~strict).all() and wide.sum() > strict.sum()
    for column in range(3):
        assert all(strict[a:b, column].any() for a, b in spans(wide[:, column]))


def test_short_gaps_are_closed_and_short_contacts_dropped_but_no_contact_grows_beyond_the_clip():
    mask = np.array([0, 0, 1, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 0, 1, 0, 0], dtype=bool)[:, None]
    got = drop_short(mask, fps=10, shortest=0.35, shortest_gap=0.25)[:, 0]
    np.testing.assert_array_equal(np.flatnonzero(got), np.arange(2, 10))


def test_contacts_of_noisy_feet_are_found_where_the_bare_definition_loses_them(clips):
    motion = load(next(p for p in clips("cmu") if p.stem == "02_08"))
    truth = detect_contacts(motion, CMU)
    sway = smooth(np.random.default_rng(0).normal(0, 1, motion.root_positions.shape), 120, 3.0) * 0.03
    noisy = motion.replace(root_positions=motion.root_positions + sway)
    found = contact_scores(robust_contacts(noisy, CMU), truth)
    bare = contact_scores(detect_contacts(noisy, CMU), truth)
    assert found.recall > 0.9 and found.precision > 0.75
    assert found.recall > bare.recall + 0.1


def test_speeds_are_those_of_a_circle():
    time = np.arange(100) / 50
    circle = np.stack((np.cos(2 * time), 0 * time, np.sin(2 * time)), axis=-1)
    np.testing.assert_allclose(speeds(circle, 50), 2.0, rtol=1e-3)
    assert speeds(circle[:1], 50).tolist() == [0.0]


def test_leg_length_is_that_of_the_rest_pose():
    assert leg_length(standard_skeleton(1.7), ROLES) == pytest.approx((0.530 - 0.039) * 1.7)


def test_a_rig_without_toes_has_heel_contacts_only():
    skeleton = standard_skeleton()
    motion = Motion(
        skeleton, np.tile(skeleton.rest_orientations, (10, 1, 1)), np.tile(skeleton.offsets[0], (10, 1)), 30
    )
    contacts = detect_contacts(motion, {role: name for role, name in ROLES.items() if "toes" not in role})
    np.testing.assert_array_equal(contacts.all(axis=0), ["foot" in role for role in CONTACT_ROLES])


def test_a_map_that_does_not_fit_is_named():
    skeleton = standard_skeleton()
    with pytest.raises(GraphicsMLError, match="left_shin"):
        leg_length(skeleton, {role: name for role, name in ROLES.items() if role != "left_shin"})
    with pytest.raises(GraphicsMLError, match="'Toe_L'"):
        role_joints(skeleton, {**ROLES, "left_toes": "Toe_L"}, CONTACT_ROLES)
    with pytest.raises(ValueError, match="hysteresis"):
        contacts_from_positions(np.zeros((3, 1, 3)), 30, 0.9, hysteresis=0.5)
    with pytest.raises(ValueError, match="length"):
        contacts_from_positions(np.zeros((3, 1, 3)), 30, 0.0)
