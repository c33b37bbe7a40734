# SPDX-License-Identifier: GPL-3.0-or-later
"""The panel Retarget: motion from files, or from another armature, onto a rig.

One source after the other is opened, put on the rig and keyed. The preview and the result are worked out by the same
class of the same settings, `_Retargeting`.
"""

from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import bpy
from mathutils import Matrix

from graphics_ml.blender.actions import keyed_by_result
from graphics_ml.blender.animation_data import (
    TRANSFORMS,
    assign,
    bone_path,
    current_action,
    curves_of,
    refresh,
    remove_curves,
    rest_bones,
)
from graphics_ml.blender.armature import deform_flags, moved_joints
from graphics_ml.blender.armature_target import ArmatureTarget, carried
from graphics_ml.blender.reading import read_action, whole_frames
from graphics_ml.blender.scene import frame_rate
from graphics_ml.errors import ArmatureError, GraphicsMLError, MotionFileError
from graphics_ml.jobs import Retarget
from graphics_ml.motion.bone_map import missing_roles
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.retarget import Retargeter
from graphics_ml.wording import renumbered

from . import bone_list, live_preview, results
from .bone_list import Pair
from .open_source import motion_files, open_source
from .properties import draw_settings, group_of, job_from, object_property
from .running import Running, press, refused
from .sidebar import Sidebar, armature_field, fields, paragraph

_SHOWN = ("level", "root", "foot_lock", "hand_lock")
_CHOOSING = (
    "source_from",
    "file",
    "folder",
    "source_armature",
    "source_action",
    "target_armature",
    "drop_t_pose",
    "frames_found",
)
_LEFT_OUT = ("source", "output", "format", "target", "map", "source_map", "save_map", "keep_actions", "preset")


RetargetSettings = group_of(
    Retarget,
    leave_out=_LEFT_OUT,
    more={
        **bone_list.HOLDS,
        **results.PLACEMENT,
        "source_from": bpy.props.EnumProperty(
            name="From",
            description="Where the motion comes from",
            items=[
                ("file", "File", "A motion file: BVH, FBX, glTF, C3D, AMASS, ..."),
                ("folder", "Folder", "All motion files in a folder, one after the other"),
                ("armature", "Armature", "An action of another armature in this file"),
                ("actions", "All actions", "Every action that fits another armature, one after the other"),
            ],
        ),
        "file": bpy.props.StringProperty(name="File", description="Motion file", subtype="FILE_PATH"),
        "folder": bpy.props.StringProperty(name="Folder", description="Folder of motion files", subtype="DIR_PATH"),
        "source_armature": object_property("ARMATURE", name="Armature", description="Armature whose motion is taken"),
        "source_action": bpy.props.PointerProperty(
            name="Action",
            description="Its action that is taken; the one that it plays when empty",
            type=bpy.types.Action,
        ),
        "target_armature": object_property(
            "ARMATURE", name="Onto", description="Armature that the motion is put on; the active one when empty"
        ),
    },
)


class Source(NamedTuple):
    """What can be retargeted.

    Args:
        name: what its action is called, and what notes call it.
        key: tells it from others, and from itself when it has changed.
        path: of a file, else None.
        armature, action: else.
    """

    name: str
    key: tuple
    path: Path | None = None
    armature: bpy.types.Object | None = None
    action: bpy.types.Action | None = None


class Opened(NamedTuple):
    """A source that has been read.

    Args:
        motion: its own, at its own frame rate.
        start: scene frame of the motion's first; None where that is not known, as of a file.
        notes: what the user should know, a sentence each.
    """

    motion: Motion
    start: int | None
    notes: list[str]


# With its key and its name: the bone list, the preview and the result ask for the same source.
_last_opened: tuple[tuple, Opened, str] | None = None


def target_of(context) -> bpy.types.Object:
    """The armature that motion is put on.

    Raises:
        ArmatureError: none is chosen.
    """
    obj = context.scene.graphics_ml.retarget.target_armature or context.object
    if obj is None or obj.type != "ARMATURE":
        raise ArmatureError("no armature is chosen to put the motion on; select one, or name it under Onto")
    return obj


def sources_of(context) -> list[Source]:
    """What the settings name as sources, in order.

    Raises:
        GraphicsMLError: nothing is named, or it is not there.
    """
    settings = context.scene.graphics_ml.retarget
    if settings.source_from in ("file", "folder"):
        text = getattr(settings, settings.source_from)
        if not text:
            raise GraphicsMLError(f"no {settings.source_from} is chosen to take the motion from")
        path = Path(bpy.path.abspath(text))
        return [_of_file(one) for one in (motion_files(path) if settings.source_from == "folder" else [path])]
    armature = settings.source_armature
    if armature is None or armature.type != "ARMATURE":
        raise GraphicsMLError("no armature is chosen to take the motion from")
    if armature == target_of(context):
        raise GraphicsMLError(
            f"'{armature.name}' is both where the motion comes from and where it goes; choose another"
        )
    if settings.source_from == "actions":
        actions = [action for action in bpy.data.actions if _fits(action, armature)]
        if not actions:
            raise GraphicsMLError(f"no action in this file moves bones of '{armature.name}'")
    else:
        actions = [settings.source_action or current_action(armature)]
        if actions[0] is None:
            raise GraphicsMLError(f"'{armature.name}' plays no action; choose one")
    return [_of_action(armature, action) for action in actions]


def opened(source: Source, settings):
    """A generator that reads a source: yields as Running.work does, returns an Opened.

    Raises:
        GraphicsMLError: it cannot be read.
    """
    global _last_opened
    key = (*source.key, settings.drop_t_pose, settings.frames_found)
    if source.path is not None and _last_opened is not None and _last_opened[0] == key:
        return _last_opened[1]
    if source.path is not None:
        motion, notes = yield from open_source(source.path, settings.drop_t_pose, settings.frames_found)
        found = Opened(motion, None, notes)
    else:
        try:
            motion = yield from read_action(source.armature, source.action)
        except ValueError as error:
            raise ArmatureError(str(error)) from error
        found = Opened(motion, whole_frames(source.action)[0], [])
    _last_opened = key, found, source.name
    return found


class _Retargeting:
    """Sources that are put on one rig, one after the other; what their pairs share is worked out once."""

    def __init__(self, context):
        self.settings = context.scene.graphics_ml.retarget
        obj = target_of(context)
        with _standing(obj):
            self.target = ArmatureTarget(obj)
        self.deform = deform_flags(self.target.armature, self.target.skeleton)
        self.former = current_action(obj), getattr(obj.animation_data, "action_slot", None)
        self._maps = self._soles = self._pair = (None, None)

    def pair(self, motion: Motion) -> Pair:
        return Pair(motion, self.target.skeleton, self.deform)

    def __call__(self, motion: Motion, job: Retarget):
        """What the rig's bones and its object do, and the report, as Retargeter.on_rig; the maps and what the user
        should know of them."""
        rows = [(row.role, row.source, row.target) for row in self.settings.bones]
        if self._maps[0] != rows or self._pair[0] is None or self._pair[1].source.skeleton is not motion.skeleton:
            self._maps = rows, bone_list.maps_for(self.settings, self.pair(motion))
        source_map, target_map, notes = self._maps[1]
        for one, whose in ((source_map, "source"), (target_map, "target")):
            if missing := missing_roles(one):
                raise GraphicsMLError(
                    "; ".join(
                        [*notes, f"the {whose} lacks bones for {_in_words(missing)}; press Auto-map and fill them in"]
                    )
                )
        known = (motion.skeleton.names, source_map.roles, target_map.roles)
        if self._pair[0] != known or self._pair[1].source.skeleton is not motion.skeleton:
            self._pair = known, Retargeter(motion, self.target.skeleton, source_map, target_map)
        if self._soles[0] != target_map.roles:
            with _standing(self.target.armature):
                self._soles = target_map.roles, self.target.soles(target_map)
        found = self._pair[1].on_rig(
            motion,
            root=job.root,
            what=f"'{self.target.armature.name}'",
            level=job.level,
            foot_lock=job.foot_lock,
            hand_lock=job.hand_lock,
            soles=self._soles[1],
        )
        return found, (source_map, target_map), notes

    @property
    def led(self) -> tuple[str, ...]:
        """Names of the mapped bones of the rig that the motion which was put on it last leads."""
        return self._pair[1].led


class GRAPHICS_ML_OT_retarget(Running, bpy.types.Operator):
    """Put the motion on the rig as a new action; what moves its other bones and properties stays"""

    bl_idname = "graphics_ml.retarget"
    bl_label = "Retarget"

    def work(self, context):
        settings = context.scene.graphics_ml.retarget
        sources = sources_of(context)
        live_preview.end()
        retargeting = _Retargeting(context)
        if len(sources) == 1:
            _, notes = yield from _done(retargeting, sources[0], sources[0].name, settings.start_frame)
            return notes
        notes, left_out, start, name = [], [], settings.start_frame, retargeting.target.armature.name
        for number, source in enumerate(sources):
            try:
                length, said = yield from _done(
                    retargeting, source, f"{source.name} ({number + 1} of {len(sources)})", start
                )
            except GraphicsMLError as error:
                left_out.append(f"{source.name} was left out: {error}")
                continue
            done = number + 1 - len(left_out)
            self.kept = f"{done} of {len(sources)} motions are on '{name}'"
            notes += [f"{source.name}: {one}" for one in said]
            if settings.track:  # its strips stand one behind the other
                start += length
        if not self.kept:
            raise GraphicsMLError(f"none of the {len(sources)} motions could be used; the first: {left_out[0]}")
        return [self.kept, *left_out, *notes]


class GRAPHICS_ML_OT_retarget_preview(Running, bpy.types.Operator):
    """Show the current frame on the rig without keys, and follow the settings and the timeline; press again to end"""

    bl_idname = "graphics_ml.retarget_preview"
    bl_label = "Preview"

    def work(self, context):
        if live_preview.is_on():
            live_preview.end()
            return
        settings = context.scene.graphics_ml.retarget
        source = sources_of(context)[0]
        retargeting = _Retargeting(context)
        found = yield from opened(source, settings)
        rig = retargeting.target.armature

        def settings_now():
            rows = tuple((row.role, row.source, row.target) for row in settings.bones)
            chosen = tuple(getattr(settings, name) for name in _CHOOSING)
            placed = settings.start_frame, settings.rate, settings.stand
            return _job(settings, source), rows, chosen, *placed, frame_rate(bpy.context.scene)

        chosen = settings_now()[2]

        def result_now():
            if settings_now()[2] != chosen:
                raise GraphicsMLError("another source or rig was chosen; press Preview again")
            # An object that moves and hips that move show the same.
            job = _job(settings, source)
            job = replace(job, root="hips") if job.root == "object" else job
            (motion, _, _), (_, roles), _ = retargeting(found.motion, job)
            if settings.stand == "rig":
                with _standing(rig):
                    motion, _ = carried(motion, None, *retargeting.target.from_stand(motion, roles=roles))
            start = settings.start_frame if found.start is None else found.start
            faster = 1.0 if settings.rate == "motion" else float(motion.fps / frame_rate(bpy.context.scene))
            bones = (*moved_joints(motion), *retargeting.led)
            return live_preview.Result(motion, bones, lambda frame: (frame - start) * faster)

        live_preview.begin(rig, settings_now, result_now)


class _Pairing(Running):
    """Mixin of an operator that needs both skeletons; `paired` is given the settings and the Pair."""

    def work(self, context):
        settings = context.scene.graphics_ml.retarget
        source = sources_of(context)[0]
        retargeting = _Retargeting(context)
        found = yield from opened(source, settings)
        return self.paired(settings, retargeting.pair(found.motion))


class GRAPHICS_ML_OT_bones_map(_Pairing, bpy.types.Operator):
    """Find by names and shape which bone of the source leads which bone of the rig"""

    bl_idname = "graphics_ml.bones_map"
    bl_label = "Auto-map"

    source_family: bpy.props.StringProperty(options={"HIDDEN", "SKIP_SAVE"})
    target_family: bpy.props.StringProperty(options={"HIDDEN", "SKIP_SAVE"})

    def paired(self, settings, pair):
        former = bone_list.listed_maps(settings) if settings.bones else (None, None)
        maps = bone_list.recognised(pair, (self.source_family or None, self.target_family or None))
        if self.source_family and former[1] is not None:  # a preset of the one leaves the other as it is
            maps = maps[0], former[1]
        elif self.target_family and former[0] is not None:
            maps = former[0], maps[1]
        bone_list.fill(settings, pair, *maps)
        lacking = [f"{whose}: not found: {_in_words(missing_roles(one))}"
                   for whose, one in zip(("Source", "Target"), maps, strict=True) if missing_roles(one)]  # fmt: skip
        return [*lacking, *maps[0].notes, *maps[1].notes]


class GRAPHICS_ML_OT_bones_use(_Pairing, bpy.types.Operator):
    """Take the bones from a file"""

    bl_idname = "graphics_ml.bones_use"
    bl_label = "Use Bone Map"
    bl_options = {"UNDO", "INTERNAL"}

    filepath: bpy.props.StringProperty(options={"HIDDEN", "SKIP_SAVE"})

    def paired(self, settings, pair):
        bone_list.add_bones(settings, pair, Path(self.filepath))


class GRAPHICS_ML_OT_bones_write(_Pairing, bpy.types.Operator):
    """Write the bones to a file"""

    bl_idname = "graphics_ml.bones_write"
    bl_label = "Write Bone Map"
    bl_options = {"INTERNAL"}

    filepath: bpy.props.StringProperty(options={"HIDDEN", "SKIP_SAVE"})

    def paired(self, settings, pair):
        bone_list.save_bones(settings, pair, Path(self.filepath))
        return [f"The bones are in {Path(self.filepath).name}"]


class _ChoosesFile:
    """Mixin of an operator that asks for a .toml and hands it to another, whose bl_idname is `then`."""

    bl_options = {"INTERNAL"}

    filepath: bpy.props.StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_glob: bpy.props.StringProperty(default="*.toml", options={"HIDDEN"})

    def invoke(self, context, event):
        self.filepath = self.filepath or self.proposed
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context):
        path = bpy.path.ensure_ext(bpy.path.abspath(self.filepath), ".toml")
        return press(self, f"graphics_ml.{self.then}", filepath=path)


class GRAPHICS_ML_OT_bones_load(_ChoosesFile, bpy.types.Operator):
    """Load the bones from a file that was saved here or by graphics-ml on the command line"""

    bl_idname = "graphics_ml.bones_load"
    bl_label = "Load"
    then, proposed = "bones_use", ""


class GRAPHICS_ML_OT_bones_save(_ChoosesFile, bpy.types.Operator):
    """Save the bones to a file, for other scenes and for graphics-ml on the command line"""

    bl_idname = "graphics_ml.bones_save"
    bl_label = "Save"
    then, proposed = "bones_write", "bones.toml"

    check_existing: bpy.props.BoolProperty(default=True, options={"HIDDEN"})


class GRAPHICS_ML_OT_bones_clear(bpy.types.Operator):
    """Empty the list; the bones are then recognised for each motion"""

    bl_idname = "graphics_ml.bones_clear"
    bl_label = "Clear"
    bl_options = {"UNDO", "INTERNAL"}

    def execute(self, context):
        bone_list.clear(context.scene.graphics_ml.retarget)
        return {"FINISHED"}


class GRAPHICS_ML_OT_bones_keep(bpy.types.Operator):
    """Keep the list under a name, for other files"""

    bl_idname = "graphics_ml.bones_keep"
    bl_label = "Save as Preset"
    bl_options = {"INTERNAL"}

    name: bpy.props.StringProperty(name="Name", default="My rig")

    @classmethod
    def poll(cls, context):
        return bool(context.scene.graphics_ml.retarget.bones)

    def invoke(self, context, event):
        return context.window_manager.invoke_props_dialog(self)

    def execute(self, context):
        try:
            path = bone_list.preset_path(self.name)
            path.parent.mkdir(parents=True, exist_ok=True)
        except (GraphicsMLError, OSError) as error:
            return refused(self, str(error))
        return press(self, "graphics_ml.bones_write", filepath=str(path))


class GRAPHICS_ML_OT_bones_forget(bpy.types.Operator):
    """Remove this preset from the menu"""

    bl_idname = "graphics_ml.bones_forget"
    bl_label = "Remove Preset"
    bl_options = {"INTERNAL"}

    name: bpy.props.StringProperty(options={"HIDDEN"})

    def execute(self, context):
        bone_list.preset_path(self.name).unlink(missing_ok=True)
        return {"FINISHED"}


class GRAPHICS_ML_MT_bones(bpy.types.Menu):
    bl_label = "Presets of Bones"

    def draw(self, context):
        layout = self.layout
        for name in bone_list.presets():
            layout.operator("graphics_ml.bones_use", text=name).filepath = str(bone_list.preset_path(name))
        if bone_list.presets():
            layout.separator()
            layout.menu("GRAPHICS_ML_MT_bones_forget")
        layout.operator("graphics_ml.bones_keep", icon="ADD")
        layout.separator()
        layout.menu("GRAPHICS_ML_MT_bones_source")
        layout.menu("GRAPHICS_ML_MT_bones_target")


class GRAPHICS_ML_MT_bones_forget(bpy.types.Menu):
    bl_label = "Remove Preset"

    def draw(self, context):
        for name in bone_list.presets():
            self.layout.operator("graphics_ml.bones_forget", text=name, icon="REMOVE").name = name


class GRAPHICS_ML_MT_bones_source(bpy.types.Menu):
    bl_label = "The Source Is Named as in"

    def draw(self, context):
        for name in bone_list.families():
            self.layout.operator("graphics_ml.bones_map", text=name).source_family = name


class GRAPHICS_ML_MT_bones_target(bpy.types.Menu):
    bl_label = "The Rig Is Named as in"

    def draw(self, context):
        for name in bone_list.families():
            self.layout.operator("graphics_ml.bones_map", text=name).target_family = name


class GRAPHICS_ML_PT_retarget(Sidebar, bpy.types.Panel):
    bl_label = "Retarget"
    bl_order = 30

    def draw(self, context):
        live_preview.drawn()
        settings, layout = context.scene.graphics_ml.retarget, self.layout
        column = fields(layout, settings, ("source_from",))
        if settings.source_from in ("file", "folder"):
            column.prop(settings, settings.source_from, text="")
        else:
            column.prop(settings, "source_armature")
        if settings.source_from == "armature":
            column.prop(settings, "source_action")
        armature_field(layout, context, settings, "target_armature")
        bone_list.draw_list(layout, settings, _BONES)
        draw_settings(layout, settings, _SHOWN)
        row = layout.row(align=True)
        row.operator("graphics_ml.retarget_preview", icon="HIDE_OFF", depress=live_preview.is_on())
        row.operator("graphics_ml.retarget", icon="PLAY")
        if live_preview.problem():
            paragraph(layout, context, live_preview.problem(), icon="INFO")
        if _last_opened is not None:
            (_, (motion, *_), name), rate = _last_opened, frame_rate(context.scene)
            frames = len(motion) if settings.rate == "motion" else int((len(motion) - 1) * rate / motion.fps) + 1
            text = f"{name}: {len(motion)} frames at {float(motion.fps):.4g} a second become {frames} in the scene"
            paragraph(layout, context, text)


class GRAPHICS_ML_PT_retarget_reading(Sidebar, bpy.types.Panel):
    bl_label = "How Files Are Read"
    bl_parent_id = "GRAPHICS_ML_PT_retarget"

    @classmethod
    def poll(cls, context):
        return context.scene.graphics_ml.retarget.source_from in ("file", "folder")

    def draw(self, context):
        draw_settings(self.layout, context.scene.graphics_ml.retarget, ("drop_t_pose", "frames_found"))


class GRAPHICS_ML_PT_retarget_placement(Sidebar, bpy.types.Panel):
    bl_label = "Where the Motion Goes"
    bl_parent_id = "GRAPHICS_ML_PT_retarget"

    def draw(self, context):
        results.draw_placement(self.layout, context.scene.graphics_ml.retarget)


_BONES = {
    "map": "graphics_ml.bones_map",
    "load": "graphics_ml.bones_load",
    "save": "graphics_ml.bones_save",
    "clear": "graphics_ml.bones_clear",
    "menu": "GRAPHICS_ML_MT_bones",
}
SETTINGS = {"retarget": RetargetSettings}
CLASSES = (
    RetargetSettings,
    GRAPHICS_ML_OT_retarget,
    GRAPHICS_ML_OT_retarget_preview,
    GRAPHICS_ML_OT_bones_map,
    GRAPHICS_ML_OT_bones_use,
    GRAPHICS_ML_OT_bones_write,
    GRAPHICS_ML_OT_bones_load,
    GRAPHICS_ML_OT_bones_save,
    GRAPHICS_ML_OT_bones_clear,
    GRAPHICS_ML_OT_bones_keep,
    GRAPHICS_ML_OT_bones_forget,
    GRAPHICS_ML_MT_bones,
    GRAPHICS_ML_MT_bones_forget,
    GRAPHICS_ML_MT_bones_source,
    GRAPHICS_ML_MT_bones_target,
    GRAPHICS_ML_PT_retarget,
    GRAPHICS_ML_PT_retarget_reading,
    GRAPHICS_ML_PT_retarget_placement,
)


def register():
    results.runs_again("retarget", _again)


def unregister():
    global _last_opened
    _last_opened = None


def _again(context, record):
    """Set the panel as it was for the job of a record; gives the operator that does it."""
    settings = context.scene.graphics_ml.retarget
    if "source" in record.get("objects", {}):
        settings.source_armature = results.object_of(record, "source")
        settings.source_action = results.object_of(record, "action", "actions")
        settings.source_from = "armature"
    else:
        settings.file, settings.source_from = record["settings"]["source"], "file"
    results.restore(settings, record)
    settings.target_armature = context.object
    bone_list.clear(settings)
    for side, roles in record.get("bones", {}).items():  # the command line has none
        bone_list.name_bones(settings, side, roles)
    return GRAPHICS_ML_OT_retarget.bl_idname, {}


def _done(retargeting, source, label, start):
    """A generator that retargets one source; returns the number of its frames in the scene, and what is to be said."""
    settings, target = retargeting.settings, retargeting.target
    found = yield from _told_of(label, opened(source, settings))
    yield f"retargeting {label}", 0, 0
    job = _job(settings, source)
    (motion, path, report), maps, notes = retargeting(found.motion, job)
    yield f"writing the keys of {label}", 0, 0
    if found.start is not None and not settings.track:
        start = found.start  # so that both armatures do the same at the same frame
    placement = replace(results.placement_from(settings), start_frame=start)
    objects = {"target": target.armature}
    if source.path is None:
        objects |= {"source": source.armature, "action": source.action}
    record = results.made_by(job, placement, [source.path] if source.path else [], objects)
    record["bones"] = {side: one.roles for side, one in zip(("source", "target"), maps, strict=True)}
    before = len(target.notes)
    with _standing(target.armature), _playing_again(target.armature, *retargeting.former):
        if path is not None:
            record["stood"] = [list(row) for row in target.armature.matrix_basis]
        action = yield from results.putting(
            target, motion, source.name, record, placement, retargeting.led, path, maps[1]
        )
    faster = float(frame_rate(bpy.context.scene) / found.motion.fps)
    done = [renumbered(note, lambda frame: start + round(frame * faster)) for note in report.notes]
    said = [*found.notes, *maps[0].notes, *maps[1].notes, *notes, *done, *target.notes[before:]]
    first, last = whole_frames(action)
    return last + 1 - first, said


@contextmanager
def _standing(obj):
    """Within the block an object that goes along the path of an earlier result stands where it stood before it."""
    former = current_action(obj)
    stood = (results.record_of(obj) or {}).get("stood")
    if stood is None:
        yield
        return
    without = former.copy()
    remove_curves(without, TRANSFORMS)
    assign(obj, without)
    obj.matrix_basis = Matrix(stood)
    refresh(obj)
    try:
        yield
    finally:
        if current_action(obj) == without:
            assign(obj, former)
            refresh(obj)
        elif not former.users:
            former.use_fake_user = True
        bpy.data.actions.remove(without)


@contextmanager
def _playing_again(obj, former, slot):
    """Within the block the armature plays what it did before the results of this batch, so that each of them is made
    from that and their order does not matter; the bones that the last one has keyed are at rest."""
    last = current_action(obj)
    if former is None or last in (None, former):
        yield
        return
    last_slot = getattr(obj.animation_data, "action_slot", None)
    rest_bones(obj, keyed_by_result(last))
    _assign(obj, former, slot)
    try:
        yield
    finally:
        if current_action(obj) == former:
            _assign(obj, last, last_slot)
            refresh(obj)
        elif not last.users:
            last.use_fake_user = True


def _assign(obj, action, slot):
    obj.animation_data.action = action
    if slot is not None:
        obj.animation_data.action_slot = slot


def _job(settings, source):
    path = source.path or Path(source.name)
    return job_from(settings, source=path, output=Path(f"{source.name}.blend"))


def _told_of(label, generator):
    """The generator, its stages named after what they are at."""
    with closing(generator):
        while True:
            try:
                progress = next(generator)
            except StopIteration as done:
                return done.value
            yield progress and (f"reading {label}", *progress[1:])


def _of_file(path):
    try:
        state = path.stat()
    except OSError as error:
        raise MotionFileError(path, None, "there is no such file; check the name") from error
    return Source(path.stem, (str(path), state.st_mtime_ns, state.st_size), path)


def _of_action(armature, action):
    return Source(action.name, (armature.name, action.name), None, armature, action)


def _fits(action, armature):
    """Whether most of what an action moves are bones of an armature."""
    paths = {curve.data_path for curve in curves_of(action)}
    moved = {path.rpartition(".")[0] for path in paths if path.startswith("pose.bones[")}
    own = {bone_path(bone.name) for bone in armature.data.bones}
    return len(moved & own) > len(moved) / 2


def _in_words(roles):
    return ", ".join(bone_list.plain_role(role).lower() for role in roles)
