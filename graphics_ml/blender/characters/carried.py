# SPDX-License-Identifier: GPL-3.0-or-later
"""Glasses, bags, and what a hand holds: closed meshes made directly from outlines.

Each function gives solids as (vertices (V, 3) in metres, triangles (T, 3) facing outwards).
"""

import numpy as np

from graphics_ml.blender.characters.body import Body
from graphics_ml.blender.characters.head import Head
from graphics_ml.blender.characters.proportions import arm_frame
from graphics_ml.blender.characters.surface_nets import gradient


def glasses(head: Head, dark: bool) -> list[tuple[np.ndarray, np.ndarray]]:
    """Frames before the eyes with temples to the ears; clear lenses are not there, dark ones are."""
    turn = np.linspace(0.0, 2.0 * np.pi, 28, endpoint=False)
    across, up = np.cos(turn), np.sin(turn)
    s = 32.0 + 25.0 * np.sign(across) * np.abs(across) ** 0.75
    u = -1.0 + 18.5 * np.sign(up) * np.abs(up) ** 0.75
    rim = np.stack([s, 97.0 - 0.0042 * s**2, u], axis=-1)
    bridge = np.array([[-8.0, 97.0, 5.0], [-3.0, 99.0, 7.5], [3.0, 99.0, 7.5], [8.0, 97.0, 5.0]])
    temple = np.array([[56.0, 84.0, 5.0], [70.0, 72.0, 5.0], [78.0, 40.0, 4.0], [81.0, -2.0, 4.0], [80.0, -20.0, -9.0]])
    solids = [_tube(_in_world(head, bridge), 0.0016, normals=_along(4, (0, 0, 1)))]
    for side in (1.0, -1.0):
        ring = _in_world(head, rim * [side, 1.0, 1.0])
        solids.append(_tube(ring, 0.0019, normals=_along(len(ring), (0, 1, 0)), closed=True))
        solids.append(_tube(_in_world(head, temple * [side, 1.0, 1.0]), 0.0018, normals=_along(5, (side, 0, 0))))
        if dark:
            solids.append(_lens(ring, 0.001))
    return solids


def rucksack(body: Body, worn) -> tuple[list, list]:
    """The sack itself, and its two straps, which lie on what is worn.

    Args:
        worn: field of the outermost garment of the trunk.
    """
    s = body.scale
    shoulder = body.head_of("upper_arm.L")
    middle = np.array([0.0, shoulder[1], shoulder[2] - 0.19 * s])
    back = max(
        _reach(worn, middle + np.array([0.0, 0.0, up * s]), np.array([0.0, 1.0, 0.0])) for up in (-0.15, 0.0, 0.10)
    )
    sack = _rounded_box(np.array([0.150, 0.085, 0.225]) * s, 0.55)
    sack = (sack[0] + middle + [0.0, back + 0.070 * s, -0.02 * s], sack[1])
    # Inner place of each ray, and its way: over the shoulder, down the front, and back under the arm.
    over, down, under = (np.linspace(0.0, 1.0, n) for n in (18, 7, 14))
    rows = [((0.085, 0.0, 0.06), (0.0, np.cos(k), np.sin(k))) for k in np.radians(30.0 + 150.0 * over)]
    rows += [((0.085, 0.0, 0.05 - 0.10 * k), (0.0, -1.0, 0.0)) for k in down]
    for k in under[1:]:
        turn = np.radians(165.0 * k)
        rows.append(((0.085 * (1.0 - k), 0.0, -0.05 - 0.16 * k), (np.sin(turn), -np.cos(turn), 0.0)))
    strap = _strap(worn, shoulder * [0, 1, 1] - [0, 0, 0.10 * s], rows, s, 0.022)
    mirrored = (strap[0] * [-1.0, 1.0, 1.0], strap[1][:, ::-1])
    return [sack], [strap, mirrored]


def shoulder_bag(body: Body, worn) -> tuple[list, list]:
    """A bag on the right hip, and its strap from the left shoulder round the trunk."""
    s = body.scale
    hip = body.head_of("spine")
    middle = 0.5 * (body.head_of("neck") + hip)
    high = body.head_of("neck") + np.array([0.095, 0.0, 0.0]) * s - middle
    along = high / np.linalg.norm(high)
    turns = np.linspace(0.0, 2.0 * np.pi, 36, endpoint=False)
    rows = [((0.0, 0.0, 0.0), np.cos(t) * along + np.sin(t) * np.array([0.0, -1.0, 0.0])) for t in turns]
    strap = _strap(worn, middle, rows, s, 0.016, closed=True)
    low = hip - np.array([0.0, 0.0, 0.06 * s])
    aside = _reach(worn, low, np.array([-1.0, 0.0, 0.0]))
    bag = _rounded_box(np.array([0.050, 0.150, 0.115]) * s, 0.5)
    return [(bag[0] + low + [-aside - 0.040 * s, 0.0, -0.05 * s], bag[1])], [strap]


def held(body: Body, thing: str, side: str) -> list[tuple[np.ndarray, np.ndarray]]:
    """What the palm of a hand holds.

    Args:
        thing: one of `HELD` but "none".
        side: "L" or "R".
    """
    hand, palm = body.measures.hand_length, -0.020 * body.scale
    if thing == "phone":
        solids = [_moved(_rounded_box((0.075, 0.037, 0.0055), 0.3), (0.55 * hand, 0.0, palm - 0.006))]
    elif thing == "ball":
        solids = [_moved(_rounded_box((0.11, 0.11, 0.11), 1.0), (0.50 * hand, 0.0, palm - 0.105))]
    elif thing == "board":
        solids = [_moved(_rounded_box((0.38, 0.105, 0.009), 0.5), (0.45 * hand, 0.0, palm - 0.012))]
    else:
        solids = [_moved(_rounded_box((0.15, 0.17, 0.055), 0.4), (0.60 * hand + 0.25, 0.0, palm))]
        for across in (-0.02, 0.02):
            turn = np.linspace(0.0, np.pi, 9)
            grip = np.stack(
                [0.60 * hand + 0.115 * (1.0 - np.sin(turn)), 0.09 * np.cos(turn), palm + across + 0 * turn], axis=-1
            )
            solids.append(_tube(grip, 0.006, normals=_along(9, (0, 0, 1))))
    wrist, mirror = sum(body.arm_lengths), 1.0 if side == "L" else -1.0
    placed = []
    for vertices, triangles in solids:
        vertices = body.head_of("upper_arm.L") + (vertices + np.array([wrist, 0.0, 0.0])) @ arm_frame().T
        placed.append((vertices * [mirror, 1.0, 1.0], triangles if side == "L" else triangles[:, ::-1]))
    return placed


def _strap(worn, origin, rows, scale, half_width, closed=False):
    """A flat band through where rays first leave a field; rows are their starts from the origin and their ways."""
    starts = np.array([row[0] for row in rows]) * scale + origin
    ways = np.array([row[1] for row in rows])
    points = np.array([p + w * _reach(worn, p, w) for p, w in zip(starts, ways, strict=True)])
    normals = gradient(worn, points)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    return _tube(points + normals * 0.006 * scale, 0.007 * scale, normals, half_width * scale, closed)


def _reach(field, start, way):
    """How far from a place within a field, along a unit direction, one first leaves it, metres."""
    away = np.linspace(0.0, 0.5, 501)
    return float(away[np.argmax(field(*(start + away[:, None] * way).T) > 0.0)])


def _tube(points, thick, normals, wide=None, closed=False):
    """A band along points (n, 3): half `thick` to its normals (n, 3), half `wide` (default as thick) across them."""
    ahead = np.roll(points, -1, axis=0) - np.roll(points, 1, axis=0)
    if not closed:
        ahead[0], ahead[-1] = points[1] - points[0], points[-1] - points[-2]
    across = np.cross(ahead, normals)
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    out = np.cross(across, ahead)
    out /= np.linalg.norm(out, axis=1, keepdims=True)
    sides = 8
    turn = np.linspace(0.0, 2.0 * np.pi, sides, endpoint=False)
    ring = out[:, None] * (thick * np.sin(turn))[:, None] + across[:, None] * ((wide or thick) * np.cos(turn))[:, None]
    count = len(points)
    vertices = (points[:, None] + ring).reshape(-1, 3)
    row, column = np.meshgrid(np.arange(count if closed else count - 1), np.arange(sides), indexing="ij")
    a, b = (row * sides + column).ravel(), (row * sides + (column + 1) % sides).ravel()
    c, d = (a + sides) % len(vertices), (b + sides) % len(vertices)
    triangles = [np.stack([a, b, d], -1), np.stack([a, d, c], -1)]
    if not closed:
        first, last = len(vertices), len(vertices) + 1
        vertices = np.concatenate([vertices, points[[0, -1]]])
        k = np.arange(sides)
        end = (count - 1) * sides
        triangles += [np.stack([(k + 1) % sides, k, np.full(sides, first)], -1)]
        triangles += [np.stack([end + k, end + (k + 1) % sides, np.full(sides, last)], -1)]
    return _outwards(vertices, np.concatenate(triangles))


def _lens(rim, half):
    """A disc within a closed line, thin at its edge."""
    count = len(rim)
    k, middle = np.arange(count), rim.mean(axis=0)
    vertices = np.concatenate([rim, middle + np.array([[0.0, -2.0 * half, 0.0], [0.0, half, 0.0]])])
    front = np.stack([k, (k + 1) % count, np.full(count, count)], -1)
    rear = np.stack([(k + 1) % count, k, np.full(count, count + 1)], -1)
    return _outwards(vertices, np.concatenate([front, rear]))


def _rounded_box(radii, roundness, around=24, along=13):
    """A superellipsoid: 1 is an ellipsoid, towards 0 a box."""

    def power(value):
        return np.sign(value) * np.abs(value) ** roundness

    up = np.linspace(-np.pi / 2, np.pi / 2, along)[1:-1, None]
    turn = np.linspace(0.0, 2.0 * np.pi, around, endpoint=False)[None] + np.pi / around
    places = np.stack(
        [
            power(np.cos(up)) * power(np.cos(turn)),
            power(np.cos(up)) * power(np.sin(turn)),
            power(np.sin(up)) + 0 * turn,
        ],
        axis=-1,
    ).reshape(-1, 3)
    vertices = np.concatenate([places, [[0.0, 0.0, -1.0], [0.0, 0.0, 1.0]]]) * radii
    row, column = np.meshgrid(np.arange(along - 3), np.arange(around), indexing="ij")
    a, b = (row * around + column).ravel(), (row * around + (column + 1) % around).ravel()
    k, low, high = np.arange(around), len(vertices) - 2, len(vertices) - 1
    end = (along - 3) * around
    triangles = [np.stack([a, b, b + around], -1), np.stack([a, b + around, a + around], -1)]
    triangles += [np.stack([(k + 1) % around, k, np.full(around, low)], -1)]
    triangles += [np.stack([end + k, end + (k + 1) % around, np.full(around, high)], -1)]
    return _outwards(vertices, np.concatenate(triangles))


def _outwards(vertices, triangles):
    """The solid with its triangles turned so that its volume is positive."""
    a, b, c = (vertices[triangles[:, i]] - vertices.mean(axis=0) for i in range(3))
    return vertices, triangles if (np.cross(a, b) * c).sum() > 0.0 else triangles[:, ::-1]


def _moved(solid, way):
    return solid[0] + np.asarray(way), solid[1]


def _in_world(head, points):
    return head.origin + points * head.size * [1.0, -1.0, 1.0]


def _along(count, way):
    return np.tile(np.asarray(way, float), (count, 1))
