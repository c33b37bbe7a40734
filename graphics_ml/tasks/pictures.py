"""Pictures as arrays: their size, .png files and contact sheets."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from graphics_ml.outputs import write_bytes

PANE = 480 * 480
"""Pixels of one pane of a preview, about: wide films get a wide pane, upright ones an upright one."""


def contact_sheet(pictures: Iterable[np.ndarray], path: str | Path, columns: int = 5, gap: int = 4) -> None:
    """Write pictures, uint8 (H, W, 3) of one size, row by row into one .png.

    Raises:
        ValueError: there are no pictures, or they differ in size.
        OutputError: the place cannot be written.
    """
    pictures = list(pictures)
    if len({picture.shape for picture in pictures}) != 1:
        raise ValueError("a contact sheet needs pictures of one size")
    height, width = pictures[0].shape[:2]
    columns = min(columns, len(pictures))
    rows = -(-len(pictures) // columns)
    sheet = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap, 3), 255, np.uint8)
    for i, picture in enumerate(pictures):
        y, x = i // columns * (height + gap), i % columns * (width + gap)
        sheet[y : y + height, x : x + width] = picture
    write_png(sheet, path)


def write_png(picture: np.ndarray, path: str | Path) -> None:
    """Write a picture uint8 (H, W, 3), RGB, as .png.

    Raises:
        OutputError: the place cannot be written.
    """
    import cv2

    _, encoded = cv2.imencode(".png", picture[:, :, ::-1])
    write_bytes(path, encoded.tobytes())


def pane_size(width: int, height: int, pixels: int = PANE) -> tuple[int, int]:
    """The even size (width, height) of about so many pixels with the shape of a film; never larger than the film."""
    scale = min(1.0, np.sqrt(pixels / (width * height)))
    return tuple(max(2, 2 * round(scale * side / 2)) for side in (width, height))


def resized(picture: np.ndarray, width: int, height: int) -> np.ndarray:
    """A writable copy of a picture (H, W, 3) at another size, averaged where it shrinks."""
    import cv2

    if picture.shape[:2] == (height, width):
        return picture.copy()
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
