"""How many outlier pixels lie in the hair of an image."""

from __future__ import annotations

import torch

from maskgan.face_parts import HAIR
from maskgan.images import Picture
from maskgan.labels import LabelMap
from maskgan.outlier_pixels import THRESHOLD, median_difference


def hair_outlier_pixels(picture: Picture, label_map: LabelMap) -> tuple[int, int]:
    """Count pixels of hair that differ from the local median (see ``maskgan.outlier_pixels``).

    Strands of hair against the light do so too.

    Args:
        picture: H x W x 3 uint8.
        label_map: its mask, H x W uint8 0..18.

    Returns:
        Number of outlier pixels, and number of hair pixels.
    """
    levels = torch.from_numpy(picture.copy()).permute(2, 0, 1)[None].float()
    outliers = median_difference(levels)[0, 0].numpy() > THRESHOLD * 255
    hair = label_map == HAIR
    return int((outliers & hair).sum()), int(hair.sum())
