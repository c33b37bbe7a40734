"""How a training went: a picture of its curves, and in words whether it learned too little or learned by heart."""

from dataclasses import dataclass
from io import BytesIO

import numpy as np

from graphics_ml.errors import MissingExtraError

_TRAIN, _VAL, _INK = "#2b6cb0", "#dd6b20", "#2d3748"
_RISE = 0.10
"""Part by which the loss on unseen samples must rise from its lowest to be called overfitting; it wavers by less."""
_GAP = 1.5
"""Loss on unseen samples over that on known ones from which more data would help more than more training."""
_STILL = 0.02
"""Part by which both losses must have fallen in the last fifth of the epochs to say that it was not done."""


@dataclass(frozen=True)
class Epoch:
    """What was measured after an epoch.

    Attributes:
        rate: learning rate at its end.
        running: mean loss of its steps, on samples as they were drawn.
        train, val: "loss" and the learner's figures on samples as they are, by the mean of the weights.
        seconds: how long it took.
    """

    rate: float
    running: float
    train: dict[str, float]
    val: dict[str, float]
    seconds: float


def best_epoch(history: list[Epoch], watched: str, higher_is_better: bool) -> int:
    """Index of the epoch that was best on the validation split, the first where several are."""
    values = np.array([one.val[watched] for one in history])
    return int(np.argmax(values if higher_is_better else -values))


def in_words(history: list[Epoch]) -> str:
    """Whether it overfits or underfits, one sentence.

    Losses are compared, not figures: figures that are shares come to rest long before what they are made from does.
    Those on known samples are measured as those on unseen ones are, without random changes, so they can be compared.
    """
    train, val = (np.array([getattr(one, name)["loss"] for one in history]) for name in ("train", "val"))
    lowest, last = int(np.argmin(val)), len(history) - 1
    if last < 4:
        return f"Too few epochs ({len(history)}) to tell underfitting from overfitting."
    if val[last] > (1 + _RISE) * val[lowest] and train[last] < train[lowest]:
        return (
            f"Overfitting: since epoch {lowest + 1} the loss on unseen samples rose from {val[lowest]:.3g} "
            f"to {val[last]:.3g} while that on known ones fell from {train[lowest]:.3g} to {train[last]:.3g}; more or "
            "more varied data, stronger random changes, or a smaller network would help."
        )
    recent = max(2, len(history) // 5)
    fell = [1 - curve[-recent:].min() / max(curve[:-recent].min(), 1e-12) for curve in (train, val)]
    if min(fell) > _STILL:
        return (
            f"Underfitting: over the last {recent} epochs both losses still fell, by {fell[0]:.0%} on known samples "
            f"and {fell[1]:.0%} on unseen ones; train longer, or with a higher rate or a larger network."
        )
    times = val[lowest] / max(train[lowest], 1e-12)
    if times > _GAP:
        return (
            f"It has come to rest, with a gap: the loss on unseen samples is {times:.1f} times "
            "that on known ones; more or more varied data would help more than training longer."
        )
    return "Neither under- nor overfitting: both losses have come to rest, close to each other."


def draw_curves(history: list[Epoch], watched: str, higher_is_better: bool, unit: str = "") -> bytes:
    """A .png: the losses, the watched figure and the learning rate over the epochs, with the words below.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ModuleNotFoundError as missing:
        raise MissingExtraError(missing.name, "learn") from missing
    figure = Figure(figsize=(9, 7.2), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    losses, figures, rates = figure.subplots(3, 1, sharex=True, height_ratios=(3, 3, 1))
    epochs, best = np.arange(1, len(history) + 1), best_epoch(history, watched, higher_is_better)
    scale = 100 if unit == "%" else 1
    losses.plot(epochs, [one.running for one in history], color=_TRAIN, alpha=0.35, label="steps, as drawn")
    for name, colour, label in (("train", _TRAIN, "known samples"), ("val", _VAL, "unseen samples")):
        losses.plot(epochs, [getattr(one, name)["loss"] for one in history], color=colour, label=label)
        values = [scale * getattr(one, name)[watched] for one in history]
        figures.plot(epochs, values, color=colour, label=f"{values[best]:.3g} in epoch {best + 1}")
    rates.plot(epochs, [one.rate for one in history], color=_INK)
    losses.set_yscale("log")
    for ax in (losses, figures):
        ax.legend(fontsize=8, frameon=False)
    titles = ("loss", f"{watched.replace('_', ' ')}{f', {unit}' if unit else ''}", "rate")
    for ax, title in zip((losses, figures, rates), titles, strict=True):
        ax.axvline(best + 1, color="#a0aec0", linewidth=0.8, linestyle=":")
        ax.set_ylabel(title, fontsize=9, color=_INK)
        ax.spines[["top", "right"]].set_visible(False)
        ax.tick_params(colors=_INK, labelsize=8)
    rates.set_xlabel("epoch", fontsize=9, color=_INK)
    figure.suptitle(in_words(history), fontsize=9, color=_INK, wrap=True)
    file = BytesIO()
    figure.savefig(file, format="png", metadata={"Software": None})
    return file.getvalue()
