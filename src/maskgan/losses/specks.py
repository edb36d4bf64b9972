"""Specks: pixels around the face that stand out from all that surrounds them, in faces without a photograph.

Not in the paper. Where a mask asks for hair that the style's face does not have, a small critic lets white and magenta
specks pass, and an attribute classifier rewards them. Photographs hardly have any, and faces that are given back from
their own masks have none.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from maskgan.labels import INDEX

_AROUND = [INDEX[name] for name in ("background", "hair", "hat", "neck", "cloth")]  # eyes, teeth and jewels do glitter
_ENOUGH = 0.3  # of [-1, 1]: what a pixel may differ by from the median around it
_REACH = 2  # pixels on each side that the median sees
_SCALES = (1, 2)  # pixels of 1 x 1 and of 2 x 2


def specks(made: Tensor, mask: Tensor) -> Tensor:
    """How far pixels around the face stand out beyond what they may, averaged over them and summed over the scales.

    Args:
        made: N x 3 x H x W in [-1, 1], both sides at least 8 and even.
        mask: one-hot, N x 19 x H x W.
    """
    image, around = made.float(), mask[:, _AROUND].sum(dim=1, keepdim=True).float()
    return torch.stack(
        [
            (_standing_out(F.avg_pool2d(image, scale)) * F.avg_pool2d(around, scale)).sum()
            / F.avg_pool2d(around, scale).sum().clamp(min=1.0)
            for scale in _SCALES
        ]
    ).sum()


def _standing_out(image: Tensor) -> Tensor:
    """By how much more than it may each pixel differs from the median around it, in the colour that differs most."""
    with torch.no_grad():
        median = _median(_median(image, dim=3), dim=2)
    return F.relu((image - median).abs().amax(dim=1, keepdim=True) - _ENOUGH)


def _median(image: Tensor, dim: int) -> Tensor:
    """Of each pixel and its neighbours along one side; those of columns' and rows' are near that of the square."""
    side = image.shape[dim]
    padding: Sequence[int] = [_REACH, _REACH, 0, 0] if dim == 3 else [0, 0, _REACH, _REACH]
    padded = F.pad(image, padding, mode="reflect")
    return torch.stack([padded.narrow(dim, i, side) for i in range(2 * _REACH + 1)]).median(dim=0).values
