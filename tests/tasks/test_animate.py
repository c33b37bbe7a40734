"""The main job on a real film and real rigs, checked by reading the written file again in Blender."""

import numpy as np
import pytest

from graphics_ml import formats
from graphics_ml.blender.armature import evaluated_transforms
from graphics_ml.blender.rigs import load_rig
from graphics_ml.blender.scene import frame_rate
from graphics_ml.jobs import Animate, Capture, read_job
from graphics_ml.motion.bone_map import recognize
from graphics_ml.run import run

LIMBS = [
    (f"{side}_{a}", f"{side}_{b}")
    for side in ("left", "right")
    for a, b in (("upper_arm", "forearm"), ("forearm", "hand"), ("thigh", "shin"), ("shin", "foot"))
]


@pytest.fixture(scope="module")
def film(test_data):
    return test_data / "video" / "treadmill_b.mp4"


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    return tmp_path_factory.mktemp("animate")


@pytest.fixture(scope="module")
def solved(film, work):
    """The captured motion alone, of the first second."""
    run(Capture(video=film, output=work / "solved.npz", end=1.0))
    return formats.load(work / "solved.npz")


def directions(positions, joints):
    bones = np.stack([positions[:, joints[b]] - positions[:, joints[a]] for a, b in LIMBS], axis=1)
    return bones / np.linalg.norm(bones, axis=-1, keepdims=True)


def angles(a, b):
    return np.degrees(2 * np.arcsin(np.clip(np.linalg.norm(a - b, axis=-1) / 2, 0, 1)))


@pytest.mark.parametrize(
    ("rig", "extension"), [("Geno.fbx", ".blend"), ("Geno.fbx", ".fbx"), ("Knight.glb", ".glb"), (None, ".blend")]
)
def test_blenders_evaluation_of_the_file_points_where_the_person_does(rig, extension, film, solved, work, test_data):
    """Limbs within 2 degrees in every frame; legs that foot locking bent are at most a quarter of the leg frames."""
    import bpy

    name = f"{rig or 'own'}{extension}"
    output = work / name
    cache = work / "solved.detections.npz"
    (work / f"{output.stem}.detections.npz").write_bytes(cache.read_bytes())
    run(Animate(video=film, output=output, end=1.0, rig=test_data / "rigs" / rig if rig else None))

    armature = load_rig(output, actions=True)
    assert len(bpy.data.actions) == 1
    action = bpy.data.actions[0]
    assert frame_rate(bpy.context.scene) == solved.fps
    # FBX counts time in ticks; the frames come back rounded in the sixth digit.
    assert action.frame_range[1] - action.frame_range[0] + 1 == pytest.approx(len(solved), abs=1e-3)
    first = round(action.frame_range[0])
    names = [bone.name for bone in armature.data.bones]
    _, places = evaluated_transforms(armature, range(first, first + len(solved)))
    from graphics_ml.blender.armature import skeleton_from_armature

    roles = recognize(skeleton_from_armature(armature)).roles
    joints = {role: names.index(bone) for role, bone in roles.items()}
    ours = directions(places, joints)
    theirs = directions(solved.positions(), {role: j for j, role in enumerate(solved.skeleton.names)})
    off = angles(ours, theirs)
    arms = [i for i, (a, _) in enumerate(LIMBS) if "arm" in a]
    legs = [i for i, (a, _) in enumerate(LIMBS) if "arm" not in a]
    assert off[:, arms].max() < 2
    assert (off[:, legs] > 2).mean() <= 0.25


def test_the_job_file_beside_the_output_runs_to_the_same_keys(film, work, test_data):
    output = work / "again.npz"
    run(Animate(video=film, output=output, end=0.5, rig=test_data / "rigs" / "Geno.fbx"))
    first = output.read_bytes()
    run(read_job(work / "again.npz.job.toml"))
    assert output.read_bytes() == first


def test_changing_the_smoothing_does_not_detect_again(film, work, monkeypatch):
    output = work / "smooth.npz"
    run(Capture(video=film, output=output, end=0.5))

    def fail(*_):
        raise AssertionError("it detected again")

    monkeypatch.setattr("graphics_ml.pose.tracking.follow_people", fail)
    run(Capture(video=film, output=output, end=0.5, smoothing=2.0))


@pytest.mark.parametrize("extension", [".bvh", ".npz", ".glb", ".fbx", ".blend"])
def test_capture_writes_any_motion_format(extension, film, solved, work):
    output = work / f"captured{extension}"
    cache = work / "solved.detections.npz"
    (work / "captured.detections.npz").write_bytes(cache.read_bytes())
    run(Capture(video=film, output=output, end=1.0))
    again = formats.load(output)
    assert len(again) == len(solved) and again.fps == solved.fps
    joints = [again.skeleton.index(name) for name in solved.skeleton.names]
    assert np.abs(again.positions()[:, joints] - solved.positions()).max() < 1e-3


def test_a_map_is_saved_and_used_again(film, work, test_data):
    rig, saved = test_data / "rigs" / "Geno.fbx", work / "geno.toml"
    run(Animate(video=film, output=work / "a.npz", end=0.5, rig=rig, save_map=saved))
    run(Animate(video=film, output=work / "b.npz", end=0.5, rig=rig, map=saved))
    np.testing.assert_array_equal(formats.load(work / "a.npz").rotations, formats.load(work / "b.npz").rotations)
