"""The Pix2PixHD global generator: image generation backbone and, without a style, the body of the alpha blender.

Source: supplement, section A; layer details in the reference code.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

from maskgan.config import BackboneConfig
from maskgan.networks.layers import adain, channel_schedule, reflect_pad_conv
from maskgan.networks.regions import RegionModulation, downsample_pyramid


class StyleReader:
    """Reads a style vector layer by layer: for each modulated layer its shifts, then its scales.

    Args:
        style: N x style_size, or ``None`` for layers without modulation.
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
        y = F.relu(adain(reflect_pad_conv(self.conv1, x, 1), *style.next(x.shape[1])))
        return x + adain(reflect_pad_conv(self.conv2, y, 1), *style.next(x.shape[1]))


class Upsampling(nn.Module):
    """Doubles height and width: a transposed convolution, or nearest interpolation and a convolution."""

    def __init__(self, in_channels: int, out_channels: int, config: BackboneConfig) -> None:
        super().__init__()
        self.transposed = config.upsampling == "transposed"
        self.conv: nn.Module = (
            nn.ConvTranspose2d(in_channels, out_channels, 3, stride=2, padding=1, output_padding=1)
            if self.transposed
            else nn.Conv2d(in_channels, out_channels, 3, padding=1)
        )

    def forward(self, x: Tensor) -> Tensor:
        """N x C x H x W to N x C' x 2H x 2W."""
        if not self.transposed:
            x = F.interpolate(x, scale_factor=2, mode="nearest")
        return self.conv(x)


class Backbone(nn.Module):
    """Encoder, residual blocks, decoder; side lengths must be multiples of ``2**downsamplings``."""

    def __init__(
        self,
        config: BackboneConfig,
        in_channels: int,  # classes of a one-hot mask, or 6 for two faces
        out_channels: int = 3,
        *,
        modulated: bool,  # whether AdaIN layers take a style vector
        region_size: int = 0,  # length of the region codes that modulate the upsamplings; 0 for none
    ) -> None:
        super().__init__()
        self.config = config
        self.modulated = modulated
        widths = channel_schedule(config.base_channels, config.max_channels, config.downsamplings + 1)
        self.stem = nn.Conv2d(in_channels, widths[0], config.outer_kernel)
        self.down = nn.ModuleList(nn.Conv2d(a, b, 3, stride=2, padding=1) for a, b in pairwise(widths))
        self.residual = nn.ModuleList(ResidualBlock(widths[-1]) for _ in range(config.residual_blocks))
        self.up = nn.ModuleList(Upsampling(a, b, config) for a, b in pairwise(widths[::-1]))
        self.head = nn.Conv2d(widths[0], out_channels, config.outer_kernel)
        self.modulated_widths = self._modulated_widths(widths)
        self.region = nn.ModuleList(RegionModulation(region_size, w) for w in widths[-2::-1] if region_size)

    def _modulated_widths(self, widths: list[int]) -> list[int]:
        if not self.modulated:
            return []
        decoder = widths[-2::-1] if self.config.modulate_decoder else []
        return [widths[-1]] * 2 * self.config.residual_blocks + decoder

    @property
    def style_size(self) -> int:
        """Length of the style vector: a shift and a scale per channel of each modulated layer."""
        return 2 * sum(self.modulated_widths)

    def style_scale_slices(self) -> Iterator[slice]:
        """Slices of the style vector that hold scales, one per modulated layer."""
        position = 0
        for width in self.modulated_widths:
            yield slice(position + width, position + 2 * width)
            position += 2 * width

    def forward(
        self,
        x: Tensor,
        style: Tensor | None = None,
        regions: tuple[Tensor, Tensor] | None = None,
    ) -> Tensor:
        """Map images to images.

        Args:
            x: N x in_channels x H x W.
            style: N x style_size.
            regions: codes, N x regions x region_size, and region masks, N x regions x H x W.

        Returns:
            N x out_channels x H x W before the final activation.
        """
        pad = self.config.outer_kernel // 2
        reader = StyleReader(style)
        x = F.relu(adain(reflect_pad_conv(self.stem, x, pad)))
        for conv in self.down:
            x = F.relu(adain(conv(x)))
        for block in self.residual:
            x = block(x, reader)
        codes, shares = (None, []) if regions is None else (regions[0], downsample_pyramid(regions[1], len(self.up)))
        for i, up in enumerate(self.up):
            x = up(x)
            modulation = reader.next(x.shape[1]) if self.config.modulate_decoder else (None, None)
            if codes is not None:
                modulation = self.region[i](codes, shares[i], *modulation)
            x = F.relu(adain(x, *modulation))
        return reflect_pad_conv(self.head, x, pad)
