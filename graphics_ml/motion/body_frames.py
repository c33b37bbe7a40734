"""Frames of the body's segments that mean the same on every skeleton, whatever its bones' axes and rest pose.

The frame of a segment is the world's in one reference pose: standing straight, facing +Z, arms out to the sides with
palms down, feet flat, toes ahead. A skeleton's own standing pose (T, A or any) is brought there segment by segment:
arms and legs by the shortest turns of each bone from the one before, so that hinges stay hinges; hands also by the
line across the knuckles; feet about the vertical only, since soles are flat however high a rig's ankle lies; pelvis,
spine, neck and head not at all, for whoever stands has them upright. Two skeletons whose segment frames agree have
equal limb directions and equal rolls.

Two things a rest pose does not tell are taken from a motion where there is one. A straight arm shows no elbow axis, so
upper arm and forearm are turned about themselves until the elbow bends the forearm ahead; and where the legs rest
spread, soles may be flat or square to the shins, whichever stands flatter. (CMU's BVH files rest with elbow axes 30
degrees and soles 20 degrees off.)

A file whose zero pose is no standing pose (offsets all along one axis, as some exporters write) gets its standing
pose from its motion: the frame nearest to standing, with elbow and knee axes from how they bend in the whole clip.
"""

from dataclasses import dataclass

import numpy as np

from graphics_ml.motion.bone_map import BoneMap, UnrecognisedBodyError, facing, heading_left
from graphics_ml.motion.humanoid import FINGERS, ROLE_CHILD
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.rotations import (
    conjugate,
    mean_rotation,
    multiply,
    normalize,
    quaternion_from_axis_angle,
    quaternion_from_columns,
    quaternion_from_matrix,
    rotate,
    rotation_between,
)
from graphics_ml.motion.skeleton import Skeleton

_SIDES = {"left": 1.0, "right": -1.0}
_AVERAGED = (
    *("spine", "chest", "upper_chest", "neck", "head", "left_shoulder", "right_shoulder"),
    *("left_foot", "right_foot", "left_toes", "right_toes"),
)
_UP = np.array([0.0, 1, 0])
_IDENTITY = np.array([1.0, 0, 0, 0])


@dataclass(frozen=True)
class Body:
    """A skeleton with its parts known.

    Args:
        skeleton: the skeleton.
        joints: role to joint index.
        frames: role to quaternion (4,): the segment's frame in the joint's own frame; `orientation * frame` is the
            segment's turn in the world away from the reference pose.
        leg: metres, hip joint to ankle along the bones, mean of both.
        ankle_height: metres, ankle above the sole in standing, mean of both.
        foot_heights: role to metres above the sole in standing, of feet and toes.
        standing: (J, 4) world rotations in the standing pose.
        rest: whether the skeleton's rest pose was used (else a frame of the motion).
    """

    skeleton: Skeleton
    joints: dict[str, int]
    frames: dict[str, np.ndarray]
    leg: float
    ankle_height: float
    foot_heights: dict[str, float]
    standing: np.ndarray
    rest: bool


def measure_body(skeleton: Skeleton, bone_map: BoneMap, motion: Motion | None = None) -> Body:
    """Segment frames and leg measures of a skeleton in its standing pose.

    Args:
        motion: of this skeleton; shows what the rest pose does not, and is needed where that does not stand.

    Raises:
        UnrecognisedBodyError: the rest pose does not stand and there is no motion, or legs have no length or no sides.
        KeyError: the map names joints that the skeleton lacks.
    """
    joints = bone_map.joints(skeleton)
    rotations, places = skeleton.rest_transforms()
    rest = stands(places, joints)
    if not rest and motion is None:
        raise UnrecognisedBodyError(
            "the target skeleton's rest pose is no standing one, so nothing says how its limbs are turned; use a file "
            "with a T-pose or an A-pose, or give target_motion="
        )
    if rest:
        front = conjugate(facing(skeleton, bone_map, places))
    else:
        rotations, places = _standing_frame(motion, joints)
        front = _heading(places, joints, ("thigh",))
    turns = _segment_turns(skeleton, joints, rotations, places, front)
    frames = {role: multiply(conjugate(rotations[joints[role]]), turn) for role, turn in turns.items()}
    if not rest:
        frames.update(_frames_of_hinges(motion, joints, frames))
    elif motion is not None:
        frames.update(_arms_by_their_elbows(motion, joints, frames))
        frames.update(_soles_square_to_shins(motion, joints, frames, turns, front))
    leg = np.mean([_leg_length(places, joints, side) for side in _SIDES])
    if leg < 1e-9:
        raise UnrecognisedBodyError(
            "the legs have no length in the standing pose, so the bone map names wrong joints; correct the map"
        )
    heights = _foot_heights(skeleton, joints, places, leg)
    ankle = np.mean([heights[f"{side}_foot"] for side in _SIDES])
    return Body(skeleton, joints, frames, float(leg), float(ankle), heights, rotations, rest)


def stands(places, joints) -> bool:
    """Whether a pose (J, 3) is a standing one: trunk up, legs down, hips apart."""
    mid = _middle(places, joints, "thigh")
    trunk = _middle(places, joints, "upper_arm") - mid
    if not _within(trunk, _UP, 45):
        return False
    for side in _SIDES:
        thigh, shin, foot = (places[joints[f"{side}_{part}"]] for part in ("thigh", "shin", "foot"))
        if not (_within(shin - thigh, -_UP, 60) and _within(foot - shin, -_UP, 60)):
            return False
    across = (places[joints["left_thigh"]] - places[joints["right_thigh"]]) * [1, 0, 1]
    return bool(np.linalg.norm(across) > 1e-3 * np.linalg.norm(trunk))


def _within(v, axis, degrees):
    return v @ axis > np.cos(np.radians(degrees)) * np.linalg.norm(v)


def _middle(places, joints, part):
    return (places[..., joints[f"left_{part}"], :] + places[..., joints[f"right_{part}"], :]) / 2


def _along(places, joints, start, end):
    return normalize(places[:, joints[end]] - places[:, joints[start]])


def _leg_length(places, joints, side):
    chain = places[[joints[f"{side}_{part}"] for part in ("thigh", "shin", "foot")]]
    return np.linalg.norm(np.diff(chain, axis=0), axis=1).sum()


def _foot_heights(skeleton, joints, places, leg):
    """Heights of ankles and toes above the sole. A rest pose made to stand on the ground has its sole at zero;
    elsewhere the lowest joint of the feet lies a foot's thickness (0.02 legs at the toes) above it."""
    feet = {role: places[joints[role], 1] for role in joints if role.endswith(("_foot", "_toes"))}
    lowest = min(feet.values())
    toes = any(role.endswith("_toes") for role in feet)
    on_ground = -0.02 * leg <= lowest <= 0.15 * leg
    sole = 0.0 if on_ground else lowest - (0.02 if toes else 0.08) * leg
    return {role: float(height - sole) for role, height in feet.items()}


# --- the standing pose's turns away from the reference pose ------------------------------------------------------


def _segment_turns(skeleton, joints, rotations, places, front):
    """Role to quaternion: the world turn of each segment away from the reference pose."""
    ends = _bone_ends(skeleton, joints, rotations, places)

    def direction(role):
        return normalize(rotate(conjugate(front), ends[role])) if role in ends else None

    turns = {role: _IDENTITY for role in joints}
    for side, sign in _SIDES.items():
        out = np.array([sign, 0.0, 0])
        arm = _bend_chain([f"{side}_{part}" for part in ("upper_arm", "forearm", "hand")], joints, direction, out)
        turns.update(arm)
        hand = f"{side}_hand"
        if hand in arm:
            turns[hand] = _palm_down(side, joints, places, front, turns[hand], out)
            for finger in FINGERS:
                chain = [f"{side}_{finger}_{n}" for n in (1, 2, 3)]
                turns.update(_bend_chain(chain, joints, direction, out, start=turns[hand]))
        turns.update(_bend_chain([f"{side}_thigh", f"{side}_shin"], joints, direction, -_UP))
        turns.update(_flat_foot(side, joints, direction))
    return {role: multiply(front, turn) for role, turn in turns.items()}


def _bend_chain(roles, joints, direction, straight, start=_IDENTITY):
    """Each bone of a chain turned by the shortest way from where the one before leaves it onto its own direction."""
    turns, turn = {}, start
    for role in roles:
        if role not in joints:
            continue
        toward = direction(role)
        if toward is not None:
            turn = multiply(rotation_between(rotate(turn, straight), toward), turn)
        turns[role] = turn
    return turns


def _palm_down(side, joints, places, front, turn, out):
    """The hand turned about its own length until the knuckles' line from little finger to index is where it was."""
    knuckles = [
        f"{side}_{finger}_1" for finger in ("index", "middle", "ring", "pinky") if f"{side}_{finger}_1" in joints
    ]
    if len(knuckles) < 2:
        return turn
    across = rotate(conjugate(front), places[joints[knuckles[0]]] - places[joints[knuckles[-1]]])
    seen = rotate(conjugate(turn), across)  # in the reference pose it points ahead, +Z
    if np.hypot(seen[1], seen[2]) < 1e-6:
        return turn
    roll = np.arctan2(-seen[1], seen[2])
    return multiply(turn, quaternion_from_axis_angle(np.array([1.0, 0, 0]) * roll))


def _flat_foot(side, joints, direction):
    """Foot and toes turned about the vertical only."""
    foot, toes = f"{side}_foot", f"{side}_toes"
    toward = direction(foot)
    turn = _IDENTITY
    if toward is not None and np.hypot(toward[0], toward[2]) > 0.3:
        turn = rotation_between(np.array([0.0, 0, 1]), np.array([toward[0], 0, toward[2]]))
    return {role: turn for role in (foot, toes) if role in joints}


def _bone_ends(skeleton, joints, rotations, places):
    """Role to the world vector along its bone, for limbs: to the next joint, or to where the bone ends."""
    ends = {}
    for role, joint in joints.items():
        part = role.partition("_")[2]
        if part == "hand":
            vector = _to_knuckles(role.partition("_")[0], joints, places)
        else:
            follower = ROLE_CHILD.get(role)
            vector = places[joints[follower]] - places[joint] if follower in joints else None
        if vector is None and (part == "hand" or part == "foot" or part[-2:] in ("_1", "_2", "_3")):
            vector = _to_end(skeleton, joint, set(joints.values()), rotations, places)
        if vector is not None and np.linalg.norm(vector) > 1e-6:
            ends[role] = vector
    return ends


def _to_knuckles(side, joints, places):
    if f"{side}_middle_1" in joints:
        return places[joints[f"{side}_middle_1"]] - places[joints[f"{side}_hand"]]
    bases = [f"{side}_{finger}_1" for finger in FINGERS[1:] if f"{side}_{finger}_1" in joints]
    if bases:
        return np.mean([places[joints[b]] for b in bases], axis=0) - places[joints[f"{side}_hand"]]
    return None


def _to_end(skeleton, joint, mapped, rotations, places):
    """To a leaf bone's end: its end site, or the only child that has no role."""
    ends = [end.offset for end in skeleton.end_sites if end.joint == joint]
    children = [c for c in skeleton.children[joint] if c not in mapped]
    if len(children) == 1:
        return places[children[0]] - places[joint]
    return rotate(rotations[joint], ends[0]) if len(ends) == 1 else None


# --- what a rest pose does not show ------------------------------------------------------------------------------

_BENT = np.sin(np.radians(20))  # an elbow that bends by so much in a tenth of the frames shows its axis
_ONE_AXIS = 0.97  # length of the mean of its axes over the mean of their lengths: within some 14 degrees
_SPREAD = np.radians(8)  # legs that rest further from the vertical leave open how their soles lie


def _arms_by_their_elbows(motion, joints, frames):
    """Frames of upper arms and forearms, turned about the bone until the elbow's axis is where it should be."""
    rotations, places = motion.transforms()
    better = {}
    for side, sign in _SIDES.items():
        upper, lower, end = (f"{side}_{part}" for part in ("upper_arm", "forearm", "hand"))
        hinge = np.cross(_along(places, joints, upper, lower), _along(places, joints, lower, end))
        bends = rotate(conjugate(multiply(rotations[:, joints[upper]], frames[upper])), hinge)
        size, mean = np.linalg.norm(bends, axis=1), bends.sum(axis=0)
        if np.percentile(size, 90) > _BENT and np.linalg.norm(mean) > _ONE_AXIS * size.sum():
            # In the reference pose the axis that bends a left forearm ahead points down, a right one's up.
            roll = np.arctan2(-sign * mean[2], -sign * mean[1])
            turn = quaternion_from_axis_angle(np.array([roll, 0.0, 0]))
            better.update({role: multiply(frames[role], turn) for role in (upper, lower)})
    return better


def _soles_square_to_shins(motion, joints, frames, turns, front):
    """Frames of feet and toes that rest square to the spread shins, where they stand flatter so than if they rested
    flat."""
    better = {}
    for side in _SIDES:
        roles = [role for role in (f"{side}_foot", f"{side}_toes") if role in joints]
        ahead = rotate(front, np.array([0.0, 0, 1]))
        down = rotate(turns[f"{side}_shin"], -_UP)
        lean = np.arctan2(np.cross(-_UP, down) @ ahead, -_UP @ down)
        if abs(lean) < _SPREAD:
            continue
        tilt = quaternion_from_axis_angle(lean * ahead)
        square = {role: multiply(multiply(frames[role], conjugate(turns[role])), multiply(tilt, turns[role]))
                  for role in roles}  # fmt: skip
        world = motion.orientations()[_standing_frames(motion, joints, roles), joints[roles[0]]]
        flat_off, square_off = (
            np.abs(rotate(multiply(world, frame), np.array([1.0, 0, 0]))[:, 1]).mean() if len(world) else 0.0
            for frame in (frames[roles[0]], square[roles[0]])
        )
        if square_off < flat_off:
            better.update(square)
    return better


def _standing_frames(motion, joints, roles):
    """Frames in which all of a foot's joints are in the lowest quarter of their heights: as a rule it stands then."""
    heights = motion.positions()[:, [joints[role] for role in roles], 1]
    return (heights <= np.percentile(heights, 25, axis=0)).all(axis=1)


# --- a standing pose from a motion -------------------------------------------------------------------------------


def _standing_frame(motion, joints):
    """World rotations and positions of the frame nearest to standing: trunk and legs upright, feet side by side; what
    hangs on the pelvis as it is on average over such frames, because a twist or a look aside is common and a twisted
    rest is not."""
    rotations, places = motion.transforms()
    mid = _middle(places, joints, "thigh")
    off = 1 - normalize(_middle(places, joints, "upper_arm") - mid)[:, 1]
    for side in _SIDES:
        thigh, shin, foot = (places[:, joints[f"{side}_{part}"]] for part in ("thigh", "shin", "foot"))
        off = off + (1 + normalize(shin - thigh)[:, 1]) + (1 + normalize(foot - shin)[:, 1])
    lift = places[:, joints["left_foot"], 1] - places[:, joints["right_foot"], 1]
    off = off + np.abs(lift) / max(np.median(mid[:, 1] - places[:, joints["left_foot"], 1]), 1e-6)
    best = int(np.argmin(off))
    near = off <= off[best] + 0.15
    turned = np.array(rotations[best])
    heading = _heading(places, joints, ("thigh", "upper_arm"))
    front = _heading(places[best], joints, ("thigh",))
    for role in _AVERAGED:
        if role in joints:
            seen = multiply(conjugate(heading[near]), rotations[near, joints[role]])
            turned[joints[role]] = multiply(front, mean_rotation(seen))
    return turned, places[best]


def _heading(places, joints, parts):
    left = heading_left(places, joints, parts)
    up = np.broadcast_to(_UP, left.shape)
    return quaternion_from_matrix(np.stack((left, up, np.cross(left, up)), axis=-1))


def _frames_of_hinges(motion, joints, frames):
    """Frames of arms and legs whose hinge axes are how elbows and knees bent in the clip, where they bent enough."""
    rotations, places = motion.transforms()
    better = {}
    for side, sign in _SIDES.items():
        out = np.array([sign, 0.0, 0])
        # In the reference pose the elbow bends the forearm ahead and the knee bends the shin back.
        for parts, straight, axis in (
            (("upper_arm", "forearm", "hand"), out, np.cross(out, [0.0, 0, 1])),
            (("thigh", "shin", "foot"), -_UP, np.array([1.0, 0, 0])),
        ):
            upper, lower, end = (f"{side}_{part}" for part in parts)
            a, b = _along(places, joints, upper, lower), _along(places, joints, lower, end)
            hinge = np.cross(a, b)
            for role, along in ((upper, a), (lower, b)):
                inward = conjugate(rotations[:, joints[role]])
                bends = rotate(inward, hinge)
                size = np.linalg.norm(bends, axis=1)
                mean = bends.sum(axis=0)
                if np.percentile(size, 90) > _BENT and np.linalg.norm(mean) > 0.8 * size.sum():
                    bone = normalize(rotate(inward, along).mean(axis=0))
                    to_local = quaternion_from_columns(bone, mean)
                    better[role] = multiply(to_local, conjugate(quaternion_from_columns(straight, axis)))
        hand, forearm = f"{side}_hand", f"{side}_forearm"
        if forearm in better:
            seen = multiply(
                multiply(conjugate(rotations[:, joints[hand]]), rotations[:, joints[forearm]]), better[forearm]
            )
            better[hand] = mean_rotation(seen)
    return better
