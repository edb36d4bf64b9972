"""The colours of a drawn hole follow the photograph's.

A hole reaches over pixels whose labels stay: there the network's picture can be compared with the photograph. What it
lacks is added, class by class and fading with the distance, to all of the hole, so that background behind hair that is
gone is not white, new hair has the old one's tint, and skin around a moved brow no film.
"""

from __future__ import annotations

from collections.abc import Collection

import torch
import torch.nn.functional as F
from torch import Tensor

from maskgan.editing.edit_region import EditRegion, blur
from maskgan.face_parts import MOUTH, SKIN, SURROUNDINGS
from maskgan.images import resize_label_map

_GRID = 128  # cells on the longer side, about, of the grid on which residuals are spread
_REACHES = ((0.024, 1.0), (0.0625, 0.1), (0.1875, 0.01))  # blurs as fractions of the longer side, and their weights
_LARGEST = 0.5  # of a residual that counts; a larger one is another thing, not another tint


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
    size = (generated.shape[2], generated.shape[3])
    before, after = (torch.from_numpy(resize_label_map(m, size).copy()) for m in (region.before, region.after))
    hole = region.hole(size)[0, 0] > 0
    cell = max(max(size) // _GRID, 1)
    residual = F.avg_pool2d((image - generated).cpu().clamp(-_LARGEST, _LARGEST), cell)
    result = generated.cpu().clone()
    for label in _classes(before, after, region.style_classes):
        drawn = hole & (after == label)
        if not drawn.any():
            continue
        # Cells at borders may show other classes, too.
        known = F.avg_pool2d((drawn & (before == label)).float()[None, None], cell) == 1
        if known.any():
            spread = _spread(residual, known.float())
            result += F.interpolate(spread, size=size, mode="bilinear", align_corners=False) * drawn
    return result


def _classes(before: Tensor, after: Tensor, styled: Collection[int]) -> list[int]:
    changed = before != after
    mouth = torch.tensor(MOUTH, dtype=before.dtype)
    moves = (changed & (torch.isin(before, mouth) | torch.isin(after, mouth))).any()
    return [label for label in (*SURROUNDINGS, *(() if moves else (SKIN,))) if label not in styled]


def _spread(residual: Tensor, known: Tensor) -> Tensor:
    """The residual, 1 x 3 x h x w, of the cells ``known``, 1 x 1 x h x w, as it is near them; everywhere."""
    sums = torch.cat([residual * known, known], dim=1)
    total = 1e-6 * sums.mean(dim=(2, 3), keepdim=True)  # what counts farther than all reaches
    for reach, weight in _REACHES:
        total = total + weight * blur(sums, max(reach * max(residual.shape[2:]), 0.5))
    return total[:, :3] / total[:, 3:]
