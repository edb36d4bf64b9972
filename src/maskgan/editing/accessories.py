"""Glasses, hats and jewellery put on and taken off; H x W uint8 label maps in and out, the argument stays as it is."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from maskgan.editing.lenses import lenses_are_clear
from maskgan.editing.mask_edits import add_glasses, add_hat, crown_line
from maskgan.editing.mask_warps import brow_above, brow_line, face_box, fill_from_nearest
from maskgan.errors import UserError
from maskgan.face_parts import (
    BACKGROUND,
    BROWS,
    CLOTH,
    EARRING,
    EARS,
    EYES,
    FACE,
    GLASSES,
    HAIR,
    HAT,
    NECK,
    NECKLACE,
    NOSE,
    SKIN,
    bounding_box,
    centroid,
)
from maskgan.labels import INDEX, LabelMap

_BEHIND_EARRINGS = (*EARS, SKIN, HAIR, NECK, BACKGROUND, CLOTH)
_LENS = 0.06  # glasses this tall, in heights of the face, are lenses and no temples

LEAST_WORN: Mapping[int, float] = MappingProxyType({HAT: 0.04, GLASSES: 0.005, EARRING: 0.0002})
"""Pixels of what is worn, by class, in areas of the face's bounding box; fewer are taken for errors of a parser.

Of 207 hats, 228 glasses and 1,162 earrings in masks of CelebAMask-HQ, two, one and three are smaller. Hair that the
shipped parser took for a hat covered 0.033.
"""


def glasses(label_map: LabelMap, choice: str) -> LabelMap:
    """Put on glasses, in place of those that are worn.

    ``clear`` ones lie below the eyes, as CelebAMask-HQ paints them, ``sun`` ones over them.
    """
    bare = without_glasses(label_map) if is_worn(label_map, GLASSES) else label_map
    edited = add_glasses(bare)
    if choice == "clear":
        seen = np.isin(bare, EYES)
        edited[seen] = bare[seen]
    return edited


def hat(label_map: LabelMap, choice: str) -> LabelMap:
    """Put on a hat, in place of one that is worn.

    A ``beanie``, a ``cap`` with its visor in front, or one with a ``brim`` all around.
    """
    label_map = without_hat(label_map) if is_worn(label_map, HAT) else label_map
    top, bottom, left, right = face_box(label_map)
    height, width, middle = bottom - top, right - left, (left + right - 1) / 2
    edge = brow_line(label_map) - 0.1 * height
    crown = crown_line(label_map)
    rows, columns = np.mgrid[0 : label_map.shape[0], 0 : label_map.shape[1]].astype(np.float64)
    beside = columns - middle
    # Hair is tucked in and falls out below the sides.
    tucked = rows < edge + 0.7 * np.maximum(np.abs(beside) - 0.5 * width, 0)
    if choice == "beanie":
        worn = add_hat(label_map) == HAT
    elif choice == "cap":
        up = np.clip((edge - rows) / max(edge - crown, 1), 0, 1)
        dome = np.abs(beside) <= 0.55 * width * np.sqrt(1 - up**2 * np.sqrt(up))
        across = beside / max(0.66 * width, 1)
        visor = edge + 0.02 * height + 0.06 * height * across**2
        thick = 0.08 * height * np.sqrt(np.clip(1 - across**2, 0, 1))
        worn = (dome & (rows >= crown) & (rows <= edge)) | (np.abs(rows - visor) < thick)
    else:
        crown = min(crown, edge - 0.42 * height)
        up = np.clip((edge - rows) / max(edge - crown, 1), 0, 1)
        rounded = np.sqrt(1 - 0.75 * (np.clip(up - 0.8, 0, 1) / 0.2) ** 2)
        worn = (np.abs(beside) <= 0.54 * width * (1 - 0.16 * up) * rounded) & (rows >= crown) & (rows <= edge)
        across = beside / max(0.98 * width, 1)
        brim = edge + 0.02 * height - 0.1 * height * across**2  # its ends rise
        worn |= np.abs(rows - brim) < 0.085 * height * np.sqrt(np.clip(1 - across**2, 0, 1))
        tucked = rows < brim
    edited = label_map.copy()
    edited[tucked & np.isin(label_map, (HAIR, HAT))] = BACKGROUND
    edited[worn & ~np.isin(label_map, (*EYES, NOSE))] = HAT
    return edited


def earrings(label_map: LabelMap, amount: float) -> LabelMap:
    """Hang earrings from the ears that the mask shows, studs to large hoops; where one is worn, in its place."""
    top, bottom, left, right = face_box(label_map)
    lobes = [lobe for ear in EARS if (lobe := _ear_lobe(label_map == ear)) is not None]
    if not lobes:
        raise UserError("the mask shows no ears, so earrings cannot hang from them")
    height = bottom - top
    radius, thickness = max((0.018 + 0.047 * amount) * height, 1.0), max(0.018 * height, 1.5)
    rows, columns = np.mgrid[0 : label_map.shape[0], 0 : label_map.shape[1]]
    middle = (left + right - 1) / 2
    edited, centres = label_map, []
    for row, column in lobes:
        worn = (label_map == EARRING) & ((columns > middle) == (column > middle))
        box = bounding_box(worn)
        # A half more, or its highest pixel would lie on the edge.
        at = (row - 0.02 * height, column) if box is None else (box[0] - 0.5, (box[2] + box[3] - 1) / 2)
        edited = fill_from_nearest(edited, worn, _BEHIND_EARRINGS)
        centres.append((at[0] + radius, at[1]))
    for centre in centres:
        squared = (rows - centre[0]) ** 2 + (columns - centre[1]) ** 2
        edited[(squared < radius**2) & (squared >= max(radius - thickness, 0) ** 2)] = EARRING
    return edited


def _ear_lobe(ear: NDArray[np.bool_]) -> tuple[int, float] | None:
    """The row below an ear, and the middle column of its lowest quarter; ``None`` if it shows none."""
    box = bounding_box(ear)
    if box is None:
        return None
    top, low, _, _ = box
    columns = np.nonzero(ear[low - max((low - top) // 4, 1) : low])[1]
    return low, float(columns.mean())


def necklace(label_map: LabelMap, amount: float) -> LabelMap:
    """Lay a necklace on the neck, thin to broad."""
    box = bounding_box(label_map == NECK)
    if box is None:
        raise UserError("the mask shows no neck, so a necklace cannot lie on it")
    top, bottom, left, right = box
    middle, half = (left + right - 1) / 2, max((right - left) / 2, 1)
    thick = (0.015 + 0.02 * amount) * (right - left)
    rows, columns = np.mgrid[0 : label_map.shape[0], 0 : label_map.shape[1]]
    across = (columns - middle) / half
    curve = top + (bottom - top) * (0.45 + 0.35 * (1 - across**2))
    edited = label_map.copy()
    edited[(np.abs(across) < 1) & (np.abs(rows - curve) < thick / 2 + 0.5) & (label_map == NECK)] = NECKLACE
    return edited


def is_worn(label_map: LabelMap, label: int) -> bool:
    """Whether a mask shows an accessory, and not just specks of a hat, glasses or earrings (see ``LEAST_WORN``)."""
    count = int((label_map == label).sum())
    box = bounding_box(np.isin(label_map, FACE))
    if box is None:
        return count > 0
    top, bottom, left, right = box
    return count > 0 and count >= LEAST_WORN.get(label, 0) * (bottom - top) * (right - left)


def without_glasses(label_map: LabelMap) -> LabelMap:
    """Take glasses off; eyes and brows that dark lenses hid are drawn where the lenses were."""
    worn = label_map == GLASSES
    box = bounding_box(np.isin(label_map, FACE))
    # Lenses lie on the face, thin temples in hair, too.
    tall = worn.sum(axis=0) > _LENS * (0 if box is None else box[1] - box[0])
    edited = fill_from_nearest(label_map, worn & ~tall, (SKIN, NOSE, *EARS, HAIR))
    edited = fill_from_nearest(edited, worn & tall, (SKIN, NOSE))
    if lenses_are_clear(label_map):
        return edited
    _, _, left, right = face_box(label_map)
    box = bounding_box(worn)
    assert box is not None
    # In a picture the person's right eye lies on the left.
    right_eye, left_eye = INDEX["r_eye"], INDEX["l_eye"]
    middle = (box[2] + box[3] - 1) / 2
    rows, columns = np.mgrid[0 : label_map.shape[0], 0 : label_map.shape[1]]
    width = 0.11 * (right - left)
    for eye, side in ((right_eye, -1), (left_eye, 1)):
        half = worn & (side * (columns - middle) > 0)
        centre = centroid(half)
        if centre is None:
            continue
        oval = ((columns - centre[1]) / width) ** 2 + ((rows - centre[0]) / (0.42 * width)) ** 2 < 1
        edited[oval & (edited == SKIN)] = eye
        brow = BROWS[EYES.index(eye)]
        above = brow_above((len(label_map), label_map.shape[1]), centre, width)
        if not (label_map == brow).any() and 4 * (worn & above).sum() > above.sum():
            edited[above & (edited == SKIN)] = brow
    return edited


def without_hat(label_map: LabelMap) -> LabelMap:
    """Take a hat off: hair comes where the head must be, what was behind comes elsewhere."""
    _, bottom, left, right = face_box(label_map)
    worn = label_map == HAT
    middle, half = (left + right - 1) / 2, 0.66 * (right - left)
    line = brow_line(label_map, 0.1)  # a hat hides the forehead
    crown = line - 0.6 * (bottom - line)
    rows, columns = np.mgrid[0 : label_map.shape[0], 0 : label_map.shape[1]]
    head = ((columns - middle) / max(half, 1)) ** 2 + (np.minimum(rows - line, 0) / max(line - crown, 1)) ** 2 < 1
    edited = fill_from_nearest(label_map, worn & ~head, (BACKGROUND, CLOTH, NECK))
    edited[worn & head] = HAIR
    arch = ((columns - middle) / (0.44 * (right - left))) ** 2 + ((rows - line) / (0.32 * (bottom - line))) ** 2 < 1
    edited[worn & head & arch] = SKIN
    return edited


def without_earrings(label_map: LabelMap) -> LabelMap:
    """Take earrings off."""
    return fill_from_nearest(label_map, label_map == EARRING, _BEHIND_EARRINGS)
