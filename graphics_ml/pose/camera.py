"""What a user says of the camera (`--camera`), and a camera's tilt and roll.

Tilt is how far the camera looks up (negative: down), roll how far it is turned clockwise as seen from behind it. Field
of view is that of the picture's longer side, as in `motion.camera` and Blender. Degrees where a user writes them,
radians elsewhere. Camera axes are x right, y down, z away from the camera.
"""

import math
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np

from graphics_ml.errors import FileError, GraphicsMLError, OutputError
from graphics_ml.motion.camera import Camera, focal_length
from graphics_ml.toml_files import read_toml


class CameraSettingsError(GraphicsMLError):
    """What the user said of the camera cannot be used."""


@dataclass(frozen=True)
class CameraSettings:
    """What the user knows of the camera; None is estimated.

    Attributes:
        fov: field of view of the longer side of the picture, degrees.
        tilt: how far it looks up, degrees; negative looks down.
        roll: how far it is turned clockwise seen from behind, degrees.
        focal: focal length in pixels; instead of fov.
        centre: where its axis meets the picture, pixels; the picture's middle when None.

    Raises:
        CameraSettingsError: a value is out of range, or fov and focal are both given.
    """

    fov: float | None = None
    tilt: float | None = None
    roll: float | None = None
    focal: float | None = None
    centre: tuple[float, float] | None = None

    def __post_init__(self):
        ranges = {"fov": (1, 170), "tilt": (-90, 90), "roll": (-180, 180), "focal": (1, 1e6)}
        for name, (low, high) in ranges.items():
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise CameraSettingsError(f"the camera's {name} of {value:g} is out of range; give {low} to {high:g}")
        if self.fov is not None and self.focal is not None:
            raise CameraSettingsError("the camera has both a fov and a focal length; give one of them")

    def focal_length(self, width: int, height: int) -> float | None:
        """Pixels, in a picture of this size; None where nothing is known."""
        if self.focal is not None:
            return float(self.focal)
        return None if self.fov is None else focal_length(width, height, math.radians(self.fov))


def parse_camera(text: str) -> CameraSettings:
    """Settings from `fov=50,tilt=-10,roll=0` or from the name of a TOML file with the same keys.

    Raises:
        CameraSettingsError: a key is unknown or a value is no number.
        FileError: the file cannot be read.
    """
    if "=" not in text:
        return load_camera(text)
    values = {}
    for part in filter(None, (p.strip() for p in text.split(","))):
        name, _, value = (p.strip() for p in part.partition("="))
        if name not in ("fov", "tilt", "roll", "focal"):
            raise CameraSettingsError(f"a camera has no '{name}'; give fov, tilt, roll or focal, as in fov=50,tilt=-10")
        try:
            values[name] = float(value)
        except ValueError:
            raise CameraSettingsError(f"the camera's {name} is '{value}'; give a number") from None
    return CameraSettings(**values)


def load_camera(path: str | Path) -> CameraSettings:
    """Settings from a TOML file with any of the keys fov, tilt, roll, focal, centre.

    Raises:
        FileError: the file is missing, is not TOML, or holds something else.
    """
    path = Path(path)
    known = {f.name for f in fields(CameraSettings)}
    values = read_toml(path, "camera file")
    unknown = sorted(set(values) - known)
    if unknown:
        raise FileError(path, None, f"a camera has no '{unknown[0]}'; give {', '.join(sorted(known))}")
    for name, value in values.items():
        numbers = value if name == "centre" and isinstance(value, list) and len(value) == 2 else [value]
        if not all(isinstance(n, int | float) and not isinstance(n, bool) and math.isfinite(n) for n in numbers):
            raise FileError(path, None, f"the camera's {name} is not a number; write lines such as fov = 50")
    if isinstance(values.get("centre"), list):
        values["centre"] = tuple(float(v) for v in values["centre"])
    return CameraSettings(**values)


def save_camera(path: str | Path, settings: CameraSettings) -> None:
    """Write what `load_camera` reads.

    Raises:
        OutputError: the file cannot be written.
    """
    known = {name: value for name, value in asdict(settings).items() if value is not None}
    lines = [f"{name} = {list(value) if isinstance(value, tuple) else float(value)}\n" for name, value in known.items()]
    try:
        Path(path).write_text("".join(lines), "utf-8")
    except OSError as error:
        raise OutputError(path, None, f"the camera cannot be written ({error.strerror})") from error


def settings_of(camera: Camera) -> CameraSettings:
    """What would have to be given to get this camera without estimating it."""
    tilt, roll = tilt_and_roll(camera.rotation[:, 1])
    return CameraSettings(
        fov=math.degrees(camera.field_of_view()),
        tilt=math.degrees(tilt),
        roll=math.degrees(roll),
        centre=(float(camera.centre[0]), float(camera.centre[1])),
    )


def tilt_and_roll(up: np.ndarray) -> tuple[float, float]:
    """Tilt and roll, radians, of a camera that sees the world's up direction as `up` (3,) in its own axes."""
    return math.atan2(up[2], math.hypot(up[0], up[1])), math.atan2(-up[0], -up[1])


def up_in_camera(tilt: float, roll: float) -> np.ndarray:
    """(3,) the world's up direction in the axes of a camera with this tilt and roll; inverse of tilt_and_roll."""
    return np.array([-math.sin(roll) * math.cos(tilt), -math.cos(roll) * math.cos(tilt), math.sin(tilt)])
