"""What marker files leave open: their unit, which of their axes points up, names that are empty or given twice."""

import re
import warnings
from pathlib import Path

import numpy as np

from graphics_ml.errors import FormatWarning, MotionFileError
from graphics_ml.formats.conventions import to_y_up
from graphics_ml.motion.markers import Markers, bare_name

METRES = {"m": 1.0, "dm": 0.1, "cm": 0.01, "mm": 0.001, "um": 1e-6, "inch": 0.0254, "foot": 0.3048}
"""Metres per unit."""
UPS = ("X", "Y", "Z", "-X", "-Y", "-Z")


def checked_options(path, unit, up) -> None:
    """Raise MotionFileError unless a unit, if given, is one of METRES or metres per unit, and an axis one of UPS."""
    if unit is not None and metres(unit) is None:
        raise MotionFileError(path, None, f"'{unit}' is no unit; use {', '.join(METRES)} or metres per unit")
    if up not in (None, *UPS):
        raise MotionFileError(path, None, f"'{up}' is no axis; use one of {', '.join(UPS)}")


def metres(unit: str | float) -> float | None:
    """Metres per unit, of one of METRES or of a number; None where it is neither."""
    try:
        number = METRES.get(unit) or float(unit)
    except ValueError:
        return None
    return number if 0 < number < 1e6 else None


def unit_name(path, text: str) -> str:
    """The one of METRES that a file means by "mm", "MM", "millimeters", "in", ...; MotionFileError where it is none."""
    word = text.strip().lower().replace("µ", "u").replace("μ", "u")
    for unit, words in _UNIT_WORDS.items():
        if word in words:
            return unit
    raise MotionFileError(
        path, None, f"its unit '{text[:20]}' is not known; load it with unit= one of {', '.join(METRES)}"
    )


def place_markers(path, names, positions, fps, unit, up, said, about, residuals=None) -> Markers:
    """Markers from a file's own numbers, or what is wrong with them.

    Args:
        path: the file, for messages.
        names: M labels as they stand; empty and repeated ones get a name of their own.
        positions: (F, M, 3) in the file's unit and axes; all three exactly zero means not seen.
        fps: frames per second.
        unit: one of METRES, or metres per unit.
        up: one of UPS.
        said: a sentence on each thing that was changed; each becomes a FormatWarning.
        about: its format and what else the provenance should say.
        residuals: (F, M) in the file's unit.
    """
    names, renamed = unique_names(names)
    said = [*said, *renamed]
    at_origin = (positions == 0).all(axis=-1)
    if at_origin.any():
        positions = np.where(at_origin[..., None], np.nan, positions)
        said.append(f"{int(at_origin.sum())} samples lie exactly at the origin and count as not seen")
    for sentence in said:
        warnings.warn(FormatWarning(f"{path}: {sentence}"), stacklevel=5)
    try:
        return Markers(
            names,
            to_y_up(positions * metres(unit), up),
            fps,
            None if residuals is None else residuals * metres(unit),
            {"source": {"file": Path(path).name, **about, "unit": str(unit), "up": up}},
        )
    except ValueError as error:
        raise MotionFileError(path, None, f"what it holds makes no markers ({error}); export it again") from error


def unique_names(names) -> tuple[tuple[str, ...], list[str]]:
    """Labels made all different and none empty, and a sentence where any had to be changed."""
    taken, result, changed = set(), [], 0
    for number, name in enumerate(names, start=1):
        new = name = name.strip() or f"*{number}"
        copy = 2
        while new in taken:
            new, copy = f"{name}_{copy}", copy + 1
        taken.add(new)
        result.append(new)
        changed += new != names[number - 1].strip()
    said = [f"{changed} markers had no name of their own and got one, such as '*5' or 'LANK_2'"] if changed else []
    return tuple(result), said


def up_from_names(names, positions) -> str | None:
    """The one of UPS along which markers of head, trunk or pelvis lie above the feet's; None where names do not say.

    Args:
        names: M labels.
        positions: (F, M, 3) in any unit and axes, NaN for gaps.
    """
    bare = [bare_name(name) for name in names]
    high, low = ([m for m, name in enumerate(bare) if pattern.search(name)] for pattern in (_HIGH, _LOW))
    seen = [np.isfinite(positions[:, group]).all(axis=-1).any(axis=1) for group in (high, low)]
    both = positions[seen[0] & seen[1]]
    if not len(both):
        return None
    body = np.median(np.nanmean(both[:, high], axis=1) - np.nanmean(both[:, low], axis=1), axis=0)
    axis = int(np.argmax(np.abs(body)))
    if not abs(body[axis]) > 0.8 * np.linalg.norm(body):
        return None
    return ("-" if body[axis] < 0 else "") + "XYZ"[axis]


def stands_on_floor(positions, up: str) -> bool:
    """Whether the lowest of markers (F, M, 3), metres in a file's axes, stays near zero along the axis `up`."""
    height = positions[..., "XYZ".index(up[-1])] * (-1 if up.startswith("-") else 1)
    seen = np.isfinite(height).sum(axis=1) >= 0.5 * np.isfinite(height).any(axis=0).sum()
    if not seen.any():
        return False
    lowest = np.nanmin(height[seen], axis=1)
    return bool(abs(np.median(lowest)) < 0.2 and lowest.std() < 0.1)


_UNIT_WORDS = {
    "m": ("m", "meter", "meters", "metre", "metres"),
    "dm": ("dm", "decimeter", "decimeters"),
    "cm": ("cm", "centimeter", "centimeters", "centimetre", "centimetres"),
    "mm": ("mm", "millimeter", "millimeters", "millimetre", "millimetres"),
    "um": ("um", "micrometer", "micrometers", "micron", "microns"),
    "inch": ("in", "inch", "inches", '"'),
    "foot": ("ft", "foot", "feet"),
}
# The usual labels of markers on head, trunk or pelvis and on feet: in full, and Vicon's, van Sint Jan's and others'
# abbreviations.
_HIGH = re.compile(
    r"head|skull|nose|neck|temple|stern|acrom|shoulder|thorax|chest|clav|^[LR]?[FB]HD$|^C_?7$|^CV_?7$|^T_?10$|^TV_?\d+$"
    r"|^STRN$|^[LR]SHO$|^[LR]_?SAJ$|^[LR]_?ACR?$|^[LR]_HD[FB]$"
    r"|asis|psis|sacr|pelvis|hip|^[LR]_?(ASI|PSI|IAS|IPS|FWT|BWT|HJC)$",
    re.IGNORECASE,
)
_LOW = re.compile(
    r"foot|feet|toe|ankle|heel|malleol|calc|^[LR]_?(ANK|HEE|MT\d?|FAL|TAM|FCC|FM\d|CAL|LMAL|MMAL|AM|AL)$", re.IGNORECASE
)
