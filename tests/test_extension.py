"""The build of the Blender extension; what it does once installed is tested in tests/blender_addon."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from zipfile import ZipFile

import pytest

BUILD = Path(__file__).resolve().parent.parent / "blender_addon" / "build_extension.py"
pytest.importorskip("bpy")


def _built(folder, build=BUILD):
    subprocess.run([sys.executable, build, "--out", folder], check=True, capture_output=True)
    (zip_file,) = folder.glob("graphics_ml-*.zip")
    return zip_file


@pytest.fixture(scope="module")
def extension(tmp_path_factory):
    return _built(tmp_path_factory.mktemp("built"))


def test_trained_weights_stay_out(tmp_path):
    project = BUILD.parent.parent
    copy = tmp_path / "project"
    for name in ("graphics_ml", "blender_addon"):
        shutil.copytree(project / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "constraints.txt"):
        shutil.copy(project / name, copy)
    weights = copy / "graphics_ml" / "pose" / "weights" / "pose_2d.safetensors"
    weights.parent.mkdir(exist_ok=True)
    weights.write_bytes(os.urandom(20 * 2**20))  # more than an extension may have
    zip_file = _built(tmp_path / "built", copy / "blender_addon" / BUILD.name)
    with ZipFile(zip_file) as content:
        (core,) = [one for one in content.namelist() if Path(one).name.startswith("graphics_ml-")]
        place = content.extract(core, tmp_path)
    with ZipFile(place) as wheel:
        names = wheel.namelist()
    assert "graphics_ml/jobs.py" in names and not any("safetensors" in one for one in names)


def test_the_same_sources_give_the_same_bytes(extension, tmp_path):
    assert _built(tmp_path).read_bytes() == extension.read_bytes()


def test_the_manifest_names_every_wheel_and_file(extension):
    with ZipFile(extension) as content:
        manifest = tomllib.loads(content.read("blender_manifest.toml").decode())
        names = set(content.namelist())
    wheels = {one.removeprefix("./") for one in manifest["wheels"]}
    assert {Path(one).name.split("-")[0] for one in wheels} == {"graphics_ml", "array_api_compat"}
    assert names == wheels | set(manifest["build"]["paths"]) | {"blender_manifest.toml"}
    assert {"__init__.py", "LICENSE", "constraints.txt"} <= names
    assert manifest["blender_version_min"] == "4.2.0"


def test_the_cores_wheel_has_every_file_of_the_core(extension, tmp_path):
    with ZipFile(extension) as content:
        (core,) = [one for one in content.namelist() if Path(one).name.startswith("graphics_ml-")]
        place = content.extract(core, tmp_path)
    sources = BUILD.parent.parent
    wanted = {
        path.relative_to(sources).as_posix()
        for path in (sources / "graphics_ml").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".safetensors"
    }
    with ZipFile(place) as wheel:
        found = {one for one in wheel.namelist() if one.startswith("graphics_ml/")}
    assert found == wanted
