"""Work spread over processes that may be killed."""

import gc
import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import BrokenExecutor, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from pickle import PicklingError

import pytest

from graphics_ml.pool import Cluster, ClusterError, ProcessDied, Processes, run_apart, spread

KILL = getattr(signal, "SIGKILL", signal.SIGTERM)


def double(number, deadly=(), once=None):
    if number in deadly and not (once and Path(once).exists()):
        if once:
            Path(once).touch()
        os.kill(os.getpid(), KILL)
    return 2 * number


def process_of(number):
    return os.getpid()


def speak(number):
    print("printed")
    os.write(1, b"written\n")


def wait(seconds):
    time.sleep(seconds)


@pytest.fixture
def two():
    workers = Processes(2)
    yield workers
    workers.end()


class Threads:
    capacity, deaths = 3, BrokenExecutor

    def __init__(self):
        self.submit = ThreadPoolExecutor(3).submit


def test_items_are_taken_only_as_they_can_be_worked_on_and_all_come_back():
    taken, back = [], []
    for item, result in spread(Threads(), double, (taken.append(n) or n for n in range(500))):
        back.append((item, result))
        assert len(taken) <= len(back) + 5  # 3 in work, and those that finished with this one
    assert sorted(back) == [(n, 2 * n) for n in range(500)]


def test_only_what_kills_its_process_alone_too_is_lost(two, tmp_path):
    once = partial(double, deadly={4}, once=tmp_path / "died")
    assert dict(spread(two, once, range(9))) == {n: 2 * n for n in range(9)} and (tmp_path / "died").exists()
    results = dict(spread(two, partial(double, deadly={2, 5}), range(9)))
    assert {n for n, result in results.items() if isinstance(result, ProcessDied)} == {2, 5}
    assert all(results[n] == 2 * n for n in set(range(9)) - {2, 5})


def test_what_cannot_be_called_is_told_for_each(two):
    class Unknown:  # a process cannot be sent what no module holds
        pass

    (result,) = dict(spread(two, double, [Unknown()])).values()
    assert isinstance(result, AttributeError | PicklingError) and not isinstance(result, ProcessDied)


def test_processes_are_kept_and_one_that_dies_while_idle_is_replaced(two):
    first = {process for _, process in spread(two, process_of, range(20))}
    assert len(first) <= 2 and os.getpid() not in first
    os.kill(min(first), KILL)
    second = {process for _, process in spread(two, process_of, range(20))}
    assert min(first) not in second and len(second) <= 2


def test_what_a_process_prints_goes_to_stderr(two, capfd):
    assert dict(spread(two, speak, [1])) == {1: None}
    two.end()
    told = capfd.readouterr()
    assert told.out == "" and told.err.split() == ["printed", "written"]


def test_processes_end_at_once_when_told(two):
    calls = spread(two, wait, [0, 60, 60])
    next(calls)
    started = time.monotonic()
    two.end()
    assert time.monotonic() - started < 5


@pytest.mark.skipif(sys.platform == "win32", reason="looks for processes as POSIX does")
def test_processes_end_with_the_one_that_started_them():
    code = (
        "from graphics_ml.pool import Processes\n"
        "from tests.test_pool import process_of, wait\n"
        "workers = Processes(1)\n"
        "print(workers.submit(process_of, 0).result(), flush=True)\n"
        "workers.submit(wait, 60).result()\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    child = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    for _ in range(100):
        try:
            os.kill(child, 0)
        except ProcessLookupError:
            return
        if Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
            return  # ended; only nobody has asked for its exit code
        time.sleep(0.1)
    os.kill(child, KILL)
    pytest.fail("the process outlived its parent")


def say_and_give(code):
    print("said")
    return code


def test_a_call_apart_gives_its_exit_code_and_none_where_it_crashed(capfd):
    assert run_apart(say_and_give, 2) == 2
    assert capfd.readouterr().out.split() == ["said"]
    assert run_apart(double, 1, (1,)) is None


@pytest.mark.skipif(sys.platform == "win32", reason="sends Ctrl-C as POSIX terminals do")
def test_ctrl_c_ends_the_call_apart_and_the_caller_goes_on():
    code = (
        "from graphics_ml.pool import run_apart\n"
        "from tests.test_pool import say_and_wait\n"
        "print(run_apart(say_and_wait, 60), flush=True)\n"
    )
    words = [sys.executable, "-c", code]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, start_new_session=True) as caller:
        assert caller.stdout.readline() == "waiting\n"
        os.killpg(caller.pid, signal.SIGINT)
        assert caller.stdout.read() == "130\n"


def say_and_wait(seconds):
    print("waiting", flush=True)
    time.sleep(seconds)


def local_cluster(workers, threads, processes):
    distributed = pytest.importorskip("distributed")
    return distributed.LocalCluster(
        n_workers=workers, threads_per_worker=threads, processes=processes, dashboard_address=None
    )


@pytest.mark.parametrize(
    "address", ["foo", "tcp://", "tcp://host", "tcp://:8786", "http://host:8786", "tcp://host:port", "tcp://[::1:9", ""]
)
def test_what_is_no_address_is_told_without_waiting_for_a_scheduler(address):
    started = time.monotonic()
    with pytest.raises(
        ClusterError, match=f"'{re.escape(address)}' is no address of a Dask scheduler; give one such as"
    ):
        Cluster(address)
    assert time.monotonic() - started < 1


@pytest.mark.parametrize("address", ["127.0.0.1:9", "tcp://[::1]:9", "tls://127.0.0.1:9", "inproc://1/2/3"])
def test_a_scheduler_that_cannot_be_reached_is_one_sentence_and_no_traceback_later(address, monkeypatch, capfd):
    pytest.importorskip("distributed")
    monkeypatch.setattr("graphics_ml.pool._PATIENCE", 0.2)
    with pytest.raises(ClusterError, match="there is no Dask scheduler at"):
        Cluster(address)
    gc.collect()
    assert capfd.readouterr().err == ""


def test_a_cluster_that_cannot_be_used_is_one_sentence(monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr("graphics_ml.pool._PATIENCE", 1)
    with pytest.raises(ClusterError, match=r"there is no Dask scheduler at tcp://127\.0\.0\.1:9"):
        Cluster("tcp://127.0.0.1:9")
    with local_cluster(0, 1, False) as cluster, pytest.raises(ClusterError, match="has no workers; start some: dask"):
        Cluster(cluster.scheduler_address)
    with local_cluster(1, 2, False) as cluster, pytest.raises(ClusterError, match=r"2 threads; .* --nthreads 1"):
        Cluster(cluster.scheduler_address)
