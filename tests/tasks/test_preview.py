"""Previews of motions: what the video shows, how long it is, and what is refused."""

from fractions import Fraction

import numpy as np
import pytest

pytest.importorskip("cv2")
pytest.importorskip("av")

import graphics_ml
from graphics_ml.errors import GraphicsMLError, OutputError
from graphics_ml.jobs import Preview
from graphics_ml.motion.humanoid import standard_skeleton
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.skeleton import Skeleton
from graphics_ml.pose.overlay import LEFT, RIGHT
from graphics_ml.pose.video import open_video
from graphics_ml.run import run

SIZE = 192


def walking(folder, name, frames=10, fps=30, metres=0.0):
    """A body that glides along X in its rest pose."""
    skeleton = standard_skeleton()
    root = skeleton.offsets[0] + np.linspace(0, metres, frames)[:, None] * [1, 0, 0]
    path = folder / name
    graphics_ml.save(Motion(skeleton, np.tile(skeleton.rest_orientations, (frames, 1, 1)), root, fps), path)
    return path


def pictures(path):
    return [picture for _, _, picture in open_video(path)]


def share_like(picture, colour, within=60):
    """Share of the pixels whose colour is near this one."""
    return float((np.abs(picture.astype(int) - colour).max(axis=-1) < within).mean())


@pytest.fixture
def two(tmp_path):
    return walking(tmp_path, "a.npz", frames=10), walking(tmp_path, "b.bvh", frames=6)


def test_side_by_side_each_motion_has_its_own_pane(two, tmp_path):
    outcome = run(Preview(motions=two, output=tmp_path / "out.mp4", size=SIZE))
    shown = open_video(tmp_path / "out.mp4")
    assert (shown.width, shown.height, len(shown), shown.fps) == (2 * SIZE, SIZE, 10, 30)
    for pane in (pictures(tmp_path / "out.mp4")[2][:, :SIZE], pictures(tmp_path / "out.mp4")[2][:, SIZE:]):
        assert share_like(pane, LEFT) > 0.002 and share_like(pane, RIGHT) > 0.002
    assert any("as long as a" in note for note in outcome.notes)


def test_overlaid_they_share_one_pane(two, tmp_path):
    run(Preview(motions=two, output=tmp_path / "out.mp4", layout="overlaid", size=SIZE))
    shown = open_video(tmp_path / "out.mp4")
    assert (shown.width, shown.height) == (SIZE, SIZE)


def test_the_camera_follows_those_who_travel_and_stays_with_those_who_do_not(tmp_path):
    """Of one who glides ten metres along the picture, the figure stays in it and the floor's lines pass by."""
    places = [walking(tmp_path, "far.npz", 60, metres=10.0), walking(tmp_path, "near.npz", 60, metres=0.3)]
    for path in places:
        run(Preview(motions=(path,), output=path.with_suffix(".mp4"), view=0, size=SIZE))
    far, near = (pictures(path.with_suffix(".mp4")) for path in places)
    assert min(share_like(picture, LEFT) for picture in far) > 0.002
    corner = [[picture[-SIZE // 6 :, : SIZE // 5].astype(int) for picture in film] for film in (far, near)]
    changed = [np.abs(film[20] - film[35]).mean() for film in corner]
    assert changed[0] > 5 * changed[1]


def test_the_controls_of_a_rig_are_no_part_of_its_stick_figure(tmp_path):
    body = standard_skeleton()
    shown = {}
    for name, controls in (("body", 0), ("rig", 3)):
        parents = (-1, *(parent + 1 for parent in body.parents), *[0] * controls)
        offsets = np.concatenate(([[0.0, 0, 0]], body.offsets, np.tile([2.0, 1, 0], (controls, 1))))
        rest = np.concatenate(([[1.0, 0, 0, 0]], body.rest_orientations, np.tile([1.0, 0, 0, 0], (controls, 1))))
        names = ("root", *body.names, *(f"IK control {n}" for n in range(controls)))
        skeleton = Skeleton(names, parents, offsets, rest)
        motion = Motion(skeleton, np.tile(rest, (3, 1, 1)), np.zeros((3, 3)), 30)
        graphics_ml.save(motion, tmp_path / "a.npz")
        run(Preview(motions=(tmp_path / "a.npz",), output=tmp_path / f"{name}.mp4", size=SIZE))
        shown[name] = pictures(tmp_path / f"{name}.mp4")
    np.testing.assert_array_equal(shown["rig"], shown["body"])
    assert share_like(shown["rig"][0], LEFT) > 0.002


def test_start_and_end_cut_and_the_rate_is_the_videos(tmp_path):
    path = walking(tmp_path, "a.npz", frames=121, fps=120)
    run(Preview(motions=(path,), output=tmp_path / "out.mp4", start=0.25, end=0.75, fps=20, size=SIZE))
    shown = open_video(tmp_path / "out.mp4")
    assert (len(shown), shown.fps) == (10, 20)
    run(Preview(motions=(path,), output=tmp_path / "out.mp4", end=0.5, fps=29.97, size=SIZE))
    assert open_video(tmp_path / "out.mp4").fps == Fraction(30000, 1001)


def test_the_job_file_beside_it_makes_the_same_video_again(two, tmp_path):
    from graphics_ml.jobs import read_job

    run(Preview(motions=two, output=tmp_path / "out.mp4", size=SIZE))
    first = (tmp_path / "out.mp4").read_bytes()
    (tmp_path / "out.mp4").unlink()
    run(read_job(tmp_path / "out.mp4.job.toml"))
    assert (tmp_path / "out.mp4").read_bytes() == first


def test_on_our_character_and_overlaid(two, tmp_path):
    pytest.importorskip("bpy")
    run(Preview(motions=two, output=tmp_path / "out.mp4", character=True, layout="overlaid", end=0.1, size=SIZE))
    shown = pictures(tmp_path / "out.mp4")
    assert len(shown) == 3
    assert shown[0].astype(int).std() > 10


def test_what_a_character_carries_far_from_its_joints_is_in_the_picture(two, tmp_path):
    bpy = pytest.importorskip("bpy")
    from graphics_ml.blender.characters import build_character
    from graphics_ml.blender.export import save_scene
    from graphics_ml.blender.scene import empty_scene

    empty_scene()
    character = build_character(detail=0.4)
    hat = bpy.data.meshes.new("Hat")
    corners = np.array([(x, y, z) for z in (0, 1) for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1))])
    sides = [(0, 1, 5, 4), (1, 2, 6, 5), (2, 3, 7, 6), (3, 0, 4, 7), (3, 2, 1, 0), (4, 5, 6, 7)]
    hat.from_pydata(corners * (0.3, 0.3, 1.2) + (0, 0, 1.7), [], sides)
    hat = bpy.data.objects.new("Hat", hat)
    bpy.context.scene.collection.objects.link(hat)
    hat.parent, hat.parent_type, hat.parent_bone = character, "BONE", "head"
    bpy.context.view_layer.update()
    hat.matrix_world = np.eye(4).tolist()
    save_scene(tmp_path / "hat.blend", character, None)
    run(Preview(motions=two[:1], output=tmp_path / "out.mp4", rig=tmp_path / "hat.blend", end=0.1, size=SIZE))
    sky = pictures(tmp_path / "out.mp4")[0].astype(int)
    assert np.ptp(sky[0], axis=0).max() < 20  # nothing but sky at the top
    assert np.ptp(sky[SIZE // 4], axis=0).max() > 50  # and the hat below it


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (dict(start=5.0), "a.npz: no frame lies between 5.0 s and the end"),
        (dict(output="out.avi"), "use .mp4"),
        (dict(motions=["missing.bvh"]), "missing.bvh: there is no such file"),
        (dict(motions=["."]), "this is a folder"),
        (dict(rig="missing.glb"), "missing.glb: there is no such file"),
    ],
)
def test_what_cannot_be_shown_is_said_and_nothing_is_left(two, tmp_path, settings, message):
    settings = {"output": "out.mp4"} | settings
    settings["output"] = tmp_path / settings["output"]
    with pytest.raises(GraphicsMLError, match=message):
        run(Preview(**{"motions": two, "size": SIZE} | settings))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.npz", "b.bvh"]


def test_an_input_is_never_replaced(two, tmp_path):
    with pytest.raises(OutputError):
        run(Preview(motions=two, output=two[0].with_suffix(".mp4").parent, size=SIZE))
