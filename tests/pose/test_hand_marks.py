"""The solved body against joints that were marked by eye in real films (hand_marks.toml says how)."""

import tomllib
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from graphics_ml.pose.solver import solve
from graphics_ml.pose.tracking import detect

ROLES = {
    "shoulder": "upper_arm",
    "elbow": "forearm",
    "wrist": "hand",
    "hip": "thigh",
    "knee": "shin",
    "ankle": "foot",
}
CLIPS = ("treadmill_a", "treadmill_b", "cam01", "cam02", "cam03", "cam04")


def marked_frames():
    """Clip name -> its marked frames, of hand_marks.toml."""
    clips = defaultdict(list)
    with Path(__file__).with_name("hand_marks.toml").open("rb") as file:
        for frame in tomllib.load(file)["frame"]:
            clips[Path(frame["file"]).stem].append(frame)
    return clips


def distances(frames, pixels_of):
    """Pixels between each mark and `pixels_of(frame index, joint)`, as parts of the person's height in the picture."""
    return np.array(
        [
            np.linalg.norm(pixels_of(frame["index"], joint) - np.array(mark)) / frame["height"]
            for frame in frames
            for joint, mark in frame["joints"].items()
        ]
    )


def solved_pixels(solution):
    positions = solution.motion.positions()

    def pixels_of(index, joint):
        side, part = joint.split("_")
        at = positions[index, solution.motion.skeleton.index(f"{side}_{ROLES[part]}")]
        return solution.camera(index).project(at)

    return pixels_of


def test_twenty_frames_of_six_clips_are_marked():
    clips = marked_frames()
    assert set(clips) == set(CLIPS)
    assert sum(map(len, clips.values())) == 20
    for frame in (f for frames in clips.values() for f in frames):
        assert len(frame["joints"]) >= 9
        assert {joint.split("_")[1] for joint in frame["joints"]} == set(ROLES)


# Each clip takes some seconds: the real detector watches 90 or 100 frames, all of the film.
@pytest.mark.parametrize("clip", CLIPS)
def test_the_solved_joints_fall_within_three_percent_of_the_height_of_where_they_were_marked_by_eye(
    clip, test_data, tmp_path
):
    frames = marked_frames()[clip]
    solution = solve(detect(test_data / frames[0]["file"], cache=tmp_path / "detections.npz"))
    assert np.median(distances(frames, solved_pixels(solution))) <= 0.03
