"""Meshes of known shapes: spheres, boxes, floors."""

import numpy as np


def sphere(centre, radius, rings=60):
    """Vertices and triangles of a sphere with its poles above and below."""
    polar, turn = np.linspace(0, np.pi, rings + 1)[1:-1], np.arange(2 * rings) * np.pi / rings
    polar, turn = (values.ravel() for values in np.meshgrid(polar, turn, indexing="ij"))
    unit = np.stack((np.sin(polar) * np.sin(turn), np.cos(polar), np.sin(polar) * np.cos(turn)), axis=-1)
    unit = np.concatenate((unit, [[0, 1, 0], [0, -1, 0]]))
    around, top, bottom = 2 * rings, len(unit) - 2, len(unit) - 1
    triangles = []
    for k in range(around):
        n = (k + 1) % around
        triangles += [(top, k, n), (bottom, (rings - 2) * around + n, (rings - 2) * around + k)]
        for ring in range(rings - 2):
            a, b, c, d = ring * around + k, ring * around + n, (ring + 1) * around + k, (ring + 1) * around + n
            triangles += [(a, c, b), (b, c, d)]
    return np.asarray(centre) + radius * unit, np.array(triangles)


def box(centre, size):
    """Vertices and triangles of an upright box."""
    corners = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]) / 2
    sides = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    return np.asarray(centre) + corners * size, np.array([t for a, b, c, d in sides for t in ((a, b, c), (a, c, d))])


def floor(height=0.0, half=50.0):
    """Vertices and triangles of a level square."""
    corners = np.array([[-half, height, -half], [-half, height, half], [half, height, half], [half, height, -half]])
    return corners, np.array([[0, 1, 2], [0, 2, 3]])
