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
        place = _place(rng, around, thing, cover, nearness, before, section.leave)
        if place is not None:
            things.append(thing | place)
            before.append(Placed(thing).moved(place))
    return dict(things=things)


def make(values: dict, around: Around, collection: bpy.types.Collection, looks: bool = True) -> None:
    """Put the things into the collection; without `looks` bare."""
    for thing in values["things"]:
        make_thing(thing, "Occluder", around, collection, looks)


def _place(rng, around, thing, cover, nearness, before, least):
    """Where the thing stands between the lens and a point of one of the people, or None.

    Args:
        before: vertices (V, 3) of the things that are there already.
        least: joints of one person that stay in sight.
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
        if clear_of(vertices, around, SPACE) and _leaves_enough([*before, vertices], around, least):
            return place
    return None


def _leaves_enough(things, around, least):
    """Whether at every moment some of each person, and `least` of the joints of one, lie outside the bounds of all
    these things, each given by its vertices (V, 3), in the picture."""
    for moment, camera in enumerate(around.cameras):
        bounds = [_bounds(vertices, camera) for vertices in things]
        for one in around.people:
            if _within(bounds, camera.project(one[moment])).mean() >= _MOST_HIDDEN:
                return False
        joints = around.limbs_in_picture(camera, moment)
        left = max(((~_within(bounds, places)).sum() for places in joints), default=0)
        if left < min(least, max(map(len, joints), default=0)):
            return False
    return True


def _bounds(vertices, camera):
    """The corners of the least rectangle about something in the picture: none of what is behind the camera, and all
    where it reaches past the lens, which may hide anything."""
    places = camera.project(vertices)
    behind = np.isnan(places).any(axis=1)
    if behind.any():
        return (np.inf, -np.inf) if behind.all() else (-np.inf, np.inf)
    return places.min(axis=0), places.max(axis=0)


def _within(bounds, places):
    """Which of the places (N, 2) lie within any of the bounds."""
    found = np.zeros(len(places), bool)
    for low, high in bounds:
        found |= ((places >= low) & (places <= high)).all(axis=1)
    return found
