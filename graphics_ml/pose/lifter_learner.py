"""How the lifter is trained: motions by rule or from files, filmed anew each time, and what is asked of the network."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from graphics_ml import formats
from graphics_ml.errors import GraphicsMLError
from graphics_ml.jobs import Settings, setting
from graphics_ml.motion.humanoid import standard_skeleton
from graphics_ml.motion.invented import invent, random_poses
from graphics_ml.motion.resample import resample
from graphics_ml.motion.retarget import retarget
from graphics_ml.pose.detection import LANDMARKS
from graphics_ml.pose.lifter import RATE, LifterNetwork, dilations, mirrored_inputs, mirrored_places
from graphics_ml.pose.lifter_data import Clip, clip_of, film, sample, through
from graphics_ml.training.learner import Batch, Learner, Splits, TrainingError


@dataclass(frozen=True, kw_only=True)
class LifterData(Settings):
    """What the lifter learns from."""

    sets: tuple[Path, ...] = setting(
        "motion files, or folders of them, of any skeletons; motions invented by rule when none is given", ()
    )
    motions: int = setting("motions invented, when no files are given", 700, min=0)
    poses: int = setting("poses invented and passed through in turn, when no files are given", 3000, min=0)
    frames: int = setting("frames of a sample", 81, min=9, max=1000)
    seed: int = setting("chooses the invented motions and how files are split", 1, min=0)


@dataclass(frozen=True, kw_only=True)
class LifterModel(Settings):
    """The network, see `LifterNetwork`."""

    width: int = setting("numbers that each layer passes on for a frame", 256, min=8, max=4096)
    blocks: int = setting("blocks; each looks three times as far as the one before", 4, min=1, max=6)


class LifterLearner(Learner):
    """From landmarks in the picture to landmarks in space."""

    Data, Model = LifterData, LifterModel
    watched = "mpjpe"
    higher_is_better = False
    units = {"mpjpe": "mm", "mpjpe_true_2d": "mm"}  # noqa: RUF012 (as the base has it)

    def splits(self) -> Splits:
        named = _of_files(self.data) if self.data.sets else invented(self.data)
        parts = {name: LifterSamples([], [], self.data.frames) for name in ("train", "val", "test")}
        order = np.random.default_rng(self.data.seed).permutation(len(named))
        for rank, index in enumerate(order):
            share = (rank + 0.5) / len(named)
            part = parts["train" if share < 0.7 else "val" if share < 0.85 else "test"]
            part.names.append(named[index][0])
            part.clips.append(named[index][1])
        return Splits(**parts, made_from={"motions": _what(self.data)})

    def network(self) -> LifterNetwork:
        return LifterNetwork(self.model.width, dilations(self.model.blocks))

    def hidden(self, network):
        return [weights for weights in network.blocks.parameters() if weights.ndim == 2]

    def loss(self, network, batch: Batch) -> torch.Tensor:
        inputs, places = (batch[name].flatten(0, 1) for name in ("inputs", "places"))
        found = network(inputs)
        off, weight = found - places, _LOSS_WEIGHT.to(places.device)
        return (weight * _length(off, 1e-3)).mean() + 0.5 * (weight * _length(off.diff(dim=1), 1e-4)).mean()

    def figures(self, network, batch: Batch) -> dict[str, torch.Tensor]:
        return {
            "mpjpe": _mpjpe(network(batch["inputs"][:, 0]), batch["places"][:, 0]),
            "mpjpe_true_2d": _mpjpe(network(batch["true_inputs"]), batch["true_places"]),
        }

    def about(self) -> str:
        return _ABOUT


class LifterSamples:
    """Clips, of which each draw films a stretch; with its image in a mirror, so that neither side is learned better.

    Attributes:
        names: of the motions.
        clips: the motions.
        frames: of a sample.
    """

    def __init__(self, names: list[str], clips: list[Clip], frames: int):
        self.names, self.clips, self.frames = names, clips, frames

    @property
    def sources(self) -> frozenset[str]:
        return frozenset(self.names)

    def __len__(self) -> int:
        return len(self.clips)

    def draw(self, index: int, rng: np.random.Generator | None) -> dict[str, np.ndarray]:
        """inputs (2, T, INPUTS) and places (2, T, L, 3) as a detector sees them, and in a mirror; true_inputs and
        true_places (T, ...) without a detector's errors. The same each time where rng is None."""
        known = rng is None
        rng = np.random.default_rng(index) if known else rng
        partner = None if known else self.clips[rng.integers(len(self.clips))]
        filmed = film(self.clips[index], self.frames, rng, partner, changed=not known)
        seen = sample(filmed, rng)
        both = {
            "inputs": np.stack((seen["inputs"], mirrored_inputs(seen["inputs"]))),
            "places": np.stack((seen["places"], mirrored_places(seen["places"]).astype(np.float32))),
        }
        if not known:
            return both
        true = sample(filmed, None)
        return both | {"true_inputs": true["inputs"], "true_places": true["places"]}


def _of_files(data) -> list[tuple[str, Clip]]:
    """Motions of files by name, on the standard body; what is no person is left out."""
    paths = [path for one in data.sets for path in _below(Path(one))]
    named, target = [], standard_skeleton()
    for path in paths:
        try:
            motion, _ = retarget(resample(formats.load(path), RATE), target, level="copy")
        except GraphicsMLError as error:
            skipped = error
            continue
        if len(motion) > 1:
            named.append((str(path), clip_of(motion)))
    if not named:
        why = f": {skipped}" if paths else ""
        raise TrainingError(f"no motion of a person is in {', '.join(map(str, data.sets))}{why}")
    return named


def _below(path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
    else:
        known = formats.extensions()
        yield from sorted(one for one in path.rglob("*") if one.suffix.lower() in known and one.is_file())


def invented(data: LifterData) -> list[tuple[str, Clip]]:
    """Motions by rule, by name."""
    rng, named = np.random.default_rng(data.seed), []
    for number in range(data.motions):
        motion = invent(rng, seconds=_SECONDS, fps=RATE, fingers=False)
        named.append((f"{motion.provenance['invented']} {number}", clip_of(motion)))
    for first in range(0, data.poses, _TOGETHER):
        poses = random_poses(rng, min(_TOGETHER, data.poses - first), fingers=False)
        for start in range(0, len(poses) - _A_CLIP + 1, _A_CLIP):
            motion = through(poses.frames(start, start + _A_CLIP), rng)
            named.append((f"poses from {first + start}", clip_of(motion)))
    return named


_SECONDS = 6.0  # of an invented motion
_TOGETHER = 500  # poses that are drawn at once
_A_CLIP = 10  # poses that a motion passes through


def _what(data) -> str:
    if data.sets:
        return ", ".join(path.name for path in data.sets)
    return f"{data.motions} motions and {data.poses} poses invented by rule, seed {data.seed}"


def _length(vectors, rounded):
    """Of vectors (..., 3), smooth where they are shorter than `rounded`."""
    return (vectors.square().sum(dim=-1) + rounded**2).sqrt() - rounded


def _mpjpe(found, places):
    """(B,) millimetres, mean over frames and the twelve joints of the limbs."""
    return 1e3 * torch.linalg.vector_norm((found - places)[:, :, _LIMBS], dim=-1).mean(dim=(1, 2))


_LIMBS = [
    LANDMARKS.index(f"{side}_{part}")
    for side in ("left", "right")
    for part in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
]
# Points of the face are many and move alike; those of hands and feet are small.
_LOSS_WEIGHT = torch.tensor(
    [1.0 if at in _LIMBS else 0.4 if at < LANDMARKS.index("left_shoulder") else 0.7 for at in range(len(LANDMARKS))]
)
_ABOUT = """\
What goes in: the 33 landmarks of BlazePose in the pictures of a film and how sure the detector is of each, over a
second and a half to both sides. What comes out: their places in space, in the camera's axes, relative to the middle of
the hips, for a person of average size.

It was trained without a single picture: motions on bodies of many builds, before random cameras, with errors drawn as
a detector's were measured. It follows one person at a time, knows nothing of things or of other people, and does not
tell how far away or how large somebody is. It is not for telling anything about a person but how they move.
"""
