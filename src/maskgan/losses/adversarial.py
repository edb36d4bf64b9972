"""Least-squares adversarial terms and feature matching over several discriminators.

``judged`` is what ``MultiscaleDiscriminator`` returns: for each scale the features of every layer, verdict last.
Source: Mao et al., ICCV 2017; Wang et al. (Pix2PixHD), CVPR 2018, equations 2 to 5; weights as in the reference code.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

Judged = Sequence[Sequence[Tensor]]


def lsgan(judged: Judged, target: float) -> Tensor:
    """Mean squared distance of the verdicts from ``target`` (1 real, 0 made), summed over the scales."""
    verdicts = [features[-1].float() for features in judged]
    return torch.stack([(verdict - target).square().mean() for verdict in verdicts]).sum()


def lsgan_discriminator(real: Judged, made: Judged) -> Tensor:
    """What the discriminator minimises: half of real towards 1 plus made towards 0."""
    return 0.5 * (lsgan(real, 1.0) + lsgan(made, 0.0))


def feature_matching(real: Judged, made: Judged) -> Tensor:
    """L1 distance of the discriminators' inner features, with ``real`` as a constant.

    Weighted by 4 / (layers + 1) for each layer and 1 / scales for each scale, where a discriminator of ``layers``
    stride-2 convolutions has ``layers + 1`` inner features.
    """
    total = torch.zeros((), device=real[0][0].device)
    for real_features, made_features in zip(real, made, strict=True):
        inner = len(real_features) - 1
        for r, m in zip(real_features[:-1], made_features[:-1], strict=True):
            total = total + F.l1_loss(m.float(), r.detach().float()) * (4.0 / inner / len(real))
    return total
