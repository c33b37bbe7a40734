"""Points in space from several calibrated cameras.

First the point nearest to all rays in the least squares sense (linear in the point: Hartley and Zisserman, "Multiple
View Geometry", section 12.2, on undistorted rays), then reweighting by how far each camera's ray stays off: a camera
that sees the point elsewhere than the others do loses its say.
"""

from collections.abc import Sequence

import numpy as np

from graphics_ml.pose.calibrated_camera import CalibratedCamera


def triangulate(
    cameras: Sequence[CalibratedCamera],
    pixels: np.ndarray,
    weights: np.ndarray,
    outlier: float | np.ndarray = 15.0,
    rounds: int = 10,
) -> tuple[np.ndarray, np.ndarray]:
    """World places of points seen by several cameras at the same time.

    Args:
        cameras: C of them, at least two.
        pixels: (C, ..., 2) where each sees the points; anything where the weight is 0.
        weights: (C, ...) how far each is to be believed, 0..1.
        outlier: pixels off at which a camera's word counts a quarter; one number, or (C,).
        rounds: of reweighting.

    Returns:
        (..., 3) metres, NaN where fewer than two cameras saw the point; and (C, ...) pixels between the point seen
        and the point found.
    """
    weights = np.where(np.isfinite(pixels).all(axis=-1), weights, 0.0)
    pixels = np.nan_to_num(pixels)
    rays = np.stack([camera.rays(seen) for camera, seen in zip(cameras, pixels, strict=True)])
    # A point p seen along (u, v, 1) obeys (right - u ahead) . (p - position) = 0, and down - v ahead likewise.
    rows, offsets = [], []
    for camera, ray in zip(cameras, rays, strict=True):
        right, down, ahead = camera.camera.rotation
        row = np.stack((right - ray[..., :1] * ahead, down - ray[..., 1:] * ahead), axis=-2)
        rows.append(row)
        offsets.append(row @ camera.camera.position)
    rows, offsets = np.stack(rows), np.stack(offsets)  # (C, ..., 2, 3) and (C, ..., 2)
    each = (-1, *[1] * (pixels.ndim - 2))
    focal = np.array([camera.camera.focal for camera in cameras]).reshape(each)
    outlier = np.reshape(np.broadcast_to(outlier, len(cameras)), each)
    enough = (weights > 0).sum(axis=0) >= 2
    robust = weights.copy()
    for _ in range(rounds):
        matrix = np.einsum("c...,c...ki,c...kj->...ij", robust, rows, rows)
        right_side = np.einsum("c...,c...ki,c...k->...i", robust, rows, offsets)
        matrix = matrix + np.where(enough, 1e-12, 1.0)[..., None, None] * np.eye(3)
        points = np.linalg.solve(matrix, right_side[..., None])[..., 0]
        depth = np.stack([camera.camera.to_camera(points)[..., 2] for camera in cameras])
        off = np.linalg.norm(np.einsum("c...ki,...i->c...k", rows, points) - offsets, axis=-1)
        residuals = off / np.maximum(np.abs(depth), 1e-3) * focal
        # Rays are compared at the point's distance; the square root of the Geman-McClure weight comes out squared.
        robust = weights / np.maximum(depth, 0.1) ** 2 / (1 + (residuals / outlier) ** 2) ** 2
    return np.where(enough[..., None], points, np.nan), np.where(weights > 0, residuals, np.nan)
