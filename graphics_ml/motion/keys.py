"""Fewer keys for the same movement, with a bound on how far any joint is off in the world.

A key stands where it must: each channel begins with its ends, and gains keys where the curve through its keys takes
some joint too far from where it was, as Ramer (1972) and Douglas and Peucker (1973) simplify a line. What is bounded
is not the channel's own error but that of the joints in the world, since a degree at the hip moves a foot further than
one at the ankle: a joint that is off asks for a key of the channel above it that does most to it. Keys that nothing
asked for in the end are taken out again.

Between keys each component of a rotation and of a place goes along a cubic whose slope at a key is that of the parabola
through it and the keys beside it; rotations are normalised. An F-curve of Blender's with Bezier keys, their handles a
third of the way to the next key along these slopes, is that very cubic.
"""

from dataclasses import dataclass

import numpy as np

from graphics_ml.motion.motion import Motion
from graphics_ml.motion.rotations import angle_between, normalize, unroll
from graphics_ml.wording import short_repr

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
    curves = _Curves(motion)
    keyed = np.zeros((len(motion), len(curves.joints)), dtype=bool)
    keyed[[0, -1]] = True
    while True:
        wrong = _asked_for(curves, keyed, metres, radians)
        if not wrong.any():
            break
        keyed |= _worst_of_each_span(wrong, keyed)
    for _ in range(2):  # what goes from one channel may free a key of another
        _take_out(curves, keyed, metres, radians)
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


def curve_through(frames, values, count):
    """The curve (count, C) through keys at frames (K,), from 0 on, with values (K, C)."""
    if len(frames) == 1:
        return np.repeat(values, count, axis=0)
    slopes, at = key_slopes(frames, values), np.arange(count)
    span = np.clip(np.searchsorted(frames, at, side="right") - 1, 0, len(frames) - 2)
    length = (frames[span + 1] - frames[span])[:, None]
    t = (at - frames[span])[:, None] / length
    rise = t * t * (3 - 2 * t)
    bow = t * (1 - t) * length * ((1 - t) * slopes[span] - t * slopes[span + 1])
    return (1 - rise) * values[span] + rise * values[span + 1] + bow


class _Curves:
    """The channels of a motion as columns: all rotations, the root's place, the places of joints that move.

    Args:
        joints: (C,) joint of each channel.
        affects: (C, J) bool: the joint is the channel's or hangs from it.
    """

    def __init__(self, motion):
        self.motion = motion
        self.rotations = unroll(motion.rotations)
        self.moving = [0]
        if motion.local_positions is not None:
            self.moving += (1 + np.flatnonzero(np.ptp(motion.local_positions[:, 1:], axis=0).max(axis=-1))).tolist()
        self.places = self.places_of(motion)
        self.joints = np.array([*range(len(motion.skeleton)), *self.moving])
        own_or_above = np.eye(len(motion.skeleton), dtype=bool)
        for joint, parent in enumerate(motion.skeleton.parents):
            if parent >= 0:
                own_or_above[joint] |= own_or_above[parent]
        self.affects = own_or_above.T[self.joints]
        self.world, self.world_places = motion.transforms()
        self.last = np.zeros((len(motion), len(self.joints)), dtype=bool)
        self.turns, self.shifts = np.empty(self.rotations.shape), np.empty(self.places.shape)

    def places_of(self, motion):
        """(F, P, 3) of the joints that move, the root first."""
        if len(self.moving) == 1:
            return motion.root_positions[:, None]
        return motion.local_positions[:, self.moving]

    def evaluate(self, keyed):
        """Rotations (F, J, 4) and places (F, P, 3) of the curves through keys (F, C) bool.

        Only channels whose keys are others than the last time are worked out.
        """
        joints = len(self.motion.skeleton)
        for channel in np.flatnonzero((keyed != self.last).any(axis=0)):
            frames = np.flatnonzero(keyed[:, channel])
            source, result, column = (
                (self.rotations, self.turns, channel)
                if channel < joints
                else (self.places, self.shifts, channel - joints)
            )
            curve = curve_through(frames, source[frames, column], len(keyed))
            result[:, column] = normalize(curve) if channel < joints else curve
        self.last = keyed.copy()
        return self.turns, self.shifts

    def motion_of(self, keyed):
        """The motion (F frames) that the keys give."""
        rotations, places = self.evaluate(keyed)
        local = self.motion.local_positions
        if local is not None:
            local = np.array(local)
            local[:, self.moving] = places
        return self.motion.replace(rotations=rotations, root_positions=places[:, 0], local_positions=local)

    def errors(self, keyed):
        """The motion of the keys, and how far each joint is off in it: metres and radians, (F, J) each."""
        motion = self.motion_of(keyed)
        world, places = motion.transforms()
        return motion, np.linalg.norm(places - self.world_places, axis=-1), angle_between(world, self.world)


def _asked_for(curves, keyed, metres, radians):
    """(F, C): how far the worst joint of a frame is beyond what is allowed, at the channel that does most to it."""
    motion, off, turned = curves.errors(keyed)
    beyond = np.maximum(off / metres, turned / radians)
    frames = np.flatnonzero(beyond.max(axis=1) > 1)
    worst = beyond[frames].argmax(axis=1)
    angles = angle_between(motion.rotations[frames], curves.rotations[frames])
    places = curves.world_places[frames]
    arms = np.linalg.norm(places - places[np.arange(len(frames)), worst][:, None], axis=-1)
    by_turn = (turned[frames, worst] / radians > off[frames, worst] / metres)[:, None]
    shifts = np.linalg.norm(curves.places_of(motion)[frames] - curves.places[frames], axis=-1)
    harm = np.concatenate((np.where(by_turn, angles, angles * arms), np.where(by_turn, 0.0, shifts)), axis=1)
    harm = np.where(curves.affects[:, worst].T & ~keyed[frames], harm, -1.0)
    channel = harm.argmax(axis=1)
    free = harm.max(axis=1) > 0  # where every channel has a key already, what is left is rounding
    wrong = np.zeros(keyed.shape)
    wrong[frames[free], channel[free]] = beyond[frames[free], worst[free]]
    return wrong


def _worst_of_each_span(wrong, keyed):
    """(F, C) bool: between any two keys of a channel the frame where it is most wrong, if it is."""
    chosen = np.zeros_like(keyed)
    span = np.cumsum(keyed, axis=0)
    for channel in np.flatnonzero(wrong.any(axis=0)):
        frames = np.flatnonzero(wrong[:, channel])
        frames = frames[np.argsort(wrong[frames, channel], kind="stable")]
        last = dict(zip(span[frames, channel].tolist(), frames.tolist(), strict=True))  # the worst comes last
        chosen[list(last.values()), channel] = True
    return chosen


def _take_out(curves, keyed, metres, radians):
    """Take out of `keyed`, in place, keys without which all joints stay within what is allowed.

    Of each channel every fourth key goes at a time, so that what happens between the second before it and the second
    after it, as far as its slopes reach, is its own doing; where a joint is then too far off there, it comes back.
    """
    for channel in range(keyed.shape[1]):
        for first in (1, 2, 3, 4):
            keys = np.flatnonzero(keyed[:, channel])
            out = keys[first:-1:4]
            if not len(out):
                continue
            keyed[out, channel] = False
            _, off, turned = curves.errors(keyed)
            bad = ((off > metres) | (turned > radians)).any(axis=1)
            bad_before = np.concatenate(([0], np.cumsum(bad)))
            around = np.searchsorted(keys, out)
            reach = keys[np.minimum(around + 2, len(keys) - 1)], keys[np.maximum(around - 2, 0)]
            needed = bad_before[reach[0]] > bad_before[reach[1]]
            keyed[out[needed], channel] = True


def _result(curves, keyed):
    motion, off, turned = curves.errors(keyed)
    values = [curves.rotations[:, j] for j in range(curves.rotations.shape[1])]
    values += [curves.places[:, p] for p in range(curves.places.shape[1])]
    channels = []
    for column, (joint, value) in enumerate(zip(curves.joints.tolist(), values, strict=True)):
        frames = np.flatnonzero(keyed[:, column])
        if len(frames) == 2 and np.array_equal(value[0], value[-1]):
            frames = frames[:1]
        kind = "rotation" if column < curves.rotations.shape[1] else "position"
        channels.append(Channel(joint, kind, frames, value[frames]))
    count = sum(len(channel.frames) for channel in channels)
    return ReducedKeys(tuple(channels), motion, count, keyed.size, float(off.max()), float(turned.max()))
