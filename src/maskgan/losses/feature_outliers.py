"""Feature-outlier penalty: keeps single pixels from dominating a feature map.

A generator with instance normalisation can hide a spike in a few pixels to control the scale of all others after
normalisation; the spike shows as a droplet artefact (Karras et al., StyleGAN2, CVPR 2020, section 2). StyleGAN2 gives
the normalisation up; here the spike is penalised, and so are pre-tanh outputs beyond saturation.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

_MAX_ENERGY = 4.0
"""Energy without penalty, in units of the mean over pixels; about what eyes and nose reach where there is no spike."""


def feature_outlier_penalty(energies: Sequence[Tensor]) -> Tensor:
    """Activation energy above the threshold, averaged over the pixels and summed over the layers.

    Args:
        energies: per layer, N x h x w (see ``networks.backbone.Backbone.record_activation_energies``).
    """
    return torch.stack([F.relu(energy - _MAX_ENERGY).mean() for energy in energies]).sum()
