# SPDX-License-Identifier: GPL-3.0-or-later
import bpy
import numpy as np
import pytest

from graphics_ml import formats
from graphics_ml.blender.actions import curves_of
from graphics_ml.blender.armature import deform_flags, evaluated_transforms, skeleton_from_armature
from graphics_ml.blender.armature_target import ArmatureTarget, Placement
from graphics_ml.blender.export import save_scene
from graphics_ml.blender.reading import read_action
from graphics_ml.blender.rigify import drive_skeleton, driven_bones, switch_to_fk
from graphics_ml.blender.rigs import load_rig
from graphics_ml.blender.scene import empty_scene, quiet, set_frame_rate, to_its_end
from graphics_ml.errors import ArmatureError, FormatWarning
from graphics_ml.motion.bone_map import recognize
from graphics_ml.motion.humanoid import REQUIRED_ROLES
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.rotations import angle_between, multiply, quaternion_from_axis_angle, rotate
from tests.blender.simple_rig import build_rig, play_alone, swing

FINGERS = ("f_", "thumb", "palm")


@pytest.fixture(scope="module")
def rigify_file(tmp_path_factory):
    """A rig made by Blender's own Rigify of its human metarig; generating takes seconds, so once for all tests."""
    empty_scene()
    with quiet():
        bpy.ops.preferences.addon_enable(module="rigify")
        bpy.ops.object.armature_human_metarig_add()
        metarig = bpy.context.object
        bpy.ops.pose.rigify_generate()
        path = tmp_path_factory.mktemp("rigify") / "human.blend"
        bpy.data.objects.remove(metarig)
        bpy.ops.wm.save_as_mainfile(filepath=str(path))
        bpy.ops.preferences.addon_disable(module="rigify")
    return path


@pytest.fixture
def rig(rigify_file):
    return load_rig(rigify_file)


def dance(skeleton, frames=20, amplitude=0.5, still=("breast", "palm")):
    """All joints turn smoothly, fingers a third as much; the body travels and turns round."""
    random = np.random.default_rng(3)
    time = np.linspace(0, 5, frames)[:, None, None]
    amount = np.array(
        [
            0.0 if any(s in n for s in still) else 0.15 if any(f in n for f in FINGERS) else amplitude
            for n in skeleton.names
        ]
    )
    turn = amount[:, None] * np.sin(time + random.uniform(0, 6, (1, len(skeleton), 3)))
    rotations = multiply(skeleton.rest_orientations, quaternion_from_axis_angle(turn))
    round_about = quaternion_from_axis_angle(time[:, 0] * np.array([0.0, 0.5, 0]))
    rotations[:, 0] = multiply(round_about, rotations[:, 0])
    path = skeleton.offsets[0] + np.concatenate((time, -0.1 * np.cos(time) ** 2, np.sin(time)), axis=-1)[:, 0]
    return Motion(skeleton, rotations, path, 30, provenance={"made by": "test"})


def directions_apart(obj, motion, names):
    """Degrees (F, B) between where bones point by Blender's evaluation and where the motion's joints point."""
    seen, _ = evaluated_transforms(obj, range(1, len(motion) + 1), names)
    wanted = motion.orientations()[:, [motion.skeleton.index(name) for name in names]]
    along = np.array([0.0, 1, 0])
    cosine = (rotate(seen, along) * rotate(wanted, along)).sum(-1)
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))


def test_a_rigs_free_bones_need_no_controls():
    empty_scene()
    obj = build_rig()
    assert driven_bones(obj) == {}
    skeleton, note = drive_skeleton(obj)
    assert skeleton.names == skeleton_from_armature(obj).names and note == ""


def test_rigify_limbs_are_keyed_through_their_fk_controls(rig):
    controls = driven_bones(rig)
    for part in ("upper_arm", "forearm", "hand", "thigh", "shin", "foot", "toe"):
        for side in "LR":
            assert controls[f"DEF-{part}.{side}"] == f"{part}_fk.{side}"
    assert controls["DEF-spine.004"] == "neck" and controls["DEF-spine.006"] == "head"
    assert controls["DEF-shoulder.L"] == "shoulder.L" and controls["DEF-f_index.02.R"] == "f_index.02.R"
    assert len(set(controls.values())) == len(controls)


def test_the_driven_skeleton_is_a_body_that_is_recognised(rig):
    skeleton, note = drive_skeleton(rig)
    assert "FK" in note
    parent = {name: skeleton.names[p] for name, p in zip(skeleton.names, skeleton.parents, strict=True) if p >= 0}
    assert parent["DEF-forearm.L"] == "DEF-upper_arm.L" and parent["DEF-upper_arm.L"] == "DEF-shoulder.L"
    assert parent["DEF-thigh.R"] == "DEF-spine" and parent["DEF-shoulder.L"] == "DEF-spine.003"
    roles = recognize(skeleton).roles
    assert all(role in roles for role in REQUIRED_ROLES)
    assert roles["left_forearm"] == "DEF-forearm.L" and roles["hips"] == "DEF-spine"


def test_a_rigify_rig_follows_a_motion_within_two_degrees(rig):
    skeleton, _ = drive_skeleton(rig)
    motion, notes = dance(skeleton), []
    play_alone(rig, motion, "dance", notes=notes)
    names = [name for name in skeleton.names if "breast" not in name and "palm" not in name]
    assert directions_apart(rig, motion, names).max() < 2
    _, places = evaluated_transforms(rig, range(1, len(motion) + 1), ["DEF-spine"])
    assert np.abs(places[:, 0] - motion.root_positions).max() < 1e-3
    assert len(notes) == 1 and "IK was switched off" in notes[0]


def test_hands_feet_and_head_roll_with_the_motion_too(rig):
    skeleton, _ = drive_skeleton(rig)
    motion = dance(skeleton)
    play_alone(rig, motion, "dance")
    names = ["DEF-spine", "DEF-spine.006", "DEF-forearm.L", "DEF-hand.L", "DEF-hand.R", "DEF-foot.L", "DEF-shin.R"]
    seen, _ = evaluated_transforms(rig, range(1, len(motion) + 1), names)
    wanted = motion.orientations()[:, [skeleton.index(name) for name in names]]
    assert np.degrees(angle_between(seen, wanted)).max() < 2


def test_only_controls_of_joints_that_move_or_are_asked_for_are_keyed(rig):
    skeleton, _ = drive_skeleton(rig)
    motion = dance(skeleton)
    rotations = np.tile(skeleton.rest_orientations, (len(motion), 1, 1))
    arm = skeleton.index("DEF-upper_arm.L")
    rotations[:, arm] = motion.rotations[:, arm]
    still = Motion(skeleton, rotations, np.tile(skeleton.offsets[0], (len(motion), 1)), 30)
    action = play_alone(rig, still, "wave", bones=["DEF-forearm.L"])
    switches = [curve for curve in curves_of(action) if curve.data_path.endswith('["IK_FK"]')]
    assert len(switches) == 4
    keyed = {curve.data_path.split('"')[1] for curve in curves_of(action) if curve not in switches}
    assert keyed == {"upper_arm_fk.L", "forearm_fk.L"}
    assert directions_apart(rig, still, ["DEF-upper_arm.L", "DEF-forearm.L"]).max() < 2


def test_the_saved_rig_still_follows(rig, tmp_path):
    skeleton, _ = drive_skeleton(rig)
    motion = dance(skeleton)
    save_scene(tmp_path / "out.blend", rig, play_alone(rig, motion, "dance"))
    again = load_rig(tmp_path / "out.blend", actions=True)
    assert directions_apart(again, motion, ["DEF-forearm.L", "DEF-shin.R", "DEF-spine.006"]).max() < 2


def test_what_ik_makes_a_rig_do_is_read_from_its_deform_bones(rig, tmp_path):
    control = rig.pose.bones["hand_ik.L"]
    for frame, height in ((1, 0.0), (10, 0.3)):
        control.location = (0, 0, height)
        control.keyframe_insert("location", frame=frame)
    names = [f"DEF-{part}" for part in ("upper_arm.L", "forearm.L", "hand.L", "thigh.R", "spine.003")]
    turns, places = evaluated_transforms(rig, range(1, 11), names)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "ik.blend"))
    with pytest.warns(FormatWarning, match="its deform bones are read, and not the"):
        motion = formats.load(tmp_path / "ik.blend")
    joints = [motion.skeleton.index(name) for name in names]
    np.testing.assert_allclose(motion.positions()[:, joints], places, atol=1e-5)
    assert angle_between(motion.orientations()[:, joints], turns).max() < 1e-4
    assert np.ptp(places[:, 2], axis=0).max() > 0.1
    for skeleton in (motion.skeleton, formats.load_skeleton(tmp_path / "ik.blend")):
        roles = recognize(skeleton).roles
        assert all(role in roles for role in REQUIRED_ROLES) and all(name.startswith("DEF-") for name in roles.values())
        assert roles["left_shoulder"] == "DEF-shoulder.L" and roles["left_hand"] == "DEF-hand.L"
        assert skeleton.names[0] == "DEF-spine"


def test_in_a_file_of_another_format_rigifys_names_stand_for_free_bones(rig, tmp_path):
    save_scene(tmp_path / "again.fbx", rig, None)
    assert driven_bones(load_rig(tmp_path / "again.fbx")) == {}


def test_other_programs_get_the_deform_bones_alone(rig, tmp_path):
    skeleton, _ = drive_skeleton(rig)
    motion = dance(skeleton, frames=6)
    save_scene(tmp_path / "out.glb", rig, play_alone(rig, motion, "dance"))
    again = load_rig(tmp_path / "out.glb", actions=True)
    names = {bone.name for bone in again.data.bones}
    assert {"DEF-forearm.L", "DEF-spine.006"} <= names
    assert not any(name.startswith(("MCH-", "VIS-")) for name in names)


@pytest.mark.parametrize("extension", [".glb", ".fbx", ".usd"])
def test_what_was_written_for_other_programs_is_a_rig_again(rig, tmp_path, extension):
    skeleton, _ = drive_skeleton(rig)
    motion = dance(skeleton, frames=6)
    action = play_alone(rig, motion, "dance")
    names = [name for name in skeleton.names if "breast" not in name and "palm" not in name]
    parents = {bone.name: bone.parent and bone.parent.name for bone in rig.data.bones}
    constraints = {bone.name: len(bone.constraints) for bone in rig.pose.bones}
    save_scene(tmp_path / f"out{extension}", rig, action)
    assert parents == {bone.name: bone.parent and bone.parent.name for bone in rig.data.bones}
    assert constraints == {bone.name: len(bone.constraints) for bone in rig.pose.bones}

    again = load_rig(tmp_path / f"out{extension}", actions=True)
    same, theirs = skeleton_from_armature(again), recognize(skeleton).roles
    ours = recognize(same, deform_flags(again, same)).roles
    assert {role: ours.get(role) for role in theirs} == theirs
    first = round(again.animation_data.action.frame_range[0])
    _, places = evaluated_transforms(again, range(first, first + 6), names)
    wanted = motion.positions()[:, [skeleton.index(name) for name in names]]
    assert np.abs(places - wanted).max() < 2e-3


def test_switching_to_fk_says_what_it_changed_and_only_once(rig):
    assert sorted(switch_to_fk(rig)) == ["thigh_parent.L", "thigh_parent.R", "upper_arm_parent.L", "upper_arm_parent.R"]
    assert switch_to_fk(rig) == []


def add_control(obj, target, name):
    bpy.context.view_layer.objects.active = obj
    bpy.ops.object.mode_set(mode="EDIT")
    source, bone = obj.data.edit_bones[target], obj.data.edit_bones.new(name)
    bone.head, bone.tail, bone.roll = source.head, source.tail, source.roll
    bone.parent, bone.use_deform = source.parent, False
    bpy.ops.object.mode_set(mode="OBJECT")
    copy = obj.pose.bones[target].constraints.new("COPY_TRANSFORMS")
    copy.target, copy.subtarget = obj, name


def test_a_deform_bone_that_copies_a_control_is_keyed_there():
    empty_scene()
    obj = build_rig()
    add_control(obj, "arm.L", "ctrl_arm.L")
    assert driven_bones(obj)["arm.L"] == "ctrl_arm.L" and driven_bones(obj)["hips"] == "hips"
    skeleton, _ = drive_skeleton(obj)
    motion = swing(obj)
    motion = Motion(
        skeleton,
        motion.rotations[:, [motion.skeleton.index(name) for name in skeleton.names]],
        motion.root_positions,
        motion.fps,
    )
    action = play_alone(obj, motion, "swing")
    keyed = {curve.data_path.split('"')[1] for curve in curves_of(action)}
    assert "ctrl_arm.L" in keyed and "arm.L" not in keyed
    assert directions_apart(obj, motion, skeleton.names).max() < 2


def test_ik_on_deform_bones_is_muted_and_said():
    empty_scene()
    obj = build_rig()
    goal = bpy.data.objects.new("Goal", None)
    bpy.context.scene.collection.objects.link(goal)
    constraint = obj.pose.bones["foot.L"].constraints.new("IK")
    constraint.target, constraint.chain_count = goal, 2
    skeleton, _ = drive_skeleton(obj)
    motion, notes = swing(obj), []
    play_alone(obj, motion, "swing", notes=notes)
    assert constraint.mute and "foot.L" in notes[0]
    assert directions_apart(obj, motion, skeleton.names).max() < 0.1


def test_the_body_moves_where_its_top_bone_hangs_connected_from_a_bone_that_is_no_part_of_it():
    empty_scene()
    obj = build_rig()
    bpy.context.view_layer.objects.active = obj
    bpy.ops.object.mode_set(mode="EDIT")
    ground = obj.data.edit_bones.new("ground")
    ground.tail, ground.use_deform = obj.data.edit_bones["hips"].head, False
    obj.data.edit_bones["hips"].parent, obj.data.edit_bones["hips"].use_connect = ground, True
    bpy.ops.object.mode_set(mode="OBJECT")
    add_control(obj, "arm.L", "ctrl_arm.L")
    skeleton, _ = drive_skeleton(obj)
    assert skeleton.names[0] == "hips"
    motion = dance(skeleton)
    play_alone(obj, motion, "dance")
    _, places = evaluated_transforms(obj, range(1, len(motion) + 1), ["hips"])
    assert np.abs(places[:, 0] - motion.root_positions).max() < 1e-3
    assert directions_apart(obj, motion, skeleton.names).max() < 2


def test_a_motion_of_another_rig_is_refused(rig):
    empty_scene()
    obj = build_rig()
    motion = swing(obj)
    obj.pose.bones["foot.L"].constraints.new("IK")
    stranger = motion.replace(skeleton=motion.skeleton.replace(names=tuple(f"x{j}" for j in range(6))))
    with pytest.raises(ArmatureError, match="no joint of the motion"):
        play_alone(obj, stranger, "swing")


def test_in_an_open_scene_what_the_animator_keyed_besides_goes_on_and_the_body_follows_all_the_same(rig):
    scene = bpy.context.scene
    set_frame_rate(scene, 30)
    bones, animation = rig.pose.bones, rig.animation_data_create()
    animation.action = walk = bpy.data.actions.new("walk")
    for frame, value in ((1, 0.0), (40, 1.0)):
        bones["root"].location = (value, 0, value)
        bones["root"].keyframe_insert("location", frame=frame)
        bones["upper_arm_parent.L"]["IK_FK"] = 0.0
        bones["upper_arm_parent.L"].keyframe_insert('["IK_FK"]', frame=frame)
        bones["hand_ik.L"].location = (0, value, 0)
        bones["hand_ik.L"].keyframe_insert("location", frame=frame)
    scene.frame_set(1)
    target = ArmatureTarget(rig)
    motion = dance(target.skeleton)
    action = target.play(motion, "dance", placement=Placement(start_frame=11))
    names = ["DEF-spine", "DEF-forearm.L", "DEF-hand.L", "DEF-hand.R", "DEF-foot.L"]
    turns, places = evaluated_transforms(rig, range(11, 31), names)
    rows = [motion.skeleton.index(name) for name in names]
    assert np.degrees(angle_between(turns, motion.orientations()[:, rows])).max() < 2
    assert np.linalg.norm(places[:, 0] - motion.root_positions, axis=-1).max() < 1e-3
    curves = {(c.data_path, c.array_index): [tuple(k.co) for k in c.keyframe_points] for c in curves_of(action)}
    assert curves['pose.bones["root"].location', 0] == [(1, 0), (40, 1)]
    assert curves['pose.bones["hand_ik.L"].location', 1] == [(1, 0), (40, 1)]
    assert curves['pose.bones["upper_arm_parent.L"]["IK_FK"]', 0] == [(11, 1)]
    assert len(curves_of(walk)) == 7 and scene.frame_current == 1


def test_where_a_rigify_rig_cannot_be_keyed_its_switches_and_action_stay(rig):
    target = ArmatureTarget(rig)
    motion = dance(target.skeleton)
    stranger = motion.replace(skeleton=motion.skeleton.replace(names=tuple(f"x{n}" for n in motion.skeleton.names)))
    with pytest.raises(ArmatureError, match="no joint of the motion"):
        target.play(stranger, "dance")
    assert {rig.pose.bones[f"{part}_parent.{side}"]["IK_FK"] for part in ("upper_arm", "thigh") for side in "LR"} == {0}
    assert not bpy.data.actions and rig.animation_data.action is None


def test_a_rigify_rigs_own_action_comes_back_as_the_motion_it_was(rig):
    set_frame_rate(bpy.context.scene, 30)
    target = ArmatureTarget(rig)
    motion = dance(target.skeleton)
    target.play(motion, "dance")
    again = to_its_end(read_action(rig, to_drive=True))
    assert again.skeleton.names == target.skeleton.names and len(again) == len(motion)
    rows = [motion.skeleton.index(name) for name in ("DEF-spine", "DEF-hand.L", "DEF-foot.R", "DEF-spine.006")]
    assert np.abs(again.positions() - motion.positions())[:, rows].max() < 2e-3


def test_a_strip_switches_to_fk_itself_and_the_rig_stays_as_it_was(rig):
    set_frame_rate(bpy.context.scene, 30)
    target = ArmatureTarget(rig)
    motion = dance(target.skeleton)
    target.play(motion, "dance", placement=Placement(track="dances"))
    assert {rig.pose.bones[f"{part}_parent.{side}"]["IK_FK"] for part in ("upper_arm", "thigh") for side in "LR"} == {0}
    assert directions_apart(rig, motion, ["DEF-forearm.L", "DEF-hand.R", "DEF-shin.L"]).max() < 2


def test_solving_controls_goes_in_short_steps_and_can_be_stopped_at_each(rig):
    set_frame_rate(bpy.context.scene, 30)
    target = ArmatureTarget(rig)
    rig.pose.bones["chest"].location = (0.1, 0.2, 0.3)
    motion = dance(target.skeleton, frames=100)
    pose = [tuple(bone.location) + tuple(bone.rotation_quaternion) for bone in rig.pose.bones]
    steps = target.playing(motion, "dance")
    seen = [next(steps) for _ in range(4)]
    assert [done for _, done, total in seen if total == 100][:3] == [0, 25, 50]
    made_meanwhile = bpy.data.actions.new("the animator's")
    steps.close()
    assert pose == [tuple(bone.location) + tuple(bone.rotation_quaternion) for bone in rig.pose.bones]
    assert bpy.data.actions[:] == [made_meanwhile] and rig.animation_data.action is None
    assert {rig.pose.bones[f"{part}_parent.{side}"]["IK_FK"] for part in ("upper_arm", "thigh") for side in "LR"} == {0}
    target.play(motion, "dance")
    assert directions_apart(rig, motion, ["DEF-forearm.L", "DEF-hand.R", "DEF-shin.L"]).max() < 2
    turns = [curve for curve in curves_of(rig.animation_data.action) if "quaternion" in curve.data_path]
    for curve in turns:
        values = np.array([key.co[1] for key in curve.keyframe_points])
        assert np.abs(np.diff(values)).max(initial=0) < 0.5
