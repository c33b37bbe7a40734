"""Put a motion on another skeleton.

Every segment of the body has a frame that means the same on both skeletons (body_frames.py); the target's segments
get the world orientations of the source's, so limb directions and rolls are equal whatever the rest poses, bone axes
and hierarchies. Local rotations come last, relative to each joint's actual parent, so twist bones and missing
clavicles change nothing. The spine and the neck are sampled along their lengths, for chains of different counts. The
middle between the hip joints moves as the source's does, scaled by leg length about the ankles' standing height, so
feet that stand do so on both; what other proportions do to standing feet is taken up in stance.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from graphics_ml.motion.body_frames import Body, measure_body
from graphics_ml.motion.body_shape import common_ancestor, descends, path_down
from graphics_ml.motion.bone_map import BoneMap, recognize, require_roles
from graphics_ml.motion.bone_names import FINGERS
from graphics_ml.motion.contacts import CONTACT_ROLES, detect_contacts
from graphics_ml.motion.humanoid import COMPARED_ROLES
from graphics_ml.motion.kinematics import local_rotations
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.rotations import angle_between, conjugate, multiply, normalize, rotate, slerp, unroll
from graphics_ml.motion.skeleton import Skeleton
from graphics_ml.motion.stance import TURNED, clear_of_floor, stand
from graphics_ml.wording import frame_ranges, short_repr

_SIDES = ("left", "right")
_ALIKE = np.radians(20)  # bones of one rig on bodies of other build point alike to within so much


@short_repr
@dataclass(frozen=True)
class RetargetReport:
    """What a retargeting did.

    Args:
        scale: of the path: target's leg length over the source's.
        corrected: (F, 2) bool, left and right leg: frames in which foot locking turned a bone of the leg by more than
            two degrees away from the source's direction.
        held_back: (F, 2) bool: frames in which a standing foot may slide, as it is left off its place by half a
            hundredth of the leg or more; only so are at most a quarter of a leg's frames corrected.
        feet_turned: (F, 2) bool: frames in which a foot was turned by more than two degrees, about its toes where they
            stand or clear of the floor.
        source_map, target_map: the bone maps used.
        notes: what a user should know, as sentences.
    """

    scale: float
    corrected: np.ndarray
    held_back: np.ndarray
    feet_turned: np.ndarray
    source_map: BoneMap
    target_map: BoneMap
    notes: tuple[str, ...] = ()


def retarget(
    motion: Motion,
    target: Skeleton,
    source_map: BoneMap | None = None,
    target_map: BoneMap | None = None,
    *,
    root: Literal["hips", "in place"] = "hips",
    scale: float | None = None,
    foot_lock: float = 1.0,
    target_motion: Motion | None = None,
    contacts: np.ndarray | None = None,
    floor: float | None = None,
    soles: Mapping[str, np.ndarray] | None = None,
) -> tuple[Motion, RetargetReport]:
    """The motion on the target skeleton, at the same frame rate, and a report of what was done.

    A humanoid with the same proportions gets the very same movement; slide that the source's feet have is kept, in
    proportion, only what is added by other proportions is taken out.

    Args:
        motion: any humanoid's.
        target: any humanoid skeleton; where its hips hang below other joints, those keep their rest pose and the hips
            get `local_positions`.
        source_map, target_map: the roles of the joints; recognised where None.
        root: where travel goes: "hips" moves the hips joint; "in place" keeps the hips above their rest place, and
            locks no feet.
        scale: of the path, instead of the ratio of leg lengths.
        foot_lock: how firmly feet that stand on the source stand on the target, 0 to 1.
        target_motion: any motion of the target skeleton in which it stands; needed only where its rest pose does not.
        contacts: (F, 4) bool, columns as CONTACT_ROLES, when the source's heels and toes stand; they are looked for
            where None. Feet on a treadmill's belt stand too: target feet take the source's path, whatever it is.
        floor: metres, the height of the floor that the target shall stand on; where the source stands when None.
        soles: role of a foot or of toes to points (N, 3) of the target's soles, metres in the joint's own frame: they
            are kept from dipping into the floor. For an armature's mesh, blender.rigs.sole_points.

    Raises:
        UnrecognisedBodyError: a map lacks limbs, or the target's rest pose is no standing one.
        ValueError: an option is out of range.
    """
    if root not in ("hips", "in place"):
        raise ValueError(f"root must be 'hips' or 'in place', not '{root}'")
    if not 0 <= foot_lock <= 1 or (scale is not None and not scale > 0):
        raise ValueError("foot_lock lies between 0 and 1, and a scale is positive")
    if contacts is not None and np.shape(contacts) != (len(motion), len(CONTACT_ROLES)):
        raise ValueError(f"contacts have shape {np.shape(contacts)}, not ({len(motion)}, {len(CONTACT_ROLES)})")
    source_map = recognize_moving(motion) if source_map is None else source_map
    target_map = recognize(target) if target_map is None else target_map
    require_roles(source_map, motion.skeleton, "the motion's skeleton")
    require_roles(target_map, target, "the target skeleton")
    source = measure_body(motion.skeleton, source_map, motion)
    if target_motion is None:
        target_motion = _on_twin(motion, target, target_map)
    goal = measure_body(target, target_map, target_motion)
    scale = float(goal.leg / source.leg if scale is None else scale)
    turns, places = motion.transforms()
    wanted = _wanted_orientations(turns, source, goal)
    rotations, world = _local_rotations(target, wanted)
    grounds = _grounds(places, source, floor)
    hips = _hips_path(places, world, source, goal, scale, grounds)
    if root == "in place":
        hips = hips * [0, 1, 0] + target.rest_positions()[goal.joints["hips"]] * [1, 0, 1]
    result = copied = _motion(motion, target, rotations, world, hips, source, goal)
    corrected = held_back = turned = np.zeros((len(motion), 2), dtype=bool)
    down = _contacts(motion, source, goal, contacts)
    if root == "hips" and foot_lock > 0 and down.any():
        result, corrected, held_back = stand(
            result, places, down, source, goal, scale=scale, grounds=grounds, strength=foot_lock
        )
    if root == "hips" and foot_lock > 0 and soles:
        result = clear_of_floor(result, goal, soles, grounds[1], down[:, 1::2])
    if result is not copied:
        feet = [goal.joints[f"{side}_foot"] for side in _SIDES]
        turned = angle_between(world[:, feet], result.orientations()[:, feet]) > TURNED
    notes = _notes(corrected, held_back, turned)
    return result, RetargetReport(scale, corrected, held_back, turned, source_map, target_map, notes)


def _notes(corrected, held_back, feet_turned):
    notes = []
    for leg, side in enumerate(_SIDES):
        bent = corrected[:, leg]
        if bent.any():
            notes.append(f"the {side} leg was bent by over 2 degrees to keep its foot in place in {bent.mean():.0%} of "
                         f"the frames: {frame_ranges(bent)}")  # fmt: skip
    if feet_turned.any():
        left, right = feet_turned.mean(axis=0)
        notes.append(f"feet were turned by over 2 degrees to stay on the floor and out of it in {left:.0%} (left) and "
                     f"{right:.0%} (right) of the frames")  # fmt: skip
    if held_back.any():
        share = held_back.any(axis=1).mean()
        notes.append(f"in {share:.0%} of the frames a foot may slide: its proportions ask for more bent legs than "
                     f"a quarter of the frames")  # fmt: skip
    return tuple(notes)


def _on_twin(motion, target, target_map):
    """The motion on a target that is the same rig, of other lengths perhaps; None for any other target.

    The same rig: the same joints, whose zero poses and rest poses agree, so that rotations mean the same on both.
    """
    skeleton = motion.skeleton
    if (target.names, target.parents) != (skeleton.names, skeleton.parents):
        return None
    limbs = [joint for role, joint in target_map.joints(target).items() if role in COMPARED_ROLES]
    apart = normalize(target.offsets[limbs]) - normalize(skeleton.offsets[limbs])
    turned = angle_between(target.rest_orientations, skeleton.rest_orientations)
    if np.linalg.norm(apart, axis=-1).max() > _ALIKE or turned[limbs].max() > _ALIKE:
        return None
    same_lengths = np.array_equal(target.offsets, skeleton.offsets)
    return motion.replace(skeleton=target, local_positions=motion.local_positions if same_lengths else None)


def recognize_moving(motion: Motion) -> BoneMap:
    """The roles of a motion's joints; its first frame stands in where the rest pose is no standing one."""
    found = recognize(motion.skeleton)
    if all(name in found.roles for name in ("left_foot", "right_foot", "left_hand", "right_hand")):
        return found
    return recognize(motion.skeleton, positions=motion.positions()[0])


# --- orientations ------------------------------------------------------------------------------------------------


def _wanted_orientations(turns, source, goal):
    """Target joint to world rotations (F, 4), for every joint that follows something of the source."""
    segment = {role: (joint, source.frames[role]) for role, joint in source.joints.items()}
    wanted = {}
    for role, joint in goal.joints.items():
        like = role if role in segment else _nearest_finger(role, segment)
        if like is not None and like in segment:
            wanted[joint] = _follow(turns, *segment[like], goal.frames[role])
    for role_line in (_spine, _neck):
        wanted.update(_sampled(turns, role_line(source), role_line(goal), source, goal))
    wanted.update(_same_names(turns, source, goal))
    return wanted


def _follow(turns, joint, source_frame, target_frame):
    return _then(turns[:, joint], multiply(source_frame, conjugate(target_frame)))


def _then(q, fixed):
    """multiply(q, fixed) of rotations (F, 4) and one rotation (4,), as one matrix product."""
    w, x, y, z = fixed
    return q @ np.array([[w, x, y, z], [-x, w, -z, y], [-y, z, w, -x], [-z, -y, x, w]])


def _nearest_finger(role, segment):
    """The finger beside one that the source lacks; None for other roles."""
    side, _, rest = role.partition("_")
    finger, _, number = rest.partition("_")
    if finger not in FINGERS[1:]:
        return None
    known = [f for f in FINGERS[1:] if f"{side}_{f}_{number}" in segment]
    if not known:
        return None
    nearest = min(known, key=lambda f: abs(FINGERS.index(f) - FINGERS.index(finger)))
    return f"{side}_{nearest}_{number}"


def _spine(body: Body):
    """Joints from the hips to the one from which the arms hang."""
    arms = [body.joints.get(f"{side}_shoulder", body.joints[f"{side}_upper_arm"]) for side in _SIDES]
    return _line(body, body.joints["hips"], common_ancestor(body.skeleton, arms))


def _neck(body: Body):
    """Joints from where the arms hang to the head; only the start where there is no head."""
    start = _spine(body)[-1]
    return _line(body, start, body.joints["head"]) if "head" in body.joints else [start]


def _line(body, top, joint):
    return path_down(body.skeleton, top, joint) if descends(body.skeleton, joint, top) else [top]


def _sampled(turns, source_line, goal_line, source, goal):
    """Orientations of a chain of joints between two known ends, sampled where the source's chain has its joints.

    Both chains run from 0 at the first joint to 1 at the last; a joint at t gets what lies at t on the source.
    """
    if len(goal_line) < 2:
        return {}
    if len(source_line) < 2:
        source_line = [source_line[0], source_line[0]]
    frame = _trunk_frame(source)
    goal_frame = _trunk_frame(goal)
    wanted = {}
    for n, joint in enumerate(goal_line[1:], start=1):
        at = n / (len(goal_line) - 1) * (len(source_line) - 1)
        below = min(int(at + 1e-9), len(source_line) - 1)
        here = _then(turns[:, source_line[below]], frame(source_line[below]))
        if at - below > 1e-6:
            next_joint = source_line[below + 1]
            there = _then(turns[:, next_joint], frame(next_joint))
            here = slerp(here, there, np.asarray(at - below))
        wanted[joint] = _then(here, conjugate(goal_frame(joint)))
    return wanted


def _trunk_frame(body):
    """The segment frame of any joint of the trunk: upright in the standing pose, as the hips are."""
    named = {body.joints[role]: body.frames[role] for role in body.joints}
    hips = body.joints["hips"]
    upright = multiply(body.standing[hips], body.frames["hips"])
    return lambda joint: named.get(joint, multiply(conjugate(body.standing[joint]), upright))


def _same_names(turns, source, goal):
    """Joints without a role (finger tips, hair, props) that both skeletons call the same follow each other."""
    names = {_bare(name): joint for joint, name in enumerate(source.skeleton.names)}
    taken = set(source.joints.values()) | set(_spine(source)) | set(_neck(source))
    driven = set(goal.joints.values()) | set(_spine(goal)) | set(_neck(goal))
    frame, goal_frame = _trunk_frame(source), _trunk_frame(goal)
    wanted = {}
    for joint, name in enumerate(goal.skeleton.names):
        other = names.get(_bare(name))
        if joint not in driven and other is not None and other not in taken:
            wanted[joint] = _follow(turns, other, frame(other), goal_frame(joint))
    return wanted


def _bare(name):
    return name.rpartition(":")[2].lower()


def _local_rotations(target, wanted):
    """Local (F, J, 4) and world (F, J, 4) rotations; joints that nothing drives keep their rest pose."""
    frames = len(next(iter(wanted.values())))
    # One component of one joint over all frames lies together in memory, as kinematics wants it.
    world = np.empty((len(target), 4, frames)).transpose(2, 0, 1)
    for joint, parent in enumerate(target.parents):
        rest = target.rest_orientations[joint]
        if joint in wanted:
            world[:, joint] = wanted[joint]
        else:
            world[:, joint] = rest if parent < 0 else _then(world[:, parent], rest)
    return unroll(local_rotations(world, target.parents)), world


# --- the path ----------------------------------------------------------------------------------------------------


def _hips_path(places, world, source, goal, scale, grounds):
    """World positions (F, 3) of the target's hips joint.

    The middle between the hip joints is scaled about the ground point below the origin, heights from the ankles'
    standing height on: what stands, crouches or jumps on one does so on the other.
    """
    middle = (places[:, source.joints["left_thigh"]] + places[:, source.joints["right_thigh"]]) / 2
    moved = middle * scale
    moved[:, 1] = (middle[:, 1] - grounds[0] - source.ankle_height) * scale + grounds[1] + goal.ankle_height
    hips = goal.joints["hips"]
    offset = sum(_from_to(goal.skeleton, world, hips, goal.joints[f"{side}_thigh"]) for side in _SIDES) / 2
    return moved - offset


def floor_height(places, body: Body) -> float:
    """Height of the ground a motion stands on: where its lowest foot is, at its own standing height, when low.

    Args:
        places: (F, J, 3) world positions.
    """
    heights = [places[:, body.joints[role], 1] - standing for role, standing in body.foot_heights.items()]
    return float(np.percentile(np.min(heights, axis=0), 10))


def _from_to(skeleton, world, top, joint):
    """Vectors (F, 3) from one joint to another below it, of world rotations (F, J, 4)."""
    total = np.zeros((len(world), 3))
    while joint != top:
        parent = skeleton.parents[joint]
        total += rotate(world[:, parent], skeleton.offsets[joint])
        joint = parent
    return total


def _motion(motion, target, rotations, world, hips, source, goal):
    joint = goal.joints["hips"]
    above = path_down(target, 0, joint)
    root, local = hips, None
    if joint != 0:
        root = np.broadcast_to(target.offsets[0], hips.shape)
        parent = above[-2]
        at = root + _from_to(target, world, 0, parent)
        local = np.tile(target.offsets, (len(motion), 1, 1))
        local[:, joint] = rotate(conjugate(world[:, parent]), hips - at)
    return Motion(
        target,
        rotations,
        root,
        motion.fps,
        local_positions=local,
        confidence=_confidence(motion, source, goal),
        provenance=motion.provenance,
    )


def _confidence(motion, source, goal):
    """The source's by role; joints without a role have their parent's."""
    if motion.confidence is None:
        return None
    result = np.ones((len(motion), len(goal.skeleton)))
    of_joint = {joint: role for role, joint in goal.joints.items()}
    for joint, parent in enumerate(goal.skeleton.parents):
        role = of_joint.get(joint)
        if role in source.joints:
            result[:, joint] = motion.confidence[:, source.joints[role]]
        elif parent >= 0:
            result[:, joint] = result[:, parent]
    return result


# --- feet --------------------------------------------------------------------------------------------------------


_SUNK = 0.05  # leg lengths, by so much at the most a source's feet stand beside a floor of known height


def _contacts(motion, source, goal, contacts):
    """Contacts (F, 4) of feet that both bodies have, looked for on the source where none are given."""
    if contacts is None:
        roles = {role: source.skeleton.names[joint] for role, joint in source.joints.items()}
        contacts = detect_contacts(motion, roles, hysteresis=1.5, shortest=0.1, shortest_gap=0.07)
    return np.array(contacts, dtype=bool) & [role in source.joints and role in goal.joints for role in CONTACT_ROLES]


def _grounds(places, source, floor):
    """Heights of the source's ground and of the target's."""
    ground = floor_height(places, source)
    if floor is None:
        return ground, ground
    return (ground if abs(ground - floor) < _SUNK * source.leg else floor), floor
