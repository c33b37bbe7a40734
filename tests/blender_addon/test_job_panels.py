"""A panel for data sets or learned motion comes from its job's definition alone; it runs in a real worker."""

import sys
import time
from importlib import import_module
from pathlib import Path

import bpy
import pytest
from rigs import geno

HERE = str(Path(__file__).parent)


@pytest.fixture
def new_job(known, empty):
    """The new job's settings in the scene."""
    return empty.graphics_ml.make_takes


@pytest.fixture(scope="module")
def known(addon, core):
    """The add-on is enabled again where jobs.JOBS has one job more."""
    keep = pytest.MonkeyPatch()
    keep.syspath_prepend(HERE)
    keep.setattr(addon(), "_forget_modules", lambda: None)
    import_module("new_job")
    _enable_again()
    blender_command = addon("in_worker").blender_command
    knows = f"import sys; sys.path.insert(0, {HERE!r}); "

    def command(blender):
        *options, code = blender_command(blender)
        before, main = code.split("from graphics_ml.worker")
        return [*options, f"{knows}{before}import new_job; from graphics_ml.worker{main}"]

    keep.setattr(addon("in_worker"), "blender_command", command)
    yield
    addon("in_worker").close_workers()
    del core("jobs").JOBS["make_takes"], sys.modules["new_job"]
    _enable_again()
    keep.undo()


def _enable_again():
    bpy.ops.preferences.addon_disable(module="bl_ext.user_default.graphics_ml")
    bpy.ops.preferences.addon_enable(module="bl_ext.user_default.graphics_ml")


def test_its_panel_stands_in_the_sidebar_with_every_setting_and_a_button(new_job, drawn):
    panel = bpy.types.GRAPHICS_ML_PT_make_takes
    assert (panel.bl_label, panel.bl_category) == ("Learned motion", "Graphics ML")
    calls = drawn(panel)
    shown = {given[1] for name, given, _ in calls if name == "prop"}
    assert shown == {"output", "count", "style", "use_pace", "pace", "pause", "stage"}
    assert [given[0] for name, given, _ in calls if name == "operator"] == ["graphics_ml.run_make_takes"]


def test_its_button_runs_it_in_a_worker_and_lists_what_it_wrote(new_job, addon, drawn, tmp_path):
    new_job.output, new_job.count, new_job.style, new_job.use_pace = str(tmp_path / "takes"), 3, "in a hurry", True
    assert bpy.ops.graphics_ml.run_make_takes() == {"FINISHED"}
    written = [Path(one.path) for one in new_job.results]
    assert written == [tmp_path / "takes" / f"take_{number}.bvh" for number in range(3)]
    assert all(one.exists() for one in written)
    assert addon("running").last().notes[0] == "3 takes were made in a hurry at 1.4 m/s"
    calls = drawn(bpy.types.GRAPHICS_ML_PT_make_takes)
    assert "take_2.bvh" in {named.get("text") for name, _, named in calls if name == "label"}


def test_a_motion_that_it_wrote_goes_on_the_active_armature(new_job, core, test_data, drawn, tmp_path):
    rig = geno(test_data)
    new_job.output, new_job.count = str(tmp_path / "takes"), 1
    assert bpy.ops.graphics_ml.run_make_takes() == {"FINISHED"}
    buttons = [given[0] for name, given, _ in drawn(bpy.types.GRAPHICS_ML_PT_make_takes) if name == "operator"]
    assert "graphics_ml.use_motion" in buttons
    assert bpy.ops.graphics_ml.use_motion(path=new_job.results[0].path) == {"FINISHED"}
    assert core("blender.animation_data").current_action(rig).name == "take_0"


def test_a_job_that_takes_the_open_scene_gets_a_copy_and_leaves_it_as_it_is(new_job, addon, tmp_path):
    mesh = bpy.data.meshes.new("Lamp")
    bpy.context.scene.collection.objects.link(bpy.data.objects.new("Lamp", mesh))
    new_job.output, new_job.count = str(tmp_path / "takes"), 1
    before = bpy.data.filepath, bpy.data.is_dirty, set(bpy.data.objects), bpy.context.scene.as_pointer()
    assert bpy.ops.graphics_ml.run_make_takes() == {"FINISHED"}
    assert before == (bpy.data.filepath, bpy.data.is_dirty, set(bpy.data.objects), bpy.context.scene.as_pointer())
    copy = tmp_path / "takes" / "scene.blend"
    assert addon("running").last().notes[1] == f"{copy.stat().st_size} bytes of stage"
    with bpy.data.libraries.load(str(copy)) as (held, _):
        assert held.objects == ["Lamp"]
    with pytest.raises(RuntimeError, match="this folder holds other files"):
        bpy.ops.graphics_ml.run_make_takes()
    new_job.stage = str(copy)
    assert bpy.ops.graphics_ml.run_make_takes() == {"FINISHED"}


def test_stopping_it_stops_the_worker_within_a_second(new_job, addon, core, tmp_path):
    job = addon("properties").job_from(new_job, output=tmp_path / "takes", count=100, pause=0.05, stage=Path(__file__))
    steps = addon("in_worker").in_worker(job)
    while not (step := next(steps)) or step[0] != "making":
        time.sleep(0.01)
    (client,) = addon("in_worker")._clients.values()
    request = client._current
    began = time.monotonic()
    steps.close()
    assert time.monotonic() - began < 0.2  # Blender does not wait for it
    assert request._done.wait(1.5)
    assert time.monotonic() - began < 1.3
    assert len(list((tmp_path / "takes").iterdir())) < 100


def test_what_it_refuses_is_one_sentence(new_job, addon):
    new_job.output = ""
    with pytest.raises(RuntimeError, match=r"^Error: Output is empty: folder to write into"):
        bpy.ops.graphics_ml.run_make_takes()
    assert addon("running").going_on() is None


def test_a_job_that_needs_the_environment_says_so_without_one(addon, empty, tmp_path):
    preview = empty.graphics_ml.preview
    preview.motions.add().path = str(tmp_path / "a.bvh")
    preview.output = str(tmp_path / "a.mp4")
    with pytest.raises(RuntimeError, match="press Set Up in the panel Environment"):
        bpy.ops.graphics_ml.run_preview()


def test_blenders_own_jobs_need_no_environment(addon, empty, test_data, tmp_path):
    convert = empty.graphics_ml.convert
    convert.source = str(test_data / "motion" / "ortiz_situp.fbx")
    convert.output = str(tmp_path / "out.npz")
    scene_before = set(bpy.data.objects)
    assert bpy.ops.graphics_ml.run_convert() == {"FINISHED"}
    assert (tmp_path / "out.npz").exists()
    assert set(bpy.data.objects) == scene_before  # it was read elsewhere: readers empty the scene
