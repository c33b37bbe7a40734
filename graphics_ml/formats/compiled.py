"""The loops of digits and half_turns compiled by numba, where it is installed: the same numbers, in less time."""

import numba
import numpy as np

from graphics_ml.formats import half_turns
from graphics_ml.formats.digits import behind_last_blank, number_at

# Powers of ten up to here, and integers below 2^53, are exact: their quotient rounds correctly.
_POWERS = 10.0 ** np.arange(23)
_EXACT = np.uint64(1 << 53)
_half_turn_of_one = numba.njit(half_turns.half_turn)


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


def half_turn(degrees: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """As half_turns.half_turn, for an array."""
    sine, cosine = np.empty(degrees.shape), np.empty(degrees.shape)
    _half_turns(np.ascontiguousarray(degrees).reshape(-1), sine.reshape(-1), cosine.reshape(-1))
    return sine, cosine


@numba.njit(cache=True, nogil=True)
def _half_turns(degrees, sine, cosine):
    for index in range(degrees.size):
        sine[index], cosine[index] = _half_turn_of_one(degrees[index])


# In unsigned numbers throughout: signed indices cost a test for negative ones, and mixed arithmetic becomes float.
_U = np.uint64
_ZERO, _ONE, _NINE, _TEN, _CODE_OF_0, _MOST = _U(0), _U(1), _U(9), _U(10), _U(48), _U(18)


@numba.njit(cache=True, nogil=True)
def _parse(text, start, values, count, odd):
    """Go on at text[start] with values[count], till the end, a blank, or till `odd` is full.

    Words that need float() are noted in `odd` as (index, first byte, byte behind). Gives at, count and their number.
    """
    at, size, odd_count = _U(start), _U(len(text)), 0
    while True:
        while at < size and text[at] <= 32:
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
        digits, decimals = at - begin, _ZERO
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
        if text[at] <= 32 and _ZERO < digits <= _MOST and number <= _EXACT:
            value = np.float64(number) / _POWERS[decimals]
            values[count] = -value if negative else value
        else:
            while text[at] > 32:
                at += _ONE
            odd[odd_count, 0], odd[odd_count, 1], odd[odd_count, 2] = count, first, at
            odd_count += 1
        count += 1
