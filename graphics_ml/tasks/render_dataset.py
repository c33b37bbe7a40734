"""Data sets: a scene's frames rendered by processes, labelled by rays, and put together for those who train on them.

The frames go to the processes in chunks, because Blender does not give all memory back: a chunk is a line of the
manifest, and what --resume skips or does again. A frame depends on nothing but scene, seed and its number, so it does
not matter who renders it, nor when. Pictures and labels are written with each frame; annotations, shards and contact
sheets are made in the end from all frames that are in the folder.
"""

import hashlib
import json
import time
from dataclasses import dataclass, fields, replace
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar

from graphics_ml import __version__
from graphics_ml.blender.scenes.description import read_scene
from graphics_ml.blender.scenes.sections import Section
from graphics_ml.datasets.frame import DataSetError, label_paths, save_labels
from graphics_ml.doctor import EXTRAS
from graphics_ml.errors import MissingExtraError
from graphics_ml.jobs import Outcome, RenderDataset, seen_from
from graphics_ml.manifest import NAME, read_records
from graphics_ml.outputs import together, write_bytes
from graphics_ml.pool import Cluster, Processes
from graphics_ml.provenance import file_hash, record, record_bytes
from graphics_ml.run import Progress, cores, run_all
from graphics_ml.toml_files import read_toml
from graphics_ml.wording import toml_value

RECORD = "dataset.job.toml"


@dataclass(frozen=True)
class Chunk:
    """Frames that one process renders; a manifest.Piece.

    Args:
        job: whose they are.
        first, count: which frames.
        identity: of the data set.
    """

    task: ClassVar[str] = "graphics_ml.tasks.render_dataset:render_chunk"

    job: RenderDataset
    first: int
    count: int
    identity: str

    @property
    def source(self) -> Path:
        return self.job.scene

    @property
    def output(self) -> Path:
        return self.job.output / f"frames {self.first}-{self.first + self.count - 1}"


def render_dataset(job: RenderDataset, progress: Progress) -> Outcome:
    """Do the job.

    Raises:
        GraphicsMLError: the scene cannot be used, the folder holds another data set, or the cluster cannot be used;
            nothing has been done then. Or no frame could be rendered.
    """
    _ensure_installed(job)
    scene = read_scene(job.scene)
    inputs = [job.scene, *_files_in(scene)]
    identity = data_set_identity(job, inputs)
    if not _holds(job.output, identity):
        _write_record(job, inputs, identity)
    notes, faults = _render(job, chunks_of(job, identity), progress)
    indices = frames_in(job.output)
    if not indices:
        raise DataSetError(job.output, None, f"no frame was rendered: {faults[0]}")
    from graphics_ml.tasks.data_set_files import put_together

    outputs, more = put_together(job, indices, scene.clip.fps, progress)
    if len(indices) == indices[-1] - indices[0] + 1:
        _write_record(replace(job, start=indices[0], frames=len(indices)), inputs, identity)
    _copy_scene(job, inputs)
    return Outcome((*outputs, job.output / RECORD), (*more, *notes), tuple(faults))


def render_chunk(chunk: Chunk, progress: Progress) -> Outcome:
    """Render and label the frames of a chunk, in a process of its own."""
    from graphics_ml.blender.scenes.build import Studio
    from graphics_ml.tasks.labelled_frames import labelled_frame

    job, written = chunk.job, []
    scene = read_scene(job.scene)
    with Studio(scene, job.seed, threads=1) as studio:  # as all that counts in a process of many
        if scene.blend is not None:  # which may have fewer frames; better told now than when the others are rendered
            studio.frame(chunk.first + chunk.count - 1, picture=False)
        for done, index in enumerate(range(chunk.first, chunk.first + chunk.count)):
            progress("rendering", done, chunk.count)
            drawn = studio.frame(index, picture=job.pictures != "none")
            written += save_frame(labelled_frame(drawn, scene, chunk.identity), job)
    return Outcome(tuple(written))


def save_frame(frame, job: RenderDataset) -> list[Path]:
    """Write picture and labels of a frame, with its .exr if the job asks for it, all or nothing; gives the paths."""
    from graphics_ml.datasets.pictures import save_picture

    written = []
    with together():
        if frame.picture is not None:
            written.append(save_picture(frame.picture, job.output, frame.index, job.pictures))
        if "exr" in job.writers:
            from graphics_ml.datasets.exr import exr_path, save_exr

            written.append(exr_path(job.output, frame.index))
            save_exr(frame, written[-1])
        written += save_labels(frame, job.output)
    return written


def chunks_of(job: RenderDataset, identity: str) -> list[Chunk]:
    """The frames of a job in chunks, which begin at multiples of their size but for the first."""
    end = job.start + job.frames
    starts = [job.start, *range((job.start // job.chunk + 1) * job.chunk, end, job.chunk)]
    ends = [*starts[1:], end]
    return [Chunk(job, first, last - first, identity) for first, last in zip(starts, ends, strict=True)]


def data_set_identity(job: RenderDataset, inputs: list[Path]) -> str:
    """What tells a data set from others, 16 hexadecimal digits: all that a frame hangs on but its number.

    Args:
        job: its seed and format of pictures.
        inputs: the scene file and the files that it names.
    """
    said = json.dumps([__version__, job.seed, job.pictures, *map(file_hash, inputs)])
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def frames_in(folder: Path) -> list[int]:
    """The frames of a data set that are done, in their order, by its manifest."""
    done = [one for one in read_records(folder / NAME).values() if one["state"] == "done"]
    labels = (Path(place) for one in done for place in one["outputs"])
    return sorted({int(path.stem) for path in labels if path.parent.name == "labels" and path.suffix == ".json"})


def _render(job, chunks, progress):
    """Have all chunks done; notes, and what went wrong, a sentence each."""
    counter, faults = _Counter(chunks), []

    def look():
        progress("rendering", counter.frames(), job.frames)

    def heard(tally, one):
        counter.finished(one["output"])
        if one["state"] == "failed":
            faults.append(f"{one['output']}: {one['error']}")
        look()

    look()
    if job.scheduler:
        workers = Cluster(job.scheduler)
    else:
        workers = Processes(min(job.jobs or cores(), len(chunks)), __name__, fresh=True)
    hangs_on = f"{chunks[0].identity}{' exr' if 'exr' in job.writers else ''}"
    tally = run_all(chunks, job.output, hangs_on, workers, job.resume, heard, look)
    if tally.stopped:
        faults.append(f"{tally.stopped}; the same with resume goes on from here")
    return tuple(tally.notes), faults


class _Counter:
    """How many frames of these chunks are done, as their folder tells: the processes may be anywhere."""

    def __init__(self, chunks):
        self._left, self._done, self._began = {chunk.output.name: [chunk, 0] for chunk in chunks}, 0, time.time()

    def finished(self, name):
        """No more frames of this chunk will come."""
        chunk, _ = self._left.pop(name)
        self._done += chunk.count

    def frames(self) -> int:
        """Of chunks that are not finished those labels count that have been written since the start."""
        for state in self._left.values():
            chunk, done = state
            while done < chunk.count and self._is_new(label_paths(chunk.job.output, chunk.first + done)[0]):
                done += 1
            if done == state[1] == 0:  # chunks are begun in their order, so those behind have nothing either
                break
            state[1] = done
        return self._done + sum(done for _, done in self._left.values())

    def _is_new(self, path):
        try:
            return path.stat().st_mtime >= self._began
        except OSError:
            return False


def _ensure_installed(job):
    """Raise MissingExtraError now rather than when frames have been rendered."""
    for extra in job.needs:
        for package in EXTRAS[extra]:
            if find_spec(package) is None:
                raise MissingExtraError(package, extra)


def _holds(folder, identity):
    """Whether a folder holds frames of this data set; False where it holds none.

    Raises:
        DataSetError: it holds something else.
    """
    path = folder / RECORD
    if not path.exists() and (folder / NAME).exists():
        raise DataSetError(folder, None, "this folder holds other outputs of graphics-ml; choose another one")
    if not frames_in(folder):
        return False
    if read_toml(path, "data set's record", DataSetError).get("data_set", {}).get("identity") != identity:
        raise DataSetError(
            folder,
            None,
            "this folder holds a data set of another scene, seed, format of pictures or version; choose another one",
        )
    return True


def _write_record(job, inputs, identity):
    content = record_bytes(record(job, inputs, job.output)) + f'\n[data_set]\nidentity = "{identity}"\n'.encode()
    write_bytes(job.output / RECORD, content)


def _copy_scene(job, inputs):
    """The scene file as it is, with what its files were, for those who have the data set alone; a .blend is too large,
    and the files that it needs would not be found from here."""
    if job.scene.suffix.lower() == ".blend":
        return
    hashes = (f"# {toml_value(seen_from(job.scene.parent, path))} = {file_hash(path)}" for path in inputs[1:])
    lines = ["", f"# From {job.scene.name}. Files that it names, with their SHA-256:", *hashes] if inputs[1:] else []
    write_bytes(job.output / "scene.toml", job.scene.read_bytes() + "\n".join([*lines, ""]).encode())


def _files_in(section) -> list[Path]:
    """The files that a scene names, in the order in which it does."""
    found = []
    for one in fields(section):
        value = getattr(section, one.name)
        if isinstance(value, Section):
            found += _files_in(value)
        elif one.metadata.get("how") == "files":
            found += value
        elif one.metadata.get("how") == "file" and value is not None:
            found.append(value)
    return found
