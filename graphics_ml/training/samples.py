"""The order of samples and what is drawn for them, a function of the seed and the step alone, so that a run that was
stopped goes on as if it had not been, with any number of worker processes."""

import os
from collections.abc import Iterator

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from graphics_ml.training.learner import Samples

_ORDER, _DRAWN = 0, 1  # what is drawn from a seed


class Order(Sampler):
    """Pairs (place in the run, index of a sample): pass after pass through all samples, each in an order of its own.

    An epoch is a window of the run, so it can be shorter or longer than a pass, and no batch is ever cut short.

    Args:
        count: samples there are.
        epoch: samples in an epoch, a multiple of the batch.
        seed: chooses the orders.
    """

    def __init__(self, count: int, epoch: int, seed: int):
        self.count, self.epoch, self.seed, self._now = count, epoch, seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Go to this epoch; Lightning calls it."""
        self._now = epoch

    def __len__(self) -> int:
        return self.epoch

    def __iter__(self) -> Iterator[tuple[int, int]]:
        order, known = None, None
        for place in range(self._now * self.epoch, (self._now + 1) * self.epoch):
            which, at = divmod(place, self.count)
            if which != known:
                order = np.random.default_rng(np.random.SeedSequence([self.seed, _ORDER, which])).permutation(
                    self.count
                )
                known = which
            yield place, int(order[at])


class _Drawn(Dataset):
    """Samples under the pairs of an Order, each drawn from the seed and its place."""

    def __init__(self, samples, seed):
        self.samples, self.seed = samples, seed

    def __getitem__(self, pair):
        place, index = pair
        rng = np.random.default_rng(np.random.SeedSequence([self.seed, _DRAWN, place]))
        return _tensors(self.samples.draw(index, rng))


class _AsTheyAre(Dataset):
    """At most so many samples, spread evenly, as they are."""

    def __init__(self, samples, most):
        count = min(len(samples), most)
        self.samples, self.chosen = samples, [round(i * len(samples) / count) for i in range(count)] if count else []

    def __len__(self):
        return len(self.chosen)

    def __getitem__(self, at):
        return _tensors(self.samples.draw(self.chosen[at], None))


def training_batches(samples: Samples, batch: int, epoch: int | None, seed: int, workers: int | None) -> DataLoader:
    """Batches of an epoch of so many samples, or all there are, changed at random; whole ones, at least one."""
    steps = max(1, round((epoch or len(samples)) / batch))
    order = Order(len(samples), steps * batch, seed)
    return _loader(_Drawn(samples, seed), batch, workers, sampler=order)


def checking_batches(samples: Samples, batch: int, most: int, workers: int | None) -> DataLoader:
    """Batches of at most so many samples, the same each time, as they are."""
    return _loader(_AsTheyAre(samples, most), batch, workers)


def _loader(dataset, batch, workers, sampler=None):
    if workers is None:  # where there are few cores the network has use for all of them
        workers = max(0, min(8, (os.cpu_count() or 1) - 2))
    return DataLoader(
        dataset,
        batch_size=batch,
        sampler=sampler,
        num_workers=workers,
        persistent_workers=workers > 0,
        pin_memory=torch.cuda.is_available(),
        # Forked workers would inherit the threads of torch and of Lightning half-way.
        multiprocessing_context="spawn" if workers else None,
    )


def _tensors(sample):
    return {name: torch.as_tensor(value) for name, value in sample.items()}
