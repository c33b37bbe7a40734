# SPDX-License-Identifier: GPL-3.0-or-later
"""Where people stand and which way they face: beside each other, never in each other, on the floor."""

import numpy as np

_DIRECTIONS = 32
_ANGLES = np.arange(_DIRECTIONS) * 2 * np.pi / _DIRECTIONS
_COMPASS = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)])
_STEP = 0.1  # metres that somebody who is in another's way moves on by


def place(rng: np.random.Generator, reaches, gaps) -> list[np.ndarray]:
    """Where P people go so that a straight line, seen from above, parts any two of them.

    The first stays. Each other goes beside one that is there already, in a direction that is drawn, as near as the gap
    lets it; where it would be in another's way it goes on until it is not.

    Args:
        rng: draws neighbours and directions.
        reaches: P arrays as `reach` gives them.
        gaps: (P,) metres between each and the neighbour it goes to; to all others there is at least a tenth of that.

    Returns:
        Of each the shift (2,), metres, x and z.
    """
    half, placed = _DIRECTIONS // 2, [np.zeros(2)]
    for one in range(1, len(reaches)):
        neighbour, toward = int(rng.integers(one)), int(rng.integers(_DIRECTIONS))
        away = reaches[neighbour][toward] + reaches[one][toward - half] + gaps[one]
        at = placed[neighbour] + away * _COMPASS[:, toward]
        others = [other for other in range(one) if other != neighbour]
        while any(room(reaches[other], reaches[one], at - placed[other]) < 0.1 * gaps[one] for other in others):
            at = at + _STEP * _COMPASS[:, toward]
        placed.append(at)
    return placed


def reach(points: np.ndarray) -> np.ndarray:
    """How far points (N, 2), x and z, reach from the origin in each of 32 directions, metres."""
    return (points @ _COMPASS).max(axis=0)


def room(reach_of_one, reach_of_other, shift: np.ndarray) -> float:
    """Metres free between two bodies in the direction that parts them best; negative where none does.

    Args:
        shift: (2,) from the one to the other.
    """
    return float((shift @ _COMPASS - reach_of_one - np.roll(reach_of_other, -(_DIRECTIONS // 2))).max())


def heading(places: np.ndarray, joints: dict[str, int]) -> float:
    """Radians about the vertical, from +Z to +X, that a body faces, by its hips and shoulders.

    Args:
        places: (J, 3) of its joints.
        joints: role to joint.
    """
    left = sum(places[joints[f"left_{part}"]] - places[joints[f"right_{part}"]] for part in ("thigh", "upper_arm"))
    return float(np.arctan2(-left[2], left[0]))


def heights_to_stand(lowest: np.ndarray, grounded: np.ndarray) -> np.ndarray:
    """Metres (M,) to lift a body by at each moment so that it is on the floor where it should be, and never in it.

    Args:
        lowest: (M,) heights of its lowest point.
        grounded: (M,) bool: whether it should be on the floor; else it jumps, as high as its motion says.
    """
    if not grounded.any():
        return np.maximum(0.0, -lowest)
    down = np.flatnonzero(grounded)
    return np.maximum(np.interp(np.arange(len(lowest)), down, -lowest[down]), -lowest)
