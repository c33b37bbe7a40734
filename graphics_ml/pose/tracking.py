"""From a film to one person's landmarks: find the people, choose one, gather what was seen of them.

people.py finds and follows everyone. Here they are put in order of prominence, the one who was asked for is taken,
and, where several are in the film, a picture shows who is who.
"""

import math
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np

from graphics_ml.errors import GraphicsMLError, VideoError
from graphics_ml.outputs import write_bytes
from graphics_ml.pose.detection import (
    Detections,
    Hands,
    PoseDetector,
    cached_detections,
    detection_key,
    save_detections,
)
from graphics_ml.pose.likeness import TORSO, box, height_of
from graphics_ml.pose.overlay import numbered
from graphics_ml.pose.people import Person, follow_people, look_closer
from graphics_ml.pose.video import Video, open_video

METHOD = 3
"""Raised when this file or people.py changes what is detected, so that older caches are not used."""


def detect(
    path: str | Path,
    *,
    person: int | str | None = None,
    start: float | None = None,
    end: float | None = None,
    fps: Fraction | float | None = None,
    detector: PoseDetector | None = None,
    cache: str | Path | None = None,
    overview: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Detections:
    """Follow one person through a film.

    Args:
        path: the film.
        person: 1 for the most prominent (largest, most central, longest seen), 2 for the next, ..., or "left" or
            "right" for the outermost of those in the foreground. None: 1.
        start, end: the part of the film, seconds.
        fps: frames per second to look at; None: the film's own.
        detector: a backend; None: MediaPipe.
        cache: .npz beside the output. It is used if it was made from the same film with the same settings, and
            written otherwise.
        overview: .png to write where there are several people: a frame of the film with everyone's number.
        progress: called with (frames done, frames in all).

    Returns:
        `Detections` of that person.

    Raises:
        GraphicsMLError: `person` is neither a number nor one of those words.
        VideoError: the film cannot be used, nobody is in it, or there is no such person.
        OutputError: the cache or the overview cannot be written.
        MissingExtraError: MediaPipe or PyAV is not installed.
    """
    wanted = _number_or_side(person)
    video = open_video(path, start, end, fps)
    detector = detector or _mediapipe()
    key = _key(path, video, wanted, detector)
    if cache is not None and (known := cached_detections(cache, key)) is not None:
        return known
    people, frames = follow_people(video, detector, progress)
    foreground, people = _in_order(people, frames, video)
    if overview is not None and len(people) > 1:
        _draw_overview(overview, people, video)
    chosen = _choose(path, people, foreground, wanted, video, overview)
    look_closer(chosen, people, video, detector, progress)
    introduction = _introduce(chosen, people, foreground, video)
    detections = _detections_of(chosen, introduction, frames, video, detector, key)
    if cache is not None:
        save_detections(cache, detections)
    return detections


def detect_everyone(
    path: str | Path,
    *,
    caches: Callable[[int], Path],
    start: float | None = None,
    end: float | None = None,
    fps: Fraction | float | None = None,
    detector: PoseDetector | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[Detections]:
    """Everyone in a film, the most prominent first, from one look through it.

    Args:
        caches: where the detections of each number are kept, as `detect` keeps them.
        path, start, end, fps, detector, progress: as for `detect`.

    Raises:
        VideoError: the film cannot be used, or nobody is in it.
        OutputError, MissingExtraError: as for `detect`.
    """
    video = open_video(path, start, end, fps)
    detector = detector or _mediapipe()
    known = []
    while (one := cached_detections(caches(len(known) + 1), _key(path, video, len(known) + 1, detector))) is not None:
        known.append(one)
        if len(known) == _people_in(one):
            return known
    people, frames = follow_people(video, detector, progress)
    foreground, people = _in_order(people, frames, video)
    _choose(path, people, foreground, 1, video, None)
    found = []
    for number, person in enumerate(people, 1):
        look_closer(person, people, video, detector, progress)
        introduction = _introduce(person, people, foreground, video)
        key = _key(path, video, number, detector)
        found.append(_detections_of(person, introduction, frames, video, detector, key))
        save_detections(caches(number), found[-1])
    return found


def _mediapipe() -> PoseDetector:
    from graphics_ml.pose.mediapipe_detector import MediaPipeDetector

    return MediaPipeDetector()


def _key(path, video: Video, wanted: int | str, detector: PoseDetector) -> str:
    return detection_key(
        path,
        part=[video.start, video.frames, str(video.fps)],
        person=str(wanted),
        detector=[detector.name, detector.version, detector.settings],
        method=METHOD,
    )


def _people_in(detections: Detections) -> int:
    """How many people there are in the film, as `_introduce` says it."""
    return int(detections.person.removeprefix("person ").split()[2].rstrip(":"))


def _number_or_side(person: int | str | None) -> int | str:
    if person in ("left", "right"):
        return person
    try:
        return 1 if person is None else int(person)
    except ValueError:
        raise GraphicsMLError(
            f"the person to follow is '{person}', but must be a number (1 is the most prominent), left or right"
        ) from None


def _in_order(people: list[Person], frames: int, video: Video) -> tuple[list[Person], list[Person]]:
    """(those in the foreground, everyone): each most prominent first, everyone with the foreground first.

    In the foreground are those at least three quarters as tall in the picture as the most prominent, and seen for at
    least a fifth of the time.
    """
    people = sorted(people, key=lambda person: -_prominence(person, frames, video))
    front = [
        person
        for person in people
        if _height(person) >= 0.75 * _height(people[0]) and len(person.seen) >= 0.2 * len(people[0].seen)
    ]
    return front, front + [person for person in people if person not in front]


def _prominence(person: Person, frames: int, video: Video) -> float:
    """Height squared, weighted by how central the person is, averaged over sqrt(frames seen x all frames).

    So somebody in front counts more than a bystander who is in the picture all the time.
    """
    total = 0.0
    for packed in person.seen.values():
        aside = abs(float(packed[TORSO, 0].mean()) / video.width - 0.5)
        total += (height_of(packed) / video.height) ** 2 * (1 - min(1.0, aside))
    return total / math.sqrt(len(person.seen) * frames)


def _choose(path, people: list[Person], foreground: list[Person], wanted: int | str, video: Video, overview) -> Person:
    if not people:
        raise VideoError(
            path, None, "nobody was found in the picture; film the whole person, larger and in better light"
        )
    if wanted in ("left", "right"):
        return (min if wanted == "left" else max)(foreground, key=lambda person: _across(person, video))
    if 1 <= wanted <= len(people):
        return people[wanted - 1]
    known = "1 person was" if len(people) == 1 else f"{len(people)} people were"
    who = "; ".join(f"{number} {_describe(person, video)}" for number, person in enumerate(people, 1))
    shown = f"; {overview} shows their numbers" if overview is not None and len(people) > 1 else ""
    raise VideoError(path, None, f"person {wanted} was asked for but {known} found ({who}); choose one of them{shown}")


def _introduce(person: Person, people: list[Person], foreground: list[Person], video: Video) -> str:
    """Which person this is, of how many, where and how large."""
    front = f" ({len(foreground)} in the foreground)" if len(foreground) < len(people) else ""
    return f"person {people.index(person) + 1} of {len(people)}{front}: {_describe(person, video)}"


def _describe(person: Person, video: Video) -> str:
    across = _across(person, video)
    where = "left" if across < 0.4 else "right" if across > 0.6 else "centre"
    return f"{where}, {_height(person) / video.height:.0%} of the picture's height"


def _height(person: Person) -> float:
    """In the picture, pixels; median."""
    return float(np.median([height_of(packed) for packed in person.seen.values()]))


def _across(person: Person, video: Video) -> float:
    """0 at the left rim of the picture, 1 at the right."""
    return float(np.mean([packed[TORSO, 0].mean() for packed in person.seen.values()])) / video.width


def _draw_overview(path: str | Path, people: list[Person], video: Video) -> None:
    """Everyone's number on the frame that shows the most of them, the prominent before the others."""
    shown = {frame: sum(0.5**row for row, one in enumerate(people) if frame in one.seen) for frame in people[0].seen}
    best = max(shown, key=shown.get)
    picture = next(rgb for index, _, rgb in video if index == best)
    boxes = {number: box(one.seen[best]) for number, one in enumerate(people, 1) if best in one.seen}
    write_bytes(path, numbered(picture, boxes))


def _detections_of(
    person: Person, introduction: str, frames: int, video: Video, detector: PoseDetector, key: str
) -> Detections:
    data = np.full((frames, len(detector.landmarks), 8), np.nan)
    data[..., 6:] = 0.0
    found = np.zeros(frames, bool)
    for frame, packed in person.seen.items():
        data[frame], found[frame] = packed, True
    hands = Hands(np.full((frames, 2, 21, 3), np.nan), np.zeros((frames, 2))) if person.hands else None
    for frame, both in person.hands.items():
        hands.points[frame], hands.score[frame] = both
    return Detections(
        keypoints=data[..., :2],
        depth=data[..., 2],
        world=data[..., 3:6],
        visibility=data[..., 6],
        presence=data[..., 7],
        found=found,
        fps=video.fps,
        image_size=(video.width, video.height),
        person=introduction,
        detector=f"{detector.name} {detector.version}",
        start=video.start,
        warnings=tuple(video.warnings),
        landmarks=detector.landmarks,
        key=key,
        hands=hands,
    )
