"""From a detector's landmarks to the motion of a body with fixed proportions.

`solve` seeks, for the whole clip at once, the joint rotations and the root path of `pose.body` that put its landmarks
where they were seen: in the picture, through a pinhole camera, and in depth as far as the detector's metric landmarks
can be believed; smooth in time, inside the ranges of human joints, with the planted feet on the floor. Bone lengths and
focal length are sought together with the motion, then which way is up, then where the feet stand (`pose.support`).
The method is Gauss-Newton on robust squares (`pose.energy`) over a banded matrix (`pose.least_squares`), in time
proportional to the number of frames; long clips go window by window, each tied to the end of the one before.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from threadpoolctl import threadpool_limits

from graphics_ml.errors import GraphicsMLError
from graphics_ml.motion.blend import blend
from graphics_ml.motion.camera import Camera, as_plain
from graphics_ml.motion.foot_lock import foot_lock as lock_feet
from graphics_ml.motion.humanoid import BODY_ROLES
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.rotations import (
    matrix_from_quaternion,
    quaternion_from_matrix,
    rotate,
    rotation_between,
    unroll,
)
from graphics_ml.pose.body import JOINTS, SEGMENTS, Placed, Pose, place, shaped_skeleton, t_pose
from graphics_ml.pose.camera import CameraSettings, tilt_and_roll, up_in_camera
from graphics_ml.pose.camera_motion import CameraMotion
from graphics_ml.pose.detection import Detections
from graphics_ml.pose.energy import Problem, Shape, Support, Weights, body_of, landmark_model, minimise, within_limits
from graphics_ml.pose.first_guess import first_pose, smoothed, unwound
from graphics_ml.pose.landmarks import AVERAGE_HEIGHT, BONE_NAMES, BONES, USED, Evidence, gather
from graphics_ml.pose.support import centre_of_mass, estimate_up, find_footing, foot_points
from graphics_ml.wording import frame_ranges, short_repr

ROLES = {role: role for role in BODY_ROLES}
"""The bone map of a solved motion: its joints are named by their roles."""


class SolveError(GraphicsMLError):
    """No motion can be found in what was detected."""


@short_repr
@dataclass(frozen=True)
class Solution:
    """What `solve` found.

    Attributes:
        motion: on the standard skeleton with the person's proportions; world Y up, floor at y = 0, the hips over the
            origin in the first frame, the (first) camera looking along -Z and up or down. `confidence` says how well
            each joint was seen: below 0.3 it is filled in.
        cameras: one Camera, or one for each frame where the camera turned.
        keypoints: (F, L, 2) pixels where the solved body's landmarks fall.
        landmarks: L names of them.
        errors: (F, L) pixels between these and the detector's landmarks; NaN where it saw none (visibility 0).
        contacts: (F, 4) bool, columns as `motion.contacts.CONTACT_ROLES`.
        belt: (3,) m/s, velocity of the floor under the feet: not zero on a treadmill.
        warnings: what the user should know, one sentence each.
        report: plain values for the provenance record: camera, height, bone scales, reprojection error and more.
        places: (F, L, 3) metres, where the solved body's landmarks are.
        views: where several cameras filmed, the camera of each film.
    """

    motion: Motion
    cameras: tuple[Camera, ...]
    keypoints: np.ndarray
    landmarks: tuple[str, ...]
    errors: np.ndarray
    contacts: np.ndarray
    belt: np.ndarray
    warnings: tuple[str, ...]
    report: dict
    places: np.ndarray
    views: tuple[Camera, ...] = ()

    def camera(self, frame: int = 0) -> Camera:
        """The camera of one frame."""
        return self.cameras[frame if len(self.cameras) > 1 else 0]


@short_repr
@dataclass(frozen=True)
class Again:
    """A span of the film that `solve` solves a second time, and blends into the rest inside its ends.

    Args:
        start, stop: frames, the stop not included.
        smoothing, foot_lock: as for `solve`.
        detections: of somebody else who is followed there, of the whole film; None for the same person.
    """

    start: int
    stop: int
    smoothing: float = 1.0
    foot_lock: float = 1.0
    detections: Detections | None = None


@dataclass(frozen=True)
class View:
    """The camera as the solver has it: shape holds the focal length; rotations (F, 3, 3), world to camera axes."""

    shape: Shape
    centre: np.ndarray
    turns: np.ndarray  # (F, 3, 3) from the first frame's camera axes to each frame's
    first: np.ndarray  # (3, 3) world to the first frame's camera axes

    @property
    def rotations(self):
        return self.turns @ self.first


# On small matrices BLAS spends ten times the work on waking its threads.
@threadpool_limits.wrap(limits=1, user_api="blas")
def solve(
    detections: Detections,
    *,
    height: float | None = None,
    camera: CameraSettings | None = None,
    smoothing: float = 1.0,
    foot_lock: float = 1.0,
    camera_motion: CameraMotion | None = None,
    swapped: np.ndarray | None = None,
    standing: np.ndarray | None = None,
    again: tuple[Again, ...] = (),
    progress: Callable[[float], None] | None = None,
    weights: Weights | None = None,
) -> Solution:
    """The motion of the person in the detections.

    Args:
        detections: F frames, at least one with a person.
        height: of the person, metres; it sets the scale of everything. Guessed from the landmarks when None, as that
            of an adult, 1.45 to 1.95 m; a warning says where the landmarks are of somebody smaller or taller.
        camera: what is known of the camera; the rest is estimated.
        smoothing: 1 is right for most films; 2 expects half the accelerations, 0.5 twice.
        foot_lock: how firmly planted feet stay put, 0..1.
        camera_motion: how the camera turned, from `camera_motion.estimate_camera_motion`; a still camera when None.
        swapped: (F,) bool, frames whose sides somebody saw to be exchanged in what comes out otherwise.
        standing: (F, 2) bool, left and right: frames in which that foot is known to stand. It is held there whatever
            foot_lock is, on the ground that the others stand on.
        again: spans to solve a second time, one after the other, with the body and the camera found for the rest.
        progress: called with the part done, 0..1.
        weights: expected errors, for experiments.

    Raises:
        SolveError: nobody was found in any frame, or in a span that is solved again; or the height or smoothing is out
            of range.
    """
    if not detections.found.any():
        raise SolveError("nobody was found in any frame; choose a film in which a person can be seen")
    require_in_range(height, smoothing)
    camera = camera or CameraSettings()
    report = progress or (lambda part: None)
    evidence = gather(detections, swapped)
    if not evidence.bone_weight.any():
        raise SolveError("the landmarks hold no numbers; detect the film again")
    guess, unlikely = guessed_height(evidence), ()
    if height is None:
        height = float(np.clip(guess, *_ADULTS))
        if height != guess:
            unlikely = (f"the person seems to be {guess:.2f} m tall, and {height:.2f} m is taken; give the height",)
    metric = scaled(evidence, height, guess)
    weights = replace(weights or Weights(), smoothing=smoothing).of_size(height / AVERAGE_HEIGHT)
    view = _first_view(evidence, camera, camera_motion, height)

    evidence = seen_from_camera(metric, view.shape.focal, view.centre)
    offsets, points = body_of(view.shape)
    pose = smoothed(first_pose(evidence, points, offsets, view.shape.focal, view.centre, view.rotations), evidence)
    report(0.1)
    solution = solve_from(
        detections,
        metric,
        evidence,
        pose,
        view,
        weights,
        free_focal=camera.focal_length(*evidence.size) is None,
        upright=lambda pose, view: estimated_upright(metric, pose, view, camera),
        foot_lock=foot_lock,
        camera_motion=camera_motion,
        swapped=swapped,
        standing=standing,
        again=again,
        report=report,
    )
    return replace(solution, warnings=unlikely + solution.warnings)


def require_in_range(height: float | None, smoothing: float) -> None:
    """Raises SolveError where a setting is out of range."""
    if height is not None and not 0.3 <= height <= 3.0:
        raise SolveError(f"a height of {height:g} m is out of range; give metres between 0.3 and 3")
    if not 0.05 <= smoothing <= 20:
        raise SolveError(f"a smoothing of {smoothing:g} is out of range; give 0.05 to 20")


def solve_from(
    detections: Detections,
    metric: Evidence,
    evidence: Evidence,
    pose: Pose,
    view: View,
    weights: Weights,
    *,
    free_focal: bool,
    upright: Callable[[Pose, View], tuple[Pose, View]],
    foot_lock: float,
    camera_motion: CameraMotion | None = None,
    swapped: np.ndarray | None = None,
    standing: np.ndarray | None = None,
    again: tuple[Again, ...] = (),
    report: Callable[[float], None],
) -> Solution:
    """The motion, from a first pose of a standard body.

    Args:
        detections: what the first camera saw.
        metric: the same as evidence, its bones in the axes of a camera that looks straight at the person.
        evidence: the same with bones as that camera sees them.
        pose, view: to start from.
        weights: expected errors, for a body of this size.
        free_focal: whether the focal length is sought too.
        upright: turns the world so that up is up.
        foot_lock, camera_motion, swapped, standing, again: as for `solve`.
        report: called with the part done, 0..1.
    """
    told = np.zeros((len(detections), 4), dtype=bool) if standing is None else np.repeat(standing, 2, axis=1)
    pose, view = _fit_shape(evidence, pose, view, weights, free_focal)
    report(0.4)
    evidence = seen_from_camera(metric, view.shape.focal, view.centre)
    if len(evidence) > window_frames(evidence.fps)[0]:
        pose = fit_windows(_problem(evidence, view, weights, False), pose, view.shape, (3.0, 1.0), 4)
    report(0.55)
    # Solving may wind up again what smoothing unwound.
    pose, view = upright(unwound(pose, float(evidence.fps), evidence.breaks), view)
    for part in range(2):
        support = _support(evidence, pose, view, told)
        # What only looked planted may slip at first, and is then seen to.
        grip = replace(weights, grip=_FIRST_GRIP * weights.grip) if part == 0 else weights
        pose = fit_windows(_problem(evidence, view, grip, False, support), pose, view.shape, (1.0,), 3 - part)
        report(0.7 + 0.15 * part)
    support = _support(evidence, pose, view, told)
    motion = _motion(evidence, pose, view, support, foot_lock, pose.root[0])
    for span in again:
        motion = _with_span(motion, span, evidence, pose, view, support, weights, told, swapped)
    motion = _held(motion, support.velocity, told & ~evidence.breaks[:, None])
    return _solution(detections, evidence, motion, view, support, pose.root[0], camera_motion)


_ADULTS = (1.45, 1.95)  # metres between which nearly all grown people are
_POSE_ONLY, _SHAPED = 2, 5  # Gauss-Newton steps
_DEFAULT_FOCAL = 0.95  # part of the picture's longer side, where nothing is known of the camera: 56 degrees
_TRUE_SIZE = 1.06  # of people over the detector's metric bones, on four calibrated cameras and on filmed characters
_FIRST_GRIP = 7.0  # times as much slip as is expected in the end
_FILLED = 0.3  # confidence below which a joint counts as filled in


def window_frames(fps) -> tuple[int, int]:
    """Frames solved at once, and frames solved again by the next window: further than smoothing reaches."""
    overlap = max(24, round(float(fps)))
    return max(240, 4 * overlap), overlap


def guessed_height(evidence):
    """Metres, from the lengths of the detector's long metric bones."""
    seen, parts = [], []
    for name, length in standard_lengths().items():
        b = BONE_NAMES.index(name)
        sure = evidence.bone_weight[:, b]
        if sure.max() > 0:
            there = (sure > 0) & (sure >= np.quantile(sure, 0.5))
            seen.append(np.median(np.linalg.norm(evidence.bones[there, b], axis=-1)))
            parts.append(length)
    return _TRUE_SIZE * float(np.sum(seen) / np.sum(parts))


def scaled(evidence, height, guess):
    """The evidence of somebody this tall: metric bones, and the errors that are expected in the picture."""
    return replace(
        evidence,
        bones=evidence.bones * (_TRUE_SIZE * height / guess),
        pixel_weight=evidence.pixel_weight * (AVERAGE_HEIGHT / height),
    )


def standard_lengths():
    """Lengths of the long bones, between landmarks, of a standard body of height 1."""
    offsets, points = body_of(Shape.standard(1.0))
    vectors = BONES @ points.at(place(t_pose(1), offsets))[0]
    long = ("trunk", "upper arm", "forearm", "thigh", "shin")
    return {n: float(np.linalg.norm(v)) for n, v in zip(BONE_NAMES, vectors, strict=True) if n.endswith(long)}


def seen_from_camera(evidence, focal, centre):
    """Metric bones in the camera's axes: the detector looks at a crop as though the person stood straight ahead, so
    its depth runs along the line of sight to the person."""
    if evidence.lifted:
        return evidence
    weight = evidence.pixel_weight[..., None] + 1e-9
    middle = np.sum(weight * evidence.pixels, axis=1) / weight.sum(axis=1)
    known = evidence.pixel_weight.max(axis=1) > 0
    sight = np.concatenate(((middle - centre) / focal, np.ones((len(middle), 1))), axis=1)
    sight[~known] = (0, 0, 1)
    turn = rotation_between(np.broadcast_to([0.0, 0.0, 1.0], sight.shape), sight)
    return replace(evidence, bones=rotate(turn[:, None], evidence.bones))


def _first_view(evidence, camera, camera_motion, height):
    width, high = evidence.size
    focal = camera.focal_length(width, high) or _DEFAULT_FOCAL * max(width, high)
    centre = np.array(camera.centre if camera.centre is not None else (width / 2, high / 2), dtype=np.float64)
    turns = np.tile(np.eye(3), (len(evidence), 1, 1))
    if camera_motion is not None:
        turns = camera_motion.rotations(focal, centre)
    tilt, roll = (math.radians(v or 0.0) for v in (camera.tilt, camera.roll))
    return View(Shape.standard(height, math.log(focal)), centre, turns, world_to_camera(up_in_camera(tilt, roll)))


def world_to_camera(up):
    """(3, 3) of a camera that sees up as `up` and whose axis lies over the world's -Z."""
    up = up / np.linalg.norm(up)
    ahead = np.array([0.0, 0.0, 1.0])  # the camera's own axis is the world's -Z, as far as it is level
    back = -(ahead - (ahead @ up) * up)
    back /= np.linalg.norm(back)
    return np.stack((np.cross(up, back), up, back), axis=1)


def _problem(evidence, view, weights, free_focal, support=None):
    return Problem(
        evidence=evidence,
        model=landmark_model(view.shape.height),
        prior=Shape.standard(view.shape.height, view.shape.log_focal),
        breaks=evidence.breaks,
        weights=weights,
        rotations=view.rotations,
        centre=view.centre,
        free_focal=free_focal,
        support=support,
    )


def _fit_shape(evidence, pose, view, weights, free_focal):
    """Proportions, focal length and pose together, on the whole clip or on stretches that show the person best."""
    pose, shape = fit_shape(_problem(evidence, view, weights, free_focal), pose, view.shape)
    return pose, replace(view, shape=shape)


def fit_shape(problem: Problem, pose: Pose, shape: Shape) -> tuple[Pose, Shape]:
    """Shape and pose together: on the whole clip, or on the stretches of it that show the body best."""
    chosen, breaks = _stretches(problem.evidence)
    part, problem = pose.frames(chosen), replace(problem.frames(chosen), breaks=breaks)
    part, shape = minimise(problem, part, shape, _POSE_ONLY, False, (3.0,))
    part, shape = minimise(problem, part, shape, _SHAPED, True, (2.0, 1.5, 1.0))
    return pose.with_frames(chosen, part), shape


def _stretches(evidence):
    """Frames, a window of them, in up to four stretches where the person is seen best; and where stretches begin."""
    frames, (window, _) = len(evidence), window_frames(evidence.fps)
    if frames <= window:
        return np.arange(frames), evidence.breaks
    length = window // 4
    total = np.concatenate(([0.0], np.cumsum(evidence.seen())))
    starts = []
    for quarter in range(4):
        low, high = quarter * frames // 4, (quarter + 1) * frames // 4 - length
        starts.append(low + int(np.argmax(total[low + length : high + length + 1] - total[low : high + 1])))
    chosen = np.concatenate([np.arange(s, s + length) for s in starts])
    breaks = evidence.breaks[chosen].copy()
    breaks[::length] = True
    return chosen, breaks


def fit_windows(problem: Problem, pose: Pose, shape: Shape, sharpness: tuple[float, ...], steps: int) -> Pose:
    """The pose of all frames with the shape as it is, window by window."""
    frames, (window, overlap) = len(pose), window_frames(problem.evidence.fps)
    start = 0
    while True:
        stop = frames if start + window + overlap >= frames else start + window
        held = np.zeros(stop - start, dtype=bool)
        held[:2] = start > 0  # two frames fix place and velocity
        here = slice(start, stop)
        part, _ = minimise(replace(problem.frames(here), held=held), pose.frames(here), shape, steps, False, sharpness)
        pose = pose.with_frames(here, part)
        if stop == frames:
            return pose
        start = stop - overlap


def foot_trust(evidence):
    """(F, 4) how well heels and toes are seen."""
    names = ("left_heel", "left_foot_index", "right_heel", "right_foot_index")
    return evidence.visible()[:, [USED.index(name) for name in names]]


def feet_of(pose, view):
    offsets, _ = body_of(view.shape)
    placed = place(pose, offsets)
    points = foot_points(view.shape.height, view.shape.segments[list(SEGMENTS).index("feet")])
    return placed, points.at(placed)


def estimated_upright(evidence: Evidence, pose: Pose, view: View, camera: CameraSettings) -> tuple[Pose, View]:
    """Turn the world so that up is up; what the user said of the camera stays."""
    placed, feet = feet_of(pose, view)
    fps, takes = float(evidence.fps), evidence.takes()
    tilt, roll = tilt_and_roll(estimate_up(placed, feet, foot_trust(evidence), fps, view.first, takes))
    tilt = tilt if camera.tilt is None else math.radians(camera.tilt)
    roll = roll if camera.roll is None else math.radians(camera.roll)
    first = world_to_camera(up_in_camera(tilt, roll))
    return pose.turned(first.T @ view.first), replace(view, first=first)


def _support(evidence, pose, view, told):
    """Where the feet stand; heels and toes that are told (F, 4) to stand do."""
    placed, feet = feet_of(pose, view)
    offsets, _ = body_of(view.shape)
    leg = float(sum(np.linalg.norm(offsets[JOINTS.index(j)]) for j in ("left_shin", "left_foot")))
    fps, takes = float(evidence.fps), evidence.takes()
    footing = find_footing(feet, centre_of_mass(placed), foot_trust(evidence), feet, fps, leg, takes)
    points = foot_points(view.shape.height, view.shape.segments[list(SEGMENTS).index("feet")])
    return Support(points, np.where(told, 1.0, footing.contact), footing.floor, footing.velocity)


# A span solved again


_SEAM = 0.2  # seconds, inside a span solved again, in which it comes from the rest and goes back


def _with_span(motion, span, evidence, pose, view, support, weights, told, swapped):
    """The motion with a span of it solved a second time."""
    overlap = window_frames(evidence.fps)[1]  # further off, what follows does not reach
    here = slice(max(0, span.start - overlap), min(len(motion), span.stop + overlap))
    inner = slice(span.start - here.start, span.stop - here.start)
    weights = replace(weights, smoothing=span.smoothing)
    part_view, start = replace(view, turns=view.turns[here]), pose.root[0]
    if span.detections is None:
        part, contact = evidence.frames(here), support.contact[here]
        first = pose.frames(here)
    else:
        part = _evidence_of_another(span, view, evidence, swapped).frames(here)
        offsets, points = body_of(view.shape)
        guess = first_pose(part, points, offsets, view.shape.focal, view.centre, part_view.rotations)
        first = fit_windows(_problem(part, part_view, weights, False), smoothed(guess, part), view.shape, (3.0, 1.0), 4)
        first = unwound(first, float(part.fps), part.breaks)
        contact = _support(part, first, part_view, told[here]).contact
    part_support = replace(support, contact=contact)
    solved = fit_windows(
        _problem(part, part_view, weights, False, part_support), first, view.shape, (1.0,), _STEPS_AGAIN
    )
    other = _motion(part, solved, part_view, part_support, span.foot_lock, start)
    share = _seams(span, len(motion), float(motion.fps))
    both = blend(motion.frames(span.start, span.stop), other.frames(inner.start, inner.stop), share)
    arrays = {}
    for name in ("rotations", "root_positions", "confidence", "contacts"):
        arrays[name] = np.array(getattr(motion, name))
        arrays[name][span.start : span.stop] = getattr(both, name)
    return motion.replace(**arrays | {"rotations": unroll(arrays["rotations"])})


_STEPS_AGAIN = 4


def _evidence_of_another(span, view, evidence, swapped):
    """What was seen of whom a span is solved again for, at the scale of the rest."""
    other = gather(span.detections, swapped)
    if not other.bone_weight[span.start : span.stop].any():
        raise SolveError(
            f"the person to follow in frames {span.start} to {span.stop - 1} was not found there; choose another"
        )
    other = scaled(other, view.shape.height, guessed_height(other))
    return seen_from_camera(replace(other, breaks=other.breaks | evidence.breaks), view.shape.focal, view.centre)


def _seams(span, frames, fps):
    """How much of a span's own solution its frames have: 1, with a way up and down where the motion goes on beside."""
    count = span.stop - span.start
    ramp = max(1, min(round(_SEAM * fps), count // 3))
    frame = np.arange(count)
    way = np.ones(count)
    if span.start > 0:
        way = np.minimum(way, (frame + 1) / (ramp + 1))
    if span.stop < frames:
        way = np.minimum(way, (count - frame) / (ramp + 1))
    return way * way * (3 - 2 * way)


# The result


def planted(motion: Motion, support: Support, breaks: np.ndarray, strength: float) -> tuple[Motion, np.ndarray]:
    """The motion with the feet that the support plants held in place, and these contacts (F, 4).

    Args:
        motion: on our own skeleton, F frames.
        support: which feet stand when, and how fast the floor under them moves.
        breaks: (F,) bool, frames after a cut, where a foot is planted somewhere else.
        strength: 0 leaves the feet as they are, 1 holds them.
    """
    contacts = support.contact > 0.5
    if strength > 0 and contacts.any():
        locked = contacts & ~breaks[:, None]
        follow = _on_ground(motion, support.velocity)
        motion = lock_feet(motion, ROLES, locked, follow=follow, strength=strength, limit=0.15).motion
    return motion.replace(contacts=contacts), contacts


def _on_ground(motion, velocity):
    """(F, 4, 3) ways of what stands on a ground that moves."""
    path = np.arange(len(motion))[:, None, None] / float(motion.fps) * velocity
    return np.broadcast_to(path, (len(motion), 4, 3))


_ANYWHERE = 10.0  # metres: however far a foot is from where it is told to stand, it is brought there
_STOOP = 0.3  # metres that the hips may come down for it


def _held(motion, velocity, told):
    """The motion with heels and toes that are told (F, 4) to stand held still.

    Heels first: for them the hips come down where a leg is too short, as they would not over toes that stand.
    """
    if not told.any():
        return motion
    options = dict(limit=_ANYWHERE, tolerance=0.0, hips_drop=_STOOP, softness=0.0)
    for held in (told & [True, False, True, False], told):
        motion = lock_feet(motion, ROLES, held, follow=_on_ground(motion, velocity), **options).motion
    return motion


def _shift(support, start):
    """From the solver's world to that of the motion: the floor at 0, the hips first over the origin."""
    return np.array([start[0], support.floor, start[2]])


def _motion(evidence, pose, view, support, strength, start):
    """The motion of a pose, its feet planted; `start` (3,) is where the whole motion's hips begin."""
    shift = _shift(support, start)
    pose = within_limits(replace(pose, root=pose.root - shift))
    motion = Motion(
        shaped_skeleton(view.shape.height, view.shape.segments),
        unroll(pose.rotations()),
        pose.root,
        evidence.fps,
        confidence=_confidence(evidence, pose, view, shift),
    )
    return planted(motion, support, evidence.breaks, strength)[0]


def _solution(detections, evidence, motion, view, support, start, camera_motion):
    shift = _shift(support, start)
    cameras = _cameras(evidence, view, shift, camera_motion is not None)
    places = _places(motion, view)
    keypoints = _keypoints(places, cameras)
    errors = np.where(evidence.visibility > 0, np.linalg.norm(keypoints - evidence.pixels, axis=-1), np.nan)
    warnings = _warnings(evidence, motion, support, camera_motion)
    facts = _facts(evidence, view, support, errors, cameras)
    motion = motion.replace(
        provenance={
            "source": {"format": "film", "start": detections.start},
            "camera": _plain_camera(cameras),
            "solver": facts,
            "detector": detections.detector,
        }
    )
    return Solution(
        motion, cameras, keypoints, USED, errors, motion.contacts, support.velocity, warnings, facts, places
    )


def _cameras(evidence, view, shift, turning):
    rotations = view.rotations if turning else view.rotations[:1]
    return tuple(Camera(*evidence.size, view.shape.focal, view.centre, rotation, -shift) for rotation in rotations)


def _places(motion, view):
    world, positions = motion.transforms()
    _, points = body_of(view.shape)
    return points.at(Placed(matrix_from_quaternion(world), positions, np.zeros((len(motion), 0, 3))))


def _keypoints(at, cameras):
    if len(cameras) == 1:
        return cameras[0].project(at)
    return np.stack([camera.project(a) for camera, a in zip(cameras, at, strict=True)])


# The landmarks that say how a joint is turned.
_SEEN_BY = {
    "hips": ("left_hip", "right_hip"),
    **dict.fromkeys(("spine", "chest", "upper_chest"), ("left_shoulder", "right_shoulder", "left_hip", "right_hip")),
    **dict.fromkeys(("neck", "head"), ("nose", "left_ear", "right_ear")),
    **{
        f"{side}_{joint}": tuple(f"{side}_{name}" for name in names)
        for side in ("left", "right")
        for joint, names in {
            "shoulder": ("shoulder",),
            "upper_arm": ("shoulder", "elbow"),
            "forearm": ("elbow", "wrist"),
            "hand": ("wrist", "index", "pinky"),
            "thigh": ("hip", "knee"),
            "shin": ("knee", "ankle"),
            "foot": ("ankle", "heel", "foot_index"),
            "toes": ("foot_index",),
        }.items()
    },
}


_OVERRULED = 0.06  # of the height, by which half a landmark's confidence is lost: a hand's length, no chance error


def _confidence(evidence, pose, view, shift):
    """(F, J) visibility of the landmarks that determine each joint, less where they were overruled; in the camera that
    knows best."""
    offsets, points = body_of(view.shape)
    at = points.at(place(replace(pose, root=pose.root + shift), offsets))
    seen = np.matmul(at, view.rotations.transpose(0, 2, 1))
    rays = (evidence.pixels - view.centre) / view.shape.focal
    agreed = _agreed(seen, rays, evidence.visibility, view.shape.height)
    for other in evidence.others:
        there = (seen - other.position) @ other.rotation.T
        agreed = np.maximum(agreed, _agreed(there, other.rays, other.visibility, view.shape.height))
    columns = [np.min(agreed[:, [USED.index(name) for name in _SEEN_BY[joint]]], axis=1) for joint in JOINTS]
    return np.stack(columns, axis=1)


def _agreed(seen, rays, visibility, height):
    """(F, L) visibility in one camera, less where landmarks at (F, L, 3) in its axes are not where it saw them."""
    depth = np.maximum(seen[..., 2], 0.1)
    errors = np.linalg.norm(seen[..., :2] / depth[..., None] - rays, axis=-1)
    errors = errors * np.maximum(seen[..., 2].mean(axis=1), 0.1)[:, None] / height
    return visibility / (1 + (errors / _OVERRULED) ** 2)


_SPANS = 6  # of frames that a warning names


def _warnings(evidence, motion, support, camera_motion):
    warnings = []
    missing = evidence.seen() == 0
    if missing.any():
        warnings.append(f"nobody was found in {frame_ranges(missing, _SPANS)}; the motion there is filled in")
    for part, joints in (
        ("left arm", ("left_upper_arm", "left_forearm")),
        ("right arm", ("right_upper_arm", "right_forearm")),
        ("left leg", ("left_thigh", "left_shin")),
        ("right leg", ("right_thigh", "right_shin")),
    ):
        hidden = motion.confidence[:, [JOINTS.index(j) for j in joints]].min(axis=1) < _FILLED
        hidden &= ~missing
        if hidden.any():
            where = frame_ranges(hidden, _SPANS)
            warnings.append(f"the {part} is hidden or unsure in {where}; its motion there is filled in")
    if evidence.breaks.any():
        warnings.append(
            f"the person jumps at {frame_ranges(evidence.breaks, _SPANS)}, as where a film is cut; the motion jumps "
            "there too"
        )
    if evidence.exchanged:
        wrong = np.isin(np.arange(len(evidence)), evidence.exchanged)
        warnings.append(f"the detector mistook left for right in {frame_ranges(wrong, _SPANS)}; they were exchanged")
    speed = np.linalg.norm(support.velocity)
    if speed > 0:
        warnings.append(
            f"the ground moves under the feet at {speed:.2f} m/s, as on a treadmill; the person stays in place"
        )
    if camera_motion is not None and camera_motion.warning:
        warnings.append(camera_motion.warning)
    return tuple(warnings)


def _plain_camera(cameras):
    """The camera as plain values; one that turned with `turns` (F, 4), wxyz, of each frame's camera axes."""
    plain = as_plain(cameras[0])
    if len(cameras) > 1:
        turns = quaternion_from_matrix(np.stack([camera.rotation for camera in cameras]))
        plain["turns"] = np.round(unroll(turns), 9).tolist()
    return plain


def _facts(evidence, view, support, errors, cameras):
    tilt, roll = tilt_and_roll(cameras[0].rotation[:, 1])
    return {
        "height": round(view.shape.height, 4),
        "focal": round(view.shape.focal, 2),
        "fov": round(math.degrees(cameras[0].field_of_view()), 3),
        "tilt": round(math.degrees(tilt), 3),
        "roll": round(math.degrees(roll), 3),
        "proportions": {name: round(float(s), 4) for name, s in zip(SEGMENTS, view.shape.segments, strict=True)},
        "belt": [round(float(v), 4) for v in support.velocity],
        "reprojection_pixels": round(float(np.nanmedian(errors)), 3),
        "exchanged_frames": len(evidence.exchanged),
    }
