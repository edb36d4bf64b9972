"""The edit network: a photograph with a hole, the mask of the edit and the style of each region to a whole picture.

A coarse network draws at half of the picture's side, and a thin detail level adds what only full resolution shows, as
the global generator and the local enhancer of Pix2PixHD (Wang et al., CVPR 2018, section 3.1); that keeps 512 px
affordable on a CPU.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
from maskgan.networks.windows import cut_window, halve_window, put_window, window_around

# Last levels of the decoder, whose windows exported graphs cut: sizes of more would be fixed in the graph.
_LOCAL_LEVELS = 2
# Pixels around one that the detail level looks at, at most: two convolutions at half the side, two at the full one.
_DETAIL_REACH = 8


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
        return window_around(hole, self.window_cell, self.window_margin)

    def forward(self, mask: Tensor, style: Tensor, image: Tensor, hole: Tensor, window: Tensor | None = None) -> Tensor:
        """See ``EditNetwork.forward``."""
        drawn = self.draw(mask, style, image, hole, window).image
        return drawn if window is None else put_window(image, drawn, window, self.window_cell)

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
        x = self._decode(x, skips, codes, shares, window)
        if window is not None:
            context, image, hole, regions = (
                cut_window(each, window, self.window_cell) for each in (context, image, hole, regions)
            )
        fine = F.silu(F.pixel_shuffle(self.to_fine(x), 2))
        context = context.to(fine.dtype)
        fine = fine + F.silu(self.refine(torch.cat([fine, context], dim=1)))
        drawn = self.head(torch.cat([fine, context], dim=1)).float()
        return CoarseDrawing(torch.where(hole > 0, drawn, image.float()), x, fine, regions)

    def _decode(
        self, x: Tensor, skips: Sequence[Tensor], codes: Tensor, shares: Sequence[Tensor], window: Tensor | None
    ) -> Tensor:
        """The features that are drawn from, in a window of ``draw``.

        Args:
            x: the encoder's last features.
            skips: those before, the largest first.
            codes: style codes.
            shares: of regions in the pixels of all levels, the smallest first; of the encoder's last features, too.
            window: see ``draw``.
        """
        far = len(self.up) - self._local_levels
        # ``windows[level]``: the part of this level's input that the next one's depends on.
        windows = {} if window is None else {far: window}
        if window is not None and not torch.jit.is_tracing():  # type: ignore[attr-defined,no-untyped-call]
            for level in range(far - 1, -1, -1):
                # A 3x3 convolution, and an enlarging one.
                windows[level] = halve_window(windows[level + 1], 2, *shares[level].shape[2:])
        place = torch.zeros(4, dtype=torch.int64)  # what x covers
        for level, (up, skip, share) in enumerate(zip(self.up, reversed(skips), shares[1:], strict=True)):
            if level in windows:
                x = cut_window(x, windows[level] - place[[0, 0, 2, 2]])  # from the top and left of what x covers
                place = windows[level]
            if window is not None and level >= min(windows):
                place = 2 * place
                skip, share = cut_window(skip, place), cut_window(share, place)
            x = up(x, skip, codes, share)
        return x


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
        return window_around(hole, self.window_cell, self.window_margin)

    def forward(self, mask: Tensor, style: Tensor, image: Tensor, hole: Tensor, window: Tensor | None = None) -> Tensor:
        """Draw the hole.

        Args:
            mask: one-hot mask that the picture is to follow, N x num_classes x H x W.
            style: N x style_size.
            image: the photograph, N x 3 x H x W in [-1, 1]; what it shows in the hole is not read.
            hole: 1 where the picture is drawn anew, 0 where it is the photograph's, N x 1 x H x W.
            window: see ``window``: the decoder computes this part alone, which changes no more than rounding.
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
        part = (cut_window(each, window, self.window_cell) for each in (image, hole))
        drawn = self.detail(half, cut_window(mask, window, self.window_cell), style, *part)
        return put_window(image, drawn, window, self.window_cell)


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
