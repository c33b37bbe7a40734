"""What a camera sees, exactly: depth, normals, flow, whose body and which part of it, and which keypoints are hidden.

One ray goes through the middle of each pixel, and one to each keypoint.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numba
import numpy as np

from graphics_ml.geometry.pixel_rays import first_hits, homogeneous_pixels
from graphics_ml.keypoints import PARTS, TOUCHING
from graphics_ml.motion.camera import Camera, as_plain
from graphics_ml.wording import short_repr

UNLABELLED, HIDDEN, VISIBLE = 0, 1, 2
"""COCO's flags of a keypoint: there is none or it is outside the picture; it is in it but hidden; it is seen."""

_SLACK = 0.015  # metres; so far below any surface a point on the skin may lie and still be seen
# Metres; so far below the skin of a part that touches it a keypoint may lie and still be seen. A limb's joints lie as
# deep as it is thick. Fingers are all one part and hide one another, and from heel to toes a foot hides itself, but
# their ends are seen from all around.
_DEEP = dict(hand=0.03, foot=0.045, head=0.0)


@short_repr
@dataclass(frozen=True, eq=False)
class Surface:
    """A mesh in the world, metres.

    Attributes:
        vertices: (V, 3).
        triangles: (T, 3) indices of vertices, counter-clockwise seen from outside.
        next_vertices: (V, 3) at the next moment; None for what does not move.
        instance: the person whose body it is, from 1; 0 for things.
        parts: (T,) indices into keypoints.PARTS; None for things.
        smooth: whether it is shaded smooth, one for all or (T,).
    """

    vertices: np.ndarray
    triangles: np.ndarray
    next_vertices: np.ndarray | None = None
    instance: int = 0
    parts: np.ndarray | None = None
    smooth: bool | np.ndarray = False


@short_repr
@dataclass(frozen=True, eq=False)
class Body:
    """The keypoints of a person.

    Attributes:
        instance: as of its surfaces.
        keypoints: (133, 3) of keypoints.WHOLE_BODY in the world, metres; NaN for those it has not.
        on_surface: (133,) bool, points on the skin; the others are joints within it.
    """

    instance: int
    keypoints: np.ndarray
    on_surface: np.ndarray


@short_repr
@dataclass(frozen=True, eq=False)
class RayLabels:
    """What is seen in a picture of H x W pixels.

    Attributes:
        depth: (H, W) float32 metres along the camera's axis; inf where nothing is.
        normals: (H, W, 3) float32 unit vectors in the world, turned to the camera; NaN where nothing is.
        flow: (H, W, 2) float32 pixels, right and down, to where the same point of the surface is at the next moment,
            seen or not; NaN where nothing is or it is behind the camera then.
        instances: (H, W) uint16; 0 where no person is.
        parts: (H, W) uint8 indices into keypoints.PARTS.
        visibility: for each body (133,) uint8, UNLABELLED, HIDDEN or VISIBLE.
    """

    depth: np.ndarray
    normals: np.ndarray
    flow: np.ndarray
    instances: np.ndarray
    parts: np.ndarray
    visibility: tuple[np.ndarray, ...]


def ray_labels(
    camera: Camera, surfaces: Sequence[Surface], bodies: Sequence[Body] = (), next_camera: Camera | None = None
) -> RayLabels:
    """Cast the rays of a picture.

    A keypoint on the skin is visible when nothing is met more than 1.5 cm before it. Any keypoint is visible when what
    is met first is a part of its own body that touches it, so that no joint is hidden by the flesh around it; of a hand
    this counts within 3 cm, of a foot within 4.5 cm, of a head not at all.

    Args:
        next_camera: where the picture of the next moment is taken from; `camera` when None.
    """
    if next_camera is not None and as_plain(next_camera) == as_plain(camera):
        next_camera = None  # so that what stands still does not flow by a rounding
    places = [camera.project(body.keypoints) for body in bodies]
    # No ray goes to a keypoint that there is not: a place left of the picture meets nothing.
    others = np.nan_to_num(np.concatenate((np.empty((0, 2)), *places)), nan=-1.0)
    hits = first_hits(camera, [(surface.vertices, surface.triangles) for surface in surfaces], others)

    count, shape = camera.height * camera.width, (camera.height, camera.width)
    normals, flow = np.full((count, 3), np.nan, np.float32), np.full((count, 2), np.nan, np.float32)
    for index, surface in enumerate(surfaces):
        _fill(normals, flow, surface, hits, np.flatnonzero(hits.surface[:count] == index), camera, next_camera)

    instance_of = np.array([*(surface.instance for surface in surfaces), 0], dtype=np.uint16)  # the last is nothing's
    instances, parts = instance_of[hits.surface], _parts(surfaces, hits)
    visibility, start = [], count
    for body, place in zip(bodies, places, strict=True):
        own = slice(start, start := start + len(place))
        visibility.append(_visibility(camera, body, place, hits.depth[own], instances[own], parts[own]))
    return RayLabels(
        depth=hits.depth[:count].astype(np.float32).reshape(shape),
        normals=normals.reshape(*shape, 3),
        flow=flow.reshape(*shape, 2),
        instances=instances[:count].reshape(shape),
        parts=parts[:count].reshape(shape),
        visibility=tuple(visibility),
    )


def box_of_pixels(mask: np.ndarray) -> np.ndarray | None:
    """The box (4,) left, top, right, bottom in pixels around what is true in (H, W); None where nothing is."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return None
    return np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], dtype=np.float64)


def box_of_points(camera: Camera, points: np.ndarray) -> np.ndarray | None:
    """The box (4,) left, top, right, bottom in pixels around all of the points (N, 3) that are before the camera, in
    the picture or not; None where none is."""
    places = camera.project(points)
    places = places[np.isfinite(places).all(axis=-1)]
    if not len(places):
        return None
    return np.concatenate((places.min(axis=0), places.max(axis=0)))


def _parts(surfaces, hits):
    """(R,) the part of a body that each ray meets."""
    parts = np.zeros(len(hits.surface), dtype=np.uint8)
    for index, surface in enumerate(surfaces):
        if surface.parts is not None:
            rays = np.flatnonzero(hits.surface == index)
            parts[rays] = surface.parts[hits.triangle[rays]]
    return parts


def _visibility(camera, body, places, met, instances, parts):
    """(K,) flags of a body's keypoints, from their places (K, 2) in the picture and the depth, instance and part that
    their rays meet."""
    inside = ((places >= 0) & (places < (camera.width, camera.height))).all(axis=-1)
    depth = camera.to_camera(body.keypoints)[:, 2]
    along = np.linalg.norm(body.keypoints - camera.position, axis=-1) / depth  # metres of ray for each metre of depth
    before = (depth - met) * along
    own = (instances == body.instance) & _TOUCHES[np.arange(len(places)), parts]
    clear = (own & (before <= _DEPTHS)) | ~(before > np.where(body.on_surface, _SLACK, 0.0))
    return np.where(inside, np.where(clear, VISIBLE, HIDDEN), UNLABELLED).astype(np.uint8)


def _depth(touching):
    """Metres of its own body that may lie before a keypoint where these parts meet."""
    ends = {PARTS[part].removeprefix("left_").removeprefix("right_") for part in touching}
    return _DEEP.get(*ends, np.inf) if len(ends) == 1 else np.inf


_TOUCHES = np.array([[part in touching for part in range(len(PARTS))] for touching in TOUCHING])
_DEPTHS = np.array([_depth(touching) for touching in TOUCHING])


def _fill(normals, flow, surface, hits, pixels, camera, next_camera):
    """Write the normals (R, 3) and the flow (R, 2) of the pixels in which the surface is seen."""
    vertices = np.ascontiguousarray(surface.vertices, dtype=np.float64)
    triangles = np.ascontiguousarray(surface.triangles, dtype=np.int32)
    smooth = np.ascontiguousarray(np.broadcast_to(surface.smooth, len(triangles)))
    seen = hits.triangle[pixels]
    corner_normals = np.zeros((0, 3))
    if smooth[seen].any():
        corner_normals = _vertex_normals(vertices, triangles, _marked(triangles[seen], len(vertices)))
    _shade(normals, pixels, seen, hits.weights, vertices, triangles, smooth, corner_normals, camera.position)
    if surface.next_vertices is None and next_camera is None:
        flow[pixels] = 0
        return
    if surface.next_vertices is not None:
        vertices = np.ascontiguousarray(surface.next_vertices, dtype=np.float64)
    camera = next_camera or camera
    to = camera.position, homogeneous_pixels(camera)
    _move(flow, pixels, seen, hits.weights, vertices, triangles, *to, camera.width)


@numba.njit(cache=True, nogil=True)
def _move(flow, pixels, seen, weights, vertices, triangles, position, of_camera, width):
    """Write how far in the picture the point that is met in each pixel has gone when the vertices are where they are
    next; NaN stays where it is behind the camera then."""
    for i in range(len(pixels)):
        pixel, triangle = pixels[i], seen[i]
        x, y, z = _between(vertices, triangles, triangle, weights, pixel)
        x, y, z = x - position[0], y - position[1], z - position[2]
        depth = of_camera[2, 0] * x + of_camera[2, 1] * y + of_camera[2, 2] * z
        if depth > 1e-9:
            u = (of_camera[0, 0] * x + of_camera[0, 1] * y + of_camera[0, 2] * z) / depth
            v = (of_camera[1, 0] * x + of_camera[1, 1] * y + of_camera[1, 2] * z) / depth
            flow[pixel, 0], flow[pixel, 1] = u - (pixel % width + 0.5), v - (pixel // width + 0.5)


@numba.njit(cache=True, nogil=True)
def _shade(normals, pixels, seen, weights, vertices, triangles, smooth, corner_normals, eye):
    """Write shading normals as Cycles has them: a smooth triangle's are interpolated between those of its corners, and
    where its back is seen they are turned round."""
    for i in range(len(pixels)):
        pixel, triangle = pixels[i], seen[i]
        a, b, c = triangles[triangle, 0], triangles[triangle, 1], triangles[triangle, 2]
        x, y, z = fx, fy, fz = _product(vertices, a, b, a, c)
        if smooth[triangle]:
            x, y, z = _between(corner_normals, triangles, triangle, weights, pixel)
        size = np.sqrt(x * x + y * y + z * z)
        if fx * (vertices[a, 0] - eye[0]) + fy * (vertices[a, 1] - eye[1]) + fz * (vertices[a, 2] - eye[2]) > 0:
            size = -size
        if size != 0:
            normals[pixel, 0], normals[pixel, 1], normals[pixel, 2] = x / size, y / size, z / size


@numba.njit(inline="always")
def _between(values, triangles, triangle, weights, row):
    """The value (3,) within a triangle at the barycentric coordinates of a row."""
    a, b, c = triangles[triangle, 0], triangles[triangle, 1], triangles[triangle, 2]
    u, v, w = weights[row, 0], weights[row, 1], weights[row, 2]
    return (
        u * values[a, 0] + v * values[b, 0] + w * values[c, 0],
        u * values[a, 1] + v * values[b, 1] + w * values[c, 1],
        u * values[a, 2] + v * values[b, 2] + w * values[c, 2],
    )


@numba.njit(inline="always")
def _product(points, a, b, c, d):
    """The cross product of the ways from a to b and from c to d."""
    x, y, z = points[b, 0] - points[a, 0], points[b, 1] - points[a, 1], points[b, 2] - points[a, 2]
    p, q, r = points[d, 0] - points[c, 0], points[d, 1] - points[c, 1], points[d, 2] - points[c, 2]
    return y * r - z * q, z * p - x * r, x * q - y * p


def _marked(rows, count):
    marked = np.zeros(count, dtype=np.bool_)
    marked[rows] = True
    return marked


@numba.njit(cache=True, nogil=True)
def _vertex_normals(vertices, triangles, wanted):
    """(V, 3) unit normals of the wanted vertices: of the triangles around them, each as its angle there (Thürmer and
    Wüthrich 1998, "Computing Vertex Normals from Polygonal Facets"), which is what Blender does."""
    normals = np.zeros((len(vertices), 3))
    for triangle in range(len(triangles)):
        a, b, c = triangles[triangle, 0], triangles[triangle, 1], triangles[triangle, 2]
        if not (wanted[a] or wanted[b] or wanted[c]):
            continue
        x, y, z = _product(vertices, a, b, a, c)
        size = np.sqrt(x * x + y * y + z * z)
        if size == 0:
            continue
        for at, before, after in ((a, c, b), (b, a, c), (c, b, a)):
            dot = 0.0
            for axis in range(3):
                dot += (vertices[before, axis] - vertices[at, axis]) * (vertices[after, axis] - vertices[at, axis])
            share = np.arctan2(size, dot) / size  # the angle at this corner
            normals[at, 0] += share * x
            normals[at, 1] += share * y
            normals[at, 2] += share * z
    for i in range(len(vertices)):
        size = np.sqrt(normals[i, 0] ** 2 + normals[i, 1] ** 2 + normals[i, 2] ** 2)
        if size > 0:
            for axis in range(3):
                normals[i, axis] /= size
    return normals
