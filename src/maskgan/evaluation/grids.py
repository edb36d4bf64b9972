"""What people look at: pictures of the answers, and numbers in tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from maskgan.evaluation.systems import Request, System
from maskgan.images import Picture
from maskgan.labels import colourise


def request_grid(requests: Iterable[Request], systems: Sequence[System]) -> Picture:
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
        columns = [request.source.picture, other.picture, colourise(request.target)]
        rows.append(np.concatenate([*columns, *(system(request) for system in systems)], axis=1))
    return np.concatenate(rows, axis=0)


def distance_column(name: str) -> str:
    """Of a table's column of distances: KID stands beside FID, and beside nothing else."""
    return "FID / KID x 1000" if name == "FID" else name


def distance_cell(name: str, frechet: float | None, kernel: float | None) -> str:
    """A cell of that column; a dash where there are no distances."""
    if frechet is None or kernel is None:
        return "-"
    return f"{frechet:.1f} / {kernel * 1000:.1f}" if name == "FID" else f"{frechet:.1f}"
