"""A motion file is cleaned up: what the job asks for, one after the other, with what each did to its quality.

Where the files that are read and written both hold a rig, the rig stays and plays the result, as after Clean Up in
Blender.
"""

from graphics_ml.errors import FileError
from graphics_ml.formats.frame_times import rate_of_text
from graphics_ml.jobs import Edit, Outcome
from graphics_ml.motion.bone_map import recognize_moving, require_roles
from graphics_ml.motion.bone_map_files import load_map, read_map
from graphics_ml.motion.clean_up import SETTINGS, CleanUp, CleanUpError
from graphics_ml.motion.resample import first_frame
from graphics_ml.motion.t_pose import without_t_pose
from graphics_ml.provenance import record
from graphics_ml.run import Progress
from graphics_ml.tasks.opening import is_rig, keeps_rig, open_motion, open_source_rig
from graphics_ml.tasks.saving import ensure_place, write_motion, write_rig


def edit(job: Edit, progress: Progress) -> Outcome:
    """Do an Edit job: the motion file and its job file.

    Raises:
        GraphicsMLError: a file or a setting cannot be used; nothing is written then.
    """
    inputs = [path for path in (job.source, job.then, job.map) if path]
    ensure_place(job, inputs)
    if job.map:
        read_map(job.map)
    # Before the source, whose rig must stay open.
    then = None if job.then is None else _behind(job)
    rig, motion, skipped, notes = _open(job, progress)
    known = recognize_moving(motion) if rig is None else rig.roles()
    bones = load_map(job.map, motion.skeleton) if job.map else known
    if job.foot_lock is not None or job.ground:
        require_roles(bones, motion.skeleton, job.map or job.source)
    work = CleanUp(
        motion,
        bones,
        fps=None if job.fps is None else rate_of_text(f"{job.fps:.12g}"),
        then=then,
        **{name: getattr(job, name) for name in SETTINGS},
    )
    progress("editing", 0, len(work.names))
    try:
        for done, step in enumerate(work, 1):
            notes.append(str(step))
            progress("editing", done, len(work.names))
    except CleanUpError as error:
        if error.step == "then":
            raise FileError(job.then, None, f"this cannot be put behind {job.source}: {error.why}") from error
        raise
    progress("writing", 0, 0)
    # Only Blender's own files have keys; others hold a value for every frame.
    keys = work.keys if job.output.suffix.lower() == ".blend" else None
    if rig is None:
        outputs, said = write_motion(work.motion, job, inputs, **({} if keys is None else {"keys": keys}))
        return Outcome(outputs, (*notes, *said))
    made_by = record(job, inputs)
    rig.play(work.motion.replace(provenance=made_by), skipped + first_frame(motion, job.start or 0.0), keys)
    outputs = write_rig(rig, job, made_by)
    return Outcome(outputs, (*rig.notes, *notes))


def _open(job, progress):
    """The rig that stays, or None; its motion; how many frames at the start of it are left out; what is to be known."""
    options = {name: getattr(job, name) for name in ("action", "armature") if getattr(job, name) is not None}
    if not keeps_rig(job):
        options |= dict(drop_t_pose=job.drop_t_pose, frames_found=job.frames_found)
        motion, notes = open_motion(job.source, progress, **options)
        return None, motion, 0, notes
    rig = open_source_rig(job.source, progress, keep_actions=job.keep_actions, **options)
    motion, notes = without_t_pose(rig.motion, job.drop_t_pose)
    return rig, motion, len(rig.motion) - len(motion), notes


def _behind(job):
    """What is to be put behind; where rigs stay, on the skeleton by which they are driven."""
    if keeps_rig(job) and is_rig(job.then):
        return open_source_rig(job.then).motion
    return open_motion(job.then, frames_found=job.frames_found)[0]
