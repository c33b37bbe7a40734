"""Standing feet on bodies of other proportions, and soles on the floor."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from graphics_ml.motion.body_frames import measure_body
from graphics_ml.motion.bone_map import recognize
from graphics_ml.motion.contacts import CONTACT_ROLES
from graphics_ml.motion.humanoid import standard_skeleton
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.retarget import retarget
from graphics_ml.motion.rotations import conjugate, multiply, quaternion_from_axis_angle, rotate
from graphics_ml.motion.stance import clear_of_floor

SIDES = ("left", "right")
FPS = 50


def cartoon():
    """Legs half as long, hips twice as wide, feet long: proportions of a toy figure."""
    skeleton = standard_skeleton()
    offsets = np.array(skeleton.offsets)
    for name in skeleton.names:
        row = skeleton.index(name)
        if name.endswith(("_shin", "_foot")):
            offsets[row] *= [0.5, 0.4 if name.endswith("_shin") else 0.6, 0.5]
        if name.endswith("_thigh"):
            offsets[row, 0] *= 2
        if name.endswith("_toes"):
            offsets[row, 2] *= 1.5
    skeleton = skeleton.replace(offsets=offsets)
    lowest = skeleton.rest_positions()[:, 1].min() - 0.012
    offsets[0, 1] -= lowest
    return skeleton.replace(offsets=offsets)


def swaying(amount, roll=0.0, yaw=0.0, seconds=3.0):
    """A standard body whose feet stand still while its hips move: `amount` metres to the side, with the pelvis turned.
    Legs are straight lines from hip to ankle with knees bent by the law of cosines."""
    skeleton = standard_skeleton()
    places = dict(zip(skeleton.names, skeleton.rest_positions(), strict=True))
    frames = round(seconds * FPS)
    wave = np.sin(2 * np.pi * np.arange(frames) / frames)[:, None]
    root = places["hips"] - [0, 0.06, 0] + amount * wave * [1.0, 0, 0.3]
    hips = quaternion_from_axis_angle(wave * [0, yaw, roll])
    rotations = np.tile([1.0, 0, 0, 0], (frames, len(skeleton), 1))
    rotations[:, 0] = hips
    for side in SIDES:
        hip = root + rotate(hips, places[f"{side}_thigh"] - places["hips"])
        knee, ankle = places[f"{side}_shin"], places[f"{side}_foot"]
        thigh, shin = np.linalg.norm(knee - places[f"{side}_thigh"]), np.linalg.norm(ankle - knee)
        line = ankle - hip
        far = np.linalg.norm(line, axis=1)
        bend = np.arccos((thigh**2 + far**2 - shin**2) / (2 * thigh * far))
        lean = np.arctan2(line[:, 0], -line[:, 1]), np.arctan2(-line[:, 2], np.hypot(line[:, 0], line[:, 1]))
        upper = turned(lean[0], lean[1] - bend)
        lower = turned(lean[0], lean[1] + np.arccos((shin**2 + far**2 - thigh**2) / (2 * shin * far)))
        chain = [hips, upper, lower, np.tile([1.0, 0, 0, 0], (frames, 1))]
        for part, above, own in zip(("thigh", "shin", "foot"), chain, chain[1:], strict=False):
            rotations[:, skeleton.index(f"{side}_{part}")] = relative(above, own)
    return Motion(skeleton, rotations, root, FPS)


def turned(sideways, ahead):
    turn = Rotation.from_euler("Z", sideways[:, None]) * Rotation.from_euler("X", ahead[:, None])
    return turn.as_quat()[:, [3, 0, 1, 2]]


def relative(above, own):
    return multiply(conjugate(above), own)


def speeds_of_feet(motion, contacts):
    joints = recognize(motion.skeleton).joints(motion.skeleton)
    feet = motion.positions()[:, [joints[role] for role in CONTACT_ROLES]]
    both = contacts[1:] & contacts[:-1]
    return FPS * np.linalg.norm(np.diff(feet, axis=0), axis=-1)[both]


def leg_turns(motion, like):
    """Degrees (F, 2) by which a leg's bones point elsewhere than those of another motion, the larger of both."""
    result = []
    for side in SIDES:
        off = []
        for a, b in (("thigh", "shin"), ("shin", "foot")):
            u, v = (
                np.subtract(*(m.positions()[:, m.skeleton.index(f"{side}_{part}")] for part in (b, a)))
                for m in (motion, like)
            )
            off.append(np.degrees(np.arctan2(np.linalg.norm(np.cross(u, v), axis=1), (u * v).sum(axis=1))))
        result.append(np.max(off, axis=0))
    return np.stack(result, axis=1)


def test_the_test_bodys_feet_stand_still():
    motion = swaying(0.05, roll=0.1, yaw=0.2)
    assert speeds_of_feet(motion, np.ones((len(motion), 4), dtype=bool)).max() < 1e-9


@pytest.mark.parametrize("side", [0, 1])
def test_on_one_foot_the_body_follows_it_and_no_leg_is_bent(side):
    motion, contacts = swaying(0.05, roll=0.1, yaw=0.2), np.zeros((150, 4), dtype=bool)
    contacts[:, 2 * side : 2 * side + 2] = True
    result, report = retarget(motion, cartoon(), contacts=contacts)
    assert speeds_of_feet(result, contacts).mean() < 0.004
    assert leg_turns(result, motion).max() < 2
    assert not report.corrected.any() and not report.held_back.any()


@pytest.mark.parametrize(("roll", "yaw"), [(0.15, 0.0), (0.0, 0.3), (0.1, 0.2)])
def test_on_both_feet_wide_hips_turn_less_and_legs_stay_within_their_share(roll, yaw):
    motion, contacts = swaying(0.04, roll, yaw), np.ones((150, 4), dtype=bool)
    free, _ = retarget(motion, cartoon(), foot_lock=0.0)
    result, _ = retarget(motion, cartoon(), contacts=contacts)
    assert speeds_of_feet(result, contacts).mean() < 0.2 * speeds_of_feet(free, contacts).mean()
    assert (leg_turns(result, motion) > 2).mean(axis=0).max() <= 0.25
    arms = [motion.skeleton.index(f"{side}_{part}") for side in SIDES for part in ("upper_arm", "forearm", "hand")]
    np.testing.assert_allclose(result.orientations()[:, arms], free.orientations()[:, arms], atol=1e-9)


def test_feet_without_toes_stand_too():
    whole, motion = cartoon(), swaying(0.04, roll=0.1)
    kept = [row for row, name in enumerate(whole.names) if not name.endswith("_toes")]
    target = whole.replace(
        names=tuple(whole.names[row] for row in kept),
        parents=tuple(kept.index(whole.parents[row]) if row else -1 for row in kept),
        offsets=whole.offsets[kept],
        rest_orientations=whole.rest_orientations[kept],
        end_sites=(),
    )
    result, _ = retarget(motion, target, contacts=np.ones((150, 4), dtype=bool))
    ankles = result.positions()[:, [target.index(f"{side}_foot") for side in SIDES]]
    assert FPS * np.linalg.norm(np.diff(ankles, axis=0), axis=-1).mean() < 0.01


def test_a_correction_comes_and_goes_without_a_jump():
    motion = swaying(0.05, roll=0.1, yaw=0.2)
    contacts = np.zeros((150, 4), dtype=bool)
    contacts[:70, :2] = contacts[60:, 2:] = True
    result, _ = retarget(motion, cartoon(), contacts=contacts)
    steps = np.linalg.norm(np.diff(result.positions(), 2, axis=0), axis=-1) * FPS**2
    assert steps.max() < 6


def test_soles_that_dip_are_lifted_and_others_left():
    skeleton = standard_skeleton()
    body = measure_body(skeleton, recognize(skeleton))
    frames = 60
    pitch = np.linspace(-0.6, 0.6, frames)[:, None] * [1.0, 0, 0]
    rotations = np.tile([1.0, 0, 0, 0], (frames, len(skeleton), 1))
    rotations[:, skeleton.index("left_foot")] = quaternion_from_axis_angle(pitch)
    motion = Motion(skeleton, rotations, np.tile(skeleton.offsets[0], (frames, 1)), FPS)
    down = [0, -skeleton.rest_positions()[skeleton.index("left_foot"), 1], 0]
    under = -skeleton.rest_positions()[skeleton.index("left_toes"), 1]
    soles = {}
    for side in SIDES:
        soles[f"{side}_foot"] = np.array([[0, 0, -0.06], [0, 0, 0.1]]) + down
        soles[f"{side}_toes"] = np.array([[0, under, 0.01], [0, under, 0.07]])
    result = clear_of_floor(motion, body, soles, 0.0, np.zeros((frames, 2), dtype=bool))

    def lowest(motion, side):
        world, places = motion.transforms()
        joints = {role: skeleton.index(role) for role in soles if role.startswith(side)}
        points = [places[:, None, j] + rotate(world[:, None, j], soles[role]) for role, j in joints.items()]
        return np.concatenate(points, axis=1)[..., 1].min(axis=1)

    assert lowest(motion, "left").min() < -0.03
    assert lowest(result, "left").min() > -0.004
    np.testing.assert_allclose(lowest(result, "right"), 0, atol=1e-9)
    legs = [skeleton.index(f"{side}_{part}") for side in SIDES for part in ("thigh", "shin", "foot")]
    np.testing.assert_allclose(result.positions()[:, legs], motion.positions()[:, legs], atol=1e-12)


def test_planted_toes_bend_but_their_foot_does_not_turn():
    skeleton = standard_skeleton()
    body = measure_body(skeleton, recognize(skeleton))
    rotations = np.tile([1.0, 0, 0, 0], (20, len(skeleton), 1))
    rotations[:, skeleton.index("left_foot")] = quaternion_from_axis_angle(np.array([0.3, 0, 0]))
    motion = Motion(skeleton, rotations, np.tile(skeleton.offsets[0] + np.array([0, 0.03, 0]), (20, 1)), FPS)
    soles = {role: np.array([[0, -0.012, 0.06]]) for role in CONTACT_ROLES}
    result = clear_of_floor(motion, body, soles, 0.0, np.ones((20, 2), dtype=bool))
    foot, toes = skeleton.index("left_foot"), skeleton.index("left_toes")
    np.testing.assert_allclose(result.orientations()[:, foot], motion.orientations()[:, foot], atol=1e-12)
    tip = result.positions()[:, toes] + rotate(result.orientations()[:, toes], soles["left_toes"][0])
    assert np.abs(tip[:, 1]).max() < 1e-6


def test_a_floor_of_known_height_is_stood_on_whatever_the_source_sinks_by():
    motion = swaying(0.03)
    sunk = motion.replace(root_positions=motion.root_positions - [0, 0.02, 0])
    contacts = np.ones((150, 4), dtype=bool)
    result, _ = retarget(sunk, motion.skeleton, contacts=contacts, floor=0.0)
    np.testing.assert_allclose(result.positions(), motion.positions(), atol=1e-4)
    kept, _ = retarget(sunk, motion.skeleton, contacts=contacts)
    np.testing.assert_allclose(kept.positions(), sunk.positions(), atol=1e-4)
