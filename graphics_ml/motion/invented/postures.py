"""Ways of being on the floor: on two legs or one, squatting, kneeling, sitting, lying, on hands and feet.

Each function draws N poses, without regard to the arms (except those that carry). Angles in the tables are degrees.
"""

import numpy as np

from graphics_ml.motion.invented.body import (
    FLOOR_POINTS,
    HIP_WIDTH,
    HIPS,
    LEG,
    SHIN,
    SIDES,
    THIGH,
    WRIST_RADIUS,
    floor_points,
)
from graphics_ml.motion.invented.settle import balance, drop_to_floor, lower_to_reach
from graphics_ml.motion.invented.solve import solve
from graphics_ml.motion.invented.tracks import Tracks, standing


def draw_trunk(rng, tracks: Tracks, lively: float = 1.0) -> None:
    """Spine, neck and head of N poses. What the trunk does the head partly undoes: people look where they look."""
    count = len(tracks)
    bend = rng.standard_normal((count, 3)) * np.radians((14, 9, 13)) * lively * rng.gamma(2.0, 0.5, (count, 1))
    bend[:, 0] += np.radians(4)
    bend = np.clip(bend, *np.radians(((-22, -28, -38), (55, 28, 38))))
    # Lower backs bend and hardly twist, chests twist (White and Panjabi, "Clinical Biomechanics of the Spine", 1990).
    share = np.clip(rng.normal((0.55, 0.45, 0.2), 0.12, (count, 3)), 0.05, 0.95)
    tracks["lumbar"], tracks["thorax"] = share * bend, (1 - share) * bend
    look = rng.standard_normal((count, 3)) * np.radians((15, 9, 24))
    look += -rng.uniform(0, 0.7, (count, 1)) * bend
    look = np.clip(look, *np.radians(((-45, -30, -60), (45, 30, 60))))
    share = np.clip(rng.normal(0.45, 0.12, (count, 1)), 0.1, 0.9)
    tracks["neck"], tracks["head"] = share * look, (1 - share) * look


def stand(rng, count: int) -> Tracks:
    """On both feet, knees from straight to bent, weight on either."""
    tracks = _upright(rng, count)
    width = HIP_WIDTH + np.abs(rng.normal(0.0, 0.045, count))
    ahead = rng.normal(0, 0.06, count) * (rng.random(count) < 0.6)
    _feet(rng, tracks, width, ahead)
    tracks["hips"][:, 1] -= rng.gamma(1.0, 0.018, count)
    lean = np.radians(np.clip(rng.gamma(1.2, 8, count) - 6, -10, 80)) * (rng.random(count) < 0.75)
    tracks["pelvis"][:, 1] = 0.7 * lean
    lower_to_reach(tracks)
    _weight_over(rng, tracks)
    return tracks


def bend_down(rng, count: int) -> Tracks:
    """On both feet with the trunk bent far, as to pick something up."""
    tracks = stand(rng, count)
    bend = rng.uniform(0.5, 1.7, count)
    tracks["pelvis"][:, 1] = 0.65 * bend
    tracks["lumbar"][:, 0] += 0.25 * bend
    tracks["thorax"][:, 0] += 0.12 * bend
    tracks["hips"][:, 1] -= rng.uniform(0, 0.15, count)
    _weight_over(rng, tracks)
    return tracks


def stride(rng, count: int) -> Tracks:
    """Feet far apart, ahead or aside: steps and lunges, the hind heel up."""
    tracks = _upright(rng, count)
    aside = rng.random(count) < 0.35
    length = np.clip(rng.gamma(3.0, 0.085, count), 0.08, 0.62)
    _feet(
        rng, tracks, np.where(aside, length / 2, HIP_WIDTH + rng.normal(0, 0.02, count)), np.where(aside, 0, length / 2)
    )
    depth = rng.beta(1.1, 1.8, count)
    tracks["hips"][:, 1] -= depth * length * 0.75
    tracks["pelvis"][:, 1] = rng.normal(0.1, 0.2, count)
    hind = tracks["left_sole"][:, 2] > tracks["right_sole"][:, 2]
    heel = np.where(aside, 0, rng.uniform(0, 0.9, count) * np.minimum(length * 2.5, 1))
    tracks["right_foot"][:, 1], tracks["left_foot"][:, 1] = np.where(hind, heel, 0), np.where(hind, 0, heel)
    lower_to_reach(tracks)
    tracks["hips"][:, 2] += rng.uniform(-0.3, 0.4, count) * np.where(aside, 0, length)
    tracks["hips"][:, 0] += rng.uniform(-0.3, 0.3, count) * np.where(aside, length, 0)
    lower_to_reach(tracks)
    return tracks


def one_leg(rng, count: int) -> Tracks:
    """On one leg, the other anywhere: knee up, kicked out, swung back, foot held near the knee."""
    tracks = stand(rng, count)
    kind = rng.integers(0, 5, count)
    means = np.array(
        [(75, 5, 0, 85, 0), (60, 15, 5, 25, 10), (-8, 5, 0, 70, 20), (20, 45, 10, 15, 10), (45, 10, 0, 70, 0)]
    )
    spreads = np.array(
        [(25, 10, 10, 25, 15), (30, 15, 10, 20, 15), (12, 8, 8, 35, 15), (25, 18, 15, 20, 15), (40, 15, 15, 35, 20)]
    )
    leg = np.radians(rng.normal(means[kind], spreads[kind]))
    tracks["right_leg"] = np.column_stack((_leg_within(leg), np.ones(count)))
    tracks["pelvis"][:, 1] += np.where(kind == 2, rng.uniform(0, 1.2, count), rng.normal(-0.05, 0.12, count))
    tracks["pelvis"][:, 2] += rng.normal(-0.03, 0.08, count)
    balance(tracks, _under(tracks, "left") + rng.normal(0, 0.015, (count, 2)))
    return tracks


def squat(rng, count: int) -> Tracks:
    """Hips anywhere between chair height and heels."""
    tracks = _upright(rng, count)
    _feet(rng, tracks, rng.uniform(0.05, 0.16, count), rng.normal(0, 0.02, count))
    tracks["hips"][:, 1] = HIPS - rng.uniform(0.08, 0.36, count)
    depth = (HIPS - tracks["hips"][:, 1]) / 0.36
    tracks["pelvis"][:, 1] = rng.uniform(0.1, 0.75, count) * depth + 0.1
    tracks["lumbar"][:, 0] += rng.uniform(0, 0.4, count) * depth
    tracks["hips"][:, 2] -= 0.10 * depth
    heel = np.where(rng.random(count) < 0.4, rng.uniform(0, 0.8, count) * depth, 0)
    for side in SIDES:
        tracks[f"{side}_foot"][:, 1] = heel
        tracks[f"{side}_knee"] = rng.uniform(-0.1, 0.3, (count, 1))
    _weight_over(rng, tracks, spread=0.02)
    return tracks


def kneel(rng, count: int) -> Tracks:
    """On both knees, or on one with the other foot ahead; up, or sitting on the heels."""
    tracks = _upright(rng, count)
    sits = np.where(rng.random(count) < 0.5, rng.uniform(0, 0.4, count), rng.uniform(0.8, 1, count))
    half = rng.random(count) < 0.45
    sits = np.where(half, 0.5 * sits, sits)
    tucked = rng.random(count) < 0.5
    tracks["pelvis"][:, 1] = rng.normal(0.05, 0.15, count) + 0.25 * sits * rng.random(count)
    lean = tracks["pelvis"][:, 1]
    for side in SIDES:
        thigh = sits * np.radians(48) + rng.normal(0, 0.05, count) * (1 - sits)
        aside, knee = 0.15 * sits + rng.normal(0.06, 0.05, count), np.pi / 2 + thigh
        leg = np.stack((thigh + lean, aside, 0 * sits, knee, np.where(tucked, -0.35, 0.8)), 1)
        tracks[f"{side}_leg"] = np.column_stack((leg, np.ones(count)))
        tracks[f"{side}_toes"] = np.where(tucked, 0.9, 0)[:, None]
    for _ in range(3):  # knees on the floor, ankles as high above it as insteps or toes hold them
        pose = solve(tracks)
        heights = dict(zip(FLOOR_POINTS, floor_points(pose.turns, pose.places).T, strict=True))
        for side in SIDES:
            foot = np.min([heights[f"{side}_{point}"] for point in ("heel", "ball", "tip")], axis=0)
            tracks[f"{side}_leg"][:, 3] += (heights[f"{side}_knee"] - foot) / SHIN
    drop_to_floor(tracks)
    if half.any():
        rows = np.flatnonzero(half)
        tracks["left_leg"][rows, 5] = 0
        hips = tracks["hips"][rows]
        tracks["left_sole"][rows] = np.stack(
            (
                hips[:, 0] + HIP_WIDTH + rng.normal(0.03, 0.03, len(rows)),
                0 * hips[:, 0],
                hips[:, 2] + rng.normal(0.24, 0.03, len(rows)),
            ),
            1,
        )
        tracks["left_toes"][rows] = 0
    return tracks


def sit_on_floor(rng, count: int) -> Tracks:
    """Legs out, knees up, crossed, or folded to one side; upright or leaning back."""
    tracks = _upright(rng, count)
    tracks["pelvis"][:, 1] = np.radians(rng.normal(-12, 10, count))
    tracks["hips"][:, 1] = 0.085
    kind = rng.integers(0, 3, count)
    for side, sign in SIDES.items():
        own = np.where(rng.random(count) < 0.75, kind, rng.integers(0, 3, count))
        ahead = np.select([own == 0, own == 1], [rng.uniform(0.42, 0.48, count), rng.uniform(0.20, 0.36, count)], 0.16)
        aside = np.abs(rng.normal(HIP_WIDTH, 0.07, count))
        tracks[f"{side}_sole"] = np.stack((sign * aside, 0 * aside, ahead), 1)
        tracks[f"{side}_foot"] = np.stack(
            (
                sign * rng.normal(0.15, 0.15, count),
                np.where(own == 0, rng.uniform(-1.5, -1.0, count), rng.uniform(-0.3, 0, count)),
                0 * ahead,
            ),
            1,
        )
        crossed = np.radians(rng.normal((122, 22, 50, 130, 15), (6, 6, 5, 8, 10), (count, 5)))
        crossed[:, 0] += tracks["pelvis"][:, 1]
        tracks[f"{side}_leg"] = np.column_stack((_leg_within(crossed), own == 2))
    drop_to_floor(tracks, points=_SEAT)
    pose = solve(tracks)
    for side in SIDES:
        # A crossed leg on whose foot one would sit stands instead.
        feet = np.minimum(pose.places[f"{side}_foot"][:, 1], pose.places[f"{side}_toes"][:, 1])
        tracks[f"{side}_leg"][:, 5] *= feet > -0.02
    return tracks


def sit_on_chair(rng, count: int) -> Tracks:
    """As on a chair, stool or bench that is not there: soles on the floor, seat at the height of the knees."""
    tracks = _upright(rng, count)
    high = rng.normal(0.275, 0.025, count)
    tracks["hips"][:, 1] = high + 0.055
    tracks["pelvis"][:, 1] = np.radians(rng.normal(-6, 9, count))
    lean = np.where(rng.random(count) < 0.3, rng.uniform(0, 0.9, count), 0)
    tracks["pelvis"][:, 1] += 0.5 * lean
    tracks["lumbar"][:, 0] += 0.4 * lean
    for side, sign in SIDES.items():
        ahead = THIGH * np.clip(rng.normal(1.0, 0.22, count), 0.55, 1.75)
        aside = np.abs(rng.normal(HIP_WIDTH + 0.02, 0.04, count))
        tracks[f"{side}_sole"] = np.stack((sign * aside, 0 * aside, ahead), 1)
        pitch = np.where(ahead > 1.3 * THIGH, rng.uniform(-0.6, 0, count), np.where(ahead < 0.75 * THIGH, 0.5, 0))
        tracks[f"{side}_foot"] = np.stack((sign * rng.normal(0.15, 0.15, count), pitch, 0 * ahead), 1)
    over = rng.random(count) < 0.2  # one leg laid over the other
    leg = np.radians(rng.normal((98, -13, 5, 75, 10), (4, 3, 5, 10, 10), (count, 5)))
    leg[:, 0] += tracks["pelvis"][:, 1]
    tracks["right_leg"] = np.column_stack((leg, over))
    return tracks


def lie(rng, count: int) -> Tracks:
    """On the back, the front or a side, legs straight to drawn up."""
    tracks = _upright(rng, count)
    kind = rng.choice(3, count, p=(0.5, 0.25, 0.25))
    back, front, side_on = (kind == k for k in range(3))
    tracks["pelvis"][:, 1] = np.select([back, front], [-np.pi / 2, np.pi / 2], 0) + rng.normal(0, 0.06, count)
    tracks["pelvis"][:, 2] = np.where(side_on, -np.pi / 2, 0) + rng.normal(0, 0.1, count)
    for name, keep in (("lumbar", 0.35), ("thorax", 0.35)):
        tracks[name] *= keep
    tracks["head"][:, 2] += np.where(front, rng.choice((-1, 1), count) * rng.uniform(0.6, 0.9, count), 0)
    tracks["neck"][:, 0] = np.where(front, -0.1, np.where(back, rng.uniform(-0.05, 0.2, count), tracks["neck"][:, 0]))
    drawn = np.where(front, 0, rng.beta(0.7, 1.0, count) * rng.uniform(0.3, 1, count))
    for side in SIDES:
        own = np.clip(drawn + rng.normal(0, 0.12, count) * ~front, 0, 1)
        flex = np.where(side_on, 95, 60) * own + np.where(front, -4, 3)
        knee = np.where(side_on, 100, 118) * own + np.where(
            front & (rng.random(count) < 0.3), rng.uniform(0, 95, count), 4
        )
        leg = np.stack((flex, rng.normal(6, 6, count), rng.normal(8, 8, count), knee, rng.normal(25, 12, count)), 1)
        tracks[f"{side}_leg"] = np.column_stack((_leg_within(np.radians(leg)), np.ones(count)))
    tracks["hips"][:, 1] = 0.1
    drop_to_floor(tracks)
    rests = {side: back & (rng.random(count) < 0.85) for side in SIDES}  # the others hold a leg up
    for _ in range(3):
        pose = solve(tracks)
        heights = dict(zip(FLOOR_POINTS, floor_points(pose.turns, pose.places).T, strict=True))
        for side, down in rests.items():
            legs = np.stack([heights[f"{side}_{point}"] for point in ("knee", "ankle", "heel", "ball", "tip")])
            away = np.linalg.norm(pose.places[f"{side}_foot"] - pose.places[f"{side}_thigh"], axis=1)
            tracks[f"{side}_leg"][:, 0] -= down * legs.min(axis=0) / away
    drop_to_floor(tracks)
    return tracks


def on_hands(rng, count: int) -> Tracks:
    """On hands and knees, hands and feet (plank, bear, dog), or sitting with the hands behind."""
    tracks = _upright(rng, count)
    kind = rng.integers(0, 3, count)
    knees, feet, behind = (kind == k for k in range(3))
    hips = np.select(
        [knees, feet], [rng.uniform(0.24, 0.29, count), rng.uniform(0.16, 0.48, count)], rng.uniform(0.085, 0.2, count)
    )
    tracks["hips"][:, 1] = hips
    shoulders = np.clip(rng.normal(0.30, 0.03, count), 0.2, 0.33)  # over the floor
    trunk = 0.28
    lean = np.where(
        behind, -np.radians(rng.normal(35, 9, count)), np.arccos(np.clip((shoulders - hips) / trunk, -0.7, 0.75))
    )
    tracks["pelvis"][:, 1] = lean
    for name in ("lumbar", "thorax"):
        tracks[name] *= 0.5
    tracks["neck"][:, 0] -= np.where(behind, -0.15, 0.2)
    for side, sign in SIDES.items():
        thigh = np.where(knees, np.arccos(np.clip((hips - 0.034) / THIGH, -1, 1)) * rng.choice((-1, 1), count), 0)
        leg = np.stack(
            (lean + thigh, rng.normal(0.05, 0.05, count), 0 * lean, np.pi / 2 - 0.13 + thigh, 0.8 + 0 * lean), 1
        )
        tracks[f"{side}_leg"] = np.column_stack((_leg_within(leg), knees))
        back = np.sqrt(np.maximum((0.97 * LEG) ** 2 - (hips - 0.1) ** 2, 0.01)) * rng.uniform(0.72, 0.98, count)
        ahead = np.where(behind, rng.uniform(0.22, 0.36, count), -back)
        tracks[f"{side}_sole"] = np.stack((sign * np.abs(rng.normal(0.06, 0.02, count)), 0 * ahead, ahead), 1)
        tracks[f"{side}_foot"] = np.stack(
            (0.1 * sign + 0 * ahead, np.where(behind, 0, rng.uniform(0.9, 1.3, count)), 0 * ahead), 1
        )
    drop_to_floor(tracks, free=knees)
    pose = solve(tracks)
    for side, sign in SIDES.items():
        shoulder = pose.places[f"{side}_upper_arm"]
        place = shoulder + np.stack(
            (
                sign * rng.normal(0.02, 0.03, count),
                0 * hips,
                np.where(behind, -0.04, 0.02) + rng.normal(0, 0.03, count),
            ),
            1,
        )
        place[:, 1] = WRIST_RADIUS + 0.01
        tracks[f"{side}_touch"] = np.column_stack((place, np.ones(count)))
        # Fingers ahead, or behind: from the T-pose the hand's own direction is sign * x.
        ahead = -sign * np.where(behind, rng.choice((-0.8, 0.8), count), rng.normal(1.3, 0.25, count))
        tracks[f"{side}_lay"] = np.column_stack((ahead, 0 * ahead, 0 * ahead, np.ones(count)))
        tracks[f"{side}_fingers"] = (0.05, 0.0, 0.5)
    return tracks


_SEAT = ("seat_left", "seat_right", "sacrum", "left_hip", "right_hip", "left_knee", "right_knee")


def _upright(rng, count):
    tracks = standing(count)
    draw_trunk(rng, tracks)
    tracks["pelvis"][:, 2] = rng.normal(0, 0.04, count)
    tracks["pelvis"][:, 1] = rng.normal(0.02, 0.06, count)
    return tracks


def _feet(rng, tracks, aside, ahead):
    count = len(tracks)
    swap = rng.choice((-1, 1), count)
    for side, sign in SIDES.items():
        tracks[f"{side}_sole"] = np.stack((sign * aside, 0 * aside, sign * swap * ahead), axis=1)
        toes = np.clip(rng.normal(0.15, 0.14, count), -0.2, 0.7)
        tracks[f"{side}_foot"] = np.stack((sign * toes, 0 * toes, 0 * toes), axis=1)
    tracks["pelvis"][:, 0] = rng.normal(0, 0.08, count) - 0.5 * swap * np.clip(ahead, -0.3, 0.3)


def _under(tracks, side):
    """(F, 2), x and z, under the middle of a flat foot."""
    sole, turn = tracks[f"{side}_sole"], tracks[f"{side}_foot"][:, 0]
    return sole[:, [0, 2]] + 0.04 * np.stack((np.sin(turn), np.cos(turn)), axis=1)


def _weight_over(rng, tracks, spread=0.1):
    share = np.clip(0.5 + rng.normal(0, 0.25, (len(tracks), 1)), 0.08, 0.92)
    if spread < 0.1:
        share = 0.5 + 0.3 * (share - 0.5)
    balance(tracks, share * _under(tracks, "left") + (1 - share) * _under(tracks, "right"))


def _leg_within(leg):
    """Angles (N, 5) of a free leg within its range: the hip's as Norkin and White (2016) table them."""
    return np.clip(leg, np.radians((-20, -20, -40, 0, -24)), np.radians((125, 45, 52, 138, 48)))
