# SPDX-License-Identifier: GPL-3.0-or-later
"""The add-on's end of graphics_ml.worker: starts it, sends requests, and turns whatever goes wrong into one sentence.

Nothing here waits: threads read what the worker says, and a modal operator asks on its timer what has arrived. No bpy.

    client = WorkerClient(python_command("/home/me/graphics-ml/bin/python"), log_path)
    request = client.request("job", job="capture", settings={"video": "/films/a.mp4", "output": "/films/a.npz"})
    ...
    request.events()            # each time a timer fires: what has arrived; raises WorkerError, one sentence
    request.finished, request.result["outputs"]

`client.steps(...)` is the same as a generator, which is cancelled by closing it. A request that comes while another is
going on is sent when that has ended. After a crash or a cancel that needed force, the next request starts a new worker;
so it does where the worker has died while nothing was going on, which is nobody's error.
"""

import atexit
import json
import math
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import graphics_ml
from graphics_ml.errors import GraphicsMLError
from graphics_ml.jobs import Job, as_plain, job_name
from graphics_ml.outputs import remove_beside
from graphics_ml.worker import PROTOCOL

START_LIMIT = 60.0
"""Seconds until the worker must have greeted: a cold disk and a virus scanner at the first start are slow."""
STOP_LIMIT = 1.0
"""Seconds that a cancelled request has to stop before its worker is killed."""

_LONGEST = 1 << 22  # bytes of a message
_PIECE = 1 << 16  # bytes that are read at a time
_MOST_GARBAGE = 1 << 20  # bytes that are no messages, until the worker is given up
_MOST_BEFORE_HELLO = 1 << 16  # as that, of a program that has not greeted; Blender prints a few lines there
_LOG_SIZE = 1 << 20  # bytes of the log; one older file is kept beside it
_LEAVE_LIMIT = 2.0  # seconds that the worker has to end by itself
_ANOTHER_PYTHON = "set the environment up again or choose another Python"
_AGAIN = "try again, and if it stays so"
_LESS_MEMORY = "close other programs, or take a shorter or smaller film or motion, and try again"
_NO_MEMORY = -9, 0xC0000017  # exit codes: SIGKILL, and what Windows has for it
_WINDOWS_CRASHES = {
    0xC0000005: "access violation",
    0xC000001D: "this processor lacks an instruction that it uses",
    0xC00000FD: "stack overflow",
    0xC0000017: "out of memory",
    0xC0000135: "a library (.dll) is missing",
    0xC0000409: "it noticed a fault of its own",
}


class WorkerError(GraphicsMLError):
    """The worker, or the request it was at, failed.

    Args:
        message: one sentence.
        kind: class name of the error that the job raised, such as "VideoError"; "WorkerError" where the worker itself
            failed.
        traceback: where it is a fault of graphics_ml.
    """

    def __init__(self, message: str, kind: str = "WorkerError", traceback: str | None = None):
        self.kind, self.traceback = kind, traceback
        super().__init__(message)


def python_command(python: str | Path) -> list[str]:
    """The worker in an environment's Python.

    Isolated (-I): neither PYTHONPATH and PYTHONHOME, which Blender may have set for its own Python, nor packages that
    the user has installed for all Pythons, nor files in the current folder can stand in for the environment's.
    """
    return [str(python), "-I", "-m", "graphics_ml.worker"]


def blender_command(blender: str | Path | None = None) -> list[str]:
    """The worker in Blender's own program without a window, where no environment is needed.

    Args:
        blender: bpy.app.binary_path; where that is empty, because bpy is a module, this Python is meant.
    """
    # Without add-ons, Blender knows nothing of the folder into which it has put the extension's wheels.
    found = [find_spec(name).origin for name in ("graphics_ml", "array_api_compat")]
    folders = list(dict.fromkeys(str(Path(origin).parents[1]) for origin in found))
    code = f"import sys; sys.path[:0] = {folders!r}; from graphics_ml.worker import main; main()"
    if not blender:
        return [sys.executable, "-I", "-c", code]
    options = ["--background", "--factory-startup", "--python-exit-code", "1", "--python-expr", code]
    return [str(blender), *options]


def job_content(job: Job) -> dict:
    """What a request of kind "job" holds of a job; its paths must be absolute."""
    return {"job": job_name(job), "settings": as_plain(job)}


def clean_environment() -> dict[str, str]:
    """This process's environment variables for another Python.

    Without what is meant for Blender's own; and threads that wait for work must not spin, which on few cores slows
    everything else down, Blender first.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "__PYVENV"))}
    return {"OMP_WAIT_POLICY": "passive", **kept}


class WorkerClient:
    """Requests to one worker, which is started with the first.

    Args:
        command: program and arguments, as from python_command or blender_command.
        log_path: file for what the worker prints; its size is bounded.
        env: environment variables to set for it.
        start_limit, stop_limit: as START_LIMIT and STOP_LIMIT, seconds.
    """

    def __init__(
        self,
        command: Sequence[str],
        log_path: str | Path,
        env: dict[str, str] | None = None,
        *,
        start_limit: float = START_LIMIT,
        stop_limit: float = STOP_LIMIT,
    ):
        self.command, self.log = list(command), Log(Path(log_path))
        self._environment = {**clean_environment(), **(env or {})}
        self._start_limit, self._stop_limit = start_limit, stop_limit
        self._lock = threading.RLock()
        self._worker, self._current, self._waiting, self._count, self._closed = None, None, deque(), 0, False
        atexit.register(self.close)

    @property
    def hello(self) -> dict | None:
        """What the worker that runs now said of itself: graphics_ml, python, platform, executable; None before."""
        worker = self._worker
        return worker.hello if worker else None

    def start(self) -> None:
        """Start the worker, so that it is ready when it is needed; what goes wrong is told by the first request."""
        with self._lock, suppress(WorkerError):
            if not self._closed and self._worker is None:
                self._worker = _Worker(self)

    def request(self, kind: str, **content) -> "Request":
        """Send a request, or have it sent when those before it have ended.

        Args:
            kind: "job", "check" or "warm".
            content: as graphics_ml.worker describes; paths must be absolute, as text.

        Raises:
            WorkerError: the client is closed.
        """
        with self._lock:
            if self._closed:
                raise WorkerError("the worker has ended with the add-on; enable the add-on again")
            self._count += 1
            request = Request(self, {"id": self._count, "kind": kind, **content})
            self._waiting.append(request)
            self._go_on()
            return request

    def steps(self, kind: str, **content) -> Generator[tuple[str, int, int] | None, None, dict]:
        """As request, as a generator of how far it is, (stage, done, total), or None where nothing is new; returns the
        result. It never waits. Closing it cancels the request.

        Raises:
            WorkerError: as Request.events, or the client was closed.
        """
        request = self.request(kind, **content)
        try:
            yield "starting", 0, 0
            while not request.finished:
                came = request.events()
                yield came[-1] if came else None
            request.events()
        finally:
            request.cancel()
        if request.stopped:
            raise WorkerError("the worker was stopped")
        return request.result

    def close(self) -> None:
        """End the worker and whatever it is doing, by force if it needs more than two seconds. May be called twice."""
        atexit.unregister(self.close)
        with self._lock:
            self._closed = True
            for request in self._waiting:
                request._end(stopped=True)
            self._waiting.clear()
            worker = self._worker
        if worker is not None:
            worker.leave()
        self.log.close()

    def close_later(self) -> None:
        """As close, without waiting for it."""
        threading.Thread(target=self.close).start()  # Python's end waits for it

    # What follows is called by the threads of _Worker too, with or without the lock.

    def _go_on(self):
        """Send the next request where there is one and the worker is ready for it."""
        with self._lock:
            if self._closed or self._current is not None or not self._waiting:
                return
            if self._worker is None or self._worker.has_died:
                try:
                    self._worker = _Worker(self)
                except WorkerError as error:
                    self._fail_waiting(error)
                    return
            if self._worker.hello is not None:
                self._current = self._waiting.popleft()
                self._worker.send(self._current.message)

    def _cancel(self, request):
        with self._lock:
            if request in self._waiting:
                self._waiting.remove(request)
                request._end(stopped=True)
            elif request is self._current:
                worker = self._worker
                worker.send({"kind": "cancel", "id": request.message["id"]})
                worker.kill_after(self._stop_limit, "", lambda: self._current is not request)

    def _heard(self, worker, event):
        """An event that the worker sent; gives whether it makes sense."""
        with self._lock:
            request = self._current
            if request is None or worker is not self._worker or event.get("id") != request.message["id"]:
                return False
            request._heard = worker.proved = True
            if event["event"] == "progress":
                return request._add(event)
            self._current = None
            if event.get("ends"):
                self._worker = None
                worker.leave(wait=False)
            if event["event"] == "result":
                request._end(result=event)
            elif event.get("error") == "Stopped":
                request._end(stopped=True)
            else:
                message, kind = str(event.get("message")), str(event.get("error"))
                request._end(error=WorkerError(message, kind, event.get("traceback")))
            self._go_on()
            return True

    def _ended(self, worker, sentence):
        """The worker has ended: what was going on, or waited for it to start, has failed."""
        with self._lock:
            if self._worker is not worker:
                return
            failed, self._worker, self._current = self._current, None, None
            if worker.hello is None:
                self._fail_waiting(WorkerError(sentence))
            if failed is not None and not failed.cancelled and not failed._heard and worker.proved:
                # It may have died before the request came, and none the wiser; the new worker has proved nothing yet.
                self._waiting.appendleft(failed)
                failed = None
        if failed is not None:
            remove_beside(failed.message.get("settings", {}).values(), worker.prefix)
            stopped = failed.cancelled or self._closed
            failed._end(stopped=stopped, error=None if stopped else WorkerError(sentence))
        self._go_on()

    def _fail_waiting(self, error):
        for request in self._waiting:
            request._end(error=error)
        self._waiting.clear()


class Request:
    """A request that was made; ask it now and then what has arrived.

    Attributes:
        finished: whether it has ended, in any way.
        stopped: whether it was cancelled before it was done.
        result: what it gave, when it has ended well: outputs, notes and failures of a job, missing and install of a
            check.
    """

    def __init__(self, client: WorkerClient, message: dict):
        self.message, self.cancelled, self.stopped, self.result = message, False, False, None
        self._client, self._error, self._ready, self._heard = client, None, threading.Event(), False
        self._events, self._done = deque(maxlen=1000), threading.Event()

    @property
    def finished(self) -> bool:
        return self._done.is_set()

    def events(self) -> list[tuple[str, int, int]]:
        """How far it has come since this was last asked: (stage, done, total), total 0 where that is not known.

        Raises:
            WorkerError: it failed, in one sentence.
        """
        self._ready.clear()
        came = [self._events.popleft() for _ in range(len(self._events))]
        if self._error is not None:
            raise self._error
        return came

    def wait(self, seconds: float) -> None:
        """Wait until something has arrived, at most so long."""
        self._ready.wait(seconds)

    def cancel(self) -> None:
        """Stop it; does not wait. Nothing happens where it has ended."""
        if not self.finished:
            self.cancelled = True
            self._client._cancel(self)

    def _add(self, event):
        stage, done, total = (event.get(key) for key in ("stage", "done", "total"))
        if not isinstance(stage, str):
            return False
        self._events.append((stage, _whole(done), _whole(total)))
        self._ready.set()
        return True

    def _end(self, *, result=None, stopped=False, error=None):
        self.result, self.stopped, self._error = result, stopped, error
        self._done.set()
        self._ready.set()


class _Worker:
    """One process, and the threads that serve its pipes and wait for its end."""

    proved = False  # it has answered a request

    def __init__(self, client):
        self.client, self.hello, self.prefix, self._reason = client, None, "", ""
        self._since, self._out, self._gone, self._timers = client.log.length, queue.SimpleQueue(), threading.Event(), []
        self._process = _started(client.command, client._environment)
        readers = [_thread(self._read), _thread(self._keep_log)]
        self._threads = [*readers, _thread(self._write), _thread(self._wait, readers)]
        limit = client._start_limit
        late = f"{client.command[0]} did not answer within {limit:g} s; {_AGAIN} {_ANOTHER_PYTHON}"
        self.kill_after(limit, late, lambda: self.hello is not None)

    @property
    def has_died(self):
        return self._process.poll() is not None

    def send(self, message):
        self._out.put(json.dumps(message).encode() + b"\n")

    def leave(self, wait=True):
        """Have it end by itself, which the end of its stdin means, or kill it; `wait` for that."""
        self._out.put(None)
        self.kill_after(_LEAVE_LIMIT, "", lambda: False)
        if wait:
            self._gone.wait(_LEAVE_LIMIT + 2.0)
            # Python must not end in the middle of a thread: what it holds is never freed, and bpy may be among it.
            for thread in (*self._threads, *self._timers):
                thread.join(0.5)

    def kill_after(self, seconds, reason, unless):
        """Kill it then, for this reason, if it lives and `unless()` is false."""

        def now():
            if not self._gone.is_set() and not unless():
                self._kill(reason)

        timer = threading.Timer(seconds, now)
        timer.daemon = True
        self._timers.append(timer)
        timer.start()

    def _kill(self, reason):
        self._reason = self._reason or reason
        kill(self._process)

    def _write(self):
        with suppress(OSError), self._process.stdin as pipe:  # when it has ended, _wait says so
            while (line := self._out.get()) is not None:
                while line:
                    line = line[pipe.write(line) :]

    def _read(self):
        garbage = 0
        for line in lines_of(self._process.stdout, lambda: _LONGEST if self.hello else _MOST_BEFORE_HELLO):
            event = _event(line)
            if event is not None and (self._greeted(event) if self.hello is None else self.client._heard(self, event)):
                continue
            garbage += len(line) + 100  # many short lines are as bad
            self.client.log.write(b"(no message) " + line[:200] + b"\n")
            if garbage > (_MOST_GARBAGE if self.hello else _MOST_BEFORE_HELLO):
                program = self.client.command[0]
                self._kill(f"{program} does not answer as a Python with graphics_ml does; {_ANOTHER_PYTHON}")

    def _greeted(self, event):
        if event["event"] != "hello":
            return False
        protocol, version = event.get("protocol"), event.get("graphics_ml")
        if protocol != PROTOCOL:
            self._kill(
                f"{self.client.command[0]} has graphics_ml {version} (protocol {protocol}), but this add-on needs "
                f"{graphics_ml.__version__} (protocol {PROTOCOL}); set the environment up again"
            )
            return True
        self.prefix, self.hello = str(event.get("temporary") or ""), event
        self.client._go_on()
        return True

    def _keep_log(self):
        with suppress(OSError, ValueError):
            while piece := self._process.stderr.read(_PIECE):
                self.client.log.write(piece)
                if len(piece) == _PIECE:
                    time.sleep(0.01)  # a flood must not keep Blender busy

    def _wait(self, readers):
        code = self._process.wait()
        for reader in readers:
            reader.join(1.0)  # a process that it started may keep its pipes open
        self._out.put(None)
        for timer in self._timers:
            timer.cancel()
        for reader, pipe in zip(readers, (self._process.stdout, self._process.stderr), strict=True):
            if not reader.is_alive():
                pipe.close()
        self.client._ended(self, self._farewell(code))
        self._gone.set()

    def _farewell(self, code):
        """Why it ended, in one sentence."""
        program, log = self.client.command[0], self.client.log
        last = log.last(self._since)
        if self._reason:
            return self._reason
        if self.hello is None and "No module named" in last and "graphics_ml" in last:
            return (
                f"{program} has no graphics_ml, or one that is too old; set the environment up or choose another Python"
            )
        said = f"; the last line of its log, {log.path}, is: {last}" if last else ""
        how = _in_words(code)
        if self.hello is None:
            return f"{program} ended before it was ready: {how}; {_AGAIN} {_ANOTHER_PYTHON}{said}"
        advice = _LESS_MEMORY if code in _NO_MEMORY else f"{_AGAIN} check the environment"
        return f"the process that worked on it ended in the middle: {how}; {advice}{said}"


class Log:
    """What a process prints: the latest in a file, what was before in one beside it (.old), the last lines here.

    Where the file cannot be written the work goes on without.
    """

    def __init__(self, path):
        self.path, self.length = path, 0
        self._tail, self._lock, self._size, self._file = b"", threading.Lock(), 0, None
        self._open()

    def write(self, piece):
        with self._lock:
            self.length += len(piece)
            self._tail = (self._tail + piece)[-_PIECE:]
            if self._file is None:
                return
            if self._size > _LOG_SIZE:
                self._file.close()
                self._open()
            try:
                if self._file is not None:
                    self._size += self._file.write(piece)
            except OSError:  # the disk is full
                self._file = None

    def last(self, since):
        """The last line that says something, of what was written after the first `since` bytes; cut where long."""
        with self._lock:
            tail = self._tail[max(0, since - self.length + len(self._tail)) :]
        said = [line.strip()[:300] for line in tail.decode("utf-8", "replace").splitlines() if line.strip()]
        crashes = [line for line in said if line.startswith("Fatal Python error")]  # a list of calls comes after it
        return (crashes or said or [""])[-1]

    def close(self):
        with self._lock:
            if self._file is not None:
                self._file.close()
            self._file = None

    def _open(self):
        self._size, self._file = 0, None
        with suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
        with suppress(OSError):
            os.replace(self.path, self.path.with_name(self.path.name + ".old"))
        with suppress(OSError):
            self._file = open(self.path, "wb", buffering=0)  # noqa: SIM115  kept open


def _started(command, environment):
    try:
        return spawn(command, environment, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    except FileNotFoundError:
        raise WorkerError(
            f"there is no program {command[0]}; set the environment up or choose another Python"
        ) from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise WorkerError(f"{command[0]} cannot be run ({why}); choose the program of a Python") from None


def _thread(function, *arguments):
    thread = threading.Thread(target=function, args=arguments, daemon=True)
    thread.start()
    return thread


def spawn(command: Sequence[str], environment: dict[str, str], **pipes) -> subprocess.Popen:
    """Start a process on pipes, in a group of its own, without a window.

    Raises:
        OSError, ValueError: it cannot be started.
    """
    return subprocess.Popen(
        command,
        bufsize=0,
        env=environment,
        **{"stdout": subprocess.PIPE, **pipes},
        # Ctrl-C in Blender's terminal is not meant for it, and on Windows it opens no terminal.
        start_new_session=os.name == "posix",
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0) | getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
    )


def kill(process: subprocess.Popen) -> None:
    """End a process of `spawn`, and on POSIX those it started, at once; nothing where it has ended."""
    if process.poll() is None:
        with suppress(OSError):  # it ended just now
            if os.name == "posix":
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()


def lines_of(pipe, longest: Callable[[], int] = lambda: _LONGEST) -> Iterator[bytes]:
    """Lines of a pipe as they come, cut where they are longer than `longest()`, bytes."""
    line = b""
    with suppress(OSError, ValueError):
        while piece := pipe.read(_PIECE):
            *whole, line = (line + piece).split(b"\n")
            yield from whole
            if len(line) > longest():
                yield line
                line = b""
    if line:
        yield line


def _event(line):
    """The event in a line, or None."""
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) and isinstance(event.get("event"), str) else None


def _whole(number):
    return int(number) if isinstance(number, int | float) and math.isfinite(number) else 0


def _in_words(code):
    """What an exit code means."""
    if code in _WINDOWS_CRASHES:
        return f"it crashed ({_WINDOWS_CRASHES[code]})"
    if code >= 0:
        return f"it ended with exit code {code:#x}" if code > 0xFFFF else f"it ended with exit code {code}"
    with suppress(ValueError):
        name = signal.Signals(-code).name
        if name == "SIGKILL":
            return "it was killed (SIGKILL), perhaps because there was not enough memory"
        return f"it crashed or was ended (signal {name})"
    return f"it was ended by signal {-code}"
