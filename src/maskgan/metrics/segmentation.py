"""How well two label maps agree: pixel accuracy, intersection over union and F1 of each class."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from maskgan.labels import NUM_CLASSES, LabelMap


class ConfusionMatrix:
    """Counts of pixels by target and predicted class, as int64; states of parts can be added."""

    def __init__(self) -> None:
        self.confusion: NDArray[np.int64] = np.zeros((NUM_CLASSES, NUM_CLASSES), dtype=np.int64)
        """num_classes x num_classes; rows: target, columns: prediction."""

    def update(self, target: LabelMap, prediction: LabelMap) -> None:
        """Count the pixels of a picture (H x W uint8 0..18 both).

        Raises:
            ValueError: the shapes differ.
        """
        if target.shape != prediction.shape:
            raise ValueError(f"label maps of {target.shape} and {prediction.shape} cannot be compared")
        codes = target.astype(np.int64) * NUM_CLASSES + prediction
        self.confusion += np.bincount(codes.ravel(), minlength=NUM_CLASSES**2).reshape(NUM_CLASSES, NUM_CLASSES)

    def __add__(self, other: ConfusionMatrix) -> ConfusionMatrix:
        """The counts of both sets of pixels together."""
        total = ConfusionMatrix()
        total.confusion = self.confusion + other.confusion
        return total

    @property
    def count(self) -> int:
        """Pixels counted."""
        return int(self.confusion.sum())

    @property
    def pixel_accuracy(self) -> float | None:
        """Share of pixels whose class is the target, 0..1; ``None`` if no pixel was counted."""
        return float(np.trace(self.confusion) / self.count) if self.count else None

    @property
    def iou(self) -> NDArray[np.float64]:
        """Intersection over union of each class, 19 values; NaN for a class that is neither a target nor predicted."""
        hits = np.diag(self.confusion).astype(np.float64)
        union = self.confusion.sum(axis=0) + self.confusion.sum(axis=1) - hits
        return np.divide(hits, union, out=np.full(NUM_CLASSES, np.nan), where=union > 0)

    @property
    def mean_iou(self) -> float | None:
        """Mean of ``iou`` over the classes that occur, 0..1; ``None`` if none does."""
        values = self.iou
        return float(values[~np.isnan(values)].mean()) if not np.isnan(values).all() else None

    @property
    def f1(self) -> NDArray[np.float64]:
        """Harmonic mean of precision and recall of each class, 19 values; NaN where ``iou`` is."""
        values = self.iou
        return 2 * values / (1 + values)
