"""Wrists that bend no further than people bend theirs, where the arm before them is moved."""

import numpy as np

from graphics_ml.motion.joint_limits import HINGE_RANGE
from graphics_ml.motion.rotations import (
    axis_angle_from_quaternion,
    conjugate,
    multiply,
    quaternion_from_axis_angle,
    swing_twist,
)

ELBOW = np.radians(HINGE_RANGE["forearm", "flexion"])
_EXTENSION, _DEVIATION = (np.radians(HINGE_RANGE[movement]) for movement in ("extension", "ulnar deviation"))


def wrist_within(forearm_before, forearm, hand, side):
    """World turns (F, 4) to be put before a hand's rotation so that the wrist, after its forearm was moved, is bent no
    further than people bend theirs, or than it was.

    Args:
        forearm_before, forearm, hand: (F, 4) world turns of the segments away from the reference pose (body_frames.py):
            the forearm before and after, and the hand, which is not moved with it.
        side: "left" or "right".
    """
    swing, twist = swing_twist(multiply(conjugate(forearm), hand), np.array([1.0, 0, 0]))
    before = swing_twist(multiply(conjugate(forearm_before), hand), np.array([1.0, 0, 0]))[0]
    bend = axis_angle_from_quaternion(swing)
    beyond, was = (_beyond(one, side) for one in (bend, axis_angle_from_quaternion(before)))
    share = np.maximum(was, 1) / np.maximum(beyond, np.maximum(was, 1))
    inside = multiply(multiply(forearm, quaternion_from_axis_angle(share[:, None] * bend)), twist)
    return multiply(inside, conjugate(hand))


def _beyond(bend, side):
    """Bends (F, 3) of a wrist in parts of what it reaches, on the ellipse through its four limits: 1 is all of it."""
    # In the reference pose the palm is down: about +z the left hand's fingers rise, about +y they turn back.
    sign = 1.0 if side == "left" else -1.0
    movements = ((sign * bend[:, 2], _EXTENSION), (sign * bend[:, 1], _DEVIATION))
    return np.hypot(*(np.where(angle < 0, angle / low, angle / high) for angle, (low, high) in movements))
