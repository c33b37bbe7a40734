"""Stick figures and their floor, checked against the camera's own projection."""

import numpy as np
import pytest

from graphics_ml.motion.camera import Camera, look_at
from graphics_ml.motion.humanoid import standard_skeleton
from graphics_ml.motion.skeleton import EndSite, Skeleton
from graphics_ml.pose.stick_figure import Floor, bone_joints, draw_figure, draw_shadow


def a_camera(position=(2.0, 1.6, 4.0)):
    position = np.array(position)
    return Camera(200, 160, 190.0, (100, 80), look_at(position, [0, 0.5, 0]), position)


def brightness(picture, camera, point):
    x, y = camera.project(np.array(point, dtype=float))
    return picture[int(y), int(x)].astype(float).mean()


@pytest.mark.parametrize("height", [0.0, 0.4])
def test_the_floor_has_its_lines_where_the_camera_sees_them(height):
    camera = a_camera()
    picture = Floor(camera, floor=height, step=0.5).seen_from(camera.position)
    for crossing in ([0, 0], [0.5, 0.5], [-0.5, 1.0], [1.0, 0.0]):
        on = brightness(picture, camera, [crossing[0], height, crossing[1]])
        beside = brightness(picture, camera, [crossing[0] + 0.25, height, crossing[1] + 0.25])
        assert on < beside - 15


def test_a_floor_travels_below_a_camera_that_does():
    here = a_camera()
    there = here.replace(position=here.position + np.array([3.3, 0, -1.2]))
    np.testing.assert_array_equal(Floor(here).seen_from(there.position), Floor(there).seen_from(there.position))


def test_above_the_horizon_is_sky_without_lines():
    picture = Floor(a_camera()).seen_from(a_camera().position)
    rows = picture.astype(float)
    assert np.ptp(rows[:10], axis=1).max() < 2  # each row of the sky has one colour
    assert np.ptp(rows[-20:, :, 0]) > 20


def test_the_nearer_bone_hides_the_farther_one():
    camera = a_camera((0.0, 0.5, 4.0))
    across, up = [[-1, 0.5, 0.3], [1, 0.5, 0.3]], [[0, 0, -0.3], [0, 1, -0.3]]
    for order in ([0, 1], [1, 0]):
        bones, colours = np.array([across, up])[order], np.array([(255, 0, 0), (0, 255, 0)])[order]
        picture = np.full((160, 200, 3), 200, np.uint8)
        draw_figure(picture, camera, bones, colours, height=1.7)
        x, y = camera.project(np.array([0.0, 0.5, 0.3]))
        assert picture[int(y), int(x)].tolist() == [255, 0, 0]


def test_bones_get_thinner_with_distance():
    def width(z):
        picture = np.zeros((160, 200, 3), np.uint8)
        bone = np.array([[[0, -0.5, z], [0, 1.5, z]]])
        draw_figure(picture, a_camera((0.0, 0.5, 4.0)), bone, [(255, 255, 255)], height=1.7)
        return (picture[80, :, 0] > 200).sum()

    assert width(2.0) == pytest.approx(2 * width(0.0), abs=2)


def test_a_shadow_darkens_the_floor_below_and_nothing_else():
    camera = a_camera()
    picture = np.full((160, 200, 3), 220, np.uint8)
    draw_shadow(picture, camera, np.array([[[0, 1.0, 0], [0.4, 1.0, 0]]]), height=1.7)
    x, y = camera.project(np.array([0.2, 0, 0]))
    assert picture[int(y), int(x), 0] < 200
    x, y = camera.project(np.array([0.2, 1.0, 0]))
    assert picture[int(y), int(x), 0] == 220


def test_what_is_behind_the_camera_is_left_out():
    picture = np.full((160, 200, 3), 220, np.uint8)
    draw_figure(picture, a_camera(), np.array([[[2, 1.6, 9], [2.5, 1.6, 9]]]), [(255, 0, 0)], height=1.7)
    assert (picture == 220).all()


def test_every_joint_of_a_body_is_on_a_bone():
    skeleton = standard_skeleton()
    pairs, ends = bone_joints(skeleton)
    assert set(pairs[:, 1]) == set(range(1, len(skeleton)))
    assert len(ends) == len(skeleton.end_sites)


def test_a_root_that_only_carries_the_body_has_no_bone():
    offsets = np.array([[0, 0, 0], [0, 1, 0], [0, 0.2, 0], [0.1, -0.4, 0.0]])
    skeleton = Skeleton(("root", "hips", "spine", "leg"), (-1, 0, 1, 1), offsets)
    assert bone_joints(skeleton)[0].tolist() == [[1, 2], [1, 3]]


def test_only_what_hangs_on_the_top_is_a_figure():
    names, parents = ("root", "hips", "spine", "leg", "control", "control.end"), (-1, 0, 1, 1, 0, 4)
    ends = (EndSite(2, (0.0, 0.1, 0.0)), EndSite(5, (0.0, 0.1, 0.0)))
    skeleton = Skeleton(names, parents, np.ones((6, 3)), end_sites=ends)
    assert len(bone_joints(skeleton)[0]) == 5 and bone_joints(skeleton)[1].tolist() == [0, 1]
    pairs, sites = bone_joints(skeleton, top=1)
    assert pairs.tolist() == [[1, 2], [1, 3]] and sites.tolist() == [0]
