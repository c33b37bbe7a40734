"""Small jobs for the tests of what runs jobs; worker processes import them by name."""

import errno
import os
import signal
import sys
import time
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from graphics_ml import cli, doctor, jobs
from graphics_ml.errors import MotionFileError
from graphics_ml.jobs import FileJob, Job, Outcome, setting
from graphics_ml.outputs import ensure_apart, replacing, write_bytes
from graphics_ml.provenance import record, write_record


@dataclass(frozen=True, kw_only=True)
class Shout(FileJob):
    """Write a text in capitals; the text may order a fault."""

    task: ClassVar[str] = "tests.example_jobs:shout"

    mark: str = setting("what to put at the end", "!")
    song: Path | None = setting("text to put before each", None)
    pause: float = setting("how long to think about it", 0.0, min=0, unit="s")


@dataclass(frozen=True, kw_only=True)
class Compare(Job):
    """Say which files are there."""

    task: ClassVar[str] = "tests.example_jobs:compare"

    files: tuple[Path, ...] = setting("files to compare", positional=True)
    against: tuple[Path, ...] = setting("files to compare with", ())
    most: int | None = setting("how many at most", None, min=1)


@dataclass(frozen=True, kw_only=True)
class Linger(Job):
    """Take a while over an output of which half is written at once."""

    task: ClassVar[str] = "tests.example_jobs:linger"

    output: Path = setting("file to write")
    manner: Literal["telling", "silent", "stubborn", "deaf"] = setting(
        "telling: says how far it is; silent: does not; stubborn: nor heeds Ctrl-C; deaf: nor lets other threads run",
        "telling",
    )
    seconds: float = setting("how long", 60.0, min=0, unit="s")


@dataclass(frozen=True)
class Lacking(Job):
    """Need what is nowhere."""

    needs: ClassVar[tuple[str, ...]] = ("nowhere",)


EXAMPLES = {"shout": Shout, "compare": Compare, "linger": Linger, "lacking": Lacking}


def known():
    """Make the examples jobs like any other, in this process."""
    jobs.JOBS.update(EXAMPLES)
    doctor.EXTRAS["nowhere"] = {"no_such_package": "no-such-package"}


def main():
    """The command line, with the examples as further commands."""
    known()
    cli.COMMANDS.update(EXAMPLES)
    sys.exit(cli.main())


def shout(job, progress):
    known()
    ensure_apart({"the output": job.output}, [job.source])
    text = job.source.read_text()
    made_by = record(job, [job.source])
    if text.startswith("chatter"):
        print("a library prints this")
        os.write(1, b"and Blender that\n")
    time.sleep(job.pause)
    if text.startswith("broken"):
        raise MotionFileError(job.source, 1, "this is broken; mend it")
    if text.startswith("bug"):
        raise KeyError("hips")
    if text.startswith("lacks several"):
        doctor.EXTRAS["apart"] = {"not_here": "not-here", "json": "json", "nor_here": "nor-here"}
        raise ModuleNotFoundError("No module named 'nor_here'", name="nor_here")
    if text.startswith("lacks"):
        raise ModuleNotFoundError("No module named 'torch.nn'", name="torch.nn")
    if text.startswith("full disk"):
        with replacing(job.output) as place:
            place.write_text("half")
            raise OSError(errno.ENOSPC, "No space left on device")
    once = job.source.with_suffix(".died")
    if text.startswith("die always") or (text.startswith("die") and not once.exists()):
        once.touch()
        os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
    song = job.song.read_text() if job.song else ""
    write_bytes(job.output, (song + text.upper() + job.mark).encode())
    notes = ("shouted", "it chatters") if text.startswith("chatter") else ("shouted",)
    return Outcome((job.output, write_record(job.output, made_by)), notes)


def linger(job, progress):
    with replacing(job.output) as place:
        place.write_text("half")
        progress("lingering", 0, 100)
        began = time.monotonic()
        while (passed := time.monotonic() - began) < job.seconds:
            if job.manner == "deaf":
                sum(range(10**12))
            if job.manner == "telling":
                progress("lingering", int(100 * passed / job.seconds), 100)
            with suppress(KeyboardInterrupt) if job.manner == "stubborn" else nullcontext():
                time.sleep(0.01)
        place.write_text("whole")
    return Outcome((job.output,))


def compare(job, progress):
    return Outcome(job.files + job.against)
