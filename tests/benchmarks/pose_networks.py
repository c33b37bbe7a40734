"""How well our pose networks see, on rendered people that they have not learned from and on real films.

    GRAPHICS_ML_TEST_DATA=... GRAPHICS_ML_WEIGHTS=folder GRAPHICS_ML_SET=folder python -m tests.benchmarks pose_networks

Without GRAPHICS_ML_WEIGHTS the weights that come with graphics_ml are measured, without GRAPHICS_ML_SET no rendered
people. In real films there is no truth: MediaPipe's landmarks stand for it. Counted are shoulders, hips and limbs that
MediaPipe calls visible, in every third frame: an agreement is a distance below a tenth of the longer side of the box of
MediaPipe's landmarks, and a person who is not found agrees nowhere. Once the networks look where MediaPipe's person is,
once they find and follow by themselves.
"""

import os
import tempfile
import time
from pathlib import Path

import numpy as np

NEAR = 0.1  # of the box
EVERY = 3
FILMS = ("treadmill_a.mp4", "treadmill_b.mp4", *(f"multiview/cam0{n}.mp4" for n in range(1, 5)))
_GROUPS = {"shoulders": (11, 12), "elbows": (13, 14), "wrists": (15, 16), "hips": (23, 24), "knees": (25, 26)}
_GROUPS |= {"ankles": (27, 28)}


def main():
    from graphics_ml.errors import FileError
    from graphics_ml.pose.network_detector import NetworkDetector

    folder = os.environ.get("GRAPHICS_ML_WEIGHTS")
    try:
        detector = NetworkDetector(weights=Path(folder) if folder else None)
    except FileError as error:
        print(f"pose_networks: {error}")
        return
    detector.load()
    if os.environ.get("GRAPHICS_ML_SET"):
        _rendered(Path(os.environ["GRAPHICS_ML_SET"]), detector)
    if os.environ.get("GRAPHICS_ML_TEST_DATA"):
        _real(Path(os.environ["GRAPHICS_ML_TEST_DATA"]) / "video", detector)
    _speed(detector)


def agreement(theirs: np.ndarray, visibility: np.ndarray, ours: np.ndarray) -> dict[str, tuple[int, int]]:
    """{group of joints: (how many agree, of how many)}.

    Args:
        theirs: (F, L, 2) pixels, of the detector that stands for the truth.
        visibility: (F, L) what it says of each landmark.
        ours: (F, L, 2) pixels; NaN where nobody was found.
    """
    box = np.ptp(theirs, axis=1).max(axis=1)
    near = np.nan_to_num(np.linalg.norm(ours - theirs, axis=-1) / box[:, None], nan=np.inf) < NEAR
    counted = visibility > 0.5
    rows = {name: list(joints) for name, joints in _GROUPS.items()}
    return {name: (int((near & counted)[:, at].sum()), int(counted[:, at].sum())) for name, at in rows.items()}


def _real(folder, detector):
    from graphics_ml.pose.tracking import detect

    cache = Path(tempfile.gettempdir()) / "graphics_ml_benchmarks"
    totals = {"where MediaPipe looks": {}, "by themselves": {}}
    for name in FILMS:
        film = folder / name
        theirs = detect(film, cache=cache / f"{film.stem}.mediapipe.npz")
        chosen = np.flatnonzero(theirs.found)[::EVERY]
        found = {
            "where MediaPipe looks": _looked(film, theirs, chosen, detector),
            "by themselves": _alone(film, detector, theirs.keypoints.shape)[chosen],
        }
        for how, ours in found.items():
            counts = agreement(theirs.keypoints[chosen], theirs.visibility[chosen], ours)
            totals[how] = {group: np.add(totals[how].get(group, (0, 0)), count) for group, count in counts.items()}
            print(f"{film.stem:12s} {how:22s} {_shown(counts)}", flush=True)
    for how, counts in totals.items():
        print(f"{'all films':12s} {how:22s} {_shown(counts)}")


def _alone(film, detector, shape):
    from graphics_ml.errors import VideoError
    from graphics_ml.pose.tracking import detect

    try:
        return detect(film, detector=detector).keypoints
    except VideoError:  # nobody was found
        return np.full(shape, np.nan)


def _looked(film, theirs, chosen, detector):
    """(F, L, 2) our landmarks in the frames chosen, in a region around those of another detector."""
    from graphics_ml.pose.network_detector import next_region
    from graphics_ml.pose.video import open_video

    found = np.full((len(chosen), *theirs.keypoints.shape[1:]), np.nan)
    places = {int(frame): at for at, frame in enumerate(chosen)}
    for index, _, picture in open_video(film):
        if index in places:
            region = next_region(theirs.keypoints[index], theirs.presence[index])
            pose = detector.pose(picture, region)
            if pose is not None:
                found[places[index]] = pose.keypoints
    return found


def _shown(counts):
    counts = {name: tuple(map(int, count)) for name, count in counts.items()}
    counts["all"] = tuple(map(sum, zip(*counts.values(), strict=True)))
    parts = (f"{name} {100 * near / all_ if all_ else float('nan'):5.1f} %" for name, (near, all_) in counts.items())
    return "   ".join(parts)


def _rendered(folder, detector):
    """Landmarks and boxes on the test split, from the files' own weights."""
    import torch

    from graphics_ml.jobs import as_plain
    from graphics_ml.training.recipe import learner_class
    from graphics_ml.training.samples import checking_batches

    for name, learner in (("pose_2d", "pose 2d"), ("person_boxes", "person boxes")):
        network, kind = detector._network(name), learner_class(learner)
        learner = kind(kind.Data(sets=(folder,)), kind.Model(**as_plain(network.model)))
        test, rows = learner.splits().test, {}
        with torch.inference_mode():
            for batch in checking_batches(test, 32, len(test), 0):
                for figure, values in learner.figures(network, batch).items():
                    rows.setdefault(figure, []).append(values[~torch.isnan(values)])
        figures = {figure: float(torch.cat(values).mean()) for figure, values in rows.items()}
        shown = "   ".join(f"{figure} {100 * value:.1f} %" for figure, value in figures.items())
        print(f"{folder.name:12s} {name} on {len(test)} of the test split   {shown}", flush=True)


def _speed(detector):
    from graphics_ml.pose.detection import Region

    picture = np.random.default_rng(0).integers(0, 256, (720, 1280, 3), np.uint8)
    region = Region(640.0, 360.0, 600.0, 0.2)
    for name, look in (("find", lambda: detector.find(picture)), ("look", lambda: detector._look(picture, region))):
        times = []
        for _ in range(15):
            began = time.perf_counter()
            look()
            times.append(time.perf_counter() - began)
        print(f"{name}   {1 / np.median(times):.0f} pictures of 1280 x 720 a second   (median of {len(times)})")
