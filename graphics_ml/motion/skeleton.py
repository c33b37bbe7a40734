"""A skeleton: names, tree, rest pose. It never changes; what moves is a Motion."""

from dataclasses import dataclass, replace

import numpy as np

from graphics_ml.motion.kinematics import forward_kinematics, transforms
from graphics_ml.wording import short_repr


@dataclass(frozen=True, eq=False)
class EndSite:
    """Where the bone of a joint without children ends.

    Args:
        joint: index of the joint.
        offset: (3,) metres, in the joint's frame.
        name: often empty.
    """

    joint: int
    offset: np.ndarray
    name: str = ""

    def __post_init__(self):
        object.__setattr__(self, "offset", _frozen_array(self.offset, (3,), "end site offset"))


@short_repr
@dataclass(frozen=True, eq=False)
class Skeleton:
    """Joints in one tree, Y up, facing +Z, metres.

    Args:
        names: J joint names, all different.
        parents: J indices; parents[0] is -1 (the one root), parents come before children.
        offsets: (J, 3) from the parent's joint, in the parent's frame, in the zero pose; the root's is its rest place.
        rest_orientations: (J, 4) rotation of each joint relative to its parent in the rest pose; identity when None.
            They are normalised here.
        end_sites: where leaf bones end.
        channels: per joint the channel names in the order of the file it came from ("Xposition", ...), or None.

    Raises:
        ValueError: names, parents and arrays do not fit together.
    """

    names: tuple[str, ...]
    parents: tuple[int, ...]
    offsets: np.ndarray
    rest_orientations: np.ndarray | None = None
    end_sites: tuple[EndSite, ...] = ()
    channels: tuple[tuple[str, ...], ...] | None = None

    def __post_init__(self):
        names, parents = tuple(self.names), tuple(int(p) for p in self.parents)
        count = len(names)
        if len(set(names)) != count:
            twice = sorted({name for name in names if names.count(name) > 1})
            raise ValueError(f"joint names are not unique: {', '.join(twice)}")
        if count == 0 or len(parents) != count or parents[0] != -1:
            raise ValueError(f"a skeleton needs one parent for each of its {count} joints, -1 for the first")
        for joint, parent in enumerate(parents[1:], start=1):
            if not 0 <= parent < joint:
                raise ValueError(f"joint '{names[joint]}' has parent {parent}; parents come before their children")
        for end in self.end_sites:
            if not 0 <= end.joint < count:
                raise ValueError(f"an end site belongs to joint {end.joint}, the skeleton has {count} joints")
        if self.channels is not None and len(self.channels) != count:
            raise ValueError(f"channels are given for {len(self.channels)} joints, the skeleton has {count}")
        rest = np.tile([1.0, 0, 0, 0], (count, 1)) if self.rest_orientations is None else self.rest_orientations
        for name, value in dict(
            names=names,
            parents=parents,
            offsets=_frozen_array(self.offsets, (count, 3), "offsets"),
            rest_orientations=_unit_quaternions(_frozen_array(rest, (count, 4), "rest orientations")),
            end_sites=tuple(self.end_sites),
            channels=None if self.channels is None else tuple(tuple(c) for c in self.channels),
        ).items():
            object.__setattr__(self, name, value)

    def __len__(self):
        return len(self.names)

    def index(self, name: str) -> int:
        """Index of the joint called `name`; KeyError when there is none."""
        try:
            return self.names.index(name)
        except ValueError:
            raise KeyError(f"the skeleton has no joint '{name}'; it has {', '.join(self.names)}") from None

    @property
    def children(self) -> tuple[tuple[int, ...], ...]:
        """For each joint the indices of its children."""
        lists = [[] for _ in self.names]
        for joint, parent in enumerate(self.parents):
            if parent >= 0:
                lists[parent].append(joint)
        return tuple(tuple(c) for c in lists)

    def rest_positions(self) -> np.ndarray:
        """World positions (J, 3) of the joints in the rest pose, metres."""
        return forward_kinematics(self.rest_orientations, self.offsets[0], self.offsets, self.parents)

    def rest_transforms(self) -> tuple[np.ndarray, np.ndarray]:
        """World rotations (J, 4) and positions (J, 3) in the rest pose."""
        return transforms(self.rest_orientations, self.offsets[0], self.offsets, self.parents)

    def replace(self, **changes) -> "Skeleton":
        """A copy with some fields changed."""
        return replace(self, **changes)


def _frozen_array(value, shape, what):
    array = np.array(value, dtype=np.float64)
    if array.shape != shape:
        raise ValueError(f"{what} have shape {array.shape}, not {shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{what} hold a value that is not finite")
    array.flags.writeable = False
    return array


def _unit_quaternions(array):
    norms = np.linalg.norm(array, axis=-1, keepdims=True)
    if norms.min() < 1e-6:
        raise ValueError("rest orientations hold a zero quaternion")
    unit = np.where(np.abs(norms - 1) > 1e-12, array / norms, array)
    unit.flags.writeable = False
    return unit
