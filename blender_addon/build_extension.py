# SPDX-License-Identifier: GPL-3.0-or-later
"""Build dist/graphics_ml-<version>.zip: the add-on, the core's wheel, and the wheel that the core needs beside NumPy.

Run by `make extension`, with a Python that has bpy: Blender's own blender_ext.py, which comes with it, builds the zip
and validates it. The same sources and the same constraints.txt give the same bytes.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from importlib.util import find_spec
from pathlib import Path

ADDON = Path(__file__).resolve().parent
PROJECT = ADDON.parent
MANIFEST = "blender_manifest.toml"
LIMIT = 10 * 2**20  # bytes; animators download it
_NOT_SHIPPED = ("__pycache__", ".*", Path(__file__).name, "README.md", "pictures")
# Weights are large, and run only where torch is, which is never Blender's own Python.
_NOT_IN_CORE = ("__pycache__", "*.safetensors")
# What the core imports in Blender and Blender does not have. TOML is read by Python itself and written by the core.
_BUNDLED = "array-api-compat"
_LONG_AGO = time.mktime((2020, 2, 2, 0, 0, 0, 0, 0, 0))  # so that the zip does not tell when its files were copied


def build(out: Path) -> Path:
    """The zip, built into the folder `out` and validated.

    Raises:
        SystemExit: a step failed, or the zip is too large.
    """
    ext, tags = _blender_ext()
    version = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    place = out.resolve() / f"graphics_ml-{version}.zip"
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        stage = Path(folder) / "graphics_ml"
        shutil.copytree(ADDON, stage, ignore=shutil.ignore_patterns(*_NOT_SHIPPED))
        shutil.copy(PROJECT / "constraints.txt", stage)  # for the environment that the Set Up button makes
        _put_wheels(stage / "wheels")
        _complete_manifest(stage, version)
        for path in stage.rglob("*"):
            path.chmod(0o755 if path.is_dir() else 0o644)
            os.utime(path, (_LONG_AGO, _LONG_AGO))
        _run(ext, "build", "--source-dir", stage, "--output-filepath", place, "--valid-tags", tags)
    _run(ext, "validate", "--valid-tags", tags, place)
    size = place.stat().st_size
    if size > LIMIT:
        raise SystemExit(f"{place} has {size} bytes, but must be under {LIMIT} to be downloaded quickly")
    return place


def _blender_ext():
    """Blender's program for extensions, and its list of the tags that there are."""
    found = find_spec("bpy")
    scripts = next(Path(found.origin).parent.glob("*/scripts"), None) if found else None
    if scripts is None:
        raise SystemExit("bpy is not installed here; use the Python of this project's environment")
    return (
        scripts / "addons_core" / "bl_pkg" / "cli" / "blender_ext.py",
        scripts / "modules" / "_bpy_internal" / "extensions" / "tags.py",
    )


def _put_wheels(folder):
    pins = PROJECT / "constraints.txt"
    pip = ("-m", "pip", "wheel", "-q", "--disable-pip-version-check", "--no-deps", "--wheel-dir", folder)
    with tempfile.TemporaryDirectory() as copy:
        core = Path(copy) / "core"
        shutil.copytree(PROJECT / "graphics_ml", core / "graphics_ml", ignore=shutil.ignore_patterns(*_NOT_IN_CORE))
        for name in ("pyproject.toml", "README.md", "LICENSE"):
            shutil.copy(PROJECT / name, core)
        _run(*pip, "--build-constraint", pins, core)
    _run(*pip, "--constraint", pins, "--only-binary", ":all:", _BUNDLED)
    for wheel in folder.iterdir():
        if not wheel.name.endswith("-none-any.whl"):
            raise SystemExit(f"{wheel.name} is not for every platform; the extension must run on all of them")


def _complete_manifest(stage, version):
    """Add to the manifest what only the build knows: the wheels, and the files in an order that is always the same."""
    path = stage / MANIFEST
    text = path.read_text(encoding="utf-8")
    if tomllib.loads(text)["version"] != version:
        raise SystemExit(f"{MANIFEST} and pyproject.toml have different versions")
    files = [one.relative_to(stage).as_posix() for one in sorted(stage.rglob("*")) if one.is_file()]
    wheels = [f"./{one}" for one in files if one.endswith(".whl")]
    others = [one for one in files if not one.endswith(".whl") and one != MANIFEST]
    # Keys of the file's top level come before its first table.
    top, first_table, tables = text.partition("\n[permissions]\n")
    path.write_text(f"{top}wheels = {wheels}\n{first_table}{tables}\n[build]\npaths = {others}\n", encoding="utf-8")


def _run(*arguments):
    done = subprocess.run([sys.executable, *map(str, arguments)], cwd=tempfile.gettempdir())
    if done.returncode:
        raise SystemExit(done.returncode)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Build the Blender extension.")
    parser.add_argument("--out", type=Path, default=PROJECT / "dist", help="folder to write it into")
    print(build(parser.parse_args().out))
