"""Errors come back from another process as they were."""

import copy
import pickle
import re
from importlib import import_module
from pathlib import Path

import pytest

import graphics_ml
from graphics_ml.errors import FileError, GraphicsMLError, MissingExtraError
from graphics_ml.motion.clean_up import CleanUpError


def every_error():
    """All of our error classes, wherever a file of the package defines one."""
    folder = Path(graphics_ml.__file__).parent
    for path in folder.rglob("*.py"):
        if re.search(r"^class \w+Error\(", path.read_text(encoding="utf-8"), re.MULTILINE):
            import_module(".".join(("graphics_ml", *path.relative_to(folder).with_suffix("").parts)))
    found, new = set(), [GraphicsMLError]
    while new:
        found.add(new[0])
        new = new[1:] + new[0].__subclasses__()
    return sorted(found, key=lambda kind: kind.__name__)


def example(kind):
    if issubclass(kind, FileError):
        return kind("walk.bvh", 7, "it is not finished")
    return kind("av", "pose") if kind in (MissingExtraError, CleanUpError) else kind("it is not finished")


@pytest.mark.parametrize("kind", every_error())
@pytest.mark.parametrize("way", [copy.copy, *(lambda e, p=p: pickle.loads(pickle.dumps(e, p)) for p in range(2, 6))])
def test_an_error_survives_pickling(kind, way):
    error = example(kind)
    back = way(error)
    assert type(back) is kind and str(back) == str(error) and vars(back) == vars(error)


def test_the_known_kinds_of_error_are_among_them():
    names = {kind.__name__ for kind in every_error()}
    assert {"FileError", "OutputError", "VideoError", "BoneMapError", "JobError", "SolveError"} <= names
