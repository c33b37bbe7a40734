# SPDX-License-Identifier: GPL-3.0-or-later
"""One frame of a result on the rig itself, following the settings and the scene's frame, without keys.

    begin(rig, settings_now, result_now)
    end()

The rig's former pose comes back at the end, and while a file is saved. Undo gives back a state of the file in which the
preview may have been on: the former pose is in that state too, on the object, and is put back from there.
"""

from collections.abc import Callable, Hashable
from contextlib import suppress
from typing import NamedTuple

import bpy
from bpy.app.handlers import persistent

from graphics_ml.blender.pose_preview import PosePreview, put_back, put_back_left_over
from graphics_ml.errors import GraphicsMLError
from graphics_ml.hints import in_panels
from graphics_ml.motion.motion import Motion

from .running import redraw


class Result(NamedTuple):
    """What is shown.

    Args:
        motion: on the skeleton that the rig takes motion on.
        bones: names of the joints that are shown.
        frame_at: the frame of the motion at a frame of the scene.
    """

    motion: Motion
    bones: tuple[str, ...]
    frame_at: Callable[[float], float]


_shown = None
_problem = ""


def begin(rig: bpy.types.Object, settings_now: Callable[[], Hashable], result_now: Callable[[], Result]) -> None:
    """Show a result on a rig from now on.

    Args:
        settings_now: all that the result depends on; it is worked out anew where this has changed.
        result_now: works it out.

    Raises:
        GraphicsMLError: it cannot be worked out.
    """
    global _shown, _problem
    end()
    _problem = ""
    shown = _Shown(rig, settings_now, result_now)
    try:
        shown.follow()
    except BaseException:
        put_back(rig)
        raise
    _shown = shown


def end() -> None:
    """Give the rig its pose back; nothing happens where no preview is on."""
    global _shown
    if _shown is None:
        return
    shown, _shown = _shown, None
    with suppress(ReferenceError):  # the rig has been deleted
        put_back(shown.rig)
    redraw()


def is_on() -> bool:
    """Whether a preview is on."""
    return _shown is not None


def drawn() -> None:
    """Say that a panel is drawn whose settings the preview follows: one of them may have been edited."""
    # In a window Blender tells of an edit as an update of the scene too, but not of one that a script makes.
    if _shown is not None and not bpy.app.background and not bpy.app.timers.is_registered(_follow):
        bpy.app.timers.register(_follow)  # a drawing must not change what it draws


def problem() -> str:
    """Why the last preview ended by itself, a sentence; empty where it did not."""
    return _problem


class _Shown:
    def __init__(self, rig, settings_now, result_now):
        self.rig, self.settings_now, self.result_now = rig, settings_now, result_now
        self.preview, self.settings, self.result, self.frame = PosePreview(rig), None, None, None
        self.busy = False

    def follow(self, anew=False):
        """Show what the settings and the scene's frame ask for now; `anew` even where neither has changed."""
        if self.busy:  # posing the rig makes Blender tell of a change
            return
        self.busy = True
        try:
            settings, frame = self.settings_now(), bpy.context.scene.frame_current_final
            if settings != self.settings:
                self.result = self.result_now()
                self.preview.load(self.result.motion, self.result.bones)
                self.settings, anew = settings, True
            if anew or frame != self.frame:
                self.frame = frame
                self.preview.show(round(self.result.frame_at(frame)))
        finally:
            self.busy = False


def _follow(anew=False):
    global _problem
    # What is rendered is what the rig does, in a thread of its own that nothing may be changed under.
    if _shown is None or bpy.app.is_job_running("RENDER"):
        return
    try:
        _shown.follow(anew)
    except GraphicsMLError as error:
        _problem = in_panels(str(error))
        end()
    except ReferenceError:
        end()
    except KeyError:  # of a bone that was removed or renamed
        _problem = "the bones of the rig have changed; press Preview again"
        end()


@persistent
def _frame_changed(scene, *_):
    if _shown is not None and scene == bpy.context.scene:
        _follow(anew=True)  # the rig's own action has posed it


@persistent
def _updated(scene, *_):
    _follow()


@persistent
def _saving(*_):
    if _shown is not None:
        with suppress(ReferenceError):  # the rig has been deleted
            put_back(_shown.rig)


@persistent
def _saved(*_):
    _follow(anew=True)


@persistent
def _going(*_):
    global _shown
    _shown = None  # its rig goes with the file


@persistent
def _came(*_):
    global _shown
    _shown = None
    put_back_left_over()


CLASSES = ()
_HANDLERS = {
    "frame_change_post": _frame_changed,
    "depsgraph_update_post": _updated,
    "save_pre": _saving,
    "save_post": _saved,
    "load_pre": _going,
    "load_post": _came,
    "undo_post": _came,
    "redo_post": _came,
}


def register():
    for name, handler in _HANDLERS.items():
        getattr(bpy.app.handlers, name).append(handler)


def unregister():
    end()
    if bpy.app.timers.is_registered(_follow):
        bpy.app.timers.unregister(_follow)
    for name, handler in _HANDLERS.items():
        getattr(bpy.app.handlers, name).remove(handler)
