"""Kinds of moving on the floor and between any two poses: crawling, lying down, getting up, wandering through poses."""

import numpy as np

from graphics_ml.motion.invented.body import SIDES, THIGH, WRIST_RADIUS
from graphics_ml.motion.invented.curves import drift, min_jerk
from graphics_ml.motion.invented.plans import tremble
from graphics_ml.motion.invented.poses import stocked
from graphics_ml.motion.invented.tracks import COLUMNS, Tracks

# From which way of being on the floor people get to which others at once.
_NEXT = {
    "stand": ("stand", "stride", "one leg", "bend down", "squat", "sit on chair", "kneel"),
    "stride": ("stand", "stride", "bend down", "kneel", "squat"),
    "one leg": ("stand", "stride", "one leg"),
    "bend down": ("stand", "squat", "bend down", "stride"),
    "squat": ("stand", "bend down", "squat", "sit on floor", "kneel"),
    "kneel": ("kneel", "on hands", "stride", "squat"),
    "sit on chair": ("sit on chair", "stand"),
    "sit on floor": ("sit on floor", "squat", "lie"),
    "on hands": ("kneel", "on hands"),
    "lie": ("lie", "sit on floor"),
}
_UPRIGHT = ("stand", "stride", "one leg", "bend down", "squat")


def poses(rng, times, gravity):
    """From one random pose to the next, on the feet."""
    return _through(rng, times, str(rng.choice(_UPRIGHT)), _UPRIGHT, rng.uniform(0.5, 1.4))


def floor(rng, times, gravity):
    """Up from the floor or down to it: sitting, kneeling, on hands, lying."""
    return _through(rng, times, str(rng.choice(tuple(_NEXT))), tuple(_NEXT), rng.uniform(1.0, 1.8))


def lie(rng, times, gravity):
    """Lying down or getting up, by way of sitting."""
    order = ["stand", "squat", "sit on floor", "lie"]
    if rng.random() < 0.5:
        order = order[::-1]
    keys = np.stack([stocked(rng, name) for name in order])
    part = times[-1] / 4
    starts = np.arange(3) * part * 1.25 + rng.uniform(0.0, 0.4)
    return _between(rng, times, keys, starts, np.full(3, part * rng.uniform(0.95, 1.2)))


def _through(rng, times, first, allowed, slow):
    order, starts, lengths, now = [first], [], [], rng.uniform(-0.4, 0.3)
    while now < times[-1]:
        order.append(str(rng.choice([name for name in _NEXT[order[-1]] if name in allowed])))
        length = slow * rng.uniform(0.7, 1.4)
        starts.append(now)
        lengths.append(length)
        now += length + rng.exponential(0.25)
    keys = np.stack([stocked(rng, name) for name in order])
    return _between(rng, times, keys, np.array(starts), np.array(lengths))


def _between(rng, times, keys, starts, lengths):
    """Tracks that go from key to key (K + 1, W): all at once but the feet, which step one after the other."""
    share = min_jerk((times[:, None] - starts) / lengths)
    tracks = Tracks(keys[0] + share @ np.diff(keys, axis=0))
    for k, (start, length) in enumerate(zip(starts, lengths, strict=True)):
        order = rng.permutation(tuple(SIDES))
        for late, side in enumerate(order):
            own = np.clip((times - start - 0.42 * late * length) / (0.55 * length), 0, 1)
            change = min_jerk(own) - share[:, k]
            for name in ("sole", "foot"):
                columns = COLUMNS[f"{side}_{name}"]
                tracks.values[:, columns] += change[:, None] * (keys[k + 1, columns] - keys[k, columns])
            columns = COLUMNS[f"{side}_sole"]
            far = np.hypot(*(keys[k + 1, columns] - keys[k, columns])[[0, 2]])
            tracks[f"{side}_sole"][:, 1] += min(0.25 * far, 0.06) * 64 * (own * (1 - own)) ** 3
    tremble(rng, tracks, times)
    return tracks


def crawl(rng, times, gravity):
    """On hands and knees, each hand with the knee of the other side."""
    pose = Tracks(stocked(rng, "on hands")[None])
    while pose["left_leg"][0, 5] < 0.5:  # on its feet
        pose = Tracks(stocked(rng, "on hands")[None])
    tracks = Tracks(np.repeat(pose.values, len(times), axis=0))
    stride, duty = rng.uniform(0.9, 1.8), rng.uniform(0.55, 0.68)
    speed = rng.uniform(0.08, 0.28) / stride * 1.4
    start = rng.random()
    hips = tracks["hips"][0, 1]
    swing = THIGH * 0.5
    for number, (side, other) in enumerate((("left", "right"), ("right", "left"))):
        cycle = times / stride + start + 0.5 * number
        step = np.floor(cycle)
        own = np.clip((cycle - step - duty) / (1 - duty), 0, 1)
        # Where the stance of this step has its middle the limb is as drawn.
        at = ((step - start - 0.5 * number) + duty / 2) * stride
        ahead = speed * (at + min_jerk(own) * stride)
        touch = tracks[f"{side}_touch"]
        touch[:, 2] += ahead
        touch[:, 1] = WRIST_RADIUS + 0.01 + 0.06 * 64 * (own * (1 - own)) ** 3
        # The knee of the other side swings with this hand: its thigh goes ahead and back as the hips travel on.
        relative = (ahead - speed * times) / swing * 0.5
        leg = tracks[f"{other}_leg"]
        leg[:, 0] += relative
        leg[:, 3] += relative + 0.12 * np.sin(np.pi * own) ** 2
    tracks["hips"][:, 2] += speed * times
    tracks["hips"][:, 1] = hips + 0.004
    sway = np.sin(2 * np.pi * (times / stride + start))
    tracks["pelvis"][:, 2] += 0.04 * sway
    tracks["lumbar"][:, 1] += 0.08 * sway
    tracks["head"] += drift(rng, times, 3, 1.2) * (0.15, 0.06, 0.2)
    return tracks


KINDS = {
    "poses": (poses, 9),
    "floor": (floor, 5),
    "lie down": (lie, 2),
    "crawl": (crawl, 2),
}
