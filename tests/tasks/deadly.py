"""Chunks of a data set whose frames are made up, some of them fatal, for processes that import this module."""

import os
import sys
from contextlib import nullcontext
from dataclasses import dataclass
from types import SimpleNamespace
from typing import ClassVar

from graphics_ml.tasks import render_dataset
from tests.datasets.frames_made import made_frame

KILLS, FAILS = 1, 2


@dataclass(frozen=True)
class DeadlyChunk(render_dataset.Chunk):
    """Frame 1 kills its process, frame 2 raises an error; with `harmless` beside the scene none does."""

    task: ClassVar[str] = "tests.tasks.deadly:render"


def render(chunk, progress):
    """render_chunk without Blender."""
    sys.modules["graphics_ml.blender.scenes.build"] = SimpleNamespace(Studio=lambda *_, **__: nullcontext())
    render_dataset._film = _film
    return render_dataset.render_chunk(chunk, progress)


def _film(studio, scene, chunk, index):
    if not chunk.job.scene.with_name("harmless").exists():
        if index == KILLS:
            os._exit(9)
        if index == FAILS:
            raise ValueError("no body")
    frame = made_frame(index, data_set=chunk.identity, clip=index // scene.clip.frames)
    return render_dataset.save_frame(frame, chunk.job)
