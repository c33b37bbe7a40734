"""The worker as its client sees it: lines in, lines out, one process for many jobs."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from graphics_ml import __version__
from tests.addon_modules import WORKER

LIMIT = 30


class Worker:
    """A worker process, asked and heard line by line."""

    def __init__(self):
        self.process = subprocess.Popen(
            WORKER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
        )
        self.lines = self.process.stdout
        self.hello = self.event()

    def say(self, line: bytes):
        self.process.stdin.write(line + b"\n")

    def ask(self, **request):
        self.say(json.dumps(request).encode())

    def event(self):
        return json.loads(self.lines.readline())

    def until(self, **wanted):
        """The next event with these values."""
        while True:
            event = self.event()
            if all(event.get(key) == value for key, value in wanted.items()):
                return event

    def last(self, id):
        """The event that ends a request."""
        while True:
            event = self.event()
            if event["event"] != "progress":
                assert event["id"] == id
                return event


@pytest.fixture
def worker():
    worker = Worker()
    yield worker
    worker.process.stdin.close()
    try:
        worker.process.wait(LIMIT)
    finally:
        worker.process.kill()
        worker.process.stdout.close()
        worker.process.stderr.close()


def shout(tmp_path, text, name="a"):
    source = tmp_path / f"{name}.txt"
    source.write_text(text)
    return {"source": str(source), "output": str(tmp_path / f"{name}-loud.txt")}


def left_in(folder):
    return {path.name for path in folder.iterdir()}


def test_the_greeting_says_with_whom_one_speaks(worker):
    assert worker.hello["event"] == "hello"
    assert worker.hello["graphics_ml"] == __version__
    assert worker.hello["python"] == ".".join(map(str, sys.version_info[:3]))


def test_jobs_are_done_one_after_the_other_in_one_process(worker, tmp_path):
    for count, name in enumerate("abc"):
        worker.ask(id=count, kind="job", job="shout", settings=shout(tmp_path, "hear me", name))
    for count, name in enumerate("abc"):
        result = worker.last(count)
        output = tmp_path / f"{name}-loud.txt"
        assert result == {
            "event": "result",
            "id": count,
            "outputs": [str(output), f"{output}.job.toml"],
            "notes": ["shouted"],
            "failures": [],
        }
        assert output.read_text() == "HEAR ME!"


def test_what_libraries_print_is_no_message(worker, tmp_path):
    worker.ask(id=1, kind="job", job="shout", settings=shout(tmp_path, "chatter"))
    assert worker.event()["event"] == "result"
    worker.process.stdin.close()
    said = worker.process.stderr.read()
    assert b"a library prints this\n" in said and b"and Blender that\n" in said


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("broken", "MotionFileError", "a.txt, line 1: this is broken; mend it"),
        ("full disk", "OutputError", "the disk is full"),
        ("bug", "KeyError", "a fault of graphics_ml (KeyError: 'hips')"),
    ],
)
def test_a_job_that_fails_says_why_in_one_sentence(worker, tmp_path, text, kind, words):
    worker.ask(id=1, kind="job", job="shout", settings=shout(tmp_path, text))
    error = worker.last(1)
    assert error["event"] == "error" and error["error"] == kind and words in error["message"]
    assert ("traceback" in error) == ("ends" in error) == (text == "bug")
    assert left_in(tmp_path) == {"a.txt"}


@pytest.mark.parametrize(
    ("settings", "words"),
    [({"source": "a"}, "needs the setting 'output'"), ({"sauce": "a"}, "did you mean 'source'"), ([], "an object")],
)
def test_settings_that_are_wrong_are_named(worker, settings, words):
    worker.ask(id=1, kind="job", job="shout", settings=settings)
    error = worker.last(1)
    assert error["error"] == "JobError" and words in error["message"]


@pytest.mark.parametrize(
    ("text", "said"), [("lacks", "torch is not installed"), ("lacks several", "not_here, nor_here are not installed")]
)
def test_packages_that_are_missing_are_named_without_a_traceback(worker, tmp_path, text, said):
    worker.ask(id=1, kind="job", job="shout", settings=shout(tmp_path, text))
    error = worker.last(1)
    assert error["error"] == "MissingExtraError" and error["message"].startswith(said)
    assert "traceback" not in error


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"no json",
        b'{"id": 1, "kind": "job"',
        b"\xff\xfe\x00",
        b"[1]",
        b"7",
        b'{"kind": "job"}',
        b'{"id": null, "kind": "job"}',
        b'{"id": 1, "kind": "dance"}',
        b'{"id": 1, "kind": ["job"]}',
        b"[" * 100_000,
        b'"' + b"x" * (1 << 21) + b'"',
    ],
    ids=lambda line: repr(line[:20]),
)
def test_a_bad_line_is_answered_and_costs_nothing_else(worker, line):
    worker.say(line)
    error = worker.event()
    assert error["event"] == "error" and error["id"] is None and "\n" not in error["message"]
    worker.ask(id=1, kind="warm", jobs=[])
    assert worker.last(1)["event"] == "result"


def test_odd_file_names_come_back_as_they_went(worker):
    odd = ["/tmp/\udcff.bvh", "/tmp/\u2028 ü.bvh", '/tmp/"\\n.bvh']
    worker.ask(id=1, kind="job", job="compare", settings={"files": odd})
    assert worker.last(1)["outputs"] == odd


def test_folders_and_patterns_mean_files_as_on_the_command_line(worker, tmp_path):
    for name in ("a1.bvh", "a2.bvh", "takes/b.bvh"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    worker.ask(id=1, kind="job", job="compare", settings={"files": [str(tmp_path / "a*.bvh"), str(tmp_path / "takes")]})
    assert worker.last(1)["outputs"] == [str(tmp_path / name) for name in ("a1.bvh", "a2.bvh", "takes/b.bvh")]
    worker.ask(id=2, kind="job", job="compare", settings={"files": [str(tmp_path / "c*.bvh")]})
    assert worker.last(2)["message"].endswith("no file is called so; check the pattern")


@pytest.mark.parametrize("manner", ["telling", "silent"])
def test_a_cancelled_job_stops_soon_and_leaves_nothing(worker, tmp_path, manner):
    worker.ask(id=1, kind="job", job="linger", settings={"output": str(tmp_path / "out"), "manner": manner})
    worker.until(event="progress")
    assert left_in(tmp_path)  # half is written
    began = time.monotonic()
    worker.ask(id=1, kind="cancel")
    stopped = worker.last(1)
    assert time.monotonic() - began < (1 if manner == "telling" else 1.5)  # half a second of patience, a busy machine
    assert stopped["error"] == "Stopped" and not left_in(tmp_path)
    # One that had to be interrupted is not used again.
    assert stopped.get("ends", False) == (manner == "silent")
    if manner == "silent":
        assert worker.process.wait(LIMIT) == 0


def test_a_request_that_waits_can_be_cancelled_and_others_go_on(worker, tmp_path):
    slow = {"output": str(tmp_path / "out"), "seconds": 0.5}
    worker.ask(id="slow", kind="job", job="linger", settings=slow)
    worker.ask(id="waits", kind="job", job="linger", settings=slow)
    worker.ask(id="waits", kind="cancel")
    worker.ask(id="unknown", kind="cancel")
    assert worker.until(id="waits")["error"] == "Stopped"
    assert worker.last("slow")["event"] == "result"
    assert left_in(tmp_path) == {"out"}


@pytest.mark.parametrize("manner", ["telling", "silent", "stubborn"])
def test_when_blender_is_gone_the_job_is_stopped_and_nothing_is_left(tmp_path, manner):
    worker = Worker()
    worker.ask(id=1, kind="job", job="linger", settings={"output": str(tmp_path / "out"), "manner": manner})
    worker.until(event="progress")
    for pipe in (worker.process.stdin, worker.process.stdout, worker.process.stderr):
        pipe.close()
    worker.process.wait(5)
    assert not left_in(tmp_path)


def test_progress_is_not_told_more_often_than_it_can_be_looked_at(worker, tmp_path):
    began = time.monotonic()
    worker.ask(id=1, kind="job", job="linger", settings={"output": str(tmp_path / "out"), "seconds": 1.0})
    told = 0
    while worker.event()["event"] == "progress":
        told += 1
    assert 2 < told < 25 * (time.monotonic() - began)


def test_a_check_names_what_each_job_lacks(worker):
    worker.ask(id=1, kind="check", jobs=["convert", "compare"])
    assert worker.last(1) == {"event": "result", "id": 1, "missing": {"convert": [], "compare": []}, "install": None}
    worker.ask(id=2, kind="check", jobs=["lacking"])
    assert worker.last(2)["missing"] == {"lacking": ["no_such_package (not installed)"]}
    worker.ask(id=3, kind="check", jobs=["captur"])
    assert "did you mean 'capture'" in worker.last(3)["message"]


def test_warming_loads_what_a_job_needs(worker):
    worker.ask(id=1, kind="warm", jobs=["convert"])
    stages = []
    while (event := worker.event())["event"] == "progress":
        stages.append(event["stage"])
    assert event == {"event": "result", "id": 1} and stages == ["loading what convert needs"]


@pytest.mark.skipif(not hasattr(signal, "SIGINT") or os.name == "nt", reason="there is no such signal")
def test_ctrl_c_in_blenders_terminal_is_not_meant_for_the_worker(worker, tmp_path):
    worker.ask(id=1, kind="job", job="linger", settings={"output": str(tmp_path / "out"), "seconds": 0.5})
    worker.until(event="progress")
    worker.process.send_signal(signal.SIGINT)
    assert worker.last(1)["event"] == "result"
