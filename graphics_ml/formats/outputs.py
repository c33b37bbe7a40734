"""Writing a file whole or not at all."""

import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path

from graphics_ml.errors import OutputError


class FormatWarning(UserWarning):
    """A motion file was read or written, but not quite as it stood; the message says what is different."""


@contextmanager
def replacing(path: str | Path):
    """A context whose block writes to the place it is given; the file moves to `path` when the block ends well.

    The place has the final name in a temporary folder beside `path`, on the same file system, because some writers
    look at the name. On any error nothing is left behind and a file already at `path` stays as it was. The block
    itself reads the file again to check it.

    Raises:
        OutputError: the folder does not exist, `path` is a folder, or the place cannot be written.
    """
    path = Path(path)
    if path.is_dir():
        raise OutputError(path, None, "this is a folder; give the name of a file")
    if not path.parent.is_dir():
        raise OutputError(path, None, f"the folder {path.parent} does not exist; make it first")
    try:
        folder = Path(tempfile.mkdtemp(prefix=f".{path.stem[:32]}-", dir=path.parent))
    except OSError as error:
        raise OutputError(path, None, f"the folder cannot be written ({_reason(error)}); choose another") from error
    try:
        yield folder / path.name
        os.replace(folder / path.name, path)
    except OSError as error:
        raise OutputError(path, None, f"it cannot be written ({_reason(error)}); check space and rights") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write_bytes(path: str | Path, content: bytes) -> None:
    """Write these bytes to `path` and read them back, whole or not at all.

    Raises:
        OutputError: as for replacing, or the bytes read back differ.
    """
    with replacing(path) as place:
        with open(place, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if place.read_bytes() != content:
            raise OutputError(path, None, "what was written reads back differently; check the disk")


def _reason(error):
    return error.strerror or str(error)
