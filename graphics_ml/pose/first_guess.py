"""A first pose from metric landmarks, frame by frame and in closed form, for the solver to start from.

Pelvis and chest take their frames from the lines of hips and shoulders; a limb's first joint is turned so that its bone
lies along the landmarks and its hinge at right angles to the plane they bend in; the root's place is the least squares
answer to where the landmarks are seen.
"""

import numpy as np

from graphics_ml.motion.filters import hann_average
from graphics_ml.motion.rotations import (
    angle_between,
    axis_angle_from_quaternion,
    conjugate,
    cross,
    multiply,
    normalize,
    quaternion_from_axis_angle,
    quaternion_from_columns,
    rotate,
    rotation_between,
    slerp,
    unroll,
)
from graphics_ml.pose.body import BALLS, HINGES, Points, Pose, place, t_pose
from graphics_ml.pose.landmarks import BONE_NAMES, BONES, Evidence, bone_vector
from graphics_ml.pose.places import Places

_SUPINATION = 1.3  # radians at most to start from, a little inside the joint's range
_STRAIGHT = 0.35  # radians of bend at which the bending plane and the shortest turn count alike


def first_pose(evidence: Evidence, points: Points, offsets: np.ndarray, focal: float, centre, rotations) -> Pose:
    """The pose (F frames) that landmarks suggest, gaps filled in between.

    Args:
        evidence: what was seen; at least one frame has landmarks.
        points: where landmarks sit on the body.
        offsets: (J, 3) of the body's joints, metres.
        focal: of the camera, pixels.
        centre: (2,) its principal point, pixels.
        rotations: (F, 3, 3) its rotations, world to camera axes.
    """
    frames = len(evidence)
    # Bones in world axes, gaps filled linearly.
    bones = np.einsum("fji,fbj->fbi", rotations, evidence.bones)
    for b, sure in enumerate(evidence.bone_weight.T):
        seen = np.flatnonzero(sure)
        for c in range(3 if len(seen) else 0):
            bones[:, b, c] = np.interp(np.arange(frames), seen, bones[seen, b, c])

    pose = pose_along(steadied(bones, evidence), BONES @ points.at(place(t_pose(1), offsets)))
    return _rooted(pose, evidence, points, offsets, focal, centre, rotations)


def steadied(bones: np.ndarray, evidence: Evidence | Places) -> np.ndarray:
    """Bones (F, B, 3) with those of trunk and head, which turn all the others, averaged over a quarter of a second."""
    trunk = [BONE_NAMES.index(name) for name in ("trunk", "hips", "shoulders", "ears", "face")]
    bones = bones.copy()
    bones[:, trunk] = _averaged(bones[:, trunk], evidence, 0.25)
    return bones


def pose_along(bones: np.ndarray, own: np.ndarray) -> Pose:
    """The pose, its root at the origin, of a body whose bones lie along these.

    Args:
        bones: (F, B, 3) vectors in world axes, of any length, as BONE_NAMES; instep, knuckles and hands are not read.
        own: (1, B, 3) those of the body itself in the T-pose.
    """
    frames = len(bones)
    balls = np.zeros((frames, len(BALLS), 4))
    hinges = np.zeros((frames, len(HINGES)))
    up = bone_vector(bones, "trunk")
    hips = quaternion_from_columns(bone_vector(bones, "hips"), up)
    chest = quaternion_from_columns(bone_vector(bones, "shoulders"), up)
    head = multiply(_head(bones), conjugate(_head(own)))
    balls[:, 0] = hips
    balls[:, 1] = _share(multiply(conjugate(hips), chest), 3)
    balls[:, 2] = _share(multiply(conjugate(chest), head), 2)
    for side, s in (("left", 1.0), ("right", -1.0)):
        arm, bend = _limb(
            chest, bone_vector(bones, f"{side} upper arm"), bone_vector(bones, f"{side} forearm"), (s, 0, 0), (0, -s, 0)
        )
        balls[:, _ball(f"{side}_upper_arm")] = multiply(conjugate(chest), arm)
        hinges[:, _hinge(f"{side}_forearm", "flexion")] = bend
        elbow = quaternion_from_axis_angle(bend[:, None] * np.array([0, -s, 0.0]))
        across = rotate(conjugate(multiply(arm, elbow)), bone_vector(bones, f"{side} palm"))
        supination = np.arctan2(*across[:, 1:].T.copy())  # see axis_angle_from_quaternion on copies
        hinges[:, _hinge(f"{side}_forearm", "supination")] = np.clip(supination, -_SUPINATION, _SUPINATION)
        leg, bend = _limb(
            hips, bone_vector(bones, f"{side} thigh"), bone_vector(bones, f"{side} shin"), (0, -1.0, 0), (1.0, 0, 0)
        )
        balls[:, _ball(f"{side}_thigh")] = multiply(conjugate(hips), leg)
        hinges[:, _hinge(f"{side}_shin", "flexion")] = bend
    return Pose(np.zeros((frames, 3)), unroll(balls), hinges)


def smoothed(pose: Pose, evidence: Evidence | Places) -> Pose:
    """The pose less its jitter (root, free rotations and hinges averaged over a tenth of a second), takes apart."""
    balls = _averaged(pose.balls, evidence, 0.1)
    lost = np.linalg.norm(balls, axis=-1, keepdims=True) < 0.1
    calm = Pose(
        _averaged(pose.root, evidence, 0.1),
        normalize(np.where(lost, pose.balls, balls)),
        _averaged(pose.hinges, evidence, 0.1),
    )
    return unwound(calm, float(evidence.fps), evidence.breaks)


def unwound(pose: Pose, fps: float, breaks: np.ndarray) -> Pose:
    """The pose without needless whole turns.

    A rotation that a detector flips over and back can come out of smoothing as a quick spin right round, which no
    further smoothing undoes. Where a free rotation travels three quarters of a turn further, within six tenths of a
    second, than from its first to its last place, it goes the short way instead.

    Args:
        pose: F frames.
        fps: frames per second.
        breaks: (F,) bool, frames that do not continue the one before.
    """
    reach = max(1, round(0.3 * fps))
    balls = pose.balls.copy()
    takes = np.cumsum(breaks)
    for b in range(balls.shape[1]):
        for _ in range(len(balls) // reach + 1):
            path = np.concatenate(([0.0], np.cumsum(angle_between(balls[:-1, b], balls[1:, b]) * ~breaks[1:])))
            low = np.maximum(np.arange(len(balls)) - reach, np.searchsorted(takes, takes, "left"))
            high = np.minimum(np.arange(len(balls)) + reach, np.searchsorted(takes, takes, "right") - 1)
            excess = path[high] - path[low] - angle_between(balls[low, b], balls[high, b])
            worst = int(excess.argmax())
            if excess[worst] < _SPIN:
                break
            start, stop = low[worst], high[worst]
            part = np.linspace(0, 1, stop - start + 1)
            balls[start : stop + 1, b] = slerp(balls[start, b], balls[stop, b], part)
    return Pose(pose.root, unroll(balls), pose.hinges)


_SPIN = 1.5 * np.pi


def _averaged(values, evidence, seconds):
    """Values (F, ...) averaged over about so many seconds, takes apart."""
    reach = max(1, round(0.5 * seconds * float(evidence.fps)))
    return np.concatenate([hann_average(values[take], reach) for take in evidence.takes()])


def _ball(joint):
    return next(k for k, group in enumerate(BALLS) if joint in group)


def _hinge(joint, movement):
    return next(k for k, (j, m, _) in enumerate(HINGES) if (j, m) == (joint, movement))


def _share(rotation, count):
    return quaternion_from_axis_angle(axis_angle_from_quaternion(rotation) / count)


def _head(bones):
    ahead, aside = bone_vector(bones, "face"), bone_vector(bones, "ears")
    return quaternion_from_columns(aside, cross(ahead, aside))


def _limb(parent, upper, lower, rest, axis):
    """World rotation (F, 4) of a limb's first joint and the bend (F,) of its second, radians.

    Args:
        parent: (F, 4) world rotation of its parent.
        upper, lower: (F, 3) the two bones.
        rest: direction of the bone in the joint's frame.
        axis: hinge axis of the second joint in the same frame; turning about it bends the limb.
    """
    rest, axis = np.array(rest), np.array(axis)
    upper, lower = normalize(upper), normalize(lower)
    bend = np.arccos(np.clip(np.sum(upper * lower, axis=-1), -1, 1))
    plain = rotate(multiply(rotation_between(rotate(parent, rest), upper), parent), axis)
    weight = bend[:, None] ** 2 / (bend[:, None] ** 2 + _STRAIGHT**2)
    hinge = weight * normalize(cross(upper, lower)) + (1 - weight) * plain
    turn = quaternion_from_columns(upper, hinge)
    own = quaternion_from_columns(rest, axis)
    return multiply(turn, conjugate(own)), bend


def _rooted(pose, evidence, points, offsets, focal, centre, rotations):
    """The pose with its root where the picture wants it: x + u z = 0 and y + v z = 0 are linear in the root."""
    at = points.at(place(pose, offsets))
    relative = np.einsum("fij,flj->fli", rotations, at)
    rays = (evidence.pixels - centre) / focal
    weight = evidence.pixel_weight**2
    u, v = rays[..., 0], rays[..., 1]
    zero, one = np.zeros_like(u), np.ones_like(u)
    rows = np.stack((np.stack((one, zero, -u), -1), np.stack((zero, one, -v), -1)), axis=2)  # (F, L, 2, 3)
    wanted = np.stack((u * relative[..., 2] - relative[..., 0], v * relative[..., 2] - relative[..., 1]), axis=2)
    matrix = np.einsum("fl,flai,flaj->fij", weight, rows, rows)
    right = np.einsum("fl,flai,fla->fi", weight, rows, wanted)
    known = np.flatnonzero(weight.sum(axis=1) > 0)
    root = np.linalg.solve(matrix[known] + 1e-9 * np.eye(3), right[known][..., None])[..., 0]
    root = np.einsum("fji,fj->fi", rotations[known], root)
    frames = np.arange(len(pose))
    return Pose(np.stack([np.interp(frames, known, root[:, c]) for c in range(3)], axis=1), pose.balls, pose.hinges)
