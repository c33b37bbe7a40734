"""Who is in a film, and where: find people, and follow each with a region of their own.

A detector backend looks at single pictures. Here every person has a region that moves with them from picture to
picture (BlazePose's own scheme), smoothed a little because a trembling region makes trembling landmarks. Passers-by
are looked at only now and then. The rest of the picture is searched sparsely, one crop at a time, so a film of one
person costs hardly more than following them. Whoever appears is also followed backwards through the last second or so,
to the moment they came into sight. People who were lost are known again by where they were and by the colours of their
clothes; when two regions slide onto the same person, the one whose colours do not fit is lost until its person is seen
again.
"""

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from graphics_ml.motion.contacts import spans
from graphics_ml.pose.detection import Hands, Pose, PoseDetector, Region
from graphics_ml.pose.likeness import (
    BODY,
    TORSO,
    TOUCHING,
    TRUNK,
    are_apart,
    blend,
    box,
    colours,
    corner,
    credible,
    height_of,
    leap,
    likeness,
    overlap,
    pack,
    painted_over,
    shared_part,
    similarity,
    without_those_behind,
)
from graphics_ml.pose.video import Video


class Person:
    """One person's track through a film.

    Attributes:
        seen: frame -> packed pose, see likeness.py.
        skipped: frame -> region; frames of `seen` that were not looked at and repeat the pose before.
        hands: frame -> the hands, in those frames of `seen` in which they were looked at.
    """

    def __init__(self):
        self.seen: dict[int, np.ndarray] = {}
        self.skipped: dict[int, Region] = {}
        self.hands: dict[int, Hands] = {}
        self.region: Region | None = None  # where to look next; None: out of sight
        self.last_region: Region | None = None
        self.last_frame = -1
        self.misses = 0
        self.looks: np.ndarray | None = None  # colours of the clothes
        self.glances = 0  # how many pictures they were averaged over

    @property
    def last_seen(self) -> np.ndarray:
        return self.seen[self.last_frame]

    def record(self, frame: int, pose: Pose, region: Region) -> None:
        self.seen[frame] = pack(pose)
        self.skipped.pop(frame, None)
        if frame >= self.last_frame:
            self.last_frame, self.last_region, self.region, self.misses = frame, region, region, 0

    def skip(self, frame: int) -> None:
        self.seen[frame], self.skipped[frame], self.last_frame = self.last_seen, self.last_region, frame

    def hand_over(self, frame: int, other: "Person") -> None:
        other.seen[frame] = self.seen.pop(frame)
        if frame in self.skipped:
            other.skipped[frame] = self.skipped.pop(frame)
        if frame in self.hands:
            other.hands[frame] = self.hands.pop(frame)

    def forget(self, frame: int) -> None:
        del self.seen[frame]
        self.skipped.pop(frame, None)
        self.hands.pop(frame, None)

    def lose(self) -> None:
        self.region = None


def follow_people(
    video: Video, detector: PoseDetector, progress: Callable[[int, int], None] | None = None
) -> tuple[list[Person], int]:
    """Everyone worth following in the film, and how many frames there were."""
    follower = _Follower(detector, float(video.fps), (video.height, video.width))
    frames = 0
    for index, _, picture in _read_ahead(video):
        follower.step(index, picture)
        frames = index + 1
        if progress is not None:
            progress(frames, max(frames, video.frames))
    second = min(float(video.fps), frames)
    return [p for p in follower.people if _steadily_seen(p, frames, 0.25 * second) >= 0.4 * second], frames


def look_closer(
    person: Person,
    people: list[Person],
    video: Video,
    detector: PoseDetector,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Look at the frames of a person that were skipped; where they are not found there, the frame is no longer seen."""
    if not person.skipped:
        return
    follower = _Follower(detector, float(video.fps), (video.height, video.width))
    follower.people = people
    region = None
    for index, _, picture in _read_ahead(video):
        if index in person.skipped:
            region = follower.look_again(person, index, picture, region or person.skipped[index])
        else:
            region = None
        if progress is not None:
            progress(index + 1, video.frames)


def _steadily_seen(person: Person, frames: int, shortest: float) -> int:
    """Frames in which the person is seen, without spans that are too short to be more than a mistake."""
    seen = np.zeros(frames, bool)
    seen[list(person.seen)] = True
    return sum(stop - first for first, stop in spans(seen) if stop - first >= shortest)


_SMOOTHING = 0.06  # seconds; time constant of the region, as jitter-free as MediaPipe's filter without its lag
_LEAP = 0.4  # of the region's side; nobody moves that far between two frames
_PATIENCE = 0.5  # seconds in which a person who is not seen is looked for at the same place
_SAME = 0.6  # likeness from which two poses are the same person
_MADE_OF = 0.7  # of a person's joints may lie on another's body, behind whom they may pass
_SMALLEST = 0.5  # of the leading person in sight; who is smaller is not followed
_MOST = 4  # people followed at a time
_NOW_AND_THEN = 0.1  # seconds between two looks at others than the leading person, and at colours and hands of all
_KNOWN = 0.6  # similarity of colours from which someone is known again; strangers reach 0.5 or so
_STRANGE = 0.7  # similarity to one's own colours below which one may be somebody else
_MISSED = 4.0  # seconds in which someone out of sight is looked for where they were
_LOOK_BACK = 1.5  # seconds
_LOOK_BACK_BYTES = 400e6


class _Follower:
    def __init__(self, detector: PoseDetector, fps: float, size: tuple[int, int]):
        self.people: list[Person] = []
        self._detector, self._fps, self._size = detector, fps, size
        self._recent: deque[tuple[int, np.ndarray]] = deque()
        self._crops: deque[tuple[int, int, int, int]] = deque()
        self._cycle_start = -math.inf
        self._pause = 0.5  # seconds between searches; longer while they find nobody new
        self._every = max(1, round(_NOW_AND_THEN * fps))
        self._keep = 1 - math.exp(-1 / (fps * _SMOOTHING))

    def step(self, index: int, picture: np.ndarray) -> None:
        if self._recent and self._recent[-1][1] is picture:
            for person in self.people:
                if index - 1 in person.skipped:
                    person.skip(index)
                elif index - 1 in person.seen:
                    person.seen[index], person.last_frame = person.seen[index - 1], index
        else:
            nearest_first = sorted(self._live(), key=lambda person: -person.last_seen[:, 1].max())
            lost = [p for p in nearest_first if not self._follow(p, index, picture) and p.misses == 1]
            self._part_merged(index, picture)
            self._suspect(index, picture)
            self._update_looks(index, picture)
            self._search(index, picture, bool(lost))
        self._remember(index, picture)

    def look_again(self, person: Person, index: int, picture: np.ndarray, region: Region) -> Region | None:
        """Look at a frame that was skipped; the region for the next one, None where the person is not found."""
        pose = self._detector.pose(self._without_others(picture, index, person, person.seen[index]), region)
        if pose is None or not credible(pose, picture) or leap(region, pose.region) > _LEAP:
            person.forget(index)
            return None
        person.record(index, pose, region)
        return blend(region, pose.region, self._keep)

    def _live(self) -> list[Person]:
        return [person for person in self.people if person.region is not None]

    def _may_skip(self, person: Person, index: int) -> bool:
        """Whether this frame will do without: of all but the leading person, now and then a look is enough.

        Unless they might be taken for somebody: their box touches the leading person's, or their trunk another's.
        """
        leader = self._leader()
        if person is leader or index % self._every == 0:
            return False
        if leader is not None and overlap(box(person.last_seen), box(leader.last_seen)):
            return False
        trunk = box(person.last_seen[TRUNK])
        return not any(overlap(trunk, box(other.last_seen[TRUNK])) for other in self._live() if other is not person)

    def _follow(self, person: Person, index: int, picture: np.ndarray) -> bool:
        if person.misses == 0 and self._may_skip(person, index):
            person.skip(index)
            return True
        view = self._without_others(picture, index, person, person.last_seen)
        pose = self._detector.pose(view, person.region)
        if pose is not None and credible(pose, picture) and leap(person.last_region, pose.region) < _LEAP:
            person.record(index, pose, blend(person.last_region, pose.region, self._keep))
            if index % self._every == 0 and hasattr(self._detector, "hands"):
                person.hands[index] = self._detector.hands(view, pose)
            return True
        person.misses += 1
        if person.misses > _PATIENCE * self._fps:
            person.lose()
        return False

    def _without_others(self, picture: np.ndarray, index: int, person: Person, packed: np.ndarray) -> np.ndarray:
        """The picture with those painted over who stand close before or behind this person.

        The landmark model takes whoever is plainest in its region, and where two embrace, limbs of either. Painted
        over, the one in front is merely an obstacle. Who stands lower in the picture is taken to be in front.
        """
        left, top, right, bottom = box(packed)
        margin = 0.1 * (bottom - top)
        around = (left - margin, top - margin, right + margin, bottom + margin)
        others = [
            other.seen.get(index, other.seen.get(index - 1))  # those further away are followed later
            for other in self.people
            if other is not person and (index in other.seen or index - 1 in other.seen)
        ]
        close = [other for other in others if overlap(around, box(other[TRUNK]))]
        in_front = [other for other in close if other[:, 1].max() > packed[:, 1].max()]
        behind = [other for other in close if other[:, 1].max() <= packed[:, 1].max()]
        return painted_over(without_those_behind(picture, packed, behind), in_front)

    def _part_merged(self, index: int, picture: np.ndarray) -> None:
        """Where two tracks lie on one person, lose the one that this person is not."""
        present = [person for person in self.people if index in person.seen]
        for i, a in enumerate(present):
            for b in present[i + 1 :]:
                if index not in a.seen or index not in b.seen:
                    continue
                younger, older = (a, b) if len(a.seen) < len(b.seen) else (b, a)
                made_of_the_other = shared_part(younger.seen[index], older.seen[index]) > _MADE_OF
                if not made_of_the_other and likeness(a.seen[index], b.seen[index]) < _SAME:
                    continue
                fit = [similarity(colours(picture, p.seen[index]), p.looks) for p in (a, b)]
                if abs(fit[0] - fit[1]) > 0.1:
                    stray, kept = (a, b) if fit[0] < fit[1] else (b, a)
                else:
                    stray, kept = younger, older
                if not self._recover(stray, kept, index, picture):
                    _withdraw(stray, kept, index)
        briefly = 0.15 * self._fps
        self.people = [person for person in self.people if person.region is not None or len(person.seen) >= briefly]

    def _suspect(self, index: int, picture: np.ndarray) -> None:
        """Whoever suddenly looks like somebody else may have lost their track to a neighbour: look for them nearby.

        If they are there, `_meet` gives them their track back. If not, they have only turned round.
        """
        if index % self._every:
            return
        for person in self._live():
            if person.glances <= 5 or index not in person.seen:
                continue
            if similarity(colours(picture, person.seen[index]), person.looks) < _STRANGE:
                self._look(index, picture, self._square(person.seen[index], 1.4))

    def _give_back(self, index: int, picture: np.ndarray, looks: np.ndarray) -> Person | None:
        """The person whose track went astray and who was just found again by these looks, with the stray part cut off.

        What was cut off belongs to somebody who was lost, or becomes the track of somebody new.
        """
        for person in self._live():
            if index not in person.seen or person.glances <= 5:
                continue
            now = similarity(colours(picture, person.seen[index]), person.looks)
            if now > _STRANGE or similarity(looks, person.looks) < max(_KNOWN, now + 0.15):
                continue
            strange = colours(picture, person.seen[index])
            other = self._known(index, person.last_region, strange)
            if other is None:
                other = Person()
                other.looks, other.glances = strange, 1
                self.people.append(other)
            for frame, old in [(index, picture), *reversed(self._recent)]:
                if frame not in person.seen:
                    break
                if frame < index and similarity(colours(old, person.seen[frame]), person.looks) > _STRANGE:
                    break
                person.hand_over(frame, other)
            other.region = other.last_region = person.last_region
            other.last_frame, other.misses = index, 0
            person.last_frame = max(person.seen, default=-1)
            return person
        return None

    def _recover(self, stray: Person, kept: Person, index: int, picture: np.ndarray) -> bool:
        """Look for the stray again where they just were, with the other one painted over."""
        before = stray.seen.get(index - 1)
        if before is None:
            return False
        if likeness(before, kept.seen[index]) > _SAME:
            return False
        pose = self._detector.pose(painted_over(picture, [kept.seen[index]]), stray.last_region)
        if pose is None or not credible(pose, picture) or leap(stray.last_region, pose.region) > _LEAP:
            return False
        if likeness(pack(pose), kept.seen[index]) > TOUCHING:
            return False
        stray.record(index, pose, blend(stray.last_region, pose.region, self._keep))
        return True

    def _update_looks(self, index: int, picture: np.ndarray) -> None:
        present = [person for person in self.people if index in person.seen]
        for person in present:
            if person.looks is not None and index % self._every:
                continue
            torso = box(person.seen[index][TORSO])
            if any(overlap(torso, box(other.seen[index][TORSO])) for other in present if other is not person):
                continue
            now = colours(picture, person.seen[index])
            person.glances += 1
            person.looks = (
                now if person.looks is None else person.looks + max(0.05, 1 / person.glances) * (now - person.looks)
            )

    # Searching for people who are not followed yet

    def _search(self, index: int, picture: np.ndarray, someone_was_lost: bool) -> None:
        nobody = not any(index in person.seen for person in self.people)
        if index == 0:
            self._look(index, picture, (0, 0, *picture.shape[1::-1]))
            for crop in self._plan_crops()[1:]:
                self._look(index, picture, crop)
            for step in range(3):
                self._look(index, picture, self._around_leader(step))
            self._cycle_start = index
        elif someone_was_lost or nobody:
            self._look(index, picture, (0, 0, *picture.shape[1::-1]))
            if not self._crops:
                self._crops.extend(self._plan_crops()[1:])
            if nobody and self._crops:
                self._look(index, picture, self._crops.popleft())
        else:
            step, between = divmod(index, max(3, round(0.08 * self._fps)))
            if not between:
                self._look(index, picture, self._next_crop(index, step))
                if len(self._live()) > 1:  # where there are two there may be three
                    self._look(index, picture, self._around_leader(step))

    def _next_crop(self, index: int, step: int) -> tuple[int, int, int, int] | None:
        """Where to look next: in turn through the picture, around the leading person, and where someone was lost."""
        missed = self._missed(index)
        if not self._crops and index - self._cycle_start >= self._pause * self._fps:
            self._cycle_start = index
            self._pause = min(1.5, 1.5 * self._pause)
            self._crops.extend(self._plan_crops())
        if step % 3 == 1 and missed:
            return self._square(missed[step // 3 % len(missed)].last_seen, 1.6)
        if step % 3 == 2 and (missed or self._crops):
            return self._around_leader(step // 3)
        return self._crops.popleft() if self._crops else None

    def _around_leader(self, step: int) -> tuple[int, int, int, int] | None:
        """A square around the leading person, whose close neighbours are the hardest to tell apart."""
        leader = self._leader()
        return None if leader is None else self._square(leader.last_seen, (1.1, 1.4, 0.9)[step % 3])

    def _leader(self) -> Person | None:
        """Of those in sight, who was seen largest for longest."""
        return max(self._live(), key=lambda person: len(person.seen) * height_of(person.last_seen) ** 2, default=None)

    def _missed(self, index: int) -> list[Person]:
        """People out of sight only lately, who were seen long enough to be worth looking for where they were."""
        leader = self._leader()
        smallest = _SMALLEST * leader.region.size if leader else 0.0
        return [
            person
            for person in self.people
            if person.region is None
            and person.last_region.size > smallest
            and index - person.last_frame < _MISSED * self._fps
            and len(person.seen) > 0.3 * self._fps
        ]

    def _plan_crops(self) -> list[tuple[int, int, int, int]]:
        """(x, y, width, height) of the whole picture, then of overlapping squares in which smaller people are found.

        The finder sees people of a fifth of its picture and more, and best those who fill it; so squares a little
        larger than the leading person, around that person and on a row with them, show the neighbours.
        """
        height, width = self._size
        short, long = sorted((height, width))
        crops = [(0, 0, width, height)]
        if long > 1.3 * short:
            crops += _squares(width, height, short)
        if not self._live():
            return crops + _squares(width, height, short // 2)
        _, top, side, _ = self._square(self._leader().last_seen, 1.2)
        if side < 0.75 * short:
            crops += [(x, top, side, side) for x, _, _, _ in _squares(width, side, side)]
        return crops

    def _square(self, packed: np.ndarray, scale: float) -> tuple[int, int, int, int]:
        """A square around someone, `scale` times their height, inside the picture."""
        height, width = self._size
        left, top, right, bottom = box(packed)
        side = min(max(16, int(scale * (bottom - top))), width, height)
        x, y = (left + right - side) // 2, (top + bottom - side) // 2
        return min(max(0, x), width - side), min(max(0, y), height - side), side, side

    def _look(self, index: int, picture: np.ndarray, crop: tuple[int, int, int, int] | None) -> None:
        if crop is None:
            return
        x, y, width, height = crop
        # Who is followed already is painted over: the finder tells people by head and torso, and suppresses whoever
        # stands close to someone it is surer of.
        followed = [person.seen[index] - corner(x, y) for person in self.people if index in person.seen]
        part = painted_over(picture[y : y + height, x : x + width], followed)
        for region in self._detector.find(part)[:3]:
            here = region._replace(x=region.x + x, y=region.y + y)
            if any(leap(p.region, here) < 0.1 for p in self._live() if index in p.seen):
                continue
            pose = self._detector.pose(part, region)
            if pose is not None:
                place = pose.region._replace(x=pose.region.x + x, y=pose.region.y + y)
                self._meet(index, picture, place, pack(pose) + corner(x, y))

    def _meet(self, index: int, picture: np.ndarray, region: Region, outline: np.ndarray) -> None:
        """Follow whoever is in the region, if it is not someone who is followed already.

        outline: packed pose as seen with those painted over who are followed already.
        """
        present = [person for person in self.people if index in person.seen]
        if not self._stands_apart(outline, index):
            return
        leader = self._leader()
        smallest = _SMALLEST * leader.region.size if leader else 0.0
        if region.size < smallest:
            return
        pose = self._detector.pose(painted_over(picture, [person.seen[index] for person in present]), region)
        if pose is None or not credible(pose, picture) or pose.visibility[BODY].mean() < 0.5:
            return
        packed = pack(pose)
        if pose.region.size < smallest:
            return
        if not self._stands_apart(packed, index):
            return
        looks = colours(picture, packed)
        person = self._give_back(index, picture, looks) or self._known(index, pose.region, looks)
        if person is None:
            if len(present) >= _MOST:
                least = min(present, key=lambda other: height_of(other.seen[index]))
                if height_of(packed) < 1.15 * height_of(least.seen[index]):
                    return
                least.lose()
            person = Person()
            person.looks, person.glances = looks, 1
            self.people.append(person)
        self._pause = 0.5
        before = person.last_frame
        person.record(index, pose, pose.region)
        self._look_back(person, before, index, pose.region)

    def _stands_apart(self, packed: np.ndarray, frame: int) -> bool:
        """Whether this is somebody else than those seen in the frame, and not made of somebody's limbs."""
        seen = [person.seen[frame] for person in self.people if frame in person.seen]
        return all(are_apart(packed, one) for one in seen)

    def _known(self, index: int, region: Region, looks: np.ndarray) -> Person | None:
        """Who of those out of sight this is, by place and by looks."""
        best, best_fit = None, _KNOWN
        for person in self.people:
            if index in person.seen:
                continue
            gap = (index - person.last_frame) / self._fps
            reach = 0.4 + 0.8 * gap
            if leap(person.last_region, region) > reach:
                continue
            fit = similarity(looks, person.looks) + 0.1 * max(0.0, 1 - gap)
            if fit > best_fit:
                best, best_fit = person, fit
        return best

    def _look_back(self, person: Person, before: int, index: int, region: Region) -> None:
        """Follow someone who was just met backwards, to where they came into sight or were last seen."""
        packed = person.seen[index]
        for frame, picture in reversed(self._recent):
            if frame <= before:
                return
            if self._may_skip(person, frame):
                person.seen[frame], person.skipped[frame] = packed, region
                continue
            view = self._without_others(picture, frame, person, packed)
            pose = self._detector.pose(view, region)
            if pose is None or not credible(pose, picture) or leap(region, pose.region) > _LEAP:
                return
            packed = pack(pose)
            if not self._stands_apart(packed, frame):
                return
            person.seen[frame] = packed
            region = blend(region, pose.region, self._keep)

    def _remember(self, index: int, picture: np.ndarray) -> None:
        self._recent.append((index, picture))
        most = max(1, min(_LOOK_BACK * self._fps, _LOOK_BACK_BYTES / picture.nbytes))
        while len(self._recent) > most:
            self._recent.popleft()


def _withdraw(stray: Person, kept: Person, index: int) -> None:
    """Take back the stray's poses since they began to slide onto the other person."""
    frame = index
    while frame in stray.seen and frame in kept.seen:
        if are_apart(stray.seen[frame], kept.seen[frame]):
            break
        stray.forget(frame)
        frame -= 1
    stray.last_frame = max(stray.seen, default=-1)
    stray.lose()


def _squares(width: int, height: int, side: int) -> list[tuple[int, int, int, int]]:
    """Squares that cover the rectangle, each overlapping its neighbours by half or a little more."""

    def starts(length):
        steps = max(0, math.ceil(2 * (length - side) / side))
        return [round(x) for x in np.linspace(0, max(0, length - side), steps + 1)]

    return [(x, y, min(side, width), min(side, height)) for y in starts(height) for x in starts(width)]


def _read_ahead(items: Iterable) -> Iterator:
    """The same items; the next one is made on another thread while this one is used."""
    iterator, end = iter(items), object()
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, iterator, end)
        while (item := coming.result()) is not end:
            coming = pool.submit(next, iterator, end)
            yield item
