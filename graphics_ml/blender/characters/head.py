# SPDX-License-Identifier: GPL-3.0-or-later
"""The head: skull, face, ears and neck as one field, and the lines drawn on it (eyes, lips, brows, hairline).

Everything is placed in head coordinates: sideways from the middle, forward from the ear canal, up from eye level, in
millimetres of a head of mean male size (Gordon et al. 2014: breadth 154, length 199, ear canal to crown 131 mm).
Features between the measured landmarks are drawn from portrait anatomy.
"""

import numpy as np

from graphics_ml.blender.characters.body import Body
from graphics_ml.blender.characters.field import ellipsoid, rounded_cone, smooth_max, smooth_min

EYE_CENTRE = np.array([31.5, 72.0, 0.0])
EYE_RADIUS = 13.2
LID_RADIUS = 14.7

_CROWN = 117.0


class Head:
    """Fields of one character's head; all take world coordinates in metres and return metres."""

    def __init__(self, body: Body):
        self.body = body
        m = body.measures
        self.size = np.array([m.head_breadth / 0.1543, m.head_length / 0.1995, m.tragion_to_top / 0.1311]) * 1e-3
        self.unit = float(self.size.mean())
        joint = body.head_of("head")
        self.origin = np.array([0.0, joint[1] - 0.008, m.height - _CROWN * self.size[2]])
        self.masculinity = body.masculinity
        self.fullness = np.clip((body.character.body_mass_index - 23.0) / 12.0, -0.5, 1.2)

    def coordinates(self, x, y, z):
        """Sideways (absolute), forward and up in head millimetres."""
        return (
            np.abs(x) / self.size[0],
            (self.origin[1] - y) / self.size[1],
            (z - self.origin[2]) / self.size[2],
        )

    def place(self, point, side=1.0):
        """World position of a point in head millimetres."""
        s, f, u = np.asarray(point, float) * self.size
        return np.array([side * s, self.origin[1] - f, self.origin[2] + u])

    def skin(self, x, y, z):
        """Head, neck and the top of the trunk."""
        return smooth_min(self.bare_head(x, y, z), self.neck(x, y, z), 0.020)

    def neck(self, x, y, z):
        """Neck and what of the trunk a collar may show."""
        body, m = self.body, self.body.measures
        base, s = body.head_of("neck"), body.scale
        radius = m.neck_circumference / (2.0 * np.pi)
        low = np.array([0.0, base[1] - 0.004 * s, base[2] - 0.010 * s])
        high = self.place((0.0, -6.0, -52.0))
        neck = rounded_cone(x / 0.94, y, z, low, high, radius * 0.98, radius * 0.90)
        if self.masculinity > 0.4:
            apple = self.place((0.0, 33.0, -142.0))
            neck = smooth_min(neck, ellipsoid(x, y, z, apple, np.array([9, 9, 11]) * 1e-3), 0.022)
        return smooth_min(neck, body.trunk(x, y, z), 0.030 * s)

    def bare_head(self, x, y, z):
        """Skull and face without the neck."""
        return self._head(*self.coordinates(x, y, z)) * self.unit

    def eye_opening(self, x, y, z):
        """Levels (mm), one row for each line, that are all negative between the lids."""
        s, f, u = self.coordinates(x, y, z)
        across = (s - EYE_CENTRE[0]) / 15.6
        tilt = 1.4 * across
        arch = np.maximum(1.0 - across**2, 0.0)
        peak = np.maximum(1.0 - (across - 0.05) ** 2, 0.0)
        upper = tilt + (5.8 + 0.6 * (1.0 - self.masculinity)) * peak**0.75 - 0.2
        lower = tilt - 5.0 * arch**0.9 + 0.2
        return np.stack([u - upper, lower - u, 50.0 - f])

    def lips(self, x, y, z):
        """Levels (mm), one row for each line, that are all negative on the red of the lips."""
        s, f, u = self.coordinates(x, y, z)
        width = 24.0
        across = np.clip(s / width, 0.0, 1.5)
        full = 1.0 + 0.18 * (1.0 - self.masculinity)
        bow = 7.2 * full * np.maximum(1.0 - across**1.7, -1.0) - 1.8 * np.exp(-((s / 4.0) ** 2))
        under = 9.0 * full * np.maximum(1.0 - across**2.2, -1.0)
        middle = -66.3 + 2.6 * across**2
        return np.stack([u - (middle + bow), (middle - under) - u, 60.0 - f])

    def mouth_line(self, s):
        """Height (mm) at which the lips meet, by the distance from the middle (mm)."""
        return -66.3 + 0.0045 * s * s

    def brow(self, x, y, z):
        """Levels (mm), one row for each line, that are all negative on the eyebrows."""
        s, f, u = self.coordinates(x, y, z)
        along = np.clip((s - 12.0) / 40.0, 0.0, 1.0)
        male = self.masculinity
        line = 16.4 + (5.2 - 1.2 * male) * np.sin(np.pi * (0.08 + 0.60 * along)) - 3.0 * along**2.5
        thick = (2.9 + 0.9 * male) * (1.0 - 0.55 * along**1.5)
        return np.stack([u - line - thick, line - thick - u, 12.0 - s, s - 50.0, 40.0 - f])

    def hairline(self, x, y, z):
        """Level (mm) that is negative where hair grows."""
        s, f, u = self.coordinates(x, y, z)
        recede = 6.0 * self.masculinity * np.exp(-(((s - 44.0) / 16.0) ** 2))
        front = np.interp(
            u + recede,
            (-95.0, -70.0, -48.0, -30.0, -18.0, 0.0, 14.0, 28.0, 44.0, 58.0, 68.0, 80.0),
            (-62.0, -44.0, -32.0, -18.0, 12.0, 20.0, 26.0, 39.0, 55.0, 71.0, 89.0, 130.0),
        )
        nape = -70.0 - 10.0 * np.exp(-((s / 22.0) ** 2)) - u
        ear = -ellipsoid(s, f, u, (81.0, -9.0, -13.0), (24.0, 23.0, 36.0))
        return np.maximum(np.maximum((f - front) * 0.75, nape), ear)

    def ear(self, s, f, u):
        """One ear: a tilted shell with a hollow, in head millimetres."""
        tilt, flare = np.radians(12.0), np.radians(24.0)
        up = np.array([0.10, -np.sin(tilt), np.cos(tilt)])
        up /= np.linalg.norm(up)
        out = np.array([np.cos(flare), np.sin(flare), 0.0])  # the ear's flat side looks outwards and forwards
        out = out - up * (out @ up)
        out /= np.linalg.norm(out)
        axes = np.stack([np.cross(up, out), up, out], axis=-1)
        centre = np.array([76.5, -9.0, -13.0])
        shell = ellipsoid(s, f, u, centre, (16.0, 29.0, 6.0), axes)
        lobe = ellipsoid(s, f, u, centre + up * -23.0 + np.array([-1.5, 6.0, 0.0]), (9.0, 9.0, 4.0), axes)
        shell = smooth_min(shell, lobe, 6.0)
        hollow = ellipsoid(s, f, u, centre + out * 6.0 + np.array([0.0, 3.0, 1.0]), (9.5, 20.0, 6.0), axes)
        shell = smooth_max(shell, -hollow, 3.0)
        root = ellipsoid(s, f, u, centre + np.array([-6.0, 5.0, -2.0]), (9.0, 20.0, 7.0), axes)
        return smooth_min(shell, root, 4.0)

    def _head(self, s, f, u):
        male, full = self.masculinity, self.fullness
        value = ellipsoid(s, f, u, (0.0, 2.0, 30.0), (76.5, 97.0, 87.0))
        value = smooth_min(value, ellipsoid(s, f, u, (0.0, 44.0, 36.0), (60.0, 55.0, 54.0)), 18.0)
        value = smooth_min(value, ellipsoid(s, f, u, (0.0, 40.0, -36.0), (58.0 + 4 * full, 53.0, 70.0)), 22.0)
        # jaw from the corner below the ear to the chin
        corner = (43.0 + 3.0 * male + 5.0 * full, 18.0, -64.0 - 2 * male)
        chin = (14.0 + 5.0 * male, 78.0, -96.0)
        value = smooth_min(value, rounded_cone(s, f, u, corner, chin, 13.0 + 4.0 * full, 13.5), 30.0)
        value = smooth_min(
            value, ellipsoid(s, f, u, (0.0, 86.0 + 2.0 * male, -97.0), (17.0 + 4 * male, 14.0, 14.0)), 16.0
        )
        if full > 0.2:
            value = smooth_min(value, ellipsoid(s, f, u, (0.0, 52.0, -98.0), (34.0, 34.0, 20.0 * full)), 26.0)
        # cheekbones and cheeks
        value = smooth_min(value, ellipsoid(s, f, u, (44.0, 62.0, -24.0), (20.0, 19.0, 13.0)), 18.0)
        value = smooth_min(
            value, ellipsoid(s, f, u, (34.0, 66.0, -50.0), (20.0 + 6 * full, 20.0 + 3 * full, 24.0)), 20.0
        )
        # eye sockets below the brow, then the brow's edge
        value = smooth_max(value, -ellipsoid(s, f, u, (33.0, 99.0, -2.0), (19.5, 17.0, 14.5)), 14.0)
        ridge = rounded_cone(s, f, u, (9.0, 86.5 + male, 15.5), (46.0, 73.0 + male, 18.0), 8.0, 7.0)
        value = smooth_min(value, ridge, 12.0)
        value = self._nose(value, s, f, u)
        value = self._mouth(value, s, f, u)
        lids = ellipsoid(s, f, u, EYE_CENTRE, (LID_RADIUS,) * 3)
        value = smooth_min(value, lids, 5.0)
        return smooth_min(value, self.ear(s, f, u), 4.0)

    def _nose(self, value, s, f, u):
        male = self.masculinity
        narrow = 0.88 + 0.12 * male
        bridge = rounded_cone(s, f, u, (0.0, 86.0, 8.0), (0.0, 104.0 + 2.5 * male, -34.0), 6.5 * narrow, 8.5 * narrow)
        value = smooth_min(value, bridge, 13.0)
        tip = ellipsoid(s, f, u, (0.0, 110.0 + 2.0 * male, -38.0), (9.2 * narrow, 9.0, 7.8))
        value = smooth_min(value, tip, 8.0)
        wing = ellipsoid(s, f, u, (11.0 * narrow, 99.5, -41.5), (6.6, 9.5, 6.6))
        value = smooth_min(value, wing, 6.0)
        nostril = ellipsoid(s, f, u, (6.0 * narrow, 106.0, -48.5), (3.0, 5.0, 4.2))
        return smooth_max(value, -nostril, 2.5)

    def _mouth(self, value, s, f, u):
        full = 1.0 + 0.16 * (1.0 - self.masculinity)
        muzzle = ellipsoid(s, f, u, (0.0, 80.0, -66.0), (30.0, 20.0, 26.0))
        value = smooth_min(value, muzzle, 16.0)
        groove = rounded_cone(s, f, u, (0.0, 107.5, -52.0), (0.0, 107.0, -58.0), 2.6, 2.8)
        value = smooth_max(value, -groove, 5.0)
        upper = rounded_cone(s, f, u, (3.5, 97.0, -63.0), (19.0, 88.5, -65.5), 5.6 * full, 2.6)
        lower = rounded_cone(s, f, u, (0.0, 95.5, -71.5), (16.5, 89.5, -68.5), 6.6 * full, 2.8)
        value = smooth_min(value, upper, 4.5)
        value = smooth_min(value, lower, 4.5)
        # the line where the lips meet runs around the teeth
        bend = 103.5 - 0.0125 * s * s
        line = np.sqrt(((f - bend) * 0.55) ** 2 + (u - self.mouth_line(s)) ** 2) - 1.1
        line = np.maximum(line, (s - 24.5) * 0.8)
        return smooth_max(value, -line, 2.2)
