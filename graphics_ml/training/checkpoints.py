"""What a stopped run needs to go on, kept as safetensors: the tensors as they are, all else as JSON in the header.

Lightning's own checkpoints are pickles, which can run any program when they are read.
"""

import json
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.plugins.io import CheckpointIO
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from graphics_ml.errors import FileError
from graphics_ml.outputs import remove_temporary, replacing

EXTENSION = ".safetensors"


class SafetensorsCheckpoints(CheckpointIO):
    """How Lightning writes and reads its checkpoints; each is whole or not there."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path, storage_options=None) -> None:
        """Write what consists of dicts, lists, tuples, tensors, text, numbers, booleans and None.

        Raises:
            TypeError: there is something else in it.
        """
        tensors = {}
        state = json.dumps(_packed(checkpoint, tensors))
        with replacing(path) as unfinished:
            save_file(tensors, unfinished, metadata={"state": state})

    def load_checkpoint(self, path, map_location=None, weights_only=None) -> dict[str, Any]:
        """What was written; tensors on the processor.

        Raises:
            FileError: it cannot be read.
        """
        return read_checkpoint(Path(path))

    def remove_checkpoint(self, path) -> None:
        """Remove a checkpoint."""
        remove_temporary(Path(path))


def read_checkpoint(path: Path) -> dict[str, Any]:
    """What SafetensorsCheckpoints has written; raises FileError where it is damaged or something else."""
    try:
        with safe_open(path, "pt") as file:
            return _unpacked(json.loads((file.metadata() or {})["state"]), file.get_tensor)
    except (OSError, SafetensorError, KeyError, ValueError, TypeError) as error:
        raise FileError(path, None, "this is no checkpoint, or is damaged; delete it and train anew") from error


def _packed(value, tensors):
    if isinstance(value, torch.Tensor):
        name = str(len(tensors))
        tensors[name] = value.detach().cpu().clone().contiguous()  # two that share memory cannot be written
        return ["tensor", name]
    if isinstance(value, dict):
        return ["dict", [[_packed(key, tensors), _packed(one, tensors)] for key, one in value.items()]]
    if isinstance(value, list | tuple):
        return ["tuple" if isinstance(value, tuple) else "list", [_packed(one, tensors) for one in value]]
    if value is None or type(value) in (str, int, float, bool):
        return value
    raise TypeError(f"a checkpoint cannot hold {type(value).__name__}")


def _unpacked(value, tensor):
    if not isinstance(value, list):
        return value
    kind, content = value
    if kind == "tensor":
        return tensor(content)
    if kind == "dict":
        return {_unpacked(key, tensor): _unpacked(one, tensor) for key, one in content}
    return {"tuple": tuple, "list": list}[kind](_unpacked(one, tensor) for one in content)
