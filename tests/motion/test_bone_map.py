"""Bone maps: names of many conventions, shapes without names."""

import numpy as np
import pytest

from graphics_ml.formats import load
from graphics_ml.motion.bone_map import (
    BoneMap,
    UnrecognisedBodyError,
    facing,
    missing_roles,
    recognize,
    require_roles,
)
from graphics_ml.motion.humanoid import (
    BODY_ROLES,
    FINGER_ROLES,
    REQUIRED_ROLES,
    ROLE_PARENT,
    ROLES,
    mirrored,
    standard_skeleton,
)
from graphics_ml.motion.rotations import rotate
from graphics_ml.motion.skeleton import EndSite, Skeleton

# Where fingers start and go, of a left hand in T-pose: (along, ahead) at the knuckle, parts of the body height.
_KNUCKLES = {
    "thumb": (0.015, 0.018),
    "index": (0.055, 0.014),
    "middle": (0.056, 0.004),
    "ring": (0.053, -0.006),
    "pinky": (0.049, -0.015),
}


def body_places():
    """Role to place of a T-posed body with fingers, 1.7 m."""
    standard = standard_skeleton()
    places = dict(zip(standard.names, standard.rest_positions(), strict=True))
    for role in FINGER_ROLES:
        side, finger, number = role.split("_")
        sign = 1 if side == "left" else -1
        along, ahead = _KNUCKLES[finger]
        step = (0.014, 0.012) if finger == "thumb" else (0.018, 0.0)
        n = int(number) - 1
        offset = np.array([sign * (along + n * step[0]), 0, ahead + n * step[1]]) * 1.7
        places[role] = places[f"{side}_hand"] + offset
    return places


def build(names, extra=(), places=None, seed=None):
    """A skeleton of roles called `names` (role to name; roles left out have no joint), with extra bones
    (name, parent name, offset from the parent), in an order drawn by `seed` where that is given."""
    places = body_places() if places is None else places
    parents, spots = {}, {}
    for role, name in names.items():
        up = ROLE_PARENT[role]
        while up is not None and up not in names:
            up = ROLE_PARENT[up]
        parents[name], spots[name] = names.get(up), places[role]
    for name, parent, offset in extra:
        parents[name], spots[name] = parent, spots[parent] + np.asarray(offset, dtype=float)
    order = _tree_order(parents, seed)
    index = {name: i for i, name in enumerate(order)}
    offsets = [spots[n] - spots[parents[n]] if parents[n] else spots[n] for n in order]
    leaves = [n for n in order if n not in parents.values()]
    ends = tuple(EndSite(index[n], 0.4 * offsets[index[n]]) for n in leaves)
    return Skeleton(order, [index[parents[n]] if parents[n] else -1 for n in order], offsets, end_sites=ends)


def _tree_order(parents, seed):
    draw = np.random.default_rng(seed)
    order, ready = [], [name for name, parent in parents.items() if parent is None]
    while ready:
        name = ready.pop(draw.integers(len(ready)) if seed is not None else 0)
        order.append(name)
        ready.extend(child for child, parent in parents.items() if parent == name)
    return tuple(order)


def sided(pattern, left="left", right="right"):
    """Both sides of role parts to names: {s} stands for the side's word."""
    return {f"{role_side}_{part}": name.format(s=word)
            for role_side, word in (("left", left), ("right", right)) for part, name in pattern.items()}  # fmt: skip


def fingers(pattern, words=("Thumb", "Index", "Middle", "Ring", "Pinky"), numbers=(1, 2, 3)):
    return {f"{finger}_{n + 1}": pattern.format(s="{s}", f=word, n=numbers[n])
            for finger, word in zip(_KNUCKLES, words, strict=True) for n in range(3)}  # fmt: skip


LIMBS = ("shoulder", "upper_arm", "forearm", "hand", "thigh", "shin", "foot", "toes")


def limbs(*names):
    return {part: name for part, name in zip(LIMBS, names, strict=True) if name}


CONVENTIONS = {
    "Mixamo": (
        {"hips": "mixamorig:Hips", "spine": "mixamorig:Spine", "chest": "mixamorig:Spine1",
         "upper_chest": "mixamorig:Spine2", "neck": "mixamorig:Neck", "head": "mixamorig:Head",
         **sided({**limbs(*(f"mixamorig:{{s}}{w}" for w in (
             "Shoulder", "Arm", "ForeArm", "Hand", "UpLeg", "Leg", "Foot", "ToeBase"))),
             **fingers("mixamorig:{s}Hand{f}{n}")}, "Left", "Right")},
        [("mixamorig:HeadTop_End", "mixamorig:Head", (0, 0.2, 0)),
         ("mixamorig:LeftHandIndex4", "mixamorig:LeftHandIndex3", (0.02, 0, 0)),
         ("mixamorig:LeftToe_End", "mixamorig:LeftToeBase", (0, 0, 0.05))],
    ),
    "LAFAN1": (
        {"hips": "Hips", "spine": "Spine", "chest": "Spine1", "upper_chest": "Spine2", "neck": "Neck", "head": "Head",
         **sided(limbs("{s}Shoulder", "{s}Arm", "{s}ForeArm", "{s}Hand", "{s}UpLeg", "{s}Leg", "{s}Foot", "{s}Toe"),
                 "Left", "Right")}, [],
    ),
    "Unreal": (
        {"hips": "pelvis", "spine": "spine_01", "chest": "spine_02", "upper_chest": "spine_03", "neck": "neck_01",
         "head": "head",
         **sided({**limbs("clavicle_{s}", "upperarm_{s}", "lowerarm_{s}", "hand_{s}", "thigh_{s}", "calf_{s}",
                          "foot_{s}", "ball_{s}"),
                  **fingers("{f}_0{n}_{s}", ("thumb", "index", "middle", "ring", "pinky"))}, "l", "r")},
        [("upperarm_twist_01_l", "upperarm_l", (0.15, 0, 0)), ("lowerarm_twist_01_l", "lowerarm_l", (0.1, 0, 0)),
         ("thigh_twist_01_r", "thigh_r", (0, -0.2, 0)), ("ik_foot_root", "pelvis", (0, -0.9, 0)),
         ("ik_foot_l", "ik_foot_root", (0.1, 0.05, 0)), ("ik_hand_gun", "pelvis", (0, 0.1, 0))],
    ),
    "VRM": (
        {"hips": "J_Bip_C_Hips", "spine": "J_Bip_C_Spine", "chest": "J_Bip_C_Chest", "upper_chest":
         "J_Bip_C_UpperChest", "neck": "J_Bip_C_Neck", "head": "J_Bip_C_Head",
         **sided({**limbs(*(f"J_Bip_{{s}}_{w}" for w in (
             "Shoulder", "UpperArm", "LowerArm", "Hand", "UpperLeg", "LowerLeg", "Foot", "ToeBase"))),
             **fingers("J_Bip_{s}_{f}{n}", ("Thumb", "Index", "Middle", "Ring", "Little"))}, "L", "R")},
        [("J_Sec_L_Bust1", "J_Bip_C_UpperChest", (0.05, 0, 0.1)), ("J_Adj_L_FaceEye", "J_Bip_C_Head", (0.03, 0.05, 0)),
         ("J_Sec_Hair1_01", "J_Bip_C_Head", (0, 0.1, -0.1)), ("J_Sec_Hair2_01", "J_Sec_Hair1_01", (0, -0.1, 0))],
    ),
    "Biped": (
        {"hips": "Bip01 Pelvis", "spine": "Bip01 Spine", "chest": "Bip01 Spine1", "upper_chest": "Bip01 Spine2",
         "neck": "Bip01 Neck", "head": "Bip01 Head",
         **sided({**limbs("Bip01 {s} Clavicle", "Bip01 {s} UpperArm", "Bip01 {s} Forearm", "Bip01 {s} Hand",
                          "Bip01 {s} Thigh", "Bip01 {s} Calf", "Bip01 {s} Foot", "Bip01 {s} Toe0"),
                  **{f"{finger}_{n + 1}": f"Bip01 {{s}} Finger{i}{n or ''}"
                     for i, finger in enumerate(_KNUCKLES) for n in range(3)}}, "L", "R")},
        [("Bip01 L Finger0Nub", "Bip01 L Finger02", (0.02, 0, 0)), ("Bip01 HeadNub", "Bip01 Head", (0, 0.2, 0))],
    ),
    "Rigify metarig": (
        {"hips": "spine", "spine": "spine.001", "chest": "spine.002", "upper_chest": "spine.003", "neck": "spine.004",
         "head": "spine.006",
         **sided({**limbs("shoulder.{s}", "upper_arm.{s}", "forearm.{s}", "hand.{s}", "thigh.{s}", "shin.{s}",
                          "foot.{s}", "toe.{s}"),
                  **{f"{f}_{n}": f"{'' if f == 'thumb' else 'f_'}{f}.0{n}.{{s}}" for f in _KNUCKLES
                     for n in (1, 2, 3)}}, "L", "R")},
        [("pelvis.L", "spine", (0.1, 0.1, 0)), ("pelvis.R", "spine", (-0.1, 0.1, 0)),
         ("breast.L", "spine.003", (0.1, 0, 0.1)), ("heel.02.L", "foot.L", (0, -0.05, -0.05)),
         ("palm.01.L", "hand.L", (0.03, 0, 0.02)), ("face", "spine.006", (0, 0.05, 0.05)),
         ("forehead.L", "face", (0.02, 0.1, 0.02)), ("lip.T.L", "face", (0.01, 0, 0.1))],
    ),
    "Rigify deform": (
        {"hips": "DEF-spine", "spine": "DEF-spine.001", "chest": "DEF-spine.002", "upper_chest": "DEF-spine.003",
         "neck": "DEF-spine.004", "head": "DEF-spine.006",
         **sided(limbs("DEF-shoulder.{s}", "DEF-upper_arm.{s}", "DEF-forearm.{s}", "DEF-hand.{s}", "DEF-thigh.{s}",
                       "DEF-shin.{s}", "DEF-foot.{s}", "DEF-toe.{s}"), "L", "R")},
        [("MCH-upper_arm_ik.L", "DEF-shoulder.L", (0.1, 0, 0)), ("ORG-upper_arm.L", "DEF-shoulder.L", (0.1, 0, 0)),
         ("ORG-forearm.L", "ORG-upper_arm.L", (0.3, 0, 0)), ("ORG-hand.L", "ORG-forearm.L", (0.25, 0, 0)),
         ("upper_arm_tweak.L", "DEF-shoulder.L", (0.1, 0, 0))],
    ),
    "Auto-Rig Pro": (
        {"hips": "root.x", "spine": "spine_01.x", "chest": "spine_02.x", "neck": "neck.x", "head": "head.x",
         **sided({**limbs("shoulder.{s}", "arm_stretch.{s}", "forearm_stretch.{s}", "hand.{s}", "thigh_stretch.{s}",
                          "leg_stretch.{s}", "foot.{s}", "toes_01.{s}"),
                  **fingers("{f}{n}.{s}", ("thumb", "index", "middle", "ring", "pinky"))}, "l", "r")},
        [("arm_twist.l", "shoulder.l", (0.1, 0, 0)), ("leg_twist.r", "thigh_stretch.r", (0, -0.4, 0)),
         ("index1_base.l", "hand.l", (0.03, 0, 0.02))],
    ),
    "SMPL": (
        {"hips": "pelvis", "spine": "spine1", "chest": "spine2", "upper_chest": "spine3", "neck": "neck",
         "head": "head",
         **sided(limbs("{s}_collar", "{s}_shoulder", "{s}_elbow", "{s}_wrist", "{s}_hip", "{s}_knee", "{s}_ankle",
                       "{s}_foot"))},
        [("left_hand", "left_wrist", (0.08, 0, 0)), ("right_hand", "right_wrist", (-0.08, 0, 0))],
    ),
    "CMU": (
        {"hips": "Hips", "spine": "LowerBack", "chest": "Spine", "upper_chest": "Spine1", "neck": "Neck",
         "head": "Head",
         **sided(limbs("{s}Shoulder", "{s}Arm", "{s}ForeArm", "{s}Hand", "{s}UpLeg", "{s}Leg", "{s}Foot", "{s}ToeBase"),
                 "Left", "Right")},
        [("LeftFingerBase", "LeftHand", (0.08, 0, 0)), ("LThumb", "LeftHand", (0.02, 0, 0.02)),
         ("LeftHandIndex1", "LeftFingerBase", (0.03, 0, 0))],
    ),
    "clavicle and elbow": (
        {"hips": "Hips", "chest": "Chest", "neck": "Neck", "head": "Head",
         **sided(limbs("{s}Collar", "{s}Shoulder", "{s}Elbow", "{s}Wrist", "{s}Hip", "{s}Knee", "{s}Ankle", "{s}Toe"),
                 "Left", "Right")}, [],
    ),
    "shoulder is the arm": (
        {"hips": "Hips", "chest": "Chest", "neck": "Neck", "head": "Head",
         **sided(limbs("", "{s}Shoulder", "{s}Elbow", "{s}Wrist", "{s}Leg", "{s}Knee", "{s}Ankle", ""),
                 "Left", "Right")}, [],
    ),
    "Bandai Namco": (
        {"hips": "Hips", "spine": "Spine", "chest": "Chest", "neck": "Neck", "head": "Head",
         **sided(limbs("Shoulder_{s}", "UpperArm_{s}", "LowerArm_{s}", "Hand_{s}", "UpperLeg_{s}", "LowerLeg_{s}",
                       "Foot_{s}", "Toes_{s}"), "L", "R")}, [],
    ),
    "DAZ": (
        {"hips": "hip", "spine": "abdomenLower", "chest": "abdomenUpper", "upper_chest": "chestLower",
         "neck": "neckLower", "head": "head",
         **sided({**limbs("{s}Collar", "{s}ShldrBend", "{s}ForearmBend", "{s}Hand", "{s}ThighBend", "{s}Shin",
                          "{s}Foot", "{s}Toe"),
                  **fingers("{s}{f}{n}", ("Thumb", "Index", "Mid", "Ring", "Pinky"))}, "l", "r")},
        [("lCarpal1", "lHand", (0.03, 0, 0.02)), ("upperTeeth", "head", (0, 0.03, 0.08))],
    ),
    "misspelt": (
        {"hips": "Pelvis", "spine": "Spine", "chest": "Chest", "neck": "Neck", "head": "Head",
         **sided(limbs("clavical.{s}", "uperarm.{s}", "forarm.{s}", "hand.{s}", "thigh.{s}", "shin.{s}", "foot.{s}",
                       "toes.{s}"), "l", "r")}, [],
    ),
    "our own": (
        {role: role if "_" not in role or role == "upper_chest"
         else f"{role.partition('_')[2]}.{role[0].upper()}" for role in ROLES},
        [("hair.L", "head", (0.05, 0.1, 0)), ("upper_arm_twist.L", "upper_arm.L", (0.1, 0, 0))],
    ),
}  # fmt: skip


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_every_joint_of_a_known_convention_is_recognised(convention):
    names, extra = CONVENTIONS[convention]
    found = recognize(build(names, extra))
    wrong = {role: (name, found.roles.get(role)) for role, name in names.items() if found.roles.get(role) != name}
    # One spine joint alone may be called spine or chest.
    if "spine" not in names:
        wrong.pop("chest", None)
    assert not wrong
    assert min(found.confidence[role] for role in REQUIRED_ROLES) >= 0.5


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_helper_and_twist_bones_get_no_role(convention):
    names, extra = CONVENTIONS[convention]
    found = recognize(build(names, extra))
    helpers = {name for name, _, _ in extra} - {"LThumb", "LeftHandIndex1"}
    assert not helpers & set(found.roles.values())


def test_the_map_does_not_depend_on_the_order_of_joints():
    names, extra = CONVENTIONS["Unreal"]
    expected = recognize(build(names, extra)).roles
    for seed in range(5):
        assert recognize(build(names, extra, seed=seed)).roles == expected


def nameless(seed, roles=ROLES, places=None):
    draw = np.random.default_rng(seed)
    numbers = draw.permutation(len(roles))
    names = {role: f"Bone.{n:03d}" for role, n in zip(roles, numbers, strict=True)}
    return names, build(names, places=places, seed=seed)


@pytest.mark.parametrize("roles", [ROLES, BODY_ROLES], ids=["with fingers", "without fingers"])
def test_a_body_without_names_is_recognised_by_its_shape(roles):
    right = total = 0
    for seed in range(6):
        names, skeleton = nameless(seed, roles)
        found = recognize(skeleton)
        right += sum(found.roles.get(role) == name for role, name in names.items() if role in BODY_ROLES)
        total += len(BODY_ROLES)
        assert not missing_roles(found)
        assert all(found.confidence[role] < 0.8 for role in REQUIRED_ROLES if role in found.roles and role != "hips")
        assert found.notes
    assert right / total >= 0.99


@pytest.mark.parametrize("droop", [0, 25, 45, 70])
def test_shape_tells_the_limbs_in_t_and_a_poses_and_other_directions(droop):
    for turn in (0, 90, 180, 37):
        names, skeleton = nameless(droop, ROLES, posed(body_places(), droop, turn))
        found = recognize(skeleton)
        assert {r: found.roles.get(r) for r in REQUIRED_ROLES} == {r: names[r] for r in REQUIRED_ROLES}


def posed(places, droop, turn):
    """Arms lowered by `droop` degrees, then the whole body turned about the vertical."""
    c, s = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    about_y = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    result = {}
    for role, place in places.items():
        side = 1 if role.startswith("left") else -1
        if any(part in role for part in ("upper_arm", "forearm", "hand")) or role in FINGER_ROLES:
            shoulder = places["left_upper_arm" if side > 0 else "right_upper_arm"]
            a = -side * np.radians(droop)
            about_z = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
            place = shoulder + about_z @ (place - shoulder)
        result[role] = about_y @ place
    return result


def test_extra_chains_do_not_confuse_a_body_without_names():
    names, _ = nameless(3)
    extra = []
    for n, (side, x) in enumerate((("a", 0.12), ("b", -0.12))):  # two coat tails and a hair strand each
        for k in range(4):
            extra.append((f"x{n}{k}", names["hips"] if k == 0 else f"x{n}{k - 1}", (x if k == 0 else 0, -0.12, -0.05)))
            extra.append((f"h{side}{k}", names["head"] if k == 0 else f"h{side}{k - 1}", (x / 2, -0.06, -0.05)))
    found = recognize(build(names, extra))
    assert {r: found.roles.get(r) for r in REQUIRED_ROLES} == {r: names[r] for r in REQUIRED_ROLES}


def test_foreign_words_with_sides_are_settled_by_shape():
    words = dict(shoulder="Schluesselbein", upper_arm="Oberarm", forearm="Unterarm", hand="Handgelenk",
                 thigh="Oberschenkel", shin="Unterschenkel", foot="Fuss", toes="Zehen")  # fmt: skip
    names = {"hips": "Becken", "spine": "Wirbel", "chest": "Brust", "neck": "Hals", "head": "Kopf",
             **sided({part: word + "_{s}" for part, word in words.items()}, "L", "R")}  # fmt: skip
    found = recognize(build(names))
    assert {r: found.roles.get(r) for r in REQUIRED_ROLES} == {r: names[r] for r in REQUIRED_ROLES}


def test_sides_named_the_wrong_way_round_are_said():
    names = dict(CONVENTIONS["LAFAN1"][0])
    swapped = {mirrored(role): name for role, name in names.items()}
    found = recognize(build(swapped))
    assert any("left" in note and "right" in note for note in found.notes)
    assert found.confidence["left_thigh"] < 0.7


def test_deform_bones_are_preferred_to_bones_of_the_same_name():
    names = CONVENTIONS["our own"][0]
    extra = [("thigh_l", "hips", (0.09, 0, 0)), ("shin_l", "thigh_l", (0, -0.4, 0)), ("foot_l", "shin_l", (0, -0.4, 0))]
    skeleton = build(names, extra)
    deform = [name not in ("thigh_l", "shin_l", "foot_l") for name in skeleton.names]
    found = recognize(skeleton, deform)
    assert (found.roles["left_thigh"], found.roles["left_shin"]) == ("thigh.L", "shin.L")
    other = recognize(skeleton, [not d or "." not in n for d, n in zip(deform, skeleton.names, strict=True)])
    assert other.roles["left_thigh"] == "thigh_l"


def test_a_chair_has_no_limbs_and_the_error_says_what_to_do():
    chair = Skeleton(
        ("seat", "back", "leg_fl", "leg_fr"), (-1, 0, 0, 0), [(0, 0.5, 0), (0, 0.4, 0), (1, 0, 1), (-1, 0, 1)]
    )
    found = recognize(chair)
    assert set(missing_roles(found)) >= {"left_forearm", "right_shin", "left_hand"}
    with pytest.raises(UnrecognisedBodyError, match=r"chair\.glb.*4 bones.*no limbs.*two arms.*--map") as caught:
        require_roles(found, chair, "chair.glb")
    assert "\n" not in str(caught.value)


def test_limbs_that_a_map_lacks_are_named():
    names = {role: name for role, name in CONVENTIONS["LAFAN1"][0].items() if not role.endswith("upper_arm")}
    skeleton = build(CONVENTIONS["LAFAN1"][0])
    del names["left_foot"]
    with pytest.raises(UnrecognisedBodyError, match="no recognisable left and right upper arm, left foot; give"):
        require_roles(BoneMap(names), skeleton, "rig.fbx")


def test_a_map_whose_limbs_do_not_hang_together_is_refused():
    names = dict(CONVENTIONS["LAFAN1"][0])
    skeleton = build(names)
    names["left_shin"], names["right_shin"] = names["right_shin"], names["left_shin"]
    with pytest.raises(UnrecognisedBodyError, match=r"'RightLeg' as left_shin.*below 'LeftUpLeg'"):
        require_roles(BoneMap(names), skeleton, "rig.fbx")


def test_a_single_joint_is_no_body():
    assert missing_roles(recognize(Skeleton(("Bone",), (-1,), [(0, 0, 0)]))) == REQUIRED_ROLES


def test_without_left_and_right_limbs_nothing_faces_anywhere():
    column = Skeleton(("foot", "top"), (-1, 0), np.array([[0.0, 0, 0], [0, 1, 0]]))
    with pytest.raises(UnrecognisedBodyError, match="nothing says where the body faces"):
        facing(column, BoneMap({}, {}))


@pytest.mark.parametrize("turn", [0, 90, 180, -63])
def test_facing_turns_the_character_to_face_plus_z(turn):
    places = posed(body_places(), 0, turn)
    names = CONVENTIONS["our own"][0]
    skeleton = build(names, places=places)
    q = facing(skeleton, BoneMap(names))
    toes = rotate(q, places["left_toes"] - places["left_foot"])
    assert toes[2] > 0 and abs(toes[0]) < 1e-9
    left = rotate(q, places["left_thigh"] - places["right_thigh"])
    assert left[0] > 0 and abs(left[2]) < 1e-9


CMU = {"hips": "root", "spine": "lowerback", "chest": "upperback", "upper_chest": "thorax", "neck": "lowerneck",
       "head": "head", **sided(limbs("{s}clavicle", "{s}humerus", "{s}radius", "{s}wrist", "{s}femur", "{s}tibia",
                                     "{s}foot", "{s}toes"), "l", "r")}  # fmt: skip


@pytest.mark.parametrize(
    ("family", "truth"),
    [("cmu", CMU), ("bandai1", CONVENTIONS["Bandai Namco"][0]), ("mixamo-pairs", CONVENTIONS["LAFAN1"][0])],
)
def test_real_files_are_recognised(clips, family, truth):
    right = total = 0
    for path in clips(family)[:: 60 if family == "bandai1" else 1]:
        if family == "cmu" and path.stat().st_size > 1_000_000:
            continue
        found = recognize(load(path).skeleton)
        for role in BODY_ROLES:
            if role in truth:
                name = found.roles.get(role, "").rpartition(":")[2]
                right += name.removesuffix("Base") == truth[role].removesuffix("Base")
                total += 1
    assert total > 40
    assert right / total >= 0.99


@pytest.mark.parametrize(("family", "standing"), [("cmu", False), ("bandai1", True), ("mixamo-pairs", False)])
def test_real_skeletons_without_their_names_are_recognised(clips, family, standing):
    """The names are taken away: only required roles count, for a clavicle or a second neck joint has no shape."""
    right = total = 0
    paths = [p for p in clips(family) if p.stat().st_size < 6_000_000]
    for path in paths[:: max(1, len(paths) // 4)]:
        motion = load(path)
        truth = recognize(motion.skeleton)
        anonymous = motion.skeleton.replace(names=tuple(f"b{i}" for i in range(len(motion.skeleton))))
        found = recognize(anonymous, positions=motion.positions()[0] if standing else None)
        for role in REQUIRED_ROLES:
            right += role in found.roles and anonymous.index(found.roles[role]) == motion.skeleton.index(
                truth.roles[role]
            )
            total += 1
    assert right / total >= 0.99
