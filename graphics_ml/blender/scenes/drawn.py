# SPDX-License-Identifier: GPL-3.0-or-later
"""A drawn frame as plain arrays, and what the samplers see of the clip they draw for. No bpy here."""

from dataclasses import dataclass, field

import numpy as np

from graphics_ml.motion.camera import Camera
from graphics_ml.wording import short_repr

KIND = "graphics_ml_kind"
"""Custom property of an object in a scene: "thing", as without it, or "ground"."""


@short_repr
@dataclass(frozen=True, eq=False)
class Thing:
    """A mesh of a frame, in our world.

    Args:
        name: of it.
        kind: "person", "thing" or "ground".
        vertices: (V, 3) metres.
        next_vertices: (V, 3) at the next moment, or None of what stands still.
        triangles: (T, 3) int32.
        parts: (T,) uint8, of a person's triangles the index in keypoints.PARTS; 0 of things.
        instance: of a person, from 1; 0 of things.
        smooth: whether it is shaded smooth, one for all or (T,).
    """

    name: str
    kind: str
    vertices: np.ndarray
    next_vertices: np.ndarray | None
    triangles: np.ndarray
    parts: np.ndarray
    instance: int = 0
    smooth: bool | np.ndarray = True


@short_repr
@dataclass(frozen=True, eq=False)
class FilmedPerson:
    """A person of a frame: J bones.

    Args:
        instance: from 1, as in the masks.
        character, motion: their names in their pools.
        motion_time: seconds into the motion.
        joints: J names of bones.
        positions: (J, 3) of their heads in our world, metres.
        rotations: (J, 4) world, wxyz.
        anchors: (133, 3) of keypoints.WHOLE_BODY, world, NaN where the character has none.
        on_surface: (133,) bool: whether a keypoint is on the skin, not in the body.
    """

    instance: int
    character: str
    motion: str
    motion_time: float
    joints: tuple[str, ...]
    positions: np.ndarray
    rotations: np.ndarray
    anchors: np.ndarray
    on_surface: np.ndarray


@short_repr
@dataclass(frozen=True, eq=False)
class DrawnFrame:
    """All that Blender says of a frame.

    Args:
        index: of the frame in the data set.
        split: "train", "val" or "test".
        camera, next_camera: now and at the next moment.
        things: all meshes, people's among them.
        people: in the order of their instances.
        parameters: every value drawn, plain, by axis.
        picture: (H, W, 3) uint8, or None where it was not asked for.
        passes: depth (H, W) metres, normals (H, W, 3) and instances (H, W) as Cycles sees them, to be taken in place of
            what rays see; None where the scene does not ask for them.
    """

    index: int
    split: str
    camera: Camera
    next_camera: Camera
    things: tuple[Thing, ...]
    people: tuple[FilmedPerson, ...]
    parameters: dict = field(default_factory=dict)
    picture: np.ndarray | None = None
    passes: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None


@short_repr
@dataclass(frozen=True, eq=False)
class Around:
    """What a sampler sees of the clip it draws for. The floor is at y = 0.

    Args:
        seed, split: of the data set and of the clip, for drawing from pools (pools.part_of).
        width, height: of the picture, pixels.
        fps: moments in a second.
        people: (M, N, 3) points on each person's skin at every moment, one more than the clip has frames.
        hips: (M,) heights of each person's hip joint, metres.
        limbs: each person's shoulders, elbows, wrists, hips, knees and ankles (M, 12, 3).
        skins: each person's meshes in Blender; their material slots are put back after the clip.
        cameras: one for every moment; none while the camera is drawn.
    """

    seed: int
    split: str
    width: int
    height: int
    fps: float
    people: tuple[np.ndarray, ...]
    hips: tuple[np.ndarray, ...]
    limbs: tuple[np.ndarray, ...] = ()
    skins: tuple[tuple, ...] = ()
    cameras: tuple[Camera, ...] = ()

    def points(self) -> np.ndarray:
        """All points (P, 3) of all people at all moments."""
        return np.concatenate([one.reshape(-1, 3) for one in self.people])

    def limbs_in_picture(self, camera: Camera, moment: int) -> list[np.ndarray]:
        """The pixels (N, 2) of those of each person's joints of arms and legs that are in a camera's picture."""
        seen = [camera.project(joints[moment]) for joints in self.limbs]
        return [places[((places >= 0) & (places < [camera.width, camera.height])).all(axis=1)] for places in seen]
