"""Bodies of other lengths, and with fewer joints, than the one they are made of."""

from collections.abc import Callable, Mapping

import numpy as np

from graphics_ml.motion.skeleton import EndSite, Skeleton

_SOLE = 0.02  # metres from the ground up to the lowest joint


def with_lengths(skeleton: Skeleton, lengths: Mapping[str, float]) -> Skeleton:
    """The body with bones so many times as long whose names have these words, others by lengths[""]; it stands on the
    ground."""
    factors = [next((f for word, f in lengths.items() if word and word in name), lengths[""])
               for name in skeleton.names]  # fmt: skip
    offsets = skeleton.offsets * np.array(factors)[:, None]
    ends = tuple(EndSite(end.joint, end.offset * factors[end.joint]) for end in skeleton.end_sites)
    offsets[0, 1] -= skeleton.replace(offsets=offsets).rest_positions()[:, 1].min() - _SOLE
    return skeleton.replace(offsets=offsets, end_sites=ends)


def with_only(skeleton: Skeleton, kept: Callable[[str], bool]) -> Skeleton:
    """The body with only the joints of these names; what hung on others hangs on what is above."""
    places = skeleton.rest_positions()
    joints = [joint for joint, name in enumerate(skeleton.names) if kept(name)]

    def above(joint):
        joint = skeleton.parents[joint]
        return joint if joint < 0 or joint in joints else above(joint)

    parents = [above(joint) for joint in joints]
    offsets = [places[j] - (places[p] if p >= 0 else 0) for j, p in zip(joints, parents, strict=True)]
    rows = [joints.index(p) if p >= 0 else -1 for p in parents]
    return Skeleton([skeleton.names[joint] for joint in joints], rows, offsets)
