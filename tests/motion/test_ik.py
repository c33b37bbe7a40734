"""Two-bone IK by its effect: forward kinematics of what it gives must put the end at the target."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphics_ml.motion.humanoid import standard_skeleton
from graphics_ml.motion.ik import hinge_pole, limb_rotations, two_bone_ik
from graphics_ml.motion.kinematics import transforms
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.rotations import angle_between, conjugate, quaternion_from_axis_angle, rotate
from graphics_ml.motion.skeleton import Skeleton


@given(seed=st.integers(0, 10_000), softness=st.floats(0, 0.05))
def test_targets_in_reach_are_reached_and_bones_keep_their_lengths(seed, softness):
    rng = np.random.default_rng(seed)
    root, middle, end = limb(rng, 20)
    upper, lower = (np.linalg.norm(v, axis=-1, keepdims=True) for v in (middle - root, end - middle))
    direction = rng.normal(size=(20, 3))
    direction /= np.linalg.norm(direction, axis=-1, keepdims=True)
    share = rng.uniform(0.05, 0.9, (20, 1))
    target = root + direction * (np.abs(upper - lower) * (1 - share) + (upper + lower) * share)
    first, second, reached = two_bone_ik(root, middle, end, target, softness=softness)
    np.testing.assert_allclose(reached, target, atol=1e-7)
    np.testing.assert_allclose(np.linalg.norm(first, axis=-1), 1, atol=1e-9)
    placed = root + rotate(first, middle - root) + rotate(second, end - middle)
    np.testing.assert_allclose(placed, target, atol=1e-7)


@given(seed=st.integers(0, 10_000))
def test_a_target_where_the_end_is_changes_nothing_however_straight_the_limb(seed):
    rng = np.random.default_rng(seed)
    root, middle, end = limb(rng, 10, bend=rng.uniform(0, 0.4))
    first, second, reached = two_bone_ik(root, middle, end, end, softness=0.05)
    identity = np.array([1.0, 0, 0, 0])
    # A limb within two degrees of straight has no bend plane of its own: there it may turn about itself.
    np.testing.assert_allclose(reached, end, atol=1e-6)
    bent = np.linalg.norm(np.cross(middle - root, end - root), axis=-1) / np.linalg.norm(end - root, axis=-1)
    clear = bent > 0.04 * np.linalg.norm(middle - root, axis=-1)
    assert angle_between(first, identity)[clear].max(initial=0) < 1e-6
    assert angle_between(second, identity)[clear].max(initial=0) < 1e-6


def test_the_limb_bends_in_its_own_plane():
    rng = np.random.default_rng(0)
    root, middle, end = limb(rng, 50)
    target = root + 0.6 * (end - root)  # same direction, shorter: no swing at all
    first, second, _ = two_bone_ik(root, middle, end, target)
    normal = np.cross(middle - root, end - middle)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    for turn in (first, second):
        np.testing.assert_allclose(np.abs(rotate(turn, normal) - normal).max(), 0, atol=1e-7)
    knee = root + rotate(first, middle - root)
    assert (np.sum(np.cross(knee - root, target - knee) * normal, axis=-1) > 0).all()


@pytest.mark.parametrize("softness", [0.0, 0.03])
def test_beyond_reach_the_end_points_at_the_target_and_moves_without_a_jump(softness):
    root, middle, end = np.zeros((200, 3)), np.tile([0, -0.45, 0.1], (200, 1)), np.tile([0, -0.85, 0.0], (200, 1))
    target = np.stack((0.3 + 0 * np.arange(200), -np.linspace(0.5, 1.5, 200), 0 * np.arange(200)), axis=-1)
    first, second, reached = two_bone_ik(root, middle, end, target, softness=softness)
    full = np.linalg.norm(middle[0]) + np.linalg.norm(end[0] - middle[0])
    distance = np.linalg.norm(reached, axis=-1)
    assert distance.max() <= full + 1e-9
    assert (np.diff(distance) > -1e-9).all()
    cosine = np.sum(reached * target, axis=-1) / distance / np.linalg.norm(target, axis=-1)
    np.testing.assert_allclose(cosine, 1, atol=1e-9)
    bend = angle_between(first, second)
    if softness:
        hard_first, hard_second, _ = two_bone_ik(root, middle, end, target, softness=0.0)
        assert np.abs(np.diff(bend)).max() < 0.6 * np.abs(np.diff(angle_between(hard_first, hard_second))).max()


def test_a_target_at_the_root_or_too_close_gives_a_finite_fold():
    root, middle, end = limb(np.random.default_rng(0), 5)
    for target in (root, root + 1e-9, root + 0.01):
        first, second, reached = two_bone_ik(root, middle, end, target)
        assert np.isfinite(first).all() and np.isfinite(second).all() and np.isfinite(reached).all()


def test_a_straight_limb_bends_towards_the_pole():
    root, middle, end = np.zeros((1, 3)), np.array([[0, -0.4, 0]]), np.array([[0, -0.8, 0]])
    pole = np.array([[0.2, -1.0, 1.0]])
    first, _, _ = two_bone_ik(root, middle, end, np.array([[0, -0.6, 0]]), pole)
    knee = rotate(first, middle)
    np.testing.assert_allclose(knee[0, :2] / np.linalg.norm(knee), [0.2 / 1.02**0.5 * 0.6614, -0.75], atol=2e-3)
    assert knee[0, 2] > 0.2


def test_gradients_are_right_and_torch_agrees_with_numpy():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(1)
    root, middle, end = limb(rng, 3)
    away = rng.normal(size=(3, 3))
    away /= np.linalg.norm(away, axis=-1, keepdims=True)
    length = np.linalg.norm(middle - root, axis=-1) + np.linalg.norm(end - middle, axis=-1)
    arrays = [root, middle, end, root + away * (length * [0.5, 0.8, 1.001])[:, None]]
    tensors = [torch.tensor(a, requires_grad=True) for a in arrays]
    for ours, theirs in zip(two_bone_ik(*tensors), two_bone_ik(*arrays), strict=True):
        np.testing.assert_allclose(ours.detach(), theirs, atol=1e-12)
    assert torch.autograd.gradcheck(two_bone_ik, tensors)


@pytest.mark.parametrize("keep", [True, False])
def test_joints_between_the_three_are_carried_along(keep):
    """A leg with a roll joint in the thigh and one in the shin, all with frames of their own."""
    rng = np.random.default_rng(2)
    parents = (-1, 0, 1, 2, 3, 4, 5)
    names = ("hips", "thigh", "thigh_roll", "shin", "shin_roll", "foot", "toes")
    offsets = np.array([[0, 1, 0], [0.1, 0, 0], [0, -0.2, 0], [0, -0.2, 0], [0, -0.2, 0.05], [0, -0.2, 0], [0, 0, 0.1]])
    rotations = quaternion_from_axis_angle(rng.normal(0, 0.3, (8, 7, 3)))
    motion = Motion(Skeleton(names, parents, offsets), rotations, np.zeros((8, 3)), 30)
    world, places = motion.transforms()
    chain = (1, 3, 5)
    target = places[:, 5] + rng.normal(0, 0.05, (8, 3)) + [0, 0.1, 0]
    first, second, reached = two_bone_ik(*(places[:, j] for j in chain), target)
    wanted = None if keep else quaternion_from_axis_angle(rng.normal(size=(8, 3)))
    new = np.array(rotations)
    for joint, rotation in zip(chain, limb_rotations(world, parents, chain, first, second, wanted), strict=True):
        new[:, joint] = rotation
    after, moved = transforms(new, motion.root_positions, offsets, parents)
    np.testing.assert_allclose(moved[:, 5], reached, atol=1e-9)
    assert angle_between(after[:, 5], world[:, 5] if keep else wanted).max() < 1e-7
    np.testing.assert_array_equal(new[:, [0, 2, 4, 6]], rotations[:, [0, 2, 4, 6]])


def test_the_hinge_is_found_from_the_frames_in_which_the_knee_is_bent():
    skeleton = standard_skeleton()
    thigh, shin, foot = (skeleton.index(f"left_{part}") for part in ("thigh", "shin", "foot"))
    rng = np.random.default_rng(3)
    rotations = np.tile([1.0, 0, 0, 0], (40, len(skeleton), 1))
    rotations[:, thigh] = quaternion_from_axis_angle(rng.normal(0, 0.4, (40, 3)))
    bend = np.where(np.arange(40) < 20, 0.0, 0.8)
    rotations[:, shin] = quaternion_from_axis_angle(np.stack((bend, 0 * bend, 0 * bend), axis=-1))
    world, places = Motion(skeleton, rotations, np.zeros((40, 3)), 30).transforms()
    pole = hinge_pole(places, world, (thigh, shin, foot), np.array([1.0, 0, 0]))
    # A knee that bends about the thigh's x axis points ahead, along the thigh's z axis, in the straight frames too.
    ahead = rotate(conjugate(world[:20, thigh]), pole[:20])
    np.testing.assert_allclose(ahead, np.tile([0, 0, 1.0], (20, 1)), atol=1e-7)


def limb(rng, count, bend=None):
    """Random limbs; `bend` in radians at the middle joint."""
    axis = rng.normal(size=(count, 3))
    axis /= np.linalg.norm(axis, axis=-1, keepdims=True)
    upper = np.cross(axis, rng.normal(size=(count, 3)))
    upper *= rng.uniform(0.2, 0.6, (count, 1)) / np.linalg.norm(upper, axis=-1, keepdims=True)
    bend = rng.uniform(0.3, 2.5, (count, 1)) if bend is None else np.full((count, 1), bend)
    lower = rotate(quaternion_from_axis_angle(axis * bend), upper) * rng.uniform(0.7, 1.3, (count, 1))
    root = rng.normal(size=(count, 3))
    return root, root + upper, root + upper + lower
