"""A data set as sequences that read a frame when it is asked for: what torch calls a map-style data set.

    frames = FrameSet("set", "train")               # frames[3] is a Frame
    DataLoader(frames, batch_size=None)             # torch's own loader takes it as it is

Training on people alone is quicker from `crops`.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from graphics_ml.datasets.frame import SPLITS, Frame, load_labels
from graphics_ml.datasets.pictures import load_picture
from graphics_ml.datasets.splits import read_splits
from graphics_ml.keypoints import WHOLE_BODY
from graphics_ml.wording import suggestion


class FrameSet:
    """The frames of a data set's folder, or of one of its splits, in their order.

    Args:
        folder: of the data set.
        split: "train", "val" or "test"; all of them when None.
        indices: which frames, in place of a split's.
        pictures, masks: whether to read those.
        dense: whether to read depth, normals and flow, which the writer "exr" keeps.

    Raises:
        DataSetError: the folder holds no data set; a frame of it, when asked for, is not there or broken.
        ValueError: there is no such split.
    """

    def __init__(
        self,
        folder: str | Path,
        split: str | None = None,
        *,
        indices: Sequence[int] | None = None,
        pictures: bool = True,
        masks: bool = True,
        dense: bool = False,
    ):
        if split not in (None, *SPLITS):
            raise ValueError(f"there is no split '{split}'{suggestion(split, SPLITS)}")
        self.folder = Path(folder)
        if indices is None:
            splits = read_splits(folder)
            indices = sorted(index for name in (SPLITS if split is None else (split,)) for index in splits[name])
        self.indices = list(indices)
        self._pictures, self._masks, self._dense = pictures, masks, dense

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, place: int) -> Frame:
        index = self.indices[place]
        frame = load_labels(self.folder, index, self._masks)
        if self._dense:
            from graphics_ml.datasets.exr import exr_path, load_exr  # a package of its own

            layers = load_exr(exr_path(self.folder, index))
            frame = frame.replace(**{name: layers[name] for name in ("depth", "normals", "flow") if name in layers})
        return frame.replace(picture=load_picture(self.folder, index)) if self._pictures else frame

    def __iter__(self):
        return (self[place] for place in range(len(self)))


def batch_of_people(frames: list[Frame]) -> dict[str, np.ndarray]:
    """Arrays over all P people of several frames of one size, as a `collate_fn` of torch's loader.

    Returns:
        pictures (F, H, W, 3) uint8; frame (P,) place in pictures; boxes (P, 4), keypoints (P, 133, 2) and visibility
        (P, 133) as in Person.
    """
    people = [(place, person) for place, frame in enumerate(frames) for person in frame.people]
    count = len(WHOLE_BODY)
    return {
        "pictures": np.stack([frame.picture for frame in frames]),
        "frame": np.array([place for place, _ in people], dtype=np.int64),
        "boxes": np.array([person.box for _, person in people], dtype=np.float32).reshape(-1, 4),
        "keypoints": np.array([person.keypoints for _, person in people], dtype=np.float32).reshape(-1, count, 2),
        "visibility": np.array([person.visibility for _, person in people], dtype=np.uint8).reshape(-1, count),
    }
