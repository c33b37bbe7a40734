"""The channels of a BVH file: from its table of numbers to rotations and positions, and back."""

import math

import numpy as np

from graphics_ml.formats.digits import compiled
from graphics_ml.formats.half_turns import half_turn
from graphics_ml.motion.rotations import EULER_ORDERS, conjugate, euler_from_quaternion, multiply

# A position channel that stays this close to the OFFSET, in metres, does not move its joint.
STILL = 1e-7
_POSITIONS = ("Xposition", "Yposition", "Zposition")
_TURNS = ("Zrotation", "Xrotation", "Yrotation")
# Neighbours whose product is below this lie in two hemispheres; at zero rounding would decide for exact half turns.
BESIDE = -1e-9
# Half of this angle, radians, is lost at most when a joint with one or two rotation channels is written.
_NEGLIGIBLE = 5e-7


def decode(numbers, joints):
    """Rotations (F, J, 4), and {joint: positions (F, 3)} where it has position channels, in the file's axes and unit.

    Args:
        numbers: (F, C), angles in degrees.
        joints: J of bvh_text.Joint.
    """
    columns = _columns([joint.channels for joint in joints])
    moved = {}
    for index, (positions, _) in enumerate(columns):
        if positions:
            rows = np.repeat(np.array(joints[index].offset, dtype=np.float64)[:, None], len(numbers), axis=1)
            for axis, column in positions:
                rows[axis] = numbers[:, column]
            moved[index] = rows.T
    turns = [[axis for axis, _ in of_joint] for _, of_joint in columns]
    places = [[column for _, column in of_joint] for _, of_joint in columns]
    make = getattr(compiled(8 * numbers.size), "quaternion_rows", quaternion_rows)
    rows = make(numbers, turns, places)
    rows.flags.writeable = False  # so that Motion needs no copy of its own
    return np.moveaxis(rows, -1, 0), moved


def quaternion_rows(numbers, axes, columns):
    """The quaternions (J, 4, F) of turns about a joint's own axes one after another, neighbours in one hemisphere.

    Args:
        numbers: (F, C) with angles in degrees.
        axes: for each joint 0, 1 or 2 for each of its turns.
        columns: for each joint where in `numbers` their angles stand.
    """
    rows = np.empty((len(axes), 4, len(numbers)))
    groups = {}
    for joint, of_joint in enumerate(axes):
        groups.setdefault(tuple(of_joint), []).append(joint)
    # Some hundred frames at a time, one row per channel, stay in cache.
    step = max(16, (1 << 16) // numbers.shape[1])
    for first in range(0, len(numbers), step):
        block = np.ascontiguousarray(numbers[first : first + step].T)
        for turns, joints in groups.items():
            halves = [
                half_turn(block[_range_of([columns[joint][position] for joint in joints])])
                for position in range(len(turns))
            ]
            parts = _quaternion_parts(turns, halves)
            for c, part in enumerate(parts):
                rows[_range_of(joints), c, first : first + step] = part
    towards = np.einsum("jcf,jcf->jf", rows[..., 1:], rows[..., :-1])
    for joint in np.flatnonzero(towards.min(axis=1, initial=0) < BESIDE):
        rows[joint, :, 1:] *= np.cumprod(np.where(towards[joint] < BESIDE, -1.0, 1.0))
    return rows


def channels_that_hold(motion):
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


def encode(motion, channels, scale):
    """The table (F, C) of a motion in the file's axes, angles in degrees.

    Args:
        channels: of each joint, as channels_that_hold gives them.
        scale: metres per unit.
    """
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


def _range_of(indices):
    """Evenly spaced indices as a slice, which costs no copy."""
    steps = set(np.diff(indices).tolist())
    if len(steps) != 1 or min(steps) < 1:
        return list(indices)
    return slice(indices[0], indices[-1] + 1, steps.pop())


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


def _moving_axes(motion, joint):
    """The axes along which a joint leaves its offset."""
    if joint > 0 and motion.local_positions is None:
        return []
    place = motion.root_positions if joint == 0 else motion.local_positions[:, joint]
    away = np.abs(place - motion.skeleton.offsets[joint]).max(axis=0)
    return [axis for axis in range(3) if away[axis] > STILL]


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
        along, beside = rest[:, 1 + axis].copy(), rest[:, 0].copy()  # see axis_angle_from_quaternion
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
