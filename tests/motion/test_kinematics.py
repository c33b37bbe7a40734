"""Forward kinematics against 4x4 matrices multiplied down the tree, and its inverse."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from graphics_ml.motion import kinematics
from graphics_ml.motion.kinematics import forward_kinematics, global_rotations, local_rotations, transforms


def a_tree(random, joints):
    """Parents before children, in any shape."""
    return [-1] + [int(random.integers(0, joint)) for joint in range(1, joints)]


def a_pose(seed, frames=7, joints=9):
    random = np.random.default_rng(seed)
    q = random.normal(size=(frames, joints, 4))
    q /= np.linalg.norm(q, axis=-1, keepdims=True)
    return q, random.normal(size=(frames, 3)), random.normal(size=(joints, 3)), a_tree(random, joints)


def by_matrices(q, root, offsets, parents):
    """World matrices (F, J, 4, 4) from scipy's rotation matrices; offsets (F, J, 3)."""
    local = np.zeros((*q.shape[:2], 4, 4))
    local[..., :3, :3] = Rotation.from_quat(q.reshape(-1, 4)[:, [1, 2, 3, 0]]).as_matrix().reshape(*q.shape[:2], 3, 3)
    local[..., :3, 3] = offsets
    local[:, 0, :3, 3] = root
    local[..., 3, 3] = 1
    world = local.copy()
    for joint, parent in enumerate(parents):
        if parent >= 0:
            world[:, joint] = world[:, parent] @ local[:, joint]
    return world


@given(
    seed=st.integers(0, 10**6), joints=st.integers(1, 12), moving=st.booleans(), zeros=st.sampled_from([0, 0.5, 0.8])
)
@settings(max_examples=80)
def test_places_and_turns_are_those_of_matrices(seed, joints, moving, zeros):
    q, root, offsets, parents = a_pose(seed, joints=joints)
    offsets[np.random.default_rng(seed).random(offsets.shape) < zeros] = 0
    if moving:
        offsets = np.random.default_rng(seed + 1).normal(size=(len(q), joints, 3))
    world = by_matrices(q, root, np.broadcast_to(offsets, (len(q), joints, 3)), parents)
    turns, places = transforms(q, root, offsets, parents)
    np.testing.assert_allclose(places, world[..., :3, 3], atol=1e-9)
    np.testing.assert_allclose(forward_kinematics(q, root, offsets, parents), world[..., :3, 3], atol=1e-9)
    matrices = Rotation.from_quat(turns.reshape(-1, 4)[:, [1, 2, 3, 0]]).as_matrix().reshape(*q.shape[:2], 3, 3)
    np.testing.assert_allclose(matrices, world[..., :3, :3], atol=1e-9)
    np.testing.assert_allclose(global_rotations(q, parents), turns, atol=1e-12)
    np.testing.assert_allclose(local_rotations(turns, parents), q, atol=1e-9)


def test_any_leading_shape_and_memory_order_gives_the_same():
    q, root, offsets, parents = a_pose(1, frames=12)
    places = forward_kinematics(q, root, offsets, parents)
    shaped = forward_kinematics(q.reshape(3, 4, 9, 4), root.reshape(3, 4, 3), offsets, parents)
    np.testing.assert_array_equal(shaped, places.reshape(3, 4, 9, 3))
    by_component = np.ascontiguousarray(q.transpose(1, 2, 0)).transpose(2, 0, 1)
    np.testing.assert_array_equal(forward_kinematics(by_component, root, offsets, parents), places)
    np.testing.assert_array_equal(forward_kinematics(q[4], root[4], offsets, parents), places[4])
    np.testing.assert_array_equal(forward_kinematics(q, root[0], offsets, parents)[:, 0], np.tile(root[0], (12, 1)))
    assert forward_kinematics(q[:0], root[:0], offsets, parents).shape == (0, 9, 3)


def test_whole_numbers_in_give_real_ones_out():
    places = forward_kinematics(
        np.array([[1, 0, 0, 0]] * 2), np.array([1, 2, 3]), np.array([[0, 0, 0], [0, 0.5, 0]]), (-1, 0)
    )
    np.testing.assert_array_equal(places, [[1, 2, 3], [1, 2.5, 3]])


def test_frames_beyond_one_block_give_the_same_as_alone(monkeypatch):
    q, root, offsets, parents = a_pose(2, frames=25)
    moving = np.random.default_rng(0).normal(size=(25, 9, 3))
    whole = transforms(q, root, moving, parents)
    monkeypatch.setattr(kinematics, "_BLOCK", 10)
    for ours, theirs in zip(transforms(q, root, moving, parents), whole, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(
        forward_kinematics(q, root, offsets, parents)[20], forward_kinematics(q[20], root[20], offsets, parents)
    )


def test_torch_gives_the_same_and_is_differentiable_in_everything():
    torch = pytest.importorskip("torch")
    q, root, offsets, parents = a_pose(3, frames=2, joints=4)
    tensors = [torch.tensor(array, requires_grad=True) for array in (q, root, offsets)]
    places = forward_kinematics(*tensors, parents)
    np.testing.assert_allclose(places.detach().numpy(), forward_kinematics(q, root, offsets, parents), atol=1e-12)
    assert torch.autograd.gradcheck(lambda *a: transforms(*a, parents), tensors)
    assert torch.autograd.gradcheck(lambda a: local_rotations(a, parents), tensors[:1])
    # A skeleton's offsets may stay NumPy arrays.
    mixed = forward_kinematics(tensors[0], tensors[1], offsets, parents)
    np.testing.assert_allclose(mixed.detach().numpy(), places.detach().numpy(), atol=1e-12)


def test_single_precision_stays_single():
    q, root, offsets, parents = a_pose(4)
    single = [array.astype(np.float32) for array in (q, root, offsets)]
    places = forward_kinematics(*single, parents)
    assert places.dtype == np.float32
    np.testing.assert_allclose(places, forward_kinematics(q, root, offsets, parents), atol=1e-4)


@pytest.mark.parametrize("block", [10, 100])
def test_one_component_of_one_joint_lies_together_in_memory_whatever_came_in(monkeypatch, block):
    q, root, offsets, parents = a_pose(5, frames=25)
    monkeypatch.setattr(kinematics, "_BLOCK", block)
    turns, places = transforms(q, root, offsets, parents)
    for array in (turns, places, local_rotations(turns, parents)):
        assert np.moveaxis(array, 0, -1).flags.c_contiguous
