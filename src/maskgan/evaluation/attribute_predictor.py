"""Reading attributes from pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from maskgan.checkpoints.weights import load_weights
from maskgan.data.annotations import ATTRIBUTES
from maskgan.data.labelled import middle
from maskgan.images import Picture, resize_picture
from maskgan.networks.resnet import AttributeClassifier
from maskgan.pixels import to_tensor


class AttributePredictor:
    """An attribute classifier behind numpy arrays."""

    def __init__(self, path: Path, device: str = "cpu") -> None:
        """Load a classifier's weights file.

        Raises:
            UserError: it is missing, damaged or of another model type.
        """
        network, info = load_weights(path, model_type="attributes")
        assert isinstance(network, AttributeClassifier)
        self._network = network.to(device)
        self._side = info.resolution
        self._device = device

    @torch.no_grad()
    def __call__(self, picture: Picture) -> NDArray[np.uint8]:
        """H x W x 3 uint8 to 40 uint8 of 0 or 1, in the order of ``ATTRIBUTES``."""
        logits = self._network(centre_square(picture, self._side, self._device))
        return (logits[0] > 0).byte().cpu().numpy()


def attribute_index(name: str) -> int:
    """Place of an attribute among the 40."""
    return ATTRIBUTES.index(name)


def centre_square(picture: Picture, side: int, device: str) -> Tensor:
    """The middle square as 1 x 3 x side x side float in [-1, 1]."""
    small = resize_picture(middle(picture), (side, side))
    return to_tensor(small, device)
