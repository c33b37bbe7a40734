# SPDX-License-Identifier: GPL-3.0-or-later
"""What people do: a pool of motions, and any of them on any character at any time.

A clip takes a few moments of a motion. These are put on the character by themselves: the rest of the motion only says
where its floor is and which feet stand.
"""

from collections import OrderedDict
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from graphics_ml import formats
from graphics_ml.blender.scenes.characters import Actor
from graphics_ml.blender.scenes.description import Scene
from graphics_ml.blender.scenes.distributions import rng_for
from graphics_ml.blender.scenes.pools import Pool, names_of
from graphics_ml.errors import MotionFileError
from graphics_ml.motion.bone_map import BoneMap, recognize_moving, require_roles
from graphics_ml.motion.contacts import robust_contacts, spans
from graphics_ml.motion.ground import align_to_ground
from graphics_ml.motion.invented import invent, random_poses
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.resample import sample
from graphics_ml.motion.retarget import Retargeter
from graphics_ml.motion.t_pose import without_t_pose

_INVENTED = "invented"
_JUMP = 0.06  # metres that the lowest joint of the body rises by in a jump that is one
_HIGH = 0.6  # of a leg's length; nobody jumps with hips lower than this, not even with knees drawn up
_SHEET = 16  # poses that are drawn at a time, which takes little longer than one
_KEPT = 64  # motions, and as many pairs of a motion and a character, in memory


@dataclass(frozen=True, eq=False)
class Act:
    """A motion of the pool: it stands on the floor at y = 0.

    Args:
        name: in its pool.
        motion: F frames, with contacts.
        grounded: (F,) bool: whether the body is on the floor; in a jump it is not.
        roles: of its joints.
        body: what its characters are prepared for; motions of one body are put on others in the same way.
        held: whether its frames are poses that have nothing to do with each other.
    """

    name: str
    motion: Motion
    grounded: np.ndarray
    roles: BoneMap
    body: str
    held: bool = False

    @property
    def lasts(self) -> float:
        """Seconds from its first frame to its last."""
        return (len(self.motion) - 1) / float(self.motion.fps)

    def times(self, start: float, later: np.ndarray) -> np.ndarray:
        """The seconds (M,) into it of moments that come `later` (M,) than a start: past its end its end, of a held pose
        that pose."""
        if self.held:
            return np.full(len(later), round(start * float(self.motion.fps)) / float(self.motion.fps))
        return np.minimum(start + later, self.lasts)

    def is_grounded(self, seconds: np.ndarray) -> np.ndarray:
        """(M,) bool: whether the body is on the floor at these times."""
        frames = np.round(np.asarray(seconds) * float(self.motion.fps)).astype(int)
        return self.grounded[np.clip(frames, 0, len(self.motion) - 1)]


class MotionPool:
    """The motions of a scene.

    Args:
        scene: whose motions they are. A file's is known by its path from the scene's folder, which can move.
        seed: of the data set.

    Attributes:
        names: of the motions of each kind.
    """

    def __init__(self, scene: Scene, seed: int):
        self._section, self._seed = scene.motions, seed
        self.names, self._files = names_of(scene.motions, ("invented", "poses"), scene.folder)
        shares = [getattr(self._section, kind).share for kind in self.names]
        self._pool = Pool(self.names, shares, self._section.repertoire, scene.clip.neighbours, seed, "repertoire")
        self._acts: OrderedDict[str, Act] = OrderedDict()
        self._pairs: OrderedDict[tuple[str, Actor], Retargeter] = OrderedDict()

    def draw(self, rng: np.random.Generator, clip: int, split: str, count: int, lasts: float):
        """Pairs of a motion and the seconds into it where a clip begins, for each of `count` people.

        Args:
            lasts: seconds from the clip's first moment to its last.

        Raises:
            GraphicsMLError: as `act`.
        """
        drawn = []
        for name in self._pool.draw(rng, clip, split, count):
            act = self.act(name)
            # A held pose lasts as long as any clip.
            start = float(rng.uniform(0, act.lasts if act.held else max(0.0, act.lasts - lasts)))
            drawn.append((act, start))
        return drawn

    def act(self, name: str) -> Act:
        """The motion of this name.

        Raises:
            GraphicsMLError: its file cannot be read, or holds no motion of a humanoid.
        """
        return _kept(self._acts, name, lambda: self._read(name))

    def on(self, actor: Actor, act: Act, seconds: np.ndarray, fps: float) -> tuple[Motion, tuple[str, ...]]:
        """What an actor does at M moments of a motion, with its contacts, and the names of the joints that are led.

        Args:
            seconds: (M,) into the motion; past its end is its end.
            fps: moments in a second.
        """
        moments = sample(act.motion, seconds, Fraction(fps))
        pair = _kept(self._pairs, (act.body, actor), lambda: self._pair(act, actor))
        # Two moments tell nothing of how a foot comes to stand where it does.
        level = "copy" if len(moments) < 3 else "contacts"
        result, _ = pair(moments, level=level, floor=0.0, soles=actor.soles, contacts=moments.contacts)
        return result.replace(contacts=moments.contacts), pair.led

    def _read(self, name):
        kind, _, rest = name.partition("/")
        if kind == "files":
            return self._read_file(name, self._files[name])
        rng = rng_for(self._seed, int(rest), "one_motion")
        if kind == "poses":
            motion = random_poses(rng, _SHEET)
            motion = motion.replace(contacts=np.ones((_SHEET, 4), dtype=bool))
            return Act(name, motion, np.ones(_SHEET, dtype=bool), _own_names(motion.skeleton), _INVENTED, held=True)
        kinds = self._section.invented.kinds
        motion = invent(rng, kinds[int(rng.integers(len(kinds)))] if kinds else None, self._section.invented.seconds)
        roles = _own_names(motion.skeleton)
        return Act(name, motion, on_the_floor(motion, roles), roles, _INVENTED)

    def _read_file(self, name, path):
        if formats.holds_markers(formats.format_of(path)):
            raise MotionFileError(path, None, "it holds markers; make a motion of them first, with graphics-ml convert")
        motion, _ = without_t_pose(formats.load(path), True)
        roles = require_roles(recognize_moving(motion), motion.skeleton, path)
        contacts = robust_contacts(motion, roles.roles) if motion.contacts is None else motion.contacts
        motion = align_to_ground(motion, roles.roles, contacts).motion
        motion = motion.replace(contacts=contacts)
        return Act(name, motion, on_the_floor(motion, roles), roles, name)

    def _pair(self, act, actor):
        motion = act.motion
        if act.body == _INVENTED:
            # What is prepared must not depend on which of the motions happened to come first.
            skeleton = motion.skeleton
            motion = Motion(skeleton, skeleton.rest_orientations[None], skeleton.offsets[:1], motion.fps)
        return Retargeter(motion, actor.skeleton, act.roles, actor.roles)


def on_the_floor(motion: Motion, roles: BoneMap) -> np.ndarray:
    """(F,) bool: whether a body touches the floor at y = 0 with anything.

    It does while a foot stands. Of the time between only that is a jump in which all of the body is off the floor and
    the hips are high: who sits, lies or rolls stands on no foot either.
    """
    places, joints = motion.positions(), roles.joints(motion.skeleton)
    lowest, hips, on = places[..., 1].min(axis=1), places[:, joints["hips"], 1], motion.contacts.any(axis=1)
    leg = np.linalg.norm(motion.skeleton.offsets[[joints["left_shin"], joints["left_foot"]]], axis=1).sum()
    usual = np.median(lowest[on]) if on.any() else lowest.min()
    grounded = on | (hips < _HIGH * leg)
    for first, end in spans(~grounded):
        grounded[first:end] = lowest[first:end].max() < usual + _JUMP
    return grounded


def _own_names(skeleton):
    """The map of a skeleton whose joints are called by their roles."""
    return BoneMap({name: name for name in skeleton.names}, dict.fromkeys(skeleton.names, 1.0))


def _kept(held, key, make):
    """What is held under a key, made where it is not; the one not asked for longest goes where there are too many."""
    if key not in held:
        held[key] = make()
        if len(held) > _KEPT:
            held.popitem(last=False)
    held.move_to_end(key)
    return held[key]
