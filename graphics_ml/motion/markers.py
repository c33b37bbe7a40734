"""Markers: labelled points in space over time, as a motion capture system or a triangulation gives them."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from fractions import Fraction

import numpy as np

from graphics_ml.motion.contacts import spans
from graphics_ml.motion.gaps import bridge
from graphics_ml.motion.motion import exact_rate
from graphics_ml.motion.resample import sampled_vectors
from graphics_ml.wording import frame_ranges, short_repr, suggestion


@short_repr
@dataclass(frozen=True, eq=False)
class Markers:
    """F frames of M markers, Y up, metres.

    Args:
        names: M labels, all different.
        positions: (F, M, 3) metres; NaN where a marker was not seen, all three numbers or none.
        fps: frames per second, exact.
        residuals: (F, M) metres, how well the cameras agreed on each sample, NaN where unknown; None where nobody said.
        provenance: where they came from, with the file's own unit and up axis; plain values that JSON can hold.

    Raises:
        ValueError: shapes or names do not fit, no frames, a value is infinite, fps is not positive.
    """

    names: tuple[str, ...]
    positions: np.ndarray
    fps: Fraction
    residuals: np.ndarray | None = None
    provenance: dict = field(default_factory=dict)

    def __post_init__(self):
        names = tuple(self.names)
        if len(set(names)) != len(names):
            twice = sorted({name for name in names if names.count(name) > 1})
            raise ValueError(f"marker names are not unique: {', '.join(twice)}")
        positions = np.array(self.positions, dtype=np.float64)
        if positions.ndim != 3 or positions.shape[1:] != (len(names), 3) or 0 in positions.shape:
            raise ValueError(f"positions have shape {positions.shape}, not (F, {len(names)}, 3)")
        if np.isinf(positions).any():
            raise ValueError("a position is infinite")
        positions[np.isnan(positions).any(axis=-1)] = np.nan
        residuals = self.residuals
        if residuals is not None:
            residuals = np.array(residuals, dtype=np.float64)
            if residuals.shape != positions.shape[:2]:
                raise ValueError(f"residuals have shape {residuals.shape}, not {positions.shape[:2]}")
            residuals.flags.writeable = False
        positions.flags.writeable = False
        for name, value in dict(
            names=names,
            positions=positions,
            fps=exact_rate(self.fps),
            residuals=residuals,
            provenance=dict(self.provenance),
        ).items():
            object.__setattr__(self, name, value)

    def __len__(self):
        return len(self.positions)

    @property
    def missing(self) -> np.ndarray:
        """(F, M) bool: where a marker was not seen."""
        return np.isnan(self.positions[..., 0])

    def index(self, name: str) -> int:
        """Index of the marker called `name`; KeyError when there is none."""
        try:
            return self.names.index(name)
        except ValueError:
            raise KeyError(f"there is no marker '{name}'{suggestion(name, self.names)}") from None

    def replace(self, **changes) -> "Markers":
        """A copy with some fields changed."""
        return replace(self, **changes)

    def frames(self, start: int, end: int) -> "Markers":
        """The frames start to end, end not included."""
        residuals = None if self.residuals is None else self.residuals[start:end]
        return self.replace(positions=self.positions[start:end], residuals=residuals)


@dataclass(frozen=True)
class Gap:
    """A span of frames, `stop` not included, in which a marker was not seen."""

    name: str
    start: int
    stop: int


def find_gaps(markers: Markers) -> tuple[Gap, ...]:
    """All gaps, marker by marker, in the order of time."""
    return tuple(
        Gap(name, int(start), int(stop))
        for name, missing in zip(markers.names, markers.missing.T, strict=True)
        for start, stop in spans(missing)
    )


def gap_report(markers: Markers) -> tuple[str, ...]:
    """One sentence for each marker that was not always seen, the worst first."""
    missing = markers.missing
    order = np.argsort(-missing.sum(axis=0), kind="stable")
    return tuple(
        f"{markers.names[m]} was never seen"
        if missing[:, m].all()
        else f"{markers.names[m]} was not seen in {frame_ranges(missing[:, m], 6)}"
        for m in order
        if missing[:, m].any()
    )


def bare_name(name: str) -> str:
    """A label without what stands before its last colon, a subject or a namespace: "Anna:LANK" is "LANK"."""
    return name.rpartition(":")[2].strip()


def subjects(names: Iterable[str]) -> tuple[str, ...]:
    """What stands before the last colon of labels, in the order of first appearance; "" for labels without one."""
    return tuple(dict.fromkeys(name.rpartition(":")[0].strip() for name in names))


def of_subject(markers: Markers, subject: str) -> Markers:
    """The markers of one subject, their names bare.

    Raises:
        KeyError: no label starts so.
    """
    names = [name for name in markers.names if name.rpartition(":")[0].strip() == subject]
    if not names:
        known = [one for one in subjects(markers.names) if one]
        others = suggestion(subject, known) if known else "; the labels name none, so leave the subject out"
        raise KeyError(f"there is no subject '{subject}'{others}")
    return select(markers, names).replace(names=tuple(bare_name(name) for name in names))


def select(markers: Markers, names: Iterable[str]) -> Markers:
    """Some of the markers, in this order.

    Raises:
        KeyError: there is no such marker.
    """
    names = tuple(names)
    chosen = [markers.index(name) for name in names]
    residuals = None if markers.residuals is None else markers.residuals[:, chosen]
    return markers.replace(names=names, positions=markers.positions[:, chosen], residuals=residuals)


def fill_short_gaps(markers: Markers, longest: float = 0.2) -> Markers:
    """Gaps of up to `longest` seconds bridged by cubic curves that leave and arrive with the speeds on either side.

    Longer gaps, and those that touch the first or the last frame, stay.
    """
    return markers.replace(positions=bridge(markers.positions, markers.missing, markers.fps, longest))


def resample(markers: Markers, fps: Fraction | int | str | float) -> Markers:
    """The same markers at another frame rate, by the cubic of motion.resample; residuals go.

    A new frame between two old ones of which one is a gap is a gap.

    Raises:
        ValueError: the rate is not positive.
    """
    new = exact_rate(fps)
    if new == markers.fps:
        return markers
    missing = markers.missing
    filled = np.array(markers.positions)
    for m, gaps in enumerate(missing.T):
        seen = np.flatnonzero(~gaps)
        for c in range(3 if gaps.any() else 0):
            filled[:, m, c] = np.interp(np.arange(len(filled)), seen, filled[seen, m, c]) if len(seen) else 0.0
    positions = sampled_vectors(filled, markers.fps, new)
    gone = sampled_vectors(missing.astype(np.float64), markers.fps, new, "linear") > 1e-9
    return markers.replace(positions=np.where(gone[..., None], np.nan, positions), fps=new, residuals=None)
