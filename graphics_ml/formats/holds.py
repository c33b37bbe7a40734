"""What each format can hold of a motion, by the table beside this file (table.toml)."""

import tomllib
from functools import cache
from importlib.resources import files

import numpy as np

from graphics_ml.formats import bodies
from graphics_ml.motion.motion import Motion


def losses(motion: Motion, format: str) -> tuple[str, ...]:
    """What this format cannot hold of this motion, a phrase each; none for a format that the table does not have."""
    row = table().get(format, {})
    return tuple(row[name] for name, used in _USED.items() if row.get(name, True) is not True and used(motion, row))


def changes(motion: Motion, format: str) -> tuple[str, ...]:
    """Those of the losses for which the motion is another when it is read again."""
    held_back = losses(motion, format)
    row = table().get(format, {})
    return tuple(row[name] for name in _CHANGING if row.get(name) in held_back)


@cache
def table() -> dict[str, dict]:
    """{format: {property: true, or what is not held}}, and the keys that the table's head explains."""
    return tomllib.loads(files(__package__).joinpath("table.toml").read_text(encoding="utf-8"))


def _has_other_joints(motion, row):
    return not any(_has_joints(motion, name) for name in row["bodies"])


def _has_other_bones(motion, row):
    same = [bodies.same_proportions(motion.skeleton, name) for name in row["bodies"] if _has_joints(motion, name)]
    return bool(same) and not any(same)


def _has_rest_orientations(motion, row):
    return np.abs(motion.skeleton.rest_orientations[:, 1:]).max() > 1e-9


def _has_joints(motion, name):
    return bodies.has_joints_of(motion.skeleton, name)


# For each property whether a motion makes use of it.
_USED = {
    "any_skeleton": _has_other_joints,
    "proportions": _has_other_bones,
    "rest_orientations": _has_rest_orientations,
    "place": lambda motion, row: True,
    "twist": lambda motion, row: True,
    "hands": lambda motion, row: len(motion.skeleton) > len(bodies.skeleton(row["bodies"][0])),
    "local_positions": lambda motion, row: motion.local_positions is not None,
    "frame_rate": lambda motion, row: motion.fps != row.get("read_at", motion.fps),
    "end_sites": lambda motion, row: bool(motion.skeleton.end_sites),
    "confidence": lambda motion, row: motion.confidence is not None,
    "contacts": lambda motion, row: motion.contacts is not None,
    "provenance": lambda motion, row: bool(motion.provenance),
}
PROPERTIES = tuple(_USED)
_CHANGING = ("proportions", "place", "local_positions", "frame_rate")
