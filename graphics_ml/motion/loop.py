"""A cycle of a motion made to repeat without a seam; what it travels in each turn is kept.

The cycle is the stretch whose two ends are most alike for how much moves between them (the pose distance of Kovar,
Gleicher and Pighin, "Motion Graphs", SIGGRAPH 2002, section 3.1, in the frame of the character's heading). What is
left of a difference in pose and in speed between the ends is spread over the cycle as an offset, a cubic in time that
takes half of it away at either end (Holden, "Creating Looping Animations from Motion Capture", 2022). Pose and speed
then meet, and every frame keeps its detail.
"""

from dataclasses import dataclass

import numpy as np

from graphics_ml.errors import GraphicsMLError
from graphics_ml.motion.blend import joined
from graphics_ml.motion.body_shape import carried_joints
from graphics_ml.motion.kinematics import transforms
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.rotations import (
    axis_angle_from_quaternion,
    conjugate,
    multiply,
    quaternion_from_axis_angle,
    rotate,
    unroll,
)
from graphics_ml.motion.travel import moved, travelling_joint, turn_to
from graphics_ml.wording import short_repr


@short_repr
@dataclass(frozen=True)
class Loop:
    """One cycle, and what it adds to the place of whoever repeats it.

    Args:
        motion: the cycle; the frame after its last is its first, turned and shifted.
        turn: (4,) about the vertical, each cycle.
        shift: (3,) metres, level, each cycle: what was at p is at `turn p + shift` one cycle later.
        start, end: frames of the original, end not included.
        gap: metres, mean distance between the joints of the two ends before they were brought together.
        joint: the joint that travels.
    """

    motion: Motion
    turn: np.ndarray
    shift: np.ndarray
    start: int
    end: int
    gap: float
    joint: int

    def repeated(self, times: int) -> Motion:
        """So many cycles one after the other."""
        result = after = self.motion
        for _ in range(times - 1):
            after = moved(after, self.turn, self.shift, self.joint)
            result = joined(result, after)
        return result


def loop(motion: Motion, cycle: tuple[int, int] | None = None, *, blend: float | None = None) -> Loop:
    """A cycle of a motion that repeats without a seam.

    Args:
        motion: F frames.
        cycle: (start, end) frames: frame `end` is the same moment as `start` one cycle later, and no longer part of the
            result; found by find_cycle when None.
        blend: seconds after the start and before the end over which the ends are brought together; all of the cycle
            when None, which is gentlest. Speeds are brought together over a quarter of a second at most: over more they
            would lead further away.

    Raises:
        GraphicsMLError: no cycle is found, or the one given has fewer than three frames or does not lie in the motion.
    """
    start, end = find_cycle(motion) if cycle is None else cycle
    if not (start >= 0 and start + 3 <= end < len(motion)):
        raise GraphicsMLError(
            f"frames {start} to {end} are no cycle of a motion of {len(motion)} frames; it needs three frames or more"
        )
    joint = travelling_joint(motion)
    world, places = motion.transforms()
    turn = turn_to(world[start, joint], world[end, joint])
    shift = (places[end, joint] - rotate(turn, places[start, joint])) * [1, 0, 1]
    again = rotate(turn, places[start]) + shift
    carried = carried_joints(motion.skeleton, joint)
    gap = float(np.linalg.norm(again - places[end], axis=-1)[carried].mean())

    count = end - start
    reach = count if blend is None else max(1, round(min(count, blend * float(motion.fps))))
    fade = _Fade(count, reach, min(reach, max(1, round(_SPEED_REACH * float(motion.fps)))))
    rotations = np.array(motion.rotations)
    rotations[:, joint], parent = world[:, joint], motion.skeleton.parents[joint]
    spun = np.zeros_like(rotations[0])
    spun[:, 0] = 1.0
    spun[joint] = turn
    rotations = _closed_rotations(unroll(rotations), start, end, spun, fade)
    path = _closed_path(places[:, joint], start, end, turn, shift, fade)
    cut = motion.frames(start, end)
    local = cut.local_positions
    if local is not None:
        nothing = np.array([1.0, 0, 0, 0]), np.zeros(3)
        local = np.array(_closed_path(motion.local_positions, start, end, *nothing, fade))
    if joint == 0:
        cut = cut.replace(rotations=unroll(rotations), root_positions=path, local_positions=local)
        return Loop(cut, turn, shift, start, end, gap, joint)
    root = _closed_path(motion.root_positions, start, end, np.array([1.0, 0, 0, 0]), np.zeros(3), fade)
    above, above_places = transforms(rotations, root, local, motion.skeleton.parents)
    to_parent = conjugate(above[:, parent])
    local[:, joint] = rotate(to_parent, path - above_places[:, parent])
    rotations[:, joint] = multiply(to_parent, rotations[:, joint])
    cut = cut.replace(rotations=unroll(rotations), root_positions=root, local_positions=local)
    return Loop(cut, turn, shift, start, end, gap, joint)


def find_cycle(motion: Motion, shortest: float = 0.4, longest: float = 10.0) -> tuple[int, int]:
    """The frames (start, end) whose poses and speeds are most alike, for how much moves between them.

    Standing still repeats too, so the difference of the ends is held against the spread of the poses between them. Of
    cycles that close as well as the best or nearly so, which two or three rounds of it do, the shortest is taken.

    Args:
        motion: F frames.
        shortest, longest: seconds of the cycle. The quickest of human cycles, a sprinter's, takes about 0.4 s.

    Raises:
        GraphicsMLError: the motion is too short.
    """
    fps = float(motion.fps)
    stride = max(1, round(fps / _SEARCH_RATE))
    count = -(-len(motion) // stride)
    low, high = max(3, int(np.ceil(shortest * fps / stride))), min(count - 1, int(longest * fps / stride))
    if low > high:
        raise GraphicsMLError(
            f"the motion lasts {motion.duration:.2f} s, too short for a cycle of {shortest:g} s and its return"
        )
    features = _features(motion)[::stride]
    square = np.sum(features**2, axis=1)
    sums = np.concatenate((np.zeros((1, features.shape[1])), np.cumsum(features, axis=0)))
    squares = np.concatenate(([0.0], np.cumsum(square)))
    best = {}  # frames of a cycle to its best ratio and start
    for length in range(low, high + 1):
        starts = np.arange(count - length)
        apart = np.sum((features[length:] - features[:-length]) ** 2, axis=1)
        mean = (sums[starts + length] - sums[starts]) / length
        spread = (squares[starts + length] - squares[starts]) / length - np.sum(mean**2, axis=1)
        ratio = (apart + _STILL**2) / np.maximum(spread, _STILL**2)
        start = int(np.argmin(ratio))
        best[length] = (ratio[start], start)
    limit = _AS_GOOD**2 * min(ratio for ratio, _ in best.values())
    first = next(length for length, (ratio, _) in best.items() if ratio <= limit)
    # On from the first that is good enough to the best of that dip.
    while first + 1 in best and best[first + 1][0] < best[first][0]:
        first += 1
    start = best[first][1]
    return start * stride, (start + first) * stride


_SPEED_REACH = 0.25  # seconds
_SEARCH_RATE = 60.0  # frames a second, at most, that are compared: a cycle found so is off by 8 ms at most
_LEAD = 0.1  # seconds; speeds count by where they lead in this time, so that a step ahead is told from one back
_STILL = 1e-3  # metres; who moves less stands, and ends that differ by less are alike
_AS_GOOD = 1.5  # times the best difference of ends: two rounds of a gait close as differently as any two steps do


def _features(motion):
    """(F, N) metres: each joint's place and where its speed leads, seen from the joint that travels."""
    joint = travelling_joint(motion)
    joints = carried_joints(motion.skeleton, joint)
    world, places = motion.transforms()
    back = turn_to(world[:, joint], world[:1, joint])[:, None]
    here = rotate(back, places[:, joints] - places[:, joint : joint + 1] * [1, 0, 1])
    ahead = rotate(back, np.gradient(places[:, joints], axis=0) * (_LEAD * float(motion.fps)))
    size = np.sqrt(len(joints))
    return np.concatenate((here, ahead), axis=1).reshape(len(motion), -1) / size


class _Fade:
    """Weights over a cycle for differences of pose and of speed between its ends, at either end, (N,) each.

    Hermite's cubics: `pose` falls from one half to zero within its reach, `speed` leaves zero with slope one half.
    """

    def __init__(self, count, pose_reach, speed_reach):
        from_start, to_end = np.arange(count), count - np.arange(count)
        self.pose_start, self.pose_end = (
            0.5 * (1 - u * u * (3 - 2 * u)) for u in (np.minimum(k / pose_reach, 1) for k in (from_start, to_end))
        )
        self.speed_start, self.speed_end = (
            0.5 * k * (1 - np.minimum(k / speed_reach, 1)) ** 2 for k in (from_start, to_end)
        )


def _closed_path(places, start, end, turn, shift, fade):
    """Places (F, ..., 3) of a cycle (N, ..., 3) whose end is its start turned and shifted."""
    back = conjugate(turn)
    pose = rotate(back, places[end] - shift) - places[start]
    speed = rotate(back, _slope(places, end)) - _slope(places, start)
    column = (-1,) + (1,) * (places.ndim - 1)
    pose_start, pose_end, speed_start, speed_end = (
        w.reshape(column) for w in (fade.pose_start, fade.pose_end, fade.speed_start, fade.speed_end)
    )
    at_start = pose_start * pose + speed_start * speed
    at_end = rotate(turn, speed_end * speed - pose_end * pose)
    return places[start:end] + at_start + at_end


def _closed_rotations(rotations, start, end, turn, fade):
    """Rotations (F, J, 4) of a cycle (N, J, 4) whose end is its start after the turns (J, 4) of the world."""
    pose = axis_angle_from_quaternion(multiply(conjugate(multiply(turn, rotations[start])), rotations[end]))
    speed = _spin(rotations, end) - _spin(rotations, start)
    share = (fade.pose_start - fade.pose_end)[:, None, None]
    lead = (fade.speed_start + fade.speed_end)[:, None, None]
    return multiply(rotations[start:end], quaternion_from_axis_angle(share * pose + lead * speed))


def _slope(values, frame):
    """Change of (F, ...) a frame at one of them, to second order: central, one-sided at the ends."""
    last = len(values) - 1
    if 0 < frame < last:
        return (values[frame + 1] - values[frame - 1]) / 2
    step = 1 if frame == 0 else -1
    return step * (4 * values[frame + step] - 3 * values[frame] - values[frame + 2 * step]) / 2


def _spin(rotations, frame):
    """Change of rotations (F, ..., 4) a frame at one of them: rotation vectors (..., 3) in the joint's own frame."""
    near = rotations[max(0, frame - 2) : frame + 3]
    away = axis_angle_from_quaternion(multiply(conjugate(rotations[frame]), near))
    return _slope(away, frame - max(0, frame - 2))
