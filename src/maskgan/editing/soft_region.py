"""Regions of pixels grown, softened and cut out."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor


def soft_region(where: NDArray[np.bool_], growth: float, softness: float, side: int) -> NDArray[np.float32]:
    """1 on the true pixels and ``growth`` around, falling softly to exactly 0.

    The resolution is bounded: soft borders need no more, and the cost does not grow with the photograph.

    Args:
        where: H x W.
        growth: reach of the dilation, as a fraction of the longer side.
        softness: standard deviation of the blur, as a fraction of the longer side.
        side: pixels on the longer side of the result, at most.

    Returns:
        h x w in [0, 1].
    """
    height, width = where.shape
    factor = min(1.0, side / max(height, width))
    size = (max(round(height * factor), 1), max(round(width * factor), 1))
    region = np.zeros(size, dtype=np.float32)
    if not where.any():
        return region
    touched = covered(where, size)
    grow, sigma = max(round(growth * max(size)), 1), max(softness * max(size), 0.5)
    # Beyond the reach of growth and blur the region is 0: only what lies within is computed.
    place = surroundings(touched, grow + blur_radius(sigma) + 1)
    mask = torch.from_numpy(touched[place]).float()[None, None]
    soft = blur(dilate(mask, grow), sigma)
    # The blur must not thin the region out where labels did change.
    soft = torch.maximum(soft, blur(dilate(mask, 1), 0.5))
    soft = torch.where(soft < 1 / 255, torch.zeros(()), soft)
    region[place] = soft[0, 0].clamp(max=1).numpy()
    return region


def dilate(mask: Tensor, radius: int) -> Tensor:
    """N x C x H x W dilated by a square of ``2 * radius + 1``; values are 0 or more."""
    for axis, pad in ((2, (0, 0, radius, radius)), (3, (radius, radius))):
        mask, reach, side = F.pad(mask, pad), 1, 2 * radius + 1
        # Maxima of 1 pixel, then 2, 4 and so on: far fewer comparisons than a pooling window makes.
        while reach < side:
            step = min(reach, side - reach)
            length = mask.shape[axis] - step
            mask = torch.maximum(mask.narrow(axis, 0, length), mask.narrow(axis, step, length))
            reach += step
    return mask


def blur(x: Tensor, sigma: float) -> Tensor:
    """Gaussian blur of N x C x H x W with replicated borders; ``sigma`` in pixels."""
    radius = blur_radius(sigma)
    offsets = torch.arange(-radius, radius + 1, dtype=x.dtype)
    kernel = torch.exp(-0.5 * (offsets / sigma) ** 2)
    kernel = kernel / kernel.sum()
    channels = x.shape[1]
    for shape, pad in (((1, 1, 1, -1), (radius, radius, 0, 0)), ((1, 1, -1, 1), (0, 0, radius, radius))):
        weight = kernel.view(shape).expand(channels, 1, *kernel.view(shape).shape[2:])
        x = F.conv2d(F.pad(x, pad, mode="replicate"), weight, groups=channels)
    return x


def blur_radius(sigma: float) -> int:
    """How many pixels ``blur`` looks in each direction."""
    return max(int(3 * sigma + 0.5), 1)


def covered(where: NDArray[np.bool_], size: tuple[int, int]) -> NDArray[np.bool_]:
    """The pixels of ``size`` that true pixels touch: averaged and not sampled, so that a thin stroke is not lost."""
    image = Image.fromarray(where.astype(np.float32))
    return np.asarray(image.resize((size[1], size[0]), Image.Resampling.BOX)) > 0


def surroundings(where: NDArray[np.bool_], margin: int) -> tuple[slice, slice]:
    """Rows and columns of the true pixels, and ``margin`` around them."""
    rows, columns = np.flatnonzero(where.any(axis=1)), np.flatnonzero(where.any(axis=0))
    if not len(rows):
        return np.s_[:0], np.s_[:0]
    return (
        np.s_[max(rows[0] - margin, 0) : rows[-1] + margin + 1],
        np.s_[max(columns[0] - margin, 0) : columns[-1] + margin + 1],
    )
