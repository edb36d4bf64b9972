"""What attributes a face should have that wears another's mouth, and how far it is from having them.

Not in the paper. No photograph shows how somebody would look with another's smile. Stage 1 alone reads from the style
of the same photograph whether cheeks are raised, and so leaves them as they are where the mouth alone is edited. That
attributes can teach without a photograph is StarGAN's and AttGAN's idea (Choi et al., CVPR 2018; He et al., TIP 2019).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from maskgan.data.annotations import ATTRIBUTES


def _places(*names: str) -> list[int]:
    return [ATTRIBUTES.index(name) for name in names]


# What the donor of a mouth gives. CelebA calls cheeks that a smile has raised high cheekbones.
_COMES = _places("Smiling", "Mouth_Slightly_Open", "High_Cheekbones")
# What may go with it, and is left free.
_FOLLOWS = _places(
    "Attractive", "Bags_Under_Eyes", "Big_Lips", "Chubby", "Double_Chin", "Narrow_Eyes", "Oval_Face", "Rosy_Cheeks"
)
_KEPT = [place for place in range(len(ATTRIBUTES)) if place not in (*_COMES, *_FOLLOWS)]


def with_mouth_of(own: Tensor, donors: Tensor) -> Tensor:
    """Attributes of faces that wear others' mouths, N x 40, from those of both."""
    wanted = own.clone()
    wanted[:, _COMES] = donors[:, _COMES]
    return wanted


def expression_distance(logits: Tensor, wanted: Tensor) -> Tensor:
    """Cross entropy of what comes with a mouth and of what must stay, each a mean, added.

    What a smile changes in some faces, such as bags under the eyes, is left free.

    Args:
        logits: of the attributes found, N x 40.
        wanted: of ``with_mouth_of``, probabilities.
    """
    terms = [
        F.binary_cross_entropy_with_logits(logits[:, places].float(), wanted[:, places].float())
        for places in (_COMES, _KEPT)
    ]
    return torch.stack(terms).sum()
