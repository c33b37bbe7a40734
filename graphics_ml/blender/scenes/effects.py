# SPDX-License-Identifier: GPL-3.0-or-later
"""What lens, sensor and codec do to a frame, as numbers; images/effects.py does it to the pixels. No bpy here."""

import numpy as np

from graphics_ml.blender.scenes.surroundings import Effects


def draw(section: Effects, rng: np.random.Generator) -> dict:
    """A frame's effects, plain values that images.effects.apply takes."""
    values = section.draw(rng)
    return values | dict(direction=float(rng.uniform(0, 180)), seed=int(rng.integers(2**31)))
