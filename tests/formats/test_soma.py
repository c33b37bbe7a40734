"""SOMA-style files: joints and rotations as they stand in the file, both ways."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from graphics_ml import formats
from graphics_ml.errors import FormatWarning, MotionFileError
from graphics_ml.formats import bodies
from graphics_ml.motion.rotations import matrix_from_quaternion

pytestmark = pytest.mark.filterwarnings("ignore::graphics_ml.errors.FormatWarning")
BODIES = {30: "soma", 77: "soma77", 22: "humanml3d"}


def a_soma_file(path, joints=30, frames=40, **changes):
    skeleton = bodies.skeleton(BODIES[joints])
    random = np.random.default_rng(0)
    time = np.linspace(0, 3, frames)[:, None]
    local = Rotation.from_rotvec(
        (np.sin(time + np.arange(joints))[..., None] * random.normal(size=3) * 0.5).reshape(-1, 3)
    )
    local = local.as_matrix().reshape(frames, joints, 3, 3)
    turns, places = np.zeros_like(local), np.zeros((frames, joints, 3))
    for joint, parent in enumerate(skeleton.parents):
        if parent < 0:
            turns[:, 0], places[:, 0] = local[:, 0], np.stack([time[:, 0], 1 + 0 * time[:, 0], 0 * time[:, 0]], axis=-1)
        else:
            turns[:, joint] = turns[:, parent] @ local[:, joint]
            places[:, joint] = places[:, parent] + turns[:, parent] @ skeleton.offsets[joint]
    held = dict(
        posed_joints=places.astype("f4"), global_rot_mats=turns.astype("f4"), foot_contacts=np.zeros((frames, 4), bool)
    )
    held.update(changes)
    np.savez(path, **{name: value for name, value in held.items() if value is not None})
    return held


@pytest.mark.parametrize("joints", [30, 77, 22])
def test_joints_and_their_rotations_are_those_of_the_file(tmp_path, joints):
    held = a_soma_file(tmp_path / "take.npz", joints)
    motion = formats.load(tmp_path / "take.npz")
    assert motion.skeleton.names == bodies.skeleton(BODIES[joints]).names and motion.local_positions is None
    np.testing.assert_allclose(motion.positions(), held["posed_joints"], atol=1e-6)
    np.testing.assert_allclose(matrix_from_quaternion(motion.orientations()), held["global_rot_mats"], atol=1e-6)


def test_joints_that_move_in_their_parents_frames_stay_where_the_file_has_them(tmp_path):
    held = a_soma_file(tmp_path / "take.npz")
    held["posed_joints"][:, 5:] += np.random.default_rng(1).normal(scale=0.01, size=(40, 25, 3))
    np.savez(tmp_path / "take.npz", **held)
    motion = formats.load(tmp_path / "take.npz")
    assert motion.local_positions is not None
    np.testing.assert_allclose(motion.positions(), held["posed_joints"], atol=1e-6)


@pytest.mark.parametrize("joints", [30, 77])
def test_what_is_written_is_what_was_read(tmp_path, joints):
    held = a_soma_file(tmp_path / "take.npz", joints)
    motion = formats.load(tmp_path / "take.npz", fps=60)
    formats.save(motion, tmp_path / "again.npz", "soma")
    again = np.load(tmp_path / "again.npz", allow_pickle=False)
    for name in ("posed_joints", "global_rot_mats"):
        np.testing.assert_allclose(again[name], held[name], atol=1e-6)
    local = again["local_rot_mats"]
    parents = list(motion.skeleton.parents[1:])
    np.testing.assert_allclose(
        held["global_rot_mats"][:, parents] @ local[:, 1:], held["global_rot_mats"][:, 1:], atol=1e-5
    )
    assert again["foot_contacts"].shape == (40, 4) and again["foot_contacts"].dtype == bool
    assert formats.load(tmp_path / "again.npz").fps == 60


def test_the_rate_that_is_not_in_the_file_is_said(tmp_path):
    a_soma_file(tmp_path / "take.npz")
    with pytest.warns(FormatWarning, match="no frame rate; 30"):
        assert formats.load(tmp_path / "take.npz").fps == 30
    assert formats.load(tmp_path / "take.npz", fps=24).fps == 24


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (dict(posed_joints=None), "none of those known|no posed_joints"),
        (dict(posed_joints=np.zeros((40, 29, 3)), global_rot_mats=np.tile(np.eye(3), (40, 29, 1, 1))), "29 joints"),
        (dict(posed_joints=np.zeros((39, 30, 3))), r"are not \(F, J, 3\)"),
        (dict(global_rot_mats=np.zeros((40, 30, 3, 3))), "no rotations"),
        (dict(global_rot_mats=np.tile(-np.eye(3), (40, 30, 1, 1))), "no rotations"),
        (dict(posed_joints=np.full((40, 30, 3), np.nan)), "not finite"),
        (dict(posed_joints=np.full((40, 30, 3), 1e300)), "not finite or huge"),
        (dict(global_rot_mats=np.full((40, 30, 3, 3), 1e300)), "not finite or huge"),
        (dict(posed_joints=np.zeros((0, 30, 3)), global_rot_mats=np.zeros((0, 30, 3, 3))), "are not"),
        (dict(posed_joints=np.full((40, 30, 3), "a")), "are not"),
        (dict(fps=np.array(0.0)), "its frame rate is 0"),
        (dict(fps=np.array([])), "its frame rate"),
    ],
)
def test_files_that_are_wrong_are_refused_in_one_sentence(tmp_path, changes, said):
    a_soma_file(tmp_path / "take.npz", **changes)
    with pytest.raises(MotionFileError, match=said) as caught:
        formats.load(tmp_path / "take.npz")
    assert "\n" not in str(caught.value)


def test_a_motion_of_kimodo_keeps_its_contacts_and_stands_on_the_floor(test_data, tmp_path):
    path = test_data / "motion" / "soma_text_prompt.npz"
    held = np.load(path, allow_pickle=False)
    motion = formats.load(path)
    np.testing.assert_allclose(motion.positions(), held["posed_joints"], atol=1e-5)
    # The bones are the published skeleton's, which the shape of the file alone does not say.
    np.testing.assert_allclose(motion.skeleton.offsets[1:], bodies.skeleton("soma").offsets[1:], atol=1e-4)
    formats.save(motion, tmp_path / "again.npz", "soma")
    ours = np.load(tmp_path / "again.npz")["foot_contacts"]
    assert (ours == held["foot_contacts"]).mean() > 0.9
