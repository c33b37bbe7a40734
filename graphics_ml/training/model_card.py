"""The card of a trained network: what it is and is not for, what it was made from, how good it is (Mitchell et al.
2019, "Model Cards for Model Reporting")."""

import math

from graphics_ml.training.curves import in_words
from graphics_ml.training.fit import Fitted
from graphics_ml.training.learner import Splits
from graphics_ml.training.recipe import Recipe
from graphics_ml.wording import toml_value


def card(recipe: Recipe, splits: Splits, fitted: Fitted, versions: dict[str, str]) -> str:
    """A model card, Markdown.

    Args:
        recipe: that was followed.
        splits: what was learned from.
        fitted: what came of it.
        versions: of the packages that did it.
    """
    learner = recipe.learner
    names = list(dict.fromkeys(name for figures in fitted.results.values() for name in figures))
    weights = sum(one.numel() for one in fitted.network.parameters())
    hours = sum(one.seconds for one in fitted.history) / 3600
    lines = [
        f"# {recipe.name}",
        "",
        learner.about(),
        "",
        f"{weights:,} weights.",
        "",
        "## How good it is",
    ]
    lines += ["", "| split | " + " | ".join(name.replace("_", " ") for name in names) + " |"]
    lines += ["|" + " --- |" * (len(names) + 1)]
    for split, figures in fitted.results.items():
        values = [shown(figures.get(name, math.nan), learner.units.get(name, "")) for name in names]
        lines += [f"| {split} | " + " | ".join(values) + " |"]
    lines += ["", "The splits share no sequence and no character.", "", "## How it was made", ""]
    for name, content in splits.made_from.items():
        lines.append(f"- data: {name}, {content}")
    if recipe.training.start:
        lines.append(f"- it began with the weights {recipe.training.start.name}")
    for name in ("train", "val", "test"):
        part = getattr(splits, name)
        lines.append(f"- {name}: {len(part)} samples from {len(part.sources)} sequences and characters")
    lines.append(
        f"- {len(fitted.history)} epochs in {hours:.2g} hours, stopped because {fitted.stopped}; "
        f"epoch {fitted.best + 1} was kept"
    )
    lines.append(f"- {in_words(fitted.history)}")
    lines.append("- " + ", ".join(f"{name} {version}" for name, version in versions.items()))
    lines += ["", "```toml", f"learner = {toml_value(recipe.name)}"]
    for table, values in recipe.as_plain().items():
        if table not in ("learner",):
            lines += [
                "",
                f"[{table}]",
                *(f"{key} = {toml_value(value)}" for key, value in values.items() if key not in _PLACES),
            ]
    return "\n".join([*lines, "```", ""])


_PLACES = ("sets", "start")  # on the machine on which it was made; what lay there is said in words


def shown(value: float, unit: str) -> str:
    """A figure as people read it; a dash where it is no number."""
    if math.isnan(value):
        return "–"
    return f"{100 * value:.1f} %" if unit == "%" else f"{value:.3g}{f' {unit}' if unit else ''}"
