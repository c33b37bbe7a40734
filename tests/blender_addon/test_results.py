# SPDX-License-Identifier: GPL-3.0-or-later
"""What panels do with a result: a new action with its record, one undo step, run again."""

import json
from fractions import Fraction

import bpy
import numpy as np
import pytest


@pytest.fixture
def rig(empty):
    """A hip and a leg, 1 m."""
    data = bpy.data.armatures.new("Rig")
    obj = bpy.data.objects.new("Rig", data)
    empty.collection.objects.link(obj)
    bpy.context.view_layer.objects.active = obj
    bpy.ops.object.mode_set(mode="EDIT")
    for name, head, tail in (("hips", (0, 0, 1), (0, 0, 1.2)), ("leg", (0, 0, 1), (0, 0, 0))):
        bone = data.edit_bones.new(name)
        bone.head, bone.tail = head, tail
    data.edit_bones["leg"].parent = data.edit_bones["hips"]
    bpy.ops.object.mode_set(mode="OBJECT")
    empty.render.fps = 30
    return obj


@pytest.fixture
def sway(core):
    """A function (skeleton) -> motion of one second."""

    def motion(skeleton):
        turns = core("motion.rotations").quaternion_from_axis_angle(np.linspace(0, 1, 30)[:, None] * [[0.0, 0, 1]])
        rotations = np.tile(skeleton.rest_orientations, (30, 1, 1))
        rotations[:, 1] = core("motion.rotations").multiply(rotations[:, 1], turns)
        root = np.tile(skeleton.offsets[0], (30, 1))
        return core("motion.motion").Motion(skeleton, rotations, root, Fraction(30))

    return motion


@pytest.fixture
def panel(addon, core, sway):
    """A panel of the test: settings of the job retarget, and an operator that puts a motion on the active object."""
    results, jobs = addon("results"), core("jobs")
    settings = addon("properties").group_of(
        jobs.Retarget, leave_out=("source", "output", "target"), more=results.PLACEMENT, name="TEST_PG_sway"
    )

    class Sway(addon("running").Running, bpy.types.Operator):
        """Sway"""

        bl_idname = "graphics_ml.test_sway"
        bl_label = "Sway"

        def work(self, context):
            group = context.scene.test_sway
            job = addon("properties").job_from(group, source="sway.bvh", output="out.blend")
            target = core("blender.armature_target").ArmatureTarget(context.object)
            placement = results.placement_from(group)
            yield "swaying", 0, 1
            record = results.made_by(job, placement, objects={"target": context.object})
            yield from results.putting(target, sway(target.skeleton), "sway", record, placement)
            return target.notes

    def again(context, record):
        results.restore(context.scene.test_sway, record)
        context.view_layer.objects.active = results.object_of(record, "target")
        return Sway.bl_idname, {}

    bpy.utils.register_class(settings)
    bpy.utils.register_class(Sway)
    bpy.types.Scene.test_sway = bpy.props.PointerProperty(type=settings)
    kept = dict(results._again)
    results.runs_again("retarget", again)
    yield results
    results._again.clear()
    results._again.update(kept)
    del bpy.types.Scene.test_sway
    bpy.utils.unregister_class(Sway)
    bpy.utils.unregister_class(settings)


def test_the_record_of_the_job_is_on_the_action(rig, panel):
    bpy.context.scene.test_sway.foot_lock = 0.3
    bpy.context.scene.test_sway.start_frame = 12
    bpy.ops.graphics_ml.test_sway()
    action = rig.animation_data.action
    assert action.name == "sway" and tuple(action.frame_range) == (12, 41)
    record = json.loads(action["graphics_ml"])
    assert record["job"] == "retarget" and record["settings"]["foot_lock"] == 0.3
    assert "output" not in record["settings"]
    assert record["versions"]["blender"] == bpy.app.version_string and record["versions"]["graphics-ml"]
    assert record["objects"] == {"target": "Rig"}
    assert record["placement"] == {
        "start_frame": 12,
        "stand": "world",
        "rate": "scene",
        "set_range": False,
        "keep_rest": True,
    }


def test_a_result_is_run_again_with_the_settings_that_it_was_made_with(rig, panel):
    group = bpy.context.scene.test_sway
    group.foot_lock, group.start_frame, group.rate, group.root = 0.3, 12, "motion", "bone"
    bpy.ops.graphics_ml.test_sway()
    first = rig.animation_data.action
    group.foot_lock, group.start_frame, group.rate, group.root, group.track = 0.9, 5, "scene", "hips", "takes"
    bpy.ops.graphics_ml.run_again()
    second = rig.animation_data.action
    assert second != first
    assert json.loads(second["graphics_ml"]) == json.loads(first["graphics_ml"])
    assert (group.foot_lock, group.start_frame) == (pytest.approx(0.3), 12) and group.track == ""


def test_a_result_and_its_being_run_again_are_one_undo_step_each(rig, panel):
    bpy.ops.ed.undo_push(message="before")
    bpy.ops.graphics_ml.test_sway("EXEC_DEFAULT", True)
    bpy.ops.graphics_ml.run_again("EXEC_DEFAULT", True)
    assert [one.name for one in bpy.data.actions] == ["sway", "sway.001"]
    bpy.ops.ed.undo()
    assert [one.name for one in bpy.data.actions] == ["sway"]
    assert bpy.data.objects["Rig"].animation_data.action.name == "sway"
    bpy.ops.ed.undo()
    assert not bpy.data.actions and bpy.data.objects["Rig"].animation_data is None
    bpy.ops.ed.redo()
    assert [one.name for one in bpy.data.actions] == ["sway"]


def test_what_the_job_took_from_the_file_and_is_gone_is_said(rig, panel, addon):
    bpy.ops.graphics_ml.test_sway()
    assert not addon("running").last().failed
    rig.name = "Other"
    with pytest.raises(RuntimeError, match=r"'Rig', which is not in this file any more; .* in the panel Retarget"):
        bpy.ops.graphics_ml.run_again()
    told = addon("running").last()  # and not the success from before
    assert told.failed and told.title == "Run Again" and "'Rig'" in told.notes[0] and len(told.notes) == 1


def test_an_operator_that_cannot_be_run_again_now_is_told_in_the_sidebar(rig, panel, addon, monkeypatch):
    bpy.ops.graphics_ml.test_sway()

    def unselected(context, record):
        context.view_layer.objects.active = None
        return "graphics_ml.clean_up", {}

    monkeypatch.setitem(panel._again, "retarget", unselected)
    with pytest.raises(RuntimeError):
        bpy.ops.graphics_ml.run_again()
    assert addon("running").last().failed


def test_an_action_without_a_record_cannot_be_run_again(rig, panel):
    assert not bpy.ops.graphics_ml.run_again.poll()
    rig.animation_data_create().action = bpy.data.actions.new("walk")
    for foreign in ("no json", "[]", '{"job": "unheard"}', 7):
        rig.animation_data.action["graphics_ml"] = foreign
        assert panel.record_of(rig) is None and not bpy.ops.graphics_ml.run_again.poll()
    bpy.context.view_layer.objects.active = None
    assert not bpy.ops.graphics_ml.run_again.poll()


def test_a_track_in_the_settings_makes_a_strip(rig, panel):
    bpy.context.scene.test_sway.track = "takes"
    bpy.ops.graphics_ml.test_sway()
    assert rig.animation_data.action is None
    assert [strip.action.name for strip in rig.animation_data.nla_tracks["takes"].strips] == ["sway"]
