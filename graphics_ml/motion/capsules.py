"""A body as capsules, lines with a radius about them: what hands touch, and what limbs run into.

Radii are those of people, in proportion to the bones: half breadths, and circumferences over 2 pi, of ANSUR II (Gordon
et al., "2012 Anthropometric Survey of U.S. Army Personnel", 2014) over the same bones' lengths at that stature (Winter,
"Biomechanics and Motor Control of Human Movement", 2009, figure 4.1). A trunk that is out of proportion itself does not
count alone: shoulders and hips tell as well how large a trunk is, and no head is broader than the shoulders.
"""

from dataclasses import dataclass

import numpy as np

from graphics_ml.motion.body_frames import Body
from graphics_ml.motion.body_shape import carried_joints
from graphics_ml.motion.kinematics import forward_kinematics, local_rotations
from graphics_ml.motion.part import Part
from graphics_ml.motion.rotations import conjugate, rotate

SIDES = ("left", "right")
TORSO = ("trunk", "left_flank", "right_flank")
CORE = (*TORSO, "neck", "head", "left_thigh", "right_thigh", "left_shin", "right_shin")
ARM = ("upper_arm", "forearm")
ROLES = ("hips", "head", *(f"{side}_{part}" for side in SIDES for part in ("hand", "foot", "toes")))
"""Joints whose places, with those above them, give all capsules, and where the feet are."""

# Radius over length: of a limb's bone; of the trunk, from the middle of the hip joints to that of the shoulders.
_LIMB = {"thigh": 0.20, "shin": 0.13, "upper_arm": 0.16, "forearm": 0.15}
_TRUNK, _FLANK, _NECK = 0.24, 0.18, 0.12
_TO_CHEST, _TO_SHOULDER = 0.75, 0.55  # shares of the way: the trunk's line up, and the flanks' out
_CROWN, _HEAD = 0.39, 0.45  # trunks from the head's joint to the crown; radius over that
_SHOULDERS, _HIPS = 0.74, 0.36  # trunks between the shoulder joints, and the hip joints, of our standard body
_HAIR = 1.1  # shoulder widths; heads that are higher, half as wide as the shoulders then, have ears, hair or a hat on
_PALM, _HAND = 0.37, 0.07  # forearms from the wrist to the middle knuckle; half a palm's thickness


@dataclass(frozen=True)
class Capsules:
    """The capsules of a body.

    Args:
        part: the joints that they need, of the body whose they are.
        radii: name to metres, of CORE and of both arms' ARM ("left_forearm", ...).
        palms: (2, 3) metres, from the wrist to the palm in the hand's own frame, left and right.
        palm: metres, half its thickness.
        crown: (3,) metres, from the head's joint to the crown in its own frame; zero where there is no head.
        reach: metres, from shoulder to wrist along the bones.
    """

    part: Part
    radii: dict[str, float]
    palms: np.ndarray
    palm: float
    crown: np.ndarray
    reach: float

    @classmethod
    def of(cls, body: Body) -> "Capsules":
        """Of people's radii."""
        turns, places = body.standing, _standing_places(body)
        at = {role: places[joint] for role, joint in body.joints.items()}

        def length(a, b):
            return float(np.mean([np.linalg.norm(at[f"{side}_{b}"] - at[f"{side}_{a}"]) for side in SIDES]))

        forearm, upper_arm = length("forearm", "hand"), length("upper_arm", "forearm")
        limbs = {"thigh": length("thigh", "shin"), "shin": length("shin", "foot")}
        limbs |= {"upper_arm": upper_arm, "forearm": forearm}
        shoulders, hips = (_middle(at, part) for part in ("upper_arm", "thigh"))
        width = float(np.linalg.norm(at["left_upper_arm"] - at["right_upper_arm"]))
        hip_width = float(np.linalg.norm(at["left_thigh"] - at["right_thigh"]))
        # The trunk of people that this one is like: one measure that is out of proportion decides nothing.
        trunk = float(np.median([np.linalg.norm(shoulders - hips), width / _SHOULDERS, hip_width / _HIPS]))
        crown = _crown(body, turns, places, _CROWN * trunk, _HAIR * width)
        radii = {f"{side}_{part}": _LIMB[part] * limbs[part] for side in SIDES for part in _LIMB}
        radii |= {"trunk": _TRUNK * trunk, "left_flank": _FLANK * trunk, "right_flank": _FLANK * trunk}
        radii |= {"neck": _NECK * trunk, "head": _HEAD * float(np.linalg.norm(crown))}
        palms = np.array([_palm(body, side, at, _PALM * forearm) for side in SIDES])
        return cls(Part(body, ROLES), radii, palms, _HAND * forearm, crown, upper_arm + forearm)

    def points(self, rotations, root_positions, offsets) -> dict[str, np.ndarray]:
        """Places (3, F) of the joints by role, and of both palms ("left_palm") and the crown, of a motion's arrays."""
        return self.points_of(*self.part.transforms(rotations, root_positions, offsets))

    def points_of(self, turns, places) -> dict[str, np.ndarray]:
        """As `points`, of the world rotations (F, N, 4) and places (F, N, 3) of the part's joints."""
        joints = self.part.body.joints
        found = {role: np.ascontiguousarray(places[:, joint].T) for role, joint in joints.items()}
        for side, palm in zip(SIDES, self.palms, strict=True):
            hand = joints[f"{side}_hand"]
            found[f"{side}_palm"] = found[f"{side}_hand"] + rotate(turns[:, hand], palm).T
        head = joints.get("head", joints["hips"])
        found["crown"] = found.get("head", _middle(found, "upper_arm")) + rotate(turns[:, head], self.crown).T
        return found

    def lines(self, points, names) -> tuple[np.ndarray, np.ndarray]:
        """Where capsules begin and end: two (B, 3, F), of `points`."""
        ends = {name: self._line(points, name) for name in names}
        return tuple(np.stack([ends[name][end] for name in names]) for end in (0, 1))

    def _line(self, points, name):
        side, _, part = name.partition("_")
        if part in _LIMB:
            after = {"thigh": "shin", "shin": "foot", "upper_arm": "forearm", "forearm": "hand"}[part]
            return points[name], points[f"{side}_{after}"]
        shoulders = _middle(points, "upper_arm")
        if name == "trunk":
            hips = _middle(points, "thigh")
            return hips, hips + _TO_CHEST * (shoulders - hips)
        if part == "flank":
            hip = points[f"{side}_thigh"]
            top = shoulders + _TO_SHOULDER * (points[f"{side}_upper_arm"] - shoulders)
            return hip, hip + _TO_CHEST * (top - hip)
        head = points.get("head", shoulders)
        if name == "neck":
            return shoulders, head
        return head + 0.4 * (points["crown"] - head), head + 0.6 * (points["crown"] - head)


def gaps(point, begins, ends, radii):
    """How far points are from the surfaces of capsules; negative inside.

    Args:
        point: (3, F) or (B, 3, F).
        begins, ends: (B, 3, F).
        radii: (B,), the capsules' and the point's own together.

    Returns:
        (B, F) metres; the nearest places on the capsules' lines (B, 3, F); and directions (B, 3, F) from there.
    """
    along = ends - begins
    share = dot(point - begins, along) / np.maximum(dot(along, along), 1e-12)
    nearest = begins + np.clip(share, 0, 1)[:, None] * along
    away = point - nearest
    distance = np.sqrt(dot(away, away))
    return distance - radii[:, None], nearest, away / np.maximum(distance, 1e-9)[:, None]


def self_penetration(motion, body: Body) -> np.ndarray:
    """How deep arms are inside the body: the sum over elbows, middles of forearms, wrists and palms of their depth in
    the capsules of trunk, neck, head and legs and of the other arm, (F,) metres.

    Args:
        motion: of the body's skeleton.
    """
    capsules = Capsules.of(body)
    points = capsules.points(motion.rotations, motion.root_positions, motion.offsets)
    total = np.zeros(len(motion))
    for side, other in zip(SIDES, SIDES[::-1], strict=True):
        names = (*CORE, *(f"{other}_{part}" for part in ARM))
        begins, ends = capsules.lines(points, names)
        radii = np.array([capsules.radii[name] for name in names])
        elbow, wrist, palm = (points[f"{side}_{part}"] for part in ("forearm", "hand", "palm"))
        for point in (elbow, (elbow + wrist) / 2, wrist, palm):
            total += np.maximum(-gaps(point, begins, ends, radii)[0], 0).sum(axis=0)
    return total


def dot(a, b):
    """Products (..., F) of vectors (..., 3, F)."""
    return a[..., 0, :] * b[..., 0, :] + a[..., 1, :] * b[..., 1, :] + a[..., 2, :] * b[..., 2, :]


def _middle(points, part):
    return (points[f"left_{part}"] + points[f"right_{part}"]) / 2


def _standing_places(body):
    skeleton = body.skeleton
    local = local_rotations(body.standing, skeleton.parents)
    return forward_kinematics(local, skeleton.offsets[0], skeleton.offsets, skeleton.parents)


def _palm(body, side, at, length):
    """From wrist to palm in the hand's frame: to the middle knuckle, or as far ahead as it would be."""
    hand = body.joints[f"{side}_hand"]
    if f"{side}_middle_1" in at:
        return rotate(conjugate(body.standing[hand]), at[f"{side}_middle_1"] - at[f"{side}_hand"])
    return rotate(body.frames[f"{side}_hand"], np.array([length if side == "left" else -length, 0.0, 0.0]))


def _crown(body, turns, places, usual, most):
    """From the head's joint up to the highest joint that hangs on it, or its bone's end, in its own frame; no further
    than `most`."""
    head = body.joints.get("head")
    if head is None:
        return np.zeros(3)
    skeleton = body.skeleton
    tops = [places[j] - places[head] for j in carried_joints(skeleton, head)[1:]]
    tops += [rotate(turns[head], end.offset) for end in skeleton.end_sites if end.joint == head]
    up = rotate(turns[head], rotate(body.frames["head"], np.array([0.0, 1, 0])))
    height = max((float(top @ up) for top in tops), default=0.0)
    height = min(height if height > 0.3 * usual else usual, most)
    return rotate(body.frames["head"], np.array([0.0, height, 0.0]))
