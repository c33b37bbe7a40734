"""C3D, the binary file of motion capture laboratories (the C3D file format user guide, www.c3d.org).

ezc3d reads and writes it, after a look through its blocks (`c3d_blocks`). A sample that the cameras did not see has a
negative residual, or lies exactly at the origin. POINT:Y_SCREEN names the axis that points up on the screen; some
programs write its sign wrong, so the markers decide on that.
"""

import tempfile
from pathlib import Path

import numpy as np

from graphics_ml.errors import MissingExtraError, MotionFileError, OutputError
from graphics_ml.formats.c3d_blocks import BLOCK, MAGIC, MIPS, MOST_FRAMES, MOST_LABELS, as_intel, frames_in, processor
from graphics_ml.formats.frame_times import rate_of_text
from graphics_ml.formats.marker_conventions import (
    METRES,
    checked_options,
    metres,
    place_markers,
    stands_on_floor,
    unit_name,
    up_from_names,
)
from graphics_ml.motion.markers import Markers, bare_name
from graphics_ml.outputs import replacing

NAME = "c3d"


def load(path: str | Path, unit: str | float | None = None, up: str | None = None) -> Markers:
    """The markers in a C3D file; what it lists as angles, forces, moments or powers is left out.

    Args:
        path: the file.
        unit: one of marker_conventions.METRES or metres per unit, in place of what the file says.
        up: "X", "Y", "Z", "-X", "-Y" or "-Z", the axis that points up in the file, in place of what is found.

    Raises:
        MotionFileError: the file cannot be read, is no C3D or is broken, or holds no markers.
        MissingExtraError: ezc3d is not installed.
    """
    path = Path(path)
    checked_options(path, unit, up)
    announced, there = frames_in(path)
    content = _read(path)
    points = content["parameters"]["POINT"]
    places = np.asarray(content["data"]["points"], dtype=np.float64)  # (4, M, F)
    residuals = np.asarray(content["data"]["meta_points"]["residuals"], dtype=np.float64)[0].T
    positions = np.moveaxis(places[:3], 0, -1).swapaxes(0, 1)  # (F, M, 3)
    names = _labels(points, positions.shape[1])
    chosen = _positions_only(points, names)
    if 0 in positions[:, chosen].shape:
        raise MotionFileError(path, None, f"it holds no markers; {_what_else(content)}")
    names = [names[m] for m in chosen]
    positions, residuals = positions[:, chosen], residuals[:, chosen]
    seen = np.isfinite(positions).all(axis=-1) & (residuals >= 0) & (np.abs(positions) < 1e30).all(axis=-1)
    positions = np.where(seen[..., None], positions, np.nan)
    said = []
    if announced > there:
        said.append(f"its header announces {announced} frames; {there} are in it and were read")
        positions, residuals, seen = positions[:there], residuals[:there], seen[:there]
    elif announced == MOST_FRAMES and there > announced + BLOCK:  # more than its last block leaves empty
        said.append(f"it has room for {there} frames, of which its header can count {announced}; these were read")
    unit = unit or _unit(path, points)
    fps = _rate(path, _value(points, "RATE", [0.0]))
    up = up or _up(_value(points, "Y_SCREEN", [""]), names, positions * metres(unit), said)
    facts = {"format": NAME}
    software = _value(content["parameters"].get("MANUFACTURER", {}), "SOFTWARE", [""])
    if software and str(software[0]).strip():
        facts["software"] = str(software[0]).strip()
    return place_markers(path, names, positions, fps, unit, up, said, facts, np.where(seen, residuals, np.nan))


def recognises(path: Path) -> bool:
    """Whether it begins as a C3D does."""
    with open(path, "rb") as file:
        head = file.read(2)
    return len(head) == 2 and head[0] > 1 and head[1] == MAGIC


def save(markers: Markers, path: str | Path, unit: str = "mm") -> None:
    """Write markers as C3D, Y up, in 32-bit floats; gaps have a residual of -1. The provenance goes.

    Raises:
        OutputError: the place cannot be written, or there are more than 65535 frames.
        MissingExtraError: ezc3d is not installed.
        ValueError: there is no such unit.
    """
    if unit not in METRES:
        raise ValueError(f"there is no unit '{unit}'; use one of {', '.join(METRES)}")
    if len(markers) > MOST_FRAMES:
        raise OutputError(
            path, None, f"C3D can count {MOST_FRAMES} frames, not {len(markers)}; write .trc or fewer frames"
        )
    file = _ezc3d().c3d()
    points = file["parameters"]["POINT"]
    points["RATE"]["value"] = [float(markers.fps)]
    points["UNITS"]["value"] = [unit]
    for part, start in enumerate(range(0, len(markers.names), MOST_LABELS), start=1):
        some = list(markers.names[start : start + MOST_LABELS])
        if part == 1:
            points["LABELS"]["value"] = some
        else:
            file.add_parameter("POINT", f"LABELS{part}", some)
    file.add_parameter("POINT", "X_SCREEN", ["+X"])
    file.add_parameter("POINT", "Y_SCREEN", ["+Y"])
    missing = markers.missing.T
    data = np.ones((4, len(markers.names), len(markers)))
    data[:3] = np.nan_to_num(markers.positions / METRES[unit]).transpose(2, 1, 0)
    file["data"]["points"] = data
    residuals = 0.0 if markers.residuals is None else np.nan_to_num(markers.residuals / METRES[unit]).T
    residuals = np.where(missing, -1.0, residuals)
    file["data"]["meta_points"] = {
        "residuals": residuals[None],
        "camera_masks": np.zeros((7, *residuals.shape), dtype=bool),
    }

    def check(place):
        try:
            announced, there = frames_in(place)
        except MotionFileError:
            announced, there = len(markers), 0
        if there < announced:
            raise OutputError(path, None, "it could not be written whole; is the disk full?")

    with replacing(path, check) as place:
        try:
            file.write(str(place))
        except RuntimeError as error:  # what ezc3d makes of any trouble
            raise OutputError(path, None, f"it cannot be written ({error})") from error


def _ezc3d():
    try:
        import ezc3d
    except ModuleNotFoundError as missing:
        raise MissingExtraError("ezc3d", "pose") from missing
    return ezc3d


def _read(path):
    if processor(path) != MIPS:
        return _parsed(path, path)
    with tempfile.TemporaryDirectory() as folder:
        turned = Path(folder, "intel.c3d")
        turned.write_bytes(as_intel(path))
        return _parsed(turned, path)


def _parsed(place, path):
    """What ezc3d reads at `place`; errors name `path`."""
    library = _ezc3d()
    try:
        return library.c3d(str(place))
    # ezc3d raises what the C++ library underneath raises, whatever that is.
    except Exception as error:
        reason = str(error).strip().splitlines()
        why = reason[0] if reason else type(error).__name__
        raise MotionFileError(path, None, f"it cannot be read as a C3D file ({why}); it may be broken") from error


# What the file says of itself


def _value(group, name, default):
    found = group.get(name)
    return default if found is None or not len(found["value"]) else found["value"]


def _numbered(group, name):
    """The values of NAME, NAME2, NAME3, ...: a parameter holds 255 at most."""
    result = list(_value(group, name, []))
    part = 2
    while f"{name}{part}" in group:
        result += list(group[f"{name}{part}"]["value"])
        part += 1
    return [str(value).strip() for value in result]


def _labels(points, count):
    return (_numbered(points, "LABELS") + [""] * count)[:count]


def _positions_only(points, names):
    """Indices of points that are markers: programs list what else they keep as points by its kind."""
    others = {name for kind in _COMPUTED for name in _numbered(points, kind)} - {""}
    return [m for m, name in enumerate(names) if name not in others and bare_name(name) not in others]


_COMPUTED = ("ANGLES", "FORCES", "MOMENTS", "POWERS", "SCALARS")


def _what_else(content):
    analog = content["parameters"].get("ANALOG", {})
    channels, rate = int(_value(analog, "USED", [0])[0]), float(_value(analog, "RATE", [0.0])[0])
    if not channels:
        return "nor anything else that is measured"
    labels = ", ".join(_numbered(analog, "LABELS")[:4])
    return f"only {channels} analog channels at {rate:g} Hz ({labels}{', ...' if channels > 4 else ''})"


def _unit(path, points):
    written = str(_value(points, "UNITS", ["mm"])[0])
    return unit_name(path, written) if written.strip() else "mm"


def _rate(path, value):
    try:
        return rate_of_text(str(np.float32(value[0])))
    except ValueError:
        raise MotionFileError(path, None, f"its frame rate is {value[0]}; export it again with the right one") from None


def _up(screen, names, positions, said):
    """The axis that Y_SCREEN names, its sign as the markers say; without it what they say; else Z, the usual one."""
    written = str(screen[0]).strip().upper()
    by_names = up_from_names(names, positions)
    axis = written[-1:] if written.lstrip("+-") in ("X", "Y", "Z") else ""
    if not axis:
        if by_names:
            return by_names
        said.append("it does not say which axis points up, Z is taken; load with up= if that is wrong")
        return "Z"
    sign = "-" if written.startswith("-") else ""
    if by_names and by_names[-1] == axis:
        return by_names
    if sign and stands_on_floor(positions, axis):
        return axis
    return sign + axis
