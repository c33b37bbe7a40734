"""Two motions of one skeleton mixed, and one after the other.

To put one behind the other, the second is turned and shifted over the ground until its first moments lie closest to the
last ones of the first, and the two are cross-faded there (Kovar, Gleicher and Pighin, "Motion Graphs", SIGGRAPH 2002,
sections 3.1 and 3.2).
"""

import numpy as np

from graphics_ml.errors import GraphicsMLError
from graphics_ml.motion.body_shape import carried_joints
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.resample import resample
from graphics_ml.motion.rotations import slerp, unroll
from graphics_ml.motion.skeleton import Skeleton
from graphics_ml.motion.travel import fit_over_ground, moved, travelling_joint

_ALIKE = 1e-3  # metres; offsets that differ by less are the same bone, written with other decimals
_SAME_TURN = 1e-3  # of a quaternion's components, likewise


def blend(first: Motion, second: Motion, weights) -> Motion:
    """Frame by frame between two motions: places on a straight line, rotations by slerp.

    Args:
        first, second: F frames each, at one frame rate, of one skeleton.
        weights: (F,) or a number: 0 is the first motion, 1 the second.

    Raises:
        GraphicsMLError: skeletons differ.
        ValueError: numbers of frames or frame rates differ, or a weight lies outside [0, 1].
    """
    ensure_same_skeleton(first.skeleton, second.skeleton)
    if len(first) != len(second) or first.fps != second.fps:
        raise ValueError(
            f"only frames that match can be blended: {len(first)} at {first.fps} and {len(second)} at {second.fps}"
        )
    weights = np.broadcast_to(np.asarray(weights, dtype=np.float64), (len(first),))
    if not ((weights >= 0) & (weights <= 1)).all():
        raise ValueError("weights to blend by lie between 0 and 1")
    local, confidence = (
        None if a is None else _between(a, b, weights) for a, b in (_places(first, second), _confidences(first, second))
    )
    return first.replace(
        rotations=unroll(slerp(first.rotations, second.rotations, np.repeat(weights[:, None], len(first.skeleton), 1))),
        root_positions=_between(first.root_positions, second.root_positions, weights),
        local_positions=local,
        confidence=confidence,
        contacts=_contacts_between(first.contacts, second.contacts, weights),
    )


def concatenate(first: Motion, second: Motion, seconds: float = 0.3, *, align: bool = True) -> Motion:
    """The second motion after the first; the last `seconds` of the first and the first of the second become one.

    Args:
        first: its frame rate, place and heading are those of the result.
        second: resampled where its rate is another.
        seconds: of overlap, made a whole number of frames and at least one: with 0 the last pose of the first and the
            first pose of the second make one frame.
        align: bring the second to where the first ends, facing as it does; False leaves it where it is.

    Returns:
        Motion as long as both together less the overlap. A motion cut into two parts that overlap by as much is itself
        again.

    Raises:
        GraphicsMLError: skeletons differ, or a motion is shorter than the overlap.
    """
    ensure_same_skeleton(first.skeleton, second.skeleton)
    if not 0 <= seconds < np.inf:
        raise GraphicsMLError(f"motions cannot overlap by {seconds} s; give a finite number, 0 or more")
    second = resample(second, first.fps)
    overlap = max(1, round(seconds * float(first.fps)))
    if overlap > min(len(first), len(second)):
        raise GraphicsMLError(
            f"motions of {first.duration:.2f} s and {second.duration:.2f} s cannot overlap by {seconds:g} s; blend less"
        )
    # In both the joint that moves in either: one of them may stand still.
    carrier = travelling_joint(joined(first, second))
    if align:
        joints = carried_joints(first.skeleton, carrier)
        ends = first.frames(len(first) - overlap, len(first)), second.frames(0, overlap)
        end, start = (part.positions()[:, joints].reshape(-1, 3) for part in ends)
        second = moved(second, *fit_over_ground(start, end), carrier)
    step = (np.arange(overlap) + 1) / (overlap + 1)
    seam = blend(
        first.frames(len(first) - overlap, len(first)), second.frames(0, overlap), step * step * (3 - 2 * step)
    )
    whole = seam
    if overlap < len(first):
        whole = joined(first.frames(0, len(first) - overlap), whole)
    if overlap < len(second):
        whole = joined(whole, second.frames(overlap, len(second)))
    return whole


def ensure_same_skeleton(first: Skeleton, second: Skeleton) -> None:
    """Raise GraphicsMLError unless names, tree, bones and rest pose are the same."""
    if first.names != second.names or first.parents != second.parents:
        odd = sorted(set(first.names) ^ set(second.names))
        what = f"'{odd[0]}' is in one only" if odd else "their joints hang differently"
        raise GraphicsMLError(f"the motions' skeletons differ ({what}); retarget one to the other first")
    apart = np.linalg.norm(first.offsets[1:] - second.offsets[1:], axis=-1)  # the root's is only its rest place
    turned = np.abs(np.abs(np.sum(first.rest_orientations * second.rest_orientations, axis=-1)) - 1)
    if (apart > _ALIKE).any():
        name = first.names[1 + int(np.argmax(apart))]
        raise GraphicsMLError(
            f"the motions' skeletons differ (the bone to '{name}' by {1000 * apart.max():.0f} mm); retarget one to the "
            "other first"
        )
    if (turned > _SAME_TURN).any():
        name = first.names[int(np.argmax(turned))]
        raise GraphicsMLError(
            f"the motions' skeletons differ (in the rest pose of '{name}'); retarget one to the other first"
        )


def joined(first: Motion, second: Motion) -> Motion:
    """One after the other, each as it is; rotations unrolled."""
    pairs = {
        "rotations": (first.rotations, second.rotations),
        "root_positions": (first.root_positions, second.root_positions),
        "local_positions": _places(first, second),
        "confidence": _confidences(first, second),
        "contacts": (first.contacts, second.contacts),
    }
    joined = {name: None if any(one is None for one in pair) else np.concatenate(pair) for name, pair in pairs.items()}
    return first.replace(**joined | {"rotations": unroll(joined["rotations"])})


def _places(first, second):
    """The local positions of both, or neither's where no file moves its joints."""
    if first.local_positions is None and second.local_positions is None:
        return None, None
    return tuple(np.broadcast_to(motion.offsets, (len(motion), len(motion.skeleton), 3)) for motion in (first, second))


def _confidences(first, second):
    """Those of both; what did not come from a detector is sure."""
    if first.confidence is None and second.confidence is None:
        return None, None
    sure = (np.ones((len(motion), len(motion.skeleton))) for motion in (first, second))
    return tuple(
        one if motion.confidence is None else motion.confidence
        for motion, one in zip((first, second), sure, strict=True)
    )


def _contacts_between(first, second, weights):
    """A foot stands while it passes from one motion to the other if it stands in both; None where one does not tell."""
    if first is None or second is None:
        return None
    share = weights[:, None]
    return np.where(share == 0, first, np.where(share == 1, second, first & second))


def _between(a, b, weights):
    share = weights.reshape(-1, *(1,) * (a.ndim - 1))
    return (1 - share) * a + share * b
