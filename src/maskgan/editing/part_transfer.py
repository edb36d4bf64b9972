"""Parts of one face's mask on another's: how the paper transfers an attribute such as a smile."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from maskgan.errors import UserError
from maskgan.labels import INDEX, LabelMap

MOUTH = (INDEX["mouth"], INDEX["u_lip"], INDEX["l_lip"])
_FACE = tuple(INDEX[n] for n in ("skin", "nose", "l_eye", "r_eye", "l_brow", "r_brow", "mouth", "u_lip", "l_lip"))


def transfer_mouth(label_map: LabelMap, donor: LabelMap) -> LabelMap:
    """Give a face the mouth of another: lips and what lies between them, at the face's own place and scale.

    Args:
        label_map: H x W uint8.
        donor: any size; its mouth is scaled by the ratio of the faces' widths.

    Returns:
        H x W uint8; where the old mouth was and the new one is not, there is skin.

    Raises:
        UserError: either face shows no mouth.
    """
    box, donor_box = _box(np.isin(label_map, MOUTH)), _box(np.isin(donor, MOUTH))
    if box is None or donor_box is None:
        raise UserError("the mask shows no mouth, so it cannot be exchanged")
    face, donor_face = _box(np.isin(label_map, _FACE)), _box(np.isin(donor, _FACE))
    assert face is not None and donor_face is not None
    scale = (face[3] - face[2]) / (donor_face[3] - donor_face[2])
    part = donor[donor_box[0] : donor_box[1], donor_box[2] : donor_box[3]]
    size = (max(round(part.shape[1] * scale), 1), max(round(part.shape[0] * scale), 1))
    part = np.asarray(Image.fromarray(part).resize(size, Image.Resampling.NEAREST))
    edited = label_map.copy()
    edited[np.isin(label_map, MOUTH)] = INDEX["skin"]
    # The middles of the mouths meet, for a smile reaches as far up as down.
    top = round((box[0] + box[1] - part.shape[0]) / 2)
    left = round((box[2] + box[3] - part.shape[1]) / 2)
    rows, columns = np.nonzero(np.isin(part, MOUTH))
    at_rows, at_columns = rows + top, columns + left
    inside = (at_rows >= 0) & (at_rows < edited.shape[0]) & (at_columns >= 0) & (at_columns < edited.shape[1])
    rows, columns, at_rows, at_columns = rows[inside], columns[inside], at_rows[inside], at_columns[inside]
    # A mouth lies on skin; a beard of hair, a hand or a nose stays in front of it.
    free = edited[at_rows, at_columns] == INDEX["skin"]
    edited[at_rows[free], at_columns[free]] = part[rows[free], columns[free]]
    return edited


def pose_of(label_map: LabelMap) -> tuple[float, float, float]:
    """A rough head pose, from where the nose lies between eyes, mouth and the edges of the face.

    Args:
        label_map: H x W uint8.

    Returns:
        Numbers that grow with yaw, pitch and roll; comparable between faces, in no unit.

    Raises:
        UserError: the mask shows no nose, mouth, or two eyes.
    """
    centres = {name: _centre(label_map == INDEX[name]) for name in ("nose", "l_eye", "r_eye")}
    mouth, face = _centre(np.isin(label_map, MOUTH)), _box(np.isin(label_map, _FACE))
    nose, left, right = centres["nose"], centres["l_eye"], centres["r_eye"]
    if nose is None or left is None or right is None or mouth is None or face is None:
        raise UserError("the mask lacks a nose, a mouth or an eye, so its pose is unknown")
    eyes_row = (left[0] + right[0]) / 2
    yaw = (nose[1] - face[2]) / max(face[3] - face[2], 1) - 0.5
    pitch = (nose[0] - eyes_row) / max(mouth[0] - eyes_row, 1.0) - 0.5
    roll = (left[0] - right[0]) / max(abs(left[1] - right[1]), 1.0)
    return yaw, pitch, roll


def _box(where: NDArray[np.bool_]) -> tuple[int, int, int, int] | None:
    """Top, bottom, left, right; the ends are one beyond."""
    if not where.any():
        return None
    rows, columns = np.flatnonzero(where.any(axis=1)), np.flatnonzero(where.any(axis=0))
    return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1


def _centre(where: NDArray[np.bool_]) -> tuple[float, float] | None:
    if not where.any():
        return None
    rows, columns = np.nonzero(where)
    return float(rows.mean()), float(columns.mean())
