"""Films with their truth: the file pair, against the motion that was filmed and the video as it is read again."""

from fractions import Fraction

import numpy as np
import pytest

pytest.importorskip("bpy")

import bpy

from graphics_ml.blender.armature import armature_from_skeleton
from graphics_ml.blender.scene import empty_scene
from graphics_ml.errors import FileError, OutputError
from graphics_ml.motion.humanoid import standard_skeleton
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.rotations import quaternion_from_axis_angle
from graphics_ml.pose.video import open_video
from graphics_ml.tasks.film import film_motion, load_truth, save_truth, truth_path


def waving(frames=5, fps=Fraction(24000, 1001)):
    """A standing body that lifts its arms and walks off to its left."""
    skeleton = standard_skeleton(1.6)
    turns = np.zeros((frames, len(skeleton), 3))
    turns[:, skeleton.index("left_upper_arm"), 2] = np.linspace(-1, 1, frames)
    turns[:, skeleton.index("right_forearm"), 1] = np.linspace(0, 1, frames)
    root = skeleton.offsets[0] + np.linspace(0, 0.3, frames)[:, None] * [1, 0, 0]
    return Motion(skeleton, quaternion_from_axis_angle(turns), root, fps)


@pytest.fixture
def rig():
    empty_scene()
    return armature_from_skeleton(standard_skeleton(1.6))


def test_the_truth_beside_the_film_is_the_motion_that_was_filmed(rig, tmp_path):
    motion, seen = waving(), []
    film = tmp_path / "film.mp4"
    made = film_motion(motion, rig, film, width=48, height=32, samples=1, progress=lambda *step: seen.append(step))
    truth, video = load_truth(truth_path(film)), open_video(film)
    assert (video.width, video.height, len(video), video.fps) == (48, 32, 5, motion.fps)
    assert truth.fps == motion.fps and len(truth) == 5
    assert seen == [(i, 5) for i in range(1, 6)]
    for role in ("hips", "head", "left_hand", "right_hand", "left_foot", "right_toes"):
        expected = motion.positions()[:, motion.skeleton.index(role)]
        np.testing.assert_allclose(truth.places(role), expected, atol=2e-3)
    np.testing.assert_array_equal(truth.positions, made.positions)
    np.testing.assert_array_equal(truth.camera.rotation, made.camera.rotation)
    inside = truth.camera.project(truth.positions)
    assert (inside > 0).all() and (inside < [48, 32]).all()


def test_a_rig_whose_bones_follow_controls_is_filmed_doing_the_motion(tmp_path):
    """Keys on the deform bones themselves would be overruled by their constraints."""
    empty_scene()
    motion, rig = waving(), controlled_rig()
    truth = film_motion(motion, rig, tmp_path / "film.mp4", width=16, height=16, samples=1)
    for role in ("head", "left_hand", "right_hand", "left_foot"):
        expected = motion.positions()[:, motion.skeleton.index(role)]
        np.testing.assert_allclose(truth.places(role), expected, atol=2e-3)


def controlled_rig():
    """An armature whose deform bones each copy a control."""
    rig = armature_from_skeleton(standard_skeleton(1.6))
    bpy.context.view_layer.objects.active = rig
    bpy.ops.object.mode_set(mode="EDIT")
    bones = rig.data.edit_bones
    for bone in list(bones):
        control = bones.new(f"control {bone.name}")
        control.head, control.tail, control.roll, control.use_deform = bone.head, bone.tail, bone.roll, False
        control.parent = bones[f"control {bone.parent.name}"] if bone.parent else None
    bpy.ops.object.mode_set(mode="OBJECT")
    for bone in rig.pose.bones:
        if not bone.name.startswith("control "):
            copying = bone.constraints.new("COPY_TRANSFORMS")
            copying.target, copying.subtarget = rig, f"control {bone.name}"
    return rig


def test_a_truth_is_readable_without_pickles(rig, tmp_path):
    film_motion(waving(2), rig, tmp_path / "film.mp4", width=16, height=16, samples=1)
    with np.load(tmp_path / "film.truth.npz", allow_pickle=False) as file:
        assert set(file) == {"bones", "rotations", "positions", "fps", "about"}


def test_an_unknown_ending_is_said_and_nothing_is_left(rig, tmp_path):
    with pytest.raises(OutputError):
        film_motion(waving(2), rig, tmp_path / "film.txt", width=16, height=16, samples=1)
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04broken"])
def test_a_damaged_truth_is_said(tmp_path, content):
    path = tmp_path / "x.truth.npz"
    path.write_bytes(content)
    with pytest.raises(FileError, match="holds no truth"):
        load_truth(path)


def test_another_npz_is_no_truth(tmp_path):
    np.savez(tmp_path / "x.npz", positions=np.zeros((2, 3, 3)))
    with pytest.raises(FileError, match="holds no truth"):
        load_truth(tmp_path / "x.npz")


def test_a_missing_truth_is_said(tmp_path):
    with pytest.raises(FileError, match="no such file"):
        load_truth(tmp_path / "none.npz")


def test_a_truth_is_the_same_when_read_again(rig, tmp_path):
    truth = film_motion(waving(2), rig, tmp_path / "film.mp4", width=16, height=16, samples=1)
    save_truth(truth, tmp_path / "again.npz")
    again = load_truth(tmp_path / "again.npz")
    assert again.bones == truth.bones and again.roles == truth.roles
    np.testing.assert_array_equal(again.orientations("left_hand"), truth.orientations("left_hand"))
