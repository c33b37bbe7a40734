"""What is made of all frames of a data set together: splits, annotations, shards, crops, contact sheets and a video."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from graphics_ml.datasets.coco import write_coco
from graphics_ml.datasets.crops import NobodyError, pack_crops
from graphics_ml.datasets.frame import SPLITS, Frame, frame_name, load_labels
from graphics_ml.datasets.frames import FrameSet
from graphics_ml.datasets.labelled_pictures import labelled_picture, spread_over
from graphics_ml.datasets.shards import write_shards
from graphics_ml.datasets.splits import shared_between_splits, splits_path, write_splits
from graphics_ml.jobs import RenderDataset
from graphics_ml.pose.video import write_video
from graphics_ml.run import Progress
from graphics_ml.tasks.pictures import contact_sheet

_PANE = 240  # pixels of a frame's longer side on a contact sheet
_ON_SHEET = 60  # frames
_COLUMNS = 10  # of panes; each frame has two, as it is and with its labels


def put_together(
    job: RenderDataset, indices: list[int], fps: float, progress: Progress
) -> tuple[list[Path], tuple[str, ...]]:
    """Write what the job asks for of these frames; gives the paths, and what is to be known of the frames.

    Raises:
        GraphicsMLError: a frame is broken, or a place cannot be written.
    """
    splits, people = {name: [] for name in SPLITS}, 0

    def labels():
        nonlocal people
        for index in _told(indices, "reading labels", progress):
            frame = load_labels(job.output, index, masks=False)
            splits[frame.split].append(index)
            people += len(frame.people)
            yield frame

    shared = tuple(_shared_in_words(shared_between_splits(labels())))
    write_splits(splits, job.output)
    written, there = [splits_path(job.output)], {name: some for name, some in splits.items() if some}
    for name, write in _WRITERS.items():
        if name in job.writers:
            written += write(job, there, fps, progress)
    shares = ", ".join(f"{len(some)} {name}" for name, some in splits.items())
    return written, (f"{len(indices)} frames of {people} people: {shares}", *shared)


def _write_annotations(job, splits, fps, progress) -> Iterator[Path]:
    for split, indices in splits.items():
        path = job.output / "annotations" / f"people_{split}.json"
        kind = "png" if job.pictures == "none" else job.pictures
        frames = _read(job, indices, f"annotating {split}", progress, pictures=False)
        write_coco(frames, path, (f"{frame_name(index)}.{kind}" for index in indices))
        yield path


def _write_shards(job, splits, fps, progress) -> Iterator[Path]:
    for done, (split, indices) in enumerate(splits.items()):
        progress("packing shards", done, len(splits))
        yield from write_shards(job.output, split, indices)


def _write_crops(job, splits, fps, progress) -> Iterator[Path]:
    for split, indices in splits.items():
        path = job.output / "crops" / f"{split}.npz"
        with suppress(NobodyError):
            pack_crops(_read(job, indices, f"cutting out {split}", progress), path)
            yield path


def _write_sheet(job, splits, fps, progress) -> Iterator[Path]:
    """One sheet of frames from all over the data set."""
    path = job.output / "contact_sheet.png"
    _draw_sheet(job, spread_over(_all(splits), _ON_SHEET), path, progress)
    yield path


def _write_sheets(job, splits, fps, progress) -> Iterator[Path]:
    """Sheets of all frames, named by their first."""
    indices = _all(splits)
    for first in range(0, len(indices), _ON_SHEET):
        path = job.output / "contact_sheets" / f"{frame_name(indices[first])}.png"
        _draw_sheet(job, indices[first : first + _ON_SHEET], path, progress)
        yield path


def _write_labelled_video(job, splits, fps, progress) -> Iterator[Path]:
    path = job.output / "labelled.mp4"
    pictures = (labelled_picture(frame) for frame in _read(job, _all(splits), "filming", progress))
    write_video(path, pictures, fps)
    yield path


_WRITERS = {
    "coco": _write_annotations,
    "shards": _write_shards,
    "crops": _write_crops,
    "sheet": _write_sheet,
    "sheets": _write_sheets,
    "video": _write_labelled_video,
}


def _draw_sheet(job, indices, path, progress):
    panes = []
    for frame in _read(job, indices, "drawing a sheet", progress):
        panes += [labelled_picture(frame.replace(people=()), _PANE), labelled_picture(frame, _PANE)]
    contact_sheet(panes, path, _COLUMNS)


def _all(splits):
    return sorted(index for indices in splits.values() for index in indices)


def _read(job, indices, stage, progress, pictures=True) -> Iterator[Frame]:
    frames = FrameSet(job.output, indices=indices, pictures=pictures and job.pictures != "none")
    return (frames[place] for place in _told(range(len(frames)), stage, progress))


def _told(places, stage, progress: Callable) -> Iterable:
    """The places, with word of how many have been gone through."""
    for done, place in enumerate(places):
        progress(stage, done, len(places))
        yield place
    progress(stage, len(places), len(places))


def _shared_in_words(shared):
    """A note for each axis on which splits share something, as they must where there is less of it than splits."""
    for axis, names in shared.items():
        name, splits = next(iter(names.items()))
        others = f" and {len(names) - 1} more" if len(names) > 1 else ""
        both = " and ".join(splits)
        yield f"the {axis} {name}{others} is in {both}: there are too few for each split to have its own"
