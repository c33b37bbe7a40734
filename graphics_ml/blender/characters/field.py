# SPDX-License-Identifier: GPL-3.0-or-later
"""Signed fields of simple solids and the smooth set operations that join them into a body.

Every function takes coordinate arrays x, y, z of one shape (metres) and returns values of that shape: negative inside,
zero on the surface, growing outwards about as fast as distance. Smooth minimum after I. Quilez, "Smooth minimum"
(quadratic polynomial form); the ellipsoid's first-order distance f / |grad f| after the same author.
"""

import numpy as np


def smooth_min(a, b, reach):
    """Union of two fields, blended where they differ by less than `reach` metres."""
    blend = np.maximum(reach - np.abs(a - b), 0.0)
    return np.minimum(a, b) - blend * blend * (0.25 / reach)


def smooth_max(a, b, reach):
    """Intersection of two fields, blended likewise; `smooth_max(a, -b, r)` carves b out of a."""
    blend = np.maximum(reach - np.abs(a - b), 0.0)
    return np.maximum(a, b) + blend * blend * (0.25 / reach)


def ellipsoid(x, y, z, centre, radii, axes=None):
    """An ellipsoid with its principal directions in the columns of `axes` (3, 3), default the coordinate axes."""
    x, y, z = x - centre[0], y - centre[1], z - centre[2]
    if axes is not None:
        x, y, z = (x * axes[0, i] + y * axes[1, i] + z * axes[2, i] for i in range(3))
    x, y, z = x / radii[0], y / radii[1], z / radii[2]
    level = np.sqrt(x * x + y * y + z * z)
    slope = np.sqrt((x / radii[0]) ** 2 + (y / radii[1]) ** 2 + (z / radii[2]) ** 2)
    return level * (level - 1.0) / np.maximum(slope, 1e-9)


def rounded_cone(x, y, z, start, end, start_radius, end_radius):
    """The hull of balls whose centre and radius run straight from one to the other."""
    ax, ay, az = (e - s for s, e in zip(start, end, strict=True))
    x, y, z = x - start[0], y - start[1], z - start[2]
    t = np.clip((x * ax + y * ay + z * az) / (ax * ax + ay * ay + az * az), 0.0, 1.0)
    x, y, z = x - t * ax, y - t * ay, z - t * az
    return np.sqrt(x * x + y * y + z * z) - (start_radius + t * (end_radius - start_radius))


class Tube:
    """A limb or trunk: cross-sections that change smoothly along an axis.

    Args:
        places: (n,) increasing positions along the axis, metres.
        sections: (n, 6): centre u, centre v, and the radii towards +u, -u, +v, -v, metres.
        exponent: 2 gives ellipses, more gives boxier sections (Lame curves).

    Between places the six numbers follow a cubic Hermite curve with central-difference slopes.
    """

    SAMPLES = 400

    def __init__(self, places, sections, exponent=2.0):
        places, sections = np.asarray(places, float), np.asarray(sections, float)
        self.start, self.end, self.exponent = places[0], places[-1], exponent
        self._grid = np.linspace(self.start, self.end, self.SAMPLES)
        self._table = hermite(places, sections, self._grid).T.copy()

    def section(self, t):
        """(6, ...) interpolated section at positions t."""
        t = np.clip((t - self.start) / (self.end - self.start), 0.0, 1.0) * (self.SAMPLES - 1)
        low = np.minimum(t.astype(int), self.SAMPLES - 2)
        share = t - low
        return self._table[:, low] * (1.0 - share) + self._table[:, low + 1] * share

    def __call__(self, t, u, v, ease=0.0, cap=0.03):
        """Field at positions along (t) and across (u, v) the axis; all radii grow by `ease`, ends round by `cap`."""
        cu, cv, up, un, vp, vn = self.section(t)
        u, v = u - cu, v - cv
        ru, rv = np.where(u > 0, up, un) + ease, np.where(v > 0, vp, vn) + ease
        if self.exponent == 2.0:
            level = np.sqrt((u / ru) ** 2 + (v / rv) ** 2)
        else:
            n = self.exponent
            level = (np.abs(u / ru) ** n + np.abs(v / rv) ** n) ** (1.0 / n)
        across = (level - 1.0) * np.minimum(ru, rv)
        beyond = np.maximum(self.start - t, t - self.end)
        return smooth_max(across, beyond, cap)


def hermite(places, values, at):
    """Cubic Hermite interpolation of (n, k) values given at n places, read at m positions; (m, k)."""
    slopes = np.gradient(values, places, axis=0)
    i = np.clip(np.searchsorted(places, at) - 1, 0, len(places) - 2)
    width = (places[i + 1] - places[i])[:, None]
    s = ((at - places[i]) / width[:, 0])[:, None]
    return (
        (1 + 2 * s) * (1 - s) ** 2 * values[i]
        + s * (1 - s) ** 2 * width * slopes[i]
        + s * s * (3 - 2 * s) * values[i + 1]
        + s * s * (s - 1) * width * slopes[i + 1]
    )


def smoothstep(value, low, high):
    """0 below `low`, 1 above `high`, 3s^2 - 2s^3 between."""
    s = np.clip((value - low) / (high - low), 0.0, 1.0)
    return s * s * (3.0 - 2.0 * s)


class Lens:
    """A magnifying glass for the mesher's grid: fine cells around a centre, growing to normal size further out.

    Grid position u maps to place p = c + (u - c) g(r) / r, r = |u - c|, with g' = 1 / magnification up to `radius` and
    rising smoothly to 1 at `outer`, both measured on the grid (metres). g(r) / r <= 1, so a field that grows no faster
    than distance in p grows no faster in u either.
    """

    def __init__(self, centre, magnification, radius, outer):
        self.centre, self.shrink = np.asarray(centre, float), 1.0 / magnification
        self.radius, self.outer = radius, outer

    def to_place(self, x, y, z):
        x, y, z = (c - o for c, o in zip((x, y, z), self.centre, strict=True))
        r = np.sqrt(x * x + y * y + z * z)
        ratio = np.where(r > 1e-9, self._g(r) / np.maximum(r, 1e-9), self.shrink)
        return tuple(c * ratio + o for c, o in zip((x, y, z), self.centre, strict=True))

    def to_grid(self, point):
        """Inverse of `to_place` for one point."""
        offset = np.asarray(point, float) - self.centre
        r = np.linalg.norm(offset)
        table = np.linspace(0.0, 6.0, 20001)
        return self.centre + offset * (np.interp(r, self._g(table), table) / max(r, 1e-9))

    def _g(self, r):
        width = self.outer - self.radius
        s = np.clip((r - self.radius) / width, 0.0, 1.0)
        bent = width * (s**3 - 0.5 * s**4) + np.maximum(r - self.outer, 0.0)
        return r * self.shrink + (1.0 - self.shrink) * bent
