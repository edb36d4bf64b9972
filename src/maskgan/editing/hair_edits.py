"""Named edits of hair; all take and give H x W uint8 label maps and leave their argument as it is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from maskgan.editing.mask_edits import long_hair
from maskgan.editing.mask_warps import brow_above, brow_line, face_box, fill_from_nearest, grow_part
from maskgan.errors import UserError
from maskgan.face_parts import BROWS, EYES, HAIR, SKIN, bounding_box
from maskgan.labels import INDEX, LabelMap

_ROUND_WIDTH, _ROUND_HEIGHT = 0.35, 0.9  # of short hair's lower corners, in widths of half the face
_HIDDEN_BROW = 0.5  # the share of a brow's place that was hair, from which all of it is drawn and not that share alone
_TRACE_OF_BROW = 0.4  # of the size that brows have: what shows less counts as hidden, too
_SHOWN_BROW = 0.8  # of the size that brows have: one that shows less below a fringe is drawn when that goes
_AROUND = tuple(INDEX[name] for name in ("background", "neck", "cloth"))


def longer(label_map: LabelMap, amount: float) -> LabelMap:
    """Longer hair down to the shoulders at 1, hair that ends above the ears at -1."""
    top, bottom, left, right = face_box(label_map)
    if amount > 0:
        return long_hair(label_map, 0.35 + 0.75 * amount)
    hair = label_map == HAIR
    if not hair.any():
        raise UserError("the mask shows no hair, so it cannot be made shorter")
    lowest = int(np.flatnonzero(hair.any(axis=1))[-1]) + 1
    shortest = top + 0.35 * (bottom - top)
    end = lowest + amount * max(lowest - shortest, 0)
    # Beside the head it ends higher, as a head is round: cut straight it would be a helmet.
    rows, columns = np.mgrid[0 : label_map.shape[0], 0 : label_map.shape[1]]
    half = (right - left) / 2
    beside = np.clip((np.abs(columns - (left + right - 1) / 2) / max(half, 1) - 1) / _ROUND_WIDTH, 0, 1)
    return _without_hair(label_map, hair & (rows >= end + amount * _ROUND_HEIGHT * half * beside**2))


def fuller(label_map: LabelMap, amount: float) -> LabelMap:
    """Hair that stands off further, or less far, from the head."""
    _, _, left, right = face_box(label_map)
    if not (label_map == HAIR).any():
        raise UserError("the mask shows no hair, so it cannot be made fuller")
    reach = 0.12 if amount > 0 else 0.07
    return grow_part(label_map, HAIR, _AROUND, round(reach * amount * (right - left)))


def fringe(label_map: LabelMap, amount: float) -> LabelMap:
    """Hair over the forehead, down to just above the brows at 1; at -1 forehead and brows are free."""
    top, bottom, left, right = face_box(label_map)
    line = brow_line(label_map)
    rows, columns = np.mgrid[0 : label_map.shape[0], 0 : label_map.shape[1]]
    across = np.abs(columns - (left + right - 1) / 2) / max((right - left) / 2, 1)
    edited = label_map.copy()
    if amount > 0:
        end = top + amount * (line - 0.03 * (bottom - top) - top)
        edited[(label_map == SKIN) & (rows < end) & (across < 0.95)] = HAIR
        return edited
    eyes = {eye: box for eye in EYES if (box := bounding_box(label_map == eye)) is not None}
    middles = {eye: ((box[0] + box[1] - 1) / 2, (box[2] + box[3] - 1) / 2) for eye, box in eyes.items()}
    if eyes and not np.isin(label_map, BROWS).any():
        line = min(middles[eye][0] - 0.65 * (box[3] - box[2]) for eye, box in eyes.items())
    # What lies over the forehead: within a dome from brow to brow.
    height = 0.33 * (bottom - line)
    dome = (across / 0.78) ** 2 + (np.maximum(line - rows, 0) / height) ** 2 < 1
    # Below the brows what hangs before the eyes, that first.
    below = np.zeros_like(dome)
    if eyes:
        reach = max(box[3] - box[2] for box in eyes.values())
        lowest = line + min(-2 * amount, 1) * max(max(row for row, _ in middles.values()) - line, 0)
        below = (columns > min(box[2] for box in eyes.values()) - reach) & (rows < lowest)
        below &= columns < max(box[3] for box in eyes.values()) + reach
    gone = (label_map == HAIR) & dome & ((rows < line) | below) & (rows > line + amount * height)
    edited[gone] = SKIN
    for eye, box in eyes.items():
        brow = BROWS[EYES.index(eye)]
        above = brow_above((len(label_map), label_map.shape[1]), middles[eye], (box[3] - box[2]) / 2)
        shown = (label_map == brow).sum()
        if not gone[:, box[2] : box[3]].any() or shown >= _SHOWN_BROW * above.sum():
            continue
        hidden = shown < _TRACE_OF_BROW * above.sum() or (gone & above).sum() > _HIDDEN_BROW * above.sum()
        edited[above & (edited == SKIN) & (hidden | gone)] = brow
    return edited


def bald(label_map: LabelMap, amount: float) -> LabelMap:
    """Less hair from the hairline back; at 1 none is left, and the head shows in its place."""
    _, bottom, left, right = face_box(label_map)
    hair = label_map == HAIR
    if not hair.any():
        return label_map.copy()
    line = brow_line(label_map)
    rows, columns = np.mgrid[0 : label_map.shape[0], 0 : label_map.shape[1]]
    middle, half = (left + right - 1) / 2, 0.54 * (right - left)
    highest = int(np.flatnonzero(hair.any(axis=1))[0])
    crown = max(line - 0.62 * (bottom - line), highest)
    # Below the brows it tapers to the width of the face, where it ends beside the ears.
    depth = np.where(rows < line, (line - rows) / max(line - crown, 1), (rows - line) / max(0.93 * (bottom - line), 1))
    skull = ((columns - middle) / max(half, 1)) ** 2 + depth**2 < 1
    skull &= rows < line + 0.35 * (bottom - line)
    front = _scalp_front(rows, line, crown, amount)
    result = _without_hair(label_map, hair & ~skull) if amount >= 1 else label_map.copy()
    result[hair & skull & front] = SKIN
    return result


def _without_hair(label_map: LabelMap, gone: NDArray[np.bool_]) -> LabelMap:
    """What shows in place of hair: the neck below the face, what is behind the head elsewhere."""
    _, bottom, left, right = face_box(label_map)
    rows, columns = np.mgrid[0 : label_map.shape[0], 0 : label_map.shape[1]]
    throat = (np.abs(columns - (left + right - 1) / 2) < 0.4 * (right - left)) & (rows > bottom - 0.3 * (right - left))
    background, neck, cloth = _AROUND
    filled = fill_from_nearest(label_map, gone & ~throat, (background, cloth))
    return fill_from_nearest(filled, gone & throat, (neck, cloth))


def _scalp_front(rows: NDArray[np.int_], line: float, crown: float, amount: float) -> NDArray[np.bool_]:
    """The part of the scalp that has lost its hair: from the brows up."""
    reach = 1 if amount >= 1 else amount * 0.9
    front: NDArray[np.bool_] = (rows >= line - reach * (line - crown)) & ((amount >= 1) | (rows < line))
    return front
