# SPDX-License-Identifier: GPL-3.0-or-later
"""Hair as a volume of its own over the head, with combed grooves; one field per style."""

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


def _scalp(s, f, u, thickness):
    return ellipsoid(s, f, u, (0.0, 1.0, 30.0), (77.5 + 0.8 * thickness, 98.0 + thickness, 87.0 + thickness))


def _grooves(x, s, f, u, depth):
    """Shallow waves that run from the crown down like combed hair."""
    across, along = s * np.sign(x), f - 4.0
    angle = np.arctan2(across, along + 1e-9)
    out = np.minimum(np.hypot(across, along) / 40.0, 1.0)
    bend = angle + 0.004 * u
    wave = np.sin(23.0 * bend) + 0.7 * np.sin(41.0 * bend + 1.0) + 0.5 * np.sin(11.0 * bend + 2.0)
    return depth * out * wave / 2.2


def _within_hairline(head, x, s, f, u, value):
    """Hair where it grows, at least a close crop over the skin itself."""
    y, z = _world(head, s, f, u)
    value = smooth_min(value, head.skin(x, y, z) / head.unit - 2.5, 8.0)
    line = head.hairline(x, y, z)
    value = smooth_max(value, line, 7.0)
    return value


def _world(head, s, f, u):
    return head.origin[1] - f * head.size[1], head.origin[2] + u * head.size[2]


def _buzz(head, x, s, f, u):
    return _within_hairline(head, x, s, f, u, _scalp(s, f, u, 0.0))


def _short(head, x, s, f, u):
    right = s * np.sign(x)
    top = smoothstep(u, 25.0, 95.0)
    quiff = (7.0 + 3.0 * smoothstep(-right, -30.0, 40.0)) * smoothstep(f, 10.0, 85.0) * smoothstep(u, 55.0, 85.0)
    part = 3.5 * np.exp(-(((right - 36.0) / 5.0) ** 2)) * top * smoothstep(f, -40.0, 20.0)
    comb = _grooves(x, s, f, u, 1.2) + 1.2 * top * np.sin(0.30 * right + 0.07 * f)
    thickness = 4.0 + 9.0 * top + quiff - part + comb
    return _within_hairline(head, x, s, f, u, _scalp(s, f, u, thickness))


def _cap(head, x, s, f, u, thickness, fringe=0.0):
    """Hair combed from a parting, thin at the hairline; `fringe` (mm) lets it fall over one side of the forehead."""
    right = s * np.sign(x)
    y, z = _world(head, s, f, u)
    swept = fringe * smoothstep(-right, -34.0, 30.0) * smoothstep(f, 40.0, 80.0)
    line = head.hairline(x, y, z) - swept
    rise = smoothstep(-line, -2.0, 26.0)
    part = 4.0 * np.exp(-(((right - 34.0) / 5.0) ** 2)) * smoothstep(u, 60.0, 95.0) * smoothstep(f, -50.0, 0.0)
    comb = _grooves(x, s, f, u, 1.3) + 0.8 * np.sin(0.28 * right - 0.10 * f)
    volume = _scalp(s, f, u, 2.5 + (thickness - 2.5) * rise + comb * rise - part)
    return smooth_max(volume, line, 5.0)


def _curtain(head, x, s, f, u, low, fringe):
    """Hair that falls past the ears to `low`, open at the face."""
    right = s * np.sign(x)
    cap = _cap(head, x, s, f, u, 10.0, fringe)
    drop = np.clip((20.0 - u) / (20.0 - low), 0.0, 1.0)
    wide, deep = 86.0 + 7.0 * np.sin(2.6 * drop), 102.0 + 2.0 * np.sin(3.0 * drop) - 14.0 * drop**2
    level = np.sqrt((s / wide) ** 2.0 + ((f - 3.0) / deep) ** 2)
    shell = (level - 1.0) * 84.0 - _grooves(x, s, f, u, 2.0)
    shell = smooth_max(shell, -(shell + 20.0), 6.0)
    tips = low + 3.0 * np.sin(0.13 * right + 0.05 * f) + 0.10 * (f - 10.0)
    shell = smooth_max(shell, np.maximum(u - 40.0, tips - u), 16.0)
    face = f - np.interp(u, (low, -100.0, -60.0, -10.0, 25.0, 45.0), (20.0, 24.0, 30.0, 31.0, 36.0, 54.0))
    shell = smooth_max(shell, face, 14.0)
    return smooth_min(cap, shell, 16.0)


def _bob(head, x, s, f, u):
    return _curtain(head, x, s, f, u, -96.0, 20.0)


def _long(head, x, s, f, u):
    upper = _curtain(head, x, s, f, u, -104.0, 14.0)
    drop = smoothstep(-u, 60.0, 230.0)
    back = ellipsoid(s, f, u, (0.0, -76.0 - 14.0 * drop, -105.0), (70.0 - 14.0 * drop, 27.0, 145.0))
    return smooth_min(upper, back - _grooves(x, s, f, u, 2.4), 24.0)


def _bun(head, x, s, f, u):
    cap = _cap(head, x, s, f, u, 8.0)
    cap = smooth_min(cap, _within_hairline(head, x, s, f, u, _scalp(s, f, u, 0.0)), 6.0)
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
