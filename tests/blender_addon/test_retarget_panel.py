# SPDX-License-Identifier: GPL-3.0-or-later
"""The panel Retarget: real motions onto real rigs."""

import importlib.util
import json
import re
import shutil
from pathlib import Path

import bpy
import numpy as np
import pytest
from mathutils import Matrix

_spec = importlib.util.spec_from_file_location("addon_rigs", Path(__file__).with_name("rigs.py"))
rigs = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(rigs)

_MEASURED = 5e-3  # metres: where a character that is not quite even faces along no axis, it faces a little elsewhere


@pytest.fixture(scope="module")
def walk(test_data, tmp_path_factory):
    return rigs.member(test_data / "motion/cmu.tar.xz", "cmu/02_01.bvh", tmp_path_factory.mktemp("walk"))


@pytest.fixture(scope="module")
def bow(test_data, tmp_path_factory):
    archive = test_data / "motion/bandai1.tar.xz"
    return rigs.member(archive, "dataset1/dataset-1_bow_active_001.bvh", tmp_path_factory.mktemp("bow"))


@pytest.fixture
def settings(empty):
    return empty.graphics_ml.retarget


@pytest.fixture
def geno(settings, test_data):
    return rigs.geno(test_data)


def keys(core, action):
    """Values of the keys of all curves, by path and index."""
    found = {}
    for curve in core("blender.animation_data").curves_of(action):
        values = np.empty(2 * len(curve.keyframe_points), dtype=np.float32)
        curve.keyframe_points.foreach_get("co", values)
        found[curve.data_path, curve.array_index] = values.reshape(-1, 2)
    return found


def assert_same_keys(one, other):
    assert one.keys() == other.keys()
    for curve, values in one.items():
        np.testing.assert_allclose(values, other[curve], atol=1e-6, err_msg=str(curve))


def test_the_same_keys_come_from_the_panel_the_job_and_python(settings, geno, bow, core, tmp_path):
    rig = tmp_path / "geno.blend"
    stood = geno.matrix_basis.copy()
    bpy.ops.wm.save_as_mainfile(filepath=str(rig), copy=True)
    settings.file, settings.rate, settings.keep_rest = str(bow), "motion", False
    settings.level, settings.foot_lock, settings.root = "touch", 0.7, "object"
    bpy.ops.graphics_ml.retarget()
    panel = keys(core, geno.animation_data.action)
    record = json.loads(geno.animation_data.action["graphics_ml"])
    assert record["job"] == "retarget" and record["settings"]["source"] == str(bow)

    geno.animation_data_clear()
    for bone in geno.pose.bones:
        bone.matrix_basis.identity()
    geno.matrix_basis = stood
    bpy.context.view_layer.update()
    target = core("blender.armature_target").ArmatureTarget(geno)
    motion = core("formats").load(bow)
    bones = target.recognised()
    pair = core("motion.retarget").Retargeter(motion, target.skeleton, None, bones)
    options = dict(level="touch", foot_lock=0.7, root="object", soles=target.soles(bones))
    result, path, _ = pair.on_rig(motion, **options)
    placement = core("blender.armature_target").Placement(rate="motion", keep_rest=False)
    assert_same_keys(panel, keys(core, target.play(result, "python", pair.led, path, placement)))

    job = core("jobs").Retarget(
        source=bow, target=rig, output=tmp_path / "out.blend", level="touch", foot_lock=0.7, root="object"
    )
    core("run").run(job)  # in the scene that it empties
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "out.blend"))
    (obj,) = (one for one in bpy.data.objects if one.type == "ARMATURE")
    assert_same_keys(panel, keys(core, obj.animation_data.action))


@pytest.mark.parametrize("name", ["knight", "rigify"])
def test_rigs_with_controls_and_actions_of_their_own_follow(settings, test_data, walk, core, name):
    rig = rigs.knight(test_data) if name == "knight" else rigs.rigify()
    before = {action.name for action in bpy.data.actions}
    settings.file, settings.start_frame = str(walk), 11
    settings.keep_rest = False
    bpy.ops.graphics_ml.retarget()
    action = rig.animation_data.action
    assert action.name.startswith("02_01") and before <= {one.name for one in bpy.data.actions}
    motion = core("formats").load(walk)
    rate = core("blender.scene").frame_rate(bpy.context.scene)
    assert tuple(action.frame_range) == (11, 11 + int((len(motion) - 1) * rate / motion.fps))
    # The hips go as far as their legs are long beside the source's: measured here from hip to ankle.
    target = json.loads(action["graphics_ml"])["bones"]["target"]
    roles = ("hips", "left_thigh", "left_shin", "left_foot")
    places = rigs.world(rig, [11, int(action.frame_range[1])], [target[role] for role in roles])
    bones = core("motion.bone_map").recognize(motion.skeleton).joints(motion.skeleton)
    source = motion.positions()[[0, -1]][:, [bones[role] for role in roles]]
    went = [np.linalg.norm((one[1, 0] - one[0, 0])[axes]) for one, axes in ((places, [0, 1]), (source, [0, 2]))]
    legs = [np.linalg.norm(np.diff(one[0, 1:], axis=0), axis=-1).sum() for one in (places, source)]
    assert went[0] / went[1] == pytest.approx(legs[0] / legs[1], rel=0.1)


def test_a_file_that_blender_reads_is_read_without_a_change_to_the_scene(settings, geno, test_data):
    settings.file = str(test_data / "motion/ortiz_situp.fbx")
    objects = set(bpy.data.objects.keys())
    bpy.ops.graphics_ml.retarget()
    assert set(bpy.data.objects.keys()) == objects
    assert geno.animation_data.action.name == "ortiz_situp"


def test_a_file_that_cannot_be_read_is_named_in_one_sentence(settings, geno, test_data, tmp_path):
    broken = tmp_path / "broken.fbx"
    broken.write_bytes(b"Kaydara FBX Binary  \x00\x1a\x00" + bytes(range(256)))
    settings.file = str(broken)
    with pytest.raises(RuntimeError, match=r"^Error: [^\n]*broken\.fbx[^\n]*\n$"):
        bpy.ops.graphics_ml.retarget()
    settings.file = str(next((test_data / "markers").glob("*.c3d")))
    with pytest.raises(RuntimeError, match="this needs the environment"):
        bpy.ops.graphics_ml.retarget()
    assert geno.animation_data is None or geno.animation_data.action is None


def test_another_armature_leads_at_the_same_frames(settings, geno, bow, addon, core):
    settings.file = str(bow)
    bpy.ops.graphics_ml.retarget()
    first = geno.animation_data.action
    other = geno.copy()
    other.data = geno.data.copy()
    bpy.context.scene.collection.objects.link(other)
    other.animation_data_clear()
    other.name = "Follower"
    settings.source_from, settings.source_armature, settings.target_armature = "armature", geno, other
    settings.level, settings.foot_lock = "copy", 0.0
    bpy.ops.graphics_ml.retarget()
    assert other.animation_data.action != first and geno.animation_data.action == first
    roles = json.loads(other.animation_data.action["graphics_ml"])["bones"]["target"]
    bones = [roles[role] for role in ("hips", "left_hand", "right_foot", "head")]
    frames = [1, 20, 40]
    np.testing.assert_allclose(rigs.world(other, frames, bones), rigs.world(geno, frames, bones), atol=2e-3)


def test_a_folder_goes_on_one_track_strip_by_strip_and_a_bad_file_is_named(settings, geno, bow, walk, addon, tmp_path):
    for source in (bow, walk):
        (tmp_path / source.name).write_bytes(source.read_bytes())
    (tmp_path / "bad.bvh").write_text("HIERARCHY\nROOT x\n{")
    (tmp_path / "notes.txt").write_text("no motion")
    settings.source_from, settings.folder, settings.track, settings.start_frame = "folder", str(tmp_path), "takes", 5
    bpy.ops.graphics_ml.retarget()
    strips = geno.animation_data.nla_tracks["takes"].strips
    assert [strip.action.name for strip in strips] == ["02_01", "dataset-1_bow_active_001"]
    assert strips[0].frame_start == 5 and strips[1].frame_start > strips[0].frame_end
    notes = addon("running").last().notes
    assert notes[0].startswith("2 of 3 motions") and notes[1].startswith("bad was left out: ") and "bad.bvh" in notes[1]
    record = json.loads(strips[1].action["graphics_ml"])
    assert record["placement"]["start_frame"] == strips[1].frame_start

    for path in tmp_path.glob("0*.bvh"):
        path.write_text("HIERARCHY")
    next(tmp_path.glob("data*.bvh")).unlink()
    with pytest.raises(RuntimeError, match="none of the 2 motions could be used; the first: 02_01 was left out"):
        bpy.ops.graphics_ml.retarget()


def with_fingers(geno):
    """An action of an animator: a bent finger, and a head that is squashed."""
    finger, head = (geno.pose.bones[name] for name in ("LeftHandIndex1", "Head"))
    for frame, value in ((1, 0.0), (9, 0.4)):
        finger.rotation_quaternion, head.scale = (1, value, 0, 0), (1, 1 + value, 1)
        finger.keyframe_insert("rotation_quaternion", frame=frame)
        head.keyframe_insert("scale", frame=frame)
    action = geno.animation_data.action
    action.name = "by hand"
    return action


def assert_kept(core, by_hand, action):
    """All that the animator has keyed is in a result too."""
    now = keys(core, action)
    for channel, values in keys(core, by_hand).items():
        np.testing.assert_array_equal(values, now[channel], err_msg=str(channel))


def test_bones_that_the_source_lacks_keep_the_animators_keys_and_so_do_the_sizes_of_all(
    settings, geno, bow, core, tmp_path
):
    by_hand = with_fingers(geno)
    settings.file = str(bow)
    bpy.ops.graphics_ml.retarget()
    action = geno.animation_data.action
    assert_kept(core, by_hand, action)
    fingers = {path for path, _ in keys(core, action) if "Hand" in path and path.split('"')[1][-1].isdigit()}
    assert fingers == {'pose.bones["LeftHandIndex1"].rotation_quaternion'}
    geno.animation_data.action = None
    rig = tmp_path / "geno.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(rig), copy=True)
    core("run").run(core("jobs").Retarget(source=bow, target=rig, output=tmp_path / "out.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "out.blend"))
    (obj,) = (one for one in bpy.data.objects if one.type == "ARMATURE")
    paths = {path for path, _ in keys(core, obj.animation_data.action)}
    assert 'pose.bones["LeftHand"].rotation_quaternion' in paths and not any("HandIndex" in path for path in paths)


@pytest.mark.parametrize("animated", [True, False])
def test_in_a_batch_each_result_is_what_it_would_be_alone(
    settings, geno, bow, walk, test_data, core, animated, tmp_path
):
    by_hand = with_fingers(geno) if animated else None
    settings.file = str(bow)
    bpy.ops.graphics_ml.retarget()
    alone = keys(core, geno.animation_data.action)
    geno.animation_data.action = by_hand
    files = {"a_situp.fbx": test_data / "motion/ortiz_situp.fbx", "b_bow.bvh": bow, "c_walk.bvh": walk}
    for name, path in files.items():
        (tmp_path / name).write_bytes(path.read_bytes())
    settings.source_from, settings.folder = "folder", str(tmp_path)
    bpy.ops.graphics_ml.retarget()
    made = {name.split(".")[0]: bpy.data.actions[name.split(".")[0]] for name in files}
    assert_same_keys(alone, keys(core, made["b_bow"]))
    assert all(action.users for action in made.values()) and geno.animation_data.action == made["c_walk"]
    if animated:
        assert_kept(core, by_hand, made["c_walk"])
    else:
        assert not any("HandIndex" in path for path, _ in keys(core, made["c_walk"]))
        bpy.context.scene.frame_set(20)
        turn = geno.pose.bones["LeftHandIndex1"].rotation_quaternion
        np.testing.assert_allclose(turn, (1, 0, 0, 0), atol=1e-6)  # and not as the sit-up has left it
    settings.source_from = "file"  # one after the other they are the same
    bpy.ops.graphics_ml.retarget()
    if not animated:
        assert_same_keys(alone, keys(core, geno.animation_data.action))


def test_all_actions_of_an_armature_become_actions_of_another(settings, test_data, core):
    source = rigs.knight(test_data)
    wanted = sorted(action.name for action in bpy.data.actions)[:3]
    for action in list(bpy.data.actions):
        if action.name not in wanted:
            bpy.data.actions.remove(action)
    bpy.data.actions.new("of a lamp")
    target = rigs.geno(test_data)
    settings.source_from, settings.source_armature, settings.target_armature = "actions", source, target
    settings.level = "copy"
    bpy.ops.graphics_ml.retarget()
    made = [action for action in bpy.data.actions if "graphics_ml" in action]
    assert len(made) == 3
    assert {json.loads(action["graphics_ml"])["objects"]["action"] for action in made} == set(wanted)


def test_esc_in_a_batch_keeps_what_is_done(settings, geno, bow, addon, tmp_path):
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.bvh").write_bytes(bow.read_bytes())
    settings.source_from, settings.folder = "folder", str(tmp_path)
    running = addon("running")
    panel = addon("retarget_panel")
    done = panel._done

    def stopping(retargeting, source, label, start):
        if source.name == "b":
            running.going_on().stop_asked = True
        return done(retargeting, source, label, start)

    panel._done = stopping
    try:
        assert bpy.ops.graphics_ml.retarget() == {"FINISHED"}
    finally:
        panel._done = done
    assert [action.name for action in bpy.data.actions] == ["a"]
    assert running.last().notes == [f"Stopped; 1 of 3 motions are on '{geno.name}'"]


def test_the_bone_list_is_found_corrected_saved_loaded_and_used(settings, geno, bow, core, addon, tmp_path):
    settings.file = str(bow)
    bpy.ops.graphics_ml.bones_map()
    rows = {row.role: row for row in settings.bones}
    assert rows["left_upper_arm"].name == "Left upper arm" and rows["left_upper_arm"].source == "UpperArm_L"
    assert {one.name for one in settings.target_bones} == {bone.name for bone in geno.data.bones}
    lists = addon("bone_list")
    assert not lists.unsure(rows["hips"])
    assert not rows["left_thumb_1"].source and not lists.unsure(rows["left_thumb_1"])  # nothing can be done about that
    thigh, rows["left_thigh"].target = rows["left_thigh"].target, ""
    assert lists.unsure(rows["left_thigh"])
    rows["left_thigh"].target = thigh

    head = rows["head"].target
    rows["head"].target = ""
    bpy.ops.graphics_ml.bones_save(filepath=str(tmp_path / "map"))
    bpy.ops.graphics_ml.bones_clear()
    assert not settings.bones
    bpy.ops.graphics_ml.bones_load(filepath=str(tmp_path / "map.toml"))
    rows = {row.role: row for row in settings.bones}
    assert rows["head"].target == "" and rows["neck"].target and not lists.unsure(rows["neck"])
    maps = core("motion.bone_map_files")
    skeleton = core("blender.rigify").drive_skeleton(geno)[0]
    assert "head" not in maps.load_map(tmp_path / "map.toml", skeleton).roles

    bpy.ops.graphics_ml.retarget()
    keyed = {path for path, _ in keys(core, geno.animation_data.action)}
    assert not any(f'"{head}"' in path for path in keyed)
    arm, rows["left_hand"].target = rows["left_upper_arm"].target, "nonsense"
    rows["head"].target, rows["left_upper_arm"].target = head, rows["left_shoulder"].target
    rows["left_shoulder"].target = ""
    rows["left_toes"].target = "gibberish"
    with pytest.raises(RuntimeError, match=r"Left hand \('nonsense'\), Left toes \('gibberish'\).*bones for left hand"):
        bpy.ops.graphics_ml.retarget()
    rows["left_hand"].target = "LeftHand"
    bpy.ops.graphics_ml.retarget()
    notes = addon("running").last().notes
    assert any("Left toes ('gibberish'); the other rows were used" in note for note in notes)
    used = json.loads(geno.animation_data.action["graphics_ml"])["bones"]["target"]
    assert used["left_upper_arm"] != arm and "left_toes" not in used
    rows["left_foot"].target = ""
    with pytest.raises(RuntimeError, match="the target lacks bones for left foot"):
        bpy.ops.graphics_ml.retarget()


def test_a_note_names_a_setting_as_the_panel_does(settings, geno, walk, tmp_path):
    settings.file = str(tmp_path / "cut.bvh")
    lines = walk.read_text().splitlines(keepends=True)
    (tmp_path / "cut.bvh").write_text("".join(lines[:-20]))
    with pytest.raises(RuntimeError, match=r"take those found: Accept Cut-Off Files\n$"):
        bpy.ops.graphics_ml.retarget()


@pytest.mark.parametrize(
    "content", [b"[bones\nx", b"\xff\xfe\x00", b"", b"[bones]\nhips = 3", b'[bones]\nhips = "nowhere"', None]
)
@pytest.mark.parametrize("operator", ["bones_load", "bones_use"])
def test_a_broken_bone_map_is_told_in_one_sentence(settings, geno, walk, tmp_path, operator, content):
    settings.file, path = str(walk), tmp_path / "bad.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RuntimeError, match=r"^Error: [^\n]*bad\.toml[^\n]*\n$"):
        getattr(bpy.ops.graphics_ml, operator)(filepath=str(path))
    assert not settings.bones


def test_frames_in_notes_are_those_of_the_timeline(settings, geno, walk, core, addon):
    settings.file, settings.start_frame = str(walk), 501
    bpy.ops.graphics_ml.retarget()
    note = next(note for note in addon("running").last().notes if "the left leg was bent" in note)
    frames = [int(number) for number in re.findall(r"\d+", note.partition("frames: ")[2])]
    motion, target = core("formats").load(walk), core("blender.armature_target").ArmatureTarget(geno)
    pair = core("motion.retarget").Retargeter(motion, target.skeleton, None, target.recognised())
    bent = pair(motion, soles=target.soles(target.recognised()))[1].corrected[:, 0].nonzero()[0]
    rate = core("blender.scene").frame_rate(bpy.context.scene) / motion.fps
    np.testing.assert_allclose((min(frames), max(frames)), 501 + bent[[0, -1]] * float(rate), atol=0.5)


def test_presets_are_known_kinds_of_rigs_and_the_users_own(settings, geno, bow, addon):
    settings.file = str(bow)
    bpy.ops.graphics_ml.bones_map(source_family="Bandai-Namco")
    assert next(row for row in settings.bones if row.role == "left_shin").source == "LowerLeg_L"
    with pytest.raises(RuntimeError, match="not named as those of Mixamo"):
        bpy.ops.graphics_ml.bones_map(source_family="Mixamo")
    next(row for row in settings.bones if row.role == "neck").target = ""
    bpy.ops.graphics_ml.bones_keep(name="my hero")
    lists = addon("bone_list")
    assert lists.presets() == ["my_hero"] and lists.preset_path("my hero").is_file()
    bpy.ops.graphics_ml.bones_clear()
    bpy.ops.graphics_ml.bones_use(filepath=str(lists.preset_path("my hero")))
    assert next(row for row in settings.bones if row.role == "neck").target == ""
    # One that came from elsewhere may have any name.
    lists.preset_path("my hero").rename(lists.preset_folder() / "my other hero (2).toml")
    assert lists.presets() == ["my other hero (2)"] and lists.preset_path("my other hero (2)").is_file()
    bpy.ops.graphics_ml.bones_forget(name="my other hero (2)")
    assert lists.presets() == []


def test_a_bone_that_is_chosen_twice_is_told(settings, geno, bow, addon, drawn, core):
    settings.file = str(bow)
    bpy.ops.graphics_ml.bones_map()
    said = "bone 'LeftFoot' is chosen for several parts of the body: "
    lists, panel = addon("bone_list"), addon("retarget_panel").GRAPHICS_ML_PT_retarget
    assert lists.named_twice(settings) == []
    rows = {row.role: row for row in settings.bones}
    rows["left_toes"].target = rows["left_foot"].target
    (sentence,) = lists.named_twice(settings)
    assert sentence.startswith("the rig's " + said) and "left foot, left toes" in sentence
    shown = " ".join(named["text"] for name, _, named in drawn(panel) if name == "label" and "text" in named)
    assert said in shown
    bpy.ops.graphics_ml.retarget()
    assert any(said in note for note in addon("running").last().notes)


def test_a_result_is_run_again(settings, geno, bow, core):
    settings.file, settings.level, settings.start_frame = str(bow), "copy", 31
    bpy.ops.graphics_ml.retarget()
    first = geno.animation_data.action
    settings.file, settings.level, settings.start_frame = "", "touch", 1
    settings.bones.clear()
    geno.name = "Hero"  # it is known by what it plays
    bpy.ops.graphics_ml.run_again()
    second = geno.animation_data.action
    assert second != first
    assert_same_keys(keys(core, first), keys(core, second))
    one, other = (json.loads(action["graphics_ml"]) for action in (first, second))
    assert one["settings"] == other["settings"] and one["bones"] == other["bones"]


@pytest.mark.parametrize("root", ["hips", "object"])
def test_after_a_path_on_the_object_the_next_result_starts_where_the_first_did(settings, geno, bow, walk, root):
    frames, names = [1, 40], ["Hips", "Head", "LeftHand"]
    settings.file, settings.level, settings.root = str(bow), "copy", root
    bpy.ops.graphics_ml.retarget()
    wanted = rigs.world(geno, frames, names)
    settings.file, settings.root = str(walk), "object"
    bpy.ops.graphics_ml.retarget()
    bpy.context.scene.frame_set(60)
    walked = geno.animation_data.action
    settings.file, settings.root = str(bow), root
    bpy.ops.graphics_ml.retarget()
    np.testing.assert_allclose(rigs.world(geno, frames, names), wanted, atol=1e-4)
    assert walked.users and len([action for action in bpy.data.actions if "graphics_ml" in action]) == 3


@pytest.fixture
def far_bow(bow, core, tmp_path):
    """The bow, recorded 3 m away and turned."""
    motion = core("formats").load(bow)
    turn = core("motion.rotations").quaternion_from_axis_angle(np.array([0.0, 2.2, 0]))
    away = [2.4, 0, -1.8] - motion.positions()[0, 0] * [1, 0, 1]
    path = tmp_path / "far_bow.bvh"
    core("formats").save(core("motion.travel").moved(motion, turn, away), path)
    return path


# Of a result its record tells the bones: the hips, and what shows where the body faces.
_SEEN = ("hips", "left_thigh", "right_thigh", "left_upper_arm", "right_upper_arm", "head", "left_hand")


def seen_at(rig, action, frames):
    roles = json.loads(action["graphics_ml"])["bones"]["target"]
    return rigs.world(rig, frames, [roles[role] for role in _SEEN])


def heading(places):
    """Degrees by which a body with places (len(_SEEN), 3) is turned about Blender's vertical; 0: its left is at +X."""
    across = [places[1] - places[2], places[3] - places[4]]
    x, y = sum(one[:2] / np.linalg.norm(one[:2]) for one in across)
    return np.degrees(np.arctan2(y, x))


def begun_at(place, degrees, places):
    """Places (F, len(_SEEN), 3) carried over the ground so that the first hips are at a place and the body is turned
    so."""
    turn = np.array(Matrix.Rotation(np.radians(degrees - heading(places[0])), 3, "Z"))
    return (places - places[0, 0] * [1, 1, 0]) @ turn.T + place


@pytest.mark.parametrize(
    ("name", "root"), [("geno", "hips"), ("geno", "object"), ("knight", "bone"), ("rigify", "hips")]
)
def test_a_placed_rig_is_told_that_it_is_left_or_the_motion_begins_there(
    settings, test_data, far_bow, addon, name, root
):
    """Of the preview and of Run Again too: where the rig stands, as it faces, and from there on as recorded."""
    rig = rigs.rigify() if name == "rigify" else getattr(rigs, name)(test_data)
    settings.file, settings.level, settings.root = str(far_bow), "copy", root
    stood = rig.matrix_basis.copy()

    def seen_of(operator):
        assert operator() == {"FINISHED"}
        found = seen_at(rig, rig.animation_data.action, [1, 20, 50])
        return found, [note for note in addon("running").last().notes if "away from the world's origin" in note]

    def put_back(place):
        rig.animation_data_clear()
        for bone in rig.pose.bones:
            bone.matrix_basis.identity()
        rig.matrix_basis = place @ stood
        bpy.context.view_layer.update()

    plain, told = seen_of(bpy.ops.graphics_ml.retarget)
    assert not told and np.linalg.norm(plain[0, 0, :2]) > 1 and abs(heading(plain[0])) > 90
    there = Matrix.Translation((4, -3, 0)) @ Matrix.Rotation(1.9, 4, "Z")
    put_back(there)
    as_recorded, told = seen_of(bpy.ops.graphics_ml.retarget)
    np.testing.assert_allclose(as_recorded, plain, atol=_MEASURED)
    assert len(told) == 1 and f"'{rig.name}' stands 5 m away" in told[0] and "turned by 109°" in told[0]
    put_back(there)
    wanted = begun_at([4, -3, 0], np.degrees(1.9), as_recorded)
    for operator, stand in ((bpy.ops.graphics_ml.retarget, "rig"), (bpy.ops.graphics_ml.run_again, "world")):
        settings.stand = stand
        begun, told = seen_of(operator)
        assert np.linalg.norm(begun[0, 0, :2] - (4, -3)) < 0.01 and abs(heading(begun[0]) - np.degrees(1.9)) < 1
        np.testing.assert_allclose(begun, wanted, atol=1e-4)
        assert not told and settings.stand == "rig"
    roles = json.loads(rig.animation_data.action["graphics_ml"])["bones"]["target"]
    put_back(there)
    bpy.context.scene.frame_set(1)
    bpy.ops.graphics_ml.retarget_preview()
    seen = rig.evaluated_get(bpy.context.evaluated_depsgraph_get())
    shown = [seen.matrix_world @ seen.pose.bones[roles[role]].head for role in _SEEN]
    bpy.ops.graphics_ml.retarget_preview()
    np.testing.assert_allclose(shown, wanted[0], atol=1e-4)


@pytest.mark.parametrize("root", ["hips", "object"])
@pytest.mark.parametrize("current", [1, 70])
def test_each_strip_begins_where_the_rig_stands(settings, geno, bow, far_bow, root, current):
    shutil.copy(bow, far_bow.parent)
    geno.matrix_basis = Matrix.Translation((4, -3, 0)) @ Matrix.Rotation(1.9, 4, "Z") @ geno.matrix_basis
    bpy.context.scene.frame_set(current)
    settings.source_from, settings.folder, settings.level = "folder", str(far_bow.parent), "copy"
    settings.root, settings.track, settings.stand = root, "takes", "rig"
    bpy.ops.graphics_ml.retarget()
    strips = geno.animation_data.nla_tracks["takes"].strips
    assert len(strips) == 2
    for strip in strips:
        (seen,) = seen_at(geno, strip.action, [int(strip.frame_start)])
        assert np.linalg.norm(seen[0, :2] - (4, -3)) < 0.01 and abs(heading(seen) - np.degrees(1.9)) < 1


def test_what_is_lacking_is_said_in_one_sentence(settings, geno, bow, tmp_path):
    with pytest.raises(RuntimeError, match="no file is chosen to take the motion from"):
        bpy.ops.graphics_ml.retarget()
    settings.file = str(tmp_path / "gone.bvh")
    with pytest.raises(RuntimeError, match="there is no such file"):
        bpy.ops.graphics_ml.retarget()
    settings.file, settings.root = str(bow), "bone"
    settings.source_from, settings.source_armature = "armature", geno
    with pytest.raises(RuntimeError, match="is both where the motion comes from"):
        bpy.ops.graphics_ml.retarget()
    settings.source_from = "file"
    bpy.context.view_layer.objects.active = None
    with pytest.raises(RuntimeError, match="no armature is chosen"):
        bpy.ops.graphics_ml.retarget()
    assert not [action for action in bpy.data.actions if "graphics_ml" in action]


class TestPreview:
    @pytest.fixture
    def former(self, geno):
        return self.pose(geno)

    @pytest.fixture
    def shown(self, settings, geno, former, bow, addon):
        settings.file, settings.level, settings.rate = str(bow), "copy", "motion"
        bpy.context.scene.frame_set(30)
        bpy.ops.graphics_ml.retarget_preview()
        yield addon("live_preview")
        addon("live_preview").end()

    def pose(self, obj):
        return np.array([np.array(bone.matrix_basis) for bone in obj.pose.bones])

    def test_it_shows_what_retargeting_would_key_and_follows_frame_and_settings(self, shown, settings, geno, core):
        bones = [bone.name for bone in geno.data.bones]
        seen = {}
        for frame in (30, 45):
            bpy.context.scene.frame_set(frame)
            seen[frame] = rigs.world(geno, [frame], bones)[0]
        hips = geno.pose.bones["Hips"].location.copy()
        settings.root = "in place"
        bpy.context.scene.update_tag()  # as Blender does where a property is edited in a window
        bpy.context.view_layer.update()
        assert not np.allclose(geno.pose.bones["Hips"].location, hips, atol=1e-3)
        in_place = rigs.world(geno, [45], bones)[0]
        assert not np.allclose(in_place, seen[45], atol=1e-3)
        settings.root = "hips"
        assert not [action for action in bpy.data.actions if "graphics_ml" in action]
        bpy.ops.graphics_ml.retarget()
        assert not shown.is_on()
        for frame, places in seen.items():
            np.testing.assert_allclose(rigs.world(geno, [frame], bones)[0], places, atol=1e-4)

    def test_nothing_of_it_stays(self, shown, geno, former, tmp_path):
        posed = self.pose(geno)
        assert not np.allclose(posed, former, atol=1e-3)
        bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "saved.blend"), copy=True)
        np.testing.assert_allclose(self.pose(geno), posed, atol=1e-5)  # it is on again
        bpy.ops.graphics_ml.retarget_preview()
        assert not shown.is_on()
        np.testing.assert_allclose(self.pose(geno), former, atol=1e-5)
        assert "graphics_ml_former_pose" not in geno
        bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "saved.blend"))
        saved = next(one for one in bpy.data.objects if one.type == "ARMATURE")
        np.testing.assert_allclose(self.pose(saved), former, atol=1e-5)

    def test_undo_leaves_nothing_of_it(self, settings, geno, former, bow, addon):
        settings.file, settings.level = str(bow), "copy"
        name = geno.name
        bpy.ops.ed.undo_push(message="before")
        bpy.context.scene.frame_set(30)
        bpy.ops.graphics_ml.retarget_preview("EXEC_DEFAULT", True)
        bpy.ops.mesh.primitive_cube_add("EXEC_DEFAULT", True)
        bpy.ops.mesh.primitive_cube_add("EXEC_DEFAULT", True)
        bpy.ops.ed.undo()
        obj = bpy.data.objects[name]
        assert not addon("live_preview").is_on() and "graphics_ml_former_pose" not in obj
        np.testing.assert_allclose(self.pose(obj), former, atol=1e-5)

    def test_it_ends_with_a_sentence_where_a_bone_is_renamed(self, shown, geno, former):
        geno.data.bones["LeftHand"].name = "Hand"
        bpy.context.scene.frame_set(31)
        assert not shown.is_on() and "the bones of the rig have changed" in shown.problem()
        others = [row for row, bone in enumerate(geno.pose.bones) if bone.name != "Hand"]
        np.testing.assert_allclose(self.pose(geno)[others], former[others], atol=1e-5)

    def test_it_ends_with_a_sentence_where_it_cannot_go_on(self, shown, settings, geno, former):
        settings.file = "elsewhere.bvh"
        bpy.context.view_layer.update()
        bpy.context.scene.frame_set(31)
        assert not shown.is_on() and "press Preview again" in shown.problem()
        np.testing.assert_allclose(self.pose(geno), former, atol=1e-5)
