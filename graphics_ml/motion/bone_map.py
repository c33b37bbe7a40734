"""Which joint of a rig is which part of the body.

Names are read first (bone_names.py), and for each limb the chain of joints down the tree whose names fit best is
found, so that an ambiguous "shoulder" or "leg" is what the rest of its chain leaves for it to be. Where names say
nothing, the rest pose does: the two mirrored chains that reach the ground are legs, the joint they share with the
spine is the hips, the next mirrored pair up the spine are arms, what goes on upward is the neck and head; the toes
point ahead, and that tells left from right. What shape says is also held against what names say, and a disagreement
lowers the confidence.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from graphics_ml.errors import GraphicsMLError
from graphics_ml.hints import SAY_MAP
from graphics_ml.motion.body_shape import common_ancestor, descends, limbs_of_shape, path_down
from graphics_ml.motion.bone_families import match_family
from graphics_ml.motion.bone_names import NameReading, read_names
from graphics_ml.motion.humanoid import FINGERS, REQUIRED_ROLES, ROLES, mirrored
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.rotations import quaternion_from_matrix
from graphics_ml.motion.skeleton import Skeleton
from graphics_ml.wording import short_repr

_ARM = ("shoulder", "upper_arm", "forearm", "hand")
_LEG = ("thigh", "shin", "foot", "toes")
_SIDES = ("left", "right")
# What may have no name of its own, and its neighbour that must be known.
_BESIDE = {"neck": "head", "head": "neck",
           **{f"{side}_{part}": f"{side}_{beside}" for side in _SIDES
              for part, beside in (("shoulder", "upper_arm"), ("toes", "foot"))}}  # fmt: skip
_BESIDE_FAMILY = 0.4  # what the words of a name count in a skeleton of a known family
_REQUIRED_CHAINS = [
    (upper if upper == "hips" else f"{side}_{upper}", f"{side}_{lower}")
    for side in _SIDES
    for upper, lower in (
        ("hips", "upper_arm"),
        ("upper_arm", "forearm"),
        ("forearm", "hand"),
        ("hips", "thigh"),
        ("thigh", "shin"),
        ("shin", "foot"),
    )
]


@short_repr
@dataclass(frozen=True)
class BoneMap:
    """Which joint plays which role.

    Args:
        roles: role (graphics_ml.motion.humanoid.ROLES) to joint name.
        confidence: role to how sure that is, 0 to 1.
        notes: what a user should know about doubtful choices, as sentences.
    """

    roles: dict[str, str]
    confidence: dict[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def joints(self, skeleton: Skeleton) -> dict[str, int]:
        """Role to the joint's index in `skeleton`; KeyError where the skeleton lacks a mapped joint."""
        return {role: skeleton.index(name) for role, name in self.roles.items()}


class UnrecognisedBodyError(GraphicsMLError):
    """A skeleton lacks limbs that a whole-body motion needs."""


def recognize(skeleton: Skeleton, deform=None, positions=None, family: str | None = None) -> BoneMap:
    """The roles of a skeleton's joints, by name and by shape.

    Args:
        skeleton: any; a joint that steers, helps, or belongs to hair, cloth or face gets no role.
        deform: J booleans, which bones move the mesh; the others are second choice. None: not known.
        positions: (J, 3) metres, Y up: a standing pose, for a skeleton whose rest pose is none (BVH files whose offsets
            are all along one axis); the rest pose when None.
        family: one of bone_families.known_families, by whose names the joints are read; the one that fits best when
            None.

    Returns:
        The map; roles that were not found are missing (see `missing_roles`).

    Raises:
        UnrecognisedBodyError: a family is asked for whose limbs the skeleton has not by name.
    """
    places = skeleton.rest_positions() if positions is None else np.asarray(positions, dtype=np.float64)
    readings = _read_joints(skeleton, deform, family)
    named = _by_name(skeleton, deform, readings)
    shaped = _by_shape(skeleton, places, named)
    return _settle(skeleton, places, named, shaped, [reading.helper for reading in readings])


def recognize_moving(motion: Motion) -> BoneMap:
    """The roles of a motion's joints; its first frame stands in where the rest pose is no standing one."""
    found = recognize(motion.skeleton)
    if all(name in found.roles for name in ("left_foot", "right_foot", "left_hand", "right_hand")):
        return found
    return recognize(motion.skeleton, positions=motion.positions()[0])


def missing_roles(bone_map: BoneMap) -> tuple[str, ...]:
    """The roles without which a whole-body motion cannot be put on a rig, and that the map lacks."""
    return tuple(role for role in REQUIRED_ROLES if role not in bone_map.roles)


def require_roles(bone_map: BoneMap, skeleton: Skeleton, what: str | Path) -> BoneMap:
    """The map as it is, when it has all that a whole-body motion needs.

    Args:
        what: what the error calls the skeleton: a file, "the target skeleton".

    Raises:
        UnrecognisedBodyError: roles are missing (says which, and how to give them), or a limb's bones do not hang from
            each other.
        KeyError: the map names a joint that the skeleton lacks.
    """
    missing = missing_roles(bone_map)
    how = f"give a bone map ({SAY_MAP}): a TOML file with [bones] and lines like"
    if not bone_map.roles:
        raise UnrecognisedBodyError(
            f"{what}: the names of its {len(skeleton)} bones tell of no limbs, and its shape is not that of a person "
            f'with two arms and two legs; {how} hips = "{skeleton.names[0]}"'
        )
    if missing:
        raise UnrecognisedBodyError(
            f"{what}: among its {len(skeleton)} bones is no recognisable {_listed(missing)}; {how} "
            f'{missing[0]} = "{skeleton.names[0]}"'
        )
    joints = bone_map.joints(skeleton)
    for upper, lower in _REQUIRED_CHAINS:
        if not descends(skeleton, joints[lower], joints[upper]) or joints[lower] == joints[upper]:
            raise UnrecognisedBodyError(
                f"{what}: the bone map has '{bone_map.roles[lower]}' as {lower}, but it does not hang below "
                f"'{bone_map.roles[upper]}' ({upper}); correct the map"
            )
    return bone_map


def _listed(roles):
    """Roles in words, both sides of one part together."""
    parts = []
    for role in roles:
        both = role.startswith(_SIDES) and mirrored(role) in roles
        words = role.replace("_", " ")
        parts.append(f"left and right {words.partition(' ')[2]}" if both else words)
    return ", ".join(dict.fromkeys(parts))


def facing(skeleton: Skeleton, bone_map: BoneMap, positions=None) -> np.ndarray:
    """The rotation (4,) that turns the character from where it faces to facing +Z, its left to +X.

    The direction to the left is the mean over hips and shoulders, across the vertical. Models and T-poses are made
    along the world's axes, so a direction within five degrees of one is taken as it.

    Args:
        positions: (J, 3) the pose; the rest pose when None.

    Raises:
        UnrecognisedBodyError: the map has no pair of left and right limbs, or they lie above each other.
    """
    places = skeleton.rest_positions() if positions is None else positions
    left = heading_left(places, bone_map.joints(skeleton))
    for axis in (np.eye(3)[0], np.eye(3)[2]):
        if abs(left @ axis) > np.cos(np.radians(5)):
            left = axis * np.sign(left @ axis)
    up = np.array([0.0, 1, 0])
    return quaternion_from_matrix(np.stack((left, up, np.cross(left, up))))


def heading_left(places, joints, parts=("thigh", "upper_arm")):
    """The horizontal unit direction (..., 3) to the body's left, of positions (..., J, 3) and roles' joint indices: the
    mean over pairs of `parts`.

    Raises:
        UnrecognisedBodyError: as facing.
    """
    total = np.zeros((*places.shape[:-2], 3))
    for part in parts:
        if f"left_{part}" in joints and f"right_{part}" in joints:
            across = places[..., joints[f"left_{part}"], :] - places[..., joints[f"right_{part}"], :]
            across = across * np.array([1.0, 0, 1])
            total = total + across / np.maximum(np.linalg.norm(across, axis=-1, keepdims=True), 1e-9)
    length = np.linalg.norm(total, axis=-1, keepdims=True)
    if np.any(length < 1e-6):
        raise UnrecognisedBodyError(
            "left and right limbs lie above each other, so nothing says where the body faces; correct the bone map, or "
            "use a file with a T-pose or an A-pose"
        )
    return total / length


# --- by name -----------------------------------------------------------------------------------------------------


def _by_name(skeleton, deform, readings):
    """Role to (joint, score), from names and the tree alone."""
    weight = np.ones(len(skeleton))
    if deform is not None and np.any(deform):
        weight = np.where(np.asarray(deform, dtype=bool), 1.0, 0.4)
    sides = _sides(readings, skeleton.parents)
    found = {}
    for side in _SIDES:
        for chain in (_ARM, _LEG):
            scores = np.zeros((len(skeleton), len(chain)))
            for joint, reading in enumerate(readings):
                if sides[joint] == side:
                    scores[joint] = [reading.parts.get(part, 0) * weight[joint] for part in chain]
            for part, joint in _best_chain(scores, skeleton).items():
                found[f"{side}_{chain[part]}"] = (joint, scores[joint, part])
    _drop_single_words(found)
    _trunk(found, skeleton, readings, weight)
    for side in _SIDES:
        hand = found.get(f"{side}_hand")
        found.update(_named_fingers(skeleton, readings, sides, weight, side, hand and hand[0]))
    return found


def _read_joints(skeleton, deform, name):
    """What is known of each joint: of a known family's joints what its data file says, and then the words of other
    names count for less, so that they only fill what the family lacks."""
    readings = read_names(skeleton.names)
    family = match_family(skeleton, deform, name)
    if family is None and name is not None:
        raise UnrecognisedBodyError(f"its bones are not named as those of {name}; choose another preset")
    if family is None:
        return readings
    known = {
        joint: NameReading(side, {part: 1.0} if part else {}, not part, (), None)
        for joint, (part, side) in family.joints.items()
    }
    return [known.get(joint, _weaker(reading)) for joint, reading in enumerate(readings)]


def _weaker(reading):
    return replace(reading, parts={part: _BESIDE_FAMILY * score for part, score in reading.parts.items()})


def _sides(readings, parents):
    sides = []
    for reading, parent in zip(readings, parents, strict=True):
        sides.append(reading.side or (sides[parent] if parent >= 0 else ""))
    return sides


def _best_chain(scores, skeleton):
    """The joints, each below the one before, that score best as the parts in order: {part: joint}; parts may lack."""
    count, children = scores.shape[1], skeleton.children
    # best[joint][part]: (score, chain) of the best choice for parts >= `part` in the joint's subtree, itself included
    best = [[(0.0, ())] * (count + 1) for _ in skeleton.names]
    for joint in reversed(range(len(skeleton))):
        below = [max((best[c][part] for c in children[joint]), key=_first, default=(0.0, ()))
                 for part in range(count + 1)]  # fmt: skip
        for part in range(count + 1):
            options = [below[part]] + [
                (scores[joint, taken] + below[taken + 1][0], ((taken, joint), *below[taken + 1][1]))
                for taken in range(part, count)
                if scores[joint, taken] > 0
            ]
            best[joint][part] = max(reversed(options), key=_first)
    return dict(best[0][0][1])


def _first(pair):
    return pair[0]


def _drop_single_words(found):
    """A limb of which only a clavicle, a toe or one joint was named is no limb: its name may mean something else."""
    for side in _SIDES:
        for chain in (_ARM, _LEG):
            roles = [f"{side}_{part}" for part in chain if f"{side}_{part}" in found]
            if len(roles) == 1:
                del found[roles[0]]


def _trunk(found, skeleton, readings, weight):
    """Hips, spine, neck and head around the limbs that were found."""
    thighs = [found[f"{side}_thigh"][0] for side in _SIDES if f"{side}_thigh" in found]
    arms = [_arm_top(found, side) for side in _SIDES if _arm_top(found, side) is not None]
    named = {part: [(r.parts.get(part, 0) * w) for r, w in zip(readings, weight, strict=True)]
             for part in ("hips", "trunk", "neck", "head")}  # fmt: skip
    middle = [reading.side == "" for reading in readings]
    if len(thighs) == 2:
        hips = common_ancestor(skeleton, thighs + arms)
        found["hips"] = _named_hips(skeleton, named["hips"], hips)
    elif max(named["hips"]) > 0.6:
        joint = int(np.argmax(named["hips"]))
        found["hips"] = (joint, named["hips"][joint])
    if "hips" not in found:
        return
    hips = found["hips"][0]
    chest = common_ancestor(skeleton, arms) if len(arms) == 2 else None
    line = [hips]
    if chest is not None and descends(skeleton, chest, hips):
        line = path_down(skeleton, hips, chest)
        _add_spine(found, line[1:], named["trunk"], readings, weight)
    above = [j for j in range(len(skeleton)) if descends(skeleton, j, hips) and j not in line]
    heads, necks = ([j for j in above if named[part][j] > 0.5 * max(named[part]) and middle[j]]
                    for part in ("head", "neck"))  # fmt: skip
    if heads:
        # The first head down the tree: what hangs below (jaw, top) is part of it.
        head = min(heads, key=lambda j: (-weight[j], len(path_down(skeleton, 0, j))))
        found["head"] = (head, named["head"][head])
        necks = [j for j in necks if descends(skeleton, head, j) and j != head]
    if necks:
        neck = min(necks, key=lambda j: len(path_down(skeleton, 0, j)))
        found["neck"] = (neck, named["neck"][neck])


def _named_hips(skeleton, scores, shared):
    """The joint shared by legs and spine, or the nearest above it that is named so (3ds Max Biped hangs the thighs
    from the first spine bone, MikuMikuDance has a waist below the pelvis)."""
    joint = shared
    while joint >= 0 and scores[joint] < (0.7 if joint == shared else 0.9):
        joint = skeleton.parents[joint]
    return (joint, scores[joint]) if joint >= 0 else (shared, max(scores[shared], 0.85))


def _add_spine(found, line, scores, readings, weight):
    line = [j for j in line if not readings[j].helper and weight[j] == max(weight[line])] or line
    if not line:
        return
    parts = {1: ("spine",), 2: ("spine", "chest")}.get(len(line), ("spine", "chest", "upper_chest"))
    picks = line if len(line) <= 3 else (line[0], line[len(line) // 2], line[-1])
    for part, joint in zip(parts, picks, strict=True):
        found[part] = (joint, max(scores[joint], 0.7))


def _arm_top(found, side):
    for part in _ARM:
        if f"{side}_{part}" in found:
            return found[f"{side}_{part}"][0]
    return None


def _named_fingers(skeleton, readings, sides, weight, side, hand):
    """Role to (joint, score) of one hand's fingers."""
    if hand is None:
        return {}
    rows = {finger: [] for finger in FINGERS}
    below = [j for j in range(len(skeleton)) if j != hand and descends(skeleton, j, hand) and sides[j] == side]
    counted = [j for j in below if "finger" in readings[j].parts and readings[j].numbers]
    from_zero = any(readings[j].numbers[0].startswith("0") for j in counted)
    for joint in below:
        reading = readings[joint]
        for finger in FINGERS:
            if finger in reading.parts:
                rows[finger].append((joint, reading.parts[finger] * weight[joint]))
        if joint in counted:
            first = int(reading.numbers[0][0]) - (0 if from_zero else 1)
            if 0 <= first < 5:
                rows[FINGERS[first]].append((joint, 0.85 * weight[joint]))
    found = {}
    for finger, row in rows.items():
        row = _phalanges(row, readings, finger, skeleton)
        for number, (joint, score) in enumerate(row[:3], start=1):
            found[f"{side}_{finger}_{number}"] = (joint, score)
    return found


def _phalanges(row, readings, finger, skeleton):
    """One finger's joints from the knuckle out: one chain, without the metacarpal."""
    if not row:
        return row
    best = max(score for _, score in row)
    row = sorted((item for item in row if item[1] > 0.5 * best), key=lambda item: len(path_down(skeleton, 0, item[0])))
    chain = row[:1]
    for item in row[1:]:
        if descends(skeleton, item[0], chain[-1][0]):
            chain.append(item)
    if len(chain) > 1 and finger != "thumb":
        first, second = readings[chain[0][0]], readings[chain[1][0]]
        unnumbered = not first.numbers and first.phalanx is None and second.numbers and int(second.numbers[-1]) == 1
        zero = first.numbers and int(first.numbers[-1]) == 0 and len(chain) > 3
        if first.phalanx == 0 or unnumbered or zero:
            chain = chain[1:]
    return chain


# --- by shape, and both together ---------------------------------------------------------------------------------


def _by_shape(skeleton, places, named):
    """Role to joint from the pose, its sides named as the names name them where they do."""
    shaped = limbs_of_shape(skeleton, places)
    same = sum(shaped.get(role) == joint for role, (joint, _) in named.items() if role.startswith(_SIDES))
    swapped = sum(shaped.get(mirrored(role)) == joint for role, (joint, _) in named.items() if role.startswith(_SIDES))
    if swapped > same:
        shaped = {mirrored(role): joint for role, joint in shaped.items()}
    return shaped


def _settle(skeleton, places, named, shaped, helper):
    roles, confidence, notes = {}, {}, []
    complete = _use_shape_where_names_lack(named, shaped, helper)
    for role in ROLES:
        if role not in complete:
            continue
        joint, score, from_name = complete[role]
        sure = min(1.0, score)
        if from_name and role in REQUIRED_ROLES and shaped.get(role, joint) != joint:
            sure *= 0.85
        roles[role], confidence[role] = skeleton.names[joint], sure
    _check_sides(skeleton, places, roles, confidence, notes)
    _check_lengths(skeleton, places, roles, confidence, notes)
    by_shape = [role for role in REQUIRED_ROLES if role in complete and not complete[role][2]]
    if by_shape:
        notes.append(
            f"{', '.join(by_shape).replace('_', ' ')} told by shape, not by name: check the map before trusting it"
        )
    return BoneMap(roles, {role: round(float(c), 3) for role, c in confidence.items()}, tuple(notes))


def _use_shape_where_names_lack(named, shaped, helper):
    """Role to (joint, score, from name). A limb whose names miss a required joint is taken from shape as a whole."""
    result = {role: (joint, score, True) for role, (joint, score) in named.items()}
    groups = [[f"{side}_{part}" for part in chain] for side in _SIDES for chain in (_ARM, _LEG)]
    for group in groups:
        required = [role for role in group if role in REQUIRED_ROLES]
        if any(role not in named for role in required) and all(role in shaped for role in required):
            agree = any(named.get(role, (None,))[0] == shaped[role] for role in required)
            for role in group:
                result.pop(role, None)
                if role in shaped:
                    result[role] = (shaped[role], 0.75 if agree else 0.65, False)
    if "hips" not in result or not _spine_named(named):
        for role in ("hips", "spine", "chest", "upper_chest", "neck", "head"):
            if role not in result and role in shaped:
                result[role] = (shaped[role], 0.65, False)
    # Beside what names and shape agree on, shape may add what has no name of its own.
    for role, beside in _BESIDE.items():
        same = beside in result and shaped.get(beside) == result[beside][0]
        if role not in result and same and role in shaped and not helper[shaped[role]]:
            result[role] = (shaped[role], 0.6, False)
    for side in _SIDES:
        has_fingers = any(role.startswith(f"{side}_{finger}") for role in result for finger in FINGERS)
        same_hand = result.get(f"{side}_hand", (None,))[0] == shaped.get(f"{side}_hand")
        if not has_fingers and same_hand:
            for role, joint in shaped.items():
                if any(role.startswith(f"{side}_{finger}") for finger in FINGERS):
                    result[role] = (joint, 0.5, False)
    return _one_role_each(result)


def _spine_named(named):
    return any(role in named for role in ("spine", "chest", "head"))


def _one_role_each(result):
    owner = {}
    for role, (joint, score, _) in result.items():
        if joint not in owner or score > result[owner[joint]][1]:
            owner[joint] = role
    return {role: entry for role, entry in result.items() if owner[entry[0]] == role}


def _check_sides(skeleton, places, roles, confidence, notes):
    """Left must lie on the left of where the toes point."""
    joints = {role: skeleton.index(name) for role, name in roles.items()}
    if not all(f"{side}_{part}" in joints for side in _SIDES for part in ("thigh", "foot", "toes")):
        return
    ahead = sum(places[joints[f"{side}_toes"]] - places[joints[f"{side}_foot"]] for side in _SIDES) * [1, 0, 1]
    across = (places[joints["left_thigh"]] - places[joints["right_thigh"]]) * [1, 0, 1]
    size = np.linalg.norm(ahead) * np.linalg.norm(across)
    # up x ahead is left: its part along the line across must be positive
    if size > 1e-9 and np.cross([0.0, 1, 0], ahead) @ across < -0.5 * size:
        notes.append("the limbs named left lie on the right of where the toes point: check the sides of the map")
        for role in roles:
            if role.startswith(_SIDES):
                confidence[role] *= 0.6


def _check_lengths(skeleton, places, roles, confidence, notes):
    """Left and right limbs are alike, and no limb has no length."""
    joints = {role: skeleton.index(name) for role, name in roles.items()}
    for a, b in (("upper_arm", "forearm"), ("forearm", "hand"), ("thigh", "shin"), ("shin", "foot")):
        pairs = [(f"{side}_{a}", f"{side}_{b}") for side in _SIDES]
        if not all(role in joints for pair in pairs for role in pair):
            continue
        lengths = [np.linalg.norm(places[joints[u]] - places[joints[v]]) for u, v in pairs]
        if min(lengths) < 0.7 * max(lengths) or max(lengths) == 0:
            notes.append(f"left and right {a.replace('_', ' ')} differ in length: check the map")
            for role in {role for pair in pairs for role in pair}:
                confidence[role] *= 0.7
