"""Cameras from files that OpenCV's FileStorage wrote (YAML, XML or JSON).

OpenCV fixes how matrices are written, not what they are called. Here a camera is a table that holds a camera matrix,
under any of the usual names; its name is the table's. Where all cameras stand side by side, what is added to the usual
names tells them apart, as in camera_matrix_left or K_1. A file of one camera is named by the file.
"""

from pathlib import Path

import numpy as np

from graphics_ml.errors import FileError, MissingExtraError
from graphics_ml.pose.calibrated_camera import CalibratedCamera, LensError, from_opencv

# Usual names of each part, without case and underscores; of two that fit, the longer.
_NAMES = {
    "matrix": ("cameramatrix", "intrinsicmatrix", "intrinsics", "matrix", "mtx", "k", "m"),
    "distortion": ("distortioncoefficients", "distcoeffs", "distortions", "distortion", "dist", "d"),
    "rotation": ("rotationmatrix", "rotation", "rvec", "rot", "r"),
    "translation": ("translationvector", "translation", "tvec", "t"),
    "width": ("imagewidth", "width"),
    "height": ("imageheight", "height"),
    "size": ("imagesize", "size", "resolution"),
    "fisheye": ("fisheyemodel", "fisheye"),
    "model": ("distortionmodel",),
    "name": ("cameraname", "serialnumber", "serial", "name"),
}
_ALIASES = sorted(((alias, part) for part, names in _NAMES.items() for alias in names), key=lambda pair: -len(pair[0]))
_NEEDED = {"matrix": "camera_matrix", "rotation": "rvec or R", "translation": "tvec or T"}


def read_opencv(path: Path, text: str) -> list[CalibratedCamera]:
    """The cameras of a file's text, in its order, in our world (Y up, the file's unit; its Z is taken for up).

    Raises:
        FileError: it is damaged, or holds no calibration.
        MissingExtraError: OpenCV is not installed.
    """
    try:
        import cv2
    except ImportError as error:
        raise MissingExtraError("cv2", "pose") from error
    try:
        storage = cv2.FileStorage(text, cv2.FILE_STORAGE_READ | cv2.FILE_STORAGE_MEMORY)
        tree = _tree(storage.root())
    except (cv2.error, SystemError) as error:  # the second is how its Python binding fails in a constructor
        raise FileError(path, None, "it is damaged, or no file of OpenCV's FileStorage; write it again") from error
    cameras = [_camera(path, name, parts) for name, parts in _tables(tree if isinstance(tree, dict) else {}, path.stem)]
    if not cameras:
        raise FileError(
            path, None, "it holds no camera_matrix; give what cv2.calibrateCamera found, with rvec and tvec"
        )
    return cameras


def _tree(node):
    """What a node holds: dict, list, array, number or text."""
    if node.isMap():
        keys = list(node.keys())
        if {"rows", "cols", "dt", "data"} <= set(keys):
            return node.mat()
        return {key: _tree(node.getNode(key)) for key in keys}
    if node.isSeq():
        return [_tree(node.at(k)) for k in range(node.size())]
    return node.string() if node.isString() else node.real()


def _tables(tree, name):
    """(name, parts) of every camera in a table and the tables in it."""
    groups = {}
    for key, value in tree.items():
        plain = key.lower().replace("_", "").replace("-", "")
        for alias, part in _ALIASES:
            ending = plain.removeprefix(alias)
            if plain.startswith(alias) and (not ending or key.lower().endswith(ending)):
                groups.setdefault(ending, {}).setdefault(part, value)
                break
    shared = groups.get("", {})
    suffixed = {ending: parts for ending, parts in groups.items() if ending and "matrix" in parts}
    for ending, parts in suffixed.items():
        yield ending, shared | parts
    if "matrix" in shared and not suffixed:
        yield str(shared.get("name", name)), shared
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from _tables(value, key)
        elif isinstance(value, list):
            for number, one in enumerate(value, 1):
                if isinstance(one, dict):
                    yield from _tables(one, f"{key}{number}" if len(value) > 1 else key)


def _camera(path, name, parts):
    for part, called in _NEEDED.items():
        if part not in parts:
            raise FileError(path, None, f"camera {name} has no {called}; a place in the world is needed of each camera")
    try:
        size = parts.get("size", [parts.get("width", 0), parts.get("height", 0)])
        width, height = (round(float(side)) for side in np.ravel(size))
        model = str(parts.get("model", ""))
        fisheye = bool(float(parts.get("fisheye", 0) or 0)) or model in ("fisheye", "equidistant", "kannala_brandt")
        rotation = np.asarray(parts["rotation"], np.float64)
        return from_opencv(
            name,
            (width, height),
            np.asarray(parts["matrix"], np.float64).reshape(3, 3),
            np.asarray(parts.get("distortion", ()), np.float64),
            rotation if rotation.size == 3 else rotation.reshape(3, 3),
            parts["translation"],
            fisheye,
        )
    except (LensError, TypeError, ValueError) as error:
        raise FileError(path, None, f"camera {name} is not possible ({error}); calibrate again") from error
