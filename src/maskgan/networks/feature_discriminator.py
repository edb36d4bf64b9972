"""Discriminators on frozen features: small heads at several depths of pretrained networks, and one on pixels.

Source: Projected GANs (Sauer et al., NeurIPS 2021): features are mixed by fixed random 1x1 convolutions, so that no
channel dominates, and each depth has a head of its own. Here every head is also told the mask and the hole.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

_MIXED = 64  # channels behind the random mixing
_WIDTH = 96  # channels of a head


class FeatureHead(nn.Module):
    """Judges patches of one feature map."""

    def __init__(self, channels: int, rms: float, condition: int) -> None:
        super().__init__()
        self.register_buffer("mixing", torch.randn(_MIXED, channels, 1, 1) * channels**-0.5 / rms)
        self.conv1 = spectral_norm(nn.Conv2d(_MIXED + condition, _WIDTH, 3, padding=1))
        self.conv2 = spectral_norm(nn.Conv2d(_WIDTH, _WIDTH, 4, stride=2, padding=1))
        self.logits = spectral_norm(nn.Conv2d(_WIDTH, 1, 3, padding=1))

    def forward(self, features: Tensor, condition: Tensor) -> Tensor:
        """N x C x h x w features and N x condition x H x W to N x 1 x h/2 x w/2 logits."""
        assert isinstance(self.mixing, Tensor)
        mixed = F.conv2d(features, self.mixing.to(features.dtype))
        told = F.adaptive_avg_pool2d(condition, (mixed.shape[2], mixed.shape[3])).to(mixed.dtype)
        x = F.leaky_relu(self.conv1(torch.cat([mixed, told], dim=1)), 0.2)
        return self.logits(F.leaky_relu(self.conv2(x), 0.2))


class PixelHead(nn.Module):
    """A small PatchGAN on the picture itself, which sees what frozen features do not."""

    def __init__(self, condition: int) -> None:
        super().__init__()
        widths = (3 + condition, 32, 64, 128)
        self.convs = nn.ModuleList(spectral_norm(nn.Conv2d(a, b, 4, stride=2, padding=1)) for a, b in pairwise(widths))
        self.logits = spectral_norm(nn.Conv2d(widths[-1], 1, 3, padding=1))

    def forward(self, image: Tensor, condition: Tensor) -> Tensor:
        """N x 3 x H x W and N x condition x H x W to N x 1 x H/8 x W/8 logits."""
        x = torch.cat([image, condition.to(image.dtype)], dim=1)
        for conv in self.convs:
            x = F.leaky_relu(conv(x), 0.2)
        return self.logits(x)


class FeatureDiscriminator(nn.Module):
    """A ``FeatureHead`` for each of the given feature maps and a ``PixelHead``.

    Args:
        feature_maps: channels of each feature map, and the root mean square of its values on photographs, by which
            they are divided: heads are 1-Lipschitz, so a map of large values would drown the other losses.
        num_classes: channels of the one-hot mask.
    """

    def __init__(self, feature_maps: Sequence[tuple[int, float]], num_classes: int) -> None:
        super().__init__()
        self.heads = nn.ModuleList(FeatureHead(channels, rms, num_classes + 1) for channels, rms in feature_maps)
        self.pixels = PixelHead(num_classes + 1)

    def forward(self, image: Tensor, features: Sequence[Tensor], condition: Tensor) -> list[Tensor]:
        """Judge pictures.

        Args:
            image: N x 3 x H x W in [-1, 1].
            features: frozen feature maps of ``image``, in the order of ``feature_maps``.
            condition: one-hot mask and hole, N x (num_classes + 1) x H x W.

        Returns:
            Logits of each head, N x 1 x h x w, positive where the picture looks real.
        """
        judged = [head(f, condition) for head, f in zip(self.heads, features, strict=True)]
        return [*judged, self.pixels(image, condition)]
