"""The Pix2PixHD global generator: image generation backbone and, without a style, the body of the alpha blender.

Source: supplement, section A; layer details in the reference code.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

from maskgan.config import BackboneConfig
from maskgan.networks.layers import doubling, normalised, padded_conv


class StyleReader:
    """Deals out a style vector layer by layer: for each modulated layer its shifts, then its scales.

    Args:
        style: N x style_size, or ``None``: every layer then normalises without modulation.
    """

    def __init__(self, style: Tensor | None) -> None:
        self._style = style
        self._position = 0

    def next(self, channels: int) -> tuple[Tensor | None, Tensor | None]:
        """Shift and scale (N x channels each) of the next modulated layer."""
        if self._style is None:
            return None, None
        shift, scale = self._style[:, self._position : self._position + 2 * channels].chunk(2, dim=1)
        self._position += 2 * channels
        return shift, scale


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with (adaptive) instance norm, ReLU between, added to the input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3)
        self.conv2 = nn.Conv2d(channels, channels, 3)

    def forward(self, x: Tensor, style: StyleReader) -> Tensor:
        """N x C x H x W to the same."""
        y = F.relu(normalised(padded_conv(self.conv1, x, 1), *style.next(x.shape[1])))
        return x + normalised(padded_conv(self.conv2, y, 1), *style.next(x.shape[1]))


class Upsampling(nn.Module):
    """Twice the side: a transposed convolution, or nearest neighbour and a convolution."""

    def __init__(self, in_channels: int, out_channels: int, transposed: bool) -> None:
        super().__init__()
        self.conv: nn.Module = (
            nn.ConvTranspose2d(in_channels, out_channels, 3, stride=2, padding=1, output_padding=1)
            if transposed
            else nn.Conv2d(in_channels, out_channels, 3, padding=1)
        )
        self.transposed = transposed

    def forward(self, x: Tensor) -> Tensor:
        """N x C x H x W to N x C' x 2H x 2W."""
        return self.conv(x if self.transposed else F.interpolate(x, scale_factor=2, mode="nearest"))


class Backbone(nn.Module):
    """Encoder, residual blocks, decoder; side lengths must be multiples of ``2**downsamplings``."""

    def __init__(
        self,
        config: BackboneConfig,
        in_channels: int,  # one-hot mask, or two faces
        out_channels: int = 3,
        *,
        modulated: bool,  # whether residual blocks take a style
    ) -> None:
        super().__init__()
        self.config = config
        self.modulated = modulated
        widths = doubling(config.base_channels, config.max_channels, config.downsamplings + 1)
        self.stem = nn.Conv2d(in_channels, widths[0], config.outer_kernel)
        self.down = nn.ModuleList(nn.Conv2d(a, b, 3, stride=2, padding=1) for a, b in pairwise(widths))
        self.residual = nn.ModuleList(ResidualBlock(widths[-1]) for _ in range(config.residual_blocks))
        self.up = nn.ModuleList(Upsampling(a, b, config.upsampling == "transposed") for a, b in pairwise(widths[::-1]))
        self.head = nn.Conv2d(widths[0], out_channels, config.outer_kernel)
        self.modulated_widths = self._modulated_widths(widths)

    def _modulated_widths(self, widths: list[int]) -> list[int]:
        if not self.modulated:
            return []
        decoder = widths[-2::-1] if self.config.modulate_decoder else []
        return [widths[-1]] * 2 * self.config.residual_blocks + decoder

    @property
    def style_size(self) -> int:
        """Numbers in the style vector: a shift and a scale for each modulated map."""
        return 2 * sum(self.modulated_widths)

    def style_scale_slices(self) -> Iterator[slice]:
        """Where the scales lie in the style vector."""
        position = 0
        for width in self.modulated_widths:
            yield slice(position + width, position + 2 * width)
            position += 2 * width

    def forward(self, x: Tensor, style: Tensor | None = None) -> Tensor:
        """Map N x in_channels x H x W (and N x style_size) to N x out_channels x H x W before the last activation."""
        pad = self.config.outer_kernel // 2
        reader = StyleReader(style)
        x = F.relu(normalised(padded_conv(self.stem, x, pad)))
        for conv in self.down:
            x = F.relu(normalised(conv(x)))
        for block in self.residual:
            x = block(x, reader)
        for up in self.up:
            x = up(x)
            modulation = reader.next(x.shape[1]) if self.config.modulate_decoder else (None, None)
            x = F.relu(normalised(x, *modulation))
        return padded_conv(self.head, x, pad)
