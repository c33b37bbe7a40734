# SPDX-License-Identifier: GPL-3.0-or-later
"""Headgear and beards as volumes of their own over the head, one field per style, in head millimetres (see `head`)."""

import numpy as np

from graphics_ml.blender.characters.field import ellipsoid, smooth_max, smooth_min, smoothstep
from graphics_ml.blender.characters.hair import scalp
from graphics_ml.blender.characters.head import Head

HOOD_LOW = -150.0
"""Where a hood ends in the collar, mm."""


def headgear_field(head: Head, style: str, over_hair: float):
    """The field of headgear, a function of world coordinates (metres).

    Args:
        style: one of `HEADGEAR` but "none".
        over_hair: mm of hair below it.
    """
    field = {"cap": _cap, "hat": _hat, "beanie": _beanie, "hood": _hood}[style]
    return lambda x, y, z: field(*head.coordinates(x, y, z), over_hair) * head.unit


def hair_under(headgear: str, hair: str) -> str:
    """The hair style that is seen: what stands up is pressed down, and a hood hides what hangs."""
    if headgear == "none" or hair == "bald" or (headgear != "hood" and hair in ("bob", "long")):
        return hair
    return "buzz"


def beard_field(head: Head, style: str):
    """The field of a beard, a function of world coordinates (metres): thick skin on jaw and upper lip.

    Nowhere so thick that what lies under it would count as hidden, see geometry.ray_labels.
    """
    full = style == "full"

    def field(x, y, z):
        s, f, u = head.coordinates(x, y, z)
        thick = 3.5 if not full else 6.0 + 6.0 * smoothstep(-u, 85.0, 112.0)
        top = np.interp(f, (5.0, 20.0, 50.0, 75.0, 95.0), (-4.0, -24.0, -50.0, -53.0, -51.0))
        low = np.interp(f, (0.0, 20.0, 80.0), (-74.0, -88.0, -122.0 - 6.0 * full))
        mouth = (1.0 - np.hypot(s / 25.5, (u + 67.5) / 11.0)) * 11.0
        region = np.maximum(np.maximum((u - top) * 0.8, low - u), np.maximum(2.0 - f, np.where(f > 60.0, mouth, -20.0)))
        return smooth_max(head.bare_head(x, y, z) / head.unit - thick, region, 4.0) * head.unit

    return field


def _cap(s, f, u, over_hair):
    crown = smooth_max(scalp(s, f, u, 9.0 + over_hair), 10.0 + 0.30 * f - u, 5.0)
    drooped = u - 41.0 + 0.004 * s * s + 0.16 * (f - 92.0)
    visor = _sheet(drooped, ellipsoid(s, f, 0.0 * u, (0.0, 94.0, 0.0), (68.0, 80.0 + over_hair, 68.0)))
    return smooth_min(crown, visor, 6.0)


def _hat(s, f, u, over_hair):
    crown = smooth_max(scalp(s, f, u, 10.0 + over_hair), 30.0 - u, 5.0)
    dent = ellipsoid(s, f, u, (0.0, 0.0, 150.0 + over_hair), (20.0, 70.0, 30.0))
    brim = _sheet(u - 36.0 + 0.0006 * s * s, ellipsoid(s, f, 0.0 * u, (0.0, 4.0, 0.0), (140.0, 160.0, 140.0)))
    return smooth_min(smooth_max(crown, -dent, 14.0), brim, 8.0)


def _sheet(level, outline):
    """A plate 13 mm thick: thinner ones fall between the cells of coarse meshes."""
    return smooth_max(np.abs(level) - 6.5, outline, 4.0)


def _beanie(s, f, u, over_hair):
    edge = 6.0 + 0.36 * f - u
    fold = 4.0 * (1.0 - smoothstep(-edge, 42.0, 48.0))
    knit = 10.0 + over_hair + fold + 8.0 * smoothstep(u, 70.0, 120.0)
    return smooth_max(scalp(s, f, u, knit), edge, 5.0)


def _hood(s, f, u, over_hair):
    value = ellipsoid(s, f, u, (0.0, -8.0, -20.0), (99.0, 121.0, 158.0))
    value = smooth_max(value, HOOD_LOW - 20.0 - u, 12.0)
    face = f - np.interp(u, (-150.0, -110.0, -60.0, 20.0, 60.0, 95.0), (28.0, 36.0, 44.0, 54.0, 74.0, 112.0))
    return smooth_max(value, face, 14.0)
