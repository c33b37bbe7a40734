"""Curves over time: how people go from one value to the next, and how they never hold quite still."""

import numpy as np


def min_jerk(share):
    """From 0 to 1 as hands go from place to place, at rest outside [0, 1]: Flash and Hogan, "The coordination of arm
    movements", J. Neuroscience 1985, equation 3."""
    share = np.clip(share, 0, 1)
    return share**3 * (10 - 15 * share + 6 * share**2)


def pulse(times, start, rise, hold, fall):
    """0, then 1 within `rise` seconds after `start`, so for `hold` seconds, and back within `fall`; all broadcast."""
    return min_jerk((times - start) / rise) - min_jerk((times - start - rise - hold) / fall)


def through(times, key_times, keys, ease=0.0):
    """Values (F, W) at `times` (F,) of a curve through keys (K, W) at rising key_times (K,).

    Cubic Hermite pieces with Catmull and Rom's tangents (1974), zero at both ends.

    Args:
        ease: 0 runs through the keys, 1 stops at each as min_jerk does.
    """
    gaps = np.diff(key_times)
    tangents = np.zeros_like(keys)
    tangents[1:-1] = (keys[2:] - keys[:-2]) / (key_times[2:] - key_times[:-2])[:, None]
    piece = np.clip(np.searchsorted(key_times, times, side="right") - 1, 0, len(gaps) - 1)
    share = np.clip((times - key_times[piece]) / gaps[piece], 0, 1)[:, None]
    a, b = keys[piece], keys[piece + 1]
    va, vb = (tangents[k] * gaps[piece][:, None] for k in (piece, piece + 1))
    flowing = (
        a * (1 + 2 * share) * (1 - share) ** 2
        + va * share * (1 - share) ** 2
        + b * share**2 * (3 - 2 * share)
        - vb * share**2 * (1 - share)
    )
    return flowing + ease * (a + min_jerk(share) * (b - a) - flowing) if ease else flowing


def drift(rng, times, columns, seconds):
    """Smooth noise (F, columns) of unit deviation that is another after about so many seconds: a cubic B-spline of
    normal numbers."""
    knots = (times - times[0]) / seconds
    whole = np.floor(knots).astype(int)
    t = (knots - whole)[:, None]
    control = rng.standard_normal((whole[-1] + 4, columns))
    weights = ((1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3)
    # 1.44 brings the mean square of the spline's weights back to one.
    return 1.44 * sum(weight * control[whole + k] for k, weight in enumerate(weights)) / 6


def smoothed(values, window):
    """Values (F, ...) under a Hann window of `window` frames to either side; the ends are held."""
    if window < 1:
        return values
    kernel = np.hanning(2 * window + 3)[1:-1]
    kernel /= kernel.sum()
    padded = np.concatenate((np.repeat(values[:1], window, 0), values, np.repeat(values[-1:], window, 0)))
    flat = padded.reshape(len(padded), -1)
    result = np.stack([np.convolve(column, kernel, mode="valid") for column in flat.T], axis=1)
    return result.reshape(values.shape)


def over_peaks(values, window):
    """A smooth curve (F,) that is nowhere below the values."""
    padded = np.pad(values, window, mode="edge")
    highest = np.lib.stride_tricks.sliding_window_view(padded, 2 * window + 1).max(axis=1)
    return np.maximum(smoothed(highest, window), values)
