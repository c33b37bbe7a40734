# SPDX-License-Identifier: GPL-3.0-or-later
"""What all panels share: their place in the 3D View's sidebar, paragraphs, and what is going on above them all.

class GRAPHICS_ML_PT_retarget(Sidebar, bpy.types.Panel):
    bl_label = "Retarget"
    bl_order = 30

    def draw(self, context): ...
"""

import textwrap

import bpy

from . import running


class Sidebar:
    """Mixin of a panel in 3D View > Sidebar > Graphics ML."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Graphics ML"
    bl_options = {"DEFAULT_CLOSED"}


class GRAPHICS_ML_PT_going_on(Sidebar, bpy.types.Panel):
    bl_label = "Progress"  # without a header Blender would put it, and with it the tab, before all others
    bl_order = 0
    bl_options = set()

    @classmethod
    def poll(cls, context):
        return running.going_on() is not None or running.last() is not None

    def draw(self, context):
        run, ended = running.going_on(), running.last()
        if run is not None:
            self.layout.label(text=run.title)
            row = self.layout.row(align=True)
            if hasattr(row, "progress") and run.factor is not None:  # Blender 3.4 has none
                row.progress(factor=run.factor, text=run.text)
            else:
                row.label(text=run.text)
            row.operator("graphics_ml.stop", text="", icon="X")
            return
        row = self.layout.row()
        row.label(text=ended.title, icon="ERROR" if ended.failed else "CHECKMARK")
        row.operator("graphics_ml.dismiss", text="", icon="X", emboss=False)
        if len(ended.notes) <= _FEW:
            _draw_notes(self.layout, context, ended.notes)


class GRAPHICS_ML_PT_notes(Sidebar, bpy.types.Panel):
    bl_label = "What to Know"  # of many notes, which would push all panels down
    bl_parent_id = "GRAPHICS_ML_PT_going_on"

    @classmethod
    def poll(cls, context):
        ended = running.last()
        return running.going_on() is None and ended is not None and len(ended.notes) > _FEW

    def draw_header(self, context):
        self.layout.label(icon="INFO")

    def draw(self, context):
        _draw_notes(self.layout, context, running.last().notes)


def fields(layout, group=None, names=()):
    """A column in which the properties' names stand to the left of their values, with these of a group in it."""
    column = layout.column()
    column.use_property_split = True
    column.use_property_decorate = False
    for name in names:
        column.prop(group, name)
    return column


def armature_field(layout, context, group, name):
    """A property that names an armature and, where it is empty, the active one, which is taken then."""
    column = fields(layout, group, (name,))
    if getattr(group, name) is None:
        active = context.object
        known = active is not None and active.type == "ARMATURE"
        column.label(text=active.name if known else "Select an armature", icon="ARMATURE_DATA" if known else "INFO")


def paragraph(layout, context, text, icon="NONE"):
    """Draw text on as many lines as the sidebar's width asks for."""
    scale = context.preferences.system.ui_scale or 1  # 0 where there is no window
    width = context.region.width if context.region is not None else 300
    letters = max(int(width / (7 * scale)) - 4, 20)  # a letter of the interface's font is about 7 pixels wide
    column = layout.column(align=True)
    for index, line in enumerate(textwrap.wrap(text, letters) or [""]):
        column.label(text=line, icon=icon if index == 0 else "BLANK1" if icon != "NONE" else "NONE")


CLASSES = (GRAPHICS_ML_PT_going_on, GRAPHICS_ML_PT_notes)
_FEW = 2


def _draw_notes(layout, context, notes):
    for note in notes:
        paragraph(layout, context, note[:1].upper() + note[1:])
