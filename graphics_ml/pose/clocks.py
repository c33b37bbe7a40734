"""How far the clocks of films of the same moments are apart, from the movement that they show.

Two calibrated cameras that see the same point at the same moment have rays that meet (the epipolar constraint: Hartley
and Zisserman, "Multiple View Geometry", chapter 9). The time by which one film is shifted against another is where
rays to the person's landmarks miss each other least: first each pair of films is tried at every shift at which they
overlap, then the shifts of all films are sought together, and at last to a part of a frame.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np

from graphics_ml.errors import GraphicsMLError
from graphics_ml.motion.rotations import cross


class ClockError(GraphicsMLError):
    """Films whose clocks cannot be put together."""


@dataclass(frozen=True)
class Sight:
    """What one camera saw of a person's landmarks.

    Args:
        name: of the film, for errors.
        rays: (F, L, 2) x/z and y/z in the camera's axes; anything where the weight is 0.
        weight: (F, L) how far each is to be believed, 0..1.
        fps: frames per second.
        rotation: (3, 3) of the camera, world to its axes.
        position: (3,) of the camera in the world.
        start: time of the first frame on the film's own clock, seconds.
    """

    name: str
    rays: np.ndarray
    weight: np.ndarray
    fps: float
    rotation: np.ndarray
    position: np.ndarray
    start: float = 0.0

    @property
    def end(self) -> float:
        return self.start + (len(self.rays) - 1) / self.fps

    @cached_property
    def size(self) -> float:
        """Of the person in the picture at distance 1: the median diagonal of what is seen."""
        seen = (self.weight > 0)[..., None]
        known = (self.weight > 0).sum(axis=1) >= 2
        if not known.any():
            return 1.0
        low = np.where(seen, self.rays, np.inf)[known].min(axis=1)
        high = np.where(seen, self.rays, -np.inf)[known].max(axis=1)
        return float(np.median(np.linalg.norm(high - low, axis=-1))) + 1e-9

    def at(self, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rays (T, L, 2) and weights (T, L) at times in seconds, linear between frames; weight 0 outside the film."""
        place = (np.asarray(times) - self.start) * self.fps
        first = np.clip(np.floor(place).astype(int), 0, max(0, len(self.rays) - 2))
        second = np.minimum(first + 1, len(self.rays) - 1)
        part = place - first
        part = np.where(np.abs(part - np.round(part)) < 1e-6, np.round(part), part)
        inside = ((part >= 0) & (part <= 1))[:, None]
        part = np.clip(part, 0, 1)[:, None]
        # A frame that is met alone counts alone: what the next one lacks does not matter then.
        before, after = np.where(part < 1, self.weight[first], np.inf), np.where(part > 0, self.weight[second], np.inf)
        weight = np.where(inside, np.minimum(before, after), 0.0)
        seen = (1 - part)[..., None] * self.rays[first] + part[..., None] * self.rays[second]
        return np.where((weight > 0)[..., None], seen, 0.0), weight


def find_offsets(sights: Sequence[Sight], reach: float | None = None) -> np.ndarray:
    """Seconds by which each film's clock is ahead of the first one's: what the first shows at time t, film k shows at
    t + offset[k] (its first is 0).

    Args:
        sights: of the films, at least two; the same landmarks in all.
        reach: the largest offset that is tried, seconds; None: any at which films overlap long enough.

    Raises:
        ClockError: a film overlaps with the first at no offset long enough, or shows other movement than the others.
    """
    fps = max(sight.fps for sight in sights)
    pairs = list(combinations(range(len(sights)), 2))
    curves = {(a, b): _curve(sights[a], sights[b], fps, reach) for a, b in pairs}
    offsets = _together(curves, len(sights)) / fps
    _check(sights, curves, offsets)
    pairs = [pair for pair in pairs if curves[pair] is not None]
    for _ in range(3):
        offsets = _refined(sights, pairs, offsets, fps)
    return offsets


def disagreement(a: Sight, b: Sight, offset: float | None = None, reach: float | None = None) -> float:
    """How far the rays of two films miss each other, robustly averaged, 0..1; 2 where they never overlap.

    Args:
        a, b: of the films.
        offset: seconds by which the second one's clock is ahead; the best there is when None.
        reach: the largest offset that is tried, seconds.
    """
    fps = max(a.fps, b.fps)
    if offset is not None:
        return _miss(a, b, offset, fps)[0]
    curve = _curve(a, b, fps, reach)
    return _NEVER if curve is None else float(curve.costs.min())


_LEAST = 0.35  # of the shorter film that must overlap: in less, one step of a walk looks like another
_LONGEST = 20.0  # seconds: an overlap this long is enough
_MOMENTS, _MOST_MOMENTS = 60, 300  # that two films are compared at: to begin with, and in the end
_FAR = 0.06  # of the person's size, by which rays miss that count no more: a shift has nothing to do with them
_ALIKE = 0.045  # of the person's size, by which rays may miss on average: those of other movement miss by more


@dataclass(frozen=True)
class _Curve:
    """How far two films' rays miss each other at each whole step by which the second may be ahead of the first."""

    first: int
    costs: np.ndarray

    def at(self, steps):
        place = steps - self.first
        return self.costs[place] if 0 <= place < len(self.costs) else _NEVER


_NEVER = 2.0  # of costs, which are at most 1


def _curve(a, b, fps, reach):
    """None: they cannot overlap long enough."""
    least = min(_LEAST * min(a.end - a.start, b.end - b.start), _LONGEST)
    low, high = b.start - a.end + least, b.end - a.start - least
    if reach is not None:
        low, high = max(low, -reach), min(high, reach)
    first, last = int(np.ceil(low * fps)), int(np.floor(high * fps))
    if last < first:
        return None

    def costs_at(steps):
        return np.array([_miss(a, b, step / fps, fps, _MOMENTS)[0] for step in steps])

    # Bodies do not move so fast that a twentieth of a second would miss a valley; only valleys are looked at closely.
    stride = max(1, int(fps / 20))
    coarse = np.unique(np.append(np.arange(first, last + 1, stride), last))
    costs, every = costs_at(coarse), np.arange(first, last + 1)
    full = np.interp(every, coarse, costs)
    near = np.unique(np.clip(coarse[_lowest(costs)][:, None] + np.arange(1 - stride, stride), first, last))
    full[near - first] = costs_at(near)
    return _Curve(first, full)


def _miss(a, b, offset, fps, moments=_MOST_MOMENTS):
    """How far the rays of two films miss each other, of _FAR and robustly averaged, and of the person's size.

    The error is the angle between a ray and the plane of the other one with the line between the cameras.
    """
    start, end = max(a.start, b.start - offset), min(a.end, b.end - offset)
    count = int((end - start) * fps) + 1
    times = start + np.arange(0, count, max(1, count // moments)) / fps
    (seen_a, sure_a), (seen_b, sure_b) = a.at(times), b.at(times + offset)
    weight = sure_a * sure_b
    if not weight.any():
        return _NEVER, _NEVER
    along_a, along_b = _directions(seen_a, a.rotation), _directions(seen_b, b.rotation)
    between = b.position - a.position
    between = np.broadcast_to(between / max(np.linalg.norm(between), 1e-9), along_a.shape)
    plane_a, plane_b = cross(between, along_a), cross(between, along_b)
    volume = np.abs(np.sum(plane_a * along_b, axis=-1))
    angle = volume / np.maximum(np.minimum(*(np.linalg.norm(plane, axis=-1) for plane in (plane_a, plane_b))), 1e-9)
    off = angle / (0.5 * (a.size + b.size))
    square = (off / _FAR) ** 2
    return float(np.sum(weight * square / (1 + square)) / weight.sum()), float(np.sum(weight * off) / weight.sum())


def _directions(rays, rotation):
    along = np.concatenate((rays, np.ones((*rays.shape[:-1], 1))), axis=-1)
    return (along / np.linalg.norm(along, axis=-1, keepdims=True)) @ rotation


def _refined(sights, pairs, offsets, fps):
    """Offsets where the parabolas through each pair's costs, a frame to each side, are lowest together."""
    width = 1 / fps
    shifts = width * np.linspace(-1, 1, 7)
    matrix, right = np.zeros((len(sights), len(sights))), np.zeros(len(sights))
    for a, b in pairs:
        before = offsets[b] - offsets[a]
        bend, slope, _ = np.polyfit(
            shifts, [_miss(sights[a], sights[b], before + shift, fps)[0] for shift in shifts], 2
        )
        if bend > 0:
            best = np.clip(-slope / (2 * bend), -width, width)
            way = np.zeros(len(sights))
            way[[a, b]] = -1, 1
            matrix += bend * np.outer(way, way)
            right += bend * best * way
    step = np.linalg.lstsq(matrix[1:, 1:], right[1:], rcond=None)[0]
    return offsets + np.concatenate(([0.0], step))


def _together(curves, count):
    """(C,) whole steps that are best for all pairs at once: from each of the first film's few best partners, film by
    film as long as that helps."""
    candidates = []
    for k in range(1, count):
        curve = curves[0, k]
        candidates.append([] if curve is None else [curve.first + int(i) for i in _lowest(curve.costs)])

    def cost(steps):
        return sum(curve.at(steps[b] - steps[a]) for (a, b), curve in curves.items() if curve is not None)

    best = None
    for start in _starts(candidates):
        steps = np.array([0, *start])
        for _ in range(10):
            before = cost(steps)
            for k in range(1, count):
                if curves[0, k] is None:
                    continue
                tried = []
                for step in {*candidates[k - 1], *range(steps[k] - 3, steps[k] + 4)}:
                    moved = steps.copy()
                    moved[k] = step
                    tried.append((cost(moved), step))
                steps[k] = min(tried)[1]
            if cost(steps) >= before:
                break
        if best is None or cost(steps) < best[0]:
            best = (cost(steps), steps)
    return best[1].astype(np.float64)


def _lowest(costs, most=6):
    """Indices of the lowest local minima."""
    padded = np.pad(costs, 1, constant_values=np.inf)
    minima = np.flatnonzero((costs <= padded[:-2]) & (costs <= padded[2:]))
    return minima[np.argsort(costs[minima])][:most]


def _starts(candidates):
    """Each film's best with those of the others, and each of its other good ones with the others' best."""
    best = [found[0] if found else 0 for found in candidates]
    yield best
    for k, found in enumerate(candidates):
        for step in found[1:]:
            yield [*best[:k], step, *best[k + 1 :]]


def _check(sights, curves, offsets):
    fps = max(sight.fps for sight in sights)
    misses = []
    for k, sight in enumerate(sights):
        pairs = [(a, b) for a, b in curves if k in (a, b) and curves[a, b] is not None]
        if not pairs:
            raise ClockError(
                f"{sight.name} is too short to overlap with the other films, or nobody is seen in it; leave it out"
            )
        misses.append(np.median([_miss(sights[a], sights[b], offsets[b] - offsets[a], fps)[1] for a, b in pairs]))
    worst = int(np.argmax(misses))
    if misses[worst] > _ALIKE:
        raise ClockError(
            f"{sights[worst].name} fits the other films at no time: what it shows misses theirs by "
            f"{misses[worst]:.0%} of the person's size; see that it shows the same moments and that the calibration's "
            "camera is the one that took it"
        )
