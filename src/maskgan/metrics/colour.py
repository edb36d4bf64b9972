"""Whether a picture takes the colours of the face whose style it borrows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from maskgan.images import Picture
from maskgan.labels import LabelMap

_FEWEST_PIXELS = 50


def class_colour(picture: Picture, label_map: LabelMap, label: int) -> NDArray[np.float64] | None:
    """Mean RGB (0..255) of a class's pixels; ``None`` if it has fewer than 50.

    Args:
        picture: H x W x 3 uint8.
        label_map: H x W uint8.
        label: the class.
    """
    pixels = picture[label_map == label]
    return pixels.mean(axis=0, dtype=np.float64) if len(pixels) >= _FEWEST_PIXELS else None


class ColourFollowing:
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
