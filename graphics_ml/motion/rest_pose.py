"""Rest poses: which one a skeleton has, and the same motion on another.

A motion's world joint paths do not depend on the rest pose its rotations are counted from. With G the world rotations
of the joints, H those of the old skeleton standing in the new rest pose, and W those that the new skeleton's joints
have at rest, the new world rotations are G H⁻¹ W and the offsets of a joint p's children W⁻¹ H times the old ones.

Joints keep the convention they had. Where the old rest pose is the zero pose (BVH: no rest orientations), so is the new
one: W is the identity, and the offsets turn. Where joints have frames of their own at rest (rigs), the frames stay on
their bones as when a pose is applied as rest pose in Blender: W is H, offsets and rotations stay, and only the rest
orientations are new.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from graphics_ml.errors import GraphicsMLError
from graphics_ml.motion.body_frames import measure_body, stands
from graphics_ml.motion.body_shape import descends
from graphics_ml.motion.bone_map import BoneMap, facing, missing_roles, recognize, recognize_moving
from graphics_ml.motion.humanoid import FINGER_ROLES
from graphics_ml.motion.kinematics import forward_kinematics, global_rotations, local_rotations
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.rotations import (
    conjugate,
    multiply,
    normalize,
    quaternion_from_axis_angle,
    quaternion_from_matrix,
    rotate,
    rotation_between,
    unroll,
)
from graphics_ml.motion.skeleton import EndSite, Skeleton

_SIDES = {"left": 1.0, "right": -1.0}
_ARM = ("upper_arm", "forearm", "hand")
_A_SLOPE = np.radians(45.0)
_KINDS = {
    "T": "a T-pose",
    "A": "an A-pose",
    "I": "standing with arms down",
    "sitting": "sitting",
    "one axis": "all bones along one line",
    "other": "another pose",
    "unknown": "the pose of no known body",
}
_IDENTITY = np.array([1.0, 0, 0, 0])
# Where one named pose ends and the next begins, degrees. Models' T-poses are level within a few degrees and their
# A-poses slope by 30 to 60; arms that hang slope by over 80.
_LEVEL, _HANGING = 15.0, 72.5
_STRAIGHT = 35.0  # most that an elbow is bent, and an arm lies ahead of the body's plane, in a T-, A- or I-pose
_SAME_LENGTH = 1e-6  # metres between the ends of a bone on two skeletons that have the same joints


class RestPoseError(GraphicsMLError):
    """A motion cannot be put on the rest pose that was asked for."""


@dataclass(frozen=True)
class RestPose:
    """A skeleton's rest pose.

    Args:
        name: "T", "A" or "I" (standing, arms level, sloping or hanging), "sitting", "one axis" (all bones along one
            line, as some programs write BVH), "other", or "unknown" where no body was recognised.
        slopes: degrees from shoulder to wrist below the horizontal, left and right; None where no arms are known.
        bends: degrees by which the elbows are bent, left and right.
    """

    name: Literal["T", "A", "I", "sitting", "one axis", "other", "unknown"]
    slopes: tuple[float, float] | None = None
    bends: tuple[float, float] | None = None

    def __str__(self):
        if self.slopes is None:
            return _KINDS[self.name]
        left, right, *bends = (round(angle) for angle in (*self.slopes, *self.bends))
        bent = f", elbows bent {bends[0]}° and {bends[1]}°" if max(bends) > _LEVEL else ""
        return f"{_KINDS[self.name]}: arms {left}° (left) and {right}° (right) below the horizontal{bent}"


def rest_pose_of(skeleton: Skeleton, bone_map: BoneMap | None = None) -> RestPose:
    """Which rest pose a skeleton has.

    Args:
        bone_map: the skeleton's roles; recognised when None.
    """
    found = recognize(skeleton) if bone_map is None else bone_map
    places = skeleton.rest_positions()
    if missing_roles(found):
        return RestPose("one axis" if _on_one_line(skeleton, places) else "unknown")
    joints = found.joints(skeleton)
    slopes, bends, aheads = zip(*(_arm_angles(places, joints, side) for side in _SIDES), strict=True)
    name = _named(places, joints, slopes, bends, aheads)
    if name == "other" and not stands(places, joints) and _on_one_line(skeleton, places, joints["hips"]):
        return RestPose("one axis")
    return RestPose(name, slopes, bends)


def to_rest_pose(
    motion: Motion, pose: Literal["T", "A"] | np.ndarray | Skeleton, bone_map: BoneMap | None = None
) -> Motion:
    """The same motion, its world joint paths unchanged, on a skeleton with another rest pose.

    Args:
        pose: "T" or "A" (arms straight, level or sloping by 45 degrees, palms down; legs and trunk stay as they are,
            except where the rest pose is no standing one: then the whole body stands, facing +Z, and the motion shows
            how its joints are turned); the motion's own skeleton in the wanted pose, as rotations (J, 4) like those of
            a motion's frame; or a skeleton with the same joints and bone lengths, which the result then has.
        bone_map: the skeleton's roles, for "T" and "A"; recognised when None.

    Returns:
        A motion whose joints keep their convention (see above); for a skeleton its convention is taken.

    Raises:
        RestPoseError: the body is not recognised, or the skeleton has other joints or lengths.
        ValueError: the pose is none of these.
    """
    skeleton = motion.skeleton
    if isinstance(pose, Skeleton):
        turned, frames = _towards(skeleton, pose), pose.rest_transforms()[0]
        return _moved(motion, turned, frames, pose)
    offset = skeleton.offsets[0]
    if isinstance(pose, str):
        if pose not in ("T", "A"):
            raise ValueError(f"a rest pose is 'T', 'A', rotations or a skeleton, not '{pose}'")
        turned, offset = _standing(motion, bone_map, _A_SLOPE if pose == "A" else 0.0)
    else:
        pose = np.asarray(pose, dtype=np.float64)
        if pose.shape != (len(skeleton), 4):
            raise ValueError(f"a pose of this skeleton has shape ({len(skeleton)}, 4), not {pose.shape}")
        turned = global_rotations(normalize(pose), skeleton.parents)
    zero_is_rest = bool(np.all(np.abs(skeleton.rest_orientations) == _IDENTITY))
    frames = np.tile(_IDENTITY, (len(skeleton), 1)) if zero_is_rest else turned
    turn = multiply(conjugate(frames), turned)
    above = list(skeleton.parents[1:])
    ends = tuple(EndSite(end.joint, rotate(turn[end.joint], end.offset), end.name) for end in skeleton.end_sites)
    changed = skeleton.replace(
        offsets=np.concatenate((offset[None], rotate(turn[above], skeleton.offsets[1:]))),
        rest_orientations=local_rotations(frames, skeleton.parents),
        end_sites=ends,
    )
    return _moved(motion, turned, frames, changed)


def _moved(motion, turned, frames, skeleton):
    """The motion on `skeleton`, whose joints at rest have the world rotations `frames` (J, 4) where those of the
    motion's skeleton in the same pose have `turned` (J, 4)."""
    change = multiply(conjugate(turned), frames)
    local = multiply(motion.rotations, change)
    above = list(skeleton.parents[1:])
    local[:, 1:] = multiply(conjugate(change[above]), local[:, 1:])
    places = motion.local_positions
    if places is not None:
        places = np.concatenate((places[:, :1], rotate(conjugate(change[above]), places[:, 1:])), axis=1)
    return motion.replace(skeleton=skeleton, rotations=unroll(local), local_positions=places)


# --- which pose it is --------------------------------------------------------------------------------------------


def _on_one_line(skeleton, places, hips=0):
    """Whether nine tenths of the bones' length below the hips lie along one line."""
    bones = [(parent, joint) for joint, parent in enumerate(skeleton.parents) if descends(skeleton, parent, hips)]
    if len(bones) < 3:
        return False
    steps = np.diff(places[bones], axis=1)[:, 0]
    lengths = np.linalg.norm(steps, axis=1)
    return bool(np.abs(steps @ normalize(steps[np.argmax(lengths)])).sum() > 0.9 * lengths.sum())


def _arm_angles(places, joints, side):
    """(slope, elbow's bend, angle ahead of or behind the body's plane) of one arm, degrees."""
    shoulder, elbow, wrist = (places[joints[f"{side}_{part}"]] for part in _ARM)
    arm = normalize(wrist - shoulder)
    across = places[joints["left_thigh"]] - places[joints["right_thigh"]]
    ahead = normalize(np.cross(across, [0.0, 1, 0])) if np.hypot(across[0], across[2]) > 1e-9 else np.zeros(3)
    bend = np.arccos(np.clip(normalize(elbow - shoulder) @ normalize(wrist - elbow), -1, 1))
    return tuple(float(np.degrees(a)) for a in (np.arcsin(np.clip(-arm[1], -1, 1)), bend, np.arcsin(abs(arm @ ahead))))


def _named(places, joints, slopes, bends, aheads):
    if not stands(places, joints):
        return "sitting" if _sits(places, joints) else "other"
    if max(bends) > _STRAIGHT or max(aheads) > _STRAIGHT or min(slopes) < -_LEVEL:
        return "other"
    for name, low, high in (("T", -_LEVEL, _LEVEL), ("A", _LEVEL, _HANGING), ("I", _HANGING, 90.0)):
        if all(low <= slope <= high for slope in slopes):
            return name
    return "other"


def _sits(places, joints):
    """Trunk up, thighs nearer to the horizontal than to the vertical, feet below the knees."""
    arms, hips = (
        (places[joints[f"left_{part}"]] + places[joints[f"right_{part}"]]) / 2 for part in ("upper_arm", "thigh")
    )
    if normalize(arms - hips)[1] < np.cos(np.radians(45)):
        return False
    for side in _SIDES:
        thigh, shin, foot = (places[joints[f"{side}_{part}"]] for part in ("thigh", "shin", "foot"))
        if abs(normalize(shin - thigh)[1]) > np.cos(np.radians(45)) or foot[1] > shin[1]:
            return False
    return True


# --- the new pose ------------------------------------------------------------------------------------------------


def _standing(motion, bone_map, slope):
    """World rotations (J, 4) of the motion's skeleton, arms straight and lowered by `slope`, and its root's place."""
    skeleton = motion.skeleton
    found = recognize_moving(motion) if bone_map is None else bone_map
    if missing := missing_roles(found):
        raise RestPoseError(
            f"the skeleton's {missing[0].replace('_', ' ')} is not known, so no T- or A-pose can be made of it; give a "
            f"bone map"
        )
    joints = found.joints(skeleton)
    rest_stands = stands(skeleton.rest_positions(), joints)
    body = measure_body(skeleton, found, None if rest_stands else motion)
    front = conjugate(facing(skeleton, found)) if rest_stands else _IDENTITY
    wanted = {}
    for role, joint in joints.items():
        side, _, part = role.partition("_")
        arm = part in _ARM
        if arm or (not rest_stands and role not in FINGER_ROLES):
            lowered = quaternion_from_axis_angle(np.array([0.0, 0, -_SIDES[side] * slope if arm else 0.0]))
            wanted[joint] = multiply(multiply(front, lowered), conjugate(body.frames[role]))
    local = local_rotations(body.standing, skeleton.parents)
    turned = []
    for joint, parent in enumerate(skeleton.parents):
        # The others stay as they stand on their parents.
        on_parent = local[joint] if parent < 0 else multiply(turned[parent], local[joint])
        turned.append(wanted.get(joint, on_parent))
    turned = np.array(turned)
    offset = skeleton.offsets[0]
    if not rest_stands:
        local = local_rotations(turned, skeleton.parents)
        places = forward_kinematics(local, np.zeros(3), skeleton.offsets, skeleton.parents)
        offset = np.array([0.0, -places[:, 1].min(), 0])
    return turned, offset


def _towards(skeleton, target):
    """World rotations (J, 4) of `skeleton` in the pose in which `target` rests, each bone turned the shortest way from
    where its parent leaves it."""
    if (skeleton.names, skeleton.parents) != (target.names, target.parents):
        other = sorted(set(skeleton.names) ^ set(target.names))
        which = f" ('{other[0]}' is in one only)" if other else ""
        raise RestPoseError(f"the two skeletons do not have the same joints in the same order{which}; retarget instead")
    ends = len(skeleton.end_sites) == len(target.end_sites)
    have, want = _bones(skeleton, ends), _bones(target, ends)
    turns = []
    for joint, parent in enumerate(skeleton.parents):
        turn = _IDENTITY if parent < 0 else turns[parent]
        turns.append(multiply(_turn_between(rotate(turn, have[joint]), want[joint]), turn))
        off = np.linalg.norm(rotate(turns[joint], have[joint]) - want[joint], axis=1).max(initial=0.0)
        if off > _SAME_LENGTH:
            raise RestPoseError(
                f"the bones below '{skeleton.names[joint]}' have other lengths or angles on the wanted skeleton, by up "
                f"to {off:.2g} m; retarget instead"
            )
    return multiply(np.array(turns), skeleton.rest_transforms()[0])


def _bones(skeleton, ends):
    """For each joint the world vectors (N, 3) at rest to its children, and to its end sites where `ends`."""
    rotations, places = skeleton.rest_transforms()
    vectors = [[places[child] - places[joint] for child in row] for joint, row in enumerate(skeleton.children)]
    for end in skeleton.end_sites if ends else ():
        vectors[end.joint].append(rotate(rotations[end.joint], end.offset))
    return [np.array(row).reshape(-1, 3) for row in vectors]


def _turn_between(have, want):
    """The rotation (4,) that takes vectors (N, 3) nearest to others (Kabsch 1976), and the shortest for one line."""
    kept = np.linalg.norm(have, axis=1) > 1e-9
    have, want = have[kept], want[kept]
    if len(have) == 0:
        return _IDENTITY
    u, spread, vt = np.linalg.svd(want.T @ have)
    if len(have) == 1 or spread[1] < 1e-9 * spread[0]:
        longest = int(np.argmax(np.linalg.norm(have, axis=1)))
        return rotation_between(have[longest], want[longest])
    flip = np.diag([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    return quaternion_from_matrix(u @ flip @ vt)
