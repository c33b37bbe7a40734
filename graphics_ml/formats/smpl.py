"""Motions of the SMPL bodies, as arrays of pose parameters: what amass.py and smplx.py read and write.

A pose is one rotation vector per joint, relative to its parent; the zero pose is the T-pose. `trans` is where the
body's origin is, and the pelvis is not at the origin: it stands at trans + J, J its place in the zero pose of this
body's shape (Loper et al., "SMPL", ACM Trans. Graph. 2015, equations 2 to 4; the root turns about J). AMASS has Z up
(Mahmood et al., ICCV 2019).

A file holds the body's shape as coefficients (betas) of a model that its user has a licence for. With `body_model` the
skeleton gets this shape's joints; without, those of a published mean body (see bodies).
"""

import warnings
from fractions import Fraction
from pathlib import Path

import numpy as np

from graphics_ml.errors import FormatWarning, MotionFileError
from graphics_ml.formats import bodies
from graphics_ml.formats.arrays import rate_of, read_npz
from graphics_ml.formats.body_models import rest_joints
from graphics_ml.formats.conventions import from_y_up, to_y_up
from graphics_ml.hints import SAY_BODY, SAY_RATE
from graphics_ml.motion.motion import Motion, exact_rate
from graphics_ml.motion.rotations import (
    axis_angle_from_quaternion,
    conjugate,
    multiply,
    quaternion_from_axis_angle,
    unroll,
)

_POSE_PARTS = {
    "smplx": ("root_orient", "pose_body", "pose_jaw", "pose_eye", "pose_hand"),
    "smplh": ("root_orient", "pose_body", "pose_hand"),
}
_PACKAGE_PARTS = (
    "global_orient",
    "body_pose",
    "jaw_pose",
    "leye_pose",
    "reye_pose",
    "left_hand_pose",
    "right_hand_pose",
)
_RATES = ("mocap_framerate", "mocap_frame_rate", "fps", "frame_rate")
_PLACES = ("trans", "transl")
_OTHERS = ("poses", "betas", "gender", "surface_model_type")
_ARRAYS = (*_OTHERS, *_PLACES, *_RATES, *dict.fromkeys(sum(_POSE_PARTS.values(), ())), *_PACKAGE_PARTS)
_BODY_OF_JOINTS = {22: "smplh", 24: "smpl", 52: "smplh", 55: "smplx"}
_MOST = 1e6  # metres, and radians, that no number of a motion is
_Z_UP_TO_Y_UP = np.array([np.sqrt(0.5), -np.sqrt(0.5), 0, 0])


def load(
    path: Path, format: str, body_model: str | Path | None, up: str, fps: Fraction | None, trust_pickle: bool
) -> Motion:
    """The motion in a file of pose parameters.

    Args:
        path: the file.
        format: "amass" or "smplx", for the provenance.
        body_model: the user's own model file of this body, or a folder of them; the published mean body when None.
        up: "Z" as in AMASS, or "Y".
        fps: frames per second; the file's own when None.
        trust_pickle: whether a body model that is a pickle may be loaded, which can run any program in it.

    Raises:
        MotionFileError: the file cannot be read, an array is missing or has a wrong shape, or no rate is known.
    """
    if up not in ("Y", "Z"):
        raise MotionFileError(path, None, f"its up axis is 'Y' or 'Z', not '{up}'")
    held = read_npz(path, _ARRAYS)
    poses = _poses(path, held)
    body = _BODY_OF_JOINTS.get(poses.shape[1])
    if body is None:
        known = ", ".join(str(3 * joints) for joints in _BODY_OF_JOINTS)
        raise MotionFileError(path, None, f"its poses have {3 * poses.shape[1]} numbers; bodies have {known}")
    whole = np.zeros((len(poses), len(bodies.skeleton(body)), 3))
    whole[:, : poses.shape[1]] = poses
    place = next((held[name] for name in _PLACES if name in held), np.zeros((len(poses), 3)))
    if place.shape != (len(poses), 3) or place.dtype.kind not in "fiu":
        raise MotionFileError(path, None, f"its trans has shape {place.shape}, not ({len(poses)}, 3)")
    if not (np.abs(poses).max() < _MOST and np.abs(place).max() < _MOST):
        raise MotionFileError(path, None, "a number in its poses or trans is not finite or huge; get the file again")
    betas = _betas(path, held)
    source = {
        "file": path.name,
        "format": format,
        "body": body,
        "gender": _text(held.get("gender", np.array("neutral"))),
        "betas": betas.tolist(),
        "up": up,
    }
    skeleton = bodies.skeleton(body)
    if body_model is not None:
        joints = rest_joints(body, Path(body_model), betas, source["gender"], trust_pickle)
        parents = list(skeleton.parents[1:])
        skeleton = skeleton.replace(offsets=np.concatenate([joints[:1], joints[1:] - joints[parents]]))
    else:
        about = bodies.table(body)["source"]
        warnings.warn(
            f"{path}: its bones are those of {about}; the ones of its betas need the model ({SAY_BODY})",
            FormatWarning,
            stacklevel=4,
        )
    rate = exact_rate(fps) if fps is not None else _rate(path, held)
    try:
        rotations = quaternion_from_axis_angle(whole)
        root = place + skeleton.offsets[0]
        if up == "Z":
            rotations[:, 0] = multiply(_Z_UP_TO_Y_UP, rotations[:, 0])
            root = to_y_up(root, "Z")
        return Motion(skeleton, unroll(rotations), root, rate, provenance={"source": source})
    except ValueError as error:
        raise MotionFileError(path, None, f"what it holds makes no motion: {error}") from error


def parameters(motion: Motion, body: str) -> tuple[np.ndarray, np.ndarray, dict]:
    """Poses (F, 3 J) and trans (F, 3), Z up, of a motion on this body, and {"betas", "gender"} of what it came from.

    Mean shape and neutral gender where the motion does not say, as after retargeting.
    """
    motion = bodies.on_body(motion, body)
    rotations = np.array(motion.rotations)
    rotations[:, 0] = multiply(conjugate(_Z_UP_TO_Y_UP), rotations[:, 0])
    trans = from_y_up(motion.root_positions, "Z") - motion.skeleton.offsets[0]
    source = motion.provenance.get("source")
    source = source if isinstance(source, dict) and source.get("body") == body else {}
    shape = {"betas": np.array(source.get("betas") or np.zeros(16), "<f8"), "gender": source.get("gender", "neutral")}
    return axis_angle_from_quaternion(rotations).reshape(len(motion), -1), trans, shape


def _poses(path, held):
    """Rotation vectors (F, J, 3) in the body's own order of joints."""
    if "poses" in held:
        poses = held["poses"]
    else:
        names = next(
            (parts for parts in (*_POSE_PARTS.values(), _PACKAGE_PARTS) if parts[0] in held and parts[1] in held), None
        )
        if names is None:
            what = "a body's shape and no poses" if "betas" in held else "no poses"
            raise MotionFileError(path, None, f"it holds {what}; choose the file of a motion")
        parts = [held[name] for name in names if name in held]
        if len({part.shape[:1] for part in parts}) > 1 or not parts[0].size:
            raise MotionFileError(path, None, "the parts of its poses are not equally long, or empty")
        poses = np.concatenate([part.reshape(len(part), -1) for part in parts if part.size], axis=1)
    if poses.dtype.kind not in "fiu" or poses.ndim < 2 or len(poses) == 0 or poses[0].size % 3:
        raise MotionFileError(
            path, None, f"its poses have shape {poses.shape}; they are three numbers per joint and frame"
        )
    return poses.reshape(len(poses), -1, 3).astype(np.float64)


def _betas(path, held):
    betas = held.get("betas", np.zeros(0))
    betas = betas[0] if betas.ndim == 2 and len(betas) else betas
    if betas.ndim != 1 or betas.dtype.kind not in "fiu" or not np.isfinite(betas).all():
        raise MotionFileError(path, None, f"its betas have shape {betas.shape}; they are one row of numbers")
    return betas.astype(np.float64)


def _rate(path, held):
    rate = next((held[name] for name in _RATES if name in held), None)
    if rate is None:
        raise MotionFileError(path, None, f"it holds no frame rate; say it with {SAY_RATE}")
    return rate_of(path, rate)


def _text(array):
    value = array.reshape(-1)[0] if array.size and array.dtype.kind in "US" else "neutral"
    return value.decode("ascii", "replace") if isinstance(value, bytes) else str(value)
