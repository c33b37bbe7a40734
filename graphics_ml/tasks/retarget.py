"""A motion is put on another skeleton: that of a rig, which then plays it, or of a motion file."""

from graphics_ml import formats
from graphics_ml.errors import MotionFileError
from graphics_ml.formats import bodies
from graphics_ml.jobs import Outcome, Retarget
from graphics_ml.motion.bone_map import recognize, recognize_moving, require_roles
from graphics_ml.motion.bone_map_files import load_map, load_pair_map, read_map, save_pair_map
from graphics_ml.motion.retarget import Retargeter
from graphics_ml.motion.root_path import travel
from graphics_ml.outputs import ensure_apart, ensure_extension, ensure_writable, together
from graphics_ml.provenance import record, record_path, write_record
from graphics_ml.run import Progress
from graphics_ml.tasks.opening import ensure_file_or_body, is_body, is_rig, open_motion, open_rig
from graphics_ml.tasks.saving import engine_of, ensure_place, write_motion


def retarget(job: Retarget, progress: Progress) -> Outcome:
    """Do a Retarget job: the motion on the target, its job file, and the bone map where it is asked for.

    Raises:
        GraphicsMLError: the source, the target, a map or an output cannot be used; nothing is written then.
    """
    inputs = _ensure_outputs(job)
    engine = engine_of(job)
    for path in (job.map, job.source_map):
        if path:
            read_map(path)
    progress("reading", 0, 0)
    motion, notes = open_motion(job.source, progress, drop_t_pose=job.drop_t_pose, frames_found=job.frames_found)
    rig, skeleton, target_map, target_motion = _target(job)
    source_map = None
    if job.map:
        source_map, target_map = load_pair_map(job.map, motion.skeleton, skeleton)
    if job.source_map:
        source_map = load_map(job.source_map, motion.skeleton)
    source_map = source_map or recognize_moving(motion)
    require_roles(source_map, motion.skeleton, job.source_map or job.source)
    require_roles(target_map, skeleton, job.map or job.target or "our own character")
    pair = Retargeter(motion, skeleton, source_map, target_map, target_motion=target_motion)
    in_scene = rig is not None and rig.saves(job.output)
    on_engine = in_scene and engine is not None and job.root != "in place"
    options = dict(level=job.level, foot_lock=job.foot_lock, hand_lock=job.hand_lock)
    options["soles"] = rig.soles(target_map) if rig else None

    progress("retargeting", 0, 0)
    if in_scene:
        # On an engine's root bone the path is put once the rig is keyed.
        root = "hips" if on_engine else job.root
        result, path, report = pair.on_rig(motion, root=root, what=rig.name, **options)
    else:
        result, report = pair(motion, root=job.root, **options)
    progress("writing", 0, 0)
    with together():
        if in_scene:
            made_by = record(job, inputs)
            action = rig.play(result.replace(provenance=made_by), job.source.stem, pair.led, path)
            if engine is None:
                rig.save(job.output, action, job.keep_actions)
            else:
                hips = skeleton.names[pair.goal.joints["hips"]]
                rig.save_for(engine, job.output, action, hips, travel(result, pair.goal) if on_engine else None)
            outputs, said = (job.output, write_record(job.output, made_by)), []
        else:
            # Unit and shape, by which some formats are written, are the target's.
            shown = {} if target_motion is None else target_motion.provenance
            options = {} if job.preset is None else {"preset": job.preset}
            outputs, said = write_motion(result.replace(provenance=shown), job, inputs, **options)
        if job.save_map:
            save_pair_map(source_map, motion.skeleton, target_map, skeleton, job.save_map)
            outputs = (*outputs, job.save_map)
    notes += [*(rig.notes if rig else ()), *source_map.notes, *target_map.notes, *report.notes, *said]
    if len(result.skeleton) > len(skeleton):
        notes.append(f"the path over the ground is on a joint '{result.skeleton.names[0]}' that was added above all")
    return Outcome(outputs, tuple(notes))


def _ensure_outputs(job):
    """Prove that all can be written where it is asked for; gives the files that are read."""
    if job.target:
        ensure_file_or_body(job.target)
    inputs = [path for path in (job.source, job.target, job.map, job.source_map) if path and not is_body(path)]
    ensure_place(job, inputs)
    if job.save_map:
        ensure_extension(job.save_map, (".toml",))
        taken = {"the output": job.output, "the output's job file": record_path(job.output)}
        ensure_apart(taken | {"the bone map": job.save_map}, inputs)
        ensure_writable(job.save_map)
    return inputs


def _target(job):
    """The target's rig (None where it is none), skeleton, recognised map, and a motion that shows how it stands."""
    if job.target is None or is_rig(job.target):
        rig = open_rig(job.target, job.keep_actions)
        return rig, rig.skeleton, rig.recognised(), None
    if is_body(job.target):
        skeleton = bodies.skeleton(str(job.target))
        return None, skeleton, recognize(skeleton), None
    try:
        shown = formats.load(job.target)
    except MotionFileError:  # it may hold a skeleton alone
        skeleton = formats.load_skeleton(job.target)
        return None, skeleton, recognize(skeleton), None
    return None, shown.skeleton, recognize_moving(shown), shown
