"""How the camera turned while it filmed, from the background.

Corners of the picture outside the person are followed from frame to frame at a reduced size (Lucas and Kanade 1981, in
pyramids: Bouguet 2001), and the similarity that most of them agree on (RANSAC) is what the camera did: a shift of the
picture is a pan or tilt, a turn is a roll. A camera that only turns shows no parallax, so this much can be undone
exactly; a camera that walks is compensated as well as turning can, and that is said.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class CameraMotion:
    """The picture's motion against the first frame.

    Attributes:
        shift: (F, 2) pixels by which the background's middle has moved.
        turn: (F,) radians by which it has turned, clockwise as seen in the picture.
        zoom: (F,) by which it has grown.
        size: (width, height) of the picture.
        warning: one sentence for the user, empty where the camera stood still.
    """

    shift: np.ndarray
    turn: np.ndarray
    zoom: np.ndarray
    size: tuple[int, int]
    warning: str = ""

    def rotations(self, focal: float, centre: np.ndarray) -> np.ndarray:
        """(F, 3, 3) from the first frame's camera axes to each frame's, for a focal length in pixels."""
        middle = np.array(self.size) / 2 - centre
        # What was ahead at the middle is now seen where it has moved to.
        ray = np.concatenate(((self.shift + middle) / focal, np.ones((len(self.shift), 1))), axis=1)
        ray /= np.linalg.norm(ray, axis=1, keepdims=True)
        start = np.append(middle / focal, 1.0)
        start /= np.linalg.norm(start)
        cosine, sine = np.cos(self.turn), np.sin(self.turn)
        zero, one = np.zeros_like(cosine), np.ones_like(cosine)
        roll = np.stack(
            (np.stack((cosine, -sine, zero), -1), np.stack((sine, cosine, zero), -1), np.stack((zero, zero, one), -1)),
            axis=1,
        )
        return _turn_between(roll @ start, ray) @ roll


def _turn_between(start, end):
    """(F, 3, 3) the shortest rotations that turn unit vectors onto unit vectors, not opposite (Rodrigues)."""
    axis = np.cross(start, end)
    cosine = np.sum(start * end, axis=1)
    x, y, z = axis.T
    zero = np.zeros_like(x)
    skew = np.stack((np.stack((zero, -z, y), -1), np.stack((z, zero, -x), -1), np.stack((-y, x, zero), -1)), axis=1)
    return np.eye(3) + skew + skew @ skew / (1 + cosine)[:, None, None]
