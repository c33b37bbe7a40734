"""Characters and motions from files, SMPL-X bodies, an animator's own scene; and what is wrong with others."""

from pathlib import Path

import bpy
import numpy as np
import pytest
from scipy.spatial import cKDTree

from graphics_ml.blender.characters import Character, build_character
from graphics_ml.blender.export import save_scene
from graphics_ml.blender.scene import empty_scene, ours_from_blender
from graphics_ml.blender.scenes.build import Studio
from graphics_ml.blender.scenes.characters import build_smplx
from graphics_ml.blender.scenes.description import read_scene
from graphics_ml.blender.stage import place_camera
from graphics_ml.errors import GraphicsMLError
from graphics_ml.formats import bodies
from graphics_ml.keypoints import WHOLE_BODY
from graphics_ml.motion.bone_map import UnrecognisedBodyError
from graphics_ml.motion.camera import Camera, look_at
from tests.blender.simple_rig import build_rig

CLIP = Path(__file__).parents[2] / "scenes" / "demo" / "clip.npz"


def studio_of(folder, text):
    path = folder / "scene.toml"
    path.write_text(text.replace("CLIP", CLIP.as_posix()))
    return Studio(read_scene(path), seed=0)


def stands(frame, carried=0.0):
    for thing in frame.things:
        if thing.kind == "person":
            assert thing.vertices[:, 1].min() < 1e-4
            assert thing.vertices[:, 1].min() > -carried - 1e-4


def test_any_rigged_file_can_play_any_motion_file(test_data, tmp_path):
    rigs = [(test_data / "rigs" / name).as_posix() for name in ("Knight.glb", "Geno.fbx")]
    text = f'[people]\ncount = 2\n[characters.files]\nfiles = {rigs}\n[motions.files]\nfiles = ["CLIP"]'
    with studio_of(tmp_path, text) as studio:
        frames = [studio.frame(index, picture=False) for index in range(3)]
        assert {Path(one.character).name for one in frames[0].people} == {"Knight.glb", "Geno.fbx"}
        for frame in frames:
            stands(frame, carried=1.0)  # the Knight's shield may reach into the floor, his feet do not
        for frame in frames:
            for one in frame.people:
                places = dict(zip(WHOLE_BODY, one.anchors, strict=True))
                assert places["left_shoulder"][1] > places["left_knee"][1] > places["left_ankle"][1] > 0
    with studio_of(tmp_path, text) as studio:
        alone = studio.frame(2, picture=False)
    for a, b in zip(alone.things, frames[2].things, strict=True):
        assert np.array_equal(a.vertices, b.vertices)


def write_smplx(path, rng):
    """A model of the true joints and of a few dozen vertices around them."""
    body = bodies.skeleton("smplx")
    joints = body.rest_positions()
    vertices = (joints[:, None] + rng.normal(size=(len(joints), 4, 3)) * 0.04).reshape(-1, 3)
    weights = np.kron(np.eye(len(joints)), np.ones((4, 1)))
    regressor = np.kron(np.eye(len(joints)), np.full((1, 4), 0.25))
    faces = np.array([(4 * j + a, 4 * j + b, 4 * j + c) for j in range(len(joints)) for a, b, c in _SIDES])
    directions = rng.normal(size=(len(vertices), 3, 20)) * 0.003
    np.savez(path, v_template=vertices, shapedirs=directions, J_regressor=regressor, weights=weights, f=faces)
    return vertices, directions, regressor


_SIDES = ((0, 1, 2), (0, 2, 3), (0, 3, 1), (1, 3, 2))


def test_a_smplx_body_has_the_shape_and_joints_of_its_model(tmp_path):
    rng = np.random.default_rng(1)
    template, directions, regressor = write_smplx(tmp_path / "SMPLX_NEUTRAL.npz", rng)
    betas = rng.normal(size=10)
    empty_scene()
    rig = build_smplx(tmp_path / "SMPLX_NEUTRAL.npz", betas, "body")
    shaped = template + np.einsum("vcb,b->vc", directions[..., :10], betas)
    (skin,) = rig.children
    seen = np.array([ours_from_blender(np.array(skin.matrix_world @ vertex.co)) for vertex in skin.data.vertices])
    assert np.abs(seen - shaped).max() < 1e-6
    names = bodies.skeleton("smplx").names
    heads = np.array([ours_from_blender(np.array(rig.data.bones[name].head_local)) for name in names])
    assert np.abs(heads - regressor @ shaped).max() < 1e-5


def test_smplx_bodies_play_in_scenes(tmp_path):
    write_smplx(tmp_path / "SMPLX_NEUTRAL.npz", np.random.default_rng(1))
    text = '[characters.smplx]\nmodels = "SMPLX_*.npz"\ncount = 4\n[motions.files]\nfiles = ["CLIP"]'
    with studio_of(tmp_path, text) as studio:
        frame = studio.frame(0, picture=False)
    stands(frame)
    assert len(frame.parameters["people"][0]["betas"]) == 10


def test_a_character_without_the_bones_or_the_skin_is_refused(tmp_path):
    for mesh, error in ((True, UnrecognisedBodyError), (False, GraphicsMLError)):
        empty_scene()
        rig = build_rig(mesh=mesh)
        save_scene(tmp_path / "strange.blend", rig, None)
        with studio_of(tmp_path, '[characters.files]\nfiles = "strange.blend"') as studio:
            with pytest.raises(error, match=r"strange\.blend") as caught:
                studio.frame(0, picture=False)
            assert "\n" not in str(caught.value)


def test_a_file_that_is_no_motion_is_named(tmp_path):
    (tmp_path / "walk.bvh").write_text("HIERARCHY\nnonsense")
    text = '[characters.procedural]\ncount = 1\ndetail = 0.4\n[motions.files]\nfiles = "*.bvh"'
    with studio_of(tmp_path, text) as studio, pytest.raises(GraphicsMLError, match=r"walk\.bvh"):
        studio.frame(0, picture=False)


@pytest.fixture
def own_scene(tmp_path):
    """A file with one of our characters that turns its head and walks off in a hat, a box, and a camera that moves."""
    scene = empty_scene()
    rig = build_character(Character(height=1.7), "Ada", 0.4)
    bpy.ops.mesh.primitive_cube_add(size=0.2, location=(0, 0, 1.75))
    hat = bpy.context.object
    hat.name, hat.parent = "A hat", rig
    hat.vertex_groups.new(name="head").add(range(8), 1.0, "REPLACE")
    hat.modifiers.new("Armature", "ARMATURE").object = rig
    for frame in (1, 11):
        hat.hide_viewport = frame == 11
        hat.keyframe_insert("hide_viewport", frame=frame)
    bone = rig.pose.bones["head"]
    bone.rotation_mode = "XYZ"
    for frame, angle, x in ((1, 0.0, 0.0), (11, 0.8, 1.0)):
        bone.rotation_euler = (0, angle, 0)
        bone.keyframe_insert("rotation_euler", frame=frame)
        rig.location.x = x
        rig.keyframe_insert("location", frame=frame)
    bpy.ops.mesh.primitive_cube_add(size=0.5, location=(1, 1, 0.25))
    bpy.context.object.name = "Box"
    bpy.ops.mesh.primitive_cube_add(size=0.5, location=(2, 1, 0.25))
    bpy.context.object.hide_render = True
    position = np.array([0.3, 1.4, 4.0])
    thing = place_camera(scene, Camera(64, 48, 70, (32, 24), look_at(position, [0, 1, 0]), position))
    for frame, x in ((1, 0.3), (11, 1.3)):
        thing.location.x = x
        thing.keyframe_insert("location", frame=frame)
    scene.frame_start, scene.frame_end = 1, 11
    scene.render.resolution_x, scene.render.resolution_y = 64, 48
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "own.blend"))
    return tmp_path


def test_an_own_scene_is_shown_as_it_is(own_scene):
    with studio_of(own_scene, 'blend = "own.blend"\n[picture]\nsamples = 1') as studio:
        first, last = studio.frame(0, picture=True), studio.frame(9, picture=False)
        again, without = studio.frame(0, picture=False), studio.frame(10, picture=False)
        with pytest.raises(GraphicsMLError, match="only 11 frames"):
            studio.frame(11)
        bpy.context.scene.frame_set(1)
        head = bpy.data.objects["Ada"].pose.bones["head"]
        expected = ours_from_blender(np.array(bpy.data.objects["Ada"].matrix_world @ head.head))
    assert first.picture.shape == (48, 64, 3)
    assert sorted(thing.kind for thing in first.things) == ["person", "person", "thing"]
    assert np.array_equal(first.things[0].vertices, again.things[0].vertices)
    person = first.people[0]
    assert person.character == "Ada"
    assert np.abs(person.positions[person.joints.index("head")] - expected).max() < 1e-5
    assert np.isfinite(person.anchors[:17]).sum() >= 36
    box = next(thing for thing in first.things if thing.kind == "thing")
    assert np.allclose(box.vertices.mean(axis=0), [1, 0.25, -1]) and box.next_vertices is None
    moved = last.people[0].positions - person.positions
    assert np.ptp(moved[:, 0]) < 0.3 and 0.7 < np.median(moved[:, 0]) < 1.05
    assert last.camera.position[0] - first.camera.position[0] == pytest.approx(
        last.people[0].positions[0, 0] - person.positions[0, 0], abs=0.02
    )
    assert first.next_camera.position[0] > first.camera.position[0]
    for frame in (first, without):
        skins = [thing.vertices for thing in frame.things if thing.kind == "person"]
        assert len(skins) == (1 if frame is without else 2)
        feet = frame.people[0].anchors[[WHOLE_BODY.index(f"{side}_heel") for side in ("left", "right")]]
        assert cKDTree(np.concatenate(skins)).query(feet)[0].max() < 0.02 and feet[:, 1].max() < 0.1
    skin = next(thing for thing in first.things if thing.kind == "person" and len(thing.vertices) > 8)
    assert np.abs(skin.next_vertices - skin.vertices).max() > 0.005
    assert len(skin.parts) == len(skin.triangles) and skin.parts.any()


def test_an_own_scene_without_a_camera_is_refused(own_scene):
    bpy.data.batch_remove([bpy.context.scene.camera])
    bpy.ops.wm.save_as_mainfile(filepath=str(own_scene / "own.blend"))
    with studio_of(own_scene, 'blend = "own.blend"') as studio, pytest.raises(GraphicsMLError, match="camera"):
        studio.frame(0)


def test_a_broken_own_scene_is_refused(tmp_path):
    (tmp_path / "own.blend").write_bytes(b"BLENDER but not really")
    with pytest.raises(GraphicsMLError, match=r"own\.blend"), studio_of(tmp_path, 'blend = "own.blend"'):
        pass
