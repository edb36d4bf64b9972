"""Terms of networks that learn masks: MaskVAE and the parser."""

from __future__ import annotations

import torch
from torch import Tensor

from maskgan.labels import CLASSES

# Share of all pixels, in per mille, over 1,063 CelebAMask-HQ training masks.
_SHARES = {
    "background": 284.13, "skin": 254.57, "nose": 20.49, "eye_g": 2.5, "l_eye": 2.2, "r_eye": 2.2, "l_brow": 4.29,
    "r_brow": 4.16, "l_ear": 4.89, "r_ear": 3.84, "mouth": 2.91, "u_lip": 4.11, "l_lip": 6.72, "hair": 314.12,
    "hat": 7.91, "ear_r": 2.15, "neck_l": 0.11, "neck": 41.0, "cloth": 37.67,
}  # fmt: skip


def kl_divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL divergence of N(mean, exp(log_variance)) from N(0, 1): summed over the code, mean over the batch.

    Args:
        mean: N x latent_size.
        log_variance: N x latent_size.

    Source: Kingma and Welling, ICLR 2014, appendix B.
    """
    return -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).sum(dim=1).mean()


def balanced_weights(balance: float) -> Tensor:
    """Weights of the classes in the cross entropy, so that small parts are not lost.

    Args:
        balance: 0 leaves every pixel equal; 1 makes every class count the same.

    Returns:
        num_classes float32: proportional to share ** -balance, mean 1 over the pixels.
    """
    shares = torch.tensor([_SHARES[c.name] for c in CLASSES])
    shares = shares / shares.sum()
    weights = shares**-balance
    return weights / (weights * shares).sum()
