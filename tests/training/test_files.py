"""Checkpoints and weights as files."""

import pytest

pytest.importorskip("lightning")
import torch

from graphics_ml.errors import FileError
from graphics_ml.training.checkpoints import SafetensorsCheckpoints
from graphics_ml.training.weights import Weights, card_path, load_weights, save_weights


def test_a_checkpoint_comes_back_as_it_was(tmp_path):
    mean = torch.arange(6.0).reshape(2, 3)
    state = {
        "weights": {"a": mean, "b": mean.T, 7: torch.tensor(3, dtype=torch.int64)},
        "plain": [1, 2.5, "x", None, True, (1, [float("inf")])],
    }
    place = tmp_path / "one.safetensors"
    SafetensorsCheckpoints().save_checkpoint(state, place)
    back = SafetensorsCheckpoints().load_checkpoint(place)
    assert back["plain"] == state["plain"] and list(back["weights"]) == ["a", "b", 7]
    for name, tensor in state["weights"].items():
        assert torch.equal(back["weights"][name], tensor) and back["weights"][name].dtype == tensor.dtype


def test_a_checkpoint_holds_nothing_that_would_have_to_be_pickled(tmp_path):
    with pytest.raises(TypeError, match="cannot hold Linear"):
        SafetensorsCheckpoints().save_checkpoint({"network": torch.nn.Linear(1, 1)}, tmp_path / "one.safetensors")


def test_a_torn_checkpoint_is_told(tmp_path):
    place = tmp_path / "one.safetensors"
    SafetensorsCheckpoints().save_checkpoint({"a": torch.ones(1000)}, place)
    place.write_bytes(place.read_bytes()[:700])
    with pytest.raises(FileError, match="damaged; delete it"):
        SafetensorsCheckpoints().load_checkpoint(place)


@pytest.fixture
def weights():
    torch.manual_seed(0)
    tensors = {
        "matrix": torch.randn(64, 64),
        "bias": torch.randn(64),
        "large": torch.full((2, 2), 1e5),
        "count": torch.tensor(3),
    }
    return Weights("toy", {"width": 7}, tensors, "# A card\n", {"test": {"error": 0.5}})


def test_weights_come_back_with_their_card(tmp_path, weights):
    place = tmp_path / "toy.safetensors"
    save_weights(place, weights)
    back = load_weights(place, "toy")
    assert (back.model, back.card, back.results) == (weights.model, weights.card, weights.results)
    assert card_path(place).read_text() == weights.card
    for name in ("bias", "large", "count"):
        assert torch.equal(back.tensors[name], weights.tensors[name])
    assert torch.allclose(back.tensors["matrix"], weights.tensors["matrix"], rtol=2**-10)  # half of float16's step
    assert place.stat().st_size < 2 * 64 * 64 + 2000
    assert place.stat().st_mode == card_path(place).stat().st_mode  # whoever may read the one may read the other


@pytest.mark.parametrize(
    ("spoil", "learner", "said"),
    [
        (lambda content: content, "lifter", "are of 'toy', but 'lifter' is needed"),
        (lambda content: content[:600], "toy", "damaged"),
        (lambda content: b"nothing", "toy", "damaged"),
    ],
)
def test_weights_that_cannot_be_used_are_told(tmp_path, weights, spoil, learner, said):
    place = tmp_path / "toy.safetensors"
    save_weights(place, weights)
    place.write_bytes(spoil(place.read_bytes()))
    with pytest.raises(FileError, match=said):
        load_weights(place, learner)


def test_missing_weights_are_told(tmp_path):
    with pytest.raises(FileError, match="there is no such file; train it"):
        load_weights(tmp_path / "none.safetensors", "toy")


def test_other_safetensors_are_no_weights(tmp_path):
    from safetensors.torch import save_file

    save_file({"a": torch.ones(3)}, tmp_path / "other.safetensors")
    with pytest.raises(FileError, match="no weights of graphics_ml"):
        load_weights(tmp_path / "other.safetensors", "toy")
