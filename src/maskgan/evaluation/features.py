"""Features of pictures, for distances between sets of pictures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from maskgan.images import Picture, resize_picture
from maskgan.losses.perceptual import perceptual_network

_SIDE = 224


class EfficientNetFeatures:
    """The deepest feature map of the perceptual network, averaged over the picture: 112 numbers.

    A Fréchet distance in these is no FID, and is printed under this network's name.
    """

    name = "EfficientNet-Lite0"
    size = 112

    def __init__(self, device: str = "cpu") -> None:
        """Load the weights that come with the extra ``train``.

        Raises:
            UserError: they are not installed.
        """
        self._network = perceptual_network("efficientnet").to(device).eval()
        self._device = device

    @torch.no_grad()
    def __call__(self, pictures: Sequence[Picture]) -> NDArray[np.float64]:
        """H x W x 3 uint8 pictures of any size to N x 112."""
        resized = np.stack([resize_picture(picture, (_SIDE, _SIDE)) for picture in pictures])
        images = torch.from_numpy(resized).to(self._device).permute(0, 3, 1, 2).float() / 127.5 - 1
        return self._network(images)[-1].mean(dim=(2, 3)).double().cpu().numpy()
