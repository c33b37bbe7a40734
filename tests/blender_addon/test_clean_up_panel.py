# SPDX-License-Identifier: GPL-3.0-or-later
"""The panel Clean Up: what real motions do on real rigs, made better."""

import importlib.util
import json
from pathlib import Path

import bpy
import numpy as np
import pytest

_spec = importlib.util.spec_from_file_location("addon_rigs", Path(__file__).with_name("rigs.py"))
rigs = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(rigs)


@pytest.fixture
def settings(empty):
    return empty.graphics_ml.clean_up


@pytest.fixture(scope="module")
def walk(test_data, tmp_path_factory):
    return rigs.member(test_data / "motion/cmu.tar.xz", "cmu/02_01.bvh", tmp_path_factory.mktemp("walk"))


def walking(rig, walk):
    """The rig walks, at frames 11 and on; gives its action."""
    group = bpy.context.scene.graphics_ml.retarget
    group.file, group.level, group.start_frame, group.keep_rest = str(walk), "copy", 11, False
    bpy.ops.graphics_ml.retarget()
    return rig.animation_data.action


@pytest.fixture
def geno(settings, test_data, walk):
    rig = rigs.geno(test_data)
    walking(rig, walk)
    return rig


def figure(action, step, what):
    """What the record says of a measure: before and after."""
    steps = dict(json.loads(action["graphics_ml"])["steps"])
    return next((float(before), float(after)) for name, before, after, _ in steps[step] if name == what)


def counts(core, action):
    return [len(curve.keyframe_points) for curve in core("blender.animation_data").curves_of(action)]


def test_only_what_is_asked_for_is_done_and_its_figures_are_shown(settings, geno, addon):
    former = geno.animation_data.action
    settings.use_smooth, settings.use_foot_lock = True, True
    settings.smooth, settings.foot_lock = 4, 1
    bpy.ops.graphics_ml.clean_up()
    action = geno.animation_data.action
    assert action != former and former.users and tuple(action.frame_range) == tuple(former.frame_range)
    steps = addon("clean_up_panel").steps_of(geno)
    assert [name for name, _ in steps] == ["smooth", "foot lock"]
    before, after = figure(action, "smooth", "Jerkiness")
    assert after < before
    before, after = figure(action, "foot lock", "Feet slip")
    assert after < 0.5 * before
    assert any(note.startswith("Hold feet: ") for note in addon("running").last().notes)


def keys(core, action):
    """Frames, values and handles of all keys of an action, by the channel."""
    found = {}
    for curve in core("blender.animation_data").curves_of(action):
        points = curve.keyframe_points
        columns = []
        for attribute in ("co", "handle_left", "handle_right") if points[0].interpolation == "BEZIER" else ("co",):
            columns.append(np.empty(2 * len(points), dtype=np.float32))
            points.foreach_get(attribute, columns[-1])
        found[curve.data_path, curve.array_index] = np.stack(columns)
    return found


def corners(rig, frames):
    """Where Blender puts the vertices of a rig's meshes at some frames, in the world."""
    scene, places = bpy.context.scene, []
    things = sorted(
        (one for one in bpy.data.objects if one.type == "MESH" and one.visible_get()), key=lambda one: one.name
    )
    for frame in frames:
        scene.frame_set(frame)
        for thing in things:
            seen = thing.evaluated_get(bpy.context.evaluated_depsgraph_get())
            local = np.empty(3 * len(seen.data.vertices), dtype=np.float32)
            seen.data.vertices.foreach_get("co", local)
            world = np.array(seen.matrix_world)
            places.append(local.reshape(-1, 3) @ world[:3, :3].T + world[:3, 3])
    return np.concatenate(places) if places else np.zeros((0, 3))


@pytest.mark.parametrize(
    ("name", "steps"),
    [
        ("Geno", dict(smooth=5.0, mirror=True, ground=True, foot_lock=0.8)),
        ("Knight", dict(smooth=5.0, reduce_keys=0.002)),
        ("Rigify", dict(smooth=5.0, mirror=True, reduce_keys=0.002)),
        ("our own", dict(ground=True, in_place=True, foot_lock=0.8)),
    ],
)
def test_the_same_keys_come_from_the_panel_the_job_and_python(settings, test_data, walk, core, tmp_path, name, steps):
    if name == "Knight":
        rig = rigs.knight(test_data)
        # Up to 4.3 the armature's name comes after the action's.
        walks = [one for one in bpy.data.actions if one.name in ("Walking_A", f"Walking_A_{rig.name}")]
        core("blender.animation_data").assign(rig, walks[0])
    else:
        own = core("blender.characters").build_character
        makers = {"Geno": lambda: rigs.geno(test_data), "Rigify": rigs.rigify, "our own": own}
        rig = makers[name]()
        bpy.context.view_layer.objects.active = rig
        walking(rig, walk)
    first, last = map(int, rig.animation_data.action.frame_range)
    frames = [first, (first + last) // 2]
    file = tmp_path / "walk.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(file), copy=True)

    for one, value in steps.items():
        if hasattr(settings, f"use_{one}"):
            setattr(settings, f"use_{one}", True)
        setattr(settings, one, value)
    bpy.ops.graphics_ml.clean_up()
    panel, shown = keys(core, rig.animation_data.action), corners(rig, frames)

    def ensure_same(action):
        found = keys(core, action)
        assert found.keys() == panel.keys()
        for channel, values in panel.items():
            np.testing.assert_allclose(found[channel], values, atol=1e-6, err_msg=str(channel))

    out = tmp_path / "clean.blend"
    core("run").run(core("jobs").Edit(source=file, output=out, **steps))
    bpy.ops.wm.open_mainfile(filepath=str(out))
    rig = next(one for one in bpy.data.objects if one.type == "ARMATURE" and one.animation_data)
    ensure_same(rig.animation_data.action)
    assert len(shown) or name == "Rigify"  # which has no mesh
    np.testing.assert_allclose(corners(rig, frames), shown, atol=2e-5)  # of a walk metres away, in 32 bits

    bpy.ops.wm.open_mainfile(filepath=str(file))
    rig = next(one for one in bpy.data.objects if one.type == "ARMATURE" and one.animation_data)
    own = core("blender.own_motion").OwnMotion(
        core("blender.armature_target").ArmatureTarget(rig), rig.animation_data.action
    )
    to_its_end = core("blender.scene").to_its_end
    motion = to_its_end(own.reading())
    work = core("motion.clean_up").CleanUp(motion, own.roles(motion), **steps)
    list(work)
    ensure_same(
        to_its_end(
            own.playing(work.motion, core("blender.armature_target").Placement(start_frame=own.first), work.keys)
        )
    )


def test_few_keys_are_bezier_keys_and_the_rig_stays_where_it_was(settings, geno, core):
    former = geno.animation_data.action
    names = [bone.name for bone in geno.data.bones]
    frames = range(11, 60, 7)
    before = rigs.world(geno, frames, names)
    settings.use_reduce_keys, settings.reduce_keys = True, 0.02
    bpy.ops.graphics_ml.clean_up()
    action = geno.animation_data.action
    assert np.linalg.norm(rigs.world(geno, frames, names) - before, axis=-1).max() < 0.0201
    assert sum(counts(core, action)) < 0.5 * sum(counts(core, former))
    keys = core("blender.animation_data").curves_of(action)[0].keyframe_points
    assert {key.interpolation for key in keys} == {"BEZIER"}


def test_a_rigify_rig_is_cleaned_up_on_its_controls(settings, walk, core):
    rig = rigs.rigify()
    former = walking(rig, walk)
    names = ["DEF-hand.L", "DEF-foot.R", "DEF-spine.006", "DEF-spine"]
    frames = range(11, 60, 7)
    before = rigs.world(rig, frames, names)
    settings.use_reduce_keys, settings.reduce_keys = True, 0.02
    bpy.ops.graphics_ml.clean_up()
    action = rig.animation_data.action
    assert np.linalg.norm(rigs.world(rig, frames, names) - before, axis=-1).max() < 0.04
    assert sum(counts(core, action)) < 0.5 * sum(counts(core, former))
    assert all("DEF-" not in curve.data_path for curve in core("blender.animation_data").curves_of(action))


def test_only_the_frames_that_are_chosen_are_taken(settings, geno):
    settings.mirror, settings.only_range, settings.first, settings.last = True, True, 20, 40
    before = rigs.world(geno, [20], ["Hips"])[0, 0]
    bpy.ops.graphics_ml.clean_up()
    action = geno.animation_data.action
    first = min(curve.keyframe_points[0].co[0] for curve in action_curves(action))
    assert tuple(action.frame_range) == (20, 40) and first == 20
    after = rigs.world(geno, [20], ["Hips"])[0, 0]
    assert after[2] == pytest.approx(before[2], abs=1e-4)
    settings.first, settings.last = 500, 600
    with pytest.raises(RuntimeError, match="has no frames from 500 to 600"):
        bpy.ops.graphics_ml.clean_up()


def action_curves(action):
    if hasattr(action, "fcurves"):
        return list(action.fcurves)
    return [
        curve for layer in action.layers for strip in layer.strips for bag in strip.channelbags for curve in bag.fcurves
    ]


def test_of_a_single_frame_it_is_said_that_nothing_moves(settings, geno, addon):
    settings.use_smooth, settings.only_range, settings.first, settings.last = True, True, 11, 11
    bpy.ops.graphics_ml.clean_up()
    assert "Smooth: a single frame has no movement that could be smoothed" in addon("running").last().notes[0]
    assert [row[0] for _, rows in addon("clean_up_panel").steps_of(geno) for row in rows] == ["Under ground"]


def test_a_path_on_the_object_goes_to_the_bones(settings, test_data, walk):
    rig = rigs.geno(test_data)
    bpy.context.scene.graphics_ml.retarget.root = "object"
    walking(rig, walk)
    names = [bone.name for bone in rig.data.bones]
    frames = [11, 35, 60]
    before = rigs.world(rig, frames, names)
    settings.use_smooth, settings.smooth = True, 30  # above what the walk holds: it hardly changes
    bpy.ops.graphics_ml.clean_up()
    assert np.linalg.norm(rigs.world(rig, frames, names) - before, axis=-1).max() < 0.01
    assert not any(curve.data_path == "location" for curve in action_curves(rig.animation_data.action))


def test_a_result_is_run_again_on_what_it_was_made_from(settings, geno):
    former = geno.animation_data.action
    settings.mirror = True
    bpy.ops.graphics_ml.clean_up()
    once = rigs.world(geno, [11, 40], ["Hips", "Head", "LeftHand"])
    settings.mirror, settings.ground = False, True
    bpy.ops.graphics_ml.run_again()
    assert settings.mirror and not settings.ground
    np.testing.assert_allclose(rigs.world(geno, [11, 40], ["Hips", "Head", "LeftHand"]), once, atol=1e-5)
    made = [action for action in bpy.data.actions if "graphics_ml" in action]
    assert len(made) == 3 and former in made


def test_what_fails_to_run_again_leaves_the_rig_as_it_was(settings, geno, core):
    former = geno.animation_data.action
    settings.mirror = True
    bpy.ops.graphics_ml.clean_up()
    result = geno.animation_data.action
    record = json.loads(result["graphics_ml"])
    record["settings"]["loop"], record["frames"] = "find", [11, 20]
    result["graphics_ml"] = json.dumps(record)
    bpy.context.scene.frame_set(30)
    geno.pose.bones["Head"].location = 0.1, 0.2, 0.3  # posed and not keyed
    with pytest.raises(RuntimeError, match="too short"):
        bpy.ops.graphics_ml.run_again()
    assert geno.animation_data.action == result != former and len(bpy.data.actions) == 2
    np.testing.assert_allclose(geno.pose.bones["Head"].location, (0.1, 0.2, 0.3), atol=1e-6)


def test_what_is_lacking_is_said_in_one_sentence(settings, geno):
    with pytest.raises(RuntimeError, match="nothing is asked for"):
        bpy.ops.graphics_ml.clean_up()
    settings.loop, settings.only_range, settings.first, settings.last = "find", True, 11, 20
    with pytest.raises(RuntimeError, match=r"^Error: loop: .*too short"):
        bpy.ops.graphics_ml.clean_up()
    assert len(bpy.data.actions) == 1
    bpy.context.view_layer.objects.active = None
    assert not bpy.ops.graphics_ml.clean_up.poll()
