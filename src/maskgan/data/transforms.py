"""Joint augmentation of pictures and label maps, in batches and on whatever device they lie."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import torch
import torch.nn.functional as F
from torch import Tensor

from maskgan import labels


@dataclass(frozen=True)
class AugmentConfig:
    """How much pictures vary; 0 switches one off."""

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
WIDE_AUGMENTATION = AugmentConfig(rotate=15, zoom=0.25, shift=0.08, brightness=0.2, contrast=0.25, saturation=0.3)
"""For networks that look at photographs of any alignment: the parser, the classifier, the embedding."""


def resize_batch(pictures: Tensor, label_maps: Tensor, side: int) -> tuple[Tensor, Tensor]:
    """Resize square batches (N x 3 x H x W float, N x ... x H x W uint8) to ``side``; labels stay unblended."""
    if pictures.shape[-1] == side:
        return pictures, label_maps
    shrinking = side < pictures.shape[-1]
    resized = F.interpolate(
        pictures,
        size=(side, side),
        mode="area" if shrinking else "bilinear",
        align_corners=None if shrinking else False,
    )
    layers = F.interpolate(_layers(label_maps).float(), size=(side, side), mode="nearest-exact")
    return resized, layers.view(*label_maps.shape[:-2], side, side).to(label_maps.dtype)


@dataclass(frozen=True)
class AugmentParams:
    """The augmentation of each picture of a batch; every field holds N numbers."""

    flipped: Tensor
    angle: Tensor
    zoom: Tensor
    shift_x: Tensor
    shift_y: Tensor
    brightness: Tensor
    contrast: Tensor
    saturation: Tensor

    def __getitem__(self, chosen: slice) -> AugmentParams:
        """The parameters of some of the pictures."""
        return AugmentParams(*(getattr(self, f.name)[chosen] for f in fields(self)))

    def to(self, device: torch.device) -> AugmentParams:
        """The same on another device."""
        return AugmentParams(*(getattr(self, f.name).to(device) for f in fields(self)))


def sample_augment_params(count: int, config: AugmentConfig, generator: torch.Generator) -> AugmentParams:
    """Random parameters for ``count`` pictures; ``generator`` is on the CPU, so that every device gets the same."""

    def spread(limit: float) -> Tensor:
        return (torch.rand(count, generator=generator) * 2 - 1) * limit

    return AugmentParams(
        flipped=torch.rand(count, generator=generator) < config.flip,
        angle=spread(math.radians(config.rotate)),
        zoom=1 + spread(config.zoom),
        shift_x=spread(2 * config.shift),
        shift_y=spread(2 * config.shift),
        brightness=spread(2 * config.brightness),
        contrast=1 + spread(config.contrast),
        saturation=1 + spread(config.saturation),
    )


def augment(
    pictures: Tensor, label_maps: Tensor, config: AugmentConfig, params: AugmentParams
) -> tuple[Tensor, Tensor]:
    """Vary a batch; picture and label map move together.

    Args:
        pictures: N x 3 x H x W float in [-1, 1].
        label_maps: N x ... x H x W uint8, 0..18; one or several of each picture.
        config: what is switched on.
        params: sampled with the same config, for N pictures.

    Returns:
        Pictures and label maps of the same shapes, types and ranges.
    """
    v = params.to(pictures.device)
    if config.flip:
        mirror = torch.from_numpy(labels.MIRROR).to(pictures.device)
        layers = _layers(label_maps)
        mirrored = torch.where(v.flipped[:, None, None, None], mirror[layers.flip(-1).long()], layers)
        label_maps = mirrored.view_as(label_maps)
    if config.rotate or config.zoom or config.shift:
        moved = F.grid_sample(
            _layers(label_maps).float(),
            _moved_grid(pictures, v),
            mode="nearest",
            padding_mode="reflection",
            align_corners=False,
        )
        label_maps = moved.view_as(label_maps).to(label_maps.dtype)
    return augment_pictures(pictures, config, params), label_maps


def augment_pictures(pictures: Tensor, config: AugmentConfig, params: AugmentParams) -> Tensor:
    """``augment`` where there are no label maps."""
    v = params.to(pictures.device)
    if config.flip:
        pictures = torch.where(v.flipped[:, None, None, None], pictures.flip(-1), pictures)
    if config.rotate or config.zoom or config.shift:
        pictures = F.grid_sample(
            pictures, _moved_grid(pictures, v), mode="bilinear", padding_mode="reflection", align_corners=False
        )
    if config.brightness or config.contrast or config.saturation:
        pictures = _recolour(pictures, v)
    return pictures


def _moved_grid(pictures: Tensor, v: AugmentParams) -> Tensor:
    """Where each pixel of the moved pictures comes from."""
    cos, sin = torch.cos(v.angle) / v.zoom, torch.sin(v.angle) / v.zoom
    theta = torch.stack([torch.stack([cos, -sin, v.shift_x], 1), torch.stack([sin, cos, v.shift_y], 1)], 1)
    return F.affine_grid(theta, list(pictures.shape), align_corners=False)


def _layers(label_maps: Tensor) -> Tensor:
    """N x ... x H x W as N x K x H x W."""
    return label_maps.reshape(len(label_maps), -1, *label_maps.shape[-2:])


def _recolour(pictures: Tensor, v: AugmentParams) -> Tensor:
    brightness, contrast, saturation = (x[:, None, None, None] for x in (v.brightness, v.contrast, v.saturation))
    grey = pictures.mean(dim=1, keepdim=True)
    pictures = grey + (pictures - grey) * saturation
    level = pictures.mean(dim=(1, 2, 3), keepdim=True)
    return (level + (pictures - level) * contrast + brightness).clamp(-1, 1)
