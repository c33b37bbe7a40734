"""A video becomes a motion: decode, detect, solve, save."""

from functools import partial
from pathlib import Path

import numpy as np

from graphics_ml import formats
from graphics_ml.corrections import SIDES, read_plant, read_span
from graphics_ml.errors import MissingExtraError, VideoError
from graphics_ml.jobs import Capture, Outcome, people_picture
from graphics_ml.outputs import ensure_apart, ensure_extension, ensure_writable, together
from graphics_ml.pose.camera import parse_camera
from graphics_ml.pose.camera_motion import estimate_camera_motion
from graphics_ml.pose.detection import Detections
from graphics_ml.pose.solver import Again, Solution, solve
from graphics_ml.pose.tracking import detect, detect_everyone
from graphics_ml.pose.video import Video, open_video
from graphics_ml.provenance import record, record_path, write_record
from graphics_ml.run import Progress
from graphics_ml.tasks.several_films import further_cache, open_rig, solve_films


def capture(job: Capture, progress: Progress) -> Outcome:
    """Do a Capture job: the motion file, its job file, and the detections kept for a second run.

    Raises:
        GraphicsMLError: the video, a setting or the output cannot be used; nothing is written then, except,
            where there is no such person, the picture that shows everyone's number.
    """
    ensure_extension(job.output, formats.extensions(writable=True, any_skeleton=True))
    ensure_places(job, films_and_calibration(job), {})
    video = open_video(job.video[0], job.start, job.end, job.fps)
    detections, solution = watch(job, video, progress)
    made_by = record(job, films_and_calibration(job))
    motion = solution.motion.replace(provenance=solution.motion.provenance | made_by)
    with together():
        formats.save(motion, job.output)
        outputs = (job.output, write_record(job.output, made_by))
    return Outcome(outputs, notes_on(job, detections, solution))


def films_and_calibration(job: Capture) -> list[Path]:
    """The files that a capture reads, but for that of --camera."""
    calibration = [] if job.calibration is None else [job.calibration]
    if calibration and job.calibration.is_dir():
        calibration = sorted(path for path in job.calibration.iterdir() if path.is_file())
    return [*job.video, *calibration]


def warm() -> None:
    """Load what a capture needs, so that the first one begins as soon as the next.

    Raises:
        GraphicsMLError: something is missing.
    """
    from graphics_ml.pose.mediapipe_detector import MediaPipeDetector

    MediaPipeDetector().load()


def ensure_places(job: Capture, inputs: list[Path], more: dict[str, Path | None]) -> None:
    """Prove that all that a capture writes, and `more` (name to place), can be written, each to a place of its own.

    Raises:
        OutputError: a place cannot be written, or is that of an input or of another output.
    """
    asked_for = {"the output": job.output, **{name: path for name, path in more.items() if path}}
    beside = {
        "the output's job file": record_path(job.output),
        "what was detected": detection_cache(job.output),
        "the camera": camera_cache(job.output),
        "the picture of the people": people_picture(job.output),
    }
    for number, film in enumerate(job.video[1:], 2):
        beside[f"what was detected in {film.name}"] = further_cache(job.output, number)
    if job.camera and "=" not in job.camera:
        inputs = [*inputs, Path(job.camera)]
    ensure_apart(beside | asked_for, inputs)
    for path in asked_for.values():
        ensure_writable(path)


def watch(job: Capture, video: Video, progress: Progress) -> tuple[Detections, Solution]:
    """Detect the person in the job's video, the first of several, and solve the motion.

    What was seen of the person and of the camera is kept beside the output, so that another smoothing or height does
    not decode and detect again.

    Raises:
        VideoError: as `detect`, or no frame of the film lies in a span that the job corrects.
    """
    _corrected(job, video, video.frames)  # a wrong span is said before anything is detected
    rig = open_rig(job, video) if job.calibration else None
    camera = None if job.camera is None else parse_camera(job.camera)
    detector, lift = _detector(job), _lifter(job, camera)
    look = partial(_detected, detector=detector, lift=lift, progress=progress)
    detections = look(job, cache=detection_cache(job.output))
    swapped, standing, spans = _corrected(job, video, len(detections))
    again = tuple(_again(job, one, frames, detections, look) for one, frames in spans)
    corrections = dict(swapped=swapped, standing=standing, again=again)
    if rig is not None:
        everyone = partial(_everyone, job, detector=detector, lift=lift, progress=progress)
        solution = solve_films(job, rig, detections, everyone, progress, **corrections)
    else:
        solution = solve(
            detections,
            height=job.height,
            camera=camera,
            smoothing=job.smoothing,
            foot_lock=job.foot_lock,
            camera_motion=estimate_camera_motion(video, detections, cache=camera_cache(job.output)),
            progress=lambda part: progress("solving", round(100 * part), 100),
            **corrections,
        )
    progress("solving", 100, 100)  # the solver stops where it has settled, before its last round
    return detections, solution


def _corrected(job, video, count):
    """What a job corrects in `count` frames: the swapped ones (F,) bool, those in which the feet stand (F, 2) bool,
    left and right, and the spans to solve again, each the capture that holds in it and a slice of frames."""
    swapped, standing = np.zeros(count, dtype=bool), np.zeros((count, 2), dtype=bool)
    for text in job.swap:
        swapped[_frames(read_span(text), video, count)] = True
    for text in job.plant:
        plant = read_plant(text)
        standing[_frames(plant.span, video, count), SIDES.index(plant.side)] = True
    again = [job.solved_again(text) for text in job.again]
    return swapped, standing, [(one, _frames(span, video, count)) for span, one in again]


def _frames(span, video, count):
    """The frames of the video whose times lie in a span of the film."""
    fps = float(video.fps)
    # Times that were written in decimals meet the frame they mean.
    first, stop = (int(np.ceil((time - video.start) * fps - 1e-4)) for time in (span.start, span.end))
    first, stop = max(0, first), min(count, stop)
    if not first < stop:
        used = f"{video.start:g} to {video.start + count / fps:g} s"
        raise VideoError(video.path, None, f"no frame lies in the span {span} to correct; the film is used from {used}")
    return slice(first, stop)


def _detector(job):
    """What finds people, None for MediaPipe, which loads by itself."""
    if job.detector == "mediapipe":
        return None
    try:
        from graphics_ml.pose.network_detector import NetworkDetector
    except ModuleNotFoundError as missing:
        raise MissingExtraError(missing.name, "learn") from missing
    return NetworkDetector(weights=job.weights)


def _lifter(job, camera):
    """What is done to detections that have no places in space, or that are to have others."""
    if job.lifter == "detector" and job.detector == "mediapipe":
        return lambda detections: detections
    try:
        from graphics_ml.pose.lifter import lift_with_detector, load_network
        from graphics_ml.pose.network_detector import trained
    except ModuleNotFoundError as missing:
        raise MissingExtraError(missing.name, "learn") from missing
    return partial(lift_with_detector, camera=camera, network=load_network(trained("lifter", job.weights)))


def _detected(job, cache, detector, lift, progress):
    detections = detect(
        job.video[0],
        person=job.person,
        start=job.start,
        end=job.end,
        fps=job.fps,
        detector=detector,
        cache=cache,
        overview=people_picture(job.output),
        progress=lambda done, total: progress("detecting", done, total),
    )
    return lift(detections)


def _everyone(job, film, start, end, caches, detector, lift, progress):
    """Everyone in one of the further films."""
    people = detect_everyone(
        film,
        caches=caches,
        start=start,
        end=end,
        fps=job.fps,
        detector=detector,
        progress=lambda done, total: progress(f"detecting in {film.name}", done, total),
    )
    return [lift(one) for one in people]


def _again(job, one, frames, detections, look):
    """A span that is solved again; another person is detected once, and kept beside the first."""
    if one.person == job.person:
        return Again(frames.start, frames.stop, one.smoothing, one.foot_lock)
    cache = job.output.with_name(f"{job.output.stem}.person-{one.person}.detections.npz")
    other = look(one, cache=cache)
    if other.person == detections.person:
        raise VideoError(
            job.video[0], None, f"the person {one.person} of a span to solve again is who is followed anyway"
        )
    return Again(frames.start, frames.stop, one.smoothing, one.foot_lock, other)


def detection_cache(output: Path) -> Path:
    """Where the detections made for an output are kept."""
    return output.with_name(output.stem + ".detections.npz")


def camera_cache(output: Path) -> Path:
    """Where the turning of the camera found for an output is kept."""
    return output.with_name(output.stem + ".camera.npz")


def notes_on(job: Capture, detections: Detections, solution: Solution) -> tuple[str, ...]:
    """What the user should know of a capture, a sentence each."""
    following, picture = f"following {detections.person}", people_picture(job.output)
    if picture.exists() and not detections.person.startswith("person 1 of 1:"):
        following += f"; {picture.name} shows everyone's number"
    return (following, *detections.warnings, *solution.warnings)
