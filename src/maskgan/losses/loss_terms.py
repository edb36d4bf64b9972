"""Loss terms of a generator by name, as pure functions of images and network outputs.

Each function returns unweighted scalars; ``weighted_sum`` combines them. Source of the terms: Pix2PixHD, section 3.3
of the paper (Wang et al., CVPR 2018); those of swaps are not in the paper.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from maskgan.losses.adversarial import GANLoss, feature_matching, generator_loss
from maskgan.losses.attribute_swaps import AttributeSwap
from maskgan.losses.face_features import FaceFeatures
from maskgan.losses.outlier_pixels import outlier_pixel_loss
from maskgan.losses.perceptual import PerceptualLoss
from maskgan.losses.pixel_weights import weighted_l1
from maskgan.networks.discriminator import PatchOutput

Terms = dict[str, Tensor]
"""Unweighted scalars by the names of their weights."""


class SwapSample(NamedTuple):
    """Faces rendered with another face's mouth or mask.

    Attributes:
        swap: what was taken from the other face; its name is that of the term.
        fake: the rendered faces, N x 3 x H x W in [-1, 1].
        mask: their one-hot masks, N x num_classes x H x W.
        target: attribute probabilities they should have, N x 40.
    """

    swap: AttributeSwap
    fake: Tensor
    mask: Tensor
    target: Tensor


def adversarial_terms(
    loss: GANLoss, real: Sequence[PatchOutput], fake: Sequence[PatchOutput], pixel_weights: Tensor | None = None
) -> Terms:
    """``adversarial`` and ``feature_matching``, from the discriminators' outputs for real and fake images."""
    return {
        "adversarial": generator_loss(loss, [output.logits for output in fake]),
        "feature_matching": feature_matching(
            [output.features for output in real], [output.features for output in fake], pixel_weights
        ),
    }


def reconstruction_terms(
    fake: Tensor,
    real: Tensor,
    perceptual: PerceptualLoss | None,
    face: PerceptualLoss | None,
    pixel_weights: Tensor | None = None,
) -> Terms:
    """``perceptual``, ``face`` and ``pixel``: distances of fake from real images, N x 3 x H x W in [-1, 1].

    Terms whose network is ``None`` are left out. ``pixel_weights`` as in ``weighted_l1``.
    """
    terms = {}
    if perceptual is not None:
        terms["perceptual"] = perceptual(fake, real, pixel_weights)
    if face is not None:
        terms["face"] = face(fake, real, pixel_weights)
    terms["pixel"] = weighted_l1(fake, real, pixel_weights)
    return terms


def swap_terms(samples: Sequence[SwapSample], classifier: FaceFeatures, outlier_pixels: bool) -> Terms:
    """The attribute loss of each swap under the swap's name, and ``outlier_pixels`` on request."""
    terms = {
        sample.swap.name: sample.swap.loss(classifier.attributes(sample.fake), sample.target) for sample in samples
    }
    if outlier_pixels:
        fake, mask = (torch.cat(tensors) for tensors in zip(*((s.fake, s.mask) for s in samples), strict=True))
        terms["outlier_pixels"] = outlier_pixel_loss(fake, mask)
    return terms


def weighted_sum(terms: Terms, weights: Mapping[str, float]) -> Tensor:
    """Sum of the terms, each times the weight of its name."""
    return torch.stack([weights[name] * term for name, term in terms.items()]).sum()
