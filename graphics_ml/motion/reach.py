"""Hands that touch something on the source touch it on the target: the ground, the own body, each other.

Palms that stand on the ground stay on the source's scaled path, as feet do. Arms that would run deeper into the body
than the source's are pushed out, elbows by turning them about the line from shoulder to wrist; but only by so little
that the gesture stays what it is. A hand that is deep inside, as short arms behind a large head are, is left there.

A palm beside a part of the body keeps its distance from that part's surface and its direction from there (the idea of
Molla, Debarba and Boulic, "Egocentric Mapping of Body Surface Constraints", TVCG 2018, on capsules): parts of source
and target are turned alike in the world, so directions carry over, and only radii and lengths differ. How much a palm
is drawn to such a place fades with its distance on the source. What comes and goes with it is the turn of the arm's
bones, not the place of the hand: a hand that moves along a line may pass its shoulder, where the arm whirls round, or
the end of its reach, where the elbow snaps straight. Between touches the turns change as slowly as they can.

Two-bone IK moves the arm; elbows and wrists stay within what people reach, or the source did.
"""

from dataclasses import dataclass

import numpy as np

from graphics_ml.motion.capsules import ARM, CORE, SIDES, TORSO, Capsules, dot, gaps
from graphics_ml.motion.contacts import contacts_from_positions, spans
from graphics_ml.motion.filters import hann_average, smoother
from graphics_ml.motion.foot_lock import spread
from graphics_ml.motion.ik import hinge_pole, limb_rotations, two_bone_ik
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.rotations import (
    angle_between,
    conjugate,
    multiply,
    normalize,
    quaternion_from_axis_angle,
    rotate,
    slerp,
    unroll,
)
from graphics_ml.motion.wrist import ELBOW, wrist_within
from graphics_ml.wording import short_repr

_TOUCHING, _NEAR = 0.02, 0.1  # in lengths of the arm: closer, a palm keeps its place entirely; further off, not at all
_STRAIGHT = (0.8, 0.95)  # of the arm's length from shoulder to wrist: not yet straight, and straight
_DOWN = np.radians((25, 45))  # between arm and trunk: down along it, and no longer
_SLID = 0.25  # lengths of the arm along the surface that a palm is moved at most to be where the source's is
_TOGETHER = 0.2  # palms closer than so keep their places to each other
_BENT = 0.1  # lengths of the arm from the line between shoulder and wrist to an elbow that can be turned out
_ROUNDING = 1e-6  # metres, or radians; less is no correction
_RUN_OUT = 0.2  # seconds in which what holds a hand on the ground runs out beside the contact
_LOW = 0.35  # leg lengths: the body is carried by hands on the ground where knees and feet are all higher
# What takes arms out of the body: lengths of the arm that a palm is moved by at most, and depths from which on it is so
# by less, and not at all; radians that an elbow is turned by at most about the line from shoulder to wrist. So little
# that a gesture stays what it is, and as much as hands need that touch.
_LITTLE, _MUCH = (0.05, (0.08, 0.2), 0.2), (0.6, (0.5, 1.0), 0.8)
_EASED = (0.1, 0.14)  # seconds before and after in which an arm gives way to the body, and comes to a touch
_HASTE = 3.0  # Hz, above which arms between two touches are left alone
_PULL = 0.1  # how much frames without touch ask for the source's directions, where those with it ask for theirs with 1

_NONE = np.array([1.0, 0, 0, 0])


@short_repr
@dataclass(frozen=True)
class Grounded:
    """Palms that stand on the ground.

    Args:
        down: (F, 2) bool, left and right.
        path: (F, 2, 3) metres, where the target's palms shall be then, up to a constant in each contact.
        carrying: (F, 2) bool: those that carry the body, as in a hand-stand.
    """

    down: np.ndarray
    path: np.ndarray
    carrying: np.ndarray


def grounded(seen, source: Capsules, goal: Capsules, fps, *, scale, grounds) -> Grounded:
    """The palms that stand on the ground on the source.

    Args:
        seen: the source's points, as Capsules.points gives them.
        scale, grounds: as for stance.stand.
    """
    palms = np.stack([seen[f"{side}_palm"].T for side in SIDES], axis=1)
    standing = np.full(2, grounds[0] + source.palm)
    down = contacts_from_positions(
        palms, fps, source.part.body.leg, standing=standing, hysteresis=2.0, shortest=0.1, shortest_gap=0.07
    )
    path = scale * palms
    path[..., 1] = grounds[1] + goal.palm + scale * (palms[..., 1] - standing)
    low = grounds[0] + _LOW * source.part.body.leg
    lower = [seen[f"{side}_{part}"][1] for side in SIDES for part in ("shin", "foot")]
    return Grounded(down, path, down & (np.min(lower, axis=0) > low)[:, None])


def reach(
    motion: Motion, seen, held: Grounded, source: Capsules, goal: Capsules, *, strength: float, touch: bool
) -> tuple[Motion, np.ndarray]:
    """The motion with its hands where the source's touch, and its arms no deeper in the body than the source's.

    Args:
        motion: of the target, turned as the source is.
        seen: the source's points, as Capsules.points gives them.
        held: palms on the ground.
        strength: 0 leaves the hands as they are, 1 puts them in their places.
        touch: whether hands keep touching the body and each other, besides the ground.

    Returns:
        The motion, and (F, 2) radians by which a bone of the left or right arm was turned, the larger of both.
    """
    theirs = _walls(source, seen)
    world = goal.part.transforms(motion.rotations, motion.root_positions, motion.offsets)
    if not touch:
        return _kept(motion, world, seen, held, theirs, source, goal, strength, _LITTLE)
    touching = _touching(motion, world, seen, theirs, source, goal, strength)
    between = goal.part.transforms(touching.rotations, touching.root_positions, touching.offsets)
    result, _ = _kept(touching, between, seen, held, theirs, source, goal, strength, _MUCH)
    after = goal.part.transforms(result.rotations, result.root_positions, result.offsets)
    bones = [[goal.part.body.joints[f"{side}_{part}"] for part in ARM] for side in SIDES]
    return result, angle_between(world[0][:, bones], after[0][:, bones]).max(axis=-1)


def _walls(body, points):
    """What each hand may touch: of either side the capsules' ends, two (B, 3, F), and radii (B,)."""
    near = {side: (*CORE, *(f"{other}_{part}" for part in ARM)) for side, other in zip(SIDES, SIDES[::-1], strict=True)}
    return {
        side: (*body.lines(points, names), np.array([body.radii[name] for name in names]))
        for side, names in near.items()
    }


def _kept(motion, world, seen, held, theirs, source, goal, strength, most):
    """As reach, of hands on the ground and arms out of the body; `world` has the rotations and places of the part's
    joints, and `most` says how far arms are moved for the body."""
    points = goal.points_of(*world)
    ours = _walls(goal, points)
    moved = _on_the_ground(points, held, float(motion.fps))
    pushed = np.zeros((*moved.shape[:2], 4))  # metres by which palms, and radians by which elbows are pushed out
    for arm, side in enumerate(SIDES):
        rows = _inside(side, points, moved[:, arm].T, ours[side], goal)
        if len(rows):
            there, here = ({role: at[role][:, rows] for role in _ARM_POINTS[side]} for at in (seen, points))
            solid, own = ((*(line[..., rows] for line in body[side][:2]), body[side][2]) for body in (theirs, ours))
            by, turn = _kept_out(side, there, here, moved[rows, arm].T, solid, own, source, goal, most)
            pushed[rows, arm, :3], pushed[rows, arm, 3] = by.T, turn
    if pushed.any():
        # An arm that swings past the body is inside it for a few frames, in which it would jump out and back.
        pushed = hann_average(pushed.reshape(len(pushed), -1), round(_EASED[0] * motion.fps)).reshape(pushed.shape)
    moved, swivel = strength * (moved + pushed[..., :3]), strength * pushed[..., 3]
    changed = (np.linalg.norm(moved, axis=-1) > _ROUNDING) | (np.abs(swivel) > _ROUNDING)
    if not changed.any():
        return motion, np.zeros(changed.shape)
    return _arms_moved(motion, world, moved, swivel, changed, goal)


def _touching(motion, world, seen, theirs, source, goal, strength):
    """The motion whose hands touch the body and each other as the source's do."""
    points = goal.points_of(*world)
    ours = _walls(goal, points)
    moved, share = np.zeros((len(motion), 2, 3)), np.zeros((len(motion), 2))
    for hand, side in enumerate(SIDES):
        by, share[:, hand] = _beside_the_body(side, seen, points, theirs[side], ours[side], source, goal)
        moved[:, hand] = by.T
    moved, share = _beside_each_other(moved, share, seen, points, source, goal)
    return _arms_turned(motion, world, moved, share, strength, goal)


def _hanging(seen, side, source):
    """How surely (F,) an arm just hangs: straight, and down along the trunk. Its hand lies beside the thigh then, which
    is no touch: arms of another length hang elsewhere."""
    arm = seen[f"{side}_hand"] - seen[f"{side}_upper_arm"]
    trunk = sum(seen[f"{one}_thigh"] - seen[f"{one}_upper_arm"] for one in SIDES)
    length = np.sqrt(dot(arm, arm))
    angle = np.arccos(np.clip(dot(arm, trunk) / np.maximum(length * np.sqrt(dot(trunk, trunk)), 1e-9), -1, 1))
    return _fading(-length / source.reach, -_STRAIGHT[1], -_STRAIGHT[0]) * _fading(angle, *_DOWN)


def _beside_the_body(side, seen, points, theirs, ours, source, goal):
    """What a palm is moved by (3, F) for what the source's is beside, and how much (F,) that holds, up to 1."""
    palm, own, size = seen[f"{side}_palm"], points[f"{side}_palm"], goal.reach / source.reach
    begins, ends, radii = theirs
    radii = radii + source.palm
    gap, nearest, away = gaps(palm, begins, ends, radii)
    along = ends - begins
    share = dot(nearest - begins, along) / np.maximum(dot(along, along), 1e-12)
    # Where a palm is deep inside, the direction out of it is not one to rely on.
    sure = np.clip(2 * (gap + radii[:, None]) / radii[:, None] - 0.2, 0, 1)
    weight = (1 - _hanging(seen, side, source)) * sure * _fading(gap / source.reach, _TOUCHING, _NEAR)
    begins, ends, radii = ours
    radii = radii + goal.palm
    there = begins + share[:, None] * (ends - begins) + (radii[:, None] + size * gap)[:, None] * away

    def onto(place):
        near, _, out = gaps(place, begins, ends, radii)
        return place + _onto(near, out, radii, size * gap, away)

    # From the nearest place at that distance along the surface to there, but not so far that it is another gesture.
    here = onto(own)
    slide = there - here
    slide = slide * np.minimum(_SLID * goal.reach / np.maximum(np.sqrt(dot(slide, slide)), 1e-9), 1)[:, None]
    wanted = onto(here + slide)
    total = weight.sum(axis=0)
    return (weight[:, None] * (wanted - own)).sum(axis=0) / np.maximum(total, 1e-9), np.minimum(total, 1)


def _beside_each_other(moved, share, seen, points, source, goal):
    """What palms are moved by (F, 2, 3) and how much that holds (F, 2), changed so that palms that are near each other
    on the source are as far apart."""
    theirs, ours = ((at["left_palm"] - at["right_palm"]).T for at in (seen, points))
    gap = np.linalg.norm(theirs, axis=1, keepdims=True) - 2 * source.palm
    near = _fading(gap / source.reach, _TOUCHING, _TOGETHER)
    given = share[..., None] * moved
    off = (goal.reach / source.reach * theirs - ours - (given[:, 0] - given[:, 1])) / 2
    total = 1 - (1 - share) * (1 - near)
    given = given + near[..., None] * np.stack((off, -off), axis=1)
    return given / np.maximum(total, 1e-9)[..., None], total


def _on_the_ground(points, held, fps):
    """What holds palms (F, 2, 3) on the ground where they stand on it."""
    own = np.stack([points[f"{side}_palm"].T for side in SIDES], axis=1)
    if not held.down.any():
        return np.zeros_like(own)
    off = held.path - own
    for hand in range(2):
        for start, end in spans(held.down[:, hand]):
            off[start:end, hand] -= np.median(off[start:end, hand], axis=0) * [1, 0, 1]
    return spread(np.where(held.down[..., None], off, 0), held.down, held.down, round(_RUN_OUT * fps))


def _onto(gap, away, radii, wanted, their_away):
    """What takes points that are so far (B, F) from the surfaces of capsules, in directions (B, 3, F), to the distances
    `wanted` (B, F): (B, 3, F).

    By the side it is on; the deeper it is, the more by the side `their_away` (B, 3, F) that the source's is on, so that
    nothing jumps where the point passes the capsule's line.
    """
    inner = np.clip(-gap / np.maximum(radii, 1e-9)[:, None], 0, 1)[:, None]  # no head is a capsule of no size
    out = (1 - inner) * away + inner * their_away
    out = out / np.maximum(np.sqrt(dot(out, out)), 1e-9)[:, None]
    # Along `out` until the distance from the capsule's line is right.
    now, then = gap + radii[:, None], np.maximum(wanted + radii[:, None], 0)
    ahead = now * dot(out, away)
    return (np.sqrt(np.maximum(ahead**2 + then**2 - now**2, 0)) - ahead)[:, None] * out


def _pushed_out(point, begins, ends, radii, allowed, their_away):
    """What takes a point out of capsules that it is deeper in than `allowed` (B, F), at most 0: (3, F)."""
    gap, _, away = gaps(point, begins, ends, radii)
    way = np.where((gap < allowed)[:, None], _onto(gap, away, radii, allowed, their_away), 0)
    length = np.sqrt(dot(way, way))
    # Capsules overlap: together they push as far as the deepest asks.
    return way.sum(axis=0) * (length.max(axis=0) / np.maximum(length.sum(axis=0), 1e-12))


_ARM_POINTS = {side: [f"{side}_{part}" for part in ("upper_arm", "forearm", "hand", "palm")] for side in SIDES}


def _inside(side, points, moved, ours, goal):
    """Frames in which an elbow, the middle of a forearm, a wrist or a palm, moved by (3, F), is inside some capsule."""
    elbow, wrist, palm = (points[f"{side}_{part}"] for part in ("forearm", "hand", "palm"))
    begins, ends, radii = ours
    along = ends - begins
    square = np.maximum(dot(along, along), 1e-12)
    found = np.zeros(elbow.shape[1], dtype=bool)
    bare = elbow, (elbow + wrist + moved) / 2, wrist + moved
    for point, thick in (*((point, 0.0) for point in bare), (palm + moved, goal.palm)):
        off = point - begins
        way = dot(off, along)
        share = np.clip(way / square, 0, 1)
        found |= (dot(off, off) - share * (2 * way - share * square) < ((radii + thick) ** 2)[:, None]).any(axis=0)
    return np.flatnonzero(found)


def _kept_out(side, seen, points, moved, theirs, ours, source, goal, most):
    """What a palm is to be moved by (3, F), and its elbow turned by (F,), so that neither is deeper in the body than on
    the source; `moved` (3, F) is what the palm is moved by for other reasons, and `most` says how far both may be."""
    size, (push, deep, turn) = goal.reach / source.reach, most
    parts = (f"{side}_palm", source.palm, goal.palm), (f"{side}_hand", 0.0, 0.0)
    found = [gaps(seen[part], *theirs[:2], theirs[2] + thick) for part, thick, _ in parts]
    allowed = _allowed(np.minimum(*(gap for gap, _, _ in found)), size)
    out = np.zeros_like(moved)
    for (part, _, thick), (_, _, away) in zip(parts, found, strict=True):
        out = out + _pushed_out(points[part] + moved + out, *ours[:2], ours[2] + thick, allowed, away)
    length = np.sqrt(dot(out, out)) / goal.reach
    out = out * (_up_to(push, length) * _fading(length, *deep) / np.maximum(length, 1e-9))
    return out, _up_to(turn, _swivel(side, seen, points, moved + out, theirs, ours, size, goal.reach))


def _allowed(gap, size):
    """How deep (B, F), at most 0, what is so far (B, F) from the source's capsules may be in the target's: in one of
    the torso's as deep as in any of them, for they are one body."""
    allowed = size * np.minimum(gap, 0)
    allowed[: len(TORSO)] = allowed[: len(TORSO)].min(axis=0)
    return allowed


def _swivel(side, seen, points, moved, theirs, ours, size, reach):
    """Angles (F,) by which an elbow is to be turned about the line from shoulder to wrist, so that it and the forearm
    are no deeper in the body than on the source; `moved` (3, F) is what the hand is moved by."""
    shoulder, elbow, wrist = (points[f"{side}_{part}"] for part in ("upper_arm", "forearm", "hand"))
    out = 0.0
    for share in (0.0, 0.5):  # of the way from elbow to wrist
        their_point = seen[f"{side}_forearm"] + share * (seen[f"{side}_hand"] - seen[f"{side}_forearm"])
        gap, _, away = gaps(their_point, *theirs)
        point = elbow + share * (wrist + moved - elbow)
        out = out + _pushed_out(point, *ours, _allowed(gap, size), away) / (1 - share)
    line = wrist + moved - shoulder
    line = line / np.maximum(np.sqrt(dot(line, line)), 1e-9)
    aside = elbow - shoulder - dot(elbow - shoulder, line) * line
    radius = np.sqrt(dot(aside, aside))
    onward = np.cross(line, aside, axis=0) / np.maximum(radius, 1e-9)
    # An arm that is nearly straight hardly moves its elbow by turning it.
    worth = np.clip(radius / (_BENT * reach), 0, 1)
    return worth * dot(out, onward) / np.maximum(radius, _BENT * reach)


def _arms_moved(motion, world, moved, swivel, changed, goal):
    """As reach, of palms that are moved by (F, 2, 3) and elbows turned about the arms' lines by angles (F, 2), in the
    `changed` frames (F, 2); `world` has the rotations and places of the part's joints."""
    rotations, turned = _by_component(motion.rotations), np.zeros(changed.shape)
    for hand, side in enumerate(SIDES):
        rows = np.flatnonzero(changed[:, hand])
        if not len(rows):
            continue
        turns, at = (one[rows] for one in world)
        shoulder = at[:, goal.part.body.joints[f"{side}_upper_arm"]]
        upper, lower, reached = _bent(side, turns, at, moved[rows, hand], goal)
        about = quaternion_from_axis_angle(swivel[rows, hand, None] * normalize(reached - shoulder))
        upper, lower = multiply(about, upper), multiply(about, lower)
        _put(rotations, rows, side, turns, upper, lower, goal)
        turned[rows, hand] = np.maximum(*(2 * np.arccos(np.minimum(np.abs(turn[:, 0]), 1)) for turn in (upper, lower)))
    return motion.replace(rotations=rotations), turned


def _arms_turned(motion, world, moved, share, strength, goal):
    """The motion whose arms turn as far as palms that are moved by (F, 2, 3) ask, by the share (F, 2) that this holds;
    `world` has the rotations and places of the part's joints."""
    rotations, fps = _by_component(motion.rotations), float(motion.fps)
    turns, at = world
    for hand, side in enumerate(SIDES):
        if not share[:, hand].any():
            continue
        held = share[:, hand]
        upper, lower, _ = _bent(side, turns, at, moved[:, hand], goal)
        # The upper arm's turn as its parent sees it, and the forearm's as the upper arm does, where they change least.
        arm = goal.part.body.joints[f"{side}_upper_arm"]
        frames = turns[:, goal.part.body.skeleton.parents[arm]], turns[:, arm]
        local = [
            unroll(slerp(np.broadcast_to(_NONE, turn.shape), turn, held))
            for turn in (_seen_from(frames[0], upper), _seen_from(frames[1], multiply(conjugate(upper), lower)))
        ]
        smooth = smoother(fps, _HASTE, held**2 + _PULL * (1 - held) ** 2, order=1)
        eased = hann_average(smooth(np.concatenate(local, axis=1)), round(_EASED[1] * fps))
        halves = normalize(eased[:, :4]), normalize(eased[:, 4:])
        local = [slerp(np.broadcast_to(_NONE, half.shape), half, strength) for half in halves]
        rows = np.flatnonzero(np.abs(np.stack(local)[..., 1:]).max(axis=(0, 2)) > _ROUNDING)
        upper = _seen_from(conjugate(frames[0]), local[0])
        lower = multiply(upper, _seen_from(conjugate(frames[1]), local[1]))
        _put(rotations, rows, side, turns[rows], upper[rows], lower[rows], goal)
    return motion.replace(rotations=rotations)


def _by_component(rotations):
    """A copy in which one component of one joint over all frames lies together, as kinematics wants it."""
    return rotations.transpose(1, 2, 0).copy().transpose(2, 0, 1)


def _seen_from(frame, turn):
    """A turn in the world as a rotation in a frame."""
    return multiply(multiply(conjugate(frame), turn), frame)


def _bent(side, turns, at, moved, goal):
    """As two_bone_ik, of an arm whose wrist is moved by (F, 3)."""
    body = goal.part.body
    chain = _chain(side, body)
    shoulder, elbow, wrist = (at[:, joint] for joint in chain)
    # An elbow bends the forearm ahead, so it points back; up and aside for arms that hang is as good as any.
    hinge = rotate(multiply(turns[:, chain[0]], body.frames[f"{side}_upper_arm"]), np.array([0.0, 1.0, 0]))
    pole = hinge_pole(at, turns, chain, hinge if side == "right" else -hinge)
    return two_bone_ik(shoulder, elbow, wrist, _bendable(shoulder, elbow, wrist, wrist + moved), pole)


def _put(rotations, rows, side, turns, upper, lower, goal):
    """Write the local rotations of an arm whose bones are turned in the world, and whose hand keeps its own direction
    as far as the wrist bends; `turns` are the world rotations before, of these frames."""
    body = goal.part.body
    chain = _chain(side, body)
    forearm = multiply(turns[:, chain[1]], body.frames[f"{side}_forearm"])
    hand = multiply(turns[:, chain[2]], body.frames[f"{side}_hand"])
    end = multiply(wrist_within(forearm, multiply(lower, forearm), hand, side), turns[:, chain[2]])
    for row, new in zip(chain, limb_rotations(turns, body.skeleton.parents, chain, upper, lower, end), strict=True):
        joint = goal.part.joints[row]
        rotations[rows, joint] = new
        rotations[:, joint] = unroll(rotations[:, joint])


def _chain(side, body):
    return [body.joints[f"{side}_{part}"] for part in (*ARM, "hand")]


def _bendable(shoulder, elbow, wrist, target):
    """Targets of wrists no nearer the shoulder than an elbow bends, or was bent.

    The nearer the shoulder they are, the more by the side the wrist is on: there is none at the shoulder itself.
    """
    a, b, own = (np.linalg.norm(v, axis=-1) for v in (elbow - shoulder, wrist - elbow, wrist - shoulder))
    least = np.minimum(np.sqrt(a * a + b * b + 2 * a * b * np.cos(ELBOW[1])), own)
    line = target - shoulder
    length = np.linalg.norm(line, axis=-1)
    line = line + (np.maximum(least - length, 0) / np.maximum(own, 1e-9))[:, None] * (wrist - shoulder)
    return shoulder + np.maximum(length, least)[:, None] * normalize(line)


def _up_to(most, x):
    """Nearly x while that is small, and never more than `most`."""
    return most * np.tanh(x / most)


def _fading(x, full, none):
    """1 up to `full`, 0 from `none` on, smooth between."""
    t = np.clip((x - full) / (none - full), 0, 1)
    return 1 - t * t * (3 - 2 * t)
