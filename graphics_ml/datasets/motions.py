"""The motions of a data set: motions/CLIP_INSTANCE.npz, what one person does in one clip, in our native format.

Frame.clip and Person.instance of a frame name its file; its frame Frame.moment is the pose that the frame shows, and
where the skeleton's joints are then is what Person.joint_positions says. `graphics_ml.load` reads it. The same motion
gives the same bytes.
"""

from pathlib import Path

from graphics_ml.datasets.frame import frame_name
from graphics_ml.formats import npz
from graphics_ml.motion.motion import Motion


def motion_path(folder: str | Path, clip: int, instance: int) -> Path:
    """Where the motion of a person of a clip lies in its data set's folder."""
    return Path(folder, "motions", f"{frame_name(clip)}_{instance}.npz")


def save_motion(motion: Motion, folder: str | Path, clip: int, instance: int, data_set: str) -> Path:
    """Write the motion of a person of a clip; gives its path.

    Args:
        motion: a frame for each of the clip.
        folder: of the data set.
        clip, instance: Frame.clip and Person.instance.
        data_set: as Frame.data_set.

    Raises:
        OutputError: the place cannot be written.
    """
    path = motion_path(folder, clip, instance)
    npz.save(motion.replace(provenance=dict(data_set=data_set, clip=clip, instance=instance)), path)
    return path
