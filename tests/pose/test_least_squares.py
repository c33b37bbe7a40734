"""The banded normal equations against a dense least squares solution."""

import numpy as np

from graphics_ml.pose.least_squares import NormalEquations


def test_all_terms_together_give_the_dense_solution():
    rng = np.random.default_rng(0)
    frames, d, s = 7, 4, 3
    normal = NormalEquations(frames, d, s)
    rows, right = [], []

    def dense(per_frame, shared, residual):
        row = np.zeros(frames * d + s)
        for frame, part in per_frame.items():
            row[frame * d : frame * d + d] = part
        row[frames * d :] = shared
        rows.append(row)
        right.append(residual)

    jacobian, residual = rng.normal(size=(frames, 5, d + s)), rng.normal(size=(frames, 5))
    normal.add(residual, jacobian)
    for f in range(frames):
        for m in range(5):
            dense({f: jacobian[f, m, :d]}, jacobian[f, m, d:], residual[f, m])
    slopes, each = rng.normal(size=(frames, d)), rng.normal(size=(frames, d))
    normal.add_each(each, slopes)
    for f in range(frames):
        for k in range(d):
            dense({f: slopes[f, k] * np.eye(d)[k]}, 0, each[f, k])
    first, second, pair = (
        (rng.normal(size=(frames - 1, 2, d)) for _ in range(2)),
        None,
        rng.normal(size=(frames - 1, 2)),
    )
    first, second = first
    normal.add_pairs(pair, first, second)
    for f in range(frames - 1):
        for m in range(2):
            dense({f: first[f, m], f + 1: second[f, m]}, 0, pair[f, m])
    bends, weights = rng.normal(size=(frames - 2, d)), rng.uniform(0.5, 2, size=(frames - 2, d))
    normal.add_second_differences(bends, weights)
    for f in range(frames - 2):
        for k in range(d):
            w = weights[f, k] * np.eye(d)[k]
            dense({f: w, f + 1: -2 * w, f + 2: w}, 0, weights[f, k] * bends[f, k])
    steps, firm = rng.normal(size=(frames - 1, d)), rng.uniform(0.5, 2, size=(frames - 1, d))
    normal.add_differences(steps, firm)
    for f in range(frames - 1):
        for k in range(d):
            w = firm[f, k] * np.eye(d)[k]
            dense({f: -w, f + 1: w}, 0, firm[f, k] * steps[f, k])
    alone, of_shared = rng.normal(size=2), rng.normal(size=(2, s))
    normal.add_shared(alone, of_shared)
    for m in range(2):
        dense({}, of_shared[m], alone[m])

    step, shared = normal.solve()
    wanted = np.linalg.lstsq(np.array(rows), -np.array(right), rcond=None)[0]
    np.testing.assert_allclose(step.ravel(), wanted[: frames * d], atol=1e-6)
    np.testing.assert_allclose(shared, wanted[frames * d :], atol=1e-6)
    np.testing.assert_allclose(normal.cost, 0.5 * np.sum(np.square(right)))


def test_held_frames_do_not_move():
    rng = np.random.default_rng(1)
    normal = NormalEquations(5, 3)
    normal.add(rng.normal(size=(5, 6)), rng.normal(size=(5, 6, 3)))
    normal.add_differences(rng.normal(size=(4, 3)), np.ones((4, 3)))
    held = np.array([True, True, False, False, False])
    step, _ = normal.solve(held=held)
    assert np.abs(step[:2]).max() < 1e-9
    assert np.abs(step[2:]).max() > 1e-3


def test_damping_holds_nothing_back_that_moves_all_frames_alike():
    normal = NormalEquations(20, 3)
    normal.add_each(np.ones((20, 3)), np.ones((20, 3)))
    normal.add_second_differences(np.zeros((18, 3)), np.full((18, 3), 1e3))
    normal.add_differences(np.zeros((19, 3)), np.full((19, 3), 1e3))
    np.testing.assert_allclose(normal.solve(damping=0.1)[0], -1 / 1.1, rtol=0.02)


def test_one_and_two_frames_are_enough():
    rng = np.random.default_rng(2)
    for frames in (1, 2):
        jacobian, residual = rng.normal(size=(frames, 6, 3)), rng.normal(size=(frames, 6))
        normal = NormalEquations(frames, 3)
        normal.add(residual, jacobian)
        normal.add_second_differences(np.zeros((max(0, frames - 2), 3)), np.ones((max(0, frames - 2), 3)))
        step, _ = normal.solve()
        for f in range(frames):
            wanted = np.linalg.lstsq(jacobian[f], -residual[f], rcond=None)[0]
            np.testing.assert_allclose(step[f], wanted, atol=1e-6)
