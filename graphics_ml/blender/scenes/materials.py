# SPDX-License-Identifier: GPL-3.0-or-later
"""What our own people wear: cloth of any colour and pattern. Characters from files keep their materials.

Our own are known by the names of all their materials, as blender/characters makes them. Patterns stick to the cloth:
their coordinates are those of the character as it was built.
"""

import bpy
import numpy as np

from graphics_ml.blender.characters.figure import EXTRA_MATERIALS, MATERIALS
from graphics_ml.blender.scene import ours_from_blender
from graphics_ml.blender.scenes.drawn import Around
from graphics_ml.blender.scenes.making import box_uv, set_look, set_uv
from graphics_ml.blender.scenes.patterns import draw_colour, draw_pattern
from graphics_ml.blender.scenes.surroundings import Materials

GARMENTS = ("shirt", "trousers", "socks", "shoes", *EXTRA_MATERIALS)
_CLOTH = ("shirt", "trousers", "over", "bag")
_PRINT = 0.5
"""Metres of cloth that a picture with one print in its middle covers: one on the chest, one on the back."""
_CHEST = 0.72
"""Height of the chest's middle over a person's."""


def draw(section: Materials, rng: np.random.Generator, around: Around) -> dict:
    """What each person wears: {"people"}, a look by garment for each."""
    return dict(people=[_outfit(section, rng) for _ in around.people])


def make(values: dict, around: Around, collection: bpy.types.Collection, looks: bool = True) -> None:
    """Dress the people's meshes in materials of their own; without `looks` nothing."""
    if not looks:
        return
    for outfit, skins in zip(values["people"], around.skins, strict=True):
        for skin in skins:
            dress(skin, outfit)


def dress(skin: bpy.types.Object, outfit: dict[str, dict]) -> None:
    """Give a mesh of our own characters copies of those of its materials that the outfit names, with its looks.

    Any other mesh is left alone.

    The copies are linked to the object and not to its mesh, so that the character's own stay.
    """
    if not {garment_of(slot.material) for slot in skin.material_slots} >= set(MATERIALS):
        return
    spans = np.ones(len(skin.material_slots))
    for index, slot in enumerate(skin.material_slots):
        garment = garment_of(slot.material)
        if garment not in outfit:
            continue
        material = slot.material.copy()
        slot.link, slot.material = "OBJECT", material
        set_look(material, outfit[garment])
        spans[index] = outfit[garment].get("span", 1.0)
    if any("pattern" in look for look in outfit.values()):
        _set_cloth_uv(skin.data, spans)


def garment_of(material: bpy.types.Material | None) -> str:
    """What a material of our characters covers: the last word of its name, but for Blender's numbers."""
    return "" if material is None else material.name.split(".")[0].rsplit(" ", 1)[-1]


def _outfit(section, rng):
    outfit = {}
    for garment in GARMENTS:
        look = dict(roughness=section.roughness.draw(rng))
        own, pattern, span = section.own.draw(rng), section.pattern.draw(rng), section.span.draw(rng)
        colour = draw_colour(rng)
        printed = draw_pattern(rng, pattern) if pattern != "none" else None
        if not own:
            look["colour"] = colour
            if printed is not None and garment in _CLOTH:
                look |= dict(pattern=printed, span=_PRINT if pattern == "print" else span)
        outfit[garment] = look
    return outfit | dict(skin=dict(roughness=section.skin_roughness.draw(rng)))


def _set_cloth_uv(mesh, spans):
    """Each corner's place on the cloth of the character as it was built, metres over the slot's span."""
    vertices, corners = np.empty(3 * len(mesh.vertices), np.float32), np.empty(len(mesh.loops), np.int32)
    slots = np.empty(len(mesh.polygons), np.int32)
    mesh.vertices.foreach_get("co", vertices)
    mesh.loops.foreach_get("vertex_index", corners)
    mesh.polygons.foreach_get("material_index", slots)
    places = ours_from_blender(vertices.reshape(-1, 3).astype(np.float64))
    uv = box_uv(places, corners.reshape(-1, 3))
    # The middle of a picture, where prints are, comes to lie on the chest.
    chest = np.array([0, places[:, 1].min() + _CHEST * np.ptp(places[:, 1])])
    set_uv(mesh, 0.5 + (uv - chest) / spans[slots][:, None, None])
