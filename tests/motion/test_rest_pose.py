"""Rest poses: told apart, and a motion moved from one to another without its joints' paths changing."""

import bisect

import numpy as np
import pytest

from graphics_ml import formats
from graphics_ml.motion.bone_map import recognize
from graphics_ml.motion.humanoid import BODY_ROLES, ROLES, standard_skeleton
from graphics_ml.motion.kinematics import local_rotations
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.rest_pose import RestPoseError, rest_pose_of, to_rest_pose
from graphics_ml.motion.rotations import (
    angle_between,
    conjugate,
    multiply,
    normalize,
    quaternion_from_axis_angle,
    rotate,
    rotation_between,
)
from graphics_ml.motion.skeleton import EndSite, Skeleton
from tests.motion.test_bone_map import body_places, build, posed

FRAMES = 7


def wild(skeleton, seed=0, amount=0.6, moving=False):
    """A motion that turns every joint, and moves it where `moving`."""
    draw = np.random.default_rng(seed)
    turn = quaternion_from_axis_angle(draw.normal(0, amount, (FRAMES, len(skeleton), 3)))
    places = skeleton.offsets + draw.normal(0, 0.05, (FRAMES, len(skeleton), 3)) if moving else None
    root = skeleton.offsets[0] + draw.normal(0, 0.3, (FRAMES, 3))
    return Motion(skeleton, multiply(skeleton.rest_orientations, turn), root, 30, local_positions=places)


def body(droop=0, turn=0):
    """A skeleton with fingers whose arms hang `droop` degrees below the horizontal, facing `turn` off +Z."""
    return build({role: role for role in ROLES}, places=posed(body_places(), droop, turn))


def rigged(skeleton, seed=1):
    """The same joints in the same places at rest, each with a frame of its own as rigs have."""
    frames = normalize(np.random.default_rng(seed).normal(size=(len(skeleton), 4)))
    local = local_rotations(frames, skeleton.parents)
    into = conjugate(frames)
    offsets = [o if p < 0 else rotate(into[p], o) for o, p in zip(skeleton.offsets, skeleton.parents, strict=True)]
    ends = tuple(EndSite(e.joint, rotate(into[e.joint], e.offset)) for e in skeleton.end_sites)
    return Skeleton(skeleton.names, skeleton.parents, offsets, local, ends)


@pytest.mark.parametrize("turn", [0, 90, -140])
@pytest.mark.parametrize(
    ("droop", "name"), [(-8, "T"), (0, "T"), (10, "T"), (30, "A"), (45, "A"), (60, "A"), (80, "I"), (88, "I")]
)
def test_standing_rest_poses_are_told_by_the_slope_of_the_arms(droop, turn, name):
    found = rest_pose_of(body(droop, turn))
    assert found.name == name
    assert np.allclose(found.slopes, droop, atol=1e-6) and np.allclose(found.bends, 0, atol=1e-4)
    assert f"{droop:.0f}°" in str(found)


def test_arms_raised_or_bent_are_another_pose():
    assert rest_pose_of(body(-40)).name == "other"
    places = body_places()
    for side in ("left", "right"):
        places[f"{side}_hand"] = places[f"{side}_forearm"] + [0, 0.25, 0]
    bent = rest_pose_of(build({role: role for role in BODY_ROLES}, places=places))
    assert bent.name == "other" and np.allclose(bent.bends, 90, atol=1e-6)


def test_a_sitting_rest_pose_is_told():
    places = body_places()
    for side in ("left", "right"):
        shin = places[f"{side}_thigh"] + [0, 0, 0.42]
        moved = shin - places[f"{side}_shin"]
        for part in ("shin", "foot", "toes"):
            places[f"{side}_{part}"] = places[f"{side}_{part}"] + moved
    assert rest_pose_of(build({role: role for role in BODY_ROLES}, places=places)).name == "sitting"


def on_one_line(skeleton):
    lengths = np.linalg.norm(skeleton.offsets, axis=1)
    return skeleton.replace(offsets=np.stack((0 * lengths, lengths, 0 * lengths), axis=1))


def lined_up(motion):
    """The same motion with every bone along +Y at rest. A joint of several children has one frame for all of them, so
    it is given a joint of no length on the way to each, as programs that write such files do."""
    skeleton = motion.skeleton
    names, parents, offsets, world = [], [], [], []
    row = {}
    turns = motion.orientations()
    for joint, (name, parent) in enumerate(zip(skeleton.names, skeleton.parents, strict=True)):
        offset = skeleton.offsets[joint]
        along = rotation_between(np.array([0.0, 1, 0]), offset)
        if parent >= 0:
            names.append(f"{name}_way")
            parents.append(row[parent])
            offsets.append(np.zeros(3))
            world.append(multiply(turns[:, parent], along))
        names.append(name)
        parents.append(len(names) - 2 if parent >= 0 else -1)
        offsets.append([0, np.linalg.norm(offset), 0])
        world.append(turns[:, joint])
        row[joint] = len(names) - 1
    line = Skeleton(names, parents, offsets)
    return Motion(line, local_rotations(np.stack(world, axis=1), line.parents), motion.root_positions, motion.fps)


def test_bones_all_along_one_axis_are_told():
    assert rest_pose_of(on_one_line(standard_skeleton())).name == "one axis"


def test_a_skeleton_of_no_known_body_has_an_unknown_rest_pose():
    chair = Skeleton(("seat", "back", "a", "b"), (-1, 0, 0, 0), [(0, 0.5, 0), (0, 0.4, 0), (1, 0, 1), (-1, 0, 1)])
    assert rest_pose_of(chair).name == "unknown"


SKELETONS = {"BVH in A-pose": body(40), "BVH turned": body(20, 70), "rig in T-pose": rigged(body()),
             "rig in A-pose": rigged(body(50))}  # fmt: skip


@pytest.mark.parametrize("moving", [False, True], ids=["", "moving joints"])
@pytest.mark.parametrize("goal", ["T", "A", "random"])
@pytest.mark.parametrize("kind", SKELETONS)
def test_joint_paths_stay_where_they_were(kind, goal, moving):
    skeleton = SKELETONS[kind]
    motion = wild(skeleton, moving=moving)
    pose = normalize(np.random.default_rng(9).normal(size=(len(skeleton), 4))) if goal == "random" else goal
    moved = to_rest_pose(motion, pose)
    assert np.abs(moved.positions() - motion.positions()).max() < 1e-9
    assert not np.allclose(moved.skeleton.rest_positions(), skeleton.rest_positions(), atol=1e-3)
    if goal != "random":
        found = rest_pose_of(moved.skeleton)
        assert found.name == goal
        assert np.allclose(found.slopes, 0 if goal == "T" else 45, atol=1e-6)


@pytest.mark.parametrize("kind", SKELETONS)
def test_the_wanted_pose_is_the_new_rest_pose(kind):
    skeleton = SKELETONS[kind]
    pose = wild(skeleton, seed=4).rotations[0]
    moved = to_rest_pose(wild(skeleton), pose)
    stood = Motion(skeleton, pose[None], skeleton.offsets[:1], 30).positions()[0]
    assert np.abs(moved.skeleton.rest_positions() - stood).max() < 1e-9


def test_the_zero_pose_of_a_bvh_is_its_new_rest_pose():
    moved = to_rest_pose(wild(SKELETONS["BVH in A-pose"]), "T")
    assert np.array_equal(np.abs(moved.skeleton.rest_orientations), np.tile([1.0, 0, 0, 0], (len(moved.skeleton), 1)))


def test_a_rigs_joints_keep_their_frames():
    motion = wild(SKELETONS["rig in A-pose"])
    moved = to_rest_pose(motion, "T")
    assert angle_between(moved.orientations(), motion.orientations()).max() < 1e-7
    assert np.abs(moved.skeleton.offsets - motion.skeleton.offsets).max() < 1e-12


@pytest.mark.parametrize("kind", SKELETONS)
def test_from_t_to_a_and_back_gives_the_first_again(kind):
    first = to_rest_pose(wild(SKELETONS[kind], moving=True), "T")
    back = to_rest_pose(to_rest_pose(first, "A"), "T")
    assert np.abs(back.skeleton.offsets - first.skeleton.offsets).max() < 1e-9
    assert angle_between(back.rotations, first.rotations).max() < 1e-7
    assert np.abs(back.local_positions - first.local_positions).max() < 1e-9
    for ours, theirs in zip(back.skeleton.end_sites, first.skeleton.end_sites, strict=True):
        assert np.abs(ours.offset - theirs.offset).max() < 1e-9


@pytest.mark.parametrize("source", SKELETONS)
def test_a_motion_takes_the_rest_pose_of_a_skeleton_with_the_same_joints(source):
    motion = wild(SKELETONS[source])
    for target in (to_rest_pose(motion, "T").skeleton, rigged(to_rest_pose(motion, "A").skeleton, seed=5)):
        moved = to_rest_pose(motion, target)
        assert moved.skeleton is target
        assert np.abs(moved.positions() - motion.positions()).max() < 1e-7
        back = to_rest_pose(moved, motion.skeleton)
        assert angle_between(back.rotations, motion.rotations).max() < 1e-6


def test_a_skeleton_of_other_lengths_or_joints_is_refused_in_one_sentence():
    motion = wild(body())
    longer = motion.skeleton.replace(offsets=motion.skeleton.offsets * 1.01)
    renamed = motion.skeleton.replace(names=("pelvis", *motion.skeleton.names[1:]))
    for other, says in ((longer, "other lengths or angles.*retarget"), (renamed, "'hips' is in one only")):
        with pytest.raises(RestPoseError, match=says) as caught:
            to_rest_pose(motion, other)
        assert "\n" not in str(caught.value)


def test_a_body_that_is_not_recognised_asks_for_a_map():
    chair = Skeleton(("seat", "back", "a", "b"), (-1, 0, 0, 0), [(0, 0.5, 0), (0, 0.4, 0), (1, 0, 1), (-1, 0, 1)])
    with pytest.raises(RestPoseError, match="give a bone map"):
        to_rest_pose(wild(chair), "T")


def test_a_pose_of_another_shape_is_a_programming_error():
    with pytest.raises(ValueError, match="shape"):
        to_rest_pose(wild(body()), np.ones((3, 4)))
    with pytest.raises(ValueError, match="'T', 'A'"):
        to_rest_pose(wild(body()), "X")


def test_a_bvh_whose_bones_all_lie_along_one_axis_becomes_a_t_pose(tmp_path):
    """A body that walks a little, written by a program whose rest pose is a line."""
    turned = wild(standard_skeleton(), amount=0.05)
    motion = lined_up(turned)
    assert rest_pose_of(motion.skeleton).name == "one axis"
    assert np.abs(places_of(motion, turned) - turned.positions()).max() < 1e-9
    formats.save(to_rest_pose(motion, "T"), tmp_path / "t.bvh")
    again = formats.load(tmp_path / "t.bvh")
    assert rest_pose_of(again.skeleton).name == "T"
    assert np.abs(places_of(again, turned) - turned.positions()).max() < 1e-4
    rest = dict(zip(again.skeleton.names, again.skeleton.rest_positions(), strict=True))
    assert (rest["left_toes"] - rest["left_foot"])[2] > 0.05 and rest["left_hand"][0] > rest["left_upper_arm"][0]
    assert abs(again.skeleton.rest_positions()[:, 1].min()) < 1e-4


def places_of(motion, like):
    return motion.positions()[:, [motion.skeleton.index(name) for name in like.skeleton.names]]


@pytest.mark.parametrize(("family", "rest"), [("cmu", "T"), ("bandai1", "one axis"), ("mixamo-pairs", "T")])
def test_real_files_take_a_t_pose(clips, family, rest):
    sizes = sorted((path.stat().st_size, path) for path in clips(family))
    for _, path in sizes[: bisect.bisect(sizes, (3_000_000,))][:: max(1, len(sizes) // 6)]:
        motion = formats.load(path)
        assert rest_pose_of(motion.skeleton).name == rest
        moved = to_rest_pose(motion, "T")
        assert np.abs(moved.positions() - motion.positions()).max() < 1e-9
        assert rest_pose_of(moved.skeleton, recognize(moved.skeleton)).name == "T"
