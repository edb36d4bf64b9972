"""Loss terms of the edit network by name, as pure functions of what networks gave."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from maskgan.losses.frozen_features import PictureFeatures
from maskgan.losses.pixel_weights import class_balanced_pixel_weights, weighted_l1
from maskgan.networks.feature_discriminator import HeadOutput


def hole_pixel_weights(mask: Tensor, hole: Tensor, class_balance: float) -> Tensor:
    """Weights of the pixels of a hole, N x 1 x H x W; 0 outside.

    A hole weighs as the square root of its area: by its area a mouth would be lost beside a whole picture, by its mean
    a few pixels of an earring would be worth as much as one.

    Args:
        mask: one-hot, N x num_classes x H x W.
        hole: 0 or 1, N x 1 x H x W.
        class_balance: 0 for equal pixels, 1 for equal classes.
    """
    balanced = class_balanced_pixel_weights(mask, class_balance)
    weights = hole / hole.mean((1, 2, 3), keepdim=True).clamp_min(1e-6).sqrt()
    return weights if balanced is None else weights * balanced


def hinge_d_loss_in_holes(real: Sequence[HeadOutput], fake: Sequence[HeadOutput]) -> Tensor:
    """``relu(1 - real) + relu(1 + fake)`` over patches in the hole, the mean over the heads."""
    terms = [_mean_in_hole(F.relu(1 - r.logits.float()), r.hole) for r in real]
    terms += [_mean_in_hole(F.relu(1 + f.logits.float()), f.hole) for f in fake]
    return torch.stack(terms).sum() / len(real)


def hinge_g_loss_in_holes(fake: Sequence[HeadOutput]) -> Tensor:
    """Negated logits over patches in the hole, the mean over the heads."""
    return torch.stack([_mean_in_hole(-f.logits.float(), f.hole) for f in fake]).mean()


def edit_reconstruction_terms(
    fake: tuple[Tensor, PictureFeatures],
    real: tuple[Tensor, PictureFeatures],
    perceptual_weights: Sequence[float],
    pixel_weights: Tensor,
    aligned: Tensor,
) -> dict[str, Tensor]:
    """``pixel``, ``perceptual`` and ``identity``.

    Args:
        fake: what the network drew, N x 3 x H x W in [-1, 1], and its features.
        real: the photographs and their features, which are constants.
        perceptual_weights: of the object feature maps.
        pixel_weights: N x 1 x H x W.
        aligned: whether a face could be aligned, N, bool; another has no identity.

    Returns:
        Unweighted scalars. ``identity`` is 1 minus the cosine similarity of the embeddings, over the whole batch.
    """
    maps = zip(perceptual_weights, fake[1].objects, real[1].objects, strict=True)
    similarity = (fake[1].embedding * real[1].embedding).sum(1)
    return {
        "pixel": weighted_l1(fake[0], real[0], pixel_weights),
        "perceptual": torch.stack([w * weighted_l1(f, r, pixel_weights) for w, f, r in maps]).sum(),
        "identity": ((1 - similarity) * aligned).mean(),
    }


def _mean_in_hole(values: Tensor, hole: Tensor) -> Tensor:
    return (values * hole).sum() / hole.sum().clamp_min(1e-6)
