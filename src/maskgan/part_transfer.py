"""Transfer of a part of one face's mask to another's, as the paper transfers an attribute such as a smile."""

from __future__ import annotations

import numpy as np
from PIL import Image

from maskgan.errors import UserError
from maskgan.face_parts import FACE, MOUTH, SKIN, bounding_box
from maskgan.labels import LabelMap


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
    box, donor_box = bounding_box(np.isin(label_map, MOUTH)), bounding_box(np.isin(donor, MOUTH))
    if box is None or donor_box is None:
        raise UserError("the mask shows no mouth, so it cannot be exchanged")
    face, donor_face = bounding_box(np.isin(label_map, FACE)), bounding_box(np.isin(donor, FACE))
    assert face is not None and donor_face is not None
    scale = (face[3] - face[2]) / (donor_face[3] - donor_face[2])
    part = donor[donor_box[0] : donor_box[1], donor_box[2] : donor_box[3]]
    size = (max(round(part.shape[1] * scale), 1), max(round(part.shape[0] * scale), 1))
    part = np.asarray(Image.fromarray(part).resize(size, Image.Resampling.NEAREST))
    edited = label_map.copy()
    edited[np.isin(label_map, MOUTH)] = SKIN
    # The middles of the mouths meet, for a smile reaches as far up as down.
    top = round((box[0] + box[1] - part.shape[0]) / 2)
    left = round((box[2] + box[3] - part.shape[1]) / 2)
    rows, columns = np.nonzero(np.isin(part, MOUTH))
    at_rows, at_columns = rows + top, columns + left
    inside = (at_rows >= 0) & (at_rows < edited.shape[0]) & (at_columns >= 0) & (at_columns < edited.shape[1])
    rows, columns, at_rows, at_columns = rows[inside], columns[inside], at_rows[inside], at_columns[inside]
    # A mouth lies on skin; a beard of hair, a hand or a nose stays in front of it.
    free = edited[at_rows, at_columns] == SKIN
    edited[at_rows[free], at_columns[free]] = part[rows[free], columns[free]]
    return edited
