"""How many of the body's bones are mapped right without a map, by kind of skeleton.

Files of the folder that GRAPHICS_ML_TEST_DATA names, our own character at four builds, a rig that Rigify generates,
public naming schemes that no data file holds, and grown bodies: known names with other bones, and names that say
nothing. The truth of files is written here by hand, of the others it is exact. `hard` bodies come from seeds on which
nothing was tried while the recogniser was made.
"""

import os
import tempfile
from collections import defaultdict
from importlib.util import find_spec
from pathlib import Path

from graphics_ml import formats
from graphics_ml.errors import GraphicsMLError
from graphics_ml.motion.bone_map import recognize
from tests.archives import unpack
from tests.motion.test_bone_families import names_of
from tests.motion.zoo import PUBLIC, Animal, count_right, hard, known, public

# Archive or file to the family whose names its joints bear, and the words for its sides.
FILES = {
    "motion/cmu.tar.xz": ("cmu", ("l", "r")),
    "motion/bandai1.tar.xz": ("bandai_namco", ("L", "R")),
    "motion/bandai2-subset.tar.xz": ("bandai_namco", ("L", "R")),
    "motion/mixamo-pairs.tar.xz": ("mixamo", ("Left", "Right")),
    "motion/asf/11_01.amc": ("cmu", ("l", "r")),
    "motion/amass_sample.npz": ("smplh", ("left", "right")),
    "motion/humanml3d_000612.npy": ("humanml3d", ("left", "right")),
    "motion/soma_text_prompt.npz": ("soma", ("Left", "Right")),
    "motion/ortiz_situp.fbx": ("mixamo", ("Left", "Right")),
    "rigs/Geno.fbx": ("mixamo", ("Left", "Right")),
}
KNIGHT = {
    "hips": "hips", "head": "head",
    **{f"{side}_{part}": f"{name}.{side[0]}" for side in ("left", "right") for part, name in {
        "upper_arm": "upperarm", "forearm": "lowerarm", "hand": "wrist", "thigh": "upperleg", "shin": "lowerleg",
        "foot": "foot", "toes": "toes",
    }.items()},
}  # fmt: skip


def main():
    counts = defaultdict(lambda: [0, 0, 0])
    for animal, deform in _animals():
        right, total, wrong = count_right(animal, recognize(animal.skeleton, deform))
        for key in (animal.family, "all"):
            counts[key] = [a + b for a, b in zip(counts[key], (1, right, total), strict=True)]
        if wrong and not animal.family.startswith("hard"):
            print(f"    {animal.family}: {'; '.join(wrong)}")
    for family, (skeletons, right, total) in counts.items():
        print(f"{family:40} {skeletons:4} skeletons {right:6}/{total:<6} body bones right  {right / total:7.2%}")


def _animals():
    """(animal, which bones deform or None) of every kind."""
    folder = os.environ.get("GRAPHICS_ML_TEST_DATA")
    if folder:
        yield from _files(Path(folder))
    else:
        print("zoo: GRAPHICS_ML_TEST_DATA is not set, so no files of others are counted")
    if find_spec("bpy") is not None:
        yield from _characters()
        yield from _rigify()
    yield from ((public(family), None) for family in PUBLIC)
    yield from ((animal, None) for animal in known(300))
    yield from ((animal, None) for seed in (31, 32, 33) for animal in hard(300, seed))


def _files(folder):
    for place, (family, words) in FILES.items():
        path = folder / place
        with tempfile.TemporaryDirectory() as unpacked:
            for file in unpack(path, Path(unpacked)) if path.name.endswith(".tar.xz") else [path]:
                try:
                    skeleton = formats.load_skeleton(file)
                except GraphicsMLError as error:
                    print(f"    not read: {error}")
                    continue
                yield _named_file(place, skeleton, names_of(family, words)), None
    if find_spec("bpy") is not None:
        knight = formats.load_skeleton(folder / "rigs/Knight.glb")
        yield Animal("rigs/Knight.glb", knight, KNIGHT, ("spine", "chest")), None


def _named_file(place, skeleton, names):
    """The truth about a file whose joints bear a family's names, with or without a namespace, as they stand in it."""
    bare = {name.rpartition(":")[2]: name for name in skeleton.names}
    bare |= {name.replace("Toe", "ToeBase"): one for name, one in bare.items() if name.endswith("Toe")}
    truth = {role: bare[name] for role, name in names.items() if name in bare and not role[-1].isdigit()}
    line = skeleton.index(truth["left_upper_arm"])
    spine = []
    while line != skeleton.index(truth["hips"]):
        line = skeleton.parents[line]
        spine.append(skeleton.names[line])
    shoulders = {truth.get("left_shoulder"), truth["hips"]}
    return Animal(place, skeleton, truth, tuple(name for name in spine[::-1] if name not in shoulders))


def _characters():
    from graphics_ml.blender.armature import deform_flags, skeleton_from_armature
    from graphics_ml.blender.characters import Character, build_character
    from graphics_ml.blender.scene import empty_scene

    names = names_of("graphics_ml", ("L", "R"))
    for height, masculinity, mass in ((1.55, 0.0, 19.0), (1.65, 0.5, 32.0), (1.8, 1.0, 22.0), (1.95, 1.0, 35.0)):
        empty_scene()
        rig = build_character(Character(height=height, masculinity=masculinity, body_mass_index=mass))
        skeleton = skeleton_from_armature(rig)
        truth = {role: name for role, name in names.items() if not role[-1].isdigit()}
        yield Animal("our character", skeleton, truth, ("spine", "chest", "upper_chest")), deform_flags(rig, skeleton)


def _rigify():
    import bpy

    from graphics_ml.blender.armature import skeleton_from_armature
    from graphics_ml.blender.rigify import drive_skeleton
    from graphics_ml.blender.scene import empty_scene, quiet

    empty_scene()
    with quiet():
        bpy.ops.preferences.addon_enable(module="rigify")
        bpy.ops.object.armature_human_metarig_add()
        metarig = skeleton_from_armature(bpy.context.object)
        bpy.ops.pose.rigify_generate()
        rig = bpy.context.object
    yield _rig("Rigify metarig", "rigify_metarig", metarig), None
    yield _rig("Rigify, generated", "rigify_deform", drive_skeleton(rig)[0]), None
    whole = skeleton_from_armature(rig)
    yield _rig("Rigify, generated, all bones: controls", "rigify_control", whole), None
    bpy.ops.preferences.addon_disable(module="rigify")


def _rig(called, family, skeleton):
    names = names_of(family, ("L", "R"))
    truth = {role: name for role, name in names.items() if name in skeleton.names and not role[-1].isdigit()}
    return Animal(called, skeleton, truth, tuple(names[role] for role in ("spine", "chest", "upper_chest")))


if __name__ == "__main__":
    main()
