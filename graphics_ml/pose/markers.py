"""From markers to the motion of a body with fixed proportions, by the solver that films go through.

A known set of markers (`pose.marker_set`) says where each sits on a standard body. The pose, the proportions and the
true place of every marker on this person's body are sought together (as in MoSh: Loper et al., SIGGRAPH Asia 2014),
with the same limits, habits, smoothness and ground as for a film; only the evidence differs: places in the world
instead of pictures. Joint centres count as measured too where markers tell them: the hips' by the regression of
Harrington et al. (J. Biomechanics 2007) from the pelvis's markers, others as the middle of two markers on both sides.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from itertools import combinations
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from graphics_ml.motion.markers import Markers, of_subject, subjects
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.rotations import cross, matrix_from_quaternion, normalize, unroll
from graphics_ml.pose.body import JOINTS, PARENTS, SEGMENTS, Placed, Points, place, shaped_skeleton, t_pose
from graphics_ml.pose.energy import Model, Problem, Shape, Support, Weights, landmark_model, part_of, within_limits
from graphics_ml.pose.first_guess import pose_along, smoothed, steadied, unwound
from graphics_ml.pose.landmarks import AVERAGE_HEIGHT, BONE_NAMES, BONES
from graphics_ml.pose.marker_set import FEWEST, MarkerSet, MarkerSetError, choose_set, site_on_body
from graphics_ml.pose.places import Places, takes_between
from graphics_ml.pose.solver import SolveError, fit_shape, fit_windows, planted
from graphics_ml.pose.support import centre_of_mass, find_footing, foot_points
from graphics_ml.wording import frame_ranges, short_repr


@short_repr
@dataclass(frozen=True)
class MarkerSolution:
    """What `solve_markers` found.

    Attributes:
        motion: on the standard skeleton with the person's proportions, in the world of the markers. `confidence` is 1
            where markers say how a joint is turned, 0 where it is filled in.
        marker_set: the name of the set.
        names: the L markers that were used.
        fitted: (F, L, 3) where the solved body has them, metres.
        errors: (F, L) metres between these and where they were seen; NaN where they were not.
        contacts: (F, 4) bool, columns as `motion.contacts.CONTACT_ROLES`.
        floor: height of the floor on which the feet stand, metres.
        belt: (3,) m/s, velocity of the floor under the feet: not zero on a treadmill.
        warnings: what the user should know, one sentence each.
        report: plain values for the provenance record.
    """

    motion: Motion
    marker_set: str
    names: tuple[str, ...]
    fitted: np.ndarray
    errors: np.ndarray
    contacts: np.ndarray
    floor: float
    belt: np.ndarray
    warnings: tuple[str, ...]
    report: dict


@threadpool_limits.wrap(limits=1, user_api="blas")
def solve_markers(
    markers: Markers,
    marker_set: str | Path | MarkerSet | None = None,
    *,
    subject: str | None = None,
    smoothing: float = 1.0,
    foot_lock: float = 0.0,
    progress: Callable[[float], None] | None = None,
) -> MarkerSolution:
    """The motion of the person who wears the markers.

    Args:
        markers: F frames.
        marker_set: a set, its name, or a table of one's own; the one that fits best when None.
        subject: whose markers, where labels name several ("Anna:LANK").
        smoothing: 1 suits most captures; 2 expects half the accelerations, 0.5 twice.
        foot_lock: how firmly planted feet stay put, 0..1; 0 keeps them where the markers say.
        progress: called with the part done, 0..1.

    Raises:
        MarkerSetError: the labels are of no known set, or of several people.
        SolveError: the markers were not seen, or do not show enough of a body; smoothing out of range.
        FileError: the table of the set cannot be used.
    """
    if not 0.05 <= smoothing <= 20:
        raise SolveError(f"a smoothing of {smoothing:g} is out of range; give 0.05 to 20")
    report = progress or (lambda part: None)
    markers = _one_subject(markers, subject)
    chosen, found = choose_set(markers.names, marker_set)
    sight = _Sight.of(markers, chosen, found)
    if not sight.seen.any():
        raise SolveError("none of the markers was seen in any frame; export the file again with its trajectories")

    bones = _bones(sight)
    height = _height(sight, bones)
    model, evidence, spread = _model(sight, height)
    weights = Weights(standing=_STANDING_ERROR, smoothing=smoothing).of_size(height / AVERAGE_HEIGHT)
    weights = replace(weights, adjustment=spread)
    shape = Shape(height, np.ones(len(SEGMENTS)), np.zeros(len(spread)), 0.0)
    offsets, points = model.shaped(shape)
    landmarks = landmark_model(height)
    own = BONES @ landmarks.points.at(place(t_pose(1), landmarks.offsets))
    pose = pose_along(steadied(_complete(bones, own), evidence), own)
    pose = smoothed(replace(pose, root=_root(points.at(place(pose, offsets)), evidence)), evidence)
    report(0.1)
    problem = Problem(evidence, model, shape, evidence.breaks, weights)
    shape = _shape(problem, pose, shape)
    report(0.4)
    pose = fit_windows(problem, pose, shape, (3.0, 1.0), 6)
    pose = unwound(pose, float(evidence.fps), evidence.breaks)
    report(0.7)
    for part in range(2):
        support = _support(sight, pose, model, shape)
        pose = fit_windows(replace(problem, support=support), pose, shape, (1.0,), 3)
        report(0.8 + 0.1 * part)
    return _solution(sight, pose, model, shape, support, foot_lock)


_STANDING_ERROR = 0.05  # part of the height: it is guessed from a few bones
_FEET = ("heel", "toe", "metatarsal_1", "metatarsal_5", "big_toe", "small_toe", "ankle_lateral", "ankle_centre")
_SPANS = 6  # of frames that a warning names
_JUMP = 0.1  # metres from one frame to the next


@dataclass(frozen=True)
class _Sight:
    """The markers of the set, by their sites; L of them."""

    chosen: MarkerSet
    names: tuple[str, ...]
    sites: tuple[str, ...]
    positions: np.ndarray  # (F, L, 3), NaN where not seen
    fps: Fraction
    unused: tuple[str, ...]

    @classmethod
    def of(cls, markers, chosen, found):
        rows = [markers.index(name) for name in found]
        unused = tuple(name for name in markers.names if name not in found)
        return cls(chosen, tuple(found), tuple(found.values()), markers.positions[:, rows], markers.fps, unused)

    @property
    def seen(self):
        return np.isfinite(self.positions[..., 0])

    @cached_property
    def breaks(self):
        """(F,) bool: frames that begin another take. A quarter of the markers jump there, and not in the frames around:
        a sample that is wrong jumps back, and limbs take longer to gather speed."""
        step = np.nan_to_num(np.linalg.norm(np.diff(self.positions, axis=0, prepend=self.positions[:1]), axis=-1))
        around = np.pad(step, ((2, 2), (0, 0)), mode="edge")
        around = np.max([around[k : k + len(step)] for k in (0, 1, 3, 4)], axis=0)
        jumps = (step > _JUMP) & (step > 4 * around)
        return jumps.sum(axis=1) >= max(4, 0.25 * len(self.sites))

    def at(self, *sites):
        """(F, 3) the mean of sites, or None where one was never seen."""
        places = []
        for site in sites:
            if site not in self.sites:
                return None
            place = self.positions[:, self.sites.index(site)]
            if np.isnan(place[:, 0]).all():
                return None
            places.append(_filled(place))
        return np.mean(places, axis=0)

    def first(self, *choices):
        """(F, 3) of the first of the choices, each one or several sites, of which all were seen; or None."""
        for choice in choices:
            place = self.at(*((choice,) if isinstance(choice, str) else choice))
            if place is not None:
                return place
        return None


def _one_subject(markers, subject):
    people = subjects(markers.names)
    if subject is not None:
        try:
            return of_subject(markers, subject)
        except KeyError as error:
            raise MarkerSetError(str(error.args[0])) from None
    counts = {who: sum(name.rpartition(":")[0].strip() == who for name in markers.names) for who in people}
    several = [who for who in people if who and counts[who] >= FEWEST]
    if len(several) > 1:
        raise MarkerSetError(f"the markers are those of several people ({', '.join(several)}); say whose with subject=")
    return markers


# Where a body is before it is solved


def _centres(sight):
    """{site: (F, 3)} of joint centres that markers on both sides of a joint tell, or a regression; NaN for gaps."""
    rows = {site: sight.positions[:, k] for k, site in enumerate(sight.sites)}
    result = {}
    for side in ("left", "right"):
        for joint, (a, b) in _TWO_SIDED.items():
            if f"{side}_{a}" in rows and f"{side}_{b}" in rows:
                result[f"{side}_{joint}_centre"] = (rows[f"{side}_{a}"] + rows[f"{side}_{b}"]) / 2
    hips = _hips(sight)
    if hips is not None:
        result |= {"left_hip_centre": hips[0], "right_hip_centre": hips[1]}
    return {site: place for site, place in result.items() if site not in rows}


_TWO_SIDED = {
    "knee": ("knee_lateral", "knee_medial"),
    "ankle": ("ankle_lateral", "ankle_medial"),
    "elbow": ("elbow_lateral", "elbow_medial"),
    "wrist": ("wrist_radial", "wrist_ulnar"),
}


def _hips(sight):
    """Left and right hip joint centres (F, 3) by Harrington's regression, NaN in frames without the pelvis's markers;
    None where they are not in the set."""
    rows = {site: sight.positions[:, k] for k, site in enumerate(sight.sites)}
    back = [rows[s] for s in ("left_psis", "right_psis") if s in rows] or [rows[s] for s in ("sacrum",) if s in rows]
    if "left_asis" not in rows or "right_asis" not in rows or len(back) == 0:
        return None
    left, right, back = rows["left_asis"], rows["right_asis"], np.mean(back, axis=0)
    front = (left + right) / 2
    if not np.isfinite(front + back).all(axis=1).any():
        return None
    aside, ahead = left - right, front - back
    width = float(np.nanmedian(np.linalg.norm(aside, axis=1)))
    depth = float(np.nanmedian(np.linalg.norm(ahead, axis=1)))
    aside = aside / np.linalg.norm(aside, axis=1, keepdims=True)
    up = np.cross(ahead, aside)
    up /= np.linalg.norm(up, axis=1, keepdims=True)
    ahead = np.cross(aside, up)
    middle = front - (0.24 * depth + 0.0099) * ahead - (0.30 * width + 0.0109) * up
    return tuple(middle + s * (0.33 * width + 0.0073) * aside for s in (1.0, -1.0))


def _bones(sight):
    """{bone name: (F, 3)} of pose.landmarks.BONES, as far as markers show them."""
    regressed = _hips(sight) or (None, None)
    joints = {}
    for side, hip in zip(("left", "right"), regressed, strict=True):
        measured = sight.first(f"{side}_hip_centre")
        joints[side, "hip"] = measured if measured is not None or hip is None else _filled(hip)
        joints[side, "knee"] = sight.first(f"{side}_knee_centre", (f"{side}_knee_lateral", f"{side}_knee_medial"))
        joints[side, "ankle"] = sight.first(f"{side}_ankle_centre", (f"{side}_ankle_lateral", f"{side}_ankle_medial"))
        joints[side, "shoulder"] = sight.first(f"{side}_shoulder_centre", f"{side}_acromion")
        joints[side, "elbow"] = sight.first(
            f"{side}_elbow_centre", (f"{side}_elbow_lateral", f"{side}_elbow_medial"), f"{side}_elbow_lateral"
        )
        joints[side, "wrist"] = sight.first(
            f"{side}_wrist_centre", (f"{side}_wrist_radial", f"{side}_wrist_ulnar"), f"{side}_wrist_radial",
            f"{side}_wrist_ulnar",
        )  # fmt: skip
    across = _between(joints["right", "hip"], joints["left", "hip"])
    if across is not None:
        width = np.linalg.norm(across, axis=1, keepdims=True)
        for side, s in (("left", 1.0), ("right", -1.0)):
            for joint, part in (("knee", 0.32), ("ankle", 0.25)):  # of the hips' distance, from skin to centre
                outer = sight.first(f"{side}_{joint}_lateral")
                if joints[side, joint] is None and outer is not None:
                    joints[side, joint] = outer - s * part * np.median(width) * across / width
    middle = {part: _mean(joints["left", part], joints["right", part]) for part in ("hip", "shoulder")}
    face = sight.first("nose", ("left_head_front", "right_head_front"))
    ears = [sight.first(f"{side}_ear", (f"{side}_head_front", f"{side}_head_back")) for side in ("left", "right")]
    behind = sight.first(("left_ear", "right_ear"), ("left_head_back", "right_head_back"))
    bones = {
        "trunk": _between(middle["hip"], middle["shoulder"]),
        "hips": across if across is not None else _between(sight.first("right_asis"), sight.first("left_asis")),
        "shoulders": _between(joints["right", "shoulder"], joints["left", "shoulder"]),
        "face": _between(behind, face),
        "ears": _between(*ears[::-1]),
    }
    for side in ("left", "right"):
        for name, start, end in (
            ("upper arm", "shoulder", "elbow"),
            ("forearm", "elbow", "wrist"),
            ("thigh", "hip", "knee"),
            ("shin", "knee", "ankle"),
        ):
            bones[f"{side} {name}"] = _between(joints[side, start], joints[side, end])
        bones[f"{side} palm"] = _between(sight.first(f"{side}_wrist_ulnar"), sight.first(f"{side}_wrist_radial"))
    return {name: bone for name, bone in bones.items() if bone is not None}


def _between(start, end):
    return None if start is None or end is None else end - start


def _mean(left, right):
    return None if left is None or right is None else (left + right) / 2


def _filled(place):
    seen, frames = np.flatnonzero(np.isfinite(place[:, 0])), np.arange(len(place))
    return np.stack([np.interp(frames, seen, place[seen, c]) for c in range(3)], axis=1)


def _height(sight, bones):
    """Metres, from the lengths of the long bones over those of a standard body; where none is known, from distances
    between markers on one segment."""
    model = landmark_model(1.0)
    own = BONES @ model.points.at(place(t_pose(1), model.offsets))[0]
    pairs = [
        (np.median(np.linalg.norm(bone, axis=1)), np.linalg.norm(own[BONE_NAMES.index(name)]))
        for name, bone in bones.items()
        if name.endswith(("upper arm", "forearm", "thigh", "shin"))
    ]
    pairs = np.array(pairs or _distances(sight)).reshape(-1, 2)
    if not len(pairs):
        raise SolveError("the markers show neither a whole limb nor two sides of anything; a body needs more of them")
    height = float(pairs[:, 0].sum() / pairs[:, 1].sum())
    if not 0.3 <= height <= 3.0:
        raise SolveError(f"by the markers the body is {height:.3g} m tall; give the file's unit, such as unit='mm'")
    return height


def _distances(sight):
    """(measured, on a body of height 1) between well-defined sites on one segment, metres."""
    found = []
    on_body = [site_on_body(site) for site in sight.sites]
    for a, b in combinations(range(len(on_body)), 2):
        apart = np.linalg.norm(sight.positions[:, a] - sight.positions[:, b], axis=-1)
        defined = max(on_body[a].spread, on_body[b].spread) < _DEFINED
        if on_body[a].joint == on_body[b].joint and defined and np.isfinite(apart).any():
            found.append((float(np.nanmedian(apart)), float(np.linalg.norm(on_body[a].place - on_body[b].place))))
    return found


_DEFINED = 0.01  # of the height


def _complete(bones, own):
    """(F, B, 3) bone vectors in the world; those that no marker shows are as in somebody who stands relaxed."""
    aside = bones.get("hips", bones.get("shoulders"))
    if aside is None:
        raise SolveError("the markers show neither both hips nor both shoulders; nothing says where the body faces")
    frames = len(aside)
    up = bones.get("trunk", np.broadcast_to([0.0, 1.0, 0.0], (frames, 3)))
    aside = normalize(aside)
    ahead = normalize(cross(aside, up))
    frame = np.stack((aside, cross(ahead, aside), ahead), axis=-1)  # (F, 3, 3)
    relaxed = np.array(own[0])
    for row, name in enumerate(BONE_NAMES):
        if name.endswith(("upper arm", "forearm")):
            relaxed[row] = (0.0, -np.linalg.norm(own[0, row]), 0.0)
        elif name.endswith("palm"):
            relaxed[row] = (0.0, 0.0, np.linalg.norm(own[0, row]))
    result = np.einsum("fij,bj->fbi", frame, relaxed)
    for name, bone in bones.items():
        result[:, BONE_NAMES.index(name)] = bone
    return result


def _root(at, evidence):
    """(F, 3) shift that puts points of a body at the origin best onto the evidence; gaps filled in between."""
    weight = evidence.weight[..., None]
    known = np.flatnonzero(evidence.seen() > 0)
    shift = np.sum(weight * (evidence.positions - at), axis=1)[known] / weight.sum(axis=1)[known]
    frames = np.arange(len(at))
    return np.stack([np.interp(frames, known, shift[:, c]) for c in range(3)], axis=1)


# What the solver is given

_SEGMENT = {
    "hips": "pelvis", "upper_chest": "trunk", "head": "head", "shoulder": "shoulders", "upper_arm": "upper arms",
    "forearm": "forearms", "hand": "hands", "thigh": "thighs", "shin": "shins", "foot": "feet",
}  # fmt: skip


def _model(sight, height):
    """The body with the markers on it, what was seen of them, and by how much their places may differ, metres."""
    sites, positions = list(sight.sites), sight.positions
    centres = _centres(sight)
    if centres:
        sites += centres
        positions = np.concatenate((positions, np.stack(list(centres.values()), axis=1)), axis=1)
    on_body = [site_on_body(site) for site in sites]
    points = Points(
        np.array([JOINTS.index(site.joint) for site in on_body]), np.stack([site.place for site in on_body]) * height
    )
    segments = np.zeros((len(sites), len(SEGMENTS)))
    adjust, spread = [], []
    for row, site in enumerate(on_body):
        segments[row, list(SEGMENTS).index(_SEGMENT[part_of(site.joint)])] = 1
        for axis in range(3 if site.spread > 0 else 0):
            column = np.zeros((len(sites), 3))
            column[row, axis] = 1
            adjust.append(column)
            spread.append(site.spread * height)
    adjust = np.stack(adjust, axis=-1) if adjust else np.zeros((len(sites), 3, 0))
    seen = np.isfinite(positions[..., 0])
    weight = np.where(seen, 1 / (np.array([site.error for site in on_body]) * sight.chosen.error), 0.0)
    evidence = Places(np.where(seen[..., None], positions, 0.0), weight, sight.breaks, sight.fps)
    return Model.standard(height, points, segments, adjust), evidence, np.array(spread)


def _shape(problem, pose, shape):
    """The shape, from frames so far apart that they hardly repeat each other."""
    step = max(1, int(problem.evidence.fps / _SHAPE_RATE))
    sparse = problem.frames(slice(None, None, step))
    breaks = np.diff(np.cumsum(problem.breaks)[::step], prepend=0) > 0  # also those between the frames that are left
    sparse = replace(sparse, evidence=replace(sparse.evidence, breaks=breaks, fps=problem.evidence.fps / step))
    pose = pose.frames(slice(None, None, step))
    for _ in range(2):
        pose, shape = fit_shape(sparse, pose, shape)
    return shape


_SHAPE_RATE = 25  # frames a second at least


def _support(sight, pose, model, shape):
    offsets = model.shaped(shape)[0]
    placed = place(pose, offsets)
    points = foot_points(shape.height, shape.segments[list(SEGMENTS).index("feet")])
    feet = points.at(placed)
    leg = float(sum(np.linalg.norm(offsets[JOINTS.index(j)]) for j in ("left_shin", "left_foot")))
    trust = np.zeros((len(pose), 4))
    for column, side in enumerate(("left", "right")):
        rows = [k for k, site in enumerate(sight.sites) if site in {f"{side}_{part}" for part in _FEET}]
        if rows:
            trust[:, 2 * column : 2 * column + 2] = sight.seen[:, rows].any(axis=1)[:, None]
    # Markers are seen alike in all directions; heights are left to the test for those.
    up = np.broadcast_to([0.0, 1.0, 0.0], feet.shape)
    footing = find_footing(feet, centre_of_mass(placed), trust, up, float(sight.fps), leg, takes_between(sight.breaks))
    return Support(points, footing.contact, footing.floor, footing.velocity)


# The result


def _solution(sight, pose, model, shape, support, strength):
    pose = within_limits(pose)
    confidence = _confidence(sight)
    skeleton = shaped_skeleton(shape.height, shape.segments)
    motion = Motion(skeleton, unroll(pose.rotations()), pose.root, sight.fps, confidence=confidence)
    motion, contacts = planted(motion, support, sight.breaks, strength)
    world, places = motion.transforms()
    placed = Placed(matrix_from_quaternion(world), places, np.zeros((len(motion), 0, 3)))
    fitted = model.shaped(shape)[1].at(placed)[:, : len(sight.names)]
    errors = np.linalg.norm(fitted - sight.positions, axis=-1)
    facts = {
        "marker_set": sight.chosen.name,
        "markers": len(sight.names),
        "height": round(float(skeleton.rest_positions()[JOINTS.index("head"), 1] + _crown(skeleton)), 4),
        "proportions": {name: round(float(s), 4) for name, s in zip(SEGMENTS, shape.segments, strict=True)},
        "belt": [round(float(v), 4) for v in support.velocity],
        "floor": round(support.floor, 4),
        "residual_mm": round(1000 * float(np.sqrt(np.nanmean(errors**2))), 2),
    }
    motion = motion.replace(provenance={"solver": facts})
    warnings = _warnings(sight, motion, errors, support)
    return MarkerSolution(
        motion,
        sight.chosen.name,
        sight.names,
        fitted,
        errors,
        contacts,
        support.floor,
        support.velocity,
        warnings,
        facts,
    )


def _crown(skeleton):
    return next(end.offset[1] for end in skeleton.end_sites if JOINTS[end.joint] == "head")


def _tells():
    """{site's joint, whether it is the joint's centre: the joints of which it tells how they are turned}."""
    chain = {"spine": ("spine", "chest", "upper_chest"), "head": ("neck", "head")}
    result = {}
    for joint, parent in zip(JOINTS, PARENTS, strict=True):
        own = next((group for group in chain.values() if joint in group), (joint,))
        result[joint, False] = (*own, joint.replace("foot", "toes")) if joint.endswith("foot") else own
        above = JOINTS[max(parent, 0)]
        result[joint, True] = next((group for group in chain.values() if above in group), (above,))
    return result


def _confidence(sight):
    """(F, J) 1 where a marker that is seen tells how a joint is turned, else 0."""
    tells = _tells()
    confidence = np.zeros((len(sight.positions), len(JOINTS)))
    for k, name in enumerate(sight.sites):
        site = site_on_body(name)
        for joint in tells[site.joint, not site.place.any()]:
            column = confidence[:, JOINTS.index(joint)]
            np.maximum(column, sight.seen[:, k], out=column)
    return confidence


_LIMBS = {
    "head": ("head",),
    "trunk": ("upper_chest",),
    **{
        f"{side} {part}": (f"{side}_{upper}", f"{side}_{lower}")
        for side in ("left", "right")
        for part, upper, lower in (("arm", "upper_arm", "forearm"), ("leg", "thigh", "shin"))
    },
}


def _warnings(sight, motion, errors, support):
    warnings = [f"the markers are taken for those of {sight.chosen.name}, {len(sight.names)} of them are used"]
    if sight.unused:
        some = ", ".join(sight.unused[:6])
        more = f" and {len(sight.unused) - 6} more" if len(sight.unused) > 6 else ""
        warnings[0] += f"; {some}{more} are not of it"
    for part, joints in _LIMBS.items():
        hidden = motion.confidence[:, [JOINTS.index(j) for j in joints]].min(axis=1) < 0.5
        if hidden.all():
            warnings.append(f"no marker shows the {part}; it is filled in")
        elif hidden.any():
            warnings.append(f"the markers of the {part} are missing in {frame_ranges(hidden, _SPANS)}; it is filled in")
    typical = np.array([np.nanmedian(e) if np.isfinite(e).any() else 0.0 for e in errors.T])
    for k in np.flatnonzero(typical > _MISPLACED):
        warnings.append(
            f"{sight.names[k]} lies {100 * typical[k]:.0f} cm from its place on the body; is it labelled right?"
        )
    if sight.breaks.any():
        warnings.append(f"the body jumps at {frame_ranges(sight.breaks, _SPANS)}, and so does the motion")
    speed = np.linalg.norm(support.velocity)
    if speed > 0:
        warnings.append(f"the ground moves under the feet at {speed:.2f} m/s, as on a treadmill")
    return tuple(warnings)


_MISPLACED = 0.06  # metres: three times what soft tissue moves
