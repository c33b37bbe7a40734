# SPDX-License-Identifier: GPL-3.0-or-later
"""Rig file → armature in an otherwise empty scene: .blend, .fbx, .glb, .gltf, USD, .bvh.

Kept are the armature and what belongs to it: meshes that it deforms, what is parented to it or above it, and what its
constraints need. The file's own animation is left behind unless it is asked for.
"""

import re
import struct
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import bpy
import numpy as np

from graphics_ml.blender import fbx, usd
from graphics_ml.blender.actions import assign, curves_of, remove_actions
from graphics_ml.blender.armature import armature_from_skeleton, disconnect
from graphics_ml.blender.frame_times import STATED_RATE, falls_on_frames, recover_frame_rate, stated_rate
from graphics_ml.blender.gltf import (
    check_glb,
    first_buffer,
    key_times,
    read_glb,
    read_gltf,
    write_glb,
)
from graphics_ml.blender.scene import (
    empty_scene,
    first_line,
    frame_rate,
    gltf_clock,
    ours_from_blender,
    quiet,
    set_frame_rate,
    unit_length,
    world_matrix,
)
from graphics_ml.errors import GraphicsMLError, RigError
from graphics_ml.motion.bone_map import BoneMap
from graphics_ml.motion.rotations import conjugate, rotate
from graphics_ml.motion.skeleton import Skeleton

# What importers in Python let through when a file is damaged.
FAULTS = (
    RuntimeError,
    ValueError,
    OSError,
    LookupError,
    TypeError,
    AttributeError,
    AssertionError,
    ArithmeticError,
    MemoryError,
    SystemError,
    struct.error,
)
_ZSTD, _GZIP, _PLAIN = b"\x28\xb5\x2f\xfd", b"\x1f\x8b", b"BLENDER"


def load_rig(
    path: str | Path, armature_name: str | None = None, actions: bool | str = False, notes: list[str] | None = None
) -> bpy.types.Object:
    """Load a rig into an empty scene.

    Args:
        path: .blend, .fbx, .glb, .gltf, .usd, .usda, .usdc, .usdz or .bvh.
        armature_name: the object to take where the file has several armatures; the largest with a mesh when None.
        actions: whether to keep the actions of the file, or the name of the one that is wanted, which spares the time
            that a .glb's others take. Without them the rig stands in its rest pose, except that a
            .blend without an action keeps the pose it was saved in.
        notes: a list that gets a sentence for each thing the user should know.

    Returns:
        The armature object, selected and active.

    Raises:
        RigError: no such file, one that cannot be read, or one without an armature.
    """
    path = Path(path)
    notes = [] if notes is None else notes
    extension = path.suffix.lower()
    if path.is_dir():
        raise RigError(path, None, "this is a folder; name a rig file in it")
    if extension not in _READERS:
        raise RigError(path, None, f"a rig cannot be read from '{extension}'; use {', '.join(_READERS)}")
    if not path.exists():
        raise RigError(path, None, "there is no such file; check the name")
    if not path.is_file():
        raise RigError(path, None, "this is no file; name a rig file")
    empty_scene()
    try:
        _READERS[extension](path, actions, notes)
    except GraphicsMLError:
        raise
    except FAULTS as error:
        why = first_line(error).replace(str(path.absolute()), path.name).replace(str(path), path.name)
        raise RigError(path, None, f"Blender cannot read it ({why}); it may be damaged") from error
    obj = _choose_armature(path, armature_name, notes)
    if not obj.users_collection:  # a linked one, which would go with what nothing uses
        bpy.context.scene.collection.objects.link(obj)
    _keep_only(_belonging_to(obj))
    was_animated = _drop_animation(obj) if not actions else False
    if not actions and (was_animated or extension != ".blend"):
        reset_pose(obj)
    if extension == ".fbx":
        _make_opaque(notes)
    _show(obj)
    if actions and extension != ".blend":
        # Importers connect bones that touch, and Blender ignores the location keys of connected bones.
        disconnect(obj)
    return obj


def reset_pose(obj: bpy.types.Object) -> None:
    """Put every bone of the armature back to rest."""
    for bone in obj.pose.bones:
        bone.matrix_basis.identity()
    obj.update_tag()
    bpy.context.view_layer.update()


def meshes_of(obj: bpy.types.Object) -> list[bpy.types.Object]:
    """The mesh objects that the armature deforms or carries."""
    return [other for other in bpy.data.objects if other.type == "MESH" and is_moved_by(other, obj)]


def is_moved_by(thing: bpy.types.Object, armature: bpy.types.Object) -> bool:
    """Whether the armature deforms the object, or stands anywhere above it."""
    return armature in _ancestors(thing) or armature in _modifier_armatures(thing)


def sole_points(armature: bpy.types.Object, skeleton: Skeleton, bones: BoneMap) -> dict[str, np.ndarray]:
    """The outline of the feet's undersides, from the meshes at rest; for `retarget`.

    Args:
        skeleton: of the armature.
        bones: its roles.

    Returns:
        Role of a foot or of toes to points (N, 3), metres in the joint's own frame; roles without a mesh are left out.
    """
    part = _foot_parts(skeleton, bones)
    rotations, places = skeleton.rest_transforms()
    ankles = max(places[skeleton.index(name), 1] for name in part)
    found = {role: [] for role in part.values()}
    for thing in meshes_of(armature):
        joints = [part.get(group.name) for group in thing.vertex_groups]
        points = np.empty((len(thing.data.vertices), 3), dtype=np.float32)
        thing.data.vertices.foreach_get("co", points.ravel())
        world = world_matrix(thing)
        points = unit_length() * ours_from_blender(points @ world[:3, :3].T + world[:3, 3])
        for row in np.flatnonzero(points[:, 1] < ankles):
            groups = thing.data.vertices[row].groups
            role = joints[max(groups, key=lambda group: group.weight).group] if groups else None
            if role:
                found[role].append(points[row])
    soles = {}
    for role, points in found.items():
        if points:
            joint = skeleton.index(bones.roles[role])
            outer = np.unique(np.argmax(np.array(points) @ _DOWNWARD.T, axis=0))
            soles[role] = rotate(conjugate(rotations[joint]), np.array(points)[outer] - places[joint])
    return soles


def _foot_parts(skeleton, bones):
    """Name of every joint of a foot or below it to the role it belongs to."""
    roles = {name: role for role, name in bones.roles.items() if role.endswith(("_foot", "_toes"))}
    part = {}
    for name, parent in zip(skeleton.names, skeleton.parents, strict=True):
        role = roles.get(name) or (part.get(skeleton.names[parent]) if parent >= 0 else None)
        if role:
            part[name] = role
    return part


# Directions level and downward, whose farthest points outline a sole.
_DOWNWARD = np.array(
    [
        (np.sin(turn) * np.cos(dip), -np.sin(dip), np.cos(turn) * np.cos(dip))
        for turn in np.arange(16) * np.pi / 8
        for dip in np.radians([0, 20, 40, 60, 80])
    ]
)


def _read_blend(path, actions, notes):
    with path.open("rb") as file:
        start = file.read(64)
    if not start.startswith((_ZSTD, _GZIP, _PLAIN)):
        raise RigError(path, None, "this is not a Blender file, whatever its name says")
    # Compression leaves the first bytes of the content as they are.
    version = re.search(rb"BLENDER(?:[-_][vV](\d)|\d\d-\d\dv(\d\d))(\d\d)", start)
    if version:
        written = (int(version[1] or version[2]), int(version[3]))
        if written > bpy.app.version[:2]:
            shown = f"{written[0]}.{written[1]}, this is {bpy.app.version[0]}.{bpy.app.version[1]}"
            notes.append(f"{path.name} was written by Blender {shown}: what is newer than that is not read.")
    # Whole, because files that this one links to would be kept as they are named from it.
    with quiet(), bpy.data.libraries.load(str(path.absolute()), link=False) as (held, wanted):
        wanted.objects = list(held.objects)
        wanted.scenes = list(held.scenes)[:1]
        if actions:
            wanted.actions = list(held.actions)
    for scene in wanted.scenes:
        _copy_time(scene, bpy.context.scene)
        bpy.data.scenes.remove(scene)
    for obj in wanted.objects:
        if obj is not None:
            bpy.context.scene.collection.objects.link(obj)
    for action in wanted.actions:
        action.use_fake_user = True


def _read_fbx(path, actions, notes):
    try:
        fbx.check_fbx(path)
    except ValueError as error:
        raise RigError(path, None, f"it cannot be read: {error}") from None
    with quiet():
        # The newer importer (4.5 on) reads text and old FBX too, and does not take a material for transparent.
        if "fbx_import" in dir(bpy.ops.wm):
            result = bpy.ops.wm.fbx_import(filepath=str(path), use_anim=bool(actions))
        else:
            result = bpy.ops.import_scene.fbx(filepath=str(path), use_anim=bool(actions))
    _expect_finished(result)
    _escape_names()


def _escape_names():
    """Blender 5.0's FBX importer writes quotes and backslashes in bones' names as they are into the paths of F-curves,
    which then lead nowhere."""
    for curve in (curve for action in bpy.data.actions for curve in curves_of(action)):
        name, found, channel = curve.data_path.removeprefix('pose.bones["').rpartition('"].')
        if found and ('"' in name or "\\" in name) and any(name in obj.data.bones for obj in _armatures()):
            curve.data_path = f'pose.bones["{bpy.utils.escape_identifier(name)}"].{channel}'


def _read_glb(path, actions, notes):
    try:
        check_glb(path)
        document, binary = read_glb(path)
    except ValueError as error:
        raise RigError(path, None, f"it cannot be read: {first_line(error)}") from None
    animations = document.get("animations") or []
    wanted = animations if actions else []
    if isinstance(actions, str):
        wanted = [animation for animation in animations if animation.get("name") == actions] or animations
    if wanted:
        document["animations"] = wanted
        _set_recovered_rate(path, document, binary, notes)
    if len(wanted) == len(animations):
        _import_gltf(path)
        return
    # Reading animations takes most of the time, so the importer gets the file without the others.
    document["animations"] = wanted
    with tempfile.TemporaryDirectory(prefix="graphics-ml-", ignore_cleanup_errors=True) as folder:
        bare = Path(folder) / path.name
        write_glb(bare, {key: value for key, value in document.items() if value or key != "animations"}, binary)
        _import_gltf(bare)


def _read_gltf(path, actions, notes):
    if actions:
        document = read_gltf(path)
        if document.get("animations"):
            _set_recovered_rate(path, document, first_buffer(path, document), notes)
    _import_gltf(path)


def _set_recovered_rate(path, document, binary, notes):
    times = key_times(document, binary, 0)
    stated = [stated_rate((node.get("extras") or {}).get(STATED_RATE)) for node in document.get("nodes", [])]
    rate = next(filter(None, stated), None)
    if rate and falls_on_frames(times, rate):
        found = f"the frame rate, {rate}, is stated by the program that wrote it"
    else:
        rate, found = recover_frame_rate(times)
    set_frame_rate(bpy.context.scene, rate)
    notes.append(f"{path.name}: {found}.")


def _import_gltf(path):
    with quiet(), gltf_clock(bpy.context.scene):
        result = bpy.ops.import_scene.gltf(filepath=str(path), disable_bone_shape=True)
    _expect_finished(result)


def _read_usd(path, actions, notes):
    try:
        rate = usd.frame_rate(path)
    except ValueError as error:
        raise RigError(path, None, f"it cannot be read: {error}") from None
    with quiet():
        result = bpy.ops.wm.usd_import(filepath=str(path), set_frame_range=bool(actions))
    _expect_finished(result)
    if actions:
        set_frame_rate(bpy.context.scene, rate)
    usd.restore_names(path)


def _read_bvh(path, actions, notes):
    from graphics_ml import formats

    try:
        skeleton = formats.load_skeleton(path)
    except GraphicsMLError as error:
        raise RigError(path, getattr(error, "line", None), str(error).split(": ", 1)[-1]) from error
    armature_from_skeleton(skeleton, path.stem)


_READERS: dict[str, Callable] = {
    ".blend": _read_blend,
    ".fbx": _read_fbx,
    ".glb": _read_glb,
    ".gltf": _read_gltf,
    **dict.fromkeys(usd.READ, _read_usd),
    ".bvh": _read_bvh,
}


def _copy_time(source, target):
    set_frame_rate(target, frame_rate(source))
    target.frame_start, target.frame_end = source.frame_start, source.frame_end


def _expect_finished(result):
    if "FINISHED" not in result:
        raise RuntimeError("the importer gave up")


def _choose_armature(path, armature_name, notes):
    armatures = [obj for obj in _without_overridden(_armatures()) if obj.data.bones]
    if not armatures:
        if _armatures():
            raise RigError(path, None, "its armature has no bones; choose a file with a rig")
        raise RigError(path, None, f"there is no armature in it, only {_contents()}; choose a file with a rig")
    if armature_name is not None:
        for obj in armatures:
            if obj.name == armature_name:
                return obj
        names = ", ".join(f"'{obj.name}'" for obj in armatures)
        raise RigError(path, None, f"it has no armature called '{armature_name}'; it has {names}")
    chosen = max(armatures, key=lambda obj: (bool(meshes_of(obj)), len(obj.data.bones)))
    if len(armatures) > 1:
        others = ", ".join(f"'{obj.name}'" for obj in armatures if obj is not chosen)
        notes.append(f"{path.name} holds {len(armatures)} armatures; '{chosen.name}' is used, not {others}.")
    return chosen


def _without_overridden(objects):
    """Without the linked objects that local library overrides stand for, and without the copies that appending leaves
    of what it appends."""
    local = [obj for obj in objects if obj.library is None]
    names = {obj.name for obj in local}
    overridden = [obj.override_library.reference for obj in local if obj.override_library is not None]
    return [obj for obj in objects if obj.library is None or (obj.name not in names and obj not in overridden)]


def _armatures():
    return [obj for obj in bpy.data.objects if obj.type == "ARMATURE"]


def _contents():
    kinds = Counter(obj.type.lower().replace("_", " ") for obj in bpy.data.objects)
    if not kinds:
        return "nothing that can be seen"
    return " and ".join(f"{n} {kind} object{'s' if n > 1 else ''}" for kind, n in sorted(kinds.items()))


def _ancestors(obj):
    above = []
    while obj.parent is not None:
        obj = obj.parent
        above.append(obj)
    return above


def _modifier_armatures(obj):
    return [m.object for m in obj.modifiers if m.type == "ARMATURE"]


def _needs(obj):
    """Objects that this one does not work without."""
    needed = [obj.parent, *(getattr(m, "object", None) for m in obj.modifiers)]
    if obj.override_library is not None:
        needed.append(obj.override_library.reference)
    constraints = list(obj.constraints)
    if obj.type == "ARMATURE":
        constraints += [c for bone in obj.pose.bones for c in bone.constraints]
        needed += [bone.custom_shape for bone in obj.pose.bones]
    for constraint in constraints:
        needed.append(getattr(constraint, "target", None))
        needed.append(getattr(constraint, "pole_target", None))
        needed += [target.target for target in getattr(constraint, "targets", [])]
    if obj.animation_data is not None:
        for driver in obj.animation_data.drivers:
            needed += [target.id for v in driver.driver.variables for target in v.targets]
    return [other for other in needed if isinstance(other, bpy.types.Object)]


def _belonging_to(armature):
    kept, todo = set(), [armature]
    todo += [obj for obj in bpy.data.objects if is_moved_by(obj, armature)]
    while todo:
        obj = todo.pop()
        if obj not in kept:
            kept.add(obj)
            todo += _needs(obj)
    return kept


def _keep_only(objects):
    bpy.data.batch_remove([obj for obj in bpy.data.objects if obj not in objects])
    # Bone shapes belong to no scene in the file they come from; in one they would be seen and exported.
    shapes = {bone.custom_shape for obj in objects if obj.type == "ARMATURE" for bone in obj.pose.bones} - {None}
    for shape in shapes:
        if shape.parent is None and not _modifier_armatures(shape):
            for collection in list(shape.users_collection):
                collection.objects.unlink(shape)
    bpy.data.orphans_purge(do_local_ids=True, do_linked_ids=True, do_recursive=True)


def _drop_animation(obj):
    animation = obj.animation_data
    animated = animation is not None and (animation.action is not None or len(animation.nla_tracks) > 0)
    for other in bpy.data.objects:
        if other.animation_data is not None:
            assign(other, None)
    remove_actions()
    return animated


def _make_opaque(notes):
    """FBX tells opacity in ways that importers misread: a material that would not be seen at all is made opaque."""
    changed = []
    for material in bpy.data.materials:
        for node in material.node_tree.nodes if material.node_tree else []:
            alpha = node.inputs.get("Alpha") if node.type == "BSDF_PRINCIPLED" else None
            if alpha is not None and not alpha.is_linked and alpha.default_value == 0:
                alpha.default_value = 1.0
                changed.append(material.name)
    if changed:
        notes.append(f"Materials that import fully transparent were made opaque: {', '.join(sorted(set(changed)))}.")


def _show(obj):
    bpy.context.view_layer.update()  # from 5.2 it does not know of new objects before
    if obj.name not in bpy.context.view_layer.objects:
        bpy.context.scene.collection.objects.link(obj)
    obj.hide_viewport = False
    obj.hide_set(False)
    for other in bpy.context.view_layer.objects:
        other.select_set(other is obj)
    bpy.context.view_layer.objects.active = obj
    bpy.context.view_layer.update()
