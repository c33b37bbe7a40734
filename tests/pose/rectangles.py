"""Films of coloured rectangles and a detector that takes them for people."""

import numpy as np

from graphics_ml.pose.detection import LANDMARKS, Pose, Region

WIDTH, HEIGHT = 320, 180
COLOURS = {"red": (230, 30, 30), "green": (30, 200, 60), "blue": (40, 60, 220)}

SHAPE = np.zeros((33, 2))  # a standing figure seen from the front, in heights, centre (0, 0)
SHAPE[:11] = np.linspace((-0.03, -0.45), (0.03, -0.42), 11)
for row, (side, down) in {
    11: (0.1, -0.3),
    13: (0.12, -0.15),
    15: (0.12, 0.0),
    23: (0.07, 0.05),
    25: (0.07, 0.25),
}.items():
    SHAPE[row], SHAPE[row + 1] = (side, down), (-side, down)
SHAPE[17:23] = SHAPE[[15, 16] * 3]
SHAPE[27:33] = [(side, down) for down in (0.45, 0.47, 0.5) for side in (0.07, -0.07)]


class RectangleDetector:
    """Sees people in upright rectangles of the known colours; as MediaPipe does, one in each region."""

    name, version, settings, landmarks = "rectangles", "1", {}, LANDMARKS

    def __init__(self):
        self.calls = 0

    def rectangles(self, picture):
        for colour in COLOURS.values():
            y, x = np.nonzero(np.abs(picture.astype(int) - colour).sum(axis=2) < 120)
            if len(x) > 60:
                yield len(x), (x.min() + x.max() + 1) / 2, (y.min() + y.max() + 1) / 2, y.max() + 1 - y.min()

    def find(self, picture):
        """Only the largest, so that the others have to be looked for."""
        seen = sorted(self.rectangles(picture), reverse=True)[:1]
        return [Region(x, y, 1.5 * height, 0.0) for _, x, y, height in seen]

    def pose(self, picture, region):
        self.calls += 1
        near = [r for r in self.rectangles(picture) if np.hypot(r[1] - region.x, r[2] - region.y) < 0.4 * region.size]
        if not near:
            return None
        _, x, y, height = min(near, key=lambda r: np.hypot(r[1] - region.x, r[2] - region.y))
        ones = np.ones(33)
        keypoints = SHAPE * height + (x, y)
        world = np.pad(SHAPE * 1.7, ((0, 0), (0, 1)))
        return Pose(keypoints, 0 * ones, world, ones, ones, Region(x, y, 1.5 * height, 0.0))


def scene(*people):
    """A grey picture with people: (colour, x, height), the later in front."""
    picture = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    for colour, x, height in people:
        top = HEIGHT - 20 - height
        half = height // 6
        picture[top : top + height, max(0, x - half) : max(0, x + half)] = COLOURS[colour]
    return picture


def centres(detections):
    return detections.keypoints[:, [11, 12, 23, 24], 0].mean(axis=1)
