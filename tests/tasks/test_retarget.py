"""The Retarget job: any target, the travel where it is wanted, and what a rig plays by Blender's own evaluation."""

import tomllib

import bpy
import numpy as np
import pytest

from graphics_ml import formats
from graphics_ml.blender.armature import evaluated_transforms
from graphics_ml.blender.rigs import load_rig
from graphics_ml.errors import GraphicsMLError, OutputError
from graphics_ml.formats import bodies
from graphics_ml.jobs import Retarget, read_job
from graphics_ml.motion.bone_map import recognize
from graphics_ml.motion.humanoid import standard_skeleton
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.rotations import multiply, quaternion_from_axis_angle
from graphics_ml.run import run

SIDES = ("left", "right")


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    return tmp_path_factory.mktemp("retarget")


@pytest.fixture(scope="module")
def source(work):
    """A body that walks a bend while it swings its arms, as a .bvh."""
    skeleton, frames = standard_skeleton(), 40
    t = np.linspace(0, 1, frames)[:, None]
    rotations = np.tile([1.0, 0, 0, 0], (frames, len(skeleton), 1))
    rotations[:, 0] = quaternion_from_axis_angle(1.5 * t * [0, 1, 0])
    for side, sign in zip(SIDES, (1, -1), strict=True):
        swing = 0.4 * sign * np.sin(12 * t)
        down = quaternion_from_axis_angle(np.array([0, 0, -1.2 * sign]))
        rotations[:, skeleton.index(f"{side}_upper_arm")] = multiply(
            quaternion_from_axis_angle(swing * [1, 0, 0]), down
        )
        rotations[:, skeleton.index(f"{side}_thigh")] = quaternion_from_axis_angle(-swing * [1, 0, 0])
    path = skeleton.offsets[0] + np.concatenate((0.8 * t**2, 0 * t, 1.1 * t), axis=1)
    formats.save(Motion(skeleton, rotations, path, 30), work / "walk.bvh")
    return work / "walk.bvh"


@pytest.fixture(scope="module")
def rig(work):
    """Our own character as a .glb, whose hips are the topmost bone."""
    from graphics_ml.blender.characters import build_character
    from graphics_ml.blender.export import save_scene
    from graphics_ml.blender.scene import empty_scene

    empty_scene()
    save_scene(work / "rig.glb", build_character(detail=0.4), None)
    return work / "rig.glb"


def body_in(path):
    """World places (F, J, 3) of the roles' joints in a file, by name."""
    motion = formats.load(path)
    return {
        role: motion.positions()[:, joint] for role, joint in recognize(motion.skeleton).joints(motion.skeleton).items()
    }


def played_by(path):
    """World places (F, B, 3) of all bones by Blender's evaluation, and those of the armature object itself."""
    armature = load_rig(path, actions=True)
    (action,) = bpy.data.actions
    first, last = (round(frame) for frame in action.frame_range)
    objects = []
    for frame in range(first, last + 1):
        bpy.context.scene.frame_set(frame)
        objects.append(np.array(armature.matrix_world.translation))
    return evaluated_transforms(armature, range(first, last + 1))[1], np.array(objects)


@pytest.mark.parametrize("extension", [".blend", ".fbx", ".glb", ".usdc"])
def test_on_the_object_the_rig_stands_where_it_does_on_the_hips(extension, source, rig, work):
    for root in ("hips", "object"):
        run(Retarget(source=source, target=rig, output=work / f"{root}{extension}", root=root))
    on_hips, still = played_by(work / f"hips{extension}")
    on_object, moved = played_by(work / f"object{extension}")
    np.testing.assert_allclose(on_object, on_hips, atol=2e-5)
    assert np.ptp(still, axis=0).max() < 1e-6 and np.linalg.norm(np.ptp(moved, axis=0)) > 1


def test_in_other_files_the_object_is_a_joint_and_it_is_said(source, work):
    outcome = run(Retarget(source=source, target=source, output=work / "object.npz", root="object"))
    motion = formats.load(work / "object.npz")
    assert motion.skeleton.names[:2] == ("object", "hips")
    assert any("joint 'object'" in note for note in outcome.notes)
    ours, theirs = body_in(work / "object.npz"), body_in(source)
    for role in theirs:
        np.testing.assert_allclose(ours[role], theirs[role], atol=1e-6, err_msg=role)


def test_a_rig_without_a_bone_above_its_hips_is_refused_one_for_its_path(source, rig, work):
    before = sorted(work.iterdir())
    with pytest.raises(GraphicsMLError, match=r"rig\.glb.*put it on the object or the hips"):
        run(Retarget(source=source, target=rig, output=work / "never.blend", root="bone"))
    assert sorted(work.iterdir()) == before


@pytest.mark.parametrize("name", ["smplh", "humanml3d", "soma"])
def test_a_body_is_meant_by_its_name(name, source, work):
    run(Retarget(source=source, target=name, output=work / f"{name}.npz"))
    assert formats.load(work / f"{name}.npz").skeleton.names == bodies.skeleton(name).names


def test_a_format_of_one_body_is_written_in_one_step(source, work):
    run(Retarget(source=source, target="smplh", output=work / "amass.npz", format="amass"))
    assert formats.format_of(work / "amass.npz") == "amass"


def test_without_a_target_it_is_our_own_character(source, work):
    run(Retarget(source=source, output=work / "own.blend"))
    moved, walked = body_in(work / "own.blend"), body_in(source)
    for role in ("hips", "left_hand", "right_foot"):
        travelled = [np.linalg.norm(np.ptp(places[role], axis=0)) for places in (moved, walked)]
        assert travelled[0] == pytest.approx(travelled[1], rel=0.15)


def test_a_saved_map_of_the_pair_gives_the_same_again_and_an_edited_one_leaves_bones_undriven(source, rig, work):
    run(Retarget(source=source, target=rig, output=work / "a.npz", save_map=work / "pair.toml"))
    run(Retarget(source=source, target=rig, output=work / "b.npz", map=work / "pair.toml"))
    first, again = formats.load(work / "a.npz"), formats.load(work / "b.npz")
    np.testing.assert_array_equal(again.rotations, first.rotations)
    with open(work / "pair.toml", "rb") as file:
        bone = tomllib.load(file)["target"]["left_toes"]
    lines = (work / "pair.toml").read_text().splitlines()
    (work / "less.toml").write_text("\n".join(line for line in lines if not line.startswith("left_toes")))
    run(Retarget(source=source, target=rig, output=work / "c.npz", map=work / "less.toml"))
    less = formats.load(work / "c.npz")
    toes = less.skeleton.index(bone)
    np.testing.assert_allclose(np.ptp(less.rotations[:, toes], axis=0), 0, atol=1e-9)


@pytest.mark.parametrize("extension", [".npz", ".bvh", ".glb"])
def test_the_job_file_beside_the_output_runs_to_the_same_bytes(extension, source, rig, work):
    output = work / f"again{extension}"
    run(Retarget(source=source, target=rig, output=output, level="touch", root="object"))
    first = output.read_bytes()
    run(read_job(work / f"{output.name}.job.toml"))
    assert output.read_bytes() == first


def test_nothing_is_written_over_what_is_read(source, rig, work):
    with pytest.raises(OutputError, match="would be lost"):
        run(Retarget(source=source, target=rig, output=source))
