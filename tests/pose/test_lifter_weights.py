"""Our own lifter, on motions that it has not learned from, as a detector sees them."""

from fractions import Fraction

import numpy as np
import pytest

from graphics_ml.motion.invented import invent
from graphics_ml.motion.metrics import pa_mpjpe
from graphics_ml.pose.camera import CameraSettings
from graphics_ml.pose.detection import LANDMARKS, Detections
from graphics_ml.pose.detector_noise import seen_by_detector
from graphics_ml.pose.lifter import WEIGHTS, lift
from graphics_ml.pose.lifter_data import clip_of, film

FOCAL, SIZE = 1000.0, (1280, 720)
LIMBS = [
    LANDMARKS.index(f"{side}_{part}")
    for side in ("left", "right")
    for part in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
]


@pytest.fixture(scope="module")
def filmed():
    """Pairs: true places (F, L, 3), and what a detector sees of them."""
    pairs = []
    for number, kind in enumerate(("walk", "wave", "squat", "pick up", "box", "dance")):
        rng = np.random.default_rng(9000 + number)
        places = film(clip_of(invent(rng, kind, 4.0, 30, fingers=False)), 90, rng).places
        rays, visibility = seen_by_detector(places, rng)
        found = visibility.any(axis=1)
        detections = Detections(
            keypoints=np.where(found[:, None, None], FOCAL * rays + np.array(SIZE) / 2, np.nan),
            depth=np.full(visibility.shape, np.nan),
            world=np.full(places.shape, np.nan),
            visibility=visibility,
            presence=np.ones(visibility.shape),
            found=found,
            fps=Fraction(30),
            image_size=SIZE,
            person="",
            detector="test",
        )
        pairs.append((places, detections))
    return pairs


def off(places, truth, found):
    return 1e3 * float(np.mean(pa_mpjpe(places[found][:, LIMBS], truth[found][:, LIMBS])))


def test_it_is_far_better_than_a_flat_picture(filmed):
    ours, flat = [], []
    for truth, detections in filmed:
        found = detections.found
        ours.append(off(lift(detections, CameraSettings(focal=FOCAL)).world, truth, found))
        seen = np.concatenate((detections.keypoints, np.zeros((*found.shape, len(LANDMARKS), 1))), axis=-1)
        flat.append(off(seen, truth, found))
    assert np.mean(ours) < 0.7 * np.mean(flat)
    assert np.mean(ours) < 110
    assert all(one < other for one, other in zip(ours, flat, strict=True)), (ours, flat)


def test_an_unknown_focal_length_costs_little(filmed):
    known, guessed = [], []
    for truth, detections in filmed:
        known.append(off(lift(detections, CameraSettings(focal=FOCAL)).world, truth, detections.found))
        guessed.append(off(lift(detections).world, truth, detections.found))
    assert np.mean(guessed) < 1.1 * np.mean(known)


def test_the_weights_are_small_and_have_their_card_beside_them():
    assert WEIGHTS.stat().st_size < 15e6
    assert "invented" in WEIGHTS.with_suffix(".md").read_text(encoding="utf-8")
