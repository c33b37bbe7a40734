"""Evidence without a camera: places of points in the world, as markers or triangulated landmarks give them."""

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import numpy as np


@dataclass(frozen=True)
class Places:
    """Where L points of a body were in F frames.

    Attributes:
        positions: (F, L, 3) metres, world, Y up; 0 where unknown.
        weight: (F, L) inverse of the expected error in metres; 0 where unknown.
        breaks: (F,) bool, frames that begin another take.
        fps: frames per second.
    """

    positions: np.ndarray
    weight: np.ndarray
    breaks: np.ndarray
    fps: Fraction

    def __len__(self):
        return len(self.positions)

    def takes(self) -> list[slice]:
        """The frames between breaks, in order."""
        return takes_between(self.breaks)

    def seen(self) -> np.ndarray:
        """(F,) how much was seen in each frame, 0 for nothing."""
        return self.weight.sum(axis=1)

    def frames(self, chosen) -> "Places":
        """Some of the frames; `chosen` is a slice or an index array."""
        return Places(self.positions[chosen], self.weight[chosen], self.breaks[chosen], self.fps)


def takes_between(breaks: np.ndarray) -> list[slice]:
    """The frames between breaks (F,), in order."""
    edges = [0, *(int(f) for f in np.flatnonzero(breaks) if f > 0), len(breaks)]
    return [slice(a, b) for a, b in pairwise(edges)]
