"""The dense mapping network: image generation backbone and spatial-aware style encoder together."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from maskgan.config import DenseMappingConfig
from maskgan.networks.backbone import Backbone
from maskgan.networks.layers import initialise_fan_in, initialise_normal
from maskgan.networks.regions import RegionModulation, mask_to_regions, num_regions, region_indices
from maskgan.networks.style_encoder import SFTFusion, SpatialAwareStyleEncoder


class DenseMappingNetwork(nn.Module):
    """Synthesises a face from a mask and a style."""

    def __init__(self, config: DenseMappingConfig) -> None:
        super().__init__()
        self.config = config
        self._regions = num_regions(config.num_classes) if config.style_encoder.regions == "parts" else 0
        code_size = config.style_encoder.region_size if self._regions else 0
        self.backbone = Backbone(config.backbone, config.num_classes, modulated=True, region_size=code_size)
        self.style_encoder = SpatialAwareStyleEncoder(
            config.style_encoder, config.num_classes, self.backbone.style_size
        )
        if config.initialisation == "normal":
            initialise_normal(self)
        else:
            self._initialise_fan_in()

    @property
    def size_multiple(self) -> int:
        """Height and width of masks must be multiples of this."""
        return int(2**self.config.backbone.downsamplings)

    @property
    def has_part_styles(self) -> bool:
        """Whether the style has a code per region of the face."""
        return self._regions > 0

    def part_style_mask(self, labels: Iterable[int]) -> Tensor:
        """Which entries of a style vector are the codes of these classes: bool, style_size; all False without regions.

        Args:
            labels: classes; skin includes the skin around mouth and eyes.
        """
        whole = torch.zeros(self.backbone.style_size, dtype=torch.bool)
        if not self._regions:
            return whole
        chosen = torch.zeros(self._regions, dtype=torch.bool)
        chosen[region_indices(labels, self.config.num_classes)] = True
        return torch.cat([whole, chosen.repeat_interleave(self.config.style_encoder.region_size)])

    def encode_style(self, image: Tensor, mask: Tensor) -> Tensor:
        """Encode the style of a face: one flat vector, N x style_size.

        Args:
            image: N x 3 x H x W in [-1, 1].
            mask: its own one-hot mask, N x num_classes x H x W.
        """
        return self.style_encoder(image, mask)

    def synthesise(self, mask: Tensor, style: Tensor) -> Tensor:
        """Synthesise a face.

        Args:
            mask: one-hot, N x num_classes x H x W.
            style: from ``encode_style``, N x style_size.

        Returns:
            N x 3 x H x W in [-1, 1].
        """
        whole, codes = style[:, : self.backbone.style_size], style[:, self.backbone.style_size :]
        regions = (codes.reshape(codes.shape[0], self._regions, -1), mask_to_regions(mask)) if self._regions else None
        return torch.tanh(self.backbone(mask, whole, regions))

    def forward(self, mask: Tensor, style_image: Tensor, style_mask: Tensor) -> Tensor:
        """Synthesise a face for ``mask`` in the style of ``style_image``, whose own mask is ``style_mask``."""
        return self.synthesise(mask, self.encode_style(style_image, style_mask))

    def _initialise_fan_in(self) -> None:
        # With scales near 0, as N(0, 0.02) gives, the style hardly reaches the picture and is never learnt.
        initialise_fan_in(self)
        to_style = self.style_encoder.to_style
        nn.init.normal_(to_style.weight, 0.0, 0.1 * to_style.in_channels**-0.5)
        assert to_style.bias is not None
        for scales in self.backbone.style_scale_slices():
            nn.init.ones_(to_style.bias[scales])
        for module in self.modules():
            if isinstance(module, RegionModulation):
                for layer in (module.to_shift, module.to_scale):
                    nn.init.normal_(layer.weight, 0.0, 0.1 * layer.in_features**-0.5)
        for fusion in (self.style_encoder.fusion1, self.style_encoder.fusion2):
            if isinstance(fusion, SFTFusion):
                assert fusion.scale_conv2.bias is not None
                nn.init.normal_(fusion.scale_conv2.weight, 0.0, 0.1 * fusion.scale_conv2.in_channels**-0.5)
                nn.init.ones_(fusion.scale_conv2.bias)
