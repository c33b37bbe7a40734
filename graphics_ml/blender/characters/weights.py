# SPDX-License-Identifier: GPL-3.0-or-later
"""Skin weights: how much every bone moves a point of the rest pose.

The body is split along its bones, from the hips outwards. At each joint a smooth step hands a share of the weight to
the next bone; its coordinate is the signed distance to a plane through the joint for hinges, and the difference of two
fields of the body for the shoulder (arm against trunk). The shares multiply down the chain, so that weights are smooth
wherever the fields are, sum to one by construction, and skin and clothes that lie together move together.
"""

import numpy as np

from graphics_ml.blender.characters.body import Body
from graphics_ml.blender.characters.field import rounded_cone, smoothstep
from graphics_ml.blender.characters.proportions import BONES, FINGERS, foot_direction

INFLUENCES = 4


def skin_weights(
    body: Body, vertices: np.ndarray, hanging: bool = False, spanning: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """The bones that move each vertex.

    Args:
        vertices: (V, 3) rest positions, metres.
        hanging: cloth that falls over the seat and does not follow it under a thigh that is raised.
        spanning: cloth round both legs, which stretches between them where they part.

    Returns:
        bones (V, 4) int, indices into `BONES`, and weights (V, 4), each row descending and summing to 1.
    """
    shares = _shares(body, vertices, hanging, spanning)
    bones = np.argsort(-shares, axis=1, kind="stable")[:, :INFLUENCES]
    weights = np.take_along_axis(shares, bones, axis=1)
    weights[weights < 1e-3] = 0.0
    return bones, weights / weights.sum(axis=1, keepdims=True)


def rigid(bone: str, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Weights of `count` vertices that follow one bone."""
    bones, weights = np.zeros((count, INFLUENCES), int), np.zeros((count, INFLUENCES))
    bones[:, 0], weights[:, 0] = [name for name, _ in BONES].index(bone), 1.0
    return bones, weights


def _shares(body, vertices, hanging, spanning):
    x, y, z = vertices.T
    share = {}
    arm, clavicle, leg = _arm_share(body, x, y, z), _clavicle_share(body, x, y, z), _leg_share(body, x, y, z)
    leg = leg * (1.0 - arm)
    if hanging:
        behind = y - body.head_of("thigh.L")[1]
        leg = leg * (1.0 - 0.85 * smoothstep(behind, -0.03 * body.scale, 0.06 * body.scale))
    trunk = 1.0 - arm - leg
    left = smoothstep(x, -0.012, 0.012)
    sides = {"L": left, "R": 1.0 - left}
    between = 0.045 * body.scale if spanning else 0.012
    left = smoothstep(x, -between, between)
    legs = {"L": left, "R": 1.0 - left}
    for name, part in _trunk_shares(body, x, y, z).items():
        share[name] = trunk * part * (1.0 - clavicle)
    for side, own in sides.items():
        share[f"shoulder.{side}"] = trunk * clavicle * own
        for name, part in _arm_shares(body, x, y, z).items():
            share[f"{name}.{side}"] = arm * part * (x > 0 if side == "L" else x <= 0)
        for name, part in _leg_shares(body, x, y, z).items():
            share[f"{name}.{side}"] = leg * part * legs[side]
    return np.stack([np.broadcast_to(share[name], x.shape) for name, _ in BONES], axis=-1)


def _trunk_shares(body, x, y, z):
    """Along the spine: each joint hands over around its height, the head along a plane that tilts under the jaw."""
    h = body.measures.height
    width = {"spine": 0.075, "chest": 0.085, "upper_chest": 0.080}
    passed = {"hips": np.ones_like(z)}
    for bone in ("spine", "chest", "upper_chest"):
        joint = body.head_of(bone)[2]
        passed[bone] = smoothstep(z, joint - 0.5 * width[bone] * h, joint + 0.5 * width[bone] * h)
    base = body.head_of("neck")
    along = (z - base[2]) * 0.94 - (y - base[1]) * 0.34
    passed["neck"] = smoothstep(along, -0.022 * h, 0.020 * h)
    joint = body.head_of("head")
    along = (z - joint[2]) * 0.62 - (y - joint[1]) * 0.78
    passed["head"] = smoothstep(along, -0.030 * h, 0.012 * h)
    names = list(passed)
    shares = {}
    for bone, after in zip(names, [*names[1:], None], strict=True):
        rest = np.ones_like(z)
        for other in names[: names.index(bone) + 1]:
            rest = rest * passed[other]
        shares[bone] = rest * (1.0 - passed[after]) if after else rest
    return shares


def _arm_share(body, x, y, z):
    """How much a point belongs to the arm rather than to the trunk: difference of their fields."""
    t, back, dorsal = body.along_arm(x, y, z)
    upper, fore = body.arm_lengths
    start, end = (0.25 * upper, 0.0, 0.0), (upper + fore + body.measures.hand_length, 0.0, 0.0)
    arm = rounded_cone(t, back, dorsal, start, end, 0.052 * body.scale, 0.035 * body.scale)
    trunk = body.trunk(x, y, z)
    closer = trunk - arm
    by_field = smoothstep(closer, -0.055 * body.scale, 0.065 * body.scale)
    return by_field * smoothstep(t, -0.050 * body.scale, 0.060 * body.scale)


def _clavicle_share(body, x, y, z):
    """The shoulder girdle: from the middle of the collarbone outwards, over chest and shoulder blade."""
    s = body.scale
    joint = body.head_of("upper_arm.L")
    out = smoothstep(np.abs(x), 0.045 * s, joint[0] + 0.01 * s)
    up = smoothstep(z, joint[2] - 0.13 * s, joint[2] + 0.02 * s)
    below_neck = 1.0 - smoothstep(z, body.head_of("neck")[2] - 0.01 * s, body.head_of("neck")[2] + 0.05 * s)
    return 0.85 * out * up * below_neck


def _arm_shares(body, x, y, z):
    upper, fore = body.arm_lengths
    s = body.scale
    t, back, dorsal = body.along_arm(x, y, z)
    elbow = smoothstep(t - 0.15 * np.abs(back), upper - 0.056 * s, upper + 0.056 * s)
    wrist = smoothstep(t, upper + fore - 0.062 * s, upper + fore + 0.022 * s)
    upper_twisted = smoothstep(t, 0.15 * upper, 0.80 * upper)
    twisted = smoothstep(t, upper + 0.15 * fore, upper + 0.60 * fore)
    near_wrist = smoothstep(t, upper + 0.45 * fore, upper + 0.85 * fore)
    shares = {
        "upper_arm_twist": (1.0 - elbow) * (1.0 - upper_twisted),
        "upper_arm": (1.0 - elbow) * upper_twisted,
        "forearm_twist": elbow * (1.0 - wrist) * (1.0 - twisted),
        "forearm": elbow * (1.0 - wrist) * twisted * (1.0 - near_wrist),
        "wrist_twist": elbow * (1.0 - wrist) * twisted * near_wrist,
    }
    hand = elbow * wrist
    free = np.ones_like(t)
    for name, part in _finger_shares(body, t - upper - fore, back, dorsal).items():
        shares[name] = hand * part
        free = free - part
    shares["hand"] = hand * free
    return shares


def _finger_shares(body, t, back, dorsal):
    """Within the hand: every point belongs to its nearest finger, from that finger's knuckle on."""
    distance, along = {}, {}
    for finger in FINGERS:
        points = body.hand_points[finger]
        near = [rounded_cone(t, back, dorsal, points[i], points[i + 1], 0.0, 0.0) for i in range(3)]
        distance[finger] = np.minimum(np.minimum(near[0], near[1]), near[2])
        along[finger] = _joint_steps(points, t, back, dorsal, finger == "thumb")
    # a soft nearest-finger choice: weights fall by e within 1.5 mm of extra distance
    nearest = np.minimum.reduce(list(distance.values()))
    soft = {f: np.exp(-(d - nearest) / 0.0015) for f, d in distance.items()}
    total = sum(soft.values())
    shares = {}
    for finger in FINGERS:
        first, second, third = along[finger]
        own = soft[finger] / total
        shares[f"{finger}_1"] = own * first * (1.0 - second)
        shares[f"{finger}_2"] = own * first * second * (1.0 - third)
        shares[f"{finger}_3"] = own * first * second * third
    return shares


def _joint_steps(points, t, back, dorsal, thumb):
    """The shares that a finger's three joints hand over, by distance along the bisector of the bones that meet."""
    steps = []
    for i in range(3):
        ahead = points[i + 1] - points[i]
        behind = points[i] - points[i - 1] if i else (np.array([1.0, 0.0, 0.0]) if not thumb else ahead)
        normal = ahead / np.linalg.norm(ahead) + behind / np.linalg.norm(behind)
        normal /= np.linalg.norm(normal)
        along = (t - points[i][0]) * normal[0] + (back - points[i][1]) * normal[1] + (dorsal - points[i][2]) * normal[2]
        before, after = (0.010, 0.008) if i else ((0.004, 0.030) if thumb else (0.012, 0.010))
        steps.append(smoothstep(along, -before, after))
    return steps


def _leg_share(body, x, y, z):
    """From the hips to the thighs, across a plane that runs from the hip bone down to the crotch."""
    hip, s = body.head_of("thigh.L"), body.scale
    side = np.abs(x)
    along = (hip[2] - z) * 0.86 + (side - hip[0]) * 0.50 - (y - hip[1]) * 0.12
    return smoothstep(along, -0.075 * s, 0.085 * s) * _below_waist(body, z)


def _below_waist(body, z):
    spine = body.head_of("spine")[2]
    return 1.0 - smoothstep(z, spine - 0.06 * body.scale, spine + 0.02 * body.scale)


def _leg_shares(body, x, y, z):
    s = body.scale
    knee, ankle, ball = (body.head_of(b) for b in ("shin.L", "foot.L", "toes.L"))
    shin = smoothstep(knee[2] - z, -0.058 * s, 0.058 * s)
    foot = smoothstep((ankle[2] - z) * 0.80 - (y - ankle[1]) * 0.60, -0.028 * s, 0.034 * s)
    foot = np.maximum(foot, smoothstep(ankle[2] - z, -0.010 * s, 0.030 * s))  # a shoe's heel is stiff
    foot = foot * (1.0 - smoothstep(z, ankle[2] + 0.06 * s, ankle[2] + 0.12 * s))
    direction = foot_direction()
    forward = (np.abs(x) - ball[0]) * direction[0] + (y - ball[1]) * direction[1]
    toes = smoothstep(forward, -0.022 * s, 0.026 * s)
    return {
        "thigh": 1.0 - shin,
        "shin": shin * (1.0 - foot),
        "foot": shin * foot * (1.0 - toes),
        "toes": shin * foot * toes,
    }
