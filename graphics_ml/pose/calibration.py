"""Cameras from a Qualisys Track Manager calibration (.qca.txt, XML).

Focal lengths and centres are written in 1/64 pixel and translations in millimetres; the world is Z up, a camera has x
to the right, y up and looks along its -z, and the rows r1, r2, r3 of `transform` are its axes in the world.
"""

import math
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from graphics_ml.errors import FileError
from graphics_ml.motion.camera import Camera


@dataclass(frozen=True, eq=False)
class CalibratedCamera:
    """A camera with lens distortion: Brown, "Decentering distortion of lenses", 1966, as OpenCV writes it.

    Attributes:
        name: as in the file.
        camera: the pinhole; its two focal lengths agree to a thousandth and are averaged.
        radial: (3,) k1, k2, k3.
        tangential: (2,) p1, p2.
    """

    name: str
    camera: Camera
    radial: np.ndarray
    tangential: np.ndarray

    def cropped(self, width: int) -> "CalibratedCamera":
        """The camera of a film that shows the middle `width` columns of the calibrated picture."""
        left = (self.camera.width - width) / 2
        camera = self.camera.replace(width=width, centre=self.camera.centre - [left, 0])
        return CalibratedCamera(self.name, camera, self.radial, self.tangential)

    def rays(self, pixels: np.ndarray) -> np.ndarray:
        """Where pixels (..., 2) lie in the undistorted plane at distance 1, (..., 2): x right, y down."""
        seen = (pixels - self.camera.centre) / self.camera.focal
        plain = seen
        for _ in range(5):  # fixed point; the distortion is small
            plain = seen - (self._distort(plain) - plain)
        return plain

    def project(self, points: np.ndarray) -> np.ndarray:
        """Pixels (..., 2) of world points (..., 3), metres."""
        seen = self.camera.to_camera(points)
        return self.camera.centre + self.camera.focal * self._distort(seen[..., :2] / seen[..., 2:])

    def _distort(self, plain):
        x, y = plain[..., 0], plain[..., 1]
        square = x * x + y * y
        radial = 1 + square * (self.radial[0] + square * (self.radial[1] + square * self.radial[2]))
        p, q = self.tangential
        return np.stack(
            (
                x * radial + 2 * p * x * y + q * (square + 2 * x * x),
                y * radial + p * (square + 2 * y * y) + 2 * q * x * y,
            ),
            axis=-1,
        )


def load_qualisys(path: str | Path) -> list[CalibratedCamera]:
    """The cameras of a calibration file, in its order, in our world (Y up, metres).

    Raises:
        FileError: the file cannot be read or holds no calibration.
    """
    path = Path(path)
    try:
        if path.stat().st_size > 16_000_000:
            raise FileError(path, None, "it is too large for a calibration; give the .qca.txt file")
        root = ElementTree.fromstring(path.read_bytes())
    except OSError as error:
        raise FileError(path, None, f"it cannot be read ({error.strerror}); check the name") from error
    except ElementTree.ParseError as error:
        raise FileError(
            path, None, f"it is not XML ({error}); give the .qca.txt file that the tracker wrote"
        ) from error
    cameras = [_camera(element, path) for element in root.iter("camera")]
    if not cameras:
        raise FileError(path, None, "it holds no camera; give the .qca.txt file that the tracker wrote")
    return cameras


def _camera(element, path):
    name = element.get("serial", "?")

    def number(tag, attribute):
        child = element.find(tag)
        try:
            value = float(child.get(attribute))
        except (AttributeError, TypeError, ValueError):
            value = math.nan
        if not math.isfinite(value):
            raise FileError(path, None, f"camera {name} has no number {attribute} in {tag}; calibrate again")
        return value

    right, up, back = (_y_up([number("transform", f"r{i}{j}") for j in (1, 2, 3)]) for i in (1, 2, 3))
    try:
        camera = Camera(
            width=round(number("fov_video", "right") - number("fov_video", "left")) + 1,
            height=round(number("fov_video", "bottom") - number("fov_video", "top")) + 1,
            focal=(number("intrinsic", "focalLengthU") + number("intrinsic", "focalLengthV")) / 128,
            centre=[number("intrinsic", "centerPointU") / 64, number("intrinsic", "centerPointV") / 64],
            rotation=np.stack((right, -up, -back)),
            position=_y_up([number("transform", axis) / 1000 for axis in "xyz"]),
        )
    except ValueError as error:
        raise FileError(path, None, f"camera {name} is not possible ({error}); calibrate again") from error
    radial = np.array([number("intrinsic", f"radialDistortion{i}") for i in (1, 2, 3)])
    tangential = np.array([number("intrinsic", f"tangentalDistortion{i}") for i in (1, 2)])
    return CalibratedCamera(name, camera, radial, tangential)


def _y_up(vector):
    x, y, z = vector
    return np.array([x, z, -y])
