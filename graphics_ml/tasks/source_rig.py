"""A rig that plays what a job reads, kept whole: meshes, bones and controls, on which the job's result is then played.

The panel Clean Up does the same in an open scene, through the same OwnMotion, and writes the same keys.
"""

import json
from fractions import Fraction
from pathlib import Path

import bpy
import numpy as np

from graphics_ml.blender.actions import PROVENANCE, played_beside, remove_actions, retime
from graphics_ml.blender.armature_target import ArmatureTarget, Placement
from graphics_ml.blender.engine_rig import as_engine_rig
from graphics_ml.blender.export import save_scene
from graphics_ml.blender.formats import as_motion_errors, exact_rate, listed, open_playing
from graphics_ml.blender.own_motion import OwnMotion
from graphics_ml.blender.presets import Preset
from graphics_ml.blender.reading import whole_frames
from graphics_ml.blender.rigify import controls_apart
from graphics_ml.blender.scene import set_frame_rate
from graphics_ml.hints import SAY_KEEP_ACTIONS
from graphics_ml.motion.body_frames import measure_body
from graphics_ml.motion.bone_map import BoneMap, UnrecognisedBodyError, missing_roles
from graphics_ml.motion.keys import ReducedKeys
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.root_path import travel
from graphics_ml.motion.travel import travelling_joint
from graphics_ml.run import Progress


class SourceRig:
    """An armature and what belongs to it, in a scene of its own, opened from the file that a job reads.

    Args:
        path: .blend, .fbx, .glb, .gltf or USD.
        action: name of the action to read; the one that the armature plays, or else the file's first, when None.
        armature: name of the armature object; the largest with a mesh when None.
        keep_actions: whether the rig's other actions stay.
        fps: frame rate to take the file for; its own when None.
        progress: told how far reading and keying are.

    Attributes:
        motion: what the action does, on the skeleton that the armature is driven by.
        notes: what the user should know so far, a sentence each.

    Raises:
        MotionFileError: the file cannot be read, has no armature or no such action, or its rig cannot be keyed.
    """

    def __init__(
        self,
        path: Path,
        *,
        action: str | None = None,
        armature: str | None = None,
        keep_actions: bool = False,
        fps: Fraction | None = None,
        progress: Progress = lambda stage, done, total: None,
    ):
        self.path, self.keep_actions, self.notes, self._progress = path, keep_actions, [], progress
        with as_motion_errors(path):
            self.armature, self.action = open_playing(path, action, armature, self.notes, all_actions=keep_actions)
            if fps is not None:
                set_frame_rate(bpy.context.scene, fps)
            self._target = ArmatureTarget(self.armature)
            self._own = OwnMotion(self._target, self.action)
            read = self._done(self._own.reading())
            self.motion = read.replace(fps=exact_rate(self.armature) if fps is None else fps)
        self._say_what_was_beside()
        self._former = None  # what it played, once that has been replaced

    def roles(self) -> BoneMap:
        """The roles of the armature's bones."""
        return self._own.roles(self.motion)

    def play(self, motion: Motion, skipped: int = 0, keys: ReducedKeys | None = None) -> None:
        """Key what became of the motion as a new action, at its rate; the scene's range becomes its own.

        Args:
            motion: of the same skeleton; its provenance is stored on the action.
            skipped: frames at the start of what was read that are gone from it: the others stay where they were.
            keys: leave only these keys, of which the motion was made.

        Raises:
            MotionFileError: the rig cannot be keyed.
        """
        scene, was = bpy.context.scene, self.motion.fps
        factor = float(Fraction(motion.fps) / was)
        if motion.fps != was:
            # All else that the rig does must last as long as before.
            retime(list(bpy.data.actions), factor)
            set_frame_rate(scene, motion.fps)
            scene.frame_set(scene.frame_current)
            others = len(bpy.data.actions) - 1
            if self.keep_actions and others:
                rates = f"from {float(was):.6g} to {float(motion.fps):.6g} frames per second"
                self.notes.append(
                    f"the other actions ({others}) were retimed {rates}, so that they last as long as before"
                )
        start = self._own.first + round(skipped * factor)
        placement = Placement(start_frame=start, rate="motion", set_range=True)
        with as_motion_errors(self.path):
            made = self._done(self._own.playing(motion, placement, keys))
        scene.frame_set(start)
        self.notes += self._target.notes
        self.motion, self.action, self._former = motion, made, self.action

    def keep(self, provenance: dict) -> None:
        """Let the rig play what it plays in the file as it is: nothing is keyed anew."""
        scene = bpy.context.scene
        scene.frame_start, scene.frame_end = whole_frames(self.action)
        scene.frame_set(scene.frame_start)
        self.action[PROVENANCE] = json.dumps(provenance, default=str)

    def save(self, path: Path, engine: Preset | None = None) -> None:
        """Write the rig that plays what it does now.

        Args:
            path: .blend, .fbx, .glb or USD.
            engine: the preset of the game engine that the file is for, which changes the rig for good; None for none.

        Raises:
            OutputError: the file cannot be written whole.
        """
        extension = path.suffix.lower()
        if not self.keep_actions:
            self._leave_out_actions(beside=extension == ".blend", takes=extension == ".fbx")
        if engine is not None:
            self._save_for(engine, path)
            return
        led = sum(len(bone.constraints) for bone in self.armature.pose.bones)
        led += 0 if self.armature.animation_data is None else len(self.armature.animation_data.drivers)
        if extension != ".blend" and led:
            left = " and bones that deform no mesh" if controls_apart(self.armature) else ""
            self.notes.append(
                f"left out are the rig's constraints and drivers ({led}){left}, which {extension} files do not hold: "
                f"what they do is in the keys of every frame"
            )
        kept = len(bpy.data.actions) > 1
        save_scene(path, self.armature, self.action, keep_actions=kept, notes=self.notes, fps=self.motion.fps)

    def _leave_out_actions(self, beside, takes):
        """Remove all actions but the one that is played, and, where `beside`, what is played beside the armature;
        `takes` are what FBX has for actions."""
        kept = {self.action} | (played_beside(self.armature) if beside else set())
        former = self._former if self._former not in kept else None
        names = sorted(action.name for action in set(bpy.data.actions) - kept - {former})
        if names:
            self.notes.append(f"left out are the file's other actions, {listed(names)}; {SAY_KEEP_ACTIONS} keeps them")
        name = self.action.name if former is None else former.name
        remove_actions(keep=kept)
        # Blender's FBX importer puts the armature's name before the action's, and so does its exporter.
        self.action.name = name.removeprefix(f"{self.armature.name}|") if takes else name

    def _save_for(self, engine, path):
        if self._former is not None:
            # What other channels do may begin before what was keyed, or end after it.
            self.motion = self._done(OwnMotion(self._target, self.action).reading())
        hips, way = self._travel()
        way = way if engine.root_motion else None
        axes = path.suffix.lower() == ".fbx"
        action = as_engine_rig(self.armature, self.action, engine, axes, hips, way, self.notes)
        save_scene(path, self.armature, action, notes=self.notes, preset=engine)

    def _travel(self):
        """The name of the bone that goes over the ground, and its path there; of what is no body without a heading."""
        roles, skeleton = self.roles(), self.motion.skeleton
        try:
            if not missing_roles(roles):
                return roles.roles["hips"], travel(self.motion, measure_body(skeleton, roles, self.motion))
        except UnrecognisedBodyError:
            pass
        joint = travelling_joint(self.motion)
        places = (self.motion.positions()[:, joint] - skeleton.rest_positions()[joint]) * [1.0, 0, 1]
        bone = next(name for name in skeleton.names[joint:] if name in self.armature.data.bones)
        return bone, (places, np.tile([1.0, 0, 0, 0], (len(places), 1)))

    def _say_what_was_beside(self):
        if self.path.suffix.lower() != ".blend":
            return
        with bpy.data.libraries.load(str(self.path), link=False) as (held, _):
            beside = sorted(set(held.objects) - {one.name for one in bpy.data.objects})
        if beside:
            self.notes.append(f"left out is what does not belong to '{self.armature.name}': {listed(beside)}")

    def _done(self, steps):
        """Run to its end what tells how far it is; gives its value."""
        while True:
            try:
                self._progress(*next(steps))
            except StopIteration as end:
                return end.value
