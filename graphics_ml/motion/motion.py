"""A motion: how a skeleton moves over time. It never changes; functions give new ones."""

from dataclasses import dataclass, field, replace
from fractions import Fraction

import numpy as np

from graphics_ml.motion.kinematics import forward_kinematics, global_rotations, transforms
from graphics_ml.motion.skeleton import Skeleton
from graphics_ml.wording import short_repr


@short_repr
@dataclass(frozen=True, eq=False)
class Motion:
    """F frames of a skeleton, Y up, facing +Z, metres.

    Args:
        skeleton: J joints.
        rotations: (F, J, 4) unit quaternions wxyz, each joint relative to its parent, rest orientation included: the
            rest pose is `rotations = skeleton.rest_orientations`. They are normalised here.
        root_positions: (F, 3) world position of the root joint, metres.
        fps: frames per second, exact.
        local_positions: (F, J, 3) metres, each joint in its parent's frame, where a file moves other joints than the
            root; they replace the skeleton's offsets. The root's row is set to root_positions.
        confidence: (F, J) from 0 (invented) to 1 (seen), where the motion came from a detector.
        provenance: what made it; plain values that JSON can hold.
        contacts: (F, 4) bool, columns as contacts.CONTACT_ROLES, when heels and toes stand, where what made the motion
            knows it; None: it has to be looked for.

    Raises:
        ValueError: shapes do not fit, no frames, a value is not finite, a quaternion is zero, fps is not positive.
    """

    skeleton: Skeleton
    rotations: np.ndarray
    root_positions: np.ndarray
    fps: Fraction
    local_positions: np.ndarray | None = None
    confidence: np.ndarray | None = None
    provenance: dict = field(default_factory=dict)
    contacts: np.ndarray | None = None

    def __post_init__(self):
        joints = len(self.skeleton)
        rotations = _shaped(self.rotations, (None, joints, 4), "rotations")
        frames = rotations.shape[0]
        if frames == 0:
            raise ValueError("a motion needs at least one frame")
        rotations = _unit(rotations, self.skeleton.names)
        root = _array(self.root_positions, (frames, 3), "root positions")
        local = self.local_positions
        if local is not None:
            local = np.array(_array(local, (frames, joints, 3), "local positions"))
            local[:, 0] = root
        confidence = self.confidence
        if confidence is not None:
            confidence = _array(confidence, (frames, joints), "confidence")
        contacts = self.contacts
        if contacts is not None:
            contacts = np.asarray(contacts)
            if contacts.shape != (frames, 4) or contacts.dtype != bool:
                raise ValueError(f"contacts are {contacts.dtype} of shape {contacts.shape}, not bool of ({frames}, 4)")
        fps = exact_rate(self.fps)
        for name, value in dict(
            rotations=rotations,
            root_positions=root,
            local_positions=local,
            confidence=confidence,
            contacts=contacts,
        ).items():
            if value is not None:
                value = value if _frozen(value) else np.array(value)
                value.flags.writeable = False
            object.__setattr__(self, name, value)
        object.__setattr__(self, "fps", fps)
        object.__setattr__(self, "provenance", dict(self.provenance))

    def __len__(self):
        return self.rotations.shape[0]

    @property
    def duration(self) -> float:
        """Seconds: the number of frames divided by the frame rate."""
        return float(len(self) / self.fps)

    @property
    def offsets(self) -> np.ndarray:
        """What places each joint in its parent's frame: (J, 3), or (F, J, 3) where local positions say so."""
        return self.skeleton.offsets if self.local_positions is None else self.local_positions

    def positions(self) -> np.ndarray:
        """World positions (F, J, 3) of the joints, metres."""
        return forward_kinematics(self.rotations, self.root_positions, self.offsets, self.skeleton.parents)

    def orientations(self) -> np.ndarray:
        """World rotations (F, J, 4) of the joints."""
        return global_rotations(self.rotations, self.skeleton.parents)

    def transforms(self) -> tuple[np.ndarray, np.ndarray]:
        """World rotations (F, J, 4) and positions (F, J, 3) of the joints."""
        return transforms(self.rotations, self.root_positions, self.offsets, self.skeleton.parents)

    def replace(self, **changes) -> "Motion":
        """A copy with some fields changed."""
        return replace(self, **changes)

    def frames(self, start: int, end: int) -> "Motion":
        """The frames start to end, end not included, as a motion of their own."""
        cut = {
            name: getattr(self, name)[start:end]
            for name in ("rotations", "root_positions", "local_positions", "confidence", "contacts")
            if getattr(self, name) is not None
        }
        return self.replace(**cut)


def exact_rate(fps) -> Fraction:
    """Frames per second as a Fraction, of anything that Fraction takes.

    Raises:
        ValueError: it is no positive number.
    """
    try:
        rate = Fraction(fps)
    except (ValueError, OverflowError, ZeroDivisionError, TypeError):
        rate = Fraction(0)
    if rate <= 0:
        raise ValueError(f"a frame rate must be a positive number, not {fps}")
    return rate


def _frozen(array):
    """Whether nobody can write into its memory; a read-only view of somebody's array is not enough."""
    owner = array if array.base is None else array.base
    return not array.flags.writeable and isinstance(owner, np.ndarray) and not owner.flags.writeable


def _unit(rotations, names):
    """Finite rotations (F, J, 4) normalised; those that are unit already stay as they are, to the last bit."""
    squares = np.einsum("fjc,fjc->fj", rotations, rotations)
    lowest, highest = squares.min(), squares.max()
    if lowest > 1 - 1e-12 and highest < 1 + 1e-12:  # false where a value is not finite
        return rotations
    _finite(rotations, "rotations")
    _finite(squares, "squares of rotations")
    norms = np.sqrt(squares)
    if lowest < 1e-12:
        frame, joint = np.argwhere(norms < 1e-6)[0]
        raise ValueError(f"the rotation of '{names[joint]}' at frame {frame} is a zero quaternion")
    return np.where((np.abs(norms - 1) > 1e-12)[..., None], rotations / norms[..., None], rotations)


def _array(value, shape, what):
    return _finite(_shaped(value, shape, what), what)


def _shaped(value, shape, what):
    array = np.asarray(value, dtype=np.float64)
    if array.ndim != len(shape) or any(want not in (None, have) for want, have in zip(shape, array.shape, strict=True)):
        wanted = ", ".join("F" if want is None else str(want) for want in shape)
        raise ValueError(f"{what} have shape {array.shape}, not ({wanted})")
    return array


def _finite(array, what):
    if not np.isfinite(array).all():
        raise ValueError(f"{what} hold a value that is not finite at frame {np.argwhere(~np.isfinite(array))[0][0]}")
    return array
