"""SOMA-style motions (.npz), as NVIDIA's Kimodo writes them: posed_joints (F, J, 3) metres, global_rot_mats
(F, J, 3, 3) and foot_contacts (F, 4), left heel, left toes, right heel, right toes; Y up, facing +Z.

The joints are told by their number: 30 (somaskel30), 77 (somaskel77) or 22, SMPL-X's body. Their names, their parents
and the rate of 30 frames a second, none of which the file holds, are those of Kimodo's sources and documentation
(tables/soma.toml, tables/soma77.toml). Joint frames lie along the world's axes in the T-pose. Bones are as long as in
the file; where a joint also moves in its parent's frame it gets local positions. foot_contacts are the motion's
contacts; those of a motion that has none are found when it is written. Files written here hold more, as Kimodo's newer
ones do, local_rot_mats and root_positions, and the rate as fps.
"""

import warnings
from fractions import Fraction
from pathlib import Path

import numpy as np

from graphics_ml.errors import FormatWarning, MotionFileError
from graphics_ml.formats import bodies
from graphics_ml.formats.arrays import rate_of, read_npz, write_npz
from graphics_ml.formats.heads import npz_members
from graphics_ml.hints import SAY_RATE
from graphics_ml.motion.contacts import detect_contacts
from graphics_ml.motion.kinematics import local_rotations
from graphics_ml.motion.motion import Motion, exact_rate
from graphics_ml.motion.rotations import (
    conjugate,
    matrix_from_quaternion,
    quaternion_from_matrix,
    rotate,
    unroll,
)

_BODIES = {30: "soma", 77: "soma77", 22: "humanml3d"}
_ROLES = {
    f"{side}_{role}": f"{side.title()}{name}"
    for side in ("left", "right")
    for role, name in (("thigh", "Leg"), ("shin", "Shin"), ("foot", "Foot"), ("toes", "ToeBase"))
}
_STILL = 1e-4  # metres
_MOST = 1e6  # metres and more that no joint is away
_TURNS = 1e-3  # how far the matrices' rows may be from unit and square


def load(path: str | Path, fps: Fraction | None = None) -> Motion:
    """The motion in a SOMA-style file.

    Args:
        path: the file.
        fps: frames per second; the file has none, and a FormatWarning says that 30 is taken when None.

    Raises:
        MotionFileError: the file cannot be read, an array is missing or has a wrong shape, or holds no rotations.
    """
    path = Path(path)
    held = read_npz(path, ("posed_joints", "global_rot_mats", "foot_contacts", "fps"))
    missing = [name for name in ("posed_joints", "global_rot_mats") if name not in held]
    if missing:
        raise MotionFileError(path, None, f"it has no {' and no '.join(missing)}; is it a SOMA-style file?")
    joints, turns = held["posed_joints"], held["global_rot_mats"]
    numbers = joints.dtype.kind in "fiu" and turns.dtype.kind in "fiu"
    if not numbers or joints.ndim != 3 or turns.shape != (*joints.shape, 3) or joints.shape[2] != 3 or not len(joints):
        raise MotionFileError(
            path,
            None,
            f"posed_joints {joints.shape} and global_rot_mats {turns.shape} are not (F, J, 3) and (F, J, 3, 3)",
        )
    body = _BODIES.get(joints.shape[1])
    if body is None:
        raise MotionFileError(path, None, f"it has {joints.shape[1]} joints; known are skeletons of 30, 77 and 22")
    joints, turns = joints.astype(np.float64), turns.astype(np.float64)
    if not (np.abs(joints).max() < _MOST and np.abs(turns).max() < _MOST):
        raise MotionFileError(path, None, "a number in it is not finite or huge; get the file again")
    square = np.einsum("fjab,fjac->fjbc", turns, turns)
    if np.abs(square - np.eye(3)).max() > _TURNS or np.linalg.det(turns).min() < 0:
        raise MotionFileError(path, None, "its global_rot_mats are no rotations; get the file again")
    if fps is None and "fps" in held:
        fps = rate_of(path, held["fps"])
    if fps is None:
        fps = bodies.table(_BODIES[30])["fps"]
        warnings.warn(
            f"{path} holds no frame rate; {fps} frames a second are taken, as in Kimodo ({SAY_RATE})",
            FormatWarning,
            stacklevel=3,
        )
    return _motion(path, body, joints, quaternion_from_matrix(turns), _contacts(held, len(joints)), exact_rate(fps))


def recognises(path: Path) -> bool:
    """Whether a .npz file has the arrays of a SOMA-style motion."""
    return {"posed_joints", "global_rot_mats"} <= set(npz_members(path))


def save(motion: Motion, path: str | Path) -> None:
    """Write a motion on SOMA's 30 or 77 joints; foot_contacts that it has not are as detect_contacts finds them.

    Raises:
        OutputError: the skeleton has other joints, or the place cannot be written.
    """
    body = "soma77" if bodies.has_joints_of(motion.skeleton, "soma77") else "soma"
    bodies.ensure_joints_of(motion, body, Path(path), "soma")
    motion = bodies.on_body(motion, body)
    turns, places = motion.transforms()
    write_npz(
        Path(path),
        {
            "posed_joints": places.astype("<f4"),
            "global_rot_mats": matrix_from_quaternion(turns).astype("<f4"),
            "local_rot_mats": matrix_from_quaternion(local_rotations(turns, motion.skeleton.parents)).astype("<f4"),
            "root_positions": motion.root_positions.astype("<f4"),
            "foot_contacts": detect_contacts(motion, _ROLES) if motion.contacts is None else motion.contacts,
            "fps": np.array(float(motion.fps)),
        },
    )


def _contacts(held, frames):
    """(F, 4) bool; None where the file has none, or such as say nothing of four points in each frame."""
    contacts = held.get("foot_contacts")
    if contacts is None or contacts.shape != (frames, 4) or contacts.dtype.kind not in "biuf":
        return None
    return contacts > 0.5


def _motion(path, body, joints, world, contacts, fps):
    skeleton = bodies.skeleton(body)
    parents = list(skeleton.parents[1:])
    local = np.zeros_like(joints)
    local[:, 1:] = rotate(conjugate(world[:, parents]), joints[:, 1:] - joints[:, parents])
    offsets = np.concatenate([skeleton.offsets[:1], np.median(local[:, 1:], axis=0)])
    moves = np.abs(local[:, 1:] - offsets[1:]).max() > _STILL
    rotations = unroll(local_rotations(world, skeleton.parents))
    source = {"file": path.name, "format": "soma", "body": body}
    return Motion(
        skeleton.replace(offsets=offsets),
        rotations,
        joints[:, 0],
        fps,
        local if moves else None,
        contacts=contacts,
        provenance={"source": source},
    )
