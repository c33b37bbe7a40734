"""Whether a motion's first frame is a T-pose put before it, as in the CMU motions converted to BVH by cgspeed.

There it shows other programs the rest pose; in training data, or at the start of a shot, it is a jump.
"""

import numpy as np

from graphics_ml.hints import SAY_T_POSE
from graphics_ml.motion.bone_map import BoneMap, recognize
from graphics_ml.motion.motion import Motion

_LEVEL = np.cos(np.radians(20.0))  # how far arms may be from level and sideways in a T-pose
_UPRIGHT = np.cos(np.radians(35.0))  # how far legs may be from upright; CMU's zero pose spreads them by 20 degrees
_JUMP = 3.0  # times what hands move from one frame to the next in nearly all others
_LEAST = 0.25  # arm lengths that hands jump at least; coming down from a T-pose they go about one
_FAR = 0.05  # of the body's reach from its root, less than hands go then
_NEEDED = ("thigh", "foot", "upper_arm", "hand")


def starts_with_t_pose(motion: Motion, bone_map: BoneMap | None = None) -> bool:
    """Whether the first frame is a T-pose from which both hands jump to the next; False where no body is recognised.

    Args:
        motion: F frames; with fewer than three the answer is False.
        bone_map: where thighs, feet, upper arms and hands are; recognised when None.
    """
    if len(motion) < 3 or not _jumps(motion.frames(0, 2).positions()):
        return False
    roles = (bone_map or recognize(motion.skeleton)).roles
    wanted = [f"{side}_{part}" for side in ("left", "right") for part in _NEEDED]
    if any(role not in roles for role in wanted):
        return False
    places = motion.positions()[:, [motion.skeleton.index(roles[role]) for role in wanted]]
    thighs, feet, arms, hands = (places[:, [part, part + len(_NEEDED)]] for part in range(len(_NEEDED)))
    left = _unit(thighs[0, 0] - thighs[0, 1])
    sideways = _unit(hands[0] - arms[0]) @ left * [1, -1]
    upright = _unit(arms[0].mean(axis=0) - thighs[0].mean(axis=0))
    down = -_unit(feet[0] - thighs[0]) @ upright
    if sideways.min() < _LEVEL or down.min() < _UPRIGHT:
        return False
    steps = np.linalg.norm(np.diff(hands - arms, axis=0), axis=-1)
    length = np.linalg.norm(hands[0] - arms[0], axis=-1)
    return bool((steps[0] > np.maximum(_LEAST * length, _JUMP * np.percentile(steps[1:], 95, axis=0))).all())


def without_t_pose(motion: Motion, drop: bool) -> tuple[Motion, list[str]]:
    """The motion without such a first frame where it is to be dropped, and what the user should know of it.

    Args:
        drop: whether it is to be dropped.
    """
    if not starts_with_t_pose(motion):
        return motion, ["no T-pose stands before the motion; all frames are kept"] * drop
    if drop:
        return motion.frames(1, len(motion)), ["the first frame, a T-pose unlike the others, is left out"]
    return motion, [f"the first frame is a T-pose unlike the others; {SAY_T_POSE} leaves it out"]


def _jumps(places):
    """Whether anything goes far within the body between two frames; quick, and all that is asked of most files."""
    within = places - places[:, :1]
    return np.linalg.norm(within[1] - within[0], axis=-1).max() > _FAR * np.linalg.norm(within[0], axis=-1).max()


def _unit(vectors):
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)
