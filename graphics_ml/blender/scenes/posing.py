# SPDX-License-Identifier: GPL-3.0-or-later
"""A motion on a character, one moment at a time, without keys; and where Blender then has its skin and bones."""

from fractions import Fraction

import bpy
import numpy as np

from graphics_ml.blender.armature import evaluated_now, motion_of_transforms, pose_channels
from graphics_ml.blender.scene import blender_from_ours, ours_from_blender
from graphics_ml.blender.scenes.characters import Actor
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.skeleton import Skeleton


class Player:
    """An actor with what it does at M moments.

    Args:
        actor: in the current scene, where it was made.
        motion: M frames on the actor's skeleton.
        led: names of the joints that the motion says something of; the others rest.

    Attributes:
        places: (M, 4, 4) where the actor stands at each moment, see `placement`.
    """

    def __init__(self, actor: Actor, motion: Motion, led):
        self.actor, self.places, self._led = actor, np.tile(np.eye(4), (len(motion), 1, 1)), set(led)
        self.perform(motion)

    def perform(self, motion: Motion) -> None:
        """Do this instead, which lasts as long."""
        self.motion, bones = motion, self.actor.rig.pose.bones
        self._rotations = np.tile(np.array([1.0, 0, 0, 0], np.float32), (len(motion), len(bones), 1))
        self._locations = np.zeros((len(motion), len(bones), 3), np.float32)
        self._pose(0)  # what is not led has to rest before the rest is worked out
        rows = {bone.name: row for row, bone in enumerate(bones)}
        for name, channels in pose_channels(motion, self.actor.rig, self._led & self.actor.free).items():
            self._rotations[:, rows[name]] = channels.rotation
            if channels.location is not None:
                self._locations[:, rows[name]] = channels.location

    def show(self, moment: int) -> None:
        """Pose and place the actor; Blender evaluates it at its next update."""
        self._pose(moment)
        self.actor.stand_at(self.places[moment])
        self.actor.rig.update_tag()

    def vertices(self) -> list[np.ndarray]:
        """The vertices (V, 3) of each skin where they are now; our world, metres."""
        graph = bpy.context.evaluated_depsgraph_get()
        return [evaluated_vertices(skin, graph) for skin in self.actor.skins]

    def parts(self) -> list[np.ndarray]:
        """The body part (V,) of each vertex of each skin: its place in keypoints.PARTS."""
        found = []
        for skin, triangles, parts in zip(
            self.actor.skins, self.actor.anchors.triangles, self.actor.anchors.parts, strict=True
        ):
            own = np.zeros(len(skin.data.vertices), np.uint8)
            own[triangles] = parts[:, None]
            found.append(own)
        return found

    def bones(self) -> tuple[np.ndarray, np.ndarray]:
        """World rotations (B, 4) and heads (B, 3), metres, of the bones of the actor's skeleton, now."""
        rotations, positions = evaluated_now(self.actor.rig, self.actor.joints)
        return rotations[0], positions[0]

    def _pose(self, moment):
        bones = self.actor.rig.pose.bones
        bones.foreach_set("rotation_quaternion", self._rotations[moment].ravel())
        bones.foreach_set("location", self._locations[moment].ravel())


def evaluated_vertices(thing: bpy.types.Object, graph: bpy.types.Depsgraph) -> np.ndarray:
    """The vertices (V, 3) of a mesh object with all its modifiers, our world, metres."""
    seen = thing.evaluated_get(graph)
    vertices = seen.data.vertices
    places = np.empty((len(vertices), 3), np.float32)
    vertices.foreach_get("co", places.ravel())
    matrix = np.array(seen.matrix_world)
    return ours_from_blender(places @ matrix[:3, :3].T + matrix[:3, 3])


def motions_of_poses(skeletons: list[Skeleton], poses: list, fps: Fraction) -> tuple[Motion, ...]:
    """The motions of several people.

    Args:
        skeletons: of each person, J joints.
        poses: for each moment, for each person, what evaluated_now gives for the skeleton's names: world rotations
            (1, J, 4) and positions (1, J, 3).
        fps: moments in a second.
    """
    found = []
    for skeleton, of_one in zip(skeletons, zip(*poses, strict=True), strict=True):
        rotations, positions = map(np.concatenate, zip(*of_one, strict=True))
        found.append(motion_of_transforms(skeleton, rotations, positions, fps))
    return tuple(found)


def placement(about: np.ndarray, turn: float, to: np.ndarray) -> np.ndarray:
    """The matrix (4, 4), in Blender's axes, that turns by `turn` radians about the vertical through a point and brings
    that point to another, both (3,) in our axes."""
    matrix = np.eye(4)
    c, s = np.cos(turn), np.sin(turn)  # about +Z of Blender, which is our +Y
    matrix[:2, :2] = [[c, -s], [s, c]]
    matrix[:3, 3] = blender_from_ours(to) - matrix[:3, :3] @ blender_from_ours(about)
    return matrix
