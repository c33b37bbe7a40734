# SPDX-License-Identifier: GPL-3.0-or-later
"""Things beside and behind the people: furniture, plants, vehicles, and what only looks like a person."""

import bpy
import numpy as np

from graphics_ml.blender.scenes.drawn import Around
from graphics_ml.blender.scenes.placing import SPACE, Placed, clear_of, draw_thing, make_thing
from graphics_ml.blender.scenes.seats import draw_seats
from graphics_ml.blender.scenes.surroundings import Distractors

_TRIES = 8


def draw(section: Distractors, rng: np.random.Generator, around: Around) -> dict:
    """The clip's distractors: {"things"}; fewer than asked for where there is no room, and stools for those who sit."""
    camera = around.cameras[len(around.cameras) // 2]
    points = around.points()[::5]
    things = draw_seats(rng, around)
    for _ in range(section.count.draw(rng)):
        thing, scale, away = draw_thing(rng, section.kinds), section.scale.draw(rng), section.away.draw(rng)
        shape = Placed(thing)
        for _ in range(_TRIES):
            start = points[rng.integers(len(points))]
            ahead = (start - camera.position) * [1, 0, 1]
            # Half a circle behind the people, most of it in the middle of the picture.
            heading = np.arctan2(ahead[0], ahead[2]) + rng.normal(0, 0.8)
            at = start + (away + scale * shape.width / 2) * np.array([np.sin(heading), 0, np.cos(heading)])
            place = dict(
                place=[float(at[0]), 0.0, float(at[2])], turn=float(rng.uniform(0, 2 * np.pi)), scale=float(scale)
            )
            moved = shape.moved(place)
            if clear_of(moved, around, SPACE) and not _hides(moved, camera, points):
                things.append(thing | place)
                break
    return dict(things=things)


def make(values: dict, around: Around, collection: bpy.types.Collection, looks: bool = True) -> None:
    """Put the things into the collection; without `looks` bare."""
    for thing in values["things"]:
        make_thing(thing, "Thing", around, collection, looks)


def _hides(vertices, camera, points):
    """Whether something (V, 3) is nearer than the people and before them in the picture."""
    seen, depth = camera.project(points), camera.to_camera(vertices)[:, 2]
    if depth.min() > np.median(camera.to_camera(points)[:, 2]):
        return False
    if depth.max() <= 0:
        return False
    own = camera.project(vertices)
    if np.isnan(own).any():  # it reaches past the lens
        return True
    return bool((own.min(axis=0) < seen.max(axis=0)).all() and (own.max(axis=0) > seen.min(axis=0)).all())
