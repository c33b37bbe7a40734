"""Exact frame rates of frame times that a file rounds to some decimals, and the way back."""

import math
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache


@lru_cache(maxsize=64)
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


def rate_of_text(rate: str) -> Fraction:
    """Frames per second that a file rounds to some decimals, as text: the usual rate they round, else what they say.

    Raises:
        ValueError: this is no positive number.
    """
    try:
        written = Decimal(rate)
    except ArithmeticError:
        raise ValueError(f"'{rate}' is no frame rate") from None
    if not written.is_finite() or not Fraction(1, 10**6) < Fraction(written) < 10**9:
        raise ValueError(f"'{rate}' is no frame rate")
    value = Fraction(written)
    near = max(Fraction(10) ** written.normalize().as_tuple().exponent / 2, value * Fraction(2, 10**7))
    if value.denominator == 1:
        return value
    best = min((*_USUAL_RATES, *_TELEVISION_RATES), key=lambda usual: abs(usual - value))
    return best if abs(best - value) <= near else value


def frame_time_text(fps: Fraction) -> str:
    """Seconds per frame as text from which frame_rate gives back the very rate, with ten decimals if they do."""
    seconds = Decimal(fps.denominator) / Decimal(fps.numerator)
    short = f"{seconds:.10f}"
    if float(short) > 0 and frame_rate(short) == fps:
        return short
    return f"{seconds:.{14 - seconds.adjusted()}f}"


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
