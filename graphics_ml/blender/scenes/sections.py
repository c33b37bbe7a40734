# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of a scene file: each a frozen dataclass, whose fields say what can be set, in which bounds, and why.

Reading, checking, defaults and the documentation come from these fields alone.

@dataclass(frozen=True)
class Cameras(Section):
    height: Distribution = drawn("of the camera above the floor", {"uniform": [0.4, 2.0]}, min=0.1, max=50, unit="m")
    pictures: tuple[Path, ...] = files("pictures to put behind")
"""

import glob
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path

import numpy as np

from graphics_ml.blender.scenes.distributions import Quantity, bounds_of, read_distribution
from graphics_ml.errors import FileError
from graphics_ml.wording import suggestion


class SceneError(FileError):
    """A scene file cannot be used."""


@dataclass(frozen=True)
class Section:
    """A table of a scene file. All its fields are made by the functions below."""

    def draw(self, rng: np.random.Generator) -> dict:
        """A value for every field that is drawn, by name, in the fields' order."""
        return {one.name: getattr(self, one.name).draw(rng) for one in fields(self) if one.metadata["how"] == "drawn"}


def drawn(help, default, *, kind=float, min=None, max=None, unit=None, choices=()):
    """A setting that is drawn anew for every clip.

    Args:
        help: a few words that go on after the setting's name.
        default: as a scene file would say it.
        kind: of the values: float, int, bool, str or "colour".
        min, max: bounds of numbers, both allowed.
        unit: of numbers, for the reader: "m", "degrees".
        choices: the words allowed.
    """
    quantity = Quantity(kind, min, max, tuple(choices))
    return field(
        default=read_distribution(default, quantity),
        metadata=dict(how="drawn", help=help, quantity=quantity, unit=unit),
    )


def fixed(help, default, *, kind=float, min=None, max=None, unit=None, choices=(), several=False):
    """A setting that is one value for the whole data set; as `drawn`.

    Args:
        several: whether it is a list of such values, a tuple in Python.
    """
    quantity = Quantity(kind, min, max, tuple(choices))
    metadata = dict(how="several" if several else "fixed", help=help, quantity=quantity, unit=unit)
    return field(default=tuple(default) if several else default, metadata=metadata)


def files(help, default=()):
    """Files of the user: paths or patterns such as "rigs/*.glb", relative to the scene file's folder; a tuple of paths
    in Python, sorted. What matches nothing is an error; with MISSING as default the setting is required."""
    return field(default=default, metadata=dict(how="files", help=help))


def file(help):
    """One file of the user; a path in Python, or None."""
    return field(default=None, metadata=dict(how="file", help=help))


def table(kind, help, default=None):
    """A table within a table: a Section of this kind, or None where the file has none and there is no default."""
    return field(default=default, metadata=dict(how="table", help=help, kind=kind))


def told(help, default):
    """What a scene knows beside what its file says."""
    return field(default=default, compare=False, metadata=dict(how="told", help=help))


def read_section(kind, values: Mapping, path: Path, above: str = ""):
    """A Section of this kind from a table of a scene file.

    Args:
        path: of the scene file, for the errors, and its folder for the files it names.
        above: the keys that lead to the table, "characters.".

    Raises:
        SceneError: a key that is none, a value that cannot be, or a file that is not there.
    """
    known = {one.name: one for one in fields(kind) if one.metadata["how"] != "told"}
    given = {}
    for key, value in values.items():
        if key not in known:
            where = f"the table [{above.rstrip('.')}]" if above else "a scene"
            raise SceneError(path, None, f"{where} has no setting '{key}'{suggestion(key, known)}")
        given[key] = _read_field(known[key].metadata, value, path, above + key)
    for name, one in known.items():
        if name not in given and one.default is MISSING:
            raise SceneError(path, None, f"'{above}{name}' is missing: {one.metadata['help']}")
    try:
        return kind(**given)
    except ValueError as error:  # what fields say together, from __post_init__
        raise SceneError(path, None, f"the table [{above.rstrip('.')}] {error}") from None


def as_documentation(kind, above: str = "") -> str:
    """What can be set in a table, a line each: key, what it is, its bounds and unit."""
    lines = []
    for one in fields(kind):
        about = one.metadata
        if about["how"] == "told":
            continue
        if about["how"] == "table":
            lines.append(as_documentation(about["kind"], f"{above}{one.name}."))
            continue
        quantity = about.get("quantity")
        bounds = [] if quantity is None else [", ".join(quantity.choices), bounds_of(quantity), about["unit"] or ""]
        lines.append(f"{above}{one.name}: {about['help']}" + "".join(f"; {part}" for part in bounds if part))
    return "\n".join(lines)


def _read_field(about, value, path, key):
    how = about["how"]
    try:
        if how == "table":
            if not isinstance(value, dict):
                raise ValueError(f"is {value!r}, but must be a table [{key}]")
            return read_section(about["kind"], value, path, key + ".")
        if how == "files":
            return _read_files(value, path)
        if how == "file":
            found = _read_files(value, path)
            if len(found) != 1:
                raise ValueError(f"must name one file, not {len(found)}")
            return found[0]
        if how == "drawn":
            return read_distribution(value, about["quantity"])
        if how == "several":
            if not isinstance(value, list) or not value:
                raise ValueError(f"is {value!r}, but must be a list of values")
            return tuple(_read_fixed(one, about["quantity"]) for one in value)
        return _read_fixed(value, about["quantity"])
    except ValueError as error:
        raise SceneError(path, None, f"'{key}' {error}") from None


def _read_fixed(value, quantity):
    if isinstance(value, dict):
        raise ValueError("is the same in all of a data set; give one value")
    return read_distribution(value, quantity).always


def _read_files(value, path):
    words = [value] if isinstance(value, str) else value
    if not isinstance(words, list) or not words or not all(isinstance(word, str) and word for word in words):
        raise ValueError(f"is {value!r}, but must be a path or a list of paths")
    found = []
    for word in words:
        place = path.parent / word
        if place.exists():
            found.append(place)
            continue
        matches = sorted(glob.glob(str(Path(glob.escape(str(path.parent))) / word), recursive=True))
        if not matches:
            raise ValueError(f"names '{word}', but there is no such file at {place}; check the path")
        found += map(Path, matches)
    return tuple(dict.fromkeys(found))
