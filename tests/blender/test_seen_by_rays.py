"""What rays over plain arrays say of a picture is what Blender says of it: Cycles' passes, and its own ray casts."""

from dataclasses import replace

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from bpy_extras.object_utils import world_to_camera_view  # noqa: E402
from mathutils import Quaternion, Vector  # noqa: E402

from graphics_ml.blender.characters import Character, build_character  # noqa: E402
from graphics_ml.blender.passes import render_passes  # noqa: E402
from graphics_ml.blender.scene import blender_from_ours, empty_scene, ours_from_blender  # noqa: E402
from graphics_ml.blender.scenes.anchors import smooth_triangles, triangles_of  # noqa: E402
from graphics_ml.blender.stage import camera_in_scene, place_camera  # noqa: E402
from graphics_ml.geometry.ray_labels import HIDDEN, UNLABELLED, VISIBLE, Body, Surface, ray_labels  # noqa: E402
from graphics_ml.keypoints import COCO, FACE, TOUCHING, WHOLE_BODY  # noqa: E402
from graphics_ml.motion.camera import Camera, look_at  # noqa: E402
from tests.blender.test_anchors import Labelled  # noqa: E402

MOVED = ("upper_arm", "forearm", "hand", "thigh", "shin", "foot")


@pytest.fixture(scope="module")
def crowd():
    """Two characters and two boxes, one shaded smooth, on a floor."""
    empty_scene()
    characters = Character(masculinity=1.0), Character(height=1.6, masculinity=0.0, hair="long")
    people = [Labelled(build_character(one, detail=0.5), one) for one in characters]
    for index, person in enumerate(people):
        person.skins[0].pass_index = index + 1
    things = []
    for size, place in ((20, (0, 0, 0)), (0.4, (0.7, -0.4, 0.3)), (0.5, (-0.6, 0.5, 0.8))):
        add = bpy.ops.mesh.primitive_plane_add if size == 20 else bpy.ops.mesh.primitive_cube_add
        add(size=size, location=place)
        things.append(bpy.context.object)
    things[1].data.shade_smooth()
    return people, things


def pose(people, rng):
    for person in people:
        person.rig.location = (*rng.normal(0, 0.5, 2), 0)
        person.rig.rotation_euler = (0, 0, rng.uniform(0, 2 * np.pi))
        for bone in person.rig.pose.bones:
            if "twist" not in bone.name:
                bone.rotation_mode = "QUATERNION"
                spread = 0.35 if bone.name.partition(".")[0] in MOVED else 0.1
                bone.rotation_quaternion = Quaternion((1, *rng.normal(0, spread, 3))).normalized()
    turn = rng.uniform(0, 2 * np.pi)
    eye = np.array([3 * np.sin(turn), rng.uniform(0.3, 2), 3 * np.cos(turn)])
    camera = Camera(96, 96, rng.uniform(80, 130), [48, 47], look_at(eye, [0, 0.9, 0]), eye)
    place_camera(bpy.context.scene, camera, bpy.context.scene.camera)
    bpy.context.view_layer.update()
    return camera_in_scene(bpy.context.scene)


def surfaces_of(people, things):
    found = []
    for instance, person in enumerate(people, start=1):
        mesh = person.skins[0].data
        parts, smooth = person.anchors.parts[0], smooth_triangles(mesh)
        found.append(Surface(person.vertices()[0], triangles_of(mesh), instance=instance, parts=parts, smooth=smooth))
    for thing in things:
        points = np.array([thing.matrix_world @ vertex.co for vertex in thing.data.vertices])
        triangles = triangles_of(thing.data)
        found.append(Surface(ours_from_blender(points), triangles, smooth=smooth_triangles(thing.data)))
    return found


def labelled(camera, people, things):
    bodies = [
        Body(instance, person.places(), person.anchors.on_surface) for instance, person in enumerate(people, start=1)
    ]
    return ray_labels(camera, surfaces_of(people, things), bodies), bodies


def test_depth_normals_and_masks_are_those_of_cycles(crowd):
    people, things = crowd
    camera = pose(people, np.random.default_rng(3))
    labels, _ = labelled(camera, people, things)
    passes = render_passes(bpy.context.scene)
    assert (labels.instances == passes.indices).mean() > 0.999
    assert min((labels.instances == k).sum() for k in (1, 2)) > 100
    seen = (labels.instances == passes.indices) & np.isfinite(labels.depth)
    assert (np.isfinite(passes.depth) == np.isfinite(labels.depth)).mean() > 0.999
    apart = np.abs(labels.depth[seen] - passes.depth[seen]) / labels.depth[seen]
    assert np.percentile(apart, 99) < 1e-3  # its rays spread over a hundredth of a pixel
    angles = np.degrees(np.arccos(np.clip((labels.normals * passes.normals).sum(axis=-1), -1, 1)))[seen]
    assert np.percentile(angles, 95) < 0.2  # it turns some that are seen aslant, so that they could mirror light


def test_flow_is_cycles_motion_vectors_when_people_and_camera_move(crowd):
    people, things = crowd
    scene = bpy.context.scene
    now = pose(people, np.random.default_rng(5))
    moving = [person.rig for person in people] + [scene.camera]
    try:
        for frame in (1, 2):
            for thing in moving:
                if frame == 2:
                    thing.location += Vector((0.05, -0.03, 0.02))
                thing.keyframe_insert("location", frame=frame)
        scene.frame_set(2)
        then, later = camera_in_scene(scene), surfaces_of(people, things)
        scene.frame_set(1)
        surfaces = [
            replace(one, next_vertices=next_one.vertices)
            for one, next_one in zip(surfaces_of(people, things), later, strict=True)
        ]
        ours = ray_labels(now, surfaces, next_camera=then)
        theirs = render_passes(scene)
    finally:
        for thing in moving:
            thing.animation_data_clear()
    seen = (ours.instances == theirs.indices) & np.isfinite(ours.flow).all(axis=-1)
    assert seen.mean() > 0.5 and np.abs(ours.flow[seen]).max() > 1.0
    assert np.percentile(np.abs(ours.flow - theirs.flow)[seen], 99) < 0.01


def test_keypoints_fall_where_blender_projects_them(crowd):
    people, _ = crowd
    camera = pose(people, np.random.default_rng(8))
    places = np.concatenate([person.places() for person in people])
    theirs = [
        world_to_camera_view(bpy.context.scene, bpy.context.scene.camera, Vector(place))
        for place in blender_from_ours(places)
    ]
    theirs = np.array([(view.x * camera.width, (1 - view.y) * camera.height) for view in theirs])
    np.testing.assert_allclose(camera.project(places), theirs, atol=0.01)


def test_visibility_is_that_of_blenders_own_ray_casts(crowd):
    people, things = crowd
    agreed, flags = [], []
    for seed in range(12):
        camera = pose(people, np.random.default_rng(seed))
        labels, bodies = labelled(camera, people, things)
        graph = bpy.context.evaluated_depsgraph_get()
        for person, body, visibility in zip(people, bodies, labels.visibility, strict=True):
            for k, place in enumerate(body.keypoints):
                agreed.append(visibility[k] == flag_by_blender(graph, camera, person, body, k, place))
            flags.extend(visibility)
    assert np.mean(agreed) > 0.99
    assert min(np.mean(np.array(flags) == flag) for flag in (UNLABELLED, HIDDEN, VISIBLE)) > 0.02


def flag_by_blender(graph, camera, person, body, k, place):
    pixel = camera.project(place)
    if not (np.isfinite(pixel).all() and (pixel >= 0).all() and (pixel < 96).all()):
        return UNLABELLED
    way = place - camera.position
    distance = np.linalg.norm(way)
    hit, met, _, face, thing, _ = bpy.context.scene.ray_cast(
        graph, Vector(blender_from_ours(camera.position)), Vector(blender_from_ours(way / distance))
    )
    before = distance - np.linalg.norm(ours_from_blender(np.array(met)) - camera.position) if hit else -1.0
    if before <= (0.015 if body.on_surface[k] else 0.0):
        return VISIBLE
    name = WHOLE_BODY[k]
    own = thing.original is person.skins[0] and person.anchors.parts[0][face] in TOUCHING[k]
    if name in FACE or name in COCO[:5]:
        deep = 0.0
    elif name.endswith(("toe", "heel")):
        deep = 0.045
    else:
        deep = 0.03 if name[-1].isdigit() and not name.endswith("thumb1") else np.inf
    return VISIBLE if own and before <= deep else HIDDEN
