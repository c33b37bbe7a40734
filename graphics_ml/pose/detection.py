"""What a pose detector sees of one person in a film, and its cache on disk.

`PoseDetector` is what a backend offers (mediapipe_detector.py is the first); tracking.py turns a film and a backend
into `Detections`. Nothing here needs the backend, so a cache can be read where none is installed.

The landmarks are the 33 of BlazePose (Bazarevsky et al. 2020, "BlazePose: On-device Real-time Body Pose Tracking").
"""

import hashlib
import io
import json
import zipfile
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from graphics_ml.errors import FileError
from graphics_ml.outputs import write_bytes
from graphics_ml.wording import short_repr

LANDMARKS = (
    *("nose", "left_eye_inner", "left_eye", "left_eye_outer", "right_eye_inner", "right_eye", "right_eye_outer"),
    *("left_ear", "right_ear", "mouth_left", "mouth_right", "left_shoulder", "right_shoulder"),
    *("left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_pinky", "right_pinky"),
    *("left_index", "right_index", "left_thumb", "right_thumb", "left_hip", "right_hip", "left_knee", "right_knee"),
    *("left_ankle", "right_ankle", "left_heel", "right_heel", "left_foot_index", "right_foot_index"),
)
"""Names of the landmarks in order; left and right are the person's own."""

CONNECTIONS = (
    *((0, 1), (1, 2), (2, 3), (3, 7), (0, 4), (4, 5), (5, 6), (6, 8), (9, 10)),
    *((11, 12), (11, 23), (12, 24), (23, 24)),
    *((11, 13), (13, 15), (15, 17), (15, 19), (15, 21), (17, 19)),
    *((12, 14), (14, 16), (16, 18), (16, 20), (16, 22), (18, 20)),
    *((23, 25), (25, 27), (27, 29), (29, 31), (27, 31)),
    *((24, 26), (26, 28), (28, 30), (30, 32), (28, 32)),
)
"""Pairs of landmarks to draw lines between."""

_OTHER_SIDE = {"left": "right", "right": "left"}
MIRRORED = tuple(
    LANDMARKS.index("_".join(_OTHER_SIDE.get(word, word) for word in name.split("_"))) for name in LANDMARKS
)
"""For each landmark the index of its counterpart on the other side (itself for the nose)."""


class Region(NamedTuple):
    """A square part of a picture that holds one person, turned so that the person stands upright in it."""

    x: float  # centre, pixels
    y: float
    size: float  # side, pixels
    rotation: float  # radians, clockwise in the picture
    score: float = 1.0  # 0..1, how sure the finder is that a person is there


class Hands(NamedTuple):
    """Both hands of a person, left first: the 21 points of MediaPipe Hands (Zhang et al. 2020, "MediaPipe Hands:
    On-device Real-time Hand Tracking"), the wrist and then four of each finger, thumb first, knuckle to tip."""

    points: np.ndarray  # (..., 2, 21, 3) pixels: x, y, and depth away from the camera, relative to the wrist
    score: np.ndarray  # (..., 2) 0..1, how likely this is the hand of that side, seen rightly; 0 where it is not seen


@short_repr
@dataclass(frozen=True)
class Pose:
    """One person in one picture; axes and units as in `Detections`."""

    keypoints: np.ndarray  # (L, 2)
    depth: np.ndarray  # (L,)
    world: np.ndarray  # (L, 3)
    visibility: np.ndarray  # (L,)
    presence: np.ndarray  # (L,)
    region: Region  # where to look for this person in the next picture


class PoseDetector(Protocol):
    """A backend: it finds people in a picture, and the landmarks of one person in a given region of it.

    Pictures are uint8 (H, W, 3), RGB. It keeps no memory of earlier pictures; following people is people.py's work.
    One that sees hands too has a method `hands(picture, pose) -> Hands`; it is called for some pictures only.
    """

    name: str
    version: str
    settings: dict  # JSON-able; all that changes the result
    landmarks: tuple[str, ...]

    def find(self, picture: np.ndarray) -> list[Region]:
        """Everyone it sees in the whole picture, most certain first."""

    def pose(self, picture: np.ndarray, region: Region) -> Pose | None:
        """The person in the region, or None where it sees nobody."""


@short_repr
@dataclass(frozen=True)
class Detections:
    """One person in each frame of a film.

    Where the person was not found the arrays hold NaN, and visibility and presence 0.

    Attributes:
        keypoints: (F, L, 2) pixels of the upright picture, x right, y down, (0, 0) the corner of the first pixel.
        depth: (F, L) pixels, away from the camera, relative to the middle of the hips; a guess by the detector.
        world: (F, L, 3) metres, camera axes (x right, y down, z away from the camera), origin the middle of the hips;
            the detector's guess from each picture alone, with the size of an average person, as though the camera
            looked straight at them; or the lifter's, in the axes of the camera itself.
        visibility: (F, L) 0..1, how likely the landmark is inside the picture and not hidden.
        presence: (F, L) 0..1, how likely it is inside the picture.
        found: (F,) bool.
        fps: exact.
        image_size: (width, height) pixels.
        person: which person this is, of how many, and where; for the user.
        detector: name and version of the backend.
        start: seconds into the film of the first frame.
        warnings: what the user should know, one sentence each.
        landmarks: L names.
        key: fingerprint of all that these detections depend on, see `detection_key`.
        lifter: the name of what gave `world` and `depth` (see pose/lifter.py); empty: the detector.
        hands: of F frames, score 0 where they were not looked for; None from a detector that does not see hands.
    """

    keypoints: np.ndarray
    depth: np.ndarray
    world: np.ndarray
    visibility: np.ndarray
    presence: np.ndarray
    found: np.ndarray
    fps: Fraction
    image_size: tuple[int, int]
    person: str
    detector: str
    start: float = 0.0
    warnings: tuple[str, ...] = ()
    landmarks: tuple[str, ...] = LANDMARKS
    key: str = ""
    lifter: str = ""
    hands: Hands | None = None

    def __post_init__(self):
        frames, count = len(self.found), len(self.landmarks)
        for name, shape in _shapes(frames, count).items():
            if getattr(self, name).shape != shape:
                raise ValueError(f"{name} has shape {getattr(self, name).shape}, not {shape}")
        if self.hands and tuple(map(np.shape, self.hands)) != ((frames, 2, 21, 3), (frames, 2)):
            shapes = " and ".join(str(np.shape(part)) for part in self.hands)
            raise ValueError(f"hands have shapes {shapes} in {frames} frames")

    def __len__(self) -> int:
        return len(self.found)

    def replace(self, **changes) -> "Detections":
        return replace(self, **changes)


def detection_key(video: str | Path, **settings) -> str:
    """A fingerprint of the video file's bytes and of every setting (JSON-able) that changes what is detected."""
    with Path(video).open("rb") as file:
        content = hashlib.file_digest(file, "sha256").hexdigest()
    return hashlib.sha256(json.dumps([content, settings], sort_keys=True).encode()).hexdigest()


def save_detections(path: str | Path, detections: Detections) -> None:
    """Write a compressed .npz that `numpy.load` reads without pickles.

    Raises:
        OutputError: the place cannot be written.
    """
    about = {
        "format": "graphics_ml detections 2",
        "fps": [detections.fps.numerator, detections.fps.denominator],
        **{name: getattr(detections, name) for name in _ABOUT},
    }
    arrays = {name: getattr(detections, name).astype(np.float32) for name in _shapes(0, 0) if name != "found"}
    if detections.hands:
        arrays |= {f"hands_{name}": part.astype(np.float32) for name, part in detections.hands._asdict().items()}
    file = io.BytesIO()  # zipfile complains where it meets a full disk
    np.savez_compressed(file, about=np.array(json.dumps(about)), found=detections.found, **arrays)
    write_bytes(path, file.getvalue())


def load_detections(path: str | Path) -> Detections:
    """Read what `save_detections` wrote.

    Raises:
        FileError: the file is missing or damaged, or something else.
    """
    path = Path(path)
    try:
        with np.load(path, allow_pickle=False) as file:
            about = json.loads(str(file["about"]))
            arrays = {name: file[name].astype(np.float64) for name in _shapes(0, 0) if name != "found"}
            about.setdefault("lifter", "")  # which files of before have not
            values = {name: tuple(v) if isinstance(v := about[name], list) else v for name in _ABOUT}
            if "hands_score" in file:
                values["hands"] = Hands(*(file[f"hands_{name}"].astype(np.float64) for name in Hands._fields))
            return Detections(found=file["found"].astype(bool), fps=Fraction(*about["fps"]), **arrays, **values)
    except FileNotFoundError as error:
        raise FileError(path, None, "there is no such file; check the name") from error
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        EOFError,
        zipfile.BadZipFile,
        ZeroDivisionError,
    ) as error:
        raise FileError(path, None, "it holds no detections, or is damaged; delete it and detect again") from error


def cached_detections(path: str | Path, key: str) -> Detections | None:
    """The detections in the file if it is there, whole, and was made with the same key; else None."""
    try:
        detections = load_detections(path)
    except FileError:
        return None
    return detections if detections.key == key else None


_ABOUT = ("image_size", "person", "detector", "start", "warnings", "landmarks", "key", "lifter")


def _shapes(frames: int, count: int) -> dict[str, tuple[int, ...]]:
    return {
        "keypoints": (frames, count, 2),
        "depth": (frames, count),
        "world": (frames, count, 3),
        "visibility": (frames, count),
        "presence": (frames, count),
        "found": (frames,),
    }
