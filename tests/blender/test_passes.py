"""Passes against the geometry of spheres and planes, cameras against renderings, and the same pixels each time."""

from pathlib import Path

import bpy
import numpy as np
import OpenEXR
import pytest

from graphics_ml.blender.passes import read_plain_exr, render, render_passes, render_people
from graphics_ml.blender.scene import blender_from_ours, empty_scene
from graphics_ml.blender.scenes.build import Studio
from graphics_ml.blender.scenes.description import Scene
from graphics_ml.blender.scenes.sections import read_section
from graphics_ml.blender.stage import place_camera
from graphics_ml.motion.camera import Camera, look_at
from graphics_ml.tasks.labelled_frames import labelled_frame

RADIUS, MIDDLE = 0.5, np.array([0.2, 0.7, 0.1])
STEP = np.array([0.05, -0.02, 0.03])


def camera(size=(96, 72)):
    position = np.array([1.0, 1.6, 3.0])
    return Camera(*size, 110.0, (45.5, 38.25), look_at(position, [0.1, 0.6, 0.0], 0.2), position)


def rays(seen):
    """Directions (H, W, 3) through the middle of each pixel, one metre along the camera's axis."""
    y, x = np.mgrid[: seen.height, : seen.width] + 0.5
    ahead = np.stack([(x - seen.centre[0]) / seen.focal, (y - seen.centre[1]) / seen.focal, np.ones_like(x)], axis=-1)
    return ahead @ seen.rotation


def sphere_depth(seen, middle, radius):
    """Depth along the axis at which each pixel's ray meets a sphere first; inf where it does not."""
    ray = rays(seen)
    a, b = (ray**2).sum(-1), ray @ (seen.position - middle)
    root = b**2 - a * (((seen.position - middle) ** 2).sum() - radius**2)
    return np.where(root > 0, (-b - np.sqrt(np.maximum(root, 0))) / a, np.inf)


def add_sphere(middle, radius, index=0, segments=128):
    bpy.ops.mesh.primitive_uv_sphere_add(
        radius=radius, location=blender_from_ours(np.array(middle)), segments=segments, ring_count=segments // 2
    )
    thing = bpy.context.object
    thing.pass_index = index
    thing.data.shade_smooth()
    return thing


@pytest.fixture(scope="module")
def seen():
    """A moving sphere over a floor: what Cycles says, and the camera."""
    scene = empty_scene()
    ball = add_sphere(MIDDLE, RADIUS, 7)
    ball.keyframe_insert("location", frame=1)
    ball.location = blender_from_ours(MIDDLE + STEP)
    ball.keyframe_insert("location", frame=2)
    scene.frame_set(1)
    bpy.ops.mesh.primitive_plane_add(size=6)
    bpy.context.object.pass_index = 300
    place_camera(scene, camera())
    return render_passes(scene)


def inside(mask):
    """A mask without its rim, where a mesh is not quite the sphere."""
    core = mask.copy()
    for axis in (0, 1):
        for step in (-1, 1):
            core &= np.roll(mask, step, axis)
    return core


def test_depth_is_that_of_a_sphere_and_a_plane(seen):
    ball = sphere_depth(camera(), MIDDLE, RADIUS)
    down = rays(camera())[..., 1]
    floor = np.where(down < 0, -camera().position[1] / np.minimum(down, -1e-9), np.inf)
    on_ball, on_floor = inside(seen.indices == 7), inside(seen.indices == 300)
    assert on_ball.sum() > 500 and on_floor.sum() > 1000
    np.testing.assert_allclose(seen.depth[on_ball], ball[on_ball], atol=2e-3)
    np.testing.assert_allclose(seen.depth[on_floor], floor[on_floor], rtol=3e-5)
    assert np.isinf(seen.depth[seen.indices == 0]).all()


def test_object_indices_are_where_the_things_are(seen):
    ball = np.isfinite(sphere_depth(camera(), MIDDLE, RADIUS))
    assert ((seen.indices == 7) != ball).sum() <= 0.02 * ball.sum()
    assert set(np.unique(seen.indices)) == {0, 7, 300}


def test_normals_point_away_from_a_spheres_middle_and_up_from_the_floor(seen):
    on_ball, on_floor = inside(seen.indices == 7), inside(seen.indices == 300)
    places = camera().position + seen.depth[..., None] * rays(camera())
    true = (places - MIDDLE)[on_ball] / RADIUS
    np.testing.assert_allclose(seen.normals[on_ball], true, atol=0.02)
    np.testing.assert_allclose(seen.normals[on_floor], np.broadcast_to([0, 1, 0], (on_floor.sum(), 3)), atol=1e-5)


def test_flow_is_the_way_to_where_each_point_is_seen_next(seen):
    on_ball, on_floor = inside(seen.indices == 7), inside(seen.indices == 300)
    places = camera().position + np.where(on_ball, seen.depth, 1)[..., None] * rays(camera())
    true = camera().project(places + STEP) - camera().project(places)
    np.testing.assert_allclose(seen.flow[on_ball], true[on_ball], atol=0.02)
    np.testing.assert_allclose(seen.flow[on_floor], 0, atol=1e-3)
    assert np.isnan(seen.flow[seen.indices == 0]).all()


def test_people_are_seen_through_what_a_material_leaves_out_and_objects_keep_their_indices():
    scene = empty_scene()
    hidden, other = (
        add_sphere(MIDDLE, RADIUS, 7, segments=32),
        add_sphere(MIDDLE + np.array([0.9, 0, 0]), 0.2, 8, segments=32),
    )
    pane = add_sphere(MIDDLE, 1.3 * RADIUS, 9, segments=32)
    material = bpy.data.materials.new("Glass")
    if material.node_tree is None:
        material.use_nodes = True
    surface = next(node for node in material.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
    surface.inputs["Alpha"].default_value = 0
    pane.data.materials.append(material)
    place_camera(scene, camera())
    seen = render_people(scene, [[other], [hidden]])
    ball = sphere_depth(camera(), MIDDLE, RADIUS)
    assert set(np.unique(seen.indices)) == {0, 1, 2}
    assert ((seen.indices == 2) != np.isfinite(ball)).sum() <= 0.04 * np.isfinite(ball).sum()
    np.testing.assert_allclose(seen.depth[inside(seen.indices == 2)], ball[inside(seen.indices == 2)], atol=0.02)
    assert [thing.pass_index for thing in (hidden, other, pane)] == [7, 8, 9]


PEOPLE = dict(
    people=dict(count=2),
    characters=dict(cast=2, procedural=dict(detail=0.4)),
    occluders=dict(count=1),
)


def test_a_frame_labelled_by_passes_is_that_labelled_by_rays():
    frames = []
    for labels in ("rays", "passes"):
        toml = PEOPLE | dict(picture=dict(width=64, height=64, labels=labels))
        scene = read_section(Scene, toml, Path("scene.toml"))
        with Studio(scene) as studio:
            frames.append(labelled_frame(studio.frame(1, picture=False), scene, "0123456789abcdef"))
    rays, passes = frames
    assert (rays.instances == passes.instances).mean() > 0.98 and passes.instances.max() > 0
    same = (rays.instances == passes.instances) & np.isfinite(rays.depth) & np.isfinite(passes.depth)
    assert np.median(np.abs(rays.depth[same] - passes.depth[same])) < 1e-3
    assert (np.isfinite(rays.depth) == np.isfinite(passes.depth)).mean() > 0.98
    assert not (passes.parts[passes.instances == 0]).any()


def glow(thing):
    material = bpy.data.materials.new("Glow")
    if material.node_tree is None:
        material.use_nodes = True
    surface = next(node for node in material.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
    surface.inputs["Base Color"].default_value = (0, 0, 0, 1)
    surface.inputs["Emission Color"].default_value = (1, 1, 1, 1)
    surface.inputs["Emission Strength"].default_value = 0.6
    thing.data.materials.append(material)


@pytest.mark.parametrize("size", [(96, 72), (72, 96)])
def test_things_are_rendered_where_the_camera_projects_them(size):
    scene = empty_scene()
    where = camera().replace(width=size[0], height=size[1], centre=(size[0] / 2 - 3, size[1] / 2 + 2.5))
    for place in np.random.default_rng(2).uniform([-0.5, 0.2, -0.5], [0.6, 1.0, 0.6], (3, 3)):
        for thing in list(bpy.data.objects):
            bpy.data.objects.remove(thing)
        glow(add_sphere(place, 0.04, segments=24))
        place_camera(scene, where)
        light = render(scene, samples=64, denoise=False).astype(float).sum(axis=-1)
        light = np.where(light / 765 <= 0.04045, light / 765 / 12.92, ((light / 765 + 0.055) / 1.055) ** 2.4)
        y, x = np.mgrid[: size[1], : size[0]] + 0.5
        middle = np.array([(x * light).sum(), (y * light).sum()]) / light.sum()
        np.testing.assert_allclose(middle, where.project(place), atol=0.08)


@pytest.fixture
def lit():
    """A small scene in which samples make a difference."""
    scene = empty_scene()
    add_sphere(MIDDLE, RADIUS, segments=24)
    bpy.ops.mesh.primitive_plane_add(size=6)
    light = bpy.data.lights.new("Lamp", "POINT")
    light.energy, light.shadow_soft_size = 200, 0.5
    lamp = bpy.data.objects.new("Lamp", light)
    lamp.location = (1, -1, 3)
    scene.collection.objects.link(lamp)
    place_camera(scene, camera())
    return scene


def test_the_same_pixels_come_each_time_whatever_was_rendered_before_and_with_any_number_of_threads(lit):
    first = render(lit, seed=5, samples=4, threads=1)
    assert first.shape == (72, 96, 3) and first.dtype == np.uint8 and first.std() > 10
    render_passes(lit)
    np.testing.assert_array_equal(render(lit, seed=5, samples=4, threads=2), first)
    render(lit, engine="workbench")
    render(lit, seed=6, samples=4, aperture=0.05, focus=3)
    np.testing.assert_array_equal(render(lit, seed=5, samples=4, threads=3), first)
    assert (render(lit, seed=6, samples=4, denoise=False) != render(lit, seed=5, samples=4, denoise=False)).any()


def test_a_lens_with_an_aperture_blurs_what_is_not_in_focus(lit):
    def edges(**lens):
        return np.abs(np.diff(render(lit, samples=16, **lens).astype(float), axis=1)).max()

    away = float(camera().to_camera(MIDDLE)[2])
    assert edges(aperture=0.3, focus=0.4 * away) < 0.5 * edges()
    assert edges(aperture=0.02, focus=away) > 0.7 * edges()


def test_an_exr_file_is_read_as_openexr_reads_it(tmp_path):
    values = np.random.default_rng(0).normal(size=(2, 9, 14)).astype(np.float32)
    header = dict(compression=OpenEXR.NO_COMPRESSION, type=OpenEXR.scanlineimage)
    path = tmp_path / "x.exr"
    OpenEXR.File(header, {"b.Z": values[0], "a.X": values[1]}).write(str(path))
    read = read_plain_exr(path)
    assert set(read) == {"a.X", "b.Z"}
    np.testing.assert_array_equal(read["b.Z"], values[0])
    np.testing.assert_array_equal(read["a.X"], values[1])
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(ValueError, match="cut off"):
        read_plain_exr(path)


def test_an_exr_file_of_another_kind_is_refused(tmp_path):
    path = tmp_path / "x.exr"
    header = dict(compression=OpenEXR.ZIP_COMPRESSION, type=OpenEXR.scanlineimage)
    OpenEXR.File(header, {"Z": np.zeros((4, 4), np.float32)}).write(str(path))
    with pytest.raises(ValueError, match="compressed"):
        read_plain_exr(path)
    path.write_bytes(b"BM" + bytes(60))
    with pytest.raises(ValueError, match="no EXR"):
        read_plain_exr(path)
