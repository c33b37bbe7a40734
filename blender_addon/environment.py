# SPDX-License-Identifier: GPL-3.0-or-later
"""A Python environment of its own for what Blender's Python cannot carry: found, made in a folder, checked. No bpy.

What takes time is a generator of (stage, done, total), or None where nothing is new. It never waits: a modal operator
asks it for the next on its timer. Closing it ends every process and removes what was half-made.

    python = next(one for one in (yield from find_python()) if not one.fault)
    program = yield from create(folder, python, *carried(addon_folder), log_path)
    result = yield from check(program, log_path)
    lacking = result["missing"]["capture"]

Everything lands in the one folder, temporary files too. A file in it says whether it is finished; one that is not is
never taken for an environment. Nothing is ever installed into Blender's own Python.
"""

import json
import os
import queue
import re
import shutil
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from graphics_ml import __version__
from graphics_ml.errors import GraphicsMLError
from graphics_ml.outputs import remove_temporary, why_not_written

from .worker_client import Log, WorkerClient, clean_environment, kill, lines_of, python_command, spawn

VERSIONS = ("3.11", "3.12")
"""Pythons that will do: graphics_ml begins at the first, and the MediaPipe it needs ends at the last."""

DOWNLOAD, SIZE = 360, 1400
"""Megabytes to fetch and to keep, as counted on Linux with Python 3.11; elsewhere it is much the same."""

MARKER = "graphics-ml-environment.json"

Steps = Generator[tuple[str, int, int] | None, None, object]

_TEMPORARY = "tmp"
_removals = {}  # folders in which a thread is removing, and the thread
_NEEDED = 2000  # megabytes: what is fetched lies beside what is unpacked for a while
_INNOCENT = {".DS_Store", "desktop.ini", "Thumbs.db"}  # a folder that holds these alone is empty
_PROBE_LIMIT = 10.0  # seconds for a Python to say what it is
_PROBE = """
import importlib.util, json, sys, sysconfig
lacking = [name for name in ("venv", "ensurepip") if importlib.util.find_spec(name) is None]
print(json.dumps([sys.executable, list(sys.version_info[:3]), sysconfig.get_platform(), lacking]))
"""
# What pip says, in lower case, and what it means; the first that fits.
_MEANINGS = (
    (r"no space left|errno 28\b|not enough space on the disk", "the disk is full; make room and set up again"),
    (
        r"long path support",
        "a path became longer than Windows allows; choose a folder with a shorter one, such as C:\\graphics-ml",
    ),
    (
        r"proxyerror|tunnel connection failed|proxy authentication|\b407\b",
        "the proxy refuses the connection; check the proxy settings of this computer (HTTPS_PROXY)",
    ),
    (
        r"certificate_verify_failed|sslerror|ssl: ",
        "the connection is not secure, as where a company or a virus scanner reads along; ask who looks after your "
        "network for its certificate (PIP_CERT)",
    ),
    (
        r"name resolution|getaddrinfo|nodename nor servname|newconnectionerror|connection refused|unreachable|"
        r"max retries|connection aborted|connection broken|connectionreset|timed out|remotedisconnected",
        "the packages cannot be fetched; check the connection to the Internet and set up again",
    ),
    (r"permission denied|access is denied|errno 13\b", "the folder cannot be written; choose another"),
)


class SetUpError(GraphicsMLError):
    """An environment cannot be made or used."""


@dataclass(frozen=True)
class Python:
    """A Python on this computer.

    Attributes:
        program: its file.
        version: such as (3, 11, 7).
        fault: why no environment can be made with it, a sentence; empty where one can.
    """

    program: Path
    version: tuple[int, int, int]
    fault: str = ""


def find_python(more: Sequence[str | Path] = ()) -> Steps:
    """The Pythons on this computer, a list of Python, those first with which an environment can be made.

    Blender's own comes first: it is there, and it is only read. Each is run for a moment. A generator as above.

    Args:
        more: programs to look at before any other, such as one that the user has chosen.
    """
    yield "looking for a Python", 0, 0
    commands, pool = [[str(one)] for one in more] + _candidates(), ThreadPoolExecutor()
    try:
        probes = [pool.submit(_probed, command) for command in commands]
        while not all(probe.done() for probe in probes):
            yield None
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    different = {}
    for python in filter(None, (probe.result() for probe in probes)):
        different.setdefault(os.path.normcase(os.path.realpath(python.program)), python)
    return sorted(different.values(), key=lambda python: bool(python.fault))


def no_python(found: Sequence[Python]) -> str:
    """The sentence for when none of these will do."""
    own = " or ".join(VERSIONS)
    near = next((python.fault for python in found if _short(python.version) in VERSIONS), "")
    return near or f"this computer has no Python {own}, which is needed; install one from python.org, then look again"


def consent(folder: str | Path, python: Python) -> list[str]:
    """What setting up does, in lines for a dialog that asks whether to."""
    return [
        f"A Python environment will be made in {folder}",
        f"with Python {_short(python.version)} from {python.program}.",
        f"About {DOWNLOAD} MB are fetched from the Python package index: MediaPipe, NumPy, SciPy, Numba, PyAV,",
        "Matplotlib and what they need, in the versions that this add-on was tested with.",
        f"It takes about {SIZE / 1000:.1f} GB. Blender's own Python stays as it is.",
        "To undo it, delete the folder.",
    ]


def carried(addon: str | Path) -> tuple[Path, Path]:
    """graphics_ml's own wheel and the file with the version of each package, both in the add-on's folder.

    Raises:
        SetUpError: they are not there.
    """
    wheel, constraints = next(Path(addon).glob("wheels/graphics_ml-*.whl"), None), Path(addon) / "constraints.txt"
    if wheel is None or not constraints.is_file():
        raise SetUpError(f"{addon} lacks files that an environment is made from; install the add-on again")
    return wheel, constraints


def create(
    folder: str | Path, python: Python, wheel: str | Path, constraints: str | Path, log_path: str | Path
) -> Steps:
    """Make the environment, or bring one that this add-on made up to date; no worker of it must run then.

    A generator as above, done and total in megabytes while it fetches; returns the environment's Python. Closing it
    ends what it runs. What was half-made is removed in the background; of an update, the folder stays and is marked
    unfinished.

    Args:
        folder: new, empty, or one that this was done in before.
        python: from find_python.
        wheel: graphics_ml's own, in the extension.
        constraints: file with the version of each package.
        log_path: file for what pip says.

    Raises:
        SetUpError: one sentence; the folder holds other things, there is no room, no connection, ...
    """
    folder = Path(os.path.abspath(folder))
    _ensure_possible(folder, python)
    yield from _removed(folder)
    marked = _marked(folder)
    update = bool(marked) and marked.get("state") == "ready" and _same_python(folder, python)
    if marked and not update:
        _remove_later(folder, False)
        yield from _removed(folder)
    fresh = not folder.exists()
    install = [str(_program(folder)), "-I", "-u", "-m", "pip", "install", "--no-input", "--disable-pip-version-check"]
    install += ["--no-cache-dir", "--retries", "2", "--timeout", "20", "--only-binary", ":all:", "-c", str(constraints)]
    telling = [*install, "--progress-bar", "raw"]
    log, ready = Log(Path(log_path)), False
    try:
        _mark(folder, "unfinished", python)
        if not update:
            yield from _run([str(python.program), "-I", "-m", "venv", str(folder)], folder, log, "making a place")
            # Only a newer pip than Python brings says how far it has come.
            yield from _run([*install, "--upgrade", "pip"], folder, log, "fetching the installer")
        yield from _run([*telling, f"{wheel}[pose]"], folder, log, "fetching packages")
        if update:
            yield from _run([*telling, "--force-reinstall", "--no-deps", str(wheel)], folder, log, "updating")
        remove_temporary(folder / _TEMPORARY)
        _mark(folder, "ready", python)
        ready = True
        return _program(folder)
    except _Failed as failed:
        if update:  # pip has put back what it had taken away
            _mark(folder, "ready", python)
        raise SetUpError(f"{_meaning(failed.lines, python)}; the log is {log.path}") from None
    except OSError as error:
        raise SetUpError(f"{folder}: {why_not_written(folder / MARKER, error)}") from None
    finally:
        log.close()
        if not ready and not update:
            _remove_later(folder, fresh)


def python_of(place: str | Path) -> Path:
    """The Python program of an environment's folder (venv, conda), or the program itself where that is given.

    Raises:
        SetUpError: there is none, the environment is unfinished, or it is Blender.
    """
    place = Path(os.path.abspath(place))
    folder = place if place.is_dir() else place.parent.parent
    if _marked(folder).get("state", "ready") != "ready":
        raise SetUpError(f"the environment in {folder} is not finished; set it up again")
    if place.is_dir():
        names = ("bin/python", "bin/python3", "Scripts/python.exe", "python.exe")
        program = next((place / name for name in names if (place / name).exists()), None)
        if program is None:
            raise SetUpError(f"{place} holds no Python environment; set one up there or choose another folder")
        return program
    if not place.exists():
        raise SetUpError(f"there is no {place}; set the environment up or choose another")
    if place.stem.lower().startswith("blender"):
        raise SetUpError(f"{place} is Blender; choose an environment's folder or its Python program")
    return place


def check(python: str | Path, log_path: str | Path, jobs: Sequence[str] | None = None) -> Steps:
    """Ask an environment what it lacks; a generator as above.

    Returns:
        {"missing": {job: ["mediapipe (not installed)", ...]}, "install": line that installs system libraries or None},
        and "hello", what its worker says of itself.

    Raises:
        WorkerError: it cannot be asked, in one sentence.
    """
    client = WorkerClient(python_command(python), log_path)
    try:
        result = yield from client.steps("check", **({} if jobs is None else {"jobs": list(jobs)}))
        return {**result, "hello": client.hello}
    finally:
        client.close_later()


class _Failed(Exception):
    """A program gave an exit code that is not 0; what it said at last."""

    def __init__(self, lines):
        self.lines = lines
        super().__init__(lines[-1:])


def _candidates():
    """Commands that may start a Python, likeliest first."""
    names = [f"python{version}" for version in VERSIONS]
    commands = [[sys.executable]] if Path(sys.executable or "").stem.lower().startswith("python") else []
    commands += [[found] for name in names for place in os.get_exec_path() if (found := shutil.which(name, path=place))]
    if os.name == "nt":
        if launcher := shutil.which("py"):
            commands += [[launcher, f"-{version}"] for version in VERSIONS]
        local = Path(os.environ.get("LOCALAPPDATA", "~")).expanduser()
        places = [local / "Programs/Python/Python{0}{1}/python.exe"]
        places += [Path.home() / ".pyenv/pyenv-win/versions/{0}.{1}.*/python.exe"]
    else:
        root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
        places = [root / "versions/{0}.{1}.*/bin/python"]
        places += [Path.home() / ".local/share/uv/python/cpython-{0}.{1}.*/bin/python{0}.{1}"]
        # A program started from macOS's Dock or Finder does not have these on its PATH.
        places += [Path("/opt/homebrew/bin/python{0}.{1}"), Path("/usr/local/bin/python{0}.{1}")]
        places += [Path("/Library/Frameworks/Python.framework/Versions/{0}.{1}/bin/python{0}.{1}")]
    for version in VERSIONS:
        for place in places:
            pattern = Path(str(place).format(*version.split(".")))
            commands += [
                [str(one)] for one in sorted(Path(pattern.anchor).glob(str(pattern.relative_to(pattern.anchor))))
            ]
    return commands


def _probed(command):
    """The Python that a command starts, or None."""
    try:
        done = subprocess.run(
            [*command, "-I", "-c", _PROBE],
            capture_output=True,
            timeout=_PROBE_LIMIT,
            env=clean_environment(),
            stdin=subprocess.DEVNULL,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        program, version, platform, lacking = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    return Python(Path(program), tuple(version), _fault(program, version, platform, lacking))


def _fault(program, version, platform, lacking):
    name = _short(version)
    if name not in VERSIONS:
        return f"{program} is Python {name}, but {' or '.join(VERSIONS)} is needed"
    if platform not in ("linux-x86_64", "win-amd64") and not platform.startswith("macosx"):
        return f"there is no MediaPipe for this kind of computer ({platform})"
    if lacking:
        return (
            f"{program} lacks {' and '.join(lacking)}; on Debian and Ubuntu install python{name}-venv, elsewhere "
            "install Python from python.org"
        )
    return ""


def _short(version):
    return f"{version[0]}.{version[1]}"


def _ensure_possible(folder, python):
    """Raise SetUpError where an environment cannot be made here."""
    if python.fault:
        raise SetUpError(python.fault)
    if folder.exists() and not folder.is_dir():
        raise SetUpError(f"{folder} is a file; choose a folder")
    try:
        if not _marked(folder) and folder.is_dir() and {one.name for one in folder.iterdir()} - _INNOCENT:
            raise SetUpError(f"{folder} holds other things; choose a new or empty folder")
        there = next(above for above in (folder, *folder.parents) if above.exists())
        free = shutil.disk_usage(there).free >> 20
    except OSError as error:
        raise SetUpError(f"{folder}: {why_not_written(folder / MARKER, error)}") from None
    if free < _NEEDED and _marked(folder).get("state") != "ready":
        raise SetUpError(f"{folder}: {free / 1000:.1f} GB are free there, but {_NEEDED / 1000:.1f} GB are needed")


def _marked(folder):
    """What the marker in a folder says; {} where there is none."""
    try:
        said = json.loads((folder / MARKER).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        return {"state": "unfinished"}
    return said if isinstance(said, dict) else {"state": "unfinished"}


def _mark(folder, state, python):
    folder.mkdir(parents=True, exist_ok=True)
    said = {"state": state, "python": _short(python.version), "graphics_ml": __version__}
    (folder / MARKER).write_text(json.dumps(said), encoding="utf-8")


def _same_python(folder, python):
    """Whether the environment in a folder works and has this Python's version."""
    own = _probed([str(_program(folder))])
    return own is not None and own.version == python.version


def _program(folder):
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _run(command, folder, log, stage):
    """Run a program; a generator of how far it is."""
    temporary = folder / _TEMPORARY  # the system's own may be small
    temporary.mkdir(exist_ok=True)
    environment = clean_environment() | {name: str(temporary) for name in ("TMPDIR", "TEMP", "TMP")}
    # Settings of the user's pip that would have it install elsewhere; its proxy and index are meant.
    environment = {k: v for k, v in environment.items() if k not in ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT")}
    environment["PIP_USER"] = "0"
    try:
        process = spawn(command, environment, stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT)
    except (OSError, ValueError) as error:
        raise SetUpError(f"{command[0]} cannot be run ({error})") from None
    progress, lines, last = _PipProgress(stage, folder), queue.SimpleQueue(), deque(maxlen=200)
    threading.Thread(target=_read, args=(process.stdout, log, lines), daemon=True).start()
    try:
        line, told = "", None
        while line is not None:
            with suppress(queue.Empty):
                while (line := lines.get_nowait()) is not None:
                    last.append(line)
                    progress.hear(line)
            step = progress.step()
            yield None if step == told else step
            told = step
    finally:
        kill(process)
        process.wait()
    if process.returncode:
        raise _Failed(list(last))


def _read(pipe, log, lines):
    with pipe:
        for line in lines_of(pipe):
            log.write(line + b"\n")
            lines.put(line.decode("utf-8", "replace").rstrip())
    lines.put(None)


class _PipProgress:
    """How far pip is, by what it prints: megabytes while it fetches, packages while it unpacks."""

    def __init__(self, stage, folder):
        self._stage, self._folder, self._fetched, self._now, self._packages, self._before = stage, folder, 0, 0, 0, 0

    def hear(self, line):
        if found := re.match(r"\s*Downloading (\S+?)-\d", line):
            self._stage = f"fetching {found[1]}"
        elif found := re.fullmatch(r"Progress (\d+) of (\d+)", line):
            self._now = int(found[1])
            if found[1] == found[2]:
                self._fetched, self._now = self._fetched + self._now, 0
        elif line.startswith("Installing collected packages:"):
            self._stage, self._packages, self._before = "unpacking", line.count(",") + 1, self._installed()

    def step(self):
        if self._packages:
            return self._stage, min(self._installed() - self._before, self._packages), self._packages
        fetched = self._fetched + self._now >> 20
        return self._stage, fetched, max(fetched, DOWNLOAD) if fetched else 0

    def _installed(self):
        places = (*self._folder.glob("lib/python3.*/site-packages"), self._folder / "Lib" / "site-packages")
        return sum(name.endswith(".dist-info") for place in places if place.is_dir() for name in os.listdir(place))


def _meaning(lines, python):
    """What it means that pip, or venv, said this at last; without a full stop."""
    said = "\n".join(lines)
    for pattern, meaning in _MEANINGS:
        if re.search(pattern, said.lower()):
            return meaning
    if found := re.search(r"No matching distribution found for (\S+)", said):
        return (
            f"there is no package {found[1]} for Python {_short(python.version)} on this kind of computer; choose "
            f"another Python ({' or '.join(VERSIONS)})"
        )
    told = [line for line in lines if line.strip()]
    errors = [line for line in told if line.lower().startswith("error")]
    return f"the packages could not be installed ({(errors or told or ['no reason was given'])[-1].strip()[:300]})"


def _removed(folder):
    """A generator that goes on until nothing is being removed in a folder."""
    if folder in _removals:
        yield "removing what was there", 0, 0
        while _removals[folder].is_alive():
            yield None
        del _removals[folder]


def _remove_later(folder, itself):
    """Remove what is in an environment's folder, its marker last, so that it is never taken for a whole one."""

    def remove():
        with suppress(OSError):
            for one in folder.iterdir():
                if one.name != MARKER:
                    remove_temporary(one)
            if {one.name for one in folder.iterdir()} == {MARKER}:
                (folder / MARKER).unlink()
                if itself:
                    folder.rmdir()

    _removals[folder] = threading.Thread(target=remove)  # Blender's end waits for it
    _removals[folder].start()
