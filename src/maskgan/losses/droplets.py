"""Droplets: blobs that a generator with instance normalisation makes, one a picture, at a place of its choice.

A few pixels whose features tower above all others let it choose how large the rest is after normalisation; where they
lie, the picture shows speckles. Source of the observation: Karras et al. (StyleGAN2), CVPR 2020, section 2, which
gives the normalisation up; here the features are kept from towering, and so are the picture's values before tanh.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

_ENOUGH = 4.0
"""Times the mean energy that a pixel may have; the most unusual places of a face, its eyes and nose, reach about as
much where there are no droplets."""


def droplets(energies: Sequence[Tensor]) -> Tensor:
    """The energy beyond what any place needs, averaged over the pixels and summed over the layers.

    Args:
        energies: of each layer, N x h x w (see ``networks.layers.energy``).
    """
    return torch.stack([F.relu(energy - _ENOUGH).mean() for energy in energies]).sum()
