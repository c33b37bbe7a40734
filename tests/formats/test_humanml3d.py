"""HumanML3D: the data set's own definitions, written out as its notebook has them, against what is read and written."""

from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.transform import Rotation

from graphics_ml import formats
from graphics_ml.errors import FormatWarning, MotionFileError, OutputError
from graphics_ml.formats import bodies, humanml3d
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.rotations import normalize, quaternion_from_axis_angle, quaternion_from_sixd, rotate

pytestmark = pytest.mark.filterwarnings("ignore::graphics_ml.errors.FormatWarning")
PARENTS = bodies.skeleton("humanml3d").parents


def a_walk(frames=120, seed=0):
    """Somebody who walks a curve and never turns about by half a turn, with feet that rest now and then."""
    random = np.random.default_rng(seed)
    skeleton = bodies.skeleton("humanml3d")
    time = np.arange(frames) / 20
    swings = random.normal(scale=0.25, size=(3, 22, 3))
    turns = sum(np.sin((k + 1) * time)[:, None, None] * swings[k] for k in range(3)) + random.normal(
        scale=0.1, size=(22, 3)
    )
    rotations = quaternion_from_axis_angle(turns)
    heading = np.stack([0 * time, 0.3 + np.sin(time / 3), 0 * time], axis=-1)
    rotations[:, 0] = quaternion_from_axis_angle(heading)
    root = np.stack([np.sin(time), 0.9 + 0.05 * np.sin(3 * time), 1.2 * time], axis=-1) + np.array([3, 0, -2])
    return Motion(skeleton, rotations, root, 20)


def recovered(features):
    """`recover_from_ric` of the data set, with scipy's rotations."""
    turn = np.concatenate([[0], np.cumsum(features[:-1, 0])])
    back = Rotation.from_rotvec(np.stack([0 * turn, -2 * turn, 0 * turn], axis=-1)).as_matrix()
    steps = np.zeros((len(features), 3))
    steps[1:, [0, 2]] = features[:-1, 1:3]
    root = np.cumsum(np.einsum("fij,fj->fi", back, steps), axis=0)
    root[:, 1] = features[:, 3]
    others = np.einsum("fij,fkj->fki", back, features[:, 4:67].reshape(-1, 21, 3))
    others[..., [0, 2]] += root[:, None, [0, 2]]
    return np.concatenate([root[:, None], others], axis=1)


def on_the_spot(positions):
    """Moved to begin above the origin, facing +Z, lowest joint on the floor, as every motion of the data set."""
    places = positions - positions[0, 0] * [1, 0, 1] - [0, positions[..., 1].min(), 0]
    across = places[0, 2] - places[0, 1] + places[0, 17] - places[0, 16]
    ahead = np.cross([0, 1, 0], across)
    return Rotation.from_euler("y", -np.arctan2(ahead[0], ahead[2])).apply(places.reshape(-1, 3)).reshape(places.shape)


def test_positions_are_those_that_the_data_set_recovers(tmp_path):
    features = humanml3d.features_of(a_walk().positions())
    features[:, 4:67] += np.random.default_rng(1).normal(scale=0.01, size=(120, 63))  # as from a network: bones stretch
    np.save(tmp_path / "walk.npy", features.astype("<f4"))
    motion = formats.load(tmp_path / "walk.npy")
    assert motion.local_positions is not None
    np.testing.assert_allclose(motion.positions(), recovered(features), atol=1e-5)


def test_bones_of_one_length_need_no_local_positions(tmp_path):
    walk = a_walk()
    formats.save(walk, tmp_path / "walk.npy")
    motion = formats.load(tmp_path / "walk.npy")
    assert motion.local_positions is None and motion.fps == 20 and len(motion) == len(walk)
    np.testing.assert_allclose(motion.positions(), on_the_spot(walk.positions()), atol=1e-4)
    np.testing.assert_allclose(
        np.linalg.norm(motion.skeleton.offsets[1:], axis=-1),
        np.linalg.norm(walk.skeleton.offsets[1:], axis=-1),
        atol=1e-5,
    )


def test_features_are_those_of_the_data_sets_definition():
    places = on_the_spot(a_walk().positions())
    features = humanml3d.features_of(a_walk().positions())
    # The heading of `inverse_kinematics_np`: hips left to right, shoulders right to left, smoothed, none at first.
    across = (places[:, 1] - places[:, 2]) + (places[:, 17] - places[:, 16])
    across /= np.linalg.norm(across, axis=-1, keepdims=True)
    ahead = gaussian_filter1d(np.cross([[0, 1, 0]], across), 20, axis=0, mode="nearest")
    heading = np.arctan2(ahead[:, 0], ahead[:, 2])
    heading[0] = 0
    back = Rotation.from_rotvec(np.stack([0 * heading, -heading, 0 * heading], axis=-1)).as_matrix()
    np.testing.assert_allclose(features[:-1, 0], np.arcsin(np.sin(np.diff(-heading) / 2)), atol=1e-9)
    steps = np.diff(places, axis=0)
    along = np.einsum("fij,fj->fi", back[1:], steps[:, 0])
    np.testing.assert_allclose(features[:-1, 1:3], along[:, [0, 2]], atol=1e-9)
    np.testing.assert_allclose(features[:, 3], places[:, 0, 1], atol=1e-9)
    local = np.einsum("fij,fkj->fki", back, places - places[:, :1] * [1, 0, 1])
    np.testing.assert_allclose(features[:, 4:67], local[:, 1:].reshape(120, -1), atol=1e-9)
    moves = np.einsum("fij,fkj->fki", back[:-1], steps)
    np.testing.assert_allclose(features[:-1, 193:259], moves.reshape(119, -1), atol=1e-9)
    resting = np.sum(steps[:, [7, 10, 8, 11]] ** 2, axis=-1) < 0.002
    np.testing.assert_array_equal(features[:-1, 259:], resting)
    assert 0 < resting.mean() < 1


def test_rotations_put_the_bones_where_they_are_as_the_data_set_chains_them():
    """`forward_kinematics_cont6d`: arms hang from the chest but count from the root."""
    places = on_the_spot(a_walk().positions())
    features = humanml3d.features_of(a_walk().positions())
    sixd = quaternion_from_sixd(features[:, 67:193].reshape(120, 21, 6))
    half = np.concatenate([[0], np.cumsum(features[:-1, 0])])
    root = np.stack([np.cos(half), 0 * half, np.sin(half), 0 * half], axis=-1)
    raw = (
        dict.fromkeys((1, 13), (1, 0, 0)) | dict.fromkeys((2, 14), (-1, 0, 0)) | dict.fromkeys((10, 11, 15), (0, 0, 1))
    )
    raw |= dict.fromkeys((3, 6, 9, 12), (0, 1, 0))
    for chain in ((0, 2, 5, 8, 11), (0, 1, 4, 7, 10), (0, 3, 6, 9, 12, 15), (9, 14, 17, 19, 21), (9, 13, 16, 18, 20)):
        turn = Rotation.from_quat(root[:, [1, 2, 3, 0]])
        for joint in chain[1:]:
            turn = turn * Rotation.from_quat(sixd[:, joint - 1][:, [1, 2, 3, 0]])
            bone = places[:, joint] - places[:, PARENTS[joint]]
            along = turn.apply(np.array(raw.get(joint, (0, -1, 0)), float))
            np.testing.assert_allclose(along, normalize(bone), atol=1e-6)


def test_rotations_that_are_read_turn_with_the_body():
    """Of a body whose hips and chest turn alone, the world rotations come back, as only twist about bones is free."""
    skeleton = bodies.skeleton("humanml3d")
    turns = np.random.default_rng(3).normal(scale=0.6, size=(50, 3))
    rotations = np.tile([1.0, 0, 0, 0], (50, 22, 1))
    rotations[:, 0] = quaternion_from_axis_angle(turns)
    still = Motion(skeleton, rotations, np.zeros((50, 3)), 20)
    solved = humanml3d._motion(Path("x.npy"), still.positions(), still.fps)
    toes = np.array([0, 0, 0.1])
    np.testing.assert_allclose(
        rotate(solved.orientations()[:, 0], toes), rotate(still.orientations()[:, 0], toes), atol=1e-6
    )
    np.testing.assert_allclose(solved.positions(), still.positions(), atol=1e-6)


def test_a_body_with_hands_is_written_without_them(tmp_path):
    smplh = bodies.skeleton("smplh")
    motion = Motion(smplh, np.tile([1.0, 0, 0, 0], (4, 52, 1)), np.zeros((4, 3)), 20)
    assert any("hands" in loss for loss in formats.losses(motion, tmp_path / "x.npy"))
    formats.save(motion, tmp_path / "x.npy")
    np.testing.assert_allclose(
        formats.load(tmp_path / "x.npy").positions(), on_the_spot(motion.positions()[:, :22]), atol=1e-5
    )


def test_another_rate_is_said_to_be_lost(tmp_path):
    with pytest.warns(FormatWarning, match="does not hold the frame rate"):
        formats.save(a_walk().replace(fps=120), tmp_path / "walk.npy")
    with pytest.warns(FormatWarning, match="no frame rate; 20"):
        assert formats.load(tmp_path / "walk.npy").fps == 20
    assert formats.load(tmp_path / "walk.npy", fps=120).fps == 120


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.zeros((5, 251), "f4"), "none of those|rows of 263"),
        (np.zeros((0, 263), "f4"), "holds no frame; get"),
        (np.zeros((5, 263), "i4"), "rows of 263"),
        (np.full((5, 263), np.nan, "f4"), "frame 0 is not finite"),
        (np.full((5, 263), 1e300), "frame 0 is not finite or huge"),
        (np.array([{}], dtype=object), "cannot be read as a .npy file"),
    ],
)
def test_files_that_are_wrong_are_refused(tmp_path, array, said):
    np.save(tmp_path / "x.npy", array, allow_pickle=True)
    with pytest.raises(MotionFileError, match=said):
        formats.load(tmp_path / "x.npy")


def test_one_frame_has_no_steps(tmp_path):
    with pytest.raises(OutputError, match="two frames or more"):
        formats.save(a_walk().frames(0, 1), tmp_path / "x.npy")


def test_a_file_of_the_data_set_comes_back_and_is_derived_again(test_data, tmp_path):
    path = test_data / "motion" / "humanml3d_000612.npy"
    features = np.load(path, allow_pickle=False)
    motion = formats.load(path)
    assert len(motion) == 199 and motion.local_positions is None
    np.testing.assert_allclose(motion.positions(), recovered(features), atol=1e-4)
    formats.save(motion, tmp_path / "again.npy")
    np.testing.assert_allclose(formats.load(tmp_path / "again.npy").positions(), motion.positions(), atol=1e-4)
    # The file's turn has a wrong sign in frame 142; what is within reach of the smoothing there is not compared.
    again = np.load(tmp_path / "again.npy")
    np.testing.assert_allclose(again[:60], features[:60], atol=1e-5)
