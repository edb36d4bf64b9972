"""Attribute loss for faces rendered with another face's mouth or mask, for which no photograph exists.

Not in the paper. Reconstruction alone, which sees each style with its own mask only, leaves cheeks unchanged when the
mouth is edited, and beards wherever the mask has room for them. Supervising generated faces by an attribute classifier
follows StarGAN (Choi et al., CVPR 2018) and AttGAN (He et al., TIP 2019).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from maskgan.data.annotations import ATTRIBUTES


@dataclass(frozen=True)
class AttributeSwap:
    """Which attributes a face takes over from the donor of its mouth or mask.

    Attributes:
        name: of its loss term.
        transferred: indices of the attributes that come from the donor.
        preserved: indices of the attributes that stay the face's own. Attributes in neither list are not supervised.
    """

    name: str
    transferred: Sequence[int]
    preserved: Sequence[int]

    def target_attributes(self, own: Tensor, donors: Tensor) -> Tensor:
        """Attribute probabilities the rendered face should have, N x 40, from those of both faces (N x 40 each)."""
        target = own.clone()
        target[:, self.transferred] = donors[:, self.transferred]
        return target

    def loss(self, logits: Tensor, target: Tensor) -> Tensor:
        """Binary cross entropy, the mean over transferred attributes plus the mean over preserved ones.

        Args:
            logits: attribute logits of the rendered faces, N x 40.
            target: from ``target_attributes``, N x 40.
        """
        terms = [
            F.binary_cross_entropy_with_logits(logits[:, indices].float(), target[:, indices].float())
            for indices in (self.transferred, self.preserved)
        ]
        return torch.stack(terms).sum()


def most_different(attributes: Tensor, indices: Sequence[int]) -> Tensor:
    """For each face the index of the face at the largest L1 distance in the attributes ``indices``, N int64.

    Args:
        attributes: probabilities, N x 40.
        indices: of the attributes that are compared.
    """
    compared = attributes[:, indices].float()
    return torch.cdist(compared, compared, p=1).argmax(dim=1)


def _indices(*names: str) -> list[int]:
    return [ATTRIBUTES.index(name) for name in names]


def _all_but(*excluded: Sequence[int]) -> list[int]:
    return [index for index in range(len(ATTRIBUTES)) if not any(index in indices for indices in excluded)]


# CelebA labels cheeks raised by a smile as high cheekbones.
_SMILE = _indices("Smiling", "Mouth_Slightly_Open", "High_Cheekbones")
# Correlated with a smile, so not supervised.
_WITH_SMILE = _indices(
    "Attractive", "Bags_Under_Eyes", "Big_Lips", "Chubby", "Double_Chin", "Narrow_Eyes", "Oval_Face", "Rosy_Cheeks"
)
MOUTH_SWAP = AttributeSwap("expression", _SMILE, _all_but(_SMILE, _WITH_SMILE))
"""Own style, own mask with the donor's mouth."""

_SHAPE = [
    *_SMILE,
    *_indices("Arched_Eyebrows", "Bald", "Bangs", "Big_Nose", "Eyeglasses", "Narrow_Eyes", "Oval_Face", "Pointy_Nose"),
    *_indices("Receding_Hairline", "Wearing_Earrings", "Wearing_Hat"),
]
# Attributes of appearance, not of shape; the supplement counts sex, make-up and beard as copied with a style. Hair
# colour is left out: the region code copies it anyway.
_APPEARANCE = [
    *_indices("5_o_Clock_Shadow", "Goatee", "Mustache", "No_Beard", "Sideburns", "Male", "Young"),
    *_indices("Heavy_Makeup", "Wearing_Lipstick", "Pale_Skin", "Rosy_Cheeks", "Bags_Under_Eyes"),
]
MASK_SWAP = AttributeSwap("style_copy", _SHAPE, _APPEARANCE)
"""Own style, the donor's mask (style copy)."""
