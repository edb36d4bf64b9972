"""ELEGANT: two faces swap the part of their latent codes that stands for an attribute. A baseline of the paper.

Source: Xiao et al., ECCV 2018, section 3: latent exchange, residual pictures, a U-Net, discriminators at two scales.
Widths are ours: the published ones need several times the arithmetic.
"""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from maskgan.config import ElegantConfig
from maskgan.networks.layers import channel_schedule

_DISCRIMINATOR_LAYERS = 4


class Elegant(nn.Module):
    """Encoder and decoder of ELEGANT."""

    def __init__(self, config: ElegantConfig) -> None:
        super().__init__()
        self.config = config
        self.attributes = tuple(config.attributes.split(","))
        # The latent code is split into equal parts, one per attribute.
        widths = channel_schedule(config.base_channels, 8 * config.base_channels, config.downsamplings)
        self.part_channels = max(widths[-1] // len(self.attributes), 1)
        widths[-1] = self.part_channels * len(self.attributes)
        self.encoder = nn.ModuleList(nn.Conv2d(a, b, 4, stride=2, padding=1) for a, b in pairwise([3, *widths]))
        self.encoder_norm = nn.ModuleList(nn.InstanceNorm2d(width, affine=True) for width in widths)
        outputs = [*widths[-2::-1], config.base_channels]
        # The decoder sees the face's own code and the swapped one, and the encoder's features at each size.
        inputs = [2 * widths[-1], *(2 * width for width in widths[-2::-1])]
        self.decoder = nn.ModuleList(nn.Conv2d(a, b, 3, padding=1) for a, b in zip(inputs, outputs, strict=True))
        self.decoder_norm = nn.ModuleList(nn.InstanceNorm2d(width, affine=True) for width in outputs)
        self.to_residual = nn.Conv2d(config.base_channels, 3, 3, padding=1)

    def encode(self, image: Tensor) -> list[Tensor]:
        """Images (N x 3 x H x W in [-1, 1], sides multiples of 2**downsamplings) to features, the code last."""
        features = []
        x = image
        for conv, norm in zip(self.encoder, self.encoder_norm, strict=True):
            x = F.leaky_relu(norm(conv(x)), 0.2)
            features.append(x)
        return features

    def swap(self, code: Tensor, other: Tensor, taken: list[int]) -> Tensor:
        """``code`` with the parts of ``other`` for the attributes ``taken`` (indices into ``attributes``)."""
        result = code.clone()
        for i in taken:
            part = slice(i * self.part_channels, (i + 1) * self.part_channels)
            result[:, part] = other[:, part]
        return result

    def decode(self, image: Tensor, features: list[Tensor], code: Tensor) -> Tensor:
        """Decode ``code`` as a residual added to ``image``: N x 3 x H x W in [-1, 1]."""
        x = torch.cat([features[-1], code], dim=1)
        for i, (conv, norm) in enumerate(zip(self.decoder, self.decoder_norm, strict=True)):
            if i:
                x = torch.cat([x, features[-1 - i]], dim=1)
            x = F.relu(norm(conv(F.interpolate(x, scale_factor=2, mode="nearest"))))
        return (image + 2 * torch.tanh(self.to_residual(x))).clamp(-1, 1)

    def forward(self, image: Tensor, other: Tensor, taken: list[int]) -> Tensor:
        """Transfer attributes from other faces.

        Args:
            image: N x 3 x H x W in [-1, 1], sides multiples of 2**downsamplings.
            other: the faces to take the attributes from, N x 3 x H x W in [-1, 1].
            taken: which attributes, as indices into ``attributes``.

        Returns:
            N x 3 x H x W in [-1, 1].
        """
        features = self.encode(image)
        return self.decode(image, features, self.swap(features[-1], self.encode(other)[-1], taken))


class ElegantDiscriminator(nn.Module):
    """Classifies faces as real or fake given their attributes, at full and half size."""

    def __init__(self, config: ElegantConfig) -> None:
        super().__init__()
        self.scales = nn.ModuleList(_patch_discriminator(config) for _ in range(2))

    def forward(self, image: Tensor, labels: Tensor) -> list[Tensor]:
        """Faces (N x 3 x H x W) with labels (N x len(attributes), 0 or 1) to logits at both scales, N x h x w each."""
        logits = []
        for scale in self.scales:
            planes = labels[:, :, None, None].to(image.dtype).expand(-1, -1, *image.shape[2:])
            logits.append(scale(torch.cat([image, planes], dim=1))[:, 0])
            image = F.avg_pool2d(image, 2)
        return logits


def _patch_discriminator(config: ElegantConfig) -> nn.Module:
    widths = channel_schedule(config.base_channels, 8 * config.base_channels, _DISCRIMINATOR_LAYERS)
    layers: list[nn.Module] = []
    for channels, width in pairwise([3 + len(config.attributes.split(",")), *widths]):
        layers += [nn.Conv2d(channels, width, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, nn.Conv2d(widths[-1], 1, 3, padding=1))
