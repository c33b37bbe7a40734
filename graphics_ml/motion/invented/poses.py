"""Poses as people take them: a way of being on the floor, a trunk, arms and a gaze, drawn together and then made to
stand; what is no pose of a person is drawn again."""

from functools import lru_cache

import numpy as np

from graphics_ml.motion.invented import postures
from graphics_ml.motion.invented.arms import draw_arms
from graphics_ml.motion.invented.body import bone_map, floor_points
from graphics_ml.motion.invented.settle import arms_inside, drop_to_floor, part_hands
from graphics_ml.motion.invented.solve import motion_of, solve, solve_arms
from graphics_ml.motion.invented.tracks import Tracks
from graphics_ml.motion.joint_limits import joint_angles
from graphics_ml.motion.motion import Motion

POSTURES = {
    "stand": (postures.stand, 34),
    "stride": (postures.stride, 16),
    "one leg": (postures.one_leg, 11),
    "bend down": (postures.bend_down, 7),
    "squat": (postures.squat, 7),
    "kneel": (postures.kneel, 5),
    "sit on chair": (postures.sit_on_chair, 6),
    "sit on floor": (postures.sit_on_floor, 5),
    "on hands": (postures.on_hands, 5),
    "lie": (postures.lie, 4),
}
"""Name to what draws it, and how often of a hundred."""

_BEYOND = np.radians(3)
_INSIDE = 0.012  # body heights that arms may be inside the body, all their points together
_BELOW = 0.004  # body heights below the floor


def random_poses(rng, count: int, height: float = 1.70, fingers: bool = True) -> Motion:
    """Poses that have nothing to do with each other, each standing on the floor at height 0.

    Args:
        rng: numpy.random.Generator; all that is drawn comes from it.
        height: of the body, metres.
        fingers: with finger joints, or on standard_skeleton as it is.

    Returns:
        A motion of `count` frames, one pose each; its provenance names the posture of each.

    Raises:
        ValueError: count is not positive.
    """
    tracks, chosen = random_tracks(rng, count)
    made = {"invented": "random poses", "postures": list(chosen)}
    return motion_of(tracks, solve(tracks), 30, height, fingers, made)


def random_tracks(rng, count: int, names=tuple(POSTURES)) -> tuple[Tracks, tuple[str, ...]]:
    """Poses of these postures as tracks, and the posture of each.

    Raises:
        ValueError: count is not positive.
    """
    if count < 1:
        raise ValueError(f"at least one pose has to be asked for, not {count}")
    often = np.array([POSTURES[name][1] for name in names], dtype=float)
    chosen = rng.choice(len(names), count, p=often / often.sum())
    values = Tracks.empty(count).values
    wanted = np.arange(count)
    while len(wanted):
        for number in np.unique(chosen[wanted]):
            rows = wanted[chosen[wanted] == number]
            values[rows] = draw_posture(rng, names[number], len(rows)).values
        wanted = wanted[~_believable(Tracks(values[wanted]))]
    return Tracks(values), tuple(names[number] for number in chosen)


def stocked(rng, name: str) -> np.ndarray:
    """One believable pose (WIDTH,) of a posture out of 1,024, for motions: drawing one alone costs as much as sixty.

    The stock is the same in every process; what is taken from it depends on rng alone.
    """
    return _stock(name, int(rng.integers(_BATCHES)))[rng.integers(_BATCH)].copy()


_BATCHES, _BATCH = 16, 64


@lru_cache(maxsize=_BATCHES * len(POSTURES))
def _stock(name, batch):
    rng = np.random.default_rng(np.random.SeedSequence([tuple(POSTURES).index(name), batch]))
    return random_tracks(rng, _BATCH, (name,))[0].values


def draw_posture(rng, name: str, count: int) -> Tracks:
    """Poses of one posture with arms, facing any way, left and right as often; not looked at whether people can."""
    tracks = POSTURES[name][0](rng, count)
    arms = draw_arms(rng, count)
    for side in ("left", "right"):
        carries = tracks[f"{side}_touch"][:, 3:]
        for part in ("clavicle", "wrist", "elbow", "hand", "fingers"):
            own = tracks[f"{side}_{part}"]
            own += (1 - carries) * (arms[f"{side}_{part}"] - own)
    pose = solve(tracks)
    for _ in range(3):
        part_hands(tracks, pose)
        solve_arms(pose, tracks)
    drop_to_floor(tracks, free=(tracks["left_leg"][:, 5] > 0.5) & (tracks["right_leg"][:, 5] > 0.5))
    mirrored = tracks.mirrored()
    swap = rng.random(count) < 0.5
    tracks.values[swap] = mirrored.values[swap]
    return tracks


def _believable(tracks):
    pose = solve(tracks)
    angles = joint_angles(motion_of(tracks, pose, fingers=False), bone_map())
    low = floor_points(pose.turns, pose.places).min(axis=1)
    return (angles.beyond.max(axis=1) < _BEYOND) & (arms_inside(pose) < _INSIDE) & (np.abs(low) < _BELOW)
