"""A learner and its few samples, learned by heart: whoever cannot do that learns nothing."""

import torch


def batch_of(samples, rng=None):
    """All samples as one batch, changed at random where there is a generator."""
    drawn = [samples.draw(index, rng) for index in range(len(samples))]
    return {name: torch.stack([torch.as_tensor(one[name]) for one in drawn]) for name in drawn[0]}


def learned_by_heart(learner, steps, rate):
    """The learner's network after so many steps on all it learns from, and the batch of that."""
    torch.manual_seed(0)
    network, batch = learner.network(), batch_of(learner.splits().train)
    optimizer = torch.optim.AdamW(network.parameters(), lr=rate)
    for _ in range(steps):
        optimizer.zero_grad()
        learner.loss(network, batch).backward()
        optimizer.step()
    return network.eval(), batch
