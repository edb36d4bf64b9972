"""Fréchet and kernel distances against analytic cases and slow, plain calculations."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maskgan.metrics.frechet import FeatureStatistics, frechet_distance, kernel_distance


def statistics(features: np.ndarray, batch: int = 1000) -> FeatureStatistics:
    found = FeatureStatistics(features.shape[1])
    for start in range(0, len(features), batch):
        found.update(features[start : start + batch])
    return found


def features(seed: int, count: int = 200, size: int = 6) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(count, size)) @ rng.normal(size=(size, size)) + rng.normal(size=size)


def test_mean_and_covariance_are_numpys() -> None:
    data = features(0) + 1e4  # far from zero, where naive sums lose digits
    found = statistics(data, 7)
    np.testing.assert_allclose(found.mean, data.mean(0), rtol=1e-12)
    np.testing.assert_allclose(found.covariance, np.cov(data.T), rtol=1e-9, atol=1e-9)


@given(batch=st.integers(1, 60), cut=st.integers(1, 49))
@settings(max_examples=25, deadline=None)
def test_batches_and_parts_do_not_matter(batch: int, cut: int) -> None:
    data, other = features(1, 50), statistics(features(2, 50))
    whole = frechet_distance(statistics(data), other)
    assert frechet_distance(statistics(data, batch), other) == pytest.approx(whole, rel=1e-9)
    parts = statistics(data[:cut], batch) + statistics(data[cut:], batch)
    assert frechet_distance(parts, other) == pytest.approx(whole, rel=1e-9)


def test_frechet_distance_of_known_normals() -> None:
    rng = np.random.default_rng(0)
    base = rng.normal(size=(5000, 4))
    white = (base - base.mean(0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(base.T))).T  # exactly mean 0, covariance 1
    shift, scale = np.array([1.0, -2.0, 0.0, 0.5]), np.array([2.0, 1.0, 0.5, 3.0])
    distance = frechet_distance(statistics(white), statistics(white * scale + shift))
    assert distance == pytest.approx(shift @ shift + ((scale - 1) ** 2).sum(), rel=1e-9)
    assert frechet_distance(statistics(white), statistics(white)) == pytest.approx(0, abs=1e-9)


def test_frechet_distance_against_the_plain_formula() -> None:
    """A Denman-Beavers iteration gives the matrix root without any eigenvalues."""
    one, two = statistics(features(3)), statistics(features(4))
    y, z = one.covariance @ two.covariance, np.eye(6)
    for _ in range(60):
        y, z = (y + np.linalg.inv(z)) / 2, (z + np.linalg.inv(y)) / 2
    gap = one.mean - two.mean
    expected = gap @ gap + np.trace(one.covariance + two.covariance - 2 * y)
    assert frechet_distance(one, two) == pytest.approx(expected, rel=1e-6)
    assert frechet_distance(two, one) == pytest.approx(expected, rel=1e-6)


def test_kernel_distance_against_loops() -> None:
    x, y = features(5, 12), features(6, 9)

    def k(a: np.ndarray, b: np.ndarray) -> float:
        return float((a @ b / 6 + 1) ** 3)

    expected = np.mean([k(a, b) for i, a in enumerate(x) for j, b in enumerate(x) if i != j])
    expected += np.mean([k(a, b) for i, a in enumerate(y) for j, b in enumerate(y) if i != j])
    expected -= 2 * np.mean([k(a, b) for a in x for b in y])
    assert kernel_distance(x, y) == pytest.approx(expected, rel=1e-9)


def test_kernel_distance_of_one_distribution_is_about_zero() -> None:
    rng = np.random.default_rng(0)
    same = [kernel_distance(rng.normal(size=(100, 3)), rng.normal(size=(100, 3))) for _ in range(100)]
    assert abs(np.mean(same)) < 3 * np.std(same) / 10
    assert kernel_distance(rng.normal(size=(100, 3)), rng.normal(size=(100, 3)) + 1) > max(same)


def test_impossible_sets_are_refused() -> None:
    with pytest.raises(ValueError, match="not N x 6"):
        FeatureStatistics(6).update(np.zeros((3, 5)))
    with pytest.raises(ValueError, match="not finite"):
        FeatureStatistics(2).update(np.full((3, 2), np.nan))
    with pytest.raises(ValueError, match="at least 2"):
        frechet_distance(statistics(np.zeros((1, 2))), statistics(np.zeros((1, 2))))
    with pytest.raises(ValueError, match="cannot be compared"):
        kernel_distance(np.zeros((1, 2)), np.zeros((3, 2)))
