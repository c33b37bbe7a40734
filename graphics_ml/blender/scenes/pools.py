# SPDX-License-Identifier: GPL-3.0-or-later
"""What is drawn from a pool, and which part of each pool belongs to which split.

Training, validation and test never share a character, a motion or a picture: each pool is cut by the rank of a hash of
its members' names, so that no frame is thrown away and no split is empty that need not be.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from graphics_ml.blender.scenes.distributions import rng_for
from graphics_ml.jobs import seen_from

SPLITS = dict(train=0.7, val=0.15, test=0.15)
"""The splits and the share of the clips, and of each pool, that is theirs."""


def split_of_clip(seed: int, clip: int) -> str:
    """The split that a clip belongs to, with all its frames."""
    return str(rng_for(seed, clip, "split").choice(list(SPLITS), p=list(SPLITS.values())))


class Pool:
    """Named members of several kinds, of which neighbouring clips see only a few.

    Args:
        names: of the members of each kind.
        shares: of what is drawn, by kind; they need not sum to 1.
        few: how many members neighbouring clips see, all kinds and splits together.
        neighbours: how many clips that are.
        seed: of the data set.
        axis: of distributions.AXES, by which the few are drawn.
    """

    def __init__(self, names: dict[str, tuple[str, ...]], shares, few: int, neighbours: int, seed: int, axis: str):
        self.names = names
        self._kinds, self._shares = tuple(names), np.array(shares, dtype=float) / np.sum(shares)
        self._parts = {kind: {one: part_of(names[kind], seed, one) for one in SPLITS} for kind in names}
        self._few, self._neighbours, self._seed, self._axis = few, neighbours, seed, axis

    def draw(self, rng: np.random.Generator, clip: int, split: str, count: int) -> list[str]:
        """The names of `count` members for a clip, in any order: nothing twice while there are others."""
        chosen = [self._kinds[i] for i in rng.choice(len(self._kinds), size=count, p=self._shares)]
        drawn = {}
        for kind, (order, few) in self._orders(clip, split).items():
            several = chosen.count(kind)
            among = order[: max(several, few)]
            rounds = [rng.permutation(among) for _ in range(-(-several // len(among)))]
            drawn[kind] = [str(name) for name in np.concatenate(rounds)[:several]] if rounds else []
        return [drawn[kind].pop() for kind in chosen]

    def few(self, clip: int) -> list[str]:
        """The members that this clip and its neighbours see, of all kinds and splits; a clip that asks for many may see
        more."""
        orders = [self._orders(clip, split).values() for split in SPLITS]
        return sorted({name for some in orders for order, few in some for name in order[:few]})

    def _orders(self, clip, split):
        """Of each kind the split's members in this clip's order, and how many of them are the few."""
        rng, orders = rng_for(self._seed, clip // self._neighbours, self._axis), {}
        for kind, share in zip(self._kinds, self._shares, strict=True):
            names = self.names[kind]
            drawn = {one: rng.permutation(self._parts[kind][one]) for one in SPLITS}
            orders[kind] = [names[i] for i in drawn[split]], max(1, round(self._few * share * SPLITS[split]))
        return orders


def names_of(section, drawn: Sequence[str], folder: Path) -> tuple[dict[str, tuple[str, ...]], dict[str, Path]]:
    """The names of a pool's members by kind, and the files of those that are files.

    Args:
        section: with a table for each kind.
        drawn: the kinds that are drawn, so many as `count` says; besides there are files.
        folder: of the scene, from which files get their names.
    """
    names = {kind: tuple(f"{kind}/{k}" for k in range(getattr(section, kind).count)) for kind in drawn
             if getattr(section, kind) is not None}  # fmt: skip
    if section.files is None:
        return names, {}
    files = {f"files/{seen_from(folder, path)}": path for path in section.files.files}
    return names | dict(files=tuple(files)), files


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
