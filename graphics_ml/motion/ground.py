"""The ground at y = 0, level, where the feet stand."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from graphics_ml.motion.contacts import CONTACT_ROLES, robust_contacts, role_joints, spans, standing_heights
from graphics_ml.motion.filters import smooth
from graphics_ml.motion.foot_lock import move_joint
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.rotations import multiply, rotate, rotation_between, unroll
from graphics_ml.motion.travel import travelling_joint
from graphics_ml.wording import short_repr


@short_repr
@dataclass(frozen=True)
class Ground:
    """What align_to_ground found and did.

    Args:
        motion: standing on y = 0.
        height: metres at which the ground was before, at the origin.
        tilt: radians by which the ground leaned and was turned back; 0 when that was not asked for or not to be known.
        drift: (F,) metres taken away besides, where the ground rose and fell over time.
        stances: number of heel and toe contacts it rests on.
        spread: metres, standard deviation of the contacts' heights above the new ground, about the mean of their joint.
    """

    motion: Motion
    height: float
    tilt: float
    drift: np.ndarray
    stances: int
    spread: float


def align_to_ground(
    motion: Motion,
    roles: Mapping[str, str],
    contacts: np.ndarray | None = None,
    *,
    sole: float = 0.0,
    level: bool = False,
    drift_cutoff: float | None = None,
) -> Ground:
    """Move a motion so that the lowest part of its standing feet is at y = sole; a root that never moves stays.

    The ground's height is the lowest standing height among ankles, toes and the ends of the toes; ankles are higher by
    what the rest of the foot says, so only the lowest counts.

    Args:
        motion: F frames.
        roles: role to joint name; needs left and right thigh, shin and foot.
        contacts: (F, 4) bool, columns as CONTACT_ROLES; robust_contacts when None. Without any contact (a sit-up, a
            jump) the standing height is the low percentile of all frames.
        sole: metres between the ground and the lowest joint of a standing foot; 0.02 suits a skeleton without toe ends.
        level: also turn the motion so that a plane through its contacts is level. Needs contacts spread over 0.3 m or
            more in both directions: those on one line say nothing about the lean across it.
        drift_cutoff: Hz; also take away how the height of the contacts changes over time, below this frequency. None
            keeps one height for all the clip. For drift of a solved camera 0.2 is apt; it also flattens stairs.

    Raises:
        GraphicsMLError: a needed role is missing from the map or names no joint.
    """
    if contacts is None:
        contacts = robust_contacts(motion, roles)
    joints = role_joints(motion.skeleton, roles, CONTACT_ROLES, required=("left_foot", "right_foot"))
    contacts = np.asarray(contacts, dtype=bool) & [joint is not None for joint in joints]
    columns = [0 if joint is None else joint for joint in joints]
    tilt = 0.0
    if level:
        up = _ground_normal(*_stances(motion.positions()[:, columns], contacts))
        tilt = float(np.arccos(np.clip(up[1], -1, 1)))
        motion = _turned(motion, rotation_between(up, np.array([0.0, 1, 0])))
    world, places = motion.transforms()
    lowest = _lowest(motion, joints, world, places)
    height = float(standing_heights(lowest[contacts.any(axis=1)] if contacts.any() else lowest).min()) - sole
    drift = np.zeros(len(motion))
    if drift_cutoff is not None and contacts.any():
        drift = _height_drift(places[:, columns, 1], contacts, float(motion.fps), drift_cutoff)
    feet = places[:, columns]
    feet[..., 1] -= drift[:, None]
    points, kinds = _stances(feet, contacts)
    spread = np.concatenate([points[kinds == k, 1] - points[kinds == k, 1].mean() for k in np.unique(kinds)] or [[0.0]])
    down = -np.stack((0 * drift, height + drift, 0 * drift), axis=-1)
    motion = move_joint(motion, travelling_joint(motion), down)
    return Ground(motion, height, tilt, drift, len(points), float(np.std(spread)))


def _lowest(motion, joints, world, places):
    """Heights of the feet's joints and of the ends of their bones, as points (F, K, 3)."""
    feet = [joint for joint in joints if joint is not None]
    ends = [
        places[:, end.joint] + rotate(world[:, end.joint], end.offset)
        for end in motion.skeleton.end_sites
        if end.joint in feet
    ]
    return np.stack([places[:, joint] for joint in feet] + ends, axis=1)


def _stances(feet, contacts):
    """Mean place (S, 3) of every contact, and its column (S,)."""
    found = [(feet[a:b, k].mean(axis=0), k) for k in range(contacts.shape[1]) for a, b in spans(contacts[:, k])]
    return np.array([p for p, _ in found]).reshape(-1, 3), np.array([k for _, k in found], dtype=int)


def _ground_normal(points, kinds):
    """Unit normal (3,) of the plane through the stances, each kind of joint at its own height; up where unknown.

    Least squares on y = a x + b z + (one height for heels, one for toes), then twice more with stances that are far
    off counting less (Tukey's biweight).
    """
    up = np.array([0.0, 1, 0])
    if len(points) < 4:
        return up
    flat = points[:, [0, 2]] - points[:, [0, 2]].mean(axis=0)
    if np.linalg.svd(flat, compute_uv=False)[-1] / np.sqrt(len(points)) < 0.15:
        return up
    toes = kinds % 2
    columns = [flat] + [(toes == kind)[:, None].astype(float) for kind in np.unique(toes)]
    system = np.concatenate(columns, axis=1)
    weights = np.ones(len(points))
    for _ in range(3):
        slope = np.linalg.lstsq(system * weights[:, None], points[:, 1] * weights, rcond=None)[0]
        residual = np.abs(points[:, 1] - system @ slope)
        scale = 4.685 * max(1.4826 * np.median(residual), 1e-4)
        weights = np.clip(1 - (residual / scale) ** 2, 0, None)
    normal = np.array([-slope[0], 1, -slope[1]])
    return normal / np.linalg.norm(normal)


def _turned(motion, turn):
    rotations = np.array(motion.rotations)
    rotations[:, 0] = multiply(turn, rotations[:, 0])
    return motion.replace(rotations=unroll(rotations), root_positions=rotate(turn, motion.root_positions))


def _height_drift(heights, contacts, fps, cutoff):
    """Slow change (F,) of the height of joints in contact, each about its own middle."""
    middle = [np.median(heights[down, k]) if down.any() else 0.0 for k, down in enumerate(contacts.T)]
    count = contacts.sum(axis=1)
    off = np.where(contacts, heights - middle, 0).sum(axis=1) / np.maximum(count, 1)
    # Straight lines are free under order 2: it would run away beyond the last contact without the small weight.
    return smooth(off, fps, cutoff, weights=(count > 0) + 1e-3, order=2)
