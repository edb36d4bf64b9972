"""Reading attributes and identities from pictures."""

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
from maskgan.networks.resnet import AttributeClassifier, IdentityNetwork


class AttributeReader:
    """An attribute classifier behind numpy arrays."""

    def __init__(self, path: Path, device: str = "cpu") -> None:
        """Load a classifier's weights file.

        Raises:
            UserError: it is missing, damaged or of another kind.
        """
        network, info = load_weights(path, kind="attributes")
        assert isinstance(network, AttributeClassifier)
        self._network = network.to(device)
        self._side = info.resolution
        self._device = device

    @torch.no_grad()
    def __call__(self, picture: Picture) -> NDArray[np.uint8]:
        """H x W x 3 uint8 to 40 uint8 of 0 or 1, in the order of ``ATTRIBUTES``."""
        logits = self._network(_tensor(picture, self._side, self._device))
        return (logits[0] > 0).byte().cpu().numpy()


class IdentityReader:
    """An identity embedding behind numpy arrays.

    Attributes:
        name: says which embedding a number is of.
    """

    def __init__(self, path: Path, device: str = "cpu") -> None:
        """Load an embedding's weights file.

        Raises:
            UserError: it is missing, damaged or of another kind.
        """
        network, info = load_weights(path, kind="identity")
        assert isinstance(network, IdentityNetwork)
        self.name = f"own ResNet-18, {info.step} faces seen"
        self._network = network.to(device)
        self._side = info.resolution
        self._device = device

    @torch.no_grad()
    def __call__(self, picture: Picture) -> NDArray[np.float64]:
        """H x W x 3 uint8 to D numbers of length 1; the dot product of two is their cosine."""
        return self._network(_tensor(picture, self._side, self._device))[0].double().cpu().numpy()


def attribute_index(name: str) -> int:
    """Place of an attribute among the 40."""
    return ATTRIBUTES.index(name)


def _tensor(picture: Picture, side: int, device: str) -> Tensor:
    small = resize_picture(middle(picture), (side, side))
    return torch.from_numpy(small.copy()).to(device).permute(2, 0, 1)[None].float() / 127.5 - 1
