"""A recipe becomes weights: read, fit, write the weights with their card, the curves and the record."""

import shutil
from contextlib import suppress
from pathlib import Path

from graphics_ml.errors import MissingExtraError
from graphics_ml.jobs import Outcome, Train
from graphics_ml.manifest import alone_in
from graphics_ml.outputs import ensure_apart, ensure_extension, ensure_writable, together, write_bytes
from graphics_ml.provenance import record, record_path, write_record
from graphics_ml.run import Progress

_EXTENSIONS = (".safetensors",)


def train(job: Train, progress: Progress) -> Outcome:
    """Do a Train job: weights, their model card, the curves and the job file.

    While it goes on, and when it was stopped, its checkpoints lie in a folder beside the output.

    Raises:
        GraphicsMLError: the recipe, the data or an output cannot be used, or the training fails; older weights stay.
    """
    try:
        from graphics_ml.training.curves import draw_curves, in_words
        from graphics_ml.training.fit import fit
        from graphics_ml.training.model_card import card
        from graphics_ml.training.recipe import read_recipe
        from graphics_ml.training.weights import Weights, card_path, save_weights
    except ModuleNotFoundError as missing:
        raise MissingExtraError(missing.name, "learn") from missing
    ensure_extension(job.output, _EXTENSIONS)
    recipe = read_recipe(job.recipe, job.data)
    places = {
        "the weights": job.output,
        "the model card": card_path(job.output),
        "the curves": curves_path(job.output),
        "the job file": record_path(job.output),
    }
    ensure_apart(places, [recipe.path])
    for path in places.values():
        ensure_writable(path)
    splits, folder, learner = recipe.learner.splits(), run_folder(job.output), recipe.learner
    folder.mkdir(parents=True, exist_ok=True)
    how = dict(resume=job.resume, minutes=job.minutes, device=job.device, progress=progress)
    try:
        with alone_in(folder):
            fitted = fit(recipe, splits, folder, **how)
    finally:
        with suppress(OSError):  # it holds checkpoints
            folder.rmdir()
    made_by = record(job, [recipe.path])
    weights = Weights(
        recipe.name,
        recipe.as_plain()["model"],
        fitted.network.state_dict(),
        card(recipe, splits, fitted, made_by["versions"]),
        fitted.results,
    )
    unit = learner.units.get(learner.watched, "")
    with together():
        save_weights(job.output, weights)
        picture = draw_curves(fitted.history, learner.watched, learner.higher_is_better, unit)
        write_bytes(curves_path(job.output), picture)
        written = write_record(job.output, made_by)
    if fitted.finished:
        shutil.rmtree(folder, ignore_errors=True)
    outputs = (job.output, card_path(job.output), curves_path(job.output), written)
    return Outcome(outputs, (*_notes(fitted, learner, folder), in_words(fitted.history)))


def run_folder(output: Path) -> Path:
    """Where the checkpoints of a run are kept until it is done."""
    return output.with_name(output.stem + ".run")


def curves_path(output: Path) -> Path:
    """Where the curves of a run are drawn."""
    return output.with_name(output.stem + ".curves.png")


def _notes(fitted, learner, folder):
    from graphics_ml.training.model_card import shown

    best = f"kept epoch {fitted.best + 1} of {len(fitted.history)} ({fitted.stopped})"
    measured = fitted.results.get("test") or fitted.results["val"]
    on = "test" if "test" in fitted.results else "validation"
    value = shown(measured[learner.watched], learner.units.get(learner.watched, ""))
    yield f"{best}; {learner.watched.replace('_', ' ')} {value} on the {on} split"
    if not fitted.finished:
        yield f"the run can go on: run it again with resume; its checkpoints are in {folder}"
