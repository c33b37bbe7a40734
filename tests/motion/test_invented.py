"""Invented motions: people's joints, over the floor, feet that stay, flights that fall, the same for a seed."""

import numpy as np
import pytest

from graphics_ml.errors import GraphicsMLError
from graphics_ml.motion.bone_map import BoneMap
from graphics_ml.motion.contacts import CONTACT_ROLES
from graphics_ml.motion.humanoid import BODY_ROLES
from graphics_ml.motion.invented import KINDS, invent
from graphics_ml.motion.joint_limits import joint_angles

MAP = BoneMap({role: role for role in BODY_ROLES})


def clips(kind, seeds, seconds=2.0, **settings):
    return [invent(np.random.default_rng(seed), kind, seconds, fingers=False, **settings) for seed in seeds]


def centre_of_mass(motion):
    """Winter's table 4.1, segment by segment."""
    places = motion.positions()

    def at(role):
        return places[:, motion.skeleton.index(role)]

    total = 0.081 * at("head") + 0.497 * (at("spine") + at("upper_chest")) / 2
    for side in ("left", "right"):
        for share, a, b in (
            (0.028, "upper_arm", "forearm"), (0.022, "forearm", "hand"), (0.100, "thigh", "shin"),
            (0.0465, "shin", "foot"), (0.0145, "foot", "toes"),
        ):  # fmt: skip
            total = total + share * (at(f"{side}_{a}") + at(f"{side}_{b}")) / 2
    return total


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_moves_a_body_as_people_can(kind):
    for motion in clips(kind, range(2)):
        places = motion.positions()
        assert len(motion) == 60
        assert np.abs(places).max() < 20
        assert joint_angles(motion, MAP).violated() < 0.02
        # Joints lie inside the flesh: none comes to the floor itself.
        assert places[..., 1].min() > -0.01
        acceleration = np.linalg.norm(np.diff(places, 2, axis=0), axis=-1) * 30**2
        assert np.percentile(acceleration, 99) < 200
        assert acceleration.max() < 700
        assert np.linalg.norm(np.diff(places, axis=0), axis=-1).max() * 30 > 0.02


@pytest.mark.parametrize("kind", ["walk", "run", "curve", "sideways", "backwards", "lunge", "idle", "dance", "pick up"])
def test_standing_feet_stay_where_they_are(kind):
    stood = 0
    for motion in clips(kind, range(3)):
        places = motion.positions()
        for column, role in enumerate(CONTACT_ROLES):
            if role.endswith("toes"):
                held = motion.contacts[1:, column] & motion.contacts[:-1, column]
                step = np.linalg.norm(np.diff(places[:, motion.skeleton.index(role)], axis=0), axis=-1)[held] * 30
                stood += held.sum()
                assert step.size == 0 or step.max() < 0.06
    assert stood > 30


def test_who_walks_has_a_foot_on_the_floor_and_who_runs_flies():
    def lowest(motion):
        feet = [BODY_ROLES.index(f"{side}_{part}") for side in ("left", "right") for part in ("toes", "foot")]
        return (motion.positions()[:, feet, 1] - motion.skeleton.rest_positions()[feet, 1]).min(axis=1)

    assert np.mean([lowest(motion) < 0.03 for motion in clips("walk", range(4))]) > 0.97
    assert np.mean([lowest(motion) > 0.03 for motion in clips("run", range(4))]) > 0.1


def test_a_jump_falls_as_gravity_has_it():
    fps, flown = 120, 0
    for motion in clips("jump", range(6), seconds=3.0, fps=fps, height=1.8):
        height = centre_of_mass(motion)[:, 1]
        feet = [motion.skeleton.index(f"{side}_{part}") for side in ("left", "right") for part in ("toes", "foot")]
        low = motion.positions()[:, feet, 1].min(axis=1)
        falls = np.diff(height, 2) * fps**2
        high = (low[1:-1] > 0.05) & (low[:-2] > 0.05) & (low[2:] > 0.05)
        flown += high.sum()
        assert np.all(np.abs(falls[high] + 9.81) < 0.5)
    assert flown > 30


def test_a_treadmill_keeps_the_walker_in_place_while_feet_run_back():
    for motion in clips("treadmill", range(3), seconds=4.0):
        assert np.ptp(motion.root_positions[:, [0, 2]], axis=0).max() < 0.25
        toes = motion.positions()[:, motion.skeleton.index("left_toes")]
        assert np.ptp(toes[:, 2]) > 0.2


def test_either_hand_waves():
    hands = [BODY_ROLES.index(f"{side}_hand") for side in ("left", "right")]
    highest = [motion.positions()[:, hands, 1].max(axis=0) for motion in clips("wave", range(12))]
    assert 2 <= sum(left > right for left, right in highest) <= 10


def test_a_seed_gives_the_same_motion_whatever_was_made_before():
    first = invent(np.random.default_rng(7), "floor", 1.0)
    invent(np.random.default_rng(8), "poses", 1.0)
    again = invent(np.random.default_rng(7), "floor", 1.0)
    other = invent(np.random.default_rng(9), "floor", 1.0)
    assert np.array_equal(first.rotations, again.rotations)
    assert np.array_equal(first.root_positions, again.root_positions)
    assert not np.allclose(first.rotations, other.rotations)


def test_a_kind_is_drawn_where_none_is_asked_for():
    kinds = {
        invent(np.random.default_rng(seed), seconds=0.3, fingers=False).provenance["invented"] for seed in range(8)
    }
    assert len(kinds) > 4
    assert kinds <= set(KINDS)


def test_length_rate_and_height_are_as_asked():
    motion = invent(np.random.default_rng(0), "walk", 2.5, "24000/1001", 1.5)
    assert len(motion) == 60
    assert motion.fps.denominator == 1001
    assert np.isclose(motion.skeleton.rest_positions()[motion.skeleton.index("head"), 1], 0.885 * 1.5)
    small = invent(np.random.default_rng(0), "squat", height=1.0, fingers=False)
    assert 0.1 < small.root_positions[:, 1].max() < 0.6


def test_a_wrong_kind_is_named_with_the_one_that_was_meant():
    with pytest.raises(GraphicsMLError, match="'wlak'; did you mean 'walk'"):
        invent(np.random.default_rng(0), "wlak")


@pytest.mark.parametrize("settings", [{"seconds": 0}, {"seconds": float("nan")}, {"fps": 0}, {"height": -1}])
def test_a_motion_of_no_length_rate_or_height_is_refused(settings):
    with pytest.raises(ValueError, match=r"positive|at least"):
        invent(np.random.default_rng(0), "walk", **settings)
