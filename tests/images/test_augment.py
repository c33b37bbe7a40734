import numpy as np
import pytest

pytest.importorskip("torch")
from scipy.ndimage import map_coordinates

from graphics_ml.images import augment


def smooth_picture(height, width):
    y, x = np.mgrid[:height, :width]
    return np.stack([127 + 100 * np.sin(x / 9), 127 + 100 * np.cos(y / 7), 127 + 60 * np.sin((x + y) / 11)], -1).astype(
        np.uint8
    )


@pytest.mark.parametrize("flip", [False, True])
def test_a_warped_picture_is_scipys(flip):
    picture = smooth_picture(70, 110)
    through = augment.region_map((50.0, 36.0), 45.0, 0.4, 64, flip)
    ours = augment.warped(picture, through, 64)
    rows, columns = np.mgrid[:64, :64] + 0.5
    source = augment.mapped(np.stack([columns, rows], -1), augment.inverse_map(through)) - 0.5
    places = [source[..., 1], source[..., 0]]
    theirs = np.stack(
        [map_coordinates(picture[..., c].astype(float), places, order=1, mode="nearest") for c in range(3)], -1
    )
    inside = (source > 0).all(-1) & (source < (109, 69)).all(-1)
    assert inside.mean() > 0.95
    assert np.abs(ours - theirs)[inside].max() < 0.05


def test_a_region_comes_out_upright_and_in_the_middle():
    turn = 0.7
    up = np.array([np.sin(turn), -np.cos(turn)])  # clockwise in the picture
    through = augment.region_map((40.0, 30.0), 20.0, turn, 100)
    centre, above = augment.mapped(np.array([[40.0, 30.0], np.array([40.0, 30.0]) + 10 * up]), through)
    assert np.allclose(centre, 50) and np.allclose(above, (50, 0))
    flipped = augment.region_map((40.0, 30.0), 20.0, turn, 100, flip=True)
    points = np.random.default_rng(0).uniform(0, 60, (5, 2))
    assert np.allclose(augment.mapped(points, flipped), augment.mapped(points, through) * (-1, 1) + (100, 0))


def test_what_lies_beyond_a_picture_is_grey():
    result = augment.warped(np.zeros((10, 10, 3), np.uint8), augment.region_map((100.0, 100.0), 10.0, 0.0, 16), 16)
    assert np.allclose(result, augment.GREY)


def test_fine_patterns_are_averaged_where_a_picture_shrinks():
    stripes = np.tile(np.array([0, 255], np.uint8), 256)[None].repeat(512, 0)
    shrunk = augment.warped(stripes, augment.region_map((256.0, 256.0), 512.0, 0.0, 64), 64)
    assert np.abs(shrunk[4:-4, 4:-4] - 127.5).max() < 2


def test_another_light_and_camera_change_a_picture_but_keep_its_shapes():
    picture = smooth_picture(64, 64).astype(np.float32)
    rng = np.random.default_rng(0)
    fits = []
    for _ in range(40):
        changed = augment.taken_otherwise(picture, rng).astype(float)
        assert changed.shape == picture.shape
        fits.append(np.corrcoef(changed.mean(-1).ravel(), picture.mean(-1).ravel())[0, 1])
    assert np.median(fits) > 0.85 and np.ptp(fits) > 0.02


def test_points_behind_a_thing_are_those_whose_pixels_changed():
    rng = np.random.default_rng(2)
    picture = np.full((96, 96, 3), 128.0, np.float32)
    y, x = np.mgrid[:96, :96]
    points = np.stack([x.ravel(), y.ravel()], -1) + 0.5
    for _ in range(5):
        changed, behind = augment.hidden_by_things(picture, points, rng)
        assert np.array_equal(behind, (changed != picture).any(-1).ravel())
        assert behind.any()


def test_a_person_stands_before_another_background():
    picture, background = np.full((8, 8, 3), 200.0, np.float32), np.full((8, 8, 3), 10.0, np.float32)
    mask = np.zeros((8, 8))
    mask[2:5, 2:5], mask[5, 5] = 1, 0.5
    mixed = augment.before(picture, mask, background)
    assert mixed[3, 3, 0] == 200 and mixed[0, 0, 0] == 10 and mixed[5, 5, 0] == 105
