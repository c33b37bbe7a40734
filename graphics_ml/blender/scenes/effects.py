# SPDX-License-Identifier: GPL-3.0-or-later
"""What lens, sensor and codec do to a frame, as numbers; images/effects.py does it to the pixels. No bpy here."""

import numpy as np

from graphics_ml.blender.scenes.surroundings import Effects
from graphics_ml.motion.camera import Camera


def draw(section: Effects, rng: np.random.Generator, size: float) -> dict:
    """A frame's effects, plain values that images.effects.apply takes.

    Args:
        size: pixels that the smallest person fills; what blurs is weakened until people of this size can be labelled.
    """
    values = section.draw(rng)
    # Standard deviations: of an even way of length L it is L / sqrt(12); of a picture made smaller by s, which spreads
    # a point over a square 1 / s wide and a triangle twice as wide, 1 / 2s.
    smear, coarse = values["motion_blur"] / 12**0.5, 0.5 / values["scale"] if values["scale"] < 1 else 0.0
    spread, most = float(np.hypot(np.hypot(values["blur"], smear), coarse)), section.softest * size
    if spread > most:
        weaker = most / spread
        values |= dict(blur=values["blur"] * weaker, motion_blur=values["motion_blur"] * weaker)
        values["scale"] = min(1.0, values["scale"] / weaker)
    return values | dict(direction=float(rng.uniform(0, 180)), seed=int(rng.integers(2**31)))


def smallest(camera: Camera, bodies: list[np.ndarray]) -> float:
    """The longer side, pixels, of the smallest person's box, cut off or not, of people given by vertices (V, 3) each;
    infinite where none is before the camera."""
    sizes = [np.inf]
    for vertices in bodies:
        seen = camera.project(vertices)
        seen = seen[~np.isnan(seen).any(axis=1)]
        if len(seen):
            sizes.append(float(np.ptp(seen, axis=0).max()))
    return min(sizes)
