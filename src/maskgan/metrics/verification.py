"""How well cosines tell pairs of one person from pairs of two."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def roc_auc(same: NDArray[np.float64], different: NDArray[np.float64]) -> float:
    """Chance that a pair of one person has the larger cosine than a pair of two; ties count half.

    Args:
        same: cosines of pairs of one person, at least one.
        different: cosines of pairs of two persons, at least one.

    Raises:
        ValueError: either is empty.
    """
    if not len(same) or not len(different):
        raise ValueError("both sorts of pairs are needed")
    ordered = np.sort(different)
    below = np.searchsorted(ordered, same, side="left")
    ties = np.searchsorted(ordered, same, side="right") - below
    return float((below + ties / 2).sum() / (len(same) * len(different)))


def equal_error_rate(same: NDArray[np.float64], different: NDArray[np.float64]) -> tuple[float, float]:
    """Error rate where as many pairs of one person are refused as pairs of two are taken, and the cosine there.

    Raises:
        ValueError: either is empty.
    """
    if not len(same) or not len(different):
        raise ValueError("both sorts of pairs are needed")
    thresholds = np.unique(np.concatenate([same, different]))
    refused = np.searchsorted(np.sort(same), thresholds, side="left") / len(same)
    taken = 1 - np.searchsorted(np.sort(different), thresholds, side="left") / len(different)
    best = int(np.abs(refused - taken).argmin())
    return float((refused[best] + taken[best]) / 2), float(thresholds[best])
