"""What people look at: pictures of the answers, and numbers in tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from maskgan.evaluation.systems import Request, System
from maskgan.images import Picture
from maskgan.labels import colourise


def request_sheet(requests: Iterable[Request], systems: Sequence[System]) -> Picture:
    """A row a request: the face, whose look or part is asked for, the mask asked for, each system's answer.

    Args:
        requests: all of one size.
        systems: in the order of the columns.

    Returns:
        H x W x 3 uint8.
    """
    rows = []
    for request in requests:
        other = request.style if request.donor is None else request.donor
        columns = [request.source.picture, other.picture, colourise(request.asked)]
        rows.append(np.concatenate([*columns, *(system(request) for system in systems)], axis=1))
    return np.concatenate(rows, axis=0)


def shown(number: float | None, scale: float = 1.0) -> str:
    """A number for a table; a dash where there is none."""
    return "-" if number is None else f"{number * scale:.1f}"
