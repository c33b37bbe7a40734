"""Fewer keys for the same movement, with a bound on how far any joint is off in the world.

A key stands where it must: each channel begins with its ends, and gains keys where the curve through its keys takes
some joint too far from where it was, as Ramer (1972) and Douglas and Peucker (1973) simplify a line. What is bounded
is not the channel's own error but that of the joints in the world, since a degree at the hip moves a foot further than
one at the ankle: a joint that is off asks for a key of the channel above it that does most to it. Keys that nothing
asked for in the end are taken out again.

Between keys each component of a rotation and of a place goes along a cubic whose slope at a key is that of the parabola
through it and the keys beside it; rotations are normalised. An F-curve of Blender's with Bezier keys, their handles a
third of the way to the next key along these slopes, is that very cubic.

A key changes its channel's curve no further than to the second key before and after it, and the world no further than
below its joint: only that is worked out again.
"""

from dataclasses import dataclass

import numpy as np

from graphics_ml.motion.kinematics import multiply_rows, step_rows
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.rotations import angle_between, unroll
from graphics_ml.wording import short_repr

_FEW = 3  # changed channels from which on moving all joints costs less than what hangs on each
_LEVER = 0.1  # metres, about a hand or a foot: what hangs on a leaf joint and is not measured as a joint


@dataclass(frozen=True)
class Channel:
    """The keys of one joint's rotation or place.

    Args:
        joint: index of the joint.
        kind: "rotation": quaternions wxyz relative to the parent, rest included; "position": metres, of the root in the
            world, of another joint in its parent's frame.
        frames: (K,) frames of the keys, ascending.
        values: (K, 4) or (K, 3).
    """

    joint: int
    kind: str
    frames: np.ndarray
    values: np.ndarray


@short_repr
@dataclass(frozen=True)
class ReducedKeys:
    """A motion as keys.

    Args:
        channels: one for each rotation, the root's place, and the place of each joint that moves in its parent.
        motion: what the keys give, frame by frame.
        keys: number of keys in all channels.
        full: number of keys before: one for each frame and channel.
        error: metres, the greatest distance of any joint in any frame from where it was in the world.
        turn: radians, the greatest angle of any joint's orientation in the world from what it was.
    """

    channels: tuple[Channel, ...]
    motion: Motion
    keys: int
    full: int
    error: float
    turn: float


def reduce_keys(motion: Motion, metres: float = 0.002, degrees: float | None = None) -> ReducedKeys:
    """The keys that keep every joint of every frame within an error, in place and in orientation, in the world.

    Args:
        motion: F frames.
        metres: the most that a joint may be off its place.
        degrees: the most that it may be turned away; None allows what moves a point 0.1 m away by `metres`.

    Raises:
        ValueError: an error allowed is not positive.
    """
    radians = metres / _LEVER if degrees is None else np.radians(degrees)
    if not (metres > 0 and radians > 0):
        raise ValueError("the errors that reducing keys may make are above zero")
    chord = 4 * np.sin(min(radians, np.pi) / 4)
    curves = _Curves(motion)
    keyed = np.zeros((len(curves.joints), len(motion)), dtype=bool)
    keyed[:, [0, -1]] = True
    while True:
        wrong = _asked_for(curves, keyed, metres, chord)
        if not wrong.any():
            break
        keyed |= _worst_of_each_span(wrong, keyed)
    for _ in range(2):  # what goes from one channel may free a key of another
        _take_out(curves, keyed, metres, chord)
    return _result(curves, keyed)


def key_slopes(frames, values):
    """Slopes (K, C), per frame, of the curve through keys at frames (K,) with values (K, C); level for one key."""
    if len(frames) < 3:
        rise = values[-1] - values[0]
        return np.repeat(rise[None] / max(frames[-1] - frames[0], 1), len(frames), axis=0)
    steps = np.diff(frames)[:, None]
    secants = np.diff(values, axis=0) / steps
    inner = (steps[1:] * secants[:-1] + steps[:-1] * secants[1:]) / (steps[:-1] + steps[1:])
    return np.concatenate((2 * secants[:1] - inner[:1], inner, 2 * secants[-1:] - inner[-1:]))


def curve_through(frames, values, at, span):
    """The curve (C, N) through keys at frames (K,) with values (C, K), at frames (N,).

    Args:
        span: (N,) for each frame how many keys come after the first and up to it.
    """
    if len(frames) == 1:
        return np.repeat(values, len(at), axis=1)
    slopes, length = key_slopes(frames, values.T).T, np.diff(frames)
    rise, start, end = np.diff(values, axis=1), slopes[:, :-1] * length, slopes[:, 1:] * length
    span = np.minimum(span, len(length) - 1)
    t = (at - frames[span]) / length[span]
    curve = (start + end - 2 * rise).take(span, axis=1)
    for coefficients in (3 * rise - 2 * start - end, start, values):
        curve *= t
        curve += coefficients.take(span, axis=1)
    return curve


class _Curves:
    """The channels of a motion, all rotations, the root's place and the places of joints that move, as curves through
    keys, and how far off the joints are when they move along these.

    Arrays have the frames last, each row in one piece of memory.

    Args:
        joints: (C,) joint of each channel.
        affects: (C, J) bool: the joint is the channel's or hangs from it.
        keyed: (C, F) bool, the keys that `follow` was given last.
        apart: (C, F) how far each curve is from what it stands for: chords (see _chord) or metres.
        off, turned: (J, F) metres and chords that each joint is off in the world.
    """

    def __init__(self, motion):
        self.motion, skeleton, frames = motion, motion.skeleton, len(motion)
        self.rotations = unroll(motion.rotations)
        self.moving = [0]
        if motion.local_positions is not None:
            self.moving += (1 + np.flatnonzero(np.ptp(motion.local_positions[:, 1:], axis=0).max(axis=-1))).tolist()
        self.places = motion.root_positions[:, None]
        if len(self.moving) > 1:
            self.places = motion.local_positions[:, self.moving]
        self.joints = np.array([*range(len(skeleton)), *self.moving])
        self.meant = [*_rows(self.rotations), *_rows(self.places)]
        own_or_above = np.eye(len(skeleton), dtype=bool)
        for joint, parent in enumerate(skeleton.parents):
            if parent >= 0:
                own_or_above[joint] |= own_or_above[parent]
        self.affects = own_or_above.T[self.joints]
        steady = skeleton.offsets if motion.local_positions is None else motion.local_positions[0]
        self.steps = [tuple(step) for step in steady.tolist()]
        world, spots = motion.transforms()
        self.wanted, self.wanted_spots = _rows(world), _rows(spots)
        self.keyed = np.zeros((len(self.joints), frames), dtype=bool)
        self.curves = [np.zeros((4, frames)) for _ in skeleton.names] + [np.zeros((3, frames)) for _ in self.moving]
        self.apart = np.zeros((len(self.joints), frames))
        self.world, self.spots = np.zeros(self.wanted.shape), np.zeros(self.wanted_spots.shape)
        self.off, self.turned = np.zeros((2, len(skeleton), frames))

    def follow(self, keyed):
        """Let the joints move along the curves through keys (C, F) bool."""
        changed = np.flatnonzero((keyed != self.keyed).any(axis=1))
        spans = [self._bend(channel, keyed[channel]) for channel in changed]
        if len(changed) < _FEW:
            for channel, span in zip(changed, spans, strict=True):
                self._move(np.flatnonzero(self.affects[channel]), np.flatnonzero(span))
        else:
            self._move(range(len(self.motion.skeleton)), np.flatnonzero(np.any(spans, axis=0)))

    def moved(self):
        """The motion along the curves."""
        turning = self.rotations.shape[1]
        rotations, places = (
            np.stack(some).transpose(2, 0, 1) for some in (self.curves[:turning], self.curves[turning:])
        )
        local = self.motion.local_positions
        if local is not None:
            local = np.array(local)
            local[:, self.moving] = places
        return self.motion.replace(rotations=rotations, root_positions=places[:, 0], local_positions=local)

    def _bend(self, channel, keyed):
        """Lead a channel's curve through other keys (F,) bool; gives the frames (F,) bool where it may be another."""
        differ = np.flatnonzero(keyed != self.keyed[channel])
        self.keyed[channel] = keyed
        frames, values = np.flatnonzero(keyed), self.meant[channel]
        first = frames[np.maximum(np.searchsorted(frames, differ) - 2, 0)]
        last = frames[np.minimum(np.searchsorted(frames, differ, side="right") + 1, len(frames) - 1)]
        ends = np.bincount(first, minlength=len(keyed) + 1) - np.bincount(last + 1, minlength=len(keyed) + 1)
        span = np.cumsum(ends[:-1]) > 0
        at = _worth(np.flatnonzero(span), len(span))
        curve = curve_through(frames, values[:, frames], np.arange(len(span))[at], (np.cumsum(keyed) - 1)[at])
        if len(values) == 4:
            # Half way between keys a whole turn apart there is nothing, which is far from every rotation.
            curve /= np.maximum(np.sqrt(sum(row * row for row in curve)), 1e-150)
            self.apart[channel, at] = _chord(curve, values[:, at])
        else:
            self.apart[channel, at] = _distance(curve, values[:, at])
        self.curves[channel][:, at] = curve
        return span

    def _move(self, joints, frames):
        """Put joints, parents before children, where their curves lead them at some frames."""
        skeleton, turning = self.motion.skeleton, self.rotations.shape[1]
        frames = _worth(frames, self.keyed.shape[1])
        for joint in joints:
            turn, parent = self.curves[joint][:, frames], skeleton.parents[joint]
            step = self.steps[joint]
            if joint in self.moving:
                step = self.curves[turning + self.moving.index(joint)][:, frames]
            if parent >= 0:
                above = self.world[parent][:, frames]
                step = step_rows(self.spots[parent][:, frames], above, step)
                turn = multiply_rows(above, turn)
            for row, values in enumerate(turn):
                self.world[joint, row, frames] = values
            for row, values in enumerate(step):
                self.spots[joint, row, frames] = values
            self.off[joint, frames] = _distance(step, self.wanted_spots[joint][:, frames])
            self.turned[joint, frames] = _chord(turn, self.wanted[joint][:, frames])


def _rows(values):
    """(F, J, C) as (J, C, F)."""
    return np.ascontiguousarray(values.transpose(1, 2, 0))


def _worth(frames, count):
    """Frames (N,) of so many as an index; where they are most, all of them, which spares copies."""
    return slice(None) if 2 * len(frames) > count else frames


def _distance(a, b):
    """Distances (N,) between points of C rows (N,) each."""
    apart = [p - q for p, q in zip(a, b, strict=True)]
    return np.sqrt(sum(part * part for part in apart))


def _chord(a, b):
    """How far apart rotations of four rows (N,) each are: twice the chord between them on the unit sphere, which grows
    with their angle and is that of small ones."""
    sign = np.copysign(1.0, sum(p * q for p, q in zip(a, b, strict=True)))
    return 2 * _distance(a, [sign * row for row in b])


def _asked_for(curves, keyed, metres, chord):
    """(C, F): how far the worst joint of a frame is beyond what is allowed, at the channel that does most to it."""
    curves.follow(keyed)
    beyond = np.maximum(curves.off / metres, curves.turned / chord)
    frames = np.flatnonzero(beyond.max(axis=0) > 1)
    beyond, column = beyond[:, frames], np.arange(len(frames))
    worst = beyond.argmax(axis=0)
    places, turning = curves.wanted_spots[:, :, frames], len(curves.wanted)
    arms = _distance(places.swapaxes(0, 1), places[worst, :, column].T)
    by_turn = curves.turned[worst, frames] / chord > curves.off[worst, frames] / metres
    harm = curves.apart[:, frames]
    harm[:turning] *= np.where(by_turn, 1.0, arms)
    harm[turning:] *= ~by_turn
    harm[~curves.affects[:, worst] | keyed[:, frames]] = -1.0
    channel = harm.argmax(axis=0)
    free = harm.max(axis=0) > 0  # where every channel has a key already, what is left is rounding
    wrong = np.zeros(keyed.shape)
    wrong[channel[free], frames[free]] = beyond[worst, column][free]
    return wrong


def _worst_of_each_span(wrong, keyed):
    """(C, F) bool: between any two keys of a channel the frame where it is most wrong, if it is."""
    chosen = np.zeros_like(keyed)
    for channel in np.flatnonzero(wrong.any(axis=1)):
        frames = np.flatnonzero(wrong[channel])
        frames = frames[np.argsort(wrong[channel, frames], kind="stable")]
        span = np.cumsum(keyed[channel])[frames]
        last = dict(zip(span.tolist(), frames.tolist(), strict=True))  # the worst comes last
        chosen[channel, list(last.values())] = True
    return chosen


def _take_out(curves, keyed, metres, chord):
    """Take out of `keyed`, in place, keys without which all joints stay within what is allowed.

    Of each channel every fourth key goes at a time, so that what happens between the second before it and the second
    after it, as far as its slopes reach, is its own doing; where a joint is then too far off there, it comes back.
    """
    for channel in range(len(keyed)):
        below = curves.affects[channel]
        for first in (1, 2, 3, 4):
            keys = np.flatnonzero(keyed[channel])
            out = keys[first:-1:4]
            if not len(out):
                continue
            keyed[channel, out] = False
            curves.follow(keyed)
            bad = ((curves.off[below] > metres) | (curves.turned[below] > chord)).any(axis=0)
            bad_before = np.concatenate(([0], np.cumsum(bad)))
            around = np.searchsorted(keys, out)
            reach = keys[np.minimum(around + 2, len(keys) - 1)], keys[np.maximum(around - 2, 0)]
            needed = bad_before[reach[0]] > bad_before[reach[1]]
            keyed[channel, out[needed]] = True


def _result(curves, keyed):
    curves.follow(keyed)
    motion = curves.moved()
    world, places = motion.transforms()
    wanted, wanted_places = curves.motion.transforms()
    off, turned = np.linalg.norm(places - wanted_places, axis=-1), angle_between(world, wanted)
    channels = []
    for channel, joint in enumerate(curves.joints.tolist()):
        frames, values = np.flatnonzero(keyed[channel]), curves.meant[channel].T
        if len(frames) == 2 and np.array_equal(values[0], values[-1]):
            frames = frames[:1]
        kind = "rotation" if channel < len(motion.skeleton) else "position"
        channels.append(Channel(joint, kind, frames, values[frames]))
    count = sum(len(channel.frames) for channel in channels)
    return ReducedKeys(tuple(channels), motion, count, keyed.size, float(off.max()), float(turned.max()))
