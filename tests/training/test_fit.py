import dataclasses
import signal

import pytest

pytest.importorskip("lightning")

import torch

from graphics_ml.training.curves import best_epoch
from graphics_ml.training.fit import _compute_in, fit, last_history
from graphics_ml.training.learner import TrainingError
from graphics_ml.training.recipe import read_recipe
from graphics_ml.training.samples import Order
from graphics_ml.training.weights import Weights, save_weights
from tests.training.toy import Points, same, write_recipe


def fitted(tmp_path, folder="run", epochs=4, more="", data="", model="", **options):
    recipe = read_recipe(write_recipe(tmp_path / "toy.toml", epochs, f"{more}\n[data]\n{data}", model=model))
    return fit(recipe, recipe.learner.splits(), tmp_path / folder, **options)


def steps(run):
    """The history without the seconds, which differ."""
    return [dataclasses.replace(one, seconds=0.0) for one in run.history]


def test_a_curve_is_learned(tmp_path):
    told = []
    run = fitted(tmp_path, epochs=40, progress=lambda *what: told.append(what))
    assert run.results["test"]["error"] < 0.15  # a constant is 0.63 off
    assert run.finished and len(run.history) == 40
    assert ("training", 400, 400) in told
    assert run.best == best_epoch(run.history, "error", higher_is_better=False)


def test_a_resumed_run_is_what_it_would_have_been_uninterrupted(tmp_path):
    whole = fitted(tmp_path, "whole")
    parts = fitted(tmp_path, "parts", minutes=1e-6)
    assert len(parts.history) == 1 and not parts.finished
    while not parts.finished:
        parts = fitted(tmp_path, "parts", minutes=1e-6, resume=True)
    assert steps(parts) == steps(whole)
    assert same(parts.network, whole.network)


def test_each_epoch_draws_samples_of_its_own(tmp_path, monkeypatch):
    drawn = []
    draw = Points.draw

    def record(self, index, rng):
        if rng is not None:
            drawn.append((index, rng.bit_generator.state["state"]["state"]))
        return draw(self, index, rng)

    monkeypatch.setattr(Points, "draw", record)
    fitted(tmp_path, epochs=3)
    assert len(drawn) == len({state for _, state in drawn}) == 3 * 160
    assert {index for index, _ in drawn} == set(range(64))
    assert sorted(index for index, _ in drawn[128:192]) == list(range(64))  # the third pass, over two epochs


def test_a_run_is_stopped_where_it_becomes_no_better(tmp_path):
    run = fitted(tmp_path, epochs=200, more="patience = 3")
    assert len(run.history) < 200
    assert run.best == len(run.history) - 1 - 3
    assert run.stopped == "no better for 3 epochs"


def test_a_loss_that_is_no_number_stops_with_a_sentence(tmp_path):
    with pytest.raises(TrainingError, match=r"the loss is nan in epoch 1, step \d+, at a learning rate of"):
        fitted(tmp_path, data="broken_from = 60")


def test_splits_that_share_a_source_are_refused(tmp_path):
    with pytest.raises(TrainingError, match="the splits train and val share b, so"):
        fitted(tmp_path, data="shared = true")


def test_an_empty_split_is_refused(tmp_path):
    with pytest.raises(TrainingError, match="the split 'train' of the data is empty"):
        fitted(tmp_path, data="count = 0")


def test_checkpoints_are_neither_lost_nor_taken_for_another_recipes(tmp_path):
    fitted(tmp_path, minutes=1e-6)
    assert len(last_history(tmp_path / "run")) == 1
    with pytest.raises(TrainingError, match=r"stopped after 1 epochs; go on with resume"):
        fitted(tmp_path)
    with pytest.raises(TrainingError, match=r"another recipe \(training.clip differ\)"):
        fitted(tmp_path, more="clip = 2.0", resume=True)
    assert len(fitted(tmp_path, epochs=5, resume=True).history) == 5


def test_a_run_can_begin_with_weights_of_an_earlier_one(tmp_path):
    first = fitted(tmp_path, "first", epochs=30)
    kept = Weights("toy", {}, first.network.state_dict(), "# Card\n", first.results)
    save_weights(tmp_path / "first.safetensors", kept)
    again = fitted(tmp_path, "again", epochs=1, more='start = "first.safetensors"')
    assert again.history[0].val["error"] < 1.5 * first.history[first.best].val["error"]
    with pytest.raises(TrainingError, match="of a network of another shape"):
        fitted(tmp_path, "other", more='start = "first.safetensors"', model="width = 5")


def test_ctrl_c_stops_a_run_that_can_then_go_on(tmp_path):
    def press(stage, done, total):
        if done == 25:
            raise KeyboardInterrupt

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        fitted(tmp_path, progress=press)
    assert signal.getsignal(signal.SIGINT) is before
    assert steps(fitted(tmp_path, resume=True)) == steps(fitted(tmp_path, "whole"))


def test_a_network_that_computes_in_half_the_size_gives_and_learns_in_float32():
    torch.manual_seed(0)
    network, inputs = torch.nn.Linear(64, 3), torch.randn(8, 64)
    exact = network(inputs)
    _compute_in(network, torch.bfloat16)
    quick = network(inputs)
    assert quick.dtype == torch.float32 and not torch.equal(quick, exact)
    assert torch.allclose(quick, exact, atol=0.02)
    quick.sum().backward()
    assert network.weight.grad.dtype == torch.float32
    assert torch.allclose(network.weight.grad, inputs.sum(0).expand(3, -1), atol=0.05, rtol=0.02)


def test_each_pass_sees_every_sample_once_whatever_an_epoch_is():
    def run(epoch, epochs):
        order = Order(10, epoch, seed=3)
        for number in range(epochs):
            order.set_epoch(number)
            yield from order

    places, indices = zip(*run(6, 5), strict=True)
    assert places == tuple(range(30))
    passes = [indices[i : i + 10] for i in (0, 10, 20)]
    assert all(sorted(one) == list(range(10)) for one in passes)
    assert len(set(passes)) == 3
    assert indices == tuple(index for _, index in run(15, 2))
