"""A video drives a rig: capture, retarget, write the action, save, preview."""

from graphics_ml import formats
from graphics_ml.blender.export import EXTENSIONS as SCENE_EXTENSIONS
from graphics_ml.blender.presets import preset_for
from graphics_ml.jobs import Animate, Outcome
from graphics_ml.motion.bone_map import require_roles
from graphics_ml.motion.bone_map_files import load_map, read_map, save_map
from graphics_ml.motion.retarget import Retargeter
from graphics_ml.motion.root_path import travel
from graphics_ml.outputs import ensure_extension, together
from graphics_ml.pose.video import open_video
from graphics_ml.provenance import record, write_record
from graphics_ml.run import Progress
from graphics_ml.tasks.capture import ensure_places, films_and_calibration, notes_on, watch
from graphics_ml.tasks.target_rig import TargetRig

MOTION_EXTENSIONS = (".bvh", ".npz")


def animate(job: Animate, progress: Progress) -> Outcome:
    """Do an Animate job: the animated rig, its job file, and the preview and bone map where they are asked for.

    Map, film and rig are opened before anything is detected, so that a wrong one is said at once.

    Raises:
        GraphicsMLError: the video, the rig, a setting or an output cannot be used; nothing is written then, as for
            capture.
    """
    _ensure_outputs(job)
    if job.map:
        read_map(job.map)
    video = open_video(job.video[0], job.start, job.end, job.fps)
    rig = TargetRig(job.rig, keep_actions=job.keep_actions, height=None if job.rig else job.height)
    bones = load_map(job.map, rig.skeleton) if job.map else rig.recognised()
    require_roles(bones, rig.skeleton, job.map or rig.name)
    detections, solution = watch(job, video, progress)

    progress("animating", 0, 1)
    pair = Retargeter(solution.motion, rig.skeleton, target_map=bones)
    motion, report = pair(solution.motion, foot_lock=job.foot_lock, soles=rig.soles(bones))
    made_by = record(job, _inputs(job))
    motion = motion.replace(provenance=made_by)
    action = rig.play(motion, job.video[0].stem, pair.led)
    with together():
        if job.output.suffix.lower() in MOTION_EXTENSIONS:
            formats.save(motion, job.output)
        elif job.preset:
            hips = bones.roles["hips"]
            rig.save_for(preset_for(job.output, job.preset), job.output, action, hips, travel(motion, pair.goal))
        else:
            rig.save(job.output, action, job.keep_actions)
        progress("animating", 1, 1)
        outputs = [job.output, write_record(job.output, made_by)]
        if job.save_map:
            save_map(bones, job.save_map)
            outputs.append(job.save_map)
        if job.preview:
            from graphics_ml.tasks.film_preview import write_preview

            write_preview(
                job.preview,
                video,
                detections,
                solution,
                rig.armature,
                scale=report.scale,
                progress=lambda done, total: progress("preview", done, total),
            )
            outputs.append(job.preview)
    return Outcome(tuple(outputs), (*notes_on(job, detections, solution), *rig.notes, *bones.notes, *report.notes))


def _ensure_outputs(job):
    ensure_extension(job.output, SCENE_EXTENSIONS + MOTION_EXTENSIONS)
    if job.preset:
        preset_for(job.output, job.preset)
    if job.preview:
        ensure_extension(job.preview, (".mp4",))
    if job.save_map:
        ensure_extension(job.save_map, (".toml",))
    ensure_places(job, _inputs(job), {"the preview": job.preview, "the bone map": job.save_map})


def _inputs(job):
    return [*films_and_calibration(job), *(path for path in (job.rig, job.map) if path)]
