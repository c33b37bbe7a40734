"""What a recipe trains: samples, a network, its loss and how well it does. Higher rooms fill it in."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

import numpy as np
import torch
from torch import nn

from graphics_ml.errors import GraphicsMLError
from graphics_ml.jobs import Settings

Batch = dict[str, torch.Tensor]  # each (B, ...)


class TrainingError(GraphicsMLError):
    """A network cannot be trained so, or from this."""


class Samples(Protocol):
    """What is learned from: samples that can be drawn in any order, in any process.

    Attributes:
        sources: names of the sequences and characters they were made from, which no two splits may share.
    """

    sources: frozenset[str]

    def __len__(self) -> int: ...

    def draw(self, index: int, rng: np.random.Generator | None) -> dict[str, np.ndarray]:
        """Arrays of one sample, of the same shapes for each; changed at random by `rng`, as it is without one."""


@dataclass(frozen=True)
class Splits:
    """Samples to learn from, to choose the best epoch by, and to report on.

    Attributes:
        train, val, test: the samples.
        made_from: name of each data set and the hash of what it holds, for the model card.
    """

    train: Samples
    val: Samples
    test: Samples
    made_from: dict[str, str] = field(default_factory=dict)


class Learner(ABC):
    """One kind of network and what it learns.

    Attributes:
        Data, Model: classes of its settings, the tables [data] and [model] of a recipe.
        watched: which of its figures says how good it is.
        higher_is_better: whether that is better when higher.
        units: of its figures, by name, as they are shown: "px", "mm"; "%" where a figure is a share from 0 to 1.
    """

    Data: ClassVar[type[Settings]]
    Model: ClassVar[type[Settings]]
    watched: ClassVar[str]
    higher_is_better: ClassVar[bool] = True
    units: ClassVar[dict[str, str]] = {}

    def __init__(self, data: Settings, model: Settings):
        self.data, self.model = data, model

    @abstractmethod
    def splits(self) -> Splits:
        """The samples; raises GraphicsMLError where they cannot be read."""

    @abstractmethod
    def network(self) -> nn.Module:
        """The network, its weights drawn from torch's generator."""

    def hidden(self, network: nn.Module) -> Iterable[nn.Parameter]:
        """Matrices between hidden layers that Muon shall train, see muon.py; AdamW trains all others."""
        return ()

    @abstractmethod
    def loss(self, network: nn.Module, batch: Batch) -> torch.Tensor:
        """What is made small, one number: 0 for a network that knows everything, so that losses can be compared."""

    @abstractmethod
    def figures(self, network: nn.Module, batch: Batch) -> dict[str, torch.Tensor]:
        """How well it does, tensors of any shape; NaN where nothing can be said. `watched` is among them."""

    def finish(self, network: nn.Module, batches: Iterable[Batch]) -> None:  # noqa: B027 most have nothing to fit
        """What is fitted last, such as how sure it may be, on the split that it has not learned from."""

    @abstractmethod
    def about(self) -> str:
        """Paragraphs of the model card: what goes in, what comes out, what it is not for."""


def ensure_disjoint(splits: Splits) -> None:
    """Raise TrainingError where two splits have a source in common, or one to learn or to choose by is empty."""
    parts: Sequence[tuple[str, Samples]] = [(name, getattr(splits, name)) for name in ("train", "val", "test")]
    for name, samples in parts[:2]:
        if not len(samples):
            raise TrainingError(f"the split '{name}' of the data is empty; make more frames, from more characters")
    for at, (name, samples) in enumerate(parts):
        for other, others in parts[at + 1 :]:
            shared = sorted(samples.sources & others.sources)
            if shared:
                more = f" and {len(shared) - 1} more" if len(shared) > 1 else ""
                raise TrainingError(
                    f"the splits {name} and {other} share {shared[0]}{more}, so what is measured would be what was "
                    "learned by heart; split the data by sequence and character"
                )
