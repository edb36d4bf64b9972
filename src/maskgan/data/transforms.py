"""Joint augmentation of pictures and label maps, in batches and on whatever device they lie."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from maskgan import labels


@dataclass(frozen=True)
class AugmentConfig:
    """How much pictures vary; zero switches a variation off."""

    flip: float = 0.5
    """Probability of the mirrored picture, its left and right classes exchanged."""
    rotate: float = 5.0
    """Largest rotation either way, in degrees."""
    zoom: float = 0.08
    """Largest change of scale either way, as a fraction."""
    shift: float = 0.03
    """Largest shift either way, as a fraction of the side."""
    brightness: float = 0.1
    """Largest change of brightness either way; 1 is the range from black to white."""
    contrast: float = 0.15
    """Largest change of contrast either way, as a fraction."""
    saturation: float = 0.15
    """Largest change of saturation either way, as a fraction."""


NO_AUGMENTATION = AugmentConfig(0, 0, 0, 0, 0, 0, 0)


def to_float(pictures: Tensor) -> Tensor:
    """uint8 0..255 to float32 -1..1."""
    return pictures.float() / 127.5 - 1.0


def resize_batch(pictures: Tensor, label_maps: Tensor, side: int) -> tuple[Tensor, Tensor]:
    """Shrink or enlarge square batches (N x 3 x H x W float, N x H x W uint8) to ``side``; labels stay unblended."""
    if pictures.shape[-1] == side:
        return pictures, label_maps
    shrinking = side < pictures.shape[-1]
    resized = F.interpolate(
        pictures,
        size=(side, side),
        mode="area" if shrinking else "bilinear",
        align_corners=None if shrinking else False,
    )
    return resized, F.interpolate(label_maps[:, None].float(), size=(side, side), mode="nearest-exact")[:, 0].to(
        label_maps.dtype
    )


def augment(
    pictures: Tensor, label_maps: Tensor, config: AugmentConfig, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Vary a batch; picture and label map move together.

    Args:
        pictures: N x 3 x H x W float in [-1, 1].
        label_maps: N x H x W uint8, 0..18.
        config: how much.
        generator: source of randomness, on the CPU, so that every device sees the same variations.

    Returns:
        Pictures and label maps of the same shapes, types and ranges.
    """
    count, device = pictures.shape[0], pictures.device

    def spread(limit: float) -> Tensor:
        return ((torch.rand(count, generator=generator) * 2 - 1) * limit).to(device)

    flipped = (torch.rand(count, generator=generator) < config.flip).to(device)
    angle, zoom = spread(math.radians(config.rotate)), 1 + spread(config.zoom)
    shift_x, shift_y = spread(2 * config.shift), spread(2 * config.shift)
    brightness, contrast = spread(2 * config.brightness), 1 + spread(config.contrast)
    saturation = 1 + spread(config.saturation)

    if config.flip:
        pictures = torch.where(flipped[:, None, None, None], pictures.flip(-1), pictures)
        mirror = torch.from_numpy(labels.MIRROR).to(device)
        label_maps = torch.where(flipped[:, None, None], mirror[label_maps.flip(-1).long()], label_maps)
    if config.rotate or config.zoom or config.shift:
        pictures, label_maps = _move(pictures, label_maps, angle, zoom, shift_x, shift_y)
    if config.brightness or config.contrast or config.saturation:
        pictures = _recolour(pictures, brightness, contrast, saturation)
    return pictures, label_maps


def _move(
    pictures: Tensor, label_maps: Tensor, angle: Tensor, zoom: Tensor, shift_x: Tensor, shift_y: Tensor
) -> tuple[Tensor, Tensor]:
    cos, sin = torch.cos(angle) / zoom, torch.sin(angle) / zoom
    theta = torch.stack([torch.stack([cos, -sin, shift_x], 1), torch.stack([sin, cos, shift_y], 1)], 1)
    grid = F.affine_grid(theta, list(pictures.shape), align_corners=False)
    moved = F.grid_sample(pictures, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
    moved_labels = F.grid_sample(
        label_maps[:, None].float(), grid, mode="nearest", padding_mode="reflection", align_corners=False
    )
    return moved, moved_labels[:, 0].to(label_maps.dtype)


def _recolour(pictures: Tensor, brightness: Tensor, contrast: Tensor, saturation: Tensor) -> Tensor:
    grey = pictures.mean(dim=1, keepdim=True)
    pictures = grey + (pictures - grey) * saturation[:, None, None, None]
    level = pictures.mean(dim=(1, 2, 3), keepdim=True)
    pictures = level + (pictures - level) * contrast[:, None, None, None] + brightness[:, None, None, None]
    return pictures.clamp(-1, 1)
