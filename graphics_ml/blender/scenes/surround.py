# SPDX-License-Identifier: GPL-3.0-or-later
"""All that is around a clip's people, drawn and put into Blender: the camera first, by which the others go."""

from dataclasses import replace

import bpy

from graphics_ml.blender.scenes import backgrounds, cameras, distractors, lights, materials, occluders
from graphics_ml.blender.scenes.description import Scene
from graphics_ml.blender.scenes.distributions import rng_for
from graphics_ml.blender.scenes.drawn import Around

_MADE = dict(backgrounds=backgrounds, occluders=occluders, distractors=distractors, lights=lights, materials=materials)


def draw(scene: Scene, clip: int, around: Around) -> tuple[dict, Around]:
    """What is around the people of a clip: every value drawn, by axis, and what `around` then says of the cameras.

    The values of "cameras" hold Camera objects under "cameras", one for each moment; all others are plain.
    """
    drawn = dict(cameras=cameras.draw(scene.cameras, rng_for(around.seed, clip, "cameras"), around))
    around = replace(around, cameras=tuple(drawn["cameras"]["cameras"]))
    for axis, sampler in _MADE.items():
        drawn[axis] = sampler.draw(getattr(scene, axis), rng_for(around.seed, clip, axis), around)
    return drawn, around


def make(drawn: dict, around: Around, collection: bpy.types.Collection, looks: bool = True) -> None:
    """Put what was drawn into Blender: objects into the collection, the sky around the current scene, people's clothes.

    Args:
        looks: whether it is to be rendered; else only the meshes are made, without light and materials, which takes a
            fraction of the time.

    Raises:
        FileError: a picture or HDRI cannot be read.
    """
    for axis, sampler in _MADE.items():
        sampler.make(drawn[axis], around, collection, looks)
