# SPDX-License-Identifier: GPL-3.0-or-later
"""Hair as a volume of its own over the head, with locks; one field per style."""

import numpy as np

from graphics_ml.blender.characters.field import ellipsoid, smooth_max, smooth_min, smoothstep
from graphics_ml.blender.characters.head import Head


def hair_field(head: Head, style: str):
    """The field of a hair style.

    Args:
        style: one of `HAIR_STYLES` but "bald".

    Returns:
        function of world coordinates (metres), and the lowest point of the hair, metres.
    """
    field, low = _STYLES[style]
    return lambda x, y, z: field(head, x, *head.coordinates(x, y, z)) * head.unit, head.place((0, 0, low))[2]


def shaded(head: Head, style: str):
    """A level over world coordinates (metres), negative in the darker strands between locks; a close crop has none."""

    def level(x, y, z):
        s, f, u = head.coordinates(x, y, z)
        bend = _combed(s * np.sign(x), f - 4.0, u)
        return 0.15 - np.cos(16.0 * bend) - 0.7 * np.cos(26.0 * bend + 2.0)

    return (lambda x, y, z: np.ones_like(x)) if style == "buzz" else level


def scalp(s, f, u, thickness):
    """A cap of a thickness over the skull, all in head millimetres."""
    return ellipsoid(s, f, u, (0.0, 1.0, 30.0), (77.5 + 0.8 * thickness, 98.0 + thickness, 87.0 + thickness))


def _locks(x, s, f, u):
    """Locks that run from the crown down, uneven in width: 1 along their middles, -1 in the creases between them."""
    across, along = s * np.sign(x), f - 4.0
    out = np.minimum(np.hypot(across, along) / 40.0, 1.0)
    bend = _combed(across, along, u)
    return out * (1.3 * np.abs(np.sin(8.0 * bend)) + 0.7 * np.abs(np.sin(13.0 * bend + 1.0)) - 1.0)


def _combed(across, along, u):
    """Angle about the crown that stays the same along a wavy lock."""
    angle = np.arctan2(across, along + 1e-9)
    return angle + 0.12 * np.sin(3.0 * angle + 0.03 * u) + 0.004 * u + 0.04 * np.sin(2.0 * angle + 0.06 * u)


def _within_hairline(head, x, s, f, u, value, tips=0.0):
    """Hair where it grows, at least a close crop over the skin itself; `tips` (mm) of it fall over the hairline."""
    y, z = _world(head, s, f, u)
    value = smooth_min(value, head.skin(x, y, z) / head.unit - 2.5, 8.0)
    return smooth_max(value, head.hairline(x, y, z) - tips, 7.0)


def _world(head, s, f, u):
    return head.origin[1] - f * head.size[1], head.origin[2] + u * head.size[2]


def _buzz(head, x, s, f, u):
    return _within_hairline(head, x, s, f, u, scalp(s, f, u, 0.0))


def _short(head, x, s, f, u):
    right = s * np.sign(x)
    top = smoothstep(u, 25.0, 95.0)
    quiff = (7.0 + 3.0 * smoothstep(-right, -30.0, 40.0)) * smoothstep(f, 10.0, 85.0) * smoothstep(u, 55.0, 85.0)
    part = 3.5 * np.exp(-(((right - 36.0) / 5.0) ** 2)) * top * smoothstep(f, -40.0, 20.0)
    locks = _locks(x, s, f, u)
    thickness = 4.0 + 9.0 * top + quiff - part + (1.6 + 1.4 * top) * locks
    return _within_hairline(head, x, s, f, u, scalp(s, f, u, thickness), 3.0 * locks)


def _cap(head, x, s, f, u, thickness, fringe=0.0):
    """Hair combed from a parting, thin at the hairline; `fringe` (mm) lets it fall over one side of the forehead."""
    right = s * np.sign(x)
    y, z = _world(head, s, f, u)
    swept = fringe * smoothstep(-right, -34.0, 30.0) * smoothstep(f, 40.0, 80.0)
    line = head.hairline(x, y, z) - swept
    rise = smoothstep(-line, -2.0, 26.0)
    part = 4.0 * np.exp(-(((right - 34.0) / 5.0) ** 2)) * smoothstep(u, 60.0, 95.0) * smoothstep(f, -50.0, 0.0)
    locks = _locks(x, s, f, u)
    comb = 2.2 * locks + 0.8 * np.sin(0.28 * right - 0.10 * f)
    volume = scalp(s, f, u, 2.5 + (thickness - 2.5) * rise + comb * rise - part)
    return smooth_max(volume, line - 2.5 * locks, 5.0)


def _curtain(head, x, s, f, u, low, fringe):
    """Hair that falls past the ears to `low`, open at the face."""
    right = s * np.sign(x)
    cap = _cap(head, x, s, f, u, 10.0, fringe)
    drop = np.clip((20.0 - u) / (20.0 - low), 0.0, 1.0)
    wide, deep = 86.0 + 7.0 * np.sin(2.6 * drop), 102.0 + 2.0 * np.sin(3.0 * drop) - 14.0 * drop**2
    level = np.sqrt((s / wide) ** 2.0 + ((f - 3.0) / deep) ** 2)
    locks = _locks(x, s, f, u)
    shell = (level - 1.0) * 84.0 - 3.4 * locks
    shell = smooth_max(shell, -(shell + 20.0), 6.0)
    tips = low + 3.0 * np.sin(0.13 * right + 0.05 * f) + 0.10 * (f - 10.0) - 6.0 * locks
    shell = smooth_max(shell, np.maximum(u - 40.0, tips - u), 16.0)
    face = f - np.interp(u, (low, -100.0, -60.0, -10.0, 25.0, 45.0), (20.0, 24.0, 30.0, 31.0, 36.0, 54.0))
    shell = smooth_max(shell, face - 3.0 * locks, 14.0)
    return smooth_min(cap, shell, 16.0)


def _bob(head, x, s, f, u):
    return _curtain(head, x, s, f, u, -96.0, 20.0)


def _long(head, x, s, f, u):
    upper = _curtain(head, x, s, f, u, -104.0, 14.0)
    drop = smoothstep(-u, 60.0, 230.0)
    back = ellipsoid(s, f, u, (0.0, -76.0 - 14.0 * drop, -105.0), (70.0 - 14.0 * drop, 27.0, 145.0))
    return smooth_min(upper, back - 4.0 * _locks(x, s, f, u), 24.0)


def _bun(head, x, s, f, u):
    cap = _cap(head, x, s, f, u, 8.0)
    cap = smooth_min(cap, _within_hairline(head, x, s, f, u, scalp(s, f, u, 0.0)), 6.0)
    knot = ellipsoid(s, f, u, (0.0, -88.0, 96.0), (33.0, 30.0, 29.0))
    swirl = 1.6 * np.sin(0.45 * (u - 96.0) + 2.0 * np.arctan2(s * np.sign(x), -(f + 88.0) + 1e-9))
    return smooth_min(cap, knot - swirl, 8.0)


_STYLES = {
    "buzz": (_buzz, -85.0),
    "short": (_short, -90.0),
    "bob": (_bob, -115.0),
    "long": (_long, -275.0),
    "bun": (_bun, -90.0),
}
