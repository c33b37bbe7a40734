"""Left and right put right where a detector took one for the other, and the cuts in a film."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from graphics_ml.pose.detection import LANDMARKS, MIRRORED

_TALL = 1.5  # metres that the diagonal of a person in the picture stands for
_LONGEST = 0.75  # seconds for which the whole body may be exchanged
_LONGEST_PART = 0.3  # and a part of it
_JUMP = 0.03  # of the size, mean of the landmarks: what an exchange must spare at both its ends; 0.02 to 0.04 do alike
_PRICE = 0.06  # of each exchanged second, so that of two equal answers the one as detected is taken
_OTHER_TAKE = 0.04  # jump of the median landmark, as part of the size and apart from the whole body's: in one frame,
_OTHER_SPEED = 1.0  # and in a second where frames are far apart
_AROUND = 0.1  # seconds in which nothing else jumps half as far as at a cut


def mend_sides(
    pixels: np.ndarray,
    depth: np.ndarray,
    seen: np.ndarray,
    breaks: np.ndarray,
    fps: Fraction | float,
    landmarks: tuple[str, ...],
) -> np.ndarray:
    """Find short spans in which left was taken for right.

    In the whole body and in each part of it every frame either keeps its labels or exchanges them; the labelling with
    the least movement between frames is found by dynamic programming (Viterbi 1967). An exchange counts only if it is
    short, and if it spares a jump at both its ends: people do not swap their feet in one frame, but feet do cross.

    Args:
        pixels: (F, L, 2).
        depth: (F, L) metres; legs that cross in a side view differ in depth only.
        seen: (F,) bool.
        breaks: (F,) bool, frames that do not continue the one before.
        fps: frames per second.
        landmarks: L names of BlazePose's.

    Returns:
        order: (F, L) int; pixels[f, order[f]] has its sides right.
    """
    mirror = _mirror(landmarks)
    order = np.tile(np.arange(len(landmarks)), (len(pixels), 1))
    if not seen.any():
        return order
    places = np.concatenate((pixels / _size(pixels[seen]), depth[..., None] / _TALL), axis=-1)
    for part, seconds, groups in _parts(landmarks):
        exchange = np.arange(len(landmarks))
        exchange[part] = mirror[part]
        for first, last in _takes(seen, breaks):
            own, other = places[first:last, part], places[first:last, mirror[part]]
            for begin, stop in _exchanged(own, other, groups, seconds, fps):
                span = slice(first + begin, first + stop)
                places[span], order[span] = places[span][:, exchange], order[span][:, exchange]
    return order


def cuts(pixels: np.ndarray, visibility: np.ndarray, fps: Fraction | float, landmarks: tuple[str, ...]) -> np.ndarray:
    """(F,) bool: frames that begin another take.

    At a cut half of the landmarks jump, whichever side is taken for which, over one frame as over two, and twice as
    far as in any of the frames around. A frame that the detector got wrong has such neighbours or comes back.

    Args:
        pixels: (F, L, 2).
        visibility: (F, L) 0..1; 0 where the person was not seen.
        fps: frames per second.
        landmarks: L names of BlazePose's.
    """
    found = np.zeros(len(pixels), dtype=bool)
    seen = np.flatnonzero(visibility.max(axis=1) > 0)
    if len(seen) < 4:
        return found
    mirror = _mirror(landmarks)
    at, size = pixels[seen], _size(pixels[seen])
    clear = visibility[seen] > 0.5

    def jump(reach):
        move = (at[reach:] - at[:-reach]) / size
        whole = np.median(move, axis=1, keepdims=True)
        crossed = (at[reach:] - at[:-reach][:, mirror]) / size - whole
        far = np.minimum(*(np.linalg.norm(m, axis=-1) for m in (move - whole, crossed)))
        # The median of the landmarks that are clearly seen before and after; hidden ones jump without a cut.
        both = clear[reach:] & clear[:-reach]
        far = np.sort(np.where(both, far, np.inf), axis=1)
        middle = far[np.arange(len(far)), np.maximum(both.sum(axis=1) - 1, 0) // 2]
        return np.where(both.sum(axis=1) >= len(mirror) // 2, middle, 0.0)

    once, twice = np.concatenate(([0.0], jump(1))), jump(2)
    least = once.copy()
    least[2:] = np.minimum(least[2:], twice)
    least[1:-1] = np.minimum(least[1:-1], twice)
    reach = max(2, round(_AROUND * float(fps)))
    near = sliding_window_view(np.pad(once, reach), 2 * reach + 1)
    around = np.delete(near, reach, axis=1).max(axis=1)
    # After a gap the person may well be posed differently.
    least[1:][np.diff(seen) > 1] = 0
    found[seen] = (least > max(_OTHER_TAKE, _OTHER_SPEED / fps)) & (least > 2 * around)
    return found


def _mirror(landmarks: tuple[str, ...]) -> np.ndarray:
    """(L,) for each landmark the index of its counterpart on the other side, itself for the nose."""
    return np.array([landmarks.index(LANDMARKS[MIRRORED[LANDMARKS.index(name)]]) for name in landmarks])


def _size(pixels: np.ndarray) -> float:
    """Diagonal of a person in the picture, pixels (F, L, 2); median over the frames."""
    return float(np.median(np.linalg.norm(np.ptp(pixels, axis=1), axis=-1))) + 1e-9


def _parts(landmarks):
    """((indices, the longest time in seconds it may be exchanged, groups of it that can tell), ...): the body, its
    halves, and parts of those."""
    kind = np.array([name.removeprefix("left_").removeprefix("right_") for name in landmarks])
    legs = np.isin(kind, ("knee", "ankle", "heel", "foot_index"))
    arms = np.isin(kind, ("elbow", "wrist", "pinky", "index", "thumb"))
    hips = kind == "hip"
    parts = [np.flatnonzero(part) for part in (~(hips | legs), hips | legs, arms, legs, hips)]
    # In a side view most of the body is at one place on both sides: arms or legs alone then tell that it is exchanged.
    whole = np.arange(len(landmarks))
    return (whole, _LONGEST, (whole, *parts)), *((part, _LONGEST_PART, (slice(None),)) for part in parts)


def _takes(seen, breaks):
    """Spans (first, stop) of frames that continue each other."""
    start = seen & (breaks | ~np.concatenate(([False], seen[:-1])))
    stop = seen & ~(np.concatenate((seen[1:], [False])) & ~np.concatenate((breaks[1:], [True])))
    return zip(np.flatnonzero(start), np.flatnonzero(stop) + 1, strict=True)


def _exchanged(own, other, groups, longest, fps):
    """Spans (first, stop) of at most `longest` seconds whose sides are exchanged.

    own, other: (F, L, 3) the side's own places and the other side's.
    groups: of the L, in one of which an exchange must spare a jump.
    """
    keep = np.linalg.norm(own[1:] - own[:-1], axis=-1)
    swap = np.linalg.norm(own[1:] - other[:-1], axis=-1)
    spared = np.max([(keep - swap)[:, group].mean(axis=1) for group in groups], axis=0)
    wrong = _least_movement(keep.mean(axis=1), swap.mean(axis=1), _PRICE / float(fps))
    edges = np.flatnonzero(wrong[1:] != wrong[:-1]) + 1
    return [
        (first, stop)
        for first, stop in pairwise(edges)
        if wrong[first] and stop - first <= max(1, longest * fps) and min(spared[first - 1], spared[stop - 1]) > _JUMP
    ]


def _least_movement(keep, swap, price):
    """(F,) bool: which frames to exchange so that frames move least.

    keep, swap: (F - 1,) movement to the next frame with both the same way round, and with one of them exchanged.
    price: of an exchanged frame.
    """
    cost = np.array([0.0, price])
    came_from = []
    for same, crossed in zip(keep, swap, strict=True):
        routes = np.array([[cost[0] + same, cost[1] + crossed], [cost[0] + crossed, cost[1] + same]])
        came_from.append(routes.argmin(axis=1))
        cost = routes.min(axis=1) + np.array([0.0, price])
    state = [int(cost.argmin())]
    for step in reversed(came_from):
        state.append(int(step[state[-1]]))
    return np.array(state[::-1], bool)
