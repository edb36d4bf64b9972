"""Parts of a face as sets of classes, and where they lie in a label map.

The one place that says which classes make up the mouth, the eyes or the face; left and right are the person's.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from maskgan.labels import INDEX

BACKGROUND = INDEX["background"]
SKIN = INDEX["skin"]
NOSE = INDEX["nose"]
HAIR = INDEX["hair"]
GLASSES = INDEX["eye_g"]
HAT = INDEX["hat"]
NECK = INDEX["neck"]
CLOTH = INDEX["cloth"]
EARRING = INDEX["ear_r"]
NECKLACE = INDEX["neck_l"]

EYES = (INDEX["l_eye"], INDEX["r_eye"])
BROWS = (INDEX["l_brow"], INDEX["r_brow"])
EARS = (INDEX["l_ear"], INDEX["r_ear"])
LIPS = (INDEX["u_lip"], INDEX["l_lip"])
INSIDE_MOUTH = INDEX["mouth"]
"""What lies between the lips."""
MOUTH = (INSIDE_MOUTH, *LIPS)
"""The lips and what lies between them."""
FEATURES = (NOSE, GLASSES, *EYES, *BROWS, *MOUTH)
"""What lies on the skin of the face."""
FACE = (SKIN, NOSE, *EYES, *BROWS, *MOUTH)
"""The face without hair, ears and glasses."""
HEAD = (SKIN, HAIR, HAT)
"""The frame in which a face's features lie."""


def bounding_box(where: NDArray[np.bool_]) -> tuple[int, int, int, int] | None:
    """Top, bottom, left and right of the true pixels of H x W, ends exclusive; ``None`` if there are none."""
    if not where.any():
        return None
    rows, columns = np.flatnonzero(where.any(axis=1)), np.flatnonzero(where.any(axis=0))
    return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1


def centroid(where: NDArray[np.bool_]) -> tuple[float, float] | None:
    """Mean row and column of the true pixels of H x W; ``None`` if there are none."""
    if not where.any():
        return None
    rows, columns = np.nonzero(where)
    return float(rows.mean()), float(columns.mean())
