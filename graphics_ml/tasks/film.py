"""Films of which every joint is known: a motion is put on a rig, filmed, and the truth is kept beside the video."""

import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from graphics_ml.blender.armature_target import ArmatureTarget, Placement
from graphics_ml.blender.film import filming
from graphics_ml.errors import FileError
from graphics_ml.motion.camera import Camera, as_plain, from_plain
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.retarget import retarget
from graphics_ml.outputs import write_bytes
from graphics_ml.pose.video import write_video
from graphics_ml.wording import short_repr

FORMAT = "graphics_ml truth 1"


@short_repr
@dataclass(frozen=True, eq=False)
class Truth:
    """Where the rig in a film really was: J bones over F frames.

    Args:
        bones: J names, in the order of the arrays.
        roles: role to bone name, for the bones that are part of a body.
        rotations: (F, J, 4) world rotations of the bones by Blender's evaluation, wxyz.
        positions: (F, J, 3) world positions of the bones' heads, metres, Y up.
        camera: the camera that filmed it.
        fps: frames per second, exact.
        made_by: what made it; plain values.
    """

    bones: tuple[str, ...]
    roles: dict[str, str]
    rotations: np.ndarray
    positions: np.ndarray
    camera: Camera
    fps: Fraction
    made_by: dict

    def __len__(self):
        return len(self.positions)

    def places(self, role: str) -> np.ndarray:
        """World positions (F, 3) of the joint with this role; KeyError when the rig has none."""
        return self.positions[:, self.bones.index(self.roles[role])]

    def orientations(self, role: str) -> np.ndarray:
        """World rotations (F, 4) of the joint with this role, in its bone's own frame."""
        return self.rotations[:, self.bones.index(self.roles[role])]


def truth_path(video: str | Path) -> Path:
    """Where the truth of a video is kept: walk.mp4 has walk.truth.npz beside it."""
    return Path(video).with_suffix(".truth.npz")


def film_motion(
    motion: Motion,
    armature,
    path: str | Path,
    *,
    seed: int = 0,
    width: int = 480,
    height: int = 480,
    camera: Camera | None = None,
    samples: int = 4,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Truth:
    """Film a motion on a rig from a random camera in a random room.

    Args:
        motion: any humanoid's; it is retargeted.
        armature: the rig's object in the current Blender scene, with its meshes. It keeps the motion as its action.
        path: of the .mp4; the truth goes beside it, see truth_path.
        seed: chooses camera, room and light.
        width, height: of the video, pixels, if no camera is given.
        camera: where to film from, instead of a random one.
        samples: per pixel.
        progress: called with the number of frames done and of all frames.

    Raises:
        GraphicsMLError: the rig or the motion is no body, or an output cannot be written.
        ValueError: the motion has no frames.
    """
    target = ArmatureTarget(armature)
    bones = target.recognised()
    moved, _ = retarget(motion, target.skeleton, target_map=bones)
    placement = Placement(rate="motion", set_range=True, keep_rest=False)
    target.play(moved, Path(path).stem, bones.roles.values(), placement=placement)
    frames = range(1, len(motion) + 1)
    with filming(armature, frames, np.random.default_rng(seed), width, height, camera, samples) as shot:
        truth = Truth(
            shot.bones,
            {role: name for role, name in bones.roles.items() if name in shot.bones},
            shot.rotations,
            shot.positions,
            shot.camera,
            motion.fps,
            {"seed": seed, "samples": samples, "motion": motion.provenance},
        )
        write_video(path, _counted(shot.pictures, len(frames), progress), motion.fps)
    save_truth(truth, truth_path(path))
    return truth


def save_truth(truth: Truth, path: str | Path) -> None:
    """Write an .npz that numpy.load reads without pickles: bones, rotations, positions, fps and `about` (JSON).

    Raises:
        OutputError: the place cannot be written.
    """
    about = dict(format=FORMAT, roles=truth.roles, camera=as_plain(truth.camera), made_by=truth.made_by)
    file = io.BytesIO()  # zipfile complains where it meets a full disk
    np.savez_compressed(
        file,
        bones=np.array(truth.bones),
        rotations=truth.rotations,
        positions=truth.positions,
        fps=np.array([truth.fps.numerator, truth.fps.denominator]),
        about=np.array(json.dumps(about, default=str)),
    )
    write_bytes(path, file.getvalue())


def load_truth(path: str | Path) -> Truth:
    """Read what `save_truth` wrote.

    Raises:
        FileError: the file is missing or damaged, or something else.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            about = json.loads(str(file["about"]))
            return Truth(
                tuple(map(str, file["bones"])),
                about["roles"],
                file["rotations"],
                file["positions"],
                from_plain(about["camera"]),
                Fraction(*map(int, file["fps"])),
                about["made_by"],
            )
    except FileNotFoundError:
        raise FileError(
            path, None, "there is no such file; it lies beside a film that was made by film_motion"
        ) from None
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, ZeroDivisionError) as error:
        raise FileError(path, None, "it holds no truth of a film, or is damaged; make the film again") from error


def _counted(pictures, total, progress):
    for done, picture in enumerate(pictures, start=1):
        yield picture
        progress(done, total)
