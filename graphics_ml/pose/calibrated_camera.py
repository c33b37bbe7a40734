"""A camera that was calibrated: a pinhole with a lens, standing somewhere in the world.

Lenses distort as OpenCV writes it ("Camera Calibration and 3D Reconstruction"): Brown, "Decentering distortion of
lenses", 1966, with a rational radial part, or for a fisheye Kannala and Brandt, "A generic camera model and calibration
method", PAMI 2006.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from graphics_ml.motion.camera import Camera
from graphics_ml.motion.rotations import matrix_from_quaternion, quaternion_from_axis_angle
from graphics_ml.wording import short_repr


class LensError(ValueError):
    """A lens, or a place of a camera, that cannot be."""


@short_repr
@dataclass(frozen=True, eq=False)
class CalibratedCamera:
    """A camera with lens distortion.

    Args:
        name: as in the file.
        camera: the pinhole, with the mean of its two focal lengths; width and height 0 where the file tells none.
        distortion: up to 8 of k1, k2, p1, p2, k3, k4, k5, k6; of a fisheye up to 4, k1 to k4.
        fisheye: whether the lens is one.
        aspect: focal length down the picture over that across it.

    Raises:
        LensError: more coefficients than these.
    """

    name: str
    camera: Camera
    distortion: np.ndarray
    fisheye: bool = False
    aspect: float = 1.0

    def __post_init__(self):
        given = np.asarray(self.distortion, dtype=np.float64).ravel()
        most = 4 if self.fisheye else 8
        if np.any(given[most:]) or not np.isfinite(given).all():
            raise LensError(f"its lens has other distortions than the {most} that are known: {given.tolist()}")
        padded = np.zeros(8)
        padded[: min(len(given), most)] = given[:most]
        object.__setattr__(self, "distortion", padded)

    @property
    def focals(self) -> np.ndarray:
        """(2,) focal lengths across and down the picture, pixels."""
        return self.camera.focal * 2 * np.array([1, self.aspect]) / (1 + self.aspect)

    def rays(self, pixels: np.ndarray) -> np.ndarray:
        """Where pixels (..., 2) lie in the undistorted plane at distance 1, (..., 2): x right, y down."""
        seen = (pixels - self.camera.centre) / self.focals
        if self.fisheye:
            return self._straightened(seen)
        plain = seen
        for _ in range(20):  # fixed point
            plain = seen - (self._distort(plain) - plain)
        return plain

    def straight(self, pixels: np.ndarray) -> np.ndarray:
        """Where the pinhole `camera` sees what is seen at pixels (..., 2)."""
        return self.camera.centre + self.camera.focal * self.rays(pixels)

    def project(self, points: np.ndarray) -> np.ndarray:
        """Pixels (..., 2) of world points (..., 3), metres."""
        seen = self.camera.to_camera(points)
        return self.camera.centre + self.focals * self._distort(seen[..., :2] / seen[..., 2:])

    def of_film(self, width: int, height: int) -> tuple["CalibratedCamera", str]:
        """The camera of a film of another size than it was calibrated with, and what was done, in words.

        Films are scaled as a whole, or cut off evenly at both sides (a codec wants whole blocks; a film is cut to a
        format), or both: of the two sides' ratios the one nearer to 1 is the scale, and the middle is shown.

        Raises:
            LensError: the film has quite another shape than the calibrated picture.
        """
        had = np.array([self.camera.width, self.camera.height])
        if not had.all() or (had == (width, height)).all():
            return replace(self, camera=self.camera.replace(width=width, height=height)), ""
        ratios = np.array([width, height]) / had
        if abs(math.log(ratios[0] / ratios[1])) > _CUT:
            raise LensError(f"it was calibrated at {had[0]} x {had[1]} pixels, but the film has {width} x {height}")
        scale = float(ratios[np.argmin(np.abs(np.log(ratios)))])
        left = (scale * had - (width, height)) / 2
        camera = self.camera.replace(
            width=width, height=height, focal=scale * self.camera.focal, centre=scale * self.camera.centre - left
        )
        done = [f"scaled by {scale:.4g}"] if scale != 1 else []
        done += [
            f"{abs(2 * off):.3g} pixels {'less' if off > 0 else 'more'} {way}"
            for off, way in zip(left, ("across", "down"), strict=True)
            if abs(off) > 1e-6
        ]
        said = f"calibrated at {had[0]} x {had[1]} pixels, taken as {' and '.join(done)} around the middle"
        return replace(self, camera=camera), said

    def in_world(self, rotation: np.ndarray, scale: float = 1.0) -> "CalibratedCamera":
        """The camera in a world that `rotation` (3, 3) turns the present one into, after it is scaled."""
        camera = self.camera
        moved = camera.replace(rotation=camera.rotation @ rotation.T, position=scale * rotation @ camera.position)
        return replace(self, camera=moved)

    def _distort(self, plain):
        k1, k2, p, q, k3, k4, k5, k6 = self.distortion
        if self.fisheye:
            k1, k2, k3, k4 = self.distortion[:4]
            radius = np.linalg.norm(plain, axis=-1, keepdims=True)
            angle = np.arctan(radius)
            s = angle * angle
            bent = angle * (1 + s * (k1 + s * (k2 + s * (k3 + s * k4))))
            return plain * np.where(radius > 1e-9, bent / np.maximum(radius, 1e-9), 1.0)
        x, y = plain[..., 0], plain[..., 1]
        square = x * x + y * y
        radial = (1 + square * (k1 + square * (k2 + square * k3))) / (1 + square * (k4 + square * (k5 + square * k6)))
        return np.stack(
            (
                x * radial + 2 * p * x * y + q * (square + 2 * x * x),
                y * radial + p * (square + 2 * y * y) + 2 * q * x * y,
            ),
            axis=-1,
        )

    def _straightened(self, seen):
        """A fisheye's distortion undone, by Newton's method on the angle."""
        k = self.distortion[:4]
        bent = np.linalg.norm(seen, axis=-1, keepdims=True)
        angle = np.minimum(bent, 1.5)
        for _ in range(10):
            s = angle * angle
            value = angle * (1 + s * (k[0] + s * (k[1] + s * (k[2] + s * k[3]))))
            slope = 1 + s * (3 * k[0] + s * (5 * k[1] + s * (7 * k[2] + s * 9 * k[3])))
            angle = np.clip(angle - (value - bent) / slope, 0.0, 1.55)
        return seen * np.where(bent > 1e-9, np.tan(angle) / np.maximum(bent, 1e-9), 1.0)


_CUT = math.log(1.1)  # how unlike the two sides' ratios may be


def from_opencv(
    name: str,
    size: tuple[int, int],
    matrix: np.ndarray,
    distortion: np.ndarray,
    rotation: np.ndarray,
    translation: np.ndarray,
    fisheye: bool = False,
) -> CalibratedCamera:
    """A camera as OpenCV describes it: a point x of a world with Z up is at R x + t in the camera's axes.

    Args:
        name: of the camera.
        size: (width, height), pixels; (0, 0) where it is not known.
        matrix: (3, 3) focal lengths and principal point, pixels; (0, 0) is the middle of the first pixel.
        distortion: as OpenCV orders it.
        rotation: (3, 3), or a vector (3,) along its axis whose length is its angle (Rodrigues).
        translation: (3,).
        fisheye: whether the lens is one.

    Raises:
        LensError: a matrix has another shape or the rotation is none.
    """
    rotation, translation = np.asarray(rotation, np.float64), np.asarray(translation, np.float64).ravel()
    if rotation.size == 3:
        rotation = matrix_from_quaternion(quaternion_from_axis_angle(rotation.ravel()))
    matrix = np.asarray(matrix, np.float64)
    for what, value, shape in (
        ("matrix", matrix, (3, 3)),
        ("rotation", rotation, (3, 3)),
        ("place", translation, (3,)),
    ):
        if value.shape != shape or not np.isfinite(value).all():
            raise LensError(f"its {what} is not {' x '.join(map(str, shape))} numbers")
    across, down = matrix[0, 0], matrix[1, 1]
    if not (across > 0 and down > 0):
        raise LensError("its focal length is not positive")
    try:
        camera = Camera(
            *size,
            focal=(across + down) / 2,
            centre=matrix[:2, 2] + 0.5,
            rotation=y_up(rotation),
            position=y_up(-rotation.T @ translation),
        )
    except ValueError as error:
        raise LensError(str(error)) from error
    return CalibratedCamera(name, camera, distortion, fisheye, down / across)


def y_up(vectors: np.ndarray) -> np.ndarray:
    """Vectors (..., 3) of a world with Z up in ours, with Y up."""
    x, y, z = np.moveaxis(np.asarray(vectors, np.float64), -1, 0)
    return np.stack((x, z, -y), axis=-1)
