# SPDX-License-Identifier: GPL-3.0-or-later
"""What is drawn from a pool, and which part of each pool belongs to which split.

Training, validation and test never share a character, a motion or a picture: each pool is cut by the rank of a hash of
its members' names, so that no frame is thrown away and no split is empty that need not be.
"""

import hashlib
from collections.abc import Sequence

import numpy as np

from graphics_ml.blender.scenes.distributions import rng_for

SPLITS = dict(train=0.7, val=0.15, test=0.15)
"""The splits and the share of the clips, and of each pool, that is theirs."""


def split_of_clip(seed: int, clip: int) -> str:
    """The split that a clip belongs to, with all its frames."""
    return str(rng_for(seed, clip, "split").choice(list(SPLITS), p=list(SPLITS.values())))


def part_of(names: Sequence[str], seed: int, split: str) -> list[int]:
    """Which members of a pool a split draws from, as indices in rising order.

    Args:
        names: of the members, each once.

    Returns:
        At least one index; all of them, in every split, where there are fewer members than splits.
    """
    if len(names) < len(SPLITS):
        return list(range(len(names)))
    ranked = sorted(range(len(names)), key=lambda i: hashlib.sha256(f"{seed}/{names[i]}".encode()).digest())
    cuts = np.cumsum([round(share * len(names)) for share in list(SPLITS.values())[1:]], dtype=int)
    few = max(1, int(cuts[0]))
    parts = dict(val=ranked[:few], test=ranked[few : 2 * few], train=ranked[2 * few :])
    return sorted(parts[split])
