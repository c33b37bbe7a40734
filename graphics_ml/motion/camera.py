"""A pinhole camera: where world points fall in a picture.

Pixels: x right, y down, (0, 0) the corner of the first pixel, so the middle of the picture is (width/2, height/2).
Camera axes: x right, y down, z away from the camera (Hartley and Zisserman, "Multiple View Geometry", chapter 6).
"""

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from graphics_ml.errors import FileError
from graphics_ml.outputs import write_bytes
from graphics_ml.wording import short_repr


@short_repr
@dataclass(frozen=True, eq=False)
class Camera:
    """Square pixels, no distortion.

    Args:
        width, height: of the picture, pixels.
        focal: focal length, pixels.
        centre: (2,) principal point, pixels.
        rotation: (3, 3) turns world directions into camera axes; its rows are the camera's axes in the world.
        position: (3,) of the camera in the world, metres.

    Raises:
        ValueError: the focal length is not positive, or the rotation is none.
    """

    width: int
    height: int
    focal: float
    centre: np.ndarray
    rotation: np.ndarray
    position: np.ndarray

    def __post_init__(self):
        for name, shape in dict(centre=(2,), rotation=(3, 3), position=(3,)).items():
            value = np.array(getattr(self, name), dtype=np.float64)
            if value.shape != shape or not np.isfinite(value).all():
                raise ValueError(f"a camera's {name} must be {shape} finite numbers, not {value}")
            value.flags.writeable = False
            object.__setattr__(self, name, value)
        if not (self.focal > 0 and np.isfinite(self.focal)):
            raise ValueError(f"a camera's focal length must be positive, not {self.focal}")
        if np.abs(self.rotation @ self.rotation.T - np.eye(3)).max() > 1e-6 or np.linalg.det(self.rotation) < 0:
            raise ValueError("a camera's rotation must be a rotation matrix")

    def to_camera(self, points) -> np.ndarray:
        """World points (..., 3) in camera axes (..., 3), metres; the last component is the depth."""
        return (np.asarray(points) - self.position) @ self.rotation.T

    def project(self, points) -> np.ndarray:
        """Where world points (..., 3) fall, (..., 2) pixels; NaN for what is not in front of the camera."""
        seen = self.to_camera(points)
        depth = np.where(seen[..., 2:] > 1e-9, seen[..., 2:], np.nan)
        return self.focal * seen[..., :2] / depth + self.centre

    def field_of_view(self) -> float:
        """The angle that the longer side of the picture spans, radians."""
        return 2 * np.arctan(max(self.width, self.height) / (2 * self.focal))

    def resized(self, width: int, height: int) -> "Camera":
        """The same camera for a picture of another size: all of the old picture is seen, in the middle."""
        scale = min(width / self.width, height / self.height)
        shift = (np.array([width, height]) - scale * np.array([self.width, self.height])) / 2
        return replace(self, width=width, height=height, focal=self.focal * scale, centre=self.centre * scale + shift)

    def replace(self, **changes) -> "Camera":
        """A copy with some fields changed."""
        return replace(self, **changes)


def focal_length(width: int, height: int, field_of_view: float) -> float:
    """Pixels, of a camera whose longer side spans `field_of_view` radians."""
    return max(width, height) / (2 * np.tan(field_of_view / 2))


def look_at(position, target, roll: float = 0.0) -> np.ndarray:
    """The rotation (3, 3) of a camera at `position` (3,) that has `target` (3,) in its middle.

    Args:
        roll: radians by which the camera is turned clockwise, seen from behind it; 0 keeps it upright.

    Raises:
        ValueError: the target is straight above, below or at the camera.
    """
    ahead = np.asarray(target, dtype=np.float64) - position
    right = np.cross(ahead, [0.0, 1.0, 0.0])
    if np.linalg.norm(right) < 1e-9:
        raise ValueError("a camera cannot look straight up or down, nor at the place where it is")
    ahead, right = ahead / np.linalg.norm(ahead), right / np.linalg.norm(right)
    down = np.cross(ahead, right)
    c, s = np.cos(roll), np.sin(roll)
    return np.stack([c * right + s * down, c * down - s * right, ahead])


def framing_camera(
    points: np.ndarray,
    width: int,
    height: int,
    azimuth: float = 0.0,
    camera_height: float | None = None,
    field_of_view: float = np.radians(40),
    roll: float = 0.0,
    margin: float = 0.08,
    loosened: float = 1.0,
) -> Camera:
    """A camera as near as it can be with all points inside the picture, their middle in its middle.

    Args:
        points: (N, 3) metres, Y up.
        width, height: of the picture, pixels.
        azimuth: radians; from where it looks: 0 from +Z, which a character faces, pi/2 from the character's left.
        camera_height: metres above zero; that of the points' middle when None.
        field_of_view: of the longer side, radians.
        roll: radians, see look_at.
        margin: free part of the picture at each side.
        loosened: factor on the nearest distance.
    """
    low, high = points.min(axis=0), points.max(axis=0)
    target, reach = (low + high) / 2, float(np.linalg.norm(high - low)) / 2
    level = target[1] if camera_height is None else camera_height
    outward = np.array([np.sin(azimuth), 0.0, np.cos(azimuth)])
    centre, focal = np.array([width, height]) / 2, focal_length(width, height, field_of_view)

    def at(distance):
        aim = np.array(target)
        position = np.array([target[0], level, target[2]]) + distance * outward
        for _ in range(4):  # the middle of what is seen is not quite what the middle in space projects to
            camera = Camera(width, height, focal, centre, look_at(position, aim, roll), position)
            seen = camera.project(points)
            if np.isnan(seen).any():
                return camera, False
            away = (seen.min(axis=0) + seen.max(axis=0)) / 2 - centre
            depth = camera.to_camera(aim)[2]
            aim = aim + camera.rotation[:2].T @ (away * depth / focal)
        room = np.array([width, height]) * (0.5 - margin)
        return camera, bool((np.abs(seen - centre) <= room + 1e-6).all())

    near, far = 0.05, max(1.0, 2 * reach)
    while not at(far)[1]:
        far *= 1.5
    for _ in range(30):
        middle = (near + far) / 2
        near, far = (near, middle) if at(middle)[1] else (middle, far)
    return at(far * loosened)[0]


def save_camera(camera: Camera, path: str | Path) -> None:
    """Write the camera as JSON.

    Raises:
        OutputError: the file cannot be written.
    """
    write_bytes(path, (json.dumps(as_plain(camera), indent=1) + "\n").encode())


def load_camera(path: str | Path) -> Camera:
    """Read what `save_camera` wrote.

    Raises:
        FileError: the file cannot be read, or holds no camera.
    """
    try:
        return from_plain(json.loads(Path(path).read_text(encoding="utf-8-sig")))
    except OSError as error:
        raise FileError(path, None, f"the camera file cannot be read ({error.strerror})") from None
    except (ValueError, TypeError, KeyError) as error:
        raise FileError(
            path, None, f"this is no camera file ({error}); it needs width, height, focal, centre, rotation, position"
        ) from None


def as_plain(camera: Camera) -> dict:
    """The camera as numbers and lists that JSON can hold."""
    return dict(
        width=camera.width,
        height=camera.height,
        focal=float(camera.focal),
        centre=camera.centre.tolist(),
        rotation=camera.rotation.tolist(),
        position=camera.position.tolist(),
    )


def from_plain(values: dict) -> Camera:
    """The camera of such numbers and lists; ValueError, TypeError or KeyError when they are none."""
    return Camera(**{name: values[name] for name in ("width", "height", "focal", "centre", "rotation", "position")})
