"""Joint angles read back from bodies posed by the solver's own hinges, whatever frames their joints have."""

import numpy as np
import pytest

from graphics_ml.formats import load
from graphics_ml.motion.bone_map import recognize, recognize_moving
from graphics_ml.motion.humanoid import standard_skeleton
from graphics_ml.motion.joint_limits import HINGE_RANGE, joint_angles
from graphics_ml.motion.kinematics import global_rotations, local_rotations
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.rotations import conjugate, multiply, quaternion_from_axis_angle, rotate
from graphics_ml.motion.skeleton import Skeleton
from graphics_ml.pose.body import HINGES, JOINTS, Pose, t_pose

FRAMES = 12


def posed(degrees, reframed=False):
    """The solver's body with its hinges at (F, 20) degrees, its joints' frames turned at random if `reframed`."""
    pose = t_pose(len(degrees))
    rotations = Pose(pose.root, pose.balls, np.radians(degrees)).rotations()
    skeleton = standard_skeleton()
    assert skeleton.names == JOINTS
    if reframed:
        frame = quaternion_from_axis_angle(np.random.default_rng(2).normal(0, 1.5, (len(skeleton), 3)))
        above = np.array([frame[p] if p >= 0 else [1.0, 0, 0, 0] for p in skeleton.parents])
        rotations = local_rotations(multiply(global_rotations(rotations, skeleton.parents), frame), skeleton.parents)
        skeleton = Skeleton(
            skeleton.names,
            skeleton.parents,
            rotate(conjugate(above), skeleton.offsets),
            rest_orientations=multiply(conjugate(above), frame),
        )
    return Motion(skeleton, rotations, np.tile([0, 0.9, 0], (len(degrees), 1)), 30)


def limits_of(joint, movement):
    return HINGE_RANGE.get(movement) or HINGE_RANGE[joint.partition("_")[2], movement]


@pytest.mark.parametrize("reframed", [False, True])
def test_hinges_are_read_as_they_were_set_and_none_passes_its_range(reframed):
    rng = np.random.default_rng(1)
    low, high = np.array([limits_of(joint, movement) for joint, movement, _ in HINGES]).T
    degrees = rng.uniform(low + 0.5, high - 0.5, (FRAMES, len(HINGES)))
    motion = posed(degrees, reframed)
    found = joint_angles(motion, recognize(motion.skeleton))
    for column, (joint, movement, _) in enumerate(HINGES):
        read = np.degrees(found.angles[:, found.movements.index(f"{joint} {movement}")])
        np.testing.assert_allclose(read, degrees[:, column], atol=1e-6)
    assert found.violated() == 0 and found.beyond.max() < 1e-9


@pytest.mark.parametrize("hinge", range(len(HINGES)))
def test_a_hinge_bent_too_far_is_said_to_be_by_as_much(hinge):
    joint, movement, _ = HINGES[hinge]
    low, high = limits_of(joint, movement)
    degrees = np.zeros((4, len(HINGES)))
    degrees[1:, hinge] = high + 12, low - 8, high + 3
    found = joint_angles(posed(degrees), recognize(standard_skeleton()))
    column = found.movements.index(f"{joint} {movement}")
    np.testing.assert_allclose(np.degrees(found.beyond[:, column]), [0, 12, 8, 3], atol=1e-6)
    assert found.violated() == pytest.approx(2 / found.beyond.size)
    assert found.violated(np.radians(2)) == pytest.approx(3 / found.beyond.size)


@pytest.mark.parametrize(("side", "sign"), [("left", 1), ("right", -1)])
def test_a_thigh_twisted_out_of_its_range_is_seen(side, sign):
    motion = posed(np.zeros((3, len(HINGES))))
    rotations = np.array(motion.rotations)
    thigh = motion.skeleton.index(f"{side}_thigh")
    rotations[1:, thigh] = quaternion_from_axis_angle(np.radians([[0, 30.0, 0], [0, sign * 60.0, 0]]))
    found = joint_angles(motion.replace(rotations=rotations), recognize(motion.skeleton))
    np.testing.assert_allclose(
        np.degrees(found.beyond[:, found.movements.index(f"{side}_thigh twist")]), [0, 0, 15], atol=1e-9
    )


def test_people_who_walk_stay_within_their_ranges(clips):
    by_name = {path.stem: path for name in ("cmu", "bandai2-subset") for path in clips(name)}
    for name in ("02_01", "dataset-2_walk_normal_001"):
        motion = load(by_name[name])
        found = joint_angles(motion, recognize_moving(motion))
        assert found.violated() < 0.03
        knee = np.degrees(found.angles[:, found.movements.index("left_shin flexion")])
        assert 45 < knee.max() < 80 and knee.min() > -10  # swing of a walk: 60 degrees (Winter 2009)
