"""Put an edited region back into the photograph: everything else keeps its pixels, the border is soft.

The paper's authors name compositing as a cure for lost identity. The network's colours are never quite the
photograph's; they are corrected class by class with the difference that it makes where nothing was edited.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from maskgan.images import Picture
from maskgan.labels import LabelMap

_GROW = 0.020  # how far the region reaches beyond the changed labels, as a fraction of the longer side
_SOFT = 0.012  # standard deviation of its soft border, likewise
_COLOUR_REACH = 0.08  # over which distance colour differences are averaged, likewise
_STEP_BLUR = 0.004  # over which distance the correction may step between classes, likewise
_COARSE = 4  # by how much the grid of colour corrections is coarser than the network's picture
_FAR = 1e-3  # weight of the class's average where no unedited pixel of it is near


def composite(
    picture: Picture,
    label_map: LabelMap,
    edited: LabelMap,
    made: Tensor,
    reconstruction: Tensor,
) -> Picture:
    """Blend the edited region of the network's picture into the original.

    Args:
        picture: H x W x 3 uint8, the original.
        label_map: its mask before the edit, H' x W' uint8.
        edited: its mask after the edit, of the same size.
        made: the network's picture of ``edited``, 1 x 3 x h x w in [-1, 1].
        reconstruction: the network's picture of ``label_map``, likewise.

    Returns:
        H x W x 3 uint8; exactly the original where the soft region does not reach.
    """
    height, width = picture.shape[:2]
    working = tuple(made.shape[-2:])
    made, reconstruction = made.cpu(), reconstruction.cpu()
    original = _resized(torch.from_numpy(picture.copy()).permute(2, 0, 1)[None].float() / 127.5 - 1, working)
    before, after = (_resized_labels(labels, working) for labels in (label_map, edited))
    corrected = made + _colour_correction(original - reconstruction, before, after)

    full = _resized(corrected, (height, width))[0].permute(1, 2, 0).numpy()
    alpha = _soft_region(label_map != edited, (height, width))[..., None]
    blended = alpha * (full + 1) * 127.5 + (1 - alpha) * picture
    return np.where(alpha > 0, np.round(blended).clip(0, 255), picture).astype(np.uint8)


def _soft_region(changed: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """1 on the changed labels and a little around, falling softly to exactly 0; H x W float32."""
    longer = max(size)
    region = np.asarray(Image.fromarray(changed).resize((size[1], size[0]), Image.Resampling.NEAREST))
    mask = torch.from_numpy(region.copy()).float()[None, None]
    grown = _dilated(mask, max(round(_GROW * longer), 1))
    soft = _blurred(grown, max(_SOFT * longer, 0.5))
    # The blur must not thin the region out where labels did change.
    soft = torch.maximum(soft, _blurred(_dilated(mask, 1), 0.5))
    soft = torch.where(soft < 1 / 255, torch.zeros(()), soft)
    return soft[0, 0].clamp(max=1).numpy()


def _colour_correction(difference: Tensor, before: LabelMap, after: LabelMap) -> Tensor:
    """What to add to the network's picture, 1 x 3 x h x w.

    Each pixel gets the average of ``difference`` (original minus reconstruction) over nearby pixels that keep the
    pixel's class; where none is near, the average over all that had the class before; zero for a class that is new.
    """
    present = np.unique(after)
    kept = torch.from_numpy(np.stack([(before == label) & (after == label) for label in present])).float()[:, None]
    had = torch.from_numpy(np.stack([before == label for label in present])).float()[:, None]
    average = (difference * had).sum(dim=(2, 3), keepdim=True) / had.sum(dim=(2, 3), keepdim=True).clamp(min=1)
    # Colours change slowly, so a coarse grid is enough: L x 4 x h/4 x w/4 of weighted sums and weights.
    sums = F.avg_pool2d(torch.cat([difference * kept, kept], dim=1), _COARSE)
    sums = _blurred(sums, _COLOUR_REACH * max(before.shape) / _COARSE)
    local = (sums[:, :3] + _FAR * average) / (sums[:, 3:] + _FAR)
    local = F.interpolate(local, size=difference.shape[-2:], mode="bilinear", align_corners=False)
    chosen = torch.from_numpy(np.stack([after == label for label in present])).float()[:, None]
    # Corrections meet at class borders; a short blur keeps their steps from showing.
    return _blurred((local * chosen).sum(dim=0, keepdim=True), _STEP_BLUR * max(before.shape))


def _dilated(mask: Tensor, radius: int) -> Tensor:
    # Two passes of a small square approximate a rounder shape than one large square, and cost less.
    for part in (radius // 2, radius - radius // 2):
        if part:
            mask = F.max_pool2d(mask, 2 * part + 1, stride=1, padding=part)
    return mask


def _blurred(x: Tensor, sigma: float) -> Tensor:
    """Gaussian blur of N x C x H x W with replicated borders."""
    radius = max(int(3 * sigma + 0.5), 1)
    offsets = torch.arange(-radius, radius + 1, dtype=x.dtype)
    kernel = torch.exp(-0.5 * (offsets / sigma) ** 2)
    kernel = kernel / kernel.sum()
    channels = x.shape[1]
    for shape, pad in (((1, 1, 1, -1), (radius, radius, 0, 0)), ((1, 1, -1, 1), (0, 0, radius, radius))):
        weight = kernel.view(shape).expand(channels, 1, *kernel.view(shape).shape[2:])
        x = F.conv2d(F.pad(x, pad, mode="replicate"), weight, groups=channels)
    return x


def _resized(x: Tensor, size: tuple[int, ...]) -> Tensor:
    if x.shape[-2:] == tuple(size):
        return x
    return F.interpolate(x, size=size, mode="bicubic", align_corners=False, antialias=True).clamp(-2, 2)


def _resized_labels(label_map: LabelMap, size: tuple[int, ...]) -> LabelMap:
    return np.asarray(Image.fromarray(label_map).resize((size[1], size[0]), Image.Resampling.NEAREST))
