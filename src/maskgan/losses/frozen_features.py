"""Features of two frozen networks that the edit network is taught with: one of objects, one of faces."""

from __future__ import annotations

from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn

from maskgan.face_alignment import align
from maskgan.losses.perceptual import EfficientNetLite0Features
from maskgan.networks.feature_discriminator import FeatureMapSpec
from maskgan.networks.sface import load_sface

_ALIGNED_FROM = 256  # pixels; aligned faces have 112


class PictureFeatures(NamedTuple):
    """What frozen networks see in pictures.

    Attributes:
        objects: feature maps of EfficientNet-Lite0, finest first, N x C x h x w.
        faces: feature maps of SFace over the aligned faces, finest first, N x C x h x w.
        embedding: of SFace, N x 128, of length 1.
    """

    objects: list[Tensor]
    faces: list[Tensor]
    embedding: Tensor

    def detached(self) -> PictureFeatures:
        """The same without a graph."""
        return PictureFeatures(
            [f.detach() for f in self.objects], [f.detach() for f in self.faces], self.embedding.detach()
        )


class FrozenFeatures(nn.Module):
    """EfficientNet-Lite0 over the picture and SFace over the aligned face.

    Raises:
        UserError: the packages that carry the weights are not installed.
    """

    # Channels, and root mean squares over 32 faces of CelebAMask-HQ at 128 px.
    OBJECT_MAPS = (FeatureMapSpec(16, 6.0), FeatureMapSpec(24, 8.5), FeatureMapSpec(40, 8.0), FeatureMapSpec(112, 7.5))
    FACE_MAPS = (FeatureMapSpec(128, 1.0), FeatureMapSpec(256, 1.0), FeatureMapSpec(512, 1.0))

    def __init__(self) -> None:
        super().__init__()
        self.objects = EfficientNetLite0Features()
        self.faces = load_sface()
        self.eval().requires_grad_(False)

    def forward(self, image: Tensor, alignment: Tensor) -> PictureFeatures:
        """Features of N x 3 x S x S pictures in [-1, 1]; ``alignment`` as of ``face_alignment.alignment``."""
        # Beyond this size, sampling the aligned face would skip pixels.
        factor = max(image.shape[2] // _ALIGNED_FROM, 1)
        embedding, faces = self.faces(align(F.avg_pool2d(image, factor), alignment))
        return PictureFeatures(self.objects(image), faces, embedding)
