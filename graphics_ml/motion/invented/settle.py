"""What makes drawn tracks a body that stands: legs that reach, hands outside the body, weight over the feet, no part
below the floor. Each function changes the tracks it is given.

`window` is always the number of frames over which a correction is spread, so that a moving body is not jerked; 0 for
rows that are single poses.
"""

import numpy as np

from graphics_ml.motion.body_frames import measure_body
from graphics_ml.motion.capsules import ARM, CORE, TORSO, Capsules, gaps
from graphics_ml.motion.humanoid import standard_skeleton
from graphics_ml.motion.invented.body import (
    FINGER_RADIUS,
    FLOOR_POINTS,
    HIP_WIDTH,
    LEG,
    PALM,
    SIDES,
    WRIST_RADIUS,
    bone_map,
    floor_points,
)
from graphics_ml.motion.invented.curves import over_peaks, smoothed
from graphics_ml.motion.invented.solve import Pose, solve, standing_foot, wrist_of
from graphics_ml.motion.invented.tracks import Tracks
from graphics_ml.motion.rotations import quaternion_from_euler, rotate

_CAPSULES = Capsules.of(measure_body(standard_skeleton(1.0), bone_map()))
# Parts of the body's mass (Winter 2009, table 4.1), each midway between two joints.
_MASSES = (
    (0.081, "head", "head"),
    (0.497, "spine", "upper_chest"),
    *(
        (share, f"{side}_{a}", f"{side}_{b}")
        for side in SIDES
        for share, a, b in (
            (0.028, "upper_arm", "forearm"),
            (0.022, "forearm", "hand"),
            (0.100, "thigh", "shin"),
            (0.0465, "shin", "foot"),
            (0.0145, "foot", "toes"),
        )
    ),
)


def centre_of_mass(pose: Pose) -> np.ndarray:
    """(F, 3), body heights."""
    return sum(share * (pose.places[a] + pose.places[b]) / 2 for share, a, b in _MASSES)


def balance(tracks: Tracks, over: np.ndarray, share=1.0, window: int = 0) -> None:
    """Move the hips over the ground until the centre of mass is over the points (F, 2) x, z, as far as legs reach.

    Args:
        share: part of the way, (F,) or one number.
    """
    for _ in range(2 if window == 0 else 1):
        off = (over - centre_of_mass(solve(tracks))[:, [0, 2]]) * np.reshape(share, (-1, 1))
        tracks["hips"][:, [0, 2]] += smoothed(off, window)
        lower_to_reach(tracks, window=window)


def lower_to_reach(tracks: Tracks, share: float = 0.996, window: int = 0) -> None:
    """Lower the hips until standing legs reach their feet with no more than this share of their length."""
    drop = np.zeros(len(tracks))
    pelvis = quaternion_from_euler(tracks["pelvis"], "YXZ")
    for side, sign in SIDES.items():
        ankle = standing_foot(tracks, side)[0]
        hip = tracks["hips"] + rotate(pelvis, np.array([sign * HIP_WIDTH, 0, 0]))
        aside = np.sum((hip - ankle)[:, [0, 2]] ** 2, axis=1)
        highest = ankle[:, 1] + np.sqrt(np.maximum((share * LEG) ** 2 - aside, 1e-4))
        # A foot in the air need not be reached quite, one of a free leg not at all.
        stands = np.clip(1 - tracks[f"{side}_sole"][:, 1] / 0.05, 0, 1) * (tracks[f"{side}_leg"][:, 5] < 0.5)
        drop = np.maximum(drop, stands * (hip[:, 1] - highest))
    if drop.any():
        tracks["hips"][:, 1] -= over_peaks(drop, window)


def drop_to_floor(tracks: Tracks, free=True, window: int = 0, points=FLOOR_POINTS) -> None:
    """Bring the lowest of these points to the floor.

    Args:
        free: (F,) bool or one, which rows may be lowered too; others, whose soles stand, are only raised.
    """
    pose = solve(tracks)
    columns = [FLOOR_POINTS.index(name) for name in points]
    lowest = floor_points(pose.turns, pose.places)[:, columns].min(axis=1)
    rise = np.where(free, -lowest, np.maximum(-lowest, 0))
    if window and not np.any(free):
        rise = over_peaks(rise, window)
    tracks["hips"][:, 1] += rise


def part_hands(tracks: Tracks, pose: Pose, window: int = 0) -> None:
    """Push wrists out of trunk, head, legs and floor, and elbows away from the trunk.

    Args:
        pose: the tracks as they are solved.
    """
    points = _points(pose)
    begins, ends = _CAPSULES.lines(points, CORE)
    radii = np.array([_CAPSULES.radii[name] for name in CORE])
    trunk = slice(0, len(TORSO))
    for side in SIDES:
        elbow, wrist, palm = (points[f"{side}_{part}"] for part in ("forearm", "hand", "palm"))
        push = np.zeros_like(wrist)
        for point, share in ((wrist, 0.6), (palm, 0.6), ((wrist + elbow) / 2, 1.0)):
            gap, _, away = gaps(point, begins, ends, radii + WRIST_RADIUS)
            push += share * np.sum(np.maximum(-gap, 0)[:, None] * away, axis=0)
            push[1] += share * np.maximum(WRIST_RADIUS - point[1], 0)
        tip = wrist + 2 * (palm - wrist)
        push[1] += np.maximum(FINGER_RADIUS - tip[1], 0)
        if push.any():
            push = smoothed(push.T, window)
            there = wrist.T
            tracks[f"{side}_touch"][:, :3] += push
            moved = wrist_of(pose, side, there + push) - wrist_of(pose, side, there)
            tracks[f"{side}_wrist"] += (1 - tracks[f"{side}_touch"][:, 3:]) * moved
        inside = np.maximum(-gaps(elbow, begins[trunk], ends[trunk], radii[trunk] + 0.015)[0], 0).max(axis=0)
        if inside.any():
            tracks[f"{side}_elbow"][:, 0] += over_peaks(inside / 0.1, window)


def arms_inside(pose: Pose) -> np.ndarray:
    """How deep arms are inside the body, (F,) body heights: as capsules.self_penetration of a solved pose."""
    points, total = _points(pose), 0.0
    for side, other in (("left", "right"), ("right", "left")):
        names = (*CORE, *(f"{other}_{part}" for part in ARM))
        begins, ends = _CAPSULES.lines(points, names)
        radii = np.array([_CAPSULES.radii[name] for name in names])
        elbow, wrist, palm = (points[f"{side}_{part}"] for part in ("forearm", "hand", "palm"))
        for point in (elbow, (elbow + wrist) / 2, wrist, palm):
            total = total + np.maximum(-gaps(point, begins, ends, radii)[0], 0).sum(axis=0)
    return total


def _points(pose):
    """The places (3, F) that Capsules.lines wants."""
    points = {role: np.ascontiguousarray(place.T) for role, place in pose.places.items()}
    points["crown"] = points["head"] + rotate(pose.turns["head"], _CAPSULES.crown).T
    for side, sign in SIDES.items():
        points[f"{side}_palm"] = (
            points[f"{side}_hand"] + rotate(pose.turns[f"{side}_hand"], np.array([sign * PALM, 0, 0])).T
        )
    return points
