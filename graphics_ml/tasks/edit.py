"""A motion is cleaned up: what the job asks for, one after the other, with what each did to its quality."""

from collections.abc import Callable

import numpy as np

from graphics_ml.errors import FileError, GraphicsMLError
from graphics_ml.formats.frame_times import rate_of_text
from graphics_ml.jobs import Edit, JobError, Outcome
from graphics_ml.motion.blend import concatenate
from graphics_ml.motion.bone_map import BoneMap, recognize_moving, require_roles
from graphics_ml.motion.bone_map_files import load_map, read_map
from graphics_ml.motion.filters import smooth_motion
from graphics_ml.motion.foot_lock import foot_lock
from graphics_ml.motion.ground import align_to_ground
from graphics_ml.motion.keys import ReducedKeys, reduce_keys
from graphics_ml.motion.loop import Loop, loop
from graphics_ml.motion.mirror import mirror
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.quality import Quality, quality
from graphics_ml.motion.resample import resample, trim
from graphics_ml.motion.rotations import conjugate, rotate
from graphics_ml.motion.travel import in_place, moved
from graphics_ml.run import Progress
from graphics_ml.tasks.opening import open_motion
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
    motion, notes = open_motion(job.source, progress, drop_t_pose=job.drop_t_pose)
    bones = load_map(job.map, motion.skeleton) if job.map else recognize_moving(motion)
    if job.foot_lock is not None or job.ground:
        require_roles(bones, motion.skeleton, job.map or job.source)
    editor = _Editor(job, motion, bones)
    was = quality(motion, bones)
    steps = editor.steps()
    for done, (name, change, contacts) in enumerate(steps):
        progress("editing", done, len(steps))
        try:
            said = change()
        except ValueError as error:
            raise JobError(f"{name}: {error}") from error
        now = quality(editor.motion, bones, contacts=was.contacts if contacts == "kept" else None)
        notes.append(f"{name}: {', '.join([*said, *_figures(was, now, contacts is not None)])}")
        was = now
    progress("editing", len(steps), len(steps))
    progress("writing", 0, 0)
    # Only Blender's own files have keys; others hold a value for every frame.
    sparse = {"keys": editor.keys} if editor.keys and job.output.suffix.lower() == ".blend" else {}
    outputs, said = write_motion(editor.motion, job, inputs, **sparse)
    return Outcome(outputs, (*notes, *said))


class _Editor:
    """What a job asks for, done to a motion.

    Every step changes `motion` and gives what is to be said of it, a phrase each.

    Attributes:
        motion: as it is by now.
        cycle: the loop that it was made, else None.
        keys: those it was reduced to, else None.
    """

    def __init__(self, job: Edit, motion: Motion, bones: BoneMap):
        self.job, self.motion, self.bones = job, motion, bones
        self.cycle: Loop | None = None
        self.keys: ReducedKeys | None = None

    def steps(self) -> list[tuple[str, Callable[[], list[str]], str | None]]:
        """Name, method and contacts of each thing asked for, in the order in which the job's settings stand.

        The contacts in which feet are measured afterwards are those before ("kept", where frames stay what they are) or
        the motion's "own"; None says nothing of feet, where they are meant to move over the ground.
        """
        job = self.job
        asked = (
            (job.start is not None or job.end is not None, "cut", self.cut, "own"),
            (job.fps is not None, "resample", self.resample, "own"),
            (job.smooth is not None, "smooth", self.smooth, "kept"),
            (job.mirror, "mirror", self.mirror, "own"),
            (job.then is not None, "then", self.put_behind, "own"),
            (job.loop != "no", "loop", self.close, "own"),
            (job.foot_lock is not None, "foot lock", self.lock, "kept"),
            (job.ground, "ground", self.stand, "kept"),
            (job.in_place, "in place", self.stay, None),
            (job.reduce_keys is not None, "reduce keys", self.reduce, None if job.in_place else "kept"),
        )
        return [step for wanted, *step in asked if wanted]

    def cut(self):
        self.motion = trim(self.motion, self.job.start or 0.0, self.job.end)
        return []

    def resample(self):
        self.motion = resample(self.motion, rate_of_text(f"{self.job.fps:.12g}"))
        return []

    def smooth(self):
        self.motion = smooth_motion(self.motion, self.job.smooth, _FAST * self.job.smooth)
        return []

    def mirror(self):
        self.motion = mirror(self.motion)
        return []

    def put_behind(self):
        other, _ = open_motion(self.job.then)
        try:
            self.motion = concatenate(self.motion, other, self.job.blend)
        except GraphicsMLError as error:
            raise FileError(self.job.then, None, f"this cannot be put behind {self.job.source}: {error}") from error
        return []

    def close(self):
        whole = (0, len(self.motion) - 1) if self.job.loop == "whole" else None
        self.cycle = found = loop(self.motion, whole, blend=self.job.blend)
        self.motion = found.motion
        fps = float(found.motion.fps)
        turned = (np.degrees(2 * np.arctan2(found.turn[2], found.turn[0])) + 180) % 360 - 180
        return [
            f"frames {found.start} to {found.end - 1} ({found.start / fps:.2f} to {found.end / fps:.2f} s), whose ends "
            f"lay {1000 * found.gap:.0f} mm apart",
            f"each cycle goes {np.linalg.norm(found.shift):.2f} m and turns by {turned:.1f} degrees",
        ]

    def lock(self):
        roles, strength, cycle = self.bones.roles, self.job.foot_lock, self.cycle
        if cycle is None:
            self.motion = foot_lock(self.motion, roles, strength=strength).motion
            return []
        # A foot that stands across the seam must be held there as one: the middle one of three cycles is.
        count, back = len(self.motion), conjugate(cycle.turn)
        middle = foot_lock(cycle.repeated(3), roles, strength=strength).motion.frames(count, 2 * count)
        self.motion = moved(middle, back, -rotate(back, cycle.shift), cycle.joint)
        return []

    def stand(self):
        found = align_to_ground(self.motion, self.bones.roles)
        self.motion = found.motion
        return [f"it was at {1000 * found.height:.0f} mm"]

    def stay(self):
        self.motion = in_place(self.motion, turning=self.job.facing)
        return []

    def reduce(self):
        self.keys = found = reduce_keys(self.motion, self.job.reduce_keys)
        self.motion = found.motion
        return [
            f"{found.keys} of {found.full} keys stay ({100 * found.keys / found.full:.1f}%)",
            f"no joint is off by more than {1000 * found.error:.2f} mm and {np.degrees(found.turn):.2f} degrees",
        ]


def _figures(was: Quality, now: Quality, feet: bool) -> list[str]:
    """What a step did to the quality, a phrase each."""
    said = [
        f"jerk {was.jerk:.0f} -> {now.jerk:.0f} m/s3",
        f"penetration {1000 * was.penetration:.1f} -> {1000 * now.penetration:.1f} mm",
    ]
    if feet and now.skate is not None:
        said.insert(0, f"feet slip {1000 * was.skate.mean_slip:.1f} -> {1000 * now.skate.mean_slip:.1f} mm a contact")
    return said
