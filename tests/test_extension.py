"""The build of the Blender extension; what it does once installed is tested in tests/blender_addon."""

import subprocess
import sys
import tomllib
from pathlib import Path
from zipfile import ZipFile

import pytest

BUILD = Path(__file__).resolve().parent.parent / "blender_addon" / "build_extension.py"
pytest.importorskip("bpy")


def _built(folder):
    subprocess.run([sys.executable, BUILD, "--out", folder], check=True, capture_output=True)
    (zip_file,) = folder.glob("graphics_ml-*.zip")
    return zip_file


@pytest.fixture(scope="module")
def extension(tmp_path_factory):
    return _built(tmp_path_factory.mktemp("built"))


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
        if path.is_file() and "__pycache__" not in path.parts
    }
    with ZipFile(place) as wheel:
        found = {one for one in wheel.namelist() if one.startswith("graphics_ml/")}
    assert found == wanted
