# SPDX-License-Identifier: GPL-3.0-or-later
import os
import subprocess
import sys
import textwrap

import bpy
import numpy as np
import pytest

from graphics_ml import formats
from graphics_ml.blender import export
from graphics_ml.blender.actions import write_action
from graphics_ml.blender.armature import evaluated_transforms, motion_from_action
from graphics_ml.blender.export import save_scene
from graphics_ml.blender.gltf import read_glb
from graphics_ml.blender.rigs import load_rig
from graphics_ml.blender.scene import empty_scene
from graphics_ml.errors import FormatWarning, OutputError
from tests.blender.simple_rig import build_rig, swing

TOLERANCE = {".blend": 2e-6, ".fbx": 1e-4, ".glb": 1e-4, ".usd": 1e-4}
HOLD_ALL = (".blend", ".fbx", ".glb")  # several actions, and images


@pytest.fixture(autouse=True)
def scene():
    return empty_scene()


def saved_and_read_again(path, obj, action, motion):
    """Largest distance, metres, between the motion's joints and the file's as Blender evaluates them."""
    save_scene(path, obj, action)
    again = motion_from_action(load_rig(path, actions=True))
    assert (len(again), again.fps) == (len(motion), motion.fps)
    row = [again.skeleton.index(name) for name in motion.skeleton.names if name in again.skeleton.names]
    assert len(row) == len(motion.skeleton)
    return np.abs(again.positions()[:, row] - motion.positions()).max()


@pytest.mark.parametrize("fps", ["30", "24000/1001"])
@pytest.mark.parametrize("mesh", [True, False], ids=["skin", "bones only"])
@pytest.mark.parametrize("scale", [0.01, 1.0, 2.5])
@pytest.mark.parametrize("extension", TOLERANCE)
def test_the_saved_joints_are_the_motions(tmp_path, extension, scale, mesh, fps):
    obj = build_rig(scale=scale, mesh=mesh)
    motion = swing(obj, fps=fps, travel=scale * 100)
    action = write_action(obj, motion, "swing")
    far = saved_and_read_again(tmp_path / f"out{extension}", obj, action, motion)
    assert far < TOLERANCE[extension] * max(1, 100 * scale)


@pytest.mark.parametrize("extension", TOLERANCE)
@pytest.mark.parametrize("rig", ["rigs/Geno.fbx", "rigs/Knight.glb", "motion/ortiz_situp.fbx"])
def test_real_rigs_are_saved_exactly(tmp_path, test_data, rig, extension):
    obj = load_rig(test_data / rig)
    motion = swing(obj, frames=24, fps="24000/1001")
    action = write_action(obj, motion, "swing")
    limit = max(TOLERANCE[extension], 2e-5)
    assert saved_and_read_again(tmp_path / f"out{extension}", obj, action, motion) < limit


@pytest.mark.parametrize("extension", HOLD_ALL)
def test_only_the_new_action_is_in_the_file_unless_the_others_are_kept(tmp_path, extension):
    path = tmp_path / f"out{extension}"
    for keep, names in ((True, {"old", "new"}), (False, {"new"})):
        empty_scene()
        obj = build_rig()
        write_action(obj, swing(obj, seed=1), "old")
        save_scene(path, obj, write_action(obj, swing(obj, seed=2), "new"), keep_actions=keep)
        load_rig(path, actions=True)
        assert {action.name.split("|")[-1] for action in bpy.data.actions} == names


@pytest.mark.parametrize("extension", HOLD_ALL)
def test_of_several_actions_the_new_one_is_read_or_a_note_says_which(tmp_path, extension):
    obj, notes = build_rig(), []
    for name in ("a", "z"):
        write_action(obj, swing(obj, seed=1), name)
    action = write_action(obj, swing(obj, seed=2, frames=30), "new")
    save_scene(tmp_path / f"out{extension}", obj, action, keep_actions=True, notes=notes)
    with pytest.warns(FormatWarning, match="3 actions"):
        read = formats.load(tmp_path / f"out{extension}")
    assert len(read) == (12 if extension == ".fbx" else 30)
    assert ["choose 'new', readers take 'a'" in note for note in notes] == [True] * (extension == ".fbx")


@pytest.mark.parametrize("extension", TOLERANCE)
def test_an_older_file_is_replaced_and_nothing_else_is_left(tmp_path, extension):
    path = tmp_path / f"out{extension}"
    path.write_text("older")
    obj = build_rig(mesh=False)
    save_scene(path, obj, write_action(obj, swing(obj), "swing"))
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    assert path.stat().st_size > 1000
    assert {o.name for o in bpy.context.scene.objects} == {"Rig"}


def test_saving_leaves_the_scene_as_it_was(tmp_path):
    obj = build_rig()
    motion = swing(obj, fps="24000/1001")
    action = write_action(obj, motion, "swing")
    for extension in TOLERANCE:
        save_scene(tmp_path / f"out{extension}", obj, action)
    assert obj.animation_data.action == action
    assert bpy.context.scene.render.fps_base == pytest.approx(1.001, abs=1e-6)
    _, places = evaluated_transforms(obj, range(1, len(motion) + 1))
    assert np.abs(places - motion.positions()).max() < 2e-6


def test_the_same_scene_gives_the_same_glb(tmp_path):
    contents = []
    for name in ("a.glb", "b.glb"):
        empty_scene()
        obj = build_rig()
        save_scene(tmp_path / name, obj, write_action(obj, swing(obj), "swing"))
        contents.append((tmp_path / name).read_bytes())
    assert contents[0] == contents[1]


def test_an_armature_without_mesh_gets_sticks_in_a_glb_and_this_is_said(tmp_path):
    obj = build_rig(mesh=False)
    notes = []
    save_scene(tmp_path / "out.glb", obj, write_action(obj, swing(obj), "swing"), notes=notes)
    assert len(notes) == 1 and "sticks" in notes[0]
    document, _ = read_glb(tmp_path / "out.glb")
    assert len(document["skins"][0]["joints"]) == 6


def test_textures_travel_inside_the_file(tmp_path):
    image = bpy.data.images.new("Cloth", 8, 8)
    image.filepath_raw, image.file_format = str(tmp_path / "cloth.png"), "PNG"
    image.save()
    for extension in HOLD_ALL:
        empty_scene()
        obj = build_rig()
        material = bpy.data.materials.new("Cloth")
        if material.node_tree is None:  # before Blender 5.0
            material.use_nodes = True
        texture = material.node_tree.nodes.new("ShaderNodeTexImage")
        texture.image = bpy.data.images.load(str(tmp_path / "cloth.png"))
        surface = material.node_tree.nodes["Principled BSDF"]
        material.node_tree.links.new(texture.outputs["Color"], surface.inputs["Base Color"])
        bpy.data.objects["Skin"].data.materials.append(material)
        (tmp_path / "out").mkdir(exist_ok=True)
        save_scene(tmp_path / "out" / f"rig{extension}", obj, None)
        load_rig(tmp_path / "out" / f"rig{extension}")
        assert [(i.size[:], i.packed_file is not None) for i in bpy.data.images] == [((8, 8), True)]


def test_images_and_other_actions_that_usd_does_not_hold_are_named(tmp_path):
    obj, notes = build_rig(), []
    write_action(obj, swing(obj, seed=1), "old")
    image = bpy.data.images.new("Cloth", 8, 8)
    image.filepath_raw, image.file_format = str(tmp_path / "cloth.png"), "PNG"
    image.save()
    image.source = "FILE"
    save_scene(tmp_path / "out.usd", obj, write_action(obj, swing(obj), "new"), keep_actions=True, notes=notes)
    assert len(notes) == 2 and "old" in notes[0] and "Cloth" in notes[1]


def test_an_image_that_cannot_be_found_is_named(tmp_path):
    obj = build_rig()
    image = bpy.data.images.new("Lost", 4, 4)
    image.source, image.filepath = "FILE", str(tmp_path / "lost.png")
    notes = []
    save_scene(tmp_path / "out.blend", obj, None, notes=notes)
    assert len(notes) == 1 and "Lost" in notes[0]


@pytest.mark.parametrize("name", ["out.obj", "out", "out.gltf"])
def test_an_unsupported_extension_is_refused_before_anything_is_written(tmp_path, name):
    with pytest.raises(OutputError, match=r"use one of \.blend, \.fbx, \.glb"):
        save_scene(tmp_path / name, build_rig(), None)
    assert not any(tmp_path.iterdir())


def test_an_output_that_is_a_folder_is_refused(tmp_path):
    (tmp_path / "out.glb").mkdir()
    with pytest.raises(OutputError, match="folder"):
        save_scene(tmp_path / "out.glb", build_rig(), None)


@pytest.mark.parametrize("extension", TOLERANCE)
@pytest.mark.parametrize("part", [0.01, 0.5, 0.95])
def test_a_file_that_was_cut_off_while_writing_never_takes_its_place(tmp_path, monkeypatch, extension, part):
    obj = build_rig()
    action = write_action(obj, swing(obj), "swing")
    writer = f"_write_{extension[1:]}"
    write = getattr(export, writer)

    def cut_off(path, *rest):
        write(path, *rest)
        os.truncate(path, int(part * path.stat().st_size))

    monkeypatch.setattr(export, writer, cut_off)
    path = tmp_path / f"out{extension}"
    path.write_text("older")
    with pytest.raises(OutputError, match=r"damaged|nothing was written") as error:
        save_scene(path, obj, action)
    assert "\n" not in str(error.value)
    assert path.read_text() == "older" and len(list(tmp_path.iterdir())) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="file size limits are POSIX")
@pytest.mark.parametrize("extension", TOLERANCE)
def test_a_full_disk_is_one_sentence_and_leaves_nothing(tmp_path, extension):
    script = f"""
        import resource, signal
        import bpy
        from tests.blender.simple_rig import build_rig, swing
        from graphics_ml.blender.actions import write_action
        from graphics_ml.blender.export import save_scene
        from graphics_ml.blender.scene import empty_scene
        from graphics_ml.errors import FormatWarning, OutputError
        empty_scene()
        obj = build_rig()
        action = write_action(obj, swing(obj, frames=200), "swing")
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000))
        try:
            save_scene({str(tmp_path / f"out{extension}")!r}, obj, action)
        except OutputError as error:
            print("SAID", error)
    """
    environment = {**os.environ, "PYTHONPATH": os.path.dirname(__file__)}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, env=environment, timeout=120
    )
    assert "SAID" in done.stdout, done.stdout + done.stderr
    assert not any(tmp_path.iterdir())
