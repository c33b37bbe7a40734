# SPDX-License-Identifier: GPL-3.0-or-later
"""An armature that motion is put on: in the scene that an animator works in, or in that of a rig's file.

A motion becomes a new action on the bones that an animator would key. In an open scene nothing else changes: the new
action goes on doing to all other bones and properties what the current one does, which stays as it was; rate, range and
frame of the scene are its own unless they are asked to follow the motion. Where the current action is itself a result,
what that has keyed does not go on, only what the animator has.
"""

import json
import math
from collections.abc import Generator
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import bpy
import numpy as np

from graphics_ml.blender.actions import (
    KEYED,
    OBJECT_PATHS,
    PROVENANCE,
    channel_paths,
    keyed_by_result,
    release,
    thin,
    write_channels,
    write_constants,
    write_object_keys,
)
from graphics_ml.blender.animation_data import (
    bone_path,
    current_action,
    curves_of,
    no_new_actions_on_error,
    paths_of,
    put_back,
    refresh,
    transform_paths,
)
from graphics_ml.blender.armature import deform_flags, object_transform, out_of_edit_mode
from graphics_ml.blender.rigify import drive_skeleton, fk_switches_kept, solving_keys
from graphics_ml.blender.rigs import sole_points
from graphics_ml.blender.scene import frame_rate, ours_from_blender, set_frame_rate, to_its_end
from graphics_ml.errors import ArmatureError
from graphics_ml.motion.bone_map import BoneMap, UnrecognisedBodyError, facing, heading_left, recognize
from graphics_ml.motion.keys import ReducedKeys, reduce_keys
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.resample import resample, sampled_vectors
from graphics_ml.motion.rotations import conjugate, multiply, normalize, rotate, swing_twist
from graphics_ml.motion.travel import moved, travelling_joint

_UP = np.array([0.0, 1, 0])
_AT_THE_FEET = 0.1  # parts of the body's height by which its lowest bone may be off the object's origin
_NO_TURN = 1e-5  # radians: what single precision leaves of none
_LEAST_ERROR = 1e-4  # metres; what keys of a motion that hardly moves may be off


@dataclass(frozen=True)
class Placement:
    """How a motion goes into a scene.

    Args:
        start_frame: scene frame of its first.
        rate: "scene": the motion is brought to the scene's frame rate; "motion": the scene takes the motion's.
        set_range: whether the scene's range becomes the motion's.
        keep_rest: whether the new action does to all other bones and properties, and to the sizes of its own bones,
            what the current one does, but for what that has keyed as an earlier result.
        track: name of the NLA track that plays the action as a strip, while the current action stays; the action
            becomes the current one when None.
        stand: "world": the motion plays in the world as it was recorded; "rig": it begins where the rig stands, as
            ArmatureTarget.from_stand says.
    """

    start_frame: int = 1
    rate: Literal["scene", "motion"] = "scene"
    set_range: bool = False
    keep_rest: bool = True
    track: str | None = None
    stand: Literal["world", "rig"] = "world"


class ArmatureTarget:
    """An armature object.

    Args:
        armature: the object.

    Attributes:
        armature: the object.
        skeleton: what motion is to be put on; world metres.
        notes: what the user should know so far, a sentence each.

    Raises:
        ArmatureError: it cannot be animated.
    """

    def __init__(self, armature: bpy.types.Object):
        _ensure_editable(armature)
        bpy.context.view_layer.update()  # what a script has just moved is not where it says before
        self.armature = armature
        try:
            with out_of_edit_mode(armature):
                self.skeleton, how_driven = drive_skeleton(armature)
        except ValueError as error:
            raise ArmatureError(str(error)) from error
        self.notes = [how_driven] if how_driven else []

    def recognised(self) -> BoneMap:
        """The roles of the armature's bones; those that deform meshes come first."""
        return recognize(self.skeleton, deform_flags(self.armature, self.skeleton))

    def soles(self, bones: BoneMap) -> dict[str, np.ndarray]:
        """What of the feet must not dip into the floor, for retarget."""
        return sole_points(self.armature, self.skeleton, bones)

    def stand(self, roles: BoneMap | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Where the armature stands now: the turn about the vertical (4,) and the shift (3,), metres in our axes, that
        bring what stands at the world's origin and faces +Z there.

        The place is that of the object; its height counts only where its origin is at the feet, as with most rigs. The
        heading is the object's too, and by whole quarter turns that of the character in its rest pose: some files hold
        a character that faces another way, and an object that is turned back. A rig that stands as motion is recorded
        gets no turn and no shift at all.

        Args:
            roles: of the armature's bones; those that are recognised when None.
        """
        rotation, _, place = object_transform(self.armature)
        shift, heights = ours_from_blender(place), self.skeleton.rest_positions()[:, 1]
        if abs(heights.min() - shift[1]) > _AT_THE_FEET * np.ptp(heights):
            shift = shift * [1.0, 0, 1]
        turn = swing_twist(np.concatenate((rotation[:1], ours_from_blender(rotation[1:]))), _UP)[1]
        heading = 2 * math.atan2(turn[2], turn[0])
        try:
            to_front = facing(self.skeleton, self.recognised() if roles is None else roles)
        except UnrecognisedBodyError:
            pass
        else:
            quarter = math.pi / 2
            heading += quarter * round((-2 * math.atan2(to_front[2], to_front[0]) - heading) / quarter)
        heading = math.remainder(heading, 2 * math.pi)
        if abs(heading) < _NO_TURN:
            heading = 0.0
        return _about_vertical(heading), shift

    def from_stand(self, motion: Motion, path=None, roles: BoneMap | None = None) -> tuple[np.ndarray, np.ndarray]:
        """The turn about the vertical (4,) and the shift (3,), metres in our axes, that let a motion begin where the
        armature stands now.

        In the first frame the hips come to be over the place of `stand`, and the body comes to face as it says. Where
        the limbs do not tell where the body faces there is no turn. Heights change as with `stand`.

        Args:
            motion: of `skeleton`.
            path: of the armature object, as for playing.
            roles: of the armature's bones; those that are recognised when None.
        """
        roles = self.recognised() if roles is None else roles
        turn, place = self.stand(roles)
        joints, places = roles.joints(motion.skeleton), motion.frames(0, 1).positions()[0]
        if path is not None:
            places = rotate(path[1][0], places) + path[0][0]
        try:
            left = heading_left(places, joints)
        except UnrecognisedBodyError:
            turn = _about_vertical(0.0)
        else:
            turn = multiply(turn, conjugate(_about_vertical(math.atan2(-left[2], left[0]))))
        start = places[joints.get("hips", travelling_joint(motion))] * [1.0, 0, 1]
        return turn, place - rotate(turn, start)

    def play(self, motion: Motion, name: str, *options, **more) -> bpy.types.Action:
        """As playing, in one go."""
        return to_its_end(self.playing(motion, name, *options, **more))

    def playing(
        self,
        motion: Motion,
        name: str,
        bones=(),
        path=None,
        placement: Placement = Placement(),
        keys: ReducedKeys | None = None,
        rewritten: bool = False,
        roles: BoneMap | None = None,
    ) -> Generator[tuple[str, int, int], None, bpy.types.Action]:
        """Key a motion as a new action. Where that fails, all is as it was.

        The action's custom property KEYED lists, as JSON, the data paths that it has keys for and has not taken over.

        Args:
            motion: of `skeleton`. Its provenance is stored on the action as JSON, in the custom property "graphics_ml";
                its confidence becomes curves and marks on keys, as write_channels says.
            name: of the action.
            bones: names of the joints to key even where they rest.
            path: places (F, 3) and turns (F, 4) by which the armature object moves from where it is; None for none.
            placement: when and how in the scene.
            keys: leave only these keys, of which the motion was made, where it has the scene's frame rate. Controls get
                keys of their own, which may add as much to the error as these have.
            rewritten: whether the motion is what the current action does, changed: then the sizes of its bones are in
                it already, and what the animator has keyed still counts as his.
            roles: of the armature's bones, which tell where the motion begins; those that are recognised when None.

        Yields:
            (stage, frames done, frames in all) while controls are solved, which takes long; closed then, it leaves all
            as it was.

        Raises:
            ArmatureError: no joint of the motion is a bone of the armature that can be keyed.
        """
        obj, scene, former = self.armature, bpy.context.scene, current_action(self.armature)
        _ensure_editable(obj)
        if placement.stand == "rig":
            motion, path = carried(motion, path, *self.from_stand(motion, path, roles))
        made_by, rate = motion.provenance, motion.fps
        if placement.rate == "scene":
            keys = keys if rate == frame_rate(scene) else None
            motion, path = self._at_rate(motion, path, frame_rate(scene))
        start, strip = placement.start_frame, placement.track is not None
        keep_rest = placement.keep_rest and not strip
        try:
            with out_of_edit_mode(obj), fk_switches_kept(obj, always=strip), put_back(obj, always=strip):
                if not keep_rest and not strip:
                    release(obj)
                solved = yield from solving_keys(obj, motion, bones, self.notes, start if keep_rest else None)
                # Not around the solving: the animator may make actions meanwhile.
                theirs = _paths_of_the_animator(obj)
                with no_new_actions_on_error():
                    action = write_channels(
                        obj,
                        solved.channels,
                        name,
                        start,
                        keep_rest=keep_rest,
                        keep_sizes=not rewritten,
                        confidence=_confidence(motion, solved.joints),
                    )
                    neutral = _neutral(obj, solved.channels, paths_of(action))
                    write_constants(obj, action, neutral, start)
                    write_constants(obj, action, solved.switches, start)
                    if path is not None:
                        write_object_keys(obj, action, *path, start)
                    if keys is not None:
                        if solved.controls is not None:
                            # What follows controls is stretched and bent by them: it may be off by more than they are.
                            keys = reduce_keys(solved.controls, max(keys.error / 2, _LEAST_ERROR))
                        thin(action, keys, start, solved.channels)
        except ValueError as error:
            raise ArmatureError(str(error)) from error
        action[PROVENANCE] = json.dumps(made_by, default=str)
        ours = channel_paths(solved.channels) | (OBJECT_PATHS if path is not None else set())
        ours |= {bone_path(bone) + rest for said in (neutral, solved.switches) for bone in said for rest in said[bone]}
        action[KEYED] = json.dumps(sorted((ours & paths_of(action)) - (theirs if rewritten else set())))
        if strip:
            add_strip(obj, action, placement.track)
        else:
            refresh(obj)
        if former is not None and former.library is None and not former.users:
            former.use_fake_user = True
        if placement.rate == "motion" and frame_rate(scene) != rate:
            set_frame_rate(scene, rate)
        if placement.set_range:
            scene.frame_start, scene.frame_end = start, start + len(motion) - 1
        self.notes += _warnings(obj, solved.channels, strip)
        return action

    def _at_rate(self, motion, path, fps):
        if motion.fps == fps:
            return motion, path
        old, new = (f"{float(rate):.6g}" for rate in (motion.fps, fps))
        self.notes.append(f"the motion was brought from {old} to {new} frames per second, the scene's rate")
        if path is not None:
            places, turns = (sampled_vectors(values, motion.fps, Fraction(fps)) for values in path)
            path = places, normalize(turns)
        return resample(motion, fps), path


def carried(motion: Motion, path, turn: np.ndarray, shift: np.ndarray):
    """A motion, and the path of its object or None, turned about the vertical and shifted in the world."""
    if turn[0] == 1 and not shift.any():
        return motion, path
    if path is None:
        return moved(motion, turn, shift), None
    places, turns = path
    return motion, (rotate(turn, places) + shift, multiply(turn, turns))


def add_strip(obj: bpy.types.Object, action: bpy.types.Action, track: str) -> bpy.types.NlaStrip:
    """Put an action on an NLA track of the object where its keys stand; on a new track where there is none of this name
    or it has no room there."""
    tracks = obj.animation_data_create().nla_tracks
    first, last = action.frame_range
    chosen = tracks.get(track)
    if chosen is None or any(strip.frame_start < last and strip.frame_end > first for strip in chosen.strips):
        chosen = tracks.new()
        chosen.name = track
    strip = chosen.strips.new(action.name, round(first), action)
    if hasattr(strip, "action_slot") and strip.action_slot is None:
        strip.action_slot = action.slots[0]
    return strip


def _about_vertical(angle):
    return np.array([math.cos(angle / 2), 0.0, math.sin(angle / 2), 0.0])


def _ensure_editable(obj):
    if obj.type != "ARMATURE":
        raise ArmatureError(f"'{obj.name}' is no armature; choose one")
    if not obj.data.bones and obj.mode != "EDIT":
        raise ArmatureError(f"the armature '{obj.name}' has no bones; choose another")
    if obj.library is not None:
        raise ArmatureError(
            f"'{obj.name}' is linked from another file and cannot be animated here; make a library override of it "
            f"first (Object > Library Override > Make)"
        )
    if obj.override_library is not None and obj.override_library.is_system_override:
        raise ArmatureError(
            f"the library override of '{obj.name}' is not editable; make it so first, in the Outliner "
            f"(Library Override > Make > Selected)"
        )
    if obj.animation_data is not None and obj.animation_data.use_tweak_mode:
        raise ArmatureError(
            f"an NLA strip of '{obj.name}' is being tweaked; leave that first, with Tab in the NLA editor"
        )


def _confidence(motion, joints):
    """(F,) by the name of a bone that follows a joint."""
    if motion.confidence is None:
        return None
    return {bone: motion.confidence[:, motion.skeleton.index(joint)] for bone, joint in joints.items()}


def _paths_of_the_animator(obj):
    """The data paths that the animator has keyed in what the object plays."""
    action = current_action(obj)
    if action is None:
        return set()
    return paths_of(action, getattr(obj.animation_data, "action_slot", None)) - keyed_by_result(action)


def _neutral(obj, channels, keyed):
    """Values at rest of what NLA strips would else add to the keyed bones: places and sizes that have no keys, of which
    `keyed` are the data paths."""
    moved = set()
    for track in obj.animation_data.nla_tracks:
        for strip in track.strips if not track.mute else ():
            if strip.action is not None:
                slot = getattr(strip, "action_slot", None)
                moved |= {curve.data_path for curve in curves_of(strip.action, slot)}
    neutral = {
        bone: {".scale": (1.0, 1.0, 1.0)} | ({".location": (0.0, 0.0, 0.0)} if keys.location is None else {})
        for bone, keys in channels.items()
    }
    return {
        bone: {rest: value for rest, value in values.items() if bone_path(bone) + rest in moved - keyed}
        for bone, values in neutral.items()
    }


def _has_locks(bone, keys):
    return any(bone.lock_rotation) or (keys.location is not None and any(bone.lock_location))


def _warnings(obj, channels, strip):
    """What keeps the motion from being seen as it is, or the user from changing it, a sentence each."""
    notes, animation = [], obj.animation_data
    if obj.data.pose_position == "REST":
        notes.append(f"'{obj.name}' is set to show its rest position; choose Pose Position in its data properties")
    driven = {driver.data_path for driver in animation.drivers}
    bones = [bone for bone in channels if not transform_paths([bone]).isdisjoint(driven)]
    if bones:
        notes.append(f"drivers move {_listed(bones)}: the keys there have no effect")
    locked = [bone for bone, keys in channels.items() if _has_locks(obj.pose.bones[bone], keys)]
    if locked:
        notes.append(f"keys were also put on locked channels: of {_listed(locked)}")
    if strip and animation.action is not None:
        notes.append(f"the current action, '{animation.action.name}', plays over the strips of '{obj.name}'")
    if len(animation.nla_tracks) and animation.use_nla:
        if animation.action_blend_type != "REPLACE" or animation.action_influence < 1:
            notes.append(f"the current action of '{obj.name}' is mixed with its NLA strips, as its settings there say")
        if any(track.is_solo for track in animation.nla_tracks):
            notes.append(
                f"an NLA track of '{obj.name}' plays solo: the new action is not seen until that is switched off"
            )
    return notes


def _listed(names, most=5):
    shown = ", ".join(f"'{name}'" for name in names[:most])
    return shown + (f" and {len(names) - most} more bones" if len(names) > most else "")
