"""What was measured of motions, over time, as one picture."""

from io import BytesIO
from pathlib import Path

import numpy as np

from graphics_ml.errors import MissingExtraError
from graphics_ml.motion.body_shape import carried_joints
from graphics_ml.motion.contacts import CONTACT_ROLES, role_joints, spans, speeds

MOST = 8
"""Motions that are told apart by their colour; more would not be."""
_SIDES = {"left": "#2b6cb0", "right": "#dd6b20"}
_COLOURS = ("#2b6cb0", "#dd6b20", "#2f855a", "#b83280", "#6b46c1", "#b7791f", "#0987a0", "#4a5568")
_INK = "#2d3748"


def draw(evaluated, floor: float = 0.0, reference: Path | None = None) -> bytes:
    """A .png: foot heights, contacts, slip in contact, acceleration, jerk, and the error where there is a reference.

    Of one motion the feet are drawn left and right, of several the lower foot and the one that slips most.

    Args:
        evaluated: what tasks.evaluate measured; the first MOST are drawn.
        floor: metres, drawn as a line.
        reference: the file of the reference, named in the title.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ModuleNotFoundError as missing:
        raise MissingExtraError(missing.name, "pose") from missing
    shown = evaluated[:MOST]
    curves = [_Curves(one) for one in shown]
    feet = [curve for curve in curves if curve.heights is not None]
    compared = [one for one in shown if one.comparison is not None]
    panels = [
        *((_draw_heights, _draw_contacts, _draw_slip) if feet else ()),
        _draw_acceleration,
        _draw_jerk,
        *((_draw_errors,) if compared else ()),
    ]
    rows = 4 if len(shown) == 1 else len(shown)
    heights = [0.35 + 0.13 * rows if panel is _draw_contacts else 1.0 for panel in panels]
    figure = Figure(figsize=(11, 1.2 + 1.55 * sum(heights)), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(panels), 1, sharex=True, height_ratios=heights, squeeze=False)[:, 0]
    for panel, ax in zip(panels, axes, strict=True):
        panel(ax, curves, floor)
        ax.grid(axis="x", color="#e2e8f0", linewidth=0.8)
        ax.set_axisbelow(True)
        ax.spines[["top", "right"]].set_visible(False)
        ax.tick_params(colors=_INK, labelsize=8)
    figure.align_ylabels(axes)
    axes[-1].set_xlabel("seconds", fontsize=9, color=_INK)
    axes[-1].set_xlim(0, max(curve.time[-1] for curve in curves) or 1)
    title = shown[0].path.name if len(evaluated) == 1 else f"{len(evaluated)} motions"
    title += f" against {reference.name}" if reference else ""
    title += f" (the first {MOST} are drawn)" if len(evaluated) > MOST else ""
    figure.suptitle(title, fontsize=12, color=_INK, x=0.01, ha="left", parse_math=False)
    picture = BytesIO()
    figure.savefig(picture, format="png", metadata={"Software": None})
    return picture.getvalue()


class _Curves:
    """What is drawn of one motion.

    Attributes:
        time: (F,) seconds.
        heights, slip: (F, 2) metres and m/s, left and right: of the lower of heel and toes, and of the quicker of those
            in contact, NaN where none is; None where it is no body with legs.
        contacts: (F, 4) bool.
        acceleration, jerk: times in seconds and means over the body's joints.
        error: times in seconds and metres, or None.
    """

    def __init__(self, one):
        motion, fps = one.motion, float(one.motion.fps)
        positions = motion.positions()
        self.name = one.path.name
        self.time = np.arange(len(motion)) / fps
        body = positions[:, carried_joints(motion.skeleton, one.bones.joints(motion.skeleton).get("hips", 0))]
        self.acceleration, self.jerk = (_rate(body, fps, order) for order in (2, 3))
        self.contacts, self.heights, self.slip = one.quality.contacts, None, None
        if self.contacts is not None:
            joints = role_joints(motion.skeleton, one.bones.roles, CONTACT_ROLES)
            # A foot without toes has its heel for both.
            heels = [joints[0], joints[0], joints[2], joints[2]]
            feet = positions[:, [heel if joint is None else joint for joint, heel in zip(joints, heels, strict=True)]]
            down = self.contacts & [joint is not None for joint in joints]
            self.heights = feet[..., 1].reshape(-1, 2, 2).min(axis=-1)
            slip = np.where(down, speeds(feet[..., [0, 2]], fps), -1.0).reshape(-1, 2, 2).max(axis=-1)
            self.slip = np.where(slip < 0, np.nan, slip)
        self.error = None
        if one.comparison is not None:
            self.error = np.arange(len(one.comparison.errors)) / one.comparison.fps, one.comparison.errors


def _rate(positions, fps, order):
    """Times and means over joints of the size of the differences of an order, in SI units."""
    sizes = np.linalg.norm(np.diff(positions, order, axis=0), axis=-1).mean(axis=1) * fps**order
    return (np.arange(len(sizes)) + order / 2) / fps, sizes


def _draw_heights(ax, curves, floor):
    ax.axhline(100 * floor, color=_INK, linewidth=0.8, linestyle=(0, (4, 3)))
    for curve, series, colour, name in _feet(curves, lambda curve: curve.heights, np.min):
        ax.plot(curve.time, 100 * series, color=colour, linewidth=1.2, label=name)
    _name(ax, "foot height", "cm")
    _legend(ax)


def _draw_contacts(ax, curves, floor):
    rows = []
    for number, curve in enumerate(curves):
        if curve.contacts is None:
            continue
        step = curve.time[1] if len(curve.time) > 1 else 1.0
        if len(curves) == 1:
            colours = [_SIDES["left"]] * 2 + [_SIDES["right"]] * 2
            bars = zip(("left heel", "left toes", "right heel", "right toes"), curve.contacts.T, colours, strict=True)
        else:
            bars = [(f"{number + 1}", curve.contacts.any(axis=1), _COLOURS[number])]
        for name, down, colour in bars:
            row = -len(rows)
            ax.broken_barh([(step * a, step * (b - a)) for a, b in spans(down)], (row - 0.35, 0.7), color=colour)
            rows.append(name)
    ax.set_yticks([-row for row in range(len(rows))], rows, fontsize=7)
    ax.set_ylim(0.6 - len(rows), 0.6)
    ax.set_ylabel("contact", fontsize=9, color=_INK)


def _draw_slip(ax, curves, floor):
    for curve, series, colour, name in _feet(curves, lambda curve: curve.slip, _most):
        ax.plot(curve.time, 100 * series, color=colour, linewidth=1.2, label=name)
    _name(ax, "slip in contact", "cm/s", from_zero=True)


def _draw_acceleration(ax, curves, floor):
    _draw_each(ax, curves, lambda curve: curve.acceleration)
    _name(ax, "acceleration", "m/s²", from_zero=True)
    if len(curves) > 1 and any(curve.heights is None for curve in curves):
        _legend(ax)


def _draw_jerk(ax, curves, floor):
    _draw_each(ax, curves, lambda curve: curve.jerk)
    _name(ax, "jerk", "m/s³", from_zero=True)


def _draw_errors(ax, curves, floor):
    _draw_each(ax, curves, lambda curve: (curve.error[0], 1000 * curve.error[1]))
    _name(ax, "error", "mm", from_zero=True)


def _draw_each(ax, curves, series):
    for number, curve in enumerate(curves):
        colour = _INK if len(curves) == 1 else _COLOURS[number]
        ax.plot(*series(curve), color=colour, linewidth=1.1, label=f"{number + 1} {curve.name}")


def _feet(curves, series, over_both):
    """The lines to draw of feet: curve, (F,), colour, name."""
    for number, curve in enumerate(curves):
        if series(curve) is None:
            continue
        if len(curves) == 1:
            for side, (name, colour) in enumerate(_SIDES.items()):
                yield curve, series(curve)[:, side], colour, name
        else:
            yield curve, over_both(series(curve), axis=1), _COLOURS[number], f"{number + 1} {curve.name}"


def _most(values, axis):
    """The largest, NaN only where all are."""
    most = np.max(np.where(np.isnan(values), -1.0, values), axis=axis)
    return np.where(most < 0, np.nan, most)


def _legend(ax):
    place = dict(loc="lower right", bbox_to_anchor=(1, 1), borderaxespad=0)
    legend = ax.legend(fontsize=8, frameon=False, ncols=4, labelcolor=_INK, **place)
    for name in legend.get_texts():
        name.set_parse_math(False)  # a "$" in a file's name begins no formula


def _name(ax, what, unit, from_zero=False):
    ax.set_ylabel(f"{what}\n{unit}", fontsize=9, color=_INK)
    if from_zero:
        ax.set_ylim(bottom=0)
