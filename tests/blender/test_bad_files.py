# SPDX-License-Identifier: GPL-3.0-or-later
"""Damaged, mislabelled and hostile files: one sentence, nothing printed, no memory without bound."""

import struct
import subprocess
import sys

import bpy
import numpy as np
import pytest

from graphics_ml.blender import formats
from graphics_ml.blender.actions import curves_of
from graphics_ml.blender.export import save_scene
from graphics_ml.blender.fbx import check_fbx
from graphics_ml.blender.gltf import read_glb, write_glb
from graphics_ml.blender.scene import empty_scene
from graphics_ml.errors import MotionFileError
from tests.blender.simple_rig import build_rig, swing
from tests.blender.test_formats import quietly, walk

EXTENSIONS = (".fbx", ".glb", ".usd", ".usda", ".blend")


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """Extension → bytes of a good file."""
    folder, content = tmp_path_factory.mktemp("good"), {}
    empty_scene()
    for extension in EXTENSIONS:
        quietly(formats.save, walk(frames=20), folder / f"walk{extension}")
        content[extension] = (folder / f"walk{extension}").read_bytes()
    return content


def refused(path, capfd):
    """The sentence with which a file is refused."""
    with pytest.raises(MotionFileError) as error:
        quietly(formats.load, path)
    said = str(error.value)
    assert said.count(str(path)) == 1 and "\n" not in said and "Traceback" not in said and len(said) < 400
    assert capfd.readouterr() == ("", "")
    return said


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_a_file_cut_off_anywhere_is_refused(tmp_path, good, capfd, extension):
    for number, part in enumerate((0.001, 0.01, 0.1, 0.3, 0.5, 0.8, 0.99)):
        path = tmp_path / f"cut{number}{extension}"
        path.write_bytes(good[extension][: int(part * len(good[extension]))])
        refused(path, capfd)


@pytest.mark.parametrize("extension", [*EXTENSIONS, ".gltf", ".usdc", ".usdz"])
@pytest.mark.parametrize("content", [b"", b"some text, no motion\n" * 40, b"\0" * 4000], ids=["empty", "text", "zeros"])
def test_what_is_no_such_file_is_refused(tmp_path, capfd, extension, content):
    path = tmp_path / f"other{extension}"
    path.write_bytes(content)
    refused(path, capfd)


@pytest.mark.parametrize("extension", EXTENSIONS)
@pytest.mark.parametrize("really", EXTENSIONS)
def test_a_file_named_for_another_format_is_refused(tmp_path, good, capfd, extension, really):
    path = tmp_path / f"wrong{extension}"
    path.write_bytes(good[really])
    if extension == really or (extension, really) == (".usd", ".usda"):
        quietly(formats.load, path)  # a .usd is text or binary
    else:
        refused(path, capfd)


# Not .blend: Blender's own reader, in C, can crash or hang on a .blend whose bytes were changed.
@pytest.mark.parametrize("extension", [".fbx", ".glb", ".usd", ".usda"])
def test_changed_bytes_are_refused_or_harmless(tmp_path, good, capfd, extension):
    random = np.random.default_rng(5)
    for number in range(12):
        content = bytearray(good[extension])
        for _ in range(int(random.choice([1, 3, 20]))):
            content[random.integers(len(content))] = random.integers(256)
        path = tmp_path / f"changed{number}{extension}"
        path.write_bytes(content)
        try:
            quietly(formats.load, path)
        except MotionFileError as error:
            assert "\n" not in str(error)
    assert capfd.readouterr() == ("", "")


def test_an_array_that_claims_more_than_its_bytes_can_hold_is_refused(tmp_path, good, capfd):
    content = bytearray(good[".fbx"])
    at = next(
        n + 1
        for n in range(27, len(content) - 13)
        if content[n] in b"dlf" and struct.unpack_from("<I", content, n + 5)[0] == 1 and content[n + 13] == 0x78
    )
    struct.pack_into("<I", content, at, 0xFFFFFFF0)
    path = tmp_path / "giant.fbx"
    path.write_bytes(content)
    assert "claims 4,294,967,280 numbers" in refused(path, capfd)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"count": 2**40}, "reaches past its buffer view"),
        ({"byteOffset": 2**40}, "reaches past its buffer view"),
        ({"componentType": 7}, "not what glTF describes"),
        ({"bufferView": 10**6}, "no buffer view"),
        ({"bufferView": None, "count": 2**33}, "not what glTF describes"),
    ],
)
def test_an_accessor_that_makes_no_sense_is_refused(tmp_path, good, capfd, change, said):
    (tmp_path / "good.glb").write_bytes(good[".glb"])
    document, binary = read_glb(tmp_path / "good.glb")
    document["accessors"][-1].update(change)
    write_glb(tmp_path / "bad.glb", document, binary)
    assert said in refused(tmp_path / "bad.glb", capfd)


@pytest.mark.parametrize("part", ["nodes", "skins", "scenes", "meshes", "accessors", "bufferViews", "buffers"])
@pytest.mark.parametrize("value", [{}, [None], "x", 5], ids=str)
def test_a_document_of_other_types_is_refused(tmp_path, good, capfd, part, value):
    (tmp_path / "good.glb").write_bytes(good[".glb"])
    document, binary = read_glb(tmp_path / "good.glb")
    document[part] = value
    write_glb(tmp_path / "bad.glb", document, binary)
    refused(tmp_path / "bad.glb", capfd)


@pytest.mark.parametrize("extension", [".fbx", ".glb", ".usd", ".blend"])
def test_a_file_without_an_armature_says_so(tmp_path, capfd, extension):
    empty_scene()
    mesh = bpy.data.meshes.new("Box")
    mesh.from_pydata([(0, 0, 0), (1, 0, 0), (0, 1, 0)], [], [(0, 1, 2)])
    box = bpy.data.objects.new("Box", mesh)
    bpy.context.scene.collection.objects.link(box)
    path = str(tmp_path / f"box{extension}")
    write = {".fbx": bpy.ops.export_scene.fbx, ".glb": bpy.ops.export_scene.gltf, ".usd": bpy.ops.wm.usd_export}
    write.get(extension, bpy.ops.wm.save_as_mainfile)(filepath=path)
    capfd.readouterr()
    assert "choose a file with a rig" in refused(tmp_path / f"box{extension}", capfd)


def test_a_key_at_the_end_of_time_is_refused_before_it_is_waited_for(tmp_path, capfd):
    empty_scene()
    obj = build_rig()
    action = quietly(swinging, obj)[0]
    curves_of(action)[0].keyframe_points[-1].co[0] = 1e6
    save_scene(tmp_path / "long.blend", obj, action)
    assert "cannot be meant" in refused(tmp_path / "long.blend", capfd)


def swinging(obj):
    from graphics_ml.blender.actions import write_action

    return write_action(obj, swing(obj), "swing")


def test_a_blend_of_a_newer_blender_is_read_and_this_is_said(tmp_path):
    empty_scene()
    obj = build_rig()
    action = swinging(obj)
    obj.animation_data.action = action
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "now.blend"), compress=False)
    content = (tmp_path / "now.blend").read_bytes()
    now = f"v{bpy.app.version[0]:02}{bpy.app.version[1]:02}".encode()
    assert content[:20].count(now) == 1
    (tmp_path / "newer.blend").write_bytes(content.replace(now, b"v9901", 1))
    _, said = quietly(formats.load, tmp_path / "newer.blend")
    assert any("written by Blender 99.1" in sentence for sentence in said)
    assert not any("written by" in sentence for sentence in quietly(formats.load, tmp_path / "now.blend")[1])


def test_a_text_fbx_is_left_to_blender(tmp_path):
    (tmp_path / "text.fbx").write_text("; FBX 7.3.0 project file\nFBXHeaderExtension: {\n}\n")
    check_fbx(tmp_path / "text.fbx")


def test_loading_and_saving_print_nothing(tmp_path):
    script = f"""
from tests.blender.test_formats import quietly, walk
from graphics_ml.blender import formats
for extension in {EXTENSIONS!r}:
    quietly(formats.save, walk(), {str(tmp_path)!r} + "/walk" + extension)
    quietly(formats.load, {str(tmp_path)!r} + "/walk" + extension)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=300, check=True)
    assert done.stdout == ""
