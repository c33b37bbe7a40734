"""SMPL-X (.npz) as AMASS's second stage writes it: motions of 55 joints.

Arrays: root_orient (F, 3), pose_body (F, 63), pose_jaw (F, 3), pose_eye (F, 6), pose_hand (F, 90), all of them again as
poses (F, 165), trans (F, 3), betas, gender, mocap_frame_rate, surface_model_type. Read are also the names of the smplx
package: global_orient, body_pose, jaw_pose, leye_pose, reye_pose, left_hand_pose, right_hand_pose, transl. The face's
expression moves no joint and is left out. See smpl for the method.
"""

from fractions import Fraction
from pathlib import Path

import numpy as np

from graphics_ml.formats import bodies, smpl
from graphics_ml.formats.arrays import write_npz
from graphics_ml.formats.heads import npz_members
from graphics_ml.motion.motion import Motion

_JOINTS = {"root_orient": 1, "pose_body": 21, "pose_jaw": 1, "pose_eye": 2, "pose_hand": 30}


def load(
    path: str | Path,
    body_model: str | Path | None = None,
    up: str = "Z",
    fps: Fraction | None = None,
    trust_pickle: bool = False,
) -> Motion:
    """The motion in a SMPL-X file, Y up; arguments and raises as amass.load."""
    return smpl.load(Path(path), "smplx", body_model, up, fps, trust_pickle)


def recognises(path: Path) -> bool:
    """Whether a .npz file has the arrays of a motion of a SMPL-X body."""
    held = set(npz_members(path))
    return {"root_orient", "pose_jaw"} <= held or {"global_orient", "jaw_pose"} <= held


def save(motion: Motion, path: str | Path) -> None:
    """Write a motion on SMPL-X's joints, Z up, as AMASS does; as amass.save."""
    bodies.ensure_joints_of(motion, "smplx", Path(path), "smplx")
    poses, trans, shape = smpl.parameters(motion, "smplx")
    parts, start = {}, 0
    for name, joints in _JOINTS.items():
        parts[name] = poses[:, start : start + 3 * joints]
        start += 3 * joints
    write_npz(
        Path(path),
        {
            "poses": poses,
            **parts,
            "trans": trans,
            "betas": shape["betas"],
            "num_betas": np.array(len(shape["betas"]), "<i8"),
            "gender": np.array(shape["gender"]),
            "surface_model_type": np.array("smplx"),
            "mocap_frame_rate": np.array(float(motion.fps)),
            "mocap_time_length": np.array(motion.duration),
        },
    )
