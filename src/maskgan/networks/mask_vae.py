"""MaskVAE: a manifold of masks. A U-Net without skip connections, batch normalisation on all layers.

Source: supplement, figure 1; layer details in the reference code.
"""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from maskgan.config import MaskVAEConfig
from maskgan.networks.layers import one_hot

_DECODER_BN_EPS = 1e-3


class MaskVAE(nn.Module):
    """Encodes masks as latent codes and decodes them."""

    prior_mean: Tensor  # latent_size; with a fitted prior
    prior_covariance: Tensor  # latent_size x latent_size; with a fitted prior

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
        # No normalisation after the last convolution, which outputs logits.
        self.decoder_norm = nn.ModuleList(nn.BatchNorm2d(width, eps=_DECODER_BN_EPS) for width in targets)

        if config.prior == "fitted":
            self.register_buffer("prior_mean", torch.zeros(config.latent_size))
            self.register_buffer("prior_covariance", torch.eye(config.latent_size))

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
        x = F.relu(self.from_code(code)).view(code.shape[0], -1, side, side)
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

    def resize_labels(self, label_maps: Tensor) -> Tensor:
        """Label maps (N x H x W uint8) resized to the network's resolution, N x R x R, by nearest neighbour."""
        side = self.config.resolution
        if label_maps.shape[-2:] == (side, side):
            return label_maps
        resized = F.interpolate(label_maps[:, None].float(), size=(side, side), mode="nearest-exact")
        return resized[:, 0].to(label_maps.dtype)

    def encode_labels(self, label_maps: Tensor) -> Tensor:
        """Label maps of any size (N x H x W uint8) to their codes' means, N x latent_size."""
        return self.encode(one_hot(self.resize_labels(label_maps), self.config.num_classes))[0]

    def decode_labels(self, code: Tensor, size: tuple[int, int] | None = None) -> Tensor:
        """Codes (N x latent_size) to label maps, N x R x R uint8, or N x H x W with smooth outlines if larger."""
        logits = self.decode(code)
        if size is not None and tuple(logits.shape[-2:]) != size:
            logits = F.interpolate(logits.float(), size=size, mode="bilinear", align_corners=False)
        return logits.argmax(1).byte()

    @torch.no_grad()
    def update_prior(self, mean: Tensor, log_variance: Tensor, momentum: float) -> None:
        """Update the running mean and covariance of a fitted prior from a batch of codes, N x latent_size each.

        Does nothing with a standard prior.
        """
        if self.config.prior == "standard":
            return
        offset = mean - self.prior_mean
        covariance = offset.T @ offset / len(mean) + torch.diag(log_variance.exp().mean(0))
        self.prior_mean.lerp_(mean.mean(0), momentum)
        self.prior_covariance.lerp_(covariance, momentum)

    def sample_codes(self, count: int, generator: torch.Generator) -> Tensor:
        """Draw codes (count x latent_size) from the prior; ``generator`` is on the CPU."""
        noise = torch.randn(count, self.config.latent_size, generator=generator).to(self.to_mean.weight.device)
        if self.config.prior == "standard":
            return noise
        mean, factor = self.prior()
        return mean + noise @ factor

    def prior(self) -> tuple[Tensor, Tensor]:
        """Mean (latent_size) and factor (latent_size x latent_size): a code is ``mean + noise @ factor``."""
        if self.config.prior == "standard":
            size = self.config.latent_size
            return torch.zeros(size), torch.eye(size)
        spread = self.prior_covariance + 1e-4 * torch.eye(len(self.prior_mean), device=self.prior_mean.device)
        return self.prior_mean, torch.linalg.cholesky(spread).T

    def simulate_edits(self, label_maps: Tensor, others: Tensor, strength: float) -> tuple[Tensor, Tensor]:
        """Two edited masks: a step towards another face's mask, and the same step away from it.

        Args:
            label_maps: N x H x W uint8.
            others: masks of other faces, N x H x W uint8.
            strength: lambda_inter; the step is the difference of the codes divided by it.

        Returns:
            ``M_inter`` and ``M_outer``, N x H x W uint8.

        Source: the reference code (the paper's section on editing behaviour simulated training).
        """
        size = (label_maps.shape[-2], label_maps.shape[-1])
        code = self.encode_labels(label_maps)
        step = (self.encode_labels(others) - code) / strength
        inter, outer = self.decode_labels(torch.cat([code + step, code - step]), size).chunk(2)
        return inter, outer
