"""People cut out of a data set's pictures, all of them in one small file: the quick way to train on people.

A crop is a square around a person's box, with a margin so that training can turn, shift and scale it, brought to one
size. Pictures are kept as JPEG: 10,000 crops of 160 pixels take about 80 MB, and read faster than they are learnt from.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from graphics_ml.datasets.frame import DataSetError, Frame, Person
from graphics_ml.datasets.pictures import decoded_picture, encoded_picture
from graphics_ml.errors import MotionFileError
from graphics_ml.formats.arrays import read_npz, write_npz
from graphics_ml.wording import short_repr

FORMAT = 1
_LEAST = 16  # pixels of a box's longer side, below which nobody could tell a pose
_GREY = 127
_QUALITY = 92


class NobodyError(DataSetError):
    """Frames have no people who could be cut out."""


@short_repr
@dataclass(frozen=True, eq=False)
class Crop:
    """One person, cut out; pixels are those of the crop, S by S.

    Args:
        picture: (S, S, 3) uint8; grey beyond the edges of the frame's picture.
        mask: (S, S) bool: where this person is seen.
        keypoints: (K, 2) pixels.
        keypoints_camera: (K, 3) metres, as in Person.
        visibility: (K,) as in Person.
        box: (4,) left, top, width and height of the visible pixels.
        corner: (2,) of the crop in the frame's picture, pixels.
        scale: pixels of the crop for one of the frame's.
        frame, instance: whose it is.
    """

    picture: np.ndarray
    mask: np.ndarray
    keypoints: np.ndarray
    keypoints_camera: np.ndarray
    visibility: np.ndarray
    box: np.ndarray
    corner: np.ndarray
    scale: float
    frame: int
    instance: int


def crops_of(frame: Frame, size: int = 160, margin: float = 1.6) -> Iterable[Crop]:
    """The people of a frame, with picture and masks, who are large enough to be told.

    Args:
        size: width and height of a crop, pixels.
        margin: width of what is cut out over the longer side of the box.
    """
    return (_crop(frame, person, size, margin) for person in frame.people if person.box[2:].max() >= _LEAST)


def pack_crops(frames: Iterable[Frame], path: str | Path, size: int = 160, margin: float = 1.6) -> int:
    """Write the crops of frames into one .npz file; gives their number. The same frames give the same bytes.

    Raises:
        OutputError: the place cannot be written.
        NobodyError: there is nobody in any of them.
        DataSetError: a frame is broken.
    """
    pictures, masks, labels = [], [], {name: [] for name in _MEMBERS}
    for frame in frames:
        for crop in crops_of(frame, size, margin):
            pictures.append(encoded_picture(crop.picture, "jpg", _QUALITY))
            masks.append(np.packbits(crop.mask))
            for name, values in labels.items():
                values.append(getattr(crop, name))
    if not pictures:
        raise NobodyError(path, None, "there is nobody in these frames who could be cut out; use others")
    members = {
        "graphics_ml_crops": np.array(FORMAT),
        "jpegs": np.frombuffer(b"".join(pictures), np.uint8),
        "ends": np.cumsum([len(one) for one in pictures]),
        "masks": np.stack(masks),
        "size": np.array(size),
    }
    write_npz(Path(path), members | {name: np.array(labels[name], dtype=kind) for name, kind in _MEMBERS.items()})
    return len(pictures)


class PersonCrops:
    """The crops in a file of pack_crops, decoded when asked for: a map-style data set for torch's loader, which makes
    batches of it by itself, because an item is a dict with Crop's fields.

    `keypoints` (N, K, 2), `visibility`, `box` and the other labels of all N crops are arrays of this object too.

    Raises:
        DataSetError: the file cannot be read, or holds no crops.
    """

    def __init__(self, path: str | Path):
        try:
            members = read_npz(Path(path))
            if members["graphics_ml_crops"] != FORMAT:
                raise KeyError(f"version {members['graphics_ml_crops']}")
            self._ends, self._jpegs, self._masks = members["ends"], members["jpegs"], members["masks"]
            self.size = int(members["size"])
            for name in _MEMBERS:
                setattr(self, name, members[name])
            if len({len(self._ends), len(self._masks), *(len(members[name]) for name in _MEMBERS)}) != 1:
                raise KeyError("arrays of different lengths")
        except (MotionFileError, KeyError, ValueError) as error:
            raise DataSetError(path, None, f"this is no whole file of crops ({error}); pack it again") from error

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, place: int) -> dict:
        place = range(len(self))[place]
        first = self._ends[place - 1] if place else 0
        picture = decoded_picture(self._jpegs[first : self._ends[place]].tobytes())
        mask = np.unpackbits(self._masks[place], count=self.size**2).reshape(self.size, self.size).astype(bool)
        values = {name: np.array(getattr(self, name)[place]) for name in _MEMBERS}
        plain = {name: values[name].item() for name in ("scale", "frame", "instance")}
        return {"picture": picture, "mask": mask} | values | plain


_MEMBERS = {
    "keypoints": np.float32,
    "keypoints_camera": np.float32,
    "visibility": np.uint8,
    "box": np.float32,
    "corner": np.float32,
    "scale": np.float32,
    "frame": np.int32,
    "instance": np.uint8,
}


def _crop(frame: Frame, person: Person, size, margin):
    left, top, width, height = person.box
    side = margin * max(width, height)
    corner = np.array([left + width / 2, top + height / 2]) - side / 2
    scale = size / side
    return Crop(
        _cut(frame.picture, corner, side, size, Image.Resampling.BILINEAR),
        _cut(frame.mask(person), corner, side, size, Image.Resampling.NEAREST).astype(bool),
        (person.keypoints - corner) * scale,
        person.keypoints_camera,
        person.visibility,
        np.array([*(person.box[:2] - corner), width, height]) * scale,
        corner,
        scale,
        frame.index,
        person.instance,
    )


def _cut(picture, corner, side, size, resampling):
    """A square of a picture at another size, averaged where it shrinks; grey, or false, beyond its edges."""
    height, width = picture.shape[:2]
    first = np.floor(corner).astype(int)
    last = np.ceil(corner + side).astype(int)
    (left, top), (right, bottom) = np.maximum(first, 0), np.minimum(last, (width, height))
    around = np.full((*(last - first)[::-1], *picture.shape[2:]), _GREY if picture.dtype == np.uint8 else False)
    around = around.astype(np.uint8)
    inside = (slice(top - first[1], bottom - first[1]), slice(left - first[0], right - first[0]))
    around[inside] = picture[top:bottom, left:right]
    box = (*(corner - first), *(corner - first + side))
    return np.asarray(Image.fromarray(around).resize((size, size), resampling, box=box))
