"""How good solved motion is: on real films, against four calibrated cameras, and against films of known motion.

    python tests/pose/evaluation.py SHARED_DATA CACHE [FOLDER_OF_FILMS]

SHARED_DATA holds `video/`; detections are kept in CACHE. A folder of films holds NAME.mp4 with NAME.truth.npz beside it
(bones, positions (F, B, 3), fps, and `about`: JSON with roles and camera), as `graphics_ml.tasks.film` writes them.
Figures: PA-MPJPE over 14 joints (12 limb joints, middles of hips and shoulders) in millimetres, the detector's own
metric landmarks beside it; reprojection error in percent of the person's height; how far off up is, in degrees.
"""

import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from graphics_ml.motion.camera import Camera, from_plain
from graphics_ml.motion.contacts import CONTACT_ROLES, contacts_from_positions
from graphics_ml.motion.metrics import (
    acceleration,
    bone_length_drift,
    contact_scores,
    foot_skate,
    mpjpe,
    pa_mpjpe,
    peak_speed_ratio,
)
from graphics_ml.pose.calibration import load_calibration
from graphics_ml.pose.detection import LANDMARKS, Detections
from graphics_ml.pose.landmarks import USED
from graphics_ml.pose.sides import cuts, mend_sides
from graphics_ml.pose.solver import Solution, solve
from graphics_ml.pose.tracking import detect
from graphics_ml.pose.triangulate import triangulate

SIDES = ("left", "right")
LIMB_LANDMARKS = [
    LANDMARKS.index(f"{side}_{part}")
    for side in SIDES
    for part in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
]
LIMB_ROLES = [f"{side}_{part}" for side in SIDES for part in ("upper_arm", "forearm", "hand", "thigh", "shin", "foot")]
# Frames by which each camera's clock is behind the first one's, as `capture` finds them: 6.7 pixels of reprojection.
CLOCKS = {"cam01": 0, "cam02": 0, "cam03": 3, "cam04": 0}


@dataclass(frozen=True)
class Case:
    """A film whose motion is known: joints (F, 12, 3) in metres, NaN where unknown, and the camera that filmed it."""

    name: str
    detections: Detections
    joints: np.ndarray
    camera: Camera
    feet: np.ndarray | None = None  # (F, 4, 3) of CONTACT_ROLES, where they are known
    leg: float = 0.9


def fourteen(joints: np.ndarray) -> np.ndarray:
    """(F, 14, 3): 12 limb joints (F, 12, 3) and the middles of hips and shoulders."""
    return np.concatenate(
        (joints, (joints[:, [3]] + joints[:, [9]]) / 2, (joints[:, [0]] + joints[:, [6]]) / 2), axis=1
    )


def multiview_cases(data: Path, cache: Path) -> list[Case]:
    """The four shared films, with the triangulation of what the detector saw in all of them."""
    folder = data / "video" / "multiview"
    detections = {name: detect(folder / f"{name}.mp4", cache=cache / f"{name}.npz") for name in CLOCKS}
    cameras = [
        camera.of_film(*detections[camera.name].image_size)[0]
        for camera in load_calibration(folder / "calibration.qca.txt")
    ]
    frames = len(detections["cam01"])
    pixels = np.full((4, frames, len(LANDMARKS), 2), np.nan)
    weights = np.zeros((4, frames, len(LANDMARKS)))
    for row, (name, clock) in enumerate(CLOCKS.items()):
        there = np.arange(frames) + clock
        inside = (there >= 0) & (there < frames)
        seen, sure = mended(detections[name])
        pixels[row, inside], weights[row, inside] = seen[there[inside]], sure[there[inside]] ** 2
    points, residuals = triangulate(cameras, pixels, weights)
    print(f"triangulation: {np.nanmedian(residuals[..., LIMB_LANDMARKS]):.1f} px median reprojection")
    cases = []
    for camera, (name, clock) in zip(cameras, CLOCKS.items(), strict=True):
        joints = np.full((frames, 12, 3), np.nan)
        there = np.arange(frames) + clock
        inside = (there >= 0) & (there < frames)
        joints[there[inside]] = points[inside][:, LIMB_LANDMARKS]
        cases.append(Case(name, detections[name], joints, camera.camera))
    return cases


def mended(detections: Detections) -> tuple[np.ndarray, np.ndarray]:
    """Pixels and visibility with left and right exchanged where the detector mistook them."""
    pixels, sure, found = detections.keypoints, detections.visibility, detections.found
    breaks = cuts(pixels, sure, detections.fps, LANDMARKS)
    order = mend_sides(pixels, detections.world[..., 2], found, breaks, detections.fps, LANDMARKS)
    return np.take_along_axis(pixels, order[..., None], axis=1), np.take_along_axis(sure, order, axis=1)


def filmed_cases(films: Path, cache: Path) -> list[Case]:
    """Films of known motion in a folder."""
    cases = []
    for path in sorted(films.glob("*.mp4")):
        beside = path.with_suffix(".truth.npz")
        if not beside.exists():
            continue
        with np.load(beside) as truth:
            about, positions, bones = json.loads(str(truth["about"])), truth["positions"], list(truth["bones"])

        def at(*roles, positions=positions, bones=bones, about=about):
            return positions[:, [bones.index(about["roles"][role]) for role in roles]]

        chain = at("left_thigh", "left_shin", "left_foot")[0]
        leg = float(np.linalg.norm(np.diff(chain, axis=0), axis=1).sum())
        detections = detect(path, cache=cache / f"{path.stem}.npz")
        camera = from_plain(about["camera"])
        cases.append(Case(path.stem, detections, at(*LIMB_ROLES), camera, at(*CONTACT_ROLES), leg))
    return cases


def against_truth(case: Case, solution: Solution) -> dict:
    """Figures of a solution of a case."""
    motion, fps = solution.motion, float(case.detections.fps)
    ours = motion.positions()[:, [motion.skeleton.index(role) for role in LIMB_ROLES]]
    known = np.isfinite(case.joints).all(axis=(1, 2)) & case.detections.found
    truth = fourteen(case.joints[known]) @ case.camera.rotation.T
    raw = fourteen(case.detections.world[known][:, LIMB_LANDMARKS])
    solved = fourteen(np.matmul(ours, rotations(solution, len(motion)))[known])
    lean = solution.camera().rotation[:, 1] @ case.camera.rotation[:, 1]
    figures = {
        "PA raw": 1e3 * pa_mpjpe(raw, truth).mean(),
        "PA": 1e3 * pa_mpjpe(solved, truth).mean(),
        "MPJPE raw": 1e3 * mpjpe(raw, truth, root=12).mean(),
        "MPJPE": 1e3 * mpjpe(solved, truth, root=12).mean(),
        "up": np.degrees(np.arccos(np.clip(lean, -1, 1))),
        "focal": solution.camera().focal / case.camera.focal,
        **{f"fast {a}": r for a, r in zip(("wrists", "ankles"), speed_ratios(ours, case.joints, fps), strict=True)},
    }
    if case.feet is not None:
        contacts = contacts_from_positions(case.feet, fps, case.leg)
        feet = motion.positions()[:, [motion.skeleton.index(role) for role in CONTACT_ROLES]]
        skate = foot_skate(feet, contacts, fps)
        figures |= {
            "contacts": skate.count,
            "slipped": skate.slipped,
            "recall": contact_scores(solution.contacts, contacts).recall,
        }
    return figures


def rotations(solution, frames):
    """(F, 3, 3) that multiply row vectors from the right: world to camera axes."""
    return np.stack([solution.camera(frame).rotation.T for frame in range(frames)])


def speed_ratios(ours, truth, fps):
    """Peak speed of wrists and of ankles over the truth's, mean of both sides; NaN where frames are unknown."""
    if not np.isfinite(truth).all():
        return np.nan, np.nan
    ratio = peak_speed_ratio(ours, truth, fps)
    return ratio[[2, 8]].mean(), ratio[[5, 11]].mean()


def against_detector(detections: Detections, solution: Solution) -> dict:
    """Figures that need no truth."""
    motion, fps = solution.motion, float(detections.fps)
    body = [USED.index(LANDMARKS[row]) for row in LIMB_LANDMARKS]
    skeleton, positions = motion.skeleton, motion.positions()
    hips = np.stack([solution.camera(f).to_camera(positions[f, 0])[2] for f in range(len(motion))])
    tall = solution.camera().focal * solution.report["height"] / hips
    seen = detections.found
    ours = positions[:, [skeleton.index(role) for role in LIMB_ROLES]]
    ours = ours - ours[:, [3, 9]].mean(axis=1, keepdims=True)
    raw = detections.world[seen][:, LIMB_LANDMARKS]
    return {
        "reprojection %": 100 * float(np.nanmedian(solution.errors[:, body] / tall[:, None])),
        "drift": float(bone_length_drift(positions, skeleton.parents)),
        "acceleration": float(acceleration(ours, fps).mean() / acceleration(raw, fps).mean()),
        "belt": float(np.linalg.norm(solution.belt)),
    }


def main(data: Path, cache: Path, films: Path | None = None) -> None:
    cases = multiview_cases(data, cache) + (filmed_cases(films, cache) if films else [])
    rows = []
    for case in cases:
        solution, spent = timed(case.detections)
        rows.append({**against_truth(case, solution), **against_detector(case.detections, solution), "ms": spent})
        show(case.name, rows[-1])
    show("mean", {name: np.nanmean([row.get(name, np.nan) for row in rows]) for name in rows[-1]})
    for name in ("treadmill_a.mp4", "treadmill_b.mp4", "street.avi"):
        path = data / "video" / name
        detections = detect(path, cache=cache / f"{path.stem}.npz")
        solution, spent = timed(detections)
        show(name, {**against_detector(detections, solution), "ms": spent})
        print(*(f"    {warning}" for warning in solution.warnings), sep="\n")


def timed(detections):
    """The solution, and milliseconds for each frame."""
    start = time.perf_counter()
    solution = solve(detections)
    return solution, 1e3 * (time.perf_counter() - start) / len(detections)


def show(name, figures):
    print(f"{name:14s}", *(f"{key} {value:.3g}" for key, value in figures.items()), sep=" | ", flush=True)


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:4]))
