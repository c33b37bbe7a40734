"""The body that is moved by rule: the standard humanoid with fingers, and the points of it that may touch the floor.

Everything in this room is worked out for a body of height 1, so lengths are in body heights; what leaves it is in
metres.
"""

from functools import cache

import numpy as np

from graphics_ml.motion.bone_map import BoneMap
from graphics_ml.motion.humanoid import BODY_ROLES, FINGERS, ROLE_PARENT, ROLES, standard_skeleton
from graphics_ml.motion.skeleton import EndSite, Skeleton

SIDES = {"left": 1.0, "right": -1.0}
JOINT = {role: joint for joint, role in enumerate(BODY_ROLES)}
OFFSET = dict(zip(BODY_ROLES, standard_skeleton(1.0).offsets, strict=True))
for _offset in OFFSET.values():
    _offset.flags.writeable = False

THIGH, SHIN = (-float(OFFSET[f"left_{part}"][1]) for part in ("shin", "foot"))
LEG = THIGH + SHIN
UPPER_ARM, FOREARM = (float(OFFSET[f"left_{part}"][0]) for part in ("forearm", "hand"))
ARM = UPPER_ARM + FOREARM
HIPS = float(OFFSET["hips"][1])
"""Height of the hips of who stands straight."""
HIP_WIDTH = float(OFFSET["left_thigh"][0])
ANKLE = HIPS - LEG
"""Height of the ankle over the sole."""
BALL = OFFSET["left_toes"]
"""From ankle to ball of the foot."""
BALL_RADIUS = ANKLE + float(BALL[1])
TOE_TIP = np.array([0.0, 0.0, 0.045])
"""From the ball of the foot to the end of the toes."""
HEEL = np.array([0.0, -ANKLE, -0.022])
"""From ankle to the heel's sole: a foot is 0.152 long (Winter 2009, figure 4.1), 0.130 of that ahead of the ankle."""
PALM = 0.05
"""From wrist to the middle of the palm."""
WRIST_RADIUS = 0.016
FINGER_RADIUS = 0.006


def skeleton_of(height: float = 1.70, fingers: bool = True) -> Skeleton:
    """The standard humanoid, with fingers if wanted: roles as names, T-pose with palms down as zero pose.

    Fingers have the lengths of Buchholz, Armstrong and Goldstein, "Anthropometric data for describing the kinematics of
    the human hand", Ergonomics 1992, in parts of the hand's length, which is 0.108 of the height (Winter 2009).
    """
    body = standard_skeleton(height)
    if not fingers:
        return body
    offsets = {role: offset * height for role, offset in OFFSET.items()}
    ends = [
        EndSite(ROLES.index(BODY_ROLES[end.joint]), end.offset) for end in body.end_sites if not _is_hand(end.joint)
    ]
    for side, sign in SIDES.items():
        for finger in FINGERS:
            for number, offset in enumerate(_FINGER[finger], start=1):
                metres = np.array(offset) * (sign, 1, 1) * _HAND * height
                if number <= 3:
                    offsets[f"{side}_{finger}_{number}"] = metres
                else:
                    ends.append(EndSite(ROLES.index(f"{side}_{finger}_3"), metres))
    parents = [-1 if ROLE_PARENT[role] is None else ROLES.index(ROLE_PARENT[role]) for role in ROLES]
    return Skeleton(ROLES, tuple(parents), np.array([offsets[role] for role in ROLES]), end_sites=tuple(ends))


@cache
def bone_map() -> BoneMap:
    """Each joint is its role."""
    return BoneMap({role: role for role in BODY_ROLES}, dict.fromkeys(BODY_ROLES, 1.0))


def floor_points(turns, places):
    """How high the body's outermost points are above the floor.

    Args:
        turns: role to world rotations (F, 4).
        places: role to world places (F, 3), body heights.

    Returns:
        (F, P) body heights, less the thickness of the flesh there; columns as FLOOR_POINTS.
    """
    heights = []
    for role, offset, radius in _POINTS.values():
        w, x, y, z = turns[role].T
        # The second row of the rotation matrix times the offset.
        rise = 2 * (x * y + w * z) * offset[0] + (1 - 2 * (x * x + z * z)) * offset[1] + 2 * (y * z - w * x) * offset[2]
        heights.append(places[role][:, 1] + rise - radius)
    return np.stack(heights, axis=1)


def _points():
    """Name to joint, offset from it and thickness there. Radii from the breadths and depths of ANSUR II (Gordon et al.
    2014) and the capsules of motion/capsules.py."""
    points = {
        "seat_left": ("hips", (0.045, -0.040, -0.020), 0.035),
        "seat_right": ("hips", (-0.045, -0.040, -0.020), 0.035),
        "sacrum": ("hips", (0, 0.01, -0.02), 0.045),
        "belly": ("spine", (0, 0, 0.015), 0.05),
        "back": ("upper_chest", (0, 0.02, -0.01), 0.055),
        "chest": ("upper_chest", (0, 0, 0.02), 0.05),
        "crown": ("head", (0, 0.06, 0.0), 0.055),
        "face": ("head", (0, 0.03, 0.02), 0.045),
    }
    for side, sign in SIDES.items():
        points |= {
            f"{side}_hip": (f"{side}_thigh", (0.02 * sign, 0, 0), 0.045),
            f"{side}_knee": (f"{side}_shin", (0, 0, 0), 0.032),
            f"{side}_ankle": (f"{side}_foot", (0, 0, 0), 0.022),
            f"{side}_heel": (f"{side}_foot", tuple(HEEL), 0.0),
            f"{side}_ball": (f"{side}_toes", (0, 0, 0), BALL_RADIUS),
            f"{side}_tip": (f"{side}_toes", tuple(TOE_TIP), BALL_RADIUS),
            f"{side}_shoulder_top": (f"{side}_upper_arm", (0, 0, 0), 0.034),
            f"{side}_elbow": (f"{side}_forearm", (0, 0, 0), 0.022),
            f"{side}_wrist": (f"{side}_hand", (0, 0, 0), WRIST_RADIUS),
            f"{side}_knuckles": (f"{side}_hand", (PALM * sign, 0, 0), 0.012),
            f"{side}_fingers": (f"{side}_hand", (2 * PALM * sign, 0, 0), FINGER_RADIUS),
        }
    return points


def _is_hand(joint):
    return BODY_ROLES[joint].endswith("_hand")


_POINTS = _points()
FLOOR_POINTS = tuple(_POINTS)

_HAND = 0.108
# Offsets of the left hand's joints 1 to 3 and of the tip, in hand lengths: along the hand, up (back of the hand),
# towards the thumb. The palm is broad by 0.44 of the hand's length.
_FINGER = {
    "thumb": ((0.11, -0.04, 0.13), (0.16, -0.06, 0.18), (0.15, -0.02, 0.125), (0.125, -0.02, 0.095)),
    "index": ((0.450, 0, 0.125), (0.245, 0, 0.01), (0.143, 0, 0), (0.097, 0, 0)),
    "middle": ((0.446, 0.01, 0.015), (0.266, 0, 0), (0.170, 0, 0), (0.108, 0, 0)),
    "ring": ((0.421, 0, -0.09), (0.244, 0, -0.01), (0.165, 0, 0), (0.107, 0, 0)),
    "pinky": ((0.390, -0.01, -0.175), (0.204, 0, -0.02), (0.117, 0, 0), (0.093, 0, 0)),
}
