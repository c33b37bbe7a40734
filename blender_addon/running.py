# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators that go on for a while and let the window answer meanwhile.

    class Retarget(Running, bpy.types.Operator):
        '''Put the motion on the rig'''                          # the tooltip
        bl_idname = "graphics_ml.retarget"
        bl_label = "Retarget"

        def work(self, context):
            motion = load(path)
            for count, part in enumerate(parts):
                yield "retargeting", count, len(parts)           # stage, done, total; (stage, 0, 0): nobody knows
                ...
            outcome = yield from in_worker(job)                  # of in_worker.py: a job that needs more than NumPy
            write_keys(...)                                      # what changes the scene comes last, in one go
            return ["The left foot slid 3 mm"]                   # notes, a sentence each

`work` is run a slice at a time from a timer, and between two yields it should take less than 0.1 s: that long the
window stands still. It yields None while it only waits for something. What it raises of GraphicsMLError is told in one
sentence, and nothing else happens. Whatever scene the window shows meanwhile, to `work` that in which it was begun is
the current one. Esc, the button beside the progress, another file being opened, undo and Blender
closing end it at its next yield by GeneratorExit: what must be tidied stands in a `finally`. The whole is one undo
step.

In the background (`bpy.ops.graphics_ml.retarget()` without a window, and in tests) execute() runs it to its end; an
error is then Python's RuntimeError with the sentence, as with every operator.

One may go on at a time: poll() is False for all others meanwhile. An operator with a poll of its own asks
`super().poll(context)` too.
"""

import time
from contextlib import nullcontext, suppress

import bpy
from bpy.app.handlers import persistent

from graphics_ml.errors import GraphicsMLError
from graphics_ml.hints import in_panels

_EVERY = 0.05  # seconds between two slices; the window redraws and answers in between
_SLICE = 0.03, 0.1  # seconds that a slice may take, at least and at most: between them, as long as Blender took since
_REDRAW = 0.25  # seconds between two looks at how far it is
_RARELY = 5  # the sidebar is redrawn at most a fifth of the time: without a graphics card that takes a second each time
_PAUSE = 0.01  # seconds to wait where nothing is there to do and no window answers

_going_on = None
_last = None


class Running:
    """Mixin of an operator whose `work(context)` is a generator; see above."""

    bl_options = {"UNDO"}
    kept = None  # what stays where Esc stops it now, a sentence; set by a work that does one thing after the other

    @classmethod
    def poll(cls, context):
        if _going_on is not None and hasattr(cls, "poll_message_set"):
            cls.poll_message_set(f"{_going_on.title} is going on; wait for it or press Esc")
        return _going_on is None

    def invoke(self, context, event):
        if bpy.app.background or context.window is None:
            return self.execute(context)
        run = _begin(self, context)
        run.timer = context.window_manager.event_timer_add(_EVERY, window=context.window)
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context, event):
        run = self.run
        if run is not _going_on:  # ended from outside, such as by undo
            return {"CANCELLED"}
        if event.type == "ESC" and event.value == "PRESS":
            run.stop_asked = True
        if event.type != "TIMER" and not run.stop_asked:
            return {"PASS_THROUGH"}
        if run.stop_asked:
            return self._stopped(run)
        try:
            run.slice()
        except StopIteration as finished:
            return self._finished(run, finished.value)
        except Exception as error:
            return self._failed(run, error)
        run.show(context)
        return {"PASS_THROUGH"}

    def execute(self, context):
        run = _begin(self, context)
        try:
            while True:
                if run.stop_asked:
                    return self._stopped(run)
                if not run.step():
                    time.sleep(_PAUSE)
        except StopIteration as finished:
            return self._finished(run, finished.value)
        except Exception as error:
            return self._failed(run, error)
        except BaseException:  # Ctrl-C in a terminal
            run.end()
            raise

    def cancel(self, context):
        """Called by Blender where it closes, or closes the window."""
        if self.run is _going_on:
            end()

    def _finished(self, run, notes):
        run.end([] if notes is None else list(notes))
        for note in _last.notes:
            self.report({"INFO"}, note)
        return {"FINISHED"}

    def _stopped(self, run):
        run.end([f"Stopped; {self.kept or 'nothing was changed'}"])
        self.report({"INFO"}, _last.notes[0])
        return {"FINISHED"} if self.kept else {"CANCELLED"}

    def _failed(self, run, error):
        sentence = _said(error)
        run.end([sentence or f"This is a fault of graphics_ml: {error!r}"], failed=True)
        if sentence is None:
            raise error
        self.report({"ERROR"}, sentence)
        return {"CANCELLED"}


def going_on():
    """What goes on now, with `title`, `stage`, `factor` (0..1 or None), `text`, or None. Panels draw it."""
    return _going_on


def last():
    """What ended last, with `title`, `notes` and `failed`, or None."""
    return _last


def forget_last():
    """Have no more to say about what ended last."""
    global _last
    _last = None


def press(operator, bl_idname, **properties):
    """Run another operator as its button does, an undo step of its own; its error becomes that of `operator`.

    To be returned by execute(): that the other goes on is no matter of this one, which has done its part.
    """
    room, _, name = bl_idname.partition(".")
    way = "EXEC_DEFAULT" if bpy.app.background else "INVOKE_DEFAULT"
    before = _last
    try:
        getattr(getattr(bpy.ops, room), name)(way, True, **properties)
    except RuntimeError as error:
        sentence = str(error).removeprefix("Error: ").strip()
        if _last is before:
            return refused(operator, sentence)
        operator.report({"ERROR"}, sentence)  # the other has told it already
        return {"CANCELLED"}
    return {"FINISHED"}


def refused(operator, sentence):
    """Tell why an operator that goes on for no while did nothing, as where one fails that does.

    To be returned by execute().
    """
    global _last
    _last = Run(operator.bl_label, None)
    _last.notes, _last.failed = [in_panels(sentence)], True
    operator.report({"ERROR"}, _last.notes[0])
    redraw()
    return {"CANCELLED"}


def end():
    """Stop what goes on, at once, from outside its operator."""
    if _going_on is not None:
        _going_on.end(["Stopped"])


class Run:
    """One operator's work, and how far it is."""

    def __init__(self, title, generator):
        self.title, self.generator = title, generator
        self._scene, self._layer = bpy.context.scene, bpy.context.view_layer
        self.stage, self.done, self.total = "", 0, 0
        self.stop_asked, self.failed, self.notes = False, False, []
        self.timer = None
        self._stage_began = self._slice_ended = time.monotonic()
        self._pause, self._redrawn = 0.0, False
        self._shown, self._show_at, self._redraw_at = None, 0.0, 0.0
        self._workspaces = []  # whose status bars tell of it: the user may change to others meanwhile

    @property
    def factor(self):
        """How much of the stage is done, 0..1; None: nobody knows."""
        return min(self.done / self.total, 1) if self.total else None

    @property
    def text(self):
        """Such as 'Detecting: 40 %, 12 s left'."""
        if self.factor is None:
            return self.stage.capitalize()
        text = f"{self.stage.capitalize()}: {100 * self.factor:.0f} %"
        spent = time.monotonic() - self._stage_began
        # What the first instants say of the rest is too wild to be shown.
        return f"{text}, {_duration(spent / self.factor - spent)} left" if spent > 1 and 0 < self.factor < 1 else text

    def step(self):
        """Do one step.

        Returns:
            Whether there may be more to do at once; it waits for something when False.

        Raises:
            StopIteration: it is finished; its value are the notes.
        """
        with self._in_its_scene():
            progress = next(self.generator)
        if progress is None:
            return False
        stage, self.done, self.total = progress
        if stage != self.stage:
            self.stage, self._stage_began = stage, time.monotonic()
        return True

    def _in_its_scene(self, or_another=False):
        if bpy.context.scene == self._scene:
            return nullcontext()
        try:
            _ = self._scene.name, self._layer.name
        except ReferenceError:  # it has been removed meanwhile, which temp_override does not mind
            if or_another:
                return nullcontext()
            raise
        return bpy.context.temp_override(scene=self._scene, view_layer=self._layer)

    def slice(self):
        """Do steps for a moment, or until there is only to wait; raises as step."""
        least, most = _SLICE
        now = time.monotonic()
        self._pause = now - self._slice_ended
        until = now + min(max(self._pause, least), most)
        while self.step() and time.monotonic() < until:
            pass
        self._slice_ended = time.monotonic()

    def show(self, context):
        """Show after a slice, in the status bar and the side panels, how far it is, where that has changed."""
        now = time.monotonic()
        if self._redrawn:  # after the slice before, which the pause between them tells the price of
            self._redrawn, self._redraw_at = False, now + max(_RARELY * self._pause, _REDRAW)
        if self.text != self._shown and now >= self._show_at:
            self._shown, self._show_at = self.text, now + _REDRAW
            if context.workspace not in self._workspaces:
                self._workspaces.append(context.workspace)
            context.workspace.status_text_set(f"{self.title}. {self.text}. Esc: stop")
            if now >= self._redraw_at:
                self._redrawn = True
                redraw()

    def end(self, notes=(), failed=False):
        """Close the generator, so that it tidies, and let the next begin."""
        global _going_on, _last
        if _going_on is not self:
            return
        _going_on, _last = None, self
        self.notes, self.failed = [in_panels(note) for note in notes], failed
        try:
            with suppress(ReferenceError), self._in_its_scene(or_another=True):  # what it would tidy has been deleted
                self.generator.close()
        finally:
            manager = bpy.context.window_manager
            if self.timer is not None and manager is not None:
                manager.event_timer_remove(self.timer)
            self.timer = None
            for workspace in self._workspaces:
                with suppress(ReferenceError):
                    workspace.status_text_set(None)
            redraw()


class Stop(bpy.types.Operator):
    """Stop what is going on; nothing half-done stays"""

    bl_idname = "graphics_ml.stop"
    bl_label = "Stop"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context):
        return _going_on is not None

    def execute(self, context):
        _going_on.stop_asked = True  # its operator acts at the next tick of its timer
        return {"FINISHED"}


class Dismiss(bpy.types.Operator):
    """Show this message no longer"""

    bl_idname = "graphics_ml.dismiss"
    bl_label = "Dismiss"
    bl_options = {"INTERNAL"}

    def execute(self, context):
        forget_last()
        return {"FINISHED"}


CLASSES = (Stop, Dismiss)


def register():
    for handlers in _handlers():
        handlers.append(_end_before)


def unregister():
    end()
    forget_last()
    for handlers in _handlers():
        handlers.remove(_end_before)


def _handlers():
    # Undo and another file put new data in place of what the work holds in its hands.
    return bpy.app.handlers.load_pre, bpy.app.handlers.undo_pre, bpy.app.handlers.redo_pre


@persistent
def _end_before(*_):
    end()


def _begin(operator, context):
    global _going_on
    if _going_on is not None:
        raise RuntimeError(f"{_going_on.title} is going on; wait for it or press Esc")
    operator.run = _going_on = Run(operator.bl_label, operator.work(context))
    return _going_on


def _said(error):
    """The one sentence for what a user can do something about; None for a fault of the program."""
    if isinstance(error, GraphicsMLError):
        return in_panels(str(error))
    if isinstance(error, ReferenceError):  # of Blender: "StructRNA of type Object has been removed"
        return "What was worked on has been deleted meanwhile; nothing was changed"
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror}"
    if isinstance(error, MemoryError):
        return "There is not enough memory for it; close other programs or take a shorter motion"
    return None


def redraw():
    """Have the side panels drawn anew."""
    manager = bpy.context.window_manager
    for window in manager.windows if manager is not None else ():
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                for region in area.regions:
                    if region.type == "UI":
                        region.tag_redraw()


def _duration(seconds):
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
