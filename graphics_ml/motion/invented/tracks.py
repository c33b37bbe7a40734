"""What a body does, as numbers over time that can be drawn, blended and mirrored: the controls of an animator's rig.

A row of Tracks is a pose. Feet are given where they stand in the world, wrists about their shoulders, the rest as
angles; solve.py turns that into rotations of joints. Because every number is one that may be blended with another
pose's, feet that stand in the same place in two poses stay there in between. Lengths in body heights, angles in
radians; what belongs to a side counts outwards, upwards, forwards, so both sides have the same signs.
"""

import numpy as np

from graphics_ml.motion.invented.body import HIP_WIDTH, HIPS, SIDES
from graphics_ml.motion.rotations import normalize

# Of the whole body: name to its numbers.
_MIDDLE = {
    "hips": ("x", "y", "z"),  # world
    "pelvis": ("turn", "lean", "roll"),  # about y, then x (forwards), then z (left side up)
    "lumbar": ("flexion", "bend", "twist"),  # forwards, to the left, to the left
    "thorax": ("flexion", "bend", "twist"),
    "neck": ("flexion", "bend", "twist"),
    "head": ("flexion", "bend", "twist"),
}
# Of each side.
_SIDED = {
    "clavicle": ("elevation", "retraction"),
    "wrist": ("up", "out", "reach"),  # about the shoulder, see wrist_direction; reach in arm lengths
    "elbow": ("swivel",),  # about the line from shoulder to wrist; positive lifts the elbow outwards
    "hand": ("supination", "extension", "deviation"),
    "fingers": ("curl", "thumb", "spread"),  # curl 0 flat .. 1 fist
    "touch": ("x", "y", "z", "weight"),  # world place of the wrist, and how much it counts against `wrist`
    "lay": ("turn", "lean", "roll", "weight"),  # world turn of the hand, and how much it counts against `hand`
    "sole": ("x", "lift", "z"),  # world: under the ankle of the flat foot; lift of the whole foot
    "foot": ("turn", "pitch", "roll"),  # pitch about the ball (heel up, positive) or the heel (toes up)
    "toes": ("extension",),  # beyond what the floor asks for
    "knee": ("swivel",),
    "leg": ("flexion", "abduction", "rotation", "knee", "ankle", "weight"),  # a leg that does not stand
}


def _columns():
    columns, first = {}, 0
    for name, numbers in _MIDDLE.items():
        columns[name] = slice(first, first + len(numbers))
        first += len(numbers)
    for side in SIDES:
        for name, numbers in _SIDED.items():
            columns[f"{side}_{name}"] = slice(first, first + len(numbers))
            first += len(numbers)
    return columns, first


COLUMNS, WIDTH = _columns()
# Numbers that change sign in the mirror.
_ODD = {"hips": (0,), "pelvis": (0, 2), "lumbar": (1, 2), "thorax": (1, 2), "neck": (1, 2), "head": (1, 2)}
_ODD_SIDED = {"touch": (0,), "lay": (0, 2), "sole": (0,), "foot": (0, 2)}


class Tracks:
    """F poses.

    Args:
        values: (F, WIDTH). `tracks["left_sole"]` is a view of its columns (F, 3), and can be assigned to.
    """

    def __init__(self, values: np.ndarray):
        self.values = values

    @classmethod
    def empty(cls, frames: int) -> "Tracks":
        """F rows of zeros."""
        return cls(np.zeros((frames, WIDTH)))

    def __len__(self):
        return len(self.values)

    def __getitem__(self, name: str) -> np.ndarray:
        return self.values[:, COLUMNS[name]]

    def __setitem__(self, name: str, value):
        self.values[:, COLUMNS[name]] = value

    def copy(self) -> "Tracks":
        """The same numbers in an array of their own."""
        return Tracks(self.values.copy())

    def mirrored(self) -> "Tracks":
        """Left and right changed over, x turned round."""
        result = Tracks(self.values.copy())
        for name, odd in _ODD.items():
            result[name][:, odd] *= -1
        for name in _SIDED:
            left, right = f"left_{name}", f"right_{name}"
            result[left], result[right] = self[right], self[left]
            for side in SIDES if name in _ODD_SIDED else ():
                result[f"{side}_{name}"][:, _ODD_SIDED[name]] *= -1
        return result


def standing(frames: int) -> Tracks:
    """F poses of standing still with hanging arms, over the origin, facing +Z."""
    tracks = Tracks.empty(frames)
    tracks["hips"] = (0, HIPS - 0.004, 0)
    for side, sign in SIDES.items():
        tracks[f"{side}_wrist"] = (*wrist_about(np.array([0.17, -0.98, 0.06])), 0.975)
        tracks[f"{side}_hand"] = (-0.25, 0.0, 0.0)
        tracks[f"{side}_fingers"] = (0.3, 0.3, 0.2)
        tracks[f"{side}_sole"] = (sign * HIP_WIDTH, 0, 0)
        tracks[f"{side}_foot"] = (sign * 0.1, 0, 0)
    return tracks


CENTRE = normalize(np.array([0.45, -0.45, 0.77]))
"""The middle of where hands are, ahead, below and outside of the left shoulder; what is opposite no wrist reaches."""
_RISE = normalize(np.array([0.0, 1, 0]) - CENTRE[1] * CENTRE)
_OUT = np.cross(_RISE, CENTRE)


def wrist_direction(up, out):
    """Directions (..., 3) from the left shoulder to the wrist in the chest's frame: the arcs of length (up, out) from
    the middle of where hands are. Straight lines between two such pairs are arcs about the shoulder."""
    angle = np.hypot(up, out)
    along = np.sinc(angle / np.pi)
    return np.cos(angle)[..., None] * CENTRE + along[..., None] * (up[..., None] * _RISE + out[..., None] * _OUT)


def wrist_about(direction):
    """(up, out), (..., 2): the inverse of wrist_direction, of directions (..., 3) of any length."""
    direction = normalize(np.asarray(direction, dtype=np.float64))
    ahead = direction @ CENTRE
    aside = np.stack((direction @ _RISE, direction @ _OUT), axis=-1)
    size = np.linalg.norm(aside, axis=-1)
    angle = np.arctan2(size, ahead)
    return aside * (angle / np.maximum(size, 1e-9))[..., None]
