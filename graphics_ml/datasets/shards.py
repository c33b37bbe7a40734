"""WebDataset shards: tar files of some frames each, read in a row, as slow and distant disks like it.

A sample is NAME.png (or .jpg), NAME.json, NAME.npz and, where it is kept, NAME.exr: the files of the frame as they are.
train-000000.tar, train-000001.tar, ... hold a split's frames in their order, so that a longer set has the same shards
but for its last one and more behind it.
"""

import io
import tarfile
from pathlib import Path

from graphics_ml.datasets.exr import exr_path
from graphics_ml.datasets.frame import DataSetError, label_paths
from graphics_ml.datasets.pictures import picture_path
from graphics_ml.outputs import replacing

FRAMES_PER_SHARD = 500


def write_shards(
    folder: str | Path, split: str, indices: list[int], frames_per_shard: int = FRAMES_PER_SHARD
) -> list[Path]:
    """Write the frames of a split into shards/; gives their paths. The same frames give the same bytes.

    Raises:
        OutputError: the place cannot be written.
        DataSetError: a file of a frame is not there.
    """
    paths = []
    for first in range(0, len(indices), frames_per_shard):
        path = Path(folder, "shards", f"{split}-{len(paths):06}.tar")
        with replacing(path) as unfinished, tarfile.open(unfinished, "w", format=tarfile.USTAR_FORMAT) as tar:
            for index in indices[first : first + frames_per_shard]:
                for one in _files(folder, index):
                    _add(tar, one)
        paths.append(path)
    return paths


def _files(folder, index):
    several = (picture_path(folder, index), *label_paths(folder, index), exr_path(folder, index))
    return [path for path in several[:-1] if path] + [path for path in several[-1:] if path.is_file()]


def _add(tar, path):
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataSetError(path, None, f"it cannot be read ({error.strerror}); render the frame again") from error
    about = tarfile.TarInfo(path.name)
    about.size, about.mode = len(content), 0o644
    tar.addfile(about, io.BytesIO(content))
