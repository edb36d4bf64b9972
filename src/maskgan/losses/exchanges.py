"""What attributes a face should have that wears another's mouth or mask, and how far it is from having them.

Not in the paper. No photograph shows how somebody would look with another's smile, or in the shape of another's face.
Stage 1 alone, which sees each style with its own mask only, leaves cheeks as they are where the mouth alone is edited,
and beards where the mask has room for them. That attributes can teach without a photograph is StarGAN's and AttGAN's
idea (Choi et al., CVPR 2018; He et al., TIP 2019).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from maskgan.data.annotations import ATTRIBUTES


@dataclass(frozen=True)
class Exchange:
    """Something that one face can borrow from another.

    Attributes:
        name: of its terms.
        brought: places of the attributes that come with it.
        kept: those that stay. What may go either way is in neither.
    """

    name: str
    brought: Sequence[int]
    kept: Sequence[int]

    def wanted(self, own: Tensor, donors: Tensor) -> Tensor:
        """Attributes of faces that borrowed it, N x 40, from their own and those of the faces that gave it."""
        wanted = own.clone()
        wanted[:, self.brought] = donors[:, self.brought]
        return wanted

    def distance(self, logits: Tensor, wanted: Tensor) -> Tensor:
        """Cross entropy of what was brought and of what must stay, each a mean, added.

        Args:
            logits: of the attributes found, N x 40.
            wanted: see there; probabilities.
        """
        terms = [
            F.binary_cross_entropy_with_logits(logits[:, places].float(), wanted[:, places].float())
            for places in (self.brought, self.kept)
        ]
        return torch.stack(terms).sum()


def most_different(attributes: Tensor, places: Sequence[int]) -> Tensor:
    """For each face the number of the one that differs most from it in these attributes, N int64.

    Args:
        attributes: of all faces, N x 40.
        places: those that count.
    """
    counted = attributes[:, places].float()
    return torch.cdist(counted, counted, p=1).argmax(dim=1)


def _places(*names: str) -> list[int]:
    return [ATTRIBUTES.index(name) for name in names]


def _others(*taken: Sequence[int]) -> list[int]:
    return [place for place in range(len(ATTRIBUTES)) if not any(place in places for places in taken)]


# CelebA calls cheeks that a smile has raised high cheekbones.
_SMILE = _places("Smiling", "Mouth_Slightly_Open", "High_Cheekbones")
# What may go with a smile.
_WITH_SMILE = _places(
    "Attractive", "Bags_Under_Eyes", "Big_Lips", "Chubby", "Double_Chin", "Narrow_Eyes", "Oval_Face", "Rosy_Cheeks"
)
MOUTH = Exchange("expression", _SMILE, _others(_SMILE, _WITH_SMILE))
"""Own style, own mask but for the mouth."""

_SHAPE = [
    *_SMILE,
    *_places("Arched_Eyebrows", "Bald", "Bangs", "Big_Nose", "Eyeglasses", "Narrow_Eyes", "Oval_Face", "Pointy_Nose"),
    *_places("Receding_Hairline", "Wearing_Earrings", "Wearing_Hat"),
]
# Of a person's look, not of the shape; the supplement counts sex, make-up and beard as copied with a style. Not the
# hair's colour: it is copied anyway, with the region's code.
_LOOK = [
    *_places("5_o_Clock_Shadow", "Goatee", "Mustache", "No_Beard", "Sideburns", "Male", "Young"),
    *_places("Heavy_Makeup", "Wearing_Lipstick", "Pale_Skin", "Rosy_Cheeks", "Bags_Under_Eyes"),
]
MASK = Exchange("style_copy", _SHAPE, _LOOK)
"""Own style, another's mask: style copy."""
