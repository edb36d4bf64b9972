"""Outlier-pixel loss: isolated pixels around the face that differ from all pixels near them.

Not in the paper. Where a mask asks for hair that the style's face does not have, a small discriminator lets white and
magenta specks pass, and the attribute loss rewards them. Photographs and reconstructions hardly have any.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from maskgan.face_parts import SURROUNDINGS
from maskgan.outlier_pixels import THRESHOLD, median_difference

_VALUE_RANGE = 2.0  # of images in [-1, 1]
_SCALES = (1, 2)  # pixels, and cells of 2 x 2 pixels


def outlier_pixel_loss(fake: Tensor, mask: Tensor) -> Tensor:
    """Difference from the local median beyond the threshold: mean over the pixels around the face, sum over scales.

    Args:
        fake: N x 3 x H x W in [-1, 1], H and W even.
        mask: one-hot, N x 19 x H x W.
    """
    image, around = fake.float(), mask[:, list(SURROUNDINGS)].sum(dim=1, keepdim=True).float()
    terms = []
    for scale in _SCALES:
        excess = F.relu(median_difference(F.avg_pool2d(image, scale)) - THRESHOLD * _VALUE_RANGE)
        weights = F.avg_pool2d(around, scale)
        terms.append((excess * weights).sum() / weights.sum().clamp(min=1.0))
    return torch.stack(terms).sum()
