"""Bodies that come down to the floor: plain boxes of known places, and our own people in Blender."""

import numpy as np
import pytest

from graphics_ml.blender.scenes.build import Studio, limbs
from graphics_ml.blender.scenes.description import read_scene
from graphics_ml.blender.scenes.motions import on_the_floor
from graphics_ml.blender.scenes.settling import eased, settle, turned
from graphics_ml.keypoints import PARTS
from graphics_ml.motion.bone_map import BoneMap
from graphics_ml.motion.humanoid import COMPARED_ROLES, standard_skeleton
from graphics_ml.motion.invented import invent
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.rotations import quaternion_from_axis_angle, rotate

LYING = """
[characters.procedural]
count = 4
detail = 0.4
[motions.invented]
count = 12
kinds = ["lie down"]
"""
JOINTS = {
    f"{side}_{role}": np.array([x * sign, y, z])
    for side, sign in (("left", 1), ("right", -1))
    for role, x, y, z in (("thigh", 0.1, 0.15, 0), ("shin", 0.1, 0.15, 0.45), ("upper_arm", 0.2, 0.6, 0))
}


def box(part, low, high):
    points = np.stack(np.meshgrid(*np.linspace(low, high, 6).T), axis=-1).reshape(-1, 3)
    return points, np.full(len(points), PARTS.index(part))


def sitting(heels, seat=0.05):
    """A body that sits, its legs straight ahead along +Z."""
    boxes = [box("pelvis", [-0.2, seat, -0.1], [0.2, 0.3, 0.1]), box("trunk", [-0.2, 0.3, -0.1], [0.2, 0.7, 0.1])]
    for side, x in (("left", 0.1), ("right", -0.1)):
        boxes += [
            box(f"{side}_thigh", [x - 0.05, 0.1, 0.1], [x + 0.05, 0.2, 0.45]),
            box(f"{side}_shin", [x - 0.05, 0.1, 0.45], [x + 0.05, 0.2, 0.85]),
            box(f"{side}_foot", [x - 0.05, heels, 0.85], [x + 0.05, 0.3, 0.95]),
            box(f"{side}_hand", [2 * x - 0.05, 0.2, 0.1], [2 * x + 0.05, 0.3, 0.2]),
        ]
    points, parts = zip(*boxes, strict=True)
    return np.concatenate(points), np.concatenate(parts)


def test_heels_that_hold_a_seat_in_the_air_are_turned_up_about_the_hips_just_as_far_as_they_must():
    skin, parts = sitting(heels=0.0)
    turns = settle(skin, parts, JOINTS)
    assert set(turns) == {"left_thigh", "right_thigh"}
    for side in ("left", "right"):
        pivot, turn = JOINTS[f"{side}_thigh"], turns[f"{side}_thigh"]
        foot = skin[parts == PARTS.index(f"{side}_foot")]
        after = pivot + rotate(quaternion_from_axis_angle(turn), foot - pivot)
        assert after[:, 1].min() == pytest.approx(0.05, abs=0.006)
        assert turn[0] < 0 and np.allclose(turn[1:], 0, atol=0.01)


def test_who_sits_already_and_who_squats_stay_as_they_are():
    assert not settle(*sitting(heels=0.05), JOINTS)
    assert not settle(*sitting(heels=-0.2), JOINTS)


def test_a_turn_in_the_world_is_that_of_the_joint_in_a_motion_which_faces_another_way():
    skeleton, turn, heading = standard_skeleton(1.7), np.array([-0.2, 0, 0]), 0.7
    motion = Motion(skeleton, skeleton.rest_orientations[None], skeleton.offsets[:1], 30)
    after = turned(motion, BoneMap({name: name for name in skeleton.names}, {}), [{"left_thigh": turn}], heading)
    to_world = quaternion_from_axis_angle(np.array([0, heading, 0]))
    hip, foot = (skeleton.index(name) for name in ("left_thigh", "left_foot"))
    before, now = (rotate(to_world, one.positions()[0]) for one in (motion, after))
    assert np.allclose(now[foot], now[hip] + rotate(quaternion_from_axis_angle(turn), before[foot] - before[hip]))
    others = [row for row, name in enumerate(skeleton.names) if name.split("_")[-1] not in ("shin", "foot", "toes")]
    assert np.allclose(now[others], before[others])


def test_turns_that_begin_at_once_are_spread_over_a_few_frames_and_a_still_one_stays():
    turn = np.array([-0.2, 0, 0])
    after = eased([{}] * 10 + [{"left_thigh": turn}] * 10, 30)
    path = np.array([own["left_thigh"][0] for own in after])
    assert path[0] == 0 and path[-1] == pytest.approx(-0.2) and (np.diff(path) <= 0).all()
    assert np.abs(np.diff(path)).max() < 0.06
    assert eased([{"left_thigh": turn}, {}], 30) == [{"left_thigh": turn}, {}]  # a single picture and its next moment


def test_only_who_jumps_is_off_the_floor_not_who_lies_down_without_standing_on_a_foot():
    def grounded(kind):
        motions = [invent(np.random.default_rng(seed), kind) for seed in range(6)]
        roles = BoneMap({name: name for name in motions[0].skeleton.names}, {})
        return np.concatenate([on_the_floor(motion, roles) for motion in motions])

    assert 0.5 < grounded("jump").mean() < 0.95 and grounded("lie down").mean() > 0.95


def test_seats_of_our_own_people_that_are_near_the_floor_are_on_it_and_limbs_where_the_motion_says(tmp_path):
    path, seats = tmp_path / "scene.toml", []
    path.write_text(LYING)
    with Studio(read_scene(path), seed=1) as studio:
        for index in range(12):
            frame = studio.frame(index, picture=False)
            for player, person in zip(studio._clip.players, frame.people, strict=True):  # where the samplers think
                names = [player.actor.roles.roles[role] for role in COMPARED_ROLES]
                places = person.positions[[person.joints.index(name) for name in names]]
                np.testing.assert_allclose(limbs(player)[frame.parameters["moment"]], places, atol=1e-3)
            for thing in frame.things:
                if thing.instance:
                    core = np.isin(thing.parts, [PARTS.index("pelvis"), PARTS.index("trunk")])
                    seats.append(thing.vertices[thing.triangles[core], 1].min())
    low = np.array([seat for seat in seats if seat < 0.14])
    assert len(low) >= 4 and (low < 0.02).sum() >= len(low) - 1  # one lies on an arm
