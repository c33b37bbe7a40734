"""Previews and contact sheets: sizes, order, and pictures that another library reads."""

from fractions import Fraction

import numpy as np
import pytest

pytest.importorskip("cv2")
pytest.importorskip("bpy")

import cv2

from graphics_ml.motion.camera import Camera, look_at
from graphics_ml.motion.humanoid import standard_skeleton
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.retarget import retarget
from graphics_ml.pose.detection import LANDMARKS, Detections
from graphics_ml.pose.solver import Solution
from graphics_ml.pose.video import open_video, write_video
from graphics_ml.tasks.film_preview import write_preview
from graphics_ml.tasks.pictures import contact_sheet, pane_size, resized, write_png


def read_png(path):
    return cv2.imread(str(path), cv2.IMREAD_COLOR)[:, :, ::-1]


def test_a_png_is_read_by_opencv(tmp_path):
    picture = np.random.default_rng(0).integers(0, 256, (37, 53, 3), dtype=np.uint8)
    write_png(picture, tmp_path / "x.png")
    np.testing.assert_array_equal(read_png(tmp_path / "x.png"), picture)


def test_a_contact_sheet_goes_row_by_row(tmp_path):
    pictures = [np.full((10, 20, 3), 10 * (i + 1), np.uint8) for i in range(5)]
    contact_sheet(iter(pictures), tmp_path / "sheet.png", columns=3, gap=2)
    sheet = read_png(tmp_path / "sheet.png")
    assert sheet.shape == (22, 64, 3)
    assert [sheet[5, x, 0] for x in (10, 32, 54)] == [10, 20, 30]
    assert [sheet[17, x, 0] for x in (10, 32, 54)] == [40, 50, 255]


@pytest.mark.parametrize("pictures", [[], [np.zeros((2, 2, 3), np.uint8), np.zeros((2, 3, 3), np.uint8)]])
def test_a_contact_sheet_needs_pictures_of_one_size(tmp_path, pictures):
    with pytest.raises(ValueError, match="one size"):
        contact_sheet(pictures, tmp_path / "sheet.png")
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("size", [(720, 720), (1080, 1920), (1280, 720), (100, 60), (7, 3)])
def test_panes_are_even_and_keep_the_shape(size):
    width, height = pane_size(*size)
    assert width % 2 == height % 2 == 0
    assert width * height <= 1.02 * 480 * 480
    if min(size) > 50:
        assert width / height == pytest.approx(size[0] / size[1], rel=0.02)


def test_shrinking_averages():
    picture = np.zeros((4, 4, 3), np.uint8)
    picture[:, ::2] = 200
    np.testing.assert_array_equal(resized(picture, 2, 2), np.full((2, 2, 3), 100))


def test_a_preview_shows_film_and_rig_side_by_side_in_step(tmp_path):
    film, detections, solution, rig = a_capture(tmp_path)
    seen = []
    told = dict(scale=1.0, progress=lambda *step: seen.append(step))
    write_preview(tmp_path / "preview.mp4", film, detections, solution, rig, **told)
    preview = open_video(tmp_path / "preview.mp4")
    assert (preview.width, preview.height, len(preview), preview.fps) == (2 * 160, 120, FRAMES, film.fps)
    assert seen[-1] == (FRAMES, FRAMES)
    for frame, _, picture in preview:
        # The film's grey level counts its frames; the skeletons are drawn where the camera sees them.
        assert abs(int(picture[5, 5, 0]) - 20 * frame) <= 6
        hips = solution.camera().project(solution.motion.root_positions[frame]).astype(int)
        assert picture[hips[1] - 3 : hips[1] + 4, hips[0] - 3 : hips[0] + 4].max() > 200
        right = picture[:, 160:].astype(int)
        assert right.std() > 5


FRAMES = 4


def a_capture(folder):
    """A grey film, a body that was found in it, and a rig that does what the body does."""
    from graphics_ml.blender.actions import write_action
    from graphics_ml.blender.armature import armature_from_skeleton, skeleton_from_armature
    from graphics_ml.blender.scene import empty_scene

    skeleton = standard_skeleton()
    root = skeleton.offsets[0] + np.linspace(0, 0.2, FRAMES)[:, None] * [1, 0, 0]
    motion = Motion(skeleton, np.tile(skeleton.rest_orientations, (FRAMES, 1, 1)), root, 24)
    position = np.array([0.0, 1.2, 4.0])
    camera = Camera(160, 120, 130.0, (80, 60), look_at(position, [0, 0.9, 0]), position)
    count = len(LANDMARKS)
    found = np.ones(FRAMES, dtype=bool)
    found[1] = False
    keypoints = np.where(found[:, None, None], np.full((FRAMES, count, 2), 40.0), np.nan)
    flat = np.where(found[:, None], np.ones((FRAMES, count)), 0.0)
    detections = Detections(
        keypoints, flat, np.zeros((FRAMES, count, 3)), flat, flat, found, Fraction(24), (160, 120), "1 of 1", "test"
    )
    errors = np.zeros((FRAMES, count))
    contacts = np.zeros((FRAMES, 4), dtype=bool)
    solution = Solution(motion, (camera,), keypoints, LANDMARKS, errors, contacts, np.zeros(3), (), {}, keypoints)
    write_video(folder / "film.mp4", (np.full((120, 160, 3), 20 * i, np.uint8) for i in range(FRAMES)), 24)
    empty_scene()
    rig = armature_from_skeleton(skeleton)
    write_action(rig, retarget(motion, skeleton_from_armature(rig))[0], "standing")
    return open_video(folder / "film.mp4"), detections, solution, rig
