"""Rotations against scipy, the mathematics and autograd."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.transform import Rotation, Slerp

from graphics_ml.motion import rotations as R

ANGLES = arrays(np.float64, (5, 3), elements=st.floats(-400, 400))


def quaternions(shape=(6,)):
    """Unit quaternions: random ones, ones near the identity and exact half turns."""

    def build(seed):
        random = np.random.default_rng(seed)
        q = random.normal(size=(*shape, 4))
        kind = random.integers(0, 4, shape)[..., None]
        q = np.where(kind == 1, np.array([1.0, 0, 0, 0]) + 1e-9 * q, q)
        q = np.where(kind == 2, np.array([0.0, 1, 0, 0]), q)
        return q / np.linalg.norm(q, axis=-1, keepdims=True)

    return st.integers(0, 2**32 - 1).map(build)


def scipy_of(q):
    return Rotation.from_quat(np.asarray(q).reshape(-1, 4)[:, [1, 2, 3, 0]])


def assert_same_rotation(ours, theirs, atol=1e-9):
    """Quaternions up to their sign."""
    sign = np.sign(np.sum(ours * theirs, axis=-1, keepdims=True))
    np.testing.assert_allclose(ours * np.where(sign == 0, 1, sign), theirs, atol=atol)


@pytest.mark.parametrize("order", R.EULER_ORDERS)
@given(degrees=ANGLES)
@settings(max_examples=25)
def test_euler_to_quaternion_agrees_with_scipy(order, degrees):
    theirs = Rotation.from_euler(order, degrees, degrees=True).as_quat()[:, [3, 0, 1, 2]]
    assert_same_rotation(R.quaternion_from_euler(np.radians(degrees), order), theirs)


@pytest.mark.parametrize("order", R.EULER_ORDERS)
@given(q=quaternions())
@settings(max_examples=50)
def test_quaternion_to_euler_and_back_is_the_same_rotation(order, q):
    angles = R.euler_from_quaternion(q, order)
    assert_same_rotation(R.quaternion_from_euler(angles, order), q, atol=2e-8)
    low, high = (0, np.pi) if order[0] == order[2] else (-np.pi / 2, np.pi / 2)
    assert (angles[..., 1] >= low - 1e-9).all() and (angles[..., 1] <= high + 1e-9).all()


@pytest.mark.parametrize("order", R.EULER_ORDERS)
def test_gimbal_lock_gives_the_rotation_with_a_zero_first_angle(order):
    for middle in (0, np.pi) if order[0] == order[2] else (np.pi / 2, -np.pi / 2):
        angles = np.array([[0.3, middle, -0.7], [2.0, middle, 1.5]])
        q = R.quaternion_from_euler(angles, order)
        found = R.euler_from_quaternion(q, order)
        assert_same_rotation(R.quaternion_from_euler(found, order), q, atol=2e-8)
        np.testing.assert_allclose(found[:, 0], 0, atol=1e-7)


@pytest.mark.parametrize("order", R.EULER_ORDERS)
@given(
    ends=arrays(np.float64, (9, 2), elements=st.floats(-7, 7)), away=st.floats(-14, -1), sign=st.sampled_from([1, -1])
)
@settings(max_examples=25)
def test_near_gimbal_lock_the_angles_still_make_the_rotation(order, ends, away, sign):
    lock = np.pi * np.arange(9) if order[0] == order[2] else np.pi * (np.arange(9) + 0.5)
    angles = np.stack([ends[:, 0], lock + sign * 10**away, ends[:, 1]], axis=-1)
    theirs = Rotation.from_euler(order, angles).as_quat()[:, [3, 0, 1, 2]]
    assert_same_rotation(R.quaternion_from_euler(R.euler_from_quaternion(theirs, order), order), theirs, atol=2e-8)


@given(seed=st.integers(0, 10**6), short=st.floats(-15, 0))
def test_vectors_just_short_of_a_half_turn_come_back_from_quaternions(seed, short):
    axis = R.normalize(np.random.default_rng(seed).normal(size=(5, 3)))
    vector = axis * (np.pi - 10**short)
    q = R.quaternion_from_axis_angle(vector)
    np.testing.assert_allclose(scipy_of(q).as_rotvec(), R.axis_angle_from_quaternion(q), atol=1e-7)
    np.testing.assert_allclose(R.axis_angle_from_quaternion(q), vector, atol=1e-7)


@given(q=quaternions((4,)), p=quaternions((4,)), r=quaternions((4,)))
def test_turns_in_turn_are_those_of_their_product_and_undo_one_another(q, p, r):
    assert_same_rotation(R.multiply(R.multiply(q, p), r), R.multiply(q, R.multiply(p, r)), atol=1e-12)
    back = R.multiply(R.conjugate(R.multiply(q, p)), R.multiply(q, p))
    np.testing.assert_allclose(np.abs(back[..., 0]), 1, atol=1e-12)
    v = r[..., 1:]
    np.testing.assert_allclose(R.rotate(q, R.rotate(p, v)), R.rotate(R.multiply(q, p), v), atol=1e-12)
    theirs = (scipy_of(q) * scipy_of(p) * scipy_of(r)).as_quat()[:, [3, 0, 1, 2]]
    assert_same_rotation(R.multiply(R.multiply(q, p), r), theirs)


@given(q=quaternions((4,)), seed=st.integers(0, 1000))
def test_the_twist_is_the_nearest_turn_about_its_axis(q, seed):
    random = np.random.default_rng(seed)
    axis = R.normalize(random.normal(size=3))
    _, twist = R.swing_twist(q, axis)
    others = R.quaternion_from_axis_angle(axis * random.uniform(-np.pi, np.pi, (50, 1)))
    for one, own in zip(q, twist, strict=True):
        assert R.angle_between(own, one) <= R.angle_between(others, one[None]).min() + 1e-7


@pytest.mark.parametrize("order", ["XX", "XXY", "xyz", "WXY", ""])
def test_an_order_that_is_none_of_the_twelve_is_refused(order):
    with pytest.raises(ValueError, match="not an Euler order"):
        R.quaternion_from_euler(np.zeros(3), order)


@given(q=quaternions((2, 3)), p=quaternions((2, 3)), seed=st.integers(0, 1000))
def test_products_turns_and_matrices_agree_with_scipy(q, p, seed):
    v = np.random.default_rng(seed).normal(size=(2, 3, 3))
    theirs = (scipy_of(q) * scipy_of(p)).as_quat()[:, [3, 0, 1, 2]].reshape(2, 3, 4)
    assert_same_rotation(R.multiply(q, p), theirs)
    np.testing.assert_allclose(R.rotate(q, v).reshape(-1, 3), scipy_of(q).apply(v.reshape(-1, 3)), atol=1e-12)
    np.testing.assert_allclose(R.matrix_from_quaternion(q).reshape(-1, 3, 3), scipy_of(q).as_matrix(), atol=1e-12)
    assert_same_rotation(R.multiply(q, R.conjugate(q)), np.tile([1.0, 0, 0, 0], (2, 3, 1)))


@given(q=quaternions())
def test_every_representation_comes_back_as_the_same_rotation(q):
    assert_same_rotation(R.quaternion_from_matrix(R.matrix_from_quaternion(q)), q)
    assert_same_rotation(R.quaternion_from_axis_angle(R.axis_angle_from_quaternion(q)), q)
    assert_same_rotation(R.quaternion_from_sixd(R.sixd_from_quaternion(q)), q)


@given(vector=arrays(np.float64, (6, 3), elements=st.floats(-1.8, 1.8)), small=st.sampled_from([1.0, 1e-5, 1e-9, 0.0]))
def test_axis_angle_agrees_with_scipy(vector, small):
    vector = vector * small
    q = R.quaternion_from_axis_angle(vector)
    assert_same_rotation(q, Rotation.from_rotvec(vector).as_quat()[:, [3, 0, 1, 2]], atol=1e-12)
    np.testing.assert_allclose(R.axis_angle_from_quaternion(q), vector, atol=1e-9)


def test_sixd_needs_neither_unit_nor_orthogonal_columns():
    q = R.quaternion_from_sixd(np.array([3.0, 0, 0, 5.0, 2.0, 0]))
    assert_same_rotation(q, np.array([1.0, 0, 0, 0]))


@given(q=quaternions((2,)), t=st.floats(0, 1))
def test_slerp_agrees_with_scipy(q, t):
    theirs = Slerp([0, 1], scipy_of(q))(t).as_quat()[[3, 0, 1, 2]]
    ours = R.slerp(q[0], q[1], t)
    if abs(np.dot(q[0], q[1])) > 1e-6:  # a half turn apart there are two short ways
        assert_same_rotation(ours, theirs, atol=1e-7)
    assert abs(np.linalg.norm(ours) - 1) < 1e-12


def test_slerp_takes_a_time_for_each_pair():
    q = R.quaternion_from_euler(np.array([[0.1, 0.2, 0.3], [1.0, -0.5, 0.2]]), "XYZ")
    between = R.slerp(q[:1], q[1:], np.array([0.0, 0.25, 1.0]))
    assert between.shape == (3, 4)
    np.testing.assert_allclose(
        R.angle_between(between, q[:1]), R.angle_between(q[1], q[0]) * np.array([0, 0.25, 1]), atol=1e-12
    )


@given(seed=st.integers(0, 10**6), opening=st.sampled_from([1.0, 1e-4, 1e-7, 1e-9, 0.0]), flip=st.sampled_from([1, -1]))
def test_rotation_between_turns_one_direction_onto_the_other(seed, opening, flip):
    random = np.random.default_rng(seed)
    u = random.normal(size=(8, 3)) * 3
    v = flip * (u + opening * random.normal(size=(8, 3)))
    q = R.rotation_between(u, v)
    np.testing.assert_allclose(np.linalg.norm(q, axis=-1), 1, atol=1e-12)
    np.testing.assert_allclose(R.rotate(q, R.normalize(u)), R.normalize(v), atol=1e-9)


def test_rotation_between_opposite_single_precision_directions_is_a_half_turn():
    u = np.array([[1, 0, 0], [0, 0.6, 0.8]], dtype=np.float32)
    q = R.rotation_between(u, -u)
    np.testing.assert_allclose(R.rotate(q, u), -u, atol=1e-6)


@given(q=quaternions(), seed=st.integers(0, 1000))
def test_swing_and_twist_make_the_rotation_again_and_each_keeps_to_its_own(q, seed):
    axis = R.normalize(np.random.default_rng(seed).normal(size=3))
    swing, twist = R.swing_twist(q, axis)
    assert_same_rotation(R.multiply(swing, twist), q)
    np.testing.assert_allclose(R.rotate(twist, axis), np.broadcast_to(axis, (*q.shape[:-1], 3)), atol=1e-9)
    # A swing turns about an axis at right angles to that of the twist.
    np.testing.assert_allclose(swing[..., 1:] @ axis, 0, atol=1e-9)


@given(q=quaternions((40, 3)))
def test_unrolled_neighbours_lie_in_one_hemisphere_and_are_the_same_rotations(q):
    unrolled = R.unroll(q)
    assert (np.sum(unrolled[1:] * unrolled[:-1], axis=-1) >= 0).all()
    assert_same_rotation(unrolled, q, atol=0)
    np.testing.assert_array_equal(unrolled[0], q[0])


@given(q=quaternions(), p=quaternions())
def test_the_angle_between_rotations_agrees_with_scipy(q, p):
    theirs = (scipy_of(q).inv() * scipy_of(p)).magnitude()
    np.testing.assert_allclose(R.angle_between(q, p), theirs, atol=1e-7)


def test_a_zero_vector_stays_zero_when_normalised():
    np.testing.assert_array_equal(R.normalize(np.zeros((2, 3))), np.zeros((2, 3)))


ONE_ARGUMENT = {
    "normalize": (R.normalize, "any"),
    "conjugate": (R.conjugate, "unit"),
    "matrix_from_quaternion": (R.matrix_from_quaternion, "unit"),
    "quaternion_from_matrix": (lambda q: R.quaternion_from_matrix(R.matrix_from_quaternion(q)), "unit"),
    "axis_angle_from_quaternion": (R.axis_angle_from_quaternion, "unit"),
    "quaternion_from_axis_angle": (lambda q: R.quaternion_from_axis_angle(q[..., 1:]), "any"),
    "quaternion_from_euler": (lambda q: R.quaternion_from_euler(q[..., 1:], "ZXY"), "any"),
    "euler_from_quaternion": (lambda q: R.euler_from_quaternion(q, "ZXY"), "unit"),
    "sixd_from_quaternion": (R.sixd_from_quaternion, "unit"),
    "quaternion_from_sixd": (lambda q: R.quaternion_from_sixd(R.sixd_from_quaternion(q)), "unit"),
    "unroll": (R.unroll, "unit"),
    "slerp": (lambda q: R.slerp(q[:-1], q[1:], 0.3), "unit"),
    "rotation_between": (lambda q: R.rotation_between(q[..., 1:], q[..., :3]), "any"),
    "swing_twist": (lambda q: R.swing_twist(q, q.new_tensor([0, 0.6, 0.8]))[1], "unit"),
    "angle_between": (lambda q: R.angle_between(q[:-1], q[1:]), "unit"),
    "rotate": (lambda q: R.rotate(q, q[..., :3]), "unit"),
    "multiply": (lambda q: R.multiply(q, q[:1]), "unit"),
}


@pytest.mark.parametrize("near_identity", [False, True])
@pytest.mark.parametrize("name", ONE_ARGUMENT)
def test_gradients_are_those_of_finite_differences(name, near_identity):
    torch = pytest.importorskip("torch")
    function, kind = ONE_ARGUMENT[name]
    q = torch.tensor(np.random.default_rng(5).normal(size=(4, 4)), dtype=torch.float64)
    if near_identity:
        offsets = 1e-4 if name in ("angle_between", "slerp") else 1e-7  # two equal rotations have no smooth angle
        q = torch.tensor([1.0, 0.3, 0.2, 0.1] if kind == "any" else [1.0, 0, 0, 0], dtype=torch.float64) + offsets * q
    if kind == "unit":
        q = q / q.norm(dim=-1, keepdim=True)
    assert torch.autograd.gradcheck(function, (q.requires_grad_(),), eps=1e-8 if near_identity else 1e-6, atol=1e-5)


def test_gradients_at_the_identity_are_finite():
    torch = pytest.importorskip("torch")
    for name, (function, kind) in ONE_ARGUMENT.items():
        q = torch.tensor([[1.0, 0, 0, 0]] * 3, dtype=torch.float64, requires_grad=True)
        function(q).sum().backward()
        assert torch.isfinite(q.grad).all(), (name, kind)


@pytest.mark.parametrize("name", [name for name in ONE_ARGUMENT if name != "swing_twist"])
def test_torch_and_numpy_give_the_same(name):
    torch = pytest.importorskip("torch")
    function, _ = ONE_ARGUMENT[name]
    q = R.normalize(np.random.default_rng(2).normal(size=(7, 4)))
    np.testing.assert_allclose(function(torch.from_numpy(q)).numpy(), function(q), atol=1e-12)


def test_slerp_is_differentiable_in_its_time():
    torch = pytest.importorskip("torch")
    q = torch.tensor(R.normalize(np.random.default_rng(3).normal(size=(2, 4))))
    t = torch.tensor([0.2, 0.7], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda t: R.slerp(q[:1], q[1:], t), (t,))


@pytest.mark.parametrize("name", [name for name in ONE_ARGUMENT if name != "swing_twist"])
def test_single_precision_stays_single(name):
    q = R.normalize(np.random.default_rng(2).normal(size=(7, 4)).astype(np.float32))
    assert q.dtype == np.float32
    assert ONE_ARGUMENT[name][0](q).dtype == np.float32


def test_the_mean_agrees_with_scipys_whatever_the_signs():
    random = np.random.default_rng(0)
    q = R.normalize(random.normal(size=(9, 2, 4)))
    weights = random.uniform(0.1, 1, size=(9, 2))
    mean = R.mean_rotation(q * random.choice([-1.0, 1.0], (9, 2, 1)), weights)
    for k in range(2):
        theirs = Rotation.from_quat(q[:, k][:, [1, 2, 3, 0]]).mean(weights[:, k]).as_quat()[[3, 0, 1, 2]]
        assert R.angle_between(mean[k], theirs) < 1e-7
    assert (mean[:, 0] >= 0).all()
    assert R.angle_between(R.mean_rotation(q[:1])[0], q[0, 0]) < 1e-7
