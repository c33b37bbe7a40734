"""AMASS (.npz): motions of SMPL-H bodies, 52 joints, and of SMPL bodies, 24 joints.

Arrays: poses (F, 156) or (F, 72) rotation vectors, trans (F, 3) metres, betas (16,), gender, mocap_framerate, and dmpls
(F, 8), the soft tissue, which moves no joint: it is left out, as the markers are, and written as zeros. Read are also
files that name their parts root_orient, pose_body, pose_hand or global_orient, body_pose, left_hand_pose,
right_hand_pose, and poses (F, 66) without hands, which are then open. See smpl for the method.
"""

from fractions import Fraction
from pathlib import Path

import numpy as np

from graphics_ml.formats import bodies, smpl
from graphics_ml.formats.arrays import write_npz
from graphics_ml.formats.heads import npz_members
from graphics_ml.motion.motion import Motion


def load(
    path: str | Path,
    body_model: str | Path | None = None,
    up: str = "Z",
    fps: Fraction | None = None,
    trust_pickle: bool = False,
) -> Motion:
    """The motion in an AMASS file, Y up.

    Args:
        path: the file.
        body_model: the user's own SMPL-H or SMPL model (.npz), or a folder of them, for the joints of this body's
            shape; a FormatWarning says that they are a published mean body's when None.
        up: "Z", or "Y" for files that are not AMASS's own.
        fps: frames per second; the file's own when None.
        trust_pickle: load a body model that is a pickle (.pkl), which can run any program in it.

    Raises:
        MotionFileError: the file or the body model cannot be read, or holds no motion.
        MissingExtraError: a body model is given, and smplx or torch is not installed.
    """
    return smpl.load(Path(path), "amass", body_model, up, fps, trust_pickle)


def recognises(path: Path) -> bool:
    """Whether a .npz file has the arrays of a motion of a SMPL body."""
    held = npz_members(path)
    return "poses" in held or {"root_orient", "pose_body"} <= set(held) or {"global_orient", "body_pose"} <= set(held)


def save(motion: Motion, path: str | Path) -> None:
    """Write a motion on SMPL-H's or SMPL's joints, Z up, as AMASS does.

    The bones are not in the file, only the betas of the file that the motion came from, or none.

    Raises:
        OutputError: the skeleton has other joints, or the place cannot be written.
    """
    body = "smpl" if bodies.has_joints_of(motion.skeleton, "smpl") else "smplh"
    bodies.ensure_joints_of(motion, body, Path(path), "amass")
    poses, trans, shape = smpl.parameters(motion, body)
    write_npz(
        Path(path),
        {
            "poses": poses,
            "trans": trans,
            "betas": shape["betas"],
            "dmpls": np.zeros((len(motion), 8)),  # some readers of AMASS ask for them
            "gender": np.array(shape["gender"]),
            "mocap_framerate": np.array(float(motion.fps)),
        },
    )
