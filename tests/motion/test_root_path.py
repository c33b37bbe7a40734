"""Where travel goes: another joint carries it, and the body stays where it was."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from graphics_ml.motion.bone_map import BoneMap
from graphics_ml.motion.humanoid import BODY_ROLES, standard_skeleton
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.retarget import retarget
from graphics_ml.motion.root_path import with_joint_above
from graphics_ml.motion.rotations import multiply, quaternion_from_axis_angle
from graphics_ml.motion.skeleton import Skeleton

ROOTS = ("hips", "bone", "object")


def tumbling(frames=60):
    """A body that walks a curve, turns around twice, bows deep and lies down."""
    skeleton = standard_skeleton()
    t = np.linspace(0, 1, frames)[:, None]
    draw = np.random.default_rng(1)
    turns = quaternion_from_axis_angle(0.5 * np.sin(5 * t[:, None] + draw.uniform(0, 6, (1, len(skeleton), 3))))
    heading, bow = quaternion_from_axis_angle(12 * t * [0, 1, 0]), quaternion_from_axis_angle(1.6 * t * [1, 0, 0])
    turns[:, 0] = multiply(heading, bow)
    path = np.concatenate((2 * t, 0.9 - 0.5 * t**2, t**2), axis=1)
    return Motion(skeleton, turns, path, 30)


def under_a_root(bone_axes):
    """The standard body with two joints above its hips, the first with a frame of its own."""
    old = standard_skeleton(1.5)
    frame = Rotation.from_euler("xyz", bone_axes, degrees=True)
    below = Rotation.from_quat(frame.inv().as_quat())
    hips = below.apply(old.offsets[0] - [0, 0.1, 0.05])
    return Skeleton(
        ("top", "pelvis", *old.names),
        (-1, 0, *(parent + 2 if parent >= 0 else 1 for parent in old.parents)),
        np.concatenate(([[0, 0, 0]], [below.apply([0, 0.1, 0.05])], [hips], old.offsets[1:])),
        np.concatenate(
            (frame.as_quat()[None, [3, 0, 1, 2]], [[1, 0, 0, 0]], below.as_quat()[None, [3, 0, 1, 2]],
             old.rest_orientations[1:])
        ),
    )  # fmt: skip


def roles_of(skeleton):
    return BoneMap({role: role for role in BODY_ROLES if role in skeleton.names})


def body_places(motion):
    return np.stack([motion.positions()[:, motion.skeleton.index(role)] for role in BODY_ROLES], axis=1)


@pytest.mark.parametrize("target", [standard_skeleton(1.5), under_a_root((0, 0, 0)), under_a_root((-90, 0, 40))])
@pytest.mark.parametrize("level", ["copy", "contacts", "touch"])
def test_the_body_is_at_the_same_places_whatever_carries_its_travel(target, level):
    motion = tumbling()
    at = {
        root: body_places(retarget(motion, target, target_map=roles_of(target), root=root, level=level)[0])
        for root in ROOTS
    }
    for root in ROOTS[1:]:
        np.testing.assert_allclose(at[root], at["hips"], rtol=0, atol=1e-9)


@pytest.mark.parametrize("root", ["bone", "object"])
@pytest.mark.parametrize("target", [standard_skeleton(1.5), under_a_root((-90, 0, 40))])
def test_what_carries_the_travel_goes_below_the_hips_upright_and_hips_only_rise_and_lean(root, target):
    motion = tumbling()
    result, _ = retarget(motion, target, target_map=roles_of(target), root=root)
    turns, places = result.transforms()
    hips = body_places(result)[:, BODY_ROLES.index("hips")]
    np.testing.assert_allclose(places[:, 0, [0, 2]], hips[:, [0, 2]], atol=1e-9)
    np.testing.assert_allclose(np.ptp(places[:, 0, 1]), 0, atol=1e-12)
    moved = Rotation.from_quat(turns[:, 0][:, [1, 2, 3, 0]]) * Rotation.from_quat(turns[0, 0][[1, 2, 3, 0]]).inv()
    assert np.abs(moved.as_rotvec()[:, [0, 2]]).max() < 1e-9
    _, y, _, w = moved.as_quat().T
    np.testing.assert_allclose(np.diff(np.unwrap(2 * np.arctan2(y, w))), 12 / 59, atol=1e-9)


def test_bones_between_the_root_and_the_hips_keep_their_rest_pose():
    target = under_a_root((0, 30, 0))
    result, _ = retarget(tumbling(), target, target_map=roles_of(target), root="bone")
    np.testing.assert_allclose(result.rotations[:, 1], np.tile(target.rest_orientations[1], (60, 1)), atol=1e-12)
    moving = np.flatnonzero(np.ptp(result.local_positions, axis=0).max(axis=1) > 1e-9)
    assert list(moving) == [0, target.index("hips")]


@pytest.mark.parametrize(("root", "name"), [("bone", "root"), ("object", "object")])
def test_an_added_joint_has_a_name_of_its_own(root, name):
    old = standard_skeleton()
    names = tuple(name if joint == "left_toes" else joint for joint in old.names)
    taken = old.replace(names=names)
    bones = BoneMap({role: joint for role, joint in zip(old.names, names, strict=True)})
    result, _ = retarget(tumbling(), taken, target_map=bones, root=root)
    assert result.skeleton.names[0] == f"{name}_2" and result.skeleton.names[1:] == names


def test_in_place_only_the_travel_is_missing():
    motion, target = tumbling(), under_a_root((0, 0, 0))
    there, _ = retarget(motion, target, target_map=roles_of(target))
    here, _ = retarget(motion, target, target_map=roles_of(target), root="in place")
    step = body_places(here) - body_places(there)
    np.testing.assert_allclose(step, step[:, :1] * [1, 0, 1] + 0 * step, atol=1e-9)
    hips = body_places(here)[:, BODY_ROLES.index("hips")]
    np.testing.assert_allclose(np.ptp(hips[:, [0, 2]], axis=0), 0, atol=1e-9)


def test_confidence_and_the_frame_rate_go_along():
    motion = tumbling()
    seen = motion.replace(confidence=np.random.default_rng(0).random(motion.rotations.shape[:2]))
    result, _ = retarget(seen, standard_skeleton(), root="object")
    np.testing.assert_allclose(result.confidence[:, 1:], seen.confidence)
    assert result.fps == motion.fps and len(result) == len(motion)


@pytest.mark.parametrize("root", ["bone", "object"])
def test_what_lies_between_root_and_hips_may_turn(root):
    """Both skeletons call a joint above the hips alike, and the source's turns: so does the target's."""
    source, target = (
        with_joint_above(with_joint_above(standard_skeleton(height), "mover"), "base") for height in (1.7, 1.5)
    )
    angle = np.linspace(0, 1.5, 30)
    turns = np.tile(source.rest_orientations, (30, 1, 1))
    turns[:, 1] = quaternion_from_axis_angle(np.stack((0.3 * angle, 0.7 * angle, 0 * angle), axis=-1))
    motion = Motion(source, turns, source.offsets[0] + np.stack((angle, 0 * angle, 0 * angle), axis=-1), 30)
    on_hips, moved = (retarget(motion, target, root=way, level="copy")[0] for way in ("hips", root))
    added = len(moved.skeleton) - len(target)
    np.testing.assert_allclose(moved.positions()[:, added + 2 :], on_hips.positions()[:, 2:], atol=1e-9)
