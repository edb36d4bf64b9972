"""Background that an edit reveals, such as behind hair that is cut off, in the colours of the background around it.

The edit network guesses what was hidden, and where its guess is a little off, it shows as a ghost of what was there.
Large shapes are therefore continued from the photograph, coarse to fine, as in the pull-push algorithm (Gortler et al.,
"The Lumigraph", SIGGRAPH 1996); only the grain is the network's.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from maskgan.editing.soft_region import surroundings

# Lengths are fractions of the longer side.
_GRAIN = 0.006  # distance to both sides over which colours are averaged; what varies faster is grain
_CONTEXT = 0.1  # around revealed background that is read


def match_revealed_background(generated: Tensor, revealed: Tensor, known: Tensor) -> Tensor:
    """The network's picture with revealed background that continues the known one.

    Args:
        generated: 1 x 3 x h x w in [-1, 1], the photograph outside of the hole.
        revealed: background in the hole, 1 x 1 x h x w: 1 there.
        known: background outside of the hole, the same.

    Returns:
        1 x 3 x h x w in [-1, 1]; the same where ``revealed`` is 0, and everywhere if no known background is near.
    """
    longer = max(generated.shape[2:])
    rows, columns = surroundings(revealed[0, 0].numpy() > 0, round(_CONTEXT * longer))
    image, revealed, known = (x[:, :, rows, columns] for x in (generated, revealed, known))
    if not (revealed.any() and known.any()):
        return generated
    reach = max(round(_GRAIN * longer), 1)
    grain = image - _local_mean(image, revealed, reach)
    smooth = _local_mean(_continue(image, known), revealed + known, reach)
    result = generated.clone()
    result[:, :, rows, columns] = torch.where(revealed > 0, (smooth + grain).clamp(-1, 1), image)
    return result


def _local_mean(image: Tensor, weight: Tensor, reach: int) -> Tensor:
    """Weighted means of 1 x C x h x w over squares of ``reach`` pixels to both sides; 0 where all weights are 0."""
    sums, weights = (_box_mean(x, reach) for x in (image * weight, weight))
    return sums / weights.clamp_min(1e-6)


def _box_mean(x: Tensor, reach: int) -> Tensor:
    """Means of N x C x h x w over squares, down then across, which costs less; 0 beyond the borders."""
    side = 2 * reach + 1
    return F.avg_pool2d(F.avg_pool2d(x, (side, 1), 1, (reach, 0)), (1, side), 1, (0, reach))


def _continue(image: Tensor, known: Tensor) -> Tensor:
    """1 x C x h x w with the colours of known pixels carried over to all others; ``known`` is 1 x 1 x h x w, 0 or 1."""
    height, width = image.shape[2:]
    if max(height, width) == 1:
        return image
    sums, weights = (F.avg_pool2d(x, 2, ceil_mode=True) for x in (image * known, known))
    coarse = _continue(sums / weights.clamp_min(1e-6), weights.sign())
    coarse = F.interpolate(coarse, size=(height, width), mode="bilinear", align_corners=False)
    return torch.where(known > 0, image, coarse)
