# SPDX-License-Identifier: GPL-3.0-or-later
import json
import struct
import subprocess
import sys

import bpy
import numpy as np
import pytest

from graphics_ml.blender.actions import write_action
from graphics_ml.blender.armature import skeleton_from_armature
from graphics_ml.blender.export import save_scene
from graphics_ml.blender.frame_times import recover_frame_rate
from graphics_ml.blender.gltf import read_glb, write_glb
from graphics_ml.blender.rigs import load_rig, meshes_of, sole_points
from graphics_ml.blender.scene import empty_scene
from graphics_ml.errors import RigError
from graphics_ml.formats import save
from graphics_ml.motion.bone_map import BoneMap
from graphics_ml.motion.humanoid import standard_skeleton
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.rotations import rotate
from tests.blender.simple_rig import add_mesh, build_rig, swing

EXTENSIONS = (".blend", ".fbx", ".glb")


@pytest.fixture(autouse=True)
def scene():
    return empty_scene()


def one_sentence(error):
    text = str(error.value)
    return "\n" not in text and "Traceback" not in text


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_a_rig_comes_back_with_its_bones_and_mesh_in_the_same_place(tmp_path, extension):
    obj = build_rig()
    before = skeleton_from_armature(obj)
    path = tmp_path / f"rig{extension}"
    save_scene(path, obj, None)
    again = skeleton_from_armature(load_rig(path))
    row = [again.index(name) for name in before.names]
    np.testing.assert_allclose(again.rest_positions()[row], before.rest_positions(), atol=1e-5)
    assert len(meshes_of(bpy.context.object)) == 1


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_the_animation_of_the_file_is_left_behind_and_the_rig_rests(tmp_path, extension):
    obj = build_rig()
    path = tmp_path / f"rig{extension}"
    save_scene(path, obj, write_action(obj, swing(obj), "old"))
    obj = load_rig(path)
    assert len(bpy.data.actions) == 0
    for bone in obj.pose.bones:
        np.testing.assert_allclose(np.array(bone.matrix_basis), np.eye(4), atol=1e-6)


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_the_animation_of_the_file_comes_along_when_asked_for(tmp_path, extension):
    obj = build_rig()
    path = tmp_path / f"rig{extension}"
    save_scene(path, obj, write_action(obj, swing(obj), "old"))
    load_rig(path, actions=True)
    assert [action.name.split("|")[-1] for action in bpy.data.actions] == ["old"]


def test_a_bvh_gives_an_armature_of_its_skeleton(tmp_path):
    skeleton = standard_skeleton()
    path = tmp_path / "walk.bvh"
    save(Motion(skeleton, skeleton.rest_orientations[None], skeleton.offsets[:1], 30), path)
    made = skeleton_from_armature(load_rig(path))
    row = [made.index(name) for name in skeleton.names]
    np.testing.assert_allclose(made.rest_positions()[row][:, 1], skeleton.rest_positions()[:, 1], atol=1e-4)


def test_the_largest_armature_with_a_mesh_is_taken_and_said_or_the_one_asked_for(tmp_path):
    build_rig(name="Bare", mesh=False)
    wanted = build_rig(name="Worn", mesh=False, location=(3, 0, 0))
    add_mesh(wanted, "Coat")
    path = tmp_path / "two.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    notes = []
    assert load_rig(path, notes=notes).name == "Worn"
    assert len(notes) == 1 and "'Worn' is used, not 'Bare'" in notes[0]
    assert {obj.name for obj in bpy.data.objects} == {"Worn", "Coat"}
    assert load_rig(path, "Bare").name == "Bare"
    with pytest.raises(RigError, match=r"it has no armature called 'Hat'; it has '(Bare|Worn)', '(Bare|Worn)'"):
        load_rig(path, "Hat")


@pytest.mark.parametrize("name", ["Rig", "Hero"])
def test_a_library_override_of_the_rig_alone_is_taken_rather_than_what_it_overrides(tmp_path, name):
    override = _linked_rig(tmp_path).override_create(remap_local_usages=True)
    override.name = name
    override.animation_data_create().action = write_action(override, swing(override), "swing")
    _save(tmp_path / "shot.blend")
    for path, wanted in (("shot", None), ("shot", name), ("again", None)):
        notes = []
        obj = load_rig(tmp_path / f"{path}.blend", wanted, actions=True, notes=notes)
        assert obj.name == name and obj.library is None and obj.override_library is not None
        assert len(obj.data.bones) == 6 and obj.animation_data.action.name == "swing" and notes == []
        save_scene(tmp_path / "again.blend", obj, obj.animation_data.action)


def test_a_linked_rig_is_loaded_as_it_is(tmp_path):
    _linked_rig(tmp_path)
    _save(tmp_path / "shot.blend")
    assert load_rig(tmp_path / "shot.blend", actions=True).library is not None


def _save(path):
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    assert any(obj.library for obj in bpy.data.objects)


def _linked_rig(folder):
    """A rig with its mesh in a scene that links it from another file."""
    save_scene(folder / "rig.blend", build_rig(), None)
    scene = empty_scene()
    with bpy.data.libraries.load(str(folder / "rig.blend"), link=True) as (held, wanted):
        wanted.objects = list(held.objects)
    for obj in wanted.objects:
        scene.collection.objects.link(obj)
    return next(obj for obj in wanted.objects if obj.type == "ARMATURE")


def test_what_the_rig_needs_comes_along_and_the_rest_does_not(tmp_path):
    obj = build_rig()
    for name in ("Target", "Holder", "Stranger", "Shape"):
        bpy.context.scene.collection.objects.link(bpy.data.objects.new(name, None))
    obj.parent = bpy.data.objects["Holder"]
    obj.pose.bones["hand.L"].constraints.new("COPY_LOCATION").target = bpy.data.objects["Target"]
    obj.pose.bones["hips"].custom_shape = bpy.data.objects["Shape"]
    path = tmp_path / "rig.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    load_rig(path)
    assert {o.name for o in bpy.data.objects} == {"Rig", "Skin", "Holder", "Target", "Shape"}
    assert "Shape" not in bpy.context.scene.objects


def test_a_blend_without_action_keeps_its_pose_and_its_frame_rate(tmp_path):
    obj = build_rig()
    obj.pose.bones["arm.L"].rotation_quaternion = (0.8, 0.6, 0, 0)
    bpy.context.scene.render.fps = 48
    path = tmp_path / "rig.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    obj = load_rig(path)
    np.testing.assert_allclose(obj.pose.bones["arm.L"].rotation_quaternion, (0.8, 0.6, 0, 0), atol=1e-6)
    assert bpy.context.scene.render.fps == 48


def test_a_missing_file_a_folder_and_an_unknown_kind_are_named(tmp_path):
    (tmp_path / "folder.fbx").mkdir()
    for name, why in (
        ("no.fbx", "no such file"),
        ("folder.fbx", "a folder"),
        (".", "a folder"),
        ("rig.obj", "use .blend, .fbx"),
    ):
        with pytest.raises(RigError, match=why) as error:
            load_rig(tmp_path / name)
        assert one_sentence(error) and str(error.value).startswith(str(tmp_path / name))


@pytest.mark.parametrize("extension", [".blend", ".fbx", ".glb", ".gltf", ".bvh"])
@pytest.mark.parametrize(
    "content", [b"", b"hello, this is text\n", bytes(range(256)) * 40], ids=["empty", "text", "noise"]
)
def test_a_file_of_another_kind_is_one_sentence(tmp_path, extension, content):
    path = tmp_path / f"rig{extension}"
    path.write_bytes(content)
    with pytest.raises(RigError) as error:
        load_rig(path)
    assert one_sentence(error) and str(error.value).startswith(str(path))


@pytest.mark.parametrize("extension", EXTENSIONS)
@pytest.mark.parametrize("part", [0.02, 0.4, 0.9])
def test_a_file_cut_off_is_one_sentence(tmp_path, extension, part):
    obj = build_rig()
    path = tmp_path / f"rig{extension}"
    save_scene(path, obj, write_action(obj, swing(obj, frames=60), "old"))
    data = path.read_bytes()
    path.write_bytes(data[: int(part * len(data))])
    with pytest.raises(RigError) as error:
        load_rig(path)
    assert one_sentence(error)


def test_a_file_without_armature_says_what_it_holds(tmp_path):
    for name in ("One", "Two"):
        mesh = bpy.data.objects.new(name, bpy.data.meshes.new(name))
        bpy.context.scene.collection.objects.link(mesh)
    bpy.context.scene.collection.objects.link(bpy.data.objects.new("Sun", bpy.data.lights.new("Sun", "SUN")))
    path = tmp_path / "props.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    with pytest.raises(RigError, match="no armature in it, only 1 light object and 2 mesh objects"):
        load_rig(path)


def test_an_armature_without_bones_is_said(tmp_path):
    bpy.context.scene.collection.objects.link(bpy.data.objects.new("Rig", bpy.data.armatures.new("Rig")))
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "empty.blend"))
    with pytest.raises(RigError, match="its armature has no bones"):
        load_rig(tmp_path / "empty.blend")


def test_an_fbx_material_that_would_not_be_seen_is_made_opaque(tmp_path):
    obj = build_rig()
    glass = bpy.data.materials.new("Glass")
    if glass.node_tree is None:  # before Blender 5.0
        glass.use_nodes = True
    glass.node_tree.nodes["Principled BSDF"].inputs["Alpha"].default_value = 0.0
    bpy.data.objects["Skin"].data.materials.append(glass)
    path = tmp_path / "rig.fbx"
    save_scene(path, obj, None)
    load_rig(path)
    (material,) = bpy.data.materials
    assert material.node_tree.nodes["Principled BSDF"].inputs["Alpha"].default_value == 1.0


def test_without_blenders_module_the_extra_that_brings_it_is_named():
    script = """
import importlib.util
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == "bpy" else find(name, *rest)
import graphics_ml.blender
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert "MissingExtraError" in done.stderr and ".[blender]" in done.stderr


def test_importing_the_package_does_not_import_blender():
    script = "import sys, graphics_ml.blender; print('bpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "False", done.stderr


def test_soles_are_the_undersides_of_the_feet_of_the_mesh():
    obj = build_rig(rotation=(0.0, 0.0, 0.0), location=(0.0, 0.0, 0.0), mesh=False)
    corners = [(x, y, z) for x in (6, 16) for y in (-20, 8) for z in (0, 3)] + [(11, 0, 40), (0, 0, 100)]
    mesh = bpy.data.meshes.new("boots")
    mesh.from_pydata(corners, [], [])
    boots = bpy.data.objects.new("boots", mesh)
    bpy.context.scene.collection.objects.link(boots)
    boots.parent = obj
    boots.vertex_groups.new(name="foot.L").add(range(9), 0.6, "REPLACE")
    boots.vertex_groups.new(name="leg.L").add(range(9), 0.4, "REPLACE")
    bpy.context.view_layer.update()
    skeleton = skeleton_from_armature(obj)
    soles = sole_points(obj, skeleton, BoneMap({"left_foot": "foot.L", "hips": "hips"}, {}))
    assert set(soles) == {"left_foot"}
    rotations, places = skeleton.rest_transforms()
    foot = skeleton.index("foot.L")
    found = {tuple(point) for point in np.round(places[foot] + rotate(rotations[foot], soles["left_foot"]), 6)}
    under = {(x / 100, 0.0, -y / 100) for x in (6, 16) for y in (-20, 8)}
    assert under <= found and max(height for _, height, _ in found) <= 0.4


def test_loading_prints_nothing(tmp_path, capfd):
    obj = build_rig()
    for extension in EXTENSIONS:
        save_scene(tmp_path / f"rig{extension}", obj, None)
    for extension in EXTENSIONS:
        load_rig(tmp_path / f"rig{extension}")
    assert capfd.readouterr().out == ""


def test_a_glb_is_written_as_it_was_read(tmp_path):
    obj = build_rig()
    path, copy = tmp_path / "rig.glb", tmp_path / "copy.glb"
    save_scene(path, obj, None)
    document, binary = read_glb(path)
    write_glb(copy, document, binary)
    assert read_glb(copy) == (document, binary)


def test_a_glb_with_a_buffer_view_past_its_end_is_refused(tmp_path):
    obj = build_rig()
    path = tmp_path / "rig.glb"
    save_scene(path, obj, None)
    document, binary = read_glb(path)
    document["bufferViews"][0]["byteLength"] = 10**9
    write_glb(path, document, binary)
    with pytest.raises(RigError, match="past its buffer"):
        load_rig(path)


def test_a_glb_of_another_version_is_refused(tmp_path):
    path = tmp_path / "old.glb"
    text = json.dumps({"asset": {"version": "1.0"}}).encode()
    path.write_bytes(b"glTF" + struct.pack("<IIII", 1, 20 + len(text), len(text), 0) + text)
    with pytest.raises(RigError, match="glTF 1"):
        load_rig(path)


@pytest.mark.parametrize("fps", ["24", "25", "30", "24000/1001", "30000/1001", "60", "120", "12", "37"])
@pytest.mark.parametrize("frames", [3, 2000])
def test_the_frame_rate_is_recovered_from_key_times(fps, frames):
    from fractions import Fraction

    times = (np.arange(frames) / float(Fraction(fps))).astype(np.float32).astype(np.float64)
    rate, said = recover_frame_rate(times)
    if frames > 100 or Fraction(fps).denominator == 1:
        assert rate == Fraction(fps)
    assert float(rate) == pytest.approx(float(Fraction(fps)), rel=2e-3)
    assert "recovered" in said


def test_sparse_and_single_keys_still_have_a_frame_rate():
    sparse = np.array([0, 1, 2, 7, 30]) / 30
    assert recover_frame_rate(sparse)[0] == 30
    rate, said = recover_frame_rate(np.array([0.5]))
    assert rate == 30 and "assumed" in said


def test_real_rigs_load_with_what_is_known_of_them(test_data):
    notes = []
    geno = load_rig(test_data / "rigs" / "Geno.fbx", notes=notes)
    assert len(geno.data.bones) == 75 and len(meshes_of(geno)) == 1
    for material in bpy.data.materials:
        assert material.node_tree.nodes["Principled BSDF"].inputs["Alpha"].default_value == 1.0
    knight = load_rig(test_data / "rigs" / "Knight.glb")
    assert len(bpy.data.actions) == 0 and len(meshes_of(knight)) == 15
    load_rig(test_data / "rigs" / "Knight.glb", actions=True)
    assert len(bpy.data.actions) == 76
