"""Environments made for real, from wheels in a folder in place of the package index."""

import json
import os
import shutil
import sys
import time
import zipfile
from importlib.metadata import distribution
from pathlib import Path

import pytest

from graphics_ml import __version__
from tests.addon_modules import ROOT, addon_module

environment = addon_module("environment")
SetUpError = environment.SetUpError

LIMIT = 120
HERE = f"{sys.version_info.major}.{sys.version_info.minor}"


def wheel(folder, name, version, files, metadata=""):
    """A wheel of these files, {place in it: bytes}."""
    info = f"{name}-{version}.dist-info"
    about = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{metadata}".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files = {**about, **files}
    files[f"{info}/RECORD"] = "".join(f"{place},,\n" for place in [*files, f"{info}/RECORD"]).encode()
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for place, content in files.items():
            archive.writestr(place, content)
    return path


def core_wheel(folder, more=()):
    """graphics_ml's own wheel, whose extra needs one small package in place of large ones."""
    folder.mkdir(exist_ok=True)
    package = ROOT / "graphics_ml"
    files = {path.relative_to(ROOT).as_posix(): path.read_bytes() for path in package.glob("*.py")}
    metadata = 'Provides-Extra: pose\nRequires-Dist: small>=1; extra == "pose"\n'
    return wheel(folder, "graphics_ml", __version__, {**files, **dict(more)}, metadata)


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    """A folder of wheels: a small package in two versions, and this Python's pip, as the one in ensurepip is old."""
    folder = tmp_path_factory.mktemp("index")
    for version in ("1", "2"):
        wheel(folder, "small", version, {"small.py": b""})
    pip = distribution("pip")
    files = {
        file.as_posix(): pip.locate_file(file).read_bytes()
        for file in pip.files
        if file.parts[0] == "pip" and file.suffix != ".pyc"
    }
    wheel(folder, "pip", pip.version, files)
    (folder / "constraints.txt").write_text(f"small==1\npip=={pip.version}\n")
    return folder


@pytest.fixture(scope="module", autouse=True)
def offline(index):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PIP_NO_INDEX", "1")
        patch.setenv("PIP_FIND_LINKS", str(index))
        patch.setenv("PIP_CONFIG_FILE", os.devnull)
        yield


@pytest.fixture(scope="module")
def this_python():
    found = finish(environment.find_python([sys.executable]))[0]
    return next(one for one in found if one.program.samefile(sys.executable))


def finish(steps):
    """What a generator returns, and the steps that it gave."""
    seen, began = [], time.monotonic()
    while time.monotonic() - began < LIMIT:
        try:
            step = next(steps)
        except StopIteration as ended:
            return ended.value, seen
        if step is None:
            time.sleep(0.01)
        else:
            seen.append(step)
    raise TimeoutError


def create(folder, python, index, core=None):
    core = core or core_wheel(folder.parent / "core")
    return environment.create(folder, python, core, index / "constraints.txt", folder.parent / "pip.log")


@pytest.fixture(scope="module")
def made(tmp_path_factory, index, this_python):
    with pytest.MonkeyPatch.context() as patch:
        # What is meant for Blender's Python, or has the user's pip install elsewhere, must not reach this one.
        patch.setenv("PYTHONHOME", "/nowhere")
        patch.setenv("PIP_TARGET", str(index / "elsewhere"))
        folder = tmp_path_factory.mktemp("made") / "Ümlaut and space"
        program, seen = finish(create(folder, this_python, index))
    return folder, program, seen


def test_an_environment_is_made_in_one_folder_with_the_versions_that_are_asked_for(made, index):
    folder, program, seen = made
    assert environment.python_of(folder) == program and environment.python_of(program) == program
    (packages,) = folder.glob("lib/python3.*/site-packages" if os.name != "nt" else "Lib/site-packages")
    names = {path.name for path in packages.glob("*.dist-info")}
    assert {"small-1.dist-info", f"graphics_ml-{__version__}.dist-info"} <= names
    assert not (folder / "tmp").exists() and not (index / "elsewhere").exists()
    stages = list(dict.fromkeys(stage for stage, _, _ in seen))
    assert [
        stage for stage in stages if stage in ("making a place", "fetching the installer", "fetching packages")
    ] == [
        "making a place",
        "fetching the installer",
        "fetching packages",
    ]


def test_a_check_names_what_the_environment_lacks(made, tmp_path):
    result, seen = finish(environment.check(made[1], tmp_path / "log", ["capture", "convert"]))
    assert result["missing"]["convert"] == ["numpy (not installed)", "array_api_compat (not installed)"]
    assert "mediapipe (not installed)" in result["missing"]["capture"]
    assert result["hello"]["graphics_ml"] == __version__
    assert seen[0] == ("starting", 0, 0)


def test_making_it_again_brings_it_up_to_date_and_keeps_the_rest(made, index, this_python):
    folder, program, _ = made
    core = core_wheel(folder.parent / "newer", {"graphics_ml/news.py": b"good = True\n"})
    _, seen = finish(create(folder, this_python, index, core))
    assert "making a place" not in {stage for stage, _, _ in seen}
    assert environment.python_of(folder) == program
    assert list(folder.glob("[Ll]ib/**/graphics_ml/news.py"))


def test_without_a_connection_the_sentence_says_so_and_what_was_there_stays(made, index, this_python, monkeypatch):
    folder, program, _ = made
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    needy = wheel(
        folder.parent, "graphics_ml", "99", {}, 'Provides-Extra: pose\nRequires-Dist: absent; extra == "pose"\n'
    )
    with pytest.raises(SetUpError, match=r"check the connection to the Internet.*pip\.log") as caught:
        finish(create(folder, this_python, index, needy))
    assert "\n" not in str(caught.value)
    assert environment.python_of(folder) == program


def test_progress_is_in_megabytes_and_then_in_packages(tmp_path):
    pip, packages = environment._PipProgress("fetching packages", tmp_path), tmp_path / "lib/python3.11/site-packages"
    (packages / "pip-26.3.dist-info").mkdir(parents=True)
    steps = [pip.step()]
    for line in (
        "Collecting mediapipe==0.10.21",
        "  Downloading mediapipe-0.10.21-cp311-cp311-manylinux_2_28_x86_64.whl (35.6 MB)",
        "Progress 20971520 of 37329344",
        "Progress 37329344 of 37329344",
        "Processing ./numpy-1.26.4-cp311-cp311-win_amd64.whl",
        "  Downloading jaxlib-0.7.1-cp311-cp311-win_amd64.whl (400.0 MB)",
        "Progress 400000000 of 400000000",
        "Installing collected packages: jaxlib, mediapipe",
    ):
        pip.hear(line)
        steps.append(pip.step())
    (packages / "jaxlib-0.7.1.dist-info").mkdir()
    steps.append(pip.step())
    assert list(dict.fromkeys(steps)) == [
        ("fetching packages", 0, 0),
        ("fetching mediapipe", 0, 0),
        ("fetching mediapipe", 20, environment.DOWNLOAD),
        ("fetching mediapipe", 35, environment.DOWNLOAD),
        ("fetching jaxlib", 35, environment.DOWNLOAD),
        ("fetching jaxlib", 417, 417),
        ("unpacking", 0, 2),
        ("unpacking", 1, 2),
    ]


def test_closing_ends_everything_and_leaves_no_environment(tmp_path, index, this_python):
    folder = tmp_path / "environment"
    steps = create(folder, this_python, index)
    began = time.monotonic()
    while next(steps) in (None, ("making a place", 0, 0)) and time.monotonic() - began < 2:
        time.sleep(0.01)
    with pytest.raises(SetUpError, match="not finished"):
        environment.python_of(folder)
    began = time.monotonic()
    steps.close()
    assert time.monotonic() - began < 1
    while folder.exists():
        assert time.monotonic() - began < 30
        time.sleep(0.05)


def test_what_an_ended_blender_left_half_made_is_made_anew(tmp_path, index, this_python):
    folder = tmp_path / "environment"
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").write_text("")
    (folder / environment.MARKER).write_text(json.dumps({"state": "unfinished"}))
    for place in (folder, folder / "bin" / "python"):
        with pytest.raises(SetUpError, match="not finished"):
            environment.python_of(place)
    steps = create(folder, this_python, index)
    assert next(steps) == ("removing what was there", 0, 0)
    while next(steps) is None:
        time.sleep(0.01)
    program = folder / "bin" / "python"
    assert not program.exists() or program.stat().st_size
    steps.close()


@pytest.mark.parametrize("kind", ["file", "full"])
def test_a_folder_that_holds_other_things_is_refused_and_left_alone(tmp_path, index, this_python, kind):
    place = tmp_path / "film" if kind == "file" else tmp_path
    (tmp_path / "film").write_text("mine")
    words = "is a file" if kind == "file" else "holds other things"
    with pytest.raises(SetUpError, match=words):
        next(environment.create(place, this_python, "a.whl", "c.txt", tmp_path.parent / "pip.log"))
    assert [path.name for path in tmp_path.iterdir()] == ["film"]


def test_too_little_room_is_said_before_anything_is_done(tmp_path, index, this_python, monkeypatch):
    usage = type(shutil.disk_usage(tmp_path))(10**12, 10**12, 10**9)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(SetUpError, match=r"1\.0 GB are free there, but 2\.0 GB are needed"):
        next(environment.create(tmp_path / "new" / "one", this_python, "a.whl", "c.txt", tmp_path / "pip.log"))
    assert not list(tmp_path.iterdir())


def test_this_python_is_found_once_and_fits(this_python):
    found = finish(environment.find_python([sys.executable]))[0]
    assert [one.program.resolve() for one in found].count(this_python.program.resolve()) == 1
    assert this_python.version == sys.version_info[:3]
    assert this_python.fault == "" if HERE in environment.VERSIONS else HERE in this_python.fault
    assert [bool(one.fault) for one in found] == sorted(bool(one.fault) for one in found)


@pytest.mark.skipif(os.name == "nt", reason="a shell script stands for a Python")
@pytest.mark.parametrize(
    ("version", "platform", "lacking", "words"),
    [
        ([3, 11, 2], "linux-x86_64", ["ensurepip"], "install python3.11-venv"),
        ([3, 13, 0], "linux-x86_64", [], "is Python 3.13, but 3.11 or 3.12 is needed"),
        ([3, 12, 0], "linux-aarch64", [], "no MediaPipe for this kind of computer"),
        ([3, 12, 0], "win32", [], "no MediaPipe for this kind of computer"),
        ([3, 12, 0], "macosx-14.0-arm64", [], ""),
    ],
)
def test_why_a_python_will_not_do_is_said(tmp_path, monkeypatch, version, platform, lacking, words):
    monkeypatch.setattr(environment, "_candidates", lambda: [])
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\necho '{json.dumps([str(program), version, platform, lacking])}'\n")
    program.chmod(0o755)
    (fault,) = [one.fault for one in finish(environment.find_python([program]))[0]]
    assert words in fault and bool(words) == bool(fault)
    if fault:
        python = environment.Python(program, tuple(version), fault)
        with pytest.raises(SetUpError):
            next(environment.create(tmp_path / "new", python, "a.whl", "c.txt", tmp_path / "log"))
        assert environment.no_python([python]) == (fault if version[1] != 13 else environment.no_python([]))


@pytest.mark.parametrize("content", ["#!/bin/sh\nexec sleep 60\n", "#!/bin/sh\necho garbage\n", "", None])
def test_what_is_no_python_is_passed_over(tmp_path, content, monkeypatch):
    monkeypatch.setattr(environment, "_candidates", lambda: [[sys.executable]])
    monkeypatch.setattr(environment, "_PROBE_LIMIT", 0.5)
    program = tmp_path / "python"
    if content is not None:
        program.write_text(content)
        program.chmod(0o755)
    assert [one.program for one in finish(environment.find_python([program]))[0]] == [Path(sys.executable)]


@pytest.mark.skipif(os.name == "nt", reason="a shell script stands for a Python")
def test_a_python_that_is_slow_keeps_nobody_waiting(tmp_path, monkeypatch):
    monkeypatch.setattr(environment, "_candidates", lambda: [])
    monkeypatch.setattr(environment, "_PROBE_LIMIT", 2)
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o755)
    steps, began = environment.find_python([program]), time.monotonic()
    assert [next(steps), next(steps), next(steps)] == [("looking for a Python", 0, 0), None, None]
    steps.close()
    assert time.monotonic() - began < 1


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (["ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device"], "disk is full"),
        (["ProxyError('Cannot connect to proxy.', OSError('Tunnel connection failed: 407'))"], "proxy"),
        (["SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] ...'))"], "not secure"),
        (
            ["'NewConnectionError(...)'", "ERROR: No matching distribution found for numpy"],
            "connection to the Internet",
        ),
        (
            ["ERROR: No matching distribution found for mediapipe==0.10.21"],
            "no package mediapipe==0.10.21 for Python 3.1",
        ),
        (["HINT: This error might have occurred since this system does not have Windows Long Path support"], "shorter"),
        (["something", "ERROR: it does not go", "after that"], "ERROR: it does not go"),
        ([], "no reason was given"),
    ],
)
def test_what_pip_says_becomes_a_sentence(said, words):
    assert words in environment._meaning(said, environment.Python(Path("python"), (3, 12, 1)))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda folder: folder / "no such", "there is no"),
        (lambda folder: folder, "holds no Python environment"),
        (lambda folder: (folder / "blender.exe").touch() or folder / "blender.exe", "is Blender"),
    ],
)
def test_what_is_no_environment_is_named(tmp_path, make, words):
    with pytest.raises(SetUpError, match=words):
        environment.python_of(make(tmp_path))


def test_an_environment_of_conda_will_do(tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(sys.executable)
    assert environment.python_of(tmp_path) == tmp_path / "bin" / "python"


def test_what_the_add_on_carries_for_it_is_found(tmp_path):
    with pytest.raises(SetUpError, match="install the add-on again"):
        environment.carried(tmp_path)
    core = core_wheel(tmp_path / "wheels")
    (tmp_path / "constraints.txt").write_text("")
    assert environment.carried(tmp_path) == (core, tmp_path / "constraints.txt")


def test_the_consent_says_where_how_much_and_how_to_undo(this_python):
    said = " ".join(environment.consent("/place", this_python))
    assert all(words in said for words in ("/place", str(this_python.program), "MB", "GB", "delete the folder"))
