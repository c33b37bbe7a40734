# SPDX-License-Identifier: GPL-3.0-or-later
"""Single frames of a motion shown on an armature without a key, and its former pose given back.

The former pose stands on the object as a custom property for as long as another is shown. Blender's undo keeps both
together, so whatever state of a file comes back, `put_back_left_over` finds there what a preview left.
"""

import json

import bpy

from graphics_ml.blender.actions import rotation_keys
from graphics_ml.blender.animation_data import TRANSFORMS
from graphics_ml.blender.armature import evaluated_now, pose_channels
from graphics_ml.blender.rigify import (
    ControlSolver,
    driven_bones,
    fk_state,
    put_fk_state_back,
    switch_limbs_to_fk,
    switch_to_fk,
)
from graphics_ml.motion.motion import Motion

FORMER_POSE = "graphics_ml_former_pose"

_AT_A_TIME = 64  # frames; their channels take hardly longer than those of one
_PASSES = 2  # of solving controls: what is left is not seen, and each asks Blender to evaluate the rig


class PosePreview:
    """A motion, a frame of which an armature shows.

    Args:
        obj: armature object; its pose is remembered from the first frame that is shown until `end`.
    """

    def __init__(self, obj: bpy.types.Object):
        self.obj = obj
        self._controls = driven_bones(obj)
        self._motion, self._bones, self._parts, self._solver = None, (), {}, None

    def load(self, motion: Motion, bones) -> None:
        """Take this motion from now on.

        Args:
            motion: on the skeleton of rigify.drive_skeleton.
            bones: names of its joints that are shown; other bones keep what they do.
        """
        _remember(self.obj)
        bones = [name for name in motion.skeleton.names if name in set(bones)]
        if self._controls and (self._solver is None or self._bones != bones):
            self._solver = self._probed(motion.skeleton, bones)
        self._motion, self._bones, self._parts = motion, bones, {}

    def show(self, frame: int) -> None:
        """Pose the armature as in a frame of the motion, the nearest one that it has."""
        _remember(self.obj)
        frame = min(max(frame, 0), len(self._motion) - 1)
        if self._solver is not None:
            self._solver.pose(self._motion.frames(frame, frame + 1))
            return
        part, row = divmod(frame, _AT_A_TIME)
        if part not in self._parts:
            motion = self._motion.frames(part * _AT_A_TIME, min((part + 1) * _AT_A_TIME, len(self._motion)))
            self._parts[part] = pose_channels(motion, self.obj, self._bones)
        for name, channel in self._parts[part].items():
            location = None if channel.location is None else channel.location[row]
            _pose(self.obj.pose.bones[name], channel.rotation[row], location)
        self.obj.update_tag()

    def end(self) -> None:
        """Give the armature its former pose back; what its action does at this frame shows again."""
        put_back(self.obj)

    def _probed(self, skeleton, bones):
        controls = {name: self._controls[name] for name in bones if name in self._controls}
        switch_to_fk(self.obj)
        return _LiveControls(self.obj, skeleton, controls)


def put_back(obj: bpy.types.Object) -> bool:
    """Give an armature the pose back that it had before a preview; whether there was one."""
    if FORMER_POSE not in obj:
        return False
    former = json.loads(obj[FORMER_POSE])
    del obj[FORMER_POSE]
    _pose_as(obj, former["bones"])
    put_fk_state_back(obj, former)
    obj.update_tag(refresh={"OBJECT", "DATA", "TIME"})
    return True


def put_back_left_over() -> list[str]:
    """Do so for all armatures of the file that a preview was left on; gives their names."""
    return [obj.name for obj in bpy.data.objects if obj.type == "ARMATURE" and put_back(obj)]


class _LiveControls(ControlSolver):
    """Controls that are posed as they are solved, one frame at a time."""

    def __init__(self, obj, skeleton, controls):
        self._live = False
        super().__init__(obj, skeleton, controls)
        self._live = True

    def pose(self, motion):
        switch_limbs_to_fk(self.obj)  # the rig's own action may have switched them back
        channels, _ = self.solve(motion, _PASSES)
        self._set({name: (one.rotation[0], one.location) for name, one in channels.items()})

    def _evaluate(self, alone=False, rows=slice(None)):
        if not self._live:
            return super()._evaluate(alone, rows)
        self._set({name: (one.rotation[0], one.location) for name, one in self._channels().items()})
        return self._seen(*evaluated_now(self.obj, [*self.controls, *self.bones]))

    def _set(self, channels):
        for name, (rotation, location) in channels.items():
            _pose(self.obj.pose.bones[name], rotation, None if location is None else location[0])


def _remember(obj):
    if FORMER_POSE in obj:
        return
    bones = {bone.name: [list(getattr(bone, name)) for name in TRANSFORMS] for bone in obj.pose.bones}
    obj[FORMER_POSE] = json.dumps({"bones": bones} | fk_state(obj))


def _pose_as(obj, bones):
    for name, values in bones.items():
        if name in obj.pose.bones:
            for channel, value in zip(TRANSFORMS, values, strict=True):
                setattr(obj.pose.bones[name], channel, value)


def _pose(bone, rotation, location):
    """Set a pose bone's rotation (4,) in its own mode, and its location (3,) where there is one."""
    if location is not None:
        bone.location = location
    attribute, values = rotation_keys(bone.rotation_mode, rotation[None])
    setattr(bone, attribute, values[0])
