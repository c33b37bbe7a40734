"""Small films made by the tests; every frame carries its number, readable after any compression."""

from fractions import Fraction

import av
import numpy as np

CODECS = {".mp4": "libx264", ".mov": "libx264", ".avi": "mpeg4", ".webm": "libvpx", ".mkv": "libx264", ".gif": "gif"}
BITS = 8


def numbered(number: int, width: int = 96, height: int = 64) -> np.ndarray:
    """A picture whose upper half shows the number in binary, as black and white columns; the lower half is red."""
    picture = np.zeros((height, width, 3), np.uint8)
    picture[height // 2 :, :, 0] = 255
    for bit, columns in enumerate(np.array_split(np.arange(width), BITS)):
        if number >> bit & 1:
            picture[: height // 2, columns] = 255
    return picture


def number_of(picture: np.ndarray) -> int:
    height, width = picture.shape[:2]
    row = picture[height // 4].mean(axis=1)
    return sum(
        int(row[columns[len(columns) // 2]] > 128) << bit
        for bit, columns in enumerate(np.array_split(np.arange(width), BITS))
    )


def make_film(
    path,
    pictures,
    fps=30,
    *,
    times=None,
    codec=None,
    pix_fmt=None,
    rotation=None,
    aspect=None,
    options=None,
    preset="ultrafast",
):
    """Write the pictures; with `times` (seconds) each is shown from its own time on, whatever the rate."""
    codec = codec or CODECS[path.suffix]
    pictures = list(pictures)
    with av.open(str(path), "w", options=options or {}) as container:
        stream = container.add_stream(codec, Fraction(fps))
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = pix_fmt or ("rgb8" if codec == "gif" else "yuv420p")
        if codec == "libx264":
            stream.options = {"preset": preset, "g": "12"}
        if aspect is not None:
            stream.codec_context.sample_aspect_ratio = aspect
        if rotation is not None:
            stream.set_display_rotation(rotation)
        if times is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        for i, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            if times is not None:
                frame.pts, frame.time_base = round(times[i] * 1000), Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def make_sound(path, seconds=1.0):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", 44100)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, int(44100 * seconds)), np.float32), "fltp", "mono")
        frame.sample_rate = 44100
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path
