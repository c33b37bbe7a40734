"""All benchmarks, or those named: `python -m tests.benchmarks [motion_files ...]`."""

import importlib
import pkgutil
import sys

from tests import benchmarks

HELPERS = {"__main__", "timing"}

names = sys.argv[1:] or [module.name for module in pkgutil.iter_modules(benchmarks.__path__)]
for name in names:
    if name not in HELPERS:
        importlib.import_module(f"tests.benchmarks.{name}").main()
