# SPDX-License-Identifier: GPL-3.0-or-later
"""Things made by rule, put somewhere: what they look like, whether they would be in someone's way, and making them."""

import colorsys

import bpy
import numpy as np

from graphics_ml.blender.scenes.drawn import Around
from graphics_ml.blender.scenes.furniture import SLOTS, assemble
from graphics_ml.blender.scenes.making import add_mesh, box_uv, is_seen, look_material, plain
from graphics_ml.blender.scenes.patterns import CLOTHS, WALLS, draw_colour, draw_kind, draw_pattern

SPACE = 0.08
"""Metres at least between a thing and any person, at any moment of the clip."""

_LENS = 0.15  # metres at least between a thing and the camera
_PRINTS = tuple(dict.fromkeys((*CLOTHS, *WALLS)))


def draw_thing(rng: np.random.Generator, kinds: tuple[str, ...]) -> dict:
    """A thing of one of these kinds, without a place: {"kind", "seed", "looks"}."""
    kind = kinds[rng.integers(len(kinds))]
    return dict(kind=kind, seed=int(rng.integers(2**31)), looks=[_look(rng, kind, slot) for slot in range(SLOTS)])


class Placed:
    """A thing's mesh, to be put in places.

    Args:
        thing: from `draw_thing`.
    """

    def __init__(self, thing: dict):
        self.vertices, self.triangles, self.slots = assemble(thing["kind"], thing["seed"])
        low, high = self.vertices.min(axis=0), self.vertices.max(axis=0)
        self.height, self.width = float(high[1]), float(max(high[0] - low[0], high[2] - low[2]))

    def moved(self, place: dict) -> np.ndarray:
        """Its vertices (V, 3) at a {"place", "turn", "scale"}."""
        c, s = np.cos(place["turn"]), np.sin(place["turn"])
        return place["scale"] * self.vertices @ np.array([[c, 0, -s], [0, 1, 0], [s, 0, c]]) + place["place"]


def clear_of(vertices: np.ndarray, around: Around, space: float) -> bool:
    """Whether the upright box about something (V, 3) keeps so far from all people and cameras of the clip."""
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    for one, room in ((around.points(), space), (np.array([c.position for c in around.cameras]), _LENS)):
        if ((one > low - room) & (one < high + room)).all(axis=1).any():
            return False
    return True


def make_thing(thing: dict, name: str, around: Around, collection: bpy.types.Collection, looks: bool) -> None:
    """Put the thing into the collection, at its "place", "turn" and "scale"; without `looks` it is bare."""
    shape = Placed(thing)
    vertices, name = shape.moved(thing), f"{name} {thing['kind']}"
    materials, uv = [], np.zeros((*shape.triangles.shape, 2))
    if looks:
        seen = is_seen(vertices, around.cameras)
        materials = [look_material(name, look if seen else plain(look), 128) for look in thing["looks"]]
        spans = np.array([look.get("span", 1.0) for look in thing["looks"]])
        uv = thing["scale"] * box_uv(shape.vertices, shape.triangles) / spans[shape.slots][:, None, None]
    add_mesh(collection, name, vertices, shape.triangles, uv, shape.slots if looks else 0 * shape.slots, materials)


_GREEN = {("plant", 1), ("bush", 1), ("bush", 2), ("tree", 1), ("tree", 2)}


def _look(rng, kind, slot):
    look = dict(roughness=float(rng.uniform(0.2, 1)), metallic=float(rng.choice([0.0, 0.0, 0.0, 0.0, 0.9])))
    if (kind, slot) in _GREEN and rng.uniform() < 0.85:
        return look | dict(
            colour=list(colorsys.hsv_to_rgb(rng.uniform(0.17, 0.4), rng.uniform(0.3, 0.8), rng.uniform(0.15, 0.6))),
            metallic=0.0,
        )
    if rng.uniform() < 0.3:
        span = float(np.exp(rng.uniform(np.log(0.2), np.log(1.5))))
        return look | dict(pattern=draw_pattern(rng, draw_kind(rng, _PRINTS)), span=span)
    return look | dict(colour=draw_colour(rng))
