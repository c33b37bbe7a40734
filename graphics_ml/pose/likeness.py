"""Whether two poses are one person: by where their joints lie, and by the colours of their clothes.

A packed pose is float32 (L, 8): keypoint x, y, depth, world x, y, z, visibility, presence of each landmark.
"""

import math

import numpy as np

from graphics_ml.pose.detection import CONNECTIONS, Pose, Region

BODY = np.array([11, 12, 13, 14, 15, 16, 23, 24, 25, 26, 27, 28])
TORSO = np.array([11, 12, 23, 24])
TRUNK = np.array([*range(13), 23, 24])
"""Landmarks of shoulders, hips and limbs; of shoulders and hips; of head and torso."""

TOUCHING = 0.35
"""Likeness from which a pose is no longer certain to be one's own."""

_BORROWED = 0.5  # of a newcomer's joints may lie on somebody else's body; where it is more they are that body's


def pack(pose: Pose) -> np.ndarray:
    """The packed pose."""
    columns = (pose.keypoints, pose.depth[:, None], pose.world, pose.visibility[:, None], pose.presence[:, None])
    return np.concatenate(columns, axis=1).astype(np.float32)


def blend(old: Region, new: Region, keep: float) -> Region:
    """The old region moved towards the new one by the part `keep` of the way."""
    turn = math.remainder(new.rotation - old.rotation, math.tau)
    return Region(
        old.x + keep * (new.x - old.x),
        old.y + keep * (new.y - old.y),
        old.size + keep * (new.size - old.size),
        old.rotation + keep * turn,
    )


def leap(a: Region, b: Region) -> float:
    """Distance of two regions, in sides, with the change in size counted in."""
    return math.hypot(a.x - b.x, a.y - b.y) / max(a.size, b.size) + 0.5 * abs(math.log(a.size / b.size))


def credible(pose: Pose, picture: np.ndarray) -> bool:
    """Whether there is a person and not only a guess at one: most of the torso lies in the picture."""
    height, width = picture.shape[:2]
    inside = ((pose.keypoints[TORSO] >= 0) & (pose.keypoints[TORSO] < (width, height))).all(axis=1)
    return bool(inside.sum() >= 2 and pose.visibility[TORSO].max() > 0.3)


def box(packed: np.ndarray) -> tuple[int, int, int, int]:
    """(left, top, right, bottom), pixels."""
    left, top = np.floor(packed[:, :2].min(axis=0)).astype(int)
    right, bottom = np.ceil(packed[:, :2].max(axis=0)).astype(int)
    return int(left), int(top), int(right), int(bottom)


def corner(x: int, y: int) -> np.ndarray:
    """What to subtract from a packed pose to move the picture's origin to (x, y)."""
    return np.array([x, y, 0, 0, 0, 0, 0, 0], np.float32)


def painted_over(picture: np.ndarray, people: list[np.ndarray]) -> np.ndarray:
    """A copy of the picture with heads and torsos of the people (packed poses) in grey.

    Not their limbs: a whole grey figure looks like a person.
    """
    if not people:
        return picture
    painted = picture.copy()
    for packed in people:
        _draw_figure(painted, packed, (128, 128, 128), limbs=False)
    return painted


def without_those_behind(picture: np.ndarray, person: np.ndarray, people: list[np.ndarray]) -> np.ndarray:
    """A copy of the picture in which what shows of the people behind a person is grey (packed poses)."""
    import cv2

    if not people:
        return picture
    painted = picture.copy()
    for packed in people:
        _draw_figure(painted, packed, (128, 128, 128))
    mask = np.zeros(picture.shape[:2], np.uint8)
    _draw_figure(mask, person, 255)
    return cv2.copyTo(picture, mask, painted)


def _draw_figure(picture: np.ndarray, packed: np.ndarray, colour, limbs: bool = True) -> None:
    """Fill the head, torso and limbs of a packed pose, about as wide as a clothed body's."""
    import cv2

    places = np.clip(packed[:, :2], -20000, 20000)
    length = float(np.linalg.norm(places[[11, 12]].mean(axis=0) - places[[23, 24]].mean(axis=0)))
    head = places[:11].mean(axis=0).astype(int).tolist()
    cv2.circle(picture, head, round(0.3 * length), colour, -1)
    cv2.fillConvexPoly(picture, cv2.convexHull(places[TORSO].astype(np.int32)), colour)
    for a, b in _BONES:
        if limbs or (a in TORSO and b in TORSO):
            start, end = places[[a, b]].astype(int).tolist()
            cv2.line(picture, start, end, colour, max(1, round(0.2 * length)))


def height_of(packed: np.ndarray) -> float:
    """Of the person in the picture, pixels."""
    return float(np.ptp(packed[:, 1]))


def overlap(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    """Whether two boxes do."""
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def likeness(a: np.ndarray, b: np.ndarray) -> float:
    """Object keypoint similarity (COCO) of two packed poses with one tolerance for all joints, 0..1."""
    size = max(np.ptp(a[:, 1]), np.ptp(b[:, 1]), 1.0)
    apart = np.linalg.norm(a[BODY, :2] - b[BODY, :2], axis=1) / (0.08 * size)
    return float(np.exp(-0.5 * apart**2).mean())


_BONES = np.array([c for c in CONNECTIONS if c[0] in BODY and c[1] in BODY])


def shared_part(new: np.ndarray, old: np.ndarray) -> float:
    """Part of the body joints of one packed pose that lie on the trunk or the limbs of another, 0..1."""
    points, begin, end = new[BODY, None, :2], old[_BONES[:, 0], :2], old[_BONES[:, 1], :2]
    along = end - begin
    share = np.clip(((points - begin) * along).sum(-1) / np.maximum((along**2).sum(-1), 1e-9), 0, 1)
    apart = np.linalg.norm(points - begin - share[..., None] * along, axis=-1).min(axis=1)
    return float((apart < 0.06 * np.ptp(old[:, 1])).mean())


def are_apart(new: np.ndarray, old: np.ndarray) -> bool:
    """Whether a packed pose is certainly of somebody else, and not made of their limbs."""
    return likeness(new, old) < TOUCHING and shared_part(new, old) < _BORROWED


_BINS = 6
_GRID = np.linspace(0.1, 0.9, 12)


def colours(picture: np.ndarray, packed: np.ndarray) -> np.ndarray:
    """Colours of the torso and of the thighs: two histograms of 6 x 6 x 6 RGB bins, each of sum 1/2."""
    points = packed[:, :2]
    left, right = points[11], points[12]
    low_left, low_right = points[23], points[24]
    across, down = _GRID[:, None, None], _GRID[None, :, None]
    torso = (1 - down) * ((1 - across) * left + across * right) + down * ((1 - across) * low_left + across * low_right)
    thighs = [points[hip] + _GRID[:, None] * (points[knee] - points[hip]) for hip, knee in ((23, 25), (24, 26))]
    return np.concatenate([_histogram(picture, torso.reshape(-1, 2)), _histogram(picture, np.concatenate(thighs))])


def _histogram(picture: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Each pixel is shared among its eight nearest bins, so that a change of light does not move all of them."""
    height, width = picture.shape[:2]
    x, y = np.floor(points).astype(int).T
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    place = picture[y[inside], x[inside]] / 255 * (_BINS - 1)
    low = np.minimum(place.astype(int), _BINS - 2)
    upper = place - low
    counts = np.zeros(_BINS**3)
    for corner in np.ndindex(2, 2, 2):
        weight = np.where(corner, upper, 1 - upper).prod(axis=1)
        counts += np.bincount((low + corner) @ (_BINS * _BINS, _BINS, 1), weight, minlength=_BINS**3)
    return 0.5 * counts / max(1.0, counts.sum())


def similarity(a: np.ndarray | None, b: np.ndarray | None) -> float:
    """Bhattacharyya coefficient, 0..1."""
    return 0.0 if a is None or b is None else float(np.sqrt(a * b).sum())
