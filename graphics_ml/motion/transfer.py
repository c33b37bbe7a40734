"""The world orientations of one body's segments given to another's, worked out once for a pair of skeletons.

Each joint of the target follows a joint of the source: its world rotation is the source's times a constant, because
every segment has a frame that means the same on both (body_frames.py). Its local rotation is then a constant, times
what lies between the followed joints of it and of its parent, times a constant. As a rule one local rotation of the
source lies between, so that a target's local rotation is one 4x4 matrix on a source's, for all frames at once, without
kinematics. The spine and the neck are sampled along their lengths, for chains of different counts.
"""

import numpy as np

from graphics_ml.motion.body_frames import Body
from graphics_ml.motion.body_shape import common_ancestor, descends, path_down
from graphics_ml.motion.bone_names import FINGERS
from graphics_ml.motion.rotations import conjugate, multiply, slerp

_SIDES = ("left", "right")
_NONE = np.array([1.0, 0, 0, 0])
_PIECE = 1024  # frames at a time, whose rotations stay in the processor's cache


class Transfer:
    """Source rotations to target rotations, for one pair of bodies.

    Args:
        source, goal: the two bodies.

    Attributes:
        led: the target's joints that follow something; the others rest on their parents.
    """

    def __init__(self, source: Body, goal: Body):
        self._skeleton = goal.skeleton
        followed = _followed(source, goal)
        self.led = frozenset(followed)
        # Of each target joint: the source joint it follows (-1: the world), and the constant, or the pair of constants
        # and the place between two source joints, that come after it.
        follows, after = [], []
        self._constant, self._products, self._sampled = [], [], []
        for joint, parent in enumerate(goal.skeleton.parents):
            rest = goal.skeleton.rest_orientations[joint]
            if joint not in followed:
                self._constant.append((joint, rest))
                anchor, own = (-1, _NONE) if parent < 0 else (follows[parent], after[parent])
                follows.append(anchor)
                after.append(own.then(rest) if isinstance(own, _Between) else multiply(own, rest))
                continue
            anchor, own = followed[joint]
            follows.append(anchor)
            after.append(own)
            above, before = (-1, _NONE) if parent < 0 else (follows[parent], after[parent])
            way = _way(source.skeleton, above, anchor)
            if isinstance(own, _Between) or isinstance(before, _Between):
                self._sampled.append((joint, before, way, own))
            elif way == ((), ()):
                self._constant.append((joint, multiply(conjugate(before), own)))
            else:
                self._products.append((joint, way, _sandwich(conjugate(before), own)))
        self._matrices = np.stack([matrix for _, _, matrix in self._products])

    def rotations(self, source: np.ndarray) -> np.ndarray:
        """Local rotations (F, J, 4) of the target, unrolled, of the source's (F, K, 4).

        One component of one joint over all frames lies together in memory, as kinematics wants it.
        """
        rows = np.empty((len(self._skeleton), 4, len(source)))
        local = source.transpose(1, 2, 0)
        for first in range(0, len(source), _PIECE):
            piece = slice(first, first + _PIECE)
            self._turn(local[..., piece], rows[..., piece])
        _unroll(rows)
        return rows.transpose(2, 0, 1)

    def _turn(self, local, rows):
        """Write the target's rotations (J, 4, F) for the source's (K, 4, F)."""
        frames = local.shape[-1]
        between = np.empty((len(self._products), 4, frames))
        for row, (_, way, _) in enumerate(self._products):
            _turn_along(local, way, between[row])
        rows[[joint for joint, _, _ in self._products]] = np.matmul(self._matrices, between)
        for joint, value in self._constant:
            rows[joint] = value[:, None]
        for joint, before, way, own in self._sampled:
            turn = _turn_along(local, way, np.empty((4, frames))).T
            left = before.turns(local) if isinstance(before, _Between) else before
            right = own.turns(local) if isinstance(own, _Between) else own
            rows[joint] = multiply(multiply(conjugate(left), turn), right).T


class _Between:
    """A rotation that is sampled between two joints of the source, relative to the upper one: `start` there, then a
    part of the way to `end` at the other, then a constant."""

    def __init__(self, way, start, end, part, last=_NONE):
        self.way, self.start, self.end, self.part, self.last = way, start, end, part, last

    def then(self, constant):
        return _Between(self.way, self.start, self.end, self.part, multiply(self.last, constant))

    def turns(self, local):
        """(F, 4), of the source's local rotations (K, 4, F)."""
        there = multiply(_turn_along(local, self.way, np.empty(local.shape[1:])).T, self.end)
        here = np.broadcast_to(self.start, there.shape)
        return multiply(slerp(here, there, np.asarray(self.part)), self.last)


def trunk_frames(body: Body):
    """A function that gives the segment frame (4,) of any joint: its role's, and else upright in the standing pose, as
    the hips' is."""
    named = {joint: body.frames[role] for role, joint in body.joints.items()}
    hips = body.joints["hips"]
    upright = multiply(body.standing[hips], body.frames["hips"])
    return lambda joint: named[joint] if joint in named else multiply(conjugate(body.standing[joint]), upright)


def _followed(source, goal):
    """Target joint to (source joint, what comes after its rotation), for every joint that follows something."""
    segments = {role: (joint, source.frames[role]) for role, joint in source.joints.items()}
    followed = {}
    for role, joint in goal.joints.items():
        like = role if role in segments else _nearest_finger(role, segments)
        if like in segments:
            other, frame = segments[like]
            followed[joint] = (other, multiply(frame, conjugate(goal.frames[role])))
    lines = [(_spine(source), _spine(goal)), (_neck(source), _neck(goal))]
    for source_line, goal_line in lines:
        followed.update(_sampled(source_line, goal_line, source, goal))
    trunks = ([joint for line in both for joint in line] for both in zip(*lines, strict=True))
    followed.update(_same_names(source, goal, *trunks))
    return followed


def _nearest_finger(role, segments):
    """The finger beside one that the source lacks; None for other roles."""
    side, _, rest = role.partition("_")
    finger, _, number = rest.partition("_")
    known = [f for f in FINGERS[1:] if f"{side}_{f}_{number}" in segments]
    if finger not in FINGERS[1:] or not known:
        return None
    nearest = min(known, key=lambda f: abs(FINGERS.index(f) - FINGERS.index(finger)))
    return f"{side}_{nearest}_{number}"


def _spine(body):
    """Joints from the hips to the one from which the arms hang."""
    arms = [body.joints.get(f"{side}_shoulder", body.joints[f"{side}_upper_arm"]) for side in _SIDES]
    return _line(body, body.joints["hips"], common_ancestor(body.skeleton, arms))


def _neck(body):
    """Joints from where the arms hang to the head; only the start where there is no head."""
    start = _spine(body)[-1]
    return _line(body, start, body.joints["head"]) if "head" in body.joints else [start]


def _line(body, top, joint):
    return path_down(body.skeleton, top, joint) if descends(body.skeleton, joint, top) else [top]


def _sampled(source_line, goal_line, source, goal):
    """What the joints of a chain between two known ends follow, sampled where the source's chain has its joints.

    Both chains run from 0 at the first joint to 1 at the last; a joint at t gets what lies at t on the source.
    """
    frame, goal_frame = trunk_frames(source), trunk_frames(goal)
    followed = {}
    for n, joint in enumerate(goal_line[1:], start=1):
        at = n / (len(goal_line) - 1) * (len(source_line) - 1)
        below = min(int(at + 1e-9), len(source_line) - 1)
        here, last = source_line[below], conjugate(goal_frame(joint))
        if at - below > 1e-6:
            above = source_line[below + 1]
            way = _way(source.skeleton, here, above)
            followed[joint] = (here, _Between(way, frame(here), frame(above), at - below, last))
        else:
            followed[joint] = (here, multiply(frame(here), last))
    return followed


def _same_names(source, goal, source_trunk, goal_trunk):
    """Joints without a role (finger tips, hair, props) that both skeletons call the same follow each other."""
    names = {_bare(name): joint for joint, name in enumerate(source.skeleton.names)}
    taken = {*source.joints.values(), *source_trunk}
    driven = {*goal.joints.values(), *goal_trunk}
    frame, goal_frame = trunk_frames(source), trunk_frames(goal)
    followed = {}
    for joint, name in enumerate(goal.skeleton.names):
        other = names.get(_bare(name))
        if joint not in driven and other is not None and other not in taken:
            followed[joint] = (other, multiply(frame(other), conjugate(goal_frame(joint))))
    return followed


def _bare(name):
    return name.rpartition(":")[2].lower()


def _way(skeleton, start, end):
    """From the frame of joint `start` (-1: the world) to that of `end`: the joints up from the one, and those down to
    the other, below what is above both."""
    lines = []
    for joint in (start, end):
        line = []
        while joint >= 0:
            line.append(joint)
            joint = skeleton.parents[joint]
        lines.append(line[::-1])
    shared = 0
    while shared < min(map(len, lines)) and lines[0][shared] == lines[1][shared]:
        shared += 1
    return tuple(lines[0][shared:]), tuple(lines[1][shared:])


def _turn_along(local, way, out):
    """The rotation (4, F), written to `out`, that leads along a way, of local rotations (K, 4, F)."""
    up, down = (_product(local, joints) for joints in way)
    if up is None:
        out[:] = _NONE[:, None] if down is None else down
    else:
        back = conjugate(up.T)
        out[:] = (back if down is None else multiply(back, down.T)).T
    return out


def _product(local, joints):
    if not joints:
        return None
    turn = local[joints[0]]
    for joint in joints[1:]:
        turn = multiply(turn.T, local[joint].T).T
    return turn


def _sandwich(a, b):
    """The matrix (4, 4) that takes a quaternion q to a q b."""
    w, x, y, z = a
    left = np.array([[w, -x, -y, -z], [x, w, -z, y], [y, z, w, -x], [z, -y, x, w]])
    w, x, y, z = b
    right = np.array([[w, -x, -y, -z], [x, w, z, -y], [y, -z, w, x], [z, y, -x, w]])
    return left @ right


def _unroll(rows):
    """Signs of quaternions (J, 4, F) chosen, in place, so that neighbours in time lie in one hemisphere."""
    dots = np.einsum("jcf,jcf->jf", rows[..., 1:], rows[..., :-1])
    for joint in np.flatnonzero((dots < 0).any(axis=1)):
        rows[joint, :, 1:] *= 1 - 2 * (np.cumsum(dots[joint] < 0) % 2)
