"""From the tracks of a motion to the motion: what single kinds need not think of."""

import numpy as np

from graphics_ml.motion.invented.body import BALL_RADIUS, SIDES, floor_points
from graphics_ml.motion.invented.curves import over_peaks
from graphics_ml.motion.invented.settle import lower_to_reach, part_hands
from graphics_ml.motion.invented.solve import Pose, motion_of, solve, solve_arms
from graphics_ml.motion.invented.tracks import Tracks
from graphics_ml.motion.motion import Motion

_SPREAD = 0.12  # seconds over which corrections are spread


def finished(tracks: Tracks, fps, height: float, fingers: bool, provenance: dict) -> Motion:
    """The motion with legs that reach, hands outside the body, nothing below the floor, and contacts known."""
    window = max(1, round(_SPREAD * float(fps)))
    lower_to_reach(tracks, window=window)
    pose = solve(tracks)
    for _ in range(2):
        part_hands(tracks, pose, window)
        solve_arms(pose, tracks)
    for _ in range(3):
        below = np.maximum(-floor_points(pose.turns, pose.places).min(axis=1), 0)
        if below.max() < 0.002:
            break
        tracks["hips"][:, 1] += over_peaks(below, window)
        pose = solve(tracks)
    return motion_of(tracks, pose, fps, height, fingers, provenance, standing_feet(tracks, pose, float(fps)))


def standing_feet(tracks: Tracks, pose: Pose, fps: float) -> np.ndarray:
    """(F, 4) bool, columns as contacts.CONTACT_ROLES: which heels and balls of feet are held where they are."""
    columns = []
    for side in SIDES:
        sole, pitch = tracks[f"{side}_sole"], tracks[f"{side}_foot"][:, 1]
        ankle, ball = pose.places[f"{side}_foot"], pose.places[f"{side}_toes"]
        held = (sole[:, 1] < 0.002) & (tracks[f"{side}_leg"][:, 5] < 0.01) & (ball[:, 1] < BALL_RADIUS + 0.03)
        held &= _slow(sole, fps)
        # The ankle, by which a heel's contact is known, stays only while the foot is flat, whatever raises the heel.
        columns += [held & (np.abs(pitch) < 0.03) & _slow(ankle, fps), held & (pitch > -0.03) & _slow(ball, fps)]
    return np.stack(columns, axis=1)


def _slow(path, fps):
    step = np.abs(np.diff(path, axis=0, prepend=path[:1])).max(axis=1) * fps
    return np.maximum(step, np.append(step[1:], 0)) < 0.02
