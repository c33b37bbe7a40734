"""From a film to one person's landmarks: find the people, follow each with its own region, choose one.

A detector backend looks at single pictures. Here every person has a region that moves with them from picture to
picture (BlazePose's own scheme), smoothed a little because a trembling region makes trembling landmarks. The rest of
the picture is searched sparsely, one crop at a time, so a film of one person costs hardly more than following them.
Whoever appears is also followed backwards through the last second or so, to the moment they came into sight. People
who were lost are known again by where they were and by the colours of their clothes; when two regions slide onto the
same person, the one whose colours do not fit is lost until its person is seen again.
"""

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

import numpy as np

from graphics_ml.errors import VideoError
from graphics_ml.pose.detection import (
    CONNECTIONS,
    LANDMARKS,
    MIRRORED,
    Detections,
    Pose,
    PoseDetector,
    Region,
    cached_detections,
    detection_key,
    save_detections,
)
from graphics_ml.pose.video import Video, open_video

METHOD = 1
"""Raised when this file changes what is detected, so that older caches are not used."""


def detect(
    path: str | Path,
    *,
    person: int | str | None = None,
    start: float | None = None,
    end: float | None = None,
    fps: Fraction | float | None = None,
    detector: PoseDetector | None = None,
    cache: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Detections:
    """Follow one person through a film.

    Args:
        path: the film.
        person: 1 for the most prominent (largest, most central, longest seen), 2 for the next, ..., or "left" or
            "right" for the outermost of the prominent people. None: 1.
        start, end: the part of the film, seconds.
        fps: frames per second to look at; None: the film's own.
        detector: a backend; None: MediaPipe.
        cache: .npz beside the output. It is used if it was made from the same film with the same settings, and
            written otherwise.
        progress: called with (frames done, frames in all).

    Returns:
        `Detections` of that person.

    Raises:
        VideoError: the film cannot be used, nobody is in it, or there is no such person.
        OutputError: the cache cannot be written.
        MissingExtraError: MediaPipe or PyAV is not installed.
    """
    video = open_video(path, start, end, fps)
    if detector is None:
        from graphics_ml.pose.mediapipe_detector import MediaPipeDetector

        detector = MediaPipeDetector()
    key = detection_key(
        path,
        part=[video.start, video.frames, str(video.fps)],
        person=str(person or 1),
        detector=[detector.name, detector.version, detector.settings],
        method=METHOD,
    )
    if cache is not None and (known := cached_detections(cache, key)) is not None:
        return known
    people, frames = follow_people(video, detector, progress)
    detections = _detections_of(_choose(path, people, person, video), frames, video, detector, key)
    if cache is not None:
        save_detections(cache, detections)
    return detections


class Person:
    """One person's track through a film.

    Attributes:
        seen: frame -> float32 (L, 8): keypoint x, y, depth, world x, y, z, visibility, presence.
    """

    def __init__(self):
        self.seen: dict[int, np.ndarray] = {}
        self.region: Region | None = None  # where to look next; None: out of sight
        self.last_region: Region | None = None
        self.last_frame = -1
        self.misses = 0
        self.looks: np.ndarray | None = None  # colours, see _looks
        self.glances = 0  # how many pictures they were averaged over

    @property
    def last_seen(self) -> np.ndarray:
        return self.seen[self.last_frame]

    def record(self, frame: int, pose: Pose, region: Region) -> None:
        self.seen[frame] = _pack(pose)
        if frame >= self.last_frame:
            self.last_frame, self.last_region, self.region, self.misses = frame, region, region, 0

    def lose(self) -> None:
        self.region = None


def follow_people(
    video: Video, detector: PoseDetector, progress: Callable[[int, int], None] | None = None
) -> tuple[list[Person], int]:
    """Everyone worth following in the film, most prominent first, and how many frames there were."""
    follower = _Follower(detector, float(video.fps), (video.height, video.width))
    frames = 0
    for index, _, picture in _read_ahead(video):
        follower.step(index, picture)
        frames = index + 1
        if progress is not None:
            progress(frames, max(frames, video.frames))
    second = min(float(video.fps), frames)
    people = [p for p in follower.people if _steadily_seen(p, frames, 0.25 * second) >= 0.4 * second]
    return sorted(people, key=lambda p: -_prominence(p, frames, video)), frames


def mend_left_right(points: np.ndarray, found: np.ndarray, fps: float, size: float) -> tuple[np.ndarray, np.ndarray]:
    """Find short spans in which the detector took left for right.

    In each group (whole body, arms, legs) every frame either keeps its labels or exchanges them; the sequence with
    the least movement between frames is found by dynamic programming. An exchange counts only if it is short, and if
    it removes a jump at both its ends: people do not swap their feet in one frame, but feet do cross.

    Args:
        points: (F, L, 3) BlazePose landmarks; any unit, the same on all axes.
        found: (F,) bool.
        fps: frames per second.
        size: the person's height in the unit of `points`.

    Returns:
        order: (F, L) int; points[f, order[f]] has its sides right.
        mended: (F, L) bool, what was exchanged.
    """
    frames, count = points.shape[:2]
    order = np.tile(np.arange(count), (frames, 1))
    for group, seconds in _GROUPS.items():
        longest = max(1, int(seconds * fps))
        for first, last in _runs(found):
            for begin, stop in _swapped_spans(points[first:last][:, group] / size, _PARTNER[group], longest):
                span = slice(first + begin, first + stop)
                order[span, group] = order[span][:, np.array(MIRRORED)[list(group)]]
                points = points.copy()
                points[span] = np.take_along_axis(points[span], order[span][..., None], axis=1)
    return order, order != np.arange(count)


# Following

BODY = np.array([11, 12, 13, 14, 15, 16, 23, 24, 25, 26, 27, 28])
TORSO = np.array([11, 12, 23, 24])
_TRUNK = np.array([*range(13), 23, 24])  # head and torso

_SMOOTHING = 0.06  # seconds; time constant of the region, as jitter-free as MediaPipe's filter without its lag
_LEAP = 0.4  # of the region's side; nobody moves that far between two frames
_PATIENCE = 0.5  # seconds in which a person who is not seen is looked for at the same place
_SAME = 0.6  # likeness from which two poses are the same person
_TOUCHING = 0.35  # likeness from which a pose is no longer certain to be one's own
_BORROWED = 0.4  # of a newcomer's joints may lie on somebody else's body; where it is more they are that body's
_MADE_OF = 0.7  # the same for somebody who is followed, and may pass behind another
_SMALLEST = 0.5  # of the leading person in sight; who is smaller is not followed
_MOST = 4  # people followed at a time
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
        self._keep = 1 - math.exp(-1 / (fps * _SMOOTHING))

    def step(self, index: int, picture: np.ndarray) -> None:
        if self._recent and self._recent[-1][1] is picture:
            for person in self.people:
                if index - 1 in person.seen:
                    person.seen[index] = person.seen[index - 1]
                    person.last_frame = index
        else:
            nearest_first = sorted(self._live(), key=lambda person: -person.last_seen[:, 1].max())
            lost = [p for p in nearest_first if not self._follow(p, index, picture) and p.misses == 1]
            self._part_merged(index, picture)
            self._suspect(index, picture)
            self._update_looks(index, picture)
            self._search(index, picture, bool(lost))
        self._remember(index, picture)

    def _live(self) -> list[Person]:
        return [person for person in self.people if person.region is not None]

    def _follow(self, person: Person, index: int, picture: np.ndarray) -> bool:
        view = self._without_others(picture, index, person, person.last_seen)
        pose = self._detector.pose(view, person.region)
        if pose is not None and _credible(pose, picture) and _leap(person.last_region, pose.region) < _LEAP:
            person.record(index, pose, _blend(person.last_region, pose.region, self._keep))
            return True
        person.misses += 1
        if person.misses > _PATIENCE * self._fps:
            person.lose()
        return False

    def _without_others(self, picture: np.ndarray, index: int, person: Person, packed: np.ndarray) -> np.ndarray:
        """The picture with those painted over who stand in front of this person.

        The landmark model takes whoever is plainest in its region, and someone half hidden is not; painted over, the
        one in front is merely an obstacle. Who stands lower in the picture is taken to be in front.
        """
        left, top, right, bottom = _box(packed)
        margin = 0.1 * (bottom - top)
        around = (left - margin, top - margin, right + margin, bottom + margin)
        in_front = [
            other.seen[index]
            for other in self.people
            if other is not person
            and index in other.seen
            and other.seen[index][:, 1].max() > packed[:, 1].max()
            and _overlap(around, _box(other.seen[index][_TRUNK]))
        ]
        return _painted_over(picture, in_front) if in_front else picture

    def _part_merged(self, index: int, picture: np.ndarray) -> None:
        """Where two tracks lie on one person, lose the one that this person is not."""
        present = [person for person in self.people if index in person.seen]
        for i, a in enumerate(present):
            for b in present[i + 1 :]:
                if index not in a.seen or index not in b.seen:
                    continue
                younger, older = (a, b) if len(a.seen) < len(b.seen) else (b, a)
                made_of_the_other = _shared(younger.seen[index], older.seen[index]) > _MADE_OF
                if not made_of_the_other and _likeness(a.seen[index], b.seen[index]) < _SAME:
                    continue
                fit = [_similarity(_looks(picture, p.seen[index]), p.looks) for p in (a, b)]
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
        if index % 3:
            return
        for person in self._live():
            if person.glances <= 5 or index not in person.seen:
                continue
            if _similarity(_looks(picture, person.seen[index]), person.looks) < _STRANGE:
                self._look(index, picture, self._square(person.seen[index], 1.4))

    def _give_back(self, index: int, picture: np.ndarray, looks: np.ndarray) -> Person | None:
        """The person whose track went astray and who was just found again by these looks, with the stray part cut off.

        What was cut off becomes the track of somebody new.
        """
        for person in self._live():
            if index not in person.seen or person.glances <= 5:
                continue
            now = _similarity(_looks(picture, person.seen[index]), person.looks)
            if now > _STRANGE or _similarity(looks, person.looks) < max(_KNOWN, now + 0.15):
                continue
            other = Person()
            for frame, old in [(index, picture), *reversed(self._recent)]:
                if frame not in person.seen:
                    break
                if frame < index and _similarity(_looks(old, person.seen[frame]), person.looks) > _STRANGE:
                    break
                other.seen[frame] = person.seen.pop(frame)
            other.region = other.last_region = person.last_region
            other.last_frame, other.looks, other.glances = index, _looks(picture, other.seen[index]), 1
            person.last_frame = max(person.seen, default=-1)
            self.people.append(other)
            return person
        return None

    def _recover(self, stray: Person, kept: Person, index: int, picture: np.ndarray) -> bool:
        """Look for the stray again where they just were, with the other one painted over."""
        before = stray.seen.get(index - 1)
        if before is None:
            return False
        if _likeness(before, kept.seen[index]) > _SAME:
            return False
        pose = self._detector.pose(_painted_over(picture, [kept.seen[index]]), stray.last_region)
        if pose is None or not _credible(pose, picture) or _leap(stray.last_region, pose.region) > _LEAP:
            return False
        if _likeness(_pack(pose), kept.seen[index]) > _TOUCHING:
            return False
        stray.record(index, pose, _blend(stray.last_region, pose.region, self._keep))
        return True

    def _update_looks(self, index: int, picture: np.ndarray) -> None:
        present = [person for person in self.people if index in person.seen]
        for person in present:
            if person.looks is not None and (index + person.glances) % 3:
                continue
            torso = _box(person.seen[index][TORSO])
            if any(_overlap(torso, _box(other.seen[index][TORSO])) for other in present if other is not person):
                continue
            now = _looks(picture, person.seen[index])
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
        return max(self._live(), key=lambda person: len(person.seen) * _height(person.last_seen) ** 2, default=None)

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
        left, top, right, bottom = _box(packed)
        side = min(max(16, int(scale * (bottom - top))), width, height)
        x, y = (left + right - side) // 2, (top + bottom - side) // 2
        return min(max(0, x), width - side), min(max(0, y), height - side), side, side

    def _look(self, index: int, picture: np.ndarray, crop: tuple[int, int, int, int] | None) -> None:
        if crop is None:
            return
        x, y, width, height = crop
        # Who is followed already is painted over: the finder tells people by head and torso, and suppresses whoever
        # stands close to someone it is surer of.
        followed = [person.seen[index] - _corner(x, y) for person in self.people if index in person.seen]
        part = _painted_over(picture[y : y + height, x : x + width], followed)
        for region in self._detector.find(part)[:3]:
            here = region._replace(x=region.x + x, y=region.y + y)
            if any(_leap(p.region, here) < 0.1 for p in self._live() if index in p.seen):
                continue
            pose = self._detector.pose(part, region)
            if pose is not None:
                place = pose.region._replace(x=pose.region.x + x, y=pose.region.y + y)
                self._meet(index, picture, place, _pack(pose) + _corner(x, y))

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
        pose = self._detector.pose(_painted_over(picture, [person.seen[index] for person in present]), region)
        if pose is None or not _credible(pose, picture) or pose.visibility[BODY].mean() < 0.5:
            return
        packed = _pack(pose)
        if pose.region.size < smallest:
            return
        if not self._stands_apart(packed, index):
            return
        looks = _looks(picture, packed)
        person = self._give_back(index, picture, looks) or self._known(index, pose.region, looks)
        if person is None:
            if len(present) >= _MOST:
                least = min(present, key=lambda other: _height(other.seen[index]))
                if _height(packed) < 1.15 * _height(least.seen[index]):
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
        return all(_are_apart(packed, one) for one in seen)

    def _known(self, index: int, region: Region, looks: np.ndarray) -> Person | None:
        """Who of those out of sight this is, by place and by looks."""
        best, best_fit = None, _KNOWN
        for person in self.people:
            if index in person.seen:
                continue
            gap = (index - person.last_frame) / self._fps
            reach = 0.4 + 0.8 * gap
            if _leap(person.last_region, region) > reach:
                continue
            fit = _similarity(looks, person.looks) + 0.1 * max(0.0, 1 - gap)
            if fit > best_fit:
                best, best_fit = person, fit
        return best

    def _look_back(self, person: Person, before: int, index: int, region: Region) -> None:
        """Follow someone who was just met backwards, to where they came into sight or were last seen."""
        packed = person.seen[index]
        for frame, picture in reversed(self._recent):
            if frame <= before:
                return
            view = self._without_others(picture, frame, person, packed)
            pose = self._detector.pose(view, region)
            if pose is None or not _credible(pose, picture) or _leap(region, pose.region) > _LEAP:
                return
            packed = _pack(pose)
            if not self._stands_apart(packed, frame):
                return
            person.seen[frame] = packed
            region = _blend(region, pose.region, self._keep)

    def _remember(self, index: int, picture: np.ndarray) -> None:
        self._recent.append((index, picture))
        most = max(1, min(_LOOK_BACK * self._fps, _LOOK_BACK_BYTES / picture.nbytes))
        while len(self._recent) > most:
            self._recent.popleft()


def _withdraw(stray: Person, kept: Person, index: int) -> None:
    """Take back the stray's poses since they began to slide onto the other person."""
    frame = index
    while frame in stray.seen and frame in kept.seen:
        if _are_apart(stray.seen[frame], kept.seen[frame]):
            break
        del stray.seen[frame]
        frame -= 1
    stray.last_frame = max(stray.seen, default=-1)
    stray.lose()


def _pack(pose: Pose) -> np.ndarray:
    columns = (pose.keypoints, pose.depth[:, None], pose.world, pose.visibility[:, None], pose.presence[:, None])
    return np.concatenate(columns, axis=1).astype(np.float32)


def _blend(old: Region, new: Region, keep: float) -> Region:
    turn = math.remainder(new.rotation - old.rotation, math.tau)
    return Region(
        old.x + keep * (new.x - old.x),
        old.y + keep * (new.y - old.y),
        old.size + keep * (new.size - old.size),
        old.rotation + keep * turn,
    )


def _leap(a: Region, b: Region) -> float:
    """Distance of two regions, in sides, with the change in size counted in."""
    return math.hypot(a.x - b.x, a.y - b.y) / max(a.size, b.size) + 0.5 * abs(math.log(a.size / b.size))


def _credible(pose: Pose, picture: np.ndarray) -> bool:
    """Whether there is a person and not only a guess at one: most of the torso lies in the picture."""
    height, width = picture.shape[:2]
    inside = ((pose.keypoints[TORSO] >= 0) & (pose.keypoints[TORSO] < (width, height))).all(axis=1)
    return bool(inside.sum() >= 2 and pose.visibility[TORSO].max() > 0.3)


def _box(packed: np.ndarray) -> tuple[int, int, int, int]:
    """(left, top, right, bottom), pixels."""
    left, top = np.floor(packed[:, :2].min(axis=0)).astype(int)
    right, bottom = np.ceil(packed[:, :2].max(axis=0)).astype(int)
    return int(left), int(top), int(right), int(bottom)


def _corner(x: int, y: int) -> np.ndarray:
    """What to subtract from a packed pose to move the picture's origin to (x, y)."""
    return np.array([x, y, 0, 0, 0, 0, 0, 0], np.float32)


def _painted_over(picture: np.ndarray, people: list[np.ndarray]) -> np.ndarray:
    """A copy of the picture with heads and torsos of the people (packed poses) in grey."""
    picture = picture.copy()
    for packed in people:
        points = packed[:, :2]
        shoulders, hips = points[[11, 12]].mean(axis=0), points[[23, 24]].mean(axis=0)
        length = float(np.linalg.norm(shoulders - hips))
        _fill(picture, np.array([points[:11].mean(axis=0)]), 0.3 * length)
        _fill(picture, points[[11, 12, 24, 23]], 0.1 * length)
    return picture


def _fill(picture: np.ndarray, corners: np.ndarray, margin: float) -> None:
    """Paint the convex polygon and all within `margin` pixels of it grey."""
    height, width = picture.shape[:2]
    left, top = np.maximum(0, np.floor(corners.min(axis=0) - margin)).astype(int)
    right, bottom = np.minimum((width, height), np.ceil(corners.max(axis=0) + margin)).astype(int)
    if left >= right or top >= bottom:
        return
    x, y = np.meshgrid(np.arange(left, right), np.arange(top, bottom))
    apart = np.full(x.shape, np.inf)
    turns = []
    for a, b in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        along = b - a
        share = np.clip(((x - a[0]) * along[0] + (y - a[1]) * along[1]) / max(1e-9, float(along @ along)), 0, 1)
        apart = np.minimum(apart, np.hypot(x - a[0] - share * along[0], y - a[1] - share * along[1]))
        turns.append((x - a[0]) * along[1] - (y - a[1]) * along[0])
    inside = np.all(np.array(turns) > 0, axis=0) | np.all(np.array(turns) < 0, axis=0)
    picture[top:bottom, left:right][inside | (apart <= margin)] = 128


def _overlap(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _likeness(a: np.ndarray, b: np.ndarray) -> float:
    """Object keypoint similarity (COCO) of two packed poses with one tolerance for all joints, 0..1."""
    size = max(np.ptp(a[:, 1]), np.ptp(b[:, 1]), 1.0)
    apart = np.linalg.norm(a[BODY, :2] - b[BODY, :2], axis=1) / (0.08 * size)
    return float(np.exp(-0.5 * apart**2).mean())


_BONES = np.array([c for c in CONNECTIONS if c[0] in BODY and c[1] in BODY])


def _shared(new: np.ndarray, old: np.ndarray) -> float:
    """Part of the body joints of one packed pose that lie on the trunk or the limbs of another, 0..1."""
    points, begin, end = new[BODY, None, :2], old[_BONES[:, 0], :2], old[_BONES[:, 1], :2]
    along = end - begin
    share = np.clip(((points - begin) * along).sum(-1) / np.maximum((along**2).sum(-1), 1e-9), 0, 1)
    apart = np.linalg.norm(points - begin - share[..., None] * along, axis=-1).min(axis=1)
    return float((apart < 0.06 * np.ptp(old[:, 1])).mean())


def _are_apart(new: np.ndarray, old: np.ndarray) -> bool:
    return _likeness(new, old) < _TOUCHING and _shared(new, old) < _BORROWED


_BINS = 6
_GRID = np.linspace(0.1, 0.9, 12)


def _looks(picture: np.ndarray, packed: np.ndarray) -> np.ndarray:
    """Colours of the torso and of the thighs: two histograms of 6 x 6 x 6 RGB bins, each of sum 1/2."""
    points = packed[:, :2]
    left, right = points[11], points[12]
    low_left, low_right = points[23], points[24]
    across, down = _GRID[:, None, None], _GRID[None, :, None]
    torso = (1 - down) * ((1 - across) * left + across * right) + down * ((1 - across) * low_left + across * low_right)
    thighs = [points[hip] + _GRID[:, None] * (points[knee] - points[hip]) for hip, knee in ((23, 25), (24, 26))]
    return np.concatenate([_histogram(picture, torso.reshape(-1, 2)), _histogram(picture, np.concatenate(thighs))])


def _histogram(picture: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Each pixel is shared among its eight nearest bins, so that a change of light does not move all of them."""
    height, width = picture.shape[:2]
    x, y = np.floor(points).astype(int).T
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    place = picture[y[inside], x[inside]] / 255 * (_BINS - 1)
    low = np.minimum(place.astype(int), _BINS - 2)
    upper = place - low
    counts = np.zeros(_BINS**3)
    for corner in np.ndindex(2, 2, 2):
        weight = np.where(corner, upper, 1 - upper).prod(axis=1)
        counts += np.bincount((low + corner) @ (_BINS * _BINS, _BINS, 1), weight, minlength=_BINS**3)
    return 0.5 * counts / max(1.0, counts.sum())


def _similarity(a: np.ndarray | None, b: np.ndarray | None) -> float:
    """Bhattacharyya coefficient, 0..1."""
    return 0.0 if a is None or b is None else float(np.sqrt(a * b).sum())


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


# Choosing


def _steadily_seen(person: Person, frames: int, shortest: float) -> int:
    """Frames in which the person is seen, without spans that are too short to be more than a mistake."""
    seen = np.zeros(frames, bool)
    seen[list(person.seen)] = True
    return sum(stop - first for first, stop in _runs(seen) if stop - first >= shortest)


def _prominence(person: Person, frames: int, video: Video) -> float:
    """Height squared, weighted by how central the person is, averaged over sqrt(frames seen x all frames).

    So somebody in front counts more than a bystander who is in the picture all the time.
    """
    total = 0.0
    for packed in person.seen.values():
        aside = abs(float(packed[TORSO, 0].mean()) / video.width - 0.5)
        total += (_height(packed) / video.height) ** 2 * (1 - min(1.0, aside))
    return total / math.sqrt(len(person.seen) * frames)


def _height(packed: np.ndarray) -> float:
    return float(np.ptp(packed[:, 1]))


def _side(person: Person, video: Video) -> float:
    return float(np.mean([packed[TORSO, 0].mean() for packed in person.seen.values()])) / video.width


def _choose(path, people: list[Person], wanted: int | str | None, video: Video) -> tuple[Person, str]:
    """(the person, what to tell the user about them)."""
    if not people:
        raise VideoError(
            path, None, "nobody was found in the picture; film the whole person, larger and in better light"
        )
    if wanted in ("left", "right"):
        top = _prominence(people[0], 1, video)
        leading = [p for p in people if _prominence(p, 1, video) >= 0.2 * top]
        person = (min if wanted == "left" else max)(leading, key=lambda p: _side(p, video))
    else:
        try:
            number = 1 if wanted is None else int(wanted)
        except ValueError:
            number = 0
        if not 1 <= number <= len(people):
            known = "1 person was" if len(people) == 1 else f"{len(people)} people were"
            raise VideoError(
                path, None, f"person {wanted} was asked for but {known} found; give 1 to {len(people)}, left or right"
            )
        person = people[number - 1]
    side = _side(person, video)
    where = "left" if side < 0.4 else "right" if side > 0.6 else "centre"
    height = np.median([_height(packed) for packed in person.seen.values()]) / video.height
    return person, f"person {people.index(person) + 1} of {len(people)}: {where}, {height:.0%} of the picture's height"


def _detections_of(
    chosen: tuple[Person, str], frames: int, video: Video, detector: PoseDetector, key: str
) -> Detections:
    person, description = chosen
    data = np.full((frames, len(detector.landmarks), 8), np.nan)
    data[..., 6:] = 0.0
    found = np.zeros(frames, bool)
    for frame, packed in person.seen.items():
        data[frame], found[frame] = packed, True
    warnings = list(video.warnings)
    if detector.landmarks == LANDMARKS:
        size = np.median([_height(packed) for packed in person.seen.values()])
        order, mended = mend_left_right(data[..., :3] * (1, 1, 0.5), found, float(video.fps), size)
        data = np.take_along_axis(data, order[..., None], axis=1)
        data[mended, 6] *= 0.5
        if mended.any():
            warnings.append(f"left and right were exchanged back in {mended.any(axis=1).sum()} frames")
    if not found.all():
        warnings.append(_describe_absence(found, float(video.fps), video.start))
    return Detections(
        keypoints=data[..., :2],
        depth=data[..., 2],
        world=data[..., 3:6],
        visibility=data[..., 6],
        presence=data[..., 7],
        found=found,
        fps=video.fps,
        image_size=(video.width, video.height),
        person=description,
        detector=f"{detector.name} {detector.version}",
        start=video.start,
        warnings=tuple(warnings),
        landmarks=detector.landmarks,
        key=key,
    )


def _describe_absence(found: np.ndarray, fps: float, start: float, most: int = 3) -> str:
    away = _runs(~found)
    spans = [f"{start + first / fps:.1f}-{start + stop / fps:.1f} s" for first, stop in away[:most]]
    if len(away) > most:
        spans.append(f"{len(away) - most} more times")
    times = ", ".join(spans)
    return f"the person is out of sight in {(~found).sum()} of {len(found)} frames ({times} of the film)"


# Left and right

_ARMS = tuple(range(13, 23))
_LEGS = tuple(range(25, 33))
_GROUPS = {tuple(range(33)): 0.75, _ARMS: 0.3, _LEGS: 0.3}  # and for how many seconds they may be exchanged
_PARTNER = {group: [group.index(MIRRORED[landmark]) for landmark in group] for group in _GROUPS}


def _runs(found: np.ndarray) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], found.astype(int), [0]])))
    return list(zip(edges[::2], edges[1::2], strict=True))


def _swapped_spans(points: np.ndarray, partner: list[int], longest: int) -> list[tuple[int, int]]:
    """Spans (first, stop) of at most `longest` frames whose sides are exchanged. points: (F, G, 3) in heights."""
    if len(points) < 3:
        return []
    keep = np.linalg.norm(points[1:] - points[:-1], axis=-1).mean(axis=1)
    swap = np.linalg.norm(points[1:] - points[:-1, partner], axis=-1).mean(axis=1)
    swapped = _least_movement(keep, swap)
    gain = keep - swap
    return [
        (first, stop)
        for first, stop in _runs(swapped)
        if first > 0 and stop < len(points) and stop - first <= longest and min(gain[first - 1], gain[stop - 1]) > 0.04
    ]


def _least_movement(keep: np.ndarray, swap: np.ndarray, price: float = 0.002) -> np.ndarray:
    """(F,) bool: which frames to exchange so that frames move least; Viterbi over two states.

    keep, swap: (F - 1,) movement to the next frame with both the same way round, and with one of them exchanged.
    price: of each exchanged frame, so that of two equal answers the one as detected is taken.
    """
    cost = np.array([0.0, price])
    came_from = []
    for same, other in zip(keep, swap, strict=True):
        routes = np.array([[cost[0] + same, cost[1] + other], [cost[0] + other, cost[1] + same]])
        came_from.append(routes.argmin(axis=1))
        cost = routes.min(axis=1) + np.array([0.0, price])
    state = [int(cost.argmin())]
    for step in reversed(came_from):
        state.append(int(step[state[-1]]))
    return np.array(state[::-1], bool)
