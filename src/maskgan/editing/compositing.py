"""Put an edited region back into the photograph: everything else keeps its pixels, the border is soft.

The paper's authors name compositing as a cure for lost identity. The network's colours are never quite the
photograph's; they are corrected class by class with the difference that it makes where nothing was edited.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from maskgan.images import Picture, resize_label_map, resize_picture
from maskgan.labels import LabelMap

_GROW = 0.020  # how far the region reaches beyond the changed labels, as a fraction of the longer side
_SOFT = 0.012  # standard deviation of its soft border, likewise
_COLOUR_REACH = 0.08  # over which distance colour differences are averaged, likewise
_STEP_BLUR = 0.004  # over which distance the correction may step between classes, likewise
_REGION_SIDE = 512  # pixels on the longer side of the region's own map
_COARSE = 4  # by how much the grid of colour corrections is coarser than the network's picture
_FAR = 1e-3  # weight of the class's average where no unedited pixel of it is near


@dataclass(frozen=True)
class Unedited:
    """What compositing needs to know of a photograph before any edit; computed once, used for every edit."""

    label_map: LabelMap
    """Its mask, H' x W' uint8."""
    small_label_map: LabelMap
    """The same at the network's size, h x w."""
    difference: Tensor
    """The photograph minus the network's picture of its mask, 1 x 3 x h x w, on the CPU."""


def unedited(picture: Picture, label_map: LabelMap, reconstruction: Tensor) -> Unedited:
    """Compare a photograph with the network's picture of it.

    Args:
        picture: H x W x 3 uint8.
        label_map: its mask, H' x W' uint8.
        reconstruction: the network's picture of ``label_map``, 1 x 3 x h x w in [-1, 1].
    """
    working = (reconstruction.shape[2], reconstruction.shape[3])
    original = torch.from_numpy(resize_picture(picture, working).copy()).permute(2, 0, 1)[None].float() / 127.5 - 1
    return Unedited(label_map, resize_label_map(label_map, working), original - reconstruction.cpu())


def composite(picture: Picture, before: Unedited, edited: LabelMap, made: Tensor) -> Picture:
    """Blend the edited region of the network's picture into the original.

    Args:
        picture: H x W x 3 uint8, the original, at any size.
        before: what ``unedited`` found of it.
        edited: its mask after the edit, of the size of the mask before.
        made: the network's picture of ``edited``, 1 x 3 x h x w in [-1, 1].

    Returns:
        H x W x 3 uint8; exactly the original where the soft region does not reach.
    """
    height, width = picture.shape[:2]
    region = _soft_region(before.label_map != edited)
    box = _bounding_box(region)
    if box is None:
        return picture.copy()
    made = made.cpu()
    after = resize_label_map(edited, (made.shape[2], made.shape[3]))
    corrected = made + _colour_correction(before.difference, before.small_label_map, after)

    # Only the region is brought to the photograph's size, which may be large.
    top, bottom, left, right = (
        round(part * side) for part, side in zip(box, (height, height, width, width), strict=True)
    )
    place = np.s_[top:bottom, left:right]
    frame = (top / height, bottom / height, left / width, right / width)
    size = (bottom - top, right - left)
    alpha = _cropped(region, frame, size, Image.Resampling.BILINEAR)[..., None]
    channels = [_cropped(channel, frame, size, Image.Resampling.BICUBIC) for channel in corrected[0].numpy()]
    blended = alpha * (np.stack(channels, axis=-1) + 1) * 127.5 + (1 - alpha) * picture[place]
    result = picture.copy()
    result[place] = np.where(alpha > 0, np.round(blended).clip(0, 255), picture[place])
    return result


def _soft_region(changed: NDArray[np.bool_]) -> NDArray[np.float32]:
    """1 on the changed labels and a little around, falling softly to exactly 0.

    Its resolution is bounded: soft borders need no more, and its cost does not grow with the photograph.
    """
    height, width = changed.shape
    factor = min(1.0, _REGION_SIDE / max(height, width))
    size = (max(round(width * factor), 1), max(round(height * factor), 1))
    # Averaged and not sampled, so that a thin stroke is not lost.
    share = np.asarray(Image.fromarray(changed.astype(np.float32)).resize(size, Image.Resampling.BOX))
    mask = torch.from_numpy(share > 0).float()[None, None]
    longer = max(size)
    soft = _blurred(_dilated(mask, max(round(_GROW * longer), 1)), max(_SOFT * longer, 0.5))
    # The blur must not thin the region out where labels did change.
    soft = torch.maximum(soft, _blurred(_dilated(mask, 1), 0.5))
    soft = torch.where(soft < 1 / 255, torch.zeros(()), soft)
    return soft[0, 0].clamp(max=1).numpy()


def _bounding_box(region: NDArray[np.float32]) -> tuple[float, float, float, float] | None:
    """Top, bottom, left and right of what is not 0, with a pixel to spare, as fractions of the sides."""
    rows, columns = np.flatnonzero(region.any(axis=1)), np.flatnonzero(region.any(axis=0))
    if not len(rows):
        return None
    height, width = region.shape
    return (
        max(rows[0] - 1, 0) / height,
        min(rows[-1] + 2, height) / height,
        max(columns[0] - 1, 0) / width,
        min(columns[-1] + 2, width) / width,
    )


def _cropped(
    plane: NDArray[np.float32],
    frame: tuple[float, float, float, float],
    size: tuple[int, int],
    method: Image.Resampling,
) -> NDArray[np.float32]:
    """The part of an h x w plane inside ``frame`` (fractions of the sides), at ``size``."""
    height, width = plane.shape
    top, bottom, left, right = frame
    box = (left * width, top * height, right * width, bottom * height)
    return np.asarray(Image.fromarray(plane).resize((size[1], size[0]), method, box=box))


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
