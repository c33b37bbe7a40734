# SPDX-License-Identifier: GPL-3.0-or-later
"""Things in front of the people, that hide parts of them: standing on the floor, or held before the lens."""

import bpy
import numpy as np

from graphics_ml.blender.scenes.drawn import Around
from graphics_ml.blender.scenes.placing import SPACE, Placed, clear_of, draw_thing, make_thing
from graphics_ml.blender.scenes.surroundings import Occluders

_TRUE_SIZE = (0.6, 1.5)  # between these beside its own size a thing that stands on the floor is believed
_HELD = ("ball", "bag", "boxes", "plant", "bush", "panel", "cone", "bin")  # believed at any size, in front of a lens
_MOST_HIDDEN = 0.6  # of any one person, by what lies within the things' bounds in the picture


def draw(section: Occluders, rng: np.random.Generator, around: Around) -> dict:
    """The clip's occluders: {"things"}; fewer than asked for where there is no room for them."""
    things, before = [], []
    for _ in range(section.count.draw(rng)):
        thing = draw_thing(rng, section.kinds)
        cover, nearness = section.cover.draw(rng), section.nearness.draw(rng)
        place = _place(rng, around, thing, cover, nearness, before)
        if place is not None:
            things.append(thing | place)
            before.append(Placed(thing).moved(place))
    return dict(things=things)


def make(values: dict, around: Around, collection: bpy.types.Collection, looks: bool = True) -> None:
    """Put the things into the collection; without `looks` bare."""
    for thing in values["things"]:
        make_thing(thing, "Occluder", around, collection, looks)


def _place(rng, around, thing, cover, nearness, before):
    """Where the thing stands between the lens and a point of one of the people, or None.

    Args:
        before: vertices (V, 3) of the things that are there already.
    """
    moment = int(rng.integers(len(around.cameras)))
    camera = around.cameras[moment]
    one = around.people[rng.integers(len(around.people))][moment]
    # A place in the body at random: of the skin's own points most are on hands and face.
    low, high = one.min(axis=0), one.max(axis=0)
    target = one[np.linalg.norm(one - rng.uniform(low, high), axis=1).argmin()]
    tall = np.linalg.norm(np.ptp(one, axis=0))
    shape = Placed(thing)
    turn = float(rng.uniform(0, 2 * np.pi))
    for way in (nearness, *np.linspace(0.9, 0.4, 6)):
        at = camera.position + way * (target - camera.position)
        scale = cover * tall * way / shape.width
        if _TRUE_SIZE[0] <= scale <= _TRUE_SIZE[1] and scale * shape.height > 0.7 * at[1]:
            foot = 0.0
        elif thing["kind"] in _HELD and scale < _TRUE_SIZE[1]:
            foot = max(0.0, float(at[1] - scale * shape.height / 2))
        else:
            continue
        place = dict(place=[float(at[0]), foot, float(at[2])], turn=turn, scale=float(scale))
        vertices = shape.moved(place)
        if clear_of(vertices, around, SPACE) and _hidden([*before, vertices], around) < _MOST_HIDDEN:
            return place
    return None


def _hidden(things, around):
    """The greatest share of any person at any moment that lies within the bounds of any of these things, each given by
    its vertices (V, 3), in the picture."""
    most = 0.0
    for moment, camera in enumerate(around.cameras):
        bounds = []
        for vertices in things:
            places = camera.project(vertices)
            behind = np.isnan(places).any(axis=1)  # the camera
            if behind.any() and not behind.all():
                return 1.0  # it reaches past the lens and may hide anything
            if not behind.any():
                bounds.append((places.min(axis=0), places.max(axis=0)))
        for one in around.people:
            seen = camera.project(one[moment])
            within = [((seen >= low) & (seen <= high)).all(axis=1) for low, high in bounds]
            most = max(most, float(np.any(within, axis=0).mean()))
    return most
