"""Rays against triangles, each against each, as Möller and Trumbore 1997 ("Fast, Minimum Storage Ray/Triangle
Intersection") write it: the plain answer that faster ones are held against."""

import numpy as np


def first_hits(origin, directions, vertices, triangles):
    """(R,) how often each ray's direction reaches to the first triangle, inf where to none, and (R,) which that is."""
    a, b, c = (vertices[triangles[:, k]] for k in range(3))
    one, two, to_origin = b - a, c - a, origin - a
    q = np.cross(to_origin, one)
    along = np.einsum("tc,tc->t", two, q)
    times, which = np.full(len(directions), np.inf), np.full(len(directions), -1)
    for row, direction in enumerate(directions):
        p = np.cross(direction, two)
        with np.errstate(divide="ignore", invalid="ignore"):
            inverse = 1 / np.einsum("tc,tc->t", one, p)
            u, v = np.einsum("tc,tc->t", to_origin, p) * inverse, q @ direction * inverse
            met = np.where((u >= 0) & (v >= 0) & (u + v <= 1) & (along * inverse > 0), along * inverse, np.inf)
        if np.isfinite(met).any():
            which[row] = np.argmin(met)
            times[row] = met[which[row]]
    return times, which


def rays(camera, places):
    """(N, 3) directions in the world, of depth 1, through places (N, 2) in the picture."""
    seen = np.concatenate(((places - camera.centre) / camera.focal, np.ones((len(places), 1))), axis=1)
    return seen @ camera.rotation
