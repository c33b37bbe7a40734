"""What made an output: the job, the versions and the inputs' hashes, kept beside it as `<output>.job.toml`."""

import hashlib
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from graphics_ml.jobs import Job, as_plain, as_written, job_name, seen_from
from graphics_ml.outputs import write_bytes
from graphics_ml.wording import toml_value

_PACKAGES = ("graphics-ml", "numpy", "scipy", "mediapipe", "av", "bpy", "torch")


def record(job: Job, inputs: list[Path], folder: Path | None = None) -> dict:
    """The record of a job about to run: its name, settings, package versions and the SHA-256 of its input files.

    Paths are told as seen from `folder`, in which the record will lie; from the output's when None. See
    jobs.as_written.
    """
    folder = job.output.parent if folder is None else folder
    return _record(job, as_written(job, folder), {seen_from(folder, path): file_hash(path) for path in inputs})


def record_without_output(job: Job, inputs: list[Path]) -> dict:
    """The record of a job whose result is no file, but part of the open Blender scene. Paths are whole."""
    settings = {name: value for name, value in as_plain(job).items() if name != "output"}
    return _record(job, settings, {str(path): file_hash(path) for path in inputs})


def _record(job, settings, inputs):
    versions = {name: found for name in _PACKAGES if (found := _version(name))}
    return {"job": job_name(job), "settings": settings, "versions": versions, "inputs": inputs}


def write_record(output: Path, made_by: dict) -> Path:
    """Write the record at record_path, which `graphics-ml run` runs again; gives its path."""
    path = record_path(output)
    write_bytes(path, record_bytes(made_by))
    return path


def record_bytes(made_by: dict) -> bytes:
    """The content of a record's file."""
    lines = [f"job = {toml_value(made_by['job'])}"]
    for table in ("settings", "versions", "inputs"):
        lines += ["", f"[{table}]"] + [
            f"{toml_value(key)} = {toml_value(value)}" for key, value in made_by[table].items()
        ]
    # A file name that is no text (bytes of another encoding) must not cost the whole output.
    return ("\n".join(lines) + "\n").encode("utf-8", "replace")


def record_path(output: Path) -> Path:
    """Where the record of an output is kept."""
    return output.with_name(output.name + ".job.toml")


def file_hash(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@cache  # asking takes longer than reading a short motion
def _version(package):
    try:
        return version(package)
    except PackageNotFoundError:
        return None
