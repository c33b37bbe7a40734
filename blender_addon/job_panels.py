# SPDX-License-Identifier: GPL-3.0-or-later
"""Panels made from job definitions alone: each job of jobs.JOBS that has a title in `panel` gets one.

A panel has all the job's settings, a button that runs it in a worker, and the files that it wrote; a motion among them
can be put on the active armature. Its settings live at `scene.graphics_ml.<name of the job>`, its operator is
`graphics_ml.run_<name of the job>`, where the name has underscores for hyphens. A setting that takes the open scene
gets a copy of it where it is left empty, which is kept with the outputs.
"""

from pathlib import Path

import bpy

from graphics_ml.errors import OutputError
from graphics_ml.formats import extensions
from graphics_ml.jobs import JOBS, settings
from graphics_ml.outputs import ensure_writable

from .in_worker import in_worker, needs_environment
from .preferences import chosen_place
from .properties import PathItem, draw_settings, group_of, job_from
from .running import Running, press
from .sidebar import Sidebar, paragraph

SETTINGS = {}
OPEN_SCENE = "scene.blend"
_FIRST = 100  # bl_order of the first of these panels: they come after those of their own making
_made = []


class OpenFile(bpy.types.Operator):
    """Open this file with the program that your system has for it"""

    bl_idname = "graphics_ml.open_file"
    bl_label = "Open"
    bl_options = {"INTERNAL"}

    path: bpy.props.StringProperty(options={"HIDDEN"})

    def execute(self, context):
        if not Path(self.path).exists():
            self.report({"ERROR"}, f"{self.path} is not there any more")
            return {"CANCELLED"}
        return bpy.ops.wm.path_open(filepath=self.path)


class UseMotion(bpy.types.Operator):
    """Put this motion on the active armature, with the settings of the panel Retarget"""

    bl_idname = "graphics_ml.use_motion"
    bl_label = "Put on Armature"
    bl_options = {"INTERNAL"}  # without UNDO: the operator that it runs is the undo step

    path: bpy.props.StringProperty(options={"HIDDEN"})

    @classmethod
    def poll(cls, context):
        return context.object is not None and context.object.type == "ARMATURE" and Running.poll.__func__(cls, context)

    def execute(self, context):
        retarget = context.scene.graphics_ml.retarget
        retarget.source_from, retarget.file, retarget.target_armature = "file", self.path, context.object
        return press(self, "graphics_ml.retarget")


CLASSES = (OpenFile, UseMotion)


def register():
    for order, (name, job_class) in enumerate(sorted(JOBS.items()), _FIRST):
        name = name.replace("-", "_")
        if job_class.panel is not None:
            SETTINGS[name] = group_of(job_class, more={"results": bpy.props.CollectionProperty(type=PathItem)})
            for one in (SETTINGS[name], _operator(name, job_class), *_panels(name, job_class, order)):
                bpy.utils.register_class(one)
                _made.append(one)


def unregister():
    SETTINGS.clear()
    while _made:
        bpy.utils.unregister_class(_made.pop())


class _RunsJob(Running):
    def work(self, context):
        group = getattr(context.scene.graphics_ml, self.job_name)
        outcome = yield from in_worker(job_from(group, **_open_scene(group)))
        group.results.clear()
        for path in outcome.outputs:
            group.results.add().path = str(path)
        return [*outcome.notes, *outcome.failures] or [f"Wrote {path.name}" for path in outcome.outputs]


class _ShowsJob(Sidebar):
    def draw(self, context):
        layout, group = self.layout, getattr(context.scene.graphics_ml, self.job_name)
        paragraph(layout, context, self.job_class.__doc__)
        draw_settings(layout, group, self.common)
        if needs_environment(self.job_class) and chosen_place() is None:
            paragraph(layout, context, "This needs the environment: set it up above", icon="INFO")
        layout.operator(self.operator, icon="PLAY")
        for item in group.results:
            row = layout.row()
            row.label(text=Path(item.path).name, icon="FILE")
            if Path(item.path).suffix.lower() in extensions():
                row.operator(UseMotion.bl_idname, text="", icon="ARMATURE_DATA").path = item.path
            row.operator(OpenFile.bl_idname, text="", icon="FILE_TICK").path = item.path
            row.operator(OpenFile.bl_idname, text="", icon="FILE_FOLDER").path = str(Path(item.path).parent)


class _ShowsRareSettings(Sidebar):
    bl_label = "More Settings"

    def draw(self, context):
        draw_settings(self.layout, getattr(context.scene.graphics_ml, self.job_name), self.rare)


def _open_scene(group):
    """The setting that takes the open scene where it is empty, with a copy of that, which the job keeps with its
    outputs; {} where there is none. The open scene stays as it is.

    Raises:
        GraphicsMLError: the other settings do not go together, or the folder holds what another scene became.
    """
    empty = [
        one.name for one, _ in settings(group.job_class) if one.metadata["open_scene"] and not getattr(group, one.name)
    ]
    if not empty:
        return {}
    (name,) = empty
    job = job_from(group, **{name: Path(OPEN_SCENE)})
    copy = job.output / OPEN_SCENE
    if getattr(job, "resume", False) and copy.exists():
        return {name: copy}
    ensure_writable(copy)
    job.output.mkdir(parents=True, exist_ok=True)
    if any(path != copy for path in job.output.iterdir()):
        raise OutputError(
            job.output, None, "this folder holds other files; choose another one, or Resume what it holds"
        )
    bpy.ops.wm.save_as_mainfile(filepath=str(copy), copy=True, check_existing=False)
    return {name: copy}


def _operator(name, job_class):
    about = {"bl_idname": f"graphics_ml.run_{name}", "bl_label": job_class.panel, "job_name": name}
    return type(f"GRAPHICS_ML_OT_run_{name}", (_RunsJob, bpy.types.Operator), about | {"__doc__": job_class.__doc__})


def _panels(name, job_class, order):
    all_settings = [one for one, _ in settings(job_class)]
    common = tuple(one.name for one in all_settings if not one.metadata["rare"])
    rare = tuple(one.name for one in all_settings if one.metadata["rare"])
    about = {"bl_label": job_class.panel, "bl_order": order, "operator": f"graphics_ml.run_{name}", "common": common}
    names = about | {"job_name": name, "job_class": job_class}
    panel = type(f"GRAPHICS_ML_PT_{name}", (_ShowsJob, bpy.types.Panel), names)
    if not rare:
        return [panel]
    more = {"bl_parent_id": panel.__name__, "job_name": name, "rare": rare}
    return [panel, type(f"{panel.__name__}_more", (_ShowsRareSettings, bpy.types.Panel), more)]
