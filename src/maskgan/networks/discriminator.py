"""Conditional PatchGAN discriminators at several scales, with the hidden features for feature matching.

Source: supplement, section A (IN on all layers); as in the reference code, the first layer has none, the fourth
has stride 1, and a last convolution maps to one channel.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from maskgan.config import DiscriminatorConfig
from maskgan.networks.layers import adain, channel_schedule, initialise_normal


class PatchOutput(NamedTuple):
    """Output of one discriminator.

    Attributes:
        features: of each hidden layer, N x C x h x w.
        logits: one per patch, N x 1 x h x w; high for real.
    """

    features: list[Tensor]
    logits: Tensor


class PatchDiscriminator(nn.Module):
    """4x4 convolutions that classify overlapping patches as real or fake."""

    def __init__(self, in_channels: int, base_channels: int, layers: int) -> None:
        super().__init__()
        widths = [in_channels, *channel_schedule(base_channels, 8 * base_channels, layers + 1)]
        self.convs = nn.ModuleList(
            nn.Conv2d(a, b, 4, stride=2 if i < layers else 1, padding=2) for i, (a, b) in enumerate(pairwise(widths))
        )
        self.head = nn.Conv2d(widths[-1], 1, 4, padding=2)

    def forward(self, x: Tensor) -> PatchOutput:
        """Classify the patches of N x in_channels x H x W."""
        features = []
        for i, conv in enumerate(self.convs):
            x = conv(x)
            x = F.leaky_relu(adain(x) if i else x, 0.2)
            features.append(x)
        return PatchOutput(features, self.head(x))


class MultiscaleDiscriminator(nn.Module):
    """One ``PatchDiscriminator`` per scale; each sees half the resolution of the one before."""

    def __init__(self, config: DiscriminatorConfig) -> None:
        super().__init__()
        self.config = config
        self.scales = nn.ModuleList(
            PatchDiscriminator(config.num_classes + 3, config.base_channels, config.layers)
            for _ in range(config.scales)
        )
        initialise_normal(self)

    def forward(self, mask: Tensor, image: Tensor) -> list[PatchOutput]:
        """Classify images, conditioned on their masks.

        Args:
            mask: one-hot, N x num_classes x H x W.
            image: N x 3 x H x W in [-1, 1].

        Returns:
            One output per scale, finest first.
        """
        x = torch.cat([mask, image], dim=1)
        outputs = []
        for i, scale in enumerate(self.scales):
            if i:
                x = F.avg_pool2d(x, 3, stride=2, padding=1, count_include_pad=False)
            outputs.append(scale(x))
        return outputs
