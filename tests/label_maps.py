"""Label maps for tests that need no face."""

from __future__ import annotations

import numpy as np

from maskgan.labels import LabelMap


def random_label_map(seed: int, height: int, width: int) -> LabelMap:
    """H x W labels in coarse random blocks, all classes likely."""
    blocks = np.random.default_rng(seed).integers(0, 19, (-(-height // 8), -(-width // 8)), dtype=np.uint8)
    return np.kron(blocks, np.ones((8, 8), dtype=np.uint8))[:height, :width]
