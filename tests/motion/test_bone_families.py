"""The bone maps that come as data files: each is whole, and is known again under prefixes and other spellings."""

import tomllib
from importlib.resources import files

import pytest

from graphics_ml.motion.bone_families import family_of, known_families
from graphics_ml.motion.bone_map import UnrecognisedBodyError, recognize
from graphics_ml.motion.humanoid import FINGERS, REQUIRED_ROLES
from tests.motion.test_bone_map import build

FILES = {
    file.name.removesuffix(".toml"): tomllib.loads(file.read_text(encoding="utf-8"))
    for file in files("graphics_ml.motion").joinpath("bone_maps").iterdir()
    if file.name.endswith(".toml")
}
CASES = [(name, words) for name, content in sorted(FILES.items()) for words in map(tuple, content["sides"])]
# Names that are another family's too, but for joints which that one has more of.
ALIKE = {"HumanML3D": {"SMPL", "SMPL-H"}, "SMPL": {"HumanML3D"}, "SMPL-X": {"SMPL-H"}}


def names_of(file, words, choice=0):
    """Role to name as the file says; of names that stand for each other the one numbered `choice`, or the last."""

    def say(name, word=""):
        options = name.replace("{side}", word).split(" | ")
        return options[min(choice, len(options) - 1)]

    content, names = FILES[file], {}
    spine = [say(name) for name in content["spine"]]
    picks = spine if len(spine) <= 3 else [spine[0], spine[len(spine) // 2], spine[-1]]
    names.update(zip(("spine", "chest", "upper_chest"), picks, strict=False))
    names |= {"hips": say(content["hips"]), "neck": say(content["neck"][0]), "head": say(content["head"])}
    for side, word in zip(("left", "right"), words, strict=True):
        for part, name in content.items():
            if part in FINGERS:
                names |= {f"{side}_{part}_{n}": say(one, word) for n, one in enumerate(name, start=1)}
            elif isinstance(name, str) and "{side}" in name:
                names[f"{side}_{part}"] = say(name, word)
    return names


@pytest.mark.parametrize("choice", [0, 1])
@pytest.mark.parametrize(("file", "words"), CASES)
def test_every_joint_that_a_file_names_gets_its_role(file, words, choice):
    names = names_of(file, words, choice)
    skeleton = build(names)
    found = recognize(skeleton)
    assert found.roles == names
    assert min(found.confidence[role] for role in REQUIRED_ROLES) > 0.9
    family = FILES[file]["name"]
    assert family_of(skeleton) in {family, *ALIKE.get(family, ())}


@pytest.mark.parametrize(
    "spelling",
    [
        lambda name: f"Armature|mixamorig7:{name}",
        lambda name: f"hero:rig:{name}",
        lambda name: f"Bob_{name}",
        lambda name: f"{name}_jnt",
        lambda name: f"{name}_JNT_bind",
        lambda name: name.upper(),
        lambda name: name.replace(".", "_").replace(" ", "_"),
        lambda name: name.replace("_", "").replace(".", "-"),
    ],
)
@pytest.mark.parametrize(("file", "words"), CASES)
def test_prefixes_case_and_punctuation_do_not_hide_a_family(file, words, spelling):
    names = {role: spelling(name) for role, name in names_of(file, words).items()}
    if len(set(names.values())) == len(names):  # SMPL-X's short names are one without punctuation
        assert recognize(build(names)).roles == names


def test_of_every_family_all_limbs_are_named():
    for file, words in CASES:
        assert set(REQUIRED_ROLES) <= set(names_of(file, words)), file
    assert len(known_families()) == len(FILES)


def test_a_skeleton_of_its_own_has_no_family():
    names = names_of("mixamo", ("Left", "Right"))
    assert family_of(build({role: f"Bone.{n:03d}" for n, role in enumerate(names)})) is None


def test_names_whose_joints_do_not_hang_together_are_no_family():
    names = names_of("mixamo", ("Left", "Right"))
    names["left_thigh"], names["left_shin"] = names["left_shin"], names["left_thigh"]
    assert family_of(build(names)) is None


def test_joints_beside_the_family_are_still_told_by_their_names():
    names = names_of("lafan1", ("Left", "Right"))
    fingers = {f"left_index_{n}": f"LeftIndexFinger{n}" for n in (1, 2, 3)}
    found = recognize(build(names | fingers))
    assert {role: found.roles.get(role) for role in fingers} == fingers
    assert found.confidence["left_index_1"] < 0.5 < found.confidence["left_hand"]


def test_a_family_that_is_asked_for_is_read_where_another_fits_better():
    names = names_of("smplh", ("left", "right"))
    body = {role: name for role, name in names.items() if not any(finger in role for finger in FINGERS)}
    skeleton = build(body)
    for family in ("SMPL", "SMPL-H"):
        found = recognize(skeleton, family=family)
        assert {role: found.roles.get(role) for role in REQUIRED_ROLES} == {r: body[r] for r in REQUIRED_ROLES}
    with pytest.raises(UnrecognisedBodyError, match="not named as those of Mixamo"):
        recognize(skeleton, family="Mixamo")
