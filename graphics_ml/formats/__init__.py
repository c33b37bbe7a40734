"""Motion files: `load` and `save` choose the format by the file's extension.

A format is anything with `load(path, **options) -> Motion`, `save(motion, path, **options)` or both, and perhaps
`load_skeleton(path, **options) -> Skeleton`: usually a module. It is imported on first use. Formats of other rooms and
packages register themselves, by `register` or by an entry point in the group "graphics_ml.formats" whose name is the
extension without its dot.
"""

import os
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path

from graphics_ml.errors import FormatWarning, MissingExtraError, MotionFileError, OutputError
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.skeleton import Skeleton

__all__ = ["FormatWarning", "extensions", "load", "load_skeleton", "register", "save"]

ENTRY_POINTS = "graphics_ml.formats"
_ONLY_READ = {".gltf"}  # said here, because asking the format would start Blender
_FORMATS = {".bvh": "graphics_ml.formats.bvh", ".npz": "graphics_ml.formats.npz"}


def load(path: str | Path, **options) -> Motion:
    """The motion in a file, in our conventions: Y up, metres, radians.

    Args:
        path: its extension says the format.
        options: the format's own, such as `unit=` for .bvh.

    Raises:
        MotionFileError: there is no such file, its format is unknown or holds no motion, or its content is wrong.
        MissingExtraError: the format is one that Blender reads, and bpy is not installed.
    """
    path = _existing(path)
    return _function(path, "load", MotionFileError)(path, **options)


def load_skeleton(path: str | Path, **options) -> Skeleton:
    """The skeleton in a file, which need not hold a motion.

    Raises:
        MotionFileError: as for load.
    """
    path = _existing(path)
    if hasattr(_format(path, MotionFileError), "load_skeleton"):
        return _function(path, "load_skeleton", MotionFileError)(path, **options)
    return load(path, **options).skeleton


def save(motion: Motion, path: str | Path, **options) -> None:
    """Write a motion, whole or not at all; a file of that name is replaced.

    What a format has no place for, such as the confidence in a .bvh, is left out; a FormatWarning says so where the
    motion itself would be another when read again. Only .npz holds all of a Motion.

    Args:
        motion: what to write.
        path: its extension says the format.
        options: the format's own.

    Raises:
        OutputError: the format is unknown or is not written, or the place cannot be written.
    """
    path = Path(path)
    _function(path, "save", OutputError)(motion, path, **options)


def register(extension: str, implementation) -> None:
    """Use `implementation` for files with this extension.

    Args:
        extension: with its dot, such as ".trc".
        implementation: an object with `load`, `save` or both, or the name of a module that has them.
    """
    _FORMATS[extension.lower()] = implementation


def extensions(writable: bool = False) -> tuple[str, ...]:
    """The extensions that load or save know, entry points included, sorted; without those only read if `writable`."""
    known = {*_FORMATS, *("." + point.name.lower() for point in entry_points(group=ENTRY_POINTS))}
    return tuple(sorted(known - _ONLY_READ if writable else known))


def _existing(path):
    path = Path(path)
    # os.path, because pathlib's own raise for a name too long.
    if os.path.isdir(path):
        raise MotionFileError(path, None, "this is a folder; name a file in it")
    if not os.path.isfile(path):
        raise MotionFileError(path, None, "there is no such file; check the name")
    return path


def _function(path, name, error):
    implementation = _format(path, error)
    if not hasattr(implementation, name):
        readable = "written, not read" if name == "load" else "read, not written"
        raise error(path, None, f"{path.suffix} files are only {readable}; use another format")
    return getattr(implementation, name)


def _format(path, error):
    extension = path.suffix.lower()
    if extension not in _FORMATS:
        for point in entry_points(group=ENTRY_POINTS):
            if "." + point.name.lower() == extension:
                try:
                    register(extension, point.load())
                except ModuleNotFoundError as missing:
                    raise MissingExtraError(missing.name, "blender") from missing
                break
        else:
            known = ", ".join(extensions(writable=error is OutputError))
            raise error(path, None, f"'{path.suffix}' is not a motion format known here; use one of {known}")
    if isinstance(_FORMATS[extension], str):
        register(extension, import_module(_FORMATS[extension]))
    return _FORMATS[extension]
