"""StarGAN: one generator conditioned on the target attributes. A baseline of the paper.

Source: Choi et al., CVPR 2018, section 3 and tables 4 and 5 (at 64 base channels and 6 residual blocks).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from maskgan.config import StarGANConfig

_DISCRIMINATOR_LAYERS = 6


class _ResidualBlock(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm1 = nn.InstanceNorm2d(channels, affine=True)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm2 = nn.InstanceNorm2d(channels, affine=True)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x)))))


class StarGAN(nn.Module):
    """StarGAN's generator."""

    def __init__(self, config: StarGANConfig) -> None:
        super().__init__()
        self.config = config
        self.attributes = tuple(config.attributes.split(","))
        base = config.base_channels

        def conv(layer: nn.Module, channels: int) -> nn.Sequential:
            return nn.Sequential(layer, nn.InstanceNorm2d(channels, affine=True), nn.ReLU())

        self.body = nn.Sequential(
            conv(nn.Conv2d(3 + len(self.attributes), base, 7, padding=3, bias=False), base),
            conv(nn.Conv2d(base, 2 * base, 4, stride=2, padding=1, bias=False), 2 * base),
            conv(nn.Conv2d(2 * base, 4 * base, 4, stride=2, padding=1, bias=False), 4 * base),
            *(_ResidualBlock(4 * base) for _ in range(config.residual_blocks)),
            conv(nn.ConvTranspose2d(4 * base, 2 * base, 4, stride=2, padding=1, bias=False), 2 * base),
            conv(nn.ConvTranspose2d(2 * base, base, 4, stride=2, padding=1, bias=False), base),
            nn.Conv2d(base, 3, 7, padding=3, bias=False),
        )

    def forward(self, image: Tensor, target: Tensor) -> Tensor:
        """Translate faces to the target attributes.

        Args:
            image: N x 3 x H x W in [-1, 1], H and W multiples of 4.
            target: N x len(attributes), 0 or 1.

        Returns:
            N x 3 x H x W in [-1, 1].
        """
        planes = target[:, :, None, None].to(image.dtype).expand(-1, -1, *image.shape[2:])
        return torch.tanh(self.body(torch.cat([image, planes], dim=1)))


class StarGANDiscriminator(nn.Module):
    """PatchGAN critic (a Wasserstein critic, without sigmoid) with an attribute classifier head."""

    def __init__(self, config: StarGANConfig, side: int) -> None:
        super().__init__()
        widths = [config.base_channels * 2**i for i in range(_DISCRIMINATOR_LAYERS)]
        layers: list[nn.Module] = []
        for channels, width in zip([3, *widths], widths, strict=False):
            layers += [nn.Conv2d(channels, width, 4, stride=2, padding=1), nn.LeakyReLU(0.01)]
        self.body = nn.Sequential(*layers)
        self.critic_head = nn.Conv2d(widths[-1], 1, 3, padding=1, bias=False)
        self.attributes = nn.Conv2d(
            widths[-1], len(config.attributes.split(",")), side // 2**_DISCRIMINATOR_LAYERS, bias=False
        )

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Images (N x 3 x side x side) to critic scores, N x 1 x h x w, and attribute logits, N x len(attributes)."""
        features = self.body(image)
        return self.critic_head(features), self.attributes(features).flatten(1)
