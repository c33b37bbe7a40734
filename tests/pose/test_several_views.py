"""The motion of a body that several calibrated cameras film, against the motion it was made with."""

from dataclasses import replace

import numpy as np
import pytest

from graphics_ml.motion.humanoid import standard_skeleton
from graphics_ml.motion.metrics import pa_mpjpe
from graphics_ml.motion.rotations import matrix_from_quaternion, quaternion_from_axis_angle
from graphics_ml.pose.body import JOINTS, place
from graphics_ml.pose.detection import MIRRORED
from graphics_ml.pose.several_views import solve_views
from graphics_ml.pose.solver import Again, SolveError, solve
from tests.pose.acting import standing, unseen, walking
from tests.pose.evaluation import LIMB_ROLES
from tests.pose.filming import around, filmed

FRAMES = 45
LIMBS = [JOINTS.index(role) for role in LIMB_ROLES]


def films(pose, count=4, noise=0.0):
    return [filmed(camera, pose, noise=noise, seed=k) for k, camera in enumerate(around(count))]


def truth(pose, height=1.75):
    return place(pose, standard_skeleton(height).offsets).positions[:, LIMBS]


def error(solution, pose):
    """Mean distance of the limbs' joints from the truth, the body's place and turn taken away, millimetres."""
    return 1e3 * pa_mpjpe(solution.motion.positions()[:, LIMBS], truth(pose)).mean()


def together(films, **changes):
    return solve_views(films, np.zeros(len(films)), **changes)


@pytest.fixture(scope="module")
def walk():
    return walking(FRAMES)


def test_exact_films_give_the_motion_back_in_its_place(walk):
    solution = together(films(walk))
    assert error(solution, walk) < 8
    assert max(one["reprojection_pixels"] for one in solution.report["cameras"]) < 1.5
    assert abs(solution.report["height"] - 1.75) < 0.05
    # In space too: the way of the hips, and where the cameras stand towards the body.
    way = np.linalg.norm(solution.motion.root_positions[-1] - solution.motion.root_positions[0])
    assert abs(way - 0.9 * (FRAMES - 1) / 30) < 0.03
    apart = np.linalg.norm(solution.views[1].position - solution.views[2].position)
    real = np.linalg.norm(around()[1].camera.position - around()[2].camera.position)
    assert abs(apart - real) < 1e-6
    assert "up is the calibration's" in solution.warnings
    assert np.array_equal(solution.views[0].position, solution.camera().position)


def test_several_noisy_films_are_better_than_each_of_them_alone(walk):
    seen = films(walk, noise=6.0)
    alone = [error(solve(one.detections, height=1.75), walk) for one in seen]
    assert error(together(seen), walk) < 0.6 * min(alone)


def test_a_film_that_lacks_frames_and_one_that_mistakes_the_sides_do_no_harm(walk):
    seen = films(walk, noise=2.0)
    seen[1] = replace(seen[1], detections=unseen(seen[1].detections, slice(10, 30)))
    mirrored = seen[2].detections.replace(
        keypoints=seen[2].detections.keypoints[:, list(MIRRORED)], world=seen[2].detections.world[:, list(MIRRORED)]
    )
    seen[2] = replace(seen[2], detections=mirrored)
    assert error(together(seen), walk) < 15


def test_where_one_camera_is_left_the_motion_goes_on_and_this_is_said():
    pose = standing(FRAMES)
    seen = films(pose, 2)
    seen[1] = replace(seen[1], detections=unseen(seen[1].detections, slice(30, 45)))
    solution = together(seen)
    assert any("fewer than two cameras show the person in frames 30-44" in one for one in solution.warnings)
    assert error(solution, pose) < 40


def test_a_calibration_by_a_board_in_millimetres_gives_an_upright_person_of_their_size(walk):
    turn = matrix_from_quaternion(quaternion_from_axis_angle(np.array([1.2, 0.4, -0.9])))
    seen = films(walk)
    moved = [
        one.camera.camera.replace(
            rotation=one.camera.camera.rotation @ turn.T, position=1e3 * turn @ one.camera.camera.position
        )
        for one in seen
    ]
    seen = [replace(one, camera=replace(one.camera, camera=camera)) for one, camera in zip(seen, moved, strict=True)]
    solution = together(seen)
    assert abs(solution.report["height"] - 1.75) < 0.05
    up = solution.motion.positions()[:, JOINTS.index("neck")] - solution.motion.positions()[:, 0]
    assert np.degrees(np.arccos(up[:, 1] / np.linalg.norm(up, axis=1))).mean() < 8
    assert any("taken for millimetres" in one for one in solution.warnings)
    assert any("from how the person stands" in one for one in solution.warnings)


def test_a_height_that_does_not_go_with_the_calibration_sets_the_scale(walk):
    solution = together(films(walk), height=1.2)
    assert abs(solution.report["height"] - 1.2) < 0.05
    assert any("by the height given" in one for one in solution.warnings)


def test_corrections_do_what_they_do_to_one_film(walk):
    seen, stands = films(walk, noise=2.0), np.zeros((FRAMES, 2), dtype=bool)
    stands[5:15, 0] = True
    span = slice(20, 40)
    smoother = together(seen, standing=stands, again=(Again(span.start, span.stop, smoothing=6.0),)).motion.positions()
    assert np.ptp(smoother[5:15, JOINTS.index("left_foot")], axis=0).max() < 0.02
    plain = together(seen).motion.positions()
    jerks = [np.abs(np.diff(positions[span], 3, axis=0)).mean() for positions in (smoother, plain)]
    assert jerks[0] < 0.8 * jerks[1]
    swapped = together(seen, swapped=np.ones(FRAMES, dtype=bool)).motion.positions()
    left, right = (JOINTS.index(f"{side}_hand") for side in ("left", "right"))
    assert np.linalg.norm(swapped[:, left] - plain[:, right], axis=-1).mean() < 0.15


def test_films_of_other_times_are_refused(walk):
    with pytest.raises(SolveError, match="at no moment do two of the cameras show the person"):
        solve_views(films(walk), 10.0 * np.arange(4))


@pytest.mark.parametrize("wrong", [dict(height=17.0), dict(smoothing=0.0)])
def test_values_out_of_range_are_refused(walk, wrong):
    with pytest.raises(SolveError, match="out of range"):
        together(films(walk), **wrong)
