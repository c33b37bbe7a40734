"""Recipes: what is learned from which data by which network, and how it is trained, as one TOML file.

learner = "pose 2d"

[data]          # the learner's own settings
[model]         # the network's own settings
[training]      # see Training
"""

from dataclasses import dataclass
from importlib import import_module, resources
from pathlib import Path
from typing import Literal

from graphics_ml.errors import FileError
from graphics_ml.jobs import JobError, Settings, as_plain, filled, setting
from graphics_ml.toml_files import read_toml
from graphics_ml.training.learner import Learner
from graphics_ml.wording import suggestion

LEARNERS = {
    "pose 2d": "graphics_ml.pose.keypoint_network:KeypointLearner",
    "person boxes": "graphics_ml.pose.person_boxes:BoxLearner",
    "lifter": "graphics_ml.pose.lifter_learner:LifterLearner",
}
"""What can be learned, and where its Learner is, as "module:class", in a higher room."""


@dataclass(frozen=True, kw_only=True)
class Training(Settings):
    """How a network is trained; the optimiser is AdamW (Loshchilov and Hutter 2019)."""

    epochs: int = setting("epochs at most; the learning rate falls to nothing over so many", 100, min=1)
    samples: int | None = setting("samples in an epoch; as many as there are to learn from when not given", None, min=1)
    batch: int = setting("samples in a step", 32, min=1)
    rate: float = setting("highest learning rate", 1e-3, min=1e-7, max=10)
    warm_up: float = setting("part of the run in which the learning rate rises to its highest", 0.05, min=0, max=1)
    weight_decay: float = setting("how strongly weights are drawn to zero", 0.02, min=0, max=1)
    clip: float = setting("largest norm of a gradient; longer ones are shortened to it", 1.0, min=1e-6)
    average: float = setting(
        "how much of the running mean of the weights, which is what is kept, each step leaves",
        0.998,
        min=0,
        max=0.99999,
    )
    patience: int = setting("stop after so many epochs in which it became no better", 20, min=1)
    checked: int = setting("samples of each split, at most, that an epoch is judged by", 2000, min=1)
    workers: int | None = setting("processes that make samples; chosen by the machine when not given", None, min=0)
    precision: Literal["auto", "float32"] = setting(
        "auto: the network in bfloat16 or float16 where the device is faster with them", "auto"
    )
    start: Path | None = setting("weights to begin with, of the same network; drawn at random when not given", None)
    seed: int = setting("chooses the first weights, the order of samples and what is drawn for them", 1, min=0)


@dataclass(frozen=True)
class Recipe:
    """What a recipe file says, checked.

    Attributes:
        path: the file.
        name: of what is learned, a key of LEARNERS.
        learner: with its data and model settings.
        training: how it is trained.
    """

    path: Path
    name: str
    learner: Learner
    training: Training

    def as_plain(self) -> dict:
        """The recipe with all defaults filled in, in plain values."""
        tables = {"data": self.learner.data, "model": self.learner.model, "training": self.training}
        return {"learner": self.name} | {name: as_plain(table) for name, table in tables.items()}


def read_recipe(path: str | Path, data: tuple[Path, ...] = ()) -> Recipe:
    """A recipe, checked. Its relative paths start at its folder.

    Args:
        path: of a recipe, or the name of one of ours, see our_recipes.
        data: folders to learn from, in place of `sets` in the recipe.

    Raises:
        FileError: no such recipe, not TOML, or a wrong key or value in it (with a suggestion).
    """
    path = _found(Path(path))
    content = read_toml(path, "recipe")
    known = ("learner", "data", "model", "training")
    for key, value in content.items():
        if key not in known:
            raise FileError(path, None, f"a recipe has no key '{key}'{suggestion(key, known)}")
        if not isinstance(value, str if key == "learner" else dict):
            raise FileError(path, None, f"'{key}' must be " + ("a name" if key == "learner" else f"a table [{key}]"))
    name = content.get("learner")
    if name not in LEARNERS:
        missing = "it does not say what is learned; add learner = ..." if name is None else f"nothing learns '{name}'"
        raise FileError(path, None, missing + suggestion(name or "", LEARNERS))
    kind = learner_class(name)
    tables = {key: dict(content.get(key, {})) for key in known[1:]}
    for table, key in (("data", "sets"), ("training", "start")):
        if key in tables[table]:
            tables[table][key] = _beside(path, tables[table][key])
    if data:
        tables["data"]["sets"] = [str(one) for one in data]
    try:
        settings = {
            key: filled(settings_class, tables[key], f"the table [{key}]")
            for key, settings_class in (("data", kind.Data), ("model", kind.Model), ("training", Training))
        }
    except JobError as error:
        raise FileError(path, None, str(error)) from error
    return Recipe(path, name, kind(settings["data"], settings["model"]), settings["training"])


def learner_class(name: str) -> type[Learner]:
    """The Learner with a name of LEARNERS."""
    module, kind = LEARNERS[name].split(":")
    return getattr(import_module(module), kind)


def our_recipes() -> dict[str, Path]:
    """The recipes that come with graphics_ml, by name."""
    folder = Path(str(resources.files("graphics_ml.training") / "recipes"))
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def differences(
    before: dict, now: dict, free: tuple[str, ...] = ("epochs", "patience", "workers", "checked")
) -> list[str]:
    """What two recipes, as plain, differ in, apart from what a run may change on its way: "model.width", ..."""
    flat = [_flat(one) for one in (before, now)]
    keys = sorted(set(flat[0]) | set(flat[1]))
    may_change = {f"training.{one}" for one in free}
    return [key for key in keys if key not in may_change and flat[0].get(key) != flat[1].get(key)]


def _flat(recipe):
    tables = {
        f"{table}.{key}": v for table, values in recipe.items() if table != "learner" for key, v in values.items()
    }
    return tables | {"learner": recipe["learner"]}


def _beside(path, given):
    """A path, or several, as a recipe gives them; what is neither is left to be refused."""
    if isinstance(given, list):
        return [_beside(path, one) for one in given]
    return str(path.parent / given) if isinstance(given, str) else given


def _found(path):
    ours = our_recipes()
    if path.exists() or path.parent != Path(".") or path.stem not in ours:
        if not path.exists() and not path.suffix:
            raise FileError(path, None, f"there is no such recipe{suggestion(path.name, ours)}")
        return path
    return ours[path.stem]
