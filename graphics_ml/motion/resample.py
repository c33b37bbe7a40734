"""A motion at another exact frame rate, and cut to a part of its time.

New frames lie at k / fps seconds from the first one, counted with whole numbers, so that no drift gathers in long
clips. The result never reaches beyond the last frame of the original: nothing is extrapolated.
"""

from fractions import Fraction
from typing import Literal

import numpy as np

from graphics_ml.motion.motion import Motion, exact_rate
from graphics_ml.motion.rotations import normalize, slerp, unroll

Method = Literal["cubic", "linear"]


def resample(motion: Motion, fps: Fraction | int | str | float, method: Method = "cubic") -> Motion:
    """The same motion at another frame rate; its first frame stays, its last is the last that fits.

    Frames that fall on frames of the original are those frames. Going down in rate takes samples as they are; smooth
    first where the motion holds noise faster than half the new rate.

    Args:
        motion: F frames.
        fps: frames per second, made exact by Fraction(fps): give Fraction(30000, 1001) or "30000/1001", not 29.97.
        method: "cubic" has continuous velocities: Catmull and Rom's spline (1974) through positions and through
            unrolled quaternions, which are normalised after. "linear" is a straight line for positions and slerp for
            rotations. Confidence is linear in both, contacts are those of the nearest frame.

    Returns:
        Motion of floor((F - 1) * new / old) + 1 frames.

    Raises:
        ValueError: the rate is not positive, or the method is unknown.
    """
    new = exact_rate(fps)
    if new == motion.fps and method in ("cubic", "linear"):
        return motion
    return _sampled(motion, *_ticks(len(motion), motion.fps, new), new, method)


def sampled_vectors(values: np.ndarray, fps: Fraction, new: Fraction, method: Method = "cubic") -> np.ndarray:
    """Plain values (F, ...) over time at another rate; frames and methods as in resample."""
    return (_cubic if method == "cubic" else _linear)(values, *_ticks(len(values), fps, new))


def sample(motion: Motion, seconds: np.ndarray, fps: Fraction | int | str, method: Method = "cubic") -> Motion:
    """The motion at any times, as frames of a motion of rate `fps`; methods as in resample.

    Args:
        motion: F frames at 0, 1 / motion.fps, ... seconds.
        seconds: (N,) times; those before the first frame or after the last give that frame.
        fps: the rate the result claims.

    Raises:
        ValueError: a time is not finite, the rate is not positive, or the method is unknown.
    """
    times = np.asarray(seconds, dtype=np.float64)
    if times.ndim != 1 or not np.isfinite(times).all():
        raise ValueError("times must be a list of finite seconds")
    place = np.clip(times * float(motion.fps), 0, len(motion) - 1)
    whole = np.floor(place).astype(np.int64)
    return _sampled(motion, whole, place - whole, exact_rate(fps), method)


def trim(motion: Motion, start: float = 0.0, end: float | None = None) -> Motion:
    """The frames whose time t, in seconds from the first frame, fulfils start <= t < end; to the last when end is None.

    Raises:
        ValueError: no frame lies in that time.
    """
    fps, first = float(motion.fps), _first_from(motion, start)
    last = len(motion) if end is None else np.minimum(len(motion), np.ceil(end * fps - 1e-6))
    if not first < last:
        until = "the end" if end is None else f"{end} s"
        raise ValueError(f"no frame lies between {start} s and {until}; the motion lasts {motion.duration:.3f} s")
    return motion.frames(int(first), int(last))


def first_frame(motion: Motion, start: float) -> int:
    """The first frame that trim leaves of a motion from a time on."""
    return int(_first_from(motion, start))


def _first_from(motion, start):
    # Times that were written in decimals meet the frame they mean.
    return np.maximum(0, np.ceil(start * float(motion.fps) - 1e-6))


def _ticks(frames, fps, new):
    """For each new frame the old one before it and the part of the way to the next."""
    step = fps / new
    count = int((frames - 1) / step) + 1
    # Python's whole numbers: those of a rate given as a float, such as 24.1, leave 64 bits within minutes.
    ticks = [divmod(frame * step.numerator, step.denominator) for frame in range(count)]
    return np.array([quotient for quotient, _ in ticks]), np.array([rest / step.denominator for _, rest in ticks])


def _sampled(motion, whole, part, fps, method):
    if method not in ("cubic", "linear"):
        raise ValueError(f"'{method}' is not a way to resample; use 'cubic' or 'linear'")
    vector = _cubic if method == "cubic" else _linear
    rotations = _cubic_rotations if method == "cubic" else _slerped
    optional = dict(
        local_positions=None if motion.local_positions is None else vector(motion.local_positions, whole, part),
        confidence=None if motion.confidence is None else _linear(motion.confidence, whole, part),
        contacts=None if motion.contacts is None else motion.contacts[whole + (part >= 0.5)],
    )
    return motion.replace(
        rotations=rotations(motion.rotations, whole, part),
        root_positions=vector(motion.root_positions, whole, part),
        fps=fps,
        **optional,
    )


def _linear(values, whole, part):
    following = np.minimum(whole + 1, len(values) - 1)
    t = _column(part, values)
    return (1 - t) * values[whole] + t * values[following]


def _cubic(values, whole, part):
    if len(values) < 3:
        return _linear(values, whole, part)
    following = np.minimum(whole + 1, len(values) - 1)
    slopes = np.gradient(values, axis=0, edge_order=2)
    t = _column(part, values)
    rise = t * t * (3 - 2 * t)
    place = (1 - rise) * values[whole] + rise * values[following]
    return place + t * (1 - t) * ((1 - t) * slopes[whole] - t * slopes[following])


def _slerped(rotations, whole, part):
    following = np.minimum(whole + 1, len(rotations) - 1)
    return unroll(slerp(rotations[whole], rotations[following], np.broadcast_to(part[:, None], (len(part), 1))))


def _cubic_rotations(rotations, whole, part):
    return normalize(_cubic(unroll(rotations), whole, part))


def _column(part, values):
    return part.reshape((-1,) + (1,) * (values.ndim - 1))
