"""BlazePose and MediaPipe Hands from the models inside MediaPipe's 0.10.21 wheel; nothing is downloaded.

`mediapipe.solutions.pose` follows one person and hides the parts it is made of. Its two halves are registered graphs
of their own and are used here directly: the person detector, which sees several people, and the landmark model, which
looks at one region. So does the model of a hand, at the place where the landmarks put it. None keeps state, so any
number of people can be followed with one instance.
"""

import contextlib
import os
import re
import sys
import tempfile
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

import numpy as np

from graphics_ml.errors import GraphicsMLError, MissingExtraError
from graphics_ml.pose.detection import LANDMARKS, Hands, Pose, Region

REGION_SCALE = 1.25
"""Side of a region over twice the distance from the hips to the rim of the person, as BlazePose was trained."""

HAND_SIZE = 0.25
"""Side of the region in which a hand is looked for, metres; on filmed characters 0.22 to 0.28 do equally well."""

_SMALLEST_HAND = 24  # side of its region in pixels; in a smaller one the hand model is no better than the body's


class MediaPipeDetector:
    """A `PoseDetector`. The models are loaded with the first picture, in about a second; the next one has them.

    Args:
        certainty: a person is seen where the finder's score reaches this, 0..1.
        presence: landmarks are given where the model's score for a person in the region reaches this, 0..1.
        hand: points of a hand are given where the model's score for one reaches this, 0..1.

    Raises:
        MissingExtraError: mediapipe is not installed.
        GraphicsMLError: it is installed without its models.
    """

    name = "mediapipe"
    landmarks = LANDMARKS

    def __init__(self, certainty: float = 0.5, presence: float = 0.5, hand: float = 0.8):
        self.settings = {"certainty": certainty, "presence": presence, "hand": hand}
        try:
            self.version = metadata.version("mediapipe")
        except metadata.PackageNotFoundError:
            raise MissingExtraError("mediapipe", "pose") from None

    def find(self, picture: np.ndarray) -> list[Region]:
        """Everyone in the whole picture who is at least about a fifth of it high, most certain first."""
        height, width = picture.shape[:2]
        people = []
        for detection in self._models.finder.process(np.ascontiguousarray(picture)).detections or ():
            hips, rim = detection.location_data.relative_keypoints[:2]
            x, y = hips.x * width, hips.y * height
            up_x, up_y = rim.x * width - x, rim.y * height - y
            size = 2 * REGION_SCALE * float(np.hypot(up_x, up_y))
            people.append(Region(x, y, size, float(np.arctan2(up_x, -up_y)), float(detection.score[0])))
        return sorted(people, key=lambda region: -region.score)

    def pose(self, picture: np.ndarray, region: Region) -> Pose | None:
        """The person in the region, or None where the model sees nobody."""
        height, width = picture.shape[:2]
        found = self._models.landmarker.process(
            {"picture": np.ascontiguousarray(picture), "region": self._within(picture, region)}
        )
        if not found.landmarks or not found.world or not found.next_region:
            return None
        values = np.array(
            [(p.x, p.y, p.z, p.visibility, p.presence) for p in found.landmarks.landmark[: len(LANDMARKS)]]
        )
        world = np.array([(p.x, p.y, p.z) for p in found.world.landmark[: len(LANDMARKS)]])
        following = found.next_region
        return Pose(
            keypoints=values[:, :2] * (width, height),
            depth=values[:, 2] * width,
            world=world,
            visibility=values[:, 3],
            presence=values[:, 4],
            region=Region(
                following.x_center * width, following.y_center * height, following.width * width, following.rotation
            ),
        )

    def hands(self, picture: np.ndarray, pose: Pose) -> Hands:
        """The hands of somebody who was seen in the picture, where they are large enough and not hidden."""
        hands = Hands(np.full((2, 21, 3), np.nan, np.float32), np.zeros(2, np.float32))
        for side, (wrist, pinky, index) in enumerate(_HAND_LANDMARKS):
            region = _hand_region(pose, wrist, pinky, index)
            if pose.visibility[wrist] > 0.5 and region.size > _SMALLEST_HAND:
                points, left = self._one_hand(picture, region)
                if points is not None:
                    hands.points[side], hands.score[side] = points, (left, 1 - left)[side]
        return hands

    def _one_hand(self, picture, region):
        """Points (21, 3) of the hand in the region and how likely it is a left one; None where there is none."""
        found = self._models.hand.process(
            {"picture": np.ascontiguousarray(picture), "region": self._within(picture, region)}
        )
        if not found.points or not found.side:
            return None, 0.0
        height, width = picture.shape[:2]
        points = np.array([(p.x * width, p.y * height, p.z * width) for p in found.points.landmark])
        # The model was trained on mirrored pictures, as a telephone's front camera shows them.
        side = found.side.classification[0]
        return points, side.score if side.label == "Right" else 1 - side.score

    def _within(self, picture, region):
        height, width = picture.shape[:2]
        return self._models.rect(
            x_center=region.x / width,
            y_center=region.y / height,
            width=region.size / width,
            height=region.size / height,
            rotation=region.rotation,
        )

    def load(self) -> None:
        """Load the models now."""
        _loaded(**self.settings)

    @property
    def _models(self) -> "_Models":
        # Only now: where the detections are cached, mediapipe's import would be most of the time.
        return _loaded(**self.settings)


class _Models(NamedTuple):
    finder: object
    landmarker: object
    hand: object
    rect: type


@lru_cache(maxsize=1)
def _loaded(certainty, presence, hand):
    """The models, kept: they remember nothing of a film, and the next one begins at once."""
    with _quiet():
        base, rect = _mediapipe()
        params = {f"{_FINDER_SCORE}.min_score_thresh": certainty}
        finder = base(graph_config=_FINDER, calculator_params=params)
        params = {f"{_LANDMARK_SCORE}.threshold": presence}
        landmarker = base(graph_config=_LANDMARKER, calculator_params=params)
        hands = base(graph_config=_HAND, calculator_params={f"{_HAND_SCORE}.threshold": hand})
        # Their messages come with the first picture.
        black = np.zeros((64, 64, 3), np.uint8)
        finder.process(black)
        middle = rect(x_center=0.5, y_center=0.5, width=1.0, height=1.0)
        landmarker.process({"picture": black, "region": middle})
        hands.process({"picture": black, "region": middle})
    return _Models(finder, landmarker, hands, rect)


def _hand_region(pose, wrist, pinky, index):
    """A square around the middle of the hand, its fingers upwards."""
    x, y = (2 * pose.keypoints[index] + pose.keypoints[pinky]) / 3
    right, down = (x, y) - pose.keypoints[wrist]
    scale = np.linalg.norm(np.ptp(pose.keypoints, axis=0)) / np.linalg.norm(np.ptp(pose.world[:, :2], axis=0))
    return Region(x, y, HAND_SIZE * float(scale), float(np.arctan2(right, -down)))


_FINDER = """
input_stream: "picture"
output_stream: "detections"
node { calculator: "PoseDetectionCpu" input_stream: "IMAGE:picture" output_stream: "DETECTIONS:detections" }
"""

_LANDMARKER = """
input_stream: "picture"
input_stream: "region"
output_stream: "landmarks"
output_stream: "world"
output_stream: "next_region"
node {
  calculator: "ConstantSidePacketCalculator"
  output_side_packet: "PACKET:0:complexity"
  output_side_packet: "PACKET:1:segmentation"
  options { [mediapipe.ConstantSidePacketCalculatorOptions.ext] {
    packet { int_value: 1 } packet { bool_value: false } } }
}
node {
  calculator: "PoseLandmarkByRoiCpu"
  input_stream: "IMAGE:picture"
  input_stream: "ROI:region"
  input_side_packet: "MODEL_COMPLEXITY:complexity"
  input_side_packet: "ENABLE_SEGMENTATION:segmentation"
  output_stream: "LANDMARKS:landmarks"
  output_stream: "AUXILIARY_LANDMARKS:auxiliary"
  output_stream: "WORLD_LANDMARKS:world"
}
node { calculator: "ImagePropertiesCalculator" input_stream: "IMAGE_CPU:picture" output_stream: "SIZE:size" }
node {
  calculator: "PoseLandmarksToRoi"
  input_stream: "LANDMARKS:auxiliary"
  input_stream: "IMAGE_SIZE:size"
  output_stream: "ROI:next_region"
}
"""

_HAND = """
input_stream: "picture"
input_stream: "region"
output_stream: "points"
output_stream: "side"
node {
  calculator: "ConstantSidePacketCalculator"
  output_side_packet: "PACKET:complexity"
  options { [mediapipe.ConstantSidePacketCalculatorOptions.ext] { packet { int_value: 1 } } }
}
node {
  calculator: "HandLandmarkCpu"
  input_stream: "IMAGE:picture"
  input_stream: "ROI:region"
  input_side_packet: "MODEL_COMPLEXITY:complexity"
  output_stream: "LANDMARKS:points"
  output_stream: "HANDEDNESS:side"
}
"""

_FINDER_SCORE = "posedetectioncpu__TensorsToDetectionsCalculator"
_LANDMARK_SCORE = "poselandmarkbyroicpu__tensorstoposelandmarksandsegmentation__ThresholdingCalculator"
_HAND_SCORE = "handlandmarkcpu__ThresholdingCalculator"
_MODELS = (
    "pose_detection/pose_detection.tflite",
    "pose_landmark/pose_landmark_full.tflite",
    "hand_landmark/hand_landmark_full.tflite",
)
_HAND_LANDMARKS = [
    [LANDMARKS.index(f"{side}_{part}") for part in ("wrist", "pinky", "index")] for side in ("left", "right")
]


def _mediapipe():
    """(SolutionBase, NormalizedRect), or the error that says what to install."""
    os.environ.setdefault("GLOG_minloglevel", "2")
    try:
        import mediapipe
    except ModuleNotFoundError as error:
        raise MissingExtraError(error.name or "mediapipe", "pose") from error
    modules = Path(mediapipe.__file__).parent / "modules"
    if not all((modules / model).is_file() for model in _MODELS):
        raise GraphicsMLError(
            f"mediapipe {metadata.version('mediapipe')} carries no pose models; "
            "install one that does: pip install mediapipe==0.10.21"
        )
    from mediapipe.framework.formats.rect_pb2 import NormalizedRect
    from mediapipe.python.solution_base import SolutionBase

    return SolutionBase, NormalizedRect


_CHATTER = re.compile(
    rb"^(?:[IWE]\d{4} \d|WARNING: All log messages before absl|INFO: (?:Created TensorFlow|Initialized TensorFlow))"
)


@contextlib.contextmanager
def _quiet():
    """Keep MediaPipe's own messages from the terminal; whatever else is written to it meanwhile comes out after.

    Its C++ code writes to file descriptor 2 whatever the logging settings say.
    """
    sys.stderr.flush()
    with tempfile.TemporaryFile() as caught:
        terminal = os.dup(2)
        os.dup2(caught.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(terminal, 2)
            os.close(terminal)
            caught.seek(0)
            for line in caught:
                if not _CHATTER.match(line):
                    os.write(2, line)
