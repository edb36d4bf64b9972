"""The alpha blender: two faces and the map that mixes them.

Source: supplement, section A; an alpha of three channels as in the reference code.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from maskgan.config import BlenderConfig
from maskgan.networks.backbone import Backbone
from maskgan.networks.layers import initialise_normal


class AlphaBlender(nn.Module):
    """``alpha * first + (1 - alpha) * second`` with a learnt alpha."""

    def __init__(self, config: BlenderConfig) -> None:
        super().__init__()
        self.config = config
        self.backbone = Backbone(config.backbone, in_channels=6, modulated=False)
        initialise_normal(self)

    def forward(self, first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
        """Blend two faces (N x 3 x H x W in [-1, 1]).

        Returns:
            The blended face, N x 3 x H x W in [-1, 1], and alpha, N x 3 x H x W in [0, 1].
        """
        alpha = torch.sigmoid(self.backbone(torch.cat([first, second], dim=1)))
        return alpha * first + (1 - alpha) * second, alpha
