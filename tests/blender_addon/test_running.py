"""Operators that go on: to their end in the background, and slice by slice while a window answers."""

import time
from types import SimpleNamespace

import bpy
import pytest

TIMER, ESCAPE, MOUSE = (
    SimpleNamespace(type=kind, value=value)
    for kind, value in (("TIMER", "NOTHING"), ("ESC", "PRESS"), ("LEFTMOUSE", "PRESS"))
)


@pytest.fixture
def running(addon):
    module = addon("running")
    assert module.going_on() is None
    yield module
    module.end()
    module.forget_last()


@pytest.fixture
def operator(running):
    """A function that registers an operator whose work is the given generator function, and gives its class."""
    made = []

    def make(work, name="test_going_on"):
        about = {"bl_idname": f"graphics_ml.{name}", "bl_label": "Test", "work": work, "__doc__": "A test"}
        made.append(type(f"GRAPHICS_ML_OT_{name}", (running.Running, bpy.types.Operator), about))
        bpy.utils.register_class(made[-1])
        return made[-1]

    yield make
    running.end()
    for one in made:
        bpy.utils.unregister_class(one)


class Window:
    """Stands in for Blender's event loop, which bpy has not: the operator's own methods, called as Blender would."""

    def __init__(self, running, operator_class):
        self.running, self.status, self.reports = running, [], []
        manager = SimpleNamespace(
            event_timer_add=lambda every, window: "timer", event_timer_remove=lambda timer: None,
            modal_handler_add=lambda operator: None,
        )  # fmt: skip
        workspace = SimpleNamespace(status_text_set=self.status.append)
        self.context = SimpleNamespace(window="window", window_manager=manager, workspace=workspace)
        self.operator = SimpleNamespace(
            bl_idname=operator_class.bl_idname, bl_label=operator_class.bl_label, kept=None,
            work=lambda context: operator_class.work(self.operator, context),
            report=lambda kind, text: self.reports.append((kind, text)),
            **{name: lambda *given, name=name: getattr(running.Running, name)(self.operator, *given)
               for name in ("_finished", "_stopped", "_failed")},
        )  # fmt: skip

    def begin(self):
        run = self.running._begin(self.operator, self.context)
        return run

    def event(self, event):
        return self.running.Running.modal(self.operator, self.context, event)


def test_in_the_background_it_runs_to_its_end(operator):
    def work(self, context):
        for done in range(3):
            yield "counting", done, 3
        yield None
        context.scene.frame_end = 77
        return ["counted"]

    operator(work)
    assert bpy.ops.graphics_ml.test_going_on() == {"FINISHED"}
    assert bpy.context.scene.frame_end == 77


def test_a_result_is_one_undo_step(operator, empty):
    def work(self, context):
        yield "making", 0, 2
        context.scene.collection.objects.link(bpy.data.objects.new("first", None))
        yield "making", 1, 2
        context.scene.collection.objects.link(bpy.data.objects.new("second", None))

    operator(work)
    bpy.ops.ed.undo_push(message="before")
    bpy.ops.graphics_ml.test_going_on("EXEC_DEFAULT", True)  # as from a button: a call from Python alone is no step
    assert len(bpy.data.objects) == 2
    bpy.ops.ed.undo()
    assert len(bpy.data.objects) == 0
    bpy.ops.ed.redo()
    assert len(bpy.data.objects) == 2


def test_what_the_user_can_mend_is_one_sentence(operator, running, core):
    def work(self, context):
        yield "reading", 0, 0
        raise core("errors").MotionFileError("a.bvh", 3, "a line is missing; write it again")

    operator(work)
    with pytest.raises(RuntimeError, match=r"^Error: a.bvh, line 3: a line is missing; write it again\s*$"):
        bpy.ops.graphics_ml.test_going_on()
    assert running.last().failed
    assert running.last().notes == ["a.bvh, line 3: a line is missing; write it again"]


def test_an_object_that_is_deleted_meanwhile_is_one_sentence(operator, empty):
    def work(self, context):
        held = bpy.data.objects.new("held", None)
        yield "thinking", 0, 2
        bpy.data.objects.remove(held)
        yield "thinking", 1, 2
        held.location.x = 1

    operator(work)
    with pytest.raises(RuntimeError, match="has been deleted meanwhile; nothing was changed"):
        bpy.ops.graphics_ml.test_going_on()


def test_a_fault_of_the_program_is_told_with_its_traceback_and_lets_others_go_on(operator, running):
    def work(self, context):
        yield "thinking", 0, 0
        raise KeyError("hips")

    operator(work)
    with pytest.raises(RuntimeError, match="Traceback"):
        bpy.ops.graphics_ml.test_going_on()
    assert running.going_on() is None


def test_only_one_goes_on_at_a_time(operator, running):
    def work(self, context):
        yield "thinking", 0, 0

    kind = operator(work)
    operator(work, "test_another")
    Window(running, kind).begin()
    assert not bpy.ops.graphics_ml.test_another.poll()
    with pytest.raises(RuntimeError, match="poll"):
        bpy.ops.graphics_ml.test_another()
    running.end()
    assert bpy.ops.graphics_ml.test_another() == {"FINISHED"}


def test_a_slice_ends_soon_and_leaves_other_events_to_the_window(operator, running):
    steps = []

    def work(self, context):
        for done in range(1000):
            steps.append(done)
            time.sleep(0.005)
            yield "counting", done, 1000

    window = Window(running, operator(work))
    window.begin()
    assert window.event(MOUSE) == {"PASS_THROUGH"}
    assert steps == []
    began = time.monotonic()
    assert window.event(TIMER) == {"PASS_THROUGH"}
    assert time.monotonic() - began < 0.2
    assert 1 <= len(steps) <= 10
    assert "Counting" in window.status[-1]


def test_while_it_waits_it_does_not_hold_the_window(operator, running):
    def work(self, context):
        while True:
            yield None

    window = Window(running, operator(work))
    window.begin()
    began = time.monotonic()
    for _ in range(20):
        window.event(TIMER)
    assert time.monotonic() - began < 0.2


def test_escape_tidies_and_changes_nothing(operator, running):
    tidied = []

    def work(self, context):
        try:
            while True:
                yield "counting", 1, 2
        finally:
            tidied.append(True)

    window = Window(running, operator(work))
    window.begin()
    window.event(TIMER)
    assert window.event(ESCAPE) == {"CANCELLED"}
    assert tidied == [True]
    assert running.going_on() is None
    assert window.reports == [({"INFO"}, "Stopped; nothing was changed")]


def test_the_status_bar_of_each_workspace_that_told_of_it_is_free_again(operator, running, monkeypatch):
    monkeypatch.setattr(running, "_REDRAW", 0)

    def work(self, context):
        for done in range(20):
            time.sleep(0.01)
            yield "counting", done, 20

    window, status = Window(running, operator(work)), []
    window.begin()
    window.event(TIMER)
    window.context.workspace = SimpleNamespace(status_text_set=status.append)  # the user goes to another one
    window.event(TIMER)
    window.event(ESCAPE)
    assert "Counting" in window.status[0] and window.status[-1] is None
    assert "Counting" in status[0] and status[-1] is None


def test_what_cannot_be_tidied_because_it_was_deleted_does_not_keep_escape_from_stopping(operator, running, empty):
    def work(self, context):
        held = bpy.data.objects.new("held", None)
        try:
            while True:
                yield "counting", 1, 2
        finally:
            held.location.x = 1

    window = Window(running, operator(work))
    window.begin()
    window.event(TIMER)
    bpy.data.objects.remove(bpy.data.objects["held"])
    assert window.event(ESCAPE) == {"CANCELLED"}
    assert running.going_on() is None


def test_escape_keeps_what_is_done_where_the_work_says_so(operator, running):
    def work(self, context):
        for done in range(1000):
            self.kept = f"{done} of 1000 are done"
            time.sleep(0.01)
            yield "doing", done, 1000

    window = Window(running, operator(work))
    window.begin()
    window.event(TIMER)
    assert window.event(ESCAPE) == {"FINISHED"}  # an undo step of its own
    assert "of 1000 are done" in window.reports[0][1]


def test_the_button_stops_it_at_the_next_tick(operator, running):
    def work(self, context):
        while True:
            yield "counting", 1, 2

    window = Window(running, operator(work))
    assert not bpy.ops.graphics_ml.stop.poll()
    window.begin()
    bpy.ops.graphics_ml.stop()
    assert window.event(TIMER) == {"CANCELLED"}


@pytest.mark.parametrize("what", ["another file", "undo", "the add-on is disabled"])
def test_it_ends_before_what_it_holds_is_taken_away(operator, running, empty, what):
    tidied = []

    def work(self, context):
        held = bpy.data.objects.new("held", None)
        try:
            while True:
                yield "counting", 1, 2
        finally:
            tidied.append(held.name)

    window = Window(running, operator(work))
    bpy.ops.ed.undo_push(message="first")
    bpy.ops.ed.undo_push(message="second")
    window.begin()
    window.event(TIMER)
    if what == "another file":
        bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    elif what == "undo":
        bpy.ops.ed.undo()
    else:
        running.unregister()
        running.register()
    assert tidied == ["held"]
    assert window.event(TIMER) == {"CANCELLED"}


def test_the_time_left_is_told(running, operator, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(running.time, "monotonic", lambda: now[0])

    def work(self, context):
        for done in range(5):
            yield "detecting", done, 10

    run = Window(running, operator(work)).begin()
    run.step()
    assert run.text == "Detecting: 0 %"
    now[0] += 20
    run.step()
    run.step()
    assert run.text == "Detecting: 20 %, 1 min 20 s left"


def test_an_operator_that_was_ended_leaves_the_next_one_alone(running, operator):
    def work(self, context):
        while True:
            yield "counting", 1, 2

    kind = operator(work)
    first, second = Window(running, kind), Window(running, kind)
    first.begin()
    running.end()
    run = second.begin()
    assert first.event(TIMER) == {"CANCELLED"}
    assert second.event(TIMER) == {"PASS_THROUGH"}
    assert running.going_on() is run


def test_it_goes_on_in_the_scene_in_which_it_was_begun(running, operator):
    seen = []

    def work(self, context):
        try:
            for _ in range(3):
                seen.append((bpy.context.scene.name, bpy.context.view_layer.objects.active))
                yield "counting", 0, 0
        finally:
            seen.append(bpy.context.scene.name)

    first, second = bpy.context.scene, bpy.data.scenes.new("second")
    thing = bpy.data.objects.new("thing", None)
    first.collection.objects.link(thing)
    bpy.context.view_layer.objects.active = thing
    bpy.context.window.scene = first
    try:
        run = Window(running, operator(work)).begin()
        run.step()
        bpy.context.window.scene = second
        run.step()
        assert bpy.context.scene == second
        bpy.context.window.scene = first
        run.step()
        bpy.context.window.scene = second
        running.end()
        assert seen == [(first.name, thing)] * 3 + [first.name]
        # A scene that has been deleted cannot be worked in, but what was begun is tidied.
        seen.clear()
        run = Window(running, operator(work, "test_deleted")).begin()
        run.step()
        bpy.context.window.scene = first
        bpy.data.scenes.remove(second)
        with pytest.raises(ReferenceError):
            run.step()
        running.end()
        assert seen[-1] == first.name
    finally:
        bpy.data.objects.remove(thing)
