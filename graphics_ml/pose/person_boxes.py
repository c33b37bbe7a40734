"""Boxes around everyone in a picture, of any size, in one look: where centres of people are, and for each the box.

A grid of centres as in CenterNet (Zhou et al. 2019, "Objects as Points"), with its focal loss, and boxes learned by
their generalised overlap (Rezatofighi et al. 2019, "Generalized Intersection over Union"), on the same kind of small
ResNet as the landmarks.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from graphics_ml.images.resnet import STRIDES, Pyramid, ResNet, as_input, convolution
from graphics_ml.jobs import Settings, setting
from graphics_ml.pose.person_box_data import box_splits
from graphics_ml.training.learner import Batch, Learner, Splits

_FINEST = 1  # stage whose grid the centres are on
_RARE = 0.01  # how likely a cell is a centre before anything is learned (Lin et al. 2017, "Focal Loss", section 4.1)
_SAME = 0.5  # overlap from which two boxes are of one person
_SURE = 0.5  # score from which a box counts in the figures
_LOOKED_AT = 100  # likeliest cells in which boxes are looked for


@dataclass(frozen=True, kw_only=True)
class BoxModel(Settings):
    """The network."""

    size: int = setting("width and height of what it sees, a multiple of 32", 320, min=64, max=1024, unit="px")
    widths: tuple[int, ...] = setting("channels of the four stages", (24, 48, 96, 192))
    blocks: tuple[int, ...] = setting("residual blocks of the four stages", (2, 2, 2, 2))
    head: int = setting("channels of the pyramid", 48, min=8, max=512)


@dataclass(frozen=True, kw_only=True)
class BoxData(Settings):
    """What it learns from."""

    sets: tuple[Path, ...] = setting("folders of data sets, as render-dataset writes them")
    mixed: float = setting("part of the pictures that are put together from four", 0.3, min=0, max=1)
    empty: float = setting("part of the pictures in which nobody is", 0.05, min=0, max=1)


class BoxNetwork(nn.Module):
    """Pictures (B, 3, S, S) to logits (B, S/8, S/8) of centres, and boxes (B, S/8, S/8, 4) as left, top, right, bottom
    in pixels."""

    def __init__(self, model: BoxModel):
        super().__init__()
        self.model = model
        self.backbone = ResNet(model.widths, model.blocks)
        self.pyramid = Pyramid(model.widths, model.head, _FINEST)
        self.centres = nn.Sequential(convolution(model.head, model.head, 3), nn.ReLU(), nn.Conv2d(model.head, 1, 1))
        self.boxes = nn.Sequential(convolution(model.head, model.head, 3), nn.ReLU(), nn.Conv2d(model.head, 4, 1))
        for head in (self.centres, self.boxes):
            nn.init.normal_(head[-1].weight, std=0.01)
            nn.init.zeros_(head[-1].bias)
        nn.init.constant_(self.centres[-1].bias, math.log(_RARE / (1 - _RARE)))

    def forward(self, pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        fine = self.pyramid(self.backbone(pictures))
        stride, size = STRIDES[_FINEST], self.model.size
        x, y, width, height = self.boxes(fine).float().unbind(1)
        cells = (torch.arange(x.shape[-1], device=x.device) + 0.5) * stride
        x, y = cells + stride * x, cells[:, None] + stride * y
        # A quarter of the picture before anything is learned.
        half = [0.125 * size * side.clamp(-6, 3).exp() for side in (width, height)]
        boxes = torch.stack([x - half[0], y - half[1], x + half[0], y + half[1]], dim=-1)
        return self.centres(fine)[:, 0], boxes

    def find(self, pictures: torch.Tensor, least: float = 0.3) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Boxes (N, 4) in pixels and scores (N,), most certain first, in each of the pictures (B, 3, S, S)."""
        logits, boxes = self(pictures)
        scores = logits.float().sigmoid()
        peaks = scores * (functional.max_pool2d(scores[:, None], 3, stride=1, padding=1)[:, 0] == scores)
        found = []
        for peak, box in zip(peaks.flatten(1), boxes.flatten(1, 2), strict=True):
            score, at = peak.topk(min(_LOOKED_AT, len(peak)))
            at, score = at[score >= least], score[score >= least]
            kept = apart(box[at], score)
            found.append((box[at][kept], score[kept]))
        return found


class BoxLearner(Learner):
    """Recipes name it "person boxes"."""

    Data, Model = BoxData, BoxModel
    watched = "agreement"
    units: ClassVar = {"agreement": "%", "recall": "%", "precision": "%", "overlap": "%"}

    def splits(self) -> Splits:
        return box_splits(self.data, self.model.size)

    def network(self) -> BoxNetwork:
        return BoxNetwork(self.model).to(memory_format=torch.channels_last)

    def loss(self, network: BoxNetwork, batch: Batch) -> torch.Tensor:
        logits, boxes = network(as_input(batch["picture"]))
        bells, owner, ignored = _bells(batch, logits.shape[-1])
        people = (batch["box"][..., 2] > batch["box"][..., 0]).sum().clamp_min(1)
        chance = logits.float().sigmoid().clamp(1e-5, 1 - 1e-5)
        centre = bells > 0.999
        focal = torch.where(
            centre, -(1 - chance).square() * chance.log(), -((1 - bells) ** 4) * chance.square() * (1 - chance).log()
        )
        truth = batch["box"].gather(1, owner.flatten(1)[..., None].expand(-1, -1, 4)).view(boxes.shape)
        near = bells * (bells > 0.3)
        off = 1 - generalised_overlap(boxes, truth)
        return (focal * ~ignored).sum() / people + (near * off).sum() / near.sum().clamp_min(1)

    def figures(self, network: BoxNetwork, batch: Batch) -> dict[str, torch.Tensor]:
        rows = []
        for (boxes, scores), truth in zip(network.find(as_input(batch["picture"])), batch["box"], strict=True):
            truth = truth[truth[:, 2] > truth[:, 0]]
            rows.append(_compared(boxes[scores >= _SURE], truth))
        return {name: torch.stack([row[name] for row in rows]) for name in rows[0]}

    def about(self) -> str:
        size = self.model.size
        return (
            f"Finds everyone in a picture, brought to {size} by {size} pixels with its proportions kept: a box around "
            "what is seen of each person, and a score.\n\n"
            "Figures count boxes with a score of at least 0.5. A box is right where it overlaps a person's by half "
            "(intersection over union). `agreement` is the part of right ones among all that are true or said, "
            "`overlap` that with the nearest box of each person.\n\n"
            "It knows only people that were rendered: in real pictures it does worse than here. It is for motion "
            "capture, not for watching people."
        )


def overlap(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Intersection over union of boxes a (..., 4) and b (..., 4): left, top, right, bottom."""
    inter, union, _ = _areas(a, b)
    return inter / union.clamp_min(1e-9)


def generalised_overlap(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """-1..1: the overlap, less the part of the box around both that is in neither (equation 1 of the paper above)."""
    inter, union, hull = _areas(a, b)
    return inter / union.clamp_min(1e-9) - (hull - union) / hull.clamp_min(1e-9)


def apart(boxes: torch.Tensor, scores: torch.Tensor, most: float = 0.6) -> torch.Tensor:
    """Indices of the boxes (N, 4) that are kept, best first: each that overlaps no better one by more than `most`."""
    order, kept = scores.argsort(descending=True, stable=True), []
    between = overlap(boxes[:, None], boxes)
    for one in order.tolist():
        if all(between[one, other] <= most for other in kept):
            kept.append(one)
    return torch.tensor(kept, dtype=torch.long, device=boxes.device)


def _areas(a, b):
    """Of the intersection, the union and the box around both."""

    def area(low, high):
        return (high - low).clamp_min(0).prod(-1)

    inter = area(torch.maximum(a[..., :2], b[..., :2]), torch.minimum(a[..., 2:], b[..., 2:]))
    union = area(a[..., :2], a[..., 2:]) + area(b[..., :2], b[..., 2:]) - inter
    return inter, union, area(torch.minimum(a[..., :2], b[..., :2]), torch.maximum(a[..., 2:], b[..., 2:]))


def _bells(batch, cells):
    """What centres (B, S/8, S/8) should be, 1 at a person's and falling off with a sixth of the box (but at least two
    thirds of a cell); whose bell is highest there; and where nothing is asked because somebody there was cut away."""
    boxes = batch["box"].float() / STRIDES[_FINEST]
    there = boxes[..., 2] > boxes[..., 0]
    centre = ((boxes[..., :2] + boxes[..., 2:]) / 2).clamp(0, cells - 1e-3).floor() + 0.5
    spread = ((boxes[..., 2:] - boxes[..., :2]) / 12).clamp_min(2 / 3)
    grid = torch.arange(cells, device=boxes.device) + 0.5
    away = ((grid - centre[..., None]) / spread[..., None]).square()  # (B, N, 2, cells)
    bells = torch.exp(-0.5 * (away[:, :, 1, :, None] + away[:, :, 0, None, :])) * there[..., None, None]
    highest, owner = bells.max(1)
    cut = batch["cut"].float() / STRIDES[_FINEST]
    inside = (grid >= cut[..., :2, None]) & (grid < cut[..., 2:, None])
    ignored = (inside[:, :, 1, :, None] & inside[:, :, 0, None, :]).any(1)
    return highest, owner, ignored & (highest < 0.5)


def _compared(boxes, truth):
    """Figures of one picture."""
    nothing = boxes.new_tensor(torch.nan)
    between = overlap(truth[:, None], boxes)  # (people, said)
    right, free = 0, torch.ones(len(boxes), dtype=torch.bool, device=boxes.device)
    for row in between:  # best first: each box is said of one person only
        values = torch.where(free, row, -1.0)
        if len(values) and float(values.max()) >= _SAME:
            free[values.argmax()] = False
            right += 1
    either = len(truth) + len(boxes) - right
    best = between.max(1).values if between.numel() else boxes.new_zeros(len(truth))
    return {
        "agreement": boxes.new_tensor(right / either) if either else boxes.new_tensor(1.0),
        "recall": boxes.new_tensor(right / len(truth)) if len(truth) else nothing,
        "precision": boxes.new_tensor(right / len(boxes)) if len(boxes) else nothing,
        "overlap": best.mean() if len(truth) else nothing,
    }


def fitted_map(picture: np.ndarray, size: int) -> np.ndarray:
    """The map (2, 3) that brings all of a picture into `size` by `size` pixels, in the middle, proportions kept."""
    height, width = picture.shape[:2]
    scale = size / max(width, height)
    return np.array([[scale, 0, (size - scale * width) / 2], [0, scale, (size - scale * height) / 2]])
