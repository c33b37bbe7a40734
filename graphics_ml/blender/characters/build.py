# SPDX-License-Identifier: GPL-3.0-or-later
"""Characters in Blender: an armature with its skinned mesh, and saving one to a file."""

from pathlib import Path

import bpy
import numpy as np
from mathutils import Vector

from graphics_ml.blender.characters.figure import EXTRA_MATERIALS, MATERIALS, make_figure
from graphics_ml.blender.characters.parameters import Character
from graphics_ml.blender.characters.proportions import BONES, TWISTS, arm_frame, body_skeleton
from graphics_ml.blender.export import EXTENSIONS, save_scene
from graphics_ml.blender.scene import empty_scene
from graphics_ml.errors import GraphicsMLError
from graphics_ml.outputs import ensure_extension, ensure_writable

_DETAIL = (0.4, 2.0)


def build_character(character: Character | None = None, name: str = "Character", detail: float = 1.0):
    """Make a character in the current scene, at the origin, in its rest pose.

    Args:
        character: what to build; None is the default `Character()`.
        name: of the armature object; its mesh is called "<name> body".
        detail: 1 gives about 40,000 vertices; 0.4 (the least) to 2.

    Returns:
        The armature object (scale 1, metres, Z up, facing -Y). Its one child is the mesh, with a vertex group for every
        bone that moves something, and an Armature modifier.

    Raises:
        GraphicsMLError: detail outside its range.
    """
    if not _DETAIL[0] <= detail <= _DETAIL[1]:
        raise GraphicsMLError(f"character detail is {detail!r}; give a number from {_DETAIL[0]:g} to {_DETAIL[1]:g}")
    character = character or Character()
    rig = _armature(character, name)
    body = _mesh(make_figure(character, detail), character, f"{name} body")
    body.parent = rig
    modifier = body.modifiers.new("Armature", "ARMATURE")
    modifier.object = rig  # plain linear blending: looks the same in every program that reads the file
    return rig


def save_character(path: str | Path, character: Character | None = None, detail: float = 1.0) -> Path:
    """Write a character alone to a .blend, .glb or .fbx file. Clears the current Blender session.

    Raises:
        OutputError: the ending is none of these, or the place cannot be written.
    """
    path = Path(path)
    ensure_extension(path, EXTENSIONS)
    ensure_writable(path)
    empty_scene()
    save_scene(path, build_character(character, name=path.stem, detail=detail), None)
    return path


def _armature(character, name):
    data = bpy.data.armatures.new(name)
    rig = bpy.data.objects.new(name, data)
    bpy.context.scene.collection.objects.link(rig)
    active = bpy.context.view_layer.objects.active
    bpy.context.view_layer.objects.active = rig
    bpy.ops.object.mode_set(mode="EDIT")
    for (bone_name, parent), (head, tail) in zip(BONES, body_skeleton(character).values(), strict=True):
        bone = data.edit_bones.new(bone_name)
        bone.head, bone.tail = head, tail
        bone.align_roll(_roll_direction(bone_name))
        if parent:
            bone.parent = data.edit_bones[parent]
            bone.use_connect = (bone.head - bone.parent.tail).length < 1e-6
    bpy.ops.object.mode_set(mode="OBJECT")
    bpy.context.view_layer.objects.active = active or rig
    for bone, (followed, share) in TWISTS.items():
        for side in "LR":
            _follow_twist(rig, f"{bone}.{side}", f"{followed}.{side}", share)
    return rig


def _follow_twist(rig, bone, followed, share):
    """Turn a bone about its length by a share of another's turn, by a driver: exporters write what comes of it."""
    rig.pose.bones[bone].rotation_mode = "YXZ"
    driver = rig.pose.bones[bone].driver_add("rotation_euler", 1).driver
    twist = driver.variables.new()
    twist.name, twist.type = "twist", "TRANSFORMS"
    target = twist.targets[0]
    target.id, target.bone_target = rig, followed
    target.transform_type, target.transform_space = "ROT_Y", "LOCAL_SPACE"
    target.rotation_mode = "SWING_TWIST_Y"
    driver.expression = f"{share} * twist"  # so simple that Blender runs it in files it does not trust


def _roll_direction(bone):
    """Where a bone's Z axis points: forward for trunk and legs, up for feet and collarbones, dorsal for arms."""
    base, _, side = bone.partition(".")
    mirror = -1.0 if side == "R" else 1.0
    if base in ("foot", "toes", "shoulder"):
        return Vector((0.0, 0.0, 1.0))
    if side and base not in ("thigh", "shin"):
        dorsal = arm_frame()[:, 2]
        if base.startswith("thumb"):
            dorsal = arm_frame() @ np.array([0.25, -0.75, 0.62])
        return Vector((mirror * dorsal[0], dorsal[1], dorsal[2]))
    return Vector((0.0, -1.0, 0.0))


def _mesh(figure, character, name):
    mesh = bpy.data.meshes.new(name)
    vertices, triangles = figure.vertices.astype(np.float32), figure.triangles.astype(np.int32)
    mesh.vertices.add(len(vertices))
    mesh.vertices.foreach_set("co", vertices.ravel())
    mesh.loops.add(triangles.size)
    mesh.loops.foreach_set("vertex_index", triangles.ravel())
    mesh.polygons.add(len(triangles))
    mesh.polygons.foreach_set("loop_start", np.arange(0, triangles.size, 3, dtype=np.int32))
    looks = _look(character)
    extra = EXTRA_MATERIALS if figure.materials.max() >= len(MATERIALS) else ()
    for material in MATERIALS + extra:
        mesh.materials.append(_material(f"{name} {material}", *looks[material]))
    mesh.polygons.foreach_set("material_index", figure.materials.astype(np.int32))
    mesh.update(calc_edges=True)
    mesh.shade_smooth()
    obj = bpy.data.objects.new(name, mesh)
    bpy.context.scene.collection.objects.link(obj)
    _vertex_groups(obj, figure)
    return obj


def _vertex_groups(obj, figure):
    """One group per bone, filled weight class by weight class (Blender has no bulk setter for them)."""
    for index, (bone, _) in enumerate(BONES):
        rows, columns = np.nonzero((figure.bones == index) & (figure.weights > 0.0))
        if not len(rows):
            continue
        group = obj.vertex_groups.new(name=bone)
        weights = figure.weights[rows, columns]
        full = weights > 1.0 - 1e-9
        group.add(rows[full].tolist(), 1.0, "REPLACE")
        for vertex, weight in zip(rows[~full].tolist(), weights[~full].tolist(), strict=True):
            group.add((vertex,), weight, "REPLACE")


def _look(character):
    """(linear colour, roughness) of every material."""
    skin, hair = _linear(character.skin_colour), _linear(character.hair_colour)
    male = character.masculinity
    red = np.array([0.42, 0.10, 0.10])
    dark = np.array([0.01, 0.008, 0.007])
    return {
        "skin": (skin, 0.5),
        "lips": (skin * (0.72 - 0.10 * (1 - male)) + skin * red * (0.45 + 0.45 * (1 - male)), 0.4),
        "brows": (hair * 0.75 + dark * 0.25, 0.8),
        "lashes": (dark, 0.6),
        "eye_white": (np.array([0.80, 0.79, 0.77]), 0.15),
        "iris": (_linear(character.eye_colour), 0.1),
        "pupil": (dark * 0.5, 0.05),
        "hair": (hair, 0.55),
        "hair_shade": (0.78 * hair, 0.7),
        "shirt": (_linear(character.shirt_colour), 0.9),
        "trousers": (_linear(character.trousers_colour), 0.85),
        "socks": (np.array([0.55, 0.55, 0.55]), 0.9),
        "shoes": (_linear(character.shoes_colour), 0.6),
        "soles": (np.array([0.70, 0.70, 0.68]), 0.7),
        "over": (_linear(character.over_colour), 0.85),
        "stripe": (_linear(character.stripe_colour), 0.85),
        "headgear": (_linear(character.headgear_colour), 0.85),
        "glasses": (dark, 0.25),
        "bag": (_linear(character.bag_colour), 0.8),
        "held": (_linear(character.bag_colour), 0.5),
    }


def _material(name, colour, roughness):
    material = bpy.data.materials.new(name)
    if material.node_tree is None:  # Blender 5 makes it by itself
        material.use_nodes = True
    rgba = (*(float(c) for c in colour), 1.0)
    shader = material.node_tree.nodes["Principled BSDF"]
    shader.inputs["Base Color"].default_value = rgba
    shader.inputs["Roughness"].default_value = roughness
    material.diffuse_color = rgba  # what Workbench shows
    material.roughness = roughness
    return material


def _linear(srgb):
    """Scene-linear colour of an sRGB one (IEC 61966-2-1)."""
    c = np.asarray(srgb)
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
