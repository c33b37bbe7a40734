"""AMASS and SMPL-X files: joints against the smplx package's own bodies, layouts, and what is never trusted."""

import pickle
import warnings
from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from graphics_ml import formats
from graphics_ml.errors import FormatWarning, MotionFileError, OutputError
from graphics_ml.formats import bodies
from graphics_ml.formats.body_models import rest_joints
from graphics_ml.motion.rotations import quaternion_from_axis_angle

pytestmark = pytest.mark.filterwarnings("ignore::graphics_ml.errors.FormatWarning")
FRAMES = 7
JOINTS = {"smpl": 24, "smplh": 52, "smplx": 55}


def random_poses(joints, seed=0):
    return np.random.default_rng(seed).normal(scale=0.4, size=(FRAMES, joints, 3))


def an_amass_file(path, joints=52, **more):
    random = np.random.default_rng(1)
    held = dict(
        poses=random_poses(joints).reshape(FRAMES, -1),
        trans=random.normal(size=(FRAMES, 3)),
        betas=random.normal(size=16),
        gender=np.array("female"),
        mocap_framerate=np.array(119.999998),
    )
    held.update(more)
    np.savez(path, **{name: value for name, value in held.items() if value is not None})
    return held


def a_body_model(path, body, betas=16, expressions=0):
    """A model in the layout of the official files, of few vertices: joints are means of some of them."""
    random = np.random.default_rng(2)
    joints, vertices = JOINTS[body], 4 * JOINTS[body]
    regressor = np.zeros((joints, vertices))
    for joint in range(joints):
        regressor[joint, 4 * joint : 4 * joint + 4] = random.dirichlet(np.ones(4))
    parents = np.array(bodies.skeleton(body).parents)
    held = dict(
        v_template=random.normal(size=(vertices, 3)),
        shapedirs=random.normal(scale=0.1, size=(vertices, 3, betas + expressions)),
        posedirs=np.zeros((vertices, 3, 9 * (joints - 1))),
        J_regressor=regressor,
        weights=np.eye(joints)[np.repeat(np.arange(joints), 4)],
        kintree_table=np.stack([np.where(parents < 0, 2**32 - 1, parents), np.arange(joints)]),
        f=np.zeros((1, 3), np.int64),
        hands_meanl=np.zeros(45),
        hands_meanr=np.zeros(45),
        hands_componentsl=np.eye(45),
        hands_componentsr=np.eye(45),
        part2num=np.array({"a part": 1}, dtype=object),  # as official files have them: pickled
    )
    np.savez(path, **held)
    return held


@pytest.mark.parametrize("body", ["smpl", "smplh"])
def test_with_the_users_model_joints_are_where_smplx_puts_them(tmp_path, body):
    smplx, torch = pytest.importorskip("smplx"), pytest.importorskip("torch")
    from smplx.vertex_ids import vertex_ids as VERTEX_IDS

    model = a_body_model(tmp_path / "model.npz", body, betas=10)
    held = an_amass_file(tmp_path / "take.npz", JOINTS[body], betas=np.random.default_rng(3).normal(size=10))
    motion = formats.load(tmp_path / "take.npz", body_model=tmp_path / "model.npz")

    poses, hands = torch.from_numpy(held["poses"]), body == "smplh"
    layer = (smplx.SMPLH if hands else smplx.SMPL)(
        "",
        data_struct=SimpleNamespace(**model),
        batch_size=FRAMES,
        dtype=torch.float64,
        vertex_ids=dict.fromkeys(VERTEX_IDS["smplh"], 0),  # for joints of the face, which the small model does not have
        **({"use_pca": False, "flat_hand_mean": True} if hands else {}),
    )
    with torch.no_grad():
        posed = layer(
            betas=torch.from_numpy(held["betas"])[None].expand(FRAMES, -1),
            global_orient=poses[:, :3],
            body_pose=poses[:, 3:66] if hands else poses[:, 3:],
            transl=torch.from_numpy(held["trans"]),
            **({"left_hand_pose": poses[:, 66:111], "right_hand_pose": poses[:, 111:]} if hands else {}),
        )
    joints = posed.joints[:, : JOINTS[body]].numpy()[..., [0, 2, 1]] * [1, 1, -1]
    # smplx adds 1e-8 to rotation vectors before it measures them.
    np.testing.assert_allclose(motion.positions(), joints, atol=1e-6)


def test_a_smplx_models_first_300_or_10_directions_are_shape_and_the_others_the_face(tmp_path):
    pytest.importorskip("smplx")
    for betas, expressions in ((10, 10), (300, 100)):
        model = a_body_model(tmp_path / "SMPLX_NEUTRAL.npz", "smplx", betas, expressions)
        beta = np.random.default_rng(3).normal(size=16)
        used = beta[: min(16, betas)]
        shaped = model["v_template"] + model["shapedirs"][..., : len(used)] @ used
        for path in (tmp_path / "SMPLX_NEUTRAL.npz", tmp_path):
            joints = rest_joints("smplx", path, beta, "neutral")
            np.testing.assert_allclose(joints, model["J_regressor"] @ shaped, atol=1e-12)


def test_the_motion_of_the_root_turns_about_the_pelvis_and_z_becomes_y(tmp_path):
    held = an_amass_file(tmp_path / "take.npz")
    motion = formats.load(tmp_path / "take.npz")
    pelvis = np.array(bodies.table("smplh")["joints"]["pelvis"]["offset"])
    expected = (held["trans"] + pelvis)[:, [0, 2, 1]] * [1, 1, -1]
    np.testing.assert_allclose(motion.root_positions, expected, atol=1e-12)
    turned = Rotation.from_euler("x", -90, degrees=True) * Rotation.from_rotvec(held["poses"][:, :3])
    np.testing.assert_allclose(np.abs(np.sum(motion.rotations[:, 0] * turned.as_quat()[:, [3, 0, 1, 2]], -1)), 1)
    assert motion.fps == 120 and motion.provenance["source"]["gender"] == "female"


@pytest.mark.parametrize("joints", [22, 24, 52, 55])
def test_each_body_is_told_by_the_number_of_its_joints(tmp_path, joints):
    held = an_amass_file(tmp_path / "take.npz", joints)
    motion = formats.load(tmp_path / "take.npz")
    assert len(motion.skeleton) == {22: 52}.get(joints, joints)
    poses = quaternion_from_axis_angle(held["poses"].reshape(FRAMES, joints, 3))
    np.testing.assert_allclose(np.abs(np.sum(motion.rotations[:, 1:joints] * poses[:, 1:], -1)), 1)


def test_both_ways_of_naming_the_parts_of_a_pose_are_read(tmp_path):
    poses = random_poses(55).reshape(FRAMES, -1)
    split = np.split(poses, np.cumsum([3, 63, 3, 3, 3, 45]), axis=1)
    names = ("global_orient", "body_pose", "jaw_pose", "leye_pose", "reye_pose", "left_hand_pose", "right_hand_pose")
    package = dict(zip(names, split, strict=True))
    stage = dict(
        root_orient=split[0], pose_body=split[1], pose_jaw=split[2], pose_eye=poses[:, 69:75], pose_hand=poses[:, 75:]
    )
    rates = {"mocap_frame_rate": np.array(60.0), "trans": np.zeros((FRAMES, 3))}
    np.savez(tmp_path / "package.npz", **package, **rates)
    np.savez(tmp_path / "stage.npz", **stage, **rates)
    an_amass_file(tmp_path / "whole.npz", 55, poses=poses, trans=rates["trans"])
    one, two, three = (formats.load(tmp_path / f"{name}.npz") for name in ("package", "stage", "whole"))
    np.testing.assert_allclose(one.positions(), two.positions(), atol=1e-12)
    np.testing.assert_allclose(one.positions(), three.positions(), atol=1e-12)
    assert formats.format_of(tmp_path / "package.npz") == formats.format_of(tmp_path / "stage.npz") == "smplx"


@pytest.mark.parametrize(("joints", "name"), [(24, "amass"), (52, "amass"), (55, "smplx")])
def test_what_is_written_is_what_was_read(tmp_path, joints, name):
    held = an_amass_file(tmp_path / "take.npz", joints)
    formats.save(formats.load(tmp_path / "take.npz"), tmp_path / "again.npz", name)
    again = np.load(tmp_path / "again.npz")
    for key in ("poses", "trans", "betas"):
        np.testing.assert_allclose(again[key], held[key], atol=1e-12)
    assert str(again["gender"]) == "female"
    if name == "smplx":
        parts = [again[key] for key in ("root_orient", "pose_body", "pose_jaw", "pose_eye", "pose_hand")]
        np.testing.assert_array_equal(np.concatenate(parts, axis=1), again["poses"])


def test_without_a_model_the_source_of_the_mean_body_is_said(tmp_path):
    an_amass_file(tmp_path / "take.npz")
    with pytest.warns(FormatWarning, match=r"smpl_humanoid\.xml of PHC.*body_model="):
        formats.load(tmp_path / "take.npz")


def test_a_pickled_model_is_loaded_only_when_it_is_trusted(tmp_path):
    pytest.importorskip("smplx")
    model = a_body_model(tmp_path / "model.npz", "smplh")
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(model))
    an_amass_file(tmp_path / "take.npz")
    with pytest.raises(MotionFileError, match="can run any program"):
        formats.load(tmp_path / "take.npz", body_model=tmp_path / "model.pkl")
    trusted = formats.load(tmp_path / "take.npz", body_model=tmp_path / "model.pkl", trust_pickle=True)
    plain = formats.load(tmp_path / "take.npz", body_model=tmp_path / "model.npz")
    np.testing.assert_array_equal(trusted.positions(), plain.positions())


def test_models_that_cannot_be_used_are_named(tmp_path):
    pytest.importorskip("smplx")
    a_body_model(tmp_path / "SMPLH_MALE.npz", "smplh")
    a_body_model(tmp_path / "small.npz", "smpl")
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    an_amass_file(tmp_path / "take.npz")
    for model, said in (
        (tmp_path / "none.npz", "no such body model"),
        (tmp_path, "no SMPLH_FEMALE"),
        (tmp_path / "small.npz", "no model of a smplh body"),
        (tmp_path / "other.npz", "no v_template"),
    ):
        with pytest.raises(MotionFileError, match=said):
            formats.load(tmp_path / "take.npz", body_model=model)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (dict(poses=np.zeros((FRAMES, 157))), "three numbers per joint"),
        (dict(poses=np.zeros((FRAMES, 60))), "bodies have 66, 72, 156, 165"),
        (dict(poses=np.zeros((0, 156))), "three numbers per joint and frame"),
        (dict(poses=np.zeros(())), "three numbers per joint and frame"),
        (dict(poses=np.full((FRAMES, 156), np.nan)), "not finite"),
        (dict(poses=np.array([["a"] * 156])), "three numbers per joint and frame"),
        (dict(poses=None), "none of those known here|not a motion"),
        (dict(trans=np.zeros((3, 3))), r"its trans has shape \(3, 3\)"),
        (dict(trans=np.full((FRAMES, 3), np.inf)), "not finite"),
        (dict(poses=np.full((FRAMES, 156), 1e300)), "not finite or huge"),
        (dict(betas=np.full(16, np.nan)), "its betas"),
        (dict(mocap_framerate=None), "no frame rate; say it with --fps of convert, fps="),
        (dict(mocap_framerate=np.array(0.0)), "its frame rate is 0"),
        (dict(mocap_framerate=np.array("fast")), "its frame rate is fast"),
        (dict(poses=np.array({}, dtype=object)), "part 'poses' is broken"),
    ],
)
def test_files_that_are_wrong_are_refused_in_one_sentence(tmp_path, changes, said):
    an_amass_file(tmp_path / "take.npz", **changes)
    with pytest.raises(MotionFileError, match=said) as caught:
        formats.load(tmp_path / "take.npz")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "parts",
    [
        dict(root_orient=np.zeros((0, 3)), pose_body=np.zeros((0, 63))),
        dict(root_orient=np.zeros((4, 3)), pose_body=np.zeros((5, 63))),
        dict(root_orient=np.zeros(()), pose_body=np.zeros((5, 63))),
        dict(global_orient=np.zeros((4, 1, 3, 3)), body_pose=np.zeros((4, 23, 3, 3))),
        dict(global_orient=np.full((4, 3), "a"), body_pose=np.full((4, 63), "a")),
    ],
)
def test_parts_that_make_no_poses_are_refused(tmp_path, parts):
    np.savez(tmp_path / "take.npz", **parts, mocap_frame_rate=30)
    with pytest.raises(MotionFileError) as caught:
        formats.load(tmp_path / "take.npz", up="Y")
    assert "\n" not in str(caught.value)


def test_a_file_of_shape_alone_is_no_motion(tmp_path):
    np.savez(tmp_path / "shape.npz", betas=np.zeros(16), gender=np.array("male"))
    with pytest.raises(MotionFileError, match="a body's shape and no poses"):
        formats.load(tmp_path / "shape.npz", format="amass")


def test_another_skeleton_is_refused_with_the_way_to_get_it_there(tmp_path):
    from graphics_ml.motion.humanoid import standard_skeleton
    from graphics_ml.motion.motion import Motion

    skeleton = standard_skeleton()
    motion = Motion(skeleton, skeleton.rest_orientations[None], np.zeros((1, 3)), 30)
    with pytest.raises(OutputError, match=r"graphics-ml retarget FILE --target smplh -o OUT\.npz --format amass"):
        formats.save(motion, tmp_path / "out.npz", "amass")
    assert not list(tmp_path.iterdir())


def test_bones_of_another_length_are_said_to_be_lost(tmp_path):
    an_amass_file(tmp_path / "take.npz")
    motion = formats.load(tmp_path / "take.npz")
    taller = motion.replace(skeleton=motion.skeleton.replace(offsets=motion.skeleton.offsets * 1.1))
    assert not any("bones" in loss for loss in formats.losses(motion, "x.npz", "amass"))
    with pytest.warns(FormatWarning, match="does not hold bones"):
        formats.save(taller, tmp_path / "again.npz", "amass")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        formats.save(motion, tmp_path / "again.npz", "amass")


def test_the_markers_of_a_real_take_lie_by_the_joints_they_were_stuck_to(test_data):
    """Without a body model bones are up to some centimetres off; sides, axes and the place of the root are not."""
    path = test_data / "motion" / "amass_sample.npz"
    motion = formats.load(path)
    with np.load(path, allow_pickle=False) as held:
        labels = [label.decode() for label in held["marker_labels"].tolist()]
        markers = held["marker_data"].astype(float)[..., [0, 2, 1]] * [1, 1, -1]
    places, found = motion.positions(), []
    pairs = {"KNE": "knee", "ANK": "ankle", "IWR": "wrist", "ELB": "elbow"}
    for (start, part), side in product(pairs.items(), ("left", "right")):
        if side[0].upper() + start in labels:
            marker, joint = labels.index(side[0].upper() + start), motion.skeleton.index(f"{side}_{part}")
            assert np.median(np.linalg.norm(markers[:, marker] - places[:, joint], axis=-1)) < 0.15, (side, part)
            found.append(part)
    assert {"knee", "elbow", "wrist"} <= set(found)
