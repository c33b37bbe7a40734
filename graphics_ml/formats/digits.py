"""Decimal numbers in text to float64 and back, by array arithmetic on the raw bytes.

Reading: the text goes through in pieces that stay in the processor's cache. In most files all numbers have equally many
decimals; then the up to eight digits on either side of each point are taken as one 64-bit word, whose bytes three
multiplications turn into a number, two, four and eight digits at a time (D. Lemire, "Quickly parsing eight digits",
2018). Otherwise it is worked out for each byte how many digits end there and what number they make, which is cheap with
one byte for each; each word then looks up what ends at its last byte, at its exponent and at its point. Either way all
digits together are an integer below 2^53, so that one division or multiplication by a power of ten rounds correctly.
What does not look like that (more digits, an exponent beyond 22) goes through float().

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
# So many bytes, of text and of the numbers in it, are reason to import numba. What it saves on them is a quarter of
# what the import costs: who stops before has saved most of that, who goes on has lost little.
WORTH_COMPILING = 1 << 25
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
    length = min(CHUNK, len(data) - begin) // 8 * 8 + 3 * _MARGIN
    room, tables = np.full(length, ord(" "), dtype=np.uint8), _Tables(length)
    source = np.frombuffer(data or b" ", dtype=np.uint8)
    values, found = np.empty((len(data) - begin) // 2 + 1), 0
    while begin < len(data):
        end = _piece_end(data, begin)
        size = end - begin
        room[_MARGIN : _MARGIN + size] = source[begin:end]
        behind = (_MARGIN + size) // 8 * 8 + _MARGIN
        room[_MARGIN + size : behind] = ord(" ")
        numbers = _piece_numbers(room[:behind], tables, data, begin - _MARGIN)
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


class _Tables:
    """What is known of each byte of a piece; kept from piece to piece, as new memory costs more than the arithmetic.

    Args:
        length: of the longest piece.
    """

    def __init__(self, length):
        self._bytes = np.zeros((5, length), dtype=np.uint8)
        self._words = np.zeros((2, length), dtype=np.uint16)

    def blanks(self, text):
        """Which bytes are blanks."""
        blank, spare = self._bytes[:2, : len(text)]
        np.subtract(text, ord("\t"), out=spare)
        np.less(spare, 5, out=spare.view(bool))
        np.equal(text, ord(" "), out=blank.view(bool))
        blank |= spare
        return blank.view(bool)

    def digits(self, text):
        """How many digits end at each byte, up to 16, and the number that the last up to four of these make.

        Both by doubling: where the last k bytes are digits, what ended before them is added.
        """
        _, spare, digit, run, two = self._bytes[:, : len(text)]
        hundreds, four = self._words[:, : len(text)]
        np.subtract(text, ord("0"), out=digit)
        np.less(digit, 10, out=run.view(bool))
        digit *= run
        np.multiply(digit[:-1], 10, out=two[1:])
        two[1:] *= run[1:]
        two += digit
        np.copyto(four, two)
        for k in (1, 2, 4, 8):
            full = spare[k:]
            if not np.equal(run[k:], k, out=full.view(bool)).any():
                break
            if k == 2:
                np.multiply(two[:-k], full, out=two[:-k])
                np.copyto(hundreds[k:], two[:-k])
                hundreds[k:] *= 100
                four[k:] += hundreds[k:]
            full *= run[:-k]
            run[k:] += full
        return run, four


def _piece_numbers(text, tables, data, shift):
    """The numbers in a text that begins and ends with blanks; text[i] is data[i + shift]."""
    blank = tables.blanks(text)
    lasts = np.flatnonzero(blank[1:] > blank[:-1])
    if len(lasts) == 0:
        return np.empty(0)
    values = _alike(text, blank, lasts)
    return _of_all_kinds(text, blank, lasts, tables, data, shift) if values is None else values


def _alike(text, blank, lasts):
    """The numbers, or None unless all have a point, equally many decimals and few digits: most files.

    Args:
        text: of a length that eight divides.
        blank: which of its bytes are blanks.
        lasts: the last byte of each number.
    """
    is_point = text == ord(".")
    ends = lasts + 1
    gap = int(ends[0]) - int(np.argmax(is_point))
    points = ends - gap
    if not (1 < gap <= 8 and np.count_nonzero(is_point) == len(ends) and points[0] > 0 and is_point.take(points).all()):
        return None
    # One blank behind the number before, mostly.
    firsts = np.empty_like(ends)
    firsts[0] = np.argmin(blank)
    np.add(ends[:-1], 1, out=firsts[1:])
    late = np.flatnonzero(blank.take(firsts))
    while len(late):
        firsts[late] += 1
        late = late[blank[firsts[late]]]
    negative = text.take(firsts) == ord("-")
    whole = points - firsts
    whole -= negative
    digits = np.count_nonzero((text - np.uint8(ord("0"))) < 10)
    if digits != whole.sum() + (gap - 1) * len(ends) or whole.max() > 8:
        return None
    before, after = _around_points(text.view("<u8"), ends, gap)
    values = _eight_digits(_cut(before, whole))
    values *= _POWERS[gap - 1]
    values += _eight_digits(_cut(after, gap - 1))
    values /= _POWERS[gap - 1]
    return np.copysign(values, 0.5 - negative, out=values)


def _of_all_kinds(text, blank, lasts, tables, data, shift):
    """The numbers, whatever they look like.

    Args:
        text, blank, lasts: as for _alike.
        tables: room for what is worked out for each byte.
        data, shift: as for _piece_numbers.
    """
    run, four = tables.digits(text)
    # A word is read backwards: an exponent, the decimals up to `stops`, the point (of bare words, which have none, the
    # byte behind the digits), the digits up to `tails`, and the byte `before` them.
    stops, points = lasts, lasts - run.take(lasts)
    bare = np.flatnonzero(text.take(points) != ord("."))
    powered, letters, exponents = _exponents(text, four, lasts, points, bare)
    if len(powered):
        stops = lasts.copy()
        stops[powered] = letters - 1
        points[powered] = letters - 1 - run.take(letters - 1)
        bare = bare[text.take(points[bare]) != ord(".")]
    points[bare] = stops[bare] + 1
    tails = points - 1
    before = tails - run.take(tails)
    negative = text.take(before) == ord("-")
    decimals = stops - points
    decimals[bare] = 0
    digits = tails - before
    digits += decimals
    odd = (digits < 1) | (digits > _MOST_DIGITS)

    scale = _POWERS.take(decimals)
    values = _numbers_between(four, before, tails)
    values *= scale
    values += _numbers_between(four, points, stops)
    whole = values[powered]
    values /= scale
    powers = decimals[powered] - exponents
    odd[powered] |= np.abs(powers) > 22
    whole /= _POWERS.take(np.clip(powers, 0, 22))
    values[powered] = whole * _POWERS.take(np.clip(-powers, 0, 22))
    np.copysign(values, 0.5 - negative, out=values)

    read = int((lasts - before).sum()) + np.count_nonzero(negative)
    if read != len(text) - np.count_nonzero(blank):  # something else stands in some words
        odd |= before + 1 - negative != np.flatnonzero(blank[:-1] > blank[1:]) + 1
    for word in np.flatnonzero(odd):
        behind = int(lasts[word]) + 1 + shift
        first = behind_last_blank(data, shift + _MARGIN, behind)
        values[word] = number_at(data[first:behind], first)
    return values


def _exponents(text, four, lasts, points, bare):
    """Which of the words `bare` end in an exponent, where its letter is, and what it says.

    Args:
        points: what stands before the last digits of each word; in `bare` ones it is no decimal point.
    """
    marks = points[bare]
    signs = text.take(marks)
    letters = marks - ((signs == ord("-")) | (signs == ord("+")))
    count = lasts[bare] - marks
    known = np.flatnonzero(((text.take(letters) | 0x20) == ord("e")) & (count >= 1) & (count <= 4))
    words = bare[known]
    size = four.take(lasts[words]).astype(np.int64)
    return words, letters[known], np.where(signs[known] == ord("-"), -size, size)


def _numbers_between(four, before, lasts):
    """The numbers whose digits stand behind `before`, where none does, up to `lasts`; none at all make 0."""
    values = four.take(np.maximum(lasts, before)).astype(np.float64)
    count = lasts - before
    for k in range(4, int(count.max()), 4):
        longer = slice(None) if k == 4 else np.flatnonzero(count > k)  # more than eight are rare
        more = four.take(np.maximum(lasts[longer] - k, before[longer])).astype(np.float64)
        more *= 10.0**k
        values[longer] += more
    return values


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
