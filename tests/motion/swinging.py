"""A body that moves in a known way."""

import numpy as np

from graphics_ml.motion.humanoid import standard_skeleton
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.rotations import quaternion_from_axis_angle

FPS = 30.0


def swinging(frames, speed=None):
    """Joints that swing to and fro at 1 Hz, or turn at a constant speed in rad/s; the root walks."""
    skeleton = standard_skeleton()
    time = np.arange(frames) / FPS
    angle = 0.5 * np.sin(2 * np.pi * time) if speed is None else speed * time
    axis = np.random.default_rng(3).normal(size=(len(skeleton), 3))
    axis /= np.linalg.norm(axis, axis=-1, keepdims=True)
    root = np.stack((0 * time, 0.9 + 0 * time, 1.2 * time), axis=-1)
    return Motion(skeleton, quaternion_from_axis_angle(angle[:, None, None] * axis), root, 30)
