"""Our own networks as a pose detector: people are found by person_boxes, their landmarks by keypoint_network.

They see a picture only: depth and places in space are NaN until a lifter has given them. Like the box of a person, the
region in which somebody is looked for next is around what is seen of them, turned so that the torso stands upright.
"""

import math
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import nn

from graphics_ml.errors import FileError
from graphics_ml.images.augment import inverse_map, mapped, region_map, warped
from graphics_ml.images.resnet import as_input, folded
from graphics_ml.jobs import filled
from graphics_ml.pose.detection import LANDMARKS, Pose, Region
from graphics_ml.pose.keypoint_data import MARGIN
from graphics_ml.pose.keypoint_network import KeypointModel, KeypointNetwork
from graphics_ml.pose.likeness import BODY, leap
from graphics_ml.pose.person_boxes import BoxModel, BoxNetwork, fitted_map
from graphics_ml.provenance import file_hash
from graphics_ml.training.weights import load_weights

OURS = Path(__file__).parent / "weights"
"""Where the weights lie that come with graphics_ml."""

_KINDS = {
    "pose_2d": ("pose 2d", KeypointModel, KeypointNetwork),
    "person_boxes": ("person boxes", BoxModel, BoxNetwork),
}
_RIM = 1.1  # the body reaches so far beyond its landmarks: the crown over the eyes, the tips of the fingers
_FIT = 0.25  # of leap, from which a region was so wrong that it is worth a second look
_SHOULDERS, _HIPS = [11, 12], [23, 24]


class NetworkDetector:
    """A `PoseDetector`. The weights are loaded with the first picture.

    Args:
        certainty: a person is seen where the finder's score reaches this, 0..1.
        presence: landmarks are given where those of shoulders, hips and limbs are in the picture with this mean
            probability, 0..1.
        weights: folder with pose_2d.safetensors or person_boxes.safetensors, in place of our own.

    Raises:
        FileError: there are no weights, or others.
    """

    name = "graphics-ml"
    landmarks = LANDMARKS

    def __init__(self, certainty: float = 0.4, presence: float = 0.35, weights: Path | None = None):
        self.settings = {"certainty": certainty, "presence": presence}
        self._paths = {name: trained(name, weights) for name in _KINDS}
        self.version = "-".join(file_hash(path)[:8] for path in self._paths.values())

    def find(self, picture: np.ndarray) -> list[Region]:
        """Everyone in the whole picture, most certain first."""
        network = self._network("person_boxes")
        through = fitted_map(picture, network.model.size)
        with torch.inference_mode():
            ((boxes, scores),) = network.find(_seen(picture, through, network.model.size), self.settings["certainty"])
        corners = mapped(boxes.numpy().reshape(-1, 2, 2).astype(np.float64), inverse_map(through))
        return [
            Region(*map(float, box.mean(axis=0)), MARGIN * float(np.ptp(box, axis=0).max()), 0.0, float(score))
            for box, score in zip(corners, scores, strict=True)
        ]

    def pose(self, picture: np.ndarray, region: Region) -> Pose | None:
        """The person in the region, or None where the network sees nobody."""
        pose = self._look(picture, region)
        # Who lies or bends, or was found by their box only, is looked at again where they are.
        if pose is not None and (
            leap(region, pose.region) > _FIT
            or abs(math.remainder(pose.region.rotation - region.rotation, math.tau)) > 0.5
        ):
            pose = self._look(picture, pose.region) or pose
        return pose

    def load(self) -> None:
        """Load the weights now."""
        for name in _KINDS:
            self._network(name)

    def _look(self, picture, region):
        network = self._network("pose_2d")
        size = network.model.size
        through = region_map((region.x, region.y), region.size, region.rotation, size)
        with torch.inference_mode():
            found = [one[0].double().numpy() for one in network.find(_seen(picture, through, size))]
        points, present, visible, near = found
        if present[BODY].mean() < self.settings["presence"]:
            return None
        keypoints = mapped(points, inverse_map(through))
        nothing = np.full(len(LANDMARKS), np.nan)
        return Pose(
            keypoints=keypoints,
            depth=nothing,
            world=np.repeat(nothing[:, None], 3, axis=1),
            # A landmark that was put in the wrong place is as little use as one that is hidden.
            visibility=visible * near,
            presence=present,
            region=next_region(keypoints, present, region),
        )

    def _network(self, name):
        return _loaded(name, self._paths[name])


def trained(name: str, folder: Path | None = None) -> Path:
    """Where the weights of a network lie.

    Args:
        name: of the network, as its recipe is called.
        folder: with weights of one's own; what it lacks, or all where it is None, comes with graphics_ml.

    Raises:
        FileError: there are none.
    """
    places = [place / f"{name}.safetensors" for place in (folder, OURS) if place]
    path = next((one for one in places if one.is_file()), places[0])
    if not path.is_file():
        made = f"graphics-ml train {name} --data SET -o {path}"
        raise FileError(path, None, f"there are no weights of this network; train them on a rendered data set: {made}")
    return path


def next_region(keypoints: np.ndarray, present: np.ndarray, region: Region | None = None) -> Region:
    """The square around the landmarks that are likely in the picture, turned so that the torso stands upright in it.

    Args:
        keypoints: (L, 2) pixels.
        present: (L,) how likely they are in the picture.
        region: in which they were found; its turn is kept where the torso does not tell it.
    """
    certain = present > 0.5
    rotation = region.rotation if region else 0.0
    if certain[_SHOULDERS + _HIPS].all():
        up = keypoints[_SHOULDERS].mean(axis=0) - keypoints[_HIPS].mean(axis=0)
        # Seen from above or below a torso is too short to say where up is.
        if np.hypot(*up) > 0.15 * np.ptp(keypoints[certain], axis=0).max():
            rotation = float(np.arctan2(up[0], -up[1]))
    chosen = keypoints[certain] if certain.sum() >= 4 else keypoints
    turn = np.array([[math.cos(rotation), math.sin(rotation)], [-math.sin(rotation), math.cos(rotation)]])
    upright = chosen @ turn.T
    low, high = upright.min(axis=0), upright.max(axis=0)
    x, y = (low + high) / 2 @ turn
    return Region(float(x), float(y), MARGIN * _RIM * float(max(*(high - low), 1.0)), rotation)


@lru_cache(maxsize=4)
def _loaded(name, path) -> nn.Module:
    """A network, ready; the next film begins at once."""
    learner, model, network = _KINDS[name]
    weights = load_weights(path, learner)
    network = network(filled(model, weights.model, f"the model in {path}"))
    try:
        network.load_state_dict(weights.tensors)
    except RuntimeError as error:
        raise FileError(path, None, "these weights do not fit their network; train them again") from error
    return folded(network)


def _seen(picture, through, size):
    return as_input(torch.from_numpy(warped(picture, through, size))[None])
