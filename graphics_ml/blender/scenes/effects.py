# SPDX-License-Identifier: GPL-3.0-or-later
"""What lens, sensor and codec do to a frame, as numbers; images/effects.py does it to the pixels. No bpy here."""

import numpy as np

from graphics_ml.blender.scenes.patterns import draw_colour
from graphics_ml.blender.scenes.surroundings import Effects
from graphics_ml.motion.camera import Camera


def draw(section: Effects, rng: np.random.Generator, boxes: np.ndarray, width: int, height: int) -> dict:
    """A frame's effects, plain values that images.effects.apply takes.

    Args:
        boxes: (P, 4) of the people, see `boxes_of`. What blurs is weakened until the smallest can be labelled.
        width, height: of the picture, pixels.
    """
    values = section.draw(rng)
    smallest = (boxes[:, 2:] - boxes[:, :2]).max(axis=1).min(initial=np.inf)
    # Standard deviations: of an even way of length L it is L / sqrt(12); of a picture made smaller by s, which spreads
    # a point over a square 1 / s wide and a triangle twice as wide, 1 / 2s.
    smear, coarse = values["motion_blur"] / 12**0.5, 0.5 / values["scale"] if values["scale"] < 1 else 0.0
    spread, most = float(np.hypot(np.hypot(values["blur"], smear), coarse)), section.softest * smallest
    if spread > most:
        weaker = most / spread
        values |= dict(blur=values["blur"] * weaker, motion_blur=values["motion_blur"] * weaker)
        values["scale"] = min(1.0, values["scale"] / weaker)
    overlays = _overlays(values.pop("overlay"), rng, boxes / [width, height, width, height], width / height)
    return values | dict(direction=float(rng.uniform(0, 180)), seed=int(rng.integers(2**31)), overlays=overlays)


def boxes_of(camera: Camera, bodies: list[np.ndarray]) -> np.ndarray:
    """The boxes (P, 4), pixels from left and top to right and bottom, cut off by the picture or not, of those people,
    given by vertices (V, 3), that are before the camera."""
    boxes = []
    for vertices in bodies:
        seen = camera.project(vertices)
        seen = seen[~np.isnan(seen).any(axis=1)]
        if len(seen):
            boxes.append([*seen.min(axis=0), *seen.max(axis=0)])
    return np.array(boxes, dtype=np.float64).reshape(-1, 4)


def _overlays(kind, rng, people, shape):
    """What is laid over a picture `shape` times as wide as it is tall, in which people have these boxes (P, 4), in
    parts of its width and height."""
    if kind == "none":
        return []
    tall = float(rng.uniform(0.05, 0.1))
    if kind == "logo":
        tall *= 1.5
        wide = min(0.45, tall / shape * rng.uniform(1, 4))
        inset = rng.uniform(0, 0.04, 2)
        places = [(x, y) for x in (inset[0], 1 - inset[0] - wide) for y in (inset[1], 1 - inset[1] - tall)]
        text = _writing(rng, 1)[: rng.integers(1, 6)]
    else:
        wide, inset = (1.0, rng.uniform(0, 0.08)) if kind == "caption" else (rng.uniform(0.3, 0.9), 0.03)
        places = [(rng.uniform(0, 1 - wide), y) for y in (1 - inset - tall, inset)]
        text = _writing(rng, rng.integers(1, 6))
    if kind != "caption":
        rng.shuffle(places)
    bright, dark = (rng.integers(*ends, 3).tolist() for ends in ((200, 256), (0, 60)))
    colour, other = (bright, dark) if rng.uniform() < 0.6 else (dark, bright)
    ground = None if kind == "letters" else [round(255 * c) for c in draw_colour(rng)] if kind == "logo" else other
    for x, y in places:
        box = np.array([x, y, x + wide, y + tall])
        if ground is None or not ((people[:, :2] < box[2:]) & (people[:, 2:] > box[:2])).all(axis=1).any():
            opacity = float(rng.uniform(0.6, 1))
            about = dict(text=text, colour=colour, rim=other, ground=ground, opacity=opacity)
            return [about | dict(box=box.round(4).tolist())]
    return []


def _writing(rng, words):
    """Words of letters by chance, in small letters, in capitals or beginning with such."""
    letters = ["".join(rng.choice(list("abcdefghijklmnopqrstuvwxyz"), rng.integers(2, 9))) for _ in range(words)]
    return (str.lower, str.upper, str.title)[rng.integers(3)](" ".join(letters))
