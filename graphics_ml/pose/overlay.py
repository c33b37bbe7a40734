"""Skeletons drawn over pictures: the detected one thin, the solved one thick, left orange, right blue.

A line is drawn by its distance: a pixel is covered as far as its middle lies inside the capsule around the line, with
an edge one pixel wide. Only the pixels around each line are touched, so a skeleton takes a few milliseconds.
"""

from collections.abc import Iterable, Mapping

import numpy as np

LEFT, RIGHT, MIDDLE = (255, 140, 30), (40, 150, 255), (235, 235, 235)
"""Colours of the person's left side, right side and the middle between them."""

_OUTLINE = (20, 20, 20)


def draw_detected(
    picture: np.ndarray,
    keypoints: np.ndarray,
    visibility: np.ndarray,
    landmarks: tuple[str, ...],
    connections: Iterable[tuple[int, int]],
    thickness: float = 1.2,
) -> None:
    """Draw what a detector saw onto `picture`; the less sure of a landmark, the fainter its lines.

    Args:
        picture: uint8 (H, W, 3), writable.
        keypoints: (L, 2) pixels, (0, 0) the corner of the first pixel; what is NaN is left out.
        visibility: (L,) 0..1.
        landmarks: L names; those with left or right in them get that side's colour.
        connections: pairs of landmarks to connect.
        thickness: of the lines, pixels.
    """
    sides = [side_colour(name) for name in landmarks]
    for a, b in connections:
        colour = sides[a] if sides[a] == sides[b] else MIDDLE
        seen = min(visibility[a], visibility[b])
        draw_line(picture, keypoints[a], keypoints[b], colour, thickness, _opacity(seen))
    for place, colour, seen in zip(keypoints, sides, visibility, strict=True):
        draw_line(picture, place, place, colour, 2.2 * thickness, _opacity(seen))


def draw_solved(
    picture: np.ndarray,
    places: np.ndarray,
    names: tuple[str, ...],
    parents: tuple[int, ...],
    confidence: np.ndarray | None = None,
    thickness: float = 4.0,
) -> None:
    """Draw a skeleton onto `picture`: each joint connected to its parent.

    Args:
        picture: uint8 (H, W, 3), writable.
        places: (J, 2) pixels; what is NaN is left out.
        names: J names; those with left or right in them get that side's colour.
        parents: J indices, -1 for the root.
        confidence: (J,) 0..1; faint where it is low. All is drawn full when None.
        thickness: of the lines, pixels.
    """
    sure = np.ones(len(names)) if confidence is None else confidence
    lines = [(parent, joint) for joint, parent in enumerate(parents) if parent >= 0]
    for a, b in lines:
        draw_line(picture, places[a], places[b], _OUTLINE, thickness + 2, 0.6 * _opacity(min(sure[a], sure[b])))
    for a, b in lines:
        draw_line(picture, places[a], places[b], side_colour(names[b]), thickness, _opacity(min(sure[a], sure[b])))
    for place, one in zip(places, sure, strict=True):
        draw_line(picture, place, place, (255, 255, 255), 0.9 * thickness, _opacity(one))


def draw_legend(picture: np.ndarray, entries: Iterable[tuple[str, tuple[int, int, int], float]]) -> None:
    """Write (text, colour, thickness) entries into the picture's lower left corner, behind a piece of their line
    where it has a thickness."""
    import cv2

    size = picture.shape[0] / 480
    rows = list(entries)
    for row, (text, colour, thickness) in enumerate(reversed(rows)):
        y = picture.shape[0] - (12 + 18 * row) * size
        if thickness > 0:
            draw_line(picture, (10 * size, y), (32 * size, y), colour, thickness, 1.0)
        place = (round(40 * size), round(y + 4 * size))
        for ink, width in ((_OUTLINE, 3), ((255, 255, 255), 1)):
            cv2.putText(picture, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.42 * size, ink, width, cv2.LINE_AA)


def numbered(picture: np.ndarray, boxes: Mapping[int, tuple[int, int, int, int]]) -> bytes:
    """A PNG of a copy of the picture with number -> (left, top, right, bottom) boxes drawn into it."""
    import cv2

    picture = np.ascontiguousarray(picture[..., ::-1])  # cv2 has blue first
    size = picture.shape[0] / 480
    for number, (left, top, right, bottom) in boxes.items():
        for ink, width in ((_OUTLINE, 4), (MIDDLE, 2)):
            thickness = max(1, round(width * size))
            cv2.rectangle(picture, (left, top), (right, bottom), ink, thickness)
            place = (left, top - round(4 * size))
            cv2.putText(picture, str(number), place, cv2.FONT_HERSHEY_SIMPLEX, 0.9 * size, ink, thickness, cv2.LINE_AA)
    return cv2.imencode(".png", picture)[1].tobytes()


def draw_line(picture: np.ndarray, start, end, colour, thickness: float, opacity: float = 1.0) -> None:
    """Draw a round-ended, anti-aliased line from `start` to `end` (2,), pixels; a dot where they are the same.

    Args:
        picture: uint8 (H, W, 3), writable; what lies outside is cut off.
        colour: three values 0..255.
        thickness: pixels.
        opacity: 0..1.
    """
    start, end = np.asarray(start, dtype=np.float64), np.asarray(end, dtype=np.float64)
    if opacity <= 0 or not (np.isfinite(start).all() and np.isfinite(end).all()):
        return
    radius = thickness / 2
    height, width = picture.shape[:2]
    far = 4.0 * max(height, width)
    start, end = _clipped(start, end, -far, far)
    if start is None:
        return
    low = np.floor(np.minimum(start, end) - radius - 1).astype(int)
    high = np.ceil(np.maximum(start, end) + radius + 1).astype(int)
    x0, y0 = max(low[0], 0), max(low[1], 0)
    x1, y1 = min(high[0], width), min(high[1], height)
    if x0 >= x1 or y0 >= y1:
        return
    x = np.arange(x0, x1) + 0.5 - start[0]
    y = (np.arange(y0, y1) + 0.5 - start[1])[:, None]
    along = end - start
    length = float(along @ along)
    share = np.clip((x * along[0] + y * along[1]) / length, 0, 1) if length > 1e-12 else 0.0
    distance = np.hypot(x - share * along[0], y - share * along[1])
    cover = opacity * np.clip(radius + 0.5 - distance, 0, 1)[..., None]
    part = picture[y0:y1, x0:x1]
    part[...] = np.round(part * (1 - cover) + np.asarray(colour) * cover).astype(np.uint8)


def side_colour(name: str) -> tuple[int, int, int]:
    """The colour of a joint or landmark, by the side in its name."""
    return LEFT if "left" in name else RIGHT if "right" in name else MIDDLE


def _opacity(sure):
    return float(np.clip(0.15 + 0.85 * sure, 0, 1)) if np.isfinite(sure) else 0.0


def _clipped(start, end, low, high):
    """The part of the line inside the square from low to high (Liang and Barsky 1984), or (None, None)."""
    along, enter, leave = end - start, 0.0, 1.0
    for axis in range(2):
        for edge, sign in ((low, -1.0), (high, 1.0)):
            speed, room = sign * along[axis], sign * (edge - start[axis])
            if speed == 0:
                if room < 0:
                    return None, None
            elif speed > 0:
                leave = min(leave, room / speed)
            else:
                enter = max(enter, room / speed)
    return (start + enter * along, start + leave * along) if enter <= leave else (None, None)
