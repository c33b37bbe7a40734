"""How a detector errs: what it would have seen of landmarks whose true places are known.

Measured with MediaPipe 0.10.21 on 25 rendered films with exact truth, in metres at the person's distance: offsets of 10
to 35 mm that last a film, errors of 12 to 18 mm that last an eighth of a second, a few millimetres of jitter; errors
four times as large where an arm is hidden, which its visibility mostly tells; now and then a limb that is somewhere
else altogether for a moment, or legs taken for each other.
"""

from functools import lru_cache

import numpy as np

from graphics_ml.pose.detection import LANDMARKS, MIRRORED


def seen_by_detector(places: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """What a detector sees.

    Args:
        places: (T, L, 3) metres, true places of the landmarks in camera axes, some 30 frames a second.
        rng: draws the errors.

    Returns:
        rays (T, L, 2), x/z and y/z, and visibility (T, L), 0..1; 0 in both where nothing was seen.
    """
    frames = len(places)
    rays = places[..., :2] / places[..., 2:]
    # Bodies do not move so fast that looking at every third frame would miss much.
    hidden = np.repeat(hidden_by_body(places[::3]).astype(float), 3, axis=0)[:frames]
    hidden = _smooth(hidden, 2)
    cut = None
    if rng.random() < _CUT_OFF:
        cut = rays[..., 1] > rng.uniform(*np.quantile(rays[:, _KNEES + _HIPS, 1], (0.3, 0.9)))
        hidden = np.maximum(hidden, cut)

    level = np.exp(rng.normal(0, 0.35))
    size = _SPREAD * (1 + (_HIDDEN - 1) * hidden[..., None])
    error = level * size * (0.85 * _lasting(rng, frames, 3.5) + 0.5 * _lasting(rng, frames, 12.0))
    error += _OFFSET * rng.normal(0, 1, (len(LANDMARKS), 2)) + level * 0.003 * rng.normal(0, 1, error.shape)
    astray = _astray(rng, frames)
    error += astray[..., None] * rng.normal(0, 0.09, (1, len(LANDMARKS), 2)) + astray[..., None] * rng.normal(
        0, 0.06, (1, 1, 2)
    )
    rays = rays + error / np.median(places[..., 2], axis=1)[:, None, None]

    sureness = _SURE + rng.normal(0, 0.4) + 1.0 * _lasting(rng, frames, 6.0)[..., 0]
    sureness -= np.maximum(hidden * _HIDDEN_SURE, 1.5 * astray)
    if cut is not None:
        sureness = np.where(cut, -3.0, sureness)
    visibility = 1 / (1 + np.exp(-sureness))
    rays, visibility = _exchanged(rays, visibility, rng)
    gone = _gaps(rng, frames)
    return np.where(gone[:, None, None], 0.0, rays), np.where(gone[:, None], 0.0, visibility)


def hidden_by_body(places: np.ndarray) -> np.ndarray:
    """(T, L) bool: landmarks of limbs that trunk, head or the other leg stand before.

    Args:
        places: (T, L, 3) metres in camera axes.
    """
    frames = len(places)
    hips, shoulders, ears = (places[:, pair].mean(axis=1) for pair in (_HIPS, _SHOULDERS, _EARS))
    hidden = np.zeros((frames, len(LANDMARKS)), bool)
    hidden[:, _ARMS] |= _behind(places[:, _ARMS], hips, shoulders, 0.13)
    hidden[:, _ARMS] |= _behind(places[:, _ARMS], ears, ears + 0.05 * (ears - shoulders), 0.10)
    for own, other in ((0, 1), (1, 0)):
        hip, knee, ankle = (places[:, pair[other]] for pair in (_HIPS, _KNEES, _ANKLES))
        hidden[:, _LEGS[own]] |= _behind(places[:, _LEGS[own]], hip, knee, 0.08)
        hidden[:, _LEGS[own]] |= _behind(places[:, _LEGS[own]], knee, ankle, 0.06)
    return hidden


def _behind(points, begin, end, radius):
    """(T, N) whether points (T, N, 3) lie behind a capsule between (T, 3) and (T, 3), as the camera sees it."""
    scale = 1 / points[..., 2:]
    at = points * scale  # in a plane at the distance 1
    a, b = begin / begin[:, 2:], end / end[:, 2:]
    along = (b - a)[:, None, :2]
    length = np.maximum(np.sum(along**2, axis=-1), 1e-9)
    part = np.clip(np.sum((at[..., :2] - a[:, None, :2]) * along, axis=-1) / length, 0, 1)
    off = np.linalg.norm(at[..., :2] - a[:, None, :2] - part[..., None] * along, axis=-1)
    depth = begin[:, None, 2] + part * (end - begin)[:, None, 2]
    return (off * depth < radius) & (points[..., 2] > depth + 0.6 * radius)


def _lasting(rng, frames, steps):
    """(T, L, 2) unit noise, the same for a while: it falls to a third over so many frames."""
    return np.einsum("st,tlc->slc", _memory(frames, steps), rng.normal(0, 1, (frames, len(LANDMARKS), 2)))


@lru_cache(maxsize=16)
def _memory(frames, steps):
    apart = np.abs(np.arange(frames)[:, None] - np.arange(frames))
    return np.linalg.cholesky(np.exp(-apart / steps) + 1e-9 * np.eye(frames))


def _astray(rng, frames):
    """(T, L) 0..1, how far a limb is somewhere else: about once in seven seconds each, for some tenths of a second."""
    off = np.zeros((frames, len(LANDMARKS)))
    for limb, within in _LIMBS:
        for _ in range(rng.poisson(frames / 200)):
            start, length = rng.integers(0, frames), 1 + rng.geometric(1 / 6)
            off[start : start + length, limb[within * rng.integers(0, 2) :]] = 1
    return _smooth(off, 1)


def _exchanged(rays, visibility, rng):
    """Legs or arms taken for each other for a few frames, now and then."""
    for part in (_BOTH_LEGS, _BOTH_ARMS):
        if rng.random() < 0.04:
            start = rng.integers(0, len(rays))
            span, other = slice(start, start + 1 + rng.geometric(1 / 4)), np.array(MIRRORED)[part]
            rays[span, part], visibility[span, part] = rays[span][:, other], visibility[span][:, other]
    return rays, visibility


def _gaps(rng, frames):
    """(T,) bool: frames in which nobody was found, or which a slower film does not have."""
    gone = np.zeros(frames, bool)
    chance = rng.random()
    if chance < 0.05:
        every = rng.integers(2, 7)
        gone = np.arange(frames) % every != rng.integers(0, every)
    elif chance < 0.15:
        for _ in range(rng.integers(1, 4)):
            start = rng.integers(0, frames)
            gone[start : start + rng.integers(1, 15)] = True
    if gone.all():
        gone[frames // 2] = False
    return gone


def _smooth(values, reach):
    padded = np.pad(values, ((reach, reach), (0, 0)), mode="edge")
    return sum(padded[k : k + len(values)] for k in range(2 * reach + 1)) / (2 * reach + 1)


def _indices(*names):
    return [LANDMARKS.index(name) for name in names]


def _kinds(values, otherwise):
    """(L,) one value for each landmark, by the first key that its name holds."""
    return np.array([next((value for key, value in values.items() if key in name), otherwise) for name in LANDMARKS])


_HIPS, _SHOULDERS, _EARS = (_indices(f"left_{part}", f"right_{part}") for part in ("hip", "shoulder", "ear"))
_KNEES, _ANKLES = (_indices(f"left_{part}", f"right_{part}") for part in ("knee", "ankle"))
_ARM = ("elbow", "wrist", "pinky", "index", "thumb")
_LEG = ("knee", "ankle", "heel", "foot_index")
_LEGS = [_indices(*(f"{side}_{part}" for part in _LEG)) for side in ("left", "right")]
_BOTH_ARMS = _indices(*(f"{side}_{part}" for side in ("left", "right") for part in _ARM))
_BOTH_LEGS = _LEGS[0] + _LEGS[1]
_ARMS = _BOTH_ARMS
# Limbs from the body outwards; of each the part beyond the first landmark goes astray as often as the whole.
_LIMBS = [(_indices(*(f"{side}_{part}" for part in limb)), 1) for side in ("left", "right") for limb in (_ARM, _LEG)]
_CUT_OFF = 0.07  # of the clips show only part of the legs
_HIDDEN = 4.0  # times as large are errors of what is hidden
_SPREAD = _kinds(
    {"hip": 0.016, "shoulder": 0.015, "elbow": 0.016, "wrist": 0.015, "knee": 0.015, "ankle": 0.014}
    | dict.fromkeys(("pinky", "index", "thumb", "heel"), 0.02)
    | {"foot": 0.02},
    0.012,
)[:, None]
_OFFSET = _kinds(
    {"hip": 0.022, "shoulder": 0.016, "elbow": 0.016, "wrist": 0.012, "knee": 0.014, "ankle": 0.010}, 0.012
)[:, None]
# Logits of the visibility.
_SURE = _kinds({"hip": 6.0, "shoulder": 6.0, "knee": 3.0, "ankle": 3.0, "heel": 3.0, "foot": 3.0}
    | dict.fromkeys(_ARM, 2.8), 6.0)  # fmt: skip
_HIDDEN_SURE = _kinds(dict.fromkeys(_ARM, 4.2) | dict.fromkeys(_LEG, 2.0), 0.0)
