"""Colours of a face's parts: whether they are those of the face whose style it borrows, and how light its skin is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from maskgan.face_parts import SKIN
from maskgan.images import Picture
from maskgan.labels import LabelMap

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
    """For one class: how far its colour in each result lies from the style face's and from the mask owner's."""

    def __init__(self) -> None:
        self._rows: list[tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]] = []

    def update(
        self,
        result: NDArray[np.float64] | None,
        style: NDArray[np.float64] | None,
        owner: NDArray[np.float64] | None,
    ) -> None:
        """Add mean colours (RGB, 0..255) of one result; skipped if the class is missing in one of the three."""
        if result is not None and style is not None and owner is not None:
            self._rows.append((result, style, owner))

    @property
    def count(self) -> int:
        """Results counted."""
        return len(self._rows)

    def distances(self) -> tuple[float, float, float]:
        """Mean RGB distance (0..441) of result to style, result to owner, and owner to style; NaN if none counted."""
        if not self._rows:
            return float("nan"), float("nan"), float("nan")
        result, style, owner = (np.stack(column) for column in zip(*self._rows, strict=True))
        return (
            float(np.linalg.norm(result - style, axis=1).mean()),
            float(np.linalg.norm(result - owner, axis=1).mean()),
            float(np.linalg.norm(owner - style, axis=1).mean()),
        )

    def correlation(self) -> float:
        """Correlation of brightness between results and style faces, -1..1; NaN if either never varies."""
        result = [row[0].mean() for row in self._rows]
        style = [row[1].mean() for row in self._rows]
        if len(set(result)) < 2 or len(set(style)) < 2:
            return float("nan")
        return float(np.corrcoef(result, style)[0, 1])
