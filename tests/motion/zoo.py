"""Skeletons whose bones' roles are known exactly: public naming schemes, and bodies grown with more, fewer and other
bones than usual.

The names of each scheme are facts about the program or data set that it is called after; where they were read is said
beside it. Nothing here is known to graphics_ml/motion/bone_maps.
"""

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
    return {key: (parent, about @ place) for key, (parent, place) in bones.items()}


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
        bones[f"{side}_{part}"] = (above, shoulder + build.arms * along * out)
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
        place = at[f"left_{part}"] * [sign, build.legs, build.legs]
        bones[f"{side}_{part}"] = (above, place)
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


def _strand(bones, key, parent, start, step, count):
    place, above = _moved(bones[parent][1], *start), parent
    for n in range(1, count + 1):
        bones[f"{key}_{n}"] = (above, place)
        place, above = _moved(place, *step), f"{key}_{n}"


EXTRAS = {"twists": _twists, "iks": _iks, "physics": _physics, "tail": _tail, "wings": _wings, "weapon": _weapon,
          "face": _face}  # fmt: skip


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


def public(family: str) -> Animal:
    """The skeleton of a public scheme: a standing body with the joints that it names."""
    name = PUBLIC[family]
    fingers = 5 if name("left_index_1") else 0
    return animal(family, Build(spine=name.spine, neck=name.neck, clavicles=name.clavicles, toes=name.toes,
                                fingers=fingers), name)  # fmt: skip
