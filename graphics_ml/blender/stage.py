# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a character is filmed: a scene of its own with floor, walls, light and a camera, gone afterwards.

The character's meshes are copied into the new scene and follow the same armature, so that what is done for the picture
alone (materials made opaque, broken normals dropped) never reaches the rig that the user saves.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import bpy
import numpy as np

from graphics_ml.blender.rigs import is_moved_by, meshes_of
from graphics_ml.blender.scene import blender_from_ours, ours_from_blender
from graphics_ml.motion.camera import Camera, framing_camera

SENSOR = 36.0
"""Width in millimetres of the film in Blender's cameras; only its ratio to the focal length matters."""


@contextmanager
def stage(armature: bpy.types.Object) -> Iterator[bpy.types.Scene]:
    """A new scene with the armature and copies of its meshes; on leaving, all that is in it but the armature goes.

    The armature is the very object, so the action that it plays is filmed, and it stays where it is.
    """
    scene = bpy.data.scenes.new("Stage")
    # Only the window's scene is rendered at its own current frame.
    window = bpy.context.window_manager.windows[0]
    shown, window.scene = window.scene, scene
    try:
        _link(scene, armature)
        for mesh in _shown_meshes(armature):
            copy = mesh.copy()
            copy.data = mesh.data.copy()
            _link(scene, copy)
            make_visible(copy)
        scene.view_layers[0].update()
        yield scene
    finally:
        window.scene = shown
        _strike(scene, armature)


def rest_height(armature: bpy.types.Object) -> float:
    """Metres from the lowest to the highest point of the character in its rest pose."""
    heights = []
    for mesh in _shown_meshes(armature):
        places = np.empty(len(mesh.data.vertices) * 3, np.float32)
        mesh.data.vertices.foreach_get("co", places)
        heights.append(_moved(mesh.matrix_world, places.reshape(-1, 3))[:, 2])
    if not heights:
        ends = [end for bone in armature.data.bones for end in (bone.head_local, bone.tail_local)]
        heights.append(_moved(armature.matrix_world, np.array(ends, dtype=np.float64))[:, 2])
    return float(np.ptp(np.concatenate(heights)))


def filmed_points(scene: bpy.types.Scene, armature: bpy.types.Object, frames: Iterable[int], most: int = 24):
    """Points (N, 3) on the character's skin, Y up, over at most `most` of the frames spread evenly.

    The scene's current frame changes.
    """
    frames = list(frames)
    some = sorted({frames[round(i)] for i in np.linspace(0, len(frames) - 1, min(most, len(frames)))})
    points = []
    for frame in some:
        scene.frame_set(frame)
        points.append(skin_points(scene, armature))
    return np.concatenate(points)


def skins_in(scene: bpy.types.Scene, armature: bpy.types.Object) -> list[bpy.types.Object]:
    """The meshes of the scene that the armature moves."""
    return [thing for thing in scene.objects if thing.type == "MESH" and is_moved_by(thing, armature)]


def skin_points(scene: bpy.types.Scene, armature: bpy.types.Object) -> np.ndarray:
    """Some 800 points (N, 3) on each mesh that the armature moves, Y up, at the current frame; bones without a mesh."""
    graph = scene.view_layers[0].depsgraph
    points = []
    for skin in skins_in(scene, armature):
        evaluated = skin.evaluated_get(graph)
        vertices = evaluated.data.vertices
        if len(vertices):
            places = np.empty(len(vertices) * 3, np.float32)
            vertices.foreach_get("co", places)
            points.append(_moved(evaluated.matrix_world, places.reshape(-1, 3)[:: 1 + len(vertices) // 800]))
    if not points:
        evaluated = armature.evaluated_get(graph)
        ends = [end for bone in evaluated.pose.bones for end in (bone.head, bone.tail)]
        points.append(_moved(evaluated.matrix_world, np.array(ends, dtype=np.float64)))
    return ours_from_blender(np.concatenate(points))


def picture_of(scene: bpy.types.Scene, armature: bpy.types.Object, camera: Camera) -> tuple[int, int, int, int]:
    """The part of the picture, (left, top, right, bottom) pixels, that holds the character and its shadow on the floor.

    At the scene's current frame; all of the picture where part of the character is behind the camera.
    """
    points = skin_points(scene, armature)
    floor = min(
        (thing.matrix_world.translation.z for thing in scene.objects if thing.name.startswith("Floor")), default=None
    )
    for sun in scene.objects if floor is not None else ():
        if sun.type == "LIGHT" and sun.data.type == "SUN":
            ray = ours_from_blender(-np.array(sun.matrix_world)[:3, 2])
            fall = (points[:, 1:2] - floor) / -ray[1]
            points = np.concatenate((points, points + np.maximum(fall, 0) * ray))
    seen = camera.project(points)
    size = np.array([camera.width, camera.height])
    if np.isnan(seen).any():
        return 0, 0, camera.width, camera.height
    around = 14 + 0.02 * size.max()
    low = np.clip(np.floor(seen.min(axis=0) - around), 0, size - 1).astype(int)
    high = np.clip(np.ceil(seen.max(axis=0) + around), low + 1, size).astype(int)
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def place_camera(scene: bpy.types.Scene, camera: Camera, thing: bpy.types.Object | None = None) -> bpy.types.Object:
    """A Blender camera, `thing` or a new one, that sees as `camera` does; the scene renders its picture through it."""
    if thing is None:
        thing = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
        _link(scene, thing)
    longer = max(camera.width, camera.height)
    lens = thing.data
    lens.sensor_fit, lens.sensor_width = "AUTO", SENSOR
    lens.lens = camera.focal * SENSOR / longer
    lens.shift_x = (camera.width / 2 - camera.centre[0]) / longer
    lens.shift_y = (camera.centre[1] - camera.height / 2) / longer
    lens.clip_start, lens.clip_end = 0.05, 500
    right, down, ahead = blender_from_ours(camera.rotation)
    place = np.eye(4)
    place[:3] = np.stack([right, -down, -ahead, blender_from_ours(camera.position)], axis=1)
    thing.matrix_world = place.T.tolist()
    scene.camera = thing
    render = scene.render
    render.resolution_x, render.resolution_y, render.resolution_percentage = camera.width, camera.height, 100
    render.pixel_aspect_x = render.pixel_aspect_y = 1
    return thing


def camera_in_scene(scene: bpy.types.Scene) -> Camera:
    """The scene's camera as it stands, at the scene's picture size; what `place_camera` placed, to Blender's floats.

    Raises:
        ValueError: the scene has no perspective camera, or its pixels are not square.
    """
    thing, render = scene.camera, scene.render
    if thing is None or thing.type != "CAMERA" or thing.data.type != "PERSP":
        raise ValueError(f"the scene '{scene.name}' has no perspective camera")
    if render.pixel_aspect_x != render.pixel_aspect_y:
        raise ValueError(f"the pixels of the scene '{scene.name}' are not square")
    width = render.resolution_x * render.resolution_percentage // 100
    height = render.resolution_y * render.resolution_percentage // 100
    lens, longer = thing.data, max(width, height)
    across = {"AUTO": longer, "HORIZONTAL": width, "VERTICAL": height}[lens.sensor_fit]
    sensor = lens.sensor_height if lens.sensor_fit == "VERTICAL" else lens.sensor_width
    place = np.array(thing.matrix_world)
    axes = place[:3, :3] / np.linalg.norm(place[:3, :3], axis=0)
    return Camera(
        width=width,
        height=height,
        focal=lens.lens / sensor * across,
        centre=(width / 2 - lens.shift_x * across, height / 2 + lens.shift_y * across),
        rotation=ours_from_blender(np.stack([axes[:, 0], -axes[:, 1], -axes[:, 2]])),
        position=ours_from_blender(place[:3, 3]),
    )


def random_camera(rng: np.random.Generator, points: np.ndarray, width: int, height: int) -> Camera:
    """A camera as an amateur would hold it: 0.8-2 m above the floor, from anywhere around, all points in its picture.

    Field of view 35-65 degrees, roll within 3 degrees, up to a quarter farther away than need be. The floor is where
    the lowest of the points (N, 3) is.
    """
    return framing_camera(
        points,
        width,
        height,
        azimuth=rng.uniform(0, 2 * np.pi),
        camera_height=points[:, 1].min() + rng.uniform(0.8, 2.0),
        field_of_view=np.radians(rng.uniform(35, 65)),
        roll=np.radians(rng.uniform(-3, 3)),
        loosened=rng.uniform(1.0, 1.25),
    )


def furnish_room(scene: bpy.types.Scene, rng: np.random.Generator, points: np.ndarray, camera: Camera) -> None:
    """Around the points (N, 3): textured floor and walls with the camera inside, things along the far walls, light."""
    low, high = points.min(axis=0), points.max(axis=0)
    middle = np.array([(low[0] + high[0]) / 2, low[1], (low[2] + high[2]) / 2])
    toward = (camera.position - middle) * [1, 0, 1]
    reach = max(np.linalg.norm(toward), np.linalg.norm((high - low)[[0, 2]]) / 2 + 1.0) + 0.8
    turn = rng.uniform(0, 2 * np.pi)
    floor_hue, wall_hue = rng.uniform(size=2)
    floor = _planks if rng.uniform() < 0.5 else _tiles
    ground = _plane(scene, "Floor", 2.9 * reach, blender_from_ours(middle), (0, 0, turn))
    ground.data.materials.append(floor("Floor", _colour(floor_hue, 0.2, rng.uniform(0.15, 0.45))))
    paint = _plaster("Wall", _colour(wall_hue, rng.uniform(0.05, 0.4), rng.uniform(0.35, 0.75)))
    tall = max(2.8, 1.2 * camera.position[1])
    for side in range(4):
        heading = turn + side * np.pi / 2
        outward = np.array([np.cos(heading), np.sin(heading), 0])
        place = blender_from_ours(middle) + np.sqrt(2) * reach * outward + [0, 0, tall / 2]
        wall = _box(scene, "Wall", (0.1, 2 * np.sqrt(2) * reach, tall), place, heading)
        wall.data.materials.append(paint)
        if outward @ blender_from_ours(toward) > 0.3 * np.linalg.norm(toward):
            continue  # behind the camera
        along = np.array([-outward[1], outward[0], 0])
        for spot in rng.uniform(-0.9, 0.9, rng.integers(1, 4)):
            _furniture(scene, rng, place - [0, 0, tall / 2], outward, along * spot * reach, heading)
    _light(scene, rng)


def lay_grid(scene: bpy.types.Scene, points: np.ndarray, floor: float = 0.0, step: float = 0.5) -> None:
    """A bright floor with lines every `step` metres around the points (N, 3), and light: sliding feet show on it.

    Args:
        floor: its height, metres.
    """
    low, high = points.min(axis=0), points.max(axis=0)
    middle = np.round((low + high) / 2 / (2 * step)) * 2 * step * [1, 0, 1] + [0, floor, 0]
    count = int(np.ceil((np.linalg.norm((high - low)[[0, 2]]) / 2 + 4) / step))
    reach = count * step
    place = blender_from_ours(middle)
    ground = _plane(scene, "Floor", 400.0, place - [0, 0, 0.004], (0, 0, 0))
    ground.data.materials.append(_shiny("Floor", _FLOOR, 0.9))
    corners, faces = [], []
    for at in np.arange(-count, count + 1):
        width = (0.024 if at % 2 == 0 else 0.012) * step
        for a, b in (((at * step, width), (0, reach)), ((0, reach), (at * step, width))):
            first = len(corners)
            corners += [(a[0] + i * a[1], b[0] + j * b[1], 0) for i, j in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
            faces.append((first, first + 1, first + 2, first + 3))
    lines = _mesh(scene, "Lines", corners, faces, place - [0, 0, 0.002], (0, 0, 0))
    lines.data.materials.append(_shiny("Lines", _LINES, 0.9))
    for thing in (ground, lines):  # flat things have no inside, which Workbench's shadows need
        thing.display.show_shadows = False
    _sun(scene, 3.2, np.radians(35), np.radians(-40), np.radians(3))
    _world(scene, (0.80, 0.86, 0.95), 0.75)


_FLOOR, _LINES = (0.80, 0.82, 0.85), (0.22, 0.24, 0.30)


def _strike(scene, armature):
    """Remove the scene and all in it but the armature; materials and data only if nothing else uses them."""
    things = [thing for thing in scene.objects if thing is not armature]
    materials = {slot.material for thing in things for slot in thing.material_slots} - {None}
    data, world = {thing.data for thing in things} - {None}, scene.world
    bpy.data.scenes.remove(scene)
    bpy.data.batch_remove(things)
    for blocks in (data, materials, {world} - {None}):
        bpy.data.batch_remove([block for block in blocks if block.users == 0])


def _shown_meshes(armature):
    return [mesh for mesh in meshes_of(armature) if not mesh.hide_render]


def _link(scene, thing):
    scene.collection.objects.link(thing)


def _moved(matrix, points):
    m = np.array(matrix, dtype=np.float64)
    return points @ m[:3, :3].T + m[:3, 3]


def make_visible(thing):
    """Some importers leave materials fully transparent, or normals that have nothing to do with the faces."""
    mesh = thing.data
    for slot in thing.material_slots:
        if slot.material is not None and _is_transparent(slot.material):
            material = slot.material.copy()
            slot.link, slot.material = "OBJECT", material
            for node in material.node_tree.nodes:
                if node.type == "BSDF_PRINCIPLED":
                    node.inputs["Alpha"].default_value = 1.0
    if not thing.material_slots:
        mesh.materials.append(_shiny("Skin", (0.55, 0.50, 0.46), 0.7))
    if mesh.has_custom_normals and _normals_agree(mesh) < 0.5:
        mesh.attributes.remove(mesh.attributes["custom_normal"])
        for name in ("sharp_edge", "sharp_face"):
            if name in mesh.attributes:
                mesh.attributes.remove(mesh.attributes[name])


def _is_transparent(material):
    nodes = material.node_tree.nodes if material.node_tree else []
    alphas = [node.inputs["Alpha"] for node in nodes if node.type == "BSDF_PRINCIPLED"]
    return bool(alphas) and all(not alpha.is_linked and alpha.default_value < 0.01 for alpha in alphas)


def _normals_agree(mesh):
    """Mean cosine between the corners' normals and their faces'."""
    corners, faces = np.empty(len(mesh.loops) * 3, np.float32), np.empty(len(mesh.polygons) * 3, np.float32)
    mesh.corner_normals.foreach_get("vector", corners)
    mesh.polygons.foreach_get("normal", faces)
    counts = np.empty(len(mesh.polygons), np.int32)
    mesh.polygons.foreach_get("loop_total", counts)
    return float(np.einsum("ij,ij->i", corners.reshape(-1, 3), np.repeat(faces.reshape(-1, 3), counts, axis=0)).mean())


def _plane(scene, name, size, place, turn):
    half = size / 2
    corners = [(-half, -half, 0), (half, -half, 0), (half, half, 0), (-half, half, 0)]
    return _mesh(scene, name, corners, [(0, 1, 2, 3)], place, turn)


def _box(scene, name, size, place, heading):
    corners = [np.array([x, y, z]) * size / 2 for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]
    faces = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    return _mesh(scene, name, corners, faces, place, (0, 0, heading))


def _mesh(scene, name, corners, faces, place, turn):
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata([tuple(map(float, c)) for c in corners], [], faces)
    thing = bpy.data.objects.new(name, mesh)
    thing.location, thing.rotation_euler = place, turn
    _link(scene, thing)
    return thing


def _furniture(scene, rng, foot, outward, aside, heading):
    colour = _colour(rng.uniform(), rng.uniform(0.1, 0.7), rng.uniform(0.1, 0.7))
    if rng.uniform() < 0.5:  # a picture
        size, raised, depth = (0.04, rng.uniform(0.4, 1.4), rng.uniform(0.4, 1.0)), rng.uniform(1.3, 1.9), 0.07
    else:  # a cupboard or a box
        size = (rng.uniform(0.3, 0.5), rng.uniform(0.4, 1.4), rng.uniform(0.4, 1.9))
        raised, depth = size[2] / 2, 0.05 + size[0] / 2
    thing = _box(scene, "Furniture", size, foot + aside - depth * outward + [0, 0, raised], heading)
    thing.data.materials.append(_shiny("Furniture", colour, rng.uniform(0.3, 0.9)))


def _light(scene, rng):
    # High enough for shadows to fall on the floor, not on a wall.
    _sun(scene, rng.uniform(1.5, 3.0), np.radians(rng.uniform(15, 45)), rng.uniform(0, 2 * np.pi), np.radians(3))
    warmth = rng.uniform(-0.1, 0.1)
    _world(scene, (0.9 + warmth, 0.9, 0.9 - warmth), rng.uniform(0.6, 0.9))


def _sun(scene, strength, from_zenith, heading, softness):
    sun = bpy.data.objects.new("Sun", bpy.data.lights.new("Sun", "SUN"))
    sun.data.energy, sun.data.angle = strength, softness
    sun.rotation_euler = (from_zenith, 0, heading)
    _link(scene, sun)


def _world(scene, colour, strength):
    world = bpy.data.worlds.new("Sky")
    if world.node_tree is None:  # before 5.0
        world.use_nodes = True
    background = next(node for node in world.node_tree.nodes if node.type == "BACKGROUND")
    background.inputs["Color"].default_value = (*colour, 1)
    background.inputs["Strength"].default_value = strength
    world.color = colour  # what Workbench shows
    scene.world = world


def _colour(hue, saturation, value):
    """Linear RGB of a hue, saturation and value, all 0..1 (Smith 1978)."""
    ramp = np.clip(np.abs((hue * 6 + np.array([0, 4, 2])) % 6 - 3) - 1, 0, 1)
    return tuple(value * (1 - saturation + saturation * ramp))


def _shiny(name, colour, roughness):
    material, _, surface = _material(name, roughness)
    surface.inputs["Base Color"].default_value = material.diffuse_color = (*colour, 1)
    return material


def _material(name, roughness):
    material = bpy.data.materials.new(name)
    if material.node_tree is None:  # before 5.0
        material.use_nodes = True
    nodes = material.node_tree.nodes
    surface = next(node for node in nodes if node.type == "BSDF_PRINCIPLED")
    surface.inputs["Roughness"].default_value = roughness
    return material, material.node_tree, surface


def _pattern(name, kind, colour, other, roughness=0.8, stagger=0.5, **inputs):
    """A material whose colour is a procedural pattern in the object's own coordinates."""
    material, tree, surface = _material(name, roughness)
    place = tree.nodes.new("ShaderNodeTexCoord")
    pattern = tree.nodes.new(kind)
    if kind == "ShaderNodeTexBrick":
        pattern.offset = stagger
    for key, value in inputs.items():
        pattern.inputs[key].default_value = value
    tree.links.new(place.outputs["Object"], pattern.inputs["Vector"])
    for key, value in (("Color1", colour), ("Color2", other)):
        if key in pattern.inputs:
            pattern.inputs[key].default_value = (*value, 1)
    if "Color1" in pattern.inputs:
        tree.links.new(pattern.outputs["Color"], surface.inputs["Base Color"])
    else:
        ramp = tree.nodes.new("ShaderNodeValToRGB")
        ramp.color_ramp.elements[0].color, ramp.color_ramp.elements[1].color = (*colour, 1), (*other, 1)
        ramp.color_ramp.elements[0].position, ramp.color_ramp.elements[1].position = 0.35, 0.65
        tree.links.new(pattern.outputs[0], ramp.inputs["Fac"])
        tree.links.new(ramp.outputs["Color"], surface.inputs["Base Color"])
    return material


def _planks(name, colour):
    mortar = tuple(0.5 * c for c in colour)
    return _pattern(
        name, "ShaderNodeTexBrick", colour, tuple(0.75 * c for c in colour), 0.6,
        **{"Mortar": (*mortar, 1), "Scale": 1.0, "Brick Width": 1.2, "Row Height": 0.14, "Mortar Size": 0.006},
    )  # fmt: skip


def _tiles(name, colour):
    return _pattern(name, "ShaderNodeTexChecker", colour, tuple(0.7 * c for c in colour), 0.5, Scale=2.0)


def _plaster(name, colour):
    return _pattern(name, "ShaderNodeTexNoise", colour, tuple(0.8 * c for c in colour), 0.9, Scale=1.3, Detail=4.0)
