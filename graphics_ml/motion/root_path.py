"""Where a retargeted body's travel goes: its path over the ground and its heading, on another joint than the hips.

The path is that of the hips joint, level, and the heading is the hips' turn about the vertical (the twist of a
swing-twist decomposition), which goes on smoothly through bows, somersaults and turns on the ground; only hips that are
exactly upside down have none. The hips keep what is left, so every joint of the body stays where it was in the world.
"""

import numpy as np

from graphics_ml.motion.body_frames import Body
from graphics_ml.motion.body_shape import path_down
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.rotations import conjugate, multiply, rotate, swing_twist, unroll
from graphics_ml.motion.skeleton import EndSite, Skeleton

_UP = np.array([0.0, 1, 0])


def travel(motion: Motion, body: Body) -> tuple[np.ndarray, np.ndarray]:
    """Path and heading of a body: where (F, 3), at height zero, and how it is turned (F, 4) away from its rest pose.

    Args:
        motion: of the body's skeleton.
    """
    hips, frame = body.joints["hips"], body.frames["hips"]
    turns, places = motion.transforms()
    heading = swing_twist(multiply(turns[:, hips], frame), _UP)[1]
    at_rest = swing_twist(multiply(body.skeleton.rest_transforms()[0][hips], frame), _UP)[1]
    rest_place = body.skeleton.rest_positions()[hips]
    heading = unroll(multiply(heading, conjugate(at_rest)))
    return places[:, hips] * [1, 0, 1] - rotate(heading, rest_place * [1, 0, 1]), heading


def taken_off(motion: Motion, body: Body, places: np.ndarray, turns: np.ndarray) -> Motion:
    """The motion as it is seen by one who goes along a path (F, 3) with a heading (F, 4): the joints above the hips at
    rest, the hips moved by the rest."""
    skeleton, hips = motion.skeleton, body.joints["hips"]
    world, at = motion.transforms()
    hips_turn = multiply(conjugate(turns), world[:, hips])
    hips_place = rotate(conjugate(turns), at[:, hips] - places)
    rotations = np.array(motion.rotations)
    if hips == 0:
        rotations[:, 0] = hips_turn
        return motion.replace(rotations=unroll(rotations), root_positions=hips_place)
    above, parent = path_down(skeleton, 0, hips)[:-1], skeleton.parents[hips]
    rest_turns, rest_places = skeleton.rest_transforms()
    rotations[:, above] = skeleton.rest_orientations[above]
    rotations[:, hips] = multiply(conjugate(rest_turns[parent]), hips_turn)
    local = np.array(motion.local_positions)
    local[:, above] = skeleton.offsets[above]
    local[:, hips] = rotate(conjugate(rest_turns[parent]), hips_place - rest_places[parent])
    root = np.broadcast_to(skeleton.offsets[0], hips_place.shape)
    return motion.replace(rotations=unroll(rotations), root_positions=root, local_positions=local)


def on_root_bone(motion: Motion, body: Body, places: np.ndarray, turns: np.ndarray) -> Motion:
    """The motion with the skeleton's first joint, which is not the hips, going along the path."""
    still = taken_off(motion, body, places, turns)
    rotations = np.array(still.rotations)
    rotations[:, 0] = multiply(turns, rotations[:, 0])
    root = places + rotate(turns, still.root_positions)
    return still.replace(rotations=unroll(rotations), root_positions=root)


def on_added_joint(motion: Motion, body: Body, places: np.ndarray, turns: np.ndarray, name: str) -> Motion:
    """The motion with one more joint above all that goes along the path; the skeleton has it too."""
    still = taken_off(motion, body, places, turns)
    skeleton = with_joint_above(still.skeleton, name)
    first = np.array(still.root_positions)[:, None]
    rest = still.skeleton.offsets[1:] if still.local_positions is None else still.local_positions[:, 1:]
    rest = np.broadcast_to(rest, (len(motion), *still.skeleton.offsets[1:].shape))
    return Motion(
        skeleton,
        np.concatenate((turns[:, None], still.rotations), axis=1),
        places,
        motion.fps,
        local_positions=np.concatenate((places[:, None], first, rest), axis=1),
        confidence=None if motion.confidence is None else motion.confidence[:, [0, *range(len(still.skeleton))]],
        contacts=motion.contacts,
        provenance=motion.provenance,
    )


def with_joint_above(skeleton: Skeleton, name: str) -> Skeleton:
    """The skeleton under one more joint at the origin, which has this name, or the name with a number behind it."""
    number = 1
    while (free := name if number == 1 else f"{name}_{number}") in skeleton.names:
        number += 1
    return Skeleton(
        (free, *skeleton.names),
        (-1, *(parent + 1 for parent in skeleton.parents)),
        np.concatenate((np.zeros((1, 3)), skeleton.offsets)),
        np.concatenate(([[1.0, 0, 0, 0]], skeleton.rest_orientations)),
        tuple(EndSite(end.joint + 1, end.offset, end.name) for end in skeleton.end_sites),
    )
