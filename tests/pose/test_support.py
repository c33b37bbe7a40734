"""Up and footing of bodies that stand where we put them."""

from dataclasses import replace

import numpy as np
import pytest

from graphics_ml.motion.humanoid import standard_skeleton
from graphics_ml.motion.rotations import matrix_from_quaternion, quaternion_from_axis_angle
from graphics_ml.pose.body import Placed, place
from graphics_ml.pose.camera import tilt_and_roll, up_in_camera
from graphics_ml.pose.support import centre_of_mass, estimate_up, find_footing, foot_points
from tests.pose.acting import ball, hinge, leg_angles, standing, walking

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
    found = estimate_up(placed, feet, np.ones(feet.shape[:2]), 30.0, to_camera, [slice(0, len(feet))])
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
        ups.append(estimate_up(placed, feet, np.ones(feet.shape[:2]), 30.0, view, [slice(0, len(feet))]))
    np.testing.assert_allclose(ups[0], ups[1], atol=1e-9)


def test_somebody_who_sits_with_legs_dangling_is_upright_all_the_same():
    pose, swing = standing(90), 0.1 * np.sin(np.arange(90) / 4)
    pose.balls[:, 0] = quaternion_from_axis_angle(np.array([0, np.pi / 2, 0]))
    thigh, bend = leg_angles(0.45 + swing, np.full(90, 0.4), 0.43, 0.43)
    for side in ("left", "right"):
        pose.balls[:, ball(f"{side}_thigh")] = quaternion_from_axis_angle(thigh[:, None] * np.array([1.0, 0, 0]))
        pose.hinges[:, hinge(f"{side}_shin", "flexion")] = bend
        pose.hinges[:, hinge(f"{side}_foot", "plantarflexion")] = 0.6
    placed, feet = placed_with_feet(pose)
    found = estimate_up(placed, feet, np.ones((90, 4)), 30.0, np.diag([1.0, -1.0, -1.0]), [slice(0, 90)])
    assert abs(np.degrees(tilt_and_roll(found)[1])) < 12


def test_the_centre_of_mass_of_the_t_pose_lies_in_the_middle_of_the_pelvis():
    placed, _ = placed_with_feet(standing(1))
    middle = centre_of_mass(placed)[0]
    assert abs(middle[0]) < 0.06
    assert 0.5 * 1.75 < middle[1] < 0.62 * 1.75  # 55 to 57 percent of the height: Winter 2009, table 4.1


def test_standing_feet_are_planted_and_a_moving_floor_is_found():
    pose = standing(90)
    _, feet = placed_with_feet(pose)
    sight = np.tile([0.0, 0.0, -1.0], (90, 4, 1))
    footing = find_footing(feet, pose.root, np.ones((90, 4)), sight, 30.0, 0.86, [slice(0, len(feet))])
    assert footing.contact.min() > 0.9
    assert footing.floor == pytest.approx(feet[..., 1].mean(), abs=0.01)
    np.testing.assert_allclose(footing.velocity, 0)


def test_feet_that_are_not_seen_are_not_held_firmly():
    pose = standing(60)
    _, feet = placed_with_feet(pose)
    sight = np.tile([0.0, 0.0, -1.0], (60, 4, 1))
    footing = find_footing(feet, pose.root, np.zeros((60, 4)), sight, 30.0, 0.86, [slice(0, len(feet))])
    assert footing.contact.max() < 0.2


def footing_of(feet, mass_height=None, takes=None):
    """Footing of FOOT_POINTS (F, 4, 3) seen from afar along -Z, at 30 frames a second."""
    frames = len(feet)
    mass = np.zeros((frames, 3))
    mass[:, 1] = 1.0 if mass_height is None else mass_height
    sight = np.tile([0.0, 0.0, -1.0], (frames, 4, 1))
    return find_footing(feet, mass, np.ones((frames, 4)), sight, 30.0, 0.9, takes or [slice(0, frames)])


def stepping(frames=45):
    """The left foot stands at the origin; the right one leaves the floor for 12 frames and lands a step ahead."""
    feet = np.zeros((frames, 4, 3))
    feet[:, 1::2, 0] = 0.2
    part = np.clip((np.arange(frames) - 15) / 12, 0, 1)
    feet[:, 2:, 0] += (1.2 * (3 * part**2 - 2 * part**3))[:, None]
    feet[:, 2:, 1] += (0.12 * np.sin(np.pi * part))[:, None]
    feet[:, 2:, 2] = 0.2
    return feet


def test_a_foot_that_seems_to_stray_while_it_alone_bears_the_body_stays_planted():
    feet = stepping()
    feet[19:22, :2, 0] += 0.12  # a detector's mistake
    contact = footing_of(feet).contact > 0.5
    assert contact[:, :2].all()
    assert not contact[18:25, 2:].any()
    assert contact[:13, 2:].all()
    assert contact[30:, 2:].all()


def test_slow_movement_counts_as_slip_across_the_line_of_sight_and_as_an_error_of_depth_along_it():
    drift = np.linspace(0, 1.5, 45)  # metres in one and a half seconds
    across, along = stepping(), stepping()
    across[:, 2:] = along[:, 2:] = 0
    across[:, 2:, 0] = drift[:, None] * 1.5
    along[:, 2:, 2] = drift[:, None]
    assert footing_of(across).contact[5:-5, 2:].max() < 0.5
    assert footing_of(along).contact[5:-5, 2:].min() > 0.5


def test_a_body_in_free_fall_stands_on_nothing():
    time = np.arange(60) / 30.0
    up = np.where((time > 0.6) & (time < 1.2), (time - 0.6) * (1.2 - time) * 9.81 / 2, 0)  # a ballistic jump
    feet = np.zeros((60, 4, 3))
    feet[..., 1] = up[:, None]
    feet[..., 0] = (1.5 * np.clip(time - 0.6, 0, 0.6))[:, None]
    contact = footing_of(feet, mass_height=1.0 + up).contact > 0.5
    assert contact[:16].all()
    assert contact[40:].all()
    assert not contact[21:34].any()


def test_feet_that_rest_above_the_floor_do_not_stand_on_it():
    feet = np.zeros((90, 4, 3))
    feet[..., 1] = 0.5 * np.clip((np.arange(90) - 50) / 10, 0, 1)[:, None]
    footing = footing_of(feet, mass_height=1.0 + feet[:, 0, 1])
    assert footing.floor == pytest.approx(0, abs=1e-6)
    assert footing.contact[:45].min() > 0.9
    assert footing.contact[62:].max() == 0


def joined(*placed):
    """Bodies placed one after the other, as where a film is cut."""
    return Placed(*(np.concatenate(parts) for parts in zip(*(vars(p).values() for p in placed), strict=True)))


def test_up_does_not_change_with_two_frames_of_another_take():
    (first, _), (second, _) = placed_with_feet(standing(2)), placed_with_feet(walking(60))
    to_camera, points = np.diag([1.0, -1.0, -1.0]), foot_points(1.75, 1.0)
    first = replace(first, positions=first.positions + np.array([1.5, 0.4, 2.0]))
    ups = []
    for placed, takes in ((second, [slice(0, 60)]), (joined(first, second), [slice(0, 2), slice(2, 62)])):
        feet = points.at(placed)
        ups.append(estimate_up(placed, feet, np.ones(feet.shape[:2]), 30.0, to_camera, takes))
    assert np.degrees(np.arccos(ups[0] @ ups[1])) < 3


def test_feet_are_planted_on_both_sides_of_a_cut():
    before, after = np.zeros((20, 4, 3)), np.tile([2.0, 0.5, 1.0], (20, 4, 1))
    contact = footing_of(np.concatenate((before, after)), takes=[slice(0, 20), slice(20, 40)]).contact
    assert contact.min() > 0.9
