# SPDX-License-Identifier: GPL-3.0-or-later
"""Films of a character whose every joint is known: random camera and room, pictures, and where the rig really was."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import bpy
import numpy as np

from graphics_ml.blender.armature import evaluated_transforms
from graphics_ml.blender.render import render_frames
from graphics_ml.blender.stage import (
    camera_in_scene,
    filmed_points,
    furnish_room,
    place_camera,
    random_camera,
    stage,
)
from graphics_ml.motion.camera import Camera
from graphics_ml.wording import short_repr


@short_repr
@dataclass(frozen=True, eq=False)
class Shot:
    """A film that is being made: J bones over F frames.

    Args:
        camera: the pinhole camera, as Blender has it.
        bones: J names.
        rotations: (F, J, 4) world rotations of the bones by Blender's own evaluation, wxyz, our axes.
        positions: (F, J, 3) world positions of the bones' heads by the same, metres, Y up.
        pictures: uint8 (H, W, 3) arrays, F of them, rendered one by one as they are asked for.
    """

    camera: Camera
    bones: tuple[str, ...]
    rotations: np.ndarray
    positions: np.ndarray
    pictures: Iterator[np.ndarray]


@contextmanager
def filming(
    armature: bpy.types.Object,
    frames: Iterable[int],
    rng: np.random.Generator,
    width: int = 480,
    height: int = 480,
    camera: Camera | None = None,
    samples: int = 4,
) -> Iterator[Shot]:
    """Film what moves the armature, in a random room; the pictures are made within the `with` block.

    Args:
        armature: with meshes and an action; it is filmed where it is and is left as it was.
        frames: numbers on the timeline, whole.
        rng: chooses the room, its light and, unless it is given, the camera.
        width, height: of the pictures, pixels, if the camera is not given.
        camera: where to film from; one that has the character in its picture all along is chosen when None.
        samples: see render_frames.

    Raises:
        ValueError: there are no frames.
    """
    frames = list(frames)
    if not frames:
        raise ValueError("there are no frames to film")
    rotations, positions = evaluated_transforms(armature, frames)
    with stage(armature) as scene:
        points = filmed_points(scene, armature, frames)
        camera = camera or random_camera(rng, points, width, height)
        place_camera(scene, camera)
        furnish_room(scene, rng, points, camera)
        yield Shot(
            camera_in_scene(scene),
            tuple(bone.name for bone in armature.data.bones),
            rotations,
            positions,
            render_frames(scene, frames, armature, samples),
        )
