# SPDX-License-Identifier: GPL-3.0-or-later
"""An animator's way through a real window, with the mouse and keys alone: `make test-window`.

The tests go on where the one before left the window. What was measured and a picture of each step lie in dist/window.
"""

import os
import shutil
import time
from pathlib import Path

import pytest
from window import Window, lacking

PROJECT = Path(__file__).resolve().parents[2]
PICTURES = PROJECT / "dist" / "window"
WORKER = os.environ["GRAPHICS_ML_WORKER_PYTHON"]
NEVER_LONGER = 1.0  # seconds that the add-on may hold the window in one go, on a busy machine

PANELS = {  # and what shows that it is open
    "Environment": "Set Up",
    "Capture": "Add Films",
    "Retarget": "Auto-map",
    "Clean Up": "Select an armature that plays an action",
    "Convert a File": "Source",
    "Measure": "Reference",
    "Preview Video": "Layout",
}


@pytest.fixture(scope="module")
def data():
    place = os.environ.get("GRAPHICS_ML_TEST_DATA")
    if not place:
        pytest.skip("GRAPHICS_ML_TEST_DATA is not set")
    return Path(place)


@pytest.fixture(scope="module")
def window(data):
    if lacking():
        pytest.fail(f"programs are missing; to install them: {lacking()}")
    with Window(Path(os.environ["GRAPHICS_ML_EXTENSION"]), PICTURES) as window:
        films = window.home / "Videos"
        films.mkdir(parents=True)
        shutil.copy(data / "video" / "treadmill_a.mp4", films / "walk.mp4")
        shutil.copy(data / "motion" / "amass_sample.npz", films / "sample.npz")
        window.show_sidebar()
        window.ask(f"bpy.ops.import_scene.fbx(filepath={str(data / 'rigs' / 'Geno.fbx')!r})")
        window.ask(_SCENE)
        yield window


_RIG = "next(one for one in bpy.data.objects if one.type == 'ARMATURE')"  # undo puts another in its place
_SCENE = f"""
bpy.data.objects.remove(bpy.data.objects["Cube"])
for thing in bpy.data.objects:
    thing.select_set(False)
rig = {_RIG}
rig.select_set(True)
bpy.context.view_layer.objects.active = rig
screen = bpy.context.window_manager.windows[0].screen
area = max((one for one in screen.areas if one.type == "VIEW_3D"), key=lambda one: one.width)
region = next(one for one in area.regions if one.type == "WINDOW")
with bpy.context.temp_override(window=bpy.context.window_manager.windows[0], area=area, region=region):
    bpy.ops.view3d.view_axis(type="FRONT")
    bpy.ops.view3d.view_selected()
    bpy.ops.view3d.view_orbit(angle=0.3, type="ORBITUP")
bpy.ops.ed.undo_push(message="Scene")
"""
_ACTIONS = "sorted(one.name for one in bpy.data.actions)"
_ADDRESSES = "[one.as_pointer() for one in bpy.data.actions]"
_PLAYED = f"(lambda data: data and data.action and data.action.name)({_RIG}.animation_data)"
_PANELS = "bpy.context.scene.graphics_ml"
_ROWS = f"[[one.role, one.source] for one in {_PANELS}.retarget.bones]"
_ROW = f"{_PANELS}.retarget.bones[{_PANELS}.retarget.bone].role"
_TURNED = "tuple(area.spaces[0].region_3d.view_rotation)"


@pytest.mark.parametrize("panel", PANELS)
def test_each_panel_opens_and_closes_by_its_title(window, panel):
    window.unfold(panel, PANELS[panel])
    window.shot(f"panel {panel}", window.sidebar())
    window.fold(panel, PANELS[panel])


def test_an_environment_is_chosen_by_typing_its_path_and_is_checked(window):
    window.unfold("Environment", "Set Up")

    def field():
        x, y = window.find("Or choose one that is there:", window.sidebar())
        return x, y + 26

    chosen = "sys.modules[f'{NAME}.preferences'].preferences().python"
    window.write(field, WORKER, lambda: window.ask(chosen) == WORKER)
    window.run("Check")
    window.find("Capture works", window.sidebar())
    window.shot("environment checked", window.sidebar())
    window.dismiss()
    window.fold("Environment", "Set Up Again")


def test_a_film_becomes_an_action_while_the_window_answers(window):
    window.unfold("Capture", "Add Films")
    window.click_until(
        lambda: window.find("Add Films", window.sidebar()), lambda: window.sees("Add Files"), "asking for films"
    )
    window.write(
        lambda: window.find(f"{window.home}/"),
        f"{window.home}/Videos/",
        lambda: window.sees("walk.mp4", beside_icon=True),
    )
    window.click(*window.find("walk.mp4", beside_icon=True))
    window.click_until(lambda: window.find("Add Files"), lambda: not window.sees("Add Files"), "adding the film")
    assert window.ask(f"[one.path for one in {_PANELS}.capture.films]") == [f"{window.home}/Videos/walk.mp4"]
    window.shot("capture ready")
    window.ask("gap(), texts.clear()")
    _orbit(window)
    before = window.ask("gap()")
    turned = [window.ask(_TURNED)]

    def watch():
        _orbit(window)
        now = window.ask(f"going_on() and {_TURNED}")
        if now is not None:
            turned.append(now)
            window.shot(f"capture {len(turned) - 1:02}")

    window.begin("Capture", index=-1)
    window.until_done(watch)
    gap, step, texts = window.ask("gap()"), window.ask("step()"), window.ask("texts")
    window.measured("capture", {"longest gap": gap, "orbiting before": before, "longest step": step, "texts": texts})
    assert window.ask(_PLAYED) == "walk"
    assert any(now != turned[0] for now in turned), "the view must turn while it goes on"
    assert any("%" in text and text.endswith("left") for text in texts)
    assert step < NEVER_LONGER
    window.shot("captured")


def test_the_character_is_seen_over_its_film(window):
    window.dismiss()
    window.fold("Capture", "Add Films")
    window.unfold("Correct the Capture", "Swap Left and Right")
    window.click_until(
        lambda: window.find("Look Through the Film's Camera", window.sidebar()),
        lambda: window.ask("bpy.context.scene.camera.name") == "Film walk",
        "looking through the film's camera",
    )
    x, y, _, height = window.view()
    view = (x, y, window.sidebar()[0] - x, height)
    first = None
    for frame in (10, 100, 200):
        window.ask(f"bpy.context.scene.frame_set({frame})")
        picture = window.still(view, other_than=first)
        first = picture if first is None else first
        window.shot(f"over the film {frame}", view)
    window.fold("Correct the Capture", "Swap Left and Right")
    window.unfold("Capture", "Add Films")


@pytest.mark.parametrize("stage", ["", "detecting", "solving"])
def test_esc_acts_within_a_second_and_leaves_all_as_it_was(window, stage):
    actions = window.ask(_ACTIONS)
    run = _captures_up_to(window, stage)
    pressed = time.time()
    window.key("Escape")
    window.until(lambda: window.going_on() is None, "it stops", wait=10)
    took = window.ask("ends")[0] - pressed
    window.measured(f"esc while {stage or 'it starts'}", {"seconds": took, "at": run["text"]})
    assert took < 1
    assert window.ask(_ACTIONS) == actions
    window.find("Stopped; nothing was changed", window.sidebar())
    window.dismiss()


def _captures_up_to(window, stage):
    """Begin a capture, and come back as soon as it is at a stage."""
    actions = window.ask(_ACTIONS)
    for _ in range(3):
        shutil.rmtree(window.home / "Videos" / "captures", ignore_errors=True)  # or it need not detect once more
        window.ask("ends.clear()")
        window.begin("Capture", index=-1)
        while run := window.going_on():
            if run["text"].lower().startswith(stage):
                return run
        # What was asked for was over before it was seen, as a stage is that lasts no longer than a redraw.
        _undo(window, lambda: window.ask(_ACTIONS) == actions)
    raise AssertionError(f"'{stage}' is never seen")


def test_a_file_is_put_on_the_rig_and_undo_takes_it_back_in_one_step(window):
    window.fold("Capture", "Add Films")
    before, actions = window.ask(_PLAYED), window.ask(_ACTIONS)
    window.unfold("Retarget", "Auto-map")

    def field():
        x, y = window.find("From", window.sidebar())
        return x + 100, y + 28

    file = f"{window.home}/Videos/sample.npz"
    window.write(field, file, lambda: window.ask(f"{_PANELS}.retarget.file") == file)
    window.run("Auto-map")
    assert len(window.ask(_ROWS)) > 20
    _correct_a_bone(window)
    window.run("Preview")
    poses = [_pose_at(window, 20)]
    window.until(lambda: _pose_at(window, 60) != poses[0], "the preview follows the timeline")
    assert window.ask(_PLAYED) == before, "a preview writes no keys"
    window.shot("preview")
    window.run("Retarget", index=-1)
    assert window.ask(_PLAYED) == "sample"
    window.shot("retargeted")
    _undo(window, lambda: [window.ask(_PLAYED), window.ask(_ACTIONS)] == [before, actions])
    window.key("ctrl+shift+z")
    window.until(lambda: window.ask(_PLAYED) == "sample", "redo brings it again")
    window.fold("Retarget", "Auto-map", index=-2)


def test_clean_up_shows_figures_before_and_after(window):
    actions, known = window.ask(_ACTIONS), window.ask(_ADDRESSES)
    window.unfold("Clean Up", "Hold Feet", index=-1)
    window.click_until(
        lambda: window.beside("Hold Feet", 11),
        lambda: window.ask(f"{_PANELS}.clean_up.use_foot_lock"),
        "switching Hold Feet on",
    )
    window.run("Clean Up", index=-1)
    # By address: Blender 3.4 gives the name of the former action to the new one, and another to the former.
    (made,) = set(window.ask(_ADDRESSES)) - set(known)
    assert len(window.ask(_ACTIONS)) == len(actions) + 1
    assert window.ask(f"{_RIG}.animation_data.action.as_pointer()") == made
    window.find("Before and After", window.sidebar())
    window.find("Feet slip", window.sidebar())
    window.shot("cleaned up")
    _undo(window, lambda: window.ask(_ACTIONS) == actions)


def test_no_worker_is_left_where_blender_is_closed_in_the_middle(window):
    window.fold("Clean Up", "Hold Feet", index=-2)
    window.unfold("Capture", "Add Films")
    run = _captures_up_to(window, "detecting")
    workers = _workers(window.blender.pid)
    assert workers
    began = time.monotonic()
    window.quit()
    closed = time.monotonic()
    while left := [pid for pid in workers if _lives(pid)]:
        assert time.monotonic() < closed + 3, f"processes {left} are left"
        time.sleep(0.02)
    gone = time.monotonic() - closed
    figures = {"Blender took": closed - began, "its workers": len(workers), "they took longer": gone, "at": run["text"]}
    window.measured("closing", figures)


def _correct_a_bone(window):
    """Choose another bone of the motion for the spine, by typing its name, and take that back."""
    rows = window.ask(_ROWS)
    window.click_until(
        lambda: window.find("Spine", window.sidebar()), lambda: window.ask(_ROW) == "spine", "choosing a row"
    )
    window.find("Spine: sure", window.sidebar())  # what is below the list is drawn for it

    def field():
        x, y = window.find("Motion", window.sidebar(), index=-1)
        return x + 120, y

    window.search(field, "spine2", lambda: dict(window.ask(_ROWS))["spine"] == "spine2")
    window.shot("bone corrected", window.sidebar())
    _undo(window, lambda: window.ask(_ROWS) == rows)


def _pose_at(window, frame):
    window.ask(f"bpy.context.scene.frame_set({frame})")
    time.sleep(1)
    return window.ask(f"[tuple(bone.matrix.translation) for bone in {_RIG}.pose.bones]")


def _undo(window, true):
    """Undo one step in the 3D View, and wait until that is true which was before it."""
    x, y, *_ = window.view()
    window.move(x + 302, y + 500)
    window.move(x + 300, y + 500)
    window.key("ctrl+z")
    window.until(true, "undo takes it back in one step")


def _orbit(window):
    x, y, *_ = window.view()
    window.drag((x + 300, y + 500), (x + 340, y + 500), button=2, steps=6)


def _lives(pid):
    """Whether a process has not ended, be its end seen by its parent or not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def _workers(of):
    """Processes that were started by a process and run the worker."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            command = (place / "cmdline").read_bytes()
            parent = int((place / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):  # it has ended meanwhile
            continue
        if parent == of and b"graphics_ml.worker" in command:
            found.append(int(place.name))
    return found
