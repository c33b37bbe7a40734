"""Every fault a user can cause, as one sentence: what was wrong, where, what to do."""

import copyreg
from pathlib import Path


class GraphicsMLError(Exception):
    """A fault the user can mend; `str()` of it is the one sentence that the command line prints."""

    def __reduce__(self):
        # By itself Python would unpickle with __init__(sentence), and an error must come back from a process pool.
        return copyreg.__newobj__, (type(self), *self.args), self.__dict__


class FileError(GraphicsMLError):
    """Something is wrong with a file; the sentence starts with its path, and its line where one is known.

    Args:
        path: the file.
        line: 1-based line number, or None.
        message: what was wrong and what to do.
    """

    def __init__(self, path: str | Path, line: int | None, message: str):
        self.path, self.line = Path(path), line
        super().__init__(f"{path}{'' if line is None else f', line {line}'}: {message}")


class MotionFileError(FileError):
    """A motion file cannot be read or written."""


class VideoError(FileError):
    """A video cannot be used."""


class RigError(FileError):
    """A rig file cannot be used."""


class ArmatureError(GraphicsMLError):
    """An armature of the open scene cannot be used."""


class OutputError(FileError):
    """An output cannot be written."""


class MissingExtraError(GraphicsMLError):
    """A package of an optional extra is not installed.

    Args:
        package: import name of what is missing.
        extra: the extra of graphics-ml that brings it.
    """

    def __init__(self, package: str, extra: str):
        self.package, self.extra = package, extra
        super().__init__(
            f"{package} is not installed; in the project's folder: pip install -c constraints.txt -e '.[{extra}]'"
        )


class FormatWarning(UserWarning):
    """A motion file was read or written, but not quite as it stood; the message says what is different."""
