"""What a user says of a camera."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis.strategies import floats

from graphics_ml.errors import FileError, GraphicsMLError, OutputError
from graphics_ml.motion.camera import Camera, look_at
from graphics_ml.pose.camera import (
    CameraSettings,
    load_camera,
    parse_camera,
    save_camera,
    settings_of,
    tilt_and_roll,
    up_in_camera,
)


def test_settings_are_read_from_a_line():
    assert parse_camera("fov=50, tilt=-10,roll=0") == CameraSettings(fov=50, tilt=-10, roll=0)
    assert parse_camera("focal=900") == CameraSettings(focal=900)


@pytest.mark.parametrize(
    "line", ["fov=wide", "zoom=2", "fov=0", "fov=200", "tilt=100", "fov=50,focal=900", "fov=nan", "roll=inf"]
)
def test_a_wrong_setting_is_one_sentence(line):
    with pytest.raises(GraphicsMLError) as caught:
        parse_camera(line)
    assert len(str(caught.value).splitlines()) == 1


def test_settings_survive_a_file(tmp_path):
    settings = CameraSettings(fov=48.5, tilt=-7.25, roll=1.5, centre=(640.0, 355.5))
    save_camera(tmp_path / "camera.toml", settings)
    assert load_camera(tmp_path / "camera.toml") == settings
    assert parse_camera(str(tmp_path / "camera.toml")) == settings


@pytest.mark.parametrize("text", ["fov = ", "fov = 'wide'", "zoom = 2", "centre = [1, 2, 3]", "fov = true", "\x00\xff"])
def test_a_broken_file_is_one_sentence(tmp_path, text):
    path = tmp_path / "camera.toml"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(FileError) as caught:
        load_camera(path)
    assert str(path) in str(caught.value) and len(str(caught.value).splitlines()) == 1


def test_a_missing_file_and_an_unwritable_one_are_named(tmp_path):
    with pytest.raises(FileError, match="nowhere"):
        parse_camera(str(tmp_path / "nowhere.toml"))
    with pytest.raises(OutputError):
        save_camera(tmp_path / "no" / "folder.toml", CameraSettings(fov=50))


@given(tilt=floats(-1.4, 1.4), roll=floats(-3, 3))
def test_tilt_and_roll_give_up_and_up_gives_them(tilt, roll):
    up = up_in_camera(tilt, roll)
    np.testing.assert_allclose(np.linalg.norm(up), 1)
    np.testing.assert_allclose(tilt_and_roll(up), (tilt, roll), atol=1e-9)


@given(height=floats(-3, 6), roll=floats(-1, 1))
def test_a_camera_that_looks_at_a_place_has_that_tilt_and_roll(height, roll):
    position = np.array([1.0, height, 4.0])
    rotation = look_at(position, (0.0, 1.0, 0.0), roll)
    tilt, found = tilt_and_roll(rotation[:, 1])
    np.testing.assert_allclose(tilt, np.arctan2(1.0 - height, np.hypot(1.0, 4.0)), atol=1e-9)
    np.testing.assert_allclose(found, roll, atol=1e-9)


def test_settings_of_a_camera_describe_it():
    camera = Camera(1280, 720, 900.0, (640, 360), look_at(np.array([0, 2.0, 4]), np.array([0, 1.0, 0])), (0, 2.0, 4))
    settings = settings_of(camera)
    assert settings.focal_length(1280, 720) == pytest.approx(900)
    assert settings.tilt == pytest.approx(np.degrees(np.arctan2(-1, 4)))
    assert settings.roll == pytest.approx(0, abs=1e-9)
