# SPDX-License-Identifier: GPL-3.0-or-later
"""The zero surface of a field as a mesh, by surface nets on a sparse grid.

Naive surface nets (Gibson, "Constrained Elastic Surface Nets", 1998) place one vertex in every cell the surface
crosses; here, as in dual marching cubes (Nielson 2004), one per separate sheet within the cell, so that sheets that
meet in a cell stay apart and every inner edge has two faces. Only blocks of cells near the surface are evaluated. Then
vertices are relaxed along the surface and projected onto it by Newton's method, which makes the shape of the
mesh that of the field rather than of the grid.
"""

from functools import cache

import numpy as np

_BLOCK = 6  # cells along a block's edge
_SHIFTS = 8  # grids to try: one in a hundred runs two sheets together along an edge


def surface_nets(field, lower, upper, spacing, lens=None, half=False, steepness=1.5):
    """Quads of the surface field = 0, facing outwards (towards growing values).

    Args:
        field: function of coordinate arrays (x, y, z) of one shape; negative inside.
        lower, upper: (3,) corners of the box to look in, metres; a surface crossing the box stays open there.
        spacing: edge of a grid cell, metres.
        lens: a `Lens` that makes cells smaller somewhere, or None.
        half: mesh only x >= 0 of a field that mirrors at x = 0; vertices on the plane have exactly x = 0.
        steepness: bound on how fast the field may grow per metre; guides which blocks are skipped.

    Returns:
        vertices (V, 3) float64, quads (Q, 4) int.
    """
    lower, upper = np.array(lower, float), np.array(upper, float)
    to_place = lens.to_place if lens else lambda x, y, z: (x, y, z)
    for attempt in range(_SHIFTS):
        shift = attempt / _SHIFTS * spacing * np.array([0.0 if half else 1.0, 1.0, 1.0])
        origin, cells = _grid(lower - shift, upper, spacing, lens, half)
        blocks = _near_blocks(field, to_place, origin, cells, spacing, steepness)
        values, codes, ids = _active_cells(field, to_place, origin, spacing, blocks, cells)
        sheet_of_edge, sheets = _sheet_tables()
        first = np.concatenate([[0], np.cumsum(sheets[codes])])
        quads = _quads(values, codes, ids, cells, first, sheet_of_edge)
        if _edge_faces(quads).max(initial=0) <= 2:
            break
    u = origin + _vertices(values, codes, ids, cells, first, sheet_of_edge) * spacing
    on_plane = np.zeros(len(u), bool)
    if half:
        on_plane = np.repeat(np.unravel_index(ids, cells)[0] == 0, sheets[codes])
        u[on_plane, 0] = 0.0
    vertices = np.stack(to_place(*u.T), axis=-1)
    used, quads = np.unique(quads, return_inverse=True)
    quads = quads.reshape(-1, 4)
    return _relax(field, vertices[used], quads, spacing, on_plane[used]), quads


def gradient(field, vertices, step=2e-4):
    """(V, 3) central-difference gradient of a field."""
    slopes = []
    for axis in range(3):
        offset = np.zeros(3)
        offset[axis] = step
        slopes.append(field(*(vertices + offset).T) - field(*(vertices - offset).T))
    return np.stack(slopes, axis=-1) / (2.0 * step)


def _grid(lower, upper, spacing, lens, half):
    if lens:
        corners = np.array([[(lower, upper)[i >> a & 1][a] for a in range(3)] for i in range(8)])
        faces = np.concatenate([corners, np.stack([lower, upper]), [lens.centre]])
        # the lens bulges a box outwards: also take the box's own edges through the lens's centre
        for axis in range(3):
            for side in (lower, upper):
                middle = lens.centre.copy()
                middle[axis] = side[axis]
                faces = np.concatenate([faces, [middle]])
        mapped = np.array([lens.to_grid(p) for p in faces])
        lower, upper = mapped.min(0), mapped.max(0)
    if half:
        lower[0] = -0.5 * spacing
    cells = np.ceil((upper - lower) / spacing / _BLOCK).astype(int) * _BLOCK
    return lower, cells


def _near_blocks(field, to_place, origin, cells, spacing, steepness):
    """(n, 3) indices of blocks that the surface may cross, found by halving boxes from coarse to fine."""
    size = 4
    counts = -(-cells // (_BLOCK * size))
    blocks = np.stack(np.meshgrid(*(np.arange(n) for n in counts), indexing="ij"), -1).reshape(-1, 3)
    while True:
        edge = _BLOCK * size * spacing
        centres = origin + (blocks + 0.5) * edge
        near = np.abs(field(*to_place(*centres.T))) <= steepness * edge * np.sqrt(0.75)
        blocks = blocks[near]
        if size == 1:
            return blocks[(blocks * _BLOCK < cells).all(axis=1)]
        size //= 2
        children = np.stack(np.meshgrid(*[[0, 1]] * 3, indexing="ij"), -1).reshape(-1, 3)
        blocks = (blocks[:, None] * 2 + children).reshape(-1, 3)


def _active_cells(field, to_place, origin, spacing, blocks, cells):
    """Corner values (n, 8), sign codes (n,) and linear ids (n,) of the cells that the surface crosses, by id."""
    steps = np.stack(np.meshgrid(*[np.arange(_BLOCK + 1)] * 3, indexing="ij"), 0)
    nodes = blocks.T[:, :, None, None, None] * _BLOCK + steps[:, None]
    places = to_place(*(origin[:, None, None, None, None] + nodes * spacing))
    values = field(*places)
    values = np.where(values == 0.0, 1e-12, values)
    corners = [
        values[:, i : i + _BLOCK, j : j + _BLOCK, k : k + _BLOCK] for i in (0, 1) for j in (0, 1) for k in (0, 1)
    ]
    codes = sum((c < 0).astype(int) << i for i, c in enumerate(corners))
    active = (codes > 0) & (codes < 255)
    where = np.nonzero(active)
    index = [blocks[where[0], a] * _BLOCK + where[a + 1] for a in range(3)]
    ids = np.ravel_multi_index(index, cells)
    order = np.argsort(ids)
    return np.stack([c[where] for c in corners], -1)[order], codes[active][order], ids[order]


_CORNERS = np.array([[i, j, k] for i in (0, 1) for j in (0, 1) for k in (0, 1)])
_EDGES = [
    (a, a | bit) for bit in (4, 2, 1) for a in range(8) if not a & bit
]  # four along x, four along y, four along z


@cache
def _sheet_tables():
    """For each of 256 sign codes: which sheet of surface each of the 12 edges belongs to, and how many there are."""
    faces = [[c for c in range(8) if (c & bit > 0) == side] for bit in (4, 2, 1) for side in (False, True)]
    sheet_of_edge = np.full((256, 12), -1)
    sheets = np.zeros(256, int)
    for code in range(256):
        inside = [code >> c & 1 for c in range(8)]
        crossed = [e for e, (a, b) in enumerate(_EDGES) if inside[a] != inside[b]]
        group = {e: e for e in crossed}
        for face in faces:
            around = [e for e in crossed if _EDGES[e][0] in face and _EDGES[e][1] in face]
            if len(around) == 2:
                pairs = [around]
            else:  # two opposite corners inside: they belong to separate sheets
                pairs = [[e for e in around if c in _EDGES[e]] for c in face if inside[c] and around]
            for a, b in pairs:
                old, new = group[b], group[a]
                group = {e: new if g == old else g for e, g in group.items()}
        names = sorted(set(group.values()))
        sheets[code] = len(names)
        for e, g in group.items():
            sheet_of_edge[code, e] = names.index(g)
    return sheet_of_edge, sheets


def _vertices(values, codes, ids, cells, first, sheet_of_edge):
    """Mean of the edge crossings of each sheet, in cells of the grid."""
    corner = np.stack(np.unravel_index(ids, cells), -1)
    total, count = np.zeros((first[-1], 3)), np.zeros(first[-1])
    for e, (a, b) in enumerate(_EDGES):
        at = np.nonzero(sheet_of_edge[codes, e] >= 0)[0]
        share = values[at, a] / (values[at, a] - values[at, b])
        point = corner[at] + _CORNERS[a] + share[:, None] * (_CORNERS[b] - _CORNERS[a])
        vertex = first[at] + sheet_of_edge[codes[at], e]
        np.add.at(total, vertex, point)
        np.add.at(count, vertex, 1.0)
    return total / count[:, None]


def _quads(values, codes, ids, cells, first, sheet_of_edge):
    """One quad around every crossed grid edge, joining the four cells that share it."""
    strides = np.array([cells[1] * cells[2], cells[2], 1])
    index = np.stack(np.unravel_index(ids, cells), -1)
    quads = []
    for axis in range(3):
        b, c = (axis + 1) % 3, (axis + 2) % 3
        own = 4 * axis  # the edge of this axis at the cell's first corner
        crossed = sheet_of_edge[codes, own] >= 0
        inner = (index[:, b] > 0) & (index[:, c] > 0)
        at = np.nonzero(crossed & inner)[0]
        bits = (4, 2, 1)
        ring = []
        for db, dc in ((0, 0), (1, 0), (1, 1), (0, 1)):
            neighbour = np.searchsorted(ids, ids[at] - db * strides[b] - dc * strides[c])
            edge = _EDGES.index(((db * bits[b]) | (dc * bits[c]), (db * bits[b]) | (dc * bits[c]) | bits[axis]))
            ring.append(first[neighbour] + sheet_of_edge[codes[neighbour], edge])
        quad = np.stack(ring, -1)
        flip = values[at, 0] < 0  # inside at the low end: the outside lies along +axis
        quads.append(np.where(flip[:, None], quad, quad[:, ::-1]))
    return np.concatenate(quads)


def _edge_faces(quads):
    """How many faces each edge has."""
    a, b = quads.ravel().astype(np.int64), np.roll(quads, -1, axis=1).ravel()
    return np.unique(np.minimum(a, b) * (quads.max(initial=0) + 1) + np.maximum(a, b), return_counts=True)[1]


def _relax(field, vertices, quads, spacing, on_plane, rounds=3):
    """Spread vertices evenly along the surface and put them exactly on it."""
    a, b = quads.ravel(), np.roll(quads, -1, axis=1).ravel()
    a, b = np.concatenate([a, b]), np.concatenate([b, a])
    degree = np.maximum(np.bincount(a, minlength=len(vertices)), 1)[:, None]
    for _ in range(rounds):
        mean = np.stack([np.bincount(a, vertices[b, i], minlength=len(vertices)) for i in range(3)], -1) / degree
        slope = gradient(field, vertices)
        square = np.maximum((slope**2).sum(-1, keepdims=True), 1e-4)
        move = 0.5 * (mean - vertices)
        move -= slope * ((move * slope).sum(-1, keepdims=True) / square)
        vertices = vertices + move
        step = -field(*vertices.T)[:, None] * slope / square
        far = np.linalg.norm(step, axis=-1, keepdims=True)
        vertices = vertices + step * np.minimum(1.0, 0.5 * spacing / np.maximum(far, 1e-12))
        vertices[on_plane, 0] = 0.0
    return vertices
