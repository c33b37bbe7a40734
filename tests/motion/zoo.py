"""Skeletons whose bones' roles are known exactly: public naming schemes, and bodies grown with more, fewer and other
bones than usual.

The names of each scheme are facts about the program or data set that it is called after; where they were read is said
beside it. Nothing here is known to graphics_ml/motion/bone_maps.
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from graphics_ml.motion.bone_map import BoneMap
from graphics_ml.motion.humanoid import BODY_ROLES, FINGERS, standard_skeleton
from graphics_ml.motion.skeleton import EndSite, Skeleton

SPINE_ROLES = ("spine", "chest", "upper_chest")
_SIDES = {"left": 1.0, "right": -1.0}


@dataclass(frozen=True)
class Animal:
    """A skeleton and the truth about it.

    Args:
        family: what it is counted under.
        skeleton: its joints.
        truth: body role to name, of all that it has.
        spine: names of its spine's joints from the pelvis up; any in order may be spine, chest and upper chest.
    """

    family: str
    skeleton: Skeleton
    truth: dict[str, str]
    spine: tuple[str, ...]


def count_right(animal: Animal, found: BoneMap) -> tuple[int, int, list[str]]:
    """(right, total, what is wrong) over the body's roles; a role given to a joint that has none is wrong too."""
    wrong, total = [], 0
    given = {role: found.roles.get(role) for role in BODY_ROLES}
    for role in BODY_ROLES:
        if role in SPINE_ROLES:
            continue
        if role in animal.truth or given[role] is not None:
            total += 1
            if animal.truth.get(role) != given[role]:
                wrong.append(f"{role}: {given[role]}, not {animal.truth.get(role)}")
    wanted = min(len(animal.spine), len(SPINE_ROLES))
    line = [given[role] for role in SPINE_ROLES if given[role] is not None]
    total += max(wanted, len(line))
    places = [animal.spine.index(name) if name in animal.spine else -1 for name in line]
    ordered = sum(place >= 0 and place > max([-1, *places[:n]]) for n, place in enumerate(places))
    if ordered < max(wanted, len(line)):
        wrong += [f"spine: {line}, not {animal.spine}"] * (max(wanted, len(line)) - ordered)
    return total - len(wrong), total, wrong


# --- bodies ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Build:
    """What a body has and how it stands.

    Args:
        spine, neck: numbers of joints; the head is one more.
        clavicles, toes: whether it has them.
        fingers: how many of a hand's, the thumb first; metacarpals before them where `palms`.
        head, legs, arms: sizes, 1 for an adult's.
        droop: degrees of the arms below the horizontal; turn: of the body about the vertical.
        bend: metres that elbows stand back and knees ahead of the straight limb.
        jitter: metres that each joint is off by, as in models made by hand.
        halves: whether each long bone is cut in two by a joint in its middle.
        root: bones above the hips, such as a root on the floor.
        ends: whether leaves have a nub joint.
        extras: names of what is added, of `EXTRAS`.
    """

    spine: int = 3
    neck: int = 1
    clavicles: bool = True
    toes: bool = True
    fingers: int = 5
    palms: bool = False
    head: float = 1.0
    legs: float = 1.0
    arms: float = 1.0
    droop: float = 0.0
    turn: float = 0.0
    bend: float = 0.0
    jitter: float = 0.0
    halves: bool = False
    root: int = 0
    ends: bool = False
    extras: tuple[str, ...] = ()


def grow(build: Build) -> dict[str, tuple[str | None, np.ndarray]]:
    """A body's joints: key to (parent's key, place in metres). Keys are roles, but "spine_1" and "neck_1" and on."""
    standard = standard_skeleton(1.7)
    at = dict(zip(standard.names, standard.rest_positions(), strict=True))
    hips = np.array([0, at["hips"][1] * build.legs, 0])
    top = at["upper_chest"][1] - at["hips"][1]
    bones = {}
    above = None
    for n in range(build.root):
        bones[f"root_{n}"] = (above, np.array([0.0, 0, 0]))
        above = f"root_{n}"
    bones["hips"] = (above, hips)
    above = "hips"
    for n in range(1, build.spine + 1):
        bones[f"spine_{n}"] = (above, _moved(hips, 0, top * n / build.spine, 0.01 * np.sin(n)))
        above = f"spine_{n}"
    chest = above
    shoulders = _moved(hips, 0, 0.476, 0)
    for n in range(1, build.neck + 1):
        rise = 0.51 + 0.09 * build.head * (n - 1) / max(build.neck, 1)
        bones[f"neck_{n}"] = (above, _moved(hips, 0, rise, 0))
        above = f"neck_{n}"
    bones["head"] = (above, _moved(hips, 0, 0.51 + 0.1 * build.head, 0.01))
    bones["head_end"] = ("head", _moved(hips, 0, 0.51 + 0.3 * build.head, 0.01))
    for side, sign in _SIDES.items():
        _arm(bones, build, side, sign, chest, shoulders)
        _leg(bones, build, side, sign, at)
    for name in build.extras:
        EXTRAS[name](bones, build, chest)
    if not build.ends:
        bones.pop("head_end")
    turn = np.radians(build.turn)
    about = np.array([[np.cos(turn), 0, np.sin(turn)], [0, 1, 0], [-np.sin(turn), 0, np.cos(turn)]])
    draw = np.random.default_rng(len(bones))
    return {
        key: (parent, about @ (place + draw.normal(0, build.jitter, 3) * (parent is not None)))
        for key, (parent, place) in bones.items()
    }


def _cut(bones, build, side, part, above, place):
    """Add a limb's joint, and before it the middle of the bone that ends there, where bones are cut."""
    if build.halves and part in ("forearm", "hand", "shin", "foot"):
        middle = above.partition("_")[2]
        bones[f"{side}_{middle}_half"] = (above, (bones[above][1] + place) / 2)
        above = f"{side}_{middle}_half"
    bones[f"{side}_{part}"] = (above, place)


def _moved(place, x, y, z):
    return place + np.array([x, y, z])


def _arm(bones, build, side, sign, chest, shoulders):
    above, shoulder = chest, _moved(shoulders, sign * 0.177, 0, 0)
    if build.clavicles:
        bones[f"{side}_shoulder"] = (chest, _moved(shoulders, sign * 0.025, 0, 0))
        above = f"{side}_shoulder"
    slope = np.radians(build.droop)
    out, down = np.array([sign * np.cos(slope), -np.sin(slope), 0]), np.array([0.0, 0, 1])
    reach = {"upper_arm": 0.0, "forearm": 0.296, "hand": 0.544}
    for part, along in reach.items():
        place = shoulder + build.arms * along * out - build.bend * (part == "forearm") * down
        _cut(bones, build, side, part, above, place)
        above = f"{side}_{part}"
    knuckles = zip(FINGERS, (0.025, 0.094, 0.095, 0.09, 0.083), (0.03, 0.024, 0.007, -0.01, -0.026), strict=True)
    for finger, along, ahead in list(knuckles)[: build.fingers]:
        base = bones[above][1] + build.arms * (along * out + ahead * down)
        step = build.arms * ((0.02 * out + 0.02 * down) if finger == "thumb" else 0.03 * out)
        before = above
        if build.palms and finger != "thumb":
            bones[f"{side}_{finger}_0"] = (above, bones[above][1] + 0.3 * (base - bones[above][1]))
            before = f"{side}_{finger}_0"
        for n in (1, 2, 3):
            bones[f"{side}_{finger}_{n}"] = (before, base + (n - 1) * step)
            before = f"{side}_{finger}_{n}"


def _leg(bones, build, side, sign, at):
    above = "hips"
    for part in ("thigh", "shin", "foot", "toes") if build.toes else ("thigh", "shin", "foot"):
        place = at[f"left_{part}"] * [sign, build.legs, build.legs] + [0, 0, build.bend * (part == "shin")]
        _cut(bones, build, side, part, above, place)
        above = f"{side}_{part}"
    if build.ends and build.toes:  # a nub on a foot without toes would be no other than toes
        bones[f"{side}_toe_end"] = (above, _moved(bones[above][1], 0, -0.01, 0.07))


def _twists(bones, build, chest):
    for side in _SIDES:
        for upper, lower in (("upper_arm", "forearm"), ("forearm", "hand"), ("thigh", "shin"), ("shin", "foot")):
            start, end = bones[f"{side}_{upper}"][1], bones[f"{side}_{lower}"][1]
            for n in (1, 2):
                bones[f"{side}_{upper}_twist_{n}"] = (f"{side}_{upper}", start + (end - start) * n / 3)


def _iks(bones, build, chest):
    top = next(iter(bones))
    for side in _SIDES:
        for part in ("hand", "foot"):
            bones[f"{side}_{part}_ik"] = (top, bones[f"{side}_{part}"][1])
        bones[f"{side}_knee_pole"] = (top, _moved(bones[f"{side}_shin"][1], 0, 0, 0.4))


def _physics(bones, build, chest):
    for side, sign in _SIDES.items():
        _strand(bones, f"{side}_hair", "head", [0.06 * sign, 0.1, -0.08], [0, -0.06, -0.01], 4)
        _strand(bones, f"{side}_skirt", "hips", [0.12 * sign, -0.05, 0.02], [0.02 * sign, -0.12, 0], 3)
        _strand(bones, f"{side}_breast", chest, [0.08 * sign, -0.05, 0.1], [0, 0, 0.05], 1)


def _tail(bones, build, chest):
    _strand(bones, "tail", "hips", [0, 0.02, -0.1], [0, -0.03, -0.12], 6)


def _wings(bones, build, chest):
    for side, sign in _SIDES.items():
        _strand(bones, f"{side}_wing", chest, [0.06 * sign, 0.05, -0.1], [0.28 * sign, 0.12, -0.06], 4)


def _weapon(bones, build, chest):
    hand = "right_hand"
    _strand(bones, "weapon", hand, [-0.08, 0, 0.02], [0, 0.02, 0.35], 3)
    _strand(bones, "scabbard", "hips", [0.17, 0.0, 0], [0.02, -0.3, -0.1], 2)


def _face(bones, build, chest):
    for side, sign in _SIDES.items():
        _strand(bones, f"{side}_eye", "head", [0.03 * sign, 0.06, 0.08], [0, 0, 0.02], 1)
        _strand(bones, f"{side}_brow", "head", [0.03 * sign, 0.09, 0.09], [0.02 * sign, 0, 0], 2)
    _strand(bones, "jaw", "head", [0, -0.01, 0.03], [0, -0.03, 0.06], 2)


def _cape(bones, build, chest):
    for side, sign in _SIDES.items():
        _strand(bones, f"{side}_cape", chest, [0.12 * sign, 0.02, -0.12], [0.02 * sign, -0.17, -0.03], 6)


def _copies(bones, build, chest):
    """What rigs keep beside their deform bones: each limb again, in the same places."""
    for side in _SIDES:
        for limb in (("upper_arm", "forearm", "hand"), ("thigh", "shin", "foot")):
            above = bones[f"{side}_{limb[0]}"][0]
            for part in limb:
                bones[f"{side}_{part}_copy"] = (above, bones[f"{side}_{part}"][1])
                above = f"{side}_{part}_copy"


def _pads(bones, build, chest):
    for side, sign in _SIDES.items():
        _strand(bones, f"{side}_pad", f"{side}_upper_arm", [0.02 * sign, 0.05, 0], [0.06 * sign, 0.01, 0], 2)
        _strand(bones, f"{side}_ear", "head", [0.08 * sign, 0.1, 0], [0.05 * sign, 0.09, 0], 3)


def _strand(bones, key, parent, start, step, count):
    place, above = _moved(bones[parent][1], *start), parent
    for n in range(1, count + 1):
        bones[f"{key}_{n}"] = (above, place)
        place, above = _moved(place, *step), f"{key}_{n}"


EXTRAS = {"twists": _twists, "iks": _iks, "physics": _physics, "tail": _tail, "wings": _wings, "weapon": _weapon,
          "face": _face, "cape": _cape, "copies": _copies, "pads": _pads}  # fmt: skip


def animal(family: str, build: Build, name: Callable[[str], str | None], seed: int | None = None) -> Animal:
    """A body of a build, its bones called by `name` (key to name; None: no such bone), in an order drawn by `seed`."""
    bones = grow(build)
    names = {key: name(key) for key in bones}
    kept = {key for key, called in names.items() if called is not None}
    if len({names[key] for key in kept}) < len(kept):
        raise ValueError(f"{family}: two bones have one name")
    parents = {}
    for key in kept:
        up = bones[key][0]
        while up is not None and up not in kept:
            up = bones[up][0]
        parents[key] = up
    order = _order(bones, parents, seed)
    index = {key: n for n, key in enumerate(order)}
    at = {key: place for key, (_, place) in bones.items()}
    offsets = [at[key] - at[parents[key]] if parents[key] else at[key] for key in order]
    leaves = [key for key in order if key not in parents.values()]
    ends = tuple(EndSite(index[key], 0.4 * offsets[index[key]]) for key in leaves)
    skeleton = Skeleton(
        [names[key] for key in order],
        [index[parents[key]] if parents[key] else -1 for key in order],
        offsets,
        end_sites=ends,
    )
    truth = {role: names[role] for role in BODY_ROLES if role in kept and role not in SPINE_ROLES}
    if "neck_1" in kept:
        truth["neck"] = names["neck_1"]
    return Animal(family, skeleton, truth, tuple(names[f"spine_{n}"] for n in range(1, 10) if f"spine_{n}" in kept))


def _order(bones, parents, seed):
    draw = np.random.default_rng(seed)
    ready, order = [key for key in bones if key in parents and parents[key] is None], []
    while ready:
        key = ready.pop(int(draw.integers(len(ready))) if seed is not None else 0)
        order.append(key)
        ready.extend(child for child in bones if child in parents and parents[child] == key)
    return order


# --- public naming schemes ---------------------------------------------------------------------------------------


def scheme(middle: str, limbs: str, left: str, right: str, fingers: str | None = None, more: dict | None = None):
    """A naming scheme as a function of keys.

    Args:
        middle: "hips spine... > neck... > head", names apart by commas.
        limbs: shoulder, upper arm, forearm, hand, thigh, shin, foot, toes, apart by commas, {s} for the side, "-" for
            none.
        fingers: pattern of {s}, {f} (0 to 4), {n} (0 to 3).
        more: key to name, of anything else.
    """
    low, neck, head = ([one.strip() for one in part.split(",")] for part in middle.split(">"))
    parts = dict(zip(("shoulder", "upper_arm", "forearm", "hand", "thigh", "shin", "foot", "toes"),
                     (one.strip() for one in limbs.split(",")), strict=True))  # fmt: skip
    table = {"hips": low[0], "head": head[0], **(more or {})}
    table |= {f"spine_{n}": name for n, name in enumerate(low[1:], start=1)}
    table |= {f"neck_{n}": name for n, name in enumerate(neck, start=1) if name}

    def name(key):
        if key in table:
            return table[key]
        side, _, part = key.partition("_")
        word = {"left": left, "right": right}.get(side)
        if word is not None and parts.get(part, "-") != "-":
            return parts[part].format(s=word)
        finger, _, n = part.partition("_")
        if word is not None and fingers and finger in FINGERS and n.isdigit():
            return (
                fingers(word, FINGERS.index(finger), int(n))
                if callable(fingers)
                else fingers.format(s=word, f=FINGERS.index(finger), n=int(n))
            )
        return None

    name.spine, name.neck = len(low) - 1, len([one for one in neck if one])
    name.clavicles, name.toes = parts["shoulder"] != "-", parts["toes"] != "-"
    return name


_WORDS = ("Thumb", "Index", "Middle", "Ring", "Pinky")
PUBLIC = {
    # Kinect v2 joint types (Microsoft.Kinect.JointType).
    "Kinect": scheme("SpineBase, SpineMid, SpineShoulder > Neck > Head", "-, Shoulder{s}, Elbow{s}, Wrist{s}, Hip{s}, "
                     "Knee{s}, Ankle{s}, Foot{s}", "Left", "Right"),
    # Azure Kinect (k4abt_joint_id_t).
    "Azure Kinect": scheme("PELVIS, SPINE_NAVEL, SPINE_CHEST > NECK > HEAD", "CLAVICLE_{s}, SHOULDER_{s}, ELBOW_{s}, "
                           "WRIST_{s}, HIP_{s}, KNEE_{s}, ANKLE_{s}, FOOT_{s}", "LEFT", "RIGHT"),
    # Expy Kit, presets/RenderPeople.py.
    "RenderPeople": scheme("hip, spine_01, spine_02, spine_03 > neck > head", "shoulder_{s}, upperarm_{s}, "
                           "lowerarm_{s}, hand_{s}, upperleg_{s}, lowerleg_{s}, foot_{s}, ball_{s}", "l", "r",
                           lambda s, f, n: f"{_WORDS[f].lower()}_0{n}_{s}"),
    # retarget-bvh, source_rigs/max.json, eyes.json, mega.json, vicon.json, accad.json.
    "3ds Max BVH": scheme("Hips, LowerBack, Chest1, Chest2 > LowerNeck, Neck > Head", "{s}Collar, {s}Shoulder, "
                          "{s}Elbow, {s}Wrist, {s}Hip, {s}Knee, {s}Ankle, {s}Toe", "Left", "Right"),
    "Eyes Japan": scheme("Hips, Chest, Chest2, CS_BVH > Neck > Head", "{s}Collar, {s}Shoulder, {s}Elbow, {s}Wrist, "
                         "{s}Hip, {s}Knee, {s}Ankle, -", "Left", "Right"),
    "Mega": scheme("Hips, UpperBack, Chest > Neck > Neck1", "{s}Collar, {s}UpArm, {s}LowArm, {s}Hand, {s}UpLeg, "
                   "{s}LowLeg, {s}Foot, {s}Toes", "Left", "Right", more={"left_shoulder": "LCollar",
                                                                        "right_shoulder": "RCollar"}),
    "Vicon": scheme("root, lowerback, thorax > neck > head", "{s}_collar, {s}_humerus, {s}_elbow, {s}_wrist, "
                    "{s}_femur, {s}_tibia, {s}_foot, {s}_toe", "l", "r"),
    "ACCAD": scheme("Hips, ToSpine, Spine, Spine1 > Neck > Head", "{s}Shoulder, {s}Arm, {s}ForeArm, {s}Hand, {s}UpLeg, "
                    "{s}Leg, {s}Foot, {s}ToeBase", "Left", "Right"),
    # retarget-bvh, target_rigs/mhx.json.
    "MHX": scheme("hips, spine, spine-1, chest > neck > head", "clavicle.{s}, upper_arm.{s}, forearm.{s}, hand.{s}, "
                  "thigh.{s}, shin.{s}, foot.{s}, toe.{s}", "L", "R"),
    # makewalk, Sintel_Light.trg (retargeting of the film's rig).
    "Sintel": scheme("Root, Spine1, Spine2, Spine3 > Neck > Head", "Clavicle_{s}, UpArm_{s}, LoArm_{s}, Hand_{s}, "
                     "UpLeg_{s}, LoLeg_{s}, Foot_{s}, Toe_{s}", "L", "R"),
    # Poser and the BVH that Second Life takes (anim-to-bvh, offsets.ts).
    "Poser": scheme("hip, abdomen, chest > neck > head", "{s}Collar, {s}Shldr, {s}ForeArm, {s}Hand, {s}Thigh, {s}Shin, "
                    "{s}Foot, {s}Toe", "l", "r"),
    # 100STYLE and Xsens' BVH (MVN user manual).
    "100STYLE": scheme("Hips, Chest, Chest2, Chest3, Chest4 > Neck > Head", "{s}Collar, {s}Shoulder, {s}Elbow, "
                       "{s}Wrist, {s}Hip, {s}Knee, {s}Ankle, {s}Toe", "Left", "Right"),
    # ZeroEGGS (ubisoft-laforge-ZeroEGGS).
    "ZeroEGGS": scheme("Hips, Spine, Spine1, Spine2, Spine3 > Neck, Neck1 > Head", "{s}Shoulder, {s}Arm, {s}ForeArm, "
                       "{s}Hand, {s}UpLeg, {s}Leg, {s}Foot, {s}ToeBase", "Left", "Right",
                       lambda s, f, n: f"{s}Hand{_WORDS[f]}{n}"),
    # OptiTrack Motive's FBX and its own names.
    "OptiTrack": scheme("Hip, Ab, Chest > Neck > Head", "{s}Shoulder, {s}UArm, {s}FArm, {s}Hand, {s}Thigh, {s}Shin, "
                        "{s}Foot, {s}Toe", "L", "R", lambda s, f, n: f"{s}{_WORDS[f]}{n}"),
    # Source engine's later rigs (Team Fortress 2).
    "Source bip": scheme("bip_pelvis, bip_spine_0, bip_spine_1, bip_spine_2, bip_spine_3 > bip_neck > bip_head",
                         "bip_collar_{s}, bip_upperArm_{s}, bip_lowerArm_{s}, bip_hand_{s}, bip_hip_{s}, bip_knee_{s}, "
                         "bip_foot_{s}, bip_toe_{s}", "L", "R", lambda s, f, n: f"bip_{_WORDS[f].lower()}_{n - 1}_{s}"),
    # Roblox R15.
    "Roblox R15": scheme("LowerTorso, UpperTorso > > Head", "-, {s}UpperArm, {s}LowerArm, {s}Hand, {s}UpperLeg, "
                         "{s}LowerLeg, {s}Foot, -", "Left", "Right"),
    # H-Anim (ISO/IEC 19774), level of articulation 1.
    "H-Anim": scheme("humanoid_root, vl5, vt6 > vc4 > skullbase", "{s}_sternoclavicular, {s}_shoulder, {s}_elbow, "
                     "{s}_wrist, {s}_hip, {s}_knee, {s}_ankle, {s}_midtarsal", "l", "r"),
    # Human3.6M's 17 joints.
    "Human3.6M": scheme("Hip, Spine, Thorax > Neck > Head", "-, {s}Shoulder, {s}Elbow, {s}Wrist, {s}Hip, {s}Knee, "
                        "{s}Foot, -", "L", "R"),
    # SMPL's FBX with Biped names, as EasyMocap and others write it.
    "SMPL as Biped": scheme("Pelvis, Spine, Spine1, Spine2 > Neck > Head", "{s}_Clavicle, {s}_Shoulder, {s}_Forearm, "
                            "{s}_Hand, {s}_Thigh, {s}_Calf, {s}_Foot, {s}_FootTwist", "L", "R"),
    # Cats Blender Plugin and VRChat.
    "Cats": scheme("Hips, Spine, Chest > Neck > Head", "{s} shoulder, {s} arm, {s} elbow, {s} wrist, {s} leg, "
                   "{s} knee, {s} ankle, {s} toe", "Left", "Right",
                   lambda s, f, n: f"{(*_WORDS[:4], 'Little')[f]}{'Finger' * (f > 0)}{n}_{s[0]}"),
    # Final Fantasy XIV (XIV-RigMaster, utils/bones.py).
    "FFXIV": scheme("j_kosi, j_sebo_a, j_sebo_b, j_sebo_c > j_kubi > j_kao", "j_sako_{s}, j_ude_a_{s}, j_ude_b_{s}, "
                    "j_te_{s}, j_asi_a_{s}, j_asi_b_{s}, j_asi_d_{s}, j_asi_e_{s}", "l", "r"),
    # Perception Neuron's Axis Studio, and Maya's HumanIK, each with its prefix.
    "Perception Neuron": scheme("Robot_Hips, Robot_Spine, Robot_Spine1, Robot_Spine2, Robot_Spine3 > Robot_Neck > "
                                "Robot_Head", "Robot_{s}Shoulder, Robot_{s}Arm, Robot_{s}ForeArm, Robot_{s}Hand, "
                                "Robot_{s}UpLeg, Robot_{s}Leg, Robot_{s}Foot, -", "Left", "Right",
                                lambda s, f, n: f"Robot_{s}{'In' * (n == 0)}Hand{_WORDS[f]}{n or ''}"),
    "HumanIK": scheme("Character1_Hips, Character1_Spine, Character1_Spine1, Character1_Spine2, Character1_Spine3, "
                      "Character1_Spine4 > Character1_Neck, Character1_Neck1 > Character1_Head",
                      "Character1_{s}Shoulder, Character1_{s}Arm, Character1_{s}ForeArm, Character1_{s}Hand, "
                      "Character1_{s}UpLeg, Character1_{s}Leg, Character1_{s}Foot, Character1_{s}ToeBase", "Left",
                      "Right", lambda s, f, n: f"Character1_{s}Hand{_WORDS[f]}{n}"),
}  # fmt: skip


# --- schemes that no vocabulary here knows -----------------------------------------------------------------------

LANGUAGES = {
    "German": ("Becken, Wirbelsäule > Hals > Kopf", "Schlüsselbein_{s}, Oberarm_{s}, Unterarm_{s}, Hand_{s}, "
               "Oberschenkel_{s}, Unterschenkel_{s}, Fuß_{s}, Zehen_{s}", "links", "rechts"),
    "French": ("bassin, colonne > cou > tête", "clavicule_{s}, bras_{s}, avantbras_{s}, main_{s}, cuisse_{s}, "
               "tibia_{s}, pied_{s}, orteils_{s}", "G", "D"),
    "Spanish": ("cadera, columna > cuello > cabeza", "clavicula.{s}, brazo.{s}, antebrazo.{s}, mano.{s}, muslo.{s}, "
                "pantorrilla.{s}, pie.{s}, dedos.{s}", "izq", "der"),
    "Italian": ("bacino, spina > collo > testa", "clavicola{s}, braccio{s}, avambraccio{s}, mano{s}, coscia{s}, "
                "gamba{s}, piede{s}, dita{s}", "Sx", "Dx"),
    "Portuguese": ("quadril, coluna > pescoço > cabeça", "clavícula_{s}, braço_{s}, antebraço_{s}, mão_{s}, coxa_{s}, "
                   "canela_{s}, pé_{s}, dedos_{s}", "E", "D"),
    "Polish": ("miednica, kręgosłup > szyja > głowa", "obojczyk_{s}, ramię_{s}, przedramię_{s}, dłoń_{s}, udo_{s}, "
               "łydka_{s}, stopa_{s}, palce_{s}", "lewy", "prawy"),
    "Russian": ("таз, позвоночник > шея > голова", "ключица_{s}, плечо_{s}, предплечье_{s}, кисть_{s}, бедро_{s}, "
                "голень_{s}, стопа_{s}, носок_{s}", "Л", "П"),
    "Chinese": ("骨盆, 脊柱 > 脖子 > 头部",
                "{s}锁骨, {s}上臂, {s}前臂, {s}手掌, {s}大腿, {s}小腿, {s}脚掌, {s}脚趾", "左", "右"),
    "Korean": ("골반, 척추 > 목 > 머리",
               "{s}쇄골, {s}상완, {s}전완, {s}손, {s}허벅지, {s}종아리, {s}발, {s}발가락", "왼", "오른"),
    "Romaji": ("koshi, sebone > kubi > atama", "sakotsu_{s}, kata_{s}, hiji_{s}, tekubi_{s}, momo_{s}, hiza_{s}, "
               "ashikubi_{s}, tsumasaki_{s}", "hidari", "migi"),
    "Turkish": ("kalça, omurga > boyun > baş", "köprücük_{s}, üstkol_{s}, önkol_{s}, el_{s}, uyluk_{s}, baldır_{s}, "
                "ayak_{s}, parmak_{s}", "sol", "sağ"),
    "Finnish": ("lantio, selkäranka > kaula > pää", "solisluu_{s}, olkavarsi_{s}, kyynärvarsi_{s}, käsi_{s}, "
                "reisi_{s}, sääri_{s}, jalkaterä_{s}, varpaat_{s}", "vas", "oik"),
}  # fmt: skip


def foreign(language: str) -> Callable[[str], str]:
    """A naming scheme in another language; bones that it has no word for are numbered."""
    middle, limbs, left, right = LANGUAGES[language]
    known = scheme(middle, limbs, left, right)
    spine, neck = known("spine_1"), known("neck_1")

    def name(key):
        for chain, word in (("spine_", spine), ("neck_", neck)):
            if key.startswith(chain):
                return f"{word}{key.removeprefix(chain)}"
        if not key.endswith("_half") and (called := known(key)) is not None:
            return called
        return f"x{sum(key.encode()) * 31 + len(key)}_{zlib.crc32(key.encode()) % 9973}"

    return name


def numbered(seed: int, pattern: str = "Bone.{:03d}") -> Callable[[str], str]:
    """Names that are numbers, in no order."""
    numbers, given = iter(np.random.default_rng(seed).permutation(999)), {}

    def name(key):
        if key not in given:
            given[key] = pattern.format(next(numbers))
        return given[key]

    return name


def terse(seed: int) -> Callable[[str], str]:
    """An artist's own abbreviations: side letters and first consonants ("lUpprm", "rShn")."""
    draw = np.random.default_rng(seed)
    place = int(draw.integers(3))

    def name(key):
        side, _, part = key.partition("_")
        letter = {"left": "l", "right": "r"}.get(side, "")
        words = (part if letter else key).split("_")
        short = "".join(w[0].upper() + "".join(c for c in w[1:] if c not in "aeiou") for w in words)
        return (f"{letter}{short}", f"{short}_{letter.upper() or 'C'}", f"{letter or 'm'}_{short.lower()}_jt")[place]

    return name


def _any_build(draw):
    """A build drawn at random: from a child with a large head to a long-legged adult, with a quarter of the extras."""
    return Build(
        spine=int(draw.integers(1, 8)),
        neck=int(draw.integers(1, 3)),
        clavicles=bool(draw.random() < 0.75),
        toes=bool(draw.random() < 0.75),
        fingers=int(draw.choice([0, 2, 3, 4, 5])),
        palms=bool(draw.random() < 0.3),
        head=float(draw.uniform(0.8, 3.0)),
        legs=float(draw.uniform(0.5, 1.2)),
        arms=float(draw.uniform(0.7, 1.3)),
        droop=float(draw.uniform(-5, 80)),
        turn=float(draw.choice([0, 90, 180, 270, 33])),
        bend=float(draw.choice([0.0, 0.01, 0.03])),
        jitter=float(draw.choice([0.0, 0.002, 0.005])),
        halves=bool(draw.random() < 0.15),
        root=int(draw.integers(0, 3)),
        ends=bool(draw.random() < 0.4),
        extras=tuple(one for one in EXTRAS if draw.random() < 0.25),
    )


def hard(count: int, seed: int = 2026) -> list[Animal]:
    """Bodies of all builds with all sorts of extras, under names in other languages, numbers and abbreviations."""
    draw = np.random.default_rng(seed)
    animals = []
    for n in range(count):
        kind = ("language", "numbers", "abbreviations")[n % 3]
        build = _any_build(draw)
        if not build.toes and build.fingers < 2:
            continue  # nothing then says which side is the front
        if "copies" in build.extras and not (build.toes and build.fingers > 1):
            continue  # nothing then says which of two equal limbs is the body's
        language = str(draw.choice(list(LANGUAGES)))
        name = {"language": foreign(language), "numbers": numbered(n), "abbreviations": terse(n)}[kind]
        animals.append(animal(f"hard: {kind}", build, name, seed=n))
    return animals


def known(count: int, seed: int = 0) -> list[Animal]:
    """Bodies of all builds with all sorts of extras, under names of families that have a data file."""
    draw = np.random.default_rng(seed)
    schemes = (
        scheme("Hips, Spine > Neck > Head", "{s}Shoulder, {s}Arm, {s}ForeArm, {s}Hand, {s}UpLeg, {s}Leg, {s}Foot, "
               "{s}ToeBase", "Left", "Right", lambda s, f, n: f"{s}Hand{_WORDS[f]}{n}"),
        scheme("pelvis, spine_01 > neck_01 > head", "clavicle_{s}, upperarm_{s}, lowerarm_{s}, hand_{s}, thigh_{s}, "
               "calf_{s}, foot_{s}, ball_{s}", "l", "r", lambda s, f, n: f"{_WORDS[f].lower()}_0{n}_{s}"),
        scheme("hips, spine > neck > head", "{s}Shoulder, {s}UpperArm, {s}LowerArm, {s}Hand, {s}UpperLeg, {s}LowerLeg, "
               "{s}Foot, {s}Toes", "left", "right", lambda s, f, n: f"{s}{_WORDS[f]}{n}"),
        scheme("Bip01 Pelvis, Bip01 Spine > Bip01 Neck > Bip01 Head", "Bip01 {s} Clavicle, Bip01 {s} UpperArm, "
               "Bip01 {s} Forearm, Bip01 {s} Hand, Bip01 {s} Thigh, Bip01 {s} Calf, Bip01 {s} Foot, Bip01 {s} Toe0",
               "L", "R", lambda s, f, n: f"Bip01 {s} Finger{f}{n - 1 or ''}"),
    )  # fmt: skip
    animals = []
    for number in range(count):
        words = schemes[number % len(schemes)]

        def name(key, words=words):
            chain, _, n = key.rpartition("_")
            if chain in ("spine", "neck") and int(n) > 1:
                return f"{words(f'{chain}_1').rstrip('01')}{n}"
            called = words(key)
            if called is not None:
                return called
            side, _, part = key.partition("_")
            return f"{part}.{side[0].upper()}" if side in _SIDES else key

        animals.append(animal("known names, other bones", _any_build(draw), name, seed=number))
    return animals


def public(family: str) -> Animal:
    """The skeleton of a public scheme: a standing body with the joints that it names."""
    name = PUBLIC[family]
    fingers = 5 if name("left_index_1") else 0
    return animal(family, Build(spine=name.spine, neck=name.neck, clavicles=name.clavicles, toes=name.toes,
                                fingers=fingers), name)  # fmt: skip
