"""The limbs of a standing body told by its shape alone: what mirrors what, what reaches the ground, what goes up.

Two chains of joints that mirror each other and come down to the lowest part of the body are legs; the joint from which
they and the rest hang is the hips; up from there the longest mirrored pair of chains are arms, and what goes on upward
between them is the neck with the head. The toes point ahead. Proportions of a chain's parts (forearm 0.85 of the upper
arm, hand 0.6 of the forearm; Winter 2009, figure 4.1) say which joints are elbow and wrist where there are more joints
than a body has.
"""

from collections import Counter
from itertools import combinations

import numpy as np

from graphics_ml.motion.humanoid import FINGERS
from graphics_ml.motion.rotations import rotate

_UP = np.array([0.0, 1, 0])
_MOST_CHILDREN = 40  # of one joint that are compared with each other; a face may have hundreds
_MOST_PLANES = 30  # of symmetry that are tried, those between most pairs of joints; hair may give thousands


def limbs_of_shape(skeleton, places) -> dict[str, int]:
    """Role to joint index, of joints at `places` (J, 3) in a standing pose, Y up; empty where no body is seen."""
    copies = _copied_limbs(skeleton, places)
    odd = _without_mirror_image(skeleton, places)
    return _limbs(_Body(skeleton, places, copies | odd)) or (_limbs(_Body(skeleton, places, copies)) if odd else {})


def _limbs(body):
    skeleton = body.skeleton
    legs = body.legs()
    if legs is None:
        return {}
    hips, leg_pair = legs
    arms = body.arms(hips, leg_pair)
    if arms is None:
        return {}
    chest, arm_pair = arms
    hips = common_ancestor(skeleton, [hips, chest])
    found = {"hips": hips}
    ankle = min(body.ankle(leg) for leg in leg_pair)
    ahead = body.ahead(leg_pair, ankle, arm_pair)
    left_leg, right_leg = body.sides(leg_pair, ahead)
    left_arm, right_arm = body.sides(arm_pair, ahead)
    for side, leg, arm in (("left", left_leg, left_arm), ("right", right_leg, right_arm)):
        found.update({f"{side}_{part}": joint for part, joint in body.leg_parts(leg, ankle).items()})
        found.update({f"{side}_{part}": joint for part, joint in body.arm_parts(arm).items()})
    spine = path_down(skeleton, hips, chest)[1:]
    picks = spine if len(spine) <= 3 else [spine[0], spine[len(spine) // 2], spine[-1]]
    found.update(zip(("spine", "chest", "upper_chest"), picks, strict=False))
    found.update(body.neck_and_head(chest, arm_pair))
    return found


def _copied_limbs(skeleton, places):
    """The joints of chains that rigs keep beside their limbs: two joints and more in the same places as a chain beside
    them that has more joints, or comes first."""
    near = 0.01 * max(np.ptp(places, axis=0).max(), 1e-9)
    size = np.ones(len(skeleton), dtype=int)
    for joint in reversed(range(1, len(skeleton))):
        size[skeleton.parents[joint]] += size[joint]

    def same(a, b):
        return np.linalg.norm(places[a] - places[b]) < near

    copies = set()
    for row in skeleton.children:
        for a, b in combinations(row[:_MOST_CHILDREN], 2):
            other, copy = (b, a) if size[a] < size[b] else (a, b)
            if same(a, b) and any(
                not same(copy, d) and any(same(c, d) for c in carried_joints(skeleton, other))
                for d in skeleton.children[copy]
            ):
                copies.update(carried_joints(skeleton, copy))
    return copies


def _without_mirror_image(skeleton, places):
    """The joints of a symmetric pose that have no counterpart on the other side, nor any joint below them: what is held
    in a hand, hangs on one side of a belt. Empty where the pose is not symmetric.

    The plane of symmetry is the upright one midway between two joints of one parent that gives most joints a mirror
    image.
    """
    size = max(np.ptp(places, axis=0).max(), 1e-9)
    step, planes, votes = 0.01 * size, {}, Counter()
    for row in skeleton.children:
        for a, b in combinations(row[:_MOST_CHILDREN], 2):
            across = (places[a] - places[b]) * [1, 0, 1]
            width = np.linalg.norm(across)
            if width > step and abs(places[a, 1] - places[b, 1]) < step:
                normal = (
                    across / width * (np.sign(across[0]) if abs(across[0]) > abs(across[2]) else np.sign(across[2]))
                )
                offset = (places[a] + places[b]) @ normal / 2
                plane = (*np.round(normal, 2), round(offset / step))
                planes.setdefault(plane, (normal, offset))
                votes[plane] += 1
    best = None
    for normal, offset in (planes[plane] for plane, _ in votes.most_common(_MOST_PLANES)):
        side = places @ normal - offset
        images = places - 2 * side[:, None] * normal
        off = np.abs(side) > step
        apart = np.linalg.norm(images[:, None] - places, axis=-1)
        # Models are made by hand too: a hand may lie some centimetres off the other's image.
        lonely = off & (apart.min(axis=1) > 3 * step)
        if best is None or (off & ~lonely).sum() > best[0]:
            best = ((off & ~lonely).sum(), lonely, apart.argmin(axis=1))
    return set() if best is None or best[0] < 2 * best[1].sum() else _one_sided(skeleton, *best[1:])


def _one_sided(skeleton, lonely, image):
    """The subtrees of `lonely` joints (J,) for which the `image` (J,) of their parent has no subtree of as many lonely
    joints: two that are alike are a pair of limbs in a pose that is not symmetric."""
    whole, count = lonely.copy(), np.ones(len(skeleton), dtype=int)
    for joint in reversed(range(1, len(skeleton))):
        whole[skeleton.parents[joint]] &= whole[joint]
        count[skeleton.parents[joint]] += count[joint]
    tops = [j for j, parent in enumerate(skeleton.parents) if whole[j] and not whole[parent]]
    odd = set()
    for top in tops:
        across = image[skeleton.parents[top]]
        if not any(o != top and skeleton.parents[o] == across and count[o] == count[top] for o in tops):
            odd.update(carried_joints(skeleton, top))
    return odd


def carried_joints(skeleton, joint) -> list[int]:
    """A joint and all that hang from it, by index."""
    carried = {joint}
    for one, parent in enumerate(skeleton.parents):
        if parent in carried:
            carried.add(one)
    return sorted(carried)


def descends(skeleton, joint, ancestor) -> bool:
    """Whether `joint` is `ancestor` or hangs below it."""
    while joint > ancestor:
        joint = skeleton.parents[joint]
    return joint == ancestor


def path_down(skeleton, top, joint) -> list[int]:
    """The joints from `top` down to `joint`, both included."""
    line = [joint]
    while line[-1] != top:
        line.append(skeleton.parents[line[-1]])
    return line[::-1]


def common_ancestor(skeleton, joints) -> int:
    """The lowest joint from which all `joints` hang (one that the others hang from counts)."""
    first, *others = joints
    while not all(descends(skeleton, other, first) for other in others):
        first = skeleton.parents[first]
    return first


class _Body:
    """A skeleton in one standing pose, with what is measured on it more than once; joints in `ignored`, whole subtrees,
    do not count."""

    def __init__(self, skeleton, places, ignored=frozenset()):
        self.skeleton, self.places = skeleton, places
        kept = [joint for joint in range(len(skeleton)) if joint not in ignored]
        self.children = [tuple(child for child in row if child not in ignored) for row in skeleton.children]
        rotations = skeleton.rest_transforms()[0]
        self.ends = {}
        for end in skeleton.end_sites:
            if np.linalg.norm(end.offset) > 1e-6:
                self.ends[end.joint] = places[end.joint] + rotate(rotations[end.joint], end.offset)
        self.floor, self.height = places[kept, 1].min(), max(np.ptp(places[kept, 1]), 1e-9)
        # The child (-1: none) on the way to each joint's farthest leaf, and to the highest joint below it.
        self._longest, self._highest = [-1] * len(skeleton), [-1] * len(skeleton)
        reach, top = np.zeros(len(skeleton)), np.array([self._top(j) for j in range(len(skeleton))])
        steps = np.linalg.norm(places - places[np.maximum(skeleton.parents, 0)], axis=1)
        for joint in reversed(kept[1:]):
            parent = skeleton.parents[joint]
            if self._longest[parent] < 0 or reach[joint] + steps[joint] > reach[parent]:
                reach[parent], self._longest[parent] = reach[joint] + steps[joint], joint
            if top[joint] > top[parent]:
                top[parent], self._highest[parent] = top[joint], joint

    def legs(self):
        """(hips, (leg, leg)) of the mirrored chains down to the ground that are most like legs, or None: two long bones
        make most of a leg, and a cape or hair hangs from higher up in more and shorter ones."""
        best = None
        for top, a, b in self._mirrored_pairs():
            tip = min(self.places[a[-1]][1], self.places[b[-1]][1])
            if max(self.places[a, 1]) - tip < 0.25 * self.height or tip > self.floor + 0.2 * self.height:
                continue
            likeness = self._two_bones(a) - (self.places[top, 1] - self.floor) / self.height
            if best is None or likeness > best[0] + 0.02:
                best = (likeness, top, (a, b))
        return None if best is None else best[1:]

    def arms(self, hips, legs):
        """(chest, (arm, arm)) of the longest mirrored pair that is not the legs, or None."""
        taken = set(legs[0]) | set(legs[1])
        best = None
        for top, a, b in self._mirrored_pairs():
            if taken & (set(a) | set(b)):
                continue
            reach = self._length(a)
            if len(a) < 3 or not 0.2 < reach / self.height < 1.2:
                continue
            score = self._two_bones(a) * min(reach / self.height, 0.4)
            score *= 1.5 if self._hand_with_fingers(a) is not None else 1.0
            # Some rigs hang pelvis and spine side by side from one joint, so arms need not hang from the legs' joint.
            score *= 1.5 if descends(self.skeleton, top, hips) else 1.0
            # Arms hang, are held level or bend ahead; what rises from the back are wings.
            rise = (self.places[a[-1]] + self.places[b[-1]] - self.places[a[0]] - self.places[b[0]])[1] / 2
            score *= 0.3 if rise > 0.15 * reach else 1.0
            if best is None or score > best[0]:
                best = (score, top, (a, b))
        return None if best is None else best[1:]

    def ahead(self, legs, ankle, arms):
        """Where the body faces, horizontal: toes point and knees bend ahead; where they do neither, thumbs lie ahead of
        the other fingers."""
        ahead = sum(self._toe_direction(leg, ankle) + self._knee_bend(leg, ankle) for leg in legs) * [1, 0, 1]
        if np.linalg.norm(ahead) < 0.02 * self.height:
            ahead = sum(self._thumb_direction(arm) for arm in arms) * [1, 0, 1]
        return ahead if np.linalg.norm(ahead) > 0.002 * self.height else np.array([0.0, 0, 1])

    def sides(self, pair, ahead):
        """The pair with the left one first: left is up x ahead."""
        apart = (self.places[pair[0]] - self.places[pair[1]]) * [1, 0, 1]
        # Where the two first lie well apart: further down, a pose may cross them.
        across = next((a for a in apart if np.linalg.norm(a) > 0.03 * self.height), apart[-1])
        return pair if np.cross(_UP, ahead) @ across > 0 else pair[::-1]

    def leg_parts(self, chain, foot):
        top = self._thigh(chain, foot)
        knee = self._halfway(chain[top : foot + 1])
        parts = {"thigh": chain[top], "shin": chain[top + knee], "foot": chain[foot]}
        if foot + 1 < len(chain):
            parts["toes"] = chain[foot + 1]
        return parts

    def arm_parts(self, chain):
        hand = self._hand_with_fingers(chain)
        if hand is not None and hand >= 2:
            upper, elbow = (hand - 2, hand - 1) if hand <= 3 else self._upper_and_elbow(chain, hand)
        else:
            upper, elbow, hand = min(combinations(range(len(chain)), 3), key=lambda c: self._odd_arm(chain, *c))
        parts = {"upper_arm": chain[upper], "forearm": chain[elbow], "hand": chain[hand]}
        if upper > 0:
            parts["shoulder"] = chain[upper - 1]
        parts.update(self._finger_parts(chain[hand], chain[elbow]))
        return parts

    def neck_and_head(self, chest, arms):
        taken = {joint for arm in arms for joint in arm}
        taken |= {chain[0] for _, a, b in self._mirrored_pairs() for chain in (a, b)}
        starts = [c for c in self.children[chest] if c not in taken]
        lines = [self._rising_chain(c) for c in starts]
        lines = [line for line in lines if self._top(line[-1]) > self.places[chest, 1]]
        if not lines:
            return {}
        line = max(lines, key=lambda li: self._top(li[-1]))
        for number, joint in enumerate(line):
            if len(self.children[joint]) >= 2:
                line = line[: number + 1]
                break
        else:
            # A head's bone is longer than the neck's: a leaf that far out is only the end of the head.
            steps = np.linalg.norm(np.diff(self.places[[chest, *line]], axis=0), axis=1)
            if len(line) > 2 and steps[-1] > 1.6 * steps[-2]:
                line = line[:-1]
        return {"neck": line[0], "head": line[-1]} if len(line) > 1 else {"head": line[0]}

    def _top(self, joint):
        return max(self.places[joint, 1], self.ends.get(joint, self.places[joint])[1])

    def _mirrored_pairs(self):
        """(joint, chain, chain) wherever two chains hang from one joint that mirror each other or are alike in every
        bone's length, which a pose that is not symmetric leaves as they are."""
        for top, children in enumerate(self.children):
            chains = [self._main_chain(c) for c in children]
            for a, b in combinations([c for c in chains if len(c) >= 2], 2):
                if len(a) == len(b) and (self._mirror_error(a, b) < 0.1 or self._length_error(a, b) < 0.02):
                    yield top, a, b

    def _mirror_error(self, a, b):
        """Mean distance of chain a to the mirror image of chain b, in lengths of a, over the best vertical plane."""
        pa, pb = self.places[a], self.places[b]
        across = np.mean(pa - pb, axis=0) * [1, 0, 1]
        length = max(self._length(a), 1e-9)
        if np.linalg.norm(across) < 0.05 * length:
            return np.inf
        normal = across / np.linalg.norm(across)
        middle = np.mean((pa + pb) / 2, axis=0)
        image = pb - 2 * ((pb - middle) @ normal)[:, None] * normal
        return np.mean(np.linalg.norm(pa - image, axis=1)) / length

    def _length_error(self, a, b):
        """Sum of the differences of two chains' bone lengths, in lengths of a."""
        steps = [np.linalg.norm(np.diff(self.places[chain], axis=0), axis=1) for chain in (a, b)]
        return np.abs(steps[0] - steps[1]).sum() / max(steps[0].sum(), 1e-9)

    def _main_chain(self, joint):
        """From a joint down to the leaf at the end of the longest way."""
        return self._follow(self._longest, joint)

    def _rising_chain(self, joint):
        """From a joint down to the highest joint below it."""
        return self._follow(self._highest, joint)

    @staticmethod
    def _follow(next_joint, joint):
        line = [joint]
        while next_joint[line[-1]] >= 0:
            line.append(next_joint[line[-1]])
        return line

    def _length(self, chain):
        return float(np.linalg.norm(np.diff(self.places[chain], axis=0), axis=1).sum())

    def _two_bones(self, chain):
        """The two longest bones' share of a chain's length: most of an arm's and a leg's, little of a strand's."""
        bones = np.sort(np.linalg.norm(np.diff(self.places[chain], axis=0), axis=1))
        return bones[-2:].sum() / max(bones.sum(), 1e-9)

    def _knee_bend(self, leg, foot):
        """From the line between hip and ankle to the knee."""
        hip, knee, ankle = self.places[[leg[0], leg[self._halfway(leg[: foot + 1])], leg[foot]]]
        line = (ankle - hip) / max(np.linalg.norm(ankle - hip), 1e-9)
        return knee - hip - ((knee - hip) @ line) * line

    def _toe_direction(self, leg, foot):
        tip = self.places[leg[-1]] if foot + 1 < len(leg) else self.ends.get(leg[foot], self.places[leg[foot]])
        return tip - self.places[leg[foot]]

    def _thumb_direction(self, arm):
        """From the other fingers to the thumb, whose second joint is nearest the wrist; zero without fingers."""
        hand = self._hand_with_fingers(arm)
        fingers = [self._main_chain(c) for c in self.children[arm[hand]]] if hand else []
        knuckles = np.array([self.places[chain[1]] for chain in fingers if len(chain) > 1])
        if len(knuckles) < 2:
            return np.zeros(3)
        thumb = np.argmin(knuckles @ (self.places[arm[hand]] - self.places[arm[hand - 1]]))
        return knuckles[thumb] - np.delete(knuckles, thumb, axis=0).mean(axis=0)

    def ankle(self, chain):
        """Index in the chain of the joint where it turns ahead most, off the line of the leg."""
        steps = np.diff(self.places[chain], axis=0)
        turns = {
            n: _angle(steps[n - 1], steps[n])
            for n in range(2, len(chain) - 1)
            if _angle(-_UP, steps[n]) > np.radians(30) and _angle(-_UP, steps[n - 1]) < np.radians(60)
        }
        best = max(turns, key=turns.get, default=None)
        return best if best is not None and turns[best] > np.radians(30) else len(chain) - 1

    def _thigh(self, chain, foot):
        """Index of the first joint that the leg goes down from."""
        whole = np.linalg.norm(self.places[chain[0]] - self.places[chain[foot]])
        for n in range(max(foot - 1, 0)):
            step = self.places[chain[n + 1]] - self.places[chain[n]]
            if np.linalg.norm(step) > 0.18 * whole and _angle(-_UP, step) < np.radians(50):
                return n
        return 0

    def _halfway(self, chain):
        along = np.concatenate(([0], np.cumsum(np.linalg.norm(np.diff(self.places[chain], axis=0), axis=1))))
        inner = np.arange(1, len(chain) - 1)
        return int(inner[np.argmin(np.abs(along[inner] - along[-1] / 2))]) if len(inner) else 0

    def _hand_with_fingers(self, chain):
        """Index of the first joint from which four chains or more go on that reach alike, or two of two joints."""
        for n, joint in enumerate(chain[1:], start=1):
            reach = {c: np.linalg.norm(self.places[self._main_chain(c)[-1]] - self.places[joint])
                     for c in self.children[joint]}  # fmt: skip
            fingers = [c for c in reach if reach[c] > 0.35 * max(reach.values())]
            if len(fingers) >= 4 or sum(bool(self.children[c]) for c in fingers) >= 2:
                return n
        return None

    def _upper_and_elbow(self, chain, hand):
        return min(combinations(range(hand), 2), key=lambda c: self._odd_arm(chain, *c, hand))

    def _odd_arm(self, chain, upper, elbow, hand):
        """How far an arm's proportions are from a human's; joints passed over (twist bones) count against it."""
        p = self.places
        a = np.linalg.norm(p[chain[elbow]] - p[chain[upper]])
        b = np.linalg.norm(p[chain[hand]] - p[chain[elbow]])
        tip = self.ends.get(chain[-1], p[chain[-1]])
        c = self._length(chain[hand:]) + np.linalg.norm(tip - p[chain[-1]])
        if min(a, b) < 1e-6:
            return np.inf
        clavicle = np.linalg.norm(p[chain[upper]] - p[chain[upper - 1]]) if upper > 0 else 0.0
        whole = self._length(chain) + np.linalg.norm(tip - p[chain[-1]])
        too_short = max(0.0, np.log(0.6 * whole / (a + b)))
        long_clavicle = max(0.0, np.log(max(clavicle / a, 1e-3) / 0.7))
        passed_over = 0.1 * (hand - upper - 2)
        return (
            abs(np.log(b / a / 0.85))
            + min(0.5 * abs(np.log(max(c / b, 1e-3) / 0.6)), 0.3)
            + long_clavicle
            + too_short
            + passed_over
        )

    def _finger_parts(self, hand, elbow):
        chains = [self._main_chain(c) for c in self.children[hand]]
        chains = [c for c in chains if len(c) >= 2]
        if len(chains) < 4:
            return {}
        out = self.places[hand] - self.places[elbow]
        out = out / max(np.linalg.norm(out), 1e-9)
        # The thumb's second joint is nearest the wrist; the others follow across the palm from its side.
        chains.sort(key=lambda c: (self.places[c[1]] - self.places[hand]) @ out)
        thumb, rest = chains[0], chains[1:]
        rest.sort(key=lambda c: np.linalg.norm(self.places[c[0]] - self.places[thumb[1]]))
        return {
            f"{finger}_{n}": joint
            for finger, chain in zip(FINGERS, [thumb, *rest], strict=False)
            for n, joint in enumerate(chain[:3], start=1)
        }


def _angle(u, v):
    return float(np.arctan2(np.linalg.norm(np.cross(u, v)), u @ v))
