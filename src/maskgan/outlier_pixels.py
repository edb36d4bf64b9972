"""What an outlier pixel is, for the loss against them and for the metric that counts them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

THRESHOLD = 50 / 255
"""Difference from the local median above which a pixel is an outlier, as a fraction of the value range."""
_WINDOW = 5


@torch.no_grad()
def local_median(image: Tensor) -> Tensor:
    """Median of the 5 x 5 pixels around each pixel, channel by channel: N x C x H x W to the same.

    Borders are extended by their own pixels.
    """
    count, channels, height, width = image.shape
    padding = _WINDOW // 2
    padded = F.pad(image, (padding, padding, padding, padding), mode="replicate")
    windows = F.unfold(padded, _WINDOW).view(count, channels, _WINDOW**2, height, width)
    return windows.median(dim=2).values


def median_difference(image: Tensor) -> Tensor:
    """Absolute difference of each pixel from the local median, in the channel that differs most: N x 1 x H x W."""
    return (image - local_median(image)).abs().amax(dim=1, keepdim=True)
