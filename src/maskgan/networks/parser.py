"""The face parser: a U-Net from a face to its mask.

Source: the reference's parser (a quarter of U-Net's channels, transposed convolutions, batch normalisation).
"""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from maskgan.config import ParserConfig
from maskgan.labels import MIRROR


class _DoubleConv(nn.Module):
    """Two 3x3 convolutions, each with batch normalisation and ReLU."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.norm1(self.conv1(x)))
        return F.relu(self.norm2(self.conv2(x)))


class FaceParser(nn.Module):
    """Logits of the 19 classes for each pixel; side lengths must be multiples of ``2**downsamplings``."""

    def __init__(self, config: ParserConfig) -> None:
        super().__init__()
        self.config = config
        widths = [config.base_channels * 2**i for i in range(config.downsamplings + 1)]
        self.down = nn.ModuleList(_DoubleConv(a, b) for a, b in pairwise([3, *widths]))
        self.up = nn.ModuleList(nn.ConvTranspose2d(a, b, 2, stride=2) for a, b in pairwise(widths[::-1]))
        self.merge = nn.ModuleList(_DoubleConv(2 * width, width) for width in widths[-2::-1])
        self.head = nn.Conv2d(widths[0], config.num_classes, 1)

    def forward(self, image: Tensor) -> Tensor:
        """N x 3 x H x W in [-1, 1] to N x num_classes x H x W."""
        skips = []
        x = image
        for i, block in enumerate(self.down):
            x = block(x if i == 0 else F.max_pool2d(x, 2))
            skips.append(x)
        skips.pop()
        for up, merge in zip(self.up, self.merge, strict=True):
            x = merge(torch.cat([skips.pop(), up(x)], dim=1))
        return self.head(x)

    def mirror_averaged(self, image: Tensor) -> Tensor:
        """Log probabilities of the classes, N x num_classes x H x W: the mean over the picture and its mirror image.

        That errs less than the picture alone.

        Args:
            image: N x 3 x H x W in [-1, 1].
        """
        own, mirrored = self(torch.cat([image, image.flip(3)])).softmax(1).chunk(2)
        swapped = mirrored.flip(3)[:, MIRROR[: self.config.num_classes].tolist()]
        return ((own + swapped) / 2).clamp_min(torch.finfo(own.dtype).tiny).log()
