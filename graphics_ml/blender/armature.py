# SPDX-License-Identifier: GPL-3.0-or-later
"""Armature ⇄ Skeleton and pose ⇄ Motion: the border between Blender's bones and our joints.

A joint is a bone's head; its frame is the bone's own (y along the bone). The object's transform and its parents' are
part of it, so that a Skeleton is in world metres whatever the armature's scale. Blender's pose rotations are relative
to the bone's rest, ours to the parent's frame; they are converted here and nowhere else.
"""

import contextlib
from dataclasses import dataclass
from fractions import Fraction

import bpy
import numpy as np

from graphics_ml.blender.animation_data import current_action, playing
from graphics_ml.blender.scene import (
    blender_from_ours,
    blender_from_ours_rotation,
    evaluation_scene,
    frame_rate,
    ours_from_blender,
    ours_from_blender_rotation,
    unit_length,
    world_matrix,
)
from graphics_ml.motion.foot_lock import move_joint
from graphics_ml.motion.kinematics import local_rotations
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.rotations import (
    conjugate,
    multiply,
    quaternion_from_matrix,
    rotate,
    rotation_between,
    unroll,
)
from graphics_ml.motion.skeleton import EndSite, Skeleton

# Differences of place below this, in metres, are rounding of Blender's 32-bit matrices and need no keys.
PLACE_TOLERANCE = 1e-6


@dataclass(frozen=True)
class BoneChannels:
    """What a pose bone is keyed with.

    Args:
        rotation: (F, 4) relative to the bone's rest, wxyz, unrolled.
        location: (F, 3) in the bone's rest frame and the armature's own unit, or None where it need not move.
    """

    rotation: np.ndarray
    location: np.ndarray | None


def skeleton_from_armature(obj: bpy.types.Object, bones=None) -> Skeleton:
    """The armature's rest pose as a Skeleton, world metres.

    Args:
        obj: armature object.
        bones: names of the bones to keep; all when None. A kept bone's parent is its nearest kept ancestor. Where
            several have none, a joint named after the object, at its origin, is put on top.

    Raises:
        ValueError: no bones, or the object's scale is not uniform.
    """
    _, scale, _ = object_transform(obj)
    rest_rotations, rest_positions = _rest(obj)
    kept = [b.name for b in obj.data.bones if bones is None or b.name in bones]
    if not kept:
        raise ValueError(f"the armature '{obj.name}' has none of the bones asked for")
    names, parents, rows = _tree(obj, kept)
    world_rotations, world_positions = _with_object(obj, rest_rotations, rest_positions, rows)
    bones = obj.data.bones
    lengths = {joint: scale * bones[row].length for joint, row in enumerate(rows) if row < len(bones)}
    return skeleton_of_transforms(names, parents, world_rotations, world_positions, lengths)


def object_transform(obj: bpy.types.Object) -> tuple[np.ndarray, float, np.ndarray]:
    """The object's world rotation (4,), the metres of its own unit, and its place (3,) in metres, in Blender's axes.

    Raises:
        ValueError: its scale is not uniform.
    """
    rotation, scale, place = _decompose(world_matrix(obj))
    if not (scale.min() > 0 and np.ptp(scale) <= 1e-4 * scale.max()):  # false where one is not finite
        shown = ", ".join(f"{s:.4g}" for s in scale)
        raise ValueError(f"the armature '{obj.name}' has a scale of ({shown}); apply its scale in Blender")
    unit = unit_length()
    return rotation, unit * float(scale.mean()), unit * place


def deform_flags(obj: bpy.types.Object, skeleton: Skeleton) -> list[bool]:
    """For each joint of a skeleton of this armature whether its bone deforms meshes; what `recognize` asks for."""
    bones = obj.data.bones
    return [name in bones and bones[name].use_deform for name in skeleton.names]


def evaluated_transforms(obj: bpy.types.Object, frames, bones=None) -> tuple[np.ndarray, np.ndarray]:
    """Where Blender itself puts the bones: constraints, drivers and parents included.

    Args:
        obj: armature object.
        frames: F scene frames; whole or fractional.
        bones: B names; all, in the order of `obj.data.bones`, when None. A name that no bone has means the object.

    Returns:
        World rotations (F, B, 4) and head positions (F, B, 3) in our axes, metres.
    """
    matrices, objects = _evaluate(obj, frames)
    if bones is not None:
        order = {b.name: row for row, b in enumerate(obj.data.bones)}
        matrices = np.concatenate((matrices, objects[:, None]), axis=1)
        matrices = matrices[:, [order.get(name, -1) for name in bones]]
    return _ours(matrices)


def evaluated_now(obj: bpy.types.Object, bones) -> tuple[np.ndarray, np.ndarray]:
    """World rotations (1, B, 4) and heads (1, B, 3) of bones where they stand at the current frame, evaluated anew; a
    name that no bone has means the object."""
    bpy.context.view_layer.update()
    seen = obj.evaluated_get(bpy.context.evaluated_depsgraph_get())
    rows = {bone.name: row for row, bone in enumerate(obj.pose.bones)}
    matrices = np.concatenate((_matrices(seen.pose.bones, "matrix"), np.eye(4)[None]))
    matrices = matrices[[rows.get(name, -1) for name in bones]]
    return _ours((np.array(seen.matrix_world) @ matrices)[None])


def motion_from_action(obj: bpy.types.Object, action=None, start=None, end=None, bones=None) -> Motion:
    """What an action makes the armature do, by Blender's own evaluation. Nothing in the open scene changes.

    Args:
        obj: armature object.
        action: the one to read, as it is without the object's NLA strips; what the object plays now, strips included,
            when None.
        start, end: first and last frame, both read; the range of the action, or of the strips where there is none, in
            whole frames, when None.
        bones: names of the bones to keep, as in skeleton_from_armature.

    Raises:
        ValueError: there is no action, or the range is empty.
    """
    name, first, last = _range_played(obj, action)
    start = int(np.ceil(first - 1e-3)) if start is None else start
    end = int(np.floor(last + 1e-3)) if end is None else end
    if end < start:
        raise ValueError(f"the action '{name}' has no frames from {start} to {end}")
    with out_of_edit_mode(obj), playing(obj, action) if action is not None else contextlib.nullcontext():
        matrices, object_matrices = _evaluate(obj, range(start, end + 1))
    skeleton = skeleton_from_armature(obj, bones)
    order = {b.name: row for row, b in enumerate(obj.data.bones)}
    rows = [order.get(name, len(order)) for name in skeleton.names]
    frames = np.concatenate((matrices, object_matrices[:, None]), axis=1)
    world_rotations, world_positions = _ours(frames[:, rows])
    motion = motion_of_transforms(skeleton, world_rotations, world_positions, frame_rate(bpy.context.scene))
    return motion.replace(provenance={"action": name})


def _range_played(obj, action):
    """Name, first and last frame of what is to be read."""
    action = action or current_action(obj)
    if action is not None:
        return action.name, *action.frame_range
    tracks = obj.animation_data.nla_tracks if obj.animation_data is not None else ()
    strips = [strip for track in tracks if not track.mute for strip in track.strips if not strip.mute]
    if not strips:
        raise ValueError(f"the armature '{obj.name}' has no action")
    return strips[0].name, min(strip.frame_start for strip in strips), max(strip.frame_end for strip in strips)


def motion_of_transforms(skeleton: Skeleton, rotations: np.ndarray, positions: np.ndarray, fps: Fraction) -> Motion:
    """The motion in which the joints have these world rotations (F, J, 4) and positions (F, J, 3), metres."""
    places = _local_positions(rotations, positions, skeleton.parents)
    moves = np.abs(places[:, 1:] - skeleton.offsets[1:]).max(initial=0.0) > PLACE_TOLERANCE
    turns = unroll(local_rotations(rotations, skeleton.parents))
    return Motion(skeleton, turns, places[:, 0], fps, local_positions=places if moves else None)


def skeleton_of_transforms(names, parents, rotations: np.ndarray, positions: np.ndarray, lengths) -> Skeleton:
    """The skeleton whose joints rest with these world rotations (J, 4) and positions (J, 3), metres.

    Args:
        lengths: of bones along y, metres, by joint; those of leaves become end sites.
    """
    ends = tuple(EndSite(joint, (0.0, lengths[joint], 0.0)) for joint in lengths if joint not in parents)
    offsets = _local_positions(rotations, positions, parents)
    return Skeleton(names, parents, offsets, local_rotations(rotations, parents), ends)


def pose_channels(motion: Motion, obj: bpy.types.Object, bones=None, moved=None) -> dict[str, BoneChannels]:
    """What to key so that the armature's bones stand where the motion's joints of the same names do.

    Rotations are solved in the world, down the tree, against what each bone's parent will really do: a bone that is not
    keyed keeps the pose it has now, or what `moved` says. Locations are given to bones that have no keyed bone above
    them and to those that the motion's local positions move; never to bones that are connected to their parents.

    Args:
        motion: on a skeleton whose joint names are bone names; the others are left out.
        bones: names of the bones to key; all that the motion has when None.
        moved: rotations (F, 4) and locations (F, 3), relative to rest, by name of a bone that is not keyed and moves.

    Returns:
        Channels by bone name, parents first.

    Raises:
        ValueError: no joint of the motion is a bone of the armature, or the object's scale is not uniform.
    """
    skeleton = motion.skeleton
    joints = {name: j for j, name in enumerate(skeleton.names) if name in obj.data.bones}
    keyed = {name for name in joints if bones is None or name in bones}
    if not keyed:
        raise ValueError(f"no joint of the motion is a bone of the armature '{obj.name}'")
    moving = moving_joints(motion)
    rests = dict(zip(obj.data.bones.keys(), zip(*_rest(obj), strict=True), strict=True))
    # Most bones turn on their parents as their joints do; only the others need to know where all is in the world.
    plain = [
        bone.name
        for bone in (obj.data.bones[name] for name in keyed)
        if bone.parent is not None
        and bone.use_inherit_rotation
        and skeleton.parents[joints[bone.name]] == joints.get(bone.parent.name)
        and bone.parent.name in keyed
        and joints[bone.name] not in moving
    ]
    channels = _channels_on_parents(motion, obj, plain, rests)
    others = set(keyed) - channels.keys()
    channels |= _channels_in_world(motion, obj, keyed, others, rests, moved or {})
    return {bone.name: channels[bone.name] for bone in obj.data.bones if bone.name in channels}


def _channels_on_parents(motion, obj, names, rests):
    """Channels of bones whose joints hang on those of their parents, which are keyed too, and do not move on them."""
    if not names:
        return {}
    turns = np.stack([rests[name][0] for name in names])
    parents = np.stack([rests[obj.data.bones[name].parent.name][0] for name in names])
    joints = [motion.skeleton.index(name) for name in names]
    rotations = unroll(multiply(multiply(conjugate(turns), parents), motion.rotations[:, joints]))
    return {name: BoneChannels(rotations[:, row], None) for row, name in enumerate(names)}


def _channels_in_world(motion, obj, keyed, names, rests, moved):
    """Channels of the bones `names`, some of those that are keyed, found in the world."""
    joints = {name: j for j, name in enumerate(motion.skeleton.names)}
    above = _bones_above(obj, names)
    if all(joints.get(bone.name, 0) == 0 for bone in above):
        world_rotations, world_positions = motion.rotations[:, :1], motion.root_positions[:, None]
    else:
        world_rotations, world_positions = motion.transforms()
    object_rotation, scale, object_place = object_transform(obj)
    # From here on in the armature's own space and unit.
    turns = multiply(conjugate(object_rotation), blender_from_ours_rotation(world_rotations))
    places = rotate(conjugate(object_rotation), blender_from_ours(world_positions) - object_place) / scale
    moving, tolerance = moving_joints(motion), PLACE_TOLERANCE / scale

    channels, poses = {}, {}
    for bone in above:
        base_turn, base_place, along = _rest_on_parent(bone, poses, rests)
        if bone.name not in keyed:
            basis = obj.pose.bones[bone.name].matrix_basis
            own_turn, own_place = moved.get(bone.name) or (basis.to_quaternion(), basis.translation)
            place = base_place + rotate(along, np.array(own_place))
            poses[bone.name] = multiply(base_turn, np.array(own_turn)), place
            continue
        joint = joints[bone.name]
        turn, place, location = turns[:, joint], np.broadcast_to(base_place, (len(motion), 3)), None
        if bone.name in names:
            topmost = not any(one.name in keyed for one in bone.parent_recursive)
            wanted = places[:, joint]
            if (topmost or joint in moving) and np.abs(wanted - place).max() > tolerance and not bone.use_connect:
                location = rotate(conjugate(along), wanted - place)
                place = wanted
            channels[bone.name] = BoneChannels(unroll(multiply(conjugate(base_turn), turn)), location)
        poses[bone.name] = turn, place
    return channels


def carried(motion: Motion, obj: bpy.types.Object) -> tuple[Motion, dict[str, str]]:
    """The motion with joints whose bones are connected to their parents, and so cannot move, moved by the nearest bone
    above that is not; and that bone by the name of what it carries.

    What else hangs on the carrying bone moves with it.
    """
    skeleton, found = motion.skeleton, {}
    bones = obj.data.bones
    for joint in sorted(moving_joints(motion)):
        name = skeleton.names[joint]
        if name not in bones or not bones[name].use_connect:
            continue
        carrier = next(above for above in bones[name].parent_recursive if not above.use_connect)
        if carrier.name not in skeleton.names:
            continue
        local = np.array(motion.local_positions)
        local[:, joint] = skeleton.offsets[joint]
        held = motion.replace(local_positions=local)
        shift = motion.positions()[:, joint] - held.positions()[:, joint]
        motion = move_joint(held, skeleton.index(carrier.name), shift)
        found[name] = carrier.name
    return motion, found


def free_to_move(obj: bpy.types.Object, motion: Motion, bones=None) -> list[str]:
    """Disconnect from their parents the bones that the motion moves, because Blender ignores a connected bone's
    location; nothing is seen of it. Gives their names."""
    moving = {motion.skeleton.names[j] for j in moving_joints(motion)}
    return disconnect(obj, moving if bones is None else moving & set(bones))


def disconnect(obj: bpy.types.Object, bones=None) -> list[str]:
    """Disconnect bones, all when None, from their parents; they stay parented and in place. Gives the names of those
    that were connected."""
    names = [b.name for b in obj.data.bones if b.use_connect and (bones is None or b.name in bones)]
    if names:
        with edit_mode(obj):
            for name in names:
                obj.data.edit_bones[name].use_connect = False
    return names


def armature_from_skeleton(skeleton: Skeleton, name: str = "Armature", free=()) -> bpy.types.Object:
    """Build an armature whose bones' heads are the skeleton's joints in its rest pose, in the current scene.

    A bone points at its child, at the mean of its children where they are several, or at its end site. Its frame is
    therefore not the joint's: bring motions over with `with_rest_frames`.

    Args:
        free: joints that will move in their parents' frames; their parents' bones miss them by half a millimetre.
            Blender's FBX importer connects bones that touch within a tenth of one, and then ignores that they move.
    """
    data = bpy.data.armatures.new(name)
    obj = bpy.data.objects.new(name, data)
    bpy.context.scene.collection.objects.link(obj)
    rotations, places = skeleton.rest_transforms()
    tips = _past(skeleton, places, _tips(skeleton, rotations, places), free)
    heads, tails = blender_from_ours(places), blender_from_ours(tips)
    with edit_mode(obj):
        made = []
        for joint, joint_name in enumerate(skeleton.names):
            bone = data.edit_bones.new(joint_name)
            bone.head, bone.tail = heads[joint], tails[joint]
            # Of the bones that point this way, the one nearest to the joint's own frame.
            along = tails[joint] - heads[joint]
            frame = blender_from_ours_rotation(rotations[joint])
            turned = multiply(rotation_between(rotate(frame, np.array([0.0, 1, 0])), along), frame)
            bone.align_roll(rotate(turned, np.array([0.0, 0, 1])))
            if skeleton.parents[joint] >= 0:
                bone.parent = made[skeleton.parents[joint]]
            made.append(bone)
    return obj


def moved_joints(motion: Motion) -> set[str]:
    """Names of the joints that a motion turns away from their rest orientation or moves from their rest offset."""
    skeleton = motion.skeleton
    # Of two unit quaternions that lie in one hemisphere the difference is twice the sine of a quarter of the angle.
    same = np.sign(np.einsum("fji,ji->fj", motion.rotations, skeleton.rest_orientations))[..., None]
    away = motion.rotations - same * skeleton.rest_orientations
    turned = np.einsum("fji,fji->fj", away, away).max(axis=0) > (2 * np.sin(1e-5 / 4)) ** 2
    moved = {j for j in moving_joints(motion) if j > 0}
    if np.abs(motion.root_positions - skeleton.offsets[0]).max() > PLACE_TOLERANCE:
        moved.add(0)
    return {name for j, name in enumerate(skeleton.names) if turned[j] or j in moved}


def with_rest_frames(motion: Motion, skeleton: Skeleton) -> Motion:
    """The same motion on a skeleton that has the same joints in the same rest places but other frames of rotation.

    Args:
        motion: on joints that `skeleton` has by name.
        skeleton: the wanted joints; ones that the motion lacks stay at rest on their parents.

    Returns:
        A motion whose joints stand where the given one's do.
    """
    old_rest, _ = motion.skeleton.rest_transforms()
    new_rest, _ = skeleton.rest_transforms()
    world, places = motion.transforms()
    frames = len(motion)
    index = {name: j for j, name in enumerate(motion.skeleton.names)}
    turns, spots = [], []
    for joint, name in enumerate(skeleton.names):
        parent = skeleton.parents[joint]
        if name in index:
            j = index[name]
            turns.append(multiply(world[:, j], multiply(conjugate(old_rest[j]), new_rest[joint])))
            spots.append(places[:, j])
        elif parent < 0:
            turns.append(np.tile(skeleton.rest_orientations[0], (frames, 1)))
            spots.append(np.tile(skeleton.offsets[0], (frames, 1)))
        else:
            turns.append(multiply(turns[parent], skeleton.rest_orientations[joint]))
            spots.append(spots[parent] + rotate(turns[parent], skeleton.offsets[joint]))
    turns, spots = np.stack(turns, axis=1), np.stack(spots, axis=1)
    return motion_of_transforms(skeleton, turns, spots, motion.fps).replace(provenance=motion.provenance)


def _rest(obj):
    """Rest rotations (B, 4) and heads (B, 3) of all bones in the armature's own space."""
    return _decompose_all(_matrices(obj.data.bones, "matrix_local"))


def _with_object(obj, rotations, places, rows):
    """Rest rotations and heads of the bones in `rows`, and of the object itself, in our world."""
    rotation, scale, place = object_transform(obj)
    turns = np.concatenate((multiply(rotation, rotations), rotation[None]))
    spots = np.concatenate((place + scale * rotate(rotation, places), place[None]))
    return ours_from_blender_rotation(turns[rows]), ours_from_blender(spots[rows])


def _tree(obj, kept):
    """Joint names, parents and rows; a row is a bone's number, or the number of bones for the object itself."""
    order = {b.name: row for row, b in enumerate(obj.data.bones)}
    kept = sorted(kept, key=order.get)
    chosen = set(kept)
    above = {
        name: next((p.name for p in obj.data.bones[name].parent_recursive if p.name in chosen), None) for name in kept
    }
    names, rows = list(kept), [order[name] for name in kept]
    if sum(parent is None for parent in above.values()) > 1:
        top = obj.name
        while top in chosen:
            top += ".object"
        names, rows = [top, *names], [len(order), *rows]
        above = {name: parent or top for name, parent in above.items()} | {top: None}
    place = {name: joint for joint, name in enumerate(names)}
    parents = tuple(-1 if above[name] is None else place[above[name]] for name in names)
    return tuple(names), parents, rows


def _evaluate(obj, frames):
    """World matrices (F, B, 4, 4) of all bones, in the order of `obj.data.bones`, and (F, 4, 4) of the object."""
    poses, objects = [], []
    with _posed(obj), evaluation_scene(obj) as scene:
        for frame in frames:
            scene.frame_set(int(np.floor(frame)), subframe=float(frame - np.floor(frame)))
            seen = obj.evaluated_get(scene.view_layers[0].depsgraph)
            poses.append(_matrices(seen.pose.bones, "matrix"))
            objects.append(np.array(seen.matrix_world))
    rows = {b.name: row for row, b in enumerate(obj.pose.bones)}
    order = [rows[b.name] for b in obj.data.bones]
    objects = np.stack(objects)
    return objects[:, None] @ np.stack(poses)[:, order], objects


@contextlib.contextmanager
def _posed(obj):
    """Within the block the armature shows its pose, even where it is set to show its rest."""
    resting = obj.data.pose_position == "REST"
    if resting:
        obj.data.pose_position = "POSE"
    try:
        yield
    finally:
        if resting:
            obj.data.pose_position = "REST"


def _matrices(collection, attribute):
    flat = np.empty(16 * len(collection), dtype=np.float32)
    collection.foreach_get(attribute, flat)
    # Blender stores columns one after another.
    return flat.reshape(-1, 4, 4).swapaxes(-1, -2).astype(np.float64)


def _ours(matrices):
    turns, places = _decompose_all(matrices)
    return ours_from_blender_rotation(turns), unit_length() * ours_from_blender(places)


def _decompose_all(matrices):
    with np.errstate(divide="ignore", invalid="ignore"):  # a bone of no size: its motion is refused as not finite
        columns = matrices[..., :3, :3] / np.linalg.norm(matrices[..., :3, :3], axis=-2, keepdims=True)
    return quaternion_from_matrix(columns), matrices[..., :3, 3]


def _decompose(matrix):
    scale = np.linalg.norm(matrix[:3, :3], axis=0)
    if np.linalg.det(matrix[:3, :3]) < 0:
        scale = -scale
    return quaternion_from_matrix(matrix[:3, :3] / np.where(scale == 0, 1, scale)), scale, matrix[:3, 3]


def _local_positions(rotations, positions, parents):
    """Each joint's place (..., J, 3) in its parent's frame; the root's in the world."""
    places = [
        positions[..., joint, :]
        if parent < 0
        else rotate(conjugate(rotations[..., parent, :]), positions[..., joint, :] - positions[..., parent, :])
        for joint, parent in enumerate(parents)
    ]
    return np.stack(places, axis=-2)


def moving_joints(motion):
    """Joints that the motion moves in their parent's frame; the root is always one."""
    if motion.local_positions is None:
        return {0}
    apart = np.abs(motion.local_positions - motion.skeleton.offsets).max(axis=(0, 2))
    return {0} | {int(j) for j in np.flatnonzero(apart > PLACE_TOLERANCE)}


def _bones_above(obj, names):
    """The named bones and all above them, parents first."""
    wanted = set(names)
    for name in names:
        wanted.update(bone.name for bone in obj.data.bones[name].parent_recursive)
    return [bone for bone in obj.data.bones if bone.name in wanted]


def _rest_on_parent(bone, poses, rests):
    """Rotation (.., 4) and head (.., 3) the bone would have with no pose of its own, in the armature's space, and the
    rotation (.., 4) of the axes that its location is counted along.

    As in Blender's BKE_bone_parent_transform_calc_from_matrices, without scale.
    """
    rest_turn, rest_place = rests[bone.name]
    no_turn = np.array([1.0, 0, 0, 0])
    if bone.parent is None:
        return rest_turn, rest_place, rest_turn if bone.use_local_location else no_turn
    parent_turn, parent_place = poses[bone.parent.name]
    parent_rest_turn, parent_rest_place = rests[bone.parent.name]
    back = conjugate(parent_rest_turn)
    place = parent_place + rotate(parent_turn, rotate(back, rest_place - parent_rest_place))
    carried_turn = multiply(parent_turn, multiply(back, rest_turn))
    turn = carried_turn if bone.use_inherit_rotation else rest_turn
    if bone.use_local_location:
        return turn, place, carried_turn
    return turn, place, multiply(parent_turn, back) if bone.use_inherit_rotation else no_turn


def _tips(skeleton, rotations, places):
    ends = {end.joint: places[end.joint] + rotate(rotations[end.joint], end.offset) for end in skeleton.end_sites}
    size = max(float(np.ptp(places, axis=0).max()), 1e-3)
    tips = []
    for joint, children in enumerate(skeleton.children):
        parent = skeleton.parents[joint]
        tip = places[list(children)].mean(axis=0) if children else ends.get(joint)
        if tip is None or np.linalg.norm(tip - places[joint]) < 1e-3 * size:
            # Nothing to point at: go on as the parent does, a little shorter.
            step = places[joint] - places[parent] if parent >= 0 else np.array([0.0, 0.1 * size, 0])
            length = np.linalg.norm(step)
            step = step / length * max(0.3 * length, 0.02 * size) if length > 1e-6 * size else [0, 0.02 * size, 0]
            tip = places[joint] + step
        tips.append(tip)
    return np.stack(tips)


def _past(skeleton, places, tips, free, gap=5e-4):
    """The tips (J, 3), those moved aside which an importer, that makes a bone as long as its children are away in the
    mean, would put on a child that must stay free."""
    tips = np.array(tips)
    for joint, children in enumerate(skeleton.children):
        along = tips[joint] - places[joint]
        reach = np.linalg.norm(along)
        away = np.linalg.norm(places[list(children)] - places[joint], axis=-1).mean() if children else 0.0
        touched = [
            c for c in children if c in free and np.linalg.norm(along / reach * away + places[joint] - places[c]) < gap
        ]
        if touched and away > gap:
            side = np.cross(along, np.eye(3)[np.abs(along).argmin()])
            tips[joint] += side / np.linalg.norm(side) * gap * reach / away
    return tips


@contextlib.contextmanager
def out_of_edit_mode(obj: bpy.types.Object):
    """Within the block an armature in edit mode is not, so that its bones are as edited and it has a pose."""
    if obj.mode != "EDIT":
        yield
        return
    edited = [one for one in bpy.context.view_layer.objects if one.mode == "EDIT"]
    _set_mode(obj, "OBJECT")  # of all that are edited together
    try:
        yield
    finally:
        for one in edited:
            _set_mode(one, "EDIT")


class edit_mode:
    """The armature in edit mode within a `with` block; after it what was active is so again, in the mode it was in."""

    def __init__(self, obj):
        self.obj = obj

    def __enter__(self):
        layer = bpy.context.view_layer
        self.active = layer.objects.active
        self.mode = None if self.active is None else self.active.mode
        if self.active is not None:
            _set_mode(self.active, "OBJECT")
        layer.objects.active = self.obj
        bpy.ops.object.mode_set(mode="EDIT")

    def __exit__(self, *_):
        bpy.ops.object.mode_set(mode="OBJECT")
        bpy.context.view_layer.objects.active = self.active
        if self.active is not None:
            _set_mode(self.active, self.mode)


def _set_mode(obj, mode):
    """Bring an object into a mode; another one stays the active object."""
    if obj.mode == mode:
        return
    objects = bpy.context.view_layer.objects
    active, objects.active = objects.active, obj
    try:
        bpy.ops.object.mode_set(mode=mode)
    finally:
        objects.active = active
