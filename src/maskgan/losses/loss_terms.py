"""Loss terms of a generator by name, as pure functions of images and network outputs.

Each function returns unweighted scalars; ``weighted_sum`` combines them. Source of the terms: Pix2PixHD, section 3.3
of the paper (Wang et al., CVPR 2018).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from maskgan.losses.adversarial import feature_matching, generator_loss
from maskgan.losses.perceptual import PerceptualLoss
from maskgan.losses.pixel_weights import weighted_l1
from maskgan.networks.discriminator import PatchOutput

Terms = dict[str, Tensor]
"""Unweighted scalars by the names of their weights."""


def adversarial_terms(
    real: Sequence[PatchOutput], fake: Sequence[PatchOutput], pixel_weights: Tensor | None = None
) -> Terms:
    """``adversarial`` and ``feature_matching``, from the discriminators' outputs for real and fake images."""
    return {
        "adversarial": generator_loss([output.logits for output in fake]),
        "feature_matching": feature_matching(
            [output.features for output in real], [output.features for output in fake], pixel_weights
        ),
    }


def reconstruction_terms(
    fake: Tensor,
    real: Tensor,
    perceptual: PerceptualLoss | None,
    pixel_weights: Tensor | None = None,
) -> Terms:
    """``perceptual`` and ``pixel``: distances of fake from real images, N x 3 x H x W in [-1, 1].

    ``perceptual`` is left out where its network is ``None``. ``pixel_weights`` as in ``weighted_l1``.
    """
    terms = {}
    if perceptual is not None:
        terms["perceptual"] = perceptual(fake, real, pixel_weights)
    terms["pixel"] = weighted_l1(fake, real, pixel_weights)
    return terms


def weighted_sum(terms: Terms, weights: Mapping[str, float]) -> Tensor:
    """Sum of the terms, each times the weight of its name."""
    return torch.stack([weights[name] * term for name, term in terms.items()]).sum()
