"""Perceptual loss in the features of a face attribute classifier.

ImageNet features give little weight to what distinguishes faces: a smile, a beard, make-up. A classifier of CelebA's
attributes sees them. It must not be the classifier that results are measured with.
Source: as ``maskgan.losses.perceptual``; a face network in place of an ImageNet network follows
Taigman et al. (Unsupervised Cross-Domain Image Generation, ICLR 2017).
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from maskgan.losses.perceptual import FeatureNetwork
from maskgan.networks.resnet import AttributeClassifier


class FaceFeatures(FeatureNetwork):
    """Feature maps of the four stages of an attribute classifier, at 1/4, 1/8, 1/16 and 1/32 of its resolution."""

    # The maps have similar magnitudes; late ones separate smiles and beards, early ones see edges and texture.
    weights = (0.1, 0.2, 0.3, 0.4)

    def __init__(self, classifier: AttributeClassifier, side: int) -> None:
        """Use the features of ``classifier``, which sees images downsampled to ``side`` pixels."""
        super().__init__()
        self.classifier = classifier
        self.side = side

    def forward(self, image: Tensor) -> list[Tensor]:
        """Four feature maps."""
        return self.classifier.trunk.features(self._downsample(image))

    def attributes(self, image: Tensor) -> Tensor:
        """Logits of CelebA's 40 attributes, N x 40, of N x 3 x H x W images in [-1, 1]."""
        return self.classifier(self._downsample(image))

    def _downsample(self, image: Tensor) -> Tensor:
        return F.adaptive_avg_pool2d(image, self.side) if image.shape[-1] > self.side else image
