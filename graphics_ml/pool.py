"""Processes that share work and may be killed: those of this machine, or a Dask cluster's.

Each process of this machine is a pool of one, so that its death costs the others nothing.
"""

import logging
import os
import re
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager, suppress
from importlib import import_module
from multiprocessing import active_children, connection, get_context

from graphics_ml.errors import GraphicsMLError, MissingExtraError

# Libraries that count with several threads would slow each other down, one per process and core.
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
_AHEAD = 2  # calls that each process has: one that it works on, and one that lies ready
_PATIENCE = 10  # seconds to wait for a scheduler
_EXIT_CODES = (0, 1, 2, 130)
_LOOK = 0.5  # seconds: Windows notices Ctrl-C only between waits
_STOPS = {signal.SIGINT, signal.SIGTERM}  # this process hears them and ends the others
_ADDRESS = re.compile(r"((tcp|tls|ucx|wss?)://)?([^\s/:@\[\]]+|\[[0-9a-fA-F:.]+(%\w+)?\]):[0-9]{1,5}/?|inproc://\S+")


class ClusterError(GraphicsMLError):
    """A Dask cluster cannot be used."""


class ProcessDied(Exception):
    """The process that worked on a call was killed or crashed, twice when nothing else ran."""


def spread(
    workers: "Processes | Cluster", function: Callable, items: Iterable, look: Callable[[], None] = lambda: None
) -> Iterator[tuple]:
    """Call `function(item)` for each item on the workers; gives (item, result) in the order in which they finish.

    No more items are taken than can be worked on, and no result is kept. An item whose process died is tried
    again at the end, when nothing else runs; if its process dies twice then, its result is a ProcessDied. What else
    kept a call from being done, such as a package that a cluster's workers lack, is its result too, as the exception.

    Args:
        look: called now and then while none finishes.

    Raises:
        ClusterError: the cluster went away.
    """
    waiting, busy, suspects, alone, last = iter(items), {}, deque(), False, None
    while True:
        while not alone and len(busy) < workers.capacity:
            try:
                item = next(waiting)
            except StopIteration:
                alone = not busy
                break
            busy[workers.submit(function, item)] = item
        if alone and suspects and not busy:
            item = suspects.popleft()
            busy[workers.submit(function, item)] = item
        if not busy:
            return
        finished, _ = wait(busy, _LOOK, FIRST_COMPLETED)
        if not finished:
            look()
        for future in finished:
            item = busy.pop(future)
            try:
                result = future.result()
            except workers.deaths:
                if item is not last:
                    suspects.appendleft(item)  # where nothing else runs, it is the next
                    last = item if alone else None
                    continue
                result = ProcessDied()
            except CancelledError:
                raise ClusterError("the Dask scheduler went away; start it again") from None
            except Exception as error:
                result = error
            yield item, result


def run_apart(function: Callable[..., int], *arguments) -> int | None:
    """The exit code that a function gives in a process of its own, on the same terminal; None where that crashed.

    Ctrl-C and SIGTERM are left to the function. The process ends with this one, however it ends.
    """
    context = get_context("spawn")
    theirs, ours = context.Pipe(duplex=False)
    process = context.Process(target=_apart, args=(theirs, function, *arguments))
    with ours, theirs:
        with _interrupts_held():
            process.start()
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            process.join()
        except KeyboardInterrupt:  # of SIGTERM
            process.terminate()
            process.join(_PATIENCE)
            if process.exitcode is None:
                raise
        finally:
            signal.signal(signal.SIGINT, before)
    return process.exitcode if process.exitcode in _EXIT_CODES else None


def _apart(lifeline, function, *arguments):
    threading.Thread(target=_end_with, args=(lifeline,), daemon=True).start()
    try:
        if hasattr(signal, "pthread_sigmask"):
            signal.signal(signal.SIGTERM, _stop)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPS)
        code = function(*arguments)
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)


def _stop(heard, frame):
    signal.signal(heard, signal.SIG_IGN)  # a second one must not stop the tidying
    raise KeyboardInterrupt


class Processes:
    """Processes of this machine, spawned, each started when it is first needed and again when it has died.

    What they print goes to stderr. They end with this process, however it ends.

    Args:
        count: how many.
        module: what each of them imports at its start.
        fresh: whether each call has a process of its own, for what does not give all memory back.
    """

    deaths = BrokenExecutor

    def __init__(self, count: int, module: str = __name__, fresh: bool = False):
        self.capacity = count if fresh else _AHEAD * count
        self._count, self._module, self._fresh, self._processes, self._calls = count, module, fresh, [], {}

    def start(self) -> None:
        """Start all of them, so that they are ready when there are calls."""
        while len(self._processes) < self._count:
            self._begun().submit(os.getpid)

    def submit(self, function: Callable, *arguments) -> Future:
        """Start a call; no more than `capacity` may run at a time."""
        for future in [future for future in self._calls if future.done()]:
            process = self._calls.pop(future)
            if self._fresh or isinstance(future.exception(), BrokenExecutor):
                self._end(process)
        calls = list(self._calls.values())
        process = min(self._processes, key=calls.count, default=None)
        if process is None or (calls.count(process) and len(self._processes) < self._count):
            process = self._begun()
        try:
            future = process.submit(function, *arguments)
        except BrokenExecutor:  # it died just now
            self._end(process)
            process = self._begun()
            future = process.submit(function, *arguments)
        self._calls[future] = process
        return future

    def end(self) -> None:
        """End all processes at once, whatever they do."""
        for process in list(self._processes):
            self._end(process)

    def _begun(self):
        self._processes.append(_Process(self._module))
        return self._processes[-1]

    def _end(self, process):
        if process in self._processes:
            self._processes.remove(process)
            process.end()


class _Process:
    """A pool of one process, which ends when its pipe to this one is closed, if only by this one's end."""

    def __init__(self, module):
        context = get_context("spawn")
        theirs, self._ours = context.Pipe(duplex=False)
        self._pool = ProcessPoolExecutor(1, context, _begin, (theirs, module))
        self._theirs, self._process = theirs, None

    def submit(self, function, *arguments):
        if self._process is not None:
            return self._pool.submit(function, *arguments)
        with _interrupts_held():
            others = set(active_children())
            future = self._pool.submit(function, *arguments)
            (self._process,) = set(active_children()) - others
        return future

    def end(self):
        if self._process is not None:  # it could be started
            self._process.kill()  # in the midst of an operator of Blender it would not hear of its pipe
        self._ours.close()
        self._theirs.close()
        self._pool.shutdown(cancel_futures=True)


def _begin(lifeline, module):
    """The first call in a new process."""
    # Where Blender is loaded its own scripts are on the path that is passed on, and hide the module to load it by.
    sys.path[:] = [place for place in sys.path if not os.path.isfile(os.path.join(place, "bpy", "__init__.py"))]
    for one in _STOPS:
        signal.signal(one, signal.SIG_IGN)
    for name in _THREADS:
        os.environ.setdefault(name, "1")
    os.dup2(2, 1)  # our stdout is for results; Blender and others print to it
    sys.stdout.reconfigure(line_buffering=True)
    threading.Thread(target=_end_with, args=(lifeline,), daemon=True).start()
    with suppress(ImportError):  # the call that needs it says so
        import_module(module)


def _end_with(lifeline):
    connection.wait([lifeline])
    os._exit(1)


@contextmanager
def _interrupts_held():
    """Ctrl-C reaches all processes of a terminal, and SIGTERM may. One started here never hears either; this one hears
    it afterwards."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Cluster:
    """The workers of a Dask cluster, each of one thread, because Blender allows no second one in its process.

    Args:
        address: of the scheduler, such as tcp://host:8786.

    Raises:
        MissingExtraError: distributed is not installed.
        ClusterError: this is no address, there is no scheduler, it has no workers, or they have several threads.
    """

    def __init__(self, address: str):
        if not _ADDRESS.fullmatch(address):
            raise ClusterError(f"'{address}' is no address of a Dask scheduler; give one such as tcp://host:8786")
        try:
            from distributed import Client, KilledWorker
        except ModuleNotFoundError as missing:
            raise MissingExtraError(missing.name, "cluster") from None
        self.deaths = KilledWorker
        logging.getLogger("distributed").setLevel(logging.CRITICAL)  # it shows tracebacks for what is said here
        self._client = Client.__new__(Client)
        try:
            self._client.__init__(address, timeout=_PATIENCE, set_as_default=False)
        except (OSError, ValueError, RuntimeError, TypeError) as error:
            self._client.status = "closed"  # else, when it goes, it waits for a scheduler and shows a traceback
            raise ClusterError(f"there is no Dask scheduler at {address} ({_first_line(error)})") from None
        threads = [one["nthreads"] for one in self._client.scheduler_info(n_workers=-1)["workers"].values()]
        if not threads:
            self.end()
            raise ClusterError(f"{address} has no workers; start some: dask worker {address} --nthreads 1")
        if max(threads) > 1:
            self.end()
            raise ClusterError(f"workers of {address} have {max(threads)} threads; start them with --nthreads 1")
        self._executor = self._client.get_executor(pure=False)
        self.capacity = _AHEAD * len(threads)

    def submit(self, function: Callable, *arguments) -> Future:
        """Start a call."""
        return self._executor.submit(function, *arguments)

    def end(self) -> None:
        """Leave the cluster; calls that have not begun are dropped."""
        self._client.close(timeout=_PATIENCE)


def _first_line(error):
    return (str(error) or type(error).__name__).splitlines()[0]
