"""Retargeting: what must not change does not, whatever the target's bones are called, turned or proportioned."""

from fractions import Fraction

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from graphics_ml.errors import GraphicsMLError
from graphics_ml.formats import load
from graphics_ml.motion.bone_map import BoneMap, UnrecognisedBodyError, facing
from graphics_ml.motion.humanoid import BODY_ROLES, standard_skeleton
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.retarget import Retargeter, retarget
from graphics_ml.motion.root_path import with_joint_above
from graphics_ml.motion.rotations import angle_between, conjugate, multiply, quaternion_from_axis_angle, rotate
from graphics_ml.motion.skeleton import EndSite, Skeleton
from graphics_ml.motion.stance import TURNED
from tests.benchmarks import mixamo_pairs
from tests.motion.builds import with_lengths, with_only
from tests.motion.swinging import swinging

LIMBS = [
    (f"{side}_{a}", f"{side}_{b}")
    for side in ("left", "right")
    for a, b in (("upper_arm", "forearm"), ("forearm", "hand"), ("thigh", "shin"), ("shin", "foot"))
]


def wild(skeleton, seed=0, frames=40):
    """Smooth large movements of every joint."""
    draw = np.random.default_rng(seed)
    t = np.linspace(0, 1, frames)[:, None, None]
    phase, size = draw.uniform(0, 6, (1, len(skeleton), 3)), draw.uniform(-0.6, 0.6, (1, len(skeleton), 3))
    turns = quaternion_from_axis_angle(size * np.sin(6 * t + phase))
    root = np.array([0.3, 0.95, -0.2]) + 0.2 * np.sin(4 * t[:, 0] + draw.uniform(0, 6, (1, 3)))
    return Motion(skeleton, multiply(skeleton.rest_orientations[None], turns), root, Fraction(30000, 1001))


def walk(skeleton=None, frames=90):
    """Two steps a second on the spot of a standard body: a foot that is down stays down. Made by posing the legs to
    reach given ankle places with the law of cosines, independent of the library's own inverse kinematics."""
    skeleton = standard_skeleton() if skeleton is None else skeleton
    places = dict(zip(skeleton.names, skeleton.rest_positions(), strict=True))
    rotations = np.tile([1.0, 0, 0, 0], (frames, len(skeleton), 1))
    root = np.tile(places["hips"], (frames, 1)) - [0, 0.04, 0]
    t = np.arange(frames) / 30
    for side, phase in (("left", 0.0), ("right", 0.5)):
        cycle = (t + phase) % 1
        lift = 0.12 * np.clip(np.sin(2 * np.pi * (cycle - 0.5)), 0, None)
        hip, ankle = places[f"{side}_thigh"] - [0, 0.04, 0], places[f"{side}_foot"]
        thigh = np.linalg.norm(places[f"{side}_shin"] - places[f"{side}_thigh"])
        shin = np.linalg.norm(ankle - places[f"{side}_shin"])
        d = hip[1] - ankle[1] - lift
        bend_hip = np.arccos((thigh**2 + d**2 - shin**2) / (2 * thigh * d))
        bend_knee = np.pi - np.arccos((thigh**2 + shin**2 - d**2) / (2 * thigh * shin))
        for part, angle in (("thigh", -bend_hip), ("shin", bend_knee), ("foot", bend_hip - bend_knee)):
            rotations[:, skeleton.index(f"{side}_{part}")] = quaternion_from_axis_angle(
                angle[:, None] * np.array([1.0, 0, 0])
            )
    return Motion(skeleton, rotations, root, 30)


def directions(motion, bone_map):
    joints, places = bone_map.joints(motion.skeleton), motion.positions()
    result = {}
    for a, b in LIMBS:
        v = places[:, joints[b]] - places[:, joints[a]]
        result[a] = v / np.linalg.norm(v, axis=1, keepdims=True)
    return result


def degrees_between(a, b):
    return np.degrees(np.arctan2(np.linalg.norm(np.cross(a, b), axis=-1), np.sum(a * b, axis=-1)))


def own_map(skeleton):
    """Role names as joint names."""
    return BoneMap({role: role for role in BODY_ROLES if role in skeleton.names})


def with_bone_axes(skeleton, seed):
    """The same joints at the same rest places, every joint's frame turned at random."""
    draw = np.random.default_rng(seed)
    frames = Rotation.random(len(skeleton), random_state=draw).as_quat()[:, [3, 0, 1, 2]]
    places = skeleton.rest_positions()
    return rebuilt(skeleton, places, frames)


def rebuilt(skeleton, places, frames):
    """A skeleton of given rest places (J, 3) and world frames (J, 4)."""
    parents = skeleton.parents
    offsets, rest = np.array(places), np.array(frames)
    for joint, parent in enumerate(parents):
        if parent >= 0:
            offsets[joint] = rotate(conjugate(frames[parent]), places[joint] - places[parent])
            rest[joint] = multiply(conjugate(frames[parent]), frames[joint])
    old = skeleton.rest_transforms()[0]
    ends = tuple(
        EndSite(e.joint, rotate(multiply(conjugate(frames[e.joint]), old[e.joint]), e.offset))
        for e in skeleton.end_sites
    )
    return Skeleton(skeleton.names, parents, offsets, rest, ends)


def in_a_pose(skeleton, droop):
    """The same body with its arms lowered by `droop` degrees in the rest pose: (skeleton, world turn of each joint)."""
    turn = np.tile([1.0, 0, 0, 0], (len(skeleton), 1))
    for joint, name in enumerate(skeleton.names):
        if any(part in name for part in ("upper_arm", "forearm", "hand")):
            sign = -1 if name.startswith("left") else 1
            turn[joint] = quaternion_from_axis_angle(np.array([0, 0, sign * np.radians(droop)]))
    posed = Motion(skeleton, local_of(turn, skeleton.parents)[None], skeleton.offsets[None, 0], 30)
    frames = np.tile([1.0, 0, 0, 0], (len(skeleton), 1))
    ends = tuple(EndSite(e.joint, rotate(turn[e.joint], e.offset)) for e in skeleton.end_sites)
    return rebuilt(skeleton, posed.positions()[0], frames).replace(end_sites=ends)


def local_of(world, parents):
    return np.array([world[j] if p < 0 else multiply(conjugate(world[p]), world[j]) for j, p in enumerate(parents)])


def test_onto_itself_a_motion_stays_as_it_is():
    motion = wild(standard_skeleton())
    result, report = retarget(motion, motion.skeleton)
    np.testing.assert_allclose(result.positions(), motion.positions(), atol=1e-9)
    np.testing.assert_allclose(np.abs((result.rotations * motion.rotations).sum(-1)), 1, atol=1e-12)
    assert result.fps == motion.fps and report.scale == 1
    assert not report.corrected.any()


@pytest.mark.parametrize("seed", range(4))
def test_bone_axes_of_the_target_do_not_matter(seed):
    motion = wild(standard_skeleton(), seed)
    target = with_bone_axes(motion.skeleton, seed)
    result, _ = retarget(motion, target, own_map(motion.skeleton), own_map(target))
    np.testing.assert_allclose(result.positions(), motion.positions(), atol=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_bone_axes_of_the_source_do_not_matter(seed):
    source = with_bone_axes(standard_skeleton(), seed)
    motion = wild(source, seed)
    result, _ = retarget(motion, standard_skeleton(), own_map(source))
    np.testing.assert_allclose(result.positions(), motion.positions(), atol=1e-9)


@pytest.mark.parametrize("droop", [20, 45, 80])
def test_t_pose_and_a_pose_rigs_move_alike(droop):
    motion = wild(standard_skeleton(), 5)
    target = in_a_pose(motion.skeleton, droop)
    result, _ = retarget(motion, target, foot_lock=0.0)
    np.testing.assert_allclose(result.positions(), motion.positions(), atol=1e-9)
    back, _ = retarget(result, motion.skeleton, foot_lock=0.0)
    np.testing.assert_allclose(np.abs((back.rotations * motion.rotations).sum(-1)), 1, atol=1e-9)


def test_order_and_names_of_joints_do_not_matter():
    motion = wild(standard_skeleton(), 6)
    source = motion.skeleton
    order = [0]
    waiting = [j for j in reversed(range(len(source))) if j]
    while waiting:
        joint = next(j for j in waiting if source.parents[j] in order)
        order.append(joint)
        waiting.remove(joint)
    names = tuple(f"n{j}" for j in order)
    target = Skeleton(
        names,
        [-1 if source.parents[j] < 0 else order.index(source.parents[j]) for j in order],
        source.offsets[order],
        end_sites=tuple(EndSite(order.index(e.joint), e.offset) for e in source.end_sites),
    )
    target_map = BoneMap({source.names[j]: f"n{j}" for j in order})
    result, _ = retarget(motion, target, target_map=target_map)
    np.testing.assert_allclose(result.positions(), motion.positions()[:, order], atol=1e-9)


@pytest.mark.parametrize("turn", [90, 180, -120])
def test_a_target_that_rests_facing_elsewhere_faces_where_the_source_faces(turn):
    motion = wild(standard_skeleton(), 7)
    about = quaternion_from_axis_angle(np.array([0, np.radians(turn), 0]))
    places = rotate(about, motion.skeleton.rest_positions())
    target = rebuilt(motion.skeleton, places, np.tile(about, (len(motion.skeleton), 1)))
    result, _ = retarget(motion, target)
    np.testing.assert_allclose(result.positions(), motion.positions(), atol=1e-9)


def test_hips_below_other_joints_get_local_positions():
    motion = wild(standard_skeleton(), 8)
    old = motion.skeleton
    target = Skeleton(
        ("armature", "root", *old.names),
        (-1, 0, *(p + 2 if p >= 0 else 1 for p in old.parents)),
        np.concatenate(([[0.5, 0, 0.1], [0, 0.2, 0]], old.offsets - np.eye(len(old), 1) * [0.5, 0.2, 0.1])),
        np.concatenate(([Rotation.from_euler("x", -90, degrees=True).as_quat()[[3, 0, 1, 2]], [1, 0, 0, 0]],
                        old.rest_orientations)),
        tuple(EndSite(e.joint + 2, e.offset) for e in old.end_sites),
    )  # fmt: skip
    stood = rebuilt_under(target, old)
    result, _ = retarget(motion, stood, target_map=own_map(stood))
    np.testing.assert_allclose(result.positions()[:, 2:], motion.positions(), atol=1e-9)
    np.testing.assert_allclose(result.positions()[:, :2], np.tile(stood.rest_positions()[:2], (len(motion), 1, 1)))
    moving = np.flatnonzero(np.ptp(result.local_positions, axis=0).max(axis=1) > 1e-9)
    assert list(moving) == [stood.index("hips")]


def rebuilt_under(target, body):
    """`target` with the body's joints at the body's rest places."""
    places = np.concatenate((target.rest_positions()[:2], body.rest_positions()))
    frames = target.rest_transforms()[0]
    return rebuilt(target, places, frames)


def test_limbs_parented_through_twist_bones_point_where_the_sources_do():
    motion = wild(standard_skeleton(), 9)
    old = motion.skeleton
    names, parents, offsets = list(old.names), list(old.parents), [np.array(o) for o in old.offsets]
    for upper, lower in (("left_upper_arm", "left_forearm"), ("right_thigh", "right_shin")):
        j, up = names.index(lower), names.index(upper)
        names.insert(j, f"{upper}_twist")
        offsets.insert(j, offsets[j] / 2)
        offsets[j + 1] = offsets[j + 1] / 2
        parents = [p + 1 if p >= j else p for p in parents]
        parents.insert(j, up)
        parents[j + 1] = j
    target = Skeleton(names, parents, offsets)
    result, report = retarget(motion, target)
    assert not any("twist" in name for name in report.target_map.roles.values())
    for joint, name in enumerate(old.names):
        np.testing.assert_allclose(
            result.positions()[:, target.index(name)], motion.positions()[:, joint], atol=1e-9, err_msg=name
        )


@pytest.mark.parametrize("missing", [("shoulder",), ("chest", "upper_chest"), ("toes", "neck"), ("spine", "shoulder")])
def test_limbs_keep_their_directions_where_the_target_lacks_joints_between(missing):
    motion = wild(standard_skeleton(), 10)
    target = with_only(motion.skeleton, lambda name: not name.endswith(missing))
    result, report = retarget(motion, target, foot_lock=0.0)
    theirs = directions(motion, report.source_map)
    for limb, ours in directions(result, report.target_map).items():
        assert degrees_between(ours, theirs[limb]).max() < 1e-5
    back, report = retarget(result, motion.skeleton, foot_lock=0.0)
    for limb, ours in directions(back, report.target_map).items():
        assert degrees_between(ours, theirs[limb]).max() < 1e-5


def test_a_longer_spine_bends_by_the_same_amount_evenly():
    short = with_only(standard_skeleton(), lambda name: name not in ("chest", "spine"))
    rotations = np.tile([1.0, 0, 0, 0], (1, len(short), 1))
    rotations[0, short.index("upper_chest")] = quaternion_from_axis_angle(np.array([np.radians(60), 0, 0]))
    motion = Motion(short, rotations, short.offsets[:1], 30)
    result, _ = retarget(motion, standard_skeleton(), foot_lock=0.0)
    bends = [
        np.degrees(Rotation.from_quat(result.rotations[0, result.skeleton.index(name)][[1, 2, 3, 0]]).magnitude())
        for name in ("spine", "chest", "upper_chest")
    ]
    np.testing.assert_allclose(bends, [20, 20, 20], atol=1e-6)


def test_a_body_twice_as_tall_does_everything_twice_as_large():
    motion = walk()
    target = standard_skeleton(3.4)
    result, report = retarget(motion, target)
    assert report.scale == pytest.approx(2)
    np.testing.assert_allclose(result.positions(), 2 * motion.positions(), atol=1e-9)


@pytest.mark.parametrize(
    "sizes", [{"shin": 1.2, "foot": 0.8, "": 1}, {"thigh": 1.6, "": 0.8}, {"foot": 0.5, "toes": 2, "": 0.6}]
)
def test_feet_stand_where_the_sources_stand_and_most_legs_are_left_alone(sizes):
    motion = walk()
    target = with_lengths(motion.skeleton, sizes)
    result, report = retarget(motion, target)
    assert report.corrected.mean(axis=0).max() <= 0.25
    theirs = directions(motion, report.source_map)
    for limb, ours in directions(result, report.target_map).items():
        angles = degrees_between(ours, theirs[limb])
        if "arm" in limb:
            assert angles.max() < 1e-5
        else:
            assert angles[~report.corrected[:, 0 if limb.startswith("left") else 1]].max() < 2
    feet = [f"{side}_foot" for side in ("left", "right")]
    before, after = (one.orientations()[:, [one.skeleton.index(foot) for foot in feet]] for one in (motion, result))
    np.testing.assert_array_equal(report.feet_turned, angle_between(before, after) > TURNED)
    rest = dict(zip(target.names, target.rest_positions(), strict=True))
    t = np.arange(len(motion)) / 30
    for side, phase in (("left", 0.0), ("right", 0.5)):
        down = ((t + phase) % 1 > 0.1) & ((t + phase) % 1 < 0.4)
        ankle = result.positions()[:, target.index(f"{side}_foot")]
        assert np.abs(ankle[down, 1] - rest[f"{side}_foot"][1]).max() < 0.02 * report.scale
        speed = np.linalg.norm(np.gradient(ankle, 1 / 30, axis=0), axis=1)
        assert np.percentile(speed[down], 90) < 0.05


def test_only_feet_that_are_said_to_stand_are_locked():
    motion = walk()
    target = with_lengths(motion.skeleton, {"thigh": 1.6, "": 0.8})
    free, _ = retarget(motion, target, foot_lock=0.0)
    unlocked, _ = retarget(motion, target, contacts=np.zeros((len(motion), 4), dtype=bool))
    np.testing.assert_allclose(unlocked.positions(), free.positions(), atol=1e-12)


def test_a_flat_foot_is_flat_on_a_rig_with_a_high_ankle():
    motion = walk()
    target = with_lengths(motion.skeleton, {"toes": 1, "": 1})
    offsets = np.array(target.offsets)
    for side in ("left", "right"):
        offsets[target.index(f"{side}_toes"), 1] -= 0.06
    offsets[0, 1] += 0.06
    target = target.replace(offsets=offsets)
    result, _ = retarget(motion, target)
    toes = [target.index(f"{side}_toes") for side in ("left", "right")]
    turned = 2 * np.arccos(np.clip(np.abs(result.orientations()[:, toes, 0]), 0, 1))
    assert np.degrees(turned).max() < 1


def test_rolls_of_forearm_hand_and_foot_follow():
    skeleton = standard_skeleton()
    rotations = np.tile([1.0, 0, 0, 0], (1, len(skeleton), 1))
    roll = np.radians(70)
    rotations[0, skeleton.index("left_forearm")] = quaternion_from_axis_angle(np.array([roll, 0, 0]))
    rotations[0, skeleton.index("right_foot")] = quaternion_from_axis_angle(np.array([0, 0, roll / 2]))
    motion = Motion(skeleton, rotations, skeleton.offsets[:1], 30)
    target = with_bone_axes(in_a_pose(skeleton, 50), 3)
    result, _ = retarget(motion, target, target_map=own_map(target), foot_lock=0.0)
    rest, moved = target.rest_transforms()[0], result.orientations()[0]
    raised = quaternion_from_axis_angle(np.array([0, 0, np.radians(50)]))  # takes the A-pose's left arm to the T-pose
    for name, expected in (("left_forearm", roll), ("left_hand", roll), ("right_foot", roll / 2)):
        joint = target.index(name)
        change = multiply(moved[joint], conjugate(rest[joint]))
        if "foot" not in name:
            change = multiply(change, conjugate(raised))
        assert Rotation.from_quat(change[[1, 2, 3, 0]]).magnitude() == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("skew", [-40, 30])
def test_elbows_bend_about_their_axis_whatever_the_straight_arm_of_the_source_is_turned(skew):
    """The same movement on a skeleton whose arm bones are turned about their own length in the rest pose."""
    motion = walk()
    skeleton, rotations = motion.skeleton, np.array(motion.rotations)
    for side, sign in (("left", -1), ("right", 1)):
        bend = np.linspace(0, 1.5, len(motion))[:, None] * np.array([0, sign, 0])
        rotations[:, skeleton.index(f"{side}_forearm")] = quaternion_from_axis_angle(bend)
    motion = motion.replace(rotations=rotations)
    about = quaternion_from_axis_angle(np.array([np.radians(skew), 0, 0]))
    turned = np.array(rotations)
    for side in ("left", "right"):
        upper, lower, hand = (skeleton.index(f"{side}_{part}") for part in ("upper_arm", "forearm", "hand"))
        turned[:, upper] = multiply(rotations[:, upper], about)
        turned[:, lower] = multiply(multiply(conjugate(about), rotations[:, lower]), about)
        turned[:, hand] = multiply(conjugate(about), rotations[:, hand])
    target = with_bone_axes(skeleton, 5)
    expected, _ = retarget(motion, target, target_map=own_map(target))
    result, _ = retarget(motion.replace(rotations=turned), target, target_map=own_map(target))
    np.testing.assert_allclose(result.positions(), expected.positions(), atol=1e-9)
    same = np.abs(np.sum(result.orientations() * expected.orientations(), axis=-1))
    np.testing.assert_allclose(same, 1, atol=1e-9)


def test_elbows_and_soles_of_files_that_rest_with_spread_legs_are_where_a_bodys_are(clips):
    """CMU's files rest with elbow axes 30 degrees and soles 20 degrees off; on our body elbows must bend ahead and
    soles must lie flat."""
    result, _ = retarget(real(clips, "cmu", "02_01"), standard_skeleton(), foot_lock=0.0)
    skeleton, turns, places = result.skeleton, result.orientations(), result.positions()
    for side, sign in (("left", -1), ("right", 1)):
        upper, lower, foot, toes = (
            skeleton.index(f"{side}_{part}") for part in ("upper_arm", "forearm", "foot", "toes")
        )
        bend = multiply(conjugate(turns[:, upper]), turns[:, lower])
        bend = Rotation.from_quat(bend[:, [1, 2, 3, 0]]).as_rotvec(degrees=True)
        assert np.median(sign * bend[:, 1]) > 10 and np.abs(bend[:, [0, 2]]).max() < 3
        low = (places[:, [foot, toes], 1] <= np.percentile(places[:, [foot, toes], 1], 25, axis=0)).all(axis=1)
        across = rotate(turns[low, foot], np.array([1.0, 0, 0]))
        assert low.sum() > 20 and np.degrees(np.arcsin(np.abs(np.median(across[:, 1])))) < 8


def test_in_place_takes_the_travel_out_and_keeps_the_height():
    motion = wild(standard_skeleton(), 11)
    result, _ = retarget(motion, motion.skeleton, root="in place")
    np.testing.assert_allclose(np.ptp(result.root_positions[:, [0, 2]], axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(result.root_positions[:, 1], motion.root_positions[:, 1], atol=1e-9)


def test_arms_on_a_body_without_a_head_stay_where_they_are_no_deeper_than_the_sources():
    motion = walk()
    rotations = np.array(motion.rotations)
    for side, sign in (("left", -1), ("right", 1)):
        for part in ("upper_arm", "forearm"):  # the hands end up in the chest
            rotations[:, motion.skeleton.index(f"{side}_{part}")] = quaternion_from_axis_angle(
                np.array([0, 1.5 * sign, 0])
            )
    target = with_only(motion.skeleton, lambda name: name != "head")
    copied, _ = retarget(motion.replace(rotations=rotations), target, level="copy")
    with np.errstate(divide="raise", invalid="raise"):
        result, _ = retarget(motion.replace(rotations=rotations), target)
    arms = [target.index(f"{side}_{part}") for side in ("left", "right") for part in ("forearm", "hand")]
    np.testing.assert_allclose(result.positions()[:, arms], copied.positions()[:, arms], atol=1e-9)


@pytest.mark.parametrize("frames", [1, 2, 5])
def test_very_short_clips_are_retargeted(frames):
    motion = walk(frames=frames)
    result, report = retarget(motion, with_lengths(motion.skeleton, {"shin": 1.2, "": 1}))
    assert len(result) == frames and report.corrected.shape == (frames, 2)


def test_confidence_goes_over_by_role():
    motion = wild(standard_skeleton(), 12)
    confidence = np.random.default_rng(0).random((len(motion), len(motion.skeleton)))
    target = with_only(motion.skeleton, lambda name: name != "chest")
    result, _ = retarget(motion.replace(confidence=confidence), target)
    for joint, name in enumerate(target.names):
        if name not in ("spine", "upper_chest"):
            np.testing.assert_array_equal(result.confidence[:, joint], confidence[:, motion.skeleton.index(name)])


def test_a_target_without_limbs_is_refused():
    with pytest.raises(UnrecognisedBodyError, match="the target skeleton"):
        retarget(walk(), Skeleton(("a", "b"), (-1, 0), [(0, 0, 0), (0, 1, 0)]))


def test_a_target_whose_rest_pose_does_not_stand_is_refused_or_given_a_motion():
    motion = walk()
    lying = motion.skeleton.replace(offsets=np.linalg.norm(motion.skeleton.offsets, axis=1)[:, None] * [1.0, 0, 0])
    other = lying.replace(names=tuple(name + "_" for name in lying.names))
    renamed = BoneMap({name: name + "_" for name in lying.names})
    with pytest.raises(UnrecognisedBodyError, match="rest pose is no standing one"):
        retarget(motion, other, target_map=renamed)


def test_the_same_rig_in_another_size_is_measured_by_its_own_bones(clips):
    """Where a file's zero pose does not stand, the motion says how the target's limbs are turned, not how long."""
    motion = real(clips, "bandai1", "walk_normal_001")
    twice = motion.skeleton.replace(offsets=2 * motion.skeleton.offsets)
    result, report = retarget(motion, twice, foot_lock=0.0)
    assert report.scale == pytest.approx(2)
    itself, _ = retarget(motion, motion.skeleton, foot_lock=0.0)
    assert angle_between(result.orientations(), itself.orientations()).max() < 1e-5


def test_a_body_without_sides_or_legs_is_refused():
    skeleton = standard_skeleton()
    flat = skeleton.replace(offsets=skeleton.offsets * [0, 1, 1])
    with pytest.raises(UnrecognisedBodyError, match="left and right limbs lie above each other"):
        facing(flat, own_map(flat))
    with pytest.raises(UnrecognisedBodyError):
        retarget(walk(), skeleton.replace(offsets=0 * skeleton.offsets))


@pytest.mark.parametrize(
    "wrong",
    [
        dict(root="feet"),
        dict(level="best"),
        dict(foot_lock=2.0),
        dict(hand_lock=-1.0),
        dict(scale=-1.0),
        dict(contacts=np.ones((3, 4))),
    ],
)
def test_options_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError):
        retarget(walk(), standard_skeleton(), **wrong)


REAL = [
    ("cmu", "02_03"),
    ("bandai1", "walk_normal_001"),
    ("bandai1", "bow_active_001"),
    ("mixamo-pairs", "Ortiz/Salsa"),
]


def real(clips, family, part):
    return load(next(p for p in clips(family) if part in p.as_posix()))


@pytest.mark.parametrize(("family", "part"), REAL)
def test_real_motions_keep_their_limb_directions(clips, family, part):
    motion = real(clips, family, part)
    others = [
        standard_skeleton(),
        real(clips, "cmu", "02_03").skeleton,
        real(clips, "mixamo-pairs", "Mousey/Salsa").skeleton,
    ]
    for target in others:
        for hand_lock in (0.0, 1.0):
            result, report = retarget(motion, target, hand_lock=hand_lock)
            theirs = directions(motion, report.source_map)
            assert report.corrected.mean(axis=0).max() <= 0.25
            for limb, ours in directions(result, report.target_map).items():
                angles = degrees_between(ours, theirs[limb])
                if "arm" in limb and hand_lock == 0:
                    assert angles.max() < 1e-4
                else:
                    turned = report.arms_moved if "arm" in limb else report.corrected
                    assert angles[~turned[:, 0 if limb.startswith("left") else 1]].max() < 2.01


@pytest.mark.parametrize("character", ["Mousey", "Sporty_Granny"])
def test_arms_that_swing_past_a_broader_body_give_way_without_a_jump(clips, character):
    walk, target = real(clips, "cmu", "02_01"), real(clips, "mixamo-pairs", f"{character}/Salsa").skeleton
    fastest = {}
    for level in ("copy", "contacts"):
        result, report = retarget(walk, target, level=level)
        joints = report.target_map.joints(target)
        arms = [joints[f"{side}_{part}"] for side in ("left", "right") for part in ("upper_arm", "forearm")]
        turned = angle_between(result.orientations()[1:, arms], result.orientations()[:-1, arms])
        fastest[level] = np.percentile(turned, 99)
    assert report.arms_moved.mean() > 0.3
    assert fastest["contacts"] < 2 * fastest["copy"]


@pytest.mark.parametrize(("family", "part"), REAL)
def test_real_motions_onto_their_own_skeleton_stay_as_they_are(clips, family, part):
    motion = real(clips, family, part)
    result, _ = retarget(motion, motion.skeleton)
    # Bandai Namco's files give every bone's place each frame, to seven digits.
    tolerance = 1e-6 if motion.local_positions is not None else 1e-9
    np.testing.assert_allclose(result.positions(), motion.positions(), atol=tolerance)


def test_knees_and_elbows_of_files_without_a_standing_rest_pose_bend_about_their_hinges(clips):
    """Bandai Namco's offsets lie along one axis; on our body knees must bend back, elbows ahead, heads look ahead."""
    motion = real(clips, "bandai1", "walk_normal_001")
    result, _ = retarget(motion, standard_skeleton(), foot_lock=0.0)
    skeleton, turns = result.skeleton, result.orientations()

    def between(a, b):
        q = multiply(conjugate(turns[:, skeleton.index(a)]), turns[:, skeleton.index(b)])
        return np.degrees(Rotation.from_quat(q[:, [1, 2, 3, 0]]).as_rotvec())

    for side, sign in (("left", -1), ("right", 1)):
        knee, elbow = between(f"{side}_thigh", f"{side}_shin"), between(f"{side}_upper_arm", f"{side}_forearm")
        assert np.median(knee[:, 0]) > 5 and np.abs(np.median(knee[:, 1:], axis=0)).max() < 5
        assert np.median(sign * elbow[:, 1]) > 5 and np.abs(np.median(elbow[:, [0, 2]], axis=0)).max() < 10
        assert np.abs(np.median(between(f"{side}_shin", f"{side}_foot"), axis=0)).max() < 25
    assert np.abs(np.median(between("upper_chest", "head"), axis=0)).max() < 15
    assert np.abs(np.median(between("hips", "upper_chest"), axis=0)).max() < 15


def test_mixamos_own_retargeting_is_met_better_level_by_level(clips):
    """Twenty pairs of very different bodies, the first five seconds of each, against Mixamo's own result: joints as the
    evaluation of deep-motion-editing has them, and toes where Mixamo's stand."""
    files = {(path.parent.name, path.stem): load(path) for path in clips("mixamo-pairs")}
    found, every = [], []
    for motion, truth in mixamo_pairs.pairs(files).values():
        motion, truth = motion.frames(0, min(len(motion), 300)), truth.frames(0, min(len(truth), 300))
        ways = mixamo_pairs.ways(motion, truth)
        found.append([mixamo_pairs.errors(result, truth)[:4] for result in ways])
        every.append([error_of_all_joints(result, truth) for result in ways])
    assert len(found) == len(every) == 20
    plain, copy, contacts = np.nanmean(found, axis=0)
    assert copy[0] < 0.6 * plain[0]
    assert (contacts[:2] < copy[:2]).all()
    every = np.array(every)
    assert (every[:, 2].mean(axis=0) < every[:, 1].mean(axis=0)).all()
    # And no single pair pays for the others.
    assert (every[:, 2] < 1.5 * every[:, 1] + 0.01).all()
    assert contacts[2:].sum() < 0.7 * copy[2:].sum() < 0.7 * plain[2:].sum()


def test_hands_that_touch_run_no_deeper_into_the_body_than_the_sources(clips):
    """A Macarena, hands on hips, arms and head, on a mouse with short arms and a head half her size, and on others."""
    files = {(path.parent.name, path.stem): load(path) for path in clips("mixamo-pairs") if "Macarena" in path.stem}
    for motion, truth in mixamo_pairs.pairs(files).values():
        result, _ = retarget(motion, truth.skeleton, level="touch")
        assert mixamo_pairs.depth(result) < 1.1 * mixamo_pairs.depth(motion) + 0.002


def error_of_all_joints(result, truth):
    """MSE global and local as the benchmark's, but of all joints, fingers too, by the standing skeleton's height."""
    ours, theirs = result.positions(), truth.positions()
    off, height = ours - theirs, np.ptp(truth.skeleton.rest_positions()[:, 1])
    return [1000 * np.mean(d**2) / height**2 for d in (off, off - off[:, :1])]


@pytest.mark.parametrize("above", [False, True])
def test_on_a_rig_the_objects_path_and_the_bones_together_are_the_motion(above):
    motion = swinging(60)
    target = with_joint_above(motion.skeleton, "top") if above else motion.skeleton
    pair = Retargeter(motion, target)
    still, (places, turns), _ = pair.on_rig(motion, root="object", level="copy")
    whole, _ = pair(motion, root="hips", level="copy")
    body = [joint for joint, name in enumerate(target.names) if name != "top"]
    moved = rotate(turns[:, None], still.positions()) + places[:, None]
    np.testing.assert_allclose(moved[:, body], whole.positions()[:, body], atol=1e-9)
    hips = target.index("hips")
    away = still.positions()[:, hips] - target.rest_positions()[hips]
    assert np.abs(away[:, [0, 2]]).max() < 1e-9


def test_a_path_on_a_bone_needs_one_above_the_hips():
    motion = swinging(10)
    pair = Retargeter(motion, motion.skeleton)
    with pytest.raises(GraphicsMLError, match="hero: its hips hang from no other bone"):
        pair.on_rig(motion, root="bone", what="hero")
    still, path, _ = Retargeter(motion, with_joint_above(motion.skeleton, "top")).on_rig(motion, root="bone")
    assert path is None and np.ptp(still.root_positions[:, 2]) > 0.3
