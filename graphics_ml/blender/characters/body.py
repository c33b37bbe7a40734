# SPDX-License-Identifier: GPL-3.0-or-later
"""The shape of a person, as fields: trunk, arms with hands, legs and feet.

Cross-sections follow the character's measures (see `proportions`); how a section divides between front and back, and
the profile along a limb, is drawn from anatomy. All fields take world coordinates in metres (Blender's axes), and
mirror at x = 0 exactly: they see the absolute value of x.
"""

from functools import cached_property

import numpy as np

from graphics_ml.blender.characters.field import Tube, ellipsoid, rounded_cone, smooth_max, smooth_min, smoothstep
from graphics_ml.blender.characters.parameters import ADULT_HEIGHTS, Character
from graphics_ml.blender.characters.proportions import (
    FINGERS,
    arm_frame,
    body_skeleton,
    foot_direction,
    hand_joints,
    level,
    measures,
)


class Body:
    """Measures, joints and fields of one character.

    Attributes:
        character, measures, skeleton: what the shape follows.
        scale: height / 1.75 m; lengths without a measure of their own grow with it.
        masculinity: the character's, of which small children show little.
        female: likewise.
    """

    def __init__(self, character: Character):
        self.character, self.measures = character, measures(character)
        self.skeleton = body_skeleton(character)
        self.scale = character.height / 1.75
        adult = 1.0 - 0.9 * smoothstep(ADULT_HEIGHTS[0] - character.height, 0.0, 0.15)
        self.masculinity = 0.5 + (character.masculinity - 0.5) * adult if adult < 1.0 else character.masculinity
        self.female = (1.0 - character.masculinity) * (adult if adult > 0.2 else 0.0)

    def head_of(self, bone):
        """(3,) where a bone starts."""
        return self.skeleton[bone][0]

    def trunk(self, x, y, z, ease=0.0):
        """From the crotch to the base of the neck, without arms."""
        value = self._trunk_tube(z, x, y, ease=ease, cap=0.04)
        female, s, m = self.female, self.scale, self.measures
        side = np.abs(x)
        if female > 0.05:
            bust = np.array([0.074 * s, -0.385 * m.chest_depth, level(m, 0.718)])
            full = s * (0.55 + 0.45 * female) * (self.character.body_mass_index / 23.0) ** 0.5
            radii = _grown(np.array([0.064, 0.048, 0.058]) * full, ease)
            value = smooth_min(value, ellipsoid(side, y, z, bust, radii), 0.05)
        chest = np.array([0.072 * s, -0.345 * m.chest_depth, level(m, 0.752)])
        radii = _grown(np.array([0.092, 0.044, 0.060]) * s, ease)
        value = smooth_min(value, ellipsoid(side, y, z, chest, radii), 0.07)
        base, shoulder = self.head_of("neck"), self.head_of("upper_arm.L")
        nape = np.array([0.020 * s, base[1] + 0.028 * s, base[2] + 0.010 * s])
        tip = shoulder + np.array([-0.032, 0.010, 0.002]) * s
        trapezius = rounded_cone(side, y, z, nape, tip, 0.024 * s, 0.018 * s) - ease
        value = smooth_min(value, trapezius, 0.030 * s)
        seat = np.array([0.072 * s, 0.36 * m.buttock_depth, 0.508 * m.height])
        full = s * (m.buttock_depth / (0.135 * m.height)) ** 0.5
        radii = _grown(np.array([0.078, 0.070 + 0.012 * female, 0.088]) * full, ease)
        return smooth_min(value, ellipsoid(side, y, z, seat, radii), 0.06)

    def arm(self, x, y, z, ease=0.0, cuff=0.0):
        """Upper arm and forearm, up to the wrist; `cuff` widens it towards the wrist like a loose sleeve."""
        t, back, dorsal = self.along_arm(x, y, z)
        if cuff:
            ease = ease + cuff * smoothstep(t, 0.0, self.arm_lengths[0])
        return self._arm_tube(t, back, dorsal, ease=ease, cap=0.03)

    def arm_and_hand(self, t, back, dorsal):
        """The bare arm with its hand, in the arm's own frame with its origin at the shoulder."""
        arm = self._arm_tube(t, back, dorsal, cap=0.02)
        return smooth_min(arm, self.hand(t - sum(self.arm_lengths), back, dorsal), 0.020 * self.scale)

    def hand(self, t, back, dorsal):
        """Palm and fingers, in the hand's own frame with its origin at the wrist."""
        m, s = self.measures, self.measures.hand_length / 0.19
        joints = self.hand_points
        palm = None
        for finger, radius in zip(FINGERS[1:], (0.0125, 0.0130, 0.0125, 0.0112), strict=True):
            knuckle = joints[finger][0]
            root = np.array([0.012 * s, 0.62 * knuckle[1], 0.0])
            bone = rounded_cone(t, back, dorsal, root, knuckle - [0, 0, 0.004 * s], 0.0145 * s, radius * s)
            palm = bone if palm is None else smooth_min(palm, bone, 0.012 * s)
        heel = np.array([0.030 * s, 0.018 * s, -0.008 * s])
        palm = smooth_min(palm, ellipsoid(t, back, dorsal, heel, np.array([0.034, 0.018, 0.014]) * s), 0.014 * s)
        thumb = joints["thumb"]
        ball = rounded_cone(t, back, dorsal, thumb[0] + [0.004 * s, 0.004 * s, 0], thumb[1], 0.0165 * s, 0.0118 * s)
        palm = smooth_min(palm, ball, 0.018 * s)
        web = rounded_cone(
            t,
            back,
            dorsal,
            0.5 * (thumb[0] + thumb[1]),
            joints["index"][0] - [0.028 * s, 0, 0.008 * s],
            0.009 * s,
            0.009 * s,
        )
        palm = smooth_min(palm, web, 0.016 * s)
        thick = m.hand_breadth / 0.0883 * 0.19 / m.hand_length
        fingers = None
        for finger, radius in zip(FINGERS, (0.0098, 0.0086, 0.0088, 0.0084, 0.0074), strict=True):
            solid = self._finger(t, back, dorsal, joints[finger], radius * s * thick)
            if finger == "thumb":
                palm = smooth_min(palm, solid, 0.008 * s)
            else:
                fingers = solid if fingers is None else np.minimum(fingers, solid)
        return smooth_min(palm, fingers, 0.008 * s)

    def leg(self, x, y, z, ease=0.0, flare=0.0):
        """Thigh and shin to the ankle; below the knee the radius is at least that of a trouser leg when flared."""
        t, side, back = self.along_leg(x, y, z)
        if flare:
            ease = ease + flare * smoothstep(t, 0.35 * self.leg_length, 0.85 * self.leg_length)
        return self._leg_tube(t, side, back, ease=ease, cap=0.03)

    def leg_reach(self, t):
        """How far the bare legs reach outwards, to the front and to the back of the hips' middle, t down the leg."""
        down, hip, ankle = t / self.leg_length, self.head_of("thigh.L"), self.head_of("foot.L")
        side, back, outer, _, rear, front = self._leg_tube.section(t)
        middle = hip[1] + down * (ankle[1] - hip[1]) + back
        return hip[0] + down * (ankle[0] - hip[0]) + side + outer, front - middle, rear + middle

    def foot(self, x, y, z):
        """A bare foot standing on z = 0, with the ankle."""
        ankle, length, along = self.head_of("foot.L"), self.measures.foot_length, foot_direction()
        px, py = np.abs(x) - ankle[0], y - ankle[1]
        t = (px * along[0] + py * along[1]) / length + 0.25  # from the heel, all in lengths of the foot
        side = (px * -along[1] + py * along[0]) / length  # outwards
        up = z / length
        wide, high = self.measures.foot_breadth / self.measures.foot_length / 0.376, ankle[2] / length
        side = side / wide
        value = ellipsoid(t, side, up, (0.115, 0.0, 0.105), (0.115, 0.110, 0.125))
        for start, end, thick, thin, reach in (
            ((0.14, 0.00, 0.09), (0.66, -0.065, 0.062), 0.085, 0.072, 0.06),  # heel to the ball of the big toe
            ((0.14, 0.01, 0.08), (0.62, 0.105, 0.050), 0.080, 0.055, 0.06),  # and along the outer edge
            ((0.25, 0.00, high - 0.03), (0.60, -0.040, 0.085), 0.105, 0.055, 0.08),  # instep
            ((0.22, 0.00, 0.10), (0.235, 0.00, high + 0.05), 0.100, 0.115, 0.06),  # ankle
        ):
            value = smooth_min(value, rounded_cone(t, side, up, start, end, thick, thin), reach)
        toes = None
        for start, end, radius in (
            ((0.68, -0.108, 0.052), (0.945, -0.092, 0.046), 0.053),
            ((0.70, -0.030, 0.052), (0.955, -0.012, 0.036), 0.036),
            ((0.68, 0.024, 0.050), (0.920, 0.046, 0.036), 0.035),
            ((0.65, 0.070, 0.048), (0.880, 0.092, 0.037), 0.036),
            ((0.62, 0.120, 0.046), (0.830, 0.146, 0.040), 0.036),
        ):
            toe = rounded_cone(t, side, up, start, end, 1.1 * radius, radius)
            toes = toe if toes is None else np.minimum(toes, toe)
        return smooth_max(smooth_min(value, toes, 0.03), 0.004 - up, 0.015) * length * min(wide, 1.0)

    def shoe(self, x, y, z):
        """A trainer around the foot, standing on z = 0."""
        m = self.measures
        along = foot_direction()
        ankle = self.head_of("foot.L")
        px, py = np.abs(x) - ankle[0], y - ankle[1]
        t = px * along[0] + py * along[1] + 0.27 * m.foot_length  # from the heel, outsole included
        side = px * -along[1] + py * along[0]  # outwards
        length, k = m.foot_length * 1.06, m.foot_length / 0.265
        outline = self._sole_tube(t / length, side / length, np.zeros_like(t), cap=0.05) * length
        sole = smooth_max(outline - 0.003 * k, np.maximum(z - 0.030 * k, -z), 0.010 * k)
        spring = 0.012 * k * smoothstep(t, 0.80 * length, 1.05 * length)
        zz = z - spring
        roof = self._instep(t / length) * k
        last = smooth_max(outline, (zz - roof) * 0.8, 0.045 * k)
        collar = rounded_cone(
            px, py, z, (0.0, 0.006 * k, 0.05), (-0.001, 0.012 * k, ankle[2] + 0.012 * k), 0.041 * k, 0.041 * k
        )
        collar = smooth_max(collar, z - ankle[2] - 0.006 * k, 0.006)
        upper = smooth_max(smooth_min(last, collar, 0.05 * k), 0.008 - z, 0.008)
        return smooth_min(upper, smooth_max(sole, 0.001 - z, 0.004), 0.005)

    def along_arm(self, x, y, z):
        """Coordinates along the left arm from the shoulder, backwards, and dorsal; the right arm sees its mirror."""
        shoulder, frame = self.head_of("upper_arm.L"), self._arm_frame
        px, py, pz = np.abs(x) - shoulder[0], y - shoulder[1], z - shoulder[2]
        return tuple(px * frame[0, i] + py * frame[1, i] + pz * frame[2, i] for i in range(3))

    def along_leg(self, x, y, z):
        """Distance down the line from hip joint to ankle, and offsets outwards and backwards from it."""
        hip, ankle = self.head_of("thigh.L"), self.head_of("foot.L")
        down = (hip[2] - z) / (hip[2] - ankle[2])
        side = np.abs(x) - (hip[0] + down * (ankle[0] - hip[0]))
        back = y - (hip[1] + down * (ankle[1] - hip[1]))
        return down * self.leg_length, side, back

    @cached_property
    def arm_lengths(self):
        """Upper arm and forearm, metres."""
        return tuple(float(np.linalg.norm(np.subtract(*self.skeleton[b]))) for b in ("upper_arm.L", "forearm.L"))

    @cached_property
    def leg_length(self):
        """Hip joint to ankle, metres."""
        return float(np.linalg.norm(self.head_of("foot.L") - self.head_of("thigh.L")))

    @cached_property
    def hand_points(self):
        """Finger joints in the hand's frame, see `hand_joints`."""
        return hand_joints(self.measures)

    @cached_property
    def _arm_frame(self):
        return arm_frame()

    @cached_property
    def _trunk_tube(self):
        m, h, s = self.measures, self.measures.height, self.scale
        male = self.character.masculinity
        hip, waist, chest = m.hip_breadth / 2, m.waist_breadth / 2, m.chest_breadth / 2
        shoulder = m.biacromial_breadth / 2
        seat, belly, ribs = m.buttock_depth, m.waist_depth, m.chest_depth * (0.86 + 0.14 * male)
        slim = 0.90 + 0.05 * male  # the survey's waist is at the navel; the narrowest place lies above it
        neck = m.neck_circumference / (2 * np.pi)
        rows = [  # height / stature, half breadth, front, back
            (0.468, hip * 0.90, 0.40 * seat, 0.40 * seat),
            (0.488, hip * 0.97, 0.43 * seat, 0.44 * seat),
            (0.515, hip * 1.00, 0.45 * seat, 0.48 * seat),
            (0.545, hip * 0.97, 0.47 * seat, 0.47 * seat),
            (0.580, (0.45 * hip + 0.55 * waist) * 1.0, 0.53 * belly, 0.44 * belly),
            (0.605, waist * 0.98, 0.55 * belly, 0.40 * belly),
            (0.640, waist * slim, 0.53 * belly, 0.40 * belly),
            (0.680, 0.5 * (waist * slim + chest * 0.95), 0.50 * (0.4 * belly + 0.6 * ribs), 0.42 * ribs),
            (0.735, chest * 1.00, 0.46 * ribs, 0.50 * ribs),
            (0.765, chest * 1.05, 0.43 * ribs, 0.52 * ribs),
            (0.790, shoulder * 0.88, 0.36 * ribs, 0.50 * ribs),
            (0.808, shoulder * 0.74, 0.29 * ribs, 0.46 * ribs),
            (0.826, shoulder * 0.50, 0.22 * ribs, 0.40 * ribs),
            (0.842, neck * 1.22, 0.055 * s, 0.088 * s),
            (0.862, neck * 1.00, 0.050 * s, 0.070 * s),
        ]
        parts = np.array([r[0] for r in rows])
        places = level(m, parts)
        centre = np.interp(places / h, (0.45, 0.55, 0.64, 0.75, 0.80, 0.86), np.array((0, 0, 2, 6, 12, 14)) * 0.001 * s)
        sections = [(0.0, c, b, b, back, front) for (_, b, front, back), c in zip(rows, centre, strict=True)]
        return Tube(places, sections, exponent=2.35)

    @cached_property
    def _arm_tube(self):
        m, (upper, fore) = self.measures, self.arm_lengths
        s = self.scale
        biceps = 0.92 * m.biceps_circumference / (2 * np.pi)  # measured flexed
        belly = 0.97 * m.forearm_circumference / (2 * np.pi)
        wrist = m.wrist_circumference / (2 * np.pi)
        deltoid = 0.5 * (biceps * 1.05 + (0.050 + 0.006 * self.character.masculinity) * s)
        rows = [  # place, centre back, centre dorsal, radius back, front, dorsal (outer), palmar (inner)
            (-0.060 * s, 0.004, -0.018, 0.76 * deltoid, 0.72 * deltoid, 0.58 * deltoid, 0.60 * deltoid),
            (0.000, 0.002, -0.018, 0.94 * deltoid, 0.90 * deltoid, 0.74 * deltoid, 0.76 * deltoid),
            (0.16 * upper, 0.000, -0.010, 1.00 * deltoid, 0.96 * deltoid, 0.88 * deltoid, 0.88 * deltoid),
            (0.36 * upper, 0.000, -0.002, 1.04 * biceps, 1.00 * biceps, 1.00 * biceps, 0.96 * biceps),
            (0.58 * upper, 0.000, 0.000, 1.00 * biceps, 0.98 * biceps, 0.93 * biceps, 0.93 * biceps),
            (0.80 * upper, 0.002, 0.000, 0.84 * biceps, 0.82 * biceps, 0.84 * biceps, 0.82 * biceps),
            (0.97 * upper, 0.003, 0.000, 0.80 * belly, 0.74 * belly, 0.86 * belly, 0.84 * belly),
            (upper + 0.07 * fore, 0.000, 0.002, 0.84 * belly, 0.86 * belly, 0.96 * belly, 0.90 * belly),
            (upper + 0.22 * fore, -0.002, 0.003, 0.94 * belly, 1.02 * belly, 1.00 * belly, 0.94 * belly),
            (upper + 0.42 * fore, -0.001, 0.002, 0.92 * belly, 0.96 * belly, 0.84 * belly, 0.84 * belly),
            (upper + 0.68 * fore, 0.000, 0.000, 1.06 * wrist, 1.10 * wrist, 0.98 * wrist, 0.98 * wrist),
            (upper + 0.90 * fore, 0.000, 0.000, 1.08 * wrist, 1.08 * wrist, 0.80 * wrist, 0.80 * wrist),
            (upper + 1.00 * fore, 0.000, 0.000, 1.08 * wrist, 1.08 * wrist, 0.78 * wrist, 0.76 * wrist),
            (upper + 1.10 * fore, 0.000, 0.000, 1.05 * wrist, 1.05 * wrist, 0.66 * wrist, 0.66 * wrist),
        ]
        return Tube([r[0] for r in rows], [r[1:] for r in rows])

    @cached_property
    def _leg_tube(self):
        m, n = self.measures, self.leg_length
        s = self.scale
        thigh, low = m.thigh_circumference / (2 * np.pi), m.lower_thigh_circumference / (2 * np.pi)
        calf, ankle = m.calf_circumference / (2 * np.pi), m.ankle_circumference / (2 * np.pi)
        knee = (self.head_of("thigh.L")[2] - self.head_of("shin.L")[2]) / (
            self.head_of("thigh.L")[2] - self.head_of("foot.L")[2]
        )
        rows = [  # place / leg length, centre outwards, centre back, radius out, in, back, front
            (-0.06, 0.000, 0.000, 0.70 * thigh, 0.70 * thigh, 0.70 * thigh, 0.70 * thigh),
            (0.04, 0.004, -0.004, 0.92 * thigh, 0.90 * thigh, 0.96 * thigh, 0.96 * thigh),
            (0.13, 0.002, -0.004, 0.93 * thigh, 0.93 * thigh, 0.98 * thigh, 0.98 * thigh),
            (0.26, 0.000, -0.006, 0.84 * thigh, 0.82 * thigh, 0.88 * thigh, 0.93 * thigh),
            (0.38, 0.000, -0.004, 0.5 * (0.84 * thigh + low), 0.70 * thigh, 0.72 * thigh, 0.78 * thigh),
            (knee - 0.07, 0.000, 0.000, 0.96 * low, 0.97 * low, 0.92 * low, 0.96 * low),
            (knee, 0.000, 0.000, 0.87 * low, 0.88 * low, 0.84 * low, 0.96 * low),
            (knee + 0.07, 0.000, 0.004, 0.88 * calf, 0.88 * calf, 0.94 * calf, 0.86 * calf),
            (knee + 0.16, 0.000, 0.012 * s, 0.98 * calf, 0.96 * calf, 1.08 * calf, 0.86 * calf),
            (knee + 0.24, 0.000, 0.012 * s, 0.92 * calf, 0.90 * calf, 0.98 * calf, 0.80 * calf),
            (knee + 0.34, 0.000, 0.008 * s, 1.12 * ankle, 1.10 * ankle, 1.16 * ankle, 1.02 * ankle),
            (0.93, 0.000, 0.004 * s, 0.90 * ankle, 0.90 * ankle, 1.04 * ankle, 0.98 * ankle),
            (1.03, 0.000, 0.004 * s, 0.78 * ankle, 0.78 * ankle, 0.90 * ankle, 1.10 * ankle),
        ]
        return Tube([r[0] * n for r in rows], [r[1:] for r in rows])

    @cached_property
    def _sole_tube(self):
        """Outline of the sole seen from above, in fractions of its length; the third axis is unused."""
        b = self.measures.foot_breadth / self.measures.foot_length * 1.04
        rows = [  # along, centre outwards, half breadth out, in
            (0.00, 0.000, 0.20 * b, 0.20 * b),
            (0.05, 0.000, 0.30 * b, 0.30 * b),
            (0.14, 0.000, 0.35 * b, 0.35 * b),
            (0.35, 0.006, 0.38 * b, 0.32 * b),
            (0.55, 0.004, 0.47 * b, 0.41 * b),
            (0.72, 0.000, 0.50 * b, 0.50 * b),
            (0.86, -0.010, 0.43 * b, 0.45 * b),
            (0.95, -0.024, 0.30 * b, 0.32 * b),
            (1.00, -0.030, 0.16 * b, 0.18 * b),
        ]
        return Tube([r[0] for r in rows], [(r[1], 0.0, r[2], r[3], 9.0, 9.0) for r in rows])

    def _instep(self, t):
        """Height of the shoe's upper along its length, for a foot of 0.265 m."""
        return np.interp(
            t, (0.0, 0.10, 0.30, 0.45, 0.60, 0.78, 0.92, 1.0), (0.072, 0.076, 0.084, 0.084, 0.070, 0.055, 0.047, 0.036)
        )

    def _finger(self, t, back, dorsal, points, radius):
        """Three rounded cones that taper towards the tip, with slight knuckles."""
        tip = points[3] + (points[2] - points[3]) * (0.75 * radius / np.linalg.norm(points[3] - points[2]))
        ends = (points[0], points[1], points[2], tip)
        radii = (1.16 * radius, 1.06 * radius, 0.95 * radius, 0.80 * radius)
        solid = None
        for i in range(3):
            part = rounded_cone(t, back, dorsal, ends[i], ends[i + 1], radii[i], radii[i + 1] * 0.99)
            solid = part if solid is None else smooth_min(solid, part, 0.3 * radius)
        return solid


def _grown(radii, ease):
    """Radii with an ease, a number or an array over points, added to each."""
    return [r + ease for r in radii]
