"""Which files a batch means, and what each of them becomes: a job for each."""

import glob
import itertools
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from graphics_ml.errors import FileError, OutputError
from graphics_ml.jobs import Batch, Capture, FileJob, Job, JobError, Train, settings


def jobs_of(batch: Batch) -> tuple[list[FileJob], Path | None]:
    """The jobs of a batch, in the order of their sources' names, and the folder of their outputs.

    Several sources, folders and patterns go into a folder, where each output has the place that its source has in the
    folder that all sources share. Those that differ in their extensions alone keep these: walk.bvh and walk.fbx become
    walk.bvh.npz and walk.fbx.npz. One file that is named becomes one file, and there is no folder then.

    Raises:
        GraphicsMLError: a source is not there, two of them would become one output even so, an output would replace a
            source, or the output is no folder but must be. Nothing is written in any case.
    """
    job, output = batch.job, batch.output
    if not is_of_many(batch):
        _ensure_there(batch.source[0])
        if os.path.isdir(output):
            output = output / _renamed(job, Path(batch.source[0].name))
        return [replace(job, source=batch.source[0], output=output)], None
    if getattr(job, "save_map", None):
        raise JobError("save map names one file, which every source would write; ask for it with one of them")
    sources = list(_distinct(path for word in batch.source for path in _files(word, output)))
    _ensure_folder(job, output)
    shared = _shared_folder(batch.source, sources)
    jobs = []
    for path, named in sources:
        place = output / _renamed(replace(job, source=path), Path(os.path.relpath(path, shared)))
        if named or not _same(place, path):  # what lies in the folder already is no source of itself
            jobs.append(replace(job, source=path, output=place))
    if not jobs:
        raise OutputError(output, None, "every output would replace its source; choose another folder")
    _ensure_no_source_is_replaced(jobs)
    jobs = _told_apart(jobs)
    _ensure_no_source_is_replaced(jobs)
    return jobs, output


def keeping_extension(jobs: list[FileJob]) -> list[FileJob]:
    """Those of the jobs whose output has the source's extension in its name too, to be told from another's."""
    return [job for job in jobs if job.source.suffix and job.output.stem == job.source.name]


def is_of_many(batch: Batch) -> bool:
    """Whether a batch names more than one file, or a folder or a pattern, which may stand for a single one."""
    return len(batch.source) > 1 or os.path.isdir(batch.source[0]) or _is_pattern(batch.source[0])


def with_matches(job: Job) -> Job:
    """A job with the files that its words for several stand for: patterns, which not every shell expands, and folders
    of motions; where films or data sets are asked for, a folder stays what it is.

    Raises:
        FileError: nothing is called as a pattern says, or a folder holds no motion file.
    """
    several = (one.name for one, kind in settings(type(job)) if kind == tuple[Path, ...])
    of_motions = not isinstance(job, Capture | Train)
    return replace(job, **{name: tuple(_meant(getattr(job, name), of_motions)) for name in several})


def _meant(words, of_motions):
    for word in words:
        if _is_pattern(word):
            yield from _matches(word)
        elif of_motions and os.path.isdir(word):
            yield from _files_in(word, word)
        else:
            yield word


def _is_pattern(path):
    return glob.has_magic(str(path)) and not os.path.lexists(path)


def _files(word: Path, output: Path) -> Iterator[tuple[Path, bool]]:
    """The files that a word stands for, each with whether it was named itself rather than found in a folder."""
    if _is_pattern(word):
        # A pattern that looks into the output alone, as '*.bvh' does with -o ., means what is there.
        within = not _inside(_fixed_part(word) / "file", output)
        yield from ((path, False) for path in _matches(word) if not (within and _inside(path, output)))
    elif word.is_dir():
        yield from ((path, False) for path in _files_in(word, output))
    else:
        _ensure_there(word)
        yield word, True


def _ensure_there(path):
    if not path.exists():
        raise FileError(path, None, "there is no such file or folder; check the name")


def _fixed_part(pattern: Path) -> Path:
    """The folder in which all matches of a pattern lie, as far as it is told without looking."""
    return Path(*itertools.takewhile(lambda part: not glob.has_magic(part), pattern.parts))


def _matches(pattern: Path) -> list[Path]:
    matches = sorted(map(Path, glob.glob(str(pattern), recursive=True)))
    files = [path for path in matches if path.is_file()]
    if not files:
        raise FileError(pattern, None, "no file is called so; check the pattern")
    return files


def _files_in(folder: Path, output: Path) -> list[Path]:
    """All motion files in a folder and those in it, without hidden ones and without what a run into `output` wrote."""
    from graphics_ml import formats

    known, found = (*formats.extensions(), *formats.marker_extensions()), []
    for place, folders, names in os.walk(folder):
        kept = (name for name in folders if not name.startswith(".") and not _same(Path(place, name), output))
        folders[:] = sorted(kept)
        names = (name for name in sorted(names) if not name.startswith("."))
        found += [Path(place, name) for name in names if os.path.splitext(name)[1].lower() in known]
    if not found:
        raise FileError(folder, None, f"this folder holds no motion file ({', '.join(known)})")
    return found


def _distinct(files):
    seen = set()
    for path, named in files:
        key = _key(path)
        if key not in seen:
            seen.add(key)
            yield path, named


def _shared_folder(words, sources):
    folders = [word for word in words if word.is_dir()]
    folders += [path.parent for path, _ in sources if not any(_inside(path, folder) for folder in folders)]
    try:
        return os.path.commonpath([os.path.abspath(folder) for folder in folders])
    except ValueError:
        raise JobError("the sources lie on several drives; run once for each drive") from None


def _renamed(job: FileJob, path: Path) -> Path:
    """The output's name for a source's, with the extension of the format that is to be written."""
    return path.with_name(path.stem + _extension(job))


def _extension(job):
    if job.format is None:
        natural = job.natural_extension()
        if natural is None:
            raise JobError(f"{job.output} is a folder: say what to write in it, such as --format bvh")
        return natural
    from graphics_ml import formats

    return formats.extension_of(job.format)


def _ensure_folder(job, output):
    if os.path.isfile(output):
        raise OutputError(output, None, "this is a file; name a folder for what several sources become")
    if not os.path.isdir(output) and output.suffix:
        from graphics_ml import formats

        if output.suffix.lower() in formats.extensions(writable=True):
            raise OutputError(
                output,
                None,
                f"several sources become several files; name a folder and add --format {output.suffix[1:]}",
            )


def _ensure_no_source_is_replaced(jobs):
    sources = {_key(job.source): job.source for job in jobs}
    for job in jobs:
        if _key(job.output) in sources:
            raise OutputError(
                job.output, None, f"what {job.source} becomes would replace this source; choose another folder"
            )


def _told_apart(jobs):
    """The jobs, those that would write the same file with their source's extension in its name."""
    times = Counter(_key(job.output) for job in jobs)
    told, outputs = [], {}
    for job in jobs:
        if times[_key(job.output)] > 1:
            job = replace(job, output=job.output.with_name(job.source.name + job.output.suffix))
        other = outputs.setdefault(_key(job.output), job.source)
        if other != job.source:
            both = f"{other} and {job.source} would both become {job.output}"
            raise JobError(f"{both}; run once for each, into folders of their own")
        told.append(job)
    return told


def _inside(path, folder):
    return _key(path).startswith(os.path.join(_key(folder), ""))


def _same(path, other):
    return _key(path) == _key(other)


def _key(path):
    return os.path.normcase(os.path.abspath(path))
