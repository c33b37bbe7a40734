"""Motions are measured, by themselves and against a reference: a table, a JSON file and a picture over time."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from graphics_ml.errors import FileError, GraphicsMLError
from graphics_ml.jobs import Evaluate, Outcome
from graphics_ml.motion.bone_map import BoneMap, missing_roles, recognize_moving
from graphics_ml.motion.motion import Motion
from graphics_ml.motion.quality import Comparison, Quality, compare, contacts_in_time, quality
from graphics_ml.outputs import ensure_apart, ensure_extension, ensure_writable, together, write_bytes
from graphics_ml.provenance import record, record_bytes, record_path
from graphics_ml.run import Progress
from graphics_ml.tasks.opening import open_motion


@dataclass(frozen=True)
class Evaluated:
    """One file and what was measured of it.

    Args:
        path: the file.
        motion: as it stands in the file.
        bones: its bone map.
        quality: of it by itself.
        comparison: with the reference, None without one.
    """

    path: Path
    motion: Motion
    bones: BoneMap
    quality: Quality
    comparison: Comparison | None


@dataclass(frozen=True)
class _Figure:
    """A figure of the table and of the JSON file.

    Args:
        name: key in the JSON file, with its unit.
        title, unit: heading in the table, one above the other.
        scale: from SI to the table's unit.
        digits: after the point, in the table.
        value: of what was evaluated; None where it cannot be measured.
    """

    name: str
    title: str
    unit: str
    scale: float
    digits: int
    value: Callable[[Evaluated], float | None]

    def shown(self, value):
        return "-" if value is None else f"{self.scale * value:.{self.digits}f}"


def _of_body(get):
    return lambda one: None if one.quality.skate is None else get(one.quality)


BY_ITSELF = (
    _Figure("contacts", "contacts", "", 1, 0, _of_body(lambda q: q.skate.count)),
    _Figure("foot_slip_m", "slip", "mm", 1000, 1, _of_body(lambda q: q.skate.mean_slip)),
    _Figure("foot_skate_m_per_s", "skate", "cm/s", 100, 2, _of_body(lambda q: q.skate.speed)),
    _Figure("penetration_m", "penetr.", "mm", 1000, 1, lambda one: one.quality.penetration),
    _Figure("acceleration_m_per_s2", "accel.", "m/s2", 1, 2, lambda one: one.quality.acceleration),
    _Figure("jerk_m_per_s3", "jerk", "m/s3", 1, 0, lambda one: one.quality.jerk),
    _Figure("joint_limit_violations", "limits", "%", 100, 2, _of_body(lambda q: q.limits.violated())),
    _Figure("bone_length_drift_m", "bones", "mm", 1000, 2, lambda one: one.quality.bone_length_drift),
)
AGAINST = (
    _Figure("mpjpe_m", "MPJPE", "mm", 1000, 1, lambda one: one.comparison.mpjpe),
    _Figure("pa_mpjpe_m", "PA-MPJPE", "mm", 1000, 1, lambda one: one.comparison.pa_mpjpe),
    _Figure("acceleration_error_m_per_s2", "accel.", "m/s2", 1, 2, lambda one: one.comparison.acceleration_error),
    _Figure("l2p", "L2P", "", 1, 3, lambda one: one.comparison.l2p),
    _Figure("l2q", "L2Q", "", 1, 3, lambda one: one.comparison.l2q),
    _Figure("npss", "NPSS", "", 1, 4, lambda one: one.comparison.npss),
)


def evaluate(job: Evaluate, progress: Progress) -> Outcome:
    """Do an Evaluate job: a table on stdout, and where an output is named a JSON file and a picture.

    A file that cannot be measured does not stop the others.

    Raises:
        GraphicsMLError: the reference or none of the files can be used, or an output cannot be written.
    """
    inputs = [*job.files, *([job.reference] if job.reference else [])]
    if job.output:
        ensure_extension(job.output, (".json",))
        places = {"the output": job.output, "the picture": job.output.with_suffix(".png")}
        places["the job file"] = record_path(job.output)
        ensure_apart(places, inputs)
        for place in places.values():
            ensure_writable(place)
    reference = _opened(job.reference, job.frames_found) if job.reference else None

    done, faults = [], {}
    for count, path in enumerate(job.files):
        progress("evaluating", count, len(job.files))
        try:
            done.append(_evaluated(path, job, reference))
        except GraphicsMLError as error:
            faults[path] = error if isinstance(error, FileError) else FileError(path, None, str(error))
    progress("evaluating", len(job.files), len(job.files))
    if not done:
        raise next(iter(faults.values()))
    _print_tables(job, done)
    notes = tuple(_notes(done))
    failures = tuple(map(str, faults.values()))
    if not job.output:
        return Outcome((), notes, failures)
    from graphics_ml.tasks.evaluation_picture import draw

    drawn = draw(done, job.floor, job.reference)
    report = json.dumps(_report(job, done, faults), indent=2, allow_nan=False)
    made_by = record(job, [path for path in inputs if path not in faults])
    contents = (report.encode() + b"\n", drawn, record_bytes(made_by))
    with together():
        for place, content in zip(places.values(), contents, strict=True):
            write_bytes(place, content)
    return Outcome(tuple(places.values()), notes, failures)


def _opened(path: Path, frames_found: bool) -> tuple[Motion, BoneMap]:
    motion, _ = open_motion(path, frames_found=frames_found)
    return motion, recognize_moving(motion)


def _evaluated(path, job, reference):
    motion, bones = _opened(path, job.frames_found)
    contacts = comparison = None
    if reference is not None:
        truth, its_bones = reference
        comparison = compare(motion, truth, bones, its_bones, job.align)
        if not missing_roles(its_bones):
            contacts = contacts_in_time(truth, its_bones, motion)
    measured = quality(motion, bones, contacts=contacts, floor=job.floor)
    return Evaluated(path, motion, bones, measured, comparison)


def _print_tables(job, done):
    tables = [_table("by themselves", BY_ITSELF, done)]
    if job.reference:
        tables.append(_table(f"against {job.reference.name}", AGAINST, done))
    # Where it is no terminal nothing says how wide a line may be.
    width = None if sys.stdout.isatty() else 160
    Console(markup=False, highlight=False, width=width).print(*tables, sep="\n")


def _table(title, figures, done):
    table = Table(title=title, title_justify="left", box=SIMPLE, padding=(0, 1, 0, 0))
    table.add_column("file", overflow="fold")
    for figure in figures:
        table.add_column(f"{figure.title}\n{figure.unit}", justify="right", no_wrap=True)
    for one in done:
        table.add_row(one.path.name, *(figure.shown(figure.value(one)) for figure in figures))
    if len(done) > 1:
        table.add_section()
        table.add_row("mean", *(figure.shown(_mean(figure, done)) for figure in figures))
    return table


def _mean(figure, done):
    values = [value for value in map(figure.value, done) if value is not None]
    return float(np.mean(values)) if values else None


def _report(job, done, faults):
    """What the JSON file holds: plain values in SI units, as the keys say."""
    figures = BY_ITSELF + (AGAINST if job.reference else ())
    by_path = {one.path: one for one in done}
    motions = []
    for path in job.files:
        if path in faults:
            motions.append({"file": str(path), "error": str(faults[path])})
            continue
        one = by_path[path]
        row = {
            "file": str(path),
            "frames": len(one.motion),
            "fps": float(one.motion.fps),
            "joints": len(one.motion.skeleton),
            **{figure.name: figure.value(one) for figure in figures},
            "joint_limits": None if one.quality.limits is None else _limits(one.quality.limits),
        }
        if one.comparison is not None:
            row["compared"] = {
                "frames": len(one.comparison.errors),
                "fps": one.comparison.fps,
                "points": one.comparison.joints,
                "notes": list(one.comparison.notes),
            }
        motions.append(row)
    report = {"motions": motions, "mean": {figure.name: _mean(figure, done) for figure in figures}}
    if job.reference:
        report = {"reference": str(job.reference), "align": job.align} | report
    return report


def _limits(limits):
    """Of each movement that passes its range: the part of frames by more than five degrees, and the most."""
    return {
        name: {"violations": float(np.mean(beyond > np.radians(5))), "most_rad": float(beyond.max())}
        for name, beyond in zip(limits.movements, limits.beyond.T, strict=True)
        if beyond.max() > 0
    }


def _notes(done):
    """What is to be known of the figures, a sentence each; said once where it holds for all."""
    for one in done:
        if one.quality.skate is None:
            yield f"{one.path.name}: this is no body with legs, so feet and joint limits are not measured"
    said = [(one.path.name, note) for one in done if one.comparison is not None for note in one.comparison.notes]
    for name, note in said:
        yield f"{name}: {note}"
    if any(one.comparison is not None for one in done):
        yield (
            "L2P is normalised by the mean and deviation of the reference, not of a training set: compare it between "
            "motions held against the same reference"
        )
