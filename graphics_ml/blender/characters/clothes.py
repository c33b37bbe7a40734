# SPDX-License-Identifier: GPL-3.0-or-later
"""Shirt and trousers: the body's own fields with ease added, and the levels along which they are cut.

A level is a function of world coordinates that is negative where the cloth is kept.
"""

import numpy as np

from graphics_ml.blender.characters.body import Body
from graphics_ml.blender.characters.field import ellipsoid, smooth_min, smoothstep


class Clothes:
    """Fields and hems of one character's shirt and trousers, in metres."""

    def __init__(self, body: Body):
        self.body = body
        character, h, s = body.character, body.measures.height, body.scale
        loose = character.looseness
        self._shirt_ease = (0.006 + 0.003 * loose) * s
        self._waist_ease = (0.010 + 0.016 * loose) * s
        self._sleeve_ease = (0.007 + 0.004 * loose) * s
        self._cuff = (0.002 + 0.012 * loose) * s * (1.0 - 0.6 * smoothstep(character.sleeve_length, 0.5, 0.9))
        self._trouser_ease = (0.006 + 0.006 * loose) * s
        self._flare = (0.014 + 0.016 * loose) * s
        self.shirt_end = 0.532 * h
        self.waistband = self.shirt_end + 0.050 * s
        self.sleeve_end = character.sleeve_length * sum(body.arm_lengths)
        self.trouser_end = character.trouser_length * (body.leg_length + 0.020 * s)
        self._slant = 0.30 * smoothstep(character.trouser_length, 0.85, 1.0)

    def shirt(self, x, y, z):
        """Trunk and sleeves."""
        s, h = self.body.scale, self.body.measures.height
        hang = (1.0 - smoothstep(z, 0.62 * h, 0.76 * h)) * (0.75 + 0.25 * smoothstep(z, self.shirt_end, 0.62 * h))
        trunk = self.body.trunk(x, y, z, ease=self._shirt_ease + (self._waist_ease - self._shirt_ease) * hang)
        trunk = trunk - self._folds(x, y, z)
        sleeve = self.body.arm(x, y, z, ease=self._sleeve_ease, cuff=self._cuff)
        return smooth_min(trunk, sleeve, 0.060 * s)

    def trousers(self, x, y, z):
        """Seat and legs."""
        s = self.body.scale
        waist = smoothstep(z, self.shirt_end - 0.10 * s, self.shirt_end)  # slim under the shirt
        seat = self.body.trunk(x, y, z, ease=self._trouser_ease * (0.8 - 0.6 * waist))
        leg = self.body.leg(x, y, z, ease=self._trouser_ease, flare=self._flare)
        return smooth_min(seat, leg - self._creases(x, y, z), 0.045 * s)

    def above_hem(self, x, y, z):
        """Kept part of the shirt at the waist."""
        return self.shirt_end - z

    def outside_collar(self, x, y, z):
        """Kept part of the shirt at the neck: outside an egg round it that reaches lower at the throat than behind."""
        base, s = self.body.head_of("neck"), self.body.scale
        neck = self.body.measures.neck_circumference / (2.0 * np.pi)
        centre = base + np.array([0.0, -0.031, 0.058]) * s
        return -ellipsoid(x, y, z, centre, (neck + 0.025 * s, neck + 0.041 * s, 0.112 * s))

    def within_sleeve(self, x, y, z):
        """Kept part of the shirt along the arm."""
        t, _, _ = self.body.along_arm(x, y, z)
        near_arm = self._sleeve_ease + self._cuff + 0.03 * self.body.scale - self.body.arm(x, y, z)
        return np.minimum(t - self.sleeve_end, near_arm)

    def below_waistband(self, x, y, z):
        """Kept part of the trousers at the waist, under the shirt."""
        return z - self.waistband

    def above_cuff(self, x, y, z):
        """Kept part of the trousers along the leg; long ones rise over the instep."""
        t, _, back = self.body.along_leg(x, y, z)
        return t - self.trouser_end - self._slant * back

    def _folds(self, x, y, z):
        """Soft creases above the shirt's hem."""
        h, side = self.body.measures.height, np.abs(x)
        u = (z - self.shirt_end) / (0.11 * h)
        strength = np.clip(1.0 - u, 0.0, 1.0) * smoothstep(u, -0.6, 0.15)
        wave = np.sin(58.0 * side + 20.0 * z) * np.sin(7.0 * y + 48.0 * z + 1.0) + 0.6 * np.sin(85.0 * z + 24.0 * side)
        return 0.0022 * self.body.scale * strength * wave

    def _creases(self, x, y, z):
        """Soft creases behind the knee and above the shoe of long trousers."""
        t, side, back = self.body.along_leg(x, y, z)
        n = self.body.leg_length
        ankle = smoothstep(t, 0.80 * n, 0.96 * n) * self.body.character.trouser_length
        wave = np.sin(110.0 * t + 35.0 * side) * 0.6 + np.sin(75.0 * t - 40.0 * back + 1.0) * 0.5
        return 0.0028 * self.body.scale * ankle * wave
