# SPDX-License-Identifier: GPL-3.0-or-later
"""Floor, walls and what is far away, as flat quads with a look each; the camera and the people are within them.

Walls, ceilings and views let light through, so that what is lit does not depend on where they stand.
"""

from itertools import pairwise

import bpy
import numpy as np

from graphics_ml.blender.scenes.drawn import Around
from graphics_ml.blender.scenes.making import add_mesh, is_seen, look_material, plain
from graphics_ml.blender.scenes.patterns import SPANS, draw_kind, draw_pattern
from graphics_ml.blender.scenes.pools import part_of
from graphics_ml.blender.scenes.surroundings import Backgrounds

_FAR = 40.0  # metres that an open floor reaches
_SIDES = 8  # of the ring of views outdoors


def draw(section: Backgrounds, rng: np.random.Generator, around: Around) -> dict:
    """The clip's place: {"place", "quads"}; a quad's corners (4, 3) go from the lower left, as seen from within, to the
    right and up."""
    values = section.draw(rng)
    points = around.points()
    lenses = np.array([camera.position for camera in around.cameras])
    quads = _PLACES[values["place"]](section, values, rng, around, points, lenses)
    return dict(place=values["place"], quads=quads)


def make(values: dict, around: Around, collection: bpy.types.Collection, looks: bool = True) -> None:
    """Put the quads into the collection; without `looks` bare.

    Raises:
        FileError: a picture cannot be read.
    """
    materials = {}
    for quad in values["quads"]:
        corners = np.array(quad["corners"])
        seen = looks and is_seen(corners, around.cameras)
        shared = id(quad["look"]), seen
        if looks and shared not in materials:
            look = quad["look"] if seen else plain(quad["look"])
            materials[shared] = look_material(quad["name"], look, quad["pixels"])
        uv = np.array([[0, 0], [1, 1]]) if quad["repeat"] is None else np.array(quad["repeat"])
        if quad["repeat"] is None and seen:
            uv = _covering(materials[shared], corners)
        faces = np.array([[0, 1, 2], [0, 2, 3]])
        square = (np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * uv[1] + uv[0])[faces]
        own = [materials[shared]] if looks else []
        thing = add_mesh(collection, quad["name"], corners, faces, square, np.zeros(2), own, quad["kind"])
        if quad["kind"] != "ground":
            thing.visible_shadow = thing.visible_diffuse = False
            thing.display.show_shadows = False


def _covering(material, corners):
    """Where a picture begins and how much of it is shown so that it fills the quad without being stretched."""
    image = next(node.image for node in material.node_tree.nodes if node.type == "TEX_IMAGE")
    wide, tall = np.linalg.norm(corners[1] - corners[0]), np.linalg.norm(corners[3] - corners[0])
    shape = (wide / tall) / (image.size[0] / image.size[1])
    shown = np.array([min(1.0, shape), min(1.0, 1 / shape)])
    return np.array([(1 - shown) / 2, shown])


def _quad(name, corners, look, repeat=None, kind="thing", pixels=256):
    """`repeat` is where the picture begins (2,) and how often it is repeated (2,); None fills the quad with it once."""
    repeat = None if repeat is None else np.round(np.array(repeat, dtype=np.float64), 5).tolist()
    corners = np.round(np.array(corners, dtype=np.float64), 5).tolist()
    return dict(name=name, kind=kind, corners=corners, look=look, repeat=repeat, pixels=pixels)


def _surface(section, values, rng, kinds):
    """A look from one of these patterns, and how many metres its picture covers."""
    kind = draw_kind(rng, kinds)
    span = SPANS[kind] * np.exp(rng.uniform(-0.5, 0.5))
    return dict(pattern=draw_pattern(rng, kind), roughness=values["roughness"]), span


def _floor(section, values, rng, middle, half, turn):
    """Level ground (a rectangle of half sizes (2,) about the middle (3,)), of a pattern laid at any angle."""
    look, span = _surface(section, values, rng, section.floors)
    corners = _level(middle, half, turn)
    return _quad("Floor", corners, look, [rng.uniform(0, 1, 2), 2 * np.array(half) / span], "ground", 384)


def _level(middle, half, turn, height=0.0):
    """Corners of a level rectangle, seen from above."""
    right, ahead = np.array([np.cos(turn), 0, -np.sin(turn)]), np.array([-np.sin(turn), 0, -np.cos(turn)])
    middle = np.array([middle[0], height, middle[2]])
    return [middle + a * half[0] * right + b * half[1] * ahead for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1))]


def _view(section, rng, around):
    """What a far or painted view shows: one of the pictures, or a pattern."""
    pictures = section.pictures and [
        section.pictures[i] for i in part_of([path.name for path in section.pictures], around.seed, around.split)
    ]
    look = dict(glow=float(rng.uniform(0.6, 1.1)), roughness=1.0)
    if pictures and rng.uniform() < section.picture_share:
        return look | dict(picture=str(pictures[rng.integers(len(pictures))]))
    return look | dict(pattern=draw_pattern(rng, draw_kind(rng, section.views)))


def _room(section, values, rng, around, points, lenses):
    turn = rng.uniform(0, np.pi / 2)
    axes = np.array([[np.cos(turn), 0, -np.sin(turn)], [-np.sin(turn), 0, -np.cos(turn)]])
    inside = np.concatenate([points, lenses]) @ axes.T
    around_them = [section.room.draw(rng) for _ in range(4)]
    low, high = inside.min(axis=0) - around_them[:2], inside.max(axis=0) + around_them[2:]
    half, middle = (high - low) / 2, (low + high) / 2 @ axes
    tall = max(points[:, 1].max(), lenses[:, 1].max()) + rng.uniform(0.2, 1.5)
    tall = max(tall, rng.uniform(2.3, 3.4))
    floor = _level(middle, half, turn)
    look, span = _surface(section, values, rng, section.walls)
    look["roughness"] = float(rng.uniform(0.5, 1))
    quads = [_floor(section, values, rng, middle, half, turn)]
    for side in range(4):
        # Seen from within the right end of a wall is the next corner clockwise from above.
        right, left = floor[side], floor[(side + 1) % 4]
        own, wide = (look, span) if rng.uniform() < 0.8 else _surface(section, values, rng, section.walls)
        length = np.linalg.norm(right - left)
        up = np.array([0, tall, 0])
        repeat = [(rng.uniform(), 0), (length / wide, tall / wide)]
        quads.append(_quad("Wall", [left, right, right + up, left + up], own, repeat))
        for _ in range(rng.integers(0, 3)):  # pictures and windows
            size = np.minimum(rng.uniform(0.3, 1.6, 2), [0.8 * length, 0.6 * tall])
            at = rng.uniform(size[0] / 2, length - size[0] / 2)
            bottom = rng.uniform(0.25, 0.9) * (tall - size[1])
            along, inward = (right - left) / length, np.cross((right - left) / length, [0, 1, 0])
            foot = left + at * along - 0.02 * inward + [0, bottom, 0]
            a, b = foot - size[0] / 2 * along, foot + size[0] / 2 * along
            picture = _view(section, rng, around)
            if rng.uniform() < 0.7:  # lit, as a print is
                picture.pop("glow")
            up_ = np.array([0, size[1], 0])
            quads.append(_quad("Picture", [a, b, b + up_, a + up_], picture, pixels=192))
    ceiling = _level(middle, half, turn, tall)[::-1]
    quads.append(
        _quad("Ceiling", ceiling, dict(colour=[float(rng.uniform(0.5, 0.95))] * 3, roughness=1.0), [(0, 0), (1, 1)])
    )
    return quads


def _outdoors(section, values, rng, around, points, lenses):
    middle = points.mean(axis=0)
    reach = np.linalg.norm((np.concatenate([points, lenses]) - middle)[:, [0, 2]], axis=1).max()
    away, turn = reach + rng.uniform(3, 20), rng.uniform(0, 2 * np.pi)
    quads = [_open_floor(section, values, rng, middle)]
    looks = [_view(section, rng, around) for _ in range(rng.integers(1, 3))]
    tall = away * rng.uniform(0.45, 0.8)
    angles = turn + 2 * np.pi * np.arange(_SIDES + 1) / _SIDES
    posts = middle * [1, 0, 1] + away * np.stack([np.sin(angles), 0 * angles - 0.02 / away, np.cos(angles)], axis=1)
    for side in range(_SIDES):
        right, left = posts[side], posts[side + 1]
        up = np.array([0, tall, 0])
        quads.append(_quad("View", [left, right, right + up, left + up], looks[side % len(looks)], pixels=384))
    return quads


def _open_floor(section, values, rng, middle):
    return _floor(section, values, rng, middle, (_FAR, _FAR), rng.uniform(0, 2 * np.pi))


def _studio(section, values, rng, around, points, lenses):
    """Paper that bends up behind the people, away from the camera."""
    middle, camera = points.mean(axis=0), around.cameras[0]
    ahead = (middle - camera.position) * [1, 0, 1]
    ahead /= np.linalg.norm(ahead)
    right = np.array([-ahead[2], 0, ahead[0]])
    start = ((points - middle) @ ahead).max() + rng.uniform(0.3, 2.0)
    wide, tall = rng.uniform(8, 14), 6.0
    angle, radius = np.linspace(0, np.pi / 2, 9), rng.uniform(0.3, 1.2)
    profile = [
        (-12.0, 0.0),
        *zip(start + radius * np.sin(angle), radius * (1 - np.cos(angle)), strict=True),
        (start + radius, tall),
    ]
    look = dict(
        pattern=draw_pattern(rng, rng.choice(["plain", "plain", "plaster", "gradient"])), roughness=values["roughness"]
    )
    quads, base = [], middle * [1, 0, 1]
    length = np.append(0, np.cumsum(np.linalg.norm(np.diff(profile, axis=0), axis=1)))
    for i, ((a, low), (b, high)) in enumerate(pairwise(profile)):
        near, far = base + a * ahead + [0, low, 0], base + b * ahead + [0, high, 0]
        corners = [near - wide * right, near + wide * right, far + wide * right, far - wide * right]
        repeat = [(0, length[i] / length[-1]), (1, (length[i + 1] - length[i]) / length[-1])]
        quads.append(_quad("Paper", corners, look, repeat, "ground" if i == 0 else "thing"))
    return quads


def _backdrop(section, values, rng, around, points, lenses):
    """A picture that fills what the camera sees, and a floor before it."""
    camera = around.cameras[len(around.cameras) // 2]
    depth = max(one.to_camera(points)[:, 2].max() for one in around.cameras) + values["behind"]
    margin = 1.08 if np.ptp(lenses, axis=0).max() == 0 else 1.5
    size = margin * np.array([camera.width, camera.height]) / 2
    at = np.array([(-1, 1), (1, 1), (1, -1), (-1, -1)]) * size + np.array([camera.width, camera.height]) / 2
    rays = np.append((at - camera.centre) / camera.focal, np.ones((4, 1)), axis=1) @ camera.rotation
    view = _quad("Backdrop", camera.position + depth * rays, _view(section, rng, around), pixels=384)
    return [_open_floor(section, values, rng, points.mean(axis=0)), view]


def _open(section, values, rng, around, points, lenses):
    return [_open_floor(section, values, rng, points.mean(axis=0))]


_PLACES = dict(room=_room, outdoors=_outdoors, studio=_studio, backdrop=_backdrop, open=_open)
