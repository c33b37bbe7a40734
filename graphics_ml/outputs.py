"""Outputs that are whole or not there: written aside under their final name, checked, then renamed into place."""

import errno
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from graphics_ml.errors import OutputError


@contextmanager
def replacing(path: str | Path, check: Callable[[Path], None] | None = None) -> Iterator[Path]:
    """A place to write `path`: a file of the same name in a temporary folder beside it.

    On leaving without an error `check` reads the file, then it takes its place, replacing an older one; on any error
    the folder goes and an older file stays as it was.

    Raises:
        OutputError: the folder cannot be made or written, the disk is full, nothing was written.
    """
    path = Path(path)
    ensure_writable(path)
    aside = Path(tempfile.mkdtemp(prefix=".graphics-ml-", dir=path.parent))
    try:
        unfinished = aside / path.name
        yield unfinished
        if not unfinished.is_file() or unfinished.stat().st_size == 0:
            raise OutputError(path, None, "nothing was written; is the disk full?")
        if check is not None:
            check(unfinished)
        os.replace(unfinished, path)
    except OSError as error:
        raise OutputError(path, None, _why(error)) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def write_bytes(path: str | Path, content: bytes) -> None:
    """Write these bytes to `path` and read them back, whole or not at all.

    Raises:
        OutputError: as for replacing, or the bytes read back differ.
    """

    def check(place):
        if place.read_bytes() != content:
            raise OutputError(path, None, "what was written reads back differently; check the disk")

    with replacing(path, check) as place, open(place, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def ensure_writable(path: str | Path) -> None:
    """Make the folder of `path` if need be and prove that a file can be made there.

    Raises:
        OutputError: the path is a folder, or its folder cannot be made or written.
    """
    path = Path(path)
    try:
        if path.is_dir():
            raise OutputError(path, None, "this is a folder; name a file to write")
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise OutputError(path, None, _why(error)) from None


def ensure_extension(path: str | Path, extensions: tuple[str, ...]) -> None:
    """Raise OutputError, naming what can be written, unless the path ends in one of `extensions` (with the dot)."""
    path = Path(path)
    if path.suffix.lower() not in extensions:
        had = f"'{path.suffix}' files cannot be written" if path.suffix else "the name has no extension"
        raise OutputError(path, None, f"{had}; use one of {', '.join(extensions)}")


def _why(error: OSError) -> str:
    if error.errno == errno.ENOSPC:
        return "the disk is full; make room and run again"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "it cannot be written; choose a folder that you may write to"
    return f"it cannot be written ({error.strerror or error})"
