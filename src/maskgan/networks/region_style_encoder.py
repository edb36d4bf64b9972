"""The edit network's style encoder: a style code for each region of a face."""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from maskgan.config import EditNetworkConfig
from maskgan.networks.edit_layers import DownBlock
from maskgan.networks.regions import downsample, num_regions

_HALF_WEIGHT_CELLS = 4.0  # feature cells of a region at which its own statistics count half
_COLOUR_CELL = 2  # pixels of the coarse picture a side: in a feature's cell an eye is mixed with the skin around it


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
        factor = int(image.shape[2]) // int(x.shape[2])
        features = F.silu(self.features(x)).float()
        shares = downsample(regions, factor).float()
        # Colours as they are, too: normalised features tell them badly.
        statistics = _joined(_mean_and_deviation(features, shares), region_colours(image, regions))
        own = torch.einsum("nrc,rcs->nrs", statistics, self.own.float())
        everywhere = torch.ones_like(regions[:, :1])
        whole = _joined(
            _mean_and_deviation(features, downsample(everywhere, factor).float()), region_colours(image, everywhere)
        )
        predicted = self.from_summary(whole.flatten(1)).view(-1, *self.shape)
        sizes = shares.flatten(2).sum(dim=2, keepdim=True)
        presence = sizes / (sizes + _HALF_WEIGHT_CELLS)
        if dropped is not None:
            presence = presence * ~dropped[..., None]
        return presence * own + predicted


def region_colours(image: Tensor, regions: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of N x 3 x H x W in each of N x R x H x W regions: N x R x 3 each."""
    return _mean_and_deviation(downsample(image.float(), _COLOUR_CELL), downsample(regions, _COLOUR_CELL).float())


def _joined(features: tuple[Tensor, Tensor], colours: tuple[Tensor, Tensor]) -> Tensor:
    """Means of features and of colours, then their standard deviations: N x R x 2(C + 3)."""
    return torch.cat([features[0], colours[0], features[1], colours[1]], dim=2)


def _mean_and_deviation(values: Tensor, shares: Tensor) -> tuple[Tensor, Tensor]:
    """Weighted mean and standard deviation of N x C x h x w, for shares N x R x h x w: N x R x C each."""
    # In float32: the mean of squares minus the square of the mean has few digits of its own.
    with torch.autocast(values.device.type, enabled=False):
        weights = shares.flatten(2)
        weights = weights / (weights.sum(dim=2, keepdim=True) + 1e-3)
        pixels = values.flatten(2).transpose(1, 2)
        mean, square = torch.bmm(weights, pixels), torch.bmm(weights, pixels.square())
        return mean, (square - mean.square()).clamp_min(0).add(1e-4).sqrt()
