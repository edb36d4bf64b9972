"""Per-region style codes beside the style of the whole face: regions of a mask, their encoder, their modulation.

Source: one code per class as in SEAN (Zhu et al., CVPR 2020). Differences: skin is split further, because make-up and
beards cover parts of it; the code of a region that the face lacks is predicted from the whole face; codes can be
applied to an image of any shape.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from maskgan.face_parts import BROWS, EYES, MOUTH, SKIN
from maskgan.networks.tracing import is_traced

_GRID = 32  # cells on the longer side; distances on the skin are measured in them
_AROUND_MOUTH = 3  # cells: as far as beards and moustaches grow
_AROUND_EYES = 2  # cells: eye shadow, and the rings under the eyes
_SKIN_PARTS = 2  # regions split off from skin

_DROP_RATE = 0.15  # of regions whose own features are dropped in training
_HALF_WEIGHT_CELLS = 4.0  # region size at which its own features are weighted by one half


def num_regions(num_classes: int) -> int:
    """Number of regions: one per class, skin around the mouth, skin around the eyes."""
    return num_classes + _SKIN_PARTS


def region_indices(labels: Iterable[int], num_classes: int) -> list[int]:
    """Indices of the regions that show these classes; skin includes the regions split off from it."""
    regions = list(labels)
    return [*regions, *range(num_classes, num_regions(num_classes))] if SKIN in regions else regions


def mask_to_regions(mask: Tensor) -> Tensor:
    """Soft region masks, N x (num_classes + 2) x H x W summing to 1 at each pixel, of N x num_classes x H x W one-hot.

    As the classes, except that skin near the mouth, then skin near eyes and brows, is split off with soft borders.
    """
    height, width = mask.shape[2:]
    cells = _cell_maxima(mask, MOUTH, (*EYES, *BROWS))
    near = torch.cat([_dilate(cells[:, :1], _AROUND_MOUTH), _dilate(cells[:, 1:], _AROUND_EYES)], dim=1)
    near = F.interpolate(near, size=(height, width), mode="bilinear", align_corners=False)
    skin = mask[:, SKIN : SKIN + 1]
    around_mouth = skin * near[:, :1]
    around_eyes = (skin - around_mouth) * near[:, 1:]
    rest = skin - around_mouth - around_eyes
    if is_traced():
        return torch.cat([mask[:, :SKIN], rest, mask[:, SKIN + 1 :], around_mouth, around_eyes], dim=1)
    # Written to their places: channels last, joining parts takes several times as long.
    classes = mask.shape[1]
    shape = (mask.shape[0], num_regions(classes), height, width)
    regions = torch.empty(shape, dtype=mask.dtype, device=mask.device, memory_format=torch.channels_last)
    for part, start in ((mask, 0), (rest, SKIN), (around_mouth, classes), (around_eyes, classes + 1)):
        regions[:, start : start + part.shape[1]] = part
    return regions


def _cell_maxima(mask: Tensor, *parts: Iterable[int]) -> Tensor:
    """Which cells of a 32nd of the longer side show any class of each of P parts, N x P x H/cell x W/cell."""
    if is_traced():
        return _traced_cell_maxima(_maxima(mask, parts))
    height, width = mask.shape[2:]
    cell = max(max(height, width) // _GRID, 1)
    # Cells first: channels last, all classes are pooled faster than a few are picked out.
    return _maxima(F.adaptive_max_pool2d(mask, (height // cell, width // cell)), parts)


def _maxima(mask: Tensor, parts: Iterable[Iterable[int]]) -> Tensor:
    """Where any class of each of P parts lies, N x P x H x W."""
    return torch.cat([reduce(torch.maximum, (mask[:, i : i + 1] for i in labels)) for labels in parts], dim=1)


def _traced_cell_maxima(x: Tensor) -> Tensor:
    """The same while a graph is traced, where sizes are tensors and stay free; both are multiples of the cell."""
    sizes: tuple[Any, ...] = x.shape
    n, c, h, w = sizes
    cell: Any = torch.maximum(h, w) // _GRID
    return x.reshape(n, c, h // cell, cell, w // cell, cell).amax((3, 5))


def _dilate(cells: Tensor, radius: int) -> Tensor:
    return F.max_pool2d(cells, 2 * radius + 1, stride=1, padding=radius)


class RegionEncoder(nn.Module):
    """Pools a style code for each region from feature maps; falls back to the global summary for absent regions."""

    def __init__(self, channels: int, summary_size: int, regions: int, code_size: int) -> None:
        super().__init__()
        self.shape = (regions, code_size)
        self.conv = nn.Conv2d(channels, channels, 3, padding=1, padding_mode="reflect")
        self.own = nn.Parameter(torch.randn(regions, channels, code_size) * channels**-0.5)
        self.from_summary = nn.Linear(summary_size, regions * code_size)

    def forward(self, features: Tensor, summary: Tensor, regions: Tensor) -> Tensor:
        """Encode all regions.

        In training random regions are treated as absent, so that codes predicted from the summary are learnt too.

        Args:
            features: N x channels x h x w.
            summary: N x summary_size.
            regions: from ``mask_to_regions``, N x regions x H x W with H and W multiples of h and w.

        Returns:
            N x regions x code_size.
        """
        features = F.relu(self.conv(features))
        shares = downsample(regions, int(regions.shape[2]) // int(features.shape[2])).float().flatten(2)
        sizes = shares.sum(dim=2, keepdim=True)
        means = torch.bmm(shares / (sizes + 1e-3), features.flatten(2).transpose(1, 2).to(shares.dtype))
        own = torch.einsum("nrc,rcs->nrs", means, self.own).float()
        presence = sizes / (sizes + _HALF_WEIGHT_CELLS)
        if self.training:
            presence = presence * (torch.rand_like(presence) >= _DROP_RATE)
        return presence * own + self.from_summary(summary).float().reshape(-1, *self.shape)


def downsample(planes: Tensor, factor: int) -> Tensor:
    """Average pooling by ``factor``: of regions, their share of every cell."""
    return F.avg_pool2d(planes, factor) if factor > 1 else planes


def downsample_pyramid(regions: Tensor, count: int) -> list[Tensor]:
    """``regions`` downsampled by 2**(count - 1), ..., 4, 2 and 1, coarsest first."""
    levels = [regions]
    for _ in range(count - 1):
        levels.append(downsample(levels[-1], 2))
    return levels[::-1]


class RegionModulation(nn.Module):
    """Maps region codes to a per-pixel shift and scale of one layer (the modulation of ``adain``)."""

    def __init__(self, code_size: int, channels: int) -> None:
        super().__init__()
        self.to_shift = nn.Linear(code_size, channels)
        self.to_scale = nn.Linear(code_size, channels)

    def forward(
        self, codes: Tensor, shares: Tensor, shift: Tensor | None, scale: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Add the modulation of the regions to that of the whole face.

        Args:
            codes: N x regions x code_size.
            shares: region masks at the size of the layer, N x regions x h x w, summing to 1 at each pixel.
            shift: of the whole face, N x channels; ``None`` for 0.
            scale: of the whole face, N x channels; ``None`` for 1.

        Returns:
            Shift and scale, N x channels x h x w each.
        """
        shifts, scales = self.to_shift(codes), self.to_scale(codes)
        shifts = shifts if shift is None else shifts + shift[:, None]
        scales = scales + (1 if scale is None else scale[:, None])
        return _spread(shifts, shares), _spread(scales, shares)


def _spread(values: Tensor, shares: Tensor) -> Tensor:
    """Scatter N x regions x C to the pixels of each region: N x C x h x w in channels-last memory."""
    pixels = shares.permute(0, 2, 3, 1).flatten(1, 2)
    spread = torch.bmm(pixels.to(values.dtype), values)
    return spread.reshape(shares.shape[0], *shares.shape[2:], -1).permute(0, 3, 1, 2)
