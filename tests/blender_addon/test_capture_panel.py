"""Films become actions: a real film through a real worker, in the environment of GRAPHICS_ML_WORKER_PYTHON."""

import json
import os
import shutil
import time
from pathlib import Path

import bpy
import numpy as np
import pytest
from mathutils import Matrix

WORKER = os.environ.get("GRAPHICS_ML_WORKER_PYTHON")
END = 1.5  # seconds of the film
_MEASURED = 5e-3  # metres: where a character that is not quite even faces along no axis, it faces a little elsewhere


@pytest.fixture(scope="module")
def worker(addon):
    """The panel's preferences name the project's environment."""
    if not WORKER:
        pytest.skip("GRAPHICS_ML_WORKER_PYTHON names no Python with graphics_ml[pose]")
    preferences = addon("preferences").preferences()
    preferences.python = WORKER
    yield
    addon("in_worker").close_workers()
    preferences.python = ""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("captures")


@pytest.fixture
def rig(empty, core, test_data):
    """Geno in a scene of 30 frames a second, and the panel's settings."""
    rig = core("blender.rigs").load_rig(test_data / "rigs" / "Geno.fbx")
    bpy.context.scene.render.fps, bpy.context.scene.render.fps_base = 30, 1.0
    bpy.context.view_layer.objects.active = rig
    return rig


@pytest.fixture
def panel(rig, test_data, folder):
    group = bpy.context.scene.graphics_ml.capture
    group.films.add().path = str(test_data / "video" / "treadmill_a.mp4")
    group.target, group.folder = rig, str(folder)
    group.use_end, group.end = True, END
    return group


def action_of(rig):
    return rig.animation_data.action


def record_of(rig):
    return json.loads(action_of(rig)["graphics_ml"])


def places(core, rig, frames):
    """(F, B, 3) where Blender puts the bones."""
    return core("blender.armature").evaluated_transforms(rig, frames)[1]


def test_a_film_becomes_an_action_of_the_armature_at_the_scenes_rate(worker, panel, rig, core, addon):
    panel.start_frame = 11
    assert bpy.ops.graphics_ml.capture() == {"FINISHED"}
    action = action_of(rig)
    motion = core("formats").load(Path(panel.folder) / "treadmill_a.npz")
    seconds = (len(motion) - 1) / float(motion.fps)
    assert tuple(action.frame_range) == (11, 11 + int(seconds * 30))
    assert action.name == "treadmill_a"
    record = record_of(rig)
    assert (record["job"], record["settings"]["end"]) == ("capture", END)
    assert list(record["inputs"]) == [panel.films[0].path]
    assert bpy.context.scene.render.fps == 30
    # The film's picture 3, after which the person has moved in one frame, is shown an eighth of a second later.
    assert any("jumps at frame 15" in note for note in addon("running").last().notes)


# Rest poses of an .fbx differ in the seventh digit between versions of Blender, and the environment has 5.0.1.
@pytest.mark.parametrize("command", ["retarget", "animate"] if bpy.app.version == (5, 0, 1) else ["retarget"])
def test_keys_are_those_of_the_command_line(command, worker, panel, rig, core, addon, test_data):
    """Of `capture` and `retarget` in this version of Blender, and of `animate` where the environment has the same."""
    bpy.context.scene.render.fps, bpy.context.scene.render.fps_base = 24, 1.001
    assert bpy.ops.graphics_ml.capture() == {"FINISHED"}
    ours, output = keys(core, action_of(rig)), Path(panel.folder) / f"{command}.blend"
    geno, film, motion = test_data / "rigs" / "Geno.fbx", panel.films[0].path, Path(panel.folder) / "treadmill_a.npz"
    jobs = core("jobs")
    if command == "animate":
        job = jobs.Animate(video=film, output=output, rig=geno, end=END)
    else:
        job = jobs.Retarget(source=motion, output=output, target=geno)
    for _ in addon("in_worker").in_worker(job):
        pass
    with bpy.data.libraries.load(str(output)) as (source, wanted):
        wanted.actions = source.actions
    theirs = keys(core, wanted.actions[0])
    assert ours.keys() == theirs.keys()
    for channel, (frames, values) in theirs.items():
        np.testing.assert_allclose(ours[channel][0], frames, atol=1e-6)
        unit = rig.scale[0] if channel[0].endswith("location") else 1.0  # metres
        np.testing.assert_allclose(unit * ours[channel][1], unit * values, rtol=0, atol=1e-6)


def keys(core, action):
    """Frames and values by path and index."""
    found = {}
    for curve in core("blender.animation_data").curves_of(action):
        points = np.array([key.co for key in curve.keyframe_points])
        found[curve.data_path, curve.array_index] = points[:, 0], points[:, 1]
    return found


def test_confidence_is_on_the_timeline(worker, panel, rig, core):
    assert bpy.ops.graphics_ml.capture() == {"FINISHED"}
    channels = {path for path, _ in keys(core, action_of(rig))}
    name = core("blender.actions").CONFIDENCE
    assert f'pose.bones["LeftArm"]["{name}"]' in channels


def test_the_film_is_behind_the_character_and_in_step(worker, panel, rig, core):
    """The scene's pictures are those of the film at these times, and the feet are where the film has them."""
    panel.start_frame = 5
    panel.use_start, panel.start = True, 0.25
    assert bpy.ops.graphics_ml.capture() == {"FINISHED"}
    scene = bpy.context.scene
    thing = scene.camera
    assert thing.name == "Film treadmill_a"
    background = thing.data.background_images[0]
    assert thing.data.show_background_images and background.image.source == "MOVIE"
    first, last = (int(frame) for frame in action_of(rig).frame_range)
    for frame in (first, first + 7, first + 20, last):
        scene.frame_set(frame)
        shown = frame - background.image_user.frame_start + background.image_user.frame_offset
        wanted = (0.25 + (frame - 5) / 30) * 24000 / 1001
        assert abs(shown - wanted) <= 0.5 + 0.13  # the film's pictures, and where the first of them is
    assert last - first + 1 <= background.image_user.frame_duration


def test_the_character_overlays_the_person(worker, panel, rig, core):
    """Through the camera the armature's limbs fall on the person's in the film, to a twentieth of the picture."""
    scene = bpy.context.scene
    scene.render.fps, scene.render.fps_base = 24, 1.001
    scene.render.resolution_x, scene.render.resolution_y = 1920, 1080
    assert bpy.ops.graphics_ml.capture() == {"FINISHED"}
    motion = core("formats").load(Path(panel.folder) / "treadmill_a.npz")
    filmed = core("motion.camera").from_plain(motion.provenance["camera"])
    roles = ("left_foot", "right_foot", "left_shin", "right_shin", "hips")
    bones = core("blender.armature_target").ArmatureTarget(rig).recognised().roles
    seen = core("blender.stage").camera_in_scene(scene)
    order = [bone.name for bone in rig.data.bones]
    for row in range(0, len(motion), 7):
        ours = places(core, rig, [panel.start_frame + row])[0, [order.index(bones[role]) for role in roles]]
        theirs = motion.positions()[row, [motion.skeleton.index(role) for role in roles]]
        # Of the scene's picture, 1080 pixels high, the film, 720 x 720, is in the middle.
        on_film = (seen.project(ours) - (960, 540)) * 720 / 1080 + 360
        assert np.abs(on_film - filmed.project(theirs)).max() < 36


def test_only_what_the_scenes_range_shows_is_captured(worker, panel, rig):
    scene = bpy.context.scene
    panel.use_end, panel.trim, panel.start_frame = False, True, 1
    scene.frame_start, scene.frame_end = 16, 45
    assert bpy.ops.graphics_ml.capture() == {"FINISHED"}
    assert tuple(action_of(rig).frame_range) == pytest.approx((16, 45), abs=1.1)
    assert record_of(rig)["settings"]["start"] == pytest.approx(0.5)
    panel.start_frame = 50
    with pytest.raises(RuntimeError, match="after the scene's range"):
        bpy.ops.graphics_ml.capture()


def test_each_of_several_films_becomes_an_action_and_one_that_cannot_be_read_is_said(
    worker, panel, rig, addon, tmp_path
):
    other = tmp_path / "other" / "treadmill_a.mp4"
    other.parent.mkdir()
    shutil.copy(panel.films[0].path, other)
    wrong = tmp_path / "wrong.mp4"
    wrong.write_bytes(b"no film")
    panel.films.add().path = str(wrong)
    panel.films.add().path = str(other)
    panel.end = 0.5
    assert bpy.ops.graphics_ml.capture() == {"FINISHED"}
    assert {action.name for action in bpy.data.actions} >= {"treadmill_a", "treadmill_a.001"}
    assert (Path(panel.folder) / "treadmill_a_2.npz").exists()
    notes = addon("running").last().notes
    assert any(note.startswith("wrong.mp4 was left out: ") for note in notes)
    assert [note.partition(": following")[0] for note in notes if ": following" in note] == ["treadmill_a.mp4"] * 2
    assert len([note for note in notes if "frames per second" in note]) == 1  # of the scene, not of a film


def test_films_of_calibrated_cameras_become_one_action(worker, panel, rig, test_data):
    folder = test_data / "video" / "multiview"
    panel.films[0].path = str(folder / "cam02.mp4")
    panel.films.add().path = str(folder / "cam04.mp4")
    panel.calibration, panel.end = str(folder / "calibration.qca.txt"), 0.5
    assert bpy.ops.graphics_ml.capture() == {"FINISHED"}
    record = record_of(rig)
    films = [item.path for item in panel.films]
    assert record["settings"]["video"] == films
    assert list(record["inputs"]) == [*films, panel.calibration]
    assert Path(record["film"]["motion"]).name == "cam02.npz" and record["film"]["frames"] == 30
    assert bpy.ops.graphics_ml.look_through_film.poll()  # the first film stands behind the character


def test_a_correction_outside_the_film_is_told_in_frames(worker, panel, rig):
    scene = bpy.context.scene
    panel.start_frame, panel.use_start, panel.start, panel.end = 101, True, 0.5, 1.0
    assert bpy.ops.graphics_ml.capture() == {"FINISHED"}
    ends = int(action_of(rig).frame_range[1])

    def corrected(first, last):
        panel.first, panel.last = first, last
        return bpy.ops.graphics_ml.correct_capture(change="swap")

    for first, last in ((90, 100), (ends + 1, ends + 1), (400, 500)):
        with pytest.raises(RuntimeError, match=f"from frame {first} to {last} lies outside .* 101 to {ends};"):
            corrected(first, last)
    assert corrected(ends, ends) == corrected(80, 101) == {"FINISHED"}
    assert len(record_of(rig)["settings"]["swap"]) == 2
    scene.render.fps = 120
    assert bpy.ops.graphics_ml.capture() == {"FINISHED"}
    with pytest.raises(RuntimeError, match="no picture of its own in frames 103 to 104"):
        corrected(103, 104)


@pytest.mark.parametrize("place", ["moved", "hung"])
def test_a_placed_rig_is_told_that_it_is_left_or_the_motion_begins_there_with_its_film(
    place, worker, panel, rig, core, addon
):
    """In the first frame the hips are over the armature and the body faces ahead; the camera and all other frames come
    along as one."""

    def captured(operator=bpy.ops.graphics_ml.capture):
        assert operator() == {"FINISHED"}
        bpy.context.view_layer.update()
        camera = bpy.data.objects["Film treadmill_a"].matrix_world.copy()
        return camera, places(core, rig, range(1, 40, 6))

    panel.end = 1.0
    camera, plain = captured()
    told = "to have it begin where the rig stands"
    assert not any(told in note for note in addon("running").last().notes)
    put = Matrix.Translation((4, -3, 0)) @ Matrix.Rotation(1.9, 4, "Z")
    if place == "moved":
        rig.matrix_basis = put @ rig.matrix_basis
    else:
        rig.parent = bpy.data.objects.new("ship", None)
        bpy.context.scene.collection.objects.link(rig.parent)
        rig.parent.matrix_world = put
    bpy.context.view_layer.update()
    same, as_recorded = captured()
    assert any("5 m away from the world's origin and turned by 109°" in note for note in addon("running").last().notes)
    np.testing.assert_allclose(as_recorded, plain, atol=_MEASURED)
    np.testing.assert_allclose(same, camera, atol=1e-5)
    panel.stand = "rig"
    for operator in (bpy.ops.graphics_ml.capture, bpy.ops.graphics_ml.run_again):
        film, seen = captured(operator)
        assert not any(told in note for note in addon("running").last().notes)
        assert record_of(rig)["placement"]["stand"] == "rig"
        hips, left = start_of(rig, core, seen)
        assert np.linalg.norm(hips - (4, -3)) < 0.01
        assert left @ (np.cos(1.9), np.sin(1.9)) > np.cos(np.radians(1))
        # From as it was recorded to there: about the first hips.
        hips_then, left_then = start_of(rig, core, as_recorded)
        turned = np.arctan2(left[1], left[0]) - np.arctan2(left_then[1], left_then[0])
        way = Matrix.Translation((*hips, 0)) @ Matrix.Rotation(turned, 4, "Z") @ Matrix.Translation((*-hips_then, 0))
        np.testing.assert_allclose(film, way @ camera, atol=1e-4)
        carried = as_recorded @ np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]]).T  # in Blender's axes
        carried = carried @ np.array(way.to_3x3()).T + np.array(way.translation)
        np.testing.assert_allclose(seen, carried @ np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]]).T, atol=1e-4)


def start_of(rig, core, seen):
    """Of places (F, bones, 3) in our axes the first frame's: where the hips are on Blender's ground, and the direction
    there to the body's left."""
    bones = core("blender.armature_target").ArmatureTarget(rig).recognised().roles
    order = [bone.name for bone in rig.data.bones]
    roles = ("hips", "left_thigh", "right_thigh", "left_upper_arm", "right_upper_arm")
    ground = [seen[0, order.index(bones[role])][[0, 2]] * [1, -1] for role in roles]
    across = [one / np.linalg.norm(one) for one in (ground[1] - ground[2], ground[3] - ground[4])]
    return ground[0], sum(across) / np.linalg.norm(sum(across))


def test_a_swap_exchanges_the_span_and_a_second_one_brings_it_back(worker, panel, rig, core):
    assert bpy.ops.graphics_ml.capture() == {"FINISHED"}
    before = action_of(rig)
    frames = range(1, 40)
    plain = places(core, rig, frames)
    panel.first, panel.last = 15, 30
    assert bpy.ops.graphics_ml.correct_capture(change="swap") == {"FINISHED"}
    assert action_of(rig) != before and before.name in bpy.data.actions
    record = record_of(rig)
    assert record["settings"]["swap"] == [f"{14 / 30:.6f}".rstrip("0") + "-1"]
    feet = [[bone.name for bone in rig.data.bones].index(name) for name in ("LeftFoot", "RightFoot")]
    apart = np.linalg.norm(places(core, rig, frames) - plain, axis=-1)[:, feet].max(axis=1)
    assert apart[16:26].max() > 0.1
    word = record["settings"]["swap"][0]
    assert bpy.ops.graphics_ml.correct_capture(change="undo", word=word) == {"FINISHED"}
    np.testing.assert_allclose(places(core, rig, frames), plain, atol=1e-5)


def test_the_armature_that_plays_it_is_corrected_whatever_it_is_called_by_now(worker, panel, rig):
    assert bpy.ops.graphics_ml.capture() == {"FINISHED"}
    before, rig.name = action_of(rig), "Hero"
    assert bpy.ops.graphics_ml.correct_capture(change="swap") == {"FINISHED"}
    assert action_of(rig) != before and record_of(rig)["objects"]["target"] == "Hero"


def test_a_preview_ends_before_a_capture_is_put_on_the_armature(worker, panel, rig, addon):
    assert bpy.ops.graphics_ml.capture() == {"FINISHED"}
    retarget = bpy.context.scene.graphics_ml.retarget
    retarget.file, retarget.target_armature = str(Path(panel.folder) / "treadmill_a.npz"), rig
    assert bpy.ops.graphics_ml.retarget_preview() == {"FINISHED"} and addon("live_preview").is_on()
    assert bpy.ops.graphics_ml.capture() == {"FINISHED"}
    assert not addon("live_preview").is_on() and "graphics_ml_former_pose" not in rig


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_foot_stands_in_the_preview_range(side, worker, panel, rig):
    scene = bpy.context.scene
    assert bpy.ops.graphics_ml.capture() == {"FINISHED"}
    scene.use_preview_range = True
    scene.frame_preview_start, scene.frame_preview_end = 10, 18
    assert bpy.ops.graphics_ml.correct_capture(change=side) == {"FINISHED"}
    assert record_of(rig)["settings"]["plant"] == [f"{side}:0.3-0.6"]


def test_solving_a_span_again_leaves_the_rest_and_can_be_run_again(worker, panel, rig, core):
    """The rest is captured as before; on the armature it moves by millimetres, as its ground is that of the whole."""
    panel.use_end = False
    assert bpy.ops.graphics_ml.capture() == {"FINISHED"}
    frames = range(1, 110)
    plain = places(core, rig, frames)
    panel.first, panel.last, panel.again_smoothing = 15, 27, 8.0
    assert bpy.ops.graphics_ml.correct_capture(change="again") == {"FINISHED"}
    smoother = places(core, rig, frames)
    apart = np.linalg.norm(smoother - plain, axis=-1).max(axis=1)
    assert apart[14:27].max() > 0.005
    assert max(apart[:10].max(), apart[32:].max()) < 0.005
    assert bpy.ops.graphics_ml.run_again() == {"FINISHED"}
    np.testing.assert_allclose(places(core, rig, frames), smoother, atol=1e-5)


def test_what_cannot_be_used_is_one_sentence_and_nothing_changes(worker, panel, rig, tmp_path):
    def said(match):
        with pytest.raises(RuntimeError, match=match) as caught:
            bpy.ops.graphics_ml.capture()
        assert len(str(caught.value).strip().splitlines()) == 1
        assert action_of(rig) is None if rig.animation_data else True

    panel.person = "3"
    said("person 3 was asked for")
    panel.person = "nobody"
    said("person is 'nobody'")
    panel.person = "1"
    panel.films[0].path = str(tmp_path / "none.mp4")
    said("none.mp4")
    (tmp_path / "takes").mkdir()
    (tmp_path / "takes" / "walk.bvh").touch()
    panel.films[0].path = str(tmp_path / "takes")
    said("this is a folder, not a film; name a film in it")
    panel.films.clear()
    said("No film is chosen")
    panel.films.add().path = str(tmp_path / "none.mp4")
    panel.target = bpy.data.objects.new("cube", None)
    said("No armature is chosen")
    panel.camera_object = panel.target
    panel.target = rig
    said("'cube' is no camera")
    panel.camera_object = None
    panel.folder = str(tmp_path / "file" / "inside")
    (tmp_path / "file").write_text("")
    panel.target = rig
    said("file")


def test_the_worker_is_asked_once_to_load_what_a_capture_needs(worker, panel, addon):
    in_worker = addon("in_worker")
    in_worker.close_workers()
    request = in_worker.warm("capture")
    assert in_worker.warm("capture") is None
    began = time.monotonic()
    while not request.finished and time.monotonic() - began < 60:
        request.wait(0.1)
        request.events()
    assert request.result is not None
    assert bpy.ops.graphics_ml.capture() == {"FINISHED"}


def test_nothing_is_loaded_beforehand_without_an_environment(panel, addon):
    preferences = addon("preferences").preferences()
    kept, preferences.python = preferences.python, ""
    assert addon("in_worker").warm("capture") is None
    preferences.python = "/nowhere/at/all"
    assert addon("in_worker").warm("capture") is None
    preferences.python = kept


def test_without_an_environment_it_says_which_button_to_press(panel, addon):
    preferences = addon("preferences").preferences()
    kept, preferences.python = preferences.python, ""
    try:
        with pytest.raises(RuntimeError, match="Set Up"):
            bpy.ops.graphics_ml.capture()
    finally:
        preferences.python = kept


def test_captures_lie_beside_the_blend_or_the_film(panel, addon, tmp_path):
    module = addon("capture_panel")
    panel.folder = ""
    film = Path(panel.films[0].path)
    assert module._films(panel) == {film: film.parent / "captures" / "treadmill_a.npz"}
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    assert module._films(panel) == {film: tmp_path / "captures" / "treadmill_a.npz"}


class Layout:
    """Stands for Blender's in draw(): notes what is shown, and lets properties of operators be set."""

    def __init__(self, shown=None):
        self.shown = [] if shown is None else shown

    def operator(self, name, **how):
        button = type("Button", (), {"name": name, **how})()
        self.shown.append(button)
        return button

    def label(self, text="", **how):
        self.shown.append(text)

    def prop(self, group, name, **how):
        assert hasattr(group, name)
        self.shown.append(name)

    def __getattr__(self, name):
        return lambda **how: Layout(self.shown)


def drawn(panel_class):
    stand_in = type("Panel", (), {"layout": Layout()})()
    panel_class.draw(stand_in, bpy.context)
    return stand_in.layout.shown


def test_corrections_are_shown_in_frames_of_the_scene_and_can_be_taken_back(worker, panel, rig, addon):
    module = addon("capture_panel")
    corrections = module.GRAPHICS_ML_PT_capture_corrections
    panel.start_frame, panel.first, panel.last = 101, 110, 119
    assert not corrections.poll(bpy.context)
    assert bpy.ops.graphics_ml.capture() == {"FINISHED"}
    assert bpy.ops.graphics_ml.correct_capture(change="left") == {"FINISHED"}
    assert corrections.poll(bpy.context)
    shown = drawn(corrections)
    assert "Left foot stands, frames 110 to 119" in shown
    buttons = {getattr(one, "change", None): one for one in shown if not isinstance(one, str)}
    assert buttons.keys() >= {"swap", "left", "right", "again", "undo"}
    bpy.ops.graphics_ml.correct_capture(change="undo", word=buttons["undo"].word)
    assert "plant" not in record_of(rig)["settings"]


def test_the_panel_shows_the_films_and_who_is_who(panel, addon):
    module = addon("capture_panel")
    assert "path" in drawn(module.GRAPHICS_ML_PT_capture)
    picture = Path(panel.folder) / "treadmill_a.people.png"
    picture.write_bytes(b"")
    module._pictures.clear()  # as when a capture has ended
    try:
        buttons = [one for one in drawn(module.GRAPHICS_ML_PT_capture) if getattr(one, "path", None) == str(picture)]
    finally:
        picture.unlink()
    assert [button.text for button in buttons] == ["Who Is Who in treadmill_a.mp4"]


def test_a_capture_that_is_stopped_ends_at_once_and_leaves_nothing_half_done(worker, panel, rig, addon, tmp_path):
    panel.folder, panel.use_end = str(tmp_path), False
    module, running = addon("capture_panel"), addon("running")
    jobs = [
        addon("properties").job_from(panel, video=film, output=output) for film, output in module._films(panel).items()
    ]
    run = running.Run("Capture", module._captured(jobs[0]))
    began = time.monotonic()
    while run.stage != "detecting" or run.done < 10:
        run.step() or time.sleep(0.01)
        assert time.monotonic() - began < 60
    stopped = time.monotonic()
    run.generator.close()
    assert time.monotonic() - stopped < 1
    assert rig.animation_data is None or action_of(rig) is None
    panel.use_end, panel.end = True, 0.3
    assert bpy.ops.graphics_ml.capture() == {"FINISHED"}
    assert {path.name for path in tmp_path.iterdir()} == {
        "treadmill_a.npz",
        "treadmill_a.npz.job.toml",
        "treadmill_a.detections.npz",
        "treadmill_a.camera.npz",
    }
