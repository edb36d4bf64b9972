"""How much each place of a picture counts in terms that compare two pictures place by place."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from maskgan.losses.masks import balanced_weights


def place_weights(mask: Tensor, balance: float) -> Tensor | None:
    """Weights of the pixels, so that eyes and mouth are not lost among hair and skin.

    Args:
        mask: one-hot, N x num_classes x H x W.
        balance: 0 leaves every pixel equal; 1 makes every class count the same (see ``balanced_weights``).

    Returns:
        N x 1 x H x W, mean 1 over the pixels of many faces; ``None`` where all are equal.
    """
    if not balance:
        return None
    return (mask * balanced_weights(balance).to(mask.device)[:, None, None]).sum(dim=1, keepdim=True)


def weighted_l1(made: Tensor, target: Tensor, weights: Tensor | None) -> Tensor:
    """Mean absolute difference of two N x C x h x w in float32.

    Args:
        made: of any dtype.
        target: likewise.
        weights: of the places, N x 1 x H x W, shrunk to h x w by averaging; ``None`` for the plain mean.
    """
    if weights is None:
        return F.l1_loss(made.float(), target.float())
    differences = (made.float() - target.float()).abs().mean(dim=1, keepdim=True)
    return (differences * F.adaptive_avg_pool2d(weights, (differences.shape[2], differences.shape[3]))).mean()
