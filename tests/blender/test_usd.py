# SPDX-License-Identifier: GPL-3.0-or-later
import itertools
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import bpy
import numpy as np
import pytest

from graphics_ml.blender import formats, usd
from graphics_ml.blender.armature import evaluated_transforms
from graphics_ml.blender.export import save_scene
from graphics_ml.blender.rigs import load_rig
from graphics_ml.blender.scene import empty_scene
from graphics_ml.errors import MotionFileError, OutputError
from graphics_ml.motion.rotations import angle_between
from tests.blender.simple_rig import add_mesh, build_rig
from tests.blender.test_formats import walk

JOINTS = ("Hips", "Hips/L", "Hips/R", "Hips/L/Tip", "Hips/R/Tip")
OFFSETS = [(0, 0, 1.0), (0.2, 0, 0), (-0.2, 0, 0), (0.3, 0, 0), (-0.3, 0, 0)]
NUMBER = itertools.count()


@pytest.fixture(autouse=True)
def scene():
    return empty_scene()


@pytest.fixture
def pxr():
    return usd._library()


def turning(
    pxr, folder, codes, rate=24.0, up="Z", metres=1.0, joints=JOINTS, moved=JOINTS, names=(), path=None, ending=".usda"
):
    """A stage of five joints, made with USD's own library: the k-th joint turns about the vertical by 5 k + j degrees
    at the n-th code; `path` are places (n, 3) of the prim above the skeleton, in the stage's unit."""
    stage = pxr.Usd.Stage.CreateNew(str(folder / f"turning{next(NUMBER)}{ending}"))
    stage.SetTimeCodesPerSecond(rate)
    pxr.UsdGeom.SetStageUpAxis(stage, up)
    pxr.UsdGeom.SetStageMetersPerUnit(stage, metres)
    top = pxr.UsdSkel.Root.Define(stage, "/Dancer")
    stage.SetDefaultPrim(top.GetPrim())
    if path is not None:
        moving = top.AddTranslateOp()
        for code, place in zip(codes, path, strict=True):
            moving.Set(pxr.Gf.Vec3d(*place), code)
    skeleton = pxr.UsdSkel.Skeleton.Define(stage, "/Dancer/Bones")
    skeleton.CreateJointsAttr(list(joints))
    if names:
        skeleton.CreateJointNamesAttr(list(names))
    local = [pxr.Gf.Matrix4d().SetTranslate(pxr.Gf.Vec3d(*offset) / metres) for offset in in_axes(OFFSETS, up)]
    bind = [local[0], local[1] * local[0], local[2] * local[0]]
    bind += [local[3] * bind[1], local[4] * bind[2]]
    skeleton.CreateRestTransformsAttr(local)
    skeleton.CreateBindTransformsAttr(bind)
    animation = pxr.UsdSkel.Animation.Define(stage, "/Dancer/Bones/Turn")
    animation.CreateJointsAttr(list(moved))
    rows = [joints.index(joint) for joint in moved]
    animation.CreateTranslationsAttr([pxr.Gf.Vec3f(local[row].ExtractTranslation()) for row in rows])
    animation.CreateScalesAttr([pxr.Gf.Vec3h(1, 1, 1)] * len(rows))
    rotations = animation.CreateRotationsAttr()
    axis = pxr.Gf.Vec3d(0, 0, 1) if up == "Z" else pxr.Gf.Vec3d(0, 1, 0)
    for number, code in enumerate(codes):
        turns = [pxr.Gf.Rotation(axis, 5 * number + row).GetQuat() for row in rows]
        rotations.Set([pxr.Gf.Quatf(turn) for turn in turns], code)
    pxr.UsdSkel.BindingAPI.Apply(skeleton.GetPrim()).CreateAnimationSourceRel().SetTargets(["/Dancer/Bones/Turn"])
    stage.Save()
    return folder / f"{stage.GetRootLayer().GetDisplayName()}"


def in_axes(points, up):
    """Points given Z up, in axes with that up."""
    points = np.array(points)
    return points if up == "Z" else np.stack((points[:, 0], points[:, 2], -points[:, 1]), axis=-1)


def expected(frames):
    """Joints' places (F, 5, 3) in our axes by plain trigonometry, from the turns that `turning` writes."""
    places = []
    for number in range(frames):
        angles = np.radians([5 * number + row for row in range(5)])
        spots = [np.array([0, 1.0, 0])]
        limbs = ((0, 0, 0.2), (0, 0, -0.2), (1, 1, 0.3), (2, 2, -0.3))
        for above, joint, reach in limbs:
            turn = angles[0] + (angles[joint] if joint else 0)
            spots.append(spots[above] + reach * np.array([np.cos(turn), 0, -np.sin(turn)]))
        places.append(spots)
    return np.array(places)


@pytest.mark.parametrize("metres", [1.0, 0.01])
@pytest.mark.parametrize("up", ["Y", "Z"])
def test_unit_and_up_axis_are_honoured(pxr, tmp_path, up, metres):
    motion = formats.load(turning(pxr, tmp_path, range(9), up=up, metres=metres))
    assert np.abs(motion.positions() - expected(9)).max() < 1e-6
    assert np.abs(motion.skeleton.rest_positions()[:, 1] - 1).max() < 1e-6


@pytest.mark.parametrize("rate", ["24", "24000/1001", "2997/125", "120", "29.5", "7/3"])
def test_the_frame_rate_is_exact(pxr, tmp_path, rate):
    motion = formats.load(turning(pxr, tmp_path, range(1, 6), rate=float(Fraction(rate))))
    assert motion.fps == Fraction(rate) and len(motion) == 5


def test_a_rate_that_blender_rounds_to_32_bits_is_still_the_television_rate(pxr, tmp_path):
    rate = 24 / float(np.float32(1.001))
    assert formats.load(turning(pxr, tmp_path, range(4), rate=rate)).fps.denominator == 1001


def test_samples_between_time_codes_keep_their_times_and_this_is_said(pxr, tmp_path):
    with pytest.warns(UserWarning, match="60, was recovered"):
        motion = formats.load(turning(pxr, tmp_path, np.arange(9) * 0.4))
    assert motion.fps == 60 and len(motion) == 9
    assert np.abs(motion.positions() - expected(9)).max() < 1e-6


def test_keys_on_twos_are_read_at_every_frame(pxr, tmp_path):
    motion = formats.load(turning(pxr, tmp_path, range(0, 18, 2)))
    assert len(motion) == 17
    assert np.abs(motion.positions()[::2] - expected(9)).max() < 1e-6


def test_a_prim_above_that_moves_takes_the_skeleton_along(pxr, tmp_path):
    path = np.stack((np.linspace(0, 2, 9), np.zeros(9), np.zeros(9)), axis=-1)
    motion = formats.load(turning(pxr, tmp_path, range(9), path=path))
    assert np.abs(motion.positions() - (expected(9) + path[:, None])).max() < 1e-6


def test_joints_that_the_animation_leaves_out_rest(pxr, tmp_path):
    motion = formats.load(turning(pxr, tmp_path, range(9), moved=("Hips/R/Tip", "Hips")))
    limbs = motion.rotations[:, [motion.skeleton.index(name) for name in ("L", "R")]]
    assert angle_between(limbs, np.array([1.0, 0, 0, 0])).max() < 1e-6
    assert np.abs(motion.positions()[:, 1:3] - expected(9)[:, 1:3]).max() < 1e-6


def test_joints_are_called_by_their_own_names_or_by_paths_where_those_are_not_unique(pxr, tmp_path):
    names = formats.load(turning(pxr, tmp_path, range(3))).skeleton.names
    assert names == ("Hips", "L", "R", "Hips/L/Tip", "Hips/R/Tip")
    own = ("a:b", "é ü", "日本", "x", "y")
    path = turning(pxr, tmp_path, range(3), names=own)
    assert formats.load(path).skeleton.names == own
    assert {bone.name for bone in load_rig(path).data.bones} == set(own)


def test_blenders_importer_puts_the_joints_where_we_do(pxr, tmp_path):
    joints = (*JOINTS[:3], "Hips/L/Hand", "Hips/R/Toe")  # Blender mixes up joints of one name
    path = turning(pxr, tmp_path, range(1, 10), up="Y", metres=0.01, joints=joints, moved=joints)
    motion = formats.load(path)
    obj = load_rig(path, actions=True)
    rotations, places = evaluated_transforms(obj, range(1, 10), motion.skeleton.names)
    assert np.abs(places - motion.positions()).max() < 1e-5
    assert angle_between(rotations, motion.orientations()).max() < 1e-3


def test_a_compressed_package_is_read_and_not_written(pxr, tmp_path):
    from pxr import UsdUtils

    plain = turning(pxr, tmp_path, range(9), ending=".usdc")
    assert UsdUtils.CreateNewUsdzPackage(str(plain), str(tmp_path / "turning.usdz"))
    motion = formats.load(tmp_path / "turning.usdz")
    assert np.abs(motion.positions() - expected(9)).max() < 1e-6
    with pytest.raises(OutputError, match=r"'\.usdz' files cannot be written"):
        formats.save(motion, tmp_path / "out.usdz")


def test_a_motion_that_stands_still_first_and_last_keeps_its_length(tmp_path):
    motion = walk(frames=12)
    rows = [0, 0, 0, 0, 1, 2, 3, 4, 4, 4, 4, 4]
    motion = motion.replace(rotations=motion.rotations[rows], root_positions=motion.root_positions[rows])
    formats.save(motion, tmp_path / "halt.usd")
    again = formats.load(tmp_path / "halt.usd")
    row = [again.skeleton.index(name) for name in motion.skeleton.names]
    assert len(again) == 12 and np.abs(again.positions()[:, row] - motion.positions()).max() < 1e-5


def test_other_programs_find_a_skeleton_root_and_the_bones_own_names(tmp_path):
    motion = walk()
    names = tuple(f"rig:{name} é" for name in motion.skeleton.names)
    formats.save(motion.replace(skeleton=motion.skeleton.replace(names=names)), tmp_path / "walk.usda")
    text = (tmp_path / "walk.usda").read_text(encoding="utf-8")
    assert "def SkelRoot" in text and "jointNames" in text and str(tmp_path) not in text
    assert set(formats.load(tmp_path / "walk.usda").skeleton.names) == set(names)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("timeCodesPerSecond = 24", "timeCodesPerSecond = 0", "go by at 0.0"),
        ("metersPerUnit = 1", "metersPerUnit = 0", "unit is 0.0 metres"),
        ("8: [", "9000000000: [", "cannot be meant"),
        ("uniform token[] joints = [", "uniform token[] joints2 = [", "no skeleton with joints"),
        ("def SkelAnimation", "def Xform", "holds no motion"),
    ],
)
def test_a_stage_that_makes_no_sense_is_refused_in_one_sentence(pxr, tmp_path, old, new, said):
    path = turning(pxr, tmp_path, range(9))
    text = path.read_text()
    assert old in text
    (tmp_path / "broken.usda").write_text(text.replace(old, new))
    with pytest.raises(MotionFileError, match=said) as error:
        formats.load(tmp_path / "broken.usda")
    assert "\n" not in str(error.value) and "pxr" not in str(error.value)


def test_loading_a_motion_leaves_python_where_it_looks_for_modules(pxr, tmp_path):
    import sys

    before = list(sys.path)
    usd._library.cache_clear()
    formats.load(turning(pxr, tmp_path, range(3)))
    assert sys.path == before


def test_bones_that_usd_would_call_alike_are_told_apart_and_drivers_follow(tmp_path):
    obj = build_rig()
    first, second = obj.data.bones[0], obj.data.bones[1]
    first.name, second.name = "a.b", "a:b"
    variable = obj.driver_add("location", 0).driver.variables.new()
    variable.type, variable.targets[0].id, variable.targets[0].bone_target = "TRANSFORMS", obj, "a:b"
    before = [bone.name for bone in obj.data.bones]
    with usd.plain_names(obj) as names:
        assert set(names.values()) == set(before) and names["a_b"] == "a.b"
        assert variable.targets[0].bone_target == second.name != "a:b"
    assert [bone.name for bone in obj.data.bones] == before
    assert variable.targets[0].bone_target == "a:b"


PARTS = ("Body", "Boot.L", "Boot:L", "Cape", "Hat", "Head", "Left", "Sword")


def dressed_rig():
    """A rig of a mesh for each part, each with a UV map of its own name and a material of its own, of which two have
    names that USD takes for one. All materials look up the hat's UV map."""
    obj = build_rig(mesh=False)
    for number, name in enumerate(PARTS):
        mesh = add_mesh(obj, name).data
        mesh.uv_layers.new(name=f"UV {name}")
        for title, metal in ((name, number / 10), ("shared", 0.95)):
            material = bpy.data.materials.get(title) or bpy.data.materials.new(title)
            shader = material.node_tree.nodes["Principled BSDF"]
            shader.inputs["Metallic"].default_value = metal
            if not shader.inputs["Base Color"].is_linked:
                picture, look_up = map(material.node_tree.nodes.new, ("ShaderNodeTexImage", "ShaderNodeUVMap"))
                picture.image, look_up.uv_map = bpy.data.images.new(title, 4, 4), "UV Hat"
                picture.image.source, picture.image.filepath = "FILE", f"/nowhere/{title}.png"
                material.node_tree.links.new(look_up.outputs[0], picture.inputs[0])
                material.node_tree.links.new(picture.outputs[0], shader.inputs["Base Color"])
            mesh.materials.append(material)
        for face in mesh.polygons:
            face.material_index = face.index % 2
    return obj


def test_a_rig_of_several_meshes_gives_the_same_bytes_in_every_process(tmp_path):
    script = """if True:
        import sys
        from graphics_ml.blender.actions import write_action
        from graphics_ml.blender.export import save_scene
        from graphics_ml.blender.scene import empty_scene
        from tests.blender.simple_rig import swing
        from tests.blender.test_usd import dressed_rig
        empty_scene()
        obj = dressed_rig()
        action = write_action(obj, swing(obj), "swing")
        for extension in (".usd", ".usda", ".usdc", ".glb"):
            save_scene(sys.argv[1] + extension, obj, action)
    """
    for run in "abc":
        words = [sys.executable, "-c", script, str(tmp_path / run)]
        subprocess.run(words, check=True, timeout=120, cwd=Path(__file__).parents[2])
    for extension in (".usd", ".usda", ".usdc", ".glb"):
        assert len({(tmp_path / f"{run}{extension}").read_bytes() for run in "abc"}) == 1, extension


def test_every_mesh_keeps_its_material_and_finds_its_uv_map(pxr, tmp_path):
    from pxr import UsdShade

    names = {material.name for material in bpy.data.materials} | {*PARTS, "shared"}
    save_scene(tmp_path / "out.usda", dressed_rig(), None)
    assert {material.name for material in bpy.data.materials} == names
    stage = pxr.Usd.Stage.Open(str(tmp_path / "out.usda"))
    seen = {}
    for prim in (prim for prim in stage.Traverse() if prim.IsA(pxr.UsdGeom.Subset)):
        material = UsdShade.MaterialBindingAPI(prim).ComputeBoundMaterial()[0]
        shader = material.ComputeSurfaceSource()[0]
        seen.setdefault(prim.GetParent().GetParent().GetName(), set()).add(round(shader.GetInput("metallic").Get(), 3))
    assert sorted(map(sorted, seen.values())) == [[number / 10, 0.95] for number in range(len(PARTS))]
    looked_up = {prim.GetAttribute("inputs:varname").Get() for prim in stage.Traverse()} - {None}
    assert looked_up == {"st"}


def test_bones_get_names_that_no_other_bone_has_already():
    obj = build_rig()
    for bone, name in zip(obj.data.bones, ("a_b_2", "a.b", "a:b", "a_b_3"), strict=False):
        bone.name = name
    before = [bone.name for bone in obj.data.bones]
    with usd.plain_names(obj) as names:
        assert sorted(names.values()) == sorted(before)
    assert [bone.name for bone in obj.data.bones] == before
