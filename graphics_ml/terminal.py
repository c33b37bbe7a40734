"""Jobs on a terminal: how far they are, what failed, and what there was to know."""

import os
import sys
import time
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path

from graphics_ml.batch import is_of_many, jobs_of, keeping_extension
from graphics_ml.jobs import Batch, FileJob, Job, JobError
from graphics_ml.manifest import NAME
from graphics_ml.run import processes_for, run, run_many

_MOST_NOTES = 5
_BLENDERS_OWN = (".blend", ".usd", ".usda", ".usdc", ".usdz")  # of the others Python reads the bytes
_EVERY = 5.0  # seconds between plain lines


def run_in_terminal(job: Job | Batch) -> int:
    """Do a job or a batch with its progress on stderr (plain lines when that is no terminal).

    The outputs are named on stdout; of a batch its manifest, which names them.

    Returns:
        The exit code: 0 all was done, 1 some files failed.

    Raises:
        GraphicsMLError: nothing could be done.
    """
    if isinstance(job, FileJob):  # of a job file, where its source may be a folder or a pattern
        job = Batch(job=job, source=job.source, output=job.output)
    if not isinstance(job, Batch):
        return _run_one(job)
    if is_of_many(job):
        with processes_for(job) as workers:
            return _run_batch(job, workers)
    jobs, _ = jobs_of(job)
    if job.dry_run:
        return _tell_plan(jobs)
    if job.scheduler:
        raise JobError("one file is done in this process; leave --scheduler to folders and several files")
    return _run_one(jobs[0])


def read_by_blender(job: Job | Batch) -> Path | None:
    """A file that a job would have Blender's own code read in this process, where a broken one can end it."""
    if isinstance(job, FileJob):  # its source may be a folder or a pattern
        job = Batch(job=job, source=(job.source,), output=job.output)
    if isinstance(job, Batch):
        if is_of_many(job):
            return None
        job = job.job
    values = [getattr(job, one.name) for one in fields(job) if one.name != "output"]
    several = [value if isinstance(value, tuple) else (value,) for value in values]
    paths = (path for value in several for path in value if isinstance(path, Path))
    return next((path for path in paths if path.suffix.lower() in _BLENDERS_OWN and path.is_file()), None)


def _run_one(job):
    started = time.perf_counter()
    with _bars() if sys.stderr.isatty() else _lines() as progress:
        outcome = run(job, progress)
    for note in outcome.notes:
        _say(f"note: {note}")
    for path in outcome.outputs:
        _tell(path)
    for fault in outcome.failures:
        _say(f"failed: {fault}")
    _say(f"done in {time.perf_counter() - started:.1f} s")
    return 1 if outcome.failures else 0


def _tell_plan(jobs):
    for one in jobs:
        _tell(f"{one.source} -> {one.output}")
    return 0


def _run_batch(batch, workers):
    started = time.perf_counter()
    jobs, folder = jobs_of(batch)
    if told := keeping_extension(jobs):
        _say(
            f"note: {_files(len(told))} whose names differ in the extension alone keep it, "
            f"as {told[0].source.name} in {told[0].output.name}"
        )
    if batch.dry_run:
        return _tell_plan(jobs)
    there = 0 if batch.resume else sum(job.output.exists() for job in jobs)
    if there:
        _say(f"{_files(there)} in {folder} will be written anew; --resume keeps what is done")
    show = _batch_bar if sys.stderr.isatty() else _batch_lines
    try:
        with show(len(jobs)) as heard:
            tally = run_many(batch, jobs, folder, heard, workers)
    except KeyboardInterrupt:
        _say(f"stopped; nothing half-written is left in {folder}, and the same command with --resume goes on from here")
        return 130
    seconds = time.perf_counter() - started
    _say_notes(tally)
    if batch.resume and tally.skipped:
        again = ", ".join(f"{count} {why}" for why, count in tally.again.items() if why != "new")
        _say(f"{_files(tally.skipped)} had been done before" + (f"; done again: {again}" if again else ""))
    _tell(folder / NAME)
    tried = tally.done + tally.failed
    rate = f" ({tried / seconds:.1f} files/s)" if tried else ""
    _say(
        f"{_files(tally.total)}: {tally.done} done, {tally.skipped} skipped, {tally.failed} failed "
        f"in {seconds:.1f} s{rate}"
    )
    if tally.stopped:
        _say(f"stopped: {tally.stopped}; the same command with --resume goes on from here")
    return 1 if tally.failed or tally.stopped else 0


def _say_notes(tally):
    """Those that several files have in common; what is of one file only stands with it in the manifest."""
    common = [(note, count) for note, count in tally.notes.most_common(_MOST_NOTES) if count > 1 or tally.total == 1]
    for note, count in common:
        _say(f"note ({_files(count)}): {note}")
    others = len(tally.notes) - len(common)
    if others:
        _say(f"note: {others} other{'s stand with their files' if others > 1 else ' stands with its file'} in {NAME}")


@contextmanager
def _bars():
    """A bar for each stage of a job."""
    with _progress("{task.description:>24}", "{task.fields[rate]}") as bars:
        rows, paces = {}, {}

        def progress(stage, done, total):
            if stage not in rows:
                rows[stage], paces[stage] = bars.add_task(stage, total=total, rate=""), _Pace(done)
            bars.update(rows[stage], completed=done, total=total, rate=paces[stage].read(done, total)[0])

        yield progress


@contextmanager
def _lines():
    """A line when a stage begins and then at most every few seconds."""
    stage_said, at, pace = None, 0.0, None

    def progress(stage, done, total):
        nonlocal stage_said, at, pace
        now = time.monotonic()
        if stage != stage_said:
            pace = _Pace(done)
        if stage != stage_said or now - at > _EVERY:
            _say(f"{stage}{f' {done}/{total}' if total else ''}" + "".join(pace.read(done, total)))
            stage_said, at = stage, now

    yield progress


class _Pace:
    """Rate and time left of a stage of a job as text; none while they would tell little."""

    def __init__(self, done):
        self.before, self.started = done, time.monotonic()

    def read(self, done, total):
        passed = time.monotonic() - self.started
        if done <= self.before or passed < _EVERY or not total:
            return "", ""
        rate = (done - self.before) / passed
        return f", {rate:.{1 if rate < 100 else 0}f}/s", f", {_clock((total - done) / rate)} left"


@contextmanager
def _batch_bar(total):
    """A bar with rate and time left; what fails is a line above it."""
    with _progress("{task.completed}/{task.total} files", "{task.fields[rate]}") as bars:
        row, meter = bars.add_task("", total=total, rate=""), _Meter(total)

        def heard(tally, record):
            if record["state"] == "failed":
                bars.console.print(_failure(record), markup=False, highlight=False, soft_wrap=True)
            rate, _ = meter.read(tally)
            failed = f"{tally.failed} failed, " if tally.failed else ""
            bars.update(row, completed=tally.done + tally.skipped + tally.failed, rate=f"{failed}{rate}")

        yield heard


@contextmanager
def _batch_lines(total):
    """A line every few seconds with rate and time left, and one for what fails."""
    meter, said = _Meter(total), time.monotonic()

    def heard(tally, record):
        nonlocal said
        if record["state"] == "failed":
            _say(_failure(record))
        if time.monotonic() - said > _EVERY:
            said = time.monotonic()
            rate, left = meter.read(tally)
            failed = f", {tally.failed} failed" if tally.failed else ""
            _say(f"{tally.done + tally.skipped + tally.failed}/{total} files{failed}, {rate}{left}")

    yield heard


class _Meter:
    """Rate and time left as text, by what was worked on; what was skipped took no time."""

    def __init__(self, total):
        self.total, self.started = total, time.monotonic()

    def read(self, tally):
        tried = tally.done + tally.failed
        if not tried:
            return "", ""
        rate = tried / (time.monotonic() - self.started)
        return f"{rate:.1f} files/s", f", {_clock((self.total - tried - tally.skipped) / rate)} left"


def _clock(seconds):
    hours, minutes = divmod(round(seconds) // 60, 60)
    return f"{hours}:{minutes:02}:{round(seconds) % 60:02}"


def _progress(*columns):
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    first, *others = map(TextColumn, columns)
    share = TextColumn("{task.percentage:>3.0f}%")
    console = Console(stderr=True)
    return Progress(first, BarColumn(), share, *others, TimeRemainingColumn(), console=console)


def _failure(record):
    said, source = record["error"], record["source"]
    return f"failed: {said if source in said else f'{source}: {said}'}"


def _files(count):
    return f"{count} file{'' if count == 1 else 's'}"


def _tell(what):
    # A file name that is no text must not cost the result.
    encoding = sys.stdout.encoding or "utf-8"
    try:
        print(str(what).encode(encoding, "backslashreplace").decode(encoding), flush=True)
    except BrokenPipeError:  # whoever read it, such as `head`, has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _say(line):
    print(line, file=sys.stderr, flush=True)
