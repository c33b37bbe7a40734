"""Which frames are for training, validation and testing: splits.json of a data set, and the proof that they share
nothing.

A split is drawn for a clip, never for a frame: neighbouring frames of a film are nearly the same picture. What a
network could learn by heart, a character, a motion or a clip, must be in one split only.
"""

import json
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from graphics_ml.datasets.frame import SPLITS, DataSetError, Frame, frame_name, read_json
from graphics_ml.outputs import write_bytes


def splits_path(folder: str | Path) -> Path:
    """Where the splits of a data set stand."""
    return Path(folder, "splits.json")


def write_splits(splits: dict[str, list[int]], folder: str | Path) -> None:
    """Write {split: frames}.

    Raises:
        OutputError: the place cannot be written.
    """
    lines = [f"{json.dumps(name)}: {json.dumps(sorted(splits.get(name, ())))}" for name in SPLITS]
    write_bytes(splits_path(folder), ("{\n" + ",\n".join(lines) + "\n}\n").encode())


def read_splits(folder: str | Path) -> dict[str, list[int]]:
    """{split: frames} of a data set.

    Raises:
        DataSetError: the file is not there, or says something else.
    """
    path = splits_path(folder)
    splits = read_json(path)
    known = set(splits) == set(SPLITS) and all(isinstance(frames, list) for frames in splits.values())
    indices = [index for frames in splits.values() for index in frames] if known else []
    if not known or not all(type(index) is int and index >= 0 for index in indices):
        raise DataSetError(
            path, None, f"it must have a list of frames for each of {', '.join(SPLITS)}; render it again"
        )
    if len(set(indices)) != len(indices):
        twice = next(index for index in indices if indices.count(index) > 1)
        raise DataSetError(path, None, f"frame {frame_name(twice)} is in two splits; render the data set again")
    return splits


def shared_between_splits(frames: Iterable[Frame]) -> dict[str, dict[str, list[str]]]:
    """What is in more than one split: {"character", "motion" or "clip": {its name: splits}}; {} where nothing is.

    A split that shares a character or a motion with another proves nothing about new ones.
    """
    where = defaultdict(lambda: defaultdict(set))
    for frame in frames:
        where["clip"][str(frame.clip)].add(frame.split)
        for person in frame.people:
            where["character"][person.character].add(frame.split)
            where["motion"][person.motion].add(frame.split)
    found = {}
    for axis, names in where.items():
        several = {name: sorted(splits, key=SPLITS.index) for name, splits in names.items() if len(splits) > 1}
        if several:
            found[axis] = dict(sorted(several.items()))
    return found
