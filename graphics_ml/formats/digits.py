"""Decimal numbers in text to float64 and back, by array arithmetic on the raw bytes.

Reading: the text goes through in pieces that stay in the processor's cache. In each piece the blanks and the decimal
points are found, and the up to eight digits on either side of a point are taken as one 64-bit word, whose bytes three
multiplications turn into a number, two, four and eight digits at a time (D. Lemire, "Quickly parsing eight digits",
2018). Both sides together are an integer below 2^53, so that one division or multiplication by a power of ten rounds
correctly. What does not look like that (more digits, an exponent beyond 22) goes through float().

Writing: three digits at a time come from a table, into cells of 16 bytes from which what is unused is then deleted.
"""

import re
from functools import cache

import numpy as np

CHUNK = 1 << 18
_MARGIN = 16
_LONGEST = 512
_BLANKS = b" \n\t\r\v\f"
_NUMBER = re.compile(rb"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
# Exact up to here: an integer below 2^53 times or divided by one of them rounds once, as float() does.
_POWERS = 10.0 ** np.arange(23)
_MOST_DIGITS = 15
# So many bytes of text, in one file or in several, are reason to import numba; some twenty such files repay it.
WORTH_COMPILING = 1 << 20
_seen = 0


class NotANumber(ValueError):
    """Something in the text is no decimal number.

    Args:
        text: what stands there.
        position: its first byte, counted from the start of the data.
    """

    def __init__(self, text: bytes, position: int):
        self.text, self.position = text, position
        super().__init__(f"{text!r} at byte {position} is not a number")


def read_numbers(data: bytes, begin: int = 0) -> np.ndarray:
    """All numbers in data[begin:], separated by any blanks: (N,) float64, as float() gives them.

    Text of some length goes through numba where it is installed.

    Raises:
        NotANumber: a word is not a finite decimal number.
    """
    module = compiled(len(data) - begin)
    return read_numbers_plainly(data, begin) if module is None else module.read_numbers(data, begin)


def compiled(size: int):
    """The compiled loops, where numba is there and works and so much text, this included, was met; else None."""
    global _seen
    _seen += size
    if _seen < WORTH_COMPILING:
        return None
    try:
        from graphics_ml.formats import compiled as module
    except (ImportError, RuntimeError):  # the latter from numba, where it finds no folder for its cache
        return None
    return module


def read_numbers_plainly(data: bytes, begin: int = 0) -> np.ndarray:
    """read_numbers in plain NumPy, whether numba is installed or not."""
    # A piece is copied between margins of blanks: a word is read back from its end, and may begin before the piece.
    room = np.full(CHUNK + 2 * _MARGIN, ord(" "), dtype=np.uint8)
    source = np.frombuffer(data or b" ", dtype=np.uint8)
    values, found = np.empty((len(data) - begin) // 2 + 1), 0
    while begin < len(data):
        end = _piece_end(data, begin)
        size = end - begin
        room[_MARGIN : _MARGIN + size] = source[begin:end]
        room[_MARGIN + size : _MARGIN + size + 2] = ord(" ")
        numbers = _piece_numbers(room, _MARGIN + size + 1, data, begin - _MARGIN)
        values[found : found + len(numbers)] = numbers
        found += len(numbers)
        begin = end
    return values[:found]


def number_at(word: bytes, position: int) -> float:
    """float() of one word, a finite decimal number and nothing else that Python's float would take."""
    if _NUMBER.fullmatch(word):
        value = float(word)
        if abs(value) != float("inf"):
            return value
    raise NotANumber(word, position)


def behind_last_blank(data: bytes, begin: int, end: int) -> int:
    """Behind the last blank in data[begin:end], or `begin` where a single word fills it.

    Raises:
        NotANumber: the last word is longer than any number.
    """
    tail = max(begin, end - _LONGEST)
    last = max(data.rfind(blank, tail, end) for blank in _BLANKS)
    if last < 0 and tail > begin:
        raise NotANumber(data[tail:end], tail)
    return max(last + 1, begin)


def write_numbers(values: np.ndarray) -> bytes:
    """Lines of numbers with six decimals, as "%.6f" gives them, separated by a blank.

    Args:
        values: (F, C), finite.
    """
    rows, columns = values.shape
    if columns == 0:
        return b"\n" * rows
    step = max(1, CHUNK // (16 * columns))
    return b"".join(_written(values[row : row + step]) for row in range(0, rows, step))


def _piece_end(data, begin):
    """Where the piece that begins here ends: behind a blank, so that no word is cut."""
    end = begin + CHUNK
    return len(data) if end >= len(data) else behind_last_blank(data, begin, end)


def _piece_numbers(room, size, data, shift):
    """The numbers in room[:size], which begins and ends with blanks; room[i] is data[i + shift]."""
    text = room[:size]
    is_blank = (text == ord(" ")) | ((text - np.uint8(ord("\t"))) < 5)
    is_end = is_blank[1:] > is_blank[:-1]
    is_point = text == ord(".")
    ends = np.flatnonzero(is_end)
    if len(ends) == 0:
        return np.empty(0)
    ends += 1
    # And one blank behind it.
    starts = np.empty_like(ends)
    starts[0] = np.argmin(is_blank)
    np.add(ends[:-1], 1, out=starts[1:])
    late = np.flatnonzero(is_blank.take(starts))
    while len(late):
        starts[late] += 1
        late = late[is_blank[starts[late]]]
    negative = text.take(starts) == ord("-")
    firsts = starts + negative
    is_digit = (text - np.uint8(ord("0"))) < 10

    odd = ()
    values = _alike(room.view("<u8"), firsts, ends, is_point, np.count_nonzero(is_digit))
    if values is None:
        points, odd = _points_of_words(is_end, is_point)
        strange = ~is_digit & ~is_blank & ~is_point
        strange[starts[negative]] = False
        values = _of_all_kinds(text, room.view("<u8"), firsts, points, ends, strange, odd)
    np.copysign(values, 0.5 - negative, out=values)
    for word in np.flatnonzero(odd):
        first, behind = int(starts[word]) + shift, int(ends[word]) + shift
        values[word] = number_at(data[first:behind], first)
    return values


def _alike(words, firsts, ends, is_point, digits):
    """Numbers without their signs, or None unless all have a point, equally many decimals and few digits: most files.

    Args:
        words: the text in words of eight bytes.
        firsts, ends: of the numbers, behind a sign.
        is_point: which bytes of the text are points.
        digits: how many bytes of the text are digits.
    """
    gap = int(ends[0]) - int(np.argmax(is_point))
    points = ends - gap
    whole = points - firsts
    if not (1 < gap <= 8 and np.count_nonzero(is_point) == len(ends) and points[0] > 0 and is_point.take(points).all()):
        return None
    if digits != whole.sum() + (gap - 1) * len(ends) or whole.max() > 8:
        return None
    before, after = _around_points(words, ends, gap)
    values = _eight_digits(_cut(before, whole))
    values *= _POWERS[gap - 1]
    values += _eight_digits(_cut(after, gap - 1))
    values /= _POWERS[gap - 1]
    return values


def _of_all_kinds(text, words, firsts, points, ends, strange, odd):
    """Numbers without their signs; those that need float() are marked in `odd`.

    Args:
        text: the piece.
        words: it in words of eight bytes.
        firsts, points, ends: of the numbers, behind a sign.
        strange: which bytes are neither digit nor blank nor point nor a sign at the beginning.
        odd: (N,) bool.
    """
    stops, exponents = _exponents(text, strange, ends)
    odd[np.searchsorted(ends, np.flatnonzero(strange))] = True
    points = np.minimum(points, stops)
    whole = points - firsts
    decimals = np.maximum(stops - points - 1, 0)
    digits = whole + decimals
    odd |= (whole > 8) | (digits > _MOST_DIGITS) | (digits < 1)
    values = _eight_digits(_cut(_eight_bytes(words, points), np.minimum(whole, 8)))
    long = np.flatnonzero((decimals > 8) & ~odd)
    if len(long):
        more = decimals[long] - 8
        values[long] *= _POWERS[more]
        values[long] += _eight_digits(_cut(_eight_bytes(words, stops[long] - 8), more))
    last = np.minimum(decimals, 8)
    values *= _POWERS[last]
    values += _eight_digits(_cut(_eight_bytes(words, stops), last))
    powers = decimals if exponents is None else decimals - exponents
    odd |= np.abs(powers) > 22
    values /= _POWERS[np.clip(powers, 0, 22)]
    if powers.min() < 0:
        values *= _POWERS[np.clip(-powers, 0, 22)]
    return values


def _points_of_words(is_end, is_point):
    """For each word its decimal point, or its end where it has none, and whether it has several."""
    marks = np.flatnonzero(is_end | is_point[1:])
    places = np.flatnonzero(is_end.take(marks))
    marks += 1
    between = np.diff(places, prepend=-1)
    return marks.take(np.where(between > 1, places - 1, places)), between > 2


def _exponents(text, strange, ends):
    """Where the digits of each number end, and the powers of ten behind them or None; takes these out of `strange`."""
    letters = np.flatnonzero(strange & ((text | 0x20) == ord("e")))
    if len(letters) == 0:
        return ends, None
    stops, exponents = ends.copy(), np.zeros(len(ends), dtype=np.int64)
    owners = np.searchsorted(ends, letters)
    behind, begins = ends.take(owners), letters + 1
    sign = text.take(begins)
    minus = sign == ord("-")
    begins += minus | (sign == ord("+"))
    count = behind - begins
    units, tens = (text.take(behind - back) - np.uint8(ord("0")) for back in (1, 2))
    tens[count < 2] = 0
    known = (count >= 1) & (count <= 2) & (units < 10) & (tens < 10)
    again = owners[1:] == owners[:-1]
    known[1:] &= ~again
    known[:-1] &= ~again
    if not known.all():
        owners, letters, begins, units, tens, minus = (
            array[known] for array in (owners, letters, begins, units, tens, minus)
        )
    exponents[owners] = np.where(minus, -1, 1) * (10 * tens + units)
    stops[owners] = letters
    strange[letters] = False
    strange[begins - 1] = False
    return stops, exponents


def _eight_bytes(words, ends):
    """The eight bytes before each of `ends` as little-endian words."""
    index, bits, rest = _places(ends)
    high = words.take(index)
    index -= 1
    low = words.take(index)
    low >>= bits
    high <<= rest
    low |= high
    return low


def _around_points(words, ends, gap):
    """_eight_bytes before the points and before the ends of numbers, which are `gap` bytes apart, at most 8."""
    index, bits, rest = _places(ends)
    last = words.take(index)
    index -= 1
    middle = words.take(index)
    index -= 1
    first = words.take(index)
    behind = middle >> bits
    last <<= rest
    behind |= last
    first >>= bits
    middle <<= rest
    first |= middle
    before = behind << _bits(gap)
    first >>= _bits(8 - gap)
    before |= first
    return before, behind


def _places(ends):
    """Which word each end is in, how many bits into it, and how many from there to the next."""
    bits = ((ends & 7) << 3).view(np.uint64)
    return ends >> 3, bits, np.uint64(64) - bits  # NumPy makes a shift by 64 zero


def _cut(words, counts):
    """Words with all but their last `counts` bytes zero, in place; one count or one for each."""
    unused = _bits(8 - counts)
    words >>= unused
    words <<= unused
    return words


def _bits(counts):
    return np.uint64(8 * counts) if isinstance(counts, int) else (8 * counts).view(np.uint64)


def _eight_digits(words):
    """The numbers (N,) float64 that words of eight ASCII digits stand for; zero bytes count as the digit 0."""
    words &= np.uint64(0x0F0F0F0F0F0F0F0F)
    words *= np.uint64(10 * (1 << 8) + 1)
    words >>= np.uint64(8)
    words &= np.uint64(0x00FF00FF00FF00FF)
    words *= np.uint64(100 * (1 << 16) + 1)
    words >>= np.uint64(16)
    words &= np.uint64(0x0000FFFF0000FFFF)
    words *= np.uint64(10000 * (1 << 32) + 1)
    words >>= np.uint64(32)
    return words.view(np.int64).astype(np.float64)


@cache
def _cell_tables():
    """The four bytes of a cell for each number below 1000, zero where a place is unused."""
    bare = [b"%d" % n if n else b"" for n in range(1000)]
    plain = [b"%03d" % n for n in range(1000)]
    tables = (
        bare + [b"-" + digits for digits in bare],
        [(digits or b"0") + b"." for digits in bare] + [digits + b"." for digits in plain],
        plain,
        [digits + b" " for digits in plain],
    )
    return [np.frombuffer(b"".join(entry.ljust(4, b"\0") for entry in table), "<u4") for table in tables]


def _written(values):
    millionths = np.rint(values * 1e6)
    if not np.abs(millionths).max() < 1e12:
        return b"".join(b" ".join(b"%.6f" % v for v in row) + b"\n" for row in values.tolist())
    size = np.abs(millionths).astype(np.int64)
    thousands = size // 1000
    low = size - 1000 * thousands
    units = thousands // 1000
    high = thousands - 1000 * units
    kilos = units // 1000
    units -= 1000 * kilos
    first, second, third, fourth = _cell_tables()
    cells = np.empty((*values.shape, 4), dtype="<u4")
    cells[..., 0] = first[kilos + 1000 * (millionths < 0)]
    cells[..., 1] = second[units + 1000 * (kilos > 0)]
    cells[..., 2] = third[high]
    cells[..., 3] = fourth[low]
    text = cells.view(np.uint8).reshape(len(values), -1)
    text[:, -1] = ord("\n")
    return text.tobytes().translate(None, b"\0")
