"""Landmarks of one person in a square crop of a picture: a small ResNet, a pyramid, and for each landmark a
distribution over the cells of a grid.

The distribution is learned as one, by its divergence from a narrow bell around the truth: unlike heat maps that are
regressed cell by cell it has a slope from the first step on, and it learns where a landmark is from any place in the
crop at once, which SimCC's dense layers (Li et al. 2022) must learn for each row and column. From it come the place,
to a part of a cell, and how sure it is; beside it three probabilities: that the landmark is in the picture, that it is
in sight, and that it was found to within a twentieth of the person's box. Those are calibrated on pictures that the
network has not learned from (Platt 1999, "Probabilistic Outputs for Support Vector Machines").
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, NamedTuple

import torch
from torch import nn
from torch.nn import functional

from graphics_ml.images.resnet import STRIDES, Pyramid, ResNet, as_input
from graphics_ml.jobs import Settings, setting
from graphics_ml.pose.detection import LANDMARKS
from graphics_ml.pose.keypoint_data import MARGIN, keypoint_splits
from graphics_ml.training.learner import Batch, Learner, Splits

NEAR = 0.05
"""Part of the longer side of a person's box within which a landmark counts as found (PCK@0.05)."""

_WINDOW = 2  # cells around the likeliest one whose mean is the place
_CHANCES = 3  # in the picture, in sight, found
_SURENESS = 0.2  # weight of the three probabilities beside the place
_OUTSIDE = 0.3  # weight of places beyond the picture's edge, which can only be guessed


class Found(NamedTuple):
    """Landmarks in B crops."""

    points: torch.Tensor  # (B, L, 2) pixels of the crop
    present: torch.Tensor  # (B, L) 0..1, how likely it is in the picture
    visible: torch.Tensor  # (B, L) 0..1, how likely it is in the picture and not hidden
    near: torch.Tensor  # (B, L) 0..1, how likely the place is right to a twentieth of the person's box


@dataclass(frozen=True, kw_only=True)
class KeypointModel(Settings):
    """The network."""

    size: int = setting("width and height of a crop, a multiple of 32", 192, min=64, max=512, unit="px")
    widths: tuple[int, ...] = setting("channels of the four stages", (32, 64, 128, 256))
    blocks: tuple[int, ...] = setting("residual blocks of the four stages", (2, 2, 3, 3))
    head: int = setting("channels of the pyramid", 64, min=8, max=512)
    bell: float = setting("deviation of the bell around the truth, in cells", 0.4, min=0.3, max=5)


@dataclass(frozen=True, kw_only=True)
class KeypointData(Settings):
    """What it learns from."""

    sets: tuple[Path, ...] = setting("folders of data sets, as render-dataset writes them")
    turn: float = setting("deviation of the random turns of a crop", 25.0, min=0, max=180, unit="deg")
    mixed: float = setting("part of the crops whose people are put before another background", 0.4, min=0, max=1)
    hidden: float = setting("part of the crops with things put before the people", 0.4, min=0, max=1)
    nobody: float = setting("part of the crops that show nobody", 0.04, min=0, max=1)


class KeypointNetwork(nn.Module):
    """Crops (B, 3, S, S) to logits (B, L, S/4, S/4) of where each landmark is, and (B, L, 3) of three probabilities."""

    def __init__(self, model: KeypointModel, count: int = len(LANDMARKS)):
        super().__init__()
        self.model = model
        self.backbone = ResNet(model.widths, model.blocks)
        self.pyramid = Pyramid(model.widths, model.head)
        self.places = nn.Conv2d(model.head, count, 1)
        nn.init.normal_(self.places.weight, std=0.001)
        nn.init.zeros_(self.places.bias)
        self.around = nn.Linear(model.widths[-1], model.head)
        self.chances = nn.Parameter(torch.zeros(count, _CHANCES, 2 * model.head + 1))
        self.chances_bias = nn.Parameter(torch.zeros(count, _CHANCES))
        self.register_buffer("calibration", torch.tensor([[1.0, 0.0]]).repeat(_CHANCES, 1))

    def forward(self, crops: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        features = self.backbone(crops)
        fine = self.pyramid(features)
        with torch.autocast(fine.device.type, enabled=False):  # whole logits of a distribution would be too coarse
            places = self.places(fine.float())
        # How sure it may be shows at the place itself, in all of the crop, and in how peaked the distribution is.
        where = places.detach().flatten(2).softmax(-1)
        there = torch.einsum("bln,bcn->blc", where, fine.flatten(2))
        around = torch.relu(self.around(features[-1].mean((2, 3))))[:, None].expand(-1, there.shape[1], -1)
        peak = where.amax(-1, keepdim=True).clamp_min(1e-6).log()
        evidence = torch.cat([there, around, peak.to(there.dtype)], dim=-1)
        return places, torch.einsum("blc,lkc->blk", evidence, self.chances) + self.chances_bias

    def find(self, crops: torch.Tensor) -> Found:
        """The landmarks in crops (B, 3, S, S), calibrated."""
        places, chances = self(crops)
        calibrated = chances * self.calibration[:, 0] + self.calibration[:, 1]
        return Found(places_of(places), *calibrated.float().sigmoid().unbind(-1))


def places_of(logits: torch.Tensor) -> torch.Tensor:
    """(B, L, 2) pixels, x and y, of logits (B, L, h, w): the mean of the cells around the likeliest one."""
    height, width = logits.shape[2:]
    best = logits.flatten(2).argmax(-1)
    row, column = best // width, best % width
    reach = torch.arange(-_WINDOW, _WINDOW + 1, device=logits.device)
    rows, columns = row[..., None] + reach, column[..., None] + reach  # (B, L, W)
    # At an edge as many cells to either side, or the mean would be drawn inwards.
    inside = (reach.abs() <= torch.minimum(row, height - 1 - row)[..., None])[..., :, None]
    inside = inside & (reach.abs() <= torch.minimum(column, width - 1 - column)[..., None])[..., None, :]
    cells = rows.clamp(0, height - 1)[..., :, None] * width + columns.clamp(0, width - 1)[..., None, :]
    around = logits.float().flatten(2).gather(2, cells.flatten(2)).view(cells.shape)
    share = around.masked_fill(~inside, -torch.inf).flatten(2).softmax(-1).view(cells.shape)
    x = (share.sum(-2) * (columns + 0.5)).sum(-1)
    y = (share.sum(-1) * (rows + 0.5)).sum(-1)
    return torch.stack([x, y], dim=-1) * STRIDES[0]


class KeypointLearner(Learner):
    """Recipes name it "pose 2d"."""

    Data, Model = KeypointData, KeypointModel
    watched = "pck"
    units: ClassVar = {"pck": "%", "pck_visible": "%", "pck_occluded": "%", "error": "of the box", "visible_right": "%"}

    def splits(self) -> Splits:
        return keypoint_splits(self.data, self.model.size)

    def network(self) -> KeypointNetwork:
        return KeypointNetwork(self.model).to(memory_format=torch.channels_last)

    def loss(self, network: KeypointNetwork, batch: Batch) -> torch.Tensor:
        places, chances = network(as_input(batch["picture"]))
        weight = batch["present"].float() + _OUTSIDE * (batch["within"] & ~batch["present"]).float()
        off = _divergence(places, batch["points"], self.model.bell)
        place = (weight * off).sum() / weight.sum().clamp_min(1)
        truths, known = _truths(places_of(places.detach()), batch)
        off = functional.binary_cross_entropy_with_logits(chances.float(), truths.float(), reduction="none")
        return place + _SURENESS * (known * off).sum() / known.sum().clamp_min(1) * _CHANCES

    def figures(self, network: KeypointNetwork, batch: Batch) -> dict[str, torch.Tensor]:
        found = network.find(as_input(batch["picture"]))
        error = (found.points - batch["points"]).norm(dim=-1) / batch["side"][:, None]
        near = (error < NEAR).float()
        nobody = torch.full_like(error, torch.nan)
        present, visible = batch["present"], batch["visible"]
        return {
            "pck": torch.where(present, near, nobody),
            "pck_visible": torch.where(visible, near, nobody),
            "pck_occluded": torch.where(present & ~visible, near, nobody),
            "error": torch.where(present, error, nobody),
            "visible_right": torch.where(batch["known"], ((found.visible > 0.5) == visible).float(), nobody),
        }

    def finish(self, network: KeypointNetwork, batches: Iterable[Batch]) -> None:
        """Fit scale and shift of the logits of the three probabilities."""
        collected = []
        for batch in batches:
            places, chances = network(as_input(batch["picture"]))
            truths, known = _truths(places_of(places), batch)
            collected.append((chances.float(), truths, known))
        logits, truths, known = (torch.cat(parts) for parts in zip(*collected, strict=True))
        for kind in range(_CHANCES):
            chosen = known[..., kind] > 0
            network.calibration[kind] = calibration(logits[..., kind][chosen], truths[..., kind][chosen])

    def about(self) -> str:
        return (
            f"Finds the {len(LANDMARKS)} landmarks of BlazePose of one person in a square crop of a picture, "
            f"{self.model.size} by {self.model.size} pixels, in which the person's box fills about {1 / MARGIN:.0%} of "
            "the side. For each it gives its place, and how likely it is in the picture, in sight, and right to a "
            "twentieth of the box.\n\n"
            "Figures are on crops around true boxes of people: `pck` is the part of the landmarks in the picture that "
            "are found within 5 % of the longer side of the box of the visible pixels, `error` the mean distance; "
            "people of whom fewer than three of shoulders, hips and limbs are in sight are left out.\n\n"
            "It knows only people that were rendered: in real pictures it does worse than here. It is for motion "
            "capture, not for telling who somebody is or what they feel."
        )


def calibration(logits: torch.Tensor, truths: torch.Tensor) -> torch.Tensor:
    """(2,) scale and shift that make sigmoid(scale * logits + shift) likeliest, by Newton's method on logits (N,) and
    truths (N,); the scale is positive. Where all truths are alike nothing can be fitted, and it is (1, 0)."""
    if len(truths) < 2 or truths.all() or not truths.any():
        return logits.new_tensor([1.0, 0.0])
    # Platt's targets: a probability of 0 or 1 would make the fit run away where the two do not overlap.
    yes, no = float(truths.sum()), float((~truths).sum())
    target = torch.where(truths, (yes + 1) / (yes + 2), 1 / (no + 2)).double()
    inputs = torch.stack([logits.double(), torch.ones_like(logits, dtype=torch.float64)], dim=1)
    fit = inputs.new_tensor([1.0, 0.0])
    for _ in range(30):
        chance = (inputs @ fit).sigmoid()
        slope = inputs.T @ (chance - target)
        bend = (inputs * (chance * (1 - chance))[:, None]).T @ inputs + 1e-6 * torch.eye(2, device=fit.device)
        step = torch.linalg.solve(bend, slope)
        fit = fit - step * min(1.0, 2.0 / float(step.abs().max().clamp_min(1e-12)))
    return fit.clamp_min(torch.tensor([1e-3, -torch.inf], device=fit.device)).to(logits.dtype)


def _divergence(logits, points, bell):
    """(B, L) of the distributions from bells around points (B, L, 2), pixels; both over the same cells."""
    size = logits.shape[-1]
    cells = torch.arange(size, device=logits.device) + 0.5
    away = (cells - points.float()[..., None] / STRIDES[0]) / bell  # (B, L, 2, size)
    x, y = (-0.5 * away.square()).log_softmax(-1).unbind(2)
    told = logits.float().flatten(2).log_softmax(-1).unflatten(2, (size, size))
    entropy = (x.exp() * x).sum(-1) + (y.exp() * y).sum(-1)
    return entropy - torch.einsum("blr,blrc,blc->bl", y.exp(), told, x.exp())


def _truths(points, batch):
    """(B, L, 3) bool what the three probabilities are of, and (B, L, 3) float where that is known."""
    near = (points - batch["points"]).norm(dim=-1) < NEAR * batch["side"][:, None]
    known = batch["known"]
    truths = torch.stack([batch["present"], batch["visible"], near & batch["present"]], dim=-1)
    return truths, torch.stack([known, known, batch["present"]], dim=-1).float()
