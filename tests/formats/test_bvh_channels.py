"""The turns of a BVH file's channels against scipy, in plain NumPy and compiled."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from graphics_ml.formats.bvh_channels import decode, quaternion_rows
from graphics_ml.formats.bvh_text import Joint
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.skeleton import Skeleton
from tests.formats.twins import implementations

MAKERS = implementations(quaternion_rows, "quaternion_rows")


@given(
    axes=st.lists(st.lists(st.integers(0, 2), max_size=4), min_size=1, max_size=7),
    frames=st.sampled_from([1, 2, 300, 2100]),
    seed=st.integers(0, 10**6),
)
@settings(max_examples=60, deadline=None)
def test_turns_about_any_axes_are_those_of_scipy_and_neighbours_lie_in_one_hemisphere(axes, frames, seed):
    random = np.random.default_rng(seed)
    width = sum(map(len, axes)) + 2  # two columns belong to nobody
    numbers = np.cumsum(random.normal(size=(frames, width)) * random.choice([1, 40, 300]), axis=0)
    numbers[random.random(numbers.shape) < 0.1] = 0
    shuffled = iter(random.permutation(width).tolist())
    columns = [[next(shuffled) for _ in of_joint] for of_joint in axes]
    for rows in (make(numbers, axes, columns) for make in MAKERS):
        for joint, (of_joint, places) in enumerate(zip(axes, columns, strict=True)):
            expected = Rotation.identity(frames)
            for axis, place in zip(of_joint, places, strict=True):
                expected = expected * Rotation.from_euler("xyz"[axis], numbers[:, [place]], degrees=True)
            found = Rotation.from_quat(rows[joint][[1, 2, 3, 0]].T)
            assert (found.inv() * expected).magnitude().max() < 1e-9
        assert (np.einsum("jcf,jcf->jf", rows[..., 1:], rows[..., :-1]) > -2e-9).all()


def test_the_compiled_loop_gives_the_same_to_the_last_bit():
    random = np.random.default_rng(0)
    axes = [[2, 0, 1]] * 5 + [[], [1], [0, 1], [2, 1, 2], [2, 0, 1]]
    numbers = random.normal(size=(1000, sum(map(len, axes)))) * 200
    places = iter(range(numbers.shape[1]))
    columns = [[next(places) for _ in of_joint] for of_joint in axes]
    plain, *others = (make(numbers, axes, columns) for make in MAKERS)
    for other in others:
        np.testing.assert_array_equal(other, plain)


def test_a_motion_takes_what_was_decoded_without_a_copy():
    joint = Joint("hips", -1, 1, [0.0, 0.0, 0.0], ("Zrotation", "Xrotation", "Yrotation"))
    rotations, _ = decode(np.full((5, 3), 20.0), [joint])
    motion = Motion(Skeleton(["hips"], [-1], np.zeros((1, 3))), rotations, np.zeros((5, 3)), 30)
    assert np.shares_memory(motion.rotations, rotations)
