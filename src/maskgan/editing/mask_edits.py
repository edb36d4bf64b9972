"""Edits of label maps that a person would draw, as functions: used by the demo and to try editing in tests.

All take and give H x W uint8 label maps (0..18), leave their argument as it is, and raise ``UserError`` where the
face lacks what they edit. Distances follow the face's own size, so that they suit any resolution.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from maskgan.editing.mask_warps import brow_line, face_box
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
    LIPS,
    MOUTH,
    NECK,
    NOSE,
    SKIN,
    bounding_box,
)
from maskgan.labels import INDEX, LabelMap

_FACE_AND_GLASSES = (*FACE, GLASSES)
_DOWNWARDS = (INDEX["u_lip"], INDEX["mouth"], INDEX["l_lip"])


def smile(label_map: LabelMap, amount: float = 1.0) -> LabelMap:
    """Widen the mouth, lift its corners, stretch the lips thin and show teeth between them.

    How far each goes at 1 follows the masks of CelebAMask-HQ: the medians of faces that smile, and a little beyond.
    Below 0 the corners sink and the mouth closes, by up to 0.3 of half its width: it hides teeth, but no scream.

    Args:
        label_map: H x W.
        amount: 0 leaves the mouth as it is; 1 is a broad smile.
    """
    mouth = np.isin(label_map, MOUTH)
    top, bottom, left, right = _box(mouth, "mouth")
    centre, half = (left + right) / 2, max((right - left) / 2, 1.0)
    smiling, frowning = max(amount, 0.0), max(-amount, 0.0)
    widen = 1 + 0.25 * smiling - 0.08 * frowning
    lift = (0.28 * smiling - 0.22 * frowning) * half
    free = np.isin(label_map, (*MOUTH, SKIN))
    edited = label_map.copy()
    edited[mouth] = SKIN
    first, last = np.rint(centre + (np.array([left, right]) - centre) * widen).astype(int)
    for column in range(max(first, 0), min(last, label_map.shape[1] - 1) + 1):
        across = (column - centre) / widen / half
        source = label_map[top : bottom + 1, min(max(int(np.rint(centre + across * half)), left), right)]
        upper, inside, lower = ((source == label).sum() for label in _DOWNWARDS)
        if not upper + inside + lower:
            continue
        arch = max(1 - across**2, 0.0)
        thin = 1 - 0.2 * smiling * arch
        closing = min(0.3 * frowning * half, inside)
        inside = max(inside * (1 + 0.25 * smiling), 0.34 * smiling * half * arch if upper and lower else 0.0) - closing
        # The lowest edge stays where it is in the middle, or rises to close the mouth; all else lies above it.
        edge = top + np.flatnonzero(np.isin(source, MOUTH))[-1] - lift * across**2 - closing / 2
        edges = edge - np.cumsum([0.0, thin * lower, inside, thin * upper])
        rows = np.clip(np.rint(edges).astype(int) + 1, 0, label_map.shape[0])
        for label, low, high in zip(_DOWNWARDS[::-1], rows[1:], rows, strict=False):
            part = edited[low:high, column]
            part[free[low:high, column]] = label
    return edited


def open_mouth(label_map: LabelMap, amount: float = 0.45) -> LabelMap:
    """Lower the lower lip, most in its middle, and show the inside of the mouth above it.

    Args:
        label_map: H x W.
        amount: how far the lip sinks, in widths of half the mouth; it ends above the chin.
    """
    _, _, left, right = _box(np.isin(label_map, LIPS), "lips")
    half = max((right - left) / 2, 1.0)
    edited = label_map.copy()
    for column in range(left, right + 1):
        across = (column - (left + right) / 2) / half
        sink = round(amount * half * max(1 - across**2, 0.0))
        lip = np.flatnonzero(label_map[:, column] == LIPS[1])
        below = label_map[:, column] == SKIN
        if not len(lip) or not sink:
            continue
        # Skin that the lip may take: what lies right below it, but a strip of chin.
        room = np.flatnonzero(~below[lip[-1] + 1 :])
        chin = round(0.1 * half) + 1
        sink = min(sink, max((room[0] if len(room) else len(below) - lip[-1] - 1) - chin, 0))
        edited[lip, column] = INDEX["mouth"]
        edited[lip[0] : lip[0] + sink, column] = INDEX["mouth"]
        edited[lip + sink, column] = LIPS[1]
    return edited


def raise_brows(label_map: LabelMap, amount: float = 0.06) -> LabelMap:
    """Move both brows up.

    Args:
        label_map: H x W.
        amount: how far, in heights of the face.
    """
    top, bottom, _, _ = _box(np.isin(label_map, _FACE_AND_GLASSES), "face")
    up = max(round(amount * (bottom - top)), 1)
    edited = label_map.copy()
    brows = np.isin(label_map, BROWS)
    _box(brows, "brows")
    edited[brows] = SKIN
    rows, columns = np.nonzero(brows)
    inside = rows >= up
    new_rows, new_columns = rows[inside] - up, columns[inside]
    # Hair and hats lie over the forehead.
    free = np.isin(label_map[new_rows, new_columns], (SKIN, *BROWS))
    edited[new_rows[free], new_columns[free]] = label_map[rows[inside][free], new_columns[free]]
    return edited


def add_hat(label_map: LabelMap) -> LabelMap:
    """Pull a beanie over head and hair, down to above the brows and over the ears."""
    top, bottom, left, right = face_box(label_map)
    height, width, centre = bottom - top, right - left, (left + right - 1) / 2
    edge, crown = brow_line(label_map) - 0.1 * height, crown_line(label_map)
    rows, columns = np.mgrid[0 : label_map.shape[0], 0 : label_map.shape[1]].astype(np.float64)
    up = np.clip((edge - rows) / max(edge - crown, 1.0), 0, 1)
    # As hats of CelebAMask-HQ: a fifth wider than the face, round, the edge lower at the ears.
    down = np.clip((rows - edge) / max(0.26 * height, 1.0), 0, 1)
    half = 0.6 * width * np.sqrt(1 - up**2 * np.sqrt(up)) * (1 - 0.12 * down**2)
    across = np.abs(columns - centre) / max(0.6 * width, 1.0)
    bend = 0.26 * height * across**2 * np.sqrt(across)
    edited = label_map.copy()
    edited[(np.abs(columns - centre) <= half) & (rows <= edge + bend) & (rows >= crown)] = HAT
    return edited


def crown_line(label_map: LabelMap) -> float:
    """The row where a hat begins, above hair and forehead.

    Raises:
        UserError: the mask shows no face.
    """
    top, bottom, _, _ = face_box(label_map)
    hair = bounding_box(np.isin(label_map, (HAIR, HAT)))
    return min(top if hair is None else hair[0], top - 0.1 * (bottom - top)) - 0.03 * (bottom - top)


def add_glasses(label_map: LabelMap) -> LabelMap:
    """Put eyeglasses over both eyes: two lenses, a bridge and the beginnings of the temples."""
    centres = []
    for eye in EYES:
        top, bottom, left, right = _box(label_map == eye, "eyes")
        centres.append(((left + right) / 2, (top + bottom) / 2))
    (left_x, left_y), (right_x, right_y) = sorted(centres)
    distance = right_x - left_x
    lens_height = 0.30 * distance
    lenses = [(x, y, 0.42 * distance * foreshortened) for x, y, foreshortened in _foreshortened(label_map, centres)]
    tilt = (right_y - left_y) / max(distance, 1)

    front, temples = (Image.new("L", (label_map.shape[1], label_map.shape[0])) for _ in range(2))
    draw = ImageDraw.Draw(front)
    drop = 0.05 * distance  # lenses sit a little below the pupils
    for x, y, lens_width in lenses:
        box = (x - lens_width, y + drop - lens_height, x + lens_width, y + drop + lens_height)
        draw.rounded_rectangle(box, radius=0.75 * lens_height, fill=255)
    thickness = max(round(0.05 * distance), 1)
    draw.line((left_x, left_y, right_x, right_y), fill=255, width=thickness)
    draw = ImageDraw.Draw(temples)
    for (x, y, lens_width), sign in zip(lenses, (-1, 1), strict=True):
        start, reach = x + sign * lens_width, sign * 0.35 * distance
        draw.line((start, y, start + reach, y + tilt * reach), fill=255, width=thickness)
    on_head = np.isin(label_map, (*_FACE_AND_GLASSES, *EARS, HAIR))
    edited = label_map.copy()
    edited[(np.asarray(front) > 127) & on_head] = GLASSES
    # Hair falls over the temples.
    edited[(np.asarray(temples) > 127) & on_head & (label_map != HAIR)] = GLASSES
    return edited


def _foreshortened(label_map: LabelMap, eyes: list[tuple[float, float]]) -> list[tuple[float, float, float]]:
    """Both eyes, left to right, with the width of their lenses as a fraction of that in a frontal face.

    The bridge of the nose divides the distance of the eyes: the eye farther from it lies nearer to the camera.
    """
    (left_x, left_y), (right_x, right_y) = sorted(eyes)
    nose = label_map == NOSE
    box = bounding_box(nose)
    share = 0.5
    if box is not None and right_x > left_x:
        bridge = nose[box[0] : box[0] + max((box[1] - box[0]) // 3, 1)]
        share = float(np.clip((np.nonzero(bridge)[1].mean() - left_x) / (right_x - left_x), 0.3, 0.7))
    return [(left_x, left_y, 0.4 + 1.2 * share), (right_x, right_y, 0.4 + 1.2 * (1 - share))]


def long_hair(label_map: LabelMap, length: float = 0.9) -> LabelMap:
    """Let the hair fall on both sides of the face, behind it and over the clothes.

    Args:
        label_map: H x W.
        length: how far below the forehead it reaches, in heights of the face.
    """
    top, bottom, left, right = _box(np.isin(label_map, _FACE_AND_GLASSES), "face")
    height, width, centre = bottom - top, right - left, (left + right) / 2
    crown, end = top - 0.14 * height, top + (0.25 + length) * height
    rows, columns = np.mgrid[0 : label_map.shape[0], 0 : label_map.shape[1]].astype(np.float64)
    # Half the hair's width at each height: a dome over the head, then nearly straight, rounded off at the ends.
    down = np.clip((rows - crown) / (end - crown), 0, 1)
    dome = np.sqrt(1 - (1 - np.clip(down / 0.4, 0, 1)) ** 2)
    ends = np.sqrt(1 - np.clip((down - 0.8) / 0.2, 0, 1) ** 2)
    half = width * dome * (0.58 + 0.07 * np.sin(2.5 * np.pi * down)) * (0.8 + 0.2 * ends)
    drawn = (np.abs(columns - centre) <= half) & (rows >= crown) & (rows <= end)

    behind = (BACKGROUND, *EARS, CLOTH, EARRING)
    # Below the jaw it falls on both sides.
    throat = (np.abs(columns - centre) <= 0.3 * width) & (rows > top + 0.6 * height)
    # The hairline arches above the brows; a forehead that ends below it stays as it is.
    brows = np.isin(label_map, BROWS)
    hairline = (_box(brows, "brows")[0] if brows.any() else top + 0.3 * height) - 0.2 * height
    arch = hairline + 0.22 * height * ((columns - centre) / (0.5 * width)) ** 4
    forehead = (label_map == SKIN) & (rows < arch)
    edited = label_map.copy()
    edited[drawn & ~throat & (np.isin(label_map, (*behind, NECK)) | forehead)] = HAIR
    return edited


def _box(where: NDArray[np.bool_], part: str) -> tuple[int, int, int, int]:
    """Top, bottom, left, right of the chosen pixels, all inclusive."""
    box = bounding_box(where)
    if box is None:
        raise UserError(f"the mask shows no {part} to edit")
    top, bottom, left, right = box
    return top, bottom - 1, left, right - 1
