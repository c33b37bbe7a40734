"""A C3D file's header and parameters, looked through before ezc3d reads it.

A broken file may ask for more memory than there is, and makes ezc3d crash in some ways; so what it claims to hold must
be in it, and parameters that ezc3d takes for granted must be of their kind. Files of MIPS computers, which ezc3d does
not read, are put into the order of Intel's bytes.
"""

import math
import struct
from pathlib import Path

import numpy as np

from graphics_ml.errors import MotionFileError

BLOCK = 512
"""Bytes; the parts of a file begin at multiples of it."""
MAGIC = 0x50
"""The second byte of a file."""
MOST_LABELS = 255
"""That one parameter can hold."""
MOST_FRAMES = 0xFFFF
"""That a header can count."""
INTEL, DEC, MIPS = 84, 85, 86
"""What the fourth byte of the parameters says of the order of bytes."""


def frames_in(path):
    """Frames that the header announces, and whole frames that the file has room for.

    Raises:
        MotionFileError: header and parameters are none that ezc3d could read safely, or there is no whole frame.
    """
    try:
        size = Path(path).stat().st_size
        with open(path, "rb") as file:
            header = file.read(BLOCK)
            start = (header[0] - 1) * BLOCK if header else 0
            file.seek(max(start, 0))
            parameters = file.read(256 * BLOCK)
    except OSError as error:
        raise MotionFileError(path, None, f"it cannot be read ({error.strerror}); check the name") from error
    if len(header) < BLOCK or header[1] != MAGIC:
        raise MotionFileError(path, None, "this is no C3D file; its first block is not that of one")
    if header[0] < 2 or len(parameters) < 4 or parameters[3] not in _ORDER:
        raise MotionFileError(path, None, "its parameters are not where its header says; it is broken or cut off")
    order = _ORDER[parameters[3]]
    known = _parameters(path, parameters[: max(1, parameters[2]) * BLOCK], order)
    points, analogs, first, last = struct.unpack(order + "4H", header[2:10])
    _ensure_kinds(path, known, points)
    scale = header[12:16]
    data_block = struct.unpack(order + "H", header[16:18])[0]
    # The sign of the scale says whether samples are 16-bit integers or floats.
    negative = bool((scale[0] if order == ">" else scale[1] if parameters[3] == DEC else scale[3]) & 0x80)
    bytes_per_frame = (4 if negative else 2) * (4 * points + analogs)
    frames = last - first + 1
    if frames < 1 and points:
        raise MotionFileError(path, None, f"its header announces frames {first} to {last}; export it again")
    there = max(0, size - (data_block - 1) * BLOCK) // max(1, bytes_per_frame)
    if data_block < 2 or (frames > 0 and bytes_per_frame and there < 1):
        raise MotionFileError(path, None, f"its header announces {frames} frames, but none is in it; it is cut off")
    return frames, there


_ORDER = {INTEL: "<", DEC: "<", MIPS: ">"}


def _records(path, block, order):
    """(group, NAME, at, end) of the records of a parameter section, their chain followed to its end; a group below 0
    is one's definition, and a record's own bytes lie between `at` and `end`."""
    place = 4
    while place + 2 <= len(block):
        length, group = struct.unpack("2b", block[place : place + 2])
        name = block[place + 2 : place + 2 + abs(length)].decode("latin-1").upper().strip()
        at = place + 4 + abs(length)
        if length == 0:
            return
        step = struct.unpack(order + "h", block[at - 2 : at])[0] if at <= len(block) else -1
        place = at - 2 + step if step else len(block)
        if step < 0 or place < at or place > len(block) or group in (0, -128):
            raise MotionFileError(path, None, "its parameters do not follow each other as they should; it is broken")
        yield group, name, at, place


def _parameters(path, block, order):
    """{(GROUP, NAME): (type, dimensions, raw bytes)} of a parameter section."""
    groups, result = {}, {}
    for group, name, at, end in _records(path, block, order):
        if group > 0:
            result[group, name] = _parameter(path, name, block[at:end])
            continue
        said = sum(block[at : at + 1])  # the length of its description
        if said > _LONGEST_SAID or at + 1 + said > end:
            raise MotionFileError(path, None, f"its parameter group '{name[:30]}' reaches beyond its end; it is broken")
        groups[-group] = name
    return {(groups.get(group, ""), name): found for (group, name), found in result.items()}


def _parameter(path, name, block):
    kind, count = struct.unpack("bB", block[:2]) if len(block) >= 2 else (0, 0)
    dimensions = tuple(block[2 : 2 + count])
    size = abs(kind) * math.prod(dimensions)
    said = sum(block[2 + count + size : 3 + count + size])  # the length of its description
    fits = count <= 7 and len(dimensions) == count and 2 + count + size + said <= len(block)
    if kind not in (-1, 1, 2, 4) or said > _LONGEST_SAID or not fits:
        raise MotionFileError(path, None, f"its parameter '{name[:30]}' reaches beyond the others; the file is broken")
    return kind, dimensions, block[2 + count : 2 + count + size]


_LONGEST_SAID = 127  # ezc3d takes the length for a signed byte
# Parameters that ezc3d takes for granted, and crashes where they are of another kind: -1 text, 2 whole, 4 real numbers.
_KINDS = {
    "POINT": {"USED": 2, "SCALE": 4, "RATE": 4, "DATA_START": 2, "FRAMES": 2, "LABELS": -1},
    "ANALOG": {"USED": 2, "GEN_SCALE": 4, "SCALE": 4, "OFFSET": 2, "RATE": 4, "LABELS": -1},
    "FORCE_PLATFORM": {"USED": 2, "TYPE": 2},
}
_TABLES = ("LABELS", "DESCRIPTIONS", "UNITS")


def _ensure_kinds(path, known, points):
    groups = {group for group, _ in known}
    if "POINT" not in groups:
        raise MotionFileError(path, None, "it has no parameter group POINT; it is broken or no motion capture file")
    for (group, name), (kind, dimensions, _) in known.items():
        table = group in ("POINT", "ANALOG") and name.rstrip("0123456789") in _TABLES
        wanted = -1 if table else _KINDS.get(group, {}).get(name, kind)
        if kind != wanted or (kind == -1 and not dimensions) or (table and len(dimensions) > 2):
            raise MotionFileError(path, None, f"its parameter {group}:{name[:30]} is of a wrong kind; it is broken")
    needed = [("POINT", "USED"), *(("POINT", name) for name in ("LABELS", "RATE", "SCALE") if points)]
    needed += [("POINT", f"LABELS{part}") for part in range(2, 2 + (points - 1) // MOST_LABELS)]
    for group in ("ANALOG", "FORCE_PLATFORM"):
        used = known.get((group, "USED"), (0, (), b""))[2]
        needed += [(group, "USED")] * (group in groups)
        needed += [("ANALOG", name) for name in ("LABELS", "SCALE", "OFFSET") if group == "ANALOG" and any(used)]
    for group, name in needed:
        if not known.get((group, name), (0, (), b""))[2]:
            raise MotionFileError(path, None, f"its parameter {group}:{name} is missing; the file is broken")


def processor(path: str | Path) -> int:
    """INTEL, DEC or MIPS, of a file that frames_in has found sound."""
    with open(path, "rb") as file:
        start = (file.read(1)[0] - 1) * BLOCK
        file.seek(start + 3)
        return file.read(1)[0]


def as_intel(path: str | Path) -> bytes:
    """A MIPS file that frames_in has found sound, as an Intel computer would have written it, without events."""
    content = Path(path).read_bytes()
    result = bytearray(content)

    def turn(start, stop, size):
        stop = start + (stop - start) // size * size
        result[start:stop] = np.frombuffer(content[start:stop], f">u{size}").astype(f"<u{size}").tobytes()

    for start, stop, size in ((2, 12, 2), (12, 16, 4), (16, 20, 2), (20, 24, 4)):
        turn(start, stop, size)
    result[24:BLOCK] = bytes(BLOCK - 24)
    section = (content[0] - 1) * BLOCK
    result[section + 3] = INTEL
    for group, _, at, _ in _records(path, content[section : section + max(1, content[section + 2]) * BLOCK], ">"):
        turn(section + at - 2, section + at, 2)
        if group > 0:
            kind, count = struct.unpack("bB", content[section + at : section + at + 2])
            first = section + at + 2 + count
            size = abs(kind)
            turn(first, first + size * math.prod(content[section + at + 2 : first]), size)
    data = (struct.unpack(">H", content[16:18])[0] - 1) * BLOCK
    turn(data, len(content), 4 if content[12] & 0x80 else 2)
    return bytes(result)
