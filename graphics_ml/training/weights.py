"""A trained network as one file: safetensors with what it is, what it was made from and how good it is in its header.

Matrices are kept as float16, which changes what a network gives by less than its own noise and halves the file;
vectors (biases, statistics of a batch norm), which are few and may be large, as float32.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from graphics_ml.errors import FileError
from graphics_ml.outputs import write_bytes
from graphics_ml.wording import short_repr

FORMAT = "graphics_ml network 1"
_LARGEST = 60000.0  # float16 ends at 65504


@short_repr
@dataclass(frozen=True)
class Weights:
    """What a file of weights holds.

    Attributes:
        learner: name of what was learned, as recipes name it.
        model: settings of the network, plain.
        tensors: the network's state, float32.
        card: its model card, Markdown.
        results: figures by split, {"test": {"pck": 0.93}}.
    """

    learner: str
    model: dict
    tensors: dict[str, torch.Tensor]
    card: str
    results: dict


def card_path(path: Path) -> Path:
    """Where the model card of weights is kept for reading, beside them."""
    return path.with_suffix(".md")


def save_weights(path: str | Path, weights: Weights) -> None:
    """Write weights, and their card beside them.

    Raises:
        OutputError: the place cannot be written.
    """
    tensors = {name: _stored(tensor) for name, tensor in weights.tensors.items()}
    about = {
        "format": FORMAT,
        "learner": weights.learner,
        "model": json.dumps(weights.model),
        "results": json.dumps(weights.results),
        "card": weights.card,
    }
    write_bytes(path, save(tensors, metadata=about))  # save_file makes files that nobody else may read
    write_bytes(card_path(Path(path)), weights.card.encode())


def load_weights(path: str | Path, learner: str) -> Weights:
    """Read what `save_weights` wrote.

    Args:
        path: the file.
        learner: name of what it must have learned.

    Raises:
        FileError: there is no such file, it is damaged or something else, or another learner's.
    """
    path = Path(path)
    try:
        with safe_open(path, "pt") as file:
            about = file.metadata() or {}
            if about.get("format") != FORMAT:
                raise FileError(path, None, "these are no weights of graphics_ml; train some: graphics-ml train")
            if about["learner"] != learner:
                raise FileError(path, None, f"these weights are of '{about['learner']}', but '{learner}' is needed")
            tensors = {name: _restored(file.get_tensor(name)) for name in file.keys()}  # noqa: SIM118 (it is no dict)
            model, results = json.loads(about["model"]), json.loads(about["results"])
            return Weights(learner, model, tensors, about["card"], results)
    except FileNotFoundError as error:
        raise FileError(path, None, "there is no such file; train it: graphics-ml train") from error
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise FileError(path, None, "these weights are damaged; get them again") from error


def _stored(tensor):
    tensor = tensor.detach().cpu().contiguous()
    if tensor.is_floating_point() and tensor.ndim > 1 and float(tensor.abs().max()) < _LARGEST:
        return tensor.half()
    return tensor.clone()


def _restored(tensor):
    return tensor.float() if tensor.dtype == torch.float16 else tensor
