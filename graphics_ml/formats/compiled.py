"""The loops of digits and bvh_channels compiled by numba, where it is installed: the same numbers, in less time."""

import numba
import numpy as np

from graphics_ml.formats import half_turns
from graphics_ml.formats.bvh_channels import BESIDE
from graphics_ml.formats.digits import behind_last_blank, number_at

# Powers of ten up to here, and integers below 2^53, are exact: their quotient rounds correctly.
_POWERS = 10.0 ** np.arange(23)
_EXACT = np.uint64(1 << 53)
# numba keeps what it compiled until this file changes, whatever changes there.
_half_turn_of_one = numba.njit(half_turns.half_turn)
# So many frames of the numbers, one row per channel, stay in cache; rows a power of two long would share its lines.
_FRAMES = 248


def read_numbers(data: bytes, begin: int = 0) -> np.ndarray:
    """As digits.read_numbers."""
    # The loop below reads up to a blank without looking for the end, so a last word without one is read apart.
    end = behind_last_blank(data, begin, len(data))
    text = np.frombuffer(data or b" ", dtype=np.uint8)[begin:end]
    values = np.empty((len(data) - begin) // 2 + 1)
    odd = np.empty((4096, 3), dtype=np.int64)
    at = count = 0
    while at < len(text):
        at, count, odd_count = _parse(text, at, values, count, odd)
        for index, first, last in odd[:odd_count].tolist():
            values[index] = number_at(data[begin + first : begin + last], begin + first)
    if end < len(data):
        values[count] = number_at(data[end:], end)
        count += 1
    return values[:count]


def quaternion_rows(numbers, axes, columns):
    """As bvh_channels.quaternion_rows."""
    rows = np.empty((len(axes), 4, len(numbers)))
    counts = np.array([len(of_joint) for of_joint in axes])
    padded = np.zeros((2, len(axes), max(1, *counts, 1)), dtype=np.int64)
    for joint, count in enumerate(counts):
        padded[:, joint, :count] = axes[joint], columns[joint]
    _quaternions(numbers, counts, *padded, rows)
    return rows


@numba.njit(cache=True, nogil=True)
def _quaternions(numbers, counts, axes, columns, rows):
    frames, width = numbers.shape
    degrees, sine, cosine = np.empty((width, _FRAMES)), np.empty(_FRAMES), np.empty(_FRAMES)
    for first in range(0, frames, _FRAMES):
        size = min(_FRAMES, frames - first)
        for frame in range(size):
            for column in range(width):
                degrees[column, frame] = numbers[first + frame, column]
        for joint in range(len(counts)):
            parts = rows[joint, :, first : first + size]
            parts[0], parts[1:] = 1.0, 0.0
            for turn in range(counts[joint]):
                angles, axis = degrees[columns[joint, turn]], axes[joint, turn]
                for frame in range(size):
                    sine[frame], cosine[frame] = _half_turn_of_one(angles[frame])
                if turn == 0:
                    parts[0], parts[1 + axis] = cosine[:size], sine[:size]
                else:
                    _mix(parts[0], parts[1 + axis], cosine, sine)
                    _mix(parts[1 + (axis + 2) % 3], parts[1 + (axis + 1) % 3], cosine, sine)
            _unroll(rows[joint], first, size)


@numba.njit(cache=True, nogil=True)
def _mix(a, b, cosine, sine):
    for frame in range(len(a)):
        c, s, of_a, of_b = cosine[frame], sine[frame], a[frame], b[frame]
        a[frame] = of_a * c - of_b * s
        b[frame] = of_b * c + of_a * s


@numba.njit(cache=True, nogil=True)
def _unroll(parts, first, size):
    w, x, y, z = parts
    for frame in range(max(first, 1), first + size):
        before = frame - 1
        if w[frame] * w[before] + x[frame] * x[before] + y[frame] * y[before] + z[frame] * z[before] < BESIDE:
            w[frame], x[frame], y[frame], z[frame] = -w[frame], -x[frame], -y[frame], -z[frame]


# In unsigned numbers throughout: signed indices cost a test for negative ones, and mixed arithmetic becomes float.
_U = np.uint64
_ZERO, _ONE, _TWO, _NINE, _TEN, _CODE_OF_0, _MOST = _U(0), _U(1), _U(2), _U(9), _U(10), _U(48), _U(18)


@numba.njit(inline="always")
def _is_blank(byte):
    return byte == 32 or 9 <= byte <= 13


@numba.njit(cache=True, nogil=True)
def _parse(text, start, values, count, odd):
    """Go on at text[start] with values[count], till the end, a blank, or till `odd` is full.

    Words that need float() are noted in `odd` as (index, first byte, byte behind). Gives at, count and their number.
    """
    at, size, odd_count = _U(start), _U(len(text)), 0
    while True:
        while at < size and _is_blank(text[at]):
            at += _ONE
        if at == size or odd_count == len(odd):
            return at, count, odd_count
        first, number = at, _ZERO
        negative = text[at] == 45
        if negative:
            at += _ONE
        begin = at
        digit = _U(text[at]) - _CODE_OF_0
        while digit <= _NINE:
            number = number * _TEN + digit
            at += _ONE
            digit = _U(text[at]) - _CODE_OF_0
        digits, decimals, exponent, negative_exponent = at - begin, _ZERO, _ZERO, False
        if text[at] == 46:
            at += _ONE
            begin = at
            digit = _U(text[at]) - _CODE_OF_0
            while digit <= _NINE:
                number = number * _TEN + digit
                at += _ONE
                digit = _U(text[at]) - _CODE_OF_0
            decimals = at - begin
            digits += decimals
        if text[at] | 32 == 101:
            at += _ONE
            negative_exponent = text[at] == 45
            if negative_exponent or text[at] == 43:
                at += _ONE
            begin = at
            digit = _U(text[at]) - _CODE_OF_0
            while digit <= _NINE and at < begin + _TWO:
                exponent = exponent * _TEN + digit
                at += _ONE
                digit = _U(text[at]) - _CODE_OF_0
            if at == begin:
                digits = _ZERO
        power = np.int64(exponent) if negative_exponent else -np.int64(exponent)
        power += np.int64(decimals)
        if _is_blank(text[at]) and _ZERO < digits <= _MOST and number <= _EXACT and -22 <= power <= 22:
            value = np.float64(number)
            value = value / _POWERS[power] if power >= 0 else value * _POWERS[-power]
            values[count] = -value if negative else value
        else:
            while not _is_blank(text[at]):
                at += _ONE
            odd[odd_count, 0], odd[odd_count, 1], odd[odd_count, 2] = count, first, at
            odd_count += 1
        count += 1
