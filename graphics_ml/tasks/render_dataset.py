"""Data sets: a scene's frames rendered by processes, labelled by rays, and put together for those who train on them.

The frames go to the processes in chunks, because Blender does not give all memory back: a chunk is a line of the
manifest. A frame depends on nothing but scene, seed and its number, so it does not matter who renders it, nor when.
A frame that fails is told, and the others of its chunk go on. Where a process is killed, the first frame of its chunk
that is not there is tried alone, and those behind it in a chunk of their own; whole frames are kept.

Pictures and labels are written with each frame, motions with the first of their clip; annotations, shards and contact
sheets are made in the end from all frames that are in the folder.
"""

import hashlib
import json
import os
import time
import traceback
from collections import Counter, deque
from dataclasses import dataclass, fields, replace
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar

from graphics_ml import __version__
from graphics_ml.blender.scenes.description import read_scene
from graphics_ml.blender.scenes.sections import Section
from graphics_ml.datasets.frame import DataSetError, label_paths, save_labels
from graphics_ml.doctor import EXTRAS
from graphics_ml.errors import GraphicsMLError, MissingExtraError, OutputError
from graphics_ml.formats.npz import load as load_motion
from graphics_ml.jobs import Outcome, RenderDataset, seen_from
from graphics_ml.manifest import NAME, read_records
from graphics_ml.outputs import together, write_bytes
from graphics_ml.pool import Cluster, Processes
from graphics_ml.provenance import file_hash, record, record_bytes
from graphics_ml.run import Progress, cores, fault_of, run_all
from graphics_ml.toml_files import read_toml
from graphics_ml.wording import frame_ranges, toml_value

RECORD = "dataset.job.toml"
_HOPELESS = 20  # clips: where none of the first so many of a chunk can be filmed, its others are not tried
_KILLERS = 5  # frames that may kill their processes before no more are looked for


@dataclass(frozen=True)
class Chunk:
    """Frames that one process renders; a manifest.Piece.

    Args:
        job: whose they are.
        first, count: which frames.
        identity: of the data set.
        kept: whole frames that were written since then, in seconds since 1970, are not rendered again.
    """

    task: ClassVar[str] = "graphics_ml.tasks.render_dataset:render_chunk"

    job: RenderDataset
    first: int
    count: int
    identity: str
    kept: float = 0.0

    @property
    def source(self) -> Path:
        return self.job.scene

    @property
    def output(self) -> Path:
        return self.job.output / f"frames {self.first}-{self.first + self.count - 1}"

    @property
    def indices(self) -> range:
        """Of its frames."""
        return range(self.first, self.first + self.count)


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
    notes, faults = _render(job, identity, progress)
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
    """Render and label the frames of a chunk, in a process of its own.

    Returns:
        What was written, and a sentence for each fault with the frames that it cost.

    Raises:
        GraphicsMLError: the scene cannot be used, or the folder not be written.
    """
    from graphics_ml.blender.scenes.build import Studio

    job, scene, written, faults = chunk.job, read_scene(chunk.job.scene), [], {}
    left = deque()
    for index in chunk.indices:
        paths = _whole_frame(chunk, scene.clip.frames, index)
        written += paths
        if not paths:
            left.append(index)
    while left:
        with Studio(scene, job.seed, threads=1) as studio:  # as all that counts in a process of many
            if scene.blend is not None:  # which may have fewer frames; better told now than after the others
                studio.frame(left[-1], picture=False)
            while left:
                progress("rendering", chunk.count - len(left), chunk.count)
                index = left.popleft()
                try:
                    written += _film(studio, scene, chunk, index)
                except OutputError:
                    raise
                except Exception as error:
                    faults.setdefault(_in_words(error, chunk), []).append(index)
                    if not written and index - chunk.first >= _HOPELESS * scene.clip.frames:
                        faults["not tried, because all frames before them failed"] = list(left)
                        left.clear()
                    break  # nobody knows what it left in this studio
    failures = (f"{_frames(indices)}: {said}" for said, indices in faults.items() if indices)
    return Outcome(tuple(written), failures=tuple(failures))


def _film(studio, scene, chunk, index):
    """Write a frame, and before the first of a clip its motions; gives the paths."""
    from graphics_ml.datasets.motions import save_motion
    from graphics_ml.tasks.labelled_frames import labelled_frame

    job, written, pictures = chunk.job, [], chunk.job.pictures != "none"
    if _brings_motions(job, scene.clip.frames, index):
        clip = index // scene.clip.frames
        for instance, motion in enumerate(studio.motions(index, pictures), start=1):
            written.append(save_motion(motion, job.output, clip, instance, chunk.identity))
    return written + save_frame(labelled_frame(studio.frame(index, pictures), scene, chunk.identity), job)


def _brings_motions(job, clip_frames, index):
    """Whether the motions of a frame's clip are written with it: with the first of the clip that the job has."""
    return "motions" in job.writers and (index % clip_frames == 0 or index == job.start)


def _whole_frame(chunk, clip_frames, index):
    """The paths of a frame where all of it is there and need not be rendered again; none otherwise."""
    from graphics_ml.datasets.exr import exr_path
    from graphics_ml.datasets.frames import FrameSet
    from graphics_ml.datasets.motions import motion_path
    from graphics_ml.datasets.pictures import picture_path

    job, dense, pictures = chunk.job, "exr" in chunk.job.writers, chunk.job.pictures != "none"
    paths = list(label_paths(job.output, index))
    try:
        if not _is_kept(chunk, index):
            return []
        frame = FrameSet(job.output, indices=[index], pictures=pictures, dense=dense)[0]
        paths += [picture_path(job.output, index)] if pictures else []
        paths += [exr_path(job.output, index)] if dense else []
        for person in frame.people if _brings_motions(job, clip_frames, index) else ():
            paths.append(motion_path(job.output, frame.clip, person.instance))
            load_motion(paths[-1])
    except GraphicsMLError:
        return []
    return paths if frame.data_set == chunk.identity else []


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


def chunks_of(job: RenderDataset, identity: str, kept: float = 0.0) -> list[Chunk]:
    """The frames of a job in chunks, which begin at multiples of their size but for the first; see Chunk."""
    end = job.start + job.frames
    starts = [job.start, *range((job.start // job.chunk + 1) * job.chunk, end, job.chunk)]
    ends = [*starts[1:], end]
    return [Chunk(job, first, last - first, identity, kept) for first, last in zip(starts, ends, strict=True)]


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
    labels = (Path(place) for one in read_records(folder / NAME).values() for place in one.get("outputs", ()))
    return sorted({int(path.stem) for path in labels if path.parent.name == "labels" and path.suffix == ".json"})


def _render(job, identity, progress):
    """Have all frames rendered; notes, and what went wrong, a sentence each."""
    chunks = chunks_of(job, identity, 0.0 if job.resume else time.time())
    counter, notes, faults, killers, resume = _Counter(chunks), Counter(), [], 0, job.resume

    def look():
        progress("rendering", counter.frames(), job.frames)

    def heard(tally, one):
        chunk = counter.chunk(one["output"])
        if one.get("died"):
            dead.append((chunk, one["error"]))
        else:
            counter.finished(chunk)
            if one["state"] == "failed":
                faults.append(one["error"] if "outputs" in one else f"{_frames(chunk.indices)}: {one['error']}")
        look()

    look()
    while chunks:
        dead = []
        tally = run_all(chunks, job.output, _hangs_on(job, identity), _workers(job, len(chunks)), resume, heard, look)
        notes += tally.notes
        if tally.stopped:
            faults.append(f"{tally.stopped}; the same with resume goes on from here")
            break
        chunks, resume = [], True
        for chunk, error in dead:
            if chunk.count > 1 and killers < _KILLERS:
                chunks += counter.parted(chunk)
            else:
                killers += 1
                counter.finished(chunk)
                faults.append(f"{_frames(chunk.indices)}: {error}")
    return tuple(notes), faults


def _workers(job, chunks):
    if job.scheduler:
        return Cluster(job.scheduler)
    return Processes(min(job.jobs or cores(), chunks), __name__, fresh=True)


def _hangs_on(job, identity):
    """What is written with each frame hangs on this."""
    return " ".join([identity, *(name for name in ("exr", "motions") if name in job.writers)])


class _Counter:
    """How many frames of these chunks are done, as their folder tells: the processes may be anywhere."""

    def __init__(self, chunks):
        self._left, self._done = {chunk.output.name: [chunk, 0] for chunk in chunks}, 0

    def chunk(self, name: str) -> Chunk:
        """The one of this name that is not finished."""
        return self._left[name][0]

    def finished(self, chunk: Chunk) -> None:
        """No more frames of this chunk will come."""
        del self._left[chunk.output.name]
        self._done += chunk.count

    def parted(self, chunk: Chunk) -> list[Chunk]:
        """A chunk whose process died in three: what was done, the frame that it was at, and what comes after that."""
        clip_frames, end = read_scene(chunk.job.scene).clip.frames, chunk.first + chunk.count
        missing = (index for index in chunk.indices if not _whole_frame(chunk, clip_frames, index))
        guilty = next(missing, end - 1)
        spans = (chunk.first, guilty), (guilty, guilty + 1), (guilty + 1, end)
        parts = [replace(chunk, first=first, count=last - first) for first, last in spans if first < last]
        del self._left[chunk.output.name]
        self._left |= {part.output.name: [part, 0] for part in parts}
        return parts

    def frames(self) -> int:
        """Of chunks that are not finished those labels count that are kept or new."""
        for state in self._left.values():
            chunk, done = state
            while done < chunk.count and _is_kept(chunk, chunk.first + done):
                done += 1
            if done == state[1] == 0:  # chunks are begun in their order, so those behind have nothing either
                break
            state[1] = done
        return self._done + sum(done for _, done in self._left.values())


def _is_kept(chunk, index):
    """Whether labels of a frame are there that were written late enough."""
    try:
        return label_paths(chunk.job.output, index)[0].stat().st_mtime >= chunk.kept
    except OSError:
        return False


def _frames(indices):
    """'frames 3-7, 12'."""
    chosen = set(indices)
    return frame_ranges(index in chosen for index in range(max(chosen) + 1))


def _in_words(error, chunk):
    """What went wrong with a frame; of a fault of ours also where, for those who mend it."""
    said = fault_of(error, chunk, os.getcwd())
    if "traceback" not in said:
        return said["error"]
    *_, last = traceback.extract_tb(error.__traceback__)
    return f"{said['error']}, in {Path(last.filename).name}, line {last.lineno}"


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
    for name in () if path.exists() else ("images", "labels", "frames", "motions"):
        if next((folder / name).glob("*"), None) is not None:
            raise DataSetError(folder / name, None, "there are other files here, which may be lost; choose another one")
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
