"""The solver's body against the core's kinematics and against finite differences."""

import numpy as np
import pytest

from graphics_ml.motion.humanoid import standard_skeleton
from graphics_ml.motion.kinematics import transforms
from graphics_ml.motion.rotations import matrix_from_quaternion, normalize, quaternion_from_axis_angle
from graphics_ml.pose.body import (
    BALLS,
    DOFS,
    HINGES,
    JOINTS,
    PARENTS,
    SEGMENTS,
    Points,
    Pose,
    change,
    place,
    segment_basis,
    shaped_skeleton,
)

OFFSETS = standard_skeleton(1.7).offsets


@pytest.fixture
def pose():
    rng = np.random.default_rng(1)
    return Pose(
        rng.normal(size=(5, 3)), normalize(rng.normal(size=(5, len(BALLS), 4))), rng.normal(size=(5, len(HINGES)))
    )


def test_bodies_stand_where_forward_kinematics_puts_them(pose):
    world, positions = transforms(pose.rotations(), pose.root, OFFSETS, PARENTS)
    placed = place(pose, OFFSETS)
    np.testing.assert_allclose(placed.positions, positions, atol=1e-12)
    np.testing.assert_allclose(placed.rotations, matrix_from_quaternion(world), atol=1e-12)


def test_jacobian_of_points_is_what_small_steps_do(pose):
    rng = np.random.default_rng(2)
    points = Points(rng.integers(0, len(JOINTS), 9), 0.1 * rng.normal(size=(9, 3)))
    placed = place(pose, OFFSETS)
    jacobian = points.jacobian(placed, points.at(placed))
    for dof in range(DOFS):
        step = np.zeros((5, DOFS))
        step[:, dof] = 1e-6
        ahead, back = (points.at(place(pose.moved(s * step), OFFSETS)) for s in (1, -1))
        np.testing.assert_allclose(jacobian[..., dof].transpose(0, 2, 1), (ahead - back) / 2e-6, atol=1e-7)


def test_shape_jacobian_is_what_longer_segments_do(pose):
    points = Points(np.arange(len(JOINTS)), np.full((len(JOINTS), 3), 0.03))
    basis = OFFSETS[:, :, None] * segment_basis()[:, None, :]
    by_shape = points.shape_jacobian(place(pose, OFFSETS), basis, np.zeros((len(JOINTS), 3, len(SEGMENTS))))
    for segment in range(len(SEGMENTS)):
        longer = points.at(place(pose, OFFSETS + 1e-3 * basis[..., segment]))
        shift = (longer - points.at(place(pose, OFFSETS))) / 1e-3
        np.testing.assert_allclose(by_shape[..., segment].transpose(0, 2, 1), shift, atol=1e-9)


def test_change_leads_from_one_pose_to_the_other(pose):
    step = 0.3 * np.random.default_rng(3).normal(size=(5, DOFS))
    np.testing.assert_allclose(change(pose, pose.moved(step)), step, atol=1e-9)


def test_turning_a_pose_turns_every_joint_about_the_origin(pose):
    turn = matrix_from_quaternion(quaternion_from_axis_angle(np.array([0.3, -0.5, 0.9])))
    turned, plain = place(pose.turned(turn), OFFSETS), place(pose, OFFSETS)
    np.testing.assert_allclose(turned.positions, plain.positions @ turn.T, atol=1e-12)


def test_hinges_of_the_two_sides_mirror_each_other():
    angles = np.linspace(0.1, 0.5, len(HINGES) // 2)
    pose = Pose(np.zeros((1, 3)), np.tile([1.0, 0, 0, 0], (1, len(BALLS), 1)), np.tile(angles, 2)[None])
    positions = place(pose, OFFSETS).positions[0]
    for joint, name in enumerate(JOINTS):
        if name.startswith("left_"):
            twin = positions[JOINTS.index(name.replace("left", "right"))]
            np.testing.assert_allclose(positions[joint] * [-1, 1, 1], twin, atol=1e-12)


def test_a_shaped_skeleton_of_unit_scales_is_the_standard_one():
    shaped = shaped_skeleton(1.7, np.ones(len(SEGMENTS)))
    np.testing.assert_allclose(shaped.offsets, OFFSETS)
    scales = np.ones(len(SEGMENTS))
    scales[list(SEGMENTS).index("thighs")] = 1.2
    longer = shaped_skeleton(1.7, scales)
    shin = longer.index("left_shin")
    np.testing.assert_allclose(longer.offsets[shin], 1.2 * OFFSETS[shin])


def test_a_shaped_body_stands_on_the_floor_in_its_rest_pose():
    ankle = standard_skeleton(1.8).rest_positions()[JOINTS.index("right_foot"), 1]
    longer = shaped_skeleton(1.8, np.full(len(SEGMENTS), 1.2))
    for side in ("left", "right"):
        assert longer.rest_positions()[JOINTS.index(f"{side}_foot"), 1] == pytest.approx(ankle)
