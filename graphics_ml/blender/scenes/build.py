# SPDX-License-Identifier: GPL-3.0-or-later
"""A drawn frame of a scene: made in Blender, given as plain arrays.

The samplers stand beside this file, one per axis, each with two functions that know nothing of each other:

    draw(section, rng, around) -> dict        plain values, of what the section says; nothing in Blender changes
    make(values, around, collection) -> None  puts them into Blender: objects into the collection, which is emptied
                                              after the clip with all data that nothing else uses; a mesh is a thing,
                                              and the ground where it has the custom property KIND = "ground"

A camera's `draw` has "cameras" among its values: one Camera for every moment of the clip.
"""

from graphics_ml.blender.scenes.drawn import KIND, Around, DrawnFrame, FilmedPerson, Thing

__all__ = ["KIND", "Around", "DrawnFrame", "FilmedPerson", "Thing"]
