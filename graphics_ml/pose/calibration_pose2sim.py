"""Cameras from a Pose2Sim calibration (Calib*.toml), which Anipose and FreeMoCap write too.

Each table is a camera: name, size, matrix, distortions, rotation (a Rodrigues vector), translation and fisheye, as
OpenCV means them (world to camera); `metadata` is none. Pose2Sim's world is Z up, in metres.
"""

from pathlib import Path

from graphics_ml.errors import FileError
from graphics_ml.pose.calibrated_camera import CalibratedCamera, LensError, from_opencv
from graphics_ml.toml_files import read_toml


def read_pose2sim(path: Path) -> list[CalibratedCamera]:
    """The cameras of a file, in its order, in our world (Y up, the file's unit).

    Raises:
        FileError: it is not TOML, or holds no calibration.
    """
    cameras = []
    for key, table in read_toml(path, "calibration").items():
        if key == "metadata" or not isinstance(table, dict):
            continue
        name = str(table.get("name", key))
        missing = [part for part in ("matrix", "rotation", "translation") if part not in table]
        if missing:
            raise FileError(path, None, f"camera {name} has no {missing[0]}; calibrate it too")
        try:
            width, height = table.get("size", (0, 0))
            cameras.append(
                from_opencv(
                    name,
                    (round(width), round(height)),
                    table["matrix"],
                    table.get("distortions", ()),
                    table["rotation"],
                    table["translation"],
                    bool(table.get("fisheye", False)),
                )
            )
        except (LensError, TypeError, ValueError) as error:
            raise FileError(path, None, f"camera {name} is not possible ({error}); calibrate again") from error
    if not cameras:
        raise FileError(path, None, "it holds no camera; give the Calib.toml that Pose2Sim wrote")
    return cameras
