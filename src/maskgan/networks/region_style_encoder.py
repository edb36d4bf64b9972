"""The edit network's style encoder: a style code for each region of a face."""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from maskgan.config import EditNetworkConfig
from maskgan.networks.edit_layers import DownBlock
from maskgan.networks.regions import downsample, num_regions

_SMALL = 4.0  # feature cells of a region at which its own statistics count half


class RegionStyleEncoder(nn.Module):
    """A style code for each region from the statistics of its features; for an absent region, from those of the whole.

    Mean and standard deviation over a region describe its colour and texture wherever it lies, so codes can be moved
    between faces.
    """

    def __init__(self, config: EditNetworkConfig) -> None:
        super().__init__()
        widths = [config.encoder_channels * 2**i for i in range(3)]
        self.stem = nn.Conv2d(12, widths[0], 3, padding=1)
        self.down = nn.ModuleList(DownBlock(a, b) for a, b in pairwise(widths))
        self.features = nn.Conv2d(widths[-1], widths[-1], 3, padding=1)
        statistics = 2 * (widths[-1] + 3)
        self.shape = (num_regions(config.num_classes), config.code_size)
        self.own = nn.Parameter(torch.randn(self.shape[0], statistics, config.code_size) * statistics**-0.5)
        self.from_summary = nn.Linear(statistics, self.shape[0] * config.code_size)

    def forward(self, image: Tensor, regions: Tensor, dropped: Tensor | None = None) -> Tensor:
        """Encode faces.

        Args:
            image: N x 3 x H x W in [-1, 1].
            regions: of ``mask_to_regions``, N x regions x H x W.
            dropped: regions to take for absent, N x regions, bool; so training learns codes of what a face lacks.

        Returns:
            N x regions x code_size, float32.
        """
        x = F.silu(self.stem(F.pixel_unshuffle(image, 2)))
        for block in self.down:
            x = block(x)
        # Colours as they are, too: normalised features tell them badly.
        factor = int(image.shape[2]) // int(x.shape[2])
        colours = downsample(image.float(), factor)
        features = torch.cat([F.silu(self.features(x)).float(), colours], dim=1).flatten(2).transpose(1, 2)
        shares = downsample(regions, factor).float().flatten(2)
        sizes = shares.sum(dim=2, keepdim=True)
        own = torch.einsum("nrc,rcs->nrs", _statistics(features, shares / (sizes + 1e-3)), self.own.float())
        everywhere = torch.full_like(shares[:, :1], 1 / shares.shape[2])
        summary = _statistics(features, everywhere).flatten(1)
        predicted = F.linear(summary, self.from_summary.weight, self.from_summary.bias).view(-1, *self.shape)
        presence = sizes / (sizes + _SMALL)
        if dropped is not None:
            presence = presence * ~dropped[..., None]
        return presence * own + predicted


def _statistics(features: Tensor, weights: Tensor) -> Tensor:
    """Weighted mean and standard deviation of N x P x C over P, for weights N x R x P: N x R x 2C."""
    mean = torch.bmm(weights, features)
    square = torch.bmm(weights, features.square())
    return torch.cat([mean, (square - mean.square()).clamp_min(0).add(1e-4).sqrt()], dim=2)
