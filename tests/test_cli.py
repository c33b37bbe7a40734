import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from graphics_ml.cli import main
from graphics_ml.jobs import JOBS, settings


def cli(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "graphics_ml.cli", *map(str, arguments)], capture_output=True, text=True
    )


@pytest.mark.parametrize("name", JOBS)
def test_the_help_of_a_job_names_every_setting(name, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([name, "--help"])
    assert stopped.value.code == 0
    said = " ".join(capsys.readouterr().out.split())
    for one, _ in settings(JOBS[name]):
        assert one.metadata["positional"] or f"--{one.name.replace('_', '-')}" in said


def test_a_missing_argument_exits_with_2():
    done = cli("capture", "film.mp4")
    assert done.returncode == 2
    assert "output" in done.stderr + done.stdout


def test_a_value_out_of_bounds_is_one_sentence_and_exit_code_2(tmp_path):
    done = cli("capture", "film.mp4", "-o", tmp_path / "out.npz", "--height", "17")
    assert done.returncode == 2
    assert done.stderr.strip() == "graphics-ml: height is 17.0, but must be from 0.3 to 3 m"


def test_a_missing_job_file_is_one_sentence_and_exit_code_2(tmp_path):
    done = cli("run", tmp_path / "none.toml")
    assert done.returncode == 2
    assert done.stderr.startswith("graphics-ml: ") and done.stderr.count("\n") == 1


def test_debug_shows_where_an_error_came_from(tmp_path):
    done = cli("run", tmp_path / "none.toml", "--debug")
    assert "Traceback" in done.stderr and "none.toml" in done.stderr


def test_the_version_is_printed():
    assert cli("--version").stdout.startswith("graphics-ml ")


@pytest.mark.skipif(find_spec("bpy") is None or find_spec("mediapipe") is None, reason="the main job cannot run here")
def test_doctor_says_what_works():
    done = cli("doctor")
    assert done.returncode == 0, done.stdout
    assert "main job" in done.stdout and "mediapipe" in done.stdout


def test_doctor_names_the_package_of_a_missing_library():
    from graphics_ml.doctor import SYSTEM_LIBRARIES, install_line

    assert install_line(["libusb-1.0.so.0"]).endswith(" libusb-1.0-0")
    assert all(name.endswith(tuple("0123456789")) and ".so" in name for name in SYSTEM_LIBRARIES)
    assert Path(sys.executable).exists()
