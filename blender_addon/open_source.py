# SPDX-License-Identifier: GPL-3.0-or-later
"""A motion file read for the animator's scene, wherever it has to be read.

    motion, notes = yield from open_source(path)       # in Running.work

Text and arrays are read in Blender's own process. What Blender itself reads (.fbx, .glb, .usd, .blend, ...) empties its
scene, and a broken file may crash it: a second Blender without a window turns it into arrays first. Markers become a
motion in the environment's Python.
"""

import tempfile
import warnings
from pathlib import Path

from graphics_ml import formats
from graphics_ml.errors import FormatWarning, MotionFileError
from graphics_ml.jobs import Convert
from graphics_ml.motion.t_pose import without_t_pose

from .in_worker import asked
from .worker_client import WorkerError, job_content

BLENDER_READS = (".blend", ".fbx", ".glb", ".gltf", ".usd", ".usda", ".usdc", ".usdz")


def extensions() -> tuple[str, ...]:
    """Of all files that can be opened, with their dots, sorted."""
    return tuple(sorted({*formats.extensions(), *formats.marker_extensions(), *BLENDER_READS}))


def motion_files(folder: Path) -> list[Path]:
    """The files of a folder that can be opened, by name; those of folders in it are not looked for.

    Raises:
        MotionFileError: there is no such folder, or none in it.
    """
    if not folder.is_dir():
        raise MotionFileError(folder, None, "there is no such folder; choose one with motion files")
    known = extensions()
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() in known and path.is_file())
    if not found:
        raise MotionFileError(folder, None, f"it holds no motion files ({', '.join(known)}); choose another folder")
    return found


def open_source(path: Path, drop_t_pose: bool | None = None, frames_found: bool = False):
    """A generator that opens a motion file: yields as Running.work does, returns the Motion and what the user should
    know of it, a sentence each.

    Closing it stops a worker that reads, and leaves no file behind.

    Args:
        path: any that `extensions` names.
        drop_t_pose: whether a first frame that is a T-pose unlike the others is left out; None looks for none.
        frames_found: whether the whole frames that are there are taken from a file that announces others.

    Raises:
        GraphicsMLError: the file cannot be read, in one sentence.
    """
    yield f"reading {path.name}", 0, 0
    if not path.is_file():
        raise MotionFileError(path, None, "there is no such file; check the name")
    markers = False
    if path.suffix.lower() not in BLENDER_READS:
        markers = formats.holds_markers(formats.format_of(path))
        if not markers:
            motion, notes = _loaded(path, frames_found)
            return _ended(motion, notes, drop_t_pose)
    with tempfile.TemporaryDirectory(prefix="graphics-ml-", ignore_cleanup_errors=True) as folder:
        place = Path(folder) / f"{path.stem}.npz"
        job = Convert(source=path.resolve(), output=place, frames_found=frames_found)
        try:
            result = yield from asked(markers, "job", **job_content(job))
        except WorkerError as error:
            if error.kind == "WorkerError":  # which knows nothing of the file that it was at
                raise MotionFileError(path, None, str(error)) from error
            raise
        motion, _ = _loaded(place)
    # What a .npz does not hold is of no interest to who never sees it.
    notes = [note for note in result["notes"] if not note.startswith(".npz files")]
    return _ended(motion.replace(provenance={"file": path.name}), notes, drop_t_pose)


def _loaded(path, frames_found=False):
    options = {"frames": "found"} if frames_found and "frames" in formats.options(formats.format_of(path)) else {}
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", FormatWarning)
        motion = formats.load(path, **options)
    return motion, [str(one.message) for one in said if issubclass(one.category, FormatWarning)]


def _ended(motion, notes, drop_t_pose):
    if drop_t_pose is None:
        return motion, notes
    motion, said = without_t_pose(motion, drop_t_pose)
    return motion, [*notes, *said]
