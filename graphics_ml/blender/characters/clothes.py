# SPDX-License-Identifier: GPL-3.0-or-later
"""Clothes: the body's own fields with ease added, and the levels along which they are cut.

Skirts, and what of coats and dresses hangs below the seat, fall straight down from the widest places of seat and legs.
A level is a function of world coordinates that is negative where the cloth is kept.
"""

from functools import cached_property

import numpy as np

from graphics_ml.blender.characters.body import Body
from graphics_ml.blender.characters.field import Tube, ellipsoid, smooth_min, smoothstep


class Clothes:
    """Fields and hems of one character's clothes, in metres."""

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
        self.leg_start = self.trouser_end - 0.07 * s
        self._skirt_flare = (0.05 + 0.14 * loose) * s
        if character.legwear != "trousers":
            self.trouser_end = min(character.trouser_length, 0.90) * body.leg_length
            self._slant = 0.0
            self.leg_start = 0.06 * body.leg_length
        if character.legwear != "dress" and character.top != "shirt":
            self.sleeve_end = 0.32 * sum(body.arm_lengths)  # where the trunk's skin gives way to the arms'
        self.over_end = (0.09 if character.over == "jacket" else 0.50) * body.leg_length

    def dress(self, x, y, z):
        """Trunk, sleeves and skirt in one."""
        trunk = self.body.trunk(x, y, z, ease=self._shirt_ease + 0.25 * (self._waist_ease - self._shirt_ease))
        sleeve = self.body.arm(x, y, z, ease=self._sleeve_ease, cuff=self._cuff)
        top = smooth_min(trunk, sleeve, 0.060 * self.body.scale)
        return smooth_min(top, self._hung(x, y, z), 0.050 * self.body.scale)

    def skirt(self, x, y, z):
        """Seat and what falls from it."""
        s = self.body.scale
        waist = smoothstep(z, self.shirt_end - 0.10 * s, self.shirt_end)  # slim under the shirt
        seat = self.body.trunk(x, y, z, ease=self._trouser_ease * (0.8 - 0.6 * waist))
        return smooth_min(seat, self._hung(x, y, z), 0.050 * s)

    def over(self, x, y, z):
        """An open jacket or coat: outside shirt and trousers everywhere."""
        s = self.body.scale
        value = self.shirt(x, y, z) - 0.014 * s
        if self.body.character.over == "coat":
            value = smooth_min(value, self._hung(x, y, z) - 0.022 * s, 0.060 * s)
        return value

    def open_front(self, x, y, z):
        """Kept part of a jacket at its front edges, which part further down."""
        s = self.body.scale
        gap = 0.040 * s + 0.06 * np.maximum(self.body.head_of("neck")[2] - 0.25 * s - z, 0.0)
        return np.minimum(gap - np.abs(x), -y - 0.02 * s)

    def above_over_hem(self, x, y, z):
        """Kept part of a jacket at its lower end."""
        return self.body.along_leg(x, y, z)[0] - self.over_end

    def within_over_sleeve(self, x, y, z):
        """Kept part of a jacket along the arm."""
        t, _, _ = self.body.along_arm(x, y, z)
        near_arm = self._sleeve_ease + self._cuff + 0.05 * self.body.scale - self.body.arm(x, y, z)
        return np.minimum(t - 0.95 * sum(self.body.arm_lengths), near_arm)

    def above_skirt_hem(self, x, y, z):
        """Kept part of a skirt."""
        return self.body.along_leg(x, y, z)[0] - self.trouser_end

    def torso(self, x, y, z):
        """Bare trunk and shoulders; it sinks where collar, arm and waistband go on, so that nothing is there twice."""
        s = self.body.scale
        below = 1.0 - smoothstep(z, self.waistband - 0.020 * s, self.waistband)
        beside = smoothstep(self.outside_collar(x, y, z), -0.010 * s, 0.0)
        trunk = self.body.trunk(x, y, z, ease=-0.004 * s * np.maximum(beside, 1.5 * below))
        t, _, _ = self.body.along_arm(x, y, z)
        end = smoothstep(t, self.sleeve_end - 0.015 * s, self.sleeve_end)
        return smooth_min(trunk, self.body.arm(x, y, z, ease=-0.004 * s * end), 0.060 * s)

    def within_straps(self, x, y, z):
        """Kept part of a tank top: low at throat and nape, and between the shoulders."""
        s, shoulder = self.body.scale, self.body.head_of("upper_arm.L")
        up = smoothstep(z, shoulder[2] - 0.17 * s, shoulder[2] - 0.03 * s)
        side = np.abs(x) - (shoulder[0] + 0.10 * s - (0.145 * s) * up)
        t, _, _ = self.body.along_arm(x, y, z)
        sleeve = np.minimum(t - 0.02 * s, self._sleeve_ease + 0.030 * s - self.body.arm(x, y, z))
        return np.maximum(np.maximum(side, sleeve), 0.030 * s + self.outside_collar(x, y, z))

    def on_stripe(self, x, y, z):
        """Negative on the stripe along the outside of a trouser leg."""
        _, side, back = self.body.along_leg(x, y, z)
        return np.where(side > 0.0, np.abs(back) - 0.014 * self.body.scale, 1.0)

    def _hung(self, x, y, z):
        """Cloth that falls from seat and thighs, in soft folds towards the hem."""
        t, _, _ = self.body.along_leg(x, y, z)
        value = self._skirt_tube(t, np.abs(x), y, cap=0.05)
        angle = np.arctan2(np.abs(x), -y)
        strength = (0.002 + 0.010 * self.body.character.looseness) * smoothstep(t, 0.05, 0.5) * self.body.scale
        return value - strength * np.sin(11.0 * angle + 0.6 * np.sin(5.0 * t))

    @cached_property
    def _skirt_tube(self):
        body, s, depth = self.body, self.body.scale, self.body.measures.buttock_depth
        t = np.linspace(0.02, 1.0, 12) * body.leg_length
        side, front, back = body.leg_reach(t)
        ease = self._trouser_ease + 0.008 * s
        wider = ease + self._skirt_flare * t / body.leg_length
        side = np.maximum.accumulate(side) + wider
        front = np.maximum.accumulate(np.maximum(front, 0.42 * depth)) + wider
        back = np.maximum.accumulate(np.maximum(back, 0.50 * depth)) + wider
        zero = np.zeros_like(t)
        return Tube(t, np.stack([zero, zero, side, side, back, front], axis=-1), exponent=2.2)

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
