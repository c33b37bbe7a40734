"""What the legs do while the rest is busy: standing with shifting weight, stepping about, sitting, kneeling, lying."""

import numpy as np

from graphics_ml.motion.invented.body import HIP_WIDTH, SIDES
from graphics_ml.motion.invented.curves import drift, min_jerk, smoothed
from graphics_ml.motion.invented.plans import draw_times, from_hold_to_hold, move_trunk
from graphics_ml.motion.invented.poses import stocked
from graphics_ml.motion.invented.settle import lower_to_reach
from graphics_ml.motion.invented.tracks import Tracks


def held(rng, times, posture: str) -> Tracks:
    """One pose for all times."""
    return Tracks(np.repeat(stocked(rng, posture)[None], len(times), axis=0))


def stand_about(rng, times, lively: float = 1.0) -> Tracks:
    """On both feet, the weight going from one to the other."""
    tracks = held(rng, times, "stand")
    tracks["pelvis"][:, 1] *= 0.4
    shift_weight(rng, tracks, times, lively)
    move_trunk(rng, tracks, times, lively)
    return tracks


def shift_weight(rng, tracks: Tracks, times, lively: float = 1.0) -> None:
    """Hips that go from over one foot to over the other, tilting, and sink and rise a little."""
    starts, lengths = draw_times(rng, times, rng.uniform(0.5, 3.0), 0.7)
    apart = (tracks["left_sole"] - tracks["right_sole"])[0]
    share = rng.uniform(-0.4, 0.4, (len(starts) + 1, 1)) * lively
    share = from_hold_to_hold(times, starts, lengths, np.clip(share, -0.45, 0.45))
    slow = drift(rng, times, 6, 1.3) * (0.006, 0.006, 0.008, 0.02, 0.02, 0.04) * np.array(lively)
    tracks["hips"] += share * apart * (1, 0, 1) + slow[:, :3] - (0, 0.01 * lively, 0)
    tracks["pelvis"] += slow[:, 3:][:, [2, 0, 1]] + share * (0, 0, 0.25)
    tracks["lumbar"][:, 1] += 0.2 * share[:, 0]


def sit_about(rng, times) -> Tracks:
    """On a chair or on the floor, on the knees, or lying."""
    posture = rng.choice(("sit on chair", "sit on floor", "kneel", "lie"), p=(0.5, 0.25, 0.15, 0.1))
    tracks = held(rng, times, str(posture))
    if posture != "lie":
        sway = drift(rng, times, 2, 1.5) * 0.05
        tracks["lumbar"][:, :2] += sway
        move_trunk(rng, tracks, times, 1.2)
    else:
        move_trunk(rng, tracks, times, 0.3)
    return tracks


def put_feet(tracks: Tracks, times, steps, high: float = 0.05) -> None:
    """Feet that stand, but for steps.

    Args:
        steps: (side, start, length, x, z, turn) each: when a foot leaves, how many seconds later and where it lands.
            Before the first a foot stands where the tracks have it.
        high: how high the foot is lifted, body heights.
    """
    for side in SIDES:
        sole, foot = tracks[f"{side}_sole"], tracks[f"{side}_foot"]
        at = np.array([sole[0, 0], sole[0, 2], foot[0, 0]])
        for _, start, length, *there in (step for step in steps if step[0] == side):
            share = (times - start) / length
            moving = np.clip(share, 0, 1)
            there = np.array(there)
            change = min_jerk(share)[:, None] * (there - at)
            sole[:, [0, 2]] += change[:, :2]
            foot[:, 0] += change[:, 2]
            reach = min(1.0, 0.3 + 3 * np.hypot(*(there - at)[:2]))
            sole[:, 1] += high * reach * 64 * (moving * (1 - moving)) ** 3
            foot[:, 1] += 0.35 * np.sin(2 * np.pi * moving) * np.sin(np.pi * moving) * reach
            at = there


def over_the_feet(tracks: Tracks, times, late: float = 0.25) -> None:
    """Hips and heading that follow the feet: over the one that stands while the other steps."""
    left, right = tracks["left_sole"], tracks["right_sole"]
    weight = np.clip(0.5 + 12 * (right[:, 1] - left[:, 1]), 0.15, 0.85)[:, None]
    fps = 1 / (times[1] - times[0])
    window = max(1, round(late * fps))
    middle = smoothed((weight * left + (1 - weight) * right)[:, [0, 2]], window)
    turn = smoothed((tracks["left_foot"][:, 0] + tracks["right_foot"][:, 0]) / 2, window)
    first = tracks["hips"][0, [0, 2]] - middle[0]
    tracks["hips"][:, [0, 2]] += middle - tracks["hips"][:, [0, 2]] + first * 0.3
    tracks["pelvis"][:, 0] += turn - turn[0]
    lower_to_reach(tracks, window=window)


def step_about(rng, times, pace: float = 0.8, reach: float = 0.12, turning: float = 0.3) -> Tracks:
    """Small steps to anywhere, turning about now and then.

    Args:
        pace: seconds between steps.
        reach: how far steps go, body heights.
        turning: radians that a step turns.
    """
    tracks = held(rng, times, "stand")
    tracks["pelvis"][:, 1] *= 0.4
    now, side, steps = rng.uniform(0.0, 0.5), rng.choice(tuple(SIDES)), []
    centre, heading = np.zeros(2), 0.0
    while now < times[-1]:
        length = rng.uniform(0.32, 0.5)
        centre = centre + rng.normal(0, reach, 2)
        heading += rng.normal(0, turning)
        sign = SIDES[side]
        aside = sign * HIP_WIDTH * rng.uniform(0.8, 2.0)
        place = centre + aside * np.array([np.cos(heading), -np.sin(heading)])
        steps.append((side, now, length, *place, heading + sign * 0.15))
        now += length + max(rng.normal(pace - length, 0.1), 0.04)
        side = "right" if side == "left" else "left"
    put_feet(tracks, times, steps, high=rng.uniform(0.03, 0.09))
    over_the_feet(tracks, times)
    move_trunk(rng, tracks, times)
    return tracks
