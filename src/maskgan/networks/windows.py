"""Windows of pictures: the part that has to be computed where a hole is small.

A window is top, bottom, left and right, int64 of shape 4, in cells or pixels. All but ``window_around`` can be traced
with windows that stay free.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from maskgan.networks.tracing import is_traced

# Pixels around one that layers of ``renew_features`` look at: 3, made even so that half of it is whole.
_REACH = 4


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


def grow_window(window: Tensor, reach: int, x: Tensor) -> Tensor:
    """The window with ``reach`` pixels around it, inside of N x C x H x W."""
    first = (window[0::2] - reach).clamp(min=0)
    return torch.stack([first, torch.minimum(window[1::2] + reach, _sides(x))], dim=1).flatten()


def halve_window(window: Tensor, reach: int, x: Tensor) -> Tensor:
    """The part of a map of half the side that belongs to a window through layers that look ``reach`` pixels around.

    That is the part on which a window depends, or that depends on it.

    Args:
        window: of the larger map, in pixels.
        reach: pixels of the larger map.
        x: the smaller map, N x C x H x W.
    """
    first = (window[0::2] - reach).clamp(min=0) // 2
    return torch.stack([first, torch.minimum((window[1::2] + reach + 1) // 2, _sides(x))], dim=1).flatten()


def cut_window(x: Tensor, window: Tensor, scale: int = 1) -> Tensor:
    """The part of N x C x H x W in a window whose cells have ``scale`` pixels a side."""
    top, bottom, left, right = (window * scale).unbind()
    return x[:, :, top:bottom, left:right]


def put_window(image: Tensor, part: Tensor, window: Tensor, scale: int = 1) -> Tensor:
    """A copy of N x C x H x W with ``part`` in a window whose cells have ``scale`` pixels a side."""
    if not is_traced():
        result = image.clone()
        cut_window(result, window, scale).copy_(part)
        return result
    # Operators that every runtime has, whatever the window: ``part`` is repeated over the picture, then chosen from.
    top, bottom, left, right = (window * scale).unbind()
    height, width = _sides(image).unbind()
    rows, columns = torch.arange(height), torch.arange(width)  # type: ignore[call-overload]
    inside = ((rows >= top) & (rows < bottom))[:, None] & ((columns >= left) & (columns < right))
    rows = torch.minimum((rows - top).clamp(min=0), bottom - top - 1)
    columns = torch.minimum((columns - left).clamp(min=0), right - left - 1)
    return torch.where(inside, part[:, :, rows][:, :, :, columns], image)


def renew_features(
    layer: Callable[..., Tensor], inputs: Sequence[Tensor], known: Tensor, window: Tensor
) -> tuple[Tensor, Tensor]:
    """What a layer makes of a picture that differs from a known one in a window alone.

    Args:
        layer: halves the side of N x C x H x W by two 3x3 convolutions at most, the first of stride 2.
        inputs: what it takes, N x C x H x W each.
        known: what it made of the known picture, N x C' x H/2 x W/2.
        window: where inputs differ from the known picture's, in pixels.

    Returns:
        N x C' x H/2 x W/2, the same as ``layer(*inputs)`` up to rounding; and the window where that differs from
        ``known``.
    """
    changed = halve_window(window, _REACH, known)
    around = 2 * grow_window(changed, _REACH // 2, known)
    part = layer(*(cut_window(x, around) for x in inputs))
    return put_window(known, cut_window(part, seen_from(changed, around // 2)), changed), changed


def seen_from(window: Tensor, origin: Tensor) -> Tensor:
    """The window as seen from the top and left of another."""
    return window - origin[[0, 0, 2, 2]]


def _sides(x: Tensor) -> Tensor:
    """Height and width, int64 of shape 2; sizes are tensors while a graph is traced, and stay free."""
    sizes: tuple[Any, ...] = x.shape
    return torch.stack([torch.as_tensor(size) for size in sizes[2:]])
