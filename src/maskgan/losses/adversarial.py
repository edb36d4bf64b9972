"""The GAN loss over the logits of several discriminators, and feature matching.

Source: Mao et al. (LSGAN), ICCV 2017; Wang et al. (Pix2PixHD), CVPR 2018, equations 2 to 5, for feature matching, with
the layer weights of the reference code.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from maskgan.losses.pixel_weights import weighted_l1

Logits = Sequence[Tensor]
"""Logits of each discriminator, N x 1 x h x w, high for real."""
Features = Sequence[Sequence[Tensor]]
"""Hidden features of each discriminator, layer by layer, N x C x h x w."""


def generator_loss(fake_logits: Logits) -> Tensor:
    """Mean squared distance of the logits of fakes from 1, summed over the discriminators."""
    return _squared_distance(fake_logits, 1.0)


def discriminator_loss(real_logits: Logits, fake_logits: Logits) -> Tensor:
    """Half the squared distance of real logits from 1 plus that of fake logits from 0, summed over discriminators."""
    return 0.5 * (_squared_distance(real_logits, 1.0) + _squared_distance(fake_logits, 0.0))


def feature_matching(real: Features, fake: Features, pixel_weights: Tensor | None = None) -> Tensor:
    """L1 distance between discriminator features of real and fake images; real features are constants.

    Each layer is weighted by 4 / (number of layers) and each discriminator by 1 / (number of discriminators).
    ``pixel_weights`` as in ``weighted_l1``.
    """
    total = torch.zeros((), device=real[0][0].device)
    for real_layers, fake_layers in zip(real, fake, strict=True):
        for r, f in zip(real_layers, fake_layers, strict=True):
            total = total + weighted_l1(f, r.detach(), pixel_weights) * (4.0 / len(real_layers) / len(real))
    return total


def _squared_distance(logits: Logits, target: float) -> Tensor:
    return torch.stack([(scale.float() - target).square().mean() for scale in logits]).sum()
