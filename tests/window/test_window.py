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


_RIG = "rig = next(one for one in bpy.data.objects if one.type == 'ARMATURE')"
_SCENE = f"""
bpy.data.objects.remove(bpy.data.objects["Cube"])
for thing in bpy.data.objects:
    thing.select_set(False)
{_RIG}
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
_PLAYED = "(lambda data: data and data.action and data.action.name)(rig.animation_data)"
_ROWS = "[(one.role, one.source) for one in bpy.context.scene.graphics_ml.retarget.bones]"
_TURNED = "tuple(area.spaces[0].region_3d.view_rotation)"


@pytest.mark.parametrize("panel", PANELS)
def test_each_panel_opens_and_closes_by_its_title(window, panel):
    window.unfold(panel, PANELS[panel])
    window.shot(f"panel {panel}", window.sidebar())
    window.fold(panel, PANELS[panel])


def test_an_environment_is_chosen_by_typing_its_path_and_is_checked(window):
    window.unfold("Environment", "Set Up")
    x, y = window.find("Or choose one that is there:", window.sidebar())
    window.click(x, y + 26)
    window.write(WORKER)
    window.press("Check")
    window.until_done()
    window.find("Capture works", window.sidebar())
    window.shot("environment checked", window.sidebar())
    window.dismiss()
    window.fold("Environment", "Set Up Again")


def test_a_film_becomes_an_action_while_the_window_answers(window):
    window.unfold("Capture", "Add Films")
    window.press("Add Films")
    time.sleep(2)  # a window of its own
    window.click(*window.find(f"{window.home}/"))
    window.write(f"{window.home}/Videos/")
    window.click(*window.find("walk.mp4", beside_icon=True))
    window.click(*window.find("Add Files"))
    assert window.ask("[one.path for one in bpy.context.scene.graphics_ml.capture.films]") == [
        f"{window.home}/Videos/walk.mp4"
    ]
    window.shot("capture ready")
    window.ask("gap(), texts.clear()")
    _orbit(window)
    before = window.ask("gap()")
    turned = []

    def watch(run):
        _orbit(window)
        turned.append(tuple(window.ask(_TURNED)))
        window.shot(f"capture {len(turned):02}")

    _press_capture(window)
    window.until_done(watch=watch)
    gap, step, texts = window.ask("gap()"), window.ask("step()"), window.ask("texts")
    window.measured("capture", {"longest gap": gap, "orbiting before": before, "longest step": step, "texts": texts})
    assert window.ask(_PLAYED) == "walk"
    assert len(set(turned)) >= 2, "the view must turn while it goes on"
    assert any("%" in text and text.endswith("left") for text in texts)
    assert step < NEVER_LONGER
    window.shot("captured")


def test_the_character_is_seen_over_its_film(window):
    window.dismiss()
    window.fold("Capture", "Add Films")
    window.unfold("Correct the Capture", "Swap Left and Right")
    window.press("Look Through the Film's Camera")
    pictures = []
    for frame in (10, 100, 200):
        window.ask(f"bpy.context.scene.frame_set({frame})")
        time.sleep(3)
        x, y, _, height = window.view()
        pictures.append(window.shot(f"over the film {frame}", (x, y, window.sidebar()[0] - x, height)))
    assert window.ask("bpy.context.scene.camera.name") == "Film walk"
    assert all((one != pictures[0]).mean() > 0.01 for one in pictures[1:])
    window.fold("Correct the Capture", "Swap Left and Right")
    window.unfold("Capture", "Add Films")


@pytest.mark.parametrize("stage", ["", "detecting", "solving"])
def test_esc_acts_within_a_second_and_leaves_all_as_it_was(window, stage):
    actions = window.ask(_ACTIONS)
    window.ask("ends.clear()")
    shutil.rmtree(window.home / "Videos" / "captures", ignore_errors=True)  # or it need not detect once more
    _press_capture(window)
    end = time.monotonic() + 60
    while not (run := window.going_on()) or not run["text"].lower().startswith(stage):
        assert time.monotonic() < end, f"it never comes to {stage}"
    pressed = time.time()
    window.key("Escape")
    while window.going_on() is not None:
        assert time.time() < pressed + 10
        time.sleep(0.02)
    took = window.ask("ends")[0] - pressed
    window.measured(f"esc while {stage or 'it starts'}", {"seconds": took})
    assert took < 1
    assert window.ask(_ACTIONS) == actions
    window.find("Stopped; nothing was changed", window.sidebar())
    window.dismiss()


def test_a_file_is_put_on_the_rig_and_undo_takes_it_back_in_one_step(window):
    window.fold("Capture", "Add Films")
    before, actions = window.ask(_PLAYED), window.ask(_ACTIONS)
    window.unfold("Retarget", "Auto-map")
    x, y = window.find("From", window.sidebar())
    window.click(x + 100, y + 28)
    window.write(f"{window.home}/Videos/sample.npz")
    window.run("Auto-map")
    assert len(window.ask(_ROWS)) > 20
    _correct_a_bone(window)
    window.run("Preview")
    poses = [_pose_at(window, frame) for frame in (20, 60)]
    assert poses[0] != poses[1], "the preview must follow the timeline"
    assert window.ask(_PLAYED) == before, "a preview writes no keys"
    window.shot("preview")
    window.run("Retarget", index=-1)
    assert window.ask(_PLAYED) == "sample"
    window.shot("retargeted")
    _undo(window)
    assert (window.ask(_PLAYED), window.ask(_ACTIONS)) == (before, actions)
    window.key("ctrl+shift+z")
    time.sleep(2)
    window.ask(_RIG)
    assert window.ask(_PLAYED) == "sample"
    window.fold("Retarget", "Auto-map", index=-2)


def test_clean_up_shows_figures_before_and_after(window):
    actions = window.ask(_ACTIONS)
    window.unfold("Clean Up", "Hold Feet", index=-1)
    _, y = window.find("Hold Feet", window.sidebar())
    window.click(window.sidebar()[0] + 168, y)  # its switch
    window.run("Clean Up", index=-1)
    made = set(window.ask(_ACTIONS)) - set(actions)
    assert len(made) == 1 and window.ask(_PLAYED) in made
    assert window.sees("Before and After", window.sidebar())
    window.shot("cleaned up")
    _undo(window)
    assert window.ask(_ACTIONS) == actions


def test_no_worker_is_left_where_blender_is_closed_in_the_middle(window):
    shutil.rmtree(window.home / "Videos" / "captures", ignore_errors=True)
    window.fold("Clean Up", "Hold Feet", index=-2)
    window.unfold("Capture", "Add Films")
    _press_capture(window)
    end = time.monotonic() + 60
    while not (run := window.going_on()) or not run["text"].startswith("Detecting"):
        assert time.monotonic() < end
    workers = _workers(window.blender.pid)
    assert workers
    window.quit()
    end = time.monotonic() + 3
    while left := [pid for pid in workers if Path(f"/proc/{pid}").exists()]:
        assert time.monotonic() < end, f"processes {left} are left"
        time.sleep(0.1)


def _correct_a_bone(window):
    """Choose another bone of the motion for the spine, by typing its name, and take that back."""
    rows = window.ask(_ROWS)
    window.press("Spine")  # its row
    time.sleep(2)  # what is below the list is drawn for it
    x, y = window.find("Motion", window.sidebar(), index=-1)
    window.click(x + 120, y)
    window.type("spine2")
    assert dict(window.ask(_ROWS))["spine"] == "spine2"
    window.shot("bone corrected", window.sidebar())
    _undo(window)
    assert window.ask(_ROWS) == rows


def _pose_at(window, frame):
    window.ask(f"bpy.context.scene.frame_set({frame})")
    time.sleep(1)
    return window.ask("[tuple(bone.matrix.translation) for bone in rig.pose.bones]")


def _undo(window):
    x, y, *_ = window.view()
    window.move(x + 300, y + 500)
    window.key("ctrl+z")
    time.sleep(2)
    window.ask(_RIG)


def _press_capture(window):
    window.click(*window.find("Capture", window.sidebar(), index=-1))


def _orbit(window):
    x, y, *_ = window.view()
    window.drag((x + 300, y + 500), (x + 340, y + 500), button=2, steps=6)


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
