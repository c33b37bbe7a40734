"""The camera that shows a film sees as the film's did, at every frame of the scene, whatever its rate and picture."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("bpy")

import bpy

from graphics_ml.blender.film_camera import FilmedView, show_film
from graphics_ml.blender.scene import empty_scene, set_frame_rate
from graphics_ml.blender.stage import camera_in_scene
from graphics_ml.motion.camera import Camera, look_at
from graphics_ml.motion.rotations import multiply, quaternion_from_axis_angle, quaternion_from_matrix

POINTS = np.array([[0.1, 0.2, 0.3], [-0.4, 1.5, 0.1], [0.3, 1.0, -0.8]])


@pytest.fixture
def film():
    empty_scene()
    return Path(__file__).parents[2] / "scenes" / "demo" / "clip.mp4"


def seen_from(position):
    return Camera(640, 960, 900.0, (300.0, 500.0), look_at(position, (0.0, 1.0, 0.0), roll=0.1), position)


def pixels_of_the_film(scene, points):
    """Where the scene's camera sees points, in pixels of the film, which just fits into the scene's picture."""
    seen = camera_in_scene(scene)
    size = np.array([seen.width, seen.height])
    return (seen.project(points) - size / 2) / (size / (640, 960)).min() + (320, 480)


@pytest.mark.parametrize("size", [(1920, 1080), (500, 1000), (640, 960)])
@pytest.mark.parametrize("unit", [1.0, 0.01])
def test_points_fall_where_the_film_has_them(size, unit, film):
    scene = bpy.context.scene
    scene.unit_settings.scale_length = unit
    scene.render.resolution_x, scene.render.resolution_y = size
    camera = seen_from((1.0, 1.4, 4.0))
    show_film(FilmedView(film, Fraction(24), 0.0, 8, camera), 1)
    thing = scene.camera
    thing.location = np.array(thing.location) * unit  # camera_in_scene reads metres
    bpy.context.view_layer.update()
    np.testing.assert_allclose(pixels_of_the_film(scene, POINTS), camera.project(POINTS), atol=0.05)


def test_a_scaled_character_is_seen_at_the_same_place(film):
    camera = seen_from((1.0, 1.4, 4.0))
    show_film(FilmedView(film, Fraction(24), 0.0, 8, camera), 1, scale=0.5)
    np.testing.assert_allclose(pixels_of_the_film(bpy.context.scene, 0.5 * POINTS), camera.project(POINTS), atol=0.05)


def test_a_camera_that_turned_turns_in_step(film):
    scene = bpy.context.scene
    set_frame_rate(scene, Fraction(48))
    camera = seen_from((1.0, 1.4, 4.0))
    angles = np.linspace(0, 0.4, 8)[:, None] * [0.2, 1.0, 0.1]
    turns = multiply(quaternion_from_axis_angle(angles), quaternion_from_matrix(camera.rotation))
    show_film(FilmedView(film, Fraction(24), 0.0, 8, camera, turns), 11)
    for row in (0, 3, 7):
        scene.frame_set(11 + 2 * row)
        turned = camera.replace(rotation=np.array(_matrix(turns[row])))
        np.testing.assert_allclose(pixels_of_the_film(scene, POINTS), turned.project(POINTS), atol=0.1)


def _matrix(turn):
    from scipy.spatial.transform import Rotation

    return Rotation.from_quat(turn[[1, 2, 3, 0]]).as_matrix()


@pytest.mark.parametrize(("rate", "start"), [(24, 0.0), (24, 0.1), (30, 0.0), (12, 0.05), (Fraction(24000, 1001), 0)])
def test_every_frame_shows_the_picture_of_its_time(rate, start, film):
    scene = bpy.context.scene
    set_frame_rate(scene, Fraction(rate))
    thing = show_film(FilmedView(film, Fraction(24), start, 6, seen_from((1.0, 1.4, 4.0))), 21)
    user = thing.data.background_images[0].image_user
    count = int(5 * Fraction(rate) / 24) + 1
    assert (user.frame_start, user.frame_duration) == (21, count)
    for frame in range(21, 21 + count):
        scene.frame_set(frame)
        shown = frame - user.frame_start + user.frame_offset
        assert abs(shown - (start + (frame - 21) / float(rate)) * 24) <= 0.5 + 1e-6


def test_the_same_film_again_takes_the_camera_it_has(film):
    view = FilmedView(film, Fraction(24), 0.0, 8, seen_from((1.0, 1.4, 4.0)))
    first = show_film(view, 1)
    assert show_film(view, 5) is first and len(first.data.background_images) == 1
    own = bpy.data.objects.new("Mine", bpy.data.cameras.new("Mine"))
    bpy.context.scene.collection.objects.link(own)
    assert show_film(view, 1, thing=own) is own and bpy.context.scene.camera is first


def test_what_moved_an_animators_camera_is_muted_and_not_lost(film):
    scene, lens = bpy.context.scene, bpy.data.cameras.new("Mine")
    own = bpy.data.objects.new("Mine", lens)
    scene.collection.objects.link(own)
    own.keyframe_insert("location", frame=1)
    action = own.animation_data.action
    own.animation_data.nla_tracks.new().strips.new("sway", 1, action)
    own.driver_add("rotation_euler", 2).driver.expression = "0.3"
    lens.driver_add("lens").driver.expression = "20"
    own.constraints.new("LIMIT_LOCATION").use_max_x = True
    camera = seen_from((1.0, 1.4, 4.0))
    show_film(FilmedView(film, Fraction(24), 0.0, 8, camera), 1, thing=own)
    scene.camera = own
    scene.frame_set(3)
    np.testing.assert_allclose(pixels_of_the_film(scene, POINTS), camera.project(POINTS), atol=0.05)
    assert action.use_fake_user and own.animation_data.nla_tracks[0].strips[0].action == action
    assert len(own.animation_data.drivers) == len(lens.animation_data.drivers) == len(own.constraints) == 1
