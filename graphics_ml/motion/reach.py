"""Hands that touch something on the source touch it on the target: the ground, the own body, each other.

Palms that stand on the ground stay on the source's scaled path, as feet do. Arms that would run deeper into the body
than the source's are pushed out, elbows by turning them about the line from shoulder to wrist; but only by so little
that the gesture stays what it is. A hand that is deep inside, as short arms behind a large head are, is left there.

A palm beside a part of the body keeps its distance from that part's surface and its direction from there (the idea of
Molla, Debarba and Boulic, "Egocentric Mapping of Body Surface Constraints", TVCG 2018, on capsules): parts of source
and target are turned alike in the world, so directions carry over, and only radii and lengths differ. How much a palm
is drawn to such a place fades with its distance on the source, so it comes and goes without a jump.

Two-bone IK moves the arm; elbows and wrists stay within what people reach, or the source did.
"""

from dataclasses import dataclass

import numpy as np

from graphics_ml.motion.capsules import ARM, CORE, SIDES, Capsules, dot, gaps
from graphics_ml.motion.contacts import contacts_from_positions, spans
from graphics_ml.motion.filters import hann_average
from graphics_ml.motion.foot_lock import spread
from graphics_ml.motion.ik import hinge_pole, limb_rotations, two_bone_ik
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.rotations import (
    multiply,
    normalize,
    quaternion_from_axis_angle,
    rotate,
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
# What takes arms out of the body keeps the gesture: lengths of the arm that a palm is moved by for it, and angles that
# an elbow is turned by about the line from shoulder to wrist. Up to the first all is given, from the second on nothing.
_PUSHED, _SWIVEL = (0.04, 0.12), np.radians((15, 45))
_EASED = (0.1, 0.14)  # seconds before and after in which an arm gives way to the body, and comes to a touch


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
        palms, fps, source.body.leg, standing=standing, hysteresis=2.0, shortest=0.1, shortest_gap=0.07
    )
    path = scale * palms
    path[..., 1] = grounds[1] + goal.palm + scale * (palms[..., 1] - standing)
    low = grounds[0] + _LOW * source.body.leg
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
    world = goal.part.transforms(motion.rotations, motion.root_positions, motion.offsets)
    points = goal.points_of(*world)
    size = goal.reach / source.reach
    near = {side: (*CORE, *(f"{other}_{part}" for part in ARM)) for side, other in zip(SIDES, SIDES[::-1], strict=True)}
    theirs, ours = (
        {side: (*body.lines(at, near[side]), np.array([body.radii[name] for name in near[side]])) for side in SIDES}
        for body, at in ((source, seen), (goal, points))
    )
    palms = {side: points[f"{side}_palm"] for side in SIDES}
    if touch:
        palms = {side: _beside_the_body(side, seen, points, theirs[side], ours[side], source, goal) for side in SIDES}
        _together(palms, seen, source, size)
    moved = np.stack([(palms[side] - points[f"{side}_palm"]).T for side in SIDES], axis=1)
    if moved.any():
        moved = hann_average(moved, round(_EASED[1] * motion.fps))
    moved = _on_the_ground(moved, points, held, float(motion.fps))
    pushed = np.zeros((*moved.shape[:2], 4))  # metres by which palms, and radians by which elbows are pushed out
    for arm, side in enumerate(SIDES):
        rows = _inside(side, points, moved[:, arm].T, ours[side], goal)
        if len(rows):
            there, here = ({role: at[role][:, rows] for role in _ARM_POINTS[side]} for at in (seen, points))
            solid, own = ((*(line[..., rows] for line in body[side][:2]), body[side][2]) for body in (theirs, ours))
            by, turn = _kept_out(side, there, here, moved[rows, arm].T, solid, own, source, goal)
            pushed[rows, arm, :3], pushed[rows, arm, 3] = by.T, turn
    if pushed.any():
        # An arm that swings past the body is inside it for a few frames, in which it would jump out and back.
        pushed = hann_average(pushed.reshape(len(pushed), -1), round(_EASED[0] * motion.fps)).reshape(pushed.shape)
    moved, swivel = strength * (moved + pushed[..., :3]), strength * pushed[..., 3]
    changed = (np.linalg.norm(moved, axis=-1) > _ROUNDING) | (np.abs(swivel) > _ROUNDING)
    if not changed.any():
        return motion, np.zeros(changed.shape)
    return _arms_moved(motion, world, moved, swivel, changed, goal)


def _hanging(seen, side, source):
    """How surely (F,) an arm just hangs: straight, and down along the trunk. Its hand lies beside the thigh then, which
    is no touch: arms of another length hang elsewhere."""
    arm = seen[f"{side}_hand"] - seen[f"{side}_upper_arm"]
    trunk = sum(seen[f"{one}_thigh"] - seen[f"{one}_upper_arm"] for one in SIDES)
    length = np.sqrt(dot(arm, arm))
    angle = np.arccos(np.clip(dot(arm, trunk) / np.maximum(length * np.sqrt(dot(trunk, trunk)), 1e-9), -1, 1))
    return _fading(-length / source.reach, -_STRAIGHT[1], -_STRAIGHT[0]) * _fading(angle, *_DOWN)


def _beside_the_body(side, seen, points, theirs, ours, source, goal):
    """Where a palm shall be (3, F) for what the source's is beside."""
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
    # From the nearest place at that distance along the surface to there, but not so far that it is another gesture.
    here = own + _onto(own, begins, ends, radii, size * gap, away)
    slide = there - here
    slide = slide * np.minimum(_SLID * goal.reach / np.maximum(np.sqrt(dot(slide, slide)), 1e-9), 1)[:, None]
    wanted = here + slide
    wanted = wanted + _onto(wanted, begins, ends, radii, size * gap, away)
    return own + (weight[:, None] * (wanted - own)).sum(axis=0) / np.maximum(weight.sum(axis=0), 1)


def _together(palms, seen, source, size):
    """Move palms that are near each other on the source so that they are as far apart."""
    theirs = seen["left_palm"] - seen["right_palm"]
    distance = np.sqrt(dot(theirs, theirs))
    weight = _fading((distance - 2 * source.palm) / source.reach, _TOUCHING, _TOGETHER)
    off = weight * (size * theirs - (palms["left"] - palms["right"])) / 2
    palms["left"], palms["right"] = palms["left"] + off, palms["right"] - off


def _on_the_ground(moved, points, held, fps):
    """What moves the palms (F, 2, 3), where they stand on the ground what holds them there."""
    if not held.down.any():
        return moved
    own = np.stack([points[f"{side}_palm"].T for side in SIDES], axis=1)
    off = held.path - own
    for hand in range(2):
        for start, end in spans(held.down[:, hand]):
            off[start:end, hand] -= np.median(off[start:end, hand], axis=0) * [1, 0, 1]
    return moved + spread(np.where(held.down[..., None], off - moved, 0), held.down, held.down, round(_RUN_OUT * fps))


def _onto(point, begins, ends, radii, wanted, their_away):
    """What takes a point (3, F) or points (B, 3, F) to the distance `wanted` (B, F) from the surfaces of capsules,
    (B, 3, F).

    By the side it is on; the deeper it is, the more by the side `their_away` (B, 3, F) that the source's is on, so that
    nothing jumps where the point passes the capsule's line.
    """
    gap, _, away = gaps(point, begins, ends, radii)
    inner = np.clip(-gap / radii[:, None], 0, 1)[:, None]
    out = (1 - inner) * away + inner * their_away
    out = out / np.maximum(np.sqrt(dot(out, out)), 1e-9)[:, None]
    # Along `out` until the distance from the capsule's line is right.
    now, then = gap + radii[:, None], np.maximum(wanted + radii[:, None], 0)
    ahead = now * dot(out, away)
    return (np.sqrt(np.maximum(ahead**2 + then**2 - now**2, 0)) - ahead)[:, None] * out


def _pushed_out(point, begins, ends, radii, allowed, their_away):
    """What takes a point out of capsules that it is deeper in than `allowed` (B, F), at most 0: (3, F)."""
    deep = gaps(point, begins, ends, radii)[0] < allowed
    way = np.where(deep[:, None], _onto(point, begins, ends, radii, allowed, their_away), 0)
    length = np.sqrt(dot(way, way))
    # Capsules overlap: together they push as far as the deepest asks.
    return way.sum(axis=0) * (length.max(axis=0) / np.maximum(length.sum(axis=0), 1e-12))


_ARM_POINTS = {side: [f"{side}_{part}" for part in ("upper_arm", "forearm", "hand", "palm")] for side in SIDES}


def _inside(side, points, moved, ours, goal):
    """Frames in which an elbow, the middle of a forearm or a palm, moved by (3, F), is inside some capsule."""
    elbow, wrist, palm = (points[f"{side}_{part}"] for part in ("forearm", "hand", "palm"))
    begins, ends, radii = ours
    along = ends - begins
    square = np.maximum(dot(along, along), 1e-12)
    found = np.zeros(elbow.shape[1], dtype=bool)
    for point, thick in ((elbow, 0.0), ((elbow + wrist + moved) / 2, 0.0), (palm + moved, goal.palm)):
        off = point - begins
        way = dot(off, along)
        share = np.clip(way / square, 0, 1)
        found |= (dot(off, off) - share * (2 * way - share * square) < ((radii + thick) ** 2)[:, None]).any(axis=0)
    return np.flatnonzero(found)


def _kept_out(side, seen, points, moved, theirs, ours, source, goal):
    """What a palm is to be moved by (3, F), and its elbow turned by (F,), so that neither is deeper in the body than on
    the source; `moved` (3, F) is what the palm is moved by for other reasons."""
    size, palm = goal.reach / source.reach, f"{side}_palm"
    gap, _, away = gaps(seen[palm], *theirs[:2], theirs[2] + source.palm)
    allowed, out = size * np.minimum(gap, 0), np.zeros_like(moved)
    for _ in range(2):
        out = out + _pushed_out(points[palm] + moved + out, *ours[:2], ours[2] + goal.palm, allowed, away)
    out = out * _fading(np.sqrt(dot(out, out)) / goal.reach, *_PUSHED)
    return out, _swivel(side, seen, points, moved + out, theirs, ours, size, goal.reach)


def _swivel(side, seen, points, moved, theirs, ours, size, reach):
    """Angles (F,) by which an elbow is to be turned about the line from shoulder to wrist, so that it and the forearm
    are no deeper in the body than on the source; `moved` (3, F) is what the hand is moved by."""
    shoulder, elbow, wrist = (points[f"{side}_{part}"] for part in ("upper_arm", "forearm", "hand"))
    out = 0.0
    for share in (0.0, 0.5):  # of the way from elbow to wrist
        their_point = seen[f"{side}_forearm"] + share * (seen[f"{side}_hand"] - seen[f"{side}_forearm"])
        gap, _, away = gaps(their_point, *theirs)
        point = elbow + share * (wrist + moved - elbow)
        out = out + _pushed_out(point, *ours, size * np.minimum(gap, 0), away) / (1 - share)
    line = wrist + moved - shoulder
    line = line / np.maximum(np.sqrt(dot(line, line)), 1e-9)
    aside = elbow - shoulder - dot(elbow - shoulder, line) * line
    radius = np.sqrt(dot(aside, aside))
    onward = np.cross(line, aside, axis=0) / np.maximum(radius, 1e-9)
    # An arm that is nearly straight hardly moves its elbow by turning it.
    worth = np.clip(radius / (_BENT * reach), 0, 1)
    angle = worth * dot(out, onward) / np.maximum(radius, _BENT * reach)
    return angle * _fading(np.abs(angle), *_SWIVEL)


def _arms_moved(motion, world, moved, swivel, changed, goal):
    """As reach, of palms that are moved by (F, 2, 3) and elbows turned about the arms' lines by angles (F, 2), in the
    `changed` frames (F, 2); `world` has the rotations and places of the part's joints."""
    body, parents, turned = goal.part.body, goal.part.body.skeleton.parents, np.zeros(changed.shape)
    rotations = motion.rotations.transpose(1, 2, 0).copy().transpose(2, 0, 1)
    for hand, side in enumerate(SIDES):
        rows = np.flatnonzero(changed[:, hand])
        if not len(rows):
            continue
        chain = [body.joints[f"{side}_{name}"] for name in ("upper_arm", "forearm", "hand")]
        turns, at = (one[rows] for one in world)
        shoulder, elbow, wrist = (at[:, joint] for joint in chain)
        # An elbow bends the forearm ahead, so it points back; up and aside for arms that hang is as good as any.
        hinge = rotate(multiply(turns[:, chain[0]], body.frames[f"{side}_upper_arm"]), np.array([0.0, 1.0, 0]))
        pole = hinge_pole(at, turns, chain, hinge if side == "right" else -hinge)
        target = _bendable(shoulder, elbow, wrist, wrist + moved[rows, hand])
        upper, lower, reached = two_bone_ik(shoulder, elbow, wrist, target, pole)
        about = quaternion_from_axis_angle(swivel[rows, hand, None] * normalize(reached - shoulder))
        upper, lower = multiply(about, upper), multiply(about, lower)
        hand_turn = wrist_within(
            multiply(turns[:, chain[1]], body.frames[f"{side}_forearm"]),
            multiply(lower, multiply(turns[:, chain[1]], body.frames[f"{side}_forearm"])),
            multiply(turns[:, chain[2]], body.frames[f"{side}_hand"]),
            side,
        )
        new = limb_rotations(turns, parents, chain, upper, lower, multiply(hand_turn, turns[:, chain[2]]))
        for row, rotation in zip(chain, new, strict=True):
            joint = goal.part.joints[row]
            rotations[rows, joint] = rotation
            rotations[:, joint] = unroll(rotations[:, joint])
        turned[rows, hand] = np.maximum(*(2 * np.arccos(np.minimum(np.abs(turn[:, 0]), 1)) for turn in (upper, lower)))
    return motion.replace(rotations=rotations), turned


def _bendable(shoulder, elbow, wrist, target):
    """Targets of wrists no nearer the shoulder than an elbow bends, or was bent."""
    a, b = (np.linalg.norm(v, axis=-1) for v in (elbow - shoulder, wrist - elbow))
    least = np.sqrt(a * a + b * b + 2 * a * b * np.cos(ELBOW[1]))
    least = np.minimum(least, np.linalg.norm(wrist - shoulder, axis=-1))
    line = target - shoulder
    length = np.linalg.norm(line, axis=-1)
    return shoulder + line * (np.maximum(length, least) / np.maximum(length, 1e-9))[:, None]


def _fading(x, full, none):
    """1 up to `full`, 0 from `none` on, smooth between."""
    t = np.clip((x - full) / (none - full), 0, 1)
    return 1 - t * t * (3 - 2 * t)
