"""Bodies of other build and make: what comes out points, reaches and moves as the source does."""

import numpy as np
import pytest

from graphics_ml.formats import load
from graphics_ml.motion.body_frames import measure_body
from graphics_ml.motion.bone_map import recognize
from graphics_ml.motion.capsules import Capsules, gaps, self_penetration
from graphics_ml.motion.humanoid import FINGERS, standard_skeleton
from graphics_ml.motion.joint_limits import joint_angles
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.retarget import Retargeter, retarget
from graphics_ml.motion.rotations import multiply, quaternion_from_axis_angle, rotate, slerp
from graphics_ml.motion.skeleton import EndSite, Skeleton
from tests.motion.builds import with_lengths, with_only

SIDES = ("left", "right")
FPS = 60
BONES = [(f"{side}_{a}", f"{side}_{b}") for side in SIDES
         for a, b in (("upper_arm", "forearm"), ("forearm", "hand"), ("thigh", "shin"), ("shin", "foot"))]  # fmt: skip

# How many times as long bones are whose names have these words.
BUILDS = {
    "child": {"thigh": 0.6, "shin": 0.6, "foot": 0.6, "spine": 0.75, "chest": 0.75, "arm": 0.6, "hand": 0.6, "": 0.7},
    "giant": {"": 2.5},
    "short legs": {"shin": 0.4, "foot": 0.4, "": 1},
    "huge head": {"head": 3, "": 1},
    "long arms": {"forearm": 1.7, "hand": 1.7, "": 1},
    "long neck": {"neck": 3, "head": 2, "": 1},
    "broad": {"shoulder": 2.2, "upper_arm": 2.2, "thigh": 1.8, "": 1},
}
# Arms too short, or shoulders too narrow, for what is above or between them.
OUT_OF_PROPORTION = {
    "big head, short arms": {"head": 2.5, "upper_arm": 0.6, "forearm": 0.6, "hand": 0.6, "": 1},
    "toon": {"head": 3, "thigh": 0.4, "shin": 0.4, "foot": 0.4, "forearm": 0.5, "hand": 0.5, "": 0.7},
    "stout": {"shoulder": 1.8, "spine": 1.6, "chest": 1.6, "thigh": 1.8, "": 1},
}


def built(build, fingers=False):
    """The standard body with other lengths of bones, standing on the ground."""
    skeleton = with_fingers(standard_skeleton()) if fingers else standard_skeleton()
    return with_lengths(skeleton, (BUILDS | OUT_OF_PROPORTION)[build])


def hunched():
    """A body that rests bent forward at the chest by 35 degrees, head up again."""
    skeleton = standard_skeleton()
    rest = np.array(skeleton.rest_orientations)
    rest[skeleton.index("chest")] = quaternion_from_axis_angle(np.radians([35.0, 0, 0]))
    rest[skeleton.index("neck")] = quaternion_from_axis_angle(np.radians([-30.0, 0, 0]))
    return skeleton.replace(rest_orientations=rest)


def with_fingers(skeleton):
    names, parents, offsets = list(skeleton.names), list(skeleton.parents), list(skeleton.offsets)
    for side, sign in zip(SIDES, (1, -1), strict=True):
        for row, finger in enumerate(FINGERS):
            for number in (1, 2, 3):
                above = f"{side}_hand" if number == 1 else f"{side}_{finger}_{number - 1}"
                step = [sign * (0.08 if number == 1 else 0.03), 0, (0.03 - 0.02 * row) if number == 1 else 0]
                names.append(f"{side}_{finger}_{number}")
                parents.append(names.index(above))
                offsets.append(np.array(step))
    return Skeleton(names, parents, offsets, end_sites=skeleton.end_sites)


def with_spine(skeleton, trunk, neck):
    """The body with so many joints from hips to chest and from there to the head, at equal distances."""
    places = dict(zip(skeleton.names, skeleton.rest_positions(), strict=True))
    line = {
        f"spine{n}": places["hips"] + (places["upper_chest"] - places["hips"]) * n / trunk for n in range(1, trunk + 1)
    }
    line |= {f"neck{n}": places["upper_chest"] + (places["head"] - places["upper_chest"]) * n / (neck + 1)
             for n in range(1, neck + 1)}  # fmt: skip
    below = {"spine1": "hips", **{f"spine{n}": f"spine{n - 1}" for n in range(2, trunk + 1)},
             **{f"neck{n}": f"neck{n - 1}" if n > 1 else f"spine{trunk}" for n in range(1, neck + 1)},
             "head": f"neck{neck}" if neck else f"spine{trunk}",
             "left_shoulder": f"spine{trunk}", "right_shoulder": f"spine{trunk}"}  # fmt: skip
    names = ["hips", *line, *(n for n in skeleton.names if n not in ("hips", "spine", "chest", "upper_chest", "neck"))]
    parents = [-1] + [names.index(below[n] if n in below else skeleton.names[skeleton.parents[skeleton.index(n)]])
                      for n in names[1:]]  # fmt: skip
    at = np.array([line[n] if n in line else places[n] for n in names])
    offsets = [p if parent < 0 else p - at[parent] for p, parent in zip(at, parents, strict=True)]
    ends = tuple(EndSite(names.index(skeleton.names[end.joint]), end.offset) for end in skeleton.end_sites)
    return Skeleton(names, parents, offsets, end_sites=ends)


def without(skeleton, *words):
    """The body without joints whose names have these words."""
    return with_only(skeleton, lambda name: not any(word in name for word in words))


TARGETS = {
    **{build: built(build) for build in BUILDS},
    "hunch": hunched(),
    "one joint in the spine": with_spine(standard_skeleton(), 1, 1),
    "nine joints in the spine, no neck": with_spine(standard_skeleton(), 9, 0),
    "five joints in the neck": with_spine(standard_skeleton(), 3, 5),
    "fingers": with_fingers(standard_skeleton()),
    "child with fingers": built("child", fingers=True),
    "no fingers but thumbs": without(with_fingers(standard_skeleton()), "index", "middle", "ring", "pinky"),
    "no toes": without(standard_skeleton(), "toes"),
    "no clavicles": without(standard_skeleton(), "shoulder"),
    "no clavicles, toes, neck": without(standard_skeleton(), "shoulder", "toes", "neck"),
}


SWINGS = dict(arm=0.7, thigh=0.4, spine=0.2, chest=0.2, neck=0.3, head=0.3, hand=0.3, index=0.3)


def dancing(seconds=3.0):
    """Arms, legs, trunk and head swing widely and smoothly; the body turns and steps to the side."""
    skeleton = with_fingers(standard_skeleton())
    t = np.arange(round(seconds * FPS)) / FPS
    draw = np.random.default_rng(3)
    rotations = np.tile([1.0, 0, 0, 0], (len(t), len(skeleton), 1))
    for joint, name in enumerate(skeleton.names):
        size = next((size for word, size in SWINGS.items() if word in name), 0)
        phase = draw.uniform(0, 6, 3)
        rotations[:, joint] = quaternion_from_axis_angle(size * np.sin(2 * np.pi * 0.7 * t[:, None] + phase))
        if "shin" in name:
            bend = 0.5 + 0.5 * np.sin(2 * np.pi * 0.7 * t + phase[0])
            rotations[:, joint] = quaternion_from_axis_angle(bend[:, None] * [1, 0, 0])
    rotations[:, 0] = multiply(quaternion_from_axis_angle(0.8 * t[:, None] * [0, 1, 0]), rotations[:, 0])
    path = skeleton.offsets[0] + np.stack((0.3 * t, 0.03 * np.sin(5 * t), 0 * t), axis=1)
    return Motion(skeleton, rotations, path, FPS)


def places(motion, role):
    return motion.positions()[:, motion.skeleton.index(role)]


def directions(motion):
    lines = np.stack([places(motion, b) - places(motion, a) for a, b in BONES], axis=1)
    return lines / np.linalg.norm(lines, axis=-1, keepdims=True)


def peak_acceleration(motion, role):
    """Of a joint seen from the hips, in arm lengths a second squared: a pop stands out."""
    arm = sum(
        np.linalg.norm(motion.skeleton.offsets[motion.skeleton.index(f"left_{part}")]) for part in ("forearm", "hand")
    )
    path = places(motion, role) - places(motion, "hips")
    return np.linalg.norm(np.diff(path, 2, axis=0), axis=1).max() * FPS**2 / arm


@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.parametrize("level", ["copy", "contacts", "touch"])
def test_limbs_point_where_the_sources_do_and_nothing_pops(name, level):
    motion, target = dancing(), TARGETS[name]
    result, report = retarget(motion, target, level=level)
    assert np.isfinite(result.positions()).all()
    off = np.degrees(np.arccos(np.clip((directions(result) * directions(motion)).sum(-1), -1, 1)))
    turned = np.repeat(np.stack((report.arms_moved, report.corrected), axis=2).reshape(len(off), 4), 2, axis=1)
    assert off[~turned].max() < 2.01
    if level == "copy":
        assert off.max() < 1e-5
    for side in SIDES:
        for part in ("hand", "foot"):
            role = f"{side}_{part}"
            assert peak_acceleration(result, role) < 2 * peak_acceleration(motion, role)


@pytest.mark.parametrize("name", [name for name in TARGETS if "joint" in name])
def test_spines_of_any_count_end_where_the_sources_do(name):
    """The chest, where the arms hang, and the head are turned as the source's, and the trunk is bent evenly between."""
    motion, target = dancing(), TARGETS[name]
    result, _ = retarget(motion, target, level="copy")
    theirs, ours = motion.orientations(), result.orientations()
    top = max((n for n in target.names if n.startswith("spine")), key=lambda n: int(n[5:]))
    for a, b in (("upper_chest", top), ("head", "head"), ("hips", "hips")):
        same = np.abs((theirs[:, motion.skeleton.index(a)] * ours[:, target.index(b)]).sum(-1))
        np.testing.assert_allclose(same, 1, atol=1e-9)
    line = [target.index(n) for n in target.names if n.startswith("spine")]
    bends = [np.arccos(np.clip(np.abs((ours[:, target.parents[j]] * ours[:, j]).sum(-1)), 0, 1)) for j in line]
    whole = np.arccos(np.clip(np.abs((ours[:, 0] * ours[:, line[-1]]).sum(-1)), 0, 1))
    assert (np.sum(bends, axis=0) < 1.5 * whole + 0.2).all()


def posed(skeleton, sides, frames=30):
    """A body standing with its arms turned: (upper arm, forearm) rotation vectors in degrees, left; right mirrors."""
    rotations = np.tile([1.0, 0, 0, 0], (frames, len(skeleton), 1))
    for side, sign in zip(SIDES, (1, -1), strict=True):
        for part, vector in zip(("upper_arm", "forearm"), sides, strict=True):
            turn = quaternion_from_axis_angle(np.radians(vector) * [1, sign, sign])
            rotations[:, skeleton.index(f"{side}_{part}")] = turn
    return Motion(skeleton, rotations, np.tile(skeleton.offsets[0], (frames, 1)), FPS)


def touch(motion, capsule):
    """Metres (F,) from the left palm to the surface of a capsule; the size of the body's arms."""
    skeleton = motion.skeleton
    shape = Capsules.of(measure_body(skeleton, recognize(skeleton)))
    points = shape.points(motion.rotations, motion.root_positions, motion.offsets)
    radii = np.array([shape.radii[capsule]]) + shape.palm
    return gaps(points["left_palm"], *shape.lines(points, [capsule]), radii)[0][0], shape.reach


ON_HEAD, ON_FLANK = ((-80, -40, 20), (0, -120, 0)), ((40, 20, -80), (0, -80, 0))
BEHIND_HEAD = ((-30, 40, 60), (0, 0, 135))


@pytest.mark.parametrize(("pose", "capsule"), [(ON_HEAD, "head"), (ON_FLANK, "left_flank")])
@pytest.mark.parametrize("build", ["child", "short legs", "huge head", "long arms", "long neck", "broad"])
def test_a_hand_on_the_head_or_the_hips_stays_there(pose, capsule, build):
    motion, target = posed(standard_skeleton(), pose), built(build)
    copied, _ = retarget(motion, target, level="copy")
    result, _ = retarget(motion, target, level="touch")
    off, reach = touch(result, capsule)
    without, _ = touch(copied, capsule)
    assert np.abs(off).max() < max(0.05 * reach, 0.3 * np.abs(without).max())


HANGING, FOLDED, CLAPPED = ((0, 0, -80), (0, -10, 0)), ((-20, -50, -60), (0, -110, 0)), ((0, -60, 0), (0, -60, 0))


def gestures():
    """From pose to pose of the arms in half a second, and half a second in each."""
    skeleton, half = standard_skeleton(), FPS // 2
    poses = [posed(skeleton, pose, 1).rotations for pose in (HANGING, FOLDED, ON_FLANK, CLAPPED, ON_HEAD, BEHIND_HEAD)]
    t = np.linspace(0, 1, half)
    ease = t**3 * (10 - 15 * t + 6 * t**2)
    held = np.zeros(half)
    rotations = [
        slerp(before, after, np.concatenate((held, ease))[:, None])
        for before, after in zip(poses, [*poses[1:], poses[0]], strict=True)
    ]
    rotations = np.concatenate(rotations)
    return Motion(skeleton, rotations, np.tile(skeleton.offsets[0], (len(rotations), 1)), FPS)


@pytest.mark.parametrize("build", ["child", "long arms", "broad", "huge head", *OUT_OF_PROPORTION])
def test_arms_come_to_a_touch_and_leave_it_without_a_jerk(build):
    motion, target = gestures(), built(build)
    without, result = (retarget(motion, target, level=level)[0] for level in ("contacts", "touch"))
    for side in SIDES:
        for part in ("forearm", "hand"):
            role = f"{side}_{part}"
            assert peak_acceleration(result, role) < 2.2 * peak_acceleration(without, role)


def test_where_nothing_is_touched_both_upper_levels_are_the_same():
    motion = posed(standard_skeleton(), ((0, 0, 10), (0, -20, 0)))
    for build in ("child", "long arms"):
        first, second = (retarget(motion, built(build), level=level)[0] for level in ("contacts", "touch"))
        np.testing.assert_array_equal(first.rotations, second.rotations)


@pytest.mark.parametrize("build", ["child", "long arms", "broad"])
def test_palms_that_touch_each_other_go_on_doing_so(build):
    skeleton = standard_skeleton()
    apart = {
        angle: np.linalg.norm(np.subtract(*palms(posed(skeleton, ((0, -60, 0), (0, -angle, 0)), frames=1)))[0])
        for angle in range(0, 100)
    }
    together = posed(skeleton, ((0, -60, 0), (0, -min(apart, key=apart.get), 0)))
    target = built(build)
    first, second = (
        np.linalg.norm(np.subtract(*palms(retarget(together, target, level=level)[0])), axis=-1)
        for level in ("copy", "touch")
    )
    height = np.ptp(target.rest_positions()[:, 1])
    assert second.max() < max(0.35 * first.max(), 0.02 * height)


def palms(motion):
    """Places (F, 3) of both palms, half a hand's length beyond the wrists."""
    world, at = motion.transforms()
    rows = [motion.skeleton.index(f"{side}_hand") for side in SIDES]
    size = np.linalg.norm(motion.skeleton.offsets[rows[0]])
    return [at[:, row] + rotate(world[:, row], np.array([sign * 0.37 * size, 0, 0]))
            for row, sign in zip(rows, (1, -1), strict=True)]  # fmt: skip


def on_hands(inverted, frames=90):
    """A standing body turned over: a hand-stand, swaying; or on hands and knees. Palms are on the ground and still."""
    skeleton = standard_skeleton()
    t = np.arange(frames) / FPS
    rotations = np.tile([1.0, 0, 0, 0], (frames, len(skeleton), 1))
    rotations[:, 0] = quaternion_from_axis_angle(np.radians([178.0 if inverted else 75.0, 0, 0]))
    for side, sign in zip(SIDES, (1, -1), strict=True):
        raised = [0, 0, sign * 88] if inverted else [0, -sign * 75, 0]
        turns = {"upper_arm": raised, "thigh": [0 if inverted else -75, 0, 0], "shin": [0 if inverted else 90, 0, 0]}
        for part, degrees in turns.items():
            rotations[:, skeleton.index(f"{side}_{part}")] = quaternion_from_axis_angle(np.radians(degrees))
    motion = Motion(skeleton, rotations, np.tile([0.0, 1.0, 0.0], (frames, 1)), FPS)
    lift = 0.02 - np.mean([palm[0, 1] for palm in palms(motion)])
    feet = np.stack((0 * t, 0 * t + lift, 0 * t), axis=1)
    return motion.replace(root_positions=motion.root_positions + feet)


def straightness(motion):
    """The least distance from shoulder to wrist, in lengths of the arm's bones."""
    least = []
    for side in SIDES:
        shoulder, elbow, wrist = (places(motion, f"{side}_{part}") for part in ("upper_arm", "forearm", "hand"))
        bones = np.linalg.norm(elbow - shoulder, axis=1) + np.linalg.norm(wrist - elbow, axis=1)
        least.append((np.linalg.norm(wrist - shoulder, axis=1) / bones).min())
    return min(least)


@pytest.mark.parametrize("build", ["child", "long arms", "short legs", "broad"])
@pytest.mark.parametrize("inverted", [True, False])
def test_hands_on_the_ground_stay_on_it(build, inverted):
    motion, target = on_hands(inverted), built(build)
    result, _ = retarget(motion, target, floor=0.0, contacts=np.zeros((len(motion), 4), dtype=bool))
    for palm in palms(result):
        assert np.ptp(palm, axis=0).max() < 0.01
        assert np.abs(palm[:, 1]).max() < 0.04 or straightness(result) > 0.98  # then it is out of reach
    if inverted:  # the body is carried by its hands: arms stay nearly as straight as they were
        assert straightness(result) > 0.9


@pytest.mark.parametrize("name", ["child", "broad", "short legs", "huge head", "long arms", "no clavicles"])
def test_arms_run_no_deeper_into_the_body_than_the_sources(name):
    """Arms that swing in front of the trunk and through it."""
    skeleton, frames = standard_skeleton(), 120
    t = np.linspace(0, 2 * np.pi, frames)
    rotations = np.tile([1.0, 0, 0, 0], (frames, len(skeleton), 1))
    for side, sign in zip(SIDES, (1, -1), strict=True):
        upper = np.stack((20 + 0 * t, -30 * np.sin(t), -60 - 25 * np.cos(t)), axis=1) * [1, sign, sign]
        rotations[:, skeleton.index(f"{side}_upper_arm")] = quaternion_from_axis_angle(np.radians(upper))
        bend = np.stack((0 * t, -70 - 40 * np.sin(2 * t), 0 * t), axis=1) * sign
        rotations[:, skeleton.index(f"{side}_forearm")] = quaternion_from_axis_angle(np.radians(bend))
    motion = Motion(skeleton, rotations, np.tile(skeleton.offsets[0], (frames, 1)), FPS)
    target = TARGETS[name]
    bodies = [measure_body(one, recognize(one)) for one in (skeleton, target)]
    arm = [Capsules.of(body).reach for body in bodies]
    theirs = self_penetration(motion, bodies[0]).mean() / arm[0]
    ours = self_penetration(retarget(motion, target)[0], bodies[1]).mean() / arm[1]
    assert ours < 1.05 * theirs + 0.002


def hands_moved(motion, target, level, **options):
    """Of both arms (2, F): degrees that the upper arm is turned by what is done to arms, and distances that the wrist
    is moved by it, in lengths of the arm."""
    free, held = (retarget(motion, target, level=level, hand_lock=lock, **options)[0] for lock in (0.0, 1.0))
    turned, moved = [], []
    for side in SIDES:
        bones = [places(one, f"{side}_forearm") - places(one, f"{side}_upper_arm") for one in (free, held)]
        lines = [bone / np.linalg.norm(bone, axis=1, keepdims=True) for bone in bones]
        turned.append(np.degrees(np.arccos(np.clip((lines[0] * lines[1]).sum(axis=1), -1, 1))))
        offsets = [target.offsets[target.index(f"{side}_{part}")] for part in ("forearm", "hand")]
        apart = np.linalg.norm(places(held, f"{side}_hand") - places(free, f"{side}_hand"), axis=1)
        moved.append(apart / np.linalg.norm(offsets, axis=1).sum())
    return np.array(turned), np.array(moved)


@pytest.mark.parametrize("build", OUT_OF_PROPORTION)
def test_a_hand_behind_the_head_stays_there_however_large_the_head_is(build):
    """Seen from the head's joint the hands are where copied directions have them: not in front of the face."""
    motion = posed(standard_skeleton(), BEHIND_HEAD)
    for side in SIDES:
        assert (places(motion, f"{side}_hand") - places(motion, "head"))[0, 2] < -0.05
    target = built(build)
    copied, result = (retarget(motion, target, level=level)[0] for level in ("copy", "contacts"))
    for side in SIDES:
        lines = [places(one, f"{side}_hand") - places(one, "head") for one in (copied, result)]
        lines = [line / np.linalg.norm(line, axis=1, keepdims=True) for line in lines]
        assert np.degrees(np.arccos((lines[0] * lines[1]).sum(axis=1).min())) < 20


def test_a_dancers_hand_behind_the_head_stays_behind_a_mouses_large_head(clips):
    """On Mousey, whose arms are short and whose head is half of her, the hand is where Mixamo has it."""
    dancer, mouse = (
        load(next(path for path in clips("mixamo-pairs") if f"{name}/Macarena" in path.as_posix())).frames(200, 360)
        for name in ("Ortiz", "Mousey")
    )
    joints = recognize(mouse.skeleton).joints(mouse.skeleton)
    result, _ = retarget(dancer, mouse.skeleton)
    for side in SIDES:
        lines = [
            one.positions()[:, joints[f"{side}_hand"]] - one.positions()[:, joints["head"]] for one in (result, mouse)
        ]
        lines = [line / np.linalg.norm(line, axis=1, keepdims=True) for line in lines]
        assert np.degrees(np.arccos((lines[0] * lines[1]).sum(axis=1).min())) < 15


@pytest.mark.parametrize("build", [*OUT_OF_PROPORTION, "child", "broad", "long arms", "huge head"])
def test_what_keeps_arms_out_of_the_body_moves_them_by_little(build):
    standing = dict(contacts=np.zeros((180, 4), dtype=bool))
    turned, moved = hands_moved(dancing(), built(build), "contacts", **standing)
    assert moved.max() < 0.06 and turned.max() < 30
    for pose in (BEHIND_HEAD, ON_HEAD, ON_FLANK, ((60, -60, -40), (0, -100, 0))):
        turned, moved = hands_moved(posed(standard_skeleton(), pose), built(build), "contacts")
        assert moved.max() < 0.06 and turned.max() < 30


def test_hats_and_ears_make_no_thicker_head_and_one_odd_measure_no_thicker_trunk():
    plain = Capsules.of(measure_body(standard_skeleton(), recognize(standard_skeleton())))
    for build in ("huge head", "big head, short arms"):
        shape = Capsules.of(measure_body(built(build), recognize(built(build))))
        width = np.ptp([place[0] for name, place in rest_places(built(build)).items() if "upper_arm" in name])
        assert shape.radii["head"] <= width / 2 + 1e-9
        assert shape.radii["trunk"] == pytest.approx(plain.radii["trunk"], rel=0.02)
    for words in ("shoulder", "thigh", "spine"):
        skeleton = standard_skeleton()
        factors = np.array([2.0 if words in name else 1.0 for name in skeleton.names])
        odd = skeleton.replace(offsets=skeleton.offsets * factors[:, None])
        shape = Capsules.of(measure_body(odd, recognize(odd)))
        assert shape.radii["trunk"] < 1.25 * plain.radii["trunk"]


def rest_places(skeleton):
    return dict(zip(skeleton.names, skeleton.rest_positions(), strict=True))


@pytest.mark.parametrize("pose", [ON_HEAD, ON_FLANK])
def test_what_is_bent_for_a_touch_bends_no_further_than_people_do(pose):
    motion = posed(standard_skeleton(), pose)
    before = joint_angles(motion, recognize(motion.skeleton))
    for build in BUILDS:
        result, _ = retarget(motion, built(build), level="touch")
        after = joint_angles(result, recognize(result.skeleton))
        for column, movement in enumerate(after.movements):
            if "forearm flexion" in movement or "hand" in movement:
                own = before.beyond[:, before.movements.index(movement)]
                assert (after.beyond[:, column] <= own + np.radians(3)).all(), (build, movement)


def test_a_pair_made_once_gives_what_single_calls_give_and_refuses_another_skeleton():
    motion, target = dancing(), built("child")
    pair = Retargeter(motion, target)
    for level in ("copy", "contacts"):
        np.testing.assert_array_equal(
            pair(motion.frames(20, 60), level=level)[0].rotations[0].shape,
            retarget(motion.frames(20, 60), target, level=level)[0].rotations[0].shape,
        )
    once, _ = pair(motion)
    again, _ = retarget(motion, target)
    np.testing.assert_array_equal(once.rotations, again.rotations)
    with pytest.raises(ValueError, match="another skeleton"):
        pair(posed(standard_skeleton(), ON_HEAD))


def test_real_motions_do_not_pop_on_any_build(clips):
    """Peak accelerations of hands and feet, seen from the hips, against the source's: clips with much touching."""
    for part in ("Ortiz/Angry", "Sporty_Granny/Macarena"):
        motion = load(next(path for path in clips("mixamo-pairs") if part in path.as_posix())).frames(0, 400)
        roles = recognize(motion.skeleton)
        for build, level in (
            ("child", "contacts"),
            ("long arms", "contacts"),
            ("huge head", "contacts"),
            ("child", "touch"),
            ("long arms", "touch"),
            ("broad", "touch"),
            ("huge head", "touch"),
        ):
            result, _ = retarget(motion, built(build), source_map=roles, level=level)
            joints = roles.joints(motion.skeleton)
            for role in ("left_hand", "right_hand", "left_foot", "right_foot"):
                path = motion.positions()[:, joints[role]] - motion.positions()[:, joints["hips"]]
                own = places(result, role) - places(result, "hips")
                peaks = [np.linalg.norm(np.diff(one, 2, axis=0), axis=1).max() for one in (own, path)]
                size = result.skeleton.rest_positions()[:, 1].max() / motion.skeleton.rest_positions()[:, 1].max()
                most = 2.5 if "hand" in role else 4
                assert peaks[0] < most * size * peaks[1], (part, build, level, role)
