"""How good a motion is by itself, and how near it comes to a reference: metrics.py applied to whole motions."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from graphics_ml.errors import GraphicsMLError
from graphics_ml.motion import metrics
from graphics_ml.motion.body_frames import measure_body
from graphics_ml.motion.body_shape import carried_joints
from graphics_ml.motion.bone_map import BoneMap, missing_roles
from graphics_ml.motion.contacts import CONTACT_ROLES, robust_contacts, role_joints
from graphics_ml.motion.humanoid import REQUIRED_ROLES, compared_joints
from graphics_ml.motion.joint_limits import JointAngles, joint_angles
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.resample import resample
from graphics_ml.motion.rotations import multiply, rotate, unroll
from graphics_ml.motion.travel import fit_over_ground
from graphics_ml.wording import short_repr

Align = Literal["none", "start", "hips"]


@short_repr
@dataclass(frozen=True)
class Quality:
    """What can be said of a motion without knowing what it should be; SI units.

    Args:
        acceleration, jerk: m/s^2 and m/s^3, means over frames and joints. These and the next two are of what hangs from
            the hips, where they are known: a root that stays behind is no part of the body.
        penetration: metres that the lowest joint is below the floor, mean over frames.
        bone_length_drift: metres, the greatest change of a bone.
        contacts: (F, 4) bool, or None where the skeleton lacks hips, an arm or a leg; then the following are None too.
        skate: what feet slip in these contacts.
        limits: angles of the joints and how far they pass the ranges of people.
    """

    acceleration: float
    jerk: float
    penetration: float
    bone_length_drift: float
    contacts: np.ndarray | None
    skate: metrics.FootSkate | None
    limits: JointAngles | None


def quality(motion: Motion, bone_map: BoneMap, *, contacts: np.ndarray | None = None, floor: float = 0.0) -> Quality:
    """The figures of a motion by itself.

    Args:
        motion: F frames.
        bone_map: of its skeleton; where it lacks parts of a body, what needs them is left out.
        contacts: (F, 4) bool, columns as CONTACT_ROLES, in which feet should stand; robust_contacts of the motion when
            None, which takes feet that slip slowly for standing ones.
        floor: metres, the height below which joints penetrate it.
    """
    positions, fps = motion.positions(), motion.fps
    parts = carried_joints(motion.skeleton, bone_map.joints(motion.skeleton).get("hips", 0))
    body = positions[:, parts]
    parents = [-1, *(parts.index(motion.skeleton.parents[joint]) for joint in parts[1:])]
    skate = limits = None
    if missing_roles(bone_map):
        contacts = None
    else:
        contacts = robust_contacts(motion, bone_map.roles) if contacts is None else contacts
        joints = role_joints(motion.skeleton, bone_map.roles, CONTACT_ROLES)
        columns = [0 if joint is None else joint for joint in joints]
        skate = metrics.foot_skate(positions[:, columns], contacts & [joint is not None for joint in joints], fps)
        limits = joint_angles(motion, bone_map)
    return Quality(
        float(metrics.acceleration(body, fps)),
        float(metrics.jerk(body, fps)),
        float(metrics.penetration(body, floor)),
        float(metrics.bone_length_drift(body, parents)),
        contacts,
        skate,
        limits,
    )


def contacts_in_time(reference: Motion, bone_map: BoneMap, motion: Motion) -> np.ndarray:
    """Contacts (F, 4) of a reference at the times of a motion's F frames; none after the reference's end."""
    contacts = robust_contacts(reference, bone_map.roles)
    frames = np.round(np.arange(len(motion)) * float(reference.fps / motion.fps)).astype(int)
    return contacts[np.minimum(frames, len(contacts) - 1)] & (frames < len(contacts))[:, None]


@short_repr
@dataclass(frozen=True)
class Comparison:
    """How far a motion is from a reference.

    Args:
        mpjpe, pa_mpjpe: metres.
        acceleration_error: m/s^2.
        l2p, l2q, npss: as the LAFAN1 benchmark defines them; L2P by the mean and deviation of the reference itself.
        errors: (F,) metres, the mean distance of the joints in each frame.
        fps: frames per second of what was compared.
        joints: how many points were compared.
        notes: what was done to make them comparable, a sentence each.
    """

    mpjpe: float
    pa_mpjpe: float
    acceleration_error: float
    l2p: float
    l2q: float
    npss: float
    errors: np.ndarray
    fps: float
    joints: int
    notes: tuple[str, ...]


def compare(
    motion: Motion, reference: Motion, bone_map: BoneMap, reference_map: BoneMap, align: Align = "none"
) -> Comparison:
    """How far a motion is from a reference, from the first frame of both to where the shorter ends.

    Skeletons of the same joints are compared joint by joint. Others are by role: places at the 14 points of
    compared_joints, orientations as those of the body's segments (body_frames.py), which mean the same on both. The
    higher frame rate is resampled to the lower, so that nothing is made up between frames.

    L2P needs a mean and a deviation of each coordinate. The benchmark's are those of its own training set; here they
    are the reference's, a deviation at least 1 cm, so it compares motions held against one reference with each other.

    Args:
        align: "none" compares places in the world as they are; "start" first turns and shifts the motion over the
            ground to where the reference begins; "hips" shifts each frame until hips meet hips.

    Raises:
        GraphicsMLError: skeletons differ and one of them is no body whose parts are known.
    """
    notes = []
    if motion.fps != reference.fps:
        rate = min(motion.fps, reference.fps)
        notes.append(
            f"compared at {float(rate):.6g} frames per second; the motion has {float(motion.fps):.6g}, the reference "
            f"{float(reference.fps):.6g}"
        )
        motion, reference = resample(motion, rate), resample(reference, rate)
    if len(motion) != len(reference):
        count = min(len(motion), len(reference))
        notes.append(
            f"compared over the first {count} frames; the motion has {len(motion)}, the reference {len(reference)}"
        )
        motion, reference = motion.frames(0, count), reference.frames(0, count)
    if same_joints(motion, reference):
        (world, places), (true_world, true_places) = motion.transforms(), reference.transforms()
        hips = reference_map.joints(reference.skeleton).get("hips", 0)
        centre, true_centre = places[:, hips], true_places[:, hips]
    else:
        for one, which in ((bone_map, "motion"), (reference_map, "reference")):
            if missing_roles(one):
                raise GraphicsMLError(
                    f"the skeletons differ, and the {which}'s lacks {', '.join(missing_roles(one)[:3])}, so nothing "
                    "says which of their joints to compare"
                )
        notes.append("the skeletons differ: 14 points of the body are compared, in metres as they are")
        world, places = _body(motion, bone_map)
        true_world, true_places = _body(reference, reference_map)
        centre, true_centre = places[:, -2], true_places[:, -2]
    if align == "start":
        turn, shift = fit_over_ground(places[0], true_places[0])
        places, world = rotate(turn, places) + shift, multiply(turn, world)
    elif align == "hips":
        places, true_places = places - centre[:, None], true_places - true_centre[:, None]
    world, true_world = unroll(world), unroll(true_world)
    signed = np.where(np.sum(world * true_world, axis=-1, keepdims=True) < 0, -world, world)
    count = len(places)
    return Comparison(
        float(metrics.mpjpe(places, true_places)),
        float(metrics.pa_mpjpe(places, true_places)),
        float(metrics.acceleration_error(places, true_places, motion.fps)),
        float(metrics.l2p(places, true_places, true_places.mean(axis=0), np.maximum(true_places.std(axis=0), 0.01))),
        float(metrics.l2q(signed, true_world)),
        float(metrics.npss(world.reshape(count, -1), true_world.reshape(count, -1))),
        np.linalg.norm(places - true_places, axis=-1).mean(axis=1),
        float(motion.fps),
        places.shape[1],
        tuple(notes),
    )


def same_joints(motion: Motion, other: Motion) -> bool:
    """Whether two motions have the same joints in the same tree with the same axes; bones may differ in length."""
    a, b = motion.skeleton, other.skeleton
    return (
        a.names == b.names
        and a.parents == b.parents
        and bool((np.abs(np.sum(a.rest_orientations * b.rest_orientations, axis=-1)) > 1 - 1e-6).all())
    )


def _body(motion, bone_map):
    """World turns (F, 13, 4) of the body's segments, and the 14 places (F, 14, 3)."""
    body = measure_body(motion.skeleton, bone_map, motion)
    world, places = motion.transforms()
    turns = [multiply(world[:, body.joints[role]], body.frames[role]) for role in REQUIRED_ROLES]
    return np.stack(turns, axis=1), compared_joints(places, body.joints)
