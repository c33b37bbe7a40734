"""A T-pose put before a motion is told from one that the motion begins with."""

import numpy as np
import pytest

from graphics_ml import formats
from graphics_ml.formats import bodies
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.rotations import multiply, quaternion_from_axis_angle
from graphics_ml.motion.t_pose import starts_with_t_pose


def standing(frames=60, fps=30, facing=0.0, down=1.25):
    """Somebody with arms at the sides who sways, on SMPL's joints, whose zero pose is the T-pose."""
    skeleton = bodies.skeleton("humanml3d")
    rotations = np.tile([1.0, 0, 0, 0], (frames, 22, 1))
    sway = 0.1 * np.sin(np.arange(frames) * 4 / fps)[:, None]
    for name, side in (("left_shoulder", -1), ("right_shoulder", 1)):
        rotations[:, skeleton.index(name)] = quaternion_from_axis_angle((down * side + sway) * np.array([0, 0, 1.0]))
    rotations[:, 0] = quaternion_from_axis_angle(np.array([0, facing, 0.0]))
    return Motion(skeleton, rotations, np.tile([3.0, 0.92, 1.0], (frames, 1)), fps)


def with_t_pose(motion, frames=1):
    rest = np.tile([1.0, 0, 0, 0], (frames, len(motion.skeleton), 1))
    rotations, root = (
        np.concatenate([rest, motion.rotations]),
        np.concatenate([np.tile([0, 0.92, 0], (frames, 1)), motion.root_positions]),
    )
    return motion.replace(rotations=rotations, root_positions=root)


@pytest.mark.parametrize("facing", [0.0, 2.0])
@pytest.mark.parametrize("fps", [30, 120])
def test_a_t_pose_put_before_a_motion_is_found(facing, fps):
    motion = standing(fps=fps, facing=facing)
    assert starts_with_t_pose(with_t_pose(motion))
    assert not starts_with_t_pose(motion)


def test_one_that_stays_is_the_motions_own():
    assert not starts_with_t_pose(with_t_pose(standing(), frames=5))
    assert not starts_with_t_pose(with_t_pose(standing()).frames(0, 2))


def test_arms_that_come_down_from_it_as_somebodys_do_are_the_motions_own():
    motion = standing(down=0.0)
    angle = np.minimum(np.arange(60) / 15, 1)[:, None] * 1.3
    rotations = motion.rotations.copy()
    for name, side in (("left_shoulder", -1), ("right_shoulder", 1)):
        joint = motion.skeleton.index(name)
        rotations[:, joint] = multiply(
            quaternion_from_axis_angle(angle * side * np.array([0, 0, 1.0])), rotations[:, joint]
        )
    assert not starts_with_t_pose(motion.replace(rotations=rotations))


def test_no_real_take_is_found_to_have_one(clips):
    for kind in ("cmu", "bandai2-subset"):
        for path in sorted(clips(kind), key=lambda one: one.stat().st_size)[:6]:
            motion = formats.load(path)
            assert not starts_with_t_pose(motion), path.name


def test_one_put_before_a_real_take_is_found(clips):
    """As cgspeed did: the zero pose at the origin, before CMU's frames. 03_02 itself begins near that pose."""
    takes = [path for path in clips("cmu") if path.stem != "03_02"]
    for path in sorted(takes, key=lambda one: one.stat().st_size)[:4]:
        assert starts_with_t_pose(with_t_pose(formats.load(path))), path.name
