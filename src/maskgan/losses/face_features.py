"""A perceptual term that looks at faces as people do: in the features of a network that reads attributes from them.

Networks that learnt to tell objects apart give little weight to what tells faces apart: a smile, a beard, make-up. One
that learnt CelebA's attributes sees them. It must not be the one that the results are measured with.
Source: as ``maskgan.losses.perceptual``; a network of faces in place of one of objects is common practice since
Taigman et al. (Unsupervised Cross-Domain Image Generation, ICLR 2017).
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from maskgan.losses.perceptual import FeatureNetwork
from maskgan.networks.resnet import AttributeClassifier


class FaceFeatures(FeatureNetwork):
    """Ends of the four stages of an attribute classifier (1/4, 1/8, 1/16 and 1/32 of the side it was trained at)."""

    # The maps are of one scale; the last ones tell smiles and beards, the first ones see what objects have too.
    weights = (0.1, 0.2, 0.3, 0.4)

    def __init__(self, classifier: AttributeClassifier, side: int) -> None:
        """Look at faces through ``classifier``, shrunk to ``side`` pixels."""
        super().__init__()
        self.classifier = classifier
        self.side = side

    def forward(self, image: Tensor) -> list[Tensor]:
        """Four feature maps."""
        return self.classifier.trunk.features(self._shrunk(image))

    def attributes(self, image: Tensor) -> Tensor:
        """Logits of CelebA's attributes, N x 40."""
        return self.classifier(self._shrunk(image))

    def _shrunk(self, image: Tensor) -> Tensor:
        return F.adaptive_avg_pool2d(image, self.side) if image.shape[-1] > self.side else image
