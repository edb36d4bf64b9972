"""Layers of the edit network: per-pixel normalisation, region by region modulation, U-Net blocks."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from maskgan.networks.tracing import is_traced

NORM_EPS = 1e-5

# Pixels of a map from which ``upsample_conv`` on a CPU saves more than it spends on merged weights.
_MERGE_TAPS_FROM = 400


def pixel_norm(x: Tensor) -> Tensor:
    """Normalise each pixel of N x C x H x W over its channels to mean 0 and variance 1."""
    if is_traced():
        x = x - x.mean(1, keepdim=True)
        return x * torch.rsqrt(x.square().mean(1, keepdim=True) + NORM_EPS)
    # The kernel computes in float32 whatever it is given; autocast on a GPU would give it copies in float32.
    with torch.autocast(x.device.type, enabled=False):
        return F.layer_norm(x.permute(0, 2, 3, 1), [int(x.shape[1])], eps=NORM_EPS).permute(0, 3, 1, 2)


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
        if is_traced():
            size: tuple[Any, ...] = x.shape
            spread = torch.bmm(modulation.transpose(1, 2), shares.flatten(2)).view(size[0], -1, *size[2:])
            scale, shift = spread.chunk(2, dim=1)
            return torch.addcmul(shift, pixel_norm(x), scale + 1)
        modulation[..., : int(x.shape[1])] += 1  # the same as ``scale + 1``, for shares sum to 1
        pixels = shares.permute(0, 2, 3, 1).flatten(1, 2).to(modulation.dtype)
        spread = torch.bmm(pixels, modulation).view(x.shape[0], *x.shape[2:], -1).permute(0, 3, 1, 2)
        scale, shift = spread.chunk(2, dim=1)
        return torch.addcmul(shift, pixel_norm(x).to(shift.dtype), scale)


def upsample_conv(conv: nn.Conv2d, x: Tensor) -> Tensor:
    """Double the side of N x C x h x w by repeating pixels, then a 3x3 convolution: N x C' x 2h x 2w."""
    if is_traced() or (x.device.type == "cpu" and x.shape[2] * x.shape[3] >= _MERGE_TAPS_FROM):
        # The same with 4 taps instead of 9: a transposed convolution that meets each repeated pixel once.
        rows = [[0.0, 0.0, 1.0], [0.0, 1.0, 1.0], [1.0, 1.0, 0.0], [1.0, 0.0, 0.0]]
        merge = torch.tensor(rows, dtype=conv.weight.dtype)
        taps = conv.weight.transpose(0, 1).reshape(-1, 9) @ torch.kron(merge, merge).T
        weight = taps.view(conv.in_channels, conv.out_channels, 4, 4)
        return F.conv_transpose2d(x, weight, conv.bias, stride=2, padding=1)
    return conv(F.interpolate(x, scale_factor=2, mode="nearest"))


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
        x = upsample_conv(self.up, x) + self.skip(skip)
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


def channels_last(x: Tensor) -> Tensor:
    """N x C x H x W in channels-last memory: joining maps of two layouts takes several times as long."""
    return x if is_traced() else x.contiguous(memory_format=torch.channels_last)


def with_hole(image: Tensor, hole: Tensor) -> Tensor:
    """What is seen of a photograph: it with the hole erased, and the hole, N x 4 x H x W."""
    return channels_last(torch.cat([torch.where(hole > 0, torch.zeros_like(image), image), hole], dim=1))


def stem_input(context: Tensor, mask: Tensor) -> Tensor:
    """Input of a stem, of ``with_hole`` and one-hot mask: N x (16 + num_classes) x H/2 x W/2."""
    return torch.cat([F.pixel_unshuffle(context, 2), F.avg_pool2d(mask, 2)], dim=1)


def initialise(network: nn.Module) -> None:
    """Set weights of a new network."""
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
