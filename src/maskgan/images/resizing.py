"""Resizing: pictures smoothly, label maps without blending."""

from __future__ import annotations

import numpy as np
from PIL import Image

from maskgan.images.reading import Picture
from maskgan.labels import LabelMap


def resize_picture(picture: Picture, size: tuple[int, int]) -> Picture:
    """Resize to ``(height, width)`` with Lanczos, which also averages when shrinking."""
    if picture.shape[:2] == size:
        return picture
    return np.asarray(Image.fromarray(picture).resize((size[1], size[0]), Image.Resampling.LANCZOS))


def resize_label_map(label_map: LabelMap, size: tuple[int, int]) -> LabelMap:
    """Resize to ``(height, width)`` by nearest neighbour: no label appears that was not there."""
    if label_map.shape == size:
        return label_map
    return np.asarray(Image.fromarray(label_map).resize((size[1], size[0]), Image.Resampling.NEAREST))
