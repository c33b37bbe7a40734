"""The films of several calibrated cameras become one motion: whose camera took which, whom they all show, how far their
clocks are apart, and the motion that fits all of them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from graphics_ml.jobs import Capture
from graphics_ml.pose.calibrated_camera import CalibratedCamera
from graphics_ml.pose.calibration import cameras_of_films, load_calibration
from graphics_ml.pose.clocks import disagreement, find_offsets
from graphics_ml.pose.detection import Detections
from graphics_ml.pose.several_views import Filmed, solve_views
from graphics_ml.pose.solver import Solution
from graphics_ml.pose.video import Video, open_video
from graphics_ml.run import Progress

_REACH = 5.0  # seconds that clocks may be apart where only a part of the films is looked at


@dataclass(frozen=True)
class Rig:
    """The cameras of a job's films, in the films' order, and how they were told, in sentences."""

    cameras: tuple[CalibratedCamera, ...]
    notes: tuple[str, ...]


def open_rig(job: Capture, first: Video) -> Rig:
    """The cameras that took a job's films, of which the first is open already.

    Raises:
        GraphicsMLError: the calibration or a film cannot be used, or they do not go together.
    """
    videos = [first, *(open_video(film, fps=job.fps) for film in job.video[1:])]
    sizes = [(video.width, video.height) for video in videos]
    cameras, notes = cameras_of_films(job.calibration, load_calibration(job.calibration), job.video, sizes)
    return Rig(tuple(cameras), notes)


def further_cache(output: Path, film: int, person: int = 1) -> Path:
    """Where the detections of a person in a job's further film (from 2) are kept, beside its output."""
    who = "" if person == 1 else f".person-{person}"
    return output.with_name(f"{output.stem}.film-{film}{who}.detections.npz")


def solve_films(
    job: Capture,
    rig: Rig,
    detections: Detections,
    everyone: Callable[..., list[Detections]],
    progress: Progress,
    **asked,
) -> Solution:
    """The motion of the person in the detections of a job's first film, from all its films.

    Args:
        job: with several films.
        rig: their cameras.
        detections: in the first film.
        everyone: called with film, start, end and caches; gives everyone in a further film.
        progress: of the job.
        asked: swapped, standing and again, as for `solve_views`.

    Raises:
        GraphicsMLError: a film cannot be used, or films show no common moments.
    """
    first = Filmed(job.video[0], rig.cameras[0], detections)
    given = np.array([0.0, *job.offsets]) if job.offsets else None
    reach = _REACH if job.start is not None or job.end is not None else None
    filmed, chosen = [first], []
    for number, (film, camera) in enumerate(zip(job.video[1:], rig.cameras[1:], strict=True), 2):
        offset = None if given is None else float(given[number - 1])
        start, end = _part(job, offset)
        people = everyone(
            film=film, start=start, end=end, caches=lambda person, film=number: further_cache(job.output, film, person)
        )
        seen = [Filmed(film, camera, one) for one in people]
        if len(seen) > 1:
            seen.sort(key=lambda one, offset=offset: _unlike(first, one, offset, reach))
            who = seen[0].detections.person
            chosen.append(f"{film.name}: following {who}, who moves as the person in {first.film.name} does")
        filmed.append(seen[0])
    offsets = find_offsets([one.sight() for one in filmed], reach) if given is None else given
    solution = solve_views(
        filmed,
        offsets,
        height=job.height,
        smoothing=job.smoothing,
        foot_lock=job.foot_lock,
        progress=lambda part: progress("solving", round(100 * part), 100),
        **asked,
    )
    notes = (*rig.notes, *chosen, _clocks(filmed, offsets, given is not None), _fit(solution))
    further = (f"{one.film.name}: {note}" for one in filmed[1:] for note in one.detections.warnings)
    return replace(solution, warnings=(*notes, *further, *solution.warnings))


def _unlike(first, other, offset, reach):
    """0..1; somebody who is seen for a moment only fits anything."""
    alike = 1 - disagreement(first.sight(), other.sight(), offset, reach)
    return 1 - alike * other.detections.found.mean()


def _part(job, offset):
    """The part of a further film to look at, seconds on its own clock."""
    early, late = (-_REACH, _REACH) if offset is None else (offset, offset)
    start = None if job.start is None else max(0.0, job.start + early)
    return start, None if job.end is None else max(0.0, job.end + late)


def _clocks(filmed, offsets, given):
    ahead = ", ".join(
        f"{one.film.name} {offset:+.3f} s ({offset * float(one.detections.fps):+.1f} frames)"
        for one, offset in zip(filmed[1:], offsets[1:], strict=True)
    )
    return f"clocks ahead of {filmed[0].film.name}'s, {'as given' if given else 'as the movement tells'}: {ahead}"


def _fit(solution):
    each = ", ".join(
        f"{one['film']} {one['reprojection_pixels']:.1f}"
        for one in solution.report["cameras"]
        if one["reprojection_pixels"] is not None
    )
    return (
        f"pixels between what was seen and the motion, median: {each}; and the points where rays meet: "
        f"{solution.report['triangulation_pixels']:.1f}"
    )
