# SPDX-License-Identifier: GPL-3.0-or-later
"""From plain values to Blender: meshes from arrays, materials from looks, images from patterns and files.

A look says what a surface is like: "colour" (sRGB), "pattern" (see patterns.py) or "picture" (a file), and "roughness",
"metallic" and "glow" (how much it shines by itself, instead of being lit).
"""

from collections.abc import Iterable
from pathlib import Path

import bpy
import numpy as np

from graphics_ml.blender.scene import blender_from_ours
from graphics_ml.blender.scenes.drawn import KIND
from graphics_ml.blender.scenes.patterns import paint
from graphics_ml.errors import FileError
from graphics_ml.motion.camera import Camera


def add_mesh(
    collection: bpy.types.Collection,
    name: str,
    vertices: np.ndarray,
    triangles: np.ndarray,
    uv: np.ndarray,
    slots: np.ndarray,
    materials: list[bpy.types.Material],
    kind: str = "thing",
) -> bpy.types.Object:
    """A mesh object in a collection.

    Args:
        vertices: (V, 3) world, our axes, metres.
        triangles: (T, 3), and `slots` (T,) which of the materials each has.
        uv: (T, 3, 2) of the triangles' corners.
        kind: "thing" or "ground".
    """
    mesh = bpy.data.meshes.new(name)
    mesh.vertices.add(len(vertices))
    mesh.vertices.foreach_set("co", blender_from_ours(vertices).astype(np.float32).ravel())
    mesh.loops.add(3 * len(triangles))
    mesh.loops.foreach_set("vertex_index", np.ascontiguousarray(triangles, dtype=np.int32).ravel())
    mesh.polygons.add(len(triangles))
    mesh.polygons.foreach_set("loop_start", np.arange(0, 3 * len(triangles), 3, dtype=np.int32))
    mesh.polygons.foreach_set("material_index", np.ascontiguousarray(slots, dtype=np.int32))
    for material in materials:
        mesh.materials.append(material)
    set_uv(mesh, uv)
    mesh.update(calc_edges=True)
    thing = bpy.data.objects.new(name, mesh)
    thing[KIND] = kind
    collection.objects.link(thing)
    return thing


def set_uv(mesh: bpy.types.Mesh, uv: np.ndarray) -> None:
    """Give a mesh of triangles its texture coordinates (T, 3, 2)."""
    layer = mesh.uv_layers.get(UV) or mesh.uv_layers.new(name=UV)
    layer.uv.foreach_set("vector", np.ascontiguousarray(uv, dtype=np.float32).ravel())


UV = "graphics_ml"
"""Name of the texture coordinates that materials of looks use."""


def box_uv(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Texture coordinates (T, 3, 2), metres: each triangle seen along the axis that it faces most."""
    corners = vertices[triangles]
    normals = np.abs(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]))
    axis = normals.argmax(axis=1)
    seen = np.array([[2, 1], [0, 2], [0, 1]])[axis]
    return np.take_along_axis(corners, np.repeat(seen[:, None], 3, axis=1), axis=2)


def is_seen(vertices: np.ndarray, cameras: Iterable[Camera]) -> bool:
    """Whether something convex (V, 3) may be in the picture of any of these cameras."""
    for camera in cameras:
        x, y, z = camera.to_camera(vertices).T
        left, top = camera.centre / camera.focal
        right, bottom = (np.array([camera.width, camera.height]) - camera.centre) / camera.focal
        if not any((side < 0).all() for side in (z, x + left * z, y + top * z, right * z - x, bottom * z - y)):
            return True
    return False


def plain(look: dict) -> dict:
    """A look without its picture: what of a surface is seen in mirrors alone need not be painted."""
    if "colour" in look:
        return look
    colours = look["pattern"]["colours"] if "pattern" in look else [[0.5, 0.5, 0.5]]
    kept = {key: value for key, value in look.items() if key not in ("pattern", "picture")}
    return kept | dict(colour=np.mean(colours, axis=0).tolist())


def look_material(name: str, look: dict, size: int = 256) -> bpy.types.Material:
    """A material of a look; patterns are painted with `size` pixels a side.

    Raises:
        FileError: the look's picture cannot be read.
    """
    material = bpy.data.materials.new(name)
    if material.node_tree is None:  # before 5.0
        material.use_nodes = True
    set_look(material, look, size)
    return material


def set_look(material: bpy.types.Material, look: dict, size: int = 256) -> None:
    """Give a material with a Principled BSDF another look; what of it the look leaves out stays.

    Raises:
        FileError: the look's picture cannot be read.
    """
    tree = material.node_tree
    surface = next(node for node in tree.nodes if node.type == "BSDF_PRINCIPLED")
    glow = look.get("glow", 0.0)
    colour = surface.inputs["Emission Color" if glow else "Base Color"]
    for key, name in (("roughness", "Roughness"), ("metallic", "Metallic")):
        if key in look:
            surface.inputs[name].default_value = look[key]
    image = look_image(look, size)
    if image is not None:
        texture = tree.nodes.new("ShaderNodeTexImage")
        texture.image = image
        place = tree.nodes.new("ShaderNodeUVMap")
        place.uv_map = UV
        tree.links.new(place.outputs["UV"], texture.inputs["Vector"])
        tree.links.new(texture.outputs["Color"], colour)
        tree.nodes.active = texture  # what Workbench shows
    elif "colour" in look:
        rgba = (*linear(look["colour"]), 1.0)
        colour.default_value = material.diffuse_color = rgba
    if glow:
        surface.inputs["Base Color"].default_value = (0, 0, 0, 1)
        surface.inputs["Specular IOR Level"].default_value = 0
        surface.inputs["Emission Strength"].default_value = glow
        if hasattr(material.cycles, "emission_sampling"):
            material.cycles.emission_sampling = "NONE"  # it is seen, but no lamp


def look_image(look: dict, size: int) -> bpy.types.Image | None:
    """The image of a look's pattern or picture; None of a plain colour.

    Raises:
        FileError: the picture cannot be read.
    """
    if "picture" in look:
        return load_picture(look["picture"])
    if "pattern" not in look:
        return None
    return picture_image(look["pattern"]["kind"], paint(look["pattern"], size))


def picture_image(name: str, pixels: np.ndarray) -> bpy.types.Image:
    """An image in Blender from pixels (H, W, 3), the upper row first: uint8 sRGB, or float32 linear."""
    height, width = pixels.shape[:2]
    glows = pixels.dtype != np.uint8
    image = bpy.data.images.new(name, width, height, float_buffer=glows)
    if glows:
        image.colorspace_settings.name = "Linear Rec.709"
    values = np.ones((height, width, 4), np.float32)
    values[..., :3] = pixels[::-1] if glows else pixels[::-1] / np.float32(255)
    image.pixels.foreach_set(values.ravel())
    image.update()
    return image


def load_picture(path: str | Path) -> bpy.types.Image:
    """A user's picture.

    Raises:
        FileError: it cannot be read as one.
    """
    try:
        image = bpy.data.images.load(str(path), check_existing=True)
    except RuntimeError as error:
        raise FileError(path, None, "the picture cannot be read; check that it is there and may be read") from error
    if not min(image.size):  # Blender finds out only when it looks at the pixels
        bpy.data.images.remove(image)
        raise FileError(path, None, "this is no picture that Blender can read; give .png, .jpg, .exr or .hdr")
    return image


def strike(collection: bpy.types.Collection) -> None:
    """Remove all objects of a collection, the current scene's sky, and all data that nothing uses."""
    bpy.data.batch_remove(list(collection.all_objects))
    bpy.context.scene.world = None
    bpy.data.orphans_purge(do_local_ids=True, do_linked_ids=True, do_recursive=True)


def linear(srgb) -> tuple[float, ...]:
    """Scene-linear values of sRGB ones (IEC 61966-2-1)."""
    c = np.asarray(srgb, dtype=np.float64)
    return tuple(np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4).tolist())
