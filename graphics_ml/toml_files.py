"""TOML files that users write: job files, bone maps, cameras, marker sets."""

import tomllib
from pathlib import Path

from graphics_ml.errors import FileError


def read_toml(path: str | Path, what: str, fault: type[FileError] = FileError) -> dict:
    """What a TOML file holds.

    Args:
        path: the file.
        what: it should be, for the sentence: "bone map".
        fault: the error to raise.

    Raises:
        FileError: no such file, or not TOML.
    """
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise fault(path, None, f"the {what} cannot be read ({error.strerror}); check the path") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise fault(path, None, f"this is not a TOML {what}: {error}") from error
