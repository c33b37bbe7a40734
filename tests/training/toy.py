"""A learner that takes a second: a curve is learned from its points."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from graphics_ml.jobs import Settings, setting
from graphics_ml.training.learner import Learner, Splits


class Points:
    """Points of a sine, each seen with noise of its own where a generator is given."""

    def __init__(self, sources, count, seed, broken_from=None):
        self.sources, self.broken_from = frozenset(sources), broken_from
        self.x = np.random.default_rng(seed).uniform(-2, 2, (count, 1)).astype(np.float32)

    def __len__(self):
        return len(self.x)

    def draw(self, index, rng):
        x = self.x[index]
        noise = 0 if rng is None else 0.05 * rng.standard_normal(1).astype(np.float32)
        y = np.sin(2 * x) + noise
        return {
            "x": x,
            "y": y * np.float32(np.nan) if self.broken_from is not None and index >= self.broken_from else y,
        }


@dataclass(frozen=True, kw_only=True)
class Data(Settings):
    sets: tuple[str, ...] = setting("sets of points", ())
    count: int = setting("points", 64, min=0)
    shared: bool = setting("let two splits share a source", False)
    broken_from: int | None = setting("from this point on they are no numbers", None)


@dataclass(frozen=True, kw_only=True)
class Model(Settings):
    width: int = setting("of the hidden layer", 32, min=1)
    dropout: float = setting("part that is dropped at random", 0.1, min=0, max=0.9)


class ToyLearner(Learner):
    Data, Model = Data, Model
    watched, higher_is_better, units = "error", False, {"error": "m"}

    def splits(self):
        count = self.data.count
        train = Points({"a", "b"}, count, 1, self.data.broken_from)
        return Splits(
            train, Points({"b" if self.data.shared else "c"}, 16, 2), Points({"d"}, 16, 3), {"points": "drawn"}
        )

    def network(self):
        width, dropout = self.model.width, nn.Dropout(self.model.dropout)
        return nn.Sequential(
            nn.Linear(1, width), nn.Tanh(), dropout, nn.Linear(width, width), nn.Tanh(), nn.Linear(width, 1)
        )

    def loss(self, network, batch):
        return (network(batch["x"]) - batch["y"]).square().mean()

    def figures(self, network, batch):
        return {"error": (network(batch["x"]) - batch["y"]).abs()[:, 0]}

    def about(self):
        return "It knows a sine."


RECIPE = """
learner = "toy"
[model]
dropout = 0.1
[training]
epochs = {epochs}
batch = 16
rate = 0.01
samples = 160
average = 0.9
workers = 0
{more}
"""


def write_recipe(path, epochs=4, more="", **changes):
    text = RECIPE.format(epochs=epochs, more=more)
    for old, new in changes.items():
        text = text.replace(f"[{old}]", f"[{old}]\n{new}")
    path.write_text(text)
    return path


def same(one: nn.Module, other: nn.Module) -> bool:
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)
