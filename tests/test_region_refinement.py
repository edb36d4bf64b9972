"""Refinement of an edit network: its style codes of the face come nearer to the person, and all else stays."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from maskgan.assets import portrait, shipped_weights
from maskgan.cli.main import main
from maskgan.config import preset
from maskgan.editing.face_model import FaceModel, analyse_face
from maskgan.editing.pipeline import Edit, encode_reference, refine, render, style_copy
from maskgan.editing.refinement import Progress, _stripes
from maskgan.editing.renderer import Renderer
from maskgan.editing.session import FaceEditor
from maskgan.face_parts import BACKGROUND, CLOTH, EYES, FACE, GLASSES, HAIR, NOSE, SKIN
from maskgan.images import Picture, read_label_map, read_picture, resize_label_map
from maskgan.labels import LabelMap
from maskgan.networks.coarse_edit_network import CoarseEditNetwork
from maskgan.networks.edit_network import EditNetwork

Face = tuple[Picture, LabelMap]


@pytest.fixture(scope="module")
def portrait_face() -> Face:
    return read_picture(portrait(2)[0]), read_label_map(portrait(2)[1])


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer.from_weights(shipped_weights("edit"))


@pytest.fixture(scope="module")
def plain(renderer: Renderer, portrait_face: Face) -> FaceModel:
    return analyse_face(renderer, *portrait_face)


@pytest.fixture(scope="module")
def refined(plain: FaceModel) -> FaceModel:
    return refine(plain, 8)


def untrained(detail_channels: int) -> Renderer:
    torch.manual_seed(0)
    network = EditNetwork(replace(preset("tiny").edit, detail_channels=detail_channels))
    torch.nn.init.normal_(network.coarse.head.weight, 0.0, 0.2)
    return Renderer(network, 64)


def change_of(plain: FaceModel, refined: FaceModel, labels: list[int]) -> torch.Tensor:
    where = plain.renderer.network.part_style_mask(labels)
    return (refined.style - plain.style)[0, where].abs()


def test_whole_pictures_come_nearer_to_the_person(plain: FaceModel, refined: FaceModel) -> None:
    picture = plain.picture.astype(float)
    face = np.isin(resize_label_map(plain.label_map, plain.picture.shape[:2]), FACE)
    before, after = (
        float(np.abs(render(Edit(model, model.label_map, blend="full")) - picture)[face].mean())
        for model in (plain, refined)
    )
    assert after < 0.9 * before


def test_edits_still_change_their_region_alone(plain: FaceModel, refined: FaceModel) -> None:
    edited = plain.label_map.copy()
    edited[: edited.shape[0] // 3][edited[: edited.shape[0] // 3] == HAIR] = BACKGROUND
    edit = Edit(refined, edited)
    made = render(edit)
    hole = edit.region.hole(plain.picture.shape[:2])[0, 0].numpy() > 0
    assert (made[~hole] == plain.picture[~hole]).all()
    assert (made != render(Edit(plain, edited))).any(), "drawn with other styles"


def test_the_styles_of_what_is_not_the_face_stay(plain: FaceModel, refined: FaceModel) -> None:
    assert (change_of(plain, refined, [SKIN, NOSE]) > 0).all()
    assert not change_of(plain, refined, [HAIR, BACKGROUND, CLOTH]).any()
    assert not change_of(plain, refined, [GLASSES]).any(), "nothing tells the style of what the face lacks"
    assert torch.equal(refine(plain, 8).style, refined.style)
    assert torch.equal(refine(plain, 0).style, plain.style)


def test_a_few_pixels_of_a_part_hardly_change_its_style(plain: FaceModel) -> None:
    label_map = plain.label_map.copy()
    rows, columns = np.nonzero(label_map == NOSE)
    label_map[rows[0] : rows[0] + 4, columns[0] : columns[0] + 4] = GLASSES
    specked = analyse_face(plain.renderer, plain.picture, label_map)
    change = refine(specked, 8)
    assert 0 < change_of(specked, change, [GLASSES]).mean() < 0.1 * change_of(specked, change, [NOSE]).mean()


def test_both_eyes_change_alike_and_less_than_the_rest(plain: FaceModel, refined: FaceModel) -> None:
    left, right = ((refined.style - plain.style)[0, plain.renderer.network.part_style_mask([eye])] for eye in EYES)
    assert left.abs().max() > 0 and torch.allclose(left, right, atol=1e-6)
    assert left.abs().mean() < 0.5 * change_of(plain, refined, [NOSE]).mean()


def test_the_network_stays_as_it_is_and_gets_no_gradients(face: Face) -> None:
    renderer = untrained(4)
    network = renderer.network.module.requires_grad_(True)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    plain = analyse_face(renderer, *face)
    model = refine(plain, 2)
    assert model.renderer is renderer and not torch.equal(model.style, plain.style)
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    assert all(parameter.grad is None and parameter.requires_grad for parameter in network.parameters())
    assert not model.style.requires_grad


def test_what_the_photograph_gave_is_shared(plain: FaceModel) -> None:
    plain.prepare()
    model = refine(plain, 1)
    model.prepare()
    for own, others in ((model, plain), (model.preview, plain.preview)):
        assert own.working_image is others.working_image
        assert all(level is other for level, other in zip(own.known_levels, others.known_levels, strict=True))
        assert torch.equal(own.style, model.style)
    assert model.unedited is not plain.unedited, "that is drawn in the style"
    assert model.nbytes < 0.5 * plain.nbytes


@pytest.mark.parametrize("detail_channels", [0, 4])
def test_the_encoder_runs_once(detail_channels: int, face: Face, monkeypatch: pytest.MonkeyPatch) -> None:
    renderer, whole = untrained(detail_channels), []
    draw = CoarseEditNetwork.draw

    def counting(self: CoarseEditNetwork, *arguments: object, known: object = None) -> object:
        whole.append(known is None)
        return draw(self, *arguments, known=known)  # type: ignore[arg-type]

    plain = analyse_face(renderer, *face)
    monkeypatch.setattr(CoarseEditNetwork, "draw", counting)
    with_levels = refine(plain, 3).style
    assert whole == [True, False, False]

    def forgetting(self: CoarseEditNetwork, *arguments: object, known: object = None) -> object:
        del known
        return draw(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(CoarseEditNetwork, "draw", forgetting)
    assert torch.allclose(refine(plain, 3).style, with_levels, atol=1e-3)


def test_masks_without_a_face_change_nothing(face: Face) -> None:
    renderer = untrained(4)
    for label in (BACKGROUND, HAIR):
        plain = analyse_face(renderer, face[0], np.full_like(face[1], label))
        assert torch.equal(refine(plain, 2).style, plain.style)
    no_eyes = np.where(np.isin(face[1], EYES), SKIN, face[1]).astype(np.uint8)
    assert torch.isfinite(refine(analyse_face(renderer, face[0], no_eyes), 2).style).all()


def test_pictures_need_not_be_square(face: Face) -> None:
    renderer = untrained(4)
    plain = analyse_face(renderer, np.ascontiguousarray(face[0][:, 16:80]), np.ascontiguousarray(face[1][:, 16:80]))
    model = refine(plain, 2)
    assert not torch.equal(model.style, plain.style)
    assert render(Edit(model, model.label_map, blend="full")).shape == plain.picture.shape


def test_copied_styles_are_mixed_into_it(plain: FaceModel, refined: FaceModel) -> None:
    other = encode_reference(plain.renderer, 255 - plain.picture, plain.label_map)
    nose = plain.renderer.network.part_style_mask([NOSE])
    copied = Edit(refined, plain.label_map, style_copy(plain.renderer, other, 1.0, ["nose"])).style_code
    assert torch.equal(copied[:, nose], other.code[:, nose]) and torch.equal(copied[:, ~nose], refined.style[:, ~nose])
    half = Edit(refined, plain.label_map, style_copy(plain.renderer, other, 0.5, None)).style_code
    assert torch.equal(half, torch.lerp(refined.style, other.code, 0.5))
    whole = Edit(refined, plain.label_map, style_copy(plain.renderer, other, 1.0, None)).style_code
    assert torch.equal(whole, other.code)


def test_it_draws_in_bfloat16_and_keeps_float32(portrait_face: Face) -> None:
    renderer = Renderer.from_weights(shipped_weights("edit"), precision="bf16")
    plain = analyse_face(renderer, *portrait_face)
    style = refine(plain, 1).style
    assert style.dtype == torch.float32 and not torch.equal(style, plain.style)


def test_stripes_are_lines_that_slopes_and_dots_are_not() -> None:
    columns = torch.arange(40.0).expand(1, 3, 40, 40)
    assert _stripes(columns)[..., 20, 20].abs().max() < 1e-4, "a slope is no stripe"
    lined, dotted = torch.zeros(1, 3, 40, 40), torch.zeros(1, 3, 40, 40)
    lined[..., 20, :] = 1
    dotted[..., 20, 20] = 1
    assert _stripes(lined)[..., 20, 20].max() == pytest.approx(2)
    assert _stripes(dotted)[..., 20, 20].max() == pytest.approx(2 / 17)
    assert _stripes(lined.transpose(2, 3)).sum() == pytest.approx(float(_stripes(lined).sum()))


@pytest.mark.parametrize(
    ("weights", "options", "steps"),
    [
        ("edit", ["--blend", "full"], [40]),
        ("edit", ["--blend", "full", "--refine", "3"], [3]),
        ("edit", ["--blend", "full", "--refine", "0"], []),
        ("edit", [], []),
        ("edit", ["--blend", "full", "--style"], []),
        ("edit", ["--blend", "full", "--style-parts", "hair", "--style"], [40]),
        ("edit", ["--blend", "full", "--style-strength", "0.5", "--style"], [40]),
        ("dense", ["--blend", "full"], []),
    ],
)
def test_edit_refines_by_itself_where_an_edit_network_draws_the_person(
    weights: str,
    options: list[str],
    steps: list[int],
    tiny_weights: Path,
    tiny_edit_weights: Path,
    tmp_path: Path,
    face_files: dict[str, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    taken: list[int] = []

    def taking(_editor: FaceEditor, steps: int, _progress: Progress) -> None:
        taken.append(steps)

    monkeypatch.setattr(FaceEditor, "refine", taking)
    image, mask = str(face_files["image"]), str(face_files["mask"])
    if "--style" in options:
        options = [*options, image, "--style-mask", mask]
    file = tiny_edit_weights if weights == "edit" else tiny_weights
    arguments = [image, "--mask", mask, "--edited", mask, "--weights", str(file), "-o", str(tmp_path / "made.png")]
    assert main(["edit", *arguments, *options]) == 0
    assert taken == steps


def test_refinement_without_effect_is_refused(
    tiny_edit_weights: Path, tmp_path: Path, face_files: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    image, mask, out = str(face_files["image"]), str(face_files["mask"]), tmp_path / "made.png"
    arguments = ["edit", image, "--mask", mask, "--style", image, "--style-mask", mask, "-o", str(out)]
    arguments += ["--weights", str(tiny_edit_weights)]
    assert main([*arguments, "--refine", "2"]) == 2
    assert "--refine has no effect where the style of everything is copied" in capsys.readouterr().err
    assert not out.exists()
    assert main([*arguments, "--refine", "2", "--style-parts", "hair"]) == 0
