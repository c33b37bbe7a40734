"""Runs a job: finds the function it names and says how far it is."""

import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module

from graphics_ml.batch import jobs_of
from graphics_ml.errors import FormatWarning
from graphics_ml.jobs import Batch, Job, Outcome

Progress = Callable[[str, int, int], None]  # what is being done, how much of it is done, of how much


def run(job: Job, progress: Progress | None = None) -> Outcome:
    """Do a job in this process.

    Args:
        job: what to do.
        progress: called as progress("detecting", 30, 90) while it goes on.

    Returns:
        What was written and what the user should know.

    Raises:
        GraphicsMLError: as the task raises it; no output is left behind then.
    """
    module, function = job.task.split(":")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", FormatWarning)
        outcome = getattr(import_module(module), function)(job, progress or (lambda stage, done, total: None))
    lost = tuple(str(one.message) for one in caught if issubclass(one.category, FormatWarning))
    for one in caught:
        if not issubclass(one.category, FormatWarning):
            warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)
    return replace(outcome, notes=outcome.notes + lost)


def run_in_terminal(job: Job | Batch) -> int:
    """Do a job with its progress on the terminal (plain lines when it is not one); gives the exit code."""
    if isinstance(job, Batch):
        return max(run_in_terminal(one) for one in jobs_of(job)[0])
    started = time.perf_counter()
    outcome = _run_with_bars(job) if sys.stderr.isatty() else run(job, _Lines())
    for note in outcome.notes:
        print(f"note: {note}", file=sys.stderr)
    for path in outcome.outputs:
        print(path)
    print(f"done in {time.perf_counter() - started:.1f} s", file=sys.stderr)
    return 0


def _run_with_bars(job):
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = TextColumn("{task.description:>24}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%")
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as bars:
        rows = {}

        def progress(stage, done, total):
            if stage not in rows:
                rows[stage] = bars.add_task(stage, total=total)
            bars.update(rows[stage], completed=done, total=total)

        return run(job, progress)


class _Lines:
    """A line when a stage begins and then at most every five seconds."""

    def __init__(self):
        self.stage, self.said = None, 0.0

    def __call__(self, stage, done, total):
        now = time.monotonic()
        if stage != self.stage or now - self.said > 5:
            share = f" {done}/{total}" if total else ""
            print(f"{stage}{share}", file=sys.stderr, flush=True)
            self.stage, self.said = stage, now
