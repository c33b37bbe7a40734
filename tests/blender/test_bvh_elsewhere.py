"""BVH files as written here, read by another program: Blender's own importer."""

import numpy as np
import pytest

from graphics_ml import formats
from graphics_ml.formats import bodies
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.rotations import normalize, quaternion_from_axis_angle, rotate

bpy = pytest.importorskip("bpy")
pytestmark = pytest.mark.filterwarnings("ignore::graphics_ml.errors.FormatWarning")


def read_by_blender(path):
    """Rest heads {name: (3,)} and heads in each frame {name: (F, 3)}, metres, Y up, of the armature in a .bvh."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.import_anim.bvh(filepath=str(path), global_scale=0.01, axis_forward="-Z", axis_up="Y", use_fps_scale=False)
    (armature,) = (one for one in bpy.data.objects if one.type == "ARMATURE")

    def ours(vector):
        x, y, z = armature.matrix_world @ vector
        return x, z, -y

    rest = {bone.name: np.array(ours(bone.head_local)) for bone in armature.data.bones}
    moving = {name: [] for name in rest}
    frames = int(armature.animation_data.action.frame_range[1])
    for frame in range(1, frames + 1):
        bpy.context.scene.frame_set(frame)
        for bone in armature.pose.bones:
            moving[bone.name].append(ours(bone.head))
    return rest, {name: np.array(places) for name, places in moving.items()}


def assert_same_in_blender(motion, path):
    formats.save(motion, path, unit="cm", up="Y")
    rest, moving = read_by_blender(path)
    assert set(rest) == set(motion.skeleton.names)
    expected, places = motion.skeleton.rest_positions(), motion.positions()
    for joint, name in enumerate(motion.skeleton.names):
        # The zero pose, which other programs bind meshes to: bones from the root as in our rest pose.
        np.testing.assert_allclose(
            rest[name] - rest[motion.skeleton.names[0]], expected[joint] - expected[0], atol=1e-5
        )
        np.testing.assert_allclose(moving[name], places[:, joint], atol=1e-4)


def moving(skeleton, frames=6):
    random = np.random.default_rng(0)
    turns = quaternion_from_axis_angle(random.normal(scale=0.4, size=(frames, len(skeleton), 3)))
    return Motion(skeleton, turns, random.normal(size=(frames, 3)), 30)


def test_a_t_pose_in_the_source_is_the_zero_pose_that_another_program_reads(tmp_path):
    assert_same_in_blender(moving(bodies.skeleton("smplh")), tmp_path / "a.bvh")


def test_a_skeleton_with_bone_frames_of_its_own_keeps_its_rest_pose(tmp_path):
    skeleton = bodies.skeleton("humanml3d")
    frames = normalize(np.random.default_rng(1).normal(size=(22, 4)))
    frames[0] = [1, 0, 0, 0]
    turned = skeleton.replace(rest_orientations=frames)
    motion = moving(turned)
    assert not np.allclose(rotate(frames[1], skeleton.offsets[4]), skeleton.offsets[4])
    assert_same_in_blender(motion, tmp_path / "a.bvh")


def test_real_takes_are_the_same_in_another_program(clips, tmp_path):
    for kind in ("cmu", "mixamo-pairs"):
        path = min(clips(kind), key=lambda one: one.stat().st_size)
        assert_same_in_blender(formats.load(path).frames(0, 8), tmp_path / f"{kind}.bvh")
