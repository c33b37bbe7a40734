# SPDX-License-Identifier: GPL-3.0-or-later
"""These tests are run by `make test-window` alone: they need a Blender, a display and a mouse of their own."""

import os

if "GRAPHICS_ML_WORKER_PYTHON" not in os.environ or "GRAPHICS_ML_EXTENSION" not in os.environ:
    collect_ignore = ["test_window.py"]
