"""A recipe is followed by Lightning: AdamW, and Muon where a learner asks for it, a rate that rises and then falls as a
cosine, the running mean of the weights, early stopping, checkpoints from which a stopped run goes on as if it had not
been.

The mean of the weights over the last steps is what is judged and kept (Polyak and Juditsky 1992, "Acceleration of
Stochastic Approximation by Averaging"): it is better than the weights of any one step, most of all after few steps.
"""

import copy
import json
import logging
import math
import signal
import time
import warnings
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import lightning.pytorch as lightning
import torch
from lightning.pytorch.callbacks import Callback, EarlyStopping, ModelCheckpoint
from torch import nn
from torch.utils._pytree import tree_map

from graphics_ml.errors import FileError
from graphics_ml.outputs import write_bytes
from graphics_ml.training.checkpoints import EXTENSION, SafetensorsCheckpoints, read_checkpoint
from graphics_ml.training.curves import Epoch, best_epoch
from graphics_ml.training.learner import Splits, TrainingError, ensure_disjoint
from graphics_ml.training.muon import MuonWithAdamW
from graphics_ml.training.recipe import Recipe, differences
from graphics_ml.training.samples import checking_batches, training_batches
from graphics_ml.training.weights import load_weights

_LAST, _BEST, _RECIPE = f"last{EXTENSION}", f"best{EXTENSION}", "recipe.json"


@dataclass(frozen=True)
class Fitted:
    """What came of following a recipe.

    Attributes:
        network: the best epoch's, on the processor, ready to be used.
        history: of each epoch.
        best: index in it of the epoch that was kept.
        results: figures by split.
        stopped: why it ended, a few words.
        finished: whether there is nothing left to go on with.
    """

    network: nn.Module
    history: list[Epoch]
    best: int
    results: dict[str, dict[str, float]]
    stopped: str
    finished: bool


def fit(
    recipe: Recipe,
    splits: Splits,
    folder: Path,
    *,
    resume: bool = False,
    minutes: float | None = None,
    device: str = "auto",
    progress: Callable[[str, int, int], None] = lambda stage, done, total: None,
) -> Fitted:
    """Follow a recipe.

    Args:
        recipe: what to train and how.
        splits: what to learn from.
        folder: for the checkpoints; it is made.
        resume: go on from the checkpoints in the folder, where there are some.
        minutes: stop at the end of the epoch in which so many have passed; None: never.
        device: "auto" for a GPU where there is one, or "cpu".
        progress: called with ("training", steps done, steps in all), and while it is measured.

    Raises:
        TrainingError: the splits share a source or lack samples, the loss is no number any more, the folder holds a run
            that was not to be resumed, or one of another recipe.
        FileError: a checkpoint, or the weights to start with, cannot be used.
    """
    ensure_disjoint(splits)
    last = _prepared(folder, recipe, resume)
    training, learner = recipe.training, recipe.learner
    lightning.seed_everything(training.seed, workers=True, verbose=False)
    batches = training_batches(splits.train, training.batch, training.samples, training.seed, training.workers)
    checks = [
        checking_batches(part, training.batch, training.checked, training.workers)
        for part in (splits.train, splits.val)
    ]
    on_gpu = device == "auto" and torch.cuda.is_available()
    kind = None if training.precision == "float32" else _quick_kind(on_gpu)
    run = _Run(recipe, len(batches), kind)
    if training.start and not last:
        _begin_with(run, load_weights(training.start, recipe.name))
    early, keep, limit = _stopping(learner, training), _keeping(learner, folder), _Limit(minutes)
    with _lightning_quiet(), _ctrl_c_as_ever():
        trainer = lightning.Trainer(
            accelerator=device,
            devices=1,
            precision="16-mixed" if kind == torch.float16 else "32-true",  # which scales small slopes up
            max_epochs=training.epochs,
            gradient_clip_val=training.clip,
            callbacks=[early, keep, limit, _Told(progress, training.epochs * len(batches))],
            plugins=[SafetensorsCheckpoints()],
            logger=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            default_root_dir=folder,
        )
        trainer.fit(run, batches, checks, ckpt_path=str(last) if last else None)

    network = _kept(folder / _BEST, learner)
    where = torch.device("cuda" if on_gpu else "cpu")
    network.to(where)
    with torch.inference_mode():
        val = checking_batches(splits.val, training.batch, training.checked, training.workers)
        learner.finish(network, (_moved(batch, where) for batch in val))
    results = _results(learner, network, splits, training, where, progress)
    stopped = "all epochs were done"
    if limit.reached:
        stopped = f"{minutes:g} minutes had passed"
    elif early.stopped_epoch:
        stopped = f"no better for {training.patience} epochs"
    best = best_epoch(run.history, learner.watched, learner.higher_is_better)
    return Fitted(network.cpu(), run.history, best, results, stopped, not limit.reached)


def last_history(folder: Path) -> list[Epoch]:
    """The epochs of a run that is going on or was stopped; raises FileError where the folder holds none."""
    path = folder / _LAST
    if not path.exists():
        raise FileError(path, None, "no run has left its checkpoints here")
    return [Epoch(**one) for one in read_checkpoint(path)["history"]]


def _prepared(folder, recipe, resume):
    """The checkpoint to go on from, None to begin; the folder then says which recipe its checkpoints are of."""
    last, note = folder / _LAST, folder / _RECIPE
    now = json.loads(json.dumps(recipe.as_plain()))
    if last.exists():
        if not resume:
            done = len(last_history(folder))
            raise TrainingError(
                f"{folder} holds a run that was stopped after {done} epochs; go on with resume, or delete the folder"
            )
        try:
            changed = differences(json.loads(note.read_text(encoding="utf-8")), now)
        except (OSError, ValueError) as error:
            raise FileError(note, None, "the run's recipe cannot be read; delete the folder and train anew") from error
        if changed:
            raise TrainingError(
                f"{folder} holds a run of another recipe ({', '.join(changed)} differ); delete the folder to train anew"
            )
    write_bytes(note, json.dumps(now, indent=1).encode())
    return last if last.exists() else None


def _stopping(learner, training):
    mode = "max" if learner.higher_is_better else "min"
    return EarlyStopping("watched", mode=mode, patience=training.patience, check_on_train_epoch_end=True)


def _keeping(learner, folder):
    keep = ModelCheckpoint(
        folder,
        filename=_BEST.removesuffix(EXTENSION),
        monitor="watched",
        mode="max" if learner.higher_is_better else "min",
        save_last=True,
        save_on_train_epoch_end=True,
        enable_version_counter=False,
    )
    keep.FILE_EXTENSION = EXTENSION
    return keep


def _begin_with(run, weights):
    try:
        for network in (run.network, run.average):
            network.load_state_dict(weights.tensors)
    except RuntimeError as error:
        raise TrainingError(
            "the weights to start with are of a network of another shape; give the model the settings that they have"
        ) from error


class _Run(lightning.LightningModule):
    """What Lightning calls: a learner's loss and figures, the mean of its network's weights, the history."""

    def __init__(self, recipe, steps, kind):
        super().__init__()
        self.learner, self.training_settings, self.steps = recipe.learner, recipe.training, steps
        self.network = self.learner.network()
        self.average = copy.deepcopy(self.network).requires_grad_(False).eval()
        if kind is not None:
            for network in (self.network, self.average):
                _compute_in(network, kind)
        self.history: list[Epoch] = []
        self._running, self._checked, self._began = [], ([], []), 0.0

    def configure_optimizers(self):
        training = self.training_settings
        # Neither biases nor norms are drawn to zero: only matrices have directions to spare (He et al. 2019).
        hidden = list(self.learner.hidden(self.network))
        matrices = [p for p in self.network.parameters() if p.ndim > 1 and all(p is not one for one in hidden)]
        others = [p for p in self.network.parameters() if p.ndim <= 1]
        groups = [{"params": matrices, "weight_decay": training.weight_decay}, {"params": others, "weight_decay": 0.0}]
        groups = [group for group in groups if group["params"]]
        if hidden:
            optimizer = MuonWithAdamW(hidden, groups, training.rate, training.weight_decay)
        else:
            optimizer = torch.optim.AdamW(groups, lr=training.rate)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, self._part_of_rate)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def _part_of_rate(self, step):
        total = self.training_settings.epochs * self.steps
        rising = self.training_settings.warm_up * total
        if step < rising:
            return (step + 1) / (rising + 1)
        return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - rising) / max(1.0, total - rising))))

    def on_train_epoch_start(self):
        self._running, self._began = [], time.perf_counter()

    def training_step(self, batch, index):
        # What is dropped at random depends on nothing before this step, so that a resumed run does the same.
        torch.manual_seed(self.training_settings.seed + 1000003 * (self.global_step + 1))
        with _in_float32(self.device):
            loss = self.learner.loss(self.network, batch)
        if not torch.isfinite(loss):
            rate = self.optimizers().param_groups[0]["lr"]
            raise TrainingError(
                f"the loss is {float(loss.detach())} in epoch {self.current_epoch + 1}, step {index + 1}, at a "
                f"learning rate of {rate:.2g}; lower the rate or the clip, or look for broken samples"
            )
        self._running.append(loss.detach())
        return loss

    def on_train_batch_end(self, outputs, batch, index):
        # The first steps are forgotten quickly: the mean must not hang on the weights it began with.
        done = self.global_step
        keep = min(self.training_settings.average, (1 + done) / (10 + done))
        with torch.no_grad():
            for mean, now in zip(self.average.parameters(), self.network.parameters(), strict=True):
                mean.lerp_(now, 1 - keep)
            for mean, now in zip(self.average.buffers(), self.network.buffers(), strict=True):
                if mean.is_floating_point():
                    mean.lerp_(now, 1 - keep)
                else:
                    mean.copy_(now)

    def validation_step(self, batch, index, dataloader_idx):
        with _in_float32(self.device):
            self._checked[dataloader_idx].append(_measured(self.learner, self.average, batch))

    def on_validation_epoch_end(self):
        train, val = (_mean(parts) for parts in self._checked)
        self._checked = ([], [])
        rate = self.optimizers().param_groups[0]["lr"]
        running = float(torch.stack(self._running).mean())
        self.history.append(Epoch(rate, running, train, val, time.perf_counter() - self._began))
        watched = val[self.learner.watched]
        if math.isnan(watched):
            raise TrainingError(
                f"no sample of the split 'val' says anything of {self.learner.watched}; add some that do"
            )
        self.log("watched", watched)

    def on_save_checkpoint(self, checkpoint):
        checkpoint["history"] = [asdict(one) for one in self.history]

    def on_load_checkpoint(self, checkpoint):
        self.history = [Epoch(**one) for one in checkpoint["history"]]


class _Limit(Callback):
    """Ends a run with the epoch in which the time was up, so that it can go on from there."""

    def __init__(self, minutes):
        self.until = math.inf if minutes is None else time.monotonic() + 60 * minutes
        self.reached = False

    def on_train_epoch_end(self, trainer, run):
        if time.monotonic() >= self.until and trainer.current_epoch + 1 < trainer.max_epochs:
            self.reached = trainer.should_stop = True


class _Told(Callback):
    def __init__(self, progress, total):
        self.progress, self.total = progress, total

    def on_train_batch_end(self, trainer, run, outputs, batch, index):
        self.progress("training", trainer.global_step, self.total)


def _measured(learner, network, batch):
    """Loss and figures of a batch: name to (sum, count)."""
    figures = learner.figures(network, batch)
    size = len(next(iter(batch.values())))
    sums = {"loss": (float(learner.loss(network, batch)) * size, size)}
    for name, values in figures.items():
        known = values[~torch.isnan(values)]
        sums[name] = float(known.sum()), len(known)
    return sums


def _mean(parts):
    names = parts[0] if parts else ()
    totals = {name: [sum(column) for column in zip(*(part[name] for part in parts), strict=True)] for name in names}
    return {name: total / count if count else math.nan for name, (total, count) in totals.items()}


def _results(learner, network, splits, training, device, progress):
    """Figures of the kept network on all samples of val and test and on as many of train as are checked."""
    results = {}
    for at, name in enumerate(("train", "val", "test")):
        progress("measuring", at, 3)
        samples = getattr(splits, name)
        most = training.checked if name == "train" else len(samples)
        with torch.inference_mode():
            batches = checking_batches(samples, training.batch, most, training.workers)
            results[name] = _mean([_measured(learner, network, _moved(batch, device)) for batch in batches])
    progress("measuring", 3, 3)
    return {name: values for name, values in results.items() if values}


def _kept(path, learner):
    state = read_checkpoint(path)["state_dict"]
    network = learner.network()
    network.load_state_dict({k.removeprefix("average."): v for k, v in state.items() if k.startswith("average.")})
    return network.eval()


def _moved(batch, device):
    return {name: value.to(device) for name, value in batch.items()}


def _quick_kind(on_gpu):
    """The kind of numbers of half the size that the device computes with faster, None where it has none."""
    if on_gpu:
        torch.set_float32_matmul_precision("high")
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
    # Others compute with bfloat16 too, but slower than with float32.
    return torch.bfloat16 if getattr(torch.cpu, "_is_avx512_bf16_supported", bool)() else None


def _compute_in(network, kind):
    """Let a network compute in numbers of half the size, and give float32; losses need those."""
    forward = network.forward

    def quick(*inputs):
        with torch.autocast(inputs[0].device.type, kind):
            return tree_map(lambda one: one.float() if one.is_floating_point() else one, forward(*inputs))

    network.forward = quick


def _in_float32(device):
    return torch.autocast(device.type, enabled=False)


@contextmanager
def _lightning_quiet():
    """Keep Lightning's advice from the terminal; its errors come as errors."""
    log = logging.getLogger("lightning.pytorch")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="lightning")
            warnings.filterwarnings("ignore", message=".*lr_scheduler.step.*")  # a skipped float16 step
            yield
    finally:
        log.setLevel(before)


@contextmanager
def _ctrl_c_as_ever():
    """Lightning turns Ctrl-C into an exit and is deaf to further ones; who called expects KeyboardInterrupt."""
    handler = signal.getsignal(signal.SIGINT)
    try:
        yield
    except SystemExit as error:
        if isinstance(error.__context__, KeyboardInterrupt):
            signal.signal(signal.SIGINT, handler)
            raise error.__context__ from None
        raise
