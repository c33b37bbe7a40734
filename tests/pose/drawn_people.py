"""A data set of people who are drawn, not rendered: each landmark a disc of its own colour, on a plain ground."""

from pathlib import Path

import numpy as np

from graphics_ml.datasets.frame import Frame, Person, box_of_mask, save_labels
from graphics_ml.datasets.pictures import save_picture
from graphics_ml.datasets.splits import write_splits
from graphics_ml.keypoints import BLAZEPOSE, WHOLE_BODY
from graphics_ml.motion.camera import Camera

COLOURS = np.random.default_rng(5).integers(40, 256, (len(BLAZEPOSE), 3))


def drawn_frame(index: int, split: str, character: str, people: int = 1, size: int = 96, hide: bool = True) -> Frame:
    """A frame with people in it, beside each other; of each a fifth of the landmarks is hidden."""
    rng = np.random.default_rng([index, people])
    picture = np.full((size, size, 3), rng.integers(90, 120), np.uint8)
    instances = np.zeros((size, size), np.uint16)
    y, x = np.mgrid[:size, :size] + 0.5
    everyone = []
    for instance in range(1, people + 1):
        width = size / people
        low = np.array([width * (instance - 0.85), 0.15 * size])
        points = low + rng.uniform(0, 1, (len(BLAZEPOSE), 2)) * np.array([0.7 * width, 0.7 * size])
        hidden = rng.random(len(points)) < (0.2 if hide else 0)
        for at, point in enumerate(points):
            near = np.hypot(x - point[0], y - point[1]) < 3
            picture[near] = 60 if hidden[at] else COLOURS[at]
            instances[near] = instance
        keypoints = np.full((len(WHOLE_BODY), 2), np.nan)
        keypoints[list(BLAZEPOSE)] = points
        visibility = np.zeros(len(WHOLE_BODY), np.uint8)
        visibility[list(BLAZEPOSE)] = np.where(hidden, 1, 2)
        space = np.concatenate([keypoints, np.ones((len(WHOLE_BODY), 1))], axis=1)
        box = box_of_mask(instances == instance)
        about = (instance, character, f"walk/{split}.bvh", 0.0, box, box, space, space, keypoints, visibility)
        everyone.append(Person(*about, np.zeros(len(WHOLE_BODY), bool), (), np.zeros((0, 3)), np.zeros((0, 4))))
    camera = Camera(size, size, float(size), (size / 2, size / 2), np.eye(3), np.zeros(3))
    return Frame(index, split, index, 0, "abcdef0", camera, tuple(everyone), {}, picture=picture, instances=instances)


def drawn_set(folder: Path, counts: dict[str, int], people: int = 1, **options) -> Path:
    """A data set with so many frames in each split, each split with a character of its own."""
    splits, index = {}, 0
    for split, count in counts.items():
        splits[split] = list(range(index, index + count))
        for index in splits[split]:
            frame = drawn_frame(index, split, f"one of {split}", people, **options)
            save_labels(frame, folder)
            save_picture(frame.picture, folder, frame.index)
        index += 1
    write_splits(splits, folder)
    return folder
