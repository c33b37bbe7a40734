"""Tests that need Blender; without its module none of them is collected."""

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("bpy") else ["test_*.py"]
