"""A motion with left and right exchanged: reflected in the plane x = 0 of the world.

With D the rotation that takes a joint from its rest orientation G to where it is, R = D G, the reflected joint on the
other side makes the reflected turn: R' = S D T G', where S reflects in the world's plane x = 0 and T in the rest
pose's own plane of symmetry. A reflection is a half turn times -1, so the product of the two is a product of
quaternions. Whatever the rest orientations are, doing it twice gives the motion back.
"""

import re
from collections.abc import Mapping, Sequence

import numpy as np

from graphics_ml.errors import GraphicsMLError
from graphics_ml.motion.kinematics import global_rotations, local_rotations
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.rotations import conjugate, multiply, rotate, unroll
from graphics_ml.motion.skeleton import Skeleton


def mirror(motion: Motion, pairs: Mapping[str, str] | None = None, reflect_skeleton: bool = False) -> Motion:
    """The motion with left and right exchanged; doing it twice gives the motion back.

    Args:
        motion: any motion whose skeleton's rest pose is symmetric about a vertical plane; it need not face +Z.
        pairs: joint name to the joint name on the other side; one direction is enough, joints not named are their own.
            By the names when None (see pairs_by_name).
        reflect_skeleton: bones exchange lengths too. False keeps the skeleton: where the left and right bones differ,
            the positions are the reflected ones only as closely as the bones are alike.

    Raises:
        GraphicsMLError: the pairs do not fit the tree, or no plane of symmetry can be found.
    """
    skeleton = motion.skeleton
    other = _permutation(skeleton, pairs)
    turn_rest = np.concatenate(([0.0], _symmetry_normal(skeleton, other)))
    rest = global_rotations(skeleton.rest_orientations, skeleton.parents)
    half_turn = np.array([0.0, 1, 0, 0])
    reflected = multiply(multiply(multiply(half_turn, motion.orientations()), conjugate(rest)), turn_rest)
    world = multiply(reflected[:, other], rest)
    sign = np.array([-1.0, 1, 1])
    confidence = motion.confidence
    local = motion.local_positions
    if local is not None:
        local = _reflected_offsets(local, skeleton, other, turn_rest)
    if reflect_skeleton:
        skeleton = _reflected_skeleton(skeleton, other, turn_rest)
    return motion.replace(
        skeleton=skeleton,
        rotations=unroll(local_rotations(world, skeleton.parents)),
        root_positions=motion.root_positions * sign,
        local_positions=local,
        confidence=None if confidence is None else confidence[:, other],
        contacts=None if motion.contacts is None else motion.contacts[:, [2, 3, 0, 1]],
    )


def mirror_skeleton(skeleton: Skeleton, pairs: Mapping[str, str] | None = None) -> Skeleton:
    """The skeleton whose bones on one side have the lengths and directions of those on the other, reflected.

    Raises:
        GraphicsMLError: as mirror.
    """
    other = _permutation(skeleton, pairs)
    return _reflected_skeleton(skeleton, other, np.concatenate(([0.0], _symmetry_normal(skeleton, other))))


def pairs_by_name(names: Sequence[str]) -> dict[str, str]:
    """Each name that has a partner on the other side, and that partner.

    Read as sides: the words left and right in any case and place ("LeftArm", "arm_right", "mixamorig:LeftArm"), and
    the letters l and r where they stand apart ("upperarm.l", "Bip01 R Thigh", "L_Hand", "LThumb") or begin a name whose
    partner exists ("lfemur", "rfemur").
    """
    known = set(names)
    pairs = {}
    for name in names:
        partner = next((p for p in _other_side(name) if p in known and p != name), None)
        if partner is not None and name in _other_side(partner):
            pairs[name] = partner
    return {a: b for a, b in pairs.items() if pairs.get(b) == a}


_WORDS = {"left": "right", "right": "left", "Left": "Right", "Right": "Left", "LEFT": "RIGHT", "RIGHT": "LEFT"}
_LETTERS = {"l": "r", "r": "l", "L": "R", "R": "L"}
_WORD = re.compile("|".join(_WORDS))
_APART = re.compile(r"(?<![A-Za-z0-9])[lrLR](?![a-z0-9])|(?<=[a-z0-9])[LR](?![A-Za-z0-9])")
_FIRST = re.compile(r"^[lrLR]|(?<=[:|])[lrLR]")


def _other_side(name):
    """Names that the joint on the other side may have, the likeliest first."""
    swaps = ((_WORD, _WORDS), (_APART, _LETTERS), (_FIRST, _LETTERS))
    return [pattern.sub(lambda m, table=table: table[m.group()], name) for pattern, table in swaps]


def _permutation(skeleton, pairs):
    """Index of each joint's partner, (J,)."""
    pairs = pairs_by_name(skeleton.names) if pairs is None else {**{b: a for a, b in pairs.items()}, **pairs}
    for name in pairs:
        if name not in skeleton.names:
            raise GraphicsMLError(f"the pairs to mirror name a joint '{name}' that the skeleton does not have")
    other = np.array([skeleton.index(pairs.get(name, name)) for name in skeleton.names])
    for joint, partner in enumerate(other):
        parent = skeleton.parents[joint]
        expected = -1 if parent < 0 else other[parent]
        if other[partner] != joint or skeleton.parents[partner] != expected:
            a, b = skeleton.names[joint], skeleton.names[partner]
            raise GraphicsMLError(
                f"'{a}' and '{b}' cannot be mirrored, for their parents are no such pair; give the pairs by hand"
            )
    return other


def _symmetry_normal(skeleton, other):
    """Unit normal of the rest pose's plane of symmetry, (3,): the mean direction from a joint to its partner."""
    places = skeleton.rest_positions()
    across = places - places[other]
    across = np.where(across @ (across[np.argmax(np.linalg.norm(across, axis=1))])[:, None] < 0, -across, across)
    total = across.sum(axis=0)
    total[1] = 0.0  # the plane is vertical
    length = np.linalg.norm(total)
    if length < 1e-6:
        raise GraphicsMLError("no joint of the skeleton has a partner on the other side; give the pairs to mirror")
    normal = total / length
    # Left and right of measured people differ by a few millimetres, which must not turn the plane.
    axis = np.eye(3)[np.argmax(np.abs(normal))]
    return axis if abs(normal @ axis) > np.cos(np.radians(5)) else normal


def _reflected_offsets(offsets, skeleton, other, turn_rest):
    """Offsets (..., J, 3) in the parents' frames, reflected in the rest pose's plane and given to the other side."""
    rest = global_rotations(skeleton.rest_orientations, skeleton.parents)
    frame = np.array([rest[p] if p >= 0 else [1.0, 0, 0, 0] for p in skeleton.parents])
    reflected = -rotate(turn_rest, rotate(frame, offsets))
    return rotate(conjugate(frame), reflected[..., other, :])


def _reflected_skeleton(skeleton, other, turn_rest):
    return skeleton.replace(offsets=_reflected_offsets(skeleton.offsets, skeleton, other, turn_rest))
