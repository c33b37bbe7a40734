"""Smoothing without delay.

The smoother is Whittaker's (1923; Eilers, "A perfect smoother", Analytical Chemistry 2003): the curve z that makes
sum w (y - z)^2 + k sum (d-th difference of z)^2 least. It has no phase, needs no padding at the ends (there it follows
the trend), takes a weight for every sample, and inside the clip its gain 1 / (1 + (sin(pi f / fps) / sin(pi c / fps))
^ 2d) is that of a Butterworth low pass of order d run forward and backward (half at the cutoff c).

One cutoff cannot serve a standing foot and a punching hand. The adaptive smoother makes two curves, a slow and a fast
one, and goes from the slow one towards the fast one where their difference is larger than noise makes it: Wiener's gain
1 - noise / (signal + noise), from the difference's energy around each moment and its median over the clip.
"""

from math import comb, pi, sin

import numpy as np
from array_api_compat import array_namespace, device

from graphics_ml.motion.motion import Motion
from graphics_ml.motion.rotations import normalize, unroll


def smooth(values, fps, cutoff, weights=None, order=3):
    """Values without what moves faster than the cutoff; polynomials of degree < order pass unchanged.

    Args:
        values: (F, ...) samples over time.
        fps: samples per second.
        cutoff: Hz, where the gain is one half. At half of fps or more the values come back unchanged.
        weights: how far to trust each sample, at least 0; its shape is the start of the values' shape, e.g. (F, J) for
            (F, J, 3). A sample of weight 0 is filled in from the others. None trusts all alike.
        order: 1 to 4; the order of the difference that is kept small.

    Returns:
        (F, ...) of the input's array type; differentiable in torch.

    Raises:
        ValueError: cutoff or order out of range, weights of another shape, negative or nearly all zero.
    """
    _check(values, cutoff, weights, order, values.ndim)
    if 2 * cutoff >= float(fps) or values.shape[0] < 2:
        return values
    return penalized_fit(values, _stiffness(fps, cutoff, order), weights, order)


def smoother(fps, cutoff, weights, order=3):
    """smooth as a function of the values alone, for many values with the same weights (F, ...).

    Raises:
        ValueError: as smooth.
    """
    _check(weights, cutoff, weights, order, weights.ndim)
    if 2 * cutoff >= float(fps) or weights.shape[0] < 2:
        return lambda values: values
    return penalized_fitter(_stiffness(fps, cutoff, order), weights, order)


def smooth_adaptive(values, fps, cutoff=4.0, fast_cutoff=12.0, weights=None, order=3):
    """Values smoothed at a low cutoff, and at a high one where they move fast.

    Measured on mocap at 30 fps with 6 to 10 mm of noise added: at a quarter of the noisy acceleration the least of all
    wrist and ankle peak speeds is 0.91 of the truth, where one cutoff of the same smoothness leaves 0.5 to 0.6.

    Args:
        values: (F, ..., C) samples over time of vectors, such as positions, whose C components belong together.
        fps: samples per second.
        cutoff, fast_cutoff: Hz, of the slow and the fast curve.
        weights: as in smooth, of the shape (F, ...) without the components.
        order: as in smooth.

    Returns:
        (F, ..., C) of the input's array type; differentiable in torch.

    Raises:
        ValueError: as smooth, or the fast cutoff is below the slow one.
    """
    if fast_cutoff < cutoff:
        raise ValueError(f"the fast cutoff, {fast_cutoff} Hz, must not be below the slow one, {cutoff} Hz")
    _check(values, cutoff, weights, order, values.ndim - 1)
    if 2 * cutoff >= float(fps) or values.shape[0] < 2:
        return values
    xp = array_namespace(values)
    fast_cutoff = min(fast_cutoff, 0.499 * float(fps))
    slow, fast = (
        penalized_fit(values, _stiffness(fps, hertz, order), weights, order) for hertz in (cutoff, fast_cutoff)
    )
    difference = fast - slow
    energy = xp.sum(difference * difference, axis=-1)
    if weights is not None:
        # Samples of little weight are noisier by as much: what moves there is movement only if it is that much larger.
        weights = xp.reshape(weights, tuple(weights.shape) + (1,) * (energy.ndim - weights.ndim))
        energy = energy * _trust(xp, weights)
    around = smooth(energy, fps, cutoff, order=1)
    noise = _median(xp, energy) / _MEDIAN_OF_MEAN
    floor = xp.full_like(around, 1e-30)
    gain = 1 - _NOISE_MARGIN * noise / xp.where(around > floor, around, floor)
    return slow + xp.where(gain > 0, gain, xp.zeros_like(gain))[..., None] * difference


def smooth_rotations(rotations, fps, cutoff, fast_cutoff=None, weights=None, order=3):
    """Rotations (F, ..., 4) smoothed; adaptively when a fast cutoff is given. Arguments as smooth and smooth_adaptive,
    weights of the shape (F, ...).

    The components of the unrolled quaternions are smoothed and normalised. A turn at constant speed about one axis
    keeps its speed: all its components have one frequency, and normalising takes away the one gain they share.
    """
    rotations = unroll(rotations) if weights is None else _unrolled_by_trust(rotations, weights)
    if fast_cutoff is None:
        return normalize(smooth(rotations, fps, cutoff, weights, order))
    return normalize(smooth_adaptive(rotations, fps, cutoff, fast_cutoff, weights, order))


def smooth_motion(motion: Motion, cutoff: float = 4.0, fast_cutoff: float | None = 12.0, order: int = 3) -> Motion:
    """A motion without jitter: rotations, root and local positions smoothed, each frame trusted by its confidence.

    Args:
        motion: F frames; where it has no confidence all frames count alike.
        cutoff: Hz, for what moves slowly.
        fast_cutoff: Hz, for what moves fast; None smooths all with the one cutoff (6 Hz is usual for walking: Winter,
            "Biomechanics and Motor Control of Human Movement", 2009, section 3.4.4).
        order: as in smooth.

    Raises:
        ValueError: as smooth_adaptive.
    """
    # Never quite zero: over a long gap nothing would hold the curve.
    weights = None if motion.confidence is None else _LEAST_TRUST + (1 - _LEAST_TRUST) * motion.confidence

    def vectors(values, weights):
        if fast_cutoff is None:
            return smooth(values, motion.fps, cutoff, weights, order)
        return smooth_adaptive(values, motion.fps, cutoff, fast_cutoff, weights, order)

    return motion.replace(
        rotations=smooth_rotations(motion.rotations, motion.fps, cutoff, fast_cutoff, weights, order),
        root_positions=vectors(motion.root_positions, None if weights is None else weights[:, 0]),
        local_positions=None if motion.local_positions is None else vectors(motion.local_positions, weights),
    )


def penalized_fit(values, stiffness, weights=None, order=3):
    """The curve z (F, ...) that makes sum w (values - z)^2 + stiffness * sum (order-th difference of z)^2 least.

    The normal equations are a symmetric band of half width `order`: tridiagonal in blocks of `order` frames, and solved
    so, in float64. Arguments as smooth; too few samples for the order lower it.
    """
    if weights is None:  # one matrix serves all columns
        xp = array_namespace(values)
        weights = xp.ones((values.shape[0],), dtype=xp.float64, device=device(values))
    return penalized_fitter(stiffness, weights, order)(values)


def penalized_fitter(stiffness, weights, order=3):
    """penalized_fit as a function of the values alone, for many fits with the same weights: what depends on these is
    worked out once."""
    xp = array_namespace(weights)
    count = weights.shape[0]
    order = min(order, count - 1)
    if order < 1:
        return lambda values: values
    weights = xp.astype(weights, xp.float64)
    main, side = (xp.asarray(blocks, device=device(weights)) for blocks in _penalty_blocks(count, order))
    size, each = main.shape[0], (1,) * (weights.ndim - 1)
    unit = xp.eye(order, dtype=xp.float64, device=device(weights))
    # Frames that the last block has too many are unknowns of their own.
    trust = _in_blocks(xp, _extended(xp, weights, size * order, 1.0)[..., None], order)
    main = stiffness * xp.reshape(main, (size, *each, order, order)) + trust * unit
    side = stiffness * xp.reshape(side, (size - 1, *each, order, order))
    factors = _factor_tridiagonal(xp, main, xp.broadcast_to(side, (size - 1, *main.shape[1:])))

    def fit(values):
        right = weights[..., None] * xp.reshape(xp.astype(values, xp.float64), (*weights.shape, -1))
        right = _in_blocks(xp, _extended(xp, right, size * order, 0.0), order)
        found = xp.moveaxis(_solve_factored(xp, factors, right), -2, 1)
        found = xp.reshape(found, (size * order, -1))[:count, ...]
        return xp.astype(xp.reshape(found, values.shape), values.dtype)

    return fit


def hann_average(values: np.ndarray, reach: int) -> np.ndarray:
    """Means of (F, ...) over `reach` frames to both sides, weighted by a Hann window; the ends go on as they are."""
    window = np.hanning(2 * reach + 3)[1:-1]
    padded = np.pad(values, [(reach, reach)] + [(0, 0)] * (values.ndim - 1), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, len(window), axis=0)
    return windows @ (window / window.sum())


# How much more than its expected energy noise may show before it is taken for movement.
_NOISE_MARGIN = 1.5
# Median over mean of a chi-squared variable of three degrees of freedom: a place, or a rotation.
_MEDIAN_OF_MEAN = 0.789
_LEAST_TRUST = 1e-4
# Above, float64 no longer tells the curve that was asked for from others: errors of a thousandth and more.
_STIFFEST = 1e12


def _check(values, cutoff, weights, order, most_dimensions):
    if not cutoff > 0 or order not in (1, 2, 3, 4):
        raise ValueError(f"a cutoff must be above 0 Hz and an order 1 to 4; these are {cutoff} and {order}")
    if weights is None:
        return
    if weights.ndim > most_dimensions or tuple(weights.shape) != tuple(values.shape[: weights.ndim]):
        raise ValueError(f"weights of shape {tuple(weights.shape)} do not fit values of {tuple(values.shape)}")
    if bool((weights < 0).any()):
        raise ValueError("weights to smooth with must not be negative")
    xp, needed = array_namespace(weights), min(order, values.shape[0] - 1)
    if bool((xp.sum(xp.astype(weights > 0, xp.int32), axis=0) < needed).any()):
        raise ValueError(f"smoothing of order {order} needs {needed} samples whose weight is above 0")


def _unrolled_by_trust(rotations, weights):
    """As unroll, but signs follow a running mean in which a sample counts by its weight.

    A wrong rotation amid right ones would otherwise leave q before it and -q after it, half a turn of nothing between.
    """
    xp = array_namespace(rotations)
    weights = xp.reshape(weights, tuple(weights.shape) + (1,) * (rotations.ndim - weights.ndim))
    trust = _trust(xp, weights)
    mean, signed = rotations[0, ...], []
    for frame in range(rotations.shape[0]):
        here = rotations[frame, ...]
        here = xp.where(xp.sum(here * mean, axis=-1, keepdims=True) < 0, -here, here)
        mean = mean + trust[frame, ...] * (here - mean)
        signed.append(here)
    return xp.stack(signed, axis=0)


def _trust(xp, weights):
    """Weights (F, ...) over their largest in the clip."""
    most = xp.max(weights, axis=0)
    return weights / xp.where(most > 0, most, xp.ones_like(most))


def _stiffness(fps, cutoff, order):
    stiffness = (2 * sin(pi * cutoff / float(fps))) ** (-2 * order)
    if stiffness > _STIFFEST:
        raise ValueError(f"a cutoff of {cutoff} Hz is too low for order {order} at {float(fps):g} fps; resample first")
    return stiffness


def _median(xp, values):
    """Along time; the array API has no median."""
    return xp.sort(values, axis=0)[values.shape[0] // 2, ...]


def _penalty_blocks(count, order):
    """D^T D, D the order-th difference of `count` samples, in blocks of `order` samples and as many as hold them all:
    those on the diagonal (N, order, order) and those to their right (N - 1, order, order)."""
    stencil = [(-1) ** k * comb(order, k) for k in range(order + 1)]
    size = -(-count // order)
    bands = np.zeros((order + 1, size * order))  # the diagonals from the main one on
    for offset in range(order + 1):
        for k in range(order + 1 - offset):
            bands[offset, k : k + count - order] += stencil[k] * stencil[k + offset]
    row, column = np.indices((order, order))
    first = order * np.arange(size)[:, None, None]
    main = bands[abs(row - column), first + np.minimum(row, column)]
    side = np.where(column <= row, bands[np.minimum(order + column - row, order), first[:-1] + row], 0.0)
    return main, side


def _extended(xp, array, count, value):
    if array.shape[0] == count:
        return array
    more = (count - array.shape[0], *array.shape[1:])
    return xp.concat((array, xp.full(more, value, dtype=array.dtype, device=device(array))), axis=0)


def _in_blocks(xp, array, size):
    """(N * size, ..., C) as (N, ..., size, C)."""
    return xp.moveaxis(xp.reshape(array, (-1, size, *array.shape[1:])), 1, -2)


def _factor_tridiagonal(xp, main, side):
    """What _solve_factored needs of a symmetric positive definite system that is tridiagonal in blocks, for cyclic
    reduction: every second block is eliminated, all at once, and the system that the others are left with is taken the
    same way (Heller, "Some Aspects of the Cyclic Reduction Algorithm for Block Tridiagonal Linear Systems", SIAM J.
    Numerical Analysis 1976).

    Args:
        main: (N, ..., d, d) blocks on the diagonal.
        side: (N - 1, ..., d, d) blocks to their right.
    """
    levels = []
    while main.shape[0] > 1:
        kept, dropped = (main.shape[0] + 1) // 2, main.shape[0] // 2
        # Each dropped block with the one before it and the one after; the last may have none after it.
        before, after = side[0::2, ...], _extended(xp, side[1::2, ...], dropped, 0.0)
        inverse = xp.linalg.inv(main[1::2, ...])
        by_before = xp.matmul(inverse, xp.matrix_transpose(before))
        by_after = xp.matmul(inverse, after)
        levels.append((before, after, inverse, by_before, by_after))
        on_kept = _extended(xp, xp.matmul(before, by_before), kept, 0.0)
        on_next = _moved_on(xp, xp.matmul(xp.matrix_transpose(after), by_after), kept)
        main, side = main[0::2, ...] - on_kept - on_next, -xp.matmul(before, by_after)[: kept - 1, ...]
    return levels, xp.linalg.inv(main)


def _solve_factored(xp, factors, right):
    """The solution (N, ..., d, C) of a system of _factor_tridiagonal for right-hand sides of that shape."""
    levels, last = factors
    waiting = []
    for before, after, inverse, _, _ in levels:
        kept = (right.shape[0] + 1) // 2
        solved = xp.matmul(inverse, right[1::2, ...])
        waiting.append(solved)
        on_kept = _extended(xp, xp.matmul(before, solved), kept, 0.0)
        right = right[0::2, ...] - on_kept - _moved_on(xp, xp.matmul(xp.matrix_transpose(after), solved), kept)
    left = xp.matmul(last, right)
    for (_, _, _, by_before, by_after), solved in zip(reversed(levels), reversed(waiting), strict=True):
        kept, dropped = left.shape[0], solved.shape[0]
        following = _extended(xp, left[1:, ...], dropped, 0.0)[:dropped, ...]
        found = solved - xp.matmul(by_before, left[:dropped, ...]) - xp.matmul(by_after, following)
        both = xp.stack((left, _extended(xp, found, kept, 0.0)), axis=1)
        left = xp.reshape(both, (2 * kept, *left.shape[1:]))[: kept + dropped, ...]
    return left


def _moved_on(xp, blocks, count):
    """The first `count` blocks of these with a zero block before them."""
    return xp.concat((xp.zeros_like(blocks[:1, ...]), blocks), axis=0)[:count, ...]
