# SPDX-License-Identifier: GPL-3.0-or-later
"""Motion → action, in whatever form this version of Blender keeps actions.

Keys go in with foreach_set, one for each frame and linear in between, or reduced to few and Bezier. A bone keeps its
rotation mode: quaternions, axis and angle, or Euler angles in its own order, chosen so that they do not jump.
"""

import json
from collections.abc import Mapping
from fractions import Fraction

import bpy
import numpy as np
from mathutils import Matrix

from graphics_ml.blender.animation_data import (
    TRANSFORMS,
    assign,
    bone_path,
    current_action,
    curves_of,
    paths_of,
    refresh,
    remove_curves,
    rest_bones,
    rest_moved_bones,
    transform_paths,
)
from graphics_ml.blender.armature import BoneChannels, free_to_move, pose_channels
from graphics_ml.blender.scene import blender_from_ours, set_frame_rate, unit_length, world_matrix
from graphics_ml.motion.keys import ReducedKeys, key_slopes
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.rotations import (
    axis_angle_from_quaternion,
    conjugate,
    euler_from_quaternion,
    multiply,
    normalize,
    quaternion_from_axis_angle,
    quaternion_from_euler,
    rotate,
    unroll,
)

PROVENANCE = "graphics_ml"
KEYED = "graphics_ml_keyed"
CONFIDENCE = "Confidence"
OBJECT_PATHS = frozenset(TRANSFORMS) - {"scale"}
DOUBTFUL = 0.5  # below it a joint was invented more than seen
_LINEAR, _BEZIER = 1, 2  # their numbers among a keyframe's kinds of interpolation
_FREE = 0  # among its kinds of handles
_KEYFRAME, _EXTREME = 0, 1  # among its types


def write_action(
    obj: bpy.types.Object, motion: Motion, name: str, bones=None, start_frame: int = 1, keys: ReducedKeys | None = None
) -> bpy.types.Action:
    """Put a motion on an armature as a new action, which becomes its current one.

    Args:
        obj: armature object.
        motion: its joints' names are bone names; others are left out. World metres, as skeleton_from_armature gives.
        name: of the action.
        bones: names of the bones to key; all the motion has when None. Other bones keep their pose, or rest where the
            action that is replaced has moved them.
        start_frame: scene frame of the motion's first.
        keys: leave only these keys, of which the motion was made; joints are matched by name. A bone that turns by
            Euler angles or by axis and angle, which go other ways between keys, keeps one a frame.

    The scene gets the motion's frame rate and range; the motion's provenance is stored on the action as JSON, in the
    custom property "graphics_ml", and what is keyed in KEYED.

    Raises:
        ValueError: as pose_channels.
    """
    release(obj)
    free_to_move(obj, motion, bones)
    channels = pose_channels(motion, obj, bones)
    action = write_channels(obj, channels, name, start_frame)
    if keys is not None:
        thin(action, keys, start_frame)
    set_range(motion.fps, len(motion), start_frame)
    action[PROVENANCE] = json.dumps(motion.provenance, default=str)
    action[KEYED] = json.dumps(sorted(paths_of(action)))
    return action


def write_channels(
    obj: bpy.types.Object,
    channels: Mapping[str, BoneChannels],
    name: str,
    start_frame: int = 1,
    *,
    keep_rest: bool = False,
    keep_sizes: bool = True,
    confidence: Mapping[str, np.ndarray] | None = None,
) -> bpy.types.Action:
    """A new action with the given bones' keys, one a frame; it becomes the object's current one.

    Args:
        channels: by bone name.
        name: of the action.
        start_frame: scene frame of the first key.
        keep_rest: whether all that the object's current action does to other bones and properties is in it too, but
            what keyed_by_result gives of it: bones that only that has moved are at rest.
        keep_sizes: whether the bones' own sizes are among these properties.
        confidence: (F,) from 0 to 1 by bone name: shown as one more F-curve among the bone's, of its custom property
            CONFIDENCE; keys of frames below DOUBTFUL are marked as extreme, which the timeline shows in red.
    """
    rest = _rest_of(obj, name, channel_paths(channels, keep_sizes)) if keep_rest else None
    action = rest or bpy.data.actions.new(name)
    new_curve = _curves(action, obj)
    for bone, channel in channels.items():
        pose_bone = obj.pose.bones[bone]
        pose_bone.matrix_basis.identity()
        path, sure = bone_path(bone), (confidence or {}).get(bone)
        frames = start_frame + np.arange(len(channel.rotation))
        doubtful = None if sure is None else sure < DOUBTFUL
        if channel.location is not None:
            _write_curves(new_curve, f"{path}.location", bone, channel.location, frames, doubtful)
        attribute, values = rotation_keys(pose_bone.rotation_mode, channel.rotation)
        _write_curves(new_curve, f"{path}.{attribute}", bone, values, frames, doubtful)
        if sure is not None:
            pose_bone[CONFIDENCE] = float(sure[0])
            _write_curves(new_curve, _confidence_path(bone), bone, sure[:, None], frames, doubtful)
    assign(obj, action)
    return action


def channel_paths(bones, keep_sizes: bool = True) -> set[str]:
    """The data paths of what keys of these bones stand for: their places and turns, in every rotation mode, their
    confidence, and their sizes unless those are kept."""
    placing = {path for path in transform_paths(bones) if not (keep_sizes and path.endswith(".scale"))}
    return placing | {_confidence_path(bone) for bone in bones}


def keyed_by_result(action: bpy.types.Action) -> set[str]:
    """The data paths that the result which an action is has keyed itself, as told by its custom property KEYED, and not
    taken over from the action before it; none in an action that is no result."""
    try:
        return set(json.loads(action[KEYED]))
    except (KeyError, TypeError, ValueError):
        return set()


def write_constants(
    obj: bpy.types.Object, action: bpy.types.Action, values: Mapping[str, Mapping[str, tuple]], frame: int
) -> None:
    """One key in each of the given channels of bones, in the place of what moved them.

    Args:
        values: by the bone's name, and what its data path goes on with, as in {"hand.L": {".scale": (1, 1, 1)}}.
    """
    remove_curves(action, {bone_path(bone) + rest for bone in values for rest in values[bone]})
    new_curve = _curves(action, obj)
    for bone, channels in values.items():
        for rest, columns in channels.items():
            keys = np.array([columns], dtype=np.float64)
            _write_curves(new_curve, bone_path(bone) + rest, bone, keys, np.array([frame]))


def write_object_keys(
    obj: bpy.types.Object, action: bpy.types.Action, places: np.ndarray, turns: np.ndarray, start_frame: int = 1
) -> None:
    """Key an object's own movement in an action that it plays: from where it is, turned about the world's origin and
    then moved.

    Args:
        obj: what is keyed; it may hang on another object, which stays still.
        places: (F, 3) metres, in our axes.
        turns: (F, 4) in our axes.
    """
    unit = unit_length()
    world = Matrix(world_matrix(obj))
    above = world @ obj.matrix_basis.inverted()
    location, rotation, _ = world.decompose()
    turns = np.concatenate((turns[:, :1], blender_from_ours(turns[:, 1:])), axis=1)
    places = blender_from_ours(places) / unit + rotate(turns, np.array(location))
    back = np.array(above.inverted())
    rotations = multiply(conjugate(np.array(above.to_quaternion())), multiply(turns, np.array(rotation)))
    attribute, values = rotation_keys(obj.rotation_mode, unroll(rotations))
    remove_curves(action, OBJECT_PATHS)
    new_curve, frames = _curves(action, obj), start_frame + np.arange(len(places))
    for path, columns in (("location", places @ back[:3, :3].T + back[:3, 3]), (attribute, values)):
        _write_curves(new_curve, path, "Object Transforms", columns, frames)
    refresh(obj)


def moved_bones(obj: bpy.types.Object, bones, frames: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """How the object's current action moves some of its bones, relative to their rest: rotations (F, 4) and locations
    (F, 3) at the given frames, by the bone's name; bones that it does not move are left out. What is keyed_by_result
    does not move them: they rest there."""
    action = current_action(obj)
    slot = getattr(obj.animation_data, "action_slot", None)
    if action is None or (hasattr(action, "slots") and slot is None):
        return {}
    curves, gone = {}, keyed_by_result(action)
    for curve in curves_of(action, slot):
        curves.setdefault(curve.data_path, {})[curve.array_index] = curve
    found = {}
    for bone in (obj.pose.bones[name] for name in bones if not transform_paths([name]).isdisjoint(curves)):

        def values(attribute, bone=bone):
            path = f"{bone_path(bone.name)}.{attribute}"
            if path in gone:
                return np.tile(np.array(bone.bl_rna.properties[attribute].default_array), (len(frames), 1))
            columns = np.tile(np.array(getattr(bone, attribute)), (len(frames), 1))
            for index, curve in curves.get(path, {}).items():
                columns[:, index] = [curve.evaluate(frame) for frame in frames]
            return columns

        found[bone.name] = _rotation_of_keys(bone.rotation_mode, values), values("location")
    return found


def release(obj: bpy.types.Object) -> None:
    """Take the current action away and put the bones that it moved back to rest."""
    if current_action(obj) is None:
        return
    rest_moved_bones(obj)
    assign(obj, None)
    refresh(obj)


def set_range(fps: Fraction, frames: int, start_frame: int = 1) -> None:
    """Give the current scene a motion's frame rate and range, and stand on its first frame."""
    scene = bpy.context.scene
    set_frame_rate(scene, fps)
    scene.frame_start, scene.frame_end = start_frame, start_frame + frames - 1
    scene.frame_set(start_frame)


def retime(actions, factor: float) -> None:
    """Stretch actions about their first frames, with the NLA strips that play them: what was made for one frame rate
    lasts as long at `factor` times that rate."""
    stretched = set(actions)
    strips = [
        (strip, strip.action_frame_start, strip.action_frame_end)  # as they are now: from 5.2 they follow their action
        for owner in _animated()
        for track in owner.animation_data.nla_tracks
        for strip in track.strips
        if strip.action in stretched
    ]
    for action in actions:
        first, last = action.frame_range
        for curve in curves_of(action):
            points = curve.keyframe_points
            for attribute in ("co", "handle_left", "handle_right"):
                values = np.empty(2 * len(points), dtype=np.float32)
                points.foreach_get(attribute, values)
                values[::2] = first + (values[::2] - first) * factor
                points.foreach_set(attribute, values)
            curve.update()
        if action.use_frame_range:
            action.frame_end = first + (last - first) * factor
    for strip, start, end in strips:
        strip.action_frame_end = start + (end - start) * factor


def remove_actions(keep=()) -> None:
    """Remove all actions of the file but the given ones, and the NLA strips that played them."""
    keep = {keep} if isinstance(keep, bpy.types.Action) else set(keep)
    gone = [action for action in bpy.data.actions if action not in keep]
    for owner in _animated():
        tracks = owner.animation_data.nla_tracks
        for track in list(tracks):
            for strip in [s for s in track.strips if s.action in gone]:
                track.strips.remove(strip)
            if not len(track.strips):
                tracks.remove(track)
    bpy.data.batch_remove(gone)


def played_beside(obj: bpy.types.Object) -> set[bpy.types.Action]:
    """The actions that anything but the object plays, NLA strips aside: shape keys of its meshes, props, ..."""
    return {owner.animation_data.action for owner in _animated() if owner != obj} - {None}


def _animated():
    """All datablocks that carry animation data: objects, armatures, shape keys, materials, ..."""
    for kind in dir(bpy.data):
        collection = getattr(bpy.data, kind)
        if isinstance(collection, bpy.types.bpy_prop_collection):
            for block in collection:
                if getattr(block, "animation_data", None) is not None:
                    yield block
                tree = getattr(block, "node_tree", None)
                if tree is not None and tree.animation_data is not None:
                    yield tree


def _rest_of(obj, name, replaced):
    """A copy of the object's current action, of what is its own in it, without the curves of the paths `replaced` and
    of those that it has keyed as a result, whose bones are put to rest; None where there is none."""
    current = current_action(obj)
    slot = getattr(obj.animation_data, "action_slot", None)
    if current is None or (hasattr(current, "slots") and slot is None):
        return None
    action = current.copy()
    action.name, action.use_fake_user = name, False
    action.use_frame_range = action.use_cyclic = False
    if action.asset_data is not None:
        action.asset_clear()
    gone = keyed_by_result(current) & paths_of(current, slot)
    for record in (PROVENANCE, KEYED):
        if record in action:
            del action[record]
    if slot is not None:
        for other in [other for other in action.slots if other.handle != slot.handle]:
            action.slots.remove(other)
    remove_curves(action, replaced | gone)
    rest_bones(obj, gone - replaced)
    return action


def _confidence_path(bone):
    return f'{bone_path(bone)}["{CONFIDENCE}"]'


def _curves(action, obj):
    """A function (data_path, index, group) -> new F-curve of this action for this object."""
    if not hasattr(action, "slots"):
        return lambda path, index, group: action.fcurves.new(path, index=index, action_group=group)
    slot = action.slots[0] if len(action.slots) else action.slots.new(id_type="OBJECT", name=obj.name)
    layer = action.layers[0] if len(action.layers) else action.layers.new("Layer")
    strip = layer.strips[0] if len(layer.strips) else layer.strips.new(type="KEYFRAME")
    bag = strip.channelbag(slot, ensure=True)
    if bpy.app.version >= (5, 0, 0):
        return lambda path, index, group: bag.fcurves.new(path, index=index, group_name=group)

    def new_curve(path, index, group):
        curve = bag.fcurves.new(path, index=index)
        curve.group = bag.groups.get(group) or bag.groups.new(group)
        return curve

    return new_curve


def _write_curves(new_curve, path, group, columns, frames, doubtful=None):
    """Key the columns (F, C) of one property; `doubtful` (F,) are the frames whose keys are marked."""
    pairs = np.empty((columns.shape[1], len(frames), 2), dtype=np.float32)
    pairs[..., 0], pairs[..., 1] = frames, columns.T
    linear = np.full(len(frames), _LINEAR, dtype=np.uint8)
    kinds = None if doubtful is None or not doubtful.any() else np.where(doubtful, _EXTREME, _KEYFRAME).astype(np.int32)
    for index, keys in enumerate(pairs):
        points = new_curve(path, index, group).keyframe_points
        _write_keys(points, keys, linear)
        if kinds is not None:
            points.foreach_set("type", kinds)


def _write_keys(points, keys, kinds):
    """New keys: frames and values (K, 2), frames ascending; `kinds` (K,) of interpolation, uint8.

    Blender keeps such kinds in bytes and copies bytes as they are, 30 times as fast as it converts whole numbers.
    FCurve.update would sort the keys and set handles, which linear ones have none of; it takes as long as all the rest.
    """
    points.add(len(keys))
    points.foreach_set("co", keys.ravel())
    points.foreach_set("interpolation", kinds)


def thin(action: bpy.types.Action, keys: ReducedKeys, start_frame: int = 1, bones=None) -> None:
    """Leave only the given keys of the action's F-curves, of those that have one key a frame.

    Args:
        action: with the keys of `keys.motion`, from start_frame on.
        keys: joints are matched with bones by name.
        bones: names of those that are thinned out; all when None.

    A pose bone's channels are a joint's times constant rotations and shifts, and the cubics through keys are linear in
    the keys' values: the curves of the bones go as those of the joints.
    """
    kept = {}
    for channel in keys.channels:
        bone = keys.motion.skeleton.names[channel.joint]
        attribute = "rotation_quaternion" if channel.kind == "rotation" else "location"
        if bones is None or bone in bones:
            kept[f"{bone_path(bone)}.{attribute}"] = channel.frames
    for curve in curves_of(action):
        if curve.data_path in kept:
            points = curve.keyframe_points
            values = np.empty(2 * len(points), dtype=np.float32)
            points.foreach_get("co", values)
            points.clear()
            rows = kept[curve.data_path]
            frames, values = start_frame + rows, values[1::2][rows]
            pairs = np.stack((frames, values), axis=-1).astype(np.float32)
            _write_keys(points, pairs, np.full(len(pairs), _BEZIER, dtype=np.uint8))
            _bend(curve, frames, values)


def _bend(curve, frames, values):
    """Give the keys the handles that make the F-curve the cubic of keys.curve_through."""
    count, points = len(frames), curve.keyframe_points
    slopes = key_slopes(frames, values[:, None].astype(np.float64))[:, 0]
    thirds = np.diff(frames) / 3 if count > 1 else np.ones(1)
    for side, reach in (("left", -np.insert(thirds, 0, thirds[0])), ("right", np.append(thirds, thirds[-1]))):
        reach = reach[:count]
        handles = np.stack((frames + reach, values + slopes * reach), axis=-1)
        points.foreach_set(f"handle_{side}_type", np.full(count, _FREE, dtype=np.uint8))
        points.foreach_set(f"handle_{side}", handles.astype(np.float32).ravel())
    curve.update()


def rotation_keys(mode: str, rotation: np.ndarray) -> tuple[str, np.ndarray]:
    """Attribute and key values (F, 3 or 4) of rotations (F, 4) in a bone's or object's rotation mode."""
    if mode == "QUATERNION":
        return "rotation_quaternion", rotation
    if mode == "AXIS_ANGLE":
        vector = axis_angle_from_quaternion(rotation)
        angle = np.linalg.norm(vector, axis=-1, keepdims=True)
        axis = np.where(angle > 1e-9, vector / np.maximum(angle, 1e-9), [0.0, 1, 0])
        return "rotation_axis_angle", np.concatenate((angle, axis), axis=-1)
    # Blender's XYZ turns about x first, in fixed axes: intrinsic ZYX.
    angles = euler_from_quaternion(rotation, mode[::-1])[:, ::-1]
    return "rotation_euler", _steady_euler(angles, ["XYZ".index(axis) for axis in mode])


def _rotation_of_keys(mode, values):
    """Rotations (F, 4) of a bone in its rotation mode; `values` gives the keys (F, 3 or 4) of an attribute."""
    if mode == "QUATERNION":
        return normalize(values("rotation_quaternion"))
    if mode == "AXIS_ANGLE":
        keys = values("rotation_axis_angle")
        return quaternion_from_axis_angle(keys[:, :1] * normalize(keys[:, 1:]))
    angles = values("rotation_euler")[:, ["XYZ".index(axis) for axis in mode]]
    return quaternion_from_euler(angles[:, ::-1], mode[::-1])


def _steady_euler(angles, axes):
    """Of the two sets of angles for each rotation, and their whole turns, the nearest to the frame before.

    Args:
        angles: (F, 3) in the order of turning.
        axes: for each of the three the column of its key.
    """
    other = np.stack((angles[:, 0] + np.pi, np.pi - angles[:, 1], angles[:, 2] + np.pi), axis=-1)
    sets = np.stack((angles, other))
    before = np.concatenate((np.zeros((2, 1, 3)), sets[:, :-1]), axis=1)
    # (2, 2, F): which set a frame takes after either of the frame before, and how far it is from there.
    steps = sets[None] - before[:, None]
    after = np.abs(steps - _TURN * np.round(steps / _TURN)).sum(axis=-1).argmin(axis=1)
    # Where both lead to the same set, the way there does not matter; from there on the sets are kept or exchanged.
    forgets = after[0] == after[1]
    forgets[0] = True
    since = np.maximum.accumulate(np.where(forgets, np.arange(len(angles)), 0))
    exchanged = np.cumsum((after[0] == 1) & ~forgets)
    taken = after[0][since] ^ ((exchanged - exchanged[since]) % 2)
    steady = sets[taken, np.arange(len(angles))]
    jumps = np.diff(steady, axis=0, prepend=np.zeros((1, 3)))
    keys = np.empty_like(steady)
    keys[:, axes] = steady - _TURN * np.cumsum(np.round(jumps / _TURN), axis=0)
    return keys


_TURN = 2 * np.pi
