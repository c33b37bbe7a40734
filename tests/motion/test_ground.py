"""Ground alignment undoes what was done to a motion: lifted, leaning and drifting ones stand on y = 0 again."""

import numpy as np
import pytest

from graphics_ml.errors import GraphicsMLError
from graphics_ml.formats import load
from graphics_ml.motion.contacts import detect_contacts
from graphics_ml.motion.ground import align_to_ground
from graphics_ml.motion.humanoid import standard_skeleton
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.rotations import angle_between, multiply, quaternion_from_axis_angle, rotate

OURS = {role: role for role in standard_skeleton().names}
CMU = {
    f"{side}_{part}": f"{side[0]}{name}"
    for side in ("left", "right")
    for part, name in (("thigh", "femur"), ("shin", "tibia"), ("foot", "foot"), ("toes", "toes"))
}


def test_a_standing_body_stands_on_the_ground():
    ground = align_to_ground(stepping(lift=0.37), OURS)
    toes = ground.motion.skeleton.index("left_toes")
    assert np.percentile(ground.motion.positions()[:, toes, 1], 5) == pytest.approx(0.0, abs=1e-6)
    assert ground.height == pytest.approx(0.37 + 0.012 * 1.7, abs=1e-6)
    assert ground.spread < 1e-9 and ground.tilt == 0
    higher = align_to_ground(stepping(lift=0.37), OURS, sole=0.02)
    np.testing.assert_allclose(
        higher.motion.root_positions[:, 1] - ground.motion.root_positions[:, 1], 0.02, atol=1e-12
    )


@pytest.mark.parametrize("name", ["01_01", "02_05", "03_01"])
def test_how_high_mocap_was_does_not_matter(clips, name):
    motion = load(next(p for p in clips("cmu") if p.stem == name))
    raised = motion.replace(root_positions=motion.root_positions + np.array([0, 1.5, 0]))
    low, high = align_to_ground(motion, CMU), align_to_ground(raised, CMU)
    np.testing.assert_allclose(low.motion.root_positions, high.motion.root_positions, atol=1e-9)
    assert high.height - low.height == pytest.approx(1.5)
    again = align_to_ground(low.motion, CMU)
    assert abs(again.height) < 1e-9


def test_a_leaning_ground_is_found_and_turned_back():
    motion = stepping(lift=0.0)
    contacts = detect_contacts(motion, OURS)
    lean = quaternion_from_axis_angle(np.array([0.1, 0, -0.06]))
    rotations = np.array(motion.rotations)
    rotations[:, 0] = multiply(lean, rotations[:, 0])
    leaning = motion.replace(rotations=rotations, root_positions=rotate(lean, motion.root_positions))
    ground = align_to_ground(leaning, OURS, contacts, level=True)
    assert ground.tilt == pytest.approx(np.hypot(0.1, 0.06), abs=2e-3)
    up = rotate(ground.motion.orientations()[:, 0], np.array([0.0, 1, 0]))
    assert np.degrees(np.arccos(up[:, 1].clip(-1, 1))).max() < 0.2
    assert align_to_ground(leaning, OURS, contacts).tilt == 0


def test_contacts_on_one_line_do_not_make_a_plane():
    straight = stepping(lift=0.1, radius=0.0)
    assert align_to_ground(straight, OURS, level=True).tilt == 0


def test_slow_drift_of_the_height_is_taken_away():
    motion = stepping(lift=0.0, frames=600)
    contacts = detect_contacts(motion, OURS)
    drift = 0.15 * np.sin(np.linspace(0, np.pi, 600))
    drifting = motion.replace(root_positions=motion.root_positions + drift[:, None] * [0, 1, 0])
    ground = align_to_ground(drifting, OURS, contacts, drift_cutoff=0.2)
    error = ground.motion.root_positions[:, 1] - align_to_ground(motion, OURS, contacts).motion.root_positions[:, 1]
    assert np.ptp(error) < 0.2 * np.ptp(drift)
    assert ground.spread < 0.2 * align_to_ground(drifting, OURS, contacts).spread


def test_a_motion_without_contacts_is_placed_by_its_lowest_frames():
    motion = stepping(lift=2.0)
    ground = align_to_ground(motion, OURS, np.zeros((len(motion), 4), dtype=bool), level=True, drift_cutoff=0.5)
    assert ground.stances == 0 and ground.spread == 0 and not ground.drift.any()
    assert ground.height == pytest.approx(2.0 + 0.012 * 1.7, abs=0.02)


def test_the_pose_is_not_touched():
    motion = stepping(lift=0.4)
    assert angle_between(align_to_ground(motion, OURS).motion.rotations, motion.rotations).max() < 1e-7


def test_a_map_without_feet_is_refused():
    with pytest.raises(GraphicsMLError, match="left_foot"):
        align_to_ground(stepping(lift=0.0), {"hips": "hips"})


def stepping(lift, frames=240, radius=1.0):
    """The standard body hops from place to place on a circle, standing half of the time."""
    skeleton = standard_skeleton()
    step, phase = np.divmod(np.arange(frames), 30)
    ahead = np.clip((phase - 15) / 15, 0, 1)
    angle = (step + ahead * ahead * (3 - 2 * ahead)) * (2 * np.pi / 8)
    hop = 0.3 * np.sin(np.pi * ahead) ** 2
    root = np.stack((radius * np.cos(angle), hop + lift, angle if radius == 0 else radius * np.sin(angle)), axis=-1)
    rotations = np.tile(skeleton.rest_orientations, (frames, 1, 1))
    return Motion(skeleton, rotations, root + skeleton.offsets[0] * [0, 1, 0], 30)
