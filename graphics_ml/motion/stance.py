"""A retargeted body stands where its source stands, with its limbs' directions kept as far as they can be.

What other proportions do to standing feet is taken up in the order in which it shows least:

1. The body's path. Ankles that carry it follow the source's, scaled, up to a constant in each contact: exactly in
   single support, in the mean of both where both stand, and slowly back to the scaled path.
2. Hips much wider for their legs than the source's. They roll and turn less, so that their joints move in scale.
3. Feet. They turn about their planted toes so that ankles are where legs of the source's directions put them: a long
   foot rolls over by less. Toes bend, and feet in the air are lifted, where a mesh would dip into the floor.
4. Two degrees of the legs' directions in any frame, and more by two-bone IK in a quarter of each leg's frames, slides
   along the ground first.
"""

from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from graphics_ml.motion.body_frames import Body
from graphics_ml.motion.body_shape import carried_joints, path_down
from graphics_ml.motion.contacts import spans
from graphics_ml.motion.filters import hann_average, smoother
from graphics_ml.motion.foot_lock import move_joint, spread, within
from graphics_ml.motion.ik import hinge_pole, limb_rotations, two_bone_ik
from graphics_ml.motion.kinematics import local_rotations
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.rotations import (
    cross,
    dot,
    multiply,
    normalize,
    quaternion_from_axis_angle,
    rotate,
    rotation_between,
    slerp,
    unroll,
)

_SIDES = ("left", "right")
_NONE = np.array([1.0, 0, 0, 0])

TURNED = np.radians(1.9)  # a leg bone turned by more than this counts as corrected: by two degrees, with a margin
_MOST = 0.25  # of a leg's frames may be
_STEEP = np.radians(100)  # per second, the fastest that a leg's correction goes beyond that
_RUN_OUT = 0.2  # seconds in which a leg's correction runs out beside a contact
_NEAR = 0.05  # seconds beside a contact that count as its own when legs are given more than two degrees
_SLIDE = 0.005  # leg lengths; feet that are left so far from their place may slide
_PATH = 6.0  # Hz, above which the body's path is left alone; a gait's own movement ends there (Winter 2009)
_PULL = 0.1  # how much each frame asks for the scaled path, where a standing foot asks for its own with 1
_ROUNDS = 4
_ROUNDING = 1e-6  # metres, or radians; less is no correction
_TOES_BEND = np.radians(60)  # what the toes' joints of people reach
_SOFT = 0.04  # seconds


def stand(
    motion: Motion,
    seen: Mapping[str, np.ndarray],
    contacts: np.ndarray,
    source: Body,
    goal: Body,
    *,
    scale: float,
    grounds: tuple[float, float],
    strength: float,
    carrying: tuple[np.ndarray, np.ndarray] | None = None,
) -> tuple[Motion, np.ndarray, np.ndarray, np.ndarray]:
    """The motion with its feet standing where the source's do.

    Args:
        motion: the source's directions on the target skeleton.
        seen: role to world positions (3, F) of the source's feet and toes.
        contacts: (F, 4) bool, columns as CONTACT_ROLES; False where a body lacks the joint.
        source, goal: the two bodies.
        scale: of the path, target over source.
        grounds: metres, heights of the source's ground and of the target's.
        strength: 0 leaves the feet as they are, 1 holds them.
        carrying: of hands that carry the body as feet do, in which frames (F, 2), and from where they are to where they
            shall be (F, 2, 3).

    Returns:
        The motion; (F, 2) bool, left and right, where a bone of the leg is turned by over two degrees; where a standing
        foot is left off its place because legs may not be turned in more frames; where a foot is turned by as much.
    """
    fps = float(motion.fps)
    heel_down, toe_down = contacts[:, 0::2], contacts[:, 1::2]
    down = heel_down | toe_down
    ankle_path, toe_path = (_paths(seen, source, goal, part, scale, grounds) for part in ("foot", "toes"))
    ankles, toes = (_joints(goal, part) for part in ("foot", "toes"))
    motion = _hips_turned(motion, ankle_path, down, source, goal, strength)
    world, free = motion.transforms()
    carried, wanted = down, ankle_path - free[:, ankles]
    if carrying is not None:
        carried, wanted = (np.concatenate(both, axis=1) for both in zip((down, wanted), carrying, strict=True))
    shift, anchors = _Path(carried, fps).improve(wanted, _ROUNDS)
    motion, free = move_joint(motion, goal.joints["hips"], strength * shift), free + strength * shift[:, None]
    ankle = free[:, ankles]
    foot = free[:, toes] - ankle
    target = np.where(down[..., None], ankle_path + anchors[:, :2], ankle)
    planted = _planted(target + foot, toe_path, heel_down, toe_down)
    aim = np.where(toe_down[..., None], planted - target, foot)
    length = np.linalg.norm(foot, axis=-1, keepdims=True)
    target = np.where(toe_down[..., None], planted - length * normalize(aim), target)
    reach = round(_RUN_OUT * fps)
    moved = spread(strength * (target - ankle), down, down, reach)
    tilt = spread(strength * (aim - foot), toe_down, down, reach)
    turns, tilted = np.tile(_NONE, (len(motion), 2, 1)), np.any(tilt != 0, axis=-1)
    turns[tilted] = rotation_between(foot[tilted], foot[tilted] + tilt[tilted])
    turned = 2 * np.arccos(np.minimum(np.abs(turns[..., 0]), 1)) > TURNED
    return *_legs_bent(motion, world, free, moved, turns, down, goal), turned


def clear_of_floor(
    motion: Motion, body: Body, soles: Mapping[str, np.ndarray], floor: float, planted: np.ndarray
) -> Motion:
    """The motion with feet and toes pitched so that their soles do not dip into the floor.

    Toes bend up at their joint, by 60 degrees at the most; feet turn about the ankle where their toes are not planted.

    Args:
        soles: role of a foot or of toes to points (N, 3) of its sole, metres in the joint's own frame.
        planted: (F, 2) bool, left and right: frames whose toes stand.
    """
    world, places = (np.array(part) for part in motion.transforms())
    for leg, side in enumerate(_SIDES):
        foot, toes = body.joints[f"{side}_foot"], body.joints.get(f"{side}_toes")
        ahead = rotate(multiply(world[:, foot], body.frames[f"{side}_foot"]), np.array([0.0, 0, 1]))
        ahead = normalize(ahead * [1, 0, 1])
        if f"{side}_foot" in soles:
            below = carried_joints(motion.skeleton, foot)
            points, height = rotate(world[:, None, foot], soles[f"{side}_foot"]), places[:, foot, 1] - floor
            pitch = np.where(planted[:, leg], 0, _pitch(points, ahead, height) - _pitch(points, -ahead, height))
            turn = _pitched(pitch, ahead, motion.fps)
            places[:, below] = places[:, None, foot] + rotate(turn[:, None], places[:, below] - places[:, None, foot])
            world[:, below] = multiply(turn[:, None], world[:, below])
        if f"{side}_toes" in soles:
            points, height = rotate(world[:, None, toes], soles[f"{side}_toes"]), places[:, toes, 1] - floor
            turn = _pitched(np.minimum(_pitch(points, ahead, height), _TOES_BEND), ahead, motion.fps)
            below = carried_joints(motion.skeleton, toes)
            world[:, below] = multiply(turn[:, None], world[:, below])
    return motion.replace(rotations=unroll(local_rotations(world, motion.skeleton.parents)))


def _pitched(angles, ahead, fps):
    """Turns (F, 4) that lift what lies ahead of feet, without a kink where soles meet the floor."""
    angles = hann_average(angles, max(1, round(_SOFT * float(fps))))
    return quaternion_from_axis_angle(angles[:, None] * cross(ahead, np.broadcast_to([0.0, 1, 0], ahead.shape)))


def _pitch(points, ahead, height):
    """Smallest turns (F,), radians, that lift those points (F, N, 3) to the floor that lie ahead of the joint, which is
    `height` (F,) above it."""
    d = np.einsum("fni,fi->fn", points, ahead)
    h = points[..., 1].copy()  # see axis_angle_from_quaternion
    size = np.maximum(np.hypot(d, h), 1e-9)
    turn = np.arcsin(np.clip(-height[:, None] / size, -1, 1)) - np.arctan2(h, d)
    return np.where((d > 0) & (height[:, None] + h < 0), turn, 0).max(axis=1)


def _joints(body, part):
    """The left and the right joint of a part; the ankle where there are no toes."""
    return [body.joints.get(f"{side}_{part}", body.joints[f"{side}_foot"]) for side in _SIDES]


def _paths(seen, source, goal, part, scale, grounds):
    """Where the source's left and right joint of a part are, scaled; heights from where each stands: (F, 2, 3)."""
    roles = [f"{side}_{part}" if f"{side}_{part}" in source.joints else f"{side}_foot" for side in _SIDES]
    paths = scale * np.stack([seen[role].T for role in roles], axis=1)
    for leg, role in enumerate(f"{side}_{part}" for side in _SIDES):
        if role in source.joints and role in goal.joints:
            lifted = seen[role][1] - grounds[0] - source.foot_heights[role]
            paths[:, leg, 1] = scale * lifted + grounds[1] + goal.foot_heights[role]
    return paths


# --- the body's path and the hips --------------------------------------------------------------------------------


class _Path:
    """The path of a body above feet, or hands, that stand in the frames `down` (F, K).

    Sought are a smooth shift of the body and constants of each contact along the ground that leave standing feet with
    least; both are improved turn about, each given the other.
    """

    def __init__(self, down, fps):
        self._down = down[..., None]
        self._contacts = [np.array(spans(column), dtype=int).reshape(-1, 2) for column in down.T]
        self._weights = (down.sum(axis=1) + _PULL)[:, None]
        self._smooth = smoother(fps, _PATH, self._weights[:, 0], order=2)
        self.shift, self.anchors = np.zeros((len(down), 3)), np.zeros((*down.shape, 3))

    def improve(self, wanted, rounds=1):
        """Better shift (F, 3) and anchors (F, K, 3) for feet that ask to be moved by `wanted` (F, K, 3)."""
        for _ in range(rounds):
            off = (self.shift[:, None] - wanted) * [1, 0, 1]
            for leg, ends in enumerate(self._contacts):
                _fill_with_means(self.anchors[:, leg], off[:, leg], ends)
            asked = np.where(self._down, wanted + self.anchors, 0).sum(axis=1) / self._weights
            self.shift = self._smooth(asked)
        return self.shift, self.anchors


def _fill_with_means(out, values, ends):
    """Write the means of (F, C) over spans (N, 2) to all frames of these."""
    if len(ends):
        lengths = ends[:, 1] - ends[:, 0]
        sums = np.concatenate((np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)))
        means = (sums[ends[:, 1]] - sums[ends[:, 0]]) / lengths[:, None]
        inside = np.zeros(len(values), dtype=bool)
        for start, end in ends:
            inside[start:end] = True
        out[inside] = np.repeat(means, lengths, axis=0)


def _hips_turned(motion, ankle_path, down, source, goal, strength):
    """The motion with wide hips turned less: rolled so that their joints rise in scale, and where both feet stand,
    turned by what these ask for. All else keeps its direction, and the middle between the hip joints its place."""
    theirs, ours = (_distance_at_rest(body.skeleton, *_joints(body, "thigh")) / body.leg for body in (source, goal))
    share = theirs / ours
    # Hips up to twice as wide for their legs, as builds of people are, move as the source's do.
    wide = strength * float(np.clip(2 - 4 * share, 0, 1))
    if wide == 0:
        return motion
    hips, thighs = goal.joints["hips"], _joints(goal, "thigh")
    ankles, fps = _joints(goal, "foot"), float(motion.fps)
    before = motion.positions()
    across = before[:, thighs[0]] - before[:, thighs[1]]
    width = np.linalg.norm(across, axis=-1, keepdims=True)
    level = normalize(across * [1, 0, 1])
    rise = (1 - wide * (1 - share)) * across[:, 1:2] / width
    rolled = np.sqrt(1 - rise**2) * level + rise * [0, 1, 0]
    motion = _with_hips(motion, rotation_between(across, rolled), hips, thighs, before)

    free, both = motion.positions(), down.all(axis=1)
    arms = np.stack((width * rolled / 2, -width * rolled / 2), axis=1)
    path, turn = _Path(down, fps), np.zeros_like(across)
    smooth = smoother(fps, _PATH / 2, both + _PULL, order=2)
    for _ in range(2 * _ROUNDS):
        shift, anchors = path.improve(ankle_path - free[:, ankles] - cross(turn[:, None], arms))
        off = ankle_path - free[:, ankles] + anchors - shift[:, None]
        asked = wide * cross(arms, off).sum(axis=1) / (width**2 / 2)
        turn = smooth(np.where(both[:, None], asked, 0) / (1 + _PULL))
    return _with_hips(motion, quaternion_from_axis_angle(turn), hips, thighs, before)


def _with_hips(motion, turn, hips, thighs, before):
    """The motion with its hips turned in the world, all else as it was; hip joints about their middle before."""
    world = np.array(motion.orientations())
    for joint in {joint for thigh in thighs for joint in path_down(motion.skeleton, hips, thigh)[:-1]}:
        world[:, joint] = multiply(turn, world[:, joint])
    turned = motion.replace(rotations=unroll(local_rotations(world, motion.skeleton.parents)))
    return move_joint(turned, hips, (before[:, thighs] - turned.positions()[:, thighs]).mean(axis=1))


@lru_cache(maxsize=64)
def _distance_at_rest(skeleton, a, b):
    places = skeleton.rest_positions()
    return float(np.linalg.norm(places[a] - places[b]))


# --- feet and legs -----------------------------------------------------------------------------------------------


def _planted(toe, path, heel_down, toe_down):
    """Where toes that stand are (F, 2, 3): on their path up to a constant along the ground, from where the foot is
    flat, if it is."""
    result = np.array(toe)
    for leg in range(2):
        for start, end in spans(toe_down[:, leg]):
            off = toe[start:end, leg] - path[start:end, leg]
            flat = heel_down[start:end, leg]
            result[start:end, leg] = path[start:end, leg] + np.median(off[flat] if flat.any() else off, 0) * [1, 0, 1]
    return result


def _legs_bent(motion, world, places, moved, foot_turns, down, goal):
    """The motion, whose joints are turned and placed so in the world, with ankles moved by (F, 2, 3) as far as their
    legs may be turned, and feet turned (F, 2, 4); and where bones are turned by over two degrees, and where feet are
    left off their place, both (F, 2)."""
    chains = [[goal.joints[f"{side}_{part}"] for part in ("thigh", "shin", "foot")] for side in _SIDES]
    limb = [places[:, list(joints)] for joints in zip(*chains, strict=True)]
    across = np.subtract(*(places[:, joint] for joint in _joints(goal, "thigh")))
    pole = np.stack([hinge_pole(places, world, chain, across) for chain in chains], axis=1)

    def bend(chosen, lift):
        bones = [joint[chosen] for joint in limb]
        target = bones[2] + moved[chosen] * [1, 0, 1] + moved[chosen] * [0, 1, 0] * lift
        turns = two_bone_ik(*bones, target, pole[chosen], 0.0)[:2]
        return turns, np.maximum(_angle(turns[0], bones[1] - bones[0]), _angle(turns[1], bones[2] - bones[1]))

    changed = np.maximum(np.abs(moved).max(axis=-1), np.abs(foot_turns[..., 1:]).max(axis=-1)) > _ROUNDING
    turns, turned = [np.tile(_NONE, (*changed.shape, 1)) for _ in range(2)], np.zeros(changed.shape)
    bent, turned[changed] = bend(changed, 1.0)
    for turn, own in zip(turns, bent, strict=True):
        turn[changed] = own
    # Where that is too much, slides along the ground are taken first, and of the height what is left.
    much, most = turned > TURNED, np.full(turned.shape, TURNED)
    if much.any():
        level = np.zeros(turned.shape)
        level[much] = bend(much, 0.0)[1]
        fps = float(motion.fps)
        near = within(down, round(_NEAR * fps))
        for leg in range(2):
            most[:, leg] = _allowed((level[:, leg], turned[:, leg]), near[:, leg], fps)
        lift = np.clip((most[much] - level[much]) / np.maximum(turned[much] - level[much], 1e-9), 0, 1)
        lowered, turned[much] = bend(much, lift[:, None])
        for turn, own in zip(turns, lowered, strict=True):
            turn[much] = own
    share = np.minimum(1, most / np.maximum(turned, 1e-9))
    less = share < 1
    for turn in turns:
        turn[less] = slerp(np.broadcast_to(_NONE, turn[less].shape), turn[less], share[less])
    left = (1 - share) * np.linalg.norm(moved, axis=-1)
    rotations = np.array(motion.rotations)
    for leg, chain in enumerate(chains):
        rows = np.flatnonzero(changed[:, leg])
        before, foot_turn, *bone_turns = (one[rows] for one in (world, foot_turns[:, leg], *(t[:, leg] for t in turns)))
        bent = limb_rotations(
            before, goal.skeleton.parents, chain, *bone_turns, multiply(foot_turn, before[:, chain[2]])
        )
        for joint, new in zip(chain, bent, strict=True):
            rotations[rows, joint] = new
            rotations[:, joint] = unroll(rotations[:, joint])
    return motion.replace(rotations=rotations), share * turned > TURNED + _ROUNDING, down & (left > _SLIDE * goal.leg)


def _allowed(wanted, near, fps):
    """The most (F,) that a leg's bones may be turned: two degrees, and more in a quarter of the frames, of those `near`
    (F,) where the foot stands; `wanted` has the turns (F,) asked for, the most important ones first."""
    given, left = np.zeros(len(near), dtype=bool), int(_MOST * len(near))
    for turned in wanted:
        asking = spans((turned > TURNED) & near & ~given)
        for start, end in sorted(asking, key=lambda run: turned[run[0] : run[1]].mean()):
            count = min(left, end - start)
            if count > 0:
                first = start + np.argmax(np.convolve(turned[start:end], np.ones(count), "valid"))
                given[first : first + count] = True
                left -= count
    steps = np.zeros(len(near))
    for start, end in spans(given):
        frames = np.arange(start, end)
        ends = [frames - start + 1] * (start > 0) + [end - frames] * (end < len(near))
        steps[start:end] = np.min(ends, axis=0) if ends else len(near)
    return TURNED + steps * _STEEP / fps


def _angle(turn, bone):
    after = rotate(turn, bone)
    aside = cross(bone, after)
    return np.arctan2(np.sqrt(dot(aside, aside)), dot(bone, after))
