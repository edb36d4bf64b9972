"""The edit network: a photograph with a hole, the mask of the edit and the style of each region to a whole picture.

A coarse network draws at half of the picture's side, and a thin detail level adds what only full resolution shows, as
the global generator and the local enhancer of Pix2PixHD (Wang et al., CVPR 2018, section 3.1); that keeps 512 px
affordable on a CPU.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from maskgan.config import EditNetworkConfig
from maskgan.networks.edit_layers import (
    DownBlock,
    RegionPixelNorm,
    ResidualBlock,
    SelfAttention,
    UpBlock,
    pixel_norm,
    upsample_conv,
)
from maskgan.networks.region_style_encoder import RegionStyleEncoder
from maskgan.networks.regions import downsample, downsample_pyramid, mask_to_regions, num_regions, region_indices

_LOCAL_LEVELS = 2  # last levels of the decoder: their pixels depend on near ones, so a window can be drawn by itself
_DETAIL_REACH = 8  # pixels around one that the detail level looks at, at most


class CoarseDrawing(NamedTuple):
    """What the coarse network hands to the detail level.

    Attributes:
        image: N x 3 x H x W, float32: the photograph outside of the hole.
        features: N x base_channels x H/2 x W/2.
        fine: N x base_channels/4 x H x W.
        regions: of the mask, N x regions x H x W.
    """

    image: Tensor
    features: Tensor
    fine: Tensor
    regions: Tensor


class CoarseEditNetwork(nn.Module):
    """A U-Net whose skips bring the surroundings of the hole to its border.

    Each pixel is normalised over its channels, never a channel over the picture: absolute colours of the context
    survive, and no feature can tower above the rest of its map, which is where droplet artefacts come from (Karras et
    al., CVPR 2020, section 2). Decoder layers are modulated region by region with style codes, as in SEAN (Zhu et al.,
    CVPR 2020). It works at half of the picture's side behind a pixel-unshuffle stem (Shi et al., CVPR 2016).
    """

    def __init__(self, config: EditNetworkConfig) -> None:
        super().__init__()
        self.config = config
        widths = [min(config.base_channels * 2**i, config.max_channels) for i in range(config.downsamplings + 1)]
        self.style_encoder = RegionStyleEncoder(config)
        self.stem = nn.Conv2d(4 * 4 + config.num_classes, widths[0], 3, padding=1)
        self.down = nn.ModuleList(DownBlock(a, b) for a, b in pairwise(widths))
        self.attention = SelfAttention(widths[-1])
        self.residual = nn.ModuleList(
            ResidualBlock(widths[-1], config.code_size) for _ in range(config.residual_blocks)
        )
        self.up = nn.ModuleList(UpBlock(a, b, config.code_size) for a, b in pairwise(widths[::-1]))
        fine = widths[0] // 4
        self.to_fine = nn.Conv2d(widths[0], 4 * fine, 1)
        self.refine = nn.Conv2d(fine + 4, fine, 3, padding=1)
        self.head = nn.Conv2d(fine + 4, 3, 3, padding=1)
        _initialise(self)
        nn.init.normal_(self.head.weight, 0.0, 0.02)

    @property
    def size_multiple(self) -> int:
        """Height and width of pictures must be multiples of this."""
        return int(2 ** (self.config.downsamplings + 1))

    @property
    def window_cell(self) -> int:
        """Pixels a side of the cells that windows of ``draw`` are made of."""
        return int(2 ** (self._local_levels + 1))

    @property
    def window_margin(self) -> int:
        """Pixels from the border of a window within which ``draw`` differs from what it draws without a window."""
        # Two 3x3 convolutions at the full side, and at each level one and an enlarging one.
        return 2 + sum(2 * 2**level for level in range(1, self._local_levels + 1))

    @property
    def _local_levels(self) -> int:
        return min(_LOCAL_LEVELS, len(self.up))

    def part_of_style(self, labels: Iterable[int]) -> Tensor:
        """See ``EditNetwork.part_of_style``."""
        chosen = torch.zeros(num_regions(self.config.num_classes), dtype=torch.bool)
        chosen[region_indices(labels, self.config.num_classes)] = True
        return chosen.repeat_interleave(self.config.code_size)

    def encode_style(self, image: Tensor, mask: Tensor, dropped: Tensor | None = None) -> Tensor:
        """See ``EditNetwork.encode_style``."""
        return self.style_encoder(image, mask_to_regions(mask), dropped).flatten(1)

    def window(self, hole: Tensor) -> Tensor | None:
        """See ``EditNetwork.window``."""
        return _window_around(hole, self.window_cell, self.window_margin)

    def forward(self, mask: Tensor, style: Tensor, image: Tensor, hole: Tensor, window: Tensor | None = None) -> Tensor:
        """See ``EditNetwork.forward``."""
        return _put(image, self.draw(mask, style, image, hole, window).image, window, self.window_cell)

    def draw(
        self, mask: Tensor, style: Tensor, image: Tensor, hole: Tensor, window: Tensor | None = None
    ) -> CoarseDrawing:
        """The picture and the features that it was drawn from; other arguments as for ``forward``.

        Args:
            mask: see ``EditNetwork.forward``.
            style: see there.
            image: see there.
            hole: see there.
            window: top, bottom, left and right of what to draw, int64, in cells of ``window_cell`` pixels; what is
                returned covers this window alone. ``None``: everything.
        """
        codes = style.view(style.shape[0], -1, self.config.code_size)
        context = _context(image, hole)
        regions = mask_to_regions(mask)
        shares = downsample_pyramid(downsample(regions, 2), len(self.up) + 1)
        x = F.silu(pixel_norm(self.stem(_half_size(context, mask))))
        skips = []
        for down in self.down:
            skips.append(x)
            x = down(x)
        x = self.attention(x)
        for block in self.residual:
            x = block(x, codes, shares[0])
        far = len(self.up) - self._local_levels
        for level, (up, skip, share) in enumerate(zip(self.up, reversed(skips), shares[1:], strict=True)):
            if window is not None and level >= far:
                cell = 2 ** (level - far)  # pixels a side, before this block
                x = _cut(x, window, cell) if level == far else x
                skip, share = _cut(skip, window, 2 * cell), _cut(share, window, 2 * cell)
            x = up(x, skip, codes, share)
        if window is not None:
            context, image, hole, regions = (
                _cut(each, window, self.window_cell) for each in (context, image, hole, regions)
            )
        fine = F.silu(F.pixel_shuffle(self.to_fine(x), 2))
        context = context.to(fine.dtype)
        fine = fine + F.silu(self.refine(torch.cat([fine, context], dim=1)))
        drawn = self.head(torch.cat([fine, context], dim=1)).float()
        return CoarseDrawing(torch.where(hole > 0, drawn, image.float()), x, fine, regions)


class DetailLevel(nn.Module):
    """Adds detail to a picture of twice the side of the coarse network's."""

    def __init__(self, config: EditNetworkConfig) -> None:
        super().__init__()
        self.code_size = config.code_size
        channels, coarse = config.detail_channels, config.base_channels
        self.stem = nn.Conv2d(4 * 4 + config.num_classes, channels, 3, padding=1)
        self.up = nn.Conv2d(coarse, channels, 3, padding=1)
        self.join = nn.Conv2d(channels + coarse // 4 + 3, channels, 1)
        self.norm1 = RegionPixelNorm(channels, config.code_size)
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)
        self.norm2 = RegionPixelNorm(channels, config.code_size)
        fine = channels // 2
        self.to_fine = nn.Conv2d(channels, 4 * fine, 1)
        self.refine = nn.Conv2d(fine + 7, fine, 3, padding=1)
        self.head = nn.Conv2d(fine + 7, 3, 3, padding=1)
        _initialise(self)
        nn.init.zeros_(self.head.weight)  # begins as bilinear interpolation

    def forward(self, coarse: CoarseDrawing, mask: Tensor, style: Tensor, image: Tensor, hole: Tensor) -> Tensor:
        """As ``EditNetwork.forward``, with what the coarse network drew at half of the side; all of one window."""
        codes = style.view(style.shape[0], -1, self.code_size)
        context = _context(image, hole)
        x = upsample_conv(self.up, coarse.features)
        stem = F.silu(pixel_norm(self.stem(_half_size(context, mask))))
        x = x + self.join(torch.cat([stem, coarse.fine.to(stem.dtype), coarse.image.to(stem.dtype)], dim=1))
        x = F.silu(self.norm1(x, codes, coarse.regions))
        x = x + F.silu(self.norm2(self.conv(x), codes, coarse.regions))
        base = F.interpolate(coarse.image, scale_factor=2, mode="bilinear", align_corners=False)
        fine = F.silu(F.pixel_shuffle(self.to_fine(x), 2))
        known = torch.cat([context, base], dim=1).to(fine.dtype)
        fine = fine + F.silu(self.refine(torch.cat([fine, known], dim=1)))
        drawn = base + self.head(torch.cat([fine, known], dim=1)).float()
        return torch.where(hole > 0, drawn, image.float())


class EditNetwork(nn.Module):
    """Draws what a hole in a photograph should show; a hole that is everything gives a whole new picture.

    Pictures of half the side are drawn by ``coarse`` alone, with the same styles.
    """

    def __init__(self, config: EditNetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.coarse = CoarseEditNetwork(config)
        self.detail = DetailLevel(config) if config.detail_channels else None

    @property
    def size_multiple(self) -> int:
        """Height and width of pictures must be multiples of this."""
        return self.coarse.size_multiple * (1 if self.detail is None else 2)

    @property
    def window_cell(self) -> int:
        """Pixels a side of the cells of windows; see ``CoarseEditNetwork.draw``."""
        return self.coarse.window_cell * (1 if self.detail is None else 2)

    @property
    def window_margin(self) -> int:
        """Pixels by which a window must reach over a hole, so that the hole is drawn as without a window."""
        return self.coarse.window_margin if self.detail is None else 2 * self.coarse.window_margin + _DETAIL_REACH

    @property
    def style_size(self) -> int:
        """Numbers in the style of a face."""
        return num_regions(self.config.num_classes) * self.config.code_size

    def part_of_style(self, labels: Iterable[int]) -> Tensor:
        """Which numbers of a style belong to these classes, style_size, bool.

        Args:
            labels: classes; skin includes the skin around mouth and eyes.
        """
        return self.coarse.part_of_style(labels)

    def encode_style(self, image: Tensor, mask: Tensor, dropped: Tensor | None = None) -> Tensor:
        """The style of a face, N x style_size.

        Args:
            image: N x 3 x H x W in [-1, 1].
            mask: its own one-hot mask, N x num_classes x H x W.
            dropped: regions to take for absent, N x regions, bool.
        """
        if self.detail is None:
            return self.coarse.encode_style(image, mask, dropped)
        return self.coarse.encode_style(F.avg_pool2d(image, 2), _half_mask(mask), dropped)

    def window(self, hole: Tensor) -> Tensor | None:
        """The smallest window for ``forward`` that holds what it draws in holes; ``None`` if that is everything.

        Args:
            hole: N x 1 x H x W.

        Returns:
            Top, bottom, left and right, int64 on the CPU, in cells of ``window_cell`` pixels.
        """
        return _window_around(hole, self.window_cell, self.window_margin)

    def forward(self, mask: Tensor, style: Tensor, image: Tensor, hole: Tensor, window: Tensor | None = None) -> Tensor:
        """Draw the hole.

        Args:
            mask: one-hot mask that the picture is to follow, N x num_classes x H x W.
            style: N x style_size.
            image: the photograph, N x 3 x H x W in [-1, 1]; what it shows in the hole is not read.
            hole: 1 where the picture is drawn anew, 0 where it is the photograph's, N x 1 x H x W.
            window: see ``window``: the last levels compute this part alone, which changes no more than rounding.
                ``None``: everything.

        Returns:
            N x 3 x H x W, float32: the photograph outside of the hole, bit for bit; around [-1, 1] in it.
        """
        if self.detail is None:
            return self.coarse(mask, style, image, hole, window)
        known = torch.where(hole > 0, torch.zeros_like(image), image)
        half = self.coarse.draw(_half_mask(mask), style, F.avg_pool2d(known, 2), F.max_pool2d(hole, 2), window)
        if window is None:
            return self.detail(half, mask, style, image, hole)
        part = (_cut(each, window, self.window_cell) for each in (image, hole))
        drawn = self.detail(half, _cut(mask, window, self.window_cell), style, *part)
        return _put(image, drawn, window, self.window_cell)


def _window_around(hole: Tensor, cell: int, margin: int) -> Tensor | None:
    height, width = hole.shape[2:]
    cells: list[int] = []
    for axis, side in ((3, height), (2, width)):
        found = hole.amax((0, 1, axis)).nonzero()
        if not len(found):
            return torch.tensor([0, 1, 0, 1])
        first, last = int(found[0]) - margin, int(found[-1]) + 1 + margin
        cells += [max(first // cell, 0), min(-(-last // cell), side // cell)]
    return None if cells == [0, height // cell, 0, width // cell] else torch.tensor(cells)


def _cut(x: Tensor, window: Tensor, scale: int) -> Tensor:
    """The part of N x C x H x W in a window whose cells have ``scale`` pixels a side."""
    top, bottom, left, right = (window * scale).unbind()
    return x[:, :, top:bottom, left:right]


def _put(image: Tensor, drawn: Tensor, window: Tensor | None, cell: int) -> Tensor:
    """The photograph with what was drawn of it in a window."""
    if window is None:
        return drawn
    result = image.float().clone()
    top, bottom, left, right = (window * cell).tolist()
    result[:, :, top:bottom, left:right] = drawn
    return result


def _context(image: Tensor, hole: Tensor) -> Tensor:
    """The photograph with the hole erased, and the hole: N x 4 x H x W."""
    return torch.cat([torch.where(hole > 0, torch.zeros_like(image), image), hole], dim=1)


def _half_size(context: Tensor, mask: Tensor) -> Tensor:
    """Input of a stem: N x (16 + num_classes) x H/2 x W/2."""
    return torch.cat([F.pixel_unshuffle(context, 2), F.avg_pool2d(mask, 2)], dim=1)


def _half_mask(mask: Tensor) -> Tensor:
    """One-hot masks of half the side."""
    return mask[:, :, ::2, ::2]


def _initialise(network: nn.Module) -> None:
    for layer in network.modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    for module in network.modules():
        if isinstance(module, RegionPixelNorm):
            linear = module.to_modulation
            nn.init.normal_(linear.weight, 0.0, linear.in_features**-0.5)
        elif isinstance(module, ResidualBlock):
            nn.init.zeros_(module.conv2.weight)
        elif isinstance(module, SelfAttention):
            nn.init.zeros_(module.out.weight)
