"""Planted feet stay planted.

During a contact the heel or the toe is held at one place, the median of where it was; outside, the correction runs out
along a cubic that leaves with the position and velocity the contact gives it, and is exactly zero further away. So the
movement between steps keeps its detail (a displacement map: Witkin and Popovic, "Motion Warping", SIGGRAPH 1995; the
order of work is that of Kovar, Schreiner and Gleicher, "Footskate Cleanup for Motion Capture Editing", SCA 2002, except
that no bone is ever stretched). The leg follows by two-bone IK; where it is too short, the heel rises over the held toe
as in walking, and where only the heel stands the hips come down a little.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from graphics_ml.motion.contacts import CONTACT_ROLES, robust_contacts, role_joints, spans
from graphics_ml.motion.filters import hann_average, penalized_fit
from graphics_ml.motion.ik import hinge_pole, limb_rotations, two_bone_ik
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.rotations import conjugate, multiply, normalize, rotate, rotation_between, unroll
from graphics_ml.wording import short_repr

SIDES = ("left", "right")


@short_repr
@dataclass(frozen=True)
class FootLock:
    """What foot_lock did.

    Args:
        motion: the corrected motion.
        changed: (F, 2) bool, left and right: frames whose leg is not the input's.
        moved: (F, 2) metres that the ankle was moved.
        lowered: (F,) metres that the hips came down.
        contacts: (F, 4) bool, what was held, columns as CONTACT_ROLES.
    """

    motion: Motion
    changed: np.ndarray
    moved: np.ndarray
    lowered: np.ndarray
    contacts: np.ndarray


def foot_lock(
    motion: Motion,
    roles: Mapping[str, str],
    contacts: np.ndarray | None = None,
    *,
    follow: np.ndarray | None = None,
    strength: float = 1.0,
    blend: float = 0.2,
    limit: float = 0.15,
    tolerance: float = 0.002,
    hips_drop: float = 0.05,
    softness: float = 0.005,
) -> FootLock:
    """Hold heels and toes still while they are in contact.

    Heel and toe in contact: both stay, the foot turns as little as it must. Toe alone: the foot rolls over the held toe
    as it did. Heel alone: the toe is free. Upward movement of a joint in contact, as in a roll, is kept: height
    is held only against jitter, up to a sixth of the limit.

    Args:
        motion: F frames.
        roles: role to joint name; needs left and right thigh, shin and foot; toes are held where the map has them.
        contacts: (F, 4) bool, columns as CONTACT_ROLES; robust_contacts when None.
        follow: (F, 4, 3) metres, columns as contacts: paths that held joints go along with, up to one constant shift in
            each contact, instead of standing still; for a retargeted motion the source's feet, scaled.
        strength: 0 leaves the feet as they are, 1 holds them still, between is between.
        blend: seconds in which a correction runs out before and after a contact.
        limit: metres; a joint further than this from its held place is not pulled back, from half of it on in part.
        tolerance: metres; a contact that strays less than this is left as it is.
        hips_drop: metres, the most that the hips come down where a leg is too short.
        softness: as in two_bone_ik.

    Raises:
        GraphicsMLError: a needed role is missing from the map or names no joint.
        ValueError: contacts of another shape, or a setting out of range.
    """
    if not 0 <= strength <= 1 or min(blend, limit, tolerance, hips_drop, softness) < 0:
        raise ValueError("the strength lies between 0 and 1, and no other setting is negative")
    if contacts is None:
        contacts = robust_contacts(motion, roles)
    contacts = np.asarray(contacts, dtype=bool)
    if contacts.shape != (len(motion), len(CONTACT_ROLES)):
        raise ValueError(f"contacts have shape {contacts.shape}, not ({len(motion)}, {len(CONTACT_ROLES)})")
    if follow is not None and np.shape(follow) != (*contacts.shape, 3):
        raise ValueError(f"paths to follow have shape {np.shape(follow)}, not {(*contacts.shape, 3)}")
    parts = ("thigh", "shin", "foot", "toes")
    legs = [
        role_joints(motion.skeleton, roles, [f"{side}_{p}" for p in parts], [f"{side}_{p}" for p in parts[:3]])
        for side in SIDES
    ]
    world, places = motion.transforms()
    ankle = places[:, [leg[2] for leg in legs]]
    toe = np.stack([places[:, leg[3]] if leg[3] is not None else ankle[:, i] for i, leg in enumerate(legs)], axis=1)
    heel_down, toe_down = contacts[:, 0::2], contacts[:, 1::2] & [leg[3] is not None for leg in legs]
    reach = round(blend * float(motion.fps))
    heel_path, toe_path = (0.0, 0.0) if follow is None else (follow[:, 0::2], follow[:, 1::2])
    shift, tilt = _corrections(
        ankle - heel_path, toe - toe_path, heel_down, toe_down, reach, strength, limit, tolerance
    )
    target, toe_target = _foot_targets(ankle, toe, shift, tilt, heel_down, toe_down, reach)
    hip = places[:, [leg[0] for leg in legs]]
    longest = _longest(places, legs, softness)
    if toe_down.any():
        target = _rolled(hip, target, toe_target, longest, _share(toe_down, heel_down | toe_down, reach))
    foot_turn = _foot_turns(toe - ankle, toe_target - target, shift)
    lowered = _hips_drop(hip, target, longest, np.linalg.norm(shift, axis=-1) > 0, hips_drop, reach)
    changed = (np.linalg.norm(shift, axis=-1) > 0) | (np.linalg.norm(tilt, axis=-1) > 0) | (lowered > 0)[:, None]
    if not changed.any():
        return FootLock(motion, changed, np.zeros(changed.shape), lowered, contacts)
    down = np.stack((np.zeros_like(lowered), -lowered, np.zeros_like(lowered)), axis=-1)
    rotations = np.array(motion.rotations)
    moved = np.zeros(changed.shape)
    across = places[:, legs[0][0]] - places[:, legs[1][0]]
    for i, leg in enumerate(legs):
        chain = leg[:3]
        hip, knee, end = (places[:, joint] + down for joint in chain)
        pole = hinge_pole(places, world, chain, across)
        thigh_turn, shin_turn, reached = two_bone_ik(hip, knee, end, target[:, i], pole, softness)
        foot_world = multiply(foot_turn[:, i], world[:, chain[2]])
        new = limb_rotations(world, motion.skeleton.parents, chain, thigh_turn, shin_turn, foot_world)
        for joint, rotation in zip(chain, new, strict=True):
            rotations[:, joint] = np.where(changed[:, i, None], rotation, rotations[:, joint])
        moved[:, i] = np.where(changed[:, i], np.linalg.norm(reached - ankle[:, i], axis=-1), 0)
    hips = role_joints(motion.skeleton, roles, ("hips",))[0]
    moved_down = move_joint(motion, hips or 0, down)
    return FootLock(moved_down.replace(rotations=unroll(rotations)), changed, moved, lowered, contacts)


def move_joint(motion: Motion, joint: int, shift: np.ndarray) -> Motion:
    """The motion with a joint, and all that hangs from it, moved by (F, 3) metres in the world.

    The root moves in place of a joint that the motion keeps at its offset.
    """
    if joint == 0 or motion.local_positions is None:
        return motion.replace(root_positions=motion.root_positions + shift)
    local = np.array(motion.local_positions)
    above = motion.orientations()[:, motion.skeleton.parents[joint]]
    local[:, joint] += rotate(conjugate(above), shift)
    return motion.replace(local_positions=local)


_HARD = 1e4  # weight of what must be met, against a stiffness of 1: noise between frames is met to a six-hundredth


def _corrections(ankle, toe, heel_down, toe_down, reach, strength, limit, tolerance):
    """How far the foot is shifted, and the toe more than the ankle: two (F, 2, 3), metres."""
    to_heel = strength * _to_anchor(ankle, heel_down, limit, tolerance)
    to_toe = strength * _to_anchor(toe, toe_down, limit, tolerance)
    flat = heel_down & toe_down
    tilt = spread(np.where(flat[..., None], to_toe - to_heel, 0), flat, heel_down | toe_down, reach)
    wanted = np.where(heel_down[..., None], to_heel, to_toe - tilt)
    down = heel_down | toe_down
    shift = spread(np.where(down[..., None], wanted, 0), down, down, reach)
    length = np.linalg.norm(shift, axis=-1, keepdims=True)
    return shift * np.minimum(1, limit / np.maximum(length, 1e-9)), tilt


def _to_anchor(place, down, limit, tolerance):
    """From where a joint in contact is to where it is held, (F, 2, 3); zero outside contacts."""
    result = np.zeros_like(place)
    for leg in range(place.shape[1]):
        for start, end in spans(down[:, leg]):
            here = place[start:end, leg]
            away = np.median(here, axis=0) - here
            flat = np.linalg.norm(away[:, [0, 2]], axis=-1, keepdims=True)
            away = away * _hold(flat, limit) * [1, 0, 1] + away * _hold(np.abs(away[:, 1:2]), limit / 6) * [0, 1, 0]
            if np.linalg.norm(away, axis=-1).max() > tolerance:
                result[start:end, leg] = away
    return result


def _hold(distance, limit):
    """1 up to half the limit, 0 from the limit on, smooth between."""
    t = np.clip(2 * distance / max(limit, 1e-9) - 1, 0, 1)
    return 1 - t * t * (3 - 2 * t)


def spread(wanted, known, down, reach):
    """Corrections (F, 2, 3) wanted in the `known` frames (F, 2), run out over `reach` frames beside the contacts.

    With nothing known between two ends, the smallest sum of squared second differences is Hermite's cubic.
    """
    asked = known & (wanted != 0).any(axis=-1)
    if not asked.any():
        return np.zeros_like(wanted)
    near = within(asked, reach)
    weights = np.where(known | ~near, _HARD, 1e-6)
    curve = penalized_fit(wanted, 1.0, weights, order=2)
    return np.where((near & (down | ~known))[..., None], curve, 0)


def within(mask, reach):
    """True within `reach` frames of a True, (F, K)."""
    count = len(mask)
    sums = np.concatenate((np.zeros((1, mask.shape[1]), dtype=int), np.cumsum(mask, axis=0)))
    frame = np.arange(count)
    return sums[np.minimum(frame + reach + 1, count)] > sums[np.maximum(frame - reach, 0)]


def _foot_targets(ankle, toe, shift, tilt, heel_down, toe_down, reach):
    """Where ankle and toe go, both (F, 2, 3), their distance kept."""
    foot = toe - ankle
    turned = foot + tilt
    # A tilt that is not quite across the foot would change its length: the heel gives way unless it is held.
    excess = turned - np.linalg.norm(foot, axis=-1, keepdims=True) * normalize(turned)
    gives = _share(~heel_down, heel_down | toe_down, reach)[..., None] * excess
    return ankle + shift + gives, ankle + shift + turned - (excess - gives)


def _share(mask, known, reach):
    """1 where the mask (F, 2) holds, 0 where not, from the known frames alone, with ramps between; (F, 2)."""
    frames = np.arange(len(mask))
    shares = [
        np.interp(frames, frames[known[:, i]], mask[known[:, i], i].astype(float))
        if known[:, i].any()
        else np.zeros(len(mask))
        for i in range(mask.shape[1])
    ]
    return np.stack([hann_average(share, max(1, reach // 3)) for share in shares], axis=1)


def _longest(places, legs, softness):
    """Distance (F, 2) from hip to ankle that a leg reaches without being pulled straighter than is natural or it is."""
    hip, knee, ankle = (places[:, [leg[part] for leg in legs]] for part in range(3))
    length = np.linalg.norm(knee - hip, axis=-1) + np.linalg.norm(ankle - knee, axis=-1)
    return np.maximum((1 - softness) * length, np.linalg.norm(ankle - hip, axis=-1))


def _rolled(hip, ankle, toe, longest, share):
    """Ankle targets (F, 2, 3) brought into reach by turning the foot about the toe, as far as the share says."""
    length = np.linalg.norm(toe - ankle, axis=-1, keepdims=True)
    for _ in range(4):
        leg = ankle - hip
        distance = np.linalg.norm(leg, axis=-1)
        over = share * np.maximum(distance - longest - 1e-9, 0)
        pulled = ankle - (over / np.maximum(distance, 1e-12))[..., None] * leg
        ankle = np.where((over > 0)[..., None], toe - length * normalize(toe - pulled), ankle)
    return ankle


def _foot_turns(before, after, shift):
    """World turns (F, 2, 4) of the feet; none where the foot is only shifted."""
    turn = rotation_between(before, after)
    same = (np.abs(after - before).max(axis=-1) < 1e-12) | (np.abs(shift).max(axis=-1) == 0)
    return np.where(same[..., None], [1.0, 0, 0, 0], turn)


def _hips_drop(hip, target, longest, held, most, reach):
    """Metres (F,) by which the hips must come down so that held feet stay in reach."""
    step = hip - target
    below = np.sqrt(np.maximum(longest**2 - step[..., 0] ** 2 - step[..., 2] ** 2, 0))
    need = np.where(held, np.clip(step[..., 1] - below - 1e-9, 0, most), 0).max(axis=1)
    if not (need > 0).any():
        return need
    # The largest need around each frame, averaged over the same time, is smooth and never less than the need itself.
    around = max(1, reach // 2)
    padded = np.pad(need, around, mode="edge")
    widest = np.lib.stride_tricks.sliding_window_view(padded, 2 * around + 1).max(axis=-1)
    return hann_average(widest, around)
