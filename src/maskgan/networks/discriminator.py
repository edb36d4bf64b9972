"""Conditional PatchGAN discriminators at several scales, with the features that feature matching compares.

Source: supplement, section A (IN on all layers); as in the reference code, the first layer has none, the fourth
has stride 1, and a last convolution maps to one channel.
"""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from maskgan.config import DiscriminatorConfig
from maskgan.networks.layers import doubling, initialise_normal, normalised


class PatchDiscriminator(nn.Module):
    """4x4 convolutions that judge overlapping patches as real or made."""

    def __init__(self, in_channels: int, base_channels: int, layers: int) -> None:
        super().__init__()
        widths = [in_channels, *doubling(base_channels, 8 * base_channels, layers + 1)]
        self.convs = nn.ModuleList(
            nn.Conv2d(a, b, 4, stride=2 if i < layers else 1, padding=2) for i, (a, b) in enumerate(pairwise(widths))
        )
        self.head = nn.Conv2d(widths[-1], 1, 4, padding=2)

    def forward(self, x: Tensor) -> list[Tensor]:
        """N x in_channels x H x W to the features of every layer; the last is the N x 1 x h x w verdict."""
        features = []
        for i, conv in enumerate(self.convs):
            x = conv(x)
            x = F.leaky_relu(normalised(x) if i else x, 0.2)
            features.append(x)
        return [*features, self.head(x)]


class MultiscaleDiscriminator(nn.Module):
    """One ``PatchDiscriminator`` a scale; each sees half the resolution of the one before."""

    def __init__(self, config: DiscriminatorConfig) -> None:
        super().__init__()
        self.config = config
        self.scales = nn.ModuleList(
            PatchDiscriminator(config.num_classes + 3, config.base_channels, config.layers)
            for _ in range(config.scales)
        )
        initialise_normal(self)

    def forward(self, mask: Tensor, image: Tensor) -> list[list[Tensor]]:
        """Judge images under their masks.

        Args:
            mask: one-hot, N x num_classes x H x W.
            image: N x 3 x H x W in [-1, 1].

        Returns:
            For each scale, finest first, the features of every layer; the last of them is the verdict.
        """
        x = torch.cat([mask, image], dim=1)
        judged = []
        for i, scale in enumerate(self.scales):
            if i:
                x = F.avg_pool2d(x, 3, stride=2, padding=1, count_include_pad=False)
            judged.append(scale(x))
        return judged
