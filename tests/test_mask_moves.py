"""Masks moved through MaskVAE: towards others, along directions; and the directions themselves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from maskgan.assets import portrait, shipped_directions, shipped_weights
from maskgan.checkpoints.metadata import WeightsInfo
from maskgan.checkpoints.weights import save_weights
from maskgan.config import preset
from maskgan.editing.mask_directions import DIRECTIONS, find_directions, load_directions, save_directions
from maskgan.editing.mask_manifold import MaskManifold, carry_over
from maskgan.errors import UserError
from maskgan.evaluation.directions import measure_directions
from maskgan.images import read_label_map
from maskgan.labels import INDEX, LabelMap, mirrored
from maskgan.metrics.face_geometry import FaceShape, shape_of, shapes_of
from maskgan.networks.mask_vae import MaskVAE

SKIN, LIP, LOWER, HAIR = (INDEX[name] for name in ("skin", "u_lip", "l_lip", "hair"))


@pytest.fixture(scope="module")
def manifold() -> MaskManifold:
    return MaskManifold.from_weights(shipped_weights("mask-vae"), directions=shipped_directions())


@pytest.fixture(scope="module")
def masks() -> list[LabelMap]:
    """Of the portraits that show eyes, nose and mouth: a pair of sunglasses hides eyes."""
    return shapes_of(read_label_map(portrait(number)[1]) for number in range(1, 10))[0]


def test_shape_of_a_mirrored_face_differs_in_what_has_a_side(masks: list[LabelMap]) -> None:
    shape, turned = shape_of(masks[-1]), shape_of(mirrored(masks[-1]))
    for name in ("lift", "mouth_width", "opening", "face_width", "hair", "height", "top"):
        assert getattr(shape, name) == pytest.approx(getattr(turned, name), abs=0.02), name
    assert shape.middle == pytest.approx(1 - turned.middle)


def test_shapes_leave_out_masks_without_a_face(masks: list[LabelMap]) -> None:
    whole, shapes = shapes_of([masks[0], np.zeros((8, 8), np.uint8), masks[1]])
    assert len(whole) == 2
    assert shapes.shape == (2, len(FaceShape._fields))


def test_no_step_gives_the_mask_back(manifold: MaskManifold, masks: list[LabelMap]) -> None:
    assert np.array_equal(manifold.move_towards(masks[0], masks[1], 0.0), masks[0])
    assert np.array_equal(manifold.towards_random(masks[0], 3, 0.0), masks[0])
    assert np.array_equal(manifold.move_direction(masks[0], "smile", 0.0), masks[0])


def test_moving_towards_another_mask_comes_closer_to_it(manifold: MaskManifold, masks: list[LabelMap]) -> None:
    same = [(manifold.move_towards(masks[-1], masks[1], amount) == masks[1]).mean() for amount in (0.0, 0.5, 1.0)]
    assert same[0] < same[1] < same[2]
    assert same[2] > 0.85


def test_random_neighbours_are_the_seed_s(manifold: MaskManifold, masks: list[LabelMap]) -> None:
    first, again, other = (manifold.towards_random(masks[0], seed, 0.6) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(
    ("direction", "property_", "sign"),
    [("smile", "lift", 1), ("open mouth", "opening", 1), ("narrower face", "face_width", -1), ("more hair", "hair", 1)],
)
def test_shipped_directions_do_what_they_are_named_for(
    manifold: MaskManifold, masks: list[LabelMap], direction: str, property_: str, sign: int
) -> None:
    changes = [
        getattr(shape_of(manifold.move_direction(mask, direction, 1.0)), property_) - getattr(shape_of(mask), property_)
        for mask in masks
    ]
    assert sign * np.mean(changes) > 0
    assert np.mean([sign * change > 0 for change in changes]) > 0.6


def test_an_unknown_direction_is_refused(manifold: MaskManifold, masks: list[LabelMap]) -> None:
    with pytest.raises(UserError, match="known are smile, open mouth"):
        manifold.move_direction(masks[0], "older", 1.0)


def test_carry_over_keeps_what_the_network_does_not_draw() -> None:
    own = np.full((16, 16), SKIN, np.uint8)
    own[0, 0] = INDEX["ear_r"]  # a detail that the network's drawing lacks
    before = np.full((16, 16), SKIN, np.uint8)
    after = before.copy()
    after[8:] = HAIR
    result = carry_over(own, before, after)
    assert result[0, 0] == INDEX["ear_r"]
    assert (result[8:] == HAIR).all()


def test_carry_over_redraws_a_mouth_whole_but_never_loses_it() -> None:
    own = np.full((16, 16), SKIN, np.uint8)
    own[8, 4:12], own[9, 4:12] = LIP, LOWER
    wider = np.full((16, 16), SKIN, np.uint8)
    wider[7, 2:14], wider[8, 2:14] = LIP, LOWER
    assert np.array_equal(carry_over(own, own, wider), wider)
    assert np.array_equal(carry_over(own, own, np.full((16, 16), SKIN, np.uint8)), own)


def test_directions_are_found_in_codes_that_follow_the_shapes() -> None:
    """Codes made linearly of shapes: the known coefficients come back, in standard deviations."""
    rng = np.random.default_rng(0)
    shapes = rng.normal(size=(400, len(FaceShape._fields))) * np.linspace(0.5, 3, len(FaceShape._fields))
    mix = rng.normal(size=(len(FaceShape._fields), 7))
    found = find_directions(shapes @ mix + 5, shapes)
    spread = shapes.std(axis=0)
    hair = FaceShape._fields.index("hair")
    assert found["more hair"] == pytest.approx(DIRECTIONS["more hair"]["hair"] * mix[hair] * spread[hair])
    mouth = [FaceShape._fields.index(name) for name in ("lift", "mouth_width", "opening")]
    assert found["smile"] == pytest.approx(2.0 * (mix * spread[:, None])[mouth].sum(axis=0))


def test_too_few_or_equal_faces_are_refused() -> None:
    with pytest.raises(UserError, match="too few"):
        find_directions(np.zeros((20, 4)), np.zeros((20, 11)))
    with pytest.raises(UserError, match="same lift"):
        find_directions(np.zeros((200, 4)), np.zeros((200, 11)))


def tiny_vae(folder: Path, seed: int) -> Path:
    rng_state = np.random.default_rng(seed)
    network = MaskVAE(preset("tiny").mask_vae)
    for tensor in network.parameters():
        tensor.data.normal_(std=0.05 + 0.01 * float(rng_state.random()))
    path = folder / f"vae-{seed}.safetensors"
    info = WeightsInfo("mask-vae", network.config, 64, 0, "a test", "none")
    save_weights(path, network, info)
    return path


def test_directions_belong_to_one_network(tmp_path: Path) -> None:
    first, second = tiny_vae(tmp_path, 0), tiny_vae(tmp_path, 1)
    path = tmp_path / "directions.safetensors"
    save_directions(path, {"smile": np.arange(16.0)}, first)
    assert load_directions(path, first)["smile"].tolist() == list(range(16))
    with pytest.raises(UserError, match="another MaskVAE"):
        load_directions(path, second)
    save_directions(path, {"smile": np.arange(5.0)}, first)
    with pytest.raises(UserError, match="does not fit"):
        load_directions(path, first)
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(UserError, match="damaged"):
        load_directions(path, first)


def test_effects_are_measured_against_the_spread(manifold: MaskManifold, masks: list[LabelMap]) -> None:
    spread = shapes_of(masks)[1].std(axis=0)
    result = measure_directions(manifold, masks[:3], spread)
    assert result.count == 3
    wide, again = result.effects["more hair"], measure_directions(manifold, masks[:3], 2 * spread).effects["more hair"]
    assert wide.change.hair == pytest.approx(2 * again.change.hair)
    assert "more hair, backwards" in result.to_markdown()
