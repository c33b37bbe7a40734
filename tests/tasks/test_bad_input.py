"""What a user gets who asks for something impossible: one sentence, exit code 2, nothing left behind."""

import os
import re
import subprocess
import sys

import av
import cv2
import numpy as np
import pytest

from graphics_ml.cli import main
from graphics_ml.pose.video import write_video


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    """A folder of things that are no films of a person."""
    folder = tmp_path_factory.mktemp("films")
    (folder / "text.mp4").write_text("this is a letter, not a film\n" * 50)
    (folder / "empty.mp4").write_bytes(b"")
    (folder / "folder.mp4").mkdir()
    grey = (np.full((120, 160, 3), 90 + i, dtype=np.uint8) for i in range(20))
    write_video(folder / "nobody.mp4", grey, 25)
    for name in ("picture.png", "picture.jpg"):
        cv2.imwrite(str(folder / name), np.full((120, 160, 3), 90, dtype=np.uint8))
    with av.open(str(folder / "sound.mp4"), "w") as container:
        stream = container.add_stream("aac", rate=44100)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 4410), dtype=np.float32), format="fltp", layout="mono")
        frame.sample_rate = 44100
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return folder


def refused(arguments, folder, capfd):
    """Run the command line in this process; gives the one sentence it printed."""
    before = sorted(folder.rglob("*"))
    code = main([*map(str, arguments)])
    said = [line for line in capfd.readouterr().err.splitlines() if line.startswith("graphics-ml: ")]
    assert code == 2
    assert len(said) == 1, said
    assert sorted(folder.rglob("*")) == before, "something was left behind"
    return said[0]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("absent.mp4", "no such file"),
        ("folder.mp4", "folder"),
        ("text.mp4", "video"),
        ("empty.mp4", "empty"),
        ("sound.mp4", "only sound"),
        ("picture.png", "a picture, not a film"),
        ("picture.jpg", "a picture, not a film"),
        ("nobody.mp4", "nobody"),
    ],
)
@pytest.mark.parametrize("job", ["capture", "animate"])
def test_a_film_that_cannot_be_used_is_named(job, name, words, films, tmp_path, capfd):
    said = refused([job, films / name, "-o", tmp_path / "out.npz"], tmp_path, capfd)
    assert name in said and words in said


@pytest.mark.parametrize(
    ("output", "words"),
    [("out.xyz", ".xyz"), ("out", "no extension"), ("film.mp4", ".mp4"), (".", "name a file in it")],
)
def test_an_output_that_cannot_be_written_is_named(output, words, films, tmp_path, capfd):
    target = tmp_path if output == "." else tmp_path / output
    said = refused(["animate", films / "nobody.mp4", "-o", target], tmp_path, capfd)
    assert words in said


@pytest.mark.parametrize("option", ["-o", "--preview", "--save-map"])
def test_an_input_is_never_written_over(option, tmp_path, capfd):
    (tmp_path / "film.mp4").write_bytes(b"the only copy of a film")
    (tmp_path / "rig.blend").write_bytes(b"the only copy of a rig")
    (tmp_path / "map.toml").write_bytes(b"the only copy of a map")
    target = {"-o": "rig.blend", "--preview": "film.mp4", "--save-map": "map.toml"}[option]
    outputs = ["-o", tmp_path / "out.blend"] if option != "-o" else []
    inputs = ["--rig", tmp_path / "rig.blend", "--map", tmp_path / "map.toml"]
    # The same place under another name.
    outputs += [option, tmp_path / "." / ".." / tmp_path.name / target]
    said = refused(["animate", tmp_path / "film.mp4", *inputs, *outputs], tmp_path, capfd)
    assert target in said and "another name" in said
    assert b"the only copy" in (tmp_path / target).read_bytes()


@pytest.mark.parametrize(
    ("name", "words"),
    [("out.blend.job.toml", "the bone map .* job file"), ("cam.toml", "the bone map .* input")],
)
def test_no_output_replaces_another(name, words, films, tmp_path, capfd):
    (tmp_path / "cam.toml").write_text("fov = 50")
    places = ["-o", tmp_path / "out.blend", "--save-map", tmp_path / name]
    said = refused(["animate", films / "nobody.mp4", "--camera", tmp_path / "cam.toml", *places], tmp_path, capfd)
    assert re.search(words, said) and name in said


def test_a_format_that_is_only_read_is_refused_at_once_by_both_jobs(films, tmp_path, capfd):
    for job in ("capture", "animate"):
        said = refused([job, films / "text.mp4", "-o", tmp_path / "out.gltf"], tmp_path, capfd)
        assert "'.gltf' files cannot be written; use one of " in said and ".glb" in said
        assert ".gltf" not in said.partition("use one of")[2]


def test_an_unwritable_folder_is_named(films, tmp_path, capfd):
    (tmp_path / "file").write_text("in the way of a folder")
    said = refused(["animate", films / "nobody.mp4", "-o", tmp_path / "file" / "out.blend"], tmp_path, capfd)
    assert "file is a file, not a folder" in said


@pytest.mark.skipif(not hasattr(os, "geteuid") or not os.path.exists("/dev/full"), reason="needs Linux")
def test_a_read_only_folder_is_named(films, capfd, tmp_path):
    said = refused(["animate", films / "nobody.mp4", "-o", "/proc/new/out.blend"], tmp_path, capfd)
    assert "its folder cannot be made" in said


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("absent.fbx", None, "no such file"),
        ("broken.fbx", b"Kaydara FBX Binary  \x00\x1a\x00 and then nothing of use", "broken.fbx"),
        ("broken.glb", b"glTF\x02\x00\x00\x00\xff\xff\xff\xff", "broken.glb"),
        ("broken.blend", b"BLENDER-v500 cut", "broken.blend"),
        ("rig.obj", b"v 0 0 0\n", ".obj"),
        (".", None, "this is a folder"),
        ("broken.bvh", b"HIERARCHY\nROOT hips\n{\n", "broken.bvh"),
    ],
)
def test_a_rig_that_cannot_be_used_is_named(name, content, words, films, tmp_path, capfd):
    rig = tmp_path / name
    if content is not None:
        rig.write_bytes(content)
    said = refused(["animate", films / "nobody.mp4", "--rig", rig, "-o", tmp_path / "out.blend"], tmp_path, capfd)
    assert words in said


def test_a_missing_map_is_named_before_film_and_rig_are_opened(films, tmp_path, capfd):
    rig = ["--rig", tmp_path / "absent.fbx", "--map", tmp_path / "absent.toml"]
    said = refused(["animate", films / "text.mp4", *rig, "-o", tmp_path / "out.blend"], tmp_path, capfd)
    assert "absent.toml: the bone map cannot be read" in said


def test_a_rig_without_limbs_is_said_to_have_none_and_how_to_give_a_map(films, tmp_path, capfd):
    chain = "HIERARCHY\nROOT a\n{\nOFFSET 0 0 0\nCHANNELS 3 Xrotation Yrotation Zrotation\n"
    chain += "JOINT b\n{\nOFFSET 0 10 0\nCHANNELS 3 Xrotation Yrotation Zrotation\n"
    chain += "End Site\n{\nOFFSET 0 10 0\n}\n}\n}\nMOTION\nFrames: 1\nFrame Time: 0.04\n0 0 0 0 0 0\n"
    (tmp_path / "snake.bvh").write_text(chain)
    arguments = ["animate", films / "nobody.mp4", "--rig", tmp_path / "snake.bvh", "-o", tmp_path / "out.blend"]
    said = refused(arguments, tmp_path, capfd)
    assert "snake.bvh" in said and "--map" in said and "two legs" in said


def test_a_rig_file_without_an_armature_says_what_it_holds(films, tmp_path, capfd):
    script = (
        "import bpy, sys; bpy.ops.wm.read_factory_settings(use_empty=True); bpy.ops.mesh.primitive_cube_add();"
        "bpy.ops.export_scene.gltf(filepath=sys.argv[1])"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "cube.glb")], check=True, capture_output=True)
    arguments = ["animate", films / "nobody.mp4", "--rig", tmp_path / "cube.glb", "-o", tmp_path / "out.blend"]
    said = refused(arguments, tmp_path, capfd)
    assert "cube.glb" in said and "armature" in said
