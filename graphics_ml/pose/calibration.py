"""Calibrated cameras from a file of any kind that is known, and which of them took which film."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from graphics_ml.errors import FileError
from graphics_ml.pose.calibrated_camera import CalibratedCamera, LensError
from graphics_ml.pose.calibration_opencv import read_opencv
from graphics_ml.pose.calibration_pose2sim import read_pose2sim
from graphics_ml.pose.calibration_qualisys import read_qualisys

_LARGEST = 16_000_000  # bytes
_KINDS = "a Qualisys .qca.txt, a .yml, .xml or .json of OpenCV's FileStorage, or a Calib.toml of Pose2Sim"


def load_calibration(path: str | Path) -> list[CalibratedCamera]:
    """The cameras of a calibration in its order, in a world with Y up.

    What kind of file it is, is told by its content. Qualisys and Pose2Sim have a world with Z up, in metres; OpenCV
    has no such rule, and its Z is taken for up, its unit for metres.

    Args:
        path: Qualisys .qca.txt; OpenCV's FileStorage, YAML, XML or JSON; Pose2Sim's TOML; or a folder with one file for
            each camera, which are then named by their files where these name none.

    Raises:
        FileError: it cannot be read or holds no calibration.
    """
    path = Path(path)
    if path.is_dir():
        files = sorted(
            one for one in path.iterdir() if one.suffix.lower() in (".yml", ".yaml", ".xml", ".json", ".toml")
        )
        if not files:
            raise FileError(path, None, f"the folder holds no calibration; give {_KINDS}")
        cameras = [camera for file in files for camera in _distinct(file, load_calibration(file), len(files))]
    else:
        cameras = _read(path)
    names = [camera.name for camera in cameras]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise FileError(path, None, f"two cameras are called {twice}; give each a name of its own")
    return cameras


def cameras_of_films(
    calibration: str | Path,
    cameras: Sequence[CalibratedCamera],
    films: Sequence[Path],
    sizes: Sequence[tuple[int, int]],
) -> tuple[list[CalibratedCamera], tuple[str, ...]]:
    """Which camera took each film, fitted to the film's size, and how that was told, in sentences.

    A film whose name holds that of a camera as a word is that camera's; where no name does, films are in the order of
    the cameras.

    Args:
        calibration: the file, for errors.
        cameras: from it.
        films: their paths.
        sizes: (width, height) of each film, pixels.

    Raises:
        FileError: there is no camera for a film, or a film has quite another shape than its camera's picture.
    """
    chosen, notes = _chosen(Path(calibration), cameras, films)
    fitted = []
    for film, camera, size in zip(films, chosen, sizes, strict=True):
        try:
            of_film, said = camera.of_film(*size)
        except LensError as error:
            raise FileError(calibration, None, f"camera {camera.name} did not take {film.name}: {error}") from error
        fitted.append(of_film)
        notes += [f"{film.name}: {said}"] if said else []
    return fitted, tuple(notes)


def _read(path):
    try:
        if path.stat().st_size > _LARGEST:
            raise FileError(path, None, f"it is too large for a calibration; give {_KINDS}")
        text = path.read_text("utf-8-sig", errors="replace")
    except OSError as error:
        raise FileError(path, None, f"it cannot be read ({error.strerror}); check the name") from error
    begins = text.lstrip()[:2000]
    if "<opencv_storage" in begins or begins.startswith(("%YAML", "{")) or path.suffix.lower() in (".yml", ".yaml"):
        return read_opencv(path, text)
    if begins.startswith("<"):
        return read_qualisys(path, text)
    if path.suffix.lower() == ".toml" or re.search(r"^\[", begins, re.MULTILINE):
        return read_pose2sim(path)
    raise FileError(path, None, f"it is no calibration that is known; give {_KINDS}")


def _distinct(file, cameras, files):
    """Cameras of a file of a folder; a nameless one in a file of its own has the file's name."""
    if files > 1 and len(cameras) == 1:
        return [replace(cameras[0], name=file.stem)]
    return cameras


def _chosen(calibration, cameras, films):
    named = [[camera for camera in cameras if _names(camera.name, film.stem)] for film in films]
    if not any(named):
        if len(films) != len(cameras):
            raise FileError(
                calibration,
                None,
                f"it holds {len(cameras)} cameras ({_listed(cameras)}) for {len(films)} films, and no film is named "
                "after one; put the camera's name into each film's",
            )
        pairs = ", ".join(f"{film.name} by {camera.name}" for film, camera in zip(films, cameras, strict=True))
        return list(cameras), [f"films are in the order of the cameras: {pairs}"]
    for film, found in zip(films, named, strict=True):
        if len(found) != 1:
            what = "several cameras" if found else "no camera"
            raise FileError(
                calibration,
                None,
                f"it holds {what} for {film.name}; put the name of one into the film's ({_listed(cameras)})",
            )
    chosen = [found[0] for found in named]
    for camera in chosen:
        if sum(other is camera for other in chosen) > 1:
            raise FileError(calibration, None, f"two films are named after camera {camera.name}; it took only one")
    return chosen, []


def _names(name, stem):
    """Whether a film's stem holds a camera's name as a word: not cam1 in cam10. A mere number of a few digits must be
    called the camera's, as in take2_cam1."""
    word = rf"(?:c|cam|camera)[\W_]*0*{int(name)}" if re.fullmatch(r"\d{1,3}", name) else re.escape(name)
    return re.search(rf"(?<![^\W_]){word}(?![^\W_])", stem, re.IGNORECASE) is not None


def _listed(cameras):
    some = ", ".join(camera.name for camera in cameras[:6])
    return some + (", ..." if len(cameras) > 6 else "")
