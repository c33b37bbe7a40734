# SPDX-License-Identifier: GPL-3.0-or-later
"""Animated rig → .blend, .fbx, .glb or USD: exact keys, only the new action, whole or not at all.

Blender's writers say FINISHED on a full disk, so every file is read again before it takes its place.
"""

import struct
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import bpy
import numpy as np

from graphics_ml.blender import fbx, usd
from graphics_ml.blender.actions import assign, release, remove_actions
from graphics_ml.blender.frame_times import STATED_RATE
from graphics_ml.blender.gltf import check_glb, key_times, read_glb, write_glb
from graphics_ml.blender.presets import Preset
from graphics_ml.blender.rigify import controls_apart, driven_parents
from graphics_ml.blender.rigs import meshes_of
from graphics_ml.blender.scene import first_line, frame_rate, gltf_clock, quiet
from graphics_ml.errors import OutputError
from graphics_ml.outputs import ensure_extension, replacing

EXTENSIONS = (".blend", ".fbx", ".glb", *usd.WRITTEN)


def save_scene(
    path: str | Path,
    obj: bpy.types.Object,
    action: bpy.types.Action | None,
    keep_actions: bool = False,
    notes: list[str] | None = None,
    fps: Fraction | None = None,
    preset: Preset | None = None,
) -> None:
    """Write an animated armature with its meshes; a .blend holds the whole scene.

    Args:
        path: .blend (compressed, images packed), .fbx (binary, every frame keyed, textures embedded), .glb, .usd,
            .usdc or .usda. USD holds no other action.
        obj: armature object.
        action: what it plays in the file; None for none.
        keep_actions: whether the file also holds the other actions. Otherwise they are removed, from memory too.
            Readers take `action` of a .blend or .glb, but the first by name of a .fbx; a note says so.
        notes: a list that gets a sentence for each thing the user should know.
        fps: the exact frame rate, stated in the file where Blender would round it or glTF has no place for it; the
            scene's, and not stated, when None.
        preset: axes, unit and leaf bones of a .fbx; Y up, centimetres and none when None.

    The scene's frame rate and range, as write_action sets them, are the file's.

    Raises:
        OutputError: another extension, or the file cannot be written whole.
    """
    path = Path(path)
    ensure_extension(path, EXTENSIONS)
    notes = [] if notes is None else notes
    if not keep_actions:
        remove_actions(keep=() if action is None else (action,))
    assign(obj, action)
    if fps is not None:
        obj[STATED_RATE] = str(fps)
    write, check = {
        ".blend": (_write_blend, _check_blend),
        ".fbx": (_write_fbx, _check_fbx),
        ".glb": (_write_glb, _check_glb),
    }.get(path.suffix.lower(), (_write_usd, _check_usd))
    with replacing(path) as unfinished:
        try:
            with quiet():
                write(unfinished, obj, action, keep_actions, notes, preset)
        except (RuntimeError, ValueError) as error:
            why = f"Blender could not write it ({first_line(error)}); is the disk full?"
            raise OutputError(path, None, why) from error
        if unfinished.is_file() and unfinished.stat().st_size:
            try:
                check(unfinished, obj, action)
            except (ValueError, KeyError, IndexError, struct.error, OSError) as error:
                why = f"what was written is damaged ({first_line(error)}); is the disk full?"
                raise OutputError(path, None, why) from error


def _write_blend(path, obj, action, keep_actions, notes, preset):
    missing = []
    for image in bpy.data.images:
        if image.source == "FILE" and image.packed_file is None and image.filepath:
            if Path(bpy.path.abspath(image.filepath)).is_file():
                image.pack()
            else:
                missing.append(image.name)
    if missing:
        notes.append(f"Images that the rig names could not be found and are not in the file: {', '.join(missing)}.")
    # Blender does not save what nothing uses, and would name linked files as seen from the unfinished file's folder.
    for kept in bpy.data.actions:
        kept.use_fake_user = True
    bpy.ops.wm.save_as_mainfile(filepath=str(path), compress=True, copy=True, relative_remap=False)


def _check_blend(path, obj, action):
    with bpy.data.libraries.load(str(path), link=False) as (held, _):
        objects, actions = set(held.objects), set(held.actions)
    if obj.name not in objects or (action is not None and action.name not in actions):
        raise ValueError("the rig or its action is missing")


def _write_fbx(path, obj, action, keep_actions, notes, preset):
    with _selected([obj, *_exported(obj)]), _in_one_tree(obj), _at_rest(obj, action):
        bpy.ops.export_scene.fbx(
            filepath=str(path),
            use_selection=True,
            object_types={"ARMATURE", "MESH", "EMPTY"},
            add_leaf_bones=preset is not None and preset.leaf_bones,
            use_armature_deform_only=controls_apart(obj),
            bake_anim=action is not None,
            bake_anim_use_all_bones=True,
            bake_anim_use_nla_strips=False,
            # One take for each action, from time zero, under the action's name; a take of the scene has neither.
            bake_anim_use_all_actions=True,
            bake_anim_force_startend_keying=True,
            bake_anim_step=1.0,
            bake_anim_simplify_factor=0.0,
            path_mode="COPY",
            embed_textures=True,
            use_custom_props=STATED_RATE in obj,
            **({} if preset is None else _fbx_settings(preset)),
        )
    names = [kept.name for kept in bpy.data.actions]  # Blender's order, and the file's
    if action is not None and names[0] != action.name:
        by_name = "Actions in a .fbx stand in alphabetical order"
        notes.append(f"{by_name}: choose '{action.name}', readers take '{names[0]}'.")


def _fbx_settings(preset):
    # Centimetres are FBX's own unit; for metres the file says how many of those one is.
    scale = {0.01: "FBX_SCALE_NONE", 1.0: "FBX_SCALE_UNITS"}[preset.unit]
    return dict(axis_forward=preset.forward, axis_up=preset.up, apply_scale_options=scale)


def _check_fbx(path, obj, action):
    fbx.ensure_whole(path)


def _write_glb(path, obj, action, keep_actions, notes, preset):
    stand_in = None
    if not meshes_of(obj):
        stand_in = _stick_mesh(obj)
        notes.append("The rig has no mesh, and glTF keeps bones only with one: sticks were added along the bones.")
    try:
        with _selected([obj, *_exported(obj)]), _in_one_tree(obj), gltf_clock(bpy.context.scene):
            bpy.ops.export_scene.gltf(
                filepath=str(path),
                export_format="GLB",
                use_selection=True,
                export_animations=action is not None,
                export_animation_mode="ACTIONS",
                export_force_sampling=True,
                export_frame_step=1,
                export_frame_range=False,
                export_anim_slide_to_zero=True,
                export_optimize_animation_size=False,
                export_optimize_animation_keep_anim_armature=True,
                export_optimize_disable_viewport=True,
                export_def_bones=controls_apart(obj),
                export_rest_position_armature=True,
                export_extras=STATED_RATE in obj,
            )
    finally:
        if stand_in is not None:
            bpy.data.batch_remove([stand_in, stand_in.data])
            bpy.context.view_layer.update()
    if action is not None and keep_actions:
        _put_first(path, action.name)


def _put_first(path, name):
    """Order the animations of a .glb so that readers, which take the first, take this one."""
    document, binary = read_glb(path)
    document.get("animations", []).sort(key=lambda animation: animation["name"] != name)
    write_glb(path, document, binary)


def _check_glb(path, obj, action):
    document = check_glb(path)
    if not document.get("skins"):
        raise ValueError("it has no skin")
    if action is None:
        return
    numbers = [n for n, animation in enumerate(document.get("animations", [])) if animation["name"] == action.name]
    if not numbers:
        raise ValueError("the action is missing")
    times = key_times(*read_glb(path), numbers[0])
    first, last = action.frame_range
    if abs(times[-1] - times[0] - (last - first) / float(frame_rate(bpy.context.scene))) > 1e-3:
        raise ValueError("its keys have the wrong times")


def _write_usd(path, obj, action, keep_actions, notes, preset):
    with _selected([obj, *_exported(obj)]), _in_one_tree(obj), usd.plain_names(obj) as names:
        bpy.ops.wm.usd_export(
            filepath=str(path),
            selected_objects_only=True,
            export_animation=action is not None,
            export_armatures=True,
            only_deform_bones=controls_apart(obj),
            # Y up, as other programs expect of characters.
            convert_orientation=True,
            export_custom_properties=False,
            allow_unicode=False,
            # Pictures beside the file would not move into place with it.
            export_textures_mode="KEEP",
            relative_paths=False,
        )
    usd.finish(path, names, Fraction(obj[STATED_RATE]) if STATED_RATE in obj else frame_rate(bpy.context.scene))
    others = sorted(kept.name for kept in bpy.data.actions if kept != action)
    if others:
        notes.append(f"USD holds one action for a skeleton; left out are {', '.join(others)}.")
    images = sorted(image.name for image in bpy.data.images if image.source == "FILE")
    if images:
        notes.append(f"A USD file holds no images; it names where they lie: {', '.join(images)}.")


def _check_usd(path, obj, action):
    scene = bpy.context.scene
    only_deforming = controls_apart(obj)
    bones = {bone.name for bone in obj.data.bones if bone.use_deform or not only_deforming}
    usd.ensure_whole(path, bones, None if action is None else scene.frame_end - scene.frame_start + 1)


@contextmanager
def _in_one_tree(obj):
    """Deform bones that hang on controls hung on each other, as the controls do: those that are left out would leave
    thighs, arms and spine side by side. What such a bone does it still gets from its control, by a constraint."""
    above = driven_parents(obj) if controls_apart(obj) else {}
    before = {name: obj.data.bones[name].parent.name for name in above}
    copies = []
    _hang(obj, above)
    for name, control in before.items():
        bone = obj.pose.bones[name]
        if not bone.constraints:
            copies.append((bone, bone.constraints.new("COPY_TRANSFORMS")))
            copies[-1][1].target, copies[-1][1].subtarget = obj, control
    try:
        yield
    finally:
        for bone, copy in copies:
            bone.constraints.remove(copy)
        _hang(obj, before)


def _hang(obj, parents):
    """Give bones other parents, by name; the armature is the active object."""
    if parents:
        bpy.ops.object.mode_set(mode="EDIT")
        for name, parent in parents.items():
            obj.data.edit_bones[name].parent = obj.data.edit_bones[parent]
        bpy.ops.object.mode_set(mode="OBJECT")


def _exported(obj):
    """Meshes of the armature and what stands between and above them."""
    exported = set(meshes_of(obj))
    for mesh in [obj, *exported]:
        above = mesh.parent
        while above is not None:
            exported.add(above)
            above = above.parent
    return exported - {obj}


@contextmanager
def _selected(objects):
    layer = bpy.context.view_layer
    before, active = [o for o in layer.objects if o.select_get()], layer.objects.active
    hidden = [o for o in objects if o.name in layer.objects and o.hide_get()]
    for other in layer.objects:
        other.select_set(False)
    for one in objects:
        if one.name in layer.objects:
            one.hide_set(False)
            one.select_set(True)
    layer.objects.active = objects[0]
    try:
        yield
    finally:
        for other in layer.objects:
            other.select_set(other in before)
        for one in hidden:
            one.hide_set(True)
        layer.objects.active = active


@contextmanager
def _at_rest(obj, action):
    """The bones that the action keys at rest and the action not playing: FBX has no rest pose for an armature without
    a mesh, so readers take the one that the file stands in."""
    release(obj)
    try:
        yield
    finally:
        assign(obj, action)
        bpy.context.scene.frame_set(bpy.context.scene.frame_current)


def _stick_mesh(obj):
    """A mesh of one slim double pyramid per exported bone, bound to the bones."""
    corners, faces, groups = [], [], []
    only_deforming = controls_apart(obj)
    for bone in obj.data.bones:
        if only_deforming and not bone.use_deform:
            continue
        frame = np.array(bone.matrix_local)
        size = bone.length
        ring = [(x * 0.1 * size, 0.15 * size, z * 0.1 * size) for x, z in ((1, 1), (-1, 1), (-1, -1), (1, -1))]
        local = np.array([(0, 0, 0), *ring, (0, size, 0)])
        first = len(corners)
        corners.extend(local @ frame[:3, :3].T + frame[:3, 3])
        for side in range(4):
            after = (side + 1) % 4
            faces.append((first, first + 1 + after, first + 1 + side))
            faces.append((first + 5, first + 1 + side, first + 1 + after))
        groups.append((bone.name, list(range(first, first + 6))))
    mesh = bpy.data.meshes.new("Sticks")
    mesh.from_pydata([tuple(c) for c in corners], [], faces)
    sticks = bpy.data.objects.new("Sticks", mesh)
    bpy.context.scene.collection.objects.link(sticks)
    for name, vertices in groups:
        sticks.vertex_groups.new(name=name).add(vertices, 1.0, "REPLACE")
    sticks.parent = obj
    sticks.modifiers.new("Armature", "ARMATURE").object = obj
    return sticks
