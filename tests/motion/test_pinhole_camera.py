"""The pinhole camera, against projection by homogeneous matrices and its own round trips."""

import numpy as np
import pytest

from graphics_ml.errors import FileError
from graphics_ml.motion.camera import Camera, focal_length, load_camera, look_at, save_camera


def camera(**changes):
    settings = dict(
        width=640,
        height=480,
        focal=500.0,
        centre=(320, 240),
        rotation=look_at([3, 2, 4], [0, 1, 0], 0.1),
        position=[3, 2, 4],
    )
    return Camera(**(settings | changes))


def test_projection_agrees_with_the_homogeneous_matrix():
    points = np.random.default_rng(0).normal(size=(50, 3))
    one = camera()
    intrinsic = np.array([[500, 0, 320], [0, 500, 240], [0, 0, 1.0]])
    extrinsic = np.concatenate((one.rotation, -(one.rotation @ one.position)[:, None]), axis=1)
    seen = np.concatenate((points, np.ones((50, 1))), axis=1) @ (intrinsic @ extrinsic).T
    np.testing.assert_allclose(one.project(points), seen[:, :2] / seen[:, 2:], atol=1e-9)


def test_what_it_looks_at_is_in_the_middle_and_up_is_up():
    one = camera(rotation=look_at([3, 2, 4], [0, 1, 0]))
    np.testing.assert_allclose(one.project([0, 1, 0]), [320, 240], atol=1e-9)
    above = one.project([0, 1.2, 0])
    assert abs(above[0] - 320) < 1e-9 and above[1] < 240


def test_a_roll_clockwise_turns_the_picture_anticlockwise():
    above = camera(rotation=look_at([0, 1, 4], [0, 1, 0], 0.2), position=[0, 1, 4]).project([0, 1.5, 0])
    assert above[0] < 320 and above[1] < 240


def test_what_is_behind_is_not_seen():
    assert np.isnan(camera().project([6, 3, 8])).all()


def test_the_field_of_view_is_that_of_the_longer_side():
    one = camera(focal=focal_length(640, 480, np.radians(50)))
    assert np.isclose(one.field_of_view(), np.radians(50))
    edge = one.position + one.rotation.T @ [np.tan(np.radians(25)), 0, 1]
    np.testing.assert_allclose(one.project(edge), [640, 240], atol=1e-9)


def test_a_resized_camera_sees_the_same():
    points = np.random.default_rng(1).normal(size=(20, 3))
    one = camera()
    np.testing.assert_allclose(one.resized(320, 240).project(points), one.project(points) / 2, atol=1e-9)
    # A wider picture has the old one in its middle.
    wider = one.resized(1000, 480).project(points)
    np.testing.assert_allclose(wider, one.project(points) + np.array([180, 0]), atol=1e-9)


def test_it_is_the_same_when_read_again(tmp_path):
    save_camera(camera(), tmp_path / "camera.json")
    again = load_camera(tmp_path / "camera.json")
    for name in ("centre", "rotation", "position"):
        np.testing.assert_array_equal(getattr(again, name), getattr(camera(), name))


@pytest.mark.parametrize("text", ["", "[]", '{"width": 3}', "\x00\x01", '{"width":1,"height":1,"focal":-1}'])
def test_a_file_that_is_no_camera_is_said(tmp_path, text):
    path = tmp_path / "camera.json"
    path.write_text(text)
    with pytest.raises(FileError, match="no camera file"):
        load_camera(path)


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(FileError, match="cannot be read"):
        load_camera(tmp_path / "none.json")


@pytest.mark.parametrize(
    "changes", [dict(focal=0), dict(focal=np.nan), dict(rotation=np.diag([1, 1, -1])), dict(position=[1, 2])]
)
def test_a_camera_that_cannot_be_is_refused(changes):
    with pytest.raises(ValueError, match="camera's"):
        camera(**changes)


def test_no_camera_looks_straight_down():
    with pytest.raises(ValueError, match="straight"):
        look_at([0, 3, 0], [0, 0, 0])
