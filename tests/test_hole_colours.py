"""Holes in the colours of the photograph: what the network misses where labels stay is added to all of the hole."""

import numpy as np
import pytest
import torch

from maskgan.editing.edit_region import EditRegion
from maskgan.editing.hole_colours import match_hole_colours
from maskgan.face_parts import BACKGROUND, EYES, HAIR, LIPS, SKIN

SIDE = 128


def case(before: int, around: int, after: int, style: tuple[int, ...] = ()) -> tuple[EditRegion, torch.Tensor]:
    """A square of ``before`` on ``around`` becomes ``after``; and the hole."""
    mask = np.full((SIDE, SIDE), around, np.uint8)
    mask[40:88, 40:88] = before
    edited = mask.copy()
    edited[40:88, 40:88] = after
    region = EditRegion(mask, edited, style)
    return region, region.hole((SIDE, SIDE))[0, 0] > 0


def pictures(hole: torch.Tensor, missing: tuple[float, float, float]) -> tuple[torch.Tensor, torch.Tensor]:
    """A photograph with a slope of grey, and a picture whose hole lacks a colour."""
    image = torch.linspace(-0.5, 0.5, SIDE).expand(1, 3, SIDE, SIDE).clone()
    return image, torch.where(hole, image - torch.tensor(missing)[None, :, None, None], image)


def test_a_missing_colour_is_added_far_from_where_it_is_known() -> None:
    region, hole = case(HAIR, BACKGROUND, BACKGROUND)
    image, generated = pictures(hole, (-0.25, 0.1, 0.0))
    matched = match_hole_colours(image, generated, region)
    assert (matched - image).abs().max() < 1e-4 and (generated - image).abs().max() > 0.2
    assert torch.equal(matched[..., ~hole], generated[..., ~hole])


def test_each_class_has_its_own_colour() -> None:
    mask = np.full((SIDE, SIDE), BACKGROUND, np.uint8)
    mask[30:, :] = HAIR
    edited = mask.copy()
    edited[50:70, 50:70] = BACKGROUND
    edited[10:30, 50:70] = HAIR
    region = EditRegion(mask, edited)
    hole, after = region.hole((SIDE, SIDE))[0, 0] > 0, torch.from_numpy(edited)
    image = torch.zeros(1, 3, SIDE, SIDE)
    generated = torch.where(hole, torch.where(after == HAIR, 0.2, -0.3), 0.0).expand_as(image)
    matched = match_hole_colours(image, generated, region)
    assert matched[..., after == HAIR].abs().max() < 1e-4 and matched[..., after == BACKGROUND].abs().max() < 1e-4


@pytest.mark.parametrize(
    ("before", "around", "after", "style"),
    [
        (LIPS[0], SKIN, SKIN, ()),  # the skin around a mouth moves with it
        (HAIR, BACKGROUND, BACKGROUND, (BACKGROUND,)),  # a copied style is kept
        (SKIN, EYES[0], EYES[0], ()),  # features are what the network draws
    ],
)
def test_what_is_part_of_the_edit_keeps_its_colour(
    before: int, around: int, after: int, style: tuple[int, ...]
) -> None:
    region, hole = case(before, around, after, style)
    image, generated = pictures(hole, (0.2, 0.2, 0.2))
    assert torch.equal(match_hole_colours(image, generated, region), generated)


def test_other_things_are_no_tint() -> None:
    region, hole = case(HAIR, BACKGROUND, BACKGROUND)
    image, generated = pictures(hole, (0.9, 0.9, 0.9))
    matched = match_hole_colours(image, generated, region)
    assert (matched - generated)[..., hole].max() == pytest.approx(0.5, abs=1e-4)
