"""The edit network learns that faces follow their mouths."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from maskgan.data.batches import Faces
from maskgan.data.loading import Samples, pair_to_tensors
from maskgan.data.synthetic.dataset import SyntheticPairs
from maskgan.editing.edit_region import EditRegion
from maskgan.errors import UserError
from maskgan.face_parts import MOUTH, SKIN
from maskgan.labels import INDEX, LabelMap
from maskgan.networks.resnet import AttributeClassifier
from maskgan.training.edit_config import ExpressionLossWeights
from maskgan.training.expression import ExpressionStage, _distance, _Practice
from maskgan.training.loop import train
from maskgan.training.mouth_exchange import MouthDonors, exchange_mouths
from maskgan.training.stage import StageSetup
from maskgan.training.stages import build_stage
from tiny_runs import PAIRS, config, run, state

SIDE = 64
TRAINED = 32  # the side at which the tiny preset trains


@pytest.fixture(scope="module")
def settings(tiny_edit_weights: Path, classifier_weights: Path) -> dict[str, Any]:
    return {
        "init_weights": str(tiny_edit_weights),
        "classifier": str(classifier_weights),
        "precision": "fp32",
    }


def brightness(pictures: Tensor) -> Tensor:
    """Of the surroundings of mouths, N."""
    height, width = pictures.shape[2:]
    return pictures[:, :, height // 2 : height * 4 // 5, width // 3 : width * 2 // 3].mean((1, 2, 3))


@pytest.fixture(autouse=True)
def bright_mouths(monkeypatch: pytest.MonkeyPatch) -> None:
    """To the classifier a face smiles whose mouth is brighter than that of half of ``people``."""
    bright = brightness(people().pictures).median()

    def forward(_: nn.Module, pictures: Tensor) -> Tensor:
        return (10 * (brightness(pictures.float()) - bright) - 0.1)[:, None].expand(-1, 40)

    monkeypatch.setattr(AttributeClassifier, "forward", forward)


def people(count: int = 6, side: int = TRAINED) -> Faces:
    return Samples(SyntheticPairs(count, SIDE, seed=0), pair_to_tensors, SIDE).first(count).prepared(side)


def face(mouth: int = 0) -> LabelMap:
    """Eyes, brows, a nose, and a mouth of its own width."""
    label_map = np.zeros((SIDE, SIDE), dtype=np.uint8)
    label_map[6:60, 12:52] = SKIN
    for label, rows, columns in ((4, 22, 20), (5, 22, 38), (6, 16, 20), (7, 16, 38)):
        label_map[rows : rows + 3, columns : columns + 7] = label
    label_map[26:38, 29:35] = 2
    label_map[44:50, 26 - mouth : 38 + mouth] = MOUTH[1]
    return label_map


def half(*label_maps: LabelMap) -> Tensor:
    """At the side at which is trained, N x TRAINED x TRAINED."""
    return torch.from_numpy(np.stack(label_maps)[:, :: SIDE // TRAINED, :: SIDE // TRAINED].copy())


def test_each_face_gets_the_mouth_of_one_with_the_other_expression() -> None:
    narrow, wide = face(), face(6)
    first, second, third = exchange_mouths(np.stack([narrow, wide, wide]), np.array([False, True, True]))
    assert first is not None and second is not None and third is not None
    np.testing.assert_array_equal(first, wide)
    np.testing.assert_array_equal(second, narrow)
    np.testing.assert_array_equal(third, narrow)


def test_the_donor_is_turned_most_like_the_face() -> None:
    turned = face(6)
    turned[26:38, 29:35] = SKIN
    turned[26:38, 35:41] = 2  # its nose points to the side
    result, *_ = exchange_mouths(np.stack([face(), turned, face(3)]), np.array([False, True, True]))
    assert result is not None
    np.testing.assert_array_equal(result, face(3))


def test_without_another_expression_or_a_whole_face_no_mouth_is_exchanged() -> None:
    faces = np.stack([face(), face(4)])
    assert exchange_mouths(faces, np.array([True, True])) == [None, None]
    faces[1][22:25] = SKIN  # no eyes
    assert exchange_mouths(faces, np.array([True, False])) == [None, None]


def test_mouths_come_from_faces_seen_before_too() -> None:
    donors = MouthDonors(capacity=2, side=SIDE)
    wide, narrow = face(6)[None], face()[None]
    assert donors.exchange(wide, np.array([True])) == [None]
    (first,) = donors.exchange(narrow, np.array([False]))
    assert first is not None
    np.testing.assert_array_equal(first, wide[0])
    # The oldest makes room: both donors that are left do not smile.
    (third,) = donors.exchange(face(2)[None], np.array([False]))
    assert third is None


def test_donors_are_saved_and_turned_faces_are_none() -> None:
    before, after = MouthDonors(capacity=4, side=SIDE), MouthDonors(capacity=4, side=SIDE)
    hidden = face(6)
    hidden[22:25] = SKIN  # no eyes
    before.exchange(np.stack([hidden, face(3)]), np.array([True, True]))
    after.load_state_dict(before.state_dict())
    (result,) = after.exchange(face()[None], np.array([False]))
    assert result is not None
    np.testing.assert_array_equal(result, face(3))


def test_two_and_two_steps_equal_four(tmp_path: Path, settings: dict[str, Any]) -> None:
    steady = {"lr_decay_start": 1.0, **settings}
    run(tmp_path / "whole", config("expression", **steady))
    run(tmp_path / "parts", config("expression", images=4, **steady))
    run(tmp_path / "parts", config("expression", **steady))
    assert any(json.loads(line)["exchanged"] > 0 for line in (tmp_path / "whole" / "stats.jsonl").open())
    whole, parts = state(tmp_path / "whole"), state(tmp_path / "parts")
    assert whole.keys() == parts.keys()
    for name in whole:
        assert torch.equal(whole[name], parts[name]), name


def test_a_run_goes_on_from_what_it_began_with(tmp_path: Path, settings: dict[str, Any]) -> None:
    """In ``train all`` the stage before may have learnt on, and replaced its file."""
    weights = tmp_path / "edit.safetensors"
    shutil.copy(settings["init_weights"], weights)
    steady = {"lr_decay_start": 1.0, **settings, "init_weights": str(weights)}
    run(tmp_path / "whole", config("expression", **steady))
    run(tmp_path / "parts", config("expression", images=4, **steady))
    weights.unlink()
    rest = config("expression", **steady)
    train(build_stage(rest, StageSetup(resumes=True)), rest, PAIRS, tmp_path / "parts")
    whole, parts = state(tmp_path / "whole"), state(tmp_path / "parts")
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


def test_only_the_deep_levels_learn_and_the_rest_ships_as_it_was(tmp_path: Path, settings: dict[str, Any]) -> None:
    choice = config("expression", batch_size=6, images=24, ema_halflife_kimg=0.001, **settings)
    stage = build_stage(choice)
    train(stage, choice, PAIRS, tmp_path)
    before, after = load_file(settings["init_weights"]), load_file(tmp_path / "edit.safetensors")
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    deep = ("coarse.down.2.", "coarse.attention.", "coarse.residual.", "coarse.up.0.")
    assert changed and all(name.startswith(deep) for name in changed)
    assert {name.split(".")[1] for name in changed} == {"down", "attention", "residual", "up"}


def test_an_untouched_network_has_changed_nothing(settings: dict[str, Any]) -> None:
    stage = build_stage(config("expression", batch_size=6, **settings))
    losses = stage.train_step(people(), 0.9)
    assert losses["change"] == losses["rehearsal"] == 0
    assert losses["expression"] > 0
    assert stage.train_step(people(), 0.9)["change"] > 0


def test_another_person_costs(settings: dict[str, Any]) -> None:
    """Faces of ``TRAINED`` pixels are too small to be aligned; these are not."""
    weights = ExpressionLossWeights(expression=0, identity=1, change=0, rehearsal=0, adversarial=0)
    stage = build_stage(config("expression", batch_size=6, **{**settings, "weights": weights}))
    loss = stage.val_loss(people(side=SIDE))
    assert 1e-3 < loss < 1


def test_faces_learn_to_follow_their_mouths(settings: dict[str, Any]) -> None:
    weights = ExpressionLossWeights(expression=1, identity=0, change=0, rehearsal=0, adversarial=0)
    options = {**settings, "rehearsals": 0.0, "learning_rate": 3e-3, "weights": weights}
    stage = build_stage(config("expression", batch_size=6, **options))
    torch.manual_seed(0)
    before = stage.val_loss(people())
    for _ in range(8):
        stage.train_step(people(), 0.5)
    assert stage.val_loss(people()) < 0.98 * before


def test_rehearsals_hold_on_to_what_the_network_could_do(settings: dict[str, Any]) -> None:
    """Where nothing but the classifier teaches, other holes change; with rehearsals they change less."""
    away = []
    for weight in (0.0, 300.0):
        weights = ExpressionLossWeights(expression=2, identity=0, change=0, rehearsal=weight, adversarial=0)
        options = {**settings, "rehearsals": 0.5, "learning_rate": 1e-3, "weights": weights}
        stage = build_stage(config("expression", batch_size=6, **options))
        torch.manual_seed(0)
        losses = [stage.train_step(people(), 0.5)["rehearsal"] for _ in range(6)]
        away.append(float(torch.stack(losses[2:]).mean()))
    assert away[1] < 0.8 * away[0]


def test_the_practice_is_an_edit_as_people_make_it(settings: dict[str, Any]) -> None:
    stage = build_stage(config("expression", batch_size=6, **settings))
    faces = people()
    practice = stage._sample_practice(faces, rehearsals=0)
    exchanged = [i for i, moving in enumerate(practice.moving) if moving is not None]
    assert exchanged
    for i in exchanged:
        own, edited = faces.label_maps[i].numpy(), practice.labels[i].numpy()
        region = EditRegion(own, edited)
        assert torch.equal(practice.hole[i], region.hole(own.shape)[0])
        assert set(np.unique(own[own != edited])) <= {*MOUTH, SKIN}


def test_closed_lips_learn_no_smile(settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """A classifier would put teeth on them."""
    stage = build_stage(config("expression", batch_size=2, **settings, rehearsals=0.0))
    mouth = face(6)
    faces = Faces(people(2).pictures, half(face(), mouth), torch.empty(2, 0, TRAINED, TRAINED))
    draw = ExpressionStage._sample_practice
    for smiling, learns in ((1.0, False), (0.0, True)):
        target = torch.full((2,), smiling)
        with monkeypatch.context() as patched:
            patched.setattr(ExpressionStage, "_sample_practice", lambda *args, t=target: draw(*args)._replace(target=t))
            assert (stage.train_step(faces, 0.9)["expression"] > 0) == learns
    mouth[46:48, 22:42] = INDEX["mouth"]
    assert stage.train_step(faces._replace(label_maps=half(mouth, face())), 0.9)["expression"] > 0


def test_a_step_in_bf16_is_near_one_in_fp32(settings: dict[str, Any]) -> None:
    losses = []
    for precision in ("fp32", "bf16"):
        stage = build_stage(config("expression", batch_size=6, **{**settings, "precision": precision}))
        torch.manual_seed(3)
        losses.append(stage.train_step(people(), 0.9))
    assert losses[0]["exchanged"] > 0
    for name in ("expression", "identity"):
        assert float(losses[1][name]) == pytest.approx(float(losses[0][name]), rel=0.05), name


def test_discriminators_learn_which_is_the_photograph(settings: dict[str, Any]) -> None:
    """Against a network that stands still, they tell edits from photographs better and better."""
    torch.manual_seed(0)
    stage = build_stage(config("expression", batch_size=6, **{**settings, "learning_rate": 1e-3, "rehearsals": 0.0}))
    for group in stage.optimizers["generator"].param_groups:
        group["lr"] = 0.0
    losses = [stage.train_step(people(), 0.9) for _ in range(16)]
    learnt = torch.stack([loss["d_loss"] for loss in losses[-4:]]).mean()
    assert learnt < 0.93 * losses[0]["d_loss"]
    assert all(loss["change"] == 0 for loss in losses)


def test_the_network_learns_from_the_discriminators(settings: dict[str, Any]) -> None:
    weights = ExpressionLossWeights(expression=0, identity=0, change=0, rehearsal=0, adversarial=1)
    stage = build_stage(config("expression", batch_size=6, **{**settings, "weights": weights}))
    stage.train_step(people(), 0.9)
    assert stage.train_step(people(), 0.9)["change"] > 0


def test_faces_that_cannot_exchange_are_rehearsed(settings: dict[str, Any]) -> None:
    stage = build_stage(config("expression", batch_size=2, **settings))
    pictures, label_maps, edits = people(2)
    losses = stage.train_step(Faces(torch.ones_like(pictures), label_maps, edits), 0.9)
    assert losses["exchanged"] == 0 and all(torch.isfinite(loss) for loss in losses.values())
    assert stage.val_loss(people(1)) == 0


def test_lips_count_more_than_skin_and_teeth_less() -> None:
    labels = torch.tensor([[[INDEX["u_lip"], SKIN], [INDEX["mouth"], SKIN]]])
    hole = torch.tensor([[[[1.0, 1.0], [1.0, 0.0]]]])
    practice = _Practice(torch.zeros(1, 1), labels, hole, hole, [None], torch.zeros(1))
    drawn = torch.tensor([[0.1, 0.2], [0.3, 5.0]]).expand(1, 3, 2, 2)
    expected = (4 * 0.1 + 0.2 + 0.2 * 0.3) / 3
    assert _distance(drawn, torch.zeros(1, 3, 2, 2), practice).item() == pytest.approx(expected)


def test_bad_options_are_named(settings: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--resolution must be at most 32"):
        config("expression", **settings, resolution=64)
    with pytest.raises(UserError, match="--rehearsals must be"):
        config("expression", **settings, rehearsals=1.0)
    with pytest.raises(UserError, match="gone"):
        build_stage(config("expression", **{**settings, "classifier": str(tmp_path / "gone.safetensors")}))
    with pytest.raises(UserError, match="edit"):
        build_stage(config("expression", **{**settings, "classifier": settings["init_weights"]}))
