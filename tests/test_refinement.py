"""Refinement: the picture comes nearer to the photograph, and nothing that others use changes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from maskgan.cli.main import main
from maskgan.data.pairs import FacePair
from maskgan.editing.face_model import analyse_face
from maskgan.editing.pipeline import refine
from maskgan.editing.refinement import MAX_STEPS
from maskgan.editing.renderer import Renderer
from maskgan.editing.session import FaceEditor
from maskgan.errors import UserError
from maskgan.evaluation.systems import RefinedSystem, RenderOptions, Request, TrainedSystem
from maskgan.images import Picture, read_picture
from maskgan.labels import LabelMap

Face = tuple[Picture, LabelMap]
STEPS = 12


def with_mouth(label_map: LabelMap) -> LabelMap:
    edited = label_map.copy()
    edited[60:70, 40:56] = 10
    return edited


def distance(made: Picture, picture: Picture) -> float:
    return float(np.abs(made.astype(float) - picture).mean())


def refined_renderer(renderer: Renderer, face: Face, steps: int) -> tuple[Renderer, torch.Tensor]:
    model = refine(analyse_face(renderer, *face), steps)
    return model.renderer, model.style


@pytest.fixture(scope="module")
def refined(tiny_weights: Path, face: Face) -> FaceEditor:
    """An editor whose source is refined; tests set their own mask."""
    editor = FaceEditor.from_weights(tiny_weights)
    editor.set_source(*face)
    editor.refine(STEPS)
    return editor


@pytest.fixture
def plain(tiny_weights: Path, face: Face) -> FaceEditor:
    editor = FaceEditor.from_weights(tiny_weights)
    editor.set_source(*face)
    return editor


def test_the_picture_comes_nearer_with_every_ten_steps(plain: FaceEditor, face: Face) -> None:
    distances = []
    for steps in (0, 10, 20):
        plain.refine(steps)
        distances.append(distance(plain.render("full"), face[0]))
    assert distances[1] < 0.8 * distances[0]
    assert distances[2] < 0.95 * distances[1]


def test_style_and_last_layers_are_fitted(tiny_weights: Path, face: Face) -> None:
    renderer = Renderer.from_weights(tiny_weights)
    own, style = refined_renderer(renderer, face, STEPS)
    assert (style != renderer.encode(*face)).float().mean() > 0.9
    with_own_layers = own.synthesise([face[1]], style)
    with_shared_layers = renderer.synthesise([face[1]], style)
    target = torch.from_numpy(face[0].copy()).permute(2, 0, 1)[None] / 127.5 - 1
    target = torch.nn.functional.interpolate(target, size=with_own_layers.shape[2:], mode="area")
    assert (with_own_layers - target).abs().mean() < (with_shared_layers - target).abs().mean()


def test_what_is_not_edited_stays(refined: FaceEditor, face: Face) -> None:
    refined.set_mask(face[1])
    assert (refined.render() == face[0]).all()
    edited = with_mouth(face[1])
    refined.set_mask(edited)
    result = refined.render()
    rows, columns = np.nonzero(edited != face[1])
    near = np.zeros(edited.shape, dtype=bool)
    reach = 24  # a quarter of the side, to which the face goes along
    near[max(rows.min() - reach, 0) : rows.max() + reach, max(columns.min() - reach, 0) : columns.max() + reach] = True
    assert (result[~near] == face[0][~near]).all()
    assert (result[edited != face[1]] != face[0][edited != face[1]]).any()


def test_others_pictures_stay_bit_for_bit(tiny_weights: Path, face: Face) -> None:
    renderer = Renderer.from_weights(tiny_weights)
    style = renderer.encode(*face)
    before = renderer.synthesise([with_mouth(face[1])], style)
    own, own_style = refined_renderer(renderer, face, STEPS)
    other, other_style = refined_renderer(renderer, (255 - face[0], face[1]), STEPS)
    first = own.synthesise([face[1]], own_style)
    assert torch.equal(renderer.synthesise([with_mouth(face[1])], style), before)
    assert torch.equal(renderer.encode(*face), style)
    assert not torch.equal(first, other.synthesise([face[1]], other_style))
    assert torch.equal(first, own.synthesise([face[1]], own_style))


def test_all_but_the_last_layers_share_their_memory(tiny_weights: Path, face: Face) -> None:
    renderer = Renderer.from_weights(tiny_weights)
    own, _ = refined_renderer(renderer, face, 1)
    shared = {name: tensor.data_ptr() for name, tensor in renderer.network.module.state_dict().items()}
    copied = {name for name, tensor in own.network.module.state_dict().items() if tensor.data_ptr() != shared[name]}
    last = len(own.network.module.backbone.up) - 1
    layers = (f"backbone.up.{last}.conv", "backbone.head")
    assert copied == {f"{layer}.{part}" for layer in layers for part in ("weight", "bias")}
    assert not any(parameter.requires_grad for parameter in own.network.module.parameters())


def test_it_is_repeatable_and_begins_anew(refined: FaceEditor, plain: FaceEditor, face: Face) -> None:
    refined.set_mask(with_mouth(face[1]))
    plain.refine(3)
    plain.refine(STEPS)
    plain.set_mask(with_mouth(face[1]))
    for blend in ("full", "region"):
        assert (plain.render(blend) == refined.render(blend)).all()  # type: ignore[arg-type]


def test_no_steps_change_nothing(plain: FaceEditor, face: Face) -> None:
    plain.set_mask(with_mouth(face[1]))
    before = plain.render("full"), plain.render("region")
    plain.refine(0)
    assert (plain.render("full") == before[0]).all() and (plain.render("region") == before[1]).all()
    plain.refine(2)
    assert (plain.render("full") != before[0]).any()
    plain.refine(0)
    assert (plain.render("full") == before[0]).all() and (plain.render("region") == before[1]).all()


def test_the_next_source_begins_without_it(plain: FaceEditor, face: Face) -> None:
    before = plain.render("full")
    plain.refine(2)
    plain.set_source(*face)
    assert (plain.render("full") == before).all()


def test_copied_styles_leave_their_share_of_it(refined: FaceEditor, plain: FaceEditor, face: Face) -> None:
    differences = []
    for strength in (0.0, 0.01, 0.5, 1.0):
        pictures = []
        for editor in (refined, plain):
            editor.set_mask(face[1])
            editor.set_style(255 - face[0], face[1], strength)
            pictures.append(editor.render("full"))
            editor.reset_style()
        differences.append(distance(*pictures))
    assert differences[1] == pytest.approx(differences[0], rel=0.1)
    assert differences[2] > 0 and differences[3] == 0


def test_each_step_is_told(plain: FaceEditor) -> None:
    told: list[tuple[int, int]] = []
    plain.refine(3, lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_it_works_where_gradients_are_off(plain: FaceEditor, refined: FaceEditor, face: Face) -> None:
    with torch.no_grad():
        plain.refine(STEPS)
    refined.set_mask(face[1])
    assert (plain.render("full") == refined.render("full")).all()


def test_bad_calls_are_refused(tiny_weights: Path, plain: FaceEditor) -> None:
    with pytest.raises(UserError, match="call set_source first"):
        FaceEditor.from_weights(tiny_weights).refine(1)
    for steps in (-1, MAX_STEPS + 1):
        with pytest.raises(UserError, match=f"refined in 0 to {MAX_STEPS} steps, not {steps}"):
            plain.refine(steps)


def test_edit_refines(tmp_path: Path, tiny_weights: Path, face_files: dict[str, Path]) -> None:
    arguments = ["edit", str(face_files["image"]), "--mask", str(face_files["mask"])]
    arguments += ["--edited", str(face_files["mask"]), "--weights", str(tiny_weights), "--blend", "full"]
    distances = []
    for steps in ("0", str(STEPS)):
        out = tmp_path / f"{steps}.png"
        assert main([*arguments, "--refine", steps, "-o", str(out)]) == 0
        distances.append(distance(read_picture(out), read_picture(face_files["image"])))
    assert distances[1] < 0.9 * distances[0]
    assert main([*arguments, "--refine", "1001", "-o", str(tmp_path / "no.png")]) == 2


def test_a_system_refines_each_source_once(tiny_weights: Path, face: Face, monkeypatch: pytest.MonkeyPatch) -> None:
    refinements = []
    refine = FaceEditor.refine

    def counting(self: FaceEditor, steps: int) -> None:
        refinements.append(steps)
        refine(self, steps)

    monkeypatch.setattr(FaceEditor, "refine", counting)
    system = RefinedSystem("tiny", tiny_weights, RenderOptions(), STEPS)
    own, other = FacePair("own", *face), FacePair("other", 255 - face[0], face[1])
    made = [system([Request(str(i), own, own, mask)])[0] for i, mask in enumerate((face[1], with_mouth(face[1])))]
    assert refinements == [STEPS]
    assert distance(made[0], face[0]) < distance(
        TrainedSystem("t", tiny_weights, RenderOptions())([Request("0", own, own, face[1])])[0], face[0]
    )
    copied = Request("copied", own, other, face[1])
    (rendered,), (plain,) = system([copied]), TrainedSystem("t", tiny_weights, RenderOptions())([copied])
    assert refinements == [STEPS], "in another face's style there is nothing to fit"
    # One system encodes both faces in one batch, which may round otherwise.
    assert np.abs(rendered.astype(int) - plain).max() <= 1


def test_evaluation_names_the_refined_row(tiny_weights: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["evaluate", "--data", "synthetic:2", "--side", "64", "--weights", str(tiny_weights), "--refine", "2"]
    assert main(arguments) == 0
    printed = capsys.readouterr().out
    assert "| tiny, own style |" in printed and "| tiny, refined in 2 steps, own style |" in printed
    assert main([*arguments, "--task", "style-copy"]) == 2
    error = capsys.readouterr().err
    assert "--refine: has no effect on --task style-copy; it belongs to reconstruct, smile, interactive" in error
