"""Outputs that are whole or not there: written aside under their final name, checked, then renamed into place."""

import errno
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path

from graphics_ml.errors import OutputError

_prefix = ContextVar("prefix of temporary names", default=".graphics-ml-")
_open = ContextVar(
    "what must be left tidy, and what was written: (place, path), of outputs that belong together", default=None
)
_LITTLE = 1 << 16  # bytes that a writer with a buffer may leave free when it finds no room
_FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}


@contextmanager
def together() -> Iterator[None]:
    """Let all that `replacing` and `write_bytes` write within take its place when the last of it has been written.

    On any error within none of it does, and older files stay as they were.

    Raises:
        OutputError: a file cannot take its place; those written before it have theirs.
    """
    if _open.get() is not None:  # within another
        yield
        return
    with ExitStack() as held:
        written = []
        before = _open.set((held, written))
        try:
            yield
        finally:
            _open.reset(before)
        for aside, path in written:
            with _faults_of(path):
                os.replace(aside, path)


@contextmanager
def replacing(path: str | Path, check: Callable[[Path], None] | None = None) -> Iterator[Path]:
    """A place to write `path`: a file of the same name in a temporary folder beside it.

    On leaving without an error `check` reads the file, then it takes its place, replacing an older one; on any error
    the folder goes and an older file stays as it was.

    Raises:
        OutputError: the folder cannot be made or written, nothing was written, or the disk is full, whatever the
            writer raised then.
    """
    path = Path(path)
    with together(), _faults_of(path):
        aside = _beside(path)
        aside.mkdir(mode=0o700)
        unfinished = aside / path.name
        try:
            yield unfinished
            if not unfinished.is_file() or unfinished.stat().st_size == 0:
                raise OutputError(path, None, "nothing was written; is the disk full?")
            if check is not None:
                check(unfinished)
        except Exception as error:
            if _no_room(aside, error):  # which other programs' writers say in their own ways, or not at all
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
            raise
        _take_place(unfinished, path)


def write_bytes(path: str | Path, content: bytes) -> None:
    """Write these bytes to `path` and read them back, whole or not at all.

    They are written to a file beside `path`: folders cost more to make and remove than most motions to write.

    Raises:
        OutputError: the place cannot be written, the disk is full, or the bytes read back differ.
    """
    path = Path(path)
    with together(), _faults_of(path):
        aside = _beside(path)
        with open(aside, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if aside.read_bytes() != content:
            raise OutputError(path, None, "what was written reads back differently; check the disk")
        _take_place(aside, path)


def ensure_writable(path: str | Path) -> None:
    """Prove that a file can be made at `path`, or its folder; nothing is left there.

    Raises:
        OutputError: the path is a folder, or its folder cannot be made or written.
    """
    path = Path(path)
    try:
        _ensure_no_folder(path)
        tempfile.TemporaryFile(dir=next(above for above in path.parents if above.exists())).close()
    except OSError as error:
        raise OutputError(path, None, why_not_written(path, error)) from None


def ensure_apart(outputs: dict[str, Path], inputs: list[Path]) -> None:
    """Raise OutputError where what is to be written, name to path, would replace an input or another of them."""
    taken = {path.resolve(): "read as an input and would be lost" for path in inputs}
    for name, path in outputs.items():
        if path.resolve() in taken:
            raise OutputError(
                path, None, f"{name} cannot be written here, this is {taken[path.resolve()]}; choose another name"
            )
        taken[path.resolve()] = f"where {name} is written"


def ensure_extension(path: str | Path, extensions: tuple[str, ...]) -> None:
    """Raise OutputError, naming what can be written, unless the path ends in one of `extensions` (with the dot)."""
    path = Path(path)
    if os.path.isdir(path):
        raise OutputError(path, None, f"this is a folder; name a file in it, such as {path / f'motion{extensions[0]}'}")
    if path.suffix.lower() not in extensions:
        had = f"'{path.suffix}' files cannot be written" if path.suffix else "the name has no extension"
        raise OutputError(path, None, f"{had}; use {'one of ' * (len(extensions) > 1)}{', '.join(extensions)}")


@contextmanager
def temporary_names(prefix: str) -> Iterator[None]:
    """Let temporary names begin so; what a killed process left can then be told from what others do."""
    before = _prefix.set(prefix)
    try:
        yield
    finally:
        _prefix.reset(before)


def remove_temporary(path: Path) -> None:
    """Remove a temporary file or folder, as far as it can be done."""
    try:
        path.unlink()
    except FileNotFoundError:
        pass
    except OSError:  # a folder
        shutil.rmtree(path, ignore_errors=True)


def remove_beside(values: Iterable, prefix: str) -> None:
    """Remove what was left under temporary names that begin so, beside whatever of these values are paths."""
    for folder in {Path(value).parent for value in values if isinstance(value, str | Path)}:
        with suppress(OSError, ValueError):  # no path after all
            for left in [one for one in folder.iterdir() if one.name.startswith(prefix)]:
                remove_temporary(left)


def disk_was_full(error: BaseException | None) -> bool:
    """Whether an error came of a disk or quota without room."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _FULL:
            return True
        error = error.__cause__ or error.__context__
    return False


def _no_room(folder, error):
    words = map(os.strerror, _FULL)
    return disk_was_full(error) or any(one in str(error) for one in words) or shutil.disk_usage(folder).free < _LITTLE


def why_not_written(path: Path, error: OSError) -> str:
    """What an error in writing a file means, and what to do."""
    if error.errno in (errno.EEXIST, errno.ENOTDIR):
        file = next((above for above in path.parents if above.is_file()), path.parent)
        return f"{file} is a file, not a folder; choose another place"
    if error.errno == errno.ENOENT:
        return "its folder cannot be made; choose another place"
    if error.errno in _FULL:
        return "the disk is full; make room and run again"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "it cannot be written; choose a folder that you may write to"
    return f"it cannot be written ({error.strerror or error})"


@contextmanager
def _faults_of(path):
    try:
        yield
    except OSError as error:
        raise OutputError(path, None, why_not_written(path, error)) from error


def _beside(path):
    """A place for what is to become `path`, in the same folder, which is made; what is left there goes in the end."""
    held, _ = _open.get()
    _ensure_no_folder(path)
    _make_folder(path.parent, held)
    aside = path.with_name(_prefix.get() + os.urandom(8).hex())
    held.callback(remove_temporary, aside)
    return aside


def _take_place(aside, path):
    _, written = _open.get()
    written.append((aside, path))


def _ensure_no_folder(path):
    if path.is_dir():
        raise OutputError(path, None, "this is a folder; name a file to write")


def _make_folder(folder, held):
    """Make a folder and those above it; those that were made go in the end if nothing is in them."""
    if not folder.is_dir():
        if folder.parent != folder:
            _make_folder(folder.parent, held)
        folder.mkdir(exist_ok=True)
        held.callback(_remove_if_empty, folder)


def _remove_if_empty(folder):
    with suppress(OSError):  # it holds something
        folder.rmdir()
