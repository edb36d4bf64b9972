"""Parts of a label map scaled, moved and taken away: what named edits are made of.

All functions take and give H x W uint8 label maps (0..18), leave their argument as it is, and change nothing but the
part and what it covers or uncovers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from maskgan.errors import UserError
from maskgan.face_parts import BROWS, FACE, bounding_box
from maskgan.labels import LabelMap

Where = NDArray[np.bool_]
Coordinates = NDArray[np.float64]
Scalar = TypeVar("Scalar", bound=np.generic)

_NEAR = 48  # pixels around holes
_SHIFTS = ((0, 1), (0, -1), (1, 0), (-1, 0))


def face_box(label_map: LabelMap) -> tuple[int, int, int, int]:
    """Top, bottom, left and right of the face, ends exclusive.

    Raises:
        UserError: the mask shows no face.
    """
    box = bounding_box(np.isin(label_map, FACE))
    if box is None:
        raise UserError("the mask shows no face, so it cannot be edited")
    return box


def brow_line(label_map: LabelMap, otherwise: float = 0.3) -> float:
    """The row where the brows begin; without brows, the fraction ``otherwise`` of the face below its top.

    Raises:
        UserError: the mask shows no face.
    """
    top, bottom, _, _ = face_box(label_map)
    brows = bounding_box(np.isin(label_map, BROWS))
    return top + otherwise * (bottom - top) if brows is None else float(brows[0])


def brow_above(shape: tuple[int, int], eye: tuple[float, float], half: float) -> Where:
    """Where a brow lies above an eye, H x W of ``shape``.

    Args:
        shape: of the mask.
        eye: row and column of its middle.
        half: half of its width, in pixels.
    """
    rows, columns = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float64)
    across = (columns - eye[1]) / max(1.45 * half, 1)
    arch = eye[0] - 1.3 * half + 0.35 * half * across**2
    where: Where = np.abs(rows - arch) < 0.2 * half * np.sqrt(np.clip(1 - across**2, 0, 1))
    return where


def fill_from_nearest(label_map: LabelMap, holes: Where, classes: Sequence[int]) -> LabelMap:
    """Give each pixel of ``holes`` the label of the nearest pixel outside that has one of ``classes``.

    Distances are counted in steps along rows and columns, across whatever lies between. Where the map has no such pixel
    the labels stay.
    """
    known = np.isin(label_map, classes) & ~holes
    filled = label_map.copy()
    box = bounding_box(holes)
    if box is None or not known.any():
        return filled
    # What fills a hole mostly lies near it; the whole map is searched only where it does not.
    top, left = max(box[0] - _NEAR, 0), max(box[2] - _NEAR, 0)
    near = np.s_[top : box[1] + _NEAR, left : box[3] + _NEAR]
    if known[near].any() and known[near].size < known.size:
        filled[near] = _spread(label_map[near], holes[near], known[near])
        return filled
    return _spread(label_map, holes, known)


def _spread(label_map: LabelMap, holes: Where, known: Where) -> LabelMap:
    filled, nearest = label_map.copy(), label_map.copy()
    while (holes & ~known).any():
        grown = known.copy()
        for rows, columns in _SHIFTS:
            new = _shifted(known, rows, columns) & ~grown
            nearest[new] = _shifted(nearest, rows, columns)[new]
            grown |= new
        known = grown
    filled[holes] = nearest[holes]
    return filled


def extend_upwards(label_map: LabelMap, holes: Where, labels: Mapping[int, int]) -> LabelMap:
    """Give pixels of ``holes`` below which, in their column, one of ``labels`` comes next what this maps to."""
    extended = label_map.copy()
    below = np.zeros(label_map.shape[1], dtype=np.uint8)
    for row in range(len(label_map) - 1, -1, -1):
        below = np.where(holes[row], below, label_map[row])
        for label, filling in labels.items():
            extended[row, holes[row] & (below == label)] = filling
    return extended


def warp_part(
    label_map: LabelMap,
    part: Sequence[int],
    ground: Sequence[int],
    backward: Callable[[Coordinates, Coordinates], tuple[Coordinates, Coordinates]],
) -> LabelMap:
    """Move the pixels of a part.

    Args:
        label_map: H x W uint8.
        part: classes that move.
        ground: classes that they may cover, and that fill what they leave.
        backward: from rows and columns of the result (each H x W) to where in ``label_map`` each pixel comes from.

    Returns:
        H x W uint8.
    """
    height, width = label_map.shape
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float64)
    source_rows, source_columns = backward(rows, columns)
    inside = (source_rows > -0.5) & (source_rows < height - 0.5) & (source_columns > -0.5)
    inside &= source_columns < width - 0.5
    moved = label_map[
        np.clip(np.rint(source_rows), 0, height - 1).astype(int),
        np.clip(np.rint(source_columns), 0, width - 1).astype(int),
    ]
    was = np.isin(label_map, part)
    becomes = inside & np.isin(moved, part) & (was | np.isin(label_map, ground))
    result = fill_from_nearest(label_map, was & ~becomes, ground)
    result[becomes] = moved[becomes]
    return result


def scale_part(
    label_map: LabelMap, part: Sequence[int], ground: Sequence[int], *, height: float = 1.0, width: float = 1.0
) -> LabelMap:
    """Scale a part about the middle of its box; a part that is not there stays so."""
    box = bounding_box(np.isin(label_map, part))
    if box is None:
        return label_map.copy()
    middle_row, middle_column = (box[0] + box[1] - 1) / 2, (box[2] + box[3] - 1) / 2

    def backward(rows: Coordinates, columns: Coordinates) -> tuple[Coordinates, Coordinates]:
        return middle_row + (rows - middle_row) / height, middle_column + (columns - middle_column) / width

    return warp_part(label_map, part, ground, backward)


def thicken_part(label_map: LabelMap, part: Sequence[int], ground: Sequence[int], factor: float) -> LabelMap:
    """Scale the height of a part in each column by itself, so that what is bent keeps its bend."""
    where = np.isin(label_map, part)
    columns = np.flatnonzero(where.any(axis=0))
    middle = np.zeros(label_map.shape[1])
    middle[columns] = [np.flatnonzero(where[:, column]).mean() for column in columns]

    def backward(rows: Coordinates, all_columns: Coordinates) -> tuple[Coordinates, Coordinates]:
        return middle + (rows - middle) / factor, all_columns

    return warp_part(label_map, part, ground, backward)


def grow_part(label_map: LabelMap, part: int, ground: Sequence[int], radius: int) -> LabelMap:
    """Grow a part by ``radius`` pixels over the ground, or shrink it by as many where the radius is negative.

    A part shrinks from the ground alone: where it borders on other classes it keeps its border.
    """
    result = label_map.copy()
    where, free = label_map == part, np.isin(label_map, ground)
    if radius >= 0:
        for _ in range(radius):
            where = where | (_neighbours(where) & free)
        result[where] = part
        return result
    taken = free.copy()
    for _ in range(-radius):
        taken |= _neighbours(taken) & where
    return fill_from_nearest(label_map, taken & where, ground)


def _neighbours(where: Where) -> Where:
    """Pixels beside true ones, rounded: alternating crosses and squares would be rounder still."""
    found = np.zeros_like(where)
    for rows, columns in _SHIFTS:
        found |= _shifted(where, rows, columns)
    return found


def _shifted(values: NDArray[Scalar], rows: int, columns: int) -> NDArray[Scalar]:
    """Values moved by whole pixels; zeros come in."""
    moved = np.zeros_like(values)
    height, width = values.shape
    to = (slice(max(rows, 0), height + min(rows, 0)), slice(max(columns, 0), width + min(columns, 0)))
    origin = (slice(max(-rows, 0), height + min(-rows, 0)), slice(max(-columns, 0), width + min(-columns, 0)))
    moved[to] = values[origin]
    return moved
