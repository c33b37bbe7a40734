"""Foot lock on mocap made to slide: feet hold still, the rest stays, bones keep their lengths."""

from functools import cache

import numpy as np
import pytest

from graphics_ml.errors import GraphicsMLError
from graphics_ml.formats import load
from graphics_ml.motion.contacts import CONTACT_ROLES, detect_contacts, role_joints
from graphics_ml.motion.filters import smooth, smooth_motion
from graphics_ml.motion.foot_lock import foot_lock
from graphics_ml.motion.humanoid import standard_skeleton
from graphics_ml.motion.metrics import acceleration, bone_length_drift, foot_skate, mpjpe
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.resample import resample
from graphics_ml.motion.rotations import angle_between, multiply, quaternion_from_axis_angle

CMU = {
    "hips": "root",
    **{
        f"{side}_{part}": f"{side[0]}{name}"
        for side in ("left", "right")
        for part, name in (("thigh", "femur"), ("shin", "tibia"), ("foot", "foot"), ("toes", "toes"))
    },
}
BANDAI = {
    "hips": "Hips",
    **{
        f"{side.lower()}_{part}": f"{name}_{side[0]}"
        for side in ("Left", "Right")
        for part, name in (("thigh", "UpperLeg"), ("shin", "LowerLeg"), ("foot", "Foot"), ("toes", "Toes"))
    },
}
OURS = {role: role for role in standard_skeleton().names}
WALKS = ("02_01", "02_02", "01_08", "02_09")


def test_noisy_mocap_slides_and_holds_still_once_locked(clips):
    before, after = [], []
    for name in WALKS:
        truth, contacts, noisy = sliding(clips, name)
        locked = foot_lock(noisy, CMU)
        before.append(slips(noisy, contacts, CMU).slips)
        after.append(slips(locked.motion, contacts, CMU).slips)
        assert mpjpe(locked.motion.positions(), truth.positions()) < 1.1 * mpjpe(noisy.positions(), truth.positions())
        assert acceleration(locked.motion.positions(), 30) < 1.1 * acceleration(noisy.positions(), 30)
    before, after = np.concatenate(before), np.concatenate(after)
    assert np.mean(before >= 0.025) > 0.4
    assert np.mean(after >= 0.025) <= 0.05
    assert after.mean() < 0.2 * before.mean()


@pytest.mark.parametrize("name", WALKS)
def test_contacts_from_the_truth_are_held_to_millimetres(clips, name):
    _, contacts, noisy = sliding(clips, name)
    locked = foot_lock(noisy, CMU, contacts)
    after = slips(locked.motion, contacts, CMU)
    assert after.slipped <= 0.05
    assert np.median(after.slips) < 0.004


@pytest.mark.parametrize("name", WALKS)
def test_no_bone_is_stretched_and_only_legs_and_hips_move(clips, name):
    _, _, noisy = sliding(clips, name)
    locked = foot_lock(noisy, CMU)
    assert bone_length_drift(locked.motion.positions(), noisy.skeleton.parents) < 1e-9
    legs = role_joints(
        noisy.skeleton, CMU, [role for role in CMU if "thigh" in role or "shin" in role or "foot" in role]
    )
    others = [joint for joint in range(len(noisy.skeleton)) if joint not in legs]
    assert angle_between(locked.motion.rotations, noisy.rotations)[:, others].max() < 1e-7
    np.testing.assert_array_equal(locked.motion.root_positions[:, [0, 2]], noisy.root_positions[:, [0, 2]])
    fall = noisy.root_positions[:, 1] - locked.motion.root_positions[:, 1]
    np.testing.assert_allclose(fall, locked.lowered, atol=1e-12)
    assert fall.min() >= 0 and fall.max() <= 0.05


@pytest.mark.parametrize("name", WALKS)
def test_the_mask_tells_which_legs_changed(clips, name):
    _, contacts, noisy = sliding(clips, name)
    locked = foot_lock(noisy, CMU, contacts, blend=0.1)
    assert not locked.changed.all()
    turned = angle_between(locked.motion.rotations, noisy.rotations)
    for side, leg in enumerate(("left", "right")):
        joints = role_joints(noisy.skeleton, CMU, [f"{leg}_{part}" for part in ("thigh", "shin", "foot")])
        assert (turned[:, joints][~locked.changed[:, side]] < 1e-7).all()
        assert (locked.moved[:, side][~locked.changed[:, side]] == 0).all()
    moved = np.linalg.norm(ankles(locked.motion) - ankles(noisy), axis=-1)
    np.testing.assert_allclose(moved[locked.changed], locked.moved[locked.changed], atol=1e-6)


def test_corrections_stay_within_the_limit_and_run_out_smoothly(clips):
    _, contacts, noisy = sliding(clips, "01_08")
    locked = foot_lock(noisy, CMU, contacts, limit=0.03)
    assert locked.moved.max() < 0.03 + 0.02  # and what rolling over the toe adds
    change = ankles(foot_lock(noisy, CMU, contacts).motion) - ankles(noisy)
    # Released at once, a foot would jump back by the whole correction.
    assert np.linalg.norm(np.diff(change, axis=0), axis=-1).max() < 0.6 * np.linalg.norm(change, axis=-1).max()


def test_strength_zero_or_no_contact_changes_nothing(clips):
    _, contacts, noisy = sliding(clips, "02_01")
    for locked in (foot_lock(noisy, CMU, contacts, strength=0.0), foot_lock(noisy, CMU, np.zeros_like(contacts))):
        assert locked.motion is noisy and not locked.changed.any()
    half = foot_lock(noisy, CMU, contacts, strength=0.5)
    whole, none = slips(foot_lock(noisy, CMU, contacts).motion, contacts, CMU), slips(noisy, contacts, CMU)
    assert whole.mean_slip < slips(half.motion, contacts, CMU).mean_slip < none.mean_slip


def test_feet_that_follow_a_path_move_as_it_does_while_in_contact(clips):
    truth, contacts, noisy = sliding(clips, "02_09")
    locked = foot_lock(noisy, CMU, contacts, follow=feet(truth))

    def beside_the_truth(motion):
        return foot_skate(feet(motion) - feet(truth), contacts, 30)

    assert beside_the_truth(locked.motion).mean_slip < 0.2 * beside_the_truth(noisy).mean_slip
    with pytest.raises(ValueError, match="follow"):
        foot_lock(noisy, CMU, contacts, follow=feet(truth)[:-1])


def test_feet_that_stand_still_already_are_left_as_they_are():
    skeleton = standard_skeleton()
    motion = Motion(
        skeleton, np.tile(skeleton.rest_orientations, (60, 1, 1)), np.tile(skeleton.offsets[0], (60, 1)), 30
    )
    locked = foot_lock(motion, OURS)
    assert locked.contacts.all() and not locked.changed.any() and locked.motion is motion


def test_a_swaying_body_with_straight_legs_keeps_both_feet_down():
    skeleton = standard_skeleton()
    time = np.arange(90) / 30
    root = skeleton.offsets[0] + 0.04 * np.stack((np.sin(2 * time), 0 * time, np.cos(3 * time)), axis=-1)
    motion = Motion(skeleton, np.tile(skeleton.rest_orientations, (90, 1, 1)), root, 30)
    locked = foot_lock(motion, OURS, np.ones((90, 4), dtype=bool))
    after = foot_skate(feet(locked.motion, OURS), np.ones((90, 4), dtype=bool), 30)
    assert foot_skate(feet(motion, OURS), np.ones((90, 4), dtype=bool), 30).mean_slip > 0.07
    assert after.mean_slip < 0.012
    knees = locked.motion.positions()[:, role_joints(skeleton, OURS, ["left_shin", "right_shin"])]
    # Knees bend to the front, not to the back.
    hips = locked.motion.positions()[:, role_joints(skeleton, OURS, ["left_thigh", "right_thigh"])]
    middle = (hips + ankles(locked.motion, OURS)) / 2
    assert ((knees - middle)[..., 2] > -1e-3).all()


def test_hips_that_are_not_the_root_are_lowered_where_they_move(clips):
    motion = load(next(p for p in clips("bandai1") if "walk" in p.stem))
    assert motion.local_positions is not None
    truth = detect_contacts(motion, BANDAI)
    sway = smooth(np.random.default_rng(0).normal(0, 1, (len(motion), 3)), 30, 2.0) * 0.05
    local = np.array(motion.local_positions)
    local[:, motion.skeleton.index("Hips")] += sway + np.array([0, 0.02, 0])
    noisy = motion.replace(local_positions=local)
    locked = foot_lock(noisy, BANDAI, truth)
    assert slips(locked.motion, truth, BANDAI).mean_slip < 0.4 * slips(noisy, truth, BANDAI).mean_slip
    np.testing.assert_array_equal(locked.motion.root_positions, noisy.root_positions)


def test_a_rig_without_toes_is_locked_by_its_heels(clips):
    _, contacts, noisy = sliding(clips, "02_01")
    roles = {role: name for role, name in CMU.items() if "toes" not in role}
    locked = foot_lock(noisy, roles, contacts)
    heels = contacts & [True, False, True, False]
    assert slips(locked.motion, heels, CMU).mean_slip < 0.3 * slips(noisy, heels, CMU).mean_slip


def test_what_does_not_fit_is_refused(clips):
    _, contacts, noisy = sliding(clips, "02_01")
    with pytest.raises(GraphicsMLError, match="right_shin"):
        foot_lock(noisy, {role: name for role, name in CMU.items() if role != "right_shin"}, contacts)
    with pytest.raises(ValueError, match="contacts have shape"):
        foot_lock(noisy, CMU, contacts[:-1])
    with pytest.raises(ValueError, match="strength"):
        foot_lock(noisy, CMU, contacts, strength=1.5)


_KEPT = {}


def sliding(clips, name):
    """A clip at 30 fps, its contacts, and the clip with noise as a solved video has it, smoothed."""
    if name not in _KEPT:
        truth = resample(load(next(p for p in clips("cmu") if p.stem == name)), 30)
        rng = np.random.default_rng(1)
        tremor = coloured(rng, (*truth.rotations.shape[:2], 3), 8.0) * 0.005
        drift = coloured(rng, truth.root_positions.shape, 2.0) * 0.005
        noisy = truth.replace(
            rotations=multiply(truth.rotations, quaternion_from_axis_angle(tremor)),
            root_positions=truth.root_positions + drift,
        )
        _KEPT[name] = truth, detect_contacts(truth, CMU), smooth_motion(noisy)
    return _KEPT[name]


def coloured(rng, shape, cutoff):
    """Unit noise below the cutoff."""
    noise = smooth(rng.normal(0, 1, shape), 30, cutoff)
    return noise / noise.std()


@cache
def foot_joints(skeleton, roles):
    return role_joints(skeleton, dict(roles), CONTACT_ROLES)


def feet(motion, roles=CMU):
    return motion.positions()[:, foot_joints(motion.skeleton, tuple(roles.items()))]


def ankles(motion, roles=CMU):
    return feet(motion, roles)[:, [0, 2]]


def slips(motion, contacts, roles):
    return foot_skate(feet(motion, roles), contacts, float(motion.fps))
