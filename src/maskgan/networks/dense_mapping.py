"""The dense mapping network: image generation backbone and spatial-aware style encoder together."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from maskgan.config import DenseMappingConfig
from maskgan.networks.backbone import Backbone
from maskgan.networks.layers import initialise_fan_in, initialise_normal
from maskgan.networks.style_encoder import SFTFusion, SpatialAwareStyleEncoder


class DenseMappingNetwork(nn.Module):
    """A mask and a style make a face."""

    def __init__(self, config: DenseMappingConfig) -> None:
        super().__init__()
        self.config = config
        self.backbone = Backbone(config.backbone, config.num_classes, modulated=True)
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

    def encode_style(self, image: Tensor, mask: Tensor) -> Tensor:
        """The style vector (N x style_size) of ``image`` (N x 3 x H x W in [-1, 1]) and its own one-hot mask."""
        return self.style_encoder(image, mask)

    def synthesise(self, mask: Tensor, style: Tensor) -> Tensor:
        """A face (N x 3 x H x W in [-1, 1]) for a one-hot mask (N x 19 x H x W) and a style (N x style_size)."""
        return torch.tanh(self.backbone(mask, style))

    def forward(self, mask: Tensor, style_image: Tensor, style_mask: Tensor) -> Tensor:
        """``synthesise`` for ``mask`` in the style of ``style_image``, whose own mask is ``style_mask``."""
        return self.synthesise(mask, self.encode_style(style_image, style_mask))

    def _initialise_fan_in(self) -> None:
        # With scales near 0, as N(0, 0.02) gives, the style hardly reaches the picture and is never learnt.
        initialise_fan_in(self)
        to_style = self.style_encoder.to_style
        nn.init.normal_(to_style.weight, 0.0, 0.1 * to_style.in_channels**-0.5)
        assert to_style.bias is not None
        for scales in self.backbone.style_scale_slices():
            nn.init.ones_(to_style.bias[scales])
        for fusion in (self.style_encoder.fusion1, self.style_encoder.fusion2):
            if isinstance(fusion, SFTFusion):
                assert fusion.scale_conv2.bias is not None
                nn.init.normal_(fusion.scale_conv2.weight, 0.0, 0.1 * fusion.scale_conv2.in_channels**-0.5)
                nn.init.ones_(fusion.scale_conv2.bias)
