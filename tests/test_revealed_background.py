"""Background that an edit reveals continues the photograph's."""

import numpy as np
import torch

from maskgan.editing.edit_region import EditRegion
from maskgan.editing.revealed_background import match_revealed_background
from maskgan.labels import INDEX

SIDE = 128


def ramp() -> torch.Tensor:
    """A background that grows lighter downwards, with a grain."""
    rows = torch.linspace(-0.8, 0.8, SIDE)[None, None, :, None]
    grain = 0.05 * torch.sin(torch.arange(SIDE) * 2.5)
    return (rows + grain).expand(1, 3, SIDE, SIDE).contiguous()


def square(top: int, bottom: int) -> torch.Tensor:
    plane = torch.zeros(1, 1, SIDE, SIDE)
    plane[:, :, top:bottom, top:bottom] = 1
    return plane


def test_a_ghost_is_gone_and_the_grain_stays() -> None:
    revealed, photograph = square(50, 78), ramp()
    guessed = photograph + 0.4 * revealed
    matched = match_revealed_background(guessed, revealed, 1 - revealed)
    assert torch.equal(matched[revealed.expand_as(matched) == 0], guessed[revealed.expand_as(matched) == 0])
    inner = (..., slice(50, 78), slice(50, 78))
    assert (matched[inner] - photograph[inner]).abs().max() < 0.15, "a ghost of 0.4 before"
    assert 0.5 < matched[inner].std(-1).mean() / photograph[inner].std(-1).mean() < 1.5


def test_without_known_background_the_network_is_believed() -> None:
    revealed = square(50, 78)
    assert torch.equal(match_revealed_background(ramp(), revealed, torch.zeros_like(revealed)), ramp())
    assert torch.equal(match_revealed_background(ramp(), torch.zeros_like(revealed), 1 - revealed), ramp())


def test_revealed_is_what_the_edit_uncovers_and_a_little_around() -> None:
    before = np.zeros((SIDE, SIDE), dtype=np.uint8)
    before[40:100, 40:100] = INDEX["skin"]
    before[20:40, 40:100] = INDEX["hair"]
    bald = np.where(before == INDEX["hair"], 0, before).astype(np.uint8)
    region = EditRegion(before, bald)
    found = region.revealed_background((SIDE, SIDE))
    assert found is not None
    revealed, known = found[0][0, 0].numpy() > 0, found[1][0, 0].numpy() > 0
    hole = region.hole((SIDE, SIDE))[0, 0].numpy() > 0
    assert revealed[20:40, 40:100].all() and not (revealed & (bald > 0)).any()
    # Three hundredths around, where single hairs are: farther than on background that an edit only touches.
    assert revealed[16:20, 40:100].all() and not revealed[:16].any()
    assert (known == ((bald == 0) & ~hole)).all()
    assert EditRegion(bald, before).revealed_background((SIDE, SIDE)) is None, "what covers reveals nothing"
    assert EditRegion(before, bald, everything=True).revealed_background((SIDE, SIDE)) is None
