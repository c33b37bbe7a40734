"""What a run over many files, or over the parts of one job, has done: a JSON line for each, so that another run can go
on from there.

A line has `source`, `output` (its place in the folder), `job` (job_hash) and `state`, "done" or "failed"; unless the
process died also `input` (source_hash) and `seconds`. What is done has `outputs` (place to [bytes, SHA-256]
of each file written) and perhaps `notes`. What failed has `error`; `outputs` where a part of it was done; `traceback`
for a fault of the program; and `died`, whether its process was killed, where no worker gave word of it.
"""

import hashlib
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import ClassVar, Protocol

from graphics_ml import __version__
from graphics_ml.errors import OutputError
from graphics_ml.jobs import FileJob, as_plain, job_name
from graphics_ml.outputs import ensure_writable, remove_temporary, why_not_written, write_bytes
from graphics_ml.provenance import file_hash

NAME = "manifest.jsonl"
_LOCK = ".graphics-ml.lock"
_SYNC = 1.0  # seconds of work that a power failure may cost


class Piece(Protocol):
    """What is done by itself: the job of one file, or a part of a job, whose `output` then is no file but a name in the
    folder that the part goes by."""

    task: ClassVar[str]
    source: Path
    output: Path


class Manifest:
    """The manifest of a folder of outputs, held by one run at a time; a context manager.

    On entering, what an interrupted run left half-written is removed.

    Args:
        folder: where the outputs go; made where there is none.
        jobs: those of this run. The records of their outputs are kept if `resume`, else they count no longer.

    Raises:
        OutputError: on entering, the folder cannot be written, another run is at it, or its manifest.jsonl is
            another program's.
    """

    def __init__(self, folder: Path, jobs: Sequence[Piece], resume: bool):
        self.folder, self.path = folder, folder / NAME
        self._jobs, self._resume = jobs, resume

    def __enter__(self):
        ensure_writable(self.path)
        self.folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as held:
            held.enter_context(alone_in(self.folder))
            remove_leftovers(self.folder)
            held.callback(remove_leftovers, self.folder)
            self._records = self._rewritten()
            self._file = held.enter_context(open(self.path, "ab", buffering=0))
            self._synced = time.monotonic()
            self._held = held.pop_all()
        return self

    def __exit__(self, *error):
        with suppress(OSError):
            os.fsync(self._file.fileno())
        self._held.close()

    def add(self, record: dict) -> None:
        """Append a record; on the disk within a second.

        Raises:
            OutputError: the disk is full.
        """
        try:
            self._file.write(_line(record))
            if time.monotonic() - self._synced > _SYNC:
                os.fsync(self._file.fileno())
                self._synced = time.monotonic()
        except OSError as error:
            raise OutputError(self.path, None, why_not_written(self.path, error)) from error

    def why_again(self, job: Piece, hash_of_job: str) -> str | None:
        """Why a job must be done: "new", "failed before" or what has changed since; None where it is done."""
        record = self._records.get(self.place(job.output))
        if record is None:
            return "new"
        if record["state"] != "done":
            return "failed before"
        if record["job"] != hash_of_job:
            return "other settings or version"
        if not all(_is_there(self.folder / place, *what) for place, what in record["outputs"].items()):
            return "output missing or changed"
        return None if record["input"] == _hash(job.source, source_hash) else "source changed"

    def place(self, path: Path) -> str:
        """Where in the folder an output lies."""
        return place_in(self.folder, path)

    def _rewritten(self):
        """The records that count, after the manifest was written anew with nothing else."""
        records = read_records(self.path)
        if not self._resume:
            for job in self._jobs:
                records.pop(self.place(job.output), None)
        if records:
            write_bytes(self.path, b"".join(map(_line, records.values())))
        else:
            self.path.unlink(missing_ok=True)
        return records if self._resume else {}


def job_hash(job: FileJob) -> str:
    """What the outputs of a job hang on besides its source: its settings, the files they name and the version."""
    values = {name: value for name, value in as_plain(job).items() if name not in ("source", "output")}
    for name, value in values.items():
        if isinstance(value, str):  # also where it may name a file, as marker_set does
            values[name] = _hash(Path(value)) or value
    said = json.dumps([__version__, job_name(job), values], sort_keys=True)
    return hashlib.sha256(said.encode("utf-8", "surrogateescape")).hexdigest()


def source_hash(source: Path) -> str:
    """SHA-256 of a source's bytes; with those of files beside it that may hold a part of what it says, the skeletons
    beside an .amc and the .bin of a .gltf, where there are any."""
    part = {".amc": ".asf", ".gltf": ".bin"}.get(source.suffix.lower())
    beside = [one for one in sorted(source.parent.iterdir()) if one.suffix.lower() == part] if part else []
    parts = [one for one in beside if one.is_file() and (part == ".asf" or one.stem == source.stem)]
    found = list(map(file_hash, (source, *parts)))
    return hashlib.sha256("".join(found).encode()).hexdigest() if parts else found[0]


def place_in(folder: Path, path: Path) -> str:
    """Where in a folder an output lies, as records name it."""
    return Path(os.path.relpath(path, folder)).as_posix()


def leftover_prefix(folder: Path) -> str:
    """How the names of temporary files and folders begin that a run into this folder makes."""
    place = os.path.normcase(os.path.abspath(folder)).encode("utf-8", "surrogateescape")
    return f".graphics-ml-{hashlib.sha256(place).hexdigest()[:8]}-"


def remove_leftovers(folder: Path) -> None:
    """Remove what killed processes of a run into this folder left; no such process may be alive."""
    prefix = leftover_prefix(folder)
    for place, folders, files in os.walk(folder):
        for name in [name for name in (*folders, *files) if name.startswith(prefix)]:
            remove_temporary(Path(place, name))
        folders[:] = [name for name in folders if not name.startswith(prefix)]


def read_records(path: Path) -> dict[str, dict]:
    """{place of an output: its last record}; lines that were torn count for nothing."""
    if not path.exists():
        return {}
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise OutputError(path, None, f"it cannot be read ({error.strerror})") from None
    records = [record for line in lines if (record := _record(line)) is not None]
    if not records and any(line.strip() for line in lines[:-1]):
        raise OutputError(path, None, "this is no manifest of graphics-ml; choose another folder")
    return {record["output"]: record for record in records}


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Hold a folder's lock, which the system lets go of when this process ends, however that is.

    Raises:
        OutputError: the folder cannot be written, or another run holds it.
    """
    path = folder / _LOCK
    while True:
        try:
            file = open(path, "ab")  # noqa: SIM115 the lock lasts as long as it is open
        except OSError as error:
            raise OutputError(path, None, why_not_written(path, error)) from error
        if not _locked(file):
            file.close()
            raise OutputError(folder, None, "another run writes into this folder; wait for it or choose another one")
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(file.fileno()), os.stat(path)):
                break
        file.close()  # the run that had it removed it between the two
    try:
        yield
    finally:
        if sys.platform == "win32":
            file.close()
        with suppress(OSError):
            os.remove(path)
        file.close()


def _record(line):
    try:
        record = json.loads(line)
        whole = isinstance(record["output"], str) and record["state"] in ("done", "failed")
        if record["state"] == "done":
            whole = whole and isinstance(record["job"], str) and isinstance(record["input"], str)
            whole = whole and all(len(what) == 2 for what in record["outputs"].values())
        return record if whole else None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _line(record):
    try:
        return json.dumps(record, ensure_ascii=False).encode() + b"\n"
    except UnicodeEncodeError:  # a file name that is no text
        return json.dumps(record).encode() + b"\n"


def _is_there(path, size, sha256):
    return path.is_file() and path.stat().st_size == size and _hash(path) == sha256


def _hash(path, hash_of=file_hash):
    """A file's hash, None where it cannot be read."""
    try:
        return hash_of(path)
    except (OSError, ValueError):  # a name with a null byte
        return None


def _locked(file):
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:  # a network's file system may have no locks
        return True
    return True
