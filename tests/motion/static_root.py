"""The same movement in a file whose root stays still, as Bandai-Namco's do."""

import numpy as np

from graphics_ml.motion.motion import Motion
from graphics_ml.motion.skeleton import Skeleton


def under_static_root(motion: Motion) -> Motion:
    """The motion hung under a root of its own that stands at the origin; what was the root is joint 1."""
    skeleton = motion.skeleton
    count, joints = len(motion), len(skeleton)
    hung = Skeleton(
        ("static", *skeleton.names),
        (-1, *(parent + 1 for parent in skeleton.parents)),
        np.concatenate((np.zeros((1, 3)), skeleton.offsets)),
        np.concatenate(([[1.0, 0, 0, 0]], skeleton.rest_orientations)),
    )
    local = np.tile(hung.offsets, (count, 1, 1))
    local[:, 1] = motion.root_positions
    still = np.tile([1.0, 0, 0, 0], (count, 1, 1))
    rotations = np.concatenate((still, motion.rotations), axis=1)
    confidence = None if motion.confidence is None else np.ones((count, joints + 1))
    return Motion(hung, rotations, np.zeros((count, 3)), motion.fps, local_positions=local, confidence=confidence)
