"""Colours of a face's parts: whether they are those of the reference, and how light its skin is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from maskgan.face_parts import SKIN
from maskgan.images import Picture
from maskgan.labels import LabelMap
from maskgan.metrics.mean import Mean

_FEWEST_PIXELS = 50
# IEC 61966-2-1: linear sRGB to CIE XYZ, each row divided by the white point D65, so that white is (1, 1, 1).
_TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
_TO_XYZ /= _TO_XYZ.sum(axis=1, keepdims=True)
_LAB_KNEE = 6 / 29


def class_colour(picture: Picture, label_map: LabelMap, label: int) -> NDArray[np.float64] | None:
    """Mean RGB (0..255) of a class's pixels; ``None`` if it has fewer than 50.

    Args:
        picture: H x W x 3 uint8.
        label_map: H x W uint8.
        label: the class.
    """
    pixels = picture[label_map == label]
    return pixels.mean(axis=0, dtype=np.float64) if len(pixels) >= _FEWEST_PIXELS else None


def to_lab(colours: NDArray[np.uint8]) -> NDArray[np.float64]:
    """... x 3 uint8 sRGB to CIE L*a*b* under D65: L 0..100, a and b about -110..110."""
    encoded = colours / 255.0
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    xyz = linear @ _TO_XYZ.T
    x, y, z = np.moveaxis(np.where(xyz > _LAB_KNEE**3, np.cbrt(xyz), xyz / (3 * _LAB_KNEE**2) + 4 / 29), -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def ita(picture: Picture, label_map: LabelMap) -> float | None:
    """Individual typology angle of a face's skin in degrees, larger for lighter skin; ``None`` without 50 skin pixels.

    ``atan2(L - 50, b)`` of the skin pixels' median L and b, which highlights and shadows move little (Chardon, Cretois
    and Hourseau, *Skin colour typology and suntanning pathways*, Int. J. Cosmetic Science 13, 1991). There a
    colorimeter on the skin measures it under its own light; in a photograph it depends on lighting and camera too.

    Args:
        picture: H x W x 3 uint8.
        label_map: H x W uint8.
    """
    skin = picture[label_map == SKIN]
    if len(skin) < _FEWEST_PIXELS:
        return None
    lightness, _, yellow = np.median(to_lab(skin), axis=0)
    return float(np.degrees(np.arctan2(lightness - 50, yellow)))


class ColourTransfer:
    """For one class: distance of its colour in each result from the style face's and from the mask owner's.

    The state is float64 sums; states of parts can be added.
    """

    def __init__(self) -> None:
        self.result_to_style = Mean()
        self.result_to_owner = Mean()
        self.owner_to_style = Mean()
        # Of the brightness of result and style: sums of x, y, x^2, y^2 and xy about the middle of 0..255.
        self._moments = np.zeros(5)

    def update(
        self,
        result: NDArray[np.float64] | None,
        style: NDArray[np.float64] | None,
        owner: NDArray[np.float64] | None,
    ) -> None:
        """Add mean colours (RGB, 0..255) of one result; skipped if the class is missing in one of the three."""
        if result is None or style is None or owner is None:
            return
        self.result_to_style.update(np.linalg.norm(result - style))
        self.result_to_owner.update(np.linalg.norm(result - owner))
        self.owner_to_style.update(np.linalg.norm(owner - style))
        x, y = result.mean() - 127.5, style.mean() - 127.5
        self._moments += (x, y, x * x, y * y, x * y)

    def __add__(self, other: ColourTransfer) -> ColourTransfer:
        """The state of both sets of results together."""
        total = ColourTransfer()
        total.result_to_style = self.result_to_style + other.result_to_style
        total.result_to_owner = self.result_to_owner + other.result_to_owner
        total.owner_to_style = self.owner_to_style + other.owner_to_style
        total._moments = self._moments + other._moments
        return total

    @property
    def count(self) -> int:
        """Results counted."""
        return self.result_to_style.count

    def correlation(self) -> float | None:
        """Correlation of brightness between results and style faces, -1..1; ``None`` if either never varies."""
        if self.count < 2:
            return None
        x, y, xx, yy, xy = self._moments / self.count
        variance_x, variance_y = xx - x * x, yy - y * y
        if min(variance_x, variance_y) < 1e-9:
            return None
        return float((xy - x * y) / np.sqrt(variance_x * variance_y))
