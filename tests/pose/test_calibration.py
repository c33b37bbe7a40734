"""Calibration files against OpenCV's own projection and the shared four cameras, and whose camera took which film."""

from pathlib import Path

import numpy as np
import pytest

from graphics_ml.errors import FileError
from graphics_ml.pose.calibration import cameras_of_films, load_calibration

cv2 = pytest.importorskip("cv2")

MATRIX = np.array([[1400.0, 0, 655.5], [0, 1410.0, 350.25], [0, 0, 1]])
LENS = np.array([-0.21, 0.09, 1e-3, -2e-3, 0.01, 0.02, -0.01, 0.005])
FISHEYE = np.array([0.03, -0.01, 0.002, -1e-4])
TURN, AWAY = np.array([1.3, -0.6, 0.8]), np.array([0.1, -0.9, 4.5])
POINTS = np.random.default_rng(0).uniform(-0.8, 0.8, (20, 3))  # of a world with Z up


def ours(points):
    """Points of a world with Z up in one with Y up."""
    return np.stack((points[:, 0], points[:, 2], -points[:, 1]), axis=1)


def expected(lens=LENS, fisheye=False, turn=TURN, away=AWAY):
    if fisheye:
        pixels, _ = cv2.fisheye.projectPoints(POINTS[None], turn, away, MATRIX, lens)
    else:
        pixels, _ = cv2.projectPoints(POINTS, turn, away, MATRIX, lens)
    return pixels.reshape(-1, 2) + 0.5  # OpenCV's pixels have (0, 0) in the middle of the first


def write(path, cameras):
    """A file by OpenCV itself; cameras: name to parts, a table each, or one without a name."""
    storage = cv2.FileStorage(str(path), cv2.FILE_STORAGE_WRITE)
    for name, parts in cameras.items():
        if name:
            storage.startWriteStruct(name, cv2.FileNode_MAP)
        for key, value in parts.items():
            storage.write(key, value)
        if name:
            storage.endWriteStruct()
    storage.release()
    return path


PARTS = dict(
    image_width=1280, image_height=720, camera_matrix=MATRIX, distortion_coefficients=LENS, rvec=TURN, tvec=AWAY
)


@pytest.mark.parametrize("extension", ["yml", "xml", "json"])
def test_cameras_that_opencv_wrote_see_as_opencv_does(tmp_path, extension):
    path = write(tmp_path / f"rig.{extension}", {"left": PARTS, "right": PARTS | {"tvec": AWAY + 1}})
    cameras = load_calibration(path)
    assert [camera.name for camera in cameras] == ["left", "right"]
    assert (cameras[0].camera.width, cameras[0].camera.height) == (1280, 720)
    np.testing.assert_allclose(cameras[0].project(ours(POINTS)), expected(), atol=1e-6)
    np.testing.assert_allclose(cameras[1].project(ours(POINTS)), expected(away=AWAY + 1), atol=1e-6)


def test_parts_under_other_names_and_rotations_as_matrices_are_understood(tmp_path):
    turned = cv2.Rodrigues(TURN)[0]
    parts = {"K_1": MATRIX, "dist_1": LENS, "Rot_1": turned, "T_1": AWAY}
    parts |= {"K_2": MATRIX, "dist_2": LENS, "Rot_2": turned, "T_2": AWAY + 1}
    cameras = load_calibration(write(tmp_path / "rig.yml", {"": parts}))
    assert [camera.name for camera in cameras] == ["1", "2"]
    np.testing.assert_allclose(cameras[1].project(ours(POINTS)), expected(away=AWAY + 1), atol=1e-6)


def test_a_folder_holds_a_file_for_each_camera(tmp_path):
    for name in ("cam_b", "cam_a"):
        write(tmp_path / f"{name}.yml", {"": PARTS})
    assert [camera.name for camera in load_calibration(tmp_path)] == ["cam_a", "cam_b"]


def pose2sim(lens=LENS[:4], fisheye="false"):
    return (
        f'[cam_01]\nname = "cam_01"\nsize = [1280.0, 720.0]\nmatrix = {MATRIX.tolist()}\n'
        f"distortions = {lens.tolist()}\nrotation = {TURN.tolist()}\ntranslation = {AWAY.tolist()}\n"
        f"fisheye = {fisheye}\n\n[metadata]\nadjusted = false\nerror = 0.0\n"
    )


def test_pose2sim_sees_as_opencv_does(tmp_path):
    (tmp_path / "Calib.toml").write_text(pose2sim())
    (camera,) = load_calibration(tmp_path / "Calib.toml")
    np.testing.assert_allclose(camera.project(ours(POINTS)), expected(LENS[:4]), atol=1e-6)


def test_a_fisheye_sees_as_opencvs_and_its_rays_come_back(tmp_path):
    (tmp_path / "Calib.toml").write_text(pose2sim(FISHEYE, "true"))
    (camera,) = load_calibration(tmp_path / "Calib.toml")
    pixels = expected(FISHEYE, fisheye=True)
    np.testing.assert_allclose(camera.project(ours(POINTS)), pixels, atol=1e-6)
    seen = camera.camera.to_camera(ours(POINTS))
    np.testing.assert_allclose(camera.rays(pixels), seen[:, :2] / seen[:, 2:], atol=1e-9)


def test_the_shared_calibration_has_four_cameras_that_look_at_the_treadmill(test_data):
    cameras = load_calibration(test_data / "video" / "multiview" / "calibration.qca.txt")
    assert [c.name for c in cameras] == ["cam01", "cam02", "cam03", "cam04"]
    for c in cameras:
        assert (c.camera.width, c.camera.height) == (1088, 1920)
        assert 1600 < c.camera.focal < 1700
        assert c.camera.position[1] > 1.5  # above the floor, Y up
        seen = c.project(np.array([[0.0, 1.0, 0.0]]))[0]
        assert 0 < seen[0] < 1088 and 0 < seen[1] < 1920
        # Known from the task: the true up lies 18 to 33 degrees off the picture's.
        lean = np.degrees(np.arccos(-c.camera.rotation[1] @ np.array([0.0, 1.0, 0.0])))
        assert 17 < lean < 34.5


BROKEN = {
    "a.qca.txt": ["", "no xml at all", "<calibration/>", "<a><camera serial='a'/></a>"],
    "b.qca.txt": ["<c><camera serial='a'><transform r11='x'/></camera></c>"],
    "c.yml": ["", "%YAML:1.0\n---\nspeed: 3\n", "%YAML:1.0\n---\na: [", "just words"],
    "d.yml": [
        "%YAML:1.0\n---\ncamera_matrix: !!opencv-matrix\n   rows: 3\n   cols: 3\n   dt: d\n   data: [ 1., 2. ]\n"
    ],
    "e.json": ["{", '{"camera_matrix": [1, 2, 3]}'],
    "f.toml": ["", "[a", "x = 1", pose2sim().replace("rotation", "turning"), pose2sim().replace("1400.0", "-3.0")],
    "g.toml": [pose2sim().replace("[[1400.0, 0.0, 655.5],", "["), pose2sim().replace("1400.0", '"wide"')],
    "h.toml": [
        pose2sim(np.ones(9)),
        pose2sim().replace("4.5", "nan"),
        pose2sim() + pose2sim().replace("[cam_01]", "[b]"),
    ],
    "i.txt": ["nothing that is known"],
}


@pytest.mark.parametrize("name, text", [(name, text) for name, texts in BROKEN.items() for text in texts])
def test_a_broken_calibration_is_one_sentence(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(FileError, match=name) as caught:
        load_calibration(path)
    assert len(str(caught.value).splitlines()) == 1


def test_a_camera_without_a_place_is_told(tmp_path):
    path = write(tmp_path / "lens.yml", {"": {"camera_matrix": MATRIX, "distortion_coefficients": LENS}})
    with pytest.raises(FileError, match="camera lens has no rvec or R"):
        load_calibration(path)


def test_a_missing_calibration_is_named(tmp_path):
    with pytest.raises(FileError, match="nowhere"):
        load_calibration(tmp_path / "nowhere")
    with pytest.raises(FileError, match="folder holds no calibration"):
        load_calibration(tmp_path)


@pytest.fixture
def four(tmp_path):
    tables = (pose2sim().replace("cam_01", f"cam_{k:02}").split("[metadata]")[0] for k in (1, 2, 10, 11))
    (tmp_path / "Calib.toml").write_text("".join(tables))
    return load_calibration(tmp_path / "Calib.toml")


def matched(cameras, *names, size=(1280, 720)):
    films = [Path(name) for name in names]
    return cameras_of_films("Calib.toml", cameras, films, [size] * len(films))


def test_films_are_their_cameras_by_name_whatever_their_order(four):
    chosen, notes = matched(four, "run_CAM_10.mp4", "run_cam_01.mp4")
    assert [camera.name for camera in chosen] == ["cam_10", "cam_01"] and notes == ()


def test_films_without_such_names_are_in_the_order_of_the_cameras_and_that_is_said(four):
    chosen, notes = matched(four, "a.mp4", "b.mp4", "c.mp4", "d.mp4")
    assert [camera.name for camera in chosen] == [camera.name for camera in four]
    assert "a.mp4 by cam_01" in notes[0]


@pytest.mark.parametrize(
    "films, said",
    [
        (("a.mp4", "b.mp4"), "4 cameras .* for 2 films"),
        (("cam_01.mp4", "cam_03.mp4"), "no camera for cam_03.mp4"),
        (("cam_01.mp4", "again_cam_01.mp4"), "two films are named after camera cam_01"),
        (("cam_01_cam_02.mp4", "cam_10.mp4"), "several cameras for cam_01_cam_02.mp4"),
    ],
)
def test_films_that_cannot_be_told_apart_are_one_sentence(four, films, said):
    with pytest.raises(FileError, match=said) as caught:
        matched(four, *films)
    assert len(str(caught.value).splitlines()) == 1


def test_a_film_that_shows_less_of_the_picture_shows_its_middle(four):
    (cut, _), notes = matched(four, "cam_01.mp4", "cam_02.mp4", size=(1272, 720))
    np.testing.assert_allclose(cut.project(ours(POINTS)), four[0].project(ours(POINTS)) - [4, 0], atol=1e-9)
    assert "8 pixels less across" in notes[0]


def test_a_smaller_film_is_scaled(four):
    (small, _), notes = matched(four, "cam_01.mp4", "cam_02.mp4", size=(640, 360))
    np.testing.assert_allclose(small.project(ours(POINTS)), four[0].project(ours(POINTS)) / 2, atol=1e-9)
    assert "scaled by 0.5" in notes[0]


def test_a_film_of_another_shape_is_refused(four):
    with pytest.raises(FileError, match="1280 x 720 pixels, but the film has 720 x 1280"):
        matched(four, "cam_01.mp4", "cam_02.mp4", size=(720, 1280))
