"""Mirroring checked by where the joints are: each at the reflection of its partner, whatever the joints' frames."""

import numpy as np
import pytest

from graphics_ml.errors import GraphicsMLError
from graphics_ml.formats import load
from graphics_ml.motion.humanoid import mirrored, standard_skeleton
from graphics_ml.motion.mirror import mirror, mirror_skeleton, pairs_by_name
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.rotations import angle_between, conjugate, multiply, quaternion_from_axis_angle, rotate
from graphics_ml.motion.skeleton import Skeleton

ACROSS = np.array([-1.0, 1, 1])


@pytest.mark.parametrize("reframed", [False, True])
@pytest.mark.parametrize("facing", [0.0, 90.0, 30.0])
def test_every_joint_goes_to_the_reflection_of_its_partner(reframed, facing):
    motion = random_motion(facing, reframed)
    result = mirror(motion)
    other = [motion.skeleton.index(mirrored(name)) for name in motion.skeleton.names]
    np.testing.assert_allclose(result.positions(), motion.positions()[:, other] * ACROSS, atol=1e-12)


@pytest.mark.parametrize("reframed", [False, True])
def test_mirroring_twice_gives_the_motion_back(reframed):
    motion = random_motion(30.0, reframed)
    again = mirror(mirror(motion))
    assert angle_between(again.rotations, motion.rotations).max() < 1e-7
    np.testing.assert_allclose(again.root_positions, motion.root_positions, atol=1e-15)
    np.testing.assert_array_equal(again.confidence, motion.confidence)


def test_moving_joints_are_reflected_with_their_places():
    motion = random_motion(0.0, True)
    rng = np.random.default_rng(4)
    local = motion.skeleton.offsets + rng.normal(0, 0.03, (len(motion), len(motion.skeleton), 3))
    motion = motion.replace(local_positions=local)
    other = [motion.skeleton.index(mirrored(name)) for name in motion.skeleton.names]
    result = mirror(motion)
    np.testing.assert_allclose(result.positions(), motion.positions()[:, other] * ACROSS, atol=1e-12)
    np.testing.assert_allclose(mirror(result).local_positions, motion.local_positions, atol=1e-12)


def test_the_rest_pose_of_a_symmetric_skeleton_is_its_own_mirror_image():
    skeleton = random_motion(0.0, True).skeleton
    rest = Motion(skeleton, skeleton.rest_orientations[None], skeleton.offsets[:1] * [0, 1, 1], 30)
    assert angle_between(mirror(rest).rotations, rest.rotations).max() < 1e-7


def test_bones_of_measured_people_differ_left_and_right_and_can_be_exchanged_too(clips):
    motion = load(next(p for p in clips("cmu") if p.stem == "02_01"))
    pairs = pairs_by_name(motion.skeleton.names)
    assert pairs["lfemur"] == "rfemur" and pairs["rtoes"] == "ltoes" and "lowerback" not in pairs
    other = [motion.skeleton.index(pairs.get(name, name)) for name in motion.skeleton.names]
    wanted = motion.positions()[:, other] * ACROSS
    np.testing.assert_allclose(mirror(motion, reflect_skeleton=True).positions(), wanted, atol=1e-9)
    assert 1e-4 < np.abs(mirror(motion).positions() - wanted).max() < 0.1
    np.testing.assert_allclose(mirror(motion).skeleton.offsets, motion.skeleton.offsets)
    twice = mirror_skeleton(mirror_skeleton(motion.skeleton))
    np.testing.assert_allclose(twice.offsets, motion.skeleton.offsets, atol=1e-12)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("LeftArm", "RightArm"),
        ("mixamorig:LeftHandThumb1", "mixamorig:RightHandThumb1"),
        ("upperarm.l", "upperarm.r"),
        ("upper_arm.L.001", "upper_arm.R.001"),
        ("thigh_l", "thigh_r"),
        ("Bip01 L Thigh", "Bip01 R Thigh"),
        ("L_Hand", "R_Hand"),
        ("LThumb", "RThumb"),
        ("lfemur", "rfemur"),
        ("J_Bip_L_UpperLeg", "J_Bip_R_UpperLeg"),
        ("left_foot", "right_foot"),
        ("ARM_LEFT", "ARM_RIGHT"),
        ("HandL", "HandR"),
    ],
)
def test_sides_are_read_from_names(left, right):
    assert pairs_by_name([left, "root", "Spine", "lowerneck", right]) == {left: right, right: left}


def test_pairs_that_do_not_fit_the_tree_are_refused():
    motion = random_motion(0.0, False)
    with pytest.raises(GraphicsMLError, match="parents"):
        mirror(motion, {"left_hand": "right_forearm"})
    with pytest.raises(GraphicsMLError, match="'left_wing'"):
        mirror(motion, {"left_wing": "right_hand"})
    with pytest.raises(GraphicsMLError, match="partner"):
        mirror(motion, {})


def random_motion(facing, reframed, frames=6):
    """A symmetric body facing some way, with any frames in its joints, in random poses."""
    rng = np.random.default_rng(7)
    skeleton = standard_skeleton()
    turn = quaternion_from_axis_angle(np.array([0, np.radians(facing), 0]))
    skeleton = skeleton.replace(offsets=rotate(turn, skeleton.offsets))
    frame = np.tile([1.0, 0, 0, 0], (len(skeleton), 1))
    if reframed:
        frame = quaternion_from_axis_angle(rng.normal(0, 1.5, (len(skeleton), 3)))
    above = np.array([frame[p] if p >= 0 else [1.0, 0, 0, 0] for p in skeleton.parents])
    skeleton = Skeleton(
        skeleton.names,
        skeleton.parents,
        rotate(conjugate(above), skeleton.offsets),
        rest_orientations=multiply(conjugate(above), frame),
    )
    rotations = quaternion_from_axis_angle(rng.normal(0, 0.8, (frames, len(skeleton), 3)))
    return Motion(
        skeleton,
        multiply(rotations, skeleton.rest_orientations),
        rng.normal(size=(frames, 3)),
        30,
        confidence=rng.uniform(size=(frames, len(skeleton))),
    )
