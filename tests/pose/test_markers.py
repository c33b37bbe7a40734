"""Markers solved to a motion: on bodies whose motion is known, and on captures that tell their own joint centres."""

import warnings
from dataclasses import replace

import numpy as np
import pytest

from graphics_ml import formats
from graphics_ml.errors import FormatWarning
from graphics_ml.motion.markers import Markers, select
from graphics_ml.motion.rotations import angle_between, quaternion_from_axis_angle, quaternion_from_matrix, rotate
from graphics_ml.pose.body import JOINTS, SEGMENTS, Points, place, shaped_skeleton
from graphics_ml.pose.energy import Model, Problem, Shape, Weights, assemble
from graphics_ml.pose.marker_set import MarkerSetError, choose_set, site_on_body
from graphics_ml.pose.markers import solve_markers
from graphics_ml.pose.places import Places
from graphics_ml.pose.solver import SolveError
from tests.pose.acting import standing, walking
from tests.pose.test_marker_set import BODY_25, CMU, HALPE, PLUG_IN_GAIT

LIMBS = [
    JOINTS.index(f"{side}_{part}")
    for side in ("left", "right")
    for part in ("upper_arm", "forearm", "hand", "thigh", "shin", "foot")
]
HEIGHT = 1.75
SCALES = np.array([1.05, 0.95, 1.1, 0.93, 1.06, 1.0, 1.1, 0.95, 1.05, 1.0])


def body():
    """Of other proportions than the standard one, which the solver has to find."""
    return shaped_skeleton(HEIGHT, SCALES)


def truth(pose):
    return place(pose, body().offsets)


def worn(pose, labels, noise=0.001, stray=1.0, fps=30, seed=0):
    """Markers on the body, each as far from its standard site as a person's may be, its pose known."""
    rng = np.random.default_rng(seed)
    _, found = choose_set(labels)
    placed, places = truth(pose), []
    for name in found.values():
        site = site_on_body(name)
        local = HEIGHT * (site.place + stray * site.spread * rng.normal(size=3))
        joint = JOINTS.index(site.joint)
        places.append(placed.positions[:, joint] + placed.rotations[:, joint] @ local)
    places = np.stack(places, axis=1)
    return Markers(tuple(found), places + noise * rng.normal(size=places.shape), fps)


def hidden(markers, name, start, stop):
    positions = np.array(markers.positions)
    positions[start:stop, markers.index(name)] = np.nan
    return markers.replace(positions=positions)


def off(solution, pose):
    """(F, 12) millimetres between the joints of arms and legs and the true ones."""
    return 1000 * np.linalg.norm(solution.motion.positions() - truth(pose).positions, axis=-1)[:, LIMBS]


@pytest.mark.parametrize(
    ("labels", "noise", "most"),
    [(PLUG_IN_GAIT, 0.001, 20), (CMU, 0.001, 20), (HALPE, 0.01, 15), (BODY_25, 0.01, 15)],
    ids=["plug-in gait", "cmu", "halpe", "body 25"],
)
def test_a_known_walk_is_found_again_from_each_set(labels, noise, most):
    # Markers 1 to 3 cm from where a standard body has them, on a body of other proportions, seen by half a detector.
    pose = walking(40)
    markers = worn(pose, labels, noise)
    for k, start in ((2, 5), (9, 20), (14, 30)):
        markers = hidden(markers, markers.names[k], start, start + 8)
    solution = solve_markers(markers)
    assert off(solution, pose).mean() < most
    assert np.nanmedian(solution.errors) < max(0.005, 2 * noise)
    assert solution.names == markers.names and np.isnan(solution.errors).sum() == 24
    turned = angle_between(solution.motion.orientations(), quaternion_from_matrix(truth(pose).rotations))
    assert np.degrees(turned[:, [JOINTS.index(joint) for joint in ("hips", "left_thigh", "right_shin")]]).mean() < 8


def test_with_its_markers_in_their_places_a_body_is_found_to_the_millimetre():
    pose = walking(40)
    solution = solve_markers(worn(pose, HALPE, noise=0.0, stray=0.0))
    assert np.median(off(solution, pose)) < 6
    lengths = np.linalg.norm(solution.motion.skeleton.offsets, axis=-1)
    limbs = [JOINTS.index(f"left_{part}") for part in ("forearm", "hand", "shin", "foot")]
    np.testing.assert_allclose(lengths[limbs], np.linalg.norm(body().offsets, axis=-1)[limbs], rtol=0.02)


def test_the_motion_stays_in_the_world_of_its_markers():
    pose = walking(20)
    markers = worn(pose, HALPE)
    turn, shift = quaternion_from_axis_angle(np.array([0.0, 2.0, 0.0])), np.array([3.0, 0.0, -5.0])
    moved = markers.replace(positions=rotate(turn, markers.positions) + shift)
    here, there = (solve_markers(m).motion.positions() for m in (markers, moved))
    np.testing.assert_allclose(there, rotate(turn, here) + shift, atol=2e-3)


def test_feet_that_stand_are_told_from_feet_that_swing():
    pose = walking(80)
    solution = solve_markers(worn(pose, HALPE))
    ankles = truth(pose).positions[:, [JOINTS.index("left_foot"), JOINTS.index("right_foot")]]
    speed = np.linalg.norm(np.gradient(ankles, 1 / 30, axis=0), axis=-1)
    planted = solution.contacts[:, [0, 2]] | solution.contacts[:, [1, 3]]
    assert planted[speed < 0.1].mean() > 0.9 and planted[speed > 1.5].mean() < 0.1
    assert solution.floor == pytest.approx(0.0, abs=0.03) and not solution.belt.any()


def test_what_no_marker_shows_is_filled_in_and_said():
    legs = [n for n in PLUG_IN_GAIT if n[1:] in ("ASI", "PSI", "THI", "KNE", "TIB", "ANK", "HEE", "TOE")]
    pose = walking(40)
    solution = solve_markers(select(worn(pose, PLUG_IN_GAIT), legs))
    said = " ".join(solution.warnings)
    assert "no marker shows the left arm" in said and "no marker shows the head" in said and "leg" not in said
    seen = {joint for joint, sure in zip(JOINTS, solution.motion.confidence.mean(axis=0), strict=True) if sure == 1}
    assert seen == {"hips", *(f"{s}_{p}" for s in ("left", "right") for p in ("thigh", "shin", "foot", "toes"))}
    assert off(solution, pose)[:, 3:6].mean() < 25
    # The trunk stands up and the arms hang.
    at = dict(zip(JOINTS, solution.motion.positions().mean(axis=0), strict=True))
    assert at["neck"][1] - at["hips"][1] > 0.4 and at["left_hand"][1] < at["left_upper_arm"][1] - 0.4


def test_a_limb_out_of_sight_for_a_while_is_said_with_its_frames():
    markers = worn(walking(40), PLUG_IN_GAIT)
    for name in ("LUPA", "LELB", "LFRM", "LWRA", "LWRB", "LFIN"):
        markers = hidden(markers, name, 15, 30)
    solution = solve_markers(markers)
    assert "the markers of the left arm are missing in frames 15-29; it is filled in" in solution.warnings
    forearm = solution.motion.confidence[:, JOINTS.index("left_forearm")]
    assert (forearm[15:30] == 0).all() and forearm[:15].all() and forearm[30:].all()


def test_a_label_on_the_wrong_limb_is_pointed_out():
    markers = worn(standing(30), PLUG_IN_GAIT)
    names = list(markers.names)
    left, right = names.index("LKNE"), names.index("LELB")
    names[left], names[right] = names[right], names[left]
    solution = solve_markers(markers.replace(names=tuple(names)))
    assert any(w.startswith("LKNE lies") for w in solution.warnings) and any(
        w.startswith("LELB lies") for w in solution.warnings
    )


def test_without_a_single_measured_knee_or_elbow_legs_are_found_from_their_clusters():
    pose = walking(60)
    markers = worn(
        pose,
        [
            f"{s}{n}"
            for s in "LR"
            for n in ("ASI", "PSI", "TH1", "TH2", "TH3", "TB1", "TB2", "TB3", "CAL", "MT1", "MT5")
        ],
    )
    solution = solve_markers(markers)
    assert off(solution, pose)[:, [3, 4, 5, 9, 10, 11]].mean() < 60


def test_a_capture_put_together_of_two_jumps_where_they_meet_and_says_so():
    first, second = worn(standing(30), PLUG_IN_GAIT), worn(walking(30), PLUG_IN_GAIT)
    solution = solve_markers(first.replace(positions=np.concatenate((first.positions, second.positions))))
    assert "the body jumps at frame 30, and so does the motion" in solution.warnings
    there = np.concatenate((truth(standing(30)).positions, truth(walking(30)).positions))[28:32, LIMBS]
    assert 1000 * np.linalg.norm(solution.motion.positions()[28:32, LIMBS] - there, axis=-1).mean() < 30


def test_samples_of_other_markers_are_left_out():
    pose, rng = walking(30), np.random.default_rng(5)
    markers = worn(pose, PLUG_IN_GAIT)
    wrong = rng.random(markers.missing.shape) < 0.02
    spoilt = np.where(wrong[..., None], markers.positions[:, rng.permutation(len(markers.names))], markers.positions)
    clean, found = (off(solve_markers(m), pose).mean() for m in (markers, markers.replace(positions=spoilt)))
    assert found < clean + 3


def test_a_pelvis_without_its_back_is_enough():
    pose = walking(30)
    front = [name for name in PLUG_IN_GAIT if name[1:] != "PSI"]
    assert off(solve_markers(select(worn(pose, PLUG_IN_GAIT), front)), pose).mean() < 30


def test_one_frame_is_enough():
    pose = standing(1)
    assert off(solve_markers(worn(pose, PLUG_IN_GAIT)), pose).mean() < 30


def test_markers_of_two_people_need_a_name():
    one, other = worn(standing(5), HALPE), worn(standing(5), HALPE, seed=1)
    names = (*(f"Anna:{n}" for n in one.names), *(f"Ben:{n}" for n in other.names))
    both = Markers(names, np.concatenate((one.positions, other.positions + np.array([2.0, 0, 0])), axis=1), 30)
    with pytest.raises(MarkerSetError, match=r"several people \(Anna, Ben\)"):
        solve_markers(both)
    assert solve_markers(both, subject="Ben").motion.root_positions[0, 0] == pytest.approx(2.0, abs=0.1)
    with pytest.raises(MarkerSetError, match="did you mean 'Anna'"):
        solve_markers(both, subject="Ana")


def test_what_cannot_be_solved_is_told_in_one_sentence():
    markers = worn(standing(5), PLUG_IN_GAIT)
    for wrong, options, said in (
        (markers.replace(positions=1000 * markers.positions), {}, "give the file's unit"),
        (markers.replace(positions=np.full(markers.positions.shape, np.nan)), {}, "none of the markers was seen"),
        (markers, {"smoothing": 0}, "smoothing of 0 is out of range"),
    ):
        with pytest.raises(SolveError, match=said):
            solve_markers(wrong, **options)


def test_the_gradient_of_places_is_that_of_their_cost():
    pose = standing(6).moved(0.02 * np.random.default_rng(0).normal(size=(6, 44)))
    sites = [site_on_body(name) for name in ("left_asis", "c7", "left_knee_lateral", "right_heel", "left_hip_centre")]
    points = Points(np.array([JOINTS.index(s.joint) for s in sites]), HEIGHT * np.stack([s.place for s in sites]))
    segments = np.eye(len(SEGMENTS))[[6, 0, 7, 9, 7]]
    adjust = np.zeros((5, 3, 2))
    adjust[0, 1, 0] = adjust[2, 0, 1] = 1
    model = Model.standard(HEIGHT, points, segments, adjust)
    shape = Shape(HEIGHT, np.full(10, 1.03), np.array([0.01, -0.02]), 0.0)
    rng = np.random.default_rng(1)
    offsets, there = model.shaped(shape)
    seen = there.at(place(pose, offsets)) + 0.02 * rng.normal(size=(6, 5, 3))
    evidence = Places(seen, rng.uniform(20, 200, (6, 5)), np.zeros(6, dtype=bool), 30)
    # Reweighted squares have the gradient of the cost only where no outlier is.
    weights = Weights(place_outlier=1e6, adjustment=np.array([0.01, 0.03]))
    full = Problem(evidence, model, shape, evidence.breaks, weights)
    plain = replace(full, evidence=replace(evidence, weight=0 * evidence.weight))

    def cost(pose, shape):
        return np.subtract(*(assemble(p, pose, shape, True).cost for p in (full, plain)))

    by_step, by_shape = (
        np.subtract(*(getattr(assemble(p, pose, shape, True), name) for p in (full, plain)))
        for name in ("gradient", "shared_gradient")
    )
    for _ in range(5):
        step = 1e-6 * rng.normal(size=(6, 44))
        change = cost(pose.moved(step), shape) - cost(pose.moved(-step), shape)
        assert change / 2 == pytest.approx(np.sum(by_step * step), rel=1e-3, abs=1e-9)
    for k in range(12):
        step = np.zeros(13)
        step[k] = 1e-6
        change = cost(pose, shape.moved(step)) - cost(pose, shape.moved(-step))
        assert change / 2 == pytest.approx(by_shape[k] * 1e-6, rel=1e-3, abs=1e-9)


def shared(test_data, name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FormatWarning)
        return formats.load_markers(test_data / "markers" / name)


AS_PLUG_IN_GAIT = {
    "IAS": "ASI", "IPS": "PSI", "FLE": "KNE", "FAL": "ANK", "FCC": "HEE", "FM5": "TOE", "SAJ": "SHO", "HLE": "ELB",
    "RSP": "WRA", "UHE": "WRB", "HM2": "FIN", "HDF": "FHD", "HDB": "BHD",
}  # fmt: skip


def test_joint_centres_come_out_where_markers_on_both_sides_of_a_joint_have_them(test_data):
    """A capture with markers on both sides of knees, ankles and elbows, solved from the outer ones alone."""
    whole = shared(test_data, "Qualisys.c3d")
    names = {f"{s}_{a}": s + b for s in "LR" for a, b in AS_PLUG_IN_GAIT.items()}
    names |= {"CV7": "C7", "SNJ": "CLAV", "SXS": "STRN"}
    outer = select(whole, names).frames(0, 150)
    solution = solve_markers(outer.replace(names=tuple(names.values())))
    assert solution.marker_set == "Plug-in Gait"
    for side, s in (("left", "L"), ("right", "R")):
        for joint, a, b, most in (
            ("shin", "FLE", "FME", 20),
            ("foot", "FAL", "TAM", 25),
            ("forearm", "HLE", "HME", 25),
        ):
            middle = (whole.positions[:, whole.index(f"{s}_{a}")] + whole.positions[:, whole.index(f"{s}_{b}")]) / 2
            there = solution.motion.positions()[:, JOINTS.index(f"{side}_{joint}")]
            assert 1000 * np.linalg.norm(there - middle[:150], axis=-1).mean() < most


@pytest.mark.parametrize(
    ("name", "known", "start", "stop", "belt"),
    [
        ("Qualisys.c3d", "ISB landmarks", 0, 120, 0.0),
        ("walk1.trc", "OpenSim gait", 0, 90, None),
        ("nans.trc", "UWA clusters", 0, 150, 5.0),  # the file calls itself Run_500: 5 m/s on a treadmill
        ("blanks.trc", "UWA clusters", 320, 463, 0.0),
    ],
)
def test_shared_captures_are_solved_to_the_centimetre(test_data, name, known, start, stop, belt):
    solution = solve_markers(shared(test_data, name).frames(start, stop))
    assert solution.marker_set == known
    assert solution.report["residual_mm"] < 12
    assert belt is None or np.linalg.norm(solution.belt) == pytest.approx(belt, rel=0.05)
    # The feet touch the floor and do not go through it.
    soles = solution.motion.positions()[:, [JOINTS.index(f"{side}_toes") for side in ("left", "right")], 1]
    assert -0.05 < soles.min() - solution.floor < 0.06
