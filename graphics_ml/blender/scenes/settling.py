# SPDX-License-Identifier: GPL-3.0-or-later
"""Bodies that all but sit, lie or kneel on the floor come down to it.

Retargeting keeps the angles of joints, and bodies are of different build: where shoes are thicker or seats thinner than
those of whom the motion was made for, heels hold the seat in the air. So limbs that reach below a seat, back or knee
near the floor are turned up about hips, knees and shoulders until they do not; whoever stands the body on the floor
then finds it there.
"""

import numpy as np

from graphics_ml.keypoints import PARTS
from graphics_ml.motion.bone_map import BoneMap
from graphics_ml.motion.invented.curves import smoothed
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.rotations import conjugate, multiply, quaternion_from_axis_angle

_SIDES = ("left", "right")
_CLOSE = 0.002  # metres; nearer is on the floor
_NEAR, _FAR = 0.10, 0.16  # metres from what carries a body to seat or knee: as near is meant to touch, as far is not
_SEAT, _KNEE, _SHOULDER = 0.22, 0.13, 0.15  # metres about a joint that do not turn with the limb beyond it
_SPREAD = 0.12  # seconds on both sides
_ANGLES = np.radians(np.arange(0, 25, 0.1))  # that a limb may be turned by


def settle(skin: np.ndarray, parts: np.ndarray, joints: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """How to turn the limbs of a body so that its seat, its back or its knees can be on the floor.

    Args:
        skin: (V, 3), metres, y up.
        parts: (V,) places in keypoints.PARTS.
        joints: places (3,) by role: hips, knees and shoulders ("left_thigh", "left_shin", "left_upper_arm", ...).

    Returns:
        Role to a rotation vector (3,) in the world, radians, by which all of the limb beyond that joint is to be turned
        about it; empty for bodies that are on the floor as they should be.
    """
    floor = skin[:, 1].min()
    core = np.isin(parts, [PARTS.index("pelvis"), PARTS.index("trunk")])
    knees = {}
    for side in _SIDES:
        thigh, shin = (parts == PARTS.index(f"{side}_{part}") for part in ("thigh", "shin"))
        core |= thigh & _about(skin, joints[f"{side}_thigh"], _SEAT)
        knees[side] = _lowest(skin[(thigh | shin) & _about(skin, joints[f"{side}_shin"], _KNEE)]) - floor
    gap = _lowest(skin[core]) - floor
    sits = gap < _FAR
    gap = gap if sits else min(knees.values())
    if not _CLOSE < gap < _FAR:
        return {}
    floor += gap * np.clip((_FAR - gap) / (_FAR - _NEAR), 0, 1)
    turns = {}
    for side in _SIDES:
        kneels = not sits and knees[side] < _FAR
        leg = ("shin", _KNEE, ("shin", "foot")) if kneels else ("thigh", _SEAT, ("thigh", "shin", "foot"))
        for joint, near, limb in (leg, ("upper_arm", _SHOULDER, ("upper_arm", "forearm", "hand"))):
            pivot = joints[f"{side}_{joint}"]
            own = np.isin(parts, [PARTS.index(f"{side}_{part}") for part in limb]) & ~_about(skin, pivot, near)
            turn = _raised(skin[own] - pivot, floor - pivot[1])
            if turn is not None:
                turns[f"{side}_{joint}"] = turn
    return turns


def eased(turns: list[dict[str, np.ndarray]], fps: float) -> list[dict[str, np.ndarray]]:
    """Turns of neighbouring moments, as `settle` gives them, spread over a quarter of a second, so nobody jerks."""
    window, roles = round(_SPREAD * fps), sorted({role for own in turns for role in own})
    if window == 0 or len(turns) < 3:
        return turns
    paths = {role: smoothed(np.array([own.get(role, np.zeros(3)) for own in turns]), window) for role in roles}
    return [{role: path[moment] for role, path in paths.items()} for moment in range(len(turns))]


def turned(motion: Motion, roles: BoneMap, turns: list[dict[str, np.ndarray]], heading: float) -> Motion:
    """A motion with limbs turned.

    Args:
        motion: F frames.
        roles: of its joints.
        turns: for each frame role to rotation vector, as `settle` gives them.
        heading: radians about the vertical by which the world of these vectors is turned against the motion's.
    """
    rotations, world, joints = motion.rotations.copy(), motion.orientations(), roles.joints(motion.skeleton)
    back = quaternion_from_axis_angle(np.array([0, -heading, 0]))
    for frame, own in enumerate(turns):
        for role, turn in own.items():
            joint = joints[role]
            here = multiply(multiply(back, quaternion_from_axis_angle(turn)), conjugate(back))
            above = world[frame, motion.skeleton.parents[joint]]
            rotations[frame, joint] = multiply(conjugate(above), multiply(here, world[frame, joint]))
    return motion.replace(rotations=rotations)


def _about(skin, place, near):
    return np.linalg.norm(skin - place, axis=1) < near


def _lowest(points):
    return points[:, 1].min(initial=np.inf)


def _raised(points, floor):
    """The least turn about the origin, in the vertical plane of the lowest of the points (N, 3), that brings all above
    the floor, or the one of `_ANGLES` that comes nearest; None where they are above it."""
    if _lowest(points) >= floor - _CLOSE:
        return None
    ahead = points[points[:, 1].argmin()] * [1, 0, 1]
    ahead /= max(np.linalg.norm(ahead), 1e-9)
    heights = points[:, 1] * np.cos(_ANGLES)[:, None] + (points @ ahead) * np.sin(_ANGLES)[:, None]
    above = np.minimum(heights.min(axis=1), floor)
    return _ANGLES[above.argmax()] * np.cross(ahead, [0, 1, 0])
