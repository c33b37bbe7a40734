"""A video becomes a motion: decode, detect, solve, save."""

from pathlib import Path

from graphics_ml import formats
from graphics_ml.jobs import Capture, Outcome
from graphics_ml.outputs import ensure_apart, ensure_extension, ensure_writable, together
from graphics_ml.pose.camera import parse_camera
from graphics_ml.pose.camera_motion import estimate_camera_motion
from graphics_ml.pose.detection import Detections
from graphics_ml.pose.solver import Solution, solve
from graphics_ml.pose.tracking import detect
from graphics_ml.pose.video import Video, open_video
from graphics_ml.provenance import record, record_path, write_record
from graphics_ml.run import Progress


def capture(job: Capture, progress: Progress) -> Outcome:
    """Do a Capture job: the motion file, its job file, and the detections kept for a second run.

    Raises:
        GraphicsMLError: the video, a setting or the output cannot be used; nothing is written then, except,
            where there is no such person, the picture that shows everyone's number.
    """
    ensure_extension(job.output, formats.extensions(writable=True, any_skeleton=True))
    ensure_places(job, [job.video], {})
    video = open_video(job.video, job.start, job.end, job.fps)
    detections, solution = watch(job, video, progress)
    made_by = record(job, [job.video])
    with together():
        formats.save(solution.motion.replace(provenance=made_by), job.output)
        outputs = (job.output, write_record(job.output, made_by))
    return Outcome(outputs, notes_on(job, detections, solution))


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
    if job.camera and "=" not in job.camera:
        inputs = [*inputs, Path(job.camera)]
    ensure_apart(beside | asked_for, inputs)
    for path in asked_for.values():
        ensure_writable(path)


def watch(job: Capture, video: Video, progress: Progress) -> tuple[Detections, Solution]:
    """Detect the person in the job's video and solve the motion.

    What was seen of the person and of the camera is kept beside the output, so that another smoothing or height does
    not decode and detect again.
    """
    camera = None if job.camera is None else parse_camera(job.camera)
    detections = detect(
        job.video,
        person=job.person,
        start=job.start,
        end=job.end,
        fps=job.fps,
        cache=detection_cache(job.output),
        overview=people_picture(job.output),
        progress=lambda done, total: progress("detecting", done, total),
    )
    turning = estimate_camera_motion(video, detections, cache=camera_cache(job.output))
    solution = solve(
        detections,
        height=job.height,
        camera=camera,
        smoothing=job.smoothing,
        foot_lock=job.foot_lock,
        camera_motion=turning,
        progress=lambda part: progress("solving", round(100 * part), 100),
    )
    progress("solving", 100, 100)  # the solver stops where it has settled, before its last round
    return detections, solution


def detection_cache(output: Path) -> Path:
    """Where the detections made for an output are kept."""
    return output.with_name(output.stem + ".detections.npz")


def camera_cache(output: Path) -> Path:
    """Where the turning of the camera found for an output is kept."""
    return output.with_name(output.stem + ".camera.npz")


def people_picture(output: Path) -> Path:
    """Where the people of a film with several are shown with their numbers."""
    return output.with_name(output.stem + ".people.png")


def notes_on(job: Capture, detections: Detections, solution: Solution) -> tuple[str, ...]:
    """What the user should know of a capture, a sentence each."""
    following, picture = f"following {detections.person}", people_picture(job.output)
    if picture.exists() and not detections.person.startswith("person 1 of 1:"):
        following += f"; {picture.name} shows everyone's number"
    return (following, *detections.warnings, *solution.warnings)
