"""A motion is cleaned up: what the job asks for, one after the other, with what each did to its quality."""

from collections.abc import Callable, Iterator
from fractions import Fraction

import numpy as np

from graphics_ml import formats
from graphics_ml.errors import FileError, GraphicsMLError
from graphics_ml.jobs import Edit, JobError, Outcome
from graphics_ml.motion.blend import concatenate
from graphics_ml.motion.bone_map import BoneMap, missing_roles, require_roles
from graphics_ml.motion.bone_map_files import load_map, read_map
from graphics_ml.motion.filters import smooth_motion
from graphics_ml.motion.foot_lock import foot_lock
from graphics_ml.motion.ground import align_to_ground
from graphics_ml.motion.keys import ReducedKeys, reduce_keys
from graphics_ml.motion.loop import Loop, loop
from graphics_ml.motion.mirror import mirror
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.quality import quality
from graphics_ml.motion.resample import resample, trim
from graphics_ml.motion.retarget import recognize_moving
from graphics_ml.motion.rotations import conjugate, rotate
from graphics_ml.motion.travel import in_place, moved
from graphics_ml.run import Progress
from graphics_ml.tasks.saving import ensure_place, write_motion

_FAST = 3  # times the cutoff, for what moves fast: as smooth_motion has it by default


def edit(job: Edit, progress: Progress) -> Outcome:
    """Do an Edit job: the motion file and its job file.

    Raises:
        GraphicsMLError: a file or a setting cannot be used; nothing is written then.
    """
    inputs = [path for path in (job.source, job.then, job.map) if path]
    ensure_place(job, inputs)
    if job.map:
        read_map(job.map)
    motion = formats.load(job.source)
    bones = load_map(job.map, motion.skeleton) if job.map else recognize_moving(motion)
    if job.foot_lock is not None or job.ground:
        require_roles(bones, motion.skeleton, job.map or job.source)
    notes, reduced = [], []
    steps = list(_steps(job, bones, reduced))
    for done, step in enumerate(steps):
        progress("editing", done, len(steps))
        try:
            result, said = step.change(motion)
        except ValueError as error:
            raise JobError(f"{step.name}: {error}") from error
        notes.append(f"{step.name}: {', '.join([*said, *_figures(motion, result, bones, step)])}")
        motion = result
    progress("editing", len(steps), len(steps))
    progress("writing", 0, 0)
    # Only Blender's own files have keys; others hold a value for every frame.
    sparse = {"keys": reduced[0]} if reduced and job.output.suffix.lower() == ".blend" else {}
    outputs, said = write_motion(motion, job, inputs, **sparse)
    return Outcome(outputs, (*notes, *said))


class _Step:
    """One thing to do.

    Args:
        name: what the user calls it.
        change: gives the new motion, and what is to be said of it.
        contacts: in which contacts feet are measured after it: "kept" are those before, "own" its own, None none,
            where feet are meant to move over the ground.
    """

    def __init__(self, name: str, change: Callable[[Motion], tuple[Motion, list[str]]], contacts: str | None = "own"):
        self.name, self.change, self.contacts = name, change, contacts


def _steps(job: Edit, bones: BoneMap, reduced: list[ReducedKeys]) -> Iterator[_Step]:
    """What the job asks for, in the order in which its settings stand in the job's class; `reduced` gets the keys."""
    looped: list[Loop] = []
    if job.start is not None or job.end is not None:
        yield _Step("cut", lambda motion: (trim(motion, job.start or 0.0, job.end), []))
    if job.fps is not None:
        yield _Step("resample", lambda motion: (resample(motion, _rate(job.fps)), []))
    if job.smooth is not None:
        yield _Step("smooth", lambda motion: (smooth_motion(motion, job.smooth, _FAST * job.smooth), []), "kept")
    if job.mirror:
        yield _Step("mirror", lambda motion: (mirror(motion), []))
    if job.then is not None:
        yield _Step("then", lambda motion: _put_behind(motion, job))
    if job.loop != "no":
        yield _Step("loop", lambda motion: _loop(motion, job, looped))
    if job.foot_lock is not None:
        yield _Step("foot lock", lambda motion: _lock(motion, job, bones, looped), "kept")
    if job.ground:
        yield _Step("ground", lambda motion: _ground(motion, bones), "kept")
    if job.in_place:
        yield _Step("in place", lambda motion: (in_place(motion, turning=job.facing), []), None)
    if job.reduce_keys is not None:
        yield _Step("reduce keys", lambda motion: _reduce(motion, job, reduced), None if job.in_place else "kept")


def _put_behind(motion, job):
    other = formats.load(job.then)
    try:
        return concatenate(motion, other, job.blend), []
    except GraphicsMLError as error:
        raise FileError(job.then, None, f"this cannot be put behind {job.source}: {error}") from error


def _loop(motion, job, looped):
    cycle = (0, len(motion) - 1) if job.loop == "whole" else None
    found = loop(motion, cycle, blend=job.blend)
    looped.append(found)
    fps = float(motion.fps)
    turned = np.degrees(2 * np.arctan2(found.turn[2], found.turn[0]))
    return found.motion, [
        f"frames {found.start} to {found.end - 1} ({found.start / fps:.2f} to {found.end / fps:.2f} s), whose ends lay "
        f"{1000 * found.gap:.0f} mm apart",
        f"each cycle goes {np.linalg.norm(found.shift):.2f} m and turns by {(turned + 180) % 360 - 180:.1f} degrees",
    ]


def _lock(motion, job, bones, looped):
    if not looped:
        return foot_lock(motion, bones.roles, strength=job.foot_lock).motion, []
    # A foot that stands across the seam must be held there as one: the middle one of three cycles is.
    cycle = looped[0]
    locked = foot_lock(cycle.repeated(3), bones.roles, strength=job.foot_lock).motion
    back = conjugate(cycle.turn)
    return moved(locked.frames(len(motion), 2 * len(motion)), back, -rotate(back, cycle.shift), cycle.joint), []


def _ground(motion, bones):
    found = align_to_ground(motion, bones.roles)
    return found.motion, [f"it was at {1000 * found.height:.0f} mm"]


def _reduce(motion, job, reduced):
    found = reduce_keys(motion, job.reduce_keys)
    reduced.append(found)
    return found.motion, [
        f"{found.keys} of {found.full} keys stay ({100 * found.keys / found.full:.1f}%)",
        f"no joint is off by more than {1000 * found.error:.2f} mm and {np.degrees(found.turn):.2f} degrees",
    ]


def _rate(fps):
    """The exact frame rate that a decimal number means."""
    television = Fraction(round(fps * 1.001) * 1000, 1001)
    return television if abs(float(television) - fps) < 0.005 else Fraction(fps).limit_denominator(1000)


def _figures(before: Motion, after: Motion, bones: BoneMap, step: _Step) -> list[str]:
    """What a step did to the quality, a phrase each."""
    was = quality(before, bones)
    kept = was.contacts if step.contacts == "kept" and len(before) == len(after) else None
    now = quality(after, bones, contacts=kept)
    said = [
        f"jerk {was.jerk:.3g} -> {now.jerk:.3g} m/s3",
        f"penetration {1000 * was.penetration:.1f} -> {1000 * now.penetration:.1f} mm",
    ]
    if step.contacts is not None and not missing_roles(bones):
        said.insert(0, f"feet slip {1000 * was.skate.mean_slip:.1f} -> {1000 * now.skate.mean_slip:.1f} mm a contact")
    return said
