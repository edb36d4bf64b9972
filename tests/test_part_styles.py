"""The style of single parts of another face: which numbers of a style move, what of a photograph changes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from maskgan.config import preset
from maskgan.editing.compositing import PartStyle, analyse_source, class_colours, composite
from maskgan.editing.edit_region import EditRegion
from maskgan.editing.renderer import Renderer
from maskgan.editing.session import FaceEditor
from maskgan.errors import UserError
from maskgan.images import Picture, resize_picture
from maskgan.labels import CLASSES, INDEX, NUM_CLASSES, LabelMap
from maskgan.networks.dense_mapping import DenseMappingNetwork

Face = tuple[Picture, LabelMap]
HAIR, SKIN = INDEX["hair"], INDEX["skin"]


@pytest.fixture
def editor(tiny_weights: Path, face: Face) -> FaceEditor:
    editor = FaceEditor.from_weights(tiny_weights)
    editor.set_source(*face)
    return editor


def away_from(part: np.ndarray, distance: int) -> np.ndarray:
    """Where a part is not near."""
    grown = torch.nn.functional.max_pool2d(torch.from_numpy(part)[None].float(), 2 * distance + 1, 1, distance)
    return grown[0].numpy() == 0


def test_only_the_numbers_of_the_parts_move(tiny_weights: Path, face: Face) -> None:
    renderer = Renderer.from_weights(tiny_weights)
    network = DenseMappingNetwork(preset("tiny").dense_mapping)
    whole, size = network.backbone.style_size, network.config.style_encoder.region_size
    own, other = renderer.encode(*face), renderer.encode(255 - face[0], face[1])
    hair = slice(whole + HAIR * size, whole + (HAIR + 1) * size)
    moved = renderer.mix_styles(own, other, 0.25, ["hair"])
    assert torch.equal(moved[:, hair], torch.lerp(own, other, 0.25)[:, hair])
    moved[:, hair] = own[:, hair]
    assert torch.equal(moved, own)

    skin = network.part_style_mask([SKIN])
    assert skin.sum() == 3 * size  # with the skin around the mouth and around the eyes
    assert skin[whole + SKIN * size] and skin[whole + NUM_CLASSES * size :].all()
    assert torch.equal(renderer.mix_styles(own, other, 0.0, [HAIR]), own)
    every = renderer.mix_styles(own, other, 1.0, range(NUM_CLASSES))
    assert torch.equal(every[:, :whole], own[:, :whole]), "the style of the whole face stays"
    assert torch.equal(every[:, whole:], other[:, whole:])
    assert torch.equal(renderer.mix_styles(own, other, 1.0), other)


@pytest.mark.parametrize("names", [["hair", "hat"], [13, 14], ["hat", "hair", 13]])
def test_parts_have_names_titles_and_numbers(editor: FaceEditor, face: Face, names: list[str | int]) -> None:
    pictures = []
    for parts in (names, [CLASSES[HAIR].title, "hat"]):
        editor.set_style(255 - face[0], face[1], parts=parts)
        pictures.append(editor.render("full"))
    assert (pictures[0] == pictures[1]).all()


def test_the_rest_of_the_photograph_stays_bit_for_bit(editor: FaceEditor, face: Face) -> None:
    picture, label_map = face
    editor.set_style(255 - picture, label_map, parts=["hair"])
    result = editor.render()
    hair = label_map == HAIR
    assert (result[hair] != picture[hair]).any(axis=-1).mean() > 0.9
    assert (result == picture)[away_from(hair, 4)].all()
    assert (editor.render("full") != picture).any(axis=-1).mean() > 0.9

    edited = label_map.copy()
    edited[60:70, 40:56] = INDEX["mouth"]
    editor.set_mask(edited)
    both = editor.render()
    assert (both[60:70, 40:56] != picture[60:70, 40:56]).any()
    assert (both == picture)[away_from(hair, 10) & away_from(edited != label_map, 24)].all()


def test_nothing_changes_at_strength_0_nor_where_the_part_is_absent(editor: FaceEditor, face: Face) -> None:
    picture, label_map = face
    editor.set_style(255 - picture, label_map, 0.0, ["hair"])
    assert (editor.render() == picture).all()
    absent = sorted(set(range(NUM_CLASSES)) - set(np.unique(label_map).tolist()))
    editor.set_style(255 - picture, label_map, 1.0, absent)
    assert (editor.render() == picture).all()
    editor.set_style(255 - picture, label_map, 1.0, ["hair"])
    editor.reset_style()
    assert (editor.render() == picture).all()


@pytest.mark.parametrize("strength", [0.0, 0.5, 1.0])
def test_parts_with_a_copied_style_get_the_colour_of_the_reference(strength: float) -> None:
    """Where the network's picture is off by a constant, colours are the photograph's, the other's, or in between."""
    label_map = np.full((64, 64), SKIN, dtype=np.uint8)
    label_map[:24] = HAIR
    own, other = np.full((64, 64, 3), 120, dtype=np.uint8), np.full((64, 64, 3), 40, dtype=np.uint8)
    own[:24], other[:24] = 60, 200
    made = torch.full((1, 3, 64, 64), 0.1)
    before = analyse_source(own, label_map, made)
    hair = PartStyle((HAIR,), strength, class_colours(other, label_map))
    result = composite(own, before, EditRegion(label_map, label_map, (HAIR,)), made, hair)
    assert np.abs(result[:20].astype(float) - (60 + strength * 140)).max() <= 1
    assert (result[30:] == 120).all()


def test_colours_of_rare_classes_count_less() -> None:
    label_map = np.full((64, 64), SKIN, dtype=np.uint8)
    label_map[0, 0] = HAIR
    colours = class_colours(np.full((128, 128, 3), 255, dtype=np.uint8), label_map)
    assert colours[SKIN].tolist() == pytest.approx([1, 1, 1, 1], abs=1e-3)
    assert 0.5 < colours[HAIR, 3] < 0.8 and colours[INDEX["hat"], 3] == 0


def test_a_large_photograph_gets_the_same_colours(tiny_weights: Path, face: Face) -> None:
    editor, results = FaceEditor.from_weights(tiny_weights), []
    for side in (96, 600):
        editor.set_source(resize_picture(face[0], (side, side)), face[1])
        editor.set_style(255 - face[0], face[1], parts=["hair"])
        results.append(resize_picture(editor.render(), (96, 96))[face[1] == HAIR].astype(float))
    assert np.abs(results[0].mean(axis=0) - results[1].mean(axis=0)).max() < 3


def test_what_cannot_be_is_told_in_a_line(tiny_weights: Path, editor: FaceEditor, face: Face) -> None:
    for parts, words in ((["beard"], "'beard' is not a class"), ([19], "19 is not a class"), ([], "there is none")):
        with pytest.raises(UserError, match=words) as refusal:
            editor.set_style(*face, parts=parts)
        assert "\n" not in str(refusal.value)
    with pytest.raises(UserError, match="call set_source first"):
        FaceEditor.from_weights(tiny_weights).set_style(*face, parts=["hair"])
    config = preset("tiny").dense_mapping
    plain = DenseMappingNetwork(replace(config, style_encoder=replace(config.style_encoder, regions="none")))
    assert not Renderer(plain, 64).has_part_styles
    assert not plain.part_style_mask([HAIR]).any()
    editor = FaceEditor(Renderer(plain, 64))
    editor.set_source(*face)
    with pytest.raises(UserError, match="these weights have none"):
        editor.set_style(*face, parts=["hair"])
