"""How far people's joints bend, and where a motion bends them further.

Ranges of movement are those of the American Academy of Orthopaedic Surgeons, "Joint Motion" (1965), as tabled in Norkin
and White, "Measurement of Joint Motion" (2016), appendix B; the shoulder girdle's after Inman et al. 1944. The solver
keeps to the same table.

Angles are read between the frames of the body's segments (body_frames.py), so they mean the same on every skeleton,
whatever its bones' axes. Zero is the T-pose with palms down and feet flat.
"""

from dataclasses import dataclass

import numpy as np

from graphics_ml.motion.body_frames import measure_body
from graphics_ml.motion.bone_map import BoneMap
from graphics_ml.motion.humanoid import ROLE_PARENT
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.rotations import conjugate, euler_from_quaternion, multiply, swing_twist
from graphics_ml.wording import short_repr

# Degrees, lowest and highest, of a movement, and of which joint where several have it.
HINGE_RANGE = {
    "elevation": (-10, 40),
    "retraction": (-25, 25),
    ("forearm", "flexion"): (0, 150),
    "supination": (-80, 80),
    "extension": (-80, 70),
    "ulnar deviation": (-20, 30),
    ("shin", "flexion"): (0, 140),
    "plantarflexion": (-25, 50),
    "eversion": (-35, 20),
    "abduction": (-15, 15),
}
# Of bones about themselves: axis of the left one, lowest and highest in degrees. Wider than the Academy's 70 and 90 for
# shoulders, because how far an arm is twisted depends on the way it was raised.
TWIST_RANGE = {"upper_arm": ((-1.0, 0, 0), -95, 100), "thigh": ((0, 1.0, 0), -45, 45)}


@short_repr
@dataclass(frozen=True)
class JointAngles:
    """What each joint of a body does, movement by movement.

    Args:
        movements: N names, such as "left_shin flexion".
        angles: (F, N) radians.
        beyond: (F, N) radians, how far outside the range of people; 0 within it.
    """

    movements: tuple[str, ...]
    angles: np.ndarray
    beyond: np.ndarray

    def violated(self, tolerance: float = np.radians(5)) -> float:
        """Part of all (frame, movement) that are further beyond their range than the tolerance: by default the five
        degrees to which a goniometer is read (Norkin and White, chapter 3)."""
        return float(np.mean(self.beyond > tolerance)) if self.beyond.size else 0.0


def joint_angles(motion: Motion, bone_map: BoneMap) -> JointAngles:
    """The movements of a body's joints and how far they pass the ranges above.

    A joint's angles are those of its segment's frame in that of the next segment up the body that the map has. A hinge
    is read as Euler angles with its own axis first; a forearm's turn is that of the hand, which rigs give to either.
    How far a bone is twisted past its range counts by the squared cosine of half its swing, for the further a bone
    swings out the less its twist is one.

    Raises:
        UnrecognisedBodyError, KeyError: as measure_body.
    """
    body = measure_body(motion.skeleton, bone_map, motion)
    world = motion.orientations()
    turns = {role: multiply(world[:, joint], body.frames[role]) for role, joint in body.joints.items()}
    movements, angles, beyond = [], [], []
    for name, angle, low, high, weight in (*_movements("left", turns), *_movements("right", turns)):
        movements.append(name)
        angles.append(angle)
        beyond.append(weight * np.maximum(np.maximum(np.radians(low) - angle, angle - np.radians(high)), 0))
    return JointAngles(tuple(movements), np.stack(angles, axis=1), np.stack(beyond, axis=1))


# The axis that a hinge bends about comes first, the one along the bone last.
_ORDERS = {"shoulder": "ZYX", "forearm": "YZX", "hand": "ZYX", "shin": "XZY", "foot": "XZY"}
# Part, which of its angles, what that is, and its sign on the left.
_MOVEMENTS = (
    ("shoulder", 0, "elevation", 1.0),
    ("shoulder", 1, "retraction", 1.0),
    ("forearm", 0, "flexion", -1.0),
    ("forearm", 2, "supination", -1.0),
    ("hand", 0, "extension", 1.0),
    ("hand", 1, "ulnar deviation", 1.0),
    ("shin", 0, "flexion", 1.0),
    ("foot", 0, "plantarflexion", 1.0),
    ("foot", 1, "eversion", 1.0),
    ("foot", 2, "abduction", 1.0),
)


def _movements(side, turns):
    """Name, angles (F,), lowest and highest in degrees, and weight of each movement of a side of the body."""
    known = [part for part in (*_ORDERS, *TWIST_RANGE) if f"{side}_{part}" in turns]
    local = {part: _relative(f"{side}_{part}", turns) for part in known}
    euler = {part: euler_from_quaternion(local[part], order) for part, order in _ORDERS.items() if part in local}
    for part, position, movement, sign in _MOVEMENTS:
        if part not in euler:
            continue
        # A movement about the axis across the body is the same on both sides; the others mirror.
        mirrors = side == "right" and _ORDERS[part][position] != "X"
        angle = (-sign if mirrors else sign) * euler[part][:, position]
        if movement == "supination":
            angle = angle + sign * euler["hand"][:, 2]
        limits = HINGE_RANGE.get(movement) or HINGE_RANGE[part, movement]
        yield f"{side}_{part} {movement}", angle, *limits, 1.0
    for part, (axis, low, high) in TWIST_RANGE.items():
        swing, twist = swing_twist(local[part], np.array(axis))
        angle = 2 * np.arctan2(twist[:, 1:] @ axis, np.array(twist[:, 0]))
        yield f"{side}_{part} twist", (angle + np.pi) % (2 * np.pi) - np.pi, low, high, swing[:, 0] ** 2


def _relative(role, turns):
    """Turn (F, 4) of a segment in the next one up the body that is known."""
    above = ROLE_PARENT[role]
    while above not in turns:
        above = ROLE_PARENT[above]
    return multiply(conjugate(turns[above]), turns[role])
