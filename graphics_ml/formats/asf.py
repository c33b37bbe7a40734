"""Acclaim files: a skeleton (.asf) and, in a file of its own, a motion on it (.amc). Read only.

A bone lies from where its parent ends along its `direction`, `length` long, and turns about its own start; here it is a
joint at that start, and leaf bones end in end sites. Its `axis` gives, in the skeleton's zero pose, the frame C in
which the motion's angles are told: with M the rotation of these angles about x, then y, then z as its `dof` lists them,
all about fixed axes, it turns by C M C^-1 (Acclaim, "Skeleton file format", 1994; Meredith and Maddock, "Motion capture
file formats explained", 2001, sections 2.4 and 2.5). The zero pose is the rest pose.

A unit is 1/`length` inches, as the Carnegie Mellon database documents its 0.45; where a body of that size would be no
person's and one in another unit is, that is taken (see conventions). The rate is not in the file: that of the database
is 120 frames a second.
"""

import math
import re
import warnings
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np

from graphics_ml.errors import FormatWarning, MotionFileError
from graphics_ml.formats.conventions import METRES, detect_unit
from graphics_ml.formats.heads import head_text
from graphics_ml.hints import SAY_FOUND, SAY_RATE
from graphics_ml.motion.motion import Motion, exact_rate
from graphics_ml.motion.rotations import conjugate, multiply, quaternion_from_axis_angle, unroll
from graphics_ml.motion.skeleton import EndSite, Skeleton

CMU_RATE = Fraction(120)
MAX_BYTES = 1 << 30
MAX_BONES = 10_000
_MOTION_FLAGS = (":fully-specified", ":degrees", ":radians")
_CHANNELS = ("tx", "ty", "tz", "rx", "ry", "rz", "l")
_AXES = {"x": (1.0, 0.0, 0.0), "y": (0.0, 1.0, 0.0), "z": (0.0, 0.0, 1.0)}


@dataclass
class _Bone:
    name: str
    line: int
    direction: tuple[float, ...] = (0.0, 0.0, 0.0)
    length: float = 0.0
    axis: tuple[float, ...] = (0.0, 0.0, 0.0)
    axis_order: str = "xyz"
    channels: tuple[str, ...] = ()


@dataclass
class _Body:
    """What an .asf says, in its own units; the root is the first of `bones`."""

    bones: dict[str, _Bone]
    parents: dict[str, str] = field(default_factory=dict)
    position: tuple[float, ...] = (0.0, 0.0, 0.0)
    length: float = 1.0
    degrees: bool = True


def load(
    path: str | Path,
    skeleton: str | Path | None = None,
    fps: Fraction | None = None,
    unit: str | float | None = None,
    frames: str = "all",
) -> Motion:
    """The motion in an .amc file, Y up, metres.

    Args:
        path: the .amc.
        skeleton: its .asf; when None, the one beside it: of the same name, of the part before its last "_" (11.asf for
            11_01.amc), or the only one there.
        fps: frames per second; the file has none, and a FormatWarning says that 120 is taken when None.
        unit: "m", "cm", "mm", "inch", "cmu" or metres per unit; by the .asf's `length` when None.
        frames: "all", or "found": of a file that was cut off all but its last frame.

    Raises:
        MotionFileError: a file cannot be read or is broken, there is no .asf, or the motion names bones that are not in
            it.
    """
    path = Path(path)
    if path.suffix.lower() == ".asf":
        _read_skeleton(path)  # which says so where it is none
        raise MotionFileError(path, None, "it holds a skeleton and no motion; load its .amc")
    file = _skeleton_file(path) if skeleton is None else Path(skeleton)
    body = _read_skeleton(file)
    values, degrees = _read_motion(path, body, frames)
    if fps is None:
        warnings.warn(
            f"{path} holds no frame rate; {CMU_RATE} frames a second are taken, as in the CMU database ({SAY_RATE})",
            FormatWarning,
            stacklevel=3,
        )
    scale, unit_name, unit_from = _unit(body, unit)
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is refused below
        rotations, root = _poses(body, values, math.radians(1) if degrees else 1.0)
    source = dict(
        file=path.name, format="asf", skeleton=file.name, unit=unit_name, metres_per_unit=scale, unit_from=unit_from
    )
    try:
        return Motion(
            _skeleton(body, scale),
            unroll(rotations),
            root * scale,
            CMU_RATE if fps is None else exact_rate(fps),
            provenance={"source": source},
        )
    except ValueError as error:
        raise MotionFileError(path, None, f"what it holds makes no motion: {error}") from error


def load_skeleton(path: str | Path, skeleton: str | Path | None = None, unit: str | float | None = None) -> Skeleton:
    """The skeleton in an .asf, or in the one of an .amc; arguments and raises as load."""
    path = Path(path)
    file = path if path.suffix.lower() == ".asf" else _skeleton_file(path) if skeleton is None else Path(skeleton)
    body = _read_skeleton(file)
    return _skeleton(body, _unit(body, unit)[0])


def recognises(path: Path) -> bool:
    """Whether a file begins as an .asf or .amc does, after its comments."""
    words = re.sub(r"^#.*\n?", "", head_text(path), flags=re.MULTILINE).split()
    return bool(words) and words[0].lower() in (":version", ":name", ":units", *_MOTION_FLAGS)


def _skeleton_file(path):
    folder = path.parent
    names = {one.name.lower(): one for one in sorted(folder.iterdir()) if one.suffix.lower() == ".asf"}
    stem = path.stem.lower()
    for name in (stem, stem.rpartition("_")[0]):
        if f"{name}.asf" in names:
            return names[f"{name}.asf"]
    if len(names) == 1:
        return next(iter(names.values()))
    wanted = f"{path.stem.rpartition('_')[0] or path.stem}.asf"
    raise MotionFileError(
        path, None, f"its skeleton {wanted} is not beside it; put it there, or name it with skeleton="
    )


def _lines(path):
    """(number, words) of the lines of a text file that hold something, comments left out."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise MotionFileError(path, None, f"it is larger than {MAX_BYTES >> 30} GiB; cut the recording up")
        text = path.read_bytes().decode("utf-8-sig", "replace")
    except OSError as error:
        raise MotionFileError(path, None, f"it cannot be read ({error.strerror or error}); check the name") from error
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.partition("#")[0].split()
        if words:
            yield number, words


def _read_skeleton(path):
    body = _Body({"root": _Bone("root", 0)})
    section, bone = "", None
    for line, words in _lines(path):
        first = words[0].lower()
        if first.startswith(":"):
            section, bone = first, None
            if section in _MOTION_FLAGS:
                raise MotionFileError(path, line, f"'{words[0]}' begins a motion; name the .asf as the skeleton")
        elif section == ":units":
            _read_unit(path, line, words, body)
        elif section == ":root":
            _read_root(path, line, words, body)
        elif section == ":bonedata":
            bone = _read_bone(path, line, words, body, bone)
        elif section == ":hierarchy" and first not in ("begin", "end"):
            _read_children(path, line, words, body)
    if len(body.bones) == 1 or not body.parents:
        raise MotionFileError(
            path, None, "it has no :bonedata or no :hierarchy, so it is no .asf, or cut off; get it again"
        )
    lost = [name for name in body.bones if name != "root" and name not in body.parents]
    if lost:
        raise MotionFileError(path, body.bones[lost[0]].line, f"bone '{lost[0]}' has no parent in :hierarchy; add it")
    return body


def _read_unit(path, line, words, body):
    if words[0].lower() == "length":
        (body.length,) = _numbers(path, line, words[1:2], 1)
        if not 1e-6 < body.length < 1e6:
            raise MotionFileError(
                path, line, f"a length of {words[1]} is no unit; it is a positive number such as 0.45"
            )
    elif words[0].lower() == "angle":
        body.degrees = not (len(words) > 1 and words[1].lower().startswith("rad"))


def _read_root(path, line, words, body):
    root, key = body.bones["root"], words[0].lower()
    if key == "order":
        root.channels = _channels(path, line, words[1:])
    elif key == "axis" and len(words) > 1:
        root.axis_order = _order(path, line, words[1])
    elif key == "position":
        body.position = _numbers(path, line, words[1:4], 3)
    elif key == "orientation":
        root.axis = _numbers(path, line, words[1:4], 3)


def _read_bone(path, line, words, body, bone):
    """One line of :bonedata; gives the bone that the next line belongs to."""
    key = words[0].lower()
    if key == "begin":
        return _Bone("", line)
    if bone is None:
        raise MotionFileError(path, line, f"'{words[0]}' stands outside begin and end; a bone is written between them")
    if key == "end":
        if not bone.name or bone.name in body.bones:
            raise MotionFileError(path, line, f"bone '{bone.name}' has no name of its own; give it one")
        if len(body.bones) >= MAX_BONES:
            raise MotionFileError(path, line, f"it has more than {MAX_BONES} bones; is it an .asf?")
        body.bones[bone.name] = bone
        return None
    if key == "name" and len(words) > 1:
        bone.name = words[1]
    elif key == "direction":
        bone.direction = _numbers(path, line, words[1:4], 3)
    elif key == "length":
        (bone.length,) = _numbers(path, line, words[1:2], 1)
        if not 0 <= bone.length < 1e6:
            raise MotionFileError(path, line, f"no bone is {words[1]} long; correct it")
    elif key == "axis":
        bone.axis = _numbers(path, line, words[1:4], 3)
        bone.axis_order = _order(path, line, words[4]) if len(words) > 4 else "xyz"
    elif key == "dof":
        bone.channels = _channels(path, line, words[1:])
    return bone


def _read_children(path, line, words, body):
    for name in words[1:]:
        if name in body.parents or name == "root":
            raise MotionFileError(path, line, f"bone '{name}' has two parents; a skeleton is a tree")
        unknown = next((one for one in (words[0], name) if one not in body.bones), None)
        if unknown is not None:
            raise MotionFileError(path, line, f"bone '{unknown}' is not in :bonedata; add it")
        if words[0] != "root" and words[0] not in body.parents:
            raise MotionFileError(
                path, line, f"bone '{words[0]}' has children before it has a parent; put its line later"
            )
        body.parents[name] = words[0]


def _read_motion(path, body, frames):
    """{bone: numbers (F, channels)} and whether angles are degrees."""
    if frames not in ("all", "found"):
        raise ValueError(f"frames is 'all' or 'found', not '{frames}'")
    rows = {name: [] for name in body.bones}
    count, degrees, begun, lines, numbers = 0, body.degrees, 0, _lines(path), []
    try:
        for line, words in lines:
            if words[0].startswith(":"):
                flag = words[0].lower()
                degrees = True if flag == ":degrees" else False if flag == ":radians" else degrees
            elif len(words) == 1 and words[0].isdecimal():
                _ensure_whole(path, rows, count, begun)
                numbers = _in_order(path, line, numbers, words[0])
                count, begun = count + 1, line
            else:
                _read_row(path, line, words, body, rows, count)
        _ensure_whole(path, rows, count, begun)
    except MotionFileError:
        if frames == "all" or count < 2:
            raise
    if frames == "found":
        count -= 1
        warnings.warn(f"{path}: the frame at line {begun} and what follows is left out", FormatWarning, stacklevel=4)
    if count < 1:
        raise MotionFileError(path, None, "it holds no frames; choose another file")
    return {name: np.array(row[:count], dtype=np.float64) for name, row in rows.items() if row}, degrees


def _in_order(path, line, numbers, word):
    """The last frame numbers and this one, at the same distance: a frame that is missing shifts all behind it."""
    numbers = [*numbers[-2:], int(word[-18:])]  # more digits would not fit
    steps = np.diff(numbers)
    if (steps < 1).any() or len(set(steps)) > 1:
        raise MotionFileError(
            path, line, f"frame {numbers[-1]} follows frame {numbers[-2]}; frames are missing or mixed up"
        )
    return numbers


def _read_row(path, line, words, body, rows, count):
    if count == 0:
        raise MotionFileError(path, line, "a frame begins with its number on a line; is this an .amc?")
    if words[0] not in rows:
        raise MotionFileError(path, line, f"bone '{words[0]}' is not in the skeleton; name its own .asf (skeleton=)")
    row = rows[words[0]]
    if len(row) == count:
        raise MotionFileError(path, line, f"bone '{words[0]}' stands twice in one frame; remove one")
    row.append(_numbers(path, line, words[1:], len(body.bones[words[0]].channels)))


def _ensure_whole(path, rows, count, begun):
    """Every bone that moves at all stands in every frame so far."""
    short = next((name for name, row in rows.items() if row and len(row) != count), None)
    if short is not None or (count and not any(rows.values())):
        raise MotionFileError(
            path,
            begun,
            f"this frame has no line of '{short or 'root'}'; was the file cut off? {SAY_FOUND} leaves it out",
        )


def _poses(body, values, radian):
    """Rotations (F, J, 4) and root positions (F, 3) in the file's unit."""
    count = len(next(iter(values.values())))
    names = _order_of_joints(body)
    rotations = np.zeros((count, len(names), 4))
    rotations[..., 0] = 1.0
    root = np.tile(np.array(body.position), (count, 1))
    for joint, name in enumerate(names):
        bone, numbers = body.bones[name], values.get(name)
        if numbers is None:
            continue
        # About fixed axes: each later rotation stands before the earlier ones.
        turn = np.array([1.0, 0, 0, 0])
        for channel, column in zip(bone.channels, numbers.T, strict=True):
            if channel[0] == "r":
                turn = multiply(_about(channel[1], column * radian), turn)
            elif channel[0] == "t" and name == "root":
                root[:, "xyz".index(channel[1])] += column
            elif np.abs(column).max() > 0:
                warnings.warn(
                    f"bone '{name}' also moves along '{channel}', which is left out", FormatWarning, stacklevel=4
                )
        frame = _frame(bone, math.radians(1) if body.degrees else 1.0)
        rotations[:, joint] = multiply(multiply(frame, turn), conjugate(frame))
        if name == "root":  # whose own orientation turns the whole body and is not taken back
            rotations[:, joint] = multiply(rotations[:, joint], frame)
    return rotations, root


def _frame(bone, radian):
    """C of a bone: rotations about fixed axes in the order of its `axis`."""
    frame = np.array([1.0, 0, 0, 0])
    for axis in bone.axis_order:
        frame = multiply(_about(axis, np.array(bone.axis["xyz".index(axis)] * radian)), frame)
    return frame


def _about(axis, angles):
    return quaternion_from_axis_angle(np.asarray(angles)[..., None] * np.array(_AXES[axis]))


def _order_of_joints(body):
    return ["root", *body.parents]


def _skeleton(body, scale):
    names = _order_of_joints(body)
    tips = {name: np.array(bone.direction) * bone.length * scale for name, bone in body.bones.items()}
    parents = [-1, *(names.index(parent) for parent in body.parents.values())]
    offsets = [np.array(body.position) * scale, *(tips[parent] for parent in body.parents.values())]
    leaves = [joint for joint, name in enumerate(names) if name not in body.parents.values()]
    return Skeleton(names, parents, offsets, end_sites=[EndSite(joint, tips[names[joint]]) for joint in leaves])


def _unit(body, unit):
    """Metres per unit, its name, and how it is known."""
    if unit is not None:
        try:
            scale = METRES[unit] if unit in METRES else float(unit)
        except ValueError:
            scale = 0.0
        if not (scale > 0 and math.isfinite(scale)):
            raise ValueError(f"a unit is one of {', '.join(METRES)} or a positive number of metres, not '{unit}'")
        return scale, str(unit), "given"
    names, scale, known_by = _order_of_joints(body), 0.0254 / body.length, "file"
    # The bones as a tree of their ends, which reaches further than that of the joints.
    lengths = [body.bones[name].length for name in names]
    parents = [-1, *(names.index(parent) for parent in body.parents.values())]
    if detect_unit(np.array(lengths) * scale, parents) != "m":  # no person's size
        found = detect_unit(np.array(lengths), parents)
        scale, known_by = (METRES[found], "detected") if found else (scale, "file")
    return scale, next((name for name, metres in METRES.items() if math.isclose(metres, scale)), str(scale)), known_by


def _channels(path, line, words):
    channels = tuple(word.lower() for word in words)
    unknown = next((word for word in channels if word not in _CHANNELS), None)
    if unknown is not None:
        raise MotionFileError(path, line, f"'{unknown}' is no channel; they are {', '.join(_CHANNELS)}")
    return channels


def _order(path, line, word):
    order = word.lower()
    if sorted(order) != ["x", "y", "z"]:
        raise MotionFileError(path, line, f"'{word}' is no order of axes, such as XYZ")
    return order


def _numbers(path, line, words, count):
    try:
        numbers = tuple(float(word) for word in words)
        if len(numbers) != count or not all(map(math.isfinite, numbers)):
            raise ValueError
    except ValueError:
        raise MotionFileError(path, line, f"{count} numbers are needed here, not '{' '.join(words)[:40]}'") from None
    return numbers
