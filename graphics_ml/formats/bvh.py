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
import warnings
from fractions import Fraction
from pathlib import Path

import numpy as np

from graphics_ml.errors import FormatWarning, MotionFileError, OutputError
from graphics_ml.formats import bvh_text
from graphics_ml.formats.bvh_channels import STILL, channels_that_hold, decode, encode
from graphics_ml.formats.conventions import (
    METRES,
    detect_unit,
    floor_error,
    from_y_up,
    middle,
    to_y_up,
    up_axis,
    upward,
)
from graphics_ml.formats.digits import write_numbers
from graphics_ml.formats.frame_times import frame_rate, frame_time_text
from graphics_ml.formats.heads import head_text
from graphics_ml.formats.world_axes import on_world_axes
from graphics_ml.motion.motion import Motion, exact_rate
from graphics_ml.motion.rotations import conjugate, matrix_from_quaternion, multiply
from graphics_ml.motion.skeleton import EndSite, Skeleton
from graphics_ml.outputs import write_bytes

_SAMPLES = 24  # frames in which unit and up axis are looked for


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
        frames: "announced": the Frames line and the data must agree; "found": take the whole frames
            that are there, and of a file that was cut off all but its last line.
        fps: frames per second, in place of the Frame Time line. That is taken for the usual rate it rounds, such as 30
            for 0.0333333 or 24000/1001 for 0.0417083.

    Raises:
        MotionFileError: the file cannot be read, is no BVH file or a broken one, or holds no frame.
    """
    path = Path(path)
    if frames not in ("announced", "found"):
        raise ValueError(f"frames is 'announced' or 'found', not '{frames}'")
    data, joints, motion_at = bvh_text.read(path)
    if motion_at is None:
        raise MotionFileError(path, None, "it has no MOTION part; only its skeleton can be used, with load_skeleton")
    announced, frame_time, frames_at, begin = bvh_text.motion_head(path, data, motion_at, fps is not None)
    numbers, kept = bvh_text.frame_table(path, data, begin, joints, announced, frames, frames_at)
    source = {"file": path.name, "format": "bvh"}
    if frame_time is not None:
        source["frame_time"] = frame_time
    if kept != announced:
        source["frames_announced"] = announced
    rotations, moved = decode(numbers, joints)
    for joint, places in moved.items():
        if max(places.max(), -places.min()) > bvh_text.FARTHEST:
            said = f"a position of '{joints[joint].name}' is {np.abs(places).max():g} units away; correct the numbers"
            raise MotionFileError(path, None, said)
    names, renamed = _names(joints)
    if renamed:
        source["renamed"] = renamed
        _warn_renamed(path, renamed)
    rate = exact_rate(fps) if fps is not None else frame_rate(frame_time)
    return _in_our_conventions(joints, names, rotations, moved, rate, unit, up, source)


def load_skeleton(path: str | Path, unit: str | float | None = None, up: str | None = None) -> Skeleton:
    """The skeleton in a .bvh file, Y up, metres; its MOTION part may be empty or missing and is not read.

    Args:
        path: the file.
        unit, up: as for load, detected from the zero pose.

    Raises:
        MotionFileError: the file cannot be read or its hierarchy is broken.
    """
    path = Path(path)
    _, joints, _ = bvh_text.read(path)
    names, renamed = _names(joints)
    if renamed:
        _warn_renamed(path, renamed)
    still = np.tile([1.0, 0, 0, 0], (1, len(joints), 1))
    return _in_our_conventions(joints, names, still, {}, Fraction(1), unit, up, {}).skeleton


def recognises(path: Path) -> bool:
    """Whether a file begins as a .bvh does."""
    return head_text(path)[:9].upper() == "HIERARCHY"


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
        OutputError: the place cannot be written, or the frame rate is one that load does not take.
        ValueError: the unit or the axis is none of those above.
    """
    if not bvh_text.SHORTEST_FRAME < 1 / motion.fps < bvh_text.LONGEST_FRAME:
        raise OutputError(path, None, f"a .bvh cannot say {float(motion.fps):g} frames per second; resample first")
    source = motion.provenance.get("source")
    source = source if isinstance(source, dict) and source.get("format") == "bvh" else {}
    scale = _metres(source.get("metres_per_unit", 0.01) if unit is None else unit)
    up = _axis(source.get("up", "Y") if up is None else up)
    motion = _depth_first(on_world_axes(motion))
    motion = _on_axes(motion, up, from_y_up, everything=_rest_up(motion.skeleton) == "Y")
    channels, widened = channels_that_hold(motion)
    if widened:
        warnings.warn(
            f"{path}: the channels of {_some(widened)} could not hold the motion; they have more now",
            FormatWarning,
            stacklevel=2,
        )
    head = bvh_text.hierarchy_text(motion.skeleton, channels, scale)
    head += f"MOTION\nFrames: {len(motion)}\nFrame Time: {frame_time_text(motion.fps)}\n"
    write_bytes(path, head.encode() + write_numbers(encode(motion, channels, scale)))


def _names(joints):
    """Names of their own for all joints, and {new name: name in the file} of those renamed."""
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
    return names, renamed


def _warn_renamed(path, renamed):
    warnings.warn(f"{path}: joint names are not unique; renamed to {_some(list(renamed))}", FormatWarning, stacklevel=3)


def _some(names):
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _in_our_conventions(joints, names, rotations, moved, rate, unit, up, source):
    """The motion, Y up and in metres, of what was read in the file's unit and axes."""
    parents, steps = [joint.parent for joint in joints], np.array([joint.offset for joint in joints])
    count = min(_SAMPLES, len(rotations))
    sample = np.arange(count) * (len(rotations) - 1) // max(1, count - 1)
    # The zero pose, and the joints in these frames.
    poses = np.tile([1.0, 0, 0, 0], (1 + len(sample), len(joints), 1))
    offsets = np.tile(steps, (len(poses), 1, 1))
    poses[1:] = rotations[sample]
    for joint, positions in moved.items():
        offsets[1:, joint] = positions[sample]
    lengths = middle(np.linalg.norm(offsets[1:], axis=-1))
    scale, unit_name, unit_from = _unit(unit, lengths, parents)
    seen = _positions(poses, offsets, parents)
    directions = upward(names, parents, seen)
    rest_up = up_axis(directions if directions is None else directions[:1])
    if up is None:
        found = up_axis(directions if directions is None else directions[1:])
        up, up_from = _up(found, rest_up, parents, seen[1:])
    else:
        up, up_from = _axis(up), "given"

    root = moved.pop(0, None)
    root = np.tile(steps[0], (len(rotations), 1)) if root is None else root
    local = None
    if any(np.abs(place - steps[joint]).max() * scale > STILL for joint, place in moved.items()):
        rows = np.repeat(steps[..., None] * scale, len(rotations), axis=-1)
        for joint, place in moved.items():
            np.multiply(place.T, scale, out=rows[joint])
        local = np.moveaxis(rows, -1, 0)
    source |= dict(unit=unit_name, metres_per_unit=scale, unit_from=unit_from, up=up, up_from=up_from)
    ends = [
        EndSite(index, np.multiply(end.offset, scale), end.name)
        for index, joint in enumerate(joints)
        for end in joint.end_sites
    ]
    skeleton = Skeleton(names, parents, steps * scale, end_sites=ends, channels=[joint.channels for joint in joints])
    motion = Motion(skeleton, rotations, root * scale, rate, local_positions=local, provenance={"source": source})
    return _on_axes(motion, up, to_y_up, everything=rest_up == up)


def _positions(rotations, offsets, parents):
    """forward_kinematics of few frames, (F, J, 4) and (F, J, 3): a product of matrices a joint, not many of numbers."""
    world = np.zeros((*offsets.shape[:2], 4, 4))
    world[..., :3, :3], world[..., :3, 3], world[..., 3, 3] = matrix_from_quaternion(rotations), offsets, 1
    for joint, parent in enumerate(parents):
        if parent >= 0:
            world[:, joint] = world[:, parent] @ world[:, joint]
    return world[..., :3, 3]


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
    return up_axis(upward(skeleton.names, skeleton.parents, skeleton.rest_positions()[None]))


def _up(found, rest_up, parents, positions):
    """The up axis, and how it is known, of what was found in the frames seen and in the zero pose: each has a say."""
    expected = "Z" if rest_up == "Z" else "Y"
    if found in (None, "X", expected):
        return expected, "detected" if found == expected or rest_up in ("Y", "Z") else "assumed"
    # Either the file's up axis is not that of its zero pose, or the body lies down all the time.
    on_found, on_expected = (floor_error(parents, positions, axis) for axis in (found, expected))
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
