"""What a motion file does not say: the length of its unit, and which axis points up.

Both are read off the body. Its size tells the unit: the longest way along the bones from one joint to another, hand to
foot, is about 1.35 body heights, whatever the pose. The way from the feet to the head tells the axis.
"""

import re

import numpy as np

METRES = {"m": 1.0, "cm": 0.01, "mm": 0.001, "inch": 0.0254, "cmu": 0.0254 / 0.45}
"""Metres per unit. "cmu": the Carnegie Mellon database's own, inches divided by 0.45."""

# The units in the order they are tried, each with the body heights, in metres, that speak for it. Inches come before
# centimetres for adults only: a body of 0.7 m in centimetres is rarer than one of 1.8 m in inches, but one of 0.9 m,
# a cartoon's, is not.
_PLAUSIBLE = (("m", 0.5, 2.6), ("inch", 1.5, 2.0), ("cm", 0.5, 2.6), ("mm", 0.5, 2.6), ("cmu", 0.5, 2.6))
_REACH_PER_HEIGHT = 1.35

# For each up axis, where our x, y, z are found in the file's, and their signs: Y is up here.
_AXES = {
    "Y": ((0, 1, 2), (1, 1, 1)),
    "Z": ((0, 2, 1), (1, 1, -1)),
    "X": ((1, 0, 2), (-1, 1, 1)),
    "-Y": ((0, 1, 2), (-1, -1, 1)),
    "-Z": ((0, 2, 1), (1, -1, 1)),
    "-X": ((1, 0, 2), (1, -1, 1)),
}

_HEAD = re.compile(r"head|skull", re.IGNORECASE)
_TRUNK = re.compile(r"neck|chest|spine|thorax|torso", re.IGNORECASE)
_FOOT = re.compile(r"foot|feet|toe|ankle|heel", re.IGNORECASE)


def to_y_up(vectors, up: str):
    """Vectors (..., 3) of a file whose axis `up` points up, in our axes."""
    index, sign = _AXES[up]
    return vectors[..., list(index)] * np.array(sign, dtype=np.float64)


def from_y_up(vectors, up: str):
    """The inverse of to_y_up."""
    index, sign = _AXES[up]
    return (vectors * np.array(sign, dtype=np.float64))[..., np.argsort(index)]


def detect_unit(lengths, parents) -> str | None:
    """The unit in which a body of this size is plausible, or None.

    Args:
        lengths: (J,) of the bones from each joint's parent to it, in the file's unit.
        parents: J indices, -1 for the root.
    """
    height = _longest_way(lengths, parents) / _REACH_PER_HEIGHT
    for unit, low, high in _PLAUSIBLE:
        if low <= height * METRES[unit] <= high:
            return unit
    return None


def upward(names, parents, positions):
    """The direction (F, 3) from the feet to the head in some frames; shorter than 1 where the body does not stretch
    between them, and None without a head or trunk and a foot among the names.

    Args:
        names: J joint names.
        parents: J indices, -1 for the root.
        positions: (F, J, 3) world positions.
    """
    top = [j for j, name in enumerate(names) if _HEAD.search(name)]
    top = top or [j for j, name in enumerate(names) if _TRUNK.search(name)]
    feet = [j for j, name in enumerate(names) if _FOOT.search(name)]
    if not top or not feet:
        return None
    body = positions[:, top].mean(axis=1) - positions[:, feet].mean(axis=1)
    extent = np.ptp(positions[:, _trunk(parents) :], axis=1)
    size = np.linalg.norm(extent, axis=-1, keepdims=True) / np.sqrt(2)
    return body / np.maximum(np.maximum(size, np.linalg.norm(body, axis=-1, keepdims=True)), 1e-12)


def up_axis(directions) -> str | None:
    """The axis, "X", "Y" or "Z", along which directions from `upward` point, by their median; None for none."""
    if directions is None:
        return None
    body = middle(directions)
    axis = int(np.argmax(body))
    return "XYZ"[axis] if body[axis] > 0.7 else None


def floor_error(parents, positions, up: str) -> float:
    """How far the lowest joint of frames (F, J, 3) stays from zero along the axis `up`; small for feet on a floor."""
    lowest = positions[:, _trunk(parents) :, "XYZ".index(up)].min(axis=1)
    return float(abs(np.median(lowest)) + lowest.std())


def middle(values):
    """The median of an array's few rows, the higher of the two in the middle; np.median takes ten times as long."""
    return np.sort(values, axis=0)[len(values) // 2]


def _trunk(parents):
    """The first joint that branches: those before it may be a point on the floor that the body moves away from."""
    children = np.bincount(np.asarray(parents) + 1, minlength=len(parents) + 1)[1:]
    return int(np.argmax(children != 1))


def _longest_way(lengths, parents):
    lengths, deepest = np.asarray(lengths).tolist(), [0.0] * len(parents)
    longest = 0.0
    for joint in range(len(parents) - 1, _trunk(parents), -1):
        parent, branch = parents[joint], deepest[joint] + lengths[joint]
        longest = max(longest, deepest[parent] + branch)
        deepest[parent] = max(deepest[parent], branch)
    return longest
