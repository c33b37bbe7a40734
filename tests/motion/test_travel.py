"""Travel and heading against scipy's own optimum, and in-place motion by what must not change."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize, minimize_scalar
from scipy.spatial.transform import Rotation

from graphics_ml.formats import load
from graphics_ml.motion.body_shape import carried_joints
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.rotations import angle_between, multiply, quaternion_from_axis_angle, rotate
from graphics_ml.motion.travel import fit_over_ground, in_place, moved, travelling_joint, turn_to
from tests.motion.static_root import under_static_root
from tests.motion.swinging import swinging

SEEDS = st.integers(0, 10_000)


def about_vertical(angle):
    return quaternion_from_axis_angle(np.array([0.0, angle, 0]))


def circling(frames=90):
    """A walk in a circle of 2 m: the root faces along it."""
    motion = swinging(frames)
    angle = 2 * np.pi * np.arange(frames) / frames
    root = np.stack((2 * np.sin(angle), 0.9 + 0.02 * np.cos(7 * angle), 2 * np.cos(angle)), axis=-1)
    rotations = np.array(motion.rotations)
    facing = quaternion_from_axis_angle((angle + np.pi / 2)[:, None] * [0, 1.0, 0])
    lean = quaternion_from_axis_angle(0.1 * np.sin(3 * angle)[:, None] * [1.0, 0, 0])
    rotations[:, 0] = multiply(facing, lean)
    return motion.replace(rotations=rotations, root_positions=root)


@given(seed=SEEDS)
@settings(max_examples=25)
def test_points_are_fitted_over_the_ground_as_well_as_scipy_fits_them(seed):
    rng = np.random.default_rng(seed)
    points, others = rng.normal(size=(2, 9, 3))

    def off(x):
        return np.sum((rotate(about_vertical(x[0]), points) + np.array([x[1], 0, x[2]]) - others) ** 2)

    turn, shift = fit_over_ground(points, others)
    ours = np.sum((rotate(turn, points) + shift - others) ** 2)
    theirs = min(minimize(off, [start, 0, 0]).fun for start in (0.0, 2.1, 4.2))
    assert ours <= theirs + 1e-6 and shift[1] == 0 and turn[1] == turn[3] == 0


@given(seed=SEEDS)
@settings(max_examples=25)
def test_the_turn_between_orientations_leaves_the_least_angle(seed):
    a, b = Rotation.random(2, random_state=seed).as_quat()[:, [3, 0, 1, 2]]
    left = float(angle_between(multiply(turn_to(a, b), a), b))

    def off(angle):
        return float(angle_between(multiply(about_vertical(angle), a), b))

    best = min(minimize_scalar(off, bounds=(low, low + 1.1), method="bounded").fun for low in np.arange(-3.3, 3.3, 1.1))
    assert left <= best + 1e-6


@pytest.mark.parametrize("hung", [False, True])
@pytest.mark.parametrize("turning", [False, True])
def test_in_place_stays_above_its_first_place_and_keeps_heights_and_limbs(hung, turning):
    motion = under_static_root(circling()) if hung else circling()
    joint = travelling_joint(motion)
    assert joint == int(hung)
    result = in_place(motion, turning=turning)
    before, after = motion.positions(), result.positions()
    np.testing.assert_allclose(after[:, joint, [0, 2]], np.broadcast_to(before[0, joint, [0, 2]], (90, 2)), atol=1e-12)
    np.testing.assert_allclose(after[..., 1], before[..., 1], atol=1e-12)
    limbs = carried_joints(motion.skeleton, joint)[1:]
    np.testing.assert_allclose(result.rotations[:, limbs], motion.rotations[:, limbs])
    if hung:
        np.testing.assert_array_equal(result.root_positions, motion.root_positions)
    ahead = rotate(result.orientations()[:, joint], np.array([0.0, 0, 1]))[:, [0, 2]]
    turned = np.unwrap(np.arctan2(ahead[:, 0], ahead[:, 1]))
    assert np.ptp(turned) < 1e-9 if turning else np.ptp(turned) > 6


def test_sway_faster_than_the_cutoff_stays():
    motion = swinging(300)
    sway = 0.03 * np.sin(2 * np.pi * 2 * np.arange(300) / 30)
    motion = motion.replace(root_positions=motion.root_positions + np.stack((sway, 0 * sway, 0 * sway), axis=-1))
    path = in_place(motion, cutoff=0.3).root_positions
    path = path - path[30:-30].mean(axis=0)
    np.testing.assert_allclose(path[30:-30, 0], sway[30:-30], atol=1e-3)
    np.testing.assert_allclose(path[30:-30, 2], 0, atol=1e-3)  # 1.2 m/s straight on


@pytest.mark.parametrize("hung", [False, True])
def test_moved_puts_every_joint_where_the_turn_and_shift_take_it(hung):
    motion = under_static_root(circling()) if hung else circling()
    rng = np.random.default_rng(5)
    turn, shift = Rotation.random(90, random_state=3).as_quat()[:, [3, 0, 1, 2]], rng.normal(size=(90, 3))
    result = moved(motion, turn, shift)
    carried = carried_joints(motion.skeleton, travelling_joint(motion))
    wanted = rotate(turn[:, None], motion.positions()) + shift[:, None]
    np.testing.assert_allclose(result.positions()[:, carried], wanted[:, carried], atol=1e-12)
    assert not hung or np.array_equal(result.root_positions, motion.root_positions)


def test_a_motion_that_goes_nowhere_has_its_root_for_traveller():
    motion = swinging(10)
    still = motion.replace(root_positions=np.tile([0.0, 0.9, 0], (10, 1)))
    assert travelling_joint(still) == 0
    np.testing.assert_allclose(in_place(still).positions(), still.positions(), atol=1e-12)


def test_of_two_joints_that_move_the_one_that_carries_more_travels():
    motion = under_static_root(swinging(20))
    skeleton = motion.skeleton
    with_helper = type(skeleton)(
        ("static", "helper", *skeleton.names[1:]),
        (-1, 0, *(0 if parent == 0 else parent + 1 for parent in skeleton.parents[1:])),
        np.insert(skeleton.offsets, 1, 0, axis=0),
    )
    local = np.insert(motion.local_positions, 1, 0, axis=1)
    local[:, 1, 0] = np.arange(20)
    rotations = np.insert(motion.rotations, 1, [1.0, 0, 0, 0], axis=1)
    assert travelling_joint(Motion(with_helper, rotations, motion.root_positions, 30, local_positions=local)) == 2


def test_bandai_namcos_static_root_stays_and_its_hips_stop_travelling(clips):
    motion = load(next(path for path in clips("bandai2-subset") if path.stem == "dataset-2_walk_normal_001"))
    joint = travelling_joint(motion)
    assert motion.skeleton.names[joint] == "Hips"
    path = in_place(motion).positions()[:, joint]
    assert np.ptp(motion.positions()[:, joint, 2]) > 5 and np.ptp(path[:, [0, 2]], axis=0).max() < 1e-9


def test_torch_gives_the_same():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(1)
    points, others = rng.normal(size=(2, 4, 7, 3))
    a, b = Rotation.random(8, random_state=3).as_quat().reshape(2, 4, 4)
    for function, arguments in ((fit_over_ground, (points, others)), (turn_to, (a, b))):
        ours, theirs = function(*arguments), function(*map(torch.tensor, arguments))
        for one, other in zip(np.atleast_2d(ours) if function is turn_to else ours, theirs, strict=True):
            np.testing.assert_allclose(one, other.numpy(), atol=1e-12)
