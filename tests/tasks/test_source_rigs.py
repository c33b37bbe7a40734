"""Edit and convert keep the rig whose motion they read: its meshes, bones, other channels and actions.

That the keys are those of the panel Clean Up is tested in tests/blender_addon.
"""

import json
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("bpy")

import bpy
from scipy.spatial import cKDTree

from graphics_ml import formats
from graphics_ml.blender.actions import PROVENANCE, write_action
from graphics_ml.blender.animation_data import curves_of
from graphics_ml.blender.armature import skeleton_from_armature
from graphics_ml.blender.armature_target import ArmatureTarget, Placement
from graphics_ml.blender.characters import build_character
from graphics_ml.blender.export import save_scene
from graphics_ml.blender.own_motion import OwnMotion
from graphics_ml.blender.rigs import load_rig, meshes_of
from graphics_ml.blender.scene import empty_scene, frame_rate, to_its_end
from graphics_ml.cli import main
from graphics_ml.errors import GraphicsMLError, MotionFileError, OutputError
from graphics_ml.jobs import Convert, Edit
from graphics_ml.motion.clean_up import CleanUp
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.resample import resample
from graphics_ml.motion.rotations import multiply, quaternion_from_axis_angle
from graphics_ml.run import run
from tests.blender.simple_rig import build_rig


def swaying(obj, frames=24, fps=30):
    """All of a rig's bones turn to and fro a little, and the body goes ahead."""
    skeleton = skeleton_from_armature(obj)
    time = np.arange(frames) / fps
    axes = np.random.default_rng(5).normal(size=(len(skeleton), 3))
    turns = quaternion_from_axis_angle(0.15 * np.sin(4 * time)[:, None, None] * axes)
    root = skeleton.offsets[0] + time[:, None] * [0.1, 0, 1.0]
    return Motion(skeleton, multiply(skeleton.rest_orientations, turns), root, fps)


def saved(path, obj, name="sway", start=11, before_saving=lambda action: None, keep_actions=False):
    action = write_action(obj, swaying(obj), name, start_frame=start)
    before_saving(action)
    save_scene(path, obj, action, keep_actions=keep_actions)
    return path


@pytest.fixture
def character(tmp_path):
    """Our own character, as .blend, which sways in the frames 11 to 34."""
    empty_scene()
    return saved(tmp_path / "character.blend", build_character(detail=0.4))


def played(path):
    obj = load_rig(path, actions=True)
    return obj, obj.animation_data.action


def keys(action):
    return {
        (curve.data_path, curve.array_index): np.array([tuple(key.co) for key in curve.keyframe_points])
        for curve in curves_of(action)
    }


def skin(obj, moments):
    """The vertices (M, V, 3) of a rig's meshes in the world, seconds after the first frame of its action."""
    scene, first, places = bpy.context.scene, obj.animation_data.action.frame_range[0], []
    for moment in moments:
        frame = first + moment * float(frame_rate(scene))
        scene.frame_set(int(frame), subframe=frame % 1)
        now = []
        for thing in meshes_of(obj):
            seen = thing.evaluated_get(bpy.context.evaluated_depsgraph_get())
            local = np.array([tuple(vertex.co) for vertex in seen.data.vertices]).reshape(-1, 3)
            world = np.array(seen.matrix_world)
            now.append(local @ world[:3, :3].T + world[:3, 3])
        places.append(np.concatenate(now))
    return places


def ensure_same_skin(one, other, within):
    for mine, theirs in zip(one, other, strict=True):
        assert len(mine) > 100
        assert cKDTree(mine).query(theirs)[0].max() < within and cKDTree(theirs).query(mine)[0].max() < within


def cleaned_in_python(path, action, **steps):
    """What the panel does: the file's rig, moved by its action, cleaned up in an open scene; gives the rig."""
    obj = load_rig(path, actions=True)
    if action:
        obj.animation_data.action = bpy.data.actions[action]
        if hasattr(obj.animation_data, "action_slot"):
            obj.animation_data.action_slot = obj.animation_data.action.slots[0]
    own = OwnMotion(ArmatureTarget(obj), obj.animation_data.action)
    motion = to_its_end(own.reading())
    work = CleanUp(motion, own.roles(motion), **steps)
    list(work)
    to_its_end(own.playing(work.motion, Placement(start_frame=own.first), work.keys))
    return obj


@pytest.mark.parametrize("extension", [".blend", ".fbx", ".glb", ".usdc"])
def test_meshes_go_on_in_every_format_that_holds_rigs(character, tmp_path, extension):
    source, moments = tmp_path / f"source{extension}", (0, 0.25, 0.7)
    run(Convert(source=character, output=source))
    wanted = skin(cleaned_in_python(source, None, mirror=True), moments)
    run(Edit(source=source, output=tmp_path / f"out{extension}", mirror=True))
    ensure_same_skin(skin(played(tmp_path / f"out{extension}")[0], moments), wanted, 1e-4)


def test_what_is_no_body_becomes_an_engine_rig_too(tmp_path):
    empty_scene()
    source = saved(tmp_path / "strip.blend", build_rig())
    motion = formats.load(source)
    outcome = run(Convert(source=source, output=tmp_path / "out.fbx", preset="unreal"))
    again = formats.load(outcome.outputs[0])
    rows = [again.skeleton.index(name) for name in motion.skeleton.names]
    np.testing.assert_allclose(again.positions()[:, rows], motion.positions(), atol=1e-4)
    assert np.ptp(again.root_positions[:, 2]) > 0.5  # the root bone goes with it


@pytest.mark.parametrize("output", ["out.glb", "out.fbx"])
def test_a_real_rig_keeps_its_meshes_and_moves_as_in_blender(test_data, tmp_path, output):
    knight = test_data / "rigs/Knight.glb"
    wanted = skin(cleaned_in_python(knight, "Walking_A", smooth=5.0, mirror=True), (0, 0.5))
    outcome = run(Edit(source=knight, output=tmp_path / output, smooth=5, mirror=True, action="Walking_A"))
    ensure_same_skin(skin(played(outcome.outputs[0])[0], (0, 0.5)), wanted, 1e-4)


def test_the_command_line_and_python_write_the_same_keys_one_file_or_several(character, tmp_path):
    steps = dict(smooth=4.0, reduce_keys=0.005)
    wanted = keys(cleaned_in_python(character, None, **steps).animation_data.action)
    (tmp_path / "takes").mkdir()
    for name in ("a.blend", "b.blend"):
        (tmp_path / "takes" / name).write_bytes(character.read_bytes())
    words = ["--smooth", "4", "--reduce-keys", "0.005"]
    assert main(["edit", str(character), "-o", str(tmp_path / "one.blend"), *words]) == 0
    # In a process of its own: those of a batch take over the search path of this one, which Blender has changed.
    command = [sys.executable, "-m", "graphics_ml.cli", "edit", "takes", "-o", "many", *words, "--jobs", "1"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=120)
    for path in (tmp_path / "one.blend", tmp_path / "many/a.blend", tmp_path / "many/b.blend"):
        obj, action = played(path)
        found = keys(action)
        assert found.keys() == wanted.keys() and meshes_of(obj) and len(bpy.data.actions) == 1
        assert max(np.abs(found[channel] - wanted[channel]).max() for channel in wanted) < 1e-6
        assert json.loads(action[PROVENANCE])["job"] == "edit"


def test_what_the_motion_does_not_move_goes_on_and_lasts_as_long(tmp_path):
    empty_scene()
    obj = build_character(detail=0.4)

    def and_a_property(action):
        obj["mood"] = 0.0
        for frame, value in ((11, 0.0), (31, 1.0)):
            obj["mood"] = value
            obj.keyframe_insert('["mood"]', frame=frame)

    source = saved(tmp_path / "moody.blend", obj, before_saving=and_a_property)
    motion = formats.load(source)
    run(Edit(source=source, output=tmp_path / "out.blend", fps=60, start=0.2))
    obj, action = played(tmp_path / "out.blend")
    found = keys(action)
    np.testing.assert_allclose(found['["mood"]', 0][:, 0], [11, 51])
    joint = next(values for (path, _), values in found.items() if path.endswith("rotation_quaternion"))
    assert joint[0, 0] == 11 + 12  # 0.2 s later, of 60 frames
    assert frame_rate(bpy.context.scene) == 60
    wanted = resample(motion.frames(6, len(motion)), 60)
    again = formats.load(tmp_path / "out.blend")
    rows = [again.skeleton.index(name) for name in wanted.skeleton.names]
    places = again.positions()[12 : 12 + len(wanted), rows]
    np.testing.assert_allclose(places, wanted.positions(), atol=2e-5)


def test_other_actions_are_left_out_and_said_or_kept(tmp_path):
    empty_scene()
    obj = build_character(detail=0.4)
    write_action(obj, swaying(obj, frames=30), "idle").use_fake_user = True
    source = saved(tmp_path / "two.blend", obj, keep_actions=True)
    for job in (Edit(source=source, output=tmp_path / "out.blend", mirror=True),
                Convert(source=source, output=tmp_path / "out.blend")):  # fmt: skip
        notes = run(job).notes
        assert any("idle" in note and "--keep-actions keeps them" in note for note in notes)
        _, action = played(tmp_path / "out.blend")
        assert action.name == "sway" and len(bpy.data.actions) == 1
    outcome = run(Edit(source=source, output=tmp_path / "out.blend", mirror=True, keep_actions=True))
    assert not any("left out" in note for note in outcome.notes)
    obj, action = played(tmp_path / "out.blend")
    assert action.name == "sway.001" and {one.name for one in bpy.data.actions} == {"idle", "sway", "sway.001"}
    notes = run(Edit(source=source, output=tmp_path / "fast.blend", fps=60, keep_actions=True)).notes
    assert any("other actions (1) were retimed from 30 to 60" in note for note in notes)
    played(tmp_path / "fast.blend")
    assert tuple(bpy.data.actions["idle"].frame_range) == (1, 59)
    run(Edit(source=source, output=tmp_path / "idle.blend", mirror=True, action="idle"))
    assert [round(end) for end in played(tmp_path / "idle.blend")[1].frame_range] == [1, 30]


def test_the_armature_that_is_named_is_the_one_that_moves(tmp_path):
    empty_scene()
    first, second = build_character(detail=0.4), build_character(detail=0.4)
    second.location.x = 2
    bpy.context.view_layer.update()
    write_action(second, swaying(second), "other").use_fake_user = True
    source = saved(tmp_path / "pair.blend", first, keep_actions=True)
    outcome = run(Edit(source=source, output=tmp_path / "out.blend", mirror=True, armature=second.name, action="other"))
    obj, action = played(outcome.outputs[0])
    assert action.name == "other" and len([one for one in bpy.data.objects if one.type == "ARMATURE"]) == 1
    assert meshes_of(obj) and obj.location.x == pytest.approx(2)
    assert any("what does not belong" in note and "'" in note for note in outcome.notes)
    with pytest.raises(MotionFileError, match="no armature called 'third'"):
        run(Edit(source=source, output=tmp_path / "out.blend", mirror=True, armature="third"))


def test_a_conversion_leaves_the_keys_of_a_rig_as_they_are(tmp_path):
    empty_scene()

    def only_some(action):
        for curve in curves_of(action):
            for key in list(curve.keyframe_points)[-2:0:-1]:
                curve.keyframe_points.remove(key)
            for key in curve.keyframe_points:
                key.interpolation = "BEZIER"

    source = saved(tmp_path / "few.blend", build_character(detail=0.4), before_saving=only_some)
    before = keys(played(source)[1])
    run(Convert(source=source, output=tmp_path / "out.blend"))
    _, action = played(tmp_path / "out.blend")
    after = keys(action)
    assert after.keys() == before.keys() and all(np.array_equal(after[one], before[one]) for one in before)
    assert {key.interpolation for key in curves_of(action)[0].keyframe_points} == {"BEZIER"}
    assert (bpy.context.scene.frame_start, bpy.context.scene.frame_end) == (11, 34)
    run(Convert(source=source, output=tmp_path / "slow.blend", fps=15))
    assert frame_rate(bpy.context.scene) == 15 and len(formats.load(tmp_path / "slow.blend")) == 24


def test_a_game_engine_gets_the_rig_with_its_meshes(character, tmp_path):
    moments = (0, 0.4)
    wanted = skin(played(character)[0], moments)
    outcome = run(Convert(source=character, output=tmp_path / "out.fbx", preset="unreal"))
    obj, _ = played(outcome.outputs[0])
    ensure_same_skin(skin(obj, moments), wanted, 1e-3)
    assert obj.data.bones[0].parent is None and sum(bone.parent is None for bone in obj.data.bones) == 1


def test_one_rig_is_put_behind_another(character, tmp_path):
    run(Edit(source=character, output=tmp_path / "out.blend", then=character, blend=0.1))
    obj, action = played(tmp_path / "out.blend")
    assert meshes_of(obj) and tuple(action.frame_range) == (11, 11 + 24 + 24 - 3 - 1)


def test_what_cannot_be_kept_is_said(character, tmp_path):
    obj = load_rig(character, actions=True)
    constraint = obj.pose.bones[0].constraints.new("LIMIT_LOCATION")
    constraint.owner_space = "LOCAL"
    save_scene(tmp_path / "limited.blend", obj, obj.animation_data.action)
    for output, said in (("out.fbx", True), ("out.blend", False)):
        notes = run(Edit(source=tmp_path / "limited.blend", output=tmp_path / output, smooth=5)).notes
        assert any("the rig's constraints and drivers" in note for note in notes) == said
    notes = run(Convert(source=character, output=tmp_path / "out.bvh")).notes
    assert any("meshes" in note for note in notes)


def test_in_a_folder_a_rig_of_a_format_only_read_becomes_one_that_is_written():
    job = Edit(source="rig.gltf", output="out", mirror=True)
    assert job.natural_extension() == ".glb"
    assert Edit(source="rig.fbx", output="out", mirror=True).natural_extension() == ".fbx"


def test_what_does_not_fit_is_told_before_a_file_is_read(tmp_path):
    (tmp_path / "rig.fbx").write_text("never read")
    for job in (Edit(source=tmp_path / "rig.fbx", output=tmp_path / "out.fbx", mirror=True, format="glb"),
                Convert(source=tmp_path / "rig.fbx", output=tmp_path / "out.npz", format="bvh")):  # fmt: skip
        with pytest.raises(OutputError, match="ends in"):
            run(job)
    with pytest.raises(GraphicsMLError, match="the format fbx has no option 'unit'"):
        run(Convert(source=tmp_path / "rig.fbx", output=tmp_path / "out.fbx", unit="cm"))
