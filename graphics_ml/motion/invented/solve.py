"""From Tracks to a Motion: arms and legs by two-bone inverse kinematics in closed form, all frames at once.

A knee bends in the plane that the foot looks along and an elbow where arms that come from the middle of where hands are
have it, so neither a shin nor a forearm is twisted; what the tracks add are swivels about the line from end to end.
Joints are kept within joint_limits.py's table as people do it: a heel rises where the ankle can bend no further, an
elbow swings out where the upper arm can be turned no further, a wrist stops.
"""

from fractions import Fraction

import numpy as np

from graphics_ml.motion.humanoid import BODY_ROLES, FINGERS, ROLE_PARENT, ROLES
from graphics_ml.motion.invented.body import (
    ANKLE,
    ARM,
    BALL,
    BALL_RADIUS,
    FOREARM,
    HEEL,
    JOINT,
    OFFSET,
    SHIN,
    SIDES,
    THIGH,
    TOE_TIP,
    UPPER_ARM,
    skeleton_of,
)
from graphics_ml.motion.invented.tracks import CENTRE, Tracks, wrist_about, wrist_direction
from graphics_ml.motion.joint_limits import HINGE_RANGE, TWIST_RANGE
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.rotations import (
    axis_angle_from_quaternion,
    conjugate,
    cross,
    dot,
    multiply,
    normalize,
    quaternion_from_axis_angle,
    quaternion_from_columns,
    quaternion_from_euler,
    rotate,
    rotation_between,
    slerp,
    swing_twist,
    unroll,
)

_Y, _X = np.array([0.0, 1, 0]), np.array([1.0, 0, 0])
_ELBOW = normalize(np.array([0.35, -0.75, -0.56]) - (np.array([0.35, -0.75, -0.56]) @ CENTRE) * CENTRE)
"""Where the left elbow points off the line from shoulder to wrist, for a wrist in the middle of where hands are."""
_TOES = np.radians(75)  # how far toes bend up (Norkin and White, 2016, appendix B, passively)
_INSIDE = 0.97  # part of the ranges of movement that is used


def _range(movement):
    low, high = HINGE_RANGE[movement]
    return _INSIDE * np.radians(low), _INSIDE * np.radians(high)


_BENT = _range(("shin", "flexion"))[1], _range(("forearm", "flexion"))[1]
_PLANTAR, _EVERSION, _TOEING = _range("plantarflexion"), _range("eversion"), _range("abduction")
_WRIST = np.transpose([_range(movement) for movement in ("supination", "extension", "ulnar deviation")])
_GIRDLE = np.transpose([_range("elevation"), _range("retraction")])
_TWIST = tuple(_INSIDE * np.radians(limit) for limit in TWIST_RANGE["upper_arm"][1:])
_THIGH_TWIST = _INSIDE * np.radians(TWIST_RANGE["thigh"][2])


class Pose:
    """World rotations and places of the body's joints of F solved poses.

    Attributes:
        turns: role to (F, 4).
        places: role to (F, 3), body heights.
        hands: side to (F, 3), supination, extension and deviation as they came out.
    """

    def __init__(self):
        self.turns, self.places, self.hands = {}, {}, {}

    def add(self, role, turn):
        """A joint that hangs from one that is known, with its world rotation."""
        parent = ROLE_PARENT[role]
        self.places[role] = self.places[parent] + rotate(self.turns[parent], OFFSET[role])
        self.turns[role] = turn


def solve(tracks: Tracks) -> Pose:
    """The body in each of the poses, without fingers.

    Where a foot or hand is out of reach it ends on the way there.
    """
    pose = Pose()
    pose.turns["hips"], pose.places["hips"] = quaternion_from_euler(tracks["pelvis"], "YXZ"), tracks["hips"]
    for role, name, share in _SPINE:
        pose.add(role, multiply(pose.turns[ROLE_PARENT[role]], _bent(tracks[name] * share)))
    solve_arms(pose, tracks)
    for side, sign in SIDES.items():
        _solve_leg(pose, tracks, side, sign)
    return pose


def solve_arms(pose: Pose, tracks: Tracks) -> None:
    """Both arms of a solved pose anew, where nothing else has changed."""
    for side, sign in SIDES.items():
        _solve_arm(pose, tracks, side, sign)


_SPINE = (("spine", "lumbar", 1), ("chest", "thorax", 0.5), ("upper_chest", "thorax", 0.5), ("neck", "neck", 1),
          ("head", "head", 1))  # fmt: skip


def _bent(angles):
    """Rotations of (F, 3) flexion, bend and twist."""
    return quaternion_from_axis_angle(np.stack((angles[:, 0], angles[:, 2], -angles[:, 1]), axis=-1))


def wrist_of(pose: Pose, side: str, place) -> np.ndarray:
    """(F, 3) up, out and reach for a wrist at world places (F, 3) of a solved pose."""
    away = rotate(conjugate(pose.turns["upper_chest"]), place - pose.places[f"{side}_upper_arm"])
    away = away * (SIDES[side], 1, 1)
    return np.concatenate((wrist_about(away), np.linalg.norm(away, axis=-1, keepdims=True) / ARM), axis=-1)


def _solve_arm(pose, tracks, side, sign):
    chest = pose.turns["upper_chest"]
    elevation, retraction = _softly_within(tracks[f"{side}_clavicle"], *_GIRDLE).T
    euler = np.stack((sign * elevation, sign * retraction, 0 * elevation), axis=-1)
    pose.add(f"{side}_shoulder", multiply(chest, quaternion_from_euler(euler, "ZYX")))
    pose.add(f"{side}_upper_arm", chest)
    shoulder = pose.places[f"{side}_upper_arm"]
    up, out, reach = tracks[f"{side}_wrist"].T
    # In the chest's frame, mirrored to the left: one arm is worked out.
    wrist = wrist_direction(up, out) * np.maximum(reach, 0.05)[:, None] * ARM
    touch, mirror = tracks[f"{side}_touch"], np.array([sign, 1, 1])
    if touch[:, 3].any():
        there = rotate(conjugate(chest), touch[:, :3] - shoulder) * mirror
        wrist = wrist + touch[:, 3:] * (there - wrist)
    span = np.linalg.norm(wrist, axis=-1)
    along = wrist / np.maximum(span, 1e-9)[:, None]
    pole = rotate(rotation_between(np.broadcast_to(CENTRE, along.shape), along), _ELBOW)
    distance = _within_reach(span, UPPER_ARM, FOREARM, _BENT[1])
    swivel = tracks[f"{side}_elbow"][:, 0]
    for _ in range(2):
        turn, forearm = _elbow(along, distance, _swivelled(pole, along, swivel))
        swing, twist = swing_twist(turn, _X)
        angle = -2 * np.arctan2(twist[:, 1], twist[:, 0])
        angle = (angle + np.pi) % (2 * np.pi) - np.pi
        # Twist and swivel are nearly one turn about nearly one axis.
        swivel = swivel + np.where(swing[:, 0] ** 2 > 0.1, angle - np.clip(angle, *_TWIST), 0)
    turn, forearm = _elbow(along, distance, _swivelled(pole, along, swivel))
    if sign < 0:
        turn, forearm = turn * _MIRROR, forearm * _MIRROR
    pose.turns[f"{side}_upper_arm"] = multiply(chest, turn)
    forearm = multiply(chest, forearm)
    pose.add(f"{side}_forearm", forearm)
    hand = _hand(tracks, side, sign, forearm)
    pose.hands[side] = hand
    # The forearm is turned half as much as the hand: its bones roll about each other all along it.
    half = quaternion_from_axis_angle(hand[:, :1] * 0.5 * -_X)
    pose.turns[f"{side}_forearm"] = multiply(forearm, half)
    bend = quaternion_from_euler(np.stack((sign * hand[:, 1], sign * hand[:, 2], -0.5 * hand[:, 0]), axis=-1), "ZYX")
    pose.add(f"{side}_hand", multiply(pose.turns[f"{side}_forearm"], bend))


_MIRROR = np.array([1.0, 1, -1, -1])  # a rotation seen in the mirror of x


def _swivelled(pole, along, angle):
    return rotate(quaternion_from_axis_angle(angle[:, None] * along), pole)


def _within_reach(span, upper, lower, bent):
    """Distances (F,) that a limb can have: bent no further than it bends, and never quite straight."""
    least = np.sqrt(upper**2 + lower**2 - 2 * upper * lower * np.cos(np.pi - bent))
    most = upper + lower
    # The last of the length is used up slowly, as in two_bone_ik: no snap.
    start = 0.996 * most
    zone = 0.9998 * most - start
    soft = start + zone * (1 - np.exp(-np.maximum(span - start, 0) / zone))
    return np.maximum(np.where(span > start, soft, span), least)


def _elbow(along, distance, pole):
    """Rotations of the left upper arm and the untwisted forearm for a wrist along there, the elbow off at the pole."""
    foot = (UPPER_ARM**2 - FOREARM**2 + distance**2) / (2 * distance)
    height = np.sqrt(np.maximum(UPPER_ARM**2 - foot**2, 1e-12))
    upper = foot[:, None] * along + height[:, None] * pole
    lower = distance[:, None] * along - upper
    hinge = cross(along, pole)
    return quaternion_from_columns(upper, hinge), quaternion_from_columns(lower, hinge)


def _hand(tracks, side, sign, forearm):
    """Supination, extension and deviation (F, 3) of the wrist, within its range."""
    angles = tracks[f"{side}_hand"]
    lay = tracks[f"{side}_lay"]
    if lay[:, 3].any():
        local = multiply(conjugate(forearm), quaternion_from_euler(lay[:, :3], "YXZ"))
        swing, twist = swing_twist(local, _X)
        bend = axis_angle_from_quaternion(swing)
        turn = axis_angle_from_quaternion(twist)[:, 0]
        bend = rotate(quaternion_from_axis_angle(-0.5 * turn[:, None] * _X), bend)
        asked = np.stack((-turn, sign * bend[:, 2], sign * bend[:, 1]), axis=-1)
        angles = angles + lay[:, 3:] * (asked - angles)
    return _softly_within(angles, *_WRIST)


def _softly_within(angle, low, high, zone=0.1):
    """Angles that near their limits smoothly instead of stopping at them."""
    middle, half = (low + high) / 2, (high - low) / 2
    off = (angle - middle) / half
    beyond = np.maximum(np.abs(off) - (1 - zone), 0)
    return middle + half * np.sign(off) * (np.minimum(np.abs(off), 1 - zone) + zone * (1 - np.exp(-beyond / zone)))


def _solve_leg(pose, tracks, side, sign):
    pelvis = pose.turns["hips"]
    pose.add(f"{side}_thigh", pelvis)
    hip = pose.places[f"{side}_thigh"]
    pitch = tracks[f"{side}_foot"][:, 1]
    free = _free_leg(tracks[f"{side}_leg"], hip, pelvis, sign) if tracks[f"{side}_leg"][:, 5].any() else None
    for last in (False, False, True):
        ankle, foot, toes = standing_foot(tracks, side, pitch)
        if free is not None:
            weight = tracks[f"{side}_leg"][:, 5]
            ankle = ankle + weight[:, None] * (free[0] - ankle)
            foot, toes = slerp(foot, free[1], weight), toes * (1 - weight)
            ankle = _above_floor(ankle, foot, toes + tracks[f"{side}_toes"][:, 0])
        thigh, shin = _knee(hip, ankle, foot, tracks[f"{side}_knee"][:, 0] * sign, pelvis)
        if not last:
            # Where the ankle can be bent up no further the heel rises, and where it can be stretched no further, sinks.
            down = multiply(conjugate(shin), foot)
            bend = 2 * np.arctan2(down[:, 1], down[:, 0])
            bend = (bend + np.pi) % (2 * np.pi) - np.pi
            pitch = pitch + np.clip(bend, *_PLANTAR) - bend
    pose.turns[f"{side}_thigh"] = thigh
    pose.add(f"{side}_shin", shin)
    pose.add(f"{side}_foot", multiply(shin, _ankle_within(multiply(conjugate(shin), foot), sign)))
    toes = toes + tracks[f"{side}_toes"][:, 0]
    pose.add(f"{side}_toes", multiply(pose.turns[f"{side}_foot"], quaternion_from_axis_angle(-toes[:, None] * _X)))


def standing_foot(tracks: Tracks, side: str, pitch=None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """World place of the ankle (F, 3), turn of the foot (F, 4), and extension of the toes (F,), of a foot on its sole,
    ball or heel.

    Args:
        pitch: (F,) instead of the tracks' own.
    """
    (x, lift, z), (turn, own, roll) = tracks[f"{side}_sole"].T, tracks[f"{side}_foot"].T
    pitch = own if pitch is None else pitch
    about = quaternion_from_axis_angle(turn[:, None] * _Y)
    foot = quaternion_from_euler(np.stack((turn, pitch, roll), axis=-1), "YXZ")
    ankle = np.stack((x, ANKLE + lift, z), axis=-1)
    pivot = np.where((pitch > 0)[:, None], BALL, HEEL)
    ankle = ankle + rotate(about, pivot) - rotate(foot, pivot)
    return ankle, foot, np.clip(pitch, 0, _TOES) * np.clip(1 - lift / 0.04, 0, 1)


def _above_floor(ankle, foot, toes):
    """The ankle (F, 3), raised until heel, ball and toes of the foot are not below the floor."""
    tip = BALL + rotate(quaternion_from_axis_angle(-toes[:, None] * _X), TOE_TIP)
    points = np.stack([rotate(foot, point)[:, 1] for point in (HEEL, BALL, tip)])
    low = ankle[:, 1] + (points - np.array([[0.0], [BALL_RADIUS], [BALL_RADIUS]])).min(axis=0)
    return ankle + np.maximum(-low, 0)[:, None] * _Y


def _free_leg(leg, hip, pelvis, sign):
    """World place of the ankle (F, 3) and turn of the foot (F, 4) of a leg given by its angles: the thigh swung ahead
    and out the shortest way, and turned out about itself."""
    flexion, abduction, rotation, knee, ankle, _ = leg.T
    aside = sign * np.sin(abduction)
    thigh = np.stack((aside, -np.cos(abduction) * np.cos(flexion), np.cos(abduction) * np.sin(flexion)), axis=-1)
    swing = rotation_between(np.broadcast_to(-_Y, thigh.shape), thigh)
    thigh = multiply(multiply(pelvis, swing), quaternion_from_axis_angle(sign * rotation[:, None] * _Y))
    shin = multiply(thigh, quaternion_from_axis_angle(knee[:, None] * _X))
    foot = multiply(shin, quaternion_from_axis_angle(ankle[:, None] * _X))
    return hip - rotate(thigh, THIGH * _Y) - rotate(shin, SHIN * _Y), foot


def _knee(hip, ankle, foot, swivel, pelvis):
    """World rotations of thigh and shin."""
    span = ankle - hip
    length = np.sqrt(dot(span, span))
    along = span / np.maximum(length, 1e-9)[:, None]
    distance = _within_reach(length, THIGH, SHIN, _BENT[0])
    across = rotate(foot, _X)
    pole = normalize(cross(along, across))
    # The foot's direction counts as far as the hip can turn the leg there from where it bends of itself.
    own = rotate(multiply(_carried(along, pelvis), pelvis), np.array([0.0, 0, 1]))
    turn = np.arctan2(dot(cross(own, pole), along), dot(own, pole))
    # As in joint_limits.py a twist counts the less the further the leg is swung.
    most = _THIGH_TWIST + np.radians(2.5) / np.maximum(0.5 - 0.5 * dot(along, rotate(pelvis, _Y)), 0.2)
    pole = _swivelled(own, along, np.clip(turn, -most, most) - swivel)
    foot_of = (THIGH**2 - SHIN**2 + distance**2) / (2 * distance)
    height = np.sqrt(np.maximum(THIGH**2 - foot_of**2, 1e-12))
    upper = foot_of[:, None] * along + height[:, None] * pole
    lower = distance[:, None] * along - upper
    hinge = cross(pole, along)
    return quaternion_from_columns(hinge, -upper), quaternion_from_columns(hinge, -lower)


def _carried(along, pelvis):
    """The shortest turns from where a leg hangs to `along`."""
    return rotation_between(rotate(pelvis, -_Y), along)


def _ankle_within(turn, sign):
    """The foot's rotations in the shin's frame, rolled and toed no further than ankles are."""
    swing, twist = swing_twist(turn, _X)
    side = axis_angle_from_quaternion(swing)
    eversion = _softly_within(sign * side[:, 2], *_EVERSION)
    toeing = _softly_within(sign * side[:, 1], *_TOEING)
    swing = quaternion_from_axis_angle(np.stack((side[:, 0], sign * toeing, sign * eversion), axis=-1))
    return multiply(swing, twist)


def motion_of(tracks: Tracks, pose: Pose, fps=30, height=1.70, fingers=True, provenance=None, contacts=None) -> Motion:
    """The motion of solved tracks.

    Args:
        height: metres.
        fingers: with finger joints, or the standard skeleton as it is.
        contacts: (F, 4) bool, see Motion.
    """
    skeleton = skeleton_of(height, fingers)
    roles = ROLES if fingers else BODY_ROLES
    rotations = np.empty((len(roles), 4, len(tracks))).transpose(2, 0, 1)
    for column, role in enumerate(roles):
        if role in JOINT:
            parent = ROLE_PARENT[role]
            turn = pose.turns[role]
            rotations[:, column] = turn if parent is None else multiply(conjugate(pose.turns[parent]), turn)
        else:
            rotations[:, column] = _finger(tracks, role)
    return Motion(
        skeleton,
        unroll(rotations),
        pose.places["hips"] * height,
        Fraction(fps).limit_denominator(100000),
        provenance=provenance or {},
        contacts=contacts,
    )


_THUMB = {1: (-0.15, -0.5, -0.1), 2: (0.1, -0.55, -0.35), 3: (0.1, -0.75, -0.35)}


def _finger(tracks, role):
    side, finger, number = role.split("_")
    sign, number = SIDES[side], int(number)
    curl, thumb, spread = tracks[f"{side}_fingers"].T
    zero = np.zeros_like(curl)
    if finger == "thumb":
        x, y, z = _THUMB[number]
        # About the mirror of x, a rotation vector's y and z turn round.
        return quaternion_from_axis_angle(np.stack((x * thumb, -sign * y * thumb, sign * z * thumb), axis=-1))
    place = FINGERS.index(finger) - 2.5
    bend = curl * (1.45, 1.75, 1.2)[number - 1] * (1 + 0.08 * place * (1 - curl))
    fan = sign * spread * 0.12 * place * (1 - np.clip(curl, 0, 1)) if number == 1 else zero
    return quaternion_from_axis_angle(np.stack((zero, fan, -sign * bend), axis=-1))
