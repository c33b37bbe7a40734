"""A small residual network (He et al. 2016, "Deep Residual Learning for Image Recognition"), and its features brought
back to a fine grid by a pyramid (Lin et al. 2017, "Feature Pyramid Networks for Object Detection").

It has batch norms: at inference they are folded into the convolutions (`folded`) and cost nothing, which a group norm
cannot be; batches of crops are large enough for them.
"""

import copy

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

STRIDES = (4, 8, 16, 32)
"""Pixels of the picture for a cell of each stage's features."""


class ResNet(nn.Module):
    """Pictures (B, 3, H, W), H and W multiples of 32, to features of four stages, each (B, C, H/stride, W/stride).

    Args:
        widths: channels of the stages.
        blocks: residual blocks of the stages.
    """

    def __init__(self, widths: tuple[int, ...] = (32, 64, 128, 256), blocks: tuple[int, ...] = (2, 2, 3, 3)):
        super().__init__()
        if not len(widths) == len(blocks) == len(STRIDES):
            raise ValueError(f"a network has {len(STRIDES)} stages, not {len(widths)} widths and {len(blocks)} blocks")
        self.stem = nn.Sequential(convolution(3, widths[0], 7, stride=2), nn.ReLU(), nn.MaxPool2d(3, 2, padding=1))
        before = (widths[0], *widths)
        self.stages = nn.ModuleList(
            nn.Sequential(
                *(_Block(before[at] if one == 0 else width, width, 2 if at and not one else 1) for one in range(count))
            )
            for at, (width, count) in enumerate(zip(widths, blocks, strict=True))
        )

    def forward(self, pictures: torch.Tensor) -> list[torch.Tensor]:
        features, found = self.stem(pictures), []
        for stage in self.stages:
            features = stage(features)
            found.append(features)
        return found


class Pyramid(nn.Module):
    """Features of a ResNet's stages, from coarse to fine, added up on the grid of stage `finest`.

    Args:
        widths: channels of the stages.
        width: channels of the result.
        finest: index of the stage whose grid the result has.
    """

    def __init__(self, widths: tuple[int, ...], width: int, finest: int = 0):
        super().__init__()
        self.finest = finest
        self.across = nn.ModuleList(convolution(one, width, 1) for one in widths[finest:])
        self.smooth = nn.ModuleList(nn.Sequential(nn.ReLU(), convolution(width, width, 3)) for _ in widths[finest:-1])

    def forward(self, features: list[torch.Tensor]) -> torch.Tensor:
        *finer, coarsest = (across(one) for across, one in zip(self.across, features[self.finest :], strict=True))
        for smooth, one in zip(reversed(self.smooth), reversed(finer), strict=True):
            coarsest = smooth(one + nn.functional.interpolate(coarsest, scale_factor=2.0, mode="nearest"))
        return torch.relu(coarsest)


class _Block(nn.Module):
    """Two convolutions beside a short cut."""

    def __init__(self, before, width, stride):
        super().__init__()
        self.first = convolution(before, width, 3, stride)
        self.second = convolution(width, width, 3)
        # The block begins as its short cut, which eases the first steps (Goyal et al. 2017, section 5.1).
        nn.init.zeros_(self.second[1].weight)
        same = stride == 1 and before == width
        self.short = nn.Identity() if same else convolution(before, width, 1, stride)

    def forward(self, features):
        return torch.relu(self.second(torch.relu(self.first(features))) + self.short(features))


def convolution(before: int, width: int, size: int, stride: int = 1) -> nn.Sequential:
    """A convolution and its batch norm."""
    layer = nn.Conv2d(before, width, size, stride, padding=size // 2, bias=False)
    nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    return nn.Sequential(layer, nn.BatchNorm2d(width))


def folded(network: nn.Module) -> nn.Module:
    """A copy for inference: batch norms folded into the convolutions before them, channels last in memory."""
    network = copy.deepcopy(network).eval()
    for module in list(network.modules()):
        if isinstance(module, nn.Sequential) and len(module) > 1:
            for at in range(len(module) - 1):
                if isinstance(module[at], nn.Conv2d) and isinstance(module[at + 1], nn.BatchNorm2d):
                    module[at] = fuse_conv_bn_eval(module[at], module[at + 1])
                    module[at + 1] = nn.Identity()
    return network.to(memory_format=torch.channels_last).requires_grad_(False)


def as_input(pictures: torch.Tensor) -> torch.Tensor:
    """Pictures (B, H, W, 3) from 0 to 255 as a network's input (B, 3, H, W), about -1 to 1."""
    return (pictures.permute(0, 3, 1, 2).float() - 127.5) / 64.0
