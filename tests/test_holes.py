"""Holes that training cuts into photographs."""

import pytest
import torch

from maskgan.data.batches import Faces
from maskgan.data.loading import oversample_rare
from maskgan.labels import INDEX
from maskgan.training.edit_config import HoleConfig
from maskgan.training.holes import grow, sample_holes

SIDE = 64


def faces(count: int) -> torch.Tensor:
    """Simple masks: hair above skin, a mouth in it."""
    masks = torch.zeros(count, SIDE, SIDE, dtype=torch.long)
    masks[:, 8:24, 12:52] = INDEX["hair"]
    masks[:, 20:56, 16:48] = INDEX["skin"]
    masks[:, 44:48, 26:38] = INDEX["u_lip"]
    return masks


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_growing_one_pixel_gives_a_square_of_its_radius() -> None:
    masks = torch.zeros(3, 21, 21, dtype=torch.bool)
    masks[:, 10, 10] = True
    grown = grow(masks, torch.tensor([0, 2, 5]))
    assert grown.sum((1, 2)).tolist() == [1, 25, 121]
    assert grown[1, 8:13, 8:13].all()


def test_growing_stops_at_the_edges() -> None:
    masks = torch.zeros(1, 8, 8, dtype=torch.bool)
    masks[0, 0, 7] = True
    assert grow(masks, torch.tensor([2])).nonzero().tolist() == [[0, y, x] for y in range(3) for x in range(5, 8)]


def test_the_same_generator_gives_the_same_holes() -> None:
    masks, donors = faces(16), faces(16).roll(3, 2)
    first, second, other = (sample_holes(masks, donors, HoleConfig(), generator(s)) for s in (1, 1, 2))
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


def test_holes_are_binary_and_never_empty() -> None:
    masks = faces(64)
    holes = sample_holes(masks, masks, HoleConfig(), generator())
    assert holes.shape == (64, 1, SIDE, SIDE)
    assert set(holes.unique().tolist()) == {0.0, 1.0}
    assert float(holes.mean((1, 2, 3)).min()) > 0.004


@pytest.mark.parametrize("fraction", [0.0, 1.0])
def test_the_fraction_of_full_images_is_kept(fraction: float) -> None:
    holes = sample_holes(faces(32), faces(32), HoleConfig(full_image=fraction, ellipses=0.0), generator())
    assert (holes.mean((1, 2, 3)) == 1).float().mean().item() == fraction


def test_a_hole_of_an_edit_covers_where_the_two_masks_differ() -> None:
    masks, donors = faces(200), faces(200)
    donors[:, 24:40, 12:52] = INDEX["hair"]  # longer hair
    config = HoleConfig(full_image=0.0, ellipses=0.0, union=0.0, min_grow=0.0, max_grow=0.0)
    holes = sample_holes(masks, donors, config, generator())[:, 0].bool()
    differs = masks != donors
    of_hair = [hole for hole, where in zip(holes, differs, strict=True) if torch.equal(hole, where)]
    assert len(of_hair) > 20  # hair comes in a fifth of the holes, skin in an eighth


def test_rare_things_are_drawn_often_where_they_are() -> None:
    plain, with_glasses = faces(400), faces(400)
    with_glasses[:, 28:34, 18:46] = INDEX["eye_g"]
    config = HoleConfig(full_image=0.0, ellipses=0.0, union=1.0, min_grow=0.0, max_grow=0.0)
    glasses = with_glasses == INDEX["eye_g"]
    drawn = sample_holes(with_glasses, plain, config, generator())[:, 0].bool()
    exact = torch.tensor([torch.equal(a, b) for a, b in zip(drawn, glasses, strict=True)])
    assert float(exact.float().mean()) > 0.3


def test_rare_faces_are_seen_more_often() -> None:
    masks = faces(8).byte()
    masks[1, 28:34, 18:46] = INDEX["eye_g"]
    masks[4, 60, 30] = INDEX["neck_l"]
    masks[5, 60, 30] = INDEX["ear_r"]
    batch = Faces(torch.zeros(8, 3, SIDE, SIDE, dtype=torch.uint8), masks, masks[:, None][:, :0])
    assert oversample_rare(batch, 1.0) == list(range(8))
    assert oversample_rare(batch, 3.0) == [0, 1, 1, 1, 2, 3, 4, 4, 5, 5, 6, 7]
    # A factor of 2 gives one and a half of each necklace and earring: three of the two faces together.
    assert len(oversample_rare(batch, 2.0)) == 8 + 1 + 1
