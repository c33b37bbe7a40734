"""The solver on bodies whose motion is known."""

from dataclasses import replace

import array_api_compat.numpy as array_api
import numpy as np
import pytest

from graphics_ml.errors import GraphicsMLError
from graphics_ml.motion.foot_lock import SIDES
from graphics_ml.motion.humanoid import standard_skeleton
from graphics_ml.motion.metrics import bone_length_drift, pa_mpjpe
from graphics_ml.motion.rotations import angle_between, rotate, swing_twist
from graphics_ml.pose.body import Pose, place
from graphics_ml.pose.camera import CameraSettings
from graphics_ml.pose.detection import LANDMARKS, MIRRORED
from graphics_ml.pose.energy import Problem, Shape, Support, Weights, assemble, body_of, landmark_model
from graphics_ml.pose.landmarks import gather
from graphics_ml.pose.solver import Again, SolveError, solve
from graphics_ml.pose.support import foot_points
from tests.pose.acting import camera, climbing, hinge, seen, seen_hands, standing, unseen, walking

LIMBS = [
    standard_skeleton().index(f"{side}_{part}")
    for side in ("left", "right")
    for part in ("upper_arm", "forearm", "hand", "thigh", "shin", "foot")
]

HANDS = [standard_skeleton().index(f"{side}_hand") for side in ("left", "right")]


def palm_normals(motion):
    return rotate(motion.orientations()[:, HANDS], np.array([0.0, 1.0, 0.0]))


def truth(pose, height=1.75):
    return place(pose, standard_skeleton(height).offsets).positions


def up_error(solution, eye):
    """Degrees between the world's up as the solved and as the true camera sees it."""
    return np.degrees(np.arccos(np.clip(solution.camera().rotation[:, 1] @ eye.rotation[:, 1], -1, 1)))


@pytest.mark.parametrize("pose", [standing(), walking()], ids=["standing", "walking"])
def test_motion_is_found_again_from_what_an_exact_detector_sees(pose):
    eye = camera(distance=5.0)
    solution = solve(seen(pose, eye), height=1.75)
    assert pa_mpjpe(solution.motion.positions()[:, LIMBS], truth(pose)[:, LIMBS]).mean() < 0.015
    assert np.nanmedian(solution.errors) < 2.0
    assert np.abs(np.linalg.norm(solution.motion.rotations, axis=-1) - 1).max() < 1e-9


def test_rounding_does_not_hang_on_where_arrays_lie_in_memory(monkeypatch):
    """NumPy rounds arctan2 and others of views with gaps by what lies behind them; see axis_angle_from_quaternion."""

    def watched(function):
        def call(*arguments):
            for values in arguments:
                assert np.ndim(values) == 0 or values.flags.forc, function.__name__
            return function(*arguments)

        return call

    for name in ("arctan2", "arccos", "arcsin", "arctan", "sin", "cos", "tan", "exp", "log", "log1p"):
        monkeypatch.setattr(np, name, watched(getattr(np, name)))
        monkeypatch.setattr(array_api, name, getattr(np, name))
    monkeypatch.setattr(array_api, "atan2", np.arctan2)
    solve(seen(walking(40), camera(distance=5.0)), height=1.75)


def test_a_noisy_detector_is_smoothed_and_depth_comes_from_the_picture():
    pose, eye = walking(), camera(distance=5.0)
    detections = seen(pose, eye, noise=4.0, depth_noise=0.06)
    solved = solve(detections, height=1.75).motion.positions()[:, LIMBS]
    exact = truth(pose)[:, LIMBS]
    raw = detections.world[:, [11, 13, 15, 23, 25, 27, 12, 14, 16, 24, 26, 28]]
    assert pa_mpjpe(solved, exact).mean() < 0.8 * pa_mpjpe(raw, exact).mean()
    jitter = [np.linalg.norm(np.diff(p, 2, axis=0), axis=-1).mean() for p in (solved, raw)]
    assert jitter[0] < 0.5 * jitter[1]


def test_hands_that_are_surely_seen_turn_the_forearms_and_others_change_nothing():
    pose, eye = standing(), camera(distance=4.0)
    for side in ("left", "right"):
        pose.hinges[:, hinge(f"{side}_forearm", "supination")] = np.radians(55)
    # The detector's own hands are bare points at the ends of the forearms.
    exact = seen(pose, eye)
    world, keypoints = exact.world.copy(), exact.keypoints.copy()
    for part in ("pinky", "index", "thumb"):
        for side in ("left", "right"):
            row, wrist = (LANDMARKS.index(f"{side}_{name}") for name in (part, "wrist"))
            world[:, row], keypoints[:, row] = world[:, wrist], keypoints[:, wrist]
    bare = exact.replace(world=world, keypoints=keypoints)
    palms = {
        name: palm_normals(solve(detections, height=1.75).motion)
        for name, detections in {
            "bare": bare,
            "sure": bare.replace(hands=seen_hands(pose, eye)),
            "doubtful": bare.replace(hands=seen_hands(standing(), eye, score=0.5)),
        }.items()
    }
    np.testing.assert_allclose(palms["doubtful"], palms["bare"])
    true = place(pose, standard_skeleton(1.75).offsets).rotations[:, HANDS][..., 1]
    off = {name: np.degrees(np.arccos(np.sum(palm * true, axis=-1))) for name, palm in palms.items()}
    assert np.median(off["sure"]) < 12 and np.median(off["sure"]) < 0.5 * np.median(off["bare"])


@pytest.mark.parametrize("roll", [-25, 0, 20])
def test_a_tilted_and_rolled_camera_gives_an_upright_person(roll):
    eye = camera(distance=3.5, tilt_height=2.3, roll=np.radians(roll))
    solution = solve(seen(standing(), eye, noise=1.0, depth_noise=0.02), camera=CameraSettings(focal=eye.focal))
    # The camera looks down by 21 degrees where 12 are expected, and depth is hard to tell.
    assert up_error(solution, eye) < 8
    feet = solution.motion.positions()[:, [solution.motion.skeleton.index(f"{s}_toes") for s in ("left", "right")], 1]
    assert np.abs(feet - 0.02).max() < 0.03


def test_what_the_user_says_of_the_camera_is_kept():
    eye = camera()
    solution = solve(seen(standing(), eye), camera=CameraSettings(fov=70, tilt=-20, roll=5))
    assert solution.report["fov"] == pytest.approx(70)
    assert solution.report["tilt"] == pytest.approx(-20)
    assert solution.report["roll"] == pytest.approx(5)
    assert np.degrees(solution.camera().field_of_view()) == pytest.approx(70)


def test_height_sets_the_scale_of_everything():
    detections = seen(walking(), camera(distance=5.0))
    tall, short = (solve(detections, height=h, camera=CameraSettings(fov=55)).motion for h in (2.0, 1.0))
    assert standing_height(tall) == pytest.approx(2.0, rel=0.02)
    assert standing_height(short) == pytest.approx(1.0, rel=0.02)
    path = [np.linalg.norm(m.root_positions[-1] - m.root_positions[0]) for m in (tall, short)]
    assert path[0] / path[1] == pytest.approx(2.0, rel=0.05)
    assert np.degrees(angle_between(tall.rotations, short.rotations)).mean() < 1


def test_a_child_is_solved_as_an_adult_and_this_is_said():
    solution = solve(seen(standing(20), camera(), height=1.2))
    assert standing_height(solution.motion) == pytest.approx(1.45, rel=0.02)
    assert any("1.45 m is taken" in warning for warning in solution.warnings)
    assert not any("m is taken" in warning for warning in solve(seen(standing(20), camera(), height=1.65)).warnings)


def standing_height(motion):
    skeleton = motion.skeleton
    places = skeleton.rest_positions()
    head = next(e for e in skeleton.end_sites if skeleton.names[e.joint] == "head")
    sole = (
        places[skeleton.index("left_foot"), 1]
        - 0.039 * 1.0 * (places[skeleton.index("left_shin"), 1] - places[skeleton.index("left_foot"), 1]) / 0.246
    )
    return places[skeleton.index("head"), 1] + head.offset[1] - sole


def test_the_root_follows_a_walk_and_the_bones_keep_their_lengths():
    pose = walking()
    solution = solve(seen(pose, camera(distance=5.0), noise=1.0), height=1.75, camera=CameraSettings(fov=55))
    moved = solution.motion.root_positions[-1] - solution.motion.root_positions[0]
    np.testing.assert_allclose(moved, pose.root[-1] - pose.root[0], atol=0.15)
    assert bone_length_drift(solution.motion.positions(), solution.motion.skeleton.parents) < 1e-6
    np.testing.assert_allclose(solution.motion.root_positions[0, [0, 2]], 0, atol=1e-6)


def test_a_gap_is_filled_smoothly_and_marked():
    pose, gap = walking(), np.arange(40, 52)
    whole = seen(pose, camera(distance=5.0), noise=1.0)
    solution = solve(unseen(whole, gap), height=1.75)
    confidence = solution.motion.confidence
    assert confidence[gap].max() == 0 and confidence[:35].min() > 0.5
    assert any("40-51" in w and "filled" in w for w in solution.warnings)
    speed = np.linalg.norm(np.diff(solution.motion.positions()[:, LIMBS], axis=0), axis=-1)
    assert speed[38:54].max() < 1.5 * speed[5:35].max()


def test_a_hidden_arm_is_said():
    detections = seen(standing(), camera())
    visibility = detections.visibility.copy()
    visibility[20:45, [13, 15, 17, 19, 21]] = 0.05
    solution = solve(detections.replace(visibility=visibility))
    assert any("left arm" in w for w in solution.warnings)
    assert not any("right arm" in w for w in solution.warnings)


def test_knees_and_elbows_stay_inside_their_range():
    detections = seen(walking(), camera(distance=5.0), noise=5.0, depth_noise=0.1)
    motion = solve(detections).motion
    for side in ("left", "right"):
        knee = motion.rotations[:, motion.skeleton.index(f"{side}_shin")]
        bend = 2 * np.arctan(knee[:, 1] / knee[:, 0])
        assert np.degrees(bend).min() > -1 and np.degrees(bend).max() < 150
        upper = motion.rotations[:, motion.skeleton.index(f"{side}_thigh")]
        twist = swing_twist(upper, np.array([0, 1.0, 0]))[1]
        assert np.degrees(2 * np.arctan(np.abs(twist[:, 2] / twist[:, 0]))).max() < 60


def test_somebody_who_climbs_is_not_pulled_onto_a_floor():
    pose = climbing()
    motion = solve(seen(pose, camera(distance=5.0), noise=2.0, depth_noise=0.03), height=1.75).motion
    assert pa_mpjpe(motion.positions()[:, LIMBS], truth(pose)[:, LIMBS]).mean() < 0.02
    rise = motion.root_positions[-1, 1] - motion.root_positions[0, 1]
    assert rise == pytest.approx(pose.root[-1, 1] - pose.root[0, 1], abs=0.03)


def test_feet_that_slide_back_under_a_body_in_place_are_a_treadmill():
    pose = walking(120)
    solution = solve(seen(walking(120, in_place=True), camera(distance=5.0), noise=1.0), height=1.75)
    assert any("treadmill" in w for w in solution.warnings)
    assert solution.belt[0] < -0.4
    ground = solve(seen(pose, camera(distance=5.0), noise=1.0), height=1.75)
    assert np.linalg.norm(ground.belt) == 0


def test_a_long_film_is_solved_in_windows_without_seams():
    pose = walking(600, in_place=True)
    detections = seen(pose, camera(distance=5.0), noise=2.0)
    motion = solve(detections, height=1.75).motion
    positions = motion.positions()[:, LIMBS]
    assert pa_mpjpe(positions, truth(pose)[:, LIMBS]).mean() < 0.03
    jump = np.linalg.norm(np.diff(positions, 2, axis=0), axis=-1).max(axis=1)
    assert jump[200:500].max() < 3 * np.percentile(jump, 95)


def test_windows_make_no_difference_at_a_high_frame_rate(monkeypatch):
    detections = seen(walking(600, fps=120, in_place=True), camera(distance=5.0), fps=120, noise=2.0)
    in_windows = solve(detections, height=1.75).motion.positions()
    monkeypatch.setattr("graphics_ml.pose.solver.window_frames", lambda fps: (len(detections), 0))
    at_once = solve(detections, height=1.75).motion.positions()
    assert np.linalg.norm(in_windows - at_once, axis=-1).max() < 0.01


@pytest.mark.parametrize("frames", [1, 2, 3, 5])
def test_a_few_frames_are_enough(frames):
    solution = solve(seen(standing(frames), camera()))
    assert len(solution.motion) == frames


def test_the_same_detections_give_the_same_motion():
    detections = seen(walking(40), camera(distance=5.0), noise=2.0)
    first, second = solve(detections).motion, solve(detections).motion
    assert (first.rotations == second.rotations).all() and (first.root_positions == second.root_positions).all()


def test_a_wrong_request_is_one_sentence():
    detections = seen(standing(5), camera())
    for change in ({"height": 17.0}, {"smoothing": 0.0}):
        with pytest.raises(GraphicsMLError):
            solve(detections, **change)
    with pytest.raises(GraphicsMLError, match="nobody"):
        solve(unseen(detections, range(5)))
    with pytest.raises(GraphicsMLError, match="no numbers"):
        solve(detections.replace(world=np.full_like(detections.world, np.nan)))


@pytest.mark.parametrize("part", ["evidence", "support"])
def test_the_gradient_is_that_of_the_cost(part):
    pose, eye = standing(12), camera()
    evidence = gather(seen(pose, eye, noise=1.0, depth_noise=0.05))
    nothing = gather(seen(pose, eye))
    nothing = replace(nothing, pixel_weight=0 * nothing.pixel_weight, bone_weight=0 * nothing.bone_weight)
    shape = Shape(1.75, np.full(10, 1.02), np.array([0.01, -0.01, 0.005]), np.log(eye.focal))
    # Reweighted squares have the gradient of the cost only where no outlier is.
    weights = Weights(pixel_outlier=1e6, bone_outlier=1e6, floor_outlier=1e6, grip_outlier=1e6)
    support = Support(foot_points(1.75, 1.0), np.full((12, 4), 0.7), -0.02, np.array([0.1, 0, 0.2]))
    pose = pose.moved(0.02 * np.random.default_rng(0).normal(size=(12, 44)))
    pose = Pose(pose.root - eye.position, pose.balls, pose.hinges)
    plain = Problem(
        nothing,
        landmark_model(1.75),
        shape,
        evidence.breaks,
        weights,
        np.tile(eye.rotation, (12, 1, 1)),
        eye.centre,
        True,
    )
    full = replace(plain, **({"evidence": evidence} if part == "evidence" else {"support": support}))
    with_shape = part == "evidence"

    def cost(pose, shape):
        return np.subtract(*(assemble(p, pose, shape, with_shape).cost for p in (full, plain)))

    by_step, by_shape = (
        np.subtract(*(getattr(assemble(p, pose, shape, with_shape), name) for p in (full, plain)))
        for name in ("gradient", "shared_gradient")
    )
    rng = np.random.default_rng(1)
    for _ in range(5):
        step = 1e-5 * rng.normal(size=(12, 44))
        change = cost(pose.moved(step), shape) - cost(pose.moved(-step), shape)
        # The distance by which pixels become metres is held while a step is sought: hence the tolerance.
        assert change / 2 == pytest.approx(np.sum(by_step * step), rel=0.1, abs=2e-4)
    for k in range(13 if with_shape else 0):
        step = np.zeros(14)
        step[k] = 1e-5
        change = cost(pose, shape.moved(step)) - cost(pose, shape.moved(-step))
        assert change / 2 == pytest.approx(by_shape[k] * 1e-5, rel=0.02, abs=2e-5)


def test_the_gradient_of_limits_and_habits_is_that_of_their_cost():
    rng = np.random.default_rng(2)
    eye = camera()
    nothing = gather(seen(standing(1), eye))
    nothing = replace(nothing, pixel_weight=0 * nothing.pixel_weight, bone_weight=0 * nothing.bone_weight)
    shape = Shape(1.75, np.ones(10), np.zeros(3), np.log(eye.focal))
    problem = Problem(nothing, landmark_model(1.75), shape, nothing.breaks, Weights(), eye.rotation[None], eye.centre)
    for _ in range(12):  # far from rest, where arms and thighs are twisted too far
        pose = standing(1).moved(0.8 * rng.normal(size=(1, 44)))
        normal = assemble(problem, pose, shape, False)
        step = 1e-6 * rng.normal(size=(1, 44))
        costs = [assemble(problem, pose.moved(sign * step), shape, False).cost for sign in (1, -1)]
        assert (costs[0] - costs[1]) / 2 == pytest.approx(np.sum(normal.gradient * step), rel=1e-4)


def test_the_landmarks_move_with_the_segments():
    shape = Shape(1.7, np.ones(10), np.zeros(3), 0.0)
    longer = Shape(1.7, np.full(10, 1.1), np.zeros(3), 0.0)
    (offsets, points), (more_offsets, more_points) = body_of(shape), body_of(longer)
    np.testing.assert_allclose(more_offsets[1:], 1.1 * offsets[1:])
    np.testing.assert_allclose(more_points.locals, 1.1 * points.locals)


def test_unseen_hands_hang_with_palms_towards_the_thighs():
    plain = seen(walking(30), camera(distance=6), noise=1.0)
    visibility = plain.visibility.copy()
    visibility[:, [LANDMARKS.index(f"{s}_{n}") for s in ("left", "right") for n in ("index", "pinky", "thumb")]] = 0
    motion = solve(plain.replace(visibility=visibility)).motion
    for side, inwards in (("left", -1.0), ("right", 1.0)):
        turn = motion.orientations()[:, motion.skeleton.index(f"{side}_hand")]
        across = rotate(motion.orientations()[:, 0], np.array([inwards, 0, 0]))
        palm = rotate(turn, np.array([0, -1.0, 0]))
        assert np.median(np.sum(palm * across, axis=1)) > 0.7


def exchanged(detections, start, stop):
    """The detections as of a detector that takes left for right in some frames, hands too."""
    changes = {}
    for name in ("keypoints", "depth", "world", "visibility", "presence"):
        values = np.array(getattr(detections, name))
        values[start:stop] = values[start:stop][:, list(MIRRORED)]
        changes[name] = values
    if detections.hands:
        hands = [np.array(part) for part in detections.hands]
        for part in hands:
            part[start:stop] = part[start:stop, ::-1]
        changes["hands"] = type(detections.hands)(*hands)
    return detections.replace(**changes)


def test_sides_that_were_exchanged_for_long_are_put_back_where_it_is_told():
    """A second is longer than what continuity alone exchanges."""
    pose, eye = walking(), camera(distance=5.0)
    detections = seen(pose, eye, noise=2.0).replace(hands=seen_hands(pose, eye))
    wrong = exchanged(detections, 30, 60)
    swapped = np.zeros(90, dtype=bool)
    swapped[30:60] = True
    right, disturbed, mended = solve(detections), solve(wrong), solve(wrong, swapped=swapped)
    apart = np.linalg.norm(disturbed.motion.positions() - right.motion.positions(), axis=-1)
    assert apart[35:55].max() > 0.1
    np.testing.assert_allclose(mended.motion.positions(), right.motion.positions(), atol=1e-9)


@pytest.mark.parametrize("side", SIDES)
def test_a_foot_that_is_told_to_stand_does_not_move(side):
    """Both feet stand, and the detector sees them slide to and fro."""
    pose, eye = standing(), camera(distance=5.0)
    detections = seen(pose, eye, noise=2.0)
    feet = [LANDMARKS.index(f"{s}_{part}") for s in SIDES for part in ("ankle", "heel", "foot_index")]
    keypoints = np.array(detections.keypoints)
    keypoints[:, feet, 0] += 50 * np.sin(np.arange(60) / 2)[:, None]
    detections = detections.replace(keypoints=keypoints)
    told = np.zeros((60, 2), dtype=bool)
    told[20:40, SIDES.index(side)] = True
    free, held = (solve(detections, foot_lock=0.0, standing=one).motion for one in (None, told))
    joints = [free.skeleton.index(f"{side}_{part}") for part in ("foot", "toes")]

    def strays(motion):
        places = motion.positions()[20:40, joints]
        return np.linalg.norm(places - np.median(places, axis=0), axis=-1).max()

    assert strays(free) > 0.02
    assert strays(held) < 0.005
    columns = slice(2 * SIDES.index(side), 2 * SIDES.index(side) + 2)
    assert held.contacts[20:40, columns].all()


def test_a_span_solved_again_is_smoother_and_leaves_the_rest_as_it_is():
    detections = seen(walking(), camera(distance=5.0), noise=6.0, depth_noise=0.05)
    base = solve(detections).motion
    again = solve(detections, again=(Again(30, 60, smoothing=8.0, foot_lock=0.0),)).motion
    ours, theirs = again.positions(), base.positions()
    np.testing.assert_array_equal(np.delete(ours, np.s_[30:60], axis=0), np.delete(theirs, np.s_[30:60], axis=0))
    arms = [base.skeleton.index(f"{side}_hand") for side in SIDES]
    shaking = [np.linalg.norm(np.diff(p[36:54, arms], 2, axis=0), axis=-1).mean() for p in (ours, theirs)]
    assert shaking[0] < 0.5 * shaking[1]
    # At the seams it moves no faster than elsewhere.
    assert (
        np.linalg.norm(np.diff(ours[25:65], axis=0), axis=-1).max()
        < 1.5 * np.linalg.norm(np.diff(theirs, axis=0), axis=-1).max()
    )


def test_in_a_span_somebody_else_is_followed_where_it_is_told():
    pose, eye = standing(), camera(distance=5.0)
    aside = replace(pose, root=pose.root + np.array([0.6, 0.0, 0.0]))
    one, other = seen(pose, eye, noise=1.0), seen(aside, eye, noise=1.0)
    base = solve(one, height=1.75).motion
    both = solve(one, height=1.75, again=(Again(20, 40, detections=other),)).motion
    np.testing.assert_array_equal(both.positions()[:20], base.positions()[:20])
    moved = (both.root_positions - base.root_positions)[27:33, 0]
    assert np.abs(np.abs(moved) - 0.6).max() < 0.1
    nobody = other.replace(found=np.zeros(60, dtype=bool))
    with pytest.raises(SolveError, match="frames 20 to 39"):
        solve(one, again=(Again(20, 40, detections=nobody),))
