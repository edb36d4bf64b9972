"""Guess which label order a mask is in, from where each class usually lies and how large it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from maskgan.labels import ORDERS, LabelMap

# Means and standard deviations over 1,063 CelebAMask-HQ training masks, of each class that is present: share of
# pictures that hold it; centre x, its deviation; centre y, its deviation; log of its share of the area, its deviation.
# x and y are fractions of width and height. Deviations have a floor, for photographs framed differently.
_TYPICAL: dict[str, tuple[float, float, float, float, float, float, float]] = {
    "background": (0.99, 0.48, 0.18, 0.40, 0.11, -1.35, 0.46),
    "skin": (0.99, 0.50, 0.05, 0.55, 0.04, -1.39, 0.20),
    "nose": (0.99, 0.50, 0.02, 0.58, 0.01, -3.90, 0.14),
    "eye_g": (0.05, 0.50, 0.02, 0.50, 0.01, -2.97, 0.26),
    "l_eye": (0.97, 0.62, 0.03, 0.48, 0.01, -6.15, 0.36),
    "r_eye": (0.97, 0.38, 0.03, 0.48, 0.01, -6.15, 0.36),
    "l_brow": (0.97, 0.62, 0.03, 0.41, 0.02, -5.53, 0.49),
    "r_brow": (0.97, 0.37, 0.03, 0.41, 0.02, -5.55, 0.49),
    "l_ear": (0.52, 0.82, 0.09, 0.56, 0.06, -4.92, 0.81),
    "r_ear": (0.46, 0.20, 0.09, 0.56, 0.06, -5.04, 0.85),
    "mouth": (0.57, 0.50, 0.01, 0.74, 0.02, -5.61, 0.92),
    "u_lip": (0.99, 0.50, 0.01, 0.73, 0.02, -5.57, 0.40),
    "l_lip": (0.99, 0.50, 0.01, 0.77, 0.02, -5.05, 0.32),
    "hair": (0.98, 0.50, 0.11, 0.36, 0.14, -1.29, 0.62),
    "hat": (0.04, 0.48, 0.10, 0.22, 0.08, -1.63, 0.48),
    "ear_r": (0.25, 0.54, 0.24, 0.71, 0.09, -5.48, 1.35),
    "neck_l": (0.04, 0.50, 0.21, 0.90, 0.09, -7.15, 1.69),
    "neck": (0.97, 0.51, 0.14, 0.92, 0.03, -3.26, 0.50),
    "cloth": (0.59, 0.51, 0.23, 0.92, 0.06, -3.38, 1.32),
}
_POSITION_FLOOR = 0.08
_AREA_FLOOR = 0.6
MARGIN = 10.0
"""Nats by which another reading of a mask must beat CelebAMask-HQ's before it is believed."""

_WORST = 20.0  # what one class can cost at most: a single odd part must not decide
_LOOKED_AT = 512  # pixels on the longer side of what is measured


class Placement(NamedTuple):
    """Where a label lies."""

    x: float
    """Mean column, as a fraction of the width."""
    y: float
    """Mean row, as a fraction of the height."""
    log_area: float
    """Logarithm of its share of the area."""


@dataclass(frozen=True)
class OrderGuess:
    """The most plausible label order, and how far it leads.

    Attributes:
        order: a key of ``labels.ORDERS``.
        log_likelihoods: for each known order, in nats.
    """

    order: str
    log_likelihoods: dict[str, float]


def guess_order(label_map: LabelMap) -> OrderGuess:
    """Say which order the indices of ``label_map`` (H x W, 0..18) most plausibly follow.

    CelebAMask-HQ is assumed unless another order is clearly better, so a mask of a few parts is left as it is.
    """
    measured = measure_labels(label_map)
    scores = {order: log_likelihood(measured, names) for order, names in ORDERS.items()}
    best = max(scores, key=lambda order: scores[order])
    if scores[best] - scores["celebamask-hq"] < MARGIN:
        best = "celebamask-hq"
    return OrderGuess(best, scores)


def measure_labels(label_map: LabelMap) -> dict[int, Placement]:
    """Measure where each label of ``label_map`` (H x W) lies; large maps are looked at coarsely."""
    step = max(max(label_map.shape) // _LOOKED_AT, 1)
    label_map = label_map[::step, ::step]
    height, width = label_map.shape
    measured = {}
    for value in np.unique(label_map):
        rows, columns = np.nonzero(label_map == value)
        measured[int(value)] = Placement(
            float(columns.mean()) / width, float(rows.mean()) / height, float(np.log(len(rows) / label_map.size))
        )
    return measured


def log_likelihood(measured: Mapping[int, Placement], names: Sequence[str | None]) -> float:
    """How well labels fit where classes usually lie, in nats.

    Args:
        measured: from ``measure_labels``.
        names: the class that each label 0, 1, ... is taken for; ``None``: no class, so the label should not occur.
    """
    total = 0.0
    seen = {}
    for label, placement in measured.items():
        name = names[label] if label < len(names) else None
        if name is None:
            total -= _WORST
        else:
            seen[name] = placement
    for name, (share, x, x_sd, y, y_sd, area, area_sd) in _TYPICAL.items():
        if name not in seen:
            total += float(np.log1p(-share))
            continue
        log_p = float(np.log(share))
        for value, mean, sd in zip(
            seen[name],
            (x, y, area),
            (max(x_sd, _POSITION_FLOOR), max(y_sd, _POSITION_FLOOR), max(area_sd, _AREA_FLOOR)),
            strict=True,
        ):
            log_p += -0.5 * ((value - mean) / sd) ** 2 - float(np.log(sd))
        total += max(log_p, -_WORST)
    return total
