# SPDX-License-Identifier: GPL-3.0-or-later
"""Rigs whose deform bones follow controls: Rigify's, and plain ones with constraints.

Where deform bones move freely, a motion is keyed on them and nothing here is needed. Where they are constrained, the
bones that an animator keys are found: Rigify's FK controls by their names, others by following what a bone copies. How
each control turns its deform bone, and what turns the control, is not assumed but probed: a few random poses are
evaluated by Blender. Then the controls' rotations are solved down the tree, evaluated, and what error is left (bones
that follow two controls by halves) is taken off again.
"""

import contextlib
from collections.abc import Generator
from dataclasses import dataclass

import bpy
import numpy as np

from graphics_ml.blender.actions import (
    moved_bones,
    write_channels,
    write_constants,
)
from graphics_ml.blender.animation_data import put_back
from graphics_ml.blender.armature import (
    BoneChannels,
    carried,
    evaluated_transforms,
    motion_from_action,
    motion_of_transforms,
    moved_joints,
    object_transform,
    pose_channels,
    skeleton_from_armature,
    skeleton_of_transforms,
)
from graphics_ml.blender.scene import blender_from_ours, blender_from_ours_rotation, ours_from_blender, to_its_end
from graphics_ml.motion.kinematics import local_rotations
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.rotations import (
    angle_between,
    conjugate,
    multiply,
    quaternion_from_axis_angle,
    rotate,
    rotation_between,
    unroll,
)
from graphics_ml.motion.skeleton import EndSite, Skeleton

_FOLLOWERS = ("DEF-", "ORG-")
_MECHANISM = ("DEF-", "ORG-", "MCH-", "VIS-")
_SWITCH = "IK_FK"  # Rigify's custom property: 0 for IK, 1 for FK
_COPYING = ("COPY_TRANSFORMS", "COPY_ROTATION")
_FREEING = ("IK", "SPLINE_IK", "DAMPED_TRACK", "TRACK_TO", "LOCKED_TRACK", "STRETCH_TO", "LIMIT_ROTATION")
_PROBE_POSES = 8
_RIGID = 2e-3
_GOOD_ENOUGH = np.radians(0.05)
_RADIANS_PER_METRE = 1.0  # a millimetre off at the hips weighs as much as 0.06°
_MOST_PASSES = 8
_AT_A_TIME = 25  # frames; some 0.15 s on a Rigify rig, most of which goes by for a single frame too


def drive_skeleton(obj: bpy.types.Object) -> tuple[Skeleton, str]:
    """The skeleton to retarget to, and a sentence on how the rig will be keyed (empty where nothing is special).

    Its joints are all bones where deform bones move freely; on a Rigify rig one joint for each FK control, under the
    name of the deform bone that follows it.
    """
    controls = driven_bones(obj)
    if not controls:
        return skeleton_from_armature(obj), ""
    switches = _switches(obj)
    note = f"The deform bones of '{obj.name}' follow controls; {len(set(controls.values()))} FK controls can be keyed"
    note += f", and {len(switches)} limbs are switched from IK to FK." if switches else "."
    return _driven_skeleton(obj, controls), note


def driven_bones(obj: bpy.types.Object) -> dict[str, str]:
    """For each deform bone that follows a control the control that turns it; empty where all move freely.

    Rigify: ORG-/DEF- bones and their FK controls by name; then by what they copy. In other rigs a deform bone that
    copies another bone is traced to a bone without constraints; all other deform bones are their own controls.
    """
    names = set(obj.data.bones.keys())
    if _is_rigify(obj, names):
        return _rigify_controls(obj, names)
    traced = {}
    for bone in obj.data.bones:
        if bone.use_deform and (source := _copied(obj, bone.name)) is not None:
            traced[bone.name] = source
    constrained = traced or any(
        _active(c) and c.type in _FREEING for b in obj.pose.bones if b.bone.use_deform for c in b.constraints
    )
    if not constrained:
        return {}
    taken, controls = set(traced.values()), {}
    for bone in obj.data.bones:
        if bone.name in traced:
            controls[bone.name] = traced[bone.name]
        elif bone.use_deform and bone.name not in taken:
            controls[bone.name] = bone.name
    return controls


def driven_parents(obj: bpy.types.Object, every: bool = False) -> dict[str, str]:
    """For each deform bone that hangs on a bone that does not deform the deform bone it would hang on without: the
    one named like the nearest bone above. Only bones whose place is a constraint's, or that lie on their parent's,
    unless every such bone is asked for."""
    stems = {_stem(bone.name): bone.name for bone in obj.data.bones if bone.use_deform}
    found = {}
    for bone in obj.data.bones:
        if not bone.use_deform or bone.parent is None or bone.parent.use_deform:
            continue
        copied = any(_active(c) and c.type == "COPY_TRANSFORMS" for c in obj.pose.bones[bone.name].constraints)
        carried = not obj.pose.bones[bone.name].constraints and _same_rest(bone, bone.parent)
        above = (stems.get(_stem(parent.name)) for parent in bone.parent_recursive)
        name = next((name for name in above if name not in (None, bone.name)), None)
        if name is not None and (every or copied or carried):
            found[bone.name] = name
    return found


def _same_rest(bone, other):
    return np.allclose(bone.matrix_local, other.matrix_local, atol=1e-5 * max(bone.length, 1e-6))


def followers_skeleton(obj: bpy.types.Object) -> Skeleton | None:
    """The rest pose of the deform bones alone, hung on each other as what they follow is; None where none follows
    another bone. What they do holds whichever controls are keyed, IK or FK, and is all that other programs need."""
    if not controls_apart(obj):
        return None
    bones = [bone for bone in obj.data.bones if bone.use_deform]
    deform, above = {bone.name for bone in bones}, driven_parents(obj, every=True)
    for bone in bones:
        if bone.name not in above:
            above[bone.name] = next((one.name for one in bone.parent_recursive if one.name in deform), None)
    apart = skeleton_from_armature(obj, deform)
    names = _parents_first([bone.name for bone in bones], above)
    if list(above.values()).count(None) > 1:
        top = apart.names[0]  # the object, on which they all hang
        names, above = [top, *names], {name: parent or top for name, parent in above.items()} | {top: None}
    parents = tuple(-1 if above[name] is None else names.index(above[name]) for name in names)
    turns, places = apart.rest_transforms()
    rows = [apart.index(name) for name in names]
    scale = float(np.mean(np.array(obj.matrix_world.to_scale())))
    lengths = {joint: scale * obj.data.bones[name].length for joint, name in enumerate(names) if name in deform}
    return skeleton_of_transforms(tuple(names), parents, turns[rows], places[rows], lengths)


def followers_motion(obj: bpy.types.Object, action=None) -> Motion | None:
    """What an action makes the deform bones do, on followers_skeleton; None where that is None.

    Raises:
        ValueError: as motion_from_action.
    """
    skeleton = followers_skeleton(obj)
    if skeleton is None:
        return None
    motion = motion_from_action(obj, action, bones={name for name in skeleton.names if name in obj.data.bones})
    rows = [motion.skeleton.index(name) for name in skeleton.names]
    turns, places = motion.transforms()
    moved = motion_of_transforms(skeleton, turns[:, rows], places[:, rows], motion.fps)
    return moved.replace(provenance=motion.provenance)


def controls_apart(obj: bpy.types.Object) -> bool:
    """Whether deform bones follow others: then only they, and what they hang from, are of use outside Blender."""
    return any(bone.constraints and obj.data.bones[bone.name].use_deform for bone in obj.pose.bones)


def switch_to_fk(obj: bpy.types.Object) -> list[str]:
    """Let FK controls, and not IK, move the limbs: Rigify's IK_FK switches to 1, constraints on keyed bones muted.

    Returns:
        What was changed: names of the bones that carry the switch or the constraint.
    """
    changed = switch_limbs_to_fk(obj)
    for bone, control in driven_bones(obj).items():
        if bone == control:
            for constraint in obj.pose.bones[bone].constraints:
                if _active(constraint) and constraint.type in _FREEING:
                    constraint.mute = True
                    changed.append(bone)
    obj.update_tag()
    bpy.context.view_layer.update()
    return changed


def switch_limbs_to_fk(obj: bpy.types.Object) -> list[str]:
    """Rigify's IK_FK switches to 1; gives the names of the bones whose switches were changed."""
    changed = [bone for bone in _switches(obj) if obj.pose.bones[bone][_SWITCH] != 1.0]
    for bone in changed:
        obj.pose.bones[bone][_SWITCH] = 1.0
    return changed


@contextlib.contextmanager
def fk_switches_kept(obj: bpy.types.Object, always: bool = False):
    """Where the block ends with an error, what switch_to_fk changes is as it was before; Rigify's switches, which the
    action has keys for, always if that is asked for."""
    state = fk_state(obj)
    try:
        yield
    except BaseException:
        put_fk_state_back(obj, state)
        raise
    if always:
        put_fk_state_back(obj, state | {"constraints": []})


def fk_state(obj: bpy.types.Object) -> dict:
    """What switch_to_fk changes, as plain values: Rigify's switches by bone, and the constraints that are not muted."""
    return {
        "switches": {bone: obj.pose.bones[bone][_SWITCH] for bone in _switches(obj)},
        "constraints": [[bone.name, c.name] for bone in obj.pose.bones for c in bone.constraints if not c.mute],
    }


def put_fk_state_back(obj: bpy.types.Object, state: dict) -> None:
    """Undo switch_to_fk; what was removed from the rig since is passed over."""
    for name, value in state["switches"].items():
        if name in obj.pose.bones:
            obj.pose.bones[name][_SWITCH] = value
    for name, constraint in state["constraints"]:
        if name in obj.pose.bones and constraint in obj.pose.bones[name].constraints:
            obj.pose.bones[name].constraints[constraint].mute = False


@dataclass(frozen=True)
class SolvedKeys:
    """What to key for a motion.

    Args:
        channels: by the name of the bone that is keyed.
        joints: the joint of the motion that each of these bones follows.
        switches: values of properties that let these bones lead the rig, as write_constants takes them.
        controls: what the keyed bones do, as a motion of joints of their names, where they are not the joints
            themselves; else None.
    """

    channels: dict[str, BoneChannels]
    joints: dict[str, str]
    switches: dict[str, dict[str, tuple]]
    controls: Motion | None = None


def solving_keys(
    obj: bpy.types.Object, motion: Motion, bones, notes: list[str], start_frame: int | None = None
) -> Generator[tuple[str, int, int], None, SolvedKeys]:
    """The keys of the bones that an animator would key so that the armature follows a motion.

    Args:
        obj: armature object; what it plays and how its bones stand is as before afterwards, but limbs of a Rigify rig
            are switched from IK to FK, and constraints that would move keyed bones are muted.
        motion: on the skeleton that drive_skeleton gives.
        bones: names of the joints to key beside those that the motion moves, such as mapped ones that happen to rest;
            bones that are not keyed keep their pose.
        notes: a list that gets a sentence for each thing the user should know.
        start_frame: scene frame of the motion's first: other bones move by the object's current action from there on.
            None where they stand still.

    Yields:
        (stage, frames done, frames in all) while controls are solved.

    Raises:
        ValueError: no joint of the motion belongs to the armature.
    """
    controls = driven_bones(obj)
    bones = moved_joints(motion).union(bones or ())
    if not controls:
        return _solved_freely(obj, motion, bones, notes, start_frame)
    wanted = [joint for joint in motion.skeleton.names if joint in controls and joint in bones]
    if not wanted:
        raise ValueError(f"no joint of the motion is driven by a control of the armature '{obj.name}'")
    switched = switch_to_fk(obj)
    solver = ControlSolver(obj, motion.skeleton, {joint: controls[joint] for joint in wanted}, start_frame)
    channels, error = yield from solver.solving(motion)
    said = f"{len(channels)} controls of '{obj.name}' are keyed; its deform bones follow the motion within "
    said += f"{np.degrees(error):.2f}° in direction"
    said += f"; IK was switched off for {', '.join(switched)}." if switched else "."
    notes.append(said)
    joints = dict(zip(solver.controls, solver.joints, strict=True))
    return SolvedKeys(channels, joints, solver.switches, solver.controls_motion(channels, motion.fps))


def _solved_freely(obj, motion, bones, notes, start_frame):
    motion, carriers = carried(motion, obj)
    keyed = (bones & set(motion.skeleton.names)) | set(carriers.values())
    moved = {}
    if start_frame is not None:
        others = {
            above.name for name in keyed & set(obj.data.bones.keys()) for above in obj.data.bones[name].parent_recursive
        }
        moved = moved_bones(obj, others - keyed, start_frame + np.arange(len(motion)))
    channels = pose_channels(motion, obj, keyed, moved)
    for name, carrier in carriers.items():
        notes.append(f"the bone '{name}' is connected to its parent and cannot move; '{carrier}' carries it")
    return SolvedKeys(channels, {bone: bone for bone in channels}, {})


class ControlSolver:
    """Rotations of controls that make the bones which follow them stand as a motion says.

    Making one probes the rig; any number of motions can be solved then.

    Args:
        obj: armature object.
        skeleton: of the motions, as drive_skeleton gives.
        controls: joint's name to the control that turns it, of those that are to be keyed.
        start_frame: as for solving_keys.
    """

    def __init__(
        self, obj: bpy.types.Object, skeleton: Skeleton, controls: dict[str, str], start_frame: int | None = None
    ):
        self.obj, self.start_frame = obj, start_frame
        self.switches = {bone: {f'["{_SWITCH}"]': (1.0,)} for bone in _switches(obj)}
        self.joints = list(controls)
        self.bones = [turned_bone(obj, joint, controls[joint]) for joint in self.joints]
        self.controls = [controls[joint] for joint in self.joints]
        self.root = body_carrier(skeleton, self.joints)
        # A control that carries the whole body turns with the hips and alone is moved.
        carrier = None if self.root is None else _carrier(obj, self.controls, self.controls[self.root])
        if carrier is not None:
            self.joints.append(self.joints[self.root])
            self.bones.append(self.bones[self.root])
            self.controls.append(carrier)
            self.root = len(self.controls) - 1
        self.index = [skeleton.index(joint) for joint in self.joints]
        self.basis = np.tile([1.0, 0, 0, 0], (1, len(self.controls), 1))
        self.location = np.zeros((1, 3))
        self._probe()

    def solve(self, motion: Motion, passes: int = _MOST_PASSES) -> tuple[dict[str, BoneChannels], float]:
        """Channels of the controls, by name, and by how much in radians a bone's direction is off at the most."""
        return to_its_end(self.solving(motion, passes))

    def solving(
        self, motion: Motion, passes: int = _MOST_PASSES
    ) -> Generator[tuple[str, int, int], None, tuple[dict[str, BoneChannels], float]]:
        """As solve; yields (stage, frames done, frames in all). The armature is as it was meanwhile."""
        turns, places = motion.transforms()
        wanted, place = turns[:, self.index], places[:, self.index[self.root or 0]]
        turns, bases, followers, at = self.rest
        self.location = np.zeros((1, 3))
        # All but the controls is at rest: what stands between a control and its bone, and between controls.
        goal = multiply(wanted, multiply(conjugate(followers), turns))
        least, channels, direction = np.inf, None, np.inf
        for _ in range(passes):
            self._turn_towards(goal, turns, bases)
            parts = []
            for first in range(0, len(motion), _AT_A_TIME):
                yield "solving the controls", first, len(motion)
                parts.append(self._evaluate(rows=slice(first, first + _AT_A_TIME)))
            turns, bases, followers, at = (np.concatenate(part) for part in zip(*parts, strict=True))
            swing = rotation_between(_along(followers), _along(wanted))
            correction = np.where(self.rigid[:, None], multiply(wanted, conjugate(followers)), swing)
            step = place - at if self.root is not None else np.zeros_like(place)
            miss = max(_angle(correction).max(), np.linalg.norm(step, axis=-1).max() * _RADIANS_PER_METRE)
            if miss < least:
                least, channels, direction = miss, self._channels(), _angle(swing).max()
            if miss < _GOOD_ENOUGH:
                break
            goal = multiply(correction, turns)
            if self.root is not None:
                self._move_by(step, bases)
        return channels, direction

    def controls_motion(self, channels: dict[str, BoneChannels], fps) -> Motion:
        """What the controls do alone, as joints: each hangs on the control that turns it, under one joint that stays.

        A joint's rotation is a constant one times what its control is keyed with, and so is its place; curves through
        the keys of the one go as those of the other.
        """
        turns, bases, _, _ = (values[0] for values in self.rest)
        order = [int(control) for control in self.order]
        joint = {control: number + 1 for number, control in enumerate(order)}
        parents = [-1, *(joint.get(self.above[control], 0) for control in order)]
        skeleton = skeleton_from_armature(self.obj)
        places = skeleton.rest_positions()[[skeleton.index(self.controls[control]) for control in order]]
        no_turn = np.array([[1.0, 0, 0, 0]])
        world = np.concatenate((no_turn, turns[order]))
        spots = np.concatenate((np.zeros((1, 3)), places))
        above = world[parents[1:]]
        offsets = np.concatenate((np.zeros((1, 3)), rotate(conjugate(above), places - spots[parents[1:]])))
        to_base = multiply(conjugate(above), bases[order])
        keyed = np.stack([channels[self.controls[control]].rotation for control in order], axis=1)
        frames = len(keyed)
        rotations = np.concatenate((np.tile(no_turn, (frames, 1, 1)), multiply(to_base, keyed)), axis=1)
        local = np.tile(offsets, (frames, 1, 1))
        if self.root is not None:
            frame, scale = self._location_axes(bases[self.root])
            moved = ours_from_blender(rotate(frame, channels[self.controls[self.root]].location)) * scale
            local[:, joint[self.root]] += rotate(conjugate(world[parents[joint[self.root]]]), moved)
        names = (" ", *(self.controls[control] for control in order))  # no bone is called so
        rest = np.concatenate((no_turn, to_base))
        return Motion(Skeleton(names, parents, offsets, rest), unroll(rotations), local[:, 0], fps, local)

    def _probe(self):
        """Find what turns each control, and whether its bone turns rigidly with it, from random poses."""
        self.rest = rest_turns, rest_bases, rest_followers, _ = self._evaluate(alone=True)
        random = np.random.default_rng(0)
        self.basis = quaternion_from_axis_angle(random.normal(0, 0.35, (_PROBE_POSES, len(self.controls), 3)))
        self.location = np.zeros((_PROBE_POSES, 3))
        turns, bases, followers, _ = self._evaluate(alone=True)
        moved = multiply(turns, conjugate(rest_turns))
        self.rigid = angle_between(multiply(followers, conjugate(rest_followers)), moved).max(axis=0) < _RIGID
        carried = multiply(bases, conjugate(rest_bases))
        count = len(self.controls)
        apart = angle_between(carried[:, :, None], moved[:, None]).max(axis=0)
        still = _angle(carried).max(axis=0)
        np.fill_diagonal(apart, np.inf)
        self.above = [-1] * count
        # Surest first, and never in a circle.
        for control in np.argsort(np.minimum(apart.min(axis=1), still)):
            for other in np.argsort(apart[control]):
                if apart[control, other] >= still[control]:
                    break
                if not self._leads_to(int(other), control):
                    self.above[control] = int(other)
                    break
        depth = [self._depth(control) for control in range(count)]
        self.order = np.argsort(depth, kind="stable")

    def _leads_to(self, control, target):
        while control >= 0 and control != target:
            control = self.above[control]
        return control == target

    def _depth(self, control):
        depth = 0
        while control >= 0:
            control, depth = self.above[control], depth + 1
        return depth

    def _turn_towards(self, goal, turns, bases):
        """Set the controls' own rotations so that they stand at `goal` (F, C, 4) in the world.

        `turns` and `bases` (F or 1, C, 4) are where they and what carries them stand now; a base moves on with the
        control above it.
        """
        frames = len(goal)
        basis = np.empty((frames, len(self.controls), 4))
        for control in self.order:
            above = self.above[control]
            base = bases[:, control]
            if above >= 0:
                base = multiply(multiply(goal[:, above], conjugate(turns[:, above])), base)
            basis[:, control] = multiply(conjugate(base), goal[:, control])
        self.basis = basis
        self.location = np.broadcast_to(self.location, (frames, 3))

    def _move_by(self, step, bases):
        """Move the root control by `step` (F, 3), our world metres."""
        frame, scale = self._location_axes(bases[:, self.root])
        self.location = self.location + rotate(conjugate(frame), blender_from_ours(step)) / scale

    def _location_axes(self, base):
        """Blender's world rotation of the axes that the root control's location counts along, and metres per unit."""
        frame, scale, _ = object_transform(self.obj)
        local = self.obj.data.bones[self.controls[self.root]].use_local_location
        return blender_from_ours_rotation(base) if local else frame, scale

    def _channels(self, rows=slice(None)):
        return {
            control: BoneChannels(unroll(self.basis[rows, c]), self.location[rows] if c == self.root else None)
            for c, control in enumerate(self.controls)
        }

    def _evaluate(self, alone=False, rows=slice(None)):
        """World rotations of the controls (F, C, 4), of what carries them, and of their bones, and the root's place.

        What else moves the armature, its current action and its NLA strips, does so unless the controls are to be seen
        alone. Of the frames only `rows` are looked at.
        """
        keep = self.start_frame is not None and not alone
        channels, names = self._channels(rows), [*self.controls, *self.bones]
        first, count = (self.start_frame + (rows.start or 0) if keep else 1), len(self.basis[rows])
        action = None
        try:
            with put_back(self.obj):
                action = write_channels(self.obj, channels, "evaluation", first, keep_rest=keep)
                write_constants(self.obj, action, self.switches, first)
                self.obj.animation_data.use_nla &= keep
                rotations, places = evaluated_transforms(self.obj, range(first, first + count), names)
        finally:
            if action is not None:
                bpy.data.actions.remove(action)
        return self._seen(rotations, places, rows)

    def _seen(self, rotations, places, rows=slice(None)):
        count = len(self.controls)
        turns, followers = rotations[:, :count], rotations[:, count:]
        carrying = multiply(turns, conjugate(self.basis[rows]))
        return turns, carrying, followers, places[:, count + (self.root or 0)]


def _angle(q):
    return angle_between(q, np.array([1.0, 0, 0, 0]))


def _along(q):
    return rotate(q, np.array([0.0, 1, 0]))


def _is_rigify(obj, names):
    # In a file of another format the bones have Rigify's names, but nothing leads them any more.
    if not any(_active(c) for bone in obj.pose.bones if bone.name.startswith("DEF-") for c in bone.constraints):
        return False
    stems = [{name[4:] for name in names if name.startswith(prefix)} for prefix in _FOLLOWERS]
    return len(stems[0] & stems[1]) > 3 and any(name.startswith("MCH-") for name in names)


def _rigify_controls(obj, names):
    controls, taken = {}, set()
    head = None
    for bone in obj.data.bones:
        stem = bone.name[4:]
        if not bone.name.startswith("DEF-") or f"ORG-{stem}" not in names:
            continue
        # What hangs from the head is the face, which no body motion moves.
        if head is not None and _stems_above(bone, head):
            continue
        control = _named_control(stem, names) or _copied_control(obj, f"ORG-{stem}") or _copied_control(obj, bone.name)
        if control is None or control in taken:
            continue
        taken.add(control)
        controls[bone.name] = control
        if control == "head":
            head = stem
    return controls


def _stems_above(bone, stem):
    return any(above.name in (f"DEF-{stem}", f"ORG-{stem}") for above in bone.parent_recursive)


def _named_control(stem, names):
    head, dot, tail = stem.partition(".")
    for name in (f"{head}_fk{dot}{tail}", stem):
        if name in names:
            return name
    return None


def _copied_control(obj, name):
    """The control that a bone is led by: through what it wholly copies and the mechanism's parents to a bone without
    prefix that is no tweak."""
    for _ in range(12):
        bone = obj.pose.bones[name]
        copied = [
            c.subtarget
            for c in bone.constraints
            if c.type in _COPYING and c.target == obj and c.subtarget and c.influence > 0.9
        ]
        above = copied[0] if copied else (bone.parent.name if bone.parent else None)
        if above is None:
            return None
        if not above.startswith(_MECHANISM) and "tweak" not in above:
            return above
        name = above
    return None


def _copied(obj, name):
    """The bone without constraints at the end of what a bone copies, or None."""
    start = name
    for _ in range(12):
        copied = [
            c.subtarget
            for c in obj.pose.bones[name].constraints
            if _active(c) and c.type in _COPYING and c.target == obj and c.subtarget in obj.pose.bones
        ]
        if not copied:
            return None if name == start else name
        name = copied[-1]
    return None


def _active(constraint):
    return not constraint.mute and constraint.influence > 0


def _switches(obj):
    return [bone.name for bone in obj.pose.bones if _SWITCH in bone]


def body_carrier(skeleton: Skeleton, joints) -> int | None:
    """Which of the joints carries the body, so that its control is moved: of those at the top of the skeleton, or right
    below a top joint that is not driven, the one with most joints below it. None where there is none."""
    below = np.ones(len(skeleton))
    for joint in range(len(skeleton) - 1, 0, -1):
        below[skeleton.parents[joint]] += below[joint]
    index = [skeleton.index(name) for name in joints]
    tops = [n for n, j in enumerate(index) if skeleton.parents[j] <= 0 and (j == 0 or 0 not in index)]
    return max(tops, key=lambda n: below[index[n]], default=None)


def _carrier(obj, controls, root):
    """A free bone above the controls, other than the rig's root, that carries the whole body: Rigify's torso. Where the
    root control is connected to its parent, and so cannot move, the nearest bone above it that can."""
    if "torso" in obj.data.bones and "torso" not in controls:
        return "torso"
    if not obj.data.bones[root].use_connect:
        return None
    return next(above.name for above in obj.data.bones[root].parent_recursive if not above.use_connect)


def turned_bone(obj, joint, control):
    """Of a deform bone and its original the one that a control turns, roll included: a limb's deform bones are split
    into segments that leave the twist out."""
    original = f"ORG-{joint[4:]}"
    if joint.startswith("DEF-") and original in obj.data.bones and "spine" not in control:
        return original
    return joint


def _driven_skeleton(obj, controls):
    """Joints named after deform bones; parents by the deform bones' and originals' own tree."""
    names = [bone.name for bone in obj.data.bones if bone.name in controls]
    rest = skeleton_from_armature(obj)
    turns, places = rest.rest_transforms()
    stems = {_stem(name): name for name in names}
    above = {}
    for name in names:
        parents = (stems.get(_stem(b.name)) for b in obj.data.bones[name].parent_recursive)
        above[name] = next((p for p in parents if p is not None and p != name), None)
    roots = [name for name in names if above[name] is None]
    ordered = _parents_first(names, above)
    if len(roots) > 1:
        return skeleton_from_armature(obj, set(names))
    rows = [rest.index(name) for name in ordered]
    parents = tuple(-1 if above[name] is None else ordered.index(above[name]) for name in ordered)
    world, spots = turns[rows], places[rows]
    offsets = np.array(
        [s if p < 0 else rotate(conjugate(world[p]), s - spots[p]) for p, s in zip(parents, spots, strict=True)]
    )
    return Skeleton(tuple(ordered), parents, offsets, local_rotations(world, parents), _ends(obj, ordered, parents))


def _ends(obj, names, parents):
    scale = object_transform(obj)[1]
    leaves = [j for j in range(len(names)) if j not in parents]
    return tuple(EndSite(j, (0.0, scale * obj.data.bones[names[j]].length, 0.0)) for j in leaves)


def _stem(name):
    return name[4:] if name.startswith(_FOLLOWERS) else name


def _parents_first(names, above):
    ordered = []

    def visit(name):
        if name not in ordered:
            if above[name] is not None:
                visit(above[name])
            ordered.append(name)

    for name in names:
        visit(name)
    return ordered
