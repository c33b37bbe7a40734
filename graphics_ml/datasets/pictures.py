"""The pictures of a data set: images/NAME.png, or .jpg where size matters more than exact pixels."""

import io
from pathlib import Path

import numpy as np
from PIL import Image

from graphics_ml.datasets.frame import DataSetError, frame_name
from graphics_ml.outputs import write_bytes

KINDS = ("png", "jpg")
_QUALITY = 95  # of .jpg


def encoded_picture(picture: np.ndarray, kind: str, quality: int = _QUALITY) -> bytes:
    """A picture uint8 (H, W, 3), RGB, as the content of a .png or .jpg; the same picture gives the same bytes."""
    content = io.BytesIO()
    if kind == "png":
        # A rendered picture has noise in every pixel: more effort than 1 takes three times as long and saves 5%.
        Image.fromarray(picture).save(content, "PNG", compress_level=1)
    else:
        Image.fromarray(picture).save(content, "JPEG", quality=quality, subsampling=0)
    return content.getvalue()


def decoded_picture(content: bytes) -> np.ndarray:
    """The picture uint8 (H, W, 3) in a .png or .jpg; raises OSError where it is none."""
    with Image.open(io.BytesIO(content)) as image:
        return np.array(image.convert("RGB"))


def save_picture(picture: np.ndarray, folder: str | Path, index: int, kind: str = "png") -> Path:
    """Write the picture of a frame; gives its path.

    Raises:
        OutputError: the place cannot be written.
    """
    path = Path(folder, "images", f"{frame_name(index)}.{kind}")
    write_bytes(path, encoded_picture(picture, kind))
    return path


def picture_path(folder: str | Path, index: int) -> Path | None:
    """Where the picture of a frame lies; None where there is none."""
    paths = (Path(folder, "images", f"{frame_name(index)}.{kind}") for kind in KINDS)
    return next((path for path in paths if path.is_file()), None)


def load_picture(folder: str | Path, index: int) -> np.ndarray:
    """The picture of a frame, uint8 (H, W, 3).

    Raises:
        DataSetError: there is none, or it is broken.
    """
    path = picture_path(folder, index)
    if path is None:
        raise DataSetError(Path(folder, "images"), None, f"there is no picture of frame {index}; render it again")
    try:
        return decoded_picture(path.read_bytes())
    except OSError as error:
        raise DataSetError(path, None, f"this is no whole picture ({error}); render it again") from error
