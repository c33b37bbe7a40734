"""A motion is cleaned up: what is asked for, one thing after the other in an order that is always the same, with what
each did to its quality.

The order is that of CleanUp's settings: time first, since all else is measured in it; smoothing before feet are held,
which it would loosen again; a cycle before its feet are locked, so that they can be held across its seam; the ground
after the feet, whose height it is; keys last.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np

from graphics_ml.errors import GraphicsMLError
from graphics_ml.motion.blend import concatenate
from graphics_ml.motion.bone_map import BoneMap
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

SETTINGS = (
    "start",
    "end",
    "smooth",
    "mirror",
    "blend",
    "loop",
    "foot_lock",
    "ground",
    "in_place",
    "facing",
    "reduce_keys",
)
"""The settings of CleanUp that are those of an Edit job as they stand; `fps` is made exact and `then` loaded first."""

_FAST = 3  # times the cutoff, for what moves fast: as smooth_motion has it by default


class CleanUpError(GraphicsMLError):
    """A step cannot be done with this motion and setting.

    Args:
        step: its name.
        why: the reason, as a clause.
    """

    def __init__(self, step: str, why: str):
        self.step, self.why = step, why
        super().__init__(f"{step}: {why}")


@dataclass(frozen=True)
class Figure:
    """One measure of quality before and after a step.

    Args:
        name: what is measured, in plain words.
        before, after: in the unit.
        unit: as text.
        digits: after the decimal point, that say something.
    """

    name: str
    before: float
    after: float
    unit: str
    digits: int

    def __str__(self):
        return f"{self.name} {self.before:.{self.digits}f} -> {self.after:.{self.digits}f} {self.unit}"


@dataclass(frozen=True)
class Step:
    """What one step did.

    Args:
        name: of the step.
        said: what it has to say for itself, a phrase each.
        figures: the quality before and after it.
    """

    name: str
    said: tuple[str, ...]
    figures: tuple[Figure, ...]

    def __str__(self):
        return f"{self.name}: {', '.join([*self.said, *map(str, self.figures)])}"


class CleanUp:
    """What is asked for, done to a motion. Iterating does the steps and gives a Step after each:

        work = CleanUp(motion, recognize_moving(motion), smooth=4.0, foot_lock=1.0)
        for step in work:
            print(step)
        work.motion

    Args:
        motion: any; F frames.
        bones: roles of its joints; all of a body are needed for `foot_lock` and `ground` alone.
        start, end: cut to this time, seconds.
        fps: resample to this rate.
        smooth: Hz, the frequency to which what moves slowly is smoothed, three times it for what moves fast.
        mirror: exchange left and right.
        then: a motion of the same skeleton to put behind.
        blend: seconds, of overlap with `then`; how far from its ends a cycle may change.
        loop: keep one cycle: "find" the best, or the "whole" motion as one; "no".
        foot_lock: how firmly standing feet are held, 0 to 1.
        ground: put the ground that the feet stand on at height 0.
        in_place: take the way over the ground away, with `facing` the turning too.
        reduce_keys: metres, by which joints may be off with the keys that stay.

    Attributes:
        motion: as it is by now.
        names: of the steps that are asked for, in order.
        cycle: the loop that the motion was made, else None.
        keys: those it was reduced to, else None.
    """

    def __init__(
        self,
        motion: Motion,
        bones: BoneMap,
        *,
        start: float | None = None,
        end: float | None = None,
        fps: Fraction | None = None,
        smooth: float | None = None,
        mirror: bool = False,
        then: Motion | None = None,
        blend: float = 0.3,
        loop: Literal["no", "find", "whole"] = "no",
        foot_lock: float | None = None,
        ground: bool = False,
        in_place: bool = False,
        facing: bool = False,
        reduce_keys: float | None = None,
    ):
        self.motion, self.bones = motion, bones
        self.cycle: Loop | None = None
        self.keys: ReducedKeys | None = None
        # After each step its feet are measured in the contacts from before ("kept", where frames stay what they are) or
        # in the motion's "own"; None says nothing of feet, where they are meant to move over the ground.
        asked: tuple[tuple[bool, str, Callable[[], tuple[str, ...]], str | None], ...] = (
            (start is not None or end is not None, "cut", lambda: self._cut(start or 0.0, end), "own"),
            (fps is not None, "resample", lambda: self._resample(fps), "own"),
            (smooth is not None, "smooth", lambda: self._smooth(smooth), "kept"),
            (mirror, "mirror", self._mirror, "own"),
            (then is not None, "then", lambda: self._put_behind(then, blend), "own"),
            (loop != "no", "loop", lambda: self._close(loop == "whole", blend), "own"),
            (foot_lock is not None, "foot lock", lambda: self._lock(foot_lock), "kept"),
            (ground, "ground", self._stand, "kept"),
            (in_place, "in place", lambda: self._stay(facing), None),
            (reduce_keys is not None, "reduce keys", lambda: self._reduce(reduce_keys), None if in_place else "kept"),
        )
        self._steps = [step for wanted, *step in asked if wanted]
        self.names = tuple(name for name, *_ in self._steps)

    def __iter__(self) -> Iterator[Step]:
        """Do the steps.

        Raises:
            CleanUpError: a step cannot be done; `motion` is as it was before it.
        """
        was, frames = quality(self.motion, self.bones), len(self.motion)
        for name, change, contacts in self._steps:
            try:
                said = change()
            except (ValueError, GraphicsMLError) as error:
                raise CleanUpError(name, str(error)) from error
            now = quality(self.motion, self.bones, contacts=was.contacts if contacts == "kept" else None)
            if frames == 1 and name in _OF_MOVEMENT:
                said = (f"a single frame has {_OF_MOVEMENT[name]}",)
            frames = min(frames, len(self.motion))
            yield Step(name, said, _figures(was, now, frames, contacts is not None))
            was, frames = now, len(self.motion)

    def _cut(self, start, end):
        self.motion = trim(self.motion, start, end)
        return ()

    def _resample(self, fps):
        self.motion = resample(self.motion, fps)
        return ()

    def _smooth(self, cutoff):
        self.motion = smooth_motion(self.motion, cutoff, _FAST * cutoff)
        return ()

    def _mirror(self):
        self.motion = mirror(self.motion)
        return ()

    def _put_behind(self, other, seconds):
        self.motion = concatenate(self.motion, other, seconds)
        return ()

    def _close(self, whole, seconds):
        ends = (0, len(self.motion) - 1) if whole else None
        self.cycle = found = loop(self.motion, ends, blend=seconds)
        self.motion = found.motion
        fps = float(found.motion.fps)
        turned = (np.degrees(2 * np.arctan2(found.turn[2], found.turn[0])) + 180) % 360 - 180
        return (
            f"frames {found.start} to {found.end - 1} ({found.start / fps:.2f} to {found.end / fps:.2f} s), whose ends "
            f"lay {1000 * found.gap:.0f} mm apart",
            f"each cycle goes {np.linalg.norm(found.shift):.2f} m and turns by {turned:.1f} degrees",
        )

    def _lock(self, strength):
        roles, cycle = self.bones.roles, self.cycle
        if cycle is None:
            self.motion = foot_lock(self.motion, roles, strength=strength).motion
            return ()
        # A foot that stands across the seam must be held there as one: the middle one of three cycles is.
        count, back = len(self.motion), conjugate(cycle.turn)
        middle = foot_lock(cycle.repeated(3), roles, strength=strength).motion.frames(count, 2 * count)
        self.motion = moved(middle, back, -rotate(back, cycle.shift), cycle.joint)
        return ()

    def _stand(self):
        found = align_to_ground(self.motion, self.bones.roles)
        self.motion = found.motion
        return (f"it was at {1000 * found.height:.0f} mm",)

    def _stay(self, turning):
        self.motion = in_place(self.motion, turning=turning)
        return ()

    def _reduce(self, metres):
        self.keys = found = reduce_keys(self.motion, metres)
        self.motion = found.motion
        return (
            f"{found.keys} of {found.full} keys stay ({100 * found.keys / found.full:.1f}%)",
            f"no joint is off by more than {1000 * found.error:.2f} mm and {np.degrees(found.turn):.2f} degrees",
        )


_OF_MOVEMENT = {
    "smooth": "no movement that could be smoothed",
    "foot lock": "no movement from which feet could be kept",
    "reduce keys": "no keys to spare",
}
_FOR_JERK = 4  # frames that a third difference needs


def _figures(was: Quality, now: Quality, frames: int, feet: bool) -> tuple[Figure, ...]:
    """What can be measured in so many frames."""
    said = [Figure("penetration", 1000 * was.penetration, 1000 * now.penetration, "mm", 1)]
    if frames >= _FOR_JERK:
        said.insert(0, Figure("jerk", was.jerk, now.jerk, "m/s3", 0))
    if frames > 1 and feet and now.skate is not None:
        slip = 1000 * was.skate.mean_slip, 1000 * now.skate.mean_slip
        said.insert(0, Figure("feet slip", *slip, "mm a contact", 1))
    return tuple(said)
