# SPDX-License-Identifier: GPL-3.0-or-later
"""From a character's height, body mass index and masculinity to body measures and joint centres.

Measures follow the public ANSUR II survey (Gordon et al., "2012 Anthropometric Survey of U.S. Army Personnel: Methods
and Summary Statistics", NATICK/TR-15/007, 2014; 4082 men and 1986 women). For every measure the table below holds the
survey's mean and the two exponents of its least-squares power law in stature and body mass index,

    measure = mean * (height / mean height)^a * (BMI / mean BMI)^b,

fitted by us to the survey's public files, women and men apart. Joint centres inside the body are placed from
these landmarks with the segment fractions of Drillis and Contini 1966 (as printed in Winter, "Biomechanics and Motor
Control of Human Movement", 4th ed. 2009, fig. 4.1); hip joint centres after Bell, Pedersen and Brand 1990 (14% of the
pelvis' breadth inward); finger segments after Buchholz, Armstrong and Goldstein 1992 (fractions of hand length).

The survey knows no children. Below 1.40 m a body is that of 1.40 m made smaller, but the head shrinks more slowly and
neck and shoulders sink by what it takes, drawn from pictures of children and not from measures.

Blender's axes: Z up, the character faces -Y, its left is +X; metres.
"""

from itertools import pairwise
from types import SimpleNamespace

import numpy as np

from graphics_ml.blender.characters.field import smoothstep
from graphics_ml.blender.characters.parameters import ADULT_HEIGHTS, Character

FINGERS = ("thumb", "index", "middle", "ring", "pinky")

_MIDDLE = (
    ("hips", None),
    ("spine", "hips"),
    ("chest", "spine"),
    ("upper_chest", "chest"),
    ("neck", "upper_chest"),
    ("head", "neck"),
)
_SIDE = (
    ("shoulder", "upper_chest"),
    ("upper_arm", "shoulder"),
    ("forearm", "upper_arm"),
    ("hand", "forearm"),
    *((f"{f}_{i}", "hand" if i == 1 else f"{f}_{i - 1}") for f in FINGERS for i in (1, 2, 3)),
    ("thigh", "hips"),
    ("shin", "thigh"),
    ("foot", "shin"),
    ("toes", "foot"),
    ("upper_arm_twist", "upper_arm"),
    ("forearm_twist", "forearm"),
    ("wrist_twist", "forearm"),
)
_CENTRAL = {name for name, _ in _MIDDLE}

BONES: tuple[tuple[str, str | None], ...] = _MIDDLE + tuple(
    (f"{name}.{side}", parent if parent in _CENTRAL else f"{parent}.{side}") for side in "LR" for name, parent in _SIDE
)
"""(name, parent) of every bone, parents before children."""

TWISTS = {"upper_arm_twist": ("upper_arm", -0.5), "forearm_twist": ("forearm", -0.5), "wrist_twist": ("hand", 0.5)}
"""Bones that follow by themselves: {name: (another's name, share of the other's turn about its own axis)}.

Between two bones, turned by an angle against each other about their length, linear blending narrows a limb to
cos(angle / 2). With half of the turn taken by a third bone between them, 90 degrees leave 92% of the width, not 71%.
"""

ARM_SLOPE = np.radians(45.0)  # of the rest pose's arms below the horizontal


def body_skeleton(character: Character) -> dict[str, np.ndarray]:
    """Joint centres of the rest pose (an A-pose, palms down, feet on z = 0).

    Returns:
        {bone name: (2, 3) head and tail, metres, Blender's axes}, in the order of `BONES`. The right side mirrors
        the left exactly. A bone's tail is the head of the next bone of its chain.
    """
    m = measures(character)
    left = _arm(m) | _leg(m)
    joints = _trunk(m)
    for name, _ in BONES:
        if name in joints:
            continue
        segment = np.array(left[name[:-2]])
        joints[name] = segment if name.endswith(".L") else segment * [-1.0, 1.0, 1.0]
    return {name: joints[name] for name, _ in BONES}


def measures(character: Character) -> SimpleNamespace:
    """Body measures in metres: each of the survey's that we use, as attributes, `height`, and `sunk`, by how much a
    child's neck is lower than a small adult's."""
    values, grown = {}, max(character.height, ADULT_HEIGHTS[0])
    for name, (male, female) in _SURVEY.items():
        both = [
            mean * (grown / stature) ** a * (character.body_mass_index / bmi) ** b / 1000.0
            for (mean, a, b), (stature, bmi) in zip((female, male), ((1.6285, 25.5), (1.7562, 27.7)), strict=True)
        ]
        values[name] = both[0] + (both[1] - both[0]) * character.masculinity
    sunk = 0.0
    if character.height < grown:
        small = character.height / grown
        values = {name: value * small ** (0.3 if name in _OF_HEAD else 1.0) for name, value in values.items()}
        to_chin = 1.75 * values["tragion_to_top"]
        sunk = to_chin * (1.0 - small**0.7)
        for name in ("cervicale_height", "acromial_height", "suprasternal_height"):
            values[name] -= sunk
    return SimpleNamespace(height=character.height, sunk=sunk, **values)


def level(m, part):
    """Height above the ground, metres, of a part of an adult's height; a child's chest sinks with its neck."""
    return part * m.height - m.sunk * smoothstep(part, 0.68, 0.842)


def _trunk(m):
    h = m.height
    z = {
        "hips": m.trochanter_height + 0.015 * h,
        "spine": 0.572 * h,
        "chest": 0.645 * h,
        "upper_chest": level(m, 0.735),
        "neck": m.cervicale_height - 0.012 * h,
        "head": h - m.tragion_to_top - 0.012 * h,
        "top": h,
    }
    y = dict(hips=0.0, spine=0.010, chest=0.016, upper_chest=0.022, neck=0.020, head=0.002, top=0.002)
    points = {k: np.array([0.0, y[k] * h / 1.75, z[k]]) for k in z}
    names = list(points)
    return {a: np.stack([points[a], points[b]]) for a, b in pairwise(names)}


def arm_frame() -> np.ndarray:
    """(3, 3) columns: along the left arm, backwards, out of the back of the hand."""
    c, s = np.cos(ARM_SLOPE), np.sin(ARM_SLOPE)
    return np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])


def _arm(m):
    scale = m.height / 1.75
    shoulder = np.array([m.biacromial_breadth / 2 - 0.024 * scale, 0.012 * scale, m.acromial_height - 0.036 * scale])
    clavicle = np.array([0.022 * scale, -0.022 * scale, m.suprasternal_height - 0.012 * scale])
    upper = m.upper_arm_length - 0.030 * scale
    forearm = m.forearm_length
    along = arm_frame()[:, 0]
    elbow, wrist = shoulder + along * upper, shoulder + along * (upper + forearm)
    bones = {
        "shoulder": (clavicle, shoulder),
        "upper_arm": (shoulder, elbow),
        "forearm": (elbow, wrist),
        "upper_arm_twist": (shoulder, 0.5 * (shoulder + elbow)),
        "forearm_twist": (elbow, 0.5 * (elbow + wrist)),
        "wrist_twist": (0.5 * (elbow + wrist), wrist),
    }
    fingers = {finger: wrist + points @ arm_frame().T for finger, points in hand_joints(m).items()}
    bones["hand"] = (wrist, fingers["middle"][0])
    for finger, points in fingers.items():
        for i in range(3):
            bones[f"{finger}_{i + 1}"] = (points[i], points[i + 1])
    return bones


def hand_joints(m) -> dict[str, np.ndarray]:
    """Finger joints of the left hand in its own frame (along the arm, backwards, dorsal), origin at the wrist.

    Returns:
        {finger: (4, 3): three joints and the tip}, metres. Fingers are slightly spread and curled.
    """
    length, breadth = m.hand_length, m.hand_breadth
    knuckle = {  # metacarpal length / hand length, sideways place / breadth, spread in degrees, dorsal place / length
        "index": (0.455, -0.315, -6.0, 0.020),
        "middle": (0.446, -0.065, -0.5, 0.024),
        "ring": (0.421, 0.170, 5.0, 0.018),
        "pinky": (0.386, 0.390, 11.0, 0.006),
    }
    phalanges = {
        "index": (0.245, 0.143, 0.097),
        "middle": (0.266, 0.170, 0.108),
        "ring": (0.244, 0.165, 0.107),
        "pinky": (0.204, 0.117, 0.093),
    }
    joints = {"thumb": _thumb(length, breadth)}
    for finger, (along, side, spread, dorsal) in knuckle.items():
        points = [np.array([along * length, side * breadth, dorsal * length])]
        for part, curl in zip(phalanges[finger], (7.0, 17.0, 25.0), strict=True):
            s, c = np.radians(spread), np.radians(curl)
            step = np.array([np.cos(s) * np.cos(c), np.sin(s) * np.cos(c), -np.sin(c)])
            points.append(points[-1] + step * part * length)
        joints[finger] = np.array(points)
    return joints


def _thumb(length, breadth):
    points = [np.array([0.105 * length, -0.250 * breadth, -0.045 * length])]
    for part, spread, drop in ((0.251, 38.0, 22.0), (0.180, 28.0, 18.0), (0.150, 18.0, 16.0)):
        s, d = np.radians(spread), np.radians(drop)
        points.append(
            points[-1] + part * length * np.array([np.cos(s) * np.cos(d), -np.sin(s) * np.cos(d), -np.sin(d)])
        )
    return np.array(points)


def _leg(m):
    scale = m.height / 1.75
    hip = np.array([0.31 * m.bicristal_breadth, 0.0, m.trochanter_height])
    ankle = np.array([hip[0] + 0.045 * scale, 0.028 * scale, m.malleolus_height])
    knee = hip + (ankle - hip) * (hip[2] - 0.274 * m.height) / (hip[2] - ankle[2])
    along = foot_direction()
    ball = ankle + along * (m.ball_of_foot_length - 0.25 * m.foot_length)
    ball[2] = 0.017 * m.height / 1.75
    tip = ball + along * (m.foot_length - m.ball_of_foot_length)
    return {"thigh": (hip, knee), "shin": (knee, ankle), "foot": (ankle, ball), "toes": (ball, tip)}


def foot_direction() -> np.ndarray:
    """Where the left foot points: forward, toes 6 degrees out."""
    out = np.radians(6.0)
    return np.array([np.sin(out), -np.cos(out), 0.0])


_OF_HEAD = ("head_breadth", "head_length", "menton_sellion_length", "tragion_to_top")
_SURVEY = {  # name: (men's mean in mm, stature exponent, BMI exponent), (women's)
    "chest_breadth": ((289.4, 0.56, 0.27), (269.3, 0.54, 0.32)),
    "chest_depth": ((253.8, 0.58, 0.61), (247.4, 0.52, 0.65)),
    "waist_breadth": ((326.4, 0.68, 0.62), (299.9, 0.65, 0.64)),
    "waist_depth": ((237.8, 0.58, 0.85), (213.0, 0.41, 0.88)),
    "hip_breadth": ((345.7, 0.69, 0.36), (353.8, 0.66, 0.41)),
    "buttock_depth": ((245.8, 0.59, 0.65), (232.9, 0.52, 0.65)),
    "bicristal_breadth": ((275.4, 0.83, 0.21), (273.3, 0.73, 0.34)),
    "biacromial_breadth": ((415.7, 0.63, 0.12), (365.3, 0.71, 0.07)),
    "bideltoid_breadth": ((510.4, 0.51, 0.36), (450.3, 0.51, 0.37)),
    "neck_circumference": ((397.6, 0.33, 0.35), (329.8, 0.38, 0.30)),
    "thigh_circumference": ((625.1, 0.61, 0.57), (616.1, 0.62, 0.58)),
    "lower_thigh_circumference": ((409.3, 0.60, 0.45), (400.7, 0.62, 0.50)),
    "calf_circumference": ((392.3, 0.52, 0.42), (373.3, 0.58, 0.41)),
    "ankle_circumference": ((229.3, 0.61, 0.27), (215.7, 0.60, 0.25)),
    "biceps_circumference": ((358.1, 0.47, 0.55), (305.6, 0.51, 0.63)),
    "forearm_circumference": ((310.1, 0.55, 0.37), (264.1, 0.56, 0.38)),
    "wrist_circumference": ((175.9, 0.64, 0.19), (154.8, 0.66, 0.19)),
    "head_breadth": ((154.3, 0.07, 0.08), (147.8, 0.13, 0.05)),
    "head_length": ((199.5, 0.34, 0.06), (189.8, 0.35, 0.06)),
    "menton_sellion_length": ((122.6, 0.42, 0.06), (113.1, 0.39, 0.08)),
    "tragion_to_top": ((131.1, 0.24, 0.03), (126.5, 0.28, 0.06)),
    "foot_length": ((271.2, 0.89, 0.06), (246.3, 0.91, 0.07)),
    "foot_breadth": ((101.9, 0.59, 0.14), (92.7, 0.51, 0.14)),
    "ball_of_foot_length": ((200.9, 0.89, 0.06), (182.1, 0.91, 0.07)),
    "hand_length": ((193.3, 0.89, 0.04), (181.1, 0.89, 0.07)),
    "hand_breadth": ((88.3, 0.60, 0.12), (78.2, 0.57, 0.11)),
    "upper_arm_length": ((335.2, 1.06, 0.02), (311.2, 1.11, 0.04)),
    "forearm_length": ((267.9, 1.05, 0.01), (241.3, 1.10, 0.03)),
    "acromial_height": ((1440.7, 1.09, 0.02), (1335.1, 1.07, 0.01)),
    "suprasternal_height": ((1438.6, 1.07, 0.02), (1329.7, 1.07, 0.02)),
    "cervicale_height": ((1517.3, 1.05, 0.01), (1395.7, 1.06, 0.00)),
    "trochanter_height": ((900.9, 1.19, -0.02), (845.4, 1.15, 0.01)),
    "crotch_height": ((845.9, 1.21, -0.04), (782.3, 1.24, -0.03)),
    "malleolus_height": ((72.9, 0.93, 0.09), (62.7, 0.91, 0.02)),
}
