"""Layers that several networks share."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

NORM_EPS = 1e-5


def one_hot(label_map: Tensor, num_classes: int) -> Tensor:
    """One-hot masks, N x num_classes x H x W float32 in channels-last memory, of N x H x W integer labels."""
    codes = torch.eye(num_classes, device=label_map.device)
    return F.embedding(label_map.long(), codes).permute(0, 3, 1, 2)


def adain(x: Tensor, shift: Tensor | None = None, scale: Tensor | None = None) -> Tensor:
    """Adaptive instance normalisation; without ``shift`` and ``scale``, plain instance normalisation.

    Args:
        x: N x C x H x W.
        shift: N x C, or N x C x H x W to modulate each pixel; ``None`` together with ``scale``.
        scale: N x C or N x C x H x W, as ``shift``.

    Returns:
        ``scale * (x - mean) / sqrt(variance + 1e-5) + shift``, in the dtype of ``x``; statistics are float32.

    Source: Huang and Belongie, ICCV 2017, equation 8.
    """
    variance, mean = _moments(x.float())
    gain = torch.rsqrt(variance + NORM_EPS)
    if scale is None or shift is None:
        return _scaled(x, gain, -mean * gain)
    if scale.dim() == 4:
        return torch.addcmul(shift.to(x.dtype), _scaled(x, gain, -mean * gain), scale.to(x.dtype))
    gain = gain * scale.float()
    return _scaled(x, gain, shift.float() - mean * gain)


def _scaled(x: Tensor, gain: Tensor, offset: Tensor) -> Tensor:
    """``gain * x + offset`` with N x C each for N x C x H x W."""
    return torch.addcmul(offset[..., None, None].to(x.dtype), x, gain[..., None, None].to(x.dtype))


def _moments(x: Tensor) -> tuple[Tensor, Tensor]:
    """Variance and mean of N x C x H x W over H and W, N x C each."""
    if not x.is_contiguous(memory_format=torch.channels_last):
        return torch.var_mean(x, dim=(2, 3), correction=0)
    # The same in two passes over N x HW x C, as it lies in memory: on a CPU several times as fast as var_mean.
    pixels = x.permute(0, 2, 3, 1).flatten(1, 2)
    mean = pixels.mean(dim=1)
    return (pixels - mean[:, None]).square().mean(dim=1), mean


def reflect_pad_conv_relu(conv: nn.Module, x: Tensor, pad: int) -> Tensor:
    """Reflection padding by ``pad`` pixels, convolution, ReLU."""
    return F.relu(reflect_pad_conv(conv, x, pad))


def reflect_pad_conv(conv: nn.Module, x: Tensor, pad: int) -> Tensor:
    """Reflection padding by ``pad`` pixels, convolution."""
    return conv(F.pad(x, (pad, pad, pad, pad), mode="reflect"))


def channel_schedule(base: int, maximum: int, count: int) -> list[int]:
    """Channels of ``count`` levels: ``base``, doubled at each level up to ``maximum``."""
    return [min(base * 2**i, maximum) for i in range(count)]


def initialise_normal(module: nn.Module) -> None:
    """Initialise convolutions and linear layers with N(0, 0.02) weights and zero biases, as Pix2PixHD."""
    for layer in module.modules():
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
            nn.init.normal_(layer.weight, 0.0, 0.02)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def initialise_fan_in(module: nn.Module) -> None:
    """Initialise convolutions and linear layers with He-normal weights and zero biases."""
    for layer in module.modules():
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
