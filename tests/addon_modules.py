"""Modules of the add-on that need no Blender, without its __init__, which does."""

import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[1]

WORKER = [
    sys.executable,
    "-c",
    f"import sys; sys.path.insert(0, {str(ROOT)!r}); from tests.example_jobs import known; known(); "
    "from graphics_ml.worker import main; main()",
]
"""A worker that knows the example jobs too."""


def addon_module(name):
    package = ModuleType("addon_without_blender")
    package.__path__ = [str(ROOT / "blender_addon")]
    sys.modules.setdefault(package.__name__, package)
    return import_module(f"{package.__name__}.{name}")
