"""Lenses of glasses: whether they are clear, and what is seen through them."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from maskgan.editing.soft_region import dilate
from maskgan.face_parts import EYES, GLASSES, SKIN, bounding_box
from maskgan.images import Picture
from maskgan.labels import LabelMap

_CLEAR = 0.005  # pixels of eyes behind clear lenses, in pixels of the glasses
# The farthest that a channel's share of the skin's colour lies from that of all, in logarithms, and its least mean.
# Of 32 glasses in masks of CelebAMask-HQ tinted ones have over 0.15, clear ones in any frame at most 0.10 and over 0.5.
_TINT, _DARK = 0.13, 0.4


def lenses_are_clear(label_map: LabelMap) -> bool:
    """Whether a mask shows eyes behind its glasses, as CelebAMask-HQ paints clear ones."""
    return bool(np.isin(label_map, EYES).sum() >= _CLEAR * (label_map == GLASSES).sum())


def lenses_are_tinted(picture: Picture, label_map: LabelMap) -> bool:
    """Whether glasses change the colour of what is seen through them; ``False`` without glasses or skin.

    Args:
        picture: H x W x 3 uint8.
        label_map: H x W uint8.
    """
    lens, skin = label_map == GLASSES, label_map == SKIN
    if not lens.any() or not skin.any():
        return False
    ratios = np.maximum(picture[lens].mean(axis=0), 1) / np.maximum(picture[skin].mean(axis=0), 1)
    shades = np.log(ratios)
    return bool(np.abs(shades - shades.mean()).max() > _TINT or ratios.mean() < _DARK)


def inside_new_rims(before: LabelMap, after: LabelMap, rim: int) -> Tensor:
    """Inside of the rims of new glasses through which the eyes are seen, 1 x 1 x H x W: there is nothing to draw.

    CelebAMask-HQ paints lenses whole, whether they are clear or dark, and eyes on top of clear ones. Where an edit
    moved the eyes too, there is something to draw.

    Args:
        before: the face's own mask, H x W.
        after: the edited mask, H x W.
        rim: thickness of what is drawn, in pixels.
    """
    new = (after == GLASSES) & (before != GLASSES)
    box = bounding_box(new)
    if box is None:
        return torch.zeros(1, 1, *before.shape)
    within = np.zeros(before.shape, dtype=bool)
    within[box[0] : box[1], box[2] : box[3]] = True
    eyes = np.isin(before, EYES) & within
    seen = eyes & np.isin(after, EYES)
    if 2 * seen.sum() <= eyes.sum():
        return torch.zeros(1, 1, *before.shape)
    return 1 - dilate(torch.from_numpy(~(new & ~eyes | seen)).float()[None, None], rim)


def seen_through(before: LabelMap, after: LabelMap) -> NDArray[np.bool_]:
    """The clear lenses of glasses that go, H x W: what was seen through them stays, but for their rims.

    A lens is clear if an eye is seen through it.

    Args:
        before: the face's own mask, H x W.
        after: the edited mask, H x W.
    """
    worn = before == GLASSES
    gone, seen = worn & (after == SKIN), np.isin(before, EYES) & np.isin(after, EYES)
    clear = np.zeros(before.shape, dtype=bool)
    box = bounding_box(worn)
    if box is None or not gone.any():
        return clear
    middle = (box[2] + box[3]) // 2
    for left, right in ((box[2], middle), (middle, box[3])):
        lens = np.s_[box[0] : box[1], left:right]
        if seen[lens].sum() > _CLEAR * worn[lens].sum():
            clear[lens] = gone[lens] | seen[lens]
    return clear
