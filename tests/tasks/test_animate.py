"""The main job on a real film and real rigs, checked by reading the written file again in Blender."""

import hashlib
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("bpy")

import bpy

from graphics_ml import formats
from graphics_ml.blender.actions import write_action
from graphics_ml.blender.armature import evaluated_transforms, motion_from_action, skeleton_from_armature
from graphics_ml.blender.characters import build_character
from graphics_ml.blender.export import save_scene
from graphics_ml.blender.gltf import key_times, read_glb
from graphics_ml.blender.rigs import load_rig
from graphics_ml.blender.scene import empty_scene, frame_rate, quiet
from graphics_ml.errors import RigError
from graphics_ml.jobs import Animate, Capture, Retarget, read_job
from graphics_ml.motion.bone_map import recognize
from graphics_ml.motion.motion import Motion
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
    roles = recognize(skeleton_from_armature(armature)).roles
    joints = {role: names.index(bone) for role, bone in roles.items()}
    ours = directions(places, joints)
    theirs = directions(solved.positions(), {role: j for j, role in enumerate(solved.skeleton.names)})
    off = angles(ours, theirs)
    arms = [i for i, (a, _) in enumerate(LIMBS) if "arm" in a]
    legs = [i for i, (a, _) in enumerate(LIMBS) if "arm" not in a]
    assert off[:, arms].max() < 2
    assert (off[:, legs] > 2).mean() <= 0.25


@pytest.mark.parametrize("rig", ["Geno.fbx", "Knight.glb", None])
def test_capture_and_then_retarget_is_animate(rig, film, solved, work, test_data):
    """Whatever the feet do is in the captured file, and what is filmed needs no other settings."""
    rig = test_data / "rigs" / rig if rig else None
    at_once = work / "at once.npz"
    (work / "at once.detections.npz").write_bytes((work / "solved.detections.npz").read_bytes())
    run(Animate(video=film, output=at_once, end=1.0, rig=rig))
    run(Retarget(source=work / "solved.npz", output=work / "in two.npz", target=rig))
    one, two = formats.load(at_once), formats.load(work / "in two.npz")
    assert one.skeleton.names == two.skeleton.names
    np.testing.assert_array_equal(one.rotations, two.rotations)
    np.testing.assert_array_equal(one.root_positions, two.root_positions)
    np.testing.assert_array_equal(one.contacts, two.contacts)


@pytest.mark.parametrize("extension", [".npz", ".bvh", ".glb"])
def test_the_job_file_beside_the_output_runs_to_the_same_bytes(extension, film, work, test_data):
    output = work / f"again{extension}"
    run(Animate(video=film, output=output, end=0.5, rig=test_data / "rigs" / "Geno.fbx"))
    first = output.read_bytes()
    run(read_job(work / f"{output.name}.job.toml"))
    assert output.read_bytes() == first


@pytest.mark.parametrize("extension", [".fbx", ".blend"])
def test_the_job_file_beside_the_output_runs_to_the_same_joints(extension, film, work, test_data):
    output = work / f"again{extension}"
    run(Animate(video=film, output=output, end=0.5, rig=test_data / "rigs" / "Geno.fbx"))
    first = formats.load(output)
    run(read_job(work / f"{output.name}.job.toml"))
    again = formats.load(output)
    assert again.skeleton.names == first.skeleton.names
    np.testing.assert_allclose(again.positions(), first.positions(), rtol=0, atol=1e-6)


def test_the_action_carries_the_record_of_the_job_file(film, work, test_data):
    output = work / "again.blend"
    run(Animate(video=film, output=output, end=0.5, rig=test_data / "rigs" / "Geno.fbx"))
    with open(work / "again.blend.job.toml", "rb") as file:
        beside = tomllib.load(file)
    load_rig(output, actions=True)
    (action,) = bpy.data.actions
    assert json.loads(action["graphics_ml"]) == beside
    assert beside["inputs"][str(film)] == hashlib.sha256(film.read_bytes()).hexdigest()


def test_the_rigs_own_actions_are_kept_when_asked_for(film, work, test_data):
    rig = test_data / "rigs" / "Knight.glb"
    names = {one["name"] for one in read_glb(rig)[0]["animations"]}
    run(Animate(video=film, output=work / "kept.blend", end=0.5, rig=rig, keep_actions=True))
    armature = load_rig(work / "kept.blend", actions=True)
    assert len(names) == 76 and {action.name for action in bpy.data.actions} == names | {film.stem}
    assert armature.animation_data.action.name == film.stem


def test_kept_actions_last_as_long_as_before_and_names_do_not_collide(film, work):
    """An action of the film's own name, made at 30 frames per second, where the film has another rate."""
    empty_scene()
    armature = build_character(detail=0.4)
    skeleton = skeleton_from_armature(armature)
    turning = Motion(
        skeleton, np.tile(skeleton.rest_orientations, (31, 1, 1)), np.tile(skeleton.offsets[0], (31, 1)), 30
    )
    save_scene(work / "rig.glb", armature, write_action(armature, turning, film.stem, bones=["hips", "head"]))
    outcome = run(Animate(video=film, output=work / "kept.glb", end=0.5, rig=work / "rig.glb", keep_actions=True))
    assert any("retimed from 30 to 23.976" in note for note in outcome.notes)
    document, binary = read_glb(work / "kept.glb")
    lengths = {one["name"]: np.ptp(key_times(document, binary, n)) for n, one in enumerate(document["animations"])}
    assert len(lengths) == 2 and film.stem in lengths
    assert lengths.pop(film.stem) == pytest.approx(1.0, abs=1 / 24)
    assert lengths.popitem()[1] == pytest.approx(0.5, abs=2 / 24)


@pytest.mark.parametrize("extension", [".gltf", ".bvh"])
def test_a_rig_of_any_format_is_animated(extension, film, solved, work, clips):
    rig = work / f"rig{extension}"
    if extension == ".bvh":
        rig.write_bytes(clips("cmu")[0].read_bytes())
    else:
        empty_scene()
        build_character(detail=0.4)
        with quiet():
            bpy.ops.export_scene.gltf(filepath=str(rig), export_format="GLTF_SEPARATE")
    (work / "any.detections.npz").write_bytes((work / "solved.detections.npz").read_bytes())
    run(Animate(video=film, output=work / "any.blend", end=1.0, rig=rig))
    armature = load_rig(work / "any.blend", actions=True)
    moved = motion_from_action(armature)
    ours = directions(moved.positions(), recognize(moved.skeleton).joints(moved.skeleton))
    theirs = directions(solved.positions(), {role: j for j, role in enumerate(solved.skeleton.names)})
    arms = [i for i, (a, _) in enumerate(LIMBS) if "arm" in a]
    assert angles(ours, theirs)[:, arms].max() < 2


def test_a_rig_with_a_stretched_armature_is_refused_by_name(film, work):
    empty_scene()
    build_character(detail=0.4).scale = (1, 1.3, 1)
    with quiet():
        bpy.ops.wm.save_as_mainfile(filepath=str(work / "stretched.blend"))
    before = sorted(work.iterdir())
    with pytest.raises(RigError, match=r"stretched\.blend: .*scale.*apply"):
        run(Animate(video=film, output=work / "never.blend", end=0.5, rig=work / "stretched.blend"))
    assert sorted(work.iterdir()) == before


def test_a_child_gets_our_smallest_character_and_it_is_said(film, work):
    outcome = run(Animate(video=film, output=work / "child.npz", end=0.5, height=1.1))
    assert any("1.4 m tall" in note for note in outcome.notes)
    head = formats.load(work / "child.npz").skeleton
    assert 1.2 < head.rest_positions()[:, 1].max() < 1.4


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


def test_the_command_writes_its_files_to_stdout_its_progress_to_stderr_and_nothing_else(tmp_path):
    clip = Path(__file__).parents[2] / "scenes" / "demo" / "clip.mp4"
    outputs = [tmp_path / name for name in ("out.glb", "out.glb.job.toml", "map.toml", "film.mp4")]
    words = ["animate", clip, "--end", "0.3", "-o", outputs[0], "--save-map", outputs[2], "--preview", outputs[3]]
    command = [sys.executable, "-m", "graphics_ml.cli", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [str(path) for path in outputs]
    ours = re.compile(r"(detecting|solving|animating|preview)( \d+/\d+)?|note: .*|done in .* s")
    assert [line for line in done.stderr.splitlines() if not ours.fullmatch(line)] == []
