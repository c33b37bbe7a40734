"""What the solver minimises, as weighted squares, and one Gauss-Newton step on it.

Every residual is an error divided by the size it is expected to have. Sums over frames stand for integrals over time
(weights follow the frame rate), so a clip solved at 60 frames a second comes out as the same one at 30. Robust terms
are reweighted squares: Geman and McClure 1987, with the weights of Black and Rangarajan, "On the unification of line
processes, outlier rejection, and robust statistics", IJCV 1996.
"""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from graphics_ml.motion.humanoid import standard_skeleton
from graphics_ml.motion.joint_limits import HINGE_RANGE, TWIST_RANGE
from graphics_ml.motion.rotations import (
    axis_angle_from_quaternion,
    conjugate,
    multiply,
    quaternion_from_axis_angle,
    rotation_between,
)
from graphics_ml.pose.body import (
    BALL_DOFS,
    BALLS,
    DOFS,
    HINGE_DOFS,
    HINGES,
    JOINTS,
    ROOT,
    SEGMENTS,
    Points,
    Pose,
    change,
    place,
    segment_basis,
)
from graphics_ml.pose.landmarks import (
    ADJUSTMENTS,
    BONE_ERROR,
    BONES,
    Evidence,
    adjustable_points,
    points_on_body,
    segment_of_points,
)
from graphics_ml.pose.least_squares import NormalEquations
from graphics_ml.pose.places import Places

EVIDENCE_RATE = 25.0
"""Frames a second that count in full: a detector's errors in nearer frames are not independent."""


@dataclass(frozen=True)
class Weights:
    """Expected sizes of the errors and of the motion.

    Attributes:
        place_outlier: a marker this many times further off than expected counts a quarter.
        pixel_outlier: a landmark this many times further off than expected counts a quarter.
        bone: error of a metric bone vector of the detector, metres.
        bone_outlier: as pixel_outlier.
        root_acceleration, trunk_acceleration, limb_acceleration: m/s2, and rad/s2 twice.
        smoothing: divides these; 2 expects half the acceleration.
        segment, adjustment, focal: of the scale of a segment, of a landmark's place (metres; one number, or one for
            each) and of the logarithm of the focal length, against the prior. A person's landmarks hardly tell the
            focal length, so it stays near what is expected (being told it moved the mean PA-MPJPE of 27 films by
            0.3 mm).
        standing: part of the height by which proportions may change it: hardly where it is given.
        floor, floor_outlier: how far a planted foot may be off the floor, and how far off it counts a quarter, metres.
        grip, grip_outlier: how fast a planted foot may slip, and how fast a slip counts a quarter, m/s.
    """

    place_outlier: float = 4.0
    pixel_outlier: float = 2.5
    bone: float = 0.07
    bone_outlier: float = 3.0
    root_acceleration: float = 8.0
    trunk_acceleration: float = 20.0
    limb_acceleration: float = 80.0
    smoothing: float = 1.0
    segment: float = 0.12
    adjustment: float | np.ndarray = 0.012
    focal: float = 0.04
    standing: float = 0.002
    floor: float = 0.02
    floor_outlier: float = 0.1
    grip: float = 0.07
    grip_outlier: float = 1.0

    def of_size(self, size: float) -> "Weights":
        """For a body this many times as large: what is a length in the errors grows with it, gravity does not."""
        lengths = ("bone", "adjustment", "floor", "floor_outlier", "grip", "grip_outlier")
        return replace(self, **{name: size * getattr(self, name) for name in lengths})


@dataclass(frozen=True)
class Shape:
    """What stays the same in all frames.

    Attributes:
        height: of the standard body it is a variant of, metres.
        segments: (10,) scale of each of the body's SEGMENTS.
        adjustments: metres by which landmarks sit elsewhere, see landmarks.ADJUSTMENTS.
        log_focal: natural logarithm of the focal length in pixels.
    """

    height: float
    segments: np.ndarray
    adjustments: np.ndarray
    log_focal: float

    @classmethod
    def standard(cls, height: float, log_focal: float = 0.0) -> "Shape":
        """Of the standard body itself."""
        return cls(height, np.ones(len(SEGMENTS)), np.zeros(len(ADJUSTMENTS)), log_focal)

    @property
    def focal(self) -> float:
        return float(np.exp(self.log_focal))

    def moved(self, step: np.ndarray) -> "Shape":
        n = len(self.segments)
        segments = np.clip(self.segments + step[:n], 0.6, 1.6)
        return Shape(self.height, segments, self.adjustments + step[n:-1], self.log_focal + float(step[-1]))


@dataclass(frozen=True)
class Support:
    """Where the feet stand.

    Attributes:
        points: K points on the feet.
        contact: (F, K) how surely each is planted, 0..1.
        floor: height of the floor, metres.
        velocity: (3,) of the floor (a treadmill's belt), m/s.
    """

    points: Points
    contact: np.ndarray
    floor: float
    velocity: np.ndarray


@dataclass(frozen=True)
class Model:
    """A standard body, what is seen of it, and what the shape does to them.

    Attributes:
        offsets: (J, 3) of the joints, metres.
        points: L of them, those that the evidence sees.
        offset_basis: (J, 3, S) change of each offset with each segment's scale and each adjustment.
        local_basis: (L, 3, S) change of each point's place in its joint's frame.
    """

    offsets: np.ndarray
    points: Points
    offset_basis: np.ndarray
    local_basis: np.ndarray

    @classmethod
    def standard(cls, height: float, points: Points, segments: np.ndarray, adjust: np.ndarray) -> "Model":
        """Of a height in metres.

        Args:
            points: L of them.
            segments: (L, S) which segment's scale moves each point in its joint's frame, 1 or 0.
            adjust: (L, 3, A) how each point moves in its joint's frame with each adjustment.
        """
        offsets = standard_skeleton(height).offsets
        by_segment = offsets[:, :, None] * segment_basis()[:, None, :]
        local_segment = points.locals[:, :, None] * segments[:, None, :]
        return cls(
            offsets,
            points,
            np.concatenate((by_segment, np.zeros((len(offsets), 3, adjust.shape[2]))), axis=2),
            np.concatenate((local_segment, adjust), axis=2),
        )

    def shaped(self, shape: Shape) -> tuple[np.ndarray, Points]:
        """Offsets (J, 3) of the joints and the points on the body, of this shape."""
        values = np.concatenate((shape.segments - 1, shape.adjustments))
        places = self.points.locals + self.local_basis @ values
        return self.offsets + self.offset_basis @ values, Points(self.points.joints, places)


@dataclass(frozen=True)
class Problem:
    """All that is given while the pose is sought.

    Attributes:
        evidence: F frames of it, seen by a camera or as places in the world.
        model: the body, with the points that the evidence sees.
        prior: the shape that is expected.
        rotations: (F, 3, 3) of the camera, world to camera axes; None without one.
        centre: (2,) of the camera, pixels; None without one.
        free_focal: whether the focal length is sought too.
        breaks: (F,) bool, frames that do not continue the one before.
        weights: expected errors.
        held: (F,) bool, frames that stay as they are; None for none.
        support: None before it is known.
    """

    evidence: Evidence | Places
    model: Model
    prior: Shape
    breaks: np.ndarray
    weights: Weights
    rotations: np.ndarray | None = None
    centre: np.ndarray | None = None
    free_focal: bool = False
    held: np.ndarray | None = None
    support: Support | None = None

    def frames(self, chosen) -> "Problem":
        """Of some of the frames; `chosen` is a slice or an index array."""
        support, rotations = self.support, self.rotations
        return replace(
            self,
            evidence=self.evidence.frames(chosen),
            breaks=self.breaks[chosen],
            held=None if self.held is None else self.held[chosen],
            rotations=None if rotations is None else rotations[chosen],
            support=None if support is None else replace(support, contact=support.contact[chosen]),
        )


def body_of(shape: Shape) -> tuple[np.ndarray, Points]:
    """Offsets (J, 3) of the joints and the detector's landmarks on the body."""
    return landmark_model(shape.height).shaped(shape)


@lru_cache(8)
def landmark_model(height: float) -> Model:
    """The standard body of a height in metres with the detector's landmarks."""
    return Model.standard(height, points_on_body(height), segment_of_points(), adjustable_points())


def minimise(problem: Problem, pose: Pose, shape: Shape, steps: int, with_shape: bool, sharpness=(1.0,)):
    """Gauss-Newton steps with reweighting.

    Args:
        steps: at most this many.
        with_shape: whether the shape moves too.
        sharpness: factors on the outlier thresholds, one for each step (the last goes on): large ones let far-off
            landmarks pull.

    Returns:
        the pose and the shape.
    """
    for step in range(steps):
        normal = assemble(problem, pose, shape, with_shape, sharpness[min(step, len(sharpness) - 1)])
        move, shape_move = normal.solve(damping=_DAMPING, held=problem.held)
        pose, size = _stepped(pose, move)
        if with_shape:
            shape = shape.moved(np.clip(shape_move, -0.2, 0.2))
        if size < _SMALL:
            break
    return pose, shape


def _stepped(pose, move):
    size = np.abs(move).max(axis=1, keepdims=True)
    return pose.moved(move * np.minimum(1, _LONGEST / np.maximum(size, 1e-12))), float(size.max())


_LONGEST = 0.5  # metres or radians that one step may move one unknown
_SMALL = 2e-3  # a step this small is the last
_DAMPING = 3e-2


def assemble(problem: Problem, pose: Pose, shape: Shape, with_shape: bool, sharpness: float = 1.0) -> NormalEquations:
    """The normal equations of all terms at a pose and a shape; the shape is moved before the ground is known."""
    shared = len(shape.segments) + len(shape.adjustments) + 1 if with_shape else 0
    normal = NormalEquations(len(pose), DOFS, shared)
    offsets, points = problem.model.shaped(shape)
    placed = place(pose, offsets)
    add_evidence = _add_places if isinstance(problem.evidence, Places) else _add_pictures
    add_evidence(normal, problem, placed, points, shape, with_shape, sharpness)
    _add_limits_and_habits(normal, problem, pose)
    _add_smoothness(normal, problem, pose)
    if problem.support is not None:
        _add_support(normal, problem, placed)
    if with_shape:
        _add_shape_prior(normal, problem, shape)
    return normal


# Evidence


def _moving(problem, placed, points, with_shape):
    """Where the points are (F, L, 3), and how they move (F, 3, L, D) with the pose and the shape."""
    at = points.at(placed)
    moves = points.jacobian(placed, at)
    if with_shape:
        by_shape = points.shape_jacobian(placed, problem.model.offset_basis, problem.model.local_basis)
        moves = np.concatenate((moves, by_shape, np.zeros((*by_shape.shape[:3], 1))), axis=3)
    return at, moves


def _add_places(normal, problem, placed, points, shape, with_shape, sharpness):
    """Of points whose places in the world were measured."""
    evidence = problem.evidence
    rate = np.sqrt(min(1.0, EVIDENCE_RATE / float(evidence.fps)))
    at, moves = _moving(problem, placed, points, with_shape)
    off = (at - evidence.positions).transpose(0, 2, 1)  # (F, 3, L)
    square = evidence.weight**2 * np.sum(off**2, axis=1)
    weight = rate * evidence.weight / (1 + square / (sharpness * problem.weights.place_outlier) ** 2)
    frames, _, _, unknowns = moves.shape
    moves = (moves * weight[:, None, :, None]).reshape(frames, -1, unknowns)
    normal.add((off * weight[:, None]).reshape(frames, -1), moves)


def _add_pictures(normal, problem, placed, points, shape, with_shape, sharpness):
    """Of landmarks that a detector saw in pictures and guessed in depth."""
    evidence, weights = problem.evidence, problem.weights
    rate = np.sqrt(min(1.0, EVIDENCE_RATE / float(evidence.fps)))
    at, moves = _moving(problem, placed, points, with_shape)
    frames, _, count, unknowns = moves.shape
    seen = np.matmul(at, problem.rotations.transpose(0, 2, 1))
    moves = np.matmul(problem.rotations, moves.reshape(frames, 3, -1)).reshape(moves.shape)
    hips = np.matmul(placed.positions[:, :1], problem.rotations.transpose(0, 2, 1))

    outlier = sharpness * weights.pixel_outlier
    rays = (evidence.pixels - problem.centre) / shape.focal
    _add_picture(normal, rays, evidence.pixel_weight, seen, moves, hips, rate, outlier, with_shape)
    for view in evidence.others:
        from_there = np.matmul(view.rotation, moves.reshape(frames, 3, -1)).reshape(moves.shape)
        _add_picture(
            normal,
            view.rays,
            view.weight,
            (seen - view.position) @ view.rotation.T,
            from_there,
            (hips - view.position) @ view.rotation.T,
            rate,
            outlier,
            False,
        )

    # In depth, from the detector's metric landmarks.
    expected = BONE_ERROR[:, None] * weights.bone
    off = (np.matmul(BONES, seen) - evidence.bones) / expected  # (F, B, 3)
    square = np.sum(off**2, axis=-1)
    weight = rate * evidence.bone_weight / (1 + square / (sharpness * weights.bone_outlier) ** 2)
    along = np.matmul(BONES, moves.transpose(0, 2, 1, 3).reshape(frames, count, -1))
    along = along.reshape(frames, len(BONES), 3, unknowns) * (weight[..., None] / expected)[..., None]
    normal.add((off * weight[..., None]).reshape(frames, -1), along.reshape(frames, -1, unknowns))


def _add_picture(normal, rays, weight, seen, moves, hips, rate, outlier, own_focal):
    """Of landmarks in one camera's picture, as metres at the distance of the hips.

    Args:
        rays: (F, L, 2) where it saw them, x/z and y/z.
        weight: (F, L).
        seen, hips: (F, L, 3) and (F, 1, 3), where they are in its axes.
        moves: (F, 3, L, D) how the landmarks move there.
        rate: part of a frame that counts.
        outlier: so many times further off than expected a landmark counts a quarter.
        own_focal: whether the last unknown is the logarithm of its focal length.
    """
    frames, _, count, unknowns = moves.shape
    depth, distance = np.maximum(seen[..., 2], 0.1), np.maximum(hips[..., 2], 0.1)
    x, y = seen[..., 0] / depth, seen[..., 1] / depth
    off = np.stack((x - rays[..., 0], y - rays[..., 1]), axis=1) * distance[:, None]  # (F, 2, L)
    square = weight**2 * np.sum(off**2, axis=1)
    weight = rate * weight / (1 + square / outlier**2)
    scale = (weight * distance / depth)[..., None]
    in_picture = np.empty((frames, 2 * count, unknowns))
    in_picture[:, :count] = scale * (moves[:, 0] - x[..., None] * moves[:, 2])
    in_picture[:, count:] = scale * (moves[:, 1] - y[..., None] * moves[:, 2])
    if own_focal:
        in_picture[:, :, -1] = ((weight * distance)[:, None] * rays.transpose(0, 2, 1)).reshape(frames, -1)
    normal.add((off * weight[:, None]).reshape(frames, -1), in_picture)


# What bodies do

# Middle posture and expected deviation from it in degrees, within the ranges of joint_limits. Deviations are our own
# choice: they only decide what evidence leaves open.
_HINGE_HABIT = {
    "elevation": (0, 10),
    "retraction": (0, 10),
    ("forearm", "flexion"): (45, 100),
    "supination": (0, 30),
    "extension": (0, 25),
    "ulnar deviation": (0, 12),
    ("shin", "flexion"): (15, 60),
    "plantarflexion": (0, 25),
    "eversion": (0, 8),
    "abduction": (0, 8),
}
# Of free joints about their frames' axes.
_BALL_DEVIATION = {
    "hips": (np.inf,) * 3,
    "spine": (30,) * 3,
    "neck": (30,) * 3,
    "upper_arm": (55, 40, 45),
    "thigh": (60, 20, 60),
}
_BEYOND = np.radians(3)  # how far a limit is expected to be passed
_TWISTED_BEYOND = np.radians(12)  # and a range of twist: a steep wall beside an ill-defined twist throws arms about


def within_limits(pose: Pose) -> Pose:
    """The pose with every hinge inside its range; the soft limits of `assemble` let it pass them by a degree or two.

    Knees and elbows keep a bend of a degree, so that whoever bends them further knows which way.
    """
    low = np.where(np.array([movement for _, movement, _ in HINGES]) == "flexion", np.maximum(_LOW, _LEAST_BEND), _LOW)
    return Pose(pose.root, pose.balls, np.clip(pose.hinges, low, _HIGH))


_LEAST_BEND = np.radians(1.0)


def part_of(joint: str) -> str:
    """A joint's role without its side: "thigh" of "left_thigh"."""
    return joint.removeprefix("left_").removeprefix("right_")


def _hinge_table():
    rows = [
        [table.get(movement) or table[part_of(joint), movement] for table in (HINGE_RANGE, _HINGE_HABIT)]
        for joint, movement, _ in HINGES
    ]
    return np.radians(np.array(rows, dtype=np.float64).reshape(len(HINGES), 4)).T


_LOW, _HIGH, _MIDDLE, _DEVIATION = _hinge_table()
_SHARES = np.array([len(group) for group in BALLS])


_TOE_OUT = np.radians(7)  # of walking men: Murray, Drought and Kory, "Walking patterns of normal men", JBJS 1964


def _neutral(joint):
    """The relaxed posture relative to the T-pose: arms hang off the body, a little behind the axis of the chest; legs
    turn outwards."""
    s = 1.0 if joint.startswith("left") else -1.0
    if part_of(joint) == "thigh":
        return quaternion_from_axis_angle(np.array([0.0, s * _TOE_OUT, 0]))
    if part_of(joint) != "upper_arm":
        return np.array([1.0, 0, 0, 0])
    return rotation_between(np.array([s, 0, 0]), np.array([0.35 * s, -1.0, -0.1]))


_NEUTRAL = np.stack([_neutral(group[0]) for group in BALLS])
_BALL_SIZE = np.radians(np.array([_BALL_DEVIATION[part_of(group[0])] for group in BALLS], dtype=np.float64))


def _add_limits_and_habits(normal, problem, pose):
    rate = np.sqrt(min(1.0, EVIDENCE_RATE / float(problem.evidence.fps)))
    beyond = np.minimum(pose.hinges - _LOW, 0) + np.maximum(pose.hinges - _HIGH, 0)
    for off, slope in (
        ((pose.hinges - _MIDDLE) / _DEVIATION, 1 / _DEVIATION),
        (beyond / _BEYOND, (beyond != 0) / _BEYOND),
    ):
        slopes, residuals = np.zeros((len(pose), DOFS)), np.zeros((len(pose), DOFS))
        residuals[:, HINGE_DOFS], slopes[:, HINGE_DOFS] = rate * off, rate * slope
        normal.add_each(residuals, slopes)

    away = axis_angle_from_quaternion(multiply(conjugate(_NEUTRAL), pose.balls))
    turned = _turns_by_step(away)
    scale = rate * _SHARES[:, None] / _BALL_SIZE
    residuals, moves = np.zeros((len(pose), len(BALLS), 4)), np.zeros((len(pose), len(BALLS), 4, DOFS))
    residuals[..., :3] = scale * away
    for ball, group in enumerate(BALLS):
        own = moves[..., BALL_DOFS][:, ball, :, 3 * ball : 3 * ball + 3]
        own[:, :3] = scale[ball, :, None] * turned[:, ball]
        if part_of(group[0]) in TWIST_RANGE:
            axis, low, high = TWIST_RANGE[part_of(group[0])]
            past, by_step = _twisted_past(pose.balls[:, ball], np.array(axis), *np.radians((low, high)))
            residuals[:, ball, 3] = rate / _TWISTED_BEYOND * past
            own[:, 3] = rate / _TWISTED_BEYOND * by_step
    normal.add(residuals.reshape(len(pose), -1), moves.reshape(len(pose), -1, DOFS))


def _turns_by_step(turn):
    """(..., 3, 3): how the rotation vector (..., 3) of a rotation R changes with d in R exp(d).

    The inverse of the right Jacobian of SO(3): Sola et al., "A micro Lie theory", 2018, equation 144.
    """
    square = np.sum(turn**2, axis=-1)[..., None, None]
    half = np.sqrt(square) / 2 + 1e-6
    cross = np.cross(turn[..., None, :], np.eye(3)).swapaxes(-1, -2)
    return np.eye(3) + cross / 2 + (1 - half / np.tan(half)) / (4 * half**2) * (cross @ cross)


def _twisted_past(ball, axis, low, high):
    """How far (F,) rotations R are twisted about an axis of theirs beyond a range, times the squared cosine of half
    their swing, and its derivative (F, 3) by d in R exp(d), radians.

    The further a swing, the less is its twist one of the bone: by half a turn, none is defined.
    """
    w, v = ball[:, :1], ball[:, 1:]
    along = v @ axis
    # Copied: see axis_angle_from_quaternion.
    angle = (2 * np.arctan2(along, w[:, 0].copy()) + np.pi) % (2 * np.pi) - np.pi
    past = np.minimum(angle - low, 0) + np.maximum(angle - high, 0)
    defined = w[:, 0] ** 2 + along**2
    along_by_step = w * axis + np.cross(axis, v)
    by_step = (past != 0)[:, None] * (w * along_by_step + along[:, None] * v)  # of the angle, times `defined`
    return defined * past, by_step + past[:, None] * (along[:, None] * along_by_step - w * v)


_TRUNK_BALLS = 3  # hips, spine and neck come first
_SPEEDS = (4.0, 8.0)  # m/s of the root and rad/s of joints: half as quick as a sprinter and the legs of one


def _acceleration_sizes(weights):
    sizes = np.full(DOFS, weights.limb_acceleration)
    sizes[ROOT] = weights.root_acceleration
    sizes[BALL_DOFS][: 3 * _TRUNK_BALLS] = weights.trunk_acceleration
    return sizes / weights.smoothing


def _add_smoothness(normal, problem, pose):
    frames = len(pose)
    if frames < 2:
        return
    fps = float(problem.evidence.fps)
    # An integral over time, in the same unit as evidence at EVIDENCE_RATE.
    per_frame = np.sqrt(EVIDENCE_RATE / fps)
    shares = np.ones(DOFS)
    shares[BALL_DOFS] = np.repeat(_SHARES, 3)
    step = change(pose.frames(slice(0, -1)), pose.frames(slice(1, None)))
    joined = ~problem.breaks[1:]
    weight = per_frame * fps**2 * shares / _acceleration_sizes(problem.weights)
    both = (joined[1:] & joined[:-1])[:, None]
    normal.add_second_differences(step[1:] - step[:-1], weight * both)
    # Speeds are hardly held back: enough to keep long gaps from swinging wide.
    speed = np.full(DOFS, _SPEEDS[1])
    speed[ROOT] = _SPEEDS[0]
    normal.add_differences(step, per_frame * fps * shares / speed * joined[:, None])


# The ground


def _add_support(normal, problem, placed):
    support, weights = problem.support, problem.weights
    fps = float(problem.evidence.fps)
    at = support.points.at(placed)
    moves = support.points.jacobian(placed, at).transpose(0, 2, 1, 3)  # (F, K, 3, D)
    frames, count = at.shape[:2]

    # Planted points lie on the floor; the others may not go under it.
    height = at[..., 1] - support.floor
    planted = np.where(height < 0, np.maximum(support.contact, 0.3), support.contact)
    rate = np.sqrt(min(1.0, EVIDENCE_RATE / fps))
    weight = rate * planted / weights.floor / (1 + (height / weights.floor_outlier) ** 2)
    normal.add(height * weight, moves[:, :, 1] * weight[..., None])

    if frames < 2:
        return
    # They move with the floor.
    both = np.minimum(support.contact[1:], support.contact[:-1]) * ~problem.breaks[1:, None]
    slip = (at[1:] - at[:-1]) * fps - support.velocity
    robust = 1 + np.sum(slip**2, axis=-1) / weights.grip_outlier**2
    weight = (np.sqrt(EVIDENCE_RATE / fps) / weights.grip * both / robust)[..., None]
    slip, weight = slip * weight, weight * fps
    shape = (frames - 1, 3 * count, DOFS)
    normal.add_pairs(
        slip.reshape(frames - 1, -1),
        (-moves[:-1] * weight[..., None]).reshape(shape),
        (moves[1:] * weight[..., None]).reshape(shape),
    )


# The shape


_SHAPE_RATE = 5.0  # frames a second that count in full for the shape: errors of proportions outlast those of poses


def _add_shape_prior(normal, problem, shape):
    weights, prior = problem.weights, problem.prior
    seconds = float((problem.evidence.seen() > 0).sum()) / float(problem.evidence.fps)
    strength = np.sqrt(max(1.0, _SHAPE_RATE * seconds))
    sizes = np.concatenate(
        (
            np.full(len(shape.segments), weights.segment),
            np.broadcast_to(weights.adjustment, len(shape.adjustments)),
            [weights.focal if problem.free_focal else 1e-6],
        )
    )
    off = np.concatenate(
        (
            shape.segments - prior.segments,
            shape.adjustments - prior.adjustments,
            [shape.log_focal - prior.log_focal],
        )
    )
    normal.add_shared(strength * off / sizes, np.diag(strength / sizes))
    standing = strength / weights.standing * _standing_parts()
    normal.add_shared(
        np.array([standing @ (shape.segments - 1)]), np.append(standing, np.zeros(len(sizes) - len(standing)))[None]
    )


def _standing_parts():
    """(S,) how much each segment's scale adds to the standing height, as part of it."""
    skeleton, basis = standard_skeleton(1.0), segment_basis()
    chain = ("spine", "chest", "upper_chest", "neck", "head")
    parts = sum(skeleton.offsets[JOINTS.index(j), 1] * basis[JOINTS.index(j)] for j in chain)
    legs = sum(-skeleton.offsets[JOINTS.index(j), 1] * basis[JOINTS.index(j)] for j in ("left_shin", "left_foot"))
    crown = next(end.offset[1] for end in skeleton.end_sites if JOINTS[end.joint] == "head")
    return parts + legs + crown * (np.array(list(SEGMENTS)) == "head")
