"""Drawn frames as arrays, against Blender's own evaluation, our kinematics and plain geometry."""

from itertools import pairwise
from pathlib import Path

import bpy
import numpy as np
import pytest
from scipy.spatial import ConvexHull, Delaunay

from graphics_ml.blender.scene import ours_from_blender
from graphics_ml.blender.scenes.build import Studio
from graphics_ml.blender.scenes.description import read_scene
from graphics_ml.blender.scenes.motions import MotionPool
from graphics_ml.blender.scenes.people import heights_to_stand, place, reach, room

CLIP = Path(__file__).parents[2] / "scenes" / "demo" / "clip.npz"


def scene_of(folder, text):
    path = folder / "scene.toml"
    path.write_text(text.replace("CLIP", CLIP.as_posix()))
    return read_scene(path)


SEVERAL = """
[picture]
width = 48
height = 32
samples = 1
[characters.procedural]
count = 3
detail = 0.4
[people]
count = {uniform = [1, 3]}
gap = {uniform = [0, 0.5]}
[motions.poses]
count = 3
[motions.files]
files = ["CLIP"]
"""
ONE_CLIP = """
[clip]
frames = 4
fps = 24
[characters.procedural]
count = 1
detail = 0.4
[motions.files]
files = ["CLIP"]
"""


@pytest.fixture(scope="module")
def several(tmp_path_factory):
    return scene_of(tmp_path_factory.mktemp("several"), SEVERAL)


@pytest.fixture(scope="module")
def in_order(several):
    """The first frames, made one after the other."""
    with Studio(several, seed=3) as studio:
        return [studio.frame(index, picture=index == 4) for index in range(5)]


def same(one, other):
    assert (one.index, one.split, one.parameters) == (other.index, other.split, other.parameters)
    for a, b in zip(one.things, other.things, strict=True):
        assert (a.name, a.kind, a.instance) == (b.name, b.kind, b.instance)
        for name in ("vertices", "next_vertices", "triangles", "parts"):
            assert np.array_equal(getattr(a, name), getattr(b, name))
    for a, b in zip(one.people, other.people, strict=True):
        assert (a.character, a.motion, a.motion_time, a.joints) == (b.character, b.motion, b.motion_time, b.joints)
        for name in ("positions", "rotations", "anchors", "on_surface"):
            assert np.array_equal(getattr(a, name), getattr(b, name), equal_nan=True)
    for name in ("position", "rotation", "centre", "focal"):
        assert np.array_equal(getattr(one.camera, name), getattr(other.camera, name))


def test_a_frame_alone_is_the_frame_of_a_sequence(several, in_order):
    with Studio(several, seed=3) as studio:
        alone = studio.frame(4)
        same(alone, in_order[4])
        assert np.array_equal(alone.picture, in_order[4].picture)
        for index in (2, 0):
            same(studio.frame(index, picture=False), in_order[index])


def test_another_seed_gives_other_frames(several, in_order):
    with Studio(several, seed=4) as studio:
        assert studio.frame(0, picture=False).parameters != in_order[0].parameters


def test_people_stand_on_the_floor_and_not_in_each_other(in_order):
    met = 0
    for frame in in_order:
        bodies = [thing.vertices for thing in frame.things if thing.kind == "person"]
        assert [thing.instance for thing in frame.things[: len(bodies)]] == list(range(1, len(bodies) + 1))
        for body in bodies:
            assert abs(body[:, 1].min()) < 1e-4
        for one in range(len(bodies)):
            ground = bodies[one][:, [0, 2]]
            hull = Delaunay(ground[ConvexHull(ground).vertices])
            for other in range(len(bodies)):
                if one != other:
                    assert (hull.find_simplex(bodies[other][:, [0, 2]]) < 0).all()
                    met += 1
    assert met >= 4


def test_skin_and_bones_are_where_blender_has_them_and_where_the_motion_says(tmp_path):
    with Studio(scene_of(tmp_path, ONE_CLIP), seed=0) as studio:
        frame = studio.frame(2, picture=False)
        (player,) = studio._clip.players
        rig, (skin,) = player.actor.rig, player.actor.skins
        graph = bpy.context.evaluated_depsgraph_get()
        mesh = skin.evaluated_get(graph).to_mesh()
        matrix = skin.evaluated_get(graph).matrix_world
        body, person = frame.things[0], frame.people[0]
        for index in range(0, len(mesh.vertices), 97):
            at = np.array(matrix @ mesh.vertices[index].co)
            assert np.abs(ours_from_blender(at) - body.vertices[index]).max() < 1e-5
        assert len(mesh.vertices) == len(body.vertices)
        assert sorted(map(sorted, body.triangles.tolist())) == sorted(sorted(face.vertices) for face in mesh.polygons)
        for name, place in zip(person.joints, person.positions, strict=True):
            bone = rig.evaluated_get(graph).pose.bones[name]
            assert np.abs(ours_from_blender(np.array(rig.matrix_world @ bone.head)) - place).max() < 1e-5
        # Twist bones follow others in Blender and rest in the motion.
        free = [name for name in person.joints if name in player.actor.free]
        rows = [player.motion.skeleton.index(name) for name in free]
        moments = player.motion.frames(2, 3)
        matrix = player.places[2]
        turned = moments.positions()[0, rows] @ _ours(matrix).T + ours_from_blender(matrix[:3, 3])
        found = person.positions[[person.joints.index(name) for name in free]]
        assert np.abs(turned - found).max() < 1e-4


def _ours(matrix):
    """The rotation of a matrix in Blender's axes in ours."""
    change = np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]])
    return change @ matrix[:3, :3] @ change.T


def test_the_next_moment_is_the_next_frame_of_a_clip(tmp_path):
    with Studio(scene_of(tmp_path, ONE_CLIP), seed=0) as studio:
        frames = [studio.frame(index, picture=False) for index in range(5)]
    for one, following in pairwise(frames[:4]):
        assert one.split == following.split
        assert np.abs(one.things[0].next_vertices - following.things[0].vertices).max() < 1e-6
        assert following.people[0].motion_time - one.people[0].motion_time == pytest.approx(1 / 24)
        assert np.abs(one.things[0].next_vertices - one.things[0].vertices).max() > 1e-4
    assert frames[4].people[0].motion_time != pytest.approx(frames[3].people[0].motion_time + 1 / 24)


def test_blender_holds_no_more_after_many_clips(several):
    def held():
        return {
            name: len(getattr(bpy.data, name))
            for name in ("objects", "meshes", "materials", "images", "lights", "worlds")
        }

    with Studio(several, seed=3) as studio:
        for index in range(4):
            studio.frame(index)
        studio._strike()
        before, cast = held(), len(studio._characters._kept)
        for index in range(4):
            studio.frame(index)
        studio._strike()
        assert (held(), len(studio._characters._kept)) == (before, cast)


def test_a_clip_of_any_length_holds_any_pose_of_a_sheet(tmp_path):
    pool = MotionPool(scene_of(tmp_path, "[motions.poses]\ncount = 1\n"), seed=0)
    drawn = pool.draw(np.random.default_rng(0), 0, "train", 40, lasts=10.0)
    held = [act.times(start, np.linspace(0, 10, 5)) for act, start in drawn]
    assert all(np.ptp(times) == 0 for times in held) and len({times[0] for times in held}) > 8


def test_bodies_go_beside_each_other_with_the_gap_that_is_asked_for():
    rng = np.random.default_rng(0)
    for _ in range(20):
        bodies = [rng.normal(size=(50, 2)) * rng.uniform(0.1, 1, 2) for _ in range(5)]
        shifts = place(rng, [reach(body) for body in bodies], [0.3] * 5)
        nearest = []
        for one in range(1, 5):
            distances = []
            for other in range(one):
                shift = shifts[one] - shifts[other]
                distances.append(room(reach(bodies[other]), reach(bodies[one]), shift))
                placed = bodies[one] + shifts[one]
                assert (Delaunay(bodies[other] + shifts[other]).find_simplex(placed) < 0).all()
                apart = np.linalg.norm(placed[:, None] - bodies[other] - shifts[other], axis=-1).min()
                assert apart > 0.03 - 1e-9
            nearest.append(min(distances))
        assert min(nearest) == pytest.approx(0.3) or min(nearest) > 0.02


def test_who_stands_is_put_on_the_floor_and_who_jumps_is_left_in_the_air():
    lowest = np.array([0.02, 0.02, 0.3, 0.5, 0.04])
    lifts = heights_to_stand(lowest, np.array([True, True, False, False, True]))
    assert np.allclose((lowest + lifts)[[0, 1, 4]], 0)
    assert np.all((lowest + lifts)[2:4] > 0.25)
    assert heights_to_stand(np.array([0.4]), np.array([False])) == 0
    assert heights_to_stand(np.array([-0.4]), np.array([False])) == pytest.approx(0.4)
