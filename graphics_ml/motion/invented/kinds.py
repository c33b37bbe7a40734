"""Motions by kind."""

import numpy as np

from graphics_ml.errors import GraphicsMLError
from graphics_ml.motion.invented import exercises, floorwork, gestures, walks
from graphics_ml.motion.invented.finish import finished
from graphics_ml.motion.motion import Motion, exact_rate
from graphics_ml.wording import suggestion

KINDS = {**walks.KINDS, **gestures.KINDS, **exercises.KINDS, **floorwork.KINDS}
"""Name to (what makes its tracks, how often it is drawn against the others)."""

_GRAVITY = 9.81
_SHORTEST = 0.2  # seconds


def invent(
    rng, kind: str | None = None, seconds: float = 4.0, fps=30, height: float = 1.70, fingers: bool = True
) -> Motion:
    """A motion that nobody made: drawn in its style, its targets and its timing.

    Args:
        rng: numpy.random.Generator; all that is drawn comes from it.
        kind: one of KINDS; drawn when None.
        seconds: its length, at least 0.2.
        fps: frames per second.
        height: of the body, metres.
        fingers: with finger joints, or on standard_skeleton as it is.

    Returns:
        On the standard humanoid, starting near the origin, the floor at height 0, contacts of feet known.

    Raises:
        GraphicsMLError: there is no such kind.
        ValueError: the length, the rate or the height is not positive, or the length too short.
    """
    if kind is None:
        often = np.array([weight for _, weight in KINDS.values()], dtype=float)
        kind = tuple(KINDS)[rng.choice(len(often), p=often / often.sum())]
    elif kind not in KINDS:
        raise GraphicsMLError(f"there is no kind of invented motion '{kind}'{suggestion(kind, KINDS)}")
    rate = exact_rate(fps)
    if not seconds >= _SHORTEST:
        raise ValueError(f"an invented motion lasts at least {_SHORTEST} s, not {seconds}")
    if not height > 0:
        raise ValueError(f"a body's height must be positive, not {height}")
    times = np.arange(max(2, round(seconds * rate))) / float(rate)
    tracks = KINDS[kind][0](rng, times, _GRAVITY / height)
    if rng.random() < 0.5:
        tracks = tracks.mirrored()
    return finished(tracks, rate, height, fingers, {"invented": kind})
