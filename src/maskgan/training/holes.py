"""Holes in photographs for the edit network to fill, shaped like edits.

The true answer is known where a hole is cut into a photograph, so the network learns edits from photographs alone. Most
holes lie where a part of the face and the same part of another face differ: there an edit would move it. All draws and
all geometry stay on the device of the masks, without waiting for it.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from maskgan.face_parts import (
    BROWS,
    CLOTH,
    EARRING,
    EARS,
    EYES,
    FACE,
    GLASSES,
    HAIR,
    HAT,
    MOUTH,
    NECK,
    NECKLACE,
    NOSE,
    SKIN,
)
from maskgan.labels import NUM_CLASSES
from maskgan.training.edit_config import HoleConfig


class _Part(NamedTuple):
    """A part of the face that edits change."""

    classes: tuple[int, ...]
    frequency: float
    if_present: float  # factor where the face has the first class: rare things are drawn more often


_PARTS = (
    _Part(MOUTH, 0.20, 1.0),
    _Part(BROWS, 0.08, 1.0),
    _Part(EYES, 0.10, 1.0),
    _Part((NOSE,), 0.08, 1.0),
    _Part((HAIR,), 0.22, 1.0),
    _Part((SKIN, NECK), 0.12, 1.0),
    _Part(FACE, 0.06, 1.0),
    _Part(EARS, 0.04, 1.0),
    _Part((NECK, CLOTH), 0.06, 1.0),
    _Part((GLASSES,), 0.03, 20.0),
    _Part((GLASSES, *EYES, *BROWS), 0.02, 10.0),
    _Part((HAT,), 0.05, 12.0),
    _Part((HAT, HAIR), 0.02, 12.0),
    _Part((EARRING,), 0.02, 12.0),
    _Part((NECKLACE,), 0.02, 12.0),
)
_SMALLEST = 0.004  # of the picture; a smaller hole gives way to ellipses
_ELLIPSES = 3
_RADII = (0.05, 0.25)  # of an ellipse, of the side


def sample_holes(
    label_maps: Tensor, donors: Tensor, config: HoleConfig, generator: torch.Generator | None = None
) -> Tensor:
    """Draw a hole for each face.

    Args:
        label_maps: of the faces, N x S x S, integer labels 0..18.
        donors: of other faces, N x S x S, whose parts say where an edit would lie.
        config: how often which holes come.
        generator: of the device of ``label_maps``.

    Returns:
        N x 1 x S x S, float32: 1 in the hole, 0 outside.
    """
    count, side = len(label_maps), label_maps.shape[2]
    device = label_maps.device

    def uniform(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator, device=device)

    part = _draw_parts(label_maps, generator)
    classes = _membership(device)[part]  # N x NUM_CLASSES
    own, others = _covered(label_maps, classes), _covered(donors, classes)
    holes = torch.where((uniform(count) < config.union)[:, None, None], own | others, own ^ others)
    radius = (config.min_grow + (config.max_grow - config.min_grow) * uniform(count)) * side
    holes = grow(holes, radius.round().long())
    small = holes.float().mean((1, 2)) < _SMALLEST
    draw = uniform(count)
    elliptic = small | (draw < config.ellipses)
    holes = torch.where(elliptic[:, None, None], _draw_ellipses(count, side, generator, device), holes)
    holes |= (draw >= 1 - config.full_image)[:, None, None]
    return holes[:, None].float()


def grow(masks: Tensor, radius: Tensor) -> Tensor:
    """Dilate masks by squares of their own size.

    Args:
        masks: N x H x W, bool.
        radius: in pixels, N, integer: each pixel reaches so far in both axes.

    Returns:
        N x H x W, bool.
    """
    return _grow_columns(_grow_columns(masks, radius).transpose(1, 2), radius).transpose(1, 2)


def _grow_columns(masks: Tensor, radius: Tensor) -> Tensor:
    """Along the last axis, by differences of running sums: the cost does not depend on the radius."""
    width = masks.shape[2]
    sums = F.pad(masks.float().cumsum(2), (1, 0))
    columns = torch.arange(width, device=masks.device)
    last = (columns + radius[:, None] + 1).clamp(max=width)
    first = (columns - radius[:, None]).clamp(min=0)

    def at(index: Tensor) -> Tensor:
        return sums.gather(2, index[:, None].expand(-1, masks.shape[1], -1))

    return at(last) - at(first) > 0.5


def _membership(device: torch.device) -> Tensor:
    """Which classes belong to each of ``_PARTS``, len(_PARTS) x NUM_CLASSES, bool."""
    rows = [[label in part.classes for label in range(NUM_CLASSES)] for part in _PARTS]
    return torch.tensor(rows, device=device)


def _draw_parts(label_maps: Tensor, generator: torch.Generator | None) -> Tensor:
    """The number of a part for each face, N."""
    device = label_maps.device
    present = torch.stack([(label_maps == label).any(2).any(1) for label in range(NUM_CLASSES)], dim=1)
    first = torch.tensor([part.classes[0] for part in _PARTS], device=device)
    frequency = torch.tensor([part.frequency for part in _PARTS], device=device)
    factor = torch.tensor([part.if_present for part in _PARTS], device=device)
    weights = frequency * torch.where(present[:, first], factor, 1.0)
    return torch.multinomial(weights, 1, generator=generator)[:, 0]


def _covered(label_maps: Tensor, classes: Tensor) -> Tensor:
    """Where N x S x S labels are among N x NUM_CLASSES classes."""
    return classes.gather(1, label_maps.long().flatten(1)).view(label_maps.shape)


def _draw_ellipses(count: int, side: int, generator: torch.Generator | None, device: torch.device) -> Tensor:
    """Three ellipses in each of N x S x S, bool."""
    position = (torch.arange(side, device=device) + 0.5) / side
    low, high = _RADII
    draw = torch.rand(count, _ELLIPSES, 4, generator=generator, device=device)
    centre, radius = 0.1 + 0.8 * draw[..., :2], low + (high - low) * draw[..., 2:]
    y, x = ((position - centre[..., axis, None]) / radius[..., axis, None] for axis in (0, 1))
    return (y.square()[..., None] + x.square()[:, :, None] < 1).any(1)
