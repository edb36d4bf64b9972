"""Grids of images: what a system was given, and what it rendered."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from maskgan.evaluation.systems import Request, System
from maskgan.images import Picture
from maskgan.labels import colourise


def request_grid(requests: Sequence[Request], systems: Sequence[System]) -> Picture:
    """A row per request: source, style or donor, requested mask, each system's output.

    Args:
        requests: all of one size; rendered as one batch.
        systems: in the order of the columns.

    Returns:
        H x W x 3 uint8.
    """
    columns = [
        [request.source.picture for request in requests],
        [(request.donor or request.style).picture for request in requests],
        [colourise(request.target) for request in requests],
        *(system(requests) for system in systems),
    ]
    return np.concatenate([np.concatenate(column, axis=0) for column in columns], axis=1)
