"""From landmarks in the picture to landmarks in space, by a network that sees a second and a half to both sides.

A dilated temporal convolution in the manner of Pavllo et al. 2019 ("3D human pose estimation in video with temporal
convolutions and semi-supervised training"), residual and layer-normalised. What goes in does not depend on where in the
picture the person is, nor how large: the camera is turned in thought until it looks straight at the person (Yu et al.
2021, "PCLs: Geometry-aware Neural Reconstruction of 3D Pose with Perspective Crop Layers"), and the picture is scaled
by the person's size in it. What comes out is in the axes of that turned camera, with the size of an average person.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from graphics_ml.errors import FileError, GraphicsMLError
from graphics_ml.motion.filters import hann_average
from graphics_ml.motion.rotations import conjugate, rotate, rotation_between
from graphics_ml.pose.camera import CameraSettings
from graphics_ml.pose.detection import LANDMARKS, MIRRORED, Detections
from graphics_ml.pose.places import takes_between
from graphics_ml.pose.sides import cuts, mend_sides
from graphics_ml.training.weights import load_weights
from graphics_ml.wording import frame_ranges

LEARNER = "lifter"
"""The name under which recipes and weights know it."""

WEIGHTS = Path(__file__).parent / "weights" / "lifter.safetensors"
"""Ours, trained on motions that were invented by rule."""

RATE = 30.0
"""Frames a second that the network learned from, give or take a third."""

NAME = "graphics-ml"
"""The lifter's name, as `Detections.lifter` has it."""

DEFAULT_FOCAL = 0.95
"""Focal length over the picture's longer side, where nothing is known of the camera: 56 degrees, as in the solver."""

INPUTS = 3 * len(LANDMARKS) + 4
"""Numbers that go in for each frame, see `Seen`."""

_WRISTS = [LANDMARKS.index("left_wrist"), LANDMARKS.index("right_wrist")]
HIPS = [LANDMARKS.index("left_hip"), LANDMARKS.index("right_hip")]


class LifterError(GraphicsMLError):
    """Landmarks cannot be lifted."""


class LifterNetwork(nn.Module):
    """(B, T, INPUTS) to (B, T, L, 3) metres, relative to the middle of the hips.

    Args:
        width: numbers that each layer passes on for a frame.
        dilations: frames between those that a block looks at, one block each.
    """

    def __init__(self, width: int = 256, dilations: tuple[int, ...] = (1, 3, 9, 27)):
        super().__init__()
        self.first = nn.Linear(INPUTS, width)
        self.blocks = nn.ModuleList(_Block(width, step) for step in dilations)
        self.last = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 3 * len(LANDMARKS)))
        self.flat = nn.Linear(INPUTS, 3 * len(LANDMARKS), bias=False)
        self.reach = sum(dilations)
        self._begin_flat()

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        hidden = self.first(inputs)
        for block in self.blocks:
            hidden = block(hidden)
        places = (self.last(hidden) + self.flat(inputs)).unflatten(-1, (len(LANDMARKS), 3))
        return places - places[..., HIPS, :].mean(dim=-2, keepdim=True)

    def _begin_flat(self):
        """Begin with what is seen as a flat picture of a person of usual size: only depth is then left to learn."""
        with torch.no_grad():
            self.flat.weight.zero_()
            for axis in (0, 1):
                rows, columns = (torch.arange(axis, step * len(LANDMARKS), step) for step in (3, 2))
                self.flat.weight[rows, columns] = _SPREAD
            self.last[1].weight.mul_(0.1)


def dilations(blocks: int) -> tuple[int, ...]:
    """Of so many blocks, each of which looks three times as far as the one before."""
    return tuple(3**block for block in range(blocks))


class _Block(nn.Module):
    """A convolution over three frames, `step` apart, and a dense layer, added to what came in."""

    def __init__(self, width, step):
        super().__init__()
        self.step = step
        self.norm = nn.LayerNorm(width)
        self.over_time, self.dense = nn.Linear(3 * width, width), nn.Linear(width, width)

    def forward(self, hidden):
        # As one product with a matrix, which on a CPU is several times as fast as conv1d.
        padded = nn.functional.pad(self.norm(hidden), (0, 0, self.step, self.step))
        frames = hidden.shape[-2]
        near = torch.cat([padded[..., k * self.step : k * self.step + frames, :] for k in range(3)], dim=-1)
        return hidden + self.dense(torch.relu(self.over_time(near)))


def lift(
    detections: Detections, camera: CameraSettings | None = None, network: LifterNetwork | None = None
) -> Detections:
    """The same detections, `world` and `depth` replaced by what the lifter makes of the landmarks in the picture.

    Each landmark is placed by all frames within a second and a half, so one that is hidden for a moment still has a
    place; frames in which nobody was found stay empty. Where the detector mistook left for right, sides are exchanged
    in all that comes out. The person's size is that of the detector's own metric landmarks, where it gave some; the
    picture does not tell it.

    Args:
        detections: F frames of the landmarks LANDMARKS, at any frame rate, at least one with a person.
        camera: what is known of the camera; a usual field of view is taken where its own is not known.
        network: None: ours.

    Raises:
        LifterError: the detector's landmarks are others.
        FileError: our weights are missing or damaged.
    """
    view = _view(detections, camera)
    return _placed(view, _lifted_world(view, network or shipped_network()))


def lift_with_detector(
    detections: Detections, camera: CameraSettings | None = None, network: LifterNetwork | None = None
) -> Detections:
    """As `lift`, but where the detector gave metric landmarks of its own, the mean of both, in the camera's axes.

    The one goes by the picture and the other by where landmarks go over time, and they err differently. Motions solved
    from the mean are off by 59.2 mm (PA-MPJPE) on 25 rendered films, from the lifter's places by 63.7, from MediaPipe's
    by 60.2; before four real cameras by 60.8, 59.6 and 65.1.

    Args, Raises: as `lift`.
    """
    view = _view(detections, camera)
    lifted = _lifted_world(view, network or shipped_network())
    # The detector sees the person as though the camera looked straight at them.
    turns = look(view.rays, view.sure).turns
    own = rotate(conjugate(turns)[:, None], view.detections.world)
    return _placed(view, np.where(np.isfinite(own), (lifted + own) / 2, lifted))


class _View(NamedTuple):
    """Detections whose sides are mended, and what `look` wants of them."""

    detections: Detections
    breaks: np.ndarray  # (F,) bool, cuts in the film
    focal: float
    rays: np.ndarray  # (F, L, 2)
    visibility: np.ndarray  # (F, L), 0 where unknown
    sure: np.ndarray  # (F, L)


def _view(detections, camera):
    if detections.landmarks != LANDMARKS:
        raise LifterError(
            f"the lifter knows the {len(LANDMARKS)} landmarks of BlazePose, and {detections.detector} gives others; "
            "choose another detector, or no lifter"
        )
    width, height = detections.image_size
    settings = camera or CameraSettings()
    focal = settings.focal_length(width, height) or DEFAULT_FOCAL * max(width, height)
    centre = np.array(settings.centre if settings.centre is not None else (width / 2, height / 2))
    detections, breaks = _with_sides_mended(detections)
    known = detections.found[:, None] & np.isfinite(detections.keypoints).all(axis=-1)
    rays = np.where(known[..., None], (detections.keypoints - centre) / focal, 0.0)
    visibility = np.where(known, np.clip(np.nan_to_num(detections.visibility), 0, 1), 0.0)
    return _View(detections, breaks, focal, rays, visibility, confidence(visibility, known))


def _lifted_world(view, network):
    """(F, L, 3) metres, in camera axes; NaN where nobody was found."""
    detections, known = view.detections, view.sure > 0
    world = np.full((*known.shape, 3), np.nan)
    for take in takes_between(view.breaks):
        if known[take].any():
            world[take] = _lifted(network, view.rays[take], view.sure[take], float(detections.fps))
    world = _drawn_to_sight(world, view.rays, view.visibility)
    world *= _size_of(detections.world, world, detections.found)
    world[~detections.found] = np.nan
    return world


def _placed(view, world):
    """The detections with landmarks at these places, and the depth that goes with them."""
    depth = world[..., 2] * (_pixels_per_metre(view.rays, view.sure, world) * view.focal)[:, None]
    return view.detections.replace(world=world, depth=depth, lifter=NAME)


def _with_sides_mended(detections):
    """The detections with left and right exchanged where that is what continuity asks for, which they then say, and
    the cuts (F,) in the film."""
    known = detections.found[:, None] & np.isfinite(detections.keypoints).all(axis=-1)
    pixels = np.where(known[..., None], detections.keypoints, 0.0)
    visibility = np.where(known, np.nan_to_num(detections.visibility), 0.0)
    breaks = cuts(pixels, visibility, detections.fps, LANDMARKS)
    depth = np.nan_to_num(detections.world[..., 2])
    order = mend_sides(pixels, depth, known.any(axis=1), breaks, detections.fps, LANDMARKS)
    wrong = (order != np.arange(len(LANDMARKS))).any(axis=1)
    if not wrong.any():
        return detections, breaks
    mended = {
        name: np.take_along_axis(values := getattr(detections, name), order[..., None] if values.ndim > 2 else order, 1)
        for name in ("keypoints", "world", "visibility", "presence")
    }
    if detections.hands:  # they were looked for at wrists of the other side
        astray = order[:, _WRISTS] != _WRISTS
        mended["hands"] = detections.hands._replace(score=np.where(astray, 0.0, detections.hands.score))
    said = f"the detector mistook left for right in {frame_ranges(wrong, _SPANS)}; they were exchanged"
    return detections.replace(**mended, warnings=(*detections.warnings, said)), breaks


@dataclass(frozen=True)
class Seen:
    """What the network is shown of a clip.

    Attributes:
        inputs: (F, INPUTS) float32: L places in the turned picture over the person's size in it (x right, y down, 0
            where unknown), L confidences (0 where unknown), the logarithm of the size, where the person is in the
            picture (x, y), and whether anything is seen.
        turns: (F, 4) unit quaternions, from the camera's axes to those of the turned camera.
    """

    inputs: np.ndarray
    turns: np.ndarray


def look(rays: np.ndarray, confidence: np.ndarray) -> Seen:
    """Turn the camera to the person, and scale.

    Args:
        rays: (F, L, 2) where landmarks are seen: x/z and y/z in camera axes; anything where unknown.
        confidence: (F, L) 0..1; 0 where unknown. At least one frame has some.
    """
    known = confidence > 0
    seen = known.any(axis=1)
    rays = np.where(known[..., None], rays, 0.0)
    weight = confidence * _TRUNK
    weight = np.where(weight.sum(axis=1, keepdims=True) > 0, weight, confidence)
    directions = np.concatenate((rays, np.ones((*rays.shape[:2], 1))), axis=-1)
    ahead = np.einsum("fl,flc->fc", weight / np.linalg.norm(directions, axis=-1), directions)
    sight = _between(ahead[:, :2] / np.maximum(ahead[:, 2:], 1e-9), seen)
    ahead = np.concatenate((sight, np.ones((len(sight), 1))), axis=1)
    turns = rotation_between(ahead, np.broadcast_to([0.0, 0.0, 1.0], ahead.shape))
    along = rotate(turns[:, None], directions)
    places = along[..., :2] / np.maximum(along[..., 2:], 0.05)
    # Of landmarks seen alike, so that a hidden arm makes nobody smaller.
    spread = np.einsum("fl,fl->f", confidence, np.sum(places**2, axis=-1)) / np.maximum(confidence.sum(axis=1), 1e-9)
    size = _between(0.5 * np.log(np.maximum(spread, 1e-8))[:, None], seen)
    size = hann_average(size, _SIZE_REACH)[:, 0]
    places = np.where(known[..., None], places / np.exp(size)[:, None, None], 0.0)
    inputs = np.concatenate(
        (places.reshape(len(rays), -1), confidence, size[:, None] + 2.0, sight, seen[:, None]), axis=1
    )
    return Seen(inputs.astype(np.float32), turns)


def confidence(visibility: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Of landmarks, as `look` wants it: what is known but hidden is worth more than what is not known at all."""
    return np.where(known, _LEAST + (1 - _LEAST) * visibility, 0.0)


_LEAST = 0.1
_TRUNK = np.isin(LANDMARKS, ("left_shoulder", "right_shoulder", "left_hip", "right_hip")).astype(float)
_SPREAD = 0.42  # metres, of a person's landmarks about their middle
_SIZE_REACH = 15  # frames to each side over which a person's size in the picture is averaged


def _between(values, known):
    """Values (F, N), those of frames that are not known taken from the frames around, linearly."""
    frames = np.arange(len(values))
    return np.stack([np.interp(frames, frames[known], column[known]) for column in values.T], axis=1)


def _lifted(network, rays, sure, fps):
    """(F, L, 3) metres, of one take; as `look`."""
    every = max(1, round(fps / RATE))  # frames of quick films are lifted in turns
    between = max(1, round(RATE / fps))  # slow films have frames missing
    world = np.empty((*sure.shape, 3))
    for phase in range(min(every, len(rays))):
        part = slice(phase, None, every)
        frames = len(rays[part])
        spread = [np.zeros((between * (frames - 1) + 1, *values.shape[1:])) for values in (rays, sure)]
        for values, into in zip((rays, sure), spread, strict=True):
            into[::between] = values[part]
        world[part] = _at_rate(network, *spread)[::between] if spread[1].any() else np.nan
    return world


def _at_rate(network, rays, sure):
    seen = look(rays, sure)
    inputs = torch.from_numpy(np.stack((seen.inputs, mirrored_inputs(seen.inputs))))
    places, margin = [], network.reach
    with torch.inference_mode():
        for start in range(0, len(rays), _CHUNK):
            first, stop = max(0, start - margin), min(len(rays), start + _CHUNK + margin)
            both = network(inputs[:, first:stop])[:, start - first : start - first + _CHUNK]
            places.append(both.numpy().astype(np.float64))
    straight, other = np.concatenate(places, axis=1)
    # Left-handed people must not be lifted worse: the mean of the film and its mirror image.
    places = (straight + mirrored_places(other)) / 2
    return rotate(conjugate(seen.turns)[:, None], places)


def mirrored_inputs(inputs: np.ndarray) -> np.ndarray:
    """The inputs (F, INPUTS) of the same person seen in a mirror."""
    count = len(LANDMARKS)
    places = inputs[:, : 2 * count].reshape(-1, count, 2)[:, list(MIRRORED)] * np.array((-1, 1), inputs.dtype)
    sure = inputs[:, 2 * count : 3 * count][:, list(MIRRORED)]
    rest = inputs[:, 3 * count :] * np.array((1, -1, 1, 1), inputs.dtype)
    return np.concatenate((places.reshape(len(inputs), -1), sure, rest), axis=1)


def mirrored_places(places: np.ndarray) -> np.ndarray:
    """Landmarks (F, L, 3) of a person seen in a mirror."""
    return places[:, list(MIRRORED)] * (-1, 1, 1)


_SPANS = 6  # of frames that a sentence names
_CHUNK = 4096  # frames lifted at once; the memory of an hour's film stays small


def _drawn_to_sight(world, rays, visibility):
    """Places (F, L, 3), those that are seen well drawn to the lines on which they are seen: at their own depth, from
    where the person stands by least squares of all (x + X - u (z + Z) = 0, and y alike, are linear in X, Y, Z)."""
    u, v = rays[..., 0], rays[..., 1]
    nothing, one = np.zeros_like(u), np.ones_like(u)
    rows = np.stack((np.stack((one, nothing, -u), -1), np.stack((nothing, one, -v), -1)), axis=2)  # (F, L, 2, 3)
    places = np.nan_to_num(world)
    wanted = -np.einsum("flac,flc->fla", rows, places)
    matrix = np.einsum("fl,flac,flad->fcd", visibility**2, rows, rows)
    right = np.einsum("fl,flac,fla->fc", visibility**2, rows, wanted)
    person = np.linalg.solve(matrix + 1e-9 * np.eye(3), right[..., None])[:, None, :, 0]
    depth = (places + person)[..., 2:]
    seen = np.concatenate((rays, np.ones_like(depth)), axis=-1) * depth - person
    # Who is not before the camera was hardly seen at all.
    share = np.where(depth > 0.1, _TO_SIGHT * visibility[..., None], 0.0)
    drawn = world + share * (seen - places)
    return drawn - drawn[:, HIPS].mean(axis=1, keepdims=True)


# Half way: a detector's errors are no smaller than the network's. On 25 rendered films all the way is nearly as good.
_TO_SIGHT = 0.5


def _size_of(detected, lifted, found):
    """What lifted landmarks are to be multiplied with to have the size of the detector's, or of people whose size
    MediaPipe's have where it gave none."""
    lengths = [np.linalg.norm(places[..., _BONES[0], :] - places[..., _BONES[1], :], axis=-1).sum(axis=-1)
               for places in (detected, lifted)]  # fmt: skip
    both = found & np.isfinite(lengths[0]) & np.isfinite(lengths[1])
    if not both.any() or not np.median(lengths[0][both]) > 0:
        return 1 / 1.06
    return float(np.median(lengths[0][both]) / np.median(lengths[1][both]))


_BONES = [
    [LANDMARKS.index(f"{side}_{part[end]}") for side in ("left", "right")
     for part in (("shoulder", "elbow"), ("elbow", "wrist"), ("hip", "knee"), ("knee", "ankle"), ("shoulder", "hip"))]
    for end in (0, 1)
]  # fmt: skip


def _pixels_per_metre(rays, sure, world):
    """(F,) over the focal length: how large a metre at the person's distance is in the picture, by least squares."""
    middle = np.einsum("fl,flc->fc", sure, rays) / np.maximum(sure.sum(axis=1), 1e-9)[:, None]
    at = np.nan_to_num(world[..., :2])
    at = at - np.einsum("fl,flc->fc", sure, at)[:, None] / np.maximum(sure.sum(axis=1), 1e-9)[:, None, None]
    above = np.einsum("fl,flc,flc->f", sure, rays - middle[:, None], at)
    return above / np.maximum(np.einsum("fl,flc,flc->f", sure, at, at), 1e-9)


@lru_cache(maxsize=1)
def shipped_network() -> LifterNetwork:
    """Our own weights.

    Raises:
        FileError: they are missing or damaged.
    """
    return load_network(WEIGHTS)


def load_network(path: Path) -> LifterNetwork:
    """A network that was trained by `lifter_learner.LifterLearner`.

    Raises:
        FileError: there are no such weights, or they are another network's.
    """
    weights = load_weights(path, LEARNER)
    network = LifterNetwork(weights.model["width"], dilations(weights.model["blocks"]))
    try:
        network.load_state_dict(weights.tensors)
    except RuntimeError as error:
        raise FileError(
            path, None, "these weights do not fit the lifter; train them again: graphics-ml train"
        ) from error
    return network.eval()
