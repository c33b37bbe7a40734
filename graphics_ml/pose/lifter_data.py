"""What the lifter learns from: bodies of many builds in motion, filmed by random cameras, seen as a detector sees them.

A motion turns the joints of our standard body; its build is drawn anew each time, as are the places on it that the
detector takes for its landmarks; `detector_noise` says how it errs.
"""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from graphics_ml.motion.camera import look_at
from graphics_ml.motion.humanoid import standard_skeleton
from graphics_ml.motion.kinematics import global_rotations
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.rotations import (
    conjugate,
    matrix_from_quaternion,
    multiply,
    quaternion_from_axis_angle,
    rotate,
    slerp,
    swing_twist,
)
from graphics_ml.pose.body import JOINTS, PARENTS, SEGMENTS, segment_basis
from graphics_ml.pose.detection import LANDMARKS, MIRRORED
from graphics_ml.pose.detector_noise import seen_by_detector
from graphics_ml.pose.landmarks import AVERAGE_HEIGHT, USED, points_on_body, segment_of_points
from graphics_ml.pose.lifter import HIPS, RATE, confidence, look

SIDES = ("left", "right")


@dataclass(frozen=True)
class Clip:
    """A motion as the lifter's data need it.

    Attributes:
        turns: (F, 3, 3 J) float32, the world rotations of the standard body's joints as matrices side by side.
        root: (F, 3) float32, where the hips are, over the body's height.
    """

    turns: np.ndarray
    root: np.ndarray

    def __len__(self):
        return len(self.root)


def clip_of(motion: Motion) -> Clip:
    """A motion on a skeleton whose joints are those of `humanoid.standard_skeleton`, zero pose and all."""
    world = matrix_from_quaternion(global_rotations(motion.rotations, PARENTS))
    turns = world.transpose(0, 2, 1, 3).reshape(len(motion), 3, -1)
    height = np.linalg.norm(motion.skeleton.offsets[1:]) / np.linalg.norm(_OFFSETS[1:])
    return Clip(turns.astype(np.float32), (motion.root_positions / height).astype(np.float32))


def through(poses: Motion, rng: np.random.Generator) -> Motion:
    """A motion from pose to pose, at RATE: each is held for up to half a second and reached within 0.4 to 1.4 s, some
    parts of the body ahead of others, turning by some forty degrees each time.

    Args:
        poses: on the standard skeleton, one a frame, two or more.
        rng: draws pace and turns.
    """
    count = len(poses)
    rotations = poses.rotations.copy()
    facing = quaternion_from_axis_angle(np.cumsum(rng.normal(0, 0.7, count))[:, None] * [0.0, 1.0, 0.0])
    rotations[:, 0] = multiply(facing, _without_heading(rotations[:, 0]))
    root = poses.root_positions * (0, 1, 0) + np.cumsum(rng.normal(0, 0.15, (count, 3)), axis=0) * (1, 0, 1)
    held, moving = rng.uniform(0, 0.5, count - 1), rng.uniform(0.4, 1.4, count - 1)
    start = np.cumsum(held + moving) - moving
    time = np.arange(int(RATE * (start[-1] + moving[-1]))) / RATE
    leg = np.clip(np.searchsorted(start - held, time, side="right") - 1, 0, count - 2)
    # Each part of the body begins up to a fifth of its way before the others.
    ahead = rng.uniform(0, 0.2, (count - 1, len(_PARTS)))[:, _PART_OF]
    part = np.clip(((time - start[leg]) / moving[leg])[:, None] * 1.2 - 0.2 + ahead[leg], 0, 1)
    eased = part**3 * (10 + part * (6 * part - 15))  # least jerk (Flash and Hogan 1985)
    turned = slerp(rotations[leg], rotations[leg + 1], eased)
    moved = root[leg] + eased[:, :1] * (root[leg + 1] - root[leg])
    return poses.replace(rotations=turned, root_positions=moved, fps=Fraction(int(RATE)))


def _without_heading(rotation):
    """Rotations (F, 4) turned about the vertical until they face ahead as nearly as they can."""
    _, twist = swing_twist(rotation, np.array([0.0, 1.0, 0.0]))
    return multiply(conjugate(twist), rotation)


@dataclass(frozen=True)
class Filmed:
    """A person in front of a camera.

    Attributes:
        places: (T, L, 3) metres, true places of the landmarks in camera axes.
        rays: (T, L, 2) where they are seen by a perfect detector, x/z and y/z.
        size: the person's, over that of an average person, from the lengths of the long bones.
    """

    places: np.ndarray
    rays: np.ndarray
    size: float


def film(
    clip: Clip, frames: int, rng: np.random.Generator, partner: Clip | None = None, changed: bool = True
) -> Filmed:
    """A stretch of so many frames of a clip, on a random body, before a random camera.

    Args:
        clip: at least two frames; where it is too short it goes back and forth.
        frames: how many.
        rng: draws all.
        partner: another clip, from which the upper body or an arm is taken now and then.
        changed: whether the build and the pace are drawn (by up to a third), and limbs are turned.
    """
    turns, root = _stretch(clip, frames, rng, changed)
    if changed:
        if partner is not None and rng.random() < 0.6:
            other, _ = _stretch(partner, frames, rng, True)
            top = int(rng.choice(_TAKEN))
            _take(turns, other, top, PARENTS[top])
        if rng.random() < 0.6:
            _turn_limbs(turns, rng)
    height = rng.normal(1.7, 0.1) if changed else AVERAGE_HEIGHT
    matrix, size = _body(rng if changed else None)
    places = np.swapaxes(turns.reshape(frames, 3, -1) @ matrix, 1, 2) + root[:, None]
    places = _before_camera(places * height, rng)
    return Filmed(places, places[..., :2] / places[..., 2:], size * height / AVERAGE_HEIGHT)


def _stretch(clip, frames, rng, changed):
    """Rotations (T, 3, J, 3), [:, :, j] the matrix of joint j, and root (T, 3), from anywhere in a clip."""
    pace = np.exp(rng.uniform(-0.3, 0.3)) if changed else 1.0
    last = len(clip) - 1
    moments = rng.uniform(0, max(0.0, last - pace * (frames - 1))) + pace * np.arange(frames)
    moments = last - np.abs(last - moments % (2 * last))
    before = np.minimum(moments.astype(int), last - 1)
    part = (moments - before)[:, None]
    turns = clip.turns[before] * (1 - part[..., None]) + clip.turns[before + 1] * part[..., None]
    root = clip.root[before] * (1 - part) + clip.root[before + 1] * part
    return turns.reshape(frames, 3, len(JOINTS), 3), root


def _take(turns, other, top, parent):
    """Let a joint and all below it move, in place, as they do on another body, relative to their parent."""
    change = turns[:, :, parent] @ np.swapaxes(other[:, :, parent], 1, 2)
    turns[:, :, _BELOW[top]] = other[:, :, _BELOW[top]]
    _turn(turns, _BELOW[top], change)


def _turn_limbs(turns, rng):
    """Turn limbs and trunk, in place, a little further than they are and to and fro, slowly."""
    count = len(_TURNED)
    time = np.arange(len(turns))[:, None, None]
    swing = np.sin(time * rng.uniform(0.01, 0.12, (count, 1)) + rng.uniform(-np.pi, np.pi, (count, 3)))
    vectors = 0.7 * _TURNED_BY[:, None] * (rng.normal(0, 1, (count, 3)) + rng.normal(0, 1, (count, 3)) * swing)
    further = matrix_from_quaternion(quaternion_from_axis_angle(vectors))
    for row, top in enumerate(_TURNED):
        _turn(turns, _BELOW[top], further[:, row])


def _turn(turns, chain, further):
    """Turn joints, in place, by (T, 3, 3) in the world."""
    part = turns[:, :, chain]
    turns[:, :, chain] = (further @ part.reshape(len(turns), 3, -1)).reshape(part.shape)


def _below():
    chains = [[joint] for joint in range(len(JOINTS))]
    for joint in reversed(range(1, len(JOINTS))):
        chains[PARENTS[joint]] += chains[joint]
    return chains


_BELOW = _below()  # of each joint itself and all that hang from it
# Parts of the body that move each at their own time, smallest first.
_PARTS = [_BELOW[JOINTS.index(top)] for top in ("left_shoulder", "right_shoulder", "left_thigh", "right_thigh", "hips")]
_PART_OF = np.array([next(part for part, below in enumerate(_PARTS) if j in below) for j in range(len(JOINTS))])
_TAKEN = [JOINTS.index(joint) for joint in ("spine", "spine", "left_upper_arm", "right_upper_arm")]
# Joints that are turned further, and by about so much, radians.
_TURN = {"upper_arm": 0.3, "forearm": 0.2, "hand": 0.25, "thigh": 0.15, "shin": 0.1, "foot": 0.1}
_TURNED = [JOINTS.index(joint) for joint in ("spine", "head", *(f"{side}_{part}" for side in SIDES for part in _TURN))]
_TURNED_BY = np.array([0.1, 0.15, *_TURN.values(), *_TURN.values()])


def _body(rng):
    """((3 J, L) what the rotations of the joints are multiplied with to give the landmarks of a body of height 1, how
    large its long bones are over those of the standard body)."""
    scales = np.ones(len(SEGMENTS))
    own = points_on_body(1.0)
    locals_ = own.locals.copy()
    offsets = _OFFSETS.copy()
    if rng is not None:
        scales = np.exp(rng.normal(0, _BUILD))
        limbs = np.exp(rng.normal(0, 0.04))  # long limbs are long together
        scales[_LIMBS] *= limbs
        offsets = offsets * np.where(_SEGMENT_OF_JOINT.any(axis=1), _SEGMENT_OF_JOINT @ scales, 1.0)[:, None]
        locals_ = locals_ * np.where(_SEGMENT_OF_POINT.any(axis=1), _SEGMENT_OF_POINT @ scales, 1.0)[:, None]
        moved = rng.normal(0, _PLACE, (len(USED), 3))
        locals_ += _MOVED + (moved + moved[_USED_MIRROR] * (-1, 1, 1)) / np.sqrt(2)  # the same on both sides
    matrix = np.zeros((3 * len(JOINTS), len(USED)))
    for row, (joint, local) in enumerate(zip(own.joints, locals_, strict=True)):
        matrix[3 * joint : 3 * joint + 3, row] += local
        while PARENTS[joint] >= 0:
            parent = PARENTS[joint]
            matrix[3 * parent : 3 * parent + 3, row] += offsets[joint]
            joint = parent
    lengths = np.linalg.norm(offsets[_LONG], axis=-1).sum() / np.linalg.norm(_OFFSETS[_LONG], axis=-1).sum()
    return matrix @ _FROM_USED, float(lengths)


_OFFSETS = standard_skeleton(1.0).offsets
_SEGMENT_OF_JOINT, _SEGMENT_OF_POINT = segment_basis(), segment_of_points()
# Standard deviations of the logarithm of each segment's scale, of SEGMENTS in order: between people lengths differ by
# four to six in a hundred of the height (Winter 2009, after Drillis and Contini), characters' by more.
_BUILD = np.array([0.05, 0.10, 0.09, 0.06, 0.06, 0.10, 0.10, 0.06, 0.06, 0.08])
_LIMBS = [list(SEGMENTS).index(name) for name in ("upper arms", "forearms", "thighs", "shins")]
_LONG = [
    *(JOINTS.index(joint) for joint in ("spine", "chest", "upper_chest")),
    *(JOINTS.index(f"{side}_{part}") for side in SIDES for part in ("forearm", "hand", "shin", "foot")),
]
_USED_MIRROR = [USED.index(LANDMARKS[MIRRORED[LANDMARKS.index(name)]]) for name in USED]


def _kinds(names, values, otherwise):
    """One value for each landmark, by the first key that its name holds."""
    return np.array([next((value for key, value in values.items() if key in name), otherwise) for name in names])


# How far the detector's landmarks may sit from where our table has them, parts of the height.
_PLACE = _kinds(USED, {"hip": 0.010, "shoulder": 0.008, "knee": 0.006, "wrist": 0.005, "ankle": 0.005}, 0.007)[:, None]
_MOVED = _kinds(USED, {"hip": 0.008, "shoulder": 0.005, "knee": 0.008}, 0.0)[:, None] * (0.0, 1.0, 0.0)


def _from_used():
    """(U, L): the detector's landmarks as mixtures of those that the solver uses; the corners of the eyes lie between
    eye and nose or ear."""
    mixture = np.zeros((len(USED), len(LANDMARKS)))
    for column, name in enumerate(LANDMARKS):
        side = name.split("_")[0]
        if name in USED:
            mixture[USED.index(name), column] = 1
        elif name.endswith("inner"):
            for eye, part in ((f"{side}_eye", 0.75), ("left_eye", 0.125), ("right_eye", 0.125)):
                mixture[USED.index(eye), column] += part
        else:
            mixture[USED.index(f"{side}_eye"), column] = 0.7
            mixture[USED.index(f"{side}_ear"), column] = 0.3
    return mixture


_FROM_USED = _from_used()


def _before_camera(places, rng):
    """Places (T, L, 3) of a body in the world, metres, in the axes of a camera drawn at random that looks about at
    them."""
    middle = places[len(places) // 2].mean(axis=0)
    around = rng.uniform(-np.pi, np.pi)
    # Mostly from the level of the body or a little above it; now and then from far above or below, or turned.
    above = rng.normal(0.15, 0.2) if rng.random() < 0.8 else rng.uniform(-0.6, 1.1)
    roll = rng.normal(0, 0.06) if rng.random() < 0.7 else rng.uniform(-0.7, 0.7)
    away = np.array([np.cos(above) * np.sin(around), np.sin(above), np.cos(above) * np.cos(around)])
    turn = look_at(middle + away, middle, roll)
    seen = (places - middle) @ turn.T
    aside = rng.uniform(-1, 1, 2) * 0.4
    distance = np.exp(rng.uniform(np.log(1.7), np.log(8.0)))
    seen = seen + distance * np.array([*aside, 1.0])
    return seen + np.array([*aside, 1.0]) * max(0.0, 0.7 - seen[..., 2].min())


def sample(filmed: Filmed, rng: np.random.Generator | None) -> dict[str, np.ndarray]:
    """What goes into the network and what should come out.

    Args:
        filmed: a person before a camera.
        rng: draws the detector's errors and how well the focal length is known; both perfect when None.

    Returns:
        inputs (T, INPUTS) and places (T, L, 3), metres, in the axes of the turned camera, relative to the middle of the
        hips, of a person of average size; float32.
    """
    if rng is None:
        seen = look(filmed.rays, np.ones(filmed.rays.shape[:2]))
    else:
        rays, visibility = seen_by_detector(filmed.places, rng)
        guess = np.exp(rng.normal(0, 0.25)) if rng.random() < 0.6 else 1.0
        seen = look(rays * guess, confidence(visibility, (visibility > 0)))
    hips = filmed.places[:, HIPS].mean(axis=1, keepdims=True)
    places = rotate(seen.turns[:, None], filmed.places - hips) / filmed.size
    return {"inputs": seen.inputs, "places": places.astype(np.float32)}
