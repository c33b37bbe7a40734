"""Pictures with boxes around people to learn from: other parts of them at other sizes, lit otherwise, put together."""

from pathlib import Path

import numpy as np

from graphics_ml.datasets.frame import SPLITS, VISIBLE
from graphics_ml.datasets.frames import FrameSet
from graphics_ml.datasets.pictures import load_picture
from graphics_ml.images import augment
from graphics_ml.keypoints import BLAZEPOSE
from graphics_ml.pose.keypoint_data import made_from, sources_of
from graphics_ml.training.learner import Splits

MOST = 24
"""People in a picture, at most, that are learned from."""

_LEAST = 10  # pixels of the longer side of a box, below which nobody is asked for
_TOLD = 4  # landmarks in sight, below which nobody could tell that it is a person
_COLUMNS = 9
_LEFT_OVER = 0.35  # part of a box that must remain where a picture is cut


def box_splits(data, size: int) -> Splits:
    """The pictures of data sets by split.

    Args:
        data: person_boxes.BoxData.
        size: of what the network sees, pixels.

    Raises:
        DataSetError: a folder holds no data set, or a broken one.
    """
    parts = {name: Pictures(data, name, size) for name in SPLITS}
    return Splits(**parts, made_from=made_from(data.sets, frozenset().union(*(one.sources for one in parts.values()))))


class Pictures:
    """The pictures of a split of some data sets, and the boxes of the people in them.

    Args:
        data: person_boxes.BoxData.
        split: of the data sets.
        size: of what the network sees, pixels.
    """

    def __init__(self, data, split: str, size: int):
        self._data, self._size = data, size
        self._frames: list[tuple[Path, int, np.ndarray]] = []
        sources = set()
        for folder in data.sets:
            for frame in FrameSet(folder, split, pictures=False, masks=False):
                rows = [
                    (
                        *one.box[:2],
                        *(one.box[:2] + one.box[2:]),
                        (one.visibility[list(BLAZEPOSE)] == VISIBLE).sum() >= _TOLD,
                    )
                    for one in frame.people
                    if (one.box[2:] > 0).all()
                ]
                self._frames.append((Path(folder), frame.index, np.array(rows, dtype=np.float64).reshape(-1, 5)))
                sources |= sources_of(frame)
        self.sources = frozenset(sources)

    def __len__(self) -> int:
        return len(self._frames)

    def draw(self, index: int, rng: np.random.Generator | None) -> dict[str, np.ndarray]:
        """One picture.

        Returns:
            picture (S, S, 3) uint8; box (MOST, 4) left, top, right and bottom of the people, pixels, zeros after the
            last; cut (MOST, 4) the same of what is left of those who are mostly cut away, or too small.
        """
        size = self._size
        if rng is None:
            picture, boxes = self._part(index, None, (0, 0, size, size))
        elif rng.random() < self._data.empty:
            picture, boxes = augment.invented_background(size, rng), np.zeros((0, _COLUMNS))
        elif rng.random() < self._data.mixed:
            picture, boxes = self._of_four(index, rng)
        else:
            picture, boxes = self._part(index, rng, (0, 0, size, size))
        if rng is not None:
            if rng.random() < 0.3:
                picture, behind = augment.hidden_by_things(picture, _spread(boxes), rng)
                boxes[:, 8] *= 1 - behind.reshape(-1, 9).mean(axis=1)
            picture = augment.taken_otherwise(picture, rng)
        box, cut = _sorted_out(boxes)
        return {"picture": np.clip(np.round(picture), 0, 255).astype(np.uint8), "box": box, "cut": cut}

    def _part(self, index, rng, window):
        """A picture in a window (left, top, right, bottom) of what the network sees: all of it, or a part at random.

        Returns the window's pixels, and a row for each person: left, top, right and bottom of the box as it is, the
        same within the window, and the part of it that is in sight, 0 where too little is to tell that it is a person.
        """
        folder, number, boxes = self._frames[index]
        picture = load_picture(folder, number)
        height, width = picture.shape[:2]
        left, top, right, bottom = window
        side = max(width, height)
        centre, flip = np.array([width / 2, height / 2]), False
        if rng is not None:
            zoom = np.exp(rng.uniform(np.log(0.45), np.log(1.6)))
            centre = centre + side * rng.uniform(-0.5, 0.5, 2) * abs(1 - zoom)
            side, flip = side * zoom, rng.random() < 0.5
        size = max(right - left, bottom - top)
        through = augment.region_map(centre, side, 0.0, size, flip)
        pixels = augment.warped(picture, through, size)[: bottom - top, : right - left]
        corners = augment.mapped(boxes[:, :4].reshape(-1, 2, 2), through)
        whole = np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1)
        inside = np.clip(whole, 0, np.array([right - left, bottom - top] * 2))
        return pixels, np.column_stack([whole + [left, top] * 2, inside + [left, top] * 2, boxes[:, 4]])

    def _of_four(self, index, rng):
        """Four pictures that meet at a point."""
        size = self._size
        x, y = (int(one) for one in rng.uniform(0.3, 0.7, 2) * size)
        picture, rows = np.zeros((size, size, 3), np.float32), []
        windows = ((0, 0, x, y), (x, 0, size, y), (0, y, x, size), (x, y, size, size))
        others = rng.integers(len(self), size=3)
        for which, (left, top, right, bottom) in zip((index, *others), windows, strict=True):
            pixels, boxes = self._part(int(which), rng, (left, top, right, bottom))
            picture[top:bottom, left:right] = pixels
            rows.append(boxes)
        return picture, np.concatenate(rows)


def _spread(rows):
    """Nine points in each box, as far as it is in the picture."""
    share = np.stack(np.meshgrid((0.25, 0.5, 0.75), (0.2, 0.5, 0.8)), axis=-1).reshape(-1, 2)
    low, high = rows[:, None, 4:6], rows[:, None, 6:8]
    return (low + share * (high - low)).reshape(-1, 2)


def _sorted_out(rows):
    """Boxes to be found and what is left of others, each (MOST, 4)."""
    found = np.zeros((2, MOST, 4), np.float32)
    whole, inside, sight = rows[:, :4], rows[:, 4:8], rows[:, 8]
    shown = (inside[:, 2:] - inside[:, :2]).clip(0)
    part = shown.prod(axis=1) / np.maximum((whole[:, 2:] - whole[:, :2]).prod(axis=1), 1e-9)
    asked = (sight * part >= _LEFT_OVER) & (shown.max(axis=1, initial=0) >= _LEAST)
    for at, chosen in enumerate((asked, ~asked & (shown.min(axis=1, initial=np.inf) > 0))):
        some = inside[chosen][:MOST]
        found[at, : len(some)] = some
    return found[0], found[1]
