# SPDX-License-Identifier: GPL-3.0-or-later
"""What an armature of the open scene does → Motion.

Blender evaluates the bones, constraints and controls included, a part of the frames at a time, so that a window can
answer in between.
"""

from collections.abc import Generator

import bpy
import numpy as np

from graphics_ml.blender.animation_data import current_action, playing
from graphics_ml.blender.armature import (
    evaluated_transforms,
    motion_of_transforms,
    out_of_edit_mode,
    skeleton_from_armature,
)
from graphics_ml.blender.rigify import body_carrier, drive_skeleton, driven_bones, followers_skeleton, turned_bone
from graphics_ml.blender.scene import frame_rate
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.rotations import unroll

_AT_A_TIME = 50  # frames; some 0.05 s on a plain rig


def whole_frames(action: bpy.types.Action) -> tuple[int, int]:
    """First and last whole frame of an action."""
    first, last = action.frame_range
    return int(np.ceil(first - 1e-3)), int(np.floor(last + 1e-3))


def read_action(
    obj: bpy.types.Object,
    action: bpy.types.Action | None = None,
    first: int | None = None,
    last: int | None = None,
    *,
    to_drive: bool = False,
) -> Generator[tuple[str, int, int], None, Motion]:
    """The motion that an action gives an armature, without its NLA strips.

    Args:
        obj: armature object; it plays what it played before whenever this yields.
        action: the current one when None.
        first, last: scene frames, both read; the action's own range when None.
        to_drive: read a rig with controls on the skeleton of drive_skeleton, on which motion is given back: a joint is
            what its control turns, and only the one that carries the body moves in its parent; stretch is left out.
            Else its deform bones are read, as from a file.

    Yields:
        (stage, frames done, frames in all).

    Raises:
        ValueError: there is no action, or no frame.
    """
    action = action or current_action(obj)
    if action is None:
        raise ValueError(f"the armature '{obj.name}' has no action")
    start, end = whole_frames(action)
    first, last = start if first is None else first, end if last is None else last
    if last < first:
        raise ValueError(f"the action '{action.name}' has no frames from {first} to {last}")
    with out_of_edit_mode(obj):
        controls = driven_bones(obj) if to_drive else {}
        skeleton = drive_skeleton(obj)[0] if to_drive else followers_skeleton(obj) or skeleton_from_armature(obj)
    followed = [turned_bone(obj, name, controls[name]) if name in controls else name for name in skeleton.names]
    turns, places = [], []
    for frame in range(first, last + 1, _AT_A_TIME):
        yield "reading the action", frame - first, last + 1 - first
        frames = range(frame, min(frame + _AT_A_TIME, last + 1))
        with out_of_edit_mode(obj), playing(obj, action):
            part = evaluated_transforms(obj, frames, followed)
        turns.append(part[0])
        places.append(part[1])
    motion = motion_of_transforms(
        skeleton, unroll(np.concatenate(turns)), np.concatenate(places), frame_rate(bpy.context.scene)
    )
    if controls and motion.local_positions is not None:
        motion = _carried_alone(motion, [name for name in skeleton.names if name in controls])
    return motion.replace(provenance={"action": action.name})


def _carried_alone(motion, joints):
    """The motion with no joint moving in its parent but the root and the one that carries the body."""
    skeleton = motion.skeleton
    root = body_carrier(skeleton, joints)
    free = {0} if root is None else {0, skeleton.index(joints[root])}
    still = [joint for joint in range(len(skeleton)) if joint not in free]
    local = np.array(motion.local_positions)
    local[:, still] = skeleton.offsets[still]
    return motion.replace(local_positions=local if free != {0} else None)
