"""Bone maps of rigs as Blender loads them: the shared ones, and Rigify's."""

import bpy
import pytest

from graphics_ml.blender.armature import skeleton_from_armature
from graphics_ml.blender.characters import BONES, Character, body_skeleton
from graphics_ml.blender.rigify import drive_skeleton
from graphics_ml.blender.rigs import load_rig
from graphics_ml.blender.scene import ours_from_blender
from graphics_ml.motion.bone_map import missing_roles, recognize
from graphics_ml.motion.humanoid import REQUIRED_ROLES
from graphics_ml.motion.skeleton import Skeleton

GENO = {
    "hips": "Hips", "spine": "Spine", "upper_chest": "Spine3", "neck": "Neck", "head": "Head",
    **{f"{side}_{part}": side.title() + name for side in ("left", "right") for part, name in {
        "shoulder": "Shoulder", "upper_arm": "Arm", "forearm": "ForeArm", "hand": "Hand", "thigh": "UpLeg",
        "shin": "Leg", "foot": "Foot", "toes": "ToeBase",
        **{f"{f}_{n}": f"Hand{f.title()}{n}" for f in ("thumb", "index", "middle", "ring", "pinky") for n in (1, 2, 3)},
    }.items()},
}  # fmt: skip
KNIGHT = {
    "hips": "hips", "spine": "spine", "chest": "chest", "head": "head",
    **{f"{side}_{part}": f"{name}.{side[0]}" for side in ("left", "right") for part, name in {
        "upper_arm": "upperarm", "forearm": "lowerarm", "hand": "wrist", "thigh": "upperleg", "shin": "lowerleg",
        "foot": "foot", "toes": "toes",
    }.items()},
}  # fmt: skip


@pytest.mark.parametrize(("file", "truth"), [("Geno.fbx", GENO), ("Knight.glb", KNIGHT)])
def test_rigs_are_recognised_by_name(test_data, file, truth):
    found = recognize(skeleton_from_armature(load_rig(test_data / "rigs" / file)))
    assert {role: found.roles.get(role) for role in truth} == truth
    assert not any("IK" in name or "control" in name or name.endswith("End") for name in found.roles.values())
    assert min(found.confidence[role] for role in REQUIRED_ROLES) > 0.7


@pytest.mark.parametrize(("file", "truth"), [("Geno.fbx", GENO), ("Knight.glb", KNIGHT)])
def test_rigs_are_recognised_by_shape_alone(test_data, file, truth):
    skeleton = skeleton_from_armature(load_rig(test_data / "rigs" / file))
    nameless = skeleton.replace(names=tuple(f"Bone.{i:03d}" for i in range(len(skeleton))))
    found = recognize(nameless)
    for role in REQUIRED_ROLES:
        assert skeleton.names[nameless.index(found.roles[role])] == truth[role], role


@pytest.mark.parametrize(
    ("height", "masculinity", "mass"), [(1.55, 0, 19), (1.65, 0.5, 32), (1.8, 1, 22), (1.95, 1, 35)]
)
@pytest.mark.parametrize("named", [True, False], ids=["by name", "by shape"])
def test_our_own_character_is_recognised_at_every_build(height, masculinity, mass, named):
    bones = body_skeleton(Character(height=height, masculinity=masculinity, body_mass_index=mass))
    names, above = zip(*BONES, strict=True)
    heads = {name: ours_from_blender(head) for name, (head, _) in bones.items()}
    offsets = [heads[name] - (heads[up] if up else 0) for name, up in BONES]
    called = names if named else tuple(f"Bone.{n:03d}" for n in range(len(names)))
    skeleton = Skeleton(called, [names.index(up) if up else -1 for up in above], offsets)
    found = {role: names[skeleton.index(one)] for role, one in recognize(skeleton).roles.items()}
    for role in REQUIRED_ROLES:
        side, _, part = role.partition("_")
        assert found[role] == (f"{part}.{side[0].upper()}" if part else role)


@pytest.fixture
def metarig():
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.preferences.addon_enable(module="rigify")
    bpy.ops.object.armature_human_metarig_add()
    yield bpy.context.object
    bpy.ops.preferences.addon_disable(module="rigify")


RIGIFY = {
    "hips": "spine", "spine": "spine.001", "chest": "spine.002", "upper_chest": "spine.003", "neck": "spine.004",
    "head": "spine.006",
    **{f"{side}_{part}": f"{name}.{side[0].upper()}" for side in ("left", "right") for part, name in {
        "shoulder": "shoulder", "upper_arm": "upper_arm", "forearm": "forearm", "hand": "hand", "thigh": "thigh",
        "shin": "shin", "foot": "foot", "toes": "toe", "index_1": "f_index.01", "thumb_3": "thumb.03",
    }.items()},
}  # fmt: skip


def test_a_rigify_metarig_is_recognised(metarig):
    found = recognize(skeleton_from_armature(metarig))
    assert {role: found.roles.get(role) for role in RIGIFY} == RIGIFY


def test_a_generated_rigify_rig_is_recognised_by_the_bones_that_drive_it(metarig):
    bpy.ops.pose.rigify_generate()
    skeleton, _ = drive_skeleton(bpy.context.object)
    found = recognize(skeleton)
    assert not missing_roles(found)
    drivers = {role: f"DEF-{name}" for role, name in RIGIFY.items() if f"DEF-{name}" in skeleton.names}
    assert set(drivers) >= set(REQUIRED_ROLES)
    assert {role: found.roles.get(role) for role in drivers} == drivers
