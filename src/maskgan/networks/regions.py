"""Style codes of regions, beside the one of the whole face: where they lie, how they are read, how they modulate.

Source: one code a class is the idea of SEAN (Zhu et al., CVPR 2020). Here skin is divided further, because make-up and
beards are worn in parts of it, a region that the face lacks gets its code from the whole face, and a picture of any
shape can take the codes of any other.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from maskgan.labels import INDEX

_GRID = 32  # cells on the longer side; distances on the skin are measured in them
_AROUND_MOUTH = 3  # cells: as far as beards and moustaches grow
_AROUND_EYES = 2  # cells: eye shadow, and the rings under the eyes
_MOUTH = [INDEX[name] for name in ("mouth", "u_lip", "l_lip")]
_EYES = [INDEX[name] for name in ("l_eye", "r_eye", "l_brow", "r_brow")]
_SKIN = INDEX["skin"]
_SKIN_PARTS = 2  # regions that skin gives away

_ABSENT = 0.15  # share of regions that are taken for absent in training
_SMALL = 4.0  # cells of a region at which its own features count half


def num_regions(num_classes: int) -> int:
    """How many there are: the classes, skin around the mouth and skin around the eyes."""
    return num_classes + _SKIN_PARTS


def regions_of(labels: Iterable[int], num_classes: int) -> list[int]:
    """Which of ``num_regions`` show these classes: skin brings all of its parts."""
    regions = list(labels)
    return [*regions, *range(num_classes, num_regions(num_classes))] if _SKIN in regions else regions


def divide(mask: Tensor) -> Tensor:
    """Regions of a one-hot mask, N x num_classes x H x W, as N x (num_classes + 2) x H x W that sum to 1 everywhere.

    Class by class as in the mask, but that skin near the mouth, and then skin near the eyes and brows, is taken from
    skin, with soft borders.
    """
    height, width = mask.shape[2:]
    cell = max(max(height, width) // _GRID, 1)
    cells = F.adaptive_max_pool2d(
        torch.stack([mask[:, _MOUTH].amax(1), mask[:, _EYES].amax(1)], dim=1), (height // cell, width // cell)
    )
    near = torch.cat([_grown(cells[:, :1], _AROUND_MOUTH), _grown(cells[:, 1:], _AROUND_EYES)], dim=1)
    near = F.interpolate(near, size=(height, width), mode="bilinear", align_corners=False)
    skin = mask[:, _SKIN : _SKIN + 1]
    around_mouth = skin * near[:, :1]
    around_eyes = (skin - around_mouth) * near[:, 1:]
    rest = skin - around_mouth - around_eyes
    regions = torch.cat([mask[:, :_SKIN], rest, mask[:, _SKIN + 1 :], around_mouth, around_eyes], dim=1)
    return regions.contiguous(memory_format=torch.channels_last)


def _grown(cells: Tensor, by: int) -> Tensor:
    return F.max_pool2d(cells, 2 * by + 1, stride=1, padding=by)


class RegionEncoder(nn.Module):
    """Reads a code for each region from feature maps; for a region that is absent, from the summary of the whole."""

    def __init__(self, channels: int, summary_size: int, regions: int, code_size: int) -> None:
        super().__init__()
        self.shape = (regions, code_size)
        self.conv = nn.Conv2d(channels, channels, 3, padding=1, padding_mode="reflect")
        self.own = nn.Parameter(torch.randn(regions, channels, code_size) * channels**-0.5)
        self.from_summary = nn.Linear(summary_size, regions * code_size)

    def forward(self, features: Tensor, summary: Tensor, regions: Tensor) -> Tensor:
        """Codes of all regions.

        In training some regions are taken for absent, at random, so that codes from the summary are learnt too.

        Args:
            features: N x channels x h x w.
            summary: N x summary_size.
            regions: of ``divide``, N x regions x H x W with H and W multiples of h and w.

        Returns:
            N x regions x code_size.
        """
        features = F.relu(self.conv(features))
        shares = shrunk(regions, regions.shape[2] // features.shape[2]).float().flatten(2)
        sizes = shares.sum(dim=2, keepdim=True)
        means = torch.bmm(shares / (sizes + 1e-3), features.flatten(2).transpose(1, 2).to(shares.dtype))
        own = torch.einsum("nrc,rcs->nrs", means, self.own).float()
        presence = sizes / (sizes + _SMALL)
        if self.training:
            presence = presence * (torch.rand_like(presence) >= _ABSENT)
        return presence * own + self.from_summary(summary).float().reshape(-1, *self.shape)


def shrunk(regions: Tensor, factor: int) -> Tensor:
    """Each region's share of every cell of ``factor`` pixels' side."""
    return F.avg_pool2d(regions, factor) if factor > 1 else regions


def pyramid(regions: Tensor, levels: int) -> list[Tensor]:
    """``shrunk`` by 2**(levels - 1), ..., 4, 2 and 1, each from the next."""
    found = [regions]
    for _ in range(levels - 1):
        found.append(shrunk(found[-1], 2))
    return found[::-1]


class RegionModulation(nn.Module):
    """From the regions' codes to a shift and a scale of each feature at each pixel of one layer."""

    def __init__(self, code_size: int, channels: int) -> None:
        super().__init__()
        self.to_shift = nn.Linear(code_size, channels)
        self.to_scale = nn.Linear(code_size, channels)

    def forward(
        self, codes: Tensor, shares: Tensor, shift: Tensor | None, scale: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Add what the regions ask for to what the whole face's style does.

        Args:
            codes: N x regions x code_size.
            shares: of the regions in each pixel, N x regions x h x w, which sum to 1.
            shift: of the whole face, N x channels; 0 if absent.
            scale: of the whole face, N x channels; 1 if absent.

        Returns:
            Shift and scale, N x channels x h x w each.
        """
        shifts, scales = self.to_shift(codes), self.to_scale(codes)
        shifts = shifts if shift is None else shifts + shift[:, None]
        scales = scales + (1 if scale is None else scale[:, None])
        return _spread(shifts, shares), _spread(scales, shares)


def _spread(values: Tensor, shares: Tensor) -> Tensor:
    """N x regions x C to N x C x h x w, channels last in memory: each pixel gets what its regions have."""
    pixels = shares.permute(0, 2, 3, 1).flatten(1, 2)
    spread = torch.bmm(pixels.to(values.dtype), values)
    return spread.reshape(len(shares), *shares.shape[2:], -1).permute(0, 3, 1, 2)
