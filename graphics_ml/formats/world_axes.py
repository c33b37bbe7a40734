"""Joint frames along the world's axes in the rest pose, which is then the zero pose, as many formats have it."""

import numpy as np

from graphics_ml.motion.kinematics import global_rotations
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.rotations import conjugate, multiply, rotate
from graphics_ml.motion.skeleton import EndSite, Skeleton


def on_world_axes(motion: Motion) -> Motion:
    """The same world positions with every joint's frame along the world's axes in the rest pose."""
    skeleton = motion.skeleton
    rest, of_parent = _rest(skeleton)
    if np.abs(rest[:, 1:]).max() < 1e-12:
        return motion
    local = motion.local_positions
    ends = tuple(EndSite(end.joint, rotate(rest[end.joint], end.offset), end.name) for end in skeleton.end_sites)
    return motion.replace(
        skeleton=skeleton.replace(
            offsets=rotate(of_parent, skeleton.offsets), rest_orientations=None, end_sites=ends, channels=None
        ),
        rotations=multiply(of_parent, multiply(motion.rotations, conjugate(rest))),
        local_positions=None if local is None else rotate(of_parent, local),
    )


def world_offsets(skeleton: Skeleton) -> np.ndarray:
    """What the offsets (J, 3) of a skeleton are on such frames."""
    return rotate(_rest(skeleton)[1], skeleton.offsets)


def _rest(skeleton):
    """World rotations (J, 4) in the rest pose of the joints and of their parents."""
    rest = global_rotations(skeleton.rest_orientations, skeleton.parents)
    return rest, np.stack([[1.0, 0, 0, 0] if parent < 0 else rest[parent] for parent in skeleton.parents])
