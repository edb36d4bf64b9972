"""Loss of the identity embedding."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def cosine_margin_logits(embedding: Tensor, centres: Tensor, identities: Tensor, margin: float, scale: float) -> Tensor:
    """Logits of the large margin cosine loss, for ``cross_entropy``.

    Args:
        embedding: N x D, unit length.
        centres: people x D, of any length.
        identities: N int64; negative for unknown.
        margin: m, subtracted from the cosine with the own centre.
        scale: s, inverse temperature.

    Returns:
        N x people, ``s (cos - m)`` at the own identity and ``s cos`` elsewhere.

    Source: CosFace, Wang et al., CVPR 2018, equation 4.
    """
    cosines = embedding @ F.normalize(centres.float(), dim=1).T
    own = F.one_hot(identities.clamp(min=0), len(centres)).to(cosines.dtype)
    return scale * (cosines - margin * own)
