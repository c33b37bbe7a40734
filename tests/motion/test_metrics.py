"""Metrics against scipy, against movement whose answer is known, and under transforms that must not matter."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import orthogonal_procrustes
from scipy.spatial import procrustes
from scipy.spatial.distance import pdist
from scipy.spatial.transform import Rotation
from scipy.stats import wasserstein_distance

from graphics_ml.motion.metrics import (
    acceleration,
    acceleration_error,
    bone_length_drift,
    contact_scores,
    foot_skate,
    jerk,
    l2p,
    l2q,
    mpjpe,
    npss,
    pa_mpjpe,
    peak_speed_ratio,
    penetration,
    procrustes_align,
)

SEEDS = st.integers(0, 1000)


@given(seed=SEEDS)
def test_alignment_agrees_with_scipys_procrustes(seed):
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=(14, 3))
    positions = moved(rng, truth) + rng.normal(0, 0.1, (14, 3))
    theirs = procrustes(truth, positions)[2]  # sum of squares after both are scaled to unit size
    ours = np.sum((procrustes_align(positions, truth) - truth) ** 2) / np.sum((truth - truth.mean(axis=0)) ** 2)
    assert ours == pytest.approx(theirs, rel=1e-6)


@given(seed=SEEDS)
def test_alignment_without_scale_agrees_with_scipys_orthogonal_procrustes(seed):
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=(14, 3))
    positions = truth @ Rotation.random(random_state=seed).as_matrix() + rng.normal(0, 0.05, (14, 3))
    centred, truth_centred = positions - positions.mean(axis=0), truth - truth.mean(axis=0)
    turn = orthogonal_procrustes(centred, truth_centred)[0]
    assert np.linalg.det(turn) > 0
    ours = procrustes_align(positions, truth, scaled=False)
    np.testing.assert_allclose(ours, centred @ turn + truth.mean(axis=0), atol=1e-9)


@given(seed=SEEDS)
def test_pa_mpjpe_ignores_similarity_transforms_but_sees_mirror_images(seed):
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=(5, 14, 3))
    guess = truth + rng.normal(0, 0.05, truth.shape)
    elsewhere = np.stack([moved(rng, frame) for frame in guess])
    assert pa_mpjpe(elsewhere, truth) == pytest.approx(pa_mpjpe(guess, truth), rel=1e-6)
    assert pa_mpjpe(np.stack([moved(rng, f) for f in truth]), truth) < 1e-9
    assert pa_mpjpe(truth * [-1, 1, 1], truth) > 0.1


def test_mpjpe_is_the_mean_distance_and_may_be_taken_from_a_root():
    truth = np.random.default_rng(0).normal(size=(7, 5, 3))
    offset = np.array([0.03, 0, -0.04])
    assert mpjpe(truth + offset, truth) == pytest.approx(0.05)
    assert mpjpe(truth + offset, truth, root=2) == pytest.approx(0.0, abs=1e-12)
    with pytest.raises(ValueError, match="do not fit"):
        mpjpe(truth, truth[:, :4])


@pytest.mark.parametrize("fps", [24, 60])
def test_acceleration_and_jerk_of_polynomials_are_exact_at_any_rate(fps):
    time = np.arange(50)[:, None] / fps
    falling = np.stack((2 * time, -4.905 * time**2, 0 * time), axis=-1)
    cubic = np.stack((0 * time, 0.5 * time**3, 0 * time), axis=-1)
    assert acceleration(falling, fps) == pytest.approx(9.81)
    assert jerk(falling, fps) == pytest.approx(0.0, abs=1e-6)
    assert jerk(cubic, fps) == pytest.approx(3.0)
    assert acceleration_error(falling + [1, 2, 3] + 5 * time[..., None], falling, fps) == pytest.approx(0.0, abs=1e-8)
    assert acceleration_error(falling, 0 * falling, fps) == pytest.approx(9.81)
    assert acceleration(falling[:2], fps) == 0 and jerk(falling[:3], fps) == 0


def test_peak_speeds_scale_with_the_movement():
    time = np.arange(300) / 30
    path = np.stack((np.sin(3 * time), np.cos(2 * time), 0 * time), axis=-1)[:, None]
    assert peak_speed_ratio(0.85 * path, path, 30) == pytest.approx(0.85)
    assert peak_speed_ratio(path, 0 * path, 30) == np.inf
    assert peak_speed_ratio(0 * path, 0 * path, 30) == 1


@given(seed=SEEDS)
def test_slip_is_the_greatest_distance_between_two_places_of_a_contact(seed):
    rng = np.random.default_rng(seed)
    path = rng.normal(0, 0.02, (30, 1, 3))
    contacts = np.zeros((30, 1), dtype=bool)
    contacts[3:10] = contacts[15:29] = True
    skate = foot_skate(path, contacts, 30)
    for slip, frames in zip(skate.slips, (slice(3, 10), slice(15, 29)), strict=True):
        assert slip == pytest.approx(pdist(path[frames, 0][:, [0, 2]]).max(), rel=2e-3)
    assert skate.starts.tolist() == [3, 15] and skate.joints.tolist() == [0, 0]


def test_a_foot_that_slides_at_a_known_speed_is_measured_so():
    time = np.arange(60) / 30
    feet = np.stack((0.05 * time, np.sin(time), 0 * time), axis=-1)[:, None].repeat(2, axis=1)
    feet[:, 1, 0] = 0
    contacts = np.zeros((60, 2), dtype=bool)
    contacts[:31] = True
    skate = foot_skate(feet, contacts, 30)
    assert skate.count == 2 and skate.slipped == 0.5
    assert skate.slips == pytest.approx([0.05, 0.0])
    assert skate.mean_slip == pytest.approx(0.025)
    assert skate.speed == pytest.approx(0.05 / (2 * 31 / 30))
    assert foot_skate(feet, contacts, 30, threshold=0.06).slipped == 0
    assert foot_skate(feet - feet, contacts, 30).mean_slip == 0


def test_no_contacts_is_no_slip_and_a_wrong_shape_is_refused():
    skate = foot_skate(np.zeros((5, 2, 3)), np.zeros((5, 2), dtype=bool), 30)
    assert (skate.count, skate.slipped, skate.mean_slip, skate.speed) == (0, 0.0, 0.0, 0.0)
    with pytest.raises(ValueError, match="contacts"):
        foot_skate(np.zeros((5, 2, 3)), np.zeros((5, 3), dtype=bool), 30)


@given(seed=SEEDS)
def test_l2p_is_the_mean_length_of_a_frames_normalised_difference(seed):
    rng = np.random.default_rng(seed)
    truth, guess = rng.normal(size=(2, 3, 11, 5, 3))
    mean, deviation = rng.normal(size=(5, 3)), rng.uniform(0.2, 3, (5, 3))
    lengths = [
        np.sqrt(sum(((g - t) / d) ** 2 for g, t, d in zip(a.ravel(), b.ravel(), deviation.ravel(), strict=True)))
        for clip, true in zip(guess, truth, strict=True)
        for a, b in zip(clip, true, strict=True)
    ]
    assert l2p(guess, truth, mean, deviation) == pytest.approx(np.mean(lengths))
    assert l2p(10 * guess, 10 * truth, 10 * mean, 10 * deviation) == pytest.approx(np.mean(lengths))
    with pytest.raises(ValueError, match="above zero"):
        l2p(guess, truth, mean, 0 * deviation)


def test_l2q_of_one_joint_turned_by_an_angle_is_the_chord_of_half_of_it():
    truth = np.tile([1.0, 0, 0, 0], (6, 4, 1))
    guess = np.array(truth)
    angle = np.linspace(0, np.pi, 6)
    guess[:, 2] = np.stack((np.cos(angle / 2), 0 * angle, np.sin(angle / 2), 0 * angle), axis=-1)
    assert l2q(guess, truth) == pytest.approx(np.mean(2 * np.sin(angle / 4)))
    assert l2q(-truth, truth) == pytest.approx(4.0)  # signs count, as in the benchmark: 2 sqrt(4 joints)


@given(seed=SEEDS)
def test_npss_agrees_with_scipys_wasserstein_distance_between_the_spectra(seed):
    rng = np.random.default_rng(seed)
    truth, guess = rng.normal(size=(2, 2, 16, 3))
    total, weights = 0.0, 0.0
    frame = np.arange(16)
    for clip, dimension in np.ndindex(2, 3):
        # The real part of a Fourier coefficient is a sum of cosines.
        spectra = [
            [np.sum(x[clip, :, dimension] * np.cos(2 * np.pi * k * frame / 16)) ** 2 for k in range(16)]
            for x in (guess, truth)
        ]
        power = np.sum(spectra[1])
        total += power * wasserstein_distance(frame, frame, *spectra)
        weights += power
    assert npss(guess, truth) == pytest.approx(total / weights)


def test_npss_of_equal_movement_is_zero_and_stillness_is_no_fault():
    moving = np.random.default_rng(0).normal(size=(20, 4))
    assert npss(moving, moving) == pytest.approx(0, abs=1e-12)
    assert npss(0 * moving, 0 * moving) == 0
    still = np.concatenate((moving, 0 * moving), axis=1)
    assert np.isfinite(npss(0 * still, still))
    assert npss(3 * moving, moving) == pytest.approx(0, abs=1e-12)  # powers are relative
    with pytest.raises(ValueError, match="do not fit"):
        npss(moving, moving[:10])


def test_precision_and_recall_count_frames():
    found = np.array([[1, 1, 1, 0, 0, 0]], dtype=bool).T
    truth = np.array([[0, 1, 1, 1, 1, 0]], dtype=bool).T
    scores = contact_scores(found, truth)
    assert (scores.precision, scores.recall) == (pytest.approx(2 / 3), 0.5)
    nothing = contact_scores(~truth & truth, truth)
    assert (nothing.precision, nothing.recall) == (1.0, 0.0)
    with pytest.raises(ValueError, match="contacts"):
        contact_scores(found, truth[:-1])


def test_penetration_is_the_mean_depth_of_the_lowest_joint():
    positions = np.zeros((4, 3, 3)) + 0.5
    positions[0, 1, 1], positions[2, 2, 1] = -0.04, -0.02
    assert penetration(positions) == pytest.approx(0.015)
    assert penetration(positions, floor=-0.1) == 0
    assert penetration(positions, floor=0.1) == pytest.approx((0.14 + 0.12) / 4)


def test_bone_length_drift_is_the_greatest_change_of_any_bone():
    positions = np.tile(np.array([[0.0, 0, 0], [0, 1, 0], [1, 1, 0]]), (5, 1, 1))
    assert bone_length_drift(positions, (-1, 0, 1)) == 0
    positions[3, 2, 0] = 1.02
    positions[4, 2, 0] = 0.99
    assert bone_length_drift(positions, (-1, 0, 1)) == pytest.approx(0.03)
    assert bone_length_drift(positions[:, :1], (-1,)) == 0


def test_torch_gives_the_same_and_finite_gradients_even_for_a_perfect_guess():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    truth, guess = rng.normal(size=(6, 8, 3)), rng.normal(size=(6, 8, 3))
    measures = (
        mpjpe,
        pa_mpjpe,
        lambda a, b: acceleration_error(a, b, 30),
        lambda a, b: acceleration(a, 30),
        lambda a, b: jerk(a, 30),
        lambda a, b: penetration(a),
        lambda a, b: l2p(a, b, b[0] * 0 + 0.1, b[0] * 0 + 0.7),
        l2q,
        npss,
        lambda a, b: bone_length_drift(a, (-1, 0, 1, 2, 3, 4, 5, 6)),
    )
    for measure in measures:
        tensor = torch.tensor(guess, requires_grad=True)
        value = measure(tensor, torch.tensor(truth))
        assert float(value.detach()) == pytest.approx(float(measure(guess, truth)), rel=1e-9)
        assert torch.autograd.gradcheck(lambda t, m=measure: m(t, torch.tensor(truth)), (tensor,), atol=1e-4)
    same = torch.tensor(truth, requires_grad=True)
    mpjpe(same, torch.tensor(truth)).backward()
    assert torch.isfinite(same.grad).all()


def moved(rng, points):
    """The points turned, scaled and shifted at random."""
    turn = Rotation.random(random_state=int(rng.integers(1 << 31))).as_matrix()
    return rng.uniform(0.3, 3) * points @ turn.T + rng.normal(size=3)
