"""Solved motion of real films, against what was asked for and against four calibrated cameras.

Slow for a test (some 30 seconds): five films have to be watched by the detector first.
"""

import numpy as np
import pytest

from graphics_ml.pose.solver import solve
from graphics_ml.pose.tracking import detect
from tests.pose.evaluation import against_detector, against_truth, multiview_cases

pytest.importorskip("mediapipe")


@pytest.fixture(scope="module")
def cases(test_data, tmp_path_factory):
    cache = tmp_path_factory.mktemp("detections")
    return [(case, solve(case.detections)) for case in multiview_cases(test_data, cache)]


@pytest.fixture(scope="module")
def walker(test_data, tmp_path_factory):
    film = test_data / "video" / "treadmill_a.mp4"
    detections = detect(film, cache=tmp_path_factory.mktemp("detections") / "walker.npz")
    return detections, solve(detections)


def test_a_walker_is_followed_on_bones_of_fixed_length_and_smoothly(walker):
    figures = against_detector(*walker)
    assert figures["reprojection %"] < 3
    assert figures["drift"] < 1e-6
    assert figures["acceleration"] < 0.5


def test_a_treadmill_is_recognised(walker):
    _, solution = walker
    assert any("treadmill" in warning for warning in solution.warnings)
    # The walker faces the picture's left, so the belt runs to the right.
    assert solution.belt[0] > 0.4
    path = np.ptp(solution.motion.root_positions, axis=0)
    assert path[0] < 0.8 and path[1] < 0.2


def test_four_tilted_cameras_see_an_upright_person(cases):
    for case, solution in cases:
        figures = against_truth(case, solution)
        assert figures["up"] < 12, case.name  # the picture's own up is 18 to 33 degrees off
        assert against_detector(case.detections, solution)["reprojection %"] < 3, case.name


def test_solved_joints_are_nearer_to_the_triangulated_ones_than_the_detectors(cases):
    figures = [against_truth(case, solution) for case, solution in cases]
    assert all(f["PA"] < f["PA raw"] for f in figures)
    assert np.mean([f["PA"] for f in figures]) < 0.9 * np.mean([f["PA raw"] for f in figures])
    assert np.mean([f["MPJPE"] for f in figures]) < np.mean([f["MPJPE raw"] for f in figures])
