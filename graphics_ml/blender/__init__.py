# SPDX-License-Identifier: GPL-3.0-or-later
"""All that imports bpy: rigs, armature ⇄ Skeleton, action ⇄ Motion, scene files, characters, films.

Importing this package does not import bpy; its files do.
"""

import sys
from importlib.util import find_spec

from graphics_ml.errors import MissingExtraError

if "bpy" not in sys.modules and find_spec("bpy") is None:
    raise MissingExtraError("bpy", "blender")
