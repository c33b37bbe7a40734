from fractions import Fraction

import numpy as np
import pytest
import torch
from scipy.optimize import least_squares

from graphics_ml.errors import FileError
from graphics_ml.motion.camera import focal_length
from graphics_ml.motion.rotations import quaternion_from_axis_angle, rotate
from graphics_ml.pose import lifter
from graphics_ml.pose.camera import CameraSettings
from graphics_ml.pose.detection import LANDMARKS, MIRRORED, Detections, Hands
from graphics_ml.pose.lifter import HIPS, LifterError, LifterNetwork, lift, lift_with_detector, load_network, look

WIDTH, HEIGHT, FOCAL = 1280, 720, 1100.0
CAMERA = CameraSettings(focal=FOCAL)
TRUNK = [LANDMARKS.index(f"{side}_{part}") for side in ("left", "right") for part in ("shoulder", "hip")]


@pytest.fixture(scope="module")
def network():
    """Untrained: what holds for it holds for any."""
    torch.manual_seed(3)
    return LifterNetwork(32, (1, 3)).eval()


def waving(frames=40, fps=30):
    """(F, L, 3) camera axes: a stick figure, sides apart, that turns and moves its limbs."""
    time = np.arange(frames)[:, None] / fps
    rng = np.random.default_rng(0)
    still = rng.normal(0, 0.3, (len(LANDMARKS), 3)) + np.array([0, 0, 4.0])
    swing = rng.normal(0, 0.1, (len(LANDMARKS), 3))
    return still + np.sin(2 * time[..., None]) * swing


def seen(places, fps=30, visibility=0.9, **changes):
    frames = len(places)
    values = dict(
        keypoints=FOCAL * places[..., :2] / places[..., 2:] + (WIDTH / 2, HEIGHT / 2),
        depth=np.zeros(places.shape[:2]),
        world=np.full(places.shape, np.nan),
        visibility=np.full(places.shape[:2], visibility),
        presence=np.ones(places.shape[:2]),
        found=np.ones(frames, bool),
        fps=Fraction(fps),
        image_size=(WIDTH, HEIGHT),
        person="",
        detector="test",
    )
    return Detections(**(values | changes))


def test_what_is_lifted_is_centred_on_the_hips_and_says_who_lifted_it(network):
    lifted = lift(seen(waving()), CAMERA, network)
    hips = lifted.world[:, [LANDMARKS.index("left_hip"), LANDMARKS.index("right_hip")]].mean(axis=1)
    assert np.abs(hips).max() < 1e-5
    assert lifted.lifter == "graphics-ml"
    assert np.isfinite(lifted.depth).all()


def test_a_person_in_a_mirror_is_lifted_to_the_mirror_image(network):
    places = waving()
    straight = lift(seen(places), CAMERA, network).world
    mirrored = lift(seen(places[:, list(MIRRORED)] * (-1, 1, 1)), CAMERA, network).world
    np.testing.assert_allclose(mirrored, straight[:, list(MIRRORED)] * (-1, 1, 1), atol=1e-6)


def test_a_quick_film_is_lifted_as_the_slower_ones_it_is_made_of(network):
    places = waving(60, 60)
    both = lift(seen(places, 60), CAMERA, network).world
    for phase in (0, 1):
        one = lift(seen(places[phase::2], 30), CAMERA, network).world
        np.testing.assert_allclose(both[phase::2], one, atol=1e-6)


def test_a_slow_film_is_lifted_as_a_usual_one_with_frames_missing(network):
    places = waving(28, 30)
    found = np.arange(28) % 3 == 0
    gappy = seen(places, 30, found=found)
    slow = seen(places[::3], 10)
    np.testing.assert_allclose(lift(slow, CAMERA, network).world, lift(gappy, CAMERA, network).world[found], atol=1e-6)


def test_frames_without_a_person_stay_empty_and_the_others_are_lifted(network):
    places = waving()
    found = np.ones(len(places), bool)
    found[[0, 10, 11, 12, 39]] = False
    pixels = seen(places).keypoints.copy()
    pixels[~found] = np.nan
    lifted = lift(seen(places, keypoints=pixels, found=found), CAMERA, network)
    assert np.isnan(lifted.world[~found]).all()
    assert np.isfinite(lifted.world[found]).all()
    assert np.isfinite(lifted.depth[found]).all()


def test_one_frame_and_one_landmark_less_are_enough(network):
    places = waving(1)
    pixels = seen(places).keypoints.copy()
    pixels[0, 15] = np.nan
    assert np.isfinite(lift(seen(places, keypoints=pixels), None, network).world).all()


def test_a_long_film_in_chunks_is_lifted_as_in_one_piece(network, monkeypatch):
    detections = seen(waving(50))
    whole = lift(detections, CAMERA, network).world
    monkeypatch.setattr(lifter, "_CHUNK", 7)
    np.testing.assert_allclose(lift(detections, CAMERA, network).world, whole, atol=1e-6)


def test_a_frame_whose_sides_the_detector_exchanged_is_lifted_as_if_it_had_not_and_this_is_said(network):
    places = waving()
    exchanged = places.copy()
    exchanged[20] = exchanged[20, list(MIRRORED)]
    straight, mended = (lift(seen(at), CAMERA, network) for at in (places, exchanged))
    np.testing.assert_allclose(mended.world, straight.world, atol=1e-6)
    np.testing.assert_array_equal(mended.keypoints, straight.keypoints)
    assert not straight.warnings
    assert "mistook left for right in frame 20" in mended.warnings[0]


def test_hands_that_were_looked_for_at_the_wrong_wrists_do_not_count(network):
    places = waving()
    places[20] = places[20, list(MIRRORED)]
    hands = Hands(np.zeros((40, 2, 21, 3)), np.full((40, 2), 0.9))
    score = lift(seen(places, hands=hands), CAMERA, network).hands.score
    assert (score[20] == 0).all()
    assert (np.delete(score, 20, axis=0) == 0.9).all()


def test_the_size_is_the_detectors_where_it_gave_one(network):
    detections = seen(waving())
    lifted = lift(detections, CAMERA, network)
    for size in (0.5, 1.0):
        again = lift(detections.replace(world=size * lifted.world), CAMERA, network)
        np.testing.assert_allclose(again.world, size * lifted.world, atol=1e-9)


def test_what_a_detector_sees_straight_ahead_is_turned_to_the_cameras_axes_and_the_mean_taken(network):
    ahead = waving()
    ahead -= ahead[:, TRUNK].mean(axis=1, keepdims=True) - (0, 0, 4.0)
    from_hips = ahead - ahead[:, HIPS].mean(axis=1, keepdims=True)
    across = quaternion_from_axis_angle(np.array([0.0, 0.35, 0.0]))  # to one side of the picture
    detections = seen(rotate(across, ahead), world=from_hips)
    alone, both = (how(detections, CAMERA, network) for how in (lift, lift_with_detector))
    np.testing.assert_allclose(2 * both.world - alone.world, rotate(across, from_hips), atol=0.02)
    assert np.abs(from_hips - rotate(across, from_hips)).max() > 0.2
    assert both.lifter == "graphics-ml"
    # Depth is told in pixels, at the person's distance.
    np.testing.assert_allclose(both.depth / both.world[..., 2], FOCAL / 4, rtol=0.3)


def test_where_a_detector_has_no_places_of_its_own_they_are_the_lifters(network):
    detections = seen(waving())
    alone, both = (how(detections, CAMERA, network) for how in (lift, lift_with_detector))
    np.testing.assert_array_equal(both.world, alone.world)
    np.testing.assert_array_equal(both.depth, alone.depth)


def test_sides_that_the_detector_exchanged_are_mended_before_the_mean_is_taken(network):
    places = waving()
    exchanged = places.copy()
    exchanged[20] = exchanged[20, list(MIRRORED)]
    straight, mended = (
        lift_with_detector(seen(at, world=at - at[:, HIPS].mean(axis=1, keepdims=True)), CAMERA, network)
        for at in (places, exchanged)
    )
    np.testing.assert_allclose(mended.world, straight.world, atol=1e-6)
    assert len(mended.warnings) == 1


def test_what_the_network_sees_of_a_person_does_not_depend_on_where_the_camera_points():
    places = waving() * (1, 1e-3, 1)  # level with the camera, which turns sideways
    turned = rotate(quaternion_from_axis_angle(np.array([0, 0.4, 0])), places)
    sure = np.ones(places.shape[:2])
    here, there = (look(at[..., :2] / at[..., 2:], sure).inputs for at in (places, turned))
    np.testing.assert_allclose(here[:, :-3], there[:, :-3], atol=1e-3)
    assert (there[:, -3] - here[:, -3]).min() > 0.3


def test_places_that_are_seen_are_drawn_to_their_lines_of_sight_and_hidden_ones_are_not(network, monkeypatch):
    places = waving()
    visibility = np.full(places.shape[:2], 1.0)
    visibility[:, 15] = 0.0
    detections = seen(places, visibility=visibility)

    def off(share):
        monkeypatch.setattr(lifter, "_TO_SIGHT", share)
        world = lift(detections, CAMERA, network).world
        rays = places[..., :2] / places[..., 2:]
        sure = visibility[0] > 0

        def misses(person):
            at = world[0] + person
            return ((at[:, :2] / at[:, 2:] - rays[0])[sure]).ravel()

        person = least_squares(misses, [0.0, 0.0, 4.0]).x
        at = world[0] + person
        return np.linalg.norm(at[:, :2] / at[:, 2:] - rays[0], axis=-1)

    free, drawn = off(0.0), off(1.0)
    seen_well = np.delete(np.arange(len(LANDMARKS)), [15, *HIPS])
    assert np.median(drawn[seen_well]) < 0.1 * np.median(free[seen_well])
    assert drawn[15] > 0.3 * free[15]


def test_landmarks_of_another_kind_are_refused_in_one_sentence(network):
    with pytest.raises(LifterError, match="gives others"):
        lift(seen(waving()).replace(landmarks=LANDMARKS[::-1]), CAMERA, network)


def test_missing_weights_are_named_in_one_sentence(tmp_path):
    with pytest.raises(FileError, match="there is no such file"):
        load_network(tmp_path / "lifter.safetensors")


def test_an_unknown_focal_length_is_taken_to_be_a_usual_one(network):
    detections = seen(waving())
    usual = CameraSettings(focal=lifter.DEFAULT_FOCAL * WIDTH)
    np.testing.assert_array_equal(lift(detections, None, network).world, lift(detections, usual, network).world)
    assert 50 < np.degrees(2 * np.arctan(0.5 / lifter.DEFAULT_FOCAL)) < 60
    assert focal_length(WIDTH, HEIGHT, np.radians(56)) == pytest.approx(lifter.DEFAULT_FOCAL * WIDTH, rel=0.02)
