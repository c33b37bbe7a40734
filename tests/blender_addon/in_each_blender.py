"""Run the add-on's tests in each Blender, one after the other: `make test-blender`.

    python tests/blender_addon/in_each_blender.py graphics_ml-0.1.0.zip [--only 4.5.15] [words for pytest]

Each version of bpy has an environment under .bpy/<version>, made when it is missing or its list in blenders/ is newer,
with bpy and pytest and nothing of ours: graphics_ml comes from the zip alone.
"""

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent.parent
PYTHONS = {"4.2.23": "3.11", "4.5.15": "3.11", "5.0.1": "3.11", "5.2.3": "3.13"}  # what each version of bpy needs
LIMIT = 900  # seconds for the tests in one version: bpy 4.5 hangs at its end where bpy 4.2 crashes
OPTIONAL = ("5.2.3",)  # few machines have its Python yet


def main():
    parser = argparse.ArgumentParser(description="Run the add-on's tests in each Blender.")
    parser.add_argument("zip", type=Path, help="the extension")
    parser.add_argument("--only", choices=PYTHONS, help="one version")
    chosen, words = parser.parse_known_args()
    failed = []
    for version in [chosen.only] if chosen.only else PYTHONS:
        python = _environment(version)
        if python is None:
            print(f"== bpy {version}: not tested, there is no Python {PYTHONS[version]} on this machine", flush=True)
            if version not in OPTIONAL:
                failed.append(version)
            continue
        print(f"== bpy {version}", flush=True)
        variables = os.environ | {
            "GRAPHICS_ML_EXTENSION": str(chosen.zip.resolve()),
            "GRAPHICS_ML_WORKER_PYTHON": sys.executable,  # stands in for the environment that Set Up makes
            "PYTHONDONTWRITEBYTECODE": "1",
            "OMP_NUM_THREADS": "1",
        }
        variables.pop("PYTHONPATH", None)  # our sources must not be found beside the zip
        pytest = [python, "-m", "pytest", "-q", "-c", HERE / "pytest.ini", "--rootdir", HERE, "--confcutdir", HERE]
        pytest += ["-p", "no:cacheprovider", *(words or [HERE])]
        try:
            code = subprocess.run(list(map(str, pytest)), env=variables, cwd=HERE, timeout=LIMIT).returncode
        except subprocess.TimeoutExpired:
            code = f"none within {LIMIT} s"
        if code:
            print(f"== bpy {version}: exit code {code}", flush=True)
            failed.append(version)
    if failed:
        sys.exit(f"failed with bpy {', '.join(failed)}")


def _environment(version):
    """The Python of a version's environment, which is made where it is missing; None: no Python for it."""
    place, pins = PROJECT / ".bpy" / version, HERE / "blenders" / f"{version}.txt"
    python = place / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp = place / "installed.txt"
    if stamp.exists() and stamp.read_text() == pins.read_text():
        return python
    maker = _python(PYTHONS[version])
    if maker is None:
        return None
    shutil.rmtree(place, ignore_errors=True)
    subprocess.run([maker, "-m", "venv", place], check=True)
    subprocess.run([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", pins], check=True)
    stamp.write_text(pins.read_text())
    return python


def _python(version):
    """A Python of this version: what is on the PATH, or what pyenv has."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    candidates = [shutil.which(f"python{version}"), *sorted(pyenv.glob(f"{version}.*/bin/python"))]
    for one in candidates:
        # pyenv's own python3.13 on the PATH may be a shim that leads nowhere.
        if one and subprocess.run([one, "-c", ""], capture_output=True).returncode == 0:
            return one
    return None


if __name__ == "__main__":
    main()
