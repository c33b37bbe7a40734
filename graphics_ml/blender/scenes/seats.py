# SPDX-License-Identifier: GPL-3.0-or-later
"""Stools under those who would sit in the air: some foot is on the floor, but the body's weight is not over it."""

import numpy as np

from graphics_ml.blender.scenes.drawn import Around
from graphics_ml.blender.scenes.people import reach, room
from graphics_ml.blender.scenes.placing import Placed, draw_thing

_FLOOR = 0.04  # metres; what is below touches the floor
_OFF = 0.015  # metres that the weight is beside the feet at least; of who squats it is over them
_BACK = 0.12  # metres that the seat is farther from the feet than the weight, which thighs and arms draw ahead
_UNDER = 0.1  # metres about the seat's middle where it carries the body; the shins are not there
_FLESH = 0.2  # metres at most from the hip joints down to the seat: what is over it is no leg behind somebody who runs
_HEIGHTS = (0.25, 0.7)  # metres, of what one sits on
_STIRS = 0.03  # metres that who sits moves by during the clip


def draw_seats(rng: np.random.Generator, around: Around) -> list[dict]:
    """A stool for each person that needs one at all moments, as placing.make_thing takes it."""
    seats = []
    for points, hips in zip(around.people, around.hips, strict=True):
        found = [seat_under(*moment) for moment in zip(points, hips, strict=True)]
        if any(seat is None for seat in found) or np.ptp(found, axis=0).max() > _STIRS:
            continue
        x, height, z = np.mean(found, axis=0)
        thing = draw_thing(rng, ("stool",))
        scale = height / Placed(thing).height
        seats.append(thing | dict(place=[float(x), 0.0, float(z)], turn=float(rng.uniform(0, 6.3)), scale=float(scale)))
    return seats


def seat_under(points: np.ndarray, hips: float) -> np.ndarray | None:
    """The middle (3,) of the top of the seat that a body (N, 3) needs, metres, or None.

    Args:
        hips: height of its hip joint, metres.
    """
    ground = points[:, [0, 2]]
    feet = points[:, 1] < _FLOOR
    if not feet.any():
        return None
    weight = np.unique(np.round(points, 1), axis=0).mean(axis=0)[[0, 2]]  # hands and faces have more points than others
    reached = reach(ground[feet])
    if room(reached, 0 * reached, weight) < _OFF:
        return None
    away = weight - ground[feet].mean(axis=0)
    middle = weight + _BACK * away / np.linalg.norm(away)
    height = points[np.linalg.norm(ground - middle, axis=1) < _UNDER, 1].min(initial=np.inf)
    carries = _HEIGHTS[0] <= height <= _HEIGHTS[1] and hips - height < _FLESH
    return np.array([middle[0], height, middle[1]]) if carries else None
