"""A video drives a rig: capture, retarget, write the action, save, preview."""

import bpy

from graphics_ml import formats
from graphics_ml.blender.actions import retime
from graphics_ml.blender.armature import deform_flags
from graphics_ml.blender.export import EXTENSIONS as SCENE_EXTENSIONS
from graphics_ml.blender.export import save_scene
from graphics_ml.blender.rigify import apply_motion, drive_skeleton
from graphics_ml.blender.rigs import load_rig, sole_points
from graphics_ml.blender.scene import empty_scene, frame_rate
from graphics_ml.errors import RigError
from graphics_ml.jobs import Animate, Outcome
from graphics_ml.motion.bone_map import recognize, require_roles
from graphics_ml.motion.bone_map_files import load_map, read_map, save_map
from graphics_ml.motion.retarget import retarget
from graphics_ml.outputs import ensure_extension
from graphics_ml.pose.video import open_video
from graphics_ml.provenance import record, write_record
from graphics_ml.run import Progress
from graphics_ml.tasks.capture import ensure_places, notes_on, watch

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
    video, notes = open_video(job.video, job.start, job.end, job.fps), []
    armature, skeleton, bones = _open_rig(job, notes)
    detections, solution = watch(job, video, progress)

    progress("animating", 0, 1)
    motion, report = retarget(
        solution.motion,
        skeleton,
        target_map=bones,
        foot_lock=job.foot_lock,
        contacts=solution.contacts,
        floor=0.0,
        soles=sole_points(armature, skeleton, bones),
    )
    made_by = record(job, _inputs(job))
    motion = motion.replace(provenance=made_by)
    action = _write_action(job, armature, motion, bones, notes)
    if job.output.suffix.lower() in MOTION_EXTENSIONS:
        formats.save(motion, job.output)
    else:
        save_scene(job.output, armature, action, keep_actions=job.keep_actions, notes=notes)
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
            armature,
            scale=report.scale,
            progress=lambda done, total: progress("preview", done, total),
        )
        outputs.append(job.preview)
    return Outcome(tuple(outputs), (*notes_on(job, detections, solution), *notes, *bones.notes, *report.notes))


def _ensure_outputs(job):
    ensure_extension(job.output, SCENE_EXTENSIONS + MOTION_EXTENSIONS)
    if job.preview:
        ensure_extension(job.preview, (".mp4",))
    if job.save_map:
        ensure_extension(job.save_map, (".toml",))
    ensure_places(job, _inputs(job), {"the preview": job.preview, "the bone map": job.save_map})


def _inputs(job):
    return [path for path in (job.video, job.rig, job.map) if path]


def _open_rig(job, notes):
    """The armature that the job names, or our own character, in a scene of its own; its skeleton and bone map."""
    armature = load_rig(job.rig, actions=job.keep_actions, notes=notes) if job.rig else _our_character(job, notes)
    try:
        skeleton, how_driven = drive_skeleton(armature)
    except ValueError as error:
        raise RigError(job.rig, None, str(error)) from error
    notes += [how_driven] if how_driven else []
    bones = load_map(job.map, skeleton) if job.map else recognize(skeleton, deform_flags(armature, skeleton))
    require_roles(bones, skeleton, job.map or job.rig or "our own character")
    return armature, skeleton, bones


def _write_action(job, armature, motion, bones, notes):
    """The motion as the armature's new action; actions that are kept last as long as before at the film's rate."""
    kept, rate = list(bpy.data.actions), frame_rate(bpy.context.scene)
    action = apply_motion(armature, motion, job.video.stem, bones.roles.values(), notes=notes)
    if kept and rate != motion.fps:
        retime(kept, float(motion.fps / rate))
        rates = f"from {float(rate):.6g} to {float(motion.fps):.6g} frames per second"
        notes.append(f"the rig's own actions ({len(kept)}) were retimed {rates}, so that they last as long as before")
    return action


def _our_character(job, notes):
    """Our own character, as tall as the person where that is known and it can be."""
    from graphics_ml.blender.characters import HEIGHTS, Character, build_character

    empty_scene()
    if job.height is None:
        return build_character()
    low, high = HEIGHTS
    height = min(max(job.height, low), high)
    if height != job.height:
        notes.append(f"our own character is {height:g} m tall: it is made from {low:g} to {high:g} m")
    return build_character(Character(height=height))
