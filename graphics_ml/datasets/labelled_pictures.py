"""Frames with their labels drawn on them, for the eye: panes of a contact sheet, or pictures of a video."""

import colorsys

import numpy as np
from PIL import Image, ImageDraw

from graphics_ml.datasets.frame import HIDDEN, VISIBLE, Frame, Person
from graphics_ml.keypoints import COCO, FACE, LINKS, WHOLE_BODY

_TINT = 0.35
_GREY = 90.0
_SMOOTH = 3  # drawn so much larger, then averaged
_FACE = range(WHOLE_BODY.index(FACE[0]), WHOLE_BODY.index(FACE[0]) + len(FACE))


def labelled_picture(frame: Frame, size: int | None = None) -> np.ndarray:
    """A frame's picture with each person's mask tinted, box and keypoints: full where visible, hollow where hidden.

    Args:
        frame: with instance mask; without a picture on grey.
        size: of the longer side, pixels; the picture's own when None.

    Returns:
        (h, w, 3) uint8.
    """
    shape = (frame.camera.height, frame.camera.width, 3)
    picture = np.full(shape, _GREY) if frame.picture is None else frame.picture.astype(np.float64)
    for person in frame.people:
        mask = frame.mask(person)
        picture[mask] = (1 - _TINT) * picture[mask] + _TINT * np.array(_colour(person.instance))
    height, width = picture.shape[:2]
    scale = _SMOOTH * (1 if size is None else size / max(height, width))
    image = Image.fromarray(picture.round().astype(np.uint8))
    image = image.resize((round(width * scale), round(height * scale)), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(image)
    for person in frame.people:
        _draw(draw, person, scale)
    return np.asarray(image.resize((image.width // _SMOOTH, image.height // _SMOOTH), Image.Resampling.BOX))


def spread_over(indices: list[int], most: int) -> list[int]:
    """At most so many of the frames, evenly from first to last."""
    if len(indices) <= most:
        return list(indices)
    return [indices[place] for place in np.linspace(0, len(indices) - 1, most).round().astype(int)]


def _draw(draw: ImageDraw.ImageDraw, person: Person, scale):
    colour = _colour(person.instance)
    if person.box[2:].any():
        left, top, width, height = person.box * scale
        draw.rectangle((left, top, left + width - 1, top + height - 1), outline=colour, width=_SMOOTH)
    places = person.keypoints * scale
    for a, b in LINKS:
        if min(person.visibility[a], person.visibility[b]) > 0:
            hidden = HIDDEN in (person.visibility[a], person.visibility[b])
            line = tuple(value // 2 for value in colour) if hidden else colour
            draw.line((*places[a], *places[b]), fill=line, width=_SMOOTH if a < len(COCO) else _SMOOTH // 2)
    for number, (x, y) in enumerate(places):
        if person.visibility[number] > 0 and number not in _FACE:
            reach = _SMOOTH * (1.6 if number < len(COCO) else 0.8)
            seen = person.visibility[number] == VISIBLE
            draw.ellipse((x - reach, y - reach, x + reach, y + reach), colour if seen else None, (255, 255, 255), 1)


def _colour(instance):
    """People next to each other in number have colours far apart."""
    red, green, blue = colorsys.hsv_to_rgb(0.08 + 0.381966 * instance % 1, 0.75, 1)
    return round(255 * red), round(255 * green), round(255 * blue)
