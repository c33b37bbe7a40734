"""Put a motion on another skeleton: a ladder of three levels.

Level "copy". Every segment of the body has a frame that means the same on both skeletons (body_frames.py); the target's
segments get the world orientations of the source's (transfer.py), so limb directions and rolls are equal whatever the
rest poses, bone axes and hierarchies; twist bones and missing clavicles change nothing. The middle between the hip
joints moves as the source's does, scaled by leg length about the ankles' standing height.

Level "contacts". As "copy", and what stands on the ground stands: feet (stance.py) and hands (reach.py); arms that run
deeper into the body than the source's are taken out where little is needed, so that gestures stay what they are.

Level "touch". As "contacts", and hands that touch the body or each other do so too: hands on hips, folded arms, a hand
to the head. Arms then leave the source's directions by as much as the proportions ask, which not everybody wants.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from weakref import WeakKeyDictionary

import numpy as np

from graphics_ml.errors import GraphicsMLError
from graphics_ml.motion.body_frames import measure_body
from graphics_ml.motion.bone_map import BoneMap, recognize, recognize_moving, require_roles
from graphics_ml.motion.capsules import Capsules
from graphics_ml.motion.contacts import CONTACT_ROLES, contacts_from_positions
from graphics_ml.motion.foot_lock import move_joint
from graphics_ml.motion.humanoid import COMPARED_ROLES
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.part import Part
from graphics_ml.motion.reach import grounded, reach
from graphics_ml.motion.root_path import on_added_joint, on_root_bone, taken_off, travel
from graphics_ml.motion.rotations import angle_between, conjugate, normalize, rotate
from graphics_ml.motion.skeleton import Skeleton
from graphics_ml.motion.stance import TURNED, clear_of_floor, stand
from graphics_ml.motion.transfer import Transfer
from graphics_ml.wording import frame_ranges, short_repr

LEVELS = ("copy", "contacts", "touch")
ROOTS = ("hips", "bone", "object", "in place")
"""Names of the joints that are added where the path goes on one that the skeleton lacks."""
ROOT_BONE, OBJECT = "root", "object"

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
        arms_moved: (F, 2) bool, left and right arm: frames in which one of its bones was turned by more than two
            degrees, for a hand that touches something or for not running into the body.
        source_map, target_map: the bone maps used.
        notes: what a user should know, as sentences.
    """

    scale: float
    corrected: np.ndarray
    held_back: np.ndarray
    feet_turned: np.ndarray
    arms_moved: np.ndarray
    source_map: BoneMap
    target_map: BoneMap
    notes: tuple[str, ...] = ()


def retarget(
    motion: Motion,
    target: Skeleton,
    source_map: BoneMap | None = None,
    target_map: BoneMap | None = None,
    *,
    level: Literal["copy", "contacts", "touch"] = "contacts",
    root: Literal["hips", "bone", "object", "in place"] = "hips",
    scale: float | None = None,
    foot_lock: float = 1.0,
    hand_lock: float | None = None,
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
        target: any humanoid skeleton; where its hips hang below other joints, those turn only as joints of the same
            name do on the source, and the hips get `local_positions`.
        source_map, target_map: the roles of the joints; recognised where None.
        level: "copy" gives the source's directions and a scaled path, "contacts" also keeps feet and hands on the
            ground and arms out of the body, "touch" also hands on the body.
        root: where travel goes. "hips": the hips joint. "bone": the skeleton's first joint, where the hips hang below
            it, gets the path over the ground and the heading; where they do not, a joint "root" is added above them.
            "object": a joint "object" above all is added for these, as an object is in Blender; see
            root_path.py. "in place": nowhere, the hips stay above their rest place. The body's joints are at the same
            places in the world with the first three.
        scale: of the path, instead of the ratio of leg lengths.
        foot_lock: how firmly feet that stand on the source stand on the target, 0 to 1.
        hand_lock: how firmly hands keep what they touch on the source, and arms out of the body, 0 to 1; when None 1,
            but 0 for what was filmed: hands are not seen so well in a film that a touch could be told from a near miss.
        target_motion: any motion of the target skeleton in which it stands; needed only where its rest pose does not.
        contacts: (F, 4) bool, columns as CONTACT_ROLES, when the source's heels and toes stand; where None the motion's
            own, and where it has none they are looked for. Feet on a treadmill's belt stand too: target feet take the
            source's path, whatever it is.
        floor: metres, the height of the floor that the target shall stand on; when None the floor of what was filmed,
            which is at 0, or where the source stands.
        soles: role of a foot or of toes to points (N, 3) of the target's soles, metres in the joint's own frame: they
            are kept from dipping into the floor. For an armature's mesh, blender.rigs.sole_points.

    Raises:
        UnrecognisedBodyError: a map lacks limbs, or the target's rest pose is no standing one.
        ValueError: an option is out of range.
    """
    pair = _pair(motion, target, source_map, target_map, target_motion)
    options = dict(level=level, root=root, scale=scale, foot_lock=foot_lock, hand_lock=hand_lock)
    return pair(motion, **options, contacts=contacts, floor=floor, soles=soles)


class Retargeter:
    """What a pair of skeletons needs to know of each other, worked out once for any number of motions.

    Args:
        motion: one of the source's motions; how its elbows bend is seen from it, and how it stands where the rest pose
            does not tell.
        target, source_map, target_map, target_motion: as for `retarget`.

    Attributes:
        led: names of the target's mapped joints that follow the source; others, such as the fingers where the source
            has none, are left at rest.

    Raises:
        UnrecognisedBodyError: as for `retarget`.
    """

    def __init__(
        self,
        motion: Motion,
        target: Skeleton,
        source_map: BoneMap | None = None,
        target_map: BoneMap | None = None,
        *,
        target_motion: Motion | None = None,
    ):
        self.source_map = recognize_moving(motion) if source_map is None else source_map
        self.target_map = recognize(target) if target_map is None else target_map
        require_roles(self.source_map, motion.skeleton, "the motion's skeleton")
        require_roles(self.target_map, target, "the target skeleton")
        if target_motion is None:
            target_motion = _on_twin(motion, target, self.target_map)
        self.source = measure_body(motion.skeleton, self.source_map, motion)
        self.goal = measure_body(target, self.target_map, target_motion)
        self._transfer = Transfer(self.source, self.goal)
        mapped = self.goal.joints.values()
        self.led = tuple(target.names[joint] for joint in mapped if joint in self._transfer.led)
        # Kinematics go no further than what is asked of them.
        self._source_legs = Part(self.source, (*_HIPS, *CONTACT_ROLES))
        self._source_shape, self._shape = Capsules.of(self.source), Capsules.of(self.goal)
        self._legs, self._hips = Part(self.goal, (*_HIPS, *CONTACT_ROLES)), Part(self.goal, _HIPS)

    def __call__(
        self,
        motion: Motion,
        *,
        level: Literal["copy", "contacts", "touch"] = "contacts",
        root: Literal["hips", "bone", "object", "in place"] = "hips",
        scale: float | None = None,
        foot_lock: float = 1.0,
        hand_lock: float | None = None,
        contacts: np.ndarray | None = None,
        floor: float | None = None,
        soles: Mapping[str, np.ndarray] | None = None,
    ) -> tuple[Motion, RetargetReport]:
        """As `retarget`, of a motion of the source's skeleton."""
        if was_filmed(motion):
            hand_lock = 0.0 if hand_lock is None else hand_lock
            floor = 0.0 if floor is None else floor
        hand_lock = 1.0 if hand_lock is None else hand_lock
        contacts = motion.contacts if contacts is None else contacts
        _check(motion, level, root, scale, (foot_lock, hand_lock), contacts)
        known = self.source.skeleton
        if (motion.skeleton.names, motion.skeleton.parents) != (known.names, known.parents):
            raise ValueError("the motion is of another skeleton than the one this pair was made for")
        source, goal = self.source, self.goal
        scale = float(goal.leg / source.leg if scale is None else scale)
        hands = level != "copy" and hand_lock > 0
        seen = self._seen(motion, hands)
        grounds = _grounds(seen, source, floor)
        result = copied = self._copied(motion, seen, scale, grounds)
        corrected = held_back = turned = arms_moved = np.zeros((len(motion), 2), dtype=bool)
        bodies = self._source_shape, self._shape
        held = grounded(seen, *bodies, float(motion.fps), scale=scale, grounds=grounds) if hands else None
        if level != "copy" and foot_lock > 0:
            down = self._contacts(motion, seen, contacts)
            options = dict(scale=scale, grounds=grounds, strength=foot_lock, carrying=self._carrying(copied, held))
            result, corrected, held_back, turned = self._standing(copied, seen, down, soles, options)
        if hands:
            result, by = reach(result, seen, held, *bodies, strength=hand_lock, touch=level == "touch")
            arms_moved = by > TURNED
        found = corrected, held_back, turned, arms_moved
        report = RetargetReport(scale, *found, self.source_map, self.target_map, _notes(*found))
        return _rooted(result, goal, root), report

    def on_rig(
        self,
        motion: Motion,
        *,
        root: Literal["hips", "bone", "object", "in place"] = "hips",
        what: str | Path = "the target",
        **options,
    ) -> tuple[Motion, tuple[np.ndarray, np.ndarray] | None, RetargetReport]:
        """As calling it, for a rig in a scene, where no joint is added: what its bones do, and by which places (F, 3)
        and turns (F, 4) its object moves from where it is, with root "object", else None.

        Args:
            what: what the error calls the rig.

        Raises:
            GraphicsMLError: the root is "bone", and no bone is above the hips.
        """
        if root == "bone" and self.goal.joints["hips"] == 0:
            raise GraphicsMLError(
                f"{what}: its hips hang from no other bone that could carry the path; put it on the object or the hips"
            )
        result, report = self(motion, root="hips" if root == "object" else root, **options)
        if root != "object":
            return result, None, report
        path = travel(result, self.goal)
        return taken_off(result, self.goal, *path), path, report

    def _seen(self, motion, hands):
        """Places (3, F) of the source's legs by role; all that Capsules.points gives where `hands` are asked for."""
        arrays = motion.rotations, motion.root_positions, motion.offsets
        if hands:
            return self._source_shape.points(*arrays)
        places = self._source_legs.transforms(*arrays)[1]
        return {role: places[:, row].T for role, row in self._source_legs.body.joints.items()}

    def _copied(self, motion, seen, scale, grounds):
        """The source's directions on the target.

        The middle between the hip joints is scaled about the ground point below the origin, heights from the ankles'
        standing height on: what stands, crouches or jumps on one does so on the other.
        """
        goal = self.goal
        target, joint = goal.skeleton, goal.joints["hips"]
        rotations = self._transfer.rotations(motion.rotations)
        middle = (seen["left_thigh"] + seen["right_thigh"]).T / 2
        moved = middle * scale
        moved[:, 1] = (middle[:, 1] - grounds[0] - self.source.ankle_height) * scale + grounds[1] + goal.ankle_height
        root, local = np.broadcast_to(target.offsets[0], moved.shape), None
        turns, at = self._hips.transforms(rotations, root, target.offsets)
        hips, left, right = (at[:, self._hips.body.joints[role]] for role in _HIPS)
        moved += hips - (left + right) / 2
        if joint == 0:
            root = moved
        else:
            above = self._hips.joints.index(target.parents[joint])
            local = np.tile(target.offsets, (len(motion), 1, 1))
            local[:, joint] = rotate(conjugate(turns[:, above]), moved - at[:, above])
        confidence = _confidence(motion, self.source, goal)
        return Motion(target, rotations, root, motion.fps, local, confidence, motion.provenance, motion.contacts)

    def _standing(self, copied, seen, down, soles, options):
        """The motion with its feet on the ground, and as stance.stand gives them and for turned feet: what was done."""
        before, legs = self._legs.motion(copied), self._legs.body
        after, corrected, held_back, turned = before, *np.zeros((3, len(copied), 2), dtype=bool)
        if down.any() or options["carrying"] is not None:
            after, corrected, held_back, turned = stand(before, seen, down, self.source, legs, **options)
        if soles:
            after = clear_of_floor(after, legs, soles, options["grounds"][1], down[:, 1::2])
            feet = [legs.joints[f"{side}_foot"] for side in _SIDES]
            turned = angle_between(before.orientations()[:, feet], after.orientations()[:, feet]) > TURNED
        if after is before:
            return copied, corrected, held_back, turned
        return self._legs.put_back(copied, before, after), corrected, held_back, turned

    def _carrying(self, copied, held):
        """Hands that carry the body, for stance.stand."""
        if held is None or not held.carrying.any():
            return None
        points = self._shape.points(copied.rotations, copied.root_positions, copied.offsets)
        return held.carrying, held.path - np.stack([points[f"{side}_palm"].T for side in _SIDES], axis=1)

    def _contacts(self, motion, seen, contacts):
        """Contacts (F, 4) of feet that both bodies have, looked for on the source where none are given."""
        source, goal = self.source, self.goal
        both = [role in source.joints and role in goal.joints for role in CONTACT_ROLES]
        if contacts is None:
            roles = [role for role in CONTACT_ROLES if role in source.joints]
            feet = np.stack([seen[role].T for role in roles], axis=1)
            contacts = np.zeros((len(motion), len(CONTACT_ROLES)), dtype=bool)
            contacts[:, [role in roles for role in CONTACT_ROLES]] = contacts_from_positions(
                feet, float(motion.fps), source.leg, hysteresis=2.0, shortest=0.1, shortest_gap=0.07
            )
        return np.array(contacts, dtype=bool) & both


def was_filmed(motion: Motion) -> bool:
    """Whether a motion was seen by one camera, by its provenance: pose.solver says so, and cleaning up keeps it."""
    source = motion.provenance.get("source")
    return isinstance(source, dict) and source.get("format") == "film"


_HIPS = ("hips", "left_thigh", "right_thigh")
# Of each motion its last pair: another level or setting needs no other.
_pairs: WeakKeyDictionary = WeakKeyDictionary()


def _pair(motion, target, source_map, target_map, target_motion):
    if target_motion is not None:
        return Retargeter(motion, target, source_map, target_map, target_motion=target_motion)
    asked = (target, source_map, target_map)
    known = _pairs.get(motion)
    if known is None or any(a is not b for a, b in zip(known[0], asked, strict=True)):
        known = _pairs[motion] = (asked, Retargeter(motion, *asked))
    return known[1]


def _check(motion, level, root, scale, locks, contacts):
    if level not in LEVELS or root not in ROOTS:
        raise ValueError(f"a level is one of {', '.join(LEVELS)} and a root of {', '.join(ROOTS)}")
    if not all(0 <= lock <= 1 for lock in locks) or (scale is not None and not scale > 0):
        raise ValueError("foot_lock and hand_lock lie between 0 and 1, and a scale is positive")
    if contacts is not None and np.shape(contacts) != (len(motion), len(CONTACT_ROLES)):
        raise ValueError(f"contacts have shape {np.shape(contacts)}, not ({len(motion)}, {len(CONTACT_ROLES)})")


def _rooted(motion, goal, root):
    """The motion with its travel where it is wanted."""
    hips = goal.joints["hips"]
    if root == "hips":
        return motion
    if root == "in place":
        places = motion.positions()[:, hips]
        return move_joint(motion, hips, (goal.skeleton.rest_positions()[hips] - places) * [1, 0, 1])
    path = travel(motion, goal)
    if root == "bone" and hips != 0:
        return on_root_bone(motion, goal, *path)
    return on_added_joint(motion, goal, *path, ROOT_BONE if root == "bone" else OBJECT)


def _notes(corrected, held_back, feet_turned, arms_moved):
    notes = []
    for leg, side in enumerate(_SIDES):
        bent = corrected[:, leg]
        if bent.any():
            notes.append(f"the {side} leg was bent by over 2 degrees to keep its foot in place in "
                         f"{_percent(bent.mean())} of the frames: {frame_ranges(bent)}")  # fmt: skip
    if feet_turned.any():
        left, right = feet_turned.mean(axis=0)
        notes.append(f"feet were turned by over 2 degrees to stay on the floor and out of it in "
                     f"{_percent(left)} (left) and {_percent(right)} (right) of the frames")  # fmt: skip
    if arms_moved.any():
        left, right = arms_moved.mean(axis=0)
        notes.append(f"arms were bent by over 2 degrees for hands that touch something, or to stay out of the body, in "
                     f"{_percent(left)} (left) and {_percent(right)} (right) of the frames")  # fmt: skip
    if held_back.any():
        share = held_back.any(axis=1).mean()
        notes.append(f"in {_percent(share)} of the frames a foot may slide: its proportions ask for more bent legs "
                     f"than a quarter of the frames")  # fmt: skip
    return tuple(notes)


def _percent(share):
    return "less than 1%" if 0 < share < 0.005 else f"{share:.0%}"


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


_SUNK = 0.05  # leg lengths, by so much at the most a source's feet stand beside a floor of known height


def _grounds(seen, source, floor):
    """Heights of the source's ground and of the target's."""
    ground = _floor_height(seen, source)
    if floor is None:
        return ground, ground
    return (ground if abs(ground - floor) < _SUNK * source.leg else floor), floor


def _floor_height(seen, body):
    """Height of the ground a motion stands on: where its lowest foot is, at its own standing height, when low; of the
    places (3, F) of the feet, by role."""
    heights = [seen[role][1] - standing for role, standing in body.foot_heights.items()]
    return float(np.percentile(np.min(heights, axis=0), 10))
