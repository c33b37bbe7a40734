# SPDX-License-Identifier: GPL-3.0-or-later
"""Operations on triangle meshes: cut along a level, trim, mirror, close and hem openings.

A mesh here is a pair of arrays, vertices (V, 3) in metres and triangles (T, 3), wound so that they face outwards.
"""

import numpy as np


def triangulate(vertices, quads):
    """(2Q, 3) triangles, each quad split along its shorter diagonal."""
    v = vertices[quads]
    short = ((v[:, 0] - v[:, 2]) ** 2).sum(-1) <= ((v[:, 1] - v[:, 3]) ** 2).sum(-1)
    first = np.where(short[:, None], quads[:, [0, 1, 2]], quads[:, [1, 2, 3]])
    second = np.where(short[:, None], quads[:, [0, 2, 3]], quads[:, [1, 3, 0]])
    return np.concatenate([first, second])


def split(vertices, triangles, level, snap=0.12):
    """Insert edges where `level` is zero, by linear interpolation along the triangles' edges.

    Args:
        level: function of (x, y, z) arrays.
        snap: a crossing nearer to an edge's end than this fraction of the edge takes the end itself (no slivers).

    Returns:
        vertices, triangles, sides (T,) of -1 or 1, parents (T,): the input triangle each one came from.
    """
    values = _snapped(level(*vertices.T), triangles, snap)
    sign = np.sign(values).astype(int)
    low, high = sign[triangles].min(axis=1), sign[triangles].max(axis=1)
    across = (low < 0) & (high > 0)
    kept = np.nonzero(~across)[0]
    pieces, parents = [triangles[kept]], [kept]

    edges = _edges(triangles[across])
    edges = edges[sign[edges[:, 0]] * sign[edges[:, 1]] < 0]
    edges, _ = np.unique(np.sort(edges, axis=1), axis=0, return_inverse=True)
    a, b = edges.T
    share = (values[a] / (values[a] - values[b]))[:, None]
    crossing = vertices[a] * (1.0 - share) + vertices[b] * share
    key = a * len(vertices) + b
    order = np.argsort(key)

    def cut(p, q):
        wanted = np.minimum(p, q) * len(vertices) + np.maximum(p, q)
        return len(vertices) + order[np.searchsorted(key[order], wanted)]

    for parent, tri in _rotated(triangles, across, sign):
        s = sign[tri]
        parent = np.asarray(parent)
        through = s[:, 0] == 0  # a corner lies on the line: two pieces
        t, i = tri[through], parent[through]
        m = cut(t[:, 1], t[:, 2])
        pieces += [np.stack([t[:, 0], t[:, 1], m], -1), np.stack([t[:, 0], m, t[:, 2]], -1)]
        parents += [i, i]
        t, i = tri[~through], parent[~through]  # the first corner is alone on its side: three pieces
        m, n = cut(t[:, 0], t[:, 1]), cut(t[:, 0], t[:, 2])
        pieces += [np.stack([t[:, 0], m, n], -1), np.stack([m, t[:, 1], t[:, 2]], -1), np.stack([m, t[:, 2], n], -1)]
        parents += [i, i, i]
    triangles, parents = np.concatenate(pieces), np.concatenate(parents)
    vertices = np.concatenate([vertices, crossing])
    sign = np.concatenate([sign, np.zeros(len(crossing), int)])
    sides = np.where(sign[triangles].sum(axis=1) > 0, 1, -1)
    return vertices, triangles, sides, parents


def split_patch(vertices, triangles, levels, margin):
    """Insert the outline of the patch where several levels are all negative, corners kept sharp.

    Args:
        levels: function of (x, y, z) giving (n, ...) levels.
        margin: how far beyond a corner a line runs on, in the levels' unit.

    Returns:
        vertices, triangles, inside (T,) bool, parents (T,).
    """
    inside, parents = np.ones(len(triangles), bool), np.arange(len(triangles))

    def line(i):
        def level(x, y, z):
            all_levels = levels(x, y, z)
            return np.maximum(all_levels[i], np.delete(all_levels, i, axis=0).max(axis=0) - margin)

        return level

    for i in range(len(levels(*vertices[:1].T))):
        vertices, triangles, sides, step_parents = split(vertices, triangles, line(i))
        inside, parents = inside[step_parents] & (sides < 0), parents[step_parents]
    return vertices, triangles, inside, parents


def trim(vertices, triangles, level):
    """Keep the part where `level` is negative."""
    vertices, triangles, sides, _ = split(vertices, triangles, level)
    return compact(vertices, triangles[sides < 0])


def compact(vertices, triangles):
    """Drop vertices that no triangle uses."""
    used, triangles = np.unique(triangles, return_inverse=True)
    return vertices[used], triangles.reshape(-1, 3)


def mirror_half(vertices, triangles):
    """Whole mesh from its half x >= 0; vertices with x exactly 0 are shared."""
    image = np.arange(len(vertices)) + len(vertices)
    middle = vertices[:, 0] == 0.0
    image[middle] = np.nonzero(middle)[0]
    both = np.concatenate([vertices, vertices * [-1.0, 1.0, 1.0]])
    return compact(both, np.concatenate([triangles, image[triangles][:, ::-1]]))


def vertex_normals(vertices, triangles):
    """(V, 3) unit normals, weighted by area."""
    a, b, c = (vertices[triangles[:, i]] for i in range(3))
    face = np.cross(b - a, c - a)
    normals = np.zeros_like(vertices)
    for i in range(3):
        for axis in range(3):
            normals[:, axis] += np.bincount(triangles[:, i], face[:, axis], minlength=len(vertices))
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)


def step(vertices, triangles, inside, move):
    """Raise or sink a patch of the surface along a sharp step.

    Args:
        inside: (T,) bool, the triangles of the patch.
        move: function of (n, 3) vertices giving their places on the patch.

    Returns:
        vertices, triangles: the input's, in order, then the triangles of the step itself; and inside, smoothed so
        that the patch nowhere meets itself in a single point.
    """
    border = _border(triangles, inside)
    while (
        pinched := np.bincount(border[:, 0], minlength=1) > 1
    ).any():  # the patch meets itself in a point: round it off
        inside = inside & ~np.isin(triangles, np.nonzero(pinched)[0]).any(axis=1)
        border = _border(triangles, inside)
    patch = np.unique(triangles[inside])
    ring = np.unique(border)
    new = np.arange(len(vertices))
    new[ring] = len(vertices) + np.arange(len(ring))
    within = np.setdiff1d(patch, ring)
    vertices = np.concatenate([vertices, move(vertices[ring])])
    vertices[within] = move(vertices[within])
    triangles = np.where(inside[:, None], new[triangles], triangles)
    a, b = border.T
    sides = np.concatenate([np.stack([a, b, new[b]], -1), np.stack([a, new[b], new[a]], -1)])
    return vertices, np.concatenate([triangles, sides]), inside


def open_edges(triangles):
    """(n, 2) edges that belong to one triangle only, directed as in that triangle."""
    edges = _edges(triangles)
    key = np.sort(edges, axis=1)
    _, inverse, count = np.unique(key, axis=0, return_inverse=True, return_counts=True)
    return edges[count[inverse.ravel()] == 1]


def close(vertices, triangles, thickness=0.0, depth=0.0):
    """Close every opening: a hem turned `thickness` inwards and `depth` back under the cloth, then a hidden cap.

    With thickness 0 the openings are capped flat.
    """
    rim = open_edges(triangles)
    if thickness > 0.0:
        normals = vertex_normals(vertices, triangles)
        inward = _inward(vertices, triangles, rim)
        for step in (lambda n, m: -n * thickness - m * 0.25 * thickness, lambda n, m: m * depth - n * 0.3 * thickness):
            ring = np.unique(rim)
            moved = vertices[ring] + step(normals[ring], inward[ring])
            new = np.full(len(vertices), -1)
            new[ring] = len(vertices) + np.arange(len(ring))
            a, b = rim.T
            triangles = np.concatenate([triangles, np.stack([b, a, new[a]], -1), np.stack([b, new[a], new[b]], -1)])
            vertices = np.concatenate([vertices, moved])
            normals, inward = (np.concatenate([f, f[ring]]) for f in (normals, inward))
            rim = new[rim]
    loop = _loops(rim, len(vertices))
    names, of_edge = np.unique(loop[rim[:, 0]], return_inverse=True)
    centres = np.array([vertices[np.unique(rim[of_edge == i])].mean(axis=0) for i in range(len(names))])
    centre = len(vertices) + of_edge
    cap = np.stack([rim[:, 1], rim[:, 0], centre], -1)
    return np.concatenate([vertices, centres.reshape(-1, 3)]), np.concatenate([triangles, cap])


def shell(vertices, triangles, thickness):
    """A closed sheet: the surface, its inner side `thickness` below it, and a strip along its openings."""
    count = len(vertices)
    a, b = open_edges(triangles).T
    strip = np.concatenate([np.stack([b, a, a + count], -1), np.stack([b, a + count, b + count], -1)])
    inner = vertices - thickness * vertex_normals(vertices, triangles)
    return np.concatenate([vertices, inner]), np.concatenate([triangles, triangles[:, ::-1] + count, strip])


def _inward(vertices, triangles, rim):
    """At each vertex of a rim the unit direction away from the opening, within the surface."""
    direction = np.zeros_like(vertices)
    edge_key = {tuple(e) for e in rim.tolist()}
    ends = np.isin(triangles, rim).sum(axis=1) >= 2
    for t in triangles[ends]:
        for i in range(3):
            a, b, c = t[i], t[(i + 1) % 3], t[(i + 2) % 3]
            if (a, b) in edge_key:
                along = vertices[b] - vertices[a]
                along /= max(np.linalg.norm(along), 1e-12)
                away = vertices[c] - vertices[a]
                away = away - along * (away @ along)
                away /= max(np.linalg.norm(away), 1e-12)
                direction[a] += away
                direction[b] += away
    return direction / np.maximum(np.linalg.norm(direction, axis=1, keepdims=True), 1e-12)


def _loops(edges, count):
    """(count,) a name shared by all vertices of one connected loop of edges: its smallest vertex."""
    name = np.arange(count)
    while True:
        low = np.minimum(name[edges[:, 0]], name[edges[:, 1]])
        before = name.copy()
        np.minimum.at(name, edges[:, 0], low)
        np.minimum.at(name, edges[:, 1], low)
        if (name == before).all():
            return name


def _border(triangles, inside):
    """Edges between the patch and the rest, directed as in the patch."""
    own, other = _edges(triangles[inside]), _edges(triangles[~inside])
    count = triangles.max() + 1
    return own[np.isin(own[:, 0] * count + own[:, 1], other[:, 1] * count + other[:, 0])]


def _edges(triangles):
    return np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])


def _snapped(values, triangles, snap):
    """Values with those too near a crossing set to zero."""
    edges = _edges(triangles)
    edges = edges[values[edges[:, 0]] * values[edges[:, 1]] < 0]
    span = np.abs(values[edges[:, 0]] - values[edges[:, 1]])
    values = values.copy()
    for end in (0, 1):
        near = np.abs(values[edges[:, end]]) < snap * span
        values[edges[near, end]] = 0.0
    return values


def _rotated(triangles, across, sign):
    """Triangles to be cut, in turn with each corner first: the corner on the line, or the one alone on its side."""
    index = np.nonzero(across)[0]
    s = sign[triangles[index]]
    has_zero = (s == 0).any(axis=1)
    lone = np.where(has_zero, np.argmax(s == 0, axis=1), np.argmax(s * s.sum(axis=1, keepdims=True) < 0, axis=1))
    for corner in range(3):
        chosen = index[lone == corner]
        yield chosen, triangles[chosen][:, [corner, (corner + 1) % 3, (corner + 2) % 3]]
