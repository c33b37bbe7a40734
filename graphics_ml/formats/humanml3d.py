"""HumanML3D features (.npy): 263 numbers a frame of 22 joints, 20 frames a second (Guo et al., "Generating Diverse and
Natural 3D Human Motions from Text", CVPR 2022, section 5, and the data set's motion_representation.ipynb).

A row holds: the root's turn about Y to the next frame, half the angle (1); its step to the next frame along X and Z,
in the next frame's heading (2); its height (1); where the other 21 joints are, from the root's place on the floor and
in its heading (63); their rotations, six numbers each (126); the step of all 22 joints to the next frame, in the
heading (66); whether left ankle, left toes, right ankle, right toes rest (4). A motion begins above the origin, facing
+Z, with its lowest joint on the floor.

Reading gives one frame a row, by the positions: what they are is what the data set's own `recover_from_ric` gives. The
rotations in the file say no more than these: they are the shortest ones that turn each joint's incoming bone, without
twist. Nor do they always agree with them: in the file of the data set that was measured here, forward kinematics of
them (`recover_from_rot`) gives the positions to 0.002 mm up to the frame in which the heading passes through -Z, where
the data set's turn gets a wrong sign, and is up to 18 cm off from there on. So rotations are solved from the positions:
hips and chest from their three bones each, every other joint by the shortest turn of its bone from its parent's frame.
Bones are as long as in the file; where they change their length from frame to frame, as in what networks make, joints
get local positions.

Writing follows the data set's definition, its slips where they are in all of its files: the heading at a frame is that
of shoulders minus hips (the hips' sign is exchanged there), smoothed by a Gaussian of 20 frames, and taken as zero at
the first frame; the chains of the arms count from the root. Not taken over is the wrong sign above. The definition
makes F - 1 rows of F frames; here the last frame has a row too, with its own pose and the steps of the row before, so
that all of a motion comes back. Feet that rest in these files may move at 0.9 m/s (RESTING): they are no contacts to
plant a foot by, and none are read.
"""

import warnings
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np

from graphics_ml.errors import FormatWarning, MotionFileError, OutputError
from graphics_ml.formats import bodies
from graphics_ml.formats.arrays import read_npy, write_npy
from graphics_ml.formats.heads import npy_shape
from graphics_ml.hints import SAY_RATE
from graphics_ml.motion.kinematics import forward_kinematics, local_rotations
from graphics_ml.motion.motion import Motion, exact_rate
from graphics_ml.motion.rotations import (
    conjugate,
    multiply,
    normalize,
    quaternion_from_matrix,
    rotate,
    rotation_between,
    sixd_from_quaternion,
    unroll,
)

BODY = "humanml3d"
FEATURES = 263
RESTING = 0.002  # square metres that a foot moves from frame to frame and still rests, at 20 frames a second
_MOST = 1e6  # metres and more that no number of a motion is
_SMOOTH, _CUT = 20, 4  # frames of the Gaussian, and after how many of these it is cut off
_CHAINS = ((0, 2, 5, 8, 11), (0, 1, 4, 7, 10), (0, 3, 6, 9, 12, 15), (9, 14, 17, 19, 21), (9, 13, 16, 18, 20))
# Along which axis the bone that ends in each joint lies in the data set's own zero pose.
_RAW = np.array(
    [[0, 0, 0], [1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, -1, 0], [0, 1, 0], [0, -1, 0], [0, -1, 0], [0, 1, 0]]
    + [[0, 0, 1], [0, 0, 1], [0, 1, 0], [1, 0, 0], [-1, 0, 0], [0, 0, 1]]
    + [[0, -1, 0]] * 6,
    dtype=np.float64,
)
_FEET = (7, 10, 8, 11)
_LEFT_HIP, _RIGHT_HIP, _LEFT_SHOULDER, _RIGHT_SHOULDER = 1, 2, 16, 17
_EXACT = 1e-4  # metres that fixed bones may be off before joints get local positions
_UP, _AHEAD = np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0])


def load(path: str | Path, fps: Fraction | None = None) -> Motion:
    """The motion in a file of HumanML3D features, on its 22 joints.

    Args:
        path: the file.
        fps: frames per second; the file has none, and a FormatWarning says that 20 is taken when None.

    Raises:
        MotionFileError: the file cannot be read, has not 263 features, or a number in it is not finite.
    """
    path = Path(path)
    features = read_npy(path)
    if features.shape == (0, FEATURES):
        raise MotionFileError(path, None, "it holds no frame; get the file again")
    if features.ndim != 2 or features.shape[1] != FEATURES or features.dtype.kind != "f":
        raise MotionFileError(
            path, None, f"it holds {features.shape} of {features.dtype}; HumanML3D has rows of {FEATURES} numbers"
        )
    wrong = ~(np.abs(features) < _MOST)
    if wrong.any():
        frame = int(np.argwhere(wrong)[0][0])
        raise MotionFileError(path, None, f"a number at frame {frame} is not finite or huge; get the file again")
    if fps is None:
        fps = bodies.table(BODY)["fps"]
        warnings.warn(
            f"{path} holds no frame rate; {fps} frames a second are taken, as in HumanML3D ({SAY_RATE})",
            FormatWarning,
            stacklevel=3,
        )
    return _motion(path, positions_of(features.astype(np.float64)), exact_rate(fps))


def recognises(path: Path) -> bool:
    """Whether a .npy file has rows of 263 numbers."""
    shape = npy_shape(path)
    return len(shape) == 2 and shape[1] == FEATURES


def save(motion: Motion, path: str | Path) -> None:
    """Write the features of a motion that has SMPL's 22 body joints; others, of hands and face, are left out.

    Raises:
        OutputError: a joint of the 22 is missing, the motion has one frame only, or the place cannot be written.
    """
    path = Path(path)
    names = bodies.skeleton(BODY).names
    if not any(bodies.has_joints_of(motion.skeleton, name) for name in (BODY, "smplh", "smplx", "smpl")):
        bodies.ensure_joints_of(motion, BODY, path, "humanml3d")
    if len(motion) < 2:
        raise OutputError(path, None, "HumanML3D's features are of steps between frames; give it two frames or more")
    joints = [motion.skeleton.index(name) for name in names]
    write_npy(path, features_of(motion.positions()[:, joints]).astype("<f4"))


def positions_of(features: np.ndarray) -> np.ndarray:
    """World positions (F, 22, 3) of features (F, 263)."""
    count = len(features)
    half = np.concatenate([[0.0], np.cumsum(features[:-1, 0])])
    into_world = _about_up(-half)
    steps = np.zeros((count, 3))
    steps[1:, 0], steps[1:, 2] = features[:-1, 1], features[:-1, 2]
    root = np.cumsum(rotate(into_world, steps), axis=0)
    others = rotate(into_world[:, None], features[:, 4:67].reshape(count, 21, 3)) + root[:, None]
    root[:, 1] = features[:, 3]
    return np.concatenate([root[:, None], others], axis=1)


def features_of(positions: np.ndarray) -> np.ndarray:
    """Features (F, 263) of world positions (F, 22, 3), F at least 2."""
    count = len(positions)
    places = positions - positions[0, 0] * [1, 0, 1] - _UP * positions[..., 1].min()
    places = rotate(rotation_between(normalize(_ahead(places[:1], proper=True)), _AHEAD), places)
    ahead = _smoothed(_ahead(places, proper=False))
    heading = np.arctan2(ahead[:, 0], ahead[:, 2])
    heading[0] = 0.0
    half = -np.unwrap(heading) / 2
    turn = _about_up(half)
    steps = places[1:] - places[:-1]
    root_steps = rotate(turn[1:], steps[:, 0])
    in_heading = rotate(turn[:, None], places - places[:, :1] * [1, 0, 1])
    resting = (np.sum(steps[:, _FEET] ** 2, axis=-1) < RESTING).astype(np.float64)
    of_steps = [
        np.diff(half)[:, None],
        root_steps[:, [0, 2]],
        rotate(turn[:-1, None], steps).reshape(count - 1, -1),
        resting,
    ]
    # The last frame has a pose, and no step from it: that of the frame before.
    turns, along, moves, resting = (np.concatenate([part, part[-1:]]) for part in of_steps)
    pose = in_heading[:, 1:].reshape(count, -1)
    rotations = sixd_from_quaternion(_bone_rotations(places, turn)).reshape(count, -1)
    return np.concatenate([turns, along, places[:, 0, 1:2], pose, rotations, moves, resting], axis=1)


def _about_up(half_angles):
    return np.stack([np.cos(half_angles), 0 * half_angles, np.sin(half_angles), 0 * half_angles], axis=-1)


def _ahead(places, proper):
    """Where the body faces (F, 3), at right angles to its hips and shoulders; `proper` with both of them the same way
    round, as the data set has it only where it turns the first frame to +Z."""
    hips = places[:, _RIGHT_HIP] - places[:, _LEFT_HIP]
    shoulders = places[:, _RIGHT_SHOULDER] - places[:, _LEFT_SHOULDER]
    return np.cross(_UP, normalize(shoulders + hips if proper else shoulders - hips)) * [1, 0, 1]


def _smoothed(vectors):
    """A Gaussian average over frames; before the first frame and after the last, these go on."""
    reach = _SMOOTH * _CUT
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / _SMOOTH) ** 2)
    wide = np.pad(vectors, ((reach, reach), (0, 0)), mode="edge")
    return np.stack([np.convolve(column, weights / weights.sum(), "valid") for column in wide.T], axis=-1)


def _bone_rotations(places, turn):
    """The data set's rotations (F, 21, 4): each turns the bone that ends in its joint, counted along its chain."""
    rotations = np.zeros((*places.shape[:2], 4))
    for chain in _CHAINS:
        before = turn
        for start, end in pairwise(chain):
            bone = rotation_between(
                np.broadcast_to(_RAW[end], places[:, 0].shape), normalize(places[:, end] - places[:, start])
            )
            rotations[:, end] = multiply(conjugate(before), bone)
            before = bone
    return rotations[:, 1:]


def _motion(path, positions, fps):
    """The motion whose joints are at these positions (F, 22, 3)."""
    body = bodies.skeleton(BODY)
    offsets = _bones(positions, body)
    world = _orientations(positions, offsets, body)
    rotations = unroll(local_rotations(world, body.parents))
    root = positions[:, 0]
    reached = forward_kinematics(rotations, root, offsets, body.parents)
    local = None
    if np.abs(reached - positions).max() > _EXACT:
        parents = list(body.parents[1:])
        local = np.zeros_like(positions)
        local[:, 1:] = rotate(conjugate(world[:, parents]), positions[:, 1:] - positions[:, parents])
    offsets = np.concatenate([body.offsets[:1] * 0 + _UP * root[0, 1], offsets[1:]])
    source = {"file": path.name, "format": "humanml3d", "body": BODY}
    return Motion(body.replace(offsets=offsets), rotations, root, fps, local, provenance={"source": source})


def _bones(positions, body):
    """Offsets (22, 3) as long as in the file, where hips and chest have several of them as they lie to each other."""
    parents = np.array(body.parents)
    offsets = np.array(body.offsets)
    lengths = np.median(np.linalg.norm(positions[:, 1:] - positions[:, parents[1:]], axis=-1), axis=0)
    offsets[1:] = normalize(offsets[1:]) * lengths[:, None]
    for joint, children in enumerate(body.children):
        if len(children) > 1:
            children = list(children)
            seen = positions[:, children] - positions[:, joint, None]
            for _ in range(3):  # it settles in one or two
                offsets[children] = np.mean(
                    rotate(conjugate(_best_turn(offsets[children], seen))[:, None], seen), axis=0
                )
            offsets[children] = normalize(offsets[children]) * lengths[np.array(children) - 1, None]
    return offsets


def _orientations(positions, offsets, body):
    """World rotations (F, 22, 4) that put the bones along the positions."""
    world = np.zeros((*positions.shape[:2], 4))
    world[..., 0] = 1.0
    for joint, (parent, children) in enumerate(zip(body.parents, body.children, strict=True)):
        if parent >= 0:
            world[:, joint] = world[:, parent]
        seen = positions[:, list(children)] - positions[:, joint, None]
        if len(children) > 1:
            world[:, joint] = _best_turn(offsets[list(children)], seen)
        elif children and np.linalg.norm(offsets[children[0]]) > _EXACT:
            along = normalize(rotate(world[:, joint], offsets[children[0]]))
            world[:, joint] = multiply(rotation_between(along, normalize(seen[:, 0])), world[:, joint])
    return world


def _best_turn(offsets, seen):
    """Rotations (F, 4) that bring offsets (B, 3) closest to those seen (F, B, 3): Kabsch, "A solution for the best
    rotation to relate two sets of vectors", Acta Cryst. A 1976."""
    left, _, right = np.linalg.svd(np.einsum("fbi,bj->fij", seen, offsets))
    sign = np.sign(np.linalg.det(left @ right))
    left[..., 2] *= sign[:, None]
    return quaternion_from_matrix(left @ right)
