"""A warm process that does jobs for Blender, one at a time: JSON lines in at stdin, out at stdout.

A request has an id, any number or text, and a kind:

    {"id": 1, "kind": "job", "job": "capture", "settings": {"video": "a.mp4", "output": "a.npz"}}
    {"id": 2, "kind": "check", "jobs": ["capture"]}     what the jobs need and this Python lacks
    {"id": 3, "kind": "warm", "jobs": ["capture"]}      load now what they will need
    {"id": 1, "kind": "cancel"}                         stop the request of this id

Without "jobs" all of them are meant.

Requests wait for each other; a cancel does not. The first line out is a greeting, then there are events with the id of
what they are about (null for a line that could not be read), the last of each request a result or an error:

    {"event": "hello", "protocol": 1, "graphics_ml": "0.1.0", "python": "3.11.2", ...}
    {"event": "progress", "id": 1, "stage": "detecting", "done": 30, "total": 90}
    {"event": "result", "id": 1, "outputs": ["a.npz"], "notes": [], "failures": []}
    {"event": "result", "id": 2, "missing": {"capture": ["mediapipe (not installed)"]}, "install": null}
    {"event": "error", "id": 1, "error": "VideoError", "message": "a.mp4: ...", "traceback": "only of faults of ours"}

A request that was stopped ends with the error "Stopped". Where "ends" is true in the last event of a request, so does
the process. The end of stdin means that Blender is gone: what is going on is stopped, nothing half-written is left, and
the process ends. What libraries print goes to stderr.

A job is stopped where it tells its progress. Where it has not done so for a while it is interrupted as by Ctrl-C, but
never while it imports a module or puts a file in its place; this process is not used again then and ends, because what
a library makes of an interruption cannot be known. So it is after a fault that nobody foresaw.
"""

import json
import os
import platform
import signal
import sys
import threading
import time
import traceback
from collections import deque
from importlib import import_module
from importlib.util import find_spec

from graphics_ml import __version__

PROTOCOL = 1
"""Raised when an older client or worker could not understand the messages."""

_LONGEST = 1 << 20  # bytes of a request
_WAITING = 100  # requests
_OFTEN = 0.05  # seconds between two messages of progress
_PATIENCE = 0.5  # seconds that a cancelled job is given to tell its progress
_GRACE = 2.0  # seconds that it is given when Blender is gone


class Stopped(KeyboardInterrupt):
    """Raised within a request that was cancelled; libraries take it for Ctrl-C."""


def main() -> None:
    """Serve requests until stdin ends."""
    requests, replies = os.dup(0), os.dup(1)  # before anything else is imported: libraries write to stdout
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    os.close(nothing)
    sys.stdout.reconfigure(line_buffering=True, errors="backslashreplace")
    _Worker(requests, replies).serve()


class _Worker:
    """What the thread that reads and the main one, in which requests are done, share."""

    def __init__(self, requests, replies):
        self._requests, self._replies = requests, replies
        self._writing, self._changed = threading.Lock(), threading.Condition()
        self._waiting, self._id, self._ended, self._job = deque(), None, False, None
        self._stop = threading.Event()
        self._interruptible = self._spent = False
        self._prefix = f".graphics-ml-{os.urandom(6).hex()}-"
        self._told = ("", 0, 0.0)

    def serve(self):
        signal.signal(signal.SIGINT, self._interrupt)
        self._send(
            event="hello",
            protocol=PROTOCOL,
            graphics_ml=__version__,
            python=platform.python_version(),
            platform=platform.platform(),
            executable=sys.executable,
            temporary=self._prefix,
        )
        threading.Thread(target=self._read, daemon=True).start()
        while not self._spent and (request := self._next()) is not None:
            self._send(**self._done(request), id=request["id"])
        with self._changed:
            for request in self._waiting:
                self._send(**_STOPPED, id=request["id"])

    # The main thread

    def _next(self):
        """The next request; None when there will be none."""
        with self._changed:
            self._id = None
            self._changed.wait_for(lambda: self._waiting or self._ended)
            if self._ended:
                return None
            request = self._waiting.popleft()
            self._id = request["id"]
            self._stop.clear()
            return request

    def _done(self, request):
        """The event that ends a request."""
        try:
            try:
                self._interruptible = True
                end = {"event": "result", **_KINDS[request["kind"]](self, request)}
            finally:
                self._interruptible = False
        except (Exception, SystemExit, KeyboardInterrupt) as error:  # Stopped, and what libraries make of it
            if self._stop.is_set():
                self._tidy()
                end = _STOPPED
            else:
                end = {"event": "error", **_fault(error)}
                self._spent = "traceback" in end or isinstance(error, MemoryError)
        self._job = None
        return {**end, "ends": True} if self._spent else end

    def _do_job(self, request):
        from graphics_ml.batch import with_matches
        from graphics_ml.jobs import JobError, from_plain
        from graphics_ml.outputs import temporary_names
        from graphics_ml.run import run

        settings = request.get("settings", {})
        if not isinstance(settings, dict):
            raise JobError("settings must be an object with a value for each setting")
        job = with_matches(from_plain(str(request.get("job")), settings))
        self._job = job
        with temporary_names(self._prefix):
            outcome = run(job, self._progress)
        return {
            "outputs": [str(path) for path in outcome.outputs],
            "notes": list(outcome.notes),
            "failures": list(outcome.failures),
        }

    def _check(self, request):
        from graphics_ml import doctor

        needs = {name: ("base", *kind.needs) for name, kind in _asked_for(request).items()}
        parts = {part: doctor.EXTRAS[part] for several in needs.values() for part in several}
        faults, done, total = {}, 0, sum(map(len, parts.values()))
        for part, packages in parts.items():
            faults[part] = []
            for package in packages:
                self._progress(f"checking {package}", done, total)
                done += 1
                if (why := doctor.fault(package)) is not None:
                    faults[part].append(f"{package} ({why})")
        self._progress("checking", total, total)
        missing = {name: [one for part in several for one in faults[part]] for name, several in needs.items()}
        libraries = doctor.missing_libraries() if any(missing.values()) else []
        return {"missing": missing, "install": doctor.install_line(libraries) if libraries else None}

    def _warm(self, request):
        for name, kind in _asked_for(request).items():
            self._progress(f"loading what {name} needs", 0, 0)
            module = import_module(kind.task.split(":")[0])
            if hasattr(module, "warm"):
                module.warm()
        return {}

    def _progress(self, stage, done, total):
        if self._stop.is_set():
            raise Stopped
        stage_told, whole, at = self._told
        now = time.monotonic()
        if stage != stage_told or total != whole or done == total or now - at > _OFTEN:
            self._told = (stage, total, now)
            self._send(event="progress", id=self._id, stage=stage, done=done, total=total)

    def _interrupt(self, signum, frame):
        """Hears the signal that `_stop_now` sends; nothing but the request of this thread is ever interrupted."""
        if not self._interruptible or not self._stop.is_set() or _must_finish(frame):
            return
        self._spent = True
        raise Stopped

    def _tidy(self):
        from graphics_ml.outputs import remove_beside

        if self._job is not None:
            remove_beside(vars(self._job).values(), self._prefix)

    # The thread that reads

    def _read(self):
        for line in _lines(self._requests):
            self._hear(line)
        self._end()

    def _hear(self, line):
        try:
            request = _parsed(line)
        except ValueError as error:
            self._send(event="error", id=None, error="RequestError", message=str(error))
            return
        with self._changed:
            if request["kind"] == "cancel":
                self._cancel(request["id"])
            elif len(self._waiting) >= _WAITING:
                self._send(event="error", id=request["id"], error="RequestError", message="too many requests wait")
            else:
                self._waiting.append(request)
                self._changed.notify_all()

    def _cancel(self, asked):
        for request in [request for request in self._waiting if request["id"] == asked]:
            self._waiting.remove(request)
            self._send(**_STOPPED, id=asked)
        if asked == self._id and not self._stop.is_set():  # else it is done already
            self._stop.set()
            threading.Thread(target=self._stop_now, args=(asked,), daemon=True).start()

    def _stop_now(self, asked):
        time.sleep(_PATIENCE)
        while self._id == asked and self._stop.is_set():
            _wake_main_thread()
            time.sleep(_PATIENCE / 5)

    def _end(self):
        """Blender is gone."""
        with self._changed:
            self._ended = True
            self._waiting.clear()
            if self._id is not None:
                self._cancel(self._id)
            self._changed.notify_all()
            idle = self._changed.wait_for(lambda: self._id is None, _GRACE)
        if not idle:
            self._tidy()
            os._exit(1)

    # Both

    def _send(self, **message):
        line = json.dumps(message, default=_plain).encode() + b"\n"
        try:
            with self._writing:
                while line:
                    line = line[os.write(self._replies, line) :]
        except OSError:  # nobody listens any more; stdin ends too
            self._stop.set()


_STOPPED = {"event": "error", "error": "Stopped", "message": "stopped; nothing half-written is left"}
_KINDS = {"job": _Worker._do_job, "check": _Worker._check, "warm": _Worker._warm}


def _asked_for(request):
    """The job classes that a request names, by name."""
    from graphics_ml.jobs import JOBS, JobError
    from graphics_ml.wording import suggestion

    names = request.get("jobs", list(JOBS))
    if not isinstance(names, list):
        raise JobError("jobs must be a list of their names")
    for name in names:
        if name not in JOBS:
            raise JobError(f"there is no job '{name}'{suggestion(str(name), JOBS)}")
    return {name: JOBS[name] for name in names}


def _lines(descriptor):
    """Lines (bytes) as they come; of one that is too long, only so much that it shows."""
    line = b""
    while piece := _piece(descriptor):
        *whole, rest = (line + piece).split(b"\n")
        yield from whole
        line = rest[: _LONGEST + 1]


def _piece(descriptor):
    # Not a buffered reader: the interpreter could not end while a thread waits in it.
    try:
        return os.read(descriptor, 1 << 16)
    except OSError:
        return b""


def _parsed(line):
    """The request in a line, with an id and a known kind."""
    if len(line) > _LONGEST:
        raise ValueError(f"a request must not be longer than {_LONGEST} bytes")
    try:
        request = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"a request must be a line of JSON ({error})") from None
    if not isinstance(request, dict) or type(request.get("id")) not in (int, str):
        raise ValueError("a request must be an object with an id, a number or a text")
    if request.get("kind") not in (*_KINDS, "cancel"):
        raise ValueError(f"a request's kind must be one of {', '.join(_KINDS)} and cancel")
    return request


def _fault(error):
    """Name and sentence of what went wrong, with the traceback where it is a fault of ours."""
    from graphics_ml.doctor import EXTRAS
    from graphics_ml.errors import GraphicsMLError, MissingExtraError
    from graphics_ml.outputs import disk_was_full

    name = type(error).__name__
    known = {package for packages in EXTRAS.values() for package in packages}
    if isinstance(error, MissingExtraError):
        return {"error": name, "message": _lacking(error.package)}
    if isinstance(error, GraphicsMLError):
        return {"error": name, "message": str(error)}
    if isinstance(error, ModuleNotFoundError) and (package := (error.name or "").split(".")[0]) in known:
        return {"error": "MissingExtraError", "message": _lacking(package)}
    if isinstance(error, MemoryError):
        return {"error": name, "message": "there is not enough memory for it; close other programs or do less at once"}
    if disk_was_full(error):
        return {"error": "OutputError", "message": "the disk is full; make room and run again"}
    said = " ".join(f"{name}: {error}".split())
    whole = "".join(traceback.format_exception(error))
    return {"error": name, "message": f"a fault of graphics_ml ({said})", "traceback": whole}


def _lacking(package):
    """What to say of a package that is not installed; those that come with the same extra and lack too are named."""
    from graphics_ml.doctor import EXTRAS

    together = next((packages for packages in EXTRAS.values() if package in packages), (package,))
    names = [name for name in together if name == package or find_spec(name) is None]
    said = f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} not installed"
    return f"{said} in the Python at {sys.prefix}; set the environment up again or choose another"


def _must_finish(frame):
    """Whether this frame or one above it imports a module, which cannot be done twice, puts an output in its place,
    or writes a message."""
    from graphics_ml import outputs

    while frame is not None:
        file = frame.f_code.co_filename
        if file.startswith("<frozen importlib") or file == outputs.__file__ or frame.f_code is _Worker._send.__code__:
            return True
        frame = frame.f_back
    return False


def _wake_main_thread():
    """Have the main thread run its handler of SIGINT soon, even if it sleeps."""
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
    else:
        import _thread

        _thread.interrupt_main()


def _plain(value):
    """NumPy's numbers as Python's, all else as text."""
    return value.item() if hasattr(value, "item") else str(value)


if __name__ == "__main__":
    main()
