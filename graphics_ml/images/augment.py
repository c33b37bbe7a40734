"""What is changed at random in pictures while a network learns: where they lie, what light they were taken in, what
stands in front and behind. Everything is drawn from the generator that is given.

Pixels as everywhere: (0, 0) is the corner of the first pixel, whose middle is at (0.5, 0.5). A map (2, 3) takes pixels
of the source to those of the result, `map @ (x, y, 1)`.
"""

import math

import numpy as np
import torch
from PIL import Image

from graphics_ml.images import effects

GREY = 127
"""What lies beyond the edges of a picture."""


def region_map(centre, side: float, rotation: float, size: int, flip: bool = False) -> np.ndarray:
    """The map (2, 3) that brings a square region of a picture to `size` by `size` pixels.

    Args:
        centre: (2,) of the region, pixels.
        side: of the region, pixels.
        rotation: of the region, radians clockwise in the picture; its own upward direction becomes the result's.
        size: of the result, pixels.
        flip: whether left and right of the result are exchanged.
    """
    scale, cos, sin = size / side, math.cos(rotation), math.sin(rotation)
    turn = scale * np.array([[cos, sin], [-sin, cos]])
    if flip:
        turn[0] = -turn[0]
    return np.column_stack([turn, size / 2 - turn @ np.asarray(centre, dtype=np.float64)])


def mapped(points: np.ndarray, through: np.ndarray) -> np.ndarray:
    """Points (..., 2) after a map (2, 3)."""
    return points @ through[:, :2].T + through[:, 2]


def inverse_map(through: np.ndarray) -> np.ndarray:
    """The map (2, 3) that takes pixels of the result to those of the source."""
    back = np.linalg.inv(through[:, :2])
    return np.column_stack([back, -back @ through[:, 2]])


def warped(picture: np.ndarray, through: np.ndarray, size: int, fill: float = GREY) -> np.ndarray:
    """A picture (H, W) or (H, W, C) as uint8 brought to `size` by `size` pixels by a map, bilinear, float32.

    Where the map shrinks it by two or more it is averaged first, so that fine patterns do not turn into others.
    """
    scale = math.sqrt(abs(np.linalg.det(through[:, :2])))
    source, through = _within_reach(picture, through, size)
    shrink = int(1 / scale + 1e-6)
    if shrink >= 2:
        source = np.array(Image.fromarray(source).reduce(shrink))
        through = through @ np.diag([shrink, shrink, 1.0])
    height, width = source.shape[:2]
    pixels = torch.from_numpy(source.reshape(height, width, -1)).permute(2, 0, 1)[None].float() - fill
    back = inverse_map(through)
    # torch counts from -1 at a picture's one edge to 1 at its other.
    to_source, from_result = np.diag([2 / width, 2 / height]), np.diag([size / 2, size / 2])
    linear = to_source @ back[:, :2] @ from_result
    offset = to_source @ (back[:, :2] @ np.full(2, size / 2) + back[:, 2]) - 1
    theta = torch.from_numpy(np.column_stack([linear, offset])).float()[None]
    grid = torch.nn.functional.affine_grid(theta, [1, 1, size, size], align_corners=False)
    result = torch.nn.functional.grid_sample(pixels, grid, align_corners=False)[0].permute(1, 2, 0) + fill
    return result.numpy().reshape(size, size, *picture.shape[2:])


def _within_reach(source, through, size):
    """The part of a picture that a map's result shows, and the map from there: large pictures cost nothing then."""
    back = inverse_map(through)
    corners = mapped(np.array([[0, 0], [size, 0], [0, size], [size, size]], dtype=np.float64), back)
    height, width = source.shape[:2]
    first = np.clip(np.floor(corners.min(axis=0)).astype(int) - 2, 0, (width - 1, height - 1))
    last = np.clip(np.ceil(corners.max(axis=0)).astype(int) + 2, first + 1, (width, height))
    part = np.ascontiguousarray(source[first[1] : last[1], first[0] : last[0]])
    return part, np.column_stack([through[:, :2], through[:, 2] + through[:, :2] @ first])


def taken_otherwise(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A picture (H, W, 3) from 0 to 255 as other light, another camera and another file would have left it, uint8.

    Exposure, colour and contrast are always others; of what blurs, grains and compresses it there is often nothing.
    """
    values = {
        "exposure": rng.normal(0, 0.45),
        "warmth": rng.normal(0, 0.15),
        "green": rng.normal(0, 0.05),
        "contrast": math.exp(rng.normal(0, 0.2)),
        "saturation": math.exp(rng.normal(0, 0.3)),
        "grey": bool(rng.random() < 0.08),
        "seed": int(rng.integers(2**31)),
    }
    if rng.random() < 0.15:
        values["blur"] = rng.uniform(0.4, 1.6)
    elif rng.random() < 0.15:
        values |= {"motion_blur": rng.uniform(2, 7), "direction": rng.uniform(0, 180)}
    if rng.random() < 0.2:
        values["scale"] = rng.uniform(0.35, 0.9)
    if rng.random() < 0.4:
        values |= {"noise": rng.uniform(0, 10), "shot": rng.uniform(0, 10)}
    if rng.random() < 0.15:
        values["sharpen"] = rng.uniform(0.2, 1.0)
    if rng.random() < 0.3:
        values["jpeg"] = int(rng.integers(20, 90))
    return effects.apply(np.clip(np.round(picture), 0, 255).astype(np.uint8), values)


def before(picture: np.ndarray, mask: np.ndarray, background: np.ndarray) -> np.ndarray:
    """What a mask (H, W) from 0 to 1 shows of a picture, before another background of the same size."""
    return background + mask[..., None] * (picture.astype(np.float32) - background)


def invented_background(size: int, rng: np.random.Generator) -> np.ndarray:
    """A picture (size, size, 3) of nothing, float32 from 0 to 255: colours that change at all scales, some edges."""
    pixels = torch.zeros(3, size, size)
    cells, strength = 2, 1.0
    fall = rng.uniform(0.4, 0.9)
    while cells < size:
        rough = rng.standard_normal((1, 3 if rng.random() < 0.5 else 1, cells, cells), dtype=np.float32)
        mode = "nearest" if rng.random() < 0.25 else "bilinear"
        pixels += strength * torch.nn.functional.interpolate(torch.from_numpy(rough), (size, size), mode=mode)[0]
        cells, strength = cells * int(rng.integers(2, 4)), strength * fall
    pixels = pixels.permute(1, 2, 0).numpy()
    pixels = pixels * np.float32(rng.uniform(15, 60) / max(float(pixels.std()), 1e-6))
    return np.clip(pixels + rng.uniform(40, 215, 3).astype(np.float32), 0, 255)


def hidden_by_things(
    picture: np.ndarray, points: np.ndarray, rng: np.random.Generator, most: int = 3
) -> tuple[np.ndarray, np.ndarray]:
    """Put shapes with textures of their own before a picture (erasing: Zhong et al. 2020, "Random Erasing").

    Args:
        picture: (S, S, 3) from 0 to 255.
        points: (K, 2) pixels.
        most: shapes at most.

    Returns:
        The picture, and (K,) bool: which points lie behind a shape.
    """
    size = len(picture)
    picture, behind = picture.copy(), np.zeros(len(points), dtype=bool)
    for _ in range(rng.integers(1, most + 1)):
        centre, half = rng.uniform(0, size, 2), rng.uniform(0.03, 0.18, 2) * size
        angle, power = rng.uniform(0, math.pi), rng.choice([2.0, 8.0])  # an ellipse, or nearly a rectangle
        cos, sin = math.cos(angle), math.sin(angle)

        def is_inside(px, py, centre=centre, half=half, cos=cos, sin=sin, power=power):
            dx, dy = px - centre[0], py - centre[1]
            along, across = (dx * cos + dy * sin) / half[0], (dy * cos - dx * sin) / half[1]
            return np.abs(along) ** power + np.abs(across) ** power < 1

        first, last = (np.clip(centre + side * np.hypot(*half), 0, size).astype(int) for side in (-1, 1))
        y, x = np.mgrid[first[1] : last[1], first[0] : last[0]].astype(np.float32) + 0.5
        inside, part = is_inside(x, y), picture[first[1] : last[1], first[0] : last[0]]
        if rng.random() < 0.5:
            part[inside] = rng.uniform(0, 255, 3)
        else:
            part[inside] = invented_background(max(2, *part.shape[:2]), rng)[: len(part), : part.shape[1]][inside]
        with np.errstate(invalid="ignore"):  # points that nobody knows
            behind |= is_inside(points[:, 0], points[:, 1])
    return picture, behind
