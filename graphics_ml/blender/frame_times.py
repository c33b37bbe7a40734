# SPDX-License-Identifier: GPL-3.0-or-later
"""Frame rates that a file states as a rounded number or not at all, only as the times of its keys."""

from fractions import Fraction

import numpy as np

# Custom property of an armature object that states the exact frame rate, such as "24000/1001".
STATED_RATE = "graphics_ml_fps"

# Rates that people animate and record at, the commonest first where two explain the same times.
_COMMON_RATES = tuple(
    Fraction(rate) for rate in ("30", "24", "60", "25", "50", "120", "24000/1001", "30000/1001", "60000/1001", "48",
    "100", "12", "15", "240", "120000/1001", "90", "72", "200", "1000")
)  # fmt: skip
_ASSUMED_RATE = Fraction(30)
# A damaged or hostile file may put a key at any time. A quarter of an hour at 120 frames a second is plenty where keys
# are seconds apart; captures have a key a frame and may go on.
_MOST_FRAMES, _MOST_FRAMES_A_KEY = 100_000, 1_000


def simplest_rate(rate: float) -> Fraction:
    """The fraction that a rate, kept as a 64-bit number, stands for: 24000/1001, not 23.976023976023978.

    Programs that hold their rate in 32 bits write numbers that are off by 6e-8 of their size.
    """
    television = Fraction(1000 * round(rate * 1.001), 1001)
    exact, near = (Fraction(rate).limit_denominator(most) for most in (10_000, 1_000))
    for simple, error in ((exact, 1e-12), (television, 1e-7), (near, 1e-7)):
        if abs(float(simple) - rate) <= error * rate:
            return simple
    return Fraction(rate).limit_denominator(1_000_000)


def stated_rate(text) -> Fraction | None:
    """The frame rate that the custom property states; None where it is missing or none."""
    try:
        rate = Fraction(text[:40])
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return rate if 0 < rate < 1_000_000 else None


def frames_of_times(codes: np.ndarray, rate: Fraction) -> tuple[np.ndarray, Fraction, str | None]:
    """The frames that keys at these times (K,) fall on.

    Args:
        codes: sorted, in units of which `rate` go by in a second; whole numbers where that is the frame rate.

    Returns:
        The frames' times (F,) in the same unit, the frame rate, and a sentence where it had to be recovered.

    Raises:
        ValueError: the frames are too many to be meant.
    """
    since = codes - codes[0]
    if np.abs(since - np.round(since)).max() < 1e-4:
        step, fps, note = 1.0, rate, None
    else:
        fps, note = recover_frame_rate(since / float(rate))
        step = float(rate / fps)
    ensure_not_endless(since[-1] / step + 1, len(codes))
    count = int(np.floor(since[-1] / step + 0.02)) + 1
    return codes[0] + np.minimum(np.arange(count) * step, since[-1]), fps, note


def ensure_not_endless(frames: float, keys: int) -> None:
    """Refuse a motion that would take memory without bound because a key stands far from the others.

    Args:
        frames: how many it would have.
        keys: how many keys its fullest channel has.

    Raises:
        ValueError: that is so.
    """
    if not frames <= max(_MOST_FRAMES, _MOST_FRAMES_A_KEY * keys):
        raise ValueError(f"its few keys reach over {frames:,.0f} frames, which cannot be meant; trim it in Blender")


def recover_frame_rate(times: np.ndarray) -> tuple[Fraction, str]:
    """The frame rate that keys at these times (K,), seconds, were made at, and a sentence that says how it was found.

    The rate in common use whose frames fall on every key and that has the fewest frames between them; failing that the
    simplest fraction for the usual step; failing that 30.
    """
    steps = np.diff(times)
    if len(steps) == 0:
        return _ASSUMED_RATE, f"the file has a single key; {_ASSUMED_RATE} frames per second are assumed"
    fits = [rate for rate in _COMMON_RATES if falls_on_frames(times, rate)]
    if fits:
        # The lowest that explains every key; 24000/1001 and 24 only differ over time, so the better fit wins there.
        lowest = min(fits)
        rate = min((r for r in fits if r < lowest * Fraction(101, 100)), key=lambda r: _misfit(times, r))
        return rate, f"the frame rate, {_shown(rate)}, was recovered from the times of the keys"
    usual = Fraction(1 / float(np.median(steps))).limit_denominator(1001)
    if usual > 0 and falls_on_frames(times, usual):
        return usual, f"the frame rate, {_shown(usual)}, was recovered from the usual step between the keys"
    return _ASSUMED_RATE, f"the keys fall on no steady frames; {_ASSUMED_RATE} frames per second are assumed"


def falls_on_frames(times: np.ndarray, rate: Fraction) -> bool:
    """Whether keys at these times (K,), seconds, stand on frames of this rate."""
    # 32-bit seconds are good to about 1e-7 of their size; exporters that count in milliseconds to 0.5e-3 s.
    return _misfit(times, rate) < max(0.02, 4e-7 * times.max() * float(rate))


def _misfit(times, rate):
    frames = times * float(rate)
    return np.abs(frames - np.round(frames)).max()


def _shown(rate):
    return str(rate) if rate.denominator == 1 else f"{float(rate):.3f}"
