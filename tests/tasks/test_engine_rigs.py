# SPDX-License-Identifier: GPL-3.0-or-later
"""Rigs with meshes for game engines, as Blender by itself sees them in a fresh process: the same rig as without a
preset, in the engine's axes and unit, under a root bone that carries the path."""

import numpy as np
import pytest

pytest.importorskip("bpy")

from graphics_ml import formats
from graphics_ml.blender.armature import edit_mode
from graphics_ml.blender.characters import build_character
from graphics_ml.blender.export import save_scene
from graphics_ml.blender.presets import presets
from graphics_ml.blender.scene import empty_scene
from graphics_ml.errors import GraphicsMLError, OutputError
from graphics_ml.jobs import Animate, JobError, Retarget
from graphics_ml.motion.humanoid import standard_skeleton
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.rotations import multiply, quaternion_from_axis_angle
from graphics_ml.run import run
from tests.blender.alone import rig_seen_by_blender_alone
from tests.blender.test_presets import nodes

FRAMES = (0, 7, 15)
CASES = [("unreal", ".fbx"), ("unity", ".fbx"), ("godot", ".glb")]
# The hips, and the bone above them that carries the path where there is one.
RIGS = {"Geno.fbx": ("Hips", None), "Knight.glb": ("hips", "root"), "own.blend": ("hips", None)}


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    return tmp_path_factory.mktemp("engine")


@pytest.fixture(scope="module")
def source(work):
    """A body that walks a quarter of a circle, bobbing and swinging its arms, as a .bvh."""
    skeleton, frames = standard_skeleton(), 16
    t = np.linspace(0, 1, frames)[:, None]
    rotations = np.tile([1.0, 0, 0, 0], (frames, len(skeleton), 1))
    rotations[:, 0] = quaternion_from_axis_angle(1.5 * t * [0, 1, 0])
    for side, sign in (("left", 1), ("right", -1)):
        swing = quaternion_from_axis_angle(0.4 * sign * np.sin(6 * t) * [1, 0, 0])
        down = quaternion_from_axis_angle(np.array([0, 0, -1.2 * sign]))
        rotations[:, skeleton.index(f"{side}_upper_arm")] = multiply(swing, down)
        rotations[:, skeleton.index(f"{side}_shin")] = quaternion_from_axis_angle(0.5 * t * [1, 0, 0])
    path = skeleton.offsets[0] + np.concatenate((0.8 * t**2, 0.05 * np.sin(9 * t), 1.1 * t), axis=1)
    formats.save(Motion(skeleton, rotations, path, 30), work / "walk.bvh")
    return work / "walk.bvh"


@pytest.fixture(scope="module")
def own(work):
    """Our own character, coarse."""
    empty_scene()
    save_scene(work / "own.blend", build_character(detail=0.4), None)
    return work / "own.blend"


@pytest.fixture(scope="module", params=RIGS)
def rig(request):
    if request.param == "own.blend":
        return request.getfixturevalue("own")
    return request.getfixturevalue("test_data") / "rigs" / request.param


@pytest.fixture(scope="module")
def plain(rig, source, work):
    """What the rig does without a preset, by extension."""
    seen = {}
    for extension in (".fbx", ".glb"):
        run(Retarget(source=source, target=rig, output=work / f"{rig.stem}_plain{extension}"))
        seen[extension] = rig_seen_by_blender_alone(work / f"{rig.stem}_plain{extension}", FRAMES)
    return seen


@pytest.mark.parametrize(("preset", "extension"), CASES)
def test_a_rig_for_an_engine_is_the_rig_under_a_root_bone_that_carries_the_path(
    preset, extension, rig, plain, source, work
):
    path, wanted = work / f"{rig.stem}_{preset}{extension}", presets()[preset]
    run(Retarget(source=source, target=rig, output=path, preset=preset))
    seen, without = rig_seen_by_blender_alone(path, FRAMES), plain[extension]
    hips, root = RIGS[rig.name]
    root = root or wanted.root_bone

    assert list(seen["tops"]) == [root] and str(seen["armature"]) == wanted.armature and len(seen["actions"]) == 1
    bones, before = ({name for name in one if name.startswith("bone ")} for one in (seen, without))
    assert bones == before | {f"bone {root}"}  # and so no leaf bones

    pelvis, path_of_root = seen[f"bone {hips}"], seen[f"bone {root}"]
    assert np.abs(path_of_root[:, 1]).max() < 1e-4
    assert np.abs((path_of_root - pelvis)[:, [0, 2]]).max() < 0.03  # Geno's hips rest two centimetres off the middle
    assert np.linalg.norm(np.ptp(pelvis[:, [0, 2]], axis=0)) > 0.4

    led = {name for name in before if np.ptp(without[name], axis=0).max() > 1e-3}  # not controls for IK, nor the root
    for name in led | {name for name in without if name.startswith("skin ")}:
        assert np.abs(seen[name] - without[name]).max() < 1e-3, name

    if extension == ".fbx":
        found, settings = nodes(path)
        assert settings["UnitScaleFactor"] == pytest.approx(100 * wanted.unit)
        assert settings["UpAxis"] == "XYZ".index(wanted.up)
        for name, (kind, *_, scale) in found.items():
            if kind == "LimbNode" or name == wanted.armature:
                assert np.abs(np.array(scale) - 1).max() < 1e-4, name
        assert np.abs(found[wanted.armature][1:3]).max() < 1e-3


def test_a_rig_with_controls_is_written_as_bones_of_one_tree(source, work):
    """A deform bone that copies another, one that hangs on a bone that does not deform, and two without a parent."""
    empty_scene()
    rig = build_character(detail=0.4)
    with edit_mode(rig):
        control = rig.data.edit_bones.new("control")
        control.head, control.tail = (0, 0, 1), (0, 0, 1.2)
        control.use_deform = False
        rig.data.edit_bones["head"].parent = control
        control.parent = rig.data.edit_bones["neck"]
        extra = rig.data.edit_bones.new("prop")
        extra.head, extra.tail = (1, 0, 0), (1, 0, 0.2)
    follower = rig.pose.bones["forearm.L"]
    copying = follower.constraints.new("LIMIT_ROTATION")
    copying.owner_space = "LOCAL"
    save_scene(work / "controls.blend", rig, None)
    for name, preset in (("controls.fbx", None), ("controls_unreal.fbx", "unreal")):
        run(Retarget(source=source, target=work / "controls.blend", output=work / name, preset=preset))
    without, seen = (rig_seen_by_blender_alone(work / name, FRAMES) for name in ("controls.fbx", "controls_unreal.fbx"))
    assert list(seen["tops"]) == ["root"] and "bone control" not in seen and "bone prop" in seen
    for name in ("bone hips", "bone head", "bone hand.L", "bone toes.R"):
        assert np.abs(seen[name] - without[name]).max() < 1e-3, name
    away = np.linalg.norm(seen["bone prop"] - seen["bone root"], axis=1)
    assert np.abs(away - 1).max() < 1e-3 and np.ptp(seen["bone prop"], axis=0).max() > 0.1  # it goes along


def test_in_place_the_root_bone_stays(source, own, work):
    run(Retarget(source=source, target=own, output=work / "still.fbx", preset="unreal", root="in place"))
    seen = rig_seen_by_blender_alone(work / "still.fbx", FRAMES)
    for name in ("bone root", "bone hips"):
        assert np.ptp(seen[name][:, [0, 2]], axis=0).max() < 1e-3


def test_a_motion_files_skeleton_gets_the_preset_too(source, work):
    run(Retarget(source=source, target=source, output=work / "bones.fbx", preset="unreal"))
    assert formats.load(work / "bones.fbx").skeleton.names[0] == "root"


@pytest.mark.parametrize(
    ("name", "preset", "said"),
    [
        ("take.glb", "unreal", r"take\.glb: the preset 'unreal' is for \.fbx"),
        ("take.bvh", "godot", r"take\.bvh: the preset 'godot' is for \.glb and \.fbx"),
        ("take.blend", "unity", "the preset 'unity' is for"),
        ("take.fbx", "cryengine", "no preset 'cryengine'"),
    ],
)
def test_a_preset_that_does_not_fit_is_refused_before_any_work(name, preset, said, source, work, tmp_path):
    with pytest.raises(OutputError, match=said):
        run(Retarget(source=source, output=tmp_path / name, preset=preset))
    film = tmp_path / "film.mp4"
    film.write_bytes(b"")
    with pytest.raises(OutputError, match=said):
        run(Animate(video=film, output=tmp_path / name, preset=preset))
    assert [path.name for path in tmp_path.iterdir()] == ["film.mp4"]


def test_settings_that_an_engines_file_cannot_follow_are_refused():
    for job in (Retarget, Animate):
        first = {"source" if job is Retarget else "video": "take"}
        with pytest.raises(JobError, match="keep_actions"):
            job(**first, output="take.fbx", preset="unreal", keep_actions=True)
    with pytest.raises(GraphicsMLError, match="root"):
        Retarget(source="take.bvh", output="take.fbx", preset="unreal", root="object")
