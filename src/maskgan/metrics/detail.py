"""How much of a picture lies in its finest detail."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from maskgan.images import Picture

_GREY = np.array([0.299, 0.587, 0.114], dtype=np.float32)


def finest_octave(picture: Picture) -> NDArray[np.float32]:
    """Squared strength of the detail that is lost when a picture is halved, of each 2 x 2 pixels.

    Args:
        picture: H x W x 3 uint8, both sides even.

    Returns:
        H/2 x W/2: the variance of the four grey levels (0..255) of each cell.
    """
    grey = picture @ _GREY
    cells = grey.reshape(grey.shape[0] // 2, 2, grey.shape[1] // 2, 2)
    return cells.var(axis=(1, 3))
