"""The colours of a drawn hole follow the photograph's.

A hole reaches over pixels whose labels stay: there the network's picture can be compared with the photograph. What it
lacks is added, class by class and fading with the distance, to all of the hole, so that background behind hair that is
gone is not white, new hair has the old one's tint, and skin around a moved brow no film.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from maskgan.editing.edit_region import EditRegion, blur, surroundings
from maskgan.face_parts import MOUTH, SKIN, SURROUNDINGS
from maskgan.images import resize_label_map
from maskgan.labels import LabelMap

_GRID = 128  # cells on the longer side, about, of the grid on which residuals are spread
_REACHES = ((0.024, 1.0), (0.0625, 0.1), (0.1875, 0.01))  # blurs as fractions of the longer side, and their weights
_LARGEST = 0.5  # of a residual that counts; a larger one is another thing, not another tint
_RING = 2  # cells around a hole that bilinear interpolation may read


def match_hole_colours(image: Tensor, generated: Tensor, region: EditRegion) -> Tensor:
    """Bring what was drawn into a hole to the photograph's colours.

    Classes with a copied style keep the network's colours, features do, and so does skin around a mouth that changes:
    its shades are part of the edit.

    Args:
        image: the photograph, 1 x 3 x h x w in [-1, 1].
        generated: the network's picture, the photograph outside of the hole, 1 x 3 x h x w.
        region: the edit's, which has a hole.

    Returns:
        1 x 3 x h x w; equal to ``generated`` outside of the hole.
    """
    sides = (generated.shape[2], generated.shape[3])
    result = generated.cpu().clone()
    everywhere = region.hole(sides)[0, 0].numpy() > 0
    own, edited = (resize_label_map(m, sides) for m in (region.before, region.after))
    classes = _classes(own, edited, region.style_classes)
    # Outside of the hole there is no difference: only what lies around it is computed.
    axes = [
        _Axis.around(part, side, max(max(sides) // _GRID, 1))
        for part, side in zip(surroundings(everywhere, 0), sides, strict=True)
    ]
    place = tuple(axis.pixels for axis in axes)
    before, after, hole = (torch.from_numpy(plane[place].copy()) for plane in (own, edited, everywhere))
    part = result[:, :, place[0], place[1]]
    cell = axes[0].cell
    residual = F.avg_pool2d((image[:, :, place[0], place[1]].cpu() - part).clamp(-_LARGEST, _LARGEST), cell)
    for label in classes:
        drawn = hole & (after == label)
        if not drawn.any():
            continue
        # Cells at borders may show other classes, too.
        known = F.avg_pool2d((drawn & (before == label)).float()[None, None], cell) == 1
        if known.any():
            spread = _spread(residual, known.float(), axes[0].count, axes[1].count)
            part += (axes[0].interpolation @ spread @ axes[1].interpolation.T) * drawn
    return result


@dataclass(frozen=True)
class _Axis:
    """One side of a picture, the grid of cells along it, and the part of both that is computed."""

    side: int
    """Pixels of the picture."""
    cell: int
    """Pixels of a cell."""
    cells: slice
    pixels: slice

    @classmethod
    def around(cls, hole: slice, side: int, cell: int) -> _Axis:
        """What lies around a hole."""
        count = side // cell
        first, last = max(hole.start // cell - _RING, 0), min(-(-hole.stop // cell) + _RING, count)
        return cls(side, cell, slice(first, last), slice(first * cell, side if last == count else last * cell))

    @property
    def count(self) -> int:
        """Cells along the whole side; the pixels of a last one that is smaller belong to none."""
        return self.side // self.cell

    @cached_property
    def interpolation(self) -> Tensor:
        """Weights of cells in pixels, pixels x cells, as in ``F.interpolate`` of the whole grid, bilinear."""
        pixels = torch.arange(self.pixels.start, self.pixels.stop)
        position = ((pixels + 0.5) * (self.count / self.side) - 0.5).clamp(0, self.count - 1)
        distance = position[:, None] - torch.arange(self.cells.start, self.cells.stop)
        return (1 - distance.abs()).clamp(min=0)


def _classes(before: LabelMap, after: LabelMap, styled: Collection[int]) -> list[int]:
    changed = before != after
    moves = np.isin(before[changed], MOUTH).any() or np.isin(after[changed], MOUTH).any()
    return [label for label in (*SURROUNDINGS, *(() if moves else (SKIN,))) if label not in styled]


def _spread(residual: Tensor, known: Tensor, height: int, width: int) -> Tensor:
    """The residual of the cells that are known as it is near them, everywhere.

    Args:
        residual: 1 x 3 x h x w, a part of the grid.
        known: 1 x 1 x h x w, 1 for known cells; 0 on the border of the part, but for the grid's own.
        height: of the whole grid.
        width: of the whole grid.

    Returns:
        1 x 3 x h x w.
    """
    sums = torch.cat([residual * known, known], dim=1)
    total = 1e-6 / (height * width) * sums.sum(dim=(2, 3), keepdim=True)  # what counts farther than all reaches
    for reach, weight in _REACHES:
        total = total + weight * blur(sums, max(reach * max(height, width), 0.5))
    return total[:, :3] / total[:, 3:]
