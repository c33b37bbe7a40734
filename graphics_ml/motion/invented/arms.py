"""Where people hold their hands: drawn wrists, elbows, hands and fingers, for poses and for the ends of gestures."""

import numpy as np

from graphics_ml.motion.invented.body import ARM, FOREARM, OFFSET, SIDES, UPPER_ARM
from graphics_ml.motion.invented.tracks import Tracks, wrist_about

# Places of the left wrist in the upper chest's frame, body heights, and of the wrist's angles (supination, extension,
# deviation) in degrees; the hand goes on from there by 0.1.
PLACES = {
    "chin": ((0.035, 0.105, 0.125), (50, -10, 0)),
    "cheek": ((0.070, 0.130, 0.105), (40, 20, 0)),
    "mouth": ((0.050, 0.110, 0.150), (40, -30, 0)),
    "eyes": ((0.080, 0.170, 0.140), (30, -20, 0)),
    "brow": ((0.110, 0.215, 0.120), (-40, 0, 0)),
    "ear": ((0.125, 0.150, 0.050), (50, 0, 0)),
    "crown": ((0.090, 0.270, 0.050), (-30, -20, 0)),
    "back of head": ((0.110, 0.190, -0.045), (20, 20, 0)),
    "neck": ((0.085, 0.085, 0.070), (40, -20, 0)),
    "chest": ((0.075, 0.020, 0.130), (-10, -10, 0)),
    "other shoulder": ((-0.045, 0.060, 0.130), (-20, -20, 0)),
    "folded": ((-0.030, -0.040, 0.130), (-30, 0, 0)),
    "belly": ((0.070, -0.100, 0.130), (0, 0, 0)),
    "clasped": ((0.030, -0.150, 0.140), (0, 0, 0)),
    "hip": ((0.150, -0.170, 0.010), (-70, -40, 10)),
    "pocket": ((0.150, -0.215, 0.040), (-20, 10, 0)),
    "behind": ((0.060, -0.190, -0.110), (-20, 0, 0)),
    "prayer": ((0.035, 0.010, 0.155), (0, 50, 0)),
}
# Directions of the left wrist from the shoulder, how far it varies (radians), reach in arm lengths, and its deviation.
DIRECTIONS = {
    "hanging": ((0.16, -0.98, 0.08), 0.14, 0.955, 0.03),
    "away": ((0.55, -0.80, 0.10), 0.25, 0.94, 0.05),
    "ahead low": ((0.10, -0.60, 0.75), 0.35, 0.75, 0.14),
    "ahead": ((0.05, -0.10, 1.00), 0.40, 0.82, 0.15),
    "raised": ((0.25, 0.65, 0.70), 0.40, 0.80, 0.15),
    "overhead": ((0.12, 0.98, 0.10), 0.30, 0.90, 0.10),
    "side": ((0.97, -0.05, 0.15), 0.35, 0.93, 0.07),
    "side bent": ((0.75, 0.05, 0.55), 0.35, 0.60, 0.10),
    "back": ((0.35, -0.85, -0.45), 0.22, 0.93, 0.05),
    "guard": ((-0.10, 0.10, 0.95), 0.35, 0.48, 0.08),
    "bent low": ((0.05, -0.50, 0.80), 0.30, 0.52, 0.08),
    "anywhere": ((0.45, -0.25, 0.80), 0.85, 0.75, 0.20),
}
# How often, of a hundred.
_OFTEN = {
    "hanging": 27, "away": 9, "ahead low": 9, "ahead": 8, "raised": 6, "overhead": 6, "side": 5, "side bent": 4,
    "back": 4, "guard": 4, "bent low": 7, "anywhere": 10, "chin": 1, "cheek": 1, "mouth": 1, "eyes": 0.6,
    "brow": 0.7, "ear": 1, "crown": 0.7, "back of head": 1, "neck": 0.6, "chest": 1, "other shoulder": 0.7,
    "folded": 1.2, "belly": 1, "clasped": 1, "hip": 2, "pocket": 1, "behind": 0.8, "prayer": 0.7,
}  # fmt: skip
_NAMES = tuple(_OFTEN)
_CHANCE = np.array(list(_OFTEN.values())) / sum(_OFTEN.values())


def draw_arms(rng, count: int, alike: float = 0.55, names=None) -> Tracks:
    """Arms of `count` poses, in otherwise empty tracks.

    Args:
        alike: how often both arms do the same thing.
        names: of what to draw from; all when None.
    """
    tracks = Tracks.empty(count)
    chance = _CHANCE
    if names is not None:
        chance = _CHANCE * np.isin(_NAMES, names)
        chance = chance / chance.sum()
    first = rng.choice(len(_NAMES), count, p=chance)
    second = np.where(rng.random(count) < alike, first, rng.choice(len(_NAMES), count, p=chance))
    common = rng.standard_normal((count, 9))
    for side, chosen in zip(SIDES, (first, second), strict=True):
        same = np.where(first == second, rng.uniform(0.3, 0.95, count), 0)[:, None]
        normal = np.sqrt(1 - same**2) * rng.standard_normal((count, 9)) + same * common
        _put(tracks, side, chosen, normal)
        tracks[f"{side}_fingers"] = draw_fingers(rng, count)
    return tracks


def hold(rng, tracks: Tracks, side: str, name: str) -> None:
    """One of the above by its name, the same in all frames but for what is drawn about it once."""
    normal = rng.standard_normal((1, 9))
    _put(tracks, side, np.full(len(tracks), _NAMES.index(name)), np.repeat(normal, len(tracks), 0))
    tracks[f"{side}_fingers"] = draw_fingers(rng, 1)


def swung_arm(swing, out, elbow, inwards) -> np.ndarray:
    """Wrist (F, 3) of an arm that swings from the shoulder.

    Args:
        swing: (F,) radians that the upper arm is ahead of hanging.
        out: radians, away from the trunk.
        elbow: (F,) or one, flexion.
        inwards: radians that the bent forearm points to the middle.
    """
    swing, elbow = np.broadcast_arrays(swing, np.maximum(elbow, 0.05))

    def direction(angle, aside):
        return np.stack((np.sin(aside), -np.cos(aside) * np.cos(angle), np.cos(aside) * np.sin(angle)), axis=-1)

    upper = direction(swing, np.full_like(swing, out))
    lower = direction(swing + elbow, out - inwards * np.sin(np.clip(elbow, 0, np.pi / 2)))
    wrist = UPPER_ARM * upper + FOREARM * lower
    return np.concatenate((wrist_about(wrist), np.linalg.norm(wrist, axis=1, keepdims=True) / ARM), axis=1)


def draw_fingers(rng, count: int) -> np.ndarray:
    """(count, 3) curl, thumb, spread: relaxed, flat, fist or in between."""
    kind = rng.random((count, 1))
    relaxed = np.clip(rng.normal((0.3, 0.3, 0.2), (0.12, 0.15, 0.2), (count, 3)), 0, 1)
    flat = np.clip(rng.normal((0.06, 0.0, 0.5), (0.06, 0.15, 0.4), (count, 3)), -0.05, 1)
    fist = np.clip(rng.normal((0.92, 0.85, 0.0), (0.08, 0.15, 0.05), (count, 3)), 0, 1)
    between = rng.random((count, 3))
    return np.where(kind < 0.5, relaxed, np.where(kind < 0.75, flat, np.where(kind < 0.9, fist, between)))


def _put(tracks, side, chosen, normal):
    """Hold what is chosen (N,), varied by normal numbers (N, 9)."""
    centre, width, place, angles = (table[chosen] for table in (_CENTRES, _WIDTHS, _AT, _ANGLES))
    free = np.concatenate(
        (centre[:, :2] + width[:, :1] * normal[:, :2], centre[:, 2:] + width[:, 1:] * normal[:, 2:3]), 1
    )
    away = place + 0.012 * normal[:, :3] - _SHOULDER
    near = np.concatenate((wrist_about(away), np.linalg.norm(away, axis=1, keepdims=True) / ARM), axis=1)
    held = chosen >= len(DIRECTIONS)
    wrist = np.where(held[:, None], near, free)
    wrist[:, 2] = np.clip(wrist[:, 2], 0.28, 0.99)
    tracks[f"{side}_wrist"] = wrist
    spread = np.where(held[:, None], (12, 10, 5), (38, 20, 8))
    tracks[f"{side}_hand"] = np.radians(angles + spread * normal[:, 3:6])
    tracks[f"{side}_elbow"] = 0.5 * normal[:, 6:7]
    # The shoulder girdle goes along with a raised arm, a third of the way (Inman et al. 1944), and with a reach.
    raised, ahead = wrist[:, 0], np.cos(wrist[:, 1])
    elevation = 0.07 * normal[:, 7] + 0.22 * np.clip(raised, -0.3, 1.6)
    retraction = 0.10 * normal[:, 8] - 0.18 * (wrist[:, 2] - 0.6) * ahead
    tracks[f"{side}_clavicle"] = np.stack((np.clip(elevation, -0.14, 0.6), np.clip(retraction, -0.4, 0.4)), axis=1)


_SHOULDER = OFFSET["left_shoulder"] + OFFSET["left_upper_arm"]
_CENTRES = np.array([(*wrist_about(d[0]), d[2]) for d in DIRECTIONS.values()] + [(0, 0, 0.5)] * len(PLACES))
_WIDTHS = np.array([(d[1], d[3]) for d in DIRECTIONS.values()] + [(0, 0)] * len(PLACES))
_AT = np.array([_SHOULDER] * len(DIRECTIONS) + [PLACES[name][0] for name in _NAMES[len(DIRECTIONS) :]])
_ANGLES = np.array([(-10, 0, 0)] * len(DIRECTIONS) + [PLACES[name][1] for name in _NAMES[len(DIRECTIONS) :]])
