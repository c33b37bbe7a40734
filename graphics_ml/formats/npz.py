"""The native file (.npz): a whole Motion, readable with numpy.load alone and nothing pickled.

Members: graphics_ml_motion (the version, 1), rotations (F, J, 4) wxyz, root_positions (F, 3), fps (numerator,
denominator), names (J,), parents (J,), offsets (J, 3), rest_orientations (J, 4), end_joints (E,), end_offsets (E, 3),
end_names (E,), provenance (JSON text), and where the motion has them local_positions (F, J, 3), confidence (F, J),
contacts (F, 4) bool and channels (J,), each joint's names joined by blanks. Metres, radians, Y up; all of it as in
Motion and Skeleton.

The same motion gives the same bytes.
"""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np

from graphics_ml.errors import MotionFileError, OutputError
from graphics_ml.formats.arrays import read_npz, write_npz
from graphics_ml.formats.heads import npz_members
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.skeleton import EndSite, Skeleton
from graphics_ml.wording import brief

VERSION = 1
_VERSION_MEMBER = "graphics_ml_motion"
_OPTIONAL = ("local_positions", "confidence", "contacts", "channels")
_SKELETON = ("names", "parents", "offsets", "rest_orientations", "end_joints", "end_offsets", "end_names")
_NEEDED = (*_SKELETON, "rotations", "root_positions", "fps", "provenance")


def load(path: str | Path) -> Motion:
    """The motion in a native file.

    Raises:
        MotionFileError: the file cannot be read, is no native file, or what it holds makes no motion.
    """
    path = Path(path)
    members = _read(path)
    try:
        return _motion(members)
    except (ValueError, TypeError, ZeroDivisionError, IndexError, RecursionError) as error:
        raise MotionFileError(path, None, f"what it holds makes no motion ({error}); save it again") from error


def load_skeleton(path: str | Path) -> Skeleton:
    """The skeleton of the motion in a native file; raises as load."""
    return load(path).skeleton


def recognises(path: Path) -> bool:
    """Whether a file is a .npz of ours by the names of its arrays."""
    return _VERSION_MEMBER in npz_members(path)


def save(motion: Motion, path: str | Path) -> None:
    """Write a motion; nothing of it is lost. What JSON cannot hold in its provenance becomes text.

    Raises:
        OutputError: the place cannot be written, or the frame rate is no fraction of 64-bit numbers.
    """
    if max(motion.fps.numerator, motion.fps.denominator) >= 1 << 63:
        raise OutputError(path, None, f"a rate of {motion.fps} frames a second is too long a fraction; resample first")
    write_npz(path, _members(motion))


def _members(motion):
    skeleton = motion.skeleton
    ends = skeleton.end_sites
    members = {
        _VERSION_MEMBER: np.array(VERSION, "<i8"),
        "rotations": motion.rotations,
        "root_positions": motion.root_positions,
        "fps": np.array([motion.fps.numerator, motion.fps.denominator], "<i8"),
        "names": _text(skeleton.names),
        "parents": np.array(skeleton.parents, "<i8"),
        "offsets": skeleton.offsets,
        "rest_orientations": skeleton.rest_orientations,
        "end_joints": np.array([end.joint for end in ends], "<i8"),
        "end_offsets": np.array([end.offset for end in ends], "<f8").reshape(-1, 3),
        "end_names": _text([end.name for end in ends]),
        "provenance": np.array(json.dumps(motion.provenance, ensure_ascii=False, default=str)),
        "local_positions": motion.local_positions,
        "confidence": motion.confidence,
        "contacts": motion.contacts,
        "channels": None if skeleton.channels is None else _text([" ".join(names) for names in skeleton.channels]),
    }
    return {name: array for name, array in members.items() if array is not None}


def _text(words):
    return np.array(words, dtype=f"<U{max(1, *map(len, words), 1)}")


def _read(path):
    """{name: array} of the members that a motion has."""
    held = npz_members(path)
    if _VERSION_MEMBER not in held:
        if held:
            shown = ", ".join(sorted(held)[:8])
            raise MotionFileError(path, None, f"this is no motion saved by graphics_ml; it holds {shown}")
        raise MotionFileError(path, None, "it cannot be read as a .npz file; it may be broken")
    missing = [name for name in _NEEDED if name not in held]
    if missing:
        raise MotionFileError(path, None, f"{', '.join(missing)} is missing in it; save the motion again")
    members = read_npz(path, (_VERSION_MEMBER, *_NEEDED, *_OPTIONAL))
    version = members.pop(_VERSION_MEMBER)
    if version.shape != () or version != VERSION:
        raise MotionFileError(
            path, None, f"it is of version {brief(version)}, this program reads {VERSION}; update graphics-ml"
        )
    return members


def _motion(members):
    channels = members.get("channels")
    names, end_names = (members[name].astype(str).tolist() for name in ("names", "end_names"))
    ends = zip(members["end_joints"].tolist(), members["end_offsets"], end_names, strict=True)
    skeleton = Skeleton(
        names,
        members["parents"].tolist(),
        members["offsets"],
        members["rest_orientations"],
        [EndSite(*end) for end in ends],
        None if channels is None else [of_joint.split() for of_joint in channels.astype(str).tolist()],
    )
    numerator, denominator = members["fps"].tolist()
    provenance = json.loads(str(members["provenance"]))
    if not isinstance(provenance, dict):
        raise ValueError("its provenance is no table of names and values")
    return Motion(
        skeleton,
        members["rotations"],
        members["root_positions"],
        Fraction(numerator, denominator),
        members.get("local_positions"),
        members.get("confidence"),
        provenance,
        members.get("contacts"),
    )
