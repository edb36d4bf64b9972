"""Losses of the networks that predict masks: MaskVAE and the parser."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from maskgan.labels import CLASSES

# Class frequencies over the pixels of 1,063 CelebAMask-HQ training masks, in per mille.
_FREQUENCIES = {
    "background": 284.13, "skin": 254.57, "nose": 20.49, "eye_g": 2.5, "l_eye": 2.2, "r_eye": 2.2, "l_brow": 4.29,
    "r_brow": 4.16, "l_ear": 4.89, "r_ear": 3.84, "mouth": 2.91, "u_lip": 4.11, "l_lip": 6.72, "hair": 314.12,
    "hat": 7.91, "ear_r": 2.15, "neck_l": 0.11, "neck": 41.0, "cloth": 37.67,
}  # fmt: skip


def kl_divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL divergence of N(mean, exp(log_variance)) from N(0, 1), summed over the code, averaged over the batch.

    Args:
        mean: N x latent_size.
        log_variance: N x latent_size.

    Source: Kingma and Welling, ICLR 2014, appendix B.
    """
    return -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).sum(dim=1).mean()


def class_balanced_weights(balance: float) -> Tensor:
    """Class weights for the cross entropy, so that small parts count.

    Args:
        balance: 0 for equal pixels, 1 for equal classes.

    Returns:
        num_classes float32, proportional to frequency ** -balance, with mean 1 over the pixels.
    """
    frequencies = torch.tensor([_FREQUENCIES[c.name] for c in CLASSES])
    frequencies = frequencies / frequencies.sum()
    weights = frequencies**-balance
    return weights / (weights * frequencies).sum()


def soft_jaccard_loss(logits: Tensor, target: Tensor) -> Tensor:
    """One minus the intersection over union of the classes, with probabilities for pixels; mean over those in a batch.

    It is what the mean IoU measures, so a small class counts as much as a large one.

    Args:
        logits: N x num_classes x H x W.
        target: N x H x W int64, labels 0..num_classes - 1.

    Source: Rahman and Wang, ISVC 2016.
    """
    probabilities = logits.softmax(1)
    own = F.one_hot(target, logits.shape[1]).movedim(3, 1).to(probabilities.dtype)
    intersection = (probabilities * own).sum((0, 2, 3))
    size = own.sum((0, 2, 3))
    iou = intersection / (probabilities.sum((0, 2, 3)) + size - intersection).clamp_min(1e-6)
    present = size > 0
    return 1 - iou[present].mean()
