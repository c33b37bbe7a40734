"""How good a motion is, each measure with its definition and source. NumPy and torch alike where not said otherwise.

Positions are (F, J, 3) in metres, Y up; the same joints in the same order where two motions are compared.
"""

from dataclasses import dataclass

import numpy as np
from array_api_compat import array_namespace

from graphics_ml.motion.contacts import spans, speeds
from graphics_ml.wording import short_repr


def mpjpe(positions, truth, root: int | None = None):
    """Mean per-joint position error, metres: the mean distance between joints.

    With `root`, both are first moved so that this joint is at the origin in every frame, as in protocol 1 of
    Human3.6M (Ionescu et al., PAMI 2014, equation 8).

    Raises:
        ValueError: shapes differ.
    """
    xp = _same_shape(positions, truth)
    if root is not None:
        positions = positions - positions[..., root : root + 1, :]
        truth = truth - truth[..., root : root + 1, :]
    return xp.mean(_length(xp, positions - truth))


def pa_mpjpe(positions, truth):
    """MPJPE after the similarity transform that fits best, frame by frame, metres (protocol 2; Bogo et al., "Keep It
    SMPL", ECCV 2016; reconstruction error in Kanazawa et al., CVPR 2018).

    Raises:
        ValueError: shapes differ.
    """
    return mpjpe(procrustes_align(positions, truth), truth)


def procrustes_align(positions, truth, scaled: bool = True):
    """Positions (..., J, 3) moved, turned and scaled to lie closest to the truth (..., J, 3), each frame by itself.

    Least squares with reflections kept out: Umeyama, "Least-squares estimation of transformation parameters between
    two point patterns", PAMI 1991, equations 40 to 42.

    Raises:
        ValueError: shapes differ.
    """
    xp = _same_shape(positions, truth)
    middle, truth_middle = (xp.mean(p, axis=-2, keepdims=True) for p in (positions, truth))
    centred, truth_centred = positions - middle, truth - truth_middle
    covariance = xp.matmul(xp.matrix_transpose(truth_centred), centred)
    u, stretch, vh = xp.linalg.svd(covariance, full_matrices=False)
    sign = xp.linalg.det(u) * xp.linalg.det(vh)
    sign = xp.where(sign < 0, -xp.ones_like(sign), xp.ones_like(sign))
    flip = xp.stack((xp.ones_like(sign), xp.ones_like(sign), sign), axis=-1)
    turn = xp.matmul(u * flip[..., None, :], vh)
    turned = xp.matmul(centred, xp.matrix_transpose(turn))
    if scaled:
        size = xp.sum(centred * centred, axis=(-2, -1))
        size = xp.where(size > 0, size, xp.ones_like(size))
        turned = turned * (xp.sum(stretch * flip, axis=-1) / size)[..., None, None]
    return turned + truth_middle


def acceleration(positions, fps):
    """Mean magnitude of joint acceleration, m/s^2: second differences times fps^2. Zero below three frames."""
    return _mean_difference(positions, fps, 2)


def jerk(positions, fps):
    """Mean magnitude of joint jerk, m/s^3: third differences times fps^3 (Flash and Hogan 1985 take it for the measure
    of smoothness). Zero with fewer than four frames."""
    return _mean_difference(positions, fps, 3)


def acceleration_error(positions, truth, fps):
    """Mean magnitude of the difference of accelerations, m/s^2 (Kanazawa et al., "Learning 3D Human Dynamics from
    Video", CVPR 2019).

    Raises:
        ValueError: shapes differ.
    """
    _same_shape(positions, truth)
    return _mean_difference(positions - truth, fps, 2)


def l2p(positions, truth, mean, deviation):
    """L2 distance of normalised global positions, averaged over frames: L2P of the LAFAN1 benchmark (Harvey et al.,
    "Robust Motion In-betweening", SIGGRAPH 2020, section 5.2).

    A frame's 3 J coordinates are one vector: it is the length of its difference, not the mean over joints.

    Args:
        positions, truth: (..., F, J, 3) metres or any unit, in the world.
        mean, deviation: (J, 3) of each coordinate, in that unit. The benchmark takes them over the frames of its
            training set, whose windows of 50 frames are centred over the origin and face one way at their tenth frame.

    Raises:
        ValueError: shapes differ, or a deviation is not above zero.
    """
    xp = _same_shape(positions, truth)
    if bool(xp.any(deviation <= 0)):
        raise ValueError("a coordinate's deviation must be above zero to divide by")
    apart = (positions - mean) / deviation - (truth - mean) / deviation
    return xp.mean(_length(xp, xp.reshape(apart, (*apart.shape[:-2], -1))))


def l2q(orientations, truth):
    """L2 distance of global quaternions, averaged over frames: L2Q of the LAFAN1 benchmark (Harvey et al. 2020,
    equation 9). A frame's 4 J numbers are one vector.

    q and -q, which are one rotation, are not the same here, as in the benchmark, whose data and baselines come with
    like signs; give both in one hemisphere.

    Args:
        orientations, truth: (..., F, J, 4) world rotations.

    Raises:
        ValueError: shapes differ.
    """
    xp = _same_shape(orientations, truth)
    apart = orientations - truth
    return xp.mean(_length(xp, xp.reshape(apart, (*apart.shape[:-2], -1))))


def npss(features, truth):
    """Normalised power spectrum similarity, lower is better, 0 for equal spectra (Gopalakrishnan et al., "A Neural
    Temporal Model for Human Motion Prediction", CVPR 2019, equations 11 to 13; Harvey et al. 2020 take it of global
    quaternions).

    Each feature's power spectrum over time is divided by its sum; the earth mover's distance of two spectra, the sum of
    the differences of their running sums, counts by the power that the feature has in the truth. Power is the square of
    the Fourier coefficients' real parts, as in the published code. A feature without any power has an empty spectrum.

    Args:
        features, truth: (..., F, D) values over time; quaternions unrolled. All leading axes count alike.

    Raises:
        ValueError: shapes differ.
    """
    xp = _same_shape(features, truth)
    (spectrum, _), (true_spectrum, true_total) = (_spectrum(xp, values) for values in (features, truth))
    distance = xp.sum(xp.abs(xp.cumulative_sum(spectrum - true_spectrum, axis=-2)), axis=-2)
    weight = xp.sum(true_total)
    return xp.sum(distance * true_total) / xp.where(weight > 0, weight, xp.ones_like(weight))


def _spectrum(xp, values):
    """Power of (..., F, D) by frequency over its sum, and the sum (..., D)."""
    power = xp.real(xp.fft.fft(values + 0j, axis=-2)) ** 2
    total = xp.sum(power, axis=-2)
    return power / xp.where(total > 0, total, xp.ones_like(total))[..., None, :], total


def peak_speed_ratio(positions, truth, fps, percentile: float = 99.0):
    """Peak speed of each joint (J,) over that in the truth: how much of fast movement a filter leaves. NumPy.

    The peak is a high percentile of the speeds, so that one frame of noise does not pass for movement. A joint that is
    still in the truth has ratio 1 if it is still here too, else infinity.

    Raises:
        ValueError: shapes differ.
    """
    _same_shape(positions, truth)
    ours, theirs = (np.percentile(speeds(np.asarray(p), float(fps)), percentile, axis=0) for p in (positions, truth))
    still = theirs < 1e-9
    ratio = ours / np.where(still, 1.0, theirs)
    return np.where(still, np.where(ours < 1e-9, 1.0, np.inf), ratio)


@short_repr
@dataclass(frozen=True)
class FootSkate:
    """How feet slide in the contacts of a reference.

    Args:
        slips: (N,) metres, one for each contact: the greatest horizontal distance between two places it takes there.
        paths: (N,) metres slid along the ground within each contact, jitter included.
        seconds: (N,) how long each contact lasts.
        joints: (N,) column of each contact.
        starts: (N,) its first frame.
        threshold: metres from which on a contact counts as slipped.
    """

    slips: np.ndarray
    paths: np.ndarray
    seconds: np.ndarray
    joints: np.ndarray
    starts: np.ndarray
    threshold: float

    @property
    def count(self) -> int:
        """Number of contacts."""
        return len(self.slips)

    @property
    def slipped(self) -> float:
        """Part of the contacts whose slip reaches the threshold; 0 where there is no contact."""
        return float(np.mean(self.slips >= self.threshold)) if self.count else 0.0

    @property
    def mean_slip(self) -> float:
        """Metres per contact; 0 where there is no contact."""
        return float(np.mean(self.slips)) if self.count else 0.0

    @property
    def speed(self) -> float:
        """Metres slid in each second of contact; 0 where there is no contact."""
        return float(self.paths.sum() / self.seconds.sum()) if self.count else 0.0


def foot_skate(positions, contacts, fps, threshold: float = 0.025) -> FootSkate:
    """How far feet slide over the ground while a reference says that they stand. NumPy.

    Foot skate by the speed of feet near the ground (Zhang et al., "Mode-Adaptive Neural Networks for Quadruped Motion
    Control", SIGGRAPH 2018) judges contact and slip on the same motion, so that a foot which hovers does not skate.
    Here contacts come from elsewhere: label them on the reference where there is one (detect_contacts).

    Slow feet are in contact too, so people slip by this measure themselves. `foot_skate(positions - truth, ...)` gives
    what a motion slips beside the truth.

    Args:
        positions: (F, K, 3) of heels and toes, metres.
        contacts: (F, K) bool.
        fps: frames per second.
        threshold: metres from which on a contact counts as slipped.

    Raises:
        ValueError: shapes do not fit.
    """
    positions, contacts = np.asarray(positions, dtype=np.float64), np.asarray(contacts, dtype=bool)
    if contacts.shape != positions.shape[:2]:
        raise ValueError(f"contacts of shape {contacts.shape} do not fit positions of shape {positions.shape}")
    rows = []
    for joint in range(contacts.shape[1]):
        for start, end in spans(contacts[:, joint]):
            place = positions[start:end, joint][:, [0, 2]]
            path = np.linalg.norm(np.diff(place, axis=0), axis=-1).sum()
            rows.append((_width(place), path, (end - start) / float(fps), joint, start))
    slips, paths, seconds, joints, starts = np.array(rows, dtype=np.float64).reshape(-1, 5).T
    return FootSkate(slips, paths, seconds, joints.astype(int), starts.astype(int), threshold)


def _width(places):
    """Greatest distance between any two of the points (N, 2), to a thousandth: their widest shadow."""
    angles = np.arange(64) * np.pi / 64
    return np.ptp(places @ np.stack((np.cos(angles), np.sin(angles))), axis=0).max()


@dataclass(frozen=True)
class ContactScores:
    """Frames of contact found and true.

    Args:
        found: frames that were said to be contacts.
        true: frames that are.
        both: frames that are and were said to be.
    """

    found: int
    true: int
    both: int

    @property
    def precision(self) -> float:
        """Part of what was said that is so; 1 where nothing was said."""
        return self.both / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        """Part of what is so that was said; 1 where nothing is."""
        return self.both / self.true if self.true else 1.0


def contact_scores(contacts, truth) -> ContactScores:
    """Precision and recall of contacts (F, K) against true ones (F, K), frame by frame, with their counts. NumPy.

    Raises:
        ValueError: shapes differ.
    """
    contacts, truth = np.asarray(contacts, dtype=bool), np.asarray(truth, dtype=bool)
    if contacts.shape != truth.shape:
        raise ValueError(f"contacts of shape {contacts.shape} do not fit those of shape {truth.shape}")
    return ContactScores(int(contacts.sum()), int(truth.sum()), int((contacts & truth).sum()))


def penetration(positions, floor: float = 0.0):
    """Mean depth of the lowest joint below the floor over all frames, metres; frames above it count as 0 (Yuan et al.,
    "PhysDiff", ICCV 2023, Penetrate)."""
    xp = array_namespace(positions)
    depth = floor - xp.min(positions[..., 1], axis=-1)
    return xp.mean(xp.where(depth > 0, depth, xp.zeros_like(depth)))


def bone_length_drift(positions, parents):
    """Greatest change of any bone's length over the clip, metres: the largest of (longest - shortest) over all bones.

    Args:
        positions: (F, J, 3).
        parents: J indices, -1 for the root.
    """
    xp = array_namespace(positions)
    children = [joint for joint, parent in enumerate(parents) if parent >= 0]
    if not children:
        return xp.sum(positions[:1, ...]) * 0
    bones = [_length(xp, positions[:, j, :] - positions[:, parents[j], :]) for j in children]
    lengths = xp.stack(bones, axis=-1)
    return xp.max(xp.max(lengths, axis=0) - xp.min(lengths, axis=0))


def _same_shape(positions, truth):
    if tuple(positions.shape) != tuple(truth.shape):
        raise ValueError(f"positions of shape {tuple(positions.shape)} do not fit a truth of {tuple(truth.shape)}")
    return array_namespace(positions, truth)


def _mean_difference(positions, fps, order):
    xp = array_namespace(positions)
    for _ in range(order):
        positions = positions[1:, ...] - positions[:-1, ...]
    if positions.shape[0] == 0:
        return xp.sum(positions)
    return xp.mean(_length(xp, positions)) * float(fps) ** order


def _length(xp, v):
    # Where v is zero its length has no gradient; it is taken as zero, not as infinite.
    square = xp.sum(v * v, axis=-1)
    zero = square == 0
    return xp.where(zero, xp.zeros_like(square), xp.sqrt(xp.where(zero, xp.ones_like(square), square)))
