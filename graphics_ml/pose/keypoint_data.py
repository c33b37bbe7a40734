"""Crops of people to learn landmarks from: cut out of data sets once, then turned, lit, hidden and put elsewhere at
random each time one is drawn."""

import hashlib
import json
import math
from pathlib import Path, PurePath

import numpy as np

from graphics_ml.datasets.crops import PersonCrops, pack_crops
from graphics_ml.datasets.frame import HIDDEN, SPLITS, VISIBLE, Frame
from graphics_ml.datasets.frames import FrameSet
from graphics_ml.datasets.splits import read_splits, splits_path
from graphics_ml.images import augment
from graphics_ml.keypoints import BLAZEPOSE, FLIPPED
from graphics_ml.pose.likeness import BODY
from graphics_ml.provenance import file_hash
from graphics_ml.training.learner import Splits

MARGIN = 1.25
"""Side of the region that the network sees over the longer side of the person's box."""

_PACKED_MARGIN = 1.7  # so much is cut out, for turning and shifting
_TOLD = 3  # of shoulders, hips and limbs that must be in sight, or nobody could tell whose the rest is
_MIRRORED = [BLAZEPOSE.index(FLIPPED[index]) for index in BLAZEPOSE]
_UPPER, _LOWER = range(25), range(23, 33)  # landmarks of either half of the body


def keypoint_splits(data, size: int) -> Splits:
    """The crops of data sets by split.

    Args:
        data: keypoint_network.KeypointData.
        size: of a crop as the network sees it, pixels.

    Raises:
        DataSetError: a folder holds no data set, or a broken one.
    """
    parts = {name: [_packed(folder, name, size) for folder in data.sets] for name in SPLITS}
    splits = {name: Crops(sets, data, size) for name, sets in parts.items()}
    return Splits(
        **splits, made_from=made_from(data.sets, frozenset().union(*(one.sources for one in splits.values())))
    )


def sources_of(frame: Frame) -> frozenset[str]:
    """Names of the characters and motions in a frame that tell them from those of any other data set."""
    named = [(kind, getattr(one, kind)) for one in frame.people for kind in ("character", "motion")]
    # A file is the same in every set; what is drawn or invented, only in sets of the same scene and seed.
    return frozenset(
        f"{kind} {name}" if PurePath(name).suffix else f"{kind} {name} of {frame.data_set[:12]}" for kind, name in named
    )


def made_from(sets: tuple[Path, ...], sources: frozenset[str]) -> dict[str, str]:
    """What a model card says of data sets: which they are, and whether all in them was made here."""
    told = {one.name: f"its splits have the hash {file_hash(splits_path(one))[:12]}" for one in sets}
    files = sorted(one for one in sources if PurePath(one).suffix)
    told["characters and motions"] = (
        f"{len(files)} of them from files, such as the {files[0]}" if files else "all drawn and invented by graphics_ml"
    )
    return told


class Crops:
    """Crops of people from packed files, without those of whom hardly anything is in sight.

    Args:
        files: paths of packed files, None for an empty split, each with the names of what it was made from.
        data: keypoint_network.KeypointData.
        size: of a crop as the network sees it, pixels.
    """

    def __init__(self, files: list[tuple[Path | None, frozenset[str]]], data, size: int):
        self.sources = frozenset().union(*(sources for _, sources in files))
        self._paths, self._data, self._size = [path for path, _ in files if path], data, size
        self._packed: list[PersonCrops] = []
        self._load()

    def _load(self):
        self._packed = [PersonCrops(path) for path in self._paths]
        body = np.array(BLAZEPOSE)[BODY]
        told = [np.flatnonzero((one.visibility[:, body] == VISIBLE).sum(axis=1) >= _TOLD) for one in self._packed]
        self._chosen = [(which, int(at)) for which, places in enumerate(told) for at in places]

    def __getstate__(self):  # a process that makes samples reads the files itself
        return self.__dict__ | {"_packed": []}

    def __len__(self) -> int:
        return len(self._chosen)

    def draw(self, index: int, rng: np.random.Generator | None) -> dict[str, np.ndarray]:
        """One crop.

        Returns:
            picture (S, S, 3) uint8; points (L, 2) pixels, 0 where there is no such point; known (L,) where there is;
            within (L,) in the crop; present (L,) in it and in the picture; visible (L,) and not hidden; side () longer
            side of the person's box, pixels.
        """
        crop = self._crop(index)
        points, visibility = crop["keypoints"][list(BLAZEPOSE)].astype(np.float64), crop["visibility"][list(BLAZEPOSE)]
        if rng is not None and rng.random() < self._data.nobody:
            return self._nobody(rng)
        flip = rng is not None and rng.random() < 0.5
        centre, side, turn = _region(crop["box"]) if rng is None else self._moved(crop, points, visibility, rng)
        through = augment.region_map(centre, side, turn, self._size, flip)
        picture = augment.warped(crop["picture"], through, self._size)
        points = augment.mapped(points, through)
        if flip:
            points, visibility = points[_MIRRORED], visibility[_MIRRORED]
        behind = np.zeros(len(points), dtype=bool)
        if rng is not None:
            picture, behind = self._changed(picture, crop["mask"], through, points, rng)
        known = np.isfinite(points).all(axis=1)
        points = np.where(known[:, None], points, 0.0)
        within = known & ((points >= 0) & (points < self._size)).all(axis=1)
        return {
            "picture": np.clip(np.round(picture), 0, 255).astype(np.uint8),
            "points": points.astype(np.float32),
            "known": known,
            "within": within,
            "present": within & (visibility >= HIDDEN),
            "visible": within & (visibility == VISIBLE) & ~behind,
            "side": np.float32(crop["box"][2:].max() * self._size / side),
        }

    def _crop(self, index):
        if not self._packed:
            self._load()
        which, at = self._chosen[index]
        return self._packed[which][at]

    def _moved(self, crop, points, visibility, rng):
        box = crop["box"]
        if rng.random() < 0.15:
            box = _half(points, visibility, rng, box)
        centre, side, turn = _region(box)
        if rng.random() < 0.5:  # as it is where a person is followed
            turn = _torso_turn(points)
        centre = centre + side * rng.normal(0, 0.05, 2)
        turn += math.radians(self._data.turn) * rng.standard_normal()
        if rng.random() < 0.05:  # who lies, hangs or turns a somersault
            turn = rng.uniform(-math.pi, math.pi)
        return centre, side * math.exp(rng.normal(0, 0.17)), turn

    def _nobody(self, rng):
        """What the network sees where it looks beside people."""
        no = np.zeros(len(BLAZEPOSE), dtype=bool)
        return {
            "picture": augment.taken_otherwise(self._background(rng, empty=True), rng),
            "points": np.zeros((len(BLAZEPOSE), 2), np.float32),
            "known": ~no,
            "within": no,
            "present": no,
            "visible": no,
            "side": np.float32(self._size),
        }

    def _changed(self, picture, mask, through, points, rng):
        if rng.random() < self._data.mixed:
            shown = augment.warped(mask.astype(np.uint8) * 255, through, self._size, fill=0) / 255
            picture = augment.before(picture, shown, self._background(rng))
        behind = np.zeros(len(points), dtype=bool)
        if rng.random() < self._data.hidden:
            picture, behind = augment.hidden_by_things(picture, points, rng)
        return augment.taken_otherwise(picture, rng), behind

    def _background(self, rng, empty=False):
        """Of another crop, whose person comes to lie across the edges (across the corners, so that next to nothing is
        seen of them, where it must be empty), or invented."""
        size = self._size
        if rng.random() < 0.4:
            return augment.invented_background(size, rng)
        other = self._crop(int(rng.integers(len(self))))["picture"]
        half = len(other) // 2
        rolled = np.roll(other, (half, half) if empty or rng.random() < 0.5 else (0, half), axis=(0, 1))
        through = augment.region_map(np.full(2, half), 2 * half * rng.uniform(0.6, 1), 0.0, size, rng.random() < 0.5)
        return augment.warped(rolled, through, size)


def _region(box):
    """Centre, side and turn of the region around a box, upright in the picture."""
    left, top, width, height = box.astype(np.float64)
    return np.array([left + width / 2, top + height / 2]), MARGIN * max(width, height), 0.0


def _torso_turn(points):
    """How far the torso leans clockwise from upright in the picture, radians; 0 where it is not known."""
    shoulders, hips = (points[[one, one + 1]].mean(axis=0) for one in (11, 23))
    up = shoulders - hips
    return float(np.arctan2(up[0], -up[1])) if np.isfinite(up).all() else 0.0


def _half(points, visibility, rng, otherwise):
    """Box of the upper or the lower half of the body, where enough of it is in the picture."""
    chosen = list(_UPPER if rng.random() < 0.6 else _LOWER)
    shown = points[chosen][visibility[chosen] >= HIDDEN]
    if len(shown) < 4:
        return otherwise
    low, size = shown.min(axis=0), np.ptp(shown, axis=0)
    return np.concatenate([low - 0.1 * size, 1.2 * size]) if size.max() > 0.25 * otherwise[2:].max() else otherwise


def _packed(folder, split, size):
    """The file with the crops of a split, packed now where it is not there yet, and what they were made from."""
    folder, indices = Path(folder), read_splits(folder)[split]
    frames = FrameSet(folder, split, pictures=False, masks=False)
    sources = frozenset().union(*(sources_of(frame) for frame in frames))
    pixels = round(size * _PACKED_MARGIN / MARGIN)
    key = hashlib.sha256(json.dumps([indices, pixels, _PACKED_MARGIN]).encode()).hexdigest()[:12]
    path = folder / "crops" / f"{split}-{pixels}-{key}.npz"
    if not indices:
        return None, sources
    if not path.exists():
        pack_crops(FrameSet(folder, split), path, size=pixels, margin=_PACKED_MARGIN)
    return path, sources
