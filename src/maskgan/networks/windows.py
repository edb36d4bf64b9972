"""Windows of pictures: the part that a decoder has to compute where a hole is small.

A window is top, bottom, left and right, int64 of shape 4, in cells or pixels.
"""

from __future__ import annotations

import torch
from torch import Tensor


def window_around(hole: Tensor, cell: int, margin: int) -> Tensor | None:
    """The smallest window that holes and a margin lie in, in cells; ``None`` if that is everything.

    Holes without a pixel get the first cell.

    Args:
        hole: N x 1 x H x W, 1 inside; H and W multiples of the cell.
        cell: pixels a side of a cell.
        margin: pixels.
    """
    height, width = hole.shape[2:]
    cells: list[int] = []
    for axis, side in ((3, height), (2, width)):
        found = hole.amax((0, 1, axis)).nonzero()
        if not len(found):
            return torch.tensor([0, 1, 0, 1])
        first, last = int(found[0]) - margin, int(found[-1]) + 1 + margin
        cells += [max(first // cell, 0), min(-(-last // cell), side // cell)]
    return None if cells == [0, height // cell, 0, width // cell] else torch.tensor(cells)


def halve_window(window: Tensor, reach: int, height: int, width: int) -> Tensor:
    """The part of a map of half the side on which a window depends, through layers that look ``reach`` pixels around.

    Args:
        window: of the larger map, in pixels.
        reach: pixels of the larger map.
        height: of the smaller map.
        width: of the smaller map.
    """
    top, bottom, left, right = window.tolist()
    return torch.tensor(
        [
            max((top - reach) // 2, 0),
            min(-(-(bottom + reach) // 2), height),
            max((left - reach) // 2, 0),
            min(-(-(right + reach) // 2), width),
        ]
    )


def cut_window(x: Tensor, window: Tensor, scale: int = 1) -> Tensor:
    """The part of N x C x H x W in a window whose cells have ``scale`` pixels a side; the window may be traced."""
    top, bottom, left, right = (window * scale).unbind()
    return x[:, :, top:bottom, left:right]


def put_window(image: Tensor, part: Tensor, window: Tensor, scale: int) -> Tensor:
    """A float32 copy of N x C x H x W with ``part`` in a window whose cells have ``scale`` pixels a side."""
    result = image.float().clone()
    cut_window(result, window, scale).copy_(part)
    return result
