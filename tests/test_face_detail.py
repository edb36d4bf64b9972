"""The photograph's detail around a changed mouth."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from maskgan.editing.compositing import Detail, paste
from maskgan.editing.edit_region import MovingFace
from maskgan.editing.face_detail import keep_face_detail

SIDE = 100
STRENGTH, MOST = 1.4, 0.3


def plane(value: float = 0.0) -> Tensor:
    return torch.full((1, 1, SIDE, SIDE), value)


def moving_face() -> MovingFace:
    """Half of the change is taken over around a square that is drawn anew."""
    share, kept = plane(), plane(1.0)
    share[:, :, 20:80, 20:80] = 0.5
    kept[:, :, 45:55, 45:55] = 0
    return MovingFace(share, kept)


def photograph() -> Tensor:
    return torch.rand(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0)) - 0.5


def test_where_the_network_changes_nothing_the_photograph_stays() -> None:
    image, drawn = photograph(), photograph().flip(3)
    result = keep_face_detail(drawn, drawn, image, moving_face())
    assert torch.equal(result[:, :, :45], image[:, :, :45]) and not torch.equal(result, image)


def test_the_photograph_takes_over_a_share_of_the_change_and_keeps_its_detail() -> None:
    image, unedited = photograph(), photograph().flip(2)
    for change in (0.02, -0.1, 2.0):
        result = keep_face_detail(unedited + change, unedited, image, moving_face())
        expected = 0.5 * MOST * math.tanh(STRENGTH * change / MOST)
        torch.testing.assert_close((result - image)[:, :, 22:40, 22:78], torch.full((1, 3, 18, 56), expected))
        assert torch.equal(result[:, :, :20], image[:, :, :20]) and torch.equal(
            result[:, :, :, 80:], image[:, :, :, 80:]
        )
    assert abs(expected) <= 0.5 * MOST, "a beard that the network moved does not darken a cheek"


def test_fine_changes_are_the_networks_own() -> None:
    image, unedited = photograph(), torch.zeros(1, 3, SIDE, SIDE)
    grain = unedited.clone()
    grain[:, :, ::2] += 0.1
    grain[:, :, 1::2] -= 0.1
    result = keep_face_detail(grain, unedited, image, moving_face())
    taken = (result - image)[:, :, 22:40, 22:78].abs().max()
    assert taken < 0.4 * (0.5 * MOST * math.tanh(STRENGTH * 0.1 / MOST))


def test_what_is_drawn_near_the_photograph_gets_its_colours() -> None:
    image, drawn = photograph(), photograph().flip(3)
    for half, corrected in ((2, 1.0), (30, 0.0)):
        middle = np.s_[:, :, 50 - half // 2 : 50 + half // 2, 50 - half // 2 : 50 + half // 2]
        moving = MovingFace(plane(), plane(1.0))
        moving.kept[:, :, 50 - half : 50 + half, 50 - half : 50 + half] = 0
        for error in (0.0, 0.1, -0.2):
            result = keep_face_detail(drawn - error, image - error, image, moving)
            expected = drawn - (1 - corrected) * error
            torch.testing.assert_close(result[middle], expected[middle], atol=1e-5, rtol=0)


def test_a_large_photograph_keeps_what_is_finer_than_the_network_sees() -> None:
    grain = np.zeros((400, 400, 3), np.uint8)
    grain[::2] = 40
    picture = 100 + grain
    image = torch.full((1, 3, SIDE, SIDE), 120 / 127.5 - 1)
    hole = plane()
    hole[:, :, 20:80, 20:80] = 1
    kept = moving_face().kept
    result = paste(picture, image + 10 / 127.5, hole, Detail(image, kept)).astype(int)
    assert (result[:80] == picture[:80]).all()
    assert (result[100:160, 100:300] == picture[100:160, 100:300].astype(int) + 10).all(), "brighter, with its grain"
    assert (np.abs(result[190:210, 190:210] - 130) <= 1).all(), "drawn anew: what the network drew"
    assert (np.abs(paste(picture, image + 10 / 127.5, hole)[100:160, 100:300].astype(int) - 130) <= 1).all()
