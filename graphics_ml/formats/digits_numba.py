"""digits.read_numbers as one compiled loop: the same numbers, several times as fast, where numba is installed."""

import numba
import numpy as np

from graphics_ml.formats.digits import number_at

# Powers of ten up to here, and integers below 2^53, are exact: their quotient rounds correctly.
_POWERS = 10.0 ** np.arange(23)
_EXACT = 1 << 53


def read_numbers_compiled(data: bytes, begin: int = 0) -> np.ndarray:
    """As digits.read_numbers."""
    text = np.frombuffer(data, dtype=np.uint8)[begin:]
    values = np.empty(len(text) // 2 + 1)
    odd = np.empty((4096, 3), dtype=np.int64)
    at = count = 0
    while at < len(text):
        at, count, odd_count = _parse(text, at, values, count, odd)
        for index, first, last in odd[:odd_count].tolist():
            values[index] = number_at(data[begin + first : begin + last], begin + first)
    return values[:count]


@numba.njit(cache=True, nogil=True)
def _parse(text, at, values, count, odd):
    """Go on at text[at] with values[count], till the end or till `odd` is full.

    Words that need float() are noted in `odd` as (index, first byte, byte behind). Gives at, count and their number.
    """
    size, odd_count = len(text), 0
    while True:
        while at < size and text[at] <= 32:
            at += 1
        if at == size or odd_count == len(odd):
            return at, count, odd_count
        first = at
        negative = text[at] == 45
        if negative:
            at += 1
        number, digits, point = np.int64(0), 0, -1
        while at < size:
            digit = np.int64(text[at]) - 48
            if 0 <= digit <= 9:
                if digits < 18:
                    number = 10 * number + digit
                digits += 1
            elif digit == -2 and point < 0:
                point = at
            else:
                break
            at += 1
        plain = (at == size or text[at] <= 32) and 0 < digits <= 18 and number <= _EXACT
        if plain:
            value = np.float64(number)
            if point >= 0:
                value /= _POWERS[at - point - 1]
            values[count] = -value if negative else value
        else:
            while at < size and text[at] > 32:
                at += 1
            odd[odd_count, 0], odd[odd_count, 1], odd[odd_count, 2] = count, first, at
            odd_count += 1
        count += 1
