"""Filming: cameras against Blender's own projection and against rendered pixels, and a rig that is left as it was."""

import bpy
import numpy as np
import pytest
from bpy_extras.object_utils import world_to_camera_view
from mathutils import Vector

from graphics_ml.blender.actions import write_action
from graphics_ml.blender.film import filming
from graphics_ml.blender.render import read_bmp, render_frames, render_preview
from graphics_ml.blender.scene import blender_from_ours, empty_scene, ours_from_blender
from graphics_ml.blender.stage import (
    camera_in_scene,
    filmed_points,
    lay_grid,
    place_camera,
    random_camera,
    rest_height,
    skins_in,
    stage,
)
from graphics_ml.motion.camera import Camera, framing_camera, look_at
from tests.blender.simple_rig import build_rig, swing

BLOCKS = ("objects", "meshes", "materials", "cameras", "lights", "worlds", "scenes", "armatures", "actions")


@pytest.fixture
def rig():
    empty_scene()
    return build_rig()


@pytest.fixture
def moving(rig):
    write_action(rig, swing(rig, frames=8), "swing")
    return rig


def off_centre_camera():
    position = np.array([1.5, 2.0, 4.0])
    return Camera(160, 120, 130.0, (70.5, 66.25), look_at(position, [0.3, 0.9, 0.5], 0.1), position)


@pytest.mark.parametrize("size", [(160, 120), (120, 160), (128, 128)])
def test_blender_projects_as_the_camera_does(rig, size):
    camera = off_centre_camera().replace(width=size[0], height=size[1])
    points = np.random.default_rng(0).normal(size=(40, 3)) * 0.7 + [0, 1, 0]
    with stage(rig) as scene:
        thing = place_camera(scene, camera)
        scene.view_layers[0].update()
        seen = [world_to_camera_view(scene, thing, Vector(p))[:2] for p in blender_from_ours(points)]
        again = camera_in_scene(scene)
    seen = np.array(seen) * size
    seen[:, 1] = size[1] - seen[:, 1]
    np.testing.assert_allclose(camera.project(points), seen, atol=0.01)
    np.testing.assert_allclose(again.project(points), seen, atol=0.01)


def test_the_truth_lies_on_the_rendered_joint(moving):
    glowing_ball(moving, "hand.L")
    frames = [1, 4, 8]
    rows = [b.name for b in moving.data.bones].index("hand.L")
    with filming(moving, frames, np.random.default_rng(0), width=160, height=120) as shot:
        true = shot.camera.project(shot.positions[:, rows])
    with stage(moving) as scene:
        place_camera(scene, shot.camera)
        for picture, place in zip(render_frames(scene, frames, moving, samples=16), true, strict=True):
            light = picture.astype(float).sum(axis=-1)
            y, x = np.mgrid[: picture.shape[0], : picture.shape[1]] + 0.5
            middle = np.array([(x * light).sum(), (y * light).sum()]) / light.sum()
            np.testing.assert_allclose(middle, place, atol=0.15)


def node_material(name):
    material = bpy.data.materials.new(name)
    if material.node_tree is None:
        material.use_nodes = True
    return material


def glowing_ball(rig, bone, radius=4.0):
    """In place of the rig's mesh a small ball around one bone's head that shines by itself."""
    bpy.data.objects.remove(bpy.data.objects["Skin"])
    steps = np.linspace(0, np.pi, 13)
    corners = [
        (np.sin(a) * np.cos(b), np.sin(a) * np.sin(b), np.cos(a)) for a in steps for b in np.linspace(0, 2 * np.pi, 25)
    ]
    faces = [(i, i + 1, i + 26, i + 25) for row in range(12) for i in range(row * 25, row * 25 + 24)]
    mesh = bpy.data.meshes.new("Ball")
    mesh.from_pydata(np.array(corners) * radius + rig.data.bones[bone].head_local, [], faces)
    material = node_material("Glow")
    surface = next(node for node in material.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
    surface.inputs["Base Color"].default_value = (0, 0, 0, 1)
    surface.inputs["Emission Color"].default_value = (1, 1, 1, 1)
    surface.inputs["Emission Strength"].default_value = 1
    mesh.materials.append(material)
    ball = bpy.data.objects.new("Ball", mesh)
    bpy.context.scene.collection.objects.link(ball)
    ball.vertex_groups.new(name=bone).add(range(len(corners)), 1.0, "REPLACE")
    ball.parent = rig
    ball.modifiers.new("Armature", "ARMATURE").object = rig
    bpy.context.view_layer.update()


def test_the_truth_is_blenders_own_pose(moving):
    with filming(moving, range(1, 9), np.random.default_rng(0)) as shot:
        pass
    bpy.context.scene.frame_set(5)
    seen = moving.evaluated_get(bpy.context.evaluated_depsgraph_get())
    heads = [seen.matrix_world @ seen.pose.bones[name].head for name in shot.bones]
    np.testing.assert_allclose(shot.positions[4], ours_from_blender(np.array(heads)), atol=1e-6)


def test_pictures_move_with_the_rig_and_have_the_asked_size(moving):
    with filming(moving, range(1, 9, 3), np.random.default_rng(1), width=96, height=64, samples=1) as shot:
        pictures = [picture.astype(int) for picture in shot.pictures]
    assert [picture.shape for picture in pictures] == [(64, 96, 3)] * 3
    assert len(shot.positions) == 3
    assert np.abs(pictures[0] - pictures[2]).max() > 30


def test_the_same_seed_films_the_same(moving):
    def film(seed):
        with filming(moving, [1, 5], np.random.default_rng(seed), width=64, height=64, samples=2) as shot:
            return np.stack(list(shot.pictures))

    first = film(3)
    np.testing.assert_array_equal(first, film(3))
    assert np.abs(first.astype(int) - film(4)).mean() > 5


def test_filming_leaves_everything_as_it_was(moving):
    bpy.context.scene.frame_set(3)
    before = state(moving)
    with filming(moving, [1, 2], np.random.default_rng(0), width=32, height=32, samples=1) as shot:
        list(shot.pictures)
    assert state(moving) == before


def test_a_stage_that_fails_is_cleared_too(moving):
    before = state(moving)
    with pytest.raises(RuntimeError, match="on purpose"), stage(moving) as scene:
        lay_grid(scene, np.zeros((1, 3)))
        raise RuntimeError("on purpose")
    assert state(moving) == before


def state(rig):
    blocks = {kind: sorted(block.name for block in getattr(bpy.data, kind)) for kind in BLOCKS}
    window = bpy.context.window_manager.windows[0]
    return blocks, window.scene.name, bpy.context.scene.frame_current, rig.animation_data.action.name


@pytest.mark.parametrize("seed", range(12))
def test_random_cameras_hold_the_character_all_along(moving, seed):
    with stage(moving) as scene:
        points = filmed_points(scene, moving, range(1, 9))
    camera = random_camera(np.random.default_rng(seed), points, 200, 120)
    seen = camera.project(points)
    assert (seen >= 0).all() and (seen <= [200, 120]).all()
    above_floor = camera.position[1] - points[:, 1].min()
    assert 0.8 <= above_floor <= 2.0
    assert np.radians(35) <= camera.field_of_view() <= np.radians(65)
    assert abs(np.arcsin(camera.rotation[0, 1])) <= np.radians(3) + 1e-9


@pytest.mark.parametrize("azimuth", [0.0, 1.0, 3.0])
def test_the_framing_camera_is_as_near_as_it_can_be(azimuth):
    points = np.random.default_rng(0).uniform(-1, 1, (200, 3)) + np.array([3, 1, -2])
    camera = framing_camera(points, 300, 200, azimuth=azimuth, margin=0.1)
    room = np.abs(camera.project(points) - [150, 100]).max(axis=0) / [300, 200]
    assert room.max() == pytest.approx(0.4, abs=1e-3)
    outward = camera.position - points.mean(axis=0)
    assert np.arctan2(outward[0], outward[2]) == pytest.approx(azimuth, abs=0.1)


def test_a_part_rendered_alone_fits_into_the_whole(moving):
    with stage(moving) as scene:
        points = filmed_points(scene, moving, range(1, 9))
        camera = framing_camera(points, 80, 80, azimuth=0.4, camera_height=1.5, loosened=1.3)
        place_camera(scene, camera)
        lay_grid(scene, points, floor=points[:, 1].min())
        (in_parts,) = render_frames(scene, [4], moving, samples=16)
        scene.render.use_border = False
        scene.frame_set(4)
        scene.render.filepath = bpy.app.tempdir + "whole.bmp"
        bpy.ops.render.render(write_still=True, scene=scene.name)
        whole = read_bmp(scene.render.filepath)
    assert np.abs(in_parts.astype(int) - whole).mean() < 1.5


def test_previews_follow_a_moving_camera(moving):
    with stage(moving) as scene:
        points = filmed_points(scene, moving, [1])
        lay_grid(scene, points, floor=points[:, 1].min())
        cameras = [framing_camera(points, 64, 48, azimuth=a) for a in (0.0, 0.0, 1.2)]
        a, b, c = (picture.astype(int) for picture in render_preview(scene, [1, 1, 1], cameras))
    assert a.shape == (48, 64, 3)
    assert np.abs(a - b).max() == 0
    assert np.abs(a - c).max() > 20


def test_transparent_materials_are_opaque_on_the_stage_alone(rig):
    material = node_material("Glass")
    surface = next(node for node in material.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
    surface.inputs["Alpha"].default_value = 0.0
    bpy.data.objects["Skin"].data.materials.append(material)
    with stage(rig) as scene:
        shown = next(thing for thing in scene.objects if thing.type == "MESH").material_slots[0].material
        node = next(node for node in shown.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
        assert node.inputs["Alpha"].default_value == 1.0
    assert surface.inputs["Alpha"].default_value == 0.0
    assert bpy.data.objects["Skin"].material_slots[0].material is material


def test_what_hangs_from_the_armature_by_an_empty_is_on_the_stage_and_what_is_not_rendered_is_not(rig):
    handle = bpy.data.objects.new("Handle", None)
    handle.parent = rig
    for name, parent, hidden in (("Sword", handle, False), ("Collider", rig, True)):
        thing = bpy.data.objects.new(name, bpy.data.objects["Skin"].data.copy())
        thing.parent, thing.hide_render = parent, hidden
        bpy.context.scene.collection.objects.link(thing)
    with stage(rig) as scene:
        shown = {thing.name.partition(".")[0] for thing in scene.objects if thing.type == "MESH"}
        assert {skin.name for skin in skins_in(scene, rig)} == {t.name for t in scene.objects if t.type == "MESH"}
    assert shown == {"Skin", "Sword"}


def test_the_rest_height_is_the_meshs_own(rig):
    skin = bpy.data.objects["Skin"]
    tall = [(skin.matrix_world @ vertex.co).z for vertex in skin.data.vertices]
    assert rest_height(rig) == pytest.approx(max(tall) - min(tall), abs=1e-5)


def test_no_frames_are_no_film(rig):
    with pytest.raises(ValueError, match="no frames"), filming(rig, [], np.random.default_rng(0)):
        pass


def test_a_picture_of_another_kind_is_refused(tmp_path):
    (tmp_path / "x.bmp").write_bytes(b"BM" + bytes(100))
    with pytest.raises(ValueError, match="no uncompressed"):
        read_bmp(tmp_path / "x.bmp")
