"""MaskVAE: a manifold of masks. A U-Net without skip connections, batch normalisation on all layers.

Source: supplement, figure 1; layer details in the reference code.
"""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from maskgan.config import MaskVAEConfig

_DECODER_BN_EPS = 1e-3


class MaskVAE(nn.Module):
    """Masks to codes and back."""

    def __init__(self, config: MaskVAEConfig) -> None:
        super().__init__()
        self.config = config
        widths = [config.base_channels * 2**i for i in range(config.downsamplings)]
        self.bottleneck_side = config.resolution // 2**config.downsamplings
        flat = widths[-1] * self.bottleneck_side**2
        self.encoder = nn.ModuleList(
            nn.Conv2d(a, b, 4, stride=2, padding=1) for a, b in pairwise([config.num_classes, *widths])
        )
        self.encoder_norm = nn.ModuleList(nn.BatchNorm2d(width) for width in widths)
        self.to_mean = nn.Linear(flat, config.latent_size)
        self.to_log_variance = nn.Linear(flat, config.latent_size)
        self.from_code = nn.Linear(config.latent_size, flat)
        targets = widths[-2::-1]
        self.decoder = nn.ModuleList(
            nn.Conv2d(a, b, 3) for a, b in zip(widths[::-1], [*targets, config.num_classes], strict=True)
        )
        # The last convolution gives the logits bare.
        self.decoder_norm = nn.ModuleList(nn.BatchNorm2d(width, eps=_DECODER_BN_EPS) for width in targets)

    def encode(self, mask: Tensor) -> tuple[Tensor, Tensor]:
        """One-hot masks (N x num_classes x R x R) to mean and log variance, N x latent_size each."""
        x = mask
        for conv, norm in zip(self.encoder, self.encoder_norm, strict=True):
            x = F.leaky_relu(norm(conv(x)), 0.2)
        x = x.flatten(1)
        return self.to_mean(x), self.to_log_variance(x)

    def decode(self, code: Tensor) -> Tensor:
        """Codes (N x latent_size) to logits, N x num_classes x R x R."""
        side = self.bottleneck_side
        x = F.relu(self.from_code(code)).view(len(code), -1, side, side)
        for i, conv in enumerate(self.decoder):
            x = F.pad(F.interpolate(x, scale_factor=2, mode="nearest"), (1, 1, 1, 1), mode="replicate")
            x = conv(x)
            if i < len(self.decoder_norm):
                x = F.leaky_relu(self.decoder_norm[i](x), 0.2)
        return x

    def forward(self, mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Logits of the reconstruction from one sampled code, with the code's mean and log variance."""
        mean, log_variance = self.encode(mask)
        code = mean + torch.randn_like(mean) * torch.exp(0.5 * log_variance)
        return self.decode(code), mean, log_variance
