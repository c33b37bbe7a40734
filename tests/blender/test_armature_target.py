# SPDX-License-Identifier: GPL-3.0-or-later
"""A motion goes on an armature of a scene that is an animator's: what it does there, and what it leaves alone."""

import json
from fractions import Fraction

import bpy
import numpy as np
import pytest
from mathutils import Matrix, Vector

from graphics_ml.blender.actions import CONFIDENCE, KEYED, PROVENANCE, keyed_by_result, write_action
from graphics_ml.blender.animation_data import curves_of
from graphics_ml.blender.armature import disconnect, evaluated_transforms
from graphics_ml.blender.armature_target import ArmatureTarget, Placement
from graphics_ml.blender.reading import read_action
from graphics_ml.blender.scene import empty_scene, frame_rate, ours_from_blender, set_frame_rate, to_its_end
from graphics_ml.errors import ArmatureError
from graphics_ml.motion.resample import resample
from graphics_ml.motion.rotations import angle_between, rotate
from graphics_ml.motion.travel import fit_over_ground, moved
from tests.blender.simple_rig import build_rig, swing


@pytest.fixture(autouse=True)
def scene():
    scene = empty_scene()
    set_frame_rate(scene, Fraction(30))
    scene.frame_start, scene.frame_end = 7, 99
    scene.frame_set(20)
    return scene


def keys(action):
    """Frames and values of all curves, by path and index."""
    return {
        (curve.data_path, curve.array_index): [tuple(key.co) for key in curve.keyframe_points]
        for curve in curves_of(action)
    }


def places_apart(obj, motion, start=1):
    _, places = evaluated_transforms(obj, range(start, start + len(motion)), motion.skeleton.names)
    return np.abs(places - motion.positions()).max()


def test_the_armature_plays_the_motion_and_the_scene_keeps_its_time(scene):
    obj = build_rig()
    motion = swing(obj)
    action = ArmatureTarget(obj).play(motion, "dance", placement=Placement(start_frame=15))
    assert places_apart(obj, motion, 15) < 5e-6
    assert obj.animation_data.action == action and action.name == "dance"
    assert (scene.frame_start, scene.frame_end, scene.frame_current, frame_rate(scene)) == (7, 99, 20, 30)
    assert json.loads(action[PROVENANCE]) == {"made by": "test"}
    shown = np.array(obj.evaluated_get(bpy.context.evaluated_depsgraph_get()).pose.bones["hand.L"].head)
    at_twenty = evaluated_transforms(obj, [20], ["hand.L"])[1][0, 0]
    x, y, z = obj.matrix_world @ Vector(shown)
    np.testing.assert_allclose((x, z, -y), at_twenty, atol=1e-5)


def test_a_motion_of_another_rate_is_brought_to_the_scenes():
    obj = build_rig()
    motion = swing(obj, frames=41, fps=Fraction(120))
    target = ArmatureTarget(obj)
    target.play(motion, "dance")
    assert places_apart(obj, resample(motion, 30)) < 5e-6
    assert any("120 to 30 frames per second" in note for note in target.notes)


def test_the_scene_takes_the_motions_rate_and_range_where_that_is_asked_for(scene):
    obj = build_rig()
    motion = swing(obj, frames=9, fps=Fraction(24000, 1001))
    ArmatureTarget(obj).play(motion, "dance", placement=Placement(start_frame=50, rate="motion", set_range=True))
    assert (scene.frame_start, scene.frame_end, scene.frame_current) == (50, 58, 20)
    assert frame_rate(scene) == Fraction(24000, 1001)
    assert places_apart(obj, motion, 50) < 5e-6


def test_the_object_goes_along_a_path_that_is_resampled_too():
    obj = build_rig()
    motion, time = swing(obj, frames=41, fps=Fraction(120)), np.linspace(0, 1, 41)
    path = np.stack((time, 0 * time, time**2), axis=-1), np.tile([1.0, 0, 0, 0], (41, 1))
    ArmatureTarget(obj).play(motion, "dance", path=path)
    still = resample(motion, 30)
    _, places = evaluated_transforms(obj, range(1, 12), motion.skeleton.names)
    np.testing.assert_allclose(places, still.positions() + path[0][::4, None], atol=1e-5)


def test_in_a_scene_of_another_unit_the_body_is_as_large_as_the_scene_says(scene):
    obj = build_rig(scale=1.0, location=(50, -100, 25))
    scene.unit_settings.scale_length = 0.01
    target = ArmatureTarget(obj)
    in_metres = np.array([[b.head_local[:] for b in obj.data.bones]])[0] / 100
    np.testing.assert_allclose(np.ptp(target.skeleton.rest_positions()), np.ptp(in_metres), rtol=0.5)
    motion = swing(obj)
    path = np.tile([0.0, 0, 1.0], (len(motion), 1)), np.tile([1.0, 0, 0, 0], (len(motion), 1))
    target.play(motion, "dance", path=path)
    seen = obj.evaluated_get(bpy.context.evaluated_depsgraph_get())
    scene.frame_set(3)
    head = seen.matrix_world @ seen.pose.bones["hand.L"].head
    wanted = motion.positions()[2, motion.skeleton.index("hand.L")] + [0, 0, 1.0]
    np.testing.assert_allclose(np.array(head) / 100, (wanted[0], -wanted[2], wanted[1]), atol=1e-5)


def with_action(obj):
    """An animator's action: keys on the hips and a foot, on the object, a custom property, the foot's constraint."""
    obj["mood"] = 0.0
    obj.pose.bones["foot.L"].constraints.new("LIMIT_LOCATION").name = "limit"
    data = obj.animation_data_create()
    data.action = bpy.data.actions.new("walk")
    for frame, value in ((1, 0.0), (40, 1.0)):
        obj["mood"] = value
        obj.keyframe_insert('["mood"]', frame=frame)
        obj.pose.bones["hips"].location = (value, value, value)
        obj.pose.bones["hips"].scale = (1 + value,) * 3
        obj.pose.bones["foot.L"].rotation_quaternion = (1, value, 0, 0)
        obj.pose.bones["hips"].keyframe_insert("location", frame=frame)
        obj.pose.bones["hips"].keyframe_insert("scale", frame=frame)
        obj.pose.bones["foot.L"].keyframe_insert("rotation_quaternion", frame=frame)
        obj.pose.bones["foot.L"].constraints["limit"].keyframe_insert("influence", frame=frame)
        obj.keyframe_insert("scale", frame=frame)
    bpy.context.scene.frame_set(20)
    obj.pose.bones["foot.L"].rotation_quaternion = (0, 1, 0, 0)  # posed and not keyed
    return data.action


def test_what_the_current_action_does_to_all_else_goes_on_and_the_action_itself_stays():
    obj = build_rig()
    walk = with_action(obj)
    walk["graphics_ml"] = "old"
    before = keys(walk)
    motion = swing(obj)
    bones = {"hips", "spine", "arm.L"}
    part = motion.replace(
        rotations=np.where(
            np.isin(motion.skeleton.names, list(bones))[:, None], motion.rotations, motion.skeleton.rest_orientations
        )
    )
    action = ArmatureTarget(obj).play(part, "dance", bones)
    now, hips = keys(action), 'pose.bones["hips"].'
    others = {channel for channel in before if channel[0] != hips + "location"}
    assert {channel: now[channel] for channel in others} == {channel: before[channel] for channel in others}
    assert len(now[hips + "scale", 0]) == 2 and len(now[hips + "location", 0]) == 12
    assert keys(walk) == before and walk["graphics_ml"] == "old" and walk.use_fake_user
    assert json.loads(action[PROVENANCE]) == {"made by": "test"} and not action.use_fake_user
    turned = evaluated_transforms(obj, range(1, 13), list(bones))[0]
    wanted = part.orientations()[:, [motion.skeleton.index(bone) for bone in bones]]
    assert angle_between(turned, wanted).max() < 2e-5


def only(motion, bones):
    """The motion with all other joints at rest."""
    moving = np.isin(motion.skeleton.names, list(bones))[:, None]
    root = motion.root_positions if "hips" in bones else np.tile(motion.skeleton.offsets[0], (len(motion), 1))
    rotations = np.where(moving, motion.rotations, motion.skeleton.rest_orientations)
    return motion.replace(rotations=rotations, root_positions=root)


def test_what_a_result_has_keyed_is_not_in_the_next_one_and_what_the_animator_has_keyed_in_it_is():
    obj = build_rig()
    target, long = ArmatureTarget(obj), swing(obj, frames=50)
    first = target.play(long, "first")
    assert keyed_by_result(first) == {path for path, _ in keys(first)}
    for frame, size in ((1, 1.0), (5, 2.0)):
        obj.pose.bones["hand.L"].scale = (size, size, size)
        obj.pose.bones["hand.L"].keyframe_insert("scale", frame=frame)
        obj.pose.bones["spine"].keyframe_insert("scale", frame=frame)
    bpy.context.scene.frame_set(9)
    second = only(swing(obj, seed=1), {"spine", "arm.L"})
    action = target.play(second, "second")
    placed = {path.split('"')[1] for path, _ in keys(action) if not path.endswith("scale")}
    assert placed == {"spine", "arm.L"} and tuple(action.frame_range) == (1, 12)
    for bone in ("hand.L", "spine"):
        channel = f'pose.bones["{bone}"].scale', 0
        assert keys(action)[channel] == keys(first)[channel]
    assert json.loads(action[KEYED]) == sorted(path for path in {p for p, _ in keys(action)} if "scale" not in path)
    # The hips and the leg, which the first has left somewhere at frame 9, are where they rest.
    turned = evaluated_transforms(obj, range(1, 13), second.skeleton.names)[0]
    assert angle_between(turned, second.orientations()).max() < 2e-5


def test_of_what_the_current_action_does_rewritten_the_animators_keys_still_count_as_his():
    obj = build_rig()
    with_action(obj)
    target, hips = ArmatureTarget(obj), 'pose.bones["hips"].'
    walk = to_its_end(read_action(obj, to_drive=True))
    action = target.play(walk, "cleaned", walk.skeleton.names, rewritten=True)
    paths = {path for path, _ in keys(action)}
    assert hips + "scale" not in paths and 'pose.bones["spine"].rotation_quaternion' in keyed_by_result(action)
    assert keyed_by_result(action).isdisjoint({hips + "location", 'pose.bones["foot.L"].rotation_quaternion', "scale"})
    next_one = target.play(only(swing(obj), {"spine"}), "dance")
    assert len(keys(next_one)[hips + "location", 0]) == len(walk)


@pytest.mark.skipif(bpy.app.version < (4, 4, 0), reason="this Blender's actions have no slots")
def test_of_an_action_that_others_play_too_only_the_armatures_own_part_goes_on_in_the_new_one():
    obj, twin = build_rig(), build_rig(name="Twin")
    walk, lamp = with_action(obj), bpy.data.objects.new("lamp", None)
    bpy.context.scene.collection.objects.link(lamp)
    twin.animation_data_create().action = walk
    twin.animation_data.action_slot = obj.animation_data.action_slot
    lamp.animation_data_create().action = walk
    lamp.animation_data.action_slot = walk.slots.new(id_type="OBJECT", name="lamp")
    lamp.keyframe_insert("location", frame=1)
    before, slots = keys(walk), [slot.identifier for slot in walk.slots]
    action = ArmatureTarget(obj).play(swing(obj), "dance")
    assert keys(walk) == before and [slot.identifier for slot in walk.slots] == slots
    assert {other.animation_data.action for other in (twin, lamp)} == {walk}
    assert lamp.animation_data.action_slot.identifier == "OBlamp"
    assert [slot.identifier for slot in action.slots] == slots[:1]
    assert obj.animation_data.action_slot == action.slots[0]
    assert not any(path == "location" for path, _ in keys(action))


def test_an_armature_that_hangs_on_a_scaled_and_turned_object_stands_where_the_motion_says():
    obj, above = build_rig(), bpy.data.objects.new("above", None)
    bpy.context.scene.collection.objects.link(above)
    above.location, above.rotation_euler, above.scale = (1, 2, 3), (0.3, 0.2, 0.1), (1.5, 1.5, 1.5)
    obj.parent = above
    target = ArmatureTarget(obj)
    motion = swing(obj)
    target.play(motion, "dance")
    assert places_apart(obj, motion) < 1e-5
    path = np.stack((np.linspace(0, 2, 12), np.zeros(12), np.linspace(0, 1, 12)), axis=-1)
    target.play(motion, "path", path=(path, np.tile([1.0, 0, 0, 0], (12, 1))))
    _, places = evaluated_transforms(obj, range(1, 13), motion.skeleton.names)
    np.testing.assert_allclose(places, motion.positions() + path[:, None], atol=1e-5)


def test_without_the_rest_the_new_action_holds_the_motion_alone():
    obj = build_rig()
    with_action(obj)
    action = ArmatureTarget(obj).play(swing(obj), "dance", placement=Placement(keep_rest=False))
    assert {path.split(".")[-1] for path, _ in keys(action)} == {"location", "rotation_quaternion"}


def test_a_bone_above_that_goes_on_moving_does_not_carry_the_body_away():
    obj = build_rig()
    data = obj.animation_data_create()
    data.action = bpy.data.actions.new("walk")
    for mode in ("QUATERNION", "XZY", "AXIS_ANGLE"):
        hips = obj.pose.bones["hips"]
        hips.rotation_mode = mode
        for frame, value in ((1, 0.0), (12, 0.9)):
            hips.location = (10 * value, 0, value)
            hips.rotation_quaternion = (1, value, 0, value)
            hips.rotation_euler = (value, -value, 2 * value)
            hips.rotation_axis_angle = (value, 1, value, 0)
            hips.keyframe_insert("location", frame=frame)
            hips.keyframe_insert("rotation_quaternion", frame=frame)
            hips.keyframe_insert("rotation_euler", frame=frame)
            hips.keyframe_insert("rotation_axis_angle", frame=frame)
        motion = swing(obj, travel=0)
        rotations = np.array(motion.rotations)
        rotations[:, 0] = motion.skeleton.rest_orientations[0]
        still = motion.replace(rotations=rotations, root_positions=np.tile(motion.skeleton.offsets[0], (12, 1)))
        ArmatureTarget(obj).play(still, "dance", {"spine", "leg.L"})
        names = ["spine", "arm.L", "hand.L", "leg.L", "foot.L"]
        turns, _ = evaluated_transforms(obj, range(1, 13), names)
        assert angle_between(turns, still.orientations()[:, 1:]).max() < 2e-5
        assert data.action.name.startswith("dance")


def test_a_connected_bone_that_should_move_is_carried_and_the_rig_is_not_changed():
    obj = build_rig()
    bpy.ops.object.mode_set(mode="EDIT")
    root = obj.data.edit_bones.new("root")
    root.head, root.tail = (0, 2, 0), (0, 2, 95)
    obj.data.edit_bones["hips"].parent, obj.data.edit_bones["hips"].use_connect = root, True
    bpy.ops.object.mode_set(mode="OBJECT")
    motion = swing(obj)
    hips = motion.skeleton.index("hips")
    local = np.tile(motion.skeleton.offsets, (len(motion), 1, 1))
    local[:, hips] += np.linspace(0, 0.3, len(motion))[:, None]
    moved, target = motion.replace(local_positions=local), ArmatureTarget(obj)
    target.play(moved, "dance")
    names = [name for name in motion.skeleton.names if name != "root"]
    _, places = evaluated_transforms(obj, range(1, 13), names)
    wanted = moved.positions()[:, [motion.skeleton.index(name) for name in names]]
    assert np.abs(places - wanted).max() < 5e-6
    assert obj.data.bones["hips"].use_connect
    assert any("'root' carries it" in note for note in target.notes)


def state_of_all(scene):
    """All that an animator would see if it changed, of every object, and of the scene."""
    layer = bpy.context.view_layer
    objects = {
        obj.name: (
            [tuple(row) for row in obj.matrix_basis],
            obj.mode,
            obj.hide_viewport,
            obj.hide_get() if obj.name in layer.objects else None,
            obj.select_get() if obj.name in layer.objects else None,
            obj.animation_data and (obj.animation_data.action, len(obj.animation_data.nla_tracks)),
            obj.parent,
            obj.type == "ARMATURE"
            and [
                (b.name, b.use_connect, tuple(b.head_local), getattr(b, "select", None), obj.data.pose_position)
                for b in obj.data.bones
            ],
        )
        for obj in bpy.data.objects
    }
    return (
        objects,
        layer.objects.active,
        {
            scene.name: (scene.frame_start, scene.frame_end, scene.frame_current, frame_rate(scene))
            for scene in bpy.data.scenes
        },
        {kind: sorted(getattr(bpy.data, kind).keys()) for kind in ("scenes", "objects", "armatures", "collections")},
    )


def pose_of(obj):
    return [
        tuple(getattr(bone, name))
        for bone in obj.pose.bones
        for name in ("location", "rotation_quaternion", "rotation_euler", "rotation_axis_angle", "scale")
    ]


@pytest.mark.parametrize("mode", ["OBJECT", "POSE", "EDIT", "HIDDEN", "EXCLUDED", "UNLINKED", "REST"])
def test_nothing_else_of_the_scene_changes_however_the_armature_stands_in_it(scene, mode):
    obj, other = build_rig(mesh=False), build_rig(name="Other", mesh=False)
    write_action(other, swing(other), "others")
    set_frame_rate(scene, Fraction(30))
    scene.frame_set(20)
    other.pose.bones["spine"].location = (1, 2, 3)
    bpy.context.view_layer.objects.active = obj
    other.select_set(False)
    if mode in ("POSE", "EDIT"):
        bpy.ops.object.mode_set(mode=mode)
    if mode == "HIDDEN":
        obj.hide_viewport = True
    if mode == "EXCLUDED":
        collection = bpy.data.collections.new("apart")
        scene.collection.children.link(collection)
        collection.objects.link(obj)
        scene.collection.objects.unlink(obj)
        bpy.context.view_layer.layer_collection.children["apart"].exclude = True
    if mode == "UNLINKED":
        scene.collection.objects.unlink(obj)
    if mode == "REST":
        obj.data.pose_position = "REST"
    before, pose = state_of_all(scene), pose_of(other)
    target = ArmatureTarget(obj)
    motion = swing(obj)
    action = target.play(motion, "dance")
    after = state_of_all(scene)
    assert after[0].pop("Rig")[:5] == before[0].pop("Rig")[:5]
    assert after == before and pose_of(other) == pose
    assert obj.animation_data.action == action
    assert ("rest position" in " ".join(target.notes)) == (mode == "REST")
    if mode == "EDIT":
        bpy.ops.object.mode_set(mode="OBJECT")
    assert places_apart(obj, motion) < 5e-6


@pytest.mark.parametrize("active", ["edited too", "posed", "of no armature"])
def test_an_armature_in_edit_mode_is_keyed_whatever_object_is_active(scene, active):
    obj, other = build_rig(mesh=False), build_rig(name="Other", mesh=False)
    motion = swing(build_rig(mesh=False, name="Third"))
    if active == "of no armature":
        other = bpy.data.objects.new("lamp", None)
        scene.collection.objects.link(other)
    objects = bpy.context.view_layer.objects
    if active == "posed":
        objects.active = other
        bpy.ops.object.mode_set(mode="POSE")
    for one in objects:
        one.select_set(one is obj or (one is other and active == "edited too"))
    objects.active = obj
    bpy.ops.object.mode_set(mode="EDIT")
    objects.active = other
    modes = obj.mode, other.mode
    assert modes == ("EDIT", {"edited too": "EDIT", "posed": "POSE", "of no armature": "OBJECT"}[active])
    ArmatureTarget(obj).play(motion, "dance")
    assert (obj.mode, other.mode) == modes and objects.active == other
    objects.active = obj
    bpy.ops.object.mode_set(mode="OBJECT")
    assert places_apart(obj, motion) < 5e-6


def test_bones_are_edited_while_another_object_is_in_a_mode_of_its_own(scene):
    obj, other = build_rig(mesh=False), build_rig(name="Other", mesh=False)
    bpy.context.view_layer.objects.active = other
    bpy.ops.object.mode_set(mode="POSE")
    disconnect(obj)
    assert not any(bone.use_connect for bone in obj.data.bones)
    assert other.mode == "POSE" and bpy.context.view_layer.objects.active == other and obj.mode == "OBJECT"


def test_a_failed_play_leaves_all_as_it_was(scene):
    obj = build_rig()
    walk = with_action(obj)
    obj.pose.bones["spine"].location = (1, 2, 3)
    before, pose, actions = keys(walk), pose_of(obj), len(bpy.data.actions)
    motion = swing(obj)
    stranger = motion.replace(skeleton=motion.skeleton.replace(names=tuple(f"x{j}" for j in range(6))))
    with pytest.raises(ArmatureError, match="no joint of the motion"):
        ArmatureTarget(obj).play(stranger, "dance")
    with pytest.raises(ArmatureError):
        ArmatureTarget(obj).play(motion, "dance", path=(np.zeros((3, 3)), np.ones((5, 4))))
    assert keys(walk) == before and pose_of(obj) == pose and len(bpy.data.actions) == actions
    assert obj.animation_data.action == walk


def test_confidence_is_seen_on_the_timeline_and_changes_no_pose():
    obj = build_rig()
    motion = swing(obj)
    sure = np.ones((12, 6))
    sure[3:5, motion.skeleton.index("arm.L")] = (0.4, 0.2)
    action = ArmatureTarget(obj).play(motion.replace(confidence=sure), "dance")
    assert places_apart(obj, motion) < 5e-6
    curves = {curve.data_path: curve for curve in curves_of(action)}
    shown = curves[f'pose.bones["arm.L"]["{CONFIDENCE}"]']
    np.testing.assert_allclose([key.co[1] for key in shown.keyframe_points], sure[:, 2], atol=1e-6)
    assert shown.group.name == "arm.L"
    kinds = [key.type for key in curves['pose.bones["arm.L"].rotation_quaternion'].keyframe_points]
    assert [index for index, kind in enumerate(kinds) if kind == "EXTREME"] == [3, 4] and "KEYFRAME" in kinds
    assert {key.type for key in curves['pose.bones["leg.L"].rotation_quaternion'].keyframe_points} == {"KEYFRAME"}


def test_a_strip_on_a_track_plays_the_motion_and_the_current_action_stays():
    obj = build_rig()
    walk = with_action(obj)
    pose, target = pose_of(obj), ArmatureTarget(obj)
    motions = [swing(obj, seed=seed) for seed in range(3)]
    for motion, start in zip(motions, (1, 13, 5), strict=True):
        target.play(motion, "take", placement=Placement(start_frame=start, track="takes"))
    animation = obj.animation_data
    assert animation.action == walk and pose_of(obj) == pose
    assert any("'walk', plays over the strips" in note for note in target.notes)
    assert [[strip.frame_start for strip in track.strips] for track in animation.nla_tracks] == [[1, 13], [5]]
    animation.action = None
    for bone in obj.pose.bones:
        bone.matrix_basis.identity()
    animation.nla_tracks[1].mute = True
    assert places_apart(obj, motions[0]) < 5e-6 and places_apart(obj, motions[1], 13) < 5e-6
    animation.nla_tracks[1].mute = False
    assert places_apart(obj, motions[2], 5) < 5e-6


def test_nla_strips_below_add_nothing_to_the_bones_of_the_new_action():
    obj = build_rig()
    walk = with_action(obj)
    obj.animation_data.action = None
    obj.animation_data.nla_tracks.new().strips.new("walk", 1, walk)
    motion = swing(obj, travel=0)
    still = motion.replace(root_positions=np.tile(motion.skeleton.offsets[0], (12, 1)))
    ArmatureTarget(obj).play(still, "dance", {"hips", "foot.L"})
    assert places_apart(obj, still) < 5e-6


def test_what_will_not_be_seen_is_said():
    obj = build_rig()
    obj.pose.bones["spine"].lock_rotation[0] = obj.pose.bones["hips"].lock_location[2] = True
    obj.driver_add('pose.bones["hand.L"].rotation_quaternion', 1).driver.expression = "0.5"
    data = obj.animation_data_create()
    data.nla_tracks.new()
    data.action_blend_type = "ADD"
    target = ArmatureTarget(obj)
    target.play(swing(obj), "dance")
    said = " ".join(target.notes)
    assert (
        "drivers move 'hand.L'" in said
        and "locked channels: of 'hips', 'spine'" in said
        and "mixed with its NLA" in said
    )


def test_an_armature_that_cannot_be_animated_is_refused_in_one_sentence(tmp_path):
    obj = build_rig(mesh=False)
    path = tmp_path / "rig.blend"
    bpy.data.libraries.write(str(path), {obj})
    empty_scene()
    with bpy.data.libraries.load(str(path), link=True) as (_, wanted):
        wanted.objects = ["Rig"]
    linked = wanted.objects[0]
    bpy.context.scene.collection.objects.link(linked)
    with pytest.raises(ArmatureError, match=r"linked from another file.*library override"):
        ArmatureTarget(linked)
    override = linked.override_create(remap_local_usages=True)
    override.override_library.is_system_override = True
    with pytest.raises(ArmatureError, match="not editable"):
        ArmatureTarget(override)
    override.override_library.is_system_override = False
    set_frame_rate(bpy.context.scene, Fraction(30))
    target, motion = ArmatureTarget(override), swing(override)
    target.play(motion, "dance")
    assert places_apart(override, motion) < 5e-6
    empty = bpy.data.objects.new("cube", None)
    with pytest.raises(ArmatureError, match="no armature"):
        ArmatureTarget(empty)


# A character of few bones that is known as a body, facing -Y, its feet at its origin: name, parent, head, tail.
_BODY = (
    ("hips", None, (0, 0, 1.0), (0, 0, 1.2)),
    ("spine", "hips", (0, 0, 1.2), (0, 0, 1.5)),
    ("head", "spine", (0, 0, 1.5), (0, 0, 1.7)),
    *((f"upper_arm.{s}", "spine", (x * 0.2, 0, 1.45), (x * 0.45, 0, 1.45)) for s, x in (("L", 1), ("R", -1))),
    *((f"forearm.{s}", f"upper_arm.{s}", (x * 0.45, 0, 1.45), (x * 0.7, 0, 1.45)) for s, x in (("L", 1), ("R", -1))),
    *((f"hand.{s}", f"forearm.{s}", (x * 0.7, 0, 1.45), (x * 0.8, 0, 1.45)) for s, x in (("L", 1), ("R", -1))),
    *((f"thigh.{s}", "hips", (x * 0.1, 0, 0.95), (x * 0.1, 0, 0.5)) for s, x in (("L", 1), ("R", -1))),
    *((f"shin.{s}", f"thigh.{s}", (x * 0.1, 0, 0.5), (x * 0.1, 0, 0.08)) for s, x in (("L", 1), ("R", -1))),
    *((f"foot.{s}", f"shin.{s}", (x * 0.1, 0, 0.08), (x * 0.1, -0.15, 0.02)) for s, x in (("L", 1), ("R", -1))),
)


def build_body(turned=0.0):
    """The character, its bones turned about the vertical within the armature."""
    data = bpy.data.armatures.new("Body")
    obj = bpy.data.objects.new("Body", data)
    bpy.context.scene.collection.objects.link(obj)
    bpy.context.view_layer.objects.active = obj
    bpy.ops.object.mode_set(mode="EDIT")
    for name, parent, head, tail in _BODY:
        bone = data.edit_bones.new(name)
        bone.head, bone.tail = (Matrix.Rotation(turned, 3, "Z") @ Vector(place) for place in (head, tail))
        bone.parent = data.edit_bones[parent] if parent else None
    bpy.ops.object.mode_set(mode="OBJECT")
    bpy.context.view_layer.update()
    return obj


def hanging(obj, **how):
    """The object hung on an empty that is placed so."""
    above = bpy.data.objects.new("above", None)
    bpy.context.scene.collection.objects.link(above)
    for name, value in how.items():
        setattr(above, name, value)
    obj.parent = above


PLACES = {
    "moved": lambda obj: setattr(obj, "location", (3, -2, 0.5)),
    "turned": lambda obj: setattr(obj, "rotation_euler", (0, 0, 0.7)),
    "hung": lambda obj: hanging(obj, location=(1, 2, 0), rotation_euler=(0, 0, -2.0), scale=(1.3, 1.3, 1.3)),
}


def leftward(joints):
    """The level direction to the left of a body, of the places of its joints by their names."""
    across = (joints["thigh.L"] - joints["thigh.R"], joints["upper_arm.L"] - joints["upper_arm.R"])
    level = [one[[0, 2]] / np.linalg.norm(one[[0, 2]]) for one in across]
    return sum(level) / np.linalg.norm(sum(level))


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
@pytest.mark.parametrize("along", [False, True], ids=["hips", "object"])
def test_from_where_the_rig_stands_a_motion_begins_there_and_goes_on_as_recorded(place, along):
    """In the first frame the hips are over the object and the body faces as the object does; all frames are those that
    were recorded far away, carried over the ground as one."""
    obj = build_body()
    place(obj)
    bpy.context.view_layer.update()
    world, motion = obj.matrix_world.copy(), swing(obj, travel=0.7)
    turn, shift = np.array([np.cos(1.1), 0, np.sin(1.1), 0]), np.array([10.0, -world.translation.z, -4])
    line = shift + np.linspace(0, 2, len(motion))[:, None] * [1.0, 0, 2.0] * along
    path = (line, np.tile(turn, (len(motion), 1))) if along else None
    recorded = motion if along else moved(motion, turn, shift)
    ArmatureTarget(obj).play(recorded, "there", path=path, placement=Placement(stand="rig"))
    names = motion.skeleton.names
    _, places = evaluated_transforms(obj, range(1, len(motion) + 1), names)
    first = dict(zip(names, places[0], strict=True))
    np.testing.assert_allclose(first["hips"][[0, 2]], ours_from_blender(np.array(world.translation))[[0, 2]], atol=2e-5)
    left = ours_from_blender(np.array(world.to_quaternion() @ Vector((1, 0, 0))))
    np.testing.assert_allclose(leftward(first), left[[0, 2]], atol=2e-5)
    there = (rotate(turn, motion.positions()) + line[:, None]).reshape(-1, 3)
    turned, shifted = fit_over_ground(there, places.reshape(-1, 3))
    wanted = rotate(turned, there) + shifted + [0, world.translation.z, 0]
    np.testing.assert_allclose(places.reshape(-1, 3), wanted, atol=5e-5)


def test_where_limbs_do_not_tell_where_the_body_faces_only_the_place_counts():
    obj = build_rig()  # no person
    obj.location, obj.rotation_euler = (3, -2, 0), (0, 0, 0.7)
    bpy.context.view_layer.update()
    target, motion = ArmatureTarget(obj), swing(obj)
    target.play(motion, "there", placement=Placement(stand="rig"))
    _, places = evaluated_transforms(obj, range(1, len(motion) + 1), motion.skeleton.names)
    wanted = motion.positions()
    wanted = wanted + [1, 0, 1] * (np.array([3.0, 0, 2]) - wanted[0, motion.skeleton.index("hips")])
    np.testing.assert_allclose(places, wanted, atol=2e-5)


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_an_object_that_is_turned_because_its_character_faces_elsewhere_counts_as_unturned(quarters):
    obj = build_body(turned=-quarters * np.pi / 2)
    obj.rotation_euler.z = quarters * np.pi / 2
    turn, shift = ArmatureTarget(obj).stand()
    assert turn.tolist() == [1, 0, 0, 0] and not shift.any()
    obj.rotation_euler.z += 0.4
    turn, _ = ArmatureTarget(obj).stand()
    np.testing.assert_allclose(turn, [np.cos(0.2), 0, np.sin(0.2), 0], atol=1e-6)


def test_the_height_of_an_origin_that_is_not_at_the_feet_is_none_of_the_floor():
    obj = build_body()
    obj.location = (1, 2, 3)
    np.testing.assert_allclose(ArmatureTarget(obj).stand()[1], [1, 3, -2], atol=1e-6)
    obj.data.transform(Matrix.Translation((0, 0, -1)))  # the origin is at the hips
    np.testing.assert_allclose(ArmatureTarget(obj).stand()[1], [1, 0, -2], atol=1e-6)
