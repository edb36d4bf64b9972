"""Per-pixel weights for losses that compare two images pixel by pixel."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from maskgan.losses.masks import class_balanced_weights


def class_balanced_pixel_weights(mask: Tensor, balance: float) -> Tensor | None:
    """Weight each pixel by its class, so that eyes and mouth count beside hair and skin.

    Args:
        mask: one-hot, N x num_classes x H x W.
        balance: 0 for equal pixels, 1 for equal classes (see ``class_balanced_weights``).

    Returns:
        N x 1 x H x W with mean 1 over the pixels of the data set, or ``None`` if all weights are 1.
    """
    if not balance:
        return None
    return (mask * class_balanced_weights(balance).to(mask.device)[:, None, None]).sum(dim=1, keepdim=True)


def weighted_l1(fake: Tensor, real: Tensor, pixel_weights: Tensor | None = None) -> Tensor:
    """Mean absolute difference in float32.

    Args:
        fake: N x C x h x w, any float type.
        real: N x C x h x w, any float type.
        pixel_weights: N x 1 x H x W, average-pooled to h x w; ``None`` for equal weights.
    """
    if pixel_weights is None:
        return F.l1_loss(fake.float(), real.float())
    differences = (fake.float() - real.float()).abs().mean(dim=1, keepdim=True)
    return (differences * F.adaptive_avg_pool2d(pixel_weights, (differences.shape[2], differences.shape[3]))).mean()
