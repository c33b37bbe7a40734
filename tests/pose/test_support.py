"""Up and footing of bodies that stand where we put them."""

import numpy as np
import pytest

from graphics_ml.motion.humanoid import standard_skeleton
from graphics_ml.motion.rotations import matrix_from_quaternion, quaternion_from_axis_angle
from graphics_ml.pose.body import place
from graphics_ml.pose.camera import tilt_and_roll, up_in_camera
from graphics_ml.pose.support import centre_of_mass, estimate_up, find_footing, foot_points
from tests.pose.acting import standing, walking

OFFSETS = standard_skeleton(1.75).offsets


def placed_with_feet(pose):
    placed = place(pose, OFFSETS)
    return placed, foot_points(1.75, 1.0).at(placed)


@pytest.mark.parametrize("roll", [-30, -10, 0, 15, 30])
@pytest.mark.parametrize("pose", [standing(), walking()], ids=["standing", "walking"])
def test_roll_is_found_from_balance(pose, roll):
    placed, feet = placed_with_feet(pose)
    up = up_in_camera(np.radians(-12), np.radians(roll))
    back = np.array([0.0, 0.0, -1.0]) - up * -up[2]
    back /= np.linalg.norm(back)
    to_camera = np.stack((np.cross(up, back), up, back), axis=1)
    found = estimate_up(placed, feet, np.ones(feet.shape[:2]), 30.0, to_camera)
    tilt, angle = tilt_and_roll(found)
    assert np.degrees(angle) == pytest.approx(roll, abs=6)
    assert np.degrees(tilt) == pytest.approx(-12, abs=4)


def test_up_does_not_depend_on_the_axes_the_body_is_placed_in():
    pose = standing()
    turn = matrix_from_quaternion(quaternion_from_axis_angle(np.array([0.4, 0.2, -0.3])))
    to_camera = np.diag([1.0, -1.0, -1.0])
    ups = []
    for turned, view in ((pose, to_camera), (pose.turned(turn), to_camera @ turn.T)):
        placed, feet = placed_with_feet(turned)
        ups.append(estimate_up(placed, feet, np.ones(feet.shape[:2]), 30.0, view))
    np.testing.assert_allclose(ups[0], ups[1], atol=1e-9)


def test_the_centre_of_mass_of_the_t_pose_lies_in_the_middle_of_the_pelvis():
    placed, _ = placed_with_feet(standing(1))
    middle = centre_of_mass(placed)[0]
    assert abs(middle[0]) < 0.06
    assert 0.5 * 1.75 < middle[1] < 0.62 * 1.75  # 55 to 57 percent of the height: Winter 2009, table 4.1


def test_standing_feet_are_planted_and_a_moving_floor_is_found():
    pose = standing(90)
    _, feet = placed_with_feet(pose)
    sight = np.tile([0.0, 0.0, -1.0], (90, 4, 1))
    footing = find_footing(feet, pose.root, np.ones((90, 4)), sight, 30.0, 0.86)
    assert footing.contact.min() > 0.9
    assert footing.floor == pytest.approx(feet[..., 1].mean(), abs=0.01)
    np.testing.assert_allclose(footing.velocity, 0)


def test_feet_that_are_not_seen_are_not_held_firmly():
    pose = standing(60)
    _, feet = placed_with_feet(pose)
    sight = np.tile([0.0, 0.0, -1.0], (60, 4, 1))
    footing = find_footing(feet, pose.root, np.zeros((60, 4)), sight, 30.0, 0.86)
    assert footing.contact.max() < 0.2
