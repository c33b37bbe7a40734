"""How the camera turned while it filmed, from the background.

Corners of the picture outside the person are followed from frame to frame at a reduced size (Lucas and Kanade 1981, in
pyramids: Bouguet 2001), and the similarity that most of them agree on (RANSAC) is what the camera did: a shift of the
picture is a pan or tilt, a turn is a roll. A camera that only turns shows no parallax, so this much can be undone
exactly; a camera that walks is compensated as well as turning can, and that is said.
"""

import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from graphics_ml.errors import MissingExtraError
from graphics_ml.outputs import write_bytes
from graphics_ml.pose.detection import Detections
from graphics_ml.pose.video import Video
from graphics_ml.wording import short_repr

METHOD = 2
"""Raised when this file changes what is found, so that older caches are not used."""


@short_repr
@dataclass(frozen=True)
class CameraMotion:
    """The picture's motion against the first frame.

    Attributes:
        shift: (F, 2) pixels by which the background's middle has moved.
        turn: (F,) radians by which it has turned, clockwise as seen in the picture.
        size: (width, height) of the picture.
        warning: one sentence for the user, empty where the camera stood still.
    """

    shift: np.ndarray
    turn: np.ndarray
    size: tuple[int, int]
    warning: str = ""

    def rotations(self, focal: float, centre: np.ndarray) -> np.ndarray:
        """(F, 3, 3) from the first frame's camera axes to each frame's, for a focal length in pixels."""
        middle = np.array(self.size) / 2 - centre
        # What was ahead at the middle is now seen where it has moved to.
        ray = np.concatenate(((self.shift + middle) / focal, np.ones((len(self.shift), 1))), axis=1)
        ray /= np.linalg.norm(ray, axis=1, keepdims=True)
        start = np.append(middle / focal, 1.0)
        start /= np.linalg.norm(start)
        cosine, sine = np.cos(self.turn), np.sin(self.turn)
        zero, one = np.zeros_like(cosine), np.ones_like(cosine)
        roll = np.stack(
            (np.stack((cosine, -sine, zero), -1), np.stack((sine, cosine, zero), -1), np.stack((zero, zero, one), -1)),
            axis=1,
        )
        return _turn_between(roll @ start, ray) @ roll


def estimate_camera_motion(
    video: Video, detections: Detections, rate: float = 12.0, cache: str | Path | None = None
) -> CameraMotion | None:
    """The motion of the camera in a film; None where it stands still, or nothing can be said.

    Args:
        video: the film or the part of it that was detected.
        detections: of the same frames; what moves with the person is left out.
        rate: how many pictures a second are looked at.
        cache: .npz beside the output. It is used if it was made with the same detections and rate, and written
            otherwise; then the film is not decoded again.

    Raises:
        OutputError: the cache cannot be written.
        MissingExtraError: OpenCV, which comes with mediapipe, is not installed.
    """
    key = f"{METHOD} {rate} {detections.key}"
    moves = None if cache is None else _cached(cache, key, len(detections))
    if moves is None:
        moves = _followed(video, detections, rate)
        if cache is not None:
            file = io.BytesIO()
            np.savez_compressed(file, key=np.array(key), moves=moves)
            write_bytes(cache, file.getvalue())
    drift = np.linalg.norm(moves[:, :2], axis=1)
    width, height = detections.image_size
    turned = np.abs(moves[:, 2]).max() * max(width, height) / 2
    if max(drift.max(), turned) < _STILL * max(width, height):
        return None
    sentence = (
        f"the camera moves: the background drifts by up to {drift.max():.0f} pixels; it is taken for turning, "
        "and a camera that also walked shows in the path of the person"
    )
    turn = moves[:, 2].copy()  # see axis_angle_from_quaternion
    return CameraMotion(moves[:, :2], turn, (width, height), sentence)


_LOOKED_AT = 480  # pixels of the longer side of the pictures that are compared
_STILL = 0.006  # drift, as part of the longer side, that a camera on a stand seems to make
_CORNERS = 200
_FEWEST = 12


def _cached(path, key, frames):
    """What `_followed` gave when it was asked with this key, or None."""
    try:
        with np.load(path, allow_pickle=False) as file:
            moves = file["moves"] if str(file["key"]) == key else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, zipfile.BadZipFile):
        return None
    return moves if moves is not None and moves.shape == (frames, 3) and np.isfinite(moves).all() else None


def _followed(video, detections, rate):
    """(F, 3) of every frame against the first: shift x and y in pixels, turn."""
    follower, looked_at, places = None, [], []
    for index, _, picture in video.every(max(1, round(float(detections.fps) / rate))):
        if index >= len(detections):
            break
        if follower is None:
            follower = _Background(picture.shape[:2])
        looked_at.append(index)
        places.append(follower.place(picture, _box(detections, index)))
    return np.stack([np.interp(np.arange(len(detections)), looked_at, column) for column in np.transpose(places)], 1)


class _Background:
    """Follows the background from key pictures; a new one is taken when little of the last is left in sight."""

    def __init__(self, shape):
        self._cv2 = _opencv()
        self._scale = min(1.0, _LOOKED_AT / max(shape))
        self._size = (round(shape[1] * self._scale), round(shape[0] * self._scale))
        self._key = self._corners = self._guess = None
        self._key_place = self._last = np.eye(3)

    def place(self, picture, box):
        """(shift x, shift y, turn) against the first picture, in pixels of the whole picture."""
        cv2 = self._cv2
        small = cv2.resize(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), self._size, interpolation=cv2.INTER_AREA)
        mask = np.full(small.shape, 255, np.uint8)
        if box is not None:
            left, top, right, bottom = (int(v * self._scale) for v in box)
            mask[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)] = 0
        if self._key is not None:
            step, inliers = self._step(small, mask)
            if step is not None:
                self._last = step @ self._key_place
            if step is not None and inliers > 0.5 * len(self._corners):
                return self._parts()
        self._key, self._key_place = small, self._last
        self._corners = cv2.goodFeaturesToTrack(small, _CORNERS, 0.01, 7, mask=mask)
        self._guess = self._corners
        return self._parts()

    def _step(self, small, mask):
        """The similarity (3, 3) from the key picture to this one, and how many corners agree on it."""
        cv2 = self._cv2
        if self._corners is None or len(self._corners) < _FEWEST:
            return None, 0
        moved, found, _ = cv2.calcOpticalFlowPyrLK(
            self._key,
            small,
            self._corners,
            self._guess.copy(),
            winSize=(15, 15),
            maxLevel=3,
            flags=cv2.OPTFLOW_USE_INITIAL_FLOW,
        )
        at = np.clip(np.round(moved[:, 0]).astype(int), 0, np.array(small.shape[::-1]) - 1)
        good = (found[:, 0] > 0) & (mask[at[:, 1], at[:, 0]] > 0)
        if good.sum() < _FEWEST:
            return None, 0
        cv2.setRNGSeed(0)
        matrix, inliers = cv2.estimateAffinePartial2D(self._corners[good], moved[good], ransacReprojThreshold=1.0)
        if matrix is None or inliers.sum() < _FEWEST:
            return None, 0
        self._guess = (self._corners[:, 0] @ matrix[:, :2].T + matrix[:, 2])[:, None].astype(np.float32)
        return np.vstack((matrix, (0, 0, 1))), int(inliers.sum())

    def _parts(self):
        middle = np.array([self._size[0] / 2, self._size[1] / 2, 1.0])
        shift = ((self._last @ middle) - middle)[:2] / self._scale
        return shift[0], shift[1], np.arctan2(self._last[1, 0], self._last[0, 0])


def _opencv():
    try:
        import cv2
    except ModuleNotFoundError as error:
        raise MissingExtraError("cv2", "pose") from error
    return cv2


def _box(detections, index):
    """(left, top, right, bottom) of the person in pixels, with a margin; None where nobody was found."""
    if not detections.found[index]:
        return None
    low, high = detections.keypoints[index].min(axis=0), detections.keypoints[index].max(axis=0)
    margin = 0.12 * (high - low).max()
    return (*(low - margin), *(high + margin))


def _turn_between(start, end):
    """(F, 3, 3) the shortest rotations that turn unit vectors onto unit vectors, not opposite (Rodrigues)."""
    axis = np.cross(start, end)
    cosine = np.sum(start * end, axis=1)
    x, y, z = axis.T
    zero = np.zeros_like(x)
    skew = np.stack((np.stack((zero, -z, y), -1), np.stack((z, zero, -x), -1), np.stack((-y, x, zero), -1)), axis=1)
    return np.eye(3) + skew + skew @ skew / (1 + cosine)[:, None, None]
