"""Adversarial terms and feature matching over several discriminators.

``judged`` is what ``MultiscaleDiscriminator`` returns: for each scale the features of every layer, verdict last.
Source: Mao et al., ICCV 2017 (least squares); Lim and Ye, 2017 (hinge); Mescheder et al., ICML 2018 (R1); Wang et al.
(Pix2PixHD), CVPR 2018, equations 2 to 5, for feature matching, with weights as in the reference code.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from maskgan.losses.places import weighted_l1

Judged = Sequence[Sequence[Tensor]]


def lsgan(judged: Judged, target: float) -> Tensor:
    """Mean squared distance of the verdicts from ``target`` (1 real, 0 made), summed over the scales."""
    verdicts = [features[-1].float() for features in judged]
    return torch.stack([(verdict - target).square().mean() for verdict in verdicts]).sum()


def lsgan_discriminator(real: Judged, made: Judged) -> Tensor:
    """What the discriminator minimises: half of real towards 1 plus made towards 0."""
    return 0.5 * (lsgan(real, 1.0) + lsgan(made, 0.0))


def hinge(judged: Judged) -> Tensor:
    """What the generator minimises with hinge loss: the negated mean verdict, summed over the scales."""
    return torch.stack([-features[-1].float().mean() for features in judged]).sum()


def hinge_discriminator(real: Judged, made: Judged) -> Tensor:
    """What the discriminator minimises: half of real up to 1 plus made down to -1; verdicts beyond cost nothing."""
    terms = [F.relu(1 - features[-1].float()).mean() for features in real]
    terms += [F.relu(1 + features[-1].float()).mean() for features in made]
    return 0.5 * torch.stack(terms).sum()


def gradient_penalty(judged: Judged, image: Tensor) -> Tensor:
    """R1: half the squared length of the verdicts' gradient in the pictures, a mean over the pictures.

    Args:
        judged: of real pictures; each scale's verdict counts with its mean.
        image: these pictures, N x 3 x H x W, which require a gradient.
    """
    verdict = torch.stack([features[-1].float().mean(dim=(1, 2, 3)).sum() for features in judged]).sum()
    (gradient,) = torch.autograd.grad(verdict, image, create_graph=True)
    return 0.5 * gradient.float().square().sum(dim=(1, 2, 3)).mean()


def feature_matching(real: Judged, made: Judged, places: Tensor | None = None) -> Tensor:
    """L1 distance of the discriminators' inner features, with ``real`` as a constant.

    Weighted by 4 / (layers + 1) for each layer and 1 / scales for each scale, where a discriminator of ``layers``
    stride-2 convolutions has ``layers + 1`` inner features. ``places`` as in ``weighted_l1``.
    """
    total = torch.zeros((), device=real[0][0].device)
    for real_features, made_features in zip(real, made, strict=True):
        inner = len(real_features) - 1
        for r, m in zip(real_features[:-1], made_features[:-1], strict=True):
            total = total + weighted_l1(m, r.detach(), places) * (4.0 / inner / len(real))
    return total
