"""Filling what was not seen: joints whose confidence is low for some frames.

What `capture` gives needs none of this: its solver fits the whole clip at once, so that a hidden joint follows from the
frames around it and from the rest of the body, and has a low confidence there. This is for the motions of other
trackers, given a `confidence`, and for plain curves in place of what the solver filled in.
"""

import numpy as np

from graphics_ml.motion.motion import Motion
from graphics_ml.motion.rotations import (
    axis_angle_from_quaternion,
    conjugate,
    mean_rotation,
    multiply,
    quaternion_from_axis_angle,
    slerp,
    unroll,
)


def fill_gaps(
    motion: Motion,
    threshold: float = 0.3,
    longest: float = 0.5,
    settle: float = 0.4,
    held: np.ndarray | None = None,
) -> tuple[Motion, np.ndarray]:
    """Replace what was not seen: frames of a joint whose confidence is below the threshold.

    Short gaps are bridged by a cubic curve that leaves and arrives with the speeds on either side; for rotations it
    runs in the tangent space of the quaternion before the gap. In a longer gap nothing is known, so the joint settles
    from its last seen rotation into a held one and returns in time for the next. A gap open to the clip's start or end
    settles the same way if it is long, and keeps the nearest seen rotation if not. The root's place goes the same cubic
    way, starting and ending at rest in long gaps. What is filled has confidence 0 afterwards, so no later step takes it
    for seen.

    Args:
        motion: F frames; without confidence nothing is filled.
        threshold: confidence below which a sample is not believed.
        longest: seconds; gaps up to here are bridged.
        settle: seconds a joint takes into and out of its held rotation.
        held: (J, 4) local rotations for long gaps; each joint's mean over the frames where it is seen when None, or its
            rest orientation if it never is.

    Returns:
        The motion, and (F, J) bool: what was filled.
    """
    if motion.confidence is None:
        return motion, np.zeros(motion.rotations.shape[:2], dtype=bool)
    gaps = motion.confidence < threshold
    if not gaps.any():
        return motion, gaps
    gap = _Gap(gaps, float(motion.fps), longest)
    rotations = unroll(motion.rotations)
    if held is None:
        ever = ~gaps.all(axis=0)[:, None]
        held = np.where(ever, mean_rotation(rotations, 1.0 - gaps), motion.skeleton.rest_orientations)
    frame, joint = gap.frame, gap.joint
    filled = np.array(rotations)
    filled[frame, joint] = np.where(
        gap.short[:, None], _bridged(rotations, gaps, gap), _settled(rotations, gap, np.asarray(held)[joint], settle)
    )
    root, at_root = np.array(motion.root_positions), joint == 0
    root[frame[at_root]] = _eased(motion.root_positions, gaps, gap, at_root)
    local = motion.local_positions
    if local is not None:
        local = np.array(local)
        everywhere = np.ones(len(joint), dtype=bool)
        local[frame, joint] = _eased(motion.local_positions, gaps, gap, everywhere)
    confidence = np.where(gaps, 0.0, motion.confidence)
    return motion.replace(
        rotations=unroll(filled), root_positions=root, local_positions=local, confidence=confidence
    ), gaps


def bridge(positions: np.ndarray, missing: np.ndarray, fps, longest: float) -> np.ndarray:
    """Positions (F, M, 3) with their short gaps filled by the cubic curves of fill_gaps; longer gaps, and those open to
    the start or the end, stay as they are.

    Args:
        missing: (F, M) bool, the samples to fill.
        fps: frames per second.
        longest: seconds; gaps up to here are bridged.
    """
    if not missing.any():
        return positions
    gap = _Gap(missing, float(fps), longest)
    chosen = gap.short & ~gap.open_start & ~gap.open_end
    filled = np.array(positions)
    filled[gap.frame[chosen], gap.joint[chosen]] = _eased(positions, missing, gap, chosen)
    return filled


class _Gap:
    """Every sample in a gap, in flat arrays: frame, joint, the frames seen before and after it, and times."""

    def __init__(self, gaps, fps, longest):
        count = len(gaps)
        index = np.arange(count)[:, None]
        before = np.maximum.accumulate(np.where(gaps, -1, index), axis=0)
        after = np.minimum.accumulate(np.where(gaps, count, index)[::-1], axis=0)[::-1]
        self.frame, self.joint = np.nonzero(gaps)
        self.fps = fps
        self.before, self.after = before[gaps], after[gaps]
        self.open_start, self.open_end = self.before < 0, self.after >= count
        self.never = self.open_start & self.open_end
        # The frame seen on the other side stands in where one side is open.
        self.left = np.where(self.open_start, np.minimum(self.after, count - 1), self.before)
        self.right = np.where(self.open_end, np.maximum(self.before, 0), self.after)
        self.since = np.where(self.open_start, np.inf, (self.frame - self.before) / fps)
        self.until = np.where(self.open_end, np.inf, (self.after - self.frame) / fps)
        self.length = (self.after - self.before) / fps
        self.short = (self.length <= longest + 1 / fps) & ~self.never


def _bridged(rotations, gaps, gap):
    """Hermite's cubic between the rotations on both sides, in the tangent space of the left one; (N, 4)."""
    left, right = rotations[gap.left, gap.joint], rotations[gap.right, gap.joint]
    turn = axis_angle_from_quaternion(multiply(conjugate(left), right))
    span = np.maximum(gap.length, 1 / gap.fps)[:, None]
    start = _velocity(rotations, gaps, gap.left, gap.joint, -1, gap.fps) * span
    end = _velocity(rotations, gaps, gap.right, gap.joint, +1, gap.fps) * span
    # What noise adds to a speed grows with the gap; the curve must not swing wider than the gap's own turn allows.
    most = 1.5 * np.linalg.norm(turn, axis=-1, keepdims=True) + 0.1
    start, end = _shortened(start, most), _shortened(end, most)
    u = np.where(gap.open_start | gap.open_end, 0.0, (gap.frame - gap.left) / (gap.fps * span[:, 0]))[:, None]
    rise = u * u * (3 - 2 * u)
    tangent = rise * turn + u * (1 - u) * ((1 - u) * start - u * end)
    return multiply(left, quaternion_from_axis_angle(tangent))


def _velocity(rotations, gaps, frame, joint, direction, fps):
    """Rotation vectors per second at the gap's edge, over the two seen frames on that side; 0 where they are not."""
    near = np.clip(frame + direction, 0, len(rotations) - 1)
    seen = ~gaps[frame, joint] & ~gaps[near, joint] & (near != frame)
    turn = axis_angle_from_quaternion(multiply(conjugate(rotations[near, joint]), rotations[frame, joint]))
    return np.where(seen[:, None], -direction * turn * fps, 0.0)


def _settled(rotations, gap, held, settle):
    """From the last seen rotation into the held one and out to the next; (N, 4)."""
    closed = ~(gap.open_start | gap.open_end)
    time = np.maximum(np.where(closed, np.minimum(settle, gap.length / 2), settle), 1e-9)
    result = slerp(held, rotations[gap.left, gap.joint], _fall(gap.since / time))
    return slerp(result, rotations[gap.right, gap.joint], _fall(gap.until / time))


def _eased(positions, gaps, gap, chosen):
    """Positions (N, 3) of the chosen samples between the seen ones on both sides: a cubic that leaves and arrives with
    the speeds there in short gaps, at rest in long ones."""
    values = positions[:, None] if positions.ndim == 2 else positions
    left, right, joint, frame = (index[chosen] for index in (gap.left, gap.right, gap.joint, gap.frame))
    one_side = (gap.open_start | gap.open_end)[chosen]
    span = np.maximum(gap.length[chosen], 1 / gap.fps)[:, None]
    way = values[right, joint] - values[left, joint]
    most = 1.5 * np.linalg.norm(way, axis=-1, keepdims=True) + 0.05
    start, end = (
        _shortened(_slope(values, gaps, edge, joint, direction, gap.fps) * span, most) * gap.short[chosen][:, None]
        for edge, direction in ((left, -1), (right, +1))
    )
    u = np.where(one_side, 0.0, (frame - left) / (gap.fps * span[:, 0]))[:, None]
    rise = u * u * (3 - 2 * u)
    curve = values[left, joint] + rise * way + u * (1 - u) * ((1 - u) * start - u * end)
    # A joint never seen keeps what it has.
    return np.where(gap.never[chosen][:, None], values[frame, joint], curve)


def _slope(values, gaps, frame, joint, direction, fps):
    """Metres per second at the gap's edge, as _velocity."""
    near = np.clip(frame + direction, 0, len(values) - 1)
    seen = ~gaps[frame, joint] & ~gaps[near, joint] & (near != frame)
    return np.where(seen[:, None], direction * (values[near, joint] - values[frame, joint]) * fps, 0.0)


def _shortened(vector, most):
    length = np.linalg.norm(vector, axis=-1, keepdims=True)
    return vector * np.minimum(1.0, most / np.maximum(length, 1e-12))


def _fall(t):
    """1 at 0, 0 from 1 on, smooth."""
    t = np.minimum(t, 1.0)
    return 1 - t * t * (3 - 2 * t)
