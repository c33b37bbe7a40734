"""What each format can hold of a motion, by the table beside this file (table.toml)."""

import tomllib
from functools import cache
from importlib.resources import files

import numpy as np

from graphics_ml.motion.motion import Motion

# For each property whether a motion makes use of it.
_USED = {
    "rest_orientations": lambda motion: np.abs(motion.skeleton.rest_orientations[:, 1:]).max() > 1e-9,
    "local_positions": lambda motion: motion.local_positions is not None,
    "end_sites": lambda motion: bool(motion.skeleton.end_sites),
    "confidence": lambda motion: motion.confidence is not None,
    "provenance": lambda motion: bool(motion.provenance),
}
PROPERTIES = ("any_skeleton", *_USED, "frame_rate")


@cache
def table() -> dict[str, dict[str, bool | str]]:
    """{format: {property: true, or what becomes of it}}."""
    return tomllib.loads(files(__package__).joinpath("table.toml").read_text(encoding="utf-8"))


def losses(motion: Motion, format: str) -> tuple[str, ...]:
    """What this format cannot hold of this motion, a sentence each; none for a format that the table does not have."""
    row = table().get(format, {})
    return tuple(row[name] for name, used in _USED.items() if row.get(name, True) is not True and used(motion))
