"""A motion file becomes another: load, save, and say what is lost. A rig stays one where both files hold rigs."""

from pathlib import Path

from graphics_ml import formats
from graphics_ml.errors import OutputError
from graphics_ml.formats.frame_times import rate_of_text
from graphics_ml.jobs import Convert, Outcome
from graphics_ml.motion.t_pose import without_t_pose
from graphics_ml.outputs import together
from graphics_ml.provenance import record, write_record
from graphics_ml.run import Progress
from graphics_ml.tasks.opening import keeps_rig, open_motion, open_source_rig, read_markers
from graphics_ml.tasks.saving import engine_of, ensure_place, write_motion, write_rig


def convert(job: Convert, progress: Progress) -> Outcome:
    """Do a Convert job: the motion in another format, and its job file.

    Raises:
        GraphicsMLError: the source, a setting or the output cannot be used; nothing is written then.
    """
    inputs = [path for path in (job.source, job.skeleton, job.body_model) if path is not None]
    if job.marker_set and job.marker_set.lower().endswith(".toml"):
        inputs.append(Path(job.marker_set))
    ensure_place(job, inputs, (*formats.extensions(writable=True), *formats.marker_extensions()))
    engine = engine_of(job)
    progress("reading", 0, 0)
    if keeps_rig(job, job.source_format):
        return _copy_rig(job, engine, inputs, progress)
    name = formats.format_of(job.source, job.source_format)
    if job.output.suffix.lower() in formats.marker_extensions():
        return _copy_markers(job, name, inputs)
    worn = dict(marker_set=job.marker_set, subject=job.subject, drop_t_pose=job.drop_t_pose)
    motion, notes = open_motion(
        job.source, progress, format=name, frames_found=job.frames_found, **worn, **_options(job)
    )
    progress("writing", 0, 0)
    options = {} if job.preset is None else {"preset": job.preset}
    outputs, said = write_motion(motion, job, inputs, **options)
    return Outcome(outputs, (*notes, *said))


def _copy_markers(job, name, inputs):
    """Markers in another marker format, as they are."""
    if not formats.holds_markers(name):
        raise OutputError(job.output, None, f"it would hold markers, and {job.source.name} holds a motion; write .bvh")
    markers = read_markers(job.source, format=name, frames_found=job.frames_found, **_options(job))
    made_by = record(job, [path for path in inputs if path.is_file()])
    with together():
        formats.save_markers(markers, job.output, job.format)
        return Outcome((job.output, write_record(job.output, made_by)))


def _copy_rig(job, engine, inputs, progress):
    """The rig with what it plays, which is keyed anew only where a part of it is left out."""
    rig = open_source_rig(job.source, progress, keep_actions=job.keep_actions, **_options(job))
    motion, notes = without_t_pose(rig.motion, job.drop_t_pose)
    made_by = record(job, inputs)
    skipped = len(rig.motion) - len(motion)
    if skipped:
        rig.play(motion.replace(provenance=made_by), skipped)
    else:
        rig.keep(made_by)
    progress("writing", 0, 0)
    outputs = write_rig(rig, job, made_by, engine)
    return Outcome(outputs, (*rig.notes, *notes))


def _options(job):
    """The options with which the source is read: those that the job gives."""
    said = {"unit": job.unit, "up": job.up, "skeleton": job.skeleton, "body_model": job.body_model}
    said |= {"action": job.action, "armature": job.armature, "trust_pickle": job.trust_pickle or None}
    said["fps"] = None if job.fps is None else rate_of_text(f"{job.fps:.12g}")
    return {key: value for key, value in said.items() if value is not None}
