# SPDX-License-Identifier: GPL-3.0-or-later
"""The panel Environment: set up what capture needs, choose what there is, and say in words what works."""

from pathlib import Path

import bpy

from graphics_ml.errors import GraphicsMLError
from graphics_ml.jobs import JOBS

from . import environment
from .in_worker import close_workers, needs_environment
from .preferences import chosen_place, own_folder, preferences
from .running import Running, press
from .sidebar import Sidebar, paragraph

_checked = {}  # what the last check found, by the place that was checked: lines


class SetUp(Running, bpy.types.Operator):
    """Make a separate Python environment for what capture needs; asks first"""

    bl_idname = "graphics_ml.set_up"
    bl_label = "Looking for Python"
    bl_options = {"INTERNAL"}

    def work(self, context):
        found = yield from environment.find_python()
        if not found or found[0].fault:
            raise environment.SetUpError(environment.no_python(found))
        if not preferences().folder:
            preferences().folder = str(Path.home() / "graphics-ml")
        if not bpy.app.background:
            AskToSetUp.python = found[0]
            bpy.ops.graphics_ml.ask_to_set_up("INVOKE_DEFAULT")
        return [f"Python is there: {found[0].program}"]


class AskToSetUp(bpy.types.Operator):
    """Ask whether to make the environment, and where"""

    bl_idname = "graphics_ml.ask_to_set_up"
    bl_label = "Set Up"
    bl_options = {"INTERNAL"}

    python = None  # the environment.Python that was found

    @classmethod
    def poll(cls, context):
        return cls.python is not None

    def invoke(self, context, event):
        return context.window_manager.invoke_props_dialog(self, width=520)

    def draw(self, context):
        self.layout.prop(preferences(), "folder")
        column = self.layout.column(align=True)
        for line in environment.consent(bpy.path.abspath(preferences().folder), self.python):
            column.label(text=line)
        if not _online():
            self.layout.label(text=_OFFLINE, icon="ERROR")

    def execute(self, context):
        program = str(self.python.program)
        return press(self, MakeEnvironment.bl_idname, folder=preferences().folder, program=program)


class MakeEnvironment(Running, bpy.types.Operator):
    """Make a Python environment in a folder, and use it"""

    bl_idname = "graphics_ml.make_environment"
    bl_label = "Setting up the environment"
    bl_options = {"INTERNAL"}

    folder: bpy.props.StringProperty(subtype="DIR_PATH")
    program: bpy.props.StringProperty(subtype="FILE_PATH")

    def work(self, context):
        if not self.folder:
            raise environment.SetUpError("no folder is given; choose one for the environment")
        if not _online():
            raise environment.SetUpError(_OFFLINE)
        folder = Path(bpy.path.abspath(self.folder))
        found = yield from environment.find_python([self.program] if self.program else [])
        python = next((one for one in found if not one.fault), None)
        if python is None:
            raise environment.SetUpError(environment.no_python(found))
        carried = environment.carried(Path(__file__).parent)
        close_workers()  # one of them may run in this folder
        yield from environment.create(folder, python, *carried, own_folder() / "set_up.log")
        preferences().python = str(folder)
        preferences().folder = str(folder)
        bpy.context.preferences.is_dirty = True  # Blender saves them when it closes
        return (yield from _check(folder))


class CheckEnvironment(Running, bpy.types.Operator):
    """Say what works in the environment and what is missing"""

    bl_idname = "graphics_ml.check_environment"
    bl_label = "Check"
    bl_options = {"INTERNAL"}

    def work(self, context):
        if chosen_place() is None:
            raise environment.SetUpError("no environment is chosen; press Set Up, or choose a Python")
        return (yield from _check(chosen_place()))


class GRAPHICS_ML_PT_environment(Sidebar, bpy.types.Panel):
    bl_label = "Environment"
    bl_order = 10

    def draw(self, context):
        layout, place = self.layout, chosen_place()
        if place is None:
            paragraph(layout, context, "Loading motion files, retargeting and cleaning up work as they are.")
            paragraph(layout, context, "Capture needs a Python environment of its own.", icon="INFO")
        layout.operator(SetUp.bl_idname, text="Set Up" if place is None else "Set Up Again", icon="IMPORT")
        layout.label(text="Or choose one that is there:")
        layout.prop(preferences(), "python", text="")
        if place is not None:
            layout.operator(CheckEnvironment.bl_idname, icon="VIEWZOOM")
            for line, well in _checked.get(place, ()):
                paragraph(layout, context, line, icon="CHECKMARK" if well else "ERROR")


CLASSES = (SetUp, AskToSetUp, MakeEnvironment, CheckEnvironment, GRAPHICS_ML_PT_environment)

_OFFLINE = (
    "Blender may not use the Internet: allow it in Edit > Preferences > System > Network, Allow Online Access, and "
    "set up again"
)
_TITLES = {"capture": "Capture"}  # of jobs whose panels are of their own making


def _check(place):
    """A generator that checks the environment in a place and returns a sentence for each job."""
    _checked.pop(place, None)
    try:
        result = yield from environment.check(environment.python_of(place), own_folder() / "check.log")
    except GraphicsMLError as error:
        _checked[place] = [(str(error), False)]
        raise
    lines = []
    for name, missing in sorted(result["missing"].items()):
        # Those that need Blender beside it are done by this one, with what the environment gives.
        if name in JOBS and needs_environment(JOBS[name]) and "blender" not in JOBS[name].needs:
            title = JOBS[name].panel or _TITLES.get(name)
            if title is None:  # no panel asks for it
                continue
            lines.append((f"{title} lacks {', '.join(missing)}" if missing else f"{title} works", not missing))
    if result["install"]:
        lines.append((f"This computer lacks libraries; to install them: {result['install']}", False))
    _checked[place] = lines
    return [line for line, well in lines if not well] or ["All that needs the environment works"]


def _online():
    return getattr(bpy.app, "online_access", True)  # before 4.2 there is no such permission
