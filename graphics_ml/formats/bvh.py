"""Biovision hierarchy files (.bvh).

A file holds a tree of joints, each with an OFFSET from its parent and any number of channels in any order, and then one
number per channel and frame. Position channels replace the joint's OFFSET; rotation channels, degrees, turn about the
joint's own axes one after another in the order they are listed. The zero pose is the skeleton's rest pose: all rest
orientations are identity.

Neither the unit nor the up axis is in the file. They are detected from the body (see conventions), and what was found
is in `motion.provenance["source"]`: file, format, unit, metres_per_unit, unit_from ("detected", "given" or "assumed"),
up, up_from, frame_time as written, and where it happened renamed joints and the announced number of frames.
"""

import math
import re
import warnings
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from pathlib import Path

import numpy as np

from graphics_ml.errors import FormatWarning, MotionFileError
from graphics_ml.formats import half_turns
from graphics_ml.formats.conventions import METRES, detect_unit, detect_up, floor_error, from_y_up, to_y_up
from graphics_ml.formats.digits import NotANumber, compiled, read_numbers, write_numbers
from graphics_ml.motion.kinematics import forward_kinematics, global_rotations
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.rotations import EULER_ORDERS, conjugate, euler_from_quaternion, multiply, rotate
from graphics_ml.motion.skeleton import EndSite, Skeleton
from graphics_ml.outputs import write_bytes

MAX_BYTES = 1 << 31
MAX_JOINTS = 10_000
# A position channel that stays this close to the OFFSET, in metres, does not move its joint.
_STILL = 1e-7
_SAMPLES = 24


def load(
    path: str | Path,
    unit: str | float | None = None,
    up: str | None = None,
    frames: str = "announced",
    fps: Fraction | None = None,
) -> Motion:
    """The motion in a .bvh file, Y up, metres.

    Args:
        path: the file.
        unit: "m", "cm", "mm", "inch", "cmu" (inches/0.45) or metres per unit; detected when None.
        up: "X", "Y" or "Z", the file's up axis; detected when None.
        frames: "announced": the Frames line and the data must agree; "found": take the whole frames that are there.
        fps: frames per second, in place of the Frame Time line. That is taken for the usual rate it rounds, such as 30
            for 0.0333333 or 24000/1001 for 0.0417083.

    Raises:
        MotionFileError: the file cannot be read, is no BVH file or a broken one, or holds no frame.
    """
    path = Path(path)
    if frames not in ("announced", "found"):
        raise ValueError(f"frames is 'announced' or 'found', not '{frames}'")
    data, joints, motion_at = _read(path)
    if motion_at is None:
        raise MotionFileError(path, None, "it has no MOTION part; only its skeleton can be used, with load_skeleton")
    announced, frame_time, frames_at, begin = _motion_head(path, data, motion_at, fps is not None)
    numbers, kept = _frame_table(path, data, begin, joints, announced, frames, frames_at)
    source = {"file": path.name, "format": "bvh"}
    if frame_time is not None:
        source["frame_time"] = frame_time
    if kept != announced:
        source["frames_announced"] = announced
    rotations, moved = _decode(numbers, joints)
    skeleton, renamed = _skeleton(joints)
    if renamed:
        source["renamed"] = renamed
        _warn_renamed(path, renamed)
    rate = Fraction(fps) if fps is not None else frame_rate(frame_time)
    return _in_our_conventions(skeleton, rotations, moved, rate, unit, up, source)


def load_skeleton(path: str | Path, unit: str | float | None = None, up: str | None = None) -> Skeleton:
    """The skeleton in a .bvh file, Y up, metres; its MOTION part may be empty or missing and is not read.

    Args:
        path: the file.
        unit, up: as for load, detected from the zero pose.

    Raises:
        MotionFileError: the file cannot be read or its hierarchy is broken.
    """
    path = Path(path)
    _, joints, _ = _read(path)
    skeleton, renamed = _skeleton(joints)
    if renamed:
        _warn_renamed(path, renamed)
    still = np.tile([1.0, 0, 0, 0], (1, len(joints), 1))
    return _in_our_conventions(skeleton, still, {}, Fraction(1), unit, up, {}).skeleton


def save(motion: Motion, path: str | Path, unit: str | float | None = None, up: str | None = None) -> None:
    """Write a motion as .bvh with six decimals.

    A skeleton whose rest orientations are not identity is written on joint frames along the world's axes, so that the
    file's zero pose is the rest pose and every joint has the same world position. A joint keeps the channels of
    skeleton.channels where they can hold its motion; a FormatWarning names those that had to be widened. Confidence and
    provenance have no place in the file.

    Args:
        motion: what to write.
        path: the file; replaced when it exists.
        unit: as for load; when None, the unit of the .bvh that the motion came from, else "cm".
        up: as for load; when None, that of the .bvh that the motion came from, else "Y".

    Raises:
        OutputError: the place cannot be written.
        ValueError: the unit or the axis is none of those above.
    """
    source = motion.provenance.get("source")
    source = source if isinstance(source, dict) and source.get("format") == "bvh" else {}
    scale = _metres(source.get("metres_per_unit", 0.01) if unit is None else unit)
    up = _axis(source.get("up", "Y") if up is None else up)
    motion = _depth_first(_on_world_axes(motion))
    motion = _on_axes(motion, up, from_y_up, everything=_rest_up(motion.skeleton) == "Y")
    channels, widened = _channels_that_hold(motion)
    if widened:
        warnings.warn(
            f"{path}: the channels of {_some(widened)} could not hold the motion; they have more now",
            FormatWarning,
            stacklevel=2,
        )
    head = _hierarchy_text(motion.skeleton, channels, scale)
    head += f"MOTION\nFrames: {len(motion)}\nFrame Time: {_frame_time_text(motion.fps)}\n"
    write_bytes(path, head.encode() + write_numbers(_encode(motion, channels, scale)))


def frame_rate(frame_time: str) -> Fraction:
    """Frames per second for the seconds per frame that a file gives, as text.

    With twelve digits or more it is the simplest fraction that they round; with fewer the usual rate or the whole
    number of frames per second that they round or cut off, and else exactly what they say.
    """
    written = Decimal(frame_time)
    if len(written.as_tuple().digits) >= 12:
        step = Fraction(1, 10 ** -written.as_tuple().exponent)
        return 1 / _simplest_between(Fraction(written) - step / 2, Fraction(written) + step / 2)
    seconds = Fraction(written)
    if seconds.numerator == 1:
        return 1 / seconds
    step = Fraction(10) ** written.normalize().as_tuple().exponent
    near = max(step, seconds * Fraction(2, 10**7))  # the latter for digits of a 32-bit float
    for rates in (_USUAL_RATES, _TELEVISION_RATES, (Fraction(max(1, round(1 / seconds))),)):
        best = min(rates, key=lambda rate: abs(1 / rate - seconds))
        if abs(1 / best - seconds) <= near:
            return best
    return 1 / seconds


_USUAL_RATES = tuple(
    Fraction(rate)
    for rate in (12, 15, 24, 25, 30, 48, 50, 60, 72, 75, 90, 96, 100, 120, 144, 150, 180, 200, 240, 250, 300, 360, 480)
)
_TELEVISION_RATES = tuple(Fraction(1000 * rate, 1001) for rate in (24, 30, 48, 60, 120, 240))


def _simplest_between(low, high):
    """The fraction with the smallest denominator in [low, high], both positive (Stern-Brocot)."""
    whole = math.ceil(low)
    if whole <= high:
        return Fraction(whole)
    below = math.floor(low)
    return below + 1 / _simplest_between(1 / (high - below), 1 / (low - below))


def _frame_time_text(fps):
    seconds = Decimal(fps.denominator) / Decimal(fps.numerator)
    short = f"{seconds:.10f}"
    if float(short) > 0 and frame_rate(short) == fps:
        return short
    return f"{seconds:.{14 - seconds.adjusted()}f}"


# Reading the text


@dataclass
class _Joint:
    name: str
    parent: int
    line: int
    offset: list[float] | None = None
    channels: tuple[str, ...] = ()
    end_sites: list["_End"] = field(default_factory=list)


@dataclass
class _End:
    name: str
    line: int
    offset: list[float] | None = None


_ITEM = re.compile(
    r"\s*(?:(?P<kind>ROOT|JOINT|End[ \t]+Site)\b[ \t]*(?P<name>[^\r\n{}]*?)\s*\{"
    r"|OFFSET[ \t]+(?P<offset>[^\r\n{}]*)"
    r"|CHANNELS[ \t]+(?P<count>\d+)(?P<channels>(?:\s+[XYZ](?:position|rotation)\b)*)"
    r"|(?P<close>\}))",
    re.IGNORECASE,
)
_MOTION = re.compile(rb"(?:\A|[\r\n}])[ \t]*(MOTION)(?=\s|\Z)", re.IGNORECASE)
_FRAMES = re.compile(rb"\s*Frames[ \t]*:[ \t]*([^\s:]*)", re.IGNORECASE)
_FRAME_TIME = re.compile(rb"\s*Frame[ \t]*Time[ \t]*:[ \t]*([^\s:]*)", re.IGNORECASE)


def _read(path):
    """The bytes of a file, its joints, and where in the bytes its MOTION part begins, or None."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise MotionFileError(path, None, f"it is larger than {MAX_BYTES >> 30} GiB; cut the recording up")
        data = path.read_bytes()
    except OSError as error:
        raise MotionFileError(path, None, f"it cannot be read ({error.strerror or error}); check the name") from error
    data = _as_plain_text(path, data)
    motion = _MOTION.search(data)
    head = data[: motion.start(1)] if motion else data
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError:
        text = head.decode("latin-1")
    return data, _parse_hierarchy(path, text), motion.end(1) if motion else None


def _as_plain_text(path, data):
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        try:
            data = data.decode("utf-16").encode()
        except UnicodeDecodeError as error:
            raise MotionFileError(path, None, "it is broken UTF-16 text; save it as plain text") from error
    data = data.removeprefix(b"\xef\xbb\xbf")
    return data if b"\n" in data else data.replace(b"\r", b"\n")


def _parse_hierarchy(path, text):
    start = re.match(r"\s*HIERARCHY\b", text, re.IGNORECASE)
    if not start:
        raise MotionFileError(path, 1, "a BVH file begins with the word HIERARCHY, this one does not; check the file")
    joints, open_blocks, at = [], [], start.end()
    while item := _ITEM.match(text, at):
        line = text.count("\n", 0, item.start(item.lastgroup)) + 1
        block = open_blocks[-1] if open_blocks else None
        if item["kind"]:
            _open_block(path, line, item, joints, open_blocks)
        elif block is None:
            raise MotionFileError(path, line, "this stands outside of every joint; check the braces above it")
        elif item["close"]:
            _close_block(path, block, open_blocks)
        elif item["offset"] is not None:
            block.offset = _three_numbers(path, line, item["offset"])
        else:
            _set_channels(path, line, item, block)
        at = item.end()
    rest = text[at:].strip()
    if rest:
        line = text.count("\n", 0, text.index(rest, at)) + 1
        raise MotionFileError(
            path, line, f"'{rest.splitlines()[0][:60]}' is not understood in a hierarchy; correct or remove it"
        )
    if open_blocks:
        raise MotionFileError(
            path, open_blocks[-1].line, "the block that opens here is never closed; the file may have been cut off"
        )
    if not joints:
        raise MotionFileError(path, None, "its hierarchy has no ROOT; check the file")
    return joints


def _open_block(path, line, item, joints, open_blocks):
    kind, name = item["kind"].upper(), item["name"].strip()
    parent = open_blocks[-1] if open_blocks else None
    if isinstance(parent, _End):
        raise MotionFileError(path, line, "an End Site cannot hold another joint; check the braces")
    if kind == "ROOT":
        if joints:
            raise MotionFileError(
                path, line, f"'{name}' is a second ROOT; write each root and its own motion to a file of its own"
            )
        parent_index = -1
    elif parent is None:
        raise MotionFileError(path, line, f"'{name}' stands outside of the ROOT; check the braces above it")
    if kind.startswith("END"):
        block = _End(name, line)
        parent.end_sites.append(block)
    else:
        if kind == "JOINT":
            parent_index = next(index for index in range(len(joints) - 1, -1, -1) if joints[index] is parent)
        if len(joints) == MAX_JOINTS:
            raise MotionFileError(path, line, f"it has more than {MAX_JOINTS} joints; this is no skeleton")
        block = _Joint(name, parent_index, line)
        joints.append(block)
    open_blocks.append(block)


def _close_block(path, block, open_blocks):
    if block.offset is None:
        raise MotionFileError(path, block.line, f"'{block.name or 'End Site'}' has no OFFSET; add one")
    open_blocks.pop()


def _three_numbers(path, line, text):
    try:
        numbers = [float(word) for word in text.split()]
    except ValueError:
        numbers = []
    if len(numbers) != 3 or not all(math.isfinite(number) for number in numbers):
        raise MotionFileError(path, line, f"an OFFSET is three numbers, not '{text.strip()[:60]}'; correct it")
    return numbers


def _set_channels(path, line, item, block):
    channels = tuple(word[0].upper() + word[1:].lower() for word in item["channels"].split())
    if int(item["count"]) != len(channels):
        raise MotionFileError(
            path, line, f"CHANNELS announces {item['count']} channels but {len(channels)} known ones follow; correct it"
        )
    if isinstance(block, _End):
        if channels:
            raise MotionFileError(path, line, "an End Site cannot move; remove its channels or make it a JOINT")
        return
    positions = [channel for channel in channels if channel.endswith("position")]
    if len(set(positions)) != len(positions):
        raise MotionFileError(path, line, "a position channel stands twice in one joint; remove one")
    block.channels = channels


def _motion_head(path, data, at, rate_given):
    """Announced frames, frame time as text or None, the line of Frames, and where the numbers begin."""
    frames = _FRAMES.match(data, at)
    line = _line(data, at) if frames is None else _line(data, frames.start(1))
    if frames is None or not re.fullmatch(rb"\d{1,9}", frames[1]):
        said = "" if frames is None else f", not '{frames[1][:20].decode('latin-1')}'"
        raise MotionFileError(path, line, f"after MOTION a line says 'Frames:' and how many there are{said}; add it")
    time = _FRAME_TIME.match(data, frames.end())
    begin = frames.end() if time is None else time.end()
    text = None if time is None else time[1].decode("latin-1")
    if rate_given:
        return int(frames[1]), text, line, begin
    if text is None:
        raise MotionFileError(path, line + 1, "the 'Frame Time:' line is missing; add it or load with fps=")
    try:
        usable = Decimal(text).is_finite() and 1e-6 < Decimal(text) < 1e6
    except InvalidOperation:
        usable = False
    if not usable:
        where = _line(data, time.start(1))
        raise MotionFileError(path, where, f"'{text[:20]}' is no Frame Time in seconds; correct it or load with fps=")
    return int(frames[1]), text, line, begin


def _frame_table(path, data, begin, joints, announced, frames, frames_at):
    """The numbers as (F, C), and how many frames were found."""
    width = sum(len(joint.channels) for joint in joints)
    if width == 0:
        raise MotionFileError(path, None, "no joint has a channel, so it holds no motion; use load_skeleton")
    try:
        numbers = read_numbers(data, begin)
    except NotANumber as error:
        shown = error.text[:20].decode("latin-1")
        raise MotionFileError(path, _line(data, error.position), f"'{shown}' is not a number; correct it") from error
    found, rest = divmod(len(numbers), width)
    if rest or found != announced:
        _check_lines(path, data, begin, width, rest)
        if frames != "found":
            part = f" and {rest} of the {width} numbers of one more" if rest else ""
            raise MotionFileError(
                path,
                frames_at,
                f"the header announces {announced} frames but {found}{part} follow; correct the Frames line, or load "
                "with frames='found'",
            )
    if found == 0:
        raise MotionFileError(path, frames_at, "it holds no frame; only its skeleton can be used, with load_skeleton")
    return numbers[: found * width].reshape(found, width), found


def _check_lines(path, data, begin, width, rest):
    """Where each frame is a line, a line of another length in the middle would shift all that follow."""
    lengths = [(number, len(line.split())) for number, line in enumerate(data[begin:].split(b"\n")) if line.strip()]
    wrong = [(number, length) for number, length in lengths[:-1] if length != width]
    if wrong and len(wrong) <= len(lengths) / 2:
        number, length = wrong[0]
        raise MotionFileError(
            path, _line(data, begin) + number, f"this frame has {length} numbers, not {width}; correct or remove it"
        )


def _line(data, position):
    return data.count(b"\n", 0, position) + 1


# From channels to a motion


def _skeleton(joints):
    """The skeleton in the file's unit and axes, and {new name: name in the file} of the joints renamed."""
    names, renamed = [], {}
    taken = {joint.name for joint in joints}
    for joint in joints:
        name = joint.name or "joint"
        if name in names or not joint.name:
            number = 2
            while f"{name}_{number}" in taken:
                number += 1
            renamed[f"{name}_{number}"] = joint.name
            name = f"{name}_{number}"
            taken.add(name)
        names.append(name)
    ends = tuple(EndSite(index, end.offset, end.name) for index, joint in enumerate(joints) for end in joint.end_sites)
    parents = [joint.parent for joint in joints]
    offsets = [joint.offset for joint in joints]
    channels = [joint.channels for joint in joints]
    return Skeleton(names, parents, offsets, end_sites=ends, channels=channels), renamed


def _warn_renamed(path, renamed):
    warnings.warn(f"{path}: joint names are not unique; renamed to {_some(list(renamed))}", FormatWarning, stacklevel=3)


def _some(names):
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _columns(channels):
    """For each joint its position channels and its rotation channels, as lists of (axis index, column)."""
    columns, column = [], 0
    for names in channels:
        of_joint = {"position": [], "rotation": []}
        for name in names:
            of_joint[name[1:]].append(("XYZ".index(name[0]), column))
            column += 1
        columns.append((of_joint["position"], of_joint["rotation"]))
    return columns


def _decode(numbers, joints):
    """Rotations (F, J, 4), and {joint: positions (F, 3)} of the joints with position channels, in the file's axes."""
    columns = _columns([joint.channels for joint in joints])
    moved = {}
    for index, (positions, _) in enumerate(columns):
        if positions:
            moved[index] = np.tile(np.array(joints[index].offset, dtype=np.float64), (len(numbers), 1))
            for axis, column in positions:
                moved[index][:, axis] = numbers[:, column]
    groups = {}
    for index, (_, turns) in enumerate(columns):
        groups.setdefault(tuple(axis for axis, _ in turns), []).append((index, [column for _, column in turns]))
    rotations = np.empty((len(numbers), len(joints), 4))
    half = (compiled(8 * numbers.size) or half_turns).half_turn
    # Some hundred frames at a time, one row per channel, stay in cache.
    step = max(16, (1 << 15) // numbers.shape[1])
    for axes, members in groups.items():
        indices = _range_of([index for index, _ in members])
        columns_of = [_range_of(of_turn) for of_turn in zip(*(turn for _, turn in members), strict=True)]
        last = None
        for first in range(0, len(numbers), step):
            block = numbers[first : first + step]
            parts = _quaternion_parts(axes, [half(np.ascontiguousarray(block[:, of_turn].T)) for of_turn in columns_of])
            last = _unroll_rows(parts, last)
            for c, part in enumerate(parts):
                rotations[first : first + step, indices, c] = part.T if isinstance(part, np.ndarray) else part
    return rotations, moved


def _range_of(indices):
    """Evenly spaced indices as a slice, which costs no copy."""
    steps = set(np.diff(indices).tolist())
    if len(steps) > 1 or len(indices) == 1:
        return list(indices)
    return slice(indices[0], indices[-1] + 1, steps.pop())


def _unroll_rows(parts, last):
    """Give neighbours in time signs of one hemisphere, in place; `last` and the result are the parts of the last frame.

    Args:
        parts: w, x, y, z, each (N, F) or a number.
        last: w, x, y, z, each (N,) or a number, or None.
    """
    moving = [part for part in parts if isinstance(part, np.ndarray)]
    if not moving:
        return None
    before = [part[:, 0] for part in moving] if last is None else last
    towards = np.empty_like(moving[0])
    towards[:, 0] = sum(part[:, 0] * previous for part, previous in zip(moving, before, strict=True))
    np.multiply(moving[0][:, 1:], moving[0][:, :-1], out=towards[:, 1:])
    for part in moving[1:]:
        towards[:, 1:] += part[:, 1:] * part[:, :-1]
    if towards.min() < 0:
        signs = np.cumprod(np.where(towards < 0, -1.0, 1.0), axis=1)
        for part in moving:
            part *= signs
    return [part[:, -1].copy() for part in moving]


def _quaternion_parts(axes, turns):
    """w, x, y, z of turns about the axes one after another; a part that is 0 or 1 throughout is a number.

    Args:
        axes: 0, 1 or 2 each.
        turns: sine and cosine of half the angle of each.

    Multiplying by a turn about one axis mixes w with the part on that axis, and the other two with one another.
    """
    parts = [1.0, 0.0, 0.0, 0.0]
    for axis, (sine, cosine) in zip(axes, turns, strict=True):
        own, after, before = 1 + axis, 1 + (axis + 1) % 3, 1 + (axis + 2) % 3
        w, k, i, j = parts[0], parts[own], parts[after], parts[before]
        parts[0], parts[own] = _mixed(w, cosine, k, -1, sine), _mixed(k, cosine, w, 1, sine)
        parts[after], parts[before] = _mixed(i, cosine, j, 1, sine), _mixed(j, cosine, i, -1, sine)
    return parts


def _mixed(a, cosine, b, sign, sine):
    """a * cosine + sign * b * sine, without arithmetic on parts that are still the numbers 0 or 1."""
    first = a if isinstance(a, float) and a == 0 else cosine if isinstance(a, float) else a * cosine
    second = b if isinstance(b, float) and b == 0 else sine if isinstance(b, float) else b * sine
    if isinstance(second, float):
        return first
    if isinstance(first, float):
        return second if sign > 0 else -second
    return first + second if sign > 0 else first - second


def _in_our_conventions(skeleton, rotations, moved, rate, unit, up, source):
    """The motion, Y up and in metres, of what was read in the file's unit and axes."""
    sample = np.unique(np.linspace(0, len(rotations) - 1, _SAMPLES).round().astype(int))
    offsets = np.tile(skeleton.offsets, (len(sample), 1, 1))
    for joint, positions in moved.items():
        offsets[:, joint] = positions[sample]
    scale, unit_name, unit_from = _unit(unit, np.median(np.linalg.norm(offsets, axis=-1), axis=0), skeleton.parents)
    seen = forward_kinematics(rotations[sample], offsets[:, 0], offsets, skeleton.parents)
    rest_up = _rest_up(skeleton)
    up, up_from = _up(up, rest_up, skeleton, seen)

    root = moved.pop(0, None)
    root = np.tile(skeleton.offsets[0], (len(rotations), 1)) if root is None else root
    local = None
    if any(np.abs(place - skeleton.offsets[joint]).max() * scale > _STILL for joint, place in moved.items()):
        local = np.tile(skeleton.offsets, (len(rotations), 1, 1))
        for joint, place in moved.items():
            local[:, joint] = place
        local *= scale
    source |= dict(unit=unit_name, metres_per_unit=scale, unit_from=unit_from, up=up, up_from=up_from)
    ends = tuple(EndSite(end.joint, end.offset * scale, end.name) for end in skeleton.end_sites)
    skeleton = skeleton.replace(offsets=skeleton.offsets * scale, end_sites=ends)
    rotations.flags.writeable = False  # so that Motion needs no copy of its own
    motion = Motion(skeleton, rotations, root * scale, rate, local_positions=local, provenance={"source": source})
    return _on_axes(motion, up, to_y_up, everything=rest_up == up)


def _unit(unit, lengths, parents):
    """Metres per unit, its name, and how it is known."""
    if unit is not None:
        scale = _metres(unit)
        names = [name for name, metres in METRES.items() if math.isclose(metres, scale)]
        return scale, names[0] if names else str(scale), "given"
    found = detect_unit(lengths, parents)
    return METRES[found or "cm"], found or "cm", "detected" if found else "assumed"


def _metres(unit):
    if unit in METRES:
        return METRES[unit]
    try:
        scale = float(unit)
    except ValueError:
        scale = 0.0
    if not (scale > 0 and math.isfinite(scale)):
        raise ValueError(f"a unit is one of {', '.join(METRES)} or a positive number of metres, not '{unit}'")
    return scale


def _axis(up):
    if up not in ("X", "Y", "Z"):
        raise ValueError(f"the up axis is 'X', 'Y' or 'Z', not '{up}'")
    return up


def _rest_up(skeleton):
    return detect_up(skeleton.names, skeleton.parents, skeleton.rest_positions()[None])


def _up(up, rest_up, skeleton, positions):
    """The up axis, and how it is known: the zero pose and the frames seen each have a say."""
    if up is not None:
        return _axis(up), "given"
    expected = "Z" if rest_up == "Z" else "Y"
    found = detect_up(skeleton.names, skeleton.parents, positions)
    if found in (None, "X", expected):
        return expected, "detected" if found == expected or rest_up in ("Y", "Z") else "assumed"
    # Either the file's up axis is not that of its zero pose, or the body lies down all the time.
    on_found, on_expected = (floor_error(skeleton.parents, positions, axis) for axis in (found, expected))
    return found if on_found < on_expected else expected, "detected"


# How our axes lie to those of a file with this axis up, as quaternions.
_TO_Y_UP = {"Z": (math.sqrt(0.5), -math.sqrt(0.5), 0, 0), "X": (math.sqrt(0.5), 0, 0, math.sqrt(0.5))}


def _on_axes(motion, up, turn, everything):
    """The motion in other world axes.

    Args:
        motion: what to turn.
        up: the file's up axis.
        turn: to_y_up or from_y_up.
        everything: whether the joints' own axes and so the zero pose turn too, or else only the root in the world.
    """
    if up == "Y":
        return motion
    skeleton, rotations, local = motion.skeleton, motion.rotations.copy(), motion.local_positions
    offsets, ends = skeleton.offsets.copy(), skeleton.end_sites
    offsets[0] = turn(offsets[0], up)
    if everything:
        rotations[..., 1:] = turn(rotations[..., 1:], up)
        offsets = turn(skeleton.offsets, up)
        ends = tuple(EndSite(end.joint, turn(end.offset, up), end.name) for end in ends)
        local = None if local is None else turn(local, up)
    else:
        quarter = np.array(_TO_Y_UP[up], dtype=np.float64)
        rotations[:, 0] = multiply(quarter if turn is to_y_up else conjugate(quarter), rotations[:, 0])
    return motion.replace(
        skeleton=skeleton.replace(offsets=offsets, end_sites=ends),
        rotations=rotations,
        root_positions=turn(motion.root_positions, up),
        local_positions=local,
    )


# From a motion to channels

_POSITIONS = ("Xposition", "Yposition", "Zposition")
_TURNS = ("Zrotation", "Xrotation", "Yrotation")
# Half of this angle, radians, is lost at most when a joint with one or two rotation channels is written.
_NEGLIGIBLE = 5e-7


def _on_world_axes(motion):
    """The same world positions with every joint's frame along the world's axes in the rest pose."""
    skeleton = motion.skeleton
    rest = global_rotations(skeleton.rest_orientations, skeleton.parents)
    if np.abs(rest[:, 1:]).max() < 1e-12:
        return motion
    of_parent = np.stack([[1.0, 0, 0, 0] if parent < 0 else rest[parent] for parent in skeleton.parents])
    local = motion.local_positions
    ends = tuple(EndSite(end.joint, rotate(rest[end.joint], end.offset), end.name) for end in skeleton.end_sites)
    return motion.replace(
        skeleton=skeleton.replace(
            offsets=rotate(of_parent, skeleton.offsets), rest_orientations=None, end_sites=ends, channels=None
        ),
        rotations=multiply(of_parent, multiply(motion.rotations, conjugate(rest))),
        local_positions=None if local is None else rotate(of_parent, local),
    )


def _depth_first(motion):
    """The same motion with the joints in the order in which a hierarchy is written."""
    skeleton = motion.skeleton
    children, order, waiting = skeleton.children, [], [0]
    while waiting:
        order.append(waiting.pop())
        waiting.extend(reversed(children[order[-1]]))
    if order == list(range(len(skeleton))):
        return motion
    place = {joint: index for index, joint in enumerate(order)}
    local, confidence = motion.local_positions, motion.confidence
    return motion.replace(
        skeleton=Skeleton(
            [skeleton.names[joint] for joint in order],
            [place.get(skeleton.parents[joint], -1) for joint in order],
            skeleton.offsets[order],
            skeleton.rest_orientations[order],
            tuple(EndSite(place[end.joint], end.offset, end.name) for end in skeleton.end_sites),
            None if skeleton.channels is None else [skeleton.channels[joint] for joint in order],
        ),
        rotations=motion.rotations[:, order],
        local_positions=None if local is None else local[:, order],
        confidence=None if confidence is None else confidence[:, order],
    )


def _channels_that_hold(motion):
    """For each joint the channels it is written with, and the names of the joints whose own do not suffice."""
    skeleton = motion.skeleton
    channels, widened = [], []
    for joint, name in enumerate(skeleton.names):
        default = (_POSITIONS if joint == 0 else ()) + _TURNS
        own = default if skeleton.channels is None else tuple(skeleton.channels[joint])
        places = tuple(channel for channel in own if channel in _POSITIONS)
        turns = tuple(channel for channel in own if channel not in _POSITIONS)
        holds = True
        if not {_POSITIONS[axis] for axis in _moving_axes(motion, joint)} <= set(places):
            places, holds = _POSITIONS, False
        if not _turns_suffice(motion.rotations[:, joint], turns):
            turns, holds = _TURNS, False
        if not holds:
            own = places + turns
            if skeleton.channels is not None:
                widened.append(name)
        channels.append(own)
    return channels, widened


def _moving_axes(motion, joint):
    """The axes along which a joint leaves its offset."""
    if joint > 0 and motion.local_positions is None:
        return []
    place = motion.root_positions if joint == 0 else motion.local_positions[:, joint]
    away = np.abs(place - motion.skeleton.offsets[joint]).max(axis=0)
    return [axis for axis in range(3) if away[axis] > _STILL]


def _turns_suffice(rotations, turns):
    order = _order(turns)
    return order in EULER_ORDERS or (
        len(turns) == len(set(turns)) < 3 and _angles_of_few(rotations, order)[1] < _NEGLIGIBLE
    )


def _order(channels):
    return "".join(channel[0] for channel in channels if channel.endswith("rotation"))


def _angles_of_few(rotations, order):
    """Angles (F, n) about n < 3 different axes, and the largest angle of what they leave of the rotations (F, 4)."""
    angles, rest = [], rotations
    for position, letter in enumerate(order):
        axis = "XYZ".index(letter)
        along, beside = rest[:, 1 + axis], rest[:, 0]
        if position + 1 < len(order):
            # For a turn about this axis and then about the next, two pairs of parts give the same angle; one of the
            # two is small where the second turn is near a half turn or near none.
            after = "XYZ".index(order[position + 1])
            third, sign = 3 - axis - after, 1 if (after - axis) % 3 == 1 else -1
            swap = along**2 + beside**2 < 0.5 * np.sum(rest**2, axis=1)
            along, beside = (
                np.where(swap, sign * rest[:, 1 + third], along),
                np.where(swap, rest[:, 1 + after], beside),
            )
        half = np.arctan2(along, beside)
        turn = np.zeros_like(rotations)
        turn[:, 0], turn[:, 1 + axis] = np.cos(half), np.sin(half)
        rest = multiply(conjugate(turn), rest)
        angles.append(2 * half)
    left = 2 * np.arctan2(np.linalg.norm(rest[:, 1:], axis=1), np.abs(rest[:, 0])).max()
    wrapped = [angle - 2 * math.pi * np.round(angle / (2 * math.pi)) for angle in angles]
    return np.stack(wrapped, axis=1) if angles else np.empty((len(rotations), 0)), left


def _encode(motion, channels, scale):
    """The table (F, C) of a motion in the file's axes."""
    columns = _columns(channels)
    table = np.empty((len(motion), sum(len(names) for names in channels)))
    groups = {}
    for joint, (places, turns) in enumerate(columns):
        for axis, column in places:
            if joint == 0:
                place = motion.root_positions[:, axis]
            elif motion.local_positions is None:
                place = motion.skeleton.offsets[joint, axis]
            else:
                place = motion.local_positions[:, joint, axis]
            table[:, column] = place / scale
        order = _order(channels[joint])
        if order in EULER_ORDERS:
            groups.setdefault(order, []).append((joint, [column for _, column in turns]))
        elif order:
            table[:, [column for _, column in turns]] = np.degrees(_angles_of_few(motion.rotations[:, joint], order)[0])
    step = max(16, (1 << 15) // table.shape[1])
    for first in range(0, len(table), step):
        for order, members in groups.items():
            joints = [joint for joint, _ in members]
            # Frames last, so that each part of the quaternions lies together.
            parts = np.ascontiguousarray(np.moveaxis(motion.rotations[first : first + step, joints], 0, -1))
            angles = np.degrees(euler_from_quaternion(np.moveaxis(parts, 1, -1), order))
            for position in range(3):
                to = [columns_of[position] for _, columns_of in members]
                table[first : first + step, to] = angles[..., position].T
    return table


def _hierarchy_text(skeleton, channels, scale):
    children, lines = skeleton.children, ["HIERARCHY"]
    ends = {}
    for end in skeleton.end_sites:
        ends.setdefault(end.joint, []).append(end)
    waiting = [(0, 0)]
    while waiting:
        joint, depth = waiting.pop()
        indent = "\t" * depth
        if joint is None:
            lines.append(indent + "}")
            continue
        lines += [
            f"{indent}{'JOINT' if depth else 'ROOT'} {_one_line(skeleton.names[joint])}",
            indent + "{",
            f"{indent}\tOFFSET {_three(skeleton.offsets[joint] / scale)}",
            f"{indent}\t" + " ".join(["CHANNELS", str(len(channels[joint])), *channels[joint]]),
        ]
        for end in ends.get(joint, []):
            lines += [
                f"{indent}\tEnd Site {_one_line(end.name)}".rstrip(),
                indent + "\t{",
                f"{indent}\t\tOFFSET {_three(end.offset / scale)}",
                indent + "\t}",
            ]
        waiting.append((None, depth))
        waiting.extend((child, depth + 1) for child in reversed(children[joint]))
    return "\n".join(lines) + "\n"


def _one_line(name):
    return re.sub(r"[{}\s]+", " ", name).strip()


def _three(vector):
    return " ".join(f"{value:.6f}" for value in vector)
