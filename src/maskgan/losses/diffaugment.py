"""DiffAugment: differentiable augmentation of what the discriminator sees, against overfitting on few faces.

Source: Zhao et al., NeurIPS 2020 (colour, translation, cutout). Mask, real and fake image of a face share one draw,
because feature matching compares them pixel by pixel.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

_BRIGHTNESS = 0.5  # maximum offset
_CONTRAST = (0.5, 1.5)  # factor on the distance from the mean
_SATURATION = (0.0, 2.0)  # factor on the distance from grey
_SHIFT = 1 / 8  # maximum translation, as a fraction of the side
_CUTOUT = 1 / 2  # side of the cutout, as a fraction of the side


@dataclass(frozen=True)
class DiffAugment:
    """The random parameters for N faces."""

    brightness: Tensor  # N x 1 x 1 x 1
    contrast: Tensor  # N x 1 x 1 x 1
    saturation: Tensor  # N x 1 x 1 x 1
    shift: Tensor  # N x 2, rows and columns, as fractions of the side
    cutout_centre: Tensor  # N x 2, rows and columns, as fractions of the side

    @classmethod
    def sample(cls, count: int, device: torch.device) -> DiffAugment:
        """Draw parameters for ``count`` faces from torch's global generator."""

        def uniform(low: float, high: float, *shape: int) -> Tensor:
            return torch.rand(count, *shape, device=device) * (high - low) + low

        return cls(
            brightness=uniform(-_BRIGHTNESS, _BRIGHTNESS, 1, 1, 1),
            contrast=uniform(*_CONTRAST, 1, 1, 1),
            saturation=uniform(*_SATURATION, 1, 1, 1),
            shift=uniform(-_SHIFT, _SHIFT, 2),
            cutout_centre=uniform(0, 1, 2),
        )

    def augment_image(self, image: Tensor) -> Tensor:
        """Colour, translation and cutout of N x 3 x H x W images in [-1, 1]; differentiable."""
        image = image + self.brightness
        grey = image.mean(dim=1, keepdim=True)
        image = grey + (image - grey) * self.saturation
        mean = image.mean(dim=(1, 2, 3), keepdim=True)
        return self.augment_map(mean + (image - mean) * self.contrast)

    def augment_map(self, maps: Tensor) -> Tensor:
        """Translation and cutout alone, of N x C x H x W maps; filled with zeros."""
        size = torch.tensor(maps.shape[2:], device=maps.device)
        rows, columns = (torch.arange(side, device=maps.device) for side in maps.shape[2:])
        shift, centre = (self.shift * size).round().long(), self.cutout_centre * size
        from_rows, from_columns = rows - shift[:, :1], columns - shift[:, 1:]
        inside = _outer_and(_within(from_rows, maps.shape[2]), _within(from_columns, maps.shape[3]))
        cut = (
            (rows - centre[:, :1]).abs() < size[0] * _CUTOUT / 2,
            (columns - centre[:, 1:]).abs() < size[1] * _CUTOUT / 2,
        )
        kept = (inside & ~_outer_and(*cut))[:, None]
        index = torch.arange(len(maps), device=maps.device)[:, None, None]
        # Advanced indices around a slice put their own dimensions first: N x H x W x C.
        moved = maps[
            index,
            :,
            from_rows.clamp(0, maps.shape[2] - 1)[:, :, None],
            from_columns.clamp(0, maps.shape[3] - 1)[:, None],
        ]
        return moved.permute(0, 3, 1, 2) * kept.to(maps.dtype)


def _within(positions: Tensor, side: int) -> Tensor:
    return (positions >= 0) & (positions < side)


def _outer_and(rows: Tensor, columns: Tensor) -> Tensor:
    """N x H and N x W bool to N x H x W."""
    return rows[:, :, None] & columns[:, None]
