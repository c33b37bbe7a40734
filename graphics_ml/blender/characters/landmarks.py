# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the landmarks of our own characters' faces lie: on the lines that head.py draws them with.

Each is given as a ray that meets the skin there. Names are those of graphics_ml.keypoints; what the 68 points of a face
mean is fixed by iBUG 300-W (Sagonas et al. 2013, "300 Faces in-the-Wild Challenge").
"""

from itertools import pairwise

import numpy as np

from graphics_ml.blender.characters.body import Body
from graphics_ml.blender.characters.head import EYE_CENTRE, Head
from graphics_ml.blender.characters.parameters import Character
from graphics_ml.keypoints import FLIPPED, WHOLE_BODY

FACE_MATERIALS = ("skin", "lips", "brows", "lashes", "eye_white", "iris", "pupil")
"""What the rays may meet: hair and clothes lie before the face, not on it."""

_BESIDE = 0.4  # mm; so far beside a lid's edge, where the mesh steps back to the eye, its landmarks lie


def face_rays(character: Character) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Start (3,) and unit direction (3,) of the ray to each landmark of the head, in Blender's axes, metres, for the
    character in its rest pose. What of FACE_MATERIALS it meets first is the landmark. The right side mirrors the left.
    """
    head, rays = Head(Body(character)), {}
    for name, (origin, direction) in (_from_ahead(head) | _outline(head) | _ears()).items():
        way = np.asarray(direction) * head.size * [1.0, -1.0, 1.0]  # Blender's y points backwards
        way /= np.linalg.norm(way)
        rays[name] = head.place(origin), way
        other = WHOLE_BODY[FLIPPED[WHOLE_BODY.index(name)]]
        if other != name:
            rays[other] = head.place(origin, -1.0), way * [-1.0, 1.0, 1.0]
    return rays


def _from_ahead(head):
    """What is seen from ahead, by its place (sideways, up) in head millimetres."""
    places = _eye(head) | _lips(head) | _brow(head)
    bridge = np.linspace(3.0, _TIP, 4)
    places |= {f"face-{27 + n}": (0.0, up) for n, up in enumerate(bridge)}
    places |= {"nose": (0.0, _TIP), "face-33": (0.0, -48.5), "face-34": (6.5, -48.5), "face-35": (13.5, -45.5)}
    return {name: ((s, 250.0, u), (0.0, -1.0, 0.0)) for name, (s, u) in places.items()}


_TIP = -38.5  # of the nose, mm above the eyes


def _lines(head, levels, sideways):
    """Heights (N,) of the upper and of the lower of the first two lines that `levels` tells the distances from."""
    x, y, z = np.array([head.place((s, 80.0, 0.0)) for s in np.atleast_1d(sideways)]).T
    above, below = levels(x, y, z)[:2]
    return -above, below


def _corner(head, levels, inside, outside):
    """(sideways, up) where the two lines meet, between a place that has room between them and one that has none."""
    for _ in range(40):
        middle = (inside + outside) / 2
        upper, lower = _lines(head, levels, middle)
        inside, outside = (middle, outside) if upper > lower else (inside, middle)
    return inside, float(np.mean(_lines(head, levels, inside)))


def _eye(head):
    inner = _corner(head, head.eye_opening, EYE_CENTRE[0], EYE_CENTRE[0] - 17.0)
    outer = _corner(head, head.eye_opening, EYE_CENTRE[0], EYE_CENTRE[0] + 17.0)
    thirds = inner[0] + (outer[0] - inner[0]) * np.array([1 / 3, 2 / 3])
    upper, lower = _lines(head, head.eye_opening, thirds)
    return {
        "left_eye": (EYE_CENTRE[0], EYE_CENTRE[2]),
        "face-42": (inner[0] - _BESIDE, inner[1]),
        "face-43": (thirds[0], upper[0] + _BESIDE),
        "face-44": (thirds[1], upper[1] + _BESIDE),
        "face-45": (outer[0] + _BESIDE, outer[1]),
        "face-46": (thirds[1], lower[1] - _BESIDE),
        "face-47": (thirds[0], lower[0] - _BESIDE),
    }


def _lips(head):
    corner = _corner(head, head.lips, 0.0, 30.0)
    across = np.array([0.0, 0.22, 0.60]) * corner[0]  # the middle, the bow's peak, half way to the corner
    upper, lower = _lines(head, head.lips, across)
    places = {"face-54": corner}
    places |= {f"face-{51 + n}": (s, u) for n, (s, u) in enumerate(zip(across, upper, strict=True))}
    places |= {f"face-{57 - n}": (s, u) for n, (s, u) in enumerate(zip(across, lower, strict=True))}
    # Shut lips meet in a groove 2.2 mm wide, at whose edges their inner borders are seen.
    for middle, beside, edge in ((62, 63, 1.3), (66, 65, -1.3)):
        places |= {f"face-{middle}": (0.0, head.mouth_line(0.0) + edge)}
        places |= {f"face-{beside}": (0.4 * corner[0], head.mouth_line(0.4 * corner[0]) + edge)}
    places["face-64"] = (0.85 * corner[0], head.mouth_line(0.85 * corner[0]) + 1.3)
    return places


def _brow(head):
    along = np.linspace(13.0, 49.0, 5)
    return {f"face-{22 + n}": (s, float(np.mean(_lines(head, head.brow, s)))) for n, s in enumerate(along)}


def _ears():
    return {"left_ear": ((150.0, -7.0, -13.0), (-1.0, 0.0, 0.0))}


def _outline(head):
    """Nine points on the edge of the jaw at equal distances, from before the ear at eye level to the chin."""
    inner, outward = _along_jaw(head, 80)
    directions = outward / np.linalg.norm(outward, axis=1, keepdims=True)
    away = np.arange(0.0, 60.0, 0.25)
    ways = inner[:, None] + directions[:, None] * away[:, None]
    world = head.origin + ways * head.size * [1.0, -1.0, 1.0]
    out = head.skin(*np.moveaxis(world, -1, 0)) > 0
    surface = inner + directions * away[np.argmax(out, axis=1)][:, None]
    length = np.concatenate(([0.0], np.cumsum([np.linalg.norm(b - a) for a, b in pairwise(surface)])))
    chosen = [int(np.argmin(np.abs(length - part))) for part in np.linspace(0.0, length[-1], 9)]
    return {f"face-{16 - n}": (inner[k], directions[k]) for n, k in enumerate(chosen)}


def _along_jaw(head, count):
    """Points (count, 3) within the jaw, head millimetres, and the ways out (count, 3) to its edge."""
    male, full = head.masculinity, max(head.fullness, 0.0)
    rows = [  # inner place, way out
        ((45.0, 14.0, -2.0), (1.0, 0.0, 0.0)),
        ((45.0, 15.0, -34.0), (1.0, 0.0, 0.0)),
        ((43.0 + 3 * male + 5 * full, 20.0, -64.0 - 2 * male), (0.82, -0.1, -0.55)),
        ((28.0 + 4 * male, 50.0, -82.0), (0.62, 0.1, -0.78)),
        ((14.0 + 5 * male, 76.0, -95.0), (0.45, 0.25, -0.86)),
        ((0.0, 84.0 + 2 * male, -96.0), (0.0, 0.25, -0.97)),
    ]
    inner, outward = (np.array([row[k] for row in rows]) for k in (0, 1))
    at = np.linspace(0, len(rows) - 1, count)
    return tuple(
        np.stack([np.interp(at, range(len(rows)), v[:, c]) for c in range(3)], axis=1) for v in (inner, outward)
    )
