"""What the jobs that make a motion file do at their end: write it with its record, and say what it does not hold."""

import warnings
from pathlib import Path

from graphics_ml import formats
from graphics_ml.errors import FormatWarning, MissingExtraError
from graphics_ml.jobs import FileJob
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.resample import resample
from graphics_ml.outputs import ensure_apart, ensure_extension, ensure_writable, together
from graphics_ml.provenance import record, record_path, write_record


def ensure_place(job: FileJob, inputs: list[Path], extensions: tuple[str, ...] | None = None) -> None:
    """Prove that the job's output and its job file can be written, and replace none of the inputs.

    Args:
        job: says where.
        inputs: files that the job reads.
        extensions: those that the output may have; of what holds a motion when None.

    Raises:
        OutputError: the output's extension, format or place cannot be written.
    """
    ensure_extension(job.output, extensions or formats.extensions(writable=True))
    if job.output.suffix.lower() not in formats.marker_extensions():
        formats.ensure_writable_as(job.output, job.format)
    ensure_apart({"the output": job.output, "the output's job file": record_path(job.output)}, inputs)
    ensure_writable(job.output)


def engine_of(job):
    """The Preset of the game engine that a job's output is for; None for none.

    Raises:
        OutputError: there is no such preset, or it is for other files.
        MissingExtraError: Blender, which writes such files, is not installed.
    """
    if job.preset is None:
        return None
    try:
        from graphics_ml.blender.presets import preset_for
    except ModuleNotFoundError as missing:
        raise MissingExtraError(missing.name, "blender") from missing
    return preset_for(job.output, job.preset)


def write_motion(motion: Motion, job: FileJob, inputs: list[Path], **options) -> tuple[tuple[Path, Path], list[str]]:
    """Write a job's motion and its job file; gives both, and what the user should know, a sentence each.

    Args:
        motion: what to write.
        job: says where, and in which format.
        inputs: files that the job has read.
        options: the format's own.

    Raises:
        OutputError: the format cannot hold this skeleton, or the place cannot be written.
    """
    notes = []
    rate = formats.fixed_rate(job.output, job.format)
    if rate is not None and motion.fps != rate:
        notes.append(f"resampled to {rate} frames a second, at which such files are read")
        motion = resample(motion, rate)
    # Of what made the motion nothing is lost: its record is written beside it.
    lost = formats.losses(motion.replace(provenance={}), job.output, job.format)
    notes += [f"{job.format or job.output.suffix} files do not hold {what}" for what in lost]
    if motion.provenance.get("meshes"):
        notes.append(f"{job.output.suffix} files do not hold the rig's meshes")
    made_by = record(job, [path for path in inputs if path.is_file()])
    with together(), warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", FormatWarning)
        formats.save(motion.replace(provenance={**_source(motion), **made_by}), job.output, job.format, **options)
        record_file = write_record(job.output, made_by)
    for one in said:
        if not any(str(one.message).endswith(what) for what in lost):
            warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)
    return (job.output, record_file), notes


def write_rig(rig, job: FileJob, made_by: dict, engine=None) -> tuple[Path, Path]:
    """Write a SourceRig with what it plays now, and its job file; gives both.

    Args:
        rig: its notes get a sentence for each thing the user should know.
        job: says where.
        made_by: its record.
        engine: the preset of the game engine that the output is for; None for none.

    Raises:
        OutputError: the place cannot be written.
    """
    with together():
        rig.save(job.output, engine)
        return job.output, write_record(job.output, made_by)


def _source(motion):
    """What the writers of some formats go by: the unit of a .bvh, the shape of a body."""
    source = motion.provenance.get("source")
    return {"source": source} if isinstance(source, dict) else {}
