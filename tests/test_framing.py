"""Faces found in photographs, and cut out upright."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from maskgan.assets import portrait, shipped_weights
from maskgan.editing.framing import Frame, cut_out, find_frame
from maskgan.editing.parsing import Parser
from maskgan.errors import UserError
from maskgan.images import Picture, read_picture, resize_picture


@pytest.fixture(scope="module")
def parser() -> Parser:
    return Parser(shipped_weights("parser"))


@pytest.fixture(scope="module")
def face() -> Picture:
    return resize_picture(read_picture(portrait(7)[0]), (256, 256))


def test_the_whole_picture_is_given_back(face: Picture) -> None:
    assert np.array_equal(cut_out(face, Frame(128, 128, 256), 256), face)


def test_a_part_is_cut_and_the_edge_drawn_out(face: Picture) -> None:
    assert np.array_equal(cut_out(face, Frame(96, 160, 64), 64), face[128:192, 64:128])
    corner = cut_out(face, Frame(0, 0, 64), 64)
    assert np.array_equal(corner[32:, 32:], face[:32, :32])
    assert (corner[:32, :32] == face[0, 0]).all()


def test_a_turned_frame_shows_the_picture_turned_the_other_way(face: Picture) -> None:
    difference = cut_out(face, Frame(128, 128, 256, 90), 256).astype(int) - np.rot90(face)
    assert np.abs(difference[1:-1, 1:-1]).max() <= 1


@pytest.mark.parametrize("frame", [Frame(10, 10, 3), Frame(10, 10, 5000), Frame(-200, 10, 64), Frame(10, 400, 64)])
def test_senseless_frames_are_refused(face: Picture, frame: Frame) -> None:
    with pytest.raises(UserError, match="frame"):
        cut_out(face, frame, 64)


def test_a_turned_face_in_a_larger_picture_is_found(face: Picture, parser: Parser) -> None:
    straight = find_frame(face, parser)
    assert straight is not None
    canvas = Image.new("RGB", (700, 500), (120, 140, 150))
    canvas.paste(Image.fromarray(face).rotate(-15, Image.Resampling.BICUBIC, fillcolor=(120, 140, 150)), (380, 130))
    found = find_frame(np.asarray(canvas), parser)
    assert found is not None
    turn = np.radians(15)
    offset = np.array([straight.x - 128, straight.y - 128])
    turned = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) @ offset
    assert found.x == pytest.approx(380 + 128 + turned[0], abs=12)
    assert found.y == pytest.approx(130 + 128 + turned[1], abs=12)
    assert found.side == pytest.approx(straight.side, rel=0.1)
    assert found.angle == pytest.approx(straight.angle + 15, abs=4)


def test_no_face_is_found_where_none_is(parser: Parser) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (200, 300, 3), dtype=np.uint8)
    assert find_frame(noise, parser) is None
    assert find_frame(np.full((64, 64, 3), 127, np.uint8), parser) is None
