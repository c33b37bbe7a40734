"""The built-in bodies: what their tables name, and that they are bodies that stand as the formats say."""

import numpy as np
import pytest

from graphics_ml.errors import GraphicsMLError
from graphics_ml.formats import bodies
from graphics_ml.motion.bone_map import recognize
from graphics_ml.motion.motion import Motion

JOINTS = {"smpl": 24, "smplh": 52, "smplx": 55, "humanml3d": 22, "soma": 30, "soma77": 77}


@pytest.mark.parametrize("name", bodies.NAMES)
def test_a_body_stands_in_a_t_pose_facing_z(name):
    skeleton = bodies.skeleton(name)
    assert len(skeleton) == JOINTS[name] and bodies.table(name)["source"]
    roles = recognize(skeleton).roles
    place = {role: skeleton.rest_positions()[skeleton.index(joint)] for role, joint in roles.items()}
    hand, arm = place["left_hand"] - place["left_upper_arm"], place["left_upper_arm"] - place["right_upper_arm"]
    assert hand[0] > 0.9 * np.linalg.norm(hand) and arm[0] > 0.9 * np.linalg.norm(arm)
    assert place["left_toes"][2] > place["left_foot"][2]
    height = place["head"][1] - min(place["left_toes"][1], place["right_toes"][1])
    assert 1.35 < height < 1.75


def test_smplx_shares_its_body_joints_with_smpl_and_smplh_by_name():
    names = [bodies.skeleton(name).names[:22] for name in ("smpl", "smplh", "smplx", "humanml3d")]
    assert len(set(names)) == 1


def test_the_joints_of_smplx_are_named_and_ordered_as_in_the_smplx_package():
    joint_names = pytest.importorskip("smplx.joint_names")
    assert list(bodies.skeleton("smplx").names) == joint_names.JOINT_NAMES[:55]
    assert list(bodies.skeleton("smplh").names) == joint_names.SMPLH_JOINT_NAMES[:52]


def test_an_unknown_body_is_refused_with_what_was_likely_meant():
    with pytest.raises(GraphicsMLError, match="there is no body 'smlh'; did you mean 'smplh'"):
        bodies.skeleton("smlh")


def test_a_body_with_frames_and_an_order_of_its_own_is_put_on_the_bodys():
    """As after Blender, whose bones have frames along themselves and another order."""
    body = bodies.skeleton("humanml3d")
    random = np.random.default_rng(0)
    turns = random.normal(size=(5, 22, 4))
    motion = Motion(body, turns, random.normal(size=(5, 3)), 30)
    from graphics_ml.motion.kinematics import local_rotations
    from graphics_ml.motion.rotations import conjugate, multiply, normalize, rotate
    from graphics_ml.motion.skeleton import Skeleton

    frames = normalize(random.normal(size=(22, 4)))  # the world frames of the bones at rest
    of_parent = np.array([[1.0, 0, 0, 0] if parent < 0 else frames[parent] for parent in body.parents])
    world = multiply(motion.orientations(), frames)
    order = [0, 3, 6, 9, 12, 15, 13, 16, 18, 20, 14, 17, 19, 21, 1, 4, 7, 10, 2, 5, 8, 11]
    other = Skeleton(
        [body.names[joint] for joint in order],
        [order.index(body.parents[joint]) if joint else -1 for joint in order],
        rotate(conjugate(of_parent), body.offsets)[order],
        multiply(conjugate(of_parent), frames)[order],
    )
    moved = Motion(other, local_rotations(world, body.parents)[:, order], motion.root_positions, 30)
    np.testing.assert_allclose(moved.positions(), motion.positions()[:, order], atol=1e-12)
    assert bodies.has_joints_of(other, "humanml3d") and bodies.same_proportions(other, "humanml3d")
    again = bodies.on_body(moved, "humanml3d")
    assert again.skeleton.names == body.names
    np.testing.assert_allclose(np.abs(np.sum(again.rotations * motion.rotations, axis=-1)), 1, atol=1e-12)
    np.testing.assert_allclose(again.positions(), motion.positions(), atol=1e-12)
