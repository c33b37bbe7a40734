"""What jobs do at their start: read a motion file, whatever it holds, and open the rig or body that it goes on."""

from fractions import Fraction
from pathlib import Path

from graphics_ml import formats
from graphics_ml.errors import MissingExtraError
from graphics_ml.formats import bodies
from graphics_ml.jobs import FileJob, JobError
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.t_pose import without_t_pose
from graphics_ml.run import Progress
from graphics_ml.wording import suggestion

_RIGS = (".blend", ".fbx", ".glb", ".gltf", ".usd", ".usda", ".usdc", ".usdz")


def open_motion(
    path: Path,
    progress: Progress = lambda stage, done, total: None,
    *,
    format: str | None = None,
    fps: Fraction | None = None,
    marker_set: str | None = None,
    subject: str | None = None,
    drop_t_pose: bool | None = None,
    frames_found: bool = False,
    **options,
) -> tuple[Motion, list[str]]:
    """The motion in a file, or that of the person who wears the markers in it; and what the user should know of it.

    Args:
        path: a motion file or a marker file.
        progress: told how far the solving of markers is.
        format: of the file; told by extension and content when None.
        fps: frame rate to take the file for; its own when None.
        marker_set, subject: as for pose.markers.solve_markers.
        frames_found: whether the whole frames that are there are taken from a file that announces others.
        drop_t_pose: whether a first frame that is a T-pose unlike the others is left out; None looks for none.
        options: the format's own.

    Raises:
        GraphicsMLError: the file cannot be read, its format has no such option, or its markers show no known body.
    """
    name = formats.format_of(path, format)
    if not formats.holds_markers(name):
        motion = _read(formats.load, path, name, fps, frames_found, options)
        counted = _on_frames(motion)
        motion, notes = (motion, []) if drop_t_pose is None else without_t_pose(motion, drop_t_pose)
        return motion, counted + notes
    from graphics_ml.pose.markers import solve_markers

    solution = solve_markers(
        read_markers(path, format=name, fps=fps, frames_found=frames_found, **options),
        marker_set,
        subject=subject,
        progress=lambda part: progress("solving", round(100 * part), 100),
    )
    return solution.motion, list(solution.warnings)


def read_markers(
    path: Path, *, format: str | None = None, fps: Fraction | None = None, frames_found: bool = False, **options
):
    """The Markers in a file; arguments and errors as open_motion."""
    return _read(formats.load_markers, path, formats.format_of(path, format), fps, frames_found, options)


def _on_frames(motion):
    source = motion.provenance.get("source")
    announced = source.get("frames_announced") if isinstance(source, dict) else None
    return [] if announced is None else [f"the file announces {announced} frames; the {len(motion)} found are taken"]


def is_body(path: Path) -> bool:
    """Whether this is no file, but a body's name, such as smplh."""
    return str(path) in bodies.NAMES and not path.exists()


def ensure_file_or_body(path: Path) -> None:
    """Raise JobError where a plain word is neither a file nor a body's name."""
    if len(path.parts) == 1 and not path.suffix and not is_body(path) and not path.exists():
        raise JobError(f"{path}: there is no such file, and no such body{suggestion(str(path), bodies.NAMES)}")


def is_rig(path: Path) -> bool:
    """Whether a rig, which takes motion in its own way, may be in such a file."""
    return path.suffix.lower() in _RIGS


def open_rig(path: Path | None, keep_actions: bool = False):
    """The TargetRig in a file, our own character when None.

    Raises:
        MissingExtraError: Blender is not installed.
        RigError: the file cannot be read or holds no usable rig.
    """
    try:
        from graphics_ml.tasks.target_rig import TargetRig
    except ModuleNotFoundError as missing:
        raise MissingExtraError(missing.name, "blender") from missing
    return TargetRig(path, keep_actions=keep_actions)


def keeps_rig(job: FileJob, source_format: str | None = None) -> bool:
    """Whether the files that a job reads and writes both hold a rig, so that it is the same with another motion.

    Args:
        source_format: of the source, where the job names it.
    """
    read, written = job.source.suffix.lower(), job.output.suffix.lower()
    return (
        is_rig(job.source)
        and is_rig(job.output)
        and source_format in (None, read[1:])
        and written in formats.extensions(writable=True)
    )


def open_source_rig(
    path: Path,
    progress: Progress = lambda stage, done, total: None,
    *,
    fps: Fraction | None = None,
    keep_actions: bool = False,
    **options,
):
    """The SourceRig in a file; arguments as open_motion, and whether the rig's other actions stay.

    Raises:
        GraphicsMLError: as open_motion, or Blender is not installed.
    """
    name = formats.format_of(path)
    formats.ensure_options(path, name, options)
    from graphics_ml.tasks.source_rig import SourceRig

    return SourceRig(path, keep_actions=keep_actions, fps=fps, progress=progress, **options)


def _read(load, path, name, fps, frames_found, options):
    if frames_found and "frames" in formats.options(name):
        options = {**options, "frames": "found"}
    if fps is not None and "fps" in formats.options(name):
        options, fps = {**options, "fps": fps}, None
    try:
        found = load(path, name, **options)
    except ValueError as error:  # an option that the format knows, and a value that it does not
        raise JobError(str(error)) from error
    return found if fps is None else found.replace(fps=fps)
