"""Multilayer OpenEXR: all that is known of each pixel of a frame in one file, in the types that hold it.

    R, G, B           half    linear light (Rec. 709), from the eight bits as shown, which come back exactly
    Z                 float   depth along the camera's axis, metres: half's steps are 4 mm at 5 m; inf where nothing is
    normals.X, Y, Z   half    world, Y up: steps of 0.0005 are 0.03 degrees
    flow.X, Y         float   pixels right and down to the next moment: half's steps are 0.06 pixel at 100
    instances.id      uint    number of the person, 0 for none
    parts.id          uint    part of the body, as keypoints.PARTS, 0 for none

R, G, B and Z are OpenEXR's own names; the others are layer.channel, as its "Technical Introduction" has layers named.
"""

from pathlib import Path

import numpy as np
import OpenEXR

from graphics_ml.datasets.frame import DataSetError, Frame, frame_name
from graphics_ml.images.effects import linear, srgb
from graphics_ml.outputs import replacing

_LAYERS = {
    "picture": (("R", "G", "B"), np.float16),
    "depth": (("Z",), np.float32),
    "normals": (("normals.X", "normals.Y", "normals.Z"), np.float16),
    "flow": (("flow.X", "flow.Y"), np.float32),
    "instances": (("instances.id",), np.uint32),
    "parts": (("parts.id",), np.uint32),
}
_KINDS = {"depth": np.float32, "normals": np.float32, "flow": np.float32, "instances": np.uint16, "parts": np.uint8}
_ABOUT = (
    "graphics_ml: Z in metres along the camera's axis; normals in the world, Y up; flow in pixels, right and down; "
    "instances.id the number of the person; parts.id the part of the body, 0 for none"
)


def exr_path(folder: str | Path, index: int) -> Path:
    """Where the .exr of a frame lies in its data set's folder."""
    return Path(folder, "frames", f"{frame_name(index)}.exr")


def save_exr(frame: Frame, path: str | Path) -> None:
    """Write what a frame has of picture, depth, normals, flow and masks; the same frame gives the same bytes.

    Raises:
        OutputError: the place cannot be written.
    """
    channels = {}
    for name, (letters, kind) in _LAYERS.items():
        layer = getattr(frame, name)
        if layer is None:
            continue
        layer = _LINEAR[layer] if name == "picture" else layer.astype(kind)
        layer = layer.reshape(*layer.shape[:2], len(letters))
        channels |= {letter: np.ascontiguousarray(layer[..., c]) for c, letter in enumerate(letters)}
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage, "comments": _ABOUT}
    with replacing(path, load_exr) as unfinished, OpenEXR.File(header, channels) as file:
        file.write(str(unfinished))


def load_exr(path: str | Path) -> dict[str, np.ndarray]:
    """The layers that save_exr wrote, by the names of Frame's fields, in its types.

    Raises:
        DataSetError: the file cannot be read, or is broken.
    """
    try:
        with OpenEXR.File(str(path), separate_channels=True) as file:
            channels = {name: channel.pixels for name, channel in file.channels().items()}
    except (OSError, RuntimeError, ValueError, TypeError) as error:
        reason = " ".join(str(error).split())
        raise DataSetError(path, None, f"this is no whole .exr ({reason}); render the frame again") from error
    layers = {}
    for name, (letters, _) in _LAYERS.items():
        if not all(letter in channels for letter in letters):
            continue
        layer = np.stack([channels[letter] for letter in letters], axis=-1)
        layers[name] = _as_shown(layer) if name == "picture" else layer.astype(_KINDS[name])
        if len(letters) == 1:
            layers[name] = layers[name][..., 0]
    return layers


def _as_shown(light):
    return np.rint(255 * srgb(light.astype(np.float32))).astype(np.uint8)


_LINEAR = linear(np.arange(256, dtype=np.uint8)).astype(np.float16)
