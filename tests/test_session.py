"""Editing sessions: what is computed when, sizes, blending, equality with the network's own picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from maskgan.checkpoints.weights import load_weights
from maskgan.editing import compositing, edit_region, soft_region
from maskgan.editing.edit_region import EditRegion
from maskgan.editing.renderer import Renderer
from maskgan.editing.session import FaceEditor
from maskgan.errors import UserError
from maskgan.images import Picture, resize_label_map, resize_picture
from maskgan.labels import LabelMap
from maskgan.networks.dense_mapping import DenseMappingNetwork

Face = tuple[Picture, LabelMap]


@pytest.fixture
def editor(tiny_weights: Path) -> FaceEditor:
    return FaceEditor.from_weights(tiny_weights)


def with_mouth(label_map: LabelMap) -> LabelMap:
    edited = label_map.copy()
    edited[60:70, 40:56] = 10
    return edited


def test_editing_again_does_not_encode_the_style_again(
    editor: FaceEditor, face: Face, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = {"encode": 0, "synthesise": 0}
    encode, synthesise = DenseMappingNetwork.encode_style, DenseMappingNetwork.synthesise

    def counting_encode(self: DenseMappingNetwork, *arguments: torch.Tensor) -> torch.Tensor:
        calls["encode"] += 1
        return encode(self, *arguments)

    def counting_synthesise(self: DenseMappingNetwork, *arguments: torch.Tensor) -> torch.Tensor:
        calls["synthesise"] += 1
        return synthesise(self, *arguments)

    monkeypatch.setattr(DenseMappingNetwork, "encode_style", counting_encode)
    monkeypatch.setattr(DenseMappingNetwork, "synthesise", counting_synthesise)
    editor.set_source(*face)
    for row in range(50, 70, 4):
        edited = face[1].copy()
        edited[row, 40:60] = 13
        editor.set_mask(edited)
        editor.render()
    # One reconstruction to match colours with, and one picture for each of the five edits.
    assert calls == {"encode": 1, "synthesise": 6}


def test_full_render_is_the_networks_picture(editor: FaceEditor, tiny_weights: Path) -> None:
    network, _ = load_weights(tiny_weights)
    generator = np.random.default_rng(0)
    picture = generator.integers(0, 256, (64, 64, 3), dtype=np.uint8)
    own, edited = (generator.integers(0, 19, (64, 64), dtype=np.uint8) for _ in range(2))
    editor.set_source(picture, own)
    editor.set_mask(edited)
    masks = [
        torch.nn.functional.one_hot(torch.from_numpy(m).long(), 19).permute(2, 0, 1)[None].float()
        for m in (edited, own)
    ]
    image = torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255 * 2 - 1
    with torch.no_grad():
        expected = (network(masks[0], image, masks[1])[0].permute(1, 2, 0).numpy() + 1) / 2 * 255
    assert np.abs(editor.render("full") - expected).max() <= 0.51


def test_region_blend_keeps_far_pixels_and_changes_near_ones(editor: FaceEditor, face: Face) -> None:
    picture, label_map = face
    editor.set_source(picture, label_map)
    edited = with_mouth(label_map)
    editor.set_mask(edited)
    result = editor.render("region")
    changed = edited != label_map
    rows, columns = np.nonzero(changed)
    distance = np.full(changed.shape, np.inf)
    grid = np.stack(np.mgrid[0:96, 0:96], -1)
    for row, column in zip(rows, columns, strict=True):
        distance = np.minimum(distance, np.hypot(grid[..., 0] - row, grid[..., 1] - column))
    assert (result[distance > 0.25 * 96] == picture[distance > 0.25 * 96]).all()
    assert (result[changed] != picture[changed]).any(axis=-1).mean() > 0.5


def test_a_large_photograph_gets_the_same_edit(editor: FaceEditor, face: Face) -> None:
    """Blending works on a crop of the photograph; it must lie where the whole would."""
    edited = with_mouth(face[1])
    results = []
    for side in (96, 1536):
        editor.set_source(resize_picture(face[0], (side, side)), face[1])
        editor.set_mask(edited)
        results.append(resize_picture(editor.render(), (96, 96)).astype(float))
    originals = [face[0].astype(float), resize_picture(resize_picture(face[0], (1536, 1536)), (96, 96)).astype(float)]
    changes = [result - original for result, original in zip(results, originals, strict=True)]
    assert np.abs(changes[0]).max() > 20
    assert np.abs(changes[0] - changes[1]).mean() < 0.05 * np.abs(changes[0]).max()
    assert np.corrcoef(changes[0].ravel(), changes[1].ravel())[0, 1] > 0.95


def test_no_edit_gives_the_picture_back(editor: FaceEditor, face: Face) -> None:
    editor.set_source(*face)
    assert (editor.render() == face[0]).all()
    editor.set_mask(face[1].copy())
    assert (editor.render() == face[0]).all()


@pytest.mark.parametrize("size", [(96, 96), (200, 200), (90, 120), (31, 47)])
def test_results_have_the_sources_size(editor: FaceEditor, face: Face, size: tuple[int, int]) -> None:
    picture, label_map = resize_picture(face[0], size), resize_label_map(face[1], size)
    editor.set_source(picture, label_map)
    edited = label_map.copy()
    edited[size[0] // 2 :, size[1] // 2 :] = 13
    editor.set_mask(edited)
    for blend in ("full", "region"):
        assert editor.render(blend).shape == (*size, 3)  # type: ignore[arg-type]


def test_a_mask_smaller_than_the_picture_works(editor: FaceEditor, face: Face) -> None:
    editor.set_source(resize_picture(face[0], (192, 192)), face[1])
    editor.set_mask(with_mouth(face[1]))
    assert editor.render().shape == (192, 192, 3)


def test_styles_can_be_copied_and_reset(editor: FaceEditor, face: Face) -> None:
    picture, label_map = face
    editor.set_source(picture, label_map)
    own = editor.render("full")
    editor.set_style(255 - picture, label_map)
    copied = editor.render("full")
    editor.reset_style()
    assert (editor.render("full") == own).all()
    assert (copied != own).mean() > 0.5
    editor.set_style(255 - picture, label_map)
    assert (editor.render_style_onto(label_map) == copied).all()


def test_a_style_is_mixed_in_by_strength(editor: FaceEditor, face: Face) -> None:
    picture, label_map = face
    editor.set_source(picture, label_map)
    editor.set_mask(with_mouth(label_map))
    own, own_region = editor.render("full"), editor.render("region")
    pictures = []
    for strength in (0.0, 0.5, 1.0):
        editor.set_style(255 - picture, label_map, strength)
        pictures.append(editor.render("full").astype(float))
    assert (pictures[0] == own).all()
    distances = [np.abs(p - own).mean() for p in pictures]
    assert distances[0] < distances[1] < distances[2]
    editor.set_style(255 - picture, label_map)
    assert (editor.render("full") == pictures[2]).all()
    editor.set_style(255 - picture, label_map, 0.0)
    assert (editor.render("region") == own_region).all()
    for strength in (-0.1, 1.1, float("nan")):
        with pytest.raises(UserError, match="between 0 and 1"):
            editor.set_style(picture, label_map, strength)


def test_a_weaker_style_needs_a_source(tiny_weights: Path, face: Face) -> None:
    editor = FaceEditor.from_weights(tiny_weights)
    editor.set_style(*face)
    with pytest.raises(UserError, match="call set_source first"):
        editor.set_style(*face, 0.5)


def test_several_masks_at_once_give_the_same_faces(tiny_weights: Path, face: Face) -> None:
    renderer = Renderer.from_weights(tiny_weights)
    masks = [face[1], with_mouth(face[1]), face[1][:, ::-1]]
    styles = torch.cat([renderer.encode(p, face[1]) for p in (face[0], 255 - face[0], face[0] // 2)])
    together = renderer.synthesise(masks, styles)
    for i, mask in enumerate(masks):
        alone = renderer.synthesise([mask], styles[i : i + 1])
        assert torch.allclose(together[i : i + 1], alone, atol=1e-5)


@pytest.mark.parametrize("side", [48, 96, 301])
@pytest.mark.parametrize("place", [np.s_[60:70, 40:56], np.s_[:3, :3], np.s_[90:, 20:24], np.s_[::7, ::5], np.s_[:, :]])
def test_compositing_only_the_region_changes_nothing(
    face: Face, side: int, place: tuple[slice, slice], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What lies beyond the region may be left out, but not a pixel nearer than blur and resizing look."""
    label_map, edited = face[1], face[1].copy()
    edited[place] = 13
    picture = resize_picture(face[0], (side, side))
    made, reconstruction = torch.rand(2, 1, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1
    before = compositing.analyse_source(picture, label_map, reconstruction)
    colours = compositing.class_colours(255 - face[0], label_map)
    hair = compositing.PartStyle((13,), 0.7, colours)
    regions = [EditRegion(label_map, edited, classes) for classes in ((), (13,))]
    styles = (None, hair)
    parts = [
        compositing.composite(picture, before, region, made, style)
        for region, style in zip(regions, styles, strict=True)
    ]
    corrected = compositing._corrected
    for module in (edit_region, soft_region):
        monkeypatch.setattr(module, "surroundings", lambda where, _: np.s_[: where.shape[0], : where.shape[1]])
    monkeypatch.setattr(compositing, "_corrected", lambda *a: corrected(*a[:3], (0.0, 1.0, 0.0, 1.0), *a[4:]))
    for part, region, style in zip(parts, regions, styles, strict=True):
        assert (part == compositing.composite(picture, before, region, made, style)).all()
        assert (part != picture).any()


def test_the_face_around_an_edit_goes_along_and_keeps_its_grain() -> None:
    """The network turns everything brighter by a tenth when asked for a patch; skin left, background right."""
    grain = 20 * (1 - 2 * (np.indices((256, 256)).sum(0) % 2))
    picture = np.repeat(np.uint8(128 + grain)[..., None], 3, axis=2)
    label_map = np.ones((256, 256), np.uint8)
    label_map[:, 128:] = 0
    edited = label_map.copy()
    edited[112:144, 112:144] = 10
    reconstruction = torch.zeros(1, 3, 64, 64)
    before = compositing.analyse_source(picture, label_map, reconstruction)
    region = EditRegion(label_map, edited)
    change = compositing.composite(picture, before, region, reconstruction + 0.2)[..., 0] - picture[..., 0].astype(int)
    beside = change[120:136, 90:98]  # beyond the soft border; all of 0.2 would be 25.5
    assert 8 < beside.min() < beside.max() < 20 and (np.diff(beside, axis=1) >= 0).all()
    assert not change[120:136, 160:].any()  # so far away on the background
    assert not change[:, :40].any() and not change[:40].any()  # out of reach
    unmoved = compositing.composite(picture, before, region, reconstruction)
    assert (unmoved[120:136, 90:98] == picture[120:136, 90:98]).all()


def test_bfloat16_stays_close(tiny_weights: Path, face: Face) -> None:
    pictures = []
    for precision in ("fp32", "bf16"):
        editor = FaceEditor.from_weights(tiny_weights, precision=precision)  # type: ignore[arg-type]
        editor.set_source(*face)
        pictures.append(editor.render("full").astype(float))
    assert np.abs(pictures[0] - pictures[1]).mean() < 6


def test_errors_say_what_to_do_first(editor: FaceEditor, face: Face) -> None:
    with pytest.raises(UserError, match="call set_source first"):
        editor.render()
    editor.set_source(*face)
    with pytest.raises(UserError, match="edited mask: 48x48, but the face's own mask is 96x96"):
        editor.set_mask(face[1][::2, ::2])
    with pytest.raises(UserError, match="other proportions"):
        editor.set_source(face[0], face[1][:48])
    with pytest.raises(UserError, match="value 200"):
        editor.set_mask(np.full((96, 96), 200, dtype=np.uint8))
