"""Where a character goes over the ground and which way it turns, apart from how its limbs move.

One joint carries the character: the root, or, where a file keeps its root still (Bandai-Namco's do), the joint below it
that moves. A heading is only ever compared with another one: the turn about the vertical that brings one orientation of
that joint nearest to another needs no knowledge of how the joint's axes lie.
"""

import numpy as np
from array_api_compat import array_namespace

from graphics_ml.motion.filters import smooth, smooth_rotations
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.rotations import conjugate, multiply, rotate, swing_twist, unroll

_STILL = 1e-3  # metres; a joint that moves less in all the clip only shows how its file was rounded


def travelling_joint(motion: Motion) -> int:
    """Index of the joint that carries the character: of the joints that move in their parents and hang from none that
    does, the one with the most joints below it; the root where none moves."""
    moves = np.zeros(len(motion.skeleton), dtype=bool)
    moves[0] = np.ptp(motion.root_positions, axis=0).max() > _STILL
    if motion.local_positions is not None:
        moves[1:] = np.ptp(motion.local_positions[:, 1:], axis=0).max(axis=-1) > _STILL
    carried = np.ones(len(motion.skeleton), dtype=int)
    below_a_mover = np.zeros(len(motion.skeleton), dtype=bool)
    for joint, parent in enumerate(motion.skeleton.parents):
        below_a_mover[joint] = parent >= 0 and (moves[parent] or below_a_mover[parent])
    for joint in range(len(motion.skeleton) - 1, 0, -1):
        carried[motion.skeleton.parents[joint]] += carried[joint]
    return int(np.argmax(np.where(moves & ~below_a_mover, carried, 0))) if moves.any() else 0


def in_place(motion: Motion, *, turning: bool = False, cutoff: float | None = None) -> Motion:
    """The motion without its travel over the ground: the joint that carries it stays above its first place.

    Heights and the rotations of all other joints are kept.

    Args:
        motion: F frames.
        turning: take the turning about the vertical away too, so that the character faces as in its first frame.
        cutoff: Hz; only what is slower is taken away, so that the sway of a walk stays. None takes all.

    Raises:
        ValueError: the cutoff is out of range, as filters.smooth.
    """
    joint = travelling_joint(motion)
    world, places = motion.transforms()
    path, orientations = places[:, joint] * [1, 0, 1], world[:, joint]
    turn = np.broadcast_to([1.0, 0, 0, 0], orientations.shape)
    if turning:
        turn = unroll(turn_to(orientations, orientations[:1]))
    if cutoff is not None:
        # Second order: what goes straight on at one speed is travel to the last bit.
        path = smooth(path, motion.fps, cutoff, order=2)
        turn = smooth_rotations(turn, motion.fps, cutoff, order=2) if turning else turn
    return moved(motion, turn, path[:1] - rotate(turn, path), joint)


def moved(motion: Motion, turn, shift, joint: int | None = None) -> Motion:
    """The motion turned and shifted in the world: what was at p is at `turn p + shift`.

    Args:
        motion: F frames.
        turn: (4,) or (F, 4) quaternions.
        shift: (3,) or (F, 3) metres.
        joint: what is moved with all that hangs from it; the travelling joint when None, so that a root that stays
            still in its file still does.
    """
    joint = travelling_joint(motion) if joint is None else joint
    rotations = np.array(motion.rotations)
    if joint == 0:
        rotations[:, 0] = multiply(turn, rotations[:, 0])
        root = rotate(turn, motion.root_positions) + shift
        return motion.replace(rotations=unroll(rotations), root_positions=root)
    world, places = motion.transforms()
    parent = motion.skeleton.parents[joint]
    to_parent = conjugate(world[:, parent])
    rotations[:, joint] = multiply(to_parent, multiply(turn, world[:, joint]))
    local = np.array(np.broadcast_to(motion.offsets, places.shape))
    local[:, joint] = rotate(to_parent, rotate(turn, places[:, joint]) + shift - places[:, parent])
    return motion.replace(rotations=unroll(rotations), local_positions=local)


def turn_to(orientations, others):
    """The turn about the vertical (..., 4) that brings orientations (..., 4) nearest to others (..., 4), broadcast.

    Of all turns Y about the vertical, the twist of D = other * orientation^-1 leaves the least angle between
    Y * orientation and the other. A D that is half a turn about a level axis has no such twist; it gets none.
    """
    xp = array_namespace(orientations, others)
    difference = multiply(others, conjugate(orientations))
    up = xp.asarray([0.0, 1.0, 0.0], dtype=difference.dtype)
    return swing_twist(difference, up)[1]


def fit_over_ground(points, others):
    """The turn about the vertical and the level shift that bring points closest to others: least squares.

    Kovar, Gleicher and Pighin, "Motion Graphs", SIGGRAPH 2002, equations 2 to 4. Heights do not matter and are kept.

    Args:
        points, others: (..., N, 3) metres.

    Returns:
        turn (..., 4) and shift (..., 3): `rotate(turn, point) + shift`.
    """
    xp = array_namespace(points, others)
    middle, other_middle = (xp.mean(p, axis=-2) for p in (points, others))
    a, b = points - middle[..., None, :], others - other_middle[..., None, :]
    sine = xp.sum(b[..., 0] * a[..., 2] - b[..., 2] * a[..., 0], axis=-1)
    cosine = xp.sum(b[..., 0] * a[..., 0] + b[..., 2] * a[..., 2], axis=-1)
    half = xp.atan2(sine, cosine) / 2
    zero = xp.zeros_like(half)
    turn = xp.stack((xp.cos(half), zero, xp.sin(half), zero), axis=-1)
    shift = other_middle - rotate(turn, middle)
    return turn, xp.stack((shift[..., 0], zero, shift[..., 2]), axis=-1)
