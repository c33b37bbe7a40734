"""The body that the solver moves: its degrees of freedom, forward kinematics, and how points on it move.

The joints are those of `motion.humanoid` (zero pose: the T-pose). 44 numbers a frame move them: the root's place, seven
free rotations and twenty hinges. The three joints of the spine share one rotation evenly, and so do neck and head,
because landmarks cannot tell them apart. Free rotations change by a rotation vector on the right, so a step never meets
a singularity; hinges are angles. A point x that turns about an axis a through o moves by a x (x - o) per radian, which
gives every Jacobian here in closed form.
"""

from dataclasses import dataclass

import numpy as np

from graphics_ml.motion.humanoid import BODY_ROLES, ROLE_PARENT, standard_skeleton
from graphics_ml.motion.rotations import (
    axis_angle_from_quaternion,
    conjugate,
    matrix_from_quaternion,
    multiply,
    normalize,
    quaternion_from_axis_angle,
    quaternion_from_matrix,
)
from graphics_ml.motion.skeleton import EndSite, Skeleton

JOINTS = BODY_ROLES
PARENTS = tuple(-1 if ROLE_PARENT[r] is None else JOINTS.index(ROLE_PARENT[r]) for r in JOINTS)
BALLS = (
    ("hips",),
    ("spine", "chest", "upper_chest"),
    ("neck", "head"),
    ("left_upper_arm",),
    ("right_upper_arm",),
    ("left_thigh",),
    ("right_thigh",),
)
"""Joints that turn freely; those of one group turn alike."""


def _hinges():
    rows = []
    for side, s in (("left", 1.0), ("right", -1.0)):
        rows += [
            (f"{side}_shoulder", "elevation", (0, 0, s)),
            (f"{side}_shoulder", "retraction", (0, s, 0)),
            (f"{side}_forearm", "flexion", (0, -s, 0)),
            (f"{side}_forearm", "supination", (-1, 0, 0)),
            (f"{side}_hand", "extension", (0, 0, s)),
            (f"{side}_hand", "ulnar deviation", (0, s, 0)),
            (f"{side}_shin", "flexion", (1, 0, 0)),
            (f"{side}_foot", "plantarflexion", (1, 0, 0)),
            (f"{side}_foot", "eversion", (0, 0, s)),
            (f"{side}_foot", "abduction", (0, s, 0)),
        ]
    return tuple(rows)


HINGES = _hinges()
"""(joint, movement, axis in the joint's frame before it turns); a joint's hinges turn in this order. Mirror images of
each other on the two sides, so that one angle means one movement."""

ROOT = slice(0, 3)
BALL_DOFS = slice(3, 3 + 3 * len(BALLS))
HINGE_DOFS = slice(BALL_DOFS.stop, BALL_DOFS.stop + len(HINGES))
DOFS = HINGE_DOFS.stop


@dataclass(frozen=True)
class Pose:
    """F frames of the body.

    Attributes:
        root: (F, 3) world place of the hips joint, metres.
        balls: (F, 7, 4) unit quaternions; where joints share a rotation, the share of each.
        hinges: (F, 20) radians.
    """

    root: np.ndarray
    balls: np.ndarray
    hinges: np.ndarray

    def __len__(self):
        return len(self.root)

    def moved(self, step: np.ndarray) -> "Pose":
        """The pose after a step (F, 44): metres, rotation vectors on the right of the balls, radians."""
        turn = quaternion_from_axis_angle(step[:, BALL_DOFS].reshape(len(self), len(BALLS), 3))
        return Pose(self.root + step[:, ROOT], normalize(multiply(self.balls, turn)), self.hinges + step[:, HINGE_DOFS])

    def turned(self, rotation: np.ndarray) -> "Pose":
        """The same pose in a world turned by the matrix (3, 3)."""
        balls = self.balls.copy()
        balls[:, 0] = multiply(quaternion_from_matrix(rotation), balls[:, 0])
        return Pose(self.root @ rotation.T, balls, self.hinges)

    def frames(self, chosen) -> "Pose":
        """Some of the frames; `chosen` is a slice or an index array."""
        return Pose(self.root[chosen], self.balls[chosen], self.hinges[chosen])

    def with_frames(self, chosen, pose: "Pose") -> "Pose":
        """A copy in which the chosen frames are those of `pose`."""
        parts = []
        for mine, theirs in zip(
            (self.root, self.balls, self.hinges), (pose.root, pose.balls, pose.hinges), strict=True
        ):
            part = mine.copy()
            part[chosen] = theirs
            parts.append(part)
        return Pose(*parts)

    def rotations(self) -> np.ndarray:
        """(F, J, 4) local rotations of all joints."""
        locals_ = np.tile(np.array([1.0, 0, 0, 0]), (len(self), len(JOINTS), 1))
        for ball, group in enumerate(BALLS):
            for joint in group:
                locals_[:, JOINTS.index(joint)] = self.balls[:, ball]
        for k, (joint, axis) in enumerate(zip(_HINGE_JOINT, _HINGE_AXIS, strict=True)):
            turn = quaternion_from_axis_angle(self.hinges[:, k, None] * axis)
            locals_[:, joint] = multiply(locals_[:, joint], turn)
        return locals_


def t_pose(frames: int) -> Pose:
    """The zero pose at the origin, so many frames of it."""
    return Pose(
        np.zeros((frames, 3)), np.tile([1.0, 0, 0, 0], (frames, len(BALLS), 1)), np.zeros((frames, len(HINGES)))
    )


def change(before: Pose, after: Pose) -> np.ndarray:
    """The steps (F, 44) that lead from one pose to the other: `before.moved(change(before, after))` is `after`."""
    turn = axis_angle_from_quaternion(multiply(conjugate(before.balls), after.balls))
    return np.concatenate(
        (after.root - before.root, turn.reshape(len(before), -1), after.hinges - before.hinges), axis=1
    )


@dataclass(frozen=True)
class Placed:
    """Where a pose puts the body.

    Attributes:
        rotations: (F, J, 3, 3) world rotations of the joints.
        positions: (F, J, 3) world places, metres.
        hinge_axes: (F, 20, 3) world axes of the hinges.
    """

    rotations: np.ndarray
    positions: np.ndarray
    hinge_axes: np.ndarray


def place(pose: Pose, offsets: np.ndarray) -> Placed:
    """Forward kinematics; offsets (J, 3) in metres."""
    frames = len(pose)
    balls = matrix_from_quaternion(pose.balls)
    turns = _axis_turns(pose.hinges)
    rotations = np.empty((frames, len(JOINTS), 3, 3))
    positions = np.empty((frames, len(JOINTS), 3))
    axes = np.empty((frames, len(HINGES), 3))
    for joint, parent in enumerate(PARENTS):
        if parent < 0:
            rotations[:, joint], positions[:, joint] = balls[:, 0], pose.root
            continue
        turn = rotations[:, parent]
        positions[:, joint] = positions[:, parent] + turn @ offsets[joint]
        if joint in _BALL_OF:
            turn = turn @ balls[:, _BALL_OF[joint]]
        for hinge in _HINGES_OF.get(joint, ()):
            axes[:, hinge] = turn @ _HINGE_AXIS[hinge]
            turn = turn @ turns[:, hinge]
        rotations[:, joint] = turn
    return Placed(rotations, positions, axes)


@dataclass(frozen=True)
class Points:
    """L points fixed to joints: `joints` (L,) indices and `locals` (L, 3) metres in the joints' frames."""

    joints: np.ndarray
    locals: np.ndarray

    def at(self, placed: Placed) -> np.ndarray:
        """(F, L, 3) world places."""
        turned = np.matmul(placed.rotations[:, self.joints], self.locals[:, :, None])[..., 0]
        return placed.positions[:, self.joints] + turned

    def jacobian(self, placed: Placed, at: np.ndarray) -> np.ndarray:
        """(F, 3, L, 44): how the world places `at` change with the 44 numbers of a step."""
        frames, count = at.shape[:2]
        result = np.zeros((frames, 3, count, DOFS))
        result[:, 0, :, 0] = result[:, 1, :, 1] = result[:, 2, :, 2] = 1
        axes = np.concatenate((_ball_axes(placed), placed.hinge_axes), axis=1)  # (F, M, 3)
        origins = placed.positions[:, _MOVER_JOINT]
        moved = _MOVES[_MOVER_JOINT][:, self.joints].T.astype(np.float64)  # (L, M)
        a = [np.ascontiguousarray(axes[:, None, :, c]) for c in range(3)]
        moment = [
            a[1] * origins[:, None, :, 2] - a[2] * origins[:, None, :, 1],
            a[2] * origins[:, None, :, 0] - a[0] * origins[:, None, :, 2],
            a[0] * origins[:, None, :, 1] - a[1] * origins[:, None, :, 0],
        ]
        for c in range(3):
            d, e = (c + 1) % 3, (c + 2) % 3
            turn = (a[d] * at[:, :, e, None] - a[e] * at[:, :, d, None] - moment[c]) * moved
            result[:, c, :, HINGE_DOFS] = turn[:, :, _BALL_MOVERS:]
            result[:, c, :, BALL_DOFS] = turn[:, :, :_BALL_MOVERS] @ _SHARE
        return result

    def shape_jacobian(self, placed: Placed, offset_basis: np.ndarray, local_basis: np.ndarray) -> np.ndarray:
        """(F, 3, L, S): how places change with S shape parameters.

        Args:
            placed: where the body is.
            offset_basis: (J, 3, S) change of each joint's offset with each parameter.
            local_basis: (L, 3, S) change of each point in its joint's frame.
        """
        chain = np.zeros((len(placed.positions), len(JOINTS), 3, offset_basis.shape[-1]))
        for joint, parent in enumerate(PARENTS[1:], start=1):
            chain[:, joint] = chain[:, parent] + placed.rotations[:, parent] @ offset_basis[joint]
        own = np.matmul(placed.rotations[:, self.joints], local_basis)
        return (chain[:, self.joints] + own).transpose(0, 2, 1, 3)


# Segments whose lengths are fitted, each with the joints whose offsets it holds.
SEGMENTS = {
    "trunk": ("spine", "chest", "upper_chest", "neck", "left_shoulder", "right_shoulder"),
    "head": ("head",),
    "shoulders": ("left_upper_arm", "right_upper_arm"),
    "upper arms": ("left_forearm", "right_forearm"),
    "forearms": ("left_hand", "right_hand"),
    "hands": (),
    "pelvis": ("left_thigh", "right_thigh"),
    "thighs": ("left_shin", "right_shin"),
    "shins": ("left_foot", "right_foot"),
    "feet": ("left_toes", "right_toes"),
}


def segment_basis() -> np.ndarray:
    """(J, S) which joint's offset belongs to which segment, 1 or 0."""
    basis = np.zeros((len(JOINTS), len(SEGMENTS)))
    for s, joints in enumerate(SEGMENTS.values()):
        for joint in joints:
            basis[JOINTS.index(joint), s] = 1
    return basis


ANKLE_HEIGHT = 0.039
"""Of an ankle above the sole, as part of the body's height (as in `humanoid.standard_skeleton`)."""


def shaped_skeleton(height: float, scales: np.ndarray) -> Skeleton:
    """The standard skeleton of a height in metres with its segments scaled by factors (S,), standing on y = 0."""
    standard = standard_skeleton(height)
    factors = np.where(segment_basis().any(axis=1), segment_basis() @ scales, 1.0)
    end_segment = {"head": "head", "hand": "hands", "toes": "feet"}
    ends = tuple(
        EndSite(e.joint, e.offset * scales[list(SEGMENTS).index(end_segment[JOINTS[e.joint].split("_")[-1]])], e.name)
        for e in standard.end_sites
    )
    shaped = standard.replace(offsets=standard.offsets * factors[:, None], end_sites=ends)
    # Scaled legs would hang in the air or stand in the ground; retargeting reads the feet's height off the rest pose.
    lift = ANKLE_HEIGHT * height - shaped.rest_positions()[JOINTS.index("left_foot"), 1]
    return shaped.replace(offsets=shaped.offsets + np.eye(len(JOINTS))[:, :1] * [0.0, lift, 0.0])


_BALL_OF = {JOINTS.index(joint): ball for ball, group in enumerate(BALLS) for joint in group}
_HINGE_JOINT = np.array([JOINTS.index(joint) for joint, _, _ in HINGES])
_HINGE_AXIS = np.array([axis for _, _, axis in HINGES], dtype=np.float64)
_HINGES_OF = {int(j): [k for k, joint in enumerate(_HINGE_JOINT) if joint == j] for j in set(_HINGE_JOINT)}
_BALL_JOINTS = np.array([JOINTS.index(joint) for group in BALLS for joint in group])
_BALL_MOVERS = 3 * len(_BALL_JOINTS)
_MOVER_JOINT = np.concatenate((np.repeat(_BALL_JOINTS, 3), _HINGE_JOINT))
# (movers, ball dofs): the joints of one group turn by the same vector.
_SHARE = np.zeros((_BALL_MOVERS, 3 * len(BALLS)))
for _row, _joint in enumerate(_BALL_JOINTS):
    _SHARE[3 * _row : 3 * _row + 3, 3 * _BALL_OF[_joint] : 3 * _BALL_OF[_joint] + 3] = np.eye(3)


def _descendants():
    moves = np.eye(len(JOINTS), dtype=bool)
    for joint, parent in enumerate(PARENTS[1:], start=1):
        moves[:, joint] |= moves[:, parent]
    return moves


_MOVES = _descendants()  # [a, b]: turning joint a moves what is fixed to joint b


def _ball_axes(placed):
    """(F, 3 * joints, 3): the columns of each free joint's world rotation."""
    columns = np.swapaxes(placed.rotations[:, _BALL_JOINTS], -1, -2)
    return columns.reshape(len(columns), -1, 3)


def _axis_turns(angles):
    """(F, 20, 3, 3) rotations about the hinges' axes, which are coordinate axes."""
    turns = np.zeros((*angles.shape, 3, 3))
    cosine, sine = np.cos(angles), np.sin(angles)
    for k, axis in enumerate(_HINGE_AXIS):
        i = int(np.flatnonzero(axis)[0])
        j, m = (i + 1) % 3, (i + 2) % 3
        turns[:, k, i, i] = 1
        turns[:, k, j, j] = turns[:, k, m, m] = cosine[:, k]
        turns[:, k, m, j], turns[:, k, j, m] = axis[i] * sine[:, k], -axis[i] * sine[:, k]
    return turns
