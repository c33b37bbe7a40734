"""What the upper body does over time, whatever the legs do: arms that go from hold to hold, gazes, breath and unrest.

Hands go as people's do: mostly straight off with a bell of speed (curves.min_jerk), each movement as long as its way
asks for (Fitts, J. Experimental Psychology 1954), hold for a while, and go on.
"""

import numpy as np

from graphics_ml.motion.invented.arms import draw_arms
from graphics_ml.motion.invented.body import SIDES
from graphics_ml.motion.invented.curves import drift, min_jerk
from graphics_ml.motion.invented.tracks import Tracks

HELD = ("clavicle", "wrist", "elbow", "hand", "fingers")


def draw_times(rng, times, pause, shortest=0.45):
    """Starts and lengths (K,) of movements that follow each other, with pauses of about so many seconds between."""
    starts, lengths, now = [], [], times[0] + rng.uniform(-0.5, 0.6)
    while now < times[-1]:
        length = shortest + rng.gamma(2.0, 0.22)
        starts.append(now)
        lengths.append(length)
        now += length + rng.exponential(pause)
    return np.array(starts), np.array(lengths)


def from_hold_to_hold(times, starts, lengths, keys):
    """Values (F, W) that move from keys[k] to keys[k + 1] within lengths[k] seconds after starts[k]; keys (K + 1, W).

    Where a movement begins before another has ended the two add up, which blends them (Flash and Henis 1991).
    """
    share = min_jerk((times[:, None] - starts) / lengths)
    return keys[0] + share @ np.diff(keys, axis=0)


def move_arms(
    rng, tracks: Tracks, times, pause: float = 0.5, alike: float = 0.5, sides=tuple(SIDES), names=None
) -> None:
    """Let arms go from one of arms.py's holds to the next.

    Args:
        pause: seconds that they stay, on average.
        alike: how often both arms do the same, at the same time.
        names: of the holds to draw from; all when None.
    """
    together = rng.random() < alike
    starts, lengths = draw_times(rng, times, pause)
    arms = draw_arms(rng, len(starts) + 1, 0.97 if together else 0.2, names)
    for side in SIDES:
        if side not in sides:
            continue
        if not together:
            starts, lengths = draw_times(rng, times, pause)
            arms = draw_arms(rng, len(starts) + 1, 0.2, names)
        for name in HELD:
            tracks[f"{side}_{name}"] = from_hold_to_hold(times, starts, lengths, arms[f"{side}_{name}"])


def move_trunk(rng, tracks: Tracks, times, lively: float = 1.0) -> None:
    """Bend and turn spine, neck and head a little now and then."""
    degrees = lively * np.array((6, 4, 7, 4, 3, 6, 4, 3, 8, 5, 3, 9))
    amount = rng.gamma(2.0, 0.5, 12) * np.radians(degrees)
    bend = drift(rng, times, 12, rng.uniform(0.7, 2.0)) * amount
    for k, name in enumerate(("lumbar", "thorax", "neck", "head")):
        tracks[name] += bend[:, 3 * k : 3 * k + 3]
    look(rng, tracks, times)


def look(rng, tracks: Tracks, times) -> None:
    """Turn the head quickly to something else now and then."""
    starts, lengths = draw_times(rng, times, rng.uniform(0.8, 3.0), 0.25)
    aims = rng.standard_normal((len(starts) + 1, 3)) * np.radians((10, 4, 22))
    gaze = from_hold_to_hold(times, starts, lengths, aims)
    share = rng.uniform(0.3, 0.6)
    tracks["neck"] += share * gaze
    tracks["head"] += (1 - share) * gaze


def tremble(rng, tracks: Tracks, times) -> None:
    """Breath and unrest: nobody holds quite still."""
    breath = np.sin(2 * np.pi * (times * rng.uniform(0.2, 0.4) + rng.random())) * rng.uniform(0.003, 0.015)
    tracks["thorax"][:, 0] -= breath
    for side in SIDES:
        tracks[f"{side}_clavicle"][:, 0] += breath
        tracks[f"{side}_wrist"] += drift(rng, times, 3, 0.5) * (0.012, 0.012, 0.006)
        tracks[f"{side}_hand"] += drift(rng, times, 3, 0.7) * 0.04
        tracks[f"{side}_fingers"] += drift(rng, times, 3, 0.7) * (0.03, 0.03, 0.03)
        tracks[f"{side}_elbow"] += drift(rng, times, 1, 0.9) * 0.03
