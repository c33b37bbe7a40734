# SPDX-License-Identifier: GPL-3.0-or-later
"""The panel Clean Up: what the active armature's action does, smoothed, with feet that stand, as a cycle, ... as a new
action, with figures of its quality before and after each step.

The steps and their order are those of graphics_ml.motion.clean_up, which `graphics-ml edit` does too.
"""

from pathlib import Path

import bpy

from graphics_ml.blender.animation_data import assign, current_action, put_back
from graphics_ml.blender.armature_target import ArmatureTarget, Placement
from graphics_ml.blender.own_motion import OwnMotion
from graphics_ml.blender.reading import whole_frames
from graphics_ml.errors import ArmatureError, GraphicsMLError
from graphics_ml.jobs import Edit
from graphics_ml.motion.bone_map import missing_roles
from graphics_ml.motion.clean_up import SETTINGS as STEPS
from graphics_ml.motion.clean_up import CleanUp

from . import bone_list, live_preview, results
from .properties import draw_settings, group_of, job_from
from .running import Running
from .sidebar import Sidebar, fields, paragraph

_PLACED = ("set_range", "track")  # a motion that is cleaned up stays at its frames and rate
_PLAIN = {"feet slip": "Feet slip", "jerk": "Jerkiness", "penetration": "Under ground"}
_UNITS = {"mm a contact": "mm a step", "m/s3": "m/s³"}

CleanUpSettings = group_of(
    Edit,
    leave_out=(
        *("source", "output", "format", "drop_t_pose", "frames_found", "start", "end", "fps", "then", "map"),
        *("action", "armature", "keep_actions"),
    ),
    more={
        **results.PLACEMENT,
        "only_range": bpy.props.BoolProperty(
            name="Only Frames", description="Take only these frames; the new action has no others"
        ),
        "first": bpy.props.IntProperty(name="First", description="First frame that is taken", default=1),
        "last": bpy.props.IntProperty(name="Last", description="Last frame that is taken", default=250),
    },
)


class GRAPHICS_ML_OT_clean_up(Running, bpy.types.Operator):
    """Do what is chosen to the active armature's action; the result is a new action, the former one stays"""

    bl_idname = "graphics_ml.clean_up"
    bl_label = "Clean Up"

    action: bpy.props.StringProperty(options={"HIDDEN", "SKIP_SAVE"})  # another than the current one

    @classmethod
    def poll(cls, context):
        return super().poll(context) and _action_of(context.object) is not None

    def work(self, context):
        live_preview.end()
        settings, obj = context.scene.graphics_ml.clean_up, context.object
        if _action_of(obj) is None:
            raise ArmatureError("select an armature that plays an action")
        if not self.action:
            return (yield from self._clean_up(settings, obj))
        with put_back(obj, always=bool(settings.track)):
            assign(obj, bpy.data.actions[self.action])
            return (yield from self._clean_up(settings, obj))

    def _clean_up(self, settings, obj):
        action = current_action(obj)
        job = _job(settings, action)
        target = ArmatureTarget(obj)
        first, last = _range(settings, action)
        own = OwnMotion(target, action, first, last)
        motion = yield from own.reading()
        bones = own.roles(motion)
        if missing_roles(bones) and (job.foot_lock is not None or job.ground):
            lacking = ", ".join(bone_list.plain_role(role).lower() for role in missing_roles(bones))
            raise GraphicsMLError(f"'{obj.name}' has no bones that are known as {lacking}, so its feet are not found")
        work, steps = CleanUp(motion, bones, **{name: getattr(job, name) for name in STEPS}), []
        yield "cleaning up", 0, len(work.names)
        for step in work:
            steps.append(step)
            yield "cleaning up", len(steps), len(work.names)
        placement = Placement(start_frame=first, set_range=settings.set_range, track=settings.track or None)
        record = results.made_by(job, placement, objects={"target": obj, "action": action})
        record["steps"] = [[step.name, [_row(figure) for figure in step.figures]] for step in steps]
        record["frames"] = [first, last] if settings.only_range else None
        result = work.motion.replace(provenance=record)
        yield from own.playing(result, placement, work.keys)
        return [*map(_in_words, steps), *bones.notes, *target.notes]


class GRAPHICS_ML_PT_clean_up(Sidebar, bpy.types.Panel):
    bl_label = "Clean Up"
    bl_order = 40

    def draw(self, context):
        settings, layout = context.scene.graphics_ml.clean_up, self.layout
        action = _action_of(context.object)
        if action is None:
            paragraph(layout, context, "Select an armature that plays an action", icon="INFO")
            return
        layout.label(text=action.name, icon="ACTION")
        names = [name for name in settings.shown if name not in ("blend", "facing")]
        loop = names.index("loop") + 1
        if settings.loop != "no":
            names.insert(loop, "blend")
        if settings.in_place:
            names.insert(names.index("in_place") + 1, "facing")
        draw_settings(layout, settings, names)
        span = ("only_range", "first", "last") if settings.only_range else ("only_range",)
        fields(layout, settings, (*span, *_PLACED))
        layout.operator(GRAPHICS_ML_OT_clean_up.bl_idname, icon="PLAY")


class GRAPHICS_ML_PT_clean_up_figures(Sidebar, bpy.types.Panel):
    bl_label = "Before and After"
    bl_parent_id = "GRAPHICS_ML_PT_clean_up"
    bl_options = set()  # open: it is what was asked for

    @classmethod
    def poll(cls, context):
        return bool(steps_of(context.object))

    def draw(self, context):
        for name, rows in steps_of(context.object):
            self.layout.label(text=_title(name))
            grid = self.layout.grid_flow(row_major=True, columns=3, even_columns=False, align=True)
            for what, before, after, unit in rows:
                grid.label(text=what)
                grid.label(text=f"{before} → {after}")
                grid.label(text=unit)


def steps_of(obj):
    """The steps that made the action which an object plays: (name, [(what, before, after, unit), ...]), all text."""
    record = results.record_of(obj)
    return record.get("steps") or [] if record is not None else []


SETTINGS = {"clean_up": CleanUpSettings}
CLASSES = (CleanUpSettings, GRAPHICS_ML_OT_clean_up, GRAPHICS_ML_PT_clean_up, GRAPHICS_ML_PT_clean_up_figures)


def register():
    results.runs_again("edit", _again)


def unregister():
    pass


def _again(context, record):
    """Set the panel as it was for the job of a record; gives the operator, for the action that it was done to."""
    settings = context.scene.graphics_ml.clean_up
    action = results.object_of(record, "action", "actions")
    results.restore(settings, record)
    settings.only_range = record["frames"] is not None
    if settings.only_range:
        settings.first, settings.last = record["frames"]
    return GRAPHICS_ML_OT_clean_up.bl_idname, {"action": action.name}


def _job(settings, action):
    # What goes with a step that is not done must not stand in its way.
    more = {"facing": settings.facing and settings.in_place}
    return job_from(settings, source=Path(action.name), output=Path(f"{action.name}.blend"), **more)


def _action_of(obj):
    return current_action(obj) if obj is not None and obj.type == "ARMATURE" else None


def _range(settings, action):
    first, last = whole_frames(action)
    if not settings.only_range:
        return first, last
    first, last = max(first, settings.first), min(last, settings.last)
    if last < first:
        raise GraphicsMLError(
            f"the action '{action.name}' has no frames from {settings.first} to {settings.last}; choose others"
        )
    return first, last


def _title(step):
    """What a step is called, as its setting is."""
    return "Hold feet" if step == "foot lock" else step.capitalize()


def _row(figure):
    values = (f"{value:.{figure.digits}f}" for value in (figure.before, figure.after))
    return [_PLAIN.get(figure.name, figure.name), *values, _UNITS.get(figure.unit, figure.unit)]


def _in_words(step):
    figures = [f"{what.lower()} {before} → {after} {unit}" for what, before, after, unit in map(_row, step.figures)]
    return f"{_title(step.name)}: {', '.join([*step.said, *figures])}"
