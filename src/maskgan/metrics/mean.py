"""A mean with its standard error, as a state that batches update and that can be summed."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True)
class Estimate:
    """A mean over samples.

    Attributes:
        mean: of one number per sample.
        error: standard error, the sample standard deviation over the square root of the count; ``None`` for one sample.
    """

    mean: float
    error: float | None


class Mean:
    """Count, sum and sum of squares in float64; the result does not depend on how samples are batched."""

    def __init__(self) -> None:
        self.count = 0
        # Sums about the first sample: a large mean with a small deviation would lose its digits otherwise.
        self._origin = 0.0
        self._sum = 0.0
        self._squares = 0.0

    def update(self, values: ArrayLike) -> None:
        """Add samples: one number, or an array of any shape."""
        samples = np.asarray(values, dtype=np.float64).ravel()
        if not len(samples):
            return
        if not self.count:
            self._origin = float(samples[0])
        offsets = samples - self._origin
        self.count += len(samples)
        self._sum += float(offsets.sum())
        self._squares += float((offsets**2).sum())

    def __add__(self, other: Mean) -> Mean:
        """The state of both sets of samples together."""
        total = Mean()
        total.count, total._origin = self.count, self._origin if self.count else other._origin
        for part in (self, other):
            shift = part._origin - total._origin
            total._sum += part._sum + part.count * shift if part.count else 0.0
            total._squares += part._squares + 2 * shift * part._sum + part.count * shift**2 if part.count else 0.0
        total.count = self.count + other.count
        return total

    def compute(self) -> float | None:
        """The mean; ``None`` without samples."""
        return self._origin + self._sum / self.count if self.count else None

    def estimate(self) -> Estimate | None:
        """The mean with its standard error; ``None`` without samples."""
        mean = self.compute()
        if mean is None:
            return None
        if self.count < 2:
            return Estimate(mean, None)
        variance = max(self._squares - self._sum**2 / self.count, 0.0) / (self.count - 1)
        return Estimate(mean, sqrt(variance / self.count))
