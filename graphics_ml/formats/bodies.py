"""The skeletons of formats that hold one body only, by name, from the tables beside this file (tables/*.toml).

Each table names its source. The rest pose is the zero pose, all rest orientations identity: a T-pose, Y up, facing +Z.
"""

import tomllib
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np

from graphics_ml.body_names import BODIES as NAMES
from graphics_ml.errors import GraphicsMLError, OutputError
from graphics_ml.formats.world_axes import on_world_axes, world_offsets
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.skeleton import Skeleton
from graphics_ml.wording import suggestion


@cache
def skeleton(name: str) -> Skeleton:
    """The skeleton of a body, of mean proportions.

    Args:
        name: one of NAMES.

    Raises:
        GraphicsMLError: there is no such body.
    """
    joints = table(name)["joints"]
    names = list(joints)
    parents = [names.index(one["parent"]) if one["parent"] else -1 for one in joints.values()]
    return Skeleton(names, parents, [one["offset"] for one in joints.values()])


@cache
def table(name: str) -> dict:
    """The table of a body: `source`, `joints`, and `fps` where its files hold no rate; raises as skeleton."""
    if name not in NAMES:
        raise GraphicsMLError(f"there is no body '{name}'{suggestion(name, NAMES)}")
    return tomllib.loads(files(__package__).joinpath("tables", f"{name}.toml").read_text(encoding="utf-8"))


def has_joints_of(other: Skeleton, name: str) -> bool:
    """Whether a skeleton has just the joints of a body, under the same names and parents, in any order."""
    return _tree(other) == _tree(skeleton(name))


def same_proportions(other: Skeleton, name: str, tolerance: float = 1e-4) -> bool:
    """Whether such a skeleton has a body's bones to within `tolerance` metres; where its root rests does not count."""
    body = skeleton(name)
    order = [other.index(joint) for joint in body.names[1:]]
    return bool(np.abs(world_offsets(other)[order] - body.offsets[1:]).max() <= tolerance)


def on_body(motion: Motion, name: str) -> Motion:
    """The same motion with the joints, and their frames, of a body that has_joints_of; bones keep their lengths."""
    motion, body = on_world_axes(motion), skeleton(name)
    order = [motion.skeleton.index(joint) for joint in body.names]
    local, confidence = motion.local_positions, motion.confidence
    return motion.replace(
        skeleton=Skeleton(body.names, body.parents, motion.skeleton.offsets[order]),
        rotations=motion.rotations[:, order],
        local_positions=None if local is None else local[:, order],
        confidence=None if confidence is None else confidence[:, order],
    )


def ensure_joints_of(motion: Motion, name: str, path: Path, format: str) -> None:
    """Raise OutputError, which says how a motion gets onto a body, unless its skeleton has the body's joints."""
    if not has_joints_of(motion.skeleton, name):
        raise OutputError(
            path,
            None,
            f"{format} files hold only the {len(skeleton(name))} joints of {name}, which this motion's skeleton is "
            f"not; put it on them with graphics-ml retarget FILE --target {name} -o OUT{path.suffix} --format {format}",
        )


def _tree(of):
    return {name: of.names[parent] if parent >= 0 else "" for name, parent in zip(of.names, of.parents, strict=True)}
