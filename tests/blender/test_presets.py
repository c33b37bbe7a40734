# SPDX-License-Identifier: GPL-3.0-or-later
import warnings

import numpy as np
import pytest

from graphics_ml.blender import formats
from graphics_ml.blender.gltf import read_glb
from graphics_ml.blender.presets import presets, with_root_bone
from graphics_ml.blender.scene import empty_scene
from graphics_ml.errors import OutputError
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.rotations import quaternion_from_axis_angle
from graphics_ml.motion.skeleton import EndSite, Skeleton
from tests.blender.alone import evaluated_by_blender_alone
from tests.blender.test_formats import walk

CASES = [(name, extension) for name, preset in presets().items() for extension in preset.extensions]


@pytest.fixture(autouse=True)
def scene():
    return empty_scene()


@pytest.fixture(params=CASES, ids=lambda case: "".join(case))
def saved(request, tmp_path):
    """A walk, the preset it was saved with and the file."""
    name, extension = request.param
    motion, path = walk(frames=20), tmp_path / f"walk{extension}"
    bounce = np.stack((np.zeros(20), 0.05 * np.sin(np.arange(20)), np.zeros(20)), axis=-1)
    motion = motion.replace(root_positions=motion.root_positions + bounce)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        formats.save(motion, path, preset=name)
    return motion, presets()[name], path


def nodes(path):
    """(type, place, turn, scale) of every node in the file by its name, read without Blender's importer, and FBX's
    global settings."""
    if path.suffix == ".glb":
        document, _ = read_glb(path)
        found = {
            node["name"]: ("", node.get("translation", [0, 0, 0]), node.get("rotation", [0, 0, 0, 1])[:3], 1.0)
            for node in document["nodes"]
        }
        return found, {}
    from io_scene_fbx import parse_fbx

    tree, _ = parse_fbx.parse(str(path))
    found, settings = {}, {}
    for top in tree.elems:
        for node in [top, *top.elems]:
            table = next((one for one in node.elems if one.id == b"Properties70"), None)
            entries = {one.props[0].decode(): one.props[4:] for one in table.elems} if table else {}
            if node.id == b"Model":
                name = node.props[1].split(b"\0")[0].decode()
                local = [entries.get(f"Lcl {what}", [0, 0, 0]) for what in ("Translation", "Rotation", "Scaling")]
                found[name] = (node.props[2].decode(), *local)
            elif node.id == b"GlobalSettings":
                settings = {key: value[0] for key, value in entries.items() if value}
    return found, settings


def test_the_root_bone_stands_at_the_origin_in_the_files_own_axes(saved):
    _, preset, path = saved
    found, _ = nodes(path)
    for name in {preset.root_bone, preset.armature} & set(found):
        _, place, turn, _ = found[name]
        assert np.abs(place).max() < 1e-4 and np.abs(turn).max() < 1e-4
    assert preset.root_bone in found


def test_the_axes_and_the_unit_are_the_engines(saved):
    motion, preset, path = saved
    found, settings = nodes(path)
    height = motion.skeleton.offsets[0, 1] / preset.unit
    assert np.linalg.norm(found["hips"][1]) == pytest.approx(height, rel=1e-4)
    # Upward in a joint at the origin that does not turn is upward in the file.
    assert np.argmax(found["hips"][1]) == "XYZ".index(preset.up)
    if settings:
        sign = -1 if preset.front.startswith("-") else 1
        assert settings["UpAxis"] == "XYZ".index(preset.up) and settings["UpAxisSign"] == 1
        assert (settings["FrontAxis"], settings["FrontAxisSign"]) == ("XYZ".index(preset.front[-1]), sign)
        assert settings["UnitScaleFactor"] == pytest.approx(100 * preset.unit)
        assert np.abs(np.array(found[preset.armature][3]) - 1).max() < 1e-5


def test_the_bones_are_the_joints_and_no_leaf_is_added(saved):
    motion, preset, path = saved
    again = load(path)
    assert sorted(again.skeleton.names) == sorted((preset.root_bone, *motion.skeleton.names))
    assert again.skeleton.names[0] == preset.root_bone


def test_joints_come_back_and_the_root_bone_carries_the_path(saved):
    motion, _, path = saved
    again = load(path)
    row = [again.skeleton.index(name) for name in motion.skeleton.names]
    assert np.abs(again.positions()[:, row] - motion.positions()).max() < 1e-4
    assert again.fps == motion.fps
    hips = motion.positions()[:, 0]
    assert np.abs(again.positions()[:, 0] - hips * (1, 0, 1)).max() < 1e-4
    assert np.ptp(hips[:, 2]) > 1  # a path that a root left behind would show


def test_blender_by_itself_sees_the_same_joints(saved):
    motion, _, path = saved
    assert np.abs(evaluated_by_blender_alone(path, motion) - motion.positions()).max() < 1e-3


def load(path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return formats.load(path)


def body(names, root_place, frames=10):
    """A short-legged body that walks ahead, whose hips are the joint number `names.index("pelvis")`."""
    parents = [*range(-1, names.index("pelvis")), names.index("pelvis"), names.index("pelvis")]
    offsets = np.zeros((len(names), 3))
    offsets[names.index("pelvis")] = root_place
    offsets[-2:] = [(0.1, -0.4, 0), (-0.1, -0.4, 0)]
    skeleton = Skeleton(names, parents, offsets, None, (EndSite(len(names) - 1, (0, -0.4, 0)),))
    local = np.tile(offsets, (frames, 1, 1))
    local[:, names.index("pelvis")] = np.stack((np.zeros(frames), np.full(frames, 0.9), np.arange(frames)), axis=-1)
    turns = quaternion_from_axis_angle(np.random.default_rng(0).normal(size=(frames, len(names), 3)) * 0.2)
    turns[:, : names.index("pelvis")] = (1, 0, 0, 0)
    return Motion(skeleton, turns, local[:, 0], 30, local_positions=local)


def test_a_joint_above_the_hips_becomes_the_root_bone_and_the_rest_pose_stands_over_it():
    motion, notes = body(["joint_Root", "pelvis", "left_thigh", "right_thigh"], (4.0, 0.9, 2.0)), []
    rooted = with_root_bone(motion, "root", True, notes)
    assert rooted.skeleton.names == ("root", "pelvis", "left_thigh", "right_thigh")
    assert notes == ["The joint 'joint_Root' is written as the root bone 'root'."]
    assert np.abs(rooted.positions()[:, 1:] - motion.positions()[:, 1:]).max() < 1e-9
    assert np.abs(rooted.positions()[:, 0] - motion.positions()[:, 1] * (1, 0, 1)).max() < 1e-9
    assert np.abs(rooted.skeleton.rest_positions()[1] - (0, 0.9, 0.001)).max() < 1e-9


def test_a_root_bone_is_added_above_hips_and_hips_of_its_name_get_another():
    motion, notes = body(["pelvis", "left_thigh", "right_thigh"], (0, 0.0, 0)), []
    motion = motion.replace(skeleton=motion.skeleton.replace(names=("Root", "left_thigh", "right_thigh")))
    rooted = with_root_bone(motion, "root", False, notes)
    assert rooted.skeleton.names == ("root", "hips", "left_thigh", "right_thigh") and len(notes) == 1
    assert np.abs(rooted.positions()[:, 1:] - motion.positions()).max() < 1e-9
    assert not rooted.positions()[:, 0].any()
    assert rooted.skeleton.rest_positions()[:, 1].min() == pytest.approx(0)
    assert [end.joint for end in rooted.skeleton.end_sites] == [3]


@pytest.mark.parametrize(
    ("name", "preset", "said"),
    [
        ("walk.fbx", "cryengine", "no preset 'cryengine'; use one of unreal, unity, godot"),
        ("walk.glb", "unreal", "'unreal' is for .fbx"),
        ("walk.usd", "godot", r"'godot' is for .glb and .fbx"),
    ],
)
def test_a_preset_that_does_not_fit_is_refused(tmp_path, name, preset, said):
    with pytest.raises(OutputError, match=said):
        formats.save(walk(), tmp_path / name, preset=preset)
    assert not any(tmp_path.iterdir())
