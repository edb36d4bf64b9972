"""The face around a changed mouth: it keeps the photograph's detail and moves with the mouth.

Cheeks and chin belong to a smile. Drawn anew, they would smile but be another person's; left alone, they would belie
the mouth. The network therefore draws them twice, with the mask before and after, and the photograph takes over how
the two differ: skin, beard and freckles stay.
"""

from __future__ import annotations

import numpy as np
from torch import Tensor

from maskgan.editing.edit_region import MovingFace
from maskgan.editing.soft_region import blur, blur_radius, surroundings

# Lengths are fractions of the longer side.
_DETAIL = 0.006  # what varies faster is the photograph's: standard deviation of the change's blur
_COLOUR = 0.02  # standard deviation over which the network's error of colour is averaged
_FEW = 0.1  # share of the photograph in the surroundings below which that error counts less: teeth are not skin
_STRENGTH = 1.4  # of the change: blurred, and drawn beside eyes that do not smile, it is less than a real face's
_MOST = 0.3  # that the change adds to a colour of [-1, 1]: more is a beard or a shadow that the network moved


def keep_face_detail(drawn: Tensor, unedited: Tensor, image: Tensor, moving: MovingFace) -> Tensor:
    """The network's picture of an edit, with the photograph's detail around the changed mouth.

    Args:
        drawn: the network's picture of the edit, 1 x 3 x h x w in [-1, 1].
        unedited: what it draws around the mouth with the mask before the edit.
        image: the photograph.
        moving: of the edit, at this size.

    Returns:
        1 x 3 x h x w in [-1, 1]; ``image`` outside of the hole.
    """
    longer = max(image.shape[2:])
    result = image.clone()
    # Only what changes is computed, and only as far as a blur reads.
    if (moving.share > 0).any():
        sigma = _DETAIL * longer
        place = _around(moving.share > 0, sigma)
        change = _STRENGTH * blur(drawn[place] - unedited[place], sigma)
        result[place] += moving.share[place] * _MOST * (change / _MOST).tanh()
    if (moving.kept < 1).any():
        sigma = _COLOUR * longer
        place = _around(moving.kept < 1, sigma)
        kept = moving.kept[place]
        # Next to the photograph the network's colours have to be the photograph's.
        error = blur((image[place] - unedited[place]) * kept, sigma) / blur(kept, sigma).clamp_min(_FEW)
        result[place] = kept * result[place] + (1 - kept) * (drawn[place] + error)
    return result.clamp_(-1, 1)


def _around(where: Tensor, sigma: float) -> tuple[slice, slice, slice, slice]:
    """The true pixels of 1 x 1 x h x w, and around them as far as a blur reads."""
    return np.s_[:, :, *surroundings(where[0, 0].numpy(), blur_radius(sigma))]
