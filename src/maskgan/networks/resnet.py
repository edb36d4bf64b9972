"""ResNet-18, and two networks built on it: an attribute classifier and an identity embedding.

Source: He et al., CVPR 2016, table 1. The supplement measures attributes with a ResNet-18.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from maskgan.config import AttributesConfig, IdentityConfig

_STAGES = 4
_BLOCKS = 2


class _BasicBlock(nn.Module):
    """Two 3x3 convolutions, each with batch normalisation, added to the input."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(out_channels)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or in_channels != out_channels:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False), nn.BatchNorm2d(out_channels)
            )

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.norm1(self.conv1(x)))
        return F.relu(self.norm2(self.conv2(y)) + self.shortcut(x))


class ResNet18(nn.Module):
    """Images (N x 3 x H x W in [-1, 1]) to N x ``outputs`` numbers."""

    def __init__(
        self,
        base_channels: int,  # after the first convolution; doubled by each of the three later stages
        outputs: int,
    ) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, base_channels, 7, stride=2, padding=3, bias=False)
        self.stem_norm = nn.BatchNorm2d(base_channels)
        blocks: list[nn.Module] = []
        channels = base_channels
        for stage in range(_STAGES):
            width = base_channels * 2**stage
            for block in range(_BLOCKS):
                blocks.append(_BasicBlock(channels, width, stride=2 if stage and not block else 1))
                channels = width
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Linear(channels, outputs)

    def forward(self, image: Tensor) -> Tensor:
        """N x 3 x H x W in [-1, 1] to N x ``outputs``."""
        return self.head(self.features(image)[-1].mean(dim=(2, 3)))

    def features(self, image: Tensor) -> list[Tensor]:
        """Feature maps at the end of the four stages, at 1/4, 1/8, 1/16 and 1/32 of the resolution."""
        x = F.max_pool2d(F.relu(self.stem_norm(self.stem(image))), 3, stride=2, padding=1)
        ends = []
        for number, block in enumerate(self.blocks, start=1):
            x = block(x)
            if number % _BLOCKS == 0:
                ends.append(x)
        return ends


class AttributeClassifier(nn.Module):
    """Logits of CelebA's 40 attributes, in the order of its file."""

    def __init__(self, config: AttributesConfig) -> None:
        super().__init__()
        self.config = config
        self.trunk = ResNet18(config.base_channels, config.num_attributes)

    def forward(self, image: Tensor) -> Tensor:
        """N x 3 x H x W in [-1, 1] to N x num_attributes."""
        return self.trunk(image)


class IdentityNetwork(nn.Module):
    """Identity embedding on the unit sphere: close for faces of one person, far for those of others."""

    def __init__(self, config: IdentityConfig) -> None:
        super().__init__()
        self.config = config
        self.trunk = ResNet18(config.base_channels, config.embedding_size)

    def forward(self, image: Tensor) -> Tensor:
        """N x 3 x H x W in [-1, 1] to N x embedding_size, of length 1."""
        return F.normalize(self.trunk(image).float(), dim=1)
