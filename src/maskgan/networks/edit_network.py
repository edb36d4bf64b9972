"""The edit network: a photograph with a hole, the mask of the edit and the style of each region to a whole picture.

A coarse network draws at half of the picture's side, and a thin detail level adds what only full resolution shows, as
the global generator and the local enhancer of Pix2PixHD (Wang et al., CVPR 2018, section 3.1); that keeps 512 px
affordable on a CPU.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from maskgan.config import EditNetworkConfig
from maskgan.networks.coarse_edit_network import CoarseDrawing, CoarseEditNetwork, KnownLevels
from maskgan.networks.edit_layers import (
    RegionPixelNorm,
    channels_last,
    initialise,
    pixel_norm,
    stem_input,
    upsample_conv,
    with_hole,
)
from maskgan.networks.regions import num_regions
from maskgan.networks.windows import cut_window, put_window, window_around

# Pixels around one that the detail level looks at, at most: two convolutions at half the side, two at the full one.
_DETAIL_REACH = 8


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
        initialise(self)
        nn.init.zeros_(self.head.weight)  # begins as bilinear interpolation

    def forward(self, coarse: CoarseDrawing, mask: Tensor, style: Tensor, image: Tensor, hole: Tensor) -> Tensor:
        """As ``EditNetwork.forward``, with what the coarse network drew at half of the side; all of one window."""
        codes = style.view(style.shape[0], -1, self.code_size)
        context = with_hole(image, hole)
        x = upsample_conv(self.up, coarse.features)
        stem = F.silu(pixel_norm(self.stem(stem_input(context, mask))))
        drawn = channels_last(coarse.image.to(stem.dtype))
        x = x + self.join(torch.cat([stem, coarse.fine.to(stem.dtype), drawn], dim=1))
        x = F.silu(self.norm1(x, codes, coarse.regions))
        x = x + F.silu(self.norm2(self.conv(x), codes, coarse.regions))
        base = F.interpolate(coarse.image, scale_factor=2, mode="bilinear", align_corners=False)
        fine = F.silu(F.pixel_shuffle(self.to_fine(x), 2))
        known = torch.cat([context, channels_last(base)], dim=1).to(fine.dtype)
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

    def part_style_mask(self, labels: Iterable[int]) -> Tensor:
        """Which numbers of a style belong to these classes, style_size, bool.

        Args:
            labels: classes; skin includes the skin around mouth and eyes.
        """
        return self.coarse.part_style_mask(labels)

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
            Top, bottom, left and right, int64 of shape 4 on the CPU, in cells of ``window_cell`` pixels.
        """
        return window_around(hole, self.window_cell, self.window_margin)

    def known_levels(self, image: Tensor, mask: Tensor) -> list[Tensor]:
        """What the encoder's first levels make of a photograph without a hole: edits of it need not compute that again.

        Args:
            image: N x 3 x H x W in [-1, 1].
            mask: its own one-hot mask, N x num_classes x H x W.

        Returns:
            The levels, the largest first, float32 (bfloat16 under autocast): N x C x h x w, with h and w a half of what
            ``coarse`` works at, then a quarter, and so on.
        """
        if self.detail is None:
            return self.coarse.known_levels(image, mask)
        return self.coarse.known_levels(F.avg_pool2d(image, 2), _half_mask(mask))

    def forward(
        self,
        mask: Tensor,
        style: Tensor,
        image: Tensor,
        hole: Tensor,
        window: Tensor | None = None,
        known: KnownLevels | None = None,
    ) -> Tensor:
        """Draw the hole.

        Args:
            mask: one-hot mask that the picture is to follow, N x num_classes x H x W.
            style: N x style_size.
            image: the photograph, N x 3 x H x W in [-1, 1]; what it shows in the hole is not read.
            hole: 1 where the picture is drawn anew, 0 where it is the photograph's, N x 1 x H x W.
            window: see ``window``: the decoder computes this part alone, which changes no more than rounding.
                ``None``: everything.
            known: of the photographs, with which the encoder computes what differs alone; that, too, changes no more
                than rounding. ``None``: everything.

        Returns:
            N x 3 x H x W, float32: the photograph outside of the hole, bit for bit; around [-1, 1] in it.
        """
        if self.detail is None:
            return self.coarse(mask, style, image, hole, window, known)
        erased = torch.where(hole > 0, torch.zeros_like(image), image)
        half = self.coarse.draw(_half_mask(mask), style, F.avg_pool2d(erased, 2), F.max_pool2d(hole, 2), window, known)
        if window is None:
            return self.detail(half, mask, style, image, hole)
        part = (cut_window(each, window, self.window_cell) for each in (image, hole))
        drawn = self.detail(half, cut_window(mask, window, self.window_cell), style, *part)
        return put_window(image.float(), drawn, window, self.window_cell)


def _half_mask(mask: Tensor) -> Tensor:
    """One-hot masks of half the side."""
    return channels_last(mask[:, :, ::2, ::2])
