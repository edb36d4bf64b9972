"""Distances between two sets of pictures by the statistics of their features: Fréchet distance and kernel distance.

With the features of Inception-v3's last pooling they are FID (Heusel et al., NeurIPS 2017) and KID (Binkowski et al.,
ICLR 2018). With those of any other network they are not, and must not be called so.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Features = NDArray[np.floating]
"""N x D, one row a picture."""


class FeatureStatistics:
    """Mean and covariance of features, in float64 sums: the same for any batch size; those of parts can be added."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.count = 0
        self._sum = np.zeros(size)
        self._products = np.zeros((size, size))
        # Sums of squares lose digits if the mean is large; sums about the first row do not.
        self._origin: NDArray[np.float64] | None = None

    def update(self, features: Features) -> None:
        """Count a batch, N x D.

        Raises:
            ValueError: D is another, or a feature is not finite.
        """
        features = np.asarray(features, dtype=np.float64)
        if features.ndim != 2 or features.shape[1] != len(self._sum):
            raise ValueError(f"features of shape {features.shape}, not N x {len(self._sum)}")
        if not np.isfinite(features).all():
            raise ValueError("a feature is not finite")
        if self._origin is None:
            self._origin = features[0].copy()
        offset = features - self._origin
        self.count += len(features)
        self._sum += offset.sum(axis=0)
        self._products += offset.T @ offset

    def __add__(self, other: FeatureStatistics) -> FeatureStatistics:
        """The statistics of both sets together."""
        if other._origin is None or self._origin is None:
            return self if other._origin is None else other
        joined = FeatureStatistics(self.size)
        shift = other._origin - self._origin
        moved = other._sum + other.count * shift
        cross = np.outer(other._sum, shift)
        joined.count, joined._origin = self.count + other.count, self._origin
        joined._sum = self._sum + moved
        joined._products = self._products + other._products + cross + cross.T + other.count * np.outer(shift, shift)
        return joined

    @property
    def mean(self) -> NDArray[np.float64]:
        """D values."""
        if self._origin is None:
            raise ValueError("no features have been counted")
        return self._origin + self._sum / self.count

    @property
    def covariance(self) -> NDArray[np.float64]:
        """D x D, unbiased (divided by N - 1)."""
        if self.count < 2:
            raise ValueError("a covariance needs at least 2 pictures")
        mean = self._sum / self.count
        return (self._products - self.count * np.outer(mean, mean)) / (self.count - 1)


def frechet_distance(first: FeatureStatistics, second: FeatureStatistics) -> float:
    """Squared Fréchet distance of two normal distributions: ``|m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2))``.

    Raises:
        ValueError: either set has fewer than 2 pictures.
    """
    gap = first.mean - second.mean
    one, two = first.covariance, second.covariance
    # The trace of (C1 C2)^(1/2) is that of the symmetric (C1^(1/2) C2 C1^(1/2))^(1/2), which is safe to compute.
    values, vectors = np.linalg.eigh(one)
    root = (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T
    cross = np.sqrt(np.clip(np.linalg.eigvalsh(root @ two @ root), 0, None)).sum()
    return float(max(gap @ gap + np.trace(one) + np.trace(two) - 2 * cross, 0.0))


def kernel_distance(first: Features, second: Features) -> float:
    """Unbiased squared maximum mean discrepancy with the kernel (x.y / D + 1)^3; may be slightly below 0.

    Args:
        first: N x D, N at least 2.
        second: M x D, M at least 2.

    Raises:
        ValueError: a set has fewer than 2 rows, or D differs.
    """
    x, y = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if len(x) < 2 or len(y) < 2 or x.shape[1] != y.shape[1]:
        raise ValueError(f"features of shapes {x.shape} and {y.shape} cannot be compared")
    size = x.shape[1]

    def kernel(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
        return (a @ b.T / size + 1) ** 3

    def within(a: NDArray[np.float64]) -> float:
        values = kernel(a, a)
        return float((values.sum() - np.trace(values)) / (len(a) * (len(a) - 1)))

    return within(x) + within(y) - 2 * float(kernel(x, y).mean())
