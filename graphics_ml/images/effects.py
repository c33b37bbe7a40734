"""What lens, sensor and codec do to a picture, as arrays, in the order in which a camera does it.

Nothing moves: each effect keeps every point where it was, so that a picture's labels hold. The same values give the
same pixels.
"""

import io
from collections.abc import Mapping

import numpy as np

from graphics_ml.images.overlays import lay_over

_BLOCK = 3  # standard deviations that a blur reaches


def apply(picture: np.ndarray, values: Mapping) -> np.ndarray:
    """A picture after these effects.

    Light is changed where it is light, in linear values: exposure, white balance and vignette first, then what blurs
    it, then the sensor's noise; sharpness, contrast and colour are the camera's own doing, and compression the file's.

    Args:
        picture: uint8 (H, W, 3), sRGB.
        values: any of metering, exposure, warmth, green, vignette, blur, motion_blur (with direction, degrees), scale,
            noise and shot (with seed), sharpen, contrast, saturation, grey, overlays (see overlays.py), jpeg; the
            Effects of blender/scenes/surroundings.py say what they are. What is left out is not done.

    Returns:
        uint8 (H, W, 3).
    """
    rng = np.random.default_rng(values.get("seed", 0))
    # What a byte becomes before its neighbours count is looked up: most pictures need no more than that.
    lit = _LIGHT[:, None] * _white_balance(values)
    lit = lit * _gain(picture, lit, values)
    if any(values.get(name) for name in ("vignette", "blur", "motion_blur")) or values.get("scale", 1.0) < 1:
        seen = srgb(_through_lens(lit[picture, range(3)], values)) * 255
    else:
        seen = (srgb(lit) * 255)[picture, range(3)]
    if values.get("noise") or values.get("shot"):
        deviation = np.hypot(values.get("noise", 0.0), values.get("shot", 0.0) * np.sqrt(seen / 255))
        seen = seen + deviation * rng.standard_normal(seen.shape, dtype=np.float32)
    if values.get("sharpen"):
        seen = seen + values["sharpen"] * (seen - blurred(seen, 1.0))
    if values.get("contrast", 1.0) != 1:
        seen = _with_contrast(seen, values)
    grey = (seen @ _LUMA)[..., None]
    saturation = 0.0 if values.get("grey") else values.get("saturation", 1.0)
    seen = grey + saturation * (seen - grey)
    pixels = np.round(np.clip(seen, 0, 255)).astype(np.uint8)
    if values.get("overlays"):
        pixels = lay_over(pixels, values["overlays"])
    return _compressed(pixels, values["jpeg"]) if values.get("jpeg") else pixels


def linear(picture: np.ndarray) -> np.ndarray:
    """Linear light float32, 0 to 1, of uint8 sRGB values (IEC 61966-2-1)."""
    return _LIGHT[picture]


def srgb(light: np.ndarray) -> np.ndarray:
    """sRGB values 0 to 1 of linear light; above white it is cut off (IEC 61966-2-1)."""
    light = np.clip(light, 0, 1)
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def blurred(values: np.ndarray, deviation: float) -> np.ndarray:
    """An array (H, W, C) after a Gaussian filter of this standard deviation, pixels; the rim is continued outwards."""
    reach = max(1, int(np.ceil(_BLOCK * deviation)))
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / deviation) ** 2).astype(np.float32)
    weights /= weights.sum()
    for axis in (0, 1):
        padded = np.pad(values, [(reach, reach) if a == axis else (0, 0) for a in range(3)], mode="edge")
        parts = (
            padded[i : i + len(values)] if axis == 0 else padded[:, i : i + values.shape[1]]
            for i in range(2 * reach + 1)
        )
        values = sum(weight * part for weight, part in zip(weights, parts, strict=True))
    return values


_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # ITU-R BT.601
_CODES = np.arange(256, dtype=np.float32) / 255
_LIGHT = np.where(_CODES <= 0.04045, _CODES / 12.92, ((_CODES + 0.055) / 1.055) ** 2.4).astype(np.float32)


_MIDDLE = 0.46  # sRGB of photography's middle grey, which gives back 18 % of the light
_CLIPPED = 1 / 8  # of the pixels; a camera that sets itself lets no more become white or black


def _gain(picture, lit, values):
    """By what the camera's metering and exposure multiply the light (256, 3) of a picture's codes."""
    gain, metering = 2.0 ** values.get("exposure", 0.0), values.get("metering", 0.0)
    if not metering:
        return gain
    shares = np.stack([np.bincount(picture[..., c].ravel(), minlength=256) for c in range(3)], axis=-1)
    shares = shares * _LUMA / (picture.size / 3)
    steps = np.linspace(-3, 3, 61)  # eight times the light: more would show the codes of a black picture
    means = [(shares * srgb(lit * 2.0**step)).sum() for step in steps]
    gain *= 2.0 ** (metering * np.interp(_MIDDLE, means, steps))
    bright = int(np.quantile(picture.min(axis=-1), 1 - _CLIPPED))
    return min(gain, 0.9 / max(float(lit[bright].min()), 1e-3))


def _with_contrast(seen, values):
    """Each pixel's way from the mean multiplied; where the camera sets itself, by no more than it lets become white or
    black."""
    light, factor = seen @ _LUMA, values["contrast"]
    mean = light.mean()
    if values.get("metering") and factor > 1:
        low, high = np.quantile(light, [_CLIPPED, 1 - _CLIPPED])
        room = min(mean / max(mean - low, 1.0), (255 - mean) / max(high - mean, 1.0))
        factor = max(1.0, min(factor, room))
    return mean + factor * (seen - mean)


def _through_lens(light, values):
    if values.get("vignette"):
        light = light * _vignette(light.shape, values["vignette"])
    if values.get("blur"):
        light = blurred(light, values["blur"])
    if values.get("motion_blur"):
        light = _smeared(light, values["motion_blur"], np.radians(values.get("direction", 0.0)))
    if values.get("scale", 1.0) < 1:
        light = _rescaled(light, values["scale"])
    return light


def _white_balance(values):
    """Gains (3,) of red, green and blue that leave the sum of their logarithms 0."""
    warmth, green = values.get("warmth", 0.0), values.get("green", 0.0)
    return np.exp(np.array([warmth / 2 - green / 3, 2 * green / 3, -warmth / 2 - green / 3], dtype=np.float32))


def _vignette(shape, share):
    """What is left of the light (H, W, 1): all in the middle, 1 - share in the corners, falling with the square."""
    y, x = (np.linspace(-1, 1, size, dtype=np.float32) for size in shape[:2])
    return (1 - share * (y[:, None] ** 2 + x[None] ** 2) / 2)[..., None]


def _smeared(light, length, angle):
    """The mean over a straight way of `length` pixels about each pixel."""
    count = max(2, round(length))
    steps = (np.arange(count) / (count - 1) - 0.5) * length
    dy, dx = np.round(steps * np.sin(angle)).astype(int), np.round(steps * np.cos(angle)).astype(int)
    reach = int(max(np.abs(dy).max(), np.abs(dx).max()))
    padded = np.pad(light, [(reach, reach), (reach, reach), (0, 0)], mode="edge")
    height, width = light.shape[:2]
    parts = [padded[reach + a : reach + a + height, reach + b : reach + b + width] for a, b in zip(dy, dx, strict=True)]
    return sum(parts) / np.float32(count)


def _rescaled(light, scale):
    """Made smaller by the mean over areas, and larger again between pixels."""
    from PIL import Image

    height, width = light.shape[:2]
    small = max(1, round(width * scale)), max(1, round(height * scale))

    def resized(channel):
        picture = Image.fromarray(np.ascontiguousarray(channel, dtype=np.float32), "F")
        return np.asarray(
            picture.resize(small, Image.Resampling.BOX).resize((width, height), Image.Resampling.BILINEAR)
        )

    return np.stack([resized(light[..., c]) for c in range(3)], axis=-1)


def _compressed(pixels, quality):
    from PIL import Image

    held = io.BytesIO()
    Image.fromarray(pixels).save(held, "JPEG", quality=int(quality))
    return np.array(Image.open(held))
