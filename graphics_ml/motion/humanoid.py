"""The human body's joints under one set of names, and our own skeleton of average proportions.

A role is what a joint is, whatever its rig calls it. Bone maps give the roles of any rig, the solver solves them, the
retargeter moves motion from role to role.
"""

import numpy as np
from array_api_compat import array_namespace

from graphics_ml.motion.skeleton import EndSite, Skeleton

FINGERS = ("thumb", "index", "middle", "ring", "pinky")


def mirrored(role: str) -> str:
    """The role on the other side of the body; one in the middle is its own."""
    for side, other in (("left_", "right_"), ("right_", "left_")):
        if role.startswith(side):
            return other + role.removeprefix(side)
    return role


def _limb(side):
    finger_roles = {
        f"{side}_{finger}_{n}": f"{side}_hand" if n == 1 else f"{side}_{finger}_{n - 1}"
        for finger in FINGERS
        for n in (1, 2, 3)
    }
    return {
        f"{side}_shoulder": "upper_chest",
        f"{side}_upper_arm": f"{side}_shoulder",
        f"{side}_forearm": f"{side}_upper_arm",
        f"{side}_hand": f"{side}_forearm",
        **finger_roles,
        f"{side}_thigh": "hips",
        f"{side}_shin": f"{side}_thigh",
        f"{side}_foot": f"{side}_shin",
        f"{side}_toes": f"{side}_foot",
    }


# Each role's parent in a complete humanoid; "shoulder" is the clavicle.
ROLE_PARENT = {
    "hips": None,
    "spine": "hips",
    "chest": "spine",
    "upper_chest": "chest",
    "neck": "upper_chest",
    "head": "neck",
    **_limb("left"),
    **_limb("right"),
}
ROLES = tuple(ROLE_PARENT)
FINGER_ROLES = tuple(role for role in ROLES if any(f"_{finger}_" in role for finger in FINGERS))
BODY_ROLES = tuple(role for role in ROLES if role not in FINGER_ROLES)
# The joints on which poses are compared: those that detectors, rigs and mocap all have.
COMPARED_ROLES = tuple(
    f"{side}_{part}" for side in ("left", "right") for part in ("upper_arm", "forearm", "hand", "thigh", "shin", "foot")
)
# Without these a rig is no humanoid that a whole-body motion can drive.
REQUIRED_ROLES = ("hips", *COMPARED_ROLES)
# The bone of a role points at the joint of this role.
ROLE_CHILD = {
    "hips": "spine",
    "spine": "chest",
    "chest": "upper_chest",
    "upper_chest": "neck",
    "neck": "head",
    **{
        f"{side}_{a}": f"{side}_{b}"
        for side in ("left", "right")
        for a, b in (
            ("shoulder", "upper_arm"),
            ("upper_arm", "forearm"),
            ("forearm", "hand"),
            ("hand", "middle_1"),
            ("thigh", "shin"),
            ("shin", "foot"),
            ("foot", "toes"),
            *((f"{finger}_{n}", f"{finger}_{n + 1}") for finger in FINGERS for n in (1, 2)),
        )
    },
}

# Rest place of each joint of a standing adult in a T-pose, as parts of the body height: (x to the left, y up, z ahead).
# Heights and lengths: Drillis and Contini 1966 as in Winter, "Biomechanics and Motor Control of Human Movement" (2009),
# figure 4.1; the hip joint centres' distance: Harrington et al., J. Biomechanics 2007; the spine's joints share the
# trunk evenly; the shoulder's joint centre lies 0.104 from the middle and below the acromion (de Leva 1996).
_PLACES = {
    "hips": (0, 0.530, 0),
    "spine": (0, 0.580, 0),
    "chest": (0, 0.655, 0),
    "upper_chest": (0, 0.730, 0),
    "neck": (0, 0.830, 0),
    "head": (0, 0.885, 0.008),
    "shoulder": (0.015, 0.805, 0),
    "upper_arm": (0.104, 0.810, 0),
    "forearm": (0.278, 0.810, 0),
    "hand": (0.424, 0.810, 0),
    "thigh": (0.050, 0.530, 0),
    "shin": (0.050, 0.285, 0),
    "foot": (0.050, 0.039, 0),
    "toes": (0.050, 0.012, 0.085),
}
_ENDS = {"head": (0, 0.115, 0), "hand": (0.100, 0, 0), "toes": (0, 0, 0.045)}


def standard_skeleton(height: float = 1.70) -> Skeleton:
    """Our own body without fingers: roles as names, T-pose as zero pose, every joint's frame along the world's axes.

    Args:
        height: metres, sole to crown.

    Raises:
        ValueError: the height is not positive.
    """
    if not height > 0:
        raise ValueError(f"a body's height must be positive, not {height}")
    places = np.array([_place(role) for role in BODY_ROLES]) * height
    parents = [-1 if ROLE_PARENT[role] is None else BODY_ROLES.index(ROLE_PARENT[role]) for role in BODY_ROLES]
    offsets = np.array([p if parent < 0 else p - places[parent] for p, parent in zip(places, parents, strict=True)])
    ends = tuple(EndSite(joint, _end(role) * height) for joint, role in enumerate(BODY_ROLES) if _part(role) in _ENDS)
    return Skeleton(BODY_ROLES, tuple(parents), offsets, end_sites=ends)


def compared_joints(positions, joints):
    """The 14 points on which poses are compared: shoulders, elbows, wrists, hips, knees, ankles, and the middles of
    the hips and of the shoulders.

    Args:
        positions: (..., J, 3).
        joints: role to index in J; at least COMPARED_ROLES.

    Returns:
        (..., 14, 3): COMPARED_ROLES in order, middle of the hips, middle of the shoulders.
    """
    xp = array_namespace(positions)
    limbs = xp.stack([positions[..., joints[role], :] for role in COMPARED_ROLES], axis=-2)
    middles = [
        (positions[..., joints[f"left_{part}"], :] + positions[..., joints[f"right_{part}"], :]) / 2
        for part in ("thigh", "upper_arm")
    ]
    return xp.concat((limbs, xp.stack(middles, axis=-2)), axis=-2)


def _part(role):
    return role.removeprefix("left_").removeprefix("right_")


def _side(role):
    return np.array([-1.0 if role.startswith("right_") else 1.0, 1, 1])


def _place(role):
    return np.array(_PLACES[_part(role)]) * _side(role)


def _end(role):
    return np.array(_ENDS[_part(role)]) * _side(role)
