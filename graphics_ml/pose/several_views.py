"""The motion of a person whom several calibrated cameras filmed.

What every camera saw is brought onto the first film's frames, sides that one camera mistook are mended by what the
others saw, and landmarks are triangulated (`pose.triangulate`) for the size of the person and a first pose. Then the
solver fits the body to the pictures of all cameras at once: so a limb that one camera alone sees, or none quite
rightly, still is where all that is known puts it. A detector's guess of depth only counts where fewer than two cameras
saw a bone.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from graphics_ml.motion.camera import Camera
from graphics_ml.motion.filters import hann_average
from graphics_ml.motion.rotations import rotate, rotation_between
from graphics_ml.pose.body import place, t_pose
from graphics_ml.pose.calibrated_camera import CalibratedCamera
from graphics_ml.pose.camera import up_in_camera
from graphics_ml.pose.clocks import Sight
from graphics_ml.pose.detection import LANDMARKS, MIRRORED, Detections
from graphics_ml.pose.energy import Shape, Weights, body_of
from graphics_ml.pose.first_guess import pose_along, smoothed, steadied
from graphics_ml.pose.landmarks import AVERAGE_HEIGHT, BONE_NAMES, BONES, USED, Evidence, FurtherView, gather
from graphics_ml.pose.solver import (
    Again,
    Solution,
    SolveError,
    View,
    feet_of,
    foot_trust,
    guessed_height,
    require_in_range,
    scaled,
    seen_from_camera,
    solve_from,
    standard_lengths,
    world_to_camera,
)
from graphics_ml.pose.support import PICTURE_TILT, estimate_up
from graphics_ml.pose.triangulate import triangulate
from graphics_ml.wording import frame_ranges, short_repr


@short_repr
@dataclass(frozen=True)
class Filmed:
    """What one calibrated camera saw of a person.

    Args:
        film: its path.
        camera: fitted to the film's size.
        detections: of the person, on the film's own frames.
    """

    film: Path
    camera: CalibratedCamera
    detections: Detections

    def sight(self) -> Sight:
        """For `clocks.find_offsets`."""
        return _sight(self, _gathered(self, None))


@threadpool_limits.wrap(limits=1, user_api="blas")
def solve_views(
    filmed: Sequence[Filmed],
    offsets: np.ndarray,
    *,
    height: float | None = None,
    smoothing: float = 1.0,
    foot_lock: float = 1.0,
    swapped: np.ndarray | None = None,
    standing: np.ndarray | None = None,
    again: tuple[Again, ...] = (),
    progress: Callable[[float], None] | None = None,
) -> Solution:
    """The motion of the person, on the frames of the first film.

    The world is that of a capture from one film: Y up, the floor at 0, the hips over the origin in the first frame, the
    first camera looking along -Z. Up is the calibration's where the person stands so; where it is more than 20 degrees
    off, as with cameras that were calibrated by a board, it is told from the person.

    Args:
        filmed: at least two.
        offsets: seconds by which each film's clock is ahead of the first one's.
        height: of the person, metres; where the calibration's unit does not go with it, it sets the scale.
        smoothing, foot_lock, swapped, standing, again, progress: as for `solver.solve`; no span with other detections.

    Raises:
        SolveError: the films do not overlap in time, nobody was seen by two cameras, or the calibration's unit makes no
            person; height or smoothing out of range.
    """
    require_in_range(height, smoothing)
    report = progress or (lambda part: None)
    scene = _Scene.of(filmed, offsets, swapped)
    size, unit, said = _size(scene.bones(), height)
    scene = scene.scaled(unit)
    weights = Weights(standing=_STANDING_ERROR, smoothing=smoothing).of_size(size / AVERAGE_HEIGHT)
    evidence = scene.evidence(size)
    camera = filmed[0].camera.camera
    shape = Shape.standard(size, float(np.log(camera.focal)))
    turns = np.tile(np.eye(3), (len(evidence), 1, 1))
    view = View(shape, camera.centre, turns, world_to_camera(camera.rotation[:, 1]))
    pose = _first_pose(scene, evidence, view)
    report(0.1)
    said = list(said)

    def upright(pose, view):
        pose, view, which = _upright(evidence, pose, view, scene)
        said.append(which)
        return pose, view

    solution = solve_from(
        filmed[0].detections,
        evidence,
        evidence,
        pose,
        view,
        weights,
        free_focal=False,
        upright=upright,
        foot_lock=foot_lock,
        swapped=swapped,
        standing=standing,
        again=again,
        report=report,
    )
    return _with_views(solution, scene, filmed, offsets, said)


_STANDING_ERROR = 0.05  # part of the height: it is guessed from a few bones
_TILTED = np.radians(20.0)  # by which the calibration's up may differ from that of somebody who stands or walks
_OUTLIER = 0.02  # of the person's size in the picture: at this distance a camera's word counts a quarter
_UNITS = {"metres": 1.0, "millimetres": 0.001, "centimetres": 0.01, "inches": 0.0254}
_PEOPLE = (0.7, 2.4)  # metres, from children to giants
_UNLIKE = 1.25  # times as tall as was said, at which the calibration is in another unit
_SPANS = 6  # of frames that a warning names


@dataclass(frozen=True)
class _Scene:
    """What C cameras saw in the F frames of the first film; world as calibrated.

    rays (C, F, L, 2), weight and visibility (C, F, L) of the landmarks USED; own (C, F, B, 3), own_weight (C, F, B):
    bones as each detector guessed them, in the axes of its camera; points (F, L, 3): triangulated, NaN where not;
    residuals (C, F, L) pixels.
    """

    cameras: tuple[Camera, ...]
    gathered: Evidence
    rays: np.ndarray
    weight: np.ndarray
    visibility: np.ndarray
    own: np.ndarray
    own_weight: np.ndarray
    points: np.ndarray
    residuals: np.ndarray

    @classmethod
    def of(cls, filmed, offsets, swapped):
        first = filmed[0].detections
        times = first.start + np.arange(len(first)) / float(first.fps)
        parts, gathered = [], None
        for one, offset in zip(filmed, offsets, strict=True):
            theirs = one.detections
            at = one.detections.start + np.arange(len(theirs)) / float(theirs.fps) - offset
            near = np.clip(np.searchsorted(times, at - 0.5 / float(first.fps)), 0, len(times) - 1)
            evidence = _gathered(one, None if swapped is None else swapped[near])
            camera = one.camera.camera
            own = guessed_height(evidence) if evidence.bone_weight.any() else AVERAGE_HEIGHT
            bones = seen_from_camera(scaled(evidence, AVERAGE_HEIGHT, own), camera.focal, camera.centre).bones
            gathered = gathered or evidence
            sight = _sight(one, evidence)
            rays, weight = replace(sight, weight=evidence.pixel_weight).at(times + offset)
            nearest = np.clip(np.round((times + offset - sight.start) * sight.fps).astype(int), 0, len(theirs) - 1)
            known = weight.any(axis=1)[:, None]
            parts.append(
                (
                    rays,
                    weight,
                    np.where(known, evidence.visibility[nearest], 0.0),
                    bones[nearest],
                    np.where(known, evidence.bone_weight[nearest], 0.0),
                )
            )
        arrays = [np.stack(values) for values in zip(*parts, strict=True)]
        if (arrays[1].any(axis=2).sum(axis=0) >= 2).sum() == 0:
            raise SolveError(
                "at no moment do two of the cameras show the person; give films that overlap in time, with the offsets "
                "of their clocks if these are known"
            )
        cameras = tuple(one.camera.camera for one in filmed)
        arrays[:3] = agreeing_sides(cameras, float(first.fps), *arrays[:3])
        points, residuals = _triangulated(cameras, *arrays[:3], _sizes(cameras, *arrays[:2]))
        return cls(cameras, gathered, *arrays, points, residuals)

    def scaled(self, unit):
        cameras = tuple(camera.replace(position=unit * camera.position) for camera in self.cameras)
        return replace(self, cameras=cameras, points=unit * self.points)

    def bones(self):
        """(F, B, 3) between triangulated landmarks; NaN where not all were."""
        # Of landmarks that a bone does not depend on, one that is unknown must not spoil it.
        known = np.stack([np.isfinite(self.points[:, row != 0, 0]).all(axis=1) for row in BONES], axis=1)
        return np.where(known[..., None], BONES @ np.nan_to_num(self.points), np.nan)

    def evidence(self, height):
        """For the solver, in metres."""
        first = self.cameras[0]
        others = tuple(
            FurtherView(
                rays,
                weight * (AVERAGE_HEIGHT / height),
                visibility,
                camera.rotation @ first.rotation.T,
                first.rotation @ (camera.position - first.position),
            )
            for camera, rays, weight, visibility in zip(
                self.cameras[1:], self.rays[1:], self.weight[1:], self.visibility[1:], strict=True
            )
        )
        bones, bone_weight = self._guessed(height)
        return replace(
            self.gathered,
            pixels=first.centre + first.focal * self.rays[0],
            pixel_weight=self.weight[0] * (AVERAGE_HEIGHT / height),
            visibility=self.visibility[0],
            bones=bones,
            bone_weight=bone_weight,
            lifted=True,
            others=others,
        )

    def _guessed(self, height):
        """Bones (F, B, 3) in the first camera's axes as the detectors guess them, and their weights: only those that
        fewer than two cameras tell."""
        first = self.cameras[0].rotation
        turned = np.stack(
            [own @ (first @ camera.rotation.T).T for camera, own in zip(self.cameras, self.own, strict=True)]
        )
        total = self.own_weight.sum(axis=0)
        mean = np.sum(self.own_weight[..., None] * turned, axis=0) / np.maximum(total, 1e-9)[..., None]
        unknown = np.isnan(self.bones()[..., 0])
        weight = np.where(unknown, np.minimum(total, 1.0), 0.0)
        return np.where(weight[..., None] > 0, mean * (height / AVERAGE_HEIGHT), 0.0), weight


def agreeing_sides(
    cameras: Sequence[Camera], fps: float, rays: np.ndarray, weight: np.ndarray, visibility: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What cameras saw, left and right exchanged where one took them for each other and the others tell it.

    The landmarks of the whole body, of arms and of legs are triangulated as they are, and with those of one camera
    exchanged. The camera whose exchange lets rays meet best over a fifth of a second, clearly better than as it is and
    than the exchange of any other camera, was wrong; then once more with that mended. Where two cameras see a person
    they cannot tell which of them is wrong, and are left alone.

    Args:
        cameras: C of them.
        fps: frames per second.
        rays: (C, F, L, 2) of the landmarks USED.
        weight, visibility: (C, F, L).
    """
    if len(cameras) < 3:
        return rays, weight, visibility
    mirror = np.array([USED.index(LANDMARKS[MIRRORED[LANDMARKS.index(name)]]) for name in USED])
    kind = np.array([name.removeprefix("left_").removeprefix("right_") for name in USED])
    arms = np.isin(kind, ("elbow", "wrist", "pinky", "index", "thumb"))
    legs = np.isin(kind, ("knee", "ankle", "heel", "foot_index"))
    arrays = [rays.copy(), weight.copy(), visibility.copy()]
    sizes, reach = _sizes(cameras, rays, weight), max(1, round(_REACH * fps))
    for part in (mirror != np.arange(len(USED)), arms, legs):
        chosen, other = np.flatnonzero(part), mirror[part]
        for _ in range(len(cameras) // 2):
            present = [values[:, :, chosen] for values in arrays]
            as_it_is = _disagreement(cameras, *present, sizes)
            spared = []
            for c in range(len(cameras)):
                exchanged = [values.copy() for values in present]
                for values, all_of_them in zip(exchanged, arrays, strict=True):
                    values[c] = all_of_them[c][:, other]
                better = as_it_is - _disagreement(cameras, *exchanged, sizes)
                spared.append(hann_average(better[:, None], reach)[:, 0])
            second, best = np.sort(spared, axis=0)[-2:]
            wrong = (best > _CLEAR) & (best > second + 0.5 * _CLEAR)
            if not wrong.any():
                break
            camera = np.argmax(spared, axis=0)
            for c in range(len(cameras)):
                frames = np.flatnonzero(wrong & (camera == c))
                for values in arrays:
                    values[c, frames[:, None], chosen] = values[c, frames[:, None], other]
    return tuple(arrays)


_FAR = 0.3  # of the person's size: further off does not count more
_CLEAR = 0.01  # of the size, by which rays of an exchanged camera must meet better, mean of all cameras
_REACH = 0.1  # seconds to each side


def _disagreement(cameras, rays, weight, visibility, sizes):
    """(F,) how far rays miss the points where they meet, of the person's size, mean of cameras and landmarks."""
    _, residuals = _triangulated(cameras, rays, weight, visibility, sizes)
    known = np.isfinite(residuals)
    far = np.where(known, np.minimum(np.nan_to_num(residuals) / sizes[:, None, None], _FAR), 0.0)
    sure = np.where(known, weight, 0.0)
    return np.sum(sure * far, axis=(0, 2)) / np.maximum(sure.sum(axis=(0, 2)), 1e-9)


def _sizes(cameras, rays, weight):
    """(C,) of the person in each picture, pixels."""
    at_one = [Sight("", seen, sure, 1.0, np.eye(3), np.zeros(3)).size for seen, sure in zip(rays, weight, strict=True)]
    return np.array([camera.focal for camera in cameras]) * at_one


def _gathered(one, swapped):
    """Evidence of one film as a pinhole would have seen it, on its own frames."""
    keypoints = one.camera.straight(one.detections.keypoints)
    return gather(one.detections.replace(keypoints=keypoints), swapped)


def _sight(one, evidence):
    camera = one.camera.camera
    return Sight(
        one.film.name,
        (evidence.pixels - camera.centre) / camera.focal,
        np.where(evidence.pixel_weight > 0, evidence.visibility**2, 0.0),
        float(evidence.fps),
        camera.rotation,
        camera.position,
        one.detections.start,
    )


def _triangulated(cameras, rays, weight, visibility, sizes):
    """Points (F, L, 3) and residuals (C, F, L) in pixels; sizes (C,) of the person in the pictures."""
    plain = [CalibratedCamera("", camera, ()) for camera in cameras]
    pixels = np.stack([camera.centre + camera.focal * seen for camera, seen in zip(cameras, rays, strict=True)])
    return triangulate(plain, pixels, np.where(weight > 0, visibility**2, 0.0), _OUTLIER * sizes)


def _size(bones, height):
    """The person's height, metres; the calibration's unit in metres; and what is to be said of them."""
    seen, parts = [], []
    for name, length in standard_lengths().items():
        found = np.linalg.norm(bones[:, BONE_NAMES.index(name)], axis=-1)
        if np.isfinite(found).any():
            seen.append(np.nanmedian(found))
            parts.append(length)
    if not seen:
        raise SolveError("no limb was seen by two cameras at one moment; give films that show the whole person")
    tall = float(np.sum(seen) / np.sum(parts))
    expected = height or AVERAGE_HEIGHT
    name, unit = min(_UNITS.items(), key=lambda pair: abs(np.log(tall * pair[1] / expected)))
    if height is not None and not 1 / _UNLIKE < tall * unit / height < _UNLIKE:
        return (
            height,
            height / tall,
            (f"the calibration's unit is taken for {height / tall:.4g} m, by the height given",),
        )
    if not _PEOPLE[0] <= tall * unit <= _PEOPLE[1]:
        raise SolveError(
            f"the person would be {tall:.3g} m tall by the calibration; give the height, which then sets the scale"
        )
    said = (
        ()
        if unit == 1
        else (f"the calibration's unit is taken for {name}, which makes the person {tall * unit:.2f} m",)
    )
    return tall * unit, unit, said


def _first_pose(scene, evidence, view):
    """From triangulated bones, and from what detectors guess of the others; gaps filled in between."""
    offsets, points = body_of(view.shape)
    to_world = view.first.T @ scene.cameras[0].rotation  # from the calibrated world to the solver's
    bones = scene.bones() @ to_world.T
    guessed = evidence.bones @ view.first
    bones = np.where(np.isnan(bones), np.where(evidence.bone_weight[..., None] > 0, guessed, np.nan), bones)
    own = BONES @ points.at(place(t_pose(1), offsets))
    frames = np.arange(len(bones))
    for b in range(len(BONE_NAMES)):
        known = np.flatnonzero(np.isfinite(bones[:, b, 0]))
        for c in range(3):
            bones[:, b, c] = np.interp(frames, known, bones[known, b, c]) if len(known) else own[0, b, c]
    pose = pose_along(steadied(bones, evidence), own)
    at = points.at(place(pose, offsets))
    there = (scene.points - scene.cameras[0].position) @ to_world.T
    seen = np.isfinite(there[..., 0])
    total = seen.sum(axis=1)
    known = np.flatnonzero(total >= min(4, total.max()))
    shift = np.sum(np.where(seen[..., None], np.nan_to_num(there) - at, 0.0), axis=1)[known] / total[known, None]
    root = np.stack([np.interp(frames, known, shift[:, c]) for c in range(3)], axis=1)
    return smoothed(replace(pose, root=root), evidence)


def _upright(evidence, pose, view, scene):
    """Pose and view with the calibration's up, or the person's where that is quite another; and what is to be said."""
    placed, feet = feet_of(pose, view)
    # The cameras' own ups together are a better guess than one camera's.
    pictures = -np.mean([camera.rotation[1] for camera in scene.cameras], axis=0)
    to_world = view.first.T @ scene.cameras[0].rotation
    pictures = to_world @ pictures / max(np.linalg.norm(pictures), 1e-9)
    level = rotate(rotation_between(pictures, np.array([0.0, 1.0, 0.0])), np.eye(3)).T
    guess = world_to_camera(up_in_camera(PICTURE_TILT, 0.0)) @ level
    up = guess.T @ estimate_up(placed, feet, foot_trust(evidence), float(evidence.fps), guess, evidence.takes())
    off = float(np.arccos(np.clip(up[1], -1, 1)))
    if off <= _TILTED:
        return pose, view, "up is the calibration's"
    first = world_to_camera(view.first @ up)
    said = f"the calibration's up is {np.degrees(off):.0f} degrees from how the person stands, which tells up instead"
    return pose.turned(first.T @ view.first), replace(view, first=first), said


def _with_views(solution, scene, filmed, offsets, said):
    """The solution with the camera of each film, and what is to be said of them."""
    camera, first = solution.camera(), scene.cameras[0]
    views, facts, warnings, every = [], [], list(said), []
    for one, of_film, rays, weight, triangulated, offset in zip(
        filmed, scene.cameras, scene.rays, scene.weight, scene.residuals, offsets, strict=True
    ):
        view = of_film.replace(
            rotation=of_film.rotation @ first.rotation.T @ camera.rotation,
            position=camera.position + camera.rotation.T @ first.rotation @ (of_film.position - first.position),
        )
        views.append(view)
        errors = np.linalg.norm(view.project(solution.places) - view.centre - view.focal * rays, axis=-1)[weight > 0]
        every.append(errors)
        facts.append(
            {
                "film": one.film.name,
                "camera": one.camera.name,
                "offset": round(float(offset), 5),
                "reprojection_pixels": _rounded_median(errors),
                "triangulation_pixels": _rounded_median(triangulated),
            }
        )
    few = scene.weight.any(axis=2).sum(axis=0) < 2
    if few.any():
        warnings.append(
            f"fewer than two cameras show the person in {frame_ranges(few, _SPANS)}; the distance there is guessed"
        )
    report = solution.report | {
        "cameras": facts,
        "reprojection_pixels": _rounded_median(np.concatenate(every)),
        "triangulation_pixels": _rounded_median(scene.residuals),
    }
    motion = solution.motion.replace(provenance=solution.motion.provenance | {"solver": report})
    return replace(
        solution,
        motion=motion,
        report=report,
        views=tuple(views),
        warnings=(*warnings, *solution.warnings),
    )


def _rounded_median(values):
    return round(float(np.nanmedian(values)), 3) if np.isfinite(values).any() else None
