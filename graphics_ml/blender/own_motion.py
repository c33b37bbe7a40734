# SPDX-License-Identifier: GPL-3.0-or-later
"""What an armature's own action does, taken up as a motion, changed, and given back to it as a new action.

The panel Clean Up and `graphics-ml edit` both go through here, so that they write the same keys.
"""

from collections.abc import Generator

import bpy

from graphics_ml.blender.animation_data import (
    TRANSFORMS,
    paths_of,
    refresh,
    remove_curves,
    transform_paths,
)
from graphics_ml.blender.armature import moved_joints
from graphics_ml.blender.armature_target import ArmatureTarget, Placement
from graphics_ml.blender.reading import read_action, whole_frames
from graphics_ml.blender.rigify import driven_bones
from graphics_ml.errors import ArmatureError
from graphics_ml.motion.bone_map import BoneMap, missing_roles, recognize_moving
from graphics_ml.motion.keys import ReducedKeys
from graphics_ml.motion.motion import Motion


class OwnMotion:
    """The motion that an action gives an armature.

    Args:
        target: the armature.
        action: what it plays.
        first, last: scene frames, both taken; the action's own range when None.

    Raises:
        ArmatureError: the object itself is animated beside controls.
    """

    def __init__(
        self, target: ArmatureTarget, action: bpy.types.Action, first: int | None = None, last: int | None = None
    ):
        start, end = whole_frames(action)
        self.target, self.action = target, action
        self.first, self.last = start if first is None else first, end if last is None else last
        # The path of the object, which is read as that of its bones and so must not move them once more.
        self._path = paths_of(action) & set(TRANSFORMS)
        if self._path and driven_bones(target.armature):
            raise ArmatureError(
                f"the object '{target.armature.name}' itself is animated beside its controls; move its path to the "
                f"controls first"
            )

    def reading(self) -> Generator[tuple[str, int, int], None, Motion]:
        """The motion, on the target's skeleton.

        Yields:
            (stage, frames done, frames in all).

        Raises:
            ArmatureError: there is no frame.
        """
        obj = self.target.armature
        try:
            motion = yield from read_action(obj, self.action, self.first, self.last, to_drive=True)
        except ValueError as error:
            raise ArmatureError(str(error)) from error
        self._keyed = moved_joints(motion) | self._keyed_joints(motion.skeleton.names)
        return motion

    def roles(self, motion: Motion) -> BoneMap:
        """The roles of the bones of what reading gave; how they move tells where names and rest do not."""
        bones = self.target.recognised()
        return recognize_moving(motion) if missing_roles(bones) else bones

    def playing(
        self, motion: Motion, placement: Placement, keys: ReducedKeys | None = None
    ) -> Generator[tuple[str, int, int], None, bpy.types.Action]:
        """Key what became of the motion as a new action of the same name; the former one stays.

        Args:
            motion: of the skeleton of what reading gave.
            placement, keys: as for ArmatureTarget.playing, which says the rest.
        """
        target = self.target
        made = yield from target.playing(
            motion, self.action.name, self._keyed, None, placement, keys=keys, rewritten=True
        )
        if self._path:
            remove_curves(made, self._path)
            refresh(target.armature)
            target.notes.append(f"the path of the object '{target.armature.name}' is on its bones now")
        return made

    def _keyed_joints(self, names):
        """Those of the joints whose bones, or whose controls, the action keys."""
        paths, controls = paths_of(self.action), driven_bones(self.target.armature)
        return {name for name in names if not paths.isdisjoint(transform_paths([controls.get(name, name)]))}
