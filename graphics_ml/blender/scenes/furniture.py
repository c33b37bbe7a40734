# SPDX-License-Identifier: GPL-3.0-or-later
"""Things made by rule from boxes, tubes and balls: furniture, plants, vehicles, and what only looks like a person.

A thing is made from its kind and a seed alone, at its true size in metres: Y up, its foot on the ground at the origin.
"""

import itertools
from collections.abc import Callable
from functools import lru_cache

import numpy as np

SLOTS = 3
"""Materials that a thing has at most."""


@lru_cache(128)  # the same things are drawn, placed and made
def assemble(kind: str, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A thing's vertices (V, 3) metres, triangles (T, 3) and their materials (T,) from 0 to `SLOTS` - 1."""
    parts = _MAKERS[kind](np.random.default_rng(seed))
    vertices, triangles, slots, first = [], [], [], 0
    for (places, faces), slot in parts:
        vertices.append(places)
        triangles.append(faces + first)
        slots.append(np.full(len(faces), slot))
        first += len(places)
    return np.concatenate(vertices), np.concatenate(triangles), np.concatenate(slots)


def _box(size, middle, turn=0.0):
    """A box; `turn` about the vertical, radians."""
    corners = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]) * np.array(size) / 2
    quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    return _about(corners, turn) + middle, _triangles(quads)


def _tube(a, b, wide_a, wide_b=None, sides=10):
    """A closed tube or cone from a to b, radii there; its ends are flat."""
    a, b = np.array(a, dtype=np.float64), np.array(b, dtype=np.float64)
    along = (b - a) / np.linalg.norm(b - a)
    side = _cross(along, (1.0, 0, 0) if abs(along[0]) < 0.7 else (0, 1.0, 0))
    side /= np.linalg.norm(side)
    other = _cross(along, side)
    angle = np.linspace(0, 2 * np.pi, sides, endpoint=False)[:, None]
    ring = np.cos(angle) * side + np.sin(angle) * other
    places = np.concatenate([a + wide_a * ring, b + (wide_a if wide_b is None else wide_b) * ring, [a, b]])
    i, j = np.arange(sides), (np.arange(sides) + 1) % sides
    low, high = np.full(sides, 2 * sides), np.full(sides, 2 * sides + 1)
    faces = [(i, j, j + sides), (i, j + sides, i + sides), (j, i, low), (i + sides, j + sides, high)]
    return places, np.concatenate([np.stack(face, axis=1) for face in faces])


def _ball(middle, radii, rows=7, sides=12):
    """An ellipsoid."""
    up = np.linspace(0, np.pi, rows + 1)[1:-1, None]
    angle = np.linspace(0, 2 * np.pi, sides, endpoint=False)[None]
    rings = np.stack([np.sin(up) * np.cos(angle), np.cos(up) + 0 * angle, np.sin(up) * np.sin(angle)], axis=-1)
    places = np.concatenate([rings.reshape(-1, 3), [[0, 1, 0], [0, -1, 0]]]) * radii + middle
    i, j = np.arange(sides), (np.arange(sides) + 1) % sides
    top, bottom = np.full(sides, len(places) - 2), np.full(sides, len(places) - 1)
    last = (rows - 2) * sides
    faces = [np.stack([i, top, j], axis=1), np.stack([j + last, bottom, i + last], axis=1)]
    for row in range(rows - 2):
        a, b = row * sides, (row + 1) * sides
        faces += [np.stack([a + i, a + j, b + j], axis=1), np.stack([a + i, b + j, b + i], axis=1)]
    return places, np.concatenate(faces)


def _blade(foot, tip, wide, bend):
    """A leaf: a bent strip, seen from both sides."""
    foot, tip = np.array(foot, dtype=np.float64), np.array(tip, dtype=np.float64)
    side = _cross(tip - foot, (0, 1.0, 0)) + np.array([1e-6, 0, 0])
    side *= wide / np.linalg.norm(side)
    at = np.array([0, 0.35, 0.7, 1.0])[:, None]
    middle = foot + at * (tip - foot) + [0, bend, 0] * (at * (1 - at) * 4)
    spread = np.array([0.3, 1.0, 0.8, 0.0])[:, None]
    places = np.concatenate([middle - spread * side, middle + spread * side])
    return places, _triangles([(i, i + 1, i + 5, i + 4) for i in range(3)])


def _cross(a, b):
    """NumPy's takes ten times as long for two vectors."""
    return np.array([a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]])


def _about(places, turn):
    c, s = np.cos(turn), np.sin(turn)
    return places @ np.array([[c, 0, -s], [0, 1, 0], [s, 0, c]])


def _triangles(quads):
    return np.array([[a, b, c] for a, b, c, _ in quads] + [[a, c, d] for a, _, c, d in quads])


def _legs(rng, wide, deep, height, thick):
    x, z = wide / 2 - thick, deep / 2 - thick
    splay = rng.choice([0.0, 0.0, 0.06])
    corners = [(-x, -z), (x, -z), (x, z), (-x, z)]
    if rng.uniform() < 0.5:
        return [_box((2 * thick, height, 2 * thick), (a, height / 2, b)) for a, b in corners]
    return [_tube((a * (1 + splay), 0, b * (1 + splay)), (a, height, b), thick) for a, b in corners]


def _chair(rng):
    wide, deep, seat = rng.uniform(0.38, 0.55), rng.uniform(0.38, 0.5), rng.uniform(0.4, 0.5)
    top = seat + rng.uniform(0.3, 0.6)
    parts = [(leg, 0) for leg in _legs(rng, wide, deep, seat, rng.uniform(0.012, 0.03))]
    parts.append((_box((wide, rng.uniform(0.02, 0.09), deep), (0, seat, 0)), 1))
    if rng.uniform() < 0.5:
        parts.append((_box((wide, top - seat, 0.03), (0, (seat + top) / 2, -deep / 2)), 1))
    else:
        parts += [
            (_tube((x, seat, -deep / 2), (x, top, -deep / 2 - 0.04), 0.015), 0)
            for x in np.linspace(-wide / 2.2, wide / 2.2, rng.integers(2, 7))
        ]
        parts.append((_box((wide, 0.07, 0.03), (0, top, -deep / 2 - 0.04)), 0))
    if rng.uniform() < 0.3:
        parts += [(_box((0.04, 0.03, deep), (x, seat + 0.22, 0)), 0) for x in (-wide / 2, wide / 2)]
    return parts


def _table(rng):
    wide, deep, height = rng.uniform(0.5, 1.8), rng.uniform(0.45, 0.9), rng.uniform(0.4, 0.78)
    thick = rng.uniform(0.02, 0.06)
    if rng.uniform() < 0.3:  # round, on one foot
        parts = [(_tube((0, 0, 0), (0, 0.03, 0), deep / 3, sides=16), 0), (_tube((0, 0, 0), (0, height, 0), 0.04), 0)]
        parts.append((_tube((0, height, 0), (0, height + thick, 0), deep / 1.6, sides=24), 1))
    else:
        parts = [(leg, 0) for leg in _legs(rng, wide, deep, height, rng.uniform(0.02, 0.04))]
        parts.append((_box((wide, thick, deep), (0, height + thick / 2, 0)), 1))
    for _ in range(rng.integers(0, 5)):
        x, z = rng.uniform(-0.35, 0.35, 2) * (wide, deep)
        parts.append((_small(rng, (x, height + thick, z)), 2))
    return parts


def _small(rng, foot):
    """A vase, a box or a ball on something."""
    x, y, z = foot
    tall, wide = rng.uniform(0.06, 0.3), rng.uniform(0.03, 0.12)
    kind = rng.integers(3)
    if kind == 0:
        return _tube(foot, (x, y + tall, z), wide, wide * rng.uniform(0.3, 1.2), sides=12)
    if kind == 1:
        return _box((2 * wide, tall, 1.4 * wide), (x, y + tall / 2, z), rng.uniform(0, 3))
    return _ball((x, y + wide, z), (wide, wide, wide))


def _stool(rng):
    height, wide = rng.uniform(0.35, 0.8), rng.uniform(0.14, 0.22)
    parts = [
        (
            _tube(
                (np.sin(a) * wide, 0, np.cos(a) * wide), (np.sin(a) * wide * 0.6, height, np.cos(a) * wide * 0.6), 0.014
            ),
            0,
        )
        for a in np.arange(4) * np.pi / 2
    ]
    return [*parts, (_tube((0, height, 0), (0, height + rng.uniform(0.03, 0.1), 0), wide, sides=18), 1)]


def _sofa(rng):
    wide, deep, seat, back = (
        rng.uniform(0.8, 2.1),
        rng.uniform(0.75, 0.95),
        rng.uniform(0.36, 0.45),
        rng.uniform(0.7, 0.95),
    )
    parts = [(_box((wide, seat, deep), (0, seat / 2, 0)), 0), (_box((wide, back, 0.22), (0, back / 2, -deep / 2)), 0)]
    parts += [(_box((0.2, seat + 0.2, deep), (x, (seat + 0.2) / 2, 0)), 0) for x in (-wide / 2, wide / 2)]
    for x in np.linspace(-0.35, 0.35, rng.integers(1, 4)) * wide:
        parts.append((_ball((x, seat + 0.18, -deep / 4), (0.22, 0.2, 0.09)), 1))
    return parts


def _cupboard(rng):
    wide, deep, tall = rng.uniform(0.4, 1.4), rng.uniform(0.3, 0.6), rng.uniform(0.6, 2.1)
    parts = [(_box((wide, tall, deep), (0, tall / 2, 0)), 0)]
    rows, columns = rng.integers(1, 5), rng.integers(1, 4)
    for row in range(rows):
        for column in range(columns):
            place = ((column + 0.5) / columns - 0.5) * wide, (row + 0.5) / rows * tall, deep / 2
            parts.append((_box((0.93 * wide / columns, 0.93 * tall / rows, 0.03), place), 1))
            parts.append(
                (_ball((place[0] + 0.35 * wide / columns, place[1], deep / 2 + 0.03), (0.02, 0.02, 0.02), 4, 6), 2)
            )
    return parts


def _rack(rng):
    """A shelf that one sees through, with things on it."""
    wide, deep, tall, boards = rng.uniform(0.5, 1.3), rng.uniform(0.25, 0.45), rng.uniform(0.9, 2.1), rng.integers(3, 6)
    parts = [(_box((0.03, tall, deep), (x, tall / 2, 0)), 0) for x in (-wide / 2, wide / 2)]
    for height in np.linspace(0.06, tall, boards):
        parts.append((_box((wide, 0.025, deep), (0, height, 0)), 0))
        if height < tall - 0.1:
            parts += [
                (_small(rng, (x, height + 0.012, 0)), 1 + rng.integers(2))
                for x in rng.uniform(-0.42, 0.42, rng.integers(0, 7)) * wide
            ]
    return parts


def _boxes(rng):
    parts, level = [], 0.0
    for _ in range(rng.integers(1, 5)):
        size = rng.uniform(0.2, 0.65, 3)
        parts.append(
            (
                _box(
                    size,
                    (rng.uniform(-0.08, 0.08), level + size[1] / 2, rng.uniform(-0.08, 0.08)),
                    rng.uniform(0, 3),
                ),
                rng.integers(3),
            )
        )
        level += size[1]
    return parts


def _pole(rng):
    tall, wide = rng.uniform(1.8, 4.5), rng.uniform(0.02, 0.12)
    parts = [
        (_tube((0, 0, 0), (0, tall, 0), wide, wide * rng.uniform(0.6, 1)), 0),
        (_tube((0, 0, 0), (0, 0.06, 0), 2 * wide), 0),
    ]
    if rng.uniform() < 0.5:  # a sign
        size = (rng.uniform(0.2, 0.7), rng.uniform(0.2, 0.7), 0.02)
        parts.append((_box(size, (0, min(tall, rng.uniform(1.2, 2.6)), wide + 0.01), rng.uniform(-0.3, 0.3)), 1))
    return parts


def _column(rng):
    wide, tall = rng.uniform(0.12, 0.3), rng.uniform(2.5, 4.5)
    shaft = (
        _tube((0, 0, 0), (0, tall, 0), wide, sides=20)
        if rng.uniform() < 0.5
        else _box((2 * wide, tall, 2 * wide), (0, tall / 2, 0))
    )
    return [(shaft, 0), (_box((2.5 * wide, 0.12, 2.5 * wide), (0, 0.06, 0)), 1)]


def _plant(rng):
    pot, high, foliage = rng.uniform(0.1, 0.2), rng.uniform(0.15, 0.4), rng.uniform(0.3, 1.2)
    parts = [(_tube((0, 0, 0), (0, high, 0), 0.75 * pot, pot, sides=14), 0)]
    for _ in range(rng.integers(14, 60)):
        angle, out, up = rng.uniform(0, 6.3), rng.uniform(0.2, 0.9), rng.uniform(0.3, 1)
        foot = (0, high + rng.uniform(0, 0.5) * foliage, 0)
        tip = (np.sin(angle) * out * foliage * 0.7, high + up * foliage, np.cos(angle) * out * foliage * 0.7)
        parts.append((_blade(foot, tip, foliage * rng.uniform(0.03, 0.12), foliage * rng.uniform(0, 0.3)), 1))
    return [*parts, (_tube((0, high, 0), (0, high + 0.6 * foliage, 0), 0.015), 2)]


def _bush(rng):
    wide, tall = rng.uniform(0.3, 0.8), rng.uniform(0.5, 1.6)
    parts = []
    for _ in range(rng.integers(60, 140)):
        place = rng.normal(0, 0.35, 3) * (wide, tall / 2, wide) + (0, tall / 2, 0)
        foot, tip = (np.abs(one) * (0, 1, 0) + one * (1, 0, 1) for one in (place, place + rng.normal(0, 0.16, 3)))
        parts.append((_blade(foot, tip, rng.uniform(0.03, 0.08), 0.02), rng.integers(1, 3)))
    return [*parts, (_tube((0, 0, 0), (0, 0.7 * tall, 0), 0.03), 0)]


def _tree(rng):
    stem, crown = rng.uniform(1.2, 2.5), rng.uniform(0.6, 1.4)
    parts = [(_tube((0, 0, 0), (0, stem + 0.5 * crown, 0), 0.12, 0.06), 0)]
    for _ in range(rng.integers(6, 16)):
        parts.append(
            (
                _ball(rng.normal(0, 0.45, 3) * crown + (0, stem + crown, 0), rng.uniform(0.25, 0.6, 3) * crown, 6, 9),
                rng.integers(1, 3),
            )
        )
    return parts


def _lamp(rng):
    tall, wide = rng.uniform(1.2, 1.9), rng.uniform(0.12, 0.28)
    return [
        (_tube((0, 0, 0), (0, 0.03, 0), 0.16, sides=16), 0),
        (_tube((0, 0, 0), (0, tall, 0), 0.015), 0),
        (_tube((0, tall - 0.05, 0), (0, tall + 0.25, 0), wide, wide * rng.uniform(0.4, 1), sides=18), 1),
    ]


def _fence(rng):
    wide, tall = rng.uniform(1, 2.4), rng.uniform(0.5, 1.2)
    bars = np.linspace(-wide / 2, wide / 2, rng.integers(3, 16))
    parts = [(_tube((x, 0, 0), (x, tall, 0), rng.uniform(0.01, 0.03), sides=6), 0) for x in bars]
    return parts + [(_box((wide, 0.05, 0.03), (0, y, 0)), 1) for y in (0.15 * tall, tall)]


def _panel(rng):
    size = (rng.uniform(0.5, 1.4), rng.uniform(0.4, 1.3), 0.03)
    lifted = rng.uniform(0, 0.8)
    middle = lifted + size[1] / 2
    parts = [(_box((size[0] * 1.06, size[1] * 1.06, 0.02), (0, middle, -0.015)), 0), (_box(size, (0, middle, 0)), 1)]
    return parts + [(_tube((x, 0, 0), (x, middle, -0.02), 0.015), 0) for x in (-size[0] / 2.2, size[0] / 2.2)]


def _bin(rng):
    wide, tall = rng.uniform(0.15, 0.3), rng.uniform(0.3, 1.0)
    return [
        (_tube((0, 0, 0), (0, tall, 0), wide * rng.uniform(0.7, 1), wide, sides=16), 0),
        (_tube((0, tall, 0), (0, tall + 0.05, 0), wide * 1.06, sides=16), 1),
    ]


def _toy(rng):
    radius = rng.uniform(0.08, 0.45)
    return [(_ball((0, radius, 0), (radius, radius, radius), 10, 16), 1)]


def _cone(rng):
    tall = rng.uniform(0.3, 0.8)
    return [
        (_box((0.5 * tall, 0.03, 0.5 * tall), (0, 0.015, 0)), 0),
        (_tube((0, 0.03, 0), (0, tall, 0), 0.19 * tall, 0.03 * tall, sides=16), 1),
    ]


def _ladder(rng):
    tall, wide, lean = rng.uniform(1.5, 2.6), rng.uniform(0.35, 0.5), rng.uniform(0.1, 0.5)
    parts = [(_tube((x, 0, 0), (x, tall, -lean), 0.022), 0) for x in (-wide / 2, wide / 2)]
    return parts + [
        (_tube((-wide / 2, h * tall, -h * lean), (wide / 2, h * tall, -h * lean), 0.016), 1)
        for h in np.arange(0.1, 1, 0.14)
    ]


def _bag(rng):
    wide, tall, deep = rng.uniform(0.25, 0.5), rng.uniform(0.25, 0.6), rng.uniform(0.12, 0.25)
    parts = [(_ball((0, tall / 2, 0), (wide / 2, tall / 2, deep / 2), 8, 14), 0)]
    rise = tall * rng.uniform(1.1, 1.5)
    return (
        parts
        + [(_tube((s * wide / 4, 0.9 * tall, 0), (s * wide / 8, rise, 0), 0.012), 1) for s in (-1, 1)]
        + [(_tube((-wide / 8, rise, 0), (wide / 8, rise, 0), 0.012), 1)]
    )


def _bicycle(rng):
    """Two wheels and a frame."""
    radius, half = rng.uniform(0.3, 0.36), rng.uniform(0.45, 0.55)
    parts = []
    for z in (-half, half):
        rim = [(0, radius + radius * np.cos(a), z + radius * np.sin(a)) for a in np.linspace(0, 2 * np.pi, 17)]
        parts += [(_tube(a, b, 0.018, sides=6), 0) for a, b in itertools.pairwise(rim)]
        parts += [(_tube((0, radius, z), one, 0.003, sides=3), 2) for one in rim[:-1:2]]
    crank, seat, head = (0, 0.28, -0.05), (0, 0.9, -0.2), (0, 0.85, half - 0.15)
    rear, front = (0, radius, -half), (0, radius, half)
    for a, b in ((crank, seat), (crank, head), (seat, head), (rear, crank), (rear, seat), (front, head)):
        parts.append((_tube(a, b, 0.02, sides=8), 1))
    grip = (head[1] + 0.15, head[2] - 0.05)
    parts += [(_tube(head, (0, *grip), 0.015), 1), (_tube((-0.28, *grip), (0.28, *grip), 0.014), 0)]
    return [*parts, (_ball((0, 0.94, -0.22), (0.07, 0.035, 0.14)), 0)]


def _car(rng):
    wide, long, tall = rng.uniform(1.6, 1.9), rng.uniform(3.4, 4.6), rng.uniform(0.6, 0.9)
    parts = [(_box((long, tall, wide), (0, 0.25 + tall / 2, 0)), 1)]
    parts.append((_box((0.55 * long, 0.5, 0.88 * wide), (-0.05 * long, 0.5 + tall, 0)), 0))
    return parts + [
        (_tube((x, 0.32, z - 0.1), (x, 0.32, z + 0.1), 0.32, sides=16), 2)
        for x in (-0.3 * long, 0.3 * long)
        for z in (-wide / 2, wide / 2)
    ]


def _coat_stand(rng):
    """A pole with a coat and a hat: as tall and wide as a person."""
    tall = rng.uniform(1.6, 1.9)
    parts = [(_tube((0, 0, 0), (0, tall, 0), 0.025), 0)]
    parts += [(_tube((0, 0.25, 0), (0.3 * np.sin(a), 0, 0.3 * np.cos(a)), 0.015), 0) for a in np.arange(3) * 2.1]
    shoulder, hem = tall - rng.uniform(0.15, 0.3), rng.uniform(0.4, 1.0)
    wide = rng.uniform(0.18, 0.26)
    parts.append((_tube((0, hem, 0), (0, shoulder, 0), wide * rng.uniform(0.8, 1.3), wide * 0.75, sides=14), 1))
    for side in (-1, 1):
        parts.append(
            (
                _tube(
                    (side * wide * 0.7, shoulder - 0.05, 0),
                    (side * wide * 1.2, shoulder - rng.uniform(0.45, 0.65), 0.02),
                    0.07,
                    0.055,
                ),
                1,
            )
        )
    if rng.uniform() < 0.6:
        parts += [
            (_ball((0, tall + 0.02, 0), (0.11, 0.1, 0.12)), 2),
            (_tube((0, tall - 0.02, 0), (0, tall, 0), 0.19, sides=18), 2),
        ]
    return parts


def _dress_form(rng):
    """A tailor's bust on a foot."""
    base = rng.uniform(0.75, 1.0)
    return [
        (_tube((0, 0, 0), (0, 0.04, 0), 0.2, sides=16), 0),
        (_tube((0, 0, 0), (0, base + 0.1, 0), 0.02), 0),
        (_ball((0, base + 0.08, 0), (0.18, 0.2, 0.14)), 1),
        (_ball((0, base + 0.38, 0), (0.2, 0.24, 0.14)), 1),
        (_tube((0, base + 0.55, 0), (0, base + 0.72, 0), 0.06, 0.05), 1),
    ]


def _statue(rng):
    """Balls and tubes piled up roughly as a body, on a block."""
    block, size = rng.uniform(0.1, 0.9), rng.uniform(0.7, 1.2)
    parts = [(_box((0.5, block, 0.5), (0, block / 2, 0)), 0)]
    leg, trunk = block + 0.8 * size, block + 1.1 * size
    for side in (-1, 1):
        parts.append((_tube((side * 0.1 * size, block, 0), (side * 0.08 * size, leg, 0), 0.07 * size, 0.09 * size), 1))
        hand = (
            side * rng.uniform(0.2, 0.6) * size,
            block + rng.uniform(0.7, 1.6) * size,
            rng.uniform(-0.2, 0.3) * size,
        )
        parts.append((_tube((side * 0.19 * size, block + 1.32 * size, 0), hand, 0.05 * size, 0.04 * size), 1))
    parts.append((_ball((0, trunk, 0), (0.19 * size, 0.36 * size, 0.13 * size)), 1))
    return [*parts, (_ball((0, block + 1.6 * size, 0), (0.1 * size, 0.13 * size, 0.11 * size)), 1)]


def _snowman(rng):
    parts, level = [], 0.0
    for radius in sorted(rng.uniform(0.13, 0.4, 3))[::-1]:
        parts.append((_ball((0, level + radius, 0), (radius, radius, radius), 9, 14), 0))
        level += 1.7 * radius
    return [*parts, (_tube((0, level, 0), (0, level + 0.2, 0), 0.12), 1)]


_MAKERS: dict[str, Callable] = dict(
    chair=_chair,
    table=_table,
    stool=_stool,
    sofa=_sofa,
    cupboard=_cupboard,
    rack=_rack,
    boxes=_boxes,
    pole=_pole,
    column=_column,
    plant=_plant,
    bush=_bush,
    tree=_tree,
    lamp=_lamp,
    fence=_fence,
    panel=_panel,
    bin=_bin,
    ball=_toy,
    cone=_cone,
    ladder=_ladder,
    bag=_bag,
    bicycle=_bicycle,
    car=_car,
    coat_stand=_coat_stand,
    dress_form=_dress_form,
    statue=_statue,
    snowman=_snowman,
)
DISTRACTORS = tuple(_MAKERS)
OCCLUDERS = (
    "chair",
    "table",
    "stool",
    "boxes",
    "pole",
    "plant",
    "bush",
    "fence",
    "panel",
    "bin",
    "ball",
    "cone",
    "ladder",
    "bag",
    "bicycle",
    "rack",
    "column",
    "lamp",
)
