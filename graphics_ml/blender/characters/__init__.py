# SPDX-License-Identifier: GPL-3.0-or-later
"""Our own characters: believable parametric people, made procedurally, skinned and rigged.

from graphics_ml.blender.characters import Character, build_character
rig = build_character(Character(height=1.68, masculinity=0.0, hair="bob"))
"""

from graphics_ml.blender.characters.build import build_character, save_character
from graphics_ml.blender.characters.parameters import ADULT_HEIGHTS, HAIR_STYLES, HEIGHTS, Character, random_character
from graphics_ml.blender.characters.proportions import BONES, body_skeleton

__all__ = [
    "ADULT_HEIGHTS",
    "BONES",
    "HAIR_STYLES",
    "HEIGHTS",
    "Character",
    "body_skeleton",
    "build_character",
    "random_character",
    "save_character",
]
