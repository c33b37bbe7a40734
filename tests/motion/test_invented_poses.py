"""Random poses: people's joints, standing on the floor, different, the same for a seed."""

import numpy as np
import pytest

from graphics_ml.motion.body_frames import measure_body
from graphics_ml.motion.bone_map import BoneMap, recognize
from graphics_ml.motion.capsules import self_penetration
from graphics_ml.motion.humanoid import BODY_ROLES, ROLES, standard_skeleton
from graphics_ml.motion.invented import random_poses
from graphics_ml.motion.invented.poses import POSTURES, random_tracks
from graphics_ml.motion.invented.solve import motion_of, solve
from graphics_ml.motion.joint_limits import joint_angles
from graphics_ml.motion.rotations import rotate

MAP = BoneMap({role: role for role in BODY_ROLES})


@pytest.fixture(scope="module")
def poses():
    return random_poses(np.random.default_rng(0), 400)


def test_joints_are_within_what_people_can(poses):
    assert joint_angles(poses, MAP).violated(np.radians(5)) == 0


def test_arms_are_not_inside_the_body(poses):
    assert np.percentile(self_penetration(poses, measure_body(poses.skeleton, MAP)), 99) < 0.03


def test_something_touches_the_floor_and_nothing_is_below_it(poses):
    turns, places = poses.transforms()
    body = [joint for joint, name in enumerate(poses.skeleton.names) if name in BODY_ROLES]
    tips = [
        places[:, end.joint, 1] + rotate(turns[:, end.joint], end.offset)[:, 1]
        for end in poses.skeleton.end_sites
        if end.joint in body
    ]
    lowest = np.minimum(places[:, body, 1].min(axis=1), np.min(tips, axis=0))
    assert lowest.min() > 0
    # Fingers lie as they are: thumbs of flat hands reach a little into the floor.
    assert places[..., 1].min() > -0.02
    # The thickest that lies on the floor is a waist.
    assert lowest.max() < 0.12


def test_who_kneels_has_a_knee_on_the_floor_and_that_foot_too(poses):
    kneel = np.array(poses.provenance["postures"]) == "kneel"
    heights = dict(zip(poses.skeleton.names, poses.positions()[kneel, :, 1].T, strict=True))
    on = {side: heights[f"{side}_shin"] < 0.08 for side in ("left", "right")}  # flesh and trousers are below the joint
    assert kneel.sum() > 5 and (on["left"] | on["right"]).all() and (on["left"] & on["right"]).any()
    for side, down in on.items():
        assert (heights[f"{side}_toes"][down] < 0.12).all()


def test_most_who_lie_on_the_back_have_their_feet_on_the_floor():
    tracks = random_tracks(np.random.default_rng(5), 80, ("lie",))[0]
    motion = motion_of(tracks, solve(tracks))
    turns, places = motion.transforms()
    on_back = rotate(turns[:, motion.skeleton.index("hips")], np.array([0.0, 0, 1]))[:, 1] > 0.9
    ankles = places[on_back][:, [motion.skeleton.index(f"{side}_foot") for side in ("left", "right")], 1]
    assert on_back.sum() > 20 and 0.7 < (ankles < 0.13).mean() < 1


def test_who_stands_has_the_centre_of_mass_over_the_feet(poses):
    names = poses.provenance["postures"]
    rows = [row for row, name in enumerate(names) if name in ("stand", "bend down", "squat", "one leg")]
    places = poses.positions()[rows]

    def at(*roles):
        return np.mean([places[:, poses.skeleton.index(role)] for role in roles], axis=0)

    limbs = [
        (share, at(f"{side}_{a}", f"{side}_{b}"))
        for side in ("left", "right")
        for share, a, b in (
            (0.028, "upper_arm", "forearm"), (0.022, "forearm", "hand"), (0.1, "thigh", "shin"),
            (0.061, "shin", "foot"),
        )
    ]  # fmt: skip
    trunk = [(0.081, at("head")), (0.497, at("hips", "left_upper_arm", "right_upper_arm"))]
    centre = sum(share * place for share, place in limbs + trunk)
    feet = np.stack([at(f"{side}_{part}") for side in ("left", "right") for part in ("foot", "toes")], axis=1)
    low, high = feet[..., [0, 2]].min(axis=1), feet[..., [0, 2]].max(axis=1)
    inside = ((centre[:, [0, 2]] > low - 0.1) & (centre[:, [0, 2]] < high + 0.1)).all(axis=1)
    assert inside.mean() > 0.95


def test_every_posture_is_drawn_and_no_two_poses_are_alike(poses):
    assert set(poses.provenance["postures"]) == set(POSTURES)
    arms = [poses.skeleton.index(role) for role in ("left_upper_arm", "right_forearm", "left_hand")]
    assert np.unique(poses.rotations[:, arms].round(6), axis=0).shape[0] == len(poses)


def test_a_seed_gives_the_same_poses_and_another_seed_others():
    one, same, other = (random_poses(np.random.default_rng(seed), 20) for seed in (3, 3, 4))
    assert np.array_equal(one.rotations, same.rotations)
    assert np.array_equal(one.root_positions, same.root_positions)
    assert not np.allclose(one.rotations, other.rotations)


def test_without_fingers_the_skeleton_is_the_standard_one_and_the_pose_the_same():
    with_fingers, without = (random_poses(np.random.default_rng(5), 6, fingers=on, height=1.8) for on in (True, False))
    assert with_fingers.skeleton.names == ROLES
    assert without.skeleton.names == BODY_ROLES
    assert np.allclose(without.skeleton.offsets, standard_skeleton(1.8).offsets)
    body = [ROLES.index(role) for role in BODY_ROLES]
    assert np.allclose(with_fingers.positions()[:, body], without.positions())


def test_the_skeleton_is_recognised_with_its_fingers(poses):
    roles = recognize(poses.skeleton).roles
    assert all(roles.get(role) == role for role in ROLES)


def test_no_poses_cannot_be_asked_for():
    with pytest.raises(ValueError, match="at least one pose"):
        random_poses(np.random.default_rng(0), 0)
