"""The editing pipeline: which pixels an edit may change, and networks that see the photograph around them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch

from maskgan.editing import edit_region
from maskgan.editing.edit_region import EditRegion
from maskgan.editing.face_model import analyse_face
from maskgan.editing.pipeline import Edit, encode_reference, finish, generate, render, style_copy
from maskgan.editing.renderer import Renderer
from maskgan.editing.session import FaceEditor
from maskgan.editing.soft_region import dilate
from maskgan.images import Picture, resize_label_map, resize_picture
from maskgan.labels import INDEX, LabelMap
from maskgan.networks.edit_network import EditNetwork, EditNetworkConfig

Face = tuple[Picture, LabelMap]
SIDE = 64
GLASSES, HAT, HAIR, SKIN, MOUTH = INDEX["eye_g"], INDEX["hat"], INDEX["hair"], INDEX["skin"], INDEX["mouth"]


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    """An untrained edit network."""
    torch.manual_seed(0)
    config = EditNetworkConfig(base_channels=16, max_channels=32, downsamplings=2, code_size=8, encoder_channels=8)
    network = EditNetwork(config)
    torch.nn.init.normal_(network.coarse.head.weight, 0.0, 0.2)
    return Renderer(network, SIDE)


@pytest.fixture
def small_face(face: Face) -> Face:
    return resize_picture(face[0], (SIDE, SIDE)), resize_label_map(face[1], (SIDE, SIDE))


def with_mouth(label_map: LabelMap) -> LabelMap:
    edited = label_map.copy()
    edited[40:46, 26:38] = MOUTH
    return edited


def test_the_hole_is_what_changes_grown_by_three_hundredths() -> None:
    before = np.full((100, 100), SKIN, np.uint8)
    after = before.copy()
    after[40:50, 60:70] = HAIR
    expected = np.zeros((100, 100), bool)
    expected[37:53, 57:73] = True
    assert (EditRegion(before, after).hole((100, 100))[0, 0].numpy() == expected).all()
    assert EditRegion(before, before).is_empty and not EditRegion(before, before).hole((100, 100)).any()
    assert EditRegion(before, before, everything=True).hole((20, 30)).sum() == 600
    after[40:50, 60:70] = SKIN
    after[0, 0] = HAIR
    assert EditRegion(after, after, (HAIR,)).hole((50, 50))[0, 0].sum() == 9, "a pixel, and 2 around it"
    assert EditRegion(after, after, (MOUTH,)).is_empty


def test_glasses_that_turn_dark_or_clear_are_drawn_anew() -> None:
    clear = np.full((200, 200), SKIN, np.uint8)
    clear[80:120, 40:160] = GLASSES
    clear[98:103, 60:80] = INDEX["r_eye"]
    dark = np.where(clear == INDEX["r_eye"], GLASSES, clear).astype(np.uint8)
    for before, after in ((clear, dark), (dark, clear)):
        region = EditRegion(before, after)
        assert region.hole((200, 200))[0, 0, 85:115, 45:155].all() and region.alpha()[90, 150] == 1
    closing = clear.copy()
    closing[98:99, 60:80] = GLASSES
    assert not EditRegion(clear, closing).hole((200, 200))[0, 0, :, 90:].any(), "still seen through clear lenses"
    in_wide_frame = [np.pad(label_map, 200) for label_map in (clear, closing)]
    assert not EditRegion(*in_wide_frame).hole((600, 600))[0, 0, :, 300:].any()


def test_what_is_seen_through_glasses_that_go_stays_but_their_rims() -> None:
    before = np.full((200, 200), SKIN, np.uint8)
    before[80:120, 40:160] = GLASSES
    before[95:105, 60:80], before[95:105, 120:140] = INDEX["r_eye"], INDEX["l_eye"]
    after = np.where(before == GLASSES, SKIN, before).astype(np.uint8)
    hole = EditRegion(before, after).hole((200, 200))[0, 0].numpy() > 0
    assert hole[78:84, 40:160].all() and not hole[87:113, 47:153].any()
    assert EditRegion(before, after, tinted=True).hole((200, 200))[0, 0, 80:120, 40:160].all()
    nose = after.copy()
    nose[90:110, 90:105] = INDEX["nose"]
    assert EditRegion(before, nose).hole((200, 200))[0, 0, 90:110, 90:105].all(), "what is painted there is drawn"
    dark = before.copy()
    dark[before == INDEX["l_eye"]] = GLASSES
    one = EditRegion(dark, np.where(dark == GLASSES, SKIN, dark).astype(np.uint8)).hole((200, 200))[0, 0].numpy() > 0
    assert one[85:115, 101:155].all() and not one[87:113, 47:93].any(), "a lens whose eye is not seen is dark"
    dark = np.full_like(before, SKIN)
    dark[80:120, 40:160] = GLASSES
    assert EditRegion(dark, after).hole((200, 200))[0, 0, 80:120, 40:160].all()


def test_another_hat_is_drawn_whole_and_a_changed_one_is_not() -> None:
    before = np.full((200, 200), SKIN, np.uint8)
    before[20:80, 40:160] = HAT
    longer, another = before.copy(), np.full_like(before, SKIN)
    longer[80:90, 40:160] = HAT
    another[10:80, 70:130] = HAT
    assert not EditRegion(before, longer).hole((200, 200))[0, 0, 20:60].any()
    region = EditRegion(before, another)
    assert region.hole((200, 200))[0, 0, 12:78, 72:128].all() and region.alpha()[50, 100] == 1
    erased = np.where(np.arange(200)[:, None] < 50, SKIN, before).astype(np.uint8)
    assert not EditRegion(before, erased).hole((200, 200))[0, 0, 60:].any(), "what is left of a hat is the same"


def test_the_old_edge_of_a_growing_face_is_drawn_anew_but_no_feature() -> None:
    before = np.zeros((200, 200), np.uint8)
    before[:, 100:] = SKIN
    before[30:32, 150:160] = INDEX["r_brow"]
    before[90:110, 107:116] = INDEX["r_eye"]
    after = before.copy()
    after[:, 80:100] = SKIN
    hole = EditRegion(before, after).hole((200, 200))[0, 0].numpy() > 0
    assert hole[40, 80:110].all() and not hole[40, 110:].any(), "5 % of the side into the old skin"
    assert not hole[15, 106:].any(), "3 % above the brows"
    assert hole[100, 80:106].all() and not hole[86:114, 106:].any(), "2 % kept from the eye"
    smaller = EditRegion(after, before).hole((200, 200))[0, 0].numpy() > 0
    assert not smaller[40, 106:].any(), "a face that shrinks as any other edit"
    before[:, :100] = HAT
    assert not (EditRegion(before, after).hole((200, 200))[0, 0].numpy() > 0)[40, 106:].any(), "a hat taken off"


@pytest.mark.parametrize("stroke", [np.s_[50:90, 80:100], np.s_[95:105, 97:101], np.s_[:, 60:100]])
def test_a_hole_does_not_depend_on_what_is_computed_of_it(
    stroke: tuple[slice, slice], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = np.zeros((200, 200), np.uint8)
    before[:, 100:] = SKIN
    before[90:110, 112:116] = INDEX["r_eye"]
    after = before.copy()
    after[stroke] = SKIN
    hole = EditRegion(before, after).hole((200, 200))
    monkeypatch.setattr(edit_region, "surroundings", lambda where, _: np.s_[: where.shape[0], : where.shape[1]])
    assert torch.equal(hole, EditRegion(before, after).hole((200, 200)))


def test_a_hole_reaches_little_over_kept_background() -> None:
    before = np.full((200, 200), SKIN, np.uint8)
    before[:, :50] = INDEX["background"]
    after = before.copy()
    after[100:110, 50:60] = HAIR
    hole = EditRegion(before, after).hole((200, 200))[0, 0].numpy() > 0
    assert hole[105, 48:66].all() and not hole[105, :48].any() and not hole[105, 66:].any()


def test_the_face_around_a_mouth_moves_with_it_softly() -> None:
    before = np.full((200, 200), SKIN, np.uint8)
    before[:, :70], before[:, 150:] = INDEX["background"], HAIR
    before[100:110, 100:120] = MOUTH
    after = before.copy()
    after[96:100, 100:120] = INDEX["u_lip"]
    after[60:80, 130:150] = HAIR  # no longer face
    region = EditRegion(before, after)
    moving = region.moving_face((200, 200))
    assert moving is not None
    share, kept, hole = (x[0, 0].numpy() for x in (*moving, region.hole((200, 200))))
    anew = np.zeros((200, 200), bool)
    anew[90:106, 94:126] = anew[54:86, 124:156] = True  # three hundredths around what changed
    assert ((hole == 1) == (anew | (share > 0))).all() and set(np.unique(hole)) == {0, 1}
    assert (share[105, 88:132] > 0.95).all() and 0.05 < share[140, 110] < 0.4
    assert (np.diff(share[115:, 110]) <= 1e-6).all() and not share[160:].any()
    assert not share[:, :70].any() and not share[:, 150:].any() and not share[60:80, 130:150].any()
    assert (kept[~hole.astype(bool)] == 1).all() and kept[98, 110] < 0.01 and kept[70, 140] == 0
    assert 0.2 < kept[98, 94] < 0.8 and (np.diff(kept[98, 110:140]) >= 0).all() and kept[98, 140] == 1


def test_beside_a_moving_face_thin_edits_are_drawn_as_without_one() -> None:
    before = np.full((200, 200), SKIN, np.uint8)
    before[:, :40] = INDEX["background"]
    before[130:140, 90:130] = MOUTH
    before[80:88, 60:80] = INDEX["r_eye"]
    after = before.copy()
    after[75:95, 50:90] = INDEX["eye_g"]
    after[80:88, 60:80] = INDEX["r_eye"]  # seen through a clear lens
    after[125:135, 34:40] = INDEX["ear_r"]
    alone = EditRegion(before, after).hole((200, 200))[0, 0] > 0
    after[126:130, 90:130] = INDEX["u_lip"]
    moving = EditRegion(before, after).moving_face((200, 200))
    assert moving is not None
    kept = moving.kept[0, 0]
    rim = alone.clone()
    rim[:, 95:] = rim[:, :45] = False
    assert rim.sum() > 300 and kept[rim].mean() < 0.35, "as sharp as a pasted hole: half on its outline"
    earring = torch.from_numpy(after == INDEX["ear_r"])
    assert (kept[earring] == 0).all()


def test_only_changed_mouths_move_a_face() -> None:
    before = np.full((100, 100), SKIN, np.uint8)
    before[50:55, 50:60] = MOUTH
    brows = before.copy()
    brows[30:34, 40:60] = INDEX["l_brow"]
    assert EditRegion(before, brows).moving_face((100, 100)) is None
    assert EditRegion(before, brows, everything=True).moving_face((100, 100)) is None
    closed = np.where(before == MOUTH, np.uint8(SKIN), before)
    assert EditRegion(before, closed).moving_face((100, 100)) is not None
    assert EditRegion(closed, before).moving_face((100, 100)) is None, "nothing is known of a mouth that was hidden"


def test_what_clear_lenses_show_stays_the_photographs() -> None:
    before = np.full((200, 200), SKIN, np.uint8)
    before[100:108, 50:70] = INDEX["r_eye"]
    after = before.copy()
    after[90:118, 40:80] = INDEX["eye_g"]
    dark = EditRegion(before, after).hole((200, 200))[0, 0].numpy() > 0
    assert dark[88:120, 38:82].all() and not dark[:88].any(), "they cast little"
    eye = before == INDEX["r_eye"]
    after[eye] = before[eye]
    clear = EditRegion(before, after).hole((200, 200))[0, 0].numpy() > 0
    frame = dark.copy()
    frame[93:115, 43:77] = False
    assert (clear == frame).all(), "the rim is 3 pixels thick"
    styled = EditRegion(before, after, (INDEX["r_eye"],)).hole((200, 200))[0, 0].numpy() > 0
    assert styled[eye].all(), "a copied style is seen through the lens"
    after[100:103, 50:70] = INDEX["eye_g"]  # the eye closes by three rows
    closing = EditRegion(before, after).hole((200, 200))[0, 0].numpy() > 0
    assert closing[97:106, 47:73].all() and not closing[106:115, 47:73].any()


@pytest.mark.parametrize("radius", range(6))
def test_dilation_is_a_maximum_over_squares(radius: int) -> None:
    values = torch.rand(2, 3, 7, 5, generator=torch.Generator().manual_seed(radius))
    expected = torch.nn.functional.max_pool2d(values, 2 * radius + 1, stride=1, padding=radius)
    assert torch.equal(dilate(values, radius), expected)


def test_alpha_is_one_on_the_labels_and_zero_beyond_its_border() -> None:
    before = np.full((200, 200), SKIN, np.uint8)
    after = before.copy()
    after[90:110, 90:110] = HAIR
    alpha = EditRegion(before, after).alpha()
    assert (alpha[90:110, 90:110] > 0.999).all()
    assert not alpha[:75].any() and not alpha[:, 125:].any()
    assert 0 < alpha[86, 100] <= 1 and (np.diff(alpha[75:90, 100]) >= 0).all()


@pytest.mark.parametrize(
    ("blend", "strength", "parts", "everything"),
    [
        ("region", None, None, False),
        ("full", None, None, True),
        ("region", 0.5, None, True),
        ("region", 1, [HAIR], False),
    ],
)
def test_a_style_for_everything_changes_everything(
    renderer: Renderer, small_face: Face, blend: str, strength: float | None, parts: list[int] | None, everything: bool
) -> None:
    model = analyse_face(renderer, *small_face)
    style = None
    if strength is not None:
        style = style_copy(renderer, encode_reference(renderer, 255 - small_face[0], small_face[1]), strength, parts)
    edit = Edit(model, small_face[1], style, blend)  # type: ignore[arg-type]
    assert edit.region.everything is everything
    assert edit.region.style_classes == tuple(parts or ())


def test_outside_of_the_hole_the_photograph_stays_bit_for_bit(renderer: Renderer, small_face: Face) -> None:
    picture, label_map = small_face
    edit = Edit(analyse_face(renderer, picture, label_map), with_mouth(label_map))
    hole = edit.region.hole((SIDE, SIDE))[0, 0].numpy() > 0
    result = render(edit)
    assert 0 < hole.mean() < 0.3
    assert (result[~hole] == picture[~hole]).all()
    moving = edit.region.moving_face((SIDE, SIDE))
    assert moving is not None
    drawn = moving.kept[0, 0].numpy() < 0.5
    assert (result[drawn] != picture[drawn]).any(axis=-1).mean() > 0.9
    assert (render(Edit(edit.model, label_map)) == picture).all()


def test_a_large_photograph_keeps_its_pixels_outside_of_the_hole(renderer: Renderer, small_face: Face) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (256, 256, 3), dtype=np.uint8)
    edit = Edit(analyse_face(renderer, picture, small_face[1]), with_mouth(small_face[1]))
    hole = np.kron(edit.region.hole((SIDE, SIDE))[0, 0].numpy(), np.ones((4, 4))) > 0
    result = render(edit)
    assert (result[~hole] == picture[~hole]).all()
    assert (result[160:184, 104:152] != picture[160:184, 104:152]).any(axis=-1).mean() > 0.9


def test_a_hole_that_is_everything_is_the_networks_reconstruction(renderer: Renderer, small_face: Face) -> None:
    picture, label_map = small_face
    model = analyse_face(renderer, picture, label_map)
    expected = renderer.synthesise([label_map], model.style)
    generated = generate([Edit(model, label_map, blend="full")])[0]
    assert torch.equal(generated, expected)
    other = analyse_face(renderer, 255 - picture, label_map)
    assert not torch.equal(renderer.synthesise([label_map], other.style), expected), "the style decides"


def test_edits_of_several_faces_share_a_pass(renderer: Renderer, small_face: Face) -> None:
    picture, label_map = small_face
    models = [analyse_face(renderer, p, label_map) for p in (picture, 255 - picture)]
    edits = [Edit(models[0], with_mouth(label_map)), Edit(models[1], label_map, blend="full")]
    assert edits[0].batch_key == edits[1].batch_key
    for edit, together in zip(edits, generate(edits), strict=True):
        assert torch.allclose(together, generate([edit])[0], atol=1e-5)
        assert np.abs(finish(edit, together).astype(int) - render(edit)).max() <= 1


def test_what_the_mouths_of_several_faces_leave_is_drawn_in_a_pass_of_its_own(
    renderer: Renderer, small_face: Face, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture, label_map = small_face
    models = [analyse_face(renderer, p, label_map) for p in (picture, 255 - picture)]
    alone = [
        generate([Edit(analyse_face(renderer, model.picture, label_map), with_mouth(label_map))])[0] for model in models
    ]
    passes: list[int] = []

    def counted(label_maps: Sequence[LabelMap], *arguments: Any) -> torch.Tensor:
        passes.append(len(label_maps))
        return Renderer.synthesise(renderer, label_maps, *arguments)

    monkeypatch.setattr(renderer, "synthesise", counted)
    edits = [Edit(model, with_mouth(label_map)) for model in (*models, models[0])]
    together = generate(edits)
    assert passes == [3, 2], "three edits, then what two faces were"
    torch.testing.assert_close(torch.cat(together), torch.cat([*alone, alone[0]]), atol=1e-5, rtol=0)
    generate(edits[:1])
    assert passes == [3, 2, 1], "once for all edits of a face"


def test_edits_of_a_prepared_face_begin_with_what_is_known_of_it(renderer: Renderer, small_face: Face) -> None:
    plain, prepared = (analyse_face(renderer, *small_face) for _ in range(2))
    own = prepared.style.nbytes + prepared.working_image.nbytes
    prepared.prepare()
    assert (plain.has_known_levels, prepared.has_known_levels) == (False, True)
    assert prepared.nbytes > own + sum(level.nbytes for level in prepared.known_levels)
    expected, found = (generate([Edit(model, with_mouth(small_face[1]))])[0] for model in (plain, prepared))
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)
    # One that is not prepared in a pass: all are drawn without.
    both = generate([Edit(model, with_mouth(small_face[1])) for model in (plain, prepared)])
    torch.testing.assert_close(torch.cat(both), expected.repeat(2, 1, 1, 1), atol=1e-5, rtol=0)


def test_the_second_edit_of_a_source_computes_what_is_known_of_it(
    renderer: Renderer, small_face: Face, monkeypatch: pytest.MonkeyPatch
) -> None:
    computed: list[LabelMap] = []

    def counted(image: torch.Tensor, label_map: LabelMap) -> Sequence[torch.Tensor]:
        computed.append(label_map)
        return Renderer.known_levels(renderer, image, label_map)

    monkeypatch.setattr(renderer, "known_levels", counted)
    editor = FaceEditor(renderer)
    for _ in range(2):
        computed.clear()
        editor.set_source(*small_face)
        editor.render()  # nothing changed yet
        editor.set_mask(with_mouth(small_face[1]))
        first = editor.render()
        assert (first == render(Edit(analyse_face(renderer, *small_face), with_mouth(small_face[1])))).all()
        editor.render("full")
        assert not computed, "a single edit gains nothing"
        assert np.abs(editor.render().astype(int) - first).max() <= 1
        editor.render()
        assert len(computed) == 1


def test_a_session_with_a_network_that_sees_the_photograph(renderer: Renderer, small_face: Face) -> None:
    editor = FaceEditor(renderer)
    editor.set_source(*small_face)
    editor.set_mask(with_mouth(small_face[1]))
    assert (editor.render() == render(Edit(analyse_face(renderer, *small_face), with_mouth(small_face[1])))).all()
    editor.set_style(255 - small_face[0], small_face[1], parts=["hair"])
    hole = EditRegion(small_face[1], with_mouth(small_face[1]), (HAIR,)).hole((SIDE, SIDE))[0, 0].numpy() > 0
    rendered = editor.render()
    assert (rendered[~hole] == small_face[0][~hole]).all()
    assert (rendered != small_face[0]).any(axis=-1)[small_face[1] == HAIR].mean() > 0.9
    assert editor.render_style_onto(small_face[1]).shape == small_face[0].shape


def test_a_black_and_white_photograph_stays_so(renderer: Renderer, small_face: Face) -> None:
    grey = np.repeat(small_face[0].mean(axis=2, keepdims=True).astype(np.uint8), 3, axis=2)
    grey[0, 0] = (100, 104, 102)  # as compression leaves it
    model, reference = analyse_face(renderer, grey, small_face[1]), encode_reference(renderer, *small_face)

    def spread(picture: Picture) -> int:
        return int((picture.max(axis=2) - picture.min(axis=2))[1:, 1:].max())

    edited = with_mouth(small_face[1])
    for blend in ("region", "full"):
        made = render(Edit(model, edited, blend=blend))
        assert (made != grey).any() and spread(made) == 0
    assert spread(render(Edit(model, edited, style_copy(renderer, reference, 1.0, ["hair"])))) == 0
    assert spread(render(Edit(model, edited, style_copy(renderer, reference, 1.0, None)))) > 4
    coloured = grey.copy()
    coloured[0, 0] = (100, 105, 102)
    assert spread(render(Edit(analyse_face(renderer, coloured, small_face[1]), edited))) > 4
