"""The rig that a motion goes on: opened, keyed and saved, for every job that animates one."""

from fractions import Fraction
from pathlib import Path

import bpy

from graphics_ml.blender.actions import retime
from graphics_ml.blender.armature_target import ArmatureTarget, Placement
from graphics_ml.blender.engine_rig import as_engine_rig
from graphics_ml.blender.export import EXTENSIONS, save_scene
from graphics_ml.blender.presets import Preset
from graphics_ml.blender.rigs import load_rig
from graphics_ml.blender.scene import empty_scene, frame_rate
from graphics_ml.errors import ArmatureError, RigError
from graphics_ml.motion.motion import Motion


class TargetRig(ArmatureTarget):
    """An armature in a scene of its own, opened from a file.

    Args:
        path: the rig's file; our own character when None.
        keep_actions: whether the rig's own actions stay.
        height: metres, of our own character, as near as it can be made.

    Attributes:
        name: what an error calls it.

    Raises:
        RigError: the file cannot be read or holds no usable rig.
    """

    def __init__(self, path: Path | None, *, keep_actions: bool = False, height: float | None = None):
        notes, self.name = [], path or "our own character"
        armature = load_rig(path, actions=keep_actions, notes=notes) if path else _our_character(height, notes)
        try:
            super().__init__(armature)
        except ArmatureError as error:
            raise RigError(self.name, None, str(error)) from error
        self.notes = notes + self.notes

    def play(self, motion: Motion, name: str, bones=(), path=None) -> bpy.types.Action:
        """Key a motion as the rig's new action, at the motion's rate and range; actions that are kept last as long as
        before.

        Args:
            motion, name, bones, path: as for ArmatureTarget.playing.
        """
        kept, rate = list(bpy.data.actions), frame_rate(bpy.context.scene)
        placement = Placement(rate="motion", set_range=True, keep_rest=False)
        action = super().play(motion, name, bones, path, placement)
        bpy.context.scene.frame_set(placement.start_frame)
        if kept and rate != motion.fps:
            retime(kept, float(Fraction(motion.fps) / rate))
            rates = f"from {float(rate):.6g} to {float(motion.fps):.6g} frames per second"
            self.notes.append(
                f"the rig's own actions ({len(kept)}) were retimed {rates}, so that they last as long as before"
            )
        return action

    @staticmethod
    def saves(path: Path) -> bool:
        """Whether such a file is a scene, in which the rig keeps its meshes."""
        return path.suffix.lower() in EXTENSIONS

    def save(self, path: Path, action: bpy.types.Action, keep_actions: bool) -> None:
        """Write the scene with the rig that plays the action; see export.save_scene."""
        save_scene(path, self.armature, action, keep_actions=keep_actions, notes=self.notes)

    def save_for(self, engine: Preset, path: Path, action: bpy.types.Action, hips: str, travel=None) -> None:
        """Write the rig that plays the action as a game engine takes it; see engine_rig.as_engine_rig, which changes
        it for good.

        Args:
            engine: its preset.
            hips: name of the hips' bone.
            travel: places (F, 3) and turns (F, 4) of the path over the ground; None for none.
        """
        travel = travel if engine.root_motion else None
        axes = path.suffix.lower() == ".fbx"
        action = as_engine_rig(self.armature, action, engine, axes, hips, travel, self.notes)
        save_scene(path, self.armature, action, notes=self.notes, preset=engine)


def _our_character(height, notes):
    from graphics_ml.blender.characters import ADULT_HEIGHTS, Character, build_character

    empty_scene()
    if height is None:
        return build_character()
    low, high = ADULT_HEIGHTS
    made = min(max(height, low), high)
    if made != height:
        notes.append(f"our own character is {made:g} m tall: it is made from {low:g} to {high:g} m")
    return build_character(Character(height=made))
