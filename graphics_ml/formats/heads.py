"""The beginning of a file, by which a format recognises it; never more than that is read."""

import codecs
import zipfile
from pathlib import Path

import numpy as np

_TEXT = 2048  # bytes
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
    except (zipfile.BadZipFile, NotImplementedError, ValueError, UnicodeDecodeError):
        return {}


def npy_shape(path: Path) -> tuple[int, ...]:
    """The shape that the header of a .npy file claims; () where it is no such file.

    Raises:
        OSError: the file cannot be read.
    """
    with open(path, "rb") as file:
        try:
            first = np.lib.format.read_magic(file) == (1, 0)
            return (np.lib.format.read_array_header_1_0 if first else np.lib.format.read_array_header_2_0)(file)[0]
        except ValueError:
            return ()
