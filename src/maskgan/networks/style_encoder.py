"""The spatial-aware style encoder: a face and its own mask to one style vector.

Source: supplement, section A and figures 2 and 3 (SFT as in Wang et al., CVPR 2018, without adding 1 to the scale);
the concat variant is the ablation of Table 1. Codes of regions are not the paper's (see ``regions``).
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from maskgan.config import StyleEncoderConfig
from maskgan.networks.layers import channel_schedule, reflect_pad_conv, reflect_pad_conv_relu
from maskgan.networks.regions import RegionEncoder, mask_to_regions, num_regions

_DOWNSAMPLINGS = 5


class SFTFusion(nn.Module):
    """Spatial feature transform: scales and shifts each feature by functions of the condition."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.scale_conv1 = nn.Conv2d(channels, channels, 1)
        self.scale_conv2 = nn.Conv2d(channels, channels, 1)
        self.shift_conv1 = nn.Conv2d(channels, channels, 1)
        self.shift_conv2 = nn.Conv2d(channels, channels, 1)

    def forward(self, features: Tensor, condition: Tensor) -> Tensor:
        """N x C x H x W features and condition to N x C x H x W."""
        scale = self.scale_conv2(F.leaky_relu(self.scale_conv1(condition), 0.1))
        shift = self.shift_conv2(F.leaky_relu(self.shift_conv1(condition), 0.1))
        return features * scale + shift


class ConcatFusion(nn.Module):
    """Condition and features concatenated, then reduced to as many channels as before."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(2 * channels, channels, 1)

    def forward(self, features: Tensor, condition: Tensor) -> Tensor:
        """N x C x H x W features and condition to N x C x H x W."""
        return self.reduce(torch.cat([features, condition], dim=1))


class NoFusion(nn.Module):
    """Identity: the features are not conditioned on the mask."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        del channels

    def forward(self, features: Tensor, condition: Tensor | None) -> Tensor:
        """N x C x H x W features to the same."""
        return features


_FUSIONS: Mapping[str, type[nn.Module]] = {"sft": SFTFusion, "concat": ConcatFusion, "none": NoFusion}


class SpatialAwareStyleEncoder(nn.Module):
    """Two branches without normalisation; the mask branch conditions the image branch twice.

    Without fusion there is only the image branch, the plain style encoder of Pix2PixHD with modification.
    """

    def __init__(
        self,
        config: StyleEncoderConfig,
        num_classes: int,  # channels of the one-hot mask
        style_size: int,  # length of the style vector of the whole face
    ) -> None:
        super().__init__()
        fusion = _FUSIONS[config.fusion]
        self.spatial = config.fusion != "none"
        widths = channel_schedule(config.base_channels, config.max_channels, _DOWNSAMPLINGS + 1)
        self.image_stem = nn.Conv2d(3, widths[0], 7)
        self.image_down = _stride_2_convs(widths)
        if self.spatial:
            self.mask_stem = nn.Conv2d(num_classes, widths[0], 7)
            self.mask_down = _stride_2_convs(widths)
        self.fusion1 = fusion(widths[2])
        self.fusion2 = fusion(widths[5])
        self.to_style = nn.Conv2d(widths[5], style_size, 1)
        self.regions = (
            RegionEncoder(widths[2], widths[5], num_regions(num_classes), config.region_size)
            if config.regions == "parts"
            else None
        )

    def forward(self, image: Tensor, mask: Tensor) -> Tensor:
        """Encode the style of a face.

        Args:
            image: N x 3 x H x W in [-1, 1].
            mask: the image's own one-hot mask, N x num_classes x H x W.

        Returns:
            N x style_size; with regions, followed by the flattened codes, N x (regions * region_size).
        """
        condition1, condition2 = self._conditions(mask) if self.spatial else (None, None)
        x = reflect_pad_conv_relu(self.image_stem, image, 3)
        for conv in self.image_down[:2]:
            x = reflect_pad_conv_relu(conv, x, 1)
        x = fine = self.fusion1(x, condition1)
        for conv in self.image_down[2:]:
            x = reflect_pad_conv_relu(conv, x, 1)
        summary = self.fusion2(x, condition2).mean(dim=(2, 3), keepdim=True)
        style = self.to_style(summary).flatten(1)
        if self.regions is None:
            return style
        codes = self.regions(fine, summary.flatten(1), mask_to_regions(mask))
        return torch.cat([style, codes.flatten(1).to(style.dtype)], dim=1)

    def _conditions(self, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Pre-activation features of the mask branch at 1/4 and 1/32 of the resolution."""
        x = reflect_pad_conv_relu(self.mask_stem, mask, 3)
        x = reflect_pad_conv_relu(self.mask_down[0], x, 1)
        condition1 = reflect_pad_conv(self.mask_down[1], x, 1)
        x = F.relu(condition1)
        for conv in self.mask_down[2:4]:
            x = reflect_pad_conv_relu(conv, x, 1)
        return condition1, reflect_pad_conv(self.mask_down[4], x, 1)


def _stride_2_convs(widths: list[int]) -> nn.ModuleList:
    return nn.ModuleList(nn.Conv2d(a, b, 4, stride=2) for a, b in pairwise(widths))
