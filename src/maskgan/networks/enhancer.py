"""Super-resolution by 2 for synthesised faces: adds the octave of detail that the network's resolution lacks.

Not in the paper, whose network works at 512 px throughout. In the place of Pix2PixHD's local enhancer (section 3.1
there), but on top of the finished image: only detail is added, so identity and colour stay.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from maskgan.config import EnhancerConfig
from maskgan.networks.layers import initialise_fan_in


class _Block(nn.Module):
    """Residual block of two 3x3 convolutions; without normalisation, which would discard contrast (EDSR)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv2(F.relu(self.conv1(x)))


class Enhancer(nn.Module):
    """Doubles height and width of an image, given its mask. Untrained, it is bicubic interpolation."""

    def __init__(self, config: EnhancerConfig) -> None:
        super().__init__()
        self.config = config
        self.stem = nn.Conv2d(3 + config.num_classes, config.base_channels, 3, padding=1)
        self.blocks = nn.ModuleList(_Block(config.base_channels) for _ in range(config.residual_blocks))
        self.head = nn.Conv2d(config.base_channels, 3 * 4, 3, padding=1)
        initialise_fan_in(self)
        nn.init.zeros_(self.head.weight)

    def forward(self, picture: Tensor, mask: Tensor) -> Tensor:
        """Add detail.

        Args:
            picture: N x 3 x H x W in [-1, 1].
            mask: its own, one-hot, N x num_classes x H x W.

        Returns:
            N x 3 x 2H x 2W; 2H and 2W must be multiples of ``config.cell``. The mean of each cell is that of the input.
            Single pixels may lie slightly outside [-1, 1].
        """
        x = self.stem(torch.cat([picture, mask.to(picture.dtype)], dim=1))
        for block in self.blocks:
            x = block(x)
        detail = F.pixel_shuffle(self.head(F.relu(x)), 2).to(picture.dtype)
        # The kernel of antialias=True continues a ramp as a ramp; the other one does not.
        sharp = detail + F.interpolate(picture, scale_factor=2, mode="bicubic", antialias=True)
        cell = self.config.cell
        missing = F.avg_pool2d(picture, cell // 2) - F.avg_pool2d(sharp, cell)
        return sharp + F.interpolate(missing, scale_factor=cell, mode="nearest")
