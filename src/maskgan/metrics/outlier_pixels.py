"""How many specks lie in the hair of a picture."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageFilter

from maskgan.images import Picture
from maskgan.labels import INDEX, LabelMap

_STANDS_OUT = 50
"""Grey levels from the median around a pixel; strands of hair against the light do so too."""
_WINDOW = 5


def hair_outlier_pixels(picture: Picture, label_map: LabelMap) -> tuple[int, int]:
    """Count pixels of hair that differ in some colour from the median of the 5 x 5 pixels around them.

    Args:
        picture: H x W x 3 uint8.
        label_map: its mask, H x W uint8 0..18.

    Returns:
        Those that stand out by more than 50 grey levels, and all pixels of hair.
    """
    median = np.asarray(Image.fromarray(picture).filter(ImageFilter.MedianFilter(_WINDOW)), dtype=np.int16)
    hair = label_map == INDEX["hair"]
    standing_out = np.abs(picture - median).max(axis=2) > _STANDS_OUT
    return int((standing_out & hair).sum()), int(hair.sum())
