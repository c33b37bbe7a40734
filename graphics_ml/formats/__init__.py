"""Motion files: `load` and `save` choose the format by the file's extension and content, or are told its name.

A format has a name and one or more extensions, and is anything with `load(path, **options) -> Motion`,
`save(motion, path, **options)` or both, and perhaps `load_skeleton(path, **options) -> Skeleton` and
`recognises(path) -> bool`, which reads no more than the file's head: usually a module. It is imported on first use.
Several formats may share an extension; reading then takes the one that recognises the file, writing the first of them
unless another is named. Marker files, which hold points and no joints, are read by `load_markers`.

Formats of other rooms and packages register themselves, by `register` or by an entry point in the group
"graphics_ml.formats" whose name is the extension without its dot.

What each format can hold is in table.toml beside this file: `losses` reads it.
"""

import inspect
import os
import warnings
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path

from graphics_ml.errors import FormatWarning, GraphicsMLError, MissingExtraError, MotionFileError, OutputError
from graphics_ml.formats import holds
from graphics_ml.formats.heads import npz_members
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.skeleton import Skeleton
from graphics_ml.wording import suggestion

__all__ = [
    "FormatWarning",
    "ensure_options",
    "ensure_writable_as",
    "extension_of",
    "extensions",
    "fixed_rate",
    "format_of",
    "holds_markers",
    "load",
    "load_markers",
    "load_skeleton",
    "losses",
    "marker_extensions",
    "names",
    "options",
    "register",
    "save",
    "save_markers",
]

ENTRY_POINTS = "graphics_ml.formats"


@dataclass(frozen=True)
class _Format:
    """Its implementation is an object with the functions, or the name of a module that has them. Files with an
    extension of `skeletons` hold no motion."""

    extensions: tuple[str, ...]
    implementation: object
    written: bool = True
    skeletons: tuple[str, ...] = ()


# Where formats share an extension, the first is what `save` writes unless another is named.
_FORMATS = {
    "bvh": _Format((".bvh",), "graphics_ml.formats.bvh"),
    "npz": _Format((".npz",), "graphics_ml.formats.npz"),
    "smplx": _Format((".npz",), "graphics_ml.formats.smplx"),
    "amass": _Format((".npz",), "graphics_ml.formats.amass"),
    "soma": _Format((".npz",), "graphics_ml.formats.soma"),
    "humanml3d": _Format((".npy",), "graphics_ml.formats.humanml3d"),
    "asf": _Format((".amc",), "graphics_ml.formats.asf", written=False, skeletons=(".asf",)),
}
# Those of markers, whose `load` gives Markers and whose `save` takes them.
_MARKERS = {
    "c3d": _Format((".c3d",), "graphics_ml.formats.c3d"),
    "trc": _Format((".trc",), "graphics_ml.formats.trc"),
}
_ONLY_READ = {"gltf", "usdz"}  # said here, because asking the format would start Blender

# What the files of Blender's formats begin with, and the extensions for that.
_BEGINNINGS = {
    b"Kaydara FBX": (".fbx",),
    b"glTF": (".glb",),
    b"BLENDER": (".blend",),
    b"PXR-USDC": (".usdc", ".usd"),
    b"#usda": (".usda", ".usd"),
}


def load(path: str | Path, format: str | None = None, **options) -> Motion:
    """The motion in a file, in our conventions: Y up, metres, radians.

    Args:
        path: the file.
        format: its name, one of names(); found by extension and content when None.
        options: the format's own, such as `unit=` for .bvh.

    Raises:
        MotionFileError: there is no such file, its format is unknown or holds no motion, the format has no such
            option, or its content is wrong.
        MissingExtraError: the format needs a package that is not installed.
    """
    path = _existing(path)
    name = format_of(path, format)
    if name in _MARKERS:
        raise MotionFileError(
            path, None, "it holds markers and no joints; load_markers reads it, graphics-ml convert makes it a motion"
        )
    return _function(path, name, "load", options, MotionFileError)(path, **options)


def load_skeleton(path: str | Path, format: str | None = None, **options) -> Skeleton:
    """The skeleton in a file, which need not hold a motion.

    Raises:
        MotionFileError: as for load.
    """
    path = _existing(path)
    name = format_of(path, format)
    if name in _MARKERS or not hasattr(_implementation(name), "load_skeleton"):
        return load(path, name, **options).skeleton
    return _function(path, name, "load_skeleton", options, MotionFileError)(path, **options)


def load_markers(path: str | Path, format: str | None = None, **options):
    """The markers in a .c3d or .trc file, as graphics_ml.motion.markers.Markers: Y up, metres, gaps NaN.

    Raises:
        MotionFileError: there is no such file, it is no marker file, or its content is wrong.
        MissingExtraError: ezc3d, which reads .c3d, is not installed.
    """
    path = _existing(path)
    name = format_of(path, format)
    if name not in _MARKERS:
        known = ", ".join(marker_extensions())
        raise MotionFileError(path, None, f"its format, {name}, holds a motion and no markers; markers are in {known}")
    return _function(path, name, "load", options, MotionFileError)(path, **options)


def save(motion: Motion, path: str | Path, format: str | None = None, **options) -> None:
    """Write a motion, whole or not at all; a file of that name is replaced.

    What a format has no place for, such as the confidence in a .bvh, is left out: `losses` says it beforehand. A
    FormatWarning says so where the motion itself would be another when read again. Only the native .npz holds all of a
    Motion.

    Args:
        motion: what to write.
        path: its extension says the format.
        format: its name where the extension leaves a choice, such as "amass" for .npz.
        options: the format's own.

    Raises:
        OutputError: the format is unknown, is not written, has no such option, or cannot hold this skeleton, or the
            place cannot be written.
    """
    path = Path(path)
    name = _writable(path, format)
    _function(path, name, "save", options, OutputError)(motion, path, **options)
    for lost in holds.changes(motion, name):
        warnings.warn(f"{path} does not hold {lost}", FormatWarning, stacklevel=2)


def save_markers(markers, path: str | Path, format: str | None = None, **options) -> None:
    """Write Markers as .trc or .c3d, whole or not at all.

    Raises:
        OutputError: the format is no marker format or is not written, or the place cannot be written.
    """
    path = Path(path)
    name = next((name for name, one in _MARKERS.items() if path.suffix.lower() in one.extensions), None)
    if name is None or format not in (None, name):
        raise OutputError(path, None, f"markers are written as {', '.join(marker_extensions())}, each by its own name")
    _function(path, name, "save", options, OutputError)(markers, path, **options)


def losses(motion: Motion, path: str | Path, format: str | None = None) -> tuple[str, ...]:
    """What this file would not hold of a motion, a phrase each; nothing is written.

    Args:
        motion: what is to be written.
        path, format: as for save.

    Raises:
        OutputError: the format is unknown or is not written.
    """
    return holds.losses(motion, _writable(Path(path), format))


def ensure_writable_as(path: str | Path, format: str | None = None) -> None:
    """Raise OutputError where no such file would be written in this format, whatever the motion.

    Args:
        path, format: as for save.
    """
    _writable(Path(path), format)


def fixed_rate(path: str | Path, format: str | None = None) -> int | None:
    """The frame rate at which a file that save would write is read, where it holds none; None where it holds its own.

    Raises:
        OutputError: the format is unknown or is not written.
    """
    return holds.table().get(_writable(Path(path), format), {}).get("read_at")


def ensure_options(path: str | Path, name: str, options) -> None:
    """Raise MotionFileError where `load` of the format of this name takes no such options, one sentence."""
    _function(Path(path), name, "load", options, MotionFileError)


def format_of(path: str | Path, format: str | None = None) -> str:
    """The name of a file's format: `format` itself when it is one that is known, else by extension and content.

    Content decides where several formats share the extension, and where the extension is unknown or its formats do not
    recognise the file; a FormatWarning says that an extension was passed over.

    Raises:
        MotionFileError: there is no such file, no format knows it, or `format` is unknown.
    """
    path = _existing(path)
    if format is not None:
        return _known(path, format, MotionFileError)
    named = _with_extension(path)
    # What comes from an entry point has its own extension, and asking it may start Blender.
    here = [name for name in (*_FORMATS, *_MARKERS) if isinstance(_get(name).implementation, str) or name in named]
    found = next((name for name in sorted(here, key=lambda name: name not in named) if _recognises(name, path)), None)
    if found in named:
        return found
    if found:
        warnings.warn(f"{path} is read as {found}, which it is by its content", FormatWarning, stacklevel=3)
        return found
    _ensure_not_blenders(path)
    if not named:
        known = ", ".join((*extensions(), *marker_extensions()))
        raise MotionFileError(path, None, f"'{path.suffix}' is not a motion format known here; use one of {known}")
    if len(named) == 1:
        return named[0]  # whose own reader says best what is wrong
    held = ", ".join(sorted(npz_members(path))[:8])
    about = f"it holds {held}" if held else "it may be broken"
    raise MotionFileError(
        path, None, f"this {path.suffix} file is none of those known here ({', '.join(named)}); {about}"
    )


def options(name: str) -> tuple[str, ...]:
    """The options with which `load` reads a format, such as ("unit", "up", "frames", "fps") for bvh; none when unknown.

    A format of an optional extra that is not installed has none either.
    """
    try:
        return _options(_implementation(name).load)
    except (KeyError, AttributeError, MissingExtraError):
        return ()


def register(extension: str, implementation, name: str | None = None, written: bool = True) -> None:
    """Use `implementation` for files with this extension, in place of the format of that name if there is one.

    Args:
        extension: with its dot, such as ".abc".
        implementation: an object with `load`, `save` or both, or the name of a module that has them.
        name: of the format; the extension without its dot when None.
        written: whether it can `save`.
    """
    extension = extension.lower()
    _FORMATS[name or extension[1:]] = _Format((extension,), implementation, written)


def names(writable: bool = False) -> tuple[str, ...]:
    """The names of the formats that hold a motion, entry points included; without those only read if `writable`."""
    return tuple(name for name, one in _all().items() if one.written or not writable)


def extensions(writable: bool = False, any_skeleton: bool = False) -> tuple[str, ...]:
    """The extensions that load or save know, entry points included, sorted.

    Args:
        writable: without those only read.
        any_skeleton: without those of formats that hold one body only, such as .npy.
    """
    kept = [
        one.extensions
        for name, one in _all().items()
        if (one.written or not writable)
        and (holds.table().get(name, {}).get("any_skeleton", True) is True or not any_skeleton)
    ]
    return tuple(sorted({extension for several in kept for extension in several}))


def extension_of(format: str) -> str:
    """The extension, with its dot, of the files that save or save_markers writes in this format.

    Raises:
        GraphicsMLError: there is no such format, or it is only read.
    """
    known = (*names(writable=True), *_MARKERS)
    if format not in known:
        raise GraphicsMLError(f"'{format}' is not a format that can be written{suggestion(format, known)}")
    return _get(format).extensions[0]


def marker_extensions() -> tuple[str, ...]:
    """The extensions of the files that load_markers reads."""
    return tuple(end for one in _MARKERS.values() for end in one.extensions)


def holds_markers(name: str) -> bool:
    """Whether files of the format of this name hold markers, which load_markers reads."""
    return name in _MARKERS


def _existing(path):
    path = Path(path)
    # os.path, because pathlib's own raise for a name too long.
    if os.path.isdir(path):
        raise MotionFileError(path, None, "this is a folder; name a file in it")
    if not os.path.isfile(path):
        raise MotionFileError(path, None, "there is no such file; check the name")
    return path


def _entry_points():
    """{name: format} of the formats that entry points bring; nothing is imported for it."""
    return _formats_of(entry_points)


@cache  # looking for them takes as long as reading a short motion
def _formats_of(find):
    points = {point.name.lower(): point for point in find(group=ENTRY_POINTS)}
    return {name: _Format((f".{name}",), point.load, name not in _ONLY_READ) for name, point in points.items()}


def _all():
    """{name: format} of all formats that hold a motion."""
    return _entry_points() | _FORMATS


def _with_extension(path):
    """The names of the formats with a path's extension."""
    extension = path.suffix.lower()
    here = [name for name, one in {**_FORMATS, **_MARKERS}.items() if extension in one.extensions + one.skeletons]
    return here or [name for name, one in _entry_points().items() if extension in one.extensions]


def _known(path, format, error):
    if format not in _FORMATS and format not in _MARKERS and format not in _entry_points():
        raise error(path, None, f"there is no format '{format}'{suggestion(format, _all())}")
    return format


def _writable(path, format):
    """The name of the format in which save writes this path."""
    if format is None:
        named = [name for name in _with_extension(path) if name not in _MARKERS]
        if not named:
            known = ", ".join(extensions(writable=True))
            raise OutputError(path, None, f"'{path.suffix}' is not a motion format known here; use one of {known}")
        format = named[0]
    elif path.suffix.lower() not in _get(_known(path, format, OutputError)).extensions:
        raise OutputError(path, None, f"the name of a {format} file ends in {' or '.join(_get(format).extensions)}")
    if format in _MARKERS or not _get(format).written:
        raise OutputError(path, None, f"{format} files are only read, not written; use another format")
    return format


def _get(name):
    return _FORMATS.get(name) or _MARKERS.get(name) or _entry_points()[name]


def _function(path, name, function, options, error):
    """A format's function; raises `error`, one sentence, where it has none or takes no such options."""
    implementation = _implementation(name)
    if not hasattr(implementation, function):
        done = "written, not read" if function == "load" else "read, not written"
        raise error(path, None, f"{name} files are only {done}; use another format")
    function = getattr(implementation, function)
    own = _options(function) if options else ()
    for option in options:
        if option not in own:
            takes = f"its options are {', '.join(own)}" if own else "it has none"
            raise error(path, None, f"the format {name} has no option '{option}'; {takes}")
    return function


def _options(function):
    """The names of the arguments of a format's function that have a default."""
    return tuple(one.name for one in inspect.signature(function).parameters.values() if one.default is not one.empty)


def _implementation(name):
    one = _get(name)
    if isinstance(one.implementation, str):
        return import_module(one.implementation)
    if name in _FORMATS or name in _MARKERS:
        return one.implementation
    try:
        register(one.extensions[0], one.implementation(), name, one.written)
    except ModuleNotFoundError as missing:
        raise MissingExtraError(missing.name, "blender") from missing
    return _FORMATS[name].implementation


def _recognises(name, path):
    """Whether a format knows this file by its content; one that cannot tell does not."""
    recognises = getattr(_implementation(name), "recognises", None)
    try:
        return recognises is not None and recognises(path)
    except OSError as error:
        raise MotionFileError(path, None, f"it cannot be read ({error.strerror or error})") from None


def _ensure_not_blenders(path):
    with open(path, "rb") as file:
        head = file.read(16)
    for beginning, those in _BEGINNINGS.items():
        if head.startswith(beginning) and path.suffix.lower() not in those:
            raise MotionFileError(path, None, f"by its content this is a {those[0]} file; give it that extension")
