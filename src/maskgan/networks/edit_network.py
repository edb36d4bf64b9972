"""The edit network: a photograph with a hole, the mask of the edit and the style of each region to a whole picture.

A U-Net whose skips bring the surroundings of the hole to its border at full resolution. Each pixel is normalised over
its channels, never a channel over the picture: absolute colours of the context survive, and no feature can tower above
the rest of its map, which is where droplet artefacts come from (Karras et al., CVPR 2020, section 2). Decoder layers
are modulated region by region with style codes, as in SEAN (Zhu et al., CVPR 2020). It works at half of the picture's
side behind a pixel-unshuffle stem (Shi et al., CVPR 2016), so that 512 px stay affordable on a CPU.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from maskgan.config import EditNetworkConfig
from maskgan.networks.regions import downsample, downsample_pyramid, mask_to_regions, num_regions, region_indices

_SMALL = 4.0  # feature cells of a region at which its own statistics count half


def pixel_norm(x: Tensor) -> Tensor:
    """Normalise each pixel of N x C x H x W over its channels to mean 0 and variance 1."""
    channels_last = x.permute(0, 2, 3, 1)
    return F.layer_norm(channels_last, [int(x.shape[1])]).permute(0, 3, 1, 2)


class RegionPixelNorm(nn.Module):
    """Pixel normalisation with a scale and a shift for each region, predicted from its style code."""

    def __init__(self, channels: int, code_size: int) -> None:
        super().__init__()
        self.to_modulation = nn.Linear(code_size, 2 * channels)

    def forward(self, x: Tensor, codes: Tensor, shares: Tensor) -> Tensor:
        """Normalise and modulate.

        Args:
            x: N x C x h x w.
            codes: style codes, N x regions x code_size.
            shares: of the regions in each pixel, N x regions x h x w, summing to 1.

        Returns:
            N x C x h x w.
        """
        modulation = self.to_modulation(codes)
        pixels = shares.permute(0, 2, 3, 1).flatten(1, 2).to(modulation.dtype)
        spread = torch.bmm(pixels, modulation).view(x.shape[0], *x.shape[2:], -1).permute(0, 3, 1, 2)
        scale, shift = spread.chunk(2, dim=1)
        return torch.addcmul(shift, pixel_norm(x).to(shift.dtype), scale + 1)


class DownBlock(nn.Module):
    """Halve the side: a stride-2 convolution, then a residual convolution."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.down = nn.Conv2d(in_channels, out_channels, 3, stride=2, padding=1)
        self.conv = nn.Conv2d(out_channels, out_channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """N x C x H x W to N x C' x H/2 x W/2."""
        x = F.silu(pixel_norm(self.down(x)))
        return x + F.silu(pixel_norm(self.conv(x)))


class UpBlock(nn.Module):
    """Double the side, join the encoder's features, and modulate twice."""

    def __init__(self, in_channels: int, out_channels: int, code_size: int) -> None:
        super().__init__()
        self.up = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.skip = nn.Conv2d(out_channels, out_channels, 1)
        self.norm1 = RegionPixelNorm(out_channels, code_size)
        self.conv = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        self.norm2 = RegionPixelNorm(out_channels, code_size)

    def forward(self, x: Tensor, skip: Tensor, codes: Tensor, shares: Tensor) -> Tensor:
        """N x C x h x w and N x C' x 2h x 2w to N x C' x 2h x 2w."""
        x = self.up(F.interpolate(x, scale_factor=2, mode="nearest")) + self.skip(skip)
        x = F.silu(self.norm1(x, codes, shares))
        return x + F.silu(self.norm2(self.conv(x), codes, shares))


class ResidualBlock(nn.Module):
    """Two modulated convolutions added to the input."""

    def __init__(self, channels: int, code_size: int) -> None:
        super().__init__()
        self.norm1 = RegionPixelNorm(channels, code_size)
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.norm2 = RegionPixelNorm(channels, code_size)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor, codes: Tensor, shares: Tensor) -> Tensor:
        """N x C x h x w to the same."""
        y = self.conv1(F.silu(self.norm1(x, codes, shares)))
        return x + self.conv2(F.silu(self.norm2(y, codes, shares)))


class SelfAttention(nn.Module):
    """Multi-head attention over all pixels: one eye can look at the other, wherever it lies."""

    def __init__(self, channels: int, heads: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.to_qkv = nn.Conv2d(channels, 3 * channels, 1)
        self.out = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """N x C x h x w to the same."""
        n, c, h, w = x.shape
        q, k, v = (
            t.flatten(2).view(n, self.heads, c // self.heads, h * w).transpose(2, 3)
            for t in self.to_qkv(pixel_norm(x)).chunk(3, dim=1)
        )
        y = F.scaled_dot_product_attention(q, k, v)
        return x + self.out(y.transpose(2, 3).reshape(n, c, h, w))


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


class EditNetwork(nn.Module):
    """Draws what a hole in a photograph should show; a hole that is everything gives a whole new picture."""

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
        self._initialise()

    @property
    def size_multiple(self) -> int:
        """Height and width of pictures must be multiples of this."""
        return int(2 ** (self.config.downsamplings + 1))

    @property
    def style_size(self) -> int:
        """Numbers in the style of a face."""
        return num_regions(self.config.num_classes) * self.config.code_size

    def part_of_style(self, labels: Iterable[int]) -> Tensor:
        """Which numbers of a style belong to these classes, style_size, bool.

        Args:
            labels: classes; skin includes the skin around mouth and eyes.
        """
        chosen = torch.zeros(num_regions(self.config.num_classes), dtype=torch.bool)
        chosen[region_indices(labels, self.config.num_classes)] = True
        return chosen.repeat_interleave(self.config.code_size)

    def encode_style(self, image: Tensor, mask: Tensor, dropped: Tensor | None = None) -> Tensor:
        """The style of a face, N x style_size.

        Args:
            image: N x 3 x H x W in [-1, 1].
            mask: its own one-hot mask, N x num_classes x H x W.
            dropped: regions to take for absent, N x regions, bool.
        """
        return self.style_encoder(image, mask_to_regions(mask), dropped).flatten(1)

    def forward(self, mask: Tensor, style: Tensor, image: Tensor, hole: Tensor) -> Tensor:
        """Draw the hole.

        Args:
            mask: one-hot mask that the picture is to follow, N x num_classes x H x W.
            style: N x style_size.
            image: the photograph, N x 3 x H x W in [-1, 1]; what it shows in the hole is not read.
            hole: 1 where the picture is drawn anew, 0 where it is the photograph's, N x 1 x H x W.

        Returns:
            N x 3 x H x W, float32: the photograph outside of the hole, bit for bit; around [-1, 1] in it.
        """
        codes = style.view(style.shape[0], -1, self.config.code_size)
        context = torch.cat([torch.where(hole > 0, torch.zeros_like(image), image), hole], dim=1)
        half_mask = F.avg_pool2d(mask, 2)
        shares = downsample_pyramid(downsample(mask_to_regions(mask), 2), len(self.up) + 1)
        x = F.silu(pixel_norm(self.stem(torch.cat([F.pixel_unshuffle(context, 2), half_mask], dim=1))))
        skips = []
        for down in self.down:
            skips.append(x)
            x = down(x)
        x = self.attention(x)
        for block in self.residual:
            x = block(x, codes, shares[0])
        for up, skip, share in zip(self.up, reversed(skips), shares[1:], strict=True):
            x = up(x, skip, codes, share)
        fine = F.silu(F.pixel_shuffle(self.to_fine(x), 2))
        context = context.to(fine.dtype)
        fine = fine + F.silu(self.refine(torch.cat([fine, context], dim=1)))
        drawn = self.head(torch.cat([fine, context], dim=1)).float()
        return torch.where(hole > 0, drawn, image.float())

    def _initialise(self) -> None:
        for layer in self.modules():
            if isinstance(layer, (nn.Conv2d, nn.Linear)):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)
        for module in self.modules():
            if isinstance(module, RegionPixelNorm):
                linear = module.to_modulation
                nn.init.normal_(linear.weight, 0.0, linear.in_features**-0.5)
            elif isinstance(module, ResidualBlock):
                nn.init.zeros_(module.conv2.weight)
            elif isinstance(module, SelfAttention):
                nn.init.zeros_(module.out.weight)
        nn.init.normal_(self.head.weight, 0.0, 0.02)
