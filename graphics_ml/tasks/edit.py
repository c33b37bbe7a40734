"""A motion file is cleaned up: what the job asks for, one after the other, with what each did to its quality."""

from graphics_ml.errors import FileError
from graphics_ml.formats.frame_times import rate_of_text
from graphics_ml.jobs import Edit, Outcome
from graphics_ml.motion.bone_map import recognize_moving, require_roles
from graphics_ml.motion.bone_map_files import load_map, read_map
from graphics_ml.motion.clean_up import SETTINGS, CleanUp, CleanUpError
from graphics_ml.run import Progress
from graphics_ml.tasks.opening import open_motion
from graphics_ml.tasks.saving import ensure_place, write_motion


def edit(job: Edit, progress: Progress) -> Outcome:
    """Do an Edit job: the motion file and its job file.

    Raises:
        GraphicsMLError: a file or a setting cannot be used; nothing is written then.
    """
    inputs = [path for path in (job.source, job.then, job.map) if path]
    ensure_place(job, inputs)
    if job.map:
        read_map(job.map)
    motion, notes = open_motion(job.source, progress, drop_t_pose=job.drop_t_pose, frames_found=job.frames_found)
    bones = load_map(job.map, motion.skeleton) if job.map else recognize_moving(motion)
    if job.foot_lock is not None or job.ground:
        require_roles(bones, motion.skeleton, job.map or job.source)
    work = CleanUp(
        motion,
        bones,
        fps=None if job.fps is None else rate_of_text(f"{job.fps:.12g}"),
        then=None if job.then is None else open_motion(job.then, frames_found=job.frames_found)[0],
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
    sparse = {"keys": work.keys} if work.keys and job.output.suffix.lower() == ".blend" else {}
    outputs, said = write_motion(work.motion, job, inputs, **sparse)
    return Outcome(outputs, (*notes, *said))
