"""Discriminators on frozen features: small heads at several depths of pretrained networks, and one on pixels.

Source: Projected GANs (Sauer et al., NeurIPS 2021): features are mixed by fixed random 1x1 convolutions, so that no
channel dominates, and each depth has a head of its own. Here there are features of a network of objects, over the whole
picture, and of a network of faces, over the aligned face; every head is conditioned on the mask and the hole.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from maskgan.face_alignment import align

_MIXED = 64  # channels behind the random mixing
_WIDTH = 96  # channels of a head
_SLOPE = 0.2


class FeatureMapSpec(NamedTuple):
    """A frozen feature map.

    Attributes:
        channels: of the map.
        rms: root mean square of its values on photographs, by which they are divided: heads are 1-Lipschitz, so the
            gradients of a map of large values would drown all other losses.
    """

    channels: int
    rms: float


class HeadOutput(NamedTuple):
    """Output of one head.

    Attributes:
        logits: N x 1 x h x w, positive where the picture looks real.
        hole: N x 1 x h x w, 1 where a patch lies in the hole at least in part; elsewhere real and fake are the same.
    """

    logits: Tensor
    hole: Tensor


class FeatureHead(nn.Module):
    """PatchGAN discriminator on one frozen feature map."""

    def __init__(self, spec: FeatureMapSpec, condition: int) -> None:
        super().__init__()
        mixing = torch.randn(_MIXED, spec.channels, 1, 1) * spec.channels**-0.5 / spec.rms
        self.register_buffer("mixing", mixing)
        self.conv1 = spectral_norm(nn.Conv2d(_MIXED + condition, _WIDTH, 3, padding=1))
        self.conv2 = spectral_norm(nn.Conv2d(_WIDTH, _WIDTH, 4, stride=2, padding=1))
        self.logits = spectral_norm(nn.Conv2d(_WIDTH, 1, 3, padding=1))

    def forward(self, features: Tensor, condition: Tensor) -> Tensor:
        """N x C x h x w features and N x condition x H x W to N x 1 x h/2 x w/2 logits."""
        assert isinstance(self.mixing, Tensor)
        mixed = F.conv2d(features, self.mixing.to(features.dtype))
        resized = F.adaptive_avg_pool2d(condition, (mixed.shape[2], mixed.shape[3])).to(mixed.dtype)
        x = F.leaky_relu(self.conv1(torch.cat([mixed, resized], dim=1)), _SLOPE)
        return self.logits(F.leaky_relu(self.conv2(x), _SLOPE))


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
            x = F.leaky_relu(conv(x), _SLOPE)
        return self.logits(x)


class FeatureDiscriminator(nn.Module):
    """A ``FeatureHead`` for each frozen feature map and a ``PixelHead``."""

    def __init__(
        self,
        picture_maps: Sequence[FeatureMapSpec],  # of the whole picture
        face_maps: Sequence[FeatureMapSpec],  # of the aligned face
        num_classes: int,  # channels of the one-hot mask
    ) -> None:
        super().__init__()
        self.heads = nn.ModuleList(FeatureHead(spec, num_classes + 1) for spec in picture_maps)
        self.faces = nn.ModuleList(FeatureHead(spec, num_classes + 1) for spec in face_maps)
        self.pixels = PixelHead(num_classes + 1)

    def forward(
        self,
        image: Tensor,
        picture_features: Sequence[Tensor],
        face_features: Sequence[Tensor],
        condition: Tensor,
        alignment: Tensor,
    ) -> list[HeadOutput]:
        """Classify patches of images as real or fake.

        Args:
            image: N x 3 x S x S in [-1, 1].
            picture_features: frozen maps of ``image``, in the order of ``picture_maps``.
            face_features: frozen maps of its aligned face, in the order of ``face_maps``.
            condition: one-hot mask and, last, the hole: N x (num_classes + 1) x S x S.
            alignment: matrices that align the faces (see ``face_alignment.alignment``), N x 2 x 3.

        Returns:
            The output of each head.
        """
        aligned = align(condition, alignment)
        outputs = [
            (head(features, head_condition), head_condition)
            for heads, maps, head_condition in (
                (self.heads, picture_features, condition),
                (self.faces, face_features, aligned),
            )
            for head, features in zip(heads, maps, strict=True)
        ]
        outputs.append((self.pixels(image, condition), condition))
        return [
            HeadOutput(logits, F.adaptive_max_pool2d(head_condition[:, -1:], (logits.shape[2], logits.shape[3])))
            for logits, head_condition in outputs
        ]
