"""Cameras from a Qualisys Track Manager calibration (.qca.txt, XML).

Focal lengths and centres are written in 1/64 pixel of the sensor, of which the film shows the part `fov_video`, and
translations in millimetres; the world is Z up, a camera has x to the right, y up and looks along its -z, and the rows
r1, r2, r3 of `transform` are its axes in the world.
"""

import math
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np

from graphics_ml.errors import FileError
from graphics_ml.motion.camera import Camera
from graphics_ml.pose.calibrated_camera import CalibratedCamera, y_up


def read_qualisys(path: Path, text: str) -> list[CalibratedCamera]:
    """The cameras of a file's text, in its order, in our world (Y up, metres).

    Raises:
        FileError: it holds no calibration.
    """
    try:
        root = ElementTree.fromstring(text)
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

    right, up, back = (y_up([number("transform", f"r{i}{j}") for j in (1, 2, 3)]) for i in (1, 2, 3))
    left, top = number("fov_video", "left"), number("fov_video", "top")
    across, down = number("intrinsic", "focalLengthU"), number("intrinsic", "focalLengthV")
    try:
        camera = Camera(
            width=round(number("fov_video", "right") - left) + 1,
            height=round(number("fov_video", "bottom") - top) + 1,
            focal=(across + down) / 128,
            centre=[number("intrinsic", "centerPointU") / 64 - left, number("intrinsic", "centerPointV") / 64 - top],
            rotation=np.stack((right, -up, -back)),
            position=y_up([number("transform", axis) / 1000 for axis in "xyz"]),
        )
    except ValueError as error:
        raise FileError(path, None, f"camera {name} is not possible ({error}); calibrate again") from error
    k1, k2, k3 = (number("intrinsic", f"radialDistortion{i}") for i in (1, 2, 3))
    p1, p2 = (number("intrinsic", f"tangentalDistortion{i}") for i in (1, 2))
    return CalibratedCamera(name, camera, np.array([k1, k2, p1, p2, k3]), aspect=down / across)
