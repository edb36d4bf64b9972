"""GAN losses over the logits of several discriminators, feature matching, and the R1 penalty.

Source: Mao et al. (LSGAN), ICCV 2017; Lim and Ye (hinge loss), 2017; Mescheder et al. (R1), ICML 2018; Wang et al.
(Pix2PixHD), CVPR 2018, equations 2 to 5, for feature matching, with the layer weights of the reference code.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from maskgan.losses.pixel_weights import weighted_l1

Logits = Sequence[Tensor]
"""Logits of each discriminator, N x 1 x h x w, high for real."""
Features = Sequence[Sequence[Tensor]]
"""Hidden features of each discriminator, layer by layer, N x C x h x w."""
GANLoss = Literal["lsgan", "hinge"]


def generator_loss(loss: GANLoss, fake_logits: Logits) -> Tensor:
    """Adversarial loss of the generator: ``lsgan_g_loss`` or ``hinge_g_loss``."""
    return hinge_g_loss(fake_logits) if loss == "hinge" else lsgan_g_loss(fake_logits)


def discriminator_loss(loss: GANLoss, real_logits: Logits, fake_logits: Logits) -> Tensor:
    """Loss of the discriminator: ``lsgan_d_loss`` or ``hinge_d_loss``."""
    return hinge_d_loss(real_logits, fake_logits) if loss == "hinge" else lsgan_d_loss(real_logits, fake_logits)


def lsgan_g_loss(fake_logits: Logits) -> Tensor:
    """Mean squared distance of the logits of fakes from 1, summed over the discriminators."""
    return _squared_distance(fake_logits, 1.0)


def lsgan_d_loss(real_logits: Logits, fake_logits: Logits) -> Tensor:
    """Half the squared distance of real logits from 1 plus that of fake logits from 0, summed over discriminators."""
    return 0.5 * (_squared_distance(real_logits, 1.0) + _squared_distance(fake_logits, 0.0))


def hinge_g_loss(fake_logits: Logits) -> Tensor:
    """Negated mean logit of fakes, summed over the discriminators."""
    return torch.stack([-logits.float().mean() for logits in fake_logits]).sum()


def hinge_d_loss(real_logits: Logits, fake_logits: Logits) -> Tensor:
    """Half of ``relu(1 - real)`` plus ``relu(1 + fake)``, means summed over the discriminators."""
    terms = [F.relu(1 - logits.float()).mean() for logits in real_logits]
    terms += [F.relu(1 + logits.float()).mean() for logits in fake_logits]
    return 0.5 * torch.stack(terms).sum()


def r1_penalty(real_logits: Logits, real: Tensor) -> Tensor:
    """R1: half the squared norm of the gradient of the logits at real images, averaged over the images.

    Args:
        real_logits: computed from ``real``; each discriminator contributes its mean logit per image.
        real: N x 3 x H x W, with ``requires_grad``.
    """
    total = torch.stack([logits.float().mean(dim=(1, 2, 3)).sum() for logits in real_logits]).sum()
    (gradient,) = torch.autograd.grad(total, real, create_graph=True)
    return 0.5 * gradient.float().square().sum(dim=(1, 2, 3)).mean()


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
