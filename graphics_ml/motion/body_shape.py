"""The limbs of a standing body told by its shape alone: what mirrors what, what reaches the ground, what goes up.

Two chains of joints that mirror each other and come down to the lowest part of the body are legs; the joint from which
they and the rest hang is the hips; up from there the longest mirrored pair of chains are arms, and what goes on upward
between them is the neck with the head. The toes point ahead. Proportions of a chain's parts (forearm 0.85 of the upper
arm, hand 0.6 of the forearm; Winter 2009, figure 4.1) say which joints are elbow and wrist where there are more joints
than a body has.
"""

from itertools import combinations

import numpy as np

from graphics_ml.motion.humanoid import FINGERS
from graphics_ml.motion.rotations import rotate

_UP = np.array([0.0, 1, 0])


def limbs_of_shape(skeleton, places) -> dict[str, int]:
    """Role to joint index, of joints at `places` (J, 3) in a standing pose, Y up; empty where no body is seen."""
    body = _Body(skeleton, places)
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
    left_leg, right_leg = body.sides(leg_pair, leg_pair, ankle)
    left_arm, right_arm = body.sides(arm_pair, leg_pair, ankle)
    for side, leg, arm in (("left", left_leg, left_arm), ("right", right_leg, right_arm)):
        found.update({f"{side}_{part}": joint for part, joint in body.leg_parts(leg, ankle).items()})
        found.update({f"{side}_{part}": joint for part, joint in body.arm_parts(arm).items()})
    spine = path_down(skeleton, hips, chest)[1:]
    picks = spine if len(spine) <= 3 else [spine[0], spine[len(spine) // 2], spine[-1]]
    found.update(zip(("spine", "chest", "upper_chest"), picks, strict=False))
    found.update(body.neck_and_head(chest, arm_pair))
    return found


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
    """A skeleton in one standing pose, with what is measured on it more than once."""

    def __init__(self, skeleton, places):
        self.skeleton, self.places = skeleton, places
        self.children = skeleton.children
        rotations = skeleton.rest_transforms()[0]
        self.ends = {}
        for end in skeleton.end_sites:
            if np.linalg.norm(end.offset) > 1e-6:
                self.ends[end.joint] = places[end.joint] + rotate(rotations[end.joint], end.offset)
        self.floor, self.height = places[:, 1].min(), max(np.ptp(places[:, 1]), 1e-9)
        # The child (-1: none) on the way to each joint's farthest leaf, and to the highest joint below it.
        self._longest, self._highest = [-1] * len(skeleton), [-1] * len(skeleton)
        reach, top = np.zeros(len(skeleton)), np.array([self._top(j) for j in range(len(skeleton))])
        steps = np.linalg.norm(places - places[np.maximum(skeleton.parents, 0)], axis=1)
        for joint in reversed(range(1, len(skeleton))):
            parent = skeleton.parents[joint]
            if self._longest[parent] < 0 or reach[joint] + steps[joint] > reach[parent]:
                reach[parent], self._longest[parent] = reach[joint] + steps[joint], joint
            if top[joint] > top[parent]:
                top[parent], self._highest[parent] = top[joint], joint

    def legs(self):
        """(hips, (leg, leg)) of the mirrored pair that comes down farthest, or None."""
        best = None
        for top, a, b in self._mirrored_pairs():
            tip = min(self.places[a[-1]][1], self.places[b[-1]][1])
            drop = max(self.places[a, 1]) - tip
            if drop < 0.25 * self.height or tip > self.floor + 0.2 * self.height:
                continue
            if best is None or drop > best[0] + 0.02 * self.height:
                best = (drop, top, (a, b))
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
            # Some rigs hang pelvis and spine side by side from one joint, so arms need not hang from the legs' joint.
            score = reach * (1.5 if self._hand_with_fingers(a) is not None else 1.0)
            score *= 1.5 if descends(self.skeleton, top, hips) else 1.0
            if best is None or score > best[0]:
                best = (score, top, (a, b))
        return None if best is None else best[1:]

    def sides(self, pair, legs, ankle):
        """The pair with the left one first: left is up x ahead, and toes point and knees bend ahead."""
        ahead = sum(self._toe_direction(leg, ankle) + self._knee_bend(leg, ankle) for leg in legs) * [1, 0, 1]
        apart = (self.places[pair[0]] - self.places[pair[1]]) * [1, 0, 1]
        # Where the two first lie well apart: further down, a pose may cross them.
        across = next((a for a in apart if np.linalg.norm(a) > 0.03 * self.height), apart[-1])
        if np.linalg.norm(ahead) < 0.02 * self.height:
            ahead = np.array([0.0, 0, 1])
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
            if len(line) > 1 and steps[-1] > 1.4 * steps[-2]:
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

    def _knee_bend(self, leg, foot):
        """From the line between hip and ankle to the knee."""
        hip, knee, ankle = self.places[[leg[0], leg[self._halfway(leg[: foot + 1])], leg[foot]]]
        line = (ankle - hip) / max(np.linalg.norm(ankle - hip), 1e-9)
        return knee - hip - ((knee - hip) @ line) * line

    def _toe_direction(self, leg, foot):
        tip = self.places[leg[-1]] if foot + 1 < len(leg) else self.ends.get(leg[foot], self.places[leg[foot]])
        return tip - self.places[leg[foot]]

    def ankle(self, chain):
        """Index in the chain of the joint where it turns ahead, off the line of the leg."""
        for n in range(2, len(chain) - 1):
            line = self.places[chain[n]] - self.places[chain[0]]
            foot = self.places[chain[-1]] - self.places[chain[n]]
            if line[1] < 0 and _angle(line, foot) > np.radians(30) and _angle(-_UP, foot) > np.radians(30):
                return n
        return len(chain) - 1

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
        """Index of the first joint from which three chains or more go on, or two of two joints."""
        for n, joint in enumerate(chain[1:], start=1):
            longer = [c for c in self.children[joint] if self.children[c]]
            if len(self.children[joint]) >= 4 or len(longer) >= 2:
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
        long_clavicle = max(0.0, np.log(max(clavicle / a, 1e-3) / 0.7))
        passed_over = 0.1 * (hand - upper - 2)
        return (
            abs(np.log(b / a / 0.85))
            + min(0.5 * abs(np.log(max(c / b, 1e-3) / 0.6)), 0.3)
            + long_clavicle
            + passed_over
        )

    def _finger_parts(self, hand, elbow):
        chains = [self._main_chain(c) for c in self.children[hand]]
        chains = [c for c in chains if len(c) >= 2]
        if len(chains) < 4:
            return {}
        out = self.places[hand] - self.places[elbow]
        out = out / max(np.linalg.norm(out), 1e-9)
        # The thumb starts nearest the wrist; the others follow across the palm from its side.
        chains.sort(key=lambda c: (self.places[c[0]] - self.places[hand]) @ out)
        thumb, rest = chains[0], chains[1:]
        rest.sort(key=lambda c: np.linalg.norm(self.places[c[0]] - self.places[thumb[1]]))
        return {
            f"{finger}_{n}": joint
            for finger, chain in zip(FINGERS, [thumb, *rest], strict=False)
            for n, joint in enumerate(chain[:3], start=1)
        }


def _angle(u, v):
    return float(np.arctan2(np.linalg.norm(np.cross(u, v)), u @ v))
