"""TRC, the marker text file of Motion Analysis that OpenSim reads (its guide: "Marker (.trc) files").

Five lines of header, a blank one, then a row of tab-separated cells for each frame: number, time, and X, Y, Z of each
marker. Files stray from this in many ways, and are read by what their lines hold, not by where these stand. A cell that
is empty or no number ("NaN") means that the marker was not seen. The format does not say which way is up; its users
take Y, but some programs export Z.
"""

import re
from pathlib import Path
from typing import Literal

import numpy as np

from graphics_ml.errors import MotionFileError
from graphics_ml.formats.frame_times import rate_of_text
from graphics_ml.formats.heads import head_text
from graphics_ml.formats.marker_conventions import (
    METRES,
    checked_options,
    metres,
    place_markers,
    stands_on_floor,
    unit_name,
    up_from_names,
)
from graphics_ml.hints import SAY_FOUND
from graphics_ml.motion.markers import Markers
from graphics_ml.outputs import write_bytes

NAME = "trc"
MAX_BYTES = 1 << 30


def load(
    path: str | Path,
    unit: str | float | None = None,
    up: str | None = None,
    frames: Literal["announced", "found"] = "announced",
) -> Markers:
    """The markers in a TRC file.

    Args:
        path: the file.
        unit: one of marker_conventions.METRES or metres per unit, in place of what the file says.
        up: "X", "Y", "Z", "-X", "-Y" or "-Z", the axis that points up in the file; when not given "Y", unless a
            body stands along another.
        frames: "announced" refuses a file with another number of frames than its header says, "found" takes those that
            are there.

    Raises:
        MotionFileError: the file cannot be read, is no TRC, or is broken; with the line.
    """
    path = Path(path)
    checked_options(path, unit, up)
    if frames not in ("announced", "found"):
        raise MotionFileError(path, None, f"frames='{frames}' is not known; use 'announced' or 'found'")
    lines = _lines(path)
    facts, below = _facts(path, lines)
    names, first = _names(path, lines, below)
    said = []
    _check_count(path, facts, names, said)
    times, positions = _rows(path, lines, first, len(names))
    announced = _whole(facts.get("numframes"))
    if frames == "announced" and announced not in (None, len(positions)):
        raise MotionFileError(
            path, None, f"its header announces {announced} frames, but {len(positions)} follow; correct NumFrames, or "
            f"take those found: {SAY_FOUND}"
        )  # fmt: skip
    unit = unit or unit_name(path, facts.get("units", ""))
    up = up or _up(names, positions * metres(unit), said)
    fps = _rate(path, facts, times, said)
    return place_markers(path, names, positions, fps, unit, up, said, {"format": NAME})


def recognises(path: Path) -> bool:
    """Whether it begins as a TRC does."""
    head = head_text(path)
    return head.lower().startswith("pathfiletype") or ("DataRate" in head and "NumFrames" in head)


def save(markers: Markers, path: str | Path, unit: str = "mm") -> None:
    """Write markers as TRC, Y up; gaps are empty cells. Names and provenance: tabs become blanks, provenance goes.

    Raises:
        OutputError: the place cannot be written.
        ValueError: there is no such unit.
    """
    if unit not in METRES:
        raise ValueError(f"there is no unit '{unit}'; use one of {', '.join(METRES)}")
    path = Path(path)
    count, total = len(markers.names), len(markers)
    rate = f"{float(markers.fps):.12g}"
    names = [re.sub(r"\s+", " ", name) for name in markers.names]
    head = [
        f"PathFileType\t4\t(X/Y/Z)\t{path.name}",
        "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\tOrigNumFrames",
        f"{rate}\t{rate}\t{total}\t{count}\t{unit}\t{rate}\t1\t{total}",
        "Frame#\tTime\t" + "\t\t\t".join(names) + "\t\t",
        "\t\t" + "\t".join(f"X{m}\tY{m}\tZ{m}" for m in range(1, count + 1)),
        "",
    ]
    cells = (markers.positions / METRES[unit]).reshape(total, -1).tolist()
    # A part in 10^10 of a metre: finer than a float32 tells it within a kilometre.
    digits = max(1, 10 + round(np.log10(METRES[unit])))
    rows = (
        f"{frame + 1}\t{float(frame / markers.fps):.9f}\t"
        + "\t".join("" if value != value else f"{value:.{digits}f}" for value in row)
        for frame, row in enumerate(cells)
    )
    write_bytes(path, ("\n".join((*head, *rows)) + "\n").encode())


def _lines(path):
    try:
        with open(path, "rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise MotionFileError(path, None, f"it cannot be read ({error.strerror}); check the name") from error
    if len(content) > MAX_BYTES:
        raise MotionFileError(path, None, f"it is larger than {MAX_BYTES >> 30} GiB; cut it up")
    try:
        return content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        return content.decode("latin-1").splitlines()


_HEADER_LINES = 30  # among which the header must be found


def _facts(path, lines):
    """{lower-case key: text} of the header's table, and the index of the line below it."""
    for index, line in enumerate(lines[:_HEADER_LINES]):
        keys = [key.lower() for key in _cells(line)]
        if "datarate" in keys and "numframes" in keys:
            for below, other in enumerate(lines[index + 1 : index + 4], start=index + 1):
                if other.strip():
                    return dict(zip(keys, _cells(other), strict=False)), below + 1
    raise MotionFileError(path, None, "it has no line that starts with DataRate, as a TRC file has; is it one?")


def _names(path, lines, start):
    """The markers' names, and the index of the first line that may be a row of data."""
    for index, line in enumerate(lines[start : start + _HEADER_LINES], start=start):  # noqa: B007
        cells = [cell.strip() for cell in line.split("\t")] if "\t" in line else line.split()
        if cells and cells[0].lower().rstrip("#") == "frame":
            break
    else:
        raise MotionFileError(path, None, "it has no line that starts with Frame#, as a TRC file has; is it one?")
    named = [cell for cell in cells[2:] if cell]
    axes, first = [], index + 1
    for below, line in enumerate(lines[index + 1 : index + 4], start=index + 1):
        found = re.findall(r"(?:^|\s)([XYZ])\d*(?=\s|$)", line, re.IGNORECASE)
        if found:
            axes, first = found, below + 1
            break
    if len(axes) % 3 or (axes and len(axes) // 3 < len(named)):
        raise MotionFileError(
            path, first, f"{len(axes)} columns are titled X, Y or Z, but {len(named)} markers are named; correct one"
        )
    if axes and len(axes) // 3 > len(named):  # some have no name, which only their columns tell
        named = [*(cell for cell in cells[2::3]), *[""] * (len(axes) // 3)][: len(axes) // 3]
    if not named:
        raise MotionFileError(path, index + 1, "it names no markers; export it again")
    return named, first


def _check_count(path, facts, names, said):
    announced = _whole(facts.get("nummarkers"))
    if announced == 0:
        raise MotionFileError(path, None, "it announces 0 markers; export it again")
    if announced not in (None, len(names)):
        said.append(f"its header announces {announced} markers, but {len(names)} are named and were read")


def _rows(path, lines, first, count):
    """Times (F,) seconds, NaN where none stands, and positions (F, M, 3), NaN for gaps."""
    width = 2 + 3 * count
    times, rows = [], []
    for number, line in enumerate(lines[first:], start=first + 1):
        if not line.strip():
            continue
        cells = [cell.strip() for cell in line.split("\t")] if "\t" in line else line.split()
        cells = _fitted(cells, width)
        if cells is None:
            raise MotionFileError(
                path, number, f"this row does not hold a number, a time and {3 * count} coordinates; is it cut off?"
            )
        values = [_number(cell) for cell in cells]
        if any(value is None for value in values):
            wrong = next(cell for cell, value in zip(cells, values, strict=True) if value is None)
            raise MotionFileError(path, number, f"'{wrong[:30]}' is no number; correct it or leave the cell empty")
        times.append(values[1])
        rows.append(values[2:])
    if not rows:
        raise MotionFileError(path, None, "it holds no frames; export it again")
    return np.array(times), np.array(rows).reshape(len(rows), count, 3)


def _fitted(cells, width):
    """The cells of a row, as many as there should be, or None.

    Empty cells at its end may be too many or left out; a row in which tabs are doubled has its cells without the empty
    ones.
    """
    if len(cells) > width and not any(cells[width:]):
        return cells[:width]
    if len(cells) > width:
        full = [cell for cell in cells if cell]
        return full if len(full) == width else None
    if len(cells) < 2 or (len(cells) - 2) % 3:
        return None
    return cells + [""] * (width - len(cells))


_NOT_SEEN = re.compile(r"[-+]?(nan|ind|1\.?#(qnan|snan|ind|inf)|n/a|null|none|-)?0*(\(ind\))?", re.IGNORECASE)


def _number(cell):
    """The number in a cell, NaN where it says that there is none; None where it is neither."""
    try:
        value = float(cell)
    except ValueError:
        return float("nan") if _NOT_SEEN.fullmatch(cell) else None
    return value if abs(value) != float("inf") else None


def _cells(line):
    return [cell.strip() for cell in line.split("\t") if cell.strip()] if "\t" in line else line.split()


def _whole(text):
    try:
        return int(float(text))
    except (TypeError, ValueError, OverflowError):
        return None


def _up(names, positions, said):
    """Y, but where a body that stands on a floor along another axis says otherwise."""
    seen = up_from_names(names, positions)
    if seen in (None, "Y"):
        return "Y"
    if stands_on_floor(positions, seen) and not stands_on_floor(positions, "Y"):
        said.append(f"the body in it stands up along {seen}, which is taken to point up; load with up='Y' to keep Y")
        return seen
    said.append(f"Y is taken to point up, but the head lies towards {seen}; load with up='{seen}' if that is wrong")
    return "Y"


def _rate(path, facts, times, said):
    """The rate in the header; that of the times where these say otherwise."""
    rate = None
    for key in ("datarate", "camerarate", "origdatarate"):
        try:
            rate = rate_of_text(facts.get(key, ""))
            break
        except ValueError:
            continue
    known = np.flatnonzero(np.isfinite(times))
    seconds = times[known[-1]] - times[known[0]] if len(known) > 1 else 0.0
    if seconds > 0:
        by_times = float(known[-1] - known[0]) / seconds
        # Times are rounded, often to a millisecond, and so is what they say of the rate.
        if rate is None or abs(by_times / float(rate) - 1) > 0.01 + 0.002 / seconds:
            if rate is not None:
                said.append(f"its header says {float(rate):g} frames a second, its times {by_times:.4g}: taken")
            rate = rate_of_text(f"{by_times:.5g}")
    if rate is None:
        raise MotionFileError(path, None, "neither its header nor its times say how many frames a second it has")
    return rate
