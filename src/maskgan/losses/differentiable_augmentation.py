"""Variations of what the discriminator sees, so that it cannot learn few faces by heart.

Source: Zhao et al. (DiffAugment), NeurIPS 2020, with its colour, translation and cutout. Real and made picture of one
face are varied alike, for feature matching compares them place by place.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

_BRIGHTNESS = 0.5  # added or taken away, at most
_CONTRAST = (0.5, 1.5)  # factor on the distance from the mean
_SATURATION = (0.0, 2.0)  # factor on the distance from grey
_SHIFT = 1 / 8  # of the side, at most
_CUTOUT = 1 / 2  # of the side, blanked out


@dataclass(frozen=True)
class Variation:
    """One draw for N faces: apply it to mask, real and made picture alike."""

    brightness: Tensor  # N x 1 x 1 x 1
    contrast: Tensor  # likewise
    saturation: Tensor  # likewise
    shift: Tensor  # N x 2, rows and columns as shares of the side
    centre: Tensor  # N x 2, of the part blanked out, as shares of the side

    def picture(self, image: Tensor) -> Tensor:
        """Vary pictures, N x 3 x H x W in [-1, 1]; gradients pass through."""
        image = image + self.brightness
        grey = image.mean(dim=1, keepdim=True)
        image = grey + (image - grey) * self.saturation
        mean = image.mean(dim=(1, 2, 3), keepdim=True)
        return self.placed(mean + (image - mean) * self.contrast)

    def placed(self, maps: Tensor) -> Tensor:
        """Shift and blank maps of any kind, N x C x H x W, with zeros."""
        size = torch.tensor(maps.shape[2:], device=maps.device)
        rows, columns = (torch.arange(side, device=maps.device) for side in maps.shape[2:])
        shift, centre = (self.shift * size).round().long(), self.centre * size
        from_rows, from_columns = rows - shift[:, :1], columns - shift[:, 1:]
        inside = _both(_within(from_rows, maps.shape[2]), _within(from_columns, maps.shape[3]))
        near = (
            (rows - centre[:, :1]).abs() < size[0] * _CUTOUT / 2,
            (columns - centre[:, 1:]).abs() < size[1] * _CUTOUT / 2,
        )
        kept = (inside & ~_both(*near))[:, None]
        index = torch.arange(len(maps), device=maps.device)[:, None, None]
        # Advanced indices around a slice put their own dimensions first: N x H x W x C.
        moved = maps[
            index,
            :,
            from_rows.clamp(0, maps.shape[2] - 1)[:, :, None],
            from_columns.clamp(0, maps.shape[3] - 1)[:, None],
        ]
        return moved.permute(0, 3, 1, 2) * kept.to(maps.dtype)


def draw(count: int, device: torch.device) -> Variation:
    """Draw for ``count`` faces, from torch's generator."""

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return torch.rand(count, *shape, device=device) * (high - low) + low

    return Variation(
        brightness=uniform(-_BRIGHTNESS, _BRIGHTNESS, 1, 1, 1),
        contrast=uniform(*_CONTRAST, 1, 1, 1),
        saturation=uniform(*_SATURATION, 1, 1, 1),
        shift=uniform(-_SHIFT, _SHIFT, 2),
        centre=uniform(0, 1, 2),
    )


def _within(positions: Tensor, side: int) -> Tensor:
    return (positions >= 0) & (positions < side)


def _both(rows: Tensor, columns: Tensor) -> Tensor:
    """N x H and N x W to N x H x W: where both hold."""
    return rows[:, :, None] & columns[:, None]
