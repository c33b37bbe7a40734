"""A labelled frame: a picture, the camera that took it, the people in it and what each pixel shows.

Of a frame NAME, in the folder of its data set, labels/NAME.json holds what reads as text (split, camera, people,
every value drawn) and labels/NAME.npz the arrays: keypoints and joints of the people, and the two masks. The picture
lies in images/, and depth, normals and flow in frames/NAME.exr where they were asked for. The same frame gives the same
bytes.

World: right-handed, Y up, metres; pixels and camera axes as in motion.camera.Camera: (0, 0) is the corner of the first
pixel, so that its middle lies at (0.5, 0.5).
"""

import json
import re
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np

from graphics_ml.errors import FileError, MotionFileError
from graphics_ml.formats.arrays import read_npz, write_npz
from graphics_ml.motion.camera import Camera, as_plain, from_plain
from graphics_ml.outputs import together, write_bytes
from graphics_ml.wording import short_repr

FORMAT = "graphics_ml frame 1"
SPLITS = ("train", "val", "test")
NOT_LABELLED, HIDDEN, VISIBLE = 0, 1, 2
MAX_INSTANCE = 63
"""The most people in a frame: their numbers have six bits in the ids of annotations."""

_MASKS = {"instances": np.uint16, "parts": np.uint8}
_DENSE = {"depth": (), "normals": (3,), "flow": (2,)}
_CAMERAS = ("camera", "next_camera")
_OF_PERSON = ("box", "whole_box", "keypoints_world", "keypoints_camera", "keypoints", "visibility", "on_surface")


class DataSetError(FileError):
    """A data set, or a file of one, cannot be used."""


@short_repr
@dataclass(frozen=True, eq=False)
class Person:
    """One of the people in a frame, with K keypoints and J joints.

    Args:
        instance: the value of this person's pixels in Frame.instances, from 1 to MAX_INSTANCE.
        character, motion: what was posed, and by which motion; whoever splits a set keeps them apart by these names.
        motion_time: moment of the motion, seconds.
        box: (4,) left, top, width and height of the visible pixels; zeros where none is.
        whole_box: (4,) the same of all of the body that is before the camera, hidden or beyond the picture's edges too;
            NaN where none is.
        keypoints_world: (K, 3) metres; NaN where the character has no such point.
        keypoints_camera: (K, 3) in the camera's axes, metres.
        keypoints: (K, 2) pixels.
        visibility: (K,) NOT_LABELLED (no such point, or outside the picture), HIDDEN or VISIBLE.
        on_surface: (K,) bool; the others are joints inside the body.
        joint_names: J.
        joint_positions: (J, 3) world, metres.
        joint_rotations: (J, 4) world, wxyz.

    Raises:
        ValueError: an array has another shape, or the instance is out of bounds.
    """

    instance: int
    character: str
    motion: str
    motion_time: float
    box: np.ndarray
    whole_box: np.ndarray
    keypoints_world: np.ndarray
    keypoints_camera: np.ndarray
    keypoints: np.ndarray
    visibility: np.ndarray
    on_surface: np.ndarray
    joint_names: tuple[str, ...]
    joint_positions: np.ndarray
    joint_rotations: np.ndarray

    def __post_init__(self):
        if not 1 <= self.instance <= MAX_INSTANCE:
            raise ValueError(f"a person's instance is {self.instance}, but must be from 1 to {MAX_INSTANCE}")
        k, j = len(self.visibility), len(self.joint_names)
        shapes = dict(box=(4,), whole_box=(4,), keypoints_world=(k, 3), keypoints_camera=(k, 3), keypoints=(k, 2))
        shapes |= dict(visibility=(k,), on_surface=(k,), joint_positions=(j, 3), joint_rotations=(j, 4))
        kinds = dict(visibility=np.uint8, on_surface=bool)
        for name, shape in shapes.items():
            _set_array(self, name, shape, kinds.get(name, np.float64))
        if self.visibility.max(initial=0) > VISIBLE:
            raise ValueError("a keypoint's visibility must be 0, 1 or 2")


@short_repr
@dataclass(frozen=True, eq=False)
class Frame:
    """A picture of H by W pixels with all that is known about it. What was not asked for is None.

    Args:
        index: number of the frame in its data set, from 0.
        split: one of SPLITS.
        clip, moment: which clip of the scene it belongs to, and which frame of that clip it is, both from 0.
        data_set: what tells its data set from others, hexadecimal; the ids of annotations come from it.
        camera: that took it.
        people: that were there, seen or not.
        parameters: every value drawn for it, by axis; plain values.
        next_camera: where the camera is at the clip's next moment.
        picture: (H, W, 3) uint8, RGB as shown (sRGB).
        depth: (H, W) float32 metres along the camera's axis; inf where nothing is hit.
        normals: (H, W, 3) float32 world; NaN where nothing is hit.
        flow: (H, W, 2) float32 pixels to where the surface is at the next moment; NaN where nothing is hit.
        instances: (H, W) uint16 number of the person seen, 0 for none.
        parts: (H, W) uint8 index into keypoints.PARTS of the part of the body seen, 0 for none.

    Raises:
        ValueError: an array has another shape, two people the same instance, or the split is none.
    """

    index: int
    split: str
    clip: int
    moment: int
    data_set: str
    camera: Camera
    people: tuple[Person, ...]
    parameters: dict
    next_camera: Camera | None = None
    picture: np.ndarray | None = None
    depth: np.ndarray | None = None
    normals: np.ndarray | None = None
    flow: np.ndarray | None = None
    instances: np.ndarray | None = None
    parts: np.ndarray | None = None

    def __post_init__(self):
        if self.split not in SPLITS:
            raise ValueError(f"a frame's split is '{self.split}', but must be one of {', '.join(SPLITS)}")
        if not re.fullmatch("[0-9a-f]{7,}", self.data_set):
            raise ValueError(f"a frame's data set is '{self.data_set}', but must be at least 7 hexadecimal digits")
        if len({one.instance for one in self.people}) != len(self.people):
            raise ValueError("two people of a frame have the same instance")
        size = (self.camera.height, self.camera.width)
        _set_array(self, "picture", (*size, 3), np.uint8)
        for name, kind in _MASKS.items():
            _set_array(self, name, size, kind)
        for name, more in _DENSE.items():
            _set_array(self, name, size + more, np.float32)

    @property
    def name(self) -> str:
        """The name of its files, "000123"."""
        return frame_name(self.index)

    def mask(self, person: Person) -> np.ndarray:
        """(H, W) bool: where this person is seen."""
        return self.instances == person.instance

    def replace(self, **changes) -> "Frame":
        """A copy with some fields changed."""
        return replace(self, **changes)


def frame_name(index: int) -> str:
    """The name of a frame's files."""
    return f"{index:06}"


def box_of_mask(mask: np.ndarray) -> np.ndarray:
    """(4,) left, top, width and height of the pixels that are true in (H, W); zeros where none is."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return np.zeros(4)
    return np.array([columns[0], rows[0], columns[-1] + 1 - columns[0], rows[-1] + 1 - rows[0]], dtype=np.float64)


def label_paths(folder: str | Path, index: int) -> tuple[Path, Path]:
    """Where the labels of a frame lie in its data set's folder: the .json and the .npz."""
    place = Path(folder, "labels", frame_name(index))
    return place.with_suffix(".json"), place.with_suffix(".npz")


def save_labels(frame: Frame, folder: str | Path) -> tuple[Path, ...]:
    """Write what labels/ holds of a frame, whole or not at all; gives the paths.

    Raises:
        OutputError: the place cannot be written.
        ValueError: a parameter is no plain value.
    """
    text, arrays = label_paths(folder, frame.index)
    with together():
        write_npz(arrays, _arrays(frame), compressed=True)
        write_bytes(text, json_bytes(_about(frame)))
    return text, arrays


def load_labels(folder: str | Path, index: int, masks: bool = True) -> Frame:
    """A frame from what labels/ holds of it, without its picture, depth, normals and flow.

    Args:
        folder: of the data set.
        index: which frame.
        masks: whether to read the masks, where there are any; they take longest.

    Raises:
        DataSetError: there is no such frame, or its files are broken.
    """
    text, arrays = label_paths(folder, index)
    about = read_json(text)
    try:
        wanted = None if masks else [name for person in about["people"] for name in _members(person["instance"])]
        return _frame(about, read_npz(arrays, wanted))
    except MotionFileError as error:
        raise DataSetError(arrays, None, "its arrays cannot be read; render the frame again") from error
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        said = f"what it holds makes no frame ({type(error).__name__}: {error}); render it again"
        raise DataSetError(text, None, said) from error


def json_bytes(value) -> bytes:
    """Plain values as a JSON file's content; NumPy's numbers and arrays are taken for what they hold.

    Raises:
        ValueError: a value is not plain, or no finite number.
    """
    try:
        return (json.dumps(value, default=_plain, ensure_ascii=False, allow_nan=False, indent=1) + "\n").encode()
    except TypeError as error:
        raise ValueError(str(error)) from error


def read_json(path: Path) -> dict:
    """The object in a JSON file of a data set.

    Raises:
        DataSetError: there is none.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataSetError(path, None, f"it cannot be read ({error.strerror}); is this a data set's?") from error
    except (ValueError, RecursionError) as error:
        raise DataSetError(path, None, f"this is not JSON ({error}); render it again") from error
    if not isinstance(content, dict):
        raise DataSetError(path, None, "this is no file of a data set; render it again")
    return content


def _about(frame):
    about = {one: getattr(frame, one) for one in ("index", "split", "clip", "moment", "data_set", "parameters")}
    people = []
    for one in frame.people:
        names = ("instance", "character", "motion", "motion_time", "joint_names")
        people.append({name: getattr(one, name) for name in names})
    cameras = {name: camera and as_plain(camera) for name in _CAMERAS for camera in [getattr(frame, name)]}
    return {"format": FORMAT, **about, **cameras, "people": people}


def _arrays(frame):
    members = {}
    for one in frame.people:
        members |= {member: getattr(one, name) for member, name in _members(one.instance).items()}
    return members | {name: getattr(frame, name) for name in _MASKS if getattr(frame, name) is not None}


def _members(instance):
    """{name of an array in the .npz: field} of a person."""
    return {f"person_{instance}_{name}": name for name in (*_OF_PERSON, "joint_positions", "joint_rotations")}


def _frame(about, arrays):
    if about.get("format") != FORMAT:
        raise ValueError(f"its format is not '{FORMAT}'")
    people = []
    for plain in about["people"]:
        values = {name: arrays[member] for member, name in _members(plain["instance"]).items()}
        people.append(Person(**values | plain | {"joint_names": tuple(plain["joint_names"])}))
    cameras = {name: about[name] and from_plain(about[name]) for name in _CAMERAS}
    plain = {one.name: about[one.name] for one in fields(Frame) if one.name in about and one.name not in cameras}
    masks = {name: arrays.get(name) for name in _MASKS}
    return Frame(**plain | cameras | masks | {"people": tuple(people)})


def _set_array(record, name, shape, kind):
    value = getattr(record, name)
    if value is None:
        return
    value = np.asarray(value)
    if value.shape != shape:
        raise ValueError(f"{name} of a {type(record).__name__.lower()} has the shape {value.shape}, not {shape}")
    with np.errstate(invalid="ignore"):
        cast = value.astype(kind, copy=False)
    if not np.issubdtype(kind, np.floating) and not np.array_equal(cast, value):
        raise ValueError(f"{name} of a {type(record).__name__.lower()} must be {np.dtype(kind)}, not {value.dtype}")
    object.__setattr__(record, name, cast)


def _plain(value):
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    raise TypeError(f"{value!r} is no plain value")
