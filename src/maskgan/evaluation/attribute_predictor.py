"""Predicting CelebA's attributes from images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from maskgan.checkpoints.weights import load_weights
from maskgan.data.annotations import ATTRIBUTES
from maskgan.data.labelled import middle
from maskgan.evaluation.batching import to_images
from maskgan.images import Picture
from maskgan.networks.resnet import AttributeClassifier


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
    def __call__(self, pictures: Sequence[Picture]) -> NDArray[np.uint8]:
        """Classify a batch.

        Args:
            pictures: N H x W x 3 uint8 images; of one that is not square, the middle square is read.

        Returns:
            N x 40 uint8, 0 or 1, in the order of ``ATTRIBUTES``.
        """
        images = to_images([middle(picture) for picture in pictures], self._side, self._device)
        return (self._network(images) > 0).byte().cpu().numpy()


def attribute_index(name: str) -> int:
    """Index of an attribute among the 40."""
    return ATTRIBUTES.index(name)
