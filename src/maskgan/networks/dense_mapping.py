"""The dense mapping network: image generation backbone and spatial-aware style encoder together."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from maskgan.config import DenseMappingConfig
from maskgan.networks.backbone import Backbone
from maskgan.networks.layers import initialise_fan_in, initialise_normal
from maskgan.networks.regions import RegionModulation, divide, num_regions, regions_of
from maskgan.networks.style_encoder import SFTFusion, SpatialAwareStyleEncoder


class DenseMappingNetwork(nn.Module):
    """A mask and a style make a face."""

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
        """Whether parts of the face have style codes of their own."""
        return self._regions > 0

    def part_of_style(self, labels: Iterable[int]) -> Tensor:
        """Which numbers of a style belong to these classes and to nothing else: style_size, bool; none without regions.

        Args:
            labels: classes; skin includes the skin around mouth and eyes.
        """
        whole = torch.zeros(self.backbone.style_size, dtype=torch.bool)
        if not self._regions:
            return whole
        chosen = torch.zeros(self._regions, dtype=torch.bool)
        chosen[regions_of(labels, self.config.num_classes)] = True
        return torch.cat([whole, chosen.repeat_interleave(self.config.style_encoder.region_size)])

    def encode_style(self, image: Tensor, mask: Tensor) -> Tensor:
        """The style of a face: N x style_size, flat whatever it consists of.

        Args:
            image: N x 3 x H x W in [-1, 1].
            mask: its own one-hot mask, N x num_classes x H x W.
        """
        return self.style_encoder(image, mask)

    def synthesise(self, mask: Tensor, style: Tensor, energies: list[Tensor] | None = None) -> Tensor:
        """A face (N x 3 x H x W in [-1, 1]) for a one-hot mask (N x 19 x H x W) and a style (N x style_size).

        ``energies`` is filled as by ``Backbone.forward``.
        """
        whole, codes = style[:, : self.backbone.style_size], style[:, self.backbone.style_size :]
        regions = (codes.reshape(len(codes), self._regions, -1), divide(mask)) if self._regions else None
        return torch.tanh(self.backbone(mask, whole, regions, energies))

    def forward(
        self, mask: Tensor, style_image: Tensor, style_mask: Tensor, energies: list[Tensor] | None = None
    ) -> Tensor:
        """``synthesise`` for ``mask`` in the style of ``style_image``, whose own mask is ``style_mask``."""
        return self.synthesise(mask, self.encode_style(style_image, style_mask), energies)

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
