"""Arrays of .npy and .npz files that nobody vouches for: nothing is unpickled, and nothing is allocated on a header's
word alone."""

import io
import math
import zipfile
import zlib
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import numpy as np

from graphics_ml.errors import MotionFileError
from graphics_ml.formats.heads import npy_header
from graphics_ml.hints import SAY_RATE
from graphics_ml.motion.motion import exact_rate
from graphics_ml.outputs import write_bytes
from graphics_ml.wording import brief

MAX_BYTES = 1 << 32
# NotImplementedError is what zipfile raises for a compression that it does not know.
_BROKEN = (OSError, zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, UnicodeDecodeError, zlib.error)


def read_npz(path: Path, wanted: Iterable[str] | None = None) -> dict[str, np.ndarray]:
    """{name: array} of those of `wanted` that a .npz file has; of all that are numbers or text when None.

    Raises:
        MotionFileError: the file cannot be read, unpacks to more than 4 GiB, or an array is broken or holds objects.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            held = {one.filename.removesuffix(".npy"): one for one in archive.infolist()}
            chosen = [name for name in (held if wanted is None else wanted) if name in held]
            if sum(held[name].file_size for name in chosen) > MAX_BYTES:
                raise MotionFileError(path, None, f"it unpacks to more than {MAX_BYTES >> 30} GiB; cut the motion up")
            return {name: _member(path, archive, held[name], name) for name in chosen}
    except _BROKEN as error:
        raise MotionFileError(path, None, f"it cannot be read as a .npz file ({error}); it may be broken") from error


def read_npy(path: Path) -> np.ndarray:
    """The array of a .npy file; raises as read_npz."""
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise MotionFileError(path, None, f"it is larger than {MAX_BYTES >> 30} GiB; cut the motion up")
        with open(path, "rb") as file:
            return _array(file, size)
    except (*_BROKEN, ValueError) as error:
        raise MotionFileError(path, None, f"it cannot be read as a .npy file ({error}); it may be broken") from error


def rate_of(path: Path, array: np.ndarray) -> Fraction:
    """The frame rate that an array of one number says.

    Files hold rates as floats, such as 59.9999: the usual rate that this stands for has a small denominator.

    Raises:
        MotionFileError: it is no positive number.
    """
    try:
        return exact_rate(Fraction(float(array.reshape(()))).limit_denominator(1001))
    except (ValueError, OverflowError, TypeError):
        raise MotionFileError(path, None, f"its frame rate is {brief(array)}; say it with {SAY_RATE}") from None


def write_npz(path: Path, members: dict[str, np.ndarray], compressed: bool = False) -> None:
    """Write arrays as a .npz file that numpy.load reads; the same arrays give the same bytes.

    Raises:
        OutputError: the place cannot be written.
    """
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        for name, array in members.items():
            # A fixed time and system, for the same bytes anywhere at any time.
            info = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            info.create_system = 3
            info.compress_type = zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED
            with archive.open(info, "w", force_zip64=True) as member:
                _write(member, array)
    write_bytes(path, content.getvalue())


def write_npy(path: Path, array: np.ndarray) -> None:
    """Write an array as a .npy file; raises as write_npz."""
    content = io.BytesIO()
    _write(content, array)
    write_bytes(path, content.getvalue())


def _write(file, array):
    array = array.astype(array.dtype.newbyteorder("<"), copy=False)
    np.lib.format.write_array(file, np.ascontiguousarray(array).reshape(array.shape), version=(1, 0))


def _member(path, archive, info, name):
    try:
        with archive.open(info) as member:
            return _array(member, info.file_size)
    except ValueError as error:
        raise MotionFileError(path, None, f"its part '{name}' is broken ({error}); get the file again") from error


def _array(file, size):
    """One array, allocated only after what its header claims is found to be what the file of `size` bytes holds."""
    shape, fortran, dtype = npy_header(file)
    needed = math.prod(shape) * dtype.itemsize
    if dtype.kind not in "bfiuUS" or needed != size - file.tell():
        raise ValueError(f"a header that claims {shape} of {dtype}")
    return np.frombuffer(file.read(needed), dtype=dtype).reshape(shape, order="F" if fortran else "C")
