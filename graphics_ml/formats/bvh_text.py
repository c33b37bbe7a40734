"""The text of a BVH file: its hierarchy, the head of its MOTION part and its table of numbers, as they stand there."""

import re
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from itertools import pairwise

from graphics_ml.errors import MotionFileError
from graphics_ml.formats.digits import NotANumber, read_numbers
from graphics_ml.hints import SAY_FOUND

MAX_BYTES = 1 << 31
MAX_JOINTS = 10_000
# Units beyond which nothing stands: no place on Earth in any unit, and far from where sums overflow.
FARTHEST = 1e12
# Seconds a frame may take, both not included.
SHORTEST_FRAME, LONGEST_FRAME = 1e-6, 1e6


@dataclass
class Joint:
    """A ROOT or JOINT as it stands in the file; `parent` is an index, -1 for the root, `line` where its name stands."""

    name: str
    parent: int
    line: int
    offset: list[float] | None = None
    channels: tuple[str, ...] = ()
    end_sites: list["End"] = field(default_factory=list)


@dataclass
class End:
    """An End Site as it stands in the file."""

    name: str
    line: int
    offset: list[float] | None = None


def read(path):
    """The bytes of a file, its joints, and where in the bytes its MOTION part begins, or None."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise MotionFileError(path, None, f"it is larger than {MAX_BYTES >> 30} GiB; cut the recording up")
        data = path.read_bytes()
    except OSError as error:
        raise MotionFileError(path, None, f"it cannot be read ({error.strerror or error}); check the name") from error
    data = _as_plain_text(path, data)
    motion = _MOTION.search(data, max(0, data.find(b"\nMOTION")))  # mostly there, and found much faster
    head = data[: motion.start(1)] if motion else data
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError:
        text = head.decode("latin-1")
    return data, _parse_hierarchy(path, text), motion.end(1) if motion else None


def motion_head(path, data, at, rate_given):
    """Announced frames, frame time as text or None, the line of Frames, and where the numbers begin."""
    frames = _FRAMES.match(data, at)
    line = _line(data, at) if frames is None else _line(data, frames.start(1))
    if frames is None:
        raise MotionFileError(path, line, "after MOTION a line says 'Frames:' and how many there are; add it")
    if not re.fullmatch(rb"\d{1,9}", frames[1]):
        said = frames[1][:20].decode("latin-1")
        raise MotionFileError(
            path, line, f"'Frames:' says how many there are, and '{said}' is no such number; correct it"
        )
    time = _FRAME_TIME.match(data, frames.end())
    begin = frames.end() if time is None else time.end()
    text = None if time is None else time[1].decode("latin-1")
    if rate_given:
        return int(frames[1]), text, line, begin
    if text is None:
        raise MotionFileError(path, line + 1, "the 'Frame Time:' line is missing; add it or load with fps=")
    try:
        usable = Decimal(text).is_finite() and SHORTEST_FRAME < Decimal(text) < LONGEST_FRAME
    except InvalidOperation:
        usable = False
    if not usable:
        where = _line(data, time.start(1))
        raise MotionFileError(path, where, f"'{text[:20]}' is no Frame Time in seconds; correct it or load with fps=")
    return int(frames[1]), text, line, begin


def frame_table(path, data, begin, joints, announced, frames, frames_at):
    """The numbers as (F, C), and how many frames were found."""
    width = sum(len(joint.channels) for joint in joints)
    if width == 0:
        raise MotionFileError(
            path, None, "no joint has a channel, so it holds no motion; only its skeleton can be used, as a target"
        )
    try:
        numbers = _numbers(data, begin, torn=frames == "found")
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
                f"the header announces {announced} frames but {found}{part} follow; correct the Frames line, or take "
                f"those found: {SAY_FOUND}",
            )
    if found == 0:
        raise MotionFileError(path, frames_at, "it holds no frame; only its skeleton can be used, as a target")
    return numbers[: found * width].reshape(found, width), found


def hierarchy_text(skeleton, channels, scale):
    """The HIERARCHY part of a file.

    Args:
        skeleton: in the file's axes, metres.
        channels: of each joint.
        scale: metres per unit.
    """
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


_ITEM = re.compile(
    r"\s*(?:(?P<kind>ROOT|JOINT|End[ \t]+Site)\b[ \t]*(?P<name>[^\r\n{}]*?)\s*\{"
    r"|OFFSET[ \t]+(?P<offset>[^\r\n{}]*)"
    r"|CHANNELS[ \t]+(?P<count>\d+)(?P<channels>(?:\s+[XYZ](?:position|rotation)\b)*)"
    r"|(?P<close>\}))",
    re.IGNORECASE,
)
_WORD = re.compile(r"\s*(\w+)")
_MOTION = re.compile(rb"(?:\A|[\r\n}])[ \t]*(MOTION)(?=\s|\Z)", re.IGNORECASE)
_FRAMES = re.compile(rb"\s*Frames[ \t]*:[ \t]*([^\s:]*)", re.IGNORECASE)
_FRAME_TIME = re.compile(rb"\s*Frame[ \t]*Time[ \t]*:[ \t]*([^\s:]*)", re.IGNORECASE)


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
    line, counted = 1, 0
    while item := _ITEM.match(text, at):
        begin = item.start(item.lastgroup)
        line += text.count("\n", counted, begin)
        counted = begin
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
    if isinstance(parent, End):
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
        block = End(name, line)
        parent.end_sites.append(block)
    else:
        if kind == "JOINT":
            parent_index = next(index for index in range(len(joints) - 1, -1, -1) if joints[index] is parent)
        if len(joints) == MAX_JOINTS:
            raise MotionFileError(path, line, f"it has more than {MAX_JOINTS} joints; this is no skeleton")
        block = Joint(name, parent_index, line)
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
    if len(numbers) != 3 or not all(abs(number) < FARTHEST for number in numbers):
        raise MotionFileError(path, line, f"an OFFSET is three numbers, not '{text.strip()[:60]}'; correct it")
    return numbers


def _set_channels(path, line, item, block):
    channels, fault = _channels(item["channels"])
    if int(item["count"]) > len(channels) and not _ITEM.match(item.string, item.end()):
        unknown = _WORD.match(item.string, item.end())
        if unknown:
            raise MotionFileError(
                path, line, f"'{unknown[1][:60]}' is no channel; use X, Y or Z before position or rotation"
            )
    if int(item["count"]) != len(channels):
        raise MotionFileError(
            path, line, f"CHANNELS announces {item['count']} channels but {len(channels)} known ones follow; correct it"
        )
    if isinstance(block, End):
        if channels:
            raise MotionFileError(path, line, "an End Site cannot move; remove its channels or make it a JOINT")
        return
    if fault:
        raise MotionFileError(path, line, fault)
    block.channels = channels


@lru_cache(100)  # most joints of a file have the same
def _channels(words):
    """The channels named, and what is wrong with them or None."""
    channels = tuple(word[0].upper() + word[1:].lower() for word in words.split())
    positions = [channel for channel in channels if channel.endswith("position")]
    if len(set(positions)) != len(positions):
        return channels, "a position channel stands twice in one joint; remove one"
    turns = [channel for channel in channels if channel.endswith("rotation")]
    if any(turn == after for turn, after in pairwise(turns)):
        return channels, "a rotation channel stands twice in a row in one joint; remove one"
    return channels, None


def _numbers(data, begin, torn):
    """The numbers in data[begin:]; a last word that is none, where the file was cut off, is left out if `torn`."""
    try:
        return read_numbers(data, begin)
    except NotANumber as error:
        if not torn or len(data[error.position :].split(maxsplit=1)) > 1 or data[-1:].isspace():
            raise
        return read_numbers(data[: error.position], begin)


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


def _one_line(name):
    return re.sub(r"[{}\s]+", " ", name).strip()


def _three(vector):
    return " ".join(f"{value:.6f}" for value in vector)
