"""Runs jobs: one in this process, or one for each of many files on processes of this machine or of a cluster."""

import os
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, chdir, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from importlib import import_module
from pathlib import Path

from graphics_ml.errors import FormatWarning, GraphicsMLError, OutputError
from graphics_ml.jobs import Batch, FileJob, Job, Outcome
from graphics_ml.manifest import Manifest, Piece, job_hash, leftover_prefix, place_in, source_hash
from graphics_ml.outputs import disk_was_full, temporary_names
from graphics_ml.pool import Cluster, ClusterError, ProcessDied, Processes, spread
from graphics_ml.provenance import file_hash

Progress = Callable[[str, int, int], None]  # what is being done, how much of it is done, of how much

_FEW = 1000  # different notes that are counted


@dataclass
class Tally:
    """How far a batch is.

    Attributes:
        total, done, skipped, failed: numbers of files, or of other pieces of work.
        notes: what the user should know, and of how many of them.
        again: with --resume, why some were done again, and how many.
        stopped: why it ended early, a sentence; None where it did not.
    """

    total: int
    done: int = 0
    skipped: int = 0
    failed: int = 0
    notes: Counter = field(default_factory=Counter)
    again: Counter = field(default_factory=Counter)
    stopped: str | None = None


Heard = Callable[[Tally, dict], None]  # how far it is, and the manifest's record of the piece just done or skipped


def run(job: Job | Piece, progress: Progress | None = None) -> Outcome:
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


@contextmanager
def processes_for(batch: Batch) -> Iterator[Processes | None]:
    """Processes that get ready while the jobs of a batch are found out; None where they would not be used, or late."""
    if batch.scheduler or batch.resume or batch.dry_run:
        yield None
        return
    workers = _processes(batch)
    try:
        workers.start()
        yield workers
    finally:
        workers.end()


def run_many(
    batch: Batch, jobs: list[FileJob], folder: Path, heard: Heard | None = None, workers: Processes | None = None
) -> Tally:
    """Do the jobs of a batch, each in a process that does nothing else meanwhile, with a manifest in their folder.

    A job that fails or kills its process never stops the others; a full disk and a lost cluster do.

    Args:
        batch: how to do it.
        jobs, folder: as from graphics_ml.batch.jobs_of.
        heard: called after each file, in this process.
        workers: from processes_for; they are ended. Started here when None.

    Raises:
        GraphicsMLError: the folder cannot be used or another run is at it, or the cluster cannot be used; nothing has
            been done then.
        KeyboardInterrupt: nothing half-written is left.
    """
    hash_of_job = job_hash(batch.job)
    if workers is None:
        workers = Cluster(batch.scheduler) if batch.scheduler else _processes(batch, len(jobs))
    return run_all(jobs, folder, hash_of_job, workers, batch.resume, heard)


def run_all(
    pieces: list[Piece],
    folder: Path,
    hash_of_job: str,
    workers: Processes | Cluster,
    resume: bool,
    heard: Heard | None = None,
    look: Callable[[], None] = lambda: None,
) -> Tally:
    """Do pieces of work that go into one folder on processes, with a manifest there; as run_many.

    Args:
        pieces: the jobs of a batch, or the parts of one job.
        folder: for the manifest, and for all that they write.
        hash_of_job: what the outputs hang on besides their sources.
        workers: that do them; they are ended.
        resume: whether to skip what is done.
        heard: called after each piece.
        look: called now and then while none is done.
    """
    tally, heard = Tally(len(pieces)), heard or (lambda tally, record: None)
    with ExitStack() as held:
        held.callback(workers.end)
        manifest = held.enter_context(Manifest(folder, pieces, resume))
        held.callback(workers.end)  # before the manifest, which removes what they left, lets go of the folder
        call = partial(attempt, folder=folder, here=os.getcwd())
        try:
            to_do = _to_do(pieces, manifest, hash_of_job, resume, tally, heard)
            for piece, result in spread(workers, call, to_do, look):
                record, full = _not_run(result) if isinstance(result, Exception) else result
                about = {"source": str(piece.source), "output": manifest.place(piece.output), "job": hash_of_job}
                record = about | record
                _count(tally, record, piece)
                if full:
                    tally.stopped = f"{folder}: the disk is full; make room"
                try:
                    manifest.add(record)
                except OutputError as error:
                    tally.stopped = str(error)
                heard(tally, record)
        except ClusterError as error:
            tally.stopped = str(error)
    return tally


def _processes(batch, most=None):
    count = batch.jobs or cores()
    return Processes(count if most is None else min(count, most), batch.job.task.split(":")[0])


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def attempt(job: Piece, folder: Path, here: str) -> tuple[dict, bool]:
    """Do one job of many in a worker; what goes wrong is told, not raised.

    Args:
        job: what to do.
        folder: where the outputs of all jobs go.
        here: the folder that relative paths are relative to.

    Returns:
        What the manifest keeps of it, and whether the disk is full.
    """
    started, record, full = time.perf_counter(), {}, False
    try:
        with chdir(here), temporary_names(leftover_prefix(folder)):
            record["input"] = source_hash(job.source)
            outcome = run(job)
            record |= {"state": "failed" if outcome.failures else "done"}
            record |= {"outputs": {place_in(folder, path): _content(path) for path in outcome.outputs}}
            if outcome.failures:
                record["error"] = "; ".join(outcome.failures)
            if outcome.notes:
                record["notes"] = list(outcome.notes)
    except (Exception, SystemExit) as error:
        record |= {"state": "failed"} | fault_of(error, job, here)
        full = disk_was_full(error)
    return record | {"seconds": round(time.perf_counter() - started, 3)}, full


def _to_do(jobs, manifest, hash_of_job, resume, tally, heard):
    """The jobs that are not done yet, until the run must stop."""
    for job in jobs:
        if tally.stopped:
            return
        why = manifest.why_again(job, hash_of_job) if resume else "new"
        if why is None:
            tally.skipped += 1
            heard(tally, {"output": manifest.place(job.output), "state": "skipped"})
            continue
        tally.again[why] += 1
        yield job


def _count(tally, record, job):
    if record["state"] == "failed":
        tally.failed += 1
        return
    tally.done += 1
    for note in record.get("notes", ()):
        for path in (job.source, job.output):  # of many files the same is said once
            note = note.replace(path.name, f"*{path.suffix}")
        if note in tally.notes or len(tally.notes) < _FEW:
            tally.notes[note] += 1


def _not_run(error):
    said = f"no worker can do it ({_named(error)})"
    if isinstance(error, ProcessDied):
        said = (
            "the process that worked on it was killed or crashed, also when nothing else ran; it may need more memory "
            "than there is"
        )
    return {"state": "failed", "error": said, "died": isinstance(error, ProcessDied)}, False


def _content(path):
    return [path.stat().st_size, file_hash(path)]


def fault_of(error: BaseException, job: Piece, here: str) -> dict:
    """What the manifest keeps of what went wrong with a job: `error`, and `traceback` of a fault of the program."""
    if isinstance(error, GraphicsMLError):
        return {"error": str(error)}
    if isinstance(error, OSError) and error.filename == str(job.source):
        return {"error": f"{job.source}: the file cannot be read ({error.strerror})"}
    if isinstance(error, OSError) and error.filename == here:
        return {"error": f"{job.source}: the worker does not see the folder {here}; share it"}
    if isinstance(error, MemoryError):
        return {"error": f"{job.source}: there is not enough memory for it; use fewer --jobs"}
    said = f"{job.source}: a fault of graphics_ml ({_named(error)})"
    return {"error": said, "traceback": traceback.format_exc()}


def _named(error):
    return " ".join(f"{type(error).__name__}: {error}".split())
