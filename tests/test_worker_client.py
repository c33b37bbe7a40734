"""The add-on's client against real processes: workers, programs that are none, and workers that come to harm."""

import os
import signal
import subprocess
import sys
import time
from importlib.util import find_spec

import pytest

from graphics_ml import __version__
from graphics_ml.jobs import Convert
from tests.addon_modules import WORKER, addon_module

worker_client = addon_module("worker_client")
WorkerError = worker_client.WorkerError

LIMIT = 30
HELLO = '{"event": "hello", "protocol": 1, "graphics_ml": "9", "temporary": ".x-"}'


def program(code):
    """A process in a worker's place, which says what it likes."""
    return [sys.executable, "-c", f"import sys, os, time\n{code}"]


@pytest.fixture
def make(tmp_path):
    made = []

    def client(command=WORKER, **options):
        made.append(worker_client.WorkerClient(command, tmp_path / "logs" / "worker.log", **options))
        return made[-1]

    yield client
    for one in made:
        began = time.monotonic()
        one.close()
        assert time.monotonic() - began < 5


@pytest.fixture
def client(make):
    return make()


def finished(request):
    """The request when it has ended; what it says of its progress stays unread."""
    began = time.monotonic()
    while not request.finished:
        assert time.monotonic() - began < LIMIT
        request.wait(0.1)
    return request


def sentence(request):
    """What a request says of its failure."""
    with pytest.raises(WorkerError) as caught:
        finished(request).events()
    said = str(caught.value)
    assert "\n" not in said and len(said) < 1000
    return said


def lingering(client, tmp_path, manner="telling", seconds=60.0):
    """A job that has begun and has written half."""
    settings = {"output": str(tmp_path / "out"), "manner": manner, "seconds": seconds}
    request = client.request("job", job="linger", settings=settings)
    while not request.events():
        request.wait(LIMIT)
    return request


def outputs(folder):
    return {path.name for path in folder.iterdir()} - {"logs"}


def pid(client):
    return client._worker._process.pid


def test_a_request_is_asked_and_never_waited_for(client, tmp_path):
    began = time.monotonic()
    request = client.request("job", job="linger", settings={"output": str(tmp_path / "out"), "seconds": 0.3})
    assert request.events() == [] and time.monotonic() - began < 0.3
    seen = []
    while not request.finished:
        request.wait(0.05)
        seen += request.events()
    assert request.result["outputs"] == [str(tmp_path / "out")] and not request.stopped
    assert {stage for stage, _, _ in seen} == {"lingering"}
    assert [done for _, done, _ in seen] == sorted(done for _, done, _ in seen)
    assert client.hello["graphics_ml"] == __version__


def test_steps_give_progress_and_at_last_the_result(client, tmp_path):
    steps = client.steps("job", job="linger", settings={"output": str(tmp_path / "out"), "seconds": 0.3})
    seen = []
    with pytest.raises(StopIteration) as ended:
        while True:
            seen.append(next(steps))
            time.sleep(0.01)
    seen = [step for step in seen if step is not None]
    assert ended.value.value["outputs"] == [str(tmp_path / "out")]
    assert seen[0] == ("starting", 0, 0) and seen[-1][0] == "lingering"


def test_closing_the_steps_stops_the_job(client, tmp_path):
    steps = client.steps("job", job="linger", settings={"output": str(tmp_path / "out")})
    while (next(steps) or ("",))[0] != "lingering":
        time.sleep(0.01)
    steps.close()
    assert finished(client.request("warm", jobs=[])).result is not None
    assert outputs(tmp_path) == set()


def test_a_job_of_the_panel_is_the_job_of_the_worker(client, tmp_path):
    job = Convert(source=tmp_path / "no such.bvh", output=tmp_path / "a.npz")
    assert "no such.bvh" in sentence(client.request("job", **worker_client.job_content(job)))


def test_what_a_job_raises_comes_with_its_kind(client, tmp_path):
    source = tmp_path / "a.txt"
    for text, kind, traceback in (("broken", "MotionFileError", False), ("bug", "KeyError", True)):
        source.write_text(text)
        settings = {"source": str(source), "output": str(tmp_path / "b.txt")}
        with pytest.raises(WorkerError) as caught:
            finished(client.request("job", job="shout", settings=settings)).events()
        assert caught.value.kind == kind and bool(caught.value.traceback) == traceback


def test_a_full_disk_is_one_sentence_and_blender_goes_on(client, tmp_path):
    (tmp_path / "a.txt").write_text("full disk")
    settings = {"source": str(tmp_path / "a.txt"), "output": str(tmp_path / "b.txt")}
    assert "the disk is full" in sentence(client.request("job", job="shout", settings=settings))
    assert outputs(tmp_path) == {"a.txt"}
    assert finished(client.request("warm", jobs=[])).result is not None


@pytest.mark.skipif(find_spec("mediapipe") is None, reason="mediapipe is not installed")
def test_a_second_capture_starts_three_times_faster_than_the_first(client, tmp_path, test_data):
    settings = {"video": str(test_data / "video" / "treadmill_a.mp4"), "output": str(tmp_path / "a.npz")}
    seconds = []
    for _ in range(2):
        began = time.monotonic()
        request = client.request("job", job="capture", settings=settings)
        while not request.events():
            request.wait(LIMIT)
        seconds.append(time.monotonic() - began)
        request.cancel()
        finished(request)
    assert seconds[0] > 3 * seconds[1]


@pytest.mark.parametrize("manner", ["telling", "silent", "deaf"])
def test_a_cancelled_job_has_stopped_after_a_second_whatever_it_does(client, tmp_path, manner):
    request, process = lingering(client, tmp_path, manner), pid(client)
    began = time.monotonic()
    request.cancel()
    assert time.monotonic() - began < 0.5
    finished(request)
    assert time.monotonic() - began < 1.5  # the second, and the process's end on a busy machine
    assert request.stopped and request.events() == [] and request.result is None
    assert outputs(tmp_path) == set()
    after = lingering(client, tmp_path, seconds=0.1)
    assert finished(after).result["outputs"] == [str(tmp_path / "out")]
    assert (pid(client) == process) == (manner == "telling")


def test_requests_wait_for_each_other_and_one_that_waits_can_be_cancelled(client, tmp_path):
    first = lingering(client, tmp_path, seconds=0.5)
    second, third = (client.request("warm", jobs=[]) for _ in range(2))
    second.cancel()
    assert second.stopped and not first.finished
    assert finished(third).result is not None and first.finished


def test_what_waited_behind_a_worker_that_had_to_be_killed_is_done_by_the_next(client, tmp_path):
    first = lingering(client, tmp_path, "deaf")
    second = client.request("warm", jobs=[])
    first.cancel()
    assert finished(second).result is not None and first.stopped


@pytest.mark.skipif(os.name == "nt", reason="there are no such signals")
@pytest.mark.parametrize(
    ("number", "words"), [("SIGKILL", "memory; close other programs"), ("SIGSEGV", "signal SIGSEGV); try again")]
)
def test_a_worker_that_is_killed_or_crashes_costs_its_request_alone(client, tmp_path, number, words):
    request, process = lingering(client, tmp_path), pid(client)
    os.kill(process, getattr(signal, number))
    assert words in sentence(request)
    assert outputs(tmp_path) == set()
    with pytest.raises(ProcessLookupError):  # it was reaped
        os.kill(process, 0)
    assert finished(client.request("warm", jobs=[])).result is not None


@pytest.mark.skipif(os.name == "nt", reason="there is no such signal")
@pytest.mark.parametrize("pause", [0.0, 0.3], ids=["just now", "a while ago"])
def test_a_worker_that_died_with_nothing_going_on_is_replaced_silently(client, tmp_path, pause):
    finished(client.request("warm", jobs=[]))
    process = pid(client)
    os.kill(process, signal.SIGKILL)
    time.sleep(pause)
    assert finished(client.request("warm", jobs=[])).events() == []
    assert pid(client) != process


@pytest.mark.skipif(os.name == "nt", reason="POSIX")
def test_a_worker_whose_pipes_another_process_holds_open_is_known_to_be_dead(make, tmp_path):
    """Until its pipes are given up, which takes seconds, the client has not heard of its end."""
    once = tmp_path / "once"
    code = (
        f"import subprocess; print({HELLO!r}, flush=True); input(); first = not os.path.exists({str(once)!r})\n"
        f"open({str(once)!r}, 'w').close()\n"
        "if first: subprocess.Popen(['sleep', '5'])\n"
        'print(\'{"event": "result", "id": %d}\' % (1 if first else 2), flush=True)\n'
        "if not first: input()"
    )
    client = make(program(code))
    finished(client.request("warm"))
    while client._worker._process.poll() is None:
        time.sleep(0.01)
    began = time.monotonic()
    assert finished(client.request("warm")).result["id"] == 2
    assert time.monotonic() - began < 1.5


def test_a_request_that_two_workers_die_of_is_given_up(make, tmp_path):
    code = (
        f"print({HELLO!r}, flush=True); number = __import__('json').loads(input())['id']\n"
        'if number == 1: print(\'{"event": "result", "id": 1}\', flush=True); input()\n'
        f"open({str(tmp_path / 'deaths')!r}, 'a').write('x'); sys.exit(7)"
    )
    client = make(program(code))
    finished(client.request("warm"))
    assert "exit code 7" in sentence(client.request("warm"))
    assert (tmp_path / "deaths").read_text() == "xx"


def test_the_last_line_of_the_log_is_in_the_sentence(make, tmp_path):
    code = f"print({HELLO!r}, flush=True); input(); print('the reason', file=sys.stderr); sys.exit(3)"
    said = sentence(make(program(code)).request("warm"))
    assert "exit code 3" in said and said.endswith("worker.log, is: the reason")
    assert "the reason" in (tmp_path / "logs" / "worker.log").read_text()


def test_a_python_without_graphics_ml_is_named(make):
    said = sentence(make([sys.executable, "-I", "-S", "-m", "graphics_ml.worker"]).request("check"))
    assert said.startswith(f"{sys.executable} has no graphics_ml")


def test_the_command_keeps_blenders_python_out_of_the_environments(make, tmp_path):
    (tmp_path / "graphics_ml.py").write_text("raise SystemExit('this is not it')")
    command = worker_client.python_command(sys.executable)
    for name in ("PYTHONPATH", "PYTHONHOME"):
        client = make([command[0], "-I", "-c", WORKER[2]], env={name: str(tmp_path)})
        assert finished(client.request("warm", jobs=[])).result is not None
    assert command[1:] == ["-I", "-m", "graphics_ml.worker"]


def test_variables_for_blenders_python_go_to_no_other(monkeypatch):
    monkeypatch.setenv("PYTHONHOME", "/blender")
    monkeypatch.setenv("PYTHONPATH", "/blender")
    monkeypatch.setenv("KEPT", "yes")
    environment = worker_client.clean_environment()
    assert not [name for name in environment if name.startswith("PYTHON")]
    assert environment["KEPT"] == "yes" and environment["OMP_WAIT_POLICY"] == "passive"


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["/no/such/python"], "there is no program /no/such/python"),
        ([os.path.dirname(__file__)], "cannot be run"),
        ([__file__], "cannot be run"),
        (["a\0b"], "cannot be run"),
    ],
    ids=["missing", "folder", "text", "no path"],
)
def test_what_is_no_program_is_named_and_can_be_tried_again(make, command, words):
    client = make(command)
    client.start()
    for _ in range(2):
        assert words in sentence(client.request("check"))


def test_a_program_that_does_not_answer_is_given_up(make):
    began = time.monotonic()
    said = sentence(make(program("time.sleep(60)"), start_limit=0.5).request("check"))
    assert "did not answer within 0.5 s; try again" in said and time.monotonic() - began < 5


@pytest.mark.parametrize("end", ["", "\\n"])
def test_a_program_that_sends_other_bytes_than_a_worker_is_given_up_at_once(make, end):
    code = f"os.write(1, b'\\xff' * 70000 + b'{end}'); time.sleep(60)"
    began = time.monotonic()
    assert "does not answer as a Python with graphics_ml does; set" in sentence(make(program(code)).request("check"))
    assert time.monotonic() - began < 5


def test_a_long_message_right_behind_the_greeting_is_read(make):
    code = (
        f"os.write(1, b'{HELLO}\\n' + b'x' * 200000); input()\n"
        'print(\'\\n{"event": "result", "id": 1, "outputs": []}\', flush=True); input()'
    )
    assert finished(make(program(code)).request("warm")).result["outputs"] == []


def test_another_protocol_is_told_with_both_versions(make):
    code = 'print(\'{"event": "hello", "protocol": 99, "graphics_ml": "7.7"}\', flush=True); input()'
    said = sentence(make(program(code)).request("check"))
    assert "7.7 (protocol 99)" in said and f"{__version__} (protocol 1)" in said


def test_lines_that_are_no_messages_are_logged_and_skipped(make, tmp_path):
    code = (
        "print('Blender 4.2.23')\n"
        f"print({HELLO!r}, flush=True); input()\n"
        'os.write(1, b\'\\xff\\x00 garbage\\n[1]\\n{"event": 7}\\n{"event": "progress", "id": 1}\\n\')\n'
        'print(\'{"event": "progress", "id": 1, "stage": "s", "done": NaN, "total": 1e999}\')\n'
        'print(\'{"event": "result", "id": 99}\')\n'
        'print(\'{"event": "result", "id": 1, "outputs": ["\\\\udcff"]}\', flush=True); input()'
    )
    request = finished(make(program(code)).request("warm"))
    assert request.events() == [("s", 0, 0)]
    assert request.result["outputs"] == ["\udcff"]
    log = (tmp_path / "logs" / "worker.log").read_bytes()
    assert log.count(b"(no message)") == 6 and b"Blender 4.2.23" in log


@pytest.mark.parametrize("piece", ["b'\\xff' * 65536", "b'\\n' * 65536", "b'[' * 65535 + b'\\n'"])
def test_a_flood_of_garbage_is_given_up_and_fills_neither_memory_nor_disk(make, tmp_path, piece):
    code = f"print({HELLO!r}, flush=True)\nwhile True: os.write(1, {piece}); os.write(2, {piece})"
    assert "does not answer as a Python with graphics_ml" in sentence(make(program(code)).request("warm"))
    assert sum(path.stat().st_size for path in (tmp_path / "logs").iterdir()) < 4 << 20


@pytest.mark.skipif(os.name == "nt", reason="POSIX")
def test_a_process_that_the_worker_left_behind_holds_nothing_up(make):
    code = f"import subprocess; print({HELLO!r}, flush=True); input(); subprocess.Popen(['sleep', '5']); os._exit(5)"
    began = time.monotonic()
    assert "exit code 5" in sentence(make(program(code)).request("warm"))
    assert time.monotonic() - began < 4.5


def test_a_worker_that_closes_its_ears_is_noticed_by_its_end(make):
    code = f"os.close(0); print({HELLO!r}, flush=True); time.sleep(0.5)"
    assert "exit code 0" in sentence(make(program(code)).request("warm"))


def test_closing_stops_what_is_going_on_and_leaves_nothing(make, tmp_path):
    client = make()
    request, process = lingering(client, tmp_path), client._worker._process
    waiting = client.request("warm", jobs=[])
    client.close()
    assert request.stopped and waiting.stopped and process.returncode is not None
    assert outputs(tmp_path) == set()
    with pytest.raises(WorkerError, match="ended with the add-on"):
        client.request("warm")


def test_when_blender_ends_the_worker_does_too(tmp_path):
    code = (
        "import sys, time; sys.path.insert(0, sys.argv[1])\n"
        "from tests.addon_modules import WORKER, addon_module\n"
        "client = addon_module('worker_client').WorkerClient(WORKER, sys.argv[2] + '/logs/log')\n"
        "request = client.request('job', job='linger', settings={'output': sys.argv[2] + '/out'})\n"
        "while not request.events(): time.sleep(0.01)\n"
        "print(client._worker._process.pid, flush=True)\n"
        "exec(sys.argv[3])"
    )
    root = str(worker_client.__file__).rsplit(os.sep, 2)[0]
    for end in ("pass", "import os; os._exit(1)"):
        command = [sys.executable, "-c", code, root, str(tmp_path), end]
        process = int(subprocess.run(command, stdout=subprocess.PIPE, check=end == "pass", timeout=LIMIT).stdout)
        deadline = time.monotonic() + 5
        while _alive(process) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not _alive(process)
        assert outputs(tmp_path) == set()


def _alive(process):
    """Whether a process runs; one whose parent died before it may stay as a name alone where nobody collects it."""
    try:
        with open(f"/proc/{process}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_a_log_that_cannot_be_written_costs_nothing_else(tmp_path):
    (tmp_path / "file").write_text("")
    client = worker_client.WorkerClient(WORKER, tmp_path / "file" / "worker.log")
    assert finished(client.request("warm", jobs=[])).result is not None
    client.close()
