"""COCO annotations (Lin et al. 2014): person keypoints, boxes and masks, with the fields of COCO-WholeBody (Jin et al.
2020), which adds 116 keypoints of feet, face and hands to each annotation and leaves the others as they are.

An id says which data set, frame and person it stands for, so the ids of a set never change when it is extended, and
those of several sets can stand in one file. Boxes and masks are measured from the corner of the first pixel; keypoints
are indices of pixels, as COCO's readers take them, half a pixel less than ours.
"""

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from pycocotools import mask as rle

from graphics_ml.datasets.frame import MAX_INSTANCE, Frame, Person
from graphics_ml.jobs import MOST_FRAMES
from graphics_ml.keypoints import COCO, COCO_LINKS, FACE, FEET, HAND
from graphics_ml.outputs import write_bytes

_CATEGORY = 1
_SET_BITS, _INSTANCES = 26, MAX_INSTANCE + 1  # with MOST_FRAMES 53 bits: what a float holds, as COCOeval has them
_DECIMALS = 3  # of a pixel


def write_coco(frames: Iterable[Frame], path: str | Path, file_names: Iterable[str]) -> None:
    """Write the annotations of frames.

    Args:
        frames: each with its instance mask.
        path: of the .json.
        file_names: of their pictures, as seen from the folder that a reader takes for that of the images.

    Raises:
        OutputError: the place cannot be written.
    """
    images, annotations = [], []
    for frame, file_name in zip(frames, file_names, strict=True):
        images.append(_text(image_of(frame, file_name)))  # a tenth of what the values would take
        annotations += map(_text, annotations_of(frame))
    category = {
        "id": _CATEGORY,
        "name": "person",
        "supercategory": "person",
        "keypoints": list(COCO),
        "skeleton": [[a + 1, b + 1] for a, b in COCO_LINKS],
    }
    info = {"description": "Rendered by graphics_ml; people, keypoints and masks are exact."}
    head = f'{{"info":{_text(info)},"licenses":[],"categories":[{_text(category)}]'
    content = f'{head},"images":[{",".join(images)}],"annotations":[{",".join(annotations)}]}}'
    write_bytes(path, content.encode())


def image_id(data_set: str, index: int) -> int:
    """The id of a frame's picture: 26 bits of its data set, 21 of the frame, then six that are 0.

    Raises:
        ValueError: the index is beyond MOST_FRAMES.
    """
    if not 0 <= index < MOST_FRAMES:
        raise ValueError(f"a data set has at most {MOST_FRAMES} frames, so there is no frame {index}")
    of_set = int(data_set[:7], 16) >> (4 * 7 - _SET_BITS)
    return (of_set * MOST_FRAMES + index) * _INSTANCES


def image_of(frame: Frame, file_name: str) -> dict:
    """COCO's entry of a picture."""
    about = {"id": image_id(frame.data_set, frame.index), "file_name": file_name}
    return about | {"width": frame.camera.width, "height": frame.camera.height}


def annotations_of(frame: Frame) -> list[dict]:
    """COCO's annotations of all people in a frame of whom a pixel is seen."""
    return [_annotation(frame, person) for person in frame.people if frame.mask(person).any()]


def whole_body_of(annotation: dict) -> np.ndarray:
    """The (133, 3) keypoints of an annotation: x and y as in the file, visibility; in the order of WHOLE_BODY."""
    fields = ("keypoints", *(f"{group}_kpts" for group in _GROUPS))
    return np.concatenate([np.reshape(annotation[name], (-1, 3)) for name in fields])


def _text(value):
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _annotation(frame: Frame, person: Person):
    image, mask = image_id(frame.data_set, frame.index), frame.mask(person)
    encoded = rle.encode(np.asfortranarray(mask, dtype=np.uint8))
    marks = _marks(person)
    about = {
        "id": image + person.instance,
        "image_id": image,
        "category_id": _CATEGORY,
        "iscrowd": 0,
        "area": int(mask.sum()),
        "bbox": person.box.tolist(),
        "segmentation": {"size": list(mask.shape), "counts": encoded["counts"].decode("ascii")},
        "num_keypoints": int((marks[: len(COCO), 2] > 0).sum()),
        "keypoints": _flat(marks[: len(COCO)]),
    }
    for group, (first, last) in _GROUPS.items():
        of_group = marks[first:last]
        seen = of_group[of_group[:, 2] > 0, :2]
        about |= {f"{group}_valid": bool(len(seen)), f"{group}_kpts": _flat(of_group)}
        if group != "foot":
            about[f"{group}_box"] = _box(seen)
    return about


def _groups():
    first = len(COCO)
    for name, count in (("foot", len(FEET)), ("face", len(FACE)), ("lefthand", len(HAND)), ("righthand", len(HAND))):
        yield name, (first, first + count)
        first += count


_GROUPS = dict(_groups())


def _marks(person):
    """(K, 3) x, y as indices of pixels and visibility; zeros for what is not labelled."""
    labelled = person.visibility[:, None] > 0
    places = np.where(labelled, person.keypoints - 0.5, 0).round(_DECIMALS)
    return np.column_stack([places + 0.0, person.visibility])


def _box(points):
    if not len(points):
        return [0.0] * 4
    low, high = points.min(axis=0), points.max(axis=0)
    return [round(float(value), _DECIMALS) for value in (*low, *(high - low))]


def _flat(marks):
    # As COCO's own files: the visibility a whole number.
    return [value for x, y, seen in marks.tolist() for value in (x, y, int(seen))]
