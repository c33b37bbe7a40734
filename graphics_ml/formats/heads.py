"""The beginning of a file, by which a format recognises it; never more than that is read."""

import codecs
import io
import tokenize
import zipfile
from pathlib import Path

import numpy as np

_TEXT = 2048  # bytes
_ARRAY = 12_000  # bytes; NumPy refuses to read longer headers than 10,000
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


def head_text(path: Path) -> str:
    """The first characters of a text file, blanks before them left out; of a binary file, characters that mean nothing.

    Raises:
        OSError: the file cannot be read.
    """
    with open(path, "rb") as file:
        head = file.read(_TEXT)
    mark, encoding = next(((mark, name) for mark, name in _MARKS if head.startswith(mark)), (b"", "latin-1"))
    return head[len(mark) :].decode(encoding, "replace").lstrip()


def npz_members(path: Path) -> dict[str, zipfile.ZipInfo]:
    """The arrays that a .npz file lists, by name; none where it is no such file.

    Raises:
        OSError: the file cannot be read.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return {one.filename[:-4]: one for one in archive.infolist() if one.filename.endswith(".npy")}
    # NotImplementedError is what zipfile raises for a version of zip that it does not know.
    except (zipfile.BadZipFile, NotImplementedError, ValueError):
        return {}


def npy_shape(path: Path) -> tuple[int, ...]:
    """The shape that the header of a .npy file claims; () where it is no such file.

    Raises:
        OSError: the file cannot be read.
    """
    with open(path, "rb") as file:
        try:
            return npy_header(file)[0]
        except ValueError:
            return ()


def npy_header(file) -> tuple[tuple[int, ...], bool, np.dtype]:
    """The shape, whether it is in Fortran's order, and the type that the header of a .npy claims; goes to its end.

    Args:
        file: an open file at its beginning that can seek.

    Raises:
        ValueError: it is no such header.
    """
    head = io.BytesIO(file.read(_ARRAY))  # the header's own length may be any number
    try:
        first = np.lib.format.read_magic(head) == (1, 0)
        claimed = (np.lib.format.read_array_header_1_0 if first else np.lib.format.read_array_header_2_0)(head)
    except (tokenize.TokenError, SyntaxError, RecursionError, TypeError) as error:
        raise ValueError(f"its header is broken: {error}") from error
    file.seek(head.tell())
    return claimed
