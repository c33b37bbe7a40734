"""Writing and logos laid over a picture, as films from television and the web have them."""

from collections.abc import Iterable, Mapping

import numpy as np


def lay_over(picture: np.ndarray, overlays: Iterable[Mapping]) -> np.ndarray:
    """A picture with writing on it; nothing else changes.

    Args:
        picture: uint8 (H, W, 3), sRGB.
        overlays: each with "text" in letters of a "colour" (sRGB, 0 to 255) about the middle of a "box" (left, top,
            right, bottom, in parts of the picture's width and height), made smaller until they fit, and "ground": the
            box's own colour, or None where only a dark or bright "rim" sets the letters off; "opacity" is of both.

    Returns:
        uint8 (H, W, 3).
    """
    from PIL import Image, ImageDraw, ImageFont

    height, width = picture.shape[:2]
    shown = Image.fromarray(picture).convert("RGBA")
    for one in overlays:
        layer = Image.new("RGBA", shown.size)
        draw = ImageDraw.Draw(layer)
        left, top, right, bottom = np.array(one["box"]) * [width, height, width, height]
        opacity = round(255 * one["opacity"])
        if one["ground"] is not None:
            draw.rectangle((left, top, right - 1, bottom - 1), fill=(*one["ground"], opacity))
        size = 0.75 * (bottom - top)
        font = ImageFont.load_default(size)
        long = draw.textlength(one["text"], font=font)
        if long > 0.94 * (right - left):
            font = ImageFont.load_default(max(4.0, size * 0.94 * (right - left) / long))
        rim = dict(stroke_width=1, stroke_fill=(*one["rim"], opacity)) if one["ground"] is None else {}
        middle = (left + right) / 2, (top + bottom) / 2
        draw.text(middle, one["text"], fill=(*one["colour"], opacity), font=font, anchor="mm", **rim)
        shown = Image.alpha_composite(shown, layer)
    return np.array(shown.convert("RGB"))
